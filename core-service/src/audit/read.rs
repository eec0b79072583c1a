//! Reading the audit log, for the command `aurareels audit`.
//!
//! A line that cannot be read (cut off by a power failure, written by a later release) is counted and left out.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use chrono::{DateTime, Utc};

use super::{Entry, directory, file};

/// Which lines are wanted. What is absent or empty does not matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Not before.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Before.
    pub(crate) until: Option<DateTime<Utc>>,
    /// Of this user.
    pub(crate) user: Option<i64>,
    /// Whose caller is this, or of this kind: "api_key/3", "session".
    pub(crate) caller: Option<String>,
    /// Whose action has this in it, in whatever case.
    pub(crate) action: Option<String>,
    /// That names this row: "post/5".
    pub(crate) row: Option<String>,
    /// That did not go well.
    pub(crate) failed: bool,
}

impl Filter {
    fn takes(&self, entry: &Entry) -> bool {
        let Ok(time) = entry.time.parse::<DateTime<Utc>>() else { return false };
        let is_of = |caller: &String| {
            entry.caller == *caller
                || entry.caller.strip_prefix(caller.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        let has = |action: &String| entry.action.to_lowercase().contains(&action.to_lowercase());
        self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time < until)
            && self.user.is_none_or(|user| entry.user == Some(user))
            && self.caller.as_ref().is_none_or(is_of)
            && self.action.as_ref().is_none_or(has)
            && self.row.as_ref().is_none_or(|row| entry.rows.contains(row))
            && !(self.failed && entry.outcome == "Ok")
    }
}

/// Lines that were found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The newest that fit, the oldest of them first.
    pub(crate) entries: VecDeque<Entry>,
    /// How many lines could not be read.
    pub(crate) unreadable: u64,
}

/// The newest lines that a filter takes, at most so many.
pub(crate) fn newest(data_dir: &Path, filter: &Filter, most: usize) -> io::Result<Found> {
    let mut found = Found::default();
    for (day, path) in file::files(&directory(data_dir)) {
        let is_before = filter.since.is_some_and(|since| day < since.date_naive());
        let is_after = filter.until.is_some_and(|until| day > until.date_naive());
        if is_before || is_after {
            continue;
        }
        let mut lines = BufReader::new(File::open(path)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            match serde_json::from_slice::<Entry>(&line) {
                Ok(entry) if filter.takes(&entry) => {
                    found.entries.push_back(entry);
                    if found.entries.len() > most {
                        found.entries.pop_front();
                    }
                }
                Ok(_) => {}
                Err(_) => found.unreadable += 1,
            }
            line.clear();
        }
    }
    Ok(found)
}

//! The mark: a small file beside the database that remembers what the database has handed out. A database that was put
//! back from a copy is older than its mark, and so is found out.
//!
//! Guaranteed: the mark never says more than what is committed, so only a database that went back in time is behind it. It
//! is written after the commit and before the caller is answered, without a flush: a power cut may leave it older, which
//! is harmless. It has two places that are written in turn, each with a check sum, so that one is always whole.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tracing::warn;

use crate::{private, store::handed_out::HandedOut};

/// Bytes of one of the two places.
const PLACE: usize = 256;

/// First word of a place, with the version of its form.
const FORM: &str = "aurareels-mark-1";

/// Whose numbers a mark remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Owner {
    /// The database.
    pub(in crate::store) database: String,
    /// Its lineage.
    pub(in crate::store) lineage: String,
}

/// An open mark.
#[derive(Debug)]
pub(in crate::store) struct Mark {
    file: File,
    owner: Owner,
    highest: HandedOut,
    second: bool,
}

/// Where the mark of a database file is.
pub(in crate::store) fn path_of(database: &Path) -> PathBuf {
    database.with_extension("mark")
}

/// What a mark says; `None` when there is none, or none that can be read.
pub(in crate::store) fn read(path: &Path) -> io::Result<Option<(Owner, HandedOut)>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let places: Vec<_> = bytes.chunks(PLACE).filter_map(parse).collect();
    if places.is_empty() {
        warn!(path = %path.display(), "the mark beside the database cannot be read; it is written anew");
    }
    Ok(places.into_iter().reduce(|one, other| match one.0 == other.0 {
        true => (one.0, one.1.max(other.1)),
        // Both are written when a lineage begins; a lineage's numbers are past those of the one before.
        false if other.1.sequence > one.1.sequence => other,
        false => one,
    }))
}

fn parse(place: &[u8]) -> Option<(Owner, HandedOut)> {
    let text = std::str::from_utf8(place).ok()?.trim_end();
    let (said, sum) = text.rsplit_once(' ')?;
    let words: Vec<&str> = said.split(' ').collect();
    let [FORM, database, lineage, sequence, post] = words.as_slice() else { return None };
    let highest = HandedOut { sequence: sequence.parse().ok()?, post: post.parse().ok()? };
    let owner = Owner { database: (*database).to_owned(), lineage: (*lineage).to_owned() };
    (sum == check_sum(said)).then_some((owner, highest))
}

fn check_sum(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..8])
}

impl Mark {
    /// Opens the mark and writes it anew.
    pub(in crate::store) fn begin(path: &Path, owner: Owner, highest: HandedOut) -> io::Result<Self> {
        let mut mark = Self { file: private::open_file(path)?, owner, highest, second: false };
        mark.write()?;
        mark.write()?;
        mark.file.sync_all()?;
        Ok(mark)
    }

    /// Remembers what was handed out.
    pub(super) fn note(&mut self, handed_out: HandedOut) {
        let highest = self.highest.max(handed_out);
        if highest == self.highest {
            return;
        }
        self.highest = highest;
        if let Err(error) = self.write() {
            // What was committed stands; the mark only remembers less.
            warn!(%error, "the mark beside the database cannot be written");
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let Owner { database, lineage } = &self.owner;
        let said = format!("{FORM} {database} {lineage} {} {}", self.highest.sequence, self.highest.post);
        let line = format!("{said} {}", check_sum(&said));
        let text = format!("{line:width$}\n", width = PLACE - 1);
        let at = if self.second { PLACE as u64 } else { 0 };
        self.second = !self.second;
        write_at(&mut self.file, text.as_bytes(), at)
    }
}

#[cfg(unix)]
fn write_at(file: &mut File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(not(unix))]
fn write_at(file: &mut File, bytes: &[u8], at: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(lineage: &str) -> Owner {
        Owner { database: "d".into(), lineage: lineage.into() }
    }

    fn out(sequence: i64, post: i64) -> HandedOut {
        HandedOut { sequence, post }
    }

    #[test]
    fn a_mark_remembers_the_highest_of_each() {
        let directory = tempfile::tempdir().unwrap();
        let path = path_of(&directory.path().join("aurareels.db"));
        assert!(path.ends_with("aurareels.mark") && read(&path).unwrap().is_none());
        let mut mark = Mark::begin(&path, owner("a"), out(5, 2)).unwrap();
        for (sequence, post) in [(6, 0), (9, 3), (8, 4)] {
            mark.note(out(sequence, post));
        }
        assert_eq!(read(&path).unwrap(), Some((owner("a"), out(9, 4))));
        Mark::begin(&path, owner("b"), out(100, 100)).unwrap();
        assert_eq!(read(&path).unwrap(), Some((owner("b"), out(100, 100))));
    }

    #[test]
    fn a_place_that_was_cut_in_writing_leaves_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m");
        let mut mark = Mark::begin(&path, owner("a"), out(5, 2)).unwrap();
        mark.note(out(6, 2));
        let whole = std::fs::read(&path).unwrap();
        for (broken, left) in [(0, 5), (PLACE, 6)] {
            let mut bytes = whole.clone();
            bytes[broken + 30] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(read(&path).unwrap(), Some((owner("a"), out(left, 2))));
        }
        std::fs::write(&path, b"nothing").unwrap();
        assert_eq!(read(&path).unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m");
        Mark::begin(&path, owner("a"), out(5, 2)).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

//! `audit`: shows what people and keys did, from the files of the data directory, with or without a running core.

use std::path::PathBuf;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;

use super::{output, process::Configured, show};
use crate::{
    audit::{self, Entry, read},
    clock::Clock,
};

/// Show what people and keys did: who called what, which rows it touched, what came of it.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    configured: Configured,
    /// Read the files of this data directory instead of that of the settings.
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
    /// Not before this time: 2026-11-30T12:00:00Z, or so long ago: 90m, 24h, 7d.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// Only what was done for this user.
    #[arg(long, value_name = "NUMBER")]
    user: Option<i64>,
    /// Only by this API key, by its number in `api-key list`.
    #[arg(long, value_name = "NUMBER", conflicts_with = "caller")]
    key: Option<i64>,
    /// Only by this caller, or callers of this kind: token/7, session, site, command.
    #[arg(long, value_name = "CALLER")]
    caller: Option<String>,
    /// Only actions with this in their name: CancelPost, WebhookService, api-key.
    #[arg(long, value_name = "TEXT")]
    action: Option<String>,
    /// Only what touched this post.
    #[arg(long, value_name = "NUMBER", conflicts_with = "row")]
    post: Option<i64>,
    /// Only what touched this row: account/3, webhook/1, media/…
    #[arg(long, value_name = "ROW")]
    row: Option<String>,
    /// Only what was refused or failed.
    #[arg(long)]
    failed: bool,
    /// The newest so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
    /// Print one JSON object a line, as the files have them.
    #[arg(long)]
    json: bool,
}

/// A time, or how long ago it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    At(DateTime<Utc>),
    Ago(TimeDelta),
}

impl Moment {
    fn at(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.checked_sub_signed(ago).unwrap_or(DateTime::<Utc>::MIN_UTC),
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(at) = text.parse() {
        return Ok(Moment::At(at));
    }
    let ago = text.char_indices().last().and_then(|(end, unit)| {
        let number: i64 = text[..end].parse().ok().filter(|number| *number >= 0)?;
        match unit {
            'm' => TimeDelta::try_minutes(number),
            'h' => TimeDelta::try_hours(number),
            'd' => TimeDelta::try_days(number),
            _ => None,
        }
    });
    ago.map(Moment::Ago)
        .ok_or_else(|| "give a time such as 2026-11-30T12:00:00Z, or 90m, 24h, 7d for so long ago".to_owned())
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let data_dir = match &arguments.data_dir {
        Some(data_dir) => data_dir.clone(),
        None => arguments.configured.settings()?.store.data_dir,
    };
    let directory = audit::directory(&data_dir);
    anyhow::ensure!(
        directory.is_dir(),
        "there is no audit log at {}; AURAREELS_DATA_DIR or --data-dir names where the core keeps its files",
        directory.display()
    );
    let now = Clock::system().now();
    let filter = read::Filter {
        since: arguments.since.map(|since| since.at(now)),
        until: arguments.until.map(|until| until.at(now)),
        user: arguments.user,
        caller: arguments.key.map(|key| format!("api_key/{key}")).or(arguments.caller),
        action: arguments.action,
        row: arguments.post.map(|post| format!("post/{post}")).or(arguments.row),
        failed: arguments.failed,
    };
    let found = read::newest(&data_dir, &filter, arguments.limit)
        .with_context(|| format!("the audit log at {} cannot be read", directory.display()))?;
    if found.unreadable > 0 {
        eprintln!("lines that cannot be read: {}", found.unreadable);
    }
    if arguments.json {
        return found.entries.iter().try_for_each(|entry| output::line(&serde_json::to_string(entry)?));
    }
    let mut table = show::table(["time", "caller", "user", "action", "rows", "outcome", "from"]);
    for entry in found.entries {
        table.add_row(row(entry));
    }
    output::line(&table.to_string())
}

fn row(entry: Entry) -> [String; 7] {
    const SHOWN: usize = 5;
    let time = entry.time.parse().map_or(entry.time, show::second);
    let mut rows = entry.rows.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(" ");
    if entry.rows.len() > SHOWN {
        rows.push_str(&format!(" and {} more", entry.rows.len() - SHOWN));
    }
    let outcome = if entry.reason.is_empty() { entry.outcome } else { format!("{}: {}", entry.outcome, entry.reason) };
    let user = entry.user.map(|user| user.to_string()).unwrap_or_default();
    [time, entry.caller, user, entry.action, rows, outcome, entry.address]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_given_as_such_or_as_how_long_ago() {
        let now: DateTime<Utc> = "2026-11-30T12:00:00Z".parse().unwrap();
        for (text, at) in [
            ("2026-11-29T00:00:00Z", "2026-11-29T00:00:00Z"),
            ("2026-11-30T01:00:00+01:00", "2026-11-30T00:00:00Z"),
            ("90m", "2026-11-30T10:30:00Z"),
            ("24h", "2026-11-29T12:00:00Z"),
            ("7d", "2026-11-23T12:00:00Z"),
        ] {
            assert_eq!(moment(text).unwrap().at(now), at.parse::<DateTime<Utc>>().unwrap(), "{text}");
        }
        for wrong in ["", "d", "-1d", "7", "7w", "yesterday", "7ä", "99999999999999999999d"] {
            assert!(moment(wrong).unwrap_err().contains("24h"), "{wrong}");
        }
        assert_eq!(moment("99999999999d").unwrap().at(now), DateTime::<Utc>::MIN_UTC);
    }
}

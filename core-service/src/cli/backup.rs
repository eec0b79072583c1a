//! `backup`, `restore` and `restored`.

use std::{io::IsTerminal, path::PathBuf};

use chrono::{DateTime, Utc};
use indicatif::{ProgressBar, ProgressStyle};

use super::process::{Configured, Note, there_is_one};
use crate::{
    backup::{self, Progress},
    clock::Clock,
    domain::lineage::Lineage,
    fault,
    store::replacing::{self, Replacement},
};

/// Make a backup: the database and the uploads of its posts, in one file. A core may run meanwhile.
#[derive(clap::Args)]
pub(super) struct Backup {
    #[command(flatten)]
    configured: Configured,
    /// The file to be written; one that is there is replaced once the new one is whole.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Restore a backup into the data directory. No core may run on it.
#[derive(clap::Args)]
pub(super) struct Restore {
    #[command(flatten)]
    configured: Configured,
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Put it in the place of a database that holds accounts; that one is kept beside it.
    #[arg(long)]
    replace: bool,
}

/// Say that the database is a copy of an earlier time, which was put there by other means.
#[derive(clap::Args)]
pub(super) struct TellRestored {
    #[command(flatten)]
    configured: Configured,
    /// When the copy was made, at the latest the time of the last change in it: 2026-11-29T03:00:00Z.
    #[arg(long, value_name = "TIME")]
    backup_time: DateTime<Utc>,
}

/// The time that cores on the same database go by.
async fn clock() -> Clock {
    let clock = Clock::system();
    fault::follow_clock(&clock).await;
    clock
}

pub(super) async fn backup(arguments: Backup) -> anyhow::Result<()> {
    let settings = arguments.configured.settings()?;
    there_is_one(&settings)?;
    let written = backup::write(&settings.store, &arguments.file, clock().await, Box::new(Bar::new())).await?;
    println!(
        "{}: {} MB, as of {}",
        arguments.file.display(),
        written.bytes / 1_000_000,
        shown(written.about.backup_at)
    );
    println!("  {} uploads", written.about.media - written.left_out);
    if settings.media.bucket.is_some() {
        println!(
            "  those in the bucket of AURAREELS_MEDIA_STORE are not in it: the bucket keeps them by its own means"
        );
    } else if written.left_out > 0 {
        eprintln!("  {} uploads were not there any more: nobody needed them", written.left_out);
    }
    say_keys(&written.about.encryption_keys);
    Ok(())
}

pub(super) async fn restore(arguments: Restore) -> anyhow::Result<()> {
    let settings = arguments.configured.settings()?;
    let restored =
        backup::restore(&settings.store, &arguments.file, arguments.replace, clock().await, Box::new(Bar::new()))
            .await?;
    arguments.configured.note(Note::of("restore"));
    println!("restored as of {}, with {} uploads", shown(restored.about.backup_at), restored.media);
    if let Some(kept) = &restored.kept {
        println!("the database that was there is kept as {}", kept.display());
    }
    say_lineage(&restored.lineage);
    say_keys(&restored.about.encryption_keys);
    Ok(())
}

pub(super) async fn restored(arguments: TellRestored) -> anyhow::Result<()> {
    let settings = arguments.configured.settings()?;
    let clock = clock().await;
    if arguments.backup_time > clock.now() {
        anyhow::bail!("--backup-time lies in the future; give the time at which the copy was made");
    }
    let lineage = if settings.store.place().is_on_server() {
        replacing::tell_server(settings.store.place(), arguments.backup_time, clock).await?
    } else {
        let replacement = Replacement::begin(settings.store.database_url.expose(), clock).await?;
        if !replacement.file().exists() {
            anyhow::bail!("there is no database at {}; put the copy there first", replacement.file().display());
        }
        replacement.tell(arguments.backup_time).await?
    };
    arguments.configured.note(Note::of("restored"));
    println!("the database counts as a copy of {}", shown(arguments.backup_time));
    say_lineage(&lineage);
    Ok(())
}

fn say_lineage(lineage: &Lineage) {
    println!("lineage {} has begun; its numbers begin at {}", lineage.id, lineage.events_from);
    println!("posts that may be out already are looked for on the platforms before anything is sent for them");
}

fn say_keys(keys: &[String]) {
    if !keys.is_empty() {
        println!("encryption keys are not in it; these are needed with it: {}", keys.join(", "));
    }
}

fn shown(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A bar on a terminal; nothing elsewhere, so that cron stays silent.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes}, {eta}");
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }
}

impl Progress for Bar {
    fn at(&mut self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

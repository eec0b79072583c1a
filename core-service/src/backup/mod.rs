//! Backups: one file with a consistent copy of the database and the uploads that its posts need.
//!
//! A backup is a tar file: `backup.json` says what it is, then come `aurareels.db` and `media/…`, and `checksums.json`
//! last, so that a file which was cut off is found out. Encryption keys are not in it; `backup.json` names those that its
//! rows need.
//!
//! Guaranteed: cores may work on the database while it is made; its file has its name only once it is whole and flushed,
//! and nobody else can read it. Nothing in place is touched before a backup was read to its end and every check sum fits.
//! Memory is bounded by one buffer, whatever the sizes.
//!
//! An upload whose file went away while the backup was made is left out: its post is out by then.

mod read;
mod write;

use std::{collections::BTreeMap, io};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use read::{Restored, restore};
pub use write::{Written, write};

/// Version of the form.
const FORMAT: u32 = 1;

/// The first entry.
const ABOUT: &str = "backup.json";
/// The database.
const DATABASE: &str = "aurareels.db";
/// Before the names of uploads.
const MEDIA: &str = "media/";
/// The last entry.
const CHECKSUMS: &str = "checksums.json";

/// Why a backup could not be made or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is in the way.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// A file or directory cannot be used.
    #[error("{path} cannot be used")]
    Io {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no backup, or not a whole one.
    #[error("{path} is not a whole backup: {problem}")]
    Broken {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// There is a database already.
    #[error("{path} holds accounts already; `--replace` puts the backup in its place and keeps it beside")]
    Occupied {
        /// Its file.
        path: String,
    },
    /// A step ended unexpectedly.
    #[error("internal: {0}")]
    Internal(String),
}

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Version of the form.
    pub format: u32,
    /// The release that made it.
    pub release: String,
    /// The database, through all its lineages; empty when no core of this release has served it yet.
    pub database: String,
    /// Its lineage.
    pub lineage: String,
    /// Nothing that happened later is in it.
    pub backup_at: DateTime<Utc>,
    /// The encryption keys that are needed with it, by their ids.
    pub encryption_keys: Vec<String>,
    /// How many uploads the database names.
    pub media: usize,
}

/// Size and SHA-256 of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sum {
    size: u64,
    sha256: String,
}

type Sums = BTreeMap<String, Sum>;

/// Where backing up and restoring tell how far they are.
pub trait Progress: Send {
    /// So many bytes of the uploads and the database are done, of so many in all.
    fn at(&mut self, done: u64, total: u64);
}

fn named(path: &std::path::Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.display().to_string();
    move |source| BackupError::Io { path, source }
}

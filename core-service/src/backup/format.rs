//! The form of a backup, and what can go wrong with one.

use std::{collections::BTreeMap, io};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Version of the form.
pub(super) const FORMAT: u32 = 1;

/// The first entry.
pub(super) const ABOUT: &str = "backup.json";
/// The database.
pub(super) const DATABASE: &str = "aurareels.db";
/// Before the names of uploads.
pub(super) const MEDIA: &str = "media/";
/// The last entry.
pub(super) const CHECKSUMS: &str = "checksums.json";

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
pub(super) struct Sum {
    pub(super) size: u64,
    pub(super) sha256: String,
}

pub(super) type Sums = BTreeMap<String, Sum>;

/// Where backing up and restoring tell how far they are.
pub trait Progress: Send {
    /// So many bytes of the uploads and the database are done, of so many in all.
    fn at(&mut self, done: u64, total: u64);
}

pub(super) fn named(path: &std::path::Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.display().to_string();
    move |source| BackupError::Io { path, source }
}

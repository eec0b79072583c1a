//! The store: all SQL of the core. Nothing outside this module sees a statement, a row or a database error.
//!
//! Guaranteed: a write that returned `Ok` is durable (SQLite runs with `synchronous=FULL`); a change of state and its
//! event commit together; no transaction is open across a network call. Expected failures are [`Error`] variants.
//!
//! One SQL text per statement serves every database: only what SQLite, PostgreSQL and MySQL share is used, values are
//! bound through [`db::Value`], and the few places where they differ (a new row's id, claiming) are functions of `db`.
//! See docs/decisions.md for what was measured.

mod account_rows;
#[cfg(test)]
mod account_tests;
pub mod account_tokens;
pub mod accounts;
pub mod ailment;
pub mod analytics;
pub mod api_keys;
pub mod app_budgets;
pub mod changes;
pub mod claims;
pub mod cores;
pub mod creating;
#[cfg(test)]
mod creating_tests;
mod daily_queue;
pub mod daily_slots;
pub mod dashboard;
pub mod db;
pub mod due;
#[cfg(test)]
mod due_tests;
pub mod encryption_keys;
pub mod events;
mod gathering;
pub mod handed_out;
pub mod importing;
pub mod ledger;
pub mod logins;
pub mod media;
#[cfg(test)]
mod migration_tests;
pub mod moves;
pub mod oauth_states;
pub mod original;
#[cfg(test)]
mod overtaking_tests;
#[cfg(test)]
mod plans;
pub mod platform_posts;
#[cfg(test)]
mod platform_posts_tests;
mod positions;
pub mod posts;
pub mod quarantine;
mod random_id;
pub mod replacing;
pub mod request_keys;
pub mod restoring;
pub mod retention;
#[cfg(test)]
mod retention_tests;
pub mod search;
pub mod time;
pub mod traces;
pub mod uploads;
pub mod video_jobs;
#[cfg(test)]
mod waking_tests;
pub mod wall_times;
pub mod webhooks;

use std::{
    path::Path,
    sync::{Arc, OnceLock, PoisonError, RwLock, atomic::AtomicBool},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{sync::watch, time::timeout};

use self::ailment::Ailment;
use crate::{
    clock::Clock,
    domain::lineage::Lineages,
    secret::KeyRing,
    telemetry::metrics::{StoreMetrics, StoreState},
};

/// Why a store call did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A statement failed.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database as a whole cannot be used for now.
    #[error("{0}: {remedy}", remedy = .0.remedy())]
    Sick(Ailment),
    /// The caller's claim on a post is gone: somebody else may work on it. Nothing was written.
    #[error("the claim on post {0} is gone")]
    Fenced(crate::domain::ids::PostId),
    /// The platform's post belongs to another post of ours. Nothing was written.
    #[error("the platform's post that post {post} was given belongs to another post")]
    BoundElsewhere {
        /// The post that was to get it.
        post: crate::domain::ids::PostId,
        /// What said so.
        by: crate::domain::binding::BoundBy,
        /// The post that has it.
        other: crate::domain::ids::PostId,
        /// Whose that is.
        user: crate::domain::ids::UserId,
    },
    /// The upload that a post names does not exist (any more). Nothing was written.
    #[error("media {0} was not found")]
    NoMedia(String),
    /// A stored secret cannot be decrypted with the available keys.
    #[error("a stored secret cannot be read")]
    Secret(#[from] crate::secret::Error),
    /// A row holds a value that no release of this core writes.
    #[error("a stored value is unreadable: {0}")]
    Corrupt(String),
    /// A single row that this release cannot read: a word of a later release, or damage. Other rows are not affected.
    #[error("{what} cannot be read by this release of the core: {why}")]
    Unreadable {
        /// Which.
        what: String,
        /// Why.
        why: String,
    },
    /// Migrating failed.
    #[error("cannot migrate the database")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The writer is gone: the core is shutting down.
    #[error("the store is closed")]
    Closed,
    /// The database is older than the state already handed out, or another one. Nothing is written.
    #[error("{0}")]
    Behind(String),
    /// A core serves the database.
    #[error("a core has the database open; stop it first")]
    Served,
    /// A running core would not be able to decrypt new values.
    #[error(
        "the core of {0} seals with another encryption key and could not read what is rewritten; give it the new key as \
         AURAREELS_SOCIAL_ENCRYPTION_KEY and the old one in AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS, then rotate again"
    )]
    OtherKey(String),
    /// Copying and replacing is for databases that are files.
    #[error(
        "the database is on a server; back it up and restore it by the server's own tools, with the cores stopped for a \
         restore, and then say when the backup was made: `aurareels restored --backup-time <time>`"
    )]
    OnServer,
    /// The original plugin's tables stand under the names of the core's.
    #[error(
        "the tables of the original WordPress plugin are there under the names that the core's have; convert them by \
         `aurareels import wordpress --adopt`, or give the core another AURAREELS_TABLE_PREFIX or database and import from them"
    )]
    OriginalTables,
    /// A command is replacing the database.
    #[error("the database is being restored; start the core when that is done")]
    BeingReplaced,
}

impl Error {
    /// A file beside the database cannot be used.
    pub(crate) fn io(error: std::io::Error) -> Self {
        Self::Unavailable(error.into())
    }

    /// The data is at fault, not the database: reading it again gives the same result.
    pub fn is_about_data(&self) -> bool {
        match self {
            Self::Corrupt(_) | Self::Unreadable { .. } | Self::Secret(_) => true,
            Self::Unavailable(_)
            | Self::Sick(_)
            | Self::Fenced(_)
            | Self::BoundElsewhere { .. }
            | Self::NoMedia(_)
            | Self::Migrate(_)
            | Self::Closed
            | Self::Behind(_)
            | Self::Served
            | Self::OnServer
            | Self::OriginalTables
            | Self::OtherKey(_)
            | Self::BeingReplaced => false,
        }
    }

    /// A stored secret needs an encryption key that this core does not have.
    pub fn is_missing_key(&self) -> bool {
        matches!(self, Self::Secret(crate::secret::Error::UnknownKey { .. }))
    }

    /// The database is at fault, and may recover.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Sick(_))
    }

    /// The same error, with the name of the row.
    fn of_row(self, what: impl FnOnce() -> String) -> Self {
        match self {
            Self::Corrupt(why) => Self::Unreadable { what: what(), why },
            other => other,
        }
    }

    /// Another process has kept the write lock for longer than a write waits for it.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Sick(Ailment::Locked))
    }
}

impl From<crate::domain::platform::UnknownValue> for Error {
    fn from(error: crate::domain::platform::UnknownValue) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}

/// The result of a store call.
pub type Result<T> = std::result::Result<T, Error>;

/// Further findings of a probe of a usable database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probed {
    /// A rotation asks this core to reload its keys.
    pub is_asked_for_keys: bool,
    /// Encryption keys of stored values that this core does not have, by their ids.
    pub missing_keys: Vec<String>,
    /// When the next post wants attention; `None` when none waits.
    pub next_step_at: Option<DateTime<Utc>>,
}

/// The schema version of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// There are none.
    New,
    /// This release knows the tables; this many migrations are still to be run.
    Known {
        /// How many.
        open: usize,
    },
    /// A later release has changed them.
    Newer {
        /// The newest migration.
        newest: i64,
    },
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: db::Db,
    keys: Arc<RwLock<Arc<KeyRing>>>,
    clock: Clock,
    presence: cores::Presence,
    /// Read once: a restore happens only while no core serves the database.
    lineages: Arc<OnceLock<Lineages>>,
    /// Requests for new posts that share a transaction, on a server.
    gathering: gathering::Gathering,
}

impl Store {
    /// Opens the database of a URL, creating the SQLite file if it does not exist. Does not migrate.
    pub async fn open(place: impl Into<db::Place>, keys: Arc<KeyRing>, clock: Clock) -> Result<Self> {
        let (db, keys) = (db::Db::open(&place.into()).await?, Arc::new(RwLock::new(keys)));
        let (presence, lineages, gathering) = Default::default();
        Ok(Self { db, keys, clock, presence, lineages, gathering })
    }

    /// A store that only replaces or copies: it encrypts nothing, so it needs no key from the settings.
    pub(crate) async fn for_maintenance(place: impl Into<db::Place>, clock: Clock) -> Result<Self> {
        let key = crate::secret::generate_key();
        let keys = Arc::new(KeyRing::from_settings(key.expose(), &[] as &[&str])?);
        Self::open(place, keys, clock).await
    }

    /// The default URL of a data directory.
    pub fn default_url(data_dir: &Path) -> String {
        format!("sqlite://{}", data_dir.join("aurareels.db").display())
    }

    /// The files of a URL's database, whether they exist or not.
    pub(crate) fn files_of(url: &str) -> Result<Vec<std::path::PathBuf>> {
        Ok(db::serving::file_of_url(url)?.map(|file| db::serving::files_of(&file)).unwrap_or_default())
    }

    /// Brings the schema up to this release. Safe to call from several processes at once.
    pub async fn migrate(&self) -> Result<()> {
        self.db.migrate().await
    }

    /// The schema version, and whether the database can be read and accepts writes. Changes nothing.
    pub(crate) async fn schema(&self) -> Result<Schema> {
        let Some(done) = self.db.migrated().await? else { return Ok(Schema::New) };
        let ours = self.db.migrations();
        if let Some(newest) = done.iter().copied().filter(|version| !ours.contains(version)).max() {
            return Ok(Schema::Newer { newest });
        }
        let nothing = "SELECT value FROM aurareels_settings WHERE name = ''";
        self.db.write(async move |tx| tx.fetch_optional(nothing, &[]).await.map(drop)).await?;
        Ok(Schema::Known { open: ours.len() - done.len() })
    }

    /// Writes and reads a little, to check whether the database can be used. Returns within `patience`.
    pub async fn probe(&self, now: DateTime<Utc>, patience: Duration) -> Result<Probed> {
        let probe = async {
            self.db.look()?;
            // A database that is behind is only read.
            let is_asked = self.behind().is_none() && self.seen(now).await?;
            let next_step_at = self.db.read_ends().await?;
            Ok(Probed { is_asked_for_keys: is_asked, missing_keys: self.missing_keys().await?, next_step_at })
        };
        match timeout(patience, probe).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Sick(self.db.delay(patience))),
        }
    }

    /// Whether the database is one of a server, which has to be asked for everything over a connection.
    pub fn is_on_server(&self) -> bool {
        self.db.is_on_server()
    }

    /// Turns true when the files of the database are not in place any more, and false when they are back.
    pub fn lost(&self) -> Arc<AtomicBool> {
        self.db.lost()
    }

    /// The keys that seal secrets.
    pub fn keys(&self) -> Arc<KeyRing> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The clock whose time the store binds.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Changes with every committed event; watchers read the new ones then.
    pub fn events_committed(&self) -> watch::Receiver<u64> {
        self.db.events_committed()
    }

    /// How often this process has read from the database so far, not counting its writer.
    pub fn reads(&self) -> u64 {
        self.metrics().reads.get()
    }

    /// What the database counts.
    pub fn metrics(&self) -> &StoreMetrics {
        self.db.metrics()
    }

    /// What the database is like at this moment.
    pub fn state(&self) -> StoreState {
        self.db.state()
    }

    /// Notifies of posts that are due earlier than the scheduler knows.
    pub fn wakes(&self) -> &Arc<db::Wakes> {
        self.db.wakes()
    }

    /// Stops the writer after its queue, and closes all connections.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

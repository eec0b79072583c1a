//! Databases of a server: PostgreSQL, and MySQL or MariaDB. Several cores may share one.
//!
//! Some connections read, each statement by itself ([`pool`]); some write, each operation in a transaction of its own
//! ([`worker`]). What the two servers do in their own way is in `postgres` and `mysql`, behind [`connection`].
//!
//! **Events** get their sequence when they are written, and have to become visible in its order. So a transaction keeps
//! its events until its end, takes a lock, writes them, and commits, which lets the lock go: writers queue for their last
//! statement and their commit alone. A counter that is not locked gives numbers in another order than commits, and a reader
//! that has seen a later one misses the earlier one; a horizon of running transactions would have a stranger's long
//! transaction hold up everything. docs/decisions.md says what was measured.

pub(super) mod connection;
pub(super) mod failure;
mod migrate;
mod others;
pub(super) mod pool;
#[cfg(test)]
mod proxy;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub(super) mod texts;
mod tx;
mod worker;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use sqlx::{mysql::MySqlConnectOptions, postgres::PgConnectOptions};
use tokio::sync::{RwLock, watch};
use tracing::{error, info, warn};

use self::{failure::Failure, pool::Pool, texts::Texts, tx::Committed, worker::Worker};
pub(in crate::store) use self::{pool::Reader, tx::Tx};
use super::{
    Place, Wakes, mysql,
    operations::{Outgoing, queues},
    postgres,
};
use crate::store::{Error, Result, ailment::Ailment};

/// Connections that write. Together with those that read a core takes about fifteen; servers allow a hundred by default.
const WRITERS: usize = 8;

/// Operations that may wait in each queue.
const QUEUE: usize = 512;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Postgres,
    Mysql,
}

impl Kind {
    /// The server that a URL's scheme names.
    pub(in crate::store) fn of_url(url: &str) -> Option<Self> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => Some(Self::Postgres),
            Some("mysql" | "mariadb") => Some(Self::Mysql),
            _ => None,
        }
    }

    /// How a URL of it looks.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Postgres => "postgres://user:password@host/database",
            Self::Mysql => "mysql://user:password@host/database",
        }
    }

    /// The parameters of a URL that mean something.
    pub(super) fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "options"],
            Self::Mysql => &["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket"],
        }
    }
}

/// How to connect.
pub(super) enum Options {
    Postgres(PgConnectOptions),
    Mysql(MySqlConnectOptions),
}

impl Options {
    pub(super) fn of(kind: Kind, place: &Place) -> Result<Self> {
        Ok(match kind {
            Kind::Postgres => Self::Postgres(postgres::options(place)?),
            Kind::Mysql => Self::Mysql(mysql::options(place)?),
        })
    }
}

/// What all connections of a process share.
pub(super) struct Shared {
    kind: Kind,
    options: Options,
    pub(super) texts: Texts,
    /// Random: by it a core knows what it said itself.
    core: String,
    /// Held by one operation that was in others' way too often, or by all others.
    turn: RwLock<()>,
    events: watch::Sender<u64>,
    wakes: Arc<Wakes>,
    /// What ails the server, as far as this process met it.
    ailment: Mutex<Option<Ailment>>,
    lost: Arc<AtomicBool>,
}

impl Shared {
    /// Notes what a failure tells of the server, and answers its error.
    fn met(&self, failure: Failure) -> Error {
        if let Error::Sick(ailment @ (Ailment::Away(_) | Ailment::Replica)) = &failure.error {
            self.lost.store(*ailment == Ailment::Replica, Ordering::Release);
            let before = self.ailment.lock().unwrap_or_else(PoisonError::into_inner).replace(ailment.clone());
            if before.as_ref() != Some(ailment) {
                warn!("{ailment}; the core goes on by itself when it can");
            }
        }
        failure.error
    }

    /// A transaction was committed.
    fn committed(&self, committed: Committed) {
        self.lost.store(false, Ordering::Release);
        if self.ailment.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            info!("the database server takes writes again");
        }
        self.committed_elsewhere(committed);
    }

    /// A transaction of another core was committed.
    fn committed_elsewhere(&self, committed: Committed) {
        if committed.events {
            self.events.send_modify(|count| *count += 1);
        }
        if let Some(at) = committed.schedule {
            self.wakes.tell(at);
        }
    }

    /// What other cores are told of a commit: by whom, whether there are events, and the earliest time in microseconds.
    fn told(&self, committed: Committed) -> Option<String> {
        if !committed.events && committed.schedule.is_none() {
            return None;
        }
        let at = committed.schedule.map_or_else(|| "-".to_owned(), |at| at.timestamp_micros().to_string());
        Some(format!("{} {} {at}", self.core, if committed.events { "events" } else { "-" }))
    }

    /// What another core said.
    fn heard(&self, text: &str) {
        let mut words = text.split(' ');
        if words.next() == Some(self.core.as_str()) {
            return;
        }
        let events = words.next() == Some("events");
        let micros = words.next().and_then(|word| word.parse().ok());
        self.committed_elsewhere(Committed { events, schedule: micros.and_then(DateTime::from_timestamp_micros) });
    }

    /// For rows that only this module reads.
    #[expect(clippy::disallowed_methods, reason = "when a row of the database's own was written, for people")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// The database.
#[derive(Clone)]
pub(in crate::store) struct Db {
    shared: Arc<Shared>,
    readers: Pool,
    reads: Arc<AtomicU64>,
    queues: Outgoing,
    closing: watch::Sender<bool>,
    /// Writers that have not ended.
    writing: watch::Receiver<usize>,
    refused: Arc<OnceLock<String>>,
}

impl Db {
    pub(in crate::store) fn open(kind: Kind, place: &Place) -> Result<Self> {
        let options = Options::of(kind, place)?;
        // PostgreSQL keeps names in small letters, unless they are quoted.
        let prefix = match kind {
            Kind::Postgres => place.table_prefix.to_lowercase(),
            Kind::Mysql => place.table_prefix.clone(),
        };
        let texts = Texts { prefix, numbered: kind == Kind::Postgres };
        let readers = Pool::new(&options);
        let shared = Arc::new(Shared {
            kind,
            options,
            texts,
            core: crate::store::restoring::random_id()?,
            turn: RwLock::default(),
            events: watch::channel(0).0,
            wakes: Arc::default(),
            ailment: Mutex::default(),
            lost: Arc::default(),
        });
        let (queues, incoming) = queues(QUEUE);
        let incoming = Arc::new(tokio::sync::Mutex::new(incoming));
        let (closing, closing_seen) = watch::channel(false);
        let (ended, writing) = watch::channel(WRITERS);
        for _ in 0..WRITERS {
            let slot = crate::store::restoring::random_id()?;
            let mut worker = Worker::new(shared.clone(), incoming.clone(), closing_seen.clone(), slot);
            let (ended, runtime) = (ended.clone(), tokio::runtime::Handle::current());
            // Its own thread: operations borrow the transaction across awaits and need not be `Send`.
            let started = std::thread::Builder::new().name("aurareels-writer".to_owned()).spawn(move || {
                while let Err(panic) = catch_unwind(AssertUnwindSafe(|| runtime.block_on(worker.run()))) {
                    let why = panic.downcast_ref::<&str>().copied().unwrap_or_default();
                    error!(why, "a writer of the database stopped; it begins anew");
                    worker.begin_anew();
                    std::thread::sleep(Duration::from_millis(100));
                }
                runtime.block_on(worker.close());
                drop(worker);
                ended.send_modify(|writing| *writing -= 1);
            });
            started.map_err(Error::io)?;
        }
        tokio::spawn(others::hear(shared.clone(), readers.clone(), closing_seen));
        Ok(Self { shared, readers, reads: Arc::default(), queues, closing, writing, refused: Arc::default() })
    }

    pub(in crate::store) async fn migrate(&self) -> Result<()> {
        migrate::run(&self.shared).await
    }

    /// The versions of this release's migrations.
    pub(in crate::store) fn migrations(&self) -> Vec<i64> {
        migrate::versions(self.shared.kind)
    }

    /// Whether a core has begun to make tables.
    pub(in crate::store) async fn has_tables(&self) -> Result<bool> {
        migrate::has_tables(&self.shared).await
    }

    pub(in crate::store) async fn remove_tables(&self) -> Result<()> {
        migrate::remove_tables(&self.shared).await
    }

    pub(in crate::store) async fn read(&self) -> Result<Reader> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Reader::take(&self.shared, &self.readers).await
    }

    pub(in crate::store) fn write<T, F>(&self, operation: F) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: AsyncFn(&mut super::Tx) -> Result<T> + Send + 'static,
    {
        self.write_by(operation, false)
    }

    pub(in crate::store) fn write_first<T, F>(&self, operation: F) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: AsyncFn(&mut super::Tx) -> Result<T> + Send + 'static,
    {
        self.write_by(operation, true)
    }

    fn write_by<T, F>(&self, operation: F, is_first: bool) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: AsyncFn(&mut super::Tx) -> Result<T> + Send + 'static,
    {
        let asked = match self.refused.get() {
            Some(why) => Err(Error::Behind(why.clone())),
            None => Ok(self.queues.write(operation, is_first)),
        };
        async move { asked?.await }
    }

    pub(in crate::store) fn events_committed(&self) -> watch::Receiver<u64> {
        self.shared.events.subscribe()
    }

    pub(in crate::store) fn wakes(&self) -> &Arc<Wakes> {
        &self.shared.wakes
    }

    /// A server is looked at by statements alone.
    pub(in crate::store) fn look(&self) -> Result<()> {
        Ok(())
    }

    pub(in crate::store) async fn read_ends(&self) -> Result<()> {
        self.read().await?.fetch_optional(super::sqlite::ENDS, &[]).await.map(drop)
    }

    pub(in crate::store) fn delay(&self, waited: Duration) -> Ailment {
        let met = self.shared.ailment.lock().unwrap_or_else(PoisonError::into_inner).clone();
        met.unwrap_or(Ailment::Slow(waited.as_secs()))
    }

    pub(in crate::store) fn lost(&self) -> Arc<AtomicBool> {
        self.shared.lost.clone()
    }

    pub(in crate::store) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    pub(in crate::store) fn refuse_writes(&self, why: String) {
        let _ = self.refused.set(why);
    }

    pub(in crate::store) fn refusal(&self) -> Option<&str> {
        self.refused.get().map(String::as_str)
    }

    pub(in crate::store) async fn close(&self) {
        self.readers.close().await;
        self.closing.send_replace(true);
        let mut writing = self.writing.clone();
        let _ = writing.wait_for(|writing| *writing == 0).await;
    }
}

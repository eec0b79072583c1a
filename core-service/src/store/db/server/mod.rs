//! Databases of a server: PostgreSQL, and MySQL or MariaDB. Several cores may share one.
//!
//! Some connections read, each statement by itself ([`pool`]); some write, each operation in a transaction of its own
//! ([`worker`]). An operation that touches so much that it would be in the way of every other (`write_alone`) runs while this process
//! runs none beside it. What the two servers do in their own way is in `postgres` and `mysql`, behind [`connection`].
//!
//! **Events** get their sequence when they are written, and have to become visible in its order. So a transaction keeps
//! its events until its end, takes a lock, writes them, and commits, which lets the lock go: writers queue for their last
//! statement and their commit alone. A counter that is not locked gives numbers in another order than commits, and a reader
//! that has seen a later one misses the earlier one; a horizon of running transactions would have a stranger's long
//! transaction hold up everything. docs/decisions.md says what was measured.

pub(super) mod connection;
pub(super) mod failure;
pub(super) mod limits;
mod migrate;
pub(super) mod options;
mod others;
mod pool;
#[cfg(test)]
mod proxy;
mod shared;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub(super) mod texts;
pub(super) mod tx;
mod worker;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::{
    FutureExt,
    future::{BoxFuture, ready},
};
use tokio::sync::{RwLock, watch};
use tracing::error;

pub(in crate::store) use self::pool::Reader;
use self::{options::Options, pool::Pool, shared::Shared, texts::Texts, worker::Worker};
use crate::store::{
    Error, Result,
    ailment::Ailment,
    db::{
        kind::Kind,
        operations::{Outgoing, Turn, queues},
        place::Place,
        sqlite,
        tx::Tx,
        wakes::Wakes,
    },
};
use crate::telemetry::metrics::{StoreMetrics, StoreState};

/// Connections that write. Together with those that read a core takes about fifteen; servers allow a hundred by default.
const WRITERS: usize = 8;

/// Operations that may wait in each queue.
const QUEUE: usize = 512;

/// The database.
#[derive(Clone)]
pub(in crate::store) struct Db {
    shared: Arc<Shared>,
    readers: Pool,
    queues: Outgoing,
    closing: watch::Sender<bool>,
    /// Writers that have not ended.
    writing: watch::Receiver<usize>,
    refused: Arc<OnceLock<String>>,
}

impl Db {
    pub(in crate::store) fn open(kind: Kind, place: &Place) -> Result<Self> {
        let options = Options::of(kind, &place.url)?;
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
            core: crate::store::random_id::random_id()?,
            turn: RwLock::default(),
            events: watch::channel(0).0,
            wakes: Arc::default(),
            ailment: Mutex::default(),
            lost: Arc::default(),
            metrics: StoreMetrics::default(),
        });
        let (queues, incoming) = queues(QUEUE);
        let incoming = Arc::new(tokio::sync::Mutex::new(incoming));
        let (closing, closing_seen) = watch::channel(false);
        let (ended, writing) = watch::channel(WRITERS);
        for _ in 0..WRITERS {
            let slot = crate::store::random_id::random_id()?;
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
        Ok(Self { shared, readers, queues, closing, writing, refused: Arc::default() })
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
        self.shared.metrics.reads.inc();
        Reader::take(&self.shared, &self.readers).await
    }

    pub(in crate::store) fn write<T, F>(&self, operation: F) -> BoxFuture<'static, Result<T>>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        self.write_by(operation, Turn::Later)
    }

    pub(in crate::store) fn write_first<T, F>(&self, operation: F) -> BoxFuture<'static, Result<T>>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        self.write_by(operation, Turn::First)
    }

    pub(in crate::store) fn write_alone<T, F>(&self, operation: F) -> BoxFuture<'static, Result<T>>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        self.write_by(operation, Turn::Alone)
    }

    fn write_by<T, F>(&self, operation: F, turn: Turn) -> BoxFuture<'static, Result<T>>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        match self.refused.get() {
            Some(why) => ready(Err(Error::Behind(why.clone()))).boxed(),
            None => self.queues.write(operation, turn),
        }
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

    /// What the server's clock says.
    pub(in crate::store) async fn time(&self) -> Result<Option<DateTime<Utc>>> {
        let sql = match self.shared.kind {
            Kind::Postgres => "SELECT clock_timestamp() AS now",
            Kind::Mysql => "SELECT UTC_TIMESTAMP(6) AS now",
        };
        self.read().await?.fetch_optional(sql, &[]).await?.map(|row| row.time("now")).transpose()
    }

    pub(in crate::store) async fn read_ends(&self) -> Result<Option<DateTime<Utc>>> {
        Ok(sqlite::next_step_of(self.read().await?.fetch_optional(sqlite::ENDS, &[]).await?))
    }

    pub(in crate::store) fn delay(&self, waited: Duration) -> Ailment {
        let met = self.shared.ailment.lock().unwrap_or_else(PoisonError::into_inner).clone();
        met.unwrap_or(Ailment::Slow(waited.as_secs()))
    }

    pub(in crate::store) fn lost(&self) -> Arc<AtomicBool> {
        self.shared.lost.clone()
    }

    pub(in crate::store) fn metrics(&self) -> &StoreMetrics {
        &self.shared.metrics
    }

    pub(in crate::store) fn state(&self) -> StoreState {
        let (readers, idle_readers) = self.readers.size();
        StoreState { waiting: self.queues.waiting(), readers, idle_readers, log_bytes: 0 }
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

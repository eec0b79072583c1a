//! SQLite: a pool of connections that read, and the one writer ([`writer`]).
//!
//! Reads see the last commit. Every read and every write is answered within a known time, whatever the database does: a
//! read within [`CONNECTION`] and [`STATEMENT`], a write within that of `operations`.

mod counters;
mod errors;
mod log;
pub(in crate::store) mod mark;
mod place;
mod probe;
mod queue;
pub(super) mod row;
pub(in crate::store) mod serving;
mod signs;
#[cfg(test)]
mod tests;
pub(super) mod tx;
mod writer;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, OnceLock, atomic::AtomicBool},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, ready},
};
use sqlx::{
    ConnectOptions, Connection, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{sync::watch, time::timeout};
use tracing::{error, warn};

pub(super) use self::probe::{ENDS, next_step_of};
use self::{
    mark::Mark,
    place::Place,
    queue::BATCH,
    row::{Cells, bind},
    signs::Signs,
    writer::Writer,
};
use super::{
    operations::{Outgoing, Turn, queues},
    row::{self as any, Row},
    tx::Tx,
    values::Value,
    wakes::Wakes,
};
use crate::{
    private,
    store::{Error, Result, ailment::Ailment},
    telemetry::metrics::{StoreMetrics, StoreState},
};

/// Connections that read.
const READERS: u32 = 4;

/// Longest wait for a connection that reads, and for a lock that stands in its way.
const CONNECTION: Duration = Duration::from_secs(5);

/// Longest time of a statement that reads.
const STATEMENT: Duration = Duration::from_secs(10);

/// The versions of this release's migrations.
pub(super) fn migrations() -> Vec<i64> {
    sqlx_macros::migrate!("../migrations/sqlite").iter().map(|migration| migration.version).collect()
}

/// A connection that reads.
pub(in crate::store) struct Reader {
    connection: PoolConnection<sqlx::Sqlite>,
    signs: Arc<Signs>,
}

impl Reader {
    /// Reads all rows.
    pub(in crate::store) async fn fetch_all(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let rows = in_time(&self.signs, bind(sql, params).fetch_all(&mut *self.connection)).await?;
        Ok(rows.into_iter().map(|row| Row(any::Cells::Sqlite(Cells::Read(row)))).collect())
    }

    /// Reads the first row, if there is one.
    pub(in crate::store) async fn fetch_optional(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(in_time(&self.signs, bind(sql, params).fetch_optional(&mut *self.connection))
            .await?
            .map(|row| Row(any::Cells::Sqlite(Cells::Read(row)))))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Damaged pages would stay in its cache after the file is mended.
        if self.signs.is_damaged() {
            self.connection.close_on_drop();
        }
    }
}

async fn in_time<T>(signs: &Signs, statement: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    let outcome = match timeout(STATEMENT, statement).await {
        Ok(outcome) => outcome.map_err(Error::from),
        Err(_) => Err(Error::Sick(Ailment::Slow(STATEMENT.as_secs()))),
    };
    if let Err(Error::Sick(ailment)) = &outcome {
        signs.saw(ailment);
    }
    outcome
}

/// The database.
#[derive(Clone)]
pub(in crate::store) struct Db {
    readers: SqlitePool,
    metrics: StoreMetrics,
    options: Arc<SqliteConnectOptions>,
    queues: Outgoing,
    events: watch::Receiver<u64>,
    wakes: Arc<Wakes>,
    closing: watch::Sender<bool>,
    closed: watch::Receiver<bool>,
    mark: Arc<OnceLock<Mutex<Mark>>>,
    /// Why nothing may be written.
    refused: Arc<OnceLock<String>>,
    /// Held while a core serves this database.
    serving: Arc<OnceLock<std::fs::File>>,
    /// Its files; `None` for one in memory.
    place: Option<Arc<Place>>,
    signs: Arc<Signs>,
}

impl Db {
    pub(in crate::store) async fn open(url: &str) -> Result<Self> {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .statement_cache_capacity(512)
            .disable_statement_logging();
        let place = match file_of(&options) {
            Some(file) => {
                // Before SQLite makes it, readable by all; what SQLite keeps beside it gets the same mode.
                private::ensure_file(&file).map_err(Error::io)?;
                Some(Arc::new(Place::new(&file)))
            }
            None => None,
        };
        let signs = Arc::new(Signs::default());
        let (queues, incoming) = queues(4 * BATCH);
        let (events_sent, events) = watch::channel(0);
        let wakes = Arc::new(Wakes::default());
        let (closing, closing_seen) = watch::channel(false);
        let (closed_sent, closed) = watch::channel(false);
        let mark = Arc::default();
        let (file, metrics) = (options.get_filename().to_owned(), StoreMetrics::default());
        let mut writer =
            Writer::open(file, incoming, Arc::clone(&mark), place.clone(), signs.clone(), metrics.clone())?;
        let runtime = tokio::runtime::Handle::current();
        let told = wakes.clone();
        // Its own thread: operations borrow the transaction across awaits and need not be `Send`.
        std::thread::Builder::new()
            .name("aurareels-writer".to_owned())
            .spawn(move || {
                // Its end would be the end of all publishing, so it begins anew whatever happens to it.
                while let Err(panic) = catch_unwind(AssertUnwindSafe(|| {
                    runtime.block_on(writer.run(closing_seen.clone(), &events_sent, &told));
                })) {
                    let why = panic.downcast_ref::<&str>().copied().unwrap_or_default();
                    error!(why, "the writer of the database stopped; it begins anew");
                    writer.begin_anew();
                }
                writer.close();
                closed_sent.send_replace(true);
            })
            .map_err(Error::io)?;
        let (refused, serving) = (Arc::default(), Arc::default());
        let readers = readers(&options, place.clone());
        Ok(Self {
            readers,
            metrics,
            options: Arc::new(options),
            queues,
            events,
            wakes,
            closing,
            closed,
            mark,
            refused,
            serving,
            place,
            signs,
        })
    }

    /// Migrates on a connection of its own, guarded by a lock file: sqlx does not lock SQLite.
    pub(in crate::store) async fn migrate(&self) -> Result<()> {
        let _lock = match self.file() {
            Some(file) => Some(lock_file(file.with_added_extension("migrate-lock")).await?),
            None => None,
        };
        let mut migrator = sqlx_macros::migrate!("../migrations/sqlite");
        migrator.dangerous_set_table_name("aurareels_migrations");
        let mut connection = self.options.connect().await?;
        migrator.run_direct(None, &mut connection, false).await.map_err(Error::Migrate)?;
        connection.close().await?;
        // Another process may keep the write lock: waiting for it costs nothing.
        loop {
            let waiting = self.write(async move |tx| {
                tx.fetch_optional("SELECT value FROM aurareels_settings WHERE name = ''", &[]).await.map(drop)
            });
            match waiting.await {
                Err(problem) if problem.is_locked() => {
                    warn!("another process keeps the database locked; the core starts when it lets go or ends");
                }
                outcome => return outcome,
            }
        }
    }

    /// Whether a core has begun to make tables.
    pub(in crate::store) async fn has_tables(&self) -> Result<bool> {
        const TABLE: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'aurareels_migrations'";
        Ok(self.read().await?.fetch_optional(TABLE, &[]).await?.is_some())
    }

    /// The database's file; `None` for one in memory.
    pub(in crate::store) fn file(&self) -> Option<PathBuf> {
        file_of(&self.options)
    }

    /// Keeps a mark of everything that is handed out from now on.
    pub(in crate::store) fn keep_mark(&self, mark: Mark) {
        let _ = self.mark.set(Mutex::new(mark));
    }

    /// Refuses all further writes.
    pub(in crate::store) fn refuse_writes(&self, why: String) {
        let _ = self.refused.set(why);
    }

    /// Why writes are refused, if they are.
    pub(in crate::store) fn refusal(&self) -> Option<&str> {
        self.refused.get().map(String::as_str)
    }

    /// Keeps others from replacing the database, as long as it is open.
    pub(in crate::store) fn hold(&self, lock: std::fs::File) {
        let _ = self.serving.set(lock);
    }

    /// A connection that reads.
    pub(in crate::store) async fn read(&self) -> Result<Reader> {
        if let Some(gone) = self.gone() {
            return Err(Error::Sick(gone));
        }
        self.metrics.reads.inc();
        Ok(Reader { connection: self.readers.acquire().await?, signs: self.signs.clone() })
    }

    /// Whether the files are gone; false for a database in memory.
    pub(in crate::store) fn lost(&self) -> Arc<AtomicBool> {
        self.place.as_ref().map_or_else(Arc::default, |place| place.lost())
    }

    fn gone(&self) -> Option<Ailment> {
        self.place.as_ref().and_then(|place| place.gone())
    }

    pub(in crate::store) fn metrics(&self) -> &StoreMetrics {
        &self.metrics
    }

    pub(in crate::store) fn state(&self) -> StoreState {
        let log = self
            .file()
            .map(|file| file.with_file_name(format!("{}-wal", file.file_name().unwrap_or_default().display())));
        StoreState {
            waiting: self.queues.waiting(),
            readers: self.readers.size() as usize,
            idle_readers: self.readers.num_idle(),
            log_bytes: log.and_then(|log| std::fs::metadata(log).ok()).map_or(0, |log| log.len()),
        }
    }

    /// Runs an operation in the writer and answers when it is durable. The operation may run more than once, each time
    /// on a state without its own earlier effects. It is carried out to its end when its caller goes away.
    pub(in crate::store) fn write<T, F>(&self, operation: F) -> BoxFuture<'static, Result<T>>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        self.write_by(operation, Turn::Later)
    }

    /// The same, before what the engine does for its posts: for calls that somebody waits for.
    pub(in crate::store) fn write_first<T, F>(&self, operation: F) -> BoxFuture<'static, Result<T>>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        self.write_by(operation, Turn::First)
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
        self.events.clone()
    }

    pub(in crate::store) fn wakes(&self) -> &Arc<Wakes> {
        &self.wakes
    }

    pub(in crate::store) async fn close(&self) {
        // The writer goes last: the last connection merges SQLite's log into the file, which a reader cannot.
        self.readers.close().await;
        self.closing.send_replace(true);
        let mut closed = self.closed.clone();
        let _ = closed.wait_for(|closed| *closed).await;
    }
}

/// The connections that read. A new one is refused when the name leads to another file than the writer's.
fn readers(options: &SqliteConnectOptions, place: Option<Arc<Place>>) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(CONNECTION)
        // Health tells of slow databases; a line per caller tells nothing more.
        .acquire_slow_threshold(CONNECTION)
        .test_before_acquire(false)
        .after_connect(move |_, _| {
            let looked = place.as_ref().map_or(Ok(()), |place| place.look().map(drop));
            Box::pin(async move { looked.map_err(|gone| sqlx::Error::Io(std::io::Error::other(gone))) })
        })
        .connect_lazy_with(options.clone().read_only(true).create_if_missing(false).busy_timeout(CONNECTION))
}

/// The file of a database; `None` for one in memory.
fn file_of(options: &SqliteConnectOptions) -> Option<PathBuf> {
    let file = options.get_filename();
    let in_memory = file.as_os_str().is_empty() || file.as_os_str() == ":memory:";
    (!in_memory).then(|| file.to_owned())
}

/// Takes an exclusive lock on a file and keeps it until the file is dropped.
async fn lock_file(path: PathBuf) -> Result<std::fs::File> {
    tokio::task::spawn_blocking(move || {
        let file = private::open_file(&path)?;
        file.lock()?;
        Ok(file)
    })
    .await
    .map_err(|_| Error::Closed)?
    .map_err(Error::io)
}

//! The database: connections, typed rows ([`values`]) and the one writer ([`writer`]); the only place that knows which
//! database it is.
//!
//! Reads use a pool of their own and see the last commit.

mod counters;
pub(super) mod mark;
pub(super) mod serving;
mod values;
mod wakes;
mod writer;

use std::{
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::warn;

use self::{
    mark::Mark,
    values::bind,
    writer::{BATCH, Operation, Typed},
};
pub use self::{values::Value, wakes::Wakes};
pub(super) use self::{
    values::{Row, in_list},
    writer::Tx,
};
use super::{Error, Result};

/// Connections that read.
const READERS: u32 = 4;

/// Pages that the writer keeps at hand, in KiB (as SQLite counts, negative): what thousands of waiting posts change over
/// and over. Readers drop theirs with every commit, so for them more would be of no use.
const WRITER_CACHE: &str = "-32768";

macro_rules! reads {
    ($($connection:tt)+) => {
        /// Reads all rows.
        pub(in crate::store) async fn fetch_all(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
            Ok(bind(sql, params).fetch_all(&mut *self.$($connection)+).await?.into_iter().map(Row).collect())
        }

        /// Reads the first row, if there is one.
        pub(in crate::store) async fn fetch_optional(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
            Ok(bind(sql, params).fetch_optional(&mut *self.$($connection)+).await?.map(Row))
        }
    };
}

use reads;

/// A connection that reads.
pub(super) struct Reader(PoolConnection<sqlx::Sqlite>);

impl Reader {
    reads!(0);
}

/// The database.
#[derive(Clone)]
pub struct Db {
    readers: SqlitePool,
    /// How often one of them was used.
    reads: Arc<AtomicU64>,
    options: SqliteConnectOptions,
    queue: mpsc::Sender<Box<dyn Operation>>,
    events: watch::Receiver<u64>,
    wakes: Arc<Wakes>,
    closing: watch::Sender<bool>,
    closed: watch::Receiver<bool>,
    mark: Arc<OnceLock<Mutex<Mark>>>,
    /// Why nothing may be written.
    refused: Arc<OnceLock<String>>,
    /// Held while a core serves this database.
    serving: Arc<OnceLock<std::fs::File>>,
}

impl Db {
    pub(super) async fn open(url: &str) -> Result<Self> {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .statement_cache_capacity(512)
            .disable_statement_logging();
        let connection = options.clone().pragma("cache_size", WRITER_CACHE).connect().await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().read_only(true).create_if_missing(false));
        let (queue, operations) = mpsc::channel(4 * BATCH);
        let (events_sent, events) = watch::channel(0);
        let wakes = Arc::new(Wakes::default());
        let (closing, closing_seen) = watch::channel(false);
        let (closed_sent, closed) = watch::channel(false);
        let mark = Arc::default();
        let tx = Tx::new(connection, Arc::clone(&mark));
        let runtime = tokio::runtime::Handle::current();
        let told = wakes.clone();
        // Its own thread: operations borrow the transaction across awaits and need not be `Send`.
        std::thread::Builder::new()
            .name("aurareels-writer".to_owned())
            .spawn(move || {
                runtime.block_on(writer::write_loop(tx, operations, closing_seen, &events_sent, &told));
                closed_sent.send_replace(true);
            })
            .map_err(|error| Error::Unavailable(sqlx::Error::Io(error)))?;
        let (refused, serving) = (Arc::default(), Arc::default());
        Ok(Self {
            readers,
            reads: Arc::default(),
            options,
            queue,
            events,
            wakes,
            closing,
            closed,
            mark,
            refused,
            serving,
        })
    }

    /// Migrates on a connection of its own, guarded by a lock file: sqlx does not lock SQLite.
    pub(super) async fn migrate(&self) -> Result<()> {
        let _lock = match self.file() {
            Some(file) => Some(lock_file(file.with_added_extension("migrate-lock")).await?),
            None => None,
        };
        let mut migrator = sqlx_macros::migrate!("../migrations/sqlite");
        migrator.dangerous_set_table_name("aurareels_migrations");
        let mut connection = self.options.connect().await?;
        migrator.run_direct(None, &mut connection, false).await.map_err(Error::Migrate)?;
        connection.close().await?;
        // The writer's connection may know the schema from before. sqlx counts the columns of a statement once, when it is
        // prepared; SQLite finds out about new ones when it runs, and `SELECT *` would then break the connection. A
        // statement that names its column has the schema read anew.
        // Another process may keep the write lock: waiting for it costs nothing.
        loop {
            let read_anew = self.write(async move |tx| {
                tx.fetch_optional("SELECT value FROM aurareels_settings WHERE name = ''", &[]).await.map(drop)
            });
            match read_anew.await {
                Err(problem) if problem.is_locked() => {
                    warn!("another process keeps the database locked; the core starts when it lets go or ends");
                }
                outcome => return outcome,
            }
        }
    }

    /// The database's file; `None` for one in memory.
    pub(super) fn file(&self) -> Option<PathBuf> {
        file_of(&self.options)
    }

    /// Keeps a mark of everything that is handed out from now on.
    pub(super) fn keep_mark(&self, mark: Mark) {
        let _ = self.mark.set(Mutex::new(mark));
    }

    /// Refuses all further writes.
    pub(super) fn refuse_writes(&self, why: String) {
        let _ = self.refused.set(why);
    }

    /// Why writes are refused, if they are.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refused.get().map(String::as_str)
    }

    /// Keeps others from replacing the database, as long as it is open.
    pub(super) fn hold(&self, lock: std::fs::File) {
        let _ = self.serving.set(lock);
    }

    /// A connection that reads.
    pub(super) async fn read(&self) -> Result<Reader> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(Reader(self.readers.acquire().await?))
    }

    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Runs an operation in the writer and answers when it is durable. The operation may run more than once, each time
    /// on a state without its own earlier effects.
    pub(super) async fn write<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        if let Some(why) = self.refused.get() {
            return Err(Error::Behind(why.clone()));
        }
        let (reply, answer) = oneshot::channel();
        self.queue.send(Box::new(Typed::new(operation, reply))).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(super) fn events_committed(&self) -> watch::Receiver<u64> {
        self.events.clone()
    }

    pub(super) fn wakes(&self) -> &Arc<Wakes> {
        &self.wakes
    }

    pub(super) async fn close(&self) {
        // The writer goes last: the last connection merges SQLite's log into the file, which a reader cannot.
        self.readers.close().await;
        self.closing.send_replace(true);
        let mut closed = self.closed.clone();
        let _ = closed.wait_for(|closed| *closed).await;
    }
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
        let file = std::fs::File::options().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        Ok(file)
    })
    .await
    .map_err(|_| Error::Closed)?
    .map_err(|error| Error::Unavailable(sqlx::Error::Io(error)))
}

//! Connections, transactions and typed rows; the only file that knows which database it is.
//!
//! SQLite has one writer. Writes are operations that a single task runs one after the other inside one transaction and
//! commits together ("group commit"): with `synchronous=FULL` a commit costs a disk flush, and sharing it makes many
//! small writers several times faster. An operation is a repeatable function of the transaction: when one of a batch
//! fails, the whole batch is rolled back and each operation runs again in a transaction of its own, so none can harm
//! another. Reads use a pool of their own and see the last commit.

use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::future::LocalBoxFuture;
use sqlx::{
    ConnectOptions, Connection, Executor, Row as _, SqliteConnection, SqlitePool,
    pool::PoolConnection,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::{Error, Result};

/// Most operations that share one commit. Bounds how long the first of a batch waits.
const BATCH: usize = 512;

/// Connections that read.
const READERS: u32 = 4;

/// Pages that the writer keeps at hand, in KiB (as SQLite counts, negative): what thousands of waiting posts change over
/// and over. Readers drop theirs with every commit, so for them more would be of no use.
const WRITER_CACHE: &str = "-32768";

/// A value bound to a statement, in a form that every database has.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A whole number, a truth value as 0 or 1, an instant as microseconds.
    Int(i64),
    /// A fraction.
    Real(f64),
    /// Text or JSON.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<DateTime<Utc>> for Value {
    fn from(value: DateTime<Utc>) -> Self {
        Self::Int(value.timestamp_micros())
    }
}
impl From<&serde_json::Value> for Value {
    fn from(value: &serde_json::Value) -> Self {
        Self::Text(value.to_string())
    }
}
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
macro_rules! id_value {
    ($($name:ident),*) => { $(impl From<crate::domain::ids::$name> for Value {
        fn from(value: crate::domain::ids::$name) -> Self { Self::Int(value.0) }
    })* };
}
id_value!(PostId, AccountId, UserId, Sequence, Fence, Revision);

/// Values for a statement, in the order of its placeholders.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::store::db::Value::from($value)),*] };
}

/// The placeholders and values of `IN (...)`. The last value is repeated up to the next power of two, so that lists of
/// all lengths need a handful of prepared statements.
pub(super) fn in_list<T: Copy + Into<Value>>(values: &[T]) -> (String, Vec<Value>) {
    let mut bound: Vec<Value> = values.iter().map(|value| (*value).into()).collect();
    let last = bound.last().cloned().unwrap_or(Value::Null);
    bound.resize(bound.len().next_power_of_two(), last);
    (vec!["?"; bound.len()].join(", "), bound)
}

/// A row, read by column name.
pub(super) struct Row(SqliteRow);

impl Row {
    /// A whole number.
    pub(super) fn int(&self, column: &str) -> Result<i64> {
        Ok(self.0.try_get(column)?)
    }

    /// A whole number or NULL.
    pub(super) fn opt_int(&self, column: &str) -> Result<Option<i64>> {
        Ok(self.0.try_get(column)?)
    }

    /// A whole number that fits 32 bits.
    pub(super) fn small(&self, column: &str) -> Result<i32> {
        let value = self.int(column)?;
        i32::try_from(value).map_err(|_| Error::Corrupt(format!("{column} is {value}")))
    }

    /// A truth value.
    pub(super) fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// A truth value or NULL.
    pub(super) fn opt_flag(&self, column: &str) -> Result<Option<bool>> {
        Ok(self.opt_int(column)?.map(|value| value != 0))
    }

    /// Text.
    pub(super) fn text(&self, column: &str) -> Result<String> {
        Ok(self.0.try_get(column)?)
    }

    /// Text or NULL.
    pub(super) fn opt_text(&self, column: &str) -> Result<Option<String>> {
        Ok(self.0.try_get(column)?)
    }

    /// An instant.
    pub(super) fn time(&self, column: &str) -> Result<DateTime<Utc>> {
        let micros = self.int(column)?;
        DateTime::from_timestamp_micros(micros).ok_or_else(|| Error::Corrupt(format!("{column} is {micros}")))
    }

    /// An instant or NULL.
    pub(super) fn opt_time(&self, column: &str) -> Result<Option<DateTime<Utc>>> {
        Ok(self.opt_int(column)?.and_then(DateTime::from_timestamp_micros))
    }

    /// One of a set of words.
    pub(super) fn word<T>(&self, column: &str) -> Result<T>
    where
        T: FromStr,
        Error: From<T::Err>,
    {
        Ok(self.0.try_get::<&str, _>(column)?.parse()?)
    }

    /// JSON.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        Ok(serde_json::from_str(self.0.try_get::<&str, _>(column)?)?)
    }

    /// JSON or NULL.
    pub(super) fn opt_json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        match self.0.try_get::<Option<&str>, _>(column)? {
            Some(text) => Ok(Some(serde_json::from_str(text)?)),
            None => Ok(None),
        }
    }
}

fn bind<'q>(sql: &'q str, params: &'q [Value]) -> sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments> {
    #[cfg(test)]
    super::plans::record(sql);
    // Statements are literals of this module, or literals joined by its own code; values are always bound.
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for value in params {
        query = match value {
            Value::Null => query.bind(None::<i64>),
            Value::Int(value) => query.bind(*value),
            Value::Real(value) => query.bind(*value),
            Value::Text(value) => query.bind(value.as_str()),
        };
    }
    query
}

macro_rules! reads {
    ($($connection:tt)+) => {
        /// Reads all rows.
        pub(super) async fn fetch_all(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
            Ok(bind(sql, params).fetch_all(&mut *self.$($connection)+).await?.into_iter().map(Row).collect())
        }

        /// Reads the first row, if there is one.
        pub(super) async fn fetch_optional(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
            Ok(bind(sql, params).fetch_optional(&mut *self.$($connection)+).await?.map(Row))
        }
    };
}

/// A connection that reads.
pub(super) struct Reader(PoolConnection<sqlx::Sqlite>);

impl Reader {
    reads!(0);
}

/// The open write transaction.
pub(super) struct Tx {
    connection: Box<SqliteConnection>,
    /// An event was written.
    events: bool,
    /// The earliest time at which some post wants attention because of this transaction.
    schedule: Option<DateTime<Utc>>,
}

impl Tx {
    reads!(connection);

    /// Runs a statement; answers how many rows it changed.
    pub(super) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        Ok(bind(sql, params).execute(&mut *self.connection).await?.rows_affected())
    }

    /// Runs an INSERT; answers the new row's id.
    pub(super) async fn insert(&mut self, sql: &str, params: &[Value]) -> Result<i64> {
        Ok(bind(sql, params).execute(&mut *self.connection).await?.last_insert_rowid())
    }

    /// To be called by whoever writes an event.
    pub(super) fn note_event(&mut self) {
        self.events = true;
    }

    /// To be called by whoever sets `next_step_at`.
    pub(super) fn note_schedule(&mut self, at: DateTime<Utc>) {
        self.schedule = Some(self.schedule.map_or(at, |earliest| earliest.min(at)));
    }
}

/// An operation in the writer's queue.
trait Operation: Send {
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> LocalBoxFuture<'a, Result<()>>;
    fn finish(self: Box<Self>, outcome: Result<()>);
}

struct Typed<F, T> {
    operation: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Operation for Typed<F, T>
where
    F: AsyncFn(&mut Tx) -> Result<T> + Send,
    T: Send,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.result = Some((self.operation)(tx).await?);
            Ok(())
        })
    }

    fn finish(self: Box<Self>, outcome: Result<()>) {
        let Self { result, reply, .. } = *self;
        // The caller may be gone; the write stands all the same.
        let _ = reply.send(match (outcome, result) {
            (Ok(()), Some(result)) => Ok(result),
            (Ok(()), None) => Err(Error::Closed),
            (Err(error), _) => Err(error),
        });
    }
}

/// The database.
#[derive(Clone)]
pub struct Db {
    readers: SqlitePool,
    options: SqliteConnectOptions,
    queue: mpsc::Sender<Box<dyn Operation>>,
    events: watch::Receiver<u64>,
    wakes: Arc<Wakes>,
    closing: watch::Sender<bool>,
    closed: watch::Receiver<bool>,
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
        let tx = Tx { connection: Box::new(connection), events: false, schedule: None };
        let runtime = tokio::runtime::Handle::current();
        let told = wakes.clone();
        // Its own thread: operations borrow the transaction across awaits and need not be `Send`.
        std::thread::Builder::new()
            .name("aurareels-writer".to_owned())
            .spawn(move || {
                runtime.block_on(write_loop(tx, operations, closing_seen, &events_sent, &told));
                closed_sent.send_replace(true);
            })
            .map_err(|error| Error::Unavailable(sqlx::Error::Io(error)))?;
        Ok(Self { readers, options, queue, events, wakes, closing, closed })
    }

    /// Migrates on a connection of its own, guarded by a lock file: sqlx does not lock SQLite.
    pub(super) async fn migrate(&self) -> Result<()> {
        let _lock = match self.options.get_filename().to_str() {
            Some(name) if !name.is_empty() && name != ":memory:" => {
                Some(lock_file(&format!("{name}.migrate-lock")).await?)
            }
            _ => None,
        };
        let mut migrator = sqlx_macros::migrate!("../migrations/sqlite");
        migrator.dangerous_set_table_name("aurareels_migrations");
        let mut connection = self.options.connect().await?;
        migrator.run_direct(None, &mut connection, false).await.map_err(Error::Migrate)?;
        connection.close().await?;
        Ok(())
    }

    /// A connection that reads.
    pub(super) async fn read(&self) -> Result<Reader> {
        Ok(Reader(self.readers.acquire().await?))
    }

    /// Runs an operation in the writer and answers when it is durable. The operation may run more than once, each time
    /// on a state without its own earlier effects.
    pub(super) async fn write<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Box::new(Typed { operation, result: None, reply })).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(super) fn events_committed(&self) -> watch::Receiver<u64> {
        self.events.clone()
    }

    pub(super) fn wakes(&self) -> &Arc<Wakes> {
        &self.wakes
    }

    pub(super) async fn close(&self) {
        self.closing.send_replace(true);
        let mut closed = self.closed.clone();
        let _ = closed.wait_for(|closed| *closed).await;
        self.readers.close().await;
    }
}

async fn write_loop(
    mut tx: Tx,
    mut operations: mpsc::Receiver<Box<dyn Operation>>,
    mut closing: watch::Receiver<bool>,
    events: &watch::Sender<u64>,
    wakes: &Wakes,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            biased;
            count = operations.recv_many(&mut batch, BATCH) => if count == 0 { break },
            _ = closing.wait_for(|closing| *closing) => break,
        }
        let committed = run_batch(&mut tx, &mut batch).await;
        if committed.events {
            events.send_modify(|count| *count += 1);
        }
        if let Some(at) = committed.schedule {
            wakes.tell(at);
        }
    }
    let _ = tx.connection.close().await;
}

/// What a batch committed.
#[derive(Default)]
struct Committed {
    events: bool,
    schedule: Option<DateTime<Utc>>,
}

/// The earliest time at which a post that was written lately wants attention. The scheduler sleeps on it: a commit that
/// only gives a post a later time than the one it sleeps for does not wake it.
#[derive(Debug)]
pub struct Wakes {
    /// Microseconds; `i64::MAX` when nothing was written since the last [`Self::begin`].
    earliest: AtomicI64,
    told: Notify,
}

impl Default for Wakes {
    fn default() -> Self {
        Self { earliest: AtomicI64::new(i64::MAX), told: Notify::new() }
    }
}

impl Wakes {
    fn tell(&self, at: DateTime<Utc>) {
        self.earliest.fetch_min(at.timestamp_micros(), Ordering::AcqRel);
        self.told.notify_one();
    }

    /// Forgets what was told: to be called before the database is asked for the next time.
    pub fn begin(&self) {
        self.earliest.store(i64::MAX, Ordering::Release);
    }

    /// Ends when a post wants attention before `wake`.
    pub async fn before(&self, wake: DateTime<Utc>) {
        while self.earliest.load(Ordering::Acquire) >= wake.timestamp_micros() {
            self.told.notified().await;
        }
    }
}

async fn run_batch(tx: &mut Tx, batch: &mut Vec<Box<dyn Operation>>) -> Committed {
    if batch.len() > 1 && run_together(tx, batch).await {
        let committed = Committed { events: tx.events, schedule: tx.schedule };
        batch.drain(..).for_each(|operation| operation.finish(Ok(())));
        return committed;
    }
    let mut committed = Committed::default();
    for mut operation in batch.drain(..) {
        let outcome = run_alone(tx, operation.as_mut()).await;
        if outcome.is_ok() {
            committed.events |= tx.events;
            committed.schedule = committed.schedule.into_iter().chain(tx.schedule).min();
        }
        operation.finish(outcome);
    }
    committed
}

/// Runs the whole batch in one transaction. False when any part failed; then nothing stays.
async fn run_together(tx: &mut Tx, batch: &mut [Box<dyn Operation>]) -> bool {
    let attempt = async {
        begin(tx).await?;
        for operation in batch {
            operation.run(tx).await?;
        }
        commit(tx).await
    };
    match attempt.await {
        Ok(()) => true,
        Err(_) => {
            rollback(tx).await;
            false
        }
    }
}

async fn run_alone(tx: &mut Tx, operation: &mut dyn Operation) -> Result<()> {
    let outcome = async {
        begin(tx).await?;
        operation.run(tx).await?;
        commit(tx).await
    }
    .await;
    if outcome.is_err() {
        rollback(tx).await;
    }
    outcome
}

async fn begin(tx: &mut Tx) -> Result<()> {
    tx.events = false;
    tx.schedule = None;
    tx.connection.execute("BEGIN IMMEDIATE").await?;
    Ok(())
}

async fn commit(tx: &mut Tx) -> Result<()> {
    tx.connection.execute("COMMIT").await?;
    Ok(())
}

/// Fails when no transaction is open, which is then just as well.
async fn rollback(tx: &mut Tx) {
    let _ = tx.connection.execute("ROLLBACK").await;
}

/// Takes an exclusive lock on a file and keeps it until the file is dropped.
async fn lock_file(path: &str) -> Result<std::fs::File> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let file = std::fs::File::options().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        Ok(file)
    })
    .await
    .map_err(|_| Error::Closed)?
    .map_err(|error| Error::Unavailable(sqlx::Error::Io(error)))
}

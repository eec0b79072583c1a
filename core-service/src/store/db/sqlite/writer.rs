//! The writer. SQLite has one: writes are operations that a single task runs one after the other inside one transaction
//! and commits together ("group commit"). With `synchronous=FULL` a commit costs a disk flush, and sharing it makes many
//! small writers several times faster.
//!
//! Guaranteed: an operation that was answered is durable, in a file that is still in its place. One that cannot begin
//! within [`PATIENCE`] is answered with the reason and is never carried out. An operation is a repeatable function of the transaction: when
//! one of a batch fails, the batch is rolled back and runs again with a savepoint around each operation. Those that fail
//! are undone alone, and the others still share one commit. Only when that transaction itself fails does each operation
//! get one of its own.
//!
//! Expected: another process keeps the database locked; the disk is full or fails; the files are taken away. Everybody is
//! told so, and the writer goes on by itself once it can.

use std::{
    collections::{HashMap, VecDeque},
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::LocalBoxFuture};
use rusqlite::{CachedStatement, Connection, OpenFlags, params_from_iter};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    log::{KEPT, Log},
    mark::Mark,
    place::{Look, Place},
    row::{Cells, WrittenRow},
    signs::Signs,
};
use crate::store::{
    Error, Result,
    ailment::Ailment,
    db::{Row, Value, Wakes},
    restoring::HandedOut,
};

/// Most operations that share one commit. Bounds how long the first of a batch waits.
pub(super) const BATCH: usize = 128;

/// Most of them that go before others. The others have the rest, however many callers wait.
const FIRST: usize = 96;

/// Longest that an operation waits to begin while another process keeps the database locked.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long SQLite itself waits for a lock. In between, operations whose time is over are answered.
const SLICE: Duration = Duration::from_millis(500);

/// The writer's page cache in KiB (negative, as SQLite wants it): what thousands of waiting posts change over and over. Readers
/// drop theirs with every commit, so for them more would be of no use.
const CACHE: i64 = -32_768;

/// Prepared statements that are kept.
const STATEMENTS: usize = 512;

/// The open write transaction. Its statements run on the writer's own thread, to their end, without a wait; that they are
/// asynchronous is for databases that are reached over a network.
pub(in crate::store) struct Tx {
    connection: Connection,
    names: Names,
    /// An event was written.
    events: bool,
    /// The newest event and post of this transaction.
    handed_out: HandedOut,
    /// Remembers them, once it is kept.
    mark: Arc<OnceLock<Mutex<Mark>>>,
    /// The earliest time at which some post wants attention because of this transaction.
    schedule: Option<DateTime<Utc>>,
}

impl Tx {
    fn new(connection: Connection, mark: Arc<OnceLock<Mutex<Mark>>>) -> Self {
        let (names, events, handed_out, schedule) = (Names::default(), false, HandedOut::default(), None);
        Self { connection, names, events, handed_out, mark, schedule }
    }

    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>> {
        #[cfg(test)]
        crate::store::plans::record(sql);
        Ok(self.connection.prepare_cached(sql)?)
    }

    /// Reads all rows.
    pub(in crate::store) async fn fetch_all(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.fetch(sql, params, usize::MAX)
    }

    /// Reads the first row, if there is one.
    pub(in crate::store) async fn fetch_optional(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.fetch(sql, params, 1)?.pop())
    }

    fn fetch(&mut self, sql: &str, params: &[Value], most: usize) -> Result<Vec<Row>> {
        #[cfg(test)]
        crate::store::plans::record(sql);
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(params))?;
        let mut fetched = Vec::new();
        let mut names = None;
        // To its end, also where one row is wanted: a statement that changes rows has to finish.
        while let Some(row) = rows.next()? {
            if fetched.len() < most {
                let names = names.get_or_insert_with(|| self.names.of(sql, row.as_ref()));
                fetched.push(Row(Cells::Written(WrittenRow::new(names.clone(), row)?)));
            }
        }
        Ok(fetched)
    }

    fn committed(&self) -> Committed {
        Committed { events: self.events, schedule: self.schedule }
    }

    /// Runs a statement; answers how many rows it changed.
    pub(in crate::store) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let changed = self.prepare(sql)?.execute(params_from_iter(params))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// Runs an INSERT; answers the new row's id.
    pub(in crate::store) async fn insert(&mut self, sql: &str, params: &[Value]) -> Result<i64> {
        self.prepare(sql)?.execute(params_from_iter(params))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Runs an INSERT of so many rows; answers their ids, which rise in the order of the rows.
    pub(in crate::store) async fn insert_all(&mut self, sql: &str, params: &[Value], rows: usize) -> Result<Vec<i64>> {
        // An AUTOINCREMENT table gives the rows of one statement ids without a gap: nobody else writes meanwhile. RETURNING
        // would have SQLite journal the statement.
        let last = self.insert(sql, params).await?;
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        Ok((last - rows + 1..=last).collect())
    }

    /// To be called by whoever writes an event.
    pub(in crate::store) fn note_event(&mut self, sequence: i64) {
        self.events = true;
        self.handed_out.sequence = self.handed_out.sequence.max(sequence);
    }

    /// To be called by whoever makes a post.
    pub(in crate::store) fn note_post(&mut self, id: i64) {
        self.handed_out.post = self.handed_out.post.max(id);
    }

    /// To be called by whoever sets `next_step_at`.
    pub(in crate::store) fn note_schedule(&mut self, at: DateTime<Utc>) {
        self.schedule = Some(self.schedule.map_or(at, |earliest| earliest.min(at)));
    }
}

/// The names of the columns of statements that brought rows.
#[derive(Default)]
struct Names(HashMap<String, Arc<[String]>>);

impl Names {
    fn of(&mut self, sql: &str, statement: &rusqlite::Statement<'_>) -> Arc<[String]> {
        if let Some(names) = self.0.get(sql) {
            return names.clone();
        }
        let names: Arc<[String]> = statement.column_names().into_iter().map(str::to_owned).collect();
        self.0.insert(sql.to_owned(), names.clone());
        names
    }
}

/// An operation in the writer's queue.
pub(super) trait Operation: Send {
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> LocalBoxFuture<'a, Result<()>>;
    fn finish(self: Box<Self>, outcome: Result<()>);
}

/// An operation with the time by which it has to begin.
pub(super) struct Queued {
    pub(super) operation: Box<dyn Operation>,
    pub(super) until: Instant,
}

pub(super) struct Typed<F, T> {
    operation: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Typed<F, T> {
    pub(super) fn new(operation: F, reply: oneshot::Sender<Result<T>>) -> Self {
        Self { operation, result: None, reply }
    }
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

/// The two ends of the writer's queues that operations come from.
pub(super) struct Incoming {
    /// Those for which a caller waits. They go before the others: what the engine does for thousands of posts holds up
    /// nobody who asks.
    pub(super) first: mpsc::Receiver<Queued>,
    /// All others.
    pub(super) others: mpsc::Receiver<Queued>,
}

impl Incoming {
    /// Waits for operations; false when there are none and nobody is left who could send any.
    async fn fill(&mut self, batch: &mut Vec<Queued>) -> bool {
        let next = tokio::select! {
            biased;
            next = self.first.recv() => match next {
                Some(queued) => Some(queued),
                None => self.others.recv().await,
            },
            next = self.others.recv() => match next {
                Some(queued) => Some(queued),
                None => self.first.recv().await,
            },
        };
        let Some(next) = next else { return false };
        batch.push(next);
        while batch.len() < FIRST
            && let Ok(queued) = self.first.try_recv()
        {
            batch.push(queued);
        }
        while batch.len() < BATCH
            && let Ok(queued) = self.others.try_recv()
        {
            batch.push(queued);
        }
        true
    }

    fn try_next(&mut self) -> Option<Queued> {
        self.first.try_recv().or_else(|_| self.others.try_recv()).ok()
    }
}

/// The operations that wait for the writer.
struct Queue {
    incoming: Incoming,
    /// Those that come next, in the order in which they came.
    waiting: VecDeque<Queued>,
    /// Those that share the next commit.
    batch: Vec<Queued>,
}

impl Queue {
    /// Waits for operations; false when there are none and nobody is left who could send any.
    async fn fill(&mut self) -> bool {
        if self.waiting.is_empty() {
            return self.incoming.fill(&mut self.batch).await;
        }
        let next = self.waiting.len().min(BATCH);
        self.batch.extend(self.waiting.drain(..next));
        true
    }

    /// Answers those that waited too long. They are not carried out any more.
    fn expire(&mut self, ailment: &Ailment) {
        while self.waiting.len() < 4 * BATCH
            && let Some(queued) = self.incoming.try_next()
        {
            self.waiting.push_back(queued);
        }
        let now = Instant::now();
        for queued in self.batch.extract_if(.., |queued| queued.until <= now) {
            queued.operation.finish(Err(Error::Sick(ailment.clone())));
        }
        // In the order of their times, as they came.
        while let Some(queued) = self.waiting.pop_front_if(|queued| queued.until <= now) {
            queued.operation.finish(Err(Error::Sick(ailment.clone())));
        }
    }

    /// Answers the whole batch: nothing of it can be carried out.
    fn refuse(&mut self, ailment: &Ailment) {
        for queued in self.batch.drain(..) {
            queued.operation.finish(Err(Error::Sick(ailment.clone())));
        }
    }
}

/// The one that writes, and what it needs to begin anew.
pub(super) struct Writer {
    tx: Tx,
    queue: Queue,
    file: PathBuf,
    place: Option<Arc<Place>>,
    signs: Arc<Signs>,
    log: Log,
    /// The connection cannot be used any more.
    broken: bool,
}

impl Writer {
    /// Opens the database's file, and makes it if it is not there.
    pub(super) fn open(
        file: PathBuf,
        incoming: Incoming,
        mark: Arc<OnceLock<Mutex<Mark>>>,
        place: Option<Arc<Place>>,
        signs: Arc<Signs>,
    ) -> Result<Self> {
        let tx = Tx::new(connect(&file)?, mark);
        let queue = Queue { incoming, waiting: VecDeque::new(), batch: Vec::with_capacity(BATCH) };
        Ok(Self { tx, queue, file, place, signs, log: Log::default(), broken: false })
    }

    /// Runs what comes, until it is told to close or nobody is left who could send.
    pub(super) async fn run(&mut self, mut closing: watch::Receiver<bool>, events: &watch::Sender<u64>, wakes: &Wakes) {
        loop {
            tokio::select! {
                biased;
                any = self.queue.fill() => if !any { break },
                _ = closing.wait_for(|closing| *closing) => break,
            }
            let committed = self.run_batch().await;
            if committed.events {
                events.send_modify(|count| *count += 1);
            }
            if let Some(at) = committed.schedule {
                wakes.tell(at);
            }
            self.log.bound(&self.tx.connection);
        }
    }

    /// Closes the connection.
    pub(super) fn close(self) {
        drop(self.tx);
    }

    /// Forgets a connection whose state nobody knows.
    pub(super) fn begin_anew(&mut self) {
        self.queue.refuse(&Ailment::Stopped);
        self.broken = true;
    }

    async fn run_batch(&mut self) -> Committed {
        if self.queue.batch.len() > 1 {
            match self.run_together().await {
                Ok(committed) => return committed,
                Err(Error::Sick(gone @ Ailment::Gone { .. })) => {
                    self.queue.refuse(&gone);
                    return Committed::default();
                }
                Err(_) => {}
            }
            match self.run_apart().await {
                Ok(committed) => return committed,
                Err(Error::Sick(gone @ Ailment::Gone { .. })) => {
                    self.queue.refuse(&gone);
                    return Committed::default();
                }
                Err(_) => self.rollback(),
            }
        }
        let mut committed = Committed::default();
        while !self.queue.batch.is_empty() {
            if let Err(error) = self.begin() {
                self.queue.refuse(&ailment_of(&error));
                break;
            }
            // Those that waited too long are answered by now, so this may be another one, or none.
            if self.queue.batch.is_empty() {
                self.rollback();
                break;
            }
            let mut queued = self.queue.batch.remove(0);
            let outcome = match run(&mut self.tx, queued.operation.as_mut()).await {
                Ok(()) => self.commit(),
                Err(error) => Err(error),
            };
            match &outcome {
                Ok(()) => {
                    committed.events |= self.tx.events;
                    committed.schedule = committed.schedule.into_iter().chain(self.tx.schedule).min();
                }
                Err(error) => {
                    self.note(error);
                    self.rollback();
                }
            }
            queued.operation.finish(outcome);
        }
        committed
    }

    /// Runs the whole batch in one transaction. When any part fails nothing stays.
    async fn run_together(&mut self) -> Result<Committed> {
        self.begin()?;
        let attempt = async {
            for queued in &mut self.queue.batch {
                run(&mut self.tx, queued.operation.as_mut()).await?;
            }
            Ok(())
        };
        let outcome = match attempt.await {
            Ok(()) => self.commit(),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                let committed = self.tx.committed();
                self.queue.batch.drain(..).for_each(|queued| queued.operation.finish(Ok(())));
                Ok(committed)
            }
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    /// Runs the batch in one transaction and undoes the operations that fail, each alone. Answers all once the others are
    /// committed. An error is the transaction's own; it is still open then.
    async fn run_apart(&mut self) -> Result<Committed> {
        self.begin()?;
        let tx = &mut self.tx;
        let mut outcomes = Vec::with_capacity(self.queue.batch.len());
        for queued in &mut self.queue.batch {
            let (events, schedule, handed_out) = (tx.events, tx.schedule, tx.handed_out);
            tx.connection.execute_batch("SAVEPOINT operation")?;
            let outcome = run(tx, queued.operation.as_mut()).await;
            if outcome.is_err() {
                (tx.events, tx.schedule, tx.handed_out) = (events, schedule, handed_out);
                tx.connection.execute_batch("ROLLBACK TO operation")?;
            }
            tx.connection.execute_batch("RELEASE operation")?;
            outcomes.push(outcome);
        }
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).for_each(|error| self.note(error));
        self.commit()?;
        let committed = self.tx.committed();
        self.queue.batch.drain(..).zip(outcomes).for_each(|(queued, outcome)| queued.operation.finish(outcome));
        Ok(committed)
    }

    /// Opens a transaction. While another process keeps the database locked this waits, and answers the operations whose
    /// time is over; an error when none of the batch is left.
    fn begin(&mut self) -> Result<()> {
        loop {
            if self.broken {
                self.tx.connection = connect(&self.file)?;
                self.broken = false;
            }
            if let Some(place) = &self.place {
                let look = place.look();
                self.settle(look)?;
            }
            self.tx.events = false;
            self.tx.handed_out = HandedOut::default();
            self.tx.schedule = None;
            match self.tx.connection.execute_batch("BEGIN IMMEDIATE").map_err(Error::from) {
                Ok(_) => {
                    self.signs.locked(false);
                    self.queue.expire(&Ailment::Locked);
                    return Ok(());
                }
                Err(error) if error.is_locked() => {
                    self.signs.locked(true);
                    self.queue.expire(&Ailment::Locked);
                    if self.queue.batch.is_empty() {
                        return Err(error);
                    }
                }
                Err(error) => {
                    self.note(&error);
                    return Err(error);
                }
            }
        }
    }

    fn commit(&mut self) -> Result<()> {
        self.tx.connection.execute_batch("COMMIT")?;
        if let Some(place) = &self.place {
            // What went into a file that is gone is as good as not written: nobody may rely on it. A look that fails for
            // another reason is made again before the next transaction; what is committed must not be carried out again.
            let look = place.learn();
            match self.settle(look) {
                Err(gone @ Error::Sick(Ailment::Gone { .. })) => return Err(gone),
                Err(error) => self.note(&error),
                Ok(()) => {}
            }
        }
        if self.tx.handed_out != HandedOut::default()
            && let Some(mark) = self.tx.mark.get()
        {
            mark.lock().unwrap_or_else(PoisonError::into_inner).note(self.tx.handed_out);
        }
        Ok(())
    }

    fn settle(&mut self, look: std::result::Result<Look, Ailment>) -> Result<()> {
        match (look.map_err(Error::Sick)?, &self.place) {
            (Look::Smaller(size), Some(place)) => {
                let needed = bytes_needed(&self.tx.connection)?;
                place.settle(size, needed).map_err(Error::Sick)
            }
            (Look::Same { log }, _) => {
                self.log.size = log;
                Ok(())
            }
            (Look::Smaller(_), None) => Ok(()),
        }
    }

    fn note(&mut self, error: &Error) {
        if let Error::Sick(ailment) = error {
            self.signs.saw(ailment);
            // Damaged pages would stay in its cache after the file is mended.
            self.broken |= matches!(ailment, Ailment::Stopped | Ailment::Damaged);
        }
    }

    /// The error is ignored: no transaction may be open.
    fn rollback(&mut self) {
        let _ = self.tx.connection.execute_batch("ROLLBACK");
    }
}

fn ailment_of(error: &Error) -> Ailment {
    match error {
        Error::Sick(ailment) => ailment.clone(),
        other => Ailment::Disk(other.to_string()),
    }
}

/// The connection that writes.
fn connect(file: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(SLICE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", CACHE)?;
    connection.pragma_update(None, "journal_size_limit", KEPT)?;
    Ok(connection)
}

/// Bytes that a database's pages take.
fn bytes_needed(connection: &Connection) -> Result<u64> {
    let mut needed = 1;
    for pragma in ["page_count", "page_size"] {
        let value: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
        needed *= u64::try_from(value).unwrap_or_default();
    }
    Ok(needed)
}

/// What a batch committed.
#[derive(Default)]
struct Committed {
    events: bool,
    schedule: Option<DateTime<Utc>>,
}

/// Runs one operation. One that panics fails alone: the writer is everybody's.
async fn run(tx: &mut Tx, operation: &mut dyn Operation) -> Result<()> {
    match AssertUnwindSafe(operation.run(tx)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Corrupt("an operation panicked".to_owned())),
    }
}

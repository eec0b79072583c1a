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
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::LocalBoxFuture};
use sqlx::{ConnectOptions, Connection, Executor, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    log::Log,
    mark::Mark,
    place::{Look, Place},
    reads,
    signs::Signs,
    values::{Row, Value, bind},
    wakes::Wakes,
};
use crate::store::{Error, Result, ailment::Ailment, restoring::HandedOut};

/// Most operations that share one commit. Bounds how long the first of a batch waits.
pub(super) const BATCH: usize = 512;

/// Longest that an operation waits to begin while another process keeps the database locked.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long SQLite itself waits for a lock. In between, operations whose time is over are answered.
const SLICE: Duration = Duration::from_millis(500);

/// Writer page cache in KiB (negative, as SQLite wants it): what thousands of waiting posts change over and over. Readers
/// drop theirs with every commit, so for them more would be of no use.
const WRITER_CACHE: &str = "-32768";

/// The open write transaction.
pub(in crate::store) struct Tx {
    connection: Box<SqliteConnection>,
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
    pub(super) fn new(connection: SqliteConnection, mark: Arc<OnceLock<Mutex<Mark>>>) -> Self {
        let (events, handed_out, schedule) = (false, HandedOut::default(), None);
        Self { connection: Box::new(connection), events, handed_out, mark, schedule }
    }

    reads!(connection, at_leisure);

    fn committed(&self) -> Committed {
        Committed { events: self.events, schedule: self.schedule }
    }

    /// Runs a statement; answers how many rows it changed.
    pub(in crate::store) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        Ok(bind(sql, params).execute(&mut *self.connection).await?.rows_affected())
    }

    /// Runs an INSERT; answers the new row's id.
    pub(in crate::store) async fn insert(&mut self, sql: &str, params: &[Value]) -> Result<i64> {
        Ok(bind(sql, params).execute(&mut *self.connection).await?.last_insert_rowid())
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

/// In the writer a statement takes as long as it takes: its caller does not wait for ever.
async fn at_leisure<T>(statement: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    Ok(statement.await?)
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

/// The operations that wait for the writer.
struct Queue {
    operations: mpsc::Receiver<Queued>,
    /// Those that come next, in the order in which they came.
    waiting: VecDeque<Queued>,
    /// Those that share the next commit.
    batch: Vec<Queued>,
}

impl Queue {
    /// Waits for operations; false when there are none and nobody is left who could send any.
    async fn fill(&mut self) -> bool {
        if self.waiting.is_empty() {
            return self.operations.recv_many(&mut self.batch, BATCH).await > 0;
        }
        let next = self.waiting.len().min(BATCH);
        self.batch.extend(self.waiting.drain(..next));
        true
    }

    /// Answers those that waited too long. They are not carried out any more.
    fn expire(&mut self, ailment: &Ailment) {
        while self.waiting.len() < 4 * BATCH
            && let Ok(queued) = self.operations.try_recv()
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
    options: SqliteConnectOptions,
    place: Option<Arc<Place>>,
    signs: Arc<Signs>,
    log: Log,
    /// The connection cannot be used any more.
    broken: bool,
}

impl Writer {
    /// Connects.
    pub(super) async fn connect(
        options: SqliteConnectOptions,
        operations: mpsc::Receiver<Queued>,
        mark: Arc<OnceLock<Mutex<Mark>>>,
        place: Option<Arc<Place>>,
        signs: Arc<Signs>,
    ) -> Result<Self> {
        let options = options.busy_timeout(SLICE).pragma("cache_size", WRITER_CACHE);
        let tx = Tx::new(options.connect().await?, mark);
        let queue = Queue { operations, waiting: VecDeque::new(), batch: Vec::with_capacity(BATCH) };
        Ok(Self { tx, queue, options, place, signs, log: Log::default(), broken: false })
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
            self.log.bound(&mut self.tx.connection).await;
        }
    }

    /// Closes the connection.
    pub(super) async fn close(self) {
        let _ = self.tx.connection.close().await;
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
                Err(_) => self.rollback().await,
            }
        }
        let mut committed = Committed::default();
        while !self.queue.batch.is_empty() {
            if let Err(error) = self.begin().await {
                self.queue.refuse(&ailment_of(&error));
                break;
            }
            // Those that waited too long are answered by now, so this may be another one, or none.
            if self.queue.batch.is_empty() {
                self.rollback().await;
                break;
            }
            let mut queued = self.queue.batch.remove(0);
            let outcome = match run(&mut self.tx, queued.operation.as_mut()).await {
                Ok(()) => self.commit().await,
                Err(error) => Err(error),
            };
            match &outcome {
                Ok(()) => {
                    committed.events |= self.tx.events;
                    committed.schedule = committed.schedule.into_iter().chain(self.tx.schedule).min();
                }
                Err(error) => {
                    self.note(error);
                    self.rollback().await;
                }
            }
            queued.operation.finish(outcome);
        }
        committed
    }

    /// Runs the whole batch in one transaction. When any part fails nothing stays.
    async fn run_together(&mut self) -> Result<Committed> {
        self.begin().await?;
        let attempt = async {
            for queued in &mut self.queue.batch {
                run(&mut self.tx, queued.operation.as_mut()).await?;
            }
            Ok(())
        };
        let outcome = match attempt.await {
            Ok(()) => self.commit().await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                let committed = self.tx.committed();
                self.queue.batch.drain(..).for_each(|queued| queued.operation.finish(Ok(())));
                Ok(committed)
            }
            Err(error) => {
                self.rollback().await;
                Err(error)
            }
        }
    }

    /// Runs the batch in one transaction and undoes the operations that fail, each alone. Answers all once the others are
    /// committed. An error is the transaction's own; it is still open then.
    async fn run_apart(&mut self) -> Result<Committed> {
        self.begin().await?;
        let tx = &mut self.tx;
        let mut outcomes = Vec::with_capacity(self.queue.batch.len());
        for queued in &mut self.queue.batch {
            let (events, schedule, handed_out) = (tx.events, tx.schedule, tx.handed_out);
            tx.connection.execute("SAVEPOINT operation").await?;
            let outcome = run(tx, queued.operation.as_mut()).await;
            if outcome.is_err() {
                (tx.events, tx.schedule, tx.handed_out) = (events, schedule, handed_out);
                tx.connection.execute("ROLLBACK TO operation").await?;
            }
            tx.connection.execute("RELEASE operation").await?;
            outcomes.push(outcome);
        }
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).for_each(|error| self.note(error));
        self.commit().await?;
        let committed = self.tx.committed();
        self.queue.batch.drain(..).zip(outcomes).for_each(|(queued, outcome)| queued.operation.finish(outcome));
        Ok(committed)
    }

    /// Opens a transaction. While another process keeps the database locked this waits, and answers the operations whose
    /// time is over; an error when none of the batch is left.
    async fn begin(&mut self) -> Result<()> {
        loop {
            if self.broken {
                *self.tx.connection = self.options.connect().await?;
                self.broken = false;
            }
            if let Some(place) = &self.place {
                let look = place.look();
                self.settle(look).await?;
            }
            self.tx.events = false;
            self.tx.handed_out = HandedOut::default();
            self.tx.schedule = None;
            match self.tx.connection.execute("BEGIN IMMEDIATE").await.map_err(Error::from) {
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

    async fn commit(&mut self) -> Result<()> {
        self.tx.connection.execute("COMMIT").await?;
        if let Some(place) = &self.place {
            // What went into a file that is gone is as good as not written: nobody may rely on it. A look that fails for
            // another reason is made again before the next transaction; what is committed must not be carried out again.
            let look = place.learn();
            match self.settle(look).await {
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

    async fn settle(&mut self, look: std::result::Result<Look, Ailment>) -> Result<()> {
        match (look.map_err(Error::Sick)?, &self.place) {
            (Look::Smaller(size), Some(place)) => {
                let needed = bytes_needed(&mut self.tx.connection).await?;
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
    async fn rollback(&mut self) {
        let _ = self.tx.connection.execute("ROLLBACK").await;
    }
}

fn ailment_of(error: &Error) -> Ailment {
    match error {
        Error::Sick(ailment) => ailment.clone(),
        other => Ailment::Disk(other.to_string()),
    }
}

/// Bytes that a database's pages take.
pub(super) async fn bytes_needed(connection: &mut SqliteConnection) -> Result<u64> {
    let mut needed = 1;
    for pragma in ["PRAGMA page_count", "PRAGMA page_size"] {
        let value: i64 = sqlx::query(pragma).fetch_one(&mut *connection).await?.try_get(0)?;
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

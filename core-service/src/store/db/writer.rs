//! The writer. SQLite has one: writes are operations that a single task runs one after the other inside one transaction
//! and commits together ("group commit"). With `synchronous=FULL` a commit costs a disk flush, and sharing it makes many
//! small writers several times faster.
//!
//! Guaranteed: an operation that was answered is durable. An operation is a repeatable function of the transaction: when
//! one of a batch fails, the batch is rolled back and runs again with a savepoint around each operation. Those that fail
//! are undone alone, and the others still share one commit. Only when that transaction itself fails does each operation
//! get one of its own.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::LocalBoxFuture};
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    mark::Mark,
    reads,
    values::{Row, Value, bind},
    wakes::Wakes,
};
use crate::store::{Error, Result, restoring::HandedOut};

/// Most operations that share one commit. Bounds how long the first of a batch waits.
pub(super) const BATCH: usize = 512;

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

    reads!(connection);

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

/// An operation in the writer's queue.
pub(super) trait Operation: Send {
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> LocalBoxFuture<'a, Result<()>>;
    fn finish(self: Box<Self>, outcome: Result<()>);
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

/// Runs what comes, until it is told to close or nobody is left who could send.
pub(super) async fn write_loop(
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

async fn run_batch(tx: &mut Tx, batch: &mut Vec<Box<dyn Operation>>) -> Committed {
    if batch.len() > 1 {
        if run_together(tx, batch).await {
            let committed = tx.committed();
            batch.drain(..).for_each(|operation| operation.finish(Ok(())));
            return committed;
        }
        if let Ok(outcomes) = run_apart(tx, batch).await {
            let committed = tx.committed();
            batch.drain(..).zip(outcomes).for_each(|(operation, outcome)| operation.finish(outcome));
            return committed;
        }
        rollback(tx).await;
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
            run(tx, operation.as_mut()).await?;
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

/// Runs the batch in one transaction and undoes the operations that fail, each alone. Answers each one's outcome once the
/// others are committed. An error is the transaction's own; it is still open then.
async fn run_apart(tx: &mut Tx, batch: &mut [Box<dyn Operation>]) -> Result<Vec<Result<()>>> {
    let mut outcomes = Vec::with_capacity(batch.len());
    begin(tx).await?;
    for operation in batch {
        let (events, schedule, handed_out) = (tx.events, tx.schedule, tx.handed_out);
        tx.connection.execute("SAVEPOINT operation").await?;
        let outcome = run(tx, operation.as_mut()).await;
        if outcome.is_err() {
            (tx.events, tx.schedule, tx.handed_out) = (events, schedule, handed_out);
            tx.connection.execute("ROLLBACK TO operation").await?;
        }
        tx.connection.execute("RELEASE operation").await?;
        outcomes.push(outcome);
    }
    commit(tx).await?;
    Ok(outcomes)
}

async fn run_alone(tx: &mut Tx, operation: &mut dyn Operation) -> Result<()> {
    let outcome = async {
        begin(tx).await?;
        run(tx, operation).await?;
        commit(tx).await
    }
    .await;
    if outcome.is_err() {
        rollback(tx).await;
    }
    outcome
}

/// Runs one operation. One that panics fails alone: the writer is everybody's.
async fn run(tx: &mut Tx, operation: &mut dyn Operation) -> Result<()> {
    match AssertUnwindSafe(operation.run(tx)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Corrupt("an operation panicked".to_owned())),
    }
}

async fn begin(tx: &mut Tx) -> Result<()> {
    tx.events = false;
    tx.handed_out = HandedOut::default();
    tx.schedule = None;
    tx.connection.execute("BEGIN IMMEDIATE").await?;
    Ok(())
}

async fn commit(tx: &mut Tx) -> Result<()> {
    tx.connection.execute("COMMIT").await?;
    if tx.handed_out != HandedOut::default()
        && let Some(mark) = tx.mark.get()
    {
        mark.lock().unwrap_or_else(PoisonError::into_inner).note(tx.handed_out);
    }
    Ok(())
}

/// The error is ignored: no transaction may be open.
async fn rollback(tx: &mut Tx) {
    let _ = tx.connection.execute("ROLLBACK").await;
}

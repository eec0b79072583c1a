//! The writer. SQLite has one: writes are operations that a single task runs one after the other inside one transaction
//! and commits together ("group commit"). With `synchronous=FULL` a commit costs a disk flush, and sharing it makes many
//! small writers several times faster.
//!
//! Guaranteed: an operation that was answered is durable, in a file that is still in its place. One that cannot begin
//! within `operations::PATIENCE` is answered with the reason and is never carried out. An operation is a repeatable function of the transaction: when
//! one of a batch fails, the batch is rolled back and runs again with a savepoint around each operation. Those that fail
//! are undone alone, and the others still share one commit. Only when that transaction itself fails does each operation
//! get one of its own.
//!
//! Expected: another process keeps the database locked; the disk is full or fails; the files are taken away. Everybody is
//! told so, and the writer goes on by itself once it can.

use std::{
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::watch;

use super::{
    log::{KEPT, Log},
    mark::Mark,
    place::{Look, Place},
    queue::Queue,
    signs::Signs,
    tx::{Committed, Tx},
};
use crate::store::{
    Error, Result,
    ailment::Ailment,
    db::{
        self,
        operations::{Incoming, Operation},
        wakes::Wakes,
    },
    handed_out::HandedOut,
};
use crate::telemetry::metrics::StoreMetrics;

/// How long SQLite itself waits for a lock. In between, operations whose time is over are answered.
const SLICE: Duration = Duration::from_millis(500);

/// The writer's page cache in KiB (negative, as SQLite wants it): what thousands of waiting posts change over and over. Readers
/// drop theirs with every commit, so for them more would be of no use.
const CACHE: i64 = -8_192;

/// Prepared statements that are kept.
const STATEMENTS: usize = 512;

/// The one that writes, and what it needs to begin anew.
pub(super) struct Writer {
    /// Always of SQLite.
    tx: db::tx::Tx,
    queue: Queue,
    file: PathBuf,
    place: Option<Arc<Place>>,
    signs: Arc<Signs>,
    log: Log,
    metrics: StoreMetrics,
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
        metrics: StoreMetrics,
    ) -> Result<Self> {
        let tx = db::tx::Tx::Sqlite(Tx::new(connect(&file)?, mark));
        Ok(Self { tx, queue: Queue::new(incoming), file, place, signs, log: Log::default(), metrics, broken: false })
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
            self.log.bound(&self.tx.sqlite().connection);
        }
    }

    fn tx(&mut self) -> &mut Tx {
        self.tx.sqlite()
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
                    self.metrics.writes.inc();
                    let tx = self.tx();
                    committed = Committed {
                        events: committed.events | tx.events,
                        schedule: committed.schedule.into_iter().chain(tx.schedule).min(),
                    };
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
                let committed = self.tx().committed();
                self.metrics.writes.inc_by(self.queue.batch.len() as u64);
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
        let mut outcomes = Vec::with_capacity(self.queue.batch.len());
        for queued in &mut self.queue.batch {
            let tx = self.tx.sqlite();
            let (events, schedule, handed_out) = (tx.events, tx.schedule, tx.handed_out);
            tx.connection.execute_batch("SAVEPOINT operation")?;
            let outcome = run(&mut self.tx, queued.operation.as_mut()).await;
            let tx = self.tx.sqlite();
            if outcome.is_err() {
                (tx.events, tx.schedule, tx.handed_out) = (events, schedule, handed_out);
                tx.connection.execute_batch("ROLLBACK TO operation")?;
            }
            tx.connection.execute_batch("RELEASE operation")?;
            outcomes.push(outcome);
        }
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).for_each(|error| self.note(error));
        self.commit()?;
        let committed = self.tx().committed();
        self.metrics.writes.inc_by(outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64);
        self.queue.batch.drain(..).zip(outcomes).for_each(|(queued, outcome)| queued.operation.finish(outcome));
        Ok(committed)
    }

    /// Opens a transaction. While another process keeps the database locked this waits, and answers the operations whose
    /// time is over; an error when none of the batch is left.
    fn begin(&mut self) -> Result<()> {
        loop {
            if self.broken {
                self.tx().connection = connect(&self.file)?;
                self.broken = false;
            }
            if let Some(place) = &self.place {
                let look = place.look();
                self.settle(look)?;
            }
            let tx = self.tx();
            (tx.events, tx.handed_out, tx.schedule) = (false, HandedOut::default(), None);
            match self.tx().connection.execute_batch("BEGIN IMMEDIATE").map_err(Error::from) {
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
        let began = Instant::now();
        self.tx().connection.execute_batch("COMMIT")?;
        self.metrics.commit_seconds.observe(began.elapsed().as_secs_f64());
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
        let tx = self.tx();
        if tx.handed_out != HandedOut::default()
            && let Some(mark) = tx.mark.get()
        {
            mark.lock().unwrap_or_else(PoisonError::into_inner).note(tx.handed_out);
        }
        Ok(())
    }

    fn settle(&mut self, look: std::result::Result<Look, Ailment>) -> Result<()> {
        match (look.map_err(Error::Sick)?, &self.place) {
            (Look::Smaller(size), Some(place)) => {
                let needed = bytes_needed(&self.tx.sqlite().connection)?;
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
        let _ = self.tx().connection.execute_batch("ROLLBACK");
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

/// Runs one operation. One that panics fails alone: the writer is everybody's.
async fn run(tx: &mut db::tx::Tx, operation: &mut dyn Operation) -> Result<()> {
    match AssertUnwindSafe(operation.run(tx)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Corrupt("an operation panicked".to_owned())),
    }
}

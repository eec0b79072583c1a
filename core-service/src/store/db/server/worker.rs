//! One of those who write: it carries operations out, each in a transaction of its own.
//!
//! Guaranteed: an operation that was answered is committed. One that was not committed for a reason that passes (a
//! conflict with another writer, a connection that broke) runs again, until [`Queued::until`].
//!
//! **A COMMIT whose answer is lost** may have counted. Each writer has a row of its own (its slot), into which every
//! transaction writes its number. After the loss the writer asks for that row, on a new connection, with a lock: the
//! answer waits until the lost transaction has ended, one way or the other, and then the number says which. Until the
//! server can be asked, the operation neither runs again nor is answered.
//!
//! **Writers in each other's way** wait a little longer each time. Who was in the way [`ALONE_AFTER`] times runs while
//! this process runs nothing else.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use tokio::{
    sync::{Mutex, watch},
    time::{sleep, timeout},
};

use super::{
    connection::Connection,
    failure::{Failure, Outcome, Trouble},
    shared::{Committed, Shared},
    tx::Tx,
};
use crate::{
    params,
    store::{
        Error,
        ailment::Ailment,
        db::{
            self,
            operations::{Incoming, Operation, Queued},
        },
    },
};

/// Conflicts after which an operation runs while this process runs nothing else.
const ALONE_AFTER: u32 = 3;

/// First wait after a failure; it doubles each time, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// How often a key that is taken may turn out to be taken by somebody else meanwhile.
const TAKEN: u32 = 3;

const MARKED: &str = "SELECT number FROM aurareels_writers WHERE slot = ? FOR UPDATE";
const FORGET: &str = "DELETE FROM aurareels_writers WHERE slot = ?";

/// One of those who write.
pub(super) struct Worker {
    shared: Arc<Shared>,
    incoming: Arc<Mutex<Incoming>>,
    closing: watch::Receiver<bool>,
    /// Always of a server.
    tx: Option<db::tx::Tx>,
    slot: String,
    /// Of the transaction that is under way, or of the last one.
    number: i64,
}

/// Why an operation is not committed.
enum Undone {
    /// The transaction did not count.
    Failed(Failure),
    /// It may have counted.
    Unsure(Committed),
    /// The operation itself failed.
    Error(Error),
}

impl From<Failure> for Undone {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        incoming: Arc<Mutex<Incoming>>,
        closing: watch::Receiver<bool>,
        slot: String,
    ) -> Self {
        Self { shared, incoming, closing, tx: None, slot, number: 0 }
    }

    /// Carries out what comes, until it is told to close and nothing waits any more.
    pub(super) async fn run(&mut self) {
        while let Some(queued) = self.next().await {
            self.carry_out(queued).await;
        }
    }

    /// Ends the connection.
    pub(super) async fn close(&mut self) {
        if let Some(db::tx::Tx::Server(mut tx)) = self.tx.take() {
            let sql = self.shared.texts.of(FORGET);
            let _ = timeout(Duration::from_secs(1), tx.connection.execute(&sql, &params![&self.slot])).await;
            tx.connection.end().await;
        }
    }

    /// Forgets a connection whose state nobody knows.
    pub(super) fn begin_anew(&mut self) {
        self.tx = None;
    }

    async fn next(&mut self) -> Option<Queued> {
        let mut incoming = self.incoming.lock().await;
        tokio::select! {
            biased;
            next = incoming.next() => next,
            _ = self.closing.wait_for(|closing| *closing) => incoming.try_next(),
        }
    }

    async fn carry_out(&mut self, mut queued: Queued) {
        let (mut conflicts, mut taken, mut wait) = (0, 0, FIRST_WAIT);
        loop {
            let shared = self.shared.clone();
            let attempt = if conflicts < ALONE_AFTER && !queued.is_alone {
                let _beside_others = shared.turn.read().await;
                self.attempt(queued.operation.as_mut()).await
            } else {
                let _alone = shared.turn.write().await;
                self.attempt(queued.operation.as_mut()).await
            };
            let failure = match attempt {
                Ok(committed) => {
                    self.shared.committed(committed);
                    return queued.operation.finish(Ok(()));
                }
                Err(Undone::Error(error)) => return queued.operation.finish(Err(error)),
                Err(Undone::Failed(failure)) => failure,
                Err(Undone::Unsure(committed)) => match self.settle(&queued).await {
                    Some(true) => {
                        self.shared.committed(committed);
                        return queued.operation.finish(Ok(()));
                    }
                    Some(false) => Failure::new(Trouble::Broken, Error::Sick(Ailment::Stopped)),
                    None => return queued.operation.finish(Err(Error::Sick(Ailment::Stopped))),
                },
            };
            match failure.trouble {
                Trouble::Conflict => conflicts += 1,
                Trouble::Taken => taken += 1,
                Trouble::Broken => self.tx = None,
                // Another server may answer in its place by now.
                Trouble::Refused if matches!(failure.error, Error::Sick(Ailment::Replica)) => self.tx = None,
                Trouble::Refused => {}
            }
            let goes_on = match failure.trouble {
                Trouble::Conflict | Trouble::Broken => true,
                Trouble::Taken => taken < TAKEN,
                Trouble::Refused => false,
            };
            if !goes_on || Instant::now() >= queued.until || *self.closing.borrow() {
                let error = self.shared.met(failure);
                return queued.operation.finish(Err(error));
            }
            self.shared.met(failure);
            wait = pause(wait).await;
        }
    }

    /// Runs an operation once, in a transaction of its own.
    async fn attempt(&mut self, operation: &mut dyn Operation) -> Result<Committed, Undone> {
        let any = match &mut self.tx {
            Some(tx) => tx,
            none => {
                none.insert(db::tx::Tx::Server(Tx::new(self.shared.clone(), Connection::make(&self.shared).await?)))
            }
        };
        any.server().begin().await?;
        let ran = AssertUnwindSafe(operation.run(any)).catch_unwind().await;
        let outcome = ran.unwrap_or_else(|_| Err(Error::Corrupt("an operation panicked".to_owned())));
        let tx = any.server();
        let failed = match (outcome, tx.trouble) {
            (Ok(()), None) => None,
            (Ok(()), Some(trouble)) => {
                // What the database refused cannot be committed, whatever the operation made of it.
                Some(Failure::new(trouble, Error::Corrupt("a statement failed unnoticed".to_owned())))
            }
            (Err(error), Some(trouble)) => Some(Failure::new(trouble, error)),
            (Err(error), None) => {
                tx.connection.roll_back().await?;
                return Err(Undone::Error(error));
            }
        };
        self.number += 1;
        let finished = match failed {
            None => tx.finish(&self.slot, self.number).await,
            Some(failure) => Err(failure),
        };
        let committed = match finished {
            Ok(Some(committed)) => committed,
            Ok(None) => {
                tx.connection.roll_back().await?;
                return Ok(Committed { events: false, schedule: None });
            }
            Err(failure) => {
                if failure.trouble != Trouble::Broken && tx.connection.roll_back().await.is_err() {
                    self.tx = None;
                }
                return Err(Undone::Failed(failure));
            }
        };
        let began = Instant::now();
        match tx.connection.commit().await {
            Ok(()) => {
                self.shared.metrics.commit_seconds.observe(began.elapsed().as_secs_f64());
                self.shared.metrics.writes.inc();
                Ok(committed)
            }
            // Only an answer of the server proves that it did not count.
            Err(failure) if failure.trouble == Trouble::Broken => {
                self.tx = None;
                Err(Undone::Unsure(committed))
            }
            Err(failure) => {
                if tx.connection.roll_back().await.is_err() {
                    self.tx = None;
                }
                Err(Undone::Failed(failure))
            }
        }
    }

    /// Finds out whether a transaction counted whose COMMIT was not answered. `None`: it could not be found out before the
    /// end.
    async fn settle(&mut self, queued: &Queued) -> Option<bool> {
        let mut wait = FIRST_WAIT;
        loop {
            match self.ask().await {
                Ok(number) => return Some(number == Some(self.number)),
                Err(failure) => {
                    self.shared.met(failure);
                }
            }
            // The caller has his answer by then, but what follows may rest on this one.
            if *self.closing.borrow() && Instant::now() >= queued.until {
                return None;
            }
            wait = pause(wait).await;
        }
    }

    /// The number that stands in this writer's slot, once no transaction holds it.
    async fn ask(&mut self) -> Outcome<Option<i64>> {
        self.tx = None;
        let mut connection = Connection::make(&self.shared).await?;
        connection.begin().await?;
        let rows = connection.fetch(&self.shared.texts.of(MARKED), &params![&self.slot]).await?;
        connection.roll_back().await?;
        self.tx = Some(db::tx::Tx::Server(Tx::new(self.shared.clone(), connection)));
        let number = rows.first().map(|row| row.int("number")).transpose();
        number.map_err(|error| Failure::new(Trouble::Refused, error))
    }
}

/// Waits about so long; answers how long to wait next time.
async fn pause(wait: Duration) -> Duration {
    let mut random = [0];
    let _ = getrandom::fill(&mut random);
    sleep(wait.mul_f64(0.5 + f64::from(random[0]) / 256.0)).await;
    (wait * 2).min(LONGEST_WAIT)
}

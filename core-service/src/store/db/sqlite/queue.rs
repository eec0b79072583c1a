//! The operations that wait for the writer: those for which a caller waits go before those of the engine.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use futures_util::future::LocalBoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::Tx;
use crate::store::{Error, Result, ailment::Ailment};

/// Most operations that share one commit. Bounds how long the first of a batch waits.
pub(super) const BATCH: usize = 128;

/// Most of them that go before others. The others have the rest, however many callers wait.
const FIRST: usize = 96;

/// Longest that an operation waits to begin while another process keeps the database locked.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

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
pub(super) struct Queue {
    incoming: Incoming,
    /// Those that come next, in the order in which they came.
    waiting: VecDeque<Queued>,
    /// Those that share the next commit.
    pub(super) batch: Vec<Queued>,
}

impl Queue {
    pub(super) fn new(incoming: Incoming) -> Self {
        Self { incoming, waiting: VecDeque::new(), batch: Vec::with_capacity(BATCH) }
    }

    /// Waits for operations; false when there are none and nobody is left who could send any.
    pub(super) async fn fill(&mut self) -> bool {
        if self.waiting.is_empty() {
            return self.incoming.fill(&mut self.batch).await;
        }
        let next = self.waiting.len().min(BATCH);
        self.batch.extend(self.waiting.drain(..next));
        true
    }

    /// Answers those that waited too long. They are not carried out any more.
    pub(super) fn expire(&mut self, ailment: &Ailment) {
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
    pub(super) fn refuse(&mut self, ailment: &Ailment) {
        for queued in self.batch.drain(..) {
            queued.operation.finish(Err(Error::Sick(ailment.clone())));
        }
    }
}

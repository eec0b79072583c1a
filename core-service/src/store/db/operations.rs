//! Operations on their way to who carries them out: those for which a caller waits go before those of the engine.

use std::time::{Duration, Instant};

use futures_util::{
    FutureExt,
    future::{BoxFuture, LocalBoxFuture},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::tx::Tx;
use crate::store::{Error, Result, ailment::Ailment};

/// Longest that an operation waits to begin. What has not begun by then never does.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Longest time until a write is answered, whatever the database does.
const ANSWER: Duration = Duration::from_secs(15);

/// An operation that waits to be carried out.
pub(super) trait Operation: Send {
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> LocalBoxFuture<'a, Result<()>>;
    fn finish(self: Box<Self>, outcome: Result<()>);
}

/// An operation with the time by which it has to begin.
pub(super) struct Queued {
    pub(super) operation: Box<dyn Operation>,
    pub(super) until: Instant,
    /// No other writer of this process may be at work beside it, where there are several.
    pub(super) is_alone: bool,
}

/// When an operation gets its turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Before the others, and with no other writer of this process beside it.
    Alone,
    /// Before the others.
    First,
    /// After those.
    Later,
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

/// The two queues, for those who have operations carried out.
#[derive(Clone)]
pub(super) struct Outgoing {
    /// For operations for which a caller waits.
    pub(super) first: mpsc::Sender<Queued>,
    /// For all others.
    pub(super) others: mpsc::Sender<Queued>,
}

/// Two queues of that length.
pub(super) fn queues(length: usize) -> (Outgoing, Incoming) {
    let (first_sent, first) = mpsc::channel(length);
    let (others_sent, others) = mpsc::channel(length);
    (Outgoing { first: first_sent, others: others_sent }, Incoming { first, others })
}

impl Outgoing {
    /// Operations that wait.
    pub(super) fn waiting(&self) -> usize {
        [&self.first, &self.others].iter().map(|queue| queue.max_capacity() - queue.capacity()).sum()
    }

    /// Has an operation carried out. The operation and the wait for it are on the heap:
    /// thousands may wait for their answer, and a future that is awaited inside of others is stored once for each of them.
    pub(super) fn write<T, F>(&self, operation: F, turn: Turn) -> BoxFuture<'static, Result<T>>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        let queue = if turn == Turn::Later { self.others.clone() } else { self.first.clone() };
        let (reply, answer) = oneshot::channel();
        let (operation, is_alone) = (Box::new(Typed::new(operation, reply)), turn == Turn::Alone);
        let queued = Queued { operation, until: Instant::now() + PATIENCE, is_alone };
        let answered = timeout(ANSWER, async move {
            queue.send(queued).await.map_err(|_| Error::Closed)?;
            // Without a reply the writer stopped in the middle; it says so in the log.
            answer.await.unwrap_or(Err(Error::Sick(Ailment::Stopped)))
        });
        answered.map(|answer| answer.unwrap_or(Err(Error::Sick(Ailment::Slow(ANSWER.as_secs()))))).boxed()
    }
}

/// The other ends of the queues.
pub(super) struct Incoming {
    /// Those for which a caller waits. They go before the others: what the engine does for thousands of posts holds up
    /// nobody who asks.
    pub(super) first: mpsc::Receiver<Queued>,
    /// All others.
    pub(super) others: mpsc::Receiver<Queued>,
}

impl Incoming {
    /// Waits for the next operation; `None` when there is none and nobody is left who could send any.
    pub(super) async fn next(&mut self) -> Option<Queued> {
        tokio::select! {
            biased;
            next = self.first.recv() => match next {
                Some(queued) => Some(queued),
                None => self.others.recv().await,
            },
            next = self.others.recv() => match next {
                Some(queued) => Some(queued),
                None => self.first.recv().await,
            },
        }
    }

    /// The next operation, if there is one.
    pub(super) fn try_next(&mut self) -> Option<Queued> {
        self.first.try_recv().or_else(|_| self.others.try_recv()).ok()
    }
}

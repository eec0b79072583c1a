//! The operations that wait for the writer: those for which a caller waits go before those of the engine.

use std::{collections::VecDeque, time::Instant};

use crate::store::{
    Error,
    ailment::Ailment,
    db::operations::{Incoming, Queued},
};

/// Most operations that share one commit. Bounds how long the first of a batch waits.
pub(super) const BATCH: usize = 128;

/// Most of them that go before others. The others have the rest, however many callers wait.
const FIRST: usize = 96;

impl Incoming {
    /// Waits for operations; false when there are none and nobody is left who could send any.
    async fn fill(&mut self, batch: &mut Vec<Queued>) -> bool {
        let Some(next) = self.next().await else { return false };
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

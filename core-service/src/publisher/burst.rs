//! Bursts: of many posts due at the same moment, all requests are sent first and their results are written right after,
//! a limited number at once. So many also store what they are told of live posts, and read what those still lack: the
//! others hold no connection and no half-made write meanwhile.
//!
//! Guaranteed: no result waits for another platform, nor longer than [`HOLD`] for responses of the same. Between a
//! response and its commit nothing else is done; a crash in that short time leaves a step without an outcome, which is
//! reconciled like any other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Semaphore, SemaphorePermit, watch};

use crate::domain::platform::Platform;

/// Longest wait for the others of a burst before a result is written.
const HOLD: Duration = Duration::from_millis(1_500);

/// Posts of a platform that write the result of a burst's request, or store a live post, at the same time: enough for the
/// database's largest batches.
const FINISHING: usize = 512;

/// Posts of a platform that read what their live post still lacks at the same time: at 200 ms for an answer, 640 a second.
const READING: usize = 128;

/// The bursts of one process, separate for each platform.
#[derive(Clone, Debug, Default)]
pub struct Bursts([Burst; Platform::ALL.len()]);

impl Bursts {
    /// That of a platform.
    pub(super) fn of(&self, platform: Platform) -> &Burst {
        &self.0[platform as usize]
    }
}

/// The burst of a platform.
#[derive(Clone, Debug)]
pub(super) struct Burst {
    unsent: Arc<AtomicUsize>,
    empty: watch::Sender<()>,
    finishing: Arc<Semaphore>,
    reading: Arc<Semaphore>,
}

impl Default for Burst {
    fn default() -> Self {
        Self {
            unsent: Arc::default(),
            empty: watch::Sender::new(()),
            finishing: Arc::new(Semaphore::new(FINISHING)),
            reading: Arc::new(Semaphore::new(READING)),
        }
    }
}

/// A request of a burst without a response yet.
pub(super) struct Unsent {
    burst: Burst,
}

impl Burst {
    /// Counts a request whose time has come.
    pub(super) fn enter(&self) -> Unsent {
        self.unsent.fetch_add(1, Ordering::AcqRel);
        Unsent { burst: self.clone() }
    }

    /// Waits until the others of the burst have their responses, at most [`HOLD`].
    pub(super) async fn sent(&self) {
        let mut empty = self.empty.subscribe();
        let others = async { while self.unsent.load(Ordering::Acquire) > 0 && empty.changed().await.is_ok() {} };
        // After that the result is written all the same.
        let _ = tokio::time::timeout(HOLD, others).await;
    }

    /// A place among those that write a result or store a live post, in the order of asking.
    pub(super) async fn place_to_finish(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.finishing.acquire().await.ok()
    }

    /// A place among those that read what their live post lacks, in the order of asking.
    pub(super) async fn place_to_read(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.reading.acquire().await.ok()
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        if self.burst.unsent.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.burst.empty.send_replace(());
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_more_than_may_read_at_once_waits_for_a_place() {
        let bursts = Bursts::default();
        let burst = bursts.of(Platform::Youtube);
        let mut places = Vec::new();
        for _ in 0..READING {
            places.push(burst.place_to_read().await);
        }
        // Otherwise Tokio makes a task that has got so many wait for its next turn.
        tokio::task::yield_now().await;
        let waiting = burst.place_to_read();
        tokio::pin!(waiting);
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(bursts.of(Platform::Facebook).place_to_read().now_or_never().is_some());
        places.pop();
        assert!(waiting.now_or_never().is_some());
    }

    #[tokio::test]
    async fn results_wait_for_the_last_of_the_burst() {
        let bursts = Bursts::default();
        let burst = bursts.of(Platform::Tiktok);
        let (first, second) = (burst.enter(), burst.enter());
        bursts.of(Platform::Instagram).sent().await;
        let waiting = tokio::spawn({
            let burst = burst.clone();
            async move { burst.sent().await }
        });
        drop(first);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(second);
        waiting.await.unwrap();
    }
}

//! Bursts: of many posts due at the same moment, all requests are sent first and their results are written right after.
//!
//! Guaranteed: no result waits for another platform, nor longer than [`HOLD`] for others of the same. Between a
//! response and its commit nothing else is done; a crash in that short time leaves a step without an outcome, which is
//! reconciled like any other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use crate::domain::platform::Platform;

/// Longest wait for the others of a burst before a result is written.
const HOLD: Duration = Duration::from_millis(1_500);

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
}

impl Default for Burst {
    fn default() -> Self {
        Self { unsent: Arc::default(), empty: watch::Sender::new(()) }
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
    use super::*;

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

//! When the scheduler is to look again.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

/// The earliest time at which a post that was written lately wants attention. The scheduler sleeps on it: a commit that
/// only gives a post a later time than the one it sleeps for does not wake it.
#[derive(Debug)]
pub struct Wakes {
    /// Microseconds; `i64::MAX` when nothing was written since the last [`Self::begin`].
    earliest: AtomicI64,
    told: Notify,
}

impl Default for Wakes {
    fn default() -> Self {
        Self { earliest: AtomicI64::new(i64::MAX), told: Notify::new() }
    }
}

impl Wakes {
    pub(super) fn tell(&self, at: DateTime<Utc>) {
        self.earliest.fetch_min(at.timestamp_micros(), Ordering::AcqRel);
        self.told.notify_one();
    }

    /// Forgets what was told: to be called before the database is asked for the next time.
    pub fn begin(&self) {
        self.earliest.store(i64::MAX, Ordering::Release);
    }

    /// Ends when a post wants attention before `wake`.
    pub async fn before(&self, wake: DateTime<Utc>) {
        while self.earliest.load(Ordering::Acquire) >= wake.timestamp_micros() {
            self.told.notified().await;
        }
    }
}

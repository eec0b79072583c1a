//! Time as the core sees it. Every decision takes `now` from here, so tests can move it; rows hold microseconds, so
//! `now` is cut to them in this one place. Safety never depends on it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::watch;

/// The system's time, corrected by an offset: by the database's time, or by a test that moves the clock.
#[derive(Clone)]
pub struct Clock {
    offset_micros: Arc<AtomicI64>,
    moved: watch::Sender<()>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { offset_micros: Arc::default(), moved: watch::Sender::new(()) }
    }
}

impl Clock {
    /// The system's time, uncorrected.
    pub fn system() -> Self {
        Self::default()
    }

    /// Now, in whole microseconds.
    #[allow(clippy::disallowed_methods, reason = "the one place where the system's time enters")]
    pub fn now(&self) -> DateTime<Utc> {
        (Utc::now() + TimeDelta::microseconds(self.offset_micros.load(Ordering::Relaxed))).trunc_subsecs(6)
    }

    /// Sets how far this clock is ahead of the system's. Wakes every sleeper, so that it counts anew.
    pub fn set_offset(&self, offset: TimeDelta) {
        let micros = offset.num_microseconds().unwrap_or(i64::MAX);
        if self.offset_micros.swap(micros, Ordering::Relaxed) != micros {
            self.moved.send_replace(());
        }
    }

    /// How far this clock is ahead of the system's.
    pub fn offset(&self) -> TimeDelta {
        TimeDelta::microseconds(self.offset_micros.load(Ordering::Relaxed))
    }

    /// Sleeps until an instant of this clock, also when it is moved meanwhile.
    pub async fn sleep_until(&self, at: DateTime<Utc>) {
        let mut moved = self.moved.subscribe();
        loop {
            let left = (at - self.now()).to_std().unwrap_or(Duration::ZERO);
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left.min(Duration::from_secs(3600))) => {}
                _ = moved.changed() => {}
            }
        }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("offset", &self.offset()).finish()
    }
}

//! The simulator's clock: real time plus an offset that tests move.
//!
//! Guaranteed: it never goes backwards unless it is set to an earlier time on purpose. Token lifetimes, rate windows
//! and processing times all read it, so a test moves it instead of sleeping.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// A handle on the clock; clones move the same clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_us: Arc<AtomicI64>,
}

impl Clock {
    /// The simulated time.
    pub fn now(&self) -> DateTime<Utc> {
        real_now() + TimeDelta::microseconds(self.offset_us.load(Ordering::SeqCst))
    }

    /// Seconds since 1970 in simulated time.
    pub fn unix(&self) -> i64 {
        self.now().timestamp()
    }

    /// Moves the clock forward (or back, with a negative span).
    pub fn advance(&self, span: TimeDelta) {
        let micros = span.num_microseconds().unwrap_or(0);
        self.offset_us.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets the clock; it goes on from there at the speed of real time.
    pub fn set(&self, now: DateTime<Utc>) {
        let offset = (now - real_now()).num_microseconds().unwrap_or(0);
        self.offset_us.store(offset, Ordering::SeqCst);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else takes the time from")]
fn real_now() -> DateTime<Utc> {
    Utc::now()
}

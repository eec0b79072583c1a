//! Time as the core sees it. Every decision takes `now` from here, so tests can move it; rows hold microseconds, so
//! `now` is cut to them in this one place. Safety never depends on it.
//!
//! Cores that share a database of a server go by its time (`store/time.rs`): what is due is due for all of them at once,
//! however wrong their machines' clocks are. Spans, as the length of a claim, are measured by [`Uptime`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::watch;

/// Longest sleep without a look at the time: timers stand still while a machine sleeps.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);

/// The system's time, corrected by the database's, and moved by tests.
#[derive(Clone)]
pub struct Clock {
    /// How wrong a test makes the machine's clock.
    machine_error: TimeDelta,
    correction_micros: Arc<AtomicI64>,
    offset_micros: Arc<AtomicI64>,
    moved: watch::Sender<()>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::of_machine(TimeDelta::zero())
    }
}

impl Clock {
    /// The system's time, uncorrected.
    pub fn system() -> Self {
        Self::default()
    }

    /// The clock of a machine that goes wrong by so much: for tests.
    pub fn of_machine(error: TimeDelta) -> Self {
        Self {
            machine_error: error,
            correction_micros: Arc::default(),
            offset_micros: Arc::default(),
            moved: watch::Sender::new(()),
        }
    }

    /// Now, in whole microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        (self.machine() + self.correction() + self.offset()).trunc_subsecs(6)
    }

    /// What the machine's own clock says.
    #[allow(clippy::disallowed_methods, reason = "the one place where the system's time enters")]
    pub(crate) fn machine(&self) -> DateTime<Utc> {
        Utc::now() + self.machine_error
    }

    /// How far the machine's clock is behind the right time.
    pub fn correction(&self) -> TimeDelta {
        TimeDelta::microseconds(self.correction_micros.load(Ordering::Relaxed))
    }

    /// Corrects the machine's clock. Wakes every sleeper, so that it counts anew.
    pub(crate) fn correct(&self, correction: TimeDelta) {
        let micros = correction.num_microseconds().unwrap_or_default();
        if self.correction_micros.swap(micros, Ordering::Relaxed) != micros {
            self.moved.send_replace(());
        }
    }

    /// Moves this clock: so far it is ahead of the right time. Wakes every sleeper, so that it counts anew.
    pub fn set_offset(&self, offset: TimeDelta) {
        let micros = offset.num_microseconds().unwrap_or(i64::MAX);
        if self.offset_micros.swap(micros, Ordering::Relaxed) != micros {
            self.moved.send_replace(());
        }
    }

    /// How far this clock was moved.
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
                () = tokio::time::sleep(left.min(LONGEST_SLEEP)) => {}
                _ = moved.changed() => {}
            }
        }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("correction", &self.correction()).field("offset", &self.offset()).finish()
    }
}

/// An instant of a clock that nobody sets and that also counts while the machine sleeps, for spans. `Instant` stands still
/// then on Linux and macOS: a laptop that slept for an hour would believe that a claim of fifteen seconds still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(Duration);

impl Uptime {
    /// Now.
    pub fn now() -> Self {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let id = rustix::time::ClockId::Boottime;
        // Counts during sleep there, unlike the one that `Instant` takes.
        #[cfg(target_vendor = "apple")]
        let id = rustix::time::ClockId::Monotonic;
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        {
            let now = rustix::time::clock_gettime(id);
            let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
            Self(Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default()))
        }
        #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
        {
            static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
            Self(START.elapsed())
        }
    }

    /// The time since an earlier instant; none if it is a later one.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    #[cfg(test)]
    pub(crate) fn before(self, span: Duration) -> Option<Self> {
        self.0.checked_sub(span).map(Self)
    }
}

impl std::ops::Add<Duration> for Uptime {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0 + span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn uptime_counts_while_the_machine_sleeps() {
        // What the kernel says there includes the time asleep, and `Instant` does not.
        let told = || {
            let text = std::fs::read_to_string("/proc/uptime").unwrap();
            Duration::from_secs_f64(text.split(' ').next().unwrap().parse().unwrap())
        };
        let (before, ours, after) = (told(), Uptime::now().0, told());
        let grain = Duration::from_millis(20);
        assert!(before <= ours + grain && ours <= after + grain, "{before:?} {ours:?} {after:?}");
    }

    #[test]
    fn a_machine_that_goes_wrong_is_corrected_and_moved_all_the_same() {
        let (right, wrong) = (Clock::system(), Clock::of_machine(TimeDelta::minutes(10)));
        assert!(wrong.now() - right.now() > TimeDelta::minutes(9));
        wrong.correct(TimeDelta::minutes(-10));
        assert!((wrong.now() - right.now()).abs() < TimeDelta::minutes(1));
        wrong.set_offset(TimeDelta::hours(5));
        assert!(wrong.now() - right.now() > TimeDelta::hours(4));
        assert_eq!(wrong.offset(), TimeDelta::hours(5));
    }
}

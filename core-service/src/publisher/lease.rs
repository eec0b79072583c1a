//! Whether this process's claims still hold, by the monotonic clock: a process that was stopped and woken finds out here,
//! right before it would send something, that its time is over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::TimeDelta;

use crate::platform;

/// The claims of one process. All of them are renewed together.
#[derive(Clone, Debug)]
pub struct Leases {
    start: Instant,
    length: Duration,
    /// Milliseconds after `start` at which the newest renewal was asked for.
    renewed: Arc<AtomicU64>,
}

impl Leases {
    /// Claims that hold for `length` after they were made or renewed.
    pub fn new(length: Duration) -> Self {
        Self { start: Instant::now(), length, renewed: Arc::default() }
    }

    /// How long a claim holds.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// The instant to pass to [`Self::renewed`] or [`Self::claimed`], taken before the store is asked.
    pub fn mark(&self) -> Instant {
        Instant::now()
    }

    /// The store has renewed all claims; `asked` was taken before it was asked to.
    pub fn renewed(&self, asked: Instant) {
        self.renewed.fetch_max(self.since_start(asked), Ordering::AcqRel);
    }

    /// A claim that the store gave; `asked` was taken before it was asked. `ahead` says how much before its time the
    /// post was claimed.
    pub fn claimed(&self, asked: Instant, ahead: TimeDelta) -> Claim {
        Claim { leases: self.clone(), claimed: self.since_start(asked), ahead }
    }

    fn since_start(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }
}

/// One claim.
#[derive(Clone, Debug)]
pub struct Claim {
    leases: Leases,
    claimed: u64,
    ahead: TimeDelta,
}

impl Claim {
    /// How much before its time the post was claimed: work may begin that much earlier, and nothing visible leaves
    /// before its time.
    pub fn ahead(&self) -> TimeDelta {
        self.ahead
    }
}

impl platform::Lease for Claim {
    fn holds(&self) -> bool {
        let newest = self.claimed.max(self.leases.renewed.load(Ordering::Acquire));
        let length = u64::try_from(self.leases.length.as_millis()).unwrap_or(u64::MAX);
        self.leases.since_start(Instant::now()) < newest.saturating_add(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Lease as _;

    #[test]
    fn a_claim_ends_unless_it_is_renewed() {
        let leases = Leases::new(Duration::ZERO);
        let claim = leases.claimed(leases.mark(), TimeDelta::zero());
        assert!(!claim.holds(), "a lease of no length is over at once");
        let leases = Leases::new(Duration::from_secs(3600));
        let claim = leases.claimed(leases.mark(), TimeDelta::zero());
        assert!(claim.holds());
        leases.renewed(leases.mark());
        assert!(claim.holds());
    }
}

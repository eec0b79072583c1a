//! Whether this process's claims are still valid, by a clock that also counts while the machine sleeps: a process that
//! was suspended and resumed, alone or with its machine, detects here, right before sending, that its claims have expired.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use prometheus::Histogram;
use tokio::sync::watch;

use crate::{
    clock::{Clock, Uptime},
    domain::ids::{Fence, PostId},
    platform,
};

/// The claims of one process. They are renewed together, but a renewal counts only for those that the store still had:
/// a claim that was taken away while the process was suspended must not be revived by the next renewal.
#[derive(Debug)]
pub struct Leases {
    start: Uptime,
    length: Duration,
    /// The claims of the newest renewal, with the milliseconds after `start` at which it was asked for.
    renewed: Mutex<HashMap<(PostId, Fence), u64>>,
    /// The database files are gone: the outcome of a request could not be recorded.
    lost: Arc<AtomicBool>,
}

impl Leases {
    /// Claims that hold for `length` after they were made or renewed, and only while `lost` is false.
    pub fn new(length: Duration, lost: Arc<AtomicBool>) -> Self {
        Self { start: Uptime::now(), length, renewed: Mutex::default(), lost }
    }

    /// How long a claim holds.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// The instant to pass to [`Self::renewed`] or [`Self::claimed`], taken before the store is asked.
    pub fn mark(&self) -> Uptime {
        Uptime::now()
    }

    /// The store has renewed these claims; `asked` was taken before it was asked to.
    pub fn renewed(&self, asked: Uptime, held: &[(PostId, Fence)]) {
        let asked = self.since_start(asked);
        let held = held.iter().map(|claim| (*claim, asked)).collect();
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// A claim that the store gave; `asked` was taken before it was asked. `ahead` says how much before its time the
    /// post was claimed.
    pub fn claimed(self: &Arc<Self>, of: (PostId, Fence), asked: Uptime, ahead: TimeDelta) -> Claim {
        Claim { leases: Arc::clone(self), of, claimed: self.since_start(asked), ahead }
    }

    fn since_start(&self, at: Uptime) -> u64 {
        u64::try_from(at.since(self.start).as_millis()).unwrap_or(u64::MAX)
    }
}

/// One claim.
#[derive(Clone, Debug)]
pub struct Claim {
    leases: Arc<Leases>,
    of: (PostId, Fence),
    claimed: u64,
    ahead: TimeDelta,
}

impl Claim {
    /// How long before its time the post was claimed: work may begin that much earlier, but nothing visible is sent
    /// before its time.
    pub fn ahead(&self) -> TimeDelta {
        self.ahead
    }
}

impl Claim {
    /// False once it has expired.
    pub fn holds(&self) -> bool {
        if self.leases.lost.load(Ordering::Acquire) {
            return false;
        }
        let renewed = self.leases.renewed.lock().unwrap_or_else(PoisonError::into_inner).get(&self.of).copied();
        let newest = self.claimed.max(renewed.unwrap_or_default());
        let length = u64::try_from(self.leases.length.as_millis()).unwrap_or(u64::MAX);
        self.leases.since_start(Uptime::now()) < newest.saturating_add(length)
    }
}

/// A claim, as a platform client sees it: the right to send one request.
pub(super) struct Permit<'a> {
    pub(super) claim: &'a Claim,
    pub(super) clock: &'a Clock,
    /// When a point of no return may be sent.
    pub(super) not_before: DateTime<Utc>,
    /// Where to record how late it was sent; `None` for posts that were not scheduled.
    pub(super) late: Option<Histogram>,
    /// The core is asked to stop.
    pub(super) stopping: watch::Receiver<bool>,
    /// The core was asked to stop while the request waited for its time: it was not sent.
    pub(super) was_stopped: AtomicBool,
}

#[async_trait]
impl platform::Lease for Permit<'_> {
    async fn opens(&self) -> bool {
        let mut stopping = self.stopping.clone();
        let opens = tokio::select! {
            biased;
            () = self.clock.sleep_until(self.not_before) => true,
            _ = stopping.wait_for(|stopping| *stopping) => false,
        };
        if !opens {
            self.was_stopped.store(true, Ordering::SeqCst);
        }
        opens
    }

    fn holds(&self) -> bool {
        self.claim.holds()
    }

    fn leaves(&self) {
        if let Some(late) = &self.late {
            let by = (self.clock.now() - self.not_before).to_std().unwrap_or_default();
            late.observe(by.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: (PostId, Fence) = (PostId(1), Fence(1));

    fn begun_before(span: Duration) -> Uptime {
        Uptime::now().before(span).expect("the machine runs for longer")
    }

    fn begun(start: Uptime, seconds: u64) -> Arc<Leases> {
        let length = Duration::from_secs(seconds);
        Arc::new(Leases { start, length, renewed: Mutex::default(), lost: Arc::default() })
    }

    #[test]
    fn a_claim_ends_unless_it_is_renewed() {
        let leases = Arc::new(Leases::new(Duration::ZERO, Arc::default()));
        let claim = leases.claimed(OURS, leases.mark(), TimeDelta::zero());
        assert!(!claim.holds(), "a lease of no length is over at once");
        let leases = Arc::new(Leases::new(Duration::from_secs(3600), Arc::default()));
        assert!(leases.claimed(OURS, leases.mark(), TimeDelta::zero()).holds());
        let start = begun_before(Duration::from_secs(100));
        let leases = begun(start, 60);
        let claim = leases.claimed(OURS, start, TimeDelta::zero());
        assert!(!claim.holds(), "it was made longer ago than it lasts");
        leases.renewed(start + Duration::from_secs(10), &[OURS]);
        assert!(!claim.holds(), "a renewal counts from when it was asked for");
        leases.renewed(start + Duration::from_secs(80), &[OURS]);
        assert!(claim.holds(), "a renewal makes it last longer");
    }

    #[test]
    fn a_renewal_does_not_revive_a_claim_that_was_taken_away() {
        let start = begun_before(Duration::from_secs(100));
        let leases = begun(start, 15);
        let claim = leases.claimed(OURS, start, TimeDelta::zero());
        assert!(!claim.holds(), "it ran out long ago");
        leases.renewed(leases.mark(), &[(PostId(1), Fence(2)), (PostId(2), Fence(1))]);
        assert!(!claim.holds(), "others were renewed");
        leases.renewed(leases.mark(), &[OURS]);
        assert!(claim.holds(), "nobody had taken it: the store has renewed it");
    }
}

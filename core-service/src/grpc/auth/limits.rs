//! How much one key, token or session may ask for: requests per second, and uploads under way.
//!
//! Guaranteed: who asks for more is refused before a handler runs, with the time after which the next request fits; nobody
//! else is. What is remembered of callers is bounded by how many of them called within the last second: everyone else is
//! forgotten when there are many. Each process counts for itself.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    state::keyed::HashMapStateStore,
};

use super::Principal;
use crate::config;

/// So many callers are remembered before those that are silent are forgotten.
const MANY: usize = 4_096;

/// When a refused upload may be tried again: nobody knows when one of those under way ends.
const UPLOAD_AGAIN: Duration = Duration::from_secs(5);

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverLimit {
    /// Too many requests.
    Requests {
        /// How many a second.
        limit: u32,
        /// When the next one fits.
        wait: Duration,
    },
    /// Too many uploads under way.
    Uploads {
        /// How many at once.
        limit: usize,
        /// When to try again.
        wait: Duration,
    },
}

/// The limits of callers, and what they have used. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Limits {
    requests: Option<Arc<Requests>>,
    most_uploads: Option<usize>,
    uploads: Arc<Mutex<HashMap<Principal, usize>>>,
}

struct Requests {
    limit: NonZeroU32,
    limiter: RateLimiter<Principal, HashMapStateStore<Principal>, DefaultClock>,
    /// So many callers are remembered before the silent ones are looked for again.
    sweep_at: AtomicUsize,
}

/// The place of one upload under way, given back when dropped.
pub(crate) struct UploadPermit {
    uploads: Arc<Mutex<HashMap<Principal, usize>>>,
    principal: Principal,
}

impl Limits {
    /// Those of the settings.
    pub(crate) fn new(settings: config::Limits) -> Self {
        let requests = |limit: NonZeroU32| Requests {
            limit,
            limiter: RateLimiter::hashmap(Quota::per_second(limit)),
            sweep_at: AtomicUsize::new(MANY),
        };
        Self {
            requests: settings.requests_per_second.map(|limit| Arc::new(requests(limit))),
            most_uploads: settings.uploads.map(|limit| limit.get() as usize),
            uploads: Arc::default(),
        }
    }

    /// Counts a request.
    pub(crate) fn request(&self, principal: Principal) -> Result<(), OverLimit> {
        self.requests.as_ref().map_or(Ok(()), |requests| requests.count(principal))
    }

    /// A place for one more upload; `None` where they are not limited.
    pub(crate) fn upload(&self, principal: Principal) -> Result<Option<UploadPermit>, OverLimit> {
        let Some(limit) = self.most_uploads else { return Ok(None) };
        let mut uploads = lock(&self.uploads);
        let running = uploads.entry(principal).or_default();
        if *running >= limit {
            return Err(OverLimit::Uploads { limit, wait: UPLOAD_AGAIN });
        }
        *running += 1;
        Ok(Some(UploadPermit { uploads: self.uploads.clone(), principal }))
    }
}

impl Requests {
    fn count(&self, principal: Principal) -> Result<(), OverLimit> {
        let counted = self.limiter.check_key(&principal).map_err(|over| OverLimit::Requests {
            limit: self.limit.get(),
            wait: over.wait_time_from(self.limiter.clock().now()),
        });
        if self.limiter.len() >= self.sweep_at.load(Ordering::Relaxed) {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
            self.sweep_at.store(MANY.max(self.limiter.len() * 2), Ordering::Relaxed);
        }
        counted
    }
}

fn lock(uploads: &Mutex<HashMap<Principal, usize>>) -> MutexGuard<'_, HashMap<Principal, usize>> {
    uploads.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for UploadPermit {
    fn drop(&mut self) {
        let mut uploads = lock(&self.uploads);
        if let Some(running) = uploads.get_mut(&self.principal) {
            *running -= 1;
            if *running == 0 {
                uploads.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserId;

    fn limits(requests: u32, uploads: u32) -> Limits {
        Limits::new(config::Limits {
            requests_per_second: NonZeroU32::new(requests),
            uploads: NonZeroU32::new(uploads),
        })
    }

    #[test]
    fn who_asks_for_more_waits_and_nobody_else() {
        let limits = limits(1, 0);
        // The second one, unless this machine sleeps for a second in between.
        let refused = std::iter::repeat_with(|| limits.request(Principal::ApiKey(1))).find_map(Result::err).unwrap();
        let OverLimit::Requests { limit: 1, wait } = refused else { panic!("{refused:?}") };
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        for other in [Principal::ApiKey(2), Principal::Token(UserId(1)), Principal::Site, Principal::Session(1)] {
            assert_eq!(limits.request(other), Ok(()));
        }
    }

    #[test]
    fn callers_who_are_silent_are_forgotten() {
        // With a thousand a second a caller counts as silent after a millisecond.
        let limits = limits(1_000, 0);
        for number in 0..100_000 {
            assert_eq!(limits.request(Principal::ApiKey(number)), Ok(()));
        }
        let remembered = limits.requests.unwrap().limiter.len();
        assert!(remembered < 50_000, "{remembered} callers are remembered");
    }

    #[test]
    fn a_place_of_an_upload_comes_back_and_leaves_nothing() {
        let limits = limits(0, 2);
        let key = Principal::ApiKey(1);
        let both = (limits.upload(key).unwrap(), limits.upload(key).unwrap());
        assert!(matches!(limits.upload(key), Err(OverLimit::Uploads { limit: 2, .. })));
        assert!(limits.upload(Principal::ApiKey(2)).is_ok());
        drop(both);
        assert!(limits.upload(key).is_ok());
        assert!(lock(&limits.uploads).is_empty());
    }

    #[test]
    fn without_a_setting_nothing_is_counted() {
        let limits = limits(0, 0);
        assert!((0..100_000).all(|_| limits.request(Principal::Site).is_ok()));
        assert!(limits.upload(Principal::Site).unwrap().is_none());
    }
}

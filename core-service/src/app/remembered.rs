//! A short-lived cache of credentials, by the hash of their secret.
//!
//! Guaranteed: what was revoked stops working within [`REMEMBERED`] everywhere, on this core and on others that share the
//! database; streams that are open with it are told within twice that time.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::{sync::watch, time::sleep};

use crate::store;

/// How long a cached credential is trusted.
pub const REMEMBERED: Duration = Duration::from_secs(2);

/// Maximum number of cached credentials of a kind.
const MOST: usize = 4096;

/// Credentials of one kind.
pub(super) struct Remembered<T> {
    found: Mutex<HashMap<String, (T, Instant)>>,
    /// The newest revocation seen.
    revocations: watch::Sender<Option<DateTime<Utc>>>,
}

/// What is stored of a secret.
pub(super) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

impl<T: Clone> Remembered<T> {
    pub(super) fn new() -> Self {
        Self { found: Mutex::default(), revocations: watch::Sender::new(None) }
    }

    /// What was found less than [`REMEMBERED`] ago.
    pub(super) fn get(&self, hash: &str) -> Option<T> {
        let found = self.found();
        let (credential, looked) = found.get(hash)?;
        (looked.elapsed() < REMEMBERED).then(|| credential.clone())
    }

    /// Keeps what was looked up; `looked` is when that began.
    pub(super) fn keep(&self, hash: String, credential: Option<&T>, looked: Instant) {
        let mut found = self.found();
        let Some(credential) = credential else {
            found.remove(&hash);
            return;
        };
        if found.len() >= MOST {
            found.retain(|_, (_, looked)| looked.elapsed() < REMEMBERED);
        }
        if found.len() < MOST {
            found.insert(hash, (credential.clone(), looked));
        }
    }

    /// Forgets those that are so.
    pub(super) fn forget(&self, is_so: impl Fn(&T) -> bool) {
        self.found().retain(|_, (credential, _)| !is_so(credential));
    }

    /// Changes when one was revoked; open streams then check theirs again.
    pub(super) fn revocations(&self) -> watch::Receiver<Option<DateTime<Utc>>> {
        self.revocations.subscribe()
    }

    /// Looks for revocations, by this process or another, while there are subscribers. Never returns.
    pub(super) async fn follow<F>(&self, newest: impl Fn() -> F)
    where
        F: Future<Output = store::Result<Option<DateTime<Utc>>>>,
    {
        loop {
            sleep(REMEMBERED).await;
            if self.revocations.receiver_count() == 0 {
                continue;
            }
            // A store that is away for a while ends no stream.
            let Ok(newest) = newest().await else { continue };
            if *self.revocations.borrow() != newest {
                self.found().clear();
                self.revocations.send_replace(newest);
            }
        }
    }

    fn found(&self) -> MutexGuard<'_, HashMap<String, (T, Instant)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

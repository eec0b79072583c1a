//! API keys: made, listed, revoked and recognised.
//!
//! Guaranteed: a key is shown once, when it is made; only its SHA-256 is stored, and keys are found by it, so nothing
//! compares secrets byte by byte. A key has 256 random bits, so a fast hash is enough. A revoked key stops working
//! within [`REMEMBERED`] everywhere, on this core and on others that share the database; streams that are open with it are
//! told within twice that time.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::{sync::watch, time::sleep};
use zeroize::Zeroize;

pub use crate::store::api_keys::{ApiKey, Scope};
use crate::{
    domain::ids::UserId,
    secret::Secret,
    store::{Store, api_keys::NewApiKey},
};

/// What every key begins with.
pub const PREFIX: &str = "ar_";

/// How long a found key is trusted without looking again.
pub const REMEMBERED: Duration = Duration::from_secs(2);

/// Most keys that are remembered.
const MOST: usize = 4096;

/// Characters of a key that are kept to tell keys apart: far too few to guess the rest.
const SHOWN: usize = 9;

/// The keys of one core.
pub struct ApiKeys {
    store: Store,
    found: Mutex<HashMap<String, (ApiKey, Instant)>>,
    /// The newest revocation that was seen.
    revocations: watch::Sender<Option<DateTime<Utc>>>,
}

impl ApiKeys {
    /// Keys of this store.
    pub fn new(store: Store) -> Self {
        Self { store, found: Mutex::default(), revocations: watch::Sender::new(None) }
    }

    /// Makes a key. The secret is not stored and cannot be had again.
    ///
    /// # Panics
    /// If the operating system gives no random numbers.
    pub async fn create(
        &self,
        name: &str,
        mut scopes: Vec<Scope>,
        user: Option<UserId>,
    ) -> super::Result<(Secret, ApiKey)> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
        let key = Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)));
        bytes.zeroize();
        scopes.sort_unstable();
        scopes.dedup();
        let row = NewApiKey {
            name: name.to_owned(),
            hash: hash(key.expose()),
            prefix: key.expose()[..SHOWN].to_owned(),
            scopes,
            user,
        };
        let stored = self.store.insert_api_key(row).await?;
        Ok((key, stored))
    }

    /// Every key, the revoked ones too.
    pub async fn list(&self) -> super::Result<Vec<ApiKey>> {
        Ok(self.store.list_api_keys().await?)
    }

    /// Revokes a key; false when there is no active one with this id.
    pub async fn revoke(&self, id: i64) -> super::Result<bool> {
        let revoked = self.store.revoke_api_key(id).await?;
        self.remembered().retain(|_, (key, _)| key.id != id);
        Ok(revoked)
    }

    /// The active key of this text, if it is one.
    pub async fn find(&self, text: &str) -> super::Result<Option<ApiKey>> {
        if !text.starts_with(PREFIX) || text.len() > 128 {
            return Ok(None);
        }
        let hash = hash(text);
        if let Some((key, seen)) = self.remembered().get(&hash)
            && seen.elapsed() < REMEMBERED
        {
            return Ok(Some(key.clone()));
        }
        let looked = Instant::now();
        let key = self.store.active_api_key(&hash).await?;
        let mut found = self.remembered();
        match &key {
            Some(key) => {
                if found.len() >= MOST {
                    found.retain(|_, (_, seen)| seen.elapsed() < REMEMBERED);
                }
                if found.len() < MOST {
                    found.insert(hash, (key.clone(), looked));
                }
            }
            None => drop(found.remove(&hash)),
        }
        Ok(key)
    }

    /// Changes when a key was revoked; whose streams are open asks again then.
    pub fn revocations(&self) -> watch::Receiver<Option<DateTime<Utc>>> {
        self.revocations.subscribe()
    }

    /// Looks for revocations, by this process or another, while somebody wants to know of them. Never ends.
    pub async fn follow_revocations(&self) {
        loop {
            sleep(REMEMBERED).await;
            if self.revocations.receiver_count() == 0 {
                continue;
            }
            // A store that is away for a while ends no stream.
            let Ok(newest) = self.store.newest_revocation().await else { continue };
            if *self.revocations.borrow() != newest {
                self.remembered().clear();
                self.revocations.send_replace(newest);
            }
        }
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<String, (ApiKey, Instant)>> {
        self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{clock::Clock, secret::KeyRing};

    async fn keys() -> (tempfile::TempDir, ApiKeys) {
        let directory = tempfile::tempdir().unwrap();
        let ring = Arc::new(KeyRing::from_settings::<&str>("a key for tests 0123456789 abcdefghij", &[]).unwrap());
        let store =
            Store::open(crate::store::db::testing::place(directory.path()).await, ring, Clock::system()).await.unwrap();
        store.migrate().await.unwrap();
        (directory, ApiKeys::new(store))
    }

    #[tokio::test]
    async fn a_key_is_found_by_its_text_and_stored_as_a_hash_only() {
        let (directory, keys) = keys().await;
        let scopes = vec![Scope::Publish, Scope::Read, Scope::Read];
        let (secret, made) = keys.create("n8n", scopes, Some(UserId(7))).await.unwrap();
        assert_eq!(made.scopes, [Scope::Read, Scope::Publish]);
        let found = keys.find(secret.expose()).await.unwrap().unwrap();
        assert_eq!((found.id, found.user, &found.scopes), (made.id, Some(UserId(7)), &made.scopes));
        assert_eq!(keys.list().await.unwrap(), [found]);
        for file in std::fs::read_dir(directory.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let text = secret.expose().as_bytes();
            assert!(!bytes.windows(text.len()).any(|window| window == text), "the key is on disk");
        }
    }

    #[tokio::test]
    async fn other_texts_find_nothing() {
        let (_directory, keys) = keys().await;
        let (secret, _) = keys.create("one", vec![Scope::Read], None).await.unwrap();
        let mut wrong = secret.expose().to_owned();
        wrong.pop();
        for text in ["", "ar_", "bearer", &wrong, &format!("{}x", secret.expose()), &"ar_x".repeat(100)] {
            assert_eq!(keys.find(text).await.unwrap(), None, "{text}");
        }
    }

    #[tokio::test]
    async fn a_revoked_key_stops_working_here_at_once() {
        let (_directory, keys) = keys().await;
        let (secret, made) = keys.create("one", vec![Scope::Read], None).await.unwrap();
        assert!(keys.find(secret.expose()).await.unwrap().is_some());
        assert!(keys.revoke(made.id).await.unwrap());
        assert!(!keys.revoke(made.id).await.unwrap(), "a second time changes nothing");
        assert_eq!(keys.find(secret.expose()).await.unwrap(), None);
        assert!(keys.list().await.unwrap()[0].revoked_at.is_some());
    }
}

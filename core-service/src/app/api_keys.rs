//! API keys: creating, listing, revoking and recognising them.
//!
//! Guaranteed: a key is shown once, when it is made; only its SHA-256 is stored, and keys are found by it, so nothing
//! compares secrets byte by byte. A key has 256 random bits, so a fast hash is enough. A revoked key stops working
//! within [`REMEMBERED`] everywhere, on this core and on others that share the database; streams that are open with it are
//! told within twice that time.

use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

pub use super::remembered::REMEMBERED;
use super::remembered::{Remembered, hash};
pub use crate::store::api_keys::{ApiKey, Scope};
use crate::{
    domain::ids::UserId,
    secret::Secret,
    store::{Store, api_keys::NewApiKey},
};

/// What every key begins with.
pub const PREFIX: &str = "ar_";

/// Characters of a key that are stored to tell keys apart: far too few to guess the rest.
const SHOWN: usize = 9;

/// The keys of one core.
pub struct ApiKeys {
    store: Store,
    remembered: Remembered<ApiKey>,
}

impl ApiKeys {
    /// Keys of this store.
    pub fn new(store: Store) -> Self {
        Self { store, remembered: Remembered::new() }
    }

    /// Creates a key. The secret is not stored and cannot be recovered.
    ///
    /// # Panics
    /// If the operating system gives no random numbers.
    pub async fn create(
        &self,
        name: &str,
        mut scopes: Vec<Scope>,
        user: Option<UserId>,
    ) -> super::Result<(Secret, ApiKey)> {
        let key = Secret::new(format!("{PREFIX}{}", Secret::random().expose()));
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

    /// Every key, including revoked ones.
    pub async fn list(&self) -> super::Result<Vec<ApiKey>> {
        Ok(self.store.list_api_keys().await?)
    }

    /// Revokes a key; false when there is no active one with this id.
    pub async fn revoke(&self, id: i64) -> super::Result<bool> {
        let revoked = self.store.revoke_api_key(id).await?;
        self.remembered.forget(|key| key.id == id);
        Ok(revoked)
    }

    /// The active key of this text, if it is one.
    pub async fn find(&self, text: &str) -> super::Result<Option<ApiKey>> {
        if !text.starts_with(PREFIX) || text.len() > 128 {
            return Ok(None);
        }
        let hash = hash(text);
        if let Some(key) = self.remembered.get(&hash) {
            return Ok(Some(key));
        }
        let looked = Instant::now();
        let key = self.store.active_api_key(&hash).await?;
        self.remembered.keep(hash, key.as_ref(), looked);
        Ok(key)
    }

    /// Changes when a key was revoked; open streams then check their key again.
    pub fn revocations(&self) -> watch::Receiver<Option<DateTime<Utc>>> {
        self.remembered.revocations()
    }

    /// Looks for revocations while there are subscribers. Never returns.
    pub async fn follow_revocations(&self) {
        self.remembered.follow(|| self.store.newest_revocation()).await;
    }
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

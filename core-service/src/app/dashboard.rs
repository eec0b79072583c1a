//! Logging in to the dashboard: links that work once, and sessions.
//!
//! Guaranteed: secrets are shown once; only their SHA-256 is stored, and rows are found by it. They have 256 random
//! bits, so a fast hash is enough and guessing is hopeless. A link's secret contains its user, so that a page can show
//! who will be logged in before the link is used up; another number in the same link is another secret. A session that
//! was ended stops working within [`REMEMBERED`] everywhere, and its streams end within twice that time.
//!
//! How long links and sessions live is in `store::dashboard`.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tracing::warn;

pub use super::remembered::REMEMBERED;
use super::{
    Result,
    remembered::{Remembered, hash},
};
pub use crate::store::dashboard::{LIFE, Session};
use crate::{
    clock::Clock,
    domain::{failure::describe, ids::UserId},
    secret::Secret,
    store::{
        Store,
        dashboard::{NewSession, USE_WRITTEN},
    },
};

/// Longest secret that is looked up, bytes.
const MAX_SECRET: usize = 128;

/// Longest name of a browser that is kept, characters.
const MAX_USER_AGENT: usize = 200;

/// The logins of one core.
pub struct Dashboard {
    store: Store,
    clock: Clock,
    remembered: Remembered<Session>,
}

impl Dashboard {
    /// Logins in this store.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock, remembered: Remembered::new() }
    }

    /// Creates the secret of a link that logs a user in once. It is not stored and cannot be recovered.
    ///
    /// # Panics
    /// If the operating system gives no random numbers.
    pub async fn create_link(&self, user: UserId, life: TimeDelta) -> Result<Secret> {
        let secret = Secret::from(format!("{user}.{}", Secret::random().expose()));
        self.store.insert_dashboard_link(&hash(secret.expose()), user, life).await?;
        Ok(secret)
    }

    /// Uses up a link: returns the secret of the new session, and the session. The browser's previous session ends.
    /// `None` when the link is unknown, used or expired, without saying which.
    ///
    /// # Panics
    /// If the operating system gives no random numbers.
    pub async fn log_in(
        &self,
        link: &str,
        user_agent: &str,
        instead_of: Option<&str>,
    ) -> Result<Option<(Secret, Session)>> {
        if link.is_empty() || link.len() > MAX_SECRET {
            return Ok(None);
        }
        let secret = Secret::random();
        let new = NewSession {
            hash: hash(secret.expose()),
            user_agent: user_agent.chars().filter(|character| !character.is_control()).take(MAX_USER_AGENT).collect(),
            instead_of: instead_of.map(hash),
        };
        if let Some(before) = &new.instead_of {
            self.remembered.keep(before.clone(), None, Instant::now());
        }
        let session = self.store.log_in(&hash(link), new).await?;
        Ok(session.map(|session| (secret, session)))
    }

    /// The session of this secret, unless it has ended. It counts as used.
    pub async fn used(&self, secret: &str) -> Result<Option<Session>> {
        let Some(mut session) = self.find(secret).await? else { return Ok(None) };
        let now = self.clock.now();
        if now - session.last_used_at < USE_WRITTEN {
            return Ok(Some(session));
        }
        match self.store.dashboard_session_used(session.id).await {
            Ok(()) => {
                if let Some(found) = self.look(secret).await? {
                    session = found;
                }
            }
            // It was good, and it is; that it ends a minute early is better than a page that fails.
            Err(problem) => {
                warn!(error = %describe(&problem), "the use of a session of the dashboard could not be written");
            }
        }
        Ok(Some(session))
    }

    /// The session of this secret, unless it has ended. It does not count as used.
    pub async fn find(&self, secret: &str) -> Result<Option<Session>> {
        if secret.is_empty() || secret.len() > MAX_SECRET {
            return Ok(None);
        }
        match self.remembered.get(&hash(secret)) {
            Some(session) => Ok(Some(session).filter(|session| session.expires_at > self.clock.now())),
            None => self.look(secret).await,
        }
    }

    async fn look(&self, secret: &str) -> Result<Option<Session>> {
        let looked = Instant::now();
        let hash = hash(secret);
        let session = self.store.dashboard_session(&hash).await?;
        self.remembered.keep(hash, session.as_ref(), looked);
        Ok(session)
    }

    /// The sessions of a user, or of all, most recently used first.
    pub async fn list(&self, user: Option<UserId>) -> Result<Vec<Session>> {
        Ok(self.store.dashboard_sessions(user).await?)
    }

    /// Ends a session, of this user if one is named; false when there is no such session.
    pub async fn end(&self, user: Option<UserId>, id: i64) -> Result<bool> {
        let ended = self.store.end_dashboard_session(user, id).await?;
        self.remembered.forget(|session| session.id == id && ended);
        Ok(ended)
    }

    /// Changes when a session was ended; open streams then check their session again.
    pub fn revocations(&self) -> watch::Receiver<Option<DateTime<Utc>>> {
        self.remembered.revocations()
    }

    /// Looks for ended sessions while there are subscribers. Never returns.
    pub async fn follow_revocations(&self) {
        self.remembered.follow(|| self.store.newest_end_of_session()).await;
    }
}

//! Keeps the tokens of accounts usable: the one place that opens them, refreshes them and says when a login is lost.
//!
//! A refresh is a commit at the platform: sending it may burn the refresh token it was made with
//! (TikTok rotates it: <https://developers.tiktok.com/doc/oauth-user-access-token-management>). Guaranteed here:
//! - One refresh at a time per account: callers in this process share one, replicas agree by a claim in the database,
//!   and whoever comes second uses what the first one stored.
//! - "Refresh started" is committed before the request leaves; new tokens are committed before anybody uses them; a
//!   stored token is never blanked. The refresh runs in a task of its own, so that a caller who goes away cannot cut it
//!   off between the platform's answer and its storing.
//! - A lost answer is followed by one retry with the same token. Only the platform's own word "this login is no longer
//!   valid" leads to `needs_reconnect`, and only about the tokens that are stored at that moment.
//! - Network errors, rate limits, the platform's own errors and our wrong configuration never disconnect: while the
//!   access token is valid, publishing goes on with it.
//! - A refresh that panics leaves nothing behind but the mark that its answer may be lost: its claim is given back, who
//!   waited for it goes on, and the next one begins anew.
//! - A token that cannot be opened is [`TokenError::Unreadable`]: our keys, not the login.

mod error;
mod life;
mod refresh;
#[cfg(test)]
mod tests;

pub use error::TokenError;
use error::{RECONNECT, needs_reconnect};
pub(crate) use life::login;
pub use life::{ends_soon, refresh_margin};

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, join_all},
};
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::{
    clock::Clock,
    domain::{
        account::{Account, Health},
        failure::{Failure, FailureClass, Reason},
        ids::AccountId,
        platform::Platform,
    },
    platform::{Registry, Tokens},
    store::{Store, account_tokens::StoredLogin, logins::Login},
};

/// How long a refresh that is not pressing is left alone after it failed.
const BACK_OFF: TimeDelta = TimeDelta::seconds(60);

/// A token this young that is refused is not refreshed again: its successor would be refused too.
const JUST_ISSUED: TimeDelta = TimeDelta::seconds(10);

/// Logins refreshed in one round of [`TokenManager::keep_alive`].
const KEEP_ALIVE_BATCH: u32 = 20;

/// How a refresh ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshEnd {
    /// Newer tokens than the ones that were seen are stored, by this refresh or by another.
    Refreshed,
    /// This login cannot be refreshed now; the sentence says why and what to do.
    NotRefreshable(String),
}

type Flight = Shared<BoxFuture<'static, Result<RefreshEnd, TokenError>>>;

/// An account with its opened tokens. Posts that are claimed together share it.
pub struct OpenLogin {
    /// The account.
    pub account: Account,
    /// Its tokens.
    pub tokens: Tokens,
}

/// Keeps tokens. Cheap to clone; all clones share their refreshes.
#[derive(Clone)]
pub struct TokenManager {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    registry: Registry,
    clock: Clock,
    /// Refreshes under way, by account and the version they replace.
    flights: Mutex<HashMap<(AccountId, i64), Flight>>,
    /// Owns the tasks of the refreshes under way.
    tasks: TaskTracker,
    /// When an account's refresh last failed for a passing reason.
    failed_at: Mutex<HashMap<AccountId, DateTime<Utc>>>,
}

fn tokens(login: &Login) -> Tokens {
    Tokens { access: login.access.clone(), refresh: login.refresh.clone(), grant: login.grant.clone() }
}

impl TokenManager {
    /// A token manager of the accounts of this store.
    pub fn new(store: Store, registry: Registry, clock: Clock) -> Self {
        let (flights, failed_at) = Default::default();
        let tasks = TaskTracker::new();
        Self { inner: Arc::new(Inner { store, registry, clock, flights, tasks, failed_at }) }
    }

    /// Ends when no refresh is under way. To be called when nobody is left who could begin one, before the store closes:
    /// a rotated token that is on its way is stored first.
    pub async fn settled(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// The logins of these accounts that can be used as they are, read at once. All others are for [`Self::fresh_tokens_for`].
    pub async fn logins(&self, ids: &[AccountId], now: DateTime<Utc>) -> HashMap<AccountId, Arc<OpenLogin>> {
        // What could not be read here is read again where it is needed, and its error told there.
        let stored = self.inner.store.account_logins(ids).await.unwrap_or_default();
        let open = stored.into_iter().filter_map(|(id, stored)| {
            let (account, login) = usable(stored).ok()?;
            let is_good = self.inner.may_be_used(id, &login, now);
            is_good.then(|| (id, Arc::new(OpenLogin { account, tokens: tokens(&login) })))
        });
        open.collect()
    }

    /// The stored tokens of an account, as they are.
    pub async fn tokens_for(&self, id: AccountId) -> Result<(Account, Tokens), TokenError> {
        let (account, login) = self.inner.usable(id).await?;
        Ok((account, tokens(&login)))
    }

    /// Tokens to begin something with: refreshed first if they would end soon. A refresh that fails for a passing reason
    /// is no obstacle while the stored token is valid.
    pub async fn fresh_tokens_for(&self, id: AccountId, now: DateTime<Utc>) -> Result<(Account, Tokens), TokenError> {
        let (account, login) = self.inner.usable(id).await?;
        if self.inner.may_be_used(id, &login, now) {
            return Ok((account, tokens(&login)));
        }
        match self.refresh(id, account.token_version).await {
            Ok(RefreshEnd::Refreshed) => self.tokens_for(id).await,
            Ok(RefreshEnd::NotRefreshable(why)) => {
                // The platform decides whether it still works; its owner should know that it ends.
                let account = self.inner.set_health(&account, Health::Expiring, Some(why)).await?.unwrap_or(account);
                Ok((account, tokens(&login)))
            }
            Err(TokenError::Transient(_) | TokenError::Refused(_)) if login.is_valid(now) => {
                Ok((account, tokens(&login)))
            }
            Err(error) => Err(error),
        }
    }

    /// Tokens after the platform refused those of version `seen`: somebody else's newer ones, or refreshed ones.
    pub async fn refresh_after_refusal(&self, id: AccountId, seen: i64) -> Result<(Account, Tokens), TokenError> {
        let (account, login) = self.inner.usable(id).await?;
        if account.token_version != seen {
            return Ok((account, tokens(&login)));
        }
        let now = self.inner.clock.now();
        if account.last_token_refresh.is_some_and(|at| at <= now && now - at < JUST_ISSUED) {
            return Err(TokenError::Transient(Failure::new(
                FailureClass::Transient,
                Reason::TokenInvalid,
                format!("{} refuses a token that it has just issued", account.platform.display_name()),
            )));
        }
        match self.refresh(id, seen).await? {
            RefreshEnd::Refreshed => self.tokens_for(id).await,
            RefreshEnd::NotRefreshable(why) => match self.lost(&account, &why).await? {
                Some(error) => Err(error),
                None => self.tokens_for(id).await,
            },
        }
    }

    /// Refreshes the tokens of version `seen` at the platform, together with everybody who asks for the same. Works for
    /// an account that needs its owner too: if the platform gives new tokens, it is well again.
    pub async fn refresh(&self, id: AccountId, seen: i64) -> Result<RefreshEnd, TokenError> {
        let flight = {
            let mut flights = self.inner.flights.lock().unwrap_or_else(PoisonError::into_inner);
            flights
                .entry((id, seen))
                .or_insert_with(|| {
                    let inner = Arc::clone(&self.inner);
                    let ended = Ended { inner, flight: (id, seen) };
                    let task = self.inner.tasks.spawn(async move {
                        let end = ended.inner.refresh(id, seen).await;
                        drop(ended);
                        end
                    });
                    async move { task.await.unwrap_or_else(|_| Err(TokenError::Transient(refresh::broke_off(id)))) }
                        .boxed()
                        .shared()
                })
                .clone()
        };
        flight.await
    }

    /// Keeps that the platform refuses the login of these tokens for good. `None` when other tokens are stored by now:
    /// then they are to be tried.
    pub async fn lost(&self, seen: &Account, why: &str) -> Result<Option<TokenError>, TokenError> {
        let kept = self.inner.set_health(seen, Health::NeedsReconnect, Some(format!("{why}; {RECONNECT}"))).await?;
        Ok(kept.map(|_| TokenError::NeedsReconnect(needs_reconnect(seen, why))))
    }

    /// True when the stored tokens of an account would end soon.
    pub async fn needs_refresh(&self, id: AccountId, now: DateTime<Utc>) -> Result<bool, TokenError> {
        let (_, login) = active(self.inner.load(id).await?)?;
        Ok(self.inner.ends_soon(&login, now))
    }

    /// The stored tokens of an account in whatever health; fails when it has none.
    pub(super) async fn stored_tokens(&self, id: AccountId) -> Result<(Account, Tokens), TokenError> {
        let stored = self.inner.load(id).await?;
        let login = stored.login.ok_or(TokenError::Disconnected(id))?;
        Ok((stored.account, tokens(&login)))
    }

    /// Refreshes logins that would end although nobody uses them. Answers how many were due; to be called again at once
    /// when that is many.
    pub async fn keep_alive(&self) -> Result<usize, TokenError> {
        let now = self.inner.clock.now();
        let due = self.inner.store.accounts_due_for_refresh(now, KEEP_ALIVE_BATCH).await;
        let due = due.map_err(|error| TokenError::Store(Arc::new(error)))?;
        // Platforms beside each other: one that hangs delays the logins of no other.
        let mut platforms: HashMap<Platform, Vec<&Account>> = HashMap::new();
        for account in &due {
            platforms.entry(account.platform).or_default().push(account);
        }
        let kept = platforms.into_values().map(|accounts| self.keep_alive_of(accounts, now));
        join_all(kept).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(due.len())
    }

    async fn keep_alive_of(&self, accounts: Vec<&Account>, now: DateTime<Utc>) -> Result<(), TokenError> {
        for account in accounts {
            let next = match self.refresh(account.id, account.token_version).await {
                Ok(RefreshEnd::Refreshed) => continue,
                Ok(RefreshEnd::NotRefreshable(why)) => {
                    if account.health == Health::Ok {
                        self.inner.set_health(account, Health::Expiring, Some(why)).await?;
                    }
                    None
                }
                Err(TokenError::Transient(_)) => Some(now + TimeDelta::hours(1)),
                Err(TokenError::NeedsReconnect(_) | TokenError::NotFound(_) | TokenError::Disconnected(_)) => None,
                Err(error @ (TokenError::Refused(_) | TokenError::Unreadable(..) | TokenError::Store(_))) => {
                    warn!(account.id = %account.id, %error, "cannot keep a login alive");
                    Some(now + TimeDelta::hours(6))
                }
            };
            let kept = self.inner.store.set_refresh_due(account, next).await;
            kept.map_err(|error| TokenError::Store(Arc::new(error)))?;
        }
        Ok(())
    }
}

/// The login of an active account, in whatever health.
fn active(stored: StoredLogin) -> Result<(Account, Login), TokenError> {
    let StoredLogin { account, login, .. } = stored;
    match login {
        Some(login) if account.is_active => Ok((account, login)),
        _ => Err(TokenError::Disconnected(account.id)),
    }
}

/// The login of an active account that does not need its owner.
fn usable(stored: StoredLogin) -> Result<(Account, Login), TokenError> {
    let (account, login) = active(stored)?;
    match account.health {
        Health::Ok | Health::Expiring => Ok((account, login)),
        Health::NeedsReconnect => {
            let why = account.health_reason.as_deref().unwrap_or("the platform refuses it");
            let why = why.strip_suffix(RECONNECT).map_or(why, |why| why.trim_end_matches("; "));
            Err(TokenError::NeedsReconnect(needs_reconnect(&account, why)))
        }
    }
}

/// Takes a refresh off the list of those under way, however its task ends: also by a panic, or by the runtime's end.
struct Ended {
    inner: Arc<Inner>,
    flight: (AccountId, i64),
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.inner.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.flight);
    }
}

impl Inner {
    async fn load(&self, id: AccountId) -> Result<StoredLogin, TokenError> {
        let stored = self.store.account_login(id).await.map_err(|error| TokenError::store(id, error))?;
        stored.ok_or(TokenError::NotFound(id))
    }

    /// The login of an active account that does not need its owner.
    async fn usable(&self, id: AccountId) -> Result<(Account, Login), TokenError> {
        usable(self.load(id).await?)
    }

    /// Whether a login may be used without a refresh: it does not end soon, or a refresh failed just now and it is still valid.
    fn may_be_used(&self, id: AccountId, login: &Login, now: DateTime<Utc>) -> bool {
        !self.ends_soon(login, now) || (login.is_valid(now) && self.backs_off(id, now))
    }

    fn ends_soon(&self, login: &Login, now: DateTime<Utc>) -> bool {
        ends_soon(login.expires_at, login.lifetime_seconds.and_then(TimeDelta::try_seconds), now)
    }

    async fn set_health(
        &self,
        seen: &Account,
        health: Health,
        reason: Option<String>,
    ) -> Result<Option<Account>, TokenError> {
        let kept = self.store.set_account_health(seen, health, reason, self.clock.now()).await;
        kept.map_err(|error| TokenError::store(seen.id, error))
    }

    fn backs_off(&self, id: AccountId, now: DateTime<Utc>) -> bool {
        let failed_at = self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        failed_at.get(&id).is_some_and(|at| *at <= now && now - *at < BACK_OFF)
    }

    fn note_failed(&self, id: AccountId, failed: bool) {
        let mut failed_at = self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        if failed {
            failed_at.insert(id, self.clock.now());
        } else {
            failed_at.remove(&id);
        }
    }
}

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

mod life;
#[cfg(test)]
mod tests;

pub(crate) use life::login;
pub use life::{ends_soon, refresh_margin};

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, join_all},
};
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::{
    clock::Clock,
    domain::{
        account::{Account, Health},
        failure::{Failure, FailureClass, Reason},
        ids::AccountId,
        platform::Platform,
    },
    fault::{self, FaultPoint},
    platform::{AccountError, Refreshed, Registry, Tokens},
    secret,
    store::{
        self, Store,
        account_tokens::{Login, RefreshClaim, StoredLogin},
    },
};

/// How long a claim to refresh holds: longer than two bounded requests and their commits take.
const CLAIM: TimeDelta = TimeDelta::seconds(120);

/// How often a replica looks whether another one has finished refreshing.
const LOOK: Duration = Duration::from_millis(200);

/// How often a replica looks before it gives up waiting, so that no caller waits for ever.
const LOOKS: u32 = 700;

/// How long a refresh that is not pressing is left alone after it failed.
const BACK_OFF: TimeDelta = TimeDelta::seconds(60);

/// A token this young that is refused is not refreshed again: its successor would be refused too.
const JUST_ISSUED: TimeDelta = TimeDelta::seconds(10);

/// Tries to store new tokens while the database is away. Losing them would lose the login.
const STORE_TRIES: u32 = 8;

/// Logins refreshed in one round of [`TokenKeeper::keep_alive`].
const KEEP_ALIVE_BATCH: u32 = 20;

/// Why there are no usable tokens.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// No such account.
    #[error("account {0} was not found")]
    NotFound(AccountId),
    /// The account was disconnected.
    #[error("account {0} was disconnected")]
    Disconnected(AccountId),
    /// Only the account's owner can help.
    #[error("{}", .0.message)]
    NeedsReconnect(Failure),
    /// Not now; the stored token is kept.
    #[error("{}", .0.message)]
    Transient(Failure),
    /// The platform refused for a reason that is not the login: our configuration, a restriction.
    #[error("{}", .0.message)]
    Refused(Failure),
    /// The stored token cannot be opened with the keys of this core.
    #[error("the stored token of account {0} cannot be read: {1}")]
    Unreadable(AccountId, secret::Error),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(Arc<store::Error>),
}

impl TokenError {
    fn store(id: AccountId, error: store::Error) -> Self {
        match error {
            store::Error::Secret(error) => Self::Unreadable(id, error),
            other => Self::Store(Arc::new(other)),
        }
    }

    /// As a post keeps it.
    pub fn failure(&self) -> Failure {
        match self {
            Self::NeedsReconnect(failure) | Self::Transient(failure) | Self::Refused(failure) => failure.clone(),
            Self::NotFound(_) => Failure::new(FailureClass::Permanent, Reason::AccountNotFound, self.to_string()),
            Self::Disconnected(_) => {
                Failure::new(FailureClass::Permanent, Reason::AccountDisconnected, self.to_string())
                    .with_remedy("connect the account again, then retry the post")
            }
            Self::Unreadable(..) => Failure::new(FailureClass::Transient, Reason::TokenUnreadable, self.to_string())
                .with_remedy(
                    "give the core the key that sealed it, in AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS, or connect the account again",
                ),
            Self::Store(error) => match &**error {
                store::Error::Unreadable { .. } => {
                    Failure::new(FailureClass::Transient, Reason::RowUnreadable, error.to_string())
                        .with_remedy("start a core of the release that wrote the account, or have the operator mend the row")
                }
                _ => Failure::new(FailureClass::Transient, Reason::StoreUnavailable, "the store is not available"),
            },
        }
    }
}

/// How a refresh ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshEnd {
    /// Newer tokens than the ones that were seen are stored, by this refresh or by another.
    Refreshed,
    /// This login cannot be refreshed now; the sentence says why and what to do.
    NotRefreshable(String),
}

type Flight = Shared<BoxFuture<'static, Result<RefreshEnd, TokenError>>>;

/// Keeps tokens. Cheap to clone; all clones share their refreshes.
#[derive(Clone)]
pub struct TokenKeeper {
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

/// What helps when a login is lost.
const RECONNECT: &str = "connect the account again; its waiting posts then go on by themselves";

/// A failure that only the owner can mend.
fn needs_reconnect(account: &Account, why: &str) -> Failure {
    let Account { account_name, platform, .. } = account;
    Failure::new(
        FailureClass::NeedsReconnect,
        Reason::AccountNeedsReconnect,
        format!("the {} login of `{account_name}` no longer works: {why}", platform.display_name()),
    )
    .with_remedy(RECONNECT)
}

impl TokenKeeper {
    /// A keeper of the accounts of this store.
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

    /// The logins of these accounts, read at once; without those that have to be read one by one.
    pub async fn logins(&self, ids: &[AccountId]) -> HashMap<AccountId, StoredLogin> {
        // What could not be read here is read again where it is needed, and its error told there.
        self.inner.store.account_logins(ids).await.unwrap_or_default()
    }

    /// The stored tokens of an account, as they are.
    pub async fn tokens_for(&self, id: AccountId) -> Result<(Account, Tokens), TokenError> {
        let (account, login) = self.inner.usable(id).await?;
        Ok((account, tokens(&login)))
    }

    /// Tokens to begin something with: refreshed first if they would end soon. A refresh that fails for a passing reason
    /// is no obstacle while the stored token is valid. `at_hand` is the account's login when it was read just now
    /// ([`Self::logins`]).
    pub async fn fresh_tokens_for(
        &self,
        id: AccountId,
        at_hand: Option<StoredLogin>,
        now: DateTime<Utc>,
    ) -> Result<(Account, Tokens), TokenError> {
        let (account, login) = match at_hand {
            Some(stored) => usable(stored)?,
            None => self.inner.usable(id).await?,
        };
        if !self.inner.ends_soon(&login, now) || (login.is_valid(now) && self.inner.backs_off(id, now)) {
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
                    async move { task.await.unwrap_or_else(|_| Err(TokenError::Transient(broke_off(id)))) }
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

    /// Gets the right to refresh, or learns that others have; then refreshes.
    async fn refresh(&self, id: AccountId, seen: i64) -> Result<RefreshEnd, TokenError> {
        let holder = holder();
        for _ in 0..LOOKS {
            let stored = self.load(id).await?;
            let (true, Some(login)) = (stored.account.is_active, stored.login) else {
                return Err(TokenError::Disconnected(id));
            };
            if stored.account.token_version != seen {
                return Ok(RefreshEnd::Refreshed);
            }
            let now = self.clock.now();
            fault::point(FaultPoint::RefreshClaimBegins, "refresh");
            let claim = self.store.claim_refresh(id, seen, &holder, now, now + CLAIM).await;
            match claim.map_err(|error| TokenError::store(id, error))? {
                RefreshClaim::Won => {
                    fault::point(FaultPoint::RefreshClaimed, "refresh");
                    let lost_before = stored.refresh_started_at.is_some();
                    let end = self.refresh_as_holder(&stored.account, &login, &holder, lost_before);
                    let end = AssertUnwindSafe(end).catch_unwind().await;
                    let end = match end {
                        Ok(end) => end,
                        Err(_) => {
                            error!(account.id = %id, "refreshing a token panicked; its answer may be lost");
                            // The mark "refresh started" stays: the next refresh knows that an answer may be missing.
                            self.release(id, &holder, false).await;
                            Err(TokenError::Transient(broke_off(id)))
                        }
                    };
                    self.note_failed(id, matches!(end, Err(TokenError::Transient(_) | TokenError::Refused(_))));
                    return end;
                }
                RefreshClaim::Changed => {}
                RefreshClaim::Busy { .. } => tokio::time::sleep(LOOK).await,
            }
        }
        Err(TokenError::Transient(Failure::new(
            FailureClass::Transient,
            Reason::TokenInvalid,
            format!("another replica has been refreshing the token of account {id} for too long"),
        )))
    }

    async fn refresh_as_holder(
        &self,
        account: &Account,
        login: &Login,
        holder: &str,
        lost_before: bool,
    ) -> Result<RefreshEnd, TokenError> {
        let id = account.id;
        let Some(service) = self.registry.get(account.platform) else {
            self.release(id, holder, !lost_before).await;
            return Err(TokenError::Refused(Failure::new(
                FailureClass::Permanent,
                Reason::Unsupported,
                format!("this core has no {}", account.platform.display_name()),
            )));
        };
        let started = self.store.mark_refresh_started(id, holder, self.clock.now()).await;
        if !started.map_err(|error| TokenError::store(id, error))? {
            // The claim ran out before anything was sent; whoever has it now does the work.
            return Err(TokenError::Transient(interrupted(account)));
        }
        fault::point(FaultPoint::RefreshStarted, "refresh");
        let current = tokens(login);
        let mut lost = lost_before;
        let mut answer = service.login.refresh(account, &current, self.clock.now()).await;
        if let Err(AccountError::Unknown(why)) = &answer {
            warn!(account.id = %id, why, "the answer to a refresh was lost; asking once more with the same token");
            lost = true;
            answer = service.login.refresh(account, &current, self.clock.now()).await;
        }
        fault::point(FaultPoint::RefreshAnswered, "refresh");
        match answer {
            Ok(Refreshed::New(grant)) if grant.tokens.access.is_empty() => {
                self.release(id, holder, false).await;
                Err(TokenError::Transient(unanswered(account, "the platform's answer holds no token")))
            }
            Ok(Refreshed::New(grant)) => self.keep(account, life::login(grant, self.clock.now())).await,
            Ok(Refreshed::NotRefreshable(why)) => {
                self.release(id, holder, true).await;
                Ok(RefreshEnd::NotRefreshable(why))
            }
            Err(AccountError::Unknown(why)) => {
                self.release(id, holder, false).await;
                Err(TokenError::Transient(unanswered(account, &why)))
            }
            Err(AccountError::Failed(failure)) => match failure.class {
                FailureClass::AuthExpired | FailureClass::NeedsReconnect => {
                    self.refused_for_good(account, holder, &failure, lost).await
                }
                FailureClass::Transient | FailureClass::RateLimited { .. } | FailureClass::Quota { .. } => {
                    self.release(id, holder, !lost).await;
                    Err(TokenError::Transient(failure))
                }
                FailureClass::InvalidMedia | FailureClass::InvalidRequest | FailureClass::Permanent => {
                    self.release(id, holder, !lost).await;
                    Err(TokenError::Refused(failure))
                }
            },
        }
    }

    /// Stores new tokens, with patience: the old refresh token may be dead, so these must not be lost.
    async fn keep(&self, seen: &Account, new: Login) -> Result<RefreshEnd, TokenError> {
        let mut pause = Duration::from_millis(100);
        for attempt in 1.. {
            match self.store.store_refreshed(seen, &new, self.clock.now()).await {
                Ok(kept) => {
                    fault::point(FaultPoint::RefreshStored, "refresh");
                    info!(account.id = %seen.id, stored = kept.is_some(), "token refreshed");
                    return Ok(RefreshEnd::Refreshed);
                }
                Err(error) if error.is_passing() && attempt < STORE_TRIES => {
                    warn!(account.id = %seen.id, error = &error as &dyn std::error::Error, "cannot store a refreshed token yet");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => return Err(TokenError::store(seen.id, error)),
            }
        }
        unreachable!("the loop returns")
    }

    /// The platform says that the refresh token is not valid. Somebody whose claim had run out may have used it: then
    /// their tokens count.
    async fn refused_for_good(
        &self,
        account: &Account,
        holder: &str,
        failure: &Failure,
        lost: bool,
    ) -> Result<RefreshEnd, TokenError> {
        let why = if lost {
            format!(
                "the answer to an earlier refresh was lost, and the platform no longer takes the old token ({})",
                failure.message
            )
        } else {
            failure.message.clone()
        };
        match self.set_health(account, Health::NeedsReconnect, Some(format!("{why}; {RECONNECT}"))).await? {
            None => Ok(RefreshEnd::Refreshed),
            Some(_) => {
                warn!(account.id = %account.id, why, "the login needs its owner");
                self.release(account.id, holder, true).await;
                Err(TokenError::NeedsReconnect(needs_reconnect(account, &why).with_rule(failure.rule.clone())))
            }
        }
    }

    /// Gives the claim back. A failure is harmless: it ends by itself.
    async fn release(&self, id: AccountId, holder: &str, answered: bool) {
        fault::point(FaultPoint::RefreshReleaseBegins, "refresh");
        if let Err(error) = self.store.release_refresh(id, holder, answered).await {
            warn!(account.id = %id, %error, "cannot give a refresh claim back; it ends by itself");
        }
        fault::point(FaultPoint::RefreshReleased, "refresh");
    }
}

fn interrupted(account: &Account) -> Failure {
    Failure::new(
        FailureClass::Transient,
        Reason::PlatformUnavailable,
        format!("the refresh of the token of account {} was taken over by another replica", account.id),
    )
}

fn broke_off(id: AccountId) -> Failure {
    Failure::new(
        FailureClass::Transient,
        Reason::Internal,
        format!("the refresh of the token of account {id} broke off in the core"),
    )
}

fn unanswered(account: &Account, why: &str) -> Failure {
    Failure::new(
        FailureClass::Transient,
        Reason::PlatformUnavailable,
        format!("{} did not answer a token refresh: {why}", account.platform.display_name()),
    )
}

/// A name for a claim that no other has.
fn holder() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
    hex::encode(bytes)
}

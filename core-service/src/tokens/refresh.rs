//! One refresh: the claim, the request, its one repetition, and what becomes of its answer.

use std::{panic::AssertUnwindSafe, time::Duration};

use chrono::TimeDelta;
use futures_util::FutureExt;
use tracing::{error, info, warn};

use super::{
    Inner, RefreshEnd,
    error::{RECONNECT, TokenError, needs_reconnect},
    life, tokens,
};
use crate::{
    domain::{
        account::{Account, Health},
        failure::{Failure, FailureClass, Reason},
        ids::AccountId,
    },
    fault::{self, FaultPoint},
    platform::{AccountError, Refreshed},
    store::{account_tokens::RefreshClaim, logins::Login},
};

/// How long a claim to refresh holds: longer than two bounded requests and their commits take.
const CLAIM: TimeDelta = TimeDelta::seconds(120);

/// How often a replica looks whether another one has finished refreshing.
const LOOK: Duration = Duration::from_millis(200);

/// How often a replica looks before it gives up waiting, so that no caller waits for ever.
const LOOKS: u32 = 700;

/// Tries to store new tokens while the database is away. Losing them would lose the login.
const STORE_TRIES: u32 = 8;

impl Inner {
    /// Gets the right to refresh, or learns that others have; then refreshes.
    pub(super) async fn refresh(&self, id: AccountId, seen: i64) -> Result<RefreshEnd, TokenError> {
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

pub(super) fn broke_off(id: AccountId) -> Failure {
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

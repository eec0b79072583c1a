//! Questions to the platform about an account: whether its login works, which options a post has, what is left of its
//! quota. If the access token is refused, it is refreshed once and the question asked again.

use chrono::TimeDelta;

use super::{
    super::{Caller, Error, Result},
    Accounts, QuotaAnswer, RefreshAnswer, RefreshResult, disconnected, platform_error, token_error,
};
use crate::{
    domain::{
        account::{Account, Health},
        failure::FailureClass,
        ids::AccountId,
    },
    platform::{AccountError, PublishOptions, Tokens},
    tokens::{RefreshEnd, TokenError},
};

/// The window in which posts are counted when the platform does not name one, seconds.
const DAY_SECONDS: i32 = 86_400;

/// Tries per question.
const TRIES: u32 = 2;

impl Accounts {
    /// Refreshes the access token at the platform; with `only_if_needed` only if it expires soon.
    pub async fn refresh(&self, caller: Caller, id: AccountId, only_if_needed: bool) -> Result<RefreshAnswer> {
        let account = self.active(caller, id).await?;
        let error = |error| token_error(id, error);
        let now = self.clock.now();
        let valid = account.token_expires_at.is_none_or(|end| end > now);
        let until = account.token_expires_at.map_or_else(
            || "the token has no known end".to_owned(),
            |end| format!("the token is valid until {}", end.format("%Y-%m-%d %H:%M UTC")),
        );
        if only_if_needed {
            // A lost login is an error here: a workflow asks this right before it publishes.
            self.token_manager.tokens_for(id).await.map_err(error)?;
            if !self.token_manager.needs_refresh(id, now).await.map_err(error)? {
                return Ok(RefreshAnswer { result: RefreshResult::StillValid, message: until, account });
            }
        }
        let (result, message) = match self.token_manager.refresh(id, account.token_version).await {
            Ok(RefreshEnd::Refreshed) => (RefreshResult::Refreshed, "the token was refreshed".to_owned()),
            Ok(RefreshEnd::NotRefreshable(why)) => (RefreshResult::NotRefreshable, why),
            Err(TokenError::Transient(failure)) if only_if_needed && valid => {
                (RefreshResult::StillValid, format!("could not be refreshed now ({}); {until}", failure.message))
            }
            Err(other) => return Err(error(other)),
        };
        let account = self.get(caller, id).await?;
        if account.is_active { Ok(RefreshAnswer { result, message, account }) } else { Err(disconnected(id)) }
    }

    /// Asks the platform whether the login works, and stores the result as the account's health. A login that does not
    /// work is a result, not an error.
    pub async fn check(&self, caller: Caller, id: AccountId) -> Result<Account> {
        let account = self.active(caller, id).await?;
        let login = self.service(account.platform)?.login.clone();
        // Also for an account that is said to need its owner: the platform may think otherwise by now.
        let (mut account, mut tokens) =
            self.token_manager.stored_tokens(id).await.map_err(|error| token_error(id, error))?;
        for attempt in 1..=TRIES {
            let answer = match login.check(&account, &tokens).await {
                Ok(()) => {
                    let kept = self.works(&account).await?;
                    return Ok(kept.unwrap_or(self.get(caller, id).await?));
                }
                Err(error) => self.after_refusal(&account, error, attempt).await,
            };
            match answer {
                Ok(next) => (account, tokens) = next,
                // The health was kept with the refusal.
                Err(Refusal::Login) => break,
                Err(Refusal::Other(error)) => return Err(error),
            }
        }
        self.get(caller, id).await
    }

    /// The platform accepted the token: the login works. An expiring login that cannot be renewed stays marked as such.
    async fn works(&self, account: &Account) -> Result<Option<Account>> {
        match account.health {
            Health::Ok | Health::Expiring => Ok(Some(account.clone())),
            Health::NeedsReconnect => {
                Ok(self.store.set_account_health(account, Health::Ok, None, self.clock.now()).await?)
            }
        }
    }

    /// What may be chosen for a post on this account, as the platform says now.
    pub async fn publish_options(&self, caller: Caller, id: AccountId) -> Result<PublishOptions> {
        let account = self.active(caller, id).await?;
        let login = self.service(account.platform)?.login.clone();
        let (mut account, mut tokens) = self.fresh(id).await?;
        let mut attempt = 1;
        loop {
            match login.publish_options(&account, &tokens).await {
                Ok(options) => return Ok(options),
                Err(error) => (account, tokens) = self.again(&account, error, attempt).await?,
            }
            attempt += 1;
        }
    }

    /// How many posts may still be published: the platform's count, ours, and the core's own limit.
    pub async fn quota(&self, caller: Caller, id: AccountId) -> Result<QuotaAnswer> {
        let account = self.active(caller, id).await?;
        let login = self.service(account.platform)?.login.clone();
        let (mut account, mut tokens) = self.fresh(id).await?;
        let mut attempt = 1;
        let platform = loop {
            match login.quota(&account, &tokens, self.clock.now()).await {
                Ok(quota) => break quota,
                Err(error) => (account, tokens) = self.again(&account, error, attempt).await?,
            }
            attempt += 1;
        };
        let now = self.clock.now();
        let window = if platform.window_seconds > 0 { platform.window_seconds } else { DAY_SECONDS };
        let since = now - TimeDelta::seconds(window.into());
        let published_by_aurareels = self.store.published_on_account(&account, since).await?;
        let daily_limit = self.settings.daily_posts_per_user.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let daily_remaining = match daily_limit {
            Some(limit) => {
                let used = self.store.daily_posts(caller.user, account.platform, now).await?;
                Some(limit.saturating_sub(i32::try_from(used).unwrap_or(i32::MAX)).max(0))
            }
            None => None,
        };
        let blocked_until = account.quota_blocked_until.filter(|until| *until > now);
        let mut app_budgets = Vec::new();
        for budget in self.service(account.platform)?.client.budgets(now) {
            let used = self.store.used_of_budget(account.platform, &budget).await?;
            app_budgets.push((budget, used));
        }
        Ok(QuotaAnswer { app_budgets, platform, published_by_aurareels, daily_limit, daily_remaining, blocked_until })
    }

    async fn fresh(&self, id: AccountId) -> Result<(Account, Tokens)> {
        self.token_manager.fresh_tokens_for(id, self.clock.now()).await.map_err(|error| token_error(id, error))
    }

    async fn again(&self, account: &Account, error: AccountError, attempt: u32) -> Result<(Account, Tokens)> {
        self.after_refusal(account, error, attempt).await.map_err(|refusal| match refusal {
            Refusal::Other(error) => error,
            Refusal::Login => Error::Precondition {
                reason: crate::domain::failure::Reason::AccountNeedsReconnect,
                subject: format!("account {}", account.id),
                message: format!(
                    "the {} login of `{}` no longer works",
                    account.platform.display_name(),
                    account.account_name
                ),
                remedy: "connect the account again".to_owned(),
            },
        })
    }

    /// The tokens to ask again with, if the refusal was about the access token and a try is left.
    async fn after_refusal(
        &self,
        account: &Account,
        error: AccountError,
        attempt: u32,
    ) -> std::result::Result<(Account, Tokens), Refusal> {
        let id = account.id;
        let other = |error| match error {
            TokenError::NeedsReconnect(_) => Refusal::Login,
            error => Refusal::Other(token_error(id, error)),
        };
        match error {
            // Somebody asks, so the platform is asked: also for a token that was issued a moment ago, and for a login that is
            // given up. What comes of refreshing is the answer.
            AccountError::Failed(failure) if failure.class == FailureClass::AuthExpired && attempt < TRIES => {
                match self.token_manager.refresh(id, account.token_version).await.map_err(other)? {
                    RefreshEnd::Refreshed => self.token_manager.tokens_for(id).await.map_err(other),
                    RefreshEnd::NotRefreshable(_) if account.health == Health::NeedsReconnect => Err(Refusal::Login),
                    RefreshEnd::NotRefreshable(why) => {
                        let why = format!("{}, and it cannot be refreshed: {why}", failure.message);
                        match self.token_manager.lost(account, &why).await.map_err(other)? {
                            Some(_) => Err(Refusal::Login),
                            None => self.token_manager.tokens_for(id).await.map_err(other),
                        }
                    }
                }
            }
            AccountError::Failed(failure) if failure.class == FailureClass::NeedsReconnect => {
                match self.token_manager.lost(account, &failure.message).await.map_err(other)? {
                    Some(_) => Err(Refusal::Login),
                    None if attempt < TRIES => self.token_manager.tokens_for(id).await.map_err(other),
                    None => {
                        Err(Refusal::Other(platform_error(format!("account {id}"), account.platform, failure.into())))
                    }
                }
            }
            // A token that was refreshed a moment ago is refused too: that is not the login, and nothing is kept of it.
            AccountError::Failed(failure) if failure.class == FailureClass::AuthExpired => {
                Err(Refusal::Other(Error::Platform(failure)))
            }
            error => Err(Refusal::Other(platform_error(format!("account {id}"), account.platform, error))),
        }
    }
}

/// Why a question is not asked again.
enum Refusal {
    /// Records that the login is lost.
    Login,
    /// Anything else.
    Other(Error),
}

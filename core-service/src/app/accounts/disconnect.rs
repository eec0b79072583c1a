//! Disconnecting. In this order: the account is taken out of use in one write (no post of it can start any more, and
//! two disconnecting accounts of one grant see each other), the grant is revoked at the platform if nobody else needs
//! it, the tokens are wiped. Whatever the platform says, the account ends up disconnected.

use chrono::TimeDelta;
use tracing::{info, warn};

use super::{
    super::{Caller, Error, Result},
    Accounts, Disconnected, disconnected,
};
use crate::{
    domain::{account::Account, failure::FailureClass, ids::AccountId},
    platform::{AccountError, LoginClient, Refreshed, Tokens},
    tokens::TokenError,
};

/// How long disconnecting may take: a refresh and two revocations, each with its own limit.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(5);

/// The result of revoking: done, or why not.
type Revoked = std::result::Result<(), String>;

impl Accounts {
    /// Disconnects an account: revokes at the platform if possible, deletes the tokens, fails the scheduled posts.
    /// Posts whose outcome is open stay. Disconnecting again is an error that says so.
    pub async fn disconnect(&self, caller: Caller, id: AccountId) -> Result<Disconnected> {
        let account = self.get(caller, id).await?;
        let accounts = self.clone();
        let task = self.tasks.spawn(async move { accounts.disconnect_account(account).await });
        task.await.map_err(|error| Error::Internal(error.to_string()))?
    }

    /// Finishes disconnecting after a crash: revokes and deletes the tokens of inactive accounts. Returns how many
    /// there were. Skips accounts that were deactivated a moment ago: their disconnecting is still running.
    pub async fn finish_disconnecting(&self) -> Result<usize> {
        let mut finished = 0;
        for platform in crate::domain::platform::Platform::ALL {
            for account in self.store.half_disconnected(platform).await? {
                if self.clock.now() - account.updated_at < UNDER_WAY {
                    continue;
                }
                let in_use = self.store.grant_in_use(&account).await?;
                let (_, revoked) = self.revoke_and_wipe(account, in_use).await?;
                finished += 1;
                if let Err(why) = revoked {
                    warn!(%platform, why, "an account was disconnected without revoking its login");
                }
            }
        }
        Ok(finished)
    }

    async fn disconnect_account(&self, account: Account) -> Result<Disconnected> {
        let id = account.id;
        if account.is_active {
            self.revive_for_revoking(&account).await;
        }
        let (account, in_use, failed_posts) = match self.store.deactivate_account(&account, self.clock.now()).await? {
            Some(done) => (done.account, done.grant_in_use, done.failed_posts),
            // Inactive already. With its tokens still there, an earlier call was cut short: this one ends it.
            None => match self.token_manager.stored_tokens(id).await {
                Ok((account, _)) if !account.is_active => {
                    let in_use = self.store.grant_in_use(&account).await?;
                    (account, in_use, 0)
                }
                _ => return Err(disconnected(id)),
            },
        };
        let (account, revoked) = self.revoke_and_wipe(account, in_use).await?;
        info!(account.id = %id, revoked = revoked.is_ok(), failed_posts, "disconnected");
        Ok(Disconnected { account, revoked: revoked.is_ok(), message: revoked.err().unwrap_or_default(), failed_posts })
    }

    /// An expired access token cannot revoke (TikTok's lives for a day): it is refreshed first, while the account is
    /// active.
    async fn revive_for_revoking(&self, account: &Account) {
        let ended = account.token_expires_at.is_some_and(|end| end <= self.clock.now());
        let needed = ended && !self.store.grant_in_use(account).await.unwrap_or(true);
        if needed && let Err(error) = self.token_manager.refresh(account.id, account.token_version).await {
            warn!(account.id = %account.id, %error, "cannot refresh a token to revoke its login");
        }
    }

    async fn revoke_and_wipe(&self, account: Account, in_use: bool) -> Result<(Account, Revoked)> {
        let revoked = if in_use {
            Err("another connected account uses the same login, so it was not revoked at the platform".to_owned())
        } else {
            self.revoke(&account).await
        };
        let now = self.clock.now();
        // A refresh in progress may have stored newer tokens since: the current ones are deleted.
        let seen = self.store.account(account.id).await?.unwrap_or(account);
        let wiped = self.store.wipe_tokens(&seen, now).await?;
        Ok((wiped.unwrap_or(seen), revoked))
    }

    async fn revoke(&self, account: &Account) -> Revoked {
        let name = account.platform.display_name();
        let login = &self.service(account.platform).map_err(|error| error.to_string())?.login;
        let (account, tokens) = self.token_manager.stored_tokens(account.id).await.map_err(|error| match error {
            TokenError::Unreadable(..) => {
                format!("the stored token cannot be read, so the login was not revoked; remove AuraReels in the settings of {name}")
            }
            other => other.to_string(),
        })?;
        match login.revoke(&account, &tokens).await {
            Ok(()) => Ok(()),
            Err(AccountError::Failed(failure)) if failure.class == FailureClass::AuthExpired => {
                self.revoke_refreshed(&**login, &account, &tokens, &failure.message).await
            }
            Err(error) => Err(not_revoked(&account, error)),
        }
    }

    /// The platform refused the access token although it should be valid: once more with a new one. It is used for
    /// this alone and wiped with the rest, so it is not stored.
    async fn revoke_refreshed(
        &self,
        login: &dyn LoginClient,
        account: &Account,
        tokens: &Tokens,
        refusal: &str,
    ) -> Revoked {
        match login.refresh(account, tokens, self.clock.now()).await {
            Ok(Refreshed::New(grant)) => {
                login.revoke(account, &grant.tokens).await.map_err(|error| not_revoked(account, error))
            }
            Ok(Refreshed::NotRefreshable(_)) | Err(_) => {
                let name = account.platform.display_name();
                Err(format!("{name} did not revoke the login: {refusal}; remove AuraReels in the settings of {name}"))
            }
        }
    }
}

fn not_revoked(account: &Account, error: AccountError) -> String {
    let name = account.platform.display_name();
    match error {
        AccountError::Failed(failure) if !failure.remediation.is_empty() => {
            format!("{name} did not revoke the login: {}; {}", failure.message, failure.remediation)
        }
        AccountError::Failed(failure) => {
            format!("{name} did not revoke the login: {}; remove AuraReels in the settings of {name}", failure.message)
        }
        AccountError::Unknown(why) => {
            format!(
                "{name} did not answer whether the login is revoked ({why}); look in its settings, and remove AuraReels there"
            )
        }
    }
}

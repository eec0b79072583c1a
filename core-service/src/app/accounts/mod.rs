//! Accounts of a user: connecting, refreshing, checking and disconnecting them, and what the platform says about them.
//!
//! Guaranteed:
//! - A login is kept only for the user whose state it carries, ends only in the browser that began it (`connect`), and is
//!   never kept under another identity than the one that was to be connected again (`complete`).
//! - Disconnecting always works here, whatever the platform says; the grant is revoked at the platform unless another
//!   active account still needs it (`disconnect`).
//! - Calls to the platform that must not be interrupted (exchanging a code, revoking a grant) run in their own task: a
//!   caller that disconnects does not stop them.
//! - Tokens never leave `tokens` and the calls to the platform.
//!
//! Expected failures are [`Error`]s: an unavailable platform is `Unavailable`, a lost login is the precondition
//! `ACCOUNT_NEEDS_RECONNECT`, everything else that a platform refuses is `Platform` with its own reason.

mod ask;
mod complete;
mod connect;
mod disconnect;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio_util::task::TaskTracker;
use url::Url;

pub use complete::EndedBy;

use super::{Broken, Caller, Error, Result};
use crate::{
    clock::Clock,
    domain::{
        account::Account,
        budget::Charge,
        failure::{Failure, FailureClass, Reason},
        ids::{AccountId, UserId},
        platform::{LoginFlavour, Platform},
        violation::Violation,
    },
    platform::{AccountError, PlatformQuota, Registry, Service},
    secret::Secret,
    store::{self, Store, accounts::AccountQuery},
    tokens::{TokenError, TokenManager},
};

/// Accounts in an answer when the caller does not say how many.
const DEFAULT_PAGE: u32 = 100;

/// Most accounts in an answer.
const MAX_PAGE: u32 = 500;

/// When to retry an unavailable platform.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The conditions of a list of accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Only this platform.
    pub platform: Option<Platform>,
    /// Only active ones, or only disconnected ones.
    pub active: Option<bool>,
}

/// A page of accounts, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountPage {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// Where the next page starts; `None` on the last one.
    pub next_page_token: Option<String>,
}

/// A request to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// The platform.
    pub platform: Platform,
    /// Which of its logins; its default (or that of the account to be reconnected) when `None`.
    pub flavour: Option<LoginFlavour>,
    /// Where the platform sends the browser back to; the core's own callback page when `None`.
    pub redirect_uri: Option<String>,
    /// The account that is to be connected again.
    pub reconnect: Option<AccountId>,
    /// A secret of the owner's browser, from a client that itself shows the owner who gets access. Without it the
    /// core's page does.
    pub browser_secret: Option<Secret>,
    /// `redirect_uri` redirects the browser to the core's own callback page, so the login finishes there.
    pub ends_at_core: bool,
}

/// Where the owner's browser must go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectLink {
    /// The core's page, or the platform's consent page for a client that has shown its own.
    pub auth_url: Url,
    /// The single-use state inside it.
    pub state: String,
    /// When the state ends.
    pub expires_at: DateTime<Utc>,
}

/// What the core's page shows the owner before the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Who will be able to publish.
    pub user: UserId,
    /// The name of the account that is to be connected again.
    pub reconnect: Option<String>,
}

/// The accounts of a login.
#[derive(Clone, Debug, PartialEq)]
pub struct Connected {
    /// Every account that was connected.
    pub accounts: Vec<Account>,
    /// Scopes that were requested and not granted.
    pub missing_scope: Vec<String>,
}

/// The result of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshResult {
    /// The platform gave a new token, and it is stored.
    Refreshed,
    /// The token is valid long enough, has no known expiry, or could not be refreshed now and is still valid.
    StillValid,
    /// The platform cannot refresh this login now.
    NotRefreshable,
}

/// The answer to a request to refresh.
#[derive(Clone, Debug, PartialEq)]
pub struct RefreshAnswer {
    /// What happened.
    pub result: RefreshResult,
    /// A sentence for people.
    pub message: String,
    /// The account after it.
    pub account: Account,
}

/// What disconnecting did.
#[derive(Clone, Debug, PartialEq)]
pub struct Disconnected {
    /// The account, inactive and without tokens.
    pub account: Account,
    /// The platform confirmed that the login is revoked.
    pub revoked: bool,
    /// Why it was not revoked, where it was not.
    pub message: String,
    /// Scheduled posts that failed with `ACCOUNT_DISCONNECTED`.
    pub failed_posts: i32,
}

/// How many posts may still be published on an account.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaAnswer {
    /// The platform's own count.
    pub platform: PlatformQuota,
    /// Posts of this platform account that went live in the platform's window, of all users.
    pub published_by_aurareels: i32,
    /// The core's own limit per user, platform and rolling day; `None` when it is off.
    pub daily_limit: Option<i32>,
    /// What is left of it.
    pub daily_remaining: Option<i32>,
    /// Until when posts wait because the platform refused one for quota.
    pub blocked_until: Option<DateTime<Utc>>,
    /// The budgets that all accounts of the core share, each with what was used of it.
    pub app_budgets: Vec<(Charge, i64)>,
}

/// What connecting depends on in the settings.
#[derive(Clone, Debug, Default)]
pub struct AccountSettings {
    /// Where browsers reach this core; its callback pages stand below it.
    pub public_url: Option<Url>,
    /// Further addresses to which platforms may send browsers back.
    pub redirect_uris: Vec<String>,
    /// Most posts per user, platform and rolling day.
    pub daily_posts_per_user: Option<u32>,
}

/// The use cases of accounts. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    store: Store,
    registry: Registry,
    clock: Clock,
    token_manager: TokenManager,
    settings: Arc<AccountSettings>,
    /// Owns tasks that outlive their caller: exchanging a code, disconnecting.
    tasks: TaskTracker,
}

impl Accounts {
    /// The use cases over this store and these platforms.
    pub fn new(
        store: Store,
        registry: Registry,
        clock: Clock,
        token_manager: TokenManager,
        settings: AccountSettings,
    ) -> Self {
        Self { store, registry, clock, token_manager, settings: Arc::new(settings), tasks: TaskTracker::new() }
    }

    /// Waits for all tasks that calls have begun. To be called when no more calls come.
    pub async fn settled(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// The caller's accounts, newest first: up to 500 at once, 100 when `page_size` is 0.
    pub async fn list(
        &self,
        caller: Caller,
        filter: AccountFilter,
        page_size: u32,
        page_token: Option<String>,
    ) -> Result<AccountPage> {
        let size = if page_size == 0 { DEFAULT_PAGE } else { page_size.min(MAX_PAGE) };
        let before = page_token.filter(|token| !token.is_empty()).map(|token| read_page_token(&token, caller, filter));
        let query = AccountQuery { platform: filter.platform, active: filter.active };
        // One more than asked for tells whether there is a next page.
        let mut accounts = self.store.list_accounts(caller.user, query, before.transpose()?, size + 1).await?;
        let more = accounts.len() > size as usize;
        accounts.truncate(size as usize);
        let last = accounts.last().filter(|_| more);
        let next_page_token = last.map(|last| page_token_after(last.id, caller, filter));
        Ok(AccountPage { accounts, next_page_token })
    }

    /// One account of the caller.
    pub async fn get(&self, caller: Caller, id: AccountId) -> Result<Account> {
        self.store.account_of_user(caller.user, id).await?.ok_or_else(|| not_found(id))
    }

    /// The caller as whom the site itself asks about an account: its owner.
    pub async fn owner_of(&self, id: AccountId) -> Result<Caller> {
        let account = self.store.account(id).await?.ok_or_else(|| not_found(id))?;
        Ok(Caller { user: account.wp_user_id })
    }

    /// Those of the accounts that are the caller's, in the order of the ids.
    pub async fn by_ids(&self, caller: Caller, ids: &[AccountId]) -> Result<Vec<Account>> {
        Ok(self.store.accounts_of_user(caller.user, ids).await?)
    }

    /// One account of the caller that is not disconnected.
    async fn active(&self, caller: Caller, id: AccountId) -> Result<Account> {
        let account = self.get(caller, id).await?;
        if account.is_active { Ok(account) } else { Err(disconnected(id)) }
    }

    fn service(&self, platform: Platform) -> Result<&Service> {
        self.registry.get(platform).ok_or_else(|| Error::Precondition {
            reason: Reason::Unsupported,
            subject: platform.to_string(),
            message: format!("this release has no {}", platform.display_name()),
            remedy: "ListPlatforms names the platforms of this core".to_owned(),
        })
    }
}

fn not_found(id: AccountId) -> Error {
    Error::NotFound { reason: Reason::AccountNotFound, kind: "account", id: id.to_string() }
}

fn disconnected(id: AccountId) -> Error {
    Error::Precondition {
        reason: Reason::AccountDisconnected,
        subject: format!("account {id}"),
        message: format!("account {id} was disconnected"),
        remedy: "connect the account again".to_owned(),
    }
}

/// An error for one field that breaks a rule.
fn invalid(field: &'static str, message: String, remedy: &str) -> Error {
    let violation = Violation {
        field,
        rule: Reason::InvalidField.as_str(),
        measured: String::new(),
        limit: String::new(),
        remedy: remedy.to_owned(),
        message,
    };
    Error::Invalid { reason: Reason::InvalidField, broken: vec![Broken { account: None, violation }] }
}

/// A platform's refusal of an account call.
fn refused(subject: String, failure: Failure) -> Error {
    match failure.class {
        FailureClass::AuthExpired | FailureClass::NeedsReconnect => Error::Precondition {
            reason: Reason::AccountNeedsReconnect,
            subject,
            message: failure.message,
            remedy: if failure.remediation.is_empty() {
                "connect the account again".to_owned()
            } else {
                failure.remediation
            },
        },
        FailureClass::Transient => {
            Error::Unavailable { reason: failure.reason, message: failure.message, retry_after: RETRY_AFTER }
        }
        FailureClass::RateLimited { .. }
        | FailureClass::Quota { .. }
        | FailureClass::InvalidMedia
        | FailureClass::InvalidRequest
        | FailureClass::Permanent => Error::Platform(failure),
    }
}

fn platform_error(subject: String, platform: Platform, error: AccountError) -> Error {
    match error {
        AccountError::Failed(failure) => refused(subject, failure),
        AccountError::Unknown(why) => Error::Unavailable {
            reason: Reason::PlatformUnavailable,
            message: format!("{} did not answer: {why}", platform.display_name()),
            retry_after: RETRY_AFTER,
        },
    }
}

fn token_error(id: AccountId, error: TokenError) -> Error {
    match error {
        TokenError::NotFound(id) => not_found(id),
        TokenError::Disconnected(id) => disconnected(id),
        TokenError::NeedsReconnect(failure) | TokenError::Transient(failure) | TokenError::Refused(failure) => {
            refused(format!("account {id}"), failure)
        }
        unreadable @ TokenError::Unreadable(..) => {
            let failure = unreadable.failure();
            Error::Precondition {
                reason: failure.reason,
                subject: format!("account {id}"),
                message: failure.message,
                remedy: failure.remediation,
            }
        }
        TokenError::Store(error) => match &*error {
            store::Error::Unavailable(_) | store::Error::Sick(_) | store::Error::Closed => Error::Unavailable {
                reason: Reason::StoreUnavailable,
                message: error.to_string(),
                retry_after: RETRY_AFTER,
            },
            store::Error::Behind(why) => Error::Precondition {
                reason: Reason::DatabaseBehind,
                subject: "database".to_owned(),
                message: why.clone(),
                remedy: "the operator says when the copy was made: `aurareels restored --backup-time <time>`"
                    .to_owned(),
            },
            store::Error::Served
            | store::Error::OnServer
            | store::Error::OriginalTables
            | store::Error::BeingReplaced
            | store::Error::OtherKey(_)
            | store::Error::Fenced(_)
            | store::Error::BoundElsewhere { .. }
            | store::Error::NoMedia(_)
            | store::Error::Secret(_)
            | store::Error::Corrupt(_)
            | store::Error::Unreadable { .. }
            | store::Error::Migrate(_) => Error::Internal(error.to_string()),
        },
    }
}

/// What a page token is bound to: caller and filter.
fn fingerprint(caller: Caller, filter: AccountFilter) -> [u8; 8] {
    let platform = filter.platform.map_or("", Platform::as_str);
    let text = format!("accounts|{}|{platform}|{:?}", caller.user, filter.active);
    let mut short = [0; 8];
    short.copy_from_slice(&Sha256::digest(text.as_bytes())[..8]);
    short
}

fn page_token_after(last: AccountId, caller: Caller, filter: AccountFilter) -> String {
    URL_SAFE_NO_PAD.encode([fingerprint(caller, filter), last.0.to_be_bytes()].concat())
}

fn read_page_token(token: &str, caller: Caller, filter: AccountFilter) -> Result<AccountId> {
    let bytes: Option<[u8; 16]> = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| bytes.try_into().ok());
    match bytes.as_ref().and_then(|bytes| bytes.split_first_chunk::<8>()) {
        Some((of, after)) if *of == fingerprint(caller, filter) => {
            let after = after.first_chunk::<8>().map_or(0, |after| i64::from_be_bytes(*after));
            Ok(AccountId(after))
        }
        _ => Err(invalid(
            "page_token",
            "the page token does not belong to this list".to_owned(),
            "use next_page_token of the page before, with the same filter, or leave it out",
        )),
    }
}

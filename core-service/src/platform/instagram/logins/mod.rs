//! Logins and account calls of Instagram: what both of Meta's logins share, and the way to each.
//!
//! Of the accounts that come here those that are not by Instagram Login are by Facebook Login: the description names no third.
//!
//! Guaranteed: a grant without the scopes that publishing needs brings no account; ids stay text; a network failure never
//! says that a login is dead. Expected failures: refused codes ("start the login again"), declined scopes, no
//! professional account, dead or too young tokens.

pub(super) mod facebook;
mod instagram;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{
    Instagram,
    exchange::{Caller, quota_used, read_failure},
    options::PUBLIC,
    wire::{Profile, shaped, unwrapped},
};
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        media::INSTAGRAM_REELS,
        platform::LoginFlavour,
    },
    platform::{
        AccountError, Identity, PlatformQuota, PublishOptions, Refreshed, Tokens,
        meta::{CALL, Fields, graph::GraphReply, login::clean_code, unexpected},
        settings::App,
    },
};

/// Facebook Login: the original's four; `business_management`, without which Pages of a business portfolio stay hidden;
/// comments, for `allow_comments`; and numbers.
pub(super) const FACEBOOK_SCOPES: &[&str] = &[
    "instagram_basic",
    "instagram_content_publish",
    "pages_read_engagement",
    "pages_show_list",
    "business_management",
    "instagram_manage_comments",
    "instagram_manage_insights",
];

/// Instagram Login.
pub(super) const INSTAGRAM_SCOPES: &[&str] = &[
    "instagram_business_basic",
    "instagram_business_content_publish",
    "instagram_business_manage_comments",
    "instagram_business_manage_insights",
];

/// What is asked of `/me`. `user_id` is the professional account; plain `id` holds for this app only.
const PROFILE_FIELDS: &str = "user_id,username,name,account_type,profile_picture_url";

/// The scopes without which nothing can be published.
pub(super) const FACEBOOK_NEEDED: &[&str] =
    &["instagram_basic", "instagram_content_publish", "pages_read_engagement", "pages_show_list"];
const INSTAGRAM_NEEDED: &[&str] = &["instagram_business_basic", "instagram_business_content_publish"];

impl Instagram {
    fn login_app(&self) -> Result<&App, Failure> {
        self.settings.instagram_login_app.as_ref().ok_or_else(|| {
            let message = "the login instagram_login of instagram is not configured";
            Failure::new(FailureClass::Permanent, Reason::PlatformNotConfigured, message)
                .with_remedy("set INSTAGRAM_LOGIN_APP_ID and INSTAGRAM_LOGIN_APP_SECRET")
        })
    }

    /// The consent page.
    pub(super) fn consent_page(&self, flavour: LoginFlavour, redirect_uri: &str, state: &str) -> Url {
        if flavour != LoginFlavour::InstagramLogin {
            return self.meta.dialog(FACEBOOK_SCOPES, redirect_uri, state);
        }
        let mut url = self.settings.ig_auth_base.clone();
        url.set_path("/oauth/authorize");
        let client_id = self.login_app().map(|app| app.id.as_str()).unwrap_or_default();
        url.query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", &INSTAGRAM_SCOPES.join(","))
            .append_pair("state", state);
        url
    }

    /// Every account under a code.
    pub(super) async fn exchange_code(
        &self,
        flavour: LoginFlavour,
        code: &str,
        redirect_uri: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Identity>, AccountError> {
        match flavour {
            LoginFlavour::InstagramLogin => {
                self.exchange_instagram(self.login_app()?, clean_code(code), redirect_uri, now).await
            }
            _ => self.exchange_facebook(code, redirect_uri, now).await,
        }
    }

    /// New tokens, where the login has a way to them.
    pub(super) async fn refresh_tokens(
        &self,
        account: &Account,
        tokens: &Tokens,
        now: DateTime<Utc>,
    ) -> Result<Refreshed, AccountError> {
        match account.login_flavour {
            LoginFlavour::InstagramLogin => self.refresh_instagram(account, tokens, now).await,
            _ => self.refresh_facebook(account, tokens, now).await,
        }
    }

    /// Revokes a grant.
    pub(super) async fn revoke_grant(&self, account: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        match account.login_flavour {
            // No endpoint is documented for it.
            LoginFlavour::InstagramLogin => Err(Failure::new(
                FailureClass::Permanent,
                Reason::Unsupported,
                "instagram has no way for an app to revoke a login made by instagram login",
            )
            .with_remedy(
                "in the Instagram app: Settings, Website permissions, Apps and websites, and remove the app there",
            )
            .into()),
            _ => self.meta.revoke(tokens).await,
        }
    }

    /// One account call that only reads.
    async fn ask(&self, caller: &Caller<'_>, path: &str, fields: Fields<'_>) -> Result<Value, AccountError> {
        let reply = self.get(caller, path, fields, Instant::now() + CALL).await?;
        match reply {
            GraphReply::Value(value) => Ok(value),
            reply => Err(read_failure(caller, &reply).into()),
        }
    }

    /// The account's profile. Fails with `IDENTITY_MISMATCH` when the token is another account's.
    pub(super) async fn profile(&self, account: &Account, tokens: &Tokens) -> Result<Profile, AccountError> {
        let caller = caller_of(account, tokens);
        let (path, fields) = match account.login_flavour {
            LoginFlavour::InstagramLogin => ("me", PROFILE_FIELDS),
            _ => (account.account_id.as_str(), "id,username,name,profile_picture_url"),
        };
        let value = unwrapped(self.ask(&caller, path, vec![("fields", fields.to_owned())]).await?);
        let profile: Profile = shaped(value).ok_or_else(unexpected)?;
        let id = profile.user_id.as_ref().or(profile.id.as_ref());
        if id.is_some_and(|id| *id != account.account_id) {
            return Err(Failure::new(
                FailureClass::NeedsReconnect,
                Reason::IdentityMismatch,
                "the stored token belongs to another account",
            )
            .with_remedy("connect the account again")
            .into());
        }
        Ok(profile)
    }

    /// What may be chosen for a post.
    pub(super) async fn options_of(&self, account: &Account, tokens: &Tokens) -> Result<PublishOptions, AccountError> {
        let profile = self.profile(account, tokens).await?;
        let quota = self.limit(account, tokens, None).await;
        let cannot_post = match quota {
            Ok(PlatformQuota { used: Some(used), total: Some(total), .. }) if used >= total => {
                Some(quota_used(used.into(), total.into(), None))
            }
            // The quota is a hint here; the publish itself knows.
            Ok(_) => None,
            Err(AccountError::Failed(failure)) if failure.class != FailureClass::Transient => Some(failure),
            Err(AccountError::Failed(_) | AccountError::Unknown(_)) => None,
        };
        Ok(PublishOptions {
            privacy_level_options: vec![PUBLIC.to_owned()],
            comment_disabled: false,
            // Words of TikTok; there is nothing like it here.
            duet_disabled: true,
            stitch_disabled: true,
            max_video_post_duration_sec: i32::try_from(INSTAGRAM_REELS.max_duration_ms / 1000).ok(),
            creator_nickname: profile.name.unwrap_or_else(|| account.account_name.clone()),
            creator_username: profile.username.or_else(|| account.account_username.clone()).unwrap_or_default(),
            creator_avatar_url: profile.profile_picture_url.unwrap_or_default(),
            cannot_post,
        })
    }

    /// The platform's own count.
    pub(super) async fn platform_quota(
        &self,
        account: &Account,
        tokens: &Tokens,
        now: DateTime<Utc>,
    ) -> Result<PlatformQuota, AccountError> {
        self.limit(account, tokens, Some(now)).await
    }

    async fn limit(
        &self,
        account: &Account,
        tokens: &Tokens,
        now: Option<DateTime<Utc>>,
    ) -> Result<PlatformQuota, AccountError> {
        let caller = Caller { now, ..caller_of(account, tokens) };
        let limit = match self.publishing_limit(&caller, &account.account_id, Instant::now() + CALL).await? {
            Ok(limit) => limit,
            Err(reply) => return Err(read_failure(&caller, &reply).into()),
        };
        let small = |number: i64| i32::try_from(number).ok();
        let config = limit.config.as_ref();
        Ok(PlatformQuota {
            used: limit.quota_usage.and_then(small),
            total: config.and_then(|config| config.quota_total).and_then(small),
            window_seconds: small(limit.window().num_seconds()).unwrap_or_default(),
        })
    }
}

/// Calls as an account.
fn caller_of<'a>(account: &Account, tokens: &'a Tokens) -> Caller<'a> {
    Caller { flavour: account.login_flavour, token: &tokens.access, now: None }
}

//! Facebook Login as Pages use it: each Page on which the person may create content is an account. Which Pages an app sees,
//! the person chooses in the dialog. The same grant brings the Instagram accounts of these Pages: where some are connected,
//! connecting a Page renews them.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{Facebook, errors, options::PUBLIC};
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        media::FACEBOOK_REELS,
        platform::{LoginFlavour, Platform},
    },
    platform::{
        AccountError, Identity, LoginClient, PlatformQuota, PublishOptions, Refreshed, Round, Tokens,
        meta::{
            CALL,
            graph::GraphReply,
            login::{PersonGrant, check_scopes},
        },
    },
};

/// The list of Pages, their content, publishing; portfolios, without which their Pages stay hidden; numbers; and comments.
pub(super) const SCOPES: &[&str] = &[
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_posts",
    "business_management",
    "read_insights",
    "pages_manage_engagement",
    "pages_read_user_content",
];

/// The scopes without which nothing can be published.
const NEEDED: &[&str] = &["pages_show_list", "pages_read_engagement", "pages_manage_posts"];

/// Reels that the API takes for a Page in a rolling day.
const REELS_A_DAY: i32 = 30;

/// The Pages on which the person may create content.
fn identities(grant: &PersonGrant) -> Result<Vec<Identity>, Failure> {
    let (mut identities, mut seen) = (Vec::new(), HashSet::new());
    for page in &grant.pages {
        let Some(token) = page.publishing_token() else { continue };
        if !seen.insert(page.id.as_str()) {
            continue;
        }
        identities.push(Identity {
            platform: Platform::Facebook,
            account_id: page.id.clone(),
            account_name: page.name.clone().unwrap_or_else(|| page.id.clone()),
            account_username: None,
            account_email: None,
            profile_picture_url: None,
            metadata: grant.page_metadata(page),
            grant_id: Some(grant.person.clone()),
            grant: grant.page_grant(token),
        });
    }
    if !identities.is_empty() {
        return Ok(identities);
    }
    let (message, remedy) = match grant.pages.is_empty() {
        true => (
            "this login has no facebook page",
            "choose at least one Page in the dialog; profiles and groups cannot be posted to",
        ),
        false => (
            "on none of the pages may this person create content",
            "ask for the task Content (or full control) on the page, then connect again",
        ),
    };
    Err(Failure::new(FailureClass::InvalidRequest, Reason::NoPublishableAccount, message).with_remedy(remedy))
}

impl Facebook {
    /// The Page, as its token sees it.
    async fn page(&self, account: &Account, tokens: &Tokens, fields: &str) -> Result<Value, AccountError> {
        let fields = vec![("fields", fields.to_owned())];
        let until = Instant::now() + CALL;
        match self.meta.get(&tokens.access, &account.account_id, fields, until).await? {
            GraphReply::Value(page) => {
                if page["id"].as_str().is_some_and(|id| id != account.account_id) {
                    let message = "the stored token belongs to another page";
                    let failure = Failure::new(FailureClass::NeedsReconnect, Reason::IdentityMismatch, message);
                    return Err(failure.with_remedy("connect the account again").into());
                }
                Ok(page)
            }
            reply => Err(crate::platform::meta::failure_of(&reply, None).into()),
        }
    }
}

#[async_trait]
impl LoginClient for Facebook {
    fn flavours(&self) -> Vec<LoginFlavour> {
        self.meta.settings.app.iter().map(|_| LoginFlavour::FacebookLogin).collect()
    }

    fn missing_settings(&self) -> Vec<&'static str> {
        match self.meta.settings.app {
            Some(_) => Vec::new(),
            None => vec!["FACEBOOK_APP_ID", "FACEBOOK_APP_SECRET"],
        }
    }

    /// Facebook's dialog has no PKCE.
    fn auth_url(&self, _: LoginFlavour, round: &Round, state: &str) -> Url {
        self.meta.dialog(SCOPES, &round.redirect_uri, state)
    }

    async fn exchange(
        &self,
        _: LoginFlavour,
        code: &str,
        round: &Round,
        now: DateTime<Utc>,
    ) -> Result<Vec<Identity>, AccountError> {
        let grant = self.meta.exchange_code(code, &round.redirect_uri, NEEDED, now).await?;
        let mut all = identities(&grant)?;
        let instagram = crate::platform::instagram::needed_of_facebook_login();
        if check_scopes(instagram, &grant.granted).is_ok() {
            all.extend(crate::platform::instagram::accounts_of(&grant).unwrap_or_default());
        }
        Ok(all)
    }

    async fn refresh(&self, account: &Account, tokens: &Tokens, now: DateTime<Utc>) -> Result<Refreshed, AccountError> {
        match self.meta.renewed_page(account, tokens, now).await? {
            Ok((_, grant)) => Ok(Refreshed::New(grant)),
            Err(why) => Ok(Refreshed::NotRefreshable(why)),
        }
    }

    async fn revoke(&self, _: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        self.meta.revoke(tokens).await
    }

    async fn check(&self, account: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        self.page(account, tokens, "id").await.map(|_| ())
    }

    async fn publish_options(&self, account: &Account, tokens: &Tokens) -> Result<PublishOptions, AccountError> {
        let page = self.page(account, tokens, "id,name").await?;
        Ok(PublishOptions {
            privacy_level_options: vec![PUBLIC.to_owned()],
            comment_disabled: false,
            // Words of TikTok; there is nothing like it here.
            duet_disabled: true,
            stitch_disabled: true,
            max_video_post_duration_sec: i32::try_from(FACEBOOK_REELS.max_duration_ms / 1000).ok(),
            creator_nickname: page["name"].as_str().unwrap_or(&account.account_name).to_owned(),
            creator_username: account.account_username.clone().unwrap_or_default(),
            creator_avatar_url: String::new(),
            cannot_post: None,
        })
    }

    /// Facebook names its limit and tells no count.
    async fn quota(&self, _: &Account, _: &Tokens, _: DateTime<Utc>) -> Result<PlatformQuota, AccountError> {
        if self.meta.settings.app.is_none() {
            return Err(errors::internal("facebook is not configured in this core").into());
        }
        Ok(PlatformQuota { used: None, total: Some(REELS_A_DAY), window_seconds: 86_400 })
    }
}

//! Instagram Reels, for both of Meta's logins: Facebook Login (`graph.facebook.com`, Page tokens, resumable upload) and
//! Instagram Login (`graph.instagram.com`, no upload).
//!
//! **The point of no return is `POST /{ig-user}/media_publish`.** Before it, a container is invisible; once its bytes may
//! have left, the Reel may be public. Meta documents no idempotency key for it
//! (<https://developers.facebook.com/documentation/instagram-platform/instagram-graph-api/reference/ig-user/media_publish>)
//! and live posts behind error answers were seen (<https://github.com/gitroomhq/postiz-app/pull/1681>), so:
//!
//! - It is sent on its own connection, once, only while the claim holds, and only for a container whose state was read.
//! - No answer but a media id is believed: codes that Meta documents as refusals are claims, everything else is unknown,
//!   and both are found out by reading: the container's `status_code`
//!   (<https://developers.facebook.com/documentation/instagram-platform/instagram-graph-api/reference/ig-container>) and
//!   the account's list of media. `PUBLISHED` means live, for ever. `FINISHED` means not published so far; the engine
//!   believes it after [`CONFIRMATIONS`] equal readings over [`SETTLE`], each with a look at the list, and sends the
//!   *same* container again.
//! - The container is what makes a post one post: while a publish is unresolved there is never another one.
//!
//! All pages were read on 22 November 2026. What stays open is in the sheet's §9: a publish whose answer is lost while
//! containers cannot be read and the list holds no sure match goes to a person.
//!
//! Expected failures: every code of Meta's tables ([`errors`], `meta::graph`), lost answers, unreadable containers,
//! links that come later. A container whose creation was not answered stays behind as an orphan that nobody sees and
//! that expires within a day.

mod course;
mod description;
mod errors;
mod exchange;
mod logins;
mod matching;
mod numbers;
pub mod options;
mod reading;
mod search;
mod upload;
mod wire;

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod stand_in;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use url::Url;

use super::{
    AccountError, Call, Identity, LoginClient, Lookup, Next, Outcome, PlatformClient, PlatformQuota, PublishOptions,
    Refreshed, Round, Step, Tokens, View, Window,
    meta::{Meta, MetaSettings, login::PersonGrant},
    settings::App,
};
use crate::{
    domain::{
        account::Account,
        failure::Failure,
        ledger::Entry,
        media::{CoverFrame, CoverRules},
        platform::LoginFlavour,
        post::Content,
        violation::Violation,
    },
    http::{self, connection::Connector},
};
pub use description::DESCRIPTION;

/// How long after a publish's deadline Meta may still be taking it up. With the publish's own 150 s this gives more
/// than seven minutes; a post was seen to appear two minutes into a call.
pub const SETTLE: Duration = Duration::from_secs(300);

/// How many equal readings prove that a container was not published (sheet §9: at least three over several minutes).
pub const CONFIRMATIONS: usize = 3;

/// Settings of Instagram. The base URLs replace scheme and host only.
#[derive(Clone, Debug)]
pub struct InstagramSettings {
    /// The Facebook app (`INSTAGRAM_APP_ID/_SECRET`), for Facebook Login, and where Meta is.
    pub meta: MetaSettings,
    /// The Instagram app (`INSTAGRAM_LOGIN_APP_ID/_SECRET`), for Instagram Login.
    pub instagram_login_app: Option<App>,
    /// www.instagram.com: the consent page of Instagram Login.
    pub ig_auth_base: Url,
    /// api.instagram.com: the code exchange of Instagram Login.
    pub ig_api_base: Url,
    /// graph.instagram.com.
    pub ig_graph_base: Url,
}

/// What of Facebook Login the Instagram accounts of a person need.
pub(crate) fn needed_of_facebook_login() -> &'static [&'static str] {
    logins::FACEBOOK_NEEDED
}

/// The Instagram accounts that a person's grant brings.
pub(crate) fn accounts_of(grant: &PersonGrant) -> Result<Vec<Identity>, Failure> {
    logins::facebook::identities(grant)
}

/// The Instagram client.
pub struct Instagram {
    settings: InstagramSettings,
    meta: Meta,
    /// Uploads: the answer comes only after the last byte, so no limit on reading stands in the way.
    uploads: reqwest::Client,
    /// The point of no return: each request has a connection of its own.
    connector: Connector,
    /// Instagram has refused to tell of the newer numbers.
    few_metrics: AtomicBool,
}

impl Instagram {
    /// A client with these settings.
    pub fn new(settings: InstagramSettings, tls: Arc<rustls::ClientConfig>) -> Result<Self, http::Error> {
        // Waiting for the head of an answer counts as reading, and both may take long; the step's timeout bounds them.
        let patient = Duration::from_secs(3600);
        Ok(Self {
            meta: Meta::new(settings.meta.clone(), &tls)?,
            settings,
            uploads: http::single_use_client_builder(&tls).read_timeout(patient).build()?,
            connector: Connector::new(&tls),
            few_metrics: AtomicBool::new(false),
        })
    }
}

#[async_trait]
impl PlatformClient for Instagram {
    fn fetches_video(&self, account: &Account, content: &Content) -> bool {
        course::fetches_video(account, content)
    }

    fn check_options(&self, content: &Content) -> Vec<Violation> {
        options::check(content)
    }

    fn cover_frame(&self, content: &Content) -> Option<CoverFrame> {
        options::cover_frame(content)
    }

    fn cover_rules(&self) -> Option<CoverRules> {
        Some(options::COVER)
    }

    fn next(&self, view: &View<'_>) -> Next {
        course::next(view)
    }

    fn searches_list(&self, step: &Step) -> bool {
        matches!(step.kind, course::SNAPSHOT | course::PERMALINK)
    }

    async fn run(&self, call: &Call<'_>, step: &Step) -> Outcome {
        self.run_step(call, step).await
    }

    async fn reconcile(&self, call: &Call<'_>, entry: &Entry) -> Lookup {
        self.read_publish(call, entry).await
    }

    async fn search(&self, call: &Call<'_>, window: &Window) -> Lookup {
        self.search_account(call, window).await
    }

    fn settle(&self) -> Duration {
        SETTLE
    }

    fn confirmations(&self) -> usize {
        CONFIRMATIONS
    }
}

#[async_trait]
impl LoginClient for Instagram {
    fn flavours(&self) -> Vec<LoginFlavour> {
        let facebook = self.settings.meta.app.as_ref().map(|_| LoginFlavour::FacebookLogin);
        let instagram = self.settings.instagram_login_app.as_ref().map(|_| LoginFlavour::InstagramLogin);
        facebook.into_iter().chain(instagram).collect()
    }

    fn missing_settings(&self) -> Vec<&'static str> {
        match self.flavours().is_empty() {
            true => vec!["INSTAGRAM_APP_ID", "INSTAGRAM_APP_SECRET"],
            false => Vec::new(),
        }
    }

    /// Neither of Meta's dialogs has PKCE.
    fn auth_url(&self, flavour: LoginFlavour, round: &Round, state: &str) -> Url {
        self.consent_page(flavour, &round.redirect_uri, state)
    }

    async fn exchange(
        &self,
        flavour: LoginFlavour,
        code: &str,
        round: &Round,
        now: DateTime<Utc>,
    ) -> Result<Vec<Identity>, AccountError> {
        self.exchange_code(flavour, code, &round.redirect_uri, now).await
    }

    async fn refresh(&self, account: &Account, tokens: &Tokens, now: DateTime<Utc>) -> Result<Refreshed, AccountError> {
        self.refresh_tokens(account, tokens, now).await
    }

    async fn revoke(&self, account: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        self.revoke_grant(account, tokens).await
    }

    async fn check(&self, account: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        self.profile(account, tokens).await.map(|_| ())
    }

    async fn publish_options(&self, account: &Account, tokens: &Tokens) -> Result<PublishOptions, AccountError> {
        self.options_of(account, tokens).await
    }

    async fn quota(
        &self,
        account: &Account,
        tokens: &Tokens,
        now: DateTime<Utc>,
    ) -> Result<PlatformQuota, AccountError> {
        self.platform_quota(account, tokens, now).await
    }
}

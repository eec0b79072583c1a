//! TikTok: Direct Post by the Content Posting API, Login Kit v2.
//!
//! **Point of no return.** With FILE_UPLOAD, the default, it is the PUT that carries the video's last byte
//! (`tiktok.upload_last`): TikTok answers it with 201 and begins to post; before it nothing can appear, and an upload
//! without it dies with its URL after an hour. So init and all other chunks are sent ahead of time and repeated freely,
//! and the state of every publish id can be read afterwards. With PULL_FROM_URL it is the init itself
//! (`tiktok.video_init_pull`): TikTok begins to fetch as soon as it has taken it, and a lost answer takes the publish id
//! with it. That window cannot be closed by the API; a strict match among the creator's public videos can only prove
//! that the post is there, never that it is not.
//! <https://developers.tiktok.com/docs/en/content-posting-api-reference-direct-post> and
//! <https://developers.tiktok.com/docs/en/content-posting-api-media-transfer-guide>, read September 2026;
//! <https://developers.tiktok.com/doc/content-posting-api-reference-get-video-status>, undated, read November 2026.
//!
//! **Absence** is concluded from the status of our own publish id alone: `uploaded_bytes` below the size while the
//! status is still PROCESSING_UPLOAD. No page promises how fast that count follows an upload, so it is believed only
//! after [`SETTLE`] beyond the call's deadline and [`CONFIRMATIONS`] equal readings.
//!
//! Expected failures: every code of the pages stands in one table (`errors`); HTTP 200 with a failing code is a
//! failure; a code or body that nobody documents proves nothing, and is unknown once a write began.
//!
//! Secrets: tokens, the client secret and upload URLs are sent, and kept in sealed handles, and appear nowhere else.

mod api;
mod course;
mod description;
mod errors;
mod logins;
mod numbers;
pub mod options;
mod plan;
mod publish;
mod replies;
mod search;
mod upload;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod login_tests;
#[cfg(test)]
mod publish_tests;
#[cfg(test)]
mod upload_tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{FutureExt, future::ready};
use reqwest::Client;
use url::Url;

pub use description::DESCRIPTION;

use super::{Call, Lookup, Next, Outcome, PlatformClient, Step, View, Window};
use crate::{
    domain::{
        account::Account,
        ledger::{Entry, Evidence},
        media::CoverFrame,
        post::Content,
        violation::Violation,
    },
    http::{self, connection::Connector},
    secret::Secret,
};

/// How long after a call's deadline TikTok may still take it up.
pub const SETTLE: Duration = Duration::from_secs(60);
/// How many equal readings prove that the last byte did not arrive.
pub const CONFIRMATIONS: usize = 2;

/// Longest silence of TikTok during an upload. The whole exchange has its own, shorter limits.
const UPLOAD_READ_TIMEOUT: Duration = Duration::from_secs(3600);

/// What TikTok's developer portal gives, and where TikTok is.
#[derive(Clone, Debug)]
pub struct TiktokSettings {
    /// Client key (`TIKTOK_CLIENT_ID`).
    pub client_key: String,
    /// Client secret (`TIKTOK_CLIENT_SECRET`).
    pub client_secret: Secret,
    /// Scheme and host of the consent page (`TIKTOK_AUTH_BASE_URL`, `https://www.tiktok.com`).
    pub auth_base: Url,
    /// Scheme and host of the API (`TIKTOK_API_BASE_URL`, `https://open.tiktokapis.com`).
    pub api_base: Url,
}

/// TikTok, publishing and logins.
pub struct Tiktok {
    settings: Option<TiktokSettings>,
    /// Reads, OAuth, and writes that are harmless to repeat.
    api: Client,
    /// The chunks before the last.
    uploads: Client,
    /// Points of no return: every request on a connection of its own.
    connector: Connector,
}

impl Tiktok {
    /// TikTok with these settings; without them no account can be connected and nothing is sent.
    ///
    /// `tls` is [`http::tls_config`]'s. Fails when no HTTP client can be built.
    pub fn new(settings: Option<TiktokSettings>, tls: Arc<rustls::ClientConfig>) -> Result<Self, http::Error> {
        Ok(Self {
            settings,
            api: http::client_builder(&tls).build()?,
            uploads: http::client_builder(&tls).read_timeout(UPLOAD_READ_TIMEOUT).build()?,
            connector: Connector::new(&tls),
        })
    }

    /// An endpoint of the API. Its path keeps its trailing slash.
    fn api_url(&self, path: &str) -> Url {
        with_path(self.settings.as_ref().map(|settings| &settings.api_base), "https://open.tiktokapis.com", path)
    }
}

/// `path` on the configured scheme and host, else on the vendor's.
fn with_path(base: Option<&Url>, vendor: &'static str, path: &str) -> Url {
    let mut url = base.cloned().unwrap_or_else(|| Url::parse(vendor).expect("the vendor's address is a URL"));
    url.set_path(path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[async_trait]
impl PlatformClient for Tiktok {
    fn fetches_video(&self, _: &Account, content: &Content) -> bool {
        options::is_pull(content)
    }

    fn check_options(&self, content: &Content) -> Vec<Violation> {
        options::check(content)
    }

    fn cover_frame(&self, content: &Content) -> Option<CoverFrame> {
        options::cover_frame(content)
    }

    fn next(&self, view: &View<'_>) -> Next {
        course::next(view)
    }

    fn searches_list(&self, _: &Step) -> bool {
        // Only `reconcile` looks at the list of videos.
        false
    }

    async fn run(&self, call: &Call<'_>, step: &Step) -> Outcome {
        if self.settings.is_none() {
            return Outcome::NoEffect { failure: logins::not_configured(), evidence: Evidence::new() };
        }
        // Boxed: of those that wait for their time each takes what its own step needs, not what the largest one does.
        let taken = match step.kind {
            course::CREATOR_INFO => self.creator_info(call, step).boxed(),
            course::VIDEO_INIT => self.video_init(call, step).boxed(),
            course::UPLOAD => self.upload(call, step).boxed(),
            course::UPLOAD_LAST => self.upload_last(call, step).boxed(),
            course::VIDEO_INIT_PULL => self.video_init_pull(call, step).boxed(),
            // Only `reconcile` may bind a listed video: it alone knows which of them belong to other posts.
            course::FIND => ready(Outcome::Pending { check_after: None, evidence: Evidence::new() }).boxed(),
            course::STATUS => self.status(call, step).boxed(),
            course::PUBLIC_ID => self.public_id(call, step).boxed(),
            other => {
                let failure = errors::internal(format!("TikTok knows no step `{other}`"));
                ready(Outcome::NoEffect { failure, evidence: Evidence::new() }).boxed()
            }
        };
        taken.await
    }

    async fn reconcile(&self, call: &Call<'_>, entry: &Entry) -> Lookup {
        if self.settings.is_none() {
            return Lookup::Failed(logins::not_configured());
        }
        match entry.step.as_str() {
            course::UPLOAD_LAST => self.find_uploaded(call, entry).await,
            course::VIDEO_INIT_PULL => self.find_pulled(call, entry).await,
            // Without its last byte an upload never becomes a post, whatever became of these.
            course::VIDEO_INIT | course::UPLOAD => Lookup::Absent { handle_dead: false, evidence: Evidence::new() },
            _ => Lookup::CannotTell {
                hopeless: true,
                evidence: Evidence::new().with("problem", "not a step of TikTok's"),
            },
        }
    }

    async fn search(&self, call: &Call<'_>, window: &Window) -> Lookup {
        if self.settings.is_none() {
            return Lookup::Failed(logins::not_configured());
        }
        self.search_account(call, window).await
    }

    fn search_settle(&self) -> Duration {
        search::LISTED_AFTER
    }

    fn settle(&self) -> Duration {
        SETTLE
    }

    fn confirmations(&self) -> usize {
        CONFIRMATIONS
    }
}

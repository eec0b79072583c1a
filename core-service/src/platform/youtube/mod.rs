//! YouTube: resumable uploads by the Data API, Google's OAuth 2.0.
//!
//! **Points of no return.** By default a video is uploaded as private, and `videos.update` makes it visible at the post's
//! time (`youtube.publish`): that step is harmless to repeat, and the video's own privacy tells whether it was taken. A
//! lost upload leaves at most a private video that nobody has seen. With the option ONE_STEP it is the chunk that carries
//! the last byte (`youtube.upload_last`); the session tells afterwards what became of it, and where the session is gone the
//! channel's uploads are looked through by the name of the file, which holds our post. That it is not listed proves
//! nothing: such a post goes to a person.
//! <https://developers.google.com/youtube/v3/guides/using_resumable_upload_protocol>,
//! <https://developers.google.com/youtube/v3/docs/videos/update>, read 22 November 2026.
//!
//! Expected failures: every reason of the pages ([`errors`]), lost answers, sessions that end, a quota that all users of the
//! app share and that begins anew at midnight in California, videos that YouTube keeps private.
//!
//! Secrets: tokens and the addresses of sessions, which are sent, and kept in sealed handles, and appear nowhere else.

mod budget;
mod comments;
mod course;
mod description;
mod errors;
mod exchange;
mod login;
mod numbers;
pub mod options;
mod search;
mod thumbnail;

#[cfg(test)]
mod simulated;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use url::Url;

use super::{Asked, Call, Lookup, Next, Outcome, PlatformClient, Step, View, Window, settings::App};
use crate::{
    domain::{
        account::Account,
        budget::Charge,
        failure::Failure,
        ledger::{Entry, Ledger},
        media::{CoverRules, MediaFacts},
        post::Content,
        violation::{Violation, Warning},
    },
    http::{self, connection::Connector},
};
pub use description::DESCRIPTION;

/// How long after a call's deadline YouTube may still be taking it up.
pub const SETTLE: Duration = Duration::from_secs(180);

/// How many equal readings prove absence.
pub const CONFIRMATIONS: usize = 3;

/// How long an upload may take to be listed, with its file's name.
const LISTED_AFTER: Duration = Duration::from_secs(1800);

/// The app, and where Google is. The base URLs replace scheme and host only.
#[derive(Clone, Debug)]
pub struct YoutubeSettings {
    /// The app.
    pub app: Option<App>,
    /// accounts.google.com: the consent page.
    pub auth_base: Url,
    /// oauth2.googleapis.com: tokens.
    pub token_base: Url,
    /// www.googleapis.com: the API and its uploads.
    pub api_base: Url,
    /// Calls of `videos.insert` that Google gives the app a day.
    pub uploads_per_day: u32,
    /// Units for everything else that Google gives the app a day.
    pub units_per_day: u32,
}

/// YouTube, publishing and logins.
pub struct Youtube {
    settings: YoutubeSettings,
    /// Reads, OAuth, and writes that nobody can see.
    client: reqwest::Client,
    /// Uploads: the answer comes only after the last byte, so no limit on reading stands in the way.
    uploads: reqwest::Client,
    /// Points of no return: each request has a connection of its own.
    connector: Connector,
}

impl Youtube {
    /// A client with these settings.
    pub fn new(settings: YoutubeSettings, tls: Arc<rustls::ClientConfig>) -> Result<Self, http::Error> {
        let patient = Duration::from_secs(3600);
        Ok(Self {
            settings,
            client: http::client_builder(&tls).build()?,
            uploads: http::single_use_client_builder(&tls).read_timeout(patient).build()?,
            connector: Connector::new(&tls),
        })
    }
}

#[async_trait]
impl PlatformClient for Youtube {
    fn check_options(&self, content: &Content) -> Vec<Violation> {
        options::check(content)
    }

    fn warnings(&self, content: &Content) -> Vec<Warning> {
        options::warnings(content)
    }

    fn video_warnings(&self, field: &'static str, facts: &MediaFacts) -> Vec<Warning> {
        options::no_short(field, facts).into_iter().collect()
    }

    fn cover_rules(&self) -> Option<CoverRules> {
        Some(options::COVER)
    }

    fn fetches_video(&self, _: &Account, _: &Content) -> bool {
        false
    }

    fn next(&self, view: &View<'_>) -> Next {
        course::next(view)
    }

    fn searches_list(&self, _: &Step) -> bool {
        // The name of a file is one post's alone.
        false
    }

    async fn run(&self, call: &Call<'_>, step: &Step) -> Outcome {
        self.run_step(call, step).await
    }

    async fn reconcile(&self, call: &Call<'_>, entry: &Entry) -> Lookup {
        self.read_sending(call, entry).await
    }

    async fn search(&self, call: &Call<'_>, window: &Window) -> Lookup {
        self.search_channel(call, window).await
    }

    fn search_settle(&self) -> Duration {
        LISTED_AFTER
    }

    fn remains(&self, ledger: &Ledger) -> Option<Warning> {
        course::remains(ledger)
    }

    fn price(&self, asked: Asked<'_>, now: DateTime<Utc>) -> Vec<Charge> {
        budget::price(&self.settings, asked, now)
    }

    fn budgets(&self, now: DateTime<Utc>) -> Vec<Charge> {
        budget::all(&self.settings, now)
    }

    fn is_used_up(&self, failure: &Failure) -> bool {
        budget::IS_USED_UP.contains(&failure.rule.as_str())
    }

    fn settle(&self) -> Duration {
        SETTLE
    }

    fn confirmations(&self) -> usize {
        CONFIRMATIONS
    }
}

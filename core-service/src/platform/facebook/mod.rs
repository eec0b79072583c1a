//! Facebook: Reels on Pages, by Facebook Login. Profiles and groups cannot be posted to.
//!
//! **The point of no return is the finish, `POST /{page}/video_reels` with `upload_phase=finish`.** Start and upload are
//! invisible, and the video's id is known from the start on, so nothing is ever guessed from a list: whatever becomes of
//! the finish's answer, the status of our own video tells. Success of the finish means accepted, not published; the status
//! is read until it says published. The one-shot `POST /{page}/videos` is not used: no id exists before it.
//! Nothing is scheduled at Facebook: the core's own schedule is the one that can be cancelled.
//! <https://developers.facebook.com/documentation/video-api/guides/reels-publishing>, read 22 November 2026.
//!
//! **Absence** is concluded from that status alone: uploaded, and not being published, by [`CONFIRMATIONS`] equal readings
//! over [`SETTLE`]; then the *same* video is finished again. A second finish of the same video while the first is queued is
//! not documented as harmless; docs/windows.md.
//!
//! Expected failures: every code of the pages ([`errors`], `meta::graph`), lost answers, every spelling of the status, an
//! error on a phase that has not begun. A start whose answer was lost leaves an orphan that nobody sees.

mod course;
mod description;
mod errors;
mod exchange;
mod login;
mod numbers;
pub mod options;
mod reading;
mod search;

#[cfg(test)]
mod simulated;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use async_trait::async_trait;

use super::{
    Call, Lookup, Next, Outcome, PlatformClient, Step, View, Window,
    meta::{Meta, MetaSettings},
};
use crate::{
    domain::{account::Account, ledger::Entry, post::Content, violation::Violation},
    http::{self, connection::Connector},
};
pub use description::DESCRIPTION;

/// How long after a finish's deadline Facebook may still be taking it up.
pub const SETTLE: Duration = Duration::from_secs(300);

/// How many equal readings prove that a finish was not taken.
pub const CONFIRMATIONS: usize = 3;

/// How long a Reel may take to be listed.
const LISTED_AFTER: Duration = Duration::from_secs(900);

/// Facebook, publishing and logins.
pub struct Facebook {
    meta: Meta,
    /// Uploads: the answer comes only after the last byte, so no limit on reading stands in the way.
    uploads: reqwest::Client,
    /// The point of no return: each request has a connection of its own.
    connector: Connector,
    /// Facebook has refused to tell the reach.
    without_reach: AtomicBool,
}

impl Facebook {
    /// A client with these settings.
    pub fn new(settings: MetaSettings, tls: Arc<rustls::ClientConfig>) -> Result<Self, http::Error> {
        // Waiting for the head of an answer counts as reading, and both may take long; the step's timeout bounds them.
        let patient = Duration::from_secs(3600);
        Ok(Self {
            meta: Meta::new(settings, &tls)?,
            uploads: http::single_use_client_builder(&tls).read_timeout(patient).build()?,
            connector: Connector::new(&tls),
            without_reach: AtomicBool::new(false),
        })
    }
}

#[async_trait]
impl PlatformClient for Facebook {
    fn check_options(&self, content: &Content) -> Vec<Violation> {
        options::check(content)
    }

    fn fetches_video(&self, _: &Account, content: &Content) -> bool {
        options::is_fetched(content)
    }

    fn next(&self, view: &View<'_>) -> Next {
        course::next(view)
    }

    fn searches_list(&self, _: &Step) -> bool {
        // Only the search after a restore looks at the list of Reels.
        false
    }

    async fn run(&self, call: &Call<'_>, step: &Step) -> Outcome {
        self.run_step(call, step).await
    }

    async fn reconcile(&self, call: &Call<'_>, entry: &Entry) -> Lookup {
        self.read_finish(call, entry).await
    }

    async fn search(&self, call: &Call<'_>, window: &Window) -> Lookup {
        self.search_page(call, window).await
    }

    fn search_settle(&self) -> Duration {
        LISTED_AFTER
    }

    fn settle(&self) -> Duration {
        SETTLE
    }

    fn confirmations(&self) -> usize {
        CONFIRMATIONS
    }
}

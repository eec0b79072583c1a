//! The interface to platforms. One trait for the publishing course of a platform, one for its logins; one folder per
//! platform implements both. Wire structs are private to it.
//!
//! The division of labour: a client gives the next step (`next`, pure), runs one bounded exchange (`run`), and reads
//! the outcome of one (`reconcile`, read-only). It never loops, waits, retries or keeps state: everything it knows is
//! in the ledger, and the engine in `publisher` decides what happens next.
//!
//! Expected failures are values: [`Outcome`], [`Lookup`] and [`AccountError`]. An unlisted failure after a write has
//! begun is [`Outcome::Unknown`].

pub mod description;
#[cfg(test)]
mod example;
pub mod facebook;
pub(crate) mod first_comment;
pub mod instagram;
pub mod meta;
pub mod numbers;
pub(crate) mod put;
pub mod settings;
#[cfg(test)]
mod simulated;
#[cfg(test)]
pub(crate) mod stand_in;
pub mod tiktok;
pub(crate) mod waits;
pub mod wire;
pub mod youtube;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use serde_json::Value;
use url::Url;

use crate::{
    domain::{
        account::Account,
        binding::BoundBy,
        budget::Charge,
        failure::Failure,
        ledger::{Entry, Evidence, Handle, Ledger, StepClass},
        media::{CoverFrame, CoverRules, MediaFacts, VIDEO_CHANGED, VideoVersion},
        platform::{LoginFlavour, Platform},
        post::{Content, Post},
        violation::{Violation, Warning},
    },
    secret::Secret,
};

use description::Description;
use numbers::NumbersClient;

/// Every platform of this release: a folder and a line here.
pub static ALL: &[&Description] =
    &[&tiktok::DESCRIPTION, &instagram::DESCRIPTION, &facebook::DESCRIPTION, &youtube::DESCRIPTION];

/// The input of `next`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The post. Its `attempt` says which ledger entries count.
    pub post: &'a Post,
    /// Its account.
    pub account: &'a Account,
    /// What was done so far.
    pub ledger: &'a Ledger,
    /// The clock's time.
    pub now: DateTime<Utc>,
}

/// When a step may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBefore {
    /// Invisible: up to `prepare_lead` before the post's time.
    Prepare,
    /// At the post's time.
    Due,
    /// Not before this instant, according to the platform or its documentation.
    At(DateTime<Utc>),
}

/// A step that a client proposes.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Name: platform, dot, action. Stays in ledgers for ever: `tiktok.video_init`.
    pub kind: &'static str,
    /// What repeating it can do.
    pub class: StepClass,
    /// When it may leave.
    pub not_before: NotBefore,
    /// Timeout of the exchange. For a point of no return, absence is never concluded before it has passed.
    pub timeout: Duration,
    /// What it is sent with, as far as a worker that takes over needs it.
    pub handle: Handle,
}

/// What is known of a live post.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// The platform's id of the public post, once known.
    pub platform_post_id: Option<String>,
    /// Its link, once known.
    pub platform_post_url: Option<String>,
    /// Every id the platform gave.
    pub all_platform_post_ids: Vec<String>,
    /// The evidence that they belong to the post.
    pub bound_by: BoundBy,
    /// The step that reads its link, while that is not known.
    pub link: Option<Box<Step>>,
}

/// What comes next for a post: a pure function of its ledger.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Run this step.
    Step(Step),
    /// The platform says that it is live. `then` is a follow-up (link, comments), which can never make the post fail.
    Live {
        /// What is known of it.
        live: Live,
        /// A follow-up, if one is left.
        then: Option<Step>,
    },
    /// In the creator's inbox. `then` checks whether the creator posted it.
    Delivered {
        /// The next look.
        then: Option<Step>,
    },
    /// The platform's own word: this attempt is not visible and cannot become visible. A failure whose class allows it
    /// leads to a new attempt with new handles.
    Rejected(Failure),
}

/// The result of one exchange of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The platform accepted it, or a read returned something that `next` needs. `handle` holds the new values; it is
    /// merged over the step's own handle.
    Accepted {
        /// What was learned.
        handle: Handle,
        /// For people.
        evidence: Evidence,
    },
    /// A read that found the platform still processing; only the time of the next poll is recorded.
    Pending {
        /// When to look again; the engine's growing gap when absent.
        check_after: Option<Duration>,
        /// For people.
        evidence: Evidence,
    },
    /// Provably without effect: not sent, or a refusal of an invisible step. For a read: it failed.
    NoEffect {
        /// The reason; its class decides what is next: `AuthExpired` refreshes and repeats the same step.
        failure: Failure,
        /// For people.
        evidence: Evidence,
    },
    /// The platform's answer to a point of no return refuses it. A claim and no proof: it is read before anything is
    /// concluded from it.
    Refused {
        /// The platform's reason; its class decides what is next once absence is proven.
        failure: Failure,
        /// For people.
        evidence: Evidence,
    },
    /// It may or may not have had an effect.
    Unknown {
        /// For people.
        evidence: Evidence,
    },
    /// A read that contradicts the settled outcome of the newest point of no return: it is open again.
    Reopened {
        /// For people.
        evidence: Evidence,
    },
}

/// The result of reading the outcome of an unknown step.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// The platform has it. `handle` is merged like that of an accepted step.
    Found {
        /// What was learned.
        handle: Handle,
        /// For people.
        evidence: Evidence,
    },
    /// The platform does not have it, as far as its documentation allows that conclusion. The engine accepts it only
    /// after the call's deadline plus `settle`, and after `confirmations` equal readings.
    Absent {
        /// True when the old handle can never act any more: only then is a new attempt with new handles allowed.
        /// Otherwise the same step is sent again with the same handle.
        handle_dead: bool,
        /// For people.
        evidence: Evidence,
    },
    /// The platform is still processing it.
    Pending {
        /// When to look again; the engine's growing gap when absent.
        check_after: Option<Duration>,
        /// For people.
        evidence: Evidence,
    },
    /// Reading cannot tell now. `hopeless` when no later reading could.
    CannotTell {
        /// Ask a person as soon as the settle time has passed.
        hopeless: bool,
        /// For people.
        evidence: Evidence,
    },
    /// The reading itself failed: token, rate limit, network.
    Failed(Failure),
}

/// The decrypted tokens of a call.
pub struct Tokens {
    /// The access token: TikTok user, Instagram user or Page token.
    pub access: Secret,
    /// The refresh token, where the platform has one.
    pub refresh: Option<Secret>,
    /// The token of the underlying grant: the Facebook user token of a Page token.
    pub grant: Option<Secret>,
}

/// A stream of a video's bytes. Ends with an error, never early: the length of the range is checked.
pub type VideoStream = BoxStream<'static, std::io::Result<Bytes>>;

/// Whether a failure says that the file was replaced since the upload began. What was uploaded so far is then useless.
pub fn is_replaced(failure: &Failure) -> bool {
    failure.rule == VIDEO_CHANGED
}

/// The post's video, by URL or uploaded. Bytes are streamed in bounded memory; the SSRF rule is applied inside.
#[async_trait]
pub trait Video: Send + Sync {
    /// Size, container and the rest, as measured. Fails when the source cannot be read now, or breaks a rule.
    async fn facts(&self) -> Result<MediaFacts, Failure>;

    /// The file's current version. An upload begins with it, keeps it in its handle and passes it to every
    /// [`Self::open`], in any process.
    async fn version(&self) -> Result<VideoVersion, Failure>;

    /// Opens the bytes of this version from `first` to `last`, both counted from 0 and included. [`is_replaced`]
    /// recognises the failure of a replaced file.
    async fn open(&self, first: u64, last: u64, version: &VideoVersion) -> Result<VideoStream, Failure>;

    /// Checks that the file is still this version; [`is_replaced`] recognises the failure when not. To be called when
    /// all bytes were read and the last of them was not yet sent: some hosts cannot tell versions apart, and only then
    /// is it known that no two were mixed.
    async fn verify(&self, version: &VideoVersion) -> Result<(), Failure>;

    /// A URL at which a platform can fetch it.
    async fn public_url(&self) -> Result<Url, Failure>;

    /// Opens the cover picture that the post names by a URL. The size is the host's, and the stream is held to it.
    async fn cover(&self) -> Result<Cover, Failure>;
}

/// A cover picture.
pub struct Cover {
    /// Its size.
    pub size_bytes: u64,
    /// Its bytes.
    pub bytes: VideoStream,
}

/// The right to send: when a request may be sent, and whether its claim is still valid.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Waits for the time at which a point of no return may be sent; its connection can be opened before. False when
    /// the core is asked to stop first: then nothing may be sent.
    async fn opens(&self) -> bool {
        true
    }

    /// False once the claim's time has run out by the monotonic clock: then nothing may be sent any more. Asked right
    /// before bytes leave.
    fn holds(&self) -> bool;

    /// To be called when a point of no return is handed to its connection.
    fn leaves(&self) {}
}

/// Receives the progress of an upload. Cheap; may be called for every few hundred kilobytes.
pub trait Progress: Send + Sync {
    /// `sent` of `total` bytes of the video have been sent.
    fn uploaded(&self, sent: u64, total: u64);
}

/// Everything an exchange may use.
pub struct Call<'a> {
    /// The post, its account, its ledger, the time.
    pub view: View<'a>,
    /// Opened tokens.
    pub tokens: &'a Tokens,
    /// The video.
    pub video: &'a dyn Video,
    /// The claim.
    pub lease: &'a dyn Lease,
    /// Upload progress.
    pub progress: &'a dyn Progress,
    /// Platform ids already bound to other posts of this account: a search for this post never takes one of them.
    pub bound_platform_ids: &'a [String],
    /// Another post of this account, whose platform post is not known either, has the same caption: the platform's list
    /// cannot tell the two apart.
    pub same_caption_in_flight: bool,
}

/// The time window in which a post that is looked up after a restore may have been published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// The backup was made then.
    pub since: DateTime<Utc>,
    /// When the backup was restored: nothing was sent afterwards.
    pub until: DateTime<Utc>,
}

/// The purpose of a call, as far as its price depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// A step, by its kind.
    Step(&'a str),
    /// A reading of its outcome.
    Reading,
}

/// The publishing course of one platform.
#[async_trait]
pub trait PlatformClient: Send + Sync {
    /// Checks what only this platform knows about a request, before a post is created and again before it is published:
    /// privacy words, option ranges. Pure. Broken rules, all at once.
    fn check_options(&self, content: &Content) -> Vec<Violation>;

    /// Changes to a request that its caller did not ask for, as warnings. Pure.
    fn warnings(&self, content: &Content) -> Vec<Warning> {
        let _ = content;
        Vec::new()
    }

    /// What the platform will change about a video, as warnings on the field that names the video. Pure.
    fn video_warnings(&self, field: &'static str, facts: &MediaFacts) -> Vec<Warning> {
        let _ = (field, facts);
        Vec::new()
    }

    /// The frame of the video that a request names as its cover. Pure.
    fn cover_frame(&self, content: &Content) -> Option<CoverFrame> {
        let _ = content;
        None
    }

    /// Requirements for a cover picture; `None` if there is none, or `thumbnail_url` is not used. Pure.
    fn cover_rules(&self) -> Option<CoverRules> {
        None
    }

    /// Whether the platform would fetch the video itself, by [`Video::public_url`]. Pure.
    fn fetches_video(&self, account: &Account, content: &Content) -> bool;

    /// What comes next: pure, from the post's current attempt in the ledger.
    fn next(&self, view: &View<'_>) -> Next;

    /// Whether a step searches the account's list: only then are `bound_platform_ids` and `same_caption_in_flight` set.
    /// Pure.
    fn searches_list(&self, step: &Step) -> bool;

    /// Runs one step: one bounded exchange. For a point of no return the request travels on its own connection.
    async fn run(&self, call: &Call<'_>, step: &Step) -> Outcome;

    /// Reads the outcome of a step whose outcome is unknown. Sends nothing that could change anything.
    async fn reconcile(&self, call: &Call<'_>, entry: &Entry) -> Lookup;

    /// Looks for a post that another core may have sent within the window, with handles that this ledger may not have:
    /// by the ledger's own handles, then in the account's list. Sends nothing that could change anything.
    async fn search(&self, call: &Call<'_>, window: &Window) -> Lookup;

    /// How long after the last request a post may still become findable by [`Self::search`].
    fn search_settle(&self) -> Duration {
        self.settle()
    }

    /// What a call costs of the budgets that all users of the app share. Pure.
    fn price(&self, asked: Asked<'_>, now: DateTime<Utc>) -> Vec<Charge> {
        let _ = (asked, now);
        Vec::new()
    }

    /// The budgets that all users of the app share, each as a call without cost. Pure.
    fn budgets(&self, now: DateTime<Utc>) -> Vec<Charge> {
        let _ = now;
        Vec::new()
    }

    /// Whether a refusal says that such a budget is used up, and not one of the account's own. Pure.
    fn is_used_up(&self, failure: &Failure) -> bool {
        let _ = failure;
        false
    }

    /// What a post that never became visible leaves on the platform, as a message to its owner. Pure.
    fn remains(&self, ledger: &Ledger) -> Option<Warning> {
        let _ = ledger;
        None
    }

    /// How long after a call's deadline the platform may still process it.
    fn settle(&self) -> Duration;

    /// How many equal readings, spread over the settle time, prove absence.
    fn confirmations(&self) -> usize;
}

/// One account of a login.
pub struct Identity {
    /// The account's platform: one login may cover accounts of several platforms.
    pub platform: Platform,
    /// The platform's id of the account.
    pub account_id: String,
    /// Display name.
    pub account_name: String,
    /// Handle without "@".
    pub account_username: Option<String>,
    /// E-mail.
    pub account_email: Option<String>,
    /// Picture.
    pub profile_picture_url: Option<String>,
    /// What the client needs later (`page_id`) and other data from the platform. No secrets.
    pub metadata: Value,
    /// Identity of the grant: accounts that share it are revoked together.
    pub grant_id: Option<String>,
    /// Its tokens.
    pub grant: Grant,
}

/// Tokens with their life.
pub struct Grant {
    /// The tokens.
    pub tokens: Tokens,
    /// When the access token ends; `None` when it has no known end.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the refresh token ends.
    pub refresh_expires_at: Option<DateTime<Utc>>,
    /// Granted scopes.
    pub scope: Vec<String>,
}

/// Why an account call failed.
#[derive(Debug)]
pub enum AccountError {
    /// Refused, or failed with a class that says what to do.
    Failed(Failure),
    /// The request may have had its effect, and the answer is lost. For a refresh: the old token may be dead.
    Unknown(String),
}

impl From<Failure> for AccountError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The result of a refresh.
pub enum Refreshed {
    /// New tokens. They must be stored before they are used.
    New(Grant),
    /// This login cannot be refreshed now (too young, or by design); the sentence says why and what to do.
    NotRefreshable(String),
}

/// The options that the platform currently offers for a post.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PublishOptions {
    /// Allowed values of privacy_level, in the platform's words.
    pub privacy_level_options: Vec<String>,
    /// Comments are off for this creator.
    pub comment_disabled: bool,
    /// Duets are off.
    pub duet_disabled: bool,
    /// Stitches are off.
    pub stitch_disabled: bool,
    /// Longest video in seconds for this creator.
    pub max_video_post_duration_sec: Option<i32>,
    /// Name to show.
    pub creator_nickname: String,
    /// Handle.
    pub creator_username: String,
    /// Picture.
    pub creator_avatar_url: String,
    /// `None` when the account can post now; otherwise why not.
    pub cannot_post: Option<Failure>,
}

/// The platform's own count of publishing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlatformQuota {
    /// Used in the window.
    pub used: Option<i32>,
    /// Allowed in the window.
    pub total: Option<i32>,
    /// Length of the window in seconds.
    pub window_seconds: i32,
}

/// Parameters of a consent page that the exchange of the code must repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Where the platform redirects the browser.
    pub redirect_uri: String,
    /// The PKCE (RFC 7636) verifier, if the platform supports it: 43 unreserved characters. `None` for a login that was
    /// begun without.
    pub verifier: Option<Secret>,
}

/// The logins and account calls of one platform.
#[async_trait]
pub trait LoginClient: Send + Sync {
    /// The logins that are configured, the default first; empty when the platform is not configured.
    fn flavours(&self) -> Vec<LoginFlavour>;

    /// Names of settings that are missing.
    fn missing_settings(&self) -> Vec<&'static str>;

    /// The consent page.
    fn auth_url(&self, flavour: LoginFlavour, round: &Round, state: &str) -> Url;

    /// Exchanges the redirect's code for every account of the grant, with long-lived tokens if there are any.
    async fn exchange(
        &self,
        flavour: LoginFlavour,
        code: &str,
        round: &Round,
        now: DateTime<Utc>,
    ) -> Result<Vec<Identity>, AccountError>;

    /// Asks for new tokens.
    async fn refresh(&self, account: &Account, tokens: &Tokens, now: DateTime<Utc>) -> Result<Refreshed, AccountError>;

    /// Revokes the whole grant at the platform. If that is impossible, the sentence says why.
    async fn revoke(&self, account: &Account, tokens: &Tokens) -> Result<(), AccountError>;

    /// Whether the token works: a small read.
    async fn check(&self, account: &Account, tokens: &Tokens) -> Result<(), AccountError>;

    /// The options that are currently offered for a post.
    async fn publish_options(&self, account: &Account, tokens: &Tokens) -> Result<PublishOptions, AccountError>;

    /// The platform's own count.
    async fn quota(
        &self,
        account: &Account,
        tokens: &Tokens,
        now: DateTime<Utc>,
    ) -> Result<PlatformQuota, AccountError>;
}

/// One platform of this core: its description, its publishing course, its logins and its numbers.
#[derive(Clone)]
pub struct Service {
    /// What it is.
    pub description: &'static Description,
    /// The publishing course.
    pub client: Arc<dyn PlatformClient>,
    /// The logins.
    pub login: Arc<dyn LoginClient>,
    /// How its posts do.
    pub numbers: Arc<dyn NumbersClient>,
}

impl Service {
    /// The broken rules of a post's options, all at once.
    pub fn check_options(&self, content: &Content) -> Vec<Violation> {
        match self.description.options.check(&content.options) {
            Some(unreadable) => vec![unreadable],
            None => self.client.check_options(content),
        }
    }
}

/// The platforms of this core. A platform that is not in it is not part of this release.
#[derive(Clone, Default)]
pub struct Registry {
    services: BTreeMap<Platform, Service>,
}

impl Registry {
    /// A registry of these services.
    pub fn new(services: impl IntoIterator<Item = Service>) -> Self {
        Self { services: services.into_iter().map(|service| (service.description.platform, service)).collect() }
    }

    /// The service of a platform.
    pub fn get(&self, platform: Platform) -> Option<&Service> {
        self.services.get(&platform)
    }

    /// Every platform, in a fixed order.
    pub fn platforms(&self) -> impl Iterator<Item = (Platform, &Service)> {
        self.services.iter().map(|(platform, service)| (*platform, service))
    }
}

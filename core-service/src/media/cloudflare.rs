//! Videos of Cloudflare Stream, named `cloudflare-stream:<uid>`: the address at which their MP4 can be fetched now
//! (<https://developers.cloudflare.com/stream/viewing-videos/download-videos/>, read 2026-11-22).
//!
//! Guaranteed:
//! - Every call may be repeated: they read, or make the MP4 and short-lived tokens. A private video stays private: its address
//!   is signed for a day, and replaced before that ends ([`LEAST_LIFE`]). With [`Access::Public`] alone it is made public, when
//!   a platform is about to fetch it by itself.
//! - The API token and signed addresses are in no log and no message.
//!
//! Expected failures: the video or its MP4 is still being made ([`ProbeError::Preparing`]); it cannot be made fetchable
//! (`VIDEO_NOT_PUBLIC`, with what to do); Cloudflare is away or refuses the token ([`ProbeError::Unreachable`]).

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

use super::{ProbeError, cache::Cache, refused};
use crate::{domain::media::VIDEO_NOT_PUBLIC, secret::Secret};

/// How a video's address begins.
pub(crate) const SCHEME: &str = "cloudflare-stream";

/// How long one call of the API may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest answer that is read, bytes. Answers are a few kilobytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// How long what was found out about a video is used.
const REMEMBERED: Duration = Duration::from_secs(600);

/// How long it is remembered that a failed MP4 was asked for once more, seconds. After that, or a restart, it is asked for again.
const ASKED_AGAIN: i64 = 3_600;

/// The life of a signed address, seconds: a day at most, less what clocks may differ.
const LIFE: i64 = 86_400 - 300;

/// The least that is left of it when a platform is given it: containers live that long.
const LEAST_LIFE: i64 = 7_200;

/// How videos are made fetchable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// As each video is: public ones by their public address, private ones signed.
    AsIs,
    /// By their public address: private ones are made public when a platform is to fetch them.
    Public,
    /// Signed, all of them.
    Signed,
    /// As they are, copied into the media store when a post is created.
    Copy,
}

/// An account of Cloudflare Stream.
#[derive(Clone, Debug)]
pub struct StreamSettings {
    /// The account that has the videos.
    pub account_id: String,
    /// The API token.
    pub token: Secret,
    /// Scheme and host of the API.
    pub base: Url,
    /// How videos are made fetchable.
    pub access: Access,
}

/// Tells the time in unix seconds.
pub type UnixTime = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Asks Cloudflare.
pub struct Stream {
    client: reqwest::Client,
    settings: StreamSettings,
    now: UnixTime,
    /// Addresses by uid.
    found: Cache<Result<Found, ProbeError>>,
    /// Videos whose MP4 failed and was asked for once more, and when.
    asked_again: Mutex<HashMap<String, i64>>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("account_id", &self.settings.account_id).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Found {
    url: Url,
    /// When a signed address ends.
    ends: Option<i64>,
}

impl Stream {
    /// Makes no call.
    pub fn new(client: reqwest::Client, settings: StreamSettings, now: UnixTime) -> Self {
        Self { client, settings, now, found: Cache::new(REMEMBERED), asked_again: Mutex::default() }
    }

    /// Whether videos are to be copied.
    pub(super) fn copies(&self) -> bool {
        self.settings.access == Access::Copy
    }

    /// The address at which a platform fetches a video's MP4.
    pub(super) async fn public_address(&self, uid: &str) -> Result<Url, ProbeError> {
        let found = self.found(uid).await?;
        if self.settings.access != Access::Public || found.ends.is_none() {
            return Ok(found.url);
        }
        let public = json!({ "requireSignedURLs": false });
        self.call::<Value>(Method::POST, &format!("/{uid}"), Some(public)).await?;
        tracing::info!(uid, "a private video of Cloudflare Stream was made public, as CLOUDFLARE_STREAM_ACCESS says");
        self.forget(uid);
        Ok(self.found(uid).await?.url)
    }

    /// The address of a video's MP4, good for two hours at least.
    pub(super) async fn address(&self, uid: &str) -> Result<Url, ProbeError> {
        self.found(uid).await.map(|found| found.url)
    }

    async fn found(&self, uid: &str) -> Result<Found, ProbeError> {
        let least = (self.now)() + LEAST_LIFE;
        let ends_soon = |found: &Found| found.ends.is_some_and(|ends| ends < least);
        if matches!(self.found.kept(uid), Some(Ok(found)) if ends_soon(&found)) {
            self.forget(uid);
        }
        self.found.get(uid, Result::is_ok, || self.find(uid)).await
    }

    /// Asks anew the next time.
    pub(super) fn forget(&self, uid: &str) {
        self.found.forget(uid);
    }

    /// Whether the token may read the account's videos; what is wrong and what to do otherwise.
    pub async fn check(&self) -> Result<(), String> {
        match self.call::<Value>(Method::GET, "?search=aurareels-doctor", None).await {
            Ok(_) => Ok(()),
            Err(ProbeError::Refused(violation)) => Err(violation.message),
            Err(ProbeError::Preparing { message } | ProbeError::Unreachable { message }) => Err(message),
        }
    }

    async fn find(&self, uid: &str) -> Result<Found, ProbeError> {
        let video: Video = self.call(Method::GET, &format!("/{uid}"), None).await?;
        let Status { state, percent, reason } = video.status;
        if state == "error" {
            let why = reason.unwrap_or_else(|| "no reason is given".to_owned());
            let message = format!("cloudflare could not read the video: {why}");
            return Err(not_public(&why, "upload the video to Cloudflare Stream again", &message));
        }
        if !video.is_ready || state != "ready" {
            let percent = percent.map(|percent| format!(", {} %", percent.split('.').next().unwrap_or_default()));
            let message = format!("cloudflare is still encoding the video ({state}{})", percent.unwrap_or_default());
            return Err(ProbeError::Preparing { message });
        }
        let url = self.mp4(uid).await?;
        if !video.is_private && self.settings.access != Access::Signed {
            return Ok(Found { url, ends: None });
        }
        let ends = (self.now)() + LIFE;
        let asked = json!({ "exp": ends, "downloadable": true });
        let Token { token } = self.call(Method::POST, &format!("/{uid}/token"), Some(asked)).await?;
        let signed = url.path().replacen(uid, &token, 1);
        let mut url = url;
        url.set_path(&signed);
        Ok(Found { url, ends: Some(ends) })
    }

    /// The public address of the MP4, which is made where there is none.
    async fn mp4(&self, uid: &str) -> Result<Url, ProbeError> {
        let path = format!("/{uid}/downloads");
        let there: Downloads = self.call(Method::GET, &path, None).await?;
        let mut download = match there.mp4() {
            Some(download) => download,
            None => self.make(&path).await?,
        };
        if download.status == "error" && self.first_time(uid) {
            self.call::<Value>(Method::DELETE, &path, None).await?;
            download = self.make(&path).await?;
        }
        match (download.status.as_str(), download.url) {
            ("ready", Some(url)) => {
                self.asked_again.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
                Ok(url)
            }
            ("error", _) => {
                let remedy = "look at the video in Cloudflare's dashboard, or upload it there again";
                Err(not_public("its MP4 could not be made, twice", remedy, "cloudflare could not make the video's MP4"))
            }
            _ => {
                let percent = download.percent.unwrap_or_default();
                Err(ProbeError::Preparing { message: format!("cloudflare is making the video's MP4: {percent:.0} %") })
            }
        }
    }

    async fn make(&self, path: &str) -> Result<Download, ProbeError> {
        let made: Downloads = self.call(Method::POST, path, Some(json!({}))).await?;
        let missing = || unreachable("cloudflare's answer names no download".to_owned());
        made.mp4().ok_or_else(missing)
    }

    fn first_time(&self, uid: &str) -> bool {
        let now = (self.now)();
        let mut all = self.asked_again.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, at| now - *at < ASKED_AGAIN);
        match all.entry(uid.to_owned()) {
            Entry::Vacant(place) => {
                place.insert(now);
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, ProbeError> {
        let StreamSettings { account_id, token, base, .. } = &self.settings;
        let base = base.as_str().trim_end_matches('/');
        let url = format!("{base}/client/v4/accounts/{account_id}/stream{path}");
        let mut request = self.client.request(method, url).bearer_auth(token.expose()).timeout(PATIENCE);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let away = |_| unreachable("cloudflare's API does not answer".to_owned());
        let mut answer = request.send().await.map_err(away)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(unreachable("cloudflare's answer is longer than 1 MiB".to_owned()));
            }
            bytes.extend_from_slice(&chunk);
        }
        let envelope: Envelope<T> = serde_json::from_slice(&bytes).unwrap_or_default();
        if let Some(result) = envelope.result.filter(|_| status.is_success() && envelope.success) {
            return Ok(result);
        }
        let said = envelope.errors.into_iter().next().map(|error| format!(": {} ({})", error.message, error.code));
        Err(refusal(status, &said.unwrap_or_default()))
    }
}

/// What a refusal of the API means.
fn refusal(status: StatusCode, said: &str) -> ProbeError {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => unreachable(format!(
            "cloudflare refuses this core's API token{said}; the operator gives CLOUDFLARE_API_TOKEN one that may edit Stream of \
             the account CLOUDFLARE_ACCOUNT_ID"
        )),
        StatusCode::NOT_FOUND => {
            let remedy = "check the uid after `cloudflare-stream:`; the video must be in the account of this core";
            not_public("404", remedy, &format!("cloudflare has no video with this uid{said}"))
        }
        StatusCode::TOO_MANY_REQUESTS => unreachable(format!("cloudflare's API is asked too often{said}")),
        status if status.is_client_error() => {
            let remedy = "enable downloads of the video in Cloudflare's dashboard, or give another video";
            let message = format!("cloudflare does not make the video fetchable{said}");
            not_public(status.as_str(), remedy, &message)
        }
        status => unreachable(format!("cloudflare's API answers {status}")),
    }
}

fn unreachable(message: String) -> ProbeError {
    ProbeError::Unreachable { message }
}

fn not_public(measured: &str, remedy: &str, message: &str) -> ProbeError {
    refused(VIDEO_NOT_PUBLIC, measured, "an MP4 that the platforms can fetch", remedy, message)
}

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Envelope<T> {
    result: Option<T>,
    #[serde(default)]
    success: bool,
    #[serde(default)]
    errors: Vec<Said>,
}

impl<T> Default for Envelope<T> {
    fn default() -> Self {
        Self { result: None, success: false, errors: Vec::new() }
    }
}

#[derive(Deserialize)]
struct Said {
    code: i64,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Video {
    #[serde(default, rename = "readyToStream")]
    is_ready: bool,
    #[serde(default, rename = "requireSignedURLs")]
    is_private: bool,
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    state: String,
    #[serde(default, rename = "pctComplete")]
    percent: Option<String>,
    /// Spelt both ways.
    #[serde(default, rename = "errorReasonText", alias = "errReasonText")]
    reason: Option<String>,
}

/// The downloads of a video: by kind, or the MP4 alone as older pages of the API have it.
#[derive(Deserialize)]
struct Downloads {
    #[serde(default)]
    default: Option<Download>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default, rename = "percentComplete")]
    percent: Option<f64>,
    #[serde(default)]
    url: Option<Url>,
}

impl Downloads {
    fn mp4(self) -> Option<Download> {
        let Self { default, status, percent, url } = self;
        default.or_else(|| Some(Download { status: status?, percent, url }))
    }
}

#[derive(Deserialize)]
struct Download {
    status: String,
    #[serde(default, rename = "percentComplete")]
    percent: Option<f64>,
    #[serde(default)]
    url: Option<Url>,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

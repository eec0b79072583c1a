//! Source videos: what stands behind a URL or was uploaded ([`files`]), and its bytes for the uploaders.
//!
//! Guaranteed:
//! - No request goes to an address that the rule of [`address`] forbids: the address is judged after name resolution,
//!   at the resolver of the very connection that is opened, and again after every redirect. There is no moment in which
//!   a name could be made to mean something else.
//! - A probe reads a few pieces of the file by range, never the whole, and works in bounded memory and time. Nothing in
//!   the file can make it panic or allocate by the file's word.
//! - A stream ([`Prober::open_stream`]) holds one chunk in memory and ends with an error unless every promised byte has
//!   come.
//! - Many posts of one video probe it once: results are shared for a short time, and concurrent probes of one URL are
//!   one probe.
//!
//! Expected failures are split by what one can do about them: [`ProbeError::Refused`] names a broken rule and stays
//! broken until someone changes the video or its URL; [`ProbeError::Unreachable`] may pass by itself.

mod address;
pub mod bucket;
mod cache;
mod cloudflare;
mod continued;
pub mod copying;
mod fetch;
mod file_error;
pub mod files;
mod inspect;
mod mp4;
pub mod outgoing;
mod picture;
pub mod pull;
mod remote;
mod samples;
mod source;
pub mod spool;
mod stream;
#[cfg(test)]
mod tests;
mod webm;

pub use cloudflare::{Access, Stream, StreamSettings, UnixTime};
pub use inspect::refuse_other_files;
pub use picture::THUMBNAIL_URL_FIELD;
pub use samples::SAMPLED_WHOLE;
pub use stream::{MediaStream, StreamError};

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use url::Url;

use crate::domain::{
    failure::{Failure, FailureClass, Reason},
    media::{Comparison, MediaFacts, VIDEO_CHANGED, VIDEO_PREPARING, VideoVersion, stream_uid},
    violation::{VIDEO_URL_FIELD, Violation},
};
use crate::http::{self, HttpSettings};

/// How media URLs are fetched.
#[derive(Clone, Debug)]
pub struct ProbeSettings {
    /// Opens loopback and private addresses and plain http (`AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS`). Link-local
    /// addresses and metadata services stay closed.
    pub allow_private_hosts: bool,
    /// TLS roots.
    pub http: HttpSettings,
    /// The longest a probe may take, once it has begun.
    pub probe_timeout: Duration,
    /// How long the result of a probe is used again for the same URL.
    pub cache_time: Duration,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            allow_private_hosts: false,
            http: HttpSettings::default(),
            probe_timeout: Duration::from_secs(30),
            cache_time: Duration::from_secs(60),
        }
    }
}

/// What a probe found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// What the file is.
    pub facts: MediaFacts,
    /// Where the redirects ended; the given URL if there were none.
    pub final_url: Url,
    /// The version of the file that was looked at, with what it is.
    pub version: VideoVersion,
    /// The host sends parts of the file when asked for them.
    pub supports_range: bool,
}

/// Why a video could not be looked at.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProbeError {
    /// A rule is broken; asking again does not help.
    #[error("{}", .0.message)]
    Refused(Box<Violation>),
    /// It is still being made, by Cloudflare; it will be there by itself.
    #[error("{message}")]
    Preparing {
        /// What is being made, and how far it is.
        message: String,
    },
    /// The host could not be reached or answered with an error of its own; it may work later.
    #[error("{message}")]
    Unreachable {
        /// What happened, naming the host but not the URL: it may be signed.
        message: String,
    },
}

/// The failure of a post for a video that cannot be read.
impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Self {
        match error {
            // Not the video's fault: the upload starts over with the new file.
            ProbeError::Refused(violation) if violation.rule == VIDEO_CHANGED => {
                Failure::new(FailureClass::Transient, Reason::VideoChanged, violation.message)
                    .with_rule(violation.rule)
                    .with_remedy(violation.remedy)
            }
            ProbeError::Refused(violation) => {
                let reason = match violation.rule {
                    "VIDEO_TOO_LARGE" => Reason::VideoTooLarge,
                    "VIDEO_FORMAT_INVALID" => Reason::VideoFormatInvalid,
                    _ => Reason::VideoNotPublic,
                };
                Failure::new(FailureClass::InvalidMedia, reason, violation.message)
                    .with_rule(violation.rule)
                    .with_remedy(violation.remedy)
            }
            ProbeError::Preparing { message } => {
                Failure::new(FailureClass::Transient, Reason::MediaUnreachable, message)
                    .with_rule(VIDEO_PREPARING)
                    .with_remedy("nothing to do: the post goes on when the video is there")
            }
            ProbeError::Unreachable { message } => {
                Failure::new(FailureClass::Transient, Reason::MediaUnreachable, message)
                    .with_remedy("make sure that the video's host answers; it is tried again")
            }
        }
    }
}

/// Probes that run at the same time; more wait.
const CONCURRENT_PROBES: usize = 64;

/// Of one host: one that hangs delays the probes of no other.
const PROBES_OF_A_HOST: usize = 8;

/// Looks at videos behind URLs and streams them. Made once, shared by all.
#[derive(Debug)]
pub struct Prober {
    fetcher: fetch::Fetcher,
    cache: cache::Cache<Result<Probe, ProbeError>>,
    /// Keeps nothing: it only lets those who ask at the same time share an answer.
    current: cache::Cache<Result<Probe, ProbeError>>,
    running: Semaphore,
    /// The hosts that are asked, with their places.
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    probe_timeout: Duration,
}

impl Prober {
    /// Sets up the guarded HTTP client. Reads the extra CA file, if one is set.
    pub fn new(settings: &ProbeSettings) -> Result<Self, http::Error> {
        Self::with_lookup(settings, Arc::new(fetch::system_lookup))
    }

    /// Knows videos of Cloudflare Stream too.
    #[must_use]
    pub fn with_stream(mut self, stream: Option<cloudflare::Stream>) -> Self {
        self.fetcher.stream = stream;
        self
    }

    /// Where a platform fetches the video by itself: the URL, or what it stands for now.
    pub async fn public_url(&self, url: &Url) -> Result<Url, ProbeError> {
        self.fetcher.public_address(url).await
    }

    /// The schemes that a video's URL may have.
    pub fn schemes(&self) -> Vec<&'static str> {
        self.fetcher.schemes()
    }

    /// Whether a copy of the video is kept although nobody asked for one.
    pub fn copies(&self, url: &str) -> bool {
        stream_uid(url).is_some() && self.fetcher.stream.as_ref().is_some_and(cloudflare::Stream::copies)
    }

    fn with_lookup(settings: &ProbeSettings, lookup: Arc<fetch::Lookup>) -> Result<Self, http::Error> {
        let tls = http::tls_config(&settings.http)?;
        Ok(Self {
            fetcher: fetch::Fetcher::new(&tls, settings.allow_private_hosts, lookup)?,
            cache: cache::Cache::new(settings.cache_time),
            current: cache::Cache::new(Duration::ZERO),
            running: Semaphore::new(CONCURRENT_PROBES),
            hosts: Mutex::default(),
            probe_timeout: settings.probe_timeout,
        })
    }

    /// Finds out what stands behind `url`: reachable, public, size, format, and what the file tells about itself.
    ///
    /// A good result less than a minute old is used again, so that a batch of posts asks once. Failures are shared by
    /// those who ask at the same time and not kept: who has repaired a URL wants to be believed at once.
    pub async fn probe(&self, url: &Url) -> Result<Probe, ProbeError> {
        self.cache.get(url.as_str(), Result::is_ok, || self.probe_now(url)).await
    }

    /// Like [`Self::probe`], but asks the host in any case: for the check right before publishing.
    pub async fn probe_again(&self, url: &Url) -> Result<Probe, ProbeError> {
        self.cache.forget(url.as_str());
        self.probe(url).await
    }

    /// Like [`Self::probe`], but of the file that stands behind `url` now: an earlier result counts only where the host
    /// names the version (strong `ETag`) and it is the same. Those who ask at the same time share the answer.
    pub async fn probe_current(&self, url: &Url) -> Result<Probe, ProbeError> {
        let look = || async {
            let name = url.as_str();
            if let Some(Ok(known)) = self.cache.kept(name) {
                let now = self.version_now(url).await;
                if now.is_ok_and(|now| now.compare(&known.version) == Comparison::Same) {
                    return Ok(known);
                }
                self.cache.forget(name);
            }
            self.probe(url).await
        };
        self.current.get(url.as_str(), |_| false, look).await
    }

    async fn probe_now(&self, url: &Url) -> Result<Probe, ProbeError> {
        let host = self.places_of(url);
        let _place_of_host = host.acquire().await.expect("the semaphore is never closed");
        let _place = self.running.acquire().await.expect("the semaphore is never closed");
        let probing = async {
            let mut file = remote::RemoteFile::open(&self.fetcher, url).await?;
            // By ranges, samples come first: the index is mostly within one of them. Without, they are taken as the file
            // is read from its front, and what is left of them afterwards.
            if file.supports_range() {
                file.sample().await?;
            }
            let facts = inspect::inspect(&mut file).await?;
            file.sample().await?;
            let remote::About { final_url, version, supports_range } = file.into_about();
            Ok(Probe { facts, final_url, version, supports_range })
        };
        tokio::time::timeout(self.probe_timeout, probing).await.unwrap_or_else(|_| {
            let message = format!("{} answers too slowly to look at the video", fetch::host(url));
            Err(ProbeError::Unreachable { message })
        })
    }

    /// The places of a URL's host. Those of hosts that nobody asks are forgotten.
    fn places_of(&self, url: &Url) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.retain(|_, places| Arc::strong_count(places) > 1);
        let places = hosts.entry(fetch::host(url)).or_insert_with(|| Arc::new(Semaphore::new(PROBES_OF_A_HOST)));
        places.clone()
    }

    /// Opens the bytes of the file, all or a part (end excluded), under the same guard as a probe.
    ///
    /// The stream's length is known before the first byte; a stream that ends early ends with an error.
    pub async fn open_stream(&self, url: &Url, range: Option<Range<u64>>) -> Result<MediaStream, ProbeError> {
        MediaStream::open(&self.fetcher, url, range).await
    }

    /// Like [`Self::open_stream`], but refuses if the file is surely not the `expected` version any more: for uploads
    /// in several parts, which must not mix two files. Where the host names no versions, [`Self::verify`] tells.
    pub async fn open_same(
        &self,
        url: &Url,
        range: Option<Range<u64>>,
        expected: &VideoVersion,
    ) -> Result<MediaStream, ProbeError> {
        let stream = self.open_stream(url, range).await?;
        match stream.version().compare(expected) {
            Comparison::Same | Comparison::Unproven => Ok(stream),
            Comparison::Different => Err(self.changed(url, stream.version(), expected)),
        }
    }

    /// Finds out whether the `expected` version still stands behind `url`: by the host's strong name for it, else by its
    /// bytes. Asked after the last byte was read, so that what was read before is of that version too.
    ///
    /// A host that cannot be asked is an error only where it names no versions: elsewhere [`Self::open_same`] has seen
    /// the name with every part.
    pub async fn verify(&self, url: &Url, expected: &VideoVersion) -> Result<(), ProbeError> {
        let now = match self.version_now(url).await {
            Ok(now) => now,
            Err(_) if expected.has_strong_name() => return Ok(()),
            Err(error) => return Err(error),
        };
        match now.compare(expected) {
            Comparison::Same => Ok(()),
            Comparison::Different => Err(self.changed(url, &now, expected)),
            Comparison::Unproven => {
                let now = self.probe_again(url).await?.version;
                let is_same = now.compare(expected) != Comparison::Different && now.identity == expected.identity;
                if is_same { Ok(()) } else { Err(self.changed(url, &now, expected)) }
            }
        }
    }

    /// What the host says of the file now.
    async fn version_now(&self, url: &Url) -> Result<VideoVersion, ProbeError> {
        Ok(self.fetcher.open(url, Some((0, Some(0)))).await?.version)
    }

    /// The error of bytes that are not those that were looked at.
    pub fn replaced(&self, url: &Url) -> ProbeError {
        self.cache.forget(url.as_str());
        replaced(url, "other bytes", "the bytes that were looked at")
    }

    fn changed(&self, url: &Url, now: &VideoVersion, expected: &VideoVersion) -> ProbeError {
        // What was found out before is of no use.
        self.cache.forget(url.as_str());
        let name = |version: &VideoVersion| {
            let etag = version.etag.as_deref().or(version.last_modified.as_deref()).unwrap_or("without a name");
            format!("{} bytes, version {etag}", version.size_bytes)
        };
        replaced(url, &name(now), &name(expected))
    }
}

/// The error of another file in the place of the one that was begun with.
fn replaced(url: &Url, measured: &str, limit: &str) -> ProbeError {
    let remedy = "keep the file behind a URL as it is until the post is published";
    refused(
        VIDEO_CHANGED,
        measured,
        limit,
        remedy,
        &format!("the video on {} was replaced by another", fetch::host(url)),
    )
}

/// A broken rule about the video's URL or file.
fn refused(rule: &'static str, measured: &str, limit: &str, remedy: &str, message: &str) -> ProbeError {
    ProbeError::Refused(Box::new(Violation {
        field: VIDEO_URL_FIELD,
        rule,
        measured: measured.to_owned(),
        limit: limit.to_owned(),
        remedy: remedy.to_owned(),
        message: message.to_owned(),
    }))
}

//! Source videos: what stands behind a URL, and its bytes for the uploaders.
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
mod cache;
mod fetch;
mod inspect;
mod mp4;
mod remote;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod webm;

pub use stream::{MediaStream, StreamError};

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use url::Url;

use crate::domain::media::{MediaFacts, Violation};
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
    /// The host's name for this version of the file, if it gives one.
    pub etag: Option<String>,
    /// The host sends parts of the file when asked for them.
    pub supports_range: bool,
}

/// Why a video could not be looked at.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProbeError {
    /// A rule is broken; asking again does not help.
    #[error("{}", .0.message)]
    Refused(Box<Violation>),
    /// The host could not be reached or answered with an error of its own; it may work later.
    #[error("{message}")]
    Unreachable {
        /// What happened, naming the host but not the URL: it may be signed.
        message: String,
    },
}

/// The field of requests that names the video.
pub const VIDEO_URL_FIELD: &str = "content.video_url";

/// Probes that run at the same time; more wait.
const CONCURRENT_PROBES: usize = 32;

/// Looks at videos behind URLs and streams them. Made once, shared by all.
#[derive(Debug)]
pub struct Prober {
    fetcher: fetch::Fetcher,
    cache: cache::Cache<Result<Probe, ProbeError>>,
    running: Semaphore,
    probe_timeout: Duration,
}

impl Prober {
    /// Sets up the guarded HTTP client. Reads the extra CA file, if one is set.
    pub fn new(settings: &ProbeSettings) -> Result<Self, http::Error> {
        Self::with_lookup(settings, Arc::new(fetch::system_lookup))
    }

    fn with_lookup(settings: &ProbeSettings, lookup: Arc<fetch::Lookup>) -> Result<Self, http::Error> {
        let tls = http::tls_config(&settings.http)?;
        Ok(Self {
            fetcher: fetch::Fetcher::new(&tls, settings.allow_private_hosts, lookup)?,
            cache: cache::Cache::new(settings.cache_time),
            running: Semaphore::new(CONCURRENT_PROBES),
            probe_timeout: settings.probe_timeout,
        })
    }

    /// Finds out what stands behind `url`: reachable, public, size, format, and what the file tells about itself.
    ///
    /// A result less than a minute old is used again, so that a batch of posts asks once; failures that may pass are
    /// not kept.
    pub async fn probe(&self, url: &Url) -> Result<Probe, ProbeError> {
        let is_kept = |result: &Result<Probe, ProbeError>| !matches!(result, Err(ProbeError::Unreachable { .. }));
        self.cache.get(url.as_str(), is_kept, || self.probe_now(url)).await
    }

    /// Like [`Self::probe`], but asks the host in any case: for the check right before publishing.
    pub async fn probe_again(&self, url: &Url) -> Result<Probe, ProbeError> {
        self.cache.forget(url.as_str());
        self.probe(url).await
    }

    async fn probe_now(&self, url: &Url) -> Result<Probe, ProbeError> {
        let _place = self.running.acquire().await.expect("the semaphore is never closed");
        let probing = async {
            let mut file = remote::RemoteFile::open(&self.fetcher, url).await?;
            let facts = inspect::inspect(&mut file).await?;
            let remote::About { final_url, etag, supports_range, .. } = file.into_about();
            Ok(Probe { facts, final_url, etag, supports_range })
        };
        tokio::time::timeout(self.probe_timeout, probing).await.unwrap_or_else(|_| {
            let message = format!("{} answers too slowly to look at the video", fetch::host(url));
            Err(ProbeError::Unreachable { message })
        })
    }

    /// Opens the bytes of the file, all or a part (end excluded), under the same guard as a probe.
    ///
    /// The stream's length is known before the first byte; a stream that ends early ends with an error.
    pub async fn open_stream(&self, url: &Url, range: Option<Range<u64>>) -> Result<MediaStream, ProbeError> {
        MediaStream::open(&self.fetcher, url, range).await
    }
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

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
mod cache;
mod fetch;
pub mod files;
mod inspect;
mod mp4;
pub mod pull;
mod remote;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod webm;

pub use inspect::refuse_other_files;
pub use stream::{MediaStream, StreamError};

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use url::Url;

use crate::domain::media::{MediaFacts, VIDEO_URL_FIELD, Violation};
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

impl Probe {
    /// What tells this version of the file from another under the same URL.
    pub fn version(&self) -> FileVersion {
        FileVersion { size_bytes: self.facts.size_bytes, etag: self.etag.clone() }
    }
}

/// What tells one version of a file from another under the same URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileVersion {
    /// Size of the whole file.
    pub size_bytes: u64,
    /// The host's name for the version, if it gives one.
    pub etag: Option<String>,
}

impl FileVersion {
    /// False if the two surely differ. Weak names (`W/"..."`) and missing ones prove nothing.
    pub fn may_be(&self, other: &Self) -> bool {
        let strong = |version: &Self| version.etag.clone().filter(|etag| !etag.starts_with("W/"));
        let names_differ = matches!((strong(self), strong(other)), (Some(one), Some(two)) if one != two);
        self.size_bytes == other.size_bytes && !names_differ
    }
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

    async fn probe_now(&self, url: &Url) -> Result<Probe, ProbeError> {
        let _place = self.running.acquire().await.expect("the semaphore is never closed");
        let probing = async {
            let mut file = remote::RemoteFile::open(&self.fetcher, url).await?;
            let facts = inspect::inspect(&mut file).await?;
            let remote::About { final_url, version, supports_range } = file.into_about();
            Ok(Probe { facts, final_url, etag: version.etag, supports_range })
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

    /// Like [`Self::open_stream`], but refuses if the file is surely not the `expected` version any more: for uploads
    /// in several parts, which must not mix two files.
    pub async fn open_same(
        &self,
        url: &Url,
        range: Option<Range<u64>>,
        expected: &FileVersion,
    ) -> Result<MediaStream, ProbeError> {
        let stream = self.open_stream(url, range).await?;
        if stream.version().may_be(expected) {
            return Ok(stream);
        }
        let name = |version: &FileVersion| {
            let etag = version.etag.as_deref().unwrap_or("no name");
            format!("{} bytes, version {etag}", version.size_bytes)
        };
        Err(refused(
            "VIDEO_CHANGED",
            &name(stream.version()),
            &name(expected),
            "keep the file behind a URL as it is until the post is published",
            &format!("the video on {} was replaced by another", fetch::host(url)),
        ))
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

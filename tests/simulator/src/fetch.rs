//! Fetching videos that a platform is given by URL.
//!
//! Guaranteed: bytes are hashed and scanned while they stream, never kept; redirects are not followed unless asked
//! for. Every failure is told apart, because the platforms answer differently.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::media::scan::{Probe, Scanner};

/// How to fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Largest size taken.
    pub(crate) max_bytes: u64,
    /// Real time for the whole download.
    pub(crate) timeout: Duration,
    /// How many redirects are followed.
    pub(crate) redirects: usize,
    /// Whether plain http is taken from loopback and private hosts (it never is from others).
    pub(crate) local_http: bool,
}

/// A complete download.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    pub(crate) byte_count: u64,
    /// Lower-case hex.
    pub(crate) sha256: String,
    pub(crate) content_type: Option<String>,
    /// What the file says about itself; `None` if it is no MP4 or MOV with a readable header.
    pub(crate) probe: Option<Probe>,
    /// Whether it begins like a WebM or Matroska file.
    pub(crate) webm: bool,
}

/// Why a download failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the URL is not acceptable: {0}")]
    BadUrl(String),
    #[error("the host cannot be reached: {0}")]
    Unreachable(String),
    #[error("the answer was {0}")]
    Status(u16),
    #[error("the answer was a redirect")]
    Redirected,
    #[error("the download broke after {0} bytes")]
    BrokenOff(u64),
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the download took too long")]
    TimedOut,
}

/// The HTTP client of all fetches.
pub(crate) struct Fetcher {
    client: reqwest::Client,
    /// Held once by each download from its beginning until what follows from it is done.
    at_work: Arc<()>,
}

/// A download of a platform's is under way as long as this is held.
pub(crate) struct AtWork(#[expect(dead_code, reason = "its holders are counted")] Arc<()>);

impl Fetcher {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Nothing outside of the machine is trusted: the simulator fetches from test hosts only.
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("TLS versions")?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(4)
            .build()
            .context("HTTP client")?;
        Ok(Fetcher { client, at_work: Arc::default() })
    }

    /// To be taken where a download is begun in the background, and kept until its end is noted.
    pub(crate) fn begin(&self) -> AtWork {
        AtWork(self.at_work.clone())
    }

    /// Whether a download is under way.
    pub(crate) fn is_at_work(&self) -> bool {
        Arc::strong_count(&self.at_work) > 1
    }

    /// Fetches a URL as a vendor's downloader would.
    pub(crate) async fn fetch(&self, address: &str, limits: Limits) -> Result<Fetched, FetchError> {
        tokio::time::timeout(limits.timeout, self.follow(address, limits)).await.unwrap_or(Err(FetchError::TimedOut))
    }

    /// A small text; `None` if there is none.
    pub(crate) async fn text(&self, url: url::Url, timeout: Duration, max_bytes: usize) -> Option<String> {
        let read = async {
            let mut answer = self.client.get(url).send().await.ok()?;
            if answer.status() != http::StatusCode::OK {
                return None;
            }
            let mut text = Vec::new();
            while let Some(piece) = answer.chunk().await.ok()? {
                text.extend_from_slice(&piece);
                if text.len() > max_bytes {
                    return None;
                }
            }
            String::from_utf8(text).ok()
        };
        tokio::time::timeout(timeout, read).await.ok().flatten()
    }

    async fn follow(&self, address: &str, limits: Limits) -> Result<Fetched, FetchError> {
        let mut url = checked(address, limits)?;
        let mut left = limits.redirects;
        loop {
            let answer = self
                .client
                .get(url.clone())
                .send()
                .await
                .map_err(|error| FetchError::Unreachable(error.without_url().to_string()))?;
            let status = answer.status();
            if status.is_redirection() {
                if left == 0 {
                    return Err(FetchError::Redirected);
                }
                left -= 1;
                let target = answer
                    .headers()
                    .get("location")
                    .and_then(|value| value.to_str().ok())
                    .and_then(|target| url.join(target).ok())
                    .ok_or(FetchError::Redirected)?;
                url = checked(target.as_str(), limits)?;
                continue;
            }
            if status != http::StatusCode::OK {
                return Err(FetchError::Status(status.as_u16()));
            }
            return receive(answer, limits).await;
        }
    }
}

async fn receive(mut answer: reqwest::Response, limits: Limits) -> Result<Fetched, FetchError> {
    let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
    if answer.content_length().is_some_and(|length| length > limits.max_bytes) {
        return Err(FetchError::TooLarge(limits.max_bytes));
    }
    let mut received = Received::default();
    loop {
        match answer.chunk().await {
            Ok(Some(piece)) => {
                received.push(&piece);
                if received.byte_count > limits.max_bytes {
                    return Err(FetchError::TooLarge(limits.max_bytes));
                }
            }
            Ok(None) => break,
            Err(_) => return Err(FetchError::BrokenOff(received.byte_count)),
        }
    }
    let webm = received.is_webm();
    let (byte_count, sha256, probe) = received.finish();
    Ok(Fetched { byte_count, sha256, content_type, probe, webm })
}

/// Counts, hashes and scans bytes in their order; for downloads and uploads alike. Cloning it is the way to go back
/// to the state before a chunk that broke off.
#[derive(Clone, Default)]
pub(crate) struct Received {
    pub(crate) byte_count: u64,
    hash: Sha256,
    scanner: Scanner,
    magic: Vec<u8>,
}

/// The first bytes of every EBML file.
const EBML: [u8; 4] = [0x1A, 0x45, 0xDF, 0xA3];

impl Received {
    pub(crate) fn push(&mut self, piece: &Bytes) {
        let missing = EBML.len().saturating_sub(self.magic.len());
        self.magic.extend(piece.iter().take(missing));
        self.byte_count += piece.len() as u64;
        self.hash.update(piece);
        self.scanner.push(piece);
    }

    /// Whether the bytes begin like a WebM or Matroska file.
    pub(crate) fn is_webm(&self) -> bool {
        self.magic == EBML
    }

    /// Byte count, lower-case hex SHA-256, and what the file says about itself.
    pub(crate) fn finish(self) -> (u64, String, Option<Probe>) {
        (self.byte_count, hex::encode(self.hash.finalize()), self.scanner.finish())
    }
}

fn checked(address: &str, limits: Limits) -> Result<url::Url, FetchError> {
    let bad = |what: &str| FetchError::BadUrl(what.to_owned());
    if !address.is_ascii() {
        return Err(bad("characters outside of US-ASCII"));
    }
    let url = url::Url::parse(address).map_err(|error| bad(&error.to_string()))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if limits.local_http && is_local(&url) => Ok(url),
        _ => Err(bad("not https")),
    }
}

/// Whether a URL points to loopback or a private network.
pub(crate) fn is_local(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || !name.contains('.'),
        Some(url::Host::Ipv4(ip)) => local_ip(IpAddr::V4(ip)),
        Some(url::Host::Ipv6(ip)) => local_ip(IpAddr::V6(ip)),
        None => false,
    }
}

fn local_ip(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    }
}

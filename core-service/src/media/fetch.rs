//! One guarded GET: scheme, host and address are checked before anything is sent, redirects are followed by hand and
//! checked the same way, and the answer is sorted into usable, refused and temporarily unreachable.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::StatusCode;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, LAST_MODIFIED, LOCATION, RANGE,
};
use url::{Host, Url};

use super::{
    ProbeError, address,
    cloudflare::{SCHEME, Stream},
    refused,
};
use crate::{
    domain::media::{VideoVersion, stream_uid},
    http,
};

/// Redirects that are followed for one request.
const MAX_REDIRECTS: usize = 5;

/// Name resolution: host name to addresses. Replaced in tests.
pub(super) type Lookup = dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync;

/// Asks the operating system.
pub(super) fn system_lookup(name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
}

/// Makes guarded requests.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: reqwest::Client,
    allow_private: bool,
    /// Where `cloudflare-stream:` leads.
    pub(super) stream: Option<Stream>,
}

/// An answer with a body to be read.
pub(super) struct Opened {
    /// The body is still unread.
    pub(super) response: reqwest::Response,
    /// Where the redirects ended.
    pub(super) url: Url,
    /// Position of the body's first byte in the file.
    pub(super) first: u64,
    /// The host sent the part that was asked for, not the whole.
    pub(super) is_partial: bool,
    /// What the answer says of the whole file.
    pub(super) version: VideoVersion,
}

/// The part of a file to ask for: first byte and, optionally, last byte.
pub(super) type Part = (u64, Option<u64>);

impl Fetcher {
    pub(super) fn new(
        tls: &Arc<rustls::ClientConfig>,
        allow_private: bool,
        lookup: Arc<Lookup>,
    ) -> Result<Self, http::Error> {
        let resolver = GuardedResolver { lookup, allow_private };
        Ok(Self { client: http::client_builder(tls).dns_resolver(resolver).build()?, allow_private, stream: None })
    }

    /// The address that a URL stands for.
    pub(super) async fn address(&self, url: &Url) -> Result<Url, ProbeError> {
        if url.scheme() != SCHEME {
            return Ok(url.clone());
        }
        let Some((stream, uid)) = self.stream_video(url) else {
            return Err(refused(
                "VIDEO_URL_INVALID",
                "a video of Cloudflare Stream",
                "an https URL",
                "let the operator set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN, or give the video's https URL",
                "this core has no account of Cloudflare Stream",
            ));
        };
        stream.address(uid).await
    }

    /// The address that a platform is given for a URL.
    pub(super) async fn public_address(&self, url: &Url) -> Result<Url, ProbeError> {
        match self.stream_video(url) {
            Some((stream, uid)) => stream.public_address(uid).await,
            None => self.address(url).await,
        }
    }

    /// The schemes that a video's URL may have.
    pub(super) fn schemes(&self) -> Vec<&'static str> {
        let http = self.allow_private.then_some("http");
        ["https"].into_iter().chain(http).chain(self.stream.as_ref().map(|_| SCHEME)).collect()
    }

    fn stream_video<'a>(&'a self, url: &'a Url) -> Option<(&'a Stream, &'a str)> {
        Some((self.stream.as_ref()?, stream_uid(url.as_str())?))
    }

    /// GETs `url`, or a part of it, following redirects. An address of Cloudflare that does not work any more is asked for
    /// anew, once.
    pub(super) async fn open(&self, url: &Url, part: Option<Part>) -> Result<Opened, ProbeError> {
        let opened = self.get(self.address(url).await?, part).await;
        match (opened, self.stream_video(url)) {
            (Err(ProbeError::Refused(_)), Some((stream, uid))) => {
                stream.forget(uid);
                self.get(stream.address(uid).await?, part).await
            }
            (opened, _) => opened,
        }
    }

    async fn get(&self, mut url: Url, part: Option<Part>) -> Result<Opened, ProbeError> {
        for _ in 0..=MAX_REDIRECTS {
            self.check_url(&url)?;
            let mut request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
            if let Some((first, last)) = part {
                let last = last.map(|last| last.to_string()).unwrap_or_default();
                request = request.header(RANGE, format!("bytes={first}-{last}"));
            }
            let response = request.send().await.map_err(|error| sort_error(&url, error))?;
            match response.status() {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => return opened(response, url, part),
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => url = redirect_target(&url, response.headers())?,
                status => return Err(sort_status(&url, status, response.headers())),
            }
        }
        Err(refused(
            "VIDEO_URL_REDIRECTS",
            &format!("more than {MAX_REDIRECTS} redirects"),
            &format!("{MAX_REDIRECTS} redirects"),
            "give the URL at which the redirects end",
            &format!("the video's URL redirects more than {MAX_REDIRECTS} times"),
        ))
    }

    /// What can be said about a URL without resolving its name. Literal addresses never reach the resolver, so they
    /// are judged here.
    fn check_url(&self, url: &Url) -> Result<(), ProbeError> {
        let scheme = url.scheme();
        if scheme != "https" && !(scheme == "http" && self.allow_private) {
            let limit = if self.allow_private { "http or https" } else { "https" };
            return Err(refused(
                "VIDEO_URL_INVALID",
                scheme,
                limit,
                "give an https URL",
                &format!("the video's URL uses {scheme}, allowed is {limit}"),
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(
                "VIDEO_URL_INVALID",
                "a user name or password in the URL",
                "a public URL",
                "give a URL that works without a login, for example a signed one",
                "the video's URL contains a user name or password",
            ));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => {
                return Err(refused(
                    "VIDEO_URL_INVALID",
                    "no host",
                    "an https URL",
                    "give an https URL",
                    "the video's URL has no host",
                ));
            }
        };
        match literal {
            Some(address) if !address::is_allowed(address, self.allow_private) => Err(private_address(&host(url))),
            _ => Ok(()),
        }
    }
}

/// The host of a URL, for messages: the rest of it may be signed.
pub(super) fn host(url: &Url) -> String {
    url.host_str().unwrap_or("the host").to_owned()
}

/// Resolves names for the connections of the client, and refuses a name of which any address is not allowed.
pub(super) struct GuardedResolver {
    pub(super) lookup: Arc<Lookup>,
    pub(super) allow_private: bool,
}

/// A name led to an address that may not be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public")]
pub(super) struct AddressRefused;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = (self.lookup)(name.as_str().to_owned());
        let allow_private = self.allow_private;
        Box::pin(async move {
            let addresses = addresses.await?;
            if !addresses.iter().all(|&address| address::is_allowed(address, allow_private)) {
                return Err(AddressRefused.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

fn private_address(host: &str) -> ProbeError {
    refused(
        "VIDEO_URL_PRIVATE",
        host,
        "a public address",
        "put the video where everybody can fetch it",
        &format!("{host} is not a public address"),
    )
}

fn redirect_target(url: &Url, headers: &HeaderMap) -> Result<Url, ProbeError> {
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    location.and_then(|location| url.join(location).ok()).ok_or_else(|| {
        refused(
            "VIDEO_NOT_PUBLIC",
            "a redirect to nowhere",
            "a video",
            "give the URL of the video file itself",
            &format!("{} redirects without saying where to", host(url)),
        )
    })
}

/// Makes sense of a usable answer: which bytes of how many.
fn opened(response: reqwest::Response, url: Url, part: Option<Part>) -> Result<Opened, ProbeError> {
    let headers = response.headers();
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes());
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity") && !encoding.is_empty()) {
        return Err(size_unknown(&url, "a compressed answer"));
    }
    let told = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (etag, last_modified) = (told(ETAG), told(LAST_MODIFIED));
    let of_size = |size_bytes| VideoVersion { size_bytes, etag, last_modified, identity: None };
    let content_length = response.content_length();
    if response.status() == StatusCode::OK {
        let total = content_length.ok_or_else(|| size_unknown(&url, "no Content-Length"))?;
        let version = of_size(total);
        return Ok(Opened { response, url, first: 0, is_partial: false, version });
    }
    let range = headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok()).and_then(content_range);
    let Some((first, last, total)) = range else {
        return Err(wrong_answer(&url, "a part of the file without a readable Content-Range"));
    };
    let total = total.ok_or_else(|| size_unknown(&url, "an unknown total in Content-Range"))?;
    let wanted = part.map_or(0, |(first, _)| first);
    if first != wanted || last < first || last >= total || content_length.is_some_and(|l| l != last - first + 1) {
        return Err(wrong_answer(&url, "another part of the file than was asked for"));
    }
    let version = of_size(total);
    Ok(Opened { response, url, first, is_partial: true, version })
}

/// `bytes 0-99/1000` or `bytes 0-99/*`; units are written in any case.
fn content_range(value: &str) -> Option<(u64, u64, Option<u64>)> {
    let (unit, range) = value.trim().split_once([' ', '\t', '='])?;
    let (range, total) = range.split_once('/').filter(|_| unit.eq_ignore_ascii_case("bytes"))?;
    let (first, last) = range.split_once('-')?;
    let total = total.trim();
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?, total))
}

fn size_unknown(url: &Url, measured: &str) -> ProbeError {
    refused(
        "VIDEO_SIZE_UNKNOWN",
        measured,
        "a Content-Length",
        "put the video on a host that tells the size of its files",
        &format!("{} does not tell the size of the video", host(url)),
    )
}

fn wrong_answer(url: &Url, what: &str) -> ProbeError {
    ProbeError::Unreachable { message: format!("{} sent {what}", host(url)) }
}

/// 4xx is the host's last word, except for those that ask to come again.
fn sort_status(url: &Url, status: StatusCode, headers: &HeaderMap) -> ProbeError {
    let is_passing = matches!(status.as_u16(), 408 | 421 | 423 | 425 | 429);
    if status == StatusCode::RANGE_NOT_SATISFIABLE
        && headers.get(CONTENT_RANGE).is_some_and(|range| range.as_bytes().eq_ignore_ascii_case(b"bytes */0"))
    {
        return refused(
            "VIDEO_EMPTY",
            "0 bytes",
            "a video",
            "upload the video again",
            "the file behind the URL is empty",
        );
    }
    if status.is_client_error() && !is_passing && status != StatusCode::RANGE_NOT_SATISFIABLE {
        return refused(
            "VIDEO_NOT_PUBLIC",
            &format!("HTTP {}", status.as_u16()),
            "HTTP 200",
            "give a URL that works without a login and has not expired",
            &format!("{} refuses the video with HTTP {}", host(url), status.as_u16()),
        );
    }
    ProbeError::Unreachable { message: format!("{} answered with HTTP {}", host(url), status.as_u16()) }
}

fn sort_error(url: &Url, error: reqwest::Error) -> ProbeError {
    let host = host(url);
    let error = error.without_url(); // a signed URL is a secret
    let mut cause: &dyn StdError = &error;
    loop {
        if cause.is::<AddressRefused>() {
            return private_address(&host);
        }
        match cause.source() {
            Some(source) => cause = source,
            None => break,
        }
    }
    let what = if error.is_timeout() { "timed out".to_owned() } else { cause.to_string() };
    ProbeError::Unreachable { message: format!("{host} cannot be reached: {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_content_ranges() {
        assert_eq!(content_range("bytes 0-99/1000"), Some((0, 99, Some(1000))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, 9, None)));
        for other in ["Bytes 0-99/1000", "BYTES  0-99/1000", "bytes 0 - 99 / 1000", "bytes=0-99/1000"] {
            assert_eq!(content_range(other), Some((0, 99, Some(1000))), "{other}");
        }
        for wrong in
            ["", "bytes */0", "bytes 1-2", "items 0-1/2", "bytes -1/2", "bytes 0-x/2", "bytes 0-1/99999999999999999999"]
        {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }
}

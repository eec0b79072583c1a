//! A file behind a URL, read in pieces. Samples of its bytes are kept on the way ([`Samples`]): they say what it is.
//!
//! Where the host sends ranges, each piece is a small request, with some bytes ahead of what was asked for. Where it
//! does not, its one answer is read from the front, as far as a probe may go. Requests and bytes are counted; beyond
//! the bounds the rest of the file is out of reach.

use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use url::Url;

use super::ProbeError;
use super::fetch::{Fetcher, Opened, host};
use super::samples::Samples;
use super::source::{MAX_READ, ReadError, Source};
use crate::domain::media::{Comparison, VideoVersion};

/// Bytes asked for at once.
const PIECE: u64 = 64 * 1024;

/// Range requests per file.
const MAX_REQUESTS: usize = 48;

/// Range requests after which, and the time after which, details are left out that would take many more.
const MANY_REQUESTS: usize = 24;
const LONG: Duration = Duration::from_secs(10);

/// Bytes read from the front of a file whose host does not send ranges.
const MAX_SEQUENTIAL: u64 = 32 * 1024 * 1024;

/// What is known of a file besides its content.
pub(super) struct About {
    pub(super) final_url: Url,
    pub(super) version: VideoVersion,
    pub(super) supports_range: bool,
}

/// The file, with a window of its bytes in memory.
pub(super) struct RemoteFile<'a> {
    fetcher: &'a Fetcher,
    about: About,
    /// The answer whose bytes follow the window, unless it was read to its end.
    response: Option<reqwest::Response>,
    window: BytesMut,
    window_start: u64,
    samples: Samples,
    requests: usize,
    begun: Instant,
}

impl<'a> RemoteFile<'a> {
    /// Makes the first request. The URL given is asked first, so a redirect is followed anew by each opening.
    pub(super) async fn open(fetcher: &'a Fetcher, url: &Url) -> Result<Self, ProbeError> {
        let opened = fetcher.open(url, Some((0, Some(PIECE - 1)))).await?;
        let Opened { response, url, is_partial, version, .. } = opened;
        Ok(Self {
            samples: Samples::new(version.size_bytes),
            fetcher,
            about: About { final_url: url, version, supports_range: is_partial },
            response: Some(response),
            window: BytesMut::new(),
            window_start: 0,
            requests: 1,
            begun: Instant::now(),
        })
    }

    /// What was found out besides the content; `version` says what the file is, as far as it was sampled.
    pub(super) fn into_about(mut self) -> About {
        self.about.version.identity = self.samples.identity();
        self.about
    }

    pub(super) fn supports_range(&self) -> bool {
        self.about.supports_range
    }

    /// Reads what is missing of the samples. A large file on a host without ranges is left as it is.
    pub(super) async fn sample(&mut self) -> Result<(), ProbeError> {
        if !self.about.supports_range && self.about.version.size_bytes > MAX_SEQUENTIAL {
            return Ok(());
        }
        while let Some((at, length)) = self.samples.missing() {
            match self.read(at, length).await {
                Ok(_) => {}
                Err(ReadError::OutOfReach) => break,
                Err(ReadError::Failed(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn window_end(&self) -> u64 {
        self.window_start + self.window.len() as u64
    }

    /// Drops what lies before `at` and, where a jump is cheaper than reading on, asks for the piece at `at`.
    async fn move_to(&mut self, at: u64) -> Result<(), ReadError> {
        let behind = at < self.window_start;
        let far = at > self.window_end() && (self.response.is_none() || self.about.supports_range);
        if behind || far || (self.response.is_none() && at == self.window_end()) {
            return self.request(at).await;
        }
        while at > self.window_end() {
            if self.response.is_none() {
                return Err(self.broken().into());
            }
            self.window_start = self.window_end();
            self.window.clear();
            self.more().await?;
        }
        self.window.advance((at - self.window_start) as usize);
        self.window_start = at;
        Ok(())
    }

    async fn request(&mut self, at: u64) -> Result<(), ReadError> {
        if !self.about.supports_range || self.requests >= MAX_REQUESTS {
            return Err(ReadError::OutOfReach);
        }
        self.requests += 1;
        let last = (at + PIECE).min(self.about.version.size_bytes) - 1;
        let opened = self.fetcher.open(&self.about.final_url, Some((at, Some(last)))).await?;
        let is_other = opened.version.compare(&self.about.version) == Comparison::Different;
        if is_other || !opened.is_partial {
            return Err(self.changed().into());
        }
        self.response = Some(opened.response);
        self.window.clear();
        self.window_start = at;
        Ok(())
    }

    /// Appends the next chunk of the answer; at its end there is no answer any more.
    async fn more(&mut self) -> Result<(), ReadError> {
        if !self.about.supports_range && self.window_end() > MAX_SEQUENTIAL {
            return Err(ReadError::OutOfReach);
        }
        let Some(response) = &mut self.response else { return Ok(()) };
        match response.chunk().await {
            Ok(Some(chunk)) => {
                self.samples.offer(self.window_start + self.window.len() as u64, &chunk);
                self.window.extend_from_slice(&chunk);
            }
            Ok(None) => self.response = None,
            Err(_) => return Err(self.broken().into()),
        }
        Ok(())
    }

    fn changed(&self) -> ProbeError {
        let message = format!("the video changed while it was looked at on {}", host(&self.about.final_url));
        ProbeError::Unreachable { message }
    }

    fn broken(&self) -> ProbeError {
        let message = format!("{} broke off in the middle of the video", host(&self.about.final_url));
        ProbeError::Unreachable { message }
    }
}

impl Source for RemoteFile<'_> {
    fn size(&self) -> u64 {
        self.about.version.size_bytes
    }

    fn may_go_on(&self) -> bool {
        self.requests < MANY_REQUESTS && self.begun.elapsed() < LONG
    }

    async fn read(&mut self, at: u64, length: usize) -> Result<Bytes, ReadError> {
        debug_assert!(length <= MAX_READ, "{length} bytes at once");
        if at >= self.about.version.size_bytes {
            return Ok(Bytes::new());
        }
        let wanted = usize::try_from(self.about.version.size_bytes - at).unwrap_or(usize::MAX).min(length);
        if let Some(bytes) = self.samples.get(at, wanted) {
            return Ok(bytes);
        }
        self.move_to(at).await?;
        while self.window.len() < wanted {
            if self.response.is_none() {
                if !self.about.supports_range {
                    return Err(self.broken().into());
                }
                // The piece ends inside what is wanted: fetch anew from here. A host that sends ever shorter pieces
                // runs into the bound on requests.
                self.request(at).await?;
            }
            self.more().await?;
        }
        Ok(Bytes::copy_from_slice(&self.window[..wanted]))
    }
}

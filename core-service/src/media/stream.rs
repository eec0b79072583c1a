//! The bytes of a video, for the uploaders: one chunk in memory, and an error in place of a quiet end when the host
//! sends less than it promised (a truncated file must never become a broken post).

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use url::Url;

use super::fetch::{Fetcher, host};
use super::{ProbeError, refused};
use crate::domain::media::VideoVersion;

/// Why a stream ended before its last byte. Nothing is known about the bytes behind `received`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the video's source ended after {received} of {expected} bytes{}", cause.as_deref().map(|c| format!(": {c}")).unwrap_or_default())]
pub struct StreamError {
    /// Bytes that came.
    pub received: u64,
    /// Bytes that were promised.
    pub expected: u64,
    /// What broke, if it was more than a quiet end.
    pub cause: Option<String>,
}

/// The bytes of a file or of a part of it. Yields exactly [`Self::length`] bytes, or an error.
pub struct MediaStream {
    body: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    /// Bytes of the body that lie before the part.
    to_skip: u64,
    length: u64,
    received: u64,
    version: VideoVersion,
    is_part: bool,
    is_done: bool,
}

impl MediaStream {
    pub(super) async fn open(fetcher: &Fetcher, url: &Url, range: Option<Range<u64>>) -> Result<Self, ProbeError> {
        if range.as_ref().is_some_and(|range| range.is_empty()) {
            return Err(out_of_file(url, range.as_ref(), None));
        }
        // The whole is asked for as a part too: some hosts tell the size of a file to nobody else.
        let part = range.as_ref().map_or((0, None), |range| (range.start, Some(range.end - 1)));
        let opened = fetcher.open(url, Some(part)).await?;
        let wanted = range.clone().unwrap_or(0..opened.version.size_bytes);
        if wanted.end > opened.version.size_bytes {
            return Err(out_of_file(&opened.url, range.as_ref(), Some(opened.version.size_bytes)));
        }
        Ok(Self {
            // Equal, unless the host ignored the range and sends the file from its start.
            to_skip: wanted.start - opened.first,
            length: wanted.end - wanted.start,
            received: 0,
            version: opened.version,
            is_part: opened.is_partial,
            is_done: false,
            body: Box::pin(opened.response.bytes_stream()),
        })
    }

    /// Whether the host sends the part that was asked for, and not the whole file whatever is asked.
    pub fn is_part(&self) -> bool {
        self.is_part
    }

    /// Bytes that this stream yields.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What the host says of the whole file that the bytes are of.
    pub fn version(&self) -> &VideoVersion {
        &self.version
    }

    fn end(&mut self, cause: Option<String>) -> Option<Result<Bytes, StreamError>> {
        self.is_done = true;
        let (received, expected) = (self.received, self.length);
        (received < expected).then_some(Err(StreamError { received, expected, cause }))
    }
}

impl std::fmt::Debug for MediaStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MediaStream").field("length", &self.length).field("received", &self.received).finish()
    }
}

impl Stream for MediaStream {
    type Item = Result<Bytes, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.is_done || self.received == self.length {
                self.is_done = true;
                return Poll::Ready(None);
            }
            let mut chunk = match self.body.poll_next_unpin(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(self.end(None)),
                Poll::Ready(Some(Err(error))) => {
                    let cause = root_cause(&error.without_url());
                    return Poll::Ready(self.end(Some(cause)));
                }
                Poll::Ready(Some(Ok(chunk))) => chunk,
            };
            let skipped = self.to_skip.min(chunk.len() as u64);
            self.to_skip -= skipped;
            let _ = chunk.split_to(skipped as usize);
            let room = self.length - self.received;
            chunk.truncate(usize::try_from(room).unwrap_or(usize::MAX));
            if !chunk.is_empty() {
                self.received += chunk.len() as u64;
                return Poll::Ready(Some(Ok(chunk)));
            }
        }
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn out_of_file(url: &Url, range: Option<&Range<u64>>, total: Option<u64>) -> ProbeError {
    let range = range.map(|range| format!("bytes {} to {}", range.start, range.end)).unwrap_or_default();
    let total = total.map_or_else(|| "at least one byte".to_owned(), |total| format!("{total} bytes"));
    refused(
        "VIDEO_TRUNCATED",
        &total,
        &range,
        "upload the video again",
        &format!("the video on {} has {total}, {range} were asked for", host(url)),
    )
}

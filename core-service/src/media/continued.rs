//! A file from its source, as a whole: when the source breaks off, the rest is asked for as a range.
//!
//! Guaranteed: the parts are of one version. That is known only where the host names versions by a strong `ETag`; elsewhere, and
//! where it sends no ranges, the first break is the end.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use url::Url;

use super::{MediaStream, Prober, StreamError};
use crate::domain::media::Comparison;

/// Waits after breaks without any byte in between; then the break is the end.
const WAITS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// A file that is being read.
struct Reading<'a> {
    prober: &'a Prober,
    url: Url,
    part: MediaStream,
    received: u64,
    /// Breaks since the last byte.
    broken: usize,
}

impl Prober {
    /// The bytes of a file from `offset` on, of which `part` was opened at `url`: the whole, or all that lies behind `offset`.
    pub fn continued(
        &self,
        url: Url,
        part: MediaStream,
        offset: u64,
    ) -> impl Stream<Item = Result<Bytes, StreamError>> + Send + '_ {
        let (version, size) = (part.version().clone(), offset + part.length());
        let reading = Reading { prober: self, url, part, received: offset, broken: 0 };
        stream::try_unfold(reading, move |mut reading| {
            let version = version.clone();
            async move {
                loop {
                    let error = match reading.part.next().await {
                        None => return Ok(None),
                        Some(Ok(bytes)) => {
                            reading.received += bytes.len() as u64;
                            reading.broken = 0;
                            return Ok(Some((bytes, reading)));
                        }
                        Some(Err(error)) => StreamError { received: reading.received, expected: size, ..error },
                    };
                    reading.part = loop {
                        let Some(wait) = WAITS.get(reading.broken).filter(|_| version.has_strong_name()) else {
                            return Err(error);
                        };
                        reading.broken += 1;
                        tokio::time::sleep(*wait).await;
                        let rest = Some(reading.received..size);
                        if let Ok(part) = reading.prober.open_stream(&reading.url, rest).await {
                            if !part.is_part() || part.version().compare(&version) != Comparison::Same {
                                return Err(error);
                            }
                            break part;
                        }
                    };
                }
            }
        })
    }
}

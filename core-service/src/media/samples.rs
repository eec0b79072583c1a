//! What a file is, by its bytes: its size and a hash of samples of them. The same file behind two links has one identity,
//! two files behind one link have two.
//!
//! The samples lie at the front, in the middle and at the end, wherever the host and whatever the format: which bytes
//! count depends on the size alone. So they hold the index of a film whose index stands first or last, and pictures from
//! three places. Small files are sampled whole.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

use super::source::{MAX_READ, ReadError, Source};

/// Bytes of a sample.
const SAMPLE: u64 = 64 * 1024;

/// How the identity of a file begins of which all samples were taken.
pub const SAMPLED_WHOLE: &str = "file:";

/// How that of a file begins of which only the front was within reach.
const SAMPLED_FRONT: &str = "front:";

/// The samples of one file, filled as its bytes come by.
pub(super) struct Samples {
    size: u64,
    parts: Vec<Part>,
}

struct Part {
    range: Range<u64>,
    bytes: BytesMut,
}

impl Part {
    /// The next byte that it needs.
    fn next(&self) -> u64 {
        self.range.start + self.bytes.len() as u64
    }
}

/// The bytes that count of a file of this size, in order.
fn ranges(size: u64) -> Vec<Range<u64>> {
    if size <= 3 * SAMPLE {
        return std::iter::once(0..size).collect();
    }
    let middle = (size - SAMPLE) / 2;
    vec![0..SAMPLE, middle..middle + SAMPLE, size - SAMPLE..size]
}

impl Samples {
    /// None taken yet of a file of this size.
    pub(super) fn new(size: u64) -> Self {
        let parts = ranges(size).into_iter().map(|range| Part { range, bytes: BytesMut::new() });
        Self { size, parts: parts.collect() }
    }

    /// Takes what it needs of these bytes, which stand at `at` in the file.
    pub(super) fn offer(&mut self, at: u64, bytes: &[u8]) {
        let end = at + bytes.len() as u64;
        for part in &mut self.parts {
            let from = part.next();
            let to = part.range.end.min(end);
            if (at..end).contains(&from) && from < to {
                part.bytes.extend_from_slice(&bytes[(from - at) as usize..(to - at) as usize]);
            }
        }
    }

    /// These bytes of the file, where a sample holds all of them.
    pub(super) fn get(&self, at: u64, length: usize) -> Option<Bytes> {
        let end = at.checked_add(length as u64)?;
        let part = self.parts.iter().find(|part| part.range.start <= at && end <= part.next())?;
        let first = (at - part.range.start) as usize;
        Some(Bytes::copy_from_slice(&part.bytes[first..first + length]))
    }

    /// The next byte to be read, and how many at once; `None` when all samples are complete.
    pub(super) fn missing(&self) -> Option<(u64, usize)> {
        let part = self.parts.iter().find(|part| part.next() < part.range.end)?;
        let length = usize::try_from(part.range.end - part.next()).unwrap_or(usize::MAX).min(MAX_READ);
        Some((part.next(), length))
    }

    /// What the file is. Where its end was out of reach (a large file on a host without ranges), as far as its front
    /// tells; `None` when not even that was read.
    pub(super) fn identity(&self) -> Option<String> {
        let complete: Vec<&Part> = self.parts.iter().take_while(|part| part.next() == part.range.end).collect();
        let (kind, of) = match complete.len() {
            0 => return None,
            all if all == self.parts.len() => (SAMPLED_WHOLE, complete.as_slice()),
            _ => (SAMPLED_FRONT, &complete[..1]),
        };
        let mut hash = Sha256::new();
        for part in of {
            hash.update(&part.bytes);
        }
        Some(format!("{kind}{}:{}", self.size, hex::encode(&hash.finalize()[..16])))
    }
}

/// What a file that can be read everywhere is.
pub(super) async fn identify<S: Source>(file: &mut S) -> Result<Option<String>, ReadError> {
    let mut samples = Samples::new(file.size());
    while let Some((at, length)) = samples.missing() {
        let bytes = file.read(at, length).await?;
        if bytes.is_empty() {
            return Err(ReadError::OutOfReach);
        }
        samples.offer(at, &bytes);
    }
    Ok(samples.identity())
}

#[cfg(test)]
mod tests {
    use super::{super::source::tests::Memory, *};

    fn film(size: usize) -> Vec<u8> {
        (0..size).map(|index| u8::try_from(index * 7 % 251).unwrap()).collect()
    }

    async fn of(bytes: Vec<u8>) -> String {
        identify(&mut Memory::new(bytes)).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn files_of_equal_size_differ_by_front_middle_and_end() {
        for size in [1, 1000, 3 * SAMPLE as usize, 3 * SAMPLE as usize + 1, 5_000_000] {
            let one = of(film(size)).await;
            assert_eq!(one, of(film(size)).await);
            assert!(one.starts_with(&format!("file:{size}:")), "{one}");
            for changed in [0, size / 2, size - 1] {
                let mut other = film(size);
                other[changed] ^= 1;
                assert_ne!(one, of(other).await, "byte {changed} of {size}");
            }
            assert_ne!(one, of(film(size + 1)).await);
        }
    }

    #[tokio::test]
    async fn pieces_of_any_length_make_the_same_samples() {
        let film = film(700_000);
        let whole = of(film.clone()).await;
        for piece in [1000, SAMPLE as usize, 300_001, 700_000] {
            let mut samples = Samples::new(film.len() as u64);
            for (number, bytes) in film.chunks(piece).enumerate() {
                samples.offer((number * piece) as u64, bytes);
            }
            assert_eq!((samples.identity(), samples.missing()), (Some(whole.clone()), None), "{piece}");
            assert_eq!(samples.get(699_990, 10).unwrap(), film[699_990..]);
            assert_eq!(samples.get(200_000, 10), None, "no sample lies there");
        }
    }

    #[test]
    fn what_only_the_front_tells_is_told_apart() {
        let film = film(700_000);
        let mut samples = Samples::new(film.len() as u64);
        assert_eq!(samples.identity(), None);
        samples.offer(0, &film[..100_000]);
        assert!(samples.identity().unwrap().starts_with("front:700000:"));
        assert_eq!(samples.missing().unwrap().0, (700_000 - SAMPLE) / 2);
    }
}

//! The boxes of a file by their headers, wherever they stand.
//!
//! Guaranteed: of a file no more than [`MAX_BOXES`] headers are read, and of a box no more than [`MAX_TABLE`] bytes.

use bytes::{Bytes, BytesMut};

use super::boxes::{array_at, u32_at};
use crate::media::source::{MAX_READ, ReadError, Source};

/// The most boxes looked at in one file.
pub(super) const MAX_BOXES: usize = 4_000;

/// The longest `moof`, list of segments or list of fragments that is read.
const MAX_TABLE: u64 = 256 * 1024;

/// What makes the file useless.
#[derive(Debug, PartialEq)]
pub(in crate::media) enum Defect {
    /// No `moov` box in the whole file.
    NoIndex,
    /// An index, and nothing that it could point to.
    NoPictures,
    /// So many boxes without an index that none is to be expected.
    OnlyFilling { boxes: usize },
    /// A box reaches to `end`, the file does not.
    Truncated { end: u64 },
    /// The boxes make no sense at this position.
    Malformed { at: u64 },
}

/// The header of a box.
pub(super) struct Header {
    pub(super) kind: [u8; 4],
    pub(super) body: u64,
    pub(super) end: u64,
}

/// How far a walk has come.
#[derive(Default)]
pub(super) struct Walk {
    looked_at: usize,
}

impl Walk {
    /// What is wrong with a file of which so many boxes were looked at in vain.
    pub(super) fn exhausted(&self) -> Option<Defect> {
        (self.looked_at >= MAX_BOXES).then_some(Defect::OnlyFilling { boxes: self.looked_at })
    }

    /// The header at `at`; `None` if there is none.
    pub(super) async fn header<S: Source>(&mut self, file: &mut S, at: u64) -> Result<Option<Header>, ReadError> {
        self.looked_at += 1;
        let bytes = file.read(at, 16).await?;
        let (Some(size), Some(kind)) = (u32_at(&bytes, 0), array_at(&bytes, 4)) else { return Ok(None) };
        let (header_length, size) = match size {
            0 => (8, file.size() - at),
            1 => match array_at(&bytes, 8) {
                Some(size) => (16, u64::from_be_bytes(size)),
                None => return Ok(None),
            },
            size => (8, u64::from(size)),
        };
        let end = at.checked_add(size).filter(|_| size >= header_length);
        Ok(end.map(|end| Header { kind, body: at + header_length, end }))
    }

    /// The body of a box of moderate size.
    pub(super) async fn table<S: Source>(&self, file: &mut S, header: &Header) -> Result<Option<Bytes>, ReadError> {
        if header.end - header.body > MAX_TABLE {
            return Ok(None);
        }
        let mut body = BytesMut::new();
        let mut at = header.body;
        while at < header.end {
            let length = usize::try_from(header.end - at).unwrap_or(MAX_READ).min(MAX_READ);
            let piece = file.read(at, length).await?;
            if piece.is_empty() {
                return Ok(None);
            }
            at += piece.len() as u64;
            body.extend_from_slice(&piece);
        }
        Ok(Some(body.freeze()))
    }
}

/// Whether a box of this kind stands beside the index.
pub(super) fn is_known_at_top_level(kind: &[u8; 4]) -> bool {
    matches!(
        kind,
        b"mdat" | b"moof" | b"moov" | b"free" | b"skip" | b"wide" | b"uuid" | b"meta" | b"mfra" | b"sidx" | b"udta"
    )
}

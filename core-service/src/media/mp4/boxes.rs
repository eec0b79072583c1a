//! Boxes and numbers in bytes that are in memory already.

use mp4_atom::Atom;

/// The body of a box; `None` for one that cannot be read.
pub(super) fn decoded<A: Atom>(mut body: &[u8]) -> Option<A> {
    A::decode_body(&mut body).ok()
}

/// The boxes one behind the other in `bytes`, as kind and body, up to the first that is none.
pub(super) fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (size, kind) = (u32_at(bytes, 0)?, array_at(bytes, 4)?);
        let size = if size == 0 { bytes.len() } else { usize::try_from(size).ok()? };
        let body = bytes.get(8..size)?;
        bytes = &bytes[size..];
        Some((kind, body))
    })
}

/// The first of these boxes that is of this kind.
pub(super) fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes).find(|(found, _)| found == kind).map(|(_, body)| body)
}

pub(super) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_be_bytes)
}

/// Zero and all ones both mean that the writer did not know.
pub(super) fn known_duration(duration: u64) -> Option<u64> {
    (duration != 0 && duration != u64::from(u32::MAX) && duration != u64::MAX).then_some(duration)
}

pub(super) fn milliseconds(duration: u64, timescale: u32) -> Option<u64> {
    let milliseconds = (u128::from(duration) * 1000).checked_div(u128::from(timescale))?;
    u64::try_from(milliseconds).ok()
}

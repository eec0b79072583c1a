//! The first sample description of a track: how its samples are coded.

use bytes::Bytes;
use mp4_atom::Esds;

use super::boxes::{child, decoded};
use crate::domain::media::VideoCodec;

/// Length of the fields of a visual sample entry, behind which its boxes stand.
pub(super) const VISUAL_FIELDS: usize = 78;

/// The first sample description.
pub(super) struct Entry {
    pub(super) kind: [u8; 4],
    pub(super) body: Bytes,
    /// Version of the table that it stands in.
    pub(super) table_version: u8,
}

/// How pictures are coded, by their sample description.
pub(super) fn codec(entry: &Entry) -> VideoCodec {
    match &entry.kind {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dva1" | b"dvav" => VideoCodec::H264,
        b"hvc1" | b"hev1" | b"hvc2" | b"hev2" | b"dvh1" | b"dvhe" => VideoCodec::H265,
        b"vp08" => VideoCodec::Vp8,
        b"vp09" => VideoCodec::Vp9,
        b"av01" => VideoCodec::Av1,
        b"mp4v" if object_type(entry) == Some(0x20) => VideoCodec::Other("mpeg4".to_owned()),
        other => VideoCodec::Other(printable(other)),
    }
}

/// What MPEG-4's own description says of a `mp4v`: <https://mp4ra.org/registered-types/object-types>.
pub(super) fn object_type(entry: &Entry) -> Option<u8> {
    let esds: Esds = decoded(child(entry.body.get(VISUAL_FIELDS..)?, b"esds")?)?;
    Some(esds.es_desc.dec_config.object_type_indication)
}

/// The four characters of a kind, as far as they can be shown.
pub(super) fn printable(kind: &[u8; 4]) -> String {
    let text: String = kind.iter().map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '?' }).collect();
    text.trim_end_matches('?').to_owned()
}

//! What a sample description tells of sound: in MP4, and in the three versions that QuickTime has.
//!
//! <https://developer.apple.com/documentation/quicktime-file-format/sound_sample_descriptions>

use mp4_atom::Esds;

use super::{
    boxes::{array_at, child, decoded, u32_at},
    entry::{Entry, printable},
};
use crate::domain::media::AudioFacts;

/// Length of the fields that every version has; more follow in versions 1 and 2 of QuickTime.
const FIELDS: usize = 28;

/// What is read from a description.
struct Described<'a> {
    channels: Option<u32>,
    rate: Option<u32>,
    /// The boxes behind the fields.
    boxes: &'a [u8],
}

/// What a track's sample description says of its sound. The track's own clock runs at the sample rate where that is more
/// than the description's 16 bits hold.
pub(super) fn describe(entry: Option<&Entry>, timescale: u32) -> AudioFacts {
    let clock = Some(timescale).filter(|&timescale| timescale > 0);
    let Some(entry) = entry else {
        return AudioFacts { codec: "unknown".to_owned(), sample_rate_hz: None, channels: None };
    };
    let described = read(entry);
    let channels = described.as_ref().and_then(|described| described.channels).filter(|&channels| channels > 0);
    let rate = described.as_ref().and_then(|described| described.rate).filter(|&rate| rate > 0);
    AudioFacts {
        codec: codec(entry, described.map_or(&[], |described| described.boxes)),
        sample_rate_hz: rate.or(clock),
        channels: channels.and_then(|channels| u16::try_from(channels).ok()),
    }
}

fn read(entry: &Entry) -> Option<Described<'_>> {
    let body = &entry.body[..];
    let version = u16::from_be_bytes(array_at(body, 8)?);
    let channels = Some(u32::from(u16::from_be_bytes(array_at(body, 16)?)));
    // A fixed-point number: 16 bits before the point.
    let rate = Some(u32_at(body, 24)? >> 16);
    let behind = |length: usize| body.get(FIELDS + length..).unwrap_or_default();
    Some(match version {
        // In tables of version 1, which only MP4 has, it means something else: the rate may stand in a box.
        1 if entry.table_version == 1 => {
            let rate = child(behind(0), b"srat").and_then(|body| u32_at(body, 4)).or(rate);
            Described { channels, rate, boxes: behind(0) }
        }
        1 => Described { channels, rate, boxes: behind(16) },
        2 => Described {
            channels: u32_at(body, 40),
            rate: array_at(body, 32).map(f64::from_be_bytes).filter(|rate| (1.0..4e9).contains(rate)).map(|r| r as u32),
            boxes: behind(36),
        },
        _ => Described { channels, rate, boxes: behind(0) },
    })
}

fn codec(entry: &Entry, boxes: &[u8]) -> String {
    let name = match &entry.kind {
        b"mp4a" => match object_type(boxes) {
            Some(0x40 | 0x66..=0x68) => "aac",
            Some(0x69 | 0x6b) => "mp3",
            _ => "mp4a",
        },
        b"Opus" => "opus",
        b"fLaC" => "flac",
        b".mp3" | b"ms\0\x55" => "mp3",
        b"ac-3" => "ac3",
        b"ec-3" => "eac3",
        other => return printable(other),
    };
    name.to_owned()
}

/// MPEG-4's description of the sound; QuickTime wraps it in a box of its own.
fn object_type(boxes: &[u8]) -> Option<u8> {
    let esds = child(boxes, b"esds").or_else(|| child(child(boxes, b"wave")?, b"esds"))?;
    Some(decoded::<Esds>(esds)?.es_desc.dec_config.object_type_indication)
}

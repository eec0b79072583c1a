//! Reads what a WebM file tells about itself from its EBML elements.
//!
//! Only the head of the file is read: everything of interest stands before the first cluster of pictures. The walk
//! moves forward only and is bounded. Elements and their meaning: <https://www.rfc-editor.org/rfc/rfc9559>.
//!
//! Expected failures: the file is Matroska but not WebM, reaches beyond its own end (a truncated copy), or has parts that
//! reach beyond the part around them (a damaged one).

use super::source::{ReadError, Source};
use crate::domain::media::{AudioFacts, VideoCodec};

/// The most elements looked at in one file.
const MAX_ELEMENTS: usize = 4_000;

/// The most tracks kept; later ones are ignored.
const MAX_TRACKS: usize = 64;

/// The longest value of interest, in bytes.
const MAX_VALUE: usize = 64;

/// What the file tells.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Head {
    pub(super) doc_type: String,
    pub(super) duration_ms: Option<u64>,
    pub(super) has_tracks: bool,
    pub(super) video: Option<Video>,
    pub(super) audio: Option<AudioFacts>,
    /// The file says that it reaches to here.
    pub(super) end: Option<u64>,
    /// The walk ended early: what is missing is unknown, not absent.
    pub(super) is_partial: bool,
}

/// What makes the file useless.
#[derive(Debug, PartialEq)]
pub(super) enum Defect {
    /// The element at `at` reaches to `end`, what it stands in does not.
    BeyondEnd { at: u64, end: u64 },
}

/// The first picture track.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Video {
    pub(super) codec: Option<VideoCodec>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) frame_rate_millis: Option<u32>,
}

/// Walks the head of a file. `Err` only when the file could not be fetched.
pub(super) async fn read<S: Source>(file: &mut S) -> Result<Result<Head, Defect>, ReadError> {
    let mut walk = Walk::default();
    match walk.elements(file).await {
        Ok(Some(defect)) => Ok(Err(defect)),
        Ok(None) => Ok(Ok(walk.head(false))),
        Err(ReadError::OutOfReach) => {
            // Half a list of tracks may lack what counts.
            walk.tracks.clear();
            Ok(Ok(walk.head(true)))
        }
        Err(failed) => Err(failed),
    }
}

mod id {
    pub(super) const EBML: u32 = 0x1A45_DFA3;
    pub(super) const DOC_TYPE: u32 = 0x4282;
    pub(super) const SEGMENT: u32 = 0x1853_8067;
    pub(super) const CLUSTER: u32 = 0x1F43_B675;
    pub(super) const INFO: u32 = 0x1549_A966;
    pub(super) const TIMESTAMP_SCALE: u32 = 0x002A_D7B1;
    pub(super) const DURATION: u32 = 0x4489;
    pub(super) const TRACKS: u32 = 0x1654_AE6B;
    pub(super) const TRACK_ENTRY: u32 = 0xAE;
    pub(super) const TRACK_TYPE: u32 = 0x83;
    pub(super) const CODEC_ID: u32 = 0x86;
    pub(super) const DEFAULT_DURATION: u32 = 0x0023_E383;
    pub(super) const VIDEO: u32 = 0xE0;
    pub(super) const PIXEL_WIDTH: u32 = 0xB0;
    pub(super) const PIXEL_HEIGHT: u32 = 0xBA;
    pub(super) const AUDIO: u32 = 0xE1;
    pub(super) const SAMPLING_FREQUENCY: u32 = 0xB5;
    pub(super) const CHANNELS: u32 = 0x9F;
}

#[derive(Default)]
struct Walk {
    doc_type: String,
    end: Option<u64>,
    timestamp_scale: Option<u64>,
    duration: Option<f64>,
    tracks: Vec<Track>,
}

#[derive(Default)]
struct Track {
    kind: Option<u64>,
    codec: String,
    frame_nanoseconds: Option<u64>,
    width: Option<u64>,
    height: Option<u64>,
    sampling_frequency: Option<f64>,
    channels: Option<u64>,
}

impl Walk {
    /// Elements that hold elements are entered, all others stepped over; a value belongs to the last track begun.
    async fn elements<S: Source>(&mut self, file: &mut S) -> Result<Option<Defect>, ReadError> {
        let mut at = 0;
        // Where the elements end that were entered.
        let mut ends = vec![file.size()];
        for _ in 0..MAX_ELEMENTS {
            while ends.len() > 1 && ends.last().is_some_and(|&end| at >= end) {
                ends.pop();
            }
            let head = file.read(at, 12).await?;
            let Some((id, id_length)) = element_id(&head) else { return Ok(None) };
            let Some((size, size_length)) = element_size(&head[id_length..]) else { return Ok(None) };
            let body = at + (id_length + size_length) as u64;
            let end = size.map(|size| body.saturating_add(size));
            let around = ends.last().copied().unwrap_or(file.size());
            match (id, end) {
                (id::CLUSTER, _) => return Ok(None),
                // A file that was cut off is told by its segment.
                (id::SEGMENT, end) => self.end = end,
                (_, Some(end)) if end > around => return Ok(Some(Defect::BeyondEnd { at, end })),
                _ => {}
            }
            at = match id {
                id::EBML | id::SEGMENT | id::INFO | id::TRACKS | id::VIDEO | id::AUDIO => body,
                id::TRACK_ENTRY if self.tracks.len() < MAX_TRACKS => {
                    self.tracks.push(Track::default());
                    body
                }
                _ => {
                    let (Some(size), Some(end)) = (size, end) else { return Ok(None) };
                    if is_value(id) && size <= MAX_VALUE as u64 {
                        let value = file.read(body, size as usize).await?;
                        self.value(id, &value);
                    }
                    end
                }
            };
            if at == body {
                ends.push(end.unwrap_or(around).min(around));
            }
        }
        Ok(None)
    }

    fn value(&mut self, id: u32, value: &[u8]) {
        match id {
            id::DOC_TYPE => self.doc_type = text(value),
            id::TIMESTAMP_SCALE => self.timestamp_scale = unsigned(value),
            id::DURATION => self.duration = float(value),
            _ => {
                let Some(track) = self.tracks.last_mut() else { return };
                match id {
                    id::TRACK_TYPE => track.kind = unsigned(value),
                    id::CODEC_ID => track.codec = text(value),
                    id::DEFAULT_DURATION => track.frame_nanoseconds = unsigned(value),
                    id::PIXEL_WIDTH => track.width = unsigned(value),
                    id::PIXEL_HEIGHT => track.height = unsigned(value),
                    id::SAMPLING_FREQUENCY => track.sampling_frequency = float(value),
                    id::CHANNELS => track.channels = unsigned(value),
                    _ => {}
                }
            }
        }
    }

    fn head(self, is_partial: bool) -> Head {
        let video = self.tracks.iter().find(|track| track.kind == Some(1));
        let audio = self.tracks.iter().find(|track| track.kind == Some(2));
        // The duration counts ticks of `timestamp_scale` nanoseconds, a million unless said otherwise.
        let milliseconds = self.duration.map(|ticks| ticks * self.timestamp_scale.unwrap_or(1_000_000) as f64 / 1e6);
        Head {
            doc_type: self.doc_type,
            duration_ms: milliseconds.filter(|&ms| (1.0..1e15).contains(&ms)).map(|ms| ms.round() as u64),
            has_tracks: !self.tracks.is_empty(),
            video: video.map(Track::video),
            audio: audio.map(Track::audio),
            end: self.end,
            is_partial,
        }
    }
}

impl Track {
    fn video(&self) -> Video {
        let pixels = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok()).filter(|&value| value > 0);
        let rate = self.frame_nanoseconds.and_then(|each| 1_000_000_000_000u64.checked_div(each));
        Video {
            codec: Some(match self.codec.as_str() {
                "V_VP8" => VideoCodec::Vp8,
                "V_VP9" => VideoCodec::Vp9,
                "V_AV1" => VideoCodec::Av1,
                "V_MPEG4/ISO/AVC" => VideoCodec::H264,
                "V_MPEGH/ISO/HEVC" => VideoCodec::H265,
                other => VideoCodec::Other(other.to_owned()),
            })
            .filter(|_| !self.codec.is_empty()),
            width: pixels(self.width),
            height: pixels(self.height),
            frame_rate_millis: pixels(rate),
        }
    }

    fn audio(&self) -> AudioFacts {
        let rate = self.sampling_frequency.filter(|rate| (1.0..4e9).contains(rate)).map(|rate| rate.round() as u32);
        AudioFacts {
            codec: match self.codec.as_str() {
                "A_OPUS" => "opus".to_owned(),
                "A_VORBIS" => "vorbis".to_owned(),
                other => other.to_owned(),
            },
            sample_rate_hz: rate,
            channels: self.channels.and_then(|channels| u16::try_from(channels).ok()),
        }
    }
}

fn is_value(id: u32) -> bool {
    matches!(
        id,
        id::DOC_TYPE
            | id::TIMESTAMP_SCALE
            | id::DURATION
            | id::TRACK_TYPE
            | id::CODEC_ID
            | id::DEFAULT_DURATION
            | id::PIXEL_WIDTH
            | id::PIXEL_HEIGHT
            | id::SAMPLING_FREQUENCY
            | id::CHANNELS
    )
}

/// An element's id with its marker bit, and its length: up to four bytes.
fn element_id(bytes: &[u8]) -> Option<(u32, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    let id = bytes.get(..length).filter(|_| length <= 4)?;
    Some((id.iter().fold(0, |id, &byte| id << 8 | u32::from(byte)), length))
}

/// An element's size (`None` for "unknown") and the length of the field: up to eight bytes.
fn element_size(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    let field = bytes.get(..length).filter(|_| length <= 8)?;
    let all = field.iter().fold(0u64, |size, &byte| size << 8 | u64::from(byte));
    let most = (1u64 << (7 * length)) - 1;
    let size = all & most;
    Some(((size != most).then_some(size), length))
}

fn unsigned(value: &[u8]) -> Option<u64> {
    (value.len() <= 8).then(|| value.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

fn float(value: &[u8]) -> Option<f64> {
    match value.len() {
        4 => Some(f64::from(f32::from_be_bytes(value.try_into().ok()?))),
        8 => Some(f64::from_be_bytes(value.try_into().ok()?)),
        _ => None,
    }
}

fn text(value: &[u8]) -> String {
    let text = value.iter().take_while(|&&byte| byte != 0).filter(|byte| byte.is_ascii_graphic());
    text.map(|&byte| char::from(byte)).collect()
}

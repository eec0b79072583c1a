//! Reads what a MP4 or QuickTime file tells about itself from its boxes.
//!
//! The box tree is walked by headers; tables of samples are skipped, so the cost does not grow with the length of the
//! video, wherever the index (`moov`) stands. The few boxes of interest are decoded with `mp4-atom`. Numbers in the
//! file are believed only as far as the file is long; the walk always moves forward and is bounded.
//!
//! Expected failures: no index, nothing but an index, or boxes that reach beyond the end of the file (a truncated copy).

use bytes::Bytes;
use mp4_atom::{Atom, Audio, Decode, Mdhd, Mp4a, Mvhd, Tkhd, Trex, Visual};

use super::source::{MAX_READ, ReadError, Source};
use crate::domain::media::{AudioFacts, VideoCodec};

/// The most boxes looked at in one file.
const MAX_BOXES: usize = 4_000;

/// Boxes looked at behind the index, to find out whether the file is whole.
const MAX_BOXES_BEHIND_INDEX: usize = 8;

/// The most tracks kept; later ones are ignored.
const MAX_TRACKS: usize = 64;

/// What the file tells.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Movie {
    pub(super) moov_first: Option<bool>,
    pub(super) duration_ms: Option<u64>,
    pub(super) has_tracks: bool,
    pub(super) video: Option<Video>,
    pub(super) audio: Option<AudioFacts>,
    /// The walk ended early: what is missing is unknown, not absent.
    pub(super) is_partial: bool,
}

/// The first picture track.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Video {
    pub(super) codec: Option<VideoCodec>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) frame_rate_millis: Option<u32>,
}

/// What makes the file useless.
#[derive(Debug, PartialEq)]
pub(super) enum Defect {
    /// No `moov` box in the whole file.
    NoIndex,
    /// An index, and nothing that it could point to.
    NoPictures,
    /// A box reaches to `end`, the file does not.
    Truncated { end: u64 },
    /// The boxes make no sense at this position.
    Malformed { at: u64 },
}

/// Walks the boxes of a file. `Err` only when the file could not be fetched.
pub(super) async fn read<S: Source>(file: &mut S) -> Result<Result<Movie, Defect>, ReadError> {
    let mut walk = Walk::default();
    match walk.top_level(file).await {
        Ok(Some(defect)) => Ok(Err(defect)),
        Ok(None) => Ok(Ok(walk.movie(false))),
        Err(ReadError::OutOfReach) => Ok(Ok(walk.movie(true))),
        Err(failed) => Err(failed),
    }
}

#[derive(Default)]
struct Walk {
    boxes: usize,
    moov_first: Option<bool>,
    movie_duration: Option<u64>,
    movie_timescale: u32,
    fragment_duration: Option<u64>,
    tracks: Vec<Track>,
    defaults: Vec<Trex>,
}

#[derive(Default)]
struct Track {
    end: u64,
    id: u32,
    handler: Option<[u8; 4]>,
    is_rotated: bool,
    size: Option<(u32, u32)>,
    timescale: u32,
    duration: Option<u64>,
    entry: Option<Entry>,
    samples: Option<u32>,
}

struct Entry {
    kind: [u8; 4],
    body: Bytes,
}

struct Header {
    kind: [u8; 4],
    body: u64,
    end: u64,
}

impl Walk {
    async fn top_level<S: Source>(&mut self, file: &mut S) -> Result<Option<Defect>, ReadError> {
        let (mut at, mut seen_pictures, mut behind) = (0, false, 0);
        while at < file.size() && behind < MAX_BOXES_BEHIND_INDEX {
            let Some(header) = self.header(file, at).await? else {
                // Garbage behind a complete movie harms nobody.
                let defect = Defect::Malformed { at };
                return Ok((self.moov_first.is_none() || !seen_pictures).then_some(defect));
            };
            if self.moov_first.is_some() {
                behind += 1;
                if !is_known_at_top_level(&header.kind) {
                    return Ok(None);
                }
            }
            if header.end > file.size() {
                return Ok(Some(Defect::Truncated { end: header.end }));
            }
            match &header.kind {
                b"mdat" | b"moof" => seen_pictures = true,
                b"moov" if self.moov_first.is_none() => {
                    self.moov_first = Some(!seen_pictures);
                    if let Some(defect) = self.index(file, &header).await? {
                        return Ok(Some(defect));
                    }
                }
                _ => {}
            }
            at = header.end;
        }
        Ok(match self.moov_first {
            None => Some(Defect::NoIndex),
            Some(_) if !seen_pictures && at >= file.size() => Some(Defect::NoPictures),
            Some(_) => None,
        })
    }

    /// Walks everything in the index in file order. Boxes that hold boxes are entered, all others stepped over, so no
    /// stack is needed: a box belongs to the last track begun before it.
    async fn index<S: Source>(&mut self, file: &mut S, moov: &Header) -> Result<Option<Defect>, ReadError> {
        let mut at = moov.body;
        while at + 8 <= moov.end {
            let Some(header) = self.header(file, at).await?.filter(|header| header.end <= moov.end) else {
                // Padding behind the last track is common enough; without any track the index is worth nothing.
                return Ok(self.tracks.is_empty().then_some(Defect::Malformed { at }));
            };
            at = match &header.kind {
                b"trak" if self.tracks.len() < MAX_TRACKS => {
                    self.tracks.push(Track { end: header.end, ..Track::default() });
                    header.body
                }
                b"mdia" | b"minf" | b"stbl" | b"mvex" => header.body,
                b"mvhd" | b"mehd" | b"trex" | b"tkhd" | b"mdhd" | b"hdlr" | b"stsd" | b"stsz" | b"stz2" => {
                    let length = usize::try_from(header.end - header.body).unwrap_or(usize::MAX).min(MAX_READ);
                    let body = file.read(header.body, length).await?;
                    self.leaf(&header, &body);
                    header.end
                }
                _ => header.end,
            };
        }
        Ok(None)
    }

    /// The header at `at`; `None` if there is none or the bounds of the walk are reached.
    async fn header<S: Source>(&mut self, file: &mut S, at: u64) -> Result<Option<Header>, ReadError> {
        self.boxes += 1;
        if self.boxes > MAX_BOXES {
            return Err(ReadError::OutOfReach);
        }
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

    fn leaf(&mut self, header: &Header, mut body: &[u8]) {
        match &header.kind {
            b"mvhd" => {
                if let Ok(mvhd) = Mvhd::decode_body(&mut body) {
                    self.movie_timescale = mvhd.timescale;
                    self.movie_duration = known_duration(mvhd.duration);
                }
            }
            b"mehd" => {
                if let Ok(mehd) = mp4_atom::Mehd::decode_body(&mut body) {
                    self.fragment_duration = known_duration(mehd.fragment_duration);
                }
            }
            b"trex" => {
                if let (Ok(trex), true) = (Trex::decode_body(&mut body), self.defaults.len() < MAX_TRACKS) {
                    self.defaults.push(trex);
                }
            }
            _ => {
                if let Some(track) = self.tracks.last_mut().filter(|track| header.end <= track.end) {
                    track.leaf(&header.kind, body);
                }
            }
        }
    }

    fn movie(self, is_partial: bool) -> Movie {
        let video = self.tracks.iter().find(|track| track.handler == Some(*b"vide"));
        let audio = self.tracks.iter().find(|track| track.handler == Some(*b"soun"));
        let movie_duration = self.movie_duration.or(self.fragment_duration);
        let duration_ms = movie_duration.and_then(|duration| milliseconds(duration, self.movie_timescale));
        let track_duration = video.and_then(|track| milliseconds(track.duration?, track.timescale));
        Movie {
            moov_first: self.moov_first,
            duration_ms: duration_ms.or(track_duration),
            has_tracks: !self.tracks.is_empty(),
            video: video.map(|track| track.video(self.defaults.iter().find(|trex| trex.track_id == track.id))),
            audio: audio.map(Track::audio),
            is_partial,
        }
    }
}

impl Track {
    fn leaf(&mut self, kind: &[u8; 4], mut body: &[u8]) {
        match kind {
            b"tkhd" => {
                if let Ok(tkhd) = Tkhd::decode_body(&mut body) {
                    self.id = tkhd.track_id;
                    self.is_rotated = tkhd.matrix.a == 0 && tkhd.matrix.d == 0 && tkhd.matrix.b != 0;
                    self.size = pixels(tkhd.width.integer(), tkhd.height.integer());
                }
            }
            b"mdhd" => {
                if let Ok(mdhd) = Mdhd::decode_body(&mut body) {
                    self.timescale = mdhd.timescale;
                    self.duration = known_duration(mdhd.duration);
                }
            }
            // QuickTime has a second one for its data handler; the first is the media's.
            b"hdlr" if self.handler.is_none() => self.handler = array_at(body, 8),
            b"stsd" if self.entry.is_none() => {
                if let (Some(size), Some(kind)) = (u32_at(body, 8), array_at(body, 12)) {
                    let end = body.len().min(8usize.saturating_add(size as usize));
                    let body = Bytes::copy_from_slice(body.get(16..end).unwrap_or_default());
                    self.entry = Some(Entry { kind, body });
                }
            }
            // Both hold: version and flags, sample size, number of samples.
            b"stsz" | b"stz2" => self.samples = u32_at(body, 8),
            _ => {}
        }
    }

    fn video(&self, defaults: Option<&Trex>) -> Video {
        let coded = self.entry.as_ref().and_then(|entry| Visual::decode(&mut &entry.body[..]).ok());
        let size = coded.and_then(|visual| pixels(visual.width, visual.height)).or(self.size);
        let (width, height) = size.map_or((None, None), |(width, height)| (Some(width), Some(height)));
        let (width, height) = if self.is_rotated { (height, width) } else { (width, height) };
        let counted = self.samples.filter(|&samples| samples > 0).and_then(|samples| {
            let duration = self.duration.filter(|&duration| duration > 0)?;
            u32::try_from(u128::from(samples) * u128::from(self.timescale) * 1000 / u128::from(duration)).ok()
        });
        let by_default = || {
            let each = defaults.map(|trex| trex.default_sample_duration).filter(|&each| each > 0)?;
            u32::try_from(u64::from(self.timescale) * 1000 / u64::from(each)).ok()
        };
        Video {
            codec: self.entry.as_ref().map(|entry| codec(&entry.kind)),
            width,
            height,
            frame_rate_millis: counted.or_else(by_default).filter(|&rate| rate > 0),
        }
    }

    fn audio(&self) -> AudioFacts {
        let Some(entry) = &self.entry else {
            return AudioFacts { codec: "unknown".to_owned(), sample_rate_hz: None, channels: None };
        };
        let sample = Audio::decode(&mut &entry.body[..]).ok();
        // The field holds 16 bits; for more the track's own clock runs at the sample rate.
        let rate = sample.as_ref().map(|audio| u32::from(audio.sample_rate.integer())).filter(|&rate| rate > 0);
        AudioFacts {
            codec: audio_codec(entry),
            sample_rate_hz: rate.or(Some(self.timescale).filter(|&scale| scale > 0)),
            channels: sample.map(|audio| audio.channel_count).filter(|&channels| channels > 0),
        }
    }
}

fn is_known_at_top_level(kind: &[u8; 4]) -> bool {
    matches!(
        kind,
        b"mdat" | b"moof" | b"moov" | b"free" | b"skip" | b"wide" | b"uuid" | b"meta" | b"mfra" | b"sidx" | b"udta"
    )
}

fn codec(kind: &[u8; 4]) -> VideoCodec {
    match kind {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dva1" | b"dvav" => VideoCodec::H264,
        b"hvc1" | b"hev1" | b"hvc2" | b"hev2" | b"dvh1" | b"dvhe" => VideoCodec::H265,
        b"vp08" => VideoCodec::Vp8,
        b"vp09" => VideoCodec::Vp9,
        b"av01" => VideoCodec::Av1,
        other => VideoCodec::Other(printable(other)),
    }
}

fn audio_codec(entry: &Entry) -> String {
    match &entry.kind {
        b"mp4a" => match Mp4a::decode_body(&mut &entry.body[..]) {
            Ok(mp4a) if matches!(mp4a.esds.es_desc.dec_config.object_type_indication, 0x69 | 0x6b) => "mp3".to_owned(),
            _ => "aac".to_owned(),
        },
        b"Opus" => "opus".to_owned(),
        b"fLaC" => "flac".to_owned(),
        b".mp3" => "mp3".to_owned(),
        b"ac-3" => "ac3".to_owned(),
        b"ec-3" => "eac3".to_owned(),
        other => printable(other),
    }
}

fn printable(kind: &[u8; 4]) -> String {
    let text: String = kind.iter().map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '?' }).collect();
    text.trim_end_matches('?').to_owned()
}

/// Zero and all ones both mean that the writer did not know.
fn known_duration(duration: u64) -> Option<u64> {
    (duration != 0 && duration != u64::from(u32::MAX) && duration != u64::MAX).then_some(duration)
}

fn milliseconds(duration: u64, timescale: u32) -> Option<u64> {
    let milliseconds = (u128::from(duration) * 1000).checked_div(u128::from(timescale))?;
    u64::try_from(milliseconds).ok()
}

fn pixels(width: u16, height: u16) -> Option<(u32, u32)> {
    (width > 0 && height > 0).then_some((u32::from(width), u32::from(height)))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_be_bytes)
}

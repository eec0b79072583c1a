//! One track of the index: what its boxes tell, and which of several counts.

use bytes::Bytes;
use mp4_atom::{Decode, Elst, Mdhd, Tkhd, Visual};

use super::{
    boxes::{array_at, decoded, known_duration, u32_at},
    entry::{Entry, codec, object_type},
    picture, sound,
};
use crate::domain::media::{AudioFacts, PictureFacts, VideoCodec};

/// An edit list that takes away, or delays by, no more than this only lines up sound and picture.
const TRIMMED_MS: u128 = 500;

/// The boxes of a track that [`Track::leaf`] takes.
pub(super) fn is_of_interest(kind: &[u8; 4]) -> bool {
    matches!(kind, b"tkhd" | b"mdhd" | b"hdlr" | b"stsd" | b"stsz" | b"stz2" | b"stss" | b"sgpd" | b"elst")
}

#[derive(Default)]
pub(super) struct Track {
    pub(super) end: u64,
    pub(super) id: u32,
    pub(super) timescale: u32,
    pub(super) duration: Option<u64>,
    handler: Option<[u8; 4]>,
    is_enabled: bool,
    is_rotated: bool,
    size: Option<(u32, u32)>,
    entry: Option<Entry>,
    pub(super) samples: Option<u32>,
    /// It lists the samples at which a decoder may begin.
    has_sync_table: bool,
    /// It lists samples at which a decoder may begin although pictures before them are needed.
    has_open_points: bool,
    edits: Option<Elst>,
}

/// The film: the first picture track that is no cover.
#[derive(Debug, Default, PartialEq)]
pub(in crate::media) struct Video {
    pub(in crate::media) codec: Option<VideoCodec>,
    pub(in crate::media) width: Option<u32>,
    pub(in crate::media) height: Option<u32>,
    pub(in crate::media) frame_rate_millis: Option<u32>,
    pub(in crate::media) picture: PictureFacts,
}

/// The film among the picture tracks: enabled rather than not, moving rather than not, then the first. Covers are none.
pub(super) fn film(tracks: &[Track]) -> Option<&Track> {
    let films = tracks.iter().filter(|track| track.handler == Some(*b"vide") && !track.is_cover());
    films.min_by_key(|track| (!track.is_enabled, track.samples == Some(1)))
}

/// The first enabled track of a kind, or the first.
pub(super) fn first_enabled(tracks: &[Track], handler: [u8; 4]) -> Option<&Track> {
    tracks.iter().filter(|track| track.handler == Some(handler)).min_by_key(|track| !track.is_enabled)
}

impl Track {
    /// One whose box reaches to `end`.
    pub(super) fn new(end: u64) -> Self {
        Self { end, ..Self::default() }
    }

    pub(super) fn leaf(&mut self, kind: &[u8; 4], body: &[u8]) {
        match kind {
            b"tkhd" => {
                if let Some(tkhd) = decoded::<Tkhd>(body) {
                    self.id = tkhd.track_id;
                    self.is_enabled = tkhd.enabled;
                    self.is_rotated = tkhd.matrix.a == 0 && tkhd.matrix.d == 0 && tkhd.matrix.b != 0;
                    self.size = pixels(tkhd.width.integer(), tkhd.height.integer());
                }
            }
            b"mdhd" => {
                if let Some(mdhd) = decoded::<Mdhd>(body) {
                    self.timescale = mdhd.timescale;
                    self.duration = known_duration(mdhd.duration);
                }
            }
            // QuickTime has a second one for its data handler; the first is the media's.
            b"hdlr" if self.handler.is_none() => self.handler = array_at(body, 8),
            b"stsd" if self.entry.is_none() => {
                if let (Some(size), Some(kind)) = (u32_at(body, 8), array_at(body, 12)) {
                    let end = body.len().min(8usize.saturating_add(size as usize));
                    let table_version = body[0];
                    let body = Bytes::copy_from_slice(body.get(16..end).unwrap_or_default());
                    self.entry = Some(Entry { kind, body, table_version });
                }
            }
            // Both hold: version and flags, sample size, number of samples.
            b"stsz" | b"stz2" => self.samples = u32_at(body, 8),
            b"stss" => self.has_sync_table = true,
            b"sgpd" => self.has_open_points |= array_at(body, 4) == Some(*b"rap "),
            b"elst" if self.edits.is_none() => self.edits = decoded(body),
            _ => {}
        }
    }

    /// A still picture in a codec for those: album art, a preview.
    fn is_cover(&self) -> bool {
        let Some(entry) = &self.entry else { return false };
        let is_still = match &entry.kind {
            b"jpeg" | b"png " | b"gif " | b"tiff" | b"WRLE" => true,
            b"mp4v" => matches!(object_type(entry), Some(0x6c..=0x6e)),
            _ => false,
        };
        is_still && self.samples.is_none_or(|samples| samples <= 1)
    }

    /// How long it is shown by its edit list, in the movie's clock.
    pub(super) fn presented(&self) -> Option<u64> {
        let edits = &self.edits.as_ref()?.entries;
        edits.iter().try_fold(0u64, |sum, edit| sum.checked_add(edit.segment_duration)).and_then(known_duration)
    }

    /// Whether its edit list shows something else than the track from its beginning to its end. Platforms may not follow
    /// it, and show what was cut away.
    fn is_edited(&self, movie_timescale: u32) -> Option<bool> {
        let Some(edits) = self.edits.as_ref().filter(|edits| !edits.entries.is_empty()) else { return Some(false) };
        let ms = |duration: u64, timescale: u32| (u128::from(duration) * 1000).checked_div(u128::from(timescale));
        let (empty, shown): (Vec<_>, Vec<_>) = edits.entries.iter().partition(|edit| edit.media_time.is_none());
        let [only] = shown.as_slice() else { return Some(true) };
        let delay = ms(empty.iter().fold(0, |sum, edit| sum.saturating_add(edit.segment_duration)), movie_timescale)?;
        // A fragmented file does not know its length when it writes its list, and says zero.
        let shown_ms = known_duration(only.segment_duration).map(|duration| ms(duration, movie_timescale));
        let cut = match (shown_ms, self.duration) {
            (Some(shown), Some(all)) => ms(all, self.timescale)?.saturating_sub(shown?),
            _ => ms(only.media_time.unwrap_or(0), self.timescale)?,
        };
        Some(delay > TRIMMED_MS || cut > TRIMMED_MS || (only.media_rate.integer(), only.media_rate.decimal()) != (1, 0))
    }

    /// Frames per 1000 seconds, by the samples that the index lists.
    pub(super) fn frame_rate_millis(&self) -> Option<u32> {
        let samples = self.samples.filter(|&samples| samples > 0)?;
        let duration = self.duration.filter(|&duration| duration > 0)?;
        let rate = u128::from(samples) * u128::from(self.timescale) * 1000 / u128::from(duration);
        u32::try_from(rate).ok().filter(|&rate| rate > 0)
    }

    /// The film, without its frame rate.
    pub(super) fn video(&self, movie_timescale: u32) -> Video {
        let coded = self.entry.as_ref().and_then(|entry| Visual::decode(&mut &entry.body[..]).ok());
        let size = coded.and_then(|visual| pixels(visual.width, visual.height)).or(self.size);
        let (width, height) = size.map_or((None, None), |(width, height)| (Some(width), Some(height)));
        let (width, height) = if self.is_rotated { (height, width) } else { (width, height) };
        Video {
            codec: self.entry.as_ref().map(codec),
            width,
            height,
            frame_rate_millis: None,
            picture: self.picture(movie_timescale),
        }
    }

    fn picture(&self, movie_timescale: u32) -> PictureFacts {
        let described = self.entry.as_ref().map(picture::describe).unwrap_or_default();
        let codec = self.entry.as_ref().map(codec);
        PictureFacts {
            is_edited: self.is_edited(movie_timescale),
            pixel_aspect: described.pixel_aspect.map(|(h, v)| if self.is_rotated { (v, h) } else { (h, v) }),
            closed_gops: match codec {
                _ if self.has_open_points => Some(false),
                // Its list of sync samples holds nothing else by definition. That of H.265 is seldom that strict.
                Some(VideoCodec::H264) if self.has_sync_table => Some(true),
                _ => None,
            },
            ..described
        }
    }

    /// The sound.
    pub(super) fn audio(&self) -> AudioFacts {
        sound::describe(self.entry.as_ref(), self.timescale)
    }
}

fn pixels(width: u16, height: u16) -> Option<(u32, u32)> {
    (width > 0 && height > 0).then_some((u32::from(width), u32::from(height)))
}

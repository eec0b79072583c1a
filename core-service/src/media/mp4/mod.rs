//! Reads what a MP4 or QuickTime file tells about itself from its boxes.
//!
//! The box tree is walked by headers; tables of samples are skipped, so the cost does not grow with the length of the
//! video, wherever the index (`moov`) stands. Of a fragmented file the fragments are walked too ([`fragments`]): its
//! index says nothing of them. The few boxes of interest are decoded with `mp4-atom`. Numbers in the file are believed
//! only as far as the file is long; the walk always moves forward and is bounded.
//!
//! Expected failures: no index, nothing but an index, boxes that reach beyond the end of the file (a truncated copy) or
//! of the box around them (a damaged one).

mod boxes;
mod entry;
mod fragments;
mod picture;
mod sound;
mod track;
mod walk;

use mp4_atom::{Mvhd, Trex};

pub(super) use self::walk::Defect;
use self::{
    boxes::{decoded, known_duration, milliseconds},
    fragments::Fragments,
    track::{Track, Video},
    walk::{Header, Walk, is_known_at_top_level},
};
use super::source::{MAX_READ, ReadError, Source};
use crate::domain::media::AudioFacts;

/// Boxes looked at behind the index, to find out whether the file is whole.
const MAX_BOXES_BEHIND_INDEX: usize = 8;

/// The most tracks kept; later ones are ignored.
const MAX_TRACKS: usize = 64;

/// What the file tells.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Movie {
    pub(super) moov_first: Option<bool>,
    pub(super) duration_ms: Option<u64>,
    pub(super) video: Option<Video>,
    pub(super) audio: Option<AudioFacts>,
    /// The walk ended early: what is missing is unknown, not absent.
    pub(super) is_partial: bool,
}

/// Walks the boxes of a file. `Err` only when the file could not be fetched.
pub(super) async fn read<S: Source>(file: &mut S) -> Result<Result<Movie, Defect>, ReadError> {
    let mut reading = Reading::default();
    match reading.top_level(file).await {
        Ok(Some(defect)) => Ok(Err(defect)),
        Ok(None) => Ok(Ok(reading.movie(false))),
        Err(ReadError::OutOfReach) => {
            // Half an index may lack what counts. Behind a whole one, only the rest of the file was to be looked at.
            if !reading.has_index {
                reading.tracks.clear();
                (reading.movie_duration, reading.declared_duration) = (None, None);
            }
            let is_partial = !reading.has_index;
            Ok(Ok(reading.movie(is_partial)))
        }
        Err(failed) => Err(failed),
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    walk: Walk,
    moov_first: Option<bool>,
    /// The index was read to its end.
    has_index: bool,
    movie_duration: Option<u64>,
    movie_timescale: u32,
    /// The whole length of a fragmented file, where its index tells it (`mehd`).
    declared_duration: Option<u64>,
    is_fragmented: bool,
    fragments: Fragments,
    tracks: Vec<Track>,
    defaults: Vec<Trex>,
}

impl Reading {
    async fn top_level<S: Source>(&mut self, file: &mut S) -> Result<Option<Defect>, ReadError> {
        let (mut at, mut seen_pictures, mut behind) = (0, false, 0);
        while at < file.size() && behind < MAX_BOXES_BEHIND_INDEX {
            if let Some(defect) = self.walk.exhausted() {
                return Ok(Some(defect));
            }
            let Some(header) = self.walk.header(file, at).await? else {
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
                    self.has_index = true;
                    if self.is_fragmented && !seen_pictures {
                        let (tracks, defaults) = (&self.tracks, &self.defaults);
                        let (found, walked) = fragments::read(file, header.end, &mut self.walk, tracks, defaults).await;
                        self.fragments = found;
                        return walked;
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

    /// Walks everything in the index in file order. Boxes that hold boxes are entered, all others stepped over; a box
    /// belongs to the last track begun before it.
    async fn index<S: Source>(&mut self, file: &mut S, moov: &Header) -> Result<Option<Defect>, ReadError> {
        let mut at = moov.body;
        let mut ends = vec![moov.end];
        loop {
            let Some(&end) = ends.last() else { return Ok(None) };
            if at + 8 > end {
                at = end;
                ends.pop();
                continue;
            }
            if let Some(defect) = self.walk.exhausted() {
                return Ok(Some(defect));
            }
            let header = match self.walk.header(file, at).await? {
                Some(header) if header.end <= end => header,
                // Zeros behind the last box of a box: QuickTime ends lists this way.
                Some(header) if header.kind == [0; 4] => {
                    at = end;
                    continue;
                }
                // Padding behind the last track is common enough. Within one it is damage, and without any the index is
                // worth nothing.
                _ if ends.len() == 1 && !self.tracks.is_empty() => return Ok(None),
                _ => return Ok(Some(Defect::Malformed { at })),
            };
            at = match &header.kind {
                b"trak" if self.tracks.len() < MAX_TRACKS => {
                    self.tracks.push(Track::new(header.end));
                    ends.push(header.end);
                    header.body
                }
                b"mdia" | b"minf" | b"stbl" | b"edts" | b"mvex" => {
                    self.is_fragmented |= &header.kind == b"mvex";
                    ends.push(header.end);
                    header.body
                }
                kind if track::is_of_interest(kind) || matches!(kind, b"mvhd" | b"mehd" | b"trex") => {
                    let length = usize::try_from(header.end - header.body).unwrap_or(usize::MAX).min(MAX_READ);
                    let body = file.read(header.body, length).await?;
                    self.leaf(&header, &body);
                    header.end
                }
                _ => header.end,
            };
        }
    }

    fn leaf(&mut self, header: &Header, body: &[u8]) {
        match &header.kind {
            b"mvhd" => {
                if let Some(mvhd) = decoded::<Mvhd>(body) {
                    self.movie_timescale = mvhd.timescale;
                    self.movie_duration = known_duration(mvhd.duration);
                }
            }
            b"mehd" => {
                if let Some(mehd) = decoded::<mp4_atom::Mehd>(body) {
                    self.declared_duration = known_duration(mehd.fragment_duration);
                }
            }
            b"trex" => {
                if let (Some(trex), true) = (decoded::<Trex>(body), self.defaults.len() < MAX_TRACKS) {
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
        let video = track::film(&self.tracks);
        let audio = track::first_enabled(&self.tracks, *b"soun");
        Movie {
            moov_first: self.moov_first,
            duration_ms: self.duration_ms(video),
            video: video.map(|track| Video {
                frame_rate_millis: self.frame_rate_millis(track),
                ..track.video(self.movie_timescale)
            }),
            audio: audio.map(Track::audio),
            is_partial,
        }
    }

    fn frame_rate_millis(&self, film: &Track) -> Option<u32> {
        if self.fragments.is_empty() {
            return film.frame_rate_millis();
        }
        let defaults = self.defaults.iter().find(|trex| trex.track_id == film.id);
        let by_default = || fragments::default_rate(film, defaults.map(|trex| trex.default_sample_duration));
        self.fragments.frame_rate_millis().or_else(by_default)
    }

    /// How long the film is. That of a fragmented file counts only when all of it was seen, or its writer told it for
    /// the whole: the index alone knows the beginning.
    fn duration_ms(&self, video: Option<&Track>) -> Option<u64> {
        let movie = |duration: Option<u64>| milliseconds(duration?, self.movie_timescale);
        if self.is_fragmented && !self.fragments.is_empty() {
            return self.fragments.duration_ms().or_else(|| movie(self.declared_duration));
        }
        let presented = || movie(video?.presented());
        let of_track = || video.and_then(|track| milliseconds(track.duration?, track.timescale));
        let declared = if self.is_fragmented { self.declared_duration } else { self.movie_duration };
        movie(declared).or_else(|| movie(self.movie_duration)).or_else(presented).or_else(of_track)
    }
}

#[cfg(test)]
#[path = "../mp4_tests.rs"]
mod tests;

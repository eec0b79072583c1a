//! The fragments of a fragmented file: how long they are together.
//!
//! Guaranteed: a length is told only when the whole file was walked. What lies between may be stepped over where the file
//! itself says how long it is (`sidx`), or where its last fragment names its time and stands where the file's list of
//! fragments (`mfra`) says: reading every fragment of a long recording over the network would take too long.

use mp4_atom::{Sidx, Tfdt, Tfhd, Tfra, Trex, Trun, TrunSamples};

use super::{
    boxes::{array_at, boxes, child, decoded, milliseconds, u32_at},
    track::{self, Track},
    walk::{Defect, Walk, is_known_at_top_level},
};
use crate::media::source::{ReadError, Source};

/// What the fragments of the film add up to, in the clock of its track.
#[derive(Default)]
pub(super) struct Fragments {
    /// Begin of the first and end of the last.
    span: Option<(u64, u64)>,
    samples: u64,
    /// Of the samples.
    duration: u64,
    timescale: u32,
    /// Whether there are any, or may be in what was not seen.
    any: bool,
    /// Nothing is missing between begin and end.
    is_whole: bool,
    /// Fragments were stepped over: their samples were not counted.
    has_gap: bool,
}

/// The track that counts.
struct Film {
    id: u32,
    timescale: u32,
    default_duration: Option<u32>,
}

impl Fragments {
    pub(super) fn is_empty(&self) -> bool {
        !self.any
    }

    /// How long the film is, where all of it was seen.
    pub(super) fn duration_ms(&self) -> Option<u64> {
        let (from, to) = self.span.filter(|_| self.is_whole)?;
        milliseconds(to - from, self.timescale).filter(|&ms| ms > 0)
    }

    /// Frames per 1000 seconds, where all samples were counted.
    pub(super) fn frame_rate_millis(&self) -> Option<u32> {
        let is_counted = self.is_whole && !self.has_gap;
        let rate = (u128::from(self.samples) * u128::from(self.timescale) * 1000)
            .checked_div(u128::from(self.duration))
            .filter(|_| is_counted)?;
        u32::try_from(rate).ok().filter(|&rate| rate > 0)
    }

    /// Adds a stretch of time. Without a begin of its own it follows what was there.
    fn add(&mut self, from: Option<u64>, duration: u64) {
        self.any = true;
        let from = from.or(self.span.map(|(_, to)| to)).unwrap_or(0);
        let to = from.saturating_add(duration);
        self.span = Some(self.span.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
    }
}

/// Walks what stands from `from` on, behind the index of a fragmented file.
pub(super) async fn read<S: Source>(
    file: &mut S,
    from: u64,
    walk: &mut Walk,
    tracks: &[Track],
    defaults: &[Trex],
) -> (Fragments, Result<Option<Defect>, ReadError>) {
    // Without a film there is nothing to be measured.
    let Some(film) = track::film(tracks) else { return (Fragments::default(), Ok(None)) };
    let mut found = Fragments { timescale: film.timescale, ..Fragments::default() };
    // The index may hold the first samples itself.
    if let (Some(samples), Some(duration)) = (film.samples.filter(|&samples| samples > 0), film.duration) {
        found.span = Some((0, duration));
        (found.samples, found.duration) = (u64::from(samples), duration);
    }
    let default_duration = defaults.iter().find(|trex| trex.track_id == film.id);
    let film = Film {
        id: film.id,
        timescale: film.timescale,
        default_duration: default_duration.map(|trex| trex.default_sample_duration).filter(|&each| each > 0),
    };
    let walked = match add_all(file, from, walk, &film, &mut found).await {
        // The index tells the rest; how long it all is stays unknown.
        Err(ReadError::OutOfReach) => Ok(None),
        walked => walked,
    };
    found.any |= !found.is_whole;
    (found, walked)
}

async fn add_all<S: Source>(
    file: &mut S,
    from: u64,
    walk: &mut Walk,
    film: &Film,
    found: &mut Fragments,
) -> Result<Option<Defect>, ReadError> {
    let (mut at, mut has_jumped, mut has_pictures) = (from, false, false);
    while at < file.size() {
        if walk.exhausted().is_some() {
            return Ok(None);
        }
        if found.any && !has_jumped && !file.may_go_on() {
            match last_fragment(file, walk).await?.filter(|&last| last > at) {
                Some(last) => (at, has_jumped, found.has_gap) = (last, true, true),
                None => return Ok(None),
            }
        }
        let Some(header) = walk.header(file, at).await? else {
            return Ok((!has_pictures).then_some(Defect::Malformed { at }));
        };
        if header.end > file.size() {
            let is_cut_off = is_known_at_top_level(&header.kind) || !has_pictures;
            return Ok(is_cut_off.then_some(Defect::Truncated { end: header.end }));
        }
        at = header.end;
        match &header.kind {
            b"mdat" => has_pictures = true,
            b"moof" => {
                (has_pictures, found.any) = (true, true);
                let body = walk.table(file, &header).await?;
                let Some(has_time) = body.and_then(|body| fragment(&body, film, found)) else { return Ok(None) };
                if has_jumped && !has_time {
                    return Ok(None);
                }
            }
            b"sidx" => {
                let Some(sidx) = walk.table(file, &header).await?.and_then(|body| decoded::<Sidx>(&body)) else {
                    return Ok(None);
                };
                match segments(&sidx, header.end, film, found) {
                    Some(end) if end > file.size() => return Ok(Some(Defect::Truncated { end })),
                    Some(end) => (at, has_pictures) = (end, true),
                    None => {}
                }
            }
            _ => {}
        }
    }
    if !has_pictures {
        return Ok(Some(Defect::NoPictures));
    }
    found.is_whole = true;
    Ok(None)
}

/// Where the last fragment stands by the list at the end of the file, if there is one.
async fn last_fragment<S: Source>(file: &mut S, walk: &mut Walk) -> Result<Option<u64>, ReadError> {
    let Some(at) = file.size().checked_sub(16) else { return Ok(None) };
    let end = file.read(at, 16).await?;
    let size = u32_at(&end, 12).filter(|_| array_at(&end, 4) == Some(*b"mfro"));
    let Some(at) = size.and_then(|size| file.size().checked_sub(u64::from(size))) else { return Ok(None) };
    let header = walk.header(file, at).await?;
    let Some(header) = header.filter(|header| &header.kind == b"mfra" && header.end == file.size()) else {
        return Ok(None);
    };
    let body = walk.table(file, &header).await?.unwrap_or_default();
    let lists = boxes(&body).filter(|(kind, _)| kind == b"tfra").filter_map(|(_, body)| decoded::<Tfra>(body));
    let Some(last) = lists.filter_map(|list| Some(list.entries.last()?.moof_offset)).max() else { return Ok(None) };
    let header = walk.header(file, last).await?;
    Ok(header.filter(|header| &header.kind == b"moof").map(|_| last))
}

/// Adds a fragment. True if it names its time; `None` when it does not tell how long it is.
fn fragment(body: &[u8], film: &Film, found: &mut Fragments) -> Option<bool> {
    let mut has_time = false;
    for (_, part) in boxes(body).filter(|(kind, _)| kind == b"traf") {
        let head = decoded::<Tfhd>(child(part, b"tfhd")?)?;
        if head.track_id != film.id {
            continue;
        }
        let from = child(part, b"tfdt").and_then(decoded::<Tfdt>).map(|time| time.base_media_decode_time);
        let each = head.default_sample_duration.filter(|&each| each > 0).or(film.default_duration);
        let (mut samples, mut duration) = (0u64, 0u64);
        for (_, run) in boxes(part).filter(|(kind, _)| kind == b"trun") {
            let run = decoded::<Trun>(run)?.samples;
            samples = samples.saturating_add(run.len() as u64);
            duration = duration.saturating_add(match run {
                TrunSamples::Inherited { count: 0, .. } => 0,
                TrunSamples::Inherited { count, .. } => u64::from(count) * u64::from(each?),
                TrunSamples::Explicit(entries) => {
                    entries.iter().try_fold(0u64, |sum, entry| sum.checked_add(u64::from(entry.duration.or(each)?)))?
                }
            });
        }
        found.add(from, duration);
        found.samples = found.samples.saturating_add(samples);
        found.duration = found.duration.saturating_add(duration);
        has_time |= from.is_some();
    }
    Some(has_time)
}

/// Adds the segments of an index of them, which begin at `from`. Answers where they end; `None` for an index that leads
/// nowhere.
fn segments(sidx: &Sidx, from: u64, film: &Film, found: &mut Fragments) -> Option<u64> {
    let sum =
        |of: fn(&mp4_atom::SegmentReference) -> u32| sidx.references.iter().map(|one| u64::from(of(one))).sum::<u64>();
    let end = from.checked_add(sidx.first_offset)?.checked_add(sum(|one| one.referenced_size))?;
    let in_film = |time: u64| {
        let time = (u128::from(time) * u128::from(film.timescale)).checked_div(u128::from(sidx.timescale))?;
        u64::try_from(time).ok()
    };
    let (begin, duration) = (in_film(sidx.earliest_presentation_time)?, in_film(sum(|one| one.subsegment_duration))?);
    if end <= from || duration == 0 {
        return None;
    }
    found.add(Some(begin), duration);
    found.has_gap = true;
    Some(end)
}

/// Frames per 1000 seconds of a track by the default of its fragments.
pub(super) fn default_rate(track: &Track, default_duration: Option<u32>) -> Option<u32> {
    let each = default_duration.filter(|&each| each > 0)?;
    u32::try_from(u64::from(track.timescale) * 1000 / u64::from(each)).ok().filter(|&rate| rate > 0)
}

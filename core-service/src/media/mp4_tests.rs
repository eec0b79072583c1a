//! Files as people have them, of which the index alone tells a part, or something else than the film.

use bytes::Bytes;
use mp4_atom::{Encode, SegmentReference, Sidx};

use super::*;
use super::{boxes::u32_at, walk::MAX_BOXES};
use crate::domain::media::{MediaFacts, VideoCodec};
use crate::media::{
    inspect::inspect,
    source::tests::{Memory, now},
};

/// Six seconds, the first of them in the index, the others in fragments of a second.
const FRAGMENTED: &[u8] = include_bytes!("testdata/frag_first.mp4");
const COVER_FIRST: &[u8] = include_bytes!("testdata/cover_first.mp4");
const SOUND_2: &[u8] = include_bytes!("testdata/aac96.mov");
const INTERLACED: &[u8] = include_bytes!("testdata/interlaced.mp4");
const YUV444: &[u8] = include_bytes!("testdata/yuv444.mp4");

fn facts(bytes: impl Into<Bytes>) -> MediaFacts {
    facts_of(&mut Memory::new(bytes))
}

fn facts_of(file: &mut Memory) -> MediaFacts {
    now(inspect(file)).unwrap()
}

/// Where a box of this kind begins, from `from` on.
fn find(bytes: &[u8], kind: &[u8; 4], from: usize) -> usize {
    from + bytes[from..].windows(4).position(|window| window == kind).unwrap() - 4
}

fn size_at(bytes: &[u8], at: usize) -> usize {
    u32_at(bytes, at).unwrap() as usize
}

/// The positions of the boxes of this kind at the top.
fn tops(bytes: &[u8], kind: &[u8; 4]) -> Vec<usize> {
    let (mut at, mut found) = (0, vec![]);
    while at < bytes.len() {
        if &bytes[at + 4..at + 8] == kind {
            found.push(at);
        }
        at += size_at(bytes, at);
    }
    found
}

/// The same file without the boxes of this kind at the top.
fn without(bytes: &[u8], kind: &[u8; 4]) -> Vec<u8> {
    let mut left = bytes.to_vec();
    for at in tops(bytes, kind).into_iter().rev() {
        left.drain(at..at + size_at(bytes, at));
    }
    left
}

/// The same file with its boxes of this kind made unreadable, wherever they are.
fn hidden(bytes: &[u8], kind: &[u8; 4]) -> Vec<u8> {
    let mut hidden = bytes.to_vec();
    for at in 0..hidden.len() - 4 {
        if &hidden[at..at + 4] == kind {
            hidden[at..at + 4].copy_from_slice(b"free");
        }
    }
    hidden
}

#[test]
fn fragments_are_summed_up() {
    for file in [FRAGMENTED.to_vec(), without(FRAGMENTED, b"mfra"), hidden(FRAGMENTED, b"tfdt")] {
        let facts = facts(file);
        assert_eq!((facts.duration_ms, facts.frame_rate_millis), (Some(6_000), Some(24_000)));
    }
}

#[test]
fn a_recording_begins_where_its_first_fragment_does() {
    // As cut out of a stream: no samples in the index, and a clock that has been running for a day.
    let mut file = FRAGMENTED.to_vec();
    for table in [b"stsz", b"stts"] {
        let at = find(&file, table, 0) + 16;
        file[at..at + 4].fill(0);
    }
    let at = find(&file, b"stsz", 0) + 16;
    file[at - 4..at + 4].fill(0);
    let moofs = tops(&file, b"moof");
    for moof in moofs {
        let at = find(&file, b"tfdt", moof) + 12;
        let time = u64::from_be_bytes(file[at..at + 8].try_into().unwrap());
        file[at..at + 8].copy_from_slice(&(time + 86_400 * 12_288).to_be_bytes());
    }
    assert_eq!(facts(file).duration_ms, Some(5_000));
}

#[test]
fn half_a_sum_is_no_length() {
    let moofs = tops(FRAGMENTED, b"moof");
    // What stands behind the third fragment is out of reach: the end of the file, with its list of fragments, too.
    let mut file = Memory { reach: moofs[3] - 1, ..Memory::new(FRAGMENTED.to_vec()) };
    let half = facts_of(&mut file);
    assert_eq!((half.duration_ms, half.frame_rate_millis, half.width), (None, None, Some(360)));

    // A fragment that does not tell how long its samples are.
    let mut mute = FRAGMENTED.to_vec();
    let at = find(&mute, b"tfhd", moofs[2]) + 11;
    mute[at] &= !0x08;
    assert_eq!(facts(mute).duration_ms, None);

    // Too many to look at.
    let last = tops(FRAGMENTED, b"mdat").into_iter().next_back().unwrap();
    let repeated = FRAGMENTED[moofs[4]..last + size_at(FRAGMENTED, last)].repeat(MAX_BOXES);
    let endless = [&without(FRAGMENTED, b"mfra")[..], &repeated].concat();
    let mut file = Memory::new(endless);
    assert_eq!(facts_of(&mut file).duration_ms, None);
    assert!(file.asked.len() < 3 * MAX_BOXES, "{} reads", file.asked.len());
}

#[test]
fn an_index_before_fragments_that_are_out_of_reach_does_not_tell_the_length() {
    let mut file = Memory { reach: tops(FRAGMENTED, b"moof")[0] - 1, ..Memory::new(FRAGMENTED.to_vec()) };
    let index = facts_of(&mut file);
    assert_eq!((index.duration_ms, index.width), (None, Some(360)));
}

#[test]
fn the_length_that_the_index_names_for_all_fragments_counts_where_they_are_out_of_reach() {
    let mehd = [&16u32.to_be_bytes()[..], b"mehd", &[0; 4], &6_001u32.to_be_bytes()].concat();
    let mut file = FRAGMENTED.to_vec();
    let (moov, mvex) = (find(&file, b"moov", 0), find(&file, b"mvex", 0));
    for at in [moov, mvex] {
        let size = u32::try_from(size_at(&file, at) + mehd.len()).unwrap();
        file[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    file.splice(mvex + 8..mvex + 8, mehd);
    let reach = tops(&file, b"moof")[1];
    assert_eq!(facts_of(&mut Memory { reach, ..Memory::new(file.clone()) }).duration_ms, Some(6_001));
    assert_eq!(facts(file).duration_ms, Some(6_000), "the sum is better");
}

#[test]
fn over_a_slow_line_the_last_fragment_and_the_list_of_fragments_do() {
    let mut slow = Memory { patience: 0, ..Memory::new(FRAGMENTED.to_vec()) };
    assert_eq!(facts_of(&mut slow).duration_ms, Some(6_000));
    let reads = slow.asked.len();
    let mut quick = Memory::new(FRAGMENTED.to_vec());
    facts_of(&mut quick);
    assert!(reads < quick.asked.len(), "{reads} of {} reads", quick.asked.len());

    let mut unlisted = Memory { patience: 0, ..Memory::new(without(FRAGMENTED, b"mfra")) };
    assert_eq!(facts_of(&mut unlisted).duration_ms, None);
    // A list that points elsewhere is not followed.
    let mut lying = FRAGMENTED.to_vec();
    let at = find(&lying, b"tfra", 0);
    lying[at + 24..at + size_at(FRAGMENTED, at)].fill(0);
    let at = find(&lying, b"tfra", at + 8);
    lying[at + 24..at + size_at(FRAGMENTED, at)].fill(0);
    assert_eq!(facts_of(&mut Memory { patience: 0, ..Memory::new(lying) }).duration_ms, None);
}

/// The fragmented file with an index of segments for its first `count` fragments.
fn indexed(count: usize) -> Vec<u8> {
    let moofs = tops(FRAGMENTED, b"moof");
    let end_of = |number: usize| moofs.get(number + 1).copied().unwrap_or_else(|| find(FRAGMENTED, b"mfra", 0));
    let references = (0..count).map(|number| SegmentReference {
        reference_type: false,
        referenced_size: u32::try_from(end_of(number) - moofs[number]).unwrap(),
        subsegment_duration: 1_000,
        starts_with_sap: true,
        sap_type: 1,
        sap_delta_time: 0,
    });
    let sidx = Sidx {
        reference_id: 1,
        timescale: 1_000,
        earliest_presentation_time: 1_000,
        first_offset: 0,
        references: references.collect(),
    };
    let mut bytes = vec![];
    sidx.encode(&mut bytes).unwrap();
    [&FRAGMENTED[..moofs[0]], &bytes, &FRAGMENTED[moofs[0]..]].concat()
}

#[test]
fn an_index_of_segments_counts_for_what_it_covers() {
    for count in [1, 3, 5] {
        let file = indexed(count);
        let mut memory = Memory::new(file.clone());
        assert_eq!(facts_of(&mut memory).duration_ms, Some(6_000), "{count} segments are indexed");
        let cut = tops(&file, b"moof")[4];
        let Err(defect) = now(read(&mut Memory::new(file[..cut].to_vec()))).unwrap() else { continue };
        assert!(count == 5 && matches!(defect, Defect::Truncated { .. }), "{count} segments, {defect:?}");
    }
}

#[test]
fn a_cover_picture_is_not_the_film() {
    let facts = facts(COVER_FIRST);
    assert_eq!((facts.video_codec, facts.width, facts.height), (Some(VideoCodec::H264), Some(360), Some(640)));
    assert_eq!((facts.duration_ms, facts.frame_rate_millis), (Some(6_000), Some(24_000)));

    // A song with its cover: the film's and nothing else's handler is hidden.
    let mut song = COVER_FIRST.to_vec();
    let film = find(&song, b"vide", find(&song, b"vide", 0) + 8);
    song[film + 4..film + 8].copy_from_slice(b"text");
    let Err(crate::media::ProbeError::Refused(violation)) = now(inspect(&mut Memory::new(song))) else {
        panic!("a song is no video")
    };
    assert_eq!(violation.rule, "VIDEO_WITHOUT_PICTURE");
}

#[test]
fn all_versions_of_sound_descriptions_are_read() {
    let expected = |rate| AudioFacts { codec: "aac".to_owned(), sample_rate_hz: Some(rate), channels: Some(2) };
    assert_eq!(facts(SOUND_2).audio, Some(expected(96_000)));
    assert_eq!(facts(COVER_FIRST).audio, Some(expected(48_000)));

    // Version 1 of QuickTime has four more numbers.
    let mut version_1 = SOUND_2.to_vec();
    let entry = find(&version_1, b"mp4a", 0) + 8;
    version_1[entry + 9] = 1;
    version_1[entry + 17] = 2;
    version_1[entry + 24..entry + 28].copy_from_slice(&(44_100u32 << 16).to_be_bytes());
    // The rest of what was version 2 becomes a box of its own.
    version_1[entry + 44..entry + 52].copy_from_slice(&[0, 0, 0, 20, b'f', b'r', b'e', b'e']);
    assert_eq!(facts(version_1).audio, Some(expected(44_100)));
}

#[test]
fn pictures_are_described_without_being_decoded() {
    let plain = facts(COVER_FIRST).picture;
    assert_eq!(
        (plain.chroma.as_deref(), plain.is_progressive, plain.closed_gops),
        (Some("4:2:0"), Some(true), Some(true))
    );
    assert_eq!(facts(YUV444).picture.chroma.as_deref(), Some("4:4:4"));
    assert_eq!(facts(INTERLACED).picture.is_progressive, Some(false));

    let mut wide = YUV444.to_vec();
    let at = find(&wide, b"pasp", 0) + 8;
    wide[at..at + 8].copy_from_slice(&[0, 0, 0, 64, 0, 0, 0, 45]);
    assert_eq!(facts(wide).picture.pixel_aspect, Some((64, 45)));
    assert_eq!(facts(YUV444).picture.pixel_aspect, None, "square");
}

#[test]
fn an_edit_list_that_shows_something_else_is_told() {
    assert_eq!(facts(YUV444).picture.is_edited, Some(false), "it lines up sound and picture");
    let edited = |change: fn(&mut [u8])| {
        let mut file = YUV444.to_vec();
        let at = find(&file, b"elst", 0) + 16;
        change(&mut file[at..at + 12]);
        facts(file).picture.is_edited
    };
    assert_eq!(edited(|edit| edit[..4].copy_from_slice(&2_000u32.to_be_bytes())), Some(true), "two of six seconds");
    assert_eq!(edited(|edit| edit[8..10].copy_from_slice(&2u16.to_be_bytes())), Some(true), "at double speed");
    assert_eq!(edited(|edit| edit[4..8].fill(0xff)), Some(true), "nothing but a pause");
}

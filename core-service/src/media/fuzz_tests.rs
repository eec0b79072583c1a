//! The readers of file formats against files that nobody wrote on purpose. `PROPTEST_CASES` sets how many.

use proptest::prelude::*;

use super::super::source::tests::{Memory, now};
use super::*;

const FILES: [&[u8]; 14] = [
    include_bytes!("testdata/faststart.mp4"),
    include_bytes!("testdata/moov_last.mp4"),
    include_bytes!("testdata/rotated.mov"),
    include_bytes!("testdata/hevc.mov"),
    include_bytes!("testdata/av1.mp4"),
    include_bytes!("testdata/frag.mp4"),
    include_bytes!("testdata/frag_first.mp4"),
    include_bytes!("testdata/aac96.mov"),
    include_bytes!("testdata/cover_first.mp4"),
    include_bytes!("testdata/yuv444.mp4"),
    include_bytes!("testdata/interlaced.mp4"),
    include_bytes!("testdata/vp9.webm"),
    include_bytes!("testdata/live.webm"),
    include_bytes!("testdata/audio.m4a"),
];

/// Numbers that lengths and counts break at.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0u64..64,
        prop::sample::select(vec![
            0xff,
            0x100,
            0x7fff,
            0xffff,
            0x7fff_ffff,
            0xffff_ffff,
            (1 << 56) - 2,
            1 << 63,
            u64::MAX
        ]),
    ]
}

/// A real file with some of its bytes changed, cut out or repeated.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), number(), 1usize..9, 0u8..4);
    (prop::sample::select(FILES.to_vec()), prop::collection::vec(change, 0..8)).prop_map(|(file, changes)| {
        let mut file = file.to_vec();
        for (at, value, length, kind) in changes {
            let at = at.index(file.len());
            let end = file.len().min(at + length);
            match kind {
                0 => file[at..end].copy_from_slice(&value.to_be_bytes()[8 - (end - at)..]),
                1 => {
                    file.drain(at..end.min(file.len() - 1).max(at));
                }
                2 => {
                    let copy = file[at..file.len().min(at + value as usize % 2_000)].to_vec();
                    file.splice(at..at, copy);
                }
                _ => file.truncate(at.max(1)),
            }
        }
        file
    })
}

/// Boxes in boxes, with sizes that are right or not.
fn boxes() -> impl Strategy<Value = Vec<u8>> {
    const KINDS: [&[u8; 4]; 34] = [
        b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf", b"mdat", b"free", b"mvhd",
        b"tkhd", b"mdhd", b"hdlr", b"stsd", b"stsz", b"stss", b"elst", b"mehd", b"trex", b"tfhd", b"tfdt", b"trun",
        b"sidx", b"mfra", b"mfro", b"tfra", b"avc1", b"avcC", b"hvcC", b"mp4a", b"esds", b"pasp",
    ];
    let leaf = prop::collection::vec(any::<u8>(), 0..96);
    let tree = leaf.prop_recursive(6, 64, 6, |inner| {
        prop::collection::vec(
            (prop::sample::select(KINDS.to_vec()), inner, prop::option::weighted(0.1, number())),
            1..6,
        )
        .prop_map(|boxes| {
            let mut bytes = vec![];
            for (kind, body, lie) in boxes {
                let size = lie.unwrap_or(body.len() as u64 + 8);
                bytes.extend_from_slice(&(size as u32).to_be_bytes());
                bytes.extend_from_slice(kind);
                bytes.extend(body);
            }
            bytes
        })
    });
    tree.prop_map(|tree| [b"\0\0\0\x10ftypisom\0\0\0\0".as_slice(), &tree].concat())
}

/// Elements in elements.
fn elements() -> impl Strategy<Value = Vec<u8>> {
    let ids: Vec<&[u8]> = vec![
        b"\x18\x53\x80\x67",
        b"\x15\x49\xA9\x66",
        b"\x16\x54\xAE\x6B",
        b"\xAE",
        b"\xE0",
        b"\xE1",
        b"\xB0",
        b"\xBA",
        b"\x83",
        b"\x86",
        b"\x44\x89",
        b"\x2A\xD7\xB1",
        b"\x23\xE3\x83",
        b"\xB5",
        b"\x9F",
        b"\xEC",
        b"\x1F\x43\xB6\x75",
        b"\x42\x82",
    ];
    let element =
        (prop::sample::select(ids), prop::option::weighted(0.2, number()), prop::collection::vec(any::<u8>(), 0..24));
    prop::collection::vec(element, 0..40).prop_map(|elements| {
        let mut bytes = b"\x1A\x45\xDF\xA3\x87\x42\x82\x84webm".to_vec();
        for (id, lie, body) in elements {
            bytes.extend_from_slice(id);
            let size = lie.unwrap_or(body.len() as u64) & ((1 << 56) - 1);
            bytes.extend_from_slice(&(size | 1 << 56).to_be_bytes());
            bytes.extend(body);
        }
        bytes
    })
}

/// Each of these facts is the same in both, or unknown in the first.
fn is_part_of(some: &MediaFacts, all: &MediaFacts) -> bool {
    fn known<T: PartialEq>(some: &Option<T>, all: &Option<T>) -> bool {
        some.is_none() || some == all
    }
    known(&some.duration_ms, &all.duration_ms)
        && known(&some.width, &all.width)
        && known(&some.height, &all.height)
        && known(&some.video_codec, &all.video_codec)
        && known(&some.frame_rate_millis, &all.frame_rate_millis)
        && known(&some.has_audio, &all.has_audio)
        && known(&some.audio, &all.audio)
        && known(&some.moov_first, &all.moov_first)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_and_made_up_files_are_read_or_refused_in_bounded_work(
        bytes in prop_oneof![damaged(), boxes(), elements(), prop::collection::vec(any::<u8>(), 0..600)],
    ) {
        let size = bytes.len() as u64;
        let mut file = Memory::new(bytes);
        match now(inspect(&mut file)) {
            Ok(facts) => prop_assert_eq!(facts.size_bytes, size),
            Err(ProbeError::Refused(violation)) => prop_assert!(violation.rule.starts_with("VIDEO_"), "{violation:?}"),
            Err(unreachable) => prop_assert!(false, "memory is always reached: {unreachable:?}"),
        }
        prop_assert!(file.asked.len() < 20_000, "{} reads", file.asked.len());
    }
}

/// Every way to stop on the way through these files: out of reach from each place on that is read, and out of patience
/// after each read.
#[test]
fn what_was_read_half_is_not_told_as_a_fact() {
    for file in &FILES[..13] {
        let mut whole = Memory::new(*file);
        let all = now(inspect(&mut whole)).unwrap();
        for patience in 0..=whole.asked.len() {
            let mut places = Memory { patience, ..Memory::new(*file) };
            now(inspect(&mut places)).unwrap();
            for reach in places.asked.into_iter().filter_map(|place| place.checked_sub(1)) {
                let mut partly = Memory { reach, patience, ..Memory::new(*file) };
                if let Ok(some) = now(inspect(&mut partly)) {
                    assert!(is_part_of(&some, &all), "reach {reach}, patience {patience}: {some:?} of {all:?}");
                }
            }
        }
    }
}

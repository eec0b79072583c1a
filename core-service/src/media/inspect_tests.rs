//! Real files of a common encoder, and what becomes of them when bytes go wrong.

use super::super::source::tests::{Memory, now};
use super::*;
use crate::domain::media::{AudioFacts, PictureFacts};

const FASTSTART: &[u8] = include_bytes!("testdata/faststart.mp4");
const MOOV_LAST: &[u8] = include_bytes!("testdata/moov_last.mp4");
const ROTATED: &[u8] = include_bytes!("testdata/rotated.mov");
const HEVC: &[u8] = include_bytes!("testdata/hevc.mov");
const AV1: &[u8] = include_bytes!("testdata/av1.mp4");
const FRAGMENTED: &[u8] = include_bytes!("testdata/frag.mp4");
const VP9: &[u8] = include_bytes!("testdata/vp9.webm");
const LIVE: &[u8] = include_bytes!("testdata/live.webm");
const MATROSKA: &[u8] = include_bytes!("testdata/header.mkv");
const SOUND: &[u8] = include_bytes!("testdata/audio.m4a");

fn facts(bytes: &[u8]) -> Result<MediaFacts, ProbeError> {
    now(inspect(&mut Memory::new(bytes.to_vec())))
}

fn rule(bytes: &[u8]) -> &'static str {
    match facts(bytes) {
        Err(ProbeError::Refused(violation)) => violation.rule,
        other => panic!("{other:?}"),
    }
}

fn expected(bytes: &[u8]) -> MediaFacts {
    MediaFacts {
        size_bytes: bytes.len() as u64,
        container: Container::Mp4,
        duration_ms: Some(4_000),
        width: Some(64),
        height: Some(112),
        video_codec: Some(VideoCodec::H264),
        frame_rate_millis: Some(29_970),
        has_audio: Some(true),
        audio: Some(AudioFacts { codec: "aac".to_owned(), sample_rate_hz: Some(44_100), channels: Some(1) }),
        moov_first: Some(true),
        picture: PictureFacts {
            chroma: Some("4:2:0".to_owned()),
            is_progressive: Some(true),
            closed_gops: Some(true),
            pixel_aspect: None,
            is_edited: Some(false),
        },
    }
}

fn near(measured: Option<u64>, wanted: u64) -> bool {
    measured.is_some_and(|measured| measured.abs_diff(wanted) <= wanted / 50)
}

#[test]
fn reads_an_mp4_wherever_its_index_stands() {
    for (bytes, moov_first) in [(FASTSTART, true), (MOOV_LAST, false)] {
        let facts = facts(bytes).unwrap();
        assert!(near(facts.duration_ms, 4_000) && near(facts.frame_rate_millis.map(u64::from), 29_970), "{facts:?}");
        let wanted = MediaFacts {
            duration_ms: facts.duration_ms,
            frame_rate_millis: facts.frame_rate_millis,
            moov_first: Some(moov_first),
            ..expected(bytes)
        };
        assert_eq!(facts, wanted);
    }
}

#[test]
fn rotation_turns_width_and_height() {
    let facts = facts(ROTATED).unwrap();
    assert_eq!((facts.width, facts.height, facts.container), (Some(112), Some(64), Container::Mov));
}

#[test]
fn reads_other_codecs() {
    let hevc = facts(HEVC).unwrap();
    assert_eq!((hevc.video_codec, hevc.frame_rate_millis), (Some(VideoCodec::H265), Some(25_000)));
    assert_eq!((hevc.has_audio, hevc.audio), (Some(false), None));
    assert_eq!(facts(AV1).unwrap().video_codec, Some(VideoCodec::Av1));
}

#[test]
fn a_fragmented_mp4_is_measured_by_its_fragments() {
    let facts = facts(FRAGMENTED).unwrap();
    assert_eq!((facts.width, &facts.video_codec, facts.moov_first), (Some(64), &Some(VideoCodec::H264), Some(true)));
    assert!(near(facts.duration_ms, 4_000) && near(facts.frame_rate_millis.map(u64::from), 29_970), "{facts:?}");
}

#[test]
fn reads_webm() {
    let vp9 = facts(VP9).unwrap();
    assert!(near(vp9.duration_ms, 4_000) && near(vp9.frame_rate_millis.map(u64::from), 29_970), "{vp9:?}");
    assert_eq!((vp9.container, vp9.video_codec), (Container::Webm, Some(VideoCodec::Vp9)));
    assert_eq!((vp9.width, vp9.height), (Some(64), Some(112)));
    let audio = AudioFacts { codec: "opus".to_owned(), sample_rate_hz: Some(48_000), channels: Some(1) };
    assert_eq!(vp9.audio, Some(audio));
    let live = facts(LIVE).unwrap();
    assert_eq!((live.duration_ms, live.width), (None, Some(64)), "a stream does not know its length");
}

#[test]
fn what_is_no_video_is_refused_with_what_it_is() {
    for (bytes, what) in [
        (b"this is a text file named .mp4".as_slice(), "text"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page (HTML)"),
        (b"\n <html>", "a web page (HTML)"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"RIFF\x10\0\0\0AVI LIST", "AVI"),
        (b"#EXTM3U\n#EXT-X-VERSION:3", "a playlist (HLS), not a video file"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIF image"),
        (b"\x01\x02\x03\x04\x05\x06\x07\x08", "an unknown file format"),
        (b"x", "text"),
        (MATROSKA, "Matroska (mkv)"),
    ] {
        let Err(ProbeError::Refused(violation)) = facts(bytes) else { panic!("{what}") };
        assert_eq!((violation.rule, violation.measured.as_str()), ("VIDEO_FORMAT_INVALID", what));
    }
    assert_eq!(rule(b""), "VIDEO_EMPTY");
    assert_eq!(rule(SOUND), "VIDEO_FORMAT_INVALID");
    let sound_as_mp4 = [&SOUND[..8], b"isom", &SOUND[12..]].concat();
    assert_eq!(rule(&sound_as_mp4), "VIDEO_WITHOUT_PICTURE");
}

#[test]
fn a_truncated_file_is_noticed_at_every_length() {
    for length in 40..FASTSTART.len() {
        let rule = rule(&FASTSTART[..length]);
        assert!(["VIDEO_TRUNCATED", "VIDEO_NOT_READABLE"].contains(&rule), "{length}: {rule}");
    }
    for length in 40..MOOV_LAST.len() {
        let rule = rule(&MOOV_LAST[..length]);
        assert!(["VIDEO_TRUNCATED", "VIDEO_NOT_READABLE"].contains(&rule), "{length}: {rule}");
    }
    assert_eq!(rule(&VP9[..VP9.len() - 1]), "VIDEO_TRUNCATED");
}

#[test]
fn garbage_behind_a_complete_file_harms_nobody() {
    assert_eq!(facts(&[FASTSTART, b"trailing garbage, for example a signature"].concat()).unwrap().width, Some(64));
}

#[test]
fn only_a_few_pieces_of_a_file_are_read() {
    let mut file = Memory::new(MOOV_LAST.to_vec());
    now(inspect(&mut file)).unwrap();
    assert!(file.asked.len() < 120, "{} reads", file.asked.len());
}

#[test]
fn what_lies_out_of_reach_is_unknown() {
    let mut file = Memory { reach: 2_000, ..Memory::new(MOOV_LAST.to_vec()) };
    let facts = now(inspect(&mut file)).unwrap();
    assert_eq!((facts.duration_ms, facts.width, facts.has_audio), (None, None, None));
}

/// A small generator with a fixed seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn no_bytes_make_the_readers_fail_or_work_without_end() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for original in [FASTSTART, MOOV_LAST, ROTATED, HEVC, AV1, FRAGMENTED, VP9, LIVE, MATROSKA, SOUND] {
        for _ in 0..3_000 {
            let mut bytes = original.to_vec();
            for _ in 0..=dice.below(12) {
                let at = dice.below(bytes.len());
                bytes[at] = match dice.below(4) {
                    0 => 0,
                    1 => 0xff,
                    2 => bytes[at] ^ 1 << dice.below(8),
                    _ => dice.below(256) as u8,
                };
            }
            bytes.truncate(bytes.len() - dice.below(bytes.len() / 2).min(dice.below(64)));
            let mut file = Memory::new(bytes);
            let _ = now(inspect(&mut file));
            assert!(file.asked.len() < 10_000);
        }
    }
    // The same with the damage where the structure is: every byte of the index, with the values that matter most.
    let index = FASTSTART.windows(4).position(|window| window == b"moov").unwrap();
    for at in index..index + 1_000 {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = FASTSTART.to_vec();
            bytes[at] = value;
            let _ = facts(&bytes);
        }
    }
    for at in 0..600 {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = VP9.to_vec();
            bytes[at] = value;
            let _ = facts(&bytes);
        }
    }
}

#[test]
fn a_file_without_a_video_in_it_is_refused() {
    let filling = [b"\0\0\0\x10ftypisom\0\0\0\0".as_slice(), &b"\0\0\0\x08free".repeat(1_000_000)].concat();
    let mut file = Memory::new(filling);
    let Err(ProbeError::Refused(violation)) = now(inspect(&mut file)) else { panic!("a million empty boxes") };
    assert_eq!(violation.rule, "VIDEO_WITHOUT_PICTURE");
    assert!(file.asked.len() < 10_000, "{} reads", file.asked.len());

    let ebml = |body: &[u8]| [&[0x1A, 0x45, 0xDF, 0xA3, 0x80 | u8::try_from(body.len()).unwrap()], body].concat();
    let only_head = ebml(b"\x42\x82\x84webm");
    assert_eq!(rule(&only_head), "VIDEO_WITHOUT_PICTURE");
    let void = b"\xEC\x80".repeat(100_000);
    assert_eq!(rule(&[&only_head[..], &void].concat()), "VIDEO_WITHOUT_PICTURE");
    let empty_segment = [&only_head[..], b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"].concat();
    assert_eq!(rule(&empty_segment), "VIDEO_WITHOUT_PICTURE");
}

#[test]
fn sizes_that_lie_are_a_damaged_file() {
    let head = b"\x1A\x45\xDF\xA3\x87\x42\x82\x84webm";
    for size in [b"\x01\xff\xff\xff\xff\xff\xff\xfe".as_slice(), b"\x01\x7f\xff\xff\xff\xff\xff\xff", b"\x8f"] {
        for id in [b"\x15\x49\xA9\x66".as_slice(), b"\xEC", b"\x16\x54\xAE\x6B", b"\x42\x86"] {
            assert_eq!(rule(&[head, id, size].concat()), "VIDEO_TRUNCATED", "{id:?} of size {size:?}");
        }
    }
    // An element within another one that ends before.
    let info = b"\x18\x53\x80\x67\x8a\x15\x49\xA9\x66\x82\x44\x89\x88\0\0\0\0\0\0\0\0";
    assert_eq!(rule(&[head.as_slice(), info].concat()), "VIDEO_TRUNCATED");

    // A box within a track that reaches beyond the track: whatever follows it was not seen.
    let at = FASTSTART.windows(4).position(|kind| kind == b"mdhd").unwrap() - 4;
    let mut beyond = FASTSTART.to_vec();
    beyond[at..at + 4].copy_from_slice(&0x00ff_ffffu32.to_be_bytes());
    assert_eq!(rule(&beyond), "VIDEO_NOT_READABLE");
    beyond[at..at + 4].copy_from_slice(&1u32.to_be_bytes());
    assert_eq!(rule(&beyond), "VIDEO_NOT_READABLE", "a size of 64 bits, of which the most are something else");
}

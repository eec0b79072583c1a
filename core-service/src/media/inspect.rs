//! From bytes to facts: tells the file format from the first bytes and asks the format's reader for the rest.
//!
//! The name of the file and its content type play no part. What cannot be a video of any platform is refused with the
//! rule it breaks; what a readable file does not tell stays unknown.

use super::source::{ReadError, Source};
use super::{ProbeError, mp4, refused, webm};
use crate::domain::media::{Container, MediaFacts, PictureFacts, VideoCodec};

/// Finds out about a file. `Err` with a broken rule, or when the file could not be fetched.
pub(super) async fn inspect<S: Source>(file: &mut S) -> Result<MediaFacts, ProbeError> {
    let fetched = |error| match error {
        ReadError::Failed(error) => error,
        ReadError::OutOfReach => ProbeError::Unreachable { message: "the first bytes could not be read".to_owned() },
    };
    if file.size() == 0 {
        return Err(refused("VIDEO_EMPTY", "0 bytes", "a video", "upload the video again", "the file is empty"));
    }
    let head = file.read(0, 512).await.map_err(fetched)?;
    match sniff(&head) {
        Sniffed::Iso(container) => iso_facts(container, mp4::read(file).await.map_err(fetched)?, file.size()),
        Sniffed::Ebml => webm_facts(webm::read(file).await.map_err(fetched)?, file.size()),
        Sniffed::Other(what) => Err(not_a_video(what)),
    }
}

/// Refuses a file by its first bytes when they are surely no video's: before the rest of it is sent.
pub fn refuse_other_files(head: &[u8]) -> Result<(), ProbeError> {
    match sniff(head) {
        Sniffed::Iso(_) | Sniffed::Ebml => Ok(()),
        Sniffed::Other(what) => Err(not_a_video(what)),
    }
}

/// What a file is by its first bytes, in words.
pub(super) fn kind_of(head: &[u8]) -> &'static str {
    match sniff(head) {
        Sniffed::Iso(_) | Sniffed::Ebml => "a video",
        Sniffed::Other(what) => what,
    }
}

#[derive(Debug, PartialEq)]
enum Sniffed {
    Iso(Container),
    Ebml,
    Other(&'static str),
}

/// Brands of files that share the box format but hold no video.
const OTHER_BRANDS: [(&[u8; 4], &str); 8] = [
    (b"heic", "a HEIF image"),
    (b"heix", "a HEIF image"),
    (b"mif1", "a HEIF image"),
    (b"avif", "an AVIF image"),
    (b"crx ", "a raw image"),
    (b"M4A ", "a sound file"),
    (b"M4B ", "a sound file"),
    (b"jp2 ", "a JPEG 2000 image"),
];

/// Beginnings of common files that people send by mistake.
const OTHER_BEGINNINGS: [(&[u8], &str); 13] = [
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"FLV", "Flash video"),
    (b"\x30\x26\xb2\x75", "Windows Media"),
    (b"OggS", "Ogg"),
    (b"ID3", "a sound file"),
    (b"\x00\x00\x01\xba", "an MPEG program stream"),
    (b"#EXTM3U", "a playlist (HLS), not a video file"),
    (b"\x47\x40", "an MPEG transport stream"),
];

fn sniff(head: &[u8]) -> Sniffed {
    if let (Some(b"ftyp"), Some(brand)) = (head.get(4..8), head.get(8..12)) {
        let other = OTHER_BRANDS.iter().find(|(known, _)| &known[..] == brand);
        return match (other, brand) {
            (Some((_, what)), _) => Sniffed::Other(what),
            (None, b"qt  ") => Sniffed::Iso(Container::Mov),
            (None, _) => Sniffed::Iso(Container::Mp4),
        };
    }
    // Old QuickTime files begin without a brand.
    if matches!(head.get(4..8), Some(b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot")) {
        return Sniffed::Iso(Container::Mov);
    }
    if head.starts_with(&[0x1A, 0x45, 0xDF, 0xA3]) {
        return Sniffed::Ebml;
    }
    if head.starts_with(b"RIFF") {
        return Sniffed::Other(match head.get(8..12) {
            Some(b"AVI ") => "AVI",
            Some(b"WEBP") => "a WebP image",
            _ => "a RIFF file",
        });
    }
    if let Some((_, what)) = OTHER_BEGINNINGS.iter().find(|(beginning, _)| head.starts_with(beginning)) {
        return Sniffed::Other(what);
    }
    let text = String::from_utf8_lossy(head);
    let start = text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']).to_ascii_lowercase();
    if ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| start.starts_with(tag)) {
        return Sniffed::Other("a web page (HTML)");
    }
    if start.starts_with("<?xml") {
        return Sniffed::Other("an XML document");
    }
    let is_text = head.iter().all(|&byte| byte >= 0x20 || matches!(byte, b'\t' | b'\r' | b'\n'));
    Sniffed::Other(if is_text { "text" } else { "an unknown file format" })
}

fn not_a_video(what: &str) -> ProbeError {
    refused(
        "VIDEO_FORMAT_INVALID",
        what,
        "mp4, mov, webm",
        "give the video file itself, encoded as MP4 (H.264, AAC)",
        &format!("the file is no video that can be published, it is {what}"),
    )
}

fn truncated(end: u64, size: u64) -> ProbeError {
    refused(
        "VIDEO_TRUNCATED",
        &format!("{size} bytes"),
        &format!("{end} bytes"),
        "upload the video again",
        &format!("the file ends after {size} bytes, but its content reaches to byte {end}"),
    )
}

fn without_picture() -> ProbeError {
    no_video("no track with moving pictures")
}

fn no_video(measured: &str) -> ProbeError {
    refused(
        "VIDEO_WITHOUT_PICTURE",
        measured,
        "a track with moving pictures",
        "give a video, not a sound file or a still picture",
        &format!("there is no video in the file: it has {measured}"),
    )
}

fn iso_facts(container: Container, read: Result<mp4::Movie, mp4::Defect>, size: u64) -> Result<MediaFacts, ProbeError> {
    let movie = read.map_err(|defect| match defect {
        mp4::Defect::Truncated { end } => truncated(end, size),
        mp4::Defect::NoIndex => refused(
            "VIDEO_NOT_READABLE",
            "no index (moov)",
            "a complete file",
            "finish or repeat the export, then upload it again",
            "the file has no index (moov): the recording or the upload was not finished",
        ),
        mp4::Defect::NoPictures => refused(
            "VIDEO_TRUNCATED",
            &format!("{size} bytes, only the index"),
            "a complete file",
            "upload the video again",
            "the file ends behind its index, the pictures are missing",
        ),
        mp4::Defect::Malformed { at } => refused(
            "VIDEO_NOT_READABLE",
            &format!("damaged at byte {at}"),
            "a readable file",
            "export the video again",
            &format!("the structure of the file is damaged at byte {at}"),
        ),
        mp4::Defect::OnlyFilling { boxes } => no_video(&format!("nothing but {boxes} parts without a video")),
    })?;
    if movie.video.is_none() && !movie.is_partial {
        return Err(without_picture());
    }
    let has_audio = if movie.is_partial && movie.audio.is_none() { None } else { Some(movie.audio.is_some()) };
    let video = movie.video.unwrap_or_default();
    Ok(MediaFacts {
        size_bytes: size,
        container,
        duration_ms: movie.duration_ms,
        width: video.width,
        height: video.height,
        video_codec: video.codec,
        frame_rate_millis: video.frame_rate_millis,
        has_audio,
        audio: movie.audio,
        moov_first: movie.moov_first,
        picture: video.picture,
    })
}

fn webm_facts(read: Result<webm::Head, webm::Defect>, size: u64) -> Result<MediaFacts, ProbeError> {
    let head = read.map_err(|webm::Defect::BeyondEnd { at, end }| {
        refused(
            "VIDEO_TRUNCATED",
            &format!("{size} bytes"),
            &format!("{end} bytes"),
            "upload the video again",
            &format!("the file is damaged or cut off: it has {size} bytes, but its part at byte {at} reaches to {end}"),
        )
    })?;
    if head.doc_type != "webm" {
        return Err(not_a_video(if head.doc_type == "matroska" { "Matroska (mkv)" } else { "an unknown EBML file" }));
    }
    if let Some(end) = head.end.filter(|&end| end > size) {
        return Err(truncated(end, size));
    }
    if head.video.is_none() && !head.is_partial {
        return Err(without_picture());
    }
    let video = head.video.unwrap_or_default();
    Ok(MediaFacts {
        size_bytes: size,
        container: Container::Webm,
        duration_ms: head.duration_ms,
        width: video.width,
        height: video.height,
        video_codec: video.codec.filter(|codec| *codec != VideoCodec::Other(String::new())),
        frame_rate_millis: video.frame_rate_millis,
        has_audio: head.has_tracks.then_some(head.audio.is_some()),
        audio: head.audio,
        moov_first: None,
        picture: PictureFacts::default(),
    })
}

#[cfg(test)]
#[path = "inspect_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "fuzz_tests.rs"]
mod fuzz_tests;

//! media.proto and media_service.proto.

use aurareels_proto::v1;
use bytes::Bytes;

use super::{
    Shape, given, platform,
    post::{violation, warning},
    timestamp,
};
use crate::{
    app::{
        Broken, Error, Result,
        media::{Media, MediaPage, Named, Probed, Received, Upload, UploadInfo},
    },
    domain::{
        failure::Reason,
        media::{Checked, MediaFacts},
        platform::Platform,
        violation::Violation,
    },
};

/// Uploads a page when nothing else is asked for.
const MEDIA_PAGE: u32 = 20;

/// Largest chunk of an upload, in bytes.
pub(crate) const MAX_CHUNK: usize = 1024 * 1024;

/// What the first message of an upload says.
pub(crate) fn info(first: Option<v1::UploadMediaRequest>) -> Result<UploadInfo> {
    let mut shape = Shape::default();
    let info = match first.and_then(|message| message.part) {
        Some(v1::upload_media_request::Part::Info(info)) => info,
        Some(v1::upload_media_request::Part::Chunk(_)) | None => {
            shape.wrong("info", "", "the first message", "begin with a message that carries info, then send chunks");
            v1::UploadMediaInfo::default()
        }
    };
    let size_bytes = info.size_bytes.map(|size| {
        u64::try_from(size).unwrap_or_else(|_| {
            shape.wrong("info.size_bytes", size.to_string(), "0 or more", "leave it out or give the file's size");
            0
        })
    });
    let offset = u64::try_from(info.offset).unwrap_or_else(|_| {
        shape.wrong("info.offset", info.offset.to_string(), "0 or more", "give received_bytes of GetUpload");
        0
    });
    let v1::UploadMediaInfo { file_name, content_type, sha256, upload_id, .. } = info;
    shape.finish(UploadInfo { file_name, content_type, size_bytes, sha256, upload_id, offset })
}

/// The name of a resumable upload.
pub(crate) fn upload_id(request: v1::GetUploadRequest) -> Result<String> {
    let mut shape = Shape::default();
    let upload_id = shape.text("upload_id", request.upload_id);
    shape.finish(upload_id)
}

/// How far a resumable upload is.
pub(crate) fn upload(upload: Upload) -> v1::Upload {
    v1::Upload {
        upload_id: upload.upload_id,
        received_bytes: i64::try_from(upload.received_bytes).unwrap_or(i64::MAX),
        size_bytes: i64::try_from(upload.size_bytes).unwrap_or(i64::MAX),
        media_id: upload.media_id.map(|id| id.to_string()).unwrap_or_default(),
        expires_at: Some(timestamp(upload.expires_at)),
    }
}

/// The bytes of a later message of an upload.
pub(crate) fn chunk(message: v1::UploadMediaRequest) -> Result<Bytes> {
    let mut shape = Shape::default();
    let chunk = match message.part {
        Some(v1::upload_media_request::Part::Chunk(chunk)) => chunk,
        Some(v1::upload_media_request::Part::Info(_)) | None => {
            shape.wrong("chunk", "", "bytes of the file", "send info once, then only chunks");
            Bytes::new()
        }
    };
    if chunk.len() > MAX_CHUNK {
        return Err(chunk_too_large());
    }
    shape.finish(chunk)
}

/// The answer to a message with too many bytes.
pub(crate) fn chunk_too_large() -> Error {
    let violation = Violation {
        field: "chunk",
        rule: "INVALID_FIELD",
        measured: format!("more than {MAX_CHUNK} bytes"),
        limit: format!("at most {MAX_CHUNK} bytes"),
        remedy: "send the file in smaller pieces, best of 256 KiB".to_owned(),
        message: format!("chunk is more than {MAX_CHUNK} bytes, but must be at most that"),
    };
    Error::Invalid { reason: Reason::InvalidField, broken: vec![Broken { account: None, violation }] }
}

/// The answer to a message that cannot be read.
pub(crate) fn unreadable(why: &str) -> Error {
    let violation = Violation {
        field: "",
        rule: "REQUEST_UNREADABLE",
        measured: String::new(),
        limit: String::new(),
        remedy: "build the client from this release's proto files".to_owned(),
        message: format!("a message of the upload was not read: {why}"),
    };
    Error::Invalid { reason: Reason::RequestUnreadable, broken: vec![Broken { account: None, violation }] }
}

/// The name of an upload.
pub(crate) fn media_id(media_id: String) -> Result<String> {
    let mut shape = Shape::default();
    let media_id = shape.text("media_id", media_id);
    shape.finish(media_id)
}

/// A page of uploads: size, token.
pub(crate) fn list(request: v1::ListMediaRequest) -> Result<(u32, Option<String>)> {
    let mut shape = Shape::default();
    let size = shape.page_size(request.page_size, MEDIA_PAGE);
    shape.finish((size, given(request.page_token)))
}

/// A video to look at, and the platforms to compare it with.
pub(crate) fn probe(request: v1::ProbeVideoRequest) -> Result<(Named, Vec<Platform>)> {
    let mut shape = Shape::default();
    let named = match (given(request.video_url), given(request.media_id)) {
        (Some(url), None) => Named::Url(url),
        (None, Some(id)) => Named::Media(id),
        (None, None) => {
            shape.wrong("video_url", "", "a video", "give the http(s) URL of a video, or the media_id of an upload");
            Named::Url(String::new())
        }
        (Some(url), Some(_)) => {
            shape.wrong("media_id", "given beside video_url", "the only one", "give either video_url or media_id");
            Named::Url(url)
        }
    };
    let mut platforms: Vec<Platform> =
        request.platforms.into_iter().map(|number| platform::required_platform(&mut shape, number)).collect();
    platforms.sort_unstable();
    platforms.dedup();
    shape.finish((named, platforms))
}

/// An upload for the wire.
pub(crate) fn media(media: Media) -> v1::Media {
    let stored = media.stored;
    v1::Media {
        media_id: stored.media_id.to_string(),
        sha256: stored.media_id.to_string(),
        size_bytes: whole(stored.facts.size_bytes),
        file_name: stored.file_name,
        content_type: stored.facts.container.content_type().to_owned(),
        facts: Some(facts(&stored.facts)),
        checks: checks(media.checks),
        warnings: vec![],
        created_at: Some(timestamp(stored.uploaded_at)),
        expires_at: media.expires_at.map(timestamp),
        existed: false,
    }
}

/// The answer of an upload.
pub(crate) fn received(received: Received) -> v1::Media {
    let warnings = received.warnings.into_iter().map(warning).collect();
    v1::Media { existed: received.existed, warnings, ..media(received.media) }
}

/// A page for the wire.
pub(crate) fn page(page: MediaPage) -> v1::ListMediaResponse {
    v1::ListMediaResponse {
        media: page.media.into_iter().map(media).collect(),
        next_page_token: page.next_page_token.unwrap_or_default(),
        used_bytes: whole(page.used_bytes),
        quota_bytes: whole(page.quota_bytes),
    }
}

/// What a look found out.
pub(crate) fn probed(probed: Probed) -> v1::ProbeVideoResponse {
    let checks = checks(probed.checks);
    v1::ProbeVideoResponse {
        valid: probed.violations.is_empty() && checks.iter().all(|check| check.fits),
        facts: probed.facts.as_ref().map(facts),
        violations: probed.violations.into_iter().map(|broken| violation(None, broken)).collect(),
        checks,
    }
}

fn checks(all: Vec<(Platform, Checked)>) -> Vec<v1::VideoCheck> {
    let check = |(of, checked): (Platform, Checked)| v1::VideoCheck {
        platform: of.number(),
        fits: checked.violations.is_empty(),
        violations: checked.violations.into_iter().map(|broken| violation(None, broken)).collect(),
        warnings: checked.warnings.into_iter().map(warning).collect(),
    };
    all.into_iter().map(check).collect()
}

fn facts(facts: &MediaFacts) -> v1::VideoFacts {
    let small = |number: Option<u32>| number.and_then(|number| i32::try_from(number).ok());
    let audio = facts.audio.as_ref();
    v1::VideoFacts {
        size_bytes: whole(facts.size_bytes),
        format: facts.container.as_str().to_owned(),
        duration: facts.duration_ms.map(platform::duration),
        width_pixels: small(facts.width),
        height_pixels: small(facts.height),
        video_codec: facts.video_codec.as_ref().map(|codec| codec.as_str().to_owned()).unwrap_or_default(),
        frame_rate: facts.frame_rate_millis.map(|millis| f64::from(millis) / 1000.0),
        has_audio: facts.has_audio,
        audio_codec: audio.map(|audio| audio.codec.clone()).unwrap_or_default(),
        audio_sample_rate_hz: audio.and_then(|audio| small(audio.sample_rate_hz)),
        audio_channels: audio.and_then(|audio| audio.channels.map(i32::from)),
        index_first: facts.moov_first,
    }
}

fn whole(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

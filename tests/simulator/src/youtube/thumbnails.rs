//! `thumbnails.set`: the custom picture of a video (sheet §7.3). The picture is hashed while it streams, never kept.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::call::{Broken, Call};
use crate::reply::{self, Reply};
use crate::sim::Sim;
use crate::youtube::api::{self, Api, UPLOAD};
use crate::youtube::error::Refusal;
use crate::youtube::quota::Cost;
use crate::youtube::video::{self, UploadStatus};

/// The path of the upload.
pub(crate) const PATH: &str = "/upload/youtube/v3/thumbnails/set";

const TYPES: [&str; 3] = ["image/jpeg", "image/png", "application/octet-stream"];
const JPEG: [u8; 3] = [0xFF, 0xD8, 0xFF];
const PNG: [u8; 4] = [0x89, b'P', b'N', b'G'];

/// A picture that came whole.
struct Picture {
    byte_count: u64,
    sha256: String,
    magic: Vec<u8>,
}

/// `POST …?videoId=`.
pub(crate) async fn set(sim: &Arc<Sim>, call: &mut Call) -> Reply {
    let limit = sim.youtube.lock().rules.max_thumbnail_bytes;
    let (mut hash, mut byte_count, mut magic) = (Sha256::new(), 0u64, Vec::new());
    while let Some(upload) = call.upload.as_mut() {
        match upload.next().await {
            Some(Ok(piece)) => {
                byte_count += piece.len() as u64;
                magic.extend(piece.iter().take(PNG.len().saturating_sub(magic.len())));
                hash.update(&piece);
            }
            Some(Err(Broken)) => return reply::text(400, "The body broke off."),
            None => break,
        }
        if byte_count > limit {
            break;
        }
    }
    let picture = Picture { byte_count, sha256: hex::encode(hash.finalize()), magic };
    api::run(sim, call, &UPLOAD, Cost::Units(50), |api| store(api, &picture))
}

fn store(api: &mut Api<'_>, picture: &Picture) -> api::ApiResult {
    let id = api.need("videoId")?.to_owned();
    let rules = api.state.rules.clone();
    let kind = TYPES.iter().any(|known| api.call.content_type_is(known));
    let known = picture.magic.starts_with(&JPEG) || picture.magic.starts_with(&PNG);
    if picture.byte_count == 0 {
        return Err(Refusal { domain: "youtube.thumbnail", ..Refusal::of("mediaBodyRequired") });
    }
    if !kind || !known || picture.byte_count > rules.max_thumbnail_bytes {
        return Err(Refusal::of("invalidImage"));
    }
    let video = api.state.videos.get(&id).filter(|video| video.upload_status != UploadStatus::Deleted);
    let video = video.ok_or_else(|| Refusal::of("videoNotFound").at("videoId", "parameter"))?;
    let channel = api.state.channels.get_mut(&api.access.channel).ok_or_else(|| Refusal::of("forbidden"))?;
    if video.channel != api.access.channel || !channel.profile.phone_verified {
        return Err(Refusal::of("forbidden")
            .say("The authenticated user doesn't have permissions to upload and set custom video thumbnails."));
    }
    if video.is_short() && video.upload_status == UploadStatus::Uploaded {
        return Err(Refusal::of("failedPrecondition").say("The video is still being processed."));
    }
    if !channel.thumbnails.admit(api.now, TimeDelta::hours(1), rules.thumbnails_per_hour) {
        return Err(Refusal::of("uploadRateLimitExceeded"));
    }
    if let Some(video) = api.state.videos.get_mut(&id) {
        video.thumbnail = Some(picture.sha256.clone());
    }
    Ok(reply::json(
        200,
        &json!({
            "kind": "youtube#thumbnailSetResponse",
            "etag": format!("thumbnail-{id}"),
            "items": [video::thumbnails(&id)],
        }),
    ))
}

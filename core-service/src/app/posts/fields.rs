//! Names of the content fields, and how one is applied.

use crate::domain::post::Content;

/// Fields that give the video.
pub(super) const OF_THE_VIDEO: [&str; 4] = ["video_job_id", "video_url", "media_id", "keep_copy"];

/// Whether a mask names a field of a content.
pub(super) fn names(mask: &[String], field: &str) -> bool {
    mask.iter().any(|named| named.strip_prefix("content.").unwrap_or(named) == field)
}

/// Applies one named field of a content. False when there is no such field.
pub(super) fn take(to: &mut Content, from: &Content, field: &str) -> bool {
    match field.strip_prefix("content.").unwrap_or(field) {
        "video_job_id" => to.video_job_id.clone_from(&from.video_job_id),
        // One follows from the other: who edits a post takes them together.
        "video_url" | "media_id" | "keep_copy" => {}
        "thumbnail_url" => to.thumbnail_url.clone_from(&from.thumbnail_url),
        "caption" => to.caption.clone_from(&from.caption),
        "hashtags" => to.hashtags.clone_from(&from.hashtags),
        "mentions" => to.mentions.clone_from(&from.mentions),
        "location" => to.location.clone_from(&from.location),
        "privacy_level" => to.privacy_level.clone_from(&from.privacy_level),
        "allow_comments" => to.allow_comments = from.allow_comments,
        "allow_duet" => to.allow_duet = from.allow_duet,
        "allow_stitch" => to.allow_stitch = from.allow_stitch,
        "metadata" => to.metadata.clone_from(&from.metadata),
        "platform_options" => to.options.clone_from(&from.options),
        _ => return false,
    }
    true
}

//! Broken rules of a request, and warnings about what was changed or ignored.

use serde::{Deserialize, Serialize};

/// The field of requests that names a video by its URL.
pub const VIDEO_URL_FIELD: &str = "content.video_url";

/// The field of requests that names an uploaded video.
pub const MEDIA_ID_FIELD: &str = "content.media_id";

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The field of the request that breaks it, for example `content.video_url`.
    pub field: &'static str,
    /// Stable name of the rule, for example `VIDEO_TOO_LARGE`.
    pub rule: &'static str,
    /// What was measured, with its unit.
    pub measured: String,
    /// The limit, with its unit.
    pub limit: String,
    /// What to do.
    pub remedy: String,
    /// A complete sentence, lower case, without full stop.
    pub message: String,
}

/// Something that was changed, ignored or not measurable, without harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable reason: `CAPTION_CUT`.
    pub code: String,
    /// The field it is about.
    pub field: String,
    /// A sentence for people.
    pub message: String,
}

//! Errors as Meta words them.
//!
//! One envelope for the Graph API (`error.code`, `error.error_subcode`, …), one for the Instagram token endpoint and
//! one for `rupload`. The Graph envelope comes with HTTP 400 for every documented row; a client that decides by status
//! instead of by code and subcode is wrong, and the simulator gives it the chance to show it.
//!
//! Codes: <https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/error-codes>,
//! <https://developers.facebook.com/docs/graph-api/guides/error-handling>.

use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::refusal::Refusal;
use crate::reply::{self, Reply};

/// `error.type` values.
pub(crate) const OAUTH: &str = "OAuthException";
/// Errors about the call itself rather than the login.
pub(crate) const METHOD: &str = "GraphMethodException";
/// The older type of `graph.instagram.com`.
pub(crate) const IG_API: &str = "IGApiException";

/// One Graph error.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GraphError {
    /// HTTP status, nearly always 400.
    pub(crate) status: u16,
    /// `error.code`; may be negative.
    pub(crate) code: i64,
    /// `error.error_subcode`, absent on many errors.
    pub(crate) subcode: Option<i64>,
    /// `error.type`.
    pub(crate) kind: &'static str,
    /// `error.message`.
    pub(crate) message: String,
    /// `error.is_transient`; Meta's value is unreliable, so it is only sent where Meta sends it.
    pub(crate) transient: Option<bool>,
    /// `error.error_user_title`.
    pub(crate) user_title: Option<&'static str>,
    /// `error.error_user_msg`.
    pub(crate) user_message: Option<String>,
}

impl GraphError {
    /// An `OAuthException` without subcode.
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code,
            subcode: None,
            kind: OAUTH,
            message: message.into(),
            transient: None,
            user_title: None,
            user_message: None,
        }
    }

    /// The same error with a subcode.
    pub(crate) fn sub(mut self, subcode: i64) -> Self {
        self.subcode = Some(subcode);
        self
    }

    /// The same error with another `type`.
    pub(crate) fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// A row of the table of known codes, with Meta's words where they are known.
    pub(crate) fn known(code: i64, subcode: Option<i64>) -> Self {
        let row = ROWS.iter().find(|row| row.0 == code && row.1 == subcode);
        let (message, title) = row.map_or(("An error occurred", ""), |row| (row.2, row.3));
        let mut error = Self::new(code, message);
        error.subcode = subcode;
        if subcode.is_some_and(|subcode| subcode > 2_207_000) {
            error.transient = Some(matches!(code, -1 | -2));
            error.user_title = (!title.is_empty()).then_some(title);
            error.user_message = Some(message.to_owned());
        }
        if (code, subcode) == (100, Some(33)) {
            error.kind = METHOD;
        }
        if matches!(code, 1 | 2) && subcode.is_none() {
            error.status = 500;
            error.transient = Some(code == 2);
        }
        error
    }

    /// `code` or `code/subcode` as text, as the control API and scripts name errors.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (code, subcode) = match text.split_once('/') {
            Some((code, subcode)) => (code, Some(subcode.parse().ok()?)),
            None => (text, None),
        };
        Some(Self::known(code.parse().ok()?, subcode))
    }

    /// A parameter that is missing or malformed: code 100 without subcode.
    pub(crate) fn param(message: impl std::fmt::Display) -> Self {
        Self::new(100, format!("(#100) {message}"))
    }

    /// Code 100 / 33: absent, not visible or unsupported; the same words for all three.
    pub(crate) fn unsupported(verb: &str, id: &str) -> Self {
        Self::new(
            100,
            format!(
                "Unsupported {verb} request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
                 permissions, or does not support this operation. Please read the Graph API documentation at \
                 https://developers.facebook.com/docs/graph-api"
            ),
        )
        .sub(33)
        .kind(METHOD)
    }

    /// A field that the node does not have.
    pub(crate) fn field(field: &str, node: &str) -> Self {
        Self::param(format!("Tried accessing nonexisting field ({field}) on node type ({node})"))
    }

    /// Permission missing.
    pub(crate) fn permission(scope: &str) -> Self {
        Self::new(10, format!("(#10) Application does not have permission for this action ({scope})"))
    }

    /// The token cannot be read: wrong host, or not a token.
    pub(crate) fn cannot_parse_token() -> Self {
        Self::new(190, "Invalid OAuth access token - Cannot parse access token")
    }

    /// The envelope.
    pub(crate) fn body(&self, trace: &str) -> Value {
        let mut error = Map::new();
        error.insert("message".into(), json!(self.message));
        error.insert("type".into(), json!(self.kind));
        error.insert("code".into(), json!(self.code));
        if let Some(subcode) = self.subcode {
            error.insert("error_subcode".into(), json!(subcode));
        }
        if let Some(transient) = self.transient {
            error.insert("is_transient".into(), json!(transient));
        }
        if let Some(title) = self.user_title {
            error.insert("error_user_title".into(), json!(title));
        }
        if let Some(message) = &self.user_message {
            error.insert("error_user_msg".into(), json!(message));
        }
        error.insert("fbtrace_id".into(), json!(trace));
        json!({ "error": error })
    }

    /// The envelope as an answer.
    pub(crate) fn reply(&self, random: &Random) -> Reply {
        reply::json(self.status, &self.body(&format!("A{}", random.token(22))))
    }
}

/// The Instagram token endpoint's own envelope.
pub(crate) fn instagram_token_error(message: &str) -> Reply {
    reply::json(400, &json!({ "error_type": OAUTH, "code": 400, "error_message": message }))
}

/// The `rupload` envelope.
pub(crate) fn upload_error(status: u16, retriable: bool, kind: &str, message: &str) -> Reply {
    reply::json(status, &json!({ "debug_info": { "retriable": retriable, "type": kind, "message": message } }))
}

/// code, subcode, message, user title.
type Row = (i64, Option<i64>, &'static str, &'static str);

/// Every row of the Instagram sheet's §7 and of the Facebook sheet's §2.6, §3 and §4.
const ROWS: &[Row] = &[
    (-2, Some(2207003), "It takes too long to download the media.", "Timeout"),
    (-2, Some(2207020), "The media you are trying to access has expired. Please try to upload again.", "Media Expired"),
    (-1, Some(2207001), "Instagram server error. Try again.", "Server Error"),
    (-1, Some(2207032), "Create media fail, please try to re-create media", "Failed to create media"),
    (-1, Some(2207053), "unknown upload error", "Unknown upload error"),
    (-1, Some(2207073), "Deleting this kind of media is not supported.", "Not supported"),
    (1, None, "An unknown error occurred", ""),
    (
        1,
        Some(2207057),
        "Thumbnail offset must be greater than or equal to 0 and less than video duration, i.e. 0 <= thumb_offset < duration",
        "Invalid thumbnail offset",
    ),
    (2, None, "Service temporarily unavailable", ""),
    (3, None, "(#3) Application does not have the capability to make this API call.", ""),
    (4, None, "(#4) Application request limit reached", ""),
    (4, Some(2207051), "Application request limit reached", "We restrict certain activity to protect our community"),
    (
        9,
        Some(2207042),
        "You reached maximum number of posts that is allowed to be published by Content Publishing API.",
        "Application request limit reached",
    ),
    (10, None, "(#10) Application does not have permission for this action", ""),
    (17, None, "(#17) User request limit reached", ""),
    (24, Some(2207006), "The requested resource does not exist", "The media could not be found"),
    (
        24,
        Some(2207008),
        "The requested resource does not exist",
        "Media builder with that ID does not exist or has expired",
    ),
    (
        25,
        Some(2207050),
        "The Instagram account is restricted.",
        "The Instagram account is inactive, checkpointed, or restricted",
    ),
    (32, None, "(#32) Page request limit reached", ""),
    (100, None, "(#100) Invalid parameter", ""),
    (100, Some(33), "Authorization Error", ""),
    (100, Some(36007), "This authorization code has expired.", ""),
    (
        100,
        Some(36008),
        "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request",
        "",
    ),
    (100, Some(36009), "This authorization code has been used.", ""),
    (100, Some(2207023), "The media type is unknown.", "Unknown media type"),
    (
        100,
        Some(2207028),
        "Your post won't work as a carousel. Carousels need at least 2 photos/videos and no more than 10 photos/videos.",
        "Invalid carousel",
    ),
    (100, Some(2207035), "Product tag positions should not be specified for video media.", "Invalid product tag"),
    (100, Some(2207036), "Product tag positions are required for photo media.", "Invalid product tag"),
    (
        100,
        Some(2207037),
        "We couldn't add all of your product tags. The product ID may be incorrect, the product may be deleted, or you may not have permission to tag the product.",
        "Invalid product tag",
    ),
    (100, Some(2207040), "Cannot use more than 20 tags per created media.", "Too many tags"),
    (100, Some(2207081), "This account is not eligible for trial reels.", "Trial reels not available"),
    (100, Some(2207089), "A carousel item cannot be published alone.", "Invalid media type"),
    (102, None, "The session is invalid or was logged out", ""),
    (104, None, "Incorrect signature", ""),
    (190, None, "Invalid OAuth access token - Cannot parse access token", ""),
    (190, Some(458), "Error validating access token: The user has not authorized application.", ""),
    (
        190,
        Some(459),
        "Error validating access token: You cannot access the app till you log in to www.facebook.com and follow the instructions given.",
        "",
    ),
    (
        190,
        Some(460),
        "Error validating access token: The session has been invalidated because the user changed their password or Facebook has changed the session for security reasons.",
        "",
    ),
    (190, Some(463), "Error validating access token: Session has expired.", ""),
    (
        190,
        Some(464),
        "Error validating access token: Sessions for the user are not allowed because the user is not a confirmed user.",
        "",
    ),
    (
        190,
        Some(467),
        "Error validating access token: This may be because the user logged out or may be due to a system error.",
        "",
    ),
    (
        190,
        Some(492),
        "Error validating access token: The user must be an administrator, editor, or moderator of the page in order to impersonate it.",
        "",
    ),
    (
        190,
        Some(2069032),
        "User access token is not supported: a Page access token is required for this call",
        "User Access Token Is Not Supported",
    ),
    (200, None, "(#200) The user has not granted the permission that this action needs", ""),
    (200, Some(1404078), "(#200) The Page must complete Page Publishing Authorization before it can publish", ""),
    (200, Some(4854002), "(#200) Please confirm your identity in the Facebook app to publish", "Confirm Your Identity"),
    (210, None, "(#210) User not visible", ""),
    (283, None, "(#283) Requires pages_read_engagement permission to manage the object", ""),
    (341, None, "(#341) Application limit reached", ""),
    (
        352,
        Some(2207026),
        "The video format is not supported. Please check spec for supported video format.",
        "Unsupported video format",
    ),
    (368, None, "(#368) The action attempted has been deemed abusive or is otherwise disallowed", ""),
    (382, None, "(#382) The video file you selected is too small. Please try again with a larger file.", ""),
    (389, None, "(#389) Unable to fetch video file from URL.", ""),
    (506, None, "(#506) Duplicate status message", ""),
    (613, None, "(#613) Calls to this api have exceeded the rate limit.", ""),
    (6000, None, "(#6000) There was a problem uploading your video file. Please try again with another file.", ""),
    (6001, None, "(#6001) There was a problem uploading your video. Please try again.", ""),
    (
        9004,
        Some(2207052),
        "The media could not be fetched from this uri.",
        "Only photo or video can be accepted as media type.",
    ),
    (
        9007,
        Some(2207027),
        "Media ID is not available",
        "The media is not ready for publishing, please wait for a moment",
    ),
    (36000, Some(2207004), "The image size is too large.", "Image size"),
    (36001, Some(2207005), "The image format is not supported.", "Image format"),
    (36003, Some(2207009), "The submitted image with aspect ratio cannot be published.", "Image ratio"),
    (36004, Some(2207010), "The caption was too long.", "Caption too long"),
    (1363030, None, "The video could not be processed. Please try to upload it again.", ""),
    (1363040, None, "The aspect ratio of the video must be between 16:9 and 9:16.", ""),
    (1363127, None, "The resolution of the video is below the minimum of 540x960.", ""),
    (1363128, None, "The duration of the video must be between 3 and 90 seconds.", ""),
    (1363129, None, "The frame rate of the video must be between 24 and 60 frames per second.", ""),
    (100, Some(1363040), "The aspect ratio of the video must be between 16:9 and 9:16.", ""),
    (100, Some(1363127), "The resolution of the video is below the minimum of 540x960.", ""),
    (100, Some(1363128), "The duration of the video must be between 3 and 90 seconds.", ""),
    (100, Some(1363129), "The frame rate of the video must be between 24 and 60 frames per second.", ""),
    (80001, None, "(#80001) There have been too many calls to this Page account. Wait a bit and try again.", ""),
    (80002, None, "(#80002) There have been too many calls to this Instagram account. Wait a bit and try again.", ""),
];

/// Every row as an answer, by its name in scripts.
pub(crate) fn refusals() -> Vec<Refusal> {
    let refusal = |row: &Row| {
        let (code, subcode) = (row.0, row.1);
        let name = subcode.map_or(code.to_string(), |subcode| format!("{code}/{subcode}"));
        let error = GraphError::known(code, subcode);
        Refusal { name, status: error.status, body: Some(error.body("AsAskedFor0000000000000")) }
    };
    ROWS.iter().map(refusal).collect()
}

/// The error of a video-processing failure, as far as the container's `status` text tells it.
pub(crate) fn status_sentence(error: &GraphError) -> String {
    format!("Error: Media upload has failed with error code {}", error.subcode.unwrap_or(error.code))
}

//! TikTok's limits and lifetimes, each with the platform's value as default.
//!
//! Tests that drive ten thousand posts raise the limits; everything else keeps them. The sheet's UNCONFIRMED answers
//! are switches here, so that a client can be tried against both readings.

use serde::{Deserialize, Serialize};

/// What the simulated TikTok enforces. Spans are seconds of the simulator's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Life of an access token.
    pub access_token_seconds: i64,
    /// Life of a refresh token.
    pub refresh_token_seconds: i64,
    /// Life of an authorization code.
    pub code_seconds: i64,
    /// OAuth failures as HTTP 200 instead of 400/401 (what the status is, TikTok does not say).
    pub oauth_errors_as_200: bool,
    /// The app counts as desktop app: PKCE with the hex challenge is required.
    pub desktop_app: bool,
    /// The app has not passed the audit: private accounts and `SELF_ONLY` only, at most `posting_users_per_day`.
    pub unaudited: bool,
    /// Inits per minute and token, each init endpoint for itself.
    pub init_per_minute: u32,
    /// `creator_info` per minute and token.
    pub creator_info_per_minute: u32,
    /// `status/fetch` per minute and token.
    pub status_per_minute: u32,
    /// `user/info`, `video/list` and `video/query` per minute, each, and token.
    pub display_per_minute: u32,
    /// Direct posts per creator in 24 hours.
    pub posts_per_day: u32,
    /// Distinct posting creators of the app in 24 hours; 5 for an unaudited app, `None` means no cap.
    pub posting_users_per_day: Option<u32>,
    /// Inbox shares that wait for the creator, in 24 hours.
    pub pending_shares_per_day: u32,
    /// Life of an upload URL.
    pub upload_url_seconds: i64,
    /// How long a publish id is answered for.
    pub publish_id_seconds: i64,
    /// Largest video in bytes.
    pub max_video_bytes: u64,
    /// Reject plans of one chunk above 64 MB, as reported since August 2026.
    pub strict_single_chunk: bool,
    /// Sending an accepted range again gives 416 (true) or the earlier answer (false).
    pub resent_range_is_416: bool,
    /// `invalid_params` (seen live) or `invalid_param` (Content Posting pages).
    pub invalid_param_code: String,
    /// `log_id` (examples) or `logid` (field tables).
    pub log_id_field: String,
    /// URL prefixes that count as verified for PULL_FROM_URL; loopback and private hosts always do when
    /// `local_pull` is on.
    pub verified_prefixes: Vec<String>,
    /// Take http URLs of loopback and private hosts for PULL_FROM_URL, without verification.
    pub local_pull: bool,
    /// Whether received files are checked (format, duration, frame rate, picture size) during processing.
    pub check_media: bool,
    /// Real seconds a pull may take.
    pub pull_timeout_seconds: u64,
    /// Whether branded content with `SELF_ONLY` is refused (`invalid_params`; the API's answer is not documented).
    pub refuse_private_branded_content: bool,
    /// Whether a refresh gives the new refresh token a full life again, or what was left of the old one.
    pub refresh_restarts_life: bool,
    /// `Content-Range` of upload answers counts bytes (true) or names the last index (false); the docs say both.
    pub progress_header_is_count: bool,
    /// What becomes of a task whose upload URL ran out: `FAILED` with this reason, or `None`: it stays
    /// `PROCESSING_UPLOAD` for ever.
    pub abandoned_upload_reason: Option<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            access_token_seconds: 7_200,
            refresh_token_seconds: 15_552_000,
            code_seconds: 300,
            oauth_errors_as_200: false,
            desktop_app: false,
            unaudited: false,
            init_per_minute: 6,
            creator_info_per_minute: 20,
            status_per_minute: 30,
            display_per_minute: 600,
            posts_per_day: 15,
            posting_users_per_day: None,
            pending_shares_per_day: 5,
            upload_url_seconds: 3_600,
            publish_id_seconds: 30 * 86_400,
            max_video_bytes: 4_000_000_000,
            strict_single_chunk: true,
            resent_range_is_416: true,
            invalid_param_code: "invalid_params".into(),
            log_id_field: "log_id".into(),
            verified_prefixes: Vec::new(),
            local_pull: true,
            check_media: true,
            pull_timeout_seconds: 3_600,
            refuse_private_branded_content: true,
            refresh_restarts_life: true,
            progress_header_is_count: false,
            abandoned_upload_reason: None,
        }
    }
}

impl Rules {
    /// Limits that a load test does not run into; lifetimes and checks stay.
    pub fn without_limits() -> Self {
        Rules {
            init_per_minute: u32::MAX,
            creator_info_per_minute: u32::MAX,
            status_per_minute: u32::MAX,
            display_per_minute: u32::MAX,
            posts_per_day: u32::MAX,
            pending_shares_per_day: u32::MAX,
            ..Rules::default()
        }
    }
}

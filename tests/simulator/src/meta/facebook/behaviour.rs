//! Everything about Pages that can be switched: open questions, known quirks, limits and lifetimes.
//!
//! One [`Behaviour`] holds for all Pages, and any Page can have its own. What the sheet marks UNCONFIRMED is a switch
//! here instead of a fact in the code. Times run on the simulated clock unless they say otherwise.

use serde::{Deserialize, Serialize};

use crate::meta::error::GraphError;

/// How the simulated Facebook behaves towards a Page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Behaviour {
    /// From the accepted finish (or the complete file, if that is later) to the end of processing.
    pub(crate) processing_ms: i64,
    /// From the end of processing to the visible post.
    pub(crate) publishing_ms: i64,
    /// How long the status still says `not_started` after an accepted finish.
    pub(crate) finish_lag_ms: i64,
    /// So many reads of a video whose finish shows say that processing failed, with the error of `failure`, which is not
    /// so (no page says that it happens, or that it cannot).
    pub(crate) passing_errors: u32,
    /// Every video ends in an error of this phase.
    pub(crate) fails_in: Option<Phase>,
    /// The error of `fails_in` and `passing_errors`, `code` or `code/subcode`.
    pub(crate) failure: String,
    /// Where an unsuitable file is told.
    pub(crate) media_errors: MediaErrors,
    /// Whether the video itself is checked against the rules for Reels.
    pub(crate) media_checks: bool,
    /// What a second finish of the same video does.
    pub(crate) second_finish: SecondFinish,
    /// The error of [`SecondFinish::Error`].
    pub(crate) second_finish_error: String,
    /// Start and finish are refused with this error, for example `200/4854002` (identity to be confirmed).
    pub(crate) publish_error: Option<String>,
    /// Reels that an app may publish per Page and rolling 24 hours.
    pub(crate) reels_per_day: usize,
    /// The error beyond it (not documented by Meta).
    pub(crate) reel_limit_error: String,
    /// An upload that is not finished by then expires.
    pub(crate) upload_life_s: i64,
    /// `GET /{video}` answers 100 / 33.
    pub(crate) videos_unreadable: bool,
    /// So many reads of a live video still lack `post_id`.
    pub(crate) post_id_missing_reads: u32,
    /// `permalink_url` is a path without a host.
    pub(crate) relative_permalink: bool,
    /// `GET /{page}/video_reels` works, instead of 100.
    pub(crate) reel_list: bool,
    /// Reels are in `/{page}/feed`, which Meta's pages deny.
    pub(crate) reels_in_feed: bool,
    /// Phases say `completed` instead of `complete`.
    pub(crate) completed: bool,
    /// `bytes_transferred` instead of `bytes_transfered`.
    pub(crate) transferred: bool,
    /// Errors of a phase come as a list `errors` instead of an object `error`.
    pub(crate) errors_list: bool,
    /// An error shows while its phase still says `not_started` and the video `processing`.
    pub(crate) error_while_not_started: bool,
    /// Phases that have not begun are missing.
    pub(crate) omit_phases: bool,
    /// Fields that no page of Meta's mentions.
    pub(crate) extra_fields: bool,
    /// Real milliseconds a download may take.
    pub(crate) fetch_timeout_ms: u64,
    /// How many redirects of a `file_url` are followed (UNCONFIRMED).
    pub(crate) fetch_redirects: usize,
    /// Largest file.
    pub(crate) max_bytes: u64,
    /// A short upright video that is sent to `/{page}/videos` becomes a draft.
    pub(crate) upright_becomes_draft: bool,
    /// The error of `POST /{page}/videos`, for example `389`.
    pub(crate) video_post_error: Option<String>,
    /// Fewer than 100 likes: insights are empty.
    pub(crate) few_likes: bool,
    /// `post_impressions_unique` is refused in `video_insights` (UNCONFIRMED).
    pub(crate) reach_removed: bool,
    /// Calls per Page and hour before 80001.
    pub(crate) call_limit: Option<u32>,
    /// Minutes until a throttled Page may be called again; every call in between starts them anew.
    pub(crate) regain_minutes: i64,
    /// From how many percent on the usage header is sent.
    pub(crate) usage_headers_from: u32,
}

/// A phase of a video's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    Uploading,
    Processing,
    Publishing,
}

/// Where an unsuitable file is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MediaErrors {
    /// In the status, after the finish was accepted.
    Status,
    /// The finish is refused with the number as `code`.
    Code,
    /// The finish is refused with code 100 and the number as `error_subcode`.
    Subcode,
}

/// What a second finish of the same video does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SecondFinish {
    /// `{"success":true}`, and nothing more happens.
    Success,
    /// It is refused.
    Error,
    /// The worst case: a second post.
    Duplicate,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            processing_ms: 2_000,
            publishing_ms: 0,
            finish_lag_ms: 0,
            passing_errors: 0,
            fails_in: None,
            failure: "1363030".to_owned(),
            media_errors: MediaErrors::Status,
            media_checks: true,
            second_finish: SecondFinish::Success,
            second_finish_error: "100".to_owned(),
            publish_error: None,
            reels_per_day: 30,
            reel_limit_error: "613".to_owned(),
            upload_life_s: 86_400,
            videos_unreadable: false,
            post_id_missing_reads: 1,
            relative_permalink: true,
            reel_list: true,
            reels_in_feed: false,
            completed: false,
            transferred: false,
            errors_list: false,
            error_while_not_started: false,
            omit_phases: false,
            extra_fields: false,
            fetch_timeout_ms: 30_000,
            fetch_redirects: 5,
            max_bytes: 16 << 30,
            upright_becomes_draft: true,
            video_post_error: None,
            few_likes: false,
            reach_removed: false,
            call_limit: None,
            regain_minutes: 5,
            usage_headers_from: 10,
        }
    }
}

impl Behaviour {
    /// The behaviour with some fields changed; `Err` names an unknown field, a wrong type or an unknown error code.
    pub(crate) fn patched(&self, patch: &serde_json::Value) -> Result<Self, String> {
        let mut whole = serde_json::to_value(self).map_err(|error| error.to_string())?;
        let (Some(whole_map), Some(patch)) = (whole.as_object_mut(), patch.as_object()) else {
            return Err("an object of behaviour fields is needed".to_owned());
        };
        for (name, value) in patch {
            whole_map.insert(name.clone(), value.clone());
        }
        let patched: Self = serde_json::from_value(whole).map_err(|error| error.to_string())?;
        let errors = [
            Some(&patched.failure),
            Some(&patched.second_finish_error),
            Some(&patched.reel_limit_error),
            patched.publish_error.as_ref(),
            patched.video_post_error.as_ref(),
        ];
        for name in errors.into_iter().flatten() {
            if GraphError::parse(name).is_none() {
                return Err(format!("{name} is no error code"));
            }
        }
        Ok(patched)
    }
}

/// The error that a switch names; the switch was checked when it was set.
pub(crate) fn error_of(name: &str) -> GraphError {
    GraphError::parse(name).unwrap_or_else(|| GraphError::known(1, None))
}

//! YouTube's limits and lifetimes, each with Google's value of November 2026 as default.
//!
//! What changed in 2025 and 2026 (quota costs, the private lock of unverified projects) is a switch with the new
//! behaviour as default. What the sheet calls UNCONFIRMED is a switch too, so that a client can be tried against both
//! readings.

use serde::{Deserialize, Serialize};

/// What the simulated YouTube enforces. Spans are seconds of the simulator's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Life of an access token.
    pub access_token_seconds: i64,
    /// Life of an authorization code.
    pub code_seconds: i64,
    /// The project's publishing status is "Testing": refresh tokens end after seven days.
    pub testing: bool,
    /// A refresh token that is unused for so long ends.
    pub refresh_idle_seconds: i64,
    /// Refresh tokens per Google account and client; the oldest is dropped silently.
    pub refresh_tokens_per_account: usize,
    /// General units per project and day.
    pub units_per_day: u32,
    /// `videos.insert` calls per project and day.
    pub uploads_per_day: u32,
    /// `search.list` calls per project and day.
    pub searches_per_day: u32,
    /// `videos.batchGetStats` calls per project and day.
    pub stats_per_day: u32,
    /// Before June 2026: `videos.insert` cost so many general units instead of one of its own bucket.
    pub legacy_insert_units: Option<u32>,
    /// Before November 2026: uploads of an unverified project are locked as private.
    pub force_private: bool,
    /// Privacy of a video that is uploaded or updated without one.
    pub default_privacy: Privacy,
    /// Life of an upload session.
    pub session_seconds: i64,
    /// How long a finished session still answers a query; absent = as long as the session lives.
    pub finished_session_seconds: Option<i64>,
    /// An unknown or expired session answers 410 instead of 404.
    pub session_gone_is_410: bool,
    /// Status of the answer to the last byte: 201, or 200 as clients also see.
    pub created_status: u16,
    /// All chunks but the last must have the size of the first.
    pub equal_chunks: bool,
    /// At most so many bytes of one request are kept, in whole blocks of 256 KiB.
    pub keep_bytes: Option<u64>,
    /// `Retry-After` on 308 answers.
    pub retry_after_seconds: Option<u32>,
    /// Status of the answer to a range that overlaps or leaves a gap: 400, or 503 as one client saw.
    pub range_error_status: u16,
    /// A PUT to a session without `Authorization` is refused.
    pub session_needs_token: bool,
    /// Bad metadata is refused after the last byte instead of at the initiation.
    pub late_validation: bool,
    /// A `publishAt` in the past publishes at once instead of being refused.
    pub past_publish_at_publishes: bool,
    /// How long a new video is missing in the uploads playlist.
    pub uploads_list_lag_seconds: i64,
    /// How long a new video is missing in `search.list`, and a deleted one stays in it.
    pub search_lag_seconds: i64,
    /// Whether received files are checked during processing.
    pub check_media: bool,
    /// Largest video in bytes.
    pub max_video_bytes: u64,
    /// Largest thumbnail in bytes.
    pub max_thumbnail_bytes: u64,
    /// Thumbnails per channel and hour; beyond, 429.
    pub thumbnails_per_hour: u32,
    /// An account without a channel answers `channels.list` with 401 instead of an empty list.
    pub no_channel_is_401: bool,
    /// Messages hold HTML where Google's do.
    pub html_in_messages: bool,
    /// The newer `error.status` is in the envelope.
    pub error_status: bool,
    /// `batchGetStats` leaves every second video out.
    pub partial_stats: bool,
}

/// `status.privacyStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// Everybody.
    Public,
    /// Everybody who has the link.
    Unlisted,
    /// The owner.
    Private,
}

impl Privacy {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Privacy::Public => "public",
            Privacy::Unlisted => "unlisted",
            Privacy::Private => "private",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Privacy::Public, Privacy::Unlisted, Privacy::Private].into_iter().find(|privacy| privacy.word() == word)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            access_token_seconds: 3_599,
            code_seconds: 600,
            testing: false,
            refresh_idle_seconds: 15_552_000,
            refresh_tokens_per_account: 100,
            units_per_day: 10_000,
            uploads_per_day: 100,
            searches_per_day: 100,
            stats_per_day: 10_000,
            legacy_insert_units: None,
            force_private: false,
            default_privacy: Privacy::Public,
            session_seconds: 604_800,
            finished_session_seconds: None,
            session_gone_is_410: false,
            created_status: 201,
            equal_chunks: true,
            keep_bytes: None,
            retry_after_seconds: None,
            range_error_status: 400,
            session_needs_token: false,
            late_validation: false,
            past_publish_at_publishes: false,
            uploads_list_lag_seconds: 0,
            search_lag_seconds: 60,
            check_media: true,
            max_video_bytes: 256 << 30,
            max_thumbnail_bytes: 50 << 20,
            thumbnails_per_hour: 100,
            no_channel_is_401: false,
            html_in_messages: true,
            error_status: true,
            partial_stats: false,
        }
    }
}

impl Rules {
    /// The defaults without the project's quotas, for tests with thousands of posts.
    pub fn without_limits() -> Self {
        Rules {
            units_per_day: u32::MAX,
            uploads_per_day: u32::MAX,
            searches_per_day: u32::MAX,
            stats_per_day: u32::MAX,
            ..Rules::default()
        }
    }
}

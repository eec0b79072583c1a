//! Everything about Meta that can be switched: open questions, known quirks, limits and lifetimes.
//!
//! One [`Behaviour`] holds for all, and any account can have its own. What the sheet marks UNCONFIRMED is a switch
//! here instead of a fact in the code. Times run on the simulated clock unless they say otherwise.

use serde::{Deserialize, Serialize};

use super::container::Status;

/// How the simulated Meta behaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Behaviour {
    /// From the complete video to `FINISHED`, in milliseconds.
    pub(crate) processing_ms: i64,
    /// Where a failing download shows.
    pub(crate) fetch_errors: FetchErrors,
    /// Real milliseconds a download may take before -2 / 2207003.
    pub(crate) fetch_timeout_ms: u64,
    /// How many redirects of `video_url` are followed (UNCONFIRMED, so both ways can be tested).
    pub(crate) fetch_redirects: usize,
    /// Whether the video itself is checked against the Reels rules.
    pub(crate) media_checks: bool,
    /// Whether a video without sound is refused (UNCONFIRMED).
    pub(crate) refuse_silent: bool,
    /// Every container ends in `ERROR` with this `code/subcode`.
    pub(crate) processing_error: Option<String>,
    /// Containers per account and rolling 24 hours.
    pub(crate) container_limit: usize,
    /// The error beyond it, `code` or `code/subcode` (not documented by Meta).
    pub(crate) container_limit_error: String,
    /// `config.quota_total`: Meta's pages say 25, 50 and 100.
    pub(crate) quota_total: usize,
    /// What a caption's length is counted in (UNCONFIRMED).
    pub(crate) caption_unit: CaptionUnit,
    /// Whether captions read back without `@`; `None` = unless the caller holds the `MANAGE` task.
    pub(crate) captions_without_at: Option<bool>,
    /// What a second publish of a published container does.
    pub(crate) second_publish: SecondPublish,
    /// The error of [`SecondPublish::Error`].
    pub(crate) second_publish_error: String,
    /// From the accepted publish to the visible post; the container reads `IN_PROGRESS` meanwhile.
    pub(crate) publish_takes_ms: i64,
    /// How long the container still reads `FINISHED` after the post is visible.
    pub(crate) published_lag_ms: i64,
    /// How long the post is missing in the media list.
    pub(crate) list_lag_ms: i64,
    /// What successive status reads after the publish say, before they tell the truth.
    pub(crate) reads_after_publish: Vec<Status>,
    /// `GET /{container}` answers 100 / 33.
    pub(crate) containers_unreadable: bool,
    /// `GET /{media}` answers 100 / 33; the list still works.
    pub(crate) media_unreadable: bool,
    /// This many reads of a media's `permalink` fail; counted down per account.
    pub(crate) permalink_failures: u32,
    /// How they fail.
    pub(crate) permalink_error: String,
    /// `media_product_type` on `graph.instagram.com` (documented for Facebook Login only).
    pub(crate) instagram_product_type: bool,
    /// After this many seconds a published container cannot be read any more (UNCONFIRMED when).
    pub(crate) forget_published_after_s: Option<i64>,
    /// Shape of the short Instagram token's answer.
    pub(crate) instagram_token_shape: Shape,
    /// Shape of `graph.instagram.com/me`.
    pub(crate) instagram_me_shape: Shape,
    /// `expires_in` missing in token answers of Facebook Login.
    pub(crate) omit_expires_in: bool,
    /// Lifetime of short Facebook tokens.
    pub(crate) short_token_s: i64,
    /// Lifetime of short Instagram tokens.
    pub(crate) instagram_short_token_s: i64,
    /// Lifetime of long tokens of both flavours.
    pub(crate) long_token_s: i64,
    /// Lifetime of codes of Facebook Login.
    pub(crate) code_s: i64,
    /// Lifetime of codes of Instagram Login.
    pub(crate) instagram_code_s: i64,
    /// `#_=_` behind the redirect of Facebook's dialog (UNCONFIRMED).
    pub(crate) facebook_fragment: bool,
    /// A revocation answers plain `true`, as its page prints it, instead of `{"success":true}`.
    pub(crate) revoke_answers_true: bool,
    /// Whether exchanging a long-lived Facebook token starts a new 60 days (UNCONFIRMED).
    pub(crate) exchange_prolongs: bool,
    /// Whether refreshing an Instagram token ends the old one (UNCONFIRMED).
    pub(crate) refresh_ends_old: bool,
    /// `/me/accounts` is empty in spite of all permissions.
    pub(crate) accounts_empty: bool,
    /// Calls per account and hour before throttling.
    pub(crate) account_call_limit: Option<u32>,
    /// Calls per app and hour before throttling (code 4); only the common value counts.
    pub(crate) app_call_limit: Option<u32>,
    /// The account's throttling code: 80002, 17, 32 or 613.
    pub(crate) throttle_code: i64,
    /// Minutes until a throttled account may call again; every call in between starts them anew.
    pub(crate) regain_minutes: i64,
    /// From how many percent on the usage headers are sent.
    pub(crate) usage_headers_from: u32,
    /// `error.type` of `graph.instagram.com` is the older `IGApiException`.
    pub(crate) instagram_api_exception: bool,
}

/// Where a failing download shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FetchErrors {
    /// Only in the container's status.
    Container,
    /// In the answer to the creation; no container is made.
    Create,
}

/// What a caption's length is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CaptionUnit {
    /// Unicode code points.
    Characters,
    /// UTF-16 code units.
    Utf16,
}

/// What a second publish of the same container does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SecondPublish {
    /// The first media id comes back.
    SameId,
    /// It is refused.
    Error,
    /// The worst case: a second post.
    Duplicate,
}

/// `{"data":[{…}]}` as the pages print it, or the object itself as clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// Wrapped in `data`.
    Data,
    /// Top level.
    Flat,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            processing_ms: 2_000,
            fetch_errors: FetchErrors::Container,
            fetch_timeout_ms: 30_000,
            fetch_redirects: 5,
            media_checks: true,
            refuse_silent: false,
            processing_error: None,
            container_limit: 400,
            container_limit_error: "9".to_owned(),
            quota_total: 50,
            caption_unit: CaptionUnit::Characters,
            captions_without_at: None,
            second_publish: SecondPublish::Error,
            second_publish_error: "24/2207006".to_owned(),
            publish_takes_ms: 0,
            published_lag_ms: 0,
            list_lag_ms: 0,
            reads_after_publish: Vec::new(),
            containers_unreadable: false,
            media_unreadable: false,
            permalink_failures: 0,
            permalink_error: "100/33".to_owned(),
            instagram_product_type: false,
            forget_published_after_s: None,
            instagram_token_shape: Shape::Data,
            instagram_me_shape: Shape::Flat,
            omit_expires_in: false,
            short_token_s: 5_400,
            instagram_short_token_s: 3_600,
            long_token_s: 5_183_944,
            code_s: 600,
            instagram_code_s: 3_600,
            facebook_fragment: false,
            revoke_answers_true: false,
            exchange_prolongs: false,
            refresh_ends_old: false,
            accounts_empty: false,
            account_call_limit: None,
            app_call_limit: None,
            throttle_code: 80_002,
            regain_minutes: 5,
            usage_headers_from: 10,
            instagram_api_exception: false,
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
            Some(&patched.container_limit_error),
            Some(&patched.second_publish_error),
            Some(&patched.permalink_error),
            patched.processing_error.as_ref(),
        ];
        for name in errors.into_iter().flatten() {
            if super::error::GraphError::parse(name).is_none() {
                return Err(format!("{name} is no error code"));
            }
        }
        Ok(patched)
    }
}

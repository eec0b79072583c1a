//! What TikTok's refusals mean: one table for API codes, one for the reasons of FAILED, one for OAuth. A code that
//! stands in no table has no meaning here, and after a write began nothing may be concluded from it.
//!
//! Read on 22 November 2026:
//! <https://developers.tiktok.com/docs/en/content-posting-api-reference-direct-post>,
//! <https://developers.tiktok.com/doc/content-posting-api-reference-query-creator-info>,
//! <https://developers.tiktok.com/doc/content-posting-api-reference-get-video-status>,
//! <https://developers.tiktok.com/doc/tiktok-api-v2-error-handling>,
//! <https://developers.tiktok.com/doc/oauth-error-handling>.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::failure::{Failure, FailureClass, Reason};

/// The shortest wait after `rate_limit_exceeded`: TikTok counts by the minute and tells no time.
pub(super) const RATE_LIMIT_WAIT: TimeDelta = TimeDelta::seconds(60);

/// Longest text of TikTok's that is passed on.
const MAX_MESSAGE: usize = 200;

/// A class without its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Transient,
    RateLimited,
    Quota,
    AuthExpired,
    NeedsReconnect,
    InvalidMedia,
    InvalidRequest,
    Permanent,
}

/// One row: code, class, reason, message, remedy.
struct Row(&'static str, Kind, Reason, &'static str, &'static str);

/// API codes that are refusals: nothing was created. `internal_error` is no refusal and stands apart.
const REFUSALS: &[Row] = &[
    Row(
        "access_token_invalid",
        Kind::AuthExpired,
        Reason::TokenInvalid,
        "TikTok refuses the account's token",
        "the token is refreshed by itself; connect the account again if this stays",
    ),
    Row(
        "scope_not_authorized",
        Kind::NeedsReconnect,
        Reason::ScopeMissing,
        "the account did not grant a scope that this needs",
        "connect the account again and leave every permission ticked",
    ),
    Row(
        "scope_permission_missed",
        Kind::NeedsReconnect,
        Reason::ScopeMissing,
        "the account did not grant a scope that this needs",
        "connect the account again and leave every permission ticked",
    ),
    Row(
        "rate_limit_exceeded",
        Kind::RateLimited,
        Reason::RateLimitExceeded,
        "TikTok asks to slow down",
        "nothing to do: it is sent again after a minute",
    ),
    Row(
        "invalid_param",
        Kind::InvalidRequest,
        Reason::PlatformRefused,
        "TikTok refuses the request",
        "see the platform's own words in the message",
    ),
    Row(
        "invalid_params",
        Kind::InvalidRequest,
        Reason::PlatformRefused,
        "TikTok refuses the request",
        "see the platform's own words in the message",
    ),
    Row(
        "invalid_file_upload",
        Kind::InvalidMedia,
        Reason::MediaRejected,
        "TikTok refuses the file",
        "use an MP4 with H.264 that keeps TikTok's limits",
    ),
    Row(
        "spam_risk_too_many_posts",
        Kind::Quota,
        Reason::QuotaExceeded,
        "the creator used up TikTok's posts per 24 hours, counted over all apps",
        "wait, or post in TikTok's own app",
    ),
    Row(
        "spam_risk_too_many_pending_share",
        Kind::Quota,
        Reason::QuotaExceeded,
        "five drafts already wait in the creator's TikTok inbox",
        "post or delete drafts in TikTok's own app",
    ),
    Row(
        "spam_risk_user_banned_from_posting",
        Kind::Permanent,
        Reason::AccountRestricted,
        "TikTok bans this creator from posting",
        "the creator has to settle it with TikTok",
    ),
    Row(
        "reached_active_user_cap",
        Kind::Quota,
        Reason::QuotaExceeded,
        "this app used up the number of creators that may post per day",
        "wait until tomorrow, or have TikTok raise the app's cap",
    ),
    Row(
        "unaudited_client_can_only_post_to_private_accounts",
        Kind::Permanent,
        Reason::PlatformRefused,
        "TikTok has not audited this app yet, so it posts only to private accounts",
        "set the TikTok account to private, or pass TikTok's audit",
    ),
    Row(
        "url_ownership_unverified",
        Kind::Permanent,
        Reason::PlatformRefused,
        "the video's domain is not verified for this app at TikTok",
        "verify the domain in TikTok's developer portal, or use FILE_UPLOAD",
    ),
    Row(
        "privacy_level_option_mismatch",
        Kind::InvalidRequest,
        Reason::PrivacyNotOffered,
        "TikTok does not offer this privacy level to the creator now",
        "load the publish options again and choose one of them",
    ),
    Row(
        "invalid_publish_id",
        Kind::Permanent,
        Reason::OutcomeUnknown,
        "TikTok no longer answers for this publish id",
        "look at the account in TikTok's app",
    ),
    Row(
        "token_not_authorized_for_specified_publish_id",
        Kind::Permanent,
        Reason::OutcomeUnknown,
        "TikTok says that this publish id belongs to another account",
        "check which TikTok account is connected",
    ),
    Row(
        "publish_not_cancellable",
        Kind::InvalidRequest,
        Reason::TooLate,
        "TikTok cannot cancel this post any more",
        "delete it in TikTok's app",
    ),
    Row(
        "app_version_check_failed",
        Kind::Permanent,
        Reason::PlatformRefused,
        "the creator's TikTok app is too old for this",
        "update the TikTok app",
    ),
    Row(
        "invalid_refresh_token",
        Kind::NeedsReconnect,
        Reason::AccountNeedsReconnect,
        "TikTok refuses the account's refresh token",
        "connect the account again",
    ),
];

/// Reasons of FAILED: nothing was posted and nothing will be.
const FAIL_REASONS: &[Row] = &[
    Row(
        "file_format_check_failed",
        Kind::InvalidMedia,
        Reason::VideoFormatInvalid,
        "TikTok does not take the video's format",
        "convert it to MP4 with H.264",
    ),
    Row(
        "duration_check_failed",
        Kind::InvalidMedia,
        Reason::MediaRejected,
        "TikTok does not take the video's duration",
        "keep within the creator's longest duration, see the publish options",
    ),
    Row(
        "frame_rate_check_failed",
        Kind::InvalidMedia,
        Reason::MediaRejected,
        "TikTok does not take the video's frame rate",
        "encode it with 23 to 60 frames per second",
    ),
    Row(
        "picture_size_check_failed",
        Kind::InvalidMedia,
        Reason::MediaRejected,
        "TikTok does not take the video's width and height",
        "use 720 to 4096 pixels on each side",
    ),
    Row(
        "internal",
        Kind::Transient,
        Reason::PlatformUnavailable,
        "TikTok failed to process the video",
        "nothing to do: it is sent again",
    ),
    Row(
        "video_pull_failed",
        Kind::Transient,
        Reason::MediaUnreachable,
        "TikTok could not fetch the video",
        "check that its URL is public and without redirects, or use FILE_UPLOAD",
    ),
    Row(
        "photo_pull_failed",
        Kind::Transient,
        Reason::MediaUnreachable,
        "TikTok could not fetch a picture",
        "check that its URL is public and without redirects",
    ),
    Row(
        "publish_cancelled",
        Kind::Permanent,
        Reason::PlatformRefused,
        "the post was cancelled at TikTok",
        "retry the post if that was not meant",
    ),
    Row(
        "auth_removed",
        Kind::NeedsReconnect,
        Reason::AccountNeedsReconnect,
        "the creator removed this app's access while TikTok processed the video",
        "connect the account again, then retry",
    ),
    Row(
        "spam_risk_too_many_posts",
        Kind::Quota,
        Reason::QuotaExceeded,
        "the creator used up TikTok's posts per 24 hours, counted over all apps",
        "wait, or post in TikTok's own app",
    ),
    Row(
        "spam_risk_user_banned_from_posting",
        Kind::Permanent,
        Reason::AccountRestricted,
        "TikTok bans this creator from posting",
        "the creator has to settle it with TikTok",
    ),
    Row(
        "spam_risk_text",
        Kind::InvalidRequest,
        Reason::ContentRejected,
        "TikTok takes the caption for spam",
        "change the caption",
    ),
    Row(
        "spam_risk",
        Kind::InvalidRequest,
        Reason::ContentRejected,
        "TikTok takes the post for spam",
        "change the post, or post in TikTok's own app",
    ),
];

/// OAuth errors, with the class they have at a refresh.
const OAUTH: &[Row] = &[
    Row(
        "access_denied",
        Kind::NeedsReconnect,
        Reason::ConsentDenied,
        "the person or TikTok refused the connection",
        "connect again and agree",
    ),
    Row(
        "invalid_client",
        Kind::Permanent,
        Reason::PlatformRefused,
        "TikTok refuses this core's client key or secret",
        "correct TIKTOK_CLIENT_ID and TIKTOK_CLIENT_SECRET",
    ),
    Row(
        "invalid_grant",
        Kind::NeedsReconnect,
        Reason::AccountNeedsReconnect,
        "TikTok refuses the code or refresh token: used, expired or revoked",
        "connect the account again",
    ),
    Row(
        "invalid_request",
        Kind::Permanent,
        Reason::PlatformRefused,
        "TikTok refuses the form of the request",
        "check that the redirect URI is registered exactly so at TikTok",
    ),
    Row(
        "invalid_scope",
        Kind::Permanent,
        Reason::PlatformRefused,
        "TikTok does not know a scope that was asked for",
        "have TikTok approve the app's scopes",
    ),
    Row(
        "unauthorized_client",
        Kind::Permanent,
        Reason::PlatformRefused,
        "this client may not use this login at TikTok",
        "check the app's products in TikTok's developer portal",
    ),
    Row(
        "unsupported_grant_type",
        Kind::Permanent,
        Reason::PlatformRefused,
        "TikTok does not know this grant type",
        "report this as a bug",
    ),
    Row(
        "unsupported_response_type",
        Kind::Permanent,
        Reason::PlatformRefused,
        "TikTok does not know this response type",
        "report this as a bug",
    ),
    Row(
        "non_sandbox_target",
        Kind::Permanent,
        Reason::PlatformRefused,
        "a sandbox app connects only its target users",
        "add the account to the sandbox's target users",
    ),
    Row(
        "server_error",
        Kind::Transient,
        Reason::PlatformUnavailable,
        "TikTok has trouble of its own",
        "try again later",
    ),
    Row(
        "temporarily_unavailable",
        Kind::Transient,
        Reason::PlatformUnavailable,
        "TikTok is away for a while",
        "try again later",
    ),
];

impl Row {
    /// The failure of a row. Without `now` it names no time to wait for.
    fn failure(&self, now: Option<DateTime<Utc>>, wait: Option<TimeDelta>) -> Failure {
        let class = match self.1 {
            Kind::Transient => FailureClass::Transient,
            Kind::RateLimited => {
                let wait = wait.unwrap_or_default().max(RATE_LIMIT_WAIT);
                FailureClass::RateLimited { until: now.map(|now| now + wait) }
            }
            Kind::Quota => FailureClass::Quota { until: None },
            Kind::AuthExpired => FailureClass::AuthExpired,
            Kind::NeedsReconnect => FailureClass::NeedsReconnect,
            Kind::InvalidMedia => FailureClass::InvalidMedia,
            Kind::InvalidRequest => FailureClass::InvalidRequest,
            Kind::Permanent => FailureClass::Permanent,
        };
        Failure::new(class, self.2, self.3).with_rule(self.0).with_remedy(self.4)
    }
}

fn find<'a>(table: &'a [Row], code: &str) -> Option<&'a Row> {
    table.iter().find(|row| row.0 == code)
}

/// The failure of an API code that is a documented refusal; `None` for every other code. `wait` is a Retry-After.
/// TikTok's own words are passed on where they alone say what is wrong.
pub(super) fn refusal(
    code: &str,
    words: Option<&str>,
    now: Option<DateTime<Utc>>,
    wait: Option<TimeDelta>,
) -> Option<Failure> {
    let mut failure = find(REFUSALS, code)?.failure(now, wait);
    if matches!(code, "invalid_param" | "invalid_params" | "invalid_file_upload")
        && let Some(words) = words.map(str::trim).filter(|words| !words.is_empty())
    {
        failure.message = format!("{}: {}", failure.message, shown(words));
    }
    Some(failure)
}

/// The failure behind `FAILED`. An unlisted reason is final too: FAILED itself says that nothing was posted.
pub(super) fn fail_reason(reason: &str) -> Failure {
    find(FAIL_REASONS, reason).map_or_else(
        || {
            Failure::new(
                FailureClass::Permanent,
                Reason::PlatformRefused,
                "TikTok did not publish the video and gives no known reason",
            )
            .with_rule(shown(reason))
            .with_remedy("look into TikTok's app, then retry the post")
        },
        |row| row.failure(None, None),
    )
}

/// The failure of an OAuth error. An unlisted one may pass: it never ends a connection by itself.
pub(super) fn oauth(error: &str) -> Failure {
    find(OAUTH, error).map_or_else(
        || away(format!("TikTok answered with the unknown OAuth error `{}`", shown(error))).with_rule(shown(error)),
        |row| row.failure(None, None),
    )
}

/// Whether an OAuth error says that TikTok itself is in trouble, which leaves the request's effect open.
pub(super) fn is_oauth_trouble(error: &str) -> bool {
    find(OAUTH, error).is_none_or(|row| row.1 == Kind::Transient)
}

/// TikTok or the way to it is away.
pub(super) fn away(message: impl Into<String>) -> Failure {
    Failure::new(FailureClass::Transient, Reason::PlatformUnavailable, message)
        .with_remedy("nothing to do: it is tried again")
}

/// Our bug, or a ledger written by another release.
pub(super) fn internal(message: impl Into<String>) -> Failure {
    Failure::new(FailureClass::Permanent, Reason::Internal, message).with_remedy("report this as a bug")
}

/// TikTok takes nothing more at the URL of an upload.
pub(super) fn url_died() -> Failure {
    away("TikTok's upload URL died before the video had arrived").with_remedy("nothing to do: the upload begins anew")
}

/// Foreign text, fit to be shown: one line, no control characters, not long.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MAX_MESSAGE).collect()
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;

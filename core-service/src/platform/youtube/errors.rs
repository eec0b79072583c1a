//! YouTube's reasons, and what they mean. The reason decides, then the HTTP status; messages may hold HTML and are not
//! shown.
//!
//! <https://developers.google.com/youtube/v3/docs/errors>,
//! <https://developers.google.com/youtube/data/determine_quota_cost>, read 22 November 2026; some rows come from public
//! clients.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::America::Los_Angeles;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        ledger::Evidence,
    },
    platform::{
        waits,
        wire::{Answer, Exchange},
    },
};

/// How long a channel's own cap of uploads is left alone: it rolls over 24 hours.
const CHANNEL_PAUSE: TimeDelta = TimeDelta::hours(24);

/// What a call brought.
#[derive(Debug)]
pub(super) enum Reply {
    /// A success status, with its JSON; `Null` where there is none.
    Value(Value, HeaderMap),
    /// A refusal with YouTube's reason, empty where it told none.
    Refused { status: u16, reason: String, headers: HeaderMap },
    /// Provably not sent.
    NotSent(String),
    /// Something may have left, and no complete answer came.
    NoAnswer(String),
}

impl Reply {
    /// Reads the answer of an exchange.
    pub(super) fn read(exchange: Exchange) -> Self {
        match exchange {
            Exchange::Answered(answer) => Self::of(answer),
            Exchange::NotSent(why) => Self::NotSent(why),
            Exchange::NoAnswer(why) => Self::NoAnswer(why),
        }
    }

    fn of(answer: Answer) -> Self {
        let body: Value = answer.json().unwrap_or_default();
        if answer.status.is_success() && body.get("error").is_none() {
            return Self::Value(body, answer.headers);
        }
        let error = &body["error"];
        let reason = error["errors"][0]["reason"].as_str().or_else(|| error["status"].as_str());
        Self::Refused {
            status: answer.status.as_u16(),
            reason: reason.unwrap_or_default().chars().take(60).collect(),
            headers: answer.headers,
        }
    }

    /// For people.
    pub(super) fn evidence(&self) -> Evidence {
        match self {
            Self::Value(..) => Evidence::new().with("answer", "ok"),
            Self::Refused { status, reason, .. } => {
                Evidence::new().with("status", *status).with("reason_told", reason.as_str())
            }
            Self::NotSent(why) => Evidence::new().with("answer", "not sent").with("network", why.as_str()),
            Self::NoAnswer(why) => Evidence::new().with("answer", "none").with("network", why.as_str()),
        }
    }

    /// Whether the platform documents it as "not done". Its own trouble and what nobody listed is not.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Refused { status, reason, .. } => {
                *status < 500 && !reason.is_empty() && class_of(*status, reason).is_some()
            }
            Self::Value(..) | Self::NotSent(_) | Self::NoAnswer(_) => false,
        }
    }

    /// The failure of a call that did not bring what was asked for.
    pub(super) fn failure(&self, now: DateTime<Utc>) -> Failure {
        match self {
            Self::Value(..) => unavailable("youtube answered something unexpected"),
            Self::Refused { status, reason, headers } => refused(*status, reason, headers, now),
            Self::NotSent(_) => unavailable("youtube could not be reached"),
            Self::NoAnswer(_) => unavailable("youtube did not answer in time"),
        }
    }
}

/// What a reason asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Metadata,
    Bug,
    Token,
    Scope,
    NoChannel,
    DailyQuota,
    ChannelCap,
    Slower,
    Account,
    Operator,
    Setting,
    Missing,
    Down,
}

fn class_of(status: u16, reason: &str) -> Option<Class> {
    Some(match reason {
        "invalidTitle"
        | "invalidDescription"
        | "invalidTags"
        | "invalidCategoryId"
        | "invalidFilename"
        | "invalidVideoMetadata"
        | "invalidRecordingDetails"
        | "invalidVideoGameRating"
        | "defaultLanguageNotSet"
        | "invalidPublishAt" => Class::Metadata,
        "mediaBodyRequired"
        | "missingRequiredParameter"
        | "unexpectedParameter"
        | "incompatibleParameters"
        | "invalidFilters"
        | "invalidPageToken"
        | "badRequest"
        | "invalidValue"
        | "unknownPart" => Class::Bug,
        "authError" | "required" | "authorizationRequired" | "UNAUTHENTICATED" => Class::Token,
        "insufficientPermissions" => Class::Scope,
        "youtubeSignupRequired" => Class::NoChannel,
        "quotaExceeded" | "dailyLimitExceeded" => Class::DailyQuota,
        "uploadLimitExceeded" => Class::ChannelCap,
        "rateLimitExceeded" | "userRateLimitExceeded" | "uploadRateLimitExceeded" | "RESOURCE_EXHAUSTED" => {
            Class::Slower
        }
        "authenticatedUserAccountClosed"
        | "authenticatedUserAccountSuspended"
        | "authenticatedUserNotChannel"
        | "accountDelegationForbidden"
        | "forbidden"
        | "PERMISSION_DENIED" => Class::Account,
        "accessNotConfigured" => Class::Operator,
        "forbiddenPrivacySetting" | "forbiddenLicenseSetting" => Class::Setting,
        "videoNotFound" => Class::Missing,
        "backendError" | "internalServerError" | "serviceUnavailable" => Class::Down,
        _ => match status {
            401 => Class::Token,
            429 => Class::Slower,
            _ => return None,
        },
    })
}

fn refused(status: u16, reason: &str, headers: &HeaderMap, now: DateTime<Utc>) -> Failure {
    use FailureClass as C;
    use Reason as R;
    let rule = if reason.is_empty() { status.to_string() } else { reason.to_owned() };
    let again = "nothing to do, it is tried again";
    let (class, told, message, remedy) = match class_of(status, reason) {
        Some(Class::Metadata) => (
            C::InvalidRequest,
            R::RuleViolation,
            "youtube does not take the title, description, tags or category",
            "correct the field that the rule names",
        ),
        Some(Class::Bug) => (
            C::InvalidRequest,
            R::PlatformRefused,
            "youtube does not take the request",
            "report this: the request is made by this core",
        ),
        Some(Class::Token) => {
            (C::AuthExpired, R::TokenInvalid, "youtube refuses the token", "connect the account again")
        }
        Some(Class::Scope) => (
            C::NeedsReconnect,
            R::ScopeMissing,
            "a permission is missing",
            "connect the account again and leave every permission ticked",
        ),
        Some(Class::NoChannel) => (
            C::NeedsReconnect,
            R::NoPublishableAccount,
            "the google account has no youtube channel",
            "create a channel at youtube.com, then connect again",
        ),
        Some(Class::DailyQuota) => (
            C::Quota { until: Some(next_pacific_midnight(now)) },
            R::QuotaExceeded,
            "the app's quota at youtube is used up until midnight in california; all accounts of this core share it",
            "nothing to do, it goes on then; ask Google for more quota if this stays",
        ),
        Some(Class::ChannelCap) => (
            C::Quota { until: Some(now + CHANNEL_PAUSE) },
            R::QuotaExceeded,
            "the channel's own limit of uploads in 24 hours is reached",
            "nothing to do, it goes on then",
        ),
        Some(Class::Slower) => (
            C::RateLimited { until: waits::retry_after(headers, now).map(|wait| now + wait) },
            R::RateLimitExceeded,
            "youtube limits the rate of calls",
            "nothing to do, it goes on by itself",
        ),
        Some(Class::Account) => (
            C::Permanent,
            R::AccountRestricted,
            "youtube does not let the account do this",
            "look at the channel in YouTube Studio; connect it again if its owner changed",
        ),
        Some(Class::Operator) => (
            C::Permanent,
            R::PlatformNotConfigured,
            "the YouTube Data API is not enabled for the app",
            "enable it in the Google Cloud console",
        ),
        Some(Class::Setting) => (
            C::InvalidRequest,
            R::RuleViolation,
            "the channel may not use this privacy or licence",
            "choose another one",
        ),
        Some(Class::Missing) => (C::Transient, R::PlatformUnavailable, "youtube does not find the video", again),
        Some(Class::Down) | None => {
            (C::Transient, R::PlatformUnavailable, "youtube answered with an error of its own", again)
        }
    };
    Failure::new(class, told, message).with_remedy(remedy).with_rule(rule)
}

/// YouTube is away, for now.
pub(super) fn unavailable(message: impl Into<String>) -> Failure {
    Failure::new(FailureClass::Transient, Reason::PlatformUnavailable, message)
        .with_remedy("nothing to do, it is tried again")
}

/// The core's own mistake.
pub(super) fn internal(message: &str) -> Failure {
    Failure::new(FailureClass::Permanent, Reason::Internal, message)
}

/// There is no app.
pub(super) fn not_configured() -> Failure {
    Failure::new(FailureClass::Permanent, Reason::PlatformNotConfigured, "youtube is not configured in this core")
        .with_remedy("set YOUTUBE_CLIENT_ID and YOUTUBE_CLIENT_SECRET")
}

/// YouTube took the video and keeps it from being seen as requested.
pub(super) fn kept_private(privacy: Option<&str>) -> Failure {
    let privacy = privacy.unwrap_or("private");
    let message = format!(
        "youtube took the video and made it {privacy}: the app is not verified, or the channel's settings demand it"
    );
    Failure::new(FailureClass::Permanent, Reason::PlatformRefused, message)
        .with_remedy("the video is on the channel: change its visibility in YouTube Studio; verify the app at Google for the next one")
        .with_rule("KEPT_PRIVATE")
}

/// The failure of a video that YouTube failed or rejected, by its word.
pub(super) fn of_video(why: &str) -> Failure {
    let (class, reason, message, remedy) = match why {
        "codec" | "conversion" | "invalidFile" | "emptyFile" | "tooSmall" | "uploadAborted" | "size" => (
            FailureClass::InvalidMedia,
            Reason::VideoFormatInvalid,
            "youtube cannot process the video file",
            "give a whole file in a format that YouTube plays, such as MP4 with H.264 and AAC",
        ),
        "length" => (
            FailureClass::InvalidMedia,
            Reason::MediaRejected,
            "the video is longer than the channel may upload",
            "verify the channel by phone, or shorten the video",
        ),
        "uploaderAccountClosed" | "uploaderAccountSuspended" => (
            FailureClass::Permanent,
            Reason::AccountRestricted,
            "youtube has closed or suspended the account",
            "look at the account at YouTube",
        ),
        "duplicate" => (
            FailureClass::InvalidRequest,
            Reason::DuplicatePost,
            "youtube rejected the video as a duplicate of another",
            "look at the channel",
        ),
        _ => (
            FailureClass::InvalidRequest,
            Reason::ContentRejected,
            "youtube rejected the video",
            "look at the video in YouTube Studio",
        ),
    };
    Failure::new(class, reason, message).with_remedy(remedy).with_rule(why)
}

/// The next midnight in California, when Google's quotas begin anew.
pub(super) fn next_pacific_midnight(now: DateTime<Utc>) -> DateTime<Utc> {
    let tomorrow = now.with_timezone(&Los_Angeles).date_naive() + chrono::Days::new(1);
    let midnight = tomorrow.and_time(NaiveTime::MIN).and_local_timezone(Los_Angeles);
    // Its clocks change at two in the morning: midnight is always there, once.
    midnight.earliest().map_or(now + TimeDelta::days(1), |at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_begin_anew_at_midnight_in_california_also_over_the_changes() {
        let next = |now: &str| next_pacific_midnight(now.parse().unwrap()).to_rfc3339();
        assert_eq!(next("2026-07-01T06:59:59Z"), "2026-07-01T07:00:00+00:00");
        assert_eq!(next("2026-07-01T07:00:00Z"), "2026-07-02T07:00:00+00:00");
        assert_eq!(next("2026-12-24T12:00:00Z"), "2026-12-25T08:00:00+00:00");
        // 8 March 2026 has 23 hours, 1 November 2026 has 25.
        assert_eq!(next("2026-03-08T07:59:59Z"), "2026-03-08T08:00:00+00:00");
        assert_eq!(next("2026-03-08T08:00:00Z"), "2026-03-09T07:00:00+00:00");
        assert_eq!(next("2026-11-01T06:59:59Z"), "2026-11-01T07:00:00+00:00");
        assert_eq!(next("2026-11-01T07:00:00Z"), "2026-11-02T08:00:00+00:00");
    }

    #[test]
    fn every_reason_of_the_sheet_is_classed() {
        let now = DateTime::UNIX_EPOCH;
        let of = |status, reason: &str| {
            let failure = refused(status, reason, &HeaderMap::new(), now);
            (failure.class, failure.reason)
        };
        for reason in ["invalidTitle", "invalidDescription", "invalidTags", "invalidCategoryId", "invalidPublishAt"] {
            assert_eq!(of(400, reason), (FailureClass::InvalidRequest, Reason::RuleViolation), "{reason}");
        }
        assert_eq!(of(401, "authError").0, FailureClass::AuthExpired);
        assert_eq!(of(401, "").0, FailureClass::AuthExpired);
        assert_eq!(of(401, "youtubeSignupRequired").0, FailureClass::NeedsReconnect);
        assert_eq!(of(403, "insufficientPermissions").0, FailureClass::NeedsReconnect);
        assert_eq!(of(403, "quotaExceeded").0, FailureClass::Quota { until: Some(next_pacific_midnight(now)) });
        for status in [400, 403] {
            assert_eq!(of(status, "uploadLimitExceeded").0, FailureClass::Quota { until: Some(now + CHANNEL_PAUSE) });
        }
        assert_eq!(of(429, "").0, FailureClass::RateLimited { until: None });
        for reason in ["forbidden", "authenticatedUserAccountClosed", "accessNotConfigured"] {
            assert_eq!(of(403, reason).0, FailureClass::Permanent, "{reason}");
        }
        for (status, reason) in [(500, "backendError"), (503, ""), (404, "videoNotFound"), (418, "new")] {
            assert_eq!(of(status, reason).0, FailureClass::Transient, "{status} {reason}");
        }
    }
}

//! Facebook's own codes on Pages, and what they mean. What Meta's products share stands in `meta::graph`.
//!
//! Guaranteed: a code that is not in a table, on the finish, is an unknown outcome; one that is documented as a refusal is
//! a claim, which is read before it is believed. Two popular clients give contradictory meanings to 1363047, 1609008,
//! 1609010, 1366046, 2061006, 1390008, 1346003 and 1349125, so those are not in the table: their words for people are shown.
//!
//! <https://developers.facebook.com/docs/graph-api/reference/page/videos/>,
//! <https://developers.facebook.com/documentation/video-api/guides/reels-publishing>, read 22 November 2026; the rows marked
//! as seen come from public clients.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    domain::failure::{Failure, FailureClass, Reason},
    platform::{
        Outcome,
        meta::{
            self, AGAIN,
            graph::{General, GraphError, GraphReply},
        },
    },
};

/// What a code asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// May work in a while.
    Transient,
    /// The video is unfit.
    Media,
    /// The request is wrong.
    Request,
    /// The owner has to do something at Facebook.
    Owner,
    /// Wait for hours.
    Pause,
}

/// Code or subcode, class, reason, meaning, remedy.
type Row = (i64, Class, Reason, &'static str, &'static str);

const TABLE: &[Row] = {
    const REELS: &str = "give a video of 3 to 90 s, 540x960 pixels at least, 24 to 60 frames per second, 9:16";
    const CONFIRM: &str = "log in at facebook.com and follow what it asks; the account need not be connected again";
    &[
        (1363040, Class::Media, Reason::MediaRejected, "facebook does not take the video's aspect ratio", REELS),
        (1363127, Class::Media, Reason::MediaRejected, "the video's resolution is below facebook's least", REELS),
        (
            1363128,
            Class::Media,
            Reason::MediaRejected,
            "the video is shorter or longer than facebook takes for reels",
            REELS,
        ),
        (1363129, Class::Media, Reason::MediaRejected, "facebook does not take the video's frame rate", REELS),
        (382, Class::Media, Reason::VideoFormatInvalid, "the video file is too small", "give a whole video"),
        (
            389,
            Class::Transient,
            Reason::MediaUnreachable,
            "facebook could not fetch the video from its url",
            "make the url readable without login and let facebookexternalhit in, or upload the video",
        ),
        (
            6000,
            Class::Transient,
            Reason::ContainerNotReady,
            "facebook has a problem with the video file, or not all of it yet",
            AGAIN,
        ),
        (6001, Class::Transient, Reason::PlatformUnavailable, "the upload failed at facebook", AGAIN),
        // Seen in public clients.
        (
            1404078,
            Class::Owner,
            Reason::AccountRestricted,
            "facebook wants the page's publishing to be authorized",
            CONFIRM,
        ),
        (
            4854002,
            Class::Owner,
            Reason::AccountRestricted,
            "facebook wants the person behind the login to confirm who it is",
            CONFIRM,
        ),
        (
            1404102,
            Class::Request,
            Reason::ContentRejected,
            "facebook's rules do not allow this content",
            "change the content",
        ),
        (
            1404112,
            Class::Pause,
            Reason::AccountRestricted,
            "facebook limits the account for some days",
            "look at the account's status in the app; it is tried again later",
        ),
        (1366051, Class::Request, Reason::DuplicatePost, "facebook has this post already", "look at the page"),
        (
            104,
            Class::Owner,
            Reason::PlatformRefused,
            "facebook refuses the signature of this core",
            "compare FACEBOOK_APP_SECRET with the app's settings at Meta",
        ),
    ]
};

/// How long a limited account is left alone.
const PAUSE: TimeDelta = TimeDelta::hours(6);

/// How long the limit of reels of a day is left alone: the window rolls, and nobody tells when there is room.
const DAILY_PAUSE: TimeDelta = TimeDelta::hours(1);

fn row(number: i64) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.0 == number)
}

fn failure_by(row: &Row, now: DateTime<Utc>) -> Failure {
    let (number, class, reason, meaning, remedy) = *row;
    let class = match class {
        Class::Transient => FailureClass::Transient,
        Class::Media => FailureClass::InvalidMedia,
        Class::Request => FailureClass::InvalidRequest,
        Class::Owner => FailureClass::Permanent,
        Class::Pause => FailureClass::RateLimited { until: Some(now + PAUSE) },
    };
    Failure::new(class, reason, meaning).with_remedy(remedy).with_rule(number.to_string())
}

/// Whether a video that ended with this number can only end so again.
pub(super) fn is_about_the_video(code: Option<i64>) -> bool {
    code.and_then(row).is_some_and(|row| match row.1 {
        Class::Media | Class::Request | Class::Owner => true,
        Class::Transient | Class::Pause => false,
    })
}

/// The failure of a video that ended, by the number in its status.
pub(super) fn of_status(code: Option<i64>, now: DateTime<Utc>) -> Failure {
    match code.and_then(row) {
        Some(row) => failure_by(row, now),
        None => unavailable("facebook could not process the video")
            .with_rule(code.map(|code| code.to_string()).unwrap_or_default()),
    }
}

/// The failure of an error answer to a call that nobody can see.
pub(super) fn failure(error: &GraphError, now: DateTime<Utc>) -> Failure {
    if error.about_daily_limit {
        return error.dress(
            Failure::new(
                FailureClass::Quota { until: Some(now + DAILY_PAUSE) },
                Reason::QuotaExceeded,
                "the 30 reels that facebook takes for a page in 24 hours are used",
            )
            .with_remedy("nothing to do, it is published once there is room"),
        );
    }
    let known = error.subcode.and_then(row).or_else(|| row(error.code));
    match known {
        Some(row) => error.dress(failure_by(row, now)),
        None => meta::failure_of(&GraphReply::Error(Box::new(error.clone())), Some(now)),
    }
}

/// The failure of an answer that is not the value that was asked for.
pub(super) fn failure_of(reply: &GraphReply, now: DateTime<Utc>) -> Failure {
    match reply {
        GraphReply::Error(error) => failure(error, now),
        GraphReply::Value(_) | GraphReply::Unreadable(_) | GraphReply::NotSent(_) | GraphReply::NoAnswer(_) => {
            meta::failure_of(reply, Some(now))
        }
    }
}

/// The outcome of a finish that was not accepted. `resend` when this video was finished before: then "posted already" may
/// speak of our own post.
pub(super) fn on_finish(reply: &GraphReply, resend: bool, now: DateTime<Utc>) -> Outcome {
    let evidence = reply.evidence();
    match reply {
        GraphReply::Error(error) if is_refusal(error, resend) => {
            Outcome::Refused { failure: failure(error, now), evidence }
        }
        GraphReply::NotSent(_) => {
            Outcome::NoEffect { failure: unavailable("facebook could not be reached, nothing was sent"), evidence }
        }
        GraphReply::Value(_) | GraphReply::Error(_) | GraphReply::Unreadable(_) | GraphReply::NoAnswer(_) => {
            Outcome::Unknown { evidence }
        }
    }
}

/// Whether this answer to a finish is documented as "not taken".
fn is_refusal(error: &GraphError, resend: bool) -> bool {
    if error.about_daily_limit {
        return true;
    }
    if let Some(row) = error.subcode.and_then(row).or_else(|| row(error.code)) {
        return row.2 != Reason::DuplicatePost;
    }
    match error.general() {
        General::NoCapability
        | General::PermissionMissing
        | General::BadParameter
        | General::AppSecretProof
        | General::Token(_)
        | General::Throttled
        | General::Blocked => true,
        General::Duplicate => !resend,
        General::Down | General::ObjectMissing | General::Unlisted => false,
    }
}

/// Facebook is away, for now.
pub(super) fn unavailable(message: impl Into<String>) -> Failure {
    meta::unavailable(message)
}

/// The core's own mistake.
pub(super) fn internal(message: &str) -> Failure {
    Failure::new(FailureClass::Permanent, Reason::Internal, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::wire::{Answer, Exchange};
    use serde_json::json;

    fn reply(status: u16, code: i64, subcode: Option<i64>, message: &str) -> GraphReply {
        let body =
            json!({"error": {"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode}});
        GraphReply::read(Exchange::Answered(Answer {
            status: status.try_into().unwrap(),
            headers: Default::default(),
            body: body.to_string().into_bytes(),
        }))
    }

    fn at_finish(code: i64, subcode: Option<i64>, message: &str) -> Option<(FailureClass, Reason)> {
        match on_finish(&reply(400, code, subcode, message), false, DateTime::UNIX_EPOCH) {
            Outcome::Refused { failure, .. } => Some((failure.class, failure.reason)),
            Outcome::Unknown { .. } => None,
            other => panic!("{other:?}"),
        }
    }

    /// Every class of the sheet's §2.6, §3 and §4, as code and as subcode.
    #[test]
    fn every_code_of_the_sheet_is_classed() {
        use FailureClass as C;
        let table = [
            (1363040, C::InvalidMedia, Reason::MediaRejected),
            (1363127, C::InvalidMedia, Reason::MediaRejected),
            (1363128, C::InvalidMedia, Reason::MediaRejected),
            (1363129, C::InvalidMedia, Reason::MediaRejected),
            (382, C::InvalidMedia, Reason::VideoFormatInvalid),
            (389, C::Transient, Reason::MediaUnreachable),
            (6000, C::Transient, Reason::ContainerNotReady),
            (6001, C::Transient, Reason::PlatformUnavailable),
            (1404078, C::Permanent, Reason::AccountRestricted),
            (4854002, C::Permanent, Reason::AccountRestricted),
            (1404102, C::InvalidRequest, Reason::ContentRejected),
            (104, C::Permanent, Reason::PlatformRefused),
            (283, C::NeedsReconnect, Reason::ScopeMissing),
            (200, C::NeedsReconnect, Reason::ScopeMissing),
            (80001, C::RateLimited { until: None }, Reason::RateLimitExceeded),
            (32, C::RateLimited { until: None }, Reason::RateLimitExceeded),
            (190, C::AuthExpired, Reason::TokenInvalid),
            (100, C::InvalidRequest, Reason::PlatformRefused),
        ];
        for (code, class, reason) in table {
            assert_eq!(at_finish(code, None, ""), Some((class.clone(), reason)), "{code}");
            if code > 1_000_000 {
                assert_eq!(at_finish(100, Some(code), ""), Some((class, reason)), "100/{code}");
            }
        }
        assert_eq!(at_finish(190, Some(492), "").unwrap().0, C::NeedsReconnect);
        assert_eq!(at_finish(190, Some(459), "").unwrap().0, C::Permanent);
    }

    #[test]
    fn what_may_have_had_an_effect_is_unknown() {
        for (code, subcode) in [(1, None), (2, None), (100, Some(33)), (4711, None), (1366051, None), (1363047, None)] {
            assert_eq!(at_finish(code, subcode, ""), None, "{code}/{subcode:?}");
        }
        let unreadable = GraphReply::Unreadable(502);
        assert!(matches!(on_finish(&unreadable, false, DateTime::UNIX_EPOCH), Outcome::Unknown { .. }));
        let no_effect = GraphReply::NotSent("dns".into());
        assert!(matches!(on_finish(&no_effect, false, DateTime::UNIX_EPOCH), Outcome::NoEffect { .. }));
    }

    #[test]
    fn the_limit_of_a_day_waits_whatever_its_number() {
        let text = "(#613) You have reached the limit of 30 Reels that can be published by API within 24 hours";
        for code in [613, 4, 9] {
            let (class, reason) = at_finish(code, None, text).unwrap();
            assert_eq!(reason, Reason::QuotaExceeded, "{code}");
            assert!(matches!(class, FailureClass::Quota { until: Some(_) }), "{code}");
        }
    }
}

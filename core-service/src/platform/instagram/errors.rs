//! Instagram's publishing codes, and what they mean in each place where they can appear.
//!
//! Guaranteed: a code that is not in the table, on the publish call, is an unknown outcome; codes that Meta documents as a
//! refusal are its claim there, which is read before it is believed. Elsewhere nothing is visible, so an unlisted code is a
//! passing failure with its number in `rule`.
//!
//! Table: <https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/error-codes>, read
//! 22 November 2026; the rows marked as seen come from public clients.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    domain::failure::{Failure, FailureClass, Reason},
    platform::{
        Outcome,
        meta::graph::{General, GraphError, GraphReply},
    },
};

/// What a publishing code asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The same call again, in a while.
    SameAgain,
    /// A new container; a few times, then the class given by [`Row::class_in_the_end`].
    NewContainer,
    /// The post cannot go out as it is: the video or a picture is unfit.
    RefuseMedia,
    /// The post cannot go out as it is: the request is wrong.
    RefuseRequest,
    /// Wait for hours.
    Wait,
    /// The daily limit.
    Quota,
    /// The container is not ready yet.
    NotReady,
    /// The account's owner has to do something at Instagram.
    OwnerActs,
}

/// How a row came to be known, and what it proves when `media_publish` answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtPublish {
    /// Documented as a refusal: Meta claims that it is not published.
    Refused,
    /// The post may be live (sheet §7.1, §8), or the row was only seen in public clients.
    Unknown,
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Row {
    /// Meta's code; `None` in rows seen without one.
    pub(super) code: Option<i64>,
    /// Meta's subcode, unique in the table: a container's `status` sentence holds only it.
    pub(super) subcode: i64,
    meaning: &'static str,
    remedy_text: &'static str,
    reason: Reason,
    pub(super) remedy: Remedy,
    at_publish: AtPublish,
}

const AGAIN: &str = "nothing to do, it is tried again";
const TAGS: &str = "check the mentions and tags of the post";
const COVER: &str = "give a JPEG of at most 8 MB as thumbnail";

const fn row(
    code: i64,
    subcode: i64,
    remedy: Remedy,
    at_publish: AtPublish,
    reason: Reason,
    meaning: &'static str,
    remedy_text: &'static str,
) -> Row {
    Row { code: Some(code), subcode, meaning, remedy_text, reason, remedy, at_publish }
}

const fn seen(subcode: i64, remedy: Remedy, reason: Reason, meaning: &'static str, remedy_text: &'static str) -> Row {
    Row { code: None, subcode, meaning, remedy_text, reason, remedy, at_publish: AtPublish::Unknown }
}

/// §7.1 of the sheet.
pub(super) const TABLE: &[Row] = {
    use AtPublish as P;
    use Reason as Why;
    use Remedy as R;
    &[
        row(
            -2,
            2207003,
            R::NewContainer,
            P::Unknown,
            Why::MediaUnreachable,
            "fetching the video took instagram too long",
            "serve the video from a faster host",
        ),
        row(
            -2,
            2207020,
            R::NewContainer,
            P::Unknown,
            Why::PlatformUnavailable,
            "the uploaded video expired at instagram",
            AGAIN,
        ),
        row(
            -1,
            2207001,
            R::SameAgain,
            P::Unknown,
            Why::PlatformUnavailable,
            "instagram answered with an error of its own",
            AGAIN,
        ),
        row(
            -1,
            2207032,
            R::NewContainer,
            P::Unknown,
            Why::PlatformUnavailable,
            "instagram could not create the container",
            AGAIN,
        ),
        row(
            -1,
            2207053,
            R::NewContainer,
            P::Unknown,
            Why::PlatformUnavailable,
            "instagram could not take the video in",
            AGAIN,
        ),
        row(
            1,
            2207057,
            R::RefuseRequest,
            P::Unknown,
            Why::RuleViolation,
            "the cover's time lies outside the video",
            "give a thumb_offset_ms within the video",
        ),
        row(
            4,
            2207051,
            R::Wait,
            P::Unknown,
            Why::ContentRejected,
            "instagram restricts this activity for a while, it takes it for spam",
            "wait some hours; post less often or with other texts",
        ),
        row(
            9,
            2207042,
            R::Quota,
            P::Refused,
            Why::QuotaExceeded,
            "the account's publishing limit of a day is used up",
            "nothing to do, it is published once there is room",
        ),
        row(
            24,
            2207006,
            R::NewContainer,
            P::Unknown,
            Why::PlatformRefused,
            "instagram does not find the container",
            "check that the account is still connected",
        ),
        row(
            24,
            2207008,
            R::NewContainer,
            P::Unknown,
            Why::PlatformRefused,
            "the container is unknown or expired",
            AGAIN,
        ),
        row(
            25,
            2207050,
            R::OwnerActs,
            P::Refused,
            Why::AccountRestricted,
            "the instagram account is restricted, inactive or asked to confirm itself",
            "log in to Instagram and follow what it asks; the account need not be connected again",
        ),
        row(
            100,
            2207023,
            R::RefuseRequest,
            P::Refused,
            Why::PlatformRefused,
            "instagram does not know the media type",
            "report this: the request is made by this core",
        ),
        row(
            100,
            2207028,
            R::RefuseRequest,
            P::Refused,
            Why::PlatformRefused,
            "a carousel needs 2 to 10 items",
            "report this: the request is made by this core",
        ),
        row(
            100,
            2207035,
            R::RefuseRequest,
            P::Refused,
            Why::RuleViolation,
            "a product tag has no place in a video",
            TAGS,
        ),
        row(
            100,
            2207036,
            R::RefuseRequest,
            P::Refused,
            Why::RuleViolation,
            "a product tag needs its place in a photo",
            TAGS,
        ),
        row(100, 2207037, R::RefuseRequest, P::Refused, Why::RuleViolation, "a product tag is not valid", TAGS),
        row(
            100,
            2207040,
            R::RefuseRequest,
            P::Refused,
            Why::RuleViolation,
            "the text mentions more than 20 accounts",
            "remove mentions",
        ),
        row(
            352,
            2207026,
            R::RefuseMedia,
            P::Refused,
            Why::VideoFormatInvalid,
            "instagram does not take the video's format",
            "give an MP4 or MOV with H.264 or HEVC and AAC",
        ),
        row(
            9004,
            2207052,
            R::NewContainer,
            P::Unknown,
            Why::VideoNotPublic,
            "instagram could not fetch the media from its url",
            "make the url readable without login, for everybody",
        ),
        row(
            9007,
            2207027,
            R::NotReady,
            P::Refused,
            Why::ContainerNotReady,
            "instagram is not ready to publish the video yet",
            AGAIN,
        ),
        row(36000, 2207004, R::RefuseMedia, P::Refused, Why::MediaRejected, "the cover picture is too large", COVER),
        row(
            36001,
            2207005,
            R::RefuseMedia,
            P::Refused,
            Why::MediaRejected,
            "the cover picture's format is not taken",
            COVER,
        ),
        row(
            36003,
            2207009,
            R::RefuseMedia,
            P::Refused,
            Why::MediaRejected,
            "the cover picture's aspect ratio is not taken",
            COVER,
        ),
        row(
            36004,
            2207010,
            R::RefuseRequest,
            P::Refused,
            Why::CaptionTooLong,
            "the caption is longer than instagram takes",
            "shorten it to 2200 characters",
        ),
        seen(
            2207077,
            R::NewContainer,
            Why::MediaUnreachable,
            "instagram could not download the video",
            "serve the video from a faster host",
        ),
        seen(
            2207081,
            R::RefuseRequest,
            Why::PlatformRefused,
            "the account cannot publish trial reels",
            "post it as an ordinary reel",
        ),
        seen(2207082, R::NewContainer, Why::PlatformUnavailable, "the upload failed at instagram", AGAIN),
        seen(
            2207089,
            R::RefuseRequest,
            Why::PlatformRefused,
            "a single video has to be a reel",
            "report this: the request is made by this core",
        ),
        seen(
            2207073,
            R::RefuseRequest,
            Why::Unsupported,
            "instagram does not delete this kind of media",
            "delete it in the app",
        ),
    ]
};

/// The row of a subcode.
pub(super) fn row_of(subcode: i64) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.subcode == subcode)
}

/// How long a spam restriction is left alone.
const SPAM_PAUSE: TimeDelta = TimeDelta::hours(2);

/// How long to leave a full quota alone when the platform does not tell when there is room.
const QUOTA_PAUSE: TimeDelta = TimeDelta::hours(1);

impl Row {
    /// The class while tries are left.
    fn class(&self, now: Option<DateTime<Utc>>) -> FailureClass {
        match self.remedy {
            Remedy::SameAgain | Remedy::NewContainer | Remedy::NotReady => FailureClass::Transient,
            Remedy::RefuseMedia => FailureClass::InvalidMedia,
            Remedy::RefuseRequest => FailureClass::InvalidRequest,
            Remedy::Wait => FailureClass::RateLimited { until: now.map(|now| now + SPAM_PAUSE) },
            Remedy::Quota => FailureClass::Quota { until: now.map(|now| now + QUOTA_PAUSE) },
            Remedy::OwnerActs => FailureClass::Permanent,
        }
    }

    /// The class once several containers ended this way.
    fn class_in_the_end(&self, now: Option<DateTime<Utc>>) -> FailureClass {
        match self.reason {
            // 9004/2207052: after three tries the URL is what is wrong.
            Reason::VideoNotPublic => FailureClass::InvalidMedia,
            _ => self.class(now),
        }
    }

    /// Whether another container could do better.
    pub(super) fn allows_new_container(&self) -> bool {
        match self.remedy {
            Remedy::SameAgain | Remedy::NewContainer | Remedy::NotReady | Remedy::Wait | Remedy::Quota => true,
            Remedy::RefuseMedia | Remedy::RefuseRequest | Remedy::OwnerActs => false,
        }
    }

    fn failure(&self, now: Option<DateTime<Utc>>) -> Failure {
        Failure::new(self.class(now), self.reason, self.meaning).with_remedy(self.remedy_text)
    }

    /// The failure once no further container is tried.
    pub(super) fn final_failure(&self, now: DateTime<Utc>) -> Failure {
        let rule = match self.code {
            Some(code) => format!("{code}/{}", self.subcode),
            None => self.subcode.to_string(),
        };
        Failure::new(self.class_in_the_end(Some(now)), self.reason, self.meaning)
            .with_remedy(self.remedy_text)
            .with_rule(rule)
    }
}

/// What judging an error needs to know about the call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge {
    /// The clock's time; `None` for calls that do not wait.
    pub(super) now: Option<DateTime<Utc>>,
    /// False when the token visibly belongs to the other login's host.
    pub(super) token_fits_host: bool,
}

impl Judge {
    /// The failure of an error answer to a call that nobody can see: a read, or creating a container.
    pub(super) fn failure(&self, error: &GraphError) -> Failure {
        if let Some(row) = error.subcode.and_then(row_of) {
            return error.dress(row.failure(self.now));
        }
        if error.about_location {
            let failure =
                Failure::new(FailureClass::InvalidRequest, Reason::RuleViolation, "the location is not valid")
                    .with_remedy("give the id of a Page that has coordinates, or no location");
            return error.dress(failure);
        }
        error.failure(self.token_fits_host, self.now).unwrap_or_else(|| {
            let failure = Failure::new(
                FailureClass::Transient,
                Reason::PlatformUnavailable,
                "instagram answered with an error that its pages do not list",
            );
            error.dress(failure.with_remedy(AGAIN))
        })
    }

    /// The failure of a call that nobody can see and that brought no usable answer; `None` when it did.
    pub(super) fn failure_of(&self, reply: &GraphReply) -> Option<Failure> {
        match reply {
            GraphReply::Value(_) => None,
            GraphReply::Error(error) => Some(self.failure(error)),
            GraphReply::Unreadable(status) => {
                Some(unavailable(format!("instagram answered something unreadable (HTTP {status})")))
            }
            GraphReply::NotSent(_) => Some(unavailable("instagram could not be reached".to_owned())),
            GraphReply::NoAnswer(_) => Some(unavailable("instagram did not answer in time".to_owned())),
        }
    }

    /// The outcome of creating a container. A lost answer leaves at most an orphan that nobody sees.
    pub(super) fn on_create(&self, reply: &GraphReply) -> Option<Outcome> {
        let evidence = reply.evidence();
        match reply {
            GraphReply::Value(_) => None,
            GraphReply::Error(error) if error.general() == General::ObjectMissing && error.subcode == Some(33) => {
                let failure = Failure::new(
                    FailureClass::NeedsReconnect,
                    Reason::AccountNeedsReconnect,
                    "instagram does not find the account under this login",
                );
                let failure = failure
                    .with_remedy("check that the account is still professional and linked, then connect it again");
                Some(Outcome::NoEffect { failure: error.dress(failure), evidence })
            }
            GraphReply::Error(error) => Some(Outcome::NoEffect { failure: self.failure(error), evidence }),
            GraphReply::NotSent(_) => self.failure_of(reply).map(|failure| Outcome::NoEffect { failure, evidence }),
            GraphReply::Unreadable(_) | GraphReply::NoAnswer(_) => Some(Outcome::Unknown { evidence }),
        }
    }

    /// The outcome of `media_publish` when it did not bring a media id. `resend` when this container was sent before:
    /// then "duplicate" may speak of our own post.
    pub(super) fn on_publish(&self, reply: &GraphReply, resend: bool) -> Outcome {
        let evidence = reply.evidence();
        match reply {
            GraphReply::Error(error) if self.is_refusal(error, resend) => {
                Outcome::Refused { failure: self.failure(error), evidence }
            }
            GraphReply::NotSent(_) => Outcome::NoEffect {
                failure: unavailable("instagram could not be reached, nothing was sent".to_owned()),
                evidence,
            },
            GraphReply::Value(_) | GraphReply::Error(_) | GraphReply::Unreadable(_) | GraphReply::NoAnswer(_) => {
                Outcome::Unknown { evidence }
            }
        }
    }

    /// Whether Meta documents this answer to `media_publish` as "not published". Throttles are not among them: code 4
    /// was seen with the post made (<https://github.com/gitroomhq/postiz-app/pull/1681>).
    fn is_refusal(&self, error: &GraphError, resend: bool) -> bool {
        if let Some(row) = error.subcode.and_then(row_of) {
            return row.code == Some(error.code) && row.at_publish == AtPublish::Refused;
        }
        match error.general() {
            General::NoCapability
            | General::PermissionMissing
            | General::BadParameter
            | General::AppSecretProof
            | General::Token(_)
            | General::Blocked => true,
            General::Duplicate => !resend,
            General::Down | General::Throttled | General::ObjectMissing | General::Unlisted => false,
        }
    }
}

/// Meta is away, for now.
pub(super) fn unavailable(message: String) -> Failure {
    Failure::new(FailureClass::Transient, Reason::PlatformUnavailable, message).with_remedy(AGAIN)
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;

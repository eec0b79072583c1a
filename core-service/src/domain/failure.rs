//! Why something did not work, in words that are API: `Reason` names stay for ever, `FailureClass` decides what the
//! engine does next. A failure is built where the platform's answer is understood and never re-read from text.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::platform::UnknownValue;

/// What the engine does about a failure (design: error classes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "class")]
pub enum FailureClass {
    /// May work later; costs one automatic retry.
    Transient,
    /// The platform asked to wait; costs no retry. `until` when it said so.
    RateLimited {
        /// When the platform accepts requests again, if it said so.
        until: Option<DateTime<Utc>>,
    },
    /// The platform's publishing quota is used up; waits, costs no retry.
    Quota {
        /// When the quota resets, if the platform said so.
        until: Option<DateTime<Utc>>,
    },
    /// The access token is refused; refresh it and repeat the same step.
    AuthExpired,
    /// Only the account's owner can help.
    NeedsReconnect,
    /// The platform refuses this video.
    InvalidMedia,
    /// The platform refuses this request; repeating it cannot help.
    InvalidRequest,
    /// Refused permanently for another reason (banned account, configuration). A class of a later release is read as
    /// this: the engine does nothing by itself.
    #[serde(other)]
    Permanent,
}

impl FailureClass {
    /// Whether the engine tries again by itself, and it costs one of the post's automatic retries.
    pub const fn costs_a_retry(&self) -> bool {
        match self {
            Self::Transient => true,
            Self::RateLimited { .. }
            | Self::Quota { .. }
            | Self::AuthExpired
            | Self::NeedsReconnect
            | Self::InvalidMedia
            | Self::InvalidRequest
            | Self::Permanent => false,
        }
    }

    /// Whether a person's RetryPost could help without changing the post.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Transient
            | Self::RateLimited { .. }
            | Self::Quota { .. }
            | Self::AuthExpired
            | Self::NeedsReconnect => true,
            Self::InvalidMedia | Self::InvalidRequest | Self::Permanent => false,
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Stable reasons: `ErrorInfo.reason` of gRPC errors and `error.code` of posts. They are API and keep their
        /// names. The first nine are the original design's error table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
            /// A reason of a later release, read from a row that it wrote: carried as it is.
            Later(&'static str),
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* Self::Later(word) => word }
            }
        }

        impl std::str::FromStr for Reason {
            type Err = super::platform::UnknownValue;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($text => Ok(Self::$name),)* _ => Err(super::platform::UnknownValue { kind: "reason", value: text.to_owned() }) }
            }
        }
    };
}

reasons! {
    /// The platform refuses the account's token (original: Invalid Token).
    TokenInvalid = "TOKEN_INVALID",
    /// The platform's rate limit (original: Rate Limit Exceeded).
    RateLimitExceeded = "RATE_LIMIT_EXCEEDED",
    /// The video is not publicly accessible (original: Video Not Public).
    VideoNotPublic = "VIDEO_NOT_PUBLIC",
    /// The file is larger than the platform accepts (original: Video Too Large).
    VideoTooLarge = "VIDEO_TOO_LARGE",
    /// Container or codec is not accepted (original: Invalid Video Format).
    VideoFormatInvalid = "VIDEO_FORMAT_INVALID",
    /// The caption is longer than the platform accepts (original: Caption Too Long).
    CaptionTooLong = "CAPTION_TOO_LONG",
    /// The same content is being published or live (original: Duplicate Post).
    DuplicatePost = "DUPLICATE_POST",
    /// The OAuth state is unknown, used, expired, another user's or another browser's (original: OAuth State Mismatch).
    OauthStateMismatch = "OAUTH_STATE_MISMATCH",
    /// Instagram still processes the video (original: Container Not Ready).
    ContainerNotReady = "CONTAINER_NOT_READY",

    /// A field of the request is malformed.
    InvalidField = "INVALID_FIELD",
    /// The request is larger than the core reads.
    RequestTooLarge = "REQUEST_TOO_LARGE",
    /// The request is not a message of this RPC, or was truncated.
    RequestUnreadable = "REQUEST_UNREADABLE",
    /// The request breaks one or more rules of the platform.
    RuleViolation = "RULE_VIOLATION",
    /// The request key was used before with other content.
    RequestKeyReused = "REQUEST_KEY_REUSED",
    /// The time lies in the past.
    TimeInPast = "TIME_IN_PAST",
    /// No such post of this user.
    PostNotFound = "POST_NOT_FOUND",
    /// The post of this request was there, and was removed because it was old.
    PostRemoved = "POST_REMOVED",
    /// No such account of this user.
    AccountNotFound = "ACCOUNT_NOT_FOUND",
    /// No such upload of this user, or it was removed.
    MediaNotFound = "MEDIA_NOT_FOUND",
    /// No such video job of this user.
    VideoJobNotFound = "VIDEO_JOB_NOT_FOUND",
    /// The video of the video job is not there yet.
    VideoJobWithoutVideo = "VIDEO_JOB_WITHOUT_VIDEO",
    /// No such webhook endpoint or delivery of this user.
    WebhookNotFound = "WEBHOOK_NOT_FOUND",
    /// The user has a webhook endpoint with this address already.
    WebhookExists = "WEBHOOK_EXISTS",
    /// The user has the maximum number of webhook endpoints.
    WebhookLimit = "WEBHOOK_LIMIT",
    /// The webhook endpoint is switched off.
    WebhookDisabled = "WEBHOOK_DISABLED",
    /// The webhook delivery waits for an earlier one of its post.
    WebhookWaits = "WEBHOOK_WAITS",
    /// A post needs the upload.
    MediaInUse = "MEDIA_IN_USE",
    /// The SHA-256 of the uploaded bytes differs from the announced one.
    MediaHashMismatch = "MEDIA_HASH_MISMATCH",
    /// The upload has another size than announced, or sent nothing for too long.
    UploadIncomplete = "UPLOAD_INCOMPLETE",
    /// No such resumable upload of this user, or its time is over.
    UploadNotFound = "UPLOAD_NOT_FOUND",
    /// A resumable upload is continued behind its last stored byte.
    UploadOffsetInvalid = "UPLOAD_OFFSET_INVALID",
    /// The user's uploads have reached their quota, or too many run at once.
    MediaQuotaExceeded = "MEDIA_QUOTA_EXCEEDED",
    /// The disk of the core's data directory is full.
    DiskFull = "DISK_FULL",
    /// The post's status forbids the move.
    StatusForbids = "STATUS_FORBIDS",
    /// The platform may have it already: too late to cancel or edit.
    TooLate = "TOO_LATE",
    /// Someone else changed it first.
    ConcurrentChange = "CONCURRENT_CHANGE",
    /// The account was disconnected.
    AccountDisconnected = "ACCOUNT_DISCONNECTED",
    /// The account's owner must connect it again.
    AccountNeedsReconnect = "ACCOUNT_NEEDS_RECONNECT",
    /// A scope that the call needs was not granted.
    ScopeMissing = "SCOPE_MISSING",
    /// Another identity than the one to be reconnected was connected.
    IdentityMismatch = "IDENTITY_MISMATCH",
    /// The user has too many unfinished logins.
    TooManyOpenLogins = "TOO_MANY_OPEN_LOGINS",
    /// The owner declined to connect.
    ConsentDenied = "CONSENT_DENIED",
    /// The platform has no account to publish to under this login.
    NoPublishableAccount = "NO_PUBLISHABLE_ACCOUNT",
    /// The privacy level is not offered for this account.
    PrivacyNotOffered = "PRIVACY_NOT_OFFERED",
    /// The platform's publishing quota is used up.
    QuotaExceeded = "QUOTA_EXCEEDED",
    /// The core's own limit per user, platform and day is used up.
    DailyLimitReached = "DAILY_LIMIT_REACHED",
    /// The post was found too late after its time.
    Missed = "MISSED",
    /// The file behind the video's URL was replaced.
    VideoChanged = "VIDEO_CHANGED",
    /// The media host could not be reached for now.
    MediaUnreachable = "MEDIA_UNREACHABLE",
    /// The platform rejected the video.
    MediaRejected = "MEDIA_REJECTED",
    /// The platform refused the text or the post as spam.
    ContentRejected = "CONTENT_REJECTED",
    /// The platform restricts the account.
    AccountRestricted = "ACCOUNT_RESTRICTED",
    /// The platform refused the request itself: our request or configuration is wrong.
    PlatformRefused = "PLATFORM_REFUSED",
    /// The platform is away or answered with its own error.
    PlatformUnavailable = "PLATFORM_UNAVAILABLE",
    /// The platform is not configured in this core.
    PlatformNotConfigured = "PLATFORM_NOT_CONFIGURED",
    /// This release cannot do that on this platform.
    Unsupported = "UNSUPPORTED",
    /// The platform does not show the post: removed, private, or its id is not known.
    PostNotShown = "POST_NOT_SHOWN",
    /// It could not be determined whether the post is live.
    OutcomeUnknown = "OUTCOME_UNKNOWN",
    /// A person said that the post is not on the platform.
    ResolvedNotPublished = "RESOLVED_NOT_PUBLISHED",
    /// The stored token cannot be decrypted with this core's keys.
    TokenUnreadable = "TOKEN_UNREADABLE",
    /// The caller's key or token is missing, unknown, forged or expired.
    Unauthenticated = "UNAUTHENTICATED",
    /// The caller's key, token or session asks for more than one may.
    TooManyRequests = "TOO_MANY_REQUESTS",
    /// The caller's key does not allow this.
    PermissionDenied = "PERMISSION_DENIED",
    /// The event position is older than the stored events.
    PositionTooOld = "POSITION_TOO_OLD",
    /// A backup was restored, and the core is still checking whether the post is already published.
    RestoreCheck = "RESTORE_CHECK",
    /// The database is older than the state already handed out: nothing is published until the restore is confirmed.
    DatabaseBehind = "DATABASE_BEHIND",
    /// The event position is of events that a restored backup does not hold.
    PositionOfLostEvents = "POSITION_OF_LOST_EVENTS",
    /// The database is away.
    StoreUnavailable = "STORE_UNAVAILABLE",
    /// The post stopped the worker several times and was quarantined.
    Quarantined = "QUARANTINED",
    /// This release cannot read the stored row: a word of a later one, or damage.
    RowUnreadable = "ROW_UNREADABLE",
    /// Our bug.
    Internal = "INTERNAL",
}

/// Longest text accepted as a reason.
const MAX_REASON: usize = 64;

/// Maximum number of later releases' reasons kept: each stays in memory for ever, and damaged rows must not exhaust it.
const MAX_LATER: usize = 1_000;

impl Reason {
    /// A stored reason: one of ours, or a word of a later release.
    fn stored(text: &str) -> Result<Self, UnknownValue> {
        static LATER: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        if let Ok(known) = text.parse() {
            return Ok(known);
        }
        let is_a_reason = (1..=MAX_REASON).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        let mut later = LATER.lock().unwrap_or_else(PoisonError::into_inner);
        match later.get(text) {
            Some(word) => Ok(Self::Later(word)),
            None if is_a_reason && later.len() < MAX_LATER => {
                let word: &'static str = Box::leak(text.into());
                later.insert(word);
                Ok(Self::Later(word))
            }
            None => Err(UnknownValue { kind: "reason", value: text.to_owned() }),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::stored(&text).map_err(serde::de::Error::custom)
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure as stored with the post and shown to people. Contains no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the engine does about it.
    pub class: FailureClass,
    /// Stable reason.
    pub reason: Reason,
    /// The broken rule, or the platform's own code ("9004/2207052"); empty when there is none.
    pub rule: String,
    /// A sentence for people, lower case, without full stop.
    pub message: String,
    /// What to do about it.
    pub remediation: String,
}

impl Failure {
    /// A failure without a rule or remedy; add them with the builder methods.
    pub fn new(class: FailureClass, reason: Reason, message: impl Into<String>) -> Self {
        Self { class, reason, rule: String::new(), message: message.into(), remediation: String::new() }
    }

    /// Names the rule or the platform's code.
    pub fn with_rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = rule.into();
        self
    }

    /// Says what to do.
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remediation = remedy.into();
        self
    }
}

/// An error with its causes, as text.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_release_wrote_is_carried_as_it_is() {
        let stored = r#"{"class":{"class":"needs_a_witness"},"reason":"NOT_BEFORE_2031","rule":"","message":"m","remediation":"r"}"#;
        let failure: Failure = serde_json::from_str(stored).unwrap();
        assert_eq!((failure.reason.as_str(), &failure.class), ("NOT_BEFORE_2031", &FailureClass::Permanent));
        assert!(serde_json::to_string(&failure).unwrap().contains(r#""reason":"NOT_BEFORE_2031""#));
        assert_eq!(Reason::stored("NOT_BEFORE_2031"), Ok(failure.reason));
        for class in ["transient", "quota", "permanent"] {
            let read: FailureClass = serde_json::from_str(&format!(r#"{{"class":"{class}","until":null}}"#)).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap()["class"], class);
        }
        for damage in ["", "\u{0}\u{1}", "not a reason", &"A".repeat(65)] {
            assert!(Reason::stored(damage).is_err(), "{damage:?}");
        }
    }

    #[test]
    fn reasons_round_trip_and_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse::<Reason>().as_ref(), Ok(reason));
            assert!(seen.insert(reason.as_str()), "{reason} twice");
        }
    }
}

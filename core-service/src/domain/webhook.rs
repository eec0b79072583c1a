//! Rules of webhooks: the types of events, who gets which, when an attempt is repeated, and when an endpoint is given
//! up.
//!
//! Guaranteed: pure. One stored event has one type; the same event fits the same endpoints on every core.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    event::{EventKind, NewEvent},
    ids::{AccountId, DeliveryId, EndpointId, Fence, PostId, Sequence, UserId},
    platform::{Platform, UnknownValue},
    post::Status,
};

/// Every event type that an endpoint can subscribe to.
pub const EVENT_TYPES: [&str; 16] = [
    "post.created",
    "post.updated",
    "post.deleted",
    "post.details",
    "post.scheduled",
    "post.publishing",
    "post.confirming",
    "post.published",
    "post.delivered",
    "post.failed",
    "post.needs_review",
    "post.cancelled",
    "account.connected",
    "account.needs_reconnect",
    "account.disconnected",
    "webhook.disabled",
];

/// The type of test events. They are sent to the tested endpoint, whatever its filters.
pub const TEST_EVENT: &str = "webhook.test";

/// How long a delivery is retried, from its first attempt.
pub const TRIED_FOR: TimeDelta = TimeDelta::days(3);

/// How long an endpoint may fail before it is switched off.
pub const FAILS_FOR: TimeDelta = TimeDelta::days(5);

/// Minimum number of failures in a row before an endpoint is switched off: a test and one event a week later do not
/// count as days of failures.
pub const FAILS_AT_LEAST: i32 = 10;

/// The longest that a `Retry-After` is waited for.
pub const LONGEST_WAIT: TimeDelta = TimeDelta::hours(6);

/// Gaps between tries; the last one repeats.
const GAPS: [TimeDelta; 10] = [
    TimeDelta::seconds(5),
    TimeDelta::seconds(30),
    TimeDelta::minutes(2),
    TimeDelta::minutes(10),
    TimeDelta::minutes(30),
    TimeDelta::hours(1),
    TimeDelta::hours(2),
    TimeDelta::hours(4),
    TimeDelta::hours(6),
    TimeDelta::hours(8),
];

/// How much a gap may be lengthened at random, so that deliveries that failed together are not retried together.
const SPREAD: f64 = 0.2;

/// The owner of endpoints that get the events of all users.
pub const OPERATOR: UserId = UserId(0);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $($(#[$of:meta])* $variant:ident = $word:literal),* $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$of])* $variant,)*
        }

        impl $name {
            /// The stored form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownValue;
            fn from_str(text: &str) -> Result<Self, UnknownValue> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(UnknownValue { kind: $kind, value: text.to_owned() }),
                }
            }
        }
    };
}

words! {
    /// Why an endpoint is switched off.
    Disabled, "reason of a webhook endpoint",
    /// Its owner wanted it.
    Owner = "OWNER",
    /// It answered 410 Gone.
    Gone = "GONE",
    /// It failed for days.
    Failing = "FAILING",
}

words! {
    /// The status of a delivery.
    DeliveryStatus, "status of a webhook delivery",
    /// On its way.
    Pending = "pending",
    /// Answered with 2xx.
    Delivered = "delivered",
    /// Given up.
    Failed = "failed",
}

/// An endpoint's filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Types; all when empty.
    pub types: Vec<String>,
    /// Platforms; all when empty.
    pub platforms: Vec<Platform>,
}

impl EventFilter {
    /// Whether an event of this type and platform passes. An event without a platform passes any platform filter.
    pub fn wants(&self, event_type: &str, platform: Option<Platform>) -> bool {
        (self.types.is_empty() || self.types.iter().any(|wanted| wanted == event_type))
            && platform.is_none_or(|platform| self.platforms.is_empty() || self.platforms.contains(&platform))
    }
}

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Ours.
    pub id: EndpointId,
    /// Whose events it gets; [`OPERATOR`]: those of all users.
    pub wp_user_id: UserId,
    /// Where events are sent.
    pub url: String,
    /// For people.
    pub description: String,
    /// Which are sent.
    pub filter: EventFilter,
    /// Why and since when nothing is sent.
    pub disabled: Option<(Disabled, DateTime<Utc>)>,
    /// Since when every try failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// Until when the previous secret also signs.
    pub old_secret_expires_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
}

/// The delivery of an event to an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Ours.
    pub id: DeliveryId,
    /// Where it goes.
    pub endpoint: EndpointId,
    /// `webhook-id`.
    pub webhook_id: String,
    /// The event's type.
    pub event_type: String,
    /// The event's position; `None` for test events.
    pub event_sequence: Option<Sequence>,
    /// The post it is about.
    pub post_id: Option<PostId>,
    /// The account it is about.
    pub account_id: Option<AccountId>,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// When it is tried next, or its claim ends; `None` while it waits for an earlier one, and at rest.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Attempts since it was created or last redelivered.
    pub tries: i32,
    /// Tries ever.
    pub tries_ever: i32,
    /// When the first of `tries` began.
    pub tried_since: Option<DateTime<Utc>>,
    /// The claim's number.
    pub fence: Fence,
    /// When the delivery was created.
    pub created_at: DateTime<Utc>,
    /// When it came to rest.
    pub ended_at: Option<DateTime<Utc>>,
    /// The newest try.
    pub last_try: Option<Try>,
}

/// One request and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// From 1 on.
    pub number: i32,
    /// When it was begun.
    pub sent_at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
    /// The answer's status.
    pub status_code: Option<i32>,
    /// The beginning of its body.
    pub answer: String,
    /// Why there was no response, or why it does not count.
    pub error: String,
}

/// The type of a stored event. `None` for one without a type: a status of a later release.
pub fn event_type(event: &NewEvent) -> Option<&'static str> {
    Some(match (event.kind, event.status) {
        (EventKind::PostStatusChanged, status) => match status? {
            // No move leads back to it.
            Status::Draft => return None,
            Status::Scheduled => "post.scheduled",
            Status::Publishing => "post.publishing",
            Status::Confirming => "post.confirming",
            Status::Published => "post.published",
            Status::Failed => "post.failed",
            Status::Cancelled => "post.cancelled",
            Status::NeedsReview => "post.needs_review",
            Status::Delivered => "post.delivered",
        },
        (
            kind @ (EventKind::PostCreated
            | EventKind::PostUpdated
            | EventKind::PostDeleted
            | EventKind::PostDetails
            | EventKind::AccountConnected
            | EventKind::AccountNeedsReconnect
            | EventKind::AccountDisconnected
            | EventKind::WebhookDisabled),
            _,
        ) => kind.as_str(),
    })
}

/// The subject within which events are sent in order: a post or an account. Empty: no order.
pub fn subject(event: &NewEvent) -> String {
    match (event.post_id, event.account_id) {
        (Some(post), _) => format!("post/{post}"),
        (None, Some(account)) => format!("account/{account}"),
        (None, None) => String::new(),
    }
}

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryOutcome {
    /// 2xx.
    Accepted,
    /// 410.
    Gone,
    /// Anything else, with the wait that the response asked for.
    Failed {
        /// `Retry-After`.
        retry_after: Option<TimeDelta>,
    },
}

/// The decision about a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Done.
    Delivered,
    /// Given up.
    Failed,
    /// Tried again then.
    Again(DateTime<Utc>),
}

/// Decides about a delivery that was tried `tries` times since `since`. `chance` is between 0 and 1.
pub fn next(
    outcome: TryOutcome,
    is_test: bool,
    tries: i32,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    chance: f64,
) -> Next {
    let retry_after = match outcome {
        TryOutcome::Accepted => return Next::Delivered,
        TryOutcome::Gone => return Next::Failed,
        TryOutcome::Failed { .. } if is_test => return Next::Failed,
        TryOutcome::Failed { retry_after } => retry_after,
    };
    let gap = gap(tries, chance).max(asked_wait(retry_after).unwrap_or_default());
    match now + gap {
        at if at > since + TRIED_FOR => Next::Failed,
        at => Next::Again(at),
    }
}

/// How long a `Retry-After` is honoured.
pub fn asked_wait(retry_after: Option<TimeDelta>) -> Option<TimeDelta> {
    retry_after.map(|wait| wait.min(LONGEST_WAIT))
}

/// The gap after this many attempts, at least one.
fn gap(tries: i32, chance: f64) -> TimeDelta {
    let place = usize::try_from(tries.max(1) - 1).unwrap_or_default().min(GAPS.len() - 1);
    let spread = GAPS[place].num_milliseconds() as f64 * SPREAD * chance.clamp(0.0, 1.0);
    GAPS[place] + TimeDelta::milliseconds(spread as i64)
}

/// Whether an endpoint that failed this many times in a row since then is switched off.
pub fn has_failed_for_days(failing_since: DateTime<Utc>, failures: i32, now: DateTime<Utc>) -> bool {
    now - failing_since >= FAILS_FOR && failures >= FAILS_AT_LEAST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, status: Option<Status>) -> NewEvent {
        NewEvent {
            wp_user_id: UserId(1),
            kind,
            post_id: Some(PostId(7)),
            account_id: Some(AccountId(2)),
            webhook_id: None,
            previous_status: None,
            status,
            reason: None,
        }
    }

    #[test]
    fn every_event_has_a_type_that_can_be_asked_for_and_the_other_way_round() {
        let mut given = std::collections::BTreeSet::new();
        for kind in EventKind::ALL {
            for status in Status::ALL {
                given.extend(event_type(&event(kind, Some(status))));
            }
        }
        assert_eq!(given, EVENT_TYPES.into_iter().collect());
        assert_eq!(event_type(&event(EventKind::PostStatusChanged, None)), None, "a status of a later release");
    }

    #[test]
    fn events_of_a_post_are_in_order_and_those_of_an_account_too() {
        assert_eq!(subject(&event(EventKind::PostDetails, None)), "post/7");
        assert_eq!(subject(&NewEvent { post_id: None, ..event(EventKind::AccountConnected, None) }), "account/2");
    }

    #[test]
    fn a_filter_narrows_by_type_and_platform() {
        let filter = EventFilter { types: vec!["post.failed".into()], platforms: vec![Platform::Tiktok] };
        assert!(filter.wants("post.failed", Some(Platform::Tiktok)) && filter.wants("post.failed", None));
        assert!(!filter.wants("post.failed", Some(Platform::Youtube)));
        assert!(!filter.wants("post.published", Some(Platform::Tiktok)));
        assert!(EventFilter::default().wants("webhook.disabled", None));
    }

    #[test]
    fn gaps_grow_and_end_after_three_days() {
        let begun = DateTime::UNIX_EPOCH;
        let failed = TryOutcome::Failed { retry_after: None };
        for chance in [0.0, 1.0] {
            let (mut now, mut tries, mut before) = (begun, 1, TimeDelta::zero());
            while let Next::Again(at) = next(failed, false, tries, begun, now, chance) {
                assert!(at - now >= before, "try {tries}");
                before = at - now;
                now = at;
                tries += 1;
            }
            assert!(now > begun + TimeDelta::days(2) && now <= begun + TRIED_FOR, "the last try was at {now}");
            assert!((14..=20).contains(&tries), "{tries} tries");
        }
    }

    #[test]
    fn an_answer_may_ask_for_a_longer_wait_within_bounds() {
        let now = DateTime::UNIX_EPOCH;
        let asked = |seconds| TryOutcome::Failed { retry_after: Some(TimeDelta::seconds(seconds)) };
        let wait = |seconds| match next(asked(seconds), false, 1, now, now, 0.0) {
            Next::Again(at) => at - now,
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(1), TimeDelta::seconds(5), "never earlier than without it");
        assert_eq!(wait(60), TimeDelta::seconds(60));
        assert_eq!(wait(1_000_000), LONGEST_WAIT);
    }

    #[test]
    fn tests_are_tried_once_and_what_is_gone_never_again() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(next(TryOutcome::Failed { retry_after: None }, true, 1, now, now, 0.5), Next::Failed);
        assert_eq!(next(TryOutcome::Gone, false, 1, now, now, 0.5), Next::Failed);
        assert_eq!(next(TryOutcome::Accepted, false, 9, now, now, 0.5), Next::Delivered);
    }

    #[test]
    fn an_endpoint_is_switched_off_after_days_of_many_failures_alone() {
        let since = DateTime::UNIX_EPOCH;
        assert!(has_failed_for_days(since, FAILS_AT_LEAST, since + FAILS_FOR));
        assert!(!has_failed_for_days(since, FAILS_AT_LEAST - 1, since + FAILS_FOR), "hardly any");
        assert!(!has_failed_for_days(since, 1_000_000, since + FAILS_FOR - TimeDelta::seconds(1)), "not for days");
    }
}

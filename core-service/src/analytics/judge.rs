//! What a reading means for a post: pure.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    domain::{
        analytics::{LOOKED_FOR, READ_FOR, after_failure, next_sync},
        budget::Charge,
        failure::{Failure, FailureClass, Reason},
        ids::AccountId,
        platform::Platform,
        retry::asked_until,
    },
    platform::numbers::Seen,
    store::analytics::syncing::{Due, Read},
};

/// How long a platform that limits us without naming a time is left alone. Meta prolongs its limit with every call.
const LEFT_ALONE: TimeDelta = TimeDelta::hours(1);

/// How often numbers that only the account's owner can make readable are looked for: it costs no call.
const FOR_OWNER: TimeDelta = TimeDelta::days(1);

/// There is no room for a reading.
pub(super) struct NoRoom {
    /// Until then.
    pub(super) until: DateTime<Utc>,
    problem: Failure,
}

impl NoRoom {
    /// What is set aside for the account is used up.
    pub(super) fn of_account(platform: Platform, refused: &Charge) -> Self {
        let limit = refused.limit;
        Self::of(
            refused,
            format!("an account's numbers are read {limit} times an hour from {platform}, which are used up"),
        )
    }

    /// What is set aside for the app is used up.
    pub(super) fn of_app(platform: Platform, refused: &Charge) -> Self {
        Self::of(refused, format!("what the app may read from {platform}, beside publishing, is used up for now"))
    }

    fn of(refused: &Charge, message: String) -> Self {
        let class = FailureClass::Quota { until: Some(refused.until) };
        let problem =
            Failure::new(class, Reason::QuotaExceeded, message).with_remedy("nothing to do, it goes on by itself");
        Self { until: refused.until, problem }
    }

    /// The platform says so.
    pub(super) fn by_platform(until: Option<DateTime<Utc>>, problem: Failure, now: DateTime<Utc>) -> Self {
        Self { until: asked_until(until, now, LEFT_ALONE), problem }
    }
}

/// What the platform told of a post.
pub(super) fn seen(due: &Due, told: &Seen, platform: Platform, account: AccountId, now: DateTime<Utc>) -> Read {
    let next = next_sync(due.published_at, account, now);
    match told {
        Seen::Numbers(reading) => Read::Numbers { reading: reading.clone(), next },
        Seen::NotShown => {
            let since = due.not_shown_since.unwrap_or(now);
            let name = platform.display_name();
            let message = format!("{name} does not show the post: it was removed, or only its owner can see it");
            let problem = Failure::new(FailureClass::Permanent, Reason::PostNotShown, message)
                .with_remedy(format!("look at the account on {name}; the last numbers that were read are kept"));
            let next = next.filter(|_| now - since < LOOKED_FOR);
            Read::Nothing { problem, not_shown_since: Some(since), failures: 0, next }
        }
    }
}

/// The platform has not told the post's id: it cannot be asked for. What then is to be done, the platform says.
pub(super) fn not_known(due: &Due, platform: Platform, remedy: &str, account: AccountId, now: DateTime<Utc>) -> Read {
    let name = platform.display_name();
    let message = format!("{name} has not told the post's id, so its numbers cannot be asked for");
    let problem = Failure::new(FailureClass::Transient, Reason::PostNotShown, message).with_remedy(remedy);
    let next = next_sync(due.published_at, account, now);
    Read::Nothing { problem, not_shown_since: due.not_shown_since, failures: 0, next }
}

/// The reading failed, for all posts that were asked for.
pub(super) fn account_failed(due: &Due, failure: &Failure, account: AccountId, now: DateTime<Utc>) -> Read {
    let regular = next_sync(due.published_at, account, now);
    let (failures, next) = match failure.class {
        FailureClass::Transient
        | FailureClass::RateLimited { .. }
        | FailureClass::Quota { .. }
        | FailureClass::AuthExpired => {
            let failures = due.failures.saturating_add(1);
            (failures, Some(after_failure(failures, now)))
        }
        FailureClass::NeedsReconnect
        | FailureClass::Permanent
        | FailureClass::InvalidMedia
        | FailureClass::InvalidRequest => (0, regular.map(|_| now + FOR_OWNER)),
    };
    let next = next.filter(|next| *next - due.published_at <= READ_FOR);
    Read::Nothing { problem: failure.clone(), not_shown_since: due.not_shown_since, failures, next }
}

/// There was no room for it.
pub(super) fn no_room(due: &Due, no: &NoRoom) -> Read {
    Read::Nothing {
        problem: no.problem.clone(),
        not_shown_since: due.not_shown_since,
        failures: due.failures,
        next: Some(no.until),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        analytics::Reading,
        ids::{Fence, PostId},
    };

    fn due(published_at: DateTime<Utc>) -> Due {
        Due {
            post: PostId(1),
            fence: Fence(1),
            published_at,
            platform_post_id: Some("p".to_owned()),
            failures: 0,
            not_shown_since: None,
        }
    }

    fn next(read: &Read) -> Option<DateTime<Utc>> {
        match read {
            Read::Numbers { next, .. } | Read::Nothing { next, .. } => *next,
        }
    }

    #[test]
    fn a_removed_post_is_looked_for_some_days_and_then_left_alone() {
        let begun = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let (platform, account) = (Platform::Youtube, AccountId(1));
        let mut of = due(begun);
        let mut now = begun + TimeDelta::hours(2);
        let mut looks = 0;
        loop {
            let read = seen(&of, &Seen::NotShown, platform, account, now);
            looks += 1;
            let Read::Nothing { not_shown_since, next, .. } = read else { panic!() };
            of.not_shown_since = not_shown_since;
            let Some(next) = next else { break };
            now = next;
        }
        assert!(now - begun < TimeDelta::days(5) && looks < 20, "{looks}");
        let back = seen(&of, &Seen::Numbers(Reading::default()), platform, account, now);
        assert!(next(&back).is_some(), "one that comes back is read on");
    }

    #[test]
    fn what_only_the_owner_can_mend_is_not_asked_for_again_and_again() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let of = due(now - TimeDelta::hours(1));
        let lacking = Failure::new(FailureClass::NeedsReconnect, Reason::ScopeMissing, "m");
        assert_eq!(next(&account_failed(&of, &lacking, AccountId(1), now)), Some(now + FOR_OWNER));
        let away = Failure::new(FailureClass::Transient, Reason::PlatformUnavailable, "m");
        assert_eq!(next(&account_failed(&of, &away, AccountId(1), now)), Some(now + TimeDelta::minutes(5)));
        let old = due(now - TimeDelta::days(40));
        assert_eq!(next(&account_failed(&old, &away, AccountId(1), now)), None, "its time is over");
    }

    #[test]
    fn a_limit_without_a_time_is_left_alone_for_an_hour() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let limit = Failure::new(FailureClass::RateLimited { until: None }, Reason::RateLimitExceeded, "m");
        assert_eq!(NoRoom::by_platform(None, limit, now).until, now + LEFT_ALONE);
    }
}

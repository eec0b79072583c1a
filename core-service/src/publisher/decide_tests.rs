//! The decisions of `decide`, one by one: what is retried, what waits, what fails, what a person is asked.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::{
    domain::{
        ids::Fence,
        ledger::Handle,
        platform::{LoginFlavour, Platform},
    },
    platform::{Lookup, stand_in},
};

pub(in crate::publisher) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

pub(in crate::publisher) fn policy() -> Policy {
    Policy {
        retry: RetryPolicy { max_attempts: 3, delay: Duration::from_secs(300) },
        poll_first: Duration::from_secs(10),
        review_after: TimeDelta::hours(24),
    }
}

pub(in crate::publisher) fn post(status: Status) -> Post {
    let account = stand_in::account(Platform::Instagram, LoginFlavour::FacebookLogin, now());
    Post { late_policy_seconds: 86_400, ..Post::blank(&account, status, now()) }
}

pub(in crate::publisher) fn entry(class: StepClass, outcome: Option<StepOutcome>) -> Entry {
    Entry {
        number: 1,
        attempt: 1,
        step: "instagram.media_publish".into(),
        class,
        handle: Handle::default().with("container_id", "c"),
        sent_at: now(),
        deadline_at: now() + TimeDelta::seconds(125),
        outcome,
        answered_at: None,
        evidence: Evidence::new(),
        fence: Fence(1),
    }
}

/// A post that was looked at many times, lately.
pub(in crate::publisher) fn looked(status: Status, at: DateTime<Utc>) -> Post {
    Post { poll_count: 50, updated_at: at - TimeDelta::minutes(10), ..post(status) }
}

/// Judges with a ledger of these entries at a time.
pub(in crate::publisher) fn judge<T>(
    post: &Post,
    entries: Vec<Entry>,
    at: DateTime<Utc>,
    judged: impl FnOnce(&DecisionContext<'_>) -> T,
) -> T {
    let ledger = Ledger::new(entries);
    judged(&DecisionContext { post, ledger: &ledger, now: at, chance: 0.5, policy: &policy(), token_version: 1 })
}

pub(in crate::publisher) fn failure(class: FailureClass) -> Failure {
    Failure::new(class, Reason::PlatformRefused, "refused")
}

pub(in crate::publisher) fn change(decision: Decision) -> Change {
    match decision {
        Decision::Continue(change) | Decision::Release(change) | Decision::Refresh(change, _) => change,
    }
}

#[test]
fn an_unknown_answer_at_the_point_of_no_return_is_confirming_and_nothing_else() {
    let sent = entry(StepClass::PointOfNoReturn, None);
    let outcome = Outcome::Unknown { evidence: Evidence::new() };
    let decision = judge(&post(Status::Publishing), vec![sent.clone()], now(), |s| s.after_outcome(sent, outcome));
    let Decision::Continue(change) = decision else { panic!("{decision:?}") };
    assert_eq!(change.by, Some(Move::ReplyLost));
    assert!(!change.retry && !change.new_attempt && change.release.is_none());
    assert!(matches!(change.ledger, LedgerWrite::Update(Entry { outcome: Some(StepOutcome::Unknown), .. })));
}

#[test]
fn an_unknown_answer_of_a_harmless_step_is_repeated_soon_and_then_costs_a_retry() {
    let sent = entry(StepClass::Repeatable, None);
    let outcome = Outcome::Unknown { evidence: Evidence::new() };
    let soon = change(judge(&post(Status::Publishing), vec![sent.clone()], now(), |s| {
        s.after_outcome(sent.clone(), outcome.clone())
    }));
    assert!(!soon.retry);
    assert_eq!(soon.release.unwrap().at, Some(now() + TimeDelta::seconds(5)));
    let earlier = (1..=3).map(|number| Entry { number, ..entry(StepClass::Repeatable, Some(StepOutcome::Unknown)) });
    let all: Vec<Entry> = earlier.chain([Entry { number: 4, ..sent.clone() }]).collect();
    let later = change(judge(&post(Status::Publishing), all, now(), |s| s.after_outcome(sent, outcome)));
    assert!(later.retry);
    assert_eq!(later.by, None);
    assert_eq!(later.release.unwrap().at, Some(now() + TimeDelta::seconds(300)));
}

#[test]
fn retries_end_in_failed_while_nothing_can_be_visible() {
    let tired = Post { automatic_retries: 3, ..post(Status::Publishing) };
    let change =
        change(judge(&tired, vec![], now(), |s| s.after_failure(Change::default(), failure(FailureClass::Transient))));
    assert_eq!(change.by, Some(Move::Rejected));
    assert_eq!(change.release.unwrap().at, None);
}

#[test]
fn while_the_cores_own_store_is_away_no_retry_is_used_for_a_day() {
    let away = || Failure::new(FailureClass::Transient, Reason::StoreUnavailable, "away");
    let tired = Post { automatic_retries: 3, ..post(Status::Publishing) };
    let at = |at| change(judge(&tired, vec![], at, |s| s.after_failure(Change::default(), away())));
    for (waited, pause) in [(0, 30), (5, 60), (10, 300), (600, 600)] {
        let waits = at(tired.due() + TimeDelta::minutes(waited));
        assert!(waits.by.is_none() && !waits.retry, "{waits:?}");
        let until = waits.release.unwrap();
        assert_eq!(until.waiting_for, Some(WaitReason::Retry));
        assert_eq!(until.at, Some(tired.due() + TimeDelta::minutes(waited) + TimeDelta::seconds(pause)));
    }
    assert_eq!(at(tired.due() + TimeDelta::days(2)).by, Some(Move::Rejected));
}

#[test]
fn no_failure_of_a_look_can_fail_what_may_be_visible() {
    let accepted = entry(StepClass::PointOfNoReturn, Some(StepOutcome::Accepted));
    for class in [
        FailureClass::Transient,
        FailureClass::InvalidMedia,
        FailureClass::InvalidRequest,
        FailureClass::Permanent,
        FailureClass::NeedsReconnect,
        FailureClass::RateLimited { until: None },
        FailureClass::Quota { until: None },
    ] {
        let tired = Post { automatic_retries: 3, ..post(Status::Publishing) };
        let change = change(judge(&tired, vec![accepted.clone()], now(), |s| {
            s.after_failure(Change::default(), failure(class.clone()))
        }));
        assert!(!matches!(change.by, Some(Move::Rejected | Move::Missed)), "{class:?}");
        assert!(change.release.unwrap().at.is_some(), "{class:?} is looked at again");
    }
}

#[test]
fn a_point_of_no_return_that_did_not_leave_is_judged_as_absent() {
    let sent = entry(StepClass::PointOfNoReturn, None);
    let outcome = Outcome::NoEffect { failure: failure(FailureClass::InvalidRequest), evidence: Evidence::new() };
    let change =
        change(judge(&post(Status::Publishing), vec![sent.clone()], now(), |s| s.after_outcome(sent, outcome)));
    assert_eq!(change.by, Some(Move::Rejected));
    assert!(matches!(change.ledger, LedgerWrite::Update(Entry { outcome: Some(StepOutcome::NoEffect), .. })));
}

#[test]
fn quota_and_rate_limits_wait_without_costing_a_retry() {
    let until = now() + TimeDelta::hours(5);
    for (class, reason) in [
        (FailureClass::Quota { until: Some(until) }, WaitReason::Quota),
        (FailureClass::RateLimited { until: Some(until) }, WaitReason::RateLimit),
    ] {
        let change = change(judge(&post(Status::Publishing), vec![], now(), |s| {
            s.after_failure(Change::default(), failure(class))
        }));
        assert_eq!(change.release, Some(Release { at: Some(until), waiting_for: Some(reason) }));
        assert!(!change.retry);
    }
}

#[test]
fn the_platforms_rejection_leads_to_a_new_attempt_or_to_failed() {
    let retried = change(judge(&post(Status::Confirming), vec![], now(), |s| {
        s.after_rejection(failure(FailureClass::Transient))
    }));
    assert_eq!((retried.by, retried.retry, retried.new_attempt), (Some(Move::ProvedAbsent), true, true));
    let failed = change(judge(&post(Status::Publishing), vec![], now(), |s| {
        s.after_rejection(failure(FailureClass::InvalidMedia))
    }));
    assert_eq!((failed.by, failed.retry), (Some(Move::Rejected), false));
}

#[test]
fn endless_processing_ends_with_a_person() {
    let accepted = entry(StepClass::PointOfNoReturn, Some(StepOutcome::Accepted));
    let poll = Entry { number: 2, step: "tiktok.status".into(), ..entry(StepClass::Read, None) };
    let look = |status: Status, at: DateTime<Utc>| {
        let outcome = Outcome::Pending { check_after: None, evidence: Evidence::new() };
        let poll = poll.clone();
        change(judge(&looked(status, at), vec![accepted.clone()], at, |s| s.after_outcome(poll, outcome)))
    };
    assert_eq!(look(Status::Publishing, now() + TimeDelta::hours(3)).by, None);
    assert_eq!(look(Status::Publishing, now() + TimeDelta::hours(25)).by, Some(Move::ReplyLost));
    assert_eq!(look(Status::Confirming, now() + TimeDelta::hours(25)).by, Some(Move::CannotTell));
}

#[test]
fn a_follow_up_never_fails_a_live_post() {
    let live = Post { published_at: Some(now()), ..post(Status::Published) };
    let again =
        change(judge(&live, vec![], now() + TimeDelta::minutes(5), |s| s.after_follow_up(false, None, "permalink")));
    assert_eq!(again.by, None);
    assert!(again.release.unwrap().at.is_some());
    let day_later = now() + TimeDelta::hours(25);
    let live = Post { published_at: Some(now()), ..looked(Status::Published, day_later) };
    let left = change(judge(&live, vec![], day_later, |s| s.after_follow_up(false, None, "permalink")));
    assert_eq!((left.by, left.release), (None, None), "the next follow-up has its turn");
    assert_eq!(left.warning.unwrap().code, "FOLLOW_UP_FAILED");
}

/// A read of a container that is not ready yet: when it is looked at again.
fn gap_of_a_look(post: &Post, entries: Vec<Entry>, at: DateTime<Utc>) -> TimeDelta {
    let read = Entry { number: 9, step: "instagram.container_status".into(), ..entry(StepClass::Read, None) };
    let outcome = Outcome::Pending { check_after: None, evidence: Evidence::new() };
    change(judge(post, entries, at, |s| s.after_outcome(read, outcome))).release.unwrap().at.unwrap() - at
}

/// A container that was answered at an instant.
fn container(made: DateTime<Utc>) -> Entry {
    let made = Some(made);
    Entry {
        step: "instagram.container".into(),
        answered_at: made,
        ..entry(StepClass::Repeatable, Some(StepOutcome::Accepted))
    }
}

#[test]
fn the_gap_of_a_look_counts_from_the_step_it_is_about() {
    let at = now() + TimeDelta::days(3);
    let ten = TimeDelta::seconds(10);
    // Scheduled three days ago; the container was made just now: late, retried, reconnected or prepared late.
    for status in [Status::Scheduled, Status::Publishing] {
        let old = Post { scheduled_at: Some(at), ..post(status) };
        assert_eq!(gap_of_a_look(&old, vec![container(at)], at), ten, "{status}");
        let overdue = Post { scheduled_at: Some(at - TimeDelta::hours(9)), ..post(status) };
        assert_eq!(gap_of_a_look(&overdue, vec![container(at)], at), ten, "{status}");
    }
    // The newest container counts, and a long wait still costs little.
    let immediate = post(Status::Publishing);
    let two = vec![container(now()), Entry { number: 2, ..container(at) }];
    assert_eq!(gap_of_a_look(&immediate, two, at), ten);
    assert!(gap_of_a_look(&immediate, vec![container(at - TimeDelta::hours(5))], at) >= TimeDelta::minutes(10));
    // A publish that was taken back or refused before counts as little as the time of scheduling.
    let refused = Entry { number: 1, ..entry(StepClass::PointOfNoReturn, Some(StepOutcome::NoEffect)) };
    assert_eq!(gap_of_a_look(&immediate, vec![refused, Entry { number: 2, ..container(at) }], at), ten);
}

#[test]
fn a_gap_that_has_grown_does_not_reach_beyond_the_posts_time() {
    let due = now() + TimeDelta::hours(2);
    let scheduled = Post { scheduled_at: Some(due), ..post(Status::Scheduled) };
    let made = vec![container(due - TimeDelta::minutes(15))];
    let gap = |at: DateTime<Utc>| gap_of_a_look(&scheduled, made.clone(), at);
    assert_eq!(gap(due - TimeDelta::minutes(4)), TimeDelta::minutes(4) - LAST_LOOK, "shortly before");
    assert_eq!(gap(due - LAST_LOOK), LAST_LOOK, "then at the time itself");
    assert_eq!(gap(due), TimeDelta::seconds(10), "from then on its owner waits");
    assert_eq!(gap(due - TimeDelta::minutes(15)), TimeDelta::seconds(10), "there is time enough");
}

#[test]
fn nothing_goes_to_a_person_at_the_first_look_after_a_long_silence() {
    let silence = now() + TimeDelta::days(3);
    let unknown = entry(StepClass::PointOfNoReturn, Some(StepOutcome::Unknown));
    let accepted = entry(StepClass::PointOfNoReturn, Some(StepOutcome::Accepted));
    let read = Entry { number: 2, step: "tiktok.status".into(), ..entry(StepClass::Read, None) };
    let pending = || Outcome::Pending { check_after: None, evidence: Evidence::new() };
    let away = || Lookup::Failed(failure(FailureClass::Transient));
    // Looked at many times before the core was stopped, or never.
    for count in [0, 50] {
        let post = |status| Post { poll_count: count, ..post(status) };
        let judged = [
            judge(&post(Status::Publishing), vec![accepted.clone()], silence, |s| {
                s.after_outcome(read.clone(), pending())
            }),
            judge(&post(Status::Publishing), vec![accepted.clone()], silence, |s| {
                s.after_failure(Change::default(), failure(FailureClass::Transient))
            }),
            judge(&post(Status::Confirming), vec![unknown.clone()], silence, |s| {
                s.after_lookup(unknown.clone(), away(), Duration::from_secs(60), 1)
            }),
            judge(&post(Status::Published), vec![accepted.clone()], silence, |s| {
                s.after_follow_up(false, None, "link")
            }),
        ];
        for decision in judged {
            let change = change(decision);
            assert_eq!((change.by, change.poll_count), (None, Some(1)), "one look is not enough");
            assert!(change.release.unwrap().at.is_some());
        }
    }
}

/// A failed read of a container's status: the change it leads to.
fn after_a_failed_read(post: &Post, outcome: Outcome) -> Change {
    let read = Entry { number: 9, step: "instagram.container_status".into(), ..entry(StepClass::Read, None) };
    change(judge(post, vec![container(now())], now(), |s| s.after_outcome(read, outcome)))
}

#[test]
fn failed_reads_that_are_hours_apart_cost_a_post_nothing() {
    let away = || Outcome::NoEffect { failure: failure(FailureClass::Transient), evidence: Evidence::new() };
    let mut post = post(Status::Publishing);
    for _ in 0..20 {
        let failed = after_a_failed_read(&post, away());
        assert_eq!((failed.by, failed.retry, failed.read_failures), (None, false, Some(1)), "{post:?}");
        assert_eq!(failed.release.unwrap().at, Some(now() + TimeDelta::seconds(5)), "the first in a row");
        post.read_failures = 1;
        // Then hours of looks that find it still at work.
        for _ in 0..5 {
            let pending = Outcome::Pending { check_after: None, evidence: Evidence::new() };
            let looked = after_a_failed_read(&post, pending);
            assert_eq!(looked.read_failures, Some(0));
            (post.read_failures, post.poll_count) = (0, looked.poll_count.unwrap());
        }
    }
    let learned = Outcome::Accepted { handle: Handle::default(), evidence: Evidence::new() };
    assert_eq!(after_a_failed_read(&post, learned).read_failures, Some(0));
}

#[test]
fn reads_that_fail_without_end_end_in_failed_and_use_no_retry() {
    let outcomes = [
        Outcome::NoEffect { failure: failure(FailureClass::Transient), evidence: Evidence::new() },
        Outcome::Unknown { evidence: Evidence::new() },
    ];
    for outcome in outcomes {
        let gaps: Vec<i64> = (0..6)
            .map(|failures| {
                let post = Post { read_failures: failures, automatic_retries: 3, ..post(Status::Publishing) };
                let failed = after_a_failed_read(&post, outcome.clone());
                assert_eq!((failed.by, failed.retry, failed.read_failures), (None, false, Some(failures + 1)));
                (failed.release.unwrap().at.unwrap() - now()).num_seconds()
            })
            .collect();
        assert_eq!(gaps, [5, 10, 15, 300, 300, 300]);
        let post = Post { read_failures: 6, ..post(Status::Publishing) };
        assert_eq!(after_a_failed_read(&post, outcome).by, Some(Move::Rejected));
    }
}

#[test]
fn retries_begin_anew_where_no_step_had_come_before() {
    let accepted = |step: &str, before: Vec<Entry>| {
        let sent = Entry { number: 5, attempt: 2, step: step.into(), ..entry(StepClass::Repeatable, None) };
        let post = Post { attempt: 2, ..post(Status::Publishing) };
        let outcome = Outcome::Accepted { handle: Handle::default(), evidence: Evidence::new() };
        change(judge(&post, before, now(), |s| s.after_outcome(sent, outcome))).new_ground
    };
    assert!(accepted("instagram.upload", vec![container(now())]));
    // Made again by a new attempt, it brings no retries back: else they would never end.
    assert!(!accepted("instagram.container", vec![container(now())]));
    let lost = Entry { outcome: Some(StepOutcome::Unknown), ..container(now()) };
    assert!(accepted("instagram.container", vec![lost]), "it had only been tried");
}

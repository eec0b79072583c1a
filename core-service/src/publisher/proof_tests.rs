//! What readings prove, one by one: when a lost answer or a refusal is absent, and what follows from it.

use super::*;
use crate::{
    domain::post::{Post, Status},
    publisher::decide::tests::{change, entry, failure, judge, looked, now, post},
};

fn absent(at: DateTime<Utc>, readings: usize, confirmations: usize, dead: bool) -> (Change, usize) {
    let mut unknown = entry(StepClass::PointOfNoReturn, Some(StepOutcome::Unknown));
    for earlier in 0..readings {
        let read = at - TimeDelta::seconds(60) * i32::try_from(readings - earlier).unwrap();
        unknown.evidence.push_reading(read, "absent", Evidence::new());
    }
    let lookup = Lookup::Absent { handle_dead: dead, evidence: Evidence::new() };
    let post = post(Status::Confirming);
    let change = change(judge(&post, vec![unknown.clone()], at, |s| {
        s.after_lookup(unknown, lookup, Duration::from_secs(180), confirmations)
    }));
    let seen = match &change.ledger {
        LedgerWrite::Update(entry) => entry.evidence.readings().count(),
        _ => 0,
    };
    (change, seen)
}

#[test]
fn absence_is_not_believed_before_the_deadline_and_the_settle_time() {
    let settled = now() + TimeDelta::seconds(125 + 180);
    let (early, _) = absent(settled - TimeDelta::seconds(1), 5, 1, false);
    assert_eq!((early.by, early.retry), (None, false));
    assert_eq!(early.release.unwrap().waiting_for, Some(WaitReason::Confirming));
    let (after, _) = absent(settled, 5, 1, false);
    assert_eq!((after.by, after.retry, after.new_attempt), (Some(Move::ProvedAbsent), true, false));
}

#[test]
fn absence_needs_enough_equal_readings_after_the_deadline() {
    let late = now() + TimeDelta::hours(1);
    assert_eq!(absent(late, 1, 3, false).0.by, None, "two of three");
    assert_eq!(absent(late, 2, 3, false).0.by, Some(Move::ProvedAbsent));
    // Readings from before the deadline prove nothing: the request may still have been under way.
    let just_settled = now() + TimeDelta::seconds(125 + 180);
    assert_eq!(absent(just_settled, 6, 5, false).0.by, None);
}

#[test]
fn a_new_attempt_begins_only_with_a_dead_handle() {
    let late = now() + TimeDelta::hours(1);
    assert!(!absent(late, 2, 3, false).0.new_attempt);
    assert!(absent(late, 2, 3, true).0.new_attempt);
}

#[test]
fn what_cannot_be_told_goes_to_a_person_with_its_evidence() {
    let unknown = entry(StepClass::PointOfNoReturn, Some(StepOutcome::Unknown));
    let look = |at: DateTime<Utc>, hopeless: bool| {
        let lookup = Lookup::CannotTell { hopeless, evidence: Evidence::new() };
        let unknown = unknown.clone();
        change(judge(&looked(Status::Confirming, at), vec![unknown.clone()], at, |s| {
            s.after_lookup(unknown, lookup, Duration::from_secs(60), 1)
        }))
    };
    assert_eq!(look(now() + TimeDelta::seconds(130), true).by, None, "not before the settle time");
    assert_eq!(look(now() + TimeDelta::seconds(200), true).by, Some(Move::CannotTell));
    assert_eq!(look(now() + TimeDelta::hours(2), false).by, None, "a later look may tell");
    let given_up = look(now() + TimeDelta::hours(25), false);
    assert_eq!(given_up.by, Some(Move::CannotTell));
    assert_eq!(given_up.error.unwrap().unwrap().reason, Reason::OutcomeUnknown);
}

const SETTLE: Duration = Duration::from_secs(180);

/// A point of no return that the platform's answer refused at [`now`].
fn refused(class: FailureClass) -> Entry {
    let sent = entry(StepClass::PointOfNoReturn, Some(StepOutcome::Unknown)).refused(&failure(class), 1);
    Entry { answered_at: Some(now()), ..sent }
}

/// Reads it as absent at these seconds after it was sent; the last reading's change.
fn read_absent(post: &Post, mut sent: Entry, dead: bool, seconds: &[i64]) -> Change {
    let mut last = Change::default();
    for at in seconds {
        let lookup = Lookup::Absent { handle_dead: dead, evidence: Evidence::new() };
        let at = now() + TimeDelta::seconds(*at);
        last = change(judge(post, vec![sent.clone()], at, |s| s.after_lookup(sent.clone(), lookup, SETTLE, 2)));
        if let LedgerWrite::Update(entry) = &last.ledger {
            sent = entry.clone();
        }
    }
    last
}

fn outcome_of(change: &Change) -> Option<StepOutcome> {
    let LedgerWrite::Update(entry) = &change.ledger else { panic!("{change:?}") };
    entry.outcome
}

#[test]
fn a_refusal_is_confirmed_before_anything_follows_from_it() {
    for class in [
        FailureClass::Transient,
        FailureClass::RateLimited { until: None },
        FailureClass::Quota { until: None },
        FailureClass::AuthExpired,
        FailureClass::NeedsReconnect,
        FailureClass::InvalidMedia,
        FailureClass::InvalidRequest,
        FailureClass::Permanent,
    ] {
        let sent = entry(StepClass::PointOfNoReturn, None);
        let outcome = crate::platform::Outcome::Refused { failure: failure(class.clone()), evidence: Evidence::new() };
        let decision = judge(&post(Status::Publishing), vec![sent.clone()], now(), |s| s.after_outcome(sent, outcome));
        assert_eq!(matches!(decision, Decision::Refresh(..)), class == FailureClass::AuthExpired);
        let change = change(decision);
        assert_eq!((change.by, change.retry, change.new_attempt), (Some(Move::ReplyLost), false, false), "{class:?}");
        assert_eq!(outcome_of(&change), Some(StepOutcome::Unknown), "{class:?} stays open");
        let LedgerWrite::Update(entry) = change.ledger else { panic!() };
        assert_eq!(entry.refusal().unwrap().class, class, "it survives in the ledger");
    }
}

#[test]
fn one_reading_suffices_only_to_send_the_same_handle_again_at_its_time() {
    let confirming = post(Status::Confirming);
    let until = now() + TimeDelta::seconds(120);
    for class in [FailureClass::RateLimited { until: Some(until) }, FailureClass::Quota { until: Some(until) }] {
        let early = read_absent(&confirming, refused(class.clone()), false, &[1]);
        assert_eq!((early.by, outcome_of(&early)), (None, Some(StepOutcome::Unknown)), "not before its time");
        let again = read_absent(&confirming, refused(class.clone()), false, &[1, 121]);
        assert_eq!((again.by, again.retry, again.new_attempt), (Some(Move::ProvedAbsent), false, false), "{class:?}");
        let dead = read_absent(&confirming, refused(class), true, &[1, 121]);
        assert_eq!(dead.by, None, "a new handle needs the proof");
    }
    let again = read_absent(&confirming, refused(FailureClass::AuthExpired), false, &[61]);
    assert_eq!((again.by, again.retry), (Some(Move::ProvedAbsent), false));
    for class in [FailureClass::InvalidMedia, FailureClass::InvalidRequest, FailureClass::Permanent] {
        let change = read_absent(&confirming, refused(class.clone()), false, &[200]);
        assert_eq!((change.by, outcome_of(&change)), (None, Some(StepOutcome::Unknown)), "{class:?}");
    }
}

#[test]
fn a_proven_refusal_fails_with_its_own_reason_or_waits_for_its_time() {
    let confirming = post(Status::Confirming);
    for class in [FailureClass::InvalidMedia, FailureClass::InvalidRequest, FailureClass::Permanent] {
        let change = read_absent(&confirming, refused(class.clone()), false, &[200, 306]);
        assert_eq!(change.by, Some(Move::Rejected), "{class:?}");
        assert_eq!(change.error.unwrap().unwrap().class, class);
    }
    let tired = Post { automatic_retries: 3, ..post(Status::Confirming) };
    let change = read_absent(&tired, refused(FailureClass::Transient), false, &[200, 306]);
    assert_eq!((change.by, change.error.unwrap().unwrap().message.as_str()), (Some(Move::Rejected), "refused"));
    let until = now() + TimeDelta::hours(5);
    let change = read_absent(&confirming, refused(FailureClass::Quota { until: Some(until) }), false, &[200, 306]);
    assert_eq!((change.by, change.retry), (Some(Move::ProvedAbsent), false));
    assert_eq!(change.release.unwrap().at, Some(until));
    assert_eq!(change.release.unwrap().waiting_for, Some(WaitReason::Quota));
}

#[test]
fn a_dead_login_waits_for_another_and_then_the_late_policy_decides() {
    let confirming = post(Status::Confirming);
    let sent = refused(FailureClass::NeedsReconnect);
    let waiting = read_absent(&confirming, sent.clone(), false, &[200, 306]);
    assert_eq!((waiting.by, outcome_of(&waiting)), (None, Some(StepOutcome::Unknown)));
    assert_eq!(waiting.release.unwrap().waiting_for, Some(WaitReason::Reconnect));
    let LedgerWrite::Update(read) = waiting.ledger else { panic!() };
    let reconnected = |hours: i64| {
        let lookup = Lookup::Absent { handle_dead: false, evidence: Evidence::new() };
        let ledger = crate::domain::ledger::Ledger::new(vec![read.clone()]);
        let policy = crate::publisher::decide::tests::policy();
        let now = now() + TimeDelta::hours(hours);
        let decision_context =
            DecisionContext { post: &confirming, ledger: &ledger, now, chance: 0.5, policy: &policy, token_version: 2 };
        change(decision_context.after_lookup(read.clone(), lookup, SETTLE, 2))
    };
    let soon = reconnected(3);
    assert_eq!((soon.by, soon.retry, soon.new_attempt), (Some(Move::ProvedAbsent), false, false));
    let late = reconnected(25);
    assert_eq!((late.by, late.error.unwrap().unwrap().reason), (Some(Move::Rejected), Reason::Missed));
}

#[test]
fn what_one_reading_says_is_proven_before_a_failure_or_a_new_attempt() {
    let until = now() + TimeDelta::seconds(120);
    let again = read_absent(
        &post(Status::Confirming),
        refused(FailureClass::RateLimited { until: Some(until) }),
        false,
        &[1, 121],
    );
    let LedgerWrite::Update(absent) = again.ledger else { panic!() };
    assert_eq!(absent.outcome, Some(StepOutcome::Absent));
    let publishing = post(Status::Publishing);
    let gone = judge(&publishing, vec![absent.clone()], now(), |s| s.after_rejection(failure(FailureClass::Permanent)));
    let fails = judge(&publishing, vec![absent.clone()], now(), |s| {
        s.after_failure(Change::default(), failure(FailureClass::InvalidMedia))
    });
    for decision in [gone, fails] {
        let Decision::Continue(change) = decision else { panic!("{decision:?}") };
        assert_eq!((change.by, change.new_attempt), (Some(Move::ReplyLost), false));
        let reopened = change.reopened.unwrap();
        assert_eq!((reopened.outcome, reopened.is_reopened()), (Some(StepOutcome::Unknown), true));
        // From now on one reading is not enough for anything.
        let one = read_absent(&post(Status::Confirming), reopened.clone(), false, &[200]);
        assert_eq!(one.by, None);
        let proven = read_absent(&post(Status::Confirming), reopened, false, &[200, 306]);
        assert_eq!(proven.by, Some(Move::ProvedAbsent));
    }
}

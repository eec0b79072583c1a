//! The decisions after looking for a post that may be out already, one by one.

use super::*;
use crate::{
    domain::{
        ledger::Handle,
        platform::{LoginFlavour, Platform},
        retry::RetryPolicy,
    },
    platform::stand_in,
    publisher::decide::Policy,
};

fn restored_at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

fn proof() -> Proof {
    Proof { restored_at: restored_at(), settle: Duration::from_secs(300), confirmations: 3 }
}

/// A post of the backup that is an hour older than the restore.
fn post(status: Status) -> Post {
    let created = restored_at() - TimeDelta::hours(1);
    let account = stand_in::account(Platform::Instagram, LoginFlavour::FacebookLogin, created);
    let scheduled_at = (status == Status::Scheduled).then(|| restored_at() + TimeDelta::hours(5));
    Post {
        look_since: Some(created),
        scheduled_at,
        late_policy_seconds: 86_400,
        ..Post::blank(&account, status, created)
    }
}

fn judge(post: &Post, entry: Entry, at: DateTime<Utc>, lookup: Lookup) -> Verdict {
    let policy = Policy {
        retry: RetryPolicy { max_attempts: 3, delay: Duration::from_secs(300) },
        poll_first: Duration::from_secs(10),
        review_after: TimeDelta::hours(24),
    };
    let ledger = Ledger::default();
    let decision_context =
        DecisionContext { post, ledger: &ledger, now: at, chance: 0.5, policy: &policy, token_version: 1 };
    decision_context.after_search(entry, true, lookup, proof())
}

fn absent() -> Lookup {
    Lookup::Absent { handle_dead: false, evidence: Evidence::new() }
}

fn hopeless() -> Lookup {
    Lookup::CannotTell { hopeless: true, evidence: Evidence::new() }
}

fn change(verdict: Verdict) -> Change {
    match verdict {
        Verdict::Follow(Decision::Continue(change) | Decision::Release(change) | Decision::Refresh(change, _)) => {
            change
        }
        Verdict::Review(_, change) => change,
    }
}

fn written(change: &Change) -> Entry {
    let LedgerWrite::Update(entry) = &change.ledger else { panic!("nothing was written: {change:?}") };
    entry.clone()
}

/// What becomes of a post that is looked for again and again and never there.
fn until_absent(post: &Post) -> (Vec<DateTime<Utc>>, Change) {
    let (mut at, mut looks) = (restored_at(), Vec::new());
    let (mut entry, recorded) = search_of(post, &Ledger::default(), at);
    assert!(!recorded);
    loop {
        looks.push(at);
        let decided = change(judge(post, entry, at, absent()));
        entry = written(&decided);
        if decided.looked_up {
            assert_eq!(entry.outcome, Some(StepOutcome::Absent));
            return (looks, decided);
        }
        let release = decided.release.expect("it waits");
        assert_eq!(release.waiting_for, Some(WaitReason::RestoreCheck));
        at = release.at.expect("for another look");
        assert!(looks.len() < 50, "never proven: {looks:?}");
    }
}

#[test]
fn absence_needs_the_settle_time_and_all_equal_readings() {
    let (looks, _) = until_absent(&post(Status::Scheduled));
    let last = *looks.last().unwrap();
    assert!(looks.len() >= 3 && last >= restored_at() + TimeDelta::seconds(300) + UNDER_WAY, "{looks:?}");
    let late = restored_at() + TimeDelta::days(3);
    let (entry, _) = search_of(&post(Status::Scheduled), &Ledger::default(), late);
    let first = change(judge(&post(Status::Scheduled), entry, late, absent()));
    assert!(!first.looked_up, "one reading is none, however long ago the restore was");
}

#[test]
fn a_reading_that_differs_begins_the_count_anew() {
    let post = post(Status::Publishing);
    let mut at = restored_at() + TimeDelta::hours(1);
    let (mut entry, _) = search_of(&post, &Ledger::default(), at);
    let unsure = Lookup::CannotTell { hopeless: false, evidence: Evidence::new() };
    for (lookup, proven) in
        [(absent(), false), (absent(), false), (unsure, false), (absent(), false), (absent(), false), (absent(), true)]
    {
        let decided = change(judge(&post, entry, at, lookup));
        assert_eq!(decided.looked_up, proven);
        entry = written(&decided);
        at += TimeDelta::minutes(1);
    }
}

#[test]
fn what_is_absent_goes_on_as_it_was() {
    for (status, by, goes_on) in [
        (Status::Scheduled, None, Some(Some(WaitReason::Schedule))),
        (Status::Publishing, None, Some(None)),
        (Status::Confirming, Some(Move::ProvedAbsent), Some(None)),
        (Status::Draft, None, None),
        (Status::Failed, None, None),
        (Status::NeedsReview, None, None),
    ] {
        let (_, decided) = until_absent(&post(status));
        let release = decided.release.unwrap();
        assert_eq!(decided.by, by, "{status}");
        assert_eq!(release.at.map(|_| release.waiting_for), goes_on, "{status}");
    }
}

#[test]
fn what_was_on_its_way_long_ago_is_missed_unless_it_was_begun_since() {
    let old = Post { late_policy_seconds: 60, ..post(Status::Publishing) };
    let (_, decided) = until_absent(&old);
    assert_eq!(decided.by, Some(Move::Rejected));
    assert_eq!(decided.error.unwrap().unwrap().reason, Reason::Missed);
    let by_hand = Post { status_since: restored_at() + TimeDelta::seconds(1), ..old };
    assert_eq!(until_absent(&by_hand).1.by, None);
}

#[test]
fn what_is_found_can_be_called_live() {
    for (status, by) in [
        (Status::Draft, Some(Move::Begin)),
        (Status::Scheduled, Some(Move::Begin)),
        (Status::Failed, Some(Move::Retry)),
        (Status::Publishing, None),
        (Status::Confirming, None),
        (Status::NeedsReview, None),
    ] {
        let post = post(status);
        let (entry, _) = search_of(&post, &Ledger::default(), restored_at());
        let handle = Handle::default().with("media_id", "7");
        let lookup = Lookup::Found { handle, evidence: Evidence::new() };
        let Verdict::Follow(Decision::Continue(decided)) = judge(&post, entry, restored_at(), lookup) else {
            panic!("{status}: not gone on with")
        };
        assert_eq!(
            (decided.by, decided.looked_up),
            (by, false),
            "{status}: it is looked for again if the match is void"
        );
        let entry = written(&decided);
        assert_eq!((entry.outcome, entry.handle.text("media_id")), (Some(StepOutcome::Found), Some("7")));
        assert!(was_found(&post, &Ledger::new(vec![entry.clone()])));
        let mut dropped = entry;
        assert!(dropped.forget_match("7", restored_at()), "it rests on the match");
        assert!(!was_found(&post, &Ledger::new(vec![dropped])), "so it is looked for again");
    }
}

#[test]
fn what_cannot_be_told_goes_to_a_person_where_somebody_waits_for_it() {
    let at = restored_at() + TimeDelta::hours(1);
    for (status, moves) in [
        (Status::Scheduled, vec![Move::Begin, Move::ReplyLost, Move::CannotTell]),
        (Status::Publishing, vec![Move::ReplyLost, Move::CannotTell]),
        (Status::Confirming, vec![Move::CannotTell]),
    ] {
        let post = post(status);
        let (entry, _) = search_of(&post, &Ledger::default(), at);
        let Verdict::Review(by, change) = judge(&post, entry.clone(), at, hopeless()) else { panic!("{status}") };
        assert_eq!(by, moves, "{status}");
        assert!(!change.looked_up, "looking again stays possible");
        assert_eq!(change.error.unwrap().unwrap().reason, Reason::OutcomeUnknown);
        let early = judge(&post, entry, restored_at(), hopeless());
        assert!(matches!(early, Verdict::Follow(Decision::Release(_))), "{status}: it may be listed yet");
    }
    for status in [Status::Draft, Status::Failed, Status::NeedsReview] {
        let post = post(status);
        let (entry, _) = search_of(&post, &Ledger::default(), at);
        let decided = change(judge(&post, entry, at, hopeless()));
        assert_eq!((decided.by, decided.looked_up, decided.error), (None, false, None), "{status}");
        assert_eq!(decided.release, Some(Release { at: None, waiting_for: None }), "{status}");
    }
}

#[test]
fn a_look_that_fails_never_fails_the_post() {
    use FailureClass as C;
    let at = restored_at() + TimeDelta::hours(1);
    for class in [
        C::Transient,
        C::RateLimited { until: None },
        C::Quota { until: None },
        C::NeedsReconnect,
        C::InvalidRequest,
        C::InvalidMedia,
        C::Permanent,
    ] {
        let post = post(Status::Publishing);
        let (entry, _) = search_of(&post, &Ledger::default(), at);
        let failure = Failure::new(class.clone(), Reason::PlatformRefused, "no");
        let decided = change(judge(&post, entry, at, Lookup::Failed(failure)));
        assert_eq!((decided.by, decided.looked_up), (None, false), "{class:?}");
        assert!(decided.release.unwrap().at.unwrap() > at, "{class:?}: it is looked for again");
    }
}

//! Decisions after looking up a post that may already be published because a backup was restored: pure, from a reading
//! of the platform to one change of the row.
//!
//! Guaranteed: nothing is sent for such a post before it is proven absent, by the platform's number of equal readings
//! after the time within which a request of the old core may still take effect; a post that was found is bound to it;
//! an unknown outcome goes to a person, except for drafts and failed posts: they stay as they are, and are looked up
//! again when they are to be sent.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::decide::{Decision, DecisionContext};
use crate::{
    domain::{
        change::{Change, LedgerWrite, Release},
        failure::{Failure, FailureClass, Reason},
        ledger::{Entry, Evidence, Ledger, SEARCH, StepClass, StepOutcome},
        post::{Post, Status, WaitReason},
        transition::Move,
    },
    platform::Lookup,
};

/// How long a request of the old core may still have been in flight when the backup was restored.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(3);

/// Time between two look-ups when the platform asked for a pause of unknown length.
const PAUSE: TimeDelta = TimeDelta::seconds(90);

/// Time between two look-ups when the owner must connect the account again; connecting wakes the post.
const RECONNECT_PAUSE: TimeDelta = TimeDelta::hours(6);

/// What a search of one platform proves, and since when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof {
    /// When the backup was restored: the old core sent nothing after it.
    pub(super) restored_at: DateTime<Utc>,
    /// How long after that the platform may show something new.
    pub(super) settle: Duration,
    /// How many equal readings prove absence.
    pub(super) confirmations: usize,
}

impl Proof {
    fn settled_at(self) -> DateTime<Utc> {
        self.restored_at + UNDER_WAY + TimeDelta::from_std(self.settle).unwrap_or(TimeDelta::days(1))
    }
}

/// What to do after a look.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// Like after any exchange.
    Follow(Decision),
    /// A person must check: these moves one after the other, the last with this change.
    Review(Vec<Move>, Change),
}

/// Whether the post was found. It stays marked: if the match turns out to be another post's, it is looked up again.
pub(super) fn was_found(post: &Post, ledger: &Ledger) -> bool {
    ledger.of_attempt(post.attempt).any(|entry| entry.step == SEARCH && entry.outcome == Some(StepOutcome::Found))
}

/// The newest search of the post's attempt that is not over, or a new one.
pub(super) fn search_of(post: &Post, ledger: &Ledger, now: DateTime<Utc>) -> (Entry, bool) {
    let open = |entry: &&Entry| entry.step == SEARCH && entry.outcome == Some(StepOutcome::Unknown);
    if let Some(entry) = ledger.of_attempt(post.attempt).rev().find(open) {
        return (entry.clone(), true);
    }
    let entry = Entry {
        number: ledger.next_number(),
        attempt: post.attempt,
        step: SEARCH.to_owned(),
        class: StepClass::Read,
        handle: crate::domain::ledger::Handle::default(),
        sent_at: now,
        deadline_at: now,
        outcome: Some(StepOutcome::Unknown),
        answered_at: None,
        evidence: Evidence::new(),
        fence: post.fence,
    };
    (entry, false)
}

impl DecisionContext<'_> {
    /// The decision after looking up a post that may have been published before the backup was restored. `recorded`:
    /// the entry is already in the ledger.
    pub(super) fn after_search(&self, mut entry: Entry, recorded: bool, lookup: Lookup, proof: Proof) -> Verdict {
        let settled = self.now >= proof.settled_at();
        let expired = self.now - entry.sent_at > self.policy.review_after;
        let keep = |entry: Entry| Change {
            ledger: if recorded { LedgerWrite::Update(entry) } else { LedgerWrite::Insert(entry) },
            ..Change::default()
        };
        match lookup {
            Lookup::Found { handle, evidence } => {
                entry.handle.0.extend(handle.0);
                entry.evidence.push_reading(self.now, "found", evidence);
                entry.outcome = Some(StepOutcome::Found);
                entry.answered_at = Some(self.now);
                Verdict::Follow(Decision::Continue(Change {
                    by: begins(self.post.status),
                    error: Some(None),
                    poll_count: Some(0),
                    ..keep(entry)
                }))
            }
            Lookup::Absent { evidence, .. } => {
                entry.evidence.push_reading(self.now, "absent", evidence);
                let readings: Vec<_> = entry.evidence.readings().collect();
                let equal = readings.iter().rev().take_while(|(_, what)| *what == "absent").count();
                // Nobody knows how long the original may go on with it, so absence proves nothing: it is a person who says
                // that it may be sent again.
                if self.ledger.was_under_way_elsewhere(self.post.attempt) {
                    return self.give_to_a_person(keep(entry), "it is not in the account's list (yet)");
                }
                if !settled || equal < proof.confirmations.max(1) {
                    let again = self.next_reading(proof, settled);
                    return Verdict::Follow(self.look_later(keep(entry), again));
                }
                entry.outcome = Some(StepOutcome::Absent);
                entry.answered_at = Some(self.now);
                Verdict::Follow(self.proved_absent(keep(entry), proof.restored_at))
            }
            Lookup::Pending { check_after, evidence } => {
                entry.evidence.push_reading(self.now, "pending", evidence);
                if expired {
                    return self.give_to_a_person(keep(entry), "the platform has been processing it for too long");
                }
                let at = self.next_look(check_after, entry.sent_at);
                Verdict::Follow(self.look_later(keep(entry), at))
            }
            Lookup::CannotTell { hopeless, evidence } => {
                entry.evidence.push_reading(self.now, "cannot tell", evidence);
                if expired || (hopeless && settled) {
                    return self.give_to_a_person(keep(entry), "the platform cannot tell whether it is there");
                }
                let at = if hopeless { proof.settled_at() } else { self.next_look(None, entry.sent_at) };
                Verdict::Follow(self.look_later(keep(entry), at))
            }
            Lookup::Failed(failure) => match failure.class {
                FailureClass::AuthExpired => Verdict::Follow(Decision::Refresh(Change::default(), failure)),
                FailureClass::NeedsReconnect => {
                    let change = Change { error: Some(Some(failure)), ..Change::default() };
                    Verdict::Follow(self.wait(change, self.now + RECONNECT_PAUSE, WaitReason::Reconnect))
                }
                FailureClass::RateLimited { until } | FailureClass::Quota { until } => {
                    let at = until.filter(|until| *until > self.now).unwrap_or(self.now + PAUSE);
                    Verdict::Follow(self.look_later(Change::default(), at))
                }
                FailureClass::Transient
                | FailureClass::InvalidMedia
                | FailureClass::InvalidRequest
                | FailureClass::Permanent => {
                    let told = Evidence::new().with("reason", failure.reason.as_str());
                    entry.evidence.push_reading(self.now, "unreadable", told);
                    if expired {
                        return self.give_to_a_person(keep(entry), "the platform could not be read for a long time");
                    }
                    let at = self.next_look(None, entry.sent_at);
                    Verdict::Follow(self.look_later(keep(entry), at))
                }
            },
        }
    }

    fn look_later(&self, change: Change, at: DateTime<Utc>) -> Decision {
        let poll_count = Some(self.post.poll_count.saturating_add(1));
        self.wait(Change { poll_count, ..change }, at, WaitReason::RestoreCheck)
    }

    /// Readings are spread evenly over what is left of the settle time; once it has passed they follow soon.
    fn next_reading(&self, proof: Proof, settled: bool) -> DateTime<Utc> {
        let soon = TimeDelta::from_std(self.policy.poll_first).unwrap_or(TimeDelta::seconds(10));
        if settled {
            return self.now + soon;
        }
        let left = proof.settled_at() - self.now;
        self.now + (left / i32::try_from(proof.confirmations.max(1)).unwrap_or(1)).max(soon)
    }

    /// It continues, by its own time and late policy.
    fn proved_absent(&self, change: Change, restored_at: DateTime<Utc>) -> Decision {
        let change = Change { looked_up: true, error: Some(None), poll_count: Some(0), ..change };
        let now = self.now;
        let goes_on = |change: Change, waiting_for| {
            Decision::Release(Change { release: Some(Release { at: Some(now), waiting_for }), ..change })
        };
        let rests = |change: Change| {
            Decision::Release(Change { release: Some(Release { at: None, waiting_for: None }), ..change })
        };
        match self.post.status {
            Status::Scheduled => goes_on(change, Some(WaitReason::Schedule)),
            Status::Publishing | Status::Confirming => {
                let late = now - self.post.due();
                // A post that a person started since the restore is wanted now, however late.
                let was_begun_before = self.post.status_since < restored_at && self.post.created_at < restored_at;
                if was_begun_before && late > TimeDelta::seconds(self.post.late_policy_seconds) {
                    let message = format!("found {} s after its time, when a backup was restored", late.num_seconds());
                    let failure = Failure::new(FailureClass::Transient, Reason::Missed, message)
                        .with_remedy("publish it now with RetryPost, or allow more in late_policy_seconds");
                    return self.fail(change, failure);
                }
                let by = (self.post.status == Status::Confirming).then_some(Move::ProvedAbsent);
                goes_on(Change { by, ..change }, None)
            }
            // Nobody asked for it to be sent, and its failure or open outcome still holds.
            Status::Draft | Status::Failed | Status::NeedsReview => rests(Change { error: None, ..change }),
            Status::Published | Status::Delivered | Status::Cancelled => rests(change),
        }
    }

    fn give_to_a_person(&self, change: Change, why: &str) -> Verdict {
        let since = match self.ledger.imported_at() {
            Some(_) => "the original plugin may have sent the post before it was imported",
            None => "a backup was restored, and the post may have gone out after the backup was made",
        };
        let message = format!("{since}; {why}");
        let failure = Failure::new(FailureClass::Permanent, Reason::OutcomeUnknown, message).with_remedy(
            "look at the account, then say by ResolvePost whether the post is there; RetryPost works after that",
        );
        let rests = Release { at: None, waiting_for: None };
        let asked = Change { error: Some(Some(failure)), release: Some(rests), ..change.clone() };
        match self.post.status {
            Status::Scheduled => Verdict::Review(vec![Move::Begin, Move::ReplyLost, Move::CannotTell], asked),
            Status::Publishing => Verdict::Review(vec![Move::ReplyLost, Move::CannotTell], asked),
            Status::Confirming => Verdict::Review(vec![Move::CannotTell], asked),
            Status::Draft
            | Status::Failed
            | Status::NeedsReview
            | Status::Published
            | Status::Delivered
            | Status::Cancelled => Verdict::Follow(Decision::Release(Change { release: Some(rests), ..change })),
        }
    }
}

/// The move after which a post can be called live.
fn begins(status: Status) -> Option<Move> {
    match status {
        Status::Draft | Status::Scheduled => Some(Move::Begin),
        Status::Failed => Some(Move::Retry),
        Status::Publishing
        | Status::Confirming
        | Status::NeedsReview
        | Status::Published
        | Status::Delivered
        | Status::Cancelled => None,
    }
}

#[cfg(test)]
#[path = "restored_tests.rs"]
mod tests;

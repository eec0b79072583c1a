//! What readings prove about a point of no return whose outcome is open: its answer was lost, or the platform refused it.
//!
//! Guaranteed: absence is accepted only after the call's deadline plus the platform's settle time and the platform's
//! number of equal readings. A refusal in the platform's response is not proof: `failed` and a new handle need the same
//! proof; one reading that says "not yet" is enough only to send the same handle again, at the time that the refusal
//! asks for. If the login is lost, the post stays confirming until its owner connects the account again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::decide::{Decision, DecisionContext, QUOTA_PAUSE, RATE_LIMIT_PAUSE, RECONNECT_PAUSE};
use crate::{
    domain::{
        change::{Change, LedgerWrite},
        failure::{Failure, FailureClass, Reason},
        ledger::{Entry, Evidence, StepClass, StepOutcome},
        post::WaitReason,
        retry::asked_until,
        transition::Move,
    },
    platform::Lookup,
};

/// How long after a refused token the same request waits for the first reading after the refresh.
const TOKEN_PAUSE: TimeDelta = TimeDelta::seconds(60);

/// How long the readings after the settle time may take without the post counting as late.
const PROOF_TAKES: TimeDelta = TimeDelta::minutes(30);

/// What a platform requires before absence is accepted.
#[derive(Clone, Copy)]
struct Demand {
    /// Until when the platform may still process the request.
    settled_at: DateTime<Utc>,
    /// Time between two readings.
    gap: Duration,
    /// Equal readings.
    confirmations: usize,
}

impl DecisionContext<'_> {
    /// The decision after reading the outcome of an unknown point of no return.
    pub fn after_lookup(&self, mut entry: Entry, lookup: Lookup, settle: Duration, confirmations: usize) -> Decision {
        let settle = TimeDelta::from_std(settle).unwrap_or(TimeDelta::MAX);
        let settled = self.now >= entry.deadline_at + settle;
        let since = entry.sent_at;
        let expired = self.is_hopeless(since);
        match lookup {
            Lookup::Found { handle, evidence } => {
                entry.handle.0.extend(handle.0);
                entry.evidence.push_reading(self.now, "found", evidence);
                entry.outcome = Some(StepOutcome::Found);
                entry.answered_at = Some(self.now);
                Decision::Continue(Change { error: Some(None), poll_count: Some(0), ..keep(entry) })
            }
            Lookup::Absent { handle_dead, evidence } => {
                entry.evidence.push_reading(self.now, "absent", evidence);
                // Looks are spread evenly over what is left of the settle time.
                let spread = settle / i32::try_from(confirmations.max(1)).unwrap_or(1);
                let gap = spread.to_std().unwrap_or_default().max(self.policy.poll_first);
                let settled_at = entry.deadline_at + settle;
                self.after_absence(entry, handle_dead, Demand { settled_at, gap, confirmations })
            }
            Lookup::Pending { check_after, evidence } => {
                entry.evidence.push_reading(self.now, "pending", evidence);
                if expired {
                    return self.review(keep(entry), "the platform has been processing the post for too long");
                }
                self.look_again(keep(entry), check_after, since)
            }
            Lookup::CannotTell { hopeless, evidence } => {
                entry.evidence.push_reading(self.now, "cannot tell", evidence);
                if expired || (hopeless && settled) {
                    return self.review(keep(entry), "the answer to the publishing request was lost, and the platform cannot tell whether the post is live");
                }
                let wait = hopeless.then(|| (entry.deadline_at + settle - self.now).to_std().unwrap_or_default());
                self.look_again(keep(entry), wait, since)
            }
            Lookup::Failed(failure) => match failure.class {
                FailureClass::AuthExpired => Decision::Refresh(Change::default(), failure),
                FailureClass::NeedsReconnect => {
                    let change = Change { error: Some(Some(failure)), poll_count: Some(0), ..Change::default() };
                    self.wait(change, self.now + RECONNECT_PAUSE, WaitReason::Reconnect)
                }
                FailureClass::RateLimited { until } | FailureClass::Quota { until } => {
                    let at = asked_until(until, self.now, RATE_LIMIT_PAUSE);
                    self.wait(Change::default(), at, WaitReason::Confirming)
                }
                FailureClass::Transient
                | FailureClass::InvalidMedia
                | FailureClass::InvalidRequest
                | FailureClass::Permanent => {
                    entry.evidence.push_reading(
                        self.now,
                        "unreadable",
                        Evidence::new().with("reason", failure.reason.as_str()),
                    );
                    if expired {
                        return self.review(keep(entry), "the platform could not be read for a long time");
                    }
                    self.look_again(keep(entry), None, since)
                }
            },
        }
    }

    /// Handles one more reading without the post.
    fn after_absence(&self, mut entry: Entry, handle_dead: bool, demand: Demand) -> Decision {
        let quiet_since = entry.deadline_at.min(self.now);
        let readings: Vec<_> = entry.evidence.readings().collect();
        let equal = readings.iter().rev().take_while(|(at, what)| *what == "absent" && *at >= quiet_since).count();
        let proven = self.now >= demand.settled_at && equal >= demand.confirmations.max(1);
        let resend_at = self.resend_at(&entry, demand.settled_at);
        let costs_a_retry = self.costs_a_retry(&entry);
        entry.answered_at = entry.answered_at.or(Some(self.now));
        if !proven {
            let refusal = entry.refusal().filter(|failure| is_passing(&failure.class));
            let same_handle = resend_at.filter(|_| refusal.is_some() && !handle_dead && !entry.is_reopened());
            if same_handle.is_some_and(|at| at <= self.now) {
                entry.outcome = Some(StepOutcome::Absent);
                let ledger = LedgerWrite::Update(entry.absent_provisionally());
                return Decision::Continue(Change {
                    ledger,
                    by: Some(Move::ProvedAbsent),
                    retry: costs_a_retry,
                    error: Some(None),
                    poll_count: Some(0),
                    ..Change::default()
                });
            }
            let gap =
                same_handle.and_then(|at| (at - self.now).to_std().ok()).map_or(demand.gap, |at| at.min(demand.gap));
            let since = entry.sent_at;
            return self.look_again(keep(entry), Some(gap), since);
        }
        let refusal = entry.refusal();
        if let Some(failure) = &refusal
            && failure.class == FailureClass::NeedsReconnect
            && !entry.has_other_tokens(self.token_version)
        {
            // Proven absent, but nothing can be sent until the owner connects the account again or a person resolves
            // the post.
            let change = Change { error: Some(Some(failure.clone())), poll_count: Some(0), ..keep(entry) };
            return self.wait(change, self.now + RECONNECT_PAUSE, WaitReason::Reconnect);
        }
        let late = self.lateness(&entry, demand.settled_at);
        entry.outcome = Some(StepOutcome::Absent);
        entry.answered_at = Some(self.now);
        let change = Change { new_attempt: handle_dead, ..keep(entry.absent_for_sure()) };
        let Some(at) = resend_at else {
            let failure = match refusal {
                Some(failure) if is_final(&failure.class) => failure,
                _ if late > TimeDelta::seconds(self.post.late_policy_seconds) => missed(late),
                Some(failure) => failure,
                None => Failure::new(
                    FailureClass::Transient,
                    Reason::PlatformUnavailable,
                    "the platform did not take the post, and no automatic retry is left",
                )
                .with_remedy("try again with RetryPost"),
            };
            return self.fail(change, failure);
        };
        let change = Change { by: Some(Move::ProvedAbsent), retry: costs_a_retry, ..change };
        match refusal {
            Some(failure) if at > self.now => {
                let reason = wait_reason(&failure.class);
                self.wait(Change { error: Some(Some(failure)), ..change }, at, reason)
            }
            Some(_) | None => Decision::Continue(Change { error: Some(None), ..change }),
        }
    }

    /// When the post may be sent again once it is absent; `None` when it may not: refused for good, no retry left, or too
    /// late by its policy.
    fn resend_at(&self, entry: &Entry, settled_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.lateness(entry, settled_at) > TimeDelta::seconds(self.post.late_policy_seconds) {
            return None;
        }
        let answered_at = entry.answered_at.unwrap_or(entry.sent_at);
        let retry = |from| self.policy.retry.next(self.post.automatic_retries, from, 0.5);
        let Some(refusal) = entry.refusal() else { return retry(self.now).map(|_| self.now) };
        match refusal.class {
            FailureClass::RateLimited { until } => Some(asked_until(until, answered_at, RATE_LIMIT_PAUSE)),
            FailureClass::Quota { until } => Some(asked_until(until, answered_at, QUOTA_PAUSE)),
            FailureClass::AuthExpired if self.costs_a_retry(entry) => retry(answered_at),
            FailureClass::AuthExpired => Some(answered_at + TOKEN_PAUSE),
            FailureClass::Transient => retry(answered_at),
            FailureClass::NeedsReconnect => Some(self.now),
            FailureClass::InvalidMedia | FailureClass::InvalidRequest | FailureClass::Permanent => None,
        }
    }

    /// Whether sending again uses up an automatic retry.
    fn costs_a_retry(&self, entry: &Entry) -> bool {
        match entry.refusal().map(|failure| failure.class) {
            None | Some(FailureClass::Transient) => true,
            // A new token is tried for free only once: repeatedly refused tokens are no coincidence.
            Some(FailureClass::AuthExpired) => self.ledger.of_attempt(self.post.attempt).any(|earlier| {
                earlier.class == StepClass::PointOfNoReturn
                    && earlier.number < entry.number
                    && earlier.refusal().is_some_and(|failure| failure.class == FailureClass::AuthExpired)
            }),
            Some(
                FailureClass::RateLimited { .. }
                | FailureClass::Quota { .. }
                | FailureClass::NeedsReconnect
                | FailureClass::InvalidMedia
                | FailureClass::InvalidRequest
                | FailureClass::Permanent,
            ) => false,
        }
    }

    /// How late the post is, apart from the readings and from waits that the platform asked for.
    fn lateness(&self, entry: &Entry, settled_at: DateTime<Utc>) -> TimeDelta {
        let from = match entry.refusal().map(|failure| failure.class) {
            Some(FailureClass::AuthExpired | FailureClass::NeedsReconnect) => entry.sent_at,
            Some(FailureClass::RateLimited { until } | FailureClass::Quota { until }) => {
                let answered_at = entry.answered_at.unwrap_or(entry.sent_at);
                asked_until(until, answered_at, QUOTA_PAUSE).max(settled_at + PROOF_TAKES)
            }
            Some(
                FailureClass::Transient
                | FailureClass::InvalidMedia
                | FailureClass::InvalidRequest
                | FailureClass::Permanent,
            )
            | None => settled_at + PROOF_TAKES,
        };
        self.now - from
    }
}

fn keep(entry: Entry) -> Change {
    Change { ledger: LedgerWrite::Update(entry), ..Change::default() }
}

/// Refused for now: the same request may be accepted later.
fn is_passing(class: &FailureClass) -> bool {
    match class {
        FailureClass::Transient
        | FailureClass::RateLimited { .. }
        | FailureClass::Quota { .. }
        | FailureClass::AuthExpired => true,
        // The login was lost for a while: the open outcome needs full proof.
        FailureClass::NeedsReconnect
        | FailureClass::InvalidMedia
        | FailureClass::InvalidRequest
        | FailureClass::Permanent => false,
    }
}

/// Refused permanently: lateness does not matter.
fn is_final(class: &FailureClass) -> bool {
    match class {
        FailureClass::InvalidMedia | FailureClass::InvalidRequest | FailureClass::Permanent => true,
        FailureClass::Transient
        | FailureClass::RateLimited { .. }
        | FailureClass::Quota { .. }
        | FailureClass::AuthExpired
        | FailureClass::NeedsReconnect => false,
    }
}

fn wait_reason(class: &FailureClass) -> WaitReason {
    match class {
        FailureClass::RateLimited { .. } => WaitReason::RateLimit,
        FailureClass::Quota { .. } => WaitReason::Quota,
        FailureClass::Transient
        | FailureClass::AuthExpired
        | FailureClass::NeedsReconnect
        | FailureClass::InvalidMedia
        | FailureClass::InvalidRequest
        | FailureClass::Permanent => WaitReason::Retry,
    }
}

/// It is absent, and it is too late to send it.
fn missed(late: TimeDelta) -> Failure {
    let message = format!("the platform did not take the post, and it is {} s late by now", late.num_seconds());
    Failure::new(FailureClass::Transient, Reason::Missed, message)
        .with_remedy("publish it now with RetryPost, or allow more in late_policy_seconds")
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;

//! Decisions after an exchange: pure, from an outcome and the ledger to one change of the row.
//!
//! Guaranteed: `failed` is chosen only while nothing of the current attempt may be visible; an unknown outcome of a
//! point of no return, and a response that refuses one, leads only to `confirming`. What the readings after that prove
//! is in `proof`.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    domain::{
        change::{Change, LedgerWrite, Release},
        failure::{Failure, FailureClass, Reason},
        ledger::{Entry, Evidence, Ledger, StepClass, StepOutcome},
        post::{Post, Status, WaitReason},
        retry::{LONGEST_WAIT, RetryPolicy, asked_until, next_poll, poll_gap},
        transition::Move,
        violation::Warning,
    },
    platform::Outcome,
};

/// How long to wait for a rate limit whose end the platform did not give.
pub(super) const RATE_LIMIT_PAUSE: TimeDelta = TimeDelta::seconds(90);

/// How long to wait for a quota whose end the platform did not give.
pub(super) const QUOTA_PAUSE: TimeDelta = TimeDelta::hours(1);

/// Quick repeats of a harmless step that cost no retry: most network errors are over in seconds.
const QUICK_REPEATS: i32 = 3;

/// Shortest gap between two tries while the core's own store is away.
const STORE_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// Polls in a row that must have found nothing before a person is asked, regardless of how long ago the request was
/// sent: a core that was down for days has not polled in that time.
const LOOKS_BEFORE_REVIEW: i32 = 3;

/// Maximum gap between polls: a longer gap means that no core was polling.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(1);

/// How long before its time a post's last preparing poll is made, so that the remaining steps fit in.
const LAST_LOOK: TimeDelta = TimeDelta::seconds(15);

/// How often a post that waits for its account's owner is checked; connecting wakes it immediately.
pub(super) const RECONNECT_PAUSE: TimeDelta = TimeDelta::hours(6);

/// The settings that decisions depend on.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Automatic retries.
    pub retry: RetryPolicy,
    /// The first gap between two polls of a platform.
    pub poll_first: Duration,
    /// How long a post's outcome may stay unknown, or its processing last, before a person is asked.
    pub review_after: TimeDelta,
}

/// The input of a decision.
pub struct DecisionContext<'a> {
    /// The post.
    pub post: &'a Post,
    /// Its ledger, with the entry of the exchange if one was recorded.
    pub ledger: &'a Ledger,
    /// The clock's time.
    pub now: DateTime<Utc>,
    /// A number between 0 and 1.
    pub chance: f64,
    /// The settings.
    pub policy: &'a Policy,
    /// The version of the account's tokens.
    pub token_version: i64,
}

/// What to do after an exchange.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Write this and continue with the next step immediately.
    Continue(Change),
    /// Write this, which releases the post.
    Release(Change),
    /// Get new tokens, then repeat. The change settles the refused step without changing the post's status.
    Refresh(Change, Failure),
}

impl DecisionContext<'_> {
    fn visible(&self) -> bool {
        self.ledger.may_be_visible(self.post.attempt)
    }

    pub(super) fn wait(&self, change: Change, at: DateTime<Utc>, reason: WaitReason) -> Decision {
        Decision::Release(Change { release: Some(Release { at: Some(at), waiting_for: Some(reason) }), ..change })
    }

    /// When to poll next: after the wait that the platform asked for, otherwise with a gap that grows with the time
    /// since then.
    pub(super) fn next_look(&self, after: Option<Duration>, since: DateTime<Utc>) -> DateTime<Utc> {
        match after.and_then(|after| TimeDelta::from_std(after).ok()) {
            Some(after) => self.now + after.min(LONGEST_WAIT),
            None => self.in_time(next_poll(self.policy.poll_first, self.now, since, self.chance)),
        }
    }

    /// A gap that has grown during preparation must not extend past the post's time: the post is polled shortly before
    /// its time, and at its time.
    fn in_time(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let due = self.post.due();
        [due - LAST_LOOK, due].into_iter().find(|mark| *mark > self.now).map_or(at, |mark| at.min(mark))
    }

    /// Polls in a row that found nothing new.
    fn looks(&self) -> i32 {
        if self.now - self.post.updated_at > LONGEST_GAP { 0 } else { self.post.poll_count }
    }

    /// Whether a request sent at that time has been polled for so long that a person is asked.
    pub(super) fn is_hopeless(&self, since: DateTime<Utc>) -> bool {
        self.now - since > self.policy.review_after && self.looks() >= LOOKS_BEFORE_REVIEW
    }

    /// Polls again later, with a growing gap.
    pub(super) fn look_again(&self, change: Change, after: Option<Duration>, since: DateTime<Utc>) -> Decision {
        let at = self.next_look(after, since);
        let reason =
            if self.post.status == Status::Confirming { WaitReason::Confirming } else { WaitReason::Processing };
        self.wait(Change { poll_count: Some(self.looks().saturating_add(1)), ..change }, at, reason)
    }

    /// The post has failed: proven absent. If only one reading showed absence, it is proven first.
    pub(super) fn fail(&self, change: Change, failure: Failure) -> Decision {
        if let Some(entry) = self.ledger.provisionally_absent(self.post.attempt) {
            let why = Evidence::new().with("reason", failure.reason.as_str());
            let reopened = Some(entry.clone().reopened(self.now, why));
            let change = Change { error: Some(Some(failure)), retry: false, new_attempt: false, reopened, ..change };
            return Decision::Continue(self.confirming(change));
        }
        let by = if self.post.status == Status::Scheduled { Move::Missed } else { Move::Rejected };
        Decision::Release(Change {
            by: Some(by),
            error: Some(Some(failure)),
            release: Some(Release { at: None, waiting_for: None }),
            ..change
        })
    }

    /// A person has to look.
    pub(super) fn review(&self, change: Change, message: &str) -> Decision {
        let failure = Failure::new(FailureClass::Permanent, Reason::OutcomeUnknown, message).with_remedy(
            "look at the account, then say by ResolvePost whether the post is there; RetryPost works after that",
        );
        Decision::Release(Change {
            by: Some(Move::CannotTell),
            error: Some(Some(failure)),
            release: Some(Release { at: None, waiting_for: None }),
            ..change
        })
    }

    /// A failure of a step that provably had no effect, or of a reading.
    pub fn after_failure(&self, change: Change, failure: Failure) -> Decision {
        let told = Change { error: Some(Some(failure.clone())), ..change.clone() };
        match failure.class {
            FailureClass::RateLimited { until } => {
                self.wait(told, asked_until(until, self.now, RATE_LIMIT_PAUSE), WaitReason::RateLimit)
            }
            FailureClass::Quota { until } => {
                self.wait(told, asked_until(until, self.now, QUOTA_PAUSE), WaitReason::Quota)
            }
            FailureClass::AuthExpired => Decision::Refresh(change, failure),
            // A post that may be live cannot fail because of a lost login: it waits for the owner to connect again,
            // then it is read.
            FailureClass::NeedsReconnect if self.visible() => {
                let told = Change { poll_count: Some(0), ..told };
                self.wait(self.confirming(told), self.now + RECONNECT_PAUSE, WaitReason::Reconnect)
            }
            FailureClass::Transient
            | FailureClass::InvalidMedia
            | FailureClass::InvalidRequest
            | FailureClass::Permanent
                if self.visible() =>
            {
                let since = self.open_since();
                // The platform does not know our id any more: no later reading could tell.
                let hopeless = failure.reason == Reason::OutcomeUnknown;
                if hopeless && self.post.status == Status::Publishing {
                    return self.look_again(self.confirming(told), Some(Duration::from_secs(1)), since);
                }
                if hopeless || self.is_hopeless(since) {
                    return self.review(
                        self.confirming(told),
                        "the platform could not tell for a long time whether the post is live",
                    );
                }
                self.look_again(told, None, since)
            }
            FailureClass::Transient if self.is_the_stores(&failure) => {
                self.wait(told, self.now + self.store_pause(), WaitReason::Retry)
            }
            FailureClass::Transient => match self.policy.retry.next(self.post.automatic_retries, self.now, self.chance)
            {
                Some(at) => self.wait(Change { retry: true, ..told }, at, WaitReason::Retry),
                None => self.fail(change, failure),
            },
            FailureClass::NeedsReconnect
            | FailureClass::InvalidMedia
            | FailureClass::InvalidRequest
            | FailureClass::Permanent => self.fail(change, failure),
        }
    }

    /// Since when the platform has been processing: since the point of no return was sent, otherwise since the newest
    /// step that gave the platform something to do. At the post's time the gap starts over, because from then on its
    /// owner waits.
    fn open_since(&self) -> DateTime<Utc> {
        let mut newest_first = self.ledger.of_attempt(self.post.attempt).rev();
        if self.visible() {
            return newest_first.find(|entry| entry.may_be_visible()).map_or(self.now, |entry| entry.sent_at);
        }
        let began = newest_first.find(|entry| entry.class != StepClass::Read);
        let began = began.map_or(self.now, |entry| entry.answered_at.unwrap_or(entry.sent_at));
        if self.post.due() <= self.now { began.max(self.post.due()) } else { began }
    }

    /// A publishing post whose outcome is open is shown as confirming.
    fn confirming(&self, change: Change) -> Change {
        if self.post.status == Status::Publishing && change.by.is_none() {
            Change { by: Some(Move::ReplyLost), ..change }
        } else {
            change
        }
    }

    /// After one exchange of a step. `entry` is its recorded row, for a read the row that it would get.
    pub fn after_outcome(&self, mut entry: Entry, outcome: Outcome) -> Decision {
        let recorded = entry.class != StepClass::Read;
        let settle = |mut entry: Entry, outcome: StepOutcome, evidence: Evidence| {
            entry.outcome = Some(outcome);
            entry.answered_at = Some(self.now);
            entry.evidence.0.extend(evidence.0);
            if recorded { LedgerWrite::Update(entry) } else { LedgerWrite::Insert(entry) }
        };
        match outcome {
            Outcome::Accepted { handle, evidence } => {
                entry.handle.0.extend(handle.0);
                let new_ground = !self.ledger.has_succeeded(&entry.step);
                let ledger = settle(entry, StepOutcome::Accepted, evidence);
                Decision::Continue(Change {
                    ledger,
                    error: Some(None),
                    new_ground,
                    poll_count: Some(0),
                    read_failures: Some(0),
                    ..Change::default()
                })
            }
            Outcome::Pending { check_after, evidence: _ } => {
                let since = self.open_since();
                if self.visible() && self.is_hopeless(since) {
                    let mut change = self.confirming(Change::default());
                    if change.by == Some(Move::ReplyLost) {
                        // Two moves: the next look finds it confirming and asks a person.
                        change.error = None;
                        return self.look_again(change, Some(Duration::from_secs(1)), since);
                    }
                    return self.review(change, "the platform has been processing the video for too long");
                }
                let ledger =
                    if recorded { settle(entry, StepOutcome::Unknown, Evidence::new()) } else { LedgerWrite::Nothing };
                let change = Change { ledger, error: Some(None), read_failures: Some(0), ..Change::default() };
                self.look_again(change, check_after, since)
            }
            Outcome::NoEffect { failure, evidence } => {
                let (step, class) = (entry.step.clone(), entry.class);
                let ledger = if recorded {
                    settle(
                        entry,
                        StepOutcome::NoEffect,
                        evidence.with("reason", failure.reason.as_str()).with("message", failure.message.as_str()),
                    )
                } else {
                    LedgerWrite::Nothing
                };
                let change = Change { ledger, ..Change::default() };
                if let Some(decision) = self.repeat_soon(&step, class, &change, &failure) {
                    return decision;
                }
                // A request that was provably not sent is absent: the decision uses the ledger as it will be.
                let mut ledger = self.ledger.clone();
                if let LedgerWrite::Update(entry) = &change.ledger
                    && let Some(stored) = ledger.entry_mut(entry.number)
                {
                    stored.outcome = entry.outcome;
                }
                DecisionContext { ledger: &ledger, ..*self }.after_failure(change, failure)
            }
            Outcome::Refused { failure, evidence } if entry.class == StepClass::PointOfNoReturn => {
                let evidence =
                    evidence.with("reason", failure.reason.as_str()).with("message", failure.message.as_str());
                let entry = entry.refused(&failure, self.token_version);
                let ledger = settle(entry, StepOutcome::Unknown, evidence);
                let error = Some(Some(failure.clone()));
                let change = self.confirming(Change { ledger, error, poll_count: Some(0), ..Change::default() });
                match failure.class {
                    FailureClass::AuthExpired => Decision::Refresh(change, failure),
                    FailureClass::Transient
                    | FailureClass::RateLimited { .. }
                    | FailureClass::Quota { .. }
                    | FailureClass::NeedsReconnect
                    | FailureClass::InvalidMedia
                    | FailureClass::InvalidRequest
                    | FailureClass::Permanent => Decision::Continue(change),
                }
            }
            Outcome::Refused { failure, evidence } => {
                self.after_outcome(entry, Outcome::NoEffect { failure, evidence })
            }
            Outcome::Reopened { evidence } => match self.ledger.newest_sending(self.post.attempt) {
                Some(sent) => {
                    let ledger = LedgerWrite::Update(sent.clone().reopened(self.now, evidence));
                    let change = Change { ledger, error: Some(None), poll_count: Some(0), ..Change::default() };
                    Decision::Continue(self.confirming(change))
                }
                None => self.after_outcome(entry, Outcome::Unknown { evidence }),
            },
            Outcome::Unknown { evidence } if entry.class == StepClass::PointOfNoReturn => {
                let ledger = settle(entry, StepOutcome::Unknown, evidence);
                Decision::Continue(self.confirming(Change { ledger, ..Change::default() }))
            }
            Outcome::Unknown { evidence } => {
                let (step, class) = (entry.step.clone(), entry.class);
                let ledger =
                    if recorded { settle(entry, StepOutcome::Unknown, evidence) } else { LedgerWrite::Nothing };
                let failure = Failure::new(
                    FailureClass::Transient,
                    Reason::PlatformUnavailable,
                    "the platform gave no usable answer",
                )
                .with_remedy("nothing to do: the step is harmless to repeat and will be");
                let change = Change { ledger, ..Change::default() };
                if let Some(decision) = self.repeat_soon(&step, class, &change, &failure) {
                    return decision;
                }
                self.after_failure(change, failure)
            }
        }
    }

    /// A harmless step with a transient failure is repeated within seconds, a few times, before it costs a retry.
    fn repeat_soon(&self, step: &str, class: StepClass, change: &Change, failure: &Failure) -> Option<Decision> {
        if failure.class != FailureClass::Transient || self.visible() {
            return None;
        }
        let tried = match class {
            StepClass::PointOfNoReturn | StepClass::Addition => return None,
            StepClass::Read => return Some(self.read_again(change, failure)),
            StepClass::Repeatable | StepClass::Resumable => {
                let failed = |entry: &&Entry| {
                    entry.step == step
                        && matches!(entry.outcome, None | Some(StepOutcome::Unknown | StepOutcome::NoEffect))
                };
                // The present one is among them.
                let trailing = self.ledger.of_attempt(self.post.attempt).rev().take_while(failed).count();
                i32::try_from(trailing).unwrap_or(i32::MAX) - 1
            }
        };
        if tried >= QUICK_REPEATS {
            return None;
        }
        let told = Change { error: Some(Some(failure.clone())), ..change.clone() };
        Some(self.wait(told, self.now + self.quick_gap(tried), WaitReason::Retry))
    }

    /// A failed read is repeated within seconds, a few times, then as far apart and as often as retries are. It uses
    /// none of the post's retries: those are for steps that change something, and a post may be read for hours.
    fn read_again(&self, change: &Change, failure: &Failure) -> Decision {
        let failed = self.post.read_failures;
        let at = match failed - QUICK_REPEATS {
            ..0 => self.now + self.quick_gap(failed),
            slow => match self.policy.retry.next(slow, self.now, self.chance) {
                Some(at) => at,
                None if self.is_the_stores(failure) => self.now + self.store_pause(),
                None => return self.fail(change.clone(), failure.clone()),
            },
        };
        let told = Change {
            error: Some(Some(failure.clone())),
            read_failures: Some(failed.saturating_add(1)),
            ..change.clone()
        };
        self.wait(told, at, WaitReason::Retry)
    }

    /// The core's database or its store of uploads is away: no fault of the post, which waits for up to a day without using its
    /// retries.
    fn is_the_stores(&self, failure: &Failure) -> bool {
        failure.reason == Reason::StoreUnavailable && self.now - self.post.due() < self.policy.review_after
    }

    fn store_pause(&self) -> TimeDelta {
        poll_gap(self.policy.poll_first, self.now - self.post.due(), self.chance).max(STORE_PAUSE)
    }

    /// The gap before a quick repeat, after this many.
    fn quick_gap(&self, tried: i32) -> TimeDelta {
        poll_gap(self.policy.poll_first, TimeDelta::zero(), self.chance) / 2 * (tried + 1)
    }

    /// The platform's own word: this attempt is not visible and cannot become visible.
    pub fn after_rejection(&self, failure: Failure) -> Decision {
        if self.ledger.provisionally_absent(self.post.attempt).is_some() {
            return self.fail(Change::default(), failure);
        }
        let change = Change { new_attempt: true, ..Change::default() };
        let told = Change { error: Some(Some(failure.clone())), ..change.clone() };
        // The status says confirming or publishing; a new attempt is always shown as publishing.
        let back = |change: Change| match self.post.status {
            Status::Confirming => Change { by: Some(Move::ProvedAbsent), ..change },
            _ => change,
        };
        match failure.class {
            FailureClass::Transient => match self.policy.retry.next(self.post.automatic_retries, self.now, self.chance)
            {
                Some(at) => self.wait(back(Change { retry: true, ..told }), at, WaitReason::Retry),
                None => self.fail(change, failure),
            },
            FailureClass::RateLimited { until } => {
                self.wait(back(told), asked_until(until, self.now, RATE_LIMIT_PAUSE), WaitReason::RateLimit)
            }
            FailureClass::Quota { until } => {
                self.wait(back(told), asked_until(until, self.now, QUOTA_PAUSE), WaitReason::Quota)
            }
            FailureClass::AuthExpired
            | FailureClass::NeedsReconnect
            | FailureClass::InvalidMedia
            | FailureClass::InvalidRequest
            | FailureClass::Permanent => self.fail(change, failure),
        }
    }

    /// After a follow-up of a live post without a result: retried for a day, then given up with a warning, and the next
    /// one has its turn. It can never make the post fail.
    pub fn after_follow_up(&self, hopeless: bool, after: Option<Duration>, what: &str) -> Decision {
        let since = self.post.published_at.unwrap_or(self.post.status_since);
        if hopeless || (self.now - since > TimeDelta::days(1) && self.looks() >= LOOKS_BEFORE_REVIEW) {
            let warning = Warning {
                code: "FOLLOW_UP_FAILED".to_owned(),
                field: String::new(),
                message: format!("the post is live, but this could not be done afterwards: {what}"),
            };
            return Decision::Continue(Change { warning: Some(warning), ..Change::default() });
        }
        let at = self.next_look(after, since);
        Decision::Release(Change {
            poll_count: Some(self.looks().saturating_add(1)),
            release: Some(Release { at: Some(at), waiting_for: None }),
            ..Change::default()
        })
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
pub(super) mod tests;

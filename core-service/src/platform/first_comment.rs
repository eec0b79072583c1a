//! The first comment of a live post: what comes next for it, and what a reading of the comments says.
//!
//! Guaranteed:
//! - The comments are read before one is written: what is there already, in the account's own name, is not written again.
//! - After an answer that was lost it is written again only once [`CONFIRMATIONS`] readings of the whole list, the first of
//!   them after the request can no longer be under way, did not show it.
//! - Where the list cannot tell, nothing is written again. The post stays what it is, with a warning.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{NotBefore, Outcome, Step, View};
use crate::domain::{
    caption,
    failure::{Failure, FailureClass, Reason},
    ledger::{Entry, Evidence, Handle, StepClass, StepOutcome},
    violation::Violation,
};

/// Names in handles. They stay in ledgers for ever.
pub(crate) mod name {
    /// The platform's id of what is commented on.
    pub(crate) const TARGET: &str = "comment_on";
    /// The text.
    pub(crate) const TEXT: &str = "comment";
    /// What a reading says: [`super::FOUND`] or [`super::ABSENT`].
    pub(crate) const STATE: &str = "comment_state";
    /// It is the last look: what is not there now is left at that.
    pub(crate) const LAST_LOOK: &str = "comment_last_look";
    /// The platform's id of the comment.
    pub(crate) const COMMENT_ID: &str = "comment_id";
}

const FOUND: &str = "found";
const ABSENT: &str = "absent";

/// How many readings prove that a comment whose answer was lost was not taken.
const CONFIRMATIONS: usize = 3;
/// Between two of them.
const GAP: TimeDelta = TimeDelta::seconds(60);
/// How long after its last moment on the way a comment may still turn up.
const SETTLE: TimeDelta = TimeDelta::seconds(30);
/// How old the reading may be on which a comment is written.
const FRESH: TimeDelta = TimeDelta::minutes(2);
/// Answers that may be lost before it is left at that.
const MAX_LOST: usize = 3;

/// Longest exchange.
const CALL: Duration = Duration::from_secs(60);

/// The options with which a platform makes the video: all but the comment, so that another comment costs no other upload.
pub(crate) fn without_it(options: Option<&Value>) -> Option<Value> {
    let mut options = options?.clone();
    if let Some(options) = options.as_object_mut() {
        options.remove("first_comment");
    }
    Some(options)
}

/// A platform's two steps.
pub(crate) struct FirstComment {
    /// Reads the comments.
    pub(crate) find: &'static str,
    /// Writes one.
    pub(crate) write: &'static str,
}

impl FirstComment {
    /// What comes next for the comment `text` under the live post `target`.
    pub(crate) fn next(&self, view: &View<'_>, text: Option<&str>, target: Option<&str>) -> Option<Step> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        let target = target?;
        if [self.find, self.write].iter().any(|step| view.ledger.is_given_up(view.post.attempt, step)) {
            return None;
        }
        let of_step = |step: &'static str| {
            let entries = view.ledger.entries().iter().filter(move |entry| entry.step == step);
            entries.filter(move |entry| entry.handle.text(name::TARGET) == Some(target))
        };
        let readings: Vec<&Entry> = of_step(self.find).filter(|entry| is_taken(entry)).collect();
        let is_there = |entry: &&Entry| entry.handle.text(name::STATE) == Some(FOUND);
        if of_step(self.write).any(is_taken) || readings.iter().any(is_there) {
            return None;
        }
        let handle = Handle::default().with(name::TARGET, target).with(name::TEXT, text);
        let read = |not_before: NotBefore, handle: &Handle| {
            Some(Step { kind: self.find, class: StepClass::Read, not_before, timeout: CALL, handle: handle.clone() })
        };
        let written = of_step(self.write).next_back().map_or(0, |entry| entry.number);
        let lost: Vec<&Entry> =
            of_step(self.write).filter(|entry| entry.outcome == Some(StepOutcome::Unknown)).collect();
        let since_then: Vec<&&Entry> = readings.iter().filter(|entry| entry.number > written).collect();
        if let Some(last) = lost.last() {
            let settled = last.deadline_at + SETTLE;
            let proofs: Vec<_> = since_then.iter().filter(|entry| known_at(entry) >= settled).collect();
            if proofs.len() < CONFIRMATIONS {
                let at = match (since_then.last(), proofs.last()) {
                    (_, Some(proof)) => known_at(proof) + GAP,
                    (Some(_), None) => settled,
                    (None, None) => known_at(last) + TimeDelta::seconds(5),
                };
                return read(NotBefore::At(at), &handle);
            }
            if lost.len() >= MAX_LOST {
                return read(NotBefore::Prepare, &handle.with(name::LAST_LOOK, true));
            }
        }
        let is_fresh = since_then.last().is_some_and(|reading| view.now - known_at(reading) <= FRESH);
        if !is_fresh {
            return read(NotBefore::Prepare, &handle);
        }
        Some(Step {
            kind: self.write,
            class: StepClass::Addition,
            not_before: NotBefore::Prepare,
            timeout: CALL,
            handle,
        })
    }

    /// What a live post still lacks: the comment, so that it is the first, then `rest`, unless that was given up. Once the
    /// comment was tried and did not work out, the rest comes before its next try.
    pub(crate) fn then(&self, view: &View<'_>, comment: Option<Step>, rest: Option<Step>) -> Option<Step> {
        let has_stalled = view.ledger.entries().iter().any(|entry| entry.step == self.write && !is_taken(entry));
        let rest = rest.filter(|step| !view.ledger.is_given_up(view.post.attempt, step.kind));
        if has_stalled { rest.or(comment) } else { comment.or(rest) }
    }
}

fn is_taken(entry: &Entry) -> bool {
    matches!(entry.outcome, Some(StepOutcome::Accepted | StepOutcome::Found))
}

fn known_at(entry: &Entry) -> DateTime<Utc> {
    entry.answered_at.unwrap_or(entry.sent_at)
}

/// A comment as the platform lists it.
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) text: String,
    /// It is in the account's own name.
    pub(crate) is_own: bool,
}

/// What a reading of the comments says. `is_whole`: these are all of them.
pub(crate) fn judge(step: &Step, comments: &[Listed], is_whole: bool) -> Outcome {
    let wanted = caption::normalise(step.handle.text(name::TEXT).unwrap_or_default());
    let own = comments.iter().find(|comment| comment.is_own && caption::normalise(&comment.text) == wanted);
    let evidence = Evidence::new().with("comments_listed", comments.len());
    match own {
        Some(comment) => Outcome::Accepted {
            handle: Handle::default().with(name::STATE, FOUND).with(name::COMMENT_ID, comment.id.as_str()),
            evidence: evidence.with("first_comment", FOUND).with("comment_id", comment.id.as_str()),
        },
        None if step.handle.0.contains_key(name::LAST_LOOK) => Outcome::NoEffect {
            failure: given_up("the answers to several first comments were lost, and none of them is to be seen"),
            evidence,
        },
        None if is_whole => Outcome::Accepted {
            handle: Handle::default().with(name::STATE, ABSENT),
            evidence: evidence.with("first_comment", ABSENT),
        },
        None => Outcome::NoEffect {
            failure: given_up("there are too many comments to tell whether the first comment is among them"),
            evidence,
        },
    }
}

/// The platform took the comment.
pub(crate) fn written(comment_id: &str, evidence: Evidence) -> Outcome {
    Outcome::Accepted {
        handle: Handle::default().with(name::COMMENT_ID, comment_id),
        evidence: evidence.with("comment_id", comment_id),
    }
}

/// What a failure of a comment's exchange means: a missing permission to comment is no reason to connect the account again,
/// whose posts go on without it.
pub(crate) fn failure(failure: Failure) -> Failure {
    match failure.class {
        FailureClass::NeedsReconnect if failure.reason == Reason::ScopeMissing => {
            let message = format!("the first comment could not be written: {}", failure.message);
            Failure { class: FailureClass::Permanent, message, ..failure }
        }
        _ => failure,
    }
}

fn given_up(message: &str) -> Failure {
    Failure::new(FailureClass::Permanent, Reason::OutcomeUnknown, message)
        .with_remedy("look at the post; write the comment by hand if it is missing")
}

/// The rule of a comment's length, characters.
pub(crate) fn check(field: &'static str, text: Option<&str>, longest: usize) -> Option<Violation> {
    let length = text?.chars().count();
    (length > longest).then(|| Violation {
        field,
        rule: "FIRST_COMMENT_TOO_LONG",
        measured: format!("{length} characters"),
        limit: format!("{longest} characters"),
        remedy: "shorten it".to_owned(),
        message: format!("the first comment is too long: {length} characters, allowed are {longest}"),
    })
}

#[cfg(test)]
#[path = "first_comment_tests.rs"]
mod tests;

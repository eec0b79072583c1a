//! What the engine writes about a post under its claim: the row, its ledger entry, details of the live post, and how
//! the claim is released.

use chrono::{DateTime, Utc};

use super::{
    binding::BoundBy,
    failure::Failure,
    ledger::{Entry, StepClass, StepOutcome},
    media::{MediaId, StoredFacts},
    post::{Post, Status, WaitReason},
    transition::Move,
    violation::Warning,
};

/// A ledger row to be written with a change.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LedgerWrite {
    /// None.
    #[default]
    Nothing,
    /// A step that is about to be sent, or a read that learned something.
    Insert(Entry),
    /// The outcome of a step.
    Update(Entry),
}

/// New details of a live post.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveDetails {
    /// The platform's id of the public post.
    pub platform_post_id: Option<String>,
    /// Its link.
    pub platform_post_url: Option<String>,
    /// Every id.
    pub all_platform_post_ids: Vec<String>,
    /// The evidence that they belong to the post.
    pub bound_by: BoundBy,
}

/// How a worker releases a post.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Release {
    /// When it is due next; `None`: it is at rest.
    pub at: Option<DateTime<Utc>>,
    /// What it waits for.
    pub waiting_for: Option<WaitReason>,
}

/// A change that the engine makes to a post under its claim. Fields that are left out stay as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// The ledger row that belongs to it.
    pub ledger: LedgerWrite,
    /// The point of no return whose outcome is open again.
    pub reopened: Option<Entry>,
    /// A move of the status.
    pub by: Option<Move>,
    /// The failure to keep, or `Some(None)` to clear it.
    pub error: Option<Option<Failure>>,
    /// New details of the live post.
    pub live: Option<LiveDetails>,
    /// Count an automatic retry.
    pub retry: bool,
    /// The handles of the attempt are proven dead: the next step begins a new one.
    pub new_attempt: bool,
    /// A step succeeded for the first time: the automatic retries start over. A step that a new attempt repeats does
    /// not count, so retries come to an end.
    pub new_ground: bool,
    /// Looks in a row that found nothing new.
    pub poll_count: Option<i32>,
    /// Reads in a row that failed.
    pub read_failures: Option<i32>,
    /// Calls in a row of the n8n webhook that failed.
    pub handover_failures: Option<i32>,
    /// The n8n workflow took the post.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// What the media check measured.
    pub media_facts: Option<StoredFacts>,
    /// The copy of its video that was made. Boxed, because it is rare and many changes wait to be written.
    pub copied: Option<Box<MediaId>>,
    /// A warning to add, once.
    pub warning: Option<Warning>,
    /// The look-up after a restore has ended: it is known whether the post is already published.
    pub looked_up: bool,
    /// Release the post; the claim is kept when `None`.
    pub release: Option<Release>,
}

impl Change {
    /// How a change affects the post's place in the daily limit: `Some(Some(_))` takes one, `Some(None)` gives it back.
    pub fn slot(&self) -> Option<Option<DateTime<Utc>>> {
        if self.new_attempt {
            return Some(None);
        }
        if let Some(entry) = &self.reopened {
            return Some(Some(entry.sent_at));
        }
        match &self.ledger {
            LedgerWrite::Insert(entry) if entry.class == StepClass::PointOfNoReturn => Some(Some(entry.sent_at)),
            LedgerWrite::Update(entry) if entry.class == StepClass::PointOfNoReturn => match entry.outcome? {
                StepOutcome::NoEffect | StepOutcome::Absent => Some(None),
                // Also one that was taken for absent and is open again.
                StepOutcome::Unknown => Some(Some(entry.sent_at)),
                StepOutcome::Accepted | StepOutcome::Found => None,
            },
            LedgerWrite::Nothing | LedgerWrite::Insert(_) | LedgerWrite::Update(_) => None,
        }
    }

    /// How a change affects the queue for the daily limit: a post is in it while it waits for a place.
    pub fn queued(&self) -> Option<bool> {
        if matches!(self.slot(), Some(Some(_))) {
            return Some(false);
        }
        self.release.filter(|release| release.waiting_for == Some(WaitReason::DailyLimit)).map(|_| true)
    }

    /// Whether others may move up: a place was given back, or a post ahead of them failed or now waits for something
    /// else.
    pub fn moves_the_queue(&self, before: &Post, after: &Post) -> bool {
        let fails = after.status == Status::Failed && before.status != Status::Failed;
        let steps_aside = self.release.is_some()
            && after.status == Status::Publishing
            && !after.waiting_for.is_none_or(holds_a_place);
        fails || steps_aside || self.slot() == Some(None)
    }
}

/// Whether a post in the queue is about to take its place, so that others wait behind it.
const fn holds_a_place(waiting_for: WaitReason) -> bool {
    matches!(waiting_for, WaitReason::DailyLimit | WaitReason::Processing | WaitReason::Schedule)
}

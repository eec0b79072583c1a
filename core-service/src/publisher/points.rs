//! The fault points around a commit of the engine, by what it changes.

use crate::{
    domain::{
        change::{Change, LedgerWrite},
        post::Status,
    },
    fault::{FaultPoint, context},
};

/// The points before and after committing a change, and their context.
pub(super) fn of(change: &Change, before: Status) -> ([FaultPoint; 2], String) {
    use FaultPoint::{
        MoveBegins, Moved, NoteBegins, Noted, OutcomeCommitBegins, OutcomeCommitted, ReleaseBegins, Released,
        StepRecordBegins, StepRecorded,
    };
    match &change.ledger {
        LedgerWrite::Insert(entry) if entry.outcome.is_none() => {
            ([StepRecordBegins, StepRecorded], context(|| entry.step.clone()))
        }
        LedgerWrite::Insert(entry) | LedgerWrite::Update(entry) => {
            ([OutcomeCommitBegins, OutcomeCommitted], context(|| entry.step.clone()))
        }
        LedgerWrite::Nothing => match (change.by, change.release) {
            (Some(_), _) => ([MoveBegins, Moved], context(|| before.as_str().to_owned())),
            (None, Some(release)) => {
                let waits_for = release.waiting_for.map_or("rest", |reason| reason.as_str());
                ([ReleaseBegins, Released], context(|| waits_for.to_owned()))
            }
            (None, None) => ([NoteBegins, Noted], context(|| before.as_str().to_owned())),
        },
    }
}

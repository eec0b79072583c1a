//! The status machine: every legal move in one function (design §3). Pure, so a test walks every pair.
//!
//! `failed` needs proof of absence, `published` needs the platform's word: the names of the events say so.

use super::post::Status;

/// What moves a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Give it a time, or another one, or edit it.
    Schedule,
    /// Cancel. For a publishing post only before its first visible request; the caller checks the ledger.
    Cancel,
    /// Its time has come, or it is published by request.
    Begin,
    /// A step was made, or it waits.
    Progress,
    /// The answer to a point of no return is unknown.
    ReplyLost,
    /// The platform's word: live.
    Confirmed,
    /// The platform's word: in the creator's inbox.
    Delivered,
    /// Proven absent, and not retried automatically.
    Rejected,
    /// Proven absent, and retried.
    ProvedAbsent,
    /// Cannot be found out.
    CannotTell,
    /// Missed its time, or its account is gone, before it began.
    Missed,
    /// The platform's own answer gave another post the id that a match had assigned to this one.
    Unbound,
    /// A person saw it live.
    ResolvedPublished,
    /// A person saw that it is not there.
    ResolvedNotPublished,
    /// Look again at the platform.
    Reconcile,
    /// By hand, after a failure.
    Retry,
}

impl Move {
    /// Every move.
    pub const ALL: [Self; 16] = [
        Self::Schedule,
        Self::Cancel,
        Self::Begin,
        Self::Progress,
        Self::ReplyLost,
        Self::Confirmed,
        Self::Delivered,
        Self::Rejected,
        Self::ProvedAbsent,
        Self::CannotTell,
        Self::Missed,
        Self::Unbound,
        Self::ResolvedPublished,
        Self::ResolvedNotPublished,
        Self::Reconcile,
        Self::Retry,
    ];
}

/// A move that the post's status forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {status} post cannot be moved by {by:?}")]
pub struct InvalidMove {
    /// The status.
    pub status: Status,
    /// The move.
    pub by: Move,
}

/// The status after a move.
pub fn next(status: Status, by: Move) -> Result<Status, InvalidMove> {
    use Move as M;
    use Status as S;
    match (status, by) {
        (S::Draft | S::Scheduled, M::Schedule) => Ok(S::Scheduled),
        (S::Draft | S::Scheduled | S::Publishing, M::Cancel) => Ok(S::Cancelled),
        (S::Draft | S::Scheduled, M::Begin) => Ok(S::Publishing),
        (S::Scheduled, M::Missed) => Ok(S::Failed),
        (S::Publishing, M::Progress) => Ok(S::Publishing),
        (S::Publishing, M::ReplyLost) => Ok(S::Confirming),
        (S::Publishing | S::Confirming | S::Delivered, M::Confirmed) => Ok(S::Published),
        (S::Publishing | S::Confirming, M::Delivered) => Ok(S::Delivered),
        (S::Publishing | S::Confirming | S::Delivered, M::Rejected) => Ok(S::Failed),
        (S::Confirming, M::ProvedAbsent) => Ok(S::Publishing),
        (S::Confirming, M::Progress) => Ok(S::Confirming),
        (S::Confirming, M::CannotTell) => Ok(S::NeedsReview),
        (S::Published, M::Unbound) => Ok(S::Confirming),
        (S::NeedsReview, M::Confirmed) => Ok(S::Published),
        (S::NeedsReview | S::Confirming, M::ResolvedPublished) => Ok(S::Published),
        (S::NeedsReview | S::Confirming, M::ResolvedNotPublished) => Ok(S::Failed),
        (S::NeedsReview | S::Confirming, M::Reconcile) => Ok(S::Confirming),
        (S::Failed, M::Retry) => Ok(S::Publishing),
        (status, by) => Err(InvalidMove { status, by }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// The whole table of design §3, written out; every pair that is not in it is refused.
    #[test]
    fn every_pair_is_as_the_design_says() {
        use Move as M;
        use Status as S;
        let legal = [
            (S::Draft, M::Schedule, S::Scheduled),
            (S::Draft, M::Begin, S::Publishing),
            (S::Draft, M::Cancel, S::Cancelled),
            (S::Scheduled, M::Schedule, S::Scheduled),
            (S::Scheduled, M::Begin, S::Publishing),
            (S::Scheduled, M::Cancel, S::Cancelled),
            (S::Scheduled, M::Missed, S::Failed),
            (S::Publishing, M::Cancel, S::Cancelled),
            (S::Publishing, M::Progress, S::Publishing),
            (S::Publishing, M::ReplyLost, S::Confirming),
            (S::Publishing, M::Confirmed, S::Published),
            (S::Publishing, M::Delivered, S::Delivered),
            (S::Publishing, M::Rejected, S::Failed),
            (S::Confirming, M::Confirmed, S::Published),
            (S::Confirming, M::Delivered, S::Delivered),
            (S::Confirming, M::ProvedAbsent, S::Publishing),
            (S::Confirming, M::Rejected, S::Failed),
            (S::Confirming, M::Progress, S::Confirming),
            (S::Confirming, M::Reconcile, S::Confirming),
            (S::Confirming, M::CannotTell, S::NeedsReview),
            (S::Confirming, M::ResolvedPublished, S::Published),
            (S::Confirming, M::ResolvedNotPublished, S::Failed),
            (S::Published, M::Unbound, S::Confirming),
            (S::NeedsReview, M::ResolvedPublished, S::Published),
            (S::NeedsReview, M::Confirmed, S::Published),
            (S::NeedsReview, M::ResolvedNotPublished, S::Failed),
            (S::NeedsReview, M::Reconcile, S::Confirming),
            (S::Delivered, M::Confirmed, S::Published),
            (S::Delivered, M::Rejected, S::Failed),
            (S::Failed, M::Retry, S::Publishing),
        ];
        for status in Status::ALL {
            for by in Move::ALL {
                let expected = legal.iter().find(|(from, how, _)| *from == status && *how == by).map(|(_, _, to)| *to);
                assert_eq!(next(status, by).ok(), expected, "{status} by {by:?}");
            }
        }
    }

    /// The rows of a table of docs/architecture.md: its cells, without backquotes.
    fn rows(head: &str) -> Vec<Vec<String>> {
        let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/architecture.md"));
        let (_, table) = text.split_once(head).expect("the table is there");
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()).collect()
    }

    #[test]
    fn the_documented_statuses_and_moves_are_those_of_the_code() {
        let documented: BTreeSet<String> = rows("| status | means |").into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(documented, Status::ALL.iter().map(ToString::to_string).collect());
        let mut moves = BTreeMap::new();
        for row in rows("| from | to | by |") {
            let to: BTreeSet<String> = row[1].split(", ").map(str::to_owned).collect();
            moves.insert(row[0].clone(), to);
        }
        for status in Status::ALL {
            let to: BTreeSet<String> =
                Move::ALL.iter().filter_map(|by| next(status, *by).ok()).map(|to| to.to_string()).collect();
            assert_eq!(moves.remove(status.as_str()).unwrap_or_default(), to, "moves of {status}");
        }
        assert!(moves.is_empty(), "{moves:?}");
    }
}

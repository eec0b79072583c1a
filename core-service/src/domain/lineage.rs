//! Lineages: the identity of a database, which changes with each restored backup. Pure.
//!
//! Guaranteed: a position that an earlier lineage gave after its backup is recognised, because the counters jump at each
//! restore; a post that may already be published has a time from which it must be looked up.

use chrono::{DateTime, TimeDelta, Utc};

use super::ids::Sequence;

/// How long after a restore new requests are looked up: a client whose post and key are lost may repeat its request.
pub const REPEATS: TimeDelta = TimeDelta::hours(24);

/// Minimum distance between the last number handed out and the first number of the next lineage.
pub const GAP: i64 = 1_000_000_000;

/// One lineage of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// 1 for the first.
    pub number: i64,
    /// Short and random. Part of marks that are given to platforms.
    pub id: String,
    /// When it began.
    pub begun_at: DateTime<Utc>,
    /// When the backup it began with was made; `None` for an empty database.
    pub backup_at: Option<DateTime<Utc>>,
    /// The last event position of the backup.
    pub kept_through: Sequence,
    /// The first event position of its own.
    pub events_from: Sequence,
}

/// Every lineage of a database, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineages(pub Vec<Lineage>);

impl Lineages {
    /// The present one.
    pub fn current(&self) -> Option<&Lineage> {
        self.0.last()
    }

    /// What names the database through all of its lineages.
    pub fn database(&self) -> Option<&str> {
        self.0.first().map(|lineage| lineage.id.as_str())
    }

    /// When the newest backup was restored: nothing of an earlier lineage was sent after it.
    pub fn restored_at(&self) -> Option<DateTime<Utc>> {
        self.current().filter(|lineage| lineage.backup_at.is_some()).map(|lineage| lineage.begun_at)
    }

    /// For a position that an earlier lineage gave after its backup: the position to continue from.
    pub fn left_behind(&self, position: Sequence) -> Option<Sequence> {
        let between = |lineage: &&Lineage| lineage.kept_through < position && position < lineage.events_from;
        self.0.iter().find(between).map(|lineage| lineage.kept_through)
    }

    /// The time since which a new post on an account of this age must be looked up; `None`: no look-up.
    pub fn look_since(&self, account_created_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let recent = self.0.iter().filter(|lineage| now < lineage.begun_at + REPEATS);
        recent.filter_map(|lineage| lineage.backup_at).min().filter(|backup_at| account_created_at <= *backup_at)
    }
}

/// The first number of a new lineage: the time in milliseconds, so that independent restores of one backup get
/// different numbers; above everything known to have been handed out, and exact in JavaScript.
pub fn first_number(highest_known: i64, now: DateTime<Utc>) -> i64 {
    now.timestamp_millis().max(highest_known.saturating_add(GAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn lineage(number: i64, begun: i64, backup: Option<i64>, kept: i64, from: i64) -> Lineage {
        Lineage {
            number,
            id: format!("l{number}"),
            begun_at: at(begun),
            backup_at: backup.map(at),
            kept_through: Sequence(kept),
            events_from: Sequence(from),
        }
    }

    #[test]
    fn positions_of_an_earlier_lineage_past_its_backup_are_known() {
        let all = Lineages(vec![
            lineage(1, 0, None, 0, 1),
            lineage(2, 100, Some(50), 10, 1_000),
            lineage(3, 200, Some(150), 1_005, 9_000),
        ]);
        for (position, expected) in [
            (0, None),
            (10, None),
            (11, Some(10)),
            (999, Some(10)),
            (1_000, None),
            (1_005, None),
            (1_006, Some(1_005)),
            (8_999, Some(1_005)),
            (9_000, None),
        ] {
            assert_eq!(all.left_behind(Sequence(position)), expected.map(Sequence), "position {position}");
        }
        assert_eq!((all.database(), all.restored_at()), (Some("l1"), Some(at(200))));
    }

    #[test]
    fn new_requests_are_looked_up_for_a_day_on_accounts_that_the_backup_had() {
        let day = 86_400;
        let all = Lineages(vec![
            lineage(1, 0, None, 0, 1),
            lineage(2, 10 * day, Some(9 * day), 10, 1_000),
            lineage(3, 10 * day + 60, Some(10 * day + 30), 1_005, 9_000),
        ]);
        let since = |created, now| all.look_since(at(created), at(now));
        assert_eq!(since(day, 10 * day + 61), Some(at(9 * day)), "the older backup counts while its day lasts");
        assert_eq!(since(day, 11 * day + 30), Some(at(10 * day + 30)), "then the newer one");
        assert_eq!(since(day, 11 * day + 60), None, "a day after the last restore");
        assert_eq!(since(10 * day, 10 * day + 61), None, "an account that the backup did not have");
        let fresh = Lineages(vec![lineage(1, 10 * day, None, 0, 1)]);
        assert_eq!(fresh.look_since(at(0), at(10 * day)), None, "never restored");
    }

    #[test]
    fn numbers_of_a_new_lineage_are_past_all_others_and_exact_in_javascript() {
        let now = at(1_800_000_000);
        assert_eq!(first_number(7, now), 1_800_000_000_000);
        let past = first_number(first_number(7, now) + 5, now);
        assert_eq!(past, 1_800_000_000_005 + GAP, "restored again within the same second");
        assert!(past < 1 << 53);
    }
}

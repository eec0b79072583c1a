//! The project's quota: three buckets and the general one, shared by all users of the app.
//!
//! Days begin at midnight in Los Angeles, so one day in the year has 23 hours and one has 25. Every request costs at
//! least one unit, refused ones included.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::America::Los_Angeles;
use serde_json::{Value, json};

use crate::youtube::rules::Rules;

/// What a call is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// So many general units.
    Units(u32),
    /// One call of `videos.insert`.
    Upload,
    /// One call of `search.list`.
    Search,
    /// One call of `videos.batchGetStats`.
    Stats,
}

/// What was used since the last midnight in Los Angeles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quota {
    day: NaiveDate,
    pub(crate) units: u32,
    pub(crate) uploads: u32,
    pub(crate) searches: u32,
    pub(crate) stats: u32,
}

impl Quota {
    /// Counts a call; false if the bucket does not hold that much any more.
    pub(crate) fn charge(&mut self, rules: &Rules, cost: Cost, now: DateTime<Utc>) -> bool {
        self.turn(now);
        let (used, amount, limit) = match (cost, rules.legacy_insert_units) {
            (Cost::Units(units), _) => (&mut self.units, units, rules.units_per_day),
            (Cost::Upload, Some(units)) => (&mut self.units, units, rules.units_per_day),
            (Cost::Upload, None) => (&mut self.uploads, 1, rules.uploads_per_day),
            (Cost::Search, _) => (&mut self.searches, 1, rules.searches_per_day),
            (Cost::Stats, _) => (&mut self.stats, 1, rules.stats_per_day),
        };
        if limit != u32::MAX && used.saturating_add(amount) > limit {
            return false;
        }
        *used = used.saturating_add(amount);
        true
    }

    /// Begins a new day if one has begun.
    fn turn(&mut self, now: DateTime<Utc>) {
        let day = now.with_timezone(&Los_Angeles).date_naive();
        if day != self.day {
            *self = Quota { day, ..Quota::default() };
        }
    }

    /// As the control API shows it.
    pub(crate) fn describe(&mut self, now: DateTime<Utc>) -> Value {
        self.turn(now);
        json!({
            "day": self.day, "units": self.units, "uploads": self.uploads, "searches": self.searches,
            "stats": self.stats,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Cost, Quota};
    use crate::youtube::rules::Rules;
    use chrono::{DateTime, Utc};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_begins_at_midnight_in_los_angeles_in_summer_and_winter() {
        let rules = Rules { uploads_per_day: 1, ..Rules::default() };
        // The second of each pair is midnight: UTC-8 before 8 March 2026 and after 1 November, UTC-7 in between.
        for (before, after) in [
            ("2026-03-08T07:59:59Z", "2026-03-08T08:00:00Z"),
            ("2026-03-09T06:59:59Z", "2026-03-09T07:00:00Z"),
            ("2026-11-01T06:59:59Z", "2026-11-01T07:00:00Z"),
            ("2026-11-02T07:59:59Z", "2026-11-02T08:00:00Z"),
        ] {
            let mut quota = Quota::default();
            assert!(quota.charge(&rules, Cost::Upload, at(before)));
            assert!(!quota.charge(&rules, Cost::Upload, at(before)), "{before}");
            assert!(quota.charge(&rules, Cost::Upload, at(after)), "{after}");
        }
    }

    #[test]
    fn an_upload_costs_general_units_only_in_the_legacy_mode() {
        let mut quota = Quota::default();
        let now = at("2026-11-20T12:00:00Z");
        assert!(quota.charge(&Rules::default(), Cost::Upload, now));
        assert_eq!((quota.uploads, quota.units), (1, 0));
        let legacy = Rules { legacy_insert_units: Some(1600), ..Rules::default() };
        for _ in 0..6 {
            assert!(quota.charge(&legacy, Cost::Upload, now));
        }
        assert!(!quota.charge(&legacy, Cost::Upload, now), "6 of 1600 fit into 10,000");
        assert_eq!((quota.uploads, quota.units), (1, 9_600));
    }
}

//! Statistics of posts under common names, and when they are read. Pure.
//!
//! Guaranteed: a number that a platform does not report is absent, never 0. Readings become rarer with a post's age and
//! end 30 days after it went live; from the second day on all posts of an account are read at one time of day, so that
//! platforms that return many posts at once are asked once.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{budget::Charge, ids::AccountId};

/// How long after a post went live it is read.
pub const READ_FOR: TimeDelta = TimeDelta::days(30);

/// How long a post that its platform does not show is still read: it may come back.
pub const LOOKED_FOR: TimeDelta = TimeDelta::days(3);

/// Numbers younger than this are not read again on request.
pub const FRESH: TimeDelta = TimeDelta::minutes(1);

/// The first reading.
const FIRST: TimeDelta = TimeDelta::minutes(5);

/// First pause after a reading that failed; it doubles.
const BACK_OFF: TimeDelta = TimeDelta::minutes(5);

/// Longest pause after a reading that failed.
const LONGEST_BACK_OFF: TimeDelta = TimeDelta::hours(6);

/// Gaps between readings, each for posts that are younger than its age.
const GAPS: [(TimeDelta, TimeDelta); 4] = [
    (TimeDelta::minutes(30), TimeDelta::minutes(10)),
    (TimeDelta::hours(1), TimeDelta::minutes(30)),
    (TimeDelta::hours(6), TimeDelta::hours(1)),
    (TimeDelta::hours(24), TimeDelta::hours(3)),
];

/// Numbers in common words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views: Option<i64>,
    /// Likes and other reactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likes: Option<i64>,
    /// Comments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<i64>,
    /// Shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<i64>,
    /// How often it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saves: Option<i64>,
    /// People or accounts that saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<i64>,
}

impl Numbers {
    /// Each number with its counterpart.
    fn with(&self, other: &Self, of: impl Fn(Option<i64>, Option<i64>) -> Option<i64>) -> Self {
        Self {
            views: of(self.views, other.views),
            likes: of(self.likes, other.likes),
            comments: of(self.comments, other.comments),
            shares: of(self.shares, other.shares),
            saves: of(self.saves, other.saves),
            reach: of(self.reach, other.reach),
        }
    }

    /// The gains since an earlier reading. A number that the earlier one lacks counts from 0.
    pub fn gained_since(&self, before: &Self) -> Self {
        self.with(before, |now, before| now.map(|now| now.saturating_sub(before.unwrap_or(0))))
    }

    /// The sum; a number that only one of them has is taken as it is.
    pub fn plus(&self, other: &Self) -> Self {
        self.with(other, |one, other| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        })
    }

    /// Likes, comments, shares and saves per hundred views; `None` without views. At most 999.99, which the original's
    /// column holds.
    pub fn engagement_rate(&self) -> Option<f64> {
        let views = self.views.filter(|views| *views > 0)?;
        let engaged: i64 = [self.likes, self.comments, self.shares, self.saves].into_iter().flatten().sum();
        Some(((engaged as f64 * 10_000.0 / views as f64).round() / 100.0).clamp(-999.99, 999.99))
    }
}

/// Numbers by the platform's own names.
pub type PlatformNumbers = BTreeMap<String, f64>;

/// A platform's statistics of a post.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// In common words.
    pub numbers: Numbers,
    /// As the platform names them.
    pub platform: PlatformNumbers,
}

/// What a reading costs of the budgets for analytics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Price {
    /// Of the budget that all users of the app share.
    pub of_app: Option<Charge>,
    /// Of the budget of one platform account.
    pub of_account: Option<Charge>,
}

/// When a post that went live at this time is first read.
pub fn first_sync(published_at: DateTime<Utc>) -> DateTime<Utc> {
    published_at + FIRST
}

/// When a post is read next after a reading; `None` when that is over.
pub fn next_sync(published_at: DateTime<Utc>, account: AccountId, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let age = now - published_at;
    if let Some((_, gap)) = GAPS.iter().find(|(younger, _)| age < *younger) {
        return Some(now + *gap);
    }
    let next = daily(account, now);
    (next - published_at <= READ_FOR).then_some(next)
}

/// The account's own time of the day, at least half a day from now.
fn daily(account: AccountId, now: DateTime<Utc>) -> DateTime<Utc> {
    const DAY: i64 = 86_400;
    // Neighbouring numbers lie far apart: a step that has no factor in common with the minutes of a day.
    let slot = account.0.rem_euclid(1440) * 1_021 % 1440 * 60;
    let earliest = (now + TimeDelta::hours(12)).timestamp();
    let seconds = earliest + (slot - earliest).rem_euclid(DAY);
    DateTime::from_timestamp(seconds, 0).unwrap_or(now + TimeDelta::days(1))
}

/// When a reading that failed this many times in a row is retried.
pub fn after_failure(failures: i32, now: DateTime<Utc>) -> DateTime<Utc> {
    let doubled = 2_i32.saturating_pow(failures.clamp(1, 12).unsigned_abs() - 1);
    now + (BACK_OFF * doubled).min(LONGEST_BACK_OFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + minutes * 60, 0).unwrap()
    }

    #[test]
    fn readings_become_rarer_and_end_after_thirty_days() {
        let mut times = vec![first_sync(at(0))];
        while let Some(next) = next_sync(at(0), AccountId(7), *times.last().unwrap()) {
            assert!(next > *times.last().unwrap());
            times.push(next);
        }
        let within = |from: TimeDelta, to: TimeDelta| {
            times.iter().filter(|time| **time - at(0) > from && **time - at(0) <= to).count()
        };
        assert_eq!(within(TimeDelta::zero(), TimeDelta::hours(1)), 4);
        assert!((5..=6).contains(&within(TimeDelta::hours(1), TimeDelta::hours(6))));
        assert!((6..=7).contains(&within(TimeDelta::hours(6), TimeDelta::hours(25))));
        assert!((27..=30).contains(&within(TimeDelta::hours(25), TimeDelta::days(31))), "{times:?}");
        assert!(*times.last().unwrap() - at(0) <= READ_FOR);
        assert!(times.len() < 50);
    }

    #[test]
    fn old_posts_of_an_account_are_read_at_one_time_of_the_day() {
        let (one, other) = (next_sync(at(0), AccountId(3), at(3000)), next_sync(at(777), AccountId(3), at(3011)));
        assert_eq!(one, other);
        assert_ne!(one, next_sync(at(0), AccountId(4), at(3000)));
    }

    #[test]
    fn a_rate_needs_views_and_counts_what_is_told() {
        let rate = |views, likes, shares| Numbers { views, likes, shares, ..Numbers::default() }.engagement_rate();
        assert_eq!(rate(None, Some(5), None), None);
        assert_eq!(rate(Some(0), Some(5), None), None);
        assert_eq!(rate(Some(300), Some(10), None), Some(3.33));
        assert_eq!(rate(Some(1), Some(50), Some(50)), Some(999.99));
    }

    #[test]
    fn gains_and_sums_keep_what_is_not_told_apart_from_nothing() {
        let one = Numbers { views: Some(5), ..Numbers::default() };
        let other = Numbers { views: Some(3), likes: Some(1), ..Numbers::default() };
        assert_eq!(one.gained_since(&other), Numbers { views: Some(2), ..Numbers::default() });
        assert_eq!(other.gained_since(&one), Numbers { views: Some(-2), likes: Some(1), ..Numbers::default() });
        assert_eq!(one.plus(&other), Numbers { views: Some(8), likes: Some(1), ..Numbers::default() });
    }

    #[test]
    fn failures_are_tried_again_ever_later() {
        let gap = |failures| after_failure(failures, at(0)) - at(0);
        assert_eq!(gap(1), TimeDelta::minutes(5));
        assert_eq!(gap(3), TimeDelta::minutes(20));
        assert_eq!(gap(40), TimeDelta::hours(6));
    }
}

//! Which posts are processed next when more are due than can be processed at once. Pure.
//!
//! Guaranteed:
//! - Each platform has its own capacity, so a slow one delays no post of another. If the total capacity is smaller (few
//!   file descriptors), a platform may have in progress four times what is left.
//! - An account may begin a post while it has fewer in progress than an eighth of its platform's free capacity, or none
//!   at all. So one account with thousands of posts leaves capacity for others, and so do many such accounts together.
//! - Posts of one account that are found long after they wanted attention, a backlog, get turns [`BACKLOG_GAP`] apart, the
//!   oldest first.

use std::{collections::HashMap, num::NonZeroUsize};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ids::{AccountId, PostId},
    platform::Platform,
};

/// A post that waits for its time and is found this long after it wanted attention belongs to a backlog.
const BACKLOG_AGE: TimeDelta = TimeDelta::seconds(90);

/// The gap between two posts of one account in a backlog.
pub const BACKLOG_GAP: TimeDelta = TimeDelta::seconds(5);

/// The fraction of its platform's free capacity that an account may have in progress.
const PART: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// A platform may have in progress this many times what is left of the total capacity.
const LEAVES: usize = 4;

/// A post that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub post: PostId,
    /// Whose.
    pub account: AccountId,
    /// `None` for a word of another release: claiming it quarantines it.
    pub platform: Option<Platform>,
    /// Part of a backlog, see [`is_late`].
    pub is_late: bool,
}

/// The decision about candidates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allotted {
    /// To be worked on now.
    pub now: Vec<PostId>,
    /// Part of a backlog: due again at these times.
    pub later: Vec<(DateTime<Utc>, PostId)>,
    /// Some exceed the capacity and stay as they are.
    pub left: bool,
}

/// What one process works on.
#[derive(Clone, Debug)]
pub struct Turns {
    per_platform: usize,
    /// Of all platforms together.
    total: usize,
    platforms: HashMap<Platform, UnderWay>,
}

#[derive(Clone, Debug, Default)]
struct UnderWay {
    posts: usize,
    accounts: HashMap<AccountId, usize>,
}

impl Turns {
    /// Nothing is in progress, and each platform has this capacity.
    pub fn of(per_platform: usize) -> Self {
        let total = usize::MAX;
        Self { per_platform, total, platforms: HashMap::new() }
    }

    /// The same, with this total capacity for all platforms.
    pub fn within(self, total: usize) -> Self {
        Self { total, ..self }
    }

    /// Work on a post has begun.
    pub fn begin(&mut self, platform: Platform, account: AccountId) {
        let under_way = self.platforms.entry(platform).or_default();
        under_way.posts += 1;
        *under_way.accounts.entry(account).or_default() += 1;
    }

    /// Work on a post has ended.
    pub fn end(&mut self, platform: Platform, account: AccountId) {
        let Some(under_way) = self.platforms.get_mut(&platform) else { return };
        under_way.posts = under_way.posts.saturating_sub(1);
        if let Some(posts) = under_way.accounts.get_mut(&account) {
            *posts = posts.saturating_sub(1);
            if *posts == 0 {
                under_way.accounts.remove(&account);
            }
        }
    }

    /// How many more posts of a platform may be begun.
    pub fn room(&self, platform: Option<Platform>) -> usize {
        let all: usize = self.platforms.values().map(|under_way| under_way.posts).sum();
        let left = self.total.saturating_sub(all);
        let of = |platform: Platform| self.platforms.get(&platform).map_or(0, |of| of.posts);
        let under_way = platform.map_or(0, of);
        // One is kept for each of the others that has nothing under way.
        let others = Platform::ALL.into_iter().filter(|other| Some(*other) != platform && of(*other) == 0).count();
        let left = left.saturating_sub(if under_way == 0 { 0 } else { others });
        self.per_platform.min(left.saturating_mul(LEAVES)).saturating_sub(under_way).min(left)
    }

    /// There is capacity for everything that is due: on every platform and for every account.
    pub fn is_open(&self) -> bool {
        Platform::ALL
            .into_iter()
            .all(|platform| self.room(Some(platform)) > 0 && self.without_room(platform).is_empty())
    }

    /// The accounts of a platform that are at their limit, if the platform has free capacity.
    pub fn without_room(&self, platform: Platform) -> Vec<AccountId> {
        let (share, under_way) = (self.share(platform), self.platforms.get(&platform));
        let accounts = under_way.into_iter().flat_map(|under_way| &under_way.accounts);
        accounts.filter(|(_, posts)| **posts >= share).map(|(account, _)| *account).collect()
    }

    /// How many posts of one account may be in progress.
    fn share(&self, platform: Platform) -> usize {
        (self.room(Some(platform)) / PART).max(1)
    }

    fn has_room(&self, platform: Platform, account: AccountId) -> bool {
        let under_way = self.platforms.get(&platform).and_then(|under_way| under_way.accounts.get(&account));
        self.room(Some(platform)) > 0 && under_way.is_none_or(|posts| *posts < self.share(platform))
    }

    /// Gives each candidate its turn, in order, and counts those whose turn is now. `backlogs` says when the next late
    /// post of an account has its turn.
    pub fn allot(
        &mut self,
        candidates: &[Candidate],
        backlogs: &mut HashMap<AccountId, DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Allotted {
        let mut allotted = Allotted::default();
        for candidate in candidates {
            let Candidate { post, account, platform, is_late } = *candidate;
            let Some(platform) = platform else {
                allotted.now.push(post);
                continue;
            };
            let turn = backlogs.get(&account).copied().filter(|turn| is_late && *turn > now);
            if let Some(turn) = turn {
                allotted.later.push((turn, post));
                backlogs.insert(account, turn + BACKLOG_GAP);
            } else if self.has_room(platform, account) {
                self.begin(platform, account);
                allotted.now.push(post);
                if is_late {
                    backlogs.insert(account, now + BACKLOG_GAP);
                }
            } else {
                allotted.left = true;
            }
        }
        allotted
    }
}

/// Whether a post that waits for `due` and was due for processing at `wanted` is so late that it belongs to a backlog.
/// A post that was already given a turn does not.
pub fn is_late(due: Option<DateTime<Utc>>, wanted: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    due.is_some_and(|due| now - due.max(wanted) > BACKLOG_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn candidates(range: std::ops::Range<i64>, account: i64, platform: Platform, is_late: bool) -> Vec<Candidate> {
        let one = |id| Candidate { post: PostId(id), account: AccountId(account), platform: Some(platform), is_late };
        range.map(one).collect()
    }

    fn begun(turns: &mut Turns, due: &[Candidate]) -> usize {
        turns.allot(due, &mut HashMap::new(), NOW).now.len()
    }

    #[test]
    fn a_full_platform_leaves_the_others_their_room() {
        let mut turns = Turns::of(16);
        let due: Vec<Candidate> = (0..40).flat_map(|id| candidates(id..id + 1, id, Platform::Tiktok, false)).collect();
        let allotted = turns.allot(&due, &mut HashMap::new(), NOW);
        assert_eq!((allotted.now.len(), allotted.left, allotted.later.len()), (16, true, 0), "the rest stays as it is");
        assert_eq!(begun(&mut turns, &candidates(500..501, 50, Platform::Instagram, false)), 1);
        assert_eq!((turns.room(Some(Platform::Tiktok)), turns.room(Some(Platform::Instagram))), (0, 15));
        assert!(!turns.is_open());
        turns.end(Platform::Tiktok, AccountId(0));
        assert_eq!(turns.room(Some(Platform::Tiktok)), 1);
        assert_eq!(turns.without_room(Platform::Tiktok).len(), 15, "the others have theirs");
        assert_eq!(begun(&mut turns, &candidates(600..601, 60, Platform::Tiktok, false)), 1);
    }

    #[test]
    fn accounts_with_thousands_of_posts_leave_room_for_another_however_many_they_are() {
        let mut turns = Turns::of(1_024);
        for account in 0..40 {
            let many = candidates(0..1_000, account, Platform::Tiktok, false);
            let begun = begun(&mut turns, &many);
            assert!(begun >= 1, "account {account}");
            assert!(begun <= 114, "account {account}: {begun}");
            assert_eq!(turns.without_room(Platform::Tiktok).len(), account as usize + 1);
        }
        assert_eq!(begun(&mut turns, &candidates(0..1, 99, Platform::Tiktok, false)), 1);
    }

    #[test]
    fn a_platform_leaves_some_of_what_all_have_together() {
        let mut turns = Turns::of(1_024).within(64);
        let mut begun = Vec::new();
        for (number, platform) in (0_i64..).zip(Platform::ALL) {
            let due = (0..99).flat_map(|id| candidates(id..id + 1, 100 * number + id, platform, false));
            begun.push(self::begun(&mut turns, &due.collect::<Vec<_>>()));
        }
        assert!(begun.iter().all(|begun| *begun > 0) && begun.iter().sum::<usize>() <= 64, "{begun:?}");
    }

    #[test]
    fn a_small_core_works_on_several_accounts() {
        for room in [1, 2, 4] {
            let mut turns = Turns::of(room);
            for account in 0..room as i64 {
                assert_eq!(begun(&mut turns, &candidates(0..9, account, Platform::Instagram, false)), 1, "{room}");
            }
        }
        assert_eq!(begun(&mut Turns::of(81), &candidates(0..10, 1, Platform::Instagram, false)), 9);
    }

    #[test]
    fn a_backlog_of_any_size_goes_out_one_after_the_other() {
        let mut turns = Turns::of(1_024);
        let mut backlogs = HashMap::new();
        let mut times = Vec::new();
        for batch in 0..3 {
            let due = candidates(256 * batch..256 * (batch + 1), 1, Platform::Instagram, true);
            let allotted = turns.allot(&due, &mut backlogs, NOW);
            assert_eq!(allotted.now.len(), usize::from(batch == 0), "batch {batch}");
            times.extend(allotted.later.iter().map(|(at, _)| (*at - NOW).num_seconds()));
        }
        assert_eq!(times, (1..768).map(|place| 5 * place).collect::<Vec<i64>>());
        let other = turns.allot(&candidates(900..902, 2, Platform::Instagram, true), &mut backlogs, NOW);
        assert_eq!((other.now, other.later.len()), (vec![PostId(900)], 1), "another account has turns of its own");
    }

    #[test]
    fn a_post_at_the_turn_that_it_was_given_is_not_late_any_more() {
        let ago = |seconds| NOW - TimeDelta::seconds(seconds);
        assert!(is_late(Some(ago(100)), ago(1_000), NOW));
        assert!(!is_late(Some(ago(80)), ago(1_000), NOW), "prepared before its time");
        assert!(!is_late(Some(ago(1_000)), ago(1), NOW), "put off until a moment ago");
        assert!(!is_late(None, ago(1_000), NOW), "it waits for no time");
    }
}

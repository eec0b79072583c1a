//! The core's own limit of posts per user, platform and rolling day.
//!
//! Guaranteed: a post takes its place in the transaction that records its point of no return, so that however many are
//! ready at once, and in however many processes, no more than the limit go out within a day. A place is held by what is
//! published or may be: sent, confirming, in review, delivered. Proof of absence gives it back.
//!
//! Who finds no place joins a queue in the order of the posts' times, and keeps its place there while it is prepared again
//! (`in_daily_queue`): neither a newcomer nor one that is ready sooner overtakes. One that waits for something else, a
//! retry or its owner, holds nobody up meanwhile. Whenever the queue moves, the first of those who wait for nothing but a
//! place looks at once.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Result, Store,
    changes::applied,
    daily_queue::wake_next,
    db::{Row, Tx},
};
use crate::{
    domain::{
        change::{Change, LedgerWrite, Release},
        failure::{Failure, FailureClass, Reason},
        ids::{PostId, UserId},
        platform::Platform,
        post::{Post, WaitReason},
    },
    params,
};

/// The span in which posts count.
const DAY: TimeDelta = TimeDelta::days(1);

/// Least time between two looks of a post that stands behind others who are on their way.
const LOOK_GAP: TimeDelta = TimeDelta::minutes(1);

/// What became of a post that wanted a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// It has one: the change is written.
    Taken(Post),
    /// There was none: the post was let go and waits for it.
    Waits(Post),
}

const PUBLISHED: &str = "SELECT published_at AS taken FROM aurareels_social_posts \
     WHERE wp_user_id = ? AND platform = ? AND published_at > ? AND id <> ?";
const SENT: &str = "SELECT slot_at AS taken FROM aurareels_social_posts WHERE wp_user_id = ? AND platform = ? AND slot_at > ? \
     AND published_at IS NULL AND status NOT IN ('failed', 'cancelled') AND id <> ?";
const AHEAD: &str = "SELECT COUNT(*) AS posts FROM aurareels_social_posts WHERE wp_user_id = ? AND platform = ? \
     AND in_daily_queue = 1 AND status = 'publishing' AND set_aside IS NULL \
     AND (waiting_for IS NULL OR waiting_for IN ('daily_limit', 'processing', 'schedule')) \
     AND (list_at, id) < (SELECT list_at, id FROM aurareels_social_posts WHERE id = ?)";
const BEGUN: &str = "SELECT COUNT(*) AS posts FROM aurareels_social_posts WHERE wp_user_id = ? AND platform = ? \
     AND status = 'publishing' AND slot_at IS NULL";

fn times(rows: &[Row]) -> Result<Vec<DateTime<Utc>>> {
    rows.iter().map(|row| row.time("taken")).collect()
}

/// Until when a post has to wait for a place; `None` when there is one for it.
async fn full_until(tx: &mut Tx, post: &Post, limit: u32, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let values = params![post.wp_user_id, post.platform.as_str(), now - DAY, post.id];
    let mut taken = times(&tx.fetch_all(PUBLISHED, &values).await?)?;
    taken.extend(times(&tx.fetch_all(SENT, &values).await?)?);
    let ahead = tx.fetch_optional(AHEAD, &params![post.wp_user_id, post.platform.as_str(), post.id]).await?;
    let ahead = ahead.map_or(Ok(0), |row| row.int("posts"))?;
    taken.sort_unstable();
    Ok(place_free_at(&taken, usize::try_from(ahead).unwrap_or_default(), limit as usize, now))
}

/// When there is a place for who has `ahead` others in front of him; `None`: there is one now. `taken` is sorted.
fn place_free_at(taken: &[DateTime<Utc>], ahead: usize, limit: usize, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let wanted = taken.len() + ahead + 1;
    let must_leave = wanted.saturating_sub(limit);
    if must_leave == 0 {
        return None;
    }
    // Who waits behind more than are known to leave looks when the last of them does, and is woken when those before him
    // move.
    let leaves = taken.get(must_leave - 1).or(taken.last()).map_or(now, |taken| *taken + DAY);
    Some(leaves.max(now + LOOK_GAP))
}

/// Waiting for a place: never a refusal, and no retry is spent.
fn waiting(limit: u32, until: DateTime<Utc>, change: Change) -> Change {
    let failure = Failure::new(
        FailureClass::Quota { until: Some(until) },
        Reason::DailyLimitReached,
        format!("{limit} posts a day are allowed per user and platform"),
    )
    .with_remedy("nothing to do: it is published when there is room; the operator sets AURAREELS_DAILY_POSTS_PER_USER");
    Change {
        ledger: LedgerWrite::Nothing,
        error: Some(Some(failure)),
        release: Some(Release { at: Some(until), waiting_for: Some(WaitReason::DailyLimit) }),
        ..change
    }
}

impl Store {
    /// Records a point of no return if the daily limit has room for it, else lets the post wait for its place.
    pub async fn apply_within_limit(
        &self,
        seen: &Post,
        change: Change,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<Place> {
        let keys = self.keys();
        let seen = seen.clone();
        self.db
            .write(async move |tx| match full_until(tx, &seen, limit, now).await? {
                None => {
                    let taken = applied(tx, &keys, &seen, &change, now).await?;
                    wake_next(tx, seen.wp_user_id, seen.platform, now).await?;
                    Ok(Place::Taken(taken))
                }
                Some(until) => {
                    let waits = waiting(limit, until, change.clone());
                    applied(tx, &keys, &seen, &waits, now).await.map(Place::Waits)
                }
            })
            .await
    }

    /// How many of a user's posts count against the daily limit of a platform now: what went out or may have, and what is
    /// on its way.
    pub async fn daily_posts(&self, user: UserId, platform: Platform, now: DateTime<Utc>) -> Result<usize> {
        let mut reader = self.db.read().await?;
        let values = params![user, platform.as_str(), now - DAY, PostId(0)];
        let published = reader.fetch_all(PUBLISHED, &values).await?.len();
        let sent = reader.fetch_all(SENT, &values).await?.len();
        let begun = reader.fetch_optional(BEGUN, &params![user, platform.as_str()]).await?;
        let begun = begun.map_or(Ok(0), |row| row.int("posts"))?;
        Ok(published + sent + usize::try_from(begun).unwrap_or_default())
    }
}

#[cfg(test)]
#[path = "daily_slots_tests.rs"]
mod tests;

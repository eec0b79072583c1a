//! Claims: the temporary right of one worker to move a post. They are given in `due`; what is written under one is in
//! `changes`.
//!
//! Guaranteed: a claim is given to one worker at a time; each carries a higher fence than the one before. While a post is
//! claimed, `next_step_at` is the end of its claim, so one index finds both what is due and what was left behind by a
//! worker that died.
//!
//! A claim saves work and proves nothing about the platform: what may have been sent stands in the ledger.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Result, Store};
use crate::{
    domain::{
        ids::{Fence, PostId, Revision},
        post::Post,
    },
    params,
};

impl Store {
    /// How many posts wait for a time between now and `until`, counted up to `limit`.
    pub async fn due_soon(&self, now: DateTime<Utc>, until: DateTime<Utc>, limit: u32) -> Result<u32> {
        let row = self
            .db
            .read()
            .await?
            .fetch_optional(
                "SELECT COUNT(*) AS total FROM (SELECT id FROM aurareels_social_posts WHERE next_step_at IS NOT NULL \
                 AND next_step_at > ? AND next_step_at <= ? AND waiting_for = 'schedule' AND claim_token IS NULL LIMIT ?) soon",
                &params![now, until, i64::from(limit)],
            )
            .await?;
        let total = row.map_or(Ok(0), |row| row.int("total"))?;
        Ok(u32::try_from(total).unwrap_or(u32::MAX))
    }

    /// Prolongs every claim of a worker process and answers which they are. Claims that were taken away stay away.
    pub async fn renew_claims(&self, token: &str, now: DateTime<Utc>, lease: Duration) -> Result<Vec<(PostId, Fence)>> {
        let until = now + TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX);
        let token = token.to_owned();
        self.db
            .write(async move |tx| {
                let renew =
                    "UPDATE aurareels_social_posts SET claim_expires_at = ?, next_step_at = ? WHERE claim_token = ?";
                tx.execute(renew, &params![until, until, &token]).await?;
                let renewed = "SELECT id, fence FROM aurareels_social_posts WHERE claim_token = ?";
                let rows = tx.fetch_all(renewed, &params![&token]).await?;
                rows.iter().map(|row| Ok((PostId(row.int("id")?), Fence(row.int("fence")?)))).collect()
            })
            .await
    }

    /// Lets every claim of a worker process go at once, for a clean end.
    pub async fn release_claims(&self, token: &str, now: DateTime<Utc>) -> Result<u64> {
        let token = token.to_owned();
        self.db
            .write(async move |tx| {
                tx.execute(
                    "UPDATE aurareels_social_posts SET claim_token = NULL, claim_expires_at = NULL, next_step_at = ? \
                     WHERE claim_token = ?",
                    &params![now, &token],
                )
                .await
            })
            .await
    }

    /// Lets claimed posts go until later, untouched; one that was moved since is due at once. Those whose claims
    /// are gone by now stay as they are.
    pub async fn postpone(&self, posts: &[Post], at: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
        let claims: Vec<_> = posts.iter().map(|post| (post.id, post.fence, post.revision)).collect();
        self.db
            .write(async move |tx| {
                for (id, fence, revision) in &claims {
                    let held = "SELECT revision FROM aurareels_social_posts \
                                WHERE id = ? AND fence = ? AND claim_token IS NOT NULL";
                    let Some(row) = tx.fetch_optional(held, &params![*id, *fence]).await? else { continue };
                    let at = if Revision(row.int("revision")?) == *revision { at } else { now };
                    let release = "UPDATE aurareels_social_posts SET claim_token = NULL, claim_expires_at = NULL, \
                                   next_step_at = ? WHERE id = ?";
                    tx.execute(release, &params![at, *id]).await?;
                    tx.note_schedule(at);
                }
                Ok(())
            })
            .await
    }

    /// Takes claims away from workers that ended without a result. They count as crashed when they are claimed next.
    pub async fn abandon(&self, claims: &[(PostId, Fence)], at: DateTime<Utc>) -> Result<()> {
        let claims = claims.to_vec();
        self.db
            .write(async move |tx| {
                for (id, fence) in &claims {
                    tx.execute(
                        "UPDATE aurareels_social_posts SET claim_token = 'abandoned', next_step_at = ? \
                         WHERE id = ? AND fence = ? AND claim_token IS NOT NULL",
                        &params![at, *id, *fence],
                    )
                    .await?;
                }
                tx.note_schedule(at);
                Ok(())
            })
            .await
    }

    /// How long the oldest post that only the core could have started is overdue; `None` when none is. One that waits for its
    /// platform, its owner or a retry, or that a worker has, is not.
    pub async fn oldest_overdue(&self, now: DateTime<Utc>, workflow_grace: TimeDelta) -> Result<Option<TimeDelta>> {
        let rows = self
            .db
            .read()
            .await?
            .fetch_all(
                "SELECT scheduled_at, handed_over_at, next_step_at FROM aurareels_social_posts \
                 WHERE status = 'scheduled' AND scheduled_at < ? AND set_aside IS NULL \
                 AND look_since IS NULL AND next_step_at < ? ORDER BY scheduled_at LIMIT 100",
                &params![now, now],
            )
            .await?;
        let mut oldest = None;
        for row in &rows {
            let grace = if row.opt_time("handed_over_at")?.is_some() { workflow_grace } else { TimeDelta::zero() };
            // What waited for its platform, its owner or a retry was due when that wait ended.
            let overdue = now - (row.time("scheduled_at")? + grace).max(row.time("next_step_at")?);
            if overdue > TimeDelta::zero() {
                oldest = oldest.max(Some(overdue));
            }
        }
        Ok(oldest)
    }
}

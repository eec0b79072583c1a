//! The moves that callers make: edit, begin, cancel, delete, look again, settle. The engine's own moves are in `changes`.
//!
//! Guaranteed: every move is a compare-and-set on what the caller saw; a move and its event commit together; a post that
//! is claimed by a worker changes only where the move says that it may.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Result, Store, daily_queue,
    db::{Tx, Value},
    ledger, media, platform_posts,
    posts::{CONTENT, CasResult, content_values, fail, of_user, post_event, reread, status_event},
    wall_times,
};
use crate::{
    domain::{
        binding::BoundBy,
        event::EventKind,
        ids::{PostId, UserId},
        ledger::{Ledger, ResolvedWord},
        post::{Post, WaitReason},
        schedule::WallTime,
        transition::{self, Move},
        violation::Warning,
    },
    params,
};

/// How far a workflow's clock may be ahead of the core's: a call for a time that is nearer than this means that time.
const CLOCK_DIFFERENCE: TimeDelta = TimeDelta::seconds(60);

/// Tells what a post leaves on its platform, by its ledger.
pub type Remains = Arc<dyn Fn(&Post, &Ledger) -> Option<Warning> + Send + Sync>;

/// Has a post that may be out already looked for at once: its owner waits for that.
async fn look_now(tx: &mut Tx, id: PostId, now: DateTime<Utc>) -> Result<()> {
    tx.execute(
        "UPDATE aurareels_social_posts SET next_step_at = ? WHERE id = ? AND claim_token IS NULL \
         AND (next_step_at IS NULL OR next_step_at > ?)",
        &params![now, id, now],
    )
    .await?;
    tx.note_schedule(now);
    Ok(())
}

impl Store {
    /// Changes a draft or scheduled post by a compare-and-set on its revision. `changed` is the post as it shall be, read
    /// at `changed.revision`. A post that a worker has claimed is refused: it is being prepared or published. `wall` is the
    /// wall time of a time that changes.
    pub async fn update_waiting(
        &self,
        changed: Post,
        wall: Option<WallTime>,
        now: DateTime<Utc>,
    ) -> Result<CasResult<Post>> {
        self.db
            .write_first(async move |tx| {
                let Some(found) = of_user(tx, changed.wp_user_id, changed.id).await? else { return Ok(CasResult::Gone) };
                let status_changes = found.status != changed.status;
                let content = &changed.content;
                // It is looked for by what it said when the backup was made.
                let looked_up = found.to_be_looked_up().is_some();
                if looked_up && found.content.full_caption != content.full_caption {
                    look_now(tx, found.id, now).await?;
                    return Ok(CasResult::Refused(found));
                }
                let (waiting_for, next_step_at) = match looked_up {
                    true => (Some(WaitReason::RestoreCheck), Some(now)),
                    false if changed.wants_copy => (Some(WaitReason::Copy), Some(now)),
                    false => (changed.waiting_for, changed.next_step_at),
                };
                media::demand(tx, changed.wp_user_id, &content.media_id).await?;
                let sql = format!(
                    "UPDATE aurareels_social_posts SET {} = ?, status = ?, status_since = ?, scheduled_at = ?, list_at = ?, \
                     scheduler = ?, late_policy_seconds = ?, attempt = ?, waiting_for = ?, next_step_at = ?, \
                     handed_over_at = ?, handover_failures = ?, error = NULL, error_message = NULL, revision = revision + 1, updated_at = ? \
                     WHERE id = ? AND revision = ? AND status IN ('draft', 'scheduled') AND claim_token IS NULL",
                    CONTENT.join(" = ?, ")
                );
                let mut values = content_values(&changed)?.to_vec();
                values.extend(params![
                    changed.status.as_str(),
                    if status_changes { now } else { found.status_since },
                    changed.scheduled_at,
                    changed.scheduled_at.unwrap_or(changed.created_at),
                    changed.scheduler.as_str(),
                    changed.late_policy_seconds,
                    changed.attempt,
                    waiting_for.map(|reason| reason.as_str()),
                    next_step_at,
                    changed.handed_over_at,
                    changed.handover_failures,
                    now,
                    changed.id,
                    changed.revision,
                ]);
                let done = tx.execute(&sql, &values).await?;
                if done == 0 {
                    return Ok(CasResult::Refused(found));
                }
                if let Some(at) = next_step_at {
                    tx.note_schedule(at);
                }
                match &wall {
                    Some(wall) => wall_times::keep(tx, changed.id, wall).await?,
                    None if found.scheduled_at != changed.scheduled_at => wall_times::forget(tx, changed.id).await?,
                    None => {}
                }
                let after = reread(tx, changed.id).await?;
                if found.content.media_id != content.media_id {
                    media::look_again(tx, found.wp_user_id, &found.content.media_id, now).await?;
                }
                if status_changes {
                    status_event(tx, &found, changed.status, None, now).await?;
                } else {
                    post_event(tx, EventKind::PostUpdated, &after, now).await?;
                }
                Ok(CasResult::Done(after))
            })
            .await
    }

    /// Begins a draft, a scheduled or a failed post now: its next step is due. `by` is `Begin` or `Retry`.
    /// `only_scheduled_at` refuses a post whose time is another one by now; named so, a time that is less than
    /// [`CLOCK_DIFFERENCE`] away is still kept.
    pub async fn begin_now(
        &self,
        user: UserId,
        id: PostId,
        by: Move,
        only_scheduled_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<CasResult<Post>> {
        self.db
            .write_first(async move |tx| {
                let Some(found) = of_user(tx, user, id).await? else { return Ok(CasResult::Gone) };
                // To the millisecond: what went through JavaScript has lost the rest.
                let millis = |at: DateTime<Utc>| at.timestamp_millis();
                let other_time = only_scheduled_at.is_some_and(|at| found.scheduled_at.map(millis) != Some(millis(at)));
                let Ok(to) = transition::next(found.status, by) else { return Ok(CasResult::Refused(found)) };
                if other_time {
                    return Ok(CasResult::Refused(found));
                }
                let retry = by == Move::Retry;
                let is_early = |at: &DateTime<Utc>| *at > now && *at - now <= CLOCK_DIFFERENCE;
                let due = found.scheduled_at.filter(|at| only_scheduled_at.is_some() && is_early(at)).unwrap_or(now);
                // Lists and calendars show it where it really goes out: a draft, and what goes out ahead of its time.
                let is_listed_elsewhere = !retry && found.scheduled_at.is_none_or(|at| at > due);
                // A worker may hold the post to prepare it: it keeps its claim and sees the new status at its next write;
                // `next_step_at` then stays the end of its claim.
                tx.execute(
                    "UPDATE aurareels_social_posts SET status = ?, status_since = ?, due_at = ?, error = NULL, error_message = NULL, \
                     retry_count = retry_count + ?, last_retry_at = CASE WHEN ? = 1 THEN ? ELSE last_retry_at END, \
                     automatic_retries = 0, poll_count = 0, read_failures = 0, crash_count = 0, waiting_for = NULL, slot_at = NULL, \
                     list_at = CASE WHEN ? = 1 THEN ? ELSE list_at END, next_step_at = CASE WHEN claim_token IS NULL THEN ? ELSE next_step_at END, \
                     revision = revision + 1, updated_at = ? WHERE id = ?",
                    &params![
                        to.as_str(),
                        now,
                        due,
                        i64::from(retry),
                        retry,
                        now,
                        is_listed_elsewhere,
                        due,
                        now,
                        now,
                        id,
                    ],
                )
                .await?;
                tx.note_schedule(now);
                status_event(tx, &found, to, None, now).await?;
                Ok(CasResult::Done(reread(tx, id).await?))
            })
            .await
    }

    /// Cancels a post whose point of no return was not passed: the ledger is read in the same transaction. A worker that
    /// holds it loses its claim, and with it the right to send. Frees a derived request key. What stays on the platform is
    /// told as a warning.
    pub async fn cancel(
        &self,
        user: UserId,
        id: PostId,
        now: DateTime<Utc>,
        remains: Option<Remains>,
    ) -> Result<CasResult<Post>> {
        let keys = self.keys();
        self.db
            .write_first(async move |tx| {
                let Some(found) = of_user(tx, user, id).await? else { return Ok(CasResult::Gone) };
                let Ok(to) = transition::next(found.status, Move::Cancel) else { return Ok(CasResult::Refused(found)) };
                if found.to_be_looked_up().is_some() {
                    look_now(tx, id, now).await?;
                    return Ok(CasResult::Refused(found));
                }
                let sent = tx
                    .fetch_optional(
                        "SELECT number FROM aurareels_post_steps WHERE post_id = ? AND class = 'point_of_no_return' \
                         AND (outcome IS NULL OR outcome NOT IN ('no_effect', 'absent') OR evidence LIKE '%\"provisional\":true%') LIMIT 1",
                        &params![id],
                    )
                    .await?;
                if sent.is_some() {
                    return Ok(CasResult::Refused(found));
                }
                tx.execute(
                    "UPDATE aurareels_social_posts SET status = ?, status_since = ?, waiting_for = NULL, next_step_at = NULL, \
                     claim_token = NULL, claim_expires_at = NULL, fence = fence + 1, \
                     request_key = CASE WHEN request_key_derived = 1 THEN NULL ELSE request_key END, \
                     revision = revision + 1, updated_at = ? WHERE id = ?",
                    &params![to.as_str(), now, now, id],
                )
                .await?;
                if let Some(remains) = &remains {
                    let ledger = ledger::of_post(tx, &keys, id).await?;
                    if let Some(warning) = remains(&found, &ledger) {
                        let mut warnings = found.warnings.clone();
                        warnings.push(warning);
                        let values = params![Value::json(&warnings)?, id];
                        tx.execute("UPDATE aurareels_social_posts SET warnings = ? WHERE id = ?", &values).await?;
                    }
                }
                status_event(tx, &found, to, None, now).await?;
                daily_queue::wake_next(tx, user, found.platform, now).await?;
                Ok(CasResult::Done(reread(tx, id).await?))
            })
            .await
    }

    /// Deletes a draft.
    pub async fn delete_draft(&self, user: UserId, id: PostId, now: DateTime<Utc>) -> Result<CasResult<()>> {
        self.db
            .write_first(async move |tx| {
                let Some(found) = of_user(tx, user, id).await? else { return Ok(CasResult::Gone) };
                if found.to_be_looked_up().is_some() {
                    look_now(tx, id, now).await?;
                    return Ok(CasResult::Refused(found));
                }
                let done = tx
                    .execute("DELETE FROM aurareels_social_posts WHERE id = ? AND status = 'draft'", &params![id])
                    .await?;
                if done == 0 {
                    return Ok(CasResult::Refused(found));
                }
                media::look_again(tx, user, &found.content.media_id, now).await?;
                post_event(tx, EventKind::PostDeleted, &found, now).await?;
                Ok(CasResult::Done(()))
            })
            .await
    }

    /// Looks again at the platform for a post that is confirming or in review.
    pub async fn reconcile_again(&self, user: UserId, id: PostId, now: DateTime<Utc>) -> Result<CasResult<Post>> {
        self.db
            .write_first(async move |tx| {
                let Some(found) = of_user(tx, user, id).await? else { return Ok(CasResult::Gone) };
                let Ok(to) = transition::next(found.status, Move::Reconcile) else { return Ok(CasResult::Refused(found)) };
                tx.execute(
                    "UPDATE aurareels_social_posts SET status_since = CASE WHEN status = ? THEN status_since ELSE ? END, status = ?, \
                     waiting_for = ?, crash_count = 0, error = NULL, error_message = NULL, \
                     next_step_at = CASE WHEN claim_token IS NULL THEN ? ELSE next_step_at END, \
                     revision = revision + 1, updated_at = ? WHERE id = ?",
                    &params![to.as_str(), now, to.as_str(), WaitReason::Confirming.as_str(), now, now, id],
                )
                .await?;
                tx.note_schedule(now);
                if found.status != to {
                    status_event(tx, &found, to, None, now).await?;
                }
                Ok(CasResult::Done(reread(tx, id).await?))
            })
            .await
    }

    /// Settles a post that is confirming or in review by a person's word, which is kept as evidence in the ledger. A worker
    /// that looks after the post loses its claim.
    pub async fn resolve(
        &self,
        user: UserId,
        id: PostId,
        word: ResolvedWord,
        now: DateTime<Utc>,
    ) -> Result<CasResult<Post>> {
        let keys = self.keys();
        self.db
            .write_first(async move |tx| {
                let Some(found) = of_user(tx, user, id).await? else { return Ok(CasResult::Gone) };
                let by = if word.published { Move::ResolvedPublished } else { Move::ResolvedNotPublished };
                let Ok(to) = transition::next(found.status, by) else { return Ok(CasResult::Refused(found)) };
                super::ledger::settle_by_hand(tx, &found, &word, now).await?;
                if let Some(platform_post_id) = &word.platform_post_id {
                    platform_posts::bind(tx, &keys, &found, platform_post_id, BoundBy::Person, now).await?;
                }
                match &word.failure {
                    None => {
                        tx.execute(
                            "UPDATE aurareels_social_posts SET status = ?, status_since = ?, published_at = ?, \
                             platform_post_id = COALESCE(?, platform_post_id), platform_post_url = COALESCE(?, platform_post_url), \
                             error = NULL, error_message = NULL, waiting_for = NULL, next_step_at = NULL, look_since = NULL, \
                             claim_token = NULL, claim_expires_at = NULL, fence = fence + 1, revision = revision + 1, updated_at = ? WHERE id = ?",
                            &params![
                                to.as_str(),
                                now,
                                now,
                                word.platform_post_id.as_deref(),
                                word.platform_post_url.as_deref(),
                                now,
                                id
                            ],
                        )
                        .await?;
                        status_event(tx, &found, to, None, now).await?;
                    }
                    // The old handles are out of the game: a person said that nothing is there.
                    Some(failure) => {
                        tx.execute("DELETE FROM aurareels_platform_posts WHERE post_id = ?", &params![id]).await?;
                        tx.execute(
                            "UPDATE aurareels_social_posts SET attempt = attempt + 1, fence = fence + 1, look_since = NULL, platform_post_id = NULL, \
                             platform_post_url = NULL, all_platform_post_ids = '[]' WHERE id = ?",
                            &params![id],
                        )
                        .await?;
                        fail(tx, &found, to, failure, now).await?;
                        daily_queue::wake_next(tx, user, found.platform, now).await?;
                    }
                }
                Ok(CasResult::Done(reread(tx, id).await?))
            })
            .await
    }
}

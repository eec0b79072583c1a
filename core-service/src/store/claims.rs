//! Claims: the temporary right of one worker to move a post, and the engine's writes under it.
//!
//! Guaranteed: a claim is given to one worker at a time; each carries a higher fence than the one before, and a write
//! whose fence is not the newest, or whose claim was taken away, is refused as [`Error::Fenced`] and changes nothing.
//! While a post is claimed, `next_step_at` is the end of its claim, so one index finds both what is due and what was
//! left behind by a worker that died.
//!
//! A caller's move beats every release: a claim that was made before it may not put the post to sleep. So does the return
//! of the account's owner (`woken_at`).
//!
//! A claim saves work and proves nothing about the platform: what may have been sent stands in the ledger.

use std::{borrow::Cow, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Error, Result, Store, daily_slots,
    db::{Tx, Value},
    ledger, platform_posts,
    posts::{self, legal},
    set_aside,
};
use crate::{
    domain::{
        binding::BoundBy,
        event::EventKind,
        failure::{Failure, FailureClass},
        ids::{Fence, PostId, Revision},
        ledger::Entry,
        media::Warning,
        post::{Post, Status, WaitReason},
        transition::Move,
    },
    fault::{self, FaultPoint},
    params,
    secret::KeyRing,
};

/// A ledger row to be written with a change.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LedgerWrite {
    /// None.
    #[default]
    Nothing,
    /// A step that is about to be sent, or a read that learned something.
    Insert(Entry),
    /// What became of a step.
    Update(Entry),
}

/// What is learned of a live post.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveDetails {
    /// The platform's id of the public post.
    pub platform_post_id: Option<String>,
    /// Its link.
    pub platform_post_url: Option<String>,
    /// Every id.
    pub all_platform_post_ids: Vec<String>,
    /// What says that they are the post's.
    pub bound_by: BoundBy,
}

/// How a worker lets a post go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Release {
    /// When it wants attention next; `None`: it rests.
    pub at: Option<DateTime<Utc>>,
    /// What it waits for.
    pub waiting_for: Option<WaitReason>,
}

/// A change that the engine makes to a post under its claim. Fields that are left out stay as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// The ledger row that belongs to it.
    pub ledger: LedgerWrite,
    /// The point of no return whose fate is open again.
    pub reopened: Option<Entry>,
    /// A move of the status.
    pub by: Option<Move>,
    /// The failure to keep, or `Some(None)` to clear it.
    pub error: Option<Option<Failure>>,
    /// What was learned of a live post.
    pub live: Option<LiveDetails>,
    /// Count a retry: one that the engine makes by itself.
    pub retry: bool,
    /// The handles of the attempt are proven dead: the next step begins a new one.
    pub new_attempt: bool,
    /// A step succeeded that had never succeeded before: the automatic retries begin anew. What succeeded before and is
    /// done again, as by a new attempt, brings none back: so retries come to an end.
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
    pub media_facts: Option<serde_json::Value>,
    /// A warning to add, once.
    pub warning: Option<Warning>,
    /// After a restore it was found out whether the post is out already.
    pub looked_up: bool,
    /// Let the post go; the claim is kept when `None`.
    pub release: Option<Release>,
}

/// What a claim brought.
#[derive(Default)]
struct Claimed {
    posts: Vec<Post>,
    /// Those that cannot be read, with the reason.
    set_aside: Vec<(PostId, String)>,
}

impl Store {
    /// Claims posts whose time has come, those that wait longest first; with `ahead`, also posts that wait for a time
    /// which is that near. One that cannot be read is set aside, and holds nobody up.
    pub async fn claim_due(
        &self,
        now: DateTime<Utc>,
        ahead: TimeDelta,
        token: &str,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Post>> {
        let until = now + TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX);
        let token = token.to_owned();
        let claimed = self
            .db
            .write(async move |tx| {
                // A claim that was left behind counts as a crash of its worker; one that ends in order clears the count.
                let rows = tx
                    .fetch_all(
                        "UPDATE aurareels_social_posts SET crash_count = crash_count + (claim_token IS NOT NULL), \
                         claim_token = ?, claim_expires_at = ?, next_step_at = ?, fence = fence + 1, woken_at = NULL \
                         WHERE id IN (SELECT id FROM aurareels_social_posts WHERE next_step_at IS NOT NULL AND next_step_at <= ? \
                                      AND (next_step_at <= ? OR (waiting_for = 'schedule' AND claim_token IS NULL)) \
                                      ORDER BY next_step_at, id LIMIT ?) RETURNING *",
                        &params![&token, until, until, now + ahead, now, i64::from(limit)],
                    )
                    .await?;
                let mut claimed = Claimed::default();
                for row in &rows {
                    match posts::post(row) {
                        Ok(post) => claimed.posts.push(post),
                        Err(error) if error.is_about_data() => {
                            let (id, why) = (PostId(row.int("id")?), set_aside::why(&error));
                            set_aside::write(tx, id, &why).await?;
                            claimed.set_aside.push((id, why));
                        }
                        Err(error) => return Err(error),
                    }
                }
                Ok(claimed)
            })
            .await?;
        for (id, why) in claimed.set_aside {
            set_aside::tell(id, &why);
        }
        Ok(claimed.posts)
    }

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

    /// When the next post wants attention; `None` when none waits.
    pub async fn next_step_at(&self) -> Result<Option<DateTime<Utc>>> {
        let row = self
            .db
            .read()
            .await?
            .fetch_optional(
                "SELECT next_step_at FROM aurareels_social_posts WHERE next_step_at IS NOT NULL ORDER BY next_step_at LIMIT 1",
                &[],
            )
            .await?;
        row.map_or(Ok(None), |row| row.opt_time("next_step_at"))
    }

    /// Prolongs every claim of a worker process and answers which they are. Claims that were taken away stay away.
    pub async fn renew_claims(&self, token: &str, now: DateTime<Utc>, lease: Duration) -> Result<Vec<(PostId, Fence)>> {
        let until = now + TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX);
        let token = token.to_owned();
        self.db
            .write(async move |tx| {
                let rows = tx
                    .fetch_all(
                        "UPDATE aurareels_social_posts SET claim_expires_at = ?, next_step_at = ? WHERE claim_token = ? \
                         RETURNING id, fence",
                        &params![until, until, &token],
                    )
                    .await?;
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
                    let row = tx
                        .fetch_optional(
                            "UPDATE aurareels_social_posts SET claim_token = NULL, claim_expires_at = NULL, \
                             next_step_at = CASE WHEN revision = ? THEN ? ELSE ? END \
                             WHERE id = ? AND fence = ? AND claim_token IS NOT NULL RETURNING next_step_at",
                            &params![*revision, at, now, *id, *fence],
                        )
                        .await?;
                    if let Some(row) = row {
                        tx.note_schedule(row.time("next_step_at")?);
                    }
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

    /// Applies a change under a claim and answers the post after it. `seen` is the worker's copy of the post. It is the
    /// row as long as its revision stands, for under a claim only a caller's move changes the row, and each raises the
    /// revision; where it does not stand any more, only what was learned is written (see [`overtaken`]).
    pub async fn apply(&self, seen: &Post, change: Change, now: DateTime<Utc>) -> Result<Post> {
        let keys = self.keys.clone();
        let seen = seen.clone();
        self.db.write(async move |tx| applied(tx, &keys, &seen, &change, now).await).await
    }

    /// How long the oldest post that only the core could have started is overdue; `None` when none is.
    pub async fn oldest_overdue(&self, now: DateTime<Utc>, workflow_grace: TimeDelta) -> Result<Option<TimeDelta>> {
        let rows = self
            .db
            .read()
            .await?
            .fetch_all(
                "SELECT scheduled_at, handed_over_at FROM aurareels_social_posts \
                 WHERE status = 'scheduled' AND scheduled_at < ? AND set_aside IS NULL \
                 AND look_since IS NULL ORDER BY scheduled_at LIMIT 100",
                &params![now],
            )
            .await?;
        let mut oldest = None;
        for row in &rows {
            let grace = if row.opt_int("handed_over_at")?.is_some() { workflow_grace } else { TimeDelta::zero() };
            let overdue = now - row.time("scheduled_at")? - grace;
            if overdue > TimeDelta::zero() {
                oldest = oldest.max(Some(overdue));
            }
        }
        Ok(oldest)
    }
}

/// Applies a change inside a transaction: the row, its ledger entry and its event.
pub(super) async fn applied(
    tx: &mut Tx,
    keys: &KeyRing,
    seen: &Post,
    change: &Change,
    now: DateTime<Utc>,
) -> Result<Post> {
    let change = honouring_wakes(tx, seen, change, now).await?;
    let mut before = Cow::Borrowed(seen);
    let mut after = changed(seen, seen, &change, now);
    let stands = match &after {
        Ok(after) => write_row(tx, seen, after, &change).await?,
        Err(_) => false,
    };
    if !stands {
        let row = tx
            .fetch_optional(
                "SELECT * FROM aurareels_social_posts WHERE id = ? AND fence = ? AND claim_token IS NOT NULL",
                &params![seen.id, seen.fence],
            )
            .await?;
        before = Cow::Owned(row.as_ref().map(posts::post).transpose()?.ok_or(Error::Fenced(seen.id))?);
        after = changed(&before, seen, &change, now);
    }
    let after = after?;
    if !stands && !write_row(tx, &before, &after, &change).await? {
        return Err(Error::Fenced(seen.id));
    }
    fault::point(FaultPoint::RowWritten, after.status.as_str());
    match &change.ledger {
        LedgerWrite::Nothing => {}
        LedgerWrite::Insert(entry) => ledger::insert_entry(tx, keys, seen.id, entry).await?,
        LedgerWrite::Update(entry) => ledger::update_entry(tx, keys, seen.id, entry).await?,
    }
    if let Some(live) = &change.live {
        platform_posts::bind_live(tx, keys, &after, live, now).await?;
    }
    if let Some(entry) = &change.reopened {
        ledger::update_entry(tx, keys, seen.id, entry).await?;
    }
    if after.status != before.status {
        let reason = after.error.as_ref().map(|error| error.reason.as_str().to_owned());
        posts::status_event(tx, &before, after.status, reason, now).await?;
    } else if after.platform_post_id != before.platform_post_id || after.platform_post_url != before.platform_post_url {
        posts::post_event(tx, EventKind::PostDetails, &after, now).await?;
    }
    if let Some(at) = after.next_step_at.filter(|_| change.release.is_some()) {
        tx.note_schedule(at);
    }
    fault::point(FaultPoint::EventWritten, after.status.as_str());
    let fails = after.status == Status::Failed && before.status != Status::Failed;
    if fails || daily_slots::slot_of(&change) == Some(None) {
        daily_slots::wake_next(tx, after.wp_user_id, after.platform, now).await?;
    }
    Ok(after)
}

/// The change, or what becomes of it when the account's owner came back after the post was claimed: what was learned
/// stays, and instead of waiting for the owner, or failing for want of one, the post is due at once.
async fn honouring_wakes<'a>(
    tx: &mut Tx,
    seen: &Post,
    change: &'a Change,
    now: DateTime<Utc>,
) -> Result<Cow<'a, Change>> {
    let needs_owner = |failure: &Failure| failure.class == FailureClass::NeedsReconnect;
    let Some(release) = change.release else { return Ok(Cow::Borrowed(change)) };
    let for_owner = release.waiting_for == Some(WaitReason::Reconnect)
        || change.error.as_ref().is_some_and(|error| error.as_ref().is_some_and(needs_owner));
    if !for_owner {
        return Ok(Cow::Borrowed(change));
    }
    let woken = tx
        .fetch_optional(
            "SELECT id FROM aurareels_social_posts WHERE id = ? AND fence = ? AND woken_at IS NOT NULL",
            &params![seen.id, seen.fence],
        )
        .await?;
    if woken.is_none() {
        return Ok(Cow::Borrowed(change));
    }
    let by = match change.by {
        // The attempt is over all the same: the next one begins.
        Some(Move::Rejected) if seen.status == Status::Confirming => Some(Move::ProvedAbsent),
        Some(Move::Rejected | Move::Missed) => None,
        other => other,
    };
    let release = Some(Release { at: Some(now), waiting_for: None });
    Ok(Cow::Owned(Change { by, error: None, release, ..change.clone() }))
}

/// What is left of a change to a post that was moved after the worker saw it: the ledger, what was learned of a
/// live post, and the moves that say what the platform did. Verdicts, waits and counts were made for a state that is gone;
/// the next worker comes to its own.
fn overtaken(before: &Post, seen: &Post, change: &Change) -> Change {
    let by = change.by.filter(|by| match by {
        Move::Begin | Move::ReplyLost | Move::Confirmed | Move::Delivered | Move::ProvedAbsent | Move::Unbound => true,
        // Read from the platform, or only the end of a worker's patience.
        Move::Rejected => matches!(seen.status, Status::Confirming | Status::Delivered),
        Move::Missed | Move::CannotTell | Move::Progress => false,
        Move::Schedule
        | Move::Cancel
        | Move::ResolvedPublished
        | Move::ResolvedNotPublished
        | Move::Reconcile
        | Move::Retry => false,
    });
    // A workflow that took the post has it only for the time that it was told.
    let knows_the_time = before.status == Status::Scheduled && before.scheduled_at == seen.scheduled_at;
    Change {
        ledger: change.ledger.clone(),
        reopened: change.reopened.clone(),
        error: change.error.clone().filter(|_| by.is_some()),
        live: change.live.clone(),
        retry: change.retry && by.is_some(),
        new_attempt: change.new_attempt && by.is_some(),
        new_ground: change.new_ground,
        handed_over_at: change.handed_over_at.filter(|_| knows_the_time),
        media_facts: change.media_facts.clone(),
        release: change.release,
        by,
        ..Change::default()
    }
}

/// Writes what differs between two states of a claimed post. False when the row is not `before` any more. Columns that
/// stay as they are are left out, so that their indexes are not touched.
async fn write_row(tx: &mut Tx, before: &Post, after: &Post, change: &Change) -> Result<bool> {
    let mut columns: Vec<&str> = Vec::with_capacity(16);
    let mut values: Vec<Value> = Vec::with_capacity(20);
    let mut set = |column, value| {
        columns.push(column);
        values.push(value);
    };
    if after.status != before.status {
        set("status", after.status.as_str().into());
        set("status_since", after.status_since.into());
    }
    if after.published_at != before.published_at {
        set("published_at", after.published_at.into());
    }
    if after.platform_post_id != before.platform_post_id {
        set("platform_post_id", after.platform_post_id.as_deref().into());
    }
    if after.platform_post_url != before.platform_post_url {
        set("platform_post_url", after.platform_post_url.as_deref().into());
    }
    if after.all_platform_post_ids != before.all_platform_post_ids {
        set("all_platform_post_ids", serde_json::to_string(&after.all_platform_post_ids)?.into());
    }
    if after.error != before.error {
        set("error", after.error.as_ref().map(serde_json::to_string).transpose()?.into());
        set("error_message", after.error.as_ref().map(|error| error.message.as_str()).into());
    }
    if after.due_at != before.due_at {
        set("due_at", after.due_at.into());
    }
    if after.retry_count != before.retry_count {
        set("retry_count", after.retry_count.into());
        set("last_retry_at", after.last_retry_at.into());
    }
    if after.automatic_retries != before.automatic_retries {
        set("automatic_retries", after.automatic_retries.into());
    }
    if after.attempt != before.attempt {
        set("attempt", after.attempt.into());
    }
    if after.poll_count != before.poll_count {
        set("poll_count", after.poll_count.into());
    }
    if after.read_failures != before.read_failures {
        set("read_failures", after.read_failures.into());
    }
    if after.handover_failures != before.handover_failures {
        set("handover_failures", after.handover_failures.into());
    }
    if after.crash_count != before.crash_count {
        set("crash_count", after.crash_count.into());
    }
    if after.handed_over_at != before.handed_over_at {
        set("handed_over_at", after.handed_over_at.into());
    }
    if after.media_facts != before.media_facts {
        set("media_facts", after.media_facts.as_ref().into());
    }
    if after.look_since != before.look_since {
        set("look_since", after.look_since.into());
    }
    if after.warnings != before.warnings {
        set("warnings", serde_json::to_string(&after.warnings)?.into());
    }
    if after.waiting_for != before.waiting_for {
        set("waiting_for", after.waiting_for.map(|reason| reason.as_str()).into());
    }
    if let Some(slot) = daily_slots::slot_of(change) {
        set("slot_at", slot.into());
    }
    if change.release.is_some() {
        // Until then it is the end of the claim, which renewals move.
        set("next_step_at", after.next_step_at.into());
        set("claim_token", Value::Null);
        set("claim_expires_at", Value::Null);
    }
    if after.revision != before.revision {
        set("revision", after.revision.into());
    }
    set("updated_at", after.updated_at.into());
    values.extend(params![after.id, before.fence, before.revision]);
    let sql = format!(
        "UPDATE aurareels_social_posts SET {} = ? WHERE id = ? AND fence = ? AND claim_token IS NOT NULL AND revision = ?",
        columns.join(" = ?, ")
    );
    Ok(tx.execute(&sql, &values).await? == 1)
}

/// The post after a change. It may have been moved since the worker saw it, which raised its revision: then what
/// the worker learned is kept, what it decided is dropped, and a release makes the post due at once, as the move left it.
fn changed(before: &Post, seen: &Post, change: &Change, now: DateTime<Utc>) -> Result<Post> {
    let is_overtaken = before.revision != seen.revision;
    let change = if is_overtaken { &overtaken(before, seen, change) } else { change };
    let mut after = before.clone();
    if let Some(by) = change.by {
        // Beginning is idempotent here: "publish now" may have begun it while a worker held it.
        let begun_already = by == Move::Begin && before.status == Status::Publishing;
        if !begun_already {
            after.status = legal(before, by)?;
        }
        // Its time has come, or will within seconds: it waits for nothing else until a release says so.
        if by == Move::Begin {
            after.waiting_for = None;
        }
        if by == Move::Begin && !begun_already {
            after.due_at = Some(before.due());
        }
    }
    if after.status != before.status {
        after.status_since = now;
        after.published_at = match after.status {
            Status::Published => Some(now),
            _ if before.status == Status::Published => None,
            _ => after.published_at,
        };
    }
    if let Some(error) = &change.error {
        after.error.clone_from(error);
    }
    if let Some(live) = &change.live {
        after.platform_post_id = live.platform_post_id.clone().or(after.platform_post_id);
        after.platform_post_url = live.platform_post_url.clone().or(after.platform_post_url);
        for id in &live.all_platform_post_ids {
            if !after.all_platform_post_ids.contains(id) {
                after.all_platform_post_ids.push(id.clone());
            }
        }
    }
    if change.new_ground {
        after.automatic_retries = 0;
    }
    if change.retry {
        after.retry_count += 1;
        after.automatic_retries += 1;
        after.last_retry_at = Some(now);
    }
    if change.new_attempt {
        after.attempt += 1;
    }
    if let Some(count) = change.poll_count {
        after.poll_count = count;
    }
    if let Some(count) = change.read_failures {
        after.read_failures = count;
    }
    if let Some(count) = change.handover_failures {
        after.handover_failures = count;
    }
    after.handed_over_at = change.handed_over_at.or(after.handed_over_at);
    if let Some(facts) = &change.media_facts {
        after.media_facts = Some(facts.clone());
    }
    if let Some(warning) = &change.warning
        && !after.warnings.contains(warning)
    {
        after.warnings.push(warning.clone());
    }
    // Who has taken a place stands in no line for one.
    if matches!(daily_slots::slot_of(change), Some(Some(_))) {
        after.waiting_for = None;
    }
    if change.looked_up {
        after.look_since = None;
    }
    if let Some(release) = change.release {
        let rests = matches!(after.status, Status::Draft | Status::Failed | Status::Cancelled | Status::NeedsReview);
        (after.next_step_at, after.waiting_for) = match is_overtaken {
            true if rests => (None, None),
            true => (Some(now), before.waiting_for),
            false => (release.at, release.waiting_for),
        };
        after.crash_count = 0;
    }
    // A poll that found nothing new is not a change that a caller could have missed.
    if after.status != before.status
        || after.error != before.error
        || after.platform_post_id != before.platform_post_id
        || change.retry
    {
        after.revision = Revision(before.revision.0 + 1);
    }
    after.updated_at = now;
    Ok(after)
}

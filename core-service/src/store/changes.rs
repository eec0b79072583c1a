//! The engine's writes under a claim: a post, its ledger and its event in one transaction.
//!
//! Guaranteed: a write whose fence is not the newest, or whose claim was taken away, is refused as [`Error::Fenced`] and
//! changes nothing. A caller's move beats every release: a claim that was made before it may not put the post to sleep.
//! So does the return of the account's owner (`woken_at`).

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use super::{
    Error, Result, Store, daily_queue,
    db::{Tx, Value},
    ledger, media, platform_posts,
    posts::{self, legal},
};
use crate::{
    domain::{
        change::{Change, LedgerWrite, Release},
        event::EventKind,
        failure::{Failure, FailureClass},
        ids::Revision,
        post::{Post, Status, WaitReason},
        transition::Move,
    },
    fault::{self, FaultPoint},
    params,
    secret::KeyRing,
};

impl Store {
    /// Applies a change under a claim and answers the post after it. `seen` is the worker's copy of the post. It is the
    /// row as long as its revision stands, for under a claim only a caller's move changes the row, and each raises the
    /// revision; where it does not stand any more, only what was learned is written (see [`overtaken`]).
    // No `async fn`: thousands of posts wait for this, and none of them holds its change twice.
    pub fn apply(&self, seen: &Post, change: Change, now: DateTime<Utc>) -> BoxFuture<'static, Result<Post>> {
        let keys = self.keys();
        let seen = seen.clone();
        self.db.write(async move |tx| applied(tx, &keys, &seen, &change, now).await)
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
        before = Cow::Owned(posts::claimed(tx, seen).await?);
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
    if let Some(media_id) = change.copied.as_ref().filter(|_| before.wants_copy && !after.wants_copy) {
        media::demand(tx, after.wp_user_id, media_id.as_str()).await?;
        media::look_again(tx, after.wp_user_id, media_id.as_str(), now).await?;
    }
    if after.status != before.status {
        let reason = after.error.as_ref().map(|error| error.reason.as_str().to_owned());
        posts::status_event(tx, &before, after.status, reason, now).await?;
    } else if matches!(after.status, Status::Published | Status::Delivered)
        && (after.platform_post_id != before.platform_post_id || after.platform_post_url != before.platform_post_url)
    {
        posts::post_event(tx, EventKind::PostDetails, &after, now).await?;
    }
    if let Some(at) = after.next_step_at.filter(|_| change.release.is_some()) {
        tx.note_schedule(at);
    }
    fault::point(FaultPoint::EventWritten, after.status.as_str());
    if change.moves_the_queue(&before, &after) {
        daily_queue::wake_next(tx, after.wp_user_id, after.platform, now).await?;
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
    let wants_this_copy = before.wants_copy && before.content.video_url == seen.content.video_url;
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
        copied: change.copied.clone().filter(|_| wants_this_copy),
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
        set("all_platform_post_ids", Value::json(&after.all_platform_post_ids)?);
    }
    if after.error != before.error {
        set("error", after.error.as_ref().map_or(Ok(Value::Json(None)), Value::json)?);
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
    if after.abandoned_claims != before.abandoned_claims {
        set("crash_count", after.abandoned_claims.into());
    }
    if after.handed_over_at != before.handed_over_at {
        set("handed_over_at", after.handed_over_at.into());
    }
    if after.media_facts != before.media_facts {
        set("media_facts", after.media_facts.as_ref().into());
    }
    if after.wants_copy != before.wants_copy {
        set("wants_copy", after.wants_copy.into());
        set("media_id", after.content.media_id.as_str().into());
    }
    if after.look_since != before.look_since {
        set("look_since", after.look_since.into());
    }
    if after.warnings != before.warnings {
        set("warnings", Value::json(&after.warnings)?);
    }
    if after.waiting_for != before.waiting_for {
        set("waiting_for", after.waiting_for.map(|reason| reason.as_str()).into());
    }
    if let Some(slot) = change.slot() {
        set("slot_at", slot.into());
    }
    if let Some(queued) = change.queued() {
        set("in_daily_queue", queued.into());
    }
    if change.release.is_some() {
        // Until then it is the end of the claim, which renewals move.
        set("next_step_at", after.next_step_at.into());
        set("claim_token", Value::Text(None));
        set("claim_expires_at", Value::Time(None));
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
    if let Some(media_id) = &change.copied {
        after.content.media_id = media_id.to_string();
        after.wants_copy = false;
    }
    if let Some(warning) = &change.warning
        && !after.warnings.contains(warning)
    {
        after.warnings.push(warning.clone());
    }
    // Who has taken a place stands in no line for one.
    if matches!(change.slot(), Some(Some(_))) {
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
        after.abandoned_claims = 0;
    }
    // A poll that found nothing new is not a change that a caller could have missed.
    if after.status != before.status
        || after.error != before.error
        || after.platform_post_id != before.platform_post_id
        || after.content.media_id != before.content.media_id
        || change.retry
    {
        after.revision = Revision(before.revision.0 + 1);
    }
    after.updated_at = now;
    Ok(after)
}

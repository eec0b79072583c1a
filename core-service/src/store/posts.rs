//! Posts as rows: reading, and what every move of a post shares. They are made in `creating`; the callers' moves are in
//! `moves`, the engine's in `changes`.
//!
//! Guaranteed: pages stay stable while posts are added.

use chrono::{DateTime, Utc};
use tracing::warn;

use super::{
    Error, Result, Store, analytics,
    db::{Row, Tx, Value, in_list},
    events, media,
    search::Sought,
};
use crate::{
    domain::{
        event::{EventKind, NewEvent},
        failure::{Failure, FailureClass, Reason, describe},
        ids::{AccountId, Fence, PostId, Revision, UserId},
        media::StoredFacts,
        platform::Platform,
        post::{Content, Post, SchedulerKind, Status, Unread},
        search,
        transition::{self, Move},
    },
    params,
};

/// What became of a compare-and-set.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, consumed at once")]
pub enum CasResult<T> {
    /// Done.
    Done(T),
    /// No such post of this user.
    Gone,
    /// The post is not, or no longer, in a state that allows it; this is how it is now.
    Refused(Post),
}

/// The columns of a [`Post`], by name: a later release may add others while this one runs.
macro_rules! post_columns {
    () => {
        "id, wp_user_id, social_account_id, platform, status, scheduled_at, due_at, published_at, platform_post_id, \
         platform_post_url, all_platform_post_ids, video_job_id, video_url, media_id, thumbnail_url, caption, hashtags, \
         mentions, full_caption, location, privacy_level, allow_comments, allow_duet, allow_stitch, metadata, options, \
         error, retry_count, automatic_retries, last_retry_at, request_key, request_key_derived, scheduler, \
         late_policy_seconds, warnings, attempt, handed_over_at, waiting_for, next_step_at, poll_count, read_failures, \
         handover_failures, crash_count, status_since, media_facts, look_since, wants_copy, fence, revision, created_at, \
         updated_at, list_at, \
         set_aside"
    };
}
pub(super) use post_columns;

/// Columns of a page query, written once.
const PAGE: &str = concat!("SELECT ", post_columns!(), " FROM aurareels_social_posts");
const BY_ID: &str = concat!("SELECT ", post_columns!(), " FROM aurareels_social_posts WHERE id = ?");
const CLAIMED: &str = concat!(
    "SELECT ",
    post_columns!(),
    " FROM aurareels_social_posts WHERE id = ? AND fence = ? AND claim_token IS NOT NULL"
);
const SCHEDULED_ON_ACCOUNT: &str = concat!(
    "SELECT ",
    post_columns!(),
    " FROM aurareels_social_posts WHERE social_account_id = ? AND status = 'scheduled'"
);

/// Posts named in one statement.
const IDS: usize = 256;

/// A post to work on. [`Error::Unreadable`] where this release cannot read the row.
pub(super) fn post(row: &Row) -> Result<Post> {
    let name = || row.int("id").map_or_else(|_| "a post".to_owned(), |id| format!("post {id}"));
    read(row).map_err(|error| error.of_row(name))
}

/// A post to be shown: also one that was quarantined, with what can be read of it.
fn shown(row: &Row) -> Result<Post> {
    let read = read(row);
    let why = match &read {
        Err(Error::Corrupt(why)) => Some(why.clone()),
        Err(_) => None,
        Ok(_) => row.opt_text("set_aside")?,
    };
    let Some(why) = why else { return read };
    let mut post = match read {
        Ok(post) => post,
        Err(_) => legible(row)?,
    };
    let why = format!("this release of the core cannot read the post: {why}");
    let failure = Failure::new(FailureClass::Permanent, Reason::RowUnreadable, &why).with_remedy(
        "nothing is sent for it; start a core of the release that wrote it, or have the operator mend the row and start the \
         core again",
    );
    post.error = Some(failure);
    let (status, platform) = (row.word::<Status>("status").is_err(), row.word::<Platform>("platform").is_err());
    post.unread = Some(Unread { why, status, platform });
    Ok(post)
}

/// What can be read of a row; whose it is must be among it.
fn legible(row: &Row) -> Result<Post> {
    let text = |column: &str| row.text(column).unwrap_or_default();
    let created_at = row.time("created_at").unwrap_or(DateTime::UNIX_EPOCH);
    Ok(Post {
        id: PostId(row.int("id")?),
        wp_user_id: UserId(row.int("wp_user_id")?),
        social_account_id: AccountId(row.int("social_account_id")?),
        // Not shown where it cannot be read.
        platform: row.word("platform").unwrap_or(Platform::ALL[0]),
        status: row.word("status").unwrap_or(Status::NeedsReview),
        scheduled_at: row.opt_time("scheduled_at").unwrap_or_default(),
        due_at: row.opt_time("due_at").unwrap_or_default(),
        published_at: row.opt_time("published_at").unwrap_or_default(),
        platform_post_id: row.opt_text("platform_post_id").unwrap_or_default(),
        platform_post_url: row.opt_text("platform_post_url").unwrap_or_default(),
        all_platform_post_ids: row.json("all_platform_post_ids").unwrap_or_default(),
        content: Content {
            video_job_id: text("video_job_id"),
            video_url: text("video_url"),
            media_id: text("media_id"),
            thumbnail_url: row.opt_text("thumbnail_url").unwrap_or_default(),
            caption: text("caption"),
            hashtags: row.json("hashtags").unwrap_or_default(),
            mentions: row.json("mentions").unwrap_or_default(),
            full_caption: text("full_caption"),
            location: row.opt_text("location").unwrap_or_default(),
            privacy_level: text("privacy_level"),
            allow_comments: row.opt_flag("allow_comments").unwrap_or_default(),
            allow_duet: row.opt_flag("allow_duet").unwrap_or_default(),
            allow_stitch: row.opt_flag("allow_stitch").unwrap_or_default(),
            metadata: row.opt_json("metadata").unwrap_or_default().unwrap_or_default(),
            options: row.json("options").unwrap_or_default(),
        },
        error: None,
        retry_count: row.small("retry_count").unwrap_or_default(),
        automatic_retries: row.small("automatic_retries").unwrap_or_default(),
        last_retry_at: row.opt_time("last_retry_at").unwrap_or_default(),
        request_key: row.opt_text("request_key").unwrap_or_default(),
        request_key_derived: row.flag("request_key_derived").unwrap_or_default(),
        scheduler: row.word("scheduler").unwrap_or(SchedulerKind::Core),
        late_policy_seconds: row.int("late_policy_seconds").unwrap_or_default(),
        warnings: row.json("warnings").unwrap_or_default(),
        attempt: row.small("attempt").unwrap_or_default(),
        handed_over_at: row.opt_time("handed_over_at").unwrap_or_default(),
        waiting_for: None,
        next_step_at: None,
        poll_count: row.small("poll_count").unwrap_or_default(),
        read_failures: row.small("read_failures").unwrap_or_default(),
        handover_failures: row.small("handover_failures").unwrap_or_default(),
        abandoned_claims: row.small("crash_count").unwrap_or_default(),
        status_since: row.time("status_since").unwrap_or(created_at),
        media_facts: facts(row).unwrap_or_default(),
        look_since: row.opt_time("look_since").unwrap_or_default(),
        wants_copy: row.flag("wants_copy").unwrap_or_default(),
        fence: Fence(row.int("fence").unwrap_or_default()),
        revision: Revision(row.int("revision").unwrap_or_default()),
        created_at,
        updated_at: row.time("updated_at").unwrap_or(created_at),
        unread: None,
    })
}

/// What the media check found, as it is stored.
fn facts(row: &Row) -> Result<Option<StoredFacts>> {
    let stored = row.opt_str("media_facts")?.map(StoredFacts::from_json).transpose();
    stored.map_err(|error| Error::Corrupt(format!("media_facts: {error}")))
}

fn read(row: &Row) -> Result<Post> {
    let text = |column: &str| row.text(column);
    Ok(Post {
        id: PostId(row.int("id")?),
        wp_user_id: UserId(row.int("wp_user_id")?),
        social_account_id: AccountId(row.int("social_account_id")?),
        platform: row.word("platform")?,
        status: row.word("status")?,
        scheduled_at: row.opt_time("scheduled_at")?,
        due_at: row.opt_time("due_at")?,
        published_at: row.opt_time("published_at")?,
        platform_post_id: row.opt_text("platform_post_id")?,
        platform_post_url: row.opt_text("platform_post_url")?,
        all_platform_post_ids: row.json("all_platform_post_ids")?,
        content: Content {
            video_job_id: text("video_job_id")?,
            video_url: text("video_url")?,
            media_id: text("media_id")?,
            thumbnail_url: row.opt_text("thumbnail_url")?,
            caption: text("caption")?,
            hashtags: row.json("hashtags")?,
            mentions: row.json("mentions")?,
            full_caption: text("full_caption")?,
            location: row.opt_text("location")?,
            privacy_level: text("privacy_level")?,
            allow_comments: row.opt_flag("allow_comments")?,
            allow_duet: row.opt_flag("allow_duet")?,
            allow_stitch: row.opt_flag("allow_stitch")?,
            metadata: row.opt_json("metadata")?.unwrap_or_default(),
            options: row.json("options")?,
        },
        error: row.opt_json("error")?,
        retry_count: row.small("retry_count")?,
        automatic_retries: row.small("automatic_retries")?,
        last_retry_at: row.opt_time("last_retry_at")?,
        request_key: row.opt_text("request_key")?,
        request_key_derived: row.flag("request_key_derived")?,
        scheduler: row.word("scheduler")?,
        late_policy_seconds: row.int("late_policy_seconds")?,
        warnings: row.json("warnings")?,
        attempt: row.small("attempt")?,
        handed_over_at: row.opt_time("handed_over_at")?,
        waiting_for: row.opt_word("waiting_for")?,
        next_step_at: row.opt_time("next_step_at")?,
        poll_count: row.small("poll_count")?,
        read_failures: row.small("read_failures")?,
        handover_failures: row.small("handover_failures")?,
        abandoned_claims: row.small("crash_count")?,
        status_since: row.time("status_since")?,
        media_facts: facts(row)?,
        look_since: row.opt_time("look_since")?,
        wants_copy: row.flag("wants_copy")?,
        fence: Fence(row.int("fence")?),
        revision: Revision(row.int("revision")?),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        unread: None,
    })
}

pub(super) async fn by_id(tx: &mut Tx, id: PostId) -> Result<Option<Post>> {
    let row = tx.fetch_optional(BY_ID, &params![id]).await?;
    row.as_ref().map(post).transpose()
}

/// The post as it is now, while the claim under which it was seen stands.
pub(super) async fn claimed(tx: &mut Tx, seen: &Post) -> Result<Post> {
    let row = tx.fetch_optional(CLAIMED, &params![seen.id, seen.fence]).await?;
    row.as_ref().map(post).transpose()?.ok_or(Error::Fenced(seen.id))
}

pub(super) async fn of_user(tx: &mut Tx, user: UserId, id: PostId) -> Result<Option<Post>> {
    Ok(by_id(tx, id).await?.filter(|post| post.wp_user_id == user))
}

/// The event of a post's change of status, and what follows from it for the post's upload and its numbers.
pub(super) async fn status_event(
    tx: &mut Tx,
    post: &Post,
    to: Status,
    reason: Option<String>,
    now: DateTime<Utc>,
) -> Result<()> {
    media::look_again(tx, post.wp_user_id, &post.content.media_id, now).await?;
    analytics::follow(tx, post, to, now).await?;
    let event = NewEvent {
        wp_user_id: post.wp_user_id,
        kind: EventKind::PostStatusChanged,
        post_id: Some(post.id),
        account_id: Some(post.social_account_id),
        webhook_id: None,
        previous_status: Some(post.status),
        status: Some(to),
        reason,
    };
    events::append(tx, &event, now).await
}

/// The event of a post's other change.
pub(super) async fn post_event(tx: &mut Tx, kind: EventKind, post: &Post, now: DateTime<Utc>) -> Result<()> {
    events::append(tx, &event_of(kind, post), now).await
}

/// What there is to tell of a post whose status stays.
pub(super) fn event_of(kind: EventKind, post: &Post) -> NewEvent {
    NewEvent {
        wp_user_id: post.wp_user_id,
        kind,
        post_id: Some(post.id),
        account_id: Some(post.social_account_id),
        webhook_id: None,
        previous_status: None,
        status: Some(post.status),
        reason: None,
    }
}

/// Fails the scheduled posts of an account that is gone, with their events. Answers how many.
pub(super) async fn fail_waiting_of_account(
    tx: &mut Tx,
    account: AccountId,
    failure: &Failure,
    now: DateTime<Utc>,
) -> Result<i32> {
    let rows = tx.fetch_all(SCHEDULED_ON_ACCOUNT, &params![account]).await?;
    let mut failed = 0;
    for row in &rows {
        // One that cannot be read is not published either: it is quarantined when it comes due.
        let Ok(post) = post(row) else { continue };
        let to = legal(&post, Move::Missed)?;
        fail(tx, &post, to, failure, now).await?;
        failed += 1;
    }
    Ok(failed)
}

/// Lets the posts that wait for an account's owner go on. A post that is claimed at this moment may be about to begin
/// such a wait, or to fail, by what its worker saw before: it is marked, and its release honours the mark (`changes`).
pub(super) async fn wake_account(tx: &mut Tx, account: AccountId, now: DateTime<Utc>) -> Result<()> {
    tx.execute(
        "UPDATE aurareels_social_posts SET woken_at = ? WHERE social_account_id = ? AND claim_token IS NOT NULL",
        &params![now, account],
    )
    .await?;
    let woken = tx
        .execute(
            "UPDATE aurareels_social_posts SET next_step_at = ?, updated_at = ? \
             WHERE social_account_id = ? AND waiting_for = 'reconnect' AND claim_token IS NULL",
            &params![now, now, account],
        )
        .await?;
    if woken > 0 {
        tx.note_schedule(now);
    }
    analytics::wake_account(tx, account, now).await
}

/// The status a move leads to; an illegal one is our bug and never written.
pub(super) fn legal(post: &Post, by: Move) -> Result<Status> {
    transition::next(post.status, by).map_err(|error| Error::Corrupt(format!("post {}: {error}", post.id)))
}

/// Writes a failure and its event.
pub(super) async fn fail(tx: &mut Tx, post: &Post, to: Status, failure: &Failure, now: DateTime<Utc>) -> Result<()> {
    tx.execute(
        "UPDATE aurareels_social_posts SET status = ?, status_since = ?, error = ?, error_message = ?, waiting_for = NULL, \
         next_step_at = NULL, claim_token = NULL, claim_expires_at = NULL, revision = revision + 1, updated_at = ? WHERE id = ?",
        &params![to.as_str(), now, Value::json(failure)?, &failure.message, now, post.id],
    )
    .await?;
    status_event(tx, post, to, Some(failure.reason.as_str().to_owned()), now).await
}

/// The columns that hold what is posted, as [`content_values`] gives them.
pub(super) const CONTENT: [&str; 20] = [
    "video_job_id",
    "video_url",
    "media_id",
    "thumbnail_url",
    "caption",
    "hashtags",
    "mentions",
    "full_caption",
    "location",
    "privacy_level",
    "allow_comments",
    "allow_duet",
    "allow_stitch",
    "metadata",
    "options",
    "warnings",
    "media_facts",
    "wants_copy",
    "search_text",
    "is_searchable",
];

/// What is posted, and what was found out about it.
pub(super) fn content_values(post: &Post) -> Result<[Value; CONTENT.len()]> {
    let content = &post.content;
    Ok(params![
        &content.video_job_id,
        &content.video_url,
        &content.media_id,
        content.thumbnail_url.as_deref(),
        &content.caption,
        Value::json(&content.hashtags)?,
        Value::json(&content.mentions)?,
        &content.full_caption,
        content.location.as_deref(),
        &content.privacy_level,
        content.allow_comments,
        content.allow_duet,
        content.allow_stitch,
        Some(&content.metadata).filter(|metadata| !metadata.is_null()),
        Value::json(&content.options)?,
        Value::json(&post.warnings)?,
        post.media_facts.as_ref(),
        post.wants_copy,
        search::text_of(content),
        true,
    ])
}

/// A keyset position in an order of lists: (list_at, id).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The time by which it is listed.
    pub list_at: DateTime<Utc>,
    /// The post.
    pub id: PostId,
}

/// The conditions of a list of posts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PostQuery {
    /// Only these; all when empty.
    pub statuses: Vec<Status>,
    /// Only this one.
    pub platform: Option<Platform>,
    /// Only this one.
    pub account: Option<AccountId>,
    /// From this time on.
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
    /// Only this job.
    pub video_job_id: Option<String>,
    /// Only those that hold all of these.
    pub search: Vec<Sought>,
}

/// In which order posts are listed, by (list_at, id).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    #[default]
    NewestFirst,
    /// Oldest first.
    OldestFirst,
}

impl PostQuery {
    fn conditions(&self, user: UserId) -> (String, Vec<Value>) {
        let mut sql = " WHERE wp_user_id = ?".to_owned();
        let mut values = vec![Value::from(user)];
        if !self.statuses.is_empty() {
            let marks = vec!["?"; self.statuses.len()].join(", ");
            sql.push_str(&format!(" AND status IN ({marks})"));
            values.extend(self.statuses.iter().map(|status| Value::from(status.as_str())));
        }
        let mut and = |condition: &str, value: Value| {
            sql.push_str(condition);
            values.push(value);
        };
        if let Some(platform) = self.platform {
            // Not by an index of its own: those of a platform hold the posts of all users.
            and(" AND COALESCE(platform, '') = ?", platform.as_str().into());
        }
        if let Some(account) = self.account {
            and(" AND social_account_id = ?", account.into());
        }
        if let Some(from) = self.from {
            and(" AND list_at >= ?", from.into());
        }
        if let Some(until) = self.until {
            and(" AND list_at < ?", until.into());
        }
        if let Some(job) = &self.video_job_id {
            and(" AND video_job_id <> '' AND video_job_id = ?", job.into());
        }
        for sought in &self.search {
            let (condition, looked_for) = sought.condition();
            sql.push_str(&condition);
            values.extend(looked_for);
        }
        (sql, values)
    }
}

impl Store {
    /// One post of a user, to be shown.
    pub async fn post_of_user(&self, user: UserId, id: PostId) -> Result<Option<Post>> {
        Ok(self.post(id).await?.filter(|post| post.wp_user_id == user))
    }

    /// One post, to be shown.
    pub async fn post(&self, id: PostId) -> Result<Option<Post>> {
        let row = self.db.read().await?.fetch_optional(BY_ID, &params![id]).await?;
        row.as_ref().map(shown).transpose()
    }

    /// Several posts, whoever's they are, to be shown to their owners, in no order. What is not there is missing, and so is
    /// one of which too little can be read: it holds up none of the others.
    pub async fn posts_to_show(&self, ids: &[PostId]) -> Result<Vec<Post>> {
        let mut posts = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS) {
            let (marks, values) = in_list(some);
            let rows = self.db.read().await?.fetch_all(&format!("{PAGE} WHERE id IN ({marks})"), &values).await?;
            for post in rows.iter().map(shown) {
                match post {
                    Ok(post) => posts.push(post),
                    Err(error) if error.is_about_data() => warn!(error = %describe(&error), "a post is left out"),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(posts)
    }

    /// A page of a user's posts, after a position of the same order.
    pub async fn list_posts(
        &self,
        user: UserId,
        query: &PostQuery,
        order: Order,
        after: Option<Position>,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<(Position, Post)>> {
        let (mut sql, mut values) = query.conditions(user);
        // This form is a range on every database; the others are slow on one of them (docs/decisions.md).
        let (beyond, ordered) = match order {
            Order::NewestFirst => (" AND list_at <= ? AND (list_at < ? OR id < ?)", " ORDER BY list_at DESC, id DESC"),
            Order::OldestFirst => (" AND list_at >= ? AND (list_at > ? OR id > ?)", " ORDER BY list_at, id"),
        };
        if let Some(after) = after {
            sql.push_str(beyond);
            values.extend(params![after.list_at, after.list_at, after.id]);
        }
        sql.push_str(ordered);
        sql.push_str(" LIMIT ? OFFSET ?");
        values.extend(params![i64::from(limit), i64::from(skip)]);
        let rows = self.db.read().await?.fetch_all(&format!("{PAGE}{sql}"), &values).await?;
        rows.iter()
            .map(|row| {
                let post = shown(row)?;
                Ok((Position { list_at: row.time("list_at")?, id: post.id }, post))
            })
            .collect()
    }

    /// How many of a user's posts fit.
    pub async fn count_posts(&self, user: UserId, query: &PostQuery) -> Result<i64> {
        let (sql, values) = query.conditions(user);
        let sql = format!("SELECT COUNT(*) AS total FROM aurareels_social_posts{sql}");
        let row = self.db.read().await?.fetch_optional(&sql, &values).await?;
        row.map_or(Ok(0), |row| row.int("total"))
    }

    /// How many posts have each status, over all users.
    pub async fn posts_by_status(&self) -> Result<Vec<(Status, i64)>> {
        let mut counts = Vec::new();
        let mut reader = self.db.read().await?;
        for status in Status::ALL {
            let row = reader
                .fetch_optional(
                    "SELECT COUNT(*) AS total FROM aurareels_social_posts WHERE status = ?",
                    &params![status.as_str()],
                )
                .await?;
            counts.push((status, row.map_or(Ok(0), |row| row.int("total"))?));
        }
        Ok(counts)
    }
}

pub(super) async fn reread(tx: &mut Tx, id: PostId) -> Result<Post> {
    by_id(tx, id).await?.ok_or_else(|| Error::Corrupt(format!("post {id} is gone within its own transaction")))
}

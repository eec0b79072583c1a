//! What is removed because it is old: posts at rest with everything that hangs on them, and the steps of posts that keep
//! their row. Old events go in `events`.
//!
//! Guaranteed:
//! - Only what is at rest goes: published, failed or cancelled since before the given time, wanted by nobody, held by nobody.
//!   Never what waits for a person, may be visible unbeknown, is quarantined, or is to be looked up after a restore.
//! - What protects stays: the platforms' ids that were the post's cannot become another post's, and a request key that is to
//!   make one post makes no second one.
//! - Steps of a published post go only where the platform itself, or a person, said which post it is: a match may turn out to be
//!   another post's, and is then looked for anew by what the steps say.
//! - A write removes [`BATCH`] posts at most.

use chrono::{DateTime, Utc};

use super::{
    Result, Store,
    db::{Tx, in_list},
    events, media,
};
use crate::{
    domain::{
        binding::BoundBy,
        event::{EventKind, NewEvent},
        ids::{AccountId, PostId, UserId},
        post::Post,
        request_key::RequestKeys,
    },
    params,
};

/// Posts that are looked at and removed at once.
const BATCH: i64 = 100;

/// At rest since before a time.
macro_rules! at_rest {
    ($statuses:literal) => {
        concat!(
            "p.status IN (",
            $statuses,
            ") AND p.status_since < ? AND p.next_step_at IS NULL AND p.claim_token IS NULL AND p.look_since IS NULL \
             AND p.set_aside IS NULL"
        )
    };
}

// Ids rise with the time at which posts are made, so a walk ends at the first one that is too young.
const POSTS: &str = concat!(
    "SELECT p.id AS id, p.created_at AS created_at, CASE WHEN ",
    at_rest!("'published', 'failed', 'cancelled'"),
    " THEN 1 ELSE 0 END AS is_old FROM aurareels_social_posts p WHERE p.id > ? ORDER BY p.id LIMIT ?"
);

const STILL_OLD: &str = concat!(
    "SELECT p.id AS id, p.wp_user_id AS wp_user_id, p.social_account_id AS social_account_id, p.media_id AS media_id \
     FROM aurareels_social_posts p WHERE p.id = ? AND ",
    at_rest!("'published', 'failed', 'cancelled'")
);

// By the first step of each: posts whose steps are gone are not read again.
const STEPS: &str = concat!(
    "SELECT p.id AS id, p.created_at AS created_at, CASE WHEN ",
    at_rest!("'published', 'cancelled'"),
    " AND NOT EXISTS (SELECT 1 FROM aurareels_platform_posts b WHERE b.post_id = p.id AND b.bound_by = 'match') \
     THEN 1 ELSE 0 END AS is_old FROM aurareels_post_steps s JOIN aurareels_social_posts p ON p.id = s.post_id \
     WHERE s.post_id > ? AND s.number = 1 ORDER BY s.post_id LIMIT ?"
);

const KEEP_KEYS: &str = "INSERT INTO aurareels_removed_posts (post_id, wp_user_id, social_account_id, status, request_key, removed_at) \
     SELECT id, wp_user_id, social_account_id, status, request_key, ? FROM aurareels_social_posts \
     WHERE id = ? AND request_key IS NOT NULL";

const KEEP_IDS: &str = "INSERT INTO aurareels_removed_platform_posts (platform, account_id, platform_post_id, post_id, wp_user_id, \
     bound_by, bound_at) SELECT b.platform, b.account_id, b.platform_post_id, b.post_id, p.wp_user_id, b.bound_by, b.bound_at \
     FROM aurareels_platform_posts b JOIN aurareels_social_posts p ON p.id = b.post_id WHERE b.post_id = ?";

/// How far a walk over old posts has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Posts from which something was removed.
    pub removed: u64,
    /// The last post that was looked at; `None` when there are no more.
    pub through: Option<PostId>,
}

impl Store {
    /// Removes some of the posts that are at rest since before a time, those with higher ids than `after`.
    pub async fn remove_old_posts(&self, after: PostId, before: DateTime<Utc>, now: DateTime<Utc>) -> Result<Walked> {
        let (posts, through) = self.walk(POSTS, after, before).await?;
        if posts.is_empty() {
            return Ok(Walked { removed: 0, through });
        }
        let removed = self.db.write(async move |tx| {
            let mut events = Vec::new();
            for id in &posts {
                events.extend(remove(tx, *id, before, now).await?);
            }
            let told: Vec<_> = events.iter().map(|event| (event, now)).collect();
            if !told.is_empty() {
                events::append_all(tx, &told).await?;
            }
            Ok(told.len() as u64)
        });
        Ok(Walked { removed: removed.await?, through })
    }

    /// Removes the steps of some of the posts that are at rest since before a time, those with higher ids than `after`.
    pub async fn remove_old_steps(&self, after: PostId, before: DateTime<Utc>) -> Result<Walked> {
        let (posts, through) = self.walk(STEPS, after, before).await?;
        if posts.is_empty() {
            return Ok(Walked { removed: 0, through });
        }
        let removed = posts.len() as u64;
        let (marks, values) = in_list(&posts);
        let delete = format!("DELETE FROM aurareels_post_steps WHERE post_id IN ({marks})");
        // Nothing that can happen to a published or cancelled post between the two reads its steps, or makes new ones.
        self.db.write(async move |tx| tx.execute(&delete, &values).await.map(drop)).await?;
        Ok(Walked { removed, through })
    }

    /// The old ones among the next posts, and the last post that was looked at, unless there are no more.
    async fn walk(&self, sql: &str, after: PostId, before: DateTime<Utc>) -> Result<(Vec<PostId>, Option<PostId>)> {
        let rows = self.db.read().await?.fetch_all(sql, &params![before, after, BATCH]).await?;
        let (mut old, mut through) = (Vec::new(), None);
        for row in &rows {
            if row.time("created_at").is_ok_and(|at| at >= before) {
                return Ok((old, None));
            }
            let id = PostId(row.int("id")?);
            through = Some(id);
            if row.flag("is_old")? {
                old.push(id);
            }
        }
        Ok((old, through.filter(|_| rows.len() as i64 == BATCH)))
    }
}

/// Removes one post, unless it was woken meanwhile. Answers its event.
async fn remove(tx: &mut Tx, id: PostId, before: DateTime<Utc>, now: DateTime<Utc>) -> Result<Option<NewEvent>> {
    let Some(row) = tx.fetch_optional(STILL_OLD, &params![id, before]).await? else { return Ok(None) };
    let user = UserId(row.int("wp_user_id")?);
    let account = AccountId(row.int("social_account_id")?);
    tx.execute(KEEP_KEYS, &params![now, id]).await?;
    tx.execute(KEEP_IDS, &params![id]).await?;
    tx.execute("DELETE FROM aurareels_social_posts WHERE id = ?", &params![id]).await?;
    media::look_again(tx, user, &row.text("media_id")?, now).await?;
    Ok(Some(NewEvent {
        wp_user_id: user,
        kind: EventKind::PostDeleted,
        post_id: Some(id),
        account_id: Some(account),
        webhook_id: None,
        previous_status: None,
        status: None,
        reason: None,
    }))
}

/// The removed post that a request key has made, where it counts for as long as its post would be there.
pub(super) async fn made_by(tx: &mut Tx, account: AccountId, keys: &RequestKeys) -> Result<Option<PostId>> {
    let Some(key) = keys.key.as_deref().filter(|_| keys.valid_since.is_none()) else { return Ok(None) };
    let row = tx
        .fetch_optional(
            "SELECT post_id FROM aurareels_removed_posts WHERE social_account_id = ? AND request_key = ? \
             ORDER BY post_id DESC LIMIT 1",
            &params![account, key],
        )
        .await?;
    row.map(|row| row.int("post_id").map(PostId)).transpose()
}

/// The removed post that holds a platform's id.
pub(super) struct Holder {
    pub(super) post: PostId,
    pub(super) user: UserId,
    pub(super) by: BoundBy,
}

/// Who of the removed posts holds a platform's id of a post's account.
pub(super) async fn holder(tx: &mut Tx, post: &Post, platform_post_id: &str) -> Result<Option<Holder>> {
    let row = tx
        .fetch_optional(
            "SELECT r.post_id AS post_id, r.wp_user_id AS wp_user_id, r.bound_by AS bound_by FROM aurareels_social_accounts a \
             JOIN aurareels_removed_platform_posts r ON r.platform = a.platform AND r.account_id = a.account_id \
             AND r.platform_post_id = ? WHERE a.id = ?",
            &params![platform_post_id, post.social_account_id],
        )
        .await?;
    row.map(|row| {
        Ok(Holder {
            post: PostId(row.int("post_id")?),
            user: UserId(row.int("wp_user_id")?),
            by: row.word("bound_by")?,
        })
    })
    .transpose()
}

/// Takes a removed post the platform's id that a match had given it.
pub(super) async fn unbind(tx: &mut Tx, post: &Post, platform_post_id: &str) -> Result<()> {
    let account = "SELECT account_id FROM aurareels_social_accounts WHERE id = ?";
    let Some(row) = tx.fetch_optional(account, &params![post.social_account_id]).await? else { return Ok(()) };
    tx.execute(
        "DELETE FROM aurareels_removed_platform_posts WHERE platform = ? AND account_id = ? AND platform_post_id = ?",
        &params![post.platform.as_str(), row.text("account_id")?, platform_post_id],
    )
    .await
    .map(drop)
}

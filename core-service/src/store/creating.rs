//! Creating posts.
//!
//! Guaranteed: all posts of a request are created in one transaction, each with its event, or none; a request key is held
//! by one post of an account; what one request does wrong costs no other one. The posts of a request share their
//! statements, however many accounts it names.

use chrono::{DateTime, Utc};

use super::{
    Result, Store,
    db::{Row, Tx, Value},
    events, media,
    posts::{CONTENT, content_values, event_of, post},
};
use crate::{
    domain::{
        event::{EventKind, NewEvent},
        ids::{Fence, PostId, Revision},
        post::Post,
    },
    params,
};

/// Most posts in one statement. A power of two: statements are kept prepared, one per power.
const GROUP: usize = 64;

/// A post to be created.
#[derive(Clone, Debug)]
pub struct NewPost {
    /// The post as it will be; `id`, `fence` and `revision` are given by the store.
    pub post: Post,
    /// A short hash per field of the request, to name a field that differs (JSON).
    pub fingerprint: String,
    /// A post with the same key that was created before this instant does not count: its key is freed.
    pub key_valid_since: Option<DateTime<Utc>>,
    /// What is posted, as a key: two posts with the same one say the same. `None` for drafts.
    pub content_key: Option<String>,
    /// Refuse it when a post with the same content key was created since then and is live or on its way.
    pub refuse_duplicates_since: Option<DateTime<Utc>>,
}

/// What became of a post to be created.
#[derive(Clone, Debug, PartialEq)]
pub enum Inserted {
    /// Created.
    New(Post),
    /// A post with this key is there already; `fingerprint` is that of its request.
    Existing {
        /// The post as it is now.
        post: Post,
        /// The fingerprint of the request that made it.
        fingerprint: String,
    },
    /// Nothing was created, here and for the whole request: this post says the same under another key.
    Duplicate(Post),
}

impl Store {
    /// Creates all posts of a request in one transaction, in order, or finds the ones that are there. When one is there
    /// already, the others are created all the same: a request that was cut off half way cannot be, and a request that
    /// names a further account adds that one.
    pub async fn insert_posts(&self, posts: Vec<NewPost>) -> Result<Vec<Inserted>> {
        self.db.write(async move |tx| create(tx, &posts).await).await
    }
}

async fn create(tx: &mut Tx, request: &[NewPost]) -> Result<Vec<Inserted>> {
    // What refuses a request is looked for before its first row: a refusal leaves nothing behind.
    let held = held_by(tx, request).await?;
    if let Some(refusal) = refusal(tx, request, &held).await? {
        return Ok(vec![refusal]);
    }
    let wanted: Vec<&NewPost> =
        request.iter().zip(&held).filter(|(_, held)| held.is_none()).map(|(new, _)| new).collect();
    let mut created = insert(tx, &wanted).await?.into_iter().map(Inserted::New);
    Ok(held.into_iter().filter_map(|held| held.or_else(|| created.next())).collect())
}

/// The post because of which nothing of a request is created. An upload that is gone is an error.
async fn refusal(tx: &mut Tx, request: &[NewPost], held: &[Option<Inserted>]) -> Result<Option<Inserted>> {
    for (new, held) in request.iter().zip(held) {
        match held {
            Some(found @ Inserted::Duplicate(_)) => return Ok(Some(found.clone())),
            Some(found @ Inserted::Existing { fingerprint, .. }) if *fingerprint != new.fingerprint => {
                return Ok(Some(found.clone()));
            }
            Some(Inserted::Existing { .. } | Inserted::New(_)) => {}
            None => media::demand(tx, new.post.wp_user_id, &new.post.content).await?,
        }
    }
    Ok(None)
}

/// Per new post the one that stands in its way: it holds the same key, or says the same under another one. A key whose
/// time is over is freed.
async fn held_by(tx: &mut Tx, all: &[NewPost]) -> Result<Vec<Option<Inserted>>> {
    let mut held: Vec<Option<Inserted>> = all.iter().map(|_| None).collect();
    for (first, group) in (0..).step_by(GROUP).zip(all.chunks(GROUP)) {
        for row in in_the_way(tx, group).await? {
            // The list is filled up with its last post.
            let number = (row.small("number")?.unsigned_abs() as usize).min(group.len() - 1);
            let (new, held) = (&group[number], &mut held[first + number]);
            let found = post(&row)?;
            if !row.flag("holds_key")? {
                held.get_or_insert(Inserted::Duplicate(found));
            } else if new.key_valid_since.is_none_or(|since| found.created_at >= since) {
                let fingerprint = row.opt_text("request_fingerprint")?.unwrap_or_default();
                *held = Some(Inserted::Existing { post: found, fingerprint });
            } else {
                tx.execute("UPDATE aurareels_social_posts SET request_key = NULL WHERE id = ?", &params![found.id])
                    .await?;
            }
        }
    }
    Ok(held)
}

/// The rows that stand in the way of some posts, with the number of the post in their list.
async fn in_the_way(tx: &mut Tx, group: &[NewPost]) -> Result<Vec<Row>> {
    let length = group.len().next_power_of_two();
    // One statement: it runs for every post that is made, and mostly finds nothing.
    let parts: Vec<String> = (0..length)
        .map(|number| {
            format!(
                "SELECT {number} AS number, 1 AS holds_key, p.* FROM aurareels_social_posts p \
                 WHERE p.social_account_id = ? AND p.request_key = ? \
                 UNION ALL SELECT * FROM (SELECT {number} AS number, 0 AS holds_key, p.* FROM aurareels_social_posts p \
                 WHERE p.social_account_id = ? AND p.content_key = ? AND p.created_at >= ? AND p.status IN \
                 ('scheduled', 'publishing', 'confirming', 'published', 'needs_review', 'delivered') LIMIT 1) twin"
            )
        })
        .collect();
    let values: Vec<Value> = group
        .iter()
        .chain(std::iter::repeat(group.last()).flatten())
        .take(length)
        .flat_map(|new| {
            let wanted = &new.post;
            let content_key = new.content_key.as_deref().filter(|_| new.refuse_duplicates_since.is_some());
            params![
                wanted.social_account_id,
                wanted.request_key.as_deref(),
                wanted.social_account_id,
                content_key,
                new.refuse_duplicates_since,
            ]
        })
        .collect();
    tx.fetch_all(&parts.join(" UNION ALL "), &values).await
}

/// Writes rows and their events, in order.
async fn insert(tx: &mut Tx, all: &[&NewPost]) -> Result<Vec<Post>> {
    let mut created = Vec::with_capacity(all.len());
    let mut left = all;
    while !left.is_empty() {
        let largest = if left.len() >= GROUP { GROUP } else { 1 << left.len().ilog2() };
        let (group, rest) = left.split_at(largest);
        created.extend(insert_group(tx, group).await?);
        left = rest;
    }
    Ok(created)
}

async fn insert_group(tx: &mut Tx, group: &[&NewPost]) -> Result<Vec<Post>> {
    let mut values = Vec::new();
    for NewPost { post, fingerprint, content_key, .. } in group {
        values.extend(content_values(post)?);
        values.extend(params![
            post.wp_user_id,
            post.social_account_id,
            post.platform.as_str(),
            post.status.as_str(),
            post.scheduled_at,
            post.scheduled_at.unwrap_or(post.created_at),
            post.request_key.as_deref(),
            post.request_key_derived,
            fingerprint,
            content_key.as_deref(),
            post.scheduler.as_str(),
            post.late_policy_seconds,
            post.waiting_for.map(|reason| reason.as_str()),
            post.next_step_at,
            post.created_at,
            post.created_at,
            post.created_at,
        ]);
    }
    let row = format!("({})", vec!["?"; values.len() / group.len()].join(", "));
    let sql = format!(
        "INSERT INTO aurareels_social_posts ({}, wp_user_id, social_account_id, platform, status, scheduled_at, list_at, \
         request_key, request_key_derived, request_fingerprint, content_key, scheduler, late_policy_seconds, waiting_for, \
         next_step_at, status_since, created_at, updated_at) VALUES {} RETURNING id",
        CONTENT.join(", "),
        vec![row; group.len()].join(", ")
    );
    let rows = tx.fetch_all(&sql, &values).await?;
    let mut ids = rows.iter().map(|row| row.int("id").map(PostId)).collect::<Result<Vec<_>>>()?;
    // Ids rise in the order of the rows; the order in which they are told is nowhere promised.
    ids.sort_unstable();
    let created: Vec<Post> = group
        .iter()
        .zip(ids)
        .map(|(new, id)| Post { id, fence: Fence(0), revision: Revision(1), ..new.post.clone() })
        .collect();
    if let Some(first) = created.iter().filter_map(|post| post.next_step_at).min() {
        tx.note_schedule(first);
    }
    let events: Vec<NewEvent> = created.iter().map(|post| event_of(EventKind::PostCreated, post)).collect();
    let events: Vec<_> = events.iter().zip(&created).map(|(event, post)| (event, post.created_at)).collect();
    events::append_all(tx, &events).await?;
    Ok(created)
}

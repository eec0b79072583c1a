//! Creating posts.
//!
//! Guaranteed: all posts of a request are created in one transaction, each with its event, or none; a request key is held
//! by one post of an account; what one request does wrong costs no other one. The posts of a request share their
//! statements, however many accounts it names; on a server also those of requests that wait together ([`super::gathering`]).

use super::{
    Error, Result, Store,
    db::{PerLength, Tx},
    events, media,
    posts::{CONTENT, content_values, event_of},
    request_keys::{Candidate, GROUP, candidates, known},
    retention, wall_times,
};
use crate::{
    domain::{
        event::{EventKind, NewEvent},
        ids::{AccountId, Fence, PostId, Revision},
        post::Post,
        request_key::{Relation, RequestKeys},
        schedule::WallTime,
    },
    params,
};

/// A post to be created.
#[derive(Clone, Debug)]
pub struct NewPost {
    /// The post as it will be; `id`, `fence` and `revision` are given by the store.
    pub post: Post,
    /// The keys of the request that makes it.
    pub keys: RequestKeys,
    /// The wall time that its `scheduled_at` is.
    pub wall: Option<WallTime>,
}

/// What became of a post to be created.
#[derive(Clone, Debug, PartialEq)]
pub enum Inserted {
    /// Created.
    New(Post),
    /// The post of this request is there already, as it is now.
    Existing(Post),
    /// Nothing was created, here and for the whole request: this post has the same key and differs in these fields.
    Reused(Post, Vec<String>),
    /// Nothing was created, here and for the whole request: this post was made by the same link with another video.
    OtherVideo(Post),
    /// Nothing was created, here and for the whole request: this post says the same under another key.
    Duplicate(Post),
    /// Nothing was created, here and for the whole request: its post was there, and retention has removed it.
    Removed(PostId),
}

impl Store {
    /// Creates all posts of a request in one transaction, in order, or finds the ones that are there. When one is there
    /// already, the others are created all the same: a request that was cut off half way cannot be, and a request that
    /// names a further account adds that one.
    pub async fn insert_posts(&self, posts: Vec<NewPost>) -> Result<Vec<Inserted>> {
        if self.db.is_on_server() {
            return self.gathering.insert(&self.db, posts).await;
        }
        let request = [posts];
        let alone = async move |tx: &mut Tx| create(tx, &request).await?.pop().unwrap_or(Ok(Vec::new()));
        self.db.write_first(alone).await
    }
}

/// Creates the posts of requests that have nothing to do with each other ([`super::gathering`]); answers each, in order.
/// An error inside is its request's own: nothing was created for it, and the others stand.
pub(super) async fn create(tx: &mut Tx, requests: &[Vec<NewPost>]) -> Result<Vec<Result<Vec<Inserted>>>> {
    let all: Vec<&NewPost> = requests.iter().flatten().collect();
    let mut held = held_by(tx, &all).await?.into_iter();
    let (mut answers, mut wanted) = (Vec::with_capacity(requests.len()), Vec::new());
    // What refuses a request is looked for before its first row: a refusal leaves nothing behind.
    for request in requests {
        let held: Vec<_> = held.by_ref().take(request.len()).collect();
        let answer = match refusal(tx, request, &held).await {
            Ok(None) => {
                wanted.extend(request.iter().zip(&held).filter(|(_, held)| held.is_none()).map(|(new, _)| new));
                Ok(held)
            }
            Ok(Some(refusal)) => Ok(vec![Some(refusal)]),
            Err(error @ Error::NoMedia(_)) => Err(error),
            Err(error) => return Err(error),
        };
        answers.push(answer);
    }
    let mut created = insert(tx, &wanted).await?.into_iter().map(Inserted::New);
    let mut filled =
        |held: Vec<Option<Inserted>>| held.into_iter().filter_map(|held| held.or_else(|| created.next())).collect();
    Ok(answers.into_iter().map(|answer| answer.map(&mut filled)).collect())
}

/// The post because of which nothing of a request is created. An upload that is gone is an error.
async fn refusal(tx: &mut Tx, request: &[NewPost], held: &[Option<Inserted>]) -> Result<Option<Inserted>> {
    for (new, held) in request.iter().zip(held) {
        match held {
            Some(
                found
                @ (Inserted::Reused(..) | Inserted::OtherVideo(_) | Inserted::Duplicate(_) | Inserted::Removed(_)),
            ) => {
                return Ok(Some(found.clone()));
            }
            Some(Inserted::Existing(_) | Inserted::New(_)) => {}
            None => media::demand(tx, new.post.wp_user_id, &new.post.content.media_id).await?,
        }
    }
    Ok(None)
}

/// Per new post the one that stands in its way: the post of the same request, or one that forbids it. A derived key whose
/// time is over is freed.
async fn held_by(tx: &mut Tx, all: &[&NewPost]) -> Result<Vec<Option<Inserted>>> {
    let mut held = Vec::with_capacity(all.len());
    for group in all.chunks(GROUP) {
        let requests: Vec<_> = group.iter().map(|new| (new.post.social_account_id, &new.keys)).collect();
        for (new, found) in group.iter().zip(found_for(tx, &requests).await?) {
            let held_by = match in_the_way(tx, new, found).await? {
                None => retention::made_by(tx, new.post.social_account_id, &new.keys).await?.map(Inserted::Removed),
                held_by => held_by,
            };
            held.push(held_by);
        }
    }
    Ok(held)
}

/// The rows that may be what the requests of a group are about, per request.
async fn found_for(tx: &mut Tx, group: &[(AccountId, &RequestKeys)]) -> Result<Vec<Vec<Candidate>>> {
    if let [_] = group {
        return candidates(tx, group).await;
    }
    let mut found: Vec<Vec<Candidate>> = group.iter().map(|_| Vec::new()).collect();
    for place in known(tx, group).await? {
        found[place] = candidates(tx, &group[place..=place]).await?.pop().unwrap_or_default();
    }
    Ok(found)
}

async fn in_the_way(tx: &mut Tx, new: &NewPost, found: Vec<Candidate>) -> Result<Option<Inserted>> {
    let (mut own, mut other_video, mut duplicate) = (None, None, None);
    for candidate in found {
        match candidate.relation(&new.keys) {
            Relation::Held => own = Some(candidate),
            Relation::OtherVideo => other_video = Some(candidate),
            Relation::Duplicate => duplicate = Some(candidate),
            Relation::Ended => {
                tx.execute(
                    "UPDATE aurareels_social_posts SET request_key = NULL WHERE id = ?",
                    &params![candidate.post.id],
                )
                .await?;
            }
            Relation::Apart => {}
        }
    }
    let own = own.map(|own| match new.keys.fingerprint.differences(&own.fingerprint) {
        differences if differences.is_empty() => Inserted::Existing(own.post),
        differences => Inserted::Reused(own.post, differences),
    });
    let other_video = other_video.map(|other| Inserted::OtherVideo(other.post));
    Ok(own.or(other_video).or_else(|| duplicate.map(|other| Inserted::Duplicate(other.post))))
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
    for NewPost { post, keys, .. } in group {
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
            keys.fingerprint.to_json(),
            keys.by_address.as_deref(),
            keys.posted.as_deref(),
            keys.link.as_deref(),
            post.scheduler.as_str(),
            post.late_policy_seconds,
            post.waiting_for.map(|reason| reason.as_str()),
            post.next_step_at,
            post.look_since,
            post.created_at,
            post.created_at,
            post.created_at,
        ]);
    }
    static TEXTS: PerLength = PerLength::new();
    let sql = TEXTS.of(group.len(), || insert_text(group.len(), values.len() / group.len()));
    let ids = tx.insert_all(sql, &values, group.len()).await?;
    if let Some(newest) = ids.last() {
        tx.note_post(*newest);
    }
    let created: Vec<Post> = group
        .iter()
        .zip(ids)
        .map(|(new, id)| Post { id: PostId(id), fence: Fence(0), revision: Revision(1), ..new.post.clone() })
        .collect();
    for (new, post) in group.iter().zip(&created) {
        if let Some(wall) = &new.wall {
            wall_times::keep(tx, post.id, wall).await?;
        }
    }
    if let Some(first) = created.iter().filter_map(|post| post.next_step_at).min() {
        tx.note_schedule(first);
    }
    let events: Vec<NewEvent> = created.iter().map(|post| event_of(EventKind::PostCreated, post)).collect();
    let events: Vec<_> = events.iter().zip(&created).map(|(event, post)| (event, post.created_at)).collect();
    events::append_all(tx, &events).await?;
    Ok(created)
}

fn insert_text(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    format!(
        "INSERT INTO aurareels_social_posts ({}, wp_user_id, social_account_id, platform, status, scheduled_at, list_at, \
         request_key, request_key_derived, request_fingerprint, content_key, posted_key, url_key, scheduler, \
         late_policy_seconds, waiting_for, next_step_at, look_since, status_since, created_at, updated_at) VALUES {}",
        CONTENT.join(", "),
        vec![row; rows].join(", ")
    )
}

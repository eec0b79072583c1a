//! Creating posts. Requests that come in while the writer is at work share its next statements.
//!
//! Guaranteed: all posts of a request are created in one transaction, each with its event, or none; a request key is held
//! by one post of an account; what one request does wrong costs no other one. Two requests that could stand in each
//! other's way (same account, same key or content) never share a statement: the second finds the rows of the first.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use super::{
    Error, Result, Store,
    db::{Row, Tx, Value},
    events, media,
    posts::{CONTENT, content_values, event_of, post},
};
use crate::{
    domain::{
        event::{EventKind, NewEvent},
        ids::{AccountId, Fence, PostId, Revision},
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

/// A request's posts on their way to the writer.
struct Arrival {
    posts: Arc<[NewPost]>,
    reply: oneshot::Sender<Result<Vec<Inserted>>>,
}

/// The requests that came since the writer took the ones before.
#[derive(Clone, Default)]
pub(super) struct Arrivals(Arc<Mutex<Vec<Arrival>>>);

impl Arrivals {
    /// Adds a request. True for the first one: its caller calls the writer for all that come until it runs.
    fn add(&self, arrival: Arrival) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(arrival);
        waiting.len() == 1
    }

    fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Moves what waits to those that were taken before; answers the posts of all of them.
    fn take_into(&self, taken: &Self) -> Vec<Arc<[NewPost]>> {
        let mut taken = taken.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.extend(self.take());
        taken.iter().map(|arrival| arrival.posts.clone()).collect()
    }
}

impl Store {
    /// Creates all posts of a request in one transaction, in order, or finds the ones that are there. When one is there
    /// already, the others are created all the same: a request that was cut off half way cannot be, and a request that
    /// names a further account adds that one.
    pub async fn insert_posts(&self, posts: Vec<NewPost>) -> Result<Vec<Inserted>> {
        let (reply, answer) = oneshot::channel();
        if self.arrivals.add(Arrival { posts: posts.into(), reply }) {
            // In a task of its own: a caller who goes away must not take the others with him.
            tokio::spawn(self.clone().insert_arrivals());
        }
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn insert_arrivals(self) {
        let taken = Arrivals::default();
        let (arrivals, held) = (self.arrivals.clone(), taken.clone());
        let outcome = self.db.write(async move |tx| create(tx, &arrivals.take_into(&held)).await).await;
        match outcome {
            Ok(answers) => {
                for (arrival, answer) in taken.take().into_iter().zip(answers) {
                    // The caller may be gone; his posts stand all the same.
                    let _ = arrival.reply.send(answer);
                }
            }
            Err(error) => self.insert_one_by_one(taken, error).await,
        }
    }

    /// After a failure that may be the fault of one request: each gets a transaction, and an error, of its own.
    async fn insert_one_by_one(&self, taken: Arrivals, error: Error) {
        let mut arrivals = taken.take();
        if arrivals.is_empty() {
            // The writer never came.
            arrivals = self.arrivals.take();
        }
        if let [_] = arrivals.as_slice() {
            let _ = arrivals.remove(0).reply.send(Err(error));
            return;
        }
        for Arrival { posts, reply } in arrivals {
            let outcome = self.db.write(async move |tx| create(tx, std::slice::from_ref(&posts)).await).await;
            let _ = reply.send(outcome.and_then(|mut answers| answers.pop().unwrap_or(Err(Error::Closed))));
        }
    }
}

/// Creates the posts of several requests; answers each in their order.
async fn create(tx: &mut Tx, requests: &[Arc<[NewPost]>]) -> Result<Vec<Result<Vec<Inserted>>>> {
    let mut answers: Vec<Option<Result<Vec<Inserted>>>> = requests.iter().map(|_| None).collect();
    let mut left: Vec<usize> = (0..requests.len()).collect();
    while !left.is_empty() {
        let (now, later) = apart(requests, &left);
        let posts: Vec<&[NewPost]> = now.iter().map(|request| &*requests[*request]).collect();
        for (request, answer) in now.into_iter().zip(create_apart(tx, &posts).await?) {
            answers[request] = Some(answer);
        }
        left = later;
    }
    Ok(answers.into_iter().flatten().collect())
}

/// Parts requests into those of which none can stand in another's way, and the others.
fn apart(requests: &[Arc<[NewPost]>], among: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut seen = HashSet::new();
    among.iter().partition(|request| {
        let marks = |new: &NewPost| -> [Option<(AccountId, bool, String)>; 2] {
            let account = new.post.social_account_id;
            [
                new.post.request_key.clone().map(|key| (account, true, key)),
                new.content_key.clone().map(|key| (account, false, key)),
            ]
        };
        let marks: Vec<_> = requests[**request].iter().flat_map(marks).flatten().collect();
        let is_apart = marks.iter().all(|mark| !seen.contains(mark));
        if is_apart {
            seen.extend(marks);
        }
        is_apart
    })
}

/// Creates the posts of requests that do not stand in each other's way.
async fn create_apart(tx: &mut Tx, requests: &[&[NewPost]]) -> Result<Vec<Result<Vec<Inserted>>>> {
    // What refuses a request is looked for before its first row: a refusal leaves nothing behind.
    let all: Vec<&NewPost> = requests.iter().copied().flatten().collect();
    let mut held = held_by(tx, &all).await?.into_iter();
    let mut answers = Vec::with_capacity(requests.len());
    let mut wanted = Vec::with_capacity(all.len());
    for request in requests {
        let held: Vec<Option<Inserted>> = held.by_ref().take(request.len()).collect();
        let answer = match refusal(tx, request, &held).await? {
            Some(refusal) => refusal.map(|found| vec![Some(found)]),
            None => {
                wanted.extend(request.iter().zip(&held).filter(|(_, held)| held.is_none()).map(|(new, _)| new));
                Ok(held)
            }
        };
        answers.push(answer);
    }
    let mut created = insert(tx, &wanted).await?.into_iter().map(Inserted::New);
    let mut fill =
        |held: Vec<Option<Inserted>>| held.into_iter().filter_map(|held| held.or_else(|| created.next())).collect();
    Ok(answers.into_iter().map(|answer| answer.map(&mut fill)).collect())
}

/// Why nothing of a request is created: another post in its way, or an upload that is gone.
async fn refusal(tx: &mut Tx, request: &[NewPost], held: &[Option<Inserted>]) -> Result<Option<Result<Inserted>>> {
    for (new, held) in request.iter().zip(held) {
        match held {
            Some(found @ Inserted::Duplicate(_)) => return Ok(Some(Ok(found.clone()))),
            Some(found @ Inserted::Existing { fingerprint, .. }) if *fingerprint != new.fingerprint => {
                return Ok(Some(Ok(found.clone())));
            }
            Some(Inserted::Existing { .. } | Inserted::New(_)) => {}
            None => match media::demand(tx, new.post.wp_user_id, &new.post.content).await {
                Err(gone @ Error::NoMedia(_)) => return Ok(Some(Err(gone))),
                other => other?,
            },
        }
    }
    Ok(None)
}

/// Per new post the one that stands in its way: it holds the same key, or says the same under another one. A key whose
/// time is over is freed.
async fn held_by(tx: &mut Tx, all: &[&NewPost]) -> Result<Vec<Option<Inserted>>> {
    let mut held: Vec<Option<Inserted>> = all.iter().map(|_| None).collect();
    for (first, group) in (0..).step_by(GROUP).zip(all.chunks(GROUP)) {
        for row in in_the_way(tx, group).await? {
            // The list is filled up with its last post.
            let number = (row.small("number")?.unsigned_abs() as usize).min(group.len() - 1);
            let (new, held) = (group[number], &mut held[first + number]);
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
async fn in_the_way(tx: &mut Tx, group: &[&NewPost]) -> Result<Vec<Row>> {
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
    let last = group.last().copied();
    let values: Vec<Value> = group
        .iter()
        .copied()
        .chain(std::iter::repeat(last).flatten())
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

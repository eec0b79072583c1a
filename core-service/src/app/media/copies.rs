//! Copies of videos that posts wait for (`keep_copy`).
//!
//! Guaranteed:
//! - One download per user and URL at a time, whatever the number of posts; [`AT_ONCE`] of all users, [`OF_A_USER`] of one.
//! - A post gets a copy that was begun after the post was made, never that of an older file behind the same link.
//! - Where the source names its versions by a strong `ETag`, a copy is a resumable upload ([`super::resumable`]): after a
//!   restart or a broken source it goes on where it was, and a version that was copied within a day is not fetched again.
//! - A copy that no post asks for any more ends ([`WANTED`]).
//!
//! What is running is known in memory alone: after a restart the next look at a post begins its copy again.
//!
//! Expected failures: the source or its file is at fault ([`Copying::Failed`]); this core has no room, no disk or no database
//! for now ([`Copying::Postponed`]).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};
use url::Url;

use super::{Caller, Error, MediaStore, Result};
use crate::{
    clock::Clock,
    domain::{
        failure::{Failure, FailureClass, Reason, describe},
        ids::UserId,
        media::{MediaFacts, MediaId},
        post::Post,
    },
    media::{
        ProbeError,
        copying::{Copies, Copying},
    },
};

/// Copies that are made at the same time in this process.
const AT_ONCE: usize = 16;

/// Of one user: it leaves him upload slots.
const OF_A_USER: usize = 4;

/// How long a copy goes on that no post asks for.
const WANTED: Duration = Duration::from_secs(120);

/// How long posts find what became of their copy.
const REMEMBERED: TimeDelta = TimeDelta::minutes(10);

/// How long posts are told of a failure; a later one begins the copy again.
const TOLD: TimeDelta = TimeDelta::seconds(30);

type Key = (UserId, String);

/// Copies that are being made, and what became of others.
#[derive(Clone, Default)]
pub(super) struct Running(Arc<Mutex<HashMap<Key, Copy>>>);

struct Copy {
    /// [`Copying::Running`], or what became of it.
    state: Copying,
    began_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    /// When a post asked last.
    wanted: Instant,
    /// Ends with the media store.
    task: AbortOnDropHandle<()>,
}

impl Copy {
    /// One whose task has ended without a word, by a panic, is made anew.
    fn is_running(&self) -> bool {
        matches!(self.state, Copying::Running(_)) && !self.task.is_finished()
    }
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Copy>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all copies.
    pub(super) fn end(&self) {
        self.lock().clear();
    }
}

/// Ends when no post has asked for a copy for [`WANTED`].
async fn unwanted(running: &Weak<Mutex<HashMap<Key, Copy>>>, key: &Key) {
    loop {
        let Some(running) = running.upgrade().map(Running) else { return };
        let asked = running.lock().get(key).map(|copy| copy.wanted.elapsed());
        drop(running);
        match asked.and_then(|asked| WANTED.checked_sub(asked)) {
            Some(left) => tokio::time::sleep(left).await,
            None => return,
        }
    }
}

fn key(post: &Post) -> Key {
    (post.wp_user_id, post.content.video_url.clone())
}

/// Whether a post has to hear of a failure: it happened while the post waited, and was not told yet.
fn concerns(post: &Post, ended_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let is_new = post.last_retry_at.is_none_or(|told_at| told_at < ended_at);
    is_new && post.created_at <= ended_at && now < ended_at + TOLD
}

impl Copies for MediaStore {
    fn state(&self, post: &Post) -> Copying {
        let (key, now) = (key(post), self.clock.now());
        let mut all = self.copies.lock();
        if let Some(copy) = all.get_mut(&key) {
            copy.wanted = Instant::now();
            let holds = match &copy.state {
                Copying::Running(_) => copy.is_running(),
                Copying::Done(..) => post.created_at <= copy.began_at,
                Copying::Failed(_) | Copying::Postponed(_) => concerns(post, copy.ended_at, now),
                Copying::NotBegun | Copying::Queued => false,
            };
            if holds {
                return copy.state.clone();
            }
        }
        let running = || all.iter().filter(|(_, copy)| copy.is_running());
        let is_full =
            running().count() >= AT_ONCE || running().filter(|((user, _), _)| *user == key.0).count() >= OF_A_USER;
        if is_full { Copying::Queued } else { Copying::NotBegun }
    }

    fn begin(&self, post: &Post) {
        let (key, now) = (key(post), self.clock.now());
        let mut all = self.copies.lock();
        all.retain(|_, copy| copy.is_running() || now < copy.ended_at + REMEMBERED);
        if all.get(&key).is_some_and(Copy::is_running) {
            return;
        }
        // The task must not hold what holds its handle.
        let (store, running) = (Self { copies: Running::default(), ..self.clone() }, Arc::downgrade(&self.copies.0));
        let (of_task, clock) = (key.clone(), self.clock.clone());
        let task = AbortOnDropHandle::new(tokio::spawn(async move { store.made(running, of_task, clock).await }));
        let state = Copying::Running(now);
        all.insert(key, Copy { state, began_at: now, ended_at: now, wanted: Instant::now(), task });
    }

    fn forget(&self, post: &Post) {
        let key = key(post);
        let mut all = self.copies.lock();
        if all.get(&key).is_some_and(|copy| !copy.is_running()) {
            all.remove(&key);
        }
    }
}

impl MediaStore {
    /// Ends the copies that are being made. What came of those with a name is kept.
    pub fn end_copies(&self) {
        self.copies.end();
    }

    async fn made(self, running: Weak<Mutex<HashMap<Key, Copy>>>, key: Key, clock: Clock) {
        let made = tokio::select! {
            made = self.copy(Caller { user: key.0 }, &key.1) => Some(made),
            () = unwanted(&running, &key) => None,
        };
        let Some(running) = running.upgrade().map(Running) else { return };
        let mut all = running.lock();
        let Some(made) = made else {
            info!(user = %key.0, "a copy of a video was ended: no post waits for it any more");
            all.remove(&key);
            return;
        };
        if let Some(copy) = all.get_mut(&key) {
            copy.ended_at = clock.now();
            copy.state = match made {
                Ok((media_id, facts)) => Copying::Done(media_id, facts),
                Err(problem) => failed(problem),
            };
        }
    }

    async fn copy(&self, caller: Caller, url: &str) -> Result<(MediaId, MediaFacts)> {
        let url = Url::parse(url).map_err(|_| Error::Internal("the URL of a copy is none".into()))?;
        self.keep_copy(caller, &url).await
    }
}

/// What a copy that could not be made means for its posts.
fn failed(problem: Error) -> Copying {
    let message = problem.to_string();
    let remedy = "nothing to do; it is tried again";
    match problem {
        Error::Invalid { reason, mut broken } => Copying::Failed(match broken.pop() {
            Some(broken) => ProbeError::Refused(Box::new(broken.violation)).into(),
            None => Failure::new(FailureClass::InvalidMedia, reason, message),
        }),
        Error::Exhausted { reason: Reason::MediaQuotaExceeded, retry_at: None, .. } => Copying::Failed(
            Failure::new(FailureClass::Permanent, Reason::MediaQuotaExceeded, message)
                .with_remedy("delete uploads that are not needed, then RetryPost"),
        ),
        Error::Unavailable { reason: Reason::MediaUnreachable, message, .. } => {
            Copying::Failed(ProbeError::Unreachable { message }.into())
        }
        Error::Exhausted { reason, .. } | Error::Unavailable { reason, .. } => {
            Copying::Postponed(Failure::new(FailureClass::Transient, reason, message).with_remedy(remedy))
        }
        problem => {
            warn!(error = %describe(&problem), "a video could not be copied now");
            let message = "the video could not be copied into the core's store now";
            Copying::Postponed(
                Failure::new(FailureClass::Transient, Reason::StoreUnavailable, message).with_remedy(remedy),
            )
        }
    }
}

//! WatchPosts: stored events from a position on, then as they are committed, with progress and heartbeats between.
//!
//! Guaranteed: events of one watcher come in the order of their sequence, each once; the position of every message can
//! be resumed from. New events are handed to all watchers of a process by one reader (`app/posts/tail.rs`); what a watcher
//! was not handed, because it resumes from earlier or is slow, it reads from the database by itself until it is level
//! with the others again. Memory per watcher is bounded: a slow client stops the taking of further events, and progress
//! that it does not take is dropped, because it is only worth something while it is fresh. When the core stops, the
//! stream ends with UNAVAILABLE; within five seconds after its key was revoked it ends with UNAUTHENTICATED.

use std::time::Duration;

use aurareels_proto::v1::{self, WatchPostsResponse};
use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{
    auth::layer::CredentialRecheck,
    convert::{self, account, event, post, requests::Watch},
    post_api::PostApi,
    status,
};
use crate::{
    app::{
        Caller, Result,
        posts::{
            Follower, News,
            requests::{EventBatch, Subjects, UploadNews},
        },
    },
    domain::{
        event::Event,
        ids::{PostId, Sequence},
    },
    progress::UploadProgress,
};

type Message = std::result::Result<WatchPostsResponse, Status>;

/// Messages that wait for one client.
const BUFFER: usize = 64;

/// Events read at once.
const BATCH: u32 = 100;

/// Time between heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(30);

struct Watcher {
    api: PostApi,
    caller: Caller,
    recheck: CredentialRecheck,
    watch: Watch,
    position: Sequence,
    out: mpsc::Sender<Message>,
}

/// Why a watcher ends.
enum End {
    /// The client went away.
    Gone,
    /// The core stops.
    Stopping,
    /// Reading failed.
    Failed(Status),
}

/// Starts a stream. The first batch is read before the answer, so that a position that is too old is refused at once.
pub(super) async fn start(
    api: PostApi,
    caller: Caller,
    recheck: CredentialRecheck,
    watch: Watch,
) -> Result<ReceiverStream<Message>> {
    // Before anything is read: what is committed from here on is handed out.
    let follower = api.posts.follow(caller, watch.progress);
    let first = match watch.after {
        Some(after) => api.posts.events_after(caller, after, &watch.filter, BATCH).await?,
        None => {
            let newest = api.posts.newest_position().await?;
            EventBatch { after: newest, through: newest, events: Vec::new(), subjects: Subjects::default() }
        }
    };
    let (out, messages) = mpsc::channel(BUFFER);
    let calls = api.calls.clone();
    let watcher = Watcher { api, caller, recheck, watch, position: first.after, out };
    calls.spawn(watcher.run(first, follower));
    Ok(ReceiverStream::new(messages))
}

impl Watcher {
    async fn run(mut self, first: EventBatch, follower: Follower) {
        let mut stopping = self.api.stopping.clone();
        let (out, recheck) = (self.out.clone(), self.recheck.clone());
        let end = tokio::select! {
            end = self.follow(first, follower) => end,
            () = out.closed() => End::Gone,
            denied = recheck.revoked() => End::Failed(denied),
            _ = stopping.wait_for(|stopping| *stopping) => End::Stopping,
        };
        let last = match end {
            End::Gone => return,
            End::Stopping => status::shutting_down(),
            End::Failed(status) => status,
        };
        // A client that is too slow to take the last word learns from the end of the stream.
        let _ = out.try_send(Err(last));
    }

    async fn follow(&mut self, first: EventBatch, mut follower: Follower) -> End {
        let begun = async {
            self.heartbeat().await?;
            self.send_batch(&first).await?;
            self.catch_up().await
        };
        if let Err(end) = begun.await {
            return end;
        }
        let mut heartbeat = ticks(HEARTBEAT).await;
        loop {
            let done = tokio::select! {
                news = follower.next() => match news {
                    Some(news) => self.take(news).await,
                    None => return End::Stopping,
                },
                _ = heartbeat.tick() => self.beat(&mut follower).await,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Sends what was handed out, or reads what was not.
    async fn take(&mut self, news: News) -> std::result::Result<(), End> {
        match news {
            News::Events(batch) if batch.after <= self.position => self.send_batch(&batch).await,
            News::Events(_) | News::Look => self.catch_up().await,
            News::Uploads(news) => {
                if self.watch.progress {
                    self.tell_uploads(&news);
                }
                Ok(())
            }
        }
    }

    /// Sends everything that is committed by now.
    async fn catch_up(&mut self) -> std::result::Result<(), End> {
        loop {
            let before = self.position;
            let batch = self
                .api
                .posts
                .events_after(self.caller, before, &self.watch.filter, BATCH)
                .await
                .map_err(|error| End::Failed(status::from_app(&self.api.clock)(error)))?;
            self.send_batch(&batch).await?;
            if self.position == before {
                return Ok(());
            }
        }
    }

    /// Sends what the watcher has not had and asked for.
    async fn send_batch(&mut self, batch: &EventBatch) -> std::result::Result<(), End> {
        for stored in &batch.events {
            if stored.sequence > self.position && self.watch.filter.fits(stored) {
                let event = self.api.shown_event(stored, &batch.subjects);
                self.send(WatchPostsResponse { event: Some(event), position: stored.sequence.0 }).await?;
                self.position = stored.sequence;
            }
        }
        self.position = self.position.max(batch.through);
        Ok(())
    }

    /// A heartbeat whose position is behind everything that was handed out, asked for or not.
    async fn beat(&mut self, follower: &mut Follower) -> std::result::Result<(), End> {
        let handed_out = follower.position();
        while let Some(news) = follower.next_now() {
            self.take(news).await?;
        }
        self.position = handed_out.map_or(self.position, |handed_out| self.position.max(handed_out));
        self.heartbeat().await
    }

    /// Also the moment at which an ended token ends the stream.
    async fn heartbeat(&self) -> std::result::Result<(), End> {
        self.recheck.allowed().await.map_err(End::Failed)?;
        self.send(WatchPostsResponse { event: None, position: self.position.0 }).await
    }

    async fn send(&self, message: WatchPostsResponse) -> std::result::Result<(), End> {
        self.out.send(Ok(message)).await.map_err(|_| End::Gone)
    }

    /// Sends progress as far as the client keeps up; the rest is dropped.
    fn tell_uploads(&self, news: &UploadNews) {
        for UploadProgress { post: id, sent, total, .. } in &news.steps {
            if !self.watch.filter.fits_post(*id) {
                continue;
            }
            let Some(mut post) = self.api.shown_post(*id, &news.subjects) else { continue };
            post.uploaded_bytes = i64::try_from(*sent).ok();
            post.video_size_bytes = i64::try_from(*total).ok();
            let event = v1::Event {
                r#type: v1::EventType::PostProgress.into(),
                created_at: Some(convert::timestamp(self.api.clock.now())),
                post_id: post.id,
                account_id: post.social_account_id,
                status: post.status,
                wp_user_id: post.wp_user_id,
                post: Some(post),
                ..v1::Event::default()
            };
            let message = WatchPostsResponse { event: Some(event), position: self.position.0 };
            if self.out.try_send(Ok(message)).is_err() {
                return;
            }
        }
    }
}

impl PostApi {
    /// An event with its post or account as it is now.
    pub(super) fn shown_event(&self, stored: &Event, subjects: &Subjects) -> v1::Event {
        let post_now = stored.event.post_id.and_then(|id| self.shown_post(id, subjects));
        let of = stored.event.account_id.filter(|_| stored.event.post_id.is_none());
        let account_now =
            of.and_then(|id| subjects.accounts.get(&id)).map(|one| account::account(one.as_ref().clone()));
        event::event(stored.clone(), post_now, account_now)
    }

    fn shown_post(&self, id: PostId, subjects: &Subjects) -> Option<v1::Post> {
        let one = subjects.posts.get(&id)?;
        let of = subjects.accounts.get(&one.social_account_id);
        Some(post::post(one.as_ref().clone(), of.map(AsRef::as_ref), self.posts.progress_of(id)))
    }
}

/// Ticks from one period from now on.
async fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    ticks
}

//! WatchPosts: stored events from a position on, then as they are committed, with progress and heartbeats between.
//!
//! Guaranteed: events of one watcher come in the order of their sequence, each once; the position of every message can
//! be resumed from. Memory per watcher is bounded: a slow client stops the reading of further events, and progress that
//! it does not take is dropped, because it is only worth something while it is fresh. Events of another core on the
//! same database are found by looking every [`LOOK`]. When the core stops, the stream ends with UNAVAILABLE.

use std::{collections::HashMap, time::Duration};

use aurareels_proto::v1::{self, WatchPostsResponse};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::{Interval, MissedTickBehavior, interval},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{
    auth::layer::Still,
    convert::{self, account, event, requests::Watch},
    posts::PostApi,
    status,
};
use crate::{
    app::{Caller, Result, posts::requests::EventBatch},
    domain::{
        event::Event,
        ids::{PostId, Sequence},
    },
    progress::UploadProgress,
};

/// True once the core stops.
pub(super) type Stopping = watch::Receiver<bool>;

type Message = std::result::Result<WatchPostsResponse, Status>;

/// Messages that wait for one client.
const BUFFER: usize = 64;

/// Events read at once.
const BATCH: u32 = 100;

/// Time between heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Time between looks for events that another core committed.
const LOOK: Duration = Duration::from_secs(2);

/// Least time between two words on uploads.
const TELL: Duration = Duration::from_millis(200);

/// Most uploads of which one watcher is told at a time.
const MOST_UPLOADS: usize = 256;

struct Watcher {
    api: PostApi,
    caller: Caller,
    still: Still,
    watch: Watch,
    position: Sequence,
    /// The newest step of each upload that was not told yet.
    uploads: HashMap<PostId, UploadProgress>,
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
pub(super) async fn start(api: PostApi, caller: Caller, still: Still, watch: Watch) -> Result<ReceiverStream<Message>> {
    let committed = api.posts.events_committed();
    let progress = watch.progress.then(|| api.posts.progress());
    let first = match watch.after {
        Some(after) => api.posts.events_after(caller, after, &watch.filter, BATCH).await?,
        None => EventBatch { events: Vec::new(), position: api.posts.newest_position(caller).await? },
    };
    let position = watch.after.unwrap_or(first.position);
    let (out, messages) = mpsc::channel(BUFFER);
    let calls = api.calls.clone();
    let watcher = Watcher { api, caller, still, watch, position, uploads: HashMap::new(), out };
    calls.spawn(watcher.run(first, committed, progress));
    Ok(ReceiverStream::new(messages))
}

impl Watcher {
    async fn run(
        mut self,
        first: EventBatch,
        committed: watch::Receiver<u64>,
        progress: Option<broadcast::Receiver<UploadProgress>>,
    ) {
        let mut stopping = self.api.stopping.clone();
        let out = self.out.clone();
        let end = tokio::select! {
            end = self.follow(first, committed, progress) => end,
            () = out.closed() => End::Gone,
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

    async fn follow(
        &mut self,
        first: EventBatch,
        mut committed: watch::Receiver<u64>,
        mut progress: Option<broadcast::Receiver<UploadProgress>>,
    ) -> End {
        let mut heartbeat = ticks(HEARTBEAT).await;
        let mut look = ticks(LOOK).await;
        let mut tell = ticks(TELL).await;
        if let Err(end) = self.heartbeat().await {
            return end;
        }
        if let Err(end) = self.send_batch(first).await {
            return end;
        }
        loop {
            committed.mark_unchanged();
            if let Err(end) = self.catch_up().await {
                return end;
            }
            // Progress may go on for long without a commit; only commits and looks lead back to the database.
            loop {
                tokio::select! {
                    changed = committed.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return End::Stopping,
                    },
                    _ = look.tick() => break,
                    _ = heartbeat.tick() => if let Err(end) = self.heartbeat().await {
                        return end;
                    },
                    step = next_progress(&mut progress) => self.note(step),
                    _ = tell.tick(), if !self.uploads.is_empty() => if let Err(end) = self.tell_uploads().await {
                        return end;
                    },
                }
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
            let more = batch.position != before;
            self.send_batch(batch).await?;
            if !more {
                return Ok(());
            }
        }
    }

    async fn send_batch(&mut self, batch: EventBatch) -> std::result::Result<(), End> {
        let shown =
            self.shown(batch.events).await.map_err(|error| End::Failed(status::from_app(&self.api.clock)(error)))?;
        for event in shown {
            let position = event.sequence;
            self.send(WatchPostsResponse { event: Some(event), position }).await?;
            self.position = Sequence(position);
        }
        self.position = batch.position;
        Ok(())
    }

    /// The events with their posts and accounts as they are now.
    async fn shown(&self, events: Vec<Event>) -> Result<Vec<v1::Event>> {
        let mut post_ids: Vec<_> = events.iter().filter_map(|stored| stored.event.post_id).collect();
        post_ids.sort_unstable();
        post_ids.dedup();
        let of_accounts = events.iter().filter(|stored| stored.event.post_id.is_none());
        let mut account_ids: Vec<_> = of_accounts.filter_map(|stored| stored.event.account_id).collect();
        account_ids.sort_unstable();
        account_ids.dedup();
        let mut posts = HashMap::new();
        if !post_ids.is_empty() {
            let now = self.api.posts.posts_by_ids(self.caller, &post_ids).await?;
            posts.extend(self.api.shown(self.caller, now).await?.into_iter().map(|post| (post.id, post)));
        }
        let mut accounts = HashMap::new();
        if !account_ids.is_empty() {
            let now = self.api.accounts.by_ids(self.caller, &account_ids).await?;
            accounts.extend(now.into_iter().map(|one| (one.id, account::account(one))));
        }
        let shown = events.into_iter().map(|stored| {
            let post = stored.event.post_id.and_then(|id| posts.get(&id.0).cloned());
            let of = stored.event.account_id.filter(|_| stored.event.post_id.is_none());
            event::event(stored, post, of.and_then(|id| accounts.get(&id).cloned()))
        });
        Ok(shown.collect())
    }

    /// Also the moment at which a revoked key or an ended token ends the stream.
    async fn heartbeat(&self) -> std::result::Result<(), End> {
        self.still.allowed().await.map_err(End::Failed)?;
        self.send(WatchPostsResponse { event: None, position: self.position.0 }).await
    }

    async fn send(&self, message: WatchPostsResponse) -> std::result::Result<(), End> {
        self.out.send(Ok(message)).await.map_err(|_| End::Gone)
    }

    /// Notes how far an upload is, if this watcher wants to know.
    fn note(&mut self, step: UploadProgress) {
        let wanted = &self.watch.filter.posts;
        if step.user == self.caller.user
            && (wanted.is_empty() || wanted.contains(&step.post))
            && (self.uploads.len() < MOST_UPLOADS || self.uploads.contains_key(&step.post))
        {
            self.uploads.insert(step.post, step);
        }
    }

    /// Sends the noted progress as far as the client keeps up; the rest is dropped.
    async fn tell_uploads(&mut self) -> std::result::Result<(), End> {
        let uploads = std::mem::take(&mut self.uploads);
        if self.out.capacity() == 0 {
            return Ok(());
        }
        let ids: Vec<_> = uploads.keys().copied().collect();
        let failed = |error| End::Failed(status::from_app(&self.api.clock)(error));
        let posts = self.api.posts.posts_by_ids(self.caller, &ids).await.map_err(failed)?;
        for mut post in self.api.shown(self.caller, posts).await.map_err(failed)? {
            let Some(step) = uploads.get(&PostId(post.id)) else { continue };
            post.uploaded_bytes = i64::try_from(step.sent).ok();
            post.video_size_bytes = i64::try_from(step.total).ok();
            let event = v1::Event {
                r#type: v1::EventType::PostProgress.into(),
                created_at: Some(convert::timestamp(self.api.clock.now())),
                post_id: post.id,
                account_id: post.social_account_id,
                status: post.status,
                post: Some(post),
                ..v1::Event::default()
            };
            let message = WatchPostsResponse { event: Some(event), position: self.position.0 };
            if self.out.try_send(Ok(message)).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Ticks from one period from now on.
async fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    ticks
}

/// The next step of an upload; never when nobody asked for it or no upload can come any more.
async fn next_progress(receiver: &mut Option<broadcast::Receiver<UploadProgress>>) -> UploadProgress {
    while let Some(steps) = receiver {
        match steps.recv().await {
            Ok(step) => return step,
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => *receiver = None,
        }
    }
    std::future::pending().await
}

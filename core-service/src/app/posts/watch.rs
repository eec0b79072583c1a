//! Following what happens: events from a position on, and upload progress while it happens.

use tokio::sync::{broadcast, watch};

use super::{
    Caller, Error, Posts, Result,
    requests::{EventBatch, WatchFilter},
};
use crate::{
    domain::{
        event::Event,
        ids::{PostId, Sequence},
    },
    progress::UploadProgress,
    store::events::Events,
};

impl Posts {
    /// The caller's events after a position, at most `limit` of them, oldest first. A position before what is kept is an
    /// error that names the oldest one.
    pub async fn events_after(
        &self,
        caller: Caller,
        after: Sequence,
        filter: &WatchFilter,
        limit: u32,
    ) -> Result<EventBatch> {
        // Read before the events: what is committed in between comes with the next batch.
        let newest = self.store.newest_event().await?;
        let oldest = self.store.pruned_through().await?;
        // 0 asks for all that are kept.
        if after < oldest && after != Sequence(0) {
            return Err(Error::PositionTooOld { oldest });
        }
        if let Some(kept_through) = self.store.lineages().left_behind(after) {
            return Err(Error::PositionOfLostEvents { kept_through });
        }
        if after > newest {
            return Err(Error::PositionOfLostEvents { kept_through: newest });
        }
        let Events { events, reached, full } = self.store.event_batch(caller.user, after, limit).await?;
        // With a full batch there may be more; else everything up to `newest` was seen.
        let reached = reached.unwrap_or(after);
        let position = if full { reached } else { reached.max(newest) };
        let events = events.into_iter().filter(|event| fits(event, filter)).collect();
        Ok(EventBatch { events, position })
    }

    /// The position of the newest event: watching from here on shows only what is new.
    pub async fn newest_position(&self, _caller: Caller) -> Result<Sequence> {
        Ok(self.store.newest_event().await?)
    }

    /// Changes with every committed event.
    pub fn events_committed(&self) -> watch::Receiver<u64> {
        self.store.events_committed()
    }

    /// Upload progress of this process, of all users: the watcher keeps what is its caller's.
    pub fn progress(&self) -> broadcast::Receiver<UploadProgress> {
        self.uploads.subscribe()
    }

    /// How far a post's upload is, while this process runs it.
    pub fn progress_of(&self, post: PostId) -> Option<(u64, u64)> {
        self.uploads.of(post).map(|progress| (progress.sent, progress.total))
    }
}

fn fits(event: &Event, filter: &WatchFilter) -> bool {
    let kind = filter.kinds.is_empty() || filter.kinds.contains(&event.event.kind);
    let post = filter.posts.is_empty() || event.event.post_id.is_some_and(|post| filter.posts.contains(&post));
    kind && post
}

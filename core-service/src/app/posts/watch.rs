//! Events from a position on, and live upload progress.

use std::future::Future;

use super::{
    Caller, Error, Posts, Result,
    requests::{EventBatch, WatchFilter},
    tail::{self, Follower},
};
use crate::{
    domain::ids::{PostId, Sequence},
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
        let newest = self.newest_beyond(after).await?;
        let batch = self.store.event_batch(caller.user, after, limit).await?;
        let mut batch = self.batch(after, newest, batch, filter).await?;
        batch.subjects = batch.subjects.of_user(caller.user);
        Ok(batch)
    }

    /// The events of all users after a position, for their site.
    pub async fn events_of_all_after(&self, after: Sequence, limit: u32) -> Result<EventBatch> {
        let newest = self.newest_beyond(after).await?;
        let batch = self.store.events_of_all(after, limit).await?;
        self.batch(after, newest, batch, &WatchFilter::default()).await
    }

    /// The newest position, read before the events: what is committed in between comes with the next batch. Fails for a
    /// position that cannot be resumed from.
    async fn newest_beyond(&self, after: Sequence) -> Result<Sequence> {
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
        Ok(newest)
    }

    async fn batch(
        &self,
        after: Sequence,
        newest: Sequence,
        Events { events, reached, full }: Events,
        filter: &WatchFilter,
    ) -> Result<EventBatch> {
        // With a full batch there may be more; else everything up to `newest` was seen.
        let reached = reached.unwrap_or(after);
        let through = if full { reached } else { reached.max(newest) };
        let events: Vec<_> = events.into_iter().filter(|event| filter.fits(event)).collect();
        let subjects = tail::subjects(&self.store, events.iter()).await?;
        Ok(EventBatch { after, through, events, subjects })
    }

    /// The position of the newest event: watching from here on shows only what is new.
    pub async fn newest_position(&self) -> Result<Sequence> {
        Ok(self.store.newest_event().await?)
    }

    /// What happens to the caller's posts and accounts from now on, with upload progress when it is wanted.
    pub fn follow(&self, caller: Caller, uploads: bool) -> Follower {
        self.tail.follow(caller.user, uploads)
    }

    /// Reads events for all followers of this process. Without it they get nothing.
    pub fn hand_out_events(&self) -> impl Future<Output = ()> + Send + use<> {
        let tail = self.tail.clone();
        async move { tail.run().await }
    }

    /// Progress of a post's upload, while this process runs it.
    pub fn progress_of(&self, post: PostId) -> Option<(u64, u64)> {
        self.uploads.of(post).map(|progress| (progress.sent, progress.total))
    }
}

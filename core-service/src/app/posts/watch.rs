//! Following what happens: events from a position on, and upload progress while it happens.

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
        let through = if full { reached } else { reached.max(newest) };
        let events: Vec<_> = events.into_iter().filter(|event| filter.fits(event)).collect();
        let subjects = tail::subjects(&self.store, events.iter()).await?.of_user(caller.user);
        Ok(EventBatch { after, through, events, subjects })
    }

    /// The position of the newest event: watching from here on shows only what is new.
    pub async fn newest_position(&self, _caller: Caller) -> Result<Sequence> {
        Ok(self.store.newest_event().await?)
    }

    /// What happens to the caller's posts and accounts from now on, with upload progress when it is wanted.
    pub fn follow(&self, caller: Caller, uploads: bool) -> Follower {
        self.tail.follow(caller.user, uploads)
    }

    /// Reads what happens, for all followers of this process. Without it they are handed nothing.
    pub fn hand_out_events(&self) -> impl Future<Output = ()> + Send + use<> {
        let tail = self.tail.clone();
        async move { tail.run().await }
    }

    /// How far a post's upload is, while this process runs it.
    pub fn progress_of(&self, post: PostId) -> Option<(u64, u64)> {
        self.uploads.of(post).map(|progress| (progress.sent, progress.total))
    }
}

//! What a core does beside publishing, again and again: removes what is over, ends what was left half done, keeps logins
//! alive, and goes by the database's time.
//!
//! Expected failures: any part of it may fail for a while; the others go on, and it is tried again at the next turn.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tracing::{info, warn};

use super::{Components, delta, keep_time};
use crate::{
    domain::{failure::describe, ids::PostId},
    repeated::Repeated,
    store,
};

/// How often the core tidies up.
const HOUSEKEEPING: Duration = Duration::from_secs(600);

/// Every so many times it also removes what is old, and looks through the bucket of uploads.
const RETENTION: u32 = 6;

/// How often uploads are looked at whose time has come. Costs one small read when there is none.
const EXPIRING: Duration = Duration::from_secs(5);

/// The same on a server, where reads cost more.
const EXPIRING_ON_SERVER: Duration = Duration::from_secs(30);

impl Components {
    pub(super) async fn housekeeping(self) {
        self.media_store.look_at_bucket().await;
        for turn in 0_u32.. {
            if turn.is_multiple_of(RETENTION) {
                if let Err(problem) = self.remove_old(self.clock.now()).await {
                    warn!(error = %describe(&problem), "cannot remove what is older than it is to be kept");
                }
                if let Err(problem) = self.media_store.sweep_bucket().await {
                    warn!(error = %describe(&problem), "cannot remove from the bucket what uploads that broke off had left");
                }
            }
            self.tidy().await;
            tokio::time::sleep(HOUSEKEEPING).await;
        }
    }

    /// Goes by the time of the database.
    pub(super) async fn keeping_time(self) {
        loop {
            tokio::time::sleep(store::time::EVERY).await;
            keep_time(&self.store).await;
        }
    }

    /// Removes uploads soon after the last post that needed them.
    pub(super) async fn expiring(self) {
        let mut trouble = Repeated::default();
        loop {
            match self.media_store.expire().await.map_err(|problem| describe(&problem)) {
                Ok(_) => trouble.over(),
                Err(problem) if trouble.is_news(&problem) => {
                    warn!(error = %problem, "cannot remove uploads that no post needs");
                }
                Err(_) => {}
            }
            let is_on_server = self.store.is_on_server();
            tokio::time::sleep(if is_on_server { EXPIRING_ON_SERVER } else { EXPIRING }).await;
        }
    }

    /// Removes events, posts and steps that are older than they are to be kept, a few at a time.
    async fn remove_old(&self, now: DateTime<Utc>) -> Result<(), store::Error> {
        let before = |kept: Duration| now.checked_sub_signed(delta(kept)).unwrap_or(DateTime::UNIX_EPOCH);
        while self.store.prune_events(before(self.retention.events)).await? {}
        let (mut posts, mut steps) = (0, 0);
        let mut after = self.retention.posts.map(|_| PostId(0));
        while let (Some(kept), Some(id)) = (self.retention.posts, after) {
            let walked = self.store.remove_old_posts(id, before(kept), now).await?;
            (posts, after) = (posts + walked.removed, walked.through);
        }
        let mut after = self.retention.steps.map(|_| PostId(0));
        while let (Some(kept), Some(id)) = (self.retention.steps, after) {
            let walked = self.store.remove_old_steps(id, before(kept)).await?;
            (steps, after) = (steps + walked.removed, walked.through);
        }
        if posts + steps > 0 {
            info!(posts, steps, "posts, and steps of posts, that were kept long enough are removed");
        }
        Ok(())
    }

    /// Removes old messages of webhooks, and what deleted endpoints left behind.
    async fn tidy_webhooks(&self, now: DateTime<Utc>) {
        let tidied = async {
            while self.store.prune_webhooks(now - store::webhooks::log::KEPT, now).await? {}
            while self.store.remove_deleted_webhooks(now).await? {}
            Ok::<_, store::Error>(())
        };
        if let Err(problem) = tidied.await {
            warn!(error = %describe(&problem), "cannot remove old webhook deliveries");
        }
    }

    /// Removes what is over, ends what was left half done, keeps logins alive.
    async fn tidy(&self) {
        let now = self.clock.now();
        self.tidy_webhooks(now).await;
        match self.store.release_quarantined(now).await {
            Ok(0) => {}
            Ok(posts) => info!(posts, "posts that were quarantined can be read and go on"),
            Err(problem) => warn!(error = %describe(&problem), "cannot look at posts that were quarantined"),
        }
        if let Err(problem) = self.posts.follow_zones().await {
            warn!(error = %describe(&problem), "cannot look at wall times whose zones have newer rules");
        }
        if let Err(problem) = self.store.purge_oauth_states(now).await {
            warn!(error = %describe(&problem), "cannot remove old OAuth states");
        }
        if let Err(problem) = self.store.purge_dashboard().await {
            warn!(error = %describe(&problem), "cannot remove old links and sessions of the dashboard");
        }
        loop {
            match self.store.make_searchable().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(problem) => {
                    warn!(error = %describe(&problem), "cannot make posts of an older release searchable");
                    break;
                }
            }
        }
        if let Err(problem) = self.media_store.sweep().await {
            warn!(error = %describe(&problem), "cannot remove files of uploads that broke off");
        }
        // Beside each other: a platform that hangs while a grant is revoked must cost nobody a login.
        let (disconnected, kept) = tokio::join!(self.accounts.finish_disconnecting(), self.token_manager.keep_alive());
        if let Err(problem) = disconnected {
            warn!(error = %describe(&problem), "cannot finish disconnecting accounts");
        }
        if let Err(problem) = kept {
            warn!(error = %describe(&problem), "cannot keep logins alive");
        }
    }
}

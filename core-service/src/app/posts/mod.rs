//! Creating, reading and moving posts, as callers may. What happens to a post by itself is the engine's business, in
//! `publisher`.
//!
//! Guaranteed: all posts of a request are created in one transaction or none is; the same request key comes back to the
//! same post; a move is a compare-and-set on status and revision, so that two callers cannot both win.

mod create;
mod draft;
mod fields;
mod list;
mod moves;
pub mod requests;
mod rules;
pub(super) mod shape;
mod tail;
mod times;
pub mod variations;
mod video_jobs;
mod watch;
mod zones;

use std::sync::Arc;

use chrono::TimeDelta;

use crate::{
    clock::Clock,
    domain::{ids::PostId, post::SchedulerKind},
    media::Prober,
    platform::Registry,
    progress::Uploads,
    store::Store,
    zones::Zones,
};

use self::tail::Tail;
pub use self::tail::{Follower, News, subjects};
use super::{Caller, Error, Result, media::MediaStore};

/// Settings of the post use cases.
#[derive(Clone, Debug)]
pub struct PostSettings {
    /// Who starts scheduled posts by default (`AURAREELS_SCHEDULER`).
    pub scheduler: SchedulerKind,
    /// There is a workflow to hand posts to (`N8N_SCHEDULER_WEBHOOK`).
    pub has_workflow: bool,
    /// How late a post may still be published by default (`AURAREELS_LATE_POLICY_SECONDS`).
    pub late_policy_seconds: i64,
    /// How long before its time a post may be prepared.
    pub prepare_lead: TimeDelta,
    /// By which wall times are read.
    pub zones: Zones,
}

/// The post use cases.
#[derive(Clone)]
pub struct Posts {
    store: Store,
    clock: Clock,
    registry: Registry,
    prober: Arc<Prober>,
    media_store: MediaStore,
    uploads: Uploads,
    tail: Tail,
    settings: PostSettings,
}

impl Posts {
    /// The use cases over these parts.
    pub fn new(
        store: Store,
        clock: Clock,
        registry: Registry,
        prober: Arc<Prober>,
        media_store: MediaStore,
        uploads: Uploads,
        settings: PostSettings,
    ) -> Self {
        let tail = Tail::new(store.clone(), uploads.clone());
        Self { store, clock, registry, prober, media_store, uploads, tail, settings }
    }

    /// By which rules wall times are read, and where they are from.
    pub fn zone_rules(&self) -> String {
        self.settings.zones.rules().to_string()
    }

    /// How the URL of a video may begin on this core.
    pub fn url_schemes(&self) -> Vec<&'static str> {
        self.prober.schemes()
    }

    /// The caller as whom the site itself asks about a post: its owner.
    pub async fn owner_of(&self, id: PostId) -> Result<Caller> {
        let post = self.store.post(id).await?.ok_or_else(|| not_found(id))?;
        Ok(Caller { user: post.wp_user_id })
    }
}

/// The error for a post that does not exist or is not the caller's.
fn not_found(id: PostId) -> Error {
    Error::NotFound { reason: crate::domain::failure::Reason::PostNotFound, kind: "post", id: id.to_string() }
}

//! The engine's dependencies and settings.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::sync::Semaphore;

use super::{burst::Bursts, decide::Policy, handover::Handover, video::Videos};
use crate::{
    clock::Clock, media::copying::Copies, platform::Registry, progress::Uploads, store::Store,
    telemetry::metrics::Metrics, tokens::TokenManager,
};

/// The engine's writes that wait for the database at the same time: several of its largest batches, so that it never idles.
pub const WRITING: usize = 1_024;

/// Settings of the engine.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Retries, polls, review.
    pub policy: Policy,
    /// How long before its time a post may be prepared by invisible steps.
    pub prepare_lead: TimeDelta,
    /// How long before its time a point of no return is recorded, so that only the request is left to do at its time.
    /// From then on it is too late to cancel. In a burst the scheduler claims earlier, by up to twenty seconds.
    pub arm_lead: TimeDelta,
    /// How long after its time the core publishes a post that was handed to an n8n workflow which has not called back.
    pub workflow_grace: TimeDelta,
    /// The core's own limit of posts per user, platform and rolling day; `None`: off.
    pub daily_posts_per_user: Option<u32>,
    /// Claims in a row that may expire before a post is quarantined.
    pub max_crashes: i32,
    /// Longest time between two renewals of the claims.
    pub renew_every: Duration,
    /// Maximum number of posts of each platform processed at once.
    pub max_in_flight: usize,
    /// Maximum number of posts of all platforms together.
    pub max_of_all: usize,
}

/// Everything the engine works with.
#[derive(Clone)]
pub struct Engine {
    /// Rows.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Platforms.
    pub registry: Registry,
    /// Tokens.
    pub token_manager: TokenManager,
    /// The videos of posts.
    pub videos: Videos,
    /// Copies of videos.
    pub copies: Arc<dyn Copies>,
    /// The n8n hand-over.
    pub handover: Option<Handover>,
    /// Upload progress.
    pub uploads: Uploads,
    /// Posts due in the same moment.
    pub bursts: Bursts,
    /// Places in the database's queue: a write that waits there is several times as large as one that waits for a place.
    pub writing: Arc<Semaphore>,
    /// What is counted.
    pub metrics: Metrics,
    /// A number between 0 and 1, for spreading retries and polls.
    pub chance: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Settings.
    pub settings: EngineSettings,
    /// Turns true when the core is shutting down: no new step begins then.
    pub stopping: tokio::sync::watch::Receiver<bool>,
}

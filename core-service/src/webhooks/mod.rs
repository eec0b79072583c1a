//! Sends events to webhook endpoints: what happened becomes deliveries ([`events`]), deliveries become requests
//! ([`sender`]).
//!
//! Guaranteed: nothing here is remembered but in the database; a core that dies loses a claim of twenty seconds and nothing
//! else. Every event is sent at least once to each endpoint that wants it, with a `webhook-id` that never changes, and the
//! events of one post in their order. Whatever becomes of it, no post is touched. Expected: endpoints that fail, hang,
//! answer late or are gone; they use up their own room and no other's.

mod events;
mod exchange;
mod sender;
mod sign;

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    app::webhooks::{Describe, Wake},
    clock::Clock,
    store::Store,
};

/// Pause after an error of the database.
const PAUSE: Duration = Duration::from_secs(1);

/// Time between looks for what another core has written.
const LOOK: Duration = Duration::from_secs(2);

/// What sending needs.
#[derive(Clone)]
pub struct Webhooks {
    /// Rows.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// A client that connects to allowed addresses alone.
    pub client: reqwest::Client,
    /// Private hosts are allowed.
    pub allow_private: bool,
    /// What an event is about, as the API shows it.
    pub describe: Arc<dyn Describe>,
    /// Told when a delivery is due that was not before.
    pub wake: Wake,
    /// A number between 0 and 1.
    pub chance: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Unique per process.
    pub token: String,
    /// Turns true when the core stops.
    pub stopping: watch::Receiver<bool>,
}

impl Webhooks {
    /// Runs until the core stops. Requests under way then get a few seconds.
    pub async fn run(self) {
        tokio::join!(events::run(&self), sender::run(&self));
    }
}

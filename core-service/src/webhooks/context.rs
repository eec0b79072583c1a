//! What sending works with.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    app::webhooks::{Describe, Wake},
    clock::Clock,
    store::Store,
};

/// Pause after an error of the database.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Time between looks for what another process has written.
const LOOK: Duration = Duration::from_secs(2);

/// The same at a server: its cores are told of each other's events, and each sends what it has written itself. What is left
/// to find is what a core left behind that ended.
const LOOK_AT_SERVER: Duration = Duration::from_secs(15);

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
    /// Time between looks for what another process has written.
    pub(super) fn look(&self) -> Duration {
        if self.store.is_on_server() { LOOK_AT_SERVER } else { LOOK }
    }
}

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

/// Time between looks for what another core has written.
pub(super) const LOOK: Duration = Duration::from_secs(2);

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

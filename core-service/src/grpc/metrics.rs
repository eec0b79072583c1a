//! `/metrics`: what the core counts ([`crate::telemetry::metrics`]), and what its database holds at this moment.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use super::health::OldestOverdue;
use crate::{clock::Clock, store::Store, telemetry::metrics::Metrics};

/// How long a count of the posts serves: it reads a whole index.
const COUNT_FOR: Duration = Duration::from_secs(15);

/// What the page needs. Cheap to clone.
#[derive(Clone)]
pub(super) struct MetricsPage {
    pub(super) metrics: Metrics,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) oldest_overdue: OldestOverdue,
    counted_at: Arc<Mutex<Option<Instant>>>,
}

impl MetricsPage {
    pub(super) fn new(metrics: Metrics, store: Store, clock: Clock, oldest_overdue: OldestOverdue) -> Self {
        Self { metrics, store, clock, oldest_overdue, counted_at: Arc::default() }
    }

    /// The page. What the database does not answer stays as it was told last.
    pub(super) async fn text(&self) -> String {
        self.metrics.set_store(self.store.state());
        let mut counted_at = self.counted_at.lock().await;
        if counted_at.is_none_or(|at| at.elapsed() >= COUNT_FOR) && self.count().await.is_ok() {
            *counted_at = Some(Instant::now());
        }
        self.metrics.page()
    }

    async fn count(&self) -> crate::app::Result<()> {
        let (posts, quarantined) = (self.store.posts_by_status().await?, self.store.count_quarantined().await?);
        self.metrics.set_posts(&posts, quarantined);
        let queue = self.store.queue_state(self.clock.now()).await?;
        let overdue = (self.oldest_overdue)().await?.and_then(|overdue| overdue.to_std().ok());
        self.metrics.set_queue(queue, overdue.unwrap_or_default());
        Ok(())
    }
}

//! What all connections of a process share, and what they tell each other of a commit.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};
use tokio::sync::{RwLock, watch};
use tracing::{info, warn};

use super::{failure::Failure, options::Options, texts::Texts};
use crate::store::{
    Error,
    ailment::Ailment,
    db::{kind::Kind, wakes::Wakes},
};
use crate::telemetry::metrics::StoreMetrics;

/// What a transaction committed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Committed {
    pub(super) events: bool,
    pub(super) schedule: Option<DateTime<Utc>>,
}

/// What all connections of a process share.
pub(in crate::store::db) struct Shared {
    pub(super) kind: Kind,
    pub(super) options: Options,
    pub(super) texts: Texts,
    /// Random: by it a core knows what it said itself.
    pub(super) core: String,
    /// Held by one operation that was in others' way too often, or by all others.
    pub(super) turn: RwLock<()>,
    pub(super) events: watch::Sender<u64>,
    pub(super) wakes: Arc<Wakes>,
    /// What ails the server, as far as this process met it.
    pub(super) ailment: Mutex<Option<Ailment>>,
    pub(super) lost: Arc<AtomicBool>,
    pub(super) metrics: StoreMetrics,
}

impl Shared {
    /// Notes what a failure tells of the server, and answers its error.
    pub(super) fn met(&self, failure: Failure) -> Error {
        if let Error::Sick(ailment @ (Ailment::Away(_) | Ailment::Replica)) = &failure.error {
            self.lost.store(*ailment == Ailment::Replica, Ordering::Release);
            let before = self.ailment.lock().unwrap_or_else(PoisonError::into_inner).replace(ailment.clone());
            if before.as_ref() != Some(ailment) {
                warn!("{ailment}; the core goes on by itself when it can");
            }
        }
        failure.error
    }

    /// A transaction was committed.
    pub(super) fn committed(&self, committed: Committed) {
        self.lost.store(false, Ordering::Release);
        if self.ailment.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            info!("the database server takes writes again");
        }
        self.committed_elsewhere(committed);
    }

    /// A transaction of another core was committed.
    pub(super) fn committed_elsewhere(&self, committed: Committed) {
        if committed.events {
            self.events.send_modify(|count| *count += 1);
        }
        if let Some(at) = committed.schedule {
            self.wakes.tell(at);
        }
    }

    /// What other cores are told of a commit: by whom, whether there are events, and the earliest time in microseconds.
    pub(super) fn told(&self, committed: Committed) -> Option<String> {
        if !committed.events && committed.schedule.is_none() {
            return None;
        }
        let at = committed.schedule.map_or_else(|| "-".to_owned(), |at| at.timestamp_micros().to_string());
        Some(format!("{} {} {at}", self.core, if committed.events { "events" } else { "-" }))
    }

    /// What another core said.
    pub(super) fn heard(&self, text: &str) {
        let mut words = text.split(' ');
        if words.next() == Some(self.core.as_str()) {
            return;
        }
        let events = words.next() == Some("events");
        let micros = words.next().and_then(|word| word.parse().ok());
        self.committed_elsewhere(Committed { events, schedule: micros.and_then(DateTime::from_timestamp_micros) });
    }

    /// For rows that only this module reads.
    #[expect(clippy::disallowed_methods, reason = "when a row of the database's own was written, for people")]
    pub(super) fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

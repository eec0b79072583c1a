//! grpc.health.v1 and `/healthz`. `""` and each service of `aurareels.v1` follow the database: every few seconds a write and
//! a read that touch its pages, through the connections that everything uses, within [`PATIENCE`]; and whether all of its
//! secrets can be opened with the keys of this core. `aurareels.scheduler` follows the schedule besides: it is NOT_SERVING
//! while a post that only the core could have started is overdue by more than [`MOST_OVERDUE`], and while the database is
//! older than what was handed out before. Everything is NOT_SERVING from the moment the core stops.

use std::{pin::Pin, sync::Arc, time::Duration};

use aurareels_proto::v1;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};
use tonic::server::NamedService;
use tonic_health::{ServingStatus, server::HealthReporter};
use tracing::{error, info, warn};

use super::calls::Stopping;
use crate::{
    clock::Clock,
    domain::failure::describe,
    store::{self, Store},
};

/// By how much the oldest post is overdue that only the core could have started; `None` when there is none.
pub type OldestOverdue =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = crate::app::Result<Option<TimeDelta>>> + Send>> + Send + Sync>;

/// The name under which the schedule's health is told.
const SCHEDULER: &str = "aurareels.scheduler";

/// Later than this is unhealthy.
const MOST_OVERDUE: TimeDelta = TimeDelta::seconds(60);

/// Time between looks.
const LOOK: Duration = Duration::from_secs(3);

/// Time between looks at a server whose last answer was good: each look costs it some statements.
const LOOK_AT_SERVER: Duration = Duration::from_secs(6);

/// Longest that a look may take.
const PATIENCE: Duration = Duration::from_secs(3);

const SERVICES: [&str; 4] = [
    "",
    <v1::account_service_server::AccountServiceServer<super::accounts::AccountApi> as NamedService>::NAME,
    <v1::post_service_server::PostServiceServer<super::post_api::PostApi> as NamedService>::NAME,
    <v1::platform_service_server::PlatformServiceServer<super::platforms::PlatformApi> as NamedService>::NAME,
];

/// Why the database cannot be used, for people; `None` when it can.
pub(super) type Trouble = Option<String>;

/// What is looked at.
pub(super) struct Watched {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) overdue: OldestOverdue,
    /// Told when a rotation wants this core to read its keys anew.
    pub(super) asked_for_keys: Arc<Notify>,
}

/// Tells the health.
pub(super) struct Teller {
    reporter: HealthReporter,
    watched: Watched,
    said: watch::Sender<Trouble>,
    /// What was told last: about the database, and about the schedule.
    known: (Trouble, Trouble),
}

impl Teller {
    /// Looks once, so that the first who asks is told the truth.
    pub(super) async fn begin(reporter: HealthReporter, watched: Watched) -> (Self, watch::Receiver<Trouble>) {
        let (said, trouble) = watch::channel(None);
        let mut teller = Self { reporter, watched, said, known: (None, None) };
        teller.look().await;
        (teller, trouble)
    }

    /// Looks until the core stops.
    pub(super) async fn follow(mut self, mut stopping: Stopping) {
        loop {
            let is_calm = self.watched.store.is_on_server() && self.known == (None, None);
            tokio::select! {
                () = sleep(if is_calm { LOOK_AT_SERVER } else { LOOK }) => {}
                _ = stopping.wait_for(|stopping| *stopping) => break,
            }
            self.look().await;
        }
        tell(&self.reporter, (false, false)).await;
    }

    async fn look(&mut self) {
        let (database, next_step_at) = self.watched.database().await;
        // A database that does not answer is asked no more.
        let schedule = if database.is_none() { self.watched.schedule(next_step_at).await } else { None };
        tell(&self.reporter, (database.is_none(), schedule.is_none())).await;
        self.said.send_replace(database.clone());
        let now = (database, schedule);
        if now == self.known {
            return;
        }
        match &now {
            (Some(why), _) => error!(why, "not healthy: nothing is published until this is mended"),
            (None, Some(why)) => warn!(why, "not healthy: the schedule is not kept"),
            (None, None) => info!("healthy again"),
        }
        self.known = now;
    }
}

impl Watched {
    /// What is wrong with the database, and when the next post wants attention.
    async fn database(&self) -> (Trouble, Option<DateTime<Utc>>) {
        let trouble = match self.store.probe(self.clock.now(), PATIENCE).await {
            Ok(probed) => {
                if probed.is_asked_for_keys {
                    self.asked_for_keys.notify_one();
                }
                if probed.missing_keys.is_empty() {
                    return (None, probed.next_step_at);
                }
                Some(format!(
                    "stored secrets need encryption keys that this core does not have ({}); put them among \
                         AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS",
                    probed.missing_keys.join(", ")
                ))
            }
            Err(store::Error::Sick(ailment)) => Some(format!("{ailment}; {}", ailment.remedy())),
            Err(error) => Some(format!("the database cannot be used: {}", describe(&error))),
        };
        (trouble, None)
    }

    async fn schedule(&self, next_step_at: Option<DateTime<Utc>>) -> Trouble {
        if self.store.behind().is_some() {
            return Some("the database is older than what was handed out before".to_owned());
        }
        if next_step_at.is_none_or(|at| at >= self.clock.now()) {
            return None;
        }
        let is_late = match timeout(PATIENCE, (self.overdue)()).await {
            Ok(Ok(late)) => late.is_some_and(|late| late > MOST_OVERDUE),
            Ok(Err(_)) | Err(_) => return Some("it could not be read which posts are due".to_owned()),
        };
        is_late.then(|| {
            format!(
                "a post that waits for nothing but this core has been due for more than {} s; raise AURAREELS_CONCURRENCY if \
                 many posts are under way, and look at the log and at the speed of the database",
                MOST_OVERDUE.num_seconds()
            )
        })
    }
}

async fn tell(reporter: &HealthReporter, (database, schedule): (bool, bool)) {
    for service in SERVICES {
        reporter.set_service_status(service, word(database)).await;
    }
    reporter.set_service_status(SCHEDULER, word(database && schedule)).await;
}

fn word(serving: bool) -> ServingStatus {
    if serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}

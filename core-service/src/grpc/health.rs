//! grpc.health.v1. `""` and each service of `aurareels.v1` follow the database; `aurareels.scheduler` follows the
//! schedule: it is NOT_SERVING while a post that only the core could have started is overdue by more than
//! [`MOST_OVERDUE`], and while the database is older than what was handed out before. Everything is NOT_SERVING from the moment the core stops.

use std::{pin::Pin, sync::Arc, time::Duration};

use aurareels_proto::v1;
use chrono::TimeDelta;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::server::NamedService;
use tonic_health::{ServingStatus, server::HealthReporter};
use tracing::{info, warn};

use super::watch::Stopping;
use crate::store::Store;

/// By how much the oldest post is overdue that only the core could have started; `None` when there is none.
pub type OldestOverdue =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = crate::app::Result<Option<TimeDelta>>> + Send>> + Send + Sync>;

/// The name under which the schedule's health is told.
const SCHEDULER: &str = "aurareels.scheduler";

/// Later than this is unhealthy.
const MOST_OVERDUE: TimeDelta = TimeDelta::seconds(60);

/// Time between looks.
const LOOK: Duration = Duration::from_secs(3);

/// Longest that a look may take.
const PATIENCE: Duration = Duration::from_secs(3);

const SERVICES: [&str; 4] = [
    "",
    <v1::account_service_server::AccountServiceServer<super::accounts::AccountApi> as NamedService>::NAME,
    <v1::post_service_server::PostServiceServer<super::posts::PostApi> as NamedService>::NAME,
    <v1::platform_service_server::PlatformServiceServer<super::platforms::PlatformApi> as NamedService>::NAME,
];

/// Looks until the core stops.
pub(super) async fn follow(reporter: HealthReporter, store: Store, overdue: OldestOverdue, mut stopping: Stopping) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = (true, true);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopping.wait_for(|stopping| *stopping) => break,
        }
        let now = (database_answers(&store).await, store.behind().is_none() && on_time(&overdue).await);
        tell(&reporter, now).await;
        if now != known {
            match now {
                (true, true) => info!("healthy again"),
                (database, schedule) => warn!(database, schedule, "not healthy"),
            }
            known = now;
        }
    }
    tell(&reporter, (false, false)).await;
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

async fn database_answers(store: &Store) -> bool {
    matches!(timeout(PATIENCE, store.ping()).await, Ok(Ok(())))
}

async fn on_time(overdue: &OldestOverdue) -> bool {
    match timeout(PATIENCE, overdue()).await {
        Ok(Ok(Some(late))) => late <= MOST_OVERDUE,
        Ok(Ok(None)) => true,
        Ok(Err(_)) | Err(_) => false,
    }
}

//! What other cores on the same database commit: this one is told of it, so that WatchPosts shows it and the scheduler wakes
//! for it at once.
//!
//! PostgreSQL tells by itself (LISTEN); what is said while the connection is away is made good for by looking. MySQL cannot:
//! while other cores live, it is asked every [`POLL`]. A core that is alone asks whether it still is every [`LONELY`].

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    options::Options,
    pool::{Pool, Reader},
    shared::{Committed, Shared},
};
use crate::{
    params,
    store::{
        Result,
        db::{kind::Kind, postgres},
    },
};

/// Time between two looks while other cores live.
const POLL: Duration = Duration::from_millis(200);

/// Time between two looks for other cores.
const LONELY: Duration = Duration::from_secs(5);

/// Wait before a connection that listens is made again.
const AGAIN: Duration = Duration::from_secs(1);

/// A core that was seen within this time may be alive.
const ALIVE: TimeDelta = TimeDelta::seconds(15);

const LIVING: &str = "SELECT COUNT(*) AS cores FROM aurareels_cores WHERE token > '' AND seen_at > ?";
const NEWS: &str = "SELECT (SELECT MAX(sequence) FROM aurareels_events) AS newest, (SELECT MIN(next_step_at) \
     FROM aurareels_social_posts WHERE next_step_at IS NOT NULL) AS next_step";

/// Hears of others until the end.
pub(super) async fn hear(shared: Arc<Shared>, pool: Pool, mut closing: watch::Receiver<bool>) {
    let hearing = async {
        match shared.kind {
            Kind::Postgres => listen(&shared).await,
            Kind::Mysql => poll(&shared, &pool).await,
        }
    };
    tokio::select! {
        () = hearing => {}
        _ = closing.wait_for(|closing| *closing) => {}
    }
}

async fn listen(shared: &Arc<Shared>) {
    let Options::Postgres(options) = &shared.options else { return };
    let mut began_before = false;
    loop {
        let ended = postgres::listen(options, &shared.texts, |told| match told {
            Some(text) => shared.heard(text),
            // At the start everything is read anyway.
            None if !std::mem::replace(&mut began_before, true) => {}
            // What was said meanwhile is unknown.
            None => shared.committed_elsewhere(Committed { events: true, schedule: Some(DateTime::UNIX_EPOCH) }),
        });
        let failure = ended.await;
        shared.met(failure);
        sleep(AGAIN).await;
    }
}

async fn poll(shared: &Arc<Shared>, pool: &Pool) {
    let mut seen = (None, None);
    loop {
        match others_live(shared, pool).await {
            Ok(true) => {
                let begun = std::time::Instant::now();
                while begun.elapsed() < LONELY {
                    sleep(POLL).await;
                    let Ok(now) = news(shared, pool).await else { break };
                    let (events, moved) = (now.0 != seen.0, now.1 != seen.1);
                    seen = now;
                    if events || moved {
                        shared.committed_elsewhere(Committed { events, schedule: now.1.filter(|_| moved) });
                    }
                }
            }
            Ok(false) | Err(_) => sleep(LONELY).await,
        }
    }
}

async fn others_live(shared: &Arc<Shared>, pool: &Pool) -> Result<bool> {
    let mut reader = Reader::take(shared, pool).await?;
    let living = reader.fetch_optional(LIVING, &params![shared.now() - ALIVE]).await?;
    Ok(living.map_or(Ok(0), |row| row.int("cores"))? > 1)
}

/// The newest event, and the next time at which a post wants attention.
async fn news(shared: &Arc<Shared>, pool: &Pool) -> Result<(Option<i64>, Option<DateTime<Utc>>)> {
    let asked = async {
        let row = Reader::take(shared, pool).await?.fetch_optional(NEWS, &[]).await?;
        row.map_or(Ok((None, None)), |row| Ok((row.opt_int("newest")?, row.opt_time("next_step")?)))
    };
    timeout(LONELY, asked).await.unwrap_or(Ok((None, None)))
}

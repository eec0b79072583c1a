//! Deliveries become requests: one loop that sleeps until the next one is due, and a task per request.
//!
//! Guaranteed: at most [`ALL`] requests at a time, [`OF_ONE`] to one endpoint, one to an endpoint whose last try failed, and
//! half of all to endpoints that fail. Nothing waits in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tracing::{info, warn};

use super::{
    context::{PAUSE, Webhooks},
    exchange,
};
use crate::{
    domain::{
        failure::describe,
        ids::{DeliveryId, EndpointId, Fence},
        webhook::{TEST_EVENT, TryOutcome, asked_wait, next},
    },
    fault::{self, FaultPoint},
    repeated::Repeated,
    store::{
        self,
        webhooks::sending::{CLAIMED_FOR, Job, Room, Settled},
    },
};

/// Requests at the same time.
const ALL: usize = 256;

/// Of them, those to endpoints that fail.
const FAILING: usize = ALL / 2;

/// Of them, those to one endpoint.
const OF_ONE: usize = 16;

/// How long requests under way get when the core stops.
const DRAIN: Duration = Duration::from_secs(6);

/// Pause when something is due and nothing could be claimed.
const NOTHING: Duration = Duration::from_millis(100);

/// Requests that are under way.
#[derive(Default)]
struct UnderWay {
    endpoints: HashMap<EndpointId, OfEndpoint>,
    claims: HashMap<DeliveryId, Fence>,
}

#[derive(Clone, Copy, Default)]
struct OfEndpoint {
    requests: usize,
    is_failing: bool,
}

impl UnderWay {
    fn room(&self) -> Room {
        let sum = |failing_alone: bool| -> usize {
            let counted = self.endpoints.values().filter(|of| of.is_failing || !failing_alone);
            counted.map(|of| of.requests).sum()
        };
        let is_full = |of: &OfEndpoint| of.requests >= if of.is_failing { 1 } else { OF_ONE };
        Room {
            all: ALL.saturating_sub(sum(false)),
            failing: FAILING.saturating_sub(sum(true)),
            of_one: OF_ONE,
            under_way: self.endpoints.iter().map(|(endpoint, of)| (*endpoint, of.requests)).collect(),
            full: self.endpoints.iter().filter(|(_, of)| is_full(of)).map(|(endpoint, _)| *endpoint).collect(),
        }
    }

    fn begin(&mut self, job: &Job) {
        let of = self.endpoints.entry(job.delivery.endpoint).or_default();
        of.requests += 1;
        of.is_failing |= job.is_failing;
        self.claims.insert(job.delivery.id, job.delivery.fence);
    }

    fn end(&mut self, id: DeliveryId, endpoint: EndpointId, is_failing: bool) {
        self.claims.remove(&id);
        if let Some(of) = self.endpoints.get_mut(&endpoint) {
            of.requests -= 1;
            of.is_failing = is_failing;
            if of.requests == 0 {
                self.endpoints.remove(&endpoint);
            }
        }
    }
}

#[derive(Clone, Default)]
struct Shared {
    under_way: Arc<Mutex<UnderWay>>,
    freed: Arc<Notify>,
}

impl Shared {
    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn run(of: &Webhooks) {
    let shared = Shared::default();
    let mut requests = JoinSet::new();
    let mut trouble = Repeated::default();
    let mut stopping = of.stopping.clone();
    while !*stopping.borrow() {
        while requests.try_join_next().is_some() {}
        let room = shared.under_way().room();
        let has_full = !room.full.is_empty() || room.failing == 0 || room.all == 0;
        let wait = match look(of, &shared, room, &mut requests).await {
            Ok(wait) => {
                trouble.over();
                wait
            }
            Err(problem) => {
                let problem = describe(&problem);
                if trouble.is_news(&problem) {
                    warn!(error = %problem, "cannot claim webhook deliveries");
                }
                PAUSE
            }
        };
        if wait.is_zero() {
            continue;
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = of.clock.sleep_until(of.clock.now() + TimeDelta::from_std(wait).unwrap_or_default()) => {}
            () = of.wake.notified() => {}
            () = shared.freed.notified(), if has_full => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }
    if timeout(DRAIN, async { while requests.join_next().await.is_some() {} }).await.is_err() {
        info!(left = requests.len(), "some webhook requests did not end in time; they are made again");
        requests.shutdown().await;
    }
    let left: Vec<(DeliveryId, Fence)> = shared.under_way().claims.drain().collect();
    if !left.is_empty()
        && let Err(problem) = of.store.release_webhooks(left, of.clock.now()).await
    {
        warn!(error = %describe(&problem), "cannot let webhook deliveries go; their claims run out by themselves");
    }
}

/// Begins what is due; answers how long until the next look.
async fn look(of: &Webhooks, shared: &Shared, room: Room, requests: &mut JoinSet<()>) -> store::Result<Duration> {
    if room.all == 0 {
        return Ok(of.look());
    }
    let now = of.clock.now();
    match of.store.next_webhook_at(&room.full).await? {
        None => return Ok(of.look()),
        Some(at) if at > now => {
            return Ok((at - now).to_std().unwrap_or_default().clamp(Duration::from_millis(1), of.look()));
        }
        Some(_) => {}
    }
    let claimed_at = Instant::now();
    fault::point(FaultPoint::WebhookClaimBegins, "");
    let claimed = of.store.claim_webhooks(room, &of.token, now).await?;
    fault::point(FaultPoint::WebhookClaimed, "");
    if claimed.jobs.is_empty() {
        return Ok(if claimed.more { Duration::ZERO } else { NOTHING });
    }
    for job in claimed.jobs {
        shared.under_way().begin(&job);
        let (of, shared) = (of.clone(), shared.clone());
        requests.spawn(async move {
            let (id, endpoint) = (job.delivery.id, job.delivery.endpoint);
            let is_failing = attempt(&of, job, claimed_at).await;
            shared.under_way().end(id, endpoint, is_failing);
            shared.freed.notify_one();
            of.wake.notify_one();
        });
    }
    Ok(Duration::ZERO)
}

/// Makes a try and settles it. Whether the endpoint fails.
async fn attempt(of: &Webhooks, job: Job, claimed_at: Instant) -> bool {
    let (delivery, was_failing) = (&job.delivery, job.is_failing);
    let left = CLAIMED_FOR.to_std().unwrap_or_default().saturating_sub(claimed_at.elapsed());
    if left < exchange::TIMEOUT {
        // A slow database, or a process that was stopped and woken: somebody else may have it by now.
        if let Err(problem) = of.store.release_webhooks(vec![(delivery.id, delivery.fence)], of.clock.now()).await {
            warn!(error = %describe(&problem), "cannot let a webhook delivery go; its claim runs out by itself");
        }
        return was_failing;
    }
    fault::point(FaultPoint::WebhookLeaves, &delivery.event_type);
    let (tried, outcome) = exchange::post(&of.client, of.allow_private, &job, of.clock.now()).await;
    fault::point(FaultPoint::WebhookAnswered, &delivery.event_type);
    let now = of.clock.now();
    let is_test = delivery.event_type == TEST_EVENT;
    let since = delivery.tried_since.unwrap_or(tried.sent_at);
    let next = next(outcome, is_test, delivery.tries + 1, since, now, (of.chance)());
    let pause = match outcome {
        TryOutcome::Failed { retry_after } if matches!(tried.status_code, Some(429 | 503)) => {
            asked_wait(retry_after).map(|wait| now + wait)
        }
        TryOutcome::Failed { .. } | TryOutcome::Accepted | TryOutcome::Gone => None,
    };
    let is_failing = outcome != TryOutcome::Accepted;
    let settled = Settled { tried, outcome, next, is_test, pause };
    match of.store.settle_webhook(delivery, settled, now).await {
        Ok(_) => fault::point(FaultPoint::WebhookSettled, &delivery.event_type),
        Err(problem) => {
            warn!(error = %describe(&problem), "cannot write what became of a webhook delivery; it is made again");
        }
    }
    is_failing
}

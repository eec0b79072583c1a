//! Events become messages: read in commit order, described as the API shows their posts and accounts, and kept with a
//! delivery for each endpoint that wants them.
//!
//! Guaranteed: nothing is read while no endpoint is on. What a message says is fixed when it is made: every try sends the
//! same bytes.

use std::{collections::HashMap, time::Duration};

use tokio::time::sleep;
use tracing::warn;

use super::context::{PAUSE, Webhooks};
use crate::{
    app::{
        posts::{requests::Subjects, subjects},
        webhooks::{body, new_webhook_id},
    },
    domain::{
        event::Event,
        failure::describe,
        ids::EndpointId,
        platform::Platform,
        webhook::{Endpoint, event_type, subject},
    },
    fault::{self, FaultPoint},
    repeated::Repeated,
    store::{
        self,
        webhooks::fan_out::{FannedOut, NewMessage},
    },
};

/// Events read at once.
const BATCH: u32 = 256;

/// Least time between two reads: commits in between are read together.
const GATHER: Duration = Duration::from_millis(50);

pub(super) async fn run(of: &Webhooks) {
    let mut committed = of.store.events_committed();
    let mut stopping = of.stopping.clone();
    let mut trouble = Repeated::default();
    loop {
        if *stopping.borrow() {
            return;
        }
        committed.mark_unchanged();
        if let Err(problem) = take_up(of).await {
            let problem = describe(&problem);
            if trouble.is_news(&problem) {
                warn!(error = %problem, "cannot take up events for webhooks");
            }
            sleep(PAUSE).await;
            continue;
        }
        trouble.over();
        let is_open = tokio::select! {
            changed = committed.changed() => changed.is_ok(),
            () = sleep(of.look()) => true,
            _ = stopping.wait_for(|stopping| *stopping) => true,
        };
        if !is_open {
            return;
        }
        sleep(GATHER).await;
    }
}

/// Takes up everything that is committed by now.
async fn take_up(of: &Webhooks) -> store::Result<()> {
    while !*of.stopping.borrow() {
        let Some(from) = of.store.webhooks_from().await? else { return Ok(()) };
        let batch = of.store.events_of_all(from, BATCH).await?;
        let Some(reached) = batch.reached else { return Ok(()) };
        let mut users: Vec<_> = batch.events.iter().map(|event| event.event.wp_user_id).collect();
        users.sort_unstable();
        users.dedup();
        let wanting = of.store.wanting_events(&users).await?;
        let wanted: Vec<&Event> =
            batch.events.iter().filter(|event| wanting.contains(&event.event.wp_user_id)).collect();
        let messages = messages(of, &wanted).await?;
        fault::point(FaultPoint::WebhookFanOutBegins, "");
        let now = of.clock.now();
        let through = match of.store.fan_out(from, messages, reached, now).await? {
            FannedOut::Through(through) => through,
            FannedOut::Overtaken => continue,
        };
        fault::point(FaultPoint::WebhookFannedOut, "");
        of.wake.notify_one();
        if through == reached && !batch.full {
            return Ok(());
        }
    }
    Ok(())
}

async fn messages(of: &Webhooks, events: &[&Event]) -> store::Result<Vec<NewMessage>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let about = subjects(&of.store, events.iter().copied()).await?;
    let ids: Vec<EndpointId> = events.iter().filter_map(|event| event.event.webhook_id).collect();
    let endpoints = of.store.webhooks_to_show(&ids).await?;
    let endpoints: HashMap<EndpointId, Endpoint> = endpoints.into_iter().map(|one| (one.id, one)).collect();
    let message = |event: &&Event| {
        let event_type = event_type(&event.event)?;
        let endpoint = event.event.webhook_id.and_then(|id| endpoints.get(&id));
        let data = of.describe.data(event, &about, endpoint);
        Some(NewMessage {
            webhook_id: new_webhook_id(),
            sequence: event.sequence,
            event_type: event_type.to_owned(),
            user: event.event.wp_user_id,
            subject: subject(&event.event),
            platform: platform(event, &about),
            post_id: event.event.post_id,
            account_id: event.event.account_id,
            body: body(event_type, event.created_at, data, Some(event)),
        })
    };
    Ok(events.iter().filter_map(message).collect())
}

/// The platform of an event's post or account, where it can be known.
fn platform(event: &Event, about: &Subjects) -> Option<Platform> {
    let post = event.event.post_id.and_then(|id| about.posts.get(&id)).filter(|post| post.unread.is_none());
    let account = event.event.account_id.and_then(|id| about.accounts.get(&id));
    post.map(|post| post.platform).or_else(|| account.map(|account| account.platform))
}

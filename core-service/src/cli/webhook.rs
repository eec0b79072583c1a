//! `webhook create|list|show|rotate|test|deliveries|redeliver|on|off|delete`: endpoints and their log, through a running core.

use std::time::Duration;

use anyhow::Context;
use aurareels_proto::v1::{self, WebhookDeliveryStatus as Status};
use clap::Subcommand;

use super::{
    client::{Client, Server},
    output::Output,
    show,
};
use crate::domain::platform::Platform;

/// How long the outcome of a test is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time between two looks at it.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Subcommand)]
pub(super) enum Action {
    /// Create an endpoint and print its secret, which is never shown again.
    Create {
        /// Where events are sent.
        url: String,
        /// A type of events to send, such as post.published; all when none is given.
        #[arg(long = "event", value_name = "TYPE")]
        events: Vec<String>,
        /// A platform whose events are sent; all when none is given.
        #[arg(long = "platform", value_name = "PLATFORM")]
        platforms: Vec<Platform>,
        /// What people call it.
        #[arg(long, default_value = "")]
        description: String,
        /// Send the events of all users; for the operator's key.
        #[arg(long)]
        all_users: bool,
    },
    /// List the endpoints.
    List {
        /// Those that get the events of all users.
        #[arg(long)]
        all_users: bool,
    },
    /// Show an endpoint.
    Show {
        /// Its number.
        id: i64,
    },
    /// Give an endpoint a new secret and print it. The one before signs as well for a while.
    Rotate {
        /// Its number.
        id: i64,
        /// How long the secret before goes on signing.
        #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(i64).range(0..=168))]
        overlap_hours: i64,
    },
    /// Send a test event and say what came of it.
    Test {
        /// The endpoint's number.
        id: i64,
    },
    /// List the newest deliveries of an endpoint, or show one with its tries.
    Deliveries {
        /// The endpoint's number.
        #[arg(required_unless_present = "delivery")]
        id: Option<i64>,
        /// Show this delivery alone, with what was sent and every answer.
        #[arg(long, value_name = "NUMBER", conflicts_with = "id")]
        delivery: Option<i64>,
    },
    /// Send a delivery once more.
    Redeliver {
        /// The delivery's number.
        id: i64,
    },
    /// Switch an endpoint on.
    On {
        /// Its number.
        id: i64,
    },
    /// Switch an endpoint off.
    Off {
        /// Its number.
        id: i64,
    },
    /// Delete an endpoint with its log.
    Delete {
        /// Its number.
        id: i64,
    },
}

pub(super) async fn run(server: Server, action: Action) -> anyhow::Result<()> {
    let out = server.output();
    let client = server.client().await?;
    act(&client, out, action).await.map_err(show::readable)
}

async fn act(client: &Client, out: Output, action: Action) -> anyhow::Result<()> {
    let mut webhooks = client.webhooks();
    match action {
        Action::Create { url, events, platforms, description, all_users } => {
            let platforms = platforms.iter().map(|platform| platform.number()).collect();
            let request =
                v1::CreateWebhookEndpointRequest { url, description, event_types: events, platforms, all_users };
            let made = webhooks.create_webhook_endpoint(request).await?.into_inner();
            eprintln!("Endpoint {}. Its secret, shown once:", made.endpoint.as_ref().map_or(0, |endpoint| endpoint.id));
            out.message(&made, |made| made.secret.clone())?;
        }
        Action::List { all_users } => {
            let request = v1::ListWebhookEndpointsRequest { all_users };
            let all = webhooks.list_webhook_endpoints(request).await?.into_inner();
            out.message(&all, |all| endpoints(&all.endpoints))?;
        }
        Action::Show { id } => {
            let request = v1::GetWebhookEndpointRequest { id };
            let endpoint = webhooks.get_webhook_endpoint(request).await?.into_inner();
            out.message(&endpoint, shown)?;
        }
        Action::Rotate { id, overlap_hours } => {
            let overlap = Some(prost_types::Duration { seconds: overlap_hours * 3_600, nanos: 0 });
            let request = v1::RotateWebhookSecretRequest { id, overlap };
            let rotated = webhooks.rotate_webhook_secret(request).await?.into_inner();
            eprintln!("The new secret of endpoint {id}, shown once; the old one signs for {overlap_hours} h more:");
            out.message(&rotated, |rotated| rotated.secret.clone())?;
        }
        Action::Test { id } => {
            let sent = webhooks.send_test_event(v1::SendTestEventRequest { id }).await?.into_inner();
            let ended = outcome(client, sent.id).await?;
            out.message(&ended, last)?;
            anyhow::ensure!(ended.status() == Status::Delivered, "the test event was not delivered");
        }
        Action::Deliveries { delivery: Some(delivery), .. } => {
            let request = v1::GetWebhookDeliveryRequest { id: delivery };
            out.message(&webhooks.get_webhook_delivery(request).await?.into_inner(), told)?;
        }
        Action::Deliveries { id, delivery: None } => {
            let endpoint_id = id.context("which endpoint?")?;
            let request = v1::ListWebhookDeliveriesRequest { endpoint_id, ..Default::default() };
            let newest = webhooks.list_webhook_deliveries(request).await?.into_inner();
            out.message(&newest, |newest| deliveries(&newest.deliveries))?;
        }
        Action::Redeliver { id } => {
            webhooks.redeliver_webhook(v1::RedeliverWebhookRequest { id }).await?;
            out.message(&outcome(client, id).await?, last)?;
        }
        Action::On { id } => switch(client, out, id, true).await?,
        Action::Off { id } => switch(client, out, id, false).await?,
        Action::Delete { id } => {
            let request = v1::DeleteWebhookEndpointRequest { id };
            let deleted = webhooks.delete_webhook_endpoint(request).await?.into_inner();
            out.message(&deleted, |_| format!("endpoint {id} is deleted"))?;
        }
    }
    Ok(())
}

fn endpoints(all: &[v1::WebhookEndpoint]) -> String {
    let mut table = show::table(["id", "address", "events", "state"]);
    for endpoint in all {
        table.add_row([endpoint.id.to_string(), endpoint.url.clone(), or_all(&endpoint.event_types), state(endpoint)]);
    }
    table.to_string()
}

fn shown(endpoint: &v1::WebhookEndpoint) -> String {
    let platforms: Vec<&str> = endpoint.platforms().map(show::platform).collect();
    let mut lines = vec![format!("endpoint {}: {}", endpoint.id, endpoint.url)];
    if !endpoint.description.is_empty() {
        lines.push(format!("  {}", endpoint.description));
    }
    lines.push(format!("  events: {}", or_all(&endpoint.event_types)));
    lines.push(format!("  platforms: {}", or_all(&platforms)));
    lines.push(format!("  {}", state(endpoint)));
    lines.join("\n")
}

fn deliveries(newest: &[v1::WebhookDelivery]) -> String {
    let mut table = show::table(["id", "event", "post", "status", "tries", "last answer", "next try"]);
    for delivery in newest {
        table.add_row([
            delivery.id.to_string(),
            delivery.event_type.clone(),
            if delivery.post_id > 0 { delivery.post_id.to_string() } else { String::new() },
            word(delivery.status()),
            delivery.try_count.to_string(),
            last(delivery),
            show::time(delivery.next_try_at).map(show::second).unwrap_or_default(),
        ]);
    }
    table.to_string()
}

async fn switch(client: &Client, out: Output, id: i64, is_active: bool) -> anyhow::Result<()> {
    let update_mask = Some(prost_types::FieldMask { paths: vec!["is_active".to_owned()] });
    let request = v1::UpdateWebhookEndpointRequest { id, update_mask, is_active, ..Default::default() };
    let endpoint = client.webhooks().update_webhook_endpoint(request).await?.into_inner();
    out.message(&endpoint, |endpoint| format!("endpoint {id}: {}", state(endpoint)))
}

/// A delivery once it has ended, or as it is when the patience is over.
async fn outcome(client: &Client, id: i64) -> anyhow::Result<v1::WebhookDelivery> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let request = v1::GetWebhookDeliveryRequest { id };
        let delivery = client.webhooks().get_webhook_delivery(request).await?.into_inner();
        if delivery.status() != Status::Pending || delivery.try_count > 0 || tokio::time::Instant::now() > until {
            return Ok(delivery);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn told(delivery: &v1::WebhookDelivery) -> String {
    let of = format!("delivery {} of endpoint {}: {}", delivery.id, delivery.endpoint_id, word(delivery.status()));
    let sent = format!("  {} {}\n  {}", delivery.webhook_id, delivery.event_type, delivery.body);
    let mut lines = vec![of, sent];
    for one in &delivery.tries {
        let at = show::time(one.sent_at).map(show::second).unwrap_or_default();
        lines.push(format!("  try {} at {at}, {} ms: {}", one.number, one.duration_ms, came_to(one)));
        if !one.answer.is_empty() {
            lines.push(format!("    {}", one.answer.replace('\n', "\n    ")));
        }
    }
    lines.join("\n")
}

fn came_to(one: &v1::WebhookTry) -> String {
    match (one.status_code, one.error.as_str()) {
        (0, error) => error.to_owned(),
        (code, "") => code.to_string(),
        (code, error) => format!("{code}: {error}"),
    }
}

fn last(delivery: &v1::WebhookDelivery) -> String {
    delivery.last_try.as_ref().map_or_else(|| "not tried yet".to_owned(), came_to)
}

fn word(status: Status) -> String {
    status.as_str_name().trim_start_matches("WEBHOOK_DELIVERY_STATUS_").to_ascii_lowercase()
}

fn or_all(words: &[impl AsRef<str>]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    if words.is_empty() { "all".to_owned() } else { words.join(", ") }
}

fn state(endpoint: &v1::WebhookEndpoint) -> String {
    let since = |at| show::time(at).map(show::minute).unwrap_or_default();
    if !endpoint.is_active {
        return format!("off since {} ({})", since(endpoint.disabled_at), endpoint.disabled_reason.to_lowercase());
    }
    match endpoint.failing_since {
        Some(_) => format!("on, failing since {}", since(endpoint.failing_since)),
        None => "on".to_owned(),
    }
}

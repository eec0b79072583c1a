//! Webhook endpoints of a user, and the operator's: creating, changing and testing them, and their log.
//!
//! Guaranteed: a secret is returned once, by the call that creates it; a URL that the core would never request is
//! refused when it is given; endpoints for all users are visible only to the operator.

use std::{sync::Arc, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::Notify;
use url::Url;

use super::{Broken, Caller, Error, Result, posts::requests::Subjects};
use crate::{
    clock::Clock,
    domain::{
        event::Event,
        failure::Reason,
        ids::{DeliveryId, EndpointId, UserId},
        violation::Violation,
        webhook::{Delivery, DeliveryStatus, EVENT_TYPES, Endpoint, OPERATOR, TEST_EVENT},
    },
    media::outgoing,
    secret::Secret,
    store::{
        Store,
        webhooks::{
            EndpointChange, EndpointInput, Kept, MOST,
            log::{Asked, Told},
        },
    },
};

/// Notified when a delivery becomes due.
pub type Wake = Arc<Notify>;

/// How long the previous secret also signs after a rotation, by default.
pub const OVERLAP: Duration = Duration::from_secs(86_400);

/// The longest that it may.
const MAX_OVERLAP: Duration = Duration::from_secs(7 * 86_400);

/// Bytes of a secret.
const SECRET: usize = 32;

/// Longest address and description, in bytes.
const MAX_URL: usize = 2_000;
const MAX_DESCRIPTION: usize = 500;

/// Renders the subject of an event as the JSON API shows it.
pub trait Describe: Send + Sync {
    /// The post, the account or the endpoint; only its ids if it was deleted.
    fn data(&self, event: &Event, subjects: &Subjects, endpoint: Option<&Endpoint>) -> Value;
}

/// What is sent for an event.
pub fn body(event_type: &str, at: DateTime<Utc>, data: Value, event: Option<&Event>) -> String {
    let mut message = json!({
        "type": event_type,
        "timestamp": at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    });
    if let (Some(event), Some(fields)) = (event, message.as_object_mut()) {
        fields.insert("sequence".into(), event.sequence.0.into());
        fields.insert("wp_user_id".into(), event.event.wp_user_id.0.into());
        if let Some(reason) = &event.event.reason {
            fields.insert("reason".into(), reason.as_str().into());
        }
    }
    message["data"] = data;
    message.to_string()
}

/// A new, unique `webhook-id`.
pub fn new_webhook_id() -> String {
    let mut bytes = [0; 16];
    // Without randomness there is no TLS either; the core does not start then.
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    format!("msg_{}", hex::encode(bytes))
}

fn new_secret() -> Result<Secret> {
    let mut bytes = [0; SECRET];
    getrandom::fill(&mut bytes).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Secret::new(format!("whsec_{}", STANDARD.encode(bytes))))
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The user.
    pub caller: Caller,
    /// The operator: an API key for any user that may administer.
    pub is_operator: bool,
}

/// A page of deliveries, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// Where the next page starts.
    pub next_page_token: Option<String>,
}

/// The use cases.
#[derive(Clone)]
pub struct WebhookEndpoints {
    store: Store,
    clock: Clock,
    allow_private: bool,
    wake: Wake,
}

fn wrong(field: &'static str, measured: String, limit: &str, remedy: &str) -> Broken {
    let message = format!("{field} {limit}");
    let (limit, remedy) = (limit.to_owned(), remedy.to_owned());
    Broken { account: None, violation: Violation { field, rule: "INVALID_FIELD", measured, limit, remedy, message } }
}

fn refuse(broken: Vec<Broken>) -> Result<()> {
    if broken.is_empty() { Ok(()) } else { Err(Error::Invalid { reason: Reason::InvalidField, broken }) }
}

fn no_endpoint(id: EndpointId) -> Error {
    Error::NotFound { reason: Reason::WebhookNotFound, kind: "webhook endpoint", id: id.0.to_string() }
}

fn no_delivery(id: DeliveryId) -> Error {
    Error::NotFound { reason: Reason::WebhookNotFound, kind: "webhook delivery", id: id.0.to_string() }
}

fn is_off(id: EndpointId) -> Error {
    Error::Precondition {
        reason: Reason::WebhookDisabled,
        subject: format!("webhook endpoint {}", id.0),
        message: format!("webhook endpoint {} is switched off", id.0),
        remedy: "switch it on by UpdateWebhookEndpoint with is_active".to_owned(),
    }
}

fn kept(kept: Kept, id: EndpointId, owner: UserId) -> Result<Endpoint> {
    match kept {
        Kept::Done(endpoint) => Ok(endpoint),
        Kept::Gone => Err(no_endpoint(id)),
        Kept::SameUrl(other) => Err(Error::Precondition {
            reason: Reason::WebhookExists,
            subject: format!("webhook endpoint {}", other.0),
            message: format!("webhook endpoint {} has this address already", other.0),
            remedy: "use that one: UpdateWebhookEndpoint changes it, RotateWebhookSecret gives it a new secret"
                .to_owned(),
        }),
        Kept::TooMany => Err(Error::Exhausted {
            reason: Reason::WebhookLimit,
            subject: format!("user {owner}"),
            message: format!("there may be {MOST} webhook endpoints of one user; delete one first"),
            retry_at: None,
        }),
    }
}

impl WebhookEndpoints {
    /// Over a store. `wake` is notified of due deliveries.
    pub fn new(store: Store, clock: Clock, allow_private: bool, wake: Wake) -> Self {
        Self { store, clock, allow_private, wake }
    }

    /// Creates an endpoint, for all users if `all_users`, and returns its secret.
    pub async fn create(&self, by: Asker, input: EndpointInput, all_users: bool) -> Result<(Endpoint, Secret)> {
        let mut broken = Vec::new();
        broken.extend(self.url_refused(&input.url));
        broken.extend(description_refused(&input.description));
        broken.extend(types_refused(&input.filter.types));
        refuse(broken)?;
        let owner = if all_users { OPERATOR } else { by.caller.user };
        let secret = new_secret()?;
        let created = self.store.create_webhook(owner, input, &secret, self.clock.now()).await?;
        Ok((kept(created, EndpointId(0), owner)?, secret))
    }

    /// An endpoint.
    pub async fn get(&self, by: Asker, id: EndpointId) -> Result<Endpoint> {
        let found = self.store.webhook(id).await?;
        let is_theirs = |owner| owner == by.caller.user || (owner == OPERATOR && by.is_operator);
        found.filter(|endpoint| is_theirs(endpoint.wp_user_id)).ok_or_else(|| no_endpoint(id))
    }

    /// The caller's endpoints, or the operator's.
    pub async fn list(&self, by: Asker, all_users: bool) -> Result<Vec<Endpoint>> {
        Ok(self.store.webhooks_of(if all_users { OPERATOR } else { by.caller.user }).await?)
    }

    /// Changes an endpoint.
    pub async fn update(&self, by: Asker, id: EndpointId, change: EndpointChange) -> Result<Endpoint> {
        let before = self.get(by, id).await?;
        let mut broken = Vec::new();
        broken.extend(change.url.as_deref().and_then(|url| self.url_refused(url)));
        broken.extend(change.description.as_deref().and_then(description_refused));
        broken.extend(change.types.iter().flat_map(|types| types_refused(types)));
        refuse(broken)?;
        let updated = self.store.update_webhook(id, change, self.clock.now()).await?;
        self.wake.notify_one();
        kept(updated, id, before.wp_user_id)
    }

    /// Deletes an endpoint with its log.
    pub async fn delete(&self, by: Asker, id: EndpointId) -> Result<()> {
        self.get(by, id).await?;
        let now = self.clock.now();
        self.store.delete_webhook(id, now).await?;
        // What a core that dies here leaves behind is removed by the housekeeping.
        while self.store.remove_deleted_webhooks(now).await? {}
        Ok(())
    }

    /// Gives an endpoint a new secret, and returns it.
    pub async fn rotate(&self, by: Asker, id: EndpointId, overlap: Duration) -> Result<(Endpoint, Secret)> {
        if overlap > MAX_OVERLAP {
            let remedy = "give a shorter one, or leave it out for 24 hours";
            refuse(vec![wrong("overlap", format!("{} s", overlap.as_secs()), "must be 7 days at most", remedy)])?;
        }
        let of = self.get(by, id).await?;
        let (now, secret) = (self.clock.now(), new_secret()?);
        let until = (!overlap.is_zero()).then(|| now + TimeDelta::from_std(overlap).unwrap_or_default());
        let rotated = self.store.rotate_webhook(&of, &secret, until, now).await?;
        Ok((rotated.ok_or_else(|| no_endpoint(id))?, secret))
    }

    /// Sends a test event.
    pub async fn test(&self, by: Asker, id: EndpointId) -> Result<Told> {
        let of = self.get(by, id).await?;
        let now = self.clock.now();
        let data = json!({ "endpoint_id": of.id.0, "message": "A test event of AuraReels." });
        let body = body(TEST_EVENT, now, data, None);
        let made = self.store.test_webhook(id, &new_webhook_id(), body, now).await?;
        let made = made.ok_or_else(|| is_off(id))?;
        self.wake.notify_one();
        self.store.webhook_delivery(made).await?.ok_or_else(|| no_delivery(made))
    }

    /// Deliveries of an endpoint.
    pub async fn deliveries(
        &self,
        by: Asker,
        id: EndpointId,
        status: Option<DeliveryStatus>,
        page_size: u32,
        page_token: Option<&str>,
    ) -> Result<DeliveryPage> {
        self.get(by, id).await?;
        let before = page_token.map_or(Ok(i64::MAX), |token| read_token(token, id))?;
        let mut deliveries = self.store.webhook_deliveries(id, status, before, page_size + 1).await?;
        let has_more = deliveries.len() > page_size as usize;
        deliveries.truncate(page_size as usize);
        let next_page_token = deliveries.last().filter(|_| has_more).map(token_after);
        Ok(DeliveryPage { deliveries, next_page_token })
    }

    /// A delivery with its body and all attempts.
    pub async fn delivery(&self, by: Asker, id: DeliveryId) -> Result<Told> {
        let found = self.store.webhook_delivery(id).await?.ok_or_else(|| no_delivery(id))?;
        self.get(by, found.delivery.endpoint).await.map_err(|error| match error {
            Error::NotFound { .. } => no_delivery(id),
            other => other,
        })?;
        Ok(found)
    }

    /// Sends a delivery once more, or earlier.
    pub async fn redeliver(&self, by: Asker, id: DeliveryId) -> Result<Told> {
        let of = self.delivery(by, id).await?.delivery;
        match self.store.deliver_webhook_again(id, self.clock.now()).await? {
            Asked::Due => {}
            Asked::Gone => return Err(no_delivery(id)),
            Asked::Off => return Err(is_off(of.endpoint)),
            Asked::WaitsForTurn => {
                return Err(Error::Precondition {
                    reason: Reason::WebhookWaits,
                    subject: format!("webhook delivery {}", id.0),
                    message: format!("webhook delivery {} waits for an earlier event of its post", id.0),
                    remedy: "ask for the earliest delivery of that post that is still pending".to_owned(),
                });
            }
        }
        self.wake.notify_one();
        self.delivery(by, id).await
    }

    fn url_refused(&self, text: &str) -> Option<Broken> {
        let remedy = "give an address that everybody can reach, such as https://example.org/hooks/aurareels";
        if text.len() > MAX_URL {
            return Some(wrong("url", format!("{} bytes", text.len()), "must have 2000 bytes at most", remedy));
        }
        let Ok(url) = text.parse::<Url>() else {
            return Some(wrong("url", "no address".to_owned(), "must be a whole address", remedy));
        };
        let why = outgoing::refusal(&url, self.allow_private)?;
        // The rest of it may hold a secret.
        Some(wrong("url", format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()), why, remedy))
    }
}

fn description_refused(text: &str) -> Option<Broken> {
    let measured = format!("{} bytes", text.len());
    (text.len() > MAX_DESCRIPTION).then(|| wrong("description", measured, "must have 500 bytes at most", "shorten it"))
}

fn types_refused(types: &[String]) -> Option<Broken> {
    let unknown = types.iter().find(|word| !EVENT_TYPES.contains(&word.as_str()))?;
    let limit = format!("must name types of events: {}", EVENT_TYPES.join(", "));
    Some(wrong("event_types", unknown.chars().take(64).collect(), &limit, "use these words, or none for all"))
}

fn token_after(last: &Delivery) -> String {
    URL_SAFE_NO_PAD.encode([last.endpoint.0.to_be_bytes(), last.id.0.to_be_bytes()].concat())
}

fn read_token(text: &str, of: EndpointId) -> Result<i64> {
    let bytes: Option<[u8; 16]> = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    let parts = bytes.as_ref().and_then(|bytes| Some((bytes.first_chunk::<8>()?, bytes.last_chunk::<8>()?)));
    match parts {
        Some((endpoint, before)) if i64::from_be_bytes(*endpoint) == of.0 => Ok(i64::from_be_bytes(*before)),
        _ => {
            let remedy = "use next_page_token of the page before, or leave it out";
            let broken = wrong("page_token", "not of this list".to_owned(), "must be a token of this list", remedy);
            Err(Error::Invalid { reason: Reason::InvalidField, broken: vec![broken] })
        }
    }
}

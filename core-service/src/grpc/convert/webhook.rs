//! webhook.proto and webhook_service.proto.

use std::time::Duration;

use aurareels_proto::v1;

use super::{Shape, given, or_empty, timestamp};
use crate::{
    app::{Result, webhooks::OVERLAP},
    domain::{
        ids::{DeliveryId, EndpointId},
        platform::Platform,
        webhook::{Delivery, DeliveryStatus, Endpoint, EventFilter, Try},
    },
    store::webhooks::{EndpointChange, EndpointInput, log::Told},
};

/// Deliveries a page when nothing else is asked for.
const PAGE: u32 = 50;

/// An endpoint.
pub(crate) fn endpoint(endpoint: Endpoint) -> v1::WebhookEndpoint {
    let (reason, since) = endpoint.disabled.map(|(reason, since)| (reason.as_str(), since)).unzip();
    v1::WebhookEndpoint {
        id: endpoint.id.0,
        wp_user_id: endpoint.wp_user_id.0,
        url: endpoint.url,
        description: endpoint.description,
        event_types: endpoint.filter.types,
        platforms: endpoint.filter.platforms.iter().map(|platform| platform.number()).collect(),
        is_active: reason.is_none(),
        disabled_reason: or_empty(reason.map(str::to_owned)),
        disabled_at: since.map(timestamp),
        failing_since: endpoint.failing_since.map(timestamp),
        old_secret_expires_at: endpoint.old_secret_expires_at.map(timestamp),
        created_at: Some(timestamp(endpoint.created_at)),
        updated_at: Some(timestamp(endpoint.updated_at)),
    }
}

fn status(status: DeliveryStatus) -> v1::WebhookDeliveryStatus {
    match status {
        DeliveryStatus::Pending => v1::WebhookDeliveryStatus::Pending,
        DeliveryStatus::Delivered => v1::WebhookDeliveryStatus::Delivered,
        DeliveryStatus::Failed => v1::WebhookDeliveryStatus::Failed,
    }
}

fn tried(tried: Try) -> v1::WebhookTry {
    v1::WebhookTry {
        number: tried.number,
        sent_at: Some(timestamp(tried.sent_at)),
        duration_ms: tried.duration_ms,
        status_code: tried.status_code.unwrap_or_default(),
        answer: tried.answer,
        error: tried.error,
    }
}

/// A delivery of a list.
pub(crate) fn delivery(delivery: Delivery) -> v1::WebhookDelivery {
    v1::WebhookDelivery {
        id: delivery.id.0,
        endpoint_id: delivery.endpoint.0,
        webhook_id: delivery.webhook_id,
        event_type: delivery.event_type,
        event_sequence: delivery.event_sequence.map_or(0, |sequence| sequence.0),
        post_id: delivery.post_id.map_or(0, |id| id.0),
        account_id: delivery.account_id.map_or(0, |id| id.0),
        status: status(delivery.status).into(),
        next_try_at: delivery.next_attempt_at.map(timestamp),
        try_count: delivery.tries,
        tries: Vec::new(),
        body: String::new(),
        last_try: delivery.last_try.map(tried),
        created_at: Some(timestamp(delivery.created_at)),
        ended_at: delivery.ended_at.map(timestamp),
    }
}

/// A delivery with its request and its tries.
pub(crate) fn told(told: Told) -> v1::WebhookDelivery {
    let tries = told.tries.into_iter().map(tried).collect();
    v1::WebhookDelivery { tries, body: told.body, ..delivery(told.delivery) }
}

/// An endpoint's id.
pub(crate) fn endpoint_id(id: i64) -> Result<EndpointId> {
    let mut shape = Shape::default();
    let id = EndpointId(shape.id("id", id));
    shape.finish(id)
}

/// A delivery's id.
pub(crate) fn delivery_id(id: i64) -> Result<DeliveryId> {
    let mut shape = Shape::default();
    let id = DeliveryId(shape.id("id", id));
    shape.finish(id)
}

fn platforms(shape: &mut Shape, numbers: &[i32]) -> Vec<Platform> {
    let mut platforms = Vec::with_capacity(numbers.len());
    for number in numbers {
        match Platform::of_number(*number) {
            Some(platform) if !platforms.contains(&platform) => platforms.push(platform),
            Some(_) => {}
            None => shape.unknown("platforms", *number),
        }
    }
    platforms
}

fn types(mut types: Vec<String>) -> Vec<String> {
    types.sort_unstable();
    types.dedup();
    types
}

/// CreateWebhookEndpoint.
pub(crate) fn create(request: v1::CreateWebhookEndpointRequest) -> Result<EndpointInput> {
    let mut shape = Shape::default();
    let input = EndpointInput {
        url: shape.text("url", request.url),
        description: request.description,
        filter: EventFilter { types: types(request.event_types), platforms: platforms(&mut shape, &request.platforms) },
    };
    shape.finish(input)
}

/// UpdateWebhookEndpoint.
pub(crate) fn update(request: v1::UpdateWebhookEndpointRequest) -> Result<(EndpointId, EndpointChange)> {
    let mut shape = Shape::default();
    let id = EndpointId(shape.id("id", request.id));
    let fields = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
    let known = "url, description, event_types, platforms, is_active";
    if fields.is_empty() {
        shape.wrong("update_mask", "", known, "name the fields to change, such as url");
    }
    let mut change = EndpointChange::default();
    for field in fields {
        match field.as_str() {
            "url" => change.url = Some(shape.text("url", request.url.clone())),
            "description" => change.description = Some(request.description.clone()),
            "event_types" => change.types = Some(types(request.event_types.clone())),
            "platforms" => change.platforms = Some(platforms(&mut shape, &request.platforms)),
            "is_active" => change.is_active = Some(request.is_active),
            other => shape.wrong("update_mask", other, known, "name fields of the request"),
        }
    }
    shape.finish((id, change))
}

/// RotateWebhookSecret.
pub(crate) fn rotate(request: v1::RotateWebhookSecretRequest) -> Result<(EndpointId, Duration)> {
    let mut shape = Shape::default();
    let id = EndpointId(shape.id("id", request.id));
    let overlap = match request.overlap {
        None => OVERLAP,
        Some(span) => Duration::try_from(span).unwrap_or_else(|_| {
            shape.wrong("overlap", "negative", "a span of 0 to 7 days", "leave it out for 24 hours");
            OVERLAP
        }),
    };
    shape.finish((id, overlap))
}

/// ListWebhookDeliveries.
pub(crate) struct List {
    pub(crate) endpoint: EndpointId,
    pub(crate) status: Option<DeliveryStatus>,
    pub(crate) page_size: u32,
    pub(crate) page_token: Option<String>,
}

/// ListWebhookDeliveries.
pub(crate) fn list(request: v1::ListWebhookDeliveriesRequest) -> Result<List> {
    let mut shape = Shape::default();
    let status = match shape.value::<v1::WebhookDeliveryStatus>("status", request.status) {
        Some(v1::WebhookDeliveryStatus::Pending) => Some(DeliveryStatus::Pending),
        Some(v1::WebhookDeliveryStatus::Delivered) => Some(DeliveryStatus::Delivered),
        Some(v1::WebhookDeliveryStatus::Failed) => Some(DeliveryStatus::Failed),
        Some(v1::WebhookDeliveryStatus::Unspecified) | None => None,
    };
    let list = List {
        endpoint: EndpointId(shape.id("endpoint_id", request.endpoint_id)),
        status,
        page_size: shape.page_size(request.page_size, PAGE),
        page_token: given(request.page_token),
    };
    shape.finish(list)
}

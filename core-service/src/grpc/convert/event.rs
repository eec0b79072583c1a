//! event.proto.

use aurareels_proto::v1;

use super::{post, timestamp};
use crate::domain::event::{Event, EventKind};

/// What an event tells.
pub(crate) fn kind(kind: EventKind) -> v1::EventType {
    match kind {
        EventKind::PostCreated => v1::EventType::PostCreated,
        EventKind::PostUpdated => v1::EventType::PostUpdated,
        EventKind::PostStatusChanged => v1::EventType::PostStatusChanged,
        EventKind::PostDeleted => v1::EventType::PostDeleted,
        EventKind::PostDetails => v1::EventType::PostDetails,
        EventKind::AccountConnected => v1::EventType::AccountConnected,
        EventKind::AccountNeedsReconnect => v1::EventType::AccountNeedsReconnect,
        EventKind::AccountDisconnected => v1::EventType::AccountDisconnected,
        EventKind::WebhookDisabled => v1::EventType::WebhookDisabled,
    }
}

/// The stored kind of a type; `None` for those that are not stored.
pub(crate) fn stored_kind(wire: v1::EventType) -> Option<EventKind> {
    EventKind::ALL.into_iter().find(|stored| kind(*stored) == wire)
}

/// An event, with the post or account as it is now.
pub(crate) fn event(stored: Event, post_now: Option<v1::Post>, account_now: Option<v1::Account>) -> v1::Event {
    let event = stored.event;
    let status = |status: Option<_>| status.map_or(v1::PostStatus::Unspecified, post::status).into();
    v1::Event {
        sequence: stored.sequence.0,
        r#type: kind(event.kind).into(),
        created_at: Some(timestamp(stored.created_at)),
        post_id: event.post_id.map_or(0, |id| id.0),
        account_id: event.account_id.map_or(0, |id| id.0),
        previous_status: status(event.previous_status),
        status: status(event.status),
        post: post_now,
        account: account_now,
        reason: event.reason.unwrap_or_default(),
        wp_user_id: event.wp_user_id.0,
        webhook_id: event.webhook_id.map_or(0, |id| id.0),
    }
}

//! Events as stored in the outbox: each change of state has exactly one event, in commit order.

use chrono::{DateTime, Utc};

use super::{
    ids::EndpointId,
    ids::{AccountId, PostId, Sequence, UserId},
    platform::UnknownValue,
    post::Status,
};

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A post was created.
    PostCreated,
    /// A draft or scheduled post was edited or rescheduled.
    PostUpdated,
    /// A post's status changed.
    PostStatusChanged,
    /// A draft was deleted.
    PostDeleted,
    /// New details of a live post are known.
    PostDetails,
    /// An account was connected or connected again.
    AccountConnected,
    /// An account's login needs its owner.
    AccountNeedsReconnect,
    /// An account was disconnected.
    AccountDisconnected,
    /// A webhook endpoint was switched off because it does not work.
    WebhookDisabled,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::PostCreated,
        Self::PostUpdated,
        Self::PostStatusChanged,
        Self::PostDeleted,
        Self::PostDetails,
        Self::AccountConnected,
        Self::AccountNeedsReconnect,
        Self::AccountDisconnected,
        Self::WebhookDisabled,
    ];

    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PostCreated => "post.created",
            Self::PostUpdated => "post.updated",
            Self::PostStatusChanged => "post.status_changed",
            Self::PostDeleted => "post.deleted",
            Self::PostDetails => "post.details",
            Self::AccountConnected => "account.connected",
            Self::AccountNeedsReconnect => "account.needs_reconnect",
            Self::AccountDisconnected => "account.disconnected",
            Self::WebhookDisabled => "webhook.disabled",
        }
    }
}

impl std::str::FromStr for EventKind {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownValue { kind: "event kind", value: text.to_owned() })
    }
}

/// An event to be written together with its change.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Whose it is.
    pub wp_user_id: UserId,
    /// What happened.
    pub kind: EventKind,
    /// The post, for post events.
    pub post_id: Option<PostId>,
    /// The account.
    pub account_id: Option<AccountId>,
    /// The webhook endpoint, for events about one.
    pub webhook_id: Option<EndpointId>,
    /// The status before, for status changes.
    pub previous_status: Option<Status>,
    /// The status at the event, for post events.
    pub status: Option<Status>,
    /// The reason, where there is one.
    pub reason: Option<String>,
}

/// A stored event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its position.
    pub sequence: Sequence,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// What it tells.
    pub event: NewEvent,
}

//! A connected platform account, without its tokens: those stay sealed in the store and are opened only where a request
//! is about to be made.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    ids::{AccountId, UserId},
    platform::{LoginFlavour, Platform, UnknownValue},
};

/// How well the login works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It works.
    Ok,
    /// It expires soon and only the owner can renew it.
    Expiring,
    /// The platform refuses it.
    NeedsReconnect,
}

impl Health {
    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Expiring => "expiring",
            Self::NeedsReconnect => "needs_reconnect",
        }
    }
}

impl FromStr for Health {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "ok" => Ok(Self::Ok),
            "expiring" => Ok(Self::Expiring),
            "needs_reconnect" => Ok(Self::NeedsReconnect),
            _ => Err(UnknownValue { kind: "account health", value: text.to_owned() }),
        }
    }
}

/// A connected platform account.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Our id.
    pub id: AccountId,
    /// The user who owns the connection.
    pub wp_user_id: UserId,
    /// The platform.
    pub platform: Platform,
    /// The login that connected it.
    pub login_flavour: LoginFlavour,
    /// The platform's id of the account.
    pub account_id: String,
    /// Display name.
    pub account_name: String,
    /// Handle without "@".
    pub account_username: Option<String>,
    /// E-mail, if the platform reports it.
    pub account_email: Option<String>,
    /// Picture; platform links are short-lived.
    pub profile_picture_url: Option<String>,
    /// When the access token ends; `None` when it has no known end.
    pub token_expires_at: Option<DateTime<Utc>>,
    /// When the refresh token ends, where there is one with a known end.
    pub refresh_token_expires_at: Option<DateTime<Utc>>,
    /// Granted scopes.
    pub token_scope: Vec<String>,
    /// False once disconnected.
    pub is_active: bool,
    /// When the token was last refreshed.
    pub last_token_refresh: Option<DateTime<Utc>>,
    /// Rises with every stored token: two refreshes cannot overwrite each other.
    pub token_version: i64,
    /// How well the login works.
    pub health: Health,
    /// Why it is not `Ok`, for people.
    pub health_reason: Option<String>,
    /// Identity of the grant at the platform (the Facebook user): accounts of one grant share revocation.
    pub grant_id: Option<String>,
    /// Further data from the platform, and what its client needs (`page_id`).
    pub metadata: Value,
    /// Until when posts wait because the platform refused one for quota.
    pub quota_blocked_until: Option<DateTime<Utc>>,
    /// First connected.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

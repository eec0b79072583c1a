//! Tokens of an account as they are stored: each column sealed for its own place, opened only here.

use chrono::{DateTime, Utc};

use super::{Result, db::Row};
use crate::{
    domain::{account::Account, ids::UserId, platform::Platform},
    secret::{Binding, KeyRing, Secret},
};

/// Writes tokens anew that did not change, as by another key.
pub(super) const REWRITE: &str = "UPDATE aurareels_social_accounts SET access_token = ?, refresh_token = ?, \
     grant_token = ?, token_format = 'v1' WHERE id = ? AND token_version = ? AND access_token = ?";

/// Opened tokens with their life.
#[derive(Clone)]
pub struct Login {
    /// The access token.
    pub access: Secret,
    /// The refresh token, where there is one.
    pub refresh: Option<Secret>,
    /// The token of the grant behind it, where there is one.
    pub grant: Option<Secret>,
    /// When the access token ends; `None` when it has no known end.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the refresh token ends.
    pub refresh_expires_at: Option<DateTime<Utc>>,
    /// Life of the access token when it was issued, where its end is known.
    pub lifetime_seconds: Option<i64>,
    /// When the login is to be refreshed although nobody uses it.
    pub refresh_due_at: Option<DateTime<Utc>>,
    /// Granted scopes; empty when the platform did not tell.
    pub scope: Vec<String>,
}

/// The sealed form of a [`Login`].
pub(super) struct SealedLogin {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    pub(super) grant: Option<String>,
}

impl Login {
    pub(super) fn seal(&self, keys: &KeyRing, user: UserId, platform: Platform, account_id: &str) -> SealedLogin {
        let seal = |column: Column, secret: &Secret| keys.seal(&column.of(user, platform, account_id), secret.expose());
        let filled = |secret: &Option<Secret>| secret.as_ref().filter(|secret| !secret.is_empty()).cloned();
        SealedLogin {
            access: seal(Column::Access, &self.access),
            refresh: filled(&self.refresh).map(|secret| seal(Column::Refresh, &secret)),
            grant: filled(&self.grant).map(|secret| seal(Column::Grant, &secret)),
        }
    }
}

/// A column that holds a sealed token.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Access,
    Refresh,
    Grant,
}

impl Column {
    pub(super) const ALL: [Self; 3] = [Self::Access, Self::Refresh, Self::Grant];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
            Self::Grant => "grant_token",
        }
    }

    pub(super) fn of(self, user: UserId, platform: Platform, account_id: &str) -> Binding {
        Binding::account_token(user.0, platform.as_str(), account_id, self.name())
    }

    /// Opens the column of a row; `None` when it is empty.
    pub(super) fn open(self, keys: &KeyRing, row: &Row, of: &Account) -> Result<Option<Secret>> {
        let Some(sealed) = row.opt_text(self.name())?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let opened = match row.text("token_format")?.as_str() {
            "legacy" => keys.open_legacy(&sealed)?,
            _ => keys.open(&self.of(of.wp_user_id, of.platform, &of.account_id), &sealed)?,
        };
        Ok(Some(opened))
    }

    /// Seals a token anew for its place.
    pub(super) fn reseal(self, keys: &KeyRing, secret: &Secret, of: &Account) -> String {
        keys.seal(&self.of(of.wp_user_id, of.platform, &of.account_id), secret.expose())
    }
}

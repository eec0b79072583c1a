//! Accounts as rows: their columns, reading them, and the event of their change.
//!
//! Expected failure: a row that this release cannot read ([`super::Error::Unreadable`]) holds up none of the others.

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use tracing::warn;

use super::{
    Result,
    db::{Row, Tx},
    events,
};
use crate::{
    domain::{
        account::Account,
        event::{EventKind, NewEvent},
        failure::{Reason, describe},
        ids::{AccountId, UserId},
    },
    params,
};

/// The columns of an [`Account`], in one place.
macro_rules! account_columns {
    () => {
        "id, wp_user_id, platform, login_flavour, account_id, account_name, account_username, account_email, \
         profile_picture_url, token_expires_at, refresh_token_expires_at, token_scope, is_active, last_token_refresh, \
         token_version, health, health_reason, grant_id, metadata, quota_blocked_until, created_at, updated_at"
    };
}
pub(super) use account_columns;

pub(super) const BY_ID: &str = concat!("SELECT ", account_columns!(), " FROM aurareels_social_accounts WHERE id = ?");

/// Reads an account from a row with [`account_columns`]. [`Error::Unreadable`] where this release cannot read it.
pub(super) fn account(row: &Row) -> Result<Account> {
    let name = || row.int("id").map_or_else(|_| "an account".to_owned(), |id| format!("account {id}"));
    read(row).map_err(|error| error.of_row(name))
}

/// The accounts among some rows that can be read: one that cannot holds up none of the others.
pub(super) fn readable(rows: &[Row]) -> Result<Vec<Account>> {
    let mut accounts = Vec::with_capacity(rows.len());
    for row in rows {
        match account(row) {
            Ok(account) => accounts.push(account),
            Err(error) if error.is_about_data() => warn!(error = %describe(&error), "an account is left out"),
            Err(error) => return Err(error),
        }
    }
    Ok(accounts)
}

fn read(row: &Row) -> Result<Account> {
    Ok(Account {
        id: AccountId(row.int("id")?),
        wp_user_id: UserId(row.int("wp_user_id")?),
        platform: row.word("platform")?,
        login_flavour: row.word("login_flavour")?,
        account_id: row.text("account_id")?,
        account_name: row.text("account_name")?,
        account_username: row.opt_text("account_username")?,
        account_email: row.opt_text("account_email")?,
        profile_picture_url: row.opt_text("profile_picture_url")?,
        token_expires_at: row.opt_time("token_expires_at")?,
        refresh_token_expires_at: row.opt_time("refresh_token_expires_at")?,
        token_scope: scopes(&row.opt_text("token_scope")?.unwrap_or_default()),
        is_active: row.flag("is_active")?,
        last_token_refresh: row.opt_time("last_token_refresh")?,
        token_version: row.int("token_version")?,
        health: row.word("health")?,
        health_reason: row.opt_text("health_reason")?,
        grant_id: row.opt_text("grant_id")?,
        metadata: row.opt_json("metadata")?.unwrap_or(Json::Null),
        quota_blocked_until: row.opt_time("quota_blocked_until")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Scopes of the stored, comma separated form. The original stored them as the platform told them, also with spaces.
fn scopes(text: &str) -> Vec<String> {
    text.split([',', ' ']).map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

/// Reads an account inside a transaction.
pub(super) async fn by_id(tx: &mut Tx, id: AccountId) -> Result<Option<Account>> {
    tx.fetch_optional(BY_ID, &params![id]).await?.as_ref().map(account).transpose()
}

/// Reads an account that this transaction has just written.
pub(super) async fn reread(tx: &mut Tx, id: AccountId) -> Result<Account> {
    by_id(tx, id).await?.ok_or_else(|| super::Error::Corrupt(format!("account {id} is gone")))
}

/// Writes an account's event into the transaction of its change.
pub(super) async fn account_event(
    tx: &mut Tx,
    kind: EventKind,
    of: &Account,
    reason: Option<Reason>,
    now: DateTime<Utc>,
) -> Result<()> {
    let event = NewEvent {
        wp_user_id: of.wp_user_id,
        kind,
        post_id: None,
        account_id: Some(of.id),
        webhook_id: None,
        previous_status: None,
        status: None,
        reason: reason.map(|reason| reason.as_str().to_owned()),
    };
    events::append(tx, &event, now).await
}

//! The tokens of accounts at rest, and who may refresh them.
//!
//! Guaranteed:
//! - Tokens are sealed to their place (user, platform, account, column). A value in the original's format is read only
//!   from a row that an import marked as legacy, and the row is rewritten by the first read.
//! - New tokens are stored only over the version they were made from ([`Store::store_refreshed`]): two refreshes, or a
//!   refresh and a new login, cannot overwrite each other. A part that a refresh did not bring (a refresh token that
//!   stays the same) is kept; nothing is ever blanked but by disconnecting.
//! - One holder at a time may refresh an account, across all replicas: a claim with an end, taken in one write. It saves
//!   work; what keeps the tokens right is the version.
//! - `refresh_started_at` stands from before a refresh is sent until its answer is stored or known to have changed
//!   nothing: a holder that finds it set knows that an answer may have been lost.
//!
//! Expected failure: [`super::Error::Secret`] when a stored token cannot be opened. It says nothing about the login.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{
    Result, Store,
    account_rows::{account, account_columns, account_event, by_id, readable, reread},
    db::{Row, in_list},
    encryption_keys,
    logins::{Column, Login, REWRITE, SealedLogin},
    posts,
};
use crate::{
    domain::{
        account::{Account, Health},
        event::EventKind,
        failure::Reason,
        ids::AccountId,
    },
    params,
    secret::KeyRing,
};

const LOAD: &str = concat!(
    "SELECT ",
    account_columns!(),
    ", access_token, refresh_token, grant_token, token_format, token_lifetime_seconds, refresh_started_at \
     FROM aurareels_social_accounts WHERE id IN "
);
const CLAIM: &str = "UPDATE aurareels_social_accounts SET refresh_claim_token = ?, refresh_claim_expires_at = ? \
     WHERE id = ? AND token_version = ? AND is_active = 1 \
     AND (refresh_claim_token IS NULL OR refresh_claim_expires_at <= ?)";
const CLAIM_STATE: &str =
    "SELECT token_version, is_active, refresh_claim_expires_at FROM aurareels_social_accounts WHERE id = ?";
const START: &str =
    "UPDATE aurareels_social_accounts SET refresh_started_at = ? WHERE id = ? AND refresh_claim_token = ?";
const RELEASE: &str = "UPDATE aurareels_social_accounts SET refresh_claim_token = NULL, refresh_claim_expires_at = NULL \
     WHERE id = ? AND refresh_claim_token = ?";
const RELEASE_ANSWERED: &str = "UPDATE aurareels_social_accounts SET refresh_claim_token = NULL, \
     refresh_claim_expires_at = NULL, refresh_started_at = NULL WHERE id = ? AND refresh_claim_token = ?";
const STORE: &str = "UPDATE aurareels_social_accounts SET access_token = ?, refresh_token = COALESCE(?, refresh_token), \
     grant_token = COALESCE(?, grant_token), token_expires_at = ?, \
     refresh_token_expires_at = COALESCE(?, refresh_token_expires_at), token_lifetime_seconds = ?, refresh_due_at = ?, \
     token_scope = COALESCE(?, token_scope), token_version = token_version + 1, token_format = 'v1', \
     last_token_refresh = ?, refresh_claim_token = NULL, refresh_claim_expires_at = NULL, refresh_started_at = NULL, \
     health_reason = CASE WHEN health = 'ok' THEN health_reason ELSE NULL END, health = 'ok', updated_at = ? \
     WHERE id = ? AND token_version = ? AND is_active = 1";
const DUE: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM aurareels_social_accounts WHERE refresh_due_at <= ? ORDER BY refresh_due_at LIMIT ?"
);
const SET_DUE: &str = "UPDATE aurareels_social_accounts SET refresh_due_at = ? WHERE id = ? AND token_version = ?";

/// An account with what is stored of its login.
#[derive(Clone)]
pub struct StoredLogin {
    /// The account.
    pub account: Account,
    /// Its tokens; `None` once they were wiped.
    pub login: Option<Login>,
    /// A refresh was sent and its answer was never stored.
    pub refresh_started_at: Option<DateTime<Utc>>,
}

fn is_legacy(row: &Row) -> Result<bool> {
    Ok(row.text("token_format")? == "legacy")
}

/// A row of [`LOAD`] with its tokens opened.
fn opened(keys: &KeyRing, row: &Row) -> Result<StoredLogin> {
    let of = account(row)?;
    let refresh_started_at = row.opt_time("refresh_started_at")?;
    let Some(access) = Column::Access.open(keys, row, &of)? else {
        return Ok(StoredLogin { account: of, login: None, refresh_started_at });
    };
    let login = Login {
        access,
        refresh: Column::Refresh.open(keys, row, &of)?,
        grant: Column::Grant.open(keys, row, &of)?,
        expires_at: of.token_expires_at,
        refresh_expires_at: of.refresh_token_expires_at,
        lifetime_seconds: row.opt_int("token_lifetime_seconds")?,
        refresh_due_at: None,
        scope: of.token_scope.clone(),
    };
    Ok(StoredLogin { account: of, login: Some(login), refresh_started_at })
}

/// What trying to get the right to refresh brought.
#[derive(Debug, PartialEq, Eq)]
pub enum RefreshClaim {
    /// It is ours.
    Won,
    /// Somebody else refreshes.
    Busy {
        /// When their claim ends at the latest.
        until: DateTime<Utc>,
    },
    /// The tokens were replaced or wiped meanwhile: read them again.
    Changed,
}

impl Store {
    /// An account with its opened tokens. A row in the original's format is rewritten by its first read.
    pub async fn account_login(&self, id: AccountId) -> Result<Option<StoredLogin>> {
        let sql = format!("{LOAD}(?)");
        let Some(row) = self.db.read().await?.fetch_optional(&sql, &params![id]).await? else { return Ok(None) };
        let stored = opened(&self.keys(), &row)?;
        if let Some(login) = &stored.login
            && is_legacy(&row)?
        {
            self.rewrite_login(&stored.account, login, row.text("access_token")?).await?;
        }
        Ok(Some(stored))
    }

    /// Accounts with their opened tokens, read at once. Those that need more than reading (an old format, a token that
    /// cannot be opened) are left out: [`Self::account_login`] does that, or says why not.
    pub async fn account_logins(&self, ids: &[AccountId]) -> Result<HashMap<AccountId, StoredLogin>> {
        let mut found = HashMap::new();
        if !ids.is_empty() {
            let (keys, (marks, values)) = (self.keys(), in_list(ids));
            for row in &self.db.read().await?.fetch_all(&format!("{LOAD}({marks})"), &values).await? {
                if !is_legacy(row).unwrap_or(true)
                    && let Ok(stored) = opened(&keys, row)
                {
                    found.insert(stored.account.id, stored);
                }
            }
        }
        Ok(found)
    }

    /// Seals the tokens of a row anew, if they are still those that were read. True when they were.
    pub(super) async fn rewrite_login(&self, of: &Account, login: &Login, read_access: String) -> Result<bool> {
        let keys = self.keys();
        let sealed = login.seal(&keys, of.wp_user_id, of.platform, &of.account_id);
        let (id, version, now) = (of.id, of.token_version, self.clock.now());
        self.db
            .write(async move |tx| {
                encryption_keys::note_key(tx, &keys, now).await?;
                let SealedLogin { access, refresh, grant } = &sealed;
                let values = params![access, refresh.as_deref(), grant.as_deref(), id, version, &read_access];
                Ok(tx.execute(REWRITE, &values).await? > 0)
            })
            .await
    }

    /// Asks for the right to refresh the tokens of this version until `until`.
    pub async fn claim_refresh(
        &self,
        id: AccountId,
        version: i64,
        holder: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<RefreshClaim> {
        let holder = holder.to_owned();
        self.db
            .write(async move |tx| {
                if tx.execute(CLAIM, &params![&holder, until, id, version, now]).await? > 0 {
                    return Ok(RefreshClaim::Won);
                }
                let Some(row) = tx.fetch_optional(CLAIM_STATE, &params![id]).await? else {
                    return Ok(RefreshClaim::Changed);
                };
                if row.int("token_version")? != version || !row.flag("is_active")? {
                    return Ok(RefreshClaim::Changed);
                }
                Ok(RefreshClaim::Busy { until: row.opt_time("refresh_claim_expires_at")?.unwrap_or(now) })
            })
            .await
    }

    /// Notes that a refresh is about to be sent. False when the claim is gone: then nothing may be sent.
    pub async fn mark_refresh_started(&self, id: AccountId, holder: &str, now: DateTime<Utc>) -> Result<bool> {
        let holder = holder.to_owned();
        self.db.write(async move |tx| Ok(tx.execute(START, &params![now, id, &holder]).await? > 0)).await
    }

    /// Gives the right to refresh back without new tokens. `answered`: no answer is missing, the stored tokens are the
    /// ones the platform knows.
    pub async fn release_refresh(&self, id: AccountId, holder: &str, answered: bool) -> Result<()> {
        let holder = holder.to_owned();
        let sql = if answered { RELEASE_ANSWERED } else { RELEASE };
        self.db
            .write(async move |tx| {
                tx.execute(sql, &params![id, &holder]).await?;
                Ok(())
            })
            .await
    }

    /// Stores refreshed tokens over the version they were made from, whoever holds the claim now. The login works
    /// again: waiting posts go on. `None` when other tokens were stored meanwhile, or the account was disconnected.
    pub async fn store_refreshed(&self, seen: &Account, login: &Login, now: DateTime<Utc>) -> Result<Option<Account>> {
        let keys = self.keys();
        let sealed = login.seal(&keys, seen.wp_user_id, seen.platform, &seen.account_id);
        let scope = (!login.scope.is_empty()).then(|| login.scope.join(","));
        let values = params![
            &sealed.access,
            sealed.refresh.as_deref(),
            sealed.grant.as_deref(),
            login.expires_at,
            login.refresh_expires_at,
            login.lifetime_seconds,
            login.refresh_due_at,
            scope.as_deref(),
            now,
            now,
            seen.id,
            seen.token_version,
        ];
        let (id, version) = (seen.id, seen.token_version);
        self.db
            .write(async move |tx| {
                let Some(before) = by_id(tx, id).await? else { return Ok(None) };
                if before.token_version != version || tx.execute(STORE, &values).await? == 0 {
                    return Ok(None);
                }
                encryption_keys::note_key(tx, &keys, now).await?;
                let after = reread(tx, id).await?;
                if before.health == Health::NeedsReconnect {
                    account_event(tx, EventKind::AccountConnected, &after, Some(Reason::AccountNeedsReconnect), now)
                        .await?;
                    posts::wake_account(tx, id, now).await?;
                }
                Ok(Some(after))
            })
            .await
    }

    /// Accounts whose login would end if nobody refreshed it, the most urgent first.
    pub async fn accounts_due_for_refresh(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<Account>> {
        readable(&self.db.read().await?.fetch_all(DUE, &params![now, i64::from(limit)]).await?)
    }

    /// Sets when an unused login is to be refreshed next, if its tokens are still those that were seen.
    pub async fn set_refresh_due(&self, seen: &Account, due: Option<DateTime<Utc>>) -> Result<()> {
        let (id, version) = (seen.id, seen.token_version);
        self.db
            .write(async move |tx| {
                tx.execute(SET_DUE, &params![due, id, version]).await?;
                Ok(())
            })
            .await
    }
}

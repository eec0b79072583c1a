//! Webhook endpoints as rows. Events become deliveries in `fan_out`, deliveries are claimed and settled in `sending`,
//! listed and removed in `log`; `turns` says whose turn it is.
//!
//! Guaranteed: an endpoint's secrets are sealed, and read by `sending` alone; a user's address is there once; an endpoint
//! that is switched on gets what happens from then on.

pub mod fan_out;
pub mod log;
mod rows;
pub mod sending;
#[cfg(test)]
pub(super) mod tests;
mod turns;

use chrono::{DateTime, Utc};

use super::{
    Error, Result, Store,
    db::{Row, Tx, Value, in_list},
    encryption_keys::{note_key, webhook_secret},
    events,
};
use crate::{
    domain::{
        event::{EventKind, NewEvent},
        ids::{EndpointId, UserId},
        platform::Platform,
        webhook::{Disabled, Endpoint, EventFilter},
    },
    params,
    secret::Secret,
};

macro_rules! endpoint_columns {
    () => {
        "id, wp_user_id, url, description, kinds, platforms, is_active, disabled_reason, disabled_at, failing_since, \
         old_secret_until, created_at, updated_at"
    };
}
use endpoint_columns;

const BY_ID: &str =
    concat!("SELECT ", endpoint_columns!(), " FROM aurareels_webhook_endpoints WHERE id = ? AND deleted_at IS NULL");
// At most `MOST` of each.
const OF_USER: &str = concat!(
    "SELECT ",
    endpoint_columns!(),
    " FROM aurareels_webhook_endpoints WHERE wp_user_id = ? AND deleted_at IS NULL ORDER BY id LIMIT 1000"
);
const INSERT: &str = "INSERT INTO aurareels_webhook_endpoints (wp_user_id, url, description, kinds, platforms, secret, \
     events_after, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
const UPDATE: &str = "UPDATE aurareels_webhook_endpoints SET url = ?, description = ?, kinds = ?, platforms = ?, \
     updated_at = ? WHERE id = ?";
const SWITCH_ON: &str = "UPDATE aurareels_webhook_endpoints SET is_active = 1, disabled_reason = NULL, disabled_at = NULL, \
     failing_since = NULL, failures = 0, paused_until = NULL, events_after = ? WHERE id = ?";
const SWITCH_OFF: &str = "UPDATE aurareels_webhook_endpoints SET is_active = 0, disabled_reason = ?, disabled_at = ?, \
     next_delivery_at = NULL, updated_at = ? WHERE id = ?";
const NEWEST_EVENT: &str = "SELECT MAX(sequence) AS newest FROM aurareels_events";
// Old before new: MySQL works from left to right.
const ROTATE: &str = "UPDATE aurareels_webhook_endpoints SET old_secret = CASE WHEN ? = 1 THEN secret ELSE NULL END, \
     old_secret_until = ?, secret = ?, updated_at = ? WHERE id = ?";
const BEGIN_DELETE: &str = "UPDATE aurareels_webhook_endpoints SET is_active = 0, next_delivery_at = NULL, deleted_at = ? \
     WHERE id = ? AND deleted_at IS NULL";
const DELETED: &str =
    "SELECT id FROM aurareels_webhook_endpoints WHERE deleted_at IS NOT NULL AND deleted_at <= ? LIMIT 1";
const SOME_OF_DELETED: &str = "SELECT id FROM aurareels_webhook_deliveries WHERE endpoint_id = ? ORDER BY id LIMIT ?";
const END_DELETE: &str = "DELETE FROM aurareels_webhook_endpoints WHERE id = ?";

/// Deliveries removed in one write.
const BATCH: i64 = 500;

/// Most endpoints of one user.
pub const MOST: usize = 50;

fn endpoint(row: &Row) -> Result<Endpoint> {
    let id = row.int("id")?;
    read(row).map_err(|error| error.of_row(|| format!("webhook endpoint {id}")))
}

fn read(row: &Row) -> Result<Endpoint> {
    let platforms: Vec<String> = row.json("platforms")?;
    let platforms = platforms.iter().map(|word| word.parse::<Platform>().map_err(Error::from));
    let disabled = match row.flag("is_active")? {
        true => None,
        false => {
            let since = row.opt_time("disabled_at")?.unwrap_or(DateTime::UNIX_EPOCH);
            Some((row.opt_word("disabled_reason")?.unwrap_or(Disabled::Owner), since))
        }
    };
    Ok(Endpoint {
        id: EndpointId(row.int("id")?),
        wp_user_id: UserId(row.int("wp_user_id")?),
        url: row.text("url")?,
        description: row.text("description")?,
        filter: EventFilter { types: row.json("kinds")?, platforms: platforms.collect::<Result<_>>()? },
        disabled,
        failing_since: row.opt_time("failing_since")?,
        old_secret_expires_at: row.opt_time("old_secret_until")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// What its owner says of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointInput {
    /// Where events are sent.
    pub url: String,
    /// For people.
    pub description: String,
    /// Which are sent.
    pub filter: EventFilter,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Done.
    Done(Endpoint),
    /// The owner has another endpoint with this address. Nothing was changed.
    SameUrl(EndpointId),
    /// The owner has as many as there may be. Nothing was changed.
    TooMany,
    /// There is no such endpoint.
    Gone,
}

/// What is changed of an endpoint; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    /// Where events are sent.
    pub url: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Types that are sent.
    pub types: Option<Vec<String>>,
    /// Platforms whose events are sent.
    pub platforms: Option<Vec<Platform>>,
    /// On or off.
    pub is_active: Option<bool>,
}

fn filter_values(filter: &EventFilter) -> Result<(Value, Value)> {
    let platforms: Vec<&str> = filter.platforms.iter().map(|platform| platform.as_str()).collect();
    Ok((Value::json(&filter.types)?, Value::json(&platforms)?))
}

async fn of_owner(tx: &mut Tx, owner: UserId) -> Result<Vec<Endpoint>> {
    tx.fetch_all(OF_USER, &params![owner]).await?.iter().map(endpoint).collect()
}

async fn by_id(tx: &mut Tx, id: EndpointId) -> Result<Option<Endpoint>> {
    tx.fetch_optional(BY_ID, &params![id.0]).await?.as_ref().map(endpoint).transpose()
}

async fn newest_event(tx: &mut Tx) -> Result<i64> {
    let row = tx.fetch_optional(NEWEST_EVENT, &[]).await?;
    Ok(row.map(|row| row.opt_int("newest")).transpose()?.flatten().unwrap_or(0))
}

/// Switches an endpoint off by itself, with the event that says so.
async fn give_up(tx: &mut Tx, id: EndpointId, owner: UserId, why: Disabled, now: DateTime<Utc>) -> Result<()> {
    tx.execute(SWITCH_OFF, &params![why.as_str(), now, now, id.0]).await?;
    let event = NewEvent {
        wp_user_id: owner,
        kind: EventKind::WebhookDisabled,
        post_id: None,
        account_id: None,
        webhook_id: Some(id),
        previous_status: None,
        status: None,
        reason: Some(why.as_str().to_owned()),
    };
    events::append(tx, &event, now).await
}

impl Store {
    /// Creates an endpoint. It gets what happens from now on.
    pub async fn create_webhook(
        &self,
        owner: UserId,
        input: EndpointInput,
        secret: &Secret,
        now: DateTime<Utc>,
    ) -> Result<Kept> {
        let keys = self.keys();
        let sealed = keys.seal(&webhook_secret(owner), secret.expose());
        self.db
            .write(async move |tx| {
                let others = of_owner(tx, owner).await?;
                if let Some(same) = others.iter().find(|other| other.url == input.url) {
                    return Ok(Kept::SameUrl(same.id));
                }
                if others.len() >= MOST {
                    return Ok(Kept::TooMany);
                }
                note_key(tx, &keys, now).await?;
                let (types, platforms) = filter_values(&input.filter)?;
                let after = newest_event(tx).await?;
                let values = params![owner, &input.url, &input.description, types, platforms, &sealed, after, now, now];
                let id = EndpointId(tx.insert(INSERT, &values).await?);
                Ok(by_id(tx, id).await?.map_or(Kept::Gone, Kept::Done))
            })
            .await
    }

    /// An endpoint.
    pub async fn webhook(&self, id: EndpointId) -> Result<Option<Endpoint>> {
        let row = self.db.read().await?.fetch_optional(BY_ID, &params![id.0]).await?;
        row.as_ref().map(endpoint).transpose()
    }

    /// All endpoints of an owner, oldest first.
    pub async fn webhooks_of(&self, owner: UserId) -> Result<Vec<Endpoint>> {
        self.db.read().await?.fetch_all(OF_USER, &params![owner]).await?.iter().map(endpoint).collect()
    }

    /// Endpoints by their ids.
    pub async fn webhooks_to_show(&self, ids: &[EndpointId]) -> Result<Vec<Endpoint>> {
        let mut found = Vec::new();
        for id in ids {
            found.extend(self.webhook(*id).await?);
        }
        Ok(found)
    }

    /// Changes an endpoint.
    pub async fn update_webhook(&self, id: EndpointId, change: EndpointChange, now: DateTime<Utc>) -> Result<Kept> {
        self.db
            .write(async move |tx| {
                let Some(before) = by_id(tx, id).await? else { return Ok(Kept::Gone) };
                let url = change.url.clone().unwrap_or_else(|| before.url.clone());
                if url != before.url {
                    let others = of_owner(tx, before.wp_user_id).await?;
                    if let Some(same) = others.iter().find(|other| other.url == url) {
                        return Ok(Kept::SameUrl(same.id));
                    }
                }
                let description = change.description.clone().unwrap_or_else(|| before.description.clone());
                let filter = EventFilter {
                    types: change.types.clone().unwrap_or_else(|| before.filter.types.clone()),
                    platforms: change.platforms.clone().unwrap_or_else(|| before.filter.platforms.clone()),
                };
                let (types, platforms) = filter_values(&filter)?;
                tx.execute(UPDATE, &params![&url, &description, types, platforms, now, id.0]).await?;
                match change.is_active {
                    Some(true) if before.disabled.is_some() => {
                        let after = newest_event(tx).await?;
                        tx.execute(SWITCH_ON, &params![after, id.0]).await?;
                        turns::refresh(tx, id).await?;
                    }
                    Some(false) if before.disabled.is_none() => {
                        tx.execute(SWITCH_OFF, &params![Disabled::Owner.as_str(), now, now, id.0]).await?;
                    }
                    _ => {}
                }
                Ok(by_id(tx, id).await?.map_or(Kept::Gone, Kept::Done))
            })
            .await
    }

    /// Gives an endpoint another secret. The one before signs as well until then.
    pub async fn rotate_webhook(
        &self,
        of: &Endpoint,
        secret: &Secret,
        old_until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Option<Endpoint>> {
        let keys = self.keys();
        let (id, sealed) = (of.id, keys.seal(&webhook_secret(of.wp_user_id), secret.expose()));
        self.db
            .write(async move |tx| {
                note_key(tx, &keys, now).await?;
                let values = params![i64::from(old_until.is_some()), old_until, &sealed, now, id.0];
                tx.execute(ROTATE, &values).await?;
                by_id(tx, id).await
            })
            .await
    }

    /// Takes an endpoint out of use for good. [`Self::remove_deleted_webhooks`] removes what is left of it. False when
    /// there is none.
    pub async fn delete_webhook(&self, id: EndpointId, now: DateTime<Utc>) -> Result<bool> {
        self.db.write(async move |tx| Ok(tx.execute(BEGIN_DELETE, &params![now, id.0]).await? > 0)).await
    }

    /// Removes one batch of what deleted endpoints have left behind. True when there may be more.
    pub async fn remove_deleted_webhooks(&self, now: DateTime<Utc>) -> Result<bool> {
        self.db
            .write(async move |tx| {
                let Some(row) = tx.fetch_optional(DELETED, &params![now]).await? else { return Ok(false) };
                let id = row.int("id")?;
                let some = tx.fetch_all(SOME_OF_DELETED, &params![id, BATCH]).await?;
                if some.is_empty() {
                    tx.execute(END_DELETE, &params![id]).await?;
                    return Ok(true);
                }
                let ids = some.iter().map(|row| row.int("id")).collect::<Result<Vec<_>>>()?;
                let (marks, values) = in_list(&ids);
                let remove = format!("DELETE FROM aurareels_webhook_deliveries WHERE id IN ({marks})");
                tx.execute(&remove, &values).await?;
                Ok(true)
            })
            .await
    }
}

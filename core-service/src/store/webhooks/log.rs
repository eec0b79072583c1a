//! The log of deliveries: reading it, asking for a delivery again, test events, and removing what is old.
//!
//! Guaranteed: messages are kept for [`KEPT`], with their deliveries and tries. What is still pending by then is given up
//! first, so nothing waits for a turn that never comes.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::{
        Result, Store,
        db::{Row, in_list},
    },
    fan_out::{deliver, keep},
    rows::{delivery, delivery_columns},
    turns::{refresh, turn},
};
use crate::{
    domain::{
        ids::{DeliveryId, EndpointId},
        webhook::{Delivery, DeliveryStatus, TEST_EVENT, Try},
    },
    params,
};

/// How long messages are kept.
pub const KEPT: TimeDelta = TimeDelta::days(30);

/// Messages removed in one write.
const BATCH: i64 = 500;

macro_rules! listed {
    ($of:literal) => {
        concat!(
            "SELECT ",
            delivery_columns!(),
            ", t.number, t.sent_at, t.duration_ms, t.status_code, t.answer, t.error FROM aurareels_webhook_deliveries d \
             JOIN aurareels_webhook_messages m ON m.id = d.message_id \
             LEFT JOIN aurareels_webhook_tries t ON t.delivery_id = d.id AND t.number = d.tries_ever WHERE ",
            $of
        )
    };
}

const PAGE: &str = listed!("d.endpoint_id = ? AND d.id < ? ORDER BY d.id DESC LIMIT ?");
const PAGE_OF_STATUS: &str = listed!("d.endpoint_id = ? AND d.status = ? AND d.id < ? ORDER BY d.id DESC LIMIT ?");
const BY_ID: &str = listed!("d.id = ?");
const BODY: &str = "SELECT m.body FROM aurareels_webhook_deliveries d JOIN aurareels_webhook_messages m \
     ON m.id = d.message_id WHERE d.id = ?";
const TRIES: &str = "SELECT number, sent_at, duration_ms, status_code, answer, error FROM aurareels_webhook_tries \
     WHERE delivery_id = ? ORDER BY number";
const STATE: &str = "SELECT d.endpoint_id, d.status, d.next_attempt_at, d.claim_token, e.is_active \
     FROM aurareels_webhook_deliveries d JOIN aurareels_webhook_endpoints e ON e.id = d.endpoint_id WHERE d.id = ?";
const AGAIN: &str = "UPDATE aurareels_webhook_deliveries SET status = 'pending', next_attempt_at = ?, tries = 0, \
     tried_since = NULL, ended_at = NULL WHERE id = ?";
const AT_ONCE: &str = "UPDATE aurareels_webhook_deliveries SET next_attempt_at = ? WHERE id = ?";
const IS_ON: &str = "SELECT is_active FROM aurareels_webhook_endpoints WHERE id = ? AND deleted_at IS NULL";
const OLD: &str = "SELECT id, created_at FROM aurareels_webhook_messages ORDER BY id LIMIT ?";

fn listed(row: &Row) -> Result<Delivery> {
    let last_try = row.opt_int("number")?.map(|_| tried(row)).transpose()?;
    Ok(Delivery { last_try, ..delivery(row)? })
}

fn tried(row: &Row) -> Result<Try> {
    Ok(Try {
        number: row.small("number")?,
        sent_at: row.time("sent_at")?,
        duration_ms: row.small("duration_ms")?,
        status_code: row.opt_int("status_code")?.and_then(|code| i32::try_from(code).ok()),
        answer: row.text("answer")?,
        error: row.text("error")?,
    })
}

/// A delivery with everything that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The delivery.
    pub delivery: Delivery,
    /// What is sent.
    pub body: String,
    /// Its tries, oldest first.
    pub tries: Vec<Try>,
}

/// What became of a request to deliver again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is due.
    Due,
    /// Its endpoint is off.
    Off,
    /// An earlier delivery of its post is pending.
    WaitsForTurn,
    /// There is none.
    Gone,
}

impl Store {
    /// Deliveries of an endpoint before one, newest first.
    pub async fn webhook_deliveries(
        &self,
        endpoint: EndpointId,
        status: Option<DeliveryStatus>,
        before: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let mut reader = self.db.read().await?;
        let limit = i64::from(limit);
        let rows = match status {
            None => reader.fetch_all(PAGE, &params![endpoint.0, before, limit]).await?,
            Some(status) => {
                let values = params![endpoint.0, status.as_str(), before, limit];
                reader.fetch_all(PAGE_OF_STATUS, &values).await?
            }
        };
        rows.iter().map(listed).collect()
    }

    /// A delivery.
    pub async fn webhook_delivery(&self, id: DeliveryId) -> Result<Option<Told>> {
        let mut reader = self.db.read().await?;
        let Some(row) = reader.fetch_optional(BY_ID, &params![id.0]).await? else { return Ok(None) };
        let Some(body) = reader.fetch_optional(BODY, &params![id.0]).await? else { return Ok(None) };
        let tries = reader.fetch_all(TRIES, &params![id.0]).await?;
        let tries = tries.iter().map(tried).collect::<Result<_>>()?;
        Ok(Some(Told { delivery: listed(&row)?, body: body.text("body")?, tries }))
    }

    /// Makes a delivery due: one that ended, from the beginning; one that waits for its next try, earlier.
    pub async fn deliver_webhook_again(&self, id: DeliveryId, now: DateTime<Utc>) -> Result<Asked> {
        self.db
            .write(async move |tx| {
                let Some(row) = tx.fetch_optional(STATE, &params![id.0]).await? else { return Ok(Asked::Gone) };
                if !row.flag("is_active")? {
                    return Ok(Asked::Off);
                }
                let is_pending = row.word::<DeliveryStatus>("status")? == DeliveryStatus::Pending;
                if is_pending && row.opt_text("claim_token")?.is_some() {
                    // It is tried at this moment, or will be as soon as its claim ends.
                    return Ok(Asked::Due);
                }
                if is_pending && row.opt_time("next_attempt_at")?.is_none() {
                    return Ok(Asked::WaitsForTurn);
                }
                tx.execute(if is_pending { AT_ONCE } else { AGAIN }, &params![now, id.0]).await?;
                refresh(tx, EndpointId(row.int("endpoint_id")?)).await?;
                Ok(Asked::Due)
            })
            .await
    }

    /// Makes a test event for an endpoint. `None` when it is off or gone.
    pub async fn test_webhook(
        &self,
        endpoint: EndpointId,
        webhook_id: &str,
        body: String,
        now: DateTime<Utc>,
    ) -> Result<Option<DeliveryId>> {
        let webhook_id = webhook_id.to_owned();
        self.db
            .write(async move |tx| {
                let on = tx.fetch_optional(IS_ON, &params![endpoint.0]).await?;
                if !on.map_or(Ok(false), |row| row.flag("is_active"))? {
                    return Ok(None);
                }
                let message = keep(tx, &webhook_id, None, TEST_EVENT, (None, None), &body, now).await?;
                let id = deliver(tx, endpoint, message, "", now).await?;
                refresh(tx, endpoint).await?;
                Ok(Some(DeliveryId(id)))
            })
            .await
    }

    /// Removes one batch of messages older than `before`. True when there may be more.
    pub async fn prune_webhooks(&self, before: DateTime<Utc>, now: DateTime<Utc>) -> Result<bool> {
        self.db
            .write(async move |tx| {
                let rows = tx.fetch_all(OLD, &params![BATCH]).await?;
                let mut old = Vec::new();
                for row in &rows {
                    // One without a readable time is as old as what stands before it.
                    if row.time("created_at").is_ok_and(|at| at >= before) {
                        break;
                    }
                    old.push(row.int("id")?);
                }
                if old.is_empty() {
                    return Ok(false);
                }
                let (marks, values) = in_list(&old);
                let pending = format!(
                    "SELECT id, endpoint_id, subject FROM aurareels_webhook_deliveries WHERE message_id IN ({marks}) \
                     AND status = 'pending'"
                );
                for row in &tx.fetch_all(&pending, &values).await? {
                    let endpoint = EndpointId(row.int("endpoint_id")?);
                    let give_up = "UPDATE aurareels_webhook_deliveries SET status = 'failed', next_attempt_at = NULL, \
                                   claim_token = NULL, ended_at = ? WHERE id = ?";
                    tx.execute(give_up, &params![now, row.int("id")?]).await?;
                    turn(tx, endpoint, &row.text("subject")?, now).await?;
                    refresh(tx, endpoint).await?;
                }
                tx.execute(&format!("DELETE FROM aurareels_webhook_messages WHERE id IN ({marks})"), &values).await?;
                Ok(rows.len() as i64 == BATCH)
            })
            .await
    }
}

//! Deliveries on their way: what is due and has room is claimed, and every try is settled under its claim.
//!
//! Guaranteed: a claim is given to one sender at a time, with a higher fence than the one before; while it lasts,
//! `next_attempt_at` is its end, so what a dead sender left behind is due again by itself. What is due is looked for by
//! endpoint, past those that have no room: one that hangs costs the others nothing. What is pending of one post at one
//! endpoint is sent in order: the next one gets its turn in the transaction that ends the one before.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::{
        Result, Store,
        db::{Row, Tx, Value, in_list},
        encryption_keys::webhook_secret,
    },
    give_up,
    rows::{delivery, delivery_columns},
    turns::{refresh, turn},
};
use crate::{
    domain::{
        ids::{DeliveryId, EndpointId, Fence, UserId},
        webhook::{Delivery, Disabled, Next, Try, TryOutcome, has_failed_for_days},
    },
    params,
    secret::{KeyRing, Secret},
};

/// How long a claim lasts. Longer than a try may take, with its way to the database.
pub const CLAIMED_FOR: TimeDelta = TimeDelta::seconds(20);

/// Endpoints looked at in one claim.
const ENDPOINTS: usize = 64;

const DUE_ENDPOINTS: &str = "SELECT id, wp_user_id, url, secret, old_secret, old_secret_until, failing_since \
     FROM aurareels_webhook_endpoints WHERE next_delivery_at IS NOT NULL AND next_delivery_at <= ?";
const NEXT_ENDPOINT: &str =
    "SELECT next_delivery_at FROM aurareels_webhook_endpoints WHERE next_delivery_at IS NOT NULL";
const DUE: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    ", m.body FROM aurareels_webhook_deliveries d JOIN aurareels_webhook_messages m ON m.id = d.message_id \
     WHERE d.endpoint_id = ? AND d.next_attempt_at IS NOT NULL AND d.next_attempt_at <= ? \
     ORDER BY d.next_attempt_at, d.id LIMIT ?"
);
const OF_ENDPOINT: &str =
    "SELECT wp_user_id, is_active, paused_until, failing_since, failures FROM aurareels_webhook_endpoints WHERE id = ?";
const HELD: &str = "SELECT endpoint_id, subject FROM aurareels_webhook_deliveries WHERE id = ? AND fence = ? \
     AND claim_token IS NOT NULL";
const LET_GO: &str = "UPDATE aurareels_webhook_deliveries SET claim_token = NULL, next_attempt_at = ? \
     WHERE id = ? AND fence = ? AND claim_token IS NOT NULL";
const SETTLE: &str = "UPDATE aurareels_webhook_deliveries SET status = ?, next_attempt_at = ?, tries = tries + 1, \
     tries_ever = ?, tried_since = ?, claim_token = NULL, ended_at = ? WHERE id = ?";
const INSERT_TRY: &str = "INSERT INTO aurareels_webhook_tries (delivery_id, number, sent_at, duration_ms, status_code, \
     answer, error) VALUES (?, ?, ?, ?, ?, ?, ?)";
const WORKS: &str = "UPDATE aurareels_webhook_endpoints SET failing_since = NULL, failures = 0, paused_until = NULL \
     WHERE id = ? AND failing_since IS NOT NULL";
const FAILS: &str =
    "UPDATE aurareels_webhook_endpoints SET failing_since = ?, failures = ?, paused_until = ? WHERE id = ?";

/// What a sender has room for.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// Tries in all.
    pub all: usize,
    /// Tries to endpoints that fail.
    pub failing: usize,
    /// Tries to one endpoint that works.
    pub of_one: usize,
    /// Tries that are under way, by endpoint.
    pub under_way: std::collections::HashMap<EndpointId, usize>,
    /// Endpoints that have no room.
    pub full: Vec<EndpointId>,
}

/// A try to be made.
#[derive(Debug)]
pub struct Job {
    /// What is delivered.
    pub delivery: Delivery,
    /// Where to.
    pub url: String,
    /// What is sent.
    pub body: String,
    /// What signs it, the newest first; an error when it cannot be read.
    pub secrets: std::result::Result<Vec<Secret>, crate::secret::Error>,
    /// The endpoint's tries have failed lately.
    pub is_failing: bool,
}

/// What a claim brought.
#[derive(Debug, Default)]
pub struct Claimed {
    /// Tries to be made.
    pub jobs: Vec<Job>,
    /// There may be more to claim.
    pub more: bool,
}

/// What a try came to.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The try itself.
    pub tried: Try,
    /// How it went.
    pub outcome: TryOutcome,
    /// What becomes of the delivery.
    pub next: Next,
    /// It was a test: it says nothing of days of failures.
    pub is_test: bool,
    /// Until when the endpoint asked to be left alone.
    pub pause: Option<DateTime<Utc>>,
}

/// The secrets that sign now.
fn secrets(
    keys: &KeyRing,
    row: &Row,
    now: DateTime<Utc>,
) -> Result<std::result::Result<Vec<Secret>, crate::secret::Error>> {
    let binding = webhook_secret(UserId(row.int("wp_user_id")?));
    let mut sealed = vec![row.text("secret")?];
    if row.opt_time("old_secret_until")?.is_some_and(|until| until > now) {
        sealed.extend(row.opt_text("old_secret")?);
    }
    Ok(sealed.iter().map(|sealed| keys.open(&binding, sealed)).collect())
}

/// The condition that leaves out endpoints without room.
fn past(full: &[EndpointId]) -> (String, Vec<Value>) {
    if full.is_empty() {
        return Default::default();
    }
    let ids: Vec<i64> = full.iter().map(|endpoint| endpoint.0).collect();
    let (marks, values) = in_list(&ids);
    (format!(" AND id NOT IN ({marks})"), values)
}

impl Store {
    /// When the next endpoint that has room wants attention.
    pub async fn next_webhook_at(&self, full: &[EndpointId]) -> Result<Option<DateTime<Utc>>> {
        let (past, values) = past(full);
        let sql = format!("{NEXT_ENDPOINT}{past} ORDER BY next_delivery_at LIMIT 1");
        let row = self.db.read().await?.fetch_optional(&sql, &values).await?;
        row.map_or(Ok(None), |row| row.opt_time("next_delivery_at"))
    }

    /// Claims deliveries that are due and have room.
    pub async fn claim_webhooks(&self, room: Room, token: &str, now: DateTime<Utc>) -> Result<Claimed> {
        let (keys, token) = (self.keys(), token.to_owned());
        self.db
            .write(async move |tx| {
                let mut room = room.clone();
                let (past, full) = past(&room.full);
                let mut values: Vec<Value> = params![now].into();
                values.extend(full);
                values.extend(params![ENDPOINTS as i64]);
                let sql = format!("{DUE_ENDPOINTS}{past} ORDER BY next_delivery_at, id LIMIT ?");
                let endpoints = tx.fetch_free(&sql, &values).await?;
                let mut claimed = Claimed { more: endpoints.len() == ENDPOINTS, ..Claimed::default() };
                for row in &endpoints {
                    take(tx, &keys, row, &mut room, &token, now, &mut claimed).await?;
                }
                Ok(claimed)
            })
            .await
    }

    /// Writes what a try came to. False when the claim is gone: somebody else tries, or nobody wants it any more.
    pub async fn settle_webhook(&self, of: &Delivery, settled: Settled, now: DateTime<Utc>) -> Result<bool> {
        let (id, fence, ever, since) = (of.id, of.fence, of.tries_ever, of.tried_since);
        self.db
            .write(async move |tx| {
                let Some(row) = tx.fetch_optional(HELD, &params![id.0, fence]).await? else { return Ok(false) };
                let (endpoint, subject) = (EndpointId(row.int("endpoint_id")?), row.text("subject")?);
                let Try { sent_at, duration_ms, status_code, answer, error, .. } = &settled.tried;
                let tried = params![id.0, ever + 1, *sent_at, *duration_ms, *status_code, answer, error];
                tx.execute(INSERT_TRY, &tried).await?;
                let (status, next) = match settled.next {
                    Next::Delivered => ("delivered", None),
                    Next::Failed => ("failed", None),
                    Next::Again(at) => ("pending", Some(at)),
                };
                let ended = next.is_none().then_some(now);
                let values = params![status, next, ever + 1, since.unwrap_or(*sent_at), ended, id.0];
                tx.execute(SETTLE, &values).await?;
                if next.is_none() {
                    turn(tx, endpoint, &subject, now).await?;
                }
                judge(tx, endpoint, &settled, now).await?;
                refresh(tx, endpoint).await?;
                Ok(true)
            })
            .await
    }

    /// Lets claims go untried. Those that are gone by now stay as they are.
    pub async fn release_webhooks(&self, claims: Vec<(DeliveryId, Fence)>, at: DateTime<Utc>) -> Result<()> {
        self.db
            .write(async move |tx| {
                for (id, fence) in &claims {
                    let Some(row) = tx.fetch_optional(HELD, &params![id.0, *fence]).await? else { continue };
                    tx.execute(LET_GO, &params![at, id.0, *fence]).await?;
                    refresh(tx, EndpointId(row.int("endpoint_id")?)).await?;
                }
                Ok(())
            })
            .await
    }
}

/// Claims what is due of an endpoint, as far as there is room.
async fn take(
    tx: &mut Tx,
    keys: &KeyRing,
    row: &Row,
    room: &mut Room,
    token: &str,
    now: DateTime<Utc>,
    claimed: &mut Claimed,
) -> Result<()> {
    let endpoint = EndpointId(row.int("id")?);
    let is_failing = row.opt_time("failing_since")?.is_some();
    let under_way = room.under_way.get(&endpoint).copied().unwrap_or_default();
    let of_one = if is_failing { room.failing.min(1) } else { room.of_one };
    let most = of_one.saturating_sub(under_way).min(room.all);
    if most == 0 {
        return Ok(());
    }
    let rows = tx.fetch_free(DUE, &params![endpoint.0, now, most as i64]).await?;
    let (url, until) = (row.text("url")?, now + CLAIMED_FOR);
    let mut ids = Vec::with_capacity(rows.len());
    for due in &rows {
        let mut delivery = delivery(due)?;
        delivery.fence = Fence(delivery.fence.0 + 1);
        ids.push(delivery.id.0);
        let (url, body, secrets) = (url.clone(), due.text("body")?, secrets(keys, row, now)?);
        claimed.jobs.push(Job { delivery, url, body, secrets, is_failing });
    }
    if !ids.is_empty() {
        let (marks, values) = in_list(&ids);
        let sql = format!(
            "UPDATE aurareels_webhook_deliveries SET claim_token = ?, next_attempt_at = ?, fence = fence + 1 WHERE id IN ({marks})"
        );
        let mut bound: Vec<Value> = params![token, until].into();
        bound.extend(values);
        tx.execute(&sql, &bound).await?;
    }
    room.all -= ids.len();
    room.failing -= if is_failing { ids.len() } else { 0 };
    refresh(tx, endpoint).await
}

/// What a try says of its endpoint.
async fn judge(tx: &mut Tx, endpoint: EndpointId, settled: &Settled, now: DateTime<Utc>) -> Result<()> {
    if settled.outcome == TryOutcome::Accepted {
        tx.execute(WORKS, &params![endpoint.0]).await?;
        return Ok(());
    }
    let Some(of) = tx.fetch_optional(OF_ENDPOINT, &params![endpoint.0]).await? else { return Ok(()) };
    if !of.flag("is_active")? {
        return Ok(());
    }
    let owner = UserId(of.int("wp_user_id")?);
    if settled.outcome == TryOutcome::Gone {
        return give_up(tx, endpoint, owner, Disabled::Gone, now).await;
    }
    if settled.is_test {
        return Ok(());
    }
    let since = of.opt_time("failing_since")?.unwrap_or(now);
    let failures = of.small("failures")?.saturating_add(1);
    tx.execute(FAILS, &params![since, failures, settled.pause, endpoint.0]).await?;
    if has_failed_for_days(since, failures, now) {
        give_up(tx, endpoint, owner, Disabled::Failing, now).await?;
    }
    Ok(())
}

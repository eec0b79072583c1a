//! Whose turn it is: when an endpoint wants attention next, and which delivery of a subject comes next.
//!
//! Guaranteed: within the transaction of whoever changed a delivery. An endpoint that is off or has nothing pending is
//! never looked at.

use chrono::{DateTime, Utc};

use super::super::{Result, db::Tx};
use crate::{domain::ids::EndpointId, params};

const EARLIEST: &str = "SELECT next_attempt_at FROM aurareels_webhook_deliveries WHERE endpoint_id = ? \
     AND next_attempt_at IS NOT NULL ORDER BY next_attempt_at LIMIT 1";
const SET_NEXT: &str = "UPDATE aurareels_webhook_endpoints SET next_delivery_at = ? WHERE id = ?";
const NEXT_OF_SUBJECT: &str = "SELECT id, next_attempt_at FROM aurareels_webhook_deliveries WHERE endpoint_id = ? \
     AND subject = ? AND status = 'pending' ORDER BY id LIMIT 1";
const GIVE_TURN: &str = "UPDATE aurareels_webhook_deliveries SET next_attempt_at = ? WHERE id = ?";
const ENDPOINT: &str = "SELECT is_active, paused_until FROM aurareels_webhook_endpoints WHERE id = ?";

/// Writes when an endpoint wants attention next.
pub(super) async fn refresh(tx: &mut Tx, endpoint: EndpointId) -> Result<()> {
    let Some(of) = tx.fetch_optional(ENDPOINT, &params![endpoint.0]).await? else { return Ok(()) };
    let next = if of.flag("is_active")? {
        let row = tx.fetch_optional(EARLIEST, &params![endpoint.0]).await?;
        let earliest = row.map_or(Ok(None), |row| row.opt_time("next_attempt_at"))?;
        earliest
            .map(|at| of.opt_time("paused_until").map(|pause| pause.map_or(at, |pause| pause.max(at))))
            .transpose()?
    } else {
        None
    };
    tx.execute(SET_NEXT, &params![next, endpoint.0]).await?;
    Ok(())
}

/// Gives the next delivery of a subject its turn.
pub(super) async fn turn(tx: &mut Tx, endpoint: EndpointId, subject: &str, now: DateTime<Utc>) -> Result<()> {
    if subject.is_empty() {
        return Ok(());
    }
    let Some(row) = tx.fetch_optional(NEXT_OF_SUBJECT, &params![endpoint.0, subject]).await? else { return Ok(()) };
    if row.opt_time("next_attempt_at")?.is_none() {
        tx.execute(GIVE_TURN, &params![now, row.int("id")?]).await?;
    }
    Ok(())
}

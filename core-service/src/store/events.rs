//! The outbox: what happened, in commit order (see `db` for how a back end keeps the sequence in it).
//!
//! Guaranteed: an event commits with the change it tells of, once. Events are kept for as long as the settings say; older
//! positions are known to be gone.

use chrono::{DateTime, Utc};
use tracing::debug;

use super::{
    Result, Store,
    db::{Row, Tx, Value},
    positions,
};
use crate::{
    domain::{
        event::{Event, EventKind, NewEvent},
        failure::describe,
        ids::EndpointId,
        ids::{AccountId, PostId, Sequence, UserId},
    },
    params,
};

/// Name of the setting that holds the newest removed sequence.
const PRUNED_THROUGH: &str = "events_pruned_through";

/// Events removed in one write, so that a long backlog never holds the writer.
const PRUNE_BATCH: i64 = 2_000;

/// Writes an event into the transaction of the change it tells of.
pub(super) async fn append(tx: &mut Tx, event: &NewEvent, now: DateTime<Utc>) -> Result<()> {
    append_all(tx, &[(event, now)]).await
}

/// Writes several, in order. Their number is a part of the statement: lists of few lengths need few prepared ones.
pub(super) async fn append_all(tx: &mut Tx, events: &[(&NewEvent, DateTime<Utc>)]) -> Result<()> {
    let sql = format!(
        "INSERT INTO aurareels_events (wp_user_id, kind, post_id, account_id, webhook_id, previous_status, status, reason, created_at) \
         VALUES {}",
        vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?)"; events.len()].join(", ")
    );
    let row = |(event, at): &(&NewEvent, DateTime<Utc>)| {
        params![
            event.wp_user_id,
            event.kind.as_str(),
            event.post_id,
            event.account_id,
            event.webhook_id.map(|id| id.0),
            event.previous_status.map(|status| status.as_str()),
            event.status.map(|status| status.as_str()),
            event.reason.as_deref(),
            *at,
        ]
    };
    let values: Vec<Value> = events.iter().flat_map(row).collect();
    tx.insert_events(&sql, &values, events.len()).await
}

/// An event. A status that this release does not know is told as none; a kind that it does not know is an error.
fn event(row: &Row) -> Result<Event> {
    let status =
        |column: &str| row.opt_word(column).or_else(|error| if error.is_about_data() { Ok(None) } else { Err(error) });
    Ok(Event {
        sequence: Sequence(row.int("sequence")?),
        created_at: row.time("created_at")?,
        event: NewEvent {
            wp_user_id: UserId(row.int("wp_user_id")?),
            kind: row.word::<EventKind>("kind")?,
            post_id: row.opt_int("post_id")?.map(PostId),
            account_id: row.opt_int("account_id")?.map(AccountId),
            webhook_id: row.opt_int("webhook_id")?.map(EndpointId),
            previous_status: status("previous_status")?,
            status: status("status")?,
            reason: row.opt_text("reason")?,
        },
    })
}

/// The events of some rows. One that cannot be read is left out alone.
fn read(rows: &[Row], limit: u32) -> Result<Events> {
    let reached = rows.last().map(|row| row.int("sequence")).transpose()?.map(Sequence);
    let full = rows.len() == limit as usize;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        match event(row) {
            Ok(event) => events.push(event),
            Err(error) if error.is_about_data() => {
                let sequence = row.int("sequence")?;
                debug!(sequence, error = %describe(&error), "an event cannot be read by this release and is left out");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Events { events, reached, full })
}

/// The columns of an [`Event`].
macro_rules! event_columns {
    () => {
        "sequence, wp_user_id, kind, post_id, account_id, webhook_id, previous_status, status, reason, created_at"
    };
}

const OF_USER: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM aurareels_events WHERE wp_user_id = ? AND sequence > ? ORDER BY sequence LIMIT ?"
);
const OF_ALL: &str =
    concat!("SELECT ", event_columns!(), " FROM aurareels_events WHERE sequence > ? ORDER BY sequence LIMIT ?");

/// Events that were read at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Events {
    /// Those that this release can read, oldest first.
    pub events: Vec<Event>,
    /// The position of the last one, readable or not.
    pub reached: Option<Sequence>,
    /// As many as were asked for: there may be more.
    pub full: bool,
}

impl Store {
    /// A user's events after a position, oldest first.
    pub async fn events_after(&self, user: UserId, after: Sequence, limit: u32) -> Result<Vec<Event>> {
        Ok(self.event_batch(user, after, limit).await?.events)
    }

    /// A user's events after a position, and how far they reach.
    pub async fn event_batch(&self, user: UserId, after: Sequence, limit: u32) -> Result<Events> {
        let rows = self.db.read().await?.fetch_all(OF_USER, &params![user, after, i64::from(limit)]).await?;
        read(&rows, limit)
    }

    /// The events of all users after a position, and how far they reach.
    pub async fn events_of_all(&self, after: Sequence, limit: u32) -> Result<Events> {
        let rows = self.db.read().await?.fetch_all(OF_ALL, &params![after, i64::from(limit)]).await?;
        read(&rows, limit)
    }

    /// The newest position of all users: nothing was written after it.
    pub async fn newest_event(&self) -> Result<Sequence> {
        let row =
            self.db.read().await?.fetch_optional("SELECT MAX(sequence) AS newest FROM aurareels_events", &[]).await?;
        let newest = row.map(|row| row.opt_int("newest")).transpose()?.flatten().unwrap_or(0);
        Ok(Sequence(newest.max(self.pruned_through().await?.0)))
    }

    /// The newest position whose event is gone; positions before it cannot be resumed from.
    pub async fn pruned_through(&self) -> Result<Sequence> {
        let row = self.db.read().await?.fetch_optional(positions::READ, &params![PRUNED_THROUGH]).await?;
        Ok(positions::position(PRUNED_THROUGH, row.as_ref())?.unwrap_or(Sequence(0)))
    }

    /// Removes one batch of events older than `before`. True when there may be more.
    pub async fn prune_events(&self, before: DateTime<Utc>) -> Result<bool> {
        self.db
            .write(async move |tx| {
                let rows = tx
                    .fetch_all(
                        "SELECT sequence, created_at FROM aurareels_events ORDER BY sequence LIMIT ?",
                        &params![PRUNE_BATCH],
                    )
                    .await?;
                let mut through = None;
                for row in &rows {
                    // One without a readable time is as old as what stands before it.
                    if row.time("created_at").is_ok_and(|at| at >= before) {
                        break;
                    }
                    through = Some(row.int("sequence")?);
                }
                let Some(through) = through else { return Ok(false) };
                tx.execute("DELETE FROM aurareels_events WHERE sequence <= ?", &params![through]).await?;
                positions::keep(tx, PRUNED_THROUGH, Sequence(through)).await?;
                Ok(rows.len() as i64 == PRUNE_BATCH)
            })
            .await
    }
}

//! Events become messages and deliveries.
//!
//! Guaranteed: in the order of the events, each once for each endpoint that wants it, whichever core does it: the position
//! that was reached is moved in the same transaction. A delivery of a post that has an earlier one pending at the same
//! endpoint waits for it.

use chrono::{DateTime, Utc};

use super::{
    super::{
        Result, Store,
        db::{Tx, in_list},
        positions,
    },
    endpoint, endpoint_columns, turns,
};
use crate::{
    domain::{
        ids::{AccountId, EndpointId, PostId, Sequence, UserId},
        platform::Platform,
        webhook::{Endpoint, OPERATOR},
    },
    params,
};

/// Name of the setting that holds the position.
const THROUGH: &str = "webhooks_through";

const FIRST_WANTED: &str = "SELECT events_after FROM aurareels_webhook_endpoints WHERE is_active = 1 AND events_after >= 0 \
     ORDER BY events_after LIMIT 1";
const INSERT_MESSAGE: &str = "INSERT INTO aurareels_webhook_messages (webhook_id, event_sequence, event_type, post_id, \
     account_id, body, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
const INSERT_DELIVERY: &str = "INSERT INTO aurareels_webhook_deliveries (endpoint_id, message_id, subject, status, \
     next_attempt_at, created_at) VALUES (?, ?, ?, 'pending', ?, ?)";
const EARLIER: &str = "SELECT id FROM aurareels_webhook_deliveries WHERE endpoint_id = ? AND subject = ? AND status = 'pending' \
     ORDER BY id LIMIT 1";

/// Deliveries made in one write. One event may go a little beyond.
const MOST: usize = 1_000;

/// A message to be sent to those who want it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// `webhook-id`.
    pub webhook_id: String,
    /// The event's position.
    pub sequence: Sequence,
    /// Its type.
    pub event_type: String,
    /// Whose it is.
    pub user: UserId,
    /// What it is sent in order of.
    pub subject: String,
    /// The platform of its post or account.
    pub platform: Option<Platform>,
    /// The post.
    pub post_id: Option<PostId>,
    /// The account.
    pub account_id: Option<AccountId>,
    /// What is sent.
    pub body: String,
}

/// How far events have become deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FannedOut {
    /// Up to here.
    Through(Sequence),
    /// Another core was quicker; nothing was written.
    Overtaken,
}

/// An endpoint with the position after which it gets events.
struct Recipient {
    endpoint: Endpoint,
    events_after: i64,
}

async fn recipients(tx: &mut Tx, users: &[UserId]) -> Result<Vec<Recipient>> {
    let (marks, values) = in_list(users);
    let sql = format!(
        concat!(
            "SELECT ",
            endpoint_columns!(),
            ", events_after FROM aurareels_webhook_endpoints WHERE wp_user_id IN ({}) AND is_active = 1"
        ),
        marks
    );
    let mut found = Vec::new();
    for row in &tx.fetch_all(&sql, &values).await? {
        match endpoint(row) {
            Ok(endpoint) => found.push(Recipient { endpoint, events_after: row.int("events_after")? }),
            // Its owner sees why; it keeps nobody else's events back.
            Err(error) if error.is_about_data() => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_by_key(|recipient| recipient.endpoint.id);
    Ok(found)
}

/// Makes a delivery, due now unless an earlier one of its subject is pending.
pub(super) async fn deliver(
    tx: &mut Tx,
    endpoint: EndpointId,
    message: i64,
    subject: &str,
    now: DateTime<Utc>,
) -> Result<i64> {
    let waits = !subject.is_empty() && tx.fetch_optional(EARLIER, &params![endpoint.0, subject]).await?.is_some();
    let due = (!waits).then_some(now);
    tx.insert(INSERT_DELIVERY, &params![endpoint.0, message, subject, due, now]).await
}

/// Keeps a message.
pub(super) async fn keep(
    tx: &mut Tx,
    webhook_id: &str,
    sequence: Option<Sequence>,
    event_type: &str,
    of: (Option<PostId>, Option<AccountId>),
    body: &str,
    now: DateTime<Utc>,
) -> Result<i64> {
    tx.insert(INSERT_MESSAGE, &params![webhook_id, sequence, event_type, of.0, of.1, body, now]).await
}

impl Store {
    /// The position after which events are to become deliveries; `None` while nobody wants any.
    pub async fn webhooks_from(&self) -> Result<Option<Sequence>> {
        let mut reader = self.db.read().await?;
        let Some(row) = reader.fetch_optional(FIRST_WANTED, &[]).await? else { return Ok(None) };
        let wanted = row.int("events_after")?;
        let row = reader.fetch_optional(positions::READ, &params![THROUGH]).await?;
        let through = positions::position(THROUGH, row.as_ref())?.unwrap_or(Sequence(0));
        Ok(Some(through.max(Sequence(wanted))))
    }

    /// Those of some users who have an endpoint that is on; the operator's serve all.
    pub async fn wanting_events(&self, users: &[UserId]) -> Result<Vec<UserId>> {
        let mut asked = users.to_vec();
        asked.push(OPERATOR);
        let (marks, values) = in_list(&asked);
        let sql = format!(
            "SELECT wp_user_id FROM aurareels_webhook_endpoints WHERE wp_user_id IN ({marks}) AND is_active = 1"
        );
        let rows = self.db.read().await?.fetch_all(&sql, &values).await?;
        let wanting = rows.iter().map(|row| row.int("wp_user_id").map(UserId)).collect::<Result<Vec<_>>>()?;
        Ok(if wanting.contains(&OPERATOR) { users.to_vec() } else { wanting })
    }

    /// Turns the messages of events after `from` into deliveries, in order. `reached` is the position up to which there
    /// is nothing else to send.
    pub async fn fan_out(
        &self,
        from: Sequence,
        messages: Vec<NewMessage>,
        reached: Sequence,
        now: DateTime<Utc>,
    ) -> Result<FannedOut> {
        self.db
            .write(async move |tx| {
                let row = tx.fetch_optional(positions::READ, &params![THROUGH]).await?;
                if positions::position(THROUGH, row.as_ref())?.is_some_and(|known| known > from) {
                    return Ok(FannedOut::Overtaken);
                }
                let mut users: Vec<UserId> = messages.iter().map(|message| message.user).collect();
                users.push(OPERATOR);
                users.sort_unstable();
                users.dedup();
                let recipients = recipients(tx, &users).await?;
                let (mut made, mut touched, mut last) = (0, Vec::new(), reached);
                for message in &messages {
                    let wanting: Vec<EndpointId> = recipients
                        .iter()
                        .filter(|one| [message.user, OPERATOR].contains(&one.endpoint.wp_user_id))
                        .filter(|one| message.sequence.0 > one.events_after)
                        .filter(|one| one.endpoint.filter.wants(&message.event_type, message.platform))
                        .map(|one| one.endpoint.id)
                        .collect();
                    if wanting.is_empty() {
                        continue;
                    }
                    let of = (message.post_id, message.account_id);
                    let (id, sequence) = (&message.webhook_id, Some(message.sequence));
                    let kept = keep(tx, id, sequence, &message.event_type, of, &message.body, now).await?;
                    for endpoint in &wanting {
                        deliver(tx, *endpoint, kept, &message.subject, now).await?;
                    }
                    made += wanting.len();
                    touched.extend(wanting);
                    if made >= MOST {
                        last = message.sequence;
                        break;
                    }
                }
                touched.sort_unstable();
                touched.dedup();
                for endpoint in touched {
                    turns::refresh(tx, endpoint).await?;
                }
                positions::keep(tx, THROUGH, last).await?;
                Ok(FannedOut::Through(last))
            })
            .await
    }
}

//! A delivery as a row.

use super::super::{Result, db::Row};
use crate::domain::{
    ids::{AccountId, DeliveryId, EndpointId, Fence, PostId, Sequence},
    webhook::{Delivery, DeliveryStatus},
};

macro_rules! delivery_columns {
    () => {
        "d.id, d.endpoint_id, m.webhook_id, m.event_type, m.event_sequence, m.post_id, m.account_id, d.status, \
         d.next_attempt_at, d.tries, d.tries_ever, d.tried_since, d.fence, d.created_at, d.ended_at"
    };
}
pub(super) use delivery_columns;

/// A delivery, without its last try.
pub(super) fn delivery(row: &Row) -> Result<Delivery> {
    Ok(Delivery {
        id: DeliveryId(row.int("id")?),
        endpoint: EndpointId(row.int("endpoint_id")?),
        webhook_id: row.text("webhook_id")?,
        event_type: row.text("event_type")?,
        event_sequence: row.opt_int("event_sequence")?.map(Sequence),
        post_id: row.opt_int("post_id")?.map(PostId),
        account_id: row.opt_int("account_id")?.map(AccountId),
        status: row.word::<DeliveryStatus>("status")?,
        next_attempt_at: row.opt_time("next_attempt_at")?,
        tries: row.small("tries")?,
        tries_ever: row.small("tries_ever")?,
        tried_since: row.opt_time("tried_since")?,
        fence: Fence(row.int("fence")?),
        created_at: row.time("created_at")?,
        ended_at: row.opt_time("ended_at")?,
        last_try: None,
    })
}

//! What an event is about, in the JSON of this API, for whoever tells others of it.

use aurareels_proto::v1;
use prost::{Message, Name};
use serde_json::{Value, json as object};

use super::{
    connect,
    convert::{account, post, webhook},
};
use crate::{
    app::{posts::requests::Subjects, webhooks::Describe},
    domain::{event::Event, webhook::Endpoint},
};

/// Writes posts, accounts and endpoints as calls in JSON are answered.
pub struct Described;

fn json<M: Message + Name>(message: &M) -> Value {
    // Only a message that is not of this API has no JSON.
    connect::to_json(message).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null)
}

impl Describe for Described {
    fn data(&self, event: &Event, subjects: &Subjects, endpoint: Option<&Endpoint>) -> Value {
        let of = &event.event;
        if let Some(id) = of.post_id {
            return match subjects.posts.get(&id) {
                Some(found) => {
                    let owner = subjects.accounts.get(&found.social_account_id);
                    let shown: v1::Post = post::post(found.as_ref().clone(), owner.map(AsRef::as_ref), None);
                    json(&shown)
                }
                None => {
                    object!({ "id": id.0, "wp_user_id": of.wp_user_id.0, "social_account_id": of.account_id.map(|id| id.0) })
                }
            };
        }
        if let Some(id) = of.account_id {
            return match subjects.accounts.get(&id) {
                Some(found) => json(&account::account(found.as_ref().clone())),
                None => object!({ "id": id.0, "wp_user_id": of.wp_user_id.0 }),
            };
        }
        match endpoint {
            Some(endpoint) => json(&webhook::endpoint(endpoint.clone())),
            None => object!({ "id": of.webhook_id.map(|id| id.0), "wp_user_id": of.wp_user_id.0 }),
        }
    }
}

//! What an event is about, in the JSON of this API, for whoever tells others of it.

use aurareels_proto::v1;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};

use super::{
    connect,
    convert::{account, post, webhook},
};
use crate::{
    app::{posts::requests::Subjects, webhooks::Describe},
    domain::{event::Event, webhook::Endpoint},
};

/// Writes posts, accounts and endpoints as calls in JSON are answered.
pub struct Described(DescriptorPool);

impl Described {
    /// By the messages of this release.
    #[expect(clippy::new_without_default, reason = "it decodes the descriptors, which is worth a name")]
    pub fn new() -> Self {
        let pool = DescriptorPool::decode(aurareels_proto::FILE_DESCRIPTOR_SET);
        Self(pool.expect("the descriptors are those that the build compiled"))
    }

    fn json(&self, name: &str, message: &impl Message) -> Value {
        let of = self.0.get_message_by_name(name).expect("a message of this release");
        let written = DynamicMessage::decode(of, message.encode_to_vec().as_slice()).ok();
        let json = written.and_then(|message| {
            message.serialize_with_options(serde_json::value::Serializer, &connect::options()).ok()
        });
        json.unwrap_or(Value::Null)
    }
}

impl Describe for Described {
    fn data(&self, event: &Event, subjects: &Subjects, endpoint: Option<&Endpoint>) -> Value {
        let of = &event.event;
        if let Some(id) = of.post_id {
            return match subjects.posts.get(&id) {
                Some(found) => {
                    let owner = subjects.accounts.get(&found.social_account_id);
                    let shown: v1::Post = post::post(found.as_ref().clone(), owner.map(AsRef::as_ref), None);
                    self.json("aurareels.v1.Post", &shown)
                }
                None => {
                    json!({ "id": id.0, "wp_user_id": of.wp_user_id.0, "social_account_id": of.account_id.map(|id| id.0) })
                }
            };
        }
        if let Some(id) = of.account_id {
            return match subjects.accounts.get(&id) {
                Some(found) => self.json("aurareels.v1.Account", &account::account(found.as_ref().clone())),
                None => json!({ "id": id.0, "wp_user_id": of.wp_user_id.0 }),
            };
        }
        match endpoint {
            Some(endpoint) => self.json("aurareels.v1.WebhookEndpoint", &webhook::endpoint(endpoint.clone())),
            None => json!({ "id": of.webhook_id.map(|id| id.0), "wp_user_id": of.wp_user_id.0 }),
        }
    }
}

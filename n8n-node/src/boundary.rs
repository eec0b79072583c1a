//! Messages as JavaScript sees them: JSON with the proto's own field names, read and written by the proto's descriptors.
//!
//! The form is protobuf's JSON mapping with what suits people who build workflows:
//!
//! - fields are named as in the proto (`scheduled_at`), and every field is there: `null` stands for "not given";
//! - our 64-bit ids are numbers; they stay far below 2^53;
//! - enums are the word behind the prefix in small letters (`published` for `POST_STATUS_PUBLISHED`), unspecified is `null`;
//! - times are RFC 3339 texts in UTC, spans are texts such as `"3.5s"`, `Struct` is plain JSON.
//!
//! Requests are read in the same form, and refuse fields that the message does not have. A new field, message or RPC in
//! `proto/` needs no change here; `types.rs` in the tests keeps the TypeScript types in step.

use bytes::Bytes;
use http::uri::PathAndQuery;
use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, MessageDescriptor};

use crate::{
    descriptors::{self, is_well_known},
    failure::{Failure, Reason},
    outgoing,
};

/// The package whose services can be called.
const PACKAGE: &str = "aurareels.v1";

/// One RPC.
#[derive(Clone, Debug)]
pub(crate) struct Method {
    /// `/aurareels.v1.PostService/GetPost`
    pub(crate) path: PathAndQuery,
    /// The request.
    pub(crate) input: MessageDescriptor,
    /// The answer, or one message of a stream of answers.
    pub(crate) output: MessageDescriptor,
}

impl Method {
    /// Finds `PostService/GetPost`.
    pub(crate) fn find(name: &str) -> Result<Self, Box<Failure>> {
        let unknown = || Failure::own(Reason::RequestInvalid, format!("there is no RPC `{name}`"));
        let (service, method) = name.split_once('/').ok_or_else(unknown)?;
        let service = descriptors::pool().get_service_by_name(&format!("{PACKAGE}.{service}")).ok_or_else(unknown)?;
        let method = service.methods().find(|m| m.name() == method).ok_or_else(unknown)?;
        let path = format!("/{}/{}", service.full_name(), method.name());
        Ok(Self {
            path: PathAndQuery::from_maybe_shared(Bytes::from(path)).map_err(|_| unknown())?,
            input: method.input(),
            output: method.output(),
        })
    }
}

/// Reads a request.
pub(crate) fn read(message: &MessageDescriptor, json: &str) -> Result<DynamicMessage, Box<Failure>> {
    let refuse =
        |error: serde_json::Error| Failure::own(Reason::RequestInvalid, format!("{}: {error}", message.name()));
    let mut value: serde_json::Value = serde_json::from_str(json).map_err(refuse)?;
    to_proto_enums(message, &mut value);
    DynamicMessage::deserialize(message.clone(), value).map_err(refuse)
}

/// Writes an answer.
pub(crate) fn write(message: &MessageDescriptor, encoded: &[u8]) -> Result<String, Box<Failure>> {
    outgoing::write(message, encoded).map_err(|error| {
        Failure::own(Reason::AnswerUnreadable, format!("the core's {} cannot be read: {error}", message.name()))
    })
}

/// Puts the proto's names in place of our words, wherever the message has an enum.
fn to_proto_enums(message: &MessageDescriptor, value: &mut serde_json::Value) {
    let Some(object) = value.as_object_mut() else { return };
    for (name, value) in object {
        let Some(field) = message.get_field_by_name(name) else { continue };
        match (field.kind(), value) {
            (Kind::Enum(of), serde_json::Value::Array(list)) => list.iter_mut().for_each(|v| to_proto_enum(&of, v)),
            (Kind::Enum(of), value) => to_proto_enum(&of, value),
            (Kind::Message(inner), serde_json::Value::Array(list)) if !is_well_known(&inner) => {
                list.iter_mut().for_each(|value| to_proto_enums(&inner, value));
            }
            (Kind::Message(inner), value) if !is_well_known(&inner) => to_proto_enums(&inner, value),
            _ => {}
        }
    }
}

fn to_proto_enum(of: &EnumDescriptor, value: &mut serde_json::Value) {
    if let Some(word) = value.as_str() {
        let name = format!("{}{}", descriptors::prefix(of), word.to_uppercase());
        if of.get_value_by_name(&name).is_some() {
            *value = name.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use aurareels_proto::v1;
    use prost::Message;
    use serde_json::json;

    use super::*;

    fn round<M: Message + Default>(method: &str, json: &serde_json::Value) -> M {
        let method = Method::find(method).unwrap();
        M::decode(read(&method.input, &json.to_string()).unwrap().encode_to_vec().as_slice()).unwrap()
    }

    fn written(method: &str, answer: &impl Message) -> serde_json::Value {
        let method = Method::find(method).unwrap();
        serde_json::from_str(&write(&method.output, &answer.encode_to_vec()).unwrap()).unwrap()
    }

    #[test]
    fn a_request_is_read_with_words_numbers_and_nulls() {
        let request: v1::SchedulePostsRequest = round(
            "PostService/SchedulePosts",
            &json!({
                "accounts": [7, 9_007_199_254_740_991_i64],
                "content": {
                    "video_url": "https://example.org/a.mp4", "allow_duet": false, "allow_stitch": null,
                    "on_long_caption": "cut", "metadata": {"a": [1, null, {"status": "published"}]},
                    "platform_options": {"tiktok": {"transfer": "pull_from_url"}},
                },
                "scheduled_at": {"text": "2030-01-01T10:00:00+01:00"},
                "scheduler": "n8n",
            }),
        );
        assert_eq!(request.accounts, [7, 9_007_199_254_740_991]);
        assert_eq!(request.scheduler(), v1::Scheduler::N8n);
        let content = request.content.unwrap();
        assert_eq!((content.allow_duet, content.allow_stitch), (Some(false), None));
        assert_eq!(content.on_long_caption(), v1::OnLongCaption::Cut);
        let transfer = content.platform_options.unwrap().tiktok.unwrap().transfer();
        assert_eq!(transfer, v1::TikTokTransfer::PullFromUrl);
        assert_eq!(content.metadata.unwrap().fields.len(), 1);
    }

    #[test]
    fn a_field_that_does_not_exist_is_refused_by_name() {
        let method = Method::find("PostService/GetPost").unwrap();
        let failure = read(&method.input, r#"{"post_id": 1}"#).unwrap_err();
        assert_eq!((failure.code, failure.reason.as_str()), (tonic::Code::InvalidArgument, "REQUEST_INVALID"));
        assert!(failure.message.contains("post_id"), "{}", failure.message);
    }

    #[test]
    fn a_word_that_an_enum_does_not_have_is_refused() {
        let method = Method::find("PostService/ListPosts").unwrap();
        assert!(read(&method.input, r#"{"statuses": ["publishd"]}"#).is_err());
    }

    #[test]
    fn an_answer_has_every_field_and_null_for_what_is_not_there() {
        let post = v1::Post {
            id: 125,
            platform: v1::Platform::Tiktok.into(),
            status: v1::PostStatus::NeedsReview.into(),
            scheduled_at: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 }),
            allow_duet: Some(false),
            ..Default::default()
        };
        let json = written("PostService/GetPost", &post);
        assert_eq!(json["id"], 125);
        assert_eq!(json["platform"], "tiktok");
        assert_eq!(json["status"], "needs_review");
        assert_eq!(json["scheduled_at"], "2026-01-01T00:00:00Z");
        assert_eq!(json["allow_duet"], false);
        assert_eq!(json["caption"], "");
        assert_eq!(json["hashtags"], json!([]));
        for absent in ["published_at", "allow_stitch", "account", "error", "scheduler", "video_size_bytes"] {
            assert_eq!(json[absent], json!(null), "{absent}");
        }
        let fields = Method::find("PostService/GetPost").unwrap().output.fields().len();
        assert_eq!(json.as_object().unwrap().len(), fields);
    }

    #[test]
    fn a_value_of_a_newer_core_is_shown_as_its_number() {
        let post = v1::Post { status: 4711, ..Default::default() };
        assert_eq!(written("PostService/GetPost", &post)["status"], "4711");
    }

    #[test]
    fn an_unknown_rpc_is_refused() {
        for name in ["PostService/Nothing", "Nothing/GetPost", "GetPost", ""] {
            assert_eq!(Method::find(name).unwrap_err().reason, "REQUEST_INVALID", "{name}");
        }
    }
}

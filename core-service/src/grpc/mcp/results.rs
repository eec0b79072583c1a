//! What an agent is told of a call: the answer without what is empty, or why it was refused and what to do.

use prost_reflect::{DynamicMessage, SerializeOptions};
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value, json};
use tonic::Status;
use tonic_types::StatusExt;

use super::call::Unread;
use crate::grpc::connect;

/// An answer.
pub(super) fn answered(answer: &DynamicMessage) -> CallToolResult {
    let options =
        SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false).skip_default_fields(false);
    match answer.serialize_with_options(serde_json::value::Serializer, &options) {
        Ok(value) => CallToolResult::structured(shortened(value)),
        Err(error) => CallToolResult::error(vec![ContentBlock::text(format!("the answer has no JSON: {error}"))]),
    }
}

/// An answer's own lists are told also where they are empty: no posts is an answer.
fn shortened(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let keeps = |value: &Value| value.is_array() || !is_nothing(value);
    let fields = fields.into_iter().map(|(name, value)| (name, without_nothing(value)));
    Value::Object(fields.filter(|(_, value)| keeps(value)).collect())
}

/// A value without fields that say nothing. Numbers and what is false stay.
fn without_nothing(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, without_nothing(value)));
            Value::Object(fields.filter(|(_, value)| !is_nothing(value)).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nothing).collect()),
        other => other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() || text.ends_with("_UNSPECIFIED"),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Arguments that were not read.
pub(super) fn unread(Unread { field, problem, remedy }: &Unread) -> CallToolResult {
    let place = if field.is_empty() { "the arguments".to_owned() } else { format!("`{field}`") };
    let text = format!("REQUEST_UNREADABLE: {place}: {problem}. What to do: {remedy}.");
    let fields = json!([{ "field": field, "rule": "REQUEST_UNREADABLE", "message": problem }]);
    error(text, json!({ "reason": "REQUEST_UNREADABLE", "message": problem, "remedy": remedy, "fields": fields }))
}

/// A refusal of the API.
pub(super) fn refused(status: &Status) -> CallToolResult {
    let details = status.get_error_details();
    let info = details.error_info();
    let (code, _) = connect::code(status.code());
    let reason = info.map_or_else(|| code.to_ascii_uppercase(), |info| info.reason.clone());
    let remedy = info.and_then(|info| info.metadata.get("remedy")).cloned().unwrap_or_default();
    let broken = details.bad_request().map(|request| request.field_violations.as_slice()).unwrap_or_default();
    let mut text = format!("{reason}: {}", status.message());
    let mut fields = Vec::new();
    for violation in broken {
        text.push_str(&format!("\n- {}: {}", violation.field, violation.description));
        fields.push(json!({
            "field": violation.field, "rule": violation.reason, "message": violation.description
        }));
    }
    if !remedy.is_empty() && !text.contains(&remedy) {
        text.push_str(&format!("\nWhat to do: {remedy}."));
    }
    let mut value = Map::from_iter([
        ("code".to_owned(), json!(code)),
        ("reason".to_owned(), json!(reason)),
        ("message".to_owned(), json!(status.message())),
        ("remedy".to_owned(), json!(remedy)),
        ("fields".to_owned(), Value::Array(fields)),
    ]);
    if let Some(wait) = details.retry_info().and_then(|info| info.retry_delay) {
        text.push_str(&format!("\nCall again in {} s.", wait.as_secs().max(1)));
        value.insert("retry_after_seconds".to_owned(), json!(wait.as_secs().max(1)));
    }
    error(text, without_nothing(Value::Object(value)))
}

fn error(text: String, value: Value) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content = Some(value);
    result
}

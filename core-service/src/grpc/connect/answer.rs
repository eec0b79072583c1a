//! What a call without gRPC is answered: a message, or an error with its details
//! (<https://connectrpc.com/docs/protocol/#error-end-stream>).

use axum::{body::Body, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use serde::Serialize;
use serde_json::Value;
use tonic::{Code, Status};
use tonic_types::{StatusExt, pb};

use super::dictionary::{Dictionary, Form};
use crate::grpc::status;

/// The answer to a call that worked.
#[allow(clippy::result_large_err, reason = "it becomes the answer at once")]
pub(super) fn succeeded(form: Form, of: &MessageDescriptor, message: Bytes) -> Result<Response, Status> {
    let (content_type, body) = match form {
        Form::Protobuf => ("application/proto", message),
        Form::Json => {
            let message =
                DynamicMessage::decode(of.clone(), message).map_err(|error| status::broke_off(&error.to_string()))?;
            ("application/json", to_json(&message).map_err(|error| status::broke_off(&error.to_string()))?.into())
        }
    };
    Ok(response(StatusCode::OK, content_type, body))
}

/// JSON with the names of the proto files, every field, numbers as numbers, and a line end for people who read it in a
/// terminal.
fn to_json(message: &DynamicMessage) -> serde_json::Result<Vec<u8>> {
    let mut written = Vec::new();
    message.serialize_with_options(&mut serde_json::Serializer::new(&mut written), &options())?;
    written.push(b'\n');
    Ok(written)
}

/// The same as text.
pub(super) fn in_json(message: &DynamicMessage) -> anyhow::Result<String> {
    Ok(String::from_utf8(to_json(message)?)?)
}

fn options() -> SerializeOptions {
    SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false).skip_default_fields(false)
}

/// An error.
#[derive(Serialize)]
struct Failure<'s> {
    code: &'static str,
    message: &'s str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

/// A detail: as bytes for clients, and in words for people.
#[derive(Serialize)]
struct Detail {
    #[serde(rename = "type")]
    name: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    debug: Option<Value>,
}

/// The answer to a call that failed.
pub(super) fn failed(dictionary: &Dictionary, status: &Status) -> Response {
    let details = pb::Status::decode(status.details()).map(|status| status.details).unwrap_or_default();
    let detail = |any: prost_types::Any| {
        let name = any.type_url.rsplit('/').next().unwrap_or_default().to_owned();
        let message = dictionary.0.get_message_by_name(&name);
        let message = message.and_then(|message| DynamicMessage::decode(message, any.value.as_slice()).ok());
        let options = options().skip_default_fields(true);
        let debug =
            message.and_then(|message| message.serialize_with_options(serde_json::value::Serializer, &options).ok());
        Detail { name, value: STANDARD_NO_PAD.encode(&any.value), debug }
    };
    answer(status, details.into_iter().map(detail).collect())
}

/// The same without details.
pub(in crate::grpc) fn plainly_failed(status: &Status) -> Response {
    answer(status, Vec::new())
}

fn answer(status: &Status, details: Vec<Detail>) -> Response {
    let (code, http) = code(status.code());
    let failure = Failure { code, message: status.message(), details };
    let mut body = serde_json::to_vec(&failure).unwrap_or_default();
    body.push(b'\n');
    let mut response = response(http, "application/json", body.into());
    // What `curl --retry` goes by.
    let wait = status.get_error_details().retry_info().and_then(|info| info.retry_delay);
    if let Some(wait) = wait {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if status.code() == Code::Unauthenticated {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn response(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A code by its name, and the status of HTTP that goes with it (<https://connectrpc.com/docs/protocol/#error-codes>).
pub(in crate::grpc) fn code(code: Code) -> (&'static str, StatusCode) {
    match code {
        // There is no error "ok"; a status that says so never comes here.
        Code::Ok | Code::Unknown => ("unknown", StatusCode::INTERNAL_SERVER_ERROR),
        Code::Cancelled => ("canceled", StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)),
        Code::InvalidArgument => ("invalid_argument", StatusCode::BAD_REQUEST),
        Code::DeadlineExceeded => ("deadline_exceeded", StatusCode::GATEWAY_TIMEOUT),
        Code::NotFound => ("not_found", StatusCode::NOT_FOUND),
        Code::AlreadyExists => ("already_exists", StatusCode::CONFLICT),
        Code::PermissionDenied => ("permission_denied", StatusCode::FORBIDDEN),
        Code::ResourceExhausted => ("resource_exhausted", StatusCode::TOO_MANY_REQUESTS),
        Code::FailedPrecondition => ("failed_precondition", StatusCode::BAD_REQUEST),
        Code::Aborted => ("aborted", StatusCode::CONFLICT),
        Code::OutOfRange => ("out_of_range", StatusCode::BAD_REQUEST),
        Code::Unimplemented => ("unimplemented", StatusCode::NOT_IMPLEMENTED),
        Code::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR),
        Code::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
        Code::DataLoss => ("data_loss", StatusCode::INTERNAL_SERVER_ERROR),
        Code::Unauthenticated => ("unauthenticated", StatusCode::UNAUTHORIZED),
    }
}

//! Calls without gRPC: `POST /aurareels.v1.PostService/PublishPosts` with JSON in and out, for curl and whatever else speaks
//! HTTP. It is the unary form of the Connect protocol (<https://connectrpc.com/docs/protocol/#unary-request>), so the
//! official Connect clients work too.
//!
//! Guaranteed: such a call is the same call. It is turned into one of gRPC before anything else sees it, with the same
//! credentials, limits, checks and errors. Field names are those of the proto files on output, those or their camel-case
//! form on input; 64-bit numbers are numbers on output, numbers or text on input; a field that nobody knows is refused.
//!
//! Expected failures, as JSON with a Connect code and the details of the gRPC status: a body that is no JSON of the
//! message, an RPC that streams, a content type that is neither JSON nor protobuf, a body that is too large.

mod answer;
mod dictionary;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use bytes::{BufMut, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Version, header};
use http_body_util::{BodyExt, Limited};
use prost::{Message, Name};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::Status;

pub(super) use self::{
    answer::{code, plainly_failed},
    dictionary::Dictionary,
};
use self::{
    answer::{failed, succeeded},
    dictionary::Form,
};
use super::{field_mask, read_json, status};

/// Largest JSON body. What it says has to fit the limit of a message as well.
const BODY: usize = 4 * 1024 * 1024;

/// How long a caller waits at most; a header of the protocol.
const TIMEOUT: &str = "connect-timeout-ms";

/// The messages and RPCs of this release.
pub(super) fn dictionary() -> anyhow::Result<&'static Dictionary> {
    static DICTIONARY: LazyLock<anyhow::Result<Dictionary>> = LazyLock::new(Dictionary::new);
    DICTIONARY.as_ref().map_err(|error| anyhow!("{error:#}"))
}

/// A message as its JSON, as a call with JSON answers it.
pub(crate) fn to_json<M: Message + Name>(message: &M) -> anyhow::Result<String> {
    let name = M::full_name();
    let of = dictionary()?.0.get_message_by_name(&name).with_context(|| format!("{name} is no message of the API"))?;
    answer::in_json(&DynamicMessage::decode(of, message.encode_to_vec().as_slice())?)
}

/// What a request's content type asks for.
enum Asked {
    /// A call in this form.
    Call(Form),
    /// gRPC or gRPC-web, or a question of a browser.
    Other,
    /// Nothing that is understood here.
    Unknown(String),
}

fn asked(request: &Request) -> Asked {
    if request.method() != Method::POST {
        return Asked::Other;
    }
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => Asked::Call(Form::Json),
        "application/proto" => Asked::Call(Form::Protobuf),
        grpc if grpc.starts_with("application/grpc") => Asked::Other,
        other => Asked::Unknown(other.to_owned()),
    }
}

/// Middleware of the gRPC routes.
pub(super) async fn pass(State(dictionary): State<Arc<Dictionary>>, request: Request, next: Next) -> Response {
    let form = match asked(&request) {
        Asked::Call(form) => form,
        Asked::Other => return next.run(request).await,
        Asked::Unknown(content_type) => {
            return failed(&dictionary, &status::not_json(&content_type, request.uri().path()));
        }
    };
    match call(&dictionary, form, request, next).await {
        Ok(response) => response,
        Err(status) => failed(&dictionary, &status),
    }
}

/// What answers such a call to a path that nobody knows; `None` when it is another kind of request.
pub(super) fn no_such_rpc(request: &Request) -> Option<Response> {
    let is_call = matches!(asked(request), Asked::Call(_));
    is_call.then(|| answer::plainly_failed(&status::no_such_rpc(request.uri().path())))
}

async fn call(dictionary: &Dictionary, form: Form, request: Request, next: Next) -> Result<Response, Status> {
    let path = request.uri().path();
    let method = dictionary.method(path).ok_or_else(|| status::no_such_rpc(path))?;
    if method.is_client_streaming() || method.is_server_streaming() {
        return Err(status::streams(method.name()));
    }
    let wait = timeout(request.headers())?;
    let (mut parts, body) = request.into_parts();
    if parts.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(status::compressed());
    }
    let body = Limited::new(body, BODY).collect().await.map_err(|error| status::not_read(&error.to_string(), BODY))?;
    let message = match form {
        Form::Json => from_json(&method, &body.to_bytes())?,
        Form::Protobuf => body.to_bytes(),
    };
    // What is inside of this sees a request of gRPC.
    for name in [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::ACCEPT_ENCODING] {
        parts.headers.remove(name);
    }
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    parts.headers.insert(header::TE, HeaderValue::from_static("trailers"));
    parts.version = Version::HTTP_2;
    let answered = next.run(Request::from_parts(parts, Body::from(framed(&message)?)));
    let response = match wait {
        Some(wait) => tokio::time::timeout(wait, answered).await.map_err(|_| status::too_late(wait))?,
        None => answered.await,
    };
    let (parts, body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&parts.headers).filter(|status| status.code() != tonic::Code::Ok) {
        return Err(status);
    }
    let body = body.collect().await.map_err(|error| status::broke_off(&error.to_string()))?;
    let end = body.trailers().and_then(Status::from_header_map);
    if let Some(status) = end.filter(|status| status.code() != tonic::Code::Ok) {
        return Err(status);
    }
    // One message: a byte that says whether it is compressed, four of its length.
    let bytes = body.to_bytes();
    let message = bytes.get(5..).map(|message| bytes.slice_ref(message));
    let message = message.ok_or_else(|| status::broke_off("the answer holds no message"))?;
    succeeded(form, &method.output(), message)
}

/// How long the caller waits.
fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get(TIMEOUT) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.len() <= 10);
    let milliseconds = digits.and_then(|text| text.parse().ok()).ok_or_else(|| status::bad_header(TIMEOUT))?;
    Ok(Some(Duration::from_millis(milliseconds)))
}

/// The message that JSON says. Nothing at all is an empty message.
fn from_json(method: &MethodDescriptor, body: &Bytes) -> Result<Bytes, Status> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Bytes::new());
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = read_json::message(method, &mut json).and_then(|message| match json.end() {
        Ok(()) => Ok(message),
        Err(error) => Err((String::new(), error)),
    });
    let message = match read {
        Ok(message) => message,
        Err(error) => {
            let request = serde_json::from_slice(body).ok().and_then(|request| field_mask::in_camel_case(&request));
            request.map_or(Err(error), |request| read_json::message(method, request)).map_err(|(field, error)| {
                status::not_this_json(method.input().full_name(), &field, &error.to_string())
            })?
        }
    };
    Ok(message.encode_to_vec().into())
}

/// A message as gRPC sends it.
#[allow(clippy::result_large_err, reason = "it becomes the answer at once")]
fn framed(message: &Bytes) -> Result<Bytes, Status> {
    let length = u32::try_from(message.len()).map_err(|_| status::not_read("it is too long", BODY))?;
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(0);
    framed.put_u32(length);
    framed.put_slice(message);
    Ok(framed.freeze())
}

//! Building answers. Vendors use these so that content types and lengths are the same everywhere.

use axum::body::Body;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;

/// What a vendor answers with.
pub(crate) type Reply = Response<Body>;

/// JSON with this status (a `u16`, because the sheets speak in numbers).
pub(crate) fn json(status: u16, body: &Value) -> Reply {
    with_type(status, "application/json; charset=utf-8", body.to_string())
}

pub(crate) fn html(status: u16, body: impl Into<String>) -> Reply {
    with_type(status, "text/html; charset=utf-8", body.into())
}

pub(crate) fn text(status: u16, body: impl Into<String>) -> Reply {
    with_type(status, "text/plain; charset=utf-8", body.into())
}

pub(crate) fn empty(status: u16) -> Reply {
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = code(status);
    reply
}

/// 302 to `location`, as browsers follow it from a consent page.
pub(crate) fn redirect(location: &str) -> Reply {
    let mut reply = empty(302);
    match HeaderValue::from_str(location) {
        Ok(value) => {
            reply.headers_mut().insert(LOCATION, value);
            reply
        }
        Err(_) => text(400, "the redirect target is not a valid header value"),
    }
}

/// Adds a header; a value that HTTP cannot carry is left out.
pub(crate) fn header(mut reply: Reply, name: &'static str, value: &str) -> Reply {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(HeaderName::from_static(name), value);
    }
    reply
}

fn with_type(status: u16, content_type: &'static str, body: String) -> Reply {
    let mut reply = Response::new(Body::from(body));
    *reply.status_mut() = code(status);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

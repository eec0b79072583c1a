//! Logging in and out, and the list of sessions: JSON for the dashboard's own page.
//!
//! Guaranteed: nothing changes unless `Origin` is that of the core's public address, so no other site logs a browser in or
//! out; what is read is not answered to a page that says it is another site's either. A session sees and ends those of its own
//! user alone. Whatever is wrong with a link, the answer is the same.
//!
//! Every refusal is `{"reason", "message", "remedy"}`.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::error;

use super::{super::auth::session::Origin, desk::Desk};
use crate::{
    app::{self, dashboard::Session},
    audit,
    domain::failure::describe,
};

fn answer(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    (status, headers, body.to_string()).into_response()
}

fn refused(status: StatusCode, reason: &str, message: &str, remedy: &str) -> Response {
    answer(status, &json!({ "reason": reason, "message": message, "remedy": remedy }))
}

fn not_logged_in() -> Response {
    refused(
        StatusCode::UNAUTHORIZED,
        "UNAUTHENTICATED",
        "you are not logged in, or your session has ended",
        "log in with a new link; `aurareels dashboard-link --user N` makes one",
    )
}

fn link_invalid() -> Response {
    refused(
        StatusCode::UNAUTHORIZED,
        "LOGIN_LINK_INVALID",
        "this link does not log in: it was used already, is too old, or is not complete",
        "make a new one with `aurareels dashboard-link --user N`; each works once, for ten minutes",
    )
}

fn failed(error: &app::Error) -> Response {
    match error {
        app::Error::Store(store) if !store.is_about_data() => {
            let mut response = refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "STORE_UNAVAILABLE",
                "the database is away",
                "try again in a moment",
            );
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            response
        }
        _ => {
            error!(error = %describe(error), "a request of the dashboard failed");
            refused(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "this is a fault of the core", "look at its log")
        }
    }
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn shown(session: &Session) -> Value {
    json!({
        "user": session.user.0,
        "session": session.id.to_string(),
        "expires_at": time(session.expires_at),
    })
}

impl Desk {
    fn wrong_origin(&self) -> Response {
        refused(
            StatusCode::FORBIDDEN,
            "WRONG_ORIGIN",
            &format!("this is for pages of {} alone", self.cookies.origin()),
            "open the dashboard at that address; it is AURAREELS_PUBLIC_URL of the core",
        )
    }

    /// Refuses what changes something unless a page of this core asks for it.
    fn only_own(&self, headers: &HeaderMap) -> Result<(), Box<Response>> {
        match self.cookies.origin_of(headers) {
            Origin::Own => Ok(()),
            Origin::None | Origin::Other => Err(Box::new(self.wrong_origin())),
        }
    }

    /// Refuses what reads where another site's page asks. Browsers send no `Origin` with what a page reads from its own site.
    fn no_other(&self, headers: &HeaderMap) -> Result<(), Box<Response>> {
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let is_other_site = site.is_some_and(|site| !matches!(site, b"same-origin" | b"none"));
        match self.cookies.origin_of(headers) {
            Origin::Own | Origin::None if !is_other_site => Ok(()),
            _ => Err(Box::new(self.wrong_origin())),
        }
    }

    /// The session of the browser that asks.
    async fn session(&self, headers: &HeaderMap) -> Result<Session, Box<Response>> {
        let Some(secret) = self.cookies.secret(headers) else { return Err(Box::new(not_logged_in())) };
        match self.dashboard.used(secret).await {
            Ok(Some(session)) => Ok(session),
            Ok(None) => Err(Box::new(not_logged_in())),
            Err(error) => Err(Box::new(failed(&error))),
        }
    }
}

/// Notes a session that begins or ends.
fn note(session: &Session) {
    audit::acts_for(session.user);
    audit::touches("session", session.id);
}

/// What the login page sends.
#[derive(Deserialize)]
struct Login {
    secret: String,
}

/// POST /dashboard/session: a link becomes a session.
pub(super) async fn log_in(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if let Err(refusal) = desk.only_own(&headers) {
        return *refusal;
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = content_type.split(';').next().is_some_and(|kind| kind.trim() == "application/json");
    let login: Option<Login> = body.ok().filter(|_| is_json).and_then(|body| serde_json::from_slice(&body).ok());
    let Some(Login { secret }) = login else {
        let message = "this is not {\"secret\": \"...\"} as application/json";
        return refused(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message, "send what stands behind # in the link");
    };
    let user_agent =
        headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let before = desk.cookies.secret(&headers);
    match desk.dashboard.log_in(&secret, &user_agent.unwrap_or_default(), before).await {
        Ok(Some((secret, session))) => {
            note(&session);
            with_cookie(answer(StatusCode::OK, &shown(&session)), desk.cookies.set(secret.expose()))
        }
        Ok(None) => match desk.wrong_tries.note() {
            None => link_invalid(),
            Some(left) => {
                let message = "too many wrong links were tried";
                let mut response =
                    refused(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_TRIES", message, "try again in a minute");
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(left.as_secs() + 1));
                response
            }
        },
        Err(error) => failed(&error),
    }
}

/// GET /dashboard/session: who is logged in.
pub(super) async fn mine(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = desk.no_other(&headers) {
        return *refusal;
    }
    match desk.session(&headers).await {
        Ok(session) => answer(StatusCode::OK, &shown(&session)),
        Err(refusal) => *refusal,
    }
}

/// DELETE /dashboard/session: nobody is, from here on.
pub(super) async fn log_out(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = desk.only_own(&headers) {
        return *refusal;
    }
    let ended = match desk.cookies.secret(&headers) {
        Some(secret) => match desk.dashboard.find(secret).await {
            Ok(Some(session)) => {
                note(&session);
                desk.dashboard.end(Some(session.user), session.id).await.map(drop)
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        },
        None => Ok(()),
    };
    match ended {
        Ok(()) => with_cookie(StatusCode::NO_CONTENT.into_response(), desk.cookies.clear()),
        Err(error) => failed(&error),
    }
}

/// GET /dashboard/sessions: where else this user is logged in.
pub(super) async fn list(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = desk.no_other(&headers) {
        return *refusal;
    }
    let mine = match desk.session(&headers).await {
        Ok(session) => session,
        Err(refusal) => return *refusal,
    };
    let one = |session: &Session| {
        json!({
            "id": session.id.to_string(),
            "created_at": time(session.created_at),
            "last_used_at": time(session.last_used_at),
            "expires_at": time(session.expires_at),
            "user_agent": session.user_agent,
            "current": session.id == mine.id,
        })
    };
    match desk.dashboard.list(Some(mine.user)).await {
        Ok(sessions) => {
            let sessions: Vec<Value> = sessions.iter().map(one).collect();
            answer(StatusCode::OK, &json!({ "sessions": sessions }))
        }
        Err(error) => failed(&error),
    }
}

/// DELETE /dashboard/sessions/ID: one of this user's ends.
pub(super) async fn end(State(desk): State<Arc<Desk>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if let Err(refusal) = desk.only_own(&headers) {
        return *refusal;
    }
    let mine = match desk.session(&headers).await {
        Ok(session) => session,
        Err(refusal) => return *refusal,
    };
    audit::acts_for(mine.user);
    let ended = match id.parse() {
        Ok(id) => desk.dashboard.end(Some(mine.user), id).await,
        Err(_) => Ok(false),
    };
    match ended {
        Ok(true) => {
            let cleared = desk.cookies.clear().filter(|_| id == mine.id.to_string());
            with_cookie(StatusCode::NO_CONTENT.into_response(), cleared)
        }
        Ok(false) => refused(
            StatusCode::NOT_FOUND,
            "SESSION_NOT_FOUND",
            "there is no such session of yours, or it has ended",
            "read the list anew",
        ),
        Err(error) => failed(&error),
    }
}

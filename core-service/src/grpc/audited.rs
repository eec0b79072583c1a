//! What of the port's calls goes into the audit log: every RPC that may change something, whatever came of it; the pages by
//! which people connect accounts, log in and log out; and every call that was refused for its credential or its limits.
//!
//! Guaranteed: refused callers cannot fill the disk: beyond [`REFUSALS`] a second they are counted, not written.

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderValue, Method};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{
    auth::{Identity, Principal, Who, scopes::Rpc},
    codes::code_name,
    connection::Peer,
};
use crate::{
    app::api_keys::Scope,
    audit::{AuditLog, Entry, Followed},
};

/// Most lines a second about callers who were refused.
const REFUSALS: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// Longest `X-Forwarded-For` that is kept.
const FORWARDED: usize = 200;

/// The audit log, as the port writes it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Audit {
    log: AuditLog,
    refusals: Arc<DefaultDirectRateLimiter>,
}

/// Where a call comes from.
pub(super) struct Origin {
    address: Option<SocketAddr>,
    forwarded_for: Option<HeaderValue>,
}

impl Origin {
    /// That of a request.
    pub(super) fn of(request: &Request) -> Self {
        Self {
            address: request.extensions().get::<Peer>().and_then(Peer::address),
            forwarded_for: request.headers().get("x-forwarded-for").cloned(),
        }
    }

    fn entry(&self, action: &str) -> Entry {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).chars().take(FORWARDED).collect();
        let address = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port()).to_string();
        Entry {
            action: action.to_owned(),
            address: self.address.map(address).unwrap_or_default(),
            forwarded_for: self.forwarded_for.as_ref().map(text).unwrap_or_default(),
            ..Entry::default()
        }
    }
}

fn caller(principal: Principal) -> String {
    match principal {
        Principal::ApiKey(id) => format!("api_key/{id}"),
        Principal::Token(user) => format!("token/{user}"),
        Principal::Site => "site".to_owned(),
        Principal::Session(id) => format!("session/{id}"),
    }
}

/// The service and the method.
fn name(rpc: &str) -> &str {
    rpc.trim_start_matches("/aurareels.v1.")
}

impl Audit {
    /// Writes to this log.
    pub(super) fn new(log: AuditLog) -> Self {
        Self { log, refusals: Arc::new(RateLimiter::direct(Quota::per_second(REFUSALS))) }
    }

    /// Follows a call that may change something; `None` for one that reads.
    pub(super) fn call(&self, identity: Identity, rpc: &Rpc, origin: &Origin) -> Option<Followed> {
        let changes = match rpc.scope {
            Scope::Read => false,
            Scope::Publish | Scope::Admin => true,
        };
        (self.log.is_on() && changes).then(|| {
            let user = match identity.who {
                Who::User(caller) => Some(caller.user.0),
                Who::Site => None,
            };
            Followed::begin(
                &self.log,
                Entry { caller: caller(identity.principal), user, ..origin.entry(name(rpc.path)) },
            )
        })
    }

    /// Notes a call that was refused before its handler ran.
    pub(super) async fn refused(&self, path: &str, by: Option<Principal>, origin: &Origin, status: &Status) {
        let is_about_caller =
            matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied | Code::ResourceExhausted);
        if !self.log.is_on() || !is_about_caller {
            return;
        }
        if self.refusals.check().is_err() {
            return self.log.leave_out();
        }
        let (outcome, reason) = told(status);
        let caller = by.map(caller).unwrap_or_default();
        self.log.write(Entry { caller, outcome, reason, ..origin.entry(name(path)) }).await;
    }
}

/// Code and reason of a status, as a line has them.
pub(super) fn told(status: &Status) -> (String, String) {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    (code_name(status.code()).to_owned(), reason)
}

/// Middleware of the pages: follows what people do there.
pub(super) async fn page(State(audit): State<Audit>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let is_callback = method == Method::GET && path.starts_with("/oauth/callback/");
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if !audit.log.is_on() || !(is_callback || changes) {
        return next.run(request).await;
    }
    // Anybody may send anything here, and addresses of sessions are no secrets: nothing behind the path is kept.
    let action: String = format!("{method} {path}").chars().take(100).collect();
    if audit.refusals.check().is_err() {
        audit.log.leave_out();
        return next.run(request).await;
    }
    let followed =
        Followed::begin(&audit.log, Entry { caller: "browser".to_owned(), ..Origin::of(&request).entry(&action) });
    let response = followed.run(next.run(request)).await;
    let status = response.status();
    let is_well = status.is_success() || status.is_redirection();
    let outcome = if is_well { "Ok".to_owned() } else { format!("HTTP {}", status.as_u16()) };
    followed.answered(outcome, String::new()).await;
    response
}

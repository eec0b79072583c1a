//! The gate in front of the handlers: finds the RPC and who calls it, and puts [`Who`] into the request.

use std::time::Duration;

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderName};
use tonic::Status;

use super::{
    Asked, Authenticator, Denied, Identity, Principal, USER_HEADER, Who,
    limits::{Limits, OverLimit, UploadPermit},
    scopes::{self, Rpc},
};
use crate::{
    app::{Caller, webhooks::Asker},
    grpc::status,
};

/// How the paths of our own services begin. Others (health, reflection) need no caller.
pub(crate) const OURS: &str = "/aurareels.";

/// A request that may reach its handler, with what its caller holds meanwhile.
pub(crate) struct Admitted {
    request: Request,
    /// Who calls what; `None` for services that are not ours.
    pub(crate) call: Option<(Identity, Rpc)>,
    _upload: Option<UploadPermit>,
}

impl Admitted {
    /// Has the request answered. What the caller holds is given back afterwards.
    pub(crate) async fn answered(self, next: Next) -> Response {
        next.run(self.request).await
    }
}

/// A call that does not reach its handler.
pub(crate) struct Refused {
    /// With what it was made, where that is known.
    pub(crate) by: Option<Principal>,
    /// What it is answered.
    pub(crate) status: Status,
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self { by: None, status }
    }
}

/// Puts the caller of a request to a gRPC route into it. The error is what the request is answered.
#[allow(clippy::result_large_err, reason = "it becomes the answer at once")]
pub(crate) async fn check(gate: &Authenticator, limits: &Limits, mut request: Request) -> Result<Admitted, Refused> {
    let path = request.uri().path();
    if !path.starts_with(OURS) {
        return Ok(Admitted { request, call: None, _upload: None });
    }
    let Some(rpc) = scopes::find(path) else {
        let refusal = status::no_such_rpc(path);
        drain(request).await;
        return Err(refusal.into());
    };
    match gate.caller(request.headers(), &rpc, Asked::Begins).await {
        Ok(identity) => {
            let upload = match admit(limits, identity.principal, &rpc) {
                Ok(upload) => upload,
                Err(over) => {
                    drain(request).await;
                    return Err(Refused { by: Some(identity.principal), status: status::over_limit(over) });
                }
            };
            if scopes::OUTLIVES_ITS_CHECK.contains(&rpc.path) {
                let recheck = CredentialRecheck::new(gate, request.headers(), rpc);
                request.extensions_mut().insert(recheck);
            }
            request.extensions_mut().insert(identity.who);
            if rpc.path.starts_with(scopes::ASKS_FOR_OPERATOR) {
                let is_operator = gate.is_operator(request.headers()).await;
                let is_operator = is_operator.map_err(|denied| status::denied(denied, gate.clock.now()))?;
                request.extensions_mut().insert(Operator(is_operator));
            }
            Ok(Admitted { request, call: Some((identity, rpc)), _upload: upload })
        }
        Err(denied) => {
            drain(request).await;
            Err(status::denied(denied, gate.clock.now()).into())
        }
    }
}

/// Counts a call against the limits of its caller.
fn admit(limits: &Limits, principal: Principal, rpc: &Rpc) -> Result<Option<UploadPermit>, OverLimit> {
    limits.request(principal)?;
    if rpc.path == scopes::UPLOAD { limits.upload(principal) } else { Ok(None) }
}

/// Reads the rest of a refused request, up to a little. Over HTTP/1.1 a connection that is closed with the body unread
/// can lose the answer: the client sees a broken pipe instead of why it was refused.
async fn drain(request: Request) {
    const LIMIT: usize = 64 * 1024;
    const PATIENCE: Duration = Duration::from_secs(1);
    // Whatever comes of it, the answer is the refusal.
    let _ = tokio::time::timeout(PATIENCE, axum::body::to_bytes(request.into_body(), LIMIT)).await;
}

/// Asks again whether a credential works, for streams that outlive it.
#[derive(Clone)]
pub(crate) struct CredentialRecheck {
    gate: Authenticator,
    headers: HeaderMap,
    rpc: Rpc,
}

impl CredentialRecheck {
    pub(super) fn new(gate: &Authenticator, headers: &HeaderMap, rpc: Rpc) -> Self {
        Self { gate: gate.clone(), headers: credentials(headers), rpc }
    }

    /// Fails once the key was revoked, or the token or session ended. A store that is away for a while ends no stream.
    #[allow(clippy::result_large_err, reason = "it is the stream's last word")]
    pub(crate) async fn allowed(&self) -> Result<(), Status> {
        match self.gate.caller(&self.headers, &self.rpc, Asked::GoesOn).await {
            Ok(_) | Err(Denied::App(_)) => Ok(()),
            Err(denied) => Err(status::denied(denied, self.gate.clock.now())),
        }
    }

    /// Ends within seconds after the key was revoked or the session ended, by whomever.
    pub(crate) async fn revoked(&self) -> Status {
        let is_session = !self.headers.contains_key(http::header::AUTHORIZATION);
        let mut revocations = if is_session { self.gate.dashboard.revocations() } else { self.gate.keys.revocations() };
        while revocations.changed().await.is_ok() {
            if let Err(status) = self.allowed().await {
                return status;
            }
        }
        // Nobody looks any more: the core stops.
        std::future::pending().await
    }
}

/// The headers that say who calls.
fn credentials(headers: &HeaderMap) -> HeaderMap {
    use http::header::{AUTHORIZATION, COOKIE, ORIGIN};
    let mut kept = HeaderMap::new();
    for name in [AUTHORIZATION, COOKIE, ORIGIN, HeaderName::from_static(USER_HEADER)] {
        for value in headers.get_all(&name) {
            kept.append(&name, value.clone());
        }
    }
    kept
}

/// The headers that say who calls, for callers of whom no browser speaks: nothing that it adds by itself counts.
pub(crate) fn bearer_credentials(headers: &HeaderMap) -> HeaderMap {
    let mut kept = credentials(headers);
    kept.remove(http::header::COOKIE);
    kept.remove(http::header::ORIGIN);
    kept
}

/// Whether the operator calls, of services that ask for it.
#[derive(Clone, Copy)]
struct Operator(bool);

/// Who calls a service that has something for the operator alone.
#[allow(clippy::result_large_err, reason = "tonic's handlers answer Status")]
pub(crate) fn asker<T>(request: &tonic::Request<T>) -> Result<Asker, Status> {
    let Operator(is_operator) = request.extensions().get().copied().ok_or_else(status::no_caller)?;
    Ok(Asker { caller: caller(request)?, is_operator })
}

/// What a stream asks again later.
#[allow(clippy::result_large_err, reason = "tonic's handlers answer Status")]
pub(crate) fn credential_recheck<T>(request: &tonic::Request<T>) -> Result<CredentialRecheck, Status> {
    request.extensions().get::<CredentialRecheck>().cloned().ok_or_else(status::no_caller)
}

/// Who calls, as the gate put it into the request: for the RPCs that the site itself may call.
#[allow(clippy::result_large_err, reason = "tonic's handlers answer Status")]
pub(crate) fn who<T>(request: &tonic::Request<T>) -> Result<Who, Status> {
    request.extensions().get::<Who>().copied().ok_or_else(status::no_caller)
}

/// The user who calls.
#[allow(clippy::result_large_err, reason = "tonic's handlers answer Status")]
pub(crate) fn caller<T>(request: &tonic::Request<T>) -> Result<Caller, Status> {
    match who(request)? {
        Who::User(caller) => Ok(caller),
        Who::Site => Err(status::no_caller()),
    }
}

//! The gate in front of the handlers: finds the scope, the caller, and puts [`Caller`] into the request.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tonic::Status;

use super::{Authenticator, scopes};
use crate::{app::Caller, grpc::status};

/// Middleware for the gRPC routes. Paths outside of `aurareels.v1` (health, reflection) pass.
pub(crate) async fn authenticate(State(gate): State<Authenticator>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.starts_with("/aurareels.") {
        let Some((_, scope)) = scopes::find(path) else {
            let name = path.trim_start_matches('/').to_owned();
            return Status::unimplemented(format!("this core has no RPC {name}")).into_http();
        };
        match gate.caller(request.headers(), scope).await {
            Ok(caller) => drop(request.extensions_mut().insert(caller)),
            Err(denied) => return status::denied(denied, gate.clock.now()).into_http(),
        }
    }
    next.run(request).await
}

/// The caller that the gate put into the request.
#[allow(clippy::result_large_err, reason = "tonic's handlers answer Status")]
pub(crate) fn caller<T>(request: &tonic::Request<T>) -> Result<Caller, Status> {
    request.extensions().get::<Caller>().copied().ok_or_else(status::no_caller)
}

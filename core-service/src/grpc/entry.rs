//! What every RPC passes on its way in and out, in one step: it is counted as running, its caller is found, its status
//! is completed, and its time is noted.
//!
//! Guaranteed: no handler runs without a caller; a panic in one costs that call alone; a call that takes longer than
//! stopping may is answered with UNAVAILABLE. One layer instead of one per duty: axum boxes each layer of each route and
//! copies those within it for every call.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use tonic::{Code, Status};
use tracing::{Instrument, Span};

use super::{
    audited::{Audit, Origin, told},
    auth::{
        Authenticator,
        layer::{self, Refused},
        limits::Limits,
        scopes,
    },
    calls::Calls,
    codes::code_name,
    status,
};
use crate::telemetry::{metrics::Metrics, spans};

/// What it needs.
pub(super) struct Entry {
    pub(super) calls: Calls,
    pub(super) authenticator: Authenticator,
    pub(super) limits: Limits,
    pub(super) audit: Audit,
    pub(super) metrics: Metrics,
}

/// Middleware of the gRPC routes.
pub(super) async fn pass(State(entry): State<Arc<Entry>>, request: Request, next: Next) -> Response {
    let rpc = scopes::find(request.uri().path()).map(|rpc| rpc.path.trim_start_matches('/'));
    let is_ours = request.uri().path().starts_with(layer::OURS);
    let began = Instant::now();
    let span = rpc.map_or_else(Span::none, |rpc| spans::call(rpc, request.headers()));
    let answer = AssertUnwindSafe(answered(&entry, request, next).instrument(span.clone())).catch_unwind();
    let response = match entry.calls.unless_cut(answer).await {
        Some(Ok(response)) => response,
        Some(Err(_)) => status::panicked().into_http(),
        None => status::shutting_down().into_http(),
    };
    // Errors before the first message travel in the headers; everything else began well.
    let status = Status::from_header_map(response.headers());
    let response = match status.as_ref().filter(|_| is_ours).and_then(status::completed) {
        Some(complete) => complete.into_http(),
        None => response,
    };
    if let Some(rpc) = rpc {
        let code = status.map_or(Code::Ok, |status| status.code());
        spans::answered(&span, code.into());
        entry.metrics.answered(rpc, code_name(code), began.elapsed());
    }
    response
}

async fn answered(entry: &Entry, request: Request, next: Next) -> Response {
    let (origin, path) = (Origin::of(&request), request.uri().path().to_owned());
    let admitted = match layer::check(&entry.authenticator, &entry.limits, request).await {
        Ok(admitted) => admitted,
        Err(Refused { by, status }) => {
            entry.audit.refused(&path, by, &origin, &status).await;
            return status.into_http();
        }
    };
    let followed = admitted.call.and_then(|(identity, rpc)| entry.audit.call(identity, &rpc, &origin));
    let Some(followed) = followed else { return admitted.answered(next).await };
    let response = followed.run(admitted.answered(next)).await;
    let (outcome, reason) = match Status::from_header_map(response.headers()) {
        Some(status) => told(&status),
        None => (code_name(Code::Ok).to_owned(), String::new()),
    };
    followed.answered(outcome, reason).await;
    response
}

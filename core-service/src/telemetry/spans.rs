//! The spans that a collector gets. None of them is made where there is no collector: their target is switched off then, which
//! costs a look at a static.
//!
//! A span holds ids, names and outcomes; nothing of a request, and no secret.

use http::HeaderMap;
use opentelemetry::{propagation::Extractor, propagation::TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Span, field::Empty, trace_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::domain::post::Post;

/// The target of all spans.
pub(super) const SPANS: &str = "aurareels::spans";

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// A call of an RPC, named as OpenTelemetry names it. It belongs to the trace that the caller's `traceparent` names.
pub fn call(rpc: &'static str, headers: &HeaderMap) -> Span {
    let (service, method) = rpc.split_once('/').unwrap_or((rpc, ""));
    let span = trace_span!(
        target: SPANS,
        "call",
        otel.name = rpc,
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    );
    if !span.is_disabled() && headers.contains_key("traceparent") {
        let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(headers)));
    }
    span
}

/// Notes what a call was answered. Codes that say that this side failed are errors, as OpenTelemetry has it for servers.
pub fn answered(span: &Span, code: i32) {
    const OURS: [i32; 6] = [2, 4, 12, 13, 14, 15];
    span.record("rpc.grpc.status_code", code);
    if OURS.contains(&code) {
        span.record("otel.status_code", "ERROR");
    }
}

/// A step of a post: an exchange with its platform.
pub fn step(post: &Post, step: &'static str) -> Span {
    trace_span!(
        target: SPANS,
        "step",
        otel.name = step,
        otel.kind = "client",
        otel.status_code = Empty,
        aurareels.post = post.id.0,
        aurareels.account = post.social_account_id.0,
        aurareels.platform = post.platform.as_str(),
        aurareels.attempt = post.attempt,
        aurareels.outcome = Empty,
    )
}

/// Notes what became of a step.
pub fn ended(span: &Span, outcome: &'static str, is_failure: bool) {
    span.record("aurareels.outcome", outcome);
    if is_failure {
        span.record("otel.status_code", "ERROR");
    }
}

//! The few plain pages: a front page, `/healthz`, `/metrics`, and those of connecting ([`super::oauth_pages`]).
//!
//! Guaranteed: no page is cached or framed, none has a script, and asking for the head of one (HEAD) changes nothing.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tokio::sync::watch;

use super::{
    connect,
    health::Trouble,
    html::page,
    metrics::MetricsPage,
    oauth_pages::{self, OauthPages},
    status,
};

/// What the pages need.
#[derive(Clone)]
pub(super) struct Pages {
    pub(super) metrics: MetricsPage,
    /// Why the database cannot be used, if it cannot.
    pub(super) trouble: watch::Receiver<Trouble>,
}

/// The routes of the pages.
pub(super) fn router(pages: Pages, oauth: OauthPages) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
        .with_state(pages)
        .merge(oauth_pages::router(oauth))
        .layer(middleware::from_fn(guard))
}

/// What pages may do. It also tells a core from whatever else answers at an address.
pub(crate) const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// Headers that every page carries.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn front() -> Html<String> {
    Html(page(
        "AuraReels",
        &format!(
            "<p>This is the AuraReels core {}. It publishes and schedules short videos, and speaks gRPC and gRPC-web \
             on this port: package <code>aurareels.v1</code>, with reflection and health.</p>\
             <p><code>grpcurl -plaintext HOST:PORT list</code></p>\
             <p>Without gRPC: <code>curl -H 'Content-Type: application/json' -H 'Authorization: Bearer KEY' -d '{{}}' \
             HOST:PORT/aurareels.v1.AccountService/ListAccounts</code></p>\
             <p>People use it by its <a href=\"/dashboard/\">dashboard</a>; <code>aurareels dashboard-link --user N</code> logs \
             them in.</p>\
             <p><a href=\"/healthz\">health</a> · <a href=\"/metrics\">metrics</a></p>",
            env!("CARGO_PKG_VERSION")
        ),
    ))
}

async fn healthz(State(pages): State<Pages>) -> (StatusCode, String) {
    match &*pages.trouble.borrow() {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

async fn metrics(State(pages): State<Pages>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], pages.metrics.text().await)
}

/// What answers paths that nobody knows.
pub(super) async fn unknown(request: Request) -> Response {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|content_type| content_type.starts_with("application/grpc")) {
        return status::no_such_rpc(request.uri().path()).into_http();
    }
    if let Some(answer) = connect::no_such_rpc(&request) {
        return answer;
    }
    let body = "<p>There is nothing here. <a href=\"/\">Front page</a></p>";
    (StatusCode::NOT_FOUND, Html(page("Not found", body))).into_response()
}

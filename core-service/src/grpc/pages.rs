//! The few plain pages: the OAuth callback, a front page, `/healthz`, `/metrics`.
//!
//! Guaranteed: what a platform or a stranger puts into a query is escaped wherever it is shown, no page is cached or
//! framed, and the callback leads only to the front end of the settings or to a page of the core itself.

use std::time::Duration;

use axum::{
    Router,
    extract::{Path, Query, Request, State, rejection::QueryRejection},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;
use tracing::warn;
use url::Url;

use super::{metrics::Metrics, status};
use crate::{
    app::{self, accounts::Accounts},
    domain::{failure::Reason, platform::Platform},
    store::Store,
};

/// What the pages need.
#[derive(Clone)]
pub(super) struct Pages {
    pub(super) accounts: Accounts,
    pub(super) frontend: Option<Url>,
    pub(super) metrics: Metrics,
    pub(super) store: Store,
}

/// The routes of the pages.
pub(super) fn router(pages: Pages) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
        .route("/oauth/callback/{platform}", get(callback))
        .layer(middleware::from_fn(guard))
        .with_state(pages)
}

/// Headers that every page carries.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
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
             <p><a href=\"/healthz\">health</a> · <a href=\"/metrics\">metrics</a></p>",
            env!("CARGO_PKG_VERSION")
        ),
    ))
}

async fn healthz(State(pages): State<Pages>) -> (StatusCode, &'static str) {
    match tokio::time::timeout(Duration::from_secs(3), pages.store.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ok\n"),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

async fn metrics(State(pages): State<Pages>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], pages.metrics.page().await)
}

/// What a platform's redirect brings.
#[derive(Default, Deserialize)]
struct Redirected {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

async fn callback(
    State(pages): State<Pages>,
    Path(platform): Path<String>,
    query: Result<Query<Redirected>, QueryRejection>,
) -> Response {
    let Ok(platform) = platform.parse::<Platform>() else {
        return (StatusCode::NOT_FOUND, Html(page("Not found", "<p>There is no such platform.</p>"))).into_response();
    };
    let redirected = query.map(|Query(redirected)| redirected).unwrap_or_default();
    let outcome = connect(&pages.accounts, platform, redirected).await;
    if let Err(reason) = &outcome {
        warn!(%platform, %reason, "the callback page connected nothing");
    }
    match &pages.frontend {
        Some(frontend) => found(&answer_url(frontend, platform, &outcome)),
        None => own_page(platform, &outcome),
    }
}

/// Connects with what the redirect brought; otherwise says for people why not.
async fn connect(accounts: &Accounts, platform: Platform, redirected: Redirected) -> Result<(), String> {
    let Redirected { code, state, error, error_description } = redirected;
    if !error.is_empty() {
        return Err(match accounts.deny(platform, &state, &error, Some(&error_description)).await {
            Ok(failure) => failure.message,
            Err(error) => told(error),
        });
    }
    if code.is_empty() || state.is_empty() {
        return Err("the redirect brought no code or no state; start connecting again".to_owned());
    }
    match accounts.complete(None, platform, &code, &state).await {
        Ok(_) => Ok(()),
        Err(error) => Err(told(error)),
    }
}

/// The public text of an error: nothing of the store or of a bug.
fn told(error: app::Error) -> String {
    match error {
        app::Error::Store(_) | app::Error::Internal(_) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the callback page failed");
            format!("{}: the account could not be connected; try again", Reason::Internal)
        }
        public => public.to_string(),
    }
}

/// The front end's address with the outcome added to its query.
fn answer_url(frontend: &Url, platform: Platform, outcome: &Result<(), String>) -> Url {
    let mut url = frontend.clone();
    let mut query = url.query_pairs_mut();
    match outcome {
        Ok(()) => query.append_pair("status", "success").append_pair("platform", platform.as_str()),
        Err(message) => query.append_pair("status", "error").append_pair("message", message),
    };
    drop(query);
    url
}

/// 302, as the original has it.
fn found(url: &Url) -> Response {
    match HeaderValue::from_str(url.as_str()) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => Redirect::to("/").into_response(),
    }
}

fn own_page(platform: Platform, outcome: &Result<(), String>) -> Response {
    let name = platform.display_name();
    match outcome {
        Ok(()) => {
            let body = format!("<p>The {name} account is connected. You can close this page.</p>");
            Html(page(&format!("{name} connected"), &body)).into_response()
        }
        Err(message) => {
            let body = format!("<p>{}</p><p>Nothing was connected.</p>", escape(message));
            (StatusCode::BAD_REQUEST, Html(page(&format!("{name} not connected"), &body))).into_response()
        }
    }
}

/// What answers paths that nobody knows.
pub(super) async fn unknown(request: Request) -> Response {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|content_type| content_type.starts_with("application/grpc")) {
        return status::no_such_rpc(request.uri().path()).into_http();
    }
    let body = "<p>There is nothing here. <a href=\"/\">Front page</a></p>";
    (StatusCode::NOT_FOUND, Html(page("Not found", body))).into_response()
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:38rem;margin:12vh auto;padding:0 1rem}}</style>\
         <h1>{title}</h1>{body}</html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_end_keeps_its_own_query() {
        let frontend = Url::parse("https://site.example/accounts?tab=social#top").unwrap();
        let url = answer_url(&frontend, Platform::Tiktok, &Ok(()));
        assert_eq!(url.as_str(), "https://site.example/accounts?tab=social&status=success&platform=tiktok#top");
        let url = answer_url(&frontend, Platform::Tiktok, &Err("no & <never>\r\nX: y".to_owned()));
        assert_eq!(
            url.as_str(),
            "https://site.example/accounts?tab=social&status=error&message=no+%26+%3Cnever%3E%0D%0AX%3A+y#top"
        );
    }

    #[tokio::test]
    async fn what_strangers_send_is_escaped() {
        let response = own_page(Platform::Instagram, &Err("<script>alert('x')</script>".to_owned()));
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains("&lt;script&gt;alert(&#39;x&#39;)"), "{text}");
        assert!(!text.contains("<script"), "{text}");
    }
}

//! The calls under way, so that stopping waits for them and the store is not closed under one.
//!
//! Guaranteed: a call is counted from before its first look at the store until its answer begins, a watcher until it has
//! ended. What takes too long is answered with UNAVAILABLE, which clients take as "call again": whatever it has queued
//! in the store is still written.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::status;

/// The calls of a port. Cheap to clone.
#[derive(Clone)]
pub(super) struct Calls {
    running: TaskTracker,
    cut: watch::Sender<bool>,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self { running: TaskTracker::new(), cut: watch::Sender::new(false) }
    }

    /// Runs what belongs to a call in a task of its own.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.running.spawn(task);
    }

    /// How many are under way.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// Answers what is still under way, and whatever comes from now on, with UNAVAILABLE.
    pub(super) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Ends when none is under way.
    pub(super) async fn ended(&self) {
        self.running.close();
        self.running.wait().await;
    }
}

/// Middleware that counts a call and lets it be cut.
pub(super) async fn counted(State(calls): State<Calls>, request: Request, next: Next) -> Response {
    let _running = calls.running.token();
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    let mut cut = calls.cut.subscribe();
    tokio::select! {
        biased;
        _ = cut.wait_for(|cut| *cut) => match is_grpc {
            true => status::shutting_down().into_http(),
            false => (StatusCode::SERVICE_UNAVAILABLE, "this core is shutting down; try again in a moment").into_response(),
        },
        response = next.run(request) => response,
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware, routing::post};
    use tower_service::Service;

    use super::*;

    fn router(calls: &Calls) -> Router {
        let hangs = std::future::pending::<&'static str>;
        Router::new()
            .route("/hangs", post(hangs))
            .route("/answers", post(|| async { "done" }))
            .layer(middleware::from_fn_with_state(calls.clone(), counted))
    }

    async fn ask(mut router: Router, path: &str, kind: &str) -> Response {
        let request = http::Request::post(path).header(header::CONTENT_TYPE, kind).body(Body::empty()).unwrap();
        router.call(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_call_that_hangs_is_answered_unavailable_before_the_port_is_done() {
        let calls = Calls::new();
        let router = router(&calls);
        assert_eq!(ask(router.clone(), "/answers", "application/grpc").await.status(), StatusCode::OK);
        assert_eq!(calls.running(), 0, "what was answered is not waited for");
        let rpc = tokio::spawn(ask(router.clone(), "/hangs", "application/grpc+proto"));
        let page = tokio::spawn(ask(router.clone(), "/hangs", "text/html"));
        while calls.running() < 2 {
            tokio::task::yield_now().await;
        }
        calls.cut();
        calls.ended().await;
        assert_eq!(rpc.await.unwrap().headers()["grpc-status"], "14");
        assert_eq!(page.await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            ask(router, "/answers", "application/grpc").await.headers()["grpc-status"],
            "14",
            "nothing begins any more"
        );
    }
}

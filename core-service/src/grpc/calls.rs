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
use http::StatusCode;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// True once the core stops.
pub(super) type Stopping = watch::Receiver<bool>;

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

    /// Counts a call until its answer begins; `None` when it was cut.
    pub(super) async fn unless_cut<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let _running = self.running.token();
        let mut cut = self.cut.subscribe();
        tokio::select! {
            biased;
            _ = cut.wait_for(|cut| *cut) => None,
            answered = call => Some(answered),
        }
    }

    /// Ends when none is under way.
    pub(super) async fn ended(&self) {
        self.running.close();
        self.running.wait().await;
    }
}

/// Middleware that counts a call of a page and lets it be cut.
pub(super) async fn counted(State(calls): State<Calls>, request: Request, next: Next) -> Response {
    let answered = calls.unless_cut(next.run(request)).await;
    answered.unwrap_or_else(|| {
        (StatusCode::SERVICE_UNAVAILABLE, "this core is shutting down; try again in a moment").into_response()
    })
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_call_that_hangs_is_cut_before_the_port_is_done() {
        let calls = Calls::new();
        assert_eq!(calls.unless_cut(ready("done")).await, Some("done"));
        assert_eq!(calls.running(), 0, "what was answered is not waited for");
        let hangs = tokio::spawn({
            let calls = calls.clone();
            async move { calls.unless_cut(pending::<()>()).await }
        });
        while calls.running() < 1 {
            tokio::task::yield_now().await;
        }
        calls.cut();
        calls.ended().await;
        assert_eq!(hangs.await.unwrap(), None);
        assert_eq!(calls.unless_cut(ready("done")).await, None, "nothing begins any more");
    }
}

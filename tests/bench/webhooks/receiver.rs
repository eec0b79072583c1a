//! Receivers of webhooks in this process, which note what they took.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// What a receiver does to some of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Takes all.
    Good,
    /// Answers every tenth with 500.
    Fails,
    /// Never answers one of two thousand.
    Hangs,
    /// Never answers anything.
    HangsAlways,
    /// Answers every hundredth after two seconds.
    Late,
}

/// One event that was taken.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) webhook_id: String,
    pub(super) sequence: i64,
    pub(super) post: i64,
    /// From the event to the request.
    pub(super) delay: Duration,
}

struct Shared {
    kind: Kind,
    requests: AtomicU64,
    taken: Mutex<Vec<Taken>>,
}

/// A receiver, which can be taken down and put up again.
pub(super) struct Receiver {
    shared: Arc<Shared>,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Receiver {
    pub(super) async fn start(kind: Kind) -> Result<Self> {
        let shared = Arc::new(Shared { kind, requests: AtomicU64::default(), taken: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Ok(Self { serving: serve(listener, shared.clone()), shared, address })
    }

    /// The address of one of its endpoints.
    pub(super) fn url(&self, number: usize) -> String {
        format!("http://{}/hook/{number}", self.address)
    }

    /// Refuses connections for a while; those that stand are cut.
    pub(super) async fn die_for(&mut self, span: Duration) -> Result<()> {
        self.serving.abort();
        tokio::time::sleep(span).await;
        let listener = TcpListener::bind(self.address).await.context("the receiver's port is taken")?;
        self.serving = serve(listener, self.shared.clone());
        Ok(())
    }

    /// What was taken, in its order.
    pub(super) fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().expect("no panic inside").clone()
    }

    /// How many requests came.
    pub(super) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn serve(listener: TcpListener, shared: Arc<Shared>) -> JoinHandle<()> {
    let app = Router::new().route("/hook/{number}", post(take)).with_state(shared);
    tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    })
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let arrived = now();
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    match shared.kind {
        Kind::HangsAlways => std::future::pending().await,
        Kind::Hangs if number % 2_000 == 1_999 => std::future::pending().await,
        Kind::Fails if number % 10 == 9 => return StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Late if number % 100 == 99 => tokio::time::sleep(Duration::from_secs(2)).await,
        Kind::Good | Kind::Fails | Kind::Hangs | Kind::Late => {}
    }
    let Ok(event) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    let (sequence, post) = (event["sequence"].as_i64(), event["data"]["id"].as_i64());
    let happened = event["timestamp"].as_str().and_then(|at| at.parse::<DateTime<Utc>>().ok());
    let (Some(sequence), Some(post), Some(happened)) = (sequence, post, happened) else {
        return StatusCode::BAD_REQUEST;
    };
    let webhook_id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let delay = (arrived - happened).to_std().unwrap_or_default();
    let taken = Taken { webhook_id, sequence, post, delay };
    shared.taken.lock().expect("no panic inside").push(taken);
    StatusCode::NO_CONTENT
}

#[expect(clippy::disallowed_methods, reason = "the core, another process, takes its time from the same clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

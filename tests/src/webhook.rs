//! A workflow's webhook, as n8n serves one.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use axum::{Json, Router, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle};

/// One call.
#[derive(Clone, Debug)]
pub struct Called {
    /// `X-API-Key`.
    pub key: Option<String>,
    /// The JSON body.
    pub body: Value,
}

#[derive(Clone, Default)]
struct Shared {
    calls: Arc<Mutex<Vec<Called>>>,
    status: Arc<AtomicU16>,
    holds: watch::Sender<bool>,
}

/// A webhook that keeps its calls.
pub struct Webhook {
    /// Its address.
    pub url: String,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Webhook {
    /// Serves on a free port.
    pub async fn start() -> Self {
        let shared = Shared::default();
        shared.status.store(200, Ordering::Relaxed);
        let app = Router::new().route("/webhook/aurareels-social-schedule", post(called)).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        Self { url: format!("http://{address}/webhook/aurareels-social-schedule"), shared, server }
    }

    /// Answers with this status from now on.
    pub fn answer(&self, status: u16) {
        self.shared.status.store(status, Ordering::Relaxed);
    }

    /// Takes calls and answers none of them, until it is released.
    pub fn hold(&self) {
        self.shared.holds.send_replace(true);
    }

    /// Answers what it held.
    pub fn release(&self) {
        self.shared.holds.send_replace(false);
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Called> {
        self.shared.calls.lock().expect("no panic inside").clone()
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn called(State(shared): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> StatusCode {
    let key = headers.get("x-api-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    shared.calls.lock().expect("no panic inside").push(Called { key, body });
    let _ = shared.holds.subscribe().wait_for(|holds| !holds).await;
    StatusCode::from_u16(shared.status.load(Ordering::Relaxed)).expect("a status")
}

//! A receiver of webhooks: keeps what it was sent, and answers as it is told to.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle};

/// One request.
#[derive(Clone, Debug)]
pub struct Received {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
    /// The body, letter by letter.
    pub body: String,
}

impl Received {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The type of its event.
    pub fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    /// Whether a secret signs it, by the words of the standard alone.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a prefix")).expect("base64");
        let text = format!("{}.{}.{}", self.id, self.timestamp, self.body);
        let expected = format!("v1,{}", STANDARD.encode(hmac_sha256(&key, text.as_bytes())));
        self.signature.split(' ').any(|one| one == expected)
    }
}

/// RFC 2104, written out: the core's own code must not check itself.
fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    assert!(key.len() <= 64, "longer keys are hashed first");
    let pad = |with: u8| -> Vec<u8> {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block.to_vec()
    };
    let inner = Sha256::digest([pad(0x36), text.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}

/// How a request is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Its `Retry-After`.
    pub retry_after: Option<u32>,
    /// Its `Location`.
    pub location: Option<String>,
}

impl From<u16> for Reply {
    fn from(status: u16) -> Self {
        Self { status, retry_after: None, location: None }
    }
}

#[derive(Clone)]
struct Shared {
    received: Arc<Mutex<Vec<Received>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    always: Arc<Mutex<Reply>>,
    holds: watch::Sender<bool>,
}

/// The receiver. Gone when dropped.
pub struct Receiver {
    /// Its address.
    pub url: String,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Receiver {
    /// Serves on a free port; answers 204.
    pub async fn start() -> Self {
        let shared = Shared {
            received: Arc::default(),
            replies: Arc::default(),
            always: Arc::new(Mutex::new(204.into())),
            holds: watch::Sender::new(false),
        };
        let app = Router::new().route("/hook", post(receive)).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        Self { url, shared, server }
    }

    /// Answers the next request so, before those that come after it.
    pub fn next(&self, reply: impl Into<Reply>) {
        self.shared.replies.lock().expect("no panic inside").push_back(reply.into());
    }

    /// Answers so from now on.
    pub fn always(&self, reply: impl Into<Reply>) {
        *self.shared.always.lock().expect("no panic inside") = reply.into();
    }

    /// Takes requests and answers none, until it is released.
    pub fn hold(&self) {
        self.shared.holds.send_replace(true);
    }

    /// Answers what it held.
    pub fn release(&self) {
        self.shared.holds.send_replace(false);
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().expect("no panic inside").clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let received = Received {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signature: text("webhook-signature"),
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
    };
    shared.received.lock().expect("no panic inside").push(received);
    let _ = shared.holds.subscribe().wait_for(|holds| !holds).await;
    let next = shared.replies.lock().expect("no panic inside").pop_front();
    let reply = next.unwrap_or_else(|| shared.always.lock().expect("no panic inside").clone());
    let mut response = (StatusCode::from_u16(reply.status).expect("a status"), "thank you").into_response();
    if let Some(seconds) = reply.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(location) = reply.location {
        response.headers_mut().insert(header::LOCATION, location.parse().expect("a header"));
    }
    response
}

//! What tests of this platform share, besides `platform::stand_in`: its post and account, ledger rows written by hand,
//! and a small server that answers as a script says, cuts connections where it says, and keeps what it was sent.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

use super::{
    Tiktok, TiktokSettings,
    course::VIDEO,
    options::{self, TiktokOptions, TiktokTransfer},
};
use crate::platform::description::Options;
use crate::{
    domain::{
        account::Account,
        ids::Fence,
        ledger::{Entry, Evidence, Handle, Ledger, StepClass, StepOutcome},
        platform::{LoginFlavour, Platform},
        post::{Content, Post},
    },
    http::{HttpSettings, tls_config},
    platform::{
        Tokens,
        stand_in::{self, Film, Stage},
    },
    secret::Secret,
};

/// The token that must be seen nowhere but in a request.
pub(super) const TOKEN: &str = "act.canary-token";

pub(super) fn at(minutes: i64) -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

pub(super) fn content(privacy: &str, transfer: TiktokTransfer) -> Content {
    let tiktok = TiktokOptions { transfer, ..TiktokOptions::default() };
    Content {
        video_url: "https://media.example/reel.mp4".to_owned(),
        full_caption: "Sunset over the harbour #sea".to_owned(),
        privacy_level: privacy.to_owned(),
        options: tiktok.alone(),
        ..Content::default()
    }
}

pub(super) fn post(content: Content) -> Post {
    stand_in::post(&account(), content, at(0))
}

pub(super) fn account() -> Account {
    Account {
        account_id: "open-1".to_owned(),
        account_username: Some("creator.one".to_owned()),
        token_scope: ["user.info.basic", "video.publish", "video.list"].map(str::to_owned).into(),
        ..stand_in::account(Platform::Tiktok, LoginFlavour::Tiktok, at(0))
    }
}

pub(super) fn tokens() -> Tokens {
    Tokens { access: TOKEN.into(), refresh: Some("rft.canary-refresh".into()), grant: None }
}

/// A ledger written by hand: each row is numbered, and belongs to attempt 1 and to minute 0 unless changed.
#[derive(Clone, Default)]
pub(super) struct Rows(pub(super) Vec<Entry>);

impl Rows {
    pub(super) fn add(mut self, step: &str, class: StepClass, outcome: Option<StepOutcome>, handle: Handle) -> Self {
        self.0.push(Entry {
            number: i32::try_from(self.0.len()).unwrap() + 1,
            attempt: 1,
            step: step.to_owned(),
            class,
            handle,
            sent_at: at(0),
            deadline_at: at(1),
            outcome,
            answered_at: outcome.map(|_| at(0)),
            evidence: Evidence::new(),
            fence: Fence(1),
        });
        self
    }

    /// Changes the newest row.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Entry)) -> Self {
        change(self.0.last_mut().unwrap());
        self
    }

    pub(super) fn ledger(&self) -> Ledger {
        Ledger::new(self.0.clone())
    }
}

/// The handle of an accepted creator info.
pub(super) fn creator_handle(content: &Content) -> Handle {
    Handle::default()
        .with("content", options::fingerprint(content))
        .with("privacy_level", options::level(&content.privacy_level).unwrap_or_default())
        .with("username", "creator.one")
        .with("comment_disabled", false)
        .with("duet_disabled", false)
        .with("stitch_disabled", false)
}

/// The handle of an accepted init.
pub(super) fn init_handle(content: &Content, size: u64, chunk: u64, upload_url: &str) -> Handle {
    creator_handle(content)
        .with("publish_id", "v_pub_file~v2-1.1")
        .with("upload_url", upload_url)
        .with("content_type", "video/mp4")
        .with(VIDEO, Film::version_of(size).to_value())
        .with("video_size", size)
        .with("chunk_size", chunk)
        .with("chunk_count", size / chunk)
        .with_instant("upload_expires_at", at(60))
}

/// A stage with a video of this size.
pub(super) fn stage(content: Content, size: usize) -> Stage {
    let film = Film::new(size, 4, "https://media.example/reel.mp4?signed=1");
    Stage::new(post(content), account(), tokens(), film)
}

/// An address where nobody listens.
pub(super) fn closed_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

/// A request as the server got it. The body may be cut.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn range(&self) -> Option<&str> {
        self.headers.get("content-range").map(String::as_str)
    }
}

/// What the server does with a request whose head it has read.
pub(super) enum Act {
    /// Reads the body and answers: status, extra head lines, body.
    Answer(u16, String, String),
    /// Answers before the body was read, then closes.
    Early(u16),
    /// Reads the body and closes without an answer.
    Cut,
    /// Closes after so many bytes of the body.
    CutAfter(usize),
    /// Reads what comes and never answers.
    Silent,
}

impl Act {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::Answer(status, String::new(), body.to_string())
    }

    pub(super) fn ok(data: Value) -> Self {
        Self::json(200, &json!({ "data": data, "error": { "code": "ok", "message": "", "log_id": "LOG-1" } }))
    }

    pub(super) fn error(status: u16, code: &str) -> Self {
        Self::json(status, &json!({ "data": {}, "error": { "code": code, "message": "m", "log_id": "LOG-1" } }))
    }

    /// The answer to a chunk.
    pub(super) fn put(status: u16, range: &str) -> Self {
        let head = if range.is_empty() { String::new() } else { format!("content-range: {range}\r\n") };
        Self::Answer(status, head, String::new())
    }
}

/// The scripted server.
pub(super) struct Server {
    pub(super) base: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Starts it. The script is asked with a request's head and its number among those with the same path, from 0.
    pub(super) async fn start(script: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let server = Self { base, seen: Arc::clone(&seen), connections: Arc::clone(&connections) };
        let script = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(socket, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        server
    }

    pub(super) fn tiktok(&self) -> Tiktok {
        let settings = TiktokSettings {
            client_key: "ck_test".to_owned(),
            client_secret: Secret::from("canary-client-secret"),
            auth_base: "https://auth.example".parse().unwrap(),
            api_base: self.base.clone(),
        };
        Tiktok::new(Some(settings), tls_config(&HttpSettings::default()).unwrap()).unwrap()
    }

    pub(super) fn upload_url(&self) -> String {
        format!("{}upload/?upload_id=1&upload_token=canary-upload", self.base)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The PUTs of the upload.
    pub(super) fn puts(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.method == "PUT").collect()
    }
}

async fn serve<S: Fn(&Seen, usize) -> Act>(mut socket: TcpStream, script: Arc<S>, all: Arc<Mutex<Vec<Seen>>>) {
    let mut buffer = Vec::new();
    loop {
        let Some(end) = find(&buffer, b"\r\n\r\n") else {
            if socket.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        let head = String::from_utf8(buffer.drain(..end + 4).collect()).unwrap();
        let mut lines = head.lines();
        let mut first = lines.next().unwrap().split(' ').map(str::to_owned);
        let headers = lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v.to_owned()));
        let mut seen = Seen { method: first.next().unwrap(), path: first.next().unwrap(), ..Seen::default() };
        seen.headers = headers.collect();
        let length: usize = seen.headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let (number, index) = {
            let mut all = all.lock().unwrap();
            let number = all.iter().filter(|other| other.path == seen.path).count();
            all.push(seen.clone());
            (number, all.len() - 1)
        };
        let act = script(&seen, number);
        let wanted = match &act {
            Act::Early(_) => 0,
            Act::CutAfter(bytes) => *bytes,
            Act::Answer(..) | Act::Cut | Act::Silent => length,
        };
        while buffer.len() < wanted && socket.read_buf(&mut buffer).await.unwrap_or(0) > 0 {}
        let taken = buffer.len().min(wanted);
        all.lock().unwrap()[index].body = buffer.drain(..taken).collect();
        let (status, extra, body) = match act {
            Act::Answer(status, extra, body) => (status, extra, body),
            Act::Early(status) => (status, "connection: close\r\n".to_owned(), String::new()),
            Act::Cut | Act::CutAfter(_) => return,
            Act::Silent => std::future::pending().await,
        };
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{extra}\r\n{body}", body.len());
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        if extra.starts_with("connection: close") {
            // The client may still be writing: take it all, or its kernel would throw our answer away.
            while socket.read_buf(&mut buffer).await.unwrap_or(0) > 0 {}
            return;
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

//! What the tests share: a post with its account, ledger rows written by hand, a video in memory, and a small server
//! that answers as a script says, cuts connections where it says, and keeps what it was sent.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

use super::{Tiktok, TiktokSettings, options};
use crate::{
    domain::{
        account::{Account, Health},
        failure::Failure,
        ids::{AccountId, Fence, PostId, Revision, UserId},
        ledger::{Entry, Evidence, Handle, Ledger, StepClass, StepOutcome},
        media::{Container, MediaFacts},
        platform::{LoginFlavour, Platform},
        post::{Content, PlatformOptions, Post, SchedulerKind, Status, TiktokOptions, TiktokTransfer},
    },
    http::{HttpSettings, tls_config},
    platform::{Call, Lease, Progress, Tokens, Video, VideoStream, View},
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
        options: PlatformOptions { tiktok: Some(tiktok), instagram: None },
        ..Content::default()
    }
}

pub(super) fn post(content: Content) -> Post {
    Post {
        id: PostId(1),
        wp_user_id: UserId(1),
        social_account_id: AccountId(1),
        platform: Platform::Tiktok,
        status: Status::Publishing,
        scheduled_at: None,
        published_at: None,
        platform_post_id: None,
        platform_post_url: None,
        all_platform_post_ids: Vec::new(),
        content,
        error: None,
        retry_count: 0,
        automatic_retries: 0,
        last_retry_at: None,
        request_key: None,
        request_key_derived: false,
        scheduler: SchedulerKind::Core,
        handed_over_at: None,
        late_policy_seconds: 86_400,
        warnings: Vec::new(),
        attempt: 1,
        waiting_for: None,
        next_step_at: None,
        poll_count: 0,
        crash_count: 0,
        status_since: at(0),
        media_facts: None,
        fence: Fence(1),
        revision: Revision(1),
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(super) fn account() -> Account {
    Account {
        id: AccountId(1),
        wp_user_id: UserId(1),
        platform: Platform::Tiktok,
        login_flavour: LoginFlavour::Tiktok,
        account_id: "open-1".to_owned(),
        account_name: "Creator".to_owned(),
        account_username: Some("creator.one".to_owned()),
        account_email: None,
        profile_picture_url: None,
        token_expires_at: None,
        refresh_token_expires_at: None,
        token_scope: ["user.info.basic", "video.publish", "video.list"].map(str::to_owned).into(),
        is_active: true,
        last_token_refresh: None,
        token_version: 1,
        health: Health::Ok,
        health_reason: None,
        grant_id: None,
        metadata: Value::Null,
        quota_blocked_until: None,
        created_at: at(0),
        updated_at: at(0),
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
        .with("video_size", size)
        .with("chunk_size", chunk)
        .with("chunk_count", size / chunk)
        .with_instant("upload_expires_at", at(60))
}

/// A video in memory, handed out in pieces.
pub(super) struct FakeVideo {
    pub(super) bytes: Vec<u8>,
    pub(super) piece: usize,
    /// The source breaks at this byte.
    pub(super) breaks_at: Option<usize>,
    pub(super) duration_ms: Option<u64>,
}

impl FakeVideo {
    pub(super) fn new(size: usize) -> Self {
        let bytes = (0..size).map(|index| u8::try_from(index % 251).unwrap()).collect();
        Self { bytes, piece: 4, breaks_at: None, duration_ms: Some(30_000) }
    }
}

#[async_trait]
impl Video for FakeVideo {
    async fn facts(&self) -> Result<MediaFacts, Failure> {
        Ok(MediaFacts {
            size_bytes: self.bytes.len() as u64,
            container: Container::Mp4,
            duration_ms: self.duration_ms,
            width: Some(1080),
            height: Some(1920),
            video_codec: None,
            frame_rate_millis: None,
            has_audio: None,
            audio: None,
            moov_first: None,
        })
    }

    async fn open(&self, first: u64, last: u64) -> Result<VideoStream, Failure> {
        let (first, last) = (usize::try_from(first).unwrap(), usize::try_from(last).unwrap());
        let until = self.breaks_at.unwrap_or(usize::MAX).min(last + 1);
        let mut pieces: Vec<io::Result<Bytes>> = self.bytes[first..until.max(first)]
            .chunks(self.piece)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        if until <= last {
            pieces.push(Err(io::Error::other("the host went away")));
        }
        Ok(stream::iter(pieces).boxed())
    }

    fn public_url(&self) -> Result<Url, Failure> {
        Ok("https://media.example/reel.mp4?signed=1".parse().unwrap())
    }
}

/// A claim that holds for so many questions.
pub(super) struct FakeLease(pub(super) AtomicI64);

impl FakeLease {
    pub(super) fn for_ever() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }
}

impl Lease for FakeLease {
    fn holds(&self) -> bool {
        self.0.fetch_sub(1, Ordering::SeqCst) > 0
    }
}

#[derive(Default)]
pub(super) struct FakeProgress(pub(super) Mutex<Vec<(u64, u64)>>);

impl Progress for FakeProgress {
    fn uploaded(&self, sent: u64, total: u64) {
        self.0.lock().unwrap().push((sent, total));
    }
}

/// Everything a call needs, owned.
pub(super) struct Scene {
    pub(super) post: Post,
    pub(super) account: Account,
    pub(super) ledger: Ledger,
    pub(super) now: DateTime<Utc>,
    pub(super) tokens: Tokens,
    pub(super) video: FakeVideo,
    pub(super) lease: FakeLease,
    pub(super) progress: FakeProgress,
    pub(super) siblings: Vec<String>,
    pub(super) twins: bool,
}

impl Scene {
    pub(super) fn new(content: Content, video: FakeVideo) -> Self {
        Self {
            post: post(content),
            account: account(),
            ledger: Ledger::default(),
            now: at(0),
            tokens: tokens(),
            video,
            lease: FakeLease::for_ever(),
            progress: FakeProgress::default(),
            siblings: Vec::new(),
            twins: false,
        }
    }

    pub(super) fn view(&self) -> View<'_> {
        View { post: &self.post, account: &self.account, ledger: &self.ledger, now: self.now }
    }

    pub(super) fn call(&self) -> Call<'_> {
        Call {
            view: self.view(),
            tokens: &self.tokens,
            video: &self.video,
            lease: &self.lease,
            progress: &self.progress,
            siblings: &self.siblings,
            twins: self.twins,
        }
    }
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

//! A host of one video, whose every answer a test decides: held in the middle, cut, refused, with and without names of versions.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use tokio::sync::watch;

/// Answers of more bytes are downloads; shorter ones are looks at the file.
const DOWNLOAD: usize = 500_000;

/// Bytes that are sent at once.
const PIECE: usize = 50_000;

struct Shared {
    file: Bytes,
    /// Downloads stop before this byte until it is raised.
    open_to: watch::Sender<usize>,
    downloads: Mutex<Vec<Range<usize>>>,
    is_named: AtomicBool,
    status: AtomicU16,
}

/// The host.
pub struct Source {
    /// Where the video is.
    pub url: String,
    shared: Arc<Shared>,
}

impl Source {
    /// Serves a file, under a name of its version.
    pub async fn start(file: Vec<u8>) -> Self {
        let shared = Arc::new(Shared {
            file: file.into(),
            open_to: watch::Sender::new(usize::MAX),
            downloads: Mutex::default(),
            is_named: AtomicBool::new(true),
            status: AtomicU16::new(200),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/video.mp4", listener.local_addr().expect("an address"));
        let router = Router::new().route("/{name}", get(answer)).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Another address of the same file.
    pub fn named(&self, name: &str) -> String {
        self.url.replace("video.mp4", name)
    }

    /// Downloads come to a halt before this byte.
    pub fn hold_at(&self, byte: usize) {
        self.shared.open_to.send_replace(byte);
    }

    /// They go on.
    pub fn release(&self) {
        self.hold_at(usize::MAX);
    }

    /// Gives no names of versions any more.
    pub fn forget_names(&self) {
        self.shared.is_named.store(false, Ordering::SeqCst);
    }

    /// Answers downloads with this status from now on; looks at the file succeed.
    pub fn answer(&self, status: u16) {
        self.shared.status.store(status, Ordering::SeqCst);
    }

    /// The parts that were downloaded.
    pub fn downloads(&self) -> Vec<Range<usize>> {
        self.shared.downloads.lock().expect("no panic inside").clone()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let size = shared.file.len();
    let range =
        headers.get(header::RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let (first, last) = range.unwrap_or(("0", ""));
    let (first, last) = (first.parse().unwrap_or(0), last.parse().unwrap_or(size - 1).min(size - 1));
    let is_download = last + 1 - first > DOWNLOAD;
    let open_to = shared.open_to.subscribe();
    if is_download {
        shared.downloads.lock().expect("no panic inside").push(first..last + 1);
        let status = shared.status.load(Ordering::SeqCst);
        if status != 200 {
            return StatusCode::from_u16(status).expect("a status").into_response();
        }
    }
    let file = shared.file.slice(..=last);
    let body = stream::unfold(first, move |at| {
        let (file, mut open_to) = (file.clone(), open_to.clone());
        async move {
            if at >= file.len() {
                return None;
            }
            let end = (at + PIECE).min(file.len());
            if is_download {
                open_to.wait_for(|open_to| end <= *open_to).await.ok()?;
            }
            Some((Ok::<_, std::io::Error>(file.slice(at..end)), end))
        }
    });
    let mut answer = Response::builder()
        .status(if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK })
        .header(header::CONTENT_LENGTH, last + 1 - first)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CONTENT_TYPE, "video/mp4");
    if range.is_some() {
        answer = answer.header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
    }
    if shared.is_named.load(Ordering::SeqCst) {
        answer = answer.header(header::ETAG, "\"one\"");
    }
    answer.body(Body::from_stream(body)).expect("an answer")
}

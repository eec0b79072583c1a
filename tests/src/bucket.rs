//! A bucket on moto's S3 server, which the test command starts, behind a door that can be shut in several ways.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::task::JoinHandle;

use crate::{World, world::http_client};

/// An authorization that moto takes: it looks at its form alone.
const BY_SOMEBODY: &str =
    "AWS4-HMAC-SHA256 Credential=somebody/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// What the door does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Lets it through.
    Open,
    /// Answers that the server is overloaded.
    Away,
    /// Answers that the key has no right.
    Refuses,
    /// Lets it through late, and the answer in pieces.
    Slow,
    /// Says that each second part is stored, and throws it away.
    LosesParts,
}

#[derive(Clone)]
struct Shared {
    moto: String,
    http: reqwest::Client,
    door: Arc<Mutex<Door>>,
    /// Objects that were removed through the door.
    removed: Arc<AtomicU32>,
}

/// A bucket of its own, below `reels/media`. Its door goes with it.
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Its address, past the door.
    pub url: String,
    front: String,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Bucket {
    /// `None`, with a line that says so, when no server was started.
    pub async fn make() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Ok(moto) = std::env::var("AURAREELS_TEST_S3") else {
            println!("not tried: no S3 server was started; cargo xtask with-databases -- <command>");
            return None;
        };
        let name = format!("b{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let url = format!("{moto}/{name}");
        let shared =
            Shared { moto, http: http_client(), door: Arc::new(Mutex::new(Door::Open)), removed: Arc::default() };
        let made = shared.http.put(&url).send().await.expect("the S3 server answers");
        assert!(made.status().is_success(), "{made:?}");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let front = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(pass).layer(DefaultBodyLimit::disable()).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("serving") });
        Some(Self { name, url, front, shared, server })
    }

    /// The settings of a core that keeps uploads here.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AURAREELS_MEDIA_STORE", format!("s3://{}/reels/media", self.name)),
            ("AWS_ENDPOINT_URL", self.front.clone()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "the key".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "the secret of the bucket's key".to_owned()),
        ]
    }

    /// A world whose core keeps uploads here, and has tried the bucket as every core does when it starts.
    pub async fn world(&self) -> World {
        let settings = self.settings();
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let world = World::with(&settings).await;
        self.tried(&world, 1).await;
        world
    }

    /// Waits until so many objects were removed: a core that starts writes, reads and removes one.
    pub async fn tried(&self, world: &World, times: u32) {
        let removed = || self.shared.removed.load(Ordering::Relaxed);
        world.wait_for("the core's try of its bucket", async || (removed() >= times).then_some(())).await;
    }

    /// From now on.
    pub fn door(&self, door: Door) {
        *self.shared.door.lock().expect("no panic inside") = door;
    }

    /// The names of all objects.
    pub async fn objects(&self) -> Vec<String> {
        self.texts("list-type=2", "Key").await
    }

    /// The names of all uploads that were begun and not completed.
    pub async fn unfinished(&self) -> Vec<String> {
        self.texts("uploads", "Key").await
    }

    async fn texts(&self, query: &str, tag: &str) -> Vec<String> {
        let list = self.shared.http.get(format!("{}?{query}", self.url)).send().await.expect("a list");
        let text = list.text().await.expect("text");
        let begin = format!("<{tag}>");
        text.split(&begin).skip(1).map(|rest| rest.split('<').next().unwrap_or_default().to_owned()).collect()
    }

    /// Stores an object past the door.
    pub async fn put(&self, name: &str) {
        let put = self.shared.http.put(format!("{}/{name}", self.url)).body("bytes").send().await.expect("an answer");
        assert!(put.status().is_success(), "{put:?}");
    }

    /// Begins an upload of parts past the door, and leaves it.
    pub async fn begin(&self, name: &str) {
        let url = format!("{}/{name}?uploads", self.url);
        let begun = self.shared.http.post(url).header(header::AUTHORIZATION, BY_SOMEBODY);
        let begun = begun.send().await.expect("an answer");
        assert!(begun.status().is_success(), "{begun:?}");
    }
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>")).into_response()
}

async fn pass(State(shared): State<Shared>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let door = *shared.door.lock().expect("no panic inside");
    match door {
        Door::Away => return error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
        Door::Refuses => return error(StatusCode::FORBIDDEN, "AccessDenied"),
        Door::LosesParts if uri.query().is_some_and(|query| query.contains("partNumber=2")) => {
            return (StatusCode::OK, [(header::ETAG, "\"0123456789abcdef0123456789abcdef\"")]).into_response();
        }
        Door::Slow => tokio::time::sleep(Duration::from_millis(200)).await,
        Door::LosesParts | Door::Open => {}
    }
    let mut request = shared.http.request(method.clone(), format!("{}{uri}", shared.moto)).body(body);
    for (name, value) in &headers {
        if ![header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION].contains(name) {
            request = request.header(name, value);
        }
    }
    // Several at once are removed by a POST.
    let is_removal = method == Method::DELETE || uri.query().is_some_and(|query| query.starts_with("delete"));
    let answer = request.send().await.expect("moto answers");
    if is_removal {
        shared.removed.fetch_add(1, Ordering::Relaxed);
    }
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if ![header::TRANSFER_ENCODING, header::CONNECTION].contains(name) {
            response = response.header(name, value);
        }
    }
    let bytes = answer.bytes().await.expect("moto's answer");
    let pieces: Vec<Bytes> = match door {
        Door::Slow if bytes.len() > 4 => {
            bytes.chunks(bytes.len().div_ceil(4)).map(|piece| bytes.slice_ref(piece)).collect()
        }
        _ => vec![bytes],
    };
    let pause = if door == Door::Slow { Duration::from_millis(100) } else { Duration::ZERO };
    let stream = futures_util::stream::iter(pieces);
    let stream = futures_util::StreamExt::then(stream, move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, std::io::Error>(piece)
    });
    response.body(Body::from_stream(stream)).expect("a response")
}

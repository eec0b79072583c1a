//! The prober against a real HTTP server on loopback, and against names and addresses that must not be reached.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::get;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const VIDEO: &[u8] = include_bytes!("testdata/moov_last.mp4");

/// What the server counts, and which of two films of equal size it has at `/film`.
#[derive(Default)]
struct Counters {
    requests: AtomicUsize,
    bytes: AtomicUsize,
    film: AtomicUsize,
}

#[derive(Clone)]
struct Host {
    base: Url,
    counters: Arc<Counters>,
}

impl Host {
    /// Serves on loopback: `/range`, `/plain` and `/chunked` the video, `/big` one with 40 MB before its index,
    /// `/changing` and `/turning` its misbehaving sisters, `/status/N`, `/to/N` redirects N times, `/text`, `/gzip`, `/away/X` redirects to the named place.
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let host = Self { base, counters: Arc::default() };
        let router = Router::new()
            .route("/range", get(ranged))
            .route("/big", get(big))
            .route("/changing", get(changing))
            .route("/film/{names}", get(film))
            .route("/turning", get(turning))
            .route("/bigplain", get(async || Body::from(big_video())))
            .route("/plain", get(async |State(host): State<Host>| host.plain()))
            .route(
                "/chunked",
                get(async || Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(VIDEO)]))),
            )
            .route("/status/{status}", get(async |Path(status): Path<u16>| StatusCode::from_u16(status).unwrap()))
            .route("/to/{count}", get(redirects))
            .route("/away/{place}", get(away))
            .route("/cover", get(async || [b"\xff\xd8\xff\xe0".as_slice(), &[0; 5_000]].concat()))
            .route("/png", get(async || include_bytes!("testdata/cover.png").as_slice()))
            .route("/text", get(async || "a text file, whatever its URL says".to_owned()))
            .route("/gzip", get(async || ([(header::CONTENT_ENCODING, "gzip")], "xx")))
            .with_state(host.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        host
    }

    fn url(&self, path: &str) -> Url {
        self.base.join(path).unwrap()
    }

    fn plain(&self) -> Bytes {
        self.counters.requests.fetch_add(1, Ordering::SeqCst);
        Bytes::from_static(VIDEO)
    }

    fn part(&self, file: &Bytes, headers: &HeaderMap) -> Response<Body> {
        self.counters.requests.fetch_add(1, Ordering::SeqCst);
        let range = headers[header::RANGE].to_str().unwrap().strip_prefix("bytes=").unwrap();
        let (first, last) = range.split_once('-').unwrap();
        let first: usize = first.parse().unwrap();
        let last = last.parse().unwrap_or(usize::MAX).min(file.len() - 1);
        self.counters.bytes.fetch_add(last + 1 - first, Ordering::SeqCst);
        Response::builder()
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{}", file.len()))
            .header(header::ETAG, "\"v1\"")
            .body(Body::from(file.slice(first..=last)))
            .unwrap()
    }
}

async fn ranged(State(host): State<Host>, headers: HeaderMap) -> Response<Body> {
    host.part(&Bytes::from_static(VIDEO), &headers)
}

async fn big(State(host): State<Host>, headers: HeaderMap) -> Response<Body> {
    host.part(&big_video(), &headers)
}

/// Another version at every request.
async fn changing(State(host): State<Host>, headers: HeaderMap) -> Response<Body> {
    let mut part = host.part(&big_video(), &headers);
    let version = format!("\"v{}\"", host.counters.requests.load(Ordering::SeqCst));
    part.headers_mut().insert(header::ETAG, version.parse().unwrap());
    part
}

/// Sends a part at first and the whole file from then on.
async fn turning(State(host): State<Host>, headers: HeaderMap) -> Response<Body> {
    let part = host.part(&big_video(), &headers);
    if host.counters.requests.load(Ordering::SeqCst) == 1 { part } else { Response::new(Body::from(big_video())) }
}

/// The film of the moment: by ranges with a name for each version (`named`) or without (`nameless`), or whole (`plain`).
async fn film(State(host): State<Host>, Path(names): Path<String>, headers: HeaderMap) -> Response<Body> {
    let number = host.counters.film.load(Ordering::SeqCst);
    let film = film_of(number);
    if names == "plain" {
        return Response::new(Body::from(film));
    }
    let mut part = host.part(&film, &headers);
    part.headers_mut().remove(header::ETAG);
    if names == "named" {
        part.headers_mut().insert(header::ETAG, format!("\"film-{number}\"").parse().unwrap());
    }
    part
}

/// Films of equal size that differ in one byte of their end.
fn film_of(number: usize) -> Bytes {
    let mut film = big_video().slice(..2_000_000).to_vec();
    film[32..40].copy_from_slice(&[&(2_000_000u32 - 32).to_be_bytes()[..], b"mdat"].concat());
    let index = VIDEO.windows(4).position(|kind| kind == b"moov").unwrap() - 4;
    film.extend_from_slice(&VIDEO[index..]);
    film.extend_from_slice(&[&9u32.to_be_bytes()[..], b"free", &[u8::try_from(number).unwrap()]].concat());
    film.into()
}

fn big_video() -> Bytes {
    let (head, rest) = VIDEO.split_at(32);
    let mut padding = vec![0; 40_000_000];
    padding[..8].copy_from_slice(&[&40_000_000u32.to_be_bytes()[..], b"mdat"].concat());
    [head, &padding, rest].concat().into()
}

async fn redirects(State(host): State<Host>, Path(count): Path<u32>) -> Response<Body> {
    host.counters.requests.fetch_add(1, Ordering::SeqCst);
    redirect(&if count <= 1 { "/range".to_owned() } else { format!("/to/{}", count - 1) })
}

async fn away(Path(place): Path<String>) -> Response<Body> {
    let places = HashMap::from([
        ("metadata", "http://169.254.169.254/latest/meta-data/"),
        ("metadata-v6", "http://[fd00:ec2::254]/latest/"),
        ("link-local", "http://[fe80::1]/x.mp4"),
        ("mapped", "http://[::ffff:169.254.169.254]/"),
        ("decimal", "http://2852039166/"),
        ("name", "http://metadata.test/"),
        ("file", "file:///etc/passwd"),
        ("login", "http://user:secret@127.0.0.1/"),
    ]);
    redirect(places[place.as_str()])
}

fn redirect(to: &str) -> Response<Body> {
    Response::builder().status(StatusCode::FOUND).header(header::LOCATION, to).body(Body::empty()).unwrap()
}

/// `open.test` and `localhost` lead to loopback, `metadata.test` to the metadata address, `mixed.test` to both,
/// `cgnat.test` to Alibaba's, nothing else exists.
fn lookup() -> Arc<fetch::Lookup> {
    Arc::new(|name: String| {
        let addresses = match name.as_str() {
            "open.test" | "localhost" => Ok(vec!["127.0.0.1"]),
            "metadata.test" => Ok(vec!["169.254.169.254"]),
            "mixed.test" => Ok(vec!["127.0.0.1", "169.254.169.254"]),
            "alibaba.test" => Ok(vec!["100.100.100.200"]),
            _ => Err(std::io::Error::other("no such name")),
        };
        let addresses = addresses.map(|list| list.into_iter().map(|address| address.parse().unwrap()).collect());
        Box::pin(std::future::ready(addresses))
    })
}

fn prober(allow_private_hosts: bool) -> Prober {
    let settings = ProbeSettings { allow_private_hosts, ..ProbeSettings::default() };
    Prober::with_lookup(&settings, lookup()).unwrap()
}

async fn rule(prober: &Prober, url: &str) -> &'static str {
    match prober.probe(&Url::parse(url).unwrap()).await {
        Err(ProbeError::Refused(violation)) => violation.rule,
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test]
async fn a_video_is_measured_by_ranges() {
    let host = Host::start().await;
    let probe = prober(true).probe(&host.url("range")).await.unwrap();
    assert_eq!((probe.facts.size_bytes, probe.facts.moov_first), (VIDEO.len() as u64, Some(false)));
    assert_eq!((probe.facts.width, probe.facts.height), (Some(64), Some(112)));
    assert_eq!((probe.version.etag.as_deref(), probe.supports_range), (Some("\"v1\""), true));
    assert_eq!(probe.final_url, host.url("range"));
}

#[tokio::test]
async fn only_pieces_of_a_big_video_are_fetched_though_its_index_is_last() {
    let host = Host::start().await;
    let probe = prober(true).probe(&host.url("big")).await.unwrap();
    assert_eq!((probe.facts.size_bytes, probe.facts.width), (VIDEO.len() as u64 + 40_000_000, Some(64)));
    assert!(host.counters.requests.load(Ordering::SeqCst) <= 3);
    assert!(host.counters.bytes.load(Ordering::SeqCst) < 300_000);
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_looked_at_is_not_believed() {
    let host = Host::start().await;
    let prober = prober(true);
    for path in ["changing", "turning"] {
        host.counters.requests.store(0, Ordering::SeqCst);
        let error = prober.probe(&host.url(path)).await.unwrap_err();
        let is_changed = matches!(&error, ProbeError::Unreachable { message } if message.contains("changed"));
        assert!(is_changed, "{path}: {error:?}");
    }
}

#[tokio::test]
async fn a_host_without_ranges_is_read_from_the_front_as_far_as_sensible() {
    let host = Host::start().await;
    let probe = prober(true).probe(&host.url("plain")).await.unwrap();
    assert_eq!((probe.facts.width, probe.supports_range), (Some(64), false));
    let probe = prober(true).probe(&host.url("bigplain")).await.unwrap();
    assert_eq!((probe.facts.width, probe.facts.duration_ms, probe.facts.has_audio), (None, None, None));
}

#[tokio::test]
async fn every_way_not_to_be_a_public_video_has_its_rule() {
    let host = Host::start().await;
    let prober = prober(true);
    for (path, expected) in [
        ("status/403", "VIDEO_NOT_PUBLIC"),
        ("status/404", "VIDEO_NOT_PUBLIC"),
        ("status/401", "VIDEO_NOT_PUBLIC"),
        ("text", "VIDEO_FORMAT_INVALID"),
        ("chunked", "VIDEO_SIZE_UNKNOWN"),
        ("gzip", "VIDEO_SIZE_UNKNOWN"),
        ("to/6", "VIDEO_URL_REDIRECTS"),
    ] {
        assert_eq!(rule(&prober, host.url(path).as_str()).await, expected, "{path}");
    }
    assert_eq!(prober.probe(&host.url("to/5")).await.unwrap().final_url, host.url("range"));
}

#[tokio::test]
async fn what_may_pass_is_not_a_broken_rule() {
    let host = Host::start().await;
    let prober = prober(true);
    for path in ["status/500", "status/503", "status/429", "status/408", "status/204"] {
        let error = prober.probe(&host.url(path)).await.unwrap_err();
        assert!(matches!(error, ProbeError::Unreachable { .. }), "{path}: {error:?}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("http://{closed}/v.mp4?signature=canary"), "http://unknown.test/?signature=canary".to_owned()] {
        let error = prober.probe(&Url::parse(&url).unwrap()).await.unwrap_err();
        assert!(matches!(error, ProbeError::Unreachable { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("canary"), "signed URLs stay out of messages: {error:?}");
    }
}

#[tokio::test]
async fn private_hosts_are_refused_by_address_and_by_name() {
    let prober = prober(false);
    for url in [
        "https://127.0.0.1/v.mp4",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://localhost/",
        "https://open.test/",
        "https://metadata.test/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
    ] {
        assert_eq!(rule(&prober, url).await, "VIDEO_URL_PRIVATE", "{url}");
    }
    for url in ["http://example.test/", "ftp://example.test/", "file:///etc/passwd", "data:text/plain,x"] {
        assert_eq!(rule(&prober, url).await, "VIDEO_URL_INVALID", "{url}");
    }
    assert_eq!(rule(&prober, "https://user:pass@example.test/").await, "VIDEO_URL_INVALID");
}

#[tokio::test]
async fn metadata_and_link_local_stay_closed_where_private_hosts_are_open() {
    let host = Host::start().await;
    let prober = prober(true);
    for url in [
        "http://169.254.169.254/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://[fe80::1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://metadata.test/",
        "http://mixed.test/",
        "http://alibaba.test/",
        "http://0.0.0.0/",
    ] {
        assert_eq!(rule(&prober, url).await, "VIDEO_URL_PRIVATE", "{url}");
    }
    for place in ["metadata", "metadata-v6", "link-local", "mapped", "decimal", "name"] {
        let url = host.url(&format!("away/{place}"));
        assert_eq!(rule(&prober, url.as_str()).await, "VIDEO_URL_PRIVATE", "redirect to {place}");
        let error = prober.open_stream(&url, None).await.unwrap_err();
        assert!(matches!(error, ProbeError::Refused(violation) if violation.rule == "VIDEO_URL_PRIVATE"), "{place}");
    }
    for place in ["file", "login"] {
        assert_eq!(rule(&prober, host.url(&format!("away/{place}")).as_str()).await, "VIDEO_URL_INVALID", "{place}");
    }
    let mut named = host.url("range");
    named.set_host(Some("open.test")).unwrap();
    assert!(prober.probe(&named).await.is_ok(), "the name is judged by its address");
}

#[tokio::test]
async fn many_posts_of_one_video_probe_it_once() {
    let host = Host::start().await;
    let (prober, url) = (prober(true), host.url("plain"));
    let probes = futures_util::future::join_all((0..100).map(|_| prober.probe(&url))).await;
    assert!(probes.iter().all(Result::is_ok));
    prober.probe(&url).await.unwrap();
    assert_eq!(host.counters.requests.load(Ordering::SeqCst), 1);
    prober.probe_again(&url).await.unwrap();
    assert_eq!(host.counters.requests.load(Ordering::SeqCst), 2);
}

async fn collect(stream: MediaStream) -> Result<Vec<u8>, StreamError> {
    stream
        .try_fold(Vec::new(), async |mut all, chunk| {
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await
}

#[tokio::test]
async fn streams_give_exactly_the_bytes_asked_for() {
    let host = Host::start().await;
    let prober = prober(true);
    let total = VIDEO.len() as u64;
    for path in ["range", "plain"] {
        for range in [0..total, 0..1, 100..5_000, total - 1..total] {
            let stream = prober.open_stream(&host.url(path), Some(range.clone())).await.unwrap();
            assert_eq!((stream.length(), stream.version().size_bytes), (range.end - range.start, total));
            let bytes = collect(stream).await.unwrap();
            assert_eq!(bytes, VIDEO[range.start as usize..range.end as usize], "{path} {range:?}");
        }
        let beyond = prober.open_stream(&host.url(path), Some(total - 5..total + 5)).await.unwrap_err();
        assert!(matches!(beyond, ProbeError::Refused(violation) if violation.rule == "VIDEO_TRUNCATED"), "{path}");
    }
    assert_eq!(collect(prober.open_stream(&host.url("plain"), None).await.unwrap()).await.unwrap(), VIDEO);
    assert!(prober.open_stream(&host.url("range"), Some(5..5)).await.is_err());
}

#[tokio::test]
async fn parts_of_two_files_are_not_mixed() {
    let host = Host::start().await;
    let (prober, url) = (prober(true), host.url("range"));
    let probe = prober.probe(&url).await.unwrap();
    assert!(prober.open_same(&url, Some(0..9), &probe.version).await.is_ok());
    for other in [
        VideoVersion { size_bytes: 5, ..probe.version.clone() },
        VideoVersion { etag: Some("\"v0\"".to_owned()), ..probe.version.clone() },
    ] {
        let error = prober.open_same(&url, Some(0..9), &other).await.unwrap_err();
        assert!(matches!(error, ProbeError::Refused(violation) if violation.rule == "VIDEO_CHANGED"));
    }
    for same in [None, Some("W/\"v0\"".to_owned())] {
        let version = VideoVersion { etag: same, ..probe.version.clone() };
        assert!(prober.open_same(&url, Some(0..9), &version).await.is_ok());
    }
}

#[tokio::test]
async fn what_a_file_is_does_not_depend_on_its_host() {
    let host = Host::start().await;
    let mut seen = Vec::new();
    for number in 0..2 {
        host.counters.film.store(number, Ordering::SeqCst);
        let prober = prober(true);
        let mut all = std::collections::BTreeSet::new();
        for path in ["film/named", "film/nameless", "film/plain", "film/named?signed=anew"] {
            let probe = prober.probe(&host.url(path)).await.unwrap();
            assert_eq!(probe.facts.width, Some(64));
            all.insert(probe.version.identity.unwrap());
        }
        assert_eq!(all.len(), 1, "{all:?}");
        seen.extend(all);
    }
    assert_ne!(seen[0], seen[1], "two films of equal size");
}

#[tokio::test]
async fn a_replaced_file_is_found_out_with_and_without_names() {
    let host = Host::start().await;
    for path in ["film/named", "film/nameless", "film/plain"] {
        let (prober, url) = (prober(true), host.url(path));
        host.counters.film.store(0, Ordering::SeqCst);
        let version = prober.probe_current(&url).await.unwrap().version;
        prober.verify(&url, &version).await.unwrap();
        host.counters.film.store(1, Ordering::SeqCst);
        let error = prober.verify(&url, &version).await.unwrap_err();
        assert!(matches!(error, ProbeError::Refused(violation) if violation.rule == "VIDEO_CHANGED"), "{path}");
        let opened = prober.open_same(&url, Some(0..9), &version).await;
        assert_eq!(opened.is_ok(), path != "film/named", "only names tell at once: {path}");
        let now = prober.probe_current(&url).await.unwrap().version;
        assert_ne!(now.identity, version.identity, "{path}");
        prober.verify(&url, &now).await.unwrap();
    }
}

#[tokio::test]
async fn a_kept_probe_counts_only_while_the_host_names_the_same_version() {
    let host = Host::start().await;
    for (path, requests) in [("film/named", 1), ("film/nameless", 4)] {
        host.counters.film.store(0, Ordering::SeqCst);
        let (prober, url) = (prober(true), host.url(path));
        let first = prober.probe_current(&url).await.unwrap();
        let before = host.counters.requests.load(Ordering::SeqCst);
        assert_eq!(prober.probe_current(&url).await.unwrap(), first);
        assert_eq!(host.counters.requests.load(Ordering::SeqCst) - before, requests, "{path}");
        host.counters.film.store(1, Ordering::SeqCst);
        let second = prober.probe_current(&url).await.unwrap();
        assert_ne!(second.version.identity, first.version.identity, "{path}");
    }
}

/// Answers every connection with `answer` and closes it.
async fn raw_host(answer: &'static str) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/v.mp4", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 2048];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn a_stream_that_ends_early_is_an_error() {
    let prober = prober(true);
    let url = raw_host("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789").await;
    let error = collect(prober.open_stream(&url, None).await.unwrap()).await.unwrap_err();
    assert_eq!((error.received, error.expected), (10, 100));

    // A part that is shorter than was asked for, in a complete answer.
    let url = raw_host("HTTP/1.1 206 x\r\ncontent-length: 10\r\ncontent-range: bytes 0-9/100\r\n\r\n0123456789").await;
    let mut stream = prober.open_stream(&url, Some(0..50)).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), "0123456789");
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error, StreamError { received: 10, expected: 50, cause: None });
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn lying_and_broken_hosts_are_unreachable_not_believed() {
    let prober = prober(true);
    for answer in [
        "HTTP/1.1 206 x\r\ncontent-length: 1\r\n\r\nx",
        "HTTP/1.1 206 x\r\ncontent-length: 1\r\ncontent-range: bytes 5-5/9\r\n\r\nx",
        "HTTP/1.1 206 x\r\ncontent-length: 1\r\ncontent-range: bytes 0-9/9\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n\0\0\0\x18ftypisom",
        "SSH-2.0-nonsense\r\n",
        "",
    ] {
        let url = raw_host(answer).await;
        let error = prober.probe(&url).await.unwrap_err();
        assert!(matches!(error, ProbeError::Unreachable { .. }), "{answer:?}: {error:?}");
    }
    let empty = raw_host("HTTP/1.1 416 x\r\ncontent-length: 0\r\ncontent-range: bytes */0\r\n\r\n").await;
    assert_eq!(rule(&prober, empty.as_str()).await, "VIDEO_EMPTY");
    let nowhere = raw_host("HTTP/1.1 302 x\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(rule(&prober, nowhere.as_str()).await, "VIDEO_NOT_PUBLIC");
}

#[tokio::test]
async fn a_host_that_never_answers_runs_into_the_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let probe_timeout = Duration::from_millis(50);
    let settings = ProbeSettings { allow_private_hosts: true, probe_timeout, ..ProbeSettings::default() };
    let error = Prober::new(&settings).unwrap().probe(&url).await.unwrap_err();
    assert!(matches!(&error, ProbeError::Unreachable { message } if message.contains("too slowly")), "{error:?}");
}

#[tokio::test]
async fn a_cover_is_looked_at_like_a_video() {
    let (host, prober) = (Host::start().await, prober(true));
    let found = prober.cover(&host.url("/cover")).await.unwrap();
    assert_eq!((found.is, found.size_bytes), (Some("a JPEG image"), Some(5_004)));
    assert_eq!(prober.cover(&host.url("/png")).await.unwrap().is, Some("a PNG image"));
    assert_eq!(prober.cover(&host.url("/plain")).await.unwrap().is, Some("a video"));
    assert_eq!(prober.cover(&host.url("/chunked")).await.unwrap().size_bytes, None, "a size that is not told");
    for (path, rule) in [("/status/404", "THUMBNAIL_NOT_PUBLIC"), ("/away/metadata", "THUMBNAIL_URL_INVALID")] {
        match prober.cover(&host.url(path)).await {
            Err(ProbeError::Refused(violation)) => {
                assert_eq!((violation.rule, violation.field), (rule, THUMBNAIL_URL_FIELD), "{violation:?}");
            }
            other => panic!("{path}: {other:?}"),
        }
    }
    assert!(matches!(prober.cover(&host.url("/status/503")).await, Err(ProbeError::Unreachable { .. })));
}

#[tokio::test]
async fn parts_of_a_spooled_file_are_read_while_it_comes_and_afterwards() {
    let (host, prober) = (Host::start().await, prober(true));
    let directory = tempfile::tempdir().unwrap();
    let spool = spool::Spool::new(files::Files::open(directory.path().join("media"), 0).unwrap());
    assert!(spool.read("film", 0, 9).is_none(), "nobody fetched it");
    let film = big_video();
    let whole = prober.open_stream(&host.url("/bigplain"), None).await.unwrap();
    assert!(!whole.is_part());
    spool.fetch("film", whole).await.unwrap();
    let last = film.len() as u64 - 1;
    for (first, last) in [(0, 9), (30_000_000, 30_999_999), (last, last), (0, last), (5, 5)] {
        let part = spool
            .read("film", first, last)
            .unwrap()
            .try_fold(Vec::new(), async |mut all, piece| {
                all.extend_from_slice(&piece);
                Ok(all)
            })
            .await
            .unwrap();
        assert_eq!(part, film[first as usize..=last as usize], "{first} to {last}");
    }
    let left: Vec<_> = std::fs::read_dir(directory.path().join("media")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test]
async fn a_spooled_file_whose_host_breaks_off_is_an_error_and_then_fetched_anew() {
    let prober = prober(true);
    let directory = tempfile::tempdir().unwrap();
    let spool = spool::Spool::new(files::Files::open(directory.path().join("media"), 0).unwrap());
    let url = raw_host("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this").await;
    spool.fetch("film", prober.open_stream(&url, None).await.unwrap()).await.unwrap();
    // It may be known already; then nobody begins to read.
    if let Some(part) = spool.read("film", 0, 99) {
        let broken = part.try_collect::<Vec<Bytes>>().await.unwrap_err().to_string();
        assert!(broken.contains("of 100 bytes"), "{broken}");
    }
    assert!(spool.read("film", 0, 99).is_none(), "nobody reads of it again");
}

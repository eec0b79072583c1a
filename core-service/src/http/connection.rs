//! A connection that serves one request: the way on which points of no return leave.
//!
//! Guaranteed:
//! - A connection may be opened ahead of its request, so that at a post's time nothing is left to do but to write: no look-up,
//!   no handshake of TLS. Nothing of the request leaves before [`Connection::send`]. Until then a connection is a socket: the buffers of
//!   HTTP (16 KiB) are made for it when it is used, so that ten thousand that wait take little.
//! - A request is written to its own connection once or not at all: no pool, no repetition, no redirect, HTTP/1.1.
//! - Of small requests at most [`UNDER_WAY`] are under way at once while they are answered quickly. Slow answers hold up nobody: a
//!   request waits at most [`PACE`] for each one that waits before it.
//! - [`Lost::NotSent`] is proof: hyper gave the whole request back, no byte of it was written.
//!
//! Expected failures: the host cannot be found or reached, its certificate is not good, it closes the connection while it is
//! idle ([`Connection::is_open`] tells), or it does not answer.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderValue, Request, Response, Uri, header};
use hyper::{
    body::Incoming,
    client::conn::http1,
    rt::{Read, ReadBuf, Write},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Body;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::JoinHandle,
};
use tower_service::Service;

use super::{CONNECT_TIMEOUT, USER_AGENT};
use crate::domain::failure::describe;

/// Connections that are being opened at the same time: enough to keep a small machine busy, few enough for the queue of any
/// listener.
const OPENING: usize = 64;

/// Small requests under way at the same time: each has buffers (30 KiB), and more of them are not answered sooner.
const UNDER_WAY: usize = 256;

/// Longest wait for a place under way, for each request that waits before: without any answer 12,500 leave in a second.
const PACE: Duration = Duration::from_micros(80);

/// Opens connections. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    connector: HttpsConnector<HttpConnector>,
    opening: Arc<Semaphore>,
    under_way: Arc<Semaphore>,
    waiting: Arc<AtomicU32>,
}

/// A request that waits for its place under way.
struct Waiting<'a>(&'a AtomicU32);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Connector {
    /// A connector that trusts what `tls` trusts ([`super::tls_config`]).
    pub fn new(tls: &Arc<rustls::ClientConfig>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // The builder sets the protocol itself.
        let mut tls = tls.as_ref().clone();
        tls.alpn_protocols.clear();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        let [opening, under_way] = [OPENING, UNDER_WAY].map(|places| Arc::new(Semaphore::new(places)));
        Self { connector, opening, under_way, waiting: Arc::default() }
    }

    /// Waits for a place among the small requests under way, in the order of asking, at most [`PACE`] for each that waits
    /// already. `None`: the wait was over, and the request leaves all the same.
    pub async fn place_under_way(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(place) = self.under_way.try_acquire() {
            return Some(place);
        }
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(&self.waiting);
        // It is never closed.
        tokio::time::timeout(PACE * (before + 1), self.under_way.acquire()).await.ok()?.ok()
    }

    /// Opens a connection to the host of `uri`. The error says why none could be had; nothing was sent.
    // Boxed: who holds an open connection and waits does not hold what opening took (3 KB).
    pub fn connect<'a>(&'a self, uri: &'a Uri) -> BoxFuture<'a, Result<Connection, String>> {
        Box::pin(self.open(uri))
    }

    async fn open(&self, uri: &Uri) -> Result<Connection, String> {
        let host = uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
        let host = host.ok_or_else(|| "the address names no host".to_owned())?;
        let mut connector = self.connector.clone();
        let opened = async {
            let _place = self.opening.acquire().await;
            connector.call(uri.clone()).await.map_err(|error| describe(error.as_ref()))
        };
        let socket = tokio::time::timeout(CONNECT_TIMEOUT, opened)
            .await
            .map_err(|_| format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()))??;
        // Each in its own size: with TLS it is many times as large.
        let socket: Box<dyn Socket> = match socket {
            MaybeHttpsStream::Http(plain) => Box::new(plain),
            MaybeHttpsStream::Https(tls) => Box::new(tls),
        };
        Ok(Connection { socket, host })
    }
}

/// Why a request brought no answer.
#[derive(Debug)]
pub enum Lost {
    /// No byte of it was written.
    NotSent(String),
    /// Something may have been written.
    NoAnswer(String),
}

/// A socket, with TLS or without.
trait Socket: Read + Write + Unpin + Send {}

impl<T: Read + Write + Unpin + Send> Socket for T {}

/// An open connection that has carried nothing. Dropping it closes it.
pub struct Connection {
    socket: Box<dyn Socket>,
    host: HeaderValue,
}

/// An answer whose head is there.
pub struct Answer {
    /// The answer. Its body is read while the connection lives.
    pub response: Response<Incoming>,
    /// The connection.
    pub driver: Driver,
}

/// What moves a connection's bytes. Dropping it closes the connection.
pub struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// False once the other side has closed it, or has sent what nobody asked for.
    pub fn is_open(&mut self) -> bool {
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        let looked = poll_fn(|context| Poll::Ready(Pin::new(&mut self.socket).poll_read(context, buffer.unfilled())));
        looked.now_or_never().is_some_and(|read| read.is_pending())
    }

    /// Makes a request one for a connection to this host: what [`Self::send`] then has left to do is to write it.
    pub fn prepare(&self, request: &mut Request<Body>) -> Result<(), String> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(|_| "the address has no valid path".to_owned())?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host.clone());
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        Ok(())
    }

    /// Writes a request that was made ready by [`Self::prepare`]; answers when the head of the answer is there.
    pub async fn send(self, request: Request<Body>, timeout: Duration) -> Result<Answer, Lost> {
        let (mut sender, driver) =
            http1::handshake(self.socket).await.map_err(|error| Lost::NotSent(describe(&error)))?;
        // Its end is told by `sender`.
        let driver = Driver(tokio::spawn(driver.map(drop)));
        match tokio::time::timeout(timeout, sender.try_send_request(request)).await {
            Ok(Ok(response)) => Ok(Answer { response, driver }),
            Ok(Err(mut error)) => {
                let given_back = error.take_message().is_some();
                let why = describe(error.error());
                Err(if given_back { Lost::NotSent(why) } else { Lost::NoAnswer(why) })
            }
            Err(_) => Err(Lost::NoAnswer(format!("no answer within {} s", timeout.as_secs()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::http::{HttpSettings, tls_config};

    const SECOND: Duration = Duration::from_secs(1);

    fn connector() -> Connector {
        Connector::new(&tls_config(&HttpSettings::default()).unwrap())
    }

    async fn line_to(listener: &TcpListener) -> (Connection, TcpStream, Uri) {
        let uri: Uri = format!("http://{}/publish?a=1", listener.local_addr().unwrap()).parse().unwrap();
        let connection = connector().connect(&uri).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        (connection, socket, uri)
    }

    fn post(uri: &Uri) -> Request<Body> {
        Request::post(uri.clone()).body("once".into()).unwrap()
    }

    async fn read(socket: &mut TcpStream) -> String {
        let mut buffer = vec![0; 4096];
        let length = socket.read(&mut buffer).await.unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[tokio::test]
    async fn nothing_is_written_before_the_request_is_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (connection, mut socket, uri) = line_to(&listener).await;
        let mut buffer = [0; 1];
        let early = tokio::time::timeout(Duration::from_millis(50), socket.read(&mut buffer)).await;
        assert!(early.is_err(), "a byte left: {early:?}");
        let server = tokio::spawn(async move {
            let request = read(&mut socket).await;
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            request
        });
        let mut request = post(&uri);
        connection.prepare(&mut request).unwrap();
        assert_eq!(connection.send(request, SECOND).await.unwrap().response.status(), 200);
        let request = server.await.unwrap().to_lowercase();
        assert!(request.starts_with("post /publish?a=1 http/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("host: {}\r\n", uri.authority().unwrap())), "{request}");
        assert!(request.contains("content-length: 4\r\n"), "{request}");
    }

    #[tokio::test]
    async fn a_line_that_was_closed_while_idle_takes_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (mut connection, socket, uri) = line_to(&listener).await;
        assert!(connection.is_open());
        drop(socket);
        while connection.is_open() {
            tokio::task::yield_now().await;
        }
        let mut request = post(&uri);
        connection.prepare(&mut request).unwrap();
        assert!(matches!(connection.send(request, SECOND).await, Err(Lost::NotSent(_))));
    }

    #[tokio::test]
    async fn a_lost_answer_proves_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (connection, mut socket, uri) = line_to(&listener).await;
        let server = tokio::spawn(async move {
            read(&mut socket).await;
        });
        let mut request = post(&uri);
        connection.prepare(&mut request).unwrap();
        assert!(matches!(connection.send(request, SECOND).await, Err(Lost::NoAnswer(_))));
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_silent_host_proves_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (connection, _socket, uri) = line_to(&listener).await;
        let mut request = post(&uri);
        connection.prepare(&mut request).unwrap();
        assert!(matches!(connection.send(request, Duration::from_millis(50)).await, Err(Lost::NoAnswer(_))));
    }

    #[tokio::test]
    async fn one_more_than_may_be_under_way_waits_for_an_answer_but_not_long() {
        let connector = connector();
        let mut places = Vec::new();
        for _ in 0..UNDER_WAY {
            places.push(connector.place_under_way().now_or_never().flatten().expect("a place is free"));
        }
        let waiting = connector.place_under_way();
        tokio::pin!(waiting);
        assert!(waiting.as_mut().now_or_never().is_none());
        places.pop();
        let place = waiting.await;
        assert!(place.is_some(), "an answer came: its place is free");
        assert!(connector.place_under_way().await.is_none(), "without an answer it leaves all the same");
        assert_eq!(connector.waiting.load(Ordering::Acquire), 0);
    }

    #[tokio::test]
    async fn no_line_is_had_where_nobody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri: Uri = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        drop(listener);
        assert!(connector().connect(&uri).await.is_err());
    }
}

//! A connection of a caller, and how long it may say nothing.
//!
//! Guaranteed, each with its own time:
//! - A connection without a request ends ([`Times::hello`]).
//! - An HTTP/1.1 connection between two requests ends after the time that is set for it.
//! - An HTTP/2 connection is pinged by the server; it ends when nothing comes for so long ([`Times::silent`]) as an honest
//!   client never reaches, however long it makes no call.
//! - A connection whose other side reads nothing ends ([`Times::stalled`]).
//!
//! A request under way is not measured here: its body is in `patience`, what is done for it has times of its own. What is
//! written (heartbeats of a stream) counts as well as what comes.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Until the first request.
    pub(super) hello: Duration,
    /// Between two requests over HTTP/1.1.
    pub(super) idle: Duration,
    /// Without anything that comes over HTTP/2: two pings with their answers, and some.
    pub(super) silent: Duration,
    /// Until the other side takes some of what is written.
    pub(super) stalled: Duration,
    /// Between two looks at a connection with a request under way.
    pub(super) look: Duration,
}

impl Times {
    /// Those of every connection, but for the one that is a setting.
    pub(super) fn with_idle(idle: Duration) -> Self {
        let seconds = Duration::from_secs;
        Self { hello: seconds(20), idle, silent: seconds(75), stalled: seconds(60), look: seconds(30) }
    }
}

/// How HTTP/2 begins.
const PREFACE: &[u8] = b"PRI ";

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    times: Times,
    /// Milliseconds from `opened` to the last byte.
    moved: AtomicU64,
    /// Milliseconds from `opened` to the end of the last request.
    free_since: AtomicU64,
    /// Requests under way, over HTTP/1.1 alone.
    requests: AtomicUsize,
    /// A request has come.
    served: AtomicBool,
    is_http2: AtomicBool,
    /// The last write has to wait.
    blocked: AtomicBool,
    /// Its place is needed for another.
    ending: AtomicBool,
    task: AtomicWaker,
}

impl Activity {
    pub(super) fn begin(times: Times) -> Self {
        Self {
            opened: Instant::now(),
            times,
            moved: AtomicU64::new(0),
            free_since: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
            served: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            task: AtomicWaker::new(),
        }
    }

    fn since_opened(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn at(&self, millis: &AtomicU64) -> Instant {
        self.opened + Duration::from_millis(millis.load(Ordering::Relaxed))
    }

    /// When it ends, unless something happens meanwhile; `None` while a request is under way.
    fn ends(&self) -> Option<Instant> {
        let moved = self.at(&self.moved);
        if self.blocked.load(Ordering::Relaxed) {
            return Some(moved + self.times.stalled);
        }
        if self.is_http2.load(Ordering::Relaxed) {
            return Some(moved + self.times.silent);
        }
        if self.requests.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let longest = if self.served.load(Ordering::Relaxed) { self.times.idle } else { self.times.hello };
        Some(self.at(&self.free_since) + longest)
    }

    /// Who may go first when places are needed: those that never made a request, then HTTP/1.1 between two requests, each
    /// the longest first. `None`: not at all.
    pub(super) fn dispensable(&self) -> Option<(bool, Instant)> {
        let (served, is_http2) = (self.served.load(Ordering::Relaxed), self.is_http2.load(Ordering::Relaxed));
        let is_free = !served || (!is_http2 && self.requests.load(Ordering::Relaxed) == 0);
        let is_ending = self.ending.load(Ordering::Relaxed);
        (is_free && !is_ending).then(|| (served, self.at(&self.free_since)))
    }

    /// Ends the connection.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        self.task.wake();
    }
}

/// A connection, as a request sees it.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    activity: Arc<Activity>,
    address: Option<SocketAddr>,
}

impl Peer {
    /// A request has come. Over HTTP/1.1 it is under way until the answer is dropped.
    pub(super) fn request(&self, is_http1: bool) -> Option<UnderWay> {
        self.activity.served.store(true, Ordering::Relaxed);
        is_http1.then(|| {
            self.activity.requests.fetch_add(1, Ordering::Relaxed);
            UnderWay(self.activity.clone())
        })
    }

    /// The other end.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.free_since.store(self.0.since_opened(), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// An open connection.
pub(super) struct Connection {
    stream: Stream,
    activity: Arc<Activity>,
    /// Bytes of the beginning that were as those of HTTP/2.
    preface: usize,
    timer: Pin<Box<Sleep>>,
    /// What is given back when the connection ends.
    _slot: Box<dyn Send + Sync>,
}

impl Connection {
    pub(super) fn new(stream: Stream, activity: Arc<Activity>, slot: impl Send + Sync + 'static) -> Self {
        let timer = Box::pin(sleep_until(activity.opened + activity.times.hello));
        Self { stream, activity, preface: 0, timer, _slot: Box::new(slot) }
    }

    /// Whether it has been silent for too long, or has to make room. Looked at whenever the server looks at the connection,
    /// and once its time is over.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.activity.task.register(context.waker());
        if self.activity.ending.load(Ordering::Relaxed) {
            return true;
        }
        while self.timer.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            let ends = self.activity.ends().unwrap_or(now + self.activity.times.look);
            if ends <= now {
                return true;
            }
            self.timer.as_mut().reset(ends);
        }
        false
    }

    fn came(&mut self, bytes: &[u8]) {
        self.moved();
        if self.preface >= PREFACE.len() {
            return;
        }
        for byte in bytes {
            match PREFACE.get(self.preface) {
                Some(expected) if expected == byte => self.preface += 1,
                Some(_) => self.preface = usize::MAX,
                None => break,
            }
        }
        self.activity.is_http2.store(self.preface == PREFACE.len(), Ordering::Relaxed);
    }

    fn moved(&self) {
        self.activity.moved.store(self.activity.since_opened(), Ordering::Relaxed);
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = written {
            self.moved();
        }
        self.activity.blocked.store(written.is_pending(), Ordering::Relaxed);
        written
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        let stream = match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
        };
        Peer { activity: self.activity.clone(), address: stream.peer_addr().ok() }
    }
}

macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match &mut $self.stream {
            Stream::Plain(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Stream::Tls(stream) => {
                let $stream = Pin::new(stream.as_mut());
                $call
            }
        }
    };
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the connection said nothing for too long")
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        if me.is_over(cx) {
            // As if the other side had closed it.
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = each!(me, stream => stream.poll_read(cx, buf));
        if buf.filled().len() > before {
            me.came(&buf.filled()[before..]);
        }
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        if me.is_over(cx) {
            return Poll::Ready(Err(too_long()));
        }
        let written = each!(me, stream => stream.poll_write(cx, buf));
        me.wrote(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        if me.is_over(cx) {
            return Poll::Ready(Err(too_long()));
        }
        let written = each!(me, stream => stream.poll_write_vectored(cx, bufs));
        me.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        each!(me, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        if me.is_over(cx) {
            return Poll::Ready(Err(too_long()));
        }
        each!(me, stream => stream.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        time::sleep,
    };

    use super::*;

    const MOMENT: Duration = Duration::from_millis(20);

    /// Longer than any test takes.
    const EVER: Duration = Duration::from_secs(3_600);

    /// No limits but those that a test sets.
    const UNLIMITED: Times = Times { hello: EVER, idle: EVER, silent: EVER, stalled: EVER, look: MOMENT };

    const PREFACE_AND_SETTINGS: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    async fn pair(times: Times) -> (TcpStream, Connection) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        (client, Connection::new(Stream::Plain(server), Arc::new(Activity::begin(times)), ()))
    }

    /// Reads until the connection ends.
    async fn end(mut connection: Connection) {
        connection.read_to_end(&mut Vec::new()).await.unwrap();
    }

    async fn say(mut client: TcpStream, what: &'static [u8]) {
        while client.write_all(what).await.is_ok() {
            sleep(MOMENT / 4).await;
        }
    }

    #[tokio::test]
    async fn a_connection_that_makes_no_request_ends_whatever_it_trickles() {
        let times = Times { hello: MOMENT * 3, ..UNLIMITED };
        let (_client, connection) = pair(times).await;
        end(connection).await;
        let (client, connection) = pair(times).await;
        let trickle = tokio::spawn(say(client, b"x"));
        end(connection).await;
        trickle.abort();
    }

    #[tokio::test]
    async fn http1_ends_between_requests_and_not_during_one() {
        let (_client, connection) = pair(Times { hello: MOMENT, idle: MOMENT, ..UNLIMITED }).await;
        let under_way = connection.connect_info().request(true).unwrap();
        let ended = tokio::spawn(end(connection));
        sleep(MOMENT * 10).await;
        assert!(!ended.is_finished(), "a request is under way");
        drop(under_way);
        ended.await.unwrap();
    }

    #[tokio::test]
    async fn http2_that_answers_pings_stays_and_one_that_is_silent_ends() {
        let (mut client, connection) = pair(Times { hello: MOMENT, silent: MOMENT * 3, ..UNLIMITED }).await;
        client.write_all(PREFACE_AND_SETTINGS).await.unwrap();
        end(connection).await;
        let (mut client, connection) = pair(Times { hello: MOMENT, silent: MOMENT * 100, ..UNLIMITED }).await;
        client.write_all(PREFACE_AND_SETTINGS).await.unwrap();
        let honest = tokio::spawn(say(client, b"pong"));
        let stays = tokio::spawn(end(connection));
        sleep(MOMENT * 10).await;
        assert!(!stays.is_finished(), "it was cut");
        honest.abort();
    }

    #[tokio::test]
    async fn whoever_takes_nothing_of_an_answer_is_cut() {
        let times = Times { hello: MOMENT, stalled: MOMENT * 3, ..UNLIMITED };
        let (_client, mut connection) = pair(times).await;
        let _under_way = connection.connect_info().request(true);
        let chunk = vec![0; 1 << 20];
        let error = loop {
            if let Err(error) = connection.write_all(&chunk).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn whoever_said_nothing_makes_room_first_and_whoever_is_served_does_not() {
        let begin = || Arc::new(Activity::begin(UNLIMITED));
        let (silent, idle, busy, http2) = (begin(), begin(), begin(), begin());
        let peer = |activity: &Arc<Activity>| Peer { activity: activity.clone(), address: None };
        drop(peer(&idle).request(true));
        let _under_way = peer(&busy).request(true);
        http2.is_http2.store(true, Ordering::Relaxed);
        assert!(http2.dispensable().is_some(), "it never made a call");
        peer(&http2).request(false);
        assert!(silent.dispensable() < idle.dispensable());
        assert_eq!((busy.dispensable(), http2.dispensable()), (None, None));
        silent.end();
        assert_eq!(silent.dispensable(), None, "it is on its way");
    }
}

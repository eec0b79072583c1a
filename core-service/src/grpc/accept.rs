//! Accepts connections, as many as callers have file descriptors (`descriptors`).
//!
//! Guaranteed: handshakes run beside each other, each for at most [`HANDSHAKE`]; when all places are taken, one that is not
//! used makes room for the next that comes, and while all are used the next wait in the kernel's queue. The log says it
//! once, and again only after half of the places were free.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tracing::{debug, warn};

use super::connection::{Activity, Connection, Stream, Times};
use crate::descriptors::Shares;

/// Longest handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Pause after a failed accept, which usually means that no file descriptor is left.
const PAUSE: Duration = Duration::from_millis(50);

/// Longest wait for a place before another connection is asked to make room.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The places of open connections.
#[derive(Clone)]
struct ConnectionSlots {
    free: Arc<Semaphore>,
    open: Arc<Mutex<Open>>,
    shares: Shares,
}

#[derive(Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Arc<Activity>>,
    /// That places are few was told.
    told: bool,
}

/// The place of one connection.
pub(super) struct ConnectionSlot {
    slots: ConnectionSlots,
    number: u64,
    activity: Arc<Activity>,
    _permit: OwnedSemaphorePermit,
}

impl ConnectionSlot {
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.slots.open().connections.remove(&self.number);
    }
}

impl ConnectionSlots {
    fn new(shares: Shares) -> Self {
        Self { free: Arc::new(Semaphore::new(shares.connections)), open: Arc::default(), shares }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for the next connection. Whoever keeps one without need goes when all are taken.
    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        if self.free.available_permits() > self.shares.connections / 2 {
            self.open().told = false;
        }
        loop {
            if self.free.available_permits() == 0 {
                self.make_room();
            }
            if let Ok(permit) = timeout(ASK_AGAIN, self.free.clone().acquire_owned()).await {
                return permit.ok();
            }
        }
    }

    fn make_room(&self) {
        let mut open = self.open();
        if !std::mem::replace(&mut open.told, true) {
            let Shares { limit, connections, .. } = self.shares;
            self.tell(limit, connections);
        }
        let ranked = open.connections.values().filter_map(|activity| Some((activity.dispensable()?, activity)));
        if let Some((_, first)) = ranked.min_by_key(|(rank, _)| *rank) {
            first.end();
        }
    }

    fn tell(&self, limit: usize, connections: usize) {
        warn!(
            limit,
            "all {connections} places for connections are taken; those that say nothing make room for new ones, publishing \
             keeps its share of the file descriptors; raise the limit (ulimit -n, LimitNOFILE) if these are honest callers"
        );
    }

    fn take(&self, permit: OwnedSemaphorePermit, times: Times) -> ConnectionSlot {
        let activity = Arc::new(Activity::begin(times));
        let mut open = self.open();
        open.next += 1;
        let number = open.next;
        open.connections.insert(number, activity.clone());
        ConnectionSlot { slots: self.clone(), number, activity, _permit: permit }
    }
}

/// Connections as they come, ready to be served. Ends when the receiver is dropped.
pub(super) fn incoming(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    times: Times,
) -> ReceiverStream<io::Result<Connection>> {
    let (ready, connections) = mpsc::channel(64);
    tokio::spawn(accept_all(listener, tls, times, ready));
    ReceiverStream::new(connections)
}

async fn accept_all(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    times: Times,
    ready: mpsc::Sender<io::Result<Connection>>,
) {
    let slots = ConnectionSlots::new(Shares::of_process());
    let mut refused = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ready.closed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                refused = false;
                // Accepted first: only then is there somebody to make room for. It is one more than there are slots.
                let permit = tokio::select! {
                    permit = slots.permit() => permit,
                    () = ready.closed() => return,
                };
                let Some(permit) = permit else { return };
                drop(tokio::spawn(prepare(stream, peer, tls.clone(), slots.take(permit, times), ready.clone())));
            }
            Err(error) => {
                if !std::mem::replace(&mut refused, true) {
                    warn!(%error, "cannot accept connections for now");
                }
                sleep(PAUSE).await;
            }
        }
    }
}

async fn prepare(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    place: ConnectionSlot,
    ready: mpsc::Sender<io::Result<Connection>>,
) {
    // Without it small answers wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let stream = match tls {
        None => Stream::Plain(stream),
        Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
            Ok(Err(error)) => return debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => return debug!(%peer, "TLS handshake took too long"),
        },
    };
    let _ = ready.send(Ok(Connection::new(stream, place.activity().clone(), place))).await;
}

//! Listening sockets and connections.
//!
//! One accept loop per host, HTTP/1.1 only. Guaranteed: a cut really closes the TCP connection without another byte
//! of an answer, and a host can be made to refuse connections while its port stays reserved for it. Every request runs
//! in a task of its own, so a client that goes away does not stop what it asked for.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, watch};

use crate::dispatch::{self, Outcome};
use crate::host::Host;
use crate::sim::Sim;

/// Closes the connection it belongs to.
#[derive(Clone, Debug, Default)]
pub(crate) struct CutSwitch(Arc<Notify>);

impl CutSwitch {
    pub(crate) fn cut(&self) {
        self.0.notify_one();
    }

    async fn cut_down(&self) {
        self.0.notified().await;
    }
}

/// What a host's port does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    /// New connections are refused, existing ones were closed.
    Refusing,
    /// For good: the simulator ends.
    Closed,
}

/// Binds a port; `SO_REUSEADDR` is set so that a host can refuse for a while and come back.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)
}

/// Serves one host until its door is closed for good.
pub(crate) async fn serve(
    sim: Arc<Sim>,
    host: Host,
    listener: TcpListener,
    address: SocketAddr,
    mut door: watch::Receiver<Door>,
) {
    let mut listener = Some(listener);
    loop {
        let state = *door.borrow_and_update();
        match state {
            Door::Closed => return,
            Door::Refusing => {
                listener = None;
                if door.changed().await.is_err() {
                    return;
                }
                continue;
            }
            Door::Open => {}
        }
        if listener.is_none() {
            match bind(address) {
                Ok(bound) => listener = Some(bound),
                Err(error) => {
                    tracing::error!(host = host.name(), %error, "port cannot be opened again");
                    return;
                }
            }
        }
        let Some(open) = listener.as_ref() else { continue };
        tokio::select! {
            changed = door.changed() => if changed.is_err() { return },
            accepted = open.accept() => match accepted {
                Ok((stream, _)) => { tokio::spawn(connection(sim.clone(), host, stream, door.clone())); }
                Err(error) => {
                    // Out of file descriptors and the like: give others the chance to finish.
                    tracing::warn!(host = host.name(), %error, "connection not accepted");
                    tokio::task::yield_now().await;
                }
            },
        }
    }
}

async fn connection(sim: Arc<Sim>, host: Host, stream: TcpStream, mut door: watch::Receiver<Door>) {
    let _ = stream.set_nodelay(true);
    let cut = CutSwitch::default();
    let service = service_fn(|request: Request<Incoming>| {
        let sim = sim.clone();
        let cut = cut.clone();
        async move { Ok::<_, std::convert::Infallible>(answer(sim, host, request, cut).await) }
    });
    let serving =
        hyper::server::conn::http1::Builder::new().keep_alive(true).serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    loop {
        tokio::select! {
            biased;
            () = cut.cut_down() => return,
            changed = door.changed() => {
                if changed.is_err() || *door.borrow_and_update() != Door::Open {
                    return;
                }
            }
            result = &mut serving => {
                if let Err(error) = result {
                    tracing::debug!(host = host.name(), %error, "connection ended");
                }
                return;
            }
        }
    }
}

async fn answer(sim: Arc<Sim>, host: Host, request: Request<Incoming>, cut: CutSwitch) -> Response<Body> {
    let task = tokio::spawn(dispatch::handle(sim, host, request, cut.clone()));
    match task.await {
        Ok(Outcome::Reply(reply)) => reply,
        Ok(Outcome::Cut) => {
            cut.cut();
            std::future::pending().await
        }
        Err(error) => {
            tracing::error!(host = host.name(), %error, "simulator handler failed");
            crate::reply::text(500, "the simulator itself failed; see its log")
        }
    }
}

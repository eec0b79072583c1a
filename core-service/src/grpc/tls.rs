//! Accepts connections, with TLS where a certificate is given.
//!
//! Guaranteed: HTTP/2 and HTTP/1.1 are both on offer by ALPN (tonic's own acceptor offers HTTP/2 alone, which shuts out
//! the pages and gRPC-web of HTTP/1.1 clients); handshakes run beside each other, each for at most [`HANDSHAKE`]; at
//! most [`CONNECTIONS`] are open at a time, further ones wait in the kernel's queue.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::{Context as _, bail};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::{Connected, TcpConnectInfo};
use tracing::{debug, warn};

use crate::config;

/// Longest handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Most connections at a time.
const CONNECTIONS: usize = 8192;

/// Pause after a failed accept, which usually means that no file descriptor is left.
const PAUSE: Duration = Duration::from_millis(50);

/// Reads certificate and key.
pub(super) fn acceptor(files: &config::Tls) -> anyhow::Result<TlsAcceptor> {
    let pem = |path: &Path, setting: &str| {
        std::fs::read(path).with_context(|| format!("{setting}: cannot read {}", path.display()))
    };
    let chain = pem(&files.cert, "AURAREELS_TLS_CERT")?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .with_context(|| format!("AURAREELS_TLS_CERT: {} is not PEM", files.cert.display()))?;
    if chain.is_empty() {
        bail!("AURAREELS_TLS_CERT: {} holds no certificate", files.cert.display());
    }
    let key = PrivateKeyDer::from_pem_slice(&pem(&files.key, "AURAREELS_TLS_KEY")?)
        .with_context(|| format!("AURAREELS_TLS_KEY: {} holds no PEM private key", files.key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("AURAREELS_TLS_CERT and AURAREELS_TLS_KEY do not fit each other")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Connections as they come, ready to be served. Ends when the receiver is dropped.
pub(super) fn incoming(listener: TcpListener, tls: Option<TlsAcceptor>) -> ReceiverStream<io::Result<Connection>> {
    let (ready, connections) = mpsc::channel(64);
    tokio::spawn(accept_all(listener, tls, ready));
    ReceiverStream::new(connections)
}

async fn accept_all(listener: TcpListener, tls: Option<TlsAcceptor>, ready: mpsc::Sender<io::Result<Connection>>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ready.closed() => return,
        };
        match accepted {
            Ok((stream, peer)) => drop(tokio::spawn(prepare(stream, peer, tls.clone(), permit, ready.clone()))),
            Err(error) => {
                warn!(%error, "cannot accept connections for now");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn prepare(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    permit: OwnedSemaphorePermit,
    ready: mpsc::Sender<io::Result<Connection>>,
) {
    let info = TcpConnectInfo { local_addr: stream.local_addr().ok(), remote_addr: Some(peer) };
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
    let _ = ready.send(Ok(Connection { stream, info, _permit: permit })).await;
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// An open connection.
pub(super) struct Connection {
    stream: Stream,
    info: TcpConnectInfo,
    _permit: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.info.clone()
    }
}

macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match &mut $self.get_mut().stream {
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

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_shutdown(cx))
    }
}

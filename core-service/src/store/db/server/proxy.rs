//! A proxy before a server that cuts connections, for tests.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What the proxy does to the connections that go through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing.
    Through,
    /// Of three COMMITs it cuts one off before the server gets it, and one after: then its answer is lost.
    CutsCommits,
    /// Nobody gets through.
    Away,
}

/// A running proxy.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    mode: watch::Sender<Mode>,
    /// Connections that were cut.
    cut: Arc<AtomicU32>,
}

impl Proxy {
    /// Starts one before a server.
    pub(super) async fn start(server: String, mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sent, seen) = watch::channel(mode);
        let (cut, commits) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let counted = cut.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let (mode, cut, commits) = (seen.clone(), counted.clone(), commits.clone());
                tokio::spawn(async move { pass(client, server, mode, &cut, &commits).await });
            }
        });
        Self { address, mode: sent, cut }
    }

    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    pub(super) fn cut(&self) -> u32 {
        self.cut.load(Ordering::Relaxed)
    }
}

async fn pass(
    client: TcpStream,
    server: TcpStream,
    mut mode: watch::Receiver<Mode>,
    cut: &AtomicU32,
    commits: &AtomicU32,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    // Whether what the server says is handed on.
    let answers = AtomicBool::new(true);
    let back = async {
        let mut buffer = vec![0; 65_536];
        loop {
            let read = from_server.read(&mut buffer).await?;
            if read == 0 {
                return std::io::Result::Ok(());
            }
            if answers.load(Ordering::Acquire) {
                to_client.write_all(&buffer[..read]).await?;
            }
        }
    };
    let mut watched = mode.clone();
    let there = async {
        let mut buffer = vec![0; 65_536];
        loop {
            let read = from_client.read(&mut buffer).await?;
            if read == 0 {
                return std::io::Result::Ok(());
            }
            let is_commit = buffer[..read].windows(6).any(|bytes| bytes == b"COMMIT");
            let cuts = is_commit && *mode.borrow_and_update() == Mode::CutsCommits;
            match if cuts { commits.fetch_add(1, Ordering::Relaxed) % 3 } else { 0 } {
                1 => {
                    cut.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                2 => {
                    cut.fetch_add(1, Ordering::Relaxed);
                    answers.store(false, Ordering::Release);
                    to_server.write_all(&buffer[..read]).await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    return Ok(());
                }
                _ => to_server.write_all(&buffer[..read]).await?,
            }
        }
    };
    tokio::select! {
        _ = watched.wait_for(|mode| *mode == Mode::Away) => {}
        _ = there => {}
        _ = back => {}
    }
}

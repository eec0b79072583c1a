//! A proxy before the core that cuts the connections of those who upload.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Cuts every connection behind so many bytes, so many times; then it lets everything through.
pub struct Cutter {
    /// Where it listens.
    pub url: String,
    passed: Arc<AtomicU64>,
    left: Arc<AtomicUsize>,
}

impl Cutter {
    /// Starts one before a core, of which this is the address.
    pub async fn start(core: &str, every: u64, cuts: usize) -> Self {
        let core = core.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (passed, left) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(cuts)));
        let (counted, cut) = (passed.clone(), left.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&core).await else { continue };
                let (passed, left) = (counted.clone(), cut.clone());
                tokio::spawn(async move { pass(client, server, every, &passed, &left).await });
            }
        });
        Self { url, passed, left }
    }

    /// Bytes that clients sent so far.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Cuts that are still to come.
    pub fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }
}

async fn pass(client: TcpStream, server: TcpStream, every: u64, passed: &AtomicU64, left: &AtomicUsize) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async {
        let mut of_this = 0;
        let mut buffer = vec![0; 65_536];
        loop {
            let read = from_client.read(&mut buffer).await?;
            if read == 0 {
                return std::io::Result::Ok(());
            }
            passed.fetch_add(read as u64, Ordering::Relaxed);
            of_this += read as u64;
            let one_less = |left: usize| left.checked_sub(1);
            if of_this >= every && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
                return Ok(());
            }
            to_server.write_all(&buffer[..read]).await?;
        }
    };
    let back = async { tokio::io::copy(&mut from_server, &mut to_client).await };
    // Both connections are closed when the first direction ends.
    tokio::select! {
        _ = there => {}
        _ = back => {}
    }
}

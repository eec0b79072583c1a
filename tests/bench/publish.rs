//! PublishPosts with 64 clients on SQLite with durable commits.
//!
//! Publishing itself is kept out of the way (one worker): the figure is what the API takes in. The second figure has the
//! engine at its default, working on what comes in at the same time on the same two cores.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use aurareels_proto::v1::PublishPostsRequest;
use aurareels_simulator::{Host, Options, Simulator};

use crate::{
    bare,
    client::{self, connect_instagram},
    core::Core,
    stats::{ms, percentile},
};

/// Clients, each with a call under way at all times.
const CLIENTS: usize = 64;

/// Accounts the posts are spread over.
const ACCOUNTS: usize = 200;

pub(crate) async fn run(binary: &Path, posts: usize) -> Result<()> {
    println!("\n## PublishPosts, {CLIENTS} clients, SQLite with synchronous=FULL\n");
    println!(
        "| engine | posts | per second | p50 | p99 | bare loop, same rows | share of it |\n|---|---|---|---|---|---|---|"
    );
    for (engine, concurrency) in [("one worker", "1"), ("default", "1024")] {
        let simulator = Simulator::start(Options::default()).await?;
        let core = Core::start(binary, &simulator, &[("AURAREELS_CONCURRENCY", concurrency)]).await?;
        let accounts = Arc::new(connect_instagram(&core, &simulator, ACCOUNTS).await?);
        let video = Arc::new(format!("{}/v/bench.mp4?size=200000&duration=5", simulator.url(Host::Media)));
        let next = Arc::new(AtomicUsize::new(0));
        let begun = Instant::now();
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = client::posts(&core).await?;
            let (accounts, video, next) = (accounts.clone(), video.clone(), next.clone());
            clients.push(tokio::spawn(async move {
                let mut times = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= posts {
                        return Ok::<_, tonic::Status>(times);
                    }
                    let request = PublishPostsRequest {
                        accounts: vec![accounts[number % accounts.len()]],
                        content: Some(client::content(&video, format!("job-{number}"))),
                        ..PublishPostsRequest::default()
                    };
                    let asked = Instant::now();
                    client.publish_posts(request).await?;
                    times.push(asked.elapsed());
                }
            }));
        }
        let mut times: Vec<Duration> = Vec::new();
        for client in clients {
            times.extend(client.await??);
        }
        let per_second = posts as f64 / begun.elapsed().as_secs_f64();
        // The database without its core, which would write on.
        let directory = core.end();
        let bare = bare::run(&directory.path().join("aurareels.db"), CLIENTS, posts).await?;
        println!(
            "| {engine} | {posts} | {per_second:.0} | {} | {} | {bare:.0} per second | {:.2} |",
            ms(percentile(&mut times, 0.5)),
            ms(percentile(&mut times, 0.99)),
            per_second / bare
        );
        simulator.shutdown().await;
    }
    Ok(())
}

//! PublishPosts with 64 clients on SQLite with durable commits.
//!
//! Publishing itself is kept out of the way (one worker): the figure is what the API takes in. The second figure has the
//! engine at its default, working on what comes in at the same time on the same two cores. Beside each, in the same run,
//! the bars (`bare.rs`).

use std::{
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use aurareels_proto::v1::PublishPostsRequest;
use aurareels_simulator::{Host, Options};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{
    bare::{self, Bare},
    client::{self, Login, connect},
    core::{Core, cpu_of},
    platforms::Platforms,
    stats::{ms, percentile},
};

/// Clients, each with a call under way at all times.
pub(crate) const CLIENTS: usize = 64;

/// Accounts the posts are spread over.
pub(crate) const ACCOUNTS: usize = 200;

pub(crate) async fn run(binary: &Path, posts: usize) -> Result<()> {
    heading("SQLite with synchronous=FULL");
    for (engine, concurrency) in [("core, one worker", "1"), ("core, default", "1024")] {
        let simulator = Platforms::start(Options::default()).await?;
        let core = Core::start(binary, &simulator, &[("AURAREELS_CONCURRENCY", concurrency)]).await?;
        let accounts = Arc::new(connect(&core, &simulator, Login::Instagram, ACCOUNTS).await?);
        let video = Arc::new(format!("{}/v/bench.mp4?size=200000&duration=5", simulator.url(Host::Media)));
        let before = core.cpu()?;
        let run = publish(&core.address, &core.key, &accounts, &video, posts, 0).await?;
        let cpu = (core.cpu()? - before) / u32::try_from(posts)?;
        // The database without its core, which would write on.
        let directory = core.end();
        let database = directory.path().join("aurareels.db");
        simulator.shutdown().await;
        let (looking, looking_cpu) = through_bare_server(&database, true, &accounts, &video, posts).await?;
        let (server, server_cpu) = through_bare_server(&database, false, &accounts, &video, posts).await?;
        let bare = bare::run(&database, CLIENTS, posts).await?;
        row(engine, run, posts, cpu, &bare);
        row("the server below, looking for the same post first", looking, posts, looking_cpu, &bare);
        row("bare loop behind a bare gRPC server, same rows", server, posts, server_cpu, &bare);
        row("bare loop, same rows", bare.as_run(), posts, bare.cpu, &bare);
    }
    Ok(())
}

pub(crate) fn heading(database: &str) {
    println!("\n## PublishPosts, {CLIENTS} clients, {database}\n");
    println!(
        "| what | posts | per second | p50 | p99 | CPU per post | share of the bare loop's rate | times its CPU |\n\
         |---|---|---|---|---|---|---|---|"
    );
}

/// A row of the table: what was measured, against the bare loop.
pub(crate) fn row(what: &str, mut run: Run, posts: usize, cpu: Duration, bare: &Bare) {
    let mut time = |part| if run.times.is_empty() { String::new() } else { ms(percentile(&mut run.times, part)) };
    println!(
        "| {what} | {posts} | {:.0} | {} | {} | {} µs | {:.2} | {:.2} |",
        run.per_second,
        time(0.5),
        time(0.99),
        cpu.as_micros(),
        run.per_second / bare.per_second,
        cpu.as_secs_f64() / bare.cpu.as_secs_f64()
    );
}

/// What the clients saw.
pub(crate) struct Run {
    pub(crate) per_second: f64,
    /// Of the calls that were taken.
    pub(crate) times: Vec<Duration>,
    pub(crate) refused: usize,
}

/// Publishes so many posts from all clients. One of `refused_among` calls has a request key that was used for something else;
/// of 0, none.
pub(crate) async fn publish(
    address: &str,
    key: &str,
    accounts: &Arc<Vec<i64>>,
    video: &Arc<String>,
    posts: usize,
    refused_among: usize,
) -> Result<Run> {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = client::posts_at(address, key).await?;
        let (accounts, video, next) = (accounts.clone(), video.clone(), next.clone());
        clients.push(tokio::spawn(async move {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= posts {
                    return Ok::<_, tonic::Status>(times);
                }
                let uses_another_key = refused_among > 0 && number % refused_among == refused_among - 1;
                let request = PublishPostsRequest {
                    accounts: vec![accounts[number % accounts.len()]],
                    content: Some(client::content(&video, format!("job-{number}"))),
                    request_key: if uses_another_key { "taken".to_owned() } else { String::new() },
                    ..PublishPostsRequest::default()
                };
                let asked = Instant::now();
                match client.publish_posts(request).await {
                    Ok(_) => times.push(asked.elapsed()),
                    Err(_) if uses_another_key => {}
                    Err(status) => return Err(status),
                }
            }
        }));
    }
    let mut times: Vec<Duration> = Vec::new();
    for client in clients {
        times.extend(client.await??);
    }
    let per_second = posts as f64 / begun.elapsed().as_secs_f64();
    Ok(Run { per_second, refused: posts - times.len(), times })
}

/// The same calls to the bare server, with its CPU per post.
async fn through_bare_server(
    database: &Path,
    looks: bool,
    accounts: &Arc<Vec<i64>>,
    video: &Arc<String>,
    posts: usize,
) -> Result<(Run, Duration)> {
    let mut server = Command::new(std::env::current_exe()?)
        .arg("bare-server")
        .arg(database)
        .args(looks.then_some("--looks"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = server.stdout.take().context("no output of the bare server")?;
    let address = BufReader::new(output).lines().next_line().await?.context("the bare server told no address")?;
    let process = server.id().context("the bare server ended")?;
    let before = cpu_of(process)?;
    let run = publish(&address, "none", accounts, video, posts, 0).await?;
    let cpu = (cpu_of(process)? - before) / u32::try_from(posts)?;
    drop(server.stdin.take());
    server.wait().await?;
    Ok((run, cpu))
}

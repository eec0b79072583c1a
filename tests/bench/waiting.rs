//! Many posts over many accounts, waiting on platforms that take their time: what they cost, and that all of them end.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use aurareels_proto::v1::{PostStatus, PublishPostsRequest};
use aurareels_simulator::{Host, Options, Simulator};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use crate::{
    client::{self, Login, connect},
    core::Core,
};

const ACCOUNTS: usize = 2_000;

/// Over which the CPU of the waiting core is measured.
const WINDOW: Duration = Duration::from_secs(300);

pub(crate) async fn run(binary: &Path, count: usize, minutes: u64) -> Result<()> {
    let simulator = Simulator::start(Options::default()).await?;
    let core = Core::start(binary, &simulator, &[]).await?;
    let accounts = connect(&core, &simulator, Login::Instagram, ACCOUNTS).await?;
    behave(&simulator, json!({ "processing_ms": 12 * 3_600_000_u64 })).await?;
    let video = format!("{}/v/bench.mp4?size=20000&duration=5", simulator.url(Host::Media));
    let mut posts = client::posts(&core).await?;
    let requests = (0..count).map(|number| PublishPostsRequest {
        accounts: vec![accounts[number % accounts.len()]],
        content: Some(client::content(&video, format!("slow-{number}"))),
        ..PublishPostsRequest::default()
    });
    stream::iter(requests)
        .map(|request| {
            let mut posts = posts.clone();
            async move { posts.publish_posts(request).await }
        })
        .buffer_unordered(64)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    println!("\n## {count} posts over {ACCOUNTS} accounts, waiting on a slow platform\n");
    println!("| after | memory of the core | CPU over the last minutes |\n|---|---|---|");
    let mut waited = Duration::ZERO;
    while waited + WINDOW <= Duration::from_secs(minutes * 60) {
        let before = core.cpu()?;
        tokio::time::sleep(WINDOW).await;
        waited += WINDOW;
        let cpu = (core.cpu()? - before).as_secs_f64() / WINDOW.as_secs_f64() * 100.0;
        println!("| {} min | {:.1} MiB | {cpu:.2} % of a core |", waited.as_secs() / 60, core.memory_mib("VmRSS")?);
    }
    let waiting = client::count(&mut posts, &[PostStatus::Publishing]).await?;
    // Every container is ready now, and none has expired (after 24 hours); each post finds out at its next look.
    simulator_clock(&simulator, 12 * 3_600).await?;
    let begun = std::time::Instant::now();
    while client::count(&mut posts, &[PostStatus::Published]).await? < i64::try_from(count)? {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(3600), "not all posts ended within an hour");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    println!(
        "\n{waiting} posts were waiting; all {count} were published {:.0} s after the platform was ready",
        begun.elapsed().as_secs_f64()
    );
    println!(
        "visible at the platform: {}; peak memory of the core: {:.1} MiB",
        simulator.posts().len(),
        core.memory_mib("VmHWM")?
    );
    simulator.shutdown().await;
    Ok(())
}

async fn behave(simulator: &Simulator, set: Value) -> Result<()> {
    control(simulator, "meta/behaviour", json!({ "set": set })).await
}

async fn simulator_clock(simulator: &Simulator, seconds: i64) -> Result<()> {
    control(simulator, "clock", json!({ "advance_seconds": seconds })).await
}

async fn control(simulator: &Simulator, path: &str, body: Value) -> Result<()> {
    let url = format!("{}/_sim/{path}", simulator.url(Host::Control));
    let tls = aurareels_core::http::tls_config(&aurareels_core::http::HttpSettings::default())?;
    let http = aurareels_core::http::client_builder(&tls).build()?;
    let answer = http.post(url).json(&body).send().await?;
    answer.error_for_status().context("the simulator refused")?;
    Ok(())
}

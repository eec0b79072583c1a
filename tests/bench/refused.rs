//! PublishPosts while some calls are refused inside the database's transaction: they share their commit with others, which
//! have to be none the worse for it.
//!
//! What is refused is a request key that was used for another content: nothing can tell that before the transaction.

use std::{path::Path, sync::Arc};

use anyhow::Result;
use aurareels_simulator::{Host, Options};

use crate::{
    client::{Login, connect},
    core::Core,
    platforms::Platforms,
    publish::{ACCOUNTS, CLIENTS, publish},
    stats::{ms, percentile},
};

/// Among how many calls one is refused; 0: none is.
const AMONG: [usize; 4] = [0, 128, 16, 4];

pub(crate) async fn run(binary: &Path, posts: usize) -> Result<()> {
    println!("\n## PublishPosts, {CLIENTS} clients, of which some are refused\n");
    println!("| refused | calls | per second | p50 | p99 | CPU per call |\n|---|---|---|---|---|---|");
    for among in AMONG {
        let simulator = Platforms::start(Options::default()).await?;
        let core = Core::start(binary, &simulator, &[("AURAREELS_CONCURRENCY", "1")]).await?;
        let accounts = Arc::new(connect(&core, &simulator, Login::Instagram, ACCOUNTS).await?);
        let video = Arc::new(format!("{}/v/bench.mp4?size=200000&duration=5", simulator.url(Host::Media)));
        let before = core.cpu()?;
        let mut run = publish(&core.address, &core.key, &accounts, &video, posts, among).await?;
        let cpu = (core.cpu()? - before) / u32::try_from(posts)?;
        let refused = if among == 0 { "none".to_owned() } else { format!("one of {among}: {}", run.refused) };
        println!(
            "| {refused} | {posts} | {:.0} | {} | {} | {} µs |",
            run.per_second,
            ms(percentile(&mut run.times, 0.5)),
            ms(percentile(&mut run.times, 0.99)),
            cpu.as_micros()
        );
        drop(core.end());
        simulator.shutdown().await;
    }
    Ok(())
}

//! PublishPosts with 64 clients on a server, and the same rows by a bare loop (`bare.rs`): from one connection, from as many as a
//! core writes with, and from as many as there are clients. Shares are those of the last.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use aurareels_simulator::{Host, Options};
use aurareels_tests::server::{Private, Server};

use super::bare::Copy;
use crate::{
    client::{Login, connect},
    core::Core,
    platforms::Platforms,
    publish::{ACCOUNTS, CLIENTS, heading, publish, row},
};

/// Connections of a core that write.
const WRITERS: usize = 8;

pub(crate) async fn run(binary: &Path, server: Server, posts: usize) -> Result<()> {
    heading(&format!("{server:?}"));
    for (engine, concurrency) in [("core, one worker", "1"), ("core, default", "1024")] {
        let database = Private::on(server).await.context("no server was started")?;
        let simulator = Platforms::start(Options::default()).await?;
        let url = database.url();
        let settings = [("AURAREELS_CONCURRENCY", concurrency), ("AURAREELS_DATABASE_URL", url.as_str())];
        let mut core = Core::start(binary, &simulator, &settings).await?;
        let accounts = Arc::new(connect(&core, &simulator, Login::Instagram, ACCOUNTS).await?);
        let video = Arc::new(format!("{}/v/bench.mp4?size=200000&duration=5", simulator.url(Host::Media)));
        let before = core.cpu()?;
        let run = publish(&core.address, &core.key, &accounts, &video, posts, 0).await?;
        let cpu = (core.cpu()? - before) / u32::try_from(posts)?;
        // The database without its core, which would write on.
        core.kill()?;
        simulator.shutdown().await;
        let copy = Copy::make(&core, server, &database).await?;
        let alone = copy.fill(1, posts.div_ceil(10)).await?;
        let as_core = copy.fill(WRITERS, posts).await?;
        let bare = copy.fill(CLIENTS, posts).await?;
        row(engine, run, posts, cpu, &bare);
        row("bare loop, one connection", alone.as_run(), posts.div_ceil(10), alone.cpu, &bare);
        row(&format!("bare loop, {WRITERS} connections"), as_core.as_run(), posts, as_core.cpu, &bare);
        row(&format!("bare loop, {CLIENTS} connections"), bare.as_run(), posts, bare.cpu, &bare);
    }
    Ok(())
}

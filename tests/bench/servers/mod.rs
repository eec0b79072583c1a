//! The core on a database of a server: what `cargo xtask bench --database postgres|mysql` measures. Each part has a database of its
//! own on the server that was started for it; server, core, simulator and clients share the machine.

mod bare;
mod claims;
pub(crate) mod connection;
mod idle;
mod log;
mod million;
mod pages;
mod publish;

use std::path::Path;

use anyhow::{Context, Result};
use aurareels_tests::server::{Private, Server};

use self::connection::Connection;
use crate::{Bench, Cli, due};

/// Cores that share what is due in one second, where no number is given.
const CORES: [usize; 3] = [1, 2, 4];

/// Runs what is wanted on a server; what is only measured on SQLite is left out.
pub(crate) async fn run(binary: &Path, server: Server, cli: &Cli) -> Result<()> {
    let wanted = |bench| cli.only.is_empty() || cli.only.contains(&bench);
    let there = Private::on(server).await.context("no server was started")?;
    println!("{}", Connection::to(server, &there.url()).await?.version().await?);
    drop(there);
    if wanted(Bench::Idle) {
        idle::run(binary, server).await.context("idle")?;
    }
    if wanted(Bench::Publish) {
        publish::run(binary, server, cli.posts).await.context("publish")?;
    }
    if wanted(Bench::Claims) {
        claims::run(binary, server, cli.million).await.context("claims")?;
    }
    if wanted(Bench::Pages) {
        pages::run(binary, server, cli.million).await.context("pages")?;
    }
    if wanted(Bench::Due) {
        let cores = if cli.cores.is_empty() { &CORES[..] } else { &cli.cores };
        for cores in cores {
            due::run(binary, cli.posts, cli.behind, Some(server), *cores).await.context("due")?;
        }
    }
    Ok(())
}

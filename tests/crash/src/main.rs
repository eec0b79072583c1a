//! Kills the core at every fault point and counts the posts. Started by `cargo xtask crash` and `cargo xtask chaos`,
//! which build it together with a fault build of `aurareels`.
//!
//! How it works: each case has a simulator, a database and a clock of its own ([`rig`]); the core is the real
//! `aurareels serve` in a process of its own ([`core`]), told by the environment at which fault point to die; a driver
//! ([`drive`]) starts the next core on the same database and moves the clock on whenever nobody is at work, until
//! everything rests; then the invariants ([`checks`]) are looked at. The points are not listed by hand: an undisturbed
//! post is run first, and every place it passes becomes a case.

mod backups;
mod calls;
mod channels;
mod chaos;
mod checks;
mod core;
mod database;
#[cfg(test)]
mod documented;
mod drive;
mod edges;
mod lies;
mod measure;
mod mode;
mod oracles;
mod power;
// That of the store's own tests.
#[path = "../../../core-service/src/store/db/server/proxy.rs"]
mod proxy;
mod restoring;
mod rig;
mod scenarios;
// That of the scenarios over the API.
#[path = "../../src/server.rs"]
#[expect(unreachable_pub, reason = "there it is of a library")]
mod server;
mod suite;
mod webhook;
mod windows;
mod words;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(name = "aurareels-crash")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every mode × every fault point, and the scenarios.
    Crash(suite::Options),
    /// A seeded random mixture over many posts.
    Chaos(chaos::Options),
    /// Several processes claim the same posts: no claim is given twice.
    Claims(measure::Claims),
    /// One of those processes.
    #[command(hide = true)]
    Claimer(measure::Claimer),
    /// The time until the posts of a killed core are claimed again.
    Recovery(measure::Recovery),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = tokio::select! {
        outcome = run(cli.command) => outcome,
        // What is dropped then takes its cores with it.
        asked = asked_to_stop() => asked.and(Err(anyhow::anyhow!("asked to stop"))),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<bool> {
    match command {
        Command::Crash(options) => suite::run(&options).await,
        Command::Chaos(options) => chaos::run(&options).await,
        Command::Claims(options) => measure::claims(&options).await,
        Command::Claimer(options) => measure::claimer(&options).await,
        Command::Recovery(options) => measure::recovery(&options).await,
    }
}

async fn asked_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

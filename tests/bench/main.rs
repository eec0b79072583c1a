//! Measures a release build of the core as its users would meet it: a process of its own, gRPC in front, the simulator
//! behind. Prints figures as Markdown, for docs/measurements.md. Started by `cargo xtask bench`.
//!
//! The simulator and the clients run in this process, so that memory and CPU of the core are its own. Nothing here
//! judges a figure: a slow machine gives slow figures, never a failure.

mod bare;
mod behind;
mod beside;
mod client;
mod core;
mod due;
mod looking;
mod platforms;
mod publish;
mod refused;
mod servers;
mod start;
mod stats;
mod upload;
mod waiting;
mod watchers;
mod webhooks;

use std::path::PathBuf;

use anyhow::{Context, Result};
use aurareels_tests::server::Server;
use clap::{Parser, Subcommand, ValueEnum};

/// Measures the core.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    /// The release binary of the core.
    #[arg(long, required = true)]
    binary: Option<PathBuf>,
    /// What to measure (may be given several times); all when absent.
    #[arg(long, value_enum)]
    only: Vec<Bench>,
    /// Posts of the bursts.
    #[arg(long, default_value_t = 10_000)]
    posts: usize,
    /// Events that are sent to receivers that fail.
    #[arg(long, default_value_t = 100_000)]
    events: usize,
    /// Scheduled posts that stand behind a burst, far in the future.
    #[arg(long, default_value_t = 0)]
    behind: usize,
    /// Posts among which few are claimed or listed, on a server.
    #[arg(long, default_value_t = 1_000_000)]
    million: usize,
    /// Cores that share what is due, on a server (may be given several times); 1, 2 and 4 when absent.
    #[arg(long)]
    cores: Vec<usize>,
    /// Minutes that posts wait on slow platforms before the core's CPU is looked at.
    #[arg(long, default_value_t = 35)]
    waiting_minutes: u64,
}

/// What this program starts of itself, as a process of its own.
#[derive(Subcommand)]
enum Part {
    /// A gRPC server in front of the bare loop.
    BareServer {
        /// A database with the rows to copy.
        database: PathBuf,
        /// Read the account and look for the same post first.
        #[arg(long)]
        looks: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// Start time and idle memory.
    Start,
    /// PublishPosts with 64 clients, against a bare grouped-commit loop.
    Publish,
    /// PublishPosts of which some are refused.
    Refused,
    /// Many posts due in the same second.
    Due,
    /// A video of 1 GiB to TikTok, and the largest to each platform.
    Upload,
    /// Many posts waiting on slow platforms.
    Waiting,
    /// Posts beside another platform that hangs.
    Beside,
    /// Many callers that watch, at 100 commits a second.
    Watchers,
    /// A claim of few posts among a million, on a server.
    Claims,
    /// Pages of a list of a million posts, on a server.
    Pages,
    /// What an idle core asks of a server.
    Idle,
    /// A thousand webhook endpoints beside one that hangs, and many events to receivers that fail while the core is killed.
    Webhooks,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(Part::BareServer { database, looks }) = &cli.part {
        return bare::serve(database, *looks).await;
    }
    // The core runs in a directory of its own.
    let binary = cli.binary.as_ref().context("no binary is named")?;
    let binary = std::fs::canonicalize(binary).with_context(|| format!("no binary at {}", binary.display()))?;
    let wanted = |bench| cli.only.is_empty() || cli.only.contains(&bench);
    raise_open_files();
    println!("{}", machine()?);
    if let Some(server) = Server::chosen() {
        return servers::run(&binary, server, &cli).await;
    }
    if wanted(Bench::Start) {
        start::run(&binary).await.context("start")?;
    }
    if wanted(Bench::Publish) {
        publish::run(&binary, cli.posts).await.context("publish")?;
    }
    if wanted(Bench::Refused) {
        refused::run(&binary, cli.posts).await.context("refused")?;
    }
    if wanted(Bench::Due) {
        due::run(&binary, cli.posts, cli.behind, None, 1).await.context("due")?;
    }
    if wanted(Bench::Upload) {
        upload::run(&binary).await.context("upload")?;
    }
    if wanted(Bench::Watchers) {
        watchers::run(&binary).await.context("watchers")?;
    }
    if wanted(Bench::Beside) {
        beside::run(&binary).await.context("beside")?;
    }
    // Takes minutes: only when asked for.
    if cli.only.contains(&Bench::Webhooks) {
        webhooks::beside(&binary).await.context("webhooks beside one that hangs")?;
        webhooks::lossless(&binary, cli.events).await.context("webhooks to receivers that fail")?;
    }
    // Takes most of an hour by default: only when asked for.
    if cli.only.contains(&Bench::Waiting) {
        waiting::run(&binary, cli.posts, cli.waiting_minutes).await.context("waiting")?;
    }
    Ok(())
}

/// Thousands of connections stand at once in the bursts.
fn raise_open_files() {
    if let Ok((_, hard)) = rlimit::Resource::NOFILE.get() {
        let _ = rlimit::Resource::NOFILE.set(hard, hard);
    }
}

/// The machine, for the figures' sake.
fn machine() -> Result<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism()?;
    let memory = std::fs::read_to_string("/proc/meminfo")?;
    let total = memory
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().nth(1))
        .and_then(|kib| kib.parse::<u64>().ok())
        .unwrap_or(0);
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load: Vec<&str> = load.split_whitespace().take(2).collect();
    Ok(format!(
        "machine: {} cores,{} , {} GiB; load before: {}",
        cores,
        model.trim_start_matches([':', '\t', ' ']).replace("  ", " "),
        total / 1024 / 1024,
        load.join(" ")
    ))
}

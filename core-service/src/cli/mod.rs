//! The commands of the binary.
//!
//! Guaranteed: results go to standard output, everything else to standard error, so that output can be piped; a failed
//! command ends with a message that says what to do and exit code 1; output that nobody reads any more ends it quietly.

mod account;
mod analytics;
mod api_key;
mod audit;
mod backup;
mod client;
mod dashboard;
mod demo;
mod doctor;
mod healthcheck;
mod import;
mod keys;
mod mcp;
mod media;
mod output;
mod post;
mod process;
mod serve;
mod show;
mod simulate;
mod upload;
mod video_job;
mod webhook;

use std::{process::ExitCode, sync::LazyLock};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use self::process::Configured;
use crate::zones::Zones;

/// Publishes and schedules short videos: one request, one post.
#[derive(Parser)]
#[command(name = "aurareels", version = VERSION.as_str(), arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, for the life of the process")]
enum Command {
    /// Run the core.
    Serve(Configured),
    Migrate(serve::Migrate),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Restored(backup::TellRestored),
    /// Take over from another installation.
    Import {
        #[command(flatten)]
        configured: Configured,
        #[command(subcommand)]
        source: import::Source,
    },
    Doctor(doctor::Arguments),
    Audit(audit::Arguments),
    Healthcheck(healthcheck::Arguments),
    /// Show it all in one process: a core, simulated platforms, connected accounts, published and scheduled posts.
    Demo(demo::Arguments),
    /// Run the simulated platforms alone.
    Simulate(simulate::Arguments),
    /// Make, list and revoke API keys.
    ApiKey {
        #[command(flatten)]
        configured: Configured,
        #[command(subcommand)]
        action: api_key::Action,
    },
    DashboardLink(dashboard::Link),
    /// List and revoke logins of the dashboard.
    DashboardSession {
        #[command(flatten)]
        configured: Configured,
        #[command(subcommand)]
        action: dashboard::Action,
    },
    /// Make and rotate encryption keys.
    Keys {
        #[command(flatten)]
        configured: Configured,
        #[command(subcommand)]
        action: keys::Action,
    },
    /// Connect, list and check accounts through a running core.
    Account {
        #[command(flatten)]
        server: client::Server,
        #[command(subcommand)]
        action: account::Action,
    },
    /// Show how published posts do, through a running core.
    Analytics {
        #[command(flatten)]
        server: client::Server,
        #[command(subcommand)]
        action: analytics::Action,
    },
    /// Create, test and delete webhook endpoints, and read their log, through a running core.
    Webhook {
        #[command(flatten)]
        server: client::Server,
        #[command(subcommand)]
        action: webhook::Action,
    },
    /// Publish, schedule, watch and settle posts through a running core.
    Post {
        #[command(flatten)]
        server: client::Server,
        #[command(subcommand)]
        action: post::Action,
    },
    /// Upload and list video files of a running core.
    Media {
        #[command(flatten)]
        server: client::Server,
        #[command(subcommand)]
        action: media::Action,
    },
    /// Give agents the tools of a running core, by the Model Context Protocol over standard input and output.
    Mcp {
        #[command(flatten)]
        server: client::Server,
    },
    /// Save, show, list and delete video jobs of a running core.
    VideoJob {
        #[command(flatten)]
        server: client::Server,
        #[command(subcommand)]
        action: video_job::Action,
    },
    /// Show how much may still be published.
    Quota {
        #[command(flatten)]
        server: client::Server,
        #[command(flatten)]
        of: account::OfAccount,
    },
    /// Print the completions of a shell, to be stored where it looks for them.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// The release, and what it knows of time zones.
static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{}\ntime zones: tzdb {}", env!("CARGO_PKG_VERSION"), Zones::system().rules()));

/// Runs the command of the process's arguments.
pub async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Outgoing gRPC takes the process's provider; everything else names its own.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(arguments.command).await {
        Ok(code) => code,
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("aurareels: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(configured) => serve::serve(&configured).await?,
        Command::Migrate(arguments) => serve::migrate(arguments).await?,
        Command::Backup(arguments) => backup::backup(arguments).await?,
        Command::Restore(arguments) => backup::restore(arguments).await?,
        Command::Restored(arguments) => backup::restored(arguments).await?,
        Command::Import { configured, source } => return import::run(&configured, source).await,
        Command::Doctor(arguments) => return doctor::run(arguments).await,
        Command::Healthcheck(arguments) => return healthcheck::run(arguments).await,
        Command::Demo(arguments) => return demo::run(arguments).await,
        Command::Simulate(arguments) => simulate::run(arguments).await?,
        Command::Audit(arguments) => audit::run(arguments)?,
        Command::ApiKey { configured, action } => api_key::run(&configured, action).await?,
        Command::DashboardLink(arguments) => dashboard::link(arguments).await?,
        Command::DashboardSession { configured, action } => {
            dashboard::sessions(&configured, action).await?;
        }
        Command::Keys { configured, action } => keys::run(&configured, action).await?,
        Command::Account { server, action } => account::run(server, action).await?,
        Command::Analytics { server, action } => analytics::run(server, action).await?,
        Command::Webhook { server, action } => webhook::run(server, action).await?,
        Command::Post { server, action } => post::run(server, action).await?,
        Command::Media { server, action } => media::run(server, action).await?,
        Command::Mcp { server } => mcp::run(server).await?,
        Command::VideoJob { server, action } => video_job::run(server, action).await?,
        Command::Quota { server, of } => account::quota(server, of).await?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "aurareels", &mut script);
            output::line(&String::from_utf8_lossy(&script))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

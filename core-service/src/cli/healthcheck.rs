//! `healthcheck`: asks the core of these settings on this machine whether it is well, for containers and supervisors.

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Args;

use super::{output, process::Configured};
use crate::server;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// Ask the core on this machine whether it is well. Ends with 0 when it is.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    configured: Configured,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments.configured.settings()?;
    let url = server::reachable_at(settings.server.listen, settings.server.tls.is_some())?;
    // The certificate is for the name by which others reach it; this is the machine itself.
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .context("the HTTP client cannot be set up")?;
    let answer =
        client.get(format!("{url}healthz")).send().await.with_context(|| format!("no core answers at {url}"))?;
    let is_well = answer.status().is_success();
    let said = answer.text().await.unwrap_or_default();
    output::line(said.trim_end())?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

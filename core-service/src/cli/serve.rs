//! `serve` and `migrate`; what a running core does on signals.

use tracing::{error, info, warn};

use super::process::{Configured, asked_to_stop};
use crate::{bootstrap, clock::Clock, config::Settings, domain::failure::describe, server::Core, telemetry::log};

/// Runs the core until it is asked to stop.
pub(super) async fn serve(configured: &Configured) -> anyhow::Result<()> {
    let settings = configured.settings()?;
    let exporters = log::start_with_collector(&settings.server.log, settings.server.log_format, &settings.http)?;
    let outcome = run(settings, configured).await;
    if let Some(exporters) = exporters {
        exporters.end().await;
    }
    outcome
}

async fn run(settings: Settings, configured: &Configured) -> anyhow::Result<()> {
    // Each connection and each upload holds a descriptor; the default soft limit is often 1024.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        warn!(%error, "the limit of open files could not be raised");
    }
    let mut signals = Signals::new()?;
    let core = Core::start(settings, Clock::system()).await?;
    loop {
        tokio::select! {
            stop = asked_to_stop() => break stop?,
            () = signals.hangup() => {}
            () = core.asked_for_keys() => {}
        }
        take_up_keys(&core, configured).await;
    }
    // A second word while draining ends at once.
    tokio::select! {
        () = core.shutdown() => Ok(()),
        _ = asked_to_stop() => anyhow::bail!("stopped at once; what was under way goes on after the next start"),
    }
}

/// Reads the settings anew for their encryption keys. Others count from the next start on.
async fn take_up_keys(core: &Core, configured: &Configured) {
    let settings = match configured.settings() {
        Ok(settings) => settings,
        Err(invalid) => {
            error!(%invalid, "the settings cannot be read anew; the encryption keys stay as they are");
            return;
        }
    };
    match core.parts.take_up_keys(&settings.keys).await {
        Ok(()) => info!(keys = ?core.parts.store.keys().key_ids(), "the encryption keys of the settings are in use"),
        Err(problem) => error!(error = %describe(&problem), "the encryption keys stay as they are"),
    }
}

/// Signals besides those that ask to stop.
struct Signals {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    /// Held so that a limit of file sizes is an error of the write that meets it, not the end of the process.
    #[cfg(unix)]
    _file_size: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let file_size = rustix::process::Signal::XFSZ.as_raw();
        Ok(Self { hangup: signal(SignalKind::hangup())?, _file_size: signal(SignalKind::from_raw(file_size))? })
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Ends when the settings are to be read anew: SIGHUP.
    async fn hangup(&mut self) {
        #[cfg(unix)]
        if self.hangup.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}

/// Bring the database up to this release.
#[derive(clap::Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    configured: Configured,
    /// Make a new database although another one has been served from here. Its uploads are removed when the core starts.
    #[arg(long)]
    new_database: bool,
}

pub(super) async fn migrate(arguments: Migrate) -> anyhow::Result<()> {
    let settings = arguments.configured.settings()?;
    log::start(&settings.server.log, settings.server.log_format);
    let store = match arguments.new_database {
        true => bootstrap::make_database(&settings, Clock::system()).await?,
        false => bootstrap::open_store(&settings, Clock::system()).await?,
    };
    store.close().await;
    println!("the database is up to date");
    Ok(())
}

//! What the commands share of their process: where the settings are, the log, being asked to stop.

use std::{io::IsTerminal, path::PathBuf};

use tracing_subscriber::EnvFilter;

use crate::{
    bootstrap,
    clock::Clock,
    config::{self, LogFormat, Settings},
    store::{Store, traces},
};

/// Where the settings are.
#[derive(clap::Args)]
pub(super) struct Configured {
    /// File with settings; aurareels.toml in the working directory if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Configured {
    pub(super) fn settings(&self) -> Result<Settings, config::Invalid> {
        let named = self.config.clone().or_else(|| setting("AURAREELS_CONFIG").map(PathBuf::from));
        // Names that are not Unicode are none of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
        Settings::load(named, environment)
    }

    /// The store of the settings, migrated.
    pub(super) async fn store(&self) -> anyhow::Result<Store> {
        Ok(bootstrap::open_store(&self.settings()?, Clock::system()).await?)
    }

    /// The store of the settings, where there is one.
    pub(super) async fn existing_store(&self) -> anyhow::Result<Store> {
        there_is_one(&self.settings()?)?;
        self.store().await
    }
}

/// Refuses to go on where a database would have to be made first.
pub(super) fn there_is_one(settings: &Settings) -> anyhow::Result<()> {
    let place = settings.store.place();
    anyhow::ensure!(
        !traces::is_missing(&place)?,
        "there is no database at {}: run this with the settings of the core (its working directory, AURAREELS_DATABASE_URL, \
         AURAREELS_DATA_DIR or --config), or start the core first",
        place.shown()
    );
    Ok(())
}

/// A value of the environment, unless it is empty.
pub(super) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Log lines go to standard error.
pub(super) fn start_log(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // Fails only when a log was started before, as in tests.
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

/// Ends when the process is asked to stop: Ctrl-C or SIGTERM.
pub(super) async fn asked_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

//! What the commands share of their process: where the settings are, the log, being asked to stop.

use std::path::PathBuf;

use crate::{
    audit::{self, Entry},
    bootstrap,
    clock::Clock,
    config::{self, Settings},
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

/// What a command did, for the audit log.
pub(super) struct Note {
    pub(super) action: &'static str,
    pub(super) user: Option<i64>,
    pub(super) rows: Vec<String>,
}

impl Note {
    pub(super) fn of(action: &'static str) -> Self {
        Self { action, user: None, rows: Vec::new() }
    }
}

impl Configured {
    /// Writes what a command did into the audit log, if there is one. What was done stays done when that fails.
    pub(super) fn note(&self, note: Note) {
        let Ok(settings) = self.settings() else { return };
        if !settings.audit.is_on {
            return;
        }
        let Note { action, user, rows } = note;
        let outcome = "Ok".to_owned();
        let entry = Entry { caller: of_system(), user, action: action.to_owned(), rows, outcome, ..Entry::default() };
        if let Err(error) = audit::append(&settings.store.data_dir, entry, Clock::system().now()) {
            eprintln!("aurareels: the audit log could not be written: {error}");
        }
    }
}

/// Who runs this process, as the system knows him.
fn of_system() -> String {
    #[cfg(unix)]
    {
        format!("command/uid:{}", rustix::process::getuid().as_raw())
    }
    #[cfg(not(unix))]
    "command".to_owned()
}

/// A value of the environment, unless it is empty.
pub(super) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
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

//! `serve` and `migrate`.

use tracing::warn;

use super::{asked_to_stop, start_log};
use crate::{clock::Clock, config::Settings, parts, server::Core};

/// Runs the core until it is asked to stop.
pub(super) async fn serve(settings: Settings) -> anyhow::Result<()> {
    start_log(&settings.server.log, settings.server.log_format);
    // Each connection and each upload holds a descriptor; the default soft limit is often 1024.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        warn!(%error, "the limit of open files could not be raised");
    }
    let core = Core::start(settings, Clock::system()).await?;
    asked_to_stop().await?;
    // A second word while draining ends at once.
    tokio::select! {
        () = core.shutdown() => Ok(()),
        _ = asked_to_stop() => anyhow::bail!("stopped at once; what was under way goes on after the next start"),
    }
}

/// Brings the database up to this release.
pub(super) async fn migrate(settings: Settings) -> anyhow::Result<()> {
    start_log(&settings.server.log, settings.server.log_format);
    let store = parts::open_store(&settings, Clock::system()).await?;
    store.close().await;
    println!("the database is up to date");
    Ok(())
}

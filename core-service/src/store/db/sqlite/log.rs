//! Keeps SQLite's write-ahead log small. SQLite moves what was committed into the database every thousand pages, and
//! begins the log anew when no reader needs it; readers that overlap without a gap, or one that stays (a backup), would
//! have it grow without end.
//!
//! Guaranteed: beyond [`LIMIT`] the writer waits a moment for the readers of this process and has the log begin anew. Only
//! a reader of another process that stays keeps it growing: that is said once, and tried again every [`GAP`].

use std::time::{Duration, Instant};

use rusqlite::Connection;
use tracing::{info, warn};

/// Bytes of the log at which the writer has it begin anew.
pub(super) const LIMIT: u64 = 32 * 1024 * 1024;

/// Bytes that are kept of a log that began anew: writing over them is cheaper than growing the file.
pub(super) const KEPT: i64 = 8_388_608;

/// Time between two tries while a reader stays.
const GAP: Duration = Duration::from_secs(5);

/// The log of a database.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Its bytes after the last commit.
    pub(super) size: u64,
    tried: Option<Instant>,
    told: bool,
}

impl Log {
    /// Has a log that is too large begin anew, if no reader stays.
    pub(super) fn bound(&mut self, connection: &Connection) {
        if self.size < LIMIT {
            if self.told {
                info!(bytes = self.size, "the log of the database is small again");
                self.told = false;
            }
            return;
        }
        if self.tried.is_some_and(|at| at.elapsed() < GAP) {
            return;
        }
        // Waits for readers as long as for any lock, and no longer. Errors are met again by the next write.
        let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, i64>(0));
        let done = busy.is_ok_and(|busy| busy == 0);
        self.tried = (!done).then(Instant::now);
        if !done && !self.told {
            warn!(
                bytes = self.size,
                "the log of the database grows because somebody reads from it for long: a backup, or a program that \
                 keeps a transaction open"
            );
            self.told = true;
        }
    }
}

//! Backups of a world's database, made and put back as an operator does.

use std::path::{Path, PathBuf};

use aurareels_core::{
    backup::{self, BackupError, Progress, Restored, Written},
    config::Settings,
    store::replacing::Replacement,
};
use chrono::{DateTime, Utc};

use crate::{World, database::Database};

/// Nobody watches.
struct Unwatched;

impl Progress for Unwatched {
    fn at(&mut self, done: u64, total: u64) {
        assert!(done <= total, "{done} of {total} bytes");
    }
}

impl World {
    fn store_settings(&self) -> aurareels_core::config::Store {
        Settings::from_pairs(self.settings().clone()).expect("the world's settings").store
    }

    /// Where a backup of this world is kept.
    pub fn backup_file(&self, name: &str) -> PathBuf {
        self.data_dir().with_file_name(name)
    }

    /// `aurareels backup`, beside the running core.
    pub async fn backup(&self, to: &Path) -> Written {
        let progress = Box::new(Unwatched);
        backup::write(&self.store_settings(), to, self.clock(), progress).await.expect("a backup")
    }

    /// `aurareels restore`, whatever the core does.
    pub async fn try_restore(&self, from: &Path, replace: bool) -> Result<Restored, BackupError> {
        backup::restore(&self.store_settings(), from, replace, self.clock(), Box::new(Unwatched)).await
    }

    /// Stops the core, restores a backup, and starts the core again.
    pub async fn restore(&mut self, from: &Path) -> Restored {
        // SQLite merges its log when the last connection closes, which a reader cannot do.
        self.db.close().await;
        self.stop_core().await;
        let restored = self.try_restore(from, true).await.expect("restored");
        self.open_database();
        self.start_core().await;
        restored
    }

    /// `aurareels restored --backup-time`.
    pub async fn tell_restored(&self, backup_at: DateTime<Utc>) {
        let settings = self.store_settings();
        let replacement =
            Replacement::begin(settings.database_url.expose(), self.clock()).await.expect("nobody serves");
        replacement.tell(backup_at).await.expect("told");
    }

    /// Opens the database that is in place now, for looking into it.
    pub fn open_database(&mut self) {
        self.db = Database::open(&self.data_dir().join("aurareels.db"));
    }
}

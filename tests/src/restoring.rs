//! Backups of a world's database, made and put back as an operator does: a file by `aurareels backup` and `restore`, a
//! database of a server by the server's own means and `aurareels restored`.

use std::path::{Path, PathBuf};

use aurareels_core::{
    backup::{self, BackupError, Progress, Restored, Written},
    bootstrap,
    config::Settings,
    domain::lineage::Lineage,
    store::replacing::{self, Replacement},
};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{World, database::Database, server::Private};

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

    /// A backup, beside the running core.
    pub async fn backup(&self, to: &Path) {
        match &self.private {
            None => drop(self.written_backup(to).await),
            Some(private) => {
                let at = self.now();
                let copy = private.another().await;
                let mut settings = self.settings().clone();
                settings.insert("AURAREELS_DATABASE_URL".to_owned(), copy.url());
                settings.insert("AURAREELS_DATA_DIR".to_owned(), to.display().to_string());
                let settings = Settings::from_pairs(settings).expect("settings");
                bootstrap::open_store(&settings, self.clock()).await.expect("tables").close().await;
                private.copy_to(&copy).await;
                *self.copy.lock().expect("no panic inside") = Some((copy, at));
            }
        }
    }

    /// `aurareels backup`, beside the running core.
    pub async fn written_backup(&self, to: &Path) -> Written {
        let progress = Box::new(Unwatched);
        backup::write(&self.store_settings(), to, self.clock(), progress).await.expect("a backup")
    }

    /// `aurareels restore`, whatever the core does.
    pub async fn try_restore(&self, from: &Path, replace: bool) -> Result<Restored, BackupError> {
        backup::restore(&self.store_settings(), from, replace, self.clock(), Box::new(Unwatched)).await
    }

    /// Stops the core, restores a backup, and starts the core again.
    pub async fn restore(&mut self, from: &Path) -> Lineage {
        // SQLite merges its log when the last connection closes, which a reader cannot do.
        self.db.close().await;
        self.stop_core().await;
        let copy = self.copy.lock().expect("no panic inside").take();
        let lineage = match copy {
            None => self.try_restore(from, true).await.expect("restored").lineage,
            Some((copy, backup_at)) => {
                self.take_up(copy);
                // In the copy the core is alive, and counts as such for some seconds.
                self.advance(TimeDelta::seconds(20));
                replacing::tell_server(self.store_settings().place(), backup_at, self.clock()).await.expect("told")
            }
        };
        self.open_database();
        self.start_core().await;
        lineage
    }

    /// From now on another database of the server is this world's.
    fn take_up(&mut self, other: Private) {
        self.set("AURAREELS_DATABASE_URL", &other.url());
        self.private = Some(other);
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
        self.db = match &self.private {
            Some(private) => Database::of_url(&private.url()),
            None => Database::of_file(&self.data_dir().join("aurareels.db")),
        };
    }
}

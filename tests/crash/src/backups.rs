//! Backups of a rig's database, made and put back by the commands of the binary, or by hand.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use aurareels_core::{bootstrap::Components, config::Settings};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::{database::Database, rig::Rig, server::Private};

/// How a database is kept and put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// `aurareels backup` and `aurareels restore`.
    Commands,
    /// A copy of the database that is put back by hand, and `aurareels restored`.
    Copy,
}

/// A backup of a rig's database, in its directory.
#[derive(Debug)]
pub(crate) struct Backup {
    means: Means,
    made_at: DateTime<Utc>,
    /// A server's database is always copied, as the server's own tools do.
    copy: Option<Private>,
}

const FILE: &str = "kept.backup";

impl Rig {
    /// Makes a backup, whether cores run or not.
    pub(crate) async fn back_up(&self, means: Means) -> Result<Backup> {
        let made_at = self.sim.clock().now();
        let file = self.path(FILE);
        match (means, &self.database) {
            (_, Database::Postgres(_) | Database::Mysql(_)) => {}
            (Means::Commands, Database::Sqlite(_)) => self.command(vec!["backup".to_owned(), path(&file)?]).await?,
            (Means::Copy, Database::Sqlite(pool)) => {
                let _ = std::fs::remove_file(&file);
                sqlx::query("VACUUM INTO ?").bind(path(&file)?).execute(pool).await?;
            }
        }
        Ok(Backup { means, made_at, copy: self.copied().await? })
    }

    /// This process lets the database go, so that it can be replaced. Nothing of it may be used until it is put back.
    pub(crate) async fn leave(&mut self) -> Result<()> {
        self.release().await;
        // While its parts are there, a database is served.
        let elsewhere = path(&self.path("elsewhere"))?;
        let of_the_core = ["AURAREELS_FAULT_CLOCK", "AURAREELS_DATA_DIR", "AURAREELS_DATABASE_URL"];
        let settings = self.settings.iter().filter(|(name, _)| !of_the_core.contains(&name.as_str())).cloned();
        let settings = settings.chain([("AURAREELS_DATA_DIR".to_owned(), elsewhere)]);
        self.parts =
            Components::build(&Settings::from_pairs(settings.collect::<Vec<_>>())?, self.parts.clock.clone()).await?;
        Ok(())
    }

    /// Puts a backup in the place of the database that was left, and takes it up.
    pub(crate) async fn put_back(&mut self, backup: Backup) -> Result<()> {
        let file = self.path(FILE);
        let time = backup.made_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let restored = vec!["restored".to_owned(), "--backup-time".to_owned(), time];
        match (backup.copy, backup.means) {
            (Some(copy), _) => {
                self.move_to(copy)?;
                // In the copy the cores are alive, and count as such for some seconds.
                self.advance(TimeDelta::seconds(20))?;
                self.command(restored).await?;
            }
            (None, Means::Commands) => {
                self.command(vec!["restore".to_owned(), path(&file)?, "--replace".to_owned()]).await?
            }
            (None, Means::Copy) => {
                for beside in ["aurareels.db-wal", "aurareels.db-shm"] {
                    let _ = std::fs::remove_file(self.path(beside));
                }
                std::fs::copy(&file, self.path("aurareels.db"))?;
                self.command(restored).await?;
            }
        }
        self.parts.store.close().await;
        self.take_up().await?;
        self.take_up_reading().await
    }

    /// Runs a command of the binary to its end.
    async fn command(&self, arguments: Vec<String>) -> Result<()> {
        let binary = std::env::current_exe().context("no path of this program")?.with_file_name("aurareels");
        let mut command = Command::new(binary);
        command.args(&arguments).env_clear().envs(self.settings.clone()).stdin(Stdio::null());
        let ended = tokio::task::spawn_blocking(move || command.output()).await?.context("cannot start a command")?;
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        ensure!(ended.status.success(), "aurareels {}: {}\n{said}", arguments.join(" "), ended.status);
        Ok(())
    }
}

fn path(of: &std::path::Path) -> Result<String> {
    Ok(of.to_str().context("a path is not UTF-8")?.to_owned())
}

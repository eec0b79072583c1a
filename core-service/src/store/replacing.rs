//! Putting another database in the place of one, and copying it while cores work on it.
//!
//! Guaranteed: while a [`Replacement`] lives, no core serves the database, and none had it open when it began. Whatever is
//! cut off in the middle leaves a database whose mark does not fit it, from which no core publishes. The database that
//! was there before is kept beside the new one.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

use super::{
    Error, Result, Store,
    db::{
        Place,
        mark::{self, Mark},
        serving,
    },
    handed_out::HandedOut,
    restoring::owner_of,
};
use crate::{
    clock::Clock,
    domain::lineage::{Lineage, Lineages},
};

/// What a backup has to say of its database.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// Its lineages.
    pub lineages: Lineages,
    /// The encryption keys that its rows need, by their ids.
    pub encryption_keys: Vec<String>,
    /// The files of its uploads, in the data directory.
    pub media: Vec<String>,
}

/// The right to replace a database.
#[derive(Debug)]
pub struct Replacement {
    file: PathBuf,
    clock: Clock,
    _lock: File,
}

/// Copies the database of a URL into a new file, brings the copy up to this release, and says what is in it. Cores may
/// work on the database meanwhile: the copy is the state of one moment.
pub async fn copy(url: &str, to: &Path, clock: Clock) -> Result<Contents> {
    let file = serving::file_of_url(url)?.ok_or(Error::OnServer)?;
    serving::copy(&file, to).await?;
    let store = Store::for_maintenance(to, clock).await?;
    let contents = contents(&store).await;
    store.close().await;
    serving::gather(to).await?;
    contents
}

async fn contents(store: &Store) -> Result<Contents> {
    store.migrate().await?;
    let mut reader = store.db.read().await?;
    let lineages = super::restoring::read_all(&mut reader).await?;
    let keys = reader.fetch_all("SELECT key_id FROM aurareels_encryption_keys WHERE key_id > '' ORDER BY key_id", &[]);
    let encryption_keys = keys.await?.iter().map(|row| row.text("key_id")).collect::<Result<_>>()?;
    let media = reader.fetch_all("SELECT stored_as FROM aurareels_media WHERE stored_as > '' ORDER BY stored_as", &[]);
    let media = media.await?.iter().map(|row| row.text("stored_as")).collect::<Result<_>>()?;
    Ok(Contents { lineages, encryption_keys, media })
}

/// Tells a database of a server that it is a backup of that time, or a replica that had seen nothing since. Refused while
/// a core serves it.
pub async fn tell_server(place: Place, backup_at: DateTime<Utc>, clock: Clock) -> Result<Lineage> {
    let store = Store::for_maintenance(place, clock).await?;
    let told = async {
        store.migrate().await?;
        let now = store.clock.now();
        if store.has_core(now).await? {
            return Err(Error::Served);
        }
        store.restored(backup_at, HandedOut::default(), now).await
    };
    let told = told.await;
    store.close().await;
    told
}

/// Removes the tables of a database on a server, with everything that is in them. Refused while a core serves it.
pub async fn remove_tables(place: Place, clock: Clock) -> Result<()> {
    let store = Store::for_maintenance(place, clock).await?;
    let removed = async {
        if store.has_core(store.clock.now()).await? {
            return Err(Error::Served);
        }
        store.db.remove_tables().await
    };
    let removed = removed.await;
    store.close().await;
    removed
}

impl Replacement {
    /// Begins to replace the database of a URL, which may be missing. Refused while a core has it open.
    pub async fn begin(url: &str, clock: Clock) -> Result<Self> {
        let file = serving::file_of_url(url)?.ok_or(Error::OnServer)?;
        let _lock = serving::replace(&file)?;
        match serving::gather(&file).await {
            Err(Error::Served) => Err(Error::Served),
            // One that is damaged is replaced all the more.
            Ok(()) | Err(_) => Ok(Self { file, clock, _lock }),
        }
    }

    /// Where the database is.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Removes the mark: what another database handed out from here counts no more.
    pub fn forget_mark(&self) -> Result<()> {
        match std::fs::remove_file(mark::path_of(&self.file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(error)),
            _ => Ok(()),
        }
    }

    /// Whether a database is there that holds anything; one that cannot be read does.
    pub async fn holds_rows(&self) -> bool {
        if !self.file.exists() {
            return false;
        }
        let looked = async {
            let store = Store::for_maintenance(&self.file, self.clock.clone()).await?;
            let held = async {
                let mut reader = store.db.read().await?;
                let row = reader.fetch_optional("SELECT MAX(id) AS id FROM aurareels_social_accounts", &[]).await?;
                row.map_or(Ok(None), |row| row.opt_int("id"))
            };
            let held = held.await;
            store.close().await;
            Result::Ok(held?.is_some())
        };
        looked.await.unwrap_or(true)
    }

    /// Tells the database in place that it is a backup of that time, which was put there by other means.
    pub async fn tell(&self, backup_at: DateTime<Utc>) -> Result<Lineage> {
        let known = self.handed_out().await?;
        let (lineage, owner) = self.begin_lineage(&self.file, backup_at, known).await?;
        self.mark(owner)?;
        Ok(lineage)
    }

    /// Puts a backup of that time in place. Answers its lineage, and where the database went that was there before.
    pub async fn put(&self, backup: &Path, backup_at: DateTime<Utc>) -> Result<(Lineage, Option<PathBuf>)> {
        let known = self.handed_out().await?;
        let (lineage, owner) = self.begin_lineage(backup, backup_at, known).await?;
        let kept = self.keep_aside().map_err(Error::io)?;
        std::fs::rename(backup, &self.file).map_err(Error::io)?;
        sync_directory_of(&self.file).map_err(Error::io)?;
        self.mark(owner)?;
        Ok((lineage, kept))
    }

    /// What is known to have been handed out here, by the mark and by the database that is in place.
    async fn handed_out(&self) -> Result<HandedOut> {
        let marked =
            mark::read(&mark::path_of(&self.file)).map_err(Error::io)?.map_or_else(HandedOut::default, |(_, out)| out);
        if !self.file.exists() {
            return Ok(marked);
        }
        let looked = async {
            let store = Store::for_maintenance(&self.file, self.clock.clone()).await?;
            let own = store.handed_out().await;
            store.close().await;
            own
        };
        // One that is damaged tells nothing.
        Ok(marked.max(looked.await.unwrap_or_default()))
    }

    async fn begin_lineage(
        &self,
        file: &Path,
        backup_at: DateTime<Utc>,
        known: HandedOut,
    ) -> Result<(Lineage, (mark::Owner, HandedOut))> {
        let store = Store::for_maintenance(file, self.clock.clone()).await?;
        let begun = async {
            store.migrate().await?;
            let lineage = store.restored(backup_at, known, self.clock.now()).await?;
            let lineages = super::restoring::read_all(&mut store.db.read().await?).await?;
            let owner = owner_of(&lineages).ok_or_else(|| Error::Corrupt("a database without a lineage".into()))?;
            Ok((lineage, (owner, store.handed_out().await?)))
        };
        let begun = begun.await;
        store.close().await;
        serving::gather(file).await?;
        begun
    }

    fn mark(&self, (owner, out): (mark::Owner, HandedOut)) -> Result<()> {
        Mark::begin(&mark::path_of(&self.file), owner, out).map(|_| ()).map_err(Error::io)
    }

    /// Moves the database that is there out of the way, with what SQLite keeps beside it.
    fn keep_aside(&self) -> std::io::Result<Option<PathBuf>> {
        if !self.file.exists() {
            return Ok(None);
        }
        let when = self.clock.now().format("%Y%m%dT%H%M%SZ");
        let mut number = 1;
        let kept = loop {
            let suffix = if number == 1 { format!("before-{when}") } else { format!("before-{when}-{number}") };
            let kept = self.file.with_added_extension(suffix);
            if !kept.exists() {
                break kept;
            }
            number += 1;
        };
        // A log that nobody merged belongs to the old database alone.
        for beside in ["-wal", "-shm"] {
            let named = |file: &Path| {
                let mut name = file.as_os_str().to_owned();
                name.push(beside);
                PathBuf::from(name)
            };
            if named(&self.file).exists() {
                std::fs::rename(named(&self.file), named(&kept))?;
            }
        }
        std::fs::rename(&self.file, &kept)?;
        Ok(Some(kept))
    }
}

fn sync_directory_of(file: &Path) -> std::io::Result<()> {
    // Elsewhere a directory cannot be opened as a file, and renaming is durable by itself.
    match file.parent().filter(|_| cfg!(unix)) {
        Some(directory) if directory.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

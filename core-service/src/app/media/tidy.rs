//! Removes uploads that are no longer needed, and leftovers of dead cores.

use chrono::TimeDelta;
use tracing::{error, info, warn};

use super::{MediaStore, file_error};
use crate::{app::Result, domain::failure::describe, store::media::Settled};

/// Uploads per batch.
const BATCH: u32 = 100;

/// Age at which what no row names in a bucket is a leftover: no upload takes so long.
const STRAY: TimeDelta = TimeDelta::days(1);

/// Objects that rows are looked for at once.
const LOOKED_UP: usize = 200;

impl MediaStore {
    /// Checks every upload that is due and removes those that no post needs. Returns how many were removed.
    pub async fn expire(&self) -> Result<usize> {
        let mut removed = 0;
        loop {
            let now = self.clock.now();
            let due = self.store.media_due(now, BATCH).await?;
            for id in &due {
                if let Settled::Removed(file) = self.store.settle_media(*id, self.settings.keep, now).await? {
                    self.remove_file(&file).await;
                    removed += 1;
                }
            }
            if due.len() < BATCH as usize {
                break;
            }
        }
        if removed > 0 {
            info!(uploads = removed, "removed uploads that no post needs");
        }
        let forgotten = self.expire_uploads(BATCH).await?;
        if forgotten > 0 {
            info!(uploads = forgotten, "forgot resumable uploads that nobody continued");
        }
        Ok(removed)
    }

    /// Removes files that have no row and are not being written.
    pub async fn sweep(&self) -> Result<usize> {
        let mut removed = 0;
        for name in self.files.names().await.map_err(file_error)? {
            // Held first, then looked for: see `Files::abandoned`.
            let Some(file) = self.files.abandoned(&name).await.map_err(file_error)? else { continue };
            if !self.store.knows_media_file(&name).await? {
                file.discard().await.map_err(file_error)?;
                removed += 1;
            }
        }
        if removed > 0 {
            warn!(files = removed, "removed files of uploads that broke off");
        }
        Ok(removed)
    }

    /// Finds out whether the bucket can be used, if there is one, and says so where it cannot.
    pub async fn look_at_bucket(&self) {
        if let Err(problem) = self.files.check_bucket().await {
            error!(
                error = %describe(&problem),
                "the bucket of uploads cannot be used: uploads are refused and posts of uploaded videos wait, all others go out; \
                 correct AURAREELS_MEDIA_STORE, AWS_ENDPOINT_URL, AWS_REGION or the key (`aurareels doctor` looks again)"
            );
        }
    }

    /// The same in the bucket, if there is one: objects that have no row, and parts that were never made an object.
    pub async fn sweep_bucket(&self) -> Result<()> {
        let before = self.clock.now() - STRAY;
        let mut removed = 0;
        for names in self.files.stray(before).await.map_err(file_error)?.chunks(LOOKED_UP) {
            let known = self.store.known_media_files(names).await?;
            for name in names.iter().filter(|name| !known.contains(*name)) {
                self.files.remove(name).await.map_err(file_error)?;
                removed += 1;
            }
        }
        let ended = self.files.abort_unfinished(before).await.map_err(file_error)?;
        if removed + ended > 0 {
            warn!(
                objects = removed,
                unfinished = ended,
                "removed from the bucket what uploads that broke off had left"
            );
        }
        Ok(())
    }
}

//! Removes uploads that are no longer needed, and leftovers of dead cores.

use tracing::{info, warn};

use super::{MediaStore, file_error};
use crate::{app::Result, store::media::Settled};

/// Uploads per batch.
const BATCH: u32 = 100;

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
}

//! Resumable uploads as rows; the bytes of unfinished ones are files (`media::files`).
//!
//! Guaranteed: one row per user and name, however many streams begin it at once; a row of a file that somebody else has
//! continued, finished or replaced is not removed.

use chrono::{DateTime, Utc};

use super::{Result, Store, db::Row};
use crate::{domain::ids::UserId, params};

macro_rules! upload_columns {
    () => {
        "id, wp_user_id, upload_id, stored_as, size_bytes, sha256, media_id, expires_at"
    };
}

const OF_USER: &str =
    concat!("SELECT ", upload_columns!(), " FROM aurareels_uploads WHERE wp_user_id = ? AND upload_id = ?");
const UNFINISHED: &str = concat!(
    "SELECT ",
    upload_columns!(),
    " FROM aurareels_uploads WHERE wp_user_id = ? AND stored_as IS NOT NULL ORDER BY expires_at"
);
const DUE: &str =
    concat!("SELECT ", upload_columns!(), " FROM aurareels_uploads WHERE expires_at <= ? ORDER BY expires_at LIMIT ?");
const INSERT: &str = "INSERT INTO aurareels_uploads (wp_user_id, upload_id, stored_as, size_bytes, sha256, expires_at) \
     VALUES (?, ?, ?, ?, ?, ?)";
const PROLONG: &str = "UPDATE aurareels_uploads SET expires_at = ? WHERE id = ?";
const FINISH: &str = "UPDATE aurareels_uploads SET stored_as = NULL, media_id = ?, expires_at = ? WHERE id = ?";
const DELETE: &str = "DELETE FROM aurareels_uploads WHERE id = ? AND expires_at = ?";

/// A resumable upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUpload {
    /// Its row.
    pub id: i64,
    /// Who uploads.
    pub wp_user_id: UserId,
    /// The client's name for it.
    pub upload_id: String,
    /// The incomplete file; `None` once it is finished.
    pub stored_as: Option<String>,
    /// Size of the whole file, as announced.
    pub size_bytes: u64,
    /// SHA-256 as announced, hexadecimal; empty when it was not.
    pub sha256: String,
    /// What it became; empty while it is unfinished.
    pub media_id: String,
    /// When it is forgotten.
    pub expires_at: DateTime<Utc>,
}

fn upload(row: &Row) -> Result<StoredUpload> {
    Ok(StoredUpload {
        id: row.int("id")?,
        wp_user_id: UserId(row.int("wp_user_id")?),
        upload_id: row.text("upload_id")?,
        stored_as: row.opt_text("stored_as")?,
        size_bytes: u64::try_from(row.int("size_bytes")?).unwrap_or(0),
        sha256: row.text("sha256")?,
        media_id: row.text("media_id")?,
        expires_at: row.time("expires_at")?,
    })
}

impl Store {
    /// A user's upload of this name.
    pub async fn upload(&self, user: UserId, upload_id: &str) -> Result<Option<StoredUpload>> {
        let row = self.db.read().await?.fetch_optional(OF_USER, &params![user, upload_id]).await?;
        row.as_ref().map(upload).transpose()
    }

    /// A user's unfinished uploads, the one that was continued longest ago first.
    pub async fn unfinished_uploads(&self, user: UserId) -> Result<Vec<StoredUpload>> {
        self.db.read().await?.fetch_all(UNFINISHED, &params![user]).await?.iter().map(upload).collect()
    }

    /// Adds an unfinished upload (`id` is ignored), in the place of `old` where there is one. `None` when another stream
    /// did so first.
    pub async fn begin_upload(&self, new: StoredUpload, old: Option<StoredUpload>) -> Result<Option<StoredUpload>> {
        self.db
            .write(async move |tx| {
                if let Some(old) = &old {
                    tx.execute(DELETE, &params![old.id, old.expires_at]).await?;
                }
                if tx.fetch_optional(OF_USER, &params![new.wp_user_id, &new.upload_id]).await?.is_some() {
                    return Ok(None);
                }
                let size = i64::try_from(new.size_bytes).unwrap_or(i64::MAX);
                let stored_as = new.stored_as.as_deref();
                let values = params![new.wp_user_id, &new.upload_id, stored_as, size, &new.sha256, new.expires_at];
                let id = tx.insert(INSERT, &values).await?;
                Ok(Some(StoredUpload { id, ..new.clone() }))
            })
            .await
    }

    /// Keeps an upload until then: somebody continues it.
    pub async fn prolong_upload(&self, id: i64, until: DateTime<Utc>) -> Result<bool> {
        self.db.write(async move |tx| Ok(tx.execute(PROLONG, &params![until, id]).await? > 0)).await
    }

    /// Notes what an upload became.
    pub async fn finish_upload(&self, id: i64, media_id: &str, until: DateTime<Utc>) -> Result<()> {
        let media_id = media_id.to_owned();
        self.db.write(async move |tx| tx.execute(FINISH, &params![&media_id, until, id]).await.map(|_| ())).await
    }

    /// Forgets an upload. False when it was continued meanwhile, or is gone.
    pub async fn forget_upload(&self, upload: &StoredUpload) -> Result<bool> {
        let (id, expires_at) = (upload.id, upload.expires_at);
        self.db.write(async move |tx| Ok(tx.execute(DELETE, &params![id, expires_at]).await? > 0)).await
    }

    /// Uploads whose time is over.
    pub async fn uploads_due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<StoredUpload>> {
        let rows = self.db.read().await?.fetch_all(DUE, &params![now, i64::from(limit)]).await?;
        rows.iter().map(upload).collect()
    }
}

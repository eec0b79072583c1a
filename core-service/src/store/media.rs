//! Uploaded videos as rows; their bytes are files (`media::files`).
//!
//! Guaranteed:
//! - The same file of the same user is one row, however often and however simultaneously it is uploaded.
//! - A post is written only while the row of its upload is there ([`demand`], in the transaction of the post), and a row
//!   is removed only while no post needs it, decided and done in one transaction: no post ever loses its video.
//! - An upload that a post needs costs nothing while it waits: every change of a post's status has its upload looked at
//!   ([`look_again`]), and `look_at` is NULL in between.
//! - The quota holds in the transaction that adds the row.
//! - An upload that a video job names is kept as long as the job is there (`video_jobs`).

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Error, Result, Store,
    db::{Row, Tx, Value},
};
use crate::{
    domain::{
        ids::{PostId, UserId},
        media::{KeepPolicy, Kept, MediaFacts, MediaId},
        post::Status,
    },
    params,
};

/// The columns of a [`StoredMedia`].
macro_rules! media_columns {
    () => {
        "id, wp_user_id, media_id, file_name, stored_as, facts, pull_token, uploaded_at"
    };
}

const OF_USER: &str =
    concat!("SELECT ", media_columns!(), " FROM aurareels_media WHERE wp_user_id = ? AND media_id = ?");
const BY_ID: &str = concat!("SELECT ", media_columns!(), " FROM aurareels_media WHERE id = ?");
const PAGE: &str = concat!(
    "SELECT ",
    media_columns!(),
    " FROM aurareels_media WHERE wp_user_id = ? AND id < ? ORDER BY id DESC LIMIT ?"
);
const USED: &str = "SELECT COALESCE(SUM(size_bytes), 0) AS used FROM aurareels_media WHERE wp_user_id = ?";
const INSERT: &str = "INSERT INTO aurareels_media (wp_user_id, media_id, file_name, stored_as, size_bytes, facts, pull_token, \
     uploaded_at, look_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
const UPLOADED_AGAIN: &str =
    "UPDATE aurareels_media SET uploaded_at = ?, look_at = ? WHERE wp_user_id = ? AND media_id = ?";
const REPLACE_FILE: &str = "UPDATE aurareels_media SET stored_as = ? WHERE id = ? AND stored_as = ?";
const LOOK_AGAIN: &str = "UPDATE aurareels_media SET look_at = ? WHERE wp_user_id = ? AND media_id = ?";
const LOOK_AT: &str = "UPDATE aurareels_media SET look_at = ? WHERE id = ?";
const DUE: &str = "SELECT id FROM aurareels_media WHERE look_at IS NOT NULL AND look_at <= ? ORDER BY look_at LIMIT ?";
const USES: &str = "SELECT status, MAX(status_since) AS since FROM aurareels_social_posts \
     WHERE wp_user_id = ? AND media_id = ? AND media_id <> '' GROUP BY status";
const NEEDED_BY: &str = "SELECT id FROM aurareels_social_posts WHERE wp_user_id = ? AND media_id = ? AND media_id <> '' \
     AND status IN ('draft', 'scheduled', 'publishing', 'confirming', 'needs_review') LIMIT 1";
const IN_VIDEO_JOB: &str = "SELECT video_job_id FROM aurareels_video_jobs WHERE wp_user_id = ? AND media_id = ? \
     AND media_id <> '' LIMIT 1";
const FETCHED_FOR: &str = "SELECT id FROM aurareels_social_posts WHERE wp_user_id = ? AND media_id = ? AND media_id <> '' \
     AND (status IN ('publishing', 'confirming', 'needs_review') OR (status = 'scheduled' AND scheduled_at <= ?)) LIMIT 1";
const BY_PULL_TOKEN: &str = concat!("SELECT ", media_columns!(), " FROM aurareels_media WHERE pull_token = ?");
const BY_FILE: &str = "SELECT id FROM aurareels_media WHERE stored_as = ?";
const BY_UNFINISHED_FILE: &str = "SELECT id FROM aurareels_uploads WHERE stored_as = ?";
const DELETE: &str = "DELETE FROM aurareels_media WHERE id = ?";

/// An uploaded video.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMedia {
    /// Its row.
    pub id: i64,
    /// Who uploaded it.
    pub wp_user_id: UserId,
    /// What names it.
    pub media_id: MediaId,
    /// The name it was given.
    pub file_name: String,
    /// The file in the data directory.
    pub stored_as: String,
    /// What was measured.
    pub facts: MediaFacts,
    /// The unguessable part of its public address.
    pub pull_token: String,
    /// Last time its bytes were sent.
    pub uploaded_at: DateTime<Utc>,
}

/// An upload to be added.
#[derive(Clone, Debug)]
pub struct NewMedia {
    /// Who uploads it.
    pub wp_user_id: UserId,
    /// What names it.
    pub media_id: MediaId,
    /// The name it was given.
    pub file_name: String,
    /// The file in the data directory.
    pub stored_as: String,
    /// What was measured.
    pub facts: MediaFacts,
    /// The unguessable part of its public address.
    pub pull_token: String,
}

/// What became of an upload to be added.
#[derive(Clone, Debug, PartialEq)]
pub enum Added {
    /// It is there now.
    New(StoredMedia),
    /// The same bytes were there already, under the row's own file.
    Existing(StoredMedia),
    /// The user's uploads would take more than they may; nothing was added.
    OverQuota {
        /// Bytes of the user's uploads without it.
        used: u64,
    },
}

/// Who needs an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeededBy {
    /// A post that is not at rest.
    Post(PostId),
    /// A video job.
    VideoJob(String),
}

impl std::fmt::Display for NeededBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Post(id) => write!(f, "post {id}"),
            Self::VideoJob(id) => write!(f, "video job {id}"),
        }
    }
}

/// What became of an upload that was looked at, or was to be deleted.
#[derive(Clone, Debug, PartialEq)]
pub enum Settled {
    /// Its row is gone; this file is to be removed.
    Removed(String),
    /// It stays for now.
    Stays,
    /// It stays: somebody needs it.
    Needed(NeededBy),
    /// There is no such upload.
    Gone,
}

fn stored(row: &Row) -> Result<StoredMedia> {
    let media_id = row.text("media_id")?.parse().map_err(|error| Error::Corrupt(format!("media_id: {error}")))?;
    Ok(StoredMedia {
        id: row.int("id")?,
        wp_user_id: UserId(row.int("wp_user_id")?),
        media_id,
        file_name: row.text("file_name")?,
        stored_as: row.text("stored_as")?,
        facts: row.json("facts")?,
        pull_token: row.text("pull_token")?,
        uploaded_at: row.time("uploaded_at")?,
    })
}

fn uses(rows: &[Row]) -> Vec<(Status, DateTime<Utc>)> {
    let used = |row: &Row| Ok::<_, Error>((row.word("status")?, row.time("since")?));
    // A post that cannot be read may need its upload.
    rows.iter().map(|row| used(row).unwrap_or((Status::Publishing, DateTime::UNIX_EPOCH))).collect()
}

fn bytes(row: Option<&Row>) -> Result<u64> {
    let used = row.map_or(Ok(0), |row| row.int("used"))?;
    Ok(u64::try_from(used).unwrap_or(0))
}

fn whole(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Refuses what names an upload that is not there (any more).
pub(super) async fn demand(tx: &mut Tx, user: UserId, media_id: &str) -> Result<()> {
    if media_id.is_empty() || tx.fetch_optional(OF_USER, &params![user, media_id]).await?.is_some() {
        return Ok(());
    }
    Err(Error::NoMedia(media_id.to_owned()))
}

/// Has an upload looked at soon: what a post or a video job is or uses has changed.
pub(super) async fn look_again(tx: &mut Tx, user: UserId, media_id: &str, now: DateTime<Utc>) -> Result<()> {
    if !media_id.is_empty() {
        tx.execute(LOOK_AGAIN, &params![now, user, media_id]).await?;
    }
    Ok(())
}

impl Store {
    /// A user's upload.
    pub async fn media(&self, user: UserId, media_id: &MediaId) -> Result<Option<StoredMedia>> {
        let row = self.db.read().await?.fetch_optional(OF_USER, &params![user, media_id.as_str()]).await?;
        row.as_ref().map(stored).transpose()
    }

    /// A user's uploads, newest first: those whose rows are older than `before`.
    pub async fn list_media(&self, user: UserId, before: i64, limit: u32) -> Result<Vec<StoredMedia>> {
        let rows = self.db.read().await?.fetch_all(PAGE, &params![user, before, i64::from(limit)]).await?;
        // One that cannot be read is left out; its bytes count all the same.
        let readable = rows.iter().map(stored).filter(|stored| !stored.as_ref().is_err_and(Error::is_about_data));
        readable.collect()
    }

    /// Bytes of all uploads of a user.
    pub async fn media_bytes(&self, user: UserId) -> Result<u64> {
        bytes(self.db.read().await?.fetch_optional(USED, &params![user]).await?.as_ref())
    }

    /// Adds an upload unless the same bytes are there or the user's uploads would then be more than `quota` bytes.
    pub async fn add_media(&self, new: NewMedia, quota: u64, unused: TimeDelta, now: DateTime<Utc>) -> Result<Added> {
        self.db
            .write(async move |tx| {
                let (user, name) = (new.wp_user_id, new.media_id.as_str());
                if tx.execute(UPLOADED_AGAIN, &params![now, now, user, name]).await? > 0 {
                    let row = tx.fetch_optional(OF_USER, &params![user, name]).await?;
                    return row.as_ref().map_or_else(
                        || Err(Error::Corrupt(format!("upload {name} is gone within its own transaction"))),
                        |row| stored(row).map(Added::Existing),
                    );
                }
                let used = bytes(tx.fetch_optional(USED, &params![user]).await?.as_ref())?;
                if used.saturating_add(new.facts.size_bytes) > quota {
                    return Ok(Added::OverQuota { used });
                }
                let id = tx
                    .insert(
                        INSERT,
                        &params![
                            user,
                            name,
                            &new.file_name,
                            &new.stored_as,
                            whole(new.facts.size_bytes),
                            Value::json(&new.facts)?,
                            &new.pull_token,
                            now,
                            now + unused,
                        ],
                    )
                    .await?;
                let NewMedia { wp_user_id, media_id, file_name, stored_as, facts, pull_token } = new.clone();
                let uploaded_at = now;
                Ok(Added::New(StoredMedia {
                    id,
                    wp_user_id,
                    media_id,
                    file_name,
                    stored_as,
                    facts,
                    pull_token,
                    uploaded_at,
                }))
            })
            .await
    }

    /// Notes that the bytes of an upload were sent again: it counts as unused from now on. False when it is gone.
    pub async fn media_uploaded_again(&self, user: UserId, media_id: &MediaId, now: DateTime<Utc>) -> Result<bool> {
        let name = media_id.as_str().to_owned();
        self.db.write(async move |tx| Ok(tx.execute(UPLOADED_AGAIN, &params![now, now, user, &name]).await? > 0)).await
    }

    /// Gives an upload whose file was lost another one. False when somebody else did so first.
    pub async fn replace_media_file(&self, media: &StoredMedia, stored_as: &str) -> Result<bool> {
        let (id, old, new) = (media.id, media.stored_as.clone(), stored_as.to_owned());
        self.db.write(async move |tx| Ok(tx.execute(REPLACE_FILE, &params![&new, id, &old]).await? > 0)).await
    }

    /// The statuses of the posts that use an upload, each with the last time a post got it.
    pub async fn media_uses(&self, user: UserId, media_id: &MediaId) -> Result<Vec<(Status, DateTime<Utc>)>> {
        Ok(uses(&self.db.read().await?.fetch_all(USES, &params![user, media_id.as_str()]).await?))
    }

    /// Whether a video job names an upload.
    pub async fn is_media_of_job(&self, user: UserId, media_id: &MediaId) -> Result<bool> {
        let of = params![user, media_id.as_str()];
        Ok(self.db.read().await?.fetch_optional(IN_VIDEO_JOB, &of).await?.is_some())
    }

    /// Uploads that may be due for removal, by row.
    pub async fn media_due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<i64>> {
        let rows = self.db.read().await?.fetch_all(DUE, &params![now, i64::from(limit)]).await?;
        rows.iter().map(|row| row.int("id")).collect()
    }

    /// Removes an upload that nobody needs any more, or notes when to look again.
    pub async fn settle_media(&self, id: i64, policy: KeepPolicy, now: DateTime<Utc>) -> Result<Settled> {
        self.db
            .write(async move |tx| {
                let Some(row) = tx.fetch_optional(BY_ID, &params![id]).await? else { return Ok(Settled::Gone) };
                let Ok(media) = stored(&row) else {
                    // Kept until somebody mends it.
                    tx.execute(LOOK_AT, &params![None::<DateTime<Utc>>, id]).await?;
                    return Ok(Settled::Stays);
                };
                let of = params![media.wp_user_id, media.media_id.as_str()];
                let look_at = match policy.kept(media.uploaded_at, &uses(&tx.fetch_all(USES, &of).await?)) {
                    Kept::WhileNeeded => None,
                    Kept::Until(_) if tx.fetch_optional(IN_VIDEO_JOB, &of).await?.is_some() => None,
                    Kept::Until(until) if until <= now => {
                        tx.execute(DELETE, &params![id]).await?;
                        return Ok(Settled::Removed(media.stored_as));
                    }
                    Kept::Until(until) => Some(until),
                };
                tx.execute(LOOK_AT, &params![look_at, id]).await?;
                Ok(Settled::Stays)
            })
            .await
    }

    /// Deletes a user's upload unless a post or a video job needs it.
    pub async fn delete_media(&self, user: UserId, media_id: &MediaId) -> Result<Settled> {
        let name = media_id.as_str().to_owned();
        self.db
            .write(async move |tx| {
                let Some(row) = tx.fetch_optional(OF_USER, &params![user, &name]).await? else {
                    return Ok(Settled::Gone);
                };
                let media = stored(&row)?;
                if let Some(post) = tx.fetch_optional(NEEDED_BY, &params![user, &name]).await? {
                    return Ok(Settled::Needed(NeededBy::Post(PostId(post.int("id")?))));
                }
                if let Some(job) = tx.fetch_optional(IN_VIDEO_JOB, &params![user, &name]).await? {
                    return Ok(Settled::Needed(NeededBy::VideoJob(job.text("video_job_id")?)));
                }
                tx.execute(DELETE, &params![media.id]).await?;
                Ok(Settled::Removed(media.stored_as))
            })
            .await
    }

    /// The upload that a public address names, while a post is on its way that a platform may fetch it for: one that is
    /// being published, or is due before `prepared_until` and so may be prepared.
    pub async fn media_to_fetch(&self, pull_token: &str, prepared_until: DateTime<Utc>) -> Result<Option<StoredMedia>> {
        let mut reader = self.db.read().await?;
        let Some(row) = reader.fetch_optional(BY_PULL_TOKEN, &params![pull_token]).await? else { return Ok(None) };
        let media = stored(&row)?;
        let of = params![media.wp_user_id, media.media_id.as_str(), prepared_until];
        Ok(reader.fetch_optional(FETCHED_FOR, &of).await?.map(|_| media))
    }

    /// Whether a row names a file: of an upload, or of an unfinished one.
    pub async fn knows_media_file(&self, stored_as: &str) -> Result<bool> {
        let mut reader = self.db.read().await?;
        Ok(reader.fetch_optional(BY_FILE, &params![stored_as]).await?.is_some()
            || reader.fetch_optional(BY_UNFINISHED_FILE, &params![stored_as]).await?.is_some())
    }

    /// Those of some names of files that rows name.
    pub async fn known_media_files(&self, names: &[String]) -> Result<BTreeSet<String>> {
        let marks = vec!["?"; names.len()].join(", ");
        let sql = format!("SELECT stored_as FROM aurareels_media WHERE stored_as IN ({marks})");
        let names: Vec<Value> = names.iter().map(Value::from).collect();
        self.db.read().await?.fetch_all(&sql, &names).await?.iter().map(|row| row.text("stored_as")).collect()
    }
}

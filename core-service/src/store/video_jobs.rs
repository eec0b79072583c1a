//! Video jobs as rows.
//!
//! Guaranteed: one row per user and `video_job_id`, however often and however simultaneously it is saved; a job names only
//! uploads that are there, and an upload stays as long as a job names it.

use chrono::{DateTime, Utc};

use super::{
    Error, Result, Store,
    db::{Row, Tx, Value},
    media,
};
use crate::{
    domain::{
        ids::UserId,
        video_job::{AiMetadata, VideoJob, VideoJobChange},
    },
    params,
};

macro_rules! job_columns {
    () => {
        "id, wp_user_id, video_job_id, video_url, media_id, thumbnail_url, ai_metadata, created_at, updated_at"
    };
}

const OF_USER: &str = concat!(
    "SELECT ",
    job_columns!(),
    ", transcription FROM aurareels_video_jobs WHERE wp_user_id = ? AND video_job_id = ?"
);
// Without the transcriptions, which may be long.
const PAGE: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM aurareels_video_jobs WHERE wp_user_id = ? AND id < ? ORDER BY id DESC LIMIT ?"
);
const INSERT: &str = "INSERT INTO aurareels_video_jobs (video_url, media_id, thumbnail_url, ai_metadata, transcription, \
     updated_at, wp_user_id, video_job_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
const UPDATE: &str = "UPDATE aurareels_video_jobs SET video_url = ?, media_id = ?, thumbnail_url = ?, ai_metadata = ?, \
     transcription = ?, updated_at = ? WHERE wp_user_id = ? AND video_job_id = ?";
const DELETE: &str = "DELETE FROM aurareels_video_jobs WHERE wp_user_id = ? AND video_job_id = ?";

fn job(row: &Row) -> Result<VideoJob> {
    let id = row.text("video_job_id")?;
    let read = || {
        Ok(VideoJob {
            video_job_id: id.clone(),
            wp_user_id: UserId(row.int("wp_user_id")?),
            video_url: row.text("video_url")?,
            media_id: row.text("media_id")?,
            thumbnail_url: row.opt_text("thumbnail_url")?,
            ai: row.json::<AiMetadata>("ai_metadata")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
        })
    };
    read().map_err(|error: Error| error.of_row(|| format!("video job {id}")))
}

fn whole(row: &Row) -> Result<VideoJob> {
    let mut found = job(row)?;
    found.ai.transcription = row.text("transcription")?;
    Ok(found)
}

async fn find(tx: &mut Tx, user: UserId, video_job_id: &str) -> Result<Option<VideoJob>> {
    tx.fetch_optional(OF_USER, &params![user, video_job_id]).await?.as_ref().map(whole).transpose()
}

impl Store {
    /// Changes a user's job, or makes it.
    pub async fn put_video_job(
        &self,
        user: UserId,
        video_job_id: &str,
        change: VideoJobChange,
        now: DateTime<Utc>,
    ) -> Result<VideoJob> {
        let id = video_job_id.to_owned();
        self.db
            .write(async move |tx| {
                let before = find(tx, user, &id).await?;
                let is_new = before.is_none();
                let mut job = before.unwrap_or_else(|| VideoJob::blank(id.clone(), user, now));
                let media_before = job.media_id.clone();
                job.apply(change.clone(), now);
                media::demand(tx, user, &job.media_id).await?;
                let ai = Value::json(&job.ai)?;
                let mut values = params![
                    &job.video_url,
                    &job.media_id,
                    job.thumbnail_url.as_deref(),
                    ai,
                    &job.ai.transcription,
                    now,
                    user,
                    &id
                ]
                .to_vec();
                if is_new {
                    values.push(now.into());
                    tx.insert(INSERT, &values).await?;
                } else {
                    tx.execute(UPDATE, &values).await?;
                }
                if media_before != job.media_id {
                    media::look_again(tx, user, &media_before, now).await?;
                    media::look_again(tx, user, &job.media_id, now).await?;
                }
                Ok(job)
            })
            .await
    }

    /// A user's job.
    pub async fn video_job(&self, user: UserId, video_job_id: &str) -> Result<Option<VideoJob>> {
        let row = self.db.read().await?.fetch_optional(OF_USER, &params![user, video_job_id]).await?;
        row.as_ref().map(whole).transpose()
    }

    /// A user's jobs, newest first, each with its row: those whose rows are older than `before`.
    pub async fn list_video_jobs(&self, user: UserId, before: i64, limit: u32) -> Result<Vec<(i64, VideoJob)>> {
        let rows = self.db.read().await?.fetch_all(PAGE, &params![user, before, i64::from(limit)]).await?;
        let read = rows.iter().map(|row| Ok((row.int("id")?, job(row)?)));
        // One that cannot be read is left out.
        read.filter(|read: &Result<_>| !read.as_ref().is_err_and(Error::is_about_data)).collect()
    }

    /// Removes a user's job. False when there is none.
    pub async fn delete_video_job(&self, user: UserId, video_job_id: &str, now: DateTime<Utc>) -> Result<bool> {
        let id = video_job_id.to_owned();
        self.db
            .write(async move |tx| {
                let Some(row) = tx.fetch_optional(OF_USER, &params![user, &id]).await? else { return Ok(false) };
                media::look_again(tx, user, &row.text("media_id")?, now).await?;
                Ok(tx.execute(DELETE, &params![user, &id]).await? > 0)
            })
            .await
    }
}

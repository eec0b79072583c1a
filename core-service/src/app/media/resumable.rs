//! Uploads that are continued after a broken connection.
//!
//! Guaranteed:
//! - What arrived before a connection broke is kept for a day and is not sent again; the file's own size says how much it is,
//!   so nothing has to be written while bytes arrive.
//! - One stream writes a file. A newer one for the same upload ends the older one, and is told when it has closed the file.
//! - The hash at the end is that of the whole file on the disk, whatever came in whichever stream.
//! - A finished upload is remembered for a day, so that a client that lost the answer finds its media.
//! - Of several cores, each keeps what it received itself: on another one the upload begins anew, and the newer row of the two counts.
//!
//! Expected failures: bytes that are no video, or not the announced ones, end the upload (`RULE_VIOLATION`,
//! `MEDIA_HASH_MISMATCH`); everything else leaves it to be continued.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::Stream;
use tokio::{
    sync::{Mutex as AsyncMutex, oneshot},
    time::{sleep, timeout},
};

use super::{
    Caller, Error, MediaId, MediaStore, Result,
    announcement::{MAX_UPLOAD_ID, UploadInfo},
    file_error, malformed,
    receive::Received,
};
use crate::{
    domain::{failure::Reason, ids::UserId},
    media::files::{Complete, FileError, Incoming},
    store::uploads::StoredUpload,
};

/// How long an upload is kept after it was last continued or finished.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// Unfinished uploads of a user that are kept; the one that was continued longest ago makes room.
const MOST_UNFINISHED: usize = 8;

/// Longest wait for an ended stream of this process to close its file: the disk may be slow.
const LETTING_GO: Duration = Duration::from_secs(5);

/// How often, and how many times, is looked whether another core has let go of a file in a directory that both use.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS: usize = 20;

/// A stream of this process.
#[derive(Debug)]
struct Running {
    /// Dropped, it ends the stream.
    end: oneshot::Sender<()>,
    /// Held by the one that writes the file.
    place: Arc<AsyncMutex<()>>,
}

/// Streams of resumable uploads in this process.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Arc<Mutex<HashMap<(UserId, String), Running>>>);

impl Streams {
    /// Registers a stream; an older one of the same upload is told to end by its receiver. The place is free when that one has
    /// closed its file.
    fn take_over(&self, user: UserId, upload_id: &str) -> (oneshot::Receiver<()>, Arc<AsyncMutex<()>>) {
        let (end, ended) = oneshot::channel();
        let key = (user, upload_id.to_owned());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, stream| !stream.end.is_closed() || Arc::strong_count(&stream.place) > 1);
        let place = all.get(&key).map(|older| older.place.clone()).unwrap_or_default();
        all.insert(key, Running { end, place: place.clone() });
        (ended, place)
    }

    fn is_running(&self, upload: &StoredUpload) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(upload.wp_user_id, upload.upload_id.clone())).is_some_and(|stream| !stream.end.is_closed())
    }
}

/// A resumable upload as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The client's name for it.
    pub upload_id: String,
    /// Bytes that are safely stored.
    pub received_bytes: u64,
    /// Size of the whole file, as announced.
    pub size_bytes: u64,
    /// What it became.
    pub media_id: Option<MediaId>,
    /// When it is forgotten.
    pub expires_at: DateTime<Utc>,
}

impl MediaStore {
    /// How far the caller's upload of this name is.
    pub async fn upload(&self, caller: Caller, upload_id: &str) -> Result<Upload> {
        let missing = || not_found(upload_id);
        let found = self.store.upload(caller.user, upload_id).await?.ok_or_else(missing)?;
        let expires_at = found.expires_at;
        if expires_at <= self.clock.now() {
            return Err(missing());
        }
        let (received_bytes, media_id) = match &found.stored_as {
            Some(file) => match self.files.flushed_size(file).await {
                Ok(size) => (size.min(found.size_bytes), None),
                Err(FileError::Gone) => return Err(missing()),
                Err(problem) => return Err(file_error(problem)),
            },
            None => {
                let media_id: MediaId = found.media_id.parse().map_err(|_| missing())?;
                self.store.media(caller.user, &media_id).await?.ok_or_else(missing)?;
                (found.size_bytes, Some(media_id))
            }
        };
        let (upload_id, size_bytes) = (found.upload_id, found.size_bytes);
        Ok(Upload { upload_id, received_bytes, size_bytes, media_id, expires_at })
    }

    /// Receives the rest of a file, or all of it, and keeps what came if there is no end.
    pub(super) async fn receive_resumable(
        &self,
        caller: Caller,
        info: UploadInfo,
        size: u64,
        expected: Option<&MediaId>,
        field: &'static str,
        bytes: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<Received> {
        let (mut ended, place) = self.streams.take_over(caller.user, &info.upload_id);
        let mut found = self.store.upload(caller.user, &info.upload_id).await?;
        if let Some(old) = found.take_if(|found| found.expires_at <= self.clock.now()) {
            self.drop_upload(&old).await?;
        }
        if let Some(found) = &found {
            is_same(found, &info, size)?;
            if let Ok(media_id) = found.media_id.parse()
                && let Some(stored) = self.there_already(caller, &media_id).await?
            {
                return self.received(stored, &info, true).await;
            }
        }
        let receive = async {
            let receiving = self.open(caller, Some(size), field).await?.resumable();
            let Ok(place) = timeout(LETTING_GO, place.lock_owned()).await else { return Err(still_written(&info)) };
            let (upload, mut file) = self.opened(caller, &info, size, found).await?;
            file.hold(place);
            Ok::<_, Error>((upload, receiving.bytes(file, bytes).await))
        };
        let (upload, outcome) = tokio::select! {
            biased;
            _ = &mut ended => return Err(overtaken(&info)),
            received = receive => received?,
        };
        let stored = match outcome {
            Ok(complete) => self.finish(caller, &info, expected, field, complete).await,
            Err(problem) => Err(problem),
        };
        match stored {
            Ok(received) => {
                let media_id = received.media.stored.media_id.as_str();
                self.store.finish_upload(upload.id, media_id, self.clock.now() + KEPT).await?;
                Ok(received)
            }
            Err(problem) => {
                if ends_upload(&problem) {
                    self.drop_upload(&upload).await?;
                }
                Err(problem)
            }
        }
    }

    async fn finish(
        &self,
        caller: Caller,
        info: &UploadInfo,
        expected: Option<&MediaId>,
        field: &'static str,
        complete: Complete,
    ) -> Result<Received> {
        self.is_announced(expected, &complete)?;
        let (stored, existed) = self.add(caller, info.file_name.clone(), complete, field).await?;
        self.received(stored, info, existed).await
    }

    /// The file of an upload: the one that is there, cut off at the offset, or a new one.
    async fn opened(
        &self,
        caller: Caller,
        info: &UploadInfo,
        size: u64,
        found: Option<StoredUpload>,
    ) -> Result<(StoredUpload, Incoming)> {
        let expires_at = self.clock.now() + KEPT;
        if let Some(old) = &found
            && let Some(name) = &old.stored_as
            && let Some(file) = self.let_go(name, info, size).await?
        {
            if self.store.prolong_upload(old.id, expires_at).await? {
                return Ok((StoredUpload { expires_at, ..old.clone() }, file));
            }
            return Err(overtaken(info));
        }
        if info.offset > 0 {
            return Err(behind(info, 0));
        }
        let mut file = self.files.begin(Some(size)).await.map_err(file_error)?;
        let new = StoredUpload {
            id: 0,
            wp_user_id: caller.user,
            upload_id: info.upload_id.clone(),
            stored_as: Some(file.keep()),
            size_bytes: size,
            sha256: info.sha256.to_ascii_lowercase(),
            media_id: String::new(),
            expires_at,
        };
        // While its row is missing nobody else knows the file: if this fails, it is swept.
        match self.store.begin_upload(new, found).await? {
            Some(upload) => Ok((upload, file)),
            None => {
                file.forget();
                Err(overtaken(info))
            }
        }
    }

    /// Opens the file of an upload, which another core may still write. `None` when it is gone.
    async fn let_go(&self, name: &str, info: &UploadInfo, size: u64) -> Result<Option<Incoming>> {
        for _ in 0..LOOKS {
            let stored = match self.files.size(name).await {
                Ok(stored) => stored,
                Err(FileError::Gone) => return Ok(None),
                Err(problem) => return Err(file_error(problem)),
            };
            if let Some(file) = self.files.resume(name, info.offset, size).await.map_err(file_error)? {
                return Ok(Some(file));
            }
            // A stream that is ending may still write what came.
            if info.offset > stored && !self.files.is_written(name).await.map_err(file_error)? {
                return Err(behind(info, self.files.size(name).await.unwrap_or(0)));
            }
            sleep(LOOK).await;
        }
        Err(still_written(info))
    }

    /// Bytes of the user's unfinished uploads that nobody is sending. Those that were continued longest ago are removed
    /// where they are too many, or would leave no room for `size` bytes more.
    pub(super) async fn unfinished_bytes(&self, user: UserId, size: u64, used: u64) -> Result<u64> {
        let mut waiting = Vec::new();
        for upload in self.store.unfinished_uploads(user).await? {
            let Some(name) = &upload.stored_as else { continue };
            // In this process, or in another one.
            let is_running =
                self.streams.is_running(&upload) || self.files.is_written(name).await.map_err(file_error)?;
            if !is_running {
                let bytes = self.files.size(name).await.unwrap_or(0);
                waiting.push((upload, bytes));
            }
        }
        let mut total: u64 = waiting.iter().map(|(_, bytes)| bytes).sum();
        let mut left = waiting.len();
        for (upload, bytes) in waiting {
            let fits = used.saturating_add(total).saturating_add(size) <= self.settings.quota_bytes;
            if fits && left < MOST_UNFINISHED {
                break;
            }
            self.drop_upload(&upload).await?;
            (total, left) = (total - bytes, left - 1);
        }
        Ok(total)
    }

    /// Forgets uploads whose time is over. Returns how many.
    pub(super) async fn expire_uploads(&self, batch: u32) -> Result<usize> {
        let now = self.clock.now();
        let mut forgotten = 0;
        for upload in self.store.uploads_due(now, batch).await? {
            let is_written = match &upload.stored_as {
                Some(name) => self.files.is_written(name).await.map_err(file_error)?,
                None => false,
            };
            if is_written {
                // A stream of more than a day.
                self.store.prolong_upload(upload.id, now + KEPT).await?;
            } else {
                self.drop_upload(&upload).await?;
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }

    /// Forgets an upload with its bytes, unless somebody continued it meanwhile.
    async fn drop_upload(&self, upload: &StoredUpload) -> Result<()> {
        if self.store.forget_upload(upload).await?
            && let Some(name) = &upload.stored_as
        {
            self.remove_file(name).await;
        }
        Ok(())
    }
}

/// Whether an upload cannot be continued after this.
fn ends_upload(problem: &Error) -> bool {
    matches!(problem, Error::Invalid { reason: Reason::RuleViolation | Reason::MediaHashMismatch, .. })
}

/// Refuses another file under the name of an upload.
fn is_same(found: &StoredUpload, info: &UploadInfo, size: u64) -> Result<()> {
    let other = |field, was: String, measured: String| {
        let limit = format!("upload {} was begun with {was}", found.upload_id);
        Err(malformed(field, measured, &limit, "give another file an upload_id of its own"))
    };
    if found.size_bytes != size {
        return other("info.size_bytes", format!("{} bytes", found.size_bytes), format!("{size} bytes"));
    }
    let is_other_hash = !info.sha256.is_empty() && !info.sha256.eq_ignore_ascii_case(&found.sha256);
    if is_other_hash && !found.sha256.is_empty() {
        return other("info.sha256", format!("the SHA-256 {}", found.sha256), info.sha256.clone());
    }
    Ok(())
}

fn not_found(upload_id: &str) -> Error {
    let id = upload_id.chars().take(MAX_UPLOAD_ID).collect();
    Error::NotFound { reason: Reason::UploadNotFound, kind: "upload", id }
}

fn behind(info: &UploadInfo, stored: u64) -> Error {
    let UploadInfo { upload_id, offset, .. } = info;
    Error::Precondition {
        reason: Reason::UploadOffsetInvalid,
        subject: format!("upload {upload_id}"),
        message: format!(
            "{stored} bytes of upload {upload_id} are stored on this core, and the call begins at byte {offset}"
        ),
        remedy: "ask GetUpload for received_bytes and continue there; begin at 0 if there is no such upload".into(),
    }
}

fn still_written(info: &UploadInfo) -> Error {
    Error::Unavailable {
        reason: Reason::UploadIncomplete,
        message: format!("another stream or core still writes upload {}; what it has is kept", info.upload_id),
        retry_after: Duration::from_secs(5),
    }
}

fn overtaken(info: &UploadInfo) -> Error {
    Error::Conflict { message: format!("another call continues upload {}", info.upload_id) }
}

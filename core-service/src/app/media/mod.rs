//! Uploaded videos, as their owners see them: upload, get, list, delete, and copies of videos by URL.
//!
//! Guaranteed:
//! - A successful upload is stored durably: the file is flushed, its row committed. An interrupted one leaves nothing, or can be
//!   continued if it has a name ([`resumable`]).
//! - The same bytes of the same user are one upload, so repeating an upload is harmless.
//! - An upload is kept as long as a post or a video job needs it, and is removed afterwards ([`tidy`]).
//! - One user never sees, uses or counts another's uploads.

mod announcement;
mod copies;
mod probe;
mod receive;
mod resumable;
mod tidy;
mod upload_slots;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

pub use self::{
    announcement::UploadInfo,
    probe::{Named, Probed},
    receive::Received,
    resumable::Upload,
};
use super::{Broken, Caller, Error, Result, platforms::Platforms, row_token};
use crate::{
    clock::Clock,
    domain::{
        failure::Reason,
        ids::UserId,
        media::{Checked, KeepPolicy, Kept, MediaFacts, MediaId, check},
        platform::Platform,
        violation::{MEDIA_ID_FIELD, Violation},
    },
    media::{
        Prober,
        files::{FileError, Files},
        pull::PublicAddress,
    },
    store::{
        Store,
        media::{NeededBy, Settled, StoredMedia},
    },
};

/// The bytes of an upload as they come. Ends with an error, never early.
pub type MediaBytes = futures_util::stream::BoxStream<'static, std::io::Result<bytes::Bytes>>;

/// Most uploads of a page.
const MAX_PAGE: u32 = 100;

/// Settings of uploads.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    /// Bytes that all uploads of one user may have together (`AURAREELS_MEDIA_QUOTA_BYTES`).
    pub quota_bytes: u64,
    /// How long uploads are kept that no post needs.
    pub keep: KeepPolicy,
    /// How long an upload may send nothing.
    pub idle: Duration,
    /// How long before its time a post may be prepared: platforms may fetch its video from then on.
    pub prepare_lead: TimeDelta,
}

/// The uploads of all users.
#[derive(Clone)]
pub struct MediaStore {
    store: Store,
    clock: Clock,
    platforms: Platforms,
    prober: Arc<Prober>,
    files: Files,
    address: PublicAddress,
    upload_slots: upload_slots::UploadSlots,
    streams: resumable::Streams,
    copies: copies::Running,
    settings: MediaSettings,
}

/// The parts of a media store.
pub struct MediaStoreParts {
    /// Rows.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// The platforms whose rules uploads are checked against.
    pub platforms: Platforms,
    /// Videos by URL.
    pub prober: Arc<Prober>,
    /// Files.
    pub files: Files,
    /// This core's public address.
    pub address: PublicAddress,
    /// Settings.
    pub settings: MediaSettings,
}

/// An upload as its owner sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// The row.
    pub stored: StoredMedia,
    /// How it fits each platform.
    pub checks: Vec<(Platform, Checked)>,
    /// When it is removed; `None` while a post or a video job needs it.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A page of uploads.
#[derive(Clone, Debug, PartialEq)]
pub struct MediaPage {
    /// The uploads, newest first.
    pub media: Vec<Media>,
    /// Where the next page starts.
    pub next_page_token: Option<String>,
    /// Bytes of all uploads of the user.
    pub used_bytes: u64,
    /// Bytes they may have together.
    pub quota_bytes: u64,
}

impl MediaStore {
    /// The store over these parts.
    pub fn new(parts: MediaStoreParts) -> Self {
        let MediaStoreParts { store, clock, platforms, prober, files, address, settings } = parts;
        Self {
            store,
            clock,
            platforms,
            prober,
            files,
            address,
            upload_slots: upload_slots::UploadSlots::default(),
            streams: resumable::Streams::default(),
            copies: copies::Running::default(),
            settings,
        }
    }

    /// The caller's upload with this id.
    pub async fn get(&self, caller: Caller, media_id: &str) -> Result<Media> {
        let stored = self.find(caller.user, media_id).await?;
        self.shown(stored).await
    }

    /// A page of the caller's uploads, newest first.
    pub async fn list(&self, caller: Caller, page_size: u32, page_token: Option<&str>) -> Result<MediaPage> {
        if page_size == 0 || page_size > MAX_PAGE {
            let limit = "1 to 100 uploads a page";
            return Err(malformed("page_size", page_size.to_string(), limit, "ask for fewer, and page"));
        }
        let before = row_token::read(page_token)?;
        let mut found = self.store.list_media(caller.user, before, page_size + 1).await?;
        let more = found.len() > page_size as usize;
        found.truncate(page_size as usize);
        let next_page_token = found.last().filter(|_| more).map(|last| row_token::after(last.id));
        let mut media = Vec::with_capacity(found.len());
        for stored in found {
            media.push(self.shown(stored).await?);
        }
        let used_bytes = self.store.media_bytes(caller.user).await?;
        Ok(MediaPage { media, next_page_token, used_bytes, quota_bytes: self.settings.quota_bytes })
    }

    /// Removes the caller's upload at once.
    pub async fn delete(&self, caller: Caller, media_id: &str) -> Result<()> {
        let Ok(id) = media_id.parse::<MediaId>() else { return Err(not_found(media_id)) };
        match self.store.delete_media(caller.user, &id).await? {
            Settled::Removed(file) => {
                self.remove_file(&file).await;
                Ok(())
            }
            Settled::Needed(by) => Err(Error::Precondition {
                reason: Reason::MediaInUse,
                subject: format!("media {id}"),
                message: format!("{by} needs the uploaded video"),
                remedy: match by {
                    NeededBy::Post(_) => {
                        "cancel that post first, or leave the upload: it is removed when no post needs it".into()
                    }
                    NeededBy::VideoJob(_) => "delete that video job first, or give it another video".into(),
                },
            }),
            Settled::Stays | Settled::Gone => Err(not_found(media_id)),
        }
    }

    /// Facts about a user's upload, for the check of a post.
    pub(in crate::app) async fn facts(&self, user: UserId, media_id: &str) -> Result<MediaFacts> {
        Ok(self.find(user, media_id).await?.facts)
    }

    /// Whether platforms can fetch uploads from this core.
    pub(in crate::app) fn has_public_address(&self) -> bool {
        self.address.is_known()
    }

    /// The upload behind a public address; `None` unless a platform may fetch it now.
    pub async fn to_fetch(&self, pull_token: &str) -> Result<Option<StoredMedia>> {
        let until = self.clock.now() + self.settings.prepare_lead;
        Ok(self.store.media_to_fetch(pull_token, until).await?)
    }

    /// Where the file of an upload is, if it is on this machine.
    pub async fn local_path(&self, media: &StoredMedia) -> Option<std::path::PathBuf> {
        self.files.local_path(&media.stored_as).await
    }

    /// The bytes of an upload from `first` to `last`, both included; `None` when they are gone.
    pub async fn bytes_of(&self, media: &StoredMedia, first: u64, last: u64) -> Result<Option<MediaBytes>> {
        match self.files.stream(&media.stored_as, first, last).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(FileError::Gone) => Ok(None),
            Err(problem) => Err(file_error(problem)),
        }
    }

    async fn find(&self, user: UserId, media_id: &str) -> Result<StoredMedia> {
        let Ok(id) = media_id.parse::<MediaId>() else { return Err(not_found(media_id)) };
        self.store.media(user, &id).await?.ok_or_else(|| not_found(media_id))
    }

    async fn shown(&self, stored: StoredMedia) -> Result<Media> {
        let uses = self.store.media_uses(stored.wp_user_id, &stored.media_id).await?;
        let expires_at = match self.settings.keep.kept(stored.uploaded_at, &uses) {
            Kept::WhileNeeded => None,
            Kept::Until(_) if self.store.is_media_of_job(stored.wp_user_id, &stored.media_id).await? => None,
            Kept::Until(until) => Some(until),
        };
        Ok(Media { checks: self.checks(MEDIA_ID_FIELD, &stored.facts), expires_at, stored })
    }

    /// Checks a video against the rules of every platform.
    fn checks(&self, field: &'static str, facts: &MediaFacts) -> Vec<(Platform, Checked)> {
        self.platforms.rules().map(|(platform, rules)| (platform, check(field, facts, rules))).collect()
    }

    /// Removes a file whose row is gone. One that cannot be removed now is swept later.
    async fn remove_file(&self, name: &str) {
        if let Err(problem) = self.files.remove(name).await {
            tracing::warn!(error = &problem as &dyn std::error::Error, "cannot remove the file of an upload");
        }
    }
}

/// The error for an upload that does not exist or is not the caller's.
fn not_found(media_id: &str) -> Error {
    let id = media_id.chars().take(80).collect();
    Error::NotFound { reason: Reason::MediaNotFound, kind: "media", id }
}

fn malformed(field: &'static str, measured: impl Into<String>, limit: &str, remedy: &str) -> Error {
    let measured = measured.into();
    let message = format!("{field} is {measured}; {limit}");
    let (limit, remedy) = (limit.to_owned(), remedy.to_owned());
    refused(Reason::InvalidField, Violation { field, rule: "FIELD_MALFORMED", measured, limit, remedy, message })
}

fn refused(reason: Reason, violation: Violation) -> Error {
    Error::Invalid { reason, broken: vec![Broken { account: None, violation }] }
}

/// The error for a file that cannot be written or read. The cause is for the operator and is logged.
fn file_error(problem: FileError) -> Error {
    match problem {
        FileError::Full { .. } => {
            tracing::error!(error = &problem as &dyn std::error::Error, "an upload was refused");
            Error::Exhausted {
                reason: Reason::DiskFull,
                subject: "the disk of the core".into(),
                message: "the core's disk is full, so the video was not kept; its operator has to make room".into(),
                retry_at: None,
            }
        }
        FileError::Gone | FileError::Io(_) | FileError::Bucket { .. } => {
            tracing::error!(error = &problem as &dyn std::error::Error, "uploads cannot be kept or read");
            let message = match &problem {
                FileError::Bucket { .. } => format!("{problem}; the operator looks with `aurareels doctor`"),
                _ => "the core's data directory cannot be used for now".into(),
            };
            let retry_after = Duration::from_secs(30);
            Error::Unavailable { reason: Reason::StoreUnavailable, message, retry_after }
        }
    }
}

//! Receiving a video: from a caller's stream, or from a URL of which a copy is to be kept.
//!
//! An upload is refused as early as possible: by its announced size, by its first bytes, by the quota. The quota is
//! checked three times: against the announced size, against the bytes received, and finally in the transaction that
//! adds the row.

use std::{ops::Range, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use url::Url;

use super::{
    Caller, Error, MediaFacts, MediaId, MediaStore, Result, StoredMedia,
    announcement::{MAX_FILE_NAME, UploadInfo, announced_hash, size_of_resumable},
    file_error, refused, upload_slots,
};
use crate::{
    domain::{
        failure::Reason,
        media::{Comparison, VIDEO_CHANGED, VideoVersion},
        violation::{VIDEO_URL_FIELD, Violation, Warning},
    },
    media::{
        MediaStream, Probe, ProbeError, SAMPLED_WHOLE,
        files::{Complete, FileError, Incoming},
        refuse_other_files,
    },
    secret::Secret,
    store::{
        media::{Added, NewMedia},
        uploads::StoredUpload,
    },
};

/// The field of the stream that carries the bytes.
pub(super) const CHUNK_FIELD: &str = "chunk";

/// Bytes needed to recognise a file's format.
const HEAD: usize = 512;

/// An upload that is there now.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The upload.
    pub media: super::Media,
    /// The same bytes were there already.
    pub existed: bool,
    /// What is odd about it.
    pub warnings: Vec<Warning>,
}

/// An upload in progress.
pub(super) struct Receiving<'a> {
    media_store: &'a MediaStore,
    caller: Caller,
    announced: Option<u64>,
    /// Largest file that any platform takes.
    largest: u64,
    /// Bytes that the user's running uploads may take together.
    room: u64,
    slot: upload_slots::UploadSlot,
    /// What came is kept when there is no end.
    is_resumable: bool,
    /// The field that violations are about.
    field: &'static str,
}

impl MediaStore {
    /// How long an upload may send nothing.
    pub fn idle(&self) -> Duration {
        self.settings.idle
    }

    /// The error for one that sent nothing for so long.
    pub fn stalled(&self) -> Error {
        let seconds = self.settings.idle.as_secs();
        Error::Unavailable {
            reason: Reason::UploadIncomplete,
            message: format!(
                "the upload brought nothing for {seconds} s and was given up; an upload with an upload_id can be continued, of \
                 others nothing was kept"
            ),
            retry_after: Duration::from_secs(1),
        }
    }

    /// Receives a video. Returns when it is safely stored.
    pub async fn receive(
        &self,
        caller: Caller,
        info: UploadInfo,
        bytes: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<Received> {
        let expected = announced_hash(&info)?;
        let resumed = size_of_resumable(&info)?;
        if let Some(id) = &expected
            && let Some(stored) = self.there_already(caller, id).await?
        {
            return self.received(stored, &info, true).await;
        }
        if let Some(size) = resumed {
            return self.receive_resumable(caller, info, size, expected.as_ref(), CHUNK_FIELD, bytes).await;
        }
        let receiving = self.open(caller, info.size_bytes, CHUNK_FIELD).await?;
        let file = self.files.begin(info.size_bytes).await.map_err(file_error)?;
        let complete = receiving.bytes(file, bytes).await?;
        self.is_announced(expected.as_ref(), &complete)?;
        let (stored, existed) = self.add(caller, info.file_name.clone(), complete, CHUNK_FIELD).await?;
        self.received(stored, &info, existed).await
    }

    /// Compares the hash of a complete file with the announced one.
    pub(super) fn is_announced(&self, expected: Option<&MediaId>, complete: &Complete) -> Result<()> {
        if let Some(expected) = expected.filter(|expected| *expected != complete.media_id()) {
            let limit = expected.as_str().to_owned();
            let measured = complete.media_id().as_str().to_owned();
            let message = format!("the bytes that came have the SHA-256 {measured}, announced was {limit}");
            let remedy = "upload the file again; if it changed meanwhile, with its new hash".to_owned();
            let violation =
                Violation { field: "info.sha256", rule: "MEDIA_HASH_MISMATCH", measured, limit, remedy, message };
            return Err(refused(Reason::MediaHashMismatch, violation));
        }
        Ok(())
    }

    /// Keeps a copy of the video behind a URL, of the version that was probed. The copy is an upload like any other.
    pub(in crate::app) async fn keep_copy(&self, caller: Caller, url: &Url) -> Result<(MediaId, MediaFacts)> {
        // What the post was checked by: a link that works once has been used up by it.
        let seen = self.prober.probe(url).await.ok();
        let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
        let name: String = name.chars().take(MAX_FILE_NAME).collect();
        if let Some(seen) = seen.as_ref().filter(|seen| seen.version.has_strong_name()) {
            return self.continue_copy(caller, url, seen, name).await;
        }
        let opened = match &seen {
            Some(seen) => self.open_again(url, seen, None).await,
            None => self.prober.open_stream(url, None).await.map(|stream| (url, stream)),
        };
        let (source, stream) = opened.map_err(|problem| not_taken(problem, VIDEO_URL_FIELD))?;
        let receiving = self.open(caller, Some(stream.length()), VIDEO_URL_FIELD).await?;
        let file = self.files.begin(receiving.announced).await.map_err(file_error)?;
        let mut complete = receiving.bytes(file, self.source(source, stream, 0)).await?;
        let is = complete.identity().await.map_err(file_error)?;
        // A file that was only seen from its front says nothing of the rest.
        let seen = seen.as_ref().and_then(|seen| seen.version.identity.as_ref());
        if seen.is_some_and(|seen| seen.starts_with(SAMPLED_WHOLE) && is.as_ref() != Some(seen)) {
            return Err(not_taken(self.prober.replaced(url), VIDEO_URL_FIELD));
        }
        let (stored, _) = self.add(caller, name, complete, VIDEO_URL_FIELD).await?;
        Ok((stored.media_id, stored.facts))
    }

    /// Keeps a copy of a file whose versions have names: an upload with a name of its own, continued where an earlier copy
    /// of the same version ended. One that was finished within a day is not fetched again.
    async fn continue_copy(
        &self,
        caller: Caller,
        url: &Url,
        seen: &Probe,
        file_name: String,
    ) -> Result<(MediaId, MediaFacts)> {
        let (upload_id, size) = (name_of_copy(url, &seen.version), seen.version.size_bytes);
        let found = self.store.upload(caller.user, &upload_id).await?;
        let offset = match found.filter(|found| found.expires_at > self.clock.now()) {
            Some(StoredUpload { stored_as: Some(name), .. }) => self.files.size(&name).await.unwrap_or(0).min(size),
            Some(StoredUpload { media_id, .. }) => {
                if let Ok(media_id) = media_id.parse()
                    && let Some(stored) = self.there_already(caller, &media_id).await?
                {
                    return Ok((stored.media_id, stored.facts));
                }
                0
            }
            None => 0,
        };
        let bytes = if offset == size {
            // All of it had come.
            stream::empty().left_stream()
        } else {
            let part = (offset > 0).then_some(offset..size);
            let opened = self.open_again(url, seen, part).await.and_then(|(source, stream)| {
                match stream.version().compare(&seen.version) {
                    Comparison::Same => Ok((source, stream)),
                    Comparison::Different | Comparison::Unproven => {
                        let message = "the video's host does not name the version that it sends any more".into();
                        Err(ProbeError::Unreachable { message })
                    }
                }
            });
            let (source, stream) = opened.map_err(|problem| not_taken(problem, VIDEO_URL_FIELD))?;
            self.source(source, stream, offset).right_stream()
        };
        let info = UploadInfo { file_name, size_bytes: Some(size), upload_id, offset, ..UploadInfo::default() };
        let received = self.receive_resumable(caller, info, size, None, VIDEO_URL_FIELD, bytes).await?;
        Ok((received.media.stored.media_id, received.media.stored.facts))
    }

    /// The bytes of a file behind a URL from `offset` on, of which `stream` is opened.
    fn source(
        &self,
        url: &Url,
        stream: MediaStream,
        offset: u64,
    ) -> impl Stream<Item = Result<Bytes>> + Send + use<'_> {
        self.prober.continued(url.clone(), stream, offset).map(|chunk| {
            chunk.map_err(|broken| Error::Unavailable {
                reason: Reason::MediaUnreachable,
                message: broken.to_string(),
                retry_after: Duration::from_secs(30),
            })
        })
    }

    /// Opens the probed file at its final URL: a one-time link has been used up by the probe. The link itself is tried
    /// only if that fails.
    async fn open_again<'a>(
        &self,
        url: &'a Url,
        seen: &'a Probe,
        part: Option<Range<u64>>,
    ) -> std::result::Result<(&'a Url, MediaStream), ProbeError> {
        match self.prober.open_same(&seen.final_url, part.clone(), &seen.version).await {
            Err(ProbeError::Refused(violation)) if seen.final_url != *url && violation.rule != VIDEO_CHANGED => {
                Ok((url, self.prober.open_same(url, part, &seen.version).await?))
            }
            opened => Ok((&seen.final_url, opened?)),
        }
    }

    /// The upload with these bytes, if it is there with its file; it counts as uploaded again.
    pub(super) async fn there_already(&self, caller: Caller, id: &MediaId) -> Result<Option<StoredMedia>> {
        let Some(stored) = self.store.media(caller.user, id).await? else { return Ok(None) };
        if !self.has_file(&stored).await? {
            return Ok(None);
        }
        let touched = self.store.media_uploaded_again(caller.user, id, self.clock.now()).await?;
        Ok(touched.then_some(stored))
    }

    async fn has_file(&self, stored: &StoredMedia) -> Result<bool> {
        match self.files.size(&stored.stored_as).await {
            Ok(size) => Ok(size == stored.facts.size_bytes),
            Err(FileError::Gone) => Ok(false),
            Err(problem) => Err(file_error(problem)),
        }
    }

    /// Checks whether an upload of this size may begin.
    pub(super) async fn open(
        &self,
        caller: Caller,
        announced: Option<u64>,
        field: &'static str,
    ) -> Result<Receiving<'_>> {
        let largest = self.platforms.rules().map(|(_, rules)| rules.max_size_bytes).max().unwrap_or(0);
        let slot = self.upload_slots.enter(caller.user).ok_or_else(|| Error::Exhausted {
            reason: Reason::MediaQuotaExceeded,
            subject: format!("uploads at once of user {}", caller.user),
            message: format!("{} uploads of this user are running already; wait for one to end", upload_slots::MOST),
            retry_at: Some(self.clock.now() + chrono::TimeDelta::seconds(5)),
        })?;
        let used = self.store.media_bytes(caller.user).await?;
        let unfinished = self.unfinished_bytes(caller.user, announced.unwrap_or(0), used).await?;
        let room = self.settings.quota_bytes.saturating_sub(used + unfinished);
        let is_resumable = false;
        let mut receiving =
            Receiving { media_store: self, caller, announced, largest, room, slot, is_resumable, field };
        if let Some(size) = announced {
            receiving.fits(size)?;
        }
        Ok(receiving)
    }

    /// Checks a complete file and adds it to the user's uploads. True when its bytes were there already.
    pub(super) async fn add(
        &self,
        caller: Caller,
        file_name: String,
        mut complete: Complete,
        field: &'static str,
    ) -> Result<(StoredMedia, bool)> {
        let facts = complete.inspect().await.map_err(|problem| not_taken(problem, field))?;
        let media_id = complete.media_id().clone();
        let written = complete.keep(facts.container).await.map_err(file_error)?;
        let new = NewMedia {
            wp_user_id: caller.user,
            media_id,
            file_name,
            stored_as: written.name().to_owned(),
            facts,
            // An unguessable part of a URL.
            pull_token: Secret::random().expose().to_owned(),
        };
        let (quota, now) = (self.settings.quota_bytes, self.clock.now());
        let size = new.facts.size_bytes;
        // When this fails the row may be there all the same: the file then stays until a sweep has asked the rows.
        let discard = match self.store.add_media(new, quota, self.settings.keep.unused, now).await? {
            Added::New(stored) => return Ok((stored, false)),
            Added::Existing(stored) if self.has_file(&stored).await? => Ok((stored, true)),
            // The row lost its file: it gets this one.
            Added::Existing(stored) => {
                if self.store.replace_media_file(&stored, written.name()).await? {
                    return Ok((StoredMedia { stored_as: written.name().to_owned(), ..stored }, true));
                }
                Ok((stored, true))
            }
            Added::OverQuota { used } => Err(over_quota(caller, size, quota, used)),
        };
        if let Err(problem) = written.discard().await {
            tracing::warn!(error = &problem as &dyn std::error::Error, "cannot remove the file of an upload");
        }
        discard
    }

    pub(super) async fn received(&self, stored: StoredMedia, info: &UploadInfo, existed: bool) -> Result<Received> {
        let warnings = odd(info, &stored.facts);
        Ok(Received { media: self.shown(stored).await?, existed, warnings })
    }
}

impl Receiving<'_> {
    /// What comes is kept when there is no end.
    pub(super) fn resumable(self) -> Self {
        Self { is_resumable: true, ..self }
    }

    /// Whether a file of this size is accepted.
    fn fits(&mut self, size: u64) -> Result<()> {
        let broken = |rule, limit: String, remedy: &str, message: String| {
            let (measured, remedy) = (format!("{size} bytes"), remedy.to_owned());
            let violation = Violation { field: self.field, rule, measured, limit, remedy, message };
            refused(Reason::RuleViolation, violation)
        };
        if size == 0 {
            return Err(broken("VIDEO_EMPTY", "a video".into(), "upload the video again", "the file is empty".into()));
        }
        if size > self.largest {
            let limit = format!("up to {} bytes", self.largest);
            let message = format!("the video is {size} bytes or more, allowed is {limit}");
            let remedy = "encode it with a lower bit rate or make it shorter";
            return Err(broken("VIDEO_TOO_LARGE", limit, remedy, message));
        }
        if !self.slot.take(size, self.room) {
            let quota = self.media_store.settings.quota_bytes;
            return Err(over_quota(self.caller, size, quota, quota - self.room));
        }
        Ok(())
    }

    /// Writes what comes.
    pub(super) async fn bytes(
        mut self,
        mut file: Incoming,
        bytes: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<Complete> {
        let begins = file.size() == 0;
        let mut head: Vec<u8> = Vec::new();
        let mut bytes = std::pin::pin!(bytes);
        loop {
            let chunk = match timeout(self.media_store.settings.idle, bytes.next()).await {
                Ok(Some(chunk)) => chunk?,
                Ok(None) => break,
                Err(_) => return Err(self.media_store.stalled()),
            };
            let size = file.size() + chunk.len() as u64;
            if self.announced.is_some_and(|announced| size > announced) {
                return Err(self.other_size(size));
            }
            if !chunk.is_empty() {
                self.fits(size)?;
            }
            if begins && head.len() < HEAD {
                head.extend_from_slice(&chunk[..chunk.len().min(HEAD - head.len())]);
                if head.len() == HEAD {
                    refuse_other_files(&head).map_err(|problem| not_taken(problem, self.field))?;
                }
            }
            file.write(chunk).await.map_err(file_error)?;
        }
        self.end(file).await
    }

    async fn end(mut self, file: Incoming) -> Result<Complete> {
        let size = file.size();
        if self.announced.is_some_and(|announced| announced != size) {
            return Err(self.other_size(size));
        }
        self.fits(size)?;
        file.complete().await.map_err(file_error)
    }

    fn other_size(&self, size: u64) -> Error {
        let announced = self.announced.unwrap_or_default();
        let measured = if size > announced { format!("more than {announced} bytes") } else { format!("{size} bytes") };
        let kept = if self.is_resumable { "what came is kept" } else { "nothing of it was kept" };
        let message = format!("{measured} came, announced were {announced}; {kept}");
        let violation = Violation {
            field: "info.size_bytes",
            rule: "UPLOAD_INCOMPLETE",
            measured,
            limit: format!("{announced} bytes"),
            remedy: if self.is_resumable { "send the rest" } else { "upload the file again" }.into(),
            message,
        };
        refused(Reason::UploadIncomplete, violation)
    }
}

/// The name of the copy of this version of the file behind a URL. No client can give an upload such a name.
fn name_of_copy(url: &Url, version: &VideoVersion) -> String {
    let VideoVersion { size_bytes, etag, .. } = version;
    let named = format!("{url}\n{size_bytes}\n{}", etag.as_deref().unwrap_or_default());
    format!("copy:{}", hex::encode(Sha256::digest(named)))
}

/// Harmless inconsistencies of an upload, as warnings.
fn odd(info: &UploadInfo, facts: &MediaFacts) -> Vec<Warning> {
    let is = facts.container.content_type();
    let given = info.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // The type of a file that nobody looked into.
    if given.is_empty() || given == "application/octet-stream" || given == is {
        return vec![];
    }
    let message = format!("it was announced as {given}, but its bytes are {is}, which counts");
    vec![Warning { code: "CONTENT_TYPE_DIFFERS".into(), field: "info.content_type".into(), message }]
}

fn over_quota(caller: Caller, size: u64, quota: u64, used: u64) -> Error {
    Error::Exhausted {
        reason: Reason::MediaQuotaExceeded,
        subject: format!("uploaded bytes of user {}", caller.user),
        message: format!(
            "the upload has {size} bytes or more, but of {quota} bytes for the uploads of a user {used} are taken; delete \
             uploads that are not needed (ListMedia shows them), or let the operator raise AURAREELS_MEDIA_QUOTA_BYTES"
        ),
        retry_at: None,
    }
}

/// A file that is no video, or that cannot be read.
fn not_taken(problem: ProbeError, field: &'static str) -> Error {
    match problem {
        ProbeError::Refused(violation) => refused(Reason::RuleViolation, Violation { field, ..*violation }),
        ProbeError::Preparing { message } | ProbeError::Unreachable { message } => Error::Unavailable {
            reason: Reason::MediaUnreachable,
            message,
            retry_after: std::time::Duration::from_secs(30),
        },
    }
}

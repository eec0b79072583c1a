//! The video of a post as the platform clients see it: by URL, through the SSRF-guarded prober, or uploaded, from its
//! file. If a post has both, the upload is a copy of the URL's file and takes precedence.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt};
use url::Url;

use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason, describe},
        ids::UserId,
        media::{MediaFacts, MediaId, VIDEO_CHANGED, VideoVersion},
        post::Post,
    },
    media::{
        Prober,
        files::{FileError, Files},
        pull::PublicAddress,
        spool::Spool,
    },
    platform::{Cover, Video, VideoStream},
    store::{Store, media::StoredMedia},
};

/// The source of posts' videos. Cheap to clone.
#[derive(Clone)]
pub struct Videos {
    /// Videos by URL.
    pub prober: Arc<Prober>,
    /// Rows of uploads.
    pub store: Store,
    /// Files of uploads.
    pub files: Files,
    /// The public address at which platforms fetch uploads.
    pub address: PublicAddress,
    /// Files of hosts without range requests.
    pub spool: Spool,
}

impl Videos {
    /// The video that a post names.
    pub fn of<'a>(&'a self, post: &'a Post) -> PostVideo<'a> {
        PostVideo { videos: self, post }
    }
}

impl Videos {
    /// Opens a part of a video behind a URL. Of a host that does not send parts, the whole is fetched once and the parts
    /// are read from there.
    async fn open_url(&self, url: &Url, first: u64, last: u64, version: &VideoVersion) -> Result<VideoStream, Failure> {
        let name = spool_name(url, version);
        if let Some(spooled) = self.spool.read(&name, first, last) {
            return Ok(spooled);
        }
        let stream = self.prober.open_same(url, Some(first..last + 1), version).await.map_err(Failure::from)?;
        let is_all = first == 0 && last + 1 >= stream.version().size_bytes;
        if stream.is_part() || is_all {
            return Ok(stream.map_err(std::io::Error::other).boxed());
        }
        drop(stream);
        let whole = self.prober.open_same(url, None, version).await.map_err(Failure::from)?;
        match self.spool.fetch(&name, whole).await {
            Ok(()) => {}
            Err(problem) => {
                tracing::warn!(error = %describe(&problem), "a video of a host without ranges is fetched once per part");
                let part = self.prober.open_same(url, Some(first..last + 1), version).await.map_err(Failure::from)?;
                return Ok(part.map_err(std::io::Error::other).boxed());
            }
        }
        self.spool.read(&name, first, last).ok_or_else(|| {
            Failure::new(FailureClass::Transient, Reason::MediaUnreachable, "the video's host broke off")
                .with_remedy("nothing to do; it is tried again")
        })
    }
}

/// The key of a spooled file: the link and the file's version.
fn spool_name(url: &Url, version: &VideoVersion) -> String {
    let VideoVersion { size_bytes, etag, last_modified, identity } = version;
    format!("{url} {size_bytes} {etag:?} {last_modified:?} {identity:?}")
}

enum Source<'a> {
    Url(&'a str),
    Upload(UserId, &'a str),
}

/// The video of one post.
pub struct PostVideo<'a> {
    videos: &'a Videos,
    post: &'a Post,
}

impl PostVideo<'_> {
    fn source(&self) -> Source<'_> {
        let content = &self.post.content;
        if content.media_id.is_empty() {
            Source::Url(&content.video_url)
        } else {
            Source::Upload(self.post.wp_user_id, &content.media_id)
        }
    }

    async fn upload(&self, user: UserId, media_id: &str) -> Result<StoredMedia, Failure> {
        let id: MediaId = media_id.parse().map_err(|_| gone())?;
        let found = self.videos.store.media(user, &id).await.map_err(|error| {
            Failure::new(FailureClass::Transient, Reason::StoreUnavailable, error.to_string())
                .with_remedy("nothing to do; it is tried again")
        })?;
        found.ok_or_else(gone)
    }
}

#[async_trait]
impl Video for PostVideo<'_> {
    async fn facts(&self) -> Result<MediaFacts, Failure> {
        match self.source() {
            Source::Url(url) => Ok(self.videos.prober.probe(&parsed(url)?).await.map_err(Failure::from)?.facts),
            Source::Upload(user, media_id) => {
                let media = self.upload(user, media_id).await?;
                let size = self.videos.files.size(&media.stored_as).await.map_err(unreadable)?;
                if size == media.facts.size_bytes { Ok(media.facts) } else { Err(gone()) }
            }
        }
    }

    async fn version(&self) -> Result<VideoVersion, Failure> {
        match self.source() {
            Source::Url(url) => {
                Ok(self.videos.prober.probe_current(&parsed(url)?).await.map_err(Failure::from)?.version)
            }
            Source::Upload(_, media_id) => Ok(VideoVersion::of_upload(media_id, self.facts().await?.size_bytes)),
        }
    }

    async fn open(&self, first: u64, last: u64, version: &VideoVersion) -> Result<VideoStream, Failure> {
        match self.source() {
            Source::Url(url) => self.videos.open_url(&parsed(url)?, first, last, version).await,
            Source::Upload(user, media_id) => {
                is_upload(media_id, version)?;
                let media = self.upload(user, media_id).await?;
                self.videos.files.stream(&media.stored_as, first, last).await.map_err(unreadable)
            }
        }
    }

    async fn verify(&self, version: &VideoVersion) -> Result<(), Failure> {
        match self.source() {
            Source::Url(url) => self.videos.prober.verify(&parsed(url)?, version).await.map_err(Failure::from),
            Source::Upload(_, media_id) => is_upload(media_id, version),
        }
    }

    async fn public_url(&self) -> Result<Url, Failure> {
        match self.source() {
            Source::Url(url) => self.videos.prober.public_url(&parsed(url)?).await.map_err(Failure::from),
            Source::Upload(user, media_id) => {
                let media = self.upload(user, media_id).await?;
                self.videos.address.of(&media.pull_token, media.facts.container).ok_or_else(|| {
                    Failure::new(
                        FailureClass::Permanent,
                        Reason::VideoNotPublic,
                        "the platform fetches the video itself, and this core has no address that it can reach",
                    )
                    .with_remedy("the operator sets AURAREELS_PUBLIC_URL to the core's public address; then RetryPost")
                })
            }
        }
    }

    async fn cover(&self) -> Result<Cover, Failure> {
        let none = || Failure::new(FailureClass::Permanent, Reason::Internal, "the post names no cover picture");
        let url = parsed(self.post.content.thumbnail_url.as_deref().ok_or_else(none)?)?;
        let stream = self.videos.prober.open_stream(&url, None).await.map_err(Failure::from).map_err(of_cover)?;
        let size_bytes = stream.version().size_bytes;
        Ok(Cover { size_bytes, bytes: stream.map_err(std::io::Error::other).boxed() })
    }
}

/// The failure for a cover that cannot be read.
fn of_cover(failure: Failure) -> Failure {
    Failure { message: format!("the cover picture: {}", failure.message), ..failure }
}

fn parsed(url: &str) -> Result<Url, Failure> {
    Url::parse(url).map_err(|_| {
        Failure::new(FailureClass::InvalidMedia, Reason::InvalidField, "the post's video URL is no URL")
            .with_remedy("create the post again with an http(s) URL")
    })
}

/// Whether a version is that of an upload: an edited post may name another video.
fn is_upload(media_id: &str, version: &VideoVersion) -> Result<(), Failure> {
    if *version == VideoVersion::of_upload(media_id, version.size_bytes) {
        return Ok(());
    }
    let failure = Failure::new(FailureClass::Transient, Reason::VideoChanged, "the post names another video by now");
    Err(failure.with_rule(VIDEO_CHANGED).with_remedy("nothing to do: the upload begins anew"))
}

fn gone() -> Failure {
    Failure::new(FailureClass::InvalidMedia, Reason::MediaNotFound, "the uploaded video is not there any more")
        .with_remedy("upload the same file again, then RetryPost")
}

fn unreadable(problem: FileError) -> Failure {
    match problem {
        FileError::Gone => gone(),
        FileError::Full { .. } | FileError::Io(_) | FileError::Bucket { .. } => {
            tracing::error!(error = &problem as &dyn std::error::Error, "an uploaded video cannot be read");
            Failure::new(FailureClass::Transient, Reason::StoreUnavailable, "the uploaded video cannot be read for now")
                .with_remedy(
                    "the operator looks at the core's store of uploads (`aurareels doctor`); it is tried again",
                )
        }
    }
}

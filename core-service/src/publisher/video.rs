//! The video of a post as platforms' clients see it: by URL, through the guarded prober.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt};
use url::Url;

use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        media::MediaFacts,
        post::Post,
    },
    media::{ProbeError, Prober},
    platform::{Video, VideoStream},
};

/// The video of one post.
pub struct PostVideo {
    prober: Arc<Prober>,
    url: String,
}

impl PostVideo {
    /// The video that a post names.
    pub fn new(prober: Arc<Prober>, post: &Post) -> Self {
        Self { prober, url: post.content.video_url.clone() }
    }

    fn url(&self) -> Result<Url, Failure> {
        Url::parse(&self.url).map_err(|_| {
            Failure::new(FailureClass::InvalidMedia, Reason::InvalidField, "the post's video URL is no URL")
                .with_remedy("create the post again with an http(s) URL")
        })
    }
}

#[async_trait]
impl Video for PostVideo {
    async fn facts(&self) -> Result<MediaFacts, Failure> {
        Ok(self.prober.probe(&self.url()?).await.map_err(failure)?.facts)
    }

    async fn open(&self, first: u64, last: u64) -> Result<VideoStream, Failure> {
        let stream = self.prober.open_stream(&self.url()?, Some(first..last + 1)).await.map_err(failure)?;
        Ok(stream.map_err(std::io::Error::other).boxed())
    }

    fn public_url(&self) -> Result<Url, Failure> {
        self.url()
    }
}

/// A video that cannot be read, as a failure of the post.
pub fn failure(error: ProbeError) -> Failure {
    match error {
        ProbeError::Refused(violation) => {
            let reason = match violation.rule {
                "VIDEO_TOO_LARGE" => Reason::VideoTooLarge,
                "VIDEO_FORMAT_INVALID" => Reason::VideoFormatInvalid,
                _ => Reason::VideoNotPublic,
            };
            Failure::new(FailureClass::InvalidMedia, reason, violation.message)
                .with_rule(violation.rule)
                .with_remedy(violation.remedy)
        }
        ProbeError::Unreachable { message } => Failure::new(FailureClass::Transient, Reason::MediaUnreachable, message)
            .with_remedy("make sure that the video's host answers; it is tried again"),
    }
}

//! The video's own picture, set once the video is live: harmless to repeat, and never at the post's cost.
//!
//! <https://developers.google.com/youtube/v3/docs/thumbnails/set>, read 30 November 2026. The picture is streamed from its
//! host.
//!
//! Expected failures: a channel whose phone number is not verified, a Short that is still processed, too many in an hour.

use reqwest::{
    Body, Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use tokio::time::Instant;

use super::{
    Youtube,
    course::name,
    errors::{self, Reply},
    exchange::left,
    options::COVER,
};
use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        ledger::{Evidence, Handle},
    },
    platform::{Call, Cover, Outcome, Step, wire},
};

const PATH: &str = "/upload/youtube/v3/thumbnails/set";

impl Youtube {
    pub(super) async fn set_thumbnail(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let video_id = step.handle.text(name::VIDEO_ID).unwrap_or_default();
        let Cover { size_bytes, bytes } = call.video.cover().await?;
        if size_bytes > COVER.max_size_bytes {
            let message = format!("the cover has {size_bytes} bytes, allowed are {}", COVER.max_size_bytes);
            return Err(Failure::new(FailureClass::InvalidMedia, Reason::InvalidField, message));
        }
        let request = self
            .api(&call.tokens.access, Method::POST, PATH)
            .query(&[("videoId", video_id), ("uploadType", "media")])
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, size_bytes)
            .body(Body::wrap_stream(bytes));
        let reply = Reply::read(wire::exchange(request, left(until)).await);
        let evidence = reply.evidence();
        Ok(match &reply {
            Reply::Value(..) => Outcome::Accepted { handle: Handle::default(), evidence },
            Reply::Refused { status, reason, .. } => self.refused(call, &reply, (*status, reason), evidence),
            Reply::NotSent(_) | Reply::NoAnswer(_) => {
                Outcome::NoEffect { failure: reply.failure(call.view.now), evidence }
            }
        })
    }

    fn refused(&self, call: &Call<'_>, reply: &Reply, told: (u16, &str), evidence: Evidence) -> Outcome {
        let permanent = |message: &str, remedy: &str| {
            Failure::new(FailureClass::Permanent, Reason::PlatformRefused, message)
                .with_rule(told.1)
                .with_remedy(remedy)
        };
        let failure = match told {
            (_, "failedPrecondition") => return Outcome::Pending { check_after: None, evidence },
            (_, "forbidden") => permanent(
                "youtube takes no custom thumbnail from this channel",
                "verify the channel's phone number at youtube.com/verify, then set the picture in YouTube Studio",
            ),
            (_, "invalidImage" | "imageFormatUnsupported" | "imageTooTall" | "imageTooWide" | "mediaBodyRequired") => {
                permanent("youtube does not take the thumbnail", "set another picture in YouTube Studio")
            }
            (429, _) => errors::unavailable("youtube takes no more thumbnails for now"),
            _ => reply.failure(call.view.now),
        };
        Outcome::NoEffect { failure, evidence }
    }
}

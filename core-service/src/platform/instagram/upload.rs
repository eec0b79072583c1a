//! The resumable upload to `rupload.facebook.com` (Facebook Login only), streamed in bounded memory.
//!
//! Guaranteed: the video is never held whole; a stalled source or a stalled connection ends the exchange after
//! [`STALL`]; nothing is sent on once the claim has run out. Uploading shows nothing to anybody.
//!
//! Where an upload's answer is lost, `video_status` of the container may tell how far it came (Meta's own sample reads
//! it: <https://github.com/fbsamples/reels_publishing_apis/pull/60>; the container's reference does not list it). Where it
//! does not tell, the container is left behind as an orphan and a new one is made. So it is where another file took the
//! video's place: all bytes of an upload are of the version that the container was made for.
//!
//! <https://developers.facebook.com/documentation/instagram-platform/content-publishing/resumable-uploads>, read
//! 22 November 2026.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::{StatusCode, header};
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    Instagram,
    course::{SOURCE, name, upload as state},
    errors::unavailable,
    exchange::{Caller, no_container, read_failure},
    wire::{ContainerStatus, UploadError, Uploaded},
};
use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        ledger::{Evidence, Handle},
        media::VideoVersion,
    },
    fault::{self, FaultPoint},
    platform::{
        Call, Outcome, Step, VideoStream, is_replaced,
        meta::graph::{General, GraphReply, is_success},
        wire::{self, Answer, Exchange},
    },
};

/// How long the source may bring nothing, or the connection take nothing.
const STALL: Duration = Duration::from_secs(60);

/// How long the answer may take after the last byte.
const ANSWER: Duration = Duration::from_secs(120);

/// Pieces between the source and the connection.
const PIECES: usize = 4;

impl Instagram {
    pub(super) async fn upload(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let caller = Caller::of(call);
        let offset = step.handle.number(name::OFFSET).and_then(|offset| u64::try_from(offset).ok()).unwrap_or(0);
        let version = match VideoVersion::from_value(step.handle.0.compound(name::VIDEO)) {
            Some(version) => version,
            // An older core made the container: what it may have sent is of a version that nobody knows.
            None if offset > 0 => return Ok(lost(Evidence::new().with("offset", offset))),
            None => call.video.version().await?,
        };
        let total = version.size_bytes;
        if offset >= total {
            // Everything the source has is there already, yet Instagram does not call it complete: another video now?
            return Ok(lost(Evidence::new().with("offset", offset).with("size", total)));
        }
        if offset > 0
            && let Err(failure) = call.video.verify(&version).await
        {
            return unread(failure);
        }
        let source = match call.video.open(offset, total - 1, &version).await {
            Ok(source) => source,
            Err(failure) => return unread(failure),
        };
        let uri = step.handle.text(name::URI).filter(|uri| !uri.is_empty()).ok_or_else(no_container)?;
        let (sender, receiver) = mpsc::channel(PIECES);
        let mut authorization = header::HeaderValue::try_from(format!("OAuth {}", caller.token.expose()))
            .map_err(|_| unavailable("the token cannot be sent in a header".to_owned()))?;
        authorization.set_sensitive(true);
        let request = self
            .uploads
            .post(uri)
            .header(header::AUTHORIZATION, authorization)
            .header("offset", offset)
            .header("file_size", total)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_LENGTH, total - offset)
            .body(reqwest::Body::wrap_stream(ReceiverStream::new(receiver)));
        if !call.lease.holds() {
            return Err(unavailable("the claim on the post ran out before the upload began".to_owned()));
        }
        fault::point(FaultPoint::LeaseChecked, "");
        let exchange = wire::exchange(request, until.saturating_duration_since(Instant::now()));
        tokio::pin!(exchange);
        let fed = tokio::select! {
            // An answer before the last byte is a refusal.
            answer = &mut exchange => return Ok(judge(&caller, answer)),
            fed = feed(call, source, sender, offset, &version) => fed,
        };
        let patience = match fed {
            Ok(()) => ANSWER,
            // The body was broken off: all that is left is to learn what the connection says about it.
            Err(_) => Duration::from_secs(5),
        };
        let answer = tokio::time::timeout(patience, exchange)
            .await
            .unwrap_or_else(|_| Exchange::NoAnswer("no answer to the upload".to_owned()));
        Ok(match (fed, judge(&caller, answer)) {
            (Err(broken), Outcome::Unknown { evidence }) => {
                let evidence = evidence.with(if broken.of_source { SOURCE } else { "line" }, broken.why);
                if broken.is_replaced { lost(evidence) } else { Outcome::Unknown { evidence } }
            }
            (_, outcome) => outcome,
        })
    }

    /// How far an upload came whose answer is missing.
    pub(super) async fn read_offset(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let caller = Caller::of(call);
        let container_id = step.handle.text(name::CONTAINER_ID).ok_or_else(no_container)?;
        let node = match self.container(&caller, container_id, "id,status_code,video_status", until).await? {
            Ok(node) => node,
            // Not a field of this container, or not visible: nothing to continue with.
            Err(reply @ GraphReply::Error(_)) if tells_nothing(&reply) => return Ok(lost(reply.evidence())),
            Err(reply) => {
                return Ok(Outcome::NoEffect { failure: read_failure(&caller, &reply), evidence: reply.evidence() });
            }
        };
        let complete = Outcome::Accepted {
            handle: Handle::default().with(name::UPLOAD_STATE, state::COMPLETE),
            evidence: Evidence::new().with("upload", "complete"),
        };
        Ok(match (node.code(), node.uploaded()) {
            // Ended or done: the status reading that follows says which.
            (
                Some(
                    ContainerStatus::Finished
                    | ContainerStatus::Published
                    | ContainerStatus::Error
                    | ContainerStatus::Expired,
                ),
                _,
            )
            | (_, Some(Uploaded::Everything)) => complete,
            (_, Some(Uploaded::Bytes(bytes))) => Outcome::Accepted {
                handle: Handle::default().with(name::OFFSET, bytes),
                evidence: Evidence::new().with("offset", bytes),
            },
            (Some(ContainerStatus::InProgress) | None, None) => lost(Evidence::new()),
        })
    }
}

/// A refusal that says nothing about the account: the field or the object is not there.
fn tells_nothing(reply: &GraphReply) -> bool {
    match reply {
        GraphReply::Error(error) => {
            matches!(error.general(), General::BadParameter | General::ObjectMissing | General::Unlisted)
        }
        GraphReply::Value(_) | GraphReply::Unreadable(_) | GraphReply::NotSent(_) | GraphReply::NoAnswer(_) => false,
    }
}

/// The upload cannot be continued; a new container is.
fn lost(evidence: Evidence) -> Outcome {
    Outcome::Accepted {
        handle: Handle::default().with(name::UPLOAD_STATE, state::LOST),
        evidence: evidence.with("upload", "cannot be continued"),
    }
}

/// The video cannot be read now. Where another took its place the upload is lost.
fn unread(failure: Failure) -> Result<Outcome, Failure> {
    if is_replaced(&failure) { Ok(lost(Evidence::new().with(SOURCE, failure.message))) } else { Err(failure) }
}

/// Why the body of an upload was broken off.
struct Broken {
    why: String,
    /// The video is at fault, not the way to Instagram.
    of_source: bool,
    /// Another file took the video's place.
    is_replaced: bool,
}

impl Broken {
    fn source(why: impl Into<String>) -> Self {
        Self { why: why.into(), of_source: true, is_replaced: false }
    }

    fn line(why: impl Into<String>) -> Self {
        Self { why: why.into(), of_source: false, is_replaced: false }
    }
}

/// Carries pieces from the source to the connection and says how far they are. The error breaks the body off.
async fn feed(
    call: &Call<'_>,
    mut source: VideoStream,
    sender: mpsc::Sender<io::Result<Bytes>>,
    offset: u64,
    version: &VideoVersion,
) -> Result<(), Broken> {
    let (mut sent, total) = (offset, version.size_bytes);
    loop {
        let piece = match tokio::time::timeout(STALL, source.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(None) if sent == total => return Ok(()),
            Ok(None) => return break_off(sender, Broken::source("the video ended early")).await,
            Ok(Some(Err(error))) => {
                return break_off(sender, Broken::source(format!("the video could not be read: {}", error.kind())))
                    .await;
            }
            Err(_) => return break_off(sender, Broken::source("the video's source stalled")).await,
        };
        if sent + piece.len() as u64 >= total
            && let Err(failure) = call.video.verify(version).await
        {
            let is_replaced = is_replaced(&failure);
            // What came in one piece is not mixed because its host cannot be asked any more.
            if is_replaced || offset > 0 {
                return break_off(sender, Broken { is_replaced, ..Broken::source(failure.message) }).await;
            }
        }
        if !call.lease.holds() {
            return break_off(sender, Broken::line("the claim on the post ran out")).await;
        }
        let length = piece.len() as u64;
        match sender.send_timeout(Ok(piece), STALL).await {
            Ok(()) => {}
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => return Err(Broken::line("the connection stalled")),
            // The other side has gone; its answer says why.
            Err(mpsc::error::SendTimeoutError::Closed(_)) => return Err(Broken::line("the connection closed")),
        }
        sent += length;
        call.progress.uploaded(sent, total);
    }
}

async fn break_off(sender: mpsc::Sender<io::Result<Bytes>>, broken: Broken) -> Result<(), Broken> {
    let _ = sender.send_timeout(Err(io::Error::other(broken.why.clone())), STALL).await;
    Err(broken)
}

/// What the upload host's answer means. It has its own error shape, `debug_info`.
fn judge(caller: &Caller<'_>, exchange: Exchange) -> Outcome {
    let answer = match exchange {
        Exchange::Answered(answer) => answer,
        Exchange::NotSent(why) => {
            return Outcome::NoEffect {
                failure: unavailable("instagram's upload host could not be reached".to_owned()),
                evidence: Evidence::new().with("answer", "not sent").with("network", why),
            };
        }
        Exchange::NoAnswer(why) => {
            return Outcome::Unknown { evidence: Evidence::new().with("answer", "none").with("network", why) };
        }
    };
    let evidence = Evidence::new().with("status", answer.status.as_u16());
    if let Some(UploadError { debug_info }) = answer.json() {
        let evidence = evidence.with("type", debug_info.kind.as_str()).with("retriable", debug_info.retriable);
        return match is_about_the_token(answer.status, &debug_info.kind) {
            true => Outcome::NoEffect { failure: token_refused(caller), evidence },
            false => Outcome::Unknown { evidence },
        };
    }
    let (status, is_yes) = (answer.status, answer.json().is_some_and(|value| is_success(&value)));
    if status.is_success() && is_yes {
        return Outcome::Accepted { handle: Handle::default().with(name::UPLOAD_STATE, state::COMPLETE), evidence };
    }
    graph_refusal(caller, answer).unwrap_or_else(|| match is_about_the_token(status, "") {
        true => Outcome::NoEffect { failure: token_refused(caller), evidence: evidence.clone() },
        false => Outcome::Unknown { evidence },
    })
}

/// The ordinary envelope, should the upload host use it after all: only what says nothing about the bytes.
fn graph_refusal(caller: &Caller<'_>, answer: Answer) -> Option<Outcome> {
    let reply = GraphReply::read(Exchange::Answered(answer));
    let GraphReply::Error(error) = &reply else { return None };
    let is_about_the_caller = matches!(
        error.general(),
        General::Token(_)
            | General::PermissionMissing
            | General::Throttled
            | General::AppSecretProof
            | General::NoCapability
    );
    is_about_the_caller.then(|| Outcome::NoEffect { failure: read_failure(caller, &reply), evidence: reply.evidence() })
}

fn is_about_the_token(status: StatusCode, kind: &str) -> bool {
    status == StatusCode::UNAUTHORIZED
        || kind.contains("OAuth")
        || kind.contains("Authoriz")
        || kind.contains("Authentic")
}

fn token_refused(caller: &Caller<'_>) -> Failure {
    let fits = caller.judge().token_fits_host;
    let class = if fits { FailureClass::AuthExpired } else { FailureClass::Permanent };
    Failure::new(class, Reason::TokenInvalid, "instagram's upload host refuses the token")
        .with_remedy("connect the account again")
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;

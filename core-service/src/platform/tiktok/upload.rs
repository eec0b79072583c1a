//! The upload of a video to the URL of an init: the chunks that cannot publish, and the last one, which does.
//!
//! TikTok takes chunks strictly in order and begins to post when the last byte has arrived (answer 201). So the chunks
//! before it may be sent at any time and repeated. Once the last byte left, an answer that refuses it is TikTok's claim,
//! and everything else but 201 is unknown: the status of the publish id tells.
//! All bytes are of the version of the video that the init was made for. Where another took its place the upload is given
//! up before its last byte and begins anew with a new init.
//! <https://developers.tiktok.com/docs/en/content-posting-api-media-transfer-guide>, read September 2026.

use std::time::Duration;

use reqwest::{
    RequestBuilder, StatusCode,
    header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap},
};
use tokio::time::Instant;
use url::Url;

use super::{
    Tiktok,
    api::{Reply, problem, unreachable},
    course::{self, UPLOAD_DEAD, UPLOAD_LAST, VIDEO},
    errors,
    plan::Plan,
    replies::StatusData,
};
use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        ledger::{Evidence, Handle},
        media::VideoVersion,
    },
    platform::{
        Call, Outcome, Step, is_replaced,
        put::{Put, Sent, claim_lost},
        wire::Exchange,
    },
};

/// Longest PUT of a chunk of 10 MB.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(300);
/// How often in a row a run asks TikTok where it stands after a mismatch or an interruption.
const MAX_RESYNCS: u32 = 2;

/// Evidence of a last byte that TikTok refused as if its URL were dead.
const URL_REFUSED: &str = "url_refused";

/// What a handle says about an upload.
struct Session {
    publish_id: String,
    url: Url,
    content_type: String,
    plan: Plan,
    version: VideoVersion,
}

impl Session {
    fn read(handle: &Handle) -> Option<Self> {
        Some(Self {
            publish_id: handle.text("publish_id")?.to_owned(),
            url: Url::parse(handle.text("upload_url")?).ok()?,
            content_type: handle.text("content_type")?.to_owned(),
            plan: Plan::read(handle)?,
            version: VideoVersion::from_value(handle.0.compound(VIDEO))?,
        })
    }

    /// What is left of an upload that cannot be read: a handle of an older core does not say of which version of the
    /// video its bytes are, and such an upload begins anew.
    fn missing(handle: &Handle) -> Outcome {
        match handle.0.get(VIDEO) {
            None => dead(errors::url_died(), Evidence::new().with("problem", "the version of the video was not kept")),
            Some(_) => broken_handle(),
        }
    }
}

/// Where an upload stands by TikTok's own word.
enum Standing {
    /// So many bytes arrived.
    At(u64),
    /// The status is final.
    Over(Handle, Evidence),
    /// Not to be told now.
    Untold(Outcome),
}

impl Tiktok {
    /// Sends every chunk but the last, or goes on with it.
    pub(super) async fn upload(&self, call: &Call<'_>, step: &Step) -> Outcome {
        let Some(session) = Session::read(&step.handle) else { return Session::missing(&step.handle) };
        let until = Instant::now() + step.timeout;
        let (mut at, mut resyncs) = (0, 0);
        if step.handle.0.get("resume").and_then(|value| value.as_bool()).unwrap_or_default() {
            if let Err(failure) = call.video.verify(&session.version).await {
                return unread(failure, Evidence::new());
            }
            match self.standing(call, &session).await {
                Standing::At(bytes) => at = bytes,
                Standing::Over(handle, evidence) => return Outcome::Accepted { handle, evidence },
                Standing::Untold(outcome) => return outcome,
            }
        }
        let mut evidence = Evidence::new();
        while at < session.plan.last_start() {
            let last = session.plan.end_of_chunk(at);
            let timeout = CHUNK_TIMEOUT.min(until.saturating_duration_since(Instant::now()));
            if timeout.is_zero() {
                return Outcome::Unknown {
                    evidence: problem("the time for the upload ran out").with("uploaded_bytes", at),
                };
            }
            let (request, put) = self.put(&session, at, last, timeout);
            let sent = match put.send(call, request).await {
                Ok(sent) => sent,
                Err(failure) => return unread(failure, evidence),
            };
            let (status, told) = match sent.exchange {
                Exchange::Answered(answer) => (Some(answer.status), answered_range(&answer.headers)),
                Exchange::NotSent(why) => {
                    return Outcome::NoEffect { failure: unreachable(&why), evidence: problem(&why) };
                }
                Exchange::NoAnswer(why) => {
                    evidence = problem(&why).with("uploaded_bytes", at);
                    if let Some(failure) = sent.broken {
                        return Outcome::NoEffect { failure, evidence };
                    }
                    (None, None)
                }
            };
            if let Some(status) = status {
                evidence = Evidence::new().with("http_status", status.as_u16()).with("uploaded_bytes", at);
            }
            match status {
                Some(StatusCode::PARTIAL_CONTENT) if told.is_none_or(|told| told == last || told == last + 1) => {
                    (at, resyncs) = (last + 1, 0);
                    continue;
                }
                Some(StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => return dead(errors::url_died(), evidence),
                Some(StatusCode::BAD_REQUEST) => return Outcome::NoEffect { failure: malformed(), evidence },
                Some(_) | None if resyncs >= MAX_RESYNCS => return Outcome::Unknown { evidence },
                Some(_) | None => resyncs += 1,
            }
            // TikTok stands elsewhere than we do, or did not say: ask where.
            let tried = at;
            at = match self.standing(call, &session).await {
                Standing::At(bytes) => bytes,
                Standing::Over(handle, evidence) => return Outcome::Accepted { handle, evidence },
                Standing::Untold(outcome) => match (outcome, told.and_then(|told| aligned(told, &session.plan))) {
                    (Outcome::NoEffect { failure, .. }, Some(bytes)) if failure.class == FailureClass::Transient => {
                        bytes
                    }
                    (Outcome::NoEffect { failure, .. }, None) if failure.class == FailureClass::Transient => {
                        return Outcome::Unknown { evidence };
                    }
                    (outcome, _) => return outcome,
                },
            };
            if at == tried && status == Some(StatusCode::RANGE_NOT_SATISFIABLE) {
                // In the middle of a chunk by TikTok's count, yet not taken from there: send the whole chunk.
                at = session.plan.start_of_chunk(at);
            }
        }
        Outcome::Accepted {
            handle: Handle::default().with("uploaded", at),
            evidence: evidence.with("uploaded_bytes", at),
        }
    }

    /// Sends the rest of the video: the last chunk, or what is missing of it. The point of no return. Where TikTok turned
    /// out to have everything, nothing is sent: the ledger then says what TikTok said.
    pub(super) async fn upload_last(&self, call: &Call<'_>, step: &Step) -> Outcome {
        let Some(session) = Session::read(&step.handle) else { return Session::missing(&step.handle) };
        let plan = session.plan;
        let first = course::uploaded(&step.handle);
        if first < plan.last_start() || first > plan.size {
            return broken_handle();
        }
        if first == plan.size {
            let evidence = Evidence::new().with("uploaded_bytes", first);
            return Outcome::Accepted { handle: Handle::default(), evidence };
        }
        if !call.lease.holds() {
            return Outcome::NoEffect { failure: claim_lost(), evidence: Evidence::new() };
        }
        let (request, put) = self.put(&session, first, plan.size - 1, step.timeout);
        let put = Put { connector: Some(&self.connector), ..put };
        let Sent { exchange, complete, broken } = match put.send(call, request).await {
            Ok(sent) => sent,
            Err(failure) => return unread(failure, Evidence::new()),
        };
        let answer = match exchange {
            Exchange::Answered(answer) => answer,
            Exchange::NotSent(why) => {
                let failure = if call.lease.holds() { unreachable(&why) } else { claim_lost() };
                return Outcome::NoEffect { failure, evidence: problem(&why) };
            }
            Exchange::NoAnswer(why) if complete => return Outcome::Unknown { evidence: problem(&why) },
            Exchange::NoAnswer(why) => {
                let failure = broken.unwrap_or_else(|| unreachable(&why));
                return unread(failure, problem(&why).with("last_byte_sent", false));
            }
        };
        let evidence = Evidence::new().with("http_status", answer.status.as_u16());
        if !complete {
            // TikTok announced its answer before the last byte was handed over, so it cannot have it.
            let evidence = evidence.with("last_byte_sent", false);
            if matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) {
                return dead(errors::url_died(), evidence);
            }
            let failure = errors::away(format!("TikTok answered the upload with HTTP {}", answer.status.as_u16()));
            return Outcome::NoEffect { failure, evidence };
        }
        match answer.status {
            StatusCode::CREATED => match answered_range(&answer.headers) {
                Some(told) if told + 1 < plan.size => {
                    Outcome::Unknown { evidence: evidence.with("uploaded_bytes", told) }
                }
                Some(_) | None => Outcome::Accepted { handle: Handle::default().with("uploaded", plan.size), evidence },
            },
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                // Once may be an accident on the way; a second time the URL is given up.
                let is_dead = self.was_refused_before(call, &session);
                let evidence =
                    if is_dead { evidence.with(UPLOAD_DEAD, true) } else { evidence.with(URL_REFUSED, true) };
                Outcome::Refused { failure: errors::url_died(), evidence }
            }
            StatusCode::BAD_REQUEST => Outcome::Refused { failure: malformed(), evidence },
            StatusCode::RANGE_NOT_SATISFIABLE => {
                let failure = errors::away("TikTok has another part of the upload than expected");
                Outcome::Refused { failure, evidence }
            }
            _ => Outcome::Unknown { evidence },
        }
    }

    /// Whether TikTok refused the last byte at this URL before.
    fn was_refused_before(&self, call: &Call<'_>, session: &Session) -> bool {
        call.view.ledger.of_attempt(call.view.post.attempt).any(|entry| {
            entry.step == UPLOAD_LAST
                && entry.handle.text("publish_id") == Some(&session.publish_id)
                && entry.evidence.0.contains_key(URL_REFUSED)
        })
    }

    fn put<'a>(&self, session: &'a Session, first: u64, last: u64, timeout: Duration) -> (RequestBuilder, Put<'a>) {
        let Session { url, content_type, plan, version, .. } = session;
        let request = self
            .uploads
            .put(url.clone())
            .header(CONTENT_TYPE, content_type)
            .header(CONTENT_RANGE, format!("bytes {first}-{last}/{}", plan.size));
        (request, Put { connector: None, first, last, total: plan.size, version, timeout })
    }

    /// Asks TikTok where the upload stands.
    async fn standing(&self, call: &Call<'_>, session: &Session) -> Standing {
        let (data, evidence) = match self.fetch_status(call, &session.publish_id).await {
            Reply::Accepted { data, evidence } => (data, evidence),
            Reply::Refused { code, evidence, .. } if code == "invalid_publish_id" => {
                return Standing::Untold(dead(errors::url_died(), evidence));
            }
            Reply::Refused { failure, evidence, .. }
            | Reply::NotSent { failure, evidence }
            | Reply::Unclear { failure, evidence } => return Standing::Untold(Outcome::NoEffect { failure, evidence }),
        };
        let evidence = status_evidence(evidence, &data);
        match data.uploaded_bytes() {
            _ if is_final(&data) => Standing::Over(status_handle(&data).with("uploaded", session.plan.size), evidence),
            Some(bytes) if bytes <= session.plan.size => Standing::At(bytes),
            Some(_) | None => {
                let failure = errors::away("TikTok does not tell how much of the upload arrived");
                Standing::Untold(Outcome::NoEffect { failure, evidence })
            }
        }
    }
}

/// A status that ends the waiting.
pub(super) fn is_final(data: &StatusData) -> bool {
    matches!(data.status.as_str(), course::COMPLETE | course::FAILED | course::INBOX)
}

/// What a final status leaves in the ledger.
pub(super) fn status_handle(data: &StatusData) -> Handle {
    let mut handle = Handle::default().with("status", data.status.as_str());
    if let Some(reason) = data.fail_reason.as_deref().filter(|reason| !reason.is_empty()) {
        handle = handle.with("fail_reason", errors::shown(reason));
    }
    let ids = data.post_ids();
    if ids.is_empty() { handle } else { handle.with("post_ids", ids) }
}

/// What a status reading shows to people.
pub(super) fn status_evidence(evidence: Evidence, data: &StatusData) -> Evidence {
    let mut evidence = evidence.with("status", errors::shown(&data.status));
    if let Some(reason) = data.fail_reason.as_deref().filter(|reason| !reason.is_empty()) {
        evidence = evidence.with("fail_reason", errors::shown(reason));
    }
    if let Some(bytes) = data.uploaded_bytes() {
        evidence = evidence.with("uploaded_bytes", bytes);
    }
    let ids = data.post_ids();
    if ids.is_empty() { evidence } else { evidence.with("post_ids", ids) }
}

/// The reading of `Content-Range`'s number that is the end of a chunk.
fn aligned(told: u64, plan: &Plan) -> Option<u64> {
    [told, told + 1].into_iter().find(|&at| at < plan.size && plan.start_of_chunk(at) == at)
}

fn broken_handle() -> Outcome {
    let failure = errors::internal("the ledger does not hold what this step needs");
    Outcome::NoEffect { failure, evidence: Evidence::new() }
}

/// TikTok's word that the upload URL is of no more use: the next step is a new init.
fn dead(failure: Failure, evidence: Evidence) -> Outcome {
    Outcome::NoEffect { failure, evidence: evidence.with(UPLOAD_DEAD, true) }
}

/// The video cannot be read now. Where another took its place, what was uploaded of the old one is left behind: without
/// its last byte it is never posted.
fn unread(failure: Failure, evidence: Evidence) -> Outcome {
    if is_replaced(&failure) { dead(failure, evidence) } else { Outcome::NoEffect { failure, evidence } }
}

fn malformed() -> Failure {
    Failure::new(FailureClass::InvalidRequest, Reason::PlatformRefused, "TikTok finds a chunk of the upload malformed")
        .with_remedy("report this as a bug")
}

/// The number of the `Content-Range: bytes 0-N/total` that TikTok answers chunks with. Whether N is a count or the last
/// index is not documented, so the caller compares it with what it expects.
fn answered_range(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (_, rest) = range.split_once('-')?;
    rest.split('/').next()?.trim().parse().ok()
}

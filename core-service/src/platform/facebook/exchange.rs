//! The exchanges of a Reel's course: one bounded request each, and what their answers mean.
//!
//! The upload host answers in a shape of its own, `debug_info`. What an upload's answer leaves open is read from the video,
//! so a lost answer costs nothing; all bytes of an upload are of the version that the video was started for.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{FutureExt, future::ready};
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{
    Facebook,
    course::{self, LINK_FOR, LINK_GIVEN_UP, LOST, NOT_FETCHED_AFTER, NOT_TAKEN_AFTER, name, status},
    errors::{self, failure_of, unavailable},
    reading::{self, Reading},
};
use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        ledger::{Entry, Evidence, Handle},
        media::VideoVersion,
    },
    fault::{self, FaultPoint},
    platform::{
        Call, Lookup, Outcome, Step, first_comment, is_replaced,
        meta::{
            comments::{self, Author},
            graph::{GraphReply, is_success},
            left,
            wire::{UploadError, id_text, shaped},
        },
        put::{self, Put, claim_lost},
        wire::{self, Exchange},
    },
    secret::Secret,
};

/// The answer to a start.
#[derive(Deserialize)]
struct Started {
    #[serde(deserialize_with = "id_text")]
    video_id: String,
    upload_url: String,
}

impl Facebook {
    /// Runs a step of the course.
    pub(super) async fn run_step(&self, call: &Call<'_>, step: &Step) -> Outcome {
        let until = Instant::now() + step.timeout;
        // Boxed: of those that wait for their time each takes what its own step needs, not what the largest one does.
        let taken = match step.kind {
            course::START => self.start(call, step, until).boxed(),
            course::UPLOAD => self.upload(call, step, until).boxed(),
            course::FETCH => self.fetch(call, step, until).boxed(),
            course::STATUS => self.read_status(call, step, until).boxed(),
            course::FINISH => self.finish(call, step).boxed(),
            course::PERMALINK => self.read_permalink(call, step, until).boxed(),
            course::FIND_COMMENT => self.find_comment(call, step, until).boxed(),
            course::WRITE_COMMENT => self.write_comment(call, step).boxed(),
            unknown => ready(Err(errors::internal(&format!("facebook has no step `{unknown}`")))).boxed(),
        };
        taken.await.unwrap_or_else(|failure| Outcome::NoEffect { failure, evidence: Evidence::new() })
    }

    async fn start(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let is_upload = step.handle.text(name::TRANSFER) == Some("upload");
        let version = if is_upload { Some(call.video.version().await?) } else { None };
        let path = format!("{}/video_reels", call.view.account.account_id);
        let fields = vec![("upload_phase", "start".to_owned())];
        let request = self.meta.request(&call.tokens.access, Method::POST, &path, fields)?;
        if !call.lease.holds() {
            return Err(claim_lost());
        }
        fault::point(FaultPoint::LeaseChecked, "");
        let reply = GraphReply::read(wire::exchange(request, left(until)).await);
        let evidence = reply.evidence();
        let started = match reply {
            GraphReply::Value(value) => shaped::<Started>(value),
            GraphReply::Unreadable(_) | GraphReply::NoAnswer(_) => None,
            reply @ (GraphReply::Error(_) | GraphReply::NotSent(_)) => {
                return Ok(Outcome::NoEffect { failure: failure_of(&reply, call.view.now), evidence });
            }
        };
        let Some(started) = started else { return Ok(Outcome::Unknown { evidence }) };
        // The token goes there: nobody else may be given it.
        let url = Url::parse(&started.upload_url).ok();
        if url.is_none_or(|url| url.origin() != self.meta.settings.rupload_base.origin()) {
            let failure = Failure::new(
                FailureClass::Permanent,
                Reason::PlatformRefused,
                "facebook named an upload address that is not its upload host",
            );
            return Err(failure.with_remedy("check META_RUPLOAD_BASE_URL"));
        }
        let mut handle = Handle::default()
            .with(name::VIDEO_ID, started.video_id.as_str())
            .with(name::UPLOAD_URL, started.upload_url)
            .with_instant(name::STARTED_AT, call.view.now);
        if let Some(version) = version {
            handle = handle.with(name::VIDEO, version.to_value());
        }
        Ok(Outcome::Accepted { handle, evidence: evidence.with("video_id", started.video_id) })
    }

    /// A request to the address that the start gave.
    fn to_upload_url(&self, call: &Call<'_>, step: &Step) -> Result<RequestBuilder, Failure> {
        let url = step.handle.text(name::UPLOAD_URL).ok_or_else(no_video)?;
        Ok(self.uploads.post(url).header(header::AUTHORIZATION, authorization(&call.tokens.access)?))
    }

    async fn upload(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let offset = step.handle.number(name::OFFSET).and_then(|offset| u64::try_from(offset).ok()).unwrap_or(0);
        let version = VideoVersion::from_value(step.handle.0.compound(name::VIDEO)).ok_or_else(no_video)?;
        let total = version.size_bytes;
        if offset >= total {
            // Everything that the source has is there, yet Facebook does not call it complete.
            return Ok(lost(Evidence::new().with("offset", offset).with("size", total)));
        }
        let request = self
            .to_upload_url(call, step)?
            .header("offset", offset)
            .header("file_size", total)
            .header(header::CONTENT_TYPE, "application/octet-stream");
        let put =
            Put { connector: None, first: offset, last: total - 1, total, version: &version, timeout: left(until) };
        let sent = match put.send(call, request).await {
            Ok(sent) => sent,
            Err(failure) if is_replaced(&failure) => return Ok(lost(put::broken(&failure))),
            Err(failure) => return Err(failure),
        };
        if let Some(broken) = sent.broken {
            return Ok(match is_replaced(&broken) {
                true => lost(put::broken(&broken)),
                false => Outcome::Unknown { evidence: put::broken(&broken) },
            });
        }
        Ok(judge_upload(sent.exchange))
    }

    async fn fetch(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let url = call.video.public_url().await?;
        let mut file_url = header::HeaderValue::try_from(url.as_str())
            .map_err(|_| unavailable("the video's url cannot be sent in a header"))?;
        file_url.set_sensitive(true);
        let request = self.to_upload_url(call, step)?.header("file_url", file_url).header(header::CONTENT_LENGTH, 0);
        if !call.lease.holds() {
            return Err(claim_lost());
        }
        fault::point(FaultPoint::LeaseChecked, "");
        Ok(judge_upload(wire::exchange(request, left(until)).await))
    }

    /// The video's node.
    async fn node(
        &self,
        token: &Secret,
        video_id: &str,
        fields: &str,
        until: Instant,
    ) -> Result<Result<Value, GraphReply>, Failure> {
        match self.meta.get(token, video_id, vec![("fields", fields.to_owned())], until).await? {
            GraphReply::Value(value) => Ok(Ok(value)),
            reply => Ok(Err(reply)),
        }
    }

    /// What the video's status says.
    pub(super) async fn reading(
        &self,
        call: &Call<'_>,
        video_id: &str,
        until: Instant,
    ) -> Result<Result<Reading, GraphReply>, Failure> {
        let node = self.node(&call.tokens.access, video_id, "status", until).await?;
        Ok(node.and_then(|node| reading::read(&node["status"]).ok_or(GraphReply::Unreadable(200))))
    }

    async fn read_status(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let video_id = step.handle.text(name::VIDEO_ID).ok_or_else(no_video)?;
        let now = call.view.now;
        let reading = match self.reading(call, video_id, until).await? {
            Ok(reading) => reading,
            Err(reply) => {
                return Ok(Outcome::NoEffect { failure: failure_of(&reply, now), evidence: reply.evidence() });
            }
        };
        let evidence = Evidence::new().with("status", reading.word());
        let learned = |word: &str, evidence: Evidence| Outcome::Accepted {
            handle: Handle::default().with(name::STATUS, word),
            evidence,
        };
        let pending = |evidence: Evidence| Outcome::Pending { check_after: None, evidence };
        let finished_at = step.handle.instant(name::FINISHED_AT);
        let is_fetched = super::options::is_fetched(&call.view.post.content);
        Ok(match reading {
            Reading::Published => learned(status::PUBLISHED, evidence),
            Reading::Expired => learned(status::EXPIRED, evidence),
            Reading::Failed { code } => {
                let handle = Handle::default().with(name::STATUS, status::FAILED);
                match code {
                    Some(code) => Outcome::Accepted {
                        handle: handle.with(name::CODE, code),
                        evidence: evidence.with("code", code),
                    },
                    None => Outcome::Accepted { handle, evidence },
                }
            }
            Reading::AtWork { .. } if finished_at.is_some() => pending(evidence),
            Reading::Uploaded | Reading::Uploading { .. } if finished_at.is_some() => {
                // It answered that it took the finish, and shows nothing of it.
                match finished_at.is_some_and(|at| now - at > NOT_TAKEN_AFTER) {
                    true => Outcome::Reopened { evidence },
                    false => pending(evidence),
                }
            }
            Reading::Uploaded | Reading::AtWork { uploaded: true } => learned(status::UPLOADED, evidence),
            Reading::AtWork { uploaded: false } => pending(evidence),
            Reading::Uploading { .. } if is_fetched => {
                let since = step.handle.instant(name::STARTED_AT);
                match since.is_some_and(|at| now - at > NOT_FETCHED_AFTER) {
                    true => lost(evidence),
                    false => pending(evidence),
                }
            }
            Reading::Uploading { bytes: Some(bytes) } => Outcome::Accepted {
                handle: Handle::default().with(name::STATUS, status::UPLOADING).with(name::OFFSET, bytes),
                evidence: evidence.with("offset", bytes),
            },
            Reading::Uploading { bytes: None } => lost(evidence),
        })
    }

    /// The point of no return.
    async fn finish(&self, call: &Call<'_>, step: &Step) -> Result<Outcome, Failure> {
        let video_id = step.handle.text(name::VIDEO_ID).ok_or_else(no_video)?;
        let resend = finishes(call, video_id).iter().any(|entry| entry.outcome.is_some());
        let mut fields = vec![
            ("upload_phase", "finish".to_owned()),
            ("video_id", video_id.to_owned()),
            ("video_state", "PUBLISHED".to_owned()),
        ];
        for (field, kept) in [("description", name::CAPTION), ("title", name::TITLE), ("place", name::PLACE)] {
            if let Some(text) = step.handle.text(kept).filter(|text| !text.is_empty()) {
                fields.push((field, text.to_owned()));
            }
        }
        let path = format!("{}/video_reels", call.view.account.account_id);
        let request = self.meta.request(&call.tokens.access, Method::POST, &path, fields)?;
        if !call.lease.holds() {
            return Err(claim_lost());
        }
        let reply =
            GraphReply::read(wire::exchange_at_its_time(&self.connector, request, step.timeout, call.lease).await);
        Ok(match &reply {
            // Taken, which is not yet published.
            GraphReply::Value(value) if is_success(value) => {
                Outcome::Accepted { handle: Handle::default(), evidence: reply.evidence() }
            }
            reply => errors::on_finish(reply, resend, call.view.now),
        })
    }

    /// Reads what became of a finish: the id of the video was known before it.
    pub(super) async fn read_finish(&self, call: &Call<'_>, entry: &Entry) -> Lookup {
        let Some(video_id) = entry.handle.text(name::VIDEO_ID).filter(|_| entry.step == course::FINISH) else {
            let evidence = Evidence::new().with("reading", "the entry names no video");
            return Lookup::CannotTell { hopeless: true, evidence };
        };
        match self.reading(call, video_id, Instant::now() + course::CALL).await {
            Ok(Ok(reading)) => conclude(&reading),
            Ok(Err(reply)) => Lookup::Failed(failure_of(&reply, call.view.now)),
            Err(failure) => Lookup::Failed(failure),
        }
    }

    async fn find_comment(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let author = Author { ids: vec![&call.view.account.account_id], username: None };
        let (path, token) = (comments::path(step), &call.tokens.access);
        let get = |query| self.meta.get(token, &path, query, until).boxed();
        comments::find(step, &author, "id,message,from", get, |reply| failure_of(reply, call.view.now)).await
    }

    async fn write_comment(&self, call: &Call<'_>, step: &Step) -> Result<Outcome, Failure> {
        let text = step.handle.text(first_comment::name::TEXT).unwrap_or_default();
        let fields = vec![("message", text.to_owned())];
        let request = self.meta.request(&call.tokens.access, Method::POST, &comments::path(step), fields)?;
        let reply =
            GraphReply::read(wire::exchange_at_its_time(&self.connector, request, step.timeout, call.lease).await);
        Ok(comments::written(&reply, |reply| failure_of(reply, call.view.now)))
    }

    async fn read_permalink(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let video_id = step.handle.text(name::VIDEO_ID).ok_or_else(no_video)?;
        let node = match self.node(&call.tokens.access, video_id, "permalink_url,post_id", until).await? {
            Ok(node) => node,
            Err(reply) => {
                let failure = failure_of(&reply, call.view.now);
                return Ok(Outcome::NoEffect { failure, evidence: reply.evidence() });
            }
        };
        let link = node["permalink_url"].as_str().map(absolute);
        let post_id = node["post_id"].as_str().map(str::to_owned);
        let own = format!("https://www.facebook.com/reel/{video_id}");
        let published_at = call.view.post.published_at.unwrap_or(call.view.post.status_since);
        let is_late = call.view.now - published_at > LINK_FOR;
        let mut handle = Handle::default().with(name::PERMALINK, link.clone().unwrap_or(own));
        if let Some(post_id) = &post_id {
            handle = handle.with(name::POST_ID, post_id.as_str());
        }
        Ok(match (link, post_id) {
            (Some(_), Some(_)) => Outcome::Accepted { handle, evidence: Evidence::new().with("link", "read") },
            _ if is_late => Outcome::Accepted {
                handle: handle.with(name::LINK, LINK_GIVEN_UP),
                evidence: Evidence::new().with("link", "built from the video's id"),
            },
            _ => Outcome::Pending { check_after: None, evidence: Evidence::new().with("link", "not readable yet") },
        })
    }
}

/// The sheet's table of §6.
fn conclude(reading: &Reading) -> Lookup {
    let evidence = Evidence::new().with("status", reading.word());
    match reading {
        Reading::Published => {
            Lookup::Found { handle: Handle::default().with(name::STATUS, status::PUBLISHED), evidence }
        }
        Reading::AtWork { .. } => Lookup::Pending { check_after: None, evidence },
        Reading::Uploaded | Reading::Uploading { .. } => Lookup::Absent { handle_dead: false, evidence },
        Reading::Failed { .. } | Reading::Expired => Lookup::Absent { handle_dead: true, evidence },
    }
}

/// The finishes of a video that may have left, oldest first.
fn finishes<'a>(call: &'a Call<'_>, video_id: &str) -> Vec<&'a Entry> {
    let entries = call.view.ledger.of_attempt(call.view.post.attempt);
    entries
        .filter(|entry| entry.step == course::FINISH && entry.handle.text(name::VIDEO_ID) == Some(video_id))
        .filter(|entry| entry.outcome != Some(crate::domain::ledger::StepOutcome::NoEffect))
        .collect()
}

/// What the upload host's answer means. What it leaves open the video's status tells.
fn judge_upload(exchange: Exchange) -> Outcome {
    let answer = match exchange {
        Exchange::Answered(answer) => answer,
        Exchange::NotSent(why) => {
            return Outcome::NoEffect {
                failure: unavailable("facebook's upload host could not be reached"),
                evidence: Evidence::new().with("answer", "not sent").with("network", why),
            };
        }
        Exchange::NoAnswer(why) => {
            return Outcome::Unknown { evidence: Evidence::new().with("answer", "none").with("network", why) };
        }
    };
    let evidence = Evidence::new().with("status", answer.status.as_u16());
    let kind = answer.json().map(|UploadError { debug_info }| debug_info.kind);
    let evidence = match &kind {
        Some(kind) => evidence.with("type", kind.as_str()),
        None => evidence,
    };
    let kind = kind.unwrap_or_default();
    let is_about_the_token = answer.status == StatusCode::UNAUTHORIZED
        || ["OAuth", "Authoriz", "Authentic"].iter().any(|word| kind.contains(word));
    if is_about_the_token {
        let failure =
            Failure::new(FailureClass::AuthExpired, Reason::TokenInvalid, "facebook's upload host refuses the token");
        return Outcome::NoEffect { failure: failure.with_remedy("connect the account again"), evidence };
    }
    if kind == "ProcessingFailedError" {
        return lost(evidence);
    }
    match answer.status.is_success() && answer.json().is_some_and(|value: Value| is_success(&value)) {
        true => Outcome::Accepted { handle: Handle::default(), evidence },
        false => Outcome::Unknown { evidence },
    }
}

/// The video cannot be gone on with; a new one is started.
fn lost(evidence: Evidence) -> Outcome {
    Outcome::Accepted {
        handle: Handle::default().with(name::UPLOAD, LOST),
        evidence: evidence.with("upload", "cannot be continued"),
    }
}

fn authorization(token: &Secret) -> Result<header::HeaderValue, Failure> {
    let mut value = header::HeaderValue::try_from(format!("OAuth {}", token.expose()))
        .map_err(|_| unavailable("the token cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// `permalink_url` may be a path.
fn absolute(link: &str) -> String {
    if link.starts_with('/') { format!("https://www.facebook.com{link}") } else { link.to_owned() }
}

fn no_video() -> Failure {
    errors::internal("a step about a video does not name it")
}

/// When a listed Reel was made.
pub(super) fn listed_at(value: &Value) -> Option<DateTime<Utc>> {
    let text = value["created_time"].as_str().or_else(|| value["updated_time"].as_str())?;
    crate::platform::meta::graph::graph_time(text)
}

/// How long before the backup a Reel may have been made that the backup does not know of: clocks differ.
pub(super) const MARGIN: TimeDelta = TimeDelta::minutes(10);

//! The exchanges of a video's course: one bounded exchange each, and what their answers mean.
//!
//! A session's address is a secret: who has it can write to it. It goes into sealed handles and nowhere else. Whatever
//! becomes of an upload's answer, the session tells it again when it is queried.
//! <https://developers.google.com/youtube/v3/guides/using_resumable_upload_protocol>, read 22 November 2026.

use chrono::Utc;
use futures_util::{FutureExt, future::ready};
use reqwest::{
    Method, RequestBuilder,
    header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, LOCATION, RANGE},
};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::Url;

use super::{
    Youtube,
    course::{self, CHUNK, FIND_FOR, GONE, NOT_FOUND, name, status},
    errors::{self, Reply, unavailable},
    options::{self, YoutubeOptions},
};
use crate::{
    domain::{
        failure::Failure,
        ledger::{Entry, Evidence, Handle},
        media::VideoVersion,
    },
    fault::{self, FaultPoint},
    platform::{
        Call, Lookup, Outcome, Step,
        description::Options,
        is_replaced,
        put::{self, Put, Sent, claim_lost},
        wire::{self, Exchange},
    },
    secret::Secret,
};

/// Fields of `status` that an update may set; it resets those that it leaves out.
const WRITABLE: [&str; 5] =
    ["embeddable", "license", "publicStatsViewable", "selfDeclaredMadeForKids", "containsSyntheticMedia"];

/// How long one request of a step may still take.
pub(super) fn left(until: Instant) -> std::time::Duration {
    until.saturating_duration_since(Instant::now())
}

/// What a session says.
enum Session {
    /// The video is complete.
    Complete(Value),
    /// So many bytes are there.
    Has(u64),
    /// The session is gone.
    Gone,
    /// Something else.
    Reply(Reply),
}

impl Session {
    fn read(exchange: Exchange) -> Self {
        match exchange {
            Exchange::Answered(answer) => match answer.status.as_u16() {
                308 => match stored(&answer.headers) {
                    Some(bytes) => Self::Has(bytes),
                    None => Self::Reply(Reply::NoAnswer("a range that is none".to_owned())),
                },
                404 | 410 => Self::Gone,
                _ => match Reply::read(Exchange::Answered(answer)) {
                    Reply::Value(value, _) if value["id"].is_string() => Self::Complete(value),
                    Reply::Value(..) => Self::Reply(Reply::NoAnswer("an answer without a video".to_owned())),
                    reply => Self::Reply(reply),
                },
            },
            other => Self::Reply(Reply::read(other)),
        }
    }
}

/// `Range: bytes=0-999`: so many bytes are stored; without it nothing is.
fn stored(headers: &HeaderMap) -> Option<u64> {
    let Some(range) = headers.get(RANGE) else { return Some(0) };
    let (_, last) = range.to_str().ok()?.rsplit_once('-')?;
    last.trim().parse::<u64>().ok()?.checked_add(1)
}

impl Youtube {
    /// A request to the API.
    pub(super) fn api(&self, token: &Secret, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.settings.api_base.clone();
        url.set_path(path);
        self.client.request(method, url).bearer_auth(token.expose())
    }

    /// One read.
    pub(super) async fn get(&self, token: &Secret, path: &str, query: &[(&str, &str)], until: Instant) -> Reply {
        Reply::read(wire::exchange(self.api(token, Method::GET, path).query(query), left(until)).await)
    }

    /// Runs a step of the course.
    pub(super) async fn run_step(&self, call: &Call<'_>, step: &Step) -> Outcome {
        let until = Instant::now() + step.timeout;
        // Boxed: of those that wait for their time each takes what its own step needs, not what the largest one does.
        let taken = match step.kind {
            course::SESSION => self.open_session(call, step, until).boxed(),
            course::UPLOAD => self.upload(call, step, until).boxed(),
            course::UPLOAD_LAST => self.upload_last(call, step).boxed(),
            course::QUERY => self.query(call, step, until).boxed(),
            course::FIND => self.find(call, step, until).boxed(),
            course::STATUS => self.read_status(call, step, until).boxed(),
            course::PUBLISH => self.publish(call, step).boxed(),
            course::THUMBNAIL => self.set_thumbnail(call, step, until).boxed(),
            course::FIND_COMMENT => self.find_comment(call, step, until).map(Ok).boxed(),
            course::WRITE_COMMENT => self.write_comment(call, step).map(Ok).boxed(),
            unknown => ready(Err(errors::internal(&format!("youtube has no step `{unknown}`")))).boxed(),
        };
        taken.await.unwrap_or_else(|failure| Outcome::NoEffect { failure, evidence: Evidence::new() })
    }

    async fn open_session(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let version = call.video.version().await?;
        let content = &call.view.post.content;
        let notify = YoutubeOptions::of(&content.options).notify_subscribers.unwrap_or(true);
        let marker = step.handle.text(name::MARKER).unwrap_or_default();
        let body = options::resource(content, course::is_one_step(&step.handle)).to_string();
        let request = self
            .api(&call.tokens.access, Method::POST, "/upload/youtube/v3/videos")
            .query(&[
                ("uploadType", "resumable"),
                ("part", "snippet,status"),
                ("notifySubscribers", if notify { "true" } else { "false" }),
            ])
            .header(CONTENT_TYPE, "application/json; charset=UTF-8")
            .header("X-Upload-Content-Length", version.size_bytes)
            .header("X-Upload-Content-Type", "video/*")
            .header("Slug", marker)
            .body(body);
        if !call.lease.holds() {
            return Err(claim_lost());
        }
        fault::point(FaultPoint::LeaseChecked, "");
        let reply = Reply::read(wire::exchange(request, left(until)).await);
        let evidence = reply.evidence();
        Ok(match reply {
            Reply::Value(_, headers) => {
                match headers.get(LOCATION).and_then(|uri| Url::parse(uri.to_str().ok()?).ok()) {
                    // The token goes there: nobody else may be given it.
                    Some(uri) if uri.origin() == self.settings.api_base.origin() || is_googles(&uri) => {
                        Outcome::Accepted {
                            handle: Handle::default()
                                .with(name::URI, uri.as_str())
                                .with_instant(name::OPENED_AT, call.view.now)
                                .with(name::VIDEO, version.to_value()),
                            evidence,
                        }
                    }
                    Some(_) => return Err(errors::internal("youtube named an upload address that is not google's")),
                    None => Outcome::Unknown { evidence },
                }
            }
            Reply::NoAnswer(_) => Outcome::Unknown { evidence },
            reply => Outcome::NoEffect { failure: reply.failure(call.view.now), evidence },
        })
    }

    fn put(&self, call: &Call<'_>, uri: &str) -> RequestBuilder {
        self.uploads.put(uri).bearer_auth(call.tokens.access.expose())
    }

    async fn upload(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let (uri, version) = session_of(&step.handle)?;
        let total = version.size_bytes;
        let is_one_step = course::is_one_step(&step.handle);
        let mut at = step.handle.number(name::OFFSET).and_then(|at| u64::try_from(at).ok()).unwrap_or(0);
        loop {
            if at >= total {
                return Ok(Outcome::Unknown { evidence: Evidence::new().with("offset", at) });
            }
            if is_one_step && total - at <= CHUNK {
                let evidence = Evidence::new().with("offset", at);
                return Ok(Outcome::Accepted { handle: Handle::default().with(name::OFFSET, at), evidence });
            }
            let last = if is_one_step { at + CHUNK - 1 } else { total - 1 };
            let request = self.put(call, &uri).header(CONTENT_RANGE, format!("bytes {at}-{last}/{total}"));
            let put = Put { connector: None, first: at, last, total, version: &version, timeout: left(until) };
            let sent = match put.send(call, request).await {
                Ok(sent) => sent,
                Err(failure) if is_replaced(&failure) => {
                    return Ok(gone(put::broken(&failure)));
                }
                Err(failure) => return Err(failure),
            };
            if let Some(broken) = sent.broken {
                let evidence = put::broken(&broken);
                return Ok(if is_replaced(&broken) { gone(evidence) } else { Outcome::Unknown { evidence } });
            }
            match Session::read(sent.exchange) {
                Session::Has(bytes) if is_one_step && bytes > at => at = bytes,
                session => return Ok(self.after(call, session)),
            }
        }
    }

    /// What an answer to an upload or a query means for bytes that nobody can see.
    fn after(&self, call: &Call<'_>, session: Session) -> Outcome {
        match session {
            Session::Complete(video) => complete(&video),
            Session::Has(bytes) => Outcome::Accepted {
                handle: Handle::default().with(name::OFFSET, bytes),
                evidence: Evidence::new().with("offset", bytes),
            },
            Session::Gone => gone(Evidence::new()),
            Session::Reply(reply @ (Reply::Refused { .. } | Reply::NotSent(_))) => {
                let (failure, evidence) = (reply.failure(call.view.now), reply.evidence());
                match &reply {
                    Reply::Refused { status: 500.., .. } => Outcome::Unknown { evidence },
                    // Another request may have brought the session on: it tells.
                    Reply::Refused { reason, .. } if reason.is_empty() => Outcome::Unknown { evidence },
                    _ => Outcome::NoEffect { failure, evidence },
                }
            }
            Session::Reply(reply) => Outcome::Unknown { evidence: reply.evidence() },
        }
    }

    async fn ask_session(&self, call: &Call<'_>, handle: &Handle, until: Instant) -> Result<Session, Failure> {
        let (uri, version) = session_of(handle)?;
        let request = self
            .put(call, &uri)
            .header(CONTENT_LENGTH, 0)
            .header(CONTENT_RANGE, format!("bytes */{}", version.size_bytes));
        Ok(Session::read(wire::exchange(request, left(until)).await))
    }

    async fn query(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let session = self.ask_session(call, &step.handle, until).await?;
        if let Session::Has(bytes) = session
            && bytes >= session_of(&step.handle)?.1.size_bytes
        {
            // All of it is there, and the video is not made yet.
            return Ok(Outcome::Pending { check_after: None, evidence: Evidence::new().with("offset", bytes) });
        }
        Ok(match self.after(call, session) {
            Outcome::Unknown { evidence } => {
                Outcome::NoEffect { failure: unavailable("the upload session could not be read"), evidence }
            }
            outcome => outcome,
        })
    }

    /// The point of no return of a video that is visible with its last byte.
    async fn upload_last(&self, call: &Call<'_>, step: &Step) -> Result<Outcome, Failure> {
        let (uri, version) = session_of(&step.handle)?;
        let total = version.size_bytes;
        let first = step.handle.number(name::OFFSET).and_then(|at| u64::try_from(at).ok()).unwrap_or(0);
        if !call.lease.holds() {
            return Err(claim_lost());
        }
        let request = self.put(call, &uri).header(CONTENT_RANGE, format!("bytes {first}-{}/{total}", total - 1));
        let put = Put {
            connector: Some(&self.connector),
            first,
            last: total - 1,
            total,
            version: &version,
            timeout: step.timeout,
        };
        let Sent { exchange, complete: is_sent, broken } = put.send(call, request).await?;
        if !is_sent {
            // The request announced its length: without the last byte nothing is complete.
            let failure = broken.unwrap_or_else(|| unavailable("youtube could not be reached, nothing was sent"));
            let evidence = Evidence::new().with("last_byte_sent", false);
            return Ok(Outcome::NoEffect { failure, evidence });
        }
        Ok(match Session::read(exchange) {
            Session::Complete(video) => complete(&video),
            Session::Reply(reply) if matches!(reply, Reply::NotSent(_)) => {
                Outcome::NoEffect { failure: reply.failure(call.view.now), evidence: reply.evidence() }
            }
            Session::Reply(reply) if reply.is_refusal() => {
                Outcome::Refused { failure: reply.failure(call.view.now), evidence: reply.evidence() }
            }
            Session::Reply(reply) => Outcome::Unknown { evidence: reply.evidence() },
            Session::Has(bytes) => Outcome::Unknown { evidence: Evidence::new().with("offset", bytes) },
            Session::Gone => Outcome::Unknown { evidence: Evidence::new().with("session", GONE) },
        })
    }

    /// Looks for the private video of a session that is gone.
    async fn find(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let marker = step.handle.text(name::MARKER).unwrap_or_default();
        let since = step.handle.instant(name::OPENED_AT).unwrap_or(call.view.now);
        match self.uploaded(call, None, until).await {
            Ok(list) => {
                let own = list.videos.iter().find(|video| video["fileDetails"]["fileName"] == marker);
                if let Some(video) = own {
                    return Ok(complete(video));
                }
                let evidence = Evidence::new().with("videos_listed", list.videos.len());
                Ok(match call.view.now - since > FIND_FOR {
                    true => {
                        Outcome::Accepted { handle: Handle::default().with(name::SESSION_STATE, NOT_FOUND), evidence }
                    }
                    false => Outcome::Pending { check_after: None, evidence },
                })
            }
            Err(reply) => Ok(Outcome::NoEffect { failure: reply.failure(call.view.now), evidence: reply.evidence() }),
        }
    }

    /// The video, with what its owner can see; `None` when it is not listed.
    pub(super) async fn video(&self, call: &Call<'_>, id: &str, until: Instant) -> Result<Option<Value>, Reply> {
        let query = [("part", "status,snippet,fileDetails"), ("id", id)];
        match self.get(&call.tokens.access, "/youtube/v3/videos", &query, until).await {
            Reply::Value(mut value, _) => Ok(match value["items"].as_array_mut() {
                Some(items) if !items.is_empty() => Some(items.swap_remove(0)),
                _ => None,
            }),
            reply => Err(reply),
        }
    }

    async fn read_status(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let video_id = step.handle.text(name::VIDEO_ID).ok_or_else(no_video)?;
        let video = match self.video(call, video_id, until).await {
            Ok(Some(video)) => video,
            Ok(None) => {
                let evidence = Evidence::new().with("video", "not listed");
                return Ok(Outcome::NoEffect { failure: unavailable("youtube does not show the video now"), evidence });
            }
            Err(reply) => {
                return Ok(Outcome::NoEffect { failure: reply.failure(call.view.now), evidence: reply.evidence() });
            }
        };
        let fields = &video["status"];
        let evidence = Evidence::new()
            .with("upload_status", fields["uploadStatus"].clone())
            .with("privacy", fields["privacyStatus"].clone());
        let failed = |why: &str| Outcome::Accepted {
            handle: Handle::default().with(name::STATUS, status::FAILED).with(name::WHY, why),
            evidence: evidence.clone().with("why", why),
        };
        match fields["uploadStatus"].as_str() {
            Some("failed") => return Ok(failed(fields["failureReason"].as_str().unwrap_or("failed"))),
            Some("rejected") => return Ok(failed(fields["rejectionReason"].as_str().unwrap_or("rejected"))),
            Some("deleted") => return Ok(failed("deleted")),
            _ => {}
        }
        // Streams that ended early were seen processed and published.
        let size = video["fileDetails"]["fileSize"].as_str().and_then(|size| size.parse::<u64>().ok());
        let sent = VideoVersion::from_value(step.handle.0.compound(name::VIDEO)).map(|version| version.size_bytes);
        if let (Some(size), Some(sent)) = (size, sent)
            && size != sent
        {
            return Ok(failed("size"));
        }
        let requested = options::privacy(&call.view.post.content.privacy_level);
        let is_as_requested = fields["privacyStatus"].as_str() == requested;
        let word = if is_as_requested { status::PUBLISHED } else { status::UPLOADED };
        let handle = Handle::default().with(name::STATUS, word).with(name::FIELDS, fields.clone());
        Ok(Outcome::Accepted { handle, evidence })
    }

    /// The point of no return of a private video: an update that is harmless to repeat.
    async fn publish(&self, call: &Call<'_>, step: &Step) -> Result<Outcome, Failure> {
        let video_id = step.handle.text(name::VIDEO_ID).ok_or_else(no_video)?;
        let requested = step.handle.text(name::PRIVACY).ok_or_else(no_video)?;
        let mut fields = Map::new();
        for field in WRITABLE {
            if let Some(value) = step.handle.0.compound(name::FIELDS).and_then(|fields| fields.get(field)) {
                fields.insert(field.to_owned(), value.clone());
            }
        }
        fields.insert("privacyStatus".to_owned(), json!(requested));
        let request = self
            .api(&call.tokens.access, Method::PUT, "/youtube/v3/videos")
            .query(&[("part", "status")])
            .json(&json!({ "id": video_id, "status": fields }));
        if !call.lease.holds() {
            return Err(claim_lost());
        }
        let reply = Reply::read(wire::exchange_at_its_time(&self.connector, request, step.timeout, call.lease).await);
        let evidence = reply.evidence();
        Ok(match &reply {
            Reply::Value(video, _) => match video["status"]["privacyStatus"].as_str() {
                Some(privacy) => Outcome::Accepted {
                    handle: Handle::default().with(name::PRIVACY, privacy),
                    evidence: evidence.with("privacy", privacy),
                },
                None => Outcome::Unknown { evidence },
            },
            Reply::NotSent(_) => Outcome::NoEffect { failure: reply.failure(call.view.now), evidence },
            Reply::Refused { .. } if reply.is_refusal() => {
                Outcome::Refused { failure: reply.failure(call.view.now), evidence }
            }
            Reply::Refused { .. } | Reply::NoAnswer(_) => Outcome::Unknown { evidence },
        })
    }

    /// Reads what became of a point of no return.
    pub(super) async fn read_sending(&self, call: &Call<'_>, entry: &Entry) -> Lookup {
        let until = Instant::now() + course::CALL;
        match entry.step.as_str() {
            course::PUBLISH => self.read_publish(call, entry, until).await,
            course::UPLOAD_LAST => self.read_last(call, entry, until).await,
            _ => Lookup::CannotTell {
                hopeless: true,
                evidence: Evidence::new().with("problem", "not a point of no return of youtube's"),
            },
        }
    }

    async fn read_publish(&self, call: &Call<'_>, entry: &Entry, until: Instant) -> Lookup {
        let (Some(video_id), Some(requested)) = (entry.handle.text(name::VIDEO_ID), entry.handle.text(name::PRIVACY))
        else {
            return Lookup::CannotTell { hopeless: true, evidence: Evidence::new().with("reading", "no video named") };
        };
        match self.video(call, video_id, until).await {
            Ok(Some(video)) => {
                let privacy = video["status"]["privacyStatus"].as_str().unwrap_or_default();
                let evidence = Evidence::new().with("privacy", privacy);
                match privacy == requested {
                    true => Lookup::Found { handle: Handle::default().with(name::PRIVACY, privacy), evidence },
                    false => Lookup::Absent { handle_dead: false, evidence },
                }
            }
            // Deleted, or a list that lags: only a person can tell.
            Ok(None) => Lookup::CannotTell { hopeless: false, evidence: Evidence::new().with("video", "not listed") },
            Err(reply) => Lookup::Failed(reply.failure(call.view.now)),
        }
    }

    async fn read_last(&self, call: &Call<'_>, entry: &Entry, until: Instant) -> Lookup {
        let session = match self.ask_session(call, &entry.handle, until).await {
            Ok(session) => session,
            Err(failure) => return Lookup::Failed(failure),
        };
        match session {
            Session::Complete(video) => found(&video, Evidence::new().with("session", "complete")),
            // All of it is there, and the video is not made yet.
            Session::Has(bytes) if session_of(&entry.handle).is_ok_and(|(_, version)| bytes >= version.size_bytes) => {
                Lookup::Pending { check_after: None, evidence: Evidence::new().with("offset", bytes) }
            }
            Session::Has(bytes) => {
                Lookup::Absent { handle_dead: false, evidence: Evidence::new().with("offset", bytes) }
            }
            // A refusal that the session repeats is its end: no video was made.
            Session::Reply(reply) if reply.is_refusal() && matches!(&reply, Reply::Refused { status: 400, .. }) => {
                Lookup::Absent { handle_dead: true, evidence: reply.evidence() }
            }
            Session::Reply(reply) => Lookup::Failed(reply.failure(call.view.now)),
            Session::Gone => {
                let marker = entry.handle.text(name::MARKER).unwrap_or_default();
                match self.uploaded(call, None, until).await {
                    Ok(list) => match list.videos.iter().find(|video| video["fileDetails"]["fileName"] == marker) {
                        Some(video) => found(video, Evidence::new().with("match", "the file's name")),
                        // Lists lag: that it is not there proves nothing.
                        None => Lookup::CannotTell {
                            hopeless: false,
                            evidence: Evidence::new().with("session", GONE).with("videos_listed", list.videos.len()),
                        },
                    },
                    Err(reply) => Lookup::Failed(reply.failure(call.view.now)),
                }
            }
        }
    }
}

/// Other hosts of Google's that sessions are on.
fn is_googles(uri: &Url) -> bool {
    let host = uri.host_str().unwrap_or_default();
    uri.scheme() == "https" && (host.ends_with(".googleapis.com") || host.ends_with(".google.com"))
}

fn session_of(handle: &Handle) -> Result<(String, VideoVersion), Failure> {
    let uri = handle.text(name::URI).map(str::to_owned);
    uri.zip(VideoVersion::from_value(handle.0.compound(name::VIDEO))).ok_or_else(no_video)
}

/// What a video tells about itself.
pub(super) fn handle_of(video: &Value) -> Handle {
    let handle = Handle::default().with(name::VIDEO_ID, video["id"].clone());
    match video["status"]["privacyStatus"].as_str() {
        Some(privacy) => handle.with(name::PRIVACY, privacy),
        None => handle,
    }
}

/// The upload is complete, and this is its video.
fn complete(video: &Value) -> Outcome {
    Outcome::Accepted { handle: handle_of(video), evidence: Evidence::new().with("video_id", video["id"].clone()) }
}

pub(super) fn found(video: &Value, evidence: Evidence) -> Lookup {
    Lookup::Found { handle: handle_of(video), evidence: evidence.with("video_id", video["id"].clone()) }
}

fn gone(evidence: Evidence) -> Outcome {
    Outcome::Accepted {
        handle: Handle::default().with(name::SESSION_STATE, GONE),
        evidence: evidence.with("session", GONE),
    }
}

fn no_video() -> Failure {
    errors::internal("a step about a video does not name it")
}

/// When a video was made.
pub(super) fn made_at(video: &Value) -> Option<chrono::DateTime<Utc>> {
    let text = video["snippet"]["publishedAt"].as_str()?;
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc))
}

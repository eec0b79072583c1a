//! `videos.insert`: the initiation and the resumable session (sheet §5).
//!
//! Guaranteed: the initiation makes nothing but a session; the request that brings the last byte makes exactly one
//! video, whether or not anybody hears its answer, and every query from then on gives that same answer. Bytes are
//! hashed while they arrive, never kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use http::Method;

use crate::call::{Broken, Call};
use crate::host::Host;
use crate::reply::{self, Reply};
use crate::sim::Sim;
use crate::youtube::api::{Api, ApiResult, authorized};
use crate::youtube::error::Refusal;
use crate::youtube::publish_at;
use crate::youtube::resource::{self, Draft};
use crate::youtube::rules::{Privacy, Rules};
use crate::youtube::state::{Done, Session, State};
use crate::youtube::stream::{BLOCK, Stream};
use crate::youtube::video::{self, File};

/// The path of the initiation and of its sessions.
pub(crate) const PATH: &str = "/upload/youtube/v3/videos";

/// `POST …?uploadType=resumable`.
pub(crate) fn initiate(api: &mut Api<'_>) -> ApiResult {
    let call = api.call;
    match call.query.get("uploadType") {
        Some("resumable") => {}
        Some(_) | None => {
            return Err(Refusal::of("badRequest").say("Only uploadType=resumable is simulated for videos."));
        }
    }
    let parts = resource::parts(call.query.get("part"))?;
    let notify = match call.query.get("notifySubscribers") {
        None | Some("true") => true,
        Some("false") => false,
        Some(_) => return Err(Refusal::of("invalidValue").at("notifySubscribers", "parameter")),
    };
    let kind = call.header("x-upload-content-type").unwrap_or("application/octet-stream");
    if !kind.starts_with("video/") && kind != "application/octet-stream" {
        return Err(Refusal::of("badRequest").say(format!(
            "Media type '{kind}' is not supported. Valid media types: [video/*, application/octet-stream]"
        )));
    }
    let total = match call.header("x-upload-content-length") {
        None => None,
        Some(text) => {
            Some(text.parse::<u64>().map_err(|_| Refusal::of("badRequest").say("Bad X-Upload-Content-Length"))?)
        }
    };
    if total == Some(0) {
        return Err(Refusal::of("mediaBodyRequired"));
    }
    if total.is_some_and(|total| total > api.state.rules.max_video_bytes) {
        return Err(Refusal { status: 413, ..Refusal::of("badRequest") }.say("The file is larger than 256 GB."));
    }
    let file_name = call.header("slug").map(str::to_owned);
    if file_name.as_ref().is_some_and(|name| name.is_empty() || name.len() > 255 || name.contains('/')) {
        return Err(Refusal::of("invalidFilename"));
    }
    let body = api.body()?;
    let rules = api.state.rules.clone();
    let channel = api.access.channel.clone();
    let profile = api.state.channels.get(&channel).map(|channel| channel.profile.clone()).unwrap_or_default();
    if !profile.has_channel {
        return Err(Refusal::of("youtubeSignupRequired"));
    }
    let mut draft = Draft { file_name, notify_subscribers: notify, ..Draft::empty(&rules) };
    let checked = draft
        .write(&body, &parts, &rules)
        .and_then(|()| draft.check_title())
        .and_then(|()| publish_at::check(&draft.status, None, &rules, api.now))
        .and_then(|()| match draft.status.privacy {
            Privacy::Public if profile.may_not_publish => Err(Refusal::of("forbiddenPrivacySetting")),
            Privacy::Public | Privacy::Unlisted | Privacy::Private => Ok(()),
        });
    let late = match checked {
        Err(refusal) if !rules.late_validation => return Err(refusal),
        Err(refusal) => Some(refusal),
        Ok(()) => None,
    };
    let day = TimeDelta::hours(24);
    let cap = profile.uploads_per_day.unwrap_or(u32::MAX);
    if let Some(channel) = api.state.channels.get_mut(&channel)
        && !channel.uploads.admit(api.now, day, cap)
    {
        return Err(Refusal::of("uploadLimitExceeded"));
    }
    let number = api.state.number();
    let upload_id = api.sim.random.token(90);
    let expires_at = api.now + TimeDelta::seconds(rules.session_seconds);
    api.state.sessions.insert(
        upload_id.clone(),
        Session {
            number,
            channel,
            draft,
            parts: parts.clone(),
            total,
            chunk: None,
            expires_at,
            cancelled: false,
            done: None,
            late,
            stream: Arc::new(Mutex::new(Stream::default())),
        },
    );
    let uri = format!(
        "{}{PATH}?uploadType=resumable&part={}&upload_id={upload_id}",
        api.sim.url(Host::YouTubeApi),
        parts.join(",")
    );
    let answer = reply::header(reply::empty(200), "location", &uri);
    Ok(reply::header(answer, "x-guploader-uploadid", &upload_id))
}

/// A parsed `Content-Range` of a PUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// No header: the whole file.
    Whole,
    /// `bytes */total`.
    Query { total: Option<u64> },
    /// `bytes first-last/total`.
    Part { first: u64, last: u64, total: Option<u64> },
}

/// Reads the header; `None` if it is malformed.
pub(crate) fn span(call: &Call) -> Option<Span> {
    let Some(text) = call.header("content-range") else { return Some(Span::Whole) };
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    if range == "*" {
        return Some(Span::Query { total });
    }
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    let fits = first <= last && total.is_none_or(|total: u64| last < total);
    fits.then_some(Span::Part { first, last, total })
}

/// Whether this PUT brings the last byte.
pub(crate) fn is_last(span: Option<Span>) -> bool {
    match span {
        Some(Span::Whole) => true,
        Some(Span::Part { last, total, .. }) => total.is_some_and(|total| last + 1 == total),
        Some(Span::Query { .. }) | None => false,
    }
}

/// A request to a session's address.
pub(crate) async fn session(sim: &Arc<Sim>, call: &mut Call) -> Reply {
    match call.method {
        Method::PUT => put(sim, call).await,
        Method::DELETE => cancel(sim, call),
        _ => reply::empty(405),
    }
}

/// `DELETE`: the session is over; 499 as other Google upload services answer.
fn cancel(sim: &Arc<Sim>, call: &Call) -> Reply {
    let mut state = sim.youtube.lock();
    let (id, _) = match live(sim, &mut state, call) {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    match state.sessions.get_mut(&id) {
        Some(session) if session.done.is_none() => {
            session.cancelled = true;
            reply::empty(499)
        }
        Some(_) | None => reply::text(400, "The upload is complete and cannot be cancelled."),
    }
}

/// What a PUT writes to.
struct Opened {
    id: String,
    stream: Arc<Mutex<Stream>>,
    epoch: u64,
    /// Bytes that the request must bring.
    length: u64,
    /// Bytes of it that are kept.
    kept: u64,
    /// Size of the file, once it is known.
    total: Option<u64>,
}

async fn put(sim: &Arc<Sim>, call: &mut Call) -> Reply {
    let opened = {
        let mut state = sim.youtube.lock();
        open(sim, &mut state, call)
    };
    let Opened { id, stream, epoch, length, kept, total } = match opened {
        Ok(opened) => opened,
        Err(reply) => return reply,
    };
    let mut seen = 0;
    while let Some(upload) = call.upload.as_mut() {
        match upload.next().await {
            Some(Ok(piece)) => {
                let room = kept.saturating_sub(seen).min(piece.len() as u64);
                seen += piece.len() as u64;
                if !locked(&stream).push(epoch, piece.slice(..room as usize)) {
                    return reply::text(400, "A newer request writes to this upload.");
                }
            }
            Some(Err(Broken)) => {
                locked(&stream).break_off(epoch);
                // Nobody hears this answer.
                return reply::text(400, "The body broke off.");
            }
            None => break,
        }
    }
    let mut state = sim.youtube.lock();
    if seen < length {
        locked(&stream).break_off(epoch);
    }
    let complete = seen == length && kept == length && total.is_some();
    let reply = close(sim, &mut state, &id, &stream, total.filter(|_| complete));
    sim.youtube.note_due(&state);
    reply
}

fn locked(stream: &Mutex<Stream>) -> MutexGuard<'_, Stream> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The session of the address, if it is still there, with the caller's right to it checked.
fn live(sim: &Sim, state: &mut State, call: &Call) -> Result<(String, bool), Reply> {
    let now = sim.clock.now();
    let rules = &state.rules;
    let gone = || reply::empty(if rules.session_gone_is_410 { 410 } else { 404 });
    let id = call.query.get("upload_id").ok_or_else(gone)?;
    let session = state.sessions.get(id).filter(|session| !session.cancelled).ok_or_else(gone)?;
    let kept = session.done.as_ref().zip(rules.finished_session_seconds);
    let forgotten = kept.is_some_and(|(done, seconds)| now >= done.at + TimeDelta::seconds(seconds));
    if now >= session.expires_at || forgotten {
        return Err(gone());
    }
    if call.header("authorization").is_some() || rules.session_needs_token {
        let access = authorized(call, state, now).map_err(|refusal| refusal.reply(rules))?;
        if access.channel != session.channel {
            return Err(Refusal::of("forbidden").reply(rules));
        }
    }
    Ok((id.to_owned(), session.done.is_some()))
}

/// Checks the head of a PUT; `Err` is the answer.
fn open(sim: &Arc<Sim>, state: &mut State, call: &Call) -> Result<Opened, Reply> {
    let (id, _) = live(sim, state, call)?;
    let rules = state.rules.clone();
    let bad = |what: &str| reply::text(400, what);
    let Some(session) = state.sessions.get_mut(&id) else { return Err(reply::empty(404)) };
    let Some(span) = span(call) else { return Err(bad("Failed to parse Content-Range header.")) };
    let announced = call.header("content-length").and_then(|text| text.parse::<u64>().ok());
    if let Some(done) = &session.done {
        return Err(finished(done, &rules));
    }
    let (first, length, total) = match span {
        Span::Query { total } => {
            if announced.is_none_or(|length| length > 0) {
                return Err(bad("A query of the upload's state has no body: Content-Length must be 0."));
            }
            if total.is_some() && session.total.is_some() && total != session.total {
                return Err(bad("The total of Content-Range is not the announced size."));
            }
            return Err(progress(locked(&session.stream).stored(), &rules));
        }
        Span::Whole => {
            let Some(length) = announced else { return Err(reply::empty(411)) };
            (0, length, Some(length))
        }
        Span::Part { first, last, total } => (first, last - first + 1, total.or(session.total)),
    };
    if length == 0 {
        return Err(Refusal::of("mediaBodyRequired").reply(&rules));
    }
    if announced.is_some_and(|announced| announced != length) {
        return Err(bad("Content-Length does not fit Content-Range."));
    }
    if total.is_some() && session.total.is_some() && total != session.total {
        return Err(bad("The total of Content-Range is not the announced size."));
    }
    let end = first + length;
    if end > total.unwrap_or(rules.max_video_bytes) {
        return Err(bad("Content-Range ends behind the announced size."));
    }
    let last = total == Some(end);
    if !last && !length.is_multiple_of(BLOCK) {
        return Err(bad(
            "The number of bytes uploaded is required to be equal or greater than 262144, except for the final request (it's recommended to be the exact multiple of 262144).",
        ));
    }
    if !last && rules.equal_chunks && session.chunk.is_some_and(|chunk| chunk != length) {
        return Err(bad("All chunks but the last must have the same size."));
    }
    let mut stream = locked(&session.stream);
    let stored = stream.stored();
    if first != stored {
        let relation = if first > stored { "exceeds" } else { "lies below" };
        return Err(reply::text(
            rules.range_error_status,
            format!(
                "Invalid request.  According to the Content-Range header, the upload offset is {first} byte(s), which \
                 {relation} already uploaded size of {stored} byte(s)."
            ),
        ));
    }
    let epoch = stream.take_over();
    drop(stream);
    session.total = total;
    if !last {
        session.chunk.get_or_insert(length);
    }
    let kept = rules.keep_bytes.map_or(length, |limit| length.min(limit / BLOCK * BLOCK));
    let total = total.filter(|_| last);
    Ok(Opened { id, stream: session.stream.clone(), epoch, length, kept, total })
}

/// The body of a PUT is over; with `total` the file is complete.
fn close(sim: &Arc<Sim>, state: &mut State, id: &str, stream: &Mutex<Stream>, total: Option<u64>) -> Reply {
    let rules = state.rules.clone();
    let Some(session) = state.sessions.get_mut(id).filter(|session| !session.cancelled) else {
        return reply::empty(404);
    };
    if let Some(done) = &session.done {
        return finished(done, &rules);
    }
    let Some(total) = total else { return progress(locked(stream).stored(), &rules) };
    let received = locked(stream).seal();
    if received.byte_count != total {
        return progress(received.byte_count, &rules);
    }
    let (channel, parts, draft) = (session.channel.clone(), session.parts.clone(), session.draft.clone());
    let source = format!("session-{}", session.number);
    let late = session.late.clone();
    let now = sim.clock.now();
    let done = match late {
        Some(refusal) => Done { at: now, answer: Err(refusal), video: None },
        None => {
            let webm = received.is_webm();
            let (byte_count, sha256, probe) = received.finish();
            let file = File { byte_count, sha256, probe, webm };
            let video = video::make(sim, state, &channel, source, draft, file);
            let item = state
                .videos
                .get(&video)
                .zip(state.channels.get(&channel))
                .map(|(video, channel)| video.item(channel, &parts, now))
                .unwrap_or_default();
            Done { at: now, answer: Ok(item), video: Some(video) }
        }
    };
    let reply = finished(&done, &rules);
    if let Some(session) = state.sessions.get_mut(id) {
        session.done = Some(done);
    }
    reply
}

/// The answer to the last byte, and to every query after it.
fn finished(done: &Done, rules: &Rules) -> Reply {
    match &done.answer {
        Ok(item) => reply::json(rules.created_status, item),
        Err(refusal) => refusal.reply(rules),
    }
}

/// 308 with what is stored; no `Range` means nothing.
fn progress(stored: u64, rules: &Rules) -> Reply {
    let mut answer = reply::empty(308);
    if let Some(last) = stored.checked_sub(1) {
        answer = reply::header(answer, "range", &format!("bytes=0-{last}"));
    }
    match rules.retry_after_seconds {
        Some(seconds) => reply::header(answer, "retry-after", &seconds.to_string()),
        None => answer,
    }
}

//! Chunk PUTs (sheet §4.5): strict order, exact ranges, the last chunk takes the remainder.
//!
//! Guaranteed: a chunk counts only when it arrived whole; the PUT with the last byte starts the posting, whether or
//! not anybody hears its answer. The URL is the credential: no `Authorization`, and it outlives the access token.

use std::sync::Arc;

use http::Method;

use crate::call::{Broken, Call};
use crate::fetch::Received;
use crate::reply::{self, Reply};
use crate::sim::Sim;
use crate::tiktok::process;
use crate::tiktok::rules::Rules;
use crate::tiktok::state::{File, Source, Stage, State, Upload};

/// A parsed `Content-Range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) total: u64,
}

/// `bytes {first}-{last}/{total}`, inclusive.
pub(crate) fn content_range(call: &Call) -> Option<ContentRange> {
    let (range, total) = call.header("content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let range = ContentRange { first: first.parse().ok()?, last: last.parse().ok()?, total: total.parse().ok()? };
    (range.first <= range.last && range.last < range.total).then_some(range)
}

/// Answers a PUT to an upload URL.
pub(crate) async fn put(sim: &Arc<Sim>, call: &mut Call) -> Reply {
    if call.path != "/video/" || call.method != Method::PUT {
        return reply::text(404, "Unsupported path(Janus)");
    }
    let begun = {
        let mut state = sim.tiktok.lock();
        begin(sim, &mut state, call)
    };
    let (publish_id, epoch, mut received, expected) = match begun {
        Ok(begun) => begun,
        Err(refusal) => return refusal,
    };
    let before = received.byte_count;
    if let Some(upload) = call.upload.as_mut() {
        while let Some(piece) = upload.next().await {
            match piece {
                Ok(piece) => received.push(&piece),
                // Nobody hears this answer; the chunk does not count.
                Err(Broken) => return reply::text(400, "the body broke off"),
            }
        }
    }
    if received.byte_count - before != expected {
        return reply::text(400, "the body has another length than announced");
    }
    let mut state = sim.tiktok.lock();
    let reply = finish(sim, &mut state, &publish_id, epoch, received);
    sim.tiktok.note_due(&state);
    reply
}

type Begun = (String, u64, Received, u64);

/// Checks the head; gives publish id, number of this PUT, what arrived so far, and the length to come.
fn begin(sim: &Sim, state: &mut State, call: &Call) -> Result<Begun, Reply> {
    let not_found = || reply::text(404, "no such upload task");
    let rules = state.rules.clone();
    let publish_id = call.query.get("upload_id").and_then(|id| state.uploads.get(id)).ok_or_else(not_found)?;
    let task = state.tasks.get_mut(publish_id).ok_or_else(not_found)?;
    let Source::Upload(upload) = &mut task.source else { return Err(not_found()) };
    if call.query.get("upload_token") != Some(upload.token.as_str()) {
        return Err(not_found());
    }
    if sim.clock.now() >= upload.expires_at {
        return Err(reply::text(403, "the upload URL has expired"));
    }
    let bad = |what: &str| reply::text(400, what);
    let types = ["video/mp4", "video/quicktime", "video/webm"];
    if !types.iter().any(|known| call.content_type_is(known)) {
        return Err(bad("Content-Type must be video/mp4, video/quicktime or video/webm"));
    }
    let Some(range) = content_range(call) else { return Err(bad("Content-Range is missing or malformed")) };
    let length = range.last - range.first + 1;
    let announced = call.header("content-length").and_then(|text| text.parse::<u64>().ok());
    if announced != Some(length) {
        return Err(bad("Content-Length does not fit Content-Range"));
    }
    if range.total != upload.video_size {
        return Err(bad("the total of Content-Range is not the video_size of the init"));
    }
    if task.stage != Stage::Receiving || upload.done == upload.chunks || range.last < upload.uploaded() {
        return Err(if rules.resent_range_is_416 {
            progress(416, upload, &rules)
        } else {
            progress(if upload.done == upload.chunks { 201 } else { 206 }, upload, &rules)
        });
    }
    if (range.first, range.last) != upload.range(upload.done) {
        return Err(progress(416, upload, &rules));
    }
    upload.epoch += 1;
    let received = upload.received.clone().unwrap_or_default();
    Ok((publish_id.clone(), upload.epoch, received, length))
}

/// The chunk arrived whole.
fn finish(sim: &Arc<Sim>, state: &mut State, publish_id: &str, epoch: u64, received: Received) -> Reply {
    let rules = state.rules.clone();
    let Some(task) = state.tasks.get_mut(publish_id) else { return reply::text(404, "no such upload task") };
    let Source::Upload(upload) = &mut task.source else { return reply::text(404, "no such upload task") };
    if upload.epoch != epoch || task.stage != Stage::Receiving {
        return progress(416, upload, &rules);
    }
    if sim.clock.now() >= upload.expires_at {
        return reply::text(403, "the upload URL has expired");
    }
    upload.done += 1;
    if upload.done < upload.chunks {
        upload.received = Some(received);
        return progress(206, upload, &rules);
    }
    upload.received = None;
    let reply = progress(201, upload, &rules);
    let webm = received.is_webm();
    let (byte_count, sha256, probe) = received.finish();
    let file = File { byte_count, sha256, probe, webm };
    process::start(sim, state, publish_id, file);
    reply
}

/// Where the upload stands, in a header.
fn progress(status: u16, upload: &Upload, rules: &Rules) -> Reply {
    let (done, total) = (upload.uploaded(), upload.video_size);
    let shown = if rules.progress_header_is_count { Some(done) } else { done.checked_sub(1) };
    match shown {
        Some(shown) => reply::header(reply::empty(status), "content-range", &format!("bytes 0-{shown}/{total}")),
        None => reply::empty(status),
    }
}

//! YouTube, behind three hosts: consent page, token endpoint, API with uploads. Written from the sheet `youtube.md`.
//!
//! Guaranteed: what the sheet says is refused is refused with its reason and status; the request that brings the last
//! byte of a session makes one video, whatever becomes of the answer, and a query tells it; a video is in the list of
//! visible posts while anybody but its owner can watch it. Nothing runs in the background: what happens later is a due
//! time, carried out by [`settle`].
//!
//! Who owns what: [`oauth`] grants and tokens, [`api`] the way of a call to its handler, [`quota`] the project's
//! buckets, [`upload`] sessions and their bytes ([`stream`]), [`resource`] what a client may write, [`video`] the life
//! of a video, [`videos`], [`lists`], [`comments`] and [`thumbnails`] the calls, [`control`] the switches for tests.

mod api;
mod channel;
mod comments;
mod control;
pub(crate) mod error;
mod lists;
mod oauth;
mod publish_at;
mod quota;
mod resource;
pub(crate) mod rules;
mod state;
mod stream;
mod thumbnails;
mod upload;
mod video;
mod videos;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;

use crate::call::{Call, Identity};
use crate::host::Host;
use crate::options::Options;
use crate::random::Random;
use crate::reply::{self, Reply};
use crate::sim::Sim;
use crate::youtube::quota::Cost;
use crate::youtube::state::State;

/// Everything YouTube remembers, behind one lock.
pub(crate) struct YouTube {
    state: Mutex<State>,
    /// Microseconds of the earliest due time, so that settling costs no lock when nothing is due.
    next_due: AtomicI64,
}

impl YouTube {
    pub(crate) fn new(options: &Options, random: &Random) -> Self {
        let state = State::new(options.youtube.clone(), options.default_accounts, random);
        YouTube { state: Mutex::new(state), next_due: AtomicI64::new(i64::MAX) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("youtube lock")
    }

    /// To be called after changes to `due`, while the lock is held.
    fn note_due(&self, state: &State) {
        let next = state.due.keys().next().map_or(i64::MAX, |(time, _)| time.timestamp_micros());
        self.next_due.store(next, Ordering::SeqCst);
    }
}

/// Bytes of videos and pictures are read piece by piece; the JSON of an initiation is not.
pub(crate) fn streams_body(call: &Call) -> bool {
    call.host == Host::YouTubeApi && (is_session(call) || call.path == thumbnails::PATH)
}

fn is_session(call: &Call) -> bool {
    call.path == upload::PATH && call.query.get("upload_id").is_some()
}

fn operation(call: &Call) -> &'static str {
    if call.host == Host::YouTubeApi && is_session(call) {
        let span = upload::span(call);
        return match (call.method.as_str(), span) {
            ("PUT", Some(upload::Span::Query { .. })) => "youtube.upload_query",
            ("PUT", span) if upload::is_last(span) => "youtube.upload_last_chunk",
            ("PUT", _) => "youtube.upload_chunk",
            ("DELETE", _) => "youtube.upload_cancel",
            _ => "youtube.unknown",
        };
    }
    match (call.host, call.method.as_str(), call.path.as_str()) {
        (Host::GoogleAuth, "GET", path) if oauth::AUTHORIZE.contains(&path) => "youtube.authorize",
        (Host::GoogleAuth, "POST", path) if oauth::AUTHORIZE.contains(&path) => "youtube.consent",
        (Host::GoogleToken, "POST", "/token") => match call.form().get("grant_type") {
            Some("refresh_token") => "youtube.refresh",
            Some(_) | None => "youtube.exchange",
        },
        (Host::GoogleToken, "POST", "/revoke") => "youtube.revoke",
        (Host::YouTubeApi, "POST", upload::PATH) => "youtube.upload_init",
        (Host::YouTubeApi, "POST", thumbnails::PATH) => "youtube.thumbnails_set",
        (Host::YouTubeApi, "GET", "/youtube/v3/channels") => "youtube.channels_list",
        (Host::YouTubeApi, "GET", "/youtube/v3/videos") => "youtube.videos_list",
        (Host::YouTubeApi, "PUT", "/youtube/v3/videos") => "youtube.videos_update",
        (Host::YouTubeApi, "DELETE", "/youtube/v3/videos") => "youtube.videos_delete",
        (Host::YouTubeApi, "GET", "/youtube/v3/videos:batchGetStats") => "youtube.batch_get_stats",
        (Host::YouTubeApi, "GET", "/youtube/v3/playlistItems") => "youtube.playlist_items",
        (Host::YouTubeApi, "GET", "/youtube/v3/search") => "youtube.search",
        (Host::YouTubeApi, "GET", "/youtube/v3/commentThreads") => "youtube.comments_list",
        (Host::YouTubeApi, "POST", "/youtube/v3/commentThreads") => "youtube.comments_insert",
        (Host::YouTubeApi, "GET", "/youtube/v3/videoCategories") => "youtube.categories",
        _ => "youtube.unknown",
    }
}

/// What the request is and for which channel.
pub(crate) fn identify(sim: &Sim, call: &Call) -> Identity {
    let operation = operation(call);
    let state = sim.youtube.lock();
    let form = |name: &str| call.form().get(name).map(str::to_owned);
    let account = match operation {
        "youtube.exchange" => form("code").and_then(|code| state.codes.get(&code)).map(|code| code.channel.clone()),
        "youtube.refresh" => {
            form("refresh_token").and_then(|text| state.refresh.get(&text)).map(|token| token.channel.clone())
        }
        "youtube.revoke" => form("token").and_then(|text| {
            let access = state.access.get(&text).map(|token| token.channel.clone());
            access.or_else(|| state.refresh.get(&text).map(|token| token.channel.clone()))
        }),
        _ => {
            let session = call.query.get("upload_id").and_then(|id| state.sessions.get(id));
            let by_token =
                || call.bearer().and_then(|token| state.access.get(token)).map(|token| token.channel.clone());
            session.map(|session| session.channel.clone()).or_else(by_token)
        }
    };
    Identity::with_account(operation, account)
}

/// The title of the video that the request is about.
pub(crate) fn subject(sim: &Sim, call: &Call) -> Option<String> {
    let state = sim.youtube.lock();
    if let Some(id) = call.query.get("upload_id") {
        return Some(state.sessions.get(id)?.draft.snippet.title.clone());
    }
    let title = |id: &str| state.videos.get(id).map(|video| video.draft.snippet.title.clone());
    match operation(call) {
        "youtube.upload_init" => Some(call.json()?.get("snippet")?.get("title")?.as_str()?.to_owned()),
        "youtube.videos_list" | "youtube.videos_delete" | "youtube.batch_get_stats" => title(call.query.get("id")?),
        "youtube.videos_update" => title(call.json()?.get("id")?.as_str()?),
        "youtube.thumbnails_set" | "youtube.comments_list" => title(call.query.get("videoId")?),
        "youtube.comments_insert" => title(call.json()?.get("snippet")?.get("videoId")?.as_str()?),
        _ => None,
    }
}

/// Carries the request out.
pub(crate) async fn act(sim: &Arc<Sim>, call: &mut Call) -> Reply {
    if call.host == Host::YouTubeApi && is_session(call) {
        return upload::session(sim, call).await;
    }
    let operation = operation(call);
    if operation == "youtube.thumbnails_set" {
        return thumbnails::set(sim, call).await;
    }
    let call = &*call;
    match operation {
        "youtube.authorize" => oauth::page(sim, call),
        "youtube.consent" => oauth::consent(sim, call),
        "youtube.exchange" | "youtube.refresh" => oauth::token(sim, call),
        "youtube.revoke" => oauth::revoke(sim, call),
        "youtube.upload_init" => api::run(sim, call, &api::UPLOAD, Cost::Upload, upload::initiate),
        "youtube.channels_list" => api::run(sim, call, &api::READ, Cost::Units(1), lists::channels),
        "youtube.videos_list" => api::run(sim, call, &api::READ, Cost::Units(1), videos::list),
        "youtube.videos_update" => api::run(sim, call, &api::WRITE, Cost::Units(50), videos::update),
        "youtube.videos_delete" => api::run(sim, call, &api::WRITE, Cost::Units(50), videos::delete),
        "youtube.batch_get_stats" => api::run(sim, call, &api::READ, Cost::Stats, videos::batch_get_stats),
        "youtube.playlist_items" => api::run(sim, call, &api::READ, Cost::Units(1), lists::playlist_items),
        "youtube.comments_list" => api::run(sim, call, &comments::SCOPES, Cost::Units(1), comments::list),
        "youtube.comments_insert" => api::run(sim, call, &comments::SCOPES, Cost::Units(50), comments::insert),
        "youtube.search" => api::run(sim, call, &api::READ, Cost::Search, lists::search),
        "youtube.categories" => api::run(sim, call, &api::READ, Cost::Units(1), lists::categories),
        _ => reply::html(404, "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title></html>"),
    }
}

/// Carries out what is due by now.
pub(crate) fn settle(sim: &Arc<Sim>) {
    let now = sim.clock.now();
    if sim.youtube.next_due.load(Ordering::SeqCst) > now.timestamp_micros() {
        return;
    }
    let mut state = sim.youtube.lock();
    while let Some(entry) = state.due.first_entry().filter(|entry| entry.key().0 <= now) {
        let ((at, _), due) = entry.remove_entry();
        video::carry_out(sim, &mut state, at, due);
    }
    sim.youtube.note_due(&state);
}

/// Back to the state of the start; changed rules are forgotten too.
pub(crate) fn reset(sim: &Sim) {
    let mut state = sim.youtube.lock();
    *state = State::new(sim.options.youtube.clone(), sim.options.default_accounts, &sim.random);
    sim.youtube.note_due(&state);
}

/// Makes a channel from the body of `POST /_sim/accounts`.
pub(crate) fn create_account(sim: &Sim, spec: &Value) -> Result<Value, String> {
    control::create_account(sim, spec)
}

/// All channels.
pub(crate) fn accounts(sim: &Sim) -> Vec<Value> {
    let state = sim.youtube.lock();
    state.order.iter().filter_map(|id| state.channels.get(id)).map(channel::Channel::describe).collect()
}

/// Requests to `/_sim/youtube/…`.
pub(crate) fn control(sim: &Arc<Sim>, call: &Call, rest: &[&str]) -> Option<Reply> {
    control::act(sim, call, rest)
}

//! Cloudflare Stream, behind two hosts: the API and the customer's delivery host. Written from the sheet
//! `cloudflare-stream.md`.
//!
//! Guaranteed: every answer of the API has the envelope; an MP4 is off until it is asked for, takes time, and its address
//! works only when it is ready; a private video is delivered to a token for downloads alone, whose time has come and not
//! passed. Nothing runs in the background: what is told follows from the clock.
//!
//! Switches, below `/_sim/cloudflare/`: `videos` POST makes a video ([`Video`]'s fields; `media` is a query of the media host),
//! `videos/<uid>` GET tells its state, POST merges fields, DELETE removes it; `rules` POST merges [`Rules`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::call::{Call, Identity, Params};
use crate::control::{bad, parse};
use crate::host::Host;
use crate::media;
use crate::reply::{self, Reply};
use crate::sim::Sim;

/// The account that has the videos.
pub(crate) const ACCOUNT: &str = "c1oudf1are0000000000000000000001";
/// Its API token.
pub(crate) const TOKEN: &str = "sim-cloudflare-api-token-for-stream";

/// A day: longest life of a token, seconds.
const DAY: i64 = 86_400;

/// Everything that Cloudflare remembers.
pub(crate) struct Cloudflare(Mutex<State>);

#[derive(Default)]
struct State {
    rules: Rules,
    videos: HashMap<String, Video>,
}

/// How the API answers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rules {
    /// POST of a download answers its fields without a key, as older pages show it.
    flat: bool,
    /// Calls refused with 429 from now on.
    throttled: u32,
    /// The token is refused with this status.
    token_refused: Option<u16>,
}

/// A video.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
struct Video {
    uid: String,
    /// `queued`, `inprogress`, `ready`, `error`.
    state: String,
    /// What `errorReasonText` says.
    reason: String,
    require_signed_urls: bool,
    /// Describes the file, as a query of the media host.
    media: String,
    /// How long its MP4 takes.
    mp4_seconds: i64,
    /// So many times the MP4 fails.
    mp4_fails: u32,
    /// Creating downloads is refused.
    downloads_refused: bool,
    /// Changing it is refused.
    edit_refused: bool,
    #[serde(skip_deserializing)]
    mp4_asked_at: Option<DateTime<Utc>>,
    #[serde(skip_deserializing)]
    mp4_failed: bool,
    #[serde(skip_deserializing)]
    tokens: u64,
    #[serde(skip_deserializing)]
    fetches: u64,
}

impl Default for Video {
    fn default() -> Self {
        Video {
            uid: String::new(),
            state: "ready".to_owned(),
            reason: String::new(),
            require_signed_urls: false,
            media: String::new(),
            mp4_seconds: 30,
            mp4_fails: 0,
            downloads_refused: false,
            edit_refused: false,
            mp4_asked_at: None,
            mp4_failed: false,
            tokens: 0,
            fetches: 0,
        }
    }
}

impl Cloudflare {
    pub(crate) fn new() -> Self {
        Cloudflare(Mutex::default())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("cloudflare lock")
    }
}

/// What the request is.
pub(crate) fn identify(call: &Call) -> Identity {
    let path = call.segments();
    Identity::of(match (call.host, call.method.as_str(), path.get(5..).unwrap_or_default()) {
        (Host::CloudflareStream, ..) => "cloudflare.mp4",
        (_, "GET", [_, "downloads"]) => "cloudflare.downloads_get",
        (_, "POST", [_, "downloads"]) => "cloudflare.downloads_create",
        (_, "DELETE", [_, "downloads"]) => "cloudflare.downloads_delete",
        (_, "POST", [_, "token"]) => "cloudflare.token",
        (_, "GET", [_]) => "cloudflare.video_get",
        (_, "POST", [_]) => "cloudflare.video_edit",
        (_, "GET", []) => "cloudflare.videos_list",
        _ => "cloudflare.unknown",
    })
}

/// Carries the request out.
pub(crate) async fn act(sim: &Arc<Sim>, call: &Call) -> Reply {
    match call.host {
        Host::CloudflareStream => deliver(sim, call).await,
        _ => api(sim, call),
    }
}

/// Back to the state of the start.
pub(crate) fn reset(sim: &Sim) {
    *sim.cloudflare.lock() = State::default();
}

fn api(sim: &Sim, call: &Call) -> Reply {
    let mut state = sim.cloudflare.lock();
    if state.rules.throttled > 0 {
        state.rules.throttled -= 1;
        return refused(429, 10429, "More than 1200 requests per 300 seconds reached");
    }
    if let Some(status) = state.rules.token_refused {
        return refused(status, 10000, "Authentication error");
    }
    match call.bearer() {
        None => return refused(401, 10001, "Unable to authenticate request"),
        Some(TOKEN) => {}
        Some(_) => return refused(403, 10000, "Authentication error"),
    }
    let rules = state.rules.clone();
    let path = call.segments();
    let ["client", "v4", "accounts", account, "stream", rest @ ..] = path.as_slice() else {
        return refused(404, 7003, "Could not route to the requested path");
    };
    if *account != ACCOUNT {
        return refused(403, 10000, "Authentication error");
    }
    let Some((uid, rest)) = rest.split_first() else {
        return succeeded(json!([]));
    };
    let Some(video) = state.videos.get_mut(*uid) else {
        return refused(404, 10003, "Not Found");
    };
    let now = sim.clock.now();
    match (call.method.as_str(), rest) {
        ("GET", []) => succeeded(describe(sim, video)),
        ("POST", []) if video.edit_refused => refused(400, 10005, "Bad Request: the video cannot be changed"),
        ("POST", []) => {
            let Some(asked) = call.json() else { return refused(400, 10005, "Bad Request: the body is no JSON") };
            if let Some(is_private) = asked["requireSignedURLs"].as_bool() {
                video.require_signed_urls = is_private;
            }
            succeeded(describe(sim, video))
        }
        ("GET", ["downloads"]) => {
            let mp4 = mp4(sim, video, now);
            succeeded(mp4.map_or_else(|| json!({}), |mp4| json!({ "default": mp4 })))
        }
        ("POST", ["downloads"]) if call.json().is_none() => refused(400, 10005, "Bad Request: the body is no JSON"),
        ("POST", ["downloads"]) if video.state != "ready" => refused(400, 10005, "Bad Request: video is not ready"),
        ("POST", ["downloads"]) if video.downloads_refused => {
            refused(400, 10005, "Bad Request: downloads are not enabled for this video")
        }
        ("POST", ["downloads"]) => {
            if video.mp4_asked_at.is_none() {
                video.mp4_asked_at = Some(now);
                video.mp4_failed = video.mp4_fails > 0;
                video.mp4_fails = video.mp4_fails.saturating_sub(1);
            }
            let mp4 = mp4(sim, video, now).unwrap_or_default();
            succeeded(if rules.flat { mp4 } else { json!({ "default": mp4 }) })
        }
        ("DELETE", ["downloads"]) => {
            video.mp4_asked_at = None;
            succeeded(json!("ok"))
        }
        ("POST", ["token"]) => token(sim, call, video, now),
        _ => refused(405, 10405, "Method not allowed"),
    }
}

fn describe(sim: &Sim, video: &Video) -> Value {
    let is_ready = video.state == "ready";
    let mut status = Map::from_iter([("state".to_owned(), json!(video.state))]);
    if video.state == "inprogress" {
        status.insert("pctComplete".to_owned(), json!("39.000000"));
    }
    if video.state == "error" {
        status.insert("errorReasonCode".to_owned(), json!("ERR_NON_VIDEO"));
        status.insert("errorReasonText".to_owned(), json!(video.reason));
    }
    json!({
        "uid": video.uid, "readyToStream": is_ready, "status": status, "duration": 10.0,
        "requireSignedURLs": video.require_signed_urls, "allowedOrigins": [],
        "playback": { "hls": format!("{}/{}/manifest/video.m3u8", sim.url(Host::CloudflareStream), video.uid) },
    })
}

/// The MP4 as it is now.
fn mp4(sim: &Sim, video: &Video, now: DateTime<Utc>) -> Option<Value> {
    let since = now - video.mp4_asked_at?;
    let whole = TimeDelta::seconds(video.mp4_seconds);
    let is_over = since >= whole;
    let percent = if is_over { 100.0 } else { 100.0 * since.as_seconds_f64() / whole.as_seconds_f64() };
    let status = match (is_over, video.mp4_failed) {
        (false, _) => "inprogress",
        (true, true) => "error",
        (true, false) => "ready",
    };
    let url = format!("{}/{}/downloads/default.mp4", sim.url(Host::CloudflareStream), video.uid);
    Some(json!({ "status": status, "percentComplete": percent, "url": url }))
}

fn token(sim: &Sim, call: &Call, video: &mut Video, now: DateTime<Utc>) -> Reply {
    let asked = call.json().unwrap_or_default();
    let exp = asked["exp"].as_i64().unwrap_or(now.timestamp() + 3_600);
    if exp > now.timestamp() + DAY {
        return refused(400, 10005, "Bad Request: exp must be at most 24 hours from now");
    }
    if asked["id"].is_string() != asked["pem"].is_string() {
        return refused(400, 10005, "Bad Request: id and pem belong together");
    }
    video.tokens += 1;
    let claims = json!({
        "sub": video.uid, "exp": exp, "nbf": now.timestamp() - 3_600,
        "downloadable": asked["downloadable"].as_bool().unwrap_or_default(),
    });
    // A token is a credential: tests look for its random part where it must not be.
    let claims = format!("{}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()), sim.random.token(32));
    let token = format!("{claims}.{}", signature(sim, &claims));
    succeeded(json!({ "token": token }))
}

fn signature(sim: &Sim, claims: &str) -> String {
    let key = format!("cloudflare-{}", sim.options.seed);
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes any key");
    mac.update(claims.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// The uid that a token lets in.
fn opened_by(sim: &Sim, token: &str, now: i64) -> Option<String> {
    let (signed, given) = token.rsplit_once('.')?;
    if given != signature(sim, signed) {
        return None;
    }
    let (claims, _) = signed.split_once('.')?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let is_alive = claims["nbf"].as_i64()? <= now && now < claims["exp"].as_i64()?;
    (is_alive && claims["downloadable"] == json!(true)).then(|| claims["sub"].as_str().map(str::to_owned))?
}

/// `/<uid or token>/downloads/default.mp4`.
async fn deliver(sim: &Arc<Sim>, call: &Call) -> Reply {
    let [name, "downloads", "default.mp4"] = call.segments()[..] else {
        return reply::text(404, "not found");
    };
    let now = sim.clock.now();
    let file = {
        let mut state = sim.cloudflare.lock();
        let opened = opened_by(sim, name, now.timestamp());
        let is_token = opened.is_some();
        let Some(video) = state.videos.get_mut(opened.as_deref().unwrap_or(name)) else {
            return reply::text(if name.contains('.') { 401 } else { 404 }, "not found");
        };
        if video.require_signed_urls && !is_token {
            return reply::text(401, "unauthorized");
        }
        if mp4(sim, video, now).is_none_or(|mp4| mp4["status"] != "ready") {
            return reply::text(404, "not found");
        }
        video.fetches += 1;
        Call {
            host: Host::Media,
            method: call.method.clone(),
            path: format!("/v/{}.mp4", video.uid),
            query: Params::parse(video.media.as_bytes()),
            headers: call.headers.clone(),
            body: call.body.clone(),
            upload: None,
        }
    };
    media::serve::act(sim, &file).await
}

fn succeeded(result: Value) -> Reply {
    reply::json(200, &json!({ "result": result, "success": true, "errors": [], "messages": [] }))
}

fn refused(status: u16, code: u32, message: &str) -> Reply {
    let errors = json!([{ "code": code, "message": message }]);
    reply::json(status, &json!({ "result": null, "success": false, "errors": errors, "messages": [] }))
}

/// Requests to `/_sim/cloudflare/…`.
pub(crate) fn control(sim: &Sim, call: &Call, rest: &[&str]) -> Option<Reply> {
    let mut state = sim.cloudflare.lock();
    match (call.method.clone(), rest) {
        (Method::POST, ["rules"]) => Some(merged(call, &mut state.rules)),
        (Method::POST, ["videos"]) => Some(match parse::<Video>(call) {
            Ok(video) if video.uid.is_empty() => bad("uid is missing"),
            Ok(video) => {
                let made = reply::json(201, &json!(video));
                state.videos.insert(video.uid.clone(), video);
                made
            }
            Err(refusal) => refusal,
        }),
        (Method::GET, ["videos", uid]) => Some(reply::json(200, &json!(state.videos.get(*uid)?))),
        (Method::POST, ["videos", uid]) => {
            let video = state.videos.get_mut(*uid)?;
            let kept = (video.mp4_asked_at, video.mp4_failed, video.tokens, video.fetches);
            let reply = merged(call, video);
            (video.mp4_asked_at, video.mp4_failed, video.tokens, video.fetches) = kept;
            Some(reply)
        }
        (Method::DELETE, ["videos", uid]) => {
            state.videos.remove(*uid)?;
            Some(reply::empty(204))
        }
        _ => None,
    }
}

/// Merges the body of a request into a value.
fn merged<T: Serialize + serde::de::DeserializeOwned>(call: &Call, into: &mut T) -> Reply {
    let changes: Map<String, Value> = match parse(call) {
        Ok(changes) => changes,
        Err(refusal) => return refusal,
    };
    let mut whole = json!(into);
    if let Some(fields) = whole.as_object_mut() {
        fields.extend(changes);
    }
    match serde_json::from_value(whole) {
        Ok(value) => {
            *into = value;
            reply::json(200, &json!(into))
        }
        Err(error) => bad(&error.to_string()),
    }
}

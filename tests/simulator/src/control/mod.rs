//! The control port: `/_sim/…` for tests and scripts, `/` for people.
//!
//! | path | method | what |
//! |---|---|---|
//! | `/_sim/clock` | GET, POST | the clock; POST `{"advance_seconds": n}` or `{"now": "<RFC 3339>"}` |
//! | `/_sim/posts` | GET | every visible post; filters `platform`, `account`; `wait=<n>` waits for n, `timeout_ms` |
//! | `/_sim/requests` | GET, DELETE | the journal; filters `host`, `method`, `operation`, `account`, `acted`, `succeeded`, `after`; `wait`, `timeout_ms`; `limit` newest |
//! | `/_sim/counts` | GET | exact counters per operation |
//! | `/_sim/faults` | GET, POST, DELETE | fault rules ([`crate::fault::Rule`]); `/_sim/faults/<id>` DELETE, `/_sim/faults/<id>/release` POST |
//! | `/_sim/faults/random` | POST, DELETE | random faults ([`crate::fault::Chances`]) |
//! | `/_sim/hosts` | GET, POST | ports; POST `{"host": "tiktok_api", "listening": false}` refuses connections |
//! | `/_sim/accounts` | GET, POST | vendor accounts; POST needs `platform` |
//! | `/_sim/redirects` | GET, POST | registered redirect addresses; POST `{"client_id", "redirect_uri"}` |
//! | `/_sim/media/replace` | POST | `{"name", "seed", "after"}`: another file of equal size behind `/v/<name>`, after so many more requests |
//! | `/_sim/media/sign` | POST | `{"path", "query", "expires_in"}` → a signed video URL that expires |
//! | `/_sim/environment` | GET | settings that point a core here |
//! | `/_sim/reset` | POST | forget everything; default accounts come back |
//! | `/_sim/tiktok/…`, `/_sim/meta/…`, `/_sim/youtube/…`, `/_sim/cloudflare/…` | | the vendors' own switches |

mod page;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::{Chances, Rule};
use crate::host::Host;
use crate::journal::Filter;
use crate::reply::{self, Reply};
use crate::server::Door;
use crate::sim::Sim;
use crate::{cloudflare, dispatch, media, meta, tiktok, youtube};

/// Answers a request to the control port.
pub(crate) async fn act(sim: &Arc<Sim>, call: &Call) -> Reply {
    let segments = call.segments();
    let get = call.method == Method::GET;
    let post = call.method == Method::POST;
    let delete = call.method == Method::DELETE;
    let Some(("_sim", rest)) = segments.split_first().map(|(first, rest)| (*first, rest)) else {
        return if get && segments.is_empty() { page::render(sim) } else { not_found() };
    };
    match rest {
        ["clock"] if get => clock(sim),
        ["clock"] if post => set_clock(sim, call),
        ["posts"] if get => posts(sim, call).await,
        ["requests"] if get => requests(sim, call).await,
        ["requests"] if delete => {
            sim.journal.clear();
            reply::empty(204)
        }
        ["counts"] if get => reply::json(200, &json!(sim.journal.counts())),
        ["faults"] if get => {
            let (rules, random) = sim.faults.list();
            reply::json(200, &json!({ "rules": rules, "random": random }))
        }
        ["faults"] if post => match parse::<Rule>(call) {
            Ok(rule) => reply::json(201, &json!({ "id": sim.faults.add(rule) })),
            Err(refusal) => refusal,
        },
        ["faults"] if delete => {
            sim.faults.clear();
            reply::empty(204)
        }
        ["faults", "random"] if post => match parse::<Chances>(call) {
            Ok(chances) => match chances.check() {
                Ok(()) => {
                    sim.faults.set_chances(Some(chances));
                    reply::empty(204)
                }
                Err(what) => bad(&what),
            },
            Err(refusal) => refusal,
        },
        ["faults", "random"] if delete => {
            sim.faults.set_chances(None);
            reply::empty(204)
        }
        ["faults", id] if delete => done(id.parse().is_ok_and(|id| sim.faults.remove(id))),
        ["faults", id, "release"] if post => done(id.parse().is_ok_and(|id| sim.faults.release(id))),
        ["hosts"] if get => hosts(sim),
        ["hosts"] if post => set_host(sim, call),
        ["accounts"] if get => reply::json(200, &json!({ "accounts": accounts(sim) })),
        ["accounts"] if post => match call.json() {
            Some(spec) => match create_account(sim, &spec) {
                Ok(account) => reply::json(201, &account),
                Err(what) => bad(&what),
            },
            None => bad("the body is not JSON"),
        },
        ["redirects"] if get => reply::json(200, &json!(sim.redirects.list())),
        ["redirects"] if post => register_redirect(sim, call),
        ["media", "replace"] if post => replace_media(sim, call),
        ["media", "sign"] if post => sign_media(sim, call),
        ["environment"] if get => {
            let settings: serde_json::Map<String, Value> =
                sim.environment().into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            reply::json(200, &Value::Object(settings))
        }
        ["reset"] if post => {
            sim.reset();
            reply::empty(204)
        }
        ["tiktok", rest @ ..] => tiktok::control(sim, call, rest).unwrap_or_else(not_found),
        ["meta", rest @ ..] => meta::control(sim, call, rest).unwrap_or_else(not_found),
        ["cloudflare", rest @ ..] => cloudflare::control(sim, call, rest).unwrap_or_else(not_found),
        ["youtube", rest @ ..] => youtube::control(sim, call, rest).unwrap_or_else(not_found),
        _ => not_found(),
    }
}

/// All vendor accounts.
pub(crate) fn accounts(sim: &Sim) -> Vec<Value> {
    let mut all = tiktok::accounts(sim);
    all.extend(meta::accounts(sim));
    all.extend(youtube::accounts(sim));
    all
}

/// Makes a vendor account.
pub(crate) fn create_account(sim: &Sim, spec: &Value) -> Result<Value, String> {
    match spec.get("platform").and_then(Value::as_str) {
        Some("tiktok") => tiktok::create_account(sim, spec),
        Some("instagram" | "facebook") => meta::create_account(sim, spec),
        Some("youtube") => youtube::create_account(sim, spec),
        Some(other) => Err(format!("unknown platform {other}")),
        None => Err("platform is missing".to_owned()),
    }
}

/// A control answer for what is wrong with the request.
pub(crate) fn bad(what: &str) -> Reply {
    reply::json(400, &json!({ "error": what }))
}

/// Reads the body of a control request.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(call: &Call) -> Result<T, Reply> {
    serde_json::from_slice(&call.body).map_err(|error| bad(&error.to_string()))
}

fn not_found() -> Reply {
    reply::json(404, &json!({ "error": "no such control path or method" }))
}

fn done(found: bool) -> Reply {
    if found { reply::empty(204) } else { reply::json(404, &json!({ "error": "no such rule" })) }
}

fn clock(sim: &Sim) -> Reply {
    let now = sim.clock.now();
    reply::json(200, &json!({ "now": now.to_rfc3339_opts(SecondsFormat::Micros, true), "unix": now.timestamp() }))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    advance_seconds: Option<f64>,
    now: Option<DateTime<Utc>>,
}

fn set_clock(sim: &Arc<Sim>, call: &Call) -> Reply {
    let change: ClockChange = match parse(call) {
        Ok(change) => change,
        Err(refusal) => return refusal,
    };
    match (change.advance_seconds, change.now) {
        (Some(seconds), None) => sim.clock.advance(TimeDelta::microseconds((seconds * 1e6) as i64)),
        (None, Some(now)) => sim.clock.set(now),
        (Some(_), Some(_)) | (None, None) => return bad("give either advance_seconds or now"),
    }
    dispatch::settle(sim);
    clock(sim)
}

fn time_limit(call: &Call) -> Duration {
    Duration::from_millis(call.query.number("timeout_ms").unwrap_or(10_000))
}

async fn posts(sim: &Arc<Sim>, call: &Call) -> Reply {
    let wanted = call.query.number::<usize>("wait").unwrap_or(0);
    let (platform, account) = (call.query.get("platform"), call.query.get("account"));
    let limit = tokio::time::Instant::now() + time_limit(call);
    loop {
        dispatch::settle(sim);
        let left = limit.saturating_duration_since(tokio::time::Instant::now());
        if sim.posts.count(platform, account) >= wanted || left.is_zero() {
            let posts = sim.posts.list(platform, account);
            return reply::json(200, &json!({ "count": posts.len(), "posts": posts }));
        }
        // Posts also become due by the clock alone, so the wait is cut into pieces.
        sim.posts.changed(left.min(Duration::from_millis(50))).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn requests(sim: &Sim, call: &Call) -> Reply {
    let query = &call.query;
    let host = match query.get("host") {
        None => None,
        Some(name) => match Host::ALL.into_iter().find(|host| host.name() == name) {
            Some(host) => Some(host),
            None => return bad("no such host"),
        },
    };
    let filter = Filter {
        host,
        method: query.get("method").map(str::to_owned),
        operation: query.get("operation").map(str::to_owned),
        account: query.get("account").map(str::to_owned),
        acted: query.number("acted"),
        succeeded: query.number("succeeded"),
        after: query.number("after"),
    };
    if let Some(wanted) = query.number("wait") {
        sim.journal.wait(&filter, wanted, time_limit(call)).await;
    }
    let mut entries = sim.journal.find(&filter);
    let count = entries.len();
    let limit = query.number("limit").unwrap_or(1000);
    entries.drain(..count.saturating_sub(limit));
    reply::json(200, &json!({ "count": count, "requests": entries }))
}

fn hosts(sim: &Sim) -> Reply {
    let hosts: Vec<Value> = Host::ALL
        .into_iter()
        .map(|host| json!({ "host": host, "url": sim.url(host), "listening": sim.door(host) == Door::Open }))
        .collect();
    reply::json(200, &json!({ "hosts": hosts }))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct HostChange {
    host: Host,
    listening: bool,
}

fn set_host(sim: &Sim, call: &Call) -> Reply {
    match parse::<HostChange>(call) {
        Ok(HostChange { host: Host::Control, .. }) => bad("the control port stays open"),
        Ok(change) => {
            sim.set_door(change.host, if change.listening { Door::Open } else { Door::Refusing });
            hosts(sim)
        }
        Err(refusal) => refusal,
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Redirect {
    client_id: String,
    redirect_uri: String,
}

fn register_redirect(sim: &Sim, call: &Call) -> Reply {
    match parse::<Redirect>(call) {
        Ok(redirect) => {
            sim.redirects.register(&redirect.client_id, &redirect.redirect_uri);
            reply::empty(204)
        }
        Err(refusal) => refusal,
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SignRequest {
    path: String,
    #[serde(default)]
    query: String,
    expires_in: i64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Replace {
    name: String,
    seed: u64,
    #[serde(default)]
    after: u64,
}

fn replace_media(sim: &Sim, call: &Call) -> Reply {
    match parse::<Replace>(call) {
        Ok(replace) => {
            sim.media.replace(&replace.name, replace.seed, replace.after);
            reply::empty(204)
        }
        Err(refusal) => refusal,
    }
}

fn sign_media(sim: &Sim, call: &Call) -> Reply {
    match parse::<SignRequest>(call) {
        Ok(request) => {
            let expires = sim.clock.unix() + request.expires_in;
            reply::json(200, &json!({ "url": media::serve::sign(sim, &request.path, &request.query, expires) }))
        }
        Err(refusal) => refusal,
    }
}

//! Switches for tests under `/_sim/youtube/`.
//!
//! | path | what |
//! |---|---|
//! | `rules` GET, POST | limits and lifetimes ([`crate::YouTubeRules`]); POST merges |
//! | `accounts/<id>` GET, POST | a channel; POST merges profile fields |
//! | `behaviour` POST | `{"account": id}` (absent = all channels) plus fields of the processing behaviour |
//! | `faults` POST | `{"error": "quotaExceeded" \| "503/backendError" \| "empty/503", "operation"?, "account"?, "act"?, "times"?, "skip"?}` makes a fault rule with Google's body |
//! | `tokens/kill` POST | `{"account": id, "access": true, "refresh": true}` |
//! | `grants/<id>` DELETE | the channel takes its consent back |
//! | `quota` GET | what the project has used today |
//! | `videos` GET | every video that was ever made, private and deleted ones too; `account=<id>` |
//! | `videos/<id>` POST | `{"privacy"?, "upload_status"?, "reason"?, "views"?, "likes"?, "comments"?}`: what YouTube or the owner does; `null` hides a counter |
//! | `videos/<id>` DELETE | the owner deletes it |
//! | `sessions` GET | every upload session, without its secret address |

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::control::{bad, parse};
use crate::fault::{Action, Matcher, Rule};
use crate::reply::{self, Reply};
use crate::sim::Sim;
use crate::youtube::channel::{Behaviour, Profile};
use crate::youtube::error::Refusal;
use crate::youtube::oauth;
use crate::youtube::rules::Privacy;
use crate::youtube::state::State;
use crate::youtube::video::{self, UploadStatus, Video};

/// Makes a channel; `behaviour` may be given along with the profile, and `tokens` asks for tokens without a consent.
pub(crate) fn create_account(sim: &Sim, spec: &Value) -> Result<Value, String> {
    let mut fields = spec.as_object().cloned().ok_or("the account must be an object")?;
    fields.remove("platform");
    let behaviour = fields.remove("behaviour");
    let tokens = fields.remove("tokens").is_some_and(|tokens| tokens == json!(true));
    let profile: Profile = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
    check_profile(&profile)?;
    let behaviour: Option<Behaviour> =
        behaviour.map(serde_json::from_value).transpose().map_err(|error| error.to_string())?;
    behaviour.as_ref().map_or(Ok(()), Behaviour::check)?;
    let mut state = sim.youtube.lock();
    let id = state.add_channel(profile, &sim.random)?;
    let channel = state.channels.get_mut(&id).ok_or("the channel is gone")?;
    if let Some(behaviour) = behaviour {
        channel.behaviour = behaviour;
    }
    let mut described = channel.describe();
    if tokens {
        described["tokens"] = oauth::grant_all(sim, &mut state, &id, sim.clock.now());
    }
    Ok(described)
}

fn check_profile(profile: &Profile) -> Result<(), String> {
    match &profile.refused_with {
        Some(reason) if Refusal::parse(reason).is_none() => Err(format!("{reason} is no reason that YouTube gives")),
        Some(_) | None => Ok(()),
    }
}

/// Answers a control request; `None` means there is no such path.
pub(crate) fn act(sim: &Arc<Sim>, call: &Call, rest: &[&str]) -> Option<Reply> {
    let (get, post, delete) = (call.method == Method::GET, call.method == Method::POST, call.method == Method::DELETE);
    let mut state = sim.youtube.lock();
    let reply = match rest {
        ["rules"] if get => reply::json(200, &json!(state.rules)),
        ["rules"] if post => match merged(&state.rules, call) {
            Ok(rules) => {
                state.rules = rules;
                reply::json(200, &json!(state.rules))
            }
            Err(refusal) => refusal,
        },
        ["accounts", id] if get => reply::json(200, &state.channels.get(*id)?.describe()),
        ["accounts", id] if post => change_profile(&mut state, id, call)?,
        ["behaviour"] if post => set_behaviour(&mut state, call),
        ["faults"] if post => match parse::<FaultSpec>(call) {
            Ok(spec) => add_fault(sim, &state, spec),
            Err(refusal) => refusal,
        },
        ["tokens", "kill"] if post => match parse::<Kill>(call) {
            Ok(kill) => {
                let killed = oauth::kill_tokens(&mut state, &kill.account, kill.access, kill.refresh);
                reply::json(200, &json!({ "killed": killed }))
            }
            Err(refusal) => refusal,
        },
        ["grants", id] if delete => {
            state.grants.get(*id)?;
            oauth::end_grant(&mut state, id);
            reply::empty(204)
        }
        ["quota"] if get => reply::json(200, &state.quota.describe(sim.clock.now())),
        ["videos"] if get => {
            let account = call.query.get("account");
            let ids = state.order.iter().filter_map(|id| state.channels.get(id)).flat_map(|channel| &channel.videos);
            let videos = ids.filter_map(|id| state.videos.get(id));
            let videos = videos.filter(|video| account.is_none_or(|account| video.channel == account));
            reply::json(200, &json!({ "videos": videos.map(describe).collect::<Vec<_>>() }))
        }
        ["videos", id] if post => match parse::<Change>(call) {
            Ok(change) => change_video(sim, &mut state, id, change)?,
            Err(refusal) => refusal,
        },
        ["videos", id] if delete => {
            let video = state.videos.get_mut(*id)?;
            video.upload_status = UploadStatus::Deleted;
            video.deleted_at = Some(sim.clock.now());
            video::show(sim, &mut state, id, sim.clock.now());
            reply::empty(204)
        }
        ["sessions"] if get => reply::json(200, &sessions(&state)),
        _ => return None,
    };
    sim.youtube.note_due(&state);
    Some(reply)
}

/// The present value with the body's fields laid over it.
fn merged<T>(present: &T, call: &Call) -> Result<T, Reply>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let Some(Value::Object(changes)) = call.json() else { return Err(bad("the body is not a JSON object")) };
    let mut value = json!(present);
    if let Some(fields) = value.as_object_mut() {
        fields.extend(changes);
    }
    serde_json::from_value(value).map_err(|error| bad(&error.to_string()))
}

fn change_profile(state: &mut State, id: &str, call: &Call) -> Option<Reply> {
    let channel = state.channels.get_mut(id)?;
    Some(match merged(&channel.profile, call) {
        Ok(profile) if profile.id != id => bad("the id cannot change"),
        Ok(profile) => match check_profile(&profile) {
            Ok(()) => {
                channel.profile = profile;
                reply::json(200, &channel.describe())
            }
            Err(what) => bad(&what),
        },
        Err(refusal) => refusal,
    })
}

fn set_behaviour(state: &mut State, call: &Call) -> Reply {
    let Some(Value::Object(mut fields)) = call.json() else { return bad("the body is not a JSON object") };
    let account = fields.remove("account");
    let behaviour: Behaviour = match serde_json::from_value(Value::Object(fields)) {
        Ok(behaviour) => behaviour,
        Err(error) => return bad(&error.to_string()),
    };
    if let Err(what) = behaviour.check() {
        return bad(&what);
    }
    match account {
        None => state.channels.values_mut().for_each(|channel| channel.behaviour = behaviour.clone()),
        Some(id) => match id.as_str().and_then(|id| state.channels.get_mut(id)) {
            Some(channel) => channel.behaviour = behaviour,
            None => return bad("there is no such channel"),
        },
    }
    reply::empty(204)
}

fn yes() -> bool {
    true
}

fn once() -> u64 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultSpec {
    error: String,
    operation: Option<String>,
    account: Option<String>,
    #[serde(default)]
    act: bool,
    #[serde(default = "once")]
    times: u64,
    #[serde(default)]
    skip: u64,
}

fn add_fault(sim: &Sim, state: &State, spec: FaultSpec) -> Reply {
    let (status, body) = match spec.error.strip_prefix("empty/").map(str::parse::<u16>) {
        Some(Ok(status)) => (status, None),
        Some(Err(_)) => return bad("empty/ is followed by a status"),
        None => match Refusal::parse(&spec.error) {
            Some(refusal) => (refusal.status, Some(refusal.body(&state.rules))),
            None => return bad("there is no such error"),
        },
    };
    let matcher = Matcher {
        vendor: Some("youtube".to_owned()),
        operation: spec.operation,
        account: spec.account,
        ..Matcher::default()
    };
    let action = Action::Answer { status, headers: BTreeMap::new(), body, act: spec.act };
    let rule = Rule { skip: spec.skip, times: spec.times, ..Rule::once(matcher, action) };
    reply::json(201, &json!({ "id": sim.faults.add(rule) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kill {
    account: String,
    #[serde(default = "yes")]
    access: bool,
    #[serde(default = "yes")]
    refresh: bool,
}

/// Unknown fields end up among the counters, and are refused there.
#[derive(Deserialize)]
struct Change {
    privacy: Option<Privacy>,
    upload_status: Option<String>,
    reason: Option<String>,
    views: Option<u64>,
    #[serde(flatten)]
    counters: Map<String, Value>,
}

fn change_video(sim: &Arc<Sim>, state: &mut State, id: &str, change: Change) -> Option<Reply> {
    let video = state.videos.get_mut(id)?;
    let reason = change.reason.unwrap_or_default();
    let status = match change.upload_status.as_deref() {
        None => None,
        Some("processed") => Some(UploadStatus::Processed),
        Some("failed") => Some(UploadStatus::Failed(reason)),
        Some("rejected") => Some(UploadStatus::Rejected(reason)),
        Some(_) => return Some(bad("upload_status is processed, failed or rejected")),
    };
    let mut counters = video.counters(sim.clock.now());
    let are_set = video.statistics.is_some() || change.views.is_some() || !change.counters.is_empty();
    for (name, value) in &change.counters {
        let counter = match (value, value.as_u64()) {
            (Value::Null, _) => None,
            (_, Some(count)) => Some(count),
            (_, None) => return Some(bad("a counter is a number, or null to hide it")),
        };
        match name.as_str() {
            "likes" => counters.likes = counter,
            "comments" => counters.comments = counter,
            _ => return Some(bad(&format!("unknown field {name}"))),
        }
    }
    counters.views = change.views.unwrap_or(counters.views);
    video.statistics = are_set.then_some(counters);
    video.draft.status.privacy = change.privacy.unwrap_or(video.draft.status.privacy);
    if let Some(status) = status {
        video.upload_status = status;
    }
    video::show(sim, state, id, sim.clock.now());
    Some(reply::empty(204))
}

fn describe(video: &Video) -> Value {
    json!({
        "id": video.id,
        "account": video.channel,
        "title": video.draft.snippet.title,
        "description": video.draft.snippet.description,
        "privacy": video.draft.status.privacy,
        "publish_at": video.draft.status.publish_at,
        "notify_subscribers": video.draft.notify_subscribers,
        "file_name": video.draft.file_name,
        "upload_status": video.upload_status.word(),
        "status": video.status(),
        "source": video.source,
        "byte_count": video.file.byte_count,
        "sha256": video.file.sha256,
        "thumbnail": video.thumbnail,
        "is_short": video.is_short(),
        "made_at": video.created_at,
        "published_at": video.published_at,
        "deleted_at": video.deleted_at,
    })
}

fn sessions(state: &State) -> Value {
    let mut sessions: Vec<_> = state.sessions.values().collect();
    sessions.sort_by_key(|session| session.number);
    let list: Vec<Value> = sessions
        .into_iter()
        .map(|session| {
            let stored = session.stream.lock().map_or(0, |stream| stream.stored());
            json!({
                "number": session.number,
                "account": session.channel,
                "title": session.draft.snippet.title,
                "total": session.total,
                "stored": stored,
                "expires_at": session.expires_at,
                "cancelled": session.cancelled,
                "video": session.done.as_ref().and_then(|done| done.video.clone()),
            })
        })
        .collect();
    json!({ "sessions": list })
}

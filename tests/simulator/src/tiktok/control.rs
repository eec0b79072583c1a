//! Switches for tests under `/_sim/tiktok/`.
//!
//! | path | what |
//! |---|---|
//! | `rules` GET, POST | limits and lifetimes ([`crate::TikTokRules`]); POST merges |
//! | `accounts/<id>` GET, POST | a creator; POST merges profile fields |
//! | `behaviour` POST | `{"account": id}` (absent = all creators) plus fields of the processing behaviour |
//! | `tokens/kill` POST | `{"account": id, "access": true, "refresh": true}` |
//! | `posts_elsewhere` POST | `{"account": id, "count": n}`: posts by other apps, which share the creator's cap |
//! | `tasks/<publish_id>` GET | where a task stands |
//! | `tasks/<publish_id>/finish` POST | ends a stuck task: `{"outcome": "publish"}` or `{"outcome": "fail", "fail_reason"}` |
//! | `tasks/<publish_id>/post_draft` POST | the creator posts a draft: `{"caption", "privacy"}` |
//! | `videos/<post id>` DELETE | the creator deletes a post |

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::control::{bad, parse};
use crate::reply::{self, Reply};
use crate::sim::Sim;
use crate::tiktok::account::{Behaviour, Fate, Profile};
use crate::tiktok::state::{Due, PostInfo, Source, Stage, State, Task};
use crate::tiktok::{is_get, oauth, process};

/// Makes a creator; `behaviour` may be given along with the profile.
pub(crate) fn create_account(sim: &Sim, spec: &Value) -> Result<Value, String> {
    let mut fields = spec.as_object().cloned().ok_or("the account must be an object")?;
    fields.remove("platform");
    let behaviour = fields.remove("behaviour");
    let profile: Profile = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
    let behaviour: Option<Behaviour> =
        behaviour.map(serde_json::from_value).transpose().map_err(|error| error.to_string())?;
    let mut state = sim.tiktok.lock();
    let id = state.add_account(profile, &sim.random)?;
    let account = state.accounts.get_mut(&id).ok_or("the account is gone")?;
    if let Some(behaviour) = behaviour {
        account.behaviour = behaviour;
    }
    Ok(account.describe())
}

/// Answers a control request; `None` means there is no such path.
pub(crate) fn act(sim: &Arc<Sim>, call: &Call, rest: &[&str]) -> Option<Reply> {
    let post = call.method == Method::POST;
    let mut state = sim.tiktok.lock();
    let reply = match rest {
        ["rules"] if is_get(call) => reply::json(200, &json!(state.rules)),
        ["rules"] if post => match merged(&state.rules, call) {
            Ok(rules) => {
                state.rules = rules;
                reply::json(200, &json!(state.rules))
            }
            Err(refusal) => refusal,
        },
        ["accounts", id] => {
            let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned();
            match state.accounts.get_mut(&id) {
                Some(account) if is_get(call) => reply::json(200, &account.describe()),
                Some(account) if post => match merged(&account.profile, call) {
                    Ok(profile) if profile.id != id => bad("the id cannot change"),
                    Ok(profile) => {
                        account.profile = profile;
                        reply::json(200, &account.describe())
                    }
                    Err(refusal) => refusal,
                },
                Some(_) | None => return None,
            }
        }
        ["behaviour"] if post => set_behaviour(&mut state, call),
        ["tokens", "kill"] if post => match parse::<Kill>(call) {
            Ok(kill) => {
                let killed = oauth::kill_tokens(&mut state, &kill.account, kill.access, kill.refresh);
                reply::json(200, &json!({ "killed": killed }))
            }
            Err(refusal) => refusal,
        },
        ["posts_elsewhere"] if post => match parse::<Elsewhere>(call) {
            Ok(elsewhere) => {
                let account = state.accounts.get_mut(&elsewhere.account)?;
                for _ in 0..elsewhere.count {
                    account.posted.push(sim.clock.now());
                }
                reply::empty(204)
            }
            Err(refusal) => refusal,
        },
        ["tasks", id] if is_get(call) => reply::json(200, &describe(state.tasks.get(*id)?)),
        ["tasks", id, "finish"] if post => match parse::<Finish>(call) {
            Ok(finish) => finish_task(sim, &mut state, id, finish)?,
            Err(refusal) => refusal,
        },
        ["tasks", id, "post_draft"] if post => match parse::<Draft>(call) {
            Ok(draft) => {
                let info = PostInfo { title: draft.caption, privacy_level: draft.privacy, is_aigc: false };
                if process::creator_posts(sim, &mut state, id, info, sim.clock.now()) {
                    reply::empty(204)
                } else {
                    bad("there is no such draft in an inbox")
                }
            }
            Err(refusal) => refusal,
        },
        ["videos", id] if call.method == Method::DELETE => remove_video(sim, &mut state, id)?,
        _ => return None,
    };
    sim.tiktok.note_due(&state);
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

fn set_behaviour(state: &mut State, call: &Call) -> Reply {
    let Some(Value::Object(mut fields)) = call.json() else { return bad("the body is not a JSON object") };
    let account = fields.remove("account");
    let behaviour: Behaviour = match serde_json::from_value(Value::Object(fields)) {
        Ok(behaviour) => behaviour,
        Err(error) => return bad(&error.to_string()),
    };
    match account {
        None => state.accounts.values_mut().for_each(|account| account.behaviour = behaviour.clone()),
        Some(id) => match id.as_str().and_then(|id| state.accounts.get_mut(id)) {
            Some(account) => account.behaviour = behaviour,
            None => return bad("there is no such TikTok account"),
        },
    }
    reply::empty(204)
}

fn yes() -> bool {
    true
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    account: String,
    count: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finish {
    outcome: Fate,
    #[serde(default)]
    fail_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    #[serde(default)]
    caption: String,
    #[serde(default = "everyone")]
    privacy: String,
}

fn everyone() -> String {
    "PUBLIC_TO_EVERYONE".to_owned()
}

fn finish_task(sim: &Arc<Sim>, state: &mut State, id: &str, finish: Finish) -> Option<Reply> {
    let task = state.tasks.get_mut(id)?;
    if task.stage != Stage::Processing {
        return Some(bad("the task is not processing"));
    }
    task.behaviour.outcome = finish.outcome;
    if let Some(reason) = finish.fail_reason {
        task.behaviour.fail_reason = reason;
    }
    process::carry_out(sim, state, sim.clock.now(), Due::Processed(id.to_owned()));
    Some(reply::empty(204))
}

fn describe(task: &Task) -> Value {
    let (kind, received, size) = match &task.source {
        Source::Upload(upload) => ("upload", upload.uploaded(), Some(upload.video_size)),
        Source::Pull(pull) => ("pull", pull.downloaded, None),
    };
    json!({
        "publish_id": task.publish_id,
        "account": task.open_id,
        "source": kind,
        "received_bytes": received,
        "video_size": size,
        "stage": format!("{:?}", task.stage),
        "sha256": task.file.as_ref().map(|file| &file.sha256),
        "made_at": task.made_at,
    })
}

fn remove_video(sim: &Arc<Sim>, state: &mut State, id: &str) -> Option<Reply> {
    let number: u64 = id.parse().ok()?;
    let video = state
        .accounts
        .values_mut()
        .flat_map(|account| account.videos.iter_mut())
        .find(|video| video.ids.contains(&number))?;
    video.removed = true;
    let now = sim.clock.now();
    sim.posts.change("tiktok", &video.ids[0].to_string(), |post| post.removed_at = Some(now));
    Some(reply::empty(204))
}

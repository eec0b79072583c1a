//! `/_sim/meta/…`: switches of the simulated Meta.
//!
//! | path | method | what |
//! |---|---|---|
//! | `behaviour` | GET, POST | `{"account"?, "set": {…}}` changes fields of the common or one account's behaviour; `{"account", "set": null}` drops the account's own |
//! | `faults` | POST | `{"operation"?, "account"?, "error": "4/2207051" \| "answer": "broken_json" \| "html_502" \| "empty_200", "type"?, "act"?, "times"?, "skip"?}` makes a fault rule with Meta's body |
//! | `media` | POST | `{"account", "caption"?, "seconds_ago"?, "media_type"?, "product"?, "deletable"?, "insights"?}`: a post that was not made through us |
//! | `media/<id>` | POST | `{"insights": {…}}` |
//! | `sessions` | POST | `{"person" \| "account", "subcode"}` ends all tokens with 190 / subcode; 459 and 464 block until `"subcode": 0` or a new login |
//! | `tokens` | POST | `{"person" \| "account" \| "token", "expires_in"}` sets the expiry, in seconds from now |
//! | `apps` | POST | `{"flavour": "facebook" \| "instagram", "require_proof"?, "development"?, "name"?}` |
//! | `roles` | POST | `{"person", "page", "tasks"?, "lost"?, "via_business"?}` |
//! | `pages/<id>` | POST | `{"needs_authorization"?, "coordinates"?}` |
//! | `accounts/<id>` | POST | `{"restricted"?, "trial_reels"?, "account_type"?, "app_role"?}` |
//! | `people/<id>` | POST | `{"app_role"}` |
//! | `containers/<id>` | GET | what is known about a container |
//! | `state` | GET | how much there is |
//! | `facebook/…` | | Pages and their videos ([`super::facebook`]) |

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::GraphError;
use super::media::{Media, shortcode};
use super::token::Subject;
use super::world::{Id, Kind, World};
use crate::call::Call;
use crate::control::{bad, parse};
use crate::fault::{Action, Matcher, Rule};
use crate::reply::{self, Reply};
use crate::sim::Sim;

/// Answers a control request.
pub(crate) fn act(sim: &Arc<Sim>, call: &Call, rest: &[&str]) -> Option<Reply> {
    let post = call.method == Method::POST;
    let get = call.method == Method::GET;
    let result = match rest {
        ["facebook", rest @ ..] => return super::facebook::control(sim, call, rest),
        ["behaviour"] if get => Ok(json!(*sim.meta.lock().behaviour)),
        ["behaviour"] if post => body(call).and_then(|body| set_behaviour(&mut sim.meta.lock(), body)),
        ["faults"] if post => body(call).and_then(|fault| add_fault(sim, fault)),
        ["media"] if post => body(call).and_then(|post| add_media(sim, post)),
        ["media", id] if post => body(call).and_then(|change| set_insights(&mut sim.meta.lock(), id, change)),
        ["sessions"] if post => body(call).and_then(|end| end_sessions(&mut sim.meta.lock(), &end)),
        ["tokens"] if post => body(call).and_then(|change| set_expiry(sim, &change)),
        ["apps"] if post => body(call).and_then(|change| set_app(&mut sim.meta.lock(), change)),
        ["roles"] if post => body(call).and_then(|change| set_role(&mut sim.meta.lock(), change)),
        ["pages", id] if post => body(call).and_then(|change| set_page(&mut sim.meta.lock(), id, change)),
        ["accounts", id] if post => body(call).and_then(|change| set_account(&mut sim.meta.lock(), id, change)),
        ["people", id] if post => body(call).and_then(|change| set_person(&mut sim.meta.lock(), id, &change)),
        ["containers", id] if get => Ok(container(sim, id)?),
        ["state"] if get => Ok(state(&sim.meta.lock())),
        _ => return None,
    };
    Some(match result {
        Ok(Value::Null) => reply::empty(204),
        Ok(value) => reply::json(if post { 201 } else { 200 }, &value),
        Err(Refused::Reply(reply)) => *reply,
        Err(Refused::Text(what)) => bad(&what),
    })
}

/// Why a control request was not carried out.
enum Refused {
    Reply(Box<Reply>),
    Text(String),
}

impl From<&str> for Refused {
    fn from(text: &str) -> Self {
        Refused::Text(text.to_owned())
    }
}

type Answer = Result<Value, Refused>;

fn body<T: serde::de::DeserializeOwned>(call: &Call) -> Result<T, Refused> {
    parse(call).map_err(|reply| Refused::Reply(Box::new(reply)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetBehaviour {
    account: Option<String>,
    set: Value,
}

fn set_behaviour(world: &mut World, body: SetBehaviour) -> Answer {
    let account = match &body.account {
        None => None,
        Some(id) => Some(Id::parse(id).filter(|id| world.accounts.contains_key(id)).ok_or("no such account")?),
    };
    let current = account.map_or_else(|| world.behaviour.clone(), |account| world.behaviour_of(account));
    let next =
        if body.set.is_null() { None } else { Some(Arc::new(current.patched(&body.set).map_err(Refused::Text)?)) };
    let failures = body.set.get("permalink_failures").and(next.as_ref()).map(|next| next.permalink_failures);
    let targets: Vec<Id> = account.map_or_else(|| world.accounts.keys().copied().collect(), |account| vec![account]);
    if let Some(failures) = failures {
        for id in targets {
            if let Some(state) = world.accounts.get_mut(&id) {
                state.permalink_failures = failures;
            }
        }
    }
    match account.and_then(|account| world.accounts.get_mut(&account)) {
        Some(state) => state.behaviour = next,
        None => world.behaviour = next.unwrap_or_default(),
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultSpec {
    operation: Option<String>,
    account: Option<String>,
    error: Option<String>,
    /// `error.type`, instead of the usual one.
    #[serde(rename = "type")]
    kind: Option<String>,
    answer: Option<String>,
    #[serde(default)]
    act: bool,
    #[serde(default = "once")]
    times: u64,
    #[serde(default)]
    skip: u64,
}

fn once() -> u64 {
    1
}

fn add_fault(sim: &Sim, spec: FaultSpec) -> Answer {
    let (status, body) = match (&spec.error, spec.answer.as_deref()) {
        (Some(code), None) => {
            let error = GraphError::parse(code).ok_or("no such error code")?;
            let mut body = error.body(&format!("A{}", sim.random.token(22)));
            if let Some(kind) = &spec.kind {
                body["error"]["type"] = json!(kind);
            }
            (error.status, Some(body))
        }
        (None, Some("broken_json")) => (200, Some(json!("{\"id\":\"1789"))),
        (None, Some("empty_200")) => (200, None),
        (None, Some("html_502")) => (
            502,
            Some(json!(
                "<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"
            )),
        ),
        _ => return Err("one of error and answer (broken_json, empty_200, html_502) is needed".into()),
    };
    let mut headers = BTreeMap::new();
    if spec.answer.as_deref() == Some("html_502") {
        headers.insert("content-type".to_owned(), "text/html; charset=utf-8".to_owned());
    }
    let matcher = Matcher {
        vendor: Some("meta".to_owned()),
        operation: spec.operation,
        account: spec.account,
        ..Matcher::default()
    };
    let action = Action::Answer { status, headers, body, act: spec.act };
    let rule = Rule { skip: spec.skip, times: spec.times, ..Rule::once(matcher, action) };
    Ok(json!({ "id": sim.faults.add(rule) }))
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForeignPost {
    account: String,
    #[serde(default)]
    caption: String,
    #[serde(default)]
    seconds_ago: i64,
    media_type: Option<String>,
    product: Option<String>,
    #[serde(default = "yes")]
    deletable: bool,
    #[serde(default)]
    insights: Map<String, Value>,
}

fn add_media(sim: &Sim, post: ForeignPost) -> Answer {
    let made_at = super::now(sim) - post.seconds_ago * 1000;
    let mut world = sim.meta.lock();
    let account = Id::parse(&post.account).filter(|id| world.accounts.contains_key(id)).ok_or("no such account")?;
    let media_type = match post.media_type.as_deref() {
        None | Some("VIDEO") => "VIDEO",
        Some("IMAGE") => "IMAGE",
        Some("CAROUSEL_ALBUM") => "CAROUSEL_ALBUM",
        Some(_) => return Err("media_type is one of VIDEO, IMAGE, CAROUSEL_ALBUM".into()),
    };
    let product = match post.product.as_deref() {
        None | Some("REELS") => "REELS",
        Some("FEED") => "FEED",
        Some("STORY") => "STORY",
        Some("AD") => "AD",
        Some(_) => return Err("product is one of REELS, FEED, STORY, AD".into()),
    };
    let id = world.new_id(Kind::Media);
    world.media.insert(
        id,
        Media {
            account,
            container: None,
            caption: post.caption,
            asked_at: made_at,
            made_at,
            listed_from: made_at,
            media_type,
            product,
            shortcode: shortcode(id),
            share_to_feed: Some(true),
            comments_enabled: true,
            deletable: post.deletable,
            insights: post.insights,
        },
    );
    if let Some(state) = world.accounts.get_mut(&account) {
        state.add_media(made_at, id);
    }
    Ok(json!({ "id": id.to_string() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Insights {
    insights: Map<String, Value>,
}

fn set_insights(world: &mut World, id: &str, change: Insights) -> Answer {
    let media = Id::parse(id).and_then(|id| world.media.get_mut(&id)).ok_or("no such media")?;
    media.insights = change.insights;
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndSessions {
    person: Option<String>,
    account: Option<String>,
    subcode: i64,
}

fn subject(person: Option<&str>, account: Option<&str>) -> Result<Subject, Refused> {
    let id = |text: &str| Id::parse(text).ok_or(Refused::from("not an id"));
    match (person, account) {
        (Some(person), None) => Ok(Subject::Person(id(person)?)),
        (None, Some(account)) => Ok(Subject::Account(id(account)?)),
        _ => Err("one of person and account is needed".into()),
    }
}

fn end_sessions(world: &mut World, end: &EndSessions) -> Answer {
    let subject = subject(end.person.as_deref(), end.account.as_deref())?;
    let grant = world.grants.get_mut(&subject).ok_or("nothing was granted")?;
    if end.subcode == 0 {
        grant.blocked = None;
    } else {
        world.end_sessions(subject, end.subcode);
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetExpiry {
    person: Option<String>,
    account: Option<String>,
    token: Option<String>,
    expires_in: i64,
}

fn set_expiry(sim: &Sim, change: &SetExpiry) -> Answer {
    let at = super::now(sim) + change.expires_in * 1000;
    let mut world = sim.meta.lock();
    if let Some(text) = &change.token {
        world.tokens.get_mut(text).ok_or("no such token")?.expires_at = Some(at);
        return Ok(Value::Null);
    }
    let subject = subject(change.person.as_deref(), change.account.as_deref())?;
    for token in world.tokens.values_mut().filter(|token| token.subject == subject) {
        token.expires_at = Some(at);
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetApp {
    flavour: String,
    require_proof: Option<bool>,
    development: Option<bool>,
    name: Option<String>,
}

fn set_app(world: &mut World, change: SetApp) -> Answer {
    let app = match change.flavour.as_str() {
        "facebook" => &mut world.facebook,
        "instagram" => &mut world.instagram,
        _ => return Err("flavour is facebook or instagram".into()),
    };
    app.require_proof = change.require_proof.unwrap_or(app.require_proof);
    app.development = change.development.unwrap_or(app.development);
    if let Some(name) = change.name {
        app.name = name;
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetRole {
    person: String,
    page: String,
    tasks: Option<Vec<String>>,
    lost: Option<bool>,
    via_business: Option<bool>,
}

fn set_role(world: &mut World, change: SetRole) -> Answer {
    let key = Id::parse(&change.person).zip(Id::parse(&change.page)).ok_or("not an id")?;
    let role = world.roles.get_mut(&key).ok_or("no such role")?;
    role.lost = change.lost.unwrap_or(role.lost);
    role.via_business = change.via_business.unwrap_or(role.via_business);
    if let Some(tasks) = change.tasks {
        role.tasks = tasks;
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetPage {
    needs_authorization: Option<bool>,
    coordinates: Option<bool>,
}

fn set_page(world: &mut World, id: &str, change: SetPage) -> Answer {
    let id = Id::parse(id).ok_or("not an id")?;
    let page = world.pages.get_mut(&id).ok_or("no such Page")?;
    page.needs_authorization = change.needs_authorization.unwrap_or(page.needs_authorization);
    match change.coordinates {
        Some(true) => {
            world.locations.insert(id);
        }
        Some(false) => {
            world.locations.remove(&id);
        }
        None => {}
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetAccount {
    restricted: Option<bool>,
    trial_reels: Option<bool>,
    app_role: Option<bool>,
    account_type: Option<String>,
}

fn set_account(world: &mut World, id: &str, change: SetAccount) -> Answer {
    let account = Id::parse(id).and_then(|id| world.accounts.get_mut(&id)).ok_or("no such account")?;
    account.restricted = change.restricted.unwrap_or(account.restricted);
    account.trial_reels = change.trial_reels.unwrap_or(account.trial_reels);
    account.app_role = change.app_role.unwrap_or(account.app_role);
    if let Some(kind) = change.account_type {
        account.account_type = kind;
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetPerson {
    app_role: bool,
}

fn set_person(world: &mut World, id: &str, change: &SetPerson) -> Answer {
    let person = Id::parse(id).and_then(|id| world.people.get_mut(&id)).ok_or("no such person")?;
    person.app_role = change.app_role;
    Ok(Value::Null)
}

fn container(sim: &Sim, id: &str) -> Option<Value> {
    let now = super::now(sim);
    let world = sim.meta.lock();
    let container = world.containers.get(&Id::parse(id)?)?;
    let behaviour = world.behaviour_of(container.account);
    Some(json!({
        "id": id,
        "account": container.account.to_string(),
        "status_code": container.status(now, &behaviour),
        "caption": container.draft.caption,
        "source": container.source,
        "received": container.received,
        "byte_count": container.byte_count,
        "sha256": container.sha256,
        "published": container.published.iter().map(Id::to_string).collect::<Vec<_>>(),
    }))
}

fn state(world: &World) -> Value {
    json!({
        "people": world.people.len(),
        "pages": world.pages.len(),
        "accounts": world.accounts.len(),
        "tokens": world.tokens.len(),
        "containers": world.containers.len(),
        "media": world.media.len(),
    })
}

//! The two Graph hosts: token, throttling, then the call.
//!
//! The order is Graph's: an unreadable token first, then its state, then `appsecret_proof`, then the limits, and only
//! then what was asked for.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::error::{GraphError, IG_API, OAUTH};
use super::input::{Field, Input, parse_fields};
use super::route::{self, Route};
use super::token::{Session, Subject};
use super::world::{Id, World};
use super::{Flavour, comments, create, facebook, insights, login, media, people, publish};
use crate::call::{Call, Identity};
use crate::host::Host;
use crate::reply::{self, Reply};
use crate::sim::Sim;

/// Names the operation and the account for the journal and the fault rules.
pub(crate) fn identify(world: &World, call: &Call, flavour: Flavour) -> Identity {
    let segments = call.segments();
    let Some((_, route)) = route::parse(flavour, &segments) else { return Identity::of("meta.unknown") };
    let account = account_of(world, &route).or_else(|| own_account(world, call, &route));
    let operation = match route {
        Route::Token => "meta.token",
        Route::InstagramExchange => "meta.exchange",
        Route::InstagramRefresh => "meta.refresh",
        Route::DebugToken => "meta.debug_token",
        Route::Me => "meta.me",
        Route::Accounts => "meta.accounts",
        Route::Businesses => "meta.businesses",
        Route::Permissions(..) if call.method == Method::DELETE => "meta.revoke",
        Route::Permissions(..) => "meta.permissions",
        Route::Node(id) => node_operation(world, &call.method, id),
        Route::Edge(_, edge) => {
            facebook::edge_operation(call, edge).unwrap_or_else(|| route::edge_operation(&call.method, edge))
        }
        Route::Post(_, _, Some(_)) => "meta.post_insights",
        Route::Post(..) => match call.method {
            Method::POST => "meta.post_edit",
            Method::DELETE => "meta.post_delete",
            _ => "meta.post_read",
        },
    };
    Identity::with_account(operation, account.map(|account| account.to_string()))
}

/// The caption of the post that a call is about: of the container that it makes, reads or publishes, or of the media.
pub(crate) fn subject(world: &World, call: &Call, flavour: Flavour) -> Option<String> {
    let segments = call.segments();
    let (_, route) = route::parse(flavour, &segments)?;
    let of_container = |id: Id| world.containers.get(&id).map(|container| container.draft.caption.clone());
    match route {
        Route::Node(id) if facebook::page_of(world, id).is_some() => facebook::subject(world, call, None, id),
        Route::Edge(Some(id), edge) if facebook::owns_edge(edge) => facebook::subject(world, call, Some(edge), id),
        Route::Node(id) => of_container(id).or_else(|| world.media.get(&id).map(|media| media.caption.clone())),
        Route::Edge(_, "media") if call.method == Method::POST => Input::of(call).ok()?.get("caption"),
        Route::Edge(Some(id), "comments") => {
            let media = || world.media.get(&id).map(|media| media.caption.clone());
            facebook::subject(world, call, None, id).or_else(media)
        }
        Route::Edge(_, "media_publish") => of_container(Id::parse(&Input::of(call).ok()?.get("creation_id")?)?),
        _ => None,
    }
}

fn node_operation(world: &World, method: &Method, id: Id) -> &'static str {
    if world.containers.contains_key(&id) {
        "meta.container_status"
    } else if world.media.contains_key(&id) {
        match *method {
            Method::POST => "meta.media_update",
            Method::DELETE => "meta.media_delete",
            _ => "meta.media_read",
        }
    } else if facebook::page_of(world, id).is_some() {
        facebook::node_operation(method)
    } else if world.accounts.contains_key(&id) {
        "meta.profile"
    } else if world.pages.contains_key(&id) || world.people.contains_key(&id) {
        "meta.node"
    } else {
        "meta.unknown"
    }
}

/// The Instagram account or the Page a path is about.
fn account_of(world: &World, route: &Route<'_>) -> Option<Id> {
    let id = match route {
        Route::Node(id) | Route::Edge(Some(id), _) | Route::Post(id, _, _) => *id,
        _ => return None,
    };
    if world.accounts.contains_key(&id) || world.pages.contains_key(&id) {
        return Some(id);
    }
    if let Some(page) = facebook::page_of(world, id) {
        return Some(page);
    }
    let container = world.containers.get(&id).map(|container| container.account);
    container.or_else(|| world.media.get(&id).map(|media| media.account))
}

/// The account of an Instagram token in calls that name none.
fn own_account(world: &World, call: &Call, route: &Route<'_>) -> Option<Id> {
    if !matches!(route, Route::Me | Route::Edge(None, _) | Route::InstagramRefresh | Route::InstagramExchange) {
        return None;
    }
    let token = call.bearer().or_else(|| call.query.get("access_token"))?;
    match world.tokens.get(token)?.subject {
        Subject::Account(account) => Some(account),
        Subject::Person(_) => None,
    }
}

/// Answers a call to a Graph host.
pub(crate) async fn act(sim: &Arc<Sim>, call: &Call, flavour: Flavour) -> Reply {
    let mut usage = Vec::new();
    let segments = call.segments();
    let found = route::parse(flavour, &segments);
    let version = found.map_or("", |(version, _)| version);
    let result = match (found, Input::of(call)) {
        (None, _) => {
            let path = call.path.clone();
            Err(GraphError::new(2500, format!("Unknown path components: {path}")))
        }
        (_, Err(error)) => Err(error),
        (Some((version, route)), Ok(input)) => {
            let request = Request {
                flavour,
                method: call.method.clone(),
                bearer: call.bearer().map(str::to_owned),
                base: format!("{}{}", sim.url(call.host), call.path),
                version: version.to_owned(),
            };
            answer(sim, &request, route, &input, &mut usage).await
        }
    };
    let mut answer = match result {
        Ok(value) => reply::json(200, &value),
        Err(mut error) => {
            let older = sim.meta.lock().behaviour.instagram_api_exception;
            if call.host == Host::InstagramGraph && older && error.kind == OAUTH {
                error.kind = IG_API;
            }
            error.reply(&sim.random)
        }
    };
    for (name, value) in &usage {
        answer = reply::header(answer, name, value);
    }
    if version.is_empty() { answer } else { reply::header(answer, "facebook-api-version", &route::served(version)) }
}

/// What is needed of a request beside its parameters.
struct Request {
    flavour: Flavour,
    method: Method,
    bearer: Option<String>,
    /// Address of the call without its query.
    base: String,
    version: String,
}

impl Request {
    fn get(&self) -> Result<(), GraphError> {
        self.only(&Method::GET)
    }

    fn only(&self, method: &Method) -> Result<(), GraphError> {
        if self.method == *method {
            Ok(())
        } else {
            Err(GraphError::new(100, format!("Unsupported {} request.", self.method.as_str().to_lowercase())))
        }
    }
}

async fn answer(
    sim: &Arc<Sim>,
    request: &Request,
    route: Route<'_>,
    input: &Input<'_>,
    usage: &mut Vec<(&'static str, String)>,
) -> Result<Value, GraphError> {
    let caller = request.bearer.clone().or_else(|| input.get("access_token"));
    match route {
        Route::Token => return login::facebook_token(sim, input),
        Route::InstagramExchange => {
            request.get()?;
            return login::instagram_exchange(sim, caller.as_deref(), input);
        }
        Route::InstagramRefresh => {
            request.get()?;
            return login::instagram_refresh(sim, caller.as_deref(), input);
        }
        Route::DebugToken => return login::debug_token(sim, request.flavour, caller.as_deref(), input),
        Route::Permissions(Some(user), permission)
            if request.method == Method::DELETE && is_app_token(sim, caller.as_deref()) =>
        {
            let mut world = sim.meta.lock();
            return people::revoke(&mut world, user, permission);
        }
        _ => {}
    }
    let now = super::now(sim);
    let caller = caller.ok_or_else(|| GraphError::new(104, "An access token is required to request this resource."))?;
    let (session, account) = {
        let mut world = sim.meta.lock();
        let session = world.check(request.flavour, &caller, now)?;
        let proof = input.get("appsecret_proof");
        let time = input.get("appsecret_time");
        world.check_proof(request.flavour, &session.token, proof.as_deref(), time.as_deref(), now)?;
        let own = match session.subject {
            Subject::Account(account) => Some(account),
            Subject::Person(_) => None,
        };
        let account = account_of(&world, &route).or(own);
        let (headers, verdict) = world.throttle(request.flavour, account, now);
        *usage = headers;
        verdict?;
        (session, account)
    };
    let fields = input.get("fields").map(|text| parse_fields(&text)).transpose()?;
    let fields = fields.as_deref();
    match route {
        Route::Me => {
            request.get()?;
            people::me(sim, &session, fields)
        }
        Route::Accounts => {
            request.get()?;
            people::accounts(sim, &session, input, fields, &request.base)
        }
        Route::Businesses => {
            request.get()?;
            people::businesses(sim, &session, input)
        }
        Route::Permissions(user, permission) => permissions(sim, request, &session, user, permission),
        Route::Node(id) => node(sim, request, &session, id, input, fields),
        Route::Post(page, post, edge) => {
            facebook::post(sim, &session, &request.method, page, post, edge, input, fields)
        }
        Route::Edge(id, name) => {
            let id = match id {
                Some(id) => id,
                None => account.ok_or_else(|| GraphError::unsupported("get", "me"))?,
            };
            edge(sim, request, &session, id, name, input, fields).await
        }
        Route::Token | Route::InstagramExchange | Route::InstagramRefresh | Route::DebugToken => {
            Err(GraphError::known(1, None))
        }
    }
}

fn is_app_token(sim: &Sim, caller: Option<&str>) -> bool {
    let world = sim.meta.lock();
    caller.is_some_and(|caller| caller == format!("{}|{}", world.facebook.id, world.facebook.secret))
}

fn permissions(
    sim: &Sim,
    request: &Request,
    session: &Session,
    user: Option<Id>,
    permission: Option<&str>,
) -> Result<Value, GraphError> {
    let Subject::Person(person) = session.subject else { return Err(GraphError::unsupported("get", "me")) };
    if user.is_some_and(|user| user != person) || session.kind != super::token::TokenKind::User {
        return Err(GraphError::unsupported(
            &request.method.as_str().to_lowercase(),
            &user.unwrap_or(person).to_string(),
        ));
    }
    if request.method == Method::DELETE {
        return people::revoke(&mut sim.meta.lock(), person, permission);
    }
    request.get()?;
    people::permissions(sim, session)
}

fn node(
    sim: &Sim,
    request: &Request,
    session: &Session,
    id: Id,
    input: &Input<'_>,
    fields: Option<&[Field]>,
) -> Result<Value, GraphError> {
    let now = super::now(sim);
    let of_a_page = facebook::page_of(&sim.meta.lock(), id).is_some();
    if of_a_page {
        return facebook::node(sim, session, &request.method, id, fields);
    }
    if request.method == Method::DELETE {
        return media::delete(sim, session, id);
    }
    {
        let mut world = sim.meta.lock();
        if request.method == Method::POST {
            return world.media_update(session, id, input, now);
        }
        request.get()?;
        if world.media.contains_key(&id) {
            return world.media_read(session, id, fields.unwrap_or_default(), now);
        }
        if world.containers.contains_key(&id) {
            return container(&mut world, session, id, fields.unwrap_or_default(), now);
        }
    }
    people::node(sim, session, id, fields)
}

fn container(world: &mut World, session: &Session, id: Id, fields: &[Field], now: i64) -> Result<Value, GraphError> {
    let hidden = || GraphError::unsupported("get", &id.to_string());
    let account = world.containers.get(&id).ok_or_else(hidden)?.account;
    world
        .may_read(session, account, super::access::Access { verb: "get" })
        .map_err(|error| if error.code == 100 { hidden() } else { error })?;
    let behaviour = world.behaviour_of(account);
    if behaviour.containers_unreadable {
        return Err(GraphError::known(100, Some(33)));
    }
    let container = world.containers.get_mut(&id).ok_or_else(hidden)?;
    if container.flavour != session.flavour() || container.forgotten(now, &behaviour) {
        return Err(hidden());
    }
    container.node(id, fields, now, &behaviour)
}

async fn edge(
    sim: &Arc<Sim>,
    request: &Request,
    session: &Session,
    id: Id,
    name: &str,
    input: &Input<'_>,
    fields: Option<&[Field]>,
) -> Result<Value, GraphError> {
    let now = super::now(sim);
    let verb = request.method.as_str().to_lowercase();
    match (name, &request.method) {
        ("media", &Method::POST) => create::create(sim, session, id, input, &request.version).await,
        ("media", &Method::GET) => {
            let world = sim.meta.lock();
            world.media_list(session, id, input, fields.unwrap_or_default(), now, &request.base)
        }
        ("media_publish", &Method::POST) => publish::publish(sim, session, id, input),
        ("content_publishing_limit", &Method::GET) => sim.meta.lock().quota(session, id, input, fields, now),
        ("comments", &Method::POST) => comments::create(sim, session, id, input),
        ("comments", &Method::GET) => {
            comments::list(sim, session, id, input, fields.unwrap_or_default(), &request.base)
        }
        ("insights", &Method::GET) => insights::read(&sim.meta.lock(), session, id, input, now),
        ("owned_pages", &Method::GET) => people::business_pages(sim, session, id, false, input, fields, &request.base),
        ("client_pages", &Method::GET) => people::business_pages(sim, session, id, true, input, fields, &request.base),
        (name, method) if facebook::owns_edge(name) => {
            facebook::edge(sim, session, method, id, name, input, fields, &request.version).await
        }
        _ => Err(GraphError::unsupported(&verb, &id.to_string())),
    }
}

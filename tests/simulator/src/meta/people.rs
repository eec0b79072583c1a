//! `/me`, Pages and portfolios, and what was granted.
//!
//! A Page in a portfolio is missing from `/me/accounts` without `business_management`; a Page that was unticked in
//! the dialog is missing everywhere; an empty list is a normal answer.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::Flavour;
use super::access::Access;
use super::behaviour::Shape;
use super::error::GraphError;
use super::input::{Field, Input};
use super::media::{next_url, page_limit};
use super::scope::Scopes;
use super::token::{Session, Subject, TokenKind};
use super::world::{Id, World};
use crate::sim::Sim;

/// `/me` of a Facebook token: the person, or the Page of a Page token.
pub(crate) fn me(sim: &Sim, session: &Session, fields: Option<&[Field]>) -> Result<Value, GraphError> {
    let mut world = sim.meta.lock();
    match (session.subject, session.kind) {
        (Subject::Account(account), _) => {
            let node = own_profile(&world, account, fields)?;
            Ok(match world.behaviour.instagram_me_shape {
                Shape::Flat => node,
                Shape::Data => json!({ "data": [node] }),
            })
        }
        (Subject::Person(person), TokenKind::Page(page)) => page_node(sim, &mut world, session, person, page, fields),
        (Subject::Person(person), _) => person_node(&world, person, fields),
    }
}

/// A node by id that is neither container nor media: person, Page, portfolio or Instagram account.
pub(crate) fn node(sim: &Sim, session: &Session, id: Id, fields: Option<&[Field]>) -> Result<Value, GraphError> {
    let mut world = sim.meta.lock();
    let hidden = || GraphError::unsupported("get", &id.to_string());
    if world.accounts.contains_key(&id) {
        world.may_read(session, id, Access { verb: "get" })?;
        return match session.subject {
            Subject::Account(_) => own_profile(&world, id, fields),
            Subject::Person(_) => profile(&world, id, fields.unwrap_or_default()),
        };
    }
    let Subject::Person(person) = session.subject else { return Err(hidden()) };
    if id == person {
        return person_node(&world, person, fields);
    }
    let visible = world.pages.contains_key(&id)
        && visible_pages(&world, session, person).contains(&id)
        && !matches!(session.kind, TokenKind::Page(own) if own != id);
    if visible { page_node(sim, &mut world, session, person, id, fields) } else { Err(hidden()) }
}

fn person_node(world: &World, id: Id, fields: Option<&[Field]>) -> Result<Value, GraphError> {
    let person = world.people.get(&id).ok_or_else(|| GraphError::unsupported("get", &id.to_string()))?;
    let mut node = Map::new();
    match fields {
        None => {
            node.insert("name".into(), json!(person.name));
        }
        Some(fields) => {
            for field in fields {
                match field.name.as_str() {
                    "id" => {}
                    "name" => {
                        node.insert("name".into(), json!(person.name));
                    }
                    "picture" => {
                        let url = format!("https://platform-lookaside.fbsbx.com/platform/profilepic/?asid={id}");
                        node.insert("picture".into(), json!({ "data": { "url": url, "is_silhouette": false } }));
                    }
                    "email" => {}
                    other => return Err(GraphError::field(other, "User")),
                }
            }
        }
    }
    node.insert("id".into(), json!(id.to_string()));
    Ok(Value::Object(node))
}

/// The Instagram account as Facebook Login shows it.
fn profile(world: &World, id: Id, fields: &[Field]) -> Result<Value, GraphError> {
    let account = world.accounts.get(&id).ok_or_else(|| GraphError::unsupported("get", &id.to_string()))?;
    let mut node = Map::new();
    for field in fields {
        let value = match field.name.as_str() {
            "id" => continue,
            "username" => json!(account.username),
            "name" => json!(account.name),
            "profile_picture_url" => json!(format!("https://scontent.cdninstagram.com/v/{id}.jpg")),
            "followers_count" | "follows_count" => json!(0),
            "media_count" => json!(account.media.len()),
            other => return Err(GraphError::field(other, "IGUser")),
        };
        node.insert(field.name.clone(), value);
    }
    node.insert("id".into(), json!(id.to_string()));
    Ok(Value::Object(node))
}

/// The account as its own Instagram Login token sees it: `id` is app-scoped, `user_id` is the one for publishing.
fn own_profile(world: &World, id: Id, fields: Option<&[Field]>) -> Result<Value, GraphError> {
    let account = world.accounts.get(&id).ok_or_else(|| GraphError::unsupported("get", &id.to_string()))?;
    let mut node = Map::new();
    for field in fields.unwrap_or_default() {
        let value = match field.name.as_str() {
            "id" => continue,
            "user_id" => json!(id.to_string()),
            "username" => json!(account.username),
            "name" => json!(account.name),
            "account_type" => json!(account.account_type),
            "profile_picture_url" => json!(format!("https://scontent.cdninstagram.com/v/{id}.jpg")),
            "followers_count" | "follows_count" => json!(0),
            "media_count" => json!(account.media.len()),
            other => return Err(GraphError::field(other, "IGUser")),
        };
        node.insert(field.name.clone(), value);
    }
    node.insert("id".into(), json!(account.scoped_id.to_string()));
    Ok(Value::Object(node))
}

fn page_node(
    sim: &Sim,
    world: &mut World,
    session: &Session,
    person: Id,
    id: Id,
    fields: Option<&[Field]>,
) -> Result<Value, GraphError> {
    let hidden = || GraphError::unsupported("get", &id.to_string());
    let page = world.pages.get(&id).ok_or_else(hidden)?.clone();
    let names: Vec<Field> = match fields {
        Some(fields) => fields.to_vec(),
        None => ["name"].iter().map(|name| Field { name: (*name).to_owned(), fields: Vec::new() }).collect(),
    };
    let mut node = Map::new();
    for field in &names {
        let value = match field.name.as_str() {
            "id" => continue,
            "name" => json!(page.name),
            "category" => json!("Creator"),
            "tasks" => world.roles.get(&(person, id)).map_or(Value::Null, |role| json!(role.tasks)),
            "access_token" => match session.kind {
                TokenKind::Page(_) => json!(session.token),
                TokenKind::User | TokenKind::Instagram => {
                    let user = world.tokens.get(&session.token).cloned().ok_or_else(hidden)?;
                    json!(world.page_token(&sim.random, &user, person, id, super::now(sim)))
                }
            },
            // Without a linked account, or without the permission to see it, the key is absent.
            "instagram_business_account" => match page.instagram.filter(|_| session.scopes.has("instagram_basic")) {
                Some(account) => profile(world, account, &field.fields)?,
                None => continue,
            },
            other => return Err(GraphError::field(other, "Page")),
        };
        node.insert(field.name.clone(), value);
    }
    node.insert("id".into(), json!(id.to_string()));
    Ok(Value::Object(node))
}

/// Pages on which the person has a role and that were left ticked.
fn visible_pages(world: &World, session: &Session, person: Id) -> Vec<Id> {
    let ticked = world.grants.get(&session.subject).and_then(|grant| grant.pages.as_ref());
    let Some(person_state) = world.people.get(&person) else { return Vec::new() };
    let pages = person_state.pages.iter().copied();
    pages
        .filter(|page| ticked.is_none_or(|ticked| ticked.contains(page)))
        .filter(|page| world.roles.get(&(person, *page)).is_some_and(|role| !role.lost))
        .collect()
}

fn user_only(session: &Session) -> Result<Id, GraphError> {
    match (session.subject, session.kind) {
        (Subject::Person(person), TokenKind::User) => Ok(person),
        _ => Err(GraphError::field("accounts", "Page")),
    }
}

/// `GET /me/accounts`.
pub(crate) fn accounts(
    sim: &Sim,
    session: &Session,
    input: &Input<'_>,
    fields: Option<&[Field]>,
    base: &str,
) -> Result<Value, GraphError> {
    let mut world = sim.meta.lock();
    let person = user_only(session)?;
    if !session.scopes.has("pages_show_list") {
        return Err(GraphError::new(200, "(#200) Requires pages_show_list permission to view the Pages of the user"));
    }
    let portfolio = session.scopes.has("business_management");
    let mut pages = visible_pages(&world, session, person);
    pages.retain(|page| portfolio || world.pages.get(page).is_some_and(|page| page.business.is_none()));
    if world.behaviour.accounts_empty {
        pages.clear();
    }
    page_list(sim, &mut world, session, person, &pages, input, fields, base)
}

/// `GET /me/businesses`.
pub(crate) fn businesses(sim: &Sim, session: &Session, input: &Input<'_>) -> Result<Value, GraphError> {
    let world = sim.meta.lock();
    let person = user_only(session)?;
    need_business(session)?;
    page_limit(input)?;
    let data: Vec<Value> = world.people.get(&person).map_or_else(Vec::new, |person| {
        let known = person.businesses.iter().filter_map(|id| Some((id, world.businesses.get(id)?)));
        known.map(|(id, business)| json!({ "id": id.to_string(), "name": business.name })).collect()
    });
    Ok(json!({ "data": data }))
}

fn need_business(session: &Session) -> Result<(), GraphError> {
    if session.scopes.has("business_management") {
        Ok(())
    } else {
        Err(GraphError::new(200, "(#200) Requires business_management permission to manage the object"))
    }
}

/// `GET /{business}/owned_pages` and `/{business}/client_pages`.
pub(crate) fn business_pages(
    sim: &Sim,
    session: &Session,
    id: Id,
    client: bool,
    input: &Input<'_>,
    fields: Option<&[Field]>,
    base: &str,
) -> Result<Value, GraphError> {
    let mut world = sim.meta.lock();
    let person = user_only(session)?;
    need_business(session)?;
    let member = world.people.get(&person).is_some_and(|person| person.businesses.contains(&id));
    let business =
        world.businesses.get(&id).filter(|_| member).ok_or_else(|| GraphError::unsupported("get", &id.to_string()))?;
    let listed = if client { business.client.clone() } else { business.owned.clone() };
    let visible = visible_pages(&world, session, person);
    let pages: Vec<Id> = listed.into_iter().filter(|page| visible.contains(page)).collect();
    page_list(sim, &mut world, session, person, &pages, input, fields, base)
}

#[expect(clippy::too_many_arguments, reason = "one list shape for three edges")]
fn page_list(
    sim: &Sim,
    world: &mut World,
    session: &Session,
    person: Id,
    pages: &[Id],
    input: &Input<'_>,
    fields: Option<&[Field]>,
    base: &str,
) -> Result<Value, GraphError> {
    let limit = page_limit(input)?;
    let start = match input.get("after") {
        None => 0,
        Some(after) => {
            let id = read_cursor(&after)?;
            pages.iter().position(|page| *page == id).map_or(pages.len(), |at| at + 1)
        }
    };
    let default: Vec<Field> = ["access_token", "category", "name", "id", "tasks"]
        .iter()
        .map(|name| Field { name: (*name).to_owned(), fields: Vec::new() })
        .collect();
    let fields = fields.unwrap_or(&default);
    let shown = &pages[start.min(pages.len())..(start + limit).min(pages.len()).max(start.min(pages.len()))];
    let mut data = Vec::with_capacity(shown.len());
    for page in shown {
        data.push(page_node(sim, world, session, person, *page, Some(fields))?);
    }
    let mut answer = json!({ "data": data });
    if let (Some(first), Some(last)) = (shown.first(), shown.last()) {
        let mut paging = json!({ "cursors": { "before": cursor(*first), "after": cursor(*last) } });
        if start + limit < pages.len() {
            paging["next"] = json!(next_url(base, &session.token, input, limit, &cursor(*last)));
        }
        answer["paging"] = paging;
    }
    Ok(answer)
}

fn cursor(id: Id) -> String {
    URL_SAFE_NO_PAD.encode(id.to_string())
}

fn read_cursor(text: &str) -> Result<Id, GraphError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let id = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| Id::parse(&text));
    id.ok_or_else(|| GraphError::param("Invalid cursors values"))
}

/// `GET /me/permissions`.
pub(crate) fn permissions(sim: &Sim, session: &Session) -> Result<Value, GraphError> {
    let world = sim.meta.lock();
    user_only(session)?;
    let Some(grant) = world.grants.get(&session.subject) else { return Ok(json!({ "data": [] })) };
    let entry = |permission: &str, status: &str| json!({ "permission": permission, "status": status });
    let granted = grant.granted.names().map(|name| entry(name, "granted"));
    let declined = grant.declined.names().map(|name| entry(name, "declined"));
    Ok(json!({ "data": granted.chain(declined).collect::<Vec<_>>() }))
}

/// `DELETE /{user}/permissions[/{permission}]`, with that user's token or the app token.
///
/// Without a permission the whole app goes: every token of the person, Page tokens too, answers 190 / 458 from now on.
pub(crate) fn revoke(world: &mut World, person: Id, permission: Option<&str>) -> Result<Value, GraphError> {
    let subject = Subject::Person(person);
    match permission {
        None => world.end_sessions(subject, 458),
        Some(name) => {
            let scope = Scopes::named(Flavour::Facebook, name)
                .ok_or_else(|| GraphError::param(format!("Param permission must be one of the permissions: {name}")))?;
            if let Some(grant) = world.grants.get_mut(&subject) {
                let held = grant.granted.both(scope);
                grant.granted = grant.granted.without(scope);
                if !held.is_empty() {
                    grant.declined = grant.declined | scope;
                }
            }
        }
    }
    Ok(if world.behaviour.revoke_answers_true { Value::Bool(true) } else { json!({ "success": true }) })
}

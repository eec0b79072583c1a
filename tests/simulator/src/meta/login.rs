//! The two login dialogs and the token endpoints.
//!
//! A code is used once, within its life, with the very redirect address of the dialog. Facebook Login answers errors
//! in the Graph envelope, Instagram's token endpoint in an envelope of its own. Instagram appends `#_` to the redirect.
//!
//! <https://developers.facebook.com/documentation/facebook-login/guides/advanced/manual-flow>,
//! <https://developers.facebook.com/documentation/instagram-platform/instagram-api-with-instagram-login/business-login>

use std::collections::HashSet;

use http::Method;
use serde_json::{Map, Value, json};

use super::Flavour;
use super::behaviour::Shape;
use super::error::{GraphError, instagram_token_error};
use super::input::Input;
use super::scope::Scopes;
use super::token::{Code, Subject, TokenKind};
use super::world::{Id, World};
use crate::call::Call;
use crate::consent::{self, ConsentPage, Decision};
use crate::reply::{self, Reply};
use crate::sim::Sim;

/// People shown on a consent page at most.
const SHOWN: usize = 200;

/// GET shows the consent page, POST takes the decision.
pub(crate) fn dialog(sim: &Sim, call: &Call, flavour: Flavour) -> Reply {
    let platform = match flavour {
        Flavour::Facebook => "Facebook",
        Flavour::Instagram => "Instagram",
    };
    let refuse = |what: &str| consent::refusal(platform, what);
    let query = &call.query;
    let mut world = sim.meta.lock();
    let app = world.app(flavour).clone();
    let Some(redirect_uri) = query.get("redirect_uri") else { return refuse("redirect_uri is missing") };
    if query.get("client_id") != Some(&app.id) {
        return refuse("Invalid App ID");
    }
    if !sim.redirects.allowed(&app.id, redirect_uri) {
        return refuse("URL blocked: the redirect URI is not registered for the app");
    }
    let needs_type = flavour == Flavour::Instagram;
    if query.get("response_type").map_or(needs_type, |kind| kind != "code") {
        return refuse("response_type must be code");
    }
    let asked = match Scopes::parse(flavour, query.get("scope").unwrap_or("")) {
        Ok(asked) => asked,
        Err(unknown) => return refuse(&format!("Invalid Scopes: {}", unknown.join(", "))),
    };
    if flavour == Flavour::Instagram && !asked.has("instagram_business_basic") {
        return refuse("Invalid Scopes: instagram_business_basic is required");
    }
    let names: Vec<String> = asked.names().map(str::to_owned).collect();
    if call.method == Method::GET {
        return page(&world, flavour, platform, &app.name, call, names);
    }
    let Some(decision) = consent::decision(call, &names) else { return refuse("no decision was made") };
    let Some(subject) = chosen(&world, flavour, decision.account.as_deref()) else { return refuse("no such person") };
    if app.development && !has_app_role(&world, subject) {
        return refuse("App not active: it is in development mode and this person has no role on it");
    }
    let state = query.get("state");
    let suffix = match flavour {
        Flavour::Instagram => "#_",
        Flavour::Facebook if world.behaviour.facebook_fragment => "#_=_",
        Flavour::Facebook => "",
    };
    if !decision.allow {
        let mut pairs = vec![
            ("error", "access_denied"),
            ("error_reason", "user_denied"),
            ("error_description", "The user denied your request"),
        ];
        pairs.extend(state.map(|state| ("state", state)));
        return reply::redirect(&format!("{}{suffix}", consent::with_query(redirect_uri, &pairs)));
    }
    grant(&mut world, subject, asked, &decision, query.get("auth_type") == Some("rerequest"));
    let code = issue_code(sim, &mut world, flavour, subject, redirect_uri);
    let mut pairs = vec![("code", code.as_str())];
    pairs.extend(state.map(|state| ("state", state)));
    reply::redirect(&format!("{}{suffix}", consent::with_query(redirect_uri, &pairs)))
}

fn page(world: &World, flavour: Flavour, platform: &str, app: &str, call: &Call, scopes: Vec<String>) -> Reply {
    let mut people: Vec<(String, String)> = match flavour {
        Flavour::Facebook => {
            world.people.iter().take(SHOWN).map(|(id, person)| (id.to_string(), person.name.clone())).collect()
        }
        Flavour::Instagram => {
            world.accounts.iter().take(SHOWN).map(|(id, account)| (id.to_string(), account.username.clone())).collect()
        }
    };
    let login = call.query.get("account");
    if let Some(login) = login.filter(|login| !people.iter().any(|(id, _)| id == login)) {
        people.push((login.to_owned(), login.to_owned()));
    }
    let assets = match (flavour, chosen(world, flavour, login)) {
        (Flavour::Facebook, Some(Subject::Person(person))) => {
            world.people.get(&person).map_or_else(Vec::new, |person| {
                person.pages.iter().filter_map(|id| Some((id.to_string(), world.pages.get(id)?.name.clone()))).collect()
            })
        }
        _ => Vec::new(),
    };
    // Pages of other people cannot be ticked here, so they are only shown once it is clear who is logged in.
    let assets = if login.is_some() { assets } else { Vec::new() };
    ConsentPage { platform, app, people, login, scopes, assets }.render()
}

/// Who is logged in: the one named, else the first. At Facebook an Instagram account stands for a person of its Page.
fn chosen(world: &World, flavour: Flavour, named: Option<&str>) -> Option<Subject> {
    match (flavour, named) {
        (Flavour::Facebook, None) => world.people.keys().next().map(|id| Subject::Person(*id)),
        (Flavour::Instagram, None) => world.accounts.keys().next().map(|id| Subject::Account(*id)),
        (Flavour::Instagram, Some(named)) => {
            let id = Id::parse(named).filter(|id| world.accounts.contains_key(id))?;
            Some(Subject::Account(id))
        }
        (Flavour::Facebook, Some(named)) => {
            let id = Id::parse(named)?;
            if world.people.contains_key(&id) {
                return Some(Subject::Person(id));
            }
            let page = world.accounts.get(&id).map_or(Some(id), |account| account.page)?;
            let person = world.people.iter().find(|(_, person)| person.pages.contains(&page))?;
            Some(Subject::Person(*person.0))
        }
    }
}

fn has_app_role(world: &World, subject: Subject) -> bool {
    match subject {
        Subject::Person(id) => world.people.get(&id).is_some_and(|person| person.app_role),
        Subject::Account(id) => world.accounts.get(&id).is_some_and(|account| account.app_role),
    }
}

fn grant(world: &mut World, subject: Subject, asked: Scopes, decision: &Decision, again: bool) {
    let flavour = match subject {
        Subject::Person(_) => Flavour::Facebook,
        Subject::Account(_) => Flavour::Instagram,
    };
    let mut granted = Scopes::parse(flavour, &decision.scopes.join(",")).unwrap_or_default();
    // What was declined before is not asked again without `auth_type=rerequest`.
    if flavour == Flavour::Facebook && !again {
        let declined = world.grants.get(&subject).map(|grant| grant.declined).unwrap_or_default();
        granted = granted.without(declined);
    }
    let pages: Option<HashSet<Id>> = decision
        .assets
        .as_ref()
        .filter(|_| flavour == Flavour::Facebook)
        .map(|assets| assets.iter().filter_map(|id| Id::parse(id)).collect());
    // The browser's form shows no Pages before it is clear who is logged in; then nothing was said about them.
    let pages = pages.filter(|pages| !pages.is_empty());
    world.consent(subject, granted, asked.without(granted), pages);
}

fn issue_code(sim: &Sim, world: &mut World, flavour: Flavour, subject: Subject, redirect_uri: &str) -> String {
    let code = format!("AQ{}", sim.random.token(120));
    let life = match flavour {
        Flavour::Facebook => world.behaviour.code_s,
        Flavour::Instagram => world.behaviour.instagram_code_s,
    };
    let generation = world.grants.get(&subject).map_or(0, |grant| grant.generation);
    world.codes.insert(
        code.clone(),
        Code {
            flavour,
            subject,
            generation,
            redirect_uri: redirect_uri.to_owned(),
            expires_at: super::now(sim) + life * 1000,
            used: false,
        },
    );
    code
}

/// Why a code is not taken.
enum BadCode {
    Unknown,
    Used,
    Expired,
    Redirect,
}

fn redeem(world: &mut World, flavour: Flavour, text: &str, redirect_uri: &str, now: i64) -> Result<Subject, BadCode> {
    let code = world.codes.get_mut(text).filter(|code| code.flavour == flavour).ok_or(BadCode::Unknown)?;
    if code.used {
        return Err(BadCode::Used);
    }
    if code.expires_at <= now {
        return Err(BadCode::Expired);
    }
    if code.redirect_uri != redirect_uri {
        return Err(BadCode::Redirect);
    }
    code.used = true;
    let (subject, generation) = (code.subject, code.generation);
    let current = world.grants.get(&subject).is_some_and(|grant| grant.active && grant.generation == generation);
    if current { Ok(subject) } else { Err(BadCode::Expired) }
}

/// `graph.facebook.com/{v}/oauth/access_token`: code exchange and `fb_exchange_token`.
pub(crate) fn facebook_token(sim: &Sim, input: &Input<'_>) -> Result<Value, GraphError> {
    let now = super::now(sim);
    let mut world = sim.meta.lock();
    let client_id = input.get("client_id").ok_or_else(|| GraphError::new(101, "Missing client_id parameter."))?;
    if client_id != world.facebook.id {
        return Err(GraphError::new(
            101,
            "Error validating application. Cannot get application info due to a system error.",
        ));
    }
    if input.get("client_secret").as_deref() != Some(&world.facebook.secret) {
        return Err(GraphError::new(1, "Error validating client secret."));
    }
    let behaviour = world.behaviour.clone();
    let (text, life_s) = match input.get("grant_type").as_deref() {
        None | Some("authorization_code") => {
            let redirect_uri =
                input.get("redirect_uri").ok_or_else(|| GraphError::new(191, "Missing redirect_uri parameter."))?;
            let code = input.get("code").ok_or_else(|| GraphError::new(1, "Missing authorization code"))?;
            let subject =
                redeem(&mut world, Flavour::Facebook, &code, &redirect_uri, now).map_err(|bad| match bad {
                    BadCode::Unknown => GraphError::new(100, "Invalid verification code format."),
                    BadCode::Used => GraphError::known(100, Some(36009)),
                    BadCode::Expired => GraphError::known(100, Some(36007)),
                    BadCode::Redirect => GraphError::known(100, Some(36008)),
                })?;
            let life = behaviour.short_token_s;
            (world.mint(&sim.random, TokenKind::User, subject, now, Some(life), false), life)
        }
        Some("fb_exchange_token") => {
            let old = input.need("fb_exchange_token")?;
            let session = world.check(Flavour::Facebook, &old, now)?;
            if session.kind != TokenKind::User {
                return Err(GraphError::param("fb_exchange_token must be a user access token"));
            }
            let life_s = match world.tokens.get(&old) {
                Some(token) if token.long_lived && !behaviour.exchange_prolongs => {
                    token.expires_at.map_or(behaviour.long_token_s, |at| (at - now) / 1000)
                }
                Some(_) | None => behaviour.long_token_s,
            };
            (world.mint(&sim.random, TokenKind::User, session.subject, now, Some(life_s), true), life_s)
        }
        Some("client_credentials") => {
            let text = format!("{}|{}", world.facebook.id, world.facebook.secret);
            return Ok(json!({ "access_token": text, "token_type": "bearer" }));
        }
        Some(other) => return Err(GraphError::param(format!("Unsupported grant_type {other}"))),
    };
    let mut answer = Map::new();
    answer.insert("access_token".into(), json!(text));
    answer.insert("token_type".into(), json!("bearer"));
    if !behaviour.omit_expires_in {
        answer.insert("expires_in".into(), json!(life_s));
    }
    Ok(Value::Object(answer))
}

/// `POST api.instagram.com/oauth/access_token`, with an error envelope of its own.
pub(crate) fn instagram_token(sim: &Sim, call: &Call) -> Reply {
    let now = super::now(sim);
    let form = call.form();
    let mut world = sim.meta.lock();
    if call.method != Method::POST {
        return instagram_token_error("Unsupported method");
    }
    if form.get("client_id") != Some(&world.instagram.id) {
        return instagram_token_error("Invalid platform app");
    }
    if form.get("client_secret") != Some(&world.instagram.secret) {
        return instagram_token_error("Error validating client secret.");
    }
    if form.get("grant_type") != Some("authorization_code") {
        return instagram_token_error("Invalid grant_type: it must be authorization_code");
    }
    let (Some(code), Some(redirect_uri)) = (form.get("code"), form.get("redirect_uri")) else {
        return instagram_token_error("Required param is missing: code and redirect_uri");
    };
    let subject = match redeem(&mut world, Flavour::Instagram, code, redirect_uri, now) {
        Ok(subject) => subject,
        Err(BadCode::Unknown) => return instagram_token_error("Matching code was not found or was already used."),
        Err(BadCode::Used) => return instagram_token_error("This authorization code has been used"),
        Err(BadCode::Expired) => return instagram_token_error("This authorization code has expired."),
        Err(BadCode::Redirect) => {
            return instagram_token_error(
                "Error validating verification code. Please make sure your redirect_uri is identical to the one you \
                 used in the OAuth dialog request",
            );
        }
    };
    let life = world.behaviour.instagram_short_token_s;
    let text = world.mint(&sim.random, TokenKind::Instagram, subject, now, Some(life), false);
    let names: Vec<&str> = world.grants.get(&subject).map(|grant| grant.granted.names().collect()).unwrap_or_default();
    let Subject::Account(account) = subject else { return instagram_token_error("Invalid platform app") };
    reply::json(
        200,
        &match world.behaviour.instagram_token_shape {
            Shape::Data => json!({ "data": [{
                "access_token": text, "user_id": account.to_string(), "permissions": names.join(","),
            }] }),
            // A number beyond 2^53, as observed.
            Shape::Flat => json!({ "access_token": text, "user_id": account.0, "permissions": names }),
        },
    )
}

/// `graph.instagram.com/access_token`: short to long.
pub(crate) fn instagram_exchange(sim: &Sim, caller: Option<&str>, input: &Input<'_>) -> Result<Value, GraphError> {
    let now = super::now(sim);
    let mut world = sim.meta.lock();
    if input.get("grant_type").as_deref() != Some("ig_exchange_token") {
        return Err(GraphError::param("grant_type must be ig_exchange_token"));
    }
    if input.get("client_secret").as_deref() != Some(&world.instagram.secret) {
        return Err(GraphError::new(1, "Error validating client secret."));
    }
    let old = caller.ok_or_else(|| GraphError::param("The parameter access_token is required"))?;
    let session = world.check(Flavour::Instagram, old, now)?;
    if world.tokens.get(old).is_some_and(|token| token.long_lived) {
        return Err(GraphError::new(452, "Session key invalid. The token is not a short-lived one."));
    }
    Ok(long_instagram(sim, &mut world, session.subject, now))
}

/// `graph.instagram.com/refresh_access_token`: at least 24 hours old, not expired, still holding the basic permission.
pub(crate) fn instagram_refresh(sim: &Sim, caller: Option<&str>, input: &Input<'_>) -> Result<Value, GraphError> {
    let now = super::now(sim);
    let mut world = sim.meta.lock();
    if input.get("grant_type").as_deref() != Some("ig_refresh_token") {
        return Err(GraphError::param("grant_type must be ig_refresh_token"));
    }
    let old = caller.ok_or_else(|| GraphError::param("The parameter access_token is required"))?;
    let session = world.check(Flavour::Instagram, old, now)?;
    session.need("instagram_business_basic")?;
    let refreshable =
        world.tokens.get(old).is_some_and(|token| token.long_lived && now - token.issued_at >= 24 * 3_600_000);
    if !refreshable {
        return Err(GraphError::param("The access token must be long-lived and at least 24 hours old to be refreshed"));
    }
    if world.behaviour.refresh_ends_old
        && let Some(token) = world.tokens.get_mut(old)
    {
        token.dead = Some(467);
    }
    Ok(long_instagram(sim, &mut world, session.subject, now))
}

fn long_instagram(sim: &Sim, world: &mut World, subject: Subject, now: i64) -> Value {
    let life = world.behaviour.long_token_s;
    let text = world.mint(&sim.random, TokenKind::Instagram, subject, now, Some(life), true);
    json!({ "access_token": text, "token_type": "bearer", "expires_in": life })
}

/// `GET /{v}/debug_token`. Instagram Login tokens cannot be inspected: code 2, on every host.
pub(crate) fn debug_token(
    sim: &Sim,
    flavour: Flavour,
    caller: Option<&str>,
    input: &Input<'_>,
) -> Result<Value, GraphError> {
    let now = super::now(sim);
    let world = sim.meta.lock();
    let asked = input.need("input_token")?;
    if flavour == Flavour::Instagram || asked.starts_with("IG") {
        return Err(GraphError::known(2, None));
    }
    let app_token = format!("{}|{}", world.facebook.id, world.facebook.secret);
    if caller != Some(app_token.as_str()) {
        return Err(GraphError::param(
            "You must provide an app access token, or a user access token that is an owner or developer of the app",
        ));
    }
    let Some(token) = world.tokens.get(&asked) else {
        let message = "Invalid OAuth access token - Cannot parse access token";
        return Ok(json!({ "data": {
            "error": { "code": 190, "message": message }, "is_valid": false, "scopes": [],
        } }));
    };
    let Subject::Person(person) = token.subject else { return Err(GraphError::known(2, None)) };
    let error = world.token_error(token, now);
    let scopes: Vec<&str> =
        world.grants.get(&token.subject).map(|grant| grant.granted.names().collect()).unwrap_or_default();
    let mut data = json!({
        "app_id": world.facebook.id,
        "type": if token.kind == TokenKind::User { "USER" } else { "PAGE" },
        "application": world.facebook.name,
        "data_access_expires_at": (token.issued_at / 1000) + 90 * 86_400,
        "expires_at": token.expires_at.map_or(0, |at| at / 1000),
        "is_valid": error.is_none(),
        "issued_at": token.issued_at / 1000,
        "scopes": scopes,
        "granular_scopes": scopes.iter().map(|scope| json!({ "scope": scope })).collect::<Vec<_>>(),
        "user_id": person.to_string(),
    });
    if let TokenKind::Page(page) = token.kind {
        data["profile_id"] = json!(page.to_string());
    }
    if let Some(error) = error {
        data["error"] = json!({ "code": error.code, "message": error.message, "subcode": error.subcode });
    }
    Ok(json!({ "data": data }))
}

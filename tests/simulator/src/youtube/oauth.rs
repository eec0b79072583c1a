//! Google's OAuth: consent page, code exchange, refresh without rotation, revoke (sheet §1).
//!
//! Guaranteed: a code works once; a refresh token comes only from an offline consent that is the first one or was
//! forced by `prompt=consent`; revoking any token ends the whole grant. A wrong client, redirect address or scope
//! shows Google's own error page and never redirects.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use crate::call::{Call, Params};
use crate::consent::{self, ConsentPage};
use crate::reply::{self, Reply};
use crate::sim::Sim;
use crate::youtube::error;
use crate::youtube::state::{Access, Code, Refresh, State};

/// The consent page's addresses: today's and the one in older client libraries.
pub(crate) const AUTHORIZE: [&str; 2] = ["/o/oauth2/v2/auth", "/o/oauth2/auth"];

const PREFIX: &str = "https://www.googleapis.com/auth/";
/// Scopes below [`PREFIX`].
const SCOPES: [&str; 8] = [
    "youtube",
    "youtube.readonly",
    "youtube.upload",
    "youtube.force-ssl",
    "youtubepartner",
    "yt-analytics.readonly",
    "userinfo.email",
    "userinfo.profile",
];
/// Scopes that are no address.
const PLAIN_SCOPES: [&str; 3] = ["openid", "email", "profile"];
/// How many channels the consent page offers for choice.
const PEOPLE_LIMIT: usize = 200;
/// Life of a refresh token while the project is in "Testing".
const TESTING_SECONDS: i64 = 604_800;

/// Whether a scope exists.
fn is_scope(scope: &str) -> bool {
    PLAIN_SCOPES.contains(&scope) || scope.strip_prefix(PREFIX).is_some_and(|name| SCOPES.contains(&name))
}

/// Whether one of these scopes (names below Google's prefix) is held.
pub(crate) fn holds(held: &[String], any_of: &[&str]) -> bool {
    held.iter().any(|scope| scope.strip_prefix(PREFIX).is_some_and(|name| any_of.contains(&name)))
}

/// A valid authorization request.
struct Asked {
    redirect_uri: String,
    state: Option<String>,
    scopes: Vec<String>,
    challenge: Option<(String, String)>,
    offline: bool,
    force: bool,
    include_granted: bool,
}

impl Asked {
    fn back(&self, pairs: &[(&str, &str)]) -> Reply {
        let mut all = Vec::new();
        if let Some(state) = &self.state {
            all.push(("state", state.as_str()));
        }
        all.extend_from_slice(pairs);
        reply::redirect(&consent::with_query(&self.redirect_uri, &all))
    }
}

fn asked(sim: &Sim, call: &Call) -> Result<Asked, Reply> {
    let query = &call.query;
    let refuse = |what: &str| consent::refusal("Google", what);
    let client = sim.options.credentials.youtube_client_id.as_str();
    if query.get("client_id") != Some(client) {
        return Err(refuse("Error 401: invalid_client. The OAuth client was not found."));
    }
    let redirect_uri = query.get("redirect_uri").unwrap_or("");
    if !sim.redirects.allowed(client, redirect_uri) {
        return Err(refuse("Error 400: redirect_uri_mismatch"));
    }
    if query.get("response_type") != Some("code") {
        return Err(refuse("Error 400: invalid_request. response_type must be code."));
    }
    let scopes: Vec<String> =
        query.get("scope").unwrap_or("").split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err(refuse("Error 400: invalid_request. Missing required parameter: scope"));
    }
    if let Some(unknown) = scopes.iter().find(|scope| !is_scope(scope)) {
        return Err(refuse(&format!("Error 400: invalid_scope. Some requested scopes were invalid: {unknown}")));
    }
    let challenge = query
        .get("code_challenge")
        .map(|challenge| (query.get("code_challenge_method").unwrap_or("plain").to_owned(), challenge.to_owned()));
    if challenge.as_ref().is_some_and(|(method, _)| !["S256", "plain"].contains(&method.as_str())) {
        return Err(refuse("Error 400: invalid_request. code_challenge_method is not supported."));
    }
    let access_type = query.get("access_type").unwrap_or("online");
    if !["online", "offline"].contains(&access_type) {
        return Err(refuse("Error 400: invalid_request. access_type must be online or offline."));
    }
    Ok(Asked {
        redirect_uri: redirect_uri.to_owned(),
        state: query.get("state").map(str::to_owned),
        scopes,
        challenge,
        offline: access_type == "offline",
        force: query.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|word| word == "consent")),
        include_granted: query.get("include_granted_scopes") == Some("true"),
    })
}

/// GET: the consent page.
pub(crate) fn page(sim: &Sim, call: &Call) -> Reply {
    let asked = match asked(sim, call) {
        Ok(asked) => asked,
        Err(reply) => return reply,
    };
    let state = sim.youtube.lock();
    let login = call.query.get("account").or_else(|| call.query.get("login_hint"));
    let mut shown: Vec<&String> = state.order.iter().take(PEOPLE_LIMIT).collect();
    if let Some(login) = state.order.iter().find(|id| Some(id.as_str()) == login)
        && !shown.contains(&login)
    {
        shown.push(login);
    }
    let people = shown
        .into_iter()
        .filter_map(|id| state.channels.get(id))
        .map(|channel| {
            (channel.profile.id.clone(), format!("{} (@{})", channel.profile.name, channel.profile.username))
        })
        .collect();
    ConsentPage { platform: "Google", app: "AuraReels", people, login, scopes: asked.scopes, assets: Vec::new() }
        .render()
}

/// POST: the decision.
pub(crate) fn consent(sim: &Sim, call: &Call) -> Reply {
    let asked = match asked(sim, call) {
        Ok(asked) => asked,
        Err(reply) => return reply,
    };
    let Some(decision) = consent::decision(call, &asked.scopes) else {
        return consent::refusal("Google", "decision must be allow or deny");
    };
    if !decision.allow || decision.scopes.is_empty() {
        return asked.back(&[("error", "access_denied")]);
    }
    let mut state = sim.youtube.lock();
    let channel = decision.account.or_else(|| state.order.first().cloned()).unwrap_or_default();
    if !state.channels.contains_key(&channel) {
        return consent::refusal("Google", "there is no such account");
    }
    let before = state.grants.get(&channel).cloned();
    let refresh = asked.offline && (asked.force || before.is_none());
    let mut scopes = decision.scopes;
    let mut granted = before.unwrap_or_default();
    granted.extend(scopes.iter().filter(|scope| !granted.contains(scope)).cloned().collect::<Vec<_>>());
    if asked.include_granted {
        scopes.clone_from(&granted);
    }
    state.grants.insert(channel.clone(), granted);
    // Real codes hold a slash, which is escaped in a URL and trips clients that do not decode.
    let code = format!("4/0A{}", sim.random.token(60));
    let expires_at = sim.clock.now() + TimeDelta::seconds(state.rules.code_seconds);
    let shown = scopes.join(" ");
    state.codes.insert(
        code.clone(),
        Code {
            channel,
            scopes,
            redirect_uri: asked.redirect_uri.clone(),
            challenge: asked.challenge.clone(),
            refresh,
            expires_at,
            used: false,
        },
    );
    asked.back(&[("code", &code), ("scope", &shown)])
}

/// `error` and `error_description` with their status.
type OAuthError = (u16, &'static str, &'static str);

/// `POST /token`: exchange and refresh.
pub(crate) fn token(sim: &Sim, call: &Call) -> Reply {
    let result = client(sim, call).and_then(|form| {
        let mut state = sim.youtube.lock();
        match form.get("grant_type") {
            Some("authorization_code") => exchange(sim, &mut state, &form),
            Some("refresh_token") => refresh(sim, &mut state, &form),
            Some(_) => Err((400, "unsupported_grant_type", "Invalid grant_type.")),
            None => Err((400, "invalid_request", "Required parameter is missing: grant_type")),
        }
    });
    match result {
        Ok(reply) => reply,
        Err((status, error, description)) => error::oauth(status, error, description),
    }
}

/// The form, if it comes from our client; id and secret may also come by HTTP Basic.
fn client(sim: &Sim, call: &Call) -> Result<Params, OAuthError> {
    if !call.content_type_is("application/x-www-form-urlencoded") {
        return Err((400, "invalid_request", "The body must be application/x-www-form-urlencoded."));
    }
    let form = call.form();
    let basic = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|pair| pair.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned())));
    let (id, secret) = match &basic {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (form.get("client_id"), form.get("client_secret")),
    };
    let credentials = &sim.options.credentials;
    if id != Some(credentials.youtube_client_id.as_str()) {
        return Err((401, "invalid_client", "The OAuth client was not found."));
    }
    match secret {
        None => Err((400, "invalid_request", "client_secret is missing.")),
        Some(secret) if secret == credentials.youtube_client_secret => Ok(form),
        Some(_) => Err((401, "invalid_client", "The provided client secret is invalid.")),
    }
}

fn exchange(sim: &Sim, state: &mut State, form: &Params) -> Result<Reply, OAuthError> {
    let (Some(text), Some(redirect_uri)) = (form.get("code"), form.get("redirect_uri")) else {
        return Err((400, "invalid_request", "Missing parameter: code or redirect_uri"));
    };
    let now = sim.clock.now();
    let code = state.codes.get_mut(text).ok_or((400, "invalid_grant", "Malformed auth code."))?;
    if code.used || now >= code.expires_at {
        return Err((400, "invalid_grant", "Bad Request"));
    }
    if code.redirect_uri != redirect_uri {
        return Err((400, "redirect_uri_mismatch", "Bad Request"));
    }
    if let Some((method, challenge)) = &code.challenge {
        let verifier = form.get("code_verifier").ok_or((400, "invalid_grant", "Missing code verifier."))?;
        if !verifier_fits(method, challenge, verifier) {
            return Err((400, "invalid_grant", "Invalid code verifier."));
        }
    }
    code.used = true;
    let code = code.clone();
    let mut body = issue(sim, state, &code.channel, &code.scopes);
    if code.refresh {
        let text = format!("1//{}", sim.random.token(60));
        let number = state.number();
        let expires_at = state.rules.testing.then(|| now + TimeDelta::seconds(TESTING_SECONDS));
        evict(state, &code.channel);
        state.refresh.insert(
            text.clone(),
            Refresh {
                channel: code.channel.clone(),
                scopes: code.scopes.clone(),
                number,
                used_at: now,
                expires_at,
                dead: false,
            },
        );
        body.insert("refresh_token".into(), json!(text));
        if expires_at.is_some() {
            body.insert("refresh_token_expires_in".into(), json!(TESTING_SECONDS));
        }
    }
    Ok(answer(body))
}

fn refresh(sim: &Sim, state: &mut State, form: &Params) -> Result<Reply, OAuthError> {
    let text =
        form.get("refresh_token").ok_or((400, "invalid_request", "Missing required parameter: refresh_token"))?;
    let now = sim.clock.now();
    let idle = TimeDelta::seconds(state.rules.refresh_idle_seconds);
    let ended = (400, "invalid_grant", "Token has been expired or revoked.");
    let token = state.refresh.get_mut(text).ok_or((400, "invalid_grant", "Bad Request"))?;
    if token.dead || token.used_at + idle <= now || token.expires_at.is_some_and(|at| at <= now) {
        return Err(ended);
    }
    token.used_at = now;
    let (channel, scopes, expires_at) = (token.channel.clone(), token.scopes.clone(), token.expires_at);
    let mut body = issue(sim, state, &channel, &scopes);
    if let Some(at) = expires_at {
        body.insert("refresh_token_expires_in".into(), json!((at - now).num_seconds()));
    }
    Ok(answer(body))
}

fn answer(body: Map<String, serde_json::Value>) -> Reply {
    let reply = reply::json(200, &serde_json::Value::Object(body));
    reply::header(reply, "cache-control", "no-cache, no-store, max-age=0, must-revalidate")
}

fn issue(sim: &Sim, state: &mut State, channel: &str, scopes: &[String]) -> Map<String, serde_json::Value> {
    let life = state.rules.access_token_seconds;
    let text = format!("ya29.{}", sim.random.token(80));
    let expires_at = sim.clock.now() + TimeDelta::seconds(life);
    state
        .access
        .insert(text.clone(), Access { channel: channel.to_owned(), scopes: scopes.to_vec(), expires_at, dead: false });
    let mut body = Map::new();
    body.insert("access_token".into(), json!(text));
    body.insert("expires_in".into(), json!(life));
    body.insert("scope".into(), json!(scopes.join(" ")));
    body.insert("token_type".into(), json!("Bearer"));
    body
}

/// Makes room for one more refresh token of this account.
fn evict(state: &mut State, channel: &str) {
    let limit = state.rules.refresh_tokens_per_account.max(1);
    let mut alive: Vec<(u64, &mut Refresh)> = state
        .refresh
        .values_mut()
        .filter(|token| token.channel == channel && !token.dead)
        .map(|token| (token.number, token))
        .collect();
    alive.sort_by_key(|(number, _)| *number);
    let surplus = (alive.len() + 1).saturating_sub(limit);
    for (_, token) in alive.into_iter().take(surplus) {
        token.dead = true;
    }
}

fn verifier_fits(method: &str, challenge: &str, verifier: &str) -> bool {
    match method {
        "S256" => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge,
        _ => verifier == challenge,
    }
}

/// `POST /revoke`: ends the grant behind an access or refresh token.
pub(crate) fn revoke(sim: &Sim, call: &Call) -> Reply {
    let form = call.form();
    let Some(token) = form.get("token").or_else(|| call.query.get("token")) else {
        return error::oauth(400, "invalid_request", "Missing required parameter: token");
    };
    let now = sim.clock.now();
    let mut state = sim.youtube.lock();
    let by_access = state.caller(token, now).map(|access| access.channel.clone());
    let by_refresh = || state.refresh.get(token).filter(|token| !token.dead).map(|token| token.channel.clone());
    match by_access.or_else(by_refresh) {
        Some(channel) => {
            end_grant(&mut state, &channel);
            reply::json(200, &json!({}))
        }
        None => error::oauth(400, "invalid_token", "Token expired or revoked"),
    }
}

/// The channel takes its consent back.
pub(crate) fn end_grant(state: &mut State, channel: &str) {
    state.grants.remove(channel);
    kill_tokens(state, channel, true, true);
}

/// Kills a channel's tokens; says how many were alive.
pub(crate) fn kill_tokens(state: &mut State, channel: &str, access: bool, refresh: bool) -> usize {
    let mut killed = 0;
    for token in state.access.values_mut().filter(|token| access && token.channel == channel && !token.dead) {
        token.dead = true;
        killed += 1;
    }
    for token in state.refresh.values_mut().filter(|token| refresh && token.channel == channel && !token.dead) {
        token.dead = true;
        killed += 1;
    }
    killed
}

/// Tokens of a channel without the way through the browser; for tests.
pub(crate) fn grant_all(sim: &Sim, state: &mut State, channel: &str, now: DateTime<Utc>) -> serde_json::Value {
    let scopes: Vec<String> = SCOPES.iter().map(|name| format!("{PREFIX}{name}")).collect();
    state.grants.insert(channel.to_owned(), scopes.clone());
    let body = issue(sim, state, channel, &scopes);
    let refresh = format!("1//{}", sim.random.token(60));
    let number = state.number();
    state.refresh.insert(
        refresh.clone(),
        Refresh { channel: channel.to_owned(), scopes, number, used_at: now, expires_at: None, dead: false },
    );
    json!({ "access": body["access_token"], "refresh": refresh })
}

#[cfg(test)]
mod tests {
    use super::verifier_fits;

    #[test]
    fn a_challenge_is_base64url_of_the_hash() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(verifier_fits("S256", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", verifier));
        assert!(!verifier_fits("S256", verifier, verifier));
        assert!(verifier_fits("plain", verifier, verifier));
    }
}

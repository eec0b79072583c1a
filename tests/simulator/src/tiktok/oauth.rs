//! Login Kit v2: consent page, code exchange, refresh with rotation, revoke (sheet §2).
//!
//! Guaranteed: codes work once, a refresh token is dead the moment its successor exists, revoking kills every token of
//! the creator. A wrong client key or redirect address shows an error page and never redirects.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::call::{Call, Params};
use crate::consent::{self, ConsentPage};
use crate::reply::Reply;
use crate::sim::Sim;
use crate::tiktok::envelope::{self, OAuthRefusal};
use crate::tiktok::state::{Code, State, Token};

pub(crate) const AUTHORIZE: &str = "/v2/auth/authorize/";

const SCOPES: [&str; 6] =
    ["user.info.basic", "user.info.profile", "user.info.stats", "video.list", "video.publish", "video.upload"];
/// How many creators the consent page offers for choice.
const PEOPLE_LIMIT: usize = 200;

/// A valid authorization request.
struct Asked {
    redirect_uri: String,
    state: Option<String>,
    scopes: Vec<String>,
    challenge: Option<String>,
}

impl Asked {
    fn back(&self, pairs: &[(&str, &str)]) -> Reply {
        let mut all = pairs.to_vec();
        if let Some(state) = &self.state {
            all.push(("state", state));
        }
        crate::reply::redirect(&consent::with_query(&self.redirect_uri, &all))
    }
}

fn asked(sim: &Sim, call: &Call) -> Result<Asked, Reply> {
    let query = &call.query;
    let refuse = |what: &str| consent::refusal("TikTok", what);
    if query.get("client_key") != Some(sim.options.credentials.tiktok_client_id.as_str()) {
        return Err(refuse("client_key"));
    }
    let redirect_uri = query.get("redirect_uri").unwrap_or("");
    if redirect_uri.len() >= 512 || !sim.redirects.allowed(&sim.options.credentials.tiktok_client_id, redirect_uri) {
        return Err(refuse("redirect_uri"));
    }
    let mut asked = Asked {
        redirect_uri: redirect_uri.to_owned(),
        state: query.get("state").map(str::to_owned),
        scopes: Vec::new(),
        challenge: query.get("code_challenge").map(str::to_owned),
    };
    let fail = |asked: &Asked, error: &str, description: &str| {
        asked.back(&[("error", error), ("error_description", description)])
    };
    if query.get("response_type") != Some("code") {
        return Err(fail(&asked, "unsupported_response_type", "The response type is not supported."));
    }
    let scopes: Vec<String> = query.get("scope").unwrap_or("").split(',').map(str::to_owned).collect();
    if scopes.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
        return Err(fail(&asked, "invalid_scope", "The requested scope is invalid, unknown, or malformed."));
    }
    asked.scopes = scopes;
    // Of desktop apps it is demanded; where another one sends it, it is taken at its word.
    if sim.tiktok.lock().rules.desktop_app || asked.challenge.is_some() {
        let hex = |text: &String| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if query.get("code_challenge_method") != Some("S256") || !asked.challenge.as_ref().is_some_and(hex) {
            let what = "Code verifier or code challenge is invalid.";
            return Err(fail(&asked, "invalid_request", what));
        }
    }
    Ok(asked)
}

/// GET: the consent page.
pub(crate) fn page(sim: &Sim, call: &Call) -> Reply {
    let asked = match asked(sim, call) {
        Ok(asked) => asked,
        Err(reply) => return reply,
    };
    let state = sim.tiktok.lock();
    let login = call.query.get("account");
    let mut shown: Vec<&String> = state.order.iter().take(PEOPLE_LIMIT).collect();
    if let Some(login) = state.order.iter().find(|id| Some(id.as_str()) == login)
        && !shown.contains(&login)
    {
        shown.push(login);
    }
    let people = shown
        .into_iter()
        .filter_map(|id| state.accounts.get(id))
        .map(|account| {
            (account.profile.id.clone(), format!("{} (@{})", account.profile.name, account.profile.username))
        })
        .collect();
    ConsentPage { platform: "TikTok", app: "AuraReels", people, login, scopes: asked.scopes, assets: Vec::new() }
        .render()
}

/// POST: the decision.
pub(crate) fn consent(sim: &Sim, call: &Call) -> Reply {
    let asked = match asked(sim, call) {
        Ok(asked) => asked,
        Err(reply) => return reply,
    };
    let Some(decision) = consent::decision(call, &asked.scopes) else {
        return consent::refusal("TikTok", "decision must be allow or deny");
    };
    let mut state = sim.tiktok.lock();
    if !decision.allow || decision.scopes.is_empty() {
        return asked.back(&[("error", "access_denied"), ("error_description", "User denied the request")]);
    }
    let open_id = decision.account.or_else(|| state.order.first().cloned()).unwrap_or_default();
    if !state.accounts.contains_key(&open_id) {
        return consent::refusal("TikTok", "there is no such account");
    }
    // Real codes hold characters that are escaped in a URL, which trips clients that do not decode.
    let code = format!("{}*0!{}.va", sim.random.token(48), sim.random.digits(4));
    let expires_at = sim.clock.now() + TimeDelta::seconds(state.rules.code_seconds);
    let scopes = decision.scopes.join(",");
    state.codes.insert(
        code.clone(),
        Code {
            open_id,
            scopes: decision.scopes,
            redirect_uri: asked.redirect_uri.clone(),
            challenge: asked.challenge.clone(),
            expires_at,
            used: false,
        },
    );
    asked.back(&[("code", &code), ("scopes", &scopes)])
}

/// `POST /v2/oauth/token/`: exchange and refresh.
pub(crate) fn token(sim: &Sim, call: &Call) -> Reply {
    let mut state = sim.tiktok.lock();
    let result = client(sim, call).and_then(|form| match form.get("grant_type") {
        Some("authorization_code") => exchange(sim, &mut state, &form),
        Some("refresh_token") => refresh(sim, &mut state, &form),
        Some(_) => Err(refusal("unsupported_grant_type", "The grant type is not supported.")),
        None => Err(refusal("invalid_request", "The request parameters are malformed: grant_type is missing.")),
    });
    let rules = state.rules.clone();
    drop(state);
    envelope::oauth(sim, &rules, result)
}

/// `POST /v2/oauth/revoke/`: kills every token of the creator.
pub(crate) fn revoke(sim: &Sim, call: &Call) -> Reply {
    let mut state = sim.tiktok.lock();
    let now = sim.clock.now();
    let result = client(sim, call).and_then(|form| {
        let Some(token) = form.get("token") else {
            return Err(refusal("invalid_request", "The request parameters are malformed: token is missing."));
        };
        let Some(open_id) = state.access.get(token).filter(|token| token.alive(now)).map(|token| token.open_id.clone())
        else {
            return Err(refusal("invalid_grant", "The access token is invalid or expired."));
        };
        kill_tokens(&mut state, &open_id, true, true);
        Ok(json!({}))
    });
    let rules = state.rules.clone();
    drop(state);
    envelope::oauth(sim, &rules, result)
}

/// Kills a creator's tokens; says how many were alive.
pub(crate) fn kill_tokens(state: &mut State, open_id: &str, access: bool, refresh: bool) -> usize {
    let mut killed = 0;
    let tokens = state.access.values_mut().filter(|_| access).chain(state.refresh.values_mut().filter(|_| refresh));
    for token in tokens.filter(|token| token.open_id == open_id && !token.dead) {
        token.dead = true;
        killed += 1;
    }
    killed
}

fn refusal(error: &'static str, description: &'static str) -> OAuthRefusal {
    OAuthRefusal { error, description }
}

/// The form, if it comes from our app.
fn client(sim: &Sim, call: &Call) -> Result<Params, OAuthRefusal> {
    if !call.content_type_is("application/x-www-form-urlencoded") {
        return Err(refusal(
            "invalid_request",
            "Only `application/x-www-form-urlencoded` is supported as the Content-Type.",
        ));
    }
    let form = call.form();
    let credentials = &sim.options.credentials;
    match (form.get("client_key"), form.get("client_secret")) {
        (None, _) | (_, None) => Err(refusal(
            "invalid_request",
            "The request parameters are malformed: client_key or client_secret is missing.",
        )),
        (Some(key), Some(secret))
            if key == credentials.tiktok_client_id && secret == credentials.tiktok_client_secret =>
        {
            Ok(form)
        }
        (Some(_), Some(_)) => Err(refusal("invalid_client", "Client key or secret is incorrect.")),
    }
}

fn exchange(sim: &Sim, state: &mut State, form: &Params) -> Result<Value, OAuthRefusal> {
    let (Some(code), Some(redirect_uri)) = (form.get("code"), form.get("redirect_uri")) else {
        return Err(refusal(
            "invalid_request",
            "The request parameters are malformed: code or redirect_uri is missing.",
        ));
    };
    let now = sim.clock.now();
    let desktop = state.rules.desktop_app;
    let Some(known) = state.codes.get_mut(code).filter(|known| !known.used && now < known.expires_at) else {
        return Err(refusal("invalid_grant", "Authorization code is invalid or expired."));
    };
    if known.redirect_uri != redirect_uri {
        return Err(refusal("invalid_request", "Redirect_uri is not matched with the uri when requesting code."));
    }
    if (desktop || known.challenge.is_some()) && !verifier_fits(form.get("code_verifier"), known.challenge.as_deref()) {
        return Err(refusal("invalid_request", "Code verifier or code challenge is invalid."));
    }
    known.used = true;
    let (open_id, scopes) = (known.open_id.clone(), known.scopes.clone());
    let life = state.rules.refresh_token_seconds;
    Ok(issue(sim, state, open_id, scopes, life))
}

/// Lower-case hex of the SHA-256, not base64url as RFC 7636 has it.
fn verifier_fits(verifier: Option<&str>, challenge: Option<&str>) -> bool {
    let (Some(verifier), Some(challenge)) = (verifier, challenge) else { return false };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && hex::encode(Sha256::digest(verifier.as_bytes())) == challenge.to_ascii_lowercase()
}

fn refresh(sim: &Sim, state: &mut State, form: &Params) -> Result<Value, OAuthRefusal> {
    let Some(sent) = form.get("refresh_token") else {
        return Err(refusal("invalid_request", "The request parameters are malformed: refresh_token is missing."));
    };
    let now = sim.clock.now();
    let Some(old) = state.refresh.get_mut(sent).filter(|token| token.alive(now)) else {
        return Err(refusal("invalid_grant", "Refresh token is invalid or expired."));
    };
    old.dead = true;
    let (open_id, scopes, left) = (old.open_id.clone(), old.scopes.clone(), (old.expires_at - now).num_seconds());
    let life = if state.rules.refresh_restarts_life { state.rules.refresh_token_seconds } else { left };
    Ok(issue(sim, state, open_id, scopes, life))
}

fn issue(sim: &Sim, state: &mut State, open_id: String, scopes: Vec<String>, refresh_life: i64) -> Value {
    let now = sim.clock.now();
    let access_life = state.rules.access_token_seconds;
    let token = |state: &mut State, life: i64| Token {
        number: state.number(),
        open_id: open_id.clone(),
        scopes: scopes.clone(),
        expires_at: now + TimeDelta::seconds(life),
        dead: false,
    };
    let access = format!("act.{}!{}.va", sim.random.token(60), sim.random.digits(4));
    let refresh = format!("rft.{}!{}.va", sim.random.token(60), sim.random.digits(4));
    let (access_token, refresh_token) = (token(state, access_life), token(state, refresh_life));
    state.access.insert(access.clone(), access_token);
    state.refresh.insert(refresh.clone(), refresh_token);
    json!({
        "access_token": access,
        "expires_in": access_life,
        "open_id": open_id,
        "refresh_expires_in": refresh_life,
        "refresh_token": refresh,
        "scope": scopes.join(","),
        "token_type": "Bearer",
    })
}

#[cfg(test)]
mod tests {
    use super::verifier_fits;

    #[test]
    fn challenge_is_hex_not_base64() {
        let verifier = "aurareels-pkce-test-verifier-0123456789-abcdefghijk";
        let hex = "b06aeedbed5858c794595288595f7a03d6ce5aa8a1ae64916c05fbc0845297b5";
        assert!(verifier_fits(Some(verifier), Some(hex)));
        assert!(!verifier_fits(Some(verifier), Some("sGru2-1YWMeUWVKIWV96A9bOWqihrmSRbAX7wIRSl7U")));
        assert!(!verifier_fits(Some("short"), Some(hex)));
    }
}

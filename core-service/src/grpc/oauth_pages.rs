//! The pages of connecting: one that tells the account's owner to whom he gives access, and the one to which the platform
//! sends him back.
//!
//! Guaranteed: nobody comes to a platform's consent page from here without having pressed a button on a page that names the
//! user; the callback connects only in the browser in which that was pressed, which is known by a cookie, and another one
//! leaves the login as it was. What a platform or a stranger puts into a query is escaped wherever it is shown, and both pages
//! lead only to the platform, to the front end of the settings, or to a page of the core itself.

use axum::{
    Router,
    extract::{
        Form, Path, Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tracing::warn;
use url::Url;

use super::{
    cookies,
    html::{escape, page},
};
use crate::{
    app::{
        self,
        accounts::{Accounts, EndedBy, Shown},
    },
    audit,
    domain::{failure::Reason, platform::Platform},
    secret::Secret,
};

/// What the pages need.
#[derive(Clone)]
pub(super) struct OauthPages {
    pub(super) accounts: Accounts,
    /// Where the owner goes afterwards; a page of the core's own when `None`.
    pub(super) frontend: Option<Url>,
}

/// Their routes.
pub(super) fn router(pages: OauthPages) -> Router {
    Router::new()
        .route(CONNECT, get(ask).post(decide).head(nothing))
        .route(CALLBACK, get(callback).head(nothing))
        .with_state(pages)
}

/// Where the owner begins. The address is made in `app::accounts`.
const CONNECT: &str = "/oauth/connect/{platform}";

/// Where the platform sends him back to. The same.
const CALLBACK: &str = "/oauth/callback/{platform}";

/// The cookie's life, seconds: as long as a login may take.
const COOKIE_SECONDS: i64 = 600;

/// Longest secret of a cookie that is taken for one.
const MAX_SECRET: usize = 64;

/// HEAD of a page on which GET would do something: there is a page, and that is all.
async fn nothing() -> StatusCode {
    StatusCode::OK
}

fn cookie_name(pages: &OauthPages) -> &'static str {
    cookies::name(pages.accounts.is_public_by_tls(), "__Host-aurareels-connect")
}

/// The secret of this browser, if it has one.
fn secret_of(pages: &OauthPages, headers: &HeaderMap) -> Option<Secret> {
    let secret = cookies::value(headers, cookie_name(pages))?;
    (secret.len() <= MAX_SECRET).then(|| Secret::new(secret))
}

fn cookie(pages: &OauthPages, secret: &Secret) -> Option<HeaderValue> {
    cookies::set(cookie_name(pages), secret.expose(), COOKIE_SECONDS, pages.accounts.is_public_by_tls())
}

/// What the page's own form sends along. Only a page that this browser was shown can: another site, which may send forms
/// here as well, knows neither the cookie nor this.
fn seal(secret: &Secret, state: &str) -> Secret {
    let inner = Sha256::digest(format!("connect page {}", secret.expose()));
    let mut seal = Sha256::new();
    seal.update(inner);
    seal.update(state);
    Secret::from(URL_SAFE_NO_PAD.encode(seal.finalize()))
}

/// The state in the page's address.
#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    state: String,
}

/// GET: who asks for the account, and a button to go on.
async fn ask(
    State(pages): State<OauthPages>,
    Path(platform): Path<String>,
    headers: HeaderMap,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let Ok(platform) = platform.parse::<Platform>() else { return no_such_platform() };
    let Asked { state } = query.map(|Query(asked)| asked).unwrap_or_default();
    let known = secret_of(&pages, &headers);
    match pages.accounts.shown(platform, &state, known.as_ref().map(Secret::expose)).await {
        Ok(shown) => {
            let secret = known.unwrap_or_else(Secret::random);
            let mut response = Html(question(platform, &shown, &state, &seal(&secret, &state))).into_response();
            if let Some(cookie) = cookie(&pages, &secret) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(error) => own_page(platform, &Err(told(error))),
    }
}

fn question(platform: Platform, shown: &Shown, state: &str, seal: &Secret) -> String {
    let (name, user) = (platform.display_name(), shown.user);
    let which = match &shown.reconnect {
        Some(account) => format!("access to the {name} account <b>{}</b> again", escape(account)),
        None => format!("access to a {name} account of yours"),
    };
    let body = format!(
        "<p><b>User {user}</b> of this AuraReels core asks for {which}.</p>\
         <p>If you go on and allow it at {name}, user {user} can publish videos there in the name of the account with which \
         you are logged in, until the account is disconnected.</p>\
         <p>Go on only if you are user {user}, or know who that is and want it. If somebody sent you this link and you do not \
         know what it is for, refuse.</p>\
         <form method=\"post\"><input type=\"hidden\" name=\"state\" value=\"{}\">\
         <input type=\"hidden\" name=\"seal\" value=\"{}\">\
         <button name=\"decision\" value=\"allow\">Go on to {name}</button> \
         <button name=\"decision\" value=\"deny\">Refuse</button></form>",
        escape(state),
        escape(seal.expose()),
    );
    page(&format!("Connect {name} for user {user}?"), &body)
}

/// What the page's form sends.
#[derive(Default, Deserialize)]
struct Decided {
    #[serde(default)]
    state: String,
    #[serde(default)]
    seal: String,
    #[serde(default)]
    decision: String,
}

/// POST: the owner goes on, or refuses.
async fn decide(
    State(pages): State<OauthPages>,
    Path(platform): Path<String>,
    headers: HeaderMap,
    form: Result<Form<Decided>, FormRejection>,
) -> Response {
    let Ok(platform) = platform.parse::<Platform>() else { return no_such_platform() };
    let Decided { state, seal: given, decision } = form.map(|Form(decided)| decided).unwrap_or_default();
    let secret = secret_of(&pages, &headers).filter(|secret| seal(secret, &state) == Secret::from(given));
    let Some(secret) = secret else {
        let why =
            "this form was not sent by the page of this core, or this browser takes no cookies; open the link again";
        return own_page(platform, &Err(why.to_owned()));
    };
    let next = match decision.as_str() {
        "allow" => pages.accounts.go_on(platform, &state, secret.expose()).await,
        "deny" => pages.accounts.decline(platform, &state, secret.expose()).await,
        _ => {
            let why = "the form says neither to go on nor to refuse; open the link again";
            return own_page(platform, &Err(why.to_owned()));
        }
    };
    match next {
        Ok(next) => Redirect::to(next.as_str()).into_response(),
        Err(error) => own_page(platform, &Err(told(error))),
    }
}

fn no_such_platform() -> Response {
    (StatusCode::NOT_FOUND, Html(page("Not found", "<p>There is no such platform.</p>"))).into_response()
}

/// What a platform's redirect brings.
#[derive(Default, Deserialize)]
struct Redirected {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// GET where the platform sends the browser back to.
async fn callback(
    State(pages): State<OauthPages>,
    Path(platform): Path<String>,
    headers: HeaderMap,
    query: Result<Query<Redirected>, QueryRejection>,
) -> Response {
    let Ok(platform) = platform.parse::<Platform>() else { return no_such_platform() };
    let redirected = query.map(|Query(redirected)| redirected).unwrap_or_default();
    let outcome = connect(&pages.accounts, platform, secret_of(&pages, &headers), redirected).await;
    if let Err(reason) = &outcome {
        warn!(%platform, %reason, "the callback page connected nothing");
    }
    match &pages.frontend {
        Some(frontend) => found(&answer_url(frontend, platform, &outcome)),
        None => own_page(platform, &outcome),
    }
}

/// Connects with what the redirect brought; otherwise says for people why not.
async fn connect(
    accounts: &Accounts,
    platform: Platform,
    secret: Option<Secret>,
    redirected: Redirected,
) -> Result<(), String> {
    let Redirected { code, state, error, error_description } = redirected;
    if state.is_empty() || (code.is_empty() && error.is_empty()) {
        return Err("the redirect brought no code or no state; start connecting again".to_owned());
    }
    let Some(secret) = secret else {
        let told = "this login was not begun in this browser; open the link in the browser in which it is to end";
        return Err(format!("{}: {told}", Reason::OauthStateMismatch));
    };
    let by = EndedBy::Browser(secret);
    if !error.is_empty() {
        return Err(match accounts.deny(by, platform, &state, &error, Some(&error_description)).await {
            Ok(failure) => failure.message,
            Err(error) => told(error),
        });
    }
    match accounts.complete(by, platform, &code, &state).await {
        Ok(connected) => {
            for account in &connected.accounts {
                audit::acts_for(account.wp_user_id);
                audit::touches("account", account.id);
            }
            Ok(())
        }
        Err(error) => Err(told(error)),
    }
}

/// The public text of an error: nothing of the store or of a bug.
fn told(error: app::Error) -> String {
    match error {
        app::Error::Store(_) | app::Error::Internal(_) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the callback page failed");
            format!("{}: the account could not be connected; try again", Reason::Internal)
        }
        public => public.to_string(),
    }
}

/// The front end's address with the outcome added to its query.
fn answer_url(frontend: &Url, platform: Platform, outcome: &Result<(), String>) -> Url {
    let mut url = frontend.clone();
    let mut query = url.query_pairs_mut();
    match outcome {
        Ok(()) => query.append_pair("status", "success").append_pair("platform", platform.as_str()),
        Err(message) => query.append_pair("status", "error").append_pair("message", message),
    };
    drop(query);
    url
}

/// 302, as the original has it.
fn found(url: &Url) -> Response {
    match HeaderValue::from_str(url.as_str()) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => Redirect::to("/").into_response(),
    }
}

fn own_page(platform: Platform, outcome: &Result<(), String>) -> Response {
    let name = platform.display_name();
    match outcome {
        Ok(()) => {
            let body = format!(
                "<p>The {name} account is connected. You can close this page, or go to the \
                 <a href=\"../../dashboard/social-accounts\">dashboard</a>.</p>"
            );
            Html(page(&format!("{name} connected"), &body)).into_response()
        }
        Err(message) => {
            let body = format!("<p>{}</p><p>Nothing was connected.</p>", escape(message));
            (StatusCode::BAD_REQUEST, Html(page(&format!("{name} not connected"), &body))).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_end_keeps_its_own_query() {
        let frontend = Url::parse("https://site.example/accounts?tab=social#top").unwrap();
        let url = answer_url(&frontend, Platform::Tiktok, &Ok(()));
        assert_eq!(url.as_str(), "https://site.example/accounts?tab=social&status=success&platform=tiktok#top");
        let url = answer_url(&frontend, Platform::Tiktok, &Err("no & <never>\r\nX: y".to_owned()));
        assert_eq!(
            url.as_str(),
            "https://site.example/accounts?tab=social&status=error&message=no+%26+%3Cnever%3E%0D%0AX%3A+y#top"
        );
    }

    #[tokio::test]
    async fn what_strangers_send_is_escaped() {
        let response = own_page(Platform::Instagram, &Err("<script>alert('x')</script>".to_owned()));
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains("&lt;script&gt;alert(&#39;x&#39;)"), "{text}");
        assert!(!text.contains("<script"), "{text}");
    }
}

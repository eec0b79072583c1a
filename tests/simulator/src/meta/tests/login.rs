//! Dialogs, codes, tokens, Pages, permissions, proofs.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Bed, REDIRECT, SCOPES, send};
use crate::Host;
use crate::meta::token::hmac_hex;

const APP: &str = "100000000000001";
const SECRET: &str = "sim-facebook-secret";
const IG_APP: &str = "200000000000002";
const IG_SECRET: &str = "sim-instagram-login-secret";
const IG_SCOPES: &str = "instagram_business_basic,instagram_business_content_publish";

/// Goes through a dialog; the address of the redirect.
async fn consent(bed: &Bed, host: Host, query: &[(&str, &str)], form: &[(&str, &str)]) -> Result<String, u16> {
    let path = if host == Host::MetaDialog { "/v25.0/dialog/oauth" } else { "/oauth/authorize" };
    let page = bed.request(Method::GET, host, path).query(query).send().await.unwrap();
    if page.status() != 200 {
        return Err(page.status().as_u16());
    }
    let answer = bed.request(Method::POST, host, path).query(query).form(form).send().await.unwrap();
    if answer.status() != 302 {
        return Err(answer.status().as_u16());
    }
    Ok(answer.headers()["location"].to_str().unwrap().to_owned())
}

fn parameter(location: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(location).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

async fn facebook_code(bed: &Bed, scope: &str, form: &[(&str, &str)]) -> String {
    let query = [
        ("client_id", APP),
        ("redirect_uri", REDIRECT),
        ("scope", scope),
        ("response_type", "code"),
        ("state", "s1"),
        ("account", &bed.person),
    ];
    let location = consent(bed, Host::MetaDialog, &query, form).await.unwrap();
    assert_eq!(parameter(&location, "state").as_deref(), Some("s1"));
    parameter(&location, "code").unwrap()
}

async fn exchange(bed: &Bed, code: &str, redirect: &str) -> Answer {
    let query = [("client_id", APP), ("client_secret", SECRET), ("redirect_uri", redirect), ("code", code)];
    send(bed.request(Method::GET, Host::MetaGraph, "/v25.0/oauth/access_token").query(&query)).await
}

async fn instagram_code(bed: &Bed) -> String {
    let query = [
        ("client_id", IG_APP),
        ("redirect_uri", REDIRECT),
        ("scope", IG_SCOPES),
        ("response_type", "code"),
        ("account", &bed.ig),
    ];
    let location = consent(bed, Host::InstagramAuth, &query, &[("decision", "allow")]).await.unwrap();
    assert!(location.ends_with("#_"), "{location}");
    parameter(&location, "code").unwrap()
}

async fn instagram_exchange(bed: &Bed, code: &str) -> Answer {
    let form = [
        ("client_id", IG_APP),
        ("client_secret", IG_SECRET),
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT),
        ("code", code),
    ];
    send(bed.request(Method::POST, Host::InstagramApi, "/oauth/access_token").form(&form)).await
}

#[tokio::test]
async fn codes_are_single_use_expire_and_are_bound_to_their_redirect() {
    let bed = Bed::start().await;
    let code = facebook_code(&bed, SCOPES, &[("decision", "allow")]).await;
    assert_eq!(exchange(&bed, &code, &format!("{REDIRECT}/")).await.error(), (100, Some(36008)));
    let token = exchange(&bed, &code, REDIRECT).await;
    assert_eq!((token.status, token.body["token_type"].as_str()), (200, Some("bearer")));
    assert_eq!(exchange(&bed, &code, REDIRECT).await.error(), (100, Some(36009)));
    let late = facebook_code(&bed, SCOPES, &[("decision", "allow")]).await;
    bed.advance(601);
    assert_eq!(exchange(&bed, &late, REDIRECT).await.error(), (100, Some(36007)));
    assert_eq!(exchange(&bed, "nonsense", REDIRECT).await.error(), (100, None));
}

#[tokio::test]
async fn the_dialog_refuses_wrong_apps_redirects_and_scopes_and_reports_denial() {
    let bed = Bed::start().await;
    let ask = |id: &'static str, redirect: &'static str, scope: &'static str| {
        [("client_id", id), ("redirect_uri", redirect), ("scope", scope), ("response_type", "code"), ("state", "x&y")]
    };
    let allow = [("decision", "allow")];
    assert_eq!(consent(&bed, Host::MetaDialog, &ask("1", REDIRECT, SCOPES), &allow).await, Err(400));
    assert_eq!(consent(&bed, Host::MetaDialog, &ask(APP, "https://evil.example/", SCOPES), &allow).await, Err(400));
    assert_eq!(
        consent(&bed, Host::MetaDialog, &ask(APP, REDIRECT, "instagram_business_basic"), &allow).await,
        Err(400)
    );
    assert_eq!(consent(&bed, Host::InstagramAuth, &ask(IG_APP, REDIRECT, "business_basic"), &allow).await, Err(400));
    for (host, app, scope) in [(Host::MetaDialog, APP, SCOPES), (Host::InstagramAuth, IG_APP, IG_SCOPES)] {
        let location = consent(&bed, host, &ask(app, REDIRECT, scope), &[("decision", "deny")]).await.unwrap();
        assert_eq!(parameter(&location, "error").as_deref(), Some("access_denied"));
        assert_eq!(parameter(&location, "error_reason").as_deref(), Some("user_denied"));
        assert_eq!(parameter(&location, "state").as_deref(), Some("x&y"));
        assert_eq!(parameter(&location, "code"), None);
    }
}

#[tokio::test]
async fn unticked_scopes_are_declined_and_refuse_what_they_guard() {
    let bed = Bed::start().await;
    bed.sim.reset();
    let made = bed.sim.create_account(&json!({ "platform": "instagram", "username": "new" })).unwrap();
    let person = made["person_id"].as_str().unwrap();
    let query = [("client_id", APP), ("redirect_uri", REDIRECT), ("scope", SCOPES), ("account", person)];
    let form = [("decision", "allow"), ("form", "1"), ("scope", "pages_show_list"), ("scope", "instagram_basic")];
    let location = consent(&bed, Host::MetaDialog, &query, &form).await.unwrap();
    let token = exchange(&bed, &parameter(&location, "code").unwrap(), REDIRECT).await.text("access_token");
    let permissions = bed.get("/v25.0/me/permissions", &token).await;
    let status = |name: &str| {
        let data = permissions.body["data"].as_array().unwrap();
        data.iter().find(|entry| entry["permission"] == name).map(|entry| entry["status"].clone())
    };
    assert_eq!(status("pages_show_list"), Some(json!("granted")));
    assert_eq!(status("instagram_content_publish"), Some(json!("declined")));
    let path = format!("/v25.0/{}/media", made["id"].as_str().unwrap());
    let form = [("media_type", "REELS"), ("video_url", "http://127.0.0.1:1/v.mp4")];
    assert_eq!(bed.post(&path, &token, &form).await.error().0, 10);
    // Asking again without `rerequest` does not bring a declined permission back; with it, it does.
    for (again, expected) in [("", "declined"), ("rerequest", "granted")] {
        let query = [
            ("client_id", APP),
            ("redirect_uri", REDIRECT),
            ("scope", SCOPES),
            ("account", person),
            ("auth_type", again),
        ];
        consent(&bed, Host::MetaDialog, &query, &[("decision", "allow")]).await.unwrap();
        let permissions = bed.get("/v25.0/me/permissions", &token).await;
        let data = permissions.body["data"].as_array().unwrap();
        let entry = data.iter().find(|entry| entry["permission"] == "instagram_content_publish").unwrap();
        assert_eq!(entry["status"], expected);
    }
}

#[tokio::test]
async fn long_tokens_give_page_tokens_without_expiry() {
    let bed = Bed::start().await;
    let code = facebook_code(&bed, SCOPES, &[("decision", "allow")]).await;
    let short = exchange(&bed, &code, REDIRECT).await;
    assert_eq!(short.body["expires_in"], 5400);
    let query = [
        ("grant_type", "fb_exchange_token"),
        ("client_id", APP),
        ("client_secret", SECRET),
        ("fb_exchange_token", &short.text("access_token")),
    ];
    let long = send(bed.request(Method::GET, Host::MetaGraph, "/v25.0/oauth/access_token").query(&query)).await;
    assert_eq!(long.body["expires_in"], 5_183_944);
    let page_token = async |user: &str| {
        let accounts = bed.get("/v25.0/me/accounts?fields=id,access_token,tasks", user).await;
        accounts.body["data"][0]["access_token"].as_str().unwrap().to_owned()
    };
    let from_short = page_token(&short.text("access_token")).await;
    let from_long = page_token(&long.text("access_token")).await;
    bed.advance(5401);
    assert_eq!(bed.get("/v25.0/me", &from_short).await.error(), (190, Some(463)));
    bed.advance(6_000_000);
    assert_eq!(bed.get("/v25.0/me", &from_long).await.body["id"], json!(bed.page_id));
    assert_eq!(bed.get("/v25.0/me", &long.text("access_token")).await.error(), (190, Some(463)));
    let debug = |token: String| {
        let query = [("input_token", token), ("access_token", format!("{APP}|{SECRET}"))];
        send(bed.request(Method::GET, Host::MetaGraph, "/v25.0/debug_token").query(&query))
    };
    let page = debug(from_long).await;
    assert_eq!((&page.body["data"]["expires_at"], &page.body["data"]["type"]), (&json!(0), &json!("PAGE")));
    let user = debug(long.text("access_token")).await;
    assert_eq!((user.status, &user.body["data"]["is_valid"]), (200, &json!(false)));
    assert_eq!(user.body["data"]["error"]["subcode"], 463);
    assert_eq!(debug(bed.instagram.clone()).await.error(), (2, None));
}

#[tokio::test]
async fn revoking_the_app_kills_user_and_page_tokens_with_458() {
    let bed = Bed::start().await;
    let answer =
        send(bed.request(Method::DELETE, Host::MetaGraph, "/v25.0/me/permissions").bearer_auth(&bed.user)).await;
    assert_eq!(answer.body, json!({ "success": true }));
    assert_eq!(bed.get("/v25.0/me", &bed.user).await.error(), (190, Some(458)));
    assert_eq!(bed.get("/v25.0/me", &bed.page).await.error(), (190, Some(458)));
    let me =
        send(bed.request(Method::GET, Host::InstagramGraph, "/v25.0/me?fields=user_id").bearer_auth(&bed.instagram));
    assert_eq!(me.await.body["user_id"], json!(bed.ig));
}

#[tokio::test]
async fn one_revoked_scope_only_takes_that_permission() {
    let bed = Bed::start().await;
    let path = format!("/v25.0/{}/permissions/instagram_content_publish", bed.person);
    send(bed.request(Method::DELETE, Host::MetaGraph, &path).bearer_auth(&bed.user)).await;
    assert_eq!(bed.publish("1").await.error().0, 10);
    assert_eq!(bed.get(&format!("/v25.0/{}/media", bed.ig), &bed.page).await.status, 200);
}

#[tokio::test]
async fn every_190_subcode_can_be_had() {
    let bed = Bed::start().await;
    for subcode in [459, 464] {
        bed.control("sessions", json!({ "person": bed.person, "subcode": subcode })).await;
        assert_eq!(bed.get("/v25.0/me", &bed.page).await.error(), (190, Some(subcode)));
        bed.control("sessions", json!({ "person": bed.person, "subcode": 0 })).await;
        assert_eq!(bed.get("/v25.0/me", &bed.page).await.status, 200);
    }
    bed.control("roles", json!({ "person": bed.person, "page": bed.page_id, "lost": true })).await;
    assert_eq!(bed.get("/v25.0/me", &bed.page).await.error(), (190, Some(492)));
    assert_eq!(bed.get("/v25.0/me", &bed.user).await.status, 200);
    bed.control("tokens", json!({ "token": bed.user, "expires_in": -1 })).await;
    assert_eq!(bed.get("/v25.0/me", &bed.user).await.error(), (190, Some(463)));
    for subcode in [460, 467] {
        bed.control("sessions", json!({ "account": bed.ig, "subcode": subcode })).await;
        let me = send(bed.request(Method::GET, Host::InstagramGraph, "/v25.0/me").bearer_auth(&bed.instagram)).await;
        assert_eq!(me.error(), (190, Some(subcode)));
    }
}

#[tokio::test]
async fn a_token_on_the_other_host_cannot_be_parsed() {
    let bed = Bed::start().await;
    assert_eq!(bed.get("/v25.0/me", &bed.instagram).await.error(), (190, None));
    let other = send(bed.request(Method::GET, Host::InstagramGraph, "/v25.0/me").bearer_auth(&bed.page)).await;
    assert_eq!(other.error(), (190, None));
    assert!(other.body["error"]["message"].as_str().unwrap().contains("Cannot parse access token"));
}

#[tokio::test]
async fn proofs_are_checked_against_the_token_that_is_sent() {
    let bed = Bed::start().await;
    let path = |proof: &str| format!("/v25.0/me?appsecret_proof={proof}");
    assert_eq!(bed.get(&path(&hmac_hex(SECRET, &bed.page)), &bed.page).await.status, 200);
    let wrong = bed.get(&path(&hmac_hex(SECRET, &bed.user)), &bed.page).await;
    assert_eq!((wrong.error(), wrong.body["error"]["type"].as_str()), ((100, None), Some("GraphMethodException")));
    bed.control("apps", json!({ "flavour": "facebook", "require_proof": true })).await;
    let missing = bed.get("/v25.0/me", &bed.page).await;
    assert_eq!(missing.body["error"]["message"], "API calls from the server require an appsecret_proof argument");
}

#[tokio::test]
async fn instagram_login_gives_both_shapes_and_refreshes_after_a_day() {
    let bed = Bed::start().await;
    let code = instagram_code(&bed).await;
    let short = instagram_exchange(&bed, &code).await;
    assert_eq!(short.body["data"][0]["user_id"], json!(bed.ig));
    let again = instagram_exchange(&bed, &code).await;
    assert_eq!(
        (again.status, &again.body["error_type"], &again.body["code"]),
        (400, &json!("OAuthException"), &json!(400))
    );
    bed.behave(json!({ "instagram_token_shape": "flat", "instagram_me_shape": "data" })).await;
    let code = instagram_code(&bed).await;
    let short = instagram_exchange(&bed, &code).await;
    assert!(short.body["user_id"].as_u64().unwrap() > 1 << 53);
    assert!(short.body["permissions"].is_array());
    let short = short.text("access_token");
    let exchange = [("grant_type", "ig_exchange_token"), ("client_secret", IG_SECRET), ("access_token", &short)];
    let long = send(bed.request(Method::GET, Host::InstagramGraph, "/access_token").query(&exchange)).await;
    let long = long.text("access_token");
    let refresh = async |token: &str| {
        let query = [("grant_type", "ig_refresh_token"), ("access_token", token)];
        send(bed.request(Method::GET, Host::InstagramGraph, "/refresh_access_token").query(&query)).await
    };
    assert_eq!(refresh(&long).await.error().0, 100);
    bed.advance(86_401);
    let fresh = refresh(&long).await.text("access_token");
    assert_ne!(fresh, long);
    bed.advance(5_183_944);
    assert_eq!(refresh(&fresh).await.error(), (190, Some(463)));
}

#[tokio::test]
async fn accounts_page_hide_portfolio_pages_and_may_be_empty() {
    let bed = Bed::start().await;
    for number in 0..3 {
        let spec = json!({ "platform": "facebook", "name": format!("Page {number}"), "person": bed.person });
        bed.sim.create_account(&spec).unwrap();
    }
    let spec = json!({ "platform": "instagram", "username": "hidden", "person": bed.person, "business": "Holding" });
    let hidden = bed.sim.create_account(&spec).unwrap();
    let fields = "fields=id,name,access_token,tasks,instagram_business_account{id,username}&limit=2";
    let first = bed.get(&format!("/v25.0/me/accounts?{fields}"), &bed.user).await;
    assert_eq!(first.body["data"].as_array().unwrap().len(), 2);
    assert_eq!(first.body["data"][0]["instagram_business_account"]["username"], "ada");
    assert_eq!(first.body["data"][1].get("instagram_business_account"), None);
    let next = first.body["paging"]["next"].as_str().unwrap();
    let second = send(bed.http.get(next)).await;
    assert_eq!(second.body["data"].as_array().unwrap().len(), 2);
    let ids = async |path: &str| {
        let answer = bed.get(path, &bed.user).await;
        let data = answer.body["data"].as_array().cloned().unwrap_or_default();
        data.iter().map(|page| page["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let page = hidden["page_id"].as_str().unwrap().to_owned();
    assert!(ids("/v25.0/me/accounts").await.contains(&page));
    let businesses = ids("/v25.0/me/businesses").await;
    assert_eq!(ids(&format!("/v25.0/{}/owned_pages", businesses[0])).await, std::slice::from_ref(&page));
    let path = "/v25.0/me/permissions/business_management";
    send(bed.request(Method::DELETE, Host::MetaGraph, path).bearer_auth(&bed.user)).await;
    assert!(!ids("/v25.0/me/accounts").await.contains(&page));
    assert_eq!(bed.get("/v25.0/me/businesses", &bed.user).await.error().0, 200);
    bed.behave(json!({ "accounts_empty": true })).await;
    assert_eq!(bed.get("/v25.0/me/accounts", &bed.user).await.body["data"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_new_login_does_not_revive_revoked_tokens() {
    let bed = Bed::start().await;
    let path = format!("/v25.0/{}/permissions", bed.person);
    let app_token = format!("{APP}|{SECRET}");
    let stranger = bed.request(Method::DELETE, Host::MetaGraph, "/v25.0/10220000000000001/permissions");
    assert_eq!(send(stranger.bearer_auth(&bed.user)).await.error(), (100, Some(33)));
    assert_eq!(send(bed.request(Method::DELETE, Host::MetaGraph, &path).bearer_auth(app_token)).await.status, 200);
    let code = facebook_code(&bed, SCOPES, &[("decision", "allow")]).await;
    let token = exchange(&bed, &code, REDIRECT).await.text("access_token");
    assert_eq!(bed.get("/v25.0/me", &token).await.status, 200);
    assert_eq!(bed.get("/v25.0/me", &bed.user).await.error(), (190, Some(458)));
    assert_eq!(bed.get("/v25.0/me", &bed.page).await.error(), (190, Some(458)));
    let permissions = bed.get("/v25.0/me/permissions", &token).await.body.to_string();
    assert!(!permissions.contains("business_management"), "{permissions}");
}

#[tokio::test]
async fn wrong_app_ids_and_secrets_are_told_apart() {
    let bed = Bed::start().await;
    let ask = async |id: &str, secret: &str| {
        let query = [("client_id", id), ("client_secret", secret), ("redirect_uri", REDIRECT), ("code", "x")];
        send(bed.request(Method::POST, Host::MetaGraph, "/v25.0/oauth/access_token").form(&query)).await.error()
    };
    assert_eq!(ask("5", SECRET).await, (101, None));
    assert_eq!(ask(APP, "wrong").await, (1, None));
    assert_eq!(ask(APP, SECRET).await, (100, None));
    bed.behave(json!({ "omit_expires_in": true, "facebook_fragment": true })).await;
    let code = facebook_code(&bed, SCOPES, &[("decision", "allow")]).await;
    assert_eq!(exchange(&bed, &code, REDIRECT).await.body.get("expires_in"), None);
}

#[tokio::test]
async fn in_development_mode_only_people_with_a_role_connect() {
    let bed = Bed::start().await;
    bed.control("apps", json!({ "flavour": "facebook", "development": true })).await;
    let query = [("client_id", APP), ("redirect_uri", REDIRECT), ("scope", SCOPES), ("account", &bed.person)];
    let allow = [("decision", "allow")];
    assert!(consent(&bed, Host::MetaDialog, &query, &allow).await.is_ok());
    bed.control(&format!("people/{}", bed.person), json!({ "app_role": false })).await;
    assert_eq!(consent(&bed, Host::MetaDialog, &query, &allow).await, Err(400));
}

#[tokio::test]
async fn unticked_pages_and_their_accounts_stay_hidden() {
    let bed = Bed::start().await;
    let spec = json!({ "platform": "instagram", "username": "second", "person": bed.person });
    let second = bed.sim.create_account(&spec).unwrap();
    let page = second["page_id"].as_str().unwrap();
    let code = facebook_code(&bed, SCOPES, &[("decision", "allow"), ("asset", page)]).await;
    let token = exchange(&bed, &code, REDIRECT).await.text("access_token");
    let accounts = bed.get("/v25.0/me/accounts?fields=id", &token).await;
    assert_eq!(accounts.body["data"], json!([{ "id": page }]));
    assert_eq!(bed.get(&format!("/v25.0/{}/media", bed.ig), &token).await.error(), (100, Some(33)));
    assert_eq!(bed.get(&format!("/v25.0/{}/media", second["id"].as_str().unwrap()), &token).await.status, 200);
}

//! TikTok's Login Kit as the sheet §2 has it.

mod support;

use aurareels_simulator::{Action, Filter, Host, Matcher, Options, Rule, TikTokRules};
use serde_json::{Value, json};
use support::*;

#[tokio::test]
async fn code_is_exchanged_for_a_flat_body() {
    let world = World::start().await;
    let back = world.consent(ALL_SCOPES, &[("account", PUBLIC_CREATOR), ("decision", "allow")]).await;
    assert_eq!(pair(&back, "state"), "st&te=1");
    assert_eq!(pair(&back, "scopes"), ALL_SCOPES);
    let login = login_of(world.exchange(pair(&back, "code")).await).await;
    assert!(login.access.starts_with("act."));
    assert!(login.refresh.starts_with("rft."));
    assert_eq!(login.body["expires_in"], 7200);
    assert_eq!(login.body["refresh_expires_in"], 15_552_000);
    assert_eq!(login.body["open_id"], PUBLIC_CREATOR);
    assert_eq!(login.body["scope"], ALL_SCOPES);
    assert_eq!(login.body["token_type"], "Bearer");
    assert!(login.body.get("data").is_none());
}

#[tokio::test]
async fn consent_page_is_a_form_that_a_browser_can_send() {
    let world = World::start().await;
    let page = world.http.get(world.authorize_url("user.info.basic,video.publish")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.contains("<form method=\"post\">"));
    assert!(html.contains("value=\"video.publish\" checked"));
    assert!(html.contains(PRIVATE_CREATOR));
}

#[tokio::test]
async fn person_may_untick_scopes_or_deny() {
    let world = World::start().await;
    let some = [("form", "1"), ("decision", "allow"), ("scope", "user.info.basic"), ("scope", "video.delete")];
    let back = world.consent("user.info.basic,video.publish", &some).await;
    assert_eq!(pair(&back, "scopes"), "user.info.basic", "only what was asked for and ticked");
    let login = login_of(world.exchange(pair(&back, "code")).await).await;
    let (status, body) = world.post(&login.access, "/v2/post/publish/creator_info/query/", json!({})).await;
    assert_eq!((status, code(&body)), (401, "scope_not_authorized"));

    let back = world.consent(ALL_SCOPES, &[("decision", "deny")]).await;
    assert_eq!(pair(&back, "error"), "access_denied");
    assert_eq!(pair(&back, "state"), "st&te=1");
}

#[tokio::test]
async fn wrong_client_or_redirect_never_redirects() {
    let world = World::start().await;
    let url = world.authorize_url(ALL_SCOPES);
    for wrong in [
        url.replace("sim-tiktok-key", "other"),
        url.replace("127.0.0.1%3A", "evil.example%3A"),
        url.replace("%2Foauth%2Fcallback%2F", "%2Felsewhere%2F"),
    ] {
        let answer = world.http.get(wrong).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(answer.headers().get("location").is_none());
    }
    let answer = world.http.get(url.replace("video.list", "video.everything")).send().await.unwrap();
    assert!(answer.headers()["location"].to_str().unwrap().contains("error=invalid_scope"));
}

#[tokio::test]
async fn registered_redirects_are_compared_exactly() {
    let world = World::start().await;
    world.set("redirects", json!({ "client_id": "sim-tiktok-key", "redirect_uri": "https://a.example/cb" })).await;
    let url = world.authorize_url(ALL_SCOPES);
    assert_eq!(world.http.get(&url).send().await.unwrap().status(), 400, "no loopback once one is registered");
    let ours =
        url.replace("http%3A%2F%2F127.0.0.1%3A50051%2Foauth%2Fcallback%2Ftiktok", "https%3A%2F%2Fa.example%2Fcb");
    assert_eq!(world.http.get(&ours).send().await.unwrap().status(), 200);
    assert_eq!(world.http.get(ours.replace("%2Fcb", "%2Fcb%2F")).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn codes_work_once_and_expire() {
    let world = World::start().await;
    let first = world.code(PUBLIC_CREATOR, ALL_SCOPES).await;
    assert_eq!(world.exchange(&first).await.status(), 200);
    let again = world.exchange(&first).await;
    assert_eq!(again.status(), 400);
    let body: Value = again.json().await.unwrap();
    assert_eq!(body["error"], "invalid_grant");
    assert!(body["log_id"].is_string());

    let second = world.code(PUBLIC_CREATOR, ALL_SCOPES).await;
    world.advance(301).await;
    let body: Value = world.exchange(&second).await.json().await.unwrap();
    assert_eq!(body["error"], "invalid_grant");
}

#[tokio::test]
async fn exchange_is_strict_about_client_redirect_and_form() {
    let world = World::start().await;
    let code = world.code(PUBLIC_CREATOR, ALL_SCOPES).await;
    let other = world
        .token_call(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", "http://127.0.0.1:1/oauth/callback/tiktok"),
        ])
        .await;
    assert_eq!(other.json::<Value>().await.unwrap()["error"], "invalid_request");

    let url = format!("{}/v2/oauth/token/", world.sim.url(Host::TikTokApi));
    let bad = [("client_key", "sim-tiktok-key"), ("client_secret", "wrong"), ("grant_type", "refresh_token")];
    let answer = world.http.post(&url).form(&bad).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_client");

    let answer = world.http.post(&url).json(&json!({ "grant_type": "refresh_token" })).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_request");

    let answer = world.token_call(&[("grant_type", "password")]).await;
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "unsupported_grant_type");

    assert_eq!(world.exchange(&code).await.status(), 200, "the failed tries did not use the code up");
}

#[tokio::test]
async fn refresh_rotates_and_the_old_token_dies_at_once() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let next = login_of(world.refresh(&login.refresh).await).await;
    assert_ne!(next.refresh, login.refresh);
    let again = world.refresh(&login.refresh).await;
    assert_eq!(again.json::<Value>().await.unwrap()["error"], "invalid_grant");
    assert_eq!(world.refresh(&next.refresh).await.status(), 200);
}

#[tokio::test]
async fn rotated_token_is_dead_although_the_answer_was_lost() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let matcher = Matcher { operation: Some("tiktok.refresh".into()), ..Matcher::default() };
    let cut = Action::Cut { when: aurareels_simulator::When::After, after_bytes: 0 };
    world.sim.add_fault(Rule::once(matcher, cut));
    let form = [
        ("client_key", "sim-tiktok-key"),
        ("client_secret", "sim-tiktok-secret"),
        ("grant_type", "refresh_token"),
        ("refresh_token", login.refresh.as_str()),
    ];
    let url = format!("{}/v2/oauth/token/", world.sim.url(Host::TikTokApi));
    assert!(world.http.post(&url).form(&form).send().await.is_err());
    let body: Value = world.refresh(&login.refresh).await.json().await.unwrap();
    assert_eq!(body["error"], "invalid_grant");
    let acted = Filter { operation: Some("tiktok.refresh".into()), succeeded: Some(true), ..Filter::default() };
    let entries = world.sim.requests(&acted);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].account.as_deref(), Some(PUBLIC_CREATOR));
    assert_eq!(entries[0].sent_status, None);
}

#[tokio::test]
async fn access_token_lives_two_hours_of_the_simulated_clock() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let path = "/v2/user/info/?fields=open_id,display_name";
    let (status, body) = world.api(reqwest::Method::GET, &login.access, path, Value::Null).await;
    assert_eq!((status, code(&body)), (200, "ok"));
    assert_eq!(body["data"]["user"]["open_id"], PUBLIC_CREATOR);
    world.advance(7_201).await;
    let (status, body) = world.api(reqwest::Method::GET, &login.access, path, Value::Null).await;
    assert_eq!((status, code(&body)), (401, "access_token_invalid"));
    assert!(body.get("data").is_none());
    let next = login_of(world.refresh(&login.refresh).await).await;
    let (status, _) = world.api(reqwest::Method::GET, &next.access, path, Value::Null).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn revoke_kills_both_tokens() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let url = format!("{}/v2/oauth/revoke/", world.sim.url(Host::TikTokApi));
    let form =
        [("client_key", "sim-tiktok-key"), ("client_secret", "sim-tiktok-secret"), ("token", login.access.as_str())];
    let answer = world.http.post(&url).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({}));
    let (status, _) = world.post(&login.access, "/v2/post/publish/creator_info/query/", json!({})).await;
    assert_eq!(status, 401);
    let body: Value = world.refresh(&login.refresh).await.json().await.unwrap();
    assert_eq!(body["error"], "invalid_grant");
    let again = world.http.post(&url).form(&form).send().await.unwrap();
    assert_eq!(again.status(), 400);
}

#[tokio::test]
async fn desktop_app_needs_the_hex_challenge() {
    let rules = TikTokRules { desktop_app: true, ..TikTokRules::default() };
    let world = World::with(Options { tiktok: rules, ..Options::default() }).await;
    let verifier = "aurareels-pkce-test-verifier-0123456789-abcdefghijk";
    let hex = "b06aeedbed5858c794595288595f7a03d6ce5aa8a1ae64916c05fbc0845297b5";
    let base64 = "sGru2-1YWMeUWVKIWV96A9bOWqihrmSRbAX7wIRSl7U";
    let plain = world.authorize_url(ALL_SCOPES);
    let allow = [("decision", "allow"), ("account", PUBLIC_CREATOR)];
    let answer = world.http.post(format!("{plain}&code_challenge={base64}&code_challenge_method=S256")).form(&allow);
    let location = answer.send().await.unwrap().headers()["location"].to_str().unwrap().to_owned();
    assert!(location.contains("error=invalid_request"), "{location}");
    let answer = world.http.post(format!("{plain}&code_challenge={hex}&code_challenge_method=S256")).form(&allow);
    let location = answer.send().await.unwrap().headers()["location"].to_str().unwrap().to_owned();
    let back: Vec<_> = url::Url::parse(&location).unwrap().query_pairs().into_owned().collect();
    let code = pair(&back, "code");
    assert_eq!(world.exchange(code).await.json::<Value>().await.unwrap()["error"], "invalid_request");
    let form =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT), ("code_verifier", verifier)];
    assert_eq!(world.token_call(&form).await.status(), 200);
}

#[tokio::test]
async fn oauth_failures_may_come_as_200() {
    let rules = TikTokRules { oauth_errors_as_200: true, ..TikTokRules::default() };
    let world = World::with(Options { tiktok: rules, ..Options::default() }).await;
    let answer = world.refresh("rft.unknown").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_grant");
}

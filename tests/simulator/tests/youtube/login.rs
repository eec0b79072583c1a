//! OAuth: sheet §1 and checklist 1.

use super::*;

const REDIRECT: &str = "http://127.0.0.1:50051/oauth/callback/youtube";
const UPLOAD: &str = "https://www.googleapis.com/auth/youtube.upload";
const READ: &str = "https://www.googleapis.com/auth/youtube.readonly";

fn authorize(tube: &Tube, further: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", "300000000003-sim.apps.googleusercontent.com")
        .append_pair("redirect_uri", REDIRECT)
        .append_pair("response_type", "code")
        .append_pair("state", "st&te=1")
        .extend_pairs(further)
        .finish();
    format!("{}/o/oauth2/v2/auth?{query}", tube.world.sim.url(Host::GoogleAuth))
}

async fn consent(tube: &Tube, further: &[(&str, &str)], form: &[(&str, &str)]) -> Vec<(String, String)> {
    let answer = tube.world.http.post(authorize(tube, further)).form(form).send().await.unwrap();
    assert_eq!(answer.status(), 302, "{}", answer.text().await.unwrap());
    let location = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    location.query_pairs().into_owned().collect()
}

async fn token(tube: &Tube, form: &[(&str, &str)]) -> (u16, Value) {
    let mut all =
        vec![("client_id", "300000000003-sim.apps.googleusercontent.com"), ("client_secret", "sim-youtube-secret")];
    all.extend_from_slice(form);
    answer(tube.world.http.post(format!("{}/token", tube.world.sim.url(Host::GoogleToken))).form(&all)).await
}

async fn exchange(tube: &Tube, code: &str) -> (u16, Value) {
    token(tube, &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)]).await
}

async fn login(tube: &Tube, further: &[(&str, &str)]) -> Value {
    let mut query = vec![(
        "scope",
        "https://www.googleapis.com/auth/youtube.upload https://www.googleapis.com/auth/youtube.readonly",
    )];
    query.extend_from_slice(further);
    let back = consent(tube, &query, &[("account", &tube.channel), ("decision", "allow")]).await;
    let (status, body) = exchange(tube, support::pair(&back, "code")).await;
    assert_eq!(status, 200, "{body}");
    body
}

async fn refresh(tube: &Tube, refresh: &str) -> (u16, Value) {
    token(tube, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await
}

/// A new access token by the channel's refresh token.
pub(super) async fn refreshed(tube: &Tube) -> String {
    let (status, body) = refresh(tube, &tube.refresh).await;
    assert_eq!(status, 200, "{body}");
    text(&body, "access_token")
}

/// A simulator whose channel has granted nothing yet.
async fn stranger(rules: YouTubeRules) -> Tube {
    let tube = Tube::with(rules).await;
    let path = tube.world.control(&format!("youtube/grants/{}", tube.channel));
    assert_eq!(tube.world.http.delete(path).send().await.unwrap().status(), 204);
    tube
}

#[tokio::test]
async fn a_refresh_token_needs_offline_access_and_the_first_or_a_forced_consent() {
    let tube = stranger(YouTubeRules::default()).await;
    assert!(login(&tube, &[]).await.get("refresh_token").is_none(), "online");
    let path = tube.world.control(&format!("youtube/grants/{}", tube.channel));
    tube.world.http.delete(path).send().await.unwrap();
    let first = login(&tube, &[("access_type", "offline")]).await;
    assert_eq!((&first["expires_in"], &first["token_type"]), (&json!(3_599), &json!("Bearer")));
    assert!(first.get("refresh_token").is_some());
    assert!(login(&tube, &[("access_type", "offline")]).await.get("refresh_token").is_none(), "granted before");
    let forced = login(&tube, &[("access_type", "offline"), ("prompt", "consent")]).await;
    assert_ne!(forced["refresh_token"], first["refresh_token"]);
}

#[tokio::test]
async fn a_refresh_does_not_rotate_and_both_tokens_work() {
    let tube = Tube::start().await;
    let (status, body) = refresh(&tube, &tube.refresh).await;
    assert_eq!(status, 200);
    assert!(body.get("refresh_token").is_none());
    assert_eq!(refresh(&tube, &tube.refresh).await.0, 200, "the old one stays");
    let path = "/youtube/v3/channels?part=snippet&mine=true";
    for access in [&tube.access, &text(&body, "access_token")] {
        assert_eq!(tube.call_as(access, Method::GET, path).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn the_callback_carries_state_and_granted_scopes() {
    let tube = stranger(YouTubeRules::default()).await;
    let scope = format!("{UPLOAD} {READ}");
    let form = [("account", tube.channel.as_str()), ("decision", "allow"), ("scope", READ), ("form", "1")];
    let back = consent(&tube, &[("scope", &scope)], &form).await;
    assert_eq!((support::pair(&back, "state"), support::pair(&back, "scope")), ("st&te=1", READ));
    let (_, body) = exchange(&tube, support::pair(&back, "code")).await;
    assert_eq!(body["scope"], READ, "one was unticked");
    let access = text(&body, "access_token");
    let request = tube.call_as(&access, Method::POST, "/upload/youtube/v3/videos?uploadType=resumable&part=snippet");
    let refused = answer(request.json(&resource("t", "public"))).await;
    assert_eq!(refusal(&refused), (403, "insufficientPermissions"));
    let denied = consent(&tube, &[("scope", &scope)], &[("decision", "deny")]).await;
    assert_eq!(support::pair(&denied, "error"), "access_denied");
}

#[tokio::test]
async fn wrong_clients_redirects_and_scopes_never_redirect() {
    let tube = Tube::start().await;
    let shown = async |further: &[(&str, &str)]| {
        tube.world.http.get(authorize(&tube, further)).send().await.unwrap().status().as_u16()
    };
    assert_eq!(shown(&[("scope", READ)]).await, 200);
    assert_eq!(shown(&[]).await, 400, "no scope");
    assert_eq!(shown(&[("scope", "https://www.googleapis.com/auth/youtube.everything")]).await, 400);
    assert_eq!(shown(&[("scope", READ), ("access_type", "sometimes")]).await, 400);
    let foreign = authorize(&tube, &[("scope", READ)]).replace("300000000003", "4");
    assert_eq!(tube.world.http.get(foreign).send().await.unwrap().status(), 400);
    let elsewhere = authorize(&tube, &[("scope", READ)]).replace("callback%2Fyoutube", "%2E%2E%2Felsewhere");
    assert_eq!(tube.world.http.get(elsewhere).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_code_works_once_for_its_redirect_and_verifier() {
    let tube = Tube::start().await;
    let allow = [("decision", "allow")];
    let back = consent(&tube, &[("scope", READ)], &allow).await;
    let code = support::pair(&back, "code");
    assert_eq!(exchange(&tube, code).await.0, 200);
    let (status, body) = exchange(&tube, code).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    let back = consent(&tube, &[("scope", READ)], &allow).await;
    let code = support::pair(&back, "code");
    let elsewhere = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", "http://localhost/")];
    assert_eq!(token(&tube, &elsewhere).await.1["error"], "redirect_uri_mismatch");
    tube.world.advance(601).await;
    assert_eq!(exchange(&tube, code).await.1["error"], "invalid_grant");

    let challenge = [
        ("scope", READ),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let back = consent(&tube, &challenge, &allow).await;
    let code = support::pair(&back, "code");
    assert_eq!(exchange(&tube, code).await.1["error"], "invalid_grant", "no verifier");
    let with = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    assert_eq!(token(&tube, &with).await.0, 200);
}

#[tokio::test]
async fn wrong_secrets_are_told_apart() {
    let tube = Tube::start().await;
    let url = format!("{}/token", tube.world.sim.url(Host::GoogleToken));
    let form = [("grant_type", "refresh_token"), ("refresh_token", tube.refresh.as_str())];
    let id = "300000000003-sim.apps.googleusercontent.com";
    let basic = |secret: &str| tube.world.http.post(&url).basic_auth(id, Some(secret)).form(&form);
    assert_eq!(answer(basic("sim-youtube-secret")).await.0, 200);
    let (status, body) = answer(basic("wrong")).await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_client")));
    let (status, body) = token(&tube, &[("grant_type", "password")]).await;
    assert_eq!((status, &body["error"]), (400, &json!("unsupported_grant_type")));
}

#[tokio::test]
async fn revoking_either_token_ends_the_grant() {
    for by_access in [true, false] {
        let tube = Tube::start().await;
        let token = if by_access { &tube.access } else { &tube.refresh };
        let revoke = || {
            let url = format!("{}/revoke", tube.world.sim.url(Host::GoogleToken));
            answer(tube.world.http.post(url).form(&[("token", token)]))
        };
        assert_eq!(revoke().await.0, 200);
        assert_eq!(
            revoke().await,
            (400, json!({ "error": "invalid_token", "error_description": "Token expired or revoked" }))
        );
        let (status, body) = refresh(&tube, &tube.refresh).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
        let refused = tube.get("/youtube/v3/channels?part=id&mine=true").await;
        assert_eq!(refusal(&refused), (401, "authError"));
        assert_eq!(refused.1["error"]["status"], "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn refresh_tokens_end_by_age_idleness_and_number() {
    let tube = stranger(YouTubeRules { testing: true, refresh_tokens_per_account: 2, ..YouTubeRules::default() }).await;
    let forced = [("access_type", "offline"), ("prompt", "consent")];
    let first = login(&tube, &forced).await;
    assert_eq!(first["refresh_token_expires_in"], 604_800);
    let second = text(&login(&tube, &forced).await, "refresh_token");
    let third = text(&login(&tube, &forced).await, "refresh_token");
    assert_eq!(refresh(&tube, &text(&first, "refresh_token")).await.1["error"], "invalid_grant", "the oldest of three");
    assert_eq!(refresh(&tube, &second).await.0, 200);
    tube.world.advance(604_801).await;
    assert_eq!(refresh(&tube, &third).await.1["error"], "invalid_grant", "seven days in Testing");

    let tube = Tube::start().await;
    tube.world.advance(15_551_000).await;
    assert_eq!(refresh(&tube, &tube.refresh).await.0, 200, "each use counts");
    tube.world.advance(15_551_000).await;
    assert_eq!(refresh(&tube, &tube.refresh).await.0, 200);
    tube.world.advance(15_552_001).await;
    assert_eq!(refresh(&tube, &tube.refresh).await.1["error"], "invalid_grant", "idle for six months");
}

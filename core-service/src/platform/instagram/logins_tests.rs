//! Both logins against a server with scripted answers.

use serde_json::{Value, json};

use super::super::{FACEBOOK_SCOPES, INSTAGRAM_NEEDED, INSTAGRAM_SCOPES};
use super::*;
use crate::platform::{
    LoginClient, PublishOptions,
    instagram::stand_in::{IG_ID, PAGE_TOKEN, Server, account, at, graph_error, tokens},
    meta::graph::appsecret_proof,
    stand_in::round,
};
use crate::{domain::platform::LoginFlavour, platform::meta::login::PAGE_FIELDS};

const FB: LoginFlavour = LoginFlavour::FacebookLogin;
const IG: LoginFlavour = LoginFlavour::InstagramLogin;
const REDIRECT: &str = "https://core.example/oauth/callback/instagram";

fn token(token: &str) -> (u16, Value) {
    (200, json!({"access_token": token, "token_type": "bearer", "expires_in": 5_183_944}))
}

fn granted(scopes: &[&str]) -> (u16, Value) {
    let data: Vec<_> = scopes.iter().map(|scope| json!({"permission": scope, "status": "granted"})).collect();
    (200, json!({ "data": data }))
}

fn page(number: u32, account: Option<&str>, tasks: &[&str]) -> Value {
    let mut page = json!({"id": format!("105{number}"), "name": "Page", "access_token": format!("EAAGpage{number}"), "tasks": tasks});
    if let Some(account) = account {
        page["instagram_business_account"] = json!({"id": account, "username": format!("user{account}")});
    }
    page
}

const NEEDED: &[&str] = &["instagram_basic", "instagram_content_publish", "pages_read_engagement", "pages_show_list"];

fn failure<T>(result: Result<T, AccountError>) -> Failure {
    match result {
        Err(AccountError::Failed(failure)) => failure,
        Err(AccountError::Unknown(what)) => panic!("unknown: {what}"),
        Ok(_) => panic!("worked"),
    }
}

fn is_unknown<T>(result: &Result<T, AccountError>) -> bool {
    matches!(result, Err(AccountError::Unknown(_)))
}

#[tokio::test]
async fn the_dialogs() {
    let server = Server::start(vec![]).await;
    let client = server.client();
    let field = |url: &url::Url, name: &str| {
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let url = client.auth_url(FB, &round(REDIRECT), "s1");
    assert_eq!(url.path(), "/v25.0/dialog/oauth");
    assert_eq!((field(&url, "client_id"), field(&url, "state")), ("100".into(), "s1".into()));
    assert_eq!((field(&url, "redirect_uri"), field(&url, "response_type")), (REDIRECT.into(), "code".into()));
    assert_eq!(field(&url, "scope"), FACEBOOK_SCOPES.join(","));
    let url = client.auth_url(IG, &round(REDIRECT), "s2");
    assert_eq!(field(&url, "code_challenge"), "", "neither dialog has PKCE");
    assert_eq!((url.path(), field(&url, "client_id")), ("/oauth/authorize", "200".into()));
    assert_eq!(field(&url, "scope"), INSTAGRAM_SCOPES.join(","));
    assert_eq!(client.flavours(), [FB, IG]);
    assert!(client.missing_settings().is_empty());
    assert!(FACEBOOK_NEEDED.iter().all(|needed| FACEBOOK_SCOPES.contains(needed)));
    assert!(INSTAGRAM_NEEDED.iter().all(|needed| INSTAGRAM_SCOPES.contains(needed)));
}

#[tokio::test]
async fn facebook_login_brings_every_account() {
    let other = "17841400000000002";
    let server = Server::start(vec![
        token("EAAGshort"),
        token("EAAGlong"),
        granted(NEEDED),
        (200, json!({"id": "10150000000000001"})),
        (
            200,
            json!({"data": [page(1, Some(IG_ID), &["CREATE_CONTENT"]), page(2, None, &["MANAGE"])],
                "paging": {"cursors": {"after": "p2"}, "next": "https://x"}}),
        ),
        (
            200,
            json!({"data": [page(3, Some(other), &["MANAGE"]), page(4, Some(IG_ID), &["MANAGE"]),
                page(5, Some("17841400000000003"), &["ANALYZE"])]}),
        ),
    ])
    .await;
    let identities =
        server.client().exchange(FB, "the-code#_=_", &round(REDIRECT), at(0)).await.unwrap_or_else(|_| panic!());
    let ids: Vec<_> = identities.iter().map(|identity| identity.account_id.as_str()).collect();
    assert_eq!(ids, [IG_ID, other], "each once, and only where content may be created");
    let first = &identities[0];
    assert_eq!(first.metadata["page_id"], "1051");
    assert_eq!(first.grant_id.as_deref(), Some("10150000000000001"));
    assert_eq!(first.grant.tokens.access.expose(), "EAAGpage1");
    assert_eq!(first.grant.tokens.grant.as_ref().unwrap().expose(), "EAAGlong");
    assert_eq!((first.grant.expires_at, first.grant.scope.len()), (None, 4));

    let asked = server.asked();
    assert_eq!(asked[0].field("code").as_deref(), Some("the-code"));
    assert_eq!(asked[0].field("redirect_uri").as_deref(), Some(REDIRECT));
    assert_eq!(asked[1].field("grant_type").as_deref(), Some("fb_exchange_token"));
    assert_eq!(asked[1].field("fb_exchange_token").as_deref(), Some("EAAGshort"));
    assert_eq!(asked[4].line, "GET /v25.0/me/accounts");
    assert_eq!(asked[4].field("fields").as_deref(), Some(PAGE_FIELDS));
    assert_eq!(asked[5].field("after").as_deref(), Some("p2"));
    for asked in &asked[2..] {
        assert_eq!(asked.header("authorization"), "Bearer EAAGlong", "page tokens come from the long-lived token");
        assert_eq!(asked.field("appsecret_proof"), Some(appsecret_proof(&"app-secret".into(), &"EAAGlong".into())));
    }
}

#[tokio::test]
async fn pages_of_a_portfolio_are_found() {
    let scopes: Vec<&str> = NEEDED.iter().copied().chain(["business_management"]).collect();
    let server = Server::start(vec![
        token("EAAGshort"),
        token("EAAGlong"),
        granted(&scopes),
        (200, json!({"id": "1"})),
        (200, json!({"data": []})),
        (200, json!({"data": [{"id": "77"}]})),
        (200, json!({"data": [page(1, Some(IG_ID), &["MANAGE"])]})),
        graph_error(100, Some(33)),
    ])
    .await;
    let identities = server.client().exchange(FB, "c", &round(REDIRECT), at(0)).await.unwrap_or_else(|_| panic!());
    assert_eq!(identities.len(), 1);
    let lines = server.lines();
    assert_eq!(lines[5..], ["GET /v25.0/me/businesses", "GET /v25.0/77/owned_pages", "GET /v25.0/77/client_pages"]);
}

#[tokio::test]
async fn facebook_logins_that_bring_nothing_say_why() {
    let connect = async |answers: Vec<(u16, Value)>| {
        let server = Server::start(answers).await;
        server.client().exchange(FB, "c", &round(REDIRECT), at(0)).await
    };
    let refused = failure(connect(vec![graph_error(100, Some(36009))]).await);
    assert_eq!((refused.class, refused.rule.as_str()), (FailureClass::InvalidRequest, "100/36009"));
    assert!(refused.remediation.contains("start the login again"));
    assert!(is_unknown(&connect(vec![(502, json!("proxy"))]).await), "the code may be used up");

    let long = || vec![token("EAAGshort"), token("EAAGlong")];
    let mut declined = long();
    declined.push((
        200,
        json!({"data": [{"permission": "instagram_basic", "status": "granted"},
            {"permission": "instagram_content_publish", "status": "declined"},
            {"permission": "pages_show_list", "status": "granted"}]}),
    ));
    let refused = failure(connect(declined).await);
    assert_eq!(
        (refused.reason, refused.rule.as_str()),
        (Reason::ScopeMissing, "instagram_content_publish,pages_read_engagement")
    );

    let with_pages = |pages: Value| {
        let mut answers = long();
        answers.extend([granted(NEEDED), (200, json!({"id": "1"})), (200, json!({ "data": pages }))]);
        answers
    };
    let none = failure(connect(with_pages(json!([]))).await);
    assert_eq!(none.reason, Reason::NoPublishableAccount);
    let no_task = failure(connect(with_pages(json!([page(1, Some(IG_ID), &["ANALYZE"])]))).await);
    assert_eq!(no_task.reason, Reason::NoPublishableAccount);
    assert_ne!(no_task.message, none.message);
}

#[tokio::test]
async fn instagram_login_takes_both_shapes_of_its_answers() {
    let permissions = ["instagram_business_basic", "instagram_business_content_publish"];
    let documented = [
        json!({"data": [{"access_token": "IGshort", "user_id": "9", "permissions": permissions.join(",")}]}),
        json!({"data": [{"user_id": IG_ID, "id": "26000000000000001", "username": "walks", "account_type": "Business"}]}),
    ];
    let number: Value = serde_json::from_str(IG_ID).unwrap();
    let seen = [
        json!({"access_token": "IGshort", "user_id": number, "permissions": permissions}),
        json!({"user_id": number, "id": "26000000000000001", "username": "walks", "account_type": "Media_Creator"}),
    ];
    for [short, me] in [documented, seen] {
        let server = Server::start(vec![(200, short), token("IGlong"), (200, me)]).await;
        let identities =
            server.client().exchange(IG, "the-code#_", &round(REDIRECT), at(0)).await.unwrap_or_else(|_| panic!());
        let [identity] = identities.as_slice() else { panic!() };
        assert_eq!((identity.account_id.as_str(), identity.account_username.as_deref()), (IG_ID, Some("walks")));
        assert_eq!(identity.grant_id.as_deref(), Some(IG_ID));
        assert_eq!(identity.grant.tokens.access.expose(), "IGlong");
        assert_eq!(identity.grant.expires_at, Some(at(5_183_944)));
        assert_eq!(identity.grant.scope, permissions);
        let asked = server.asked();
        assert_eq!(asked[0].line, "POST /oauth/access_token");
        assert_eq!(asked[0].field("code").as_deref(), Some("the-code"));
        assert_eq!((asked[1].line.as_str(), asked[2].line.as_str()), ("GET /access_token", "GET /v25.0/me"));
        assert_eq!(asked[1].field("grant_type").as_deref(), Some("ig_exchange_token"));
        assert_eq!(asked[2].field("appsecret_proof"), None);
    }
}

#[tokio::test]
async fn instagram_logins_that_bring_nothing_say_why() {
    let connect = async |answers: Vec<(u16, Value)>| {
        let server = Server::start(answers).await;
        server.client().exchange(IG, "c", &round(REDIRECT), at(0)).await
    };
    let envelope = json!({"error_type": "OAuthException", "code": 400, "error_message": "code used SECRET"});
    let refused = failure(connect(vec![(400, envelope)]).await);
    assert_eq!((refused.class.clone(), refused.rule.as_str()), (FailureClass::InvalidRequest, "OAuthException 400"));
    assert!(!format!("{refused:?}").contains("SECRET"));
    let partial = json!({"access_token": "IGs", "user_id": "1", "permissions": "instagram_business_basic"});
    assert_eq!(failure(connect(vec![(200, partial)]).await).reason, Reason::ScopeMissing);
    let short = (200, json!({"access_token": "IGs", "user_id": "1"}));
    let personal = (200, json!({"id": "26000000000000001", "username": "walks"}));
    let none = failure(connect(vec![short, token("IGlong"), personal]).await);
    assert_eq!(none.reason, Reason::NoPublishableAccount);
}

#[tokio::test]
async fn an_instagram_token_is_prolonged_once_it_is_a_day_old() {
    let server = Server::start(vec![token("IGnew")]).await;
    let client = server.client();
    let old = account(IG);
    let young = Account { last_token_refresh: Some(at(-3600)), ..old.clone() };
    let just_connected = Account { token_expires_at: Some(at(60 * 86_400 - 3600)), ..old.clone() };
    for young in [young, just_connected] {
        let Ok(Refreshed::NotRefreshable(why)) = client.refresh(&young, &tokens(IG), at(0)).await else { panic!() };
        assert!(why.contains("a day old"), "{why}");
    }
    assert!(server.asked().is_empty());
    let Ok(Refreshed::New(grant)) = client.refresh(&old, &tokens(IG), at(0)).await else { panic!() };
    assert_eq!((grant.tokens.access.expose(), grant.expires_at), ("IGnew", Some(at(5_183_944))));
    assert_eq!(grant.scope, old.token_scope);
    assert_eq!(server.asked()[0].line, "GET /refresh_access_token");
}

#[tokio::test]
async fn a_refresh_of_instagram_login_that_is_not_answered_is_unknown() {
    let refresh = async |answer: (u16, Value)| {
        let server = Server::start(vec![answer]).await;
        server.client().refresh(&account(IG), &tokens(IG), at(0)).await
    };
    for lost in [(502, json!("proxy")), (200, json!({"odd": 1})), (500, json!({}))] {
        assert!(is_unknown(&refresh(lost.clone()).await), "{lost:?}");
    }
    assert_eq!(failure(refresh(graph_error(190, Some(463))).await).class, FailureClass::NeedsReconnect);
    assert_eq!(failure(refresh(graph_error(2, None)).await).class, FailureClass::Transient);
    let server = Server::start(vec![]).await;
    let mut client = server.client();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    client.settings.ig_graph_base = format!("http://{free}/").parse().unwrap();
    let not_sent = client.refresh(&account(IG), &tokens(IG), at(0)).await;
    assert_eq!(failure(not_sent).class, FailureClass::Transient, "nothing was sent, so nothing is lost");
}

#[tokio::test]
async fn a_page_token_is_derived_anew() {
    let mut fresh = page(1, Some(IG_ID), &["MANAGE"]);
    fresh["access_token"] = "EAAGfresh".into();
    let server = Server::start(vec![token("EAAGuser2"), (200, fresh)]).await;
    let Ok(Refreshed::New(grant)) = server.client().refresh(&account(FB), &tokens(FB), at(0)).await else { panic!() };
    assert_eq!(grant.tokens.access.expose(), "EAAGfresh");
    assert_eq!(grant.tokens.grant.unwrap().expose(), "EAAGuser2");
    assert_eq!(grant.expires_at, None);
    assert_eq!(server.asked()[1].line, "GET /v25.0/1050000000000001");
    assert_eq!(server.asked()[1].header("authorization"), "Bearer EAAGuser2");
}

#[tokio::test]
async fn page_tokens_that_cannot_be_derived_anew() {
    let refresh = async |answers: Vec<(u16, Value)>| {
        let server = Server::start(answers).await;
        server.client().refresh(&account(FB), &tokens(FB), at(0)).await
    };
    let ended = refresh(vec![graph_error(190, Some(463))]).await;
    assert!(matches!(ended, Ok(Refreshed::NotRefreshable(_))), "the page token may live on");
    assert_eq!(failure(refresh(vec![graph_error(190, Some(458))]).await).class, FailureClass::NeedsReconnect);
    assert_eq!(failure(refresh(vec![graph_error(190, None)]).await).class, FailureClass::NeedsReconnect);
    assert_eq!(
        failure(refresh(vec![(502, json!(""))]).await).class,
        FailureClass::Transient,
        "the old one keeps working"
    );
    let tokenless = json!({"id": "1", "instagram_business_account": {"id": IG_ID}});
    assert_eq!(failure(refresh(vec![token("EAAGu"), (200, tokenless)]).await).class, FailureClass::NeedsReconnect);
    let relinked = page(1, Some("17841400000000009"), &["MANAGE"]);
    assert_eq!(failure(refresh(vec![token("EAAGu"), (200, relinked)]).await).class, FailureClass::NeedsReconnect);
    let server = Server::start(vec![]).await;
    let without = Tokens { grant: None, ..tokens(FB) };
    let result = server.client().refresh(&account(FB), &without, at(0)).await;
    assert!(matches!(result, Ok(Refreshed::NotRefreshable(_))));
}

#[tokio::test]
async fn revoking_uses_the_persons_token() {
    let server =
        Server::start(vec![(200, json!(true)), (200, json!({"success": true})), graph_error(190, Some(458))]).await;
    for _ in 0..3 {
        assert!(server.client().revoke(&account(FB), &tokens(FB)).await.is_ok());
    }
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "DELETE /v25.0/me/permissions");
    assert_eq!(asked.header("authorization"), "Bearer EAAGusertoken");
    assert_eq!(asked.field("appsecret_proof"), Some(appsecret_proof(&"app-secret".into(), &"EAAGusertoken".into())));

    let server = Server::start(vec![(500, json!({})), graph_error(190, None)]).await;
    assert!(is_unknown(&server.client().revoke(&account(FB), &tokens(FB)).await));
    failure(server.client().revoke(&account(FB), &tokens(FB)).await);

    let server = Server::start(vec![]).await;
    let refused = failure(server.client().revoke(&account(IG), &tokens(IG)).await);
    assert_eq!(refused.reason, Reason::Unsupported);
    assert!(refused.remediation.contains("remove the app"));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn checking_compares_the_identity() {
    let server = Server::start(vec![
        (200, json!({"id": IG_ID, "username": "walks"})),
        (200, json!({"data": [{"user_id": IG_ID, "username": "walks"}]})),
        (200, json!({"user_id": "17841400000000009"})),
        graph_error(190, Some(460)),
    ])
    .await;
    let client = server.client();
    assert!(client.check(&account(FB), &tokens(FB)).await.is_ok());
    assert!(client.check(&account(IG), &tokens(IG)).await.is_ok());
    assert_eq!(failure(client.check(&account(IG), &tokens(IG)).await).reason, Reason::IdentityMismatch);
    assert_eq!(failure(client.check(&account(IG), &tokens(IG)).await).class, FailureClass::NeedsReconnect);
    assert_eq!(server.asked()[0].line, format!("GET /v25.0/{IG_ID}"));
    assert_eq!(server.asked()[0].header("authorization"), format!("Bearer {PAGE_TOKEN}"));
    assert_eq!(server.asked()[1].line, "GET /v25.0/me");
}

#[tokio::test]
async fn options_and_quota() {
    let profile =
        (200, json!({"id": IG_ID, "username": "walks", "name": "Walks", "profile_picture_url": "https://p/"}));
    let limit = |used: i32| {
        (200, json!({"data": [{"quota_usage": used, "config": {"quota_total": 50, "quota_duration": 86400}}]}))
    };
    let server =
        Server::start(vec![profile.clone(), limit(3), profile.clone(), limit(50), profile, (502, json!("")), limit(7)])
            .await;
    let client = server.client();
    let options = async || client.publish_options(&account(FB), &tokens(FB)).await.unwrap_or_else(|_| panic!());
    let PublishOptions { privacy_level_options, cannot_post, creator_username, max_video_post_duration_sec, .. } =
        options().await;
    assert_eq!((privacy_level_options, cannot_post), (vec!["PUBLIC".to_owned()], None));
    assert_eq!((creator_username.as_str(), max_video_post_duration_sec), ("walks", Some(900)));
    assert_eq!(options().await.cannot_post.unwrap().reason, Reason::QuotaExceeded);
    assert_eq!(options().await.cannot_post, None, "a quota that cannot be read forbids nothing");
    let quota = client.quota(&account(FB), &tokens(FB), at(0)).await.unwrap_or_else(|_| panic!());
    assert_eq!((quota.used, quota.total, quota.window_seconds), (Some(7), Some(50), 86_400));
}

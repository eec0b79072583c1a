//! Logins against a small server with answers as TikTok gives them.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde_json::json;

use super::{
    Tiktok,
    fixtures::{Act, Seen, Server, account, at, closed_port, tokens},
};
use crate::{
    domain::{
        failure::{FailureClass, Reason},
        platform::LoginFlavour,
    },
    http::{HttpSettings, tls_config},
    platform::{AccountError, LoginClient, Refreshed, Round, stand_in::round},
};

const FLAVOUR: LoginFlavour = LoginFlavour::Tiktok;

fn granted(scope: &str) -> Act {
    Act::json(
        200,
        &json!({
            "access_token": "act.canary-new", "expires_in": 7200, "open_id": "open-1", "refresh_token": "rft.canary-new",
            "refresh_expires_in": 15_552_000, "scope": scope, "token_type": "Bearer",
        }),
    )
}

fn refused(status: u16, error: &str) -> Act {
    Act::json(status, &json!({ "error": error, "error_description": "words", "log_id": "LOG-2" }))
}

fn form(seen: &Seen) -> HashMap<String, String> {
    assert_eq!(seen.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(!seen.headers.contains_key("authorization"));
    url::form_urlencoded::parse(&seen.body).into_owned().collect()
}

fn failed<T>(result: Result<T, AccountError>) -> crate::domain::failure::Failure {
    match result {
        Err(AccountError::Failed(failure)) => {
            assert!(!format!("{failure:?}").contains("canary"));
            failure
        }
        Err(AccountError::Unknown(why)) => panic!("unknown: {why}"),
        Ok(_) => panic!("it worked"),
    }
}

fn is_unknown<T>(result: &Result<T, AccountError>) -> bool {
    matches!(result, Err(AccountError::Unknown(why)) if !why.contains("canary"))
}

#[tokio::test]
async fn the_consent_page_always_asks_and_takes_commas() {
    let server = Server::start(|_, _| Act::Cut).await;
    let url = server.tiktok().auth_url(FLAVOUR, &round("https://core.example/oauth/callback/tiktok"), "st&te");
    assert!(url.as_str().starts_with("https://auth.example/v2/auth/authorize/?"));
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(query["scope"], "user.info.basic,user.info.profile,video.publish,video.upload,video.list");
    assert_eq!((query["client_key"].as_str(), query["disable_auto_auth"].as_str()), ("ck_test", "1"));
    assert_eq!((query["response_type"].as_str(), query["state"].as_str()), ("code", "st&te"));
    assert_eq!(query["redirect_uri"], "https://core.example/oauth/callback/tiktok");
}

#[tokio::test]
async fn only_desktop_apps_prove_themselves_by_pkce_with_the_digest_in_hex() {
    let server = Server::start(|_, _| granted("user.info.basic")).await;
    let challenge = |round: &Round| {
        let url = server.tiktok().auth_url(FLAVOUR, round, "s");
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        (query.get("code_challenge").cloned(), query.get("code_challenge_method").cloned())
    };
    let sheet = "b06aeedbed5858c794595288595f7a03d6ce5aa8a1ae64916c05fbc0845297b5";
    for desktop in ["http://localhost:50051/oauth/callback/tiktok", "http://127.0.0.1:8080/oauth/callback/tiktok"] {
        assert_eq!(challenge(&round(desktop)), (Some(sheet.to_owned()), Some("S256".to_owned())));
        assert_eq!(challenge(&Round { verifier: None, ..round(desktop) }), (None, None), "begun by an older release");
    }
    for web in ["https://reels.example/oauth/callback/tiktok", "https://localhost.example:443/oauth/callback/tiktok"] {
        assert_eq!(challenge(&round(web)), (None, None), "{web}");
    }
    let desktop = round("http://localhost:50051/oauth/callback/tiktok");
    for (round, verifier) in [(desktop, true), (round("https://reels.example/cb"), false)] {
        let _ = server.tiktok().exchange(FLAVOUR, "c", &round, at(0)).await;
        let seen = server.seen();
        let sent = seen.iter().rfind(|seen| seen.path == "/v2/oauth/token/").map(form).unwrap();
        assert_eq!(sent.contains_key("code_verifier"), verifier);
    }
}

#[tokio::test]
async fn a_code_becomes_an_account_with_what_was_granted() {
    let server = Server::start(|seen, _| {
        if seen.path == "/v2/oauth/token/" {
            return granted("user.info.basic,video.publish");
        }
        Act::ok(json!({ "user": { "open_id": "open-1", "union_id": "u-1", "display_name": "Creator", "avatar_url": "https://p/a" } }))
    })
    .await;
    let identities =
        server.tiktok().exchange(FLAVOUR, "the*code!", &round("https://core.example/cb"), at(0)).await.ok().unwrap();
    let [identity] = identities.as_slice() else { panic!() };
    assert_eq!((identity.account_id.as_str(), identity.account_name.as_str()), ("open-1", "Creator"));
    assert_eq!(identity.account_username, None, "the profile scope was not granted");
    assert_eq!(identity.grant.scope, ["user.info.basic", "video.publish"]);
    assert_eq!(identity.grant.expires_at, Some(at(120)));
    assert_eq!(identity.grant.refresh_expires_at, Some(at(0) + TimeDelta::days(180)));
    assert_eq!(identity.grant.tokens.access.expose(), "act.canary-new");
    assert!(!identity.metadata.to_string().contains("canary"));
    let seen = server.seen();
    let form = form(&seen[0]);
    assert_eq!((form["code"].as_str(), form["grant_type"].as_str()), ("the*code!", "authorization_code"));
    assert_eq!((form["client_key"].as_str(), form["client_secret"].as_str()), ("ck_test", "canary-client-secret"));
    assert_eq!(form["redirect_uri"], "https://core.example/cb");
    assert_eq!(
        seen[1].path, "/v2/user/info/?fields=open_id%2Cunion_id%2Cavatar_url%2Cdisplay_name",
        "only granted fields"
    );
}

#[tokio::test]
async fn a_profile_that_cannot_be_read_does_not_cost_the_connection() {
    let server =
        Server::start(|seen, _| if seen.path == "/v2/oauth/token/" { granted("user.info.basic") } else { Act::Cut })
            .await;
    let identities =
        server.tiktok().exchange(FLAVOUR, "c", &round("https://core.example/cb"), at(0)).await.ok().unwrap();
    assert_eq!(identities[0].account_name, "open-1");
}

#[tokio::test]
async fn a_failure_is_told_by_the_body_whatever_the_status() {
    for status in [200, 400] {
        let server = Server::start(move |_, _| refused(status, "invalid_grant")).await;
        let tiktok = server.tiktok();
        let failure = failed(tiktok.exchange(FLAVOUR, "c", &round("r"), at(0)).await);
        assert_eq!((failure.class, failure.rule.as_str()), (FailureClass::NeedsReconnect, "invalid_grant"));
        assert!(failure.message.contains("LOG-2"));
        let failure = failed(tiktok.refresh(&account(), &tokens(), at(0)).await);
        assert_eq!((failure.class, failure.reason), (FailureClass::NeedsReconnect, Reason::AccountNeedsReconnect));
    }
}

#[tokio::test]
async fn a_refresh_brings_both_new_tokens() {
    let server = Server::start(|_, _| granted("video.publish")).await;
    let Ok(Refreshed::New(grant)) = server.tiktok().refresh(&account(), &tokens(), at(0)).await else { panic!() };
    assert_eq!(grant.tokens.refresh.unwrap().expose(), "rft.canary-new");
    assert_eq!((grant.expires_at, grant.scope), (Some(at(120)), vec!["video.publish".to_owned()]));
    let form = form(&server.seen()[0]);
    assert_eq!((form["grant_type"].as_str(), form["refresh_token"].as_str()), ("refresh_token", "rft.canary-refresh"));

    let server =
        Server::start(|_, _| Act::json(200, &json!({ "access_token": "a", "open_id": "open-1", "scope": null }))).await;
    let Ok(Refreshed::New(grant)) = server.tiktok().refresh(&account(), &tokens(), at(0)).await else { panic!() };
    assert_eq!(grant.tokens.refresh.unwrap().expose(), "rft.canary-refresh", "never blanked");
    assert_eq!((grant.expires_at, grant.scope), (None, account().token_scope));
}

#[tokio::test]
async fn a_lost_refresh_is_unknown_and_an_unreachable_one_is_not() {
    let lost = [
        || Act::Cut,
        || refused(500, "server_error"),
        || refused(200, "temporarily_unavailable"),
        || refused(503, "invalid_grant"),
        || refused(400, "something_new"),
        || Act::Answer(200, String::new(), "<html>".to_owned()),
        || Act::json(200, &json!({})),
        || Act::json(502, &json!({ "access_token": "a" })),
    ];
    for act in lost {
        let server = Server::start(move |_, _| act()).await;
        let result = server.tiktok().refresh(&account(), &tokens(), at(0)).await;
        assert!(is_unknown(&result), "request {:?}", server.seen().len());
        assert_eq!(server.seen().len(), 1, "never sent twice");
    }
    let mut server = Server::start(|_, _| Act::Cut).await;
    server.base = closed_port().parse().unwrap();
    assert_eq!(failed(server.tiktok().refresh(&account(), &tokens(), at(0)).await).class, FailureClass::Transient);
}

#[tokio::test]
async fn without_a_refresh_token_nothing_is_asked() {
    let server = Server::start(|_, _| Act::Cut).await;
    let mut tokens = tokens();
    tokens.refresh = None;
    assert!(matches!(server.tiktok().refresh(&account(), &tokens, at(0)).await, Ok(Refreshed::NotRefreshable(_))));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn tokens_of_another_account_are_refused() {
    let mut other = account();
    other.account_id = "open-2".to_owned();
    let server = Server::start(|seen, _| {
        if seen.path == "/v2/oauth/token/" { granted("x") } else { Act::ok(json!({ "user": { "open_id": "open-1" } })) }
    })
    .await;
    assert_eq!(failed(server.tiktok().refresh(&other, &tokens(), at(0)).await).reason, Reason::IdentityMismatch);
    assert_eq!(failed(server.tiktok().check(&other, &tokens()).await).reason, Reason::IdentityMismatch);
}

#[tokio::test]
async fn revoking_sends_the_access_token() {
    for body in ["", "{}"] {
        let server = Server::start(move |_, _| Act::Answer(200, String::new(), body.to_owned())).await;
        assert!(server.tiktok().revoke(&account(), &tokens()).await.is_ok(), "`{body}`");
        let seen = server.seen().remove(0);
        assert_eq!((seen.path.as_str(), form(&seen)["token"].as_str()), ("/v2/oauth/revoke/", "act.canary-token"));
    }
    let server = Server::start(|_, _| refused(400, "invalid_grant")).await;
    assert_eq!(failed(server.tiktok().revoke(&account(), &tokens()).await).class, FailureClass::AuthExpired);
    let server = Server::start(|_, _| Act::Answer(200, String::new(), "<html>".to_owned())).await;
    assert!(is_unknown(&server.tiktok().revoke(&account(), &tokens()).await));
}

#[tokio::test]
async fn a_check_reads_little() {
    let server = Server::start(|_, _| Act::ok(json!({ "user": { "open_id": "open-1" } }))).await;
    assert!(server.tiktok().check(&account(), &tokens()).await.is_ok());
    let server = Server::start(|_, _| Act::error(401, "access_token_invalid")).await;
    assert_eq!(failed(server.tiktok().check(&account(), &tokens()).await).class, FailureClass::AuthExpired);
    // Without the profile's scope creator info is asked; a full day is no bad login.
    let mut narrow = account();
    narrow.token_scope = vec!["video.publish".to_owned()];
    let server = Server::start(|_, _| Act::error(200, "spam_risk_too_many_posts")).await;
    assert!(server.tiktok().check(&narrow, &tokens()).await.is_ok());
}

#[tokio::test]
async fn options_tell_what_is_offered_or_why_not() {
    let info = json!({ "creator_username": "c", "creator_nickname": "C", "privacy_level_options": ["SELF_ONLY"],
        "duet_disabled": true, "max_video_post_duration_sec": 300 });
    let server = Server::start(move |_, _| Act::ok(info.clone())).await;
    let options = server.tiktok().publish_options(&account(), &tokens()).await.ok().unwrap();
    assert_eq!((options.privacy_level_options, options.duet_disabled), (vec!["SELF_ONLY".to_owned()], true));
    assert_eq!((options.max_video_post_duration_sec, options.cannot_post), (Some(300), None));
    assert_eq!(server.tiktok().quota(&account(), &tokens(), at(0)).await.ok().unwrap().window_seconds, 86_400);

    let server = Server::start(|_, _| Act::error(200, "spam_risk_too_many_posts")).await;
    let options = server.tiktok().publish_options(&account(), &tokens()).await.ok().unwrap();
    assert_eq!(options.cannot_post.unwrap().reason, Reason::QuotaExceeded);
    assert_eq!(failed(server.tiktok().quota(&account(), &tokens(), at(0)).await).reason, Reason::QuotaExceeded);
    let server = Server::start(|_, _| Act::error(401, "access_token_invalid")).await;
    assert_eq!(failed(server.tiktok().publish_options(&account(), &tokens()).await).class, FailureClass::AuthExpired);
}

#[tokio::test]
async fn without_settings_there_is_no_login() {
    let tiktok = Tiktok::new(None, tls_config(&HttpSettings::default()).unwrap()).unwrap();
    assert!(tiktok.flavours().is_empty());
    assert_eq!(tiktok.missing_settings(), ["TIKTOK_CLIENT_ID", "TIKTOK_CLIENT_SECRET"]);
    let failure = failed(tiktok.refresh(&account(), &tokens(), at(0)).await);
    assert_eq!(failure.reason, Reason::PlatformNotConfigured);
}

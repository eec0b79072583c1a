//! The exchanges against a server with scripted answers: what is sent, and what each answer becomes.

use serde_json::Value;

use super::*;
use crate::{
    domain::{ledger::StepOutcome, platform::LoginFlavour},
    platform::{
        PlatformClient,
        instagram::{
            course::Transfer,
            stand_in::{self, Book, CAPTION, CONTAINER_ID, IG_ID, PAGE_TOKEN, Server, at, graph_error, post},
        },
        meta::graph::appsecret_proof,
        stand_in::{Held, Stage},
    },
};

fn listed(id: &str, caption: &str, seconds: i64) -> Value {
    json!({"id": id, "caption": caption, "media_type": "VIDEO", "media_product_type": "REELS",
        "timestamp": at(seconds).format("%Y-%m-%dT%H:%M:%S+0000").to_string(), "permalink": "https://i.example/reel/x/"})
}

async fn run(server: &Server, stage: &Stage) -> Outcome {
    let client = server.client();
    client.run(&stage.call(), &stage.step()).await
}

fn accepted(outcome: Outcome) -> (Handle, Evidence) {
    match outcome {
        Outcome::Accepted { handle, evidence } => (handle, evidence),
        other => panic!("{other:?}"),
    }
}

fn refused(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::NoEffect { failure, .. } | Outcome::Refused { failure, .. } => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_container_carries_every_option() {
    let uri = "https://upload.example/ig-api-upload/v25.0/1";
    let server = Server::start(vec![(200, json!({"id": CONTAINER_ID, "uri": uri}))]).await;
    let mut stage = stand_in::stage(LoginFlavour::FacebookLogin, &Book::default());
    stage.post.content.thumbnail_url = Some("https://cdn.example/c.jpg".into());
    stage.post.content.location = Some("110".into());
    stage.post.content.options = InstagramOptions {
        share_to_feed: Some(false),
        thumb_offset_ms: Some(700),
        collaborators: vec!["@ann".into(), "bob".into()],
        audio_name: Some("Mine".into()),
        is_ai_generated: true,
        ..InstagramOptions::default()
    }
    .alone();
    let (handle, evidence) = accepted(run(&server, &stage).await);
    assert_eq!((handle.text(name::CONTAINER_ID), handle.text(name::URI)), (Some(CONTAINER_ID), Some(uri)));
    assert_eq!(handle.instant(name::CREATED_AT), Some(stage.now));
    assert!(!format!("{evidence:?}").contains("http"), "no url in evidence");

    let asked = &server.asked()[0];
    assert_eq!(asked.line, format!("POST /v25.0/{IG_ID}/media"));
    assert_eq!(asked.header("authorization"), format!("Bearer {PAGE_TOKEN}"));
    assert!(asked.query.is_empty(), "nothing in the url");
    let proof = appsecret_proof(&"app-secret".into(), &PAGE_TOKEN.into());
    for (field, value) in [
        ("media_type", "REELS"),
        ("upload_type", "resumable"),
        ("caption", CAPTION),
        ("share_to_feed", "false"),
        ("cover_url", "https://cdn.example/c.jpg"),
        ("thumb_offset", "700"),
        ("location_id", "110"),
        ("collaborators", r#"["ann","bob"]"#),
        ("audio_name", "Mine"),
        ("is_ai_generated", "true"),
        ("appsecret_proof", &proof),
    ] {
        assert_eq!(asked.field(field).as_deref(), Some(value), "{field}");
    }
    assert_eq!(asked.field("video_url"), None);
}

#[tokio::test]
async fn a_plain_container_of_instagram_login() {
    let server = Server::start(vec![(200, json!({"id": CONTAINER_ID}))]).await;
    let stage = stand_in::stage(LoginFlavour::InstagramLogin, &Book::default());
    let (handle, _) = accepted(run(&server, &stage).await);
    assert_eq!(handle.text(name::URI), None);
    let asked = &server.asked()[0];
    assert_eq!(asked.field("video_url").as_deref(), Some("https://cdn.example/v.mp4?sig=1"));
    assert_eq!(asked.field("share_to_feed").as_deref(), Some("true"), "always sent");
    for absent in ["upload_type", "appsecret_proof", "cover_url", "thumb_offset", "is_ai_generated", "collaborators"] {
        assert_eq!(asked.field(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn without_a_claim_nothing_is_sent() {
    let server = Server::start(vec![]).await;
    let ready = Book::ready(&post().content);
    let resumable = Book::default().container(CONTAINER_ID, &post().content, Transfer::Resumable);
    for (flavour, book) in [
        (LoginFlavour::InstagramLogin, Book::default()),
        (LoginFlavour::InstagramLogin, ready),
        (LoginFlavour::FacebookLogin, resumable),
    ] {
        let mut stage = stand_in::stage(flavour, &book);
        stage.lease = Held(0.into());
        assert_eq!(refused(run(&server, &stage).await).class, FailureClass::Transient);
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_core_without_the_app_says_so() {
    let server = Server::start(vec![]).await;
    let mut client = server.client();
    client.meta.settings.app = None;
    let stage = stand_in::stage(LoginFlavour::FacebookLogin, &Book::default());
    let failure = refused(client.run(&stage.call(), &stage.step()).await);
    assert_eq!(failure.reason, Reason::PlatformNotConfigured);
}

#[tokio::test]
async fn readings_of_a_container() {
    let fresh = Book::default().container(CONTAINER_ID, &post().content, Transfer::VideoUrl);
    let read = async |answer: (u16, Value), age: TimeDelta| {
        let server = Server::start(vec![answer]).await;
        let mut stage = stand_in::stage(LoginFlavour::InstagramLogin, &fresh);
        stage.now = at(60) + age;
        let outcome = run(&server, &stage).await;
        assert_eq!(server.asked()[0].field("fields").as_deref(), Some("id,status_code,status"));
        outcome
    };
    let (young, old) = (TimeDelta::seconds(30), TimeDelta::minutes(11));
    let status = |code: &str| (200, json!({"id": CONTAINER_ID, "status_code": code, "status": "x"}));
    assert!(matches!(read(status("IN_PROGRESS"), old).await, Outcome::Pending { .. }));
    for word in [status::FINISHED, status::PUBLISHED, status::EXPIRED] {
        assert_eq!(accepted(read(status(word), young).await).0.text(name::STATUS), Some(word));
    }
    let error = json!({"status_code": "ERROR", "status": "Error: failed with code 2207026"});
    let (handle, _) = accepted(read((200, error), young).await);
    assert_eq!((handle.text(name::STATUS), handle.number(name::SUBCODE)), (Some(status::ERROR), Some(2_207_026)));

    // Meta's incident of May 2026: unreadable is not absent.
    assert!(matches!(read(graph_error(100, Some(33)), young).await, Outcome::Pending { .. }));
    let (handle, _) = accepted(read(graph_error(100, Some(33)), old).await);
    assert_eq!(handle.text(name::STATUS), Some(status::UNREADABLE));
    assert!(matches!(read(graph_error(24, Some(2_207_008)), young).await, Outcome::Pending { .. }));
    let (handle, _) = accepted(read(graph_error(24, Some(2_207_008)), old).await);
    assert_eq!(handle.text(name::STATUS), Some(status::GONE));

    assert_eq!(refused(read(graph_error(190, Some(463)), young).await).class, FailureClass::AuthExpired);
    assert_eq!(refused(read(graph_error(2, None), young).await).class, FailureClass::Transient);
    assert_eq!(refused(read((502, json!("proxy")), young).await).class, FailureClass::Transient);
    assert_eq!(refused(read((200, json!({"status_code": "NEW_WORD"})), young).await).class, FailureClass::Transient);
}

fn before_snapshot() -> Book {
    Book::default().container(CONTAINER_ID, &post().content, Transfer::VideoUrl).status(CONTAINER_ID, status::FINISHED)
}

fn limit(used: i64, total: i64) -> (u16, Value) {
    (200, json!({"data": [{"quota_usage": used, "config": {"quota_total": total, "quota_duration": 86400}}]}))
}

#[tokio::test]
async fn a_snapshot_keeps_ids_and_quota() {
    let list = json!({"data": [listed("9", "b", 50), listed("8", "a", 40)]});
    let server = Server::start(vec![(200, list), limit(3, 50)]).await;
    let stage = stand_in::stage(LoginFlavour::InstagramLogin, &before_snapshot());
    let (handle, _) = accepted(run(&server, &stage).await);
    assert_eq!(handle.0.at(name::IDS), json!(["9", "8"]));
    assert_eq!((handle.number("quota_usage"), handle.number("quota_total")), (Some(3), Some(50)));
    assert_eq!(handle.instant("newest_at"), Some(at(50)));
    assert_eq!(server.lines()[1], format!("GET /v25.0/{IG_ID}/content_publishing_limit"));
    assert_eq!(server.asked()[1].field("fields").as_deref(), Some("quota_usage,config"));
}

#[tokio::test]
async fn a_full_quota_waits_until_there_is_room() {
    let two = json!({"data": [listed("9", "b", 50), listed("8", "a", 40)]});
    let server = Server::start(vec![(200, two.clone()), limit(2, 2), (200, two), limit(3, 2)]).await;
    let stage = stand_in::stage(LoginFlavour::InstagramLogin, &before_snapshot());
    let failure = refused(run(&server, &stage).await);
    assert_eq!(failure.class, FailureClass::Quota { until: Some(at(40) + TimeDelta::days(1)) });
    // More are counted than listed: nobody knows when those leave.
    assert_eq!(refused(run(&server, &stage).await).class, FailureClass::Quota { until: None });
}

#[tokio::test]
async fn an_unreadable_quota_holds_nothing_up_but_the_list_is_needed() {
    let stage = stand_in::stage(LoginFlavour::InstagramLogin, &before_snapshot());
    let server = Server::start(vec![(200, json!({"data": []})), graph_error(2, None)]).await;
    assert_eq!(accepted(run(&server, &stage).await).0.0.at(name::IDS), json!([]));
    let server = Server::start(vec![graph_error(2, None)]).await;
    assert_eq!(refused(run(&server, &stage).await).class, FailureClass::Transient);
}

#[tokio::test]
async fn what_might_be_an_earlier_sendings_post_opens_the_question_again() {
    let book = Book::ready(&post().content)
        .publish(CONTAINER_ID, Some(StepOutcome::Absent))
        .status(CONTAINER_ID, status::FINISHED);
    let equal = |id| listed(id, "a walk with bob #dogs", 250);
    for data in [json!([equal("180"), listed("2", "old", 0)]), json!([equal("180"), equal("181")])] {
        let server = Server::start(vec![(200, json!({ "data": data }))]).await;
        let mut stage = stand_in::stage(LoginFlavour::InstagramLogin, &book);
        let outcome = run(&server, &stage).await;
        assert!(matches!(outcome, Outcome::Reopened { .. }), "never bound, never sent again: {outcome:?}");
        // Those of other posts are none of ours.
        stage.bound_platform_ids = vec!["180".into(), "181".into()];
        let limit = json!({"data": [{"quota_usage": 1, "config": {"quota_total": 50, "quota_duration": 86400}}]});
        let server = Server::start(vec![(200, json!({ "data": data })), (200, limit)]).await;
        accepted(run(&server, &stage).await);
    }
}

#[tokio::test]
async fn publishing_sends_the_container_and_keeps_the_media_id() {
    let server = Server::start(vec![(200, json!({"id": "18000000000000001"}))]).await;
    let stage = stand_in::stage(LoginFlavour::InstagramLogin, &Book::ready(&post().content));
    let (handle, evidence) = accepted(run(&server, &stage).await);
    assert_eq!(handle.text(name::MEDIA_ID), Some("18000000000000001"));
    assert_eq!(evidence.0.at("media_id"), "18000000000000001");
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, format!("POST /v25.0/{IG_ID}/media_publish"));
    assert_eq!(asked[0].field("creation_id").as_deref(), Some(CONTAINER_ID));
}

#[tokio::test]
async fn answers_to_publishing() {
    let book = Book::ready(&post().content);
    let publish = async |answer: (u16, Value)| {
        let server = Server::start(vec![answer]).await;
        let outcome = run(&server, &stand_in::stage(LoginFlavour::InstagramLogin, &book)).await;
        assert_eq!(server.asked().len(), 1, "never sent twice");
        outcome
    };
    let not_ready = refused(publish(graph_error(9007, Some(2_207_027))).await);
    assert_eq!((not_ready.class, not_ready.reason), (FailureClass::Transient, Reason::ContainerNotReady));
    assert!(matches!(refused(publish(graph_error(9, Some(2_207_042))).await).class, FailureClass::Quota { .. }));
    for answer in [
        graph_error(4, Some(2_207_051)),
        graph_error(-1, Some(2_207_001)),
        graph_error(24, Some(2_207_008)),
        graph_error(2, None),
        (500, json!({})),
        (200, json!({})),
        (200, json!("cut")),
        (302, Value::Null),
    ] {
        let outcome = publish(answer.clone()).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{answer:?}: {outcome:?}");
        assert!(!format!("{outcome:?}").contains("EAAG"), "no token in evidence");
    }
}

#[tokio::test]
async fn a_refused_connection_proves_that_nothing_was_published() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start(vec![]).await;
    let mut client = server.client();
    client.settings.ig_graph_base = format!("http://{free}/").parse().unwrap();
    let stage = stand_in::stage(LoginFlavour::InstagramLogin, &Book::ready(&post().content));
    assert_eq!(refused(client.run(&stage.call(), &stage.step()).await).class, FailureClass::Transient);
}

#[tokio::test]
async fn a_connection_that_is_cut_after_the_request_is_unknown() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        tokio::io::AsyncReadExt::read(&mut socket, &mut buffer).await.unwrap()
    });
    let server = Server::start(vec![]).await;
    let mut client = server.client();
    client.settings.ig_graph_base = format!("http://{address}/").parse().unwrap();
    let stage = stand_in::stage(LoginFlavour::InstagramLogin, &Book::ready(&post().content));
    let outcome = client.run(&stage.call(), &stage.step()).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert!(accepted.await.unwrap() > 0);
}

#[tokio::test]
async fn comments_are_turned_off() {
    let book = Book::ready(&post().content)
        .ok(course::PUBLISH, Handle::default().with(name::CONTAINER_ID, CONTAINER_ID).with(name::MEDIA_ID, "180"));
    let mut stage = stand_in::stage(LoginFlavour::FacebookLogin, &book);
    stage.post.content.allow_comments = Some(false);
    let server = Server::start(vec![(200, json!({"success": true})), graph_error(10, None), (200, json!({}))]).await;
    accepted(run(&server, &stage).await);
    assert_eq!(server.asked()[0].line, "POST /v25.0/180");
    assert_eq!(server.asked()[0].field("comment_enabled").as_deref(), Some("false"));
    assert_eq!(refused(run(&server, &stage).await).reason, Reason::ScopeMissing);
    assert!(matches!(run(&server, &stage).await, Outcome::Unknown { .. }));
}

#[test]
fn only_a_token_of_the_other_login_is_at_the_wrong_host() {
    let fits = |flavour, token: &str| {
        let token = Secret::new(token);
        Caller { flavour, token: &token, now: None }.judge().token_fits_host
    };
    assert!(fits(LoginFlavour::FacebookLogin, "EAAGx") && fits(LoginFlavour::InstagramLogin, "IGAAx"));
    assert!(!fits(LoginFlavour::FacebookLogin, "IGAAx") && !fits(LoginFlavour::InstagramLogin, "EAAGx"));
}

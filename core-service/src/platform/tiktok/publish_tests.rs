//! The API steps and the readings, against a small server with answers as TikTok gives them.

use serde_json::{Value, json};

use super::options::TiktokTransfer;
use super::{
    course::{CREATOR_INFO, PUBLIC_ID, STATUS, UPLOAD_LAST, VIDEO_INIT, VIDEO_INIT_PULL},
    fixtures::{Act, Rows, Server, TOKEN, at, content, creator_handle, init_handle, stage},
};
use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        ledger::{Entry, Handle, StepClass, StepOutcome},
    },
    platform::{
        Lookup, NotBefore, Outcome, PlatformClient, Step,
        stand_in::{Held, Stage},
    },
};

const SIZE: usize = 35;

fn scene(transfer: TiktokTransfer) -> Stage {
    stage(content("PUBLIC", transfer), SIZE)
}

fn upload_scene() -> Stage {
    scene(TiktokTransfer::FileUpload)
}

fn step(kind: &'static str, handle: Handle) -> Step {
    let timeout = std::time::Duration::from_secs(30);
    Step { kind, class: StepClass::Read, not_before: NotBefore::Prepare, timeout, handle }
}

fn creator(options: &[&str]) -> Value {
    json!({
        "creator_avatar_url": "https://p16.example/a.jpeg", "creator_username": "creator.one",
        "creator_nickname": "Creator", "privacy_level_options": options, "comment_disabled": true,
        "duet_disabled": false, "stitch_disabled": false, "max_video_post_duration_sec": 180,
    })
}

const PUBLIC_OPTIONS: [&str; 3] = ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"];

async fn run(server: &Server, scene: &Stage, kind: &'static str, handle: Handle) -> Outcome {
    let outcome = server.tiktok().run(&scene.call(), &step(kind, handle)).await;
    assert!(!format!("{outcome:?}").contains("canary"), "a secret is shown: {outcome:?}");
    outcome
}

fn accepted(outcome: Outcome) -> Handle {
    match outcome {
        Outcome::Accepted { handle, .. } => handle,
        other => panic!("not accepted: {other:?}"),
    }
}

#[tokio::test]
async fn creator_info_resolves_the_privacy_level_and_keeps_what_the_init_needs() {
    let server = Server::start(|_, _| Act::ok(creator(&PUBLIC_OPTIONS))).await;
    let scene = upload_scene();
    let handle = accepted(run(&server, &scene, CREATOR_INFO, Handle::default().with("content", "f")).await);
    assert_eq!(handle.text("privacy_level"), Some("PUBLIC_TO_EVERYONE"));
    assert_eq!((handle.text("username"), handle.text("content")), (Some("creator.one"), Some("f")));
    assert_eq!(handle.0.at("comment_disabled"), true);
    let seen = server.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v2/post/publish/creator_info/query/"));
    assert_eq!(seen.headers["authorization"], format!("Bearer {TOKEN}"));
    assert!(seen.body.is_empty());
}

#[tokio::test]
async fn creator_info_stops_what_the_creator_may_not() {
    // HTTP 200 with a failing code.
    let refusals = [
        (200, "spam_risk_too_many_posts", FailureClass::Quota { until: None }),
        (200, "spam_risk_user_banned_from_posting", FailureClass::Permanent),
        (200, "reached_active_user_cap", FailureClass::Quota { until: None }),
        (401, "access_token_invalid", FailureClass::AuthExpired),
        (500, "internal_error", FailureClass::Transient),
    ];
    for (status, code, class) in refusals {
        let server = Server::start(move |_, _| Act::error(status, code)).await;
        let Outcome::NoEffect { failure, evidence } =
            run(&server, &upload_scene(), CREATOR_INFO, Handle::default()).await
        else {
            panic!("{code}");
        };
        assert_eq!((failure.class, failure.rule.as_str()), (class, code));
        assert_eq!((&evidence.0.at("log_id"), &evidence.0.at("platform_code")), (&"LOG-1".into(), &code.into()));
    }
    // The level is not offered.
    let server = Server::start(|_, _| Act::ok(creator(&["FOLLOWER_OF_CREATOR", "SELF_ONLY"]))).await;
    let Outcome::NoEffect { failure, .. } = run(&server, &upload_scene(), CREATOR_INFO, Handle::default()).await else {
        panic!();
    };
    assert_eq!((failure.class, failure.reason), (FailureClass::InvalidRequest, Reason::PrivacyNotOffered));
    assert!(failure.message.contains("FOLLOWER_OF_CREATOR, SELF_ONLY"));
    // The video is longer than this creator may post.
    let server = Server::start(|_, _| Act::ok(creator(&PUBLIC_OPTIONS))).await;
    let mut scene = upload_scene();
    scene.video.duration_ms = Some(180_001);
    let Outcome::NoEffect { failure, .. } = run(&server, &scene, CREATOR_INFO, Handle::default()).await else {
        panic!()
    };
    assert_eq!(failure.class, FailureClass::InvalidMedia);
    scene.video.duration_ms = Some(180_000);
    accepted(run(&server, &scene, CREATOR_INFO, Handle::default()).await);
}

#[tokio::test]
async fn init_sends_the_plan_and_keeps_the_upload() {
    let data = json!({ "publish_id": "v_pub_file~v2-1.9", "upload_url": "https://open-upload.example/video/?upload_id=1&upload_token=canary" });
    let server = Server::start(move |_, _| Act::ok(data.clone())).await;
    let scene = upload_scene();
    let handle = accepted(run(&server, &scene, VIDEO_INIT, creator_handle(&scene.post.content)).await);
    assert_eq!(handle.text("publish_id"), Some("v_pub_file~v2-1.9"));
    assert!(handle.text("upload_url").unwrap().ends_with("upload_token=canary"));
    assert_eq!(handle.instant("upload_expires_at"), Some(at(60)));
    assert_eq!((handle.number("video_size"), handle.number("chunk_count")), (Some(35), Some(1)));
    let seen = server.seen().remove(0);
    assert_eq!(seen.path, "/v2/post/publish/video/init/");
    assert_eq!(seen.headers["content-type"], "application/json; charset=UTF-8");
    let body = seen.json();
    assert_eq!(
        body["source_info"],
        json!({ "source": "FILE_UPLOAD", "video_size": 35, "chunk_size": 35, "total_chunk_count": 1 })
    );
    assert_eq!(body["post_info"]["privacy_level"], "PUBLIC_TO_EVERYONE");
    assert_eq!(body["post_info"]["title"], "Sunset over the harbour #sea");
    assert_eq!(
        (&body["post_info"]["disable_duet"], &body["post_info"]["brand_content_toggle"]),
        (&true.into(), &false.into())
    );
}

#[tokio::test]
async fn an_unclear_init_is_unknown_and_a_refusal_is_none() {
    let unclear = [
        || Act::error(500, "internal_error"),
        || Act::Cut,
        || Act::Answer(200, String::new(), "<html></html>".to_owned()),
        || Act::error(400, "something_new"),
        || Act::Answer(429, String::new(), String::new()),
        || Act::ok(json!({ "upload_url": "https://u.example/" })),
        || Act::ok(json!({ "publish_id": "" })),
    ];
    let kinds = [(VIDEO_INIT, TiktokTransfer::FileUpload), (VIDEO_INIT_PULL, TiktokTransfer::PullFromUrl)];
    for (kind, transfer) in kinds {
        let scene = scene(transfer);
        for act in unclear {
            let server = Server::start(move |_, _| act()).await;
            let outcome = run(&server, &scene, kind, creator_handle(&scene.post.content)).await;
            assert!(matches!(outcome, Outcome::Unknown { .. }), "{kind}: {outcome:?}");
            assert_eq!(server.seen().len(), 1);
        }
        for (status, code) in [
            (400, "invalid_params"),
            (401, "access_token_invalid"),
            (401, "scope_not_authorized"),
            (403, "spam_risk_too_many_posts"),
            (403, "spam_risk_user_banned_from_posting"),
            (403, "reached_active_user_cap"),
            (403, "unaudited_client_can_only_post_to_private_accounts"),
            (403, "url_ownership_unverified"),
            (403, "privacy_level_option_mismatch"),
            (429, "rate_limit_exceeded"),
        ] {
            let server = Server::start(move |_, _| Act::error(status, code)).await;
            let outcome = run(&server, &scene, kind, creator_handle(&scene.post.content)).await;
            match (kind, &outcome) {
                (VIDEO_INIT_PULL, Outcome::Refused { failure, .. })
                | (VIDEO_INIT, Outcome::NoEffect { failure, .. }) => {
                    assert_eq!(failure.rule, code);
                }
                _ => panic!("{kind} {code}: {outcome:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_pull_is_sent_once_with_the_public_url_and_only_under_the_claim() {
    let server = Server::start(|_, _| Act::ok(json!({ "publish_id": "v_pub_url~v2.1" }))).await;
    let mut scene = scene(TiktokTransfer::PullFromUrl);
    let handle = creator_handle(&scene.post.content);
    assert_eq!(
        accepted(run(&server, &scene, VIDEO_INIT_PULL, handle.clone()).await).text("publish_id"),
        Some("v_pub_url~v2.1")
    );
    let source = &server.seen()[0].json()["source_info"];
    assert_eq!(*source, json!({ "source": "PULL_FROM_URL", "video_url": "https://media.example/reel.mp4?signed=1" }));
    scene.lease = Held(0.into());
    let outcome = run(&server, &scene, VIDEO_INIT_PULL, handle).await;
    assert!(matches!(outcome, Outcome::NoEffect { .. }), "{outcome:?}");
    assert_eq!(server.seen().len(), 1);
}

fn publish_id() -> Handle {
    Handle::default().with("publish_id", "v_pub_file~v2-1.1")
}

#[tokio::test]
async fn the_status_is_pending_until_it_is_final() {
    for word in ["PROCESSING_UPLOAD", "PROCESSING_DOWNLOAD", "SOMETHING_NEW", ""] {
        let server = Server::start(move |_, _| Act::ok(json!({ "status": word, "uploaded_bytes": 35 }))).await;
        let outcome = run(&server, &upload_scene(), STATUS, publish_id()).await;
        assert!(matches!(outcome, Outcome::Pending { .. }), "{word}: {outcome:?}");
    }
    let done = r#"{"data":{"status":"PUBLISH_COMPLETE","publicaly_available_post_id":[7561234567890123457]},"error":{"code":"ok"}}"#;
    let server = Server::start(move |_, _| Act::Answer(200, String::new(), done.to_owned())).await;
    let handle = accepted(run(&server, &upload_scene(), STATUS, publish_id()).await);
    assert_eq!(handle.text("status"), Some("PUBLISH_COMPLETE"));
    assert_eq!(handle.0.at("post_ids"), json!(["7561234567890123457"]), "not rounded");
    let seen = server.seen().remove(0);
    assert_eq!(seen.path, "/v2/post/publish/status/fetch/");
    assert_eq!(seen.json(), json!({ "publish_id": "v_pub_file~v2-1.1" }));

    let server = Server::start(|_, _| Act::ok(json!({ "status": "SEND_TO_USER_INBOX" }))).await;
    accepted(run(&server, &upload_scene(), STATUS, publish_id()).await);
    let again = run(&server, &upload_scene(), STATUS, publish_id().with("status", "SEND_TO_USER_INBOX")).await;
    assert!(matches!(again, Outcome::Pending { .. }), "nothing new: {again:?}");
}

#[tokio::test]
async fn a_token_that_ends_while_polling_costs_nothing_but_the_poll() {
    let server = Server::start(|_, _| Act::error(401, "access_token_invalid")).await;
    let outcome = run(&server, &upload_scene(), STATUS, publish_id()).await;
    let Outcome::NoEffect { failure, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.class, FailureClass::AuthExpired);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_public_id_is_looked_for_ever_more_slowly() {
    let server =
        Server::start(|_, _| Act::ok(json!({ "status": "PUBLISH_COMPLETE", "publicaly_available_post_id": [] }))).await;
    for (minutes, expected) in [(0, 60), (10, 300), (59, 300), (60, 1800), (1000, 1800)] {
        let mut scene = upload_scene();
        scene.now = at(minutes);
        let outcome = run(&server, &scene, PUBLIC_ID, publish_id().with_instant("complete_at", at(0))).await;
        let Outcome::Pending { check_after: Some(after), .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(after.as_secs(), expected, "after {minutes} min");
    }
    let server = Server::start(|_, _| Act::error(400, "invalid_publish_id")).await;
    let handle = accepted(run(&server, &upload_scene(), PUBLIC_ID, publish_id()).await);
    assert!(handle.is_empty(), "forgotten: the search ends, the post stays live");
}

fn entry(step: &str, handle: Handle) -> Entry {
    Rows::default().add(step, StepClass::PointOfNoReturn, Some(StepOutcome::Unknown), handle).0.remove(0)
}

async fn find(server: &Server, scene: &Stage, entry: &Entry) -> Lookup {
    server.tiktok().reconcile(&scene.call(), entry).await
}

#[tokio::test]
async fn a_lost_last_byte_is_found_by_its_publish_id() {
    let scene = upload_scene();
    let lost = entry(UPLOAD_LAST, init_handle(&scene.post.content, 35, 35, "https://u.example/"));
    let look = async |data: Value, minutes: i64| {
        let server = Server::start(move |_, _| Act::ok(data.clone())).await;
        let mut scene = upload_scene();
        scene.now = at(minutes);
        find(&server, &scene, &lost).await
    };
    let uploading = |bytes: u64| json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": bytes });
    assert!(matches!(look(uploading(35), 1).await, Lookup::Found { .. }));
    for word in ["PUBLISH_COMPLETE", "FAILED", "SEND_TO_USER_INBOX"] {
        let Lookup::Found { handle, .. } = look(json!({ "status": word, "fail_reason": "internal" }), 1).await else {
            panic!()
        };
        assert_eq!(handle.text("status"), Some(word));
    }
    assert!(matches!(look(uploading(0), 1).await, Lookup::Absent { handle_dead: false, .. }), "the URL still works");
    for minutes in [50, 64] {
        let lookup = look(uploading(34), minutes).await;
        assert!(matches!(lookup, Lookup::Pending { .. }), "too late to go on, too early to be dead: {lookup:?}");
    }
    assert!(matches!(look(uploading(34), 65).await, Lookup::Absent { handle_dead: true, .. }));
    for silent in [json!({ "status": "PROCESSING_UPLOAD" }), json!({ "status": "NEW", "uploaded_bytes": 1 }), json!({})]
    {
        assert!(matches!(look(silent.clone(), 70).await, Lookup::Pending { .. }), "{silent}");
    }
}

#[tokio::test]
async fn a_publish_id_that_tiktok_forgot_goes_to_a_person() {
    let scene = upload_scene();
    let lost = entry(UPLOAD_LAST, init_handle(&scene.post.content, 35, 35, "https://u.example/"));
    for code in ["invalid_publish_id", "token_not_authorized_for_specified_publish_id"] {
        let server = Server::start(move |_, _| Act::error(400, code)).await;
        assert!(matches!(find(&server, &scene, &lost).await, Lookup::CannotTell { hopeless: true, .. }), "{code}");
    }
    for (status, code) in [(401, "access_token_invalid"), (429, "rate_limit_exceeded"), (500, "internal_error")] {
        let server = Server::start(move |_, _| Act::error(status, code)).await;
        assert!(matches!(find(&server, &scene, &lost).await, Lookup::Failed(_)), "{code}");
    }
}

fn listed(id: &str, seconds: i64, caption: &str, duration: i64) -> Value {
    json!({
        "id": id, "create_time": at(0).timestamp() + seconds, "title": caption, "video_description": caption,
        "duration": duration,
    })
}

async fn find_pulled(videos: Vec<Value>, change: impl FnOnce(&mut Stage)) -> Lookup {
    let server = Server::start(move |_, _| Act::ok(json!({ "videos": videos, "cursor": 0, "has_more": false }))).await;
    let mut scene = scene(TiktokTransfer::PullFromUrl);
    change(&mut scene);
    let lost = entry(VIDEO_INIT_PULL, creator_handle(&scene.post.content));
    let lookup = find(&server, &scene, &lost).await;
    assert!(server.seen().iter().all(|seen| seen.path.starts_with("/v2/video/list/?fields=")), "only reads");
    lookup
}

#[tokio::test]
async fn a_list_that_is_not_read_to_its_end_does_not_prove_a_refusal() {
    let server = Server::start(|_, _| {
        Act::ok(json!({ "videos": [listed("1", 5, "another", 30)], "cursor": 1, "has_more": true }))
    })
    .await;
    let mut scene = scene(TiktokTransfer::PullFromUrl);
    scene.now = at(30);
    let refused = Failure::new(FailureClass::Permanent, Reason::PlatformRefused, "no");
    let refused = entry(VIDEO_INIT_PULL, creator_handle(&scene.post.content)).refused(&refused, 1);
    let lookup = find(&server, &scene, &refused).await;
    assert!(matches!(lookup, Lookup::CannotTell { hopeless: true, .. }), "{lookup:?}");
}

const CAPTION: &str = "Sunset over the harbour #sea";

#[tokio::test]
async fn a_lost_pull_is_bound_only_by_a_strict_match() {
    let match_one = listed("7561234567890123457", 5, CAPTION, 30);
    let Lookup::Found { handle, .. } = find_pulled(vec![match_one.clone()], |_| {}).await else { panic!() };
    assert_eq!(handle.0.at("post_ids"), json!(["7561234567890123457"]));
    assert_eq!(handle.text("status"), Some("PUBLISH_COMPLETE"));
    for other in [listed("1", -1, CAPTION, 30), listed("1", 5, "Sunset", 30), listed("1", 5, CAPTION, 32)] {
        let lookup = find_pulled(vec![other.clone()], |_| {}).await;
        assert!(matches!(lookup, Lookup::CannotTell { hopeless: false, .. }), "{other}: {lookup:?}");
    }
    let lookup = find_pulled(Vec::new(), |scene| scene.now = at(10)).await;
    assert!(matches!(lookup, Lookup::CannotTell { hopeless: true, .. }), "nothing found proves nothing");
    let bound = |scene: &mut Stage| scene.bound_platform_ids = vec!["7561234567890123457".to_owned()];
    let lookup = find_pulled(vec![match_one.clone()], bound).await;
    assert!(matches!(lookup, Lookup::CannotTell { .. }), "another post's video: {lookup:?}");
    let lookup = find_pulled(vec![match_one.clone(), listed("2", 6, CAPTION, 30)], bound).await;
    assert!(matches!(&lookup, Lookup::Found { handle, .. } if handle.0.at("post_ids") == json!(["2"])), "{lookup:?}");
    let lookup = find_pulled(vec![match_one.clone(), listed("2", 6, CAPTION, 30)], |_| {}).await;
    assert!(matches!(lookup, Lookup::CannotTell { hopeless: true, .. }), "two match");
    let long = "x".repeat(200);
    let lookup =
        find_pulled(vec![listed("3", 5, &long[..150], 30)], |scene| scene.post.content.full_caption = long.clone())
            .await;
    assert!(matches!(lookup, Lookup::Found { .. }), "150 characters come back");
}

#[tokio::test]
async fn a_lost_pull_that_no_list_can_show_goes_to_a_person_at_once() {
    let changes: [fn(&mut Stage); 4] = [
        |scene| scene.post.content.privacy_level = "PRIVATE".to_owned(),
        |scene| scene.account.token_scope = vec!["video.publish".to_owned()],
        |scene| scene.post.content.full_caption = String::new(),
        |scene| scene.video.duration_ms = None,
    ];
    for change in changes {
        let lookup = find_pulled(vec![listed("1", 5, CAPTION, 30)], change).await;
        assert!(matches!(lookup, Lookup::CannotTell { hopeless: true, .. }), "{lookup:?}");
    }
}

#[tokio::test]
async fn a_match_while_a_twin_is_under_way_is_looked_at_again() {
    let lookup = find_pulled(vec![listed("1", 5, CAPTION, 30)], |scene| scene.same_caption_in_flight = true).await;
    assert!(matches!(lookup, Lookup::CannotTell { hopeless: false, .. }), "{lookup:?}");
}

#[tokio::test]
async fn a_refused_pull_is_absent_only_where_a_list_could_show_it() {
    let look = async |code: &str, videos: Vec<Value>, change: fn(&mut Stage)| {
        let server =
            Server::start(move |_, _| Act::ok(json!({ "videos": videos, "cursor": 0, "has_more": false }))).await;
        let mut scene = scene(TiktokTransfer::PullFromUrl);
        scene.now = at(11);
        change(&mut scene);
        let failure = crate::platform::tiktok::errors::refusal(code, None, None, None).unwrap();
        let refused = entry(VIDEO_INIT_PULL, creator_handle(&scene.post.content)).refused(&failure, 1);
        find(&server, &scene, &refused).await
    };
    let private = |scene: &mut Stage| scene.post.content.privacy_level = "PRIVATE".to_owned();
    for code in ["url_ownership_unverified", "rate_limit_exceeded", "access_token_invalid"] {
        let lookup = look(code, vec![listed("1", 5, "other", 30)], |_| {}).await;
        assert!(matches!(lookup, Lookup::Absent { handle_dead: true, .. }), "{code}: {lookup:?}");
        let lookup = look(code, vec![listed("1", 5, CAPTION, 30)], |_| {}).await;
        assert!(matches!(lookup, Lookup::Found { .. }), "{code}: {lookup:?}");
        let lookup = look(code, Vec::new(), |scene| scene.now = at(5)).await;
        assert!(matches!(lookup, Lookup::CannotTell { hopeless: false, .. }), "not yet: {code}: {lookup:?}");
    }
    let lookup = look("rate_limit_exceeded", Vec::new(), private).await;
    assert!(matches!(lookup, Lookup::Absent { .. }), "documented: nothing was created: {lookup:?}");
    let lookup = look("url_ownership_unverified", Vec::new(), private).await;
    assert!(matches!(lookup, Lookup::CannotTell { hopeless: true, .. }), "{lookup:?}");
}

#[tokio::test]
async fn an_upload_that_tiktok_lost_after_taking_it_is_open_again() {
    let init = init_handle(&upload_scene().post.content, 35, 35, "https://u.example/");
    let look = async |bytes: u64, minutes: i64| {
        let server =
            Server::start(move |_, _| Act::ok(json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": bytes }))).await;
        let mut scene = upload_scene();
        scene.ledger = Rows::default()
            .add(UPLOAD_LAST, StepClass::PointOfNoReturn, Some(StepOutcome::Accepted), init.clone())
            .ledger();
        scene.now = at(minutes);
        run(&server, &scene, STATUS, init.clone()).await
    };
    assert!(matches!(look(20, 30).await, Outcome::Reopened { .. }));
    assert!(matches!(look(35, 30).await, Outcome::Pending { .. }), "it has it all");
    assert!(matches!(look(20, 0).await, Outcome::Pending { .. }), "the count may be behind");
}

#[tokio::test]
async fn the_list_is_read_on_until_the_attempt_began() {
    let server = Server::start(|_, number| {
        let videos: Vec<Value> = match number {
            0 => (0..20).map(|index| listed(&format!("9{index}"), 100 - index, "other", 30)).collect(),
            _ => vec![listed("77", 5, CAPTION, 30), listed("76", -9, CAPTION, 30)],
        };
        Act::ok(json!({ "videos": videos, "cursor": 1_795_000_000_000_i64, "has_more": true }))
    })
    .await;
    let scene = scene(TiktokTransfer::PullFromUrl);
    let lookup = find(&server, &scene, &entry(VIDEO_INIT_PULL, creator_handle(&scene.post.content))).await;
    let Lookup::Found { handle, .. } = lookup else { panic!("{lookup:?}") };
    assert_eq!(handle.0.at("post_ids"), json!(["77"]));
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].json()["cursor"], 1_795_000_000_000_i64);
}

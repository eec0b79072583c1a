//! YouTube: both ways of publishing, and trouble at every step.

use aurareels_proto::v1::{
    AttemptStep, CancelPostRequest, GetQuotaRequest, PlatformOptions, Post, PostContent, PostStatus, StepOutcome,
    YouTubeOptions, YouTubePublish,
};
use aurareels_simulator::{Action, Host, When};
use aurareels_tests::{
    Login, World, content,
    fault::{answer, cut},
};
use chrono::TimeDelta;
use serde_json::json;

fn in_one_step(content: PostContent) -> PostContent {
    let options = YouTubeOptions { publish: YouTubePublish::OneStep.into(), ..Default::default() };
    PostContent { platform_options: Some(PlatformOptions { youtube: Some(options), ..Default::default() }), ..content }
}

fn troubles() -> Vec<(&'static str, Action)> {
    let backend = json!({ "error": { "code": 503, "message": "m", "errors": [{ "reason": "backendError" }] } });
    vec![
        ("cut before it acted", cut(When::Before)),
        ("cut after it acted", cut(When::After)),
        ("503 before it acted", answer(503, backend.clone(), false)),
        ("503 after it acted", answer(503, backend, true)),
        ("a web page before it acted", Action::Html { act: false }),
        ("a web page after it acted", Action::Html { act: true }),
        ("half an answer", Action::TruncatedBody),
        ("the connection ends in the answer", Action::BrokenResponse),
    ]
}

async fn one_post_in_spite_of(operation: &str, one_step: bool) {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Youtube).await;
    let all = troubles();
    let count = all.len();
    for (name, action) in all {
        let rule = world.fault(operation, action);
        let input = content(&world, &format!("{operation}: {name}"));
        let ids = me.publish(&[account], if one_step { in_one_step(input) } else { input }).await;
        me.published(ids[0]).await;
        world.struck(rule);
    }
    world.finish(count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_is_taken_from_the_caption_and_told() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Youtube).await;
    let ids = me.publish(&[account], content(&world, "First line")).await;
    let post = me.published(ids[0]).await;
    assert!(post.warnings.iter().any(|warning| warning.code == "TITLE_FROM_CAPTION"), "{post:#?}");
    assert!(post.platform_post_url.starts_with("https://www.youtube.com/watch?v="), "{post:#?}");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_apps_budget_is_one_for_all_users_and_waits_for_midnight_in_california() {
    let world = World::with(&[("YOUTUBE_UPLOADS_PER_DAY", "1")]).await;
    let (first, second) = (world.me(), world.user(2));
    let id = first.publish_one(first.account(Login::Youtube).await, "the day's only one").await;
    first.published(id).await;
    let waits = second.publish_one(second.account(Login::Youtube).await, "tomorrow's").await;
    let waiting = second.until(waits, "waiting for the budget", |post| post.waiting_for == "quota").await;
    let error = waiting.error.clone().unwrap_or_default();
    assert_eq!(error.code, "QUOTA_EXCEEDED", "{waiting:#?}");
    let until = aurareels_tests::posting::time(&waiting.waiting_until.expect("when it goes on"));
    let midnight = until.with_timezone(&chrono_tz::America::Los_Angeles);
    assert_eq!(midnight.time(), chrono::NaiveTime::MIN, "{midnight}");
    assert_eq!(world.asked("youtube.upload_init"), 1, "nobody asks YouTube for what is known");
    second.published(waits).await;
    world.finish(2).await;
}

fn remains(post: &Post) -> bool {
    post.warnings.iter().any(|warning| warning.code == "PRIVATE_VIDEO_REMAINS")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_or_failed_post_says_that_its_private_video_remains() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Youtube).await;
    let early = me.schedule_one(account, "cancelled early", world.now() + TimeDelta::days(2)).await;
    me.posts().cancel_post(CancelPostRequest { id: early }).await.expect("cancelled");
    assert!(!remains(&me.get(early).await), "nothing was uploaded");
    let id = me.schedule_one(account, "cancelled", world.now() + TimeDelta::minutes(30)).await;
    me.until(id, "uploaded", |_| world.asked("youtube.upload_last_chunk") == 1).await;
    // Whether its outcome is written by now decides whether the warning names the video, or says that there may be one.
    me.posts().cancel_post(CancelPostRequest { id }).await.expect("cancelled");
    let post = me.get(id).await;
    assert!(post.status() == PostStatus::Cancelled && remains(&post), "{post:#?}");
    let error = json!({ "error": { "code": 403, "message": "m", "errors": [{ "reason": "forbidden" }] } });
    world.lasting_fault("youtube.videos_update", answer(403, error, false));
    let id = me.publish_one(account, "failed").await;
    let post = me.failed(id, "ACCOUNT_RESTRICTED").await;
    let names_it = |post: &Post| format!("{:?}", post.warnings).contains("https://studio.youtube.com/video/");
    assert!(remains(&post) && names_it(&post), "{post:#?}");
    world.finish(0).await;
}

/// Five cuts, each at 95 % of what the request was to bring.
async fn cut_five_times(one_step: bool, operation: &str, size: u64, requests: [u64; 5]) {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Youtube).await;
    for request in requests {
        world.fault(operation, Action::Cut { when: When::Body, after_bytes: request / 100 * 95 });
    }
    let url = format!("{}/v/cut.mp4?size={size}&duration=15", world.sim.url(Host::Media));
    let input = PostContent { video_url: url.clone(), ..content(&world, "Cut five times") };
    let ids = me.publish(&[account], if one_step { in_one_step(input) } else { input }).await;
    me.published(ids[0]).await;
    assert_eq!(world.sim.unspent_faults(), [""; 0]);
    assert_eq!(world.asked("youtube.upload_init"), 1, "one session");
    let hash = aurareels_simulator::sha256_of(&url).expect("a hash").swap_remove(0);
    assert_eq!(world.sim.posts()[0].sha256.as_ref(), Some(&hash));
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_at_95_percent_five_times_ends_as_one_video_with_the_sources_bytes() {
    // YouTube keeps whole blocks of 256 KiB: after the first cut nothing more of the rest stays.
    let rest = 2_000_000 - 1_900_000 / 262_144 * 262_144;
    cut_five_times(false, "youtube.upload_last_chunk", 2_000_000, [2_000_000, rest, rest, rest, rest]).await;
    cut_five_times(true, "youtube.upload_chunk", 50_000_000, [8_388_608; 5]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_session_is_opened_anew() {
    one_post_in_spite_of("youtube.upload_init", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_private_upload_is_asked_for_and_resumed() {
    one_post_in_spite_of("youtube.upload_last_chunk", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_second_step_is_reconciled() {
    one_post_in_spite_of("youtube.videos_update", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_last_chunk_is_reconciled_not_resent_blindly() {
    one_post_in_spite_of("youtube.upload_last_chunk", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thumbnail_is_set_on_the_live_video_and_costs_the_post_nothing() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Youtube).await;
    let picture = |name: &str| format!("{}/c/{name}", world.sim.url(Host::Media));
    let covered = |caption: &str| PostContent { thumbnail_url: picture("cover.jpg"), ..content(&world, caption) };
    let refused = json!({ "error": { "code": 403, "message": "no", "errors": [{ "reason": "forbidden" }] } });
    let early = json!({ "error": { "code": 412, "message": "no", "errors": [{ "reason": "failedPrecondition" }] } });
    for (caption, fault, warned) in [
        ("with a picture", None, false),
        ("a lost answer", Some(cut(When::After)), false),
        ("still processed", Some(answer(412, early, false)), false),
        ("not verified", Some(answer(403, refused, false)), true),
    ] {
        let rule = fault.map(|fault| world.fault("youtube.thumbnails_set", fault));
        let ids = me.publish(&[account], covered(caption)).await;
        let is_over = |post: &Post| {
            let is_set =
                |step: &AttemptStep| step.step == "youtube.thumbnail" && step.outcome() == StepOutcome::Accepted;
            post.attempts.iter().flat_map(|attempt| &attempt.steps).any(is_set)
                || post.warnings.iter().any(|warning| warning.code == "FOLLOW_UP_FAILED")
        };
        let post = me.until(ids[0], "through with its picture", is_over).await;
        assert_eq!(post.status(), PostStatus::Published, "{post:#?}");
        assert_eq!(post.warnings.iter().any(|warning| warning.code == "FOLLOW_UP_FAILED"), warned, "{post:#?}");
        if let Some(rule) = rule {
            world.struck(rule);
        }
    }
    world.finish(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_of_the_apps_budget_is_told() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Youtube).await;
    let id = me.publish_one(account, "One upload").await;
    me.published(id).await;
    let quota = me.accounts().get_quota(GetQuotaRequest { id: account }).await.expect("a quota").into_inner();
    let of = |name: &str| quota.app_budgets.iter().find(|budget| budget.name == name).expect("a budget");
    assert_eq!((of("uploads").used, of("uploads").total), (1, 100));
    assert!(of("units").used >= 50 && of("units").total == 10_000, "{quota:#?}");
    assert!(of("units").resets_at.is_some());
    world.finish(1).await;
}

//! TikTok in trouble: answers lost at every step, tokens that end, videos that are refused late, quotas.

use aurareels_proto::v1::{
    AccountHealth, PlatformOptions, PostContent, PostStatus, ReconcilePostRequest, Resolution, ResolvePostRequest,
    RetryPostRequest, TikTokOptions, TikTokTransfer,
};
use aurareels_simulator::{Action, Host, When};
use aurareels_tests::{
    Login, World, content,
    fault::{answer, cut},
    posting::steps,
};
use chrono::TimeDelta;
use serde_json::json;
use tonic::Code;

const CREATOR: &str = "-000tiktok-creator-one";

fn pull(content: PostContent) -> PostContent {
    let options = TikTokOptions { transfer: TikTokTransfer::PullFromUrl.into(), ..Default::default() };
    PostContent { platform_options: Some(PlatformOptions { tiktok: Some(options), ..Default::default() }), ..content }
}

/// Every way in which one answer can get lost or make no sense.
fn troubles() -> Vec<(&'static str, Action)> {
    let internal = json!({ "error": { "code": "internal_error", "message": "try again", "log_id": "x" } });
    vec![
        ("cut before it acted", cut(When::Before)),
        ("cut after it acted", cut(When::After)),
        ("503 before it acted", answer(503, internal.clone(), false)),
        ("503 after it acted", answer(503, internal, true)),
        ("a web page before it acted", Action::Html { act: false }),
        ("a web page after it acted", Action::Html { act: true }),
        ("half an answer", Action::TruncatedBody),
        ("the connection ends in the answer", Action::BrokenResponse),
    ]
}

async fn one_post_in_spite_of(operation: &str) {
    one_post_in_spite_of_each(operation, 500_000, troubles()).await;
}

async fn one_post_in_spite_of_each(operation: &str, size: u64, all: Vec<(&'static str, Action)>) {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let count = all.len();
    for (name, action) in all {
        let url = format!("{}/v/chunks.mp4?size={size}&duration=30", world.sim.url(Host::Media));
        let input = PostContent { video_url: url, ..content(&world, &format!("{operation}: {name}")) };
        let rule = world.fault(operation, action);
        let id = me.publish(&[account], input).await[0];
        me.published(id).await;
        world.struck(rule);
    }
    world.finish(count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_creator_info_is_asked_again() {
    one_post_in_spite_of("tiktok.creator_info").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_init_is_repeated_and_makes_one_post() {
    one_post_in_spite_of("tiktok.video_init").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_chunk_is_resumed() {
    // More than 64 MB come in several chunks.
    let all = troubles().into_iter().filter(|(name, _)| name.starts_with("cut") || name.starts_with("503 after"));
    one_post_in_spite_of_each("tiktok.upload_chunk", 65_000_000, all.collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_last_chunk_is_reconciled_not_resent_blindly() {
    one_post_in_spite_of("tiktok.upload_last_chunk").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_status_is_read_again() {
    one_post_in_spite_of("tiktok.status").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_pull_is_never_sent_twice() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    for (name, action) in troubles() {
        world.fault("tiktok.video_init", action);
        let asked = world.asked("tiktok.video_init");
        let id = me.publish(&[account], pull(content(&world, &format!("pull: {name}")))).await[0];
        let post = me.until(id, "at rest", aurareels_tests::posting::at_rest).await;
        // What TikTok has is found among the creator's videos; what it has not cannot be told from a hidden one.
        let is_there = world.sim.posts().iter().any(|seen| seen.caption == post.full_caption);
        let expected = if is_there { PostStatus::Published } else { PostStatus::NeedsReview };
        assert_eq!((post.status(), is_there), (expected, !name.contains("before")), "{name}: {post:#?}");
        assert_eq!(world.asked("tiktok.video_init"), asked + 1, "{name}: {post:#?}");
    }
    let acted = world.succeeded("tiktok.video_init");
    world.finish(acted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_never_arrived_is_reviewed_and_can_be_retried() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.fault("tiktok.video_init", cut(When::Before));
    let id = me.publish(&[account], pull(content(&world, "Lost pull"))).await[0];
    let post = me.ends(id, PostStatus::NeedsReview).await;
    assert_eq!(post.error.as_ref().unwrap().code, "OUTCOME_UNKNOWN");
    let word = ResolvePostRequest {
        id,
        resolution: Resolution::NotPublished.into(),
        note: "Ada looked: it is not there".into(),
        ..Default::default()
    };
    let failed = me.posts().resolve_post(word).await.unwrap().into_inner();
    assert_eq!((failed.status(), failed.retry_available), (PostStatus::Failed, true));
    me.posts().retry_post(RetryPostRequest { id }).await.unwrap();
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_while_the_video_is_processed_is_refreshed_and_the_poll_goes_on() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.tiktok("behaviour", json!({ "processing_seconds": 9_000 })).await;
    let id = me.publish_one(account, "Slow").await;
    let post = me.published(id).await;
    assert_eq!(world.asked("tiktok.video_init"), 1);
    assert!(world.succeeded("tiktok.refresh") >= 1);
    assert_eq!(post.attempts.len(), 1);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refresh_token_is_used_once_and_its_successor_kept() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    for round in 0..3 {
        world.advance(TimeDelta::hours(3));
        let id = me.publish_one(account, &format!("Round {round}")).await;
        me.published(id).await;
    }
    assert_eq!(world.asked("tiktok.refresh"), world.succeeded("tiktok.refresh"));
    assert!(world.succeeded("tiktok.refresh") >= 3);
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_refresh_answer_never_blanks_the_account() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.advance(TimeDelta::hours(3));
    let rule = world.fault("tiktok.refresh", cut(When::Before));
    let id = me.publish_one(account, "After a lost refresh").await;
    me.published(id).await;
    world.struck(rule);
    assert_eq!(me.get_account(account).await.health(), AccountHealth::Ok);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_login_while_confirming_waits_for_its_owner_and_goes_on() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.tiktok("behaviour", json!({ "processing_seconds": 9_000 })).await;
    let id = me.publish_one(account, "Interrupted").await;
    me.until(id, "processed", |post| post.waiting_for == "processing").await;
    world.tiktok("tokens/kill", json!({ "account": CREATOR })).await;
    let post = me.until(id, "waiting for its owner", |post| post.waiting_for == "reconnect").await;
    assert!(matches!(post.status(), PostStatus::Confirming | PostStatus::Publishing), "{post:#?}");
    assert_eq!(me.get_account(account).await.health(), AccountHealth::NeedsReconnect);
    let again = me.reconnect(Login::Tiktok, Some(account)).await;
    assert_eq!(again[0].id, account);
    me.published(id).await;
    assert_eq!(world.asked("tiktok.video_init"), 1);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_after_acceptance_is_failed_with_its_reason() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let fail =
        json!({ "outcome": "fail", "fail_reason": "frame_rate_check_failed", "processing_seconds": 1, "tasks": 1 });
    world.tiktok("behaviour", fail).await;
    let id = me.publish_one(account, "Refused late").await;
    let post = me.failed(id, "MEDIA_REJECTED").await;
    assert!(!post.error.as_ref().unwrap().retryable && post.retry_available, "{post:#?}");
    assert!(post.platform_post_id.is_empty());
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internal_failure_after_acceptance_leads_to_a_new_attempt() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.tiktok("behaviour", json!({ "outcome": "fail", "fail_reason": "internal", "tasks": 1 })).await;
    let id = me.publish_one(account, "Second try").await;
    let post = me.published(id).await;
    assert_eq!((post.attempts.len(), post.retry_count), (2, 1), "{post:#?}");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_public_ids_are_all_kept() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.tiktok("behaviour", json!({ "public_ids": 3, "id_form": "list" })).await;
    let id = me.publish_one(account, "Three ids").await;
    let post = me.published(id).await;
    assert_eq!(post.all_platform_post_ids.len(), 3, "{post:#?}");
    assert_eq!(post.platform_post_id, post.all_platform_post_ids[0]);
    assert_eq!(post.platform_post_id.len(), 19, "no digit is lost");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_creators_daily_cap_waits_and_goes_on() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.tiktok(&format!("accounts/{CREATOR}"), json!({ "posts_per_day": 1 })).await;
    let first = me.publish_one(account, "First of the day").await;
    me.published(first).await;
    let second = me.publish_one(account, "Second of the day").await;
    let waiting = me.until(second, "waiting for quota", |post| post.waiting_for == "quota").await;
    assert_eq!(waiting.status(), PostStatus::Publishing);
    assert!(waiting.waiting_until.is_some(), "{waiting:#?}");
    let post = me.published(second).await;
    assert_eq!(post.retry_count, 0, "waiting for quota costs no attempt");
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limits_wait_and_cost_no_attempt() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let slow = json!({ "error": { "code": "rate_limit_exceeded", "message": "slow down", "log_id": "x" } });
    for operation in ["tiktok.creator_info", "tiktok.video_init", "tiktok.status"] {
        let rule = world.fault(operation, answer(429, slow.clone(), false));
        let id = me.publish_one(account, operation).await;
        let post = me.published(id).await;
        world.struck(rule);
        assert_eq!(post.retry_count, 0, "{operation}");
    }
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_refuses_connections_is_waited_for() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.sim.set_listening(Host::TikTokUpload, false);
    let id = me.publish_one(account, "Closed door").await;
    let waiting = me.until(id, "waiting", |post| post.waiting_for == "retry").await;
    assert_eq!(waiting.status(), PostStatus::Publishing, "{waiting:#?}");
    world.sim.set_listening(Host::TikTokUpload, true);
    let post = me.published(id).await;
    assert!(steps(&post).contains(&"tiktok.upload_last"));
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_processed_for_ever_is_given_to_a_person() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.tiktok("behaviour", json!({ "outcome": "stuck", "tasks": 1 })).await;
    let begun = world.now();
    let id = me.publish_one(account, "Stuck").await;
    let post = me.ends(id, PostStatus::NeedsReview).await;
    assert!(world.now() - begun >= TimeDelta::hours(24));
    assert_eq!(post.error.as_ref().unwrap().code, "OUTCOME_UNKNOWN", "{post:#?}");
    assert_eq!(world.asked("tiktok.video_init"), 1);
    // Looking again changes nothing while TikTok says the same.
    let looked = me.posts().reconcile_post(ReconcilePostRequest { id }).await.unwrap().into_inner();
    assert_eq!(looked.status(), PostStatus::Confirming);
    me.ends(id, PostStatus::NeedsReview).await;
    // A person knows.
    let word = ResolvePostRequest {
        id,
        resolution: Resolution::NotPublished.into(),
        note: "it never came".into(),
        ..Default::default()
    };
    me.posts().resolve_post(word.clone()).await.unwrap();
    me.refused(me.posts().resolve_post(word)).await.is(Code::FailedPrecondition, "STATUS_FORBIDS");
    me.refused(me.posts().reconcile_post(ReconcilePostRequest { id }))
        .await
        .is(Code::FailedPrecondition, "STATUS_FORBIDS");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_post_whose_status_is_not_told_never_doubles() {
    for (outcome, end) in
        [("publish_silently", PostStatus::NeedsReview), ("publish_and_forget", PostStatus::NeedsReview)]
    {
        let world = World::start().await;
        let me = world.me();
        let account = me.account(Login::Tiktok).await;
        world.tiktok("behaviour", json!({ "outcome": outcome, "tasks": 1 })).await;
        let id = me.publish_one(account, outcome).await;
        me.ends(id, end).await;
        assert_eq!(world.asked("tiktok.upload_last_chunk"), 1, "{outcome}");
        world.finish(1).await;
    }
}

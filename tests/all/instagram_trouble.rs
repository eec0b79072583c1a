//! Instagram in trouble: answers lost at every step, lies about live posts, containers that die, quotas.

use aurareels_proto::v1::{
    InstagramOptions, InstagramTransfer, PlatformOptions, PostContent, PostStatus, PublishPostsRequest,
};
use aurareels_simulator::{Action, Filter, When};
use aurareels_tests::{
    Login, World, content,
    fault::{answer, cut},
    posting::publish,
};
use chrono::TimeDelta;
use serde_json::json;

fn troubles() -> Vec<(&'static str, Action)> {
    let unknown = json!({ "error": { "code": 1, "message": "An unknown error occurred", "type": "OAuthException" } });
    vec![
        ("cut before it acted", cut(When::Before)),
        ("cut after it acted", cut(When::After)),
        ("503 before it acted", answer(503, unknown.clone(), false)),
        ("503 after it acted", answer(503, unknown, true)),
        ("a web page before it acted", Action::Html { act: false }),
        ("a web page after it acted", Action::Html { act: true }),
        ("half an answer", Action::TruncatedBody),
        ("the connection ends in the answer", Action::BrokenResponse),
    ]
}

fn by_url(content: PostContent) -> PostContent {
    let options = InstagramOptions { transfer: InstagramTransfer::VideoUrl.into(), ..Default::default() };
    PostContent {
        platform_options: Some(PlatformOptions { instagram: Some(options), ..Default::default() }),
        ..content
    }
}

async fn one_post_in_spite_of(operation: &str, login: Login) {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(login).await;
    let all = troubles();
    let count = all.len();
    for (name, action) in all {
        let rule = world.fault(operation, action);
        let id = me.publish_one(account, &format!("{operation}: {name}")).await;
        me.published(id).await;
        world.struck(rule);
    }
    world.finish(count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_container_is_made_anew() {
    one_post_in_spite_of("meta.container_create", Login::Facebook).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_container_by_instagram_login_is_made_anew() {
    one_post_in_spite_of("meta.container_create", Login::Instagram).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_upload_is_looked_at_and_resumed() {
    one_post_in_spite_of("meta.upload", Login::Facebook).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_container_status_is_read_again() {
    one_post_in_spite_of("meta.container_status", Login::Instagram).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_media_list_is_read_again() {
    one_post_in_spite_of("meta.media_list", Login::Facebook).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_publish_is_reconciled_not_resent_blindly() {
    one_post_in_spite_of("meta.media_publish", Login::Facebook).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_publish_by_instagram_login_is_reconciled_not_resent_blindly() {
    one_post_in_spite_of("meta.media_publish", Login::Instagram).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_about_a_live_post_is_not_believed() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    for error in ["4/2207051", "-1/2207001", "2"] {
        let fault = json!({ "operation": "meta.media_publish", "error": error, "act": true });
        world.meta("faults", fault).await;
        let id = me.publish_one(account, &format!("Live in spite of {error}")).await;
        me.published(id).await;
    }
    assert_eq!(world.asked("meta.media_publish"), 3, "none was sent twice");
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_containers_are_read_again() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let fault = json!({ "operation": "meta.container_status", "error": "100/33", "times": 3 });
    world.meta("faults", fault).await;
    let id = me.publish_one(account, "Unreadable for a while").await;
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_containers_after_a_lost_publish_do_not_double() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    world.fault("meta.media_publish", cut(When::After));
    world.meta("behaviour", json!({ "set": { "forget_published_after_s": 0 } })).await;
    let id = me.publish_one(account, "Unreadable for good").await;
    me.published(id).await;
    assert_eq!(world.asked("meta.media_publish"), 1);
    assert!(world.refused("meta.container_status") > 0, "it was found without its container");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_of_processing_are_waited_for() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    world.meta("behaviour", json!({ "set": { "processing_ms": 4 * 3_600_000 } })).await;
    let begun = world.now();
    let id = me.publish_one(account, "Hours").await;
    let post = me.published(id).await;
    assert!(world.now() - begun >= TimeDelta::hours(4));
    assert_eq!((post.attempts.len(), post.retry_count), (1, 0));
    assert_eq!(world.asked("meta.container_create"), 1);
    let polls = world.asked("meta.container_status");
    assert!(polls < 120, "{polls} polls in four hours");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn used_up_quota_waits_and_an_expired_container_is_replaced() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    world.meta("behaviour", json!({ "set": { "quota_total": 1 } })).await;
    let first = me.publish_one(account, "First").await;
    me.published(first).await;
    let second = me.publish_one(account, "Second").await;
    let waiting = me.until(second, "waiting for quota", |post| post.waiting_for == "quota").await;
    assert_eq!(waiting.status(), PostStatus::Publishing, "{waiting:#?}");
    // A day later the container is dead, too.
    let post = me.published(second).await;
    assert_eq!(post.retry_count, 0, "{post:#?}");
    assert_eq!(world.succeeded("meta.container_create"), 3, "the second post took a second container");
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_error_itself_waits_and_goes_on() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Instagram).await;
    world.meta("faults", json!({ "operation": "meta.media_publish", "error": "9/2207042" })).await;
    let id = me.publish_one(account, "Too many").await;
    let waiting = me.until(id, "waiting for quota", |post| post.waiting_for == "quota").await;
    assert!(waiting.waiting_until.is_some());
    let post = me.published(id).await;
    assert_eq!(post.retry_count, 0, "{post:#?}");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limits_wait_and_cost_no_attempt() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    for (operation, error) in
        [("meta.container_create", "4"), ("meta.container_status", "80002"), ("meta.media_list", "17")]
    {
        world.meta("faults", json!({ "operation": operation, "error": error })).await;
        let id = me.publish_one(account, operation).await;
        let post = me.published(id).await;
        assert_eq!(post.retry_count, 0, "{operation}: {post:#?}");
    }
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permalink_that_fails_leaves_the_post_published() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    world.meta("behaviour", json!({ "set": { "permalink_failures": 2 } })).await;
    let id = me.publish_one(account, "Link later").await;
    let post = me.ends(id, PostStatus::Published).await;
    assert!(post.error.is_none(), "{post:#?}");
    me.published(id).await;
    let post = me.get(id).await;
    assert!(post.platform_post_url.starts_with("https://www.instagram.com/"), "{post:#?}");
    assert!(world.refused("meta.media_read") > 0, "the link was never refused");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_post_with_the_same_caption_is_not_taken_for_ours() {
    let world = World::start().await;
    let me = world.me();
    let accounts = me.connect(Login::Facebook).await;
    let account = &accounts[0];
    // Somebody posts the same words by hand; then ours is cut off before it acts.
    let foreign = world.meta("media", json!({ "account": account.account_id, "caption": "The same words" })).await;
    world.fault("meta.media_publish", cut(When::Before));
    let id = me.publish(&[account.id], by_url(content(&world, "The same words"))).await[0];
    let post = me.published(id).await;
    assert_ne!(post.platform_post_id, foreign["id"].as_str().unwrap());
    assert_eq!(world.asked("meta.media_publish"), 2, "it was sent again");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_container_is_failed_with_its_reason() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    world.meta("behaviour", json!({ "set": { "processing_error": "352/2207026" } })).await;
    let id = me.publish_one(account, "Bad codec").await;
    let post = me.ends(id, PostStatus::Failed).await;
    assert_eq!(post.error.as_ref().unwrap().code, "VIDEO_FORMAT_INVALID", "{post:#?}");
    assert_eq!(
        world.sim.requests(&Filter { operation: Some("meta.media_publish".into()), ..Filter::default() }).len(),
        0
    );
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_asks_for_its_owner() {
    let world = World::start().await;
    let me = world.me();
    let accounts = me.connect(Login::Instagram).await;
    let account = &accounts[0];
    world.meta("sessions", json!({ "account": account.account_id, "subcode": 460 })).await;
    let id = me.publish_one(account.id, "Password changed").await;
    let post = me.failed(id, "ACCOUNT_NEEDS_RECONNECT").await;
    assert!(post.error.as_ref().unwrap().retryable && post.retry_available, "{post:#?}");
    me.reconnect(Login::Instagram, Some(account.id)).await;
    me.posts().retry_post(aurareels_proto::v1::RetryPostRequest { id }).await.unwrap();
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_posts_with_the_same_words_whose_answers_are_lost_are_not_mixed_up() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let rule = aurareels_simulator::Rule {
        times: 2,
        ..aurareels_simulator::Rule::once(aurareels_tests::fault::on("meta.media_publish"), cut(When::After))
    };
    world.sim.add_fault(rule);
    let mut ids = Vec::new();
    for key in ["first", "second"] {
        let request = PublishPostsRequest {
            request_key: key.into(),
            allow_duplicate: true,
            ..publish(&[account], content(&world, "The same twice"))
        };
        ids.push(me.posts().publish_posts(request).await.unwrap().into_inner().posts[0].id);
    }
    let mut found = std::collections::BTreeSet::new();
    for id in ids {
        let post = me.ends(id, PostStatus::Published).await;
        assert!(post.platform_post_id.is_empty() || found.insert(post.platform_post_id.clone()), "{post:#?}");
    }
    assert_eq!(world.succeeded("meta.media_publish"), 2);
    world.finish(2).await;
}

//! One request, one post, however often it is made.

use aurareels_proto::v1::{CancelPostRequest, PostContent, PostStatus, PublishPostsRequest, RetryPostRequest};
use aurareels_simulator::Host;
use aurareels_tests::{Login, World, content, posting::publish};
use chrono::TimeDelta;
use serde_json::json;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_equal_requests_at_once_make_one_post() {
    let world = World::start().await;
    let me = world.me();
    let accounts = me.connect(Login::Facebook).await;
    let accounts: Vec<i64> = accounts.iter().map(|account| account.id).collect();
    let request = publish(&accounts, content(&world, "At once"));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let mut posts = me.posts();
            let request = request.clone();
            tokio::spawn(async move { posts.publish_posts(request).await })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    let mut new = 0;
    for call in calls {
        let answer = call.await.unwrap().unwrap().into_inner();
        ids.insert(answer.posts.iter().map(|post| post.id).collect::<Vec<_>>());
        new += answer.existed.iter().filter(|existed| !**existed).count();
    }
    assert_eq!((ids.len(), new), (1, 2), "{ids:?}");
    for id in ids.first().unwrap() {
        me.published(*id).await;
    }
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_again_answers_the_same_post_in_any_status() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let request =
        PublishPostsRequest { request_key: "order-7".into(), ..publish(&[account], content(&world, "Again")) };
    let first = me.posts().publish_posts(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.existed[0], first.posts[0].request_key.as_str()), (false, "order-7"));
    let again = me.posts().publish_posts(request.clone()).await.unwrap().into_inner();
    assert_eq!((again.existed[0], again.posts[0].id), (true, first.posts[0].id));
    me.published(first.posts[0].id).await;
    // The video may be gone by then: the answer is the same.
    world.sim.set_listening(Host::Media, false);
    world.advance(TimeDelta::days(40));
    let later = me.posts().publish_posts(request).await.unwrap().into_inner();
    assert_eq!((later.existed[0], later.posts[0].status()), (true, PostStatus::Published));
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_was_signed_again_is_the_same_video() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let mut ids = Vec::new();
    for life in [3_600, 7_200] {
        let sign = json!({ "path": "/v/signed.mp4", "query": "size=300000&duration=5", "expires_in": life });
        let url = world.control("media/sign", sign).await["url"].as_str().unwrap().to_owned();
        let request = publish(&[account], PostContent { video_url: url, ..content(&world, "Signed") });
        let answer = me.posts().publish_posts(request).await.unwrap().into_inner();
        assert!(answer.posts[0].request_key_derived);
        ids.push(answer.posts[0].id);
    }
    assert_eq!(ids[0], ids[1]);
    me.published(ids[0]).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_key_matches_for_a_day() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let first = me.publish_one(account, "Daily").await;
    me.published(first).await;
    world.advance(TimeDelta::hours(23));
    let again = me.posts().publish_posts(publish(&[account], content(&world, "Daily"))).await.unwrap().into_inner();
    assert!(again.existed[0]);
    world.advance(TimeDelta::hours(2));
    let second = me.publish_one(account, "Daily").await;
    assert_ne!(first, second);
    me.published(second).await;
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_twice_needs_to_be_meant() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let first = me.publish_one(account, "Twice").await;
    let other = PublishPostsRequest { request_key: "another".into(), ..publish(&[account], content(&world, "Twice")) };
    let refusal = me.refused(me.posts().publish_posts(other.clone())).await;
    refusal.is(Code::FailedPrecondition, "DUPLICATE_POST");
    let keyless = PublishPostsRequest { request_key: String::new(), allow_duplicate: true, ..other.clone() };
    me.refused(me.posts().publish_posts(keyless)).await.is(Code::InvalidArgument, "INVALID_FIELD");
    let meant = PublishPostsRequest { allow_duplicate: true, ..other };
    let second = me.posts().publish_posts(meant).await.unwrap().into_inner().posts[0].id;
    assert_ne!(first, second);
    me.published(first).await;
    me.published(second).await;
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_post_frees_its_derived_key() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let due = world.now() + TimeDelta::days(2);
    let first = me.schedule_one(account, "Changed my mind", due).await;
    let cancelled = me.posts().cancel_post(CancelPostRequest { id: first }).await.unwrap().into_inner();
    assert_eq!(cancelled.status(), PostStatus::Cancelled);
    let second = me.schedule_one(account, "Changed my mind", due).await;
    assert_ne!(first, second);
    world.advance_to(due);
    me.published(second).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_post_comes_back_and_can_be_retried() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let fail = json!({ "outcome": "fail", "fail_reason": "frame_rate_check_failed", "tasks": 1 });
    world.tiktok("behaviour", fail).await;
    let id = me.publish_one(account, "Once more").await;
    me.ends(id, PostStatus::Failed).await;
    let again = me.posts().publish_posts(publish(&[account], content(&world, "Once more"))).await.unwrap().into_inner();
    assert_eq!((again.existed[0], again.posts[0].id, again.posts[0].retry_available), (true, id, true));
    assert_eq!(again.posts[0].status(), PostStatus::Failed);
    me.posts().retry_post(RetryPostRequest { id }).await.unwrap();
    let post = me.published(id).await;
    assert_eq!((post.retry_count, post.attempts.len()), (1, 2), "{post:#?}");
    world.finish(1).await;
}

//! One request, one post, however often it is made.

use aurareels_proto::v1::{
    CancelPostRequest, PostContent, PostStatus, PublishPostsRequest, PublishPostsResponse, Resolution,
    ResolvePostRequest, RetryPostRequest, ScheduleTime, WallTime, schedule_time::Form,
};
use aurareels_simulator::Host;
use aurareels_tests::{
    Login, World, content,
    posting::{publish, schedule},
};
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

/// Content with the small video under this name and query.
fn linked(world: &World, link: &str, caption: &str) -> PostContent {
    let url = format!("{}/v/{link}&size=300000&duration=5", world.sim.url(Host::Media));
    PostContent { video_url: url, ..content(world, caption) }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_behind_links_that_are_signed_anew_is_one_post() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let request = |link: &str| publish(&[account], linked(&world, link, "Signed anew"));
    let first = me.posts().publish_posts(request("drive.mp4?UniqueId=7f&tempauth=A")).await.unwrap().into_inner();
    for link in ["drive.mp4?UniqueId=7f&tempauth=B", "drive.mp4?no_range=1&sig=C", "drive.mp4?no_etag=1&host=other"] {
        let again = me.posts().publish_posts(request(link)).await.unwrap().into_inner();
        assert_eq!((again.existed[0], again.posts[0].id), (true, first.posts[0].id), "{link}");
    }
    let plain = first.posts[0].id;
    // A key of the caller's own compares the same way.
    let keyed = |link: &str| PublishPostsRequest {
        request_key: "row-7".into(),
        ..publish(&[account], linked(&world, link, "Keyed"))
    };
    let first = me.posts().publish_posts(keyed("drive.mp4?tempauth=A")).await.unwrap().into_inner();
    let again = me.posts().publish_posts(keyed("drive.mp4?tempauth=B")).await.unwrap().into_inner();
    assert_eq!((again.existed[0], again.posts[0].id), (true, first.posts[0].id));
    me.refused(me.posts().publish_posts(keyed("other.mp4?tempauth=A")))
        .await
        .is(Code::InvalidArgument, "REQUEST_KEY_REUSED");
    for id in [again.posts[0].id, plain] {
        me.published(id).await;
    }
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_differ_by_their_token_alone_are_as_many_videos_as_files() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let mut ids = std::collections::BTreeSet::new();
    for token in ["A", "B", "C"] {
        let input = linked(&world, &format!("signed.mp4?seed_by=token&token={token}"), "Every day the same words");
        ids.extend(me.publish(&[account], input).await);
    }
    assert_eq!(ids.len(), 3);
    for id in ids {
        me.published(id).await;
    }
    let hashes: std::collections::BTreeSet<_> = world.sim.posts().into_iter().map(|post| post.sha256).collect();
    assert_eq!(hashes.len(), 3);
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_link_with_another_video_is_refused_with_words() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let request = || publish(&[account], linked(&world, "latest.mp4?", "Latest"));
    let first = me.posts().publish_posts(request()).await.unwrap().into_inner().posts[0].id;
    world.control("media/replace", json!({ "name": "latest.mp4", "seed": 8 })).await;
    let refusal = me.refused(me.posts().publish_posts(request())).await;
    refusal.is(Code::FailedPrecondition, "VIDEO_CHANGED");
    let words = refusal.message.as_str();
    assert!(words.contains("same link, other video") && words.contains(&format!("post {first}")), "{words}");
    assert!(words.contains("allow_duplicate"), "{words}");
    // With a key of its own it is posted all the same; that key, too, knows its video.
    let meant = || PublishPostsRequest { request_key: "latest-2".into(), allow_duplicate: true, ..request() };
    let second = me.posts().publish_posts(meant()).await.unwrap().into_inner().posts[0].id;
    assert_ne!(first, second);
    world.control("media/replace", json!({ "name": "latest.mp4", "seed": 9 })).await;
    me.refused(me.posts().publish_posts(meant())).await.is(Code::InvalidArgument, "REQUEST_KEY_REUSED");
    for id in [first, second] {
        me.published(id).await;
    }
    // A day after the first came to rest its link is free.
    world.advance(TimeDelta::hours(25));
    let third = me.publish(&[account], linked(&world, "latest.mp4?", "Latest")).await[0];
    me.published(third).await;
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_literal_link_finds_the_post_of_a_file_that_is_out_of_reach() {
    let world = World::start().await;
    let me = world.me();
    let accounts: Vec<i64> = me.connect(Login::Facebook).await.iter().map(|account| account.id).collect();
    let sign = json!({ "path": "/v/short.mp4", "query": "size=300000&duration=5", "expires_in": 3_600 });
    let url = world.control("media/sign", sign).await["url"].as_str().unwrap().to_owned();
    let request =
        |url: &str| publish(&accounts, PostContent { video_url: url.into(), ..content(&world, "Out of reach") });
    let first = me.posts().publish_posts(request(&url)).await.unwrap().into_inner();
    for post in &first.posts {
        me.published(post.id).await;
    }
    let ids = |answer: &PublishPostsResponse| answer.posts.iter().map(|post| post.id).collect::<Vec<_>>();
    world.advance(TimeDelta::hours(2));
    let expired = me.posts().publish_posts(request(&url)).await.unwrap().into_inner();
    world.sim.set_listening(Host::Media, false);
    let away = me.posts().publish_posts(request(&url)).await.unwrap().into_inner();
    for again in [expired, away] {
        assert_eq!((again.existed.as_slice(), ids(&again)), ([true, true].as_slice(), ids(&first)));
    }
    // Another link says nothing of what stands behind it.
    let other = url.replace("short", "other");
    me.refused(me.posts().publish_posts(request(&other))).await.is(Code::Unavailable, "MEDIA_UNREACHABLE");
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_time_in_another_spelling_is_the_same_request() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let day = (world.now() + TimeDelta::days(3)).format("%Y-%m-%d").to_string();
    let request = |local: String| {
        let wall = WallTime { local, time_zone: "Europe/Berlin".into() };
        let when = ScheduleTime { form: Some(Form::WallTime(wall)) };
        schedule(&[account], content(&world, "Wall"), when)
    };
    let first = me.posts().schedule_posts(request(format!("{day} 18:00"))).await.unwrap().into_inner();
    let again = me.posts().schedule_posts(request(format!("{day}T18:00:00"))).await.unwrap().into_inner();
    assert_eq!((again.existed[0], again.posts[0].id), (true, first.posts[0].id));
    me.posts().cancel_post(CancelPostRequest { id: first.posts[0].id }).await.unwrap();
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_key_matches_for_as_long_as_its_post_waits_and_a_day_more() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.tiktok("behaviour", json!({ "outcome": "stuck", "tasks": 1 })).await;
    let request = || publish(&[account], content(&world, "Patience"));
    let first = me.posts().publish_posts(request()).await.unwrap().into_inner().posts[0].id;
    me.ends(first, PostStatus::NeedsReview).await;
    world.advance(TimeDelta::days(5));
    let again = me.posts().publish_posts(request()).await.unwrap().into_inner();
    assert_eq!((again.existed[0], again.posts[0].id), (true, first), "in review nothing is at rest");
    let other = PublishPostsRequest { request_key: "another".into(), ..request() };
    me.refused(me.posts().publish_posts(other.clone())).await.is(Code::FailedPrecondition, "DUPLICATE_POST");
    let word = ResolvePostRequest {
        id: first,
        resolution: Resolution::NotPublished.into(),
        note: "looked".into(),
        ..ResolvePostRequest::default()
    };
    me.posts().resolve_post(word).await.unwrap();
    world.advance(TimeDelta::hours(23));
    let again = me.posts().publish_posts(request()).await.unwrap().into_inner();
    assert_eq!((again.existed[0], again.posts[0].id), (true, first), "failed within the day");
    world.advance(TimeDelta::hours(2));
    let second = me.publish_one(account, "Patience").await;
    me.published(second).await;
    assert_ne!(first, second);
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

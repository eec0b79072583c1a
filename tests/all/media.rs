//! The video between the request and its publication: signed URLs that end, hosts that go away, files that change.

use aurareels_proto::v1::{PostContent, PostStatus};
use aurareels_simulator::{Action, Host, When};
use aurareels_tests::{Login, World, content, fault::cut, posting};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_ends_before_its_time_fails_without_a_visible_request() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let sign = json!({ "path": "/v/short.mp4", "query": "size=300000&duration=5", "expires_in": 3_600 });
    let url = world.control("media/sign", sign).await["url"].as_str().unwrap().to_owned();
    let wish = PostContent { video_url: url, ..content(&world, "Expired") };
    let due = world.now() + TimeDelta::hours(3);
    let request = posting::schedule(&[account], wish, posting::at(due));
    let id = me.posts().schedule_posts(request).await.unwrap().into_inner().posts[0].id;
    me.failed(id, "VIDEO_NOT_PUBLIC").await;
    assert_eq!(world.asked("tiktok.upload_last_chunk"), 0);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_media_host_that_is_away_for_a_while_is_waited_for() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let due = world.now() + TimeDelta::hours(1);
    let id = me.schedule_one(account, "Host away", due).await;
    world.sim.set_listening(Host::Media, false);
    world.advance_to(due);
    let post = me.until(id, "waiting", |post| post.waiting_for == "retry").await;
    assert_eq!(post.error.as_ref().map(|error| error.code.as_str()), Some("MEDIA_UNREACHABLE"), "{post:#?}");
    world.sim.set_listening(Host::Media, true);
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_breaks_is_taken_up_again() {
    let world = World::start().await;
    let me = world.me();
    for login in [Login::Tiktok, Login::Facebook] {
        let account = me.account(login).await;
        let url = format!("{}/v/broken.mp4?size=6000000&duration=10", world.sim.url(Host::Media));
        let wish = PostContent { video_url: url, ..content(&world, "Broken download") };
        let due = world.now() + TimeDelta::hours(1);
        let request = posting::schedule(&[account], wish, posting::at(due));
        let id = me.posts().schedule_posts(request).await.unwrap().into_inner().posts[0].id;
        for action in [Action::BrokenResponse, cut(When::After)] {
            world.fault("media.get", action);
        }
        me.published(id).await;
    }
    let visible = world.sim.posts();
    assert!(visible.iter().all(|post| post.byte_count == Some(6_000_000)), "{visible:#?}");
    assert_eq!(visible[0].sha256, visible[1].sha256);
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_progress_is_told_to_those_who_ask() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let request = aurareels_proto::v1::WatchPostsRequest { include_progress: true, ..Default::default() };
    let mut stream = me.posts().watch_posts(request).await.unwrap().into_inner();
    let url = format!("{}/v/slow.mp4?size=4000000&duration=10&rate=2000000", world.sim.url(Host::Media));
    let id = me.publish(&[account], PostContent { video_url: url, ..content(&world, "Slow upload") }).await[0];
    let mut told = Vec::new();
    loop {
        let Some(event) = stream.message().await.unwrap().unwrap().event else { continue };
        let post = event.post.as_ref().expect("the post");
        if event.sequence == 0 {
            told.push(post.uploaded_bytes.expect("bytes"));
        }
        world.hurry(world.db.pending().await).await;
        if post.status() == PostStatus::Published {
            break;
        }
    }
    assert!(told.iter().any(|bytes| *bytes > 0) && told.is_sorted(), "{told:?}");
    me.published(id).await;
    world.finish(1).await;
}

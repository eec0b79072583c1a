//! Links as hosts have them: without ranges, without sizes, that work once; times in zones.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aurareels_proto::v1::{InstagramOptions, PlatformOptions, PostContent};
use aurareels_simulator::Host;
use aurareels_tests::{Login, World, content, posting::publish, uploading::sha256};
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Redirect},
    routing::get,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_ranges_is_fetched_about_once_however_many_parts_are_uploaded() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let mut requests = Vec::new();
    for (size, caption) in [(25_000_000, "two parts"), (70_000_000, "seven parts")] {
        let url = format!("{}/v/plain.mp4?size={size}&duration=60&no_range=1", world.sim.url(Host::Media));
        let before = world.asked("media.get");
        let input = PostContent { video_url: url.clone(), ..content(&world, caption) };
        let id = me.publish(&[account], input).await[0];
        me.published(id).await;
        requests.push(world.asked("media.get") - before);
        let film = sha256(&world.http.get(url).send().await.unwrap().bytes().await.unwrap());
        let visible = world.sim.posts();
        assert!(visible.iter().any(|post| post.sha256.as_ref() == Some(&film)), "{visible:#?}");
    }
    // Looking at it takes a few; the upload takes one, not one for each part.
    assert!(requests.iter().all(|requests| *requests <= 6), "{requests:?}");
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_tells_the_size_only_with_ranges_can_be_copied_from() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let url = format!("{}/v/shy.mp4?size=300000&duration=5&no_length=1", world.sim.url(Host::Media));
    let input = PostContent { video_url: url, keep_copy: true, ..content(&world, "Shy host") };
    let id = me.publish(&[account], input).await[0];
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_works_once_is_enough_for_a_copy() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let film = format!("{}/v/once.mp4?size=300000&duration=5", world.sim.url(Host::Media));
    let asked = Arc::new(AtomicUsize::new(0));
    let (to, count) = (film.clone(), asked.clone());
    let once = move || {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        let to = to.clone();
        async move { if first { Redirect::temporary(&to).into_response() } else { StatusCode::GONE.into_response() } }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = format!("http://{}/once", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/once", get(once))).await.unwrap() });
    let input = PostContent { video_url: link, keep_copy: true, ..content(&world, "Once") };
    let id = me.publish(&[account], input).await[0];
    me.published(id).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the link was followed once");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cover_is_judged_before_anything_is_created() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Instagram).await;
    let media = world.sim.url(Host::Media);
    let refused = async |input: PostContent| {
        let refusal = me.refused(me.posts().publish_posts(publish(&[account], input))).await;
        refusal.fields.into_iter().map(|(_, rule)| rule).collect::<Vec<_>>()
    };
    let cover = |url: String| PostContent { thumbnail_url: url, ..content(&world, "Covered") };
    assert_eq!(refused(cover(format!("{media}/missing.jpg"))).await, ["THUMBNAIL_NOT_PUBLIC"]);
    let picture = refused(cover(format!("{media}/avatar/x.svg"))).await;
    assert_eq!(picture, ["THUMBNAIL_NOT_JPEG", "THUMBNAIL_FORMAT_INVALID"], "by its name, and by what it is");
    assert_eq!(refused(cover(format!("{media}/c/large.jpg?size=8000001"))).await, ["THUMBNAIL_TOO_LARGE"]);
    let at = |ms| PostContent {
        video_url: format!("{media}/v/short.mp4?size=300000&duration=6"),
        platform_options: Some(PlatformOptions {
            instagram: Some(InstagramOptions { thumb_offset_ms: Some(ms), ..InstagramOptions::default() }),
            ..PlatformOptions::default()
        }),
        ..content(&world, "Frame")
    };
    assert_eq!(refused(at(60_000)).await, ["COVER_BEHIND_END"]);
    for good in [cover(format!("{media}/c/good.jpg")), at(5_000)] {
        let id = me.publish(&[account], good).await[0];
        me.published(id).await;
    }
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_outside_ascii_is_taken_by_every_transfer() {
    let world = World::start().await;
    let me = world.me();
    let (instagram, tiktok) = (me.account(Login::Instagram).await, me.account(Login::Tiktok).await);
    let url = format!("{}/v/Kr\u{e4}he \u{732b}.mp4?size=300000&duration=6", world.sim.url(Host::Media));
    for (caption, transfer) in [("automatic", 0), ("by URL", 1)] {
        let options = InstagramOptions { transfer, ..InstagramOptions::default() };
        let input = PostContent {
            video_url: url.clone(),
            platform_options: Some(PlatformOptions { instagram: Some(options), ..PlatformOptions::default() }),
            ..content(&world, caption)
        };
        for id in me.publish(&[instagram, tiktok], input).await {
            me.published(id).await;
        }
    }
    world.finish(4).await;
}

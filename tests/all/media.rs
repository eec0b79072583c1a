//! The video between the request and its publication: signed URLs that end, hosts that go away, files that change.

use aurareels_proto::v1::{PostContent, PostStatus};
use aurareels_simulator::{Action, Host, Rule, When};
use aurareels_tests::{
    Login, World, content,
    fault::{answer, cut, on},
    posting,
    uploading::sha256,
};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_ends_before_its_time_fails_without_a_visible_request() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let sign = json!({ "path": "/v/short.mp4", "query": "size=300000&duration=5", "expires_in": 3_600 });
    let url = world.control("media/sign", sign).await["url"].as_str().unwrap().to_owned();
    let input = PostContent { video_url: url, ..content(&world, "Expired") };
    let due = world.now() + TimeDelta::hours(3);
    let request = posting::schedule(&[account], input, posting::at(due));
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
        let input = PostContent { video_url: url, ..content(&world, "Broken download") };
        let due = world.now() + TimeDelta::hours(1);
        let request = posting::schedule(&[account], input, posting::at(due));
        let id = me.posts().schedule_posts(request).await.unwrap().into_inner().posts[0].id;
        // The first request asks for the version of the file alone.
        for action in [Action::BrokenResponse, cut(When::After)] {
            world.sim.add_fault(Rule { skip: 1, ..Rule::once(on("media.get"), action) });
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

/// A film of 70 MB: seven chunks. Further words go into its URL.
fn big(world: &World, name: &str, words: &str) -> String {
    format!("{}/v/{name}?size=70000000&duration=60{words}", world.sim.url(Host::Media))
}

/// Has another file stand behind `/v/<name>`, after so many more requests.
async fn replace(world: &World, name: &str, after: u64) {
    world.control("media/replace", json!({ "name": name, "seed": 4711, "after": after })).await;
}

/// The hash of what stands behind a URL.
async fn hash_of(world: &World, url: &str) -> String {
    sha256(&world.http.get(url).send().await.unwrap().bytes().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_between_chunks_is_uploaded_anew_in_one_version() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    // Each looks at the file with its own number of requests before the first chunk: replaced after three chunks.
    for (name, words, looks) in [("named.mp4", "", 4), ("nameless.mp4", "&no_etag=1", 7)] {
        let url = big(&world, name, words);
        replace(&world, name, looks + 3).await;
        let id = me.publish(&[account], PostContent { video_url: url.clone(), ..content(&world, name) }).await[0];
        let post = me.until(id, "told", |post| post.error.is_some()).await;
        assert_eq!(post.error.unwrap().code, "VIDEO_CHANGED");
        me.published(id).await;
        let visible = world.sim.posts().into_iter().find(|post| post.caption == name).unwrap();
        assert_eq!(visible.sha256, Some(hash_of(&world, &url).await), "{name}");
    }
    assert_eq!(world.asked("tiktok.video_init"), 4, "each upload begins anew once");
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_another_core_resumes_does_not_mix_files() {
    for words in ["", "&no_etag=1"] {
        let mut world = World::start().await;
        let url = big(&world, "resumed.mp4", words);
        let id = {
            let me = world.me();
            let account = me.account(Login::Tiktok).await;
            world
                .sim
                .add_fault(Rule { skip: 3, ..Rule::once(on("tiktok.upload_chunk"), answer(503, json!({}), false)) });
            world.lasting_fault("tiktok.status", answer(503, json!({}), false));
            let id =
                me.publish(&[account], PostContent { video_url: url.clone(), ..content(&world, "Resumed") }).await[0];
            me.until_unhurried(id, "interrupted", |post| !post.waiting_for.is_empty()).await;
            id
        };
        world.stop_core().await;
        assert!(world.asked("tiktok.upload_chunk") >= 3);
        world.sim.clear_faults();
        replace(&world, "resumed.mp4", 0).await;
        world.start_core().await;
        world.me().published(id).await;
        assert_eq!(world.asked("tiktok.video_init"), 2, "begun anew");
        assert_eq!(world.sim.posts()[0].sha256, Some(hash_of(&world, &url).await), "{words}");
        world.finish(1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instagram_gets_one_version_of_a_file_that_is_replaced_under_the_upload() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    // Replaced before the upload opens it, where the host names versions; else under it, before it is verified.
    for (name, words, before) in [("a.mp4", "", 4), ("b.mp4", "&no_etag=1", 8)] {
        let url = format!("{}/v/{name}?size=3000000&duration=10{words}", world.sim.url(Host::Media));
        replace(&world, name, before).await;
        let id = me.publish(&[account], PostContent { video_url: url.clone(), ..content(&world, name) }).await[0];
        me.published(id).await;
        let visible = world.sim.posts().into_iter().find(|post| post.caption == name).unwrap();
        assert_eq!(visible.sha256, Some(hash_of(&world, &url).await), "{name}");
    }
    world.finish(2).await;
}

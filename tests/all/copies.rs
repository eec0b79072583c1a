//! Copies of videos by URL (`keep_copy`): the call returns at once, and its posts wait for their copy.

use aurareels_proto::v1::{
    CancelPostRequest, DeleteMediaRequest, Post, PostContent, PostStatus, ReschedulePostRequest, RetryPostRequest,
    SchedulePostsRequest, Scheduler,
};
use aurareels_simulator::Host;
use aurareels_tests::{
    Login, User, World, content,
    fault::answer,
    posting::{at, schedule, steps},
    source::Source,
    webhook::Webhook,
};
use chrono::TimeDelta;
use serde_json::json;

use crate::process::Served;

/// The size of the videos.
const SIZE: usize = 4_000_000;

/// A source of a video of its own.
async fn source(world: &World, name: &str) -> Source {
    Source::start(world.file(name, SIZE).await).await
}

/// A post that keeps a copy of the video behind a URL.
fn kept(world: &World, url: &str, caption: &str) -> PostContent {
    PostContent { video_url: url.to_owned(), keep_copy: true, ..content(world, caption) }
}

async fn copied(me: &User<'_>, id: i64) -> Post {
    me.until(id, "copied", |post| !post.media_id.is_empty()).await
}

async fn schedule_one(me: &User<'_>, account: i64, input: PostContent, hours: i64) -> Post {
    let request = schedule(&[account], input, at(me.world.now() + TimeDelta::hours(hours)));
    me.posts().schedule_posts(request).await.expect("accepted").into_inner().posts.swap_remove(0)
}

/// Waits until a source has begun to send a download.
async fn downloading(world: &World, source: &Source, downloads: usize) {
    world.wait_for("a download", async || (source.downloads().len() == downloads).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_copy_outlives_its_link() {
    let world = World::start().await;
    let me = world.me();
    let (fetching, taking) = (me.account(Login::Instagram).await, me.account(Login::Tiktok).await);
    let sign = json!({ "path": "/v/short.mp4", "query": "size=300000&duration=5", "expires_in": 3_600 });
    let url = world.control("media/sign", sign).await["url"].as_str().unwrap().to_owned();
    let due = world.now() + TimeDelta::hours(30);
    let input = PostContent { video_url: url, keep_copy: true, ..content(&world, "Kept") };
    let request = schedule(&[fetching, taking], input.clone(), at(due));
    let made = me.posts().schedule_posts(request.clone()).await.unwrap().into_inner();
    assert!(made.posts.iter().all(|post| post.media_id.is_empty() && post.waiting_for == "copy"), "{made:#?}");
    let mut copies = Vec::new();
    for post in &made.posts {
        let copied = me.until(post.id, "copied", |post| !post.media_id.is_empty()).await;
        assert!(copied.status() == PostStatus::Scheduled && !copied.video_url.is_empty(), "{copied:#?}");
        copies.push(copied.media_id);
    }
    assert_eq!(world.upload_files().len(), 1, "one copy for all");
    world.sim.set_listening(Host::Media, false);
    // A repeated request comes back to its posts without the video.
    let again = me.posts().schedule_posts(request).await.unwrap().into_inner();
    assert_eq!(again.existed, [true, true]);
    world.advance_to(due);
    for post in &made.posts {
        me.published(post.id).await;
    }
    let visible = world.sim.posts();
    assert!(visible.iter().all(|post| post.sha256.as_deref() == Some(copies[0].as_str())), "{visible:#?}");
    world.sim.set_listening(Host::Media, true);
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_source_breaks_off_goes_on_by_range_where_the_source_names_its_versions() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    // The answer with the whole file ends in its middle.
    let broken =
        format!("{}/v/breaks.mp4?size=8000000&duration=5&break=50&break_over=5000000", world.sim.url(Host::Media));
    let input = |url: &str| PostContent { video_url: url.to_owned(), keep_copy: true, ..content(&world, "Kept") };
    let id = me.publish(&[account], input(&broken)).await[0];
    let post = me.published(id).await;
    assert_eq!(std::slice::from_ref(&post.media_id), aurareels_simulator::sha256_of(&broken).unwrap());
    let nameless = format!("{broken}&no_etag=1&seed=7");
    let id = me.publish(&[account], input(&nameless)).await[0];
    let waits = me.until(id, "to be tried again", |post| post.waiting_for == "retry").await;
    assert_eq!(waits.error.expect("a reason").code, "MEDIA_UNREACHABLE");
    me.posts().cancel_post(CancelPostRequest { id }).await.expect("cancelled");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_from_a_source_without_names_is_made_anew_after_a_restart() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    let slow = format!("{}/v/slow.mp4?size=3000000&duration=5&rate=1000000&no_etag=1", world.sim.url(Host::Media));
    let input = PostContent { video_url: slow, keep_copy: true, ..content(&world, "Kept") };
    let id = world.me().publish(&[account], input).await[0];
    world.wait_for("a part of the copy", async || (!world.upload_files().is_empty()).then_some(())).await;
    world.restart().await;
    let post = world.me().published(id).await;
    assert!(!post.media_id.is_empty(), "{post:#?}");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_a_killed_core_was_making_goes_on_behind_what_had_come() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    let source = source(&world, "killed").await;
    source.hold_at(SIZE / 2);
    world.stop_core().await;
    let settings = world.settings().clone();
    let served = Served::start(&settings, &world.http).await;
    world.speak_to(&served.url);
    let id = world.me().publish(&[account], kept(&world, &source.url, "Killed")).await[0];
    let half = async || {
        let file = world.upload_files().pop()?;
        let size = std::fs::metadata(world.data_dir().join("media").join(file)).ok()?.len();
        (size >= SIZE as u64 / 2).then_some(())
    };
    world.wait_for("a half of the file", half).await;
    served.kill().await;
    source.release();
    world.start_core().await;
    let post = world.me().published(id).await;
    assert!(!post.media_id.is_empty() && post.retry_count == 0, "{post:#?}");
    assert_eq!(source.downloads(), [0..SIZE, SIZE / 2..SIZE]);
    assert_eq!(world.sim.posts()[0].sha256.as_deref(), Some(post.media_id.as_str()));
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_of_one_video_share_its_download_also_those_of_a_later_request() {
    let world = World::start().await;
    let me = world.me();
    let accounts = [me.account(Login::Tiktok).await, me.account(Login::Facebook).await];
    let source = source(&world, "shared").await;
    source.hold_at(SIZE / 2);
    let mut ids = me.publish(&accounts, kept(&world, &source.url, "Shared")).await;
    downloading(&world, &source, 1).await;
    ids.extend(me.publish(&accounts[..1], kept(&world, &source.url, "Shared by another request")).await);
    for id in &ids {
        me.until_unhurried(*id, "waiting for its copy", |post| post.waiting_for == "copy" && post.error.is_none())
            .await;
    }
    source.release();
    for id in ids {
        me.published(id).await;
    }
    assert_eq!(source.downloads().len(), 1);
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_never_gets_the_copy_of_an_older_file_behind_its_link() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let url = format!("{}/v/renewed.mp4?size=600000&duration=5&no_etag=1", world.sim.url(Host::Media));
    let first = me.publish(&[account], kept(&world, &url, "The first")).await[0];
    let first = copied(&me, first).await;
    world.control("media/replace", json!({ "name": "renewed.mp4", "seed": 77 })).await;
    let second = me.publish(&[account], kept(&world, &url, "The second")).await[0];
    let second = copied(&me, second).await;
    assert_ne!(first.media_id, second.media_id);
    for post in [first, second] {
        me.published(post.id).await;
    }
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_cancelled_or_moved_while_it_waits_for_its_copy() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let source = source(&world, "moved").await;
    source.hold_at(SIZE / 2);
    let cancelled = me.publish(&[account], kept(&world, &source.url, "Cancelled")).await[0];
    let moved = schedule_one(&me, account, kept(&world, &source.url, "Moved"), 30).await.id;
    downloading(&world, &source, 1).await;
    let post = me.posts().cancel_post(CancelPostRequest { id: cancelled }).await.expect("cancelled").into_inner();
    assert_eq!(post.status(), PostStatus::Cancelled);
    let due = world.now() + TimeDelta::hours(50);
    world
        .wait_for("a moment between two looks", async || {
            let request = ReschedulePostRequest { id: moved, scheduled_at: Some(at(due)), revision: None };
            me.posts().reschedule_post(request).await.ok()
        })
        .await;
    assert_eq!(me.get(moved).await.waiting_for, "copy");
    source.release();
    let post = copied(&me, moved).await;
    let until = me.until(post.id, "waiting for its time", |post| post.waiting_for == "schedule").await.waiting_until;
    assert!(until.is_some_and(|until| until.seconds > (due - TimeDelta::hours(1)).timestamp()), "{until:?}");
    me.published(moved).await;
    assert!(world.now() >= due);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_gone_fails_the_post_with_what_to_do() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let source = source(&world, "gone").await;
    source.answer(404);
    let id = me.publish(&[account], kept(&world, &source.url, "Gone")).await[0];
    let error = me.failed(id, "VIDEO_NOT_PUBLIC").await.error.expect("a reason");
    assert!(!error.rule.is_empty() && !error.remediation.is_empty(), "{error:#?}");
    source.answer(200);
    me.posts().retry_post(RetryPostRequest { id }).await.expect("retried");
    assert!(!me.published(id).await.media_id.is_empty());
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_away_long_before_the_posts_time_costs_no_retry() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let source = source(&world, "away").await;
    source.answer(503);
    let id = schedule_one(&me, account, kept(&world, &source.url, "Away"), 30).await.id;
    // More often than a post that is due would be tried.
    world
        .wait_for("six tries", async || {
            world.hurry(world.db.pending().await).await;
            (source.downloads().len() >= 6).then_some(())
        })
        .await;
    let post = me.get(id).await;
    assert_eq!((post.status(), post.retry_count), (PostStatus::Scheduled, 0), "{post:#?}");
    source.answer(200);
    assert_eq!(copied(&me, id).await.error, None);
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_made_while_the_account_waits_for_its_owner() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let withdrawn = json!({ "error": { "code": 200, "message": "Permissions error", "type": "OAuthException" } });
    let fault = world.lasting_fault("meta.container_create", answer(403, withdrawn, false));
    let refused = me.publish_one(account, "Refused").await;
    me.ends(refused, PostStatus::Failed).await;
    world.struck(fault);
    world.sim.remove_fault(fault);
    let source = source(&world, "lost login").await;
    let id = schedule_one(&me, account, kept(&world, &source.url, "Lost login"), 30).await.id;
    assert_eq!(copied(&me, id).await.status(), PostStatus::Scheduled);
    me.reconnect(Login::Facebook, Some(account)).await;
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_downloads_so_many_videos_at_once_and_no_more() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let source = source(&world, "many").await;
    source.hold_at(SIZE / 2);
    let mut ids = Vec::new();
    for number in 0..6 {
        let url = source.named(&format!("{number}.mp4"));
        ids.push(me.publish(&[account], kept(&world, &url, &format!("Video {number}"))).await[0]);
    }
    for id in &ids {
        me.until_unhurried(*id, "waiting for its copy", |post| post.waiting_for == "copy").await;
    }
    world.idle().await;
    world.wait_for("downloads", async || (source.downloads().len() >= 4).then_some(())).await;
    world.advance(TimeDelta::minutes(1));
    world.idle().await;
    assert_eq!(source.downloads().len(), 4);
    source.release();
    for id in ids {
        me.published(id).await;
    }
    assert_eq!(source.downloads().len(), 6);
    world.finish(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_is_handed_a_post_whose_copy_is_there() {
    let webhook = Webhook::start().await;
    let world = World::with(&[("N8N_SCHEDULER_WEBHOOK", webhook.url.as_str())]).await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let source = source(&world, "workflow").await;
    source.hold_at(SIZE / 2);
    let request = SchedulePostsRequest {
        scheduler: Scheduler::N8n.into(),
        ..schedule(&[account], kept(&world, &source.url, "By workflow"), at(world.now() + TimeDelta::hours(30)))
    };
    let id = me.posts().schedule_posts(request).await.expect("accepted").into_inner().posts[0].id;
    downloading(&world, &source, 1).await;
    assert!(webhook.calls().is_empty());
    source.release();
    let post = me.until(id, "handed over", |post| post.waiting_for == "workflow").await;
    assert!(!post.media_id.is_empty() && webhook.calls().len() == 1, "{post:#?}");
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_without_room_on_its_disk_has_the_post_wait_and_not_fail() {
    let mut world = World::with(&[("AURAREELS_MEDIA_MIN_FREE_BYTES", &(1_u64 << 60).to_string())]).await;
    let account = world.me().account(Login::Tiktok).await;
    let source = source(&world, "full").await;
    let id = world.me().publish(&[account], kept(&world, &source.url, "Full disk")).await[0];
    for _ in 0..5 {
        let post = world.me().until(id, "waiting for room", |post| post.error.is_some()).await;
        let error = post.error.expect("a reason");
        assert_eq!((post.waiting_for.as_str(), error.code.as_str(), post.retry_count), ("copy", "DISK_FULL", 0));
        world.advance(TimeDelta::minutes(10));
    }
    world.set("AURAREELS_MEDIA_MIN_FREE_BYTES", "0");
    world.restart().await;
    world.me().published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_beyond_the_users_quota_fails_the_post_until_there_is_room() {
    let world = World::with(&[("AURAREELS_MEDIA_QUOTA_BYTES", &(SIZE + SIZE / 2).to_string())]).await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let media = me.upload(&world.file("in the way", SIZE).await).await;
    let source = source(&world, "over quota").await;
    let id = me.publish(&[account], kept(&world, &source.url, "Over quota")).await[0];
    let error = me.failed(id, "MEDIA_QUOTA_EXCEEDED").await.error.expect("a reason");
    assert!(error.remediation.contains("delete uploads"), "{error:#?}");
    me.media().delete_media(DeleteMediaRequest { media_id: media.media_id }).await.expect("deleted");
    me.posts().retry_post(RetryPostRequest { id }).await.expect("retried");
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_of_a_restored_backup_is_looked_up_before_its_video_is_copied_again() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Page).await;
    let source = source(&world, "restored").await;
    source.hold_at(SIZE / 2);
    let file = world.backup_file("backup");
    let (out, waiting) = {
        let me = world.me();
        let out = me.publish(&[account], kept(&world, &source.url, "Went out meanwhile")).await[0];
        let waiting = schedule_one(&me, account, kept(&world, &source.url, "Waits"), 30).await.id;
        downloading(&world, &source, 1).await;
        world.backup(&file).await;
        source.release();
        me.published(out).await;
        (out, waiting)
    };
    world.restore(&file).await;
    let me = world.me();
    assert!(steps(&me.published(out).await).contains(&"restore.search"));
    let post = copied(&me, waiting).await;
    assert_eq!(post.status(), PostStatus::Scheduled);
    me.published(waiting).await;
    world.finish(2).await;
}

//! Videos of Cloudflare Stream: every way of making them fetchable, every reason why one cannot be, and what is told meanwhile.

use aurareels_proto::v1::media_service_client::MediaServiceClient;
use aurareels_proto::v1::platform_service_client::PlatformServiceClient;
use aurareels_proto::v1::{
    GetVideoRequirementsRequest, Platform, PostContent, PostStatus, ProbeVideoRequest, ValidatePostsRequest,
};
use aurareels_simulator::{Filter, Host};
use aurareels_tests::{
    Login, User, World, content,
    posting::{at, publish, schedule},
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tonic::Code;

const UID: &str = "5d5bc37ffcf54c9b82e996823bffbb81";
const FILE: &str = "size=500000&duration=5";

/// A video at Cloudflare.
async fn stream(world: &World, fields: Value) {
    let mut video = json!({ "uid": UID, "media": FILE });
    video.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    world.control("cloudflare/videos", video).await;
}

async fn state(world: &World) -> Value {
    let url = format!("{}/_sim/cloudflare/videos/{UID}", world.sim.url(Host::Control));
    serde_json::from_str(&world.http.get(url).send().await.unwrap().text().await.unwrap()).unwrap()
}

fn of_stream(world: &World, caption: &str) -> PostContent {
    PostContent { video_url: format!("cloudflare-stream:{UID}"), ..content(world, caption) }
}

fn asked(world: &World, operation: &str) -> usize {
    world.sim.requests(&Filter { operation: Some(operation.to_owned()), ..Filter::default() }).len()
}

/// Publishes it on an account whose platform is sent the bytes, and on one whose platform fetches them.
async fn published_on_two(world: &World, me: &User<'_>) {
    let accounts = [me.account(Login::Tiktok).await, me.account(Login::Instagram).await];
    let ids = me.publish(&accounts, of_stream(world, "From Cloudflare")).await;
    for id in ids {
        me.published(id).await;
    }
    let file = format!("{}/v/{UID}.mp4?{FILE}", world.sim.url(Host::Media));
    let hash = aurareels_simulator::sha256_of(&file).unwrap().swap_remove(0);
    for post in world.sim.posts() {
        assert_eq!(post.sha256.as_ref(), Some(&hash), "{}", post.platform);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_video_is_published_once_its_mp4_is_made_and_tells_what_it_waits_for() {
    let world = World::start().await;
    let me = world.me();
    stream(&world, json!({ "mp4_seconds": 600 })).await;
    let account = me.account(Login::Tiktok).await;
    let id = me.publish(&[account], of_stream(&world, "It is made first")).await[0];
    let waits = me.until_unhurried(id, "waiting", |post| post.waiting_for == "processing").await;
    assert_eq!(waits.status(), PostStatus::Publishing);
    assert!(waits.waiting_until.is_some() && waits.retry_count == 0, "{waits:#?}");
    let why = waits.error.expect("a reason");
    assert!(why.message.contains("making the video's MP4") && why.rule == "VIDEO_PREPARING", "{why:?}");
    me.published(id).await;
    assert_eq!((asked(&world, "cloudflare.downloads_create"), asked(&world, "cloudflare.token")), (1, 0));
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_video_is_published_by_signed_addresses_and_stays_private() {
    let world = World::start().await;
    stream(&world, json!({ "require_signed_urls": true, "mp4_seconds": 0 })).await;
    published_on_two(&world, &world.me()).await;
    let video = state(&world).await;
    assert_eq!(video["require_signed_urls"], true);
    assert!(video["tokens"].as_u64().unwrap() >= 1 && video["fetches"].as_u64().unwrap() >= 2, "{video}");
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn public_makes_a_private_video_public_when_a_platform_fetches_it_and_not_before() {
    let world = World::with(&[("CLOUDFLARE_STREAM_ACCESS", "public")]).await;
    let me = world.me();
    stream(&world, json!({ "require_signed_urls": true, "mp4_seconds": 0 })).await;
    let account = me.account(Login::Tiktok).await;
    let request = ValidatePostsRequest {
        accounts: vec![account],
        content: Some(of_stream(&world, "Only checked")),
        ..Default::default()
    };
    let verdict = me.posts().validate_posts(request).await.expect("an answer").into_inner();
    assert!(verdict.valid, "{verdict:#?}");
    let sent = me.publish(&[account], of_stream(&world, "The core sends it")).await[0];
    me.published(sent).await;
    assert_eq!(state(&world).await["require_signed_urls"], true, "the core reads it by a signed address");
    let fetching = me.account(Login::Instagram).await;
    let fetched = me.publish(&[fetching], of_stream(&world, "Instagram fetches it")).await[0];
    me.published(fetched).await;
    assert_eq!(
        (state(&world).await["require_signed_urls"].clone(), asked(&world, "cloudflare.video_edit")),
        (json!(false), 1)
    );
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_that_may_not_be_made_public_fails_with_the_originals_error() {
    let world = World::with(&[("CLOUDFLARE_STREAM_ACCESS", "public")]).await;
    let me = world.me();
    stream(&world, json!({ "require_signed_urls": true, "mp4_seconds": 0, "edit_refused": true })).await;
    let account = me.account(Login::Instagram).await;
    let id = me.publish(&[account], of_stream(&world, "Not public")).await[0];
    let error = me.failed(id, "VIDEO_NOT_PUBLIC").await.error.expect("a reason");
    assert_eq!(error.rule, "VIDEO_NOT_PUBLIC", "{error:?}");
    assert!(error.remediation.contains("enable downloads"), "{error:?}");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requirements_tell_that_this_core_takes_videos_of_cloudflare() {
    let mut world = World::start().await;
    let schemes = async |world: &World| {
        let mut platforms = PlatformServiceClient::new(world.line(&world.key, Some(1)));
        let request = GetVideoRequirementsRequest { platform: Platform::Tiktok.into() };
        platforms.get_video_requirements(request).await.expect("an answer").into_inner().video_url_schemes
    };
    assert_eq!(schemes(&world).await, ["https", "http", "cloudflare-stream"]);
    for name in ["CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN"] {
        world.unset(name);
    }
    world.restart().await;
    assert_eq!(schemes(&world).await, ["https", "http"]);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_signs_the_addresses_of_public_videos_too() {
    let world = World::with(&[("CLOUDFLARE_STREAM_ACCESS", "signed")]).await;
    stream(&world, json!({ "mp4_seconds": 0 })).await;
    published_on_two(&world, &world.me()).await;
    assert!(asked(&world, "cloudflare.token") >= 1);
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_outlives_the_video_at_cloudflare() {
    let world = World::with(&[("CLOUDFLARE_STREAM_ACCESS", "copy")]).await;
    let me = world.me();
    stream(&world, json!({ "require_signed_urls": true })).await;
    let account = me.account(Login::Tiktok).await;
    let request = schedule(&[account], of_stream(&world, "Copied"), at(world.now() + TimeDelta::hours(3)));
    let post = me.posts().schedule_posts(request).await.expect("accepted").into_inner().posts.swap_remove(0);
    let waits = me.until_unhurried(post.id, "waiting for its MP4", |post| post.waiting_for == "processing").await;
    assert_eq!(waits.error.expect("a reason").rule, "VIDEO_PREPARING");
    let post = me.until(post.id, "copied", |post| !post.media_id.is_empty()).await;
    assert!(post.status() == PostStatus::Scheduled && post.video_url.starts_with("cloudflare-stream:"), "{post:#?}");
    let url = format!("{}/_sim/cloudflare/videos/{UID}", world.sim.url(Host::Control));
    world.http.delete(url).send().await.unwrap();
    me.published(post.id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_post_gets_a_new_signed_address() {
    let world = World::start().await;
    let me = world.me();
    stream(&world, json!({ "require_signed_urls": true, "mp4_seconds": 0 })).await;
    let account = me.account(Login::Instagram).await;
    let request = schedule(&[account], of_stream(&world, "Two days later"), at(world.now() + TimeDelta::hours(48)));
    let id = me.posts().schedule_posts(request).await.expect("accepted").into_inner().posts[0].id;
    assert_eq!(asked(&world, "cloudflare.token"), 1, "looked at when it was created");
    me.published(id).await;
    assert!(asked(&world, "cloudflare.token") >= 2, "the first one had ended");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_uid_says_what_the_video_is() {
    let world = World::start().await;
    let me = world.me();
    stream(&world, json!({ "mp4_seconds": 0 })).await;
    let account = me.account(Login::Tiktok).await;
    let input = of_stream(&world, "Once");
    let first = me.publish(&[account], input.clone()).await[0];
    let again = me.posts().publish_posts(publish(&[account], input)).await.expect("accepted").into_inner();
    assert_eq!((again.posts[0].id, again.existed[0]), (first, true));
    me.published(first).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_that_cannot_be_made_fetchable_is_refused_with_what_to_do() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let cases = [
        ("gone", None, "no video with this uid"),
        ("broken", Some(json!({ "state": "error", "reason": "The file is not a video" })), "The file is not a video"),
        ("refused", Some(json!({ "downloads_refused": true })), "downloads are not enabled"),
        ("failing", Some(json!({ "mp4_seconds": 0, "mp4_fails": 9 })), "could not make the video's MP4"),
    ];
    for (uid, fields, told) in cases {
        if let Some(mut video) = fields {
            video["uid"] = json!(uid);
            world.control("cloudflare/videos", video).await;
        }
        let input = PostContent { video_url: format!("cloudflare-stream:{uid}"), ..content(&world, uid) };
        let refusal = me.refused(me.posts().publish_posts(publish(&[account], input.clone()))).await;
        refusal.is(Code::InvalidArgument, "VIDEO_NOT_PUBLIC").names("content.video_url", "VIDEO_NOT_PUBLIC");
        assert!(refusal.details.contains(told) && refusal.details.contains("remedy"), "{uid}: {refusal:#?}");
        let request = ValidatePostsRequest { accounts: vec![account], content: Some(input), ..Default::default() };
        let verdict = me.posts().validate_posts(request).await.expect("an answer").into_inner();
        assert_eq!(verdict.violations[0].rule, "VIDEO_NOT_PUBLIC", "{uid}");
    }
    assert_eq!(asked(&world, "cloudflare.downloads_delete"), 1, "a failed MP4 is made once more");
    world.advance(TimeDelta::hours(2));
    let input = PostContent { video_url: "cloudflare-stream:failing".into(), ..content(&world, "Hours later") };
    me.refused(me.posts().publish_posts(publish(&[account], input)))
        .await
        .is(Code::InvalidArgument, "VIDEO_NOT_PUBLIC");
    assert_eq!(asked(&world, "cloudflare.downloads_delete"), 2, "and again after an hour");
    let input = PostContent { video_url: "cloudflare-stream:../x".into(), ..content(&world, "No uid") };
    let refusal = me.refused(me.posts().publish_posts(publish(&[account], input))).await;
    refusal.is(Code::InvalidArgument, "INVALID_FIELD").names("content.video_url", "FIELD_MALFORMED");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_mp4_that_fails_once_is_made_again() {
    let world = World::start().await;
    let me = world.me();
    stream(&world, json!({ "mp4_fails": 1, "mp4_seconds": 5 })).await;
    let account = me.account(Login::Tiktok).await;
    let id = me.publish(&[account], of_stream(&world, "At the second try")).await[0];
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_and_an_api_that_is_away_cost_nobody_a_post() {
    let world = World::start().await;
    let me = world.me();
    stream(&world, json!({ "mp4_seconds": 0 })).await;
    let account = me.account(Login::Tiktok).await;
    let request = || publish(&[account], of_stream(&world, "Later"));
    for rules in [json!({ "token_refused": 403 }), json!({ "token_refused": null, "throttled": 1, "flat": true })] {
        world.control("cloudflare/rules", rules).await;
        let refusal = me.refused(me.posts().publish_posts(request())).await;
        refusal.is(Code::Unavailable, "MEDIA_UNREACHABLE");
        assert!(refusal.message.contains("cloudflare"), "{refusal:#?}");
    }
    let id = me.publish(&[account], of_stream(&world, "Later")).await[0];
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probing_looks_at_a_video_of_cloudflare_and_a_core_without_an_account_says_so() {
    let mut world = World::start().await;
    stream(&world, json!({ "mp4_seconds": 0 })).await;
    let probe = async |world: &World| {
        let mut media = MediaServiceClient::new(world.line(&world.key, Some(1)));
        let request = ProbeVideoRequest { video_url: format!("cloudflare-stream:{UID}"), ..Default::default() };
        media.probe_video(request).await.expect("an answer").into_inner()
    };
    let seen = probe(&world).await;
    assert_eq!(seen.facts.expect("it was read").size_bytes, 500_000);
    for name in ["CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN"] {
        world.unset(name);
    }
    world.restart().await;
    let seen = probe(&world).await;
    assert!(seen.violations[0].remedy.contains("CLOUDFLARE_ACCOUNT_ID"), "{seen:#?}");
    world.finish(0).await;
}

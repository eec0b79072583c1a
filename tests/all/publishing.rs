//! Publishing at once, by every login and every way of transfer.

use aurareels_proto::v1::{
    InstagramOptions, InstagramTransfer, PlatformOptions, PostContent, PostStatus, StepOutcome, TikTokOptions,
    TikTokTransfer,
};
use aurareels_simulator::Host;
use aurareels_tests::{Login, World, content, posting::steps};

fn instagram(transfer: InstagramTransfer, content: PostContent) -> PostContent {
    let options = InstagramOptions { transfer: transfer.into(), ..Default::default() };
    PostContent { platform_options: Some(PlatformOptions { instagram: Some(options), tiktok: None }), ..content }
}

fn pull(content: PostContent) -> PostContent {
    let options = TikTokOptions { transfer: TikTokTransfer::PullFromUrl.into(), ..Default::default() };
    PostContent { platform_options: Some(PlatformOptions { tiktok: Some(options), instagram: None }), ..content }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_publishes_on_several_accounts_in_its_order() {
    let world = World::start().await;
    let me = world.me();
    let tiktok = me.account(Login::Tiktok).await;
    let facebook = me.connect(Login::Facebook).await;
    assert_eq!(facebook.len(), 2, "both accounts under one grant");
    let cleo = me.account(Login::Instagram).await;
    let accounts = [facebook[1].id, tiktok, cleo, facebook[0].id];
    let wish = PostContent { hashtags: vec!["one".into(), "#two".into()], ..content(&world, "Hello") };
    let ids = me.publish(&accounts, wish).await;
    for id in &ids {
        let post = me.published(*id).await;
        assert!(!post.platform_post_id.is_empty() && post.published_at.is_some(), "{post:#?}");
        assert_eq!(post.full_caption, "Hello #one #two");
        let all: Vec<_> = post.attempts.iter().flat_map(|attempt| &attempt.steps).collect();
        let visible: Vec<_> = all.iter().filter(|step| step.point_of_no_return).collect();
        assert_eq!(visible.len(), 1, "one point of no return: {all:#?}");
        assert!(all.iter().all(|step| step.outcome() != StepOutcome::Sending), "{all:#?}");
    }
    world.finish(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiktok_takes_an_upload_in_chunks() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let url = format!("{}/v/big.mp4?size=70000000&duration=60", world.sim.url(Host::Media));
    let ids = me.publish(&[account], PostContent { video_url: url, ..content(&world, "Chunks") }).await;
    let post = me.published(ids[0]).await;
    assert_eq!(post.video_size_bytes, Some(70_000_000));
    let visible = world.sim.posts();
    assert_eq!(visible[0].byte_count, Some(70_000_000));
    assert_eq!(world.asked("tiktok.upload_last_chunk"), 1);
    assert!(world.asked("tiktok.upload_chunk") > 1);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiktok_pulls_from_a_url() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let ids = me.publish(&[account], pull(content(&world, "Pulled"))).await;
    let post = me.published(ids[0]).await;
    assert!(steps(&post).contains(&"tiktok.video_init_pull"), "{:?}", steps(&post));
    assert_eq!(world.asked("tiktok.upload_last_chunk"), 0);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instagram_takes_a_url_and_an_upload() {
    let world = World::start().await;
    let me = world.me();
    let facebook = me.account(Login::Facebook).await;
    let by_url = me.publish(&[facebook], instagram(InstagramTransfer::VideoUrl, content(&world, "By URL"))).await;
    me.published(by_url[0]).await;
    assert_eq!(world.asked("meta.upload"), 0);
    let upload = me.publish(&[facebook], instagram(InstagramTransfer::Resumable, content(&world, "By upload"))).await;
    let post = me.published(upload[0]).await;
    assert!(post.platform_post_url.starts_with("https://www.instagram.com/"), "{post:?}");
    assert_eq!(world.succeeded("meta.upload"), 1);
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_checked_and_published_on_demand() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let request = aurareels_proto::v1::CreateDraftRequest {
        account_id: account,
        content: Some(content(&world, "A draft")),
        ..Default::default()
    };
    let draft = me.posts().create_draft(request).await.unwrap().into_inner();
    assert_eq!(draft.status(), PostStatus::Draft);
    assert_eq!(world.asked("meta.container_create"), 0);
    let request = aurareels_proto::v1::PublishPostNowRequest { id: draft.id, expected_scheduled_at: None };
    let answer = me.posts().publish_post_now(request).await.unwrap().into_inner();
    assert_eq!(answer.result(), aurareels_proto::v1::PublishNowResult::Started);
    me.published(draft.id).await;
    world.finish(1).await;
}

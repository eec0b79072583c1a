//! Publishing at once, by every login and every way of transfer.

use aurareels_proto::v1::{
    CancelPostRequest, EventType, InstagramOptions, InstagramTransfer, OnLongCaption, PlatformOptions, Post,
    PostContent, PostStatus, StepOutcome, TikTokOptions, TikTokTransfer,
};
use aurareels_simulator::{Hold, Host, Rule};
use aurareels_tests::{
    Login, World, content,
    fault::{answer, on},
    posting::{publish, steps},
};
use chrono::TimeDelta;
use serde_json::json;
use tonic::Code;

fn instagram(transfer: InstagramTransfer, content: PostContent) -> PostContent {
    let options = InstagramOptions { transfer: transfer.into(), ..Default::default() };
    PostContent {
        platform_options: Some(PlatformOptions { instagram: Some(options), ..Default::default() }),
        ..content
    }
}

fn pull(content: PostContent) -> PostContent {
    let options = TikTokOptions { transfer: TikTokTransfer::PullFromUrl.into(), ..Default::default() };
    PostContent { platform_options: Some(PlatformOptions { tiktok: Some(options), ..Default::default() }), ..content }
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
    let input = PostContent { hashtags: vec!["one".into(), "#two".into()], ..content(&world, "Hello") };
    let ids = me.publish(&accounts, input).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_caption_that_is_too_long_is_cut_when_the_request_says_so() {
    let world = World::start().await;
    let me = world.me();
    let accounts = [me.account(Login::Tiktok).await, me.account(Login::Facebook).await];
    let input = PostContent {
        caption: "Sunset 🌅 over the harbour. ".repeat(120),
        hashtags: vec!["harbour".into(), "sea".into()],
        ..content(&world, "")
    };
    let refusal = me.refused(me.posts().publish_posts(publish(&accounts, input.clone()))).await;
    refusal.is(Code::InvalidArgument, "CAPTION_TOO_LONG");
    let cut = PostContent { on_long_caption: OnLongCaption::Cut.into(), ..input };
    let ids = me.publish(&accounts, cut.clone()).await;
    for id in &ids {
        let post = me.published(*id).await;
        assert_eq!(post.caption, cut.caption, "the caption as it was given is kept");
        let length = post.full_caption.encode_utf16().count();
        assert!((2_150..=2_200).contains(&length), "{length}: {}", post.full_caption);
        assert!(post.full_caption.ends_with("… #harbour #sea"), "{}", post.full_caption);
        let warning = post.warnings.iter().find(|warning| warning.code == "CAPTION_CUT").expect("it says so");
        assert_eq!(warning.field, "content.caption");
        assert!(world.sim.posts().iter().any(|seen| seen.caption == post.full_caption), "{:#?}", world.sim.posts());
    }
    let again = me.posts().publish_posts(publish(&accounts, cut)).await.unwrap().into_inner();
    assert_eq!(again.existed, [true, true], "the same request is the same posts");
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_in_the_creators_inbox_is_delivered_until_the_creator_decides() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let status = |word| json!({ "data": { "status": word }, "error": { "code": "ok", "message": "", "log_id": "1" } });
    // The creator posts one, an hour later, and drops the other.
    for (caption, behaviour, last) in [
        ("Posted", json!({ "processing_seconds": 3_600 }), None),
        ("Dropped", json!({ "outcome": "stuck" }), Some(status("FAILED"))),
    ] {
        world.tiktok("behaviour", behaviour).await;
        let inbox = world.lasting_fault("tiktok.status", answer(200, status("SEND_TO_USER_INBOX"), false));
        let before = world.sim.posts().len();
        let id = me.publish_one(account, caption).await;
        me.until(id, "delivered", |post| post.status() == PostStatus::Delivered).await;
        let refusal = me.refused(me.posts().cancel_post(CancelPostRequest { id })).await;
        refusal.is(Code::FailedPrecondition, "TOO_LATE");
        // It is looked at again and again, and stays what it is.
        let asked = world.asked("tiktok.status");
        let post = me.until(id, "looked at", |_| world.asked("tiktok.status") >= asked + 3).await;
        assert_eq!((post.status(), world.sim.posts().len()), (PostStatus::Delivered, before), "{post:#?}");
        assert_eq!(post.attempts.len(), 1);
        world.sim.remove_fault(inbox);
        match last {
            None => {
                world.advance(TimeDelta::hours(1));
                me.published(id).await;
            }
            Some(word) => {
                world.fault("tiktok.status", answer(200, word, false));
                me.ends(id, PostStatus::Failed).await;
            }
        }
        let events = me.events().await;
        let told = events.iter().filter(|event| event.post_id == id && event.r#type() == EventType::PostStatusChanged);
        let told: Vec<PostStatus> = told.map(|event| event.status()).collect();
        let end = me.get(id).await.status();
        assert_eq!(told, [PostStatus::Delivered, end]);
    }
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_news_that_a_post_is_live_brings_its_link() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    for (number, comment) in ["", "A comment of its own, which comes after the link"].into_iter().enumerate() {
        let options = InstagramOptions { first_comment: comment.into(), ..Default::default() };
        let input = PostContent {
            platform_options: Some(PlatformOptions { instagram: Some(options), ..Default::default() }),
            ..content(&world, &format!("With its link {number}"))
        };
        let id = me.publish(&[account], input).await[0];
        let first = me.until(id, "published", |post| post.status() == PostStatus::Published).await;
        assert!(!first.platform_post_url.is_empty(), "{first:#?}");
        let events = me.events().await;
        let later = events.iter().any(|event| event.post_id == id && event.r#type() == EventType::PostDetails);
        assert!(!later, "its link came later: {events:#?}");
    }
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_takes_its_time_does_not_keep_back_that_a_post_is_live() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let rule = world.sim.add_fault(Rule { times: 0, ..Rule::hold_once(on("meta.media_read"), Hold::Before) });
    let id = world.me().publish_one(account, "Its link later").await;
    // The id is stored while the link is being asked for; whoever takes the post over says at once that it is live.
    let known = |post: &Post| !post.platform_post_id.is_empty();
    let waiting = world.me().until(id, "its id", known).await;
    assert!(waiting.status() == PostStatus::Published || waiting.platform_post_url.is_empty());
    let live = world.me().until(id, "published", |post| post.status() == PostStatus::Published).await;
    assert_eq!(live.platform_post_url, "");
    world.sim.remove_fault(rule);
    world.restart().await;
    let linked = world.me().until(id, "its link", |post| !post.platform_post_url.is_empty()).await;
    assert_eq!((linked.status(), linked.platform_post_id), (PostStatus::Published, live.platform_post_id));
    world.finish(1).await;
}

//! One request says something else on single accounts, in one transaction and under one key.

use aurareels_proto::v1::{
    PlatformOptions, PostContent, PublishPostsRequest, ValidatePostsRequest, Variation, YouTubeOptions,
};
use aurareels_tests::{Login, World, content, posting::publish};
use tonic::Code;

fn variation(account_id: i64, content: PostContent) -> Variation {
    Variation { account_id, content: Some(content), fields: None }
}

fn native(title: &str) -> PostContent {
    let youtube = YouTubeOptions { title: title.into(), ..Default::default() };
    PostContent {
        caption: "All about it, with links".into(),
        platform_options: Some(PlatformOptions { youtube: Some(youtube), ..Default::default() }),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_posts_its_own_caption_and_options_and_a_repeated_request_finds_them() {
    let world = World::start().await;
    let me = world.me();
    let (tiktok, youtube) = (me.account(Login::Tiktok).await, me.account(Login::Youtube).await);
    let request = PublishPostsRequest {
        request_key: "one for both".into(),
        variations: vec![variation(youtube, native("A title of its own"))],
        ..publish(&[tiktok, youtube], content(&world, "Short #fun"))
    };
    let made = me.posts().publish_posts(request.clone()).await.expect("made").into_inner();
    assert_eq!(made.existed, [false, false]);
    for post in &made.posts {
        me.published(post.id).await;
    }
    let shown = |platform: &str| {
        let posts = world.sim.posts();
        posts.iter().find(|post| post.platform == platform).expect("visible").caption.clone()
    };
    assert_eq!(shown("tiktok"), "Short #fun");
    assert_eq!(shown("youtube"), "A title of its own\n\nAll about it, with links");
    let again = me.posts().publish_posts(request.clone()).await.expect("found").into_inner();
    assert_eq!(again.existed, [true, true]);
    let other = PublishPostsRequest { variations: vec![variation(youtube, native("Another title"))], ..request };
    me.refused(me.posts().publish_posts(other)).await.is(Code::InvalidArgument, "REQUEST_KEY_REUSED");
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_variation_refuses_the_whole_request_and_names_its_account() {
    let world = World::start().await;
    let me = world.me();
    let (tiktok, youtube) = (me.account(Login::Tiktok).await, me.account(Login::Youtube).await);
    let with = |variations| PublishPostsRequest { variations, ..publish(&[tiktok, youtube], content(&world, "Short")) };
    let too_long = native(&"x".repeat(101));
    let elsewhere = PostContent { video_url: content(&world, "").video_url, ..Default::default() };
    for (variations, what) in [
        (vec![variation(youtube, too_long)], "a title that is too long"),
        (vec![variation(youtube, elsewhere)], "another video"),
        (vec![variation(4711, native("Fine"))], "an account that is not asked for"),
        (vec![variation(youtube, PostContent::default())], "nothing"),
        (vec![variation(youtube, native("One")), variation(youtube, native("Two"))], "twice"),
    ] {
        let refused = me.posts().publish_posts(with(variations.clone())).await.expect_err(what);
        assert_eq!(refused.code(), Code::InvalidArgument, "{what}: {refused:?}");
        let request = ValidatePostsRequest {
            accounts: vec![tiktok, youtube],
            content: Some(content(&world, "Short")),
            variations,
            ..Default::default()
        };
        match me.posts().validate_posts(request).await {
            Ok(validated) => assert!(!validated.into_inner().violations.is_empty(), "{what}"),
            Err(status) => assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status:?}"),
        }
    }
    assert_eq!(me.all_posts().await.len(), 0, "all or nothing");
    world.finish(0).await;
}

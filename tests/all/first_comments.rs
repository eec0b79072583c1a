//! The first comment of a live post: written once, whatever becomes of its answer, and never at the post's cost.

use aurareels_proto::v1::{
    AccountHealth, FacebookOptions, InstagramOptions, PlatformOptions, Post, PostContent, PostStatus,
    ValidatePostsRequest, Violation, YouTubeOptions,
};
use aurareels_simulator::{Action, When};
use aurareels_tests::{
    Login, World, content,
    fault::{answer, cut},
    posting::steps,
};
use serde_json::json;

const TEXT: &str = "Links are in the first comment: https://example.com #reel";

/// The three platforms that have comments, with the operations of writing one and of reading them.
const PLATFORMS: [(Login, &str, &str); 4] = [
    (Login::Facebook, "meta.comment_create", "meta.comment_list"),
    (Login::Instagram, "meta.comment_create", "meta.comment_list"),
    (Login::Page, "meta.comment_create", "meta.comment_list"),
    (Login::Youtube, "youtube.comments_insert", "youtube.comments_list"),
];

fn commented(content: PostContent, text: &str) -> PostContent {
    let first_comment = text.to_owned();
    let options = PlatformOptions {
        instagram: Some(InstagramOptions { first_comment: first_comment.clone(), ..Default::default() }),
        facebook: Some(FacebookOptions { first_comment: first_comment.clone(), ..Default::default() }),
        youtube: Some(YouTubeOptions { first_comment, ..Default::default() }),
        ..Default::default()
    };
    PostContent { platform_options: Some(options), ..content }
}

fn has_warning(post: &Post, code: &str) -> bool {
    post.warnings.iter().any(|warning| warning.code == code)
}

fn comments(world: &World) -> Vec<String> {
    world.sim.posts().into_iter().flat_map(|post| post.comments).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_platform_gets_the_comment_once() {
    let world = World::start().await;
    let me = world.me();
    let mut accounts = Vec::new();
    for (login, ..) in PLATFORMS {
        accounts.push(me.account(login).await);
    }
    accounts.push(me.account(Login::Tiktok).await);
    let ids = me.publish(&accounts, commented(content(&world, "With a comment"), TEXT)).await;
    for id in &ids[..4] {
        me.published(*id).await;
        let post = me.until(*id, "commented", |post| steps(post).iter().any(|step| step.ends_with(".comment"))).await;
        assert!(post.warnings.iter().all(|warning| warning.code != "FOLLOW_UP_FAILED"), "{post:#?}");
    }
    me.published(ids[4]).await;
    assert_eq!(comments(&world), [TEXT; 4], "TikTok has none");
    world.finish(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_whose_answer_is_lost_is_found_and_not_written_again() {
    let world = World::start().await;
    let me = world.me();
    let mut posts = 0;
    for (login, write, _) in PLATFORMS {
        let account = me.account(login).await;
        for action in [cut(When::After), answer(503, json!({}), true), Action::TruncatedBody] {
            let rule = world.fault(write, action);
            let ids = me.publish(&[account], commented(content(&world, &format!("Lost {posts}")), TEXT)).await;
            me.published(ids[0]).await;
            me.until(ids[0], "found", |post| {
                steps(post).iter().filter(|step| step.ends_with("find_comment")).count() > 1
            })
            .await;
            world.struck(rule);
            posts += 1;
        }
    }
    assert_eq!(comments(&world), vec![TEXT; posts]);
    world.finish(posts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_provably_did_not_arrive_is_written_again() {
    let world = World::start().await;
    let me = world.me();
    let mut posts = 0;
    for (login, write, _) in PLATFORMS {
        let account = me.account(login).await;
        let rule = world.fault(write, cut(When::Before));
        let ids = me.publish(&[account], commented(content(&world, &format!("Cut {posts}")), TEXT)).await;
        me.published(ids[0]).await;
        posts += 1;
        me.until(ids[0], "commented after all", |_| comments(&world).len() == posts).await;
        world.struck(rule);
    }
    world.finish(posts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_cannot_be_written_leaves_the_post_published_with_a_warning() {
    let world = World::start().await;
    let me = world.me();
    for (login, write, _) in PLATFORMS {
        let account = me.account(login).await;
        let refused = match login {
            Login::Youtube => {
                json!({ "error": { "code": 403, "message": "no", "errors": [{ "reason": "commentsDisabled" }] } })
            }
            _ => {
                json!({ "error": { "code": 200, "message": "(#200) Requires a permission", "type": "OAuthException" } })
            }
        };
        let rule = world.fault(write, answer(403, refused, false));
        let ids = me.publish(&[account], commented(content(&world, &format!("Refused {login:?}")), TEXT)).await;
        let post = me.until(ids[0], "warned", |post| has_warning(post, "FOLLOW_UP_FAILED")).await;
        assert_eq!(post.status(), PostStatus::Published, "{post:#?}");
        world.struck(rule);
        let account = me.get_account(account).await;
        assert_eq!(
            account.health(),
            AccountHealth::Ok,
            "a missing permission to comment is no lost login: {account:#?}"
        );
    }
    assert!(comments(&world).is_empty());
    world.finish(PLATFORMS.len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_comments_cannot_be_read_nothing_is_written_again() {
    let world = World::start().await;
    let me = world.me();
    for (login, write, read) in PLATFORMS {
        let account = me.account(login).await;
        let rule = world.fault(write, cut(When::After));
        let ids = me.publish(&[account], commented(content(&world, &format!("Unread {login:?}")), TEXT)).await;
        me.until(ids[0], "written", |post| steps(post).iter().any(|step| step.ends_with(".comment"))).await;
        let blind = world.lasting_fault(read, answer(500, json!({}), false));
        let post = me.until(ids[0], "warned", |post| has_warning(post, "FOLLOW_UP_FAILED")).await;
        assert_eq!(post.status(), PostStatus::Published, "{post:#?}");
        assert_eq!(steps(&post).iter().filter(|step| step.ends_with(".comment")).count(), 1, "{post:#?}");
        world.struck(rule);
        world.struck(blind);
        world.sim.remove_fault(blind);
    }
    assert_eq!(comments(&world), [TEXT; 4]);
    world.finish(PLATFORMS.len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_breaks_a_rule_is_named() {
    let world = World::start().await;
    let me = world.me();
    for (login, field, longest) in [
        (Login::Facebook, "content.platform_options.instagram.first_comment", 2_200),
        (Login::Page, "content.platform_options.facebook.first_comment", 8_000),
        (Login::Youtube, "content.platform_options.youtube.first_comment", 10_000),
    ] {
        let accounts = vec![me.account(login).await];
        let input = commented(content(&world, "Too long"), &"x".repeat(longest + 1));
        let request = ValidatePostsRequest { accounts, content: Some(input), ..Default::default() };
        let answer = me.posts().validate_posts(request).await.expect("an answer").into_inner();
        let is_named = |one: &Violation| one.rule == "FIRST_COMMENT_TOO_LONG" && one.field == field;
        assert!(answer.violations.iter().any(is_named), "{answer:#?}");
    }
    world.finish(0).await;
}

//! Equal captions on one account: each post goes out once and gets its own id, and nobody else's.

use aurareels_proto::v1::{PostContent, PostStatus};
use aurareels_simulator::{Hold, Host, Rule, When};
use aurareels_tests::{
    Login, World, content,
    fault::{cut, on},
};
use chrono::TimeDelta;
use serde_json::json;

const WORDS: &str = "The same words for @everybody";

/// A post whose video has this size, so that the platform's list tells whose it is.
fn of_size(world: &World, size: u64, caption: &str) -> PostContent {
    let video_url = format!("{}/v/{size}.mp4?size={size}&duration=5", world.sim.url(Host::Media));
    PostContent { video_url, ..content(world, caption) }
}

/// The platform's id of the visible post with this size.
fn id_of(world: &World, size: u64) -> String {
    let posts = world.sim.posts();
    let own: Vec<_> = posts.iter().filter(|post| post.byte_count == Some(size)).collect();
    assert_eq!(own.len(), 1, "{posts:#?}");
    own[0].platform_post_id.clone()
}

async fn a_lost_request_beside_an_equal_caption(login: Login, caption_of_the_other: &str) {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(login).await;
    let cut = world.fault("meta.media_publish", cut(When::Before));
    let lost = me.publish(&[account], of_size(&world, 500_001, WORDS)).await[0];
    me.until_unhurried(lost, "confirming", |post| post.status() == PostStatus::Confirming).await;
    world.struck(cut);
    // Another video with the same words goes out without any fault.
    let other = me.publish(&[account], of_size(&world, 500_002, caption_of_the_other)).await[0];
    let told = me.published(other).await;
    assert_eq!(told.platform_post_id, id_of(&world, 500_002));
    let found = me.published(lost).await;
    assert_eq!(found.platform_post_id, id_of(&world, 500_001));
    assert_eq!(me.get(other).await.platform_post_id, id_of(&world, 500_002));
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_request_beside_an_equal_caption_is_neither_lost_nor_called_published_with_its_id() {
    a_lost_request_beside_an_equal_caption(Login::Facebook, WORDS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_are_equal_as_the_list_shows_them() {
    a_lost_request_beside_an_equal_caption(Login::Instagram, "  The same words for everybody\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_of_one_account_do_not_get_each_others_post() {
    let world = World::start().await;
    let (me, you) = (world.me(), world.user(2));
    let (mine, yours) = (me.account(Login::Facebook).await, you.account(Login::Facebook).await);
    world.fault("meta.media_publish", cut(When::Before));
    let lost = me.publish(&[mine], of_size(&world, 500_001, WORDS)).await[0];
    me.until_unhurried(lost, "confirming", |post| post.status() == PostStatus::Confirming).await;
    let other = you.publish(&[yours], of_size(&world, 500_002, WORDS)).await[0];
    you.published(other).await;
    me.published(lost).await;
    assert_eq!(me.get(lost).await.platform_post_id, id_of(&world, 500_001));
    assert_eq!(you.get(other).await.platform_post_id, id_of(&world, 500_002));
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_equal_reel_beside_our_unpublished_container_is_a_persons_matter() {
    let world = World::start().await;
    let me = world.me();
    let accounts = me.connect(Login::Facebook).await;
    let account = &accounts[0];
    world.fault("meta.media_publish", cut(When::Before));
    let id = me.publish(&[account.id], of_size(&world, 500_001, WORDS)).await[0];
    me.until_unhurried(id, "confirming", |post| post.status() == PostStatus::Confirming).await;
    // The owner posts the same words by hand, after ours was sent.
    world.advance(TimeDelta::seconds(5));
    world.meta("media", json!({ "account": account.account_id, "caption": WORDS })).await;
    let post = me.ends(id, PostStatus::NeedsReview).await;
    assert!(post.platform_post_id.is_empty(), "{post:#?}");
    assert_eq!(world.asked("meta.media_publish"), 1, "never sent again beside what might be ours");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_equal_reel_made_while_ours_is_in_flight_is_not_bound() {
    for login in [Login::Facebook, Login::Instagram] {
        let world = World::start().await;
        let me = world.me();
        let accounts = me.connect(login).await;
        let account = &accounts[0];
        let rule = Rule { hold: Some(Hold::Before), ..Rule::once(on("meta.media_publish"), cut(When::Before)) };
        let held = world.sim.add_fault(rule);
        let id = me.publish(&[account.id], of_size(&world, 500_001, WORDS)).await[0];
        world.wait_for("ours in flight", async || (world.sim.fault_fired(held) == Some(1)).then_some(())).await;
        world.advance(TimeDelta::seconds(5));
        world.meta("media", json!({ "account": account.account_id, "caption": WORDS })).await;
        world.sim.release_fault(held);
        let post = me.ends(id, PostStatus::NeedsReview).await;
        assert!(post.platform_post_id.is_empty() && post.platform_post_url.is_empty(), "{login:?}: {post:#?}");
        assert_eq!(world.asked("meta.media_publish"), 1, "{login:?}: never sent again beside what might be ours");
        world.finish(0).await;
    }
}

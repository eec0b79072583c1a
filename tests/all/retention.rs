//! What a running core removes because it is old, and what a removed post still protects.

use aurareels_proto::v1::{GetPostRequest, PostStatus, PublishPostsRequest};
use aurareels_tests::{Login, World, content, posting::publish, refusal::Refusal};
use chrono::TimeDelta;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn old_posts_go_at_the_next_start_and_their_requests_still_make_no_second_post() {
    let mut world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Instagram).await;
    let request = publish(&[account], content(&world, "Long ago"));
    let old = PublishPostsRequest { request_key: "october-1".to_owned(), ..request };
    let id = me.posts().publish_posts(old.clone()).await.expect("taken").into_inner().posts[0].id;
    me.published(id).await;
    let later = me.schedule_one(account, "Next season", world.now() + TimeDelta::days(60)).await;
    world.stop_core().await;
    world.set("AURAREELS_KEEP_POSTS_DAYS", "30");
    world.advance(TimeDelta::days(29));
    world.start_core().await;
    let young = world.me().publish_one(account, "Now").await;
    world.me().published(young).await;
    assert_eq!(world.me().get(id).await.status(), PostStatus::Published, "it is kept for 30 days");

    world.stop_core().await;
    world.advance(TimeDelta::days(2));
    world.start_core().await;
    let gone = async || world.me().posts().get_post(GetPostRequest { id }).await.err();
    let refusal = world.wait_for("the old post is removed", gone).await;
    assert_eq!(refusal.code(), Code::NotFound);
    assert_eq!(world.me().get(later).await.status(), PostStatus::Scheduled);
    assert_eq!(world.me().get(young).await.status(), PostStatus::Published);
    let again = world.me().posts().publish_posts(old).await.expect_err("it was posted");
    Refusal::from(again).is(Code::FailedPrecondition, "POST_REMOVED");
    world.finish(2).await;
}

//! Rows that this release cannot read: quarantined alone, shown as what they are, taken up when they can be read.

use aurareels_proto::v1::{CancelPostRequest, ListPostsRequest, PostStatus};
use aurareels_tests::{Login, World};
use chrono::TimeDelta;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn a_post_with_a_word_of_a_later_release_holds_up_nobody_and_goes_on_when_it_can_be_read() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let due = world.now() + TimeDelta::hours(1);
    let mut ids = Vec::new();
    for caption in ["Before it", "Of a later release", "After it"] {
        ids.push(world.me().schedule_one(account, caption, due).await);
    }
    let [before, strange, after] = ids[..] else { panic!("three posts") };
    world.db.take_status("premiering").await;
    world
        .db
        .damage("UPDATE aurareels_social_posts SET status = 'premiering' WHERE full_caption = 'Of a later release'")
        .await;
    world.me().published(before).await;
    world.me().published(after).await;
    assert_eq!(world.sim.posts().len(), 2);

    let me = world.me();
    let shown = me.get(strange).await;
    assert_eq!((shown.status(), shown.caption.as_str()), (PostStatus::Unspecified, "Of a later release"));
    let error = shown.error.as_ref().expect("a reason");
    assert_eq!(error.code, "ROW_UNREADABLE");
    assert!(error.message.contains("premiering"), "{error:?}");
    let request = ListPostsRequest { page_size: 2, ..ListPostsRequest::default() };
    let page = me.posts().list_posts(request.clone()).await.unwrap().into_inner();
    let request = ListPostsRequest { page_token: page.next_page_token, ..request };
    let rest = me.posts().list_posts(request).await.unwrap().into_inner();
    let mut listed: Vec<i64> = page.posts.iter().chain(&rest.posts).map(|post| post.id).collect();
    listed.sort_unstable();
    assert_eq!(listed, ids);
    let cancel = CancelPostRequest { id: strange };
    me.refused(me.posts().cancel_post(cancel)).await.is(Code::FailedPrecondition, "ROW_UNREADABLE");
    let metrics = world.http.get(format!("{}/metrics", world.url())).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("aurareels_posts_quarantined 1"), "{metrics}");

    world
        .db
        .damage("UPDATE aurareels_social_posts SET status = 'scheduled' WHERE full_caption = 'Of a later release'")
        .await;
    world.restart().await;
    world.me().published(strange).await;
    world.finish(3).await;
}

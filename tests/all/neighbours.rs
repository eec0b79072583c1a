//! Neighbours: what one platform or one account does to the others.

use aurareels_proto::v1::{CancelPostRequest, PostStatus};
use aurareels_simulator::{Filter, Hold, Host, Matcher, Rule, RuleId};
use aurareels_tests::{
    Login, World, content,
    fault::on,
    posting::{at, schedule},
};
use chrono::TimeDelta;
use rstest::rstest;

/// Posts that are worked on at once, in these tests.
const ROOM: &[(&str, &str)] = &[("AURAREELS_CONCURRENCY", "4"), ("AURAREELS_POLL_FIRST_SECONDS", "1")];

/// Holds every such request until the rule is released.
fn hold_all(world: &World, matcher: Matcher) -> RuleId {
    world.sim.add_fault(Rule { times: 0, ..Rule::hold_once(matcher, Hold::Before) })
}

/// A login of each platform, and the host on which its posts are made.
const PLATFORMS: [(Login, Host); 4] = [
    (Login::Tiktok, Host::TikTokApi),
    (Login::Instagram, Host::InstagramGraph),
    (Login::Page, Host::MetaGraph),
    (Login::Youtube, Host::YouTubeApi),
];

#[rstest]
#[case::tiktok(0)]
#[case::instagram(1)]
#[case::facebook(2)]
#[case::youtube(3)]
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_hangs_delays_no_post_of_another(#[case] hanging: usize) {
    let world = World::with(ROOM).await;
    let (login, host) = PLATFORMS[hanging];
    let mut owners = Vec::new();
    for user in 1..=6 {
        let user = world.user(user);
        owners.push((user, user.account(login).await));
    }
    let me = world.me();
    let mut others = Vec::new();
    for (login, _) in PLATFORMS.into_iter().filter(|(other, _)| *other != login) {
        others.push(me.account(login).await);
    }
    let held = hold_all(&world, Matcher { host: Some(host), ..Matcher::default() });
    let mut late = Vec::new();
    for (user, account) in owners {
        for number in 0..2 {
            late.push((user, user.publish_one(account, &format!("Hangs {number}")).await));
        }
    }
    let room_is_full = async || world.sim.fault_fired(held).is_some_and(|fired| fired == 4).then_some(());
    world.wait_for("the platform's room to be full", room_is_full).await;
    for account in others {
        let id = me.publish_one(account, "Elsewhere").await;
        me.until_unhurried(id, "published", |post| post.status() == PostStatus::Published).await;
    }
    let only_four = async || (world.db.pending().await.claimed == 4).then_some(());
    world.wait_for("nothing claimed for which there is no room", only_four).await;
    assert_eq!(world.sim.fault_fired(held), Some(4));
    world.sim.release_fault(held);
    for (user, id) in late {
        user.published(id).await;
    }
    world.finish(15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_hangs_delays_no_post_of_another_account() {
    let world = World::with(ROOM).await;
    let me = world.me();
    let (one, other) = (me.account(Login::Facebook).await, me.account(Login::Instagram).await);
    let platform_id = me.get_account(one).await.account_id;
    let held = hold_all(&world, Matcher { account: Some(platform_id), ..on("meta.container_create") });
    let mut hanging = Vec::new();
    for number in 0..8 {
        hanging.push(me.publish_one(one, &format!("Hangs {number}")).await);
    }
    world.until_asked("meta.container_create", 1).await;
    let id = me.publish_one(other, "Beside").await;
    me.until_unhurried(id, "published", |post| post.status() == PostStatus::Published).await;
    world.sim.release_fault(held);
    for id in hanging {
        me.published(id).await;
    }
    world.finish(9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_more_posts_than_are_claimed_at_once_is_spread() {
    const POSTS: usize = 300;
    let mut world = World::start().await;
    let (account, other) = {
        let me = world.me();
        (me.account(Login::Facebook).await, me.account(Login::Instagram).await)
    };
    let due = world.now() + TimeDelta::minutes(20);
    let mut ids = Vec::new();
    for number in 0..POSTS {
        let request = schedule(&[account], content(&world, &format!("Late {number}")), at(due));
        let made = world.me().posts().schedule_posts(request).await.unwrap().into_inner();
        ids.push(made.posts[0].id);
    }
    let id = world.me().schedule_one(other, "Late too", due + TimeDelta::seconds(1)).await;
    world.stop_core().await;
    world.advance_to(due + TimeDelta::minutes(5));
    world.start_core().await;
    let me = world.me();
    me.published(id).await;
    let wanted = world.db.wanted(account).await;
    assert!(wanted.len() > POSTS / 2, "{} wait for their turns", wanted.len());
    for pair in wanted.windows(2) {
        assert!(pair[1] - pair[0] >= TimeDelta::seconds(5), "{} and {}", pair[0], pair[1]);
    }
    let early = world.sim.requests(&Filter { operation: Some("meta.media_publish".into()), ..Filter::default() });
    assert!(early.len() < POSTS / 2, "{} went out", early.len());
    for id in ids {
        // Those that are on their way stay so.
        let _ = me.posts().cancel_post(CancelPostRequest { id }).await;
    }
    world.idle().await;
    let visible = world.sim.posts().len();
    world.finish(visible).await;
}

//! A platform's word that only the account's owner can help, at every request of a post: the account says so and its owner
//! is asked. The word that refuses the request which makes a post visible counts once it is proven.

use aurareels_proto::v1::{AccountHealth, EventType, PostStatus};
use aurareels_simulator::Action;
use aurareels_tests::{
    Login, User, World,
    fault::answer,
    posting::{at_rest, publish},
};
use serde_json::{Value, json};
use tonic::Code;

/// Graph's answer to a login whose permission was withdrawn.
fn withdrawn() -> Action {
    answer(403, json!({ "error": { "code": 200, "message": "Permissions error", "type": "OAuthException" } }), false)
}

/// TikTok's.
fn unauthorized() -> Action {
    let error = json!({ "code": "scope_not_authorized", "message": "no", "log_id": "x" });
    answer(401, json!({ "error": error }), false)
}

/// How often the owner was asked to connect an account again.
async fn asked(me: &User<'_>) -> usize {
    me.events().await.iter().filter(|event| event.r#type() == EventType::AccountNeedsReconnect).count()
}

async fn the_owner_is_asked(me: &User<'_>, account: i64, times: usize, step: &str) {
    let told = me.get_account(account).await;
    assert_eq!(told.health(), AccountHealth::NeedsReconnect, "{step}: {told:#?}");
    assert!(told.health_reason.contains("connect the account again"), "{step}: {told:#?}");
    assert_eq!(asked(me).await, times, "{step}");
    // What comes next is told so at once, instead of failing later.
    let refusal =
        me.refused(me.posts().publish_posts(publish(&[account], aurareels_tests::content(me.world, "Next")))).await;
    refusal.is(Code::FailedPrecondition, "ACCOUNT_NEEDS_RECONNECT");
}

/// Each request of a post in turn is refused; after that the owner comes back, and a post goes out.
async fn at_every_step(login: Login, refusal: fn() -> Action, steps: &[(&str, PostStatus)]) {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(login).await;
    let mut visible = 0;
    for (number, (step, ends)) in steps.iter().enumerate() {
        let refused = world.lasting_fault(step, refusal());
        let id = me.publish_one(account, &format!("Refused at {step}")).await;
        let waits = |post: &aurareels_proto::v1::Post| at_rest(post) || post.waiting_for == "reconnect";
        let post = me.until(id, "at rest or waiting", waits).await;
        assert_eq!(post.status(), *ends, "{step}: {post:#?}");
        world.struck(refused);
        world.wait_for("the owner is asked", async || (asked(&me).await == number + 1).then_some(())).await;
        the_owner_is_asked(&me, account, number + 1, step).await;
        world.sim.remove_fault(refused);
        me.reconnect(login, Some(account)).await;
        assert_eq!(me.get_account(account).await.health(), AccountHealth::Ok, "{step}");
        if *ends != PostStatus::Failed {
            me.published(id).await;
            visible += 1;
        }
    }
    me.published(me.publish_one(account, "Well again").await).await;
    world.finish(visible + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_permission_asks_for_the_owner_whatever_request_learns_of_it() {
    let steps = [
        ("meta.container_create", PostStatus::Failed),
        ("meta.upload", PostStatus::Failed),
        ("meta.container_status", PostStatus::Failed),
        ("meta.media_publish", PostStatus::Confirming),
        ("meta.media_read", PostStatus::Published),
    ];
    at_every_step(Login::Facebook, withdrawn, &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_scope_asks_for_the_owner_whatever_request_learns_of_it() {
    let steps = [
        ("tiktok.creator_info", PostStatus::Failed),
        ("tiktok.video_init", PostStatus::Failed),
        ("tiktok.status", PostStatus::Confirming),
    ];
    at_every_step(Login::Tiktok, unauthorized, &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_was_a_lie_asks_nobody() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    for error in ["10", "200", "190/458"] {
        world.meta("faults", json!({ "operation": "meta.media_publish", "error": error, "act": true })).await;
        me.published(me.publish_one(account, &format!("Refused by {error}, and live")).await).await;
    }
    assert_eq!(me.get_account(account).await.health(), AccountHealth::Ok);
    assert_eq!(asked(&me).await, 0);
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_true_refusal_asks_once_it_is_proven_and_the_post_goes_out_after_the_owner_came() {
    for error in ["10", "200", "190/458", "190/460", "190/492"] {
        let world = World::start().await;
        let me = world.me();
        let account = me.account(Login::Facebook).await;
        let fault: Value = json!({ "operation": "meta.media_publish", "error": error, "act": false });
        world.meta("faults", fault).await;
        let id = me.publish_one(account, "Refused").await;
        let post = me.until(id, "waiting", |post| at_rest(post) || post.waiting_for == "reconnect").await;
        assert_eq!(post.status(), PostStatus::Confirming, "{error}: {post:#?}");
        the_owner_is_asked(&me, account, 1, error).await;
        me.reconnect(Login::Facebook, Some(account)).await;
        me.published(id).await;
        world.finish(1).await;
    }
}

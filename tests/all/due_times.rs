//! The time of a visible request: never before the post's own, across stops; never long after it, for a post that is
//! found late; at once, when a caller says so.

use aurareels_proto::v1::{
    PostStatus, PublishNowResult, PublishPostNowRequest, RetryPostRequest, SchedulePostsRequest, Scheduler,
};
use aurareels_simulator::Filter;
use aurareels_tests::{
    Login, World, content,
    fault::{answer, cut},
    posting::{at, schedule, steps, timestamp},
    webhook::Webhook,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

/// When the newest request of an operation came in.
fn asked_at(world: &World, operation: &str) -> DateTime<Utc> {
    let all = world.sim.requests(&Filter { operation: Some(operation.into()), ..Filter::default() });
    all.last().expect("a request").time
}

/// Moves both clocks to a time, also backwards.
fn set_clocks(world: &World, time: DateTime<Utc>) {
    world.advance(time - world.now());
}

/// A scheduled post whose visible request stands in the ledger and waits for its time, with all clocks 20 s before it.
/// Posts that left at their time first, because the machine was busy, are counted.
async fn armed(world: &World, login: Login, visible_step: &str) -> (i64, DateTime<Utc>, usize) {
    let me = world.me();
    let account = me.account(login).await;
    for left in 0..20 {
        let due = world.now() + TimeDelta::hours(1);
        let id = me.schedule_one(account, &format!("Armed {left}"), due).await;
        set_clocks(world, due - TimeDelta::minutes(10));
        let asked = if login == Login::Tiktok { "tiktok.video_init" } else { "meta.upload" };
        world.until_asked(asked, left + 1).await;
        world.idle().await;
        set_clocks(world, due - TimeDelta::seconds(60));
        world.idle().await;
        loop {
            // The core records the request in the last 800 ms; the clocks stand still there until it has.
            set_clocks(world, due - TimeDelta::milliseconds(700));
            if me.get(id).await.status() != PostStatus::Scheduled {
                break;
            }
            world.breathe().await;
        }
        set_clocks(world, due - TimeDelta::seconds(20));
        let post = me.get(id).await;
        if post.status() == PostStatus::Publishing && steps(&post).contains(&visible_step) {
            return (id, due, left);
        }
        me.published(id).await;
    }
    panic!("no post was ever armed");
}

async fn a_stop_while_armed_does_not_publish_early(login: Login, visible_step: &str, operation: &str) {
    let mut world = World::start().await;
    let (id, due, left) = armed(&world, login, visible_step).await;
    let before = world.asked(operation);
    world.stop_core().await;
    world.start_core().await;
    world.idle().await;
    let post = world.me().get(id).await;
    assert_eq!((post.status(), post.waiting_for.as_str()), (PostStatus::Publishing, "schedule"), "{post:#?}");
    set_clocks(&world, due - TimeDelta::seconds(3));
    world.idle().await;
    assert_eq!(world.asked(operation), before, "early");
    world.until_asked(operation, before + 1).await;
    let asked = asked_at(&world, operation);
    assert!(asked >= due, "it left {} before its time", due - asked);
    world.me().published(id).await;
    assert!(world.sim.posts().iter().any(|seen| seen.caption == post.caption));
    world.finish(left + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_an_instagram_post_is_armed_does_not_publish_it_early() {
    a_stop_while_armed_does_not_publish_early(Login::Facebook, "instagram.media_publish", "meta.media_publish").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_a_tiktok_post_is_armed_does_not_publish_it_early() {
    a_stop_while_armed_does_not_publish_early(Login::Tiktok, "tiktok.upload_last", "tiktok.upload_last_chunk").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_was_armed_at_a_stop_and_is_found_days_later_is_missed() {
    let mut world = World::start().await;
    let (id, due, left) = armed(&world, Login::Facebook, "instagram.media_publish").await;
    let before = world.asked("meta.media_publish");
    world.stop_core().await;
    set_clocks(&world, due + TimeDelta::days(3));
    world.start_core().await;
    let me = world.me();
    me.failed(id, "MISSED").await;
    assert_eq!(world.asked("meta.media_publish"), before);
    me.posts().retry_post(RetryPostRequest { id }).await.unwrap();
    me.published(id).await;
    world.finish(left + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_whose_clock_is_ahead_publishes_nothing_early() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let due = world.now() + TimeDelta::hours(1);
    let id = me.schedule_one(account, "By a hasty workflow", due).await;
    set_clocks(&world, due - TimeDelta::seconds(5));
    let call = PublishPostNowRequest { id, expected_scheduled_at: Some(timestamp(due)) };
    let answer = me.posts().publish_post_now(call).await.unwrap().into_inner();
    assert_eq!(answer.result(), PublishNowResult::Started);
    me.published(id).await;
    let asked = asked_at(&world, "meta.media_publish");
    assert!(asked >= due, "it left {} before its time", due - asked);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_now_during_the_hand_over_is_done_at_once() {
    for answered in [200, 500] {
        let webhook = Webhook::start().await;
        webhook.answer(answered);
        webhook.hold();
        let world = World::with(&[
            ("N8N_SCHEDULER_WEBHOOK", webhook.url.as_str()),
            ("N8N_API_KEY", "the workflow's own key 0123456789"),
        ])
        .await;
        let me = world.me();
        let account = me.account(Login::Facebook).await;
        let due = world.now() + TimeDelta::hours(9);
        let request = SchedulePostsRequest {
            scheduler: Scheduler::N8n.into(),
            ..schedule(&[account], content(&world, "Now, after all"), at(due))
        };
        let id = me.posts().schedule_posts(request).await.unwrap().into_inner().posts[0].id;
        world.wait_for("the webhook", async || (!webhook.calls().is_empty()).then_some(())).await;
        let call = PublishPostNowRequest { id, expected_scheduled_at: None };
        let answer = me.posts().publish_post_now(call).await.unwrap().into_inner();
        assert_eq!(answer.result(), PublishNowResult::Started);
        webhook.release();
        me.published(id).await;
        let asked = asked_at(&world, "meta.media_publish");
        assert!(due - asked > TimeDelta::hours(8), "{answered}: it left at {asked}, its old time was {due}");
        world.finish(1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_found_late_is_looked_at_soon() {
    let mut world = World::start().await;
    world.meta("behaviour", json!({ "set": { "processing_ms": 15_000 } })).await;
    let account = world.me().account(Login::Facebook).await;
    let due = world.now() + TimeDelta::days(3);
    let id = world.me().schedule_one(account, "Late", due).await;
    world.stop_core().await;
    set_clocks(&world, due + TimeDelta::hours(1));
    world.start_core().await;
    world.me().published(id).await;
    let waited = asked_at(&world, "meta.media_publish") - asked_at(&world, "meta.container_create");
    assert!(waited < TimeDelta::seconds(60), "published {} s after its container", waited.num_seconds());
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_prepare_lead_makes_no_post_late() {
    let world = World::with(&[("AURAREELS_PREPARE_LEAD_SECONDS", "40")]).await;
    world.meta("behaviour", json!({ "set": { "processing_ms": 15_000 } })).await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let due = world.now() + TimeDelta::days(2);
    let id = me.schedule_one(account, "Prepared late", due).await;
    me.published(id).await;
    let asked = asked_at(&world, "meta.media_publish");
    assert!(asked >= due && asked - due < TimeDelta::seconds(30), "{} s late", (asked - due).num_seconds());
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_failed_reads_in_hours_of_processing_cost_a_post_nothing() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    world.meta("behaviour", json!({ "set": { "processing_ms": 12 * 3_600_000 } })).await;
    let id = me.publish_one(account, "Slow").await;
    me.until(id, "processed", |post| post.waiting_for == "processing").await;
    let away = json!({ "error": { "code": 2, "message": "away", "type": "OAuthException", "is_transient": true } });
    for _ in 0..6 {
        world.advance(TimeDelta::hours(1));
        for action in [answer(503, away.clone(), false), cut(aurareels_simulator::When::Before)] {
            let rule = world.fault("meta.container_status", action);
            me.until(id, "refused once", |_| world.sim.fault_fired(rule).is_some_and(|times| times > 0)).await;
            let post = me.until(id, "processed", |post| post.waiting_for == "processing").await;
            assert_eq!((post.status(), post.retry_count), (PostStatus::Publishing, 0), "{post:#?}");
        }
    }
    me.published(id).await;
    world.finish(1).await;
}

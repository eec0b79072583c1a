//! Posts in time: fired when due, prepared before, moved, cancelled, missed, handed over to n8n.

use aurareels_proto::v1::{
    CancelPostRequest, CreateDraftRequest, DeleteDraftRequest, GetPostRequest, Post, PostContent, PostStatus,
    PublishNowResult, PublishPostNowRequest, ReschedulePostRequest, RetryPostRequest, SchedulePostsRequest, Scheduler,
    UpdatePostRequest,
};
use aurareels_simulator::{Filter, Hold};
use aurareels_tests::{
    Login, World, content,
    posting::{at, schedule, steps, timestamp},
    webhook::Webhook,
};
use chrono::TimeDelta;
use prost_types::{FieldMask, Timestamp};
use tonic::Code;

/// When the newest request of an operation came in.
fn asked_at(world: &World, operation: &str) -> chrono::DateTime<chrono::Utc> {
    let all = world.sim.requests(&Filter { operation: Some(operation.into()), ..Filter::default() });
    all.last().expect("a request").time
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_post_is_prepared_before_and_leaves_at_its_time() {
    let world = World::start().await;
    let me = world.me();
    let tiktok = me.account(Login::Tiktok).await;
    let instagram = me.account(Login::Facebook).await;
    let due = world.now() + TimeDelta::minutes(40);
    let request = schedule(&[tiktok, instagram], content(&world, "On time"), at(due));
    let posts = me.posts().schedule_posts(request).await.unwrap().into_inner().posts;
    world.advance_to(due - TimeDelta::minutes(16));
    world.idle().await;
    assert_eq!(world.asked("tiktok.video_init") + world.asked("meta.container_create"), 0, "too early");
    world.advance_to(due - TimeDelta::minutes(14));
    world.until_asked("tiktok.video_init", 1).await;
    world.until_asked("meta.upload", 1).await;
    world.idle().await;
    for post in &posts {
        assert_eq!(me.get(post.id).await.status(), PostStatus::Scheduled);
    }
    world.advance_to(due - TimeDelta::seconds(4));
    world
        .wait_for("workers that wait for the time", async || (world.db.pending().await.claimed == 2).then_some(()))
        .await;
    for operation in ["tiktok.upload_last_chunk", "meta.media_publish"] {
        world.until_asked(operation, 1).await;
        let left = asked_at(&world, operation);
        assert!(left >= due, "{operation} left {} before its time", due - left);
        assert!(left < due + TimeDelta::seconds(5), "{operation} left {} after its time", left - due);
    }
    for post in &posts {
        me.published(post.id).await;
    }
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_moves_with_its_new_time() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let first = world.now() + TimeDelta::hours(2);
    let second = first + TimeDelta::hours(2);
    let id = me.schedule_one(account, "Later", first).await;
    let moved = ReschedulePostRequest { id, scheduled_at: Some(at(second)), revision: None };
    let post = me.posts().reschedule_post(moved.clone()).await.unwrap().into_inner();
    assert_eq!(post.scheduled_at, Some(timestamp(second)));
    let stale = ReschedulePostRequest { revision: Some(post.revision - 1), ..moved };
    me.refused(me.posts().reschedule_post(stale)).await.is(Code::Aborted, "CONCURRENT_CHANGE");
    world.advance_to(first + TimeDelta::minutes(1));
    world.idle().await;
    assert_eq!(world.asked("meta.media_publish"), 0);
    world.advance_to(second);
    me.published(id).await;
    assert!(asked_at(&world, "meta.media_publish") >= second);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_can_be_cancelled_until_its_visible_request() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    // Scheduled.
    let id = me.schedule_one(account, "Never", world.now() + TimeDelta::hours(2)).await;
    for _ in 0..2 {
        let post = me.posts().cancel_post(CancelPostRequest { id }).await.unwrap().into_inner();
        assert_eq!(post.status(), PostStatus::Cancelled, "cancelling twice is harmless");
    }
    // On its way, nothing visible sent.
    let held = world.hold("meta.container_create", Hold::Before);
    let on_its_way = me.publish_one(account, "Never, either").await;
    world.until_asked("meta.container_create", 1).await;
    me.posts().cancel_post(CancelPostRequest { id: on_its_way }).await.unwrap();
    world.sim.release_fault(held);
    me.ends(on_its_way, PostStatus::Cancelled).await;
    // Its visible request is under way: too late.
    let held = world.hold("meta.media_publish", Hold::Before);
    let id = me.publish_one(account, "Too late").await;
    me.until(id, "sent", |post| steps(post).contains(&"instagram.media_publish")).await;
    let refusal = me.refused(me.posts().cancel_post(CancelPostRequest { id })).await;
    refusal.is(Code::FailedPrecondition, "TOO_LATE");
    world.sim.release_fault(held);
    me.published(id).await;
    me.refused(me.posts().cancel_post(CancelPostRequest { id })).await.is(Code::FailedPrecondition, "TOO_LATE");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_now_by_an_old_workflow_does_nothing_and_says_so() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let old = world.now() + TimeDelta::hours(2);
    let id = me.schedule_one(account, "Workflow", old).await;
    let new = old + TimeDelta::hours(1);
    let moved = ReschedulePostRequest { id, scheduled_at: Some(at(new)), revision: None };
    me.posts().reschedule_post(moved).await.unwrap();
    let call = |expected| PublishPostNowRequest { id, expected_scheduled_at: Some(timestamp(expected)) };
    let answer = me.posts().publish_post_now(call(old)).await.unwrap().into_inner();
    assert_eq!(answer.result(), PublishNowResult::Superseded);
    assert_eq!(answer.post.unwrap().status(), PostStatus::Scheduled);
    let answer = me.posts().publish_post_now(call(new)).await.unwrap().into_inner();
    assert_eq!(answer.result(), PublishNowResult::Started);
    let answer = me.posts().publish_post_now(call(new)).await.unwrap().into_inner();
    assert_eq!(answer.result(), PublishNowResult::AlreadyUnderWay);
    me.published(id).await;
    let answer = me.posts().publish_post_now(call(new)).await.unwrap().into_inner();
    assert_eq!(answer.result(), PublishNowResult::AlreadyUnderWay);
    let cancelled = me.schedule_one(account, "Cancelled", world.now() + TimeDelta::hours(9)).await;
    me.posts().cancel_post(CancelPostRequest { id: cancelled }).await.unwrap();
    let call = PublishPostNowRequest { id: cancelled, expected_scheduled_at: None };
    let answer = me.posts().publish_post_now(call).await.unwrap().into_inner();
    assert_eq!(answer.result(), PublishNowResult::Superseded);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_changes_what_was_named_and_is_what_gets_published() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let due = world.now() + TimeDelta::minutes(30);
    let id = me.schedule_one(account, "Before", due).await;
    let seen = me.get(id).await;
    let edit = |caption: &str, revision| UpdatePostRequest {
        id,
        content: Some(PostContent {
            caption: caption.into(),
            video_url: "http://ignored.example/".into(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask { paths: vec!["caption".into()] }),
        revision,
    };
    let post = me.posts().update_post(edit("Between", Some(seen.revision))).await.unwrap().into_inner();
    assert_eq!((post.caption.as_str(), post.video_url == seen.video_url), ("Between", true));
    let refusal = me.refused(me.posts().update_post(edit("Lost", Some(seen.revision)))).await;
    refusal.is(Code::Aborted, "CONCURRENT_CHANGE");
    let nothing = UpdatePostRequest { update_mask: None, ..edit("Lost", None) };
    me.refused(me.posts().update_post(nothing)).await.is(Code::InvalidArgument, "INVALID_FIELD");
    let unknown =
        UpdatePostRequest { update_mask: Some(FieldMask { paths: vec!["status".into()] }), ..edit("Lost", None) };
    me.refused(me.posts().update_post(unknown)).await.is(Code::InvalidArgument, "INVALID_FIELD");
    let long = edit(&"a".repeat(3_000), None);
    me.refused(me.posts().update_post(long)).await.is(Code::InvalidArgument, "CAPTION_TOO_LONG");
    // After it was prepared: what was prepared is left behind.
    world.advance_to(due - TimeDelta::minutes(10));
    world.until_asked("meta.upload", 1).await;
    world.idle().await;
    me.posts().update_post(edit("After", None)).await.unwrap();
    world.advance_to(due);
    let post = me.published(id).await;
    assert_eq!(world.sim.posts()[0].caption, "After");
    let late = me.refused(me.posts().update_post(edit("Too late", None))).await;
    assert_eq!(late.code, Code::FailedPrecondition);
    assert_eq!(post.caption, "After");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_are_scheduled_or_deleted() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let make = |caption: &str| CreateDraftRequest {
        account_id: account,
        content: Some(content(&world, caption)),
        ..Default::default()
    };
    let kept = me.posts().create_draft(make("Kept")).await.unwrap().into_inner();
    let deleted = me.posts().create_draft(make("Deleted")).await.unwrap().into_inner();
    me.posts().delete_draft(DeleteDraftRequest { id: deleted.id }).await.unwrap();
    let gone = GetPostRequest { id: deleted.id };
    me.refused(me.posts().get_post(gone)).await.is(Code::NotFound, "POST_NOT_FOUND");
    let due = world.now() + TimeDelta::hours(1);
    let moved = ReschedulePostRequest { id: kept.id, scheduled_at: Some(at(due)), revision: None };
    let post = me.posts().reschedule_post(moved).await.unwrap().into_inner();
    assert_eq!(post.status(), PostStatus::Scheduled);
    let refusal = me.refused(me.posts().delete_draft(DeleteDraftRequest { id: kept.id })).await;
    refusal.is(Code::FailedPrecondition, "STATUS_FORBIDS");
    world.advance_to(due);
    me.published(kept.id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_found_too_late_is_missed_and_can_be_retried() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let due = world.now() + TimeDelta::hours(1);
    let input = content(&world, "");
    let request = |caption: &str, late| SchedulePostsRequest {
        late_policy_seconds: late,
        ..schedule(&[account], PostContent { caption: caption.into(), ..input.clone() }, at(due))
    };
    let mut posts = world.me().posts();
    let strict = posts.schedule_posts(request("Strict", Some(600))).await.unwrap();
    let patient = posts.schedule_posts(request("Patient", None)).await.unwrap();
    let (strict, patient) = (strict.into_inner().posts[0].id, patient.into_inner().posts[0].id);
    world.stop_core().await;
    world.advance_to(due + TimeDelta::hours(5));
    world.start_core().await;
    let me = world.me();
    me.failed(strict, "MISSED").await;
    me.published(patient).await;
    me.posts().retry_post(RetryPostRequest { id: strict }).await.unwrap();
    me.published(strict).await;
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_disconnected_fails_its_scheduled_posts() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let id = me.schedule_one(account, "Orphan", world.now() + TimeDelta::hours(1)).await;
    let request = aurareels_proto::v1::DisconnectAccountRequest { id: account };
    let answer = me.accounts().disconnect_account(request).await.unwrap().into_inner();
    assert!(answer.revoked && answer.failed_posts == 1, "{answer:#?}");
    assert!(!answer.account.unwrap().is_active);
    assert_eq!(world.succeeded("tiktok.revoke"), 1);
    me.failed(id, "ACCOUNT_DISCONNECTED").await;
    let refusal =
        me.refused(me.posts().publish_posts(aurareels_tests::posting::publish(&[account], content(&world, "x")))).await;
    refusal.is(Code::FailedPrecondition, "ACCOUNT_DISCONNECTED");
    let again = me.connect(Login::Tiktok).await;
    assert_eq!((again[0].id, again[0].is_active), (account, true), "connecting again revives the row");
    me.posts().retry_post(RetryPostRequest { id }).await.unwrap();
    me.published(id).await;
    world.finish(1).await;
}

async fn with_n8n(webhook: &Webhook) -> World {
    World::with(&[
        ("N8N_SCHEDULER_WEBHOOK", webhook.url.as_str()),
        ("N8N_API_KEY", "the workflow's own key 0123456789"),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_gets_the_post_and_publishes_it() {
    let webhook = Webhook::start().await;
    let world = with_n8n(&webhook).await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let due = world.now() + TimeDelta::hours(1);
    let request = SchedulePostsRequest {
        scheduler: Scheduler::N8n.into(),
        ..schedule(&[account], content(&world, "By workflow"), at(due))
    };
    let id = me.posts().schedule_posts(request).await.unwrap().into_inner().posts[0].id;
    world.wait_for("the webhook", async || (!webhook.calls().is_empty()).then_some(())).await;
    let call = webhook.calls().remove(0);
    assert_eq!(call.key.as_deref(), Some("the workflow's own key 0123456789"));
    assert_eq!((call.body["post_id"].as_i64(), call.body["user_id"].as_i64()), (Some(id), Some(1)));
    let told = call.body["scheduled_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(told, due, "to the last digit");
    // A new content is not: the workflow knows the post already.
    let update_mask = Some(FieldMask { paths: vec!["caption".to_owned()] });
    let input = Some(content(&world, "By workflow, edited"));
    let edit = UpdatePostRequest { id, content: input, update_mask, revision: None };
    world.idle().await;
    assert_eq!(me.posts().update_post(edit).await.unwrap().into_inner().waiting_for, "workflow");
    // A new time is handed over again.
    let moved = ReschedulePostRequest { id, scheduled_at: Some(at(due + TimeDelta::hours(1))), revision: None };
    let post = me.posts().reschedule_post(moved).await.unwrap().into_inner();
    world.wait_for("the webhook again", async || (webhook.calls().len() == 2).then_some(())).await;
    world.advance_to(due + TimeDelta::hours(1));
    // The old time's workflow comes too: it is told so, and nothing happens.
    let old = PublishPostNowRequest { id, expected_scheduled_at: Some(timestamp(told)) };
    assert_eq!(me.posts().publish_post_now(old).await.unwrap().into_inner().result(), PublishNowResult::Superseded);
    // JavaScript knows milliseconds only.
    let expected = post.scheduled_at.map(|at| Timestamp { nanos: at.nanos / 1_000_000 * 1_000_000, ..at });
    let now = PublishPostNowRequest { id, expected_scheduled_at: expected };
    assert_eq!(me.posts().publish_post_now(now).await.unwrap().into_inner().result(), PublishNowResult::Started);
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_core_publishes_when_the_workflow_does_not_come_back() {
    let webhook = Webhook::start().await;
    let world = with_n8n(&webhook).await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let due = world.now() + TimeDelta::hours(1);
    let request = SchedulePostsRequest {
        scheduler: Scheduler::N8n.into(),
        ..schedule(&[account], content(&world, "Forgotten"), at(due))
    };
    let id = me.posts().schedule_posts(request).await.unwrap().into_inner().posts[0].id;
    world.wait_for("the webhook", async || (!webhook.calls().is_empty()).then_some(())).await;
    world.idle().await;
    world.advance_to(due + TimeDelta::seconds(100));
    world.idle().await;
    assert_eq!(me.get(id).await.status(), PostStatus::Scheduled, "the workflow still has time");
    world.advance_to(due + TimeDelta::seconds(121));
    me.published(id).await;
    // The workflow comes late: nothing happens.
    let late = PublishPostNowRequest { id, expected_scheduled_at: Some(timestamp(due)) };
    let answer = me.posts().publish_post_now(late).await.unwrap().into_inner();
    assert_eq!(answer.result(), PublishNowResult::AlreadyUnderWay);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_core_publishes_on_time_when_the_hand_over_fails() {
    let webhook = Webhook::start().await;
    webhook.answer(500);
    let world = with_n8n(&webhook).await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let due = world.now() + TimeDelta::minutes(3);
    let request = SchedulePostsRequest {
        scheduler: Scheduler::N8n.into(),
        ..schedule(&[account], content(&world, "On our own"), at(due))
    };
    let id = me.posts().schedule_posts(request).await.unwrap().into_inner().posts[0].id;
    world.wait_for("the webhook", async || (!webhook.calls().is_empty()).then_some(())).await;
    let post = me.published(id).await;
    assert!(
        post.warnings.iter().all(|warning| warning.code != "WORKFLOW_NOT_TOLD"),
        "too late to call again: {post:#?}"
    );
    let left = asked_at(&world, "meta.media_publish");
    assert!(left >= due && left < due + TimeDelta::seconds(5), "{left} {due}");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_away_is_called_again_and_the_post_says_so() {
    let webhook = Webhook::start().await;
    webhook.answer(404);
    let world = with_n8n(&webhook).await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let due = world.now() + TimeDelta::days(1);
    let request = SchedulePostsRequest {
        scheduler: Scheduler::N8n.into(),
        ..schedule(&[account], content(&world, "Later"), at(due))
    };
    let id = me.posts().schedule_posts(request).await.unwrap().into_inner().posts[0].id;
    let told = |post: &Post| post.warnings.iter().any(|warning| warning.code == "WORKFLOW_NOT_TOLD");
    let post = me.until(id, "warned", told).await;
    let warning = post.warnings.iter().find(|warning| warning.code == "WORKFLOW_NOT_TOLD").unwrap();
    assert!(warning.message.contains("404"), "{post:#?}");
    webhook.answer(200);
    me.until(id, "handed over", |post| post.waiting_for == "workflow").await;
    assert!(webhook.calls().len() < 6, "{} calls", webhook.calls().len());
    world.advance_to(due);
    let now = PublishPostNowRequest { id, expected_scheduled_at: None };
    assert_eq!(me.posts().publish_post_now(now).await.unwrap().into_inner().result(), PublishNowResult::Started);
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_workflow_nothing_can_be_handed_to_one() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let request = SchedulePostsRequest {
        scheduler: Scheduler::N8n.into(),
        ..schedule(&[account], content(&world, "Nobody"), at(world.now() + TimeDelta::hours(1)))
    };
    let refused = me.refused(me.posts().schedule_posts(request)).await;
    refused.names("scheduler", "WORKFLOW_NOT_CONFIGURED");
    world.finish(0).await;
}

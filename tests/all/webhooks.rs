//! Webhooks against receivers that work, fail, hang, answer late and die, while cores die too.

use aurareels_core::app::api_keys::Scope;
use aurareels_proto::v1::{self, WebhookDelivery, WebhookDeliveryStatus as Status, WebhookEndpoint};
use aurareels_tests::{
    Login, World,
    posting::User,
    receiver::{Received, Receiver, Reply},
};
use chrono::TimeDelta;
use tonic::Code;

use crate::process::Served;

fn endpoint_request(receiver: &Receiver, types: &[&str]) -> v1::CreateWebhookEndpointRequest {
    v1::CreateWebhookEndpointRequest {
        url: receiver.url.clone(),
        event_types: types.iter().map(|word| (*word).to_owned()).collect(),
        ..v1::CreateWebhookEndpointRequest::default()
    }
}

/// An endpoint of a user with its secret, which must not be found anywhere afterwards.
async fn endpoint(user: User<'_>, receiver: &Receiver, types: &[&str]) -> (WebhookEndpoint, String) {
    let made =
        user.webhooks().create_webhook_endpoint(endpoint_request(receiver, types)).await.expect("created").into_inner();
    user.world.keep_secret(&made.secret);
    (made.endpoint.expect("an endpoint"), made.secret)
}

async fn log(user: User<'_>, endpoint: i64) -> Vec<WebhookDelivery> {
    let request = v1::ListWebhookDeliveriesRequest { endpoint_id: endpoint, ..Default::default() };
    user.webhooks().list_webhook_deliveries(request).await.expect("a list").into_inner().deliveries
}

async fn delivery(user: User<'_>, id: i64) -> WebhookDelivery {
    user.webhooks().get_webhook_delivery(v1::GetWebhookDeliveryRequest { id }).await.expect("a delivery").into_inner()
}

async fn shown(user: User<'_>, id: i64) -> WebhookEndpoint {
    user.webhooks().get_webhook_endpoint(v1::GetWebhookEndpointRequest { id }).await.expect("one").into_inner()
}

/// Waits for so many requests.
async fn received(world: &World, receiver: &Receiver, at_least: usize) -> Vec<Received> {
    world
        .wait_for("webhook requests", async || {
            let received = receiver.received();
            (received.len() >= at_least).then_some(received)
        })
        .await
}

/// Waits until the newest delivery of an endpoint was tried so often.
async fn tried(user: User<'_>, endpoint: i64, times: i32) -> WebhookDelivery {
    user.world
        .wait_for("a try", async || log(user, endpoint).await.into_iter().next().filter(|one| one.try_count >= times))
        .await
}

async fn ends(user: User<'_>, endpoint: i64, status: Status) -> WebhookDelivery {
    user.world
        .wait_for("the end of a delivery", async || {
            log(user, endpoint).await.into_iter().next().filter(|one| one.status() == status)
        })
        .await
}

fn kinds(received: &[Received]) -> Vec<String> {
    received.iter().map(Received::kind).collect()
}

async fn test_event(user: User<'_>, id: i64) -> i64 {
    user.webhooks().send_test_event(v1::SendTestEventRequest { id }).await.expect("made").into_inner().id
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_a_post_arrives_once_in_order_signed_and_as_the_json_api_shows_it() {
    let world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    let receiver = Receiver::start().await;
    let (made, secret) = endpoint(world.me(), &receiver, &[]).await;
    let id = world.me().publish_one(account, "Told to others").await;
    world.me().published(id).await;
    let all = world
        .wait_for("the word that it is published", async || {
            let all = receiver.received();
            all.iter().any(|one| one.kind() == "post.published").then_some(all)
        })
        .await;
    assert_eq!(kinds(&all)[0], "post.created");
    let published = all.iter().find(|one| one.kind() == "post.published").expect("one").json();
    assert_eq!(published["data"]["id"], id);
    assert_eq!(published["data"]["caption"], "Told to others");
    assert_eq!(published["data"]["platform"], "PLATFORM_TIKTOK");
    assert_eq!(published["wp_user_id"], 1);
    assert!(published["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{published}");
    let sequences: Vec<i64> = all.iter().map(|one| one.json()["sequence"].as_i64().expect("a position")).collect();
    assert!(sequences.windows(2).all(|two| two[0] < two[1]), "in order, each once: {sequences:?}");
    for one in &all {
        assert!(one.is_signed_by(&secret), "{one:?}");
        assert!(one.id.starts_with("msg_"), "{one:?}");
        let age = world.now().timestamp() - one.timestamp.parse::<i64>().expect("seconds");
        assert!((0..600).contains(&age), "{one:?}");
    }
    let newest = ends(world.me(), made.id, Status::Delivered).await;
    let told = delivery(world.me(), newest.id).await;
    let sent = all.iter().find(|one| one.id == told.webhook_id);
    assert!(sent.is_none_or(|sent| sent.body == told.body), "the log shows what was sent");
    assert_eq!((told.tries.len(), told.tries[0].status_code, told.tries[0].answer.as_str()), (1, 204, ""));
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_tried_again_with_the_same_id_and_body_until_it_works() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let (made, secret) = endpoint(world.me(), &receiver, &["account.connected"]).await;
    receiver.next(500);
    receiver.next(Reply { status: 302, retry_after: None, location: Some(receiver.url.clone()) });
    receiver.next(Reply { status: 429, retry_after: Some(3_600), location: None });
    world.me().account(Login::Tiktok).await;
    let first = tried(world.me(), made.id, 1).await;
    assert!(shown(world.me(), made.id).await.failing_since.is_some());
    world.advance(TimeDelta::seconds(10));
    tried(world.me(), made.id, 2).await;
    world.advance(TimeDelta::minutes(1));
    let third = tried(world.me(), made.id, 3).await;
    let wait =
        third.next_try_at.expect("a time").seconds - third.last_try.expect("a try").sent_at.expect("one").seconds;
    assert!((3_590..=3_610).contains(&wait), "Retry-After is obeyed: {wait}");
    world.advance(TimeDelta::minutes(61));
    let last = ends(world.me(), made.id, Status::Delivered).await;
    assert_eq!(first.id, last.id);
    let all = receiver.received();
    assert_eq!(all.len(), 4, "the redirect was not followed");
    assert!(all.iter().all(|one| one.id == all[0].id && one.body == all[0].body && one.is_signed_by(&secret)));
    assert!(all[0].timestamp < all[3].timestamp, "the time is that of the try");
    let tries = delivery(world.me(), last.id).await.tries;
    assert_eq!(tries.iter().map(|one| one.status_code).collect::<Vec<_>>(), [500, 302, 429, 204]);
    assert!(tries[1].error.contains("redirects"), "{tries:?}");
    assert_eq!(tries[0].answer, "thank you");
    assert!(shown(world.me(), made.id).await.failing_since.is_none());
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_hangs_costs_the_others_nothing_and_later_events_of_its_post_wait() {
    let world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    let (hanging, good) = (Receiver::start().await, Receiver::start().await);
    hanging.hold();
    let (hung, _) = endpoint(world.me(), &hanging, &[]).await;
    endpoint(world.me(), &good, &[]).await;
    let id = world.me().publish_one(account, "Beside one that hangs").await;
    world.me().published(id).await;
    world
        .wait_for("the good one's events", async || {
            good.received().iter().any(|one| one.kind() == "post.published").then_some(())
        })
        .await;
    assert_eq!(kinds(&hanging.received()), ["post.created"], "one request, and nothing behind it");
    hanging.release();
    let all = world
        .wait_for("the released one's events", async || {
            let all = hanging.received();
            all.iter().any(|one| one.kind() == "post.published").then_some(all)
        })
        .await;
    let count = log(world.me(), hung.id).await.len();
    let sequences: Vec<i64> = all.iter().map(|one| one.json()["sequence"].as_i64().expect("a position")).collect();
    assert!(sequences.is_sorted() && all.len() <= count, "{sequences:?}");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_is_killed_while_a_receiver_is_answering_delivers_after_the_next_start() {
    let mut world = World::start().await;
    let receiver = Receiver::start().await;
    world.stop_core().await;
    let served = Served::start(world.settings(), &world.http).await;
    world.speak_to(&served.url);
    let (made, secret) = endpoint(world.me(), &receiver, &["account.connected"]).await;
    receiver.hold();
    world.me().account(Login::Tiktok).await;
    received(&world, &receiver, 1).await;
    served.kill().await;
    receiver.release();
    world.start_core().await;
    // The claim of the dead core.
    world.advance(TimeDelta::seconds(30));
    let all = received(&world, &receiver, 2).await;
    assert_eq!((&all[0].id, &all[0].body), (&all[1].id, &all[1].body), "the same message");
    assert!(all[1].is_signed_by(&secret));
    let done = ends(world.me(), made.id, Status::Delivered).await;
    assert_eq!(done.try_count, 1, "the try of the dead core is not known");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_core_lets_go_of_what_is_under_way_and_the_next_one_sends_it() {
    let mut world = World::start().await;
    let receiver = Receiver::start().await;
    let (made, _) = endpoint(world.me(), &receiver, &["account.connected"]).await;
    receiver.hold();
    world.me().account(Login::Tiktok).await;
    received(&world, &receiver, 1).await;
    world.restart().await;
    received(&world, &receiver, 2).await;
    receiver.release();
    ends(world.me(), made.id, Status::Delivered).await;
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_sign_while_they_rotate_and_the_old_one_ends() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let (made, old) = endpoint(world.me(), &receiver, &[]).await;
    let overlap = Some(prost_types::Duration { seconds: 3_600, nanos: 0 });
    let request = v1::RotateWebhookSecretRequest { id: made.id, overlap };
    let rotated = world.me().webhooks().rotate_webhook_secret(request).await.expect("rotated").into_inner();
    let new = rotated.secret;
    world.keep_secret(&new);
    assert!(new != old && new.starts_with("whsec_"));
    test_event(world.me(), made.id).await;
    let both = received(&world, &receiver, 1).await.remove(0);
    assert!(both.is_signed_by(&old) && both.is_signed_by(&new), "{both:?}");
    world.advance(TimeDelta::minutes(61));
    test_event(world.me(), made.id).await;
    let one = received(&world, &receiver, 2).await.remove(1);
    assert!(!one.is_signed_by(&old) && one.is_signed_by(&new), "{one:?}");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_is_tried_once_and_can_be_asked_for_again() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let (made, _) = endpoint(world.me(), &receiver, &["post.failed"]).await;
    receiver.next(500);
    let id = test_event(world.me(), made.id).await;
    ends(world.me(), made.id, Status::Failed).await;
    let first = receiver.received().remove(0);
    assert_eq!(first.kind(), "webhook.test");
    assert!(shown(world.me(), made.id).await.failing_since.is_none(), "a test says nothing of days of failures");
    world.me().webhooks().redeliver_webhook(v1::RedeliverWebhookRequest { id }).await.expect("asked");
    ends(world.me(), made.id, Status::Delivered).await;
    let all = receiver.received();
    assert_eq!((all.len(), &all[1].id), (2, &first.id));
    assert_eq!(delivery(world.me(), id).await.tries.len(), 2);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_gone_is_switched_off_its_owner_is_told_and_switches_it_on_again() {
    let world = World::start().await;
    let (receiver, watcher) = (Receiver::start().await, Receiver::start().await);
    let (made, _) = endpoint(world.me(), &receiver, &["account.connected"]).await;
    endpoint(world.me(), &watcher, &["webhook.disabled"]).await;
    receiver.always(410);
    world.me().account(Login::Tiktok).await;
    let told = received(&world, &watcher, 1).await.remove(0).json();
    assert_eq!((&told["type"], &told["data"]["id"]), (&"webhook.disabled".into(), &made.id.into()));
    assert_eq!((&told["reason"], &told["data"]["is_active"]), (&"GONE".into(), &false.into()));
    let events = world.me().events().await;
    let event = events.iter().find(|event| event.r#type() == v1::EventType::WebhookDisabled).expect("an event");
    assert_eq!((event.webhook_id, event.reason.as_str()), (made.id, "GONE"));
    let mut webhooks = world.me().webhooks();
    let refused = world.me().refused(webhooks.send_test_event(v1::SendTestEventRequest { id: made.id })).await;
    refused.is(Code::FailedPrecondition, "WEBHOOK_DISABLED");
    world.me().account(Login::TiktokPrivate).await;
    receiver.always(204);
    let on = v1::UpdateWebhookEndpointRequest {
        id: made.id,
        update_mask: Some(prost_types::FieldMask { paths: vec!["is_active".into()] }),
        is_active: true,
        ..Default::default()
    };
    let on = world.me().webhooks().update_webhook_endpoint(on).await.expect("on").into_inner();
    assert!(on.is_active && on.disabled_reason.is_empty());
    test_event(world.me(), made.id).await;
    let all = received(&world, &receiver, 2).await;
    assert_eq!(kinds(&all), ["account.connected", "webhook.test"], "what happened while it was off is not sent");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_see_their_own_and_the_operators_are_the_operators_alone() {
    let world = World::start().await;
    let (mine, all) = (Receiver::start().await, Receiver::start().await);
    let (own, _) = endpoint(world.me(), &mine, &[]).await;
    let request =
        v1::CreateWebhookEndpointRequest { all_users: true, ..endpoint_request(&all, &["account.connected"]) };
    let made = world.me().webhooks().create_webhook_endpoint(request.clone()).await.expect("made").into_inner();
    world.keep_secret(&made.secret);
    let operators = made.endpoint.expect("one");
    assert_eq!(operators.wp_user_id, 0);
    world.user(2).account(Login::Tiktok).await;
    let told = received(&world, &all, 1).await.remove(0).json();
    assert_eq!((&told["wp_user_id"], &told["data"]["wp_user_id"]), (&2.into(), &2.into()));
    assert!(mine.received().is_empty(), "another user's events");
    // Neither a user's own key with every scope, nor one for any user that may not administer.
    let of_user = world.api_key(&[Scope::Read, Scope::Publish, Scope::Admin], Some(1)).await;
    let for_any = world.api_key(&[Scope::Read, Scope::Publish], None).await;
    for (key, user) in [(&of_user, None), (&for_any, Some(1))] {
        let mut webhooks = world.webhooks_as(key, user);
        let denied = webhooks.create_webhook_endpoint(request.clone()).await.expect_err("denied");
        assert_eq!(denied.code(), Code::PermissionDenied, "{denied:?}");
        let get = v1::GetWebhookEndpointRequest { id: operators.id };
        assert_eq!(webhooks.get_webhook_endpoint(get).await.expect_err("not there").code(), Code::NotFound);
    }
    let id = log(world.me(), operators.id).await[0].id;
    let theirs = world.user(2);
    let get = v1::GetWebhookEndpointRequest { id: own.id };
    assert_eq!(theirs.refused(theirs.webhooks().get_webhook_endpoint(get)).await.reason, "WEBHOOK_NOT_FOUND");
    let redeliver = world.webhooks_as(&of_user, None).redeliver_webhook(v1::RedeliverWebhookRequest { id }).await;
    assert_eq!(redeliver.expect_err("not there").code(), Code::NotFound);
    let delete = v1::DeleteWebhookEndpointRequest { id: own.id };
    assert_eq!(theirs.refused(theirs.webhooks().delete_webhook_endpoint(delete)).await.reason, "WEBHOOK_NOT_FOUND");
    world.me().webhooks().delete_webhook_endpoint(delete).await.expect("deleted");
    let list = v1::ListWebhookEndpointsRequest { all_users: false };
    assert!(
        world.me().webhooks().list_webhook_endpoints(list).await.expect("a list").into_inner().endpoints.is_empty()
    );
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_are_not_public_are_refused_when_given_and_when_sent_to() {
    let mut world = World::start().await;
    let receiver = Receiver::start().await;
    let (made, _) = endpoint(world.me(), &receiver, &[]).await;
    world.set("AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS", "false");
    world.restart().await;
    for url in ["http://example.com/x", "https://127.0.0.1/x", "https://[::1]/x", "https://169.254.169.254/", "nothing"]
    {
        let request = v1::CreateWebhookEndpointRequest { url: url.to_owned(), ..Default::default() };
        let refusal = world.me().refused(world.me().webhooks().create_webhook_endpoint(request)).await;
        assert_eq!(refusal.reason, "INVALID_FIELD", "{url}");
    }
    let unknown = v1::CreateWebhookEndpointRequest {
        url: "https://example.com/".into(),
        ..endpoint_request(&receiver, &["post.liked"])
    };
    assert_eq!(
        world.me().refused(world.me().webhooks().create_webhook_endpoint(unknown)).await.reason,
        "INVALID_FIELD"
    );
    test_event(world.me(), made.id).await;
    let failed = ends(world.me(), made.id, Status::Failed).await;
    let tried = failed.last_try.expect("a try");
    assert!(tried.status_code == 0 && !tried.error.is_empty(), "{tried:?}");
    assert!(receiver.received().is_empty(), "nothing was sent");
    world.finish(0).await;
}

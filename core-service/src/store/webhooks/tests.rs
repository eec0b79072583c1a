//! What deliveries promise, at the rows.

use std::path::Path;

use chrono::TimeDelta;

use super::{
    fan_out::{FannedOut, NewMessage},
    log::{Asked, KEPT},
    sending::{CLAIMED_FOR, Job, Room, Settled},
    *,
};
use crate::{
    domain::{
        ids::Sequence,
        webhook::{Delivery, DeliveryStatus, FAILS_AT_LEAST, FAILS_FOR, Next, OPERATOR, Try, TryOutcome},
    },
    store::plans,
};

const USER: UserId = UserId(1);

struct World {
    _directory: tempfile::TempDir,
    store: Store,
    now: DateTime<Utc>,
    from: Sequence,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = plans::store(Path::new(directory.path()), plans::KEY, &[]).await;
        let now = store.clock().now();
        Self { _directory: directory, store, now, from: Sequence(0) }
    }

    async fn endpoint(&self, owner: UserId, url: &str, filter: EventFilter) -> Endpoint {
        let input = EndpointInput { url: url.into(), description: String::new(), filter };
        match self.store.create_webhook(owner, input, &Secret::new("whsec_AAAA"), self.now).await.unwrap() {
            Kept::Done(endpoint) => endpoint,
            other => panic!("{other:?}"),
        }
    }

    /// An event of a post, taken up.
    async fn event(&mut self, user: UserId, post: i64, event_type: &str) {
        let sequence = Sequence(self.from.0 + 1);
        let message = NewMessage {
            webhook_id: format!("msg_{}", sequence.0),
            sequence,
            event_type: event_type.into(),
            user,
            subject: if post == 0 { String::new() } else { format!("post/{post}") },
            platform: Some(Platform::Tiktok),
            post_id: None,
            account_id: None,
            body: "{}".into(),
        };
        let done = self.store.fan_out(self.from, vec![message.clone()], sequence, self.now).await.unwrap();
        assert_eq!(done, FannedOut::Through(sequence));
        let again = self.store.fan_out(self.from, vec![message], sequence, self.now).await.unwrap();
        assert_eq!(again, FannedOut::Overtaken, "another core finds it done");
        self.from = sequence;
    }

    async fn claim(&self) -> Vec<Job> {
        self.claim_within(Room { all: 9, failing: 9, of_one: 9, ..Room::default() }).await
    }

    async fn claim_within(&self, room: Room) -> Vec<Job> {
        self.store.claim_webhooks(room, "w", self.now).await.unwrap().jobs
    }

    async fn settle(&self, delivery: &Delivery, outcome: TryOutcome, next: Next) -> bool {
        let (sent_at, error) = (self.now, String::new());
        let tried = Try { number: 0, sent_at, duration_ms: 1, status_code: Some(1), answer: "a".into(), error };
        let settled = Settled { tried, outcome, next, is_test: false, pause: None };
        self.store.settle_webhook(delivery, settled, self.now).await.unwrap()
    }

    async fn log(&self, of: &Endpoint) -> Vec<Delivery> {
        self.store.webhook_deliveries(of.id, None, i64::MAX, 100).await.unwrap()
    }
}

const FAILED: TryOutcome = TryOutcome::Failed { retry_after: None };

fn ids(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.delivery.webhook_id.as_str()).collect()
}

#[tokio::test]
async fn a_later_event_of_a_post_waits_until_the_earlier_one_is_delivered_or_given_up() {
    let mut world = World::new().await;
    world.endpoint(USER, "a", EventFilter::default()).await;
    for post in [7, 7, 8, 7] {
        world.event(USER, post, "post.created").await;
    }
    let jobs = world.claim().await;
    assert_eq!(ids(&jobs), ["msg_1", "msg_3"], "the first of each post");
    assert!(world.claim().await.is_empty(), "the others wait, and so do those that are claimed");
    let later = world.now + TimeDelta::hours(1);
    assert!(world.settle(&jobs[0].delivery, FAILED, Next::Again(later)).await);
    assert!(world.claim().await.is_empty(), "its next try is later, and what comes after it waits for that");
    world.now = later;
    let other = world.claim().await;
    assert_eq!(ids(&other), ["msg_3"], "its claim has run out; one at a time, because the endpoint fails");
    assert!(world.settle(&other[0].delivery, TryOutcome::Accepted, Next::Delivered).await);
    let again = world.claim().await;
    assert_eq!(ids(&again), ["msg_1"]);
    assert!(world.settle(&again[0].delivery, FAILED, Next::Failed).await);
    let next = world.claim().await;
    assert_eq!(ids(&next), ["msg_2"], "given up: the next one has its turn");
    assert!(world.settle(&next[0].delivery, TryOutcome::Accepted, Next::Delivered).await);
    assert_eq!(ids(&world.claim().await), ["msg_4"]);
}

#[tokio::test]
async fn a_claim_that_ran_out_is_given_to_another_and_its_holder_writes_nothing() {
    let mut world = World::new().await;
    let endpoint = world.endpoint(USER, "a", EventFilter::default()).await;
    world.event(USER, 7, "post.created").await;
    let dead = world.claim().await.remove(0);
    world.now += CLAIMED_FOR;
    let alive = world.claim().await.remove(0);
    assert_eq!(dead.delivery.webhook_id, alive.delivery.webhook_id, "the same id");
    assert!(!world.settle(&dead.delivery, TryOutcome::Accepted, Next::Delivered).await);
    assert_eq!(world.log(&endpoint).await[0].status, DeliveryStatus::Pending);
    assert!(world.settle(&alive.delivery, TryOutcome::Accepted, Next::Delivered).await);
    let log = world.log(&endpoint).await;
    assert_eq!(
        (log[0].status, log[0].tries, log[0].last_try.as_ref().unwrap().number),
        (DeliveryStatus::Delivered, 1, 1)
    );
}

#[tokio::test]
async fn events_reach_those_who_want_them_and_nobody_else() {
    let mut world = World::new().await;
    let mine = world.endpoint(USER, "a", EventFilter::default()).await;
    let failures = EventFilter { types: vec!["post.failed".into()], platforms: Vec::new() };
    let narrow = world.endpoint(USER, "b", failures).await;
    let elsewhere = EventFilter { types: Vec::new(), platforms: vec![Platform::Youtube] };
    let other_platform = world.endpoint(USER, "c", elsewhere).await;
    let theirs = world.endpoint(UserId(2), "a", EventFilter::default()).await;
    let all = world.endpoint(OPERATOR, "a", EventFilter::default()).await;
    world.event(USER, 7, "post.created").await;
    world.event(UserId(2), 8, "post.failed").await;
    for (endpoint, expected) in [(&mine, 1), (&narrow, 0), (&other_platform, 0), (&theirs, 1), (&all, 2)] {
        assert_eq!(world.log(endpoint).await.len(), expected, "{endpoint:?}");
    }
}

#[tokio::test]
async fn an_endpoint_without_room_is_passed_over() {
    let mut world = World::new().await;
    let slow = world.endpoint(USER, "slow", EventFilter::default()).await;
    let good = world.endpoint(USER, "good", EventFilter::default()).await;
    for post in 1..=3 {
        world.event(USER, post, "post.created").await;
    }
    let room = Room { all: 9, failing: 9, of_one: 2, full: vec![slow.id], ..Room::default() };
    let jobs = world.claim_within(room.clone()).await;
    assert_eq!(jobs.iter().map(|job| job.delivery.endpoint).collect::<Vec<_>>(), [good.id; 2]);
    assert_eq!(world.store.next_webhook_at(&[slow.id, good.id]).await.unwrap(), None);
    let slow_ones = world.claim_within(Room { full: vec![good.id], ..room }).await;
    for job in &slow_ones {
        assert!(world.settle(&job.delivery, FAILED, Next::Again(world.now)).await);
    }
    let room = Room { all: 9, failing: 9, of_one: 9, full: vec![good.id], ..Room::default() };
    assert_eq!(world.claim_within(room).await.len(), 1, "one at a time where the last one failed");
}

#[tokio::test]
async fn what_is_gone_or_fails_for_days_is_switched_off_with_an_event_and_goes_on_when_it_is_switched_on() {
    let mut world = World::new().await;
    let gone = world.endpoint(USER, "gone", EventFilter::default()).await;
    world.event(USER, 7, "post.created").await;
    world.event(USER, 8, "post.created").await;
    let jobs = world.claim().await;
    assert!(world.settle(&jobs[0].delivery, TryOutcome::Gone, Next::Failed).await);
    let off = world.store.webhook(gone.id).await.unwrap().unwrap();
    assert_eq!(off.disabled, Some((Disabled::Gone, world.now)));
    let told = world.store.events_after(USER, Sequence(0), 9).await.unwrap().remove(0);
    assert_eq!((told.event.kind, told.event.webhook_id), (EventKind::WebhookDisabled, Some(gone.id)));
    assert_eq!(told.event.reason.as_deref(), Some("GONE"));
    world.now += CLAIMED_FOR;
    assert!(world.claim().await.is_empty(), "nothing is sent to it");
    assert_eq!(world.store.deliver_webhook_again(jobs[0].delivery.id, world.now).await.unwrap(), Asked::Off);
    let change = EndpointChange { is_active: Some(true), ..EndpointChange::default() };
    world.store.update_webhook(gone.id, change, world.now).await.unwrap();
    let waiting = world.claim().await;
    assert_eq!(ids(&waiting), ["msg_2"], "what waited goes on");
    let mut job = waiting.into_iter().next().unwrap();
    for failure in 1..FAILS_AT_LEAST {
        assert!(world.settle(&job.delivery, FAILED, Next::Again(world.now)).await, "{failure}");
        job = world.claim().await.remove(0);
    }
    world.now += FAILS_FOR;
    job = world.claim().await.remove(0);
    assert!(world.settle(&job.delivery, FAILED, Next::Again(world.now)).await);
    let off = world.store.webhook(gone.id).await.unwrap().unwrap();
    assert_eq!(off.disabled, Some((Disabled::Failing, world.now)));
}

#[tokio::test]
async fn a_delivery_that_ended_is_sent_again_with_its_id_and_one_that_waits_for_its_turn_is_not() {
    let mut world = World::new().await;
    world.endpoint(USER, "a", EventFilter::default()).await;
    world.event(USER, 7, "post.created").await;
    world.event(USER, 7, "post.published").await;
    let first = world.claim().await.remove(0);
    let waiting = world.store.webhook_deliveries(first.delivery.endpoint, None, i64::MAX, 1).await.unwrap().remove(0);
    assert_eq!(world.store.deliver_webhook_again(waiting.id, world.now).await.unwrap(), Asked::WaitsForTurn);
    world.settle(&first.delivery, TryOutcome::Accepted, Next::Delivered).await;
    assert_eq!(world.store.deliver_webhook_again(first.delivery.id, world.now).await.unwrap(), Asked::Due);
    let again = world.claim().await;
    assert_eq!(ids(&again), ["msg_1", "msg_2"]);
    world.settle(&again[0].delivery, TryOutcome::Accepted, Next::Delivered).await;
    let told = world.store.webhook_delivery(first.delivery.id).await.unwrap().unwrap();
    assert_eq!((told.delivery.tries, told.tries.iter().map(|one| one.number).collect::<Vec<_>>()), (1, vec![1, 2]));
}

#[tokio::test]
async fn old_messages_are_removed_and_what_waited_for_them_gets_its_turn() {
    let mut world = World::new().await;
    let endpoint = world.endpoint(USER, "a", EventFilter::default()).await;
    world.event(USER, 7, "post.created").await;
    world.claim().await;
    world.now += KEPT;
    world.event(USER, 7, "post.published").await;
    assert!(!world.store.prune_webhooks(world.now - KEPT + TimeDelta::seconds(1), world.now).await.unwrap());
    assert_eq!(world.log(&endpoint).await.len(), 1);
    assert_eq!(ids(&world.claim().await), ["msg_2"]);
}

#[tokio::test]
async fn a_deleted_endpoint_leaves_nothing_and_its_requests_under_way_write_nothing() {
    let mut world = World::new().await;
    let endpoint = world.endpoint(USER, "a", EventFilter::default()).await;
    world.event(USER, 7, "post.created").await;
    let job = world.claim().await.remove(0);
    assert!(world.store.delete_webhook(endpoint.id, world.now).await.unwrap());
    assert!(!world.store.delete_webhook(endpoint.id, world.now).await.unwrap());
    assert_eq!(world.store.webhook(endpoint.id).await.unwrap(), None);
    while world.store.remove_deleted_webhooks(world.now).await.unwrap() {}
    assert!(!world.settle(&job.delivery, TryOutcome::Accepted, Next::Delivered).await);
    assert!(world.log(&endpoint).await.is_empty());
}

#[tokio::test]
async fn secrets_are_sealed_two_sign_until_the_overlap_ends_and_a_rotation_of_keys_seals_both_anew() {
    let mut world = World::new().await;
    let endpoint = world.endpoint(USER, "a", EventFilter::default()).await;
    let until = world.now + TimeDelta::hours(1);
    let rotated = world.store.rotate_webhook(&endpoint, &Secret::new("whsec_BBBB"), Some(until), world.now).await;
    assert_eq!(rotated.unwrap().unwrap().old_secret_expires_at, Some(until));
    world.event(USER, 0, "webhook.disabled").await;
    world.event(USER, 0, "webhook.disabled").await;
    let signed_by = |job: &Job| job.secrets.as_ref().unwrap().iter().map(|s| s.expose().to_owned()).collect::<Vec<_>>();
    let room = Room { all: 1, failing: 1, of_one: 1, ..Room::default() };
    assert_eq!(signed_by(&world.claim_within(room.clone()).await[0]), ["whsec_BBBB", "whsec_AAAA"]);
    world.now = until;
    assert_eq!(signed_by(&world.claim_within(room).await[0]), ["whsec_BBBB"]);
    let sealed = "SELECT secret, old_secret FROM aurareels_webhook_endpoints WHERE id = ?";
    let row =
        world.store.db.read().await.unwrap().fetch_optional(sealed, &params![endpoint.id.0]).await.unwrap().unwrap();
    for column in ["secret", "old_secret"] {
        let stored = row.text(column).unwrap();
        assert!(crate::secret::key_id_of(&stored).is_some() && !stored.contains("whsec"), "{stored}");
    }
}

#[tokio::test]
async fn the_same_address_twice_and_more_than_there_may_be_are_refused() {
    let world = World::new().await;
    let first = world.endpoint(USER, "0", EventFilter::default()).await;
    let input = |url: String| EndpointInput { url, description: String::new(), filter: EventFilter::default() };
    let secret = Secret::new("whsec_AAAA");
    let create = |url: String| world.store.create_webhook(USER, input(url), &secret, world.now);
    assert_eq!(create("0".into()).await.unwrap(), Kept::SameUrl(first.id));
    for number in 1..MOST {
        assert!(matches!(create(number.to_string()).await.unwrap(), Kept::Done(_)));
    }
    assert_eq!(create("one more".into()).await.unwrap(), Kept::TooMany);
    world.endpoint(UserId(2), "0", EventFilter::default()).await;
}

/// Runs every statement of webhooks, for `plans`.
pub(in crate::store) async fn run_everything(store: &Store, now: DateTime<Utc>) {
    let user = UserId(1);
    let input =
        |url: &str| EndpointInput { url: url.into(), description: String::new(), filter: EventFilter::default() };
    let Kept::Done(endpoint) = store.create_webhook(user, input("a"), &Secret::new("whsec_AAAA"), now).await.unwrap()
    else {
        panic!("not created")
    };
    let from = store.webhooks_from().await.unwrap().unwrap();
    store.wanting_events(&[user]).await.unwrap();
    let message = |sequence: i64| NewMessage {
        webhook_id: format!("msg_{sequence}"),
        sequence: Sequence(sequence),
        event_type: "post.created".into(),
        user,
        subject: "post/1".into(),
        platform: None,
        post_id: None,
        account_id: None,
        body: "{}".into(),
    };
    let messages = vec![message(from.0 + 1), message(from.0 + 2)];
    let reached = Sequence(from.0 + 2);
    store.fan_out(from, messages, reached, now).await.unwrap();
    let full = [EndpointId(99)];
    store.next_webhook_at(&full).await.unwrap();
    let room = Room { all: 9, failing: 9, of_one: 9, full: full.to_vec(), ..Room::default() };
    let claimed = store.claim_webhooks(room.clone(), "w", now).await.unwrap();
    let delivery = claimed.jobs[0].delivery.clone();
    store.release_webhooks(vec![(delivery.id, delivery.fence)], now).await.unwrap();
    store.next_webhook_at(&[]).await.unwrap();
    let room = Room { full: Vec::new(), ..room };
    let delivery = store.claim_webhooks(room.clone(), "w", now).await.unwrap().jobs.remove(0).delivery;
    let tried =
        Try { number: 0, sent_at: now, duration_ms: 1, status_code: None, answer: String::new(), error: "no".into() };
    let failed = TryOutcome::Failed { retry_after: None };
    let settled = Settled { tried, outcome: failed, next: Next::Failed, is_test: false, pause: None };
    store.settle_webhook(&delivery, settled.clone(), now).await.unwrap();
    let next = store.claim_webhooks(room, "w", now).await.unwrap().jobs.remove(0).delivery;
    let accepted = Settled { outcome: TryOutcome::Accepted, next: Next::Delivered, ..settled.clone() };
    store.settle_webhook(&next, accepted, now).await.unwrap();
    for status in [None, Some(DeliveryStatus::Failed)] {
        store.webhook_deliveries(endpoint.id, status, i64::MAX, 10).await.unwrap();
    }
    store.webhook_delivery(delivery.id).await.unwrap().unwrap();
    assert_eq!(store.deliver_webhook_again(delivery.id, now).await.unwrap(), Asked::Due);
    assert_eq!(store.deliver_webhook_again(delivery.id, now).await.unwrap(), Asked::Due);
    store.test_webhook(endpoint.id, "msg_test", "{}".into(), now).await.unwrap().unwrap();
    store.rotate_webhook(&endpoint, &Secret::new("whsec_BBBB"), Some(now), now).await.unwrap().unwrap();
    for is_active in [false, true] {
        let url = Some(format!("{is_active}"));
        let change = EndpointChange { url, is_active: Some(is_active), ..EndpointChange::default() };
        store.update_webhook(endpoint.id, change, now).await.unwrap();
    }
    store.webhooks_of(user).await.unwrap();
    store.webhooks_to_show(&[endpoint.id]).await.unwrap();
    store.prune_webhooks(now + TimeDelta::days(1), now).await.unwrap();
    assert!(store.delete_webhook(endpoint.id, now).await.unwrap());
    while store.remove_deleted_webhooks(now).await.unwrap() {}
}

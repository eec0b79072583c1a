//! WatchPosts and ListPosts: what happened, each thing once; pages that stay whole while posts arrive.

use std::collections::BTreeSet;

use aurareels_proto::v1::{
    EventType, ListPostsRequest, Platform, PostStatus, ReschedulePostRequest, WatchPostsRequest,
    post_service_client::PostServiceClient,
};
use aurareels_tests::{
    Login, World,
    posting::{at, content, schedule, timestamp},
    world::Credential,
};
use chrono::TimeDelta;
use tonic::{Code, service::interceptor::InterceptedService, transport::Endpoint};

use crate::process::Served;

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_resumes_where_it_was() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let id = me.publish_one(account, "Watched").await;
    me.published(id).await;
    world.idle().await;
    let all = me.events().await;
    let of_post: Vec<_> = all.iter().filter(|event| event.post_id == id).collect();
    assert_eq!(of_post[0].r#type(), EventType::PostCreated);
    assert!(of_post.iter().any(|event| event.status() == PostStatus::Published));
    assert!(all.iter().any(|event| event.r#type() == EventType::AccountConnected));
    // From every position, exactly what comes after it.
    for (seen, event) in all.iter().enumerate().take(all.len() - 1) {
        let request = WatchPostsRequest { after_sequence: Some(event.sequence), ..Default::default() };
        let mut stream = me.posts().watch_posts(request).await.unwrap().into_inner();
        let first = stream.message().await.unwrap().unwrap();
        assert!(first.event.is_none(), "the heartbeat comes first");
        assert_eq!(first.position, event.sequence);
        let next = stream.message().await.unwrap().unwrap().event.unwrap();
        assert_eq!(next.sequence, all[seen + 1].sequence);
    }
    // Without a position only what is new; and only what was asked for.
    let request = WatchPostsRequest { types: vec![EventType::PostCreated.into()], ..Default::default() };
    let mut stream = me.posts().watch_posts(request).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let second = me.publish_one(account, "Live").await;
    let event = stream.message().await.unwrap().unwrap().event.unwrap();
    assert_eq!((event.post_id, event.r#type()), (second, EventType::PostCreated));
    assert_eq!(event.post.unwrap().id, second);
    me.published(second).await;
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_older_than_what_is_kept_are_out_of_range() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let id = world.me().publish_one(account, "Old").await;
    world.me().published(id).await;
    let last = world.me().events().await.last().unwrap().sequence;
    world.stop_core().await;
    world.advance(TimeDelta::days(31));
    world.start_core().await;
    let me = world.me();
    let refusal = world
        .wait_for("events are removed", async || {
            let request = WatchPostsRequest { after_sequence: Some(1), ..Default::default() };
            me.posts().watch_posts(request).await.err().map(aurareels_tests::Refusal::from)
        })
        .await;
    refusal.is(Code::OutOfRange, "POSITION_TOO_OLD");
    let oldest: i64 = refusal.metadata["oldest_sequence"].parse().unwrap();
    assert!(oldest >= last, "{refusal:#?}");
    // From there on, and from 0, it goes on.
    for after in [0, oldest] {
        let request = WatchPostsRequest { after_sequence: Some(after), ..Default::default() };
        me.posts().watch_posts(request).await.unwrap();
    }
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_post_once_while_others_arrive() {
    let world = World::start().await;
    let me = world.me();
    let tiktok = me.account(Login::Tiktok).await;
    let instagram = me.account(Login::Facebook).await;
    let begun = world.now();
    let far = begun + TimeDelta::days(20);
    let mut made = BTreeSet::new();
    for number in 0..12 {
        let account = if number % 3 == 0 { tiktok } else { instagram };
        // Several stand at the same time.
        made.insert(me.schedule_one(account, &format!("Post {number}"), far + TimeDelta::minutes(number / 4)).await);
    }
    let mut request = ListPostsRequest { page_size: 5, include_total: true, ..Default::default() };
    let mut seen = Vec::new();
    loop {
        let page = me.posts().list_posts(request.clone()).await.unwrap().into_inner();
        assert!(page.total.is_some_and(|total| total >= 12), "{:?}", page.total);
        seen.extend(page.posts.iter().map(|post| post.id));
        me.schedule_one(instagram, &format!("New {}", seen.len()), far + TimeDelta::days(1)).await;
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let once: BTreeSet<i64> = seen.iter().copied().collect();
    assert_eq!(once.len(), seen.len(), "a post came twice: {seen:?}");
    assert!(made.is_subset(&once), "a post is missing: {seen:?}");
    let list = async |request: ListPostsRequest| me.posts().list_posts(request).await.unwrap().into_inner().posts;
    let page = ListPostsRequest { page_size: 100, ..Default::default() };
    let of_tiktok = list(ListPostsRequest { platform: Platform::Tiktok.into(), ..page.clone() }).await;
    assert_eq!(of_tiktok.len(), 4);
    assert_eq!(list(ListPostsRequest { account_id: tiktok, ..page.clone() }).await.len(), 4);
    let scheduled = ListPostsRequest { statuses: vec![PostStatus::Scheduled.into()], ..page.clone() };
    assert_eq!(list(scheduled).await.len(), seen.len().max(15));
    assert!(list(ListPostsRequest { statuses: vec![PostStatus::Failed.into()], ..page.clone() }).await.is_empty());
    let window = ListPostsRequest {
        from: Some(timestamp(far)),
        until: Some(timestamp(far + TimeDelta::minutes(1))),
        ..page.clone()
    };
    assert_eq!(list(window).await.len(), 4);
    let all = list(page.clone()).await;
    let skipped = list(ListPostsRequest { skip: 3, ..page }).await;
    assert_eq!(skipped[0].id, all[3].id);
    assert!(all.iter().all(|post| post.attempts.is_empty()));
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_beats_and_tells_a_position_to_resume_from() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let request = WatchPostsRequest { types: vec![EventType::PostStatusChanged.into()], ..Default::default() };
    let mut stream = me.posts().watch_posts(request).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert!(first.event.is_none());
    // An event that this watcher did not ask for: nothing is sent for it, but the next heartbeat stands behind it.
    let far = world.now() + TimeDelta::days(1);
    me.schedule_one(account, "Unseen", far).await;
    let created = me.events().await.last().unwrap().sequence;
    // Heartbeats run in real time, every 30 s: the one span of time that a scenario waits for.
    let beat = stream.message().await.unwrap().unwrap();
    assert!(beat.event.is_none(), "{beat:#?}");
    assert!(beat.position >= created && created > first.position, "{first:#?} {created} {beat:#?}");
    let request = WatchPostsRequest { after_sequence: Some(beat.position), ..Default::default() };
    let mut resumed = me.posts().watch_posts(request).await.unwrap().into_inner();
    assert!(resumed.message().await.unwrap().unwrap().event.is_none());
    let second = me.schedule_one(account, "Seen", far).await;
    assert_eq!(resumed.message().await.unwrap().unwrap().event.unwrap().post_id, second);
    world.finish(0).await;
}

/// How often the core has read from its database so far.
async fn reads(world: &World) -> u64 {
    let page = world.http.get(format!("{}/metrics", world.url())).send().await.unwrap().text().await.unwrap();
    let count = page.lines().find_map(|line| line.strip_prefix("aurareels_store_reads_total "));
    count.expect("the core counts its reads").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_costs_the_database_the_same_however_many_watch() {
    const COMMITS: i64 = 20;
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let far = world.now() + TimeDelta::days(1);
    let id = me.schedule_one(account, "Watched by many", far).await;
    let mut streams = Vec::new();
    let mut cost = Vec::new();
    for watchers in [1, 60] {
        while streams.len() < watchers {
            // Every second one is another user's.
            let user = world.user(if streams.len() % 2 == 0 { 1 } else { 2 });
            let mut stream = user.posts().watch_posts(WatchPostsRequest::default()).await.unwrap().into_inner();
            stream.message().await.unwrap().unwrap();
            streams.push(stream);
        }
        let before = reads(&world).await;
        for minutes in 1..=COMMITS {
            let scheduled_at = Some(at(far + TimeDelta::minutes(minutes)));
            let request = ReschedulePostRequest { id, scheduled_at, ..Default::default() };
            me.posts().reschedule_post(request).await.unwrap();
            for stream in streams.iter_mut().step_by(2) {
                let event = stream.message().await.unwrap().unwrap().event.unwrap();
                assert_eq!((event.post_id, event.r#type()), (id, EventType::PostUpdated));
            }
        }
        cost.push(reads(&world).await - before);
    }
    assert!(cost[1] < 2 * cost[0], "{cost:?} reads for {COMMITS} commits with 1 and with 60 watchers");
    drop(streams);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_for_a_while_gets_every_event_once() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let far = world.now() + TimeDelta::days(1);
    let id = me.schedule_one(account, "Moved about", far).await;
    let from = me.events().await.last().unwrap().sequence;
    // Little room on the way: what the client does not take stays with the core.
    let narrow = Endpoint::from_shared(world.url()).unwrap().initial_stream_window_size(4096).connect_lazy();
    let credential = Credential { bearer: world.key.clone(), user: Some(1) };
    let mut slow = PostServiceClient::new(InterceptedService::new(narrow, credential));
    let mut slow = slow.watch_posts(WatchPostsRequest::default()).await.unwrap().into_inner();
    slow.message().await.unwrap().unwrap();
    let mut quick = me.posts().watch_posts(WatchPostsRequest::default()).await.unwrap().into_inner();
    quick.message().await.unwrap().unwrap();
    for minutes in 1..=300 {
        let scheduled_at = Some(at(far + TimeDelta::minutes(minutes)));
        let request = ReschedulePostRequest { id, scheduled_at, ..Default::default() };
        me.posts().reschedule_post(request).await.unwrap();
        quick.message().await.unwrap().unwrap();
    }
    let happened = async || {
        let all = me.events().await.into_iter().map(|event| event.sequence);
        all.filter(|sequence| *sequence > from).collect::<Vec<_>>()
    };
    let mut seen = Vec::new();
    while seen.len() < 300 {
        seen.extend(slow.message().await.unwrap().unwrap().event.map(|event| event.sequence));
    }
    assert_eq!(seen, happened().await);
    // Level with the others again.
    me.schedule_one(account, "Afterwards", far).await;
    seen.push(slow.message().await.unwrap().unwrap().event.unwrap().sequence);
    assert_eq!(seen, happened().await);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_what_another_core_on_the_same_database_commits() {
    let world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let mut stream = world.me().posts().watch_posts(WatchPostsRequest::default()).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let other = Served::start(world.settings(), &world.http).await;
    let channel = Endpoint::from_shared(other.url.clone()).unwrap().connect_lazy();
    let credential = Credential { bearer: world.key.clone(), user: Some(1) };
    let mut there = PostServiceClient::new(InterceptedService::new(channel, credential));
    let far = world.now() + TimeDelta::days(1);
    for caption in ["Made there", "And another"] {
        let request = schedule(&[account], content(&world, caption), at(far));
        let made = there.schedule_posts(request).await.unwrap().into_inner().posts[0].id;
        let event = stream.message().await.unwrap().unwrap().event.unwrap();
        assert_eq!((event.post_id, event.r#type()), (made, EventType::PostCreated));
        assert_eq!(event.post.unwrap().id, made);
    }
    other.terminate().await;
    world.finish(0).await;
}

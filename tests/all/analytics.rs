//! How posts do: read within the platforms' limits, told in common words, and never at a post's cost.

use aurareels_proto::v1::{
    AccountHealth, GetPostAnalyticsRequest, ListAnalyticsRequest, ListAnalyticsResponse, Platform, PostAnalytics,
    SyncPostAnalyticsRequest,
};
use aurareels_simulator::{Action, Hold};
use aurareels_tests::{
    Login, User, World,
    connect::complete,
    fault::answer,
    posting::{time, timestamp},
};
use chrono::TimeDelta;
use serde_json::json;
use tonic::Code;

const ON: (&str, &str) = ("AURAREELS_ANALYTICS", "on");

/// Every login, and the operation that reads its numbers.
const LOGINS: [(Login, &str); 5] = [
    (Login::Tiktok, "tiktok.video_query"),
    (Login::Facebook, "meta.insights"),
    (Login::Instagram, "meta.insights"),
    (Login::Page, "meta.video_insights"),
    (Login::Youtube, "youtube.videos_list"),
];

async fn numbers(me: &User<'_>, post: i64) -> PostAnalytics {
    let request = GetPostAnalyticsRequest { post_id: post };
    me.analytics().get_post_analytics(request).await.expect("numbers").into_inner()
}

async fn sync(me: &User<'_>, post: i64) -> PostAnalytics {
    let request = SyncPostAnalyticsRequest { post_id: post };
    me.analytics().sync_post_analytics(request).await.expect("numbers").into_inner()
}

/// Waits until a post's numbers are as wanted.
async fn until(me: &User<'_>, post: i64, what: &str, wanted: impl Fn(&PostAnalytics) -> bool) -> PostAnalytics {
    me.world.wait_for(what, async || Some(numbers(me, post).await).filter(&wanted)).await
}

async fn list(me: &User<'_>, request: ListAnalyticsRequest) -> ListAnalyticsResponse {
    me.analytics().list_analytics(request).await.expect("a list").into_inner()
}

fn views(of: &PostAnalytics) -> i64 {
    of.numbers.and_then(|numbers| numbers.views).unwrap_or(-1)
}

fn problem(of: &PostAnalytics) -> &str {
    of.problem.as_ref().map_or("", |problem| problem.code.as_str())
}

/// A live post of a login.
async fn live(me: &User<'_>, login: Login, caption: &str) -> (i64, i64) {
    let account = me.account(login).await;
    let post = me.publish_one(account, caption).await;
    me.published(post).await;
    (account, post)
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_every_platform_are_read_by_themselves_and_grow() {
    let world = World::with(&[ON]).await;
    let me = world.me();
    let mut posts = Vec::new();
    for (login, _) in LOGINS {
        posts.push((login, live(&me, login, &format!("{login:?}")).await.1));
    }
    let begin = numbers(&me, posts[0].1).await;
    assert_eq!((begin.numbers, begin.last_synced_at), (None, None), "not read yet is no 0");
    assert!(begin.next_sync_at.is_some());
    world.advance(TimeDelta::minutes(6));
    for (login, post) in &posts {
        let first = until(&me, *post, "a first reading", |of| of.last_synced_at.is_some()).await;
        let told = first.numbers.expect("numbers");
        assert!(told.views.is_some_and(|views| views > 0) && told.likes.is_some(), "{login:?}: {first:#?}");
        assert_eq!(told.shares.is_some(), *login != Login::Youtube, "{login:?}: {first:#?}");
        let is_instagram = matches!(login, Login::Facebook | Login::Instagram);
        assert_eq!(told.saves.is_some(), is_instagram, "{login:?}: {first:#?}");
        assert!(
            first
                .platform_numbers
                .iter()
                .any(|one| one.name.to_lowercase().contains("play") || one.name.to_lowercase().contains("view"))
        );
        assert_eq!(first.problem, None);
    }
    world.advance(TimeDelta::days(2));
    for (login, post) in &posts {
        let later = until(&me, *post, "a later reading", |of| of.history.len() > 1).await;
        assert!(views(&later) > later.history[0].numbers.unwrap().views.unwrap(), "{login:?}: {later:#?}");
        assert!(later.numbers.unwrap().engagement_rate.is_some_and(|rate| rate > 0.0));
    }
    world.advance(TimeDelta::days(40));
    for (_, post) in &posts {
        until(&me, *post, "the end", |of| of.next_sync_at.is_none()).await;
        let before = numbers(&me, *post).await;
        let asked = sync(&me, *post).await;
        assert!(time(&asked.last_synced_at.unwrap()) > time(&before.last_synced_at.unwrap()) - TimeDelta::minutes(1));
        assert_eq!(asked.next_sync_at, None, "one that was asked for begins no new month");
    }
    world.finish(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_is_asked_for_is_made_at_once_and_a_fresh_one_is_not_made_again() {
    let world = World::with(&[ON]).await;
    let me = world.me();
    for (count, (login, operation)) in LOGINS.into_iter().enumerate() {
        let (_, post) = live(&me, login, &format!("asked {login:?}")).await;
        world.advance(TimeDelta::minutes(2));
        let before = world.asked(operation);
        let first = sync(&me, post).await;
        assert!(views(&first) >= 0 && first.problem.is_none(), "{first:#?}");
        let made = world.asked(operation);
        assert!(made > before, "{login:?}");
        assert_eq!(sync(&me, post).await.last_synced_at, first.last_synced_at);
        assert_eq!(world.asked(operation), made, "{login:?} {count}: fresh numbers cost no call");
    }
    world.finish(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_is_missing_is_told_and_reconnecting_mends_it() {
    let world = World::with(&[ON]).await;
    let me = world.me();
    let further = [("form", "1"), ("scope", "user.info.basic"), ("scope", "video.publish")];
    let redirect = me.consent(Login::Tiktok, None, &further).await;
    let connected = me.accounts().complete_connect(complete(Platform::Tiktok, &redirect)).await.unwrap().into_inner();
    let account = connected.accounts[0].id;
    let post = me.publish_one(account, "without a scope").await;
    me.ends(post, aurareels_proto::v1::PostStatus::Published).await;
    let told = sync(&me, post).await;
    assert_eq!(problem(&told), "SCOPE_MISSING", "{told:#?}");
    let why = told.problem.unwrap();
    assert!(why.message.contains("video.list") && why.remediation.contains("connect the account again"), "{why:#?}");
    assert_eq!(world.asked("tiktok.video_query"), 0, "nothing is asked that would be refused");
    assert_eq!(me.get_account(account).await.health(), AccountHealth::Ok, "it still publishes");
    me.reconnect(Login::Tiktok, Some(account)).await;
    until(&me, post, "numbers after all", |of| of.last_synced_at.is_some() && of.problem.is_none()).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_post_is_told_keeps_its_numbers_and_stays_published() {
    let world = World::with(&[ON]).await;
    let me = world.me();
    let (_, tiktok) = live(&me, Login::Tiktok, "to be removed").await;
    let (_, youtube) = live(&me, Login::Youtube, "to be removed too").await;
    world.advance(TimeDelta::hours(30));
    for post in [tiktok, youtube] {
        assert!(views(&sync(&me, post).await) > 0);
    }
    for (platform, post) in [("tiktok", tiktok), ("youtube", youtube)] {
        let id = me.get(post).await.platform_post_id;
        let url = format!("{}/_sim/{platform}/videos/{id}", world.sim.url(aurareels_simulator::Host::Control));
        assert!(world.http.delete(url).send().await.unwrap().status().is_success());
    }
    world.advance(TimeDelta::hours(2));
    for post in [tiktok, youtube] {
        let gone = sync(&me, post).await;
        assert_eq!(problem(&gone), "POST_NOT_SHOWN", "{gone:#?}");
        assert!(views(&gone) > 0, "what was read stays");
        assert_eq!(me.get(post).await.status(), aurareels_proto::v1::PostStatus::Published);
    }
    for _ in 0..5 {
        world.advance(TimeDelta::days(1));
        world.read_what_is_due().await;
    }
    for post in [tiktok, youtube] {
        assert_eq!(numbers(&me, post).await.next_sync_at, None, "it is not looked for any more");
    }
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_publishing_needs_of_youtubes_units_is_left_to_it() {
    let world = World::with(&[ON, ("YOUTUBE_UNITS_PER_DAY", "130")]).await;
    let me = world.me();
    let (account, post) = live(&me, Login::Youtube, "first").await;
    world.advance(TimeDelta::minutes(2));
    // An upload with its second step took more than half of them.
    let waits = sync(&me, post).await;
    let before = world.asked("youtube.videos_list");
    if problem(&waits) != "QUOTA_EXCEEDED" {
        // Some are left within the half; one more post takes them.
        let other = me.publish_one(account, "second").await;
        me.published(other).await;
    }
    world.advance(TimeDelta::minutes(2));
    let waits = sync(&me, post).await;
    assert_eq!(problem(&waits), "QUOTA_EXCEEDED", "{waits:#?}");
    let until = time(&waits.next_sync_at.unwrap()).with_timezone(&chrono_tz::America::Los_Angeles);
    assert_eq!(until.time(), chrono::NaiveTime::MIN, "midnight in California: {until}");
    assert!(world.asked("youtube.videos_list") >= before);
    world.advance_to(time(&waits.next_sync_at.unwrap()) + TimeDelta::minutes(1));
    self::until(&me, post, "the next day's reading", |of| of.problem.is_none() && of.last_synced_at.is_some()).await;
    let visible = world.sim.posts().len();
    world.finish(visible).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_limits_is_left_alone_and_read_later() {
    let world = World::with(&[ON]).await;
    let me = world.me();
    let (_, post) = live(&me, Login::Tiktok, "limited").await;
    world.advance(TimeDelta::minutes(1));
    let error =
        json!({ "error": { "code": "rate_limit_exceeded", "message": "slow down", "log_id": "x" }, "data": {} });
    let rule = world.lasting_fault("tiktok.video_query", answer(429, error, false));
    let limited = sync(&me, post).await;
    assert_eq!(problem(&limited), "RATE_LIMIT_EXCEEDED", "{limited:#?}");
    assert_eq!(world.asked("tiktok.video_query"), 1, "one refusal is enough");
    world.struck(rule);
    world.sim.remove_fault(rule);
    world.advance_to(time(&limited.next_sync_at.unwrap()) + TimeDelta::seconds(1));
    until(&me, post, "numbers", |of| of.problem.is_none() && of.last_synced_at.is_some()).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_while_reading_costs_a_later_reading_and_nothing_else() {
    let world = World::with(&[ON]).await;
    let me = world.me();
    for (login, operation) in LOGINS {
        let (account, post) = live(&me, login, &format!("trouble {login:?}")).await;
        world.advance(TimeDelta::minutes(1));
        for action in [answer(500, json!({}), false), Action::Html { act: false }, Action::TruncatedBody] {
            let rule = world.fault(operation, action);
            world.advance(TimeDelta::minutes(2));
            let failed = sync(&me, post).await;
            assert_eq!(problem(&failed), "PLATFORM_UNAVAILABLE", "{login:?}: {failed:#?}");
            assert!(failed.next_sync_at.is_some());
            world.struck(rule);
        }
        world.advance(TimeDelta::minutes(2));
        assert_eq!(problem(&sync(&me, post).await), "", "{login:?}");
        assert_eq!(me.get_account(account).await.health(), AccountHealth::Ok);
    }
    world.finish(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_under_way_when_the_core_dies_is_made_again() {
    let mut world = World::with(&[ON]).await;
    let post = {
        let me = world.me();
        let (_, post) = live(&me, Login::Youtube, "read twice").await;
        world.hold("youtube.videos_list", Hold::Before);
        let before = world.asked("youtube.videos_list");
        world.advance(TimeDelta::minutes(6));
        world.until_asked("youtube.videos_list", before + 1).await;
        post
    };
    world.restart().await;
    world.advance(TimeDelta::minutes(5));
    let me = world.me();
    until(&me, post, "numbers", |of| of.last_synced_at.is_some()).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_tell_what_was_gained_in_a_window_and_only_of_ones_own_posts() {
    let world = World::with(&[ON]).await;
    let (me, other) = (world.me(), world.user(2));
    let begun = world.now();
    let (account, first) = live(&me, Login::Tiktok, "one").await;
    let second = me.publish_one(account, "two").await;
    me.published(second).await;
    let (_, third) = live(&me, Login::Youtube, "three").await;
    let foreign = live(&other, Login::Facebook, "another's").await.1;
    for _ in 0..3 {
        world.advance(TimeDelta::hours(20));
        for post in [first, second, third] {
            sync(&me, post).await;
        }
    }
    let all = list(&me, ListAnalyticsRequest { since: Some(timestamp(begun)), ..Default::default() }).await;
    let ids: Vec<i64> = all.posts.iter().map(|post| post.post_id).collect();
    assert_eq!(ids, [third, second, first], "the newest first, and nobody else's");
    let sum: i64 = all.posts.iter().map(views).sum();
    let gains = all.gains.expect("gains");
    assert_eq!(gains.total.unwrap().views, Some(sum), "what was gained since they began is all there is");
    let steps: i64 = gains.steps.iter().map(|step| step.numbers.unwrap().views.unwrap_or(0)).sum();
    assert_eq!(steps, sum);
    assert!(gains.steps.len() >= 3, "{gains:#?}");
    assert!(all.posts.iter().all(|post| post.history.is_empty()));
    let of_one = ListAnalyticsRequest {
        social_account_id: account,
        since: Some(timestamp(begun)),
        with_history: true,
        page_size: 1,
        ..Default::default()
    };
    let page = list(&me, of_one.clone()).await;
    assert_eq!(page.posts[0].post_id, second);
    assert!(page.posts[0].history.len() >= 2);
    let next = list(&me, ListAnalyticsRequest { page_token: page.next_page_token, ..of_one.clone() }).await;
    assert_eq!((next.posts[0].post_id, next.next_page_token.as_str(), next.gains), (first, "", None));
    let of_platform = ListAnalyticsRequest { platform: Platform::Youtube.into(), ..Default::default() };
    assert_eq!(list(&me, of_platform).await.posts.len(), 1);
    let theirs = other.refused(other.analytics().list_analytics(of_one)).await;
    theirs.is(Code::NotFound, "ACCOUNT_NOT_FOUND");
    for post in [foreign, 99] {
        let request = GetPostAnalyticsRequest { post_id: post };
        me.refused(me.analytics().get_post_analytics(request)).await.is(Code::NotFound, "POST_NOT_FOUND");
        let request = SyncPostAnalyticsRequest { post_id: post };
        me.refused(me.analytics().sync_post_analytics(request)).await.is(Code::NotFound, "POST_NOT_FOUND");
    }
    let wrong =
        ListAnalyticsRequest { since: Some(timestamp(begun)), until: Some(timestamp(begun)), ..Default::default() };
    me.refused(me.analytics().list_analytics(wrong)).await.is(Code::InvalidArgument, "INVALID_FIELD");
    world.finish(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_published_posts_have_numbers_and_a_core_without_analytics_says_so() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Youtube).await;
    let scheduled = me.schedule_one(account, "later", world.now() + TimeDelta::days(1)).await;
    let request = GetPostAnalyticsRequest { post_id: scheduled };
    me.refused(me.analytics().get_post_analytics(request)).await.is(Code::FailedPrecondition, "STATUS_FORBIDS");
    let post = me.publish_one(account, "live").await;
    me.until_unhurried(post, "published", |post| post.status() == aurareels_proto::v1::PostStatus::Published).await;
    let request = SyncPostAnalyticsRequest { post_id: post };
    me.refused(me.analytics().sync_post_analytics(request)).await.is(Code::FailedPrecondition, "UNSUPPORTED");
    assert_eq!(numbers(&me, post).await.numbers, None);
    me.posts().cancel_post(aurareels_proto::v1::CancelPostRequest { id: scheduled }).await.unwrap();
    world.finish(1).await;
}

//! Refreshing, checking and disconnecting accounts, and what an account may do.

use std::collections::HashSet;

use aurareels_proto::v1::*;
use aurareels_tests::{Login, Refusal, World, connect::complete, posting::time};
use chrono::TimeDelta;
use serde_json::json;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn partial_consent_is_noticed() {
    let world = World::start().await;
    let me = world.me();
    let further = [("form", "1"), ("scope", "user.info.basic"), ("scope", "video.publish")];
    let redirect = me.consent(Login::Tiktok, None, &further).await;
    let request = complete(Platform::Tiktok, &redirect);
    let answer = me.accounts().complete_connect(request).await.unwrap().into_inner();
    assert!(answer.missing_scope.contains(&"video.list".to_owned()), "{answer:#?}");
    assert_eq!(answer.accounts[0].missing_scope, answer.missing_scope);
    assert_eq!(me.get_account(answer.accounts[0].id).await.missing_scope, answer.missing_scope, "told later too");
    // Without the one that publishes, the login is of no use.
    let redirect = me.consent(Login::TiktokPrivate, None, &[("form", "1"), ("scope", "user.info.basic")]).await;
    let request = complete(Platform::Tiktok, &redirect);
    let refusal = me.refused(me.accounts().complete_connect(request)).await;
    assert_eq!(refusal.reason, "SCOPE_MISSING", "{refusal:#?}");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirect_addresses_and_identities_are_compared() {
    let world = World::with(&[("AURAREELS_REDIRECT_URIS", "https://wordpress.example/callback")]).await;
    let me = world.me();
    let ask = |redirect_uri: &str| ConnectAccountRequest {
        platform: Platform::Tiktok.into(),
        redirect_uri: redirect_uri.into(),
        ..Default::default()
    };
    me.accounts().connect_account(ask("https://wordpress.example/callback")).await.unwrap();
    let refusal = me.refused(me.accounts().connect_account(ask("https://evil.example/callback"))).await;
    assert_eq!(refusal.code, Code::InvalidArgument, "{refusal:#?}");
    let nothing = ConnectAccountRequest { platform: 0, ..ask("") };
    me.refused(me.accounts().connect_account(nothing)).await.is(Code::InvalidArgument, "INVALID_FIELD");
    let account = me.account(Login::Tiktok).await;
    let redirect = me.consent(Login::TiktokPrivate, Some(account), &[]).await;
    let request = complete(Platform::Tiktok, &redirect);
    me.refused(me.accounts().complete_connect(request)).await.is(Code::FailedPrecondition, "IDENTITY_MISMATCH");
    assert_eq!(me.list_accounts().await.len(), 1);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_refreshed_on_demand_and_dead_logins_are_told() {
    let world = World::start().await;
    let me = world.me();
    let tiktok = me.account(Login::Tiktok).await;
    let refresh = |id, only_if_needed| RefreshTokenRequest { id, only_if_needed };
    let answer = me.accounts().refresh_token(refresh(tiktok, true)).await.unwrap().into_inner();
    assert_eq!(answer.result(), RefreshResult::StillValid);
    assert_eq!(world.asked("tiktok.refresh"), 0);
    let answer = me.accounts().refresh_token(refresh(tiktok, false)).await.unwrap().into_inner();
    assert_eq!(answer.result(), RefreshResult::Refreshed);
    world.advance(TimeDelta::minutes(100));
    let answer = me.accounts().refresh_token(refresh(tiktok, true)).await.unwrap().into_inner();
    assert_eq!(answer.result(), RefreshResult::Refreshed, "a quarter of two hours is left");
    assert!(answer.expires_at.is_some() && answer.account.unwrap().last_token_refresh.is_some());
    // Ten at once ask the platform once at a time, and none kills another's token.
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let mut accounts = me.accounts();
            tokio::spawn(async move { accounts.refresh_token(refresh(tiktok, false)).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(world.asked("tiktok.refresh"), world.succeeded("tiktok.refresh"));
    let account = me.accounts().check_account(CheckAccountRequest { id: tiktok }).await.unwrap().into_inner();
    assert_eq!(account.health(), AccountHealth::Ok);
    // The token was refreshed a moment ago, and the answer is the platform's all the same.
    world.tiktok("tokens/kill", json!({ "account": "-000tiktok-creator-one" })).await;
    let account = me.accounts().check_account(CheckAccountRequest { id: tiktok }).await.unwrap().into_inner();
    assert_eq!(account.health(), AccountHealth::NeedsReconnect);
    assert!(!account.health_reason.is_empty());
    let refusal = me
        .refused(
            me.posts()
                .publish_posts(aurareels_tests::posting::publish(&[tiktok], aurareels_tests::content(&world, "x"))),
        )
        .await;
    refusal.is(Code::FailedPrecondition, "ACCOUNT_NEEDS_RECONNECT");
    let events = me.events().await;
    assert!(events.iter().any(|event| event.r#type() == EventType::AccountNeedsReconnect));
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_words_on_options_and_quota_come_through() {
    let world = World::start().await;
    let me = world.me();
    let private = me.account(Login::TiktokPrivate).await;
    let facebook = me.account(Login::Facebook).await;
    let options =
        me.accounts().get_publish_options(GetPublishOptionsRequest { id: private }).await.unwrap().into_inner();
    assert_eq!(options.privacy_level_options, ["FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]);
    assert!(options.can_post && options.max_video_post_duration_sec == 600, "{options:#?}");
    let post = me.publish_one(facebook, "One of fifty").await;
    me.published(post).await;
    let quota = me.accounts().get_quota(GetQuotaRequest { id: facebook }).await.unwrap().into_inner();
    assert_eq!((quota.used, quota.total, quota.published_by_aurareels), (Some(1), Some(50), 1), "{quota:#?}");
    assert_eq!(quota.window_seconds, 86_400);
    let platforms = world.platforms().list_platforms(ListPlatformsRequest {}).await.unwrap().into_inner().platforms;
    assert!(platforms.iter().all(|platform| platform.configured), "{platforms:#?}");
    let request = GetVideoRequirementsRequest { platform: Platform::Tiktok.into() };
    let rules = world.platforms().get_video_requirements(request).await.unwrap().into_inner();
    assert_eq!((rules.max_caption_length, rules.caption_unit()), (2_200, CaptionUnit::Utf16));
    for (platform, unit) in [(Platform::Facebook, CaptionUnit::Utf16), (Platform::Youtube, CaptionUnit::Bytes)] {
        let request = GetVideoRequirementsRequest { platform: platform.into() };
        let rules = world.platforms().get_video_requirements(request).await.unwrap().into_inner();
        assert_eq!(rules.caption_unit(), unit, "{platform:?}");
    }
    let refused = world.platforms().get_video_requirements(GetVideoRequirementsRequest { platform: 0 }).await;
    Refusal::from(refused.unwrap_err()).is(Code::InvalidArgument, "INVALID_FIELD");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_originals_daily_limit_waits_when_it_is_switched_on() {
    let world = World::with(&[("AURAREELS_DAILY_POSTS_PER_USER", "1")]).await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let first = me.publish_one(account, "One a day").await;
    me.published(first).await;
    let quota = me.accounts().get_quota(GetQuotaRequest { id: account }).await.unwrap().into_inner();
    assert_eq!((quota.daily_limit, quota.daily_remaining), (Some(1), Some(0)));
    let second = me.publish_one(account, "Two a day").await;
    let post = me.until(second, "waiting", |post| post.waiting_for == "daily_limit").await;
    assert_eq!(post.error.as_ref().map(|error| error.code.as_str()), Some("DAILY_LIMIT_REACHED"), "{post:#?}");
    let begun = world.now();
    me.published(second).await;
    assert!(world.now() - begun > TimeDelta::hours(23));
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_that_are_ready_at_once_never_exceed_the_daily_limit_and_follow_in_order_as_room_comes() {
    let mut world = World::with(&[("AURAREELS_DAILY_POSTS_PER_USER", "2")]).await;
    let account = world.me().account(Login::Facebook).await;
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(world.me().publish_one(account, &format!("Number {number}")).await);
    }
    let waiting = async |world: &World| {
        let mut waiting = Vec::new();
        for id in &ids {
            if world.me().get(*id).await.waiting_for == "daily_limit" {
                waiting.push(*id);
            }
        }
        waiting
    };
    let first = world
        .wait_for("four that wait", async || {
            let pending = world.db.pending().await;
            let all = waiting(&world).await;
            if all.len() == 4 {
                return Some(all);
            }
            world.hurry(pending).await;
            None
        })
        .await;
    let quota = world.me().accounts().get_quota(GetQuotaRequest { id: account }).await.unwrap().into_inner();
    assert_eq!((quota.daily_limit, quota.daily_remaining), (Some(2), Some(0)));
    assert!(world.sim.posts().len() <= 2);
    world.restart().await;
    assert_eq!(waiting(&world).await, first, "a restart gives nobody a place");
    let mut times = Vec::new();
    for id in &ids {
        let post = world.me().published(*id).await;
        times.push((time(post.published_at.as_ref().unwrap()), *id));
    }
    times.sort_unstable();
    for day in times.windows(3) {
        assert!(day[2].0 - day[0].0 > TimeDelta::hours(23), "three within a day: {times:?}");
    }
    // Two places a day: who is earlier in the queue goes out on the earlier day.
    let waited: Vec<_> = times.iter().map(|(_, id)| *id).collect();
    let days: Vec<HashSet<i64>> = waited.chunks(2).map(|day| day.iter().copied().collect()).collect();
    let in_order: Vec<_> = ids.iter().copied().filter(|id| first.contains(id)).collect();
    assert_eq!(days[1..], in_order.chunks(2).map(|day| day.iter().copied().collect()).collect::<Vec<_>>(), "{times:?}");
    world.finish(6).await;
}

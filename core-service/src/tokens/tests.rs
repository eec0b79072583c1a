use chrono::TimeDelta;
use futures_util::future::join_all;

use super::{RefreshEnd, TokenError, ends_soon, refresh_margin};
use crate::{
    app::testing::{ALICE, Fault, World},
    domain::{
        account::Health,
        event::EventKind,
        failure::Reason,
        ids::{Sequence, UserId},
    },
    store::account_tokens::RefreshClaim,
};

async fn events(replica: &crate::app::testing::Replica, kind: EventKind) -> usize {
    let events = replica.store.events_after(UserId(1), Sequence(0), 1000).await.unwrap();
    events.iter().filter(|event| event.event.kind == kind).count()
}

#[test]
fn a_token_is_refreshed_a_day_or_a_quarter_of_its_life_before_its_end() {
    let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let (hour, day) = (TimeDelta::hours(1), TimeDelta::days(1));
    assert_eq!(refresh_margin(Some(day * 60)), day);
    assert_eq!(refresh_margin(Some(hour * 2)), hour / 2);
    assert!(ends_soon(Some(now + hour * 23), Some(day * 60), now));
    assert!(!ends_soon(Some(now + hour * 25), Some(day * 60), now));
    assert!(!ends_soon(Some(now + hour), Some(hour * 2), now));
    assert!(ends_soon(Some(now + hour / 3), Some(hour * 2), now));
    assert!(ends_soon(Some(now - hour), None, now));
    assert!(!ends_soon(None, Some(hour * 2), now), "an unknown end counts as valid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_callers_make_one_refresh() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    world.login.expire_access();
    // Nobody's refresh ends before all fifty have been asked for.
    let all = world.login.gate.acquire_many(1000).await.unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let token_manager = one.token_manager.clone();
            tokio::spawn(async move { token_manager.refresh_after_refusal(account.id, account.token_version).await })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(all);
    for result in join_all(tasks).await {
        let (account, tokens) = result.unwrap().unwrap();
        assert_eq!((account.token_version, tokens.access.expose()), (2, "access-2"));
    }
    assert_eq!(world.login.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replicas_agree_on_one_refresh() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    let replicas = [
        one,
        world.replica(crate::app::testing::CURRENT, &[]).await,
        world.replica(crate::app::testing::CURRENT, &[]).await,
    ];
    let ends =
        join_all(replicas.iter().map(|replica| replica.token_manager.refresh(account.id, account.token_version))).await;
    for end in ends {
        assert_eq!(end.unwrap(), RefreshEnd::Refreshed);
    }
    assert_eq!(world.login.refreshes(), 1);
    assert_eq!(replicas[2].access(&account).await, "access-2");
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_cut_a_refresh_off() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    let all = world.login.gate.acquire_many(1000).await.unwrap();
    let caller = tokio::spawn({
        let token_manager = one.token_manager.clone();
        async move { token_manager.refresh(account.id, 1).await }
    });
    while world.login.refreshes() == 0 {
        tokio::task::yield_now().await;
    }
    caller.abort();
    assert!(caller.await.is_err());
    drop(all);
    // Joins the refresh that goes on, or finds its result.
    assert_eq!(one.token_manager.refresh(account.id, 1).await.unwrap(), RefreshEnd::Refreshed);
    assert_eq!((world.login.refreshes(), one.access(&account).await.as_str()), (1, "access-2"));
}

#[tokio::test]
async fn an_answer_lost_before_the_platform_acted_is_asked_for_again() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    world.login.fault(Fault::LostBefore);
    assert_eq!(one.token_manager.refresh(account.id, 1).await.unwrap(), RefreshEnd::Refreshed);
    assert_eq!(world.login.refreshes(), 2);
}

#[tokio::test]
async fn an_answer_lost_after_the_rotation_needs_the_owner_once() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    world.login.fault(Fault::LostAfter);
    let error = one.token_manager.refresh(account.id, 1).await.unwrap_err();
    assert!(matches!(error, TokenError::NeedsReconnect(_)), "{error:?}");
    assert_eq!(world.login.refreshes(), 2, "one retry with the old token, no more");
    let after = one.store.account(account.id).await.unwrap().unwrap();
    assert_eq!(after.health, Health::NeedsReconnect);
    assert!(after.health_reason.unwrap().contains("lost"));
    assert_eq!(one.access(&account).await, "access-1", "nothing is blanked");
    let again = one.token_manager.tokens_for(account.id).await.err().unwrap();
    assert_eq!(again.failure().reason, Reason::AccountNeedsReconnect);
    assert!(one.token_manager.refresh(account.id, 1).await.is_err());
    assert_eq!(events(&one, EventKind::AccountNeedsReconnect).await, 1);
}

#[tokio::test]
async fn a_dead_holder_leaves_word_that_an_answer_may_be_lost() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    let now = world.clock.now();
    let until = now + TimeDelta::seconds(120);
    // A replica claims, marks, and dies.
    assert_eq!(one.store.claim_refresh(account.id, 1, "dead", now, until).await.unwrap(), RefreshClaim::Won);
    assert!(one.store.mark_refresh_started(account.id, "dead", now).await.unwrap());
    assert_eq!(one.store.claim_refresh(account.id, 1, "next", now, until).await.unwrap(), RefreshClaim::Busy { until });
    world.advance(TimeDelta::seconds(121));
    world.login.kill_everything();
    let error = one.token_manager.refresh(account.id, 1).await.unwrap_err();
    assert!(error.to_string().contains("an earlier refresh was lost"), "{error}");
}

#[tokio::test]
async fn a_stale_winner_cannot_overwrite_newer_tokens() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    let all = world.login.gate.acquire_many(1000).await.unwrap();
    let slow = tokio::spawn({
        let token_manager = one.token_manager.clone();
        async move { token_manager.refresh(account.id, 1).await }
    });
    while world.login.refreshes() == 0 {
        tokio::task::yield_now().await;
    }
    // Meanwhile the owner connects again.
    let renewed = one.connect(ALICE).await.remove(0);
    assert_eq!((renewed.id, renewed.token_version), (account.id, 2));
    let fresh = one.access(&account).await;
    drop(all);
    assert_eq!(slow.await.unwrap().unwrap(), RefreshEnd::Refreshed);
    assert_eq!(one.access(&account).await, fresh);
}

#[tokio::test]
async fn the_platforms_own_trouble_never_disconnects() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    for fault in [Fault::Unavailable, Fault::InvalidClient] {
        // Within the last quarter of its life, and still valid.
        world.advance(TimeDelta::hours(20) - world.clock.offset());
        world.login.fault(fault);
        let (_, tokens) = one.token_manager.fresh_tokens_for(account.id, world.clock.now()).await.unwrap();
        assert_eq!(tokens.access.expose(), "access-1");
        let asked = world.login.refreshes();
        one.token_manager.fresh_tokens_for(account.id, world.clock.now()).await.unwrap();
        assert_eq!(world.login.refreshes(), asked, "left alone for a while after a failure");
        world.advance(TimeDelta::minutes(2) + TimeDelta::hours(-20));
        one.token_manager.inner.failed_at.lock().unwrap().clear();
    }
    // Ended: now it matters, and is still no reason to disconnect.
    world.advance(TimeDelta::hours(25));
    world.login.fault(Fault::LostBefore);
    world.login.fault(Fault::LostBefore);
    let error = one.token_manager.fresh_tokens_for(account.id, world.clock.now()).await.err().unwrap();
    assert!(matches!(error, TokenError::Transient(_)), "{error:?}");
    let after = one.store.account(account.id).await.unwrap().unwrap();
    assert_eq!((after.health, after.is_active), (Health::Ok, true));
    let (account, tokens) = one.token_manager.fresh_tokens_for(account.id, world.clock.now()).await.unwrap();
    assert_eq!((account.token_version, tokens.access.expose()), (2, "access-2"));
    assert_eq!(account.last_token_refresh.unwrap().timestamp(), world.clock.now().timestamp());
}

#[tokio::test]
async fn a_refused_token_that_cannot_be_refreshed_needs_the_owner() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    world.login.not_refreshable("a Page token cannot be refreshed");
    let error = one.token_manager.refresh_after_refusal(account.id, 1).await.err().unwrap();
    assert!(error.to_string().contains("a Page token cannot be refreshed"), "{error}");
    assert_eq!(events(&one, EventKind::AccountNeedsReconnect).await, 1);
}

#[tokio::test]
async fn a_token_that_ends_and_cannot_be_refreshed_is_told_and_used() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    world.login.not_refreshable("connect again before it ends");
    world.advance(TimeDelta::hours(23));
    let (account, tokens) = one.token_manager.fresh_tokens_for(account.id, world.clock.now()).await.unwrap();
    assert_eq!((account.health, tokens.access.expose()), (Health::Expiring, "access-1"));
}

#[tokio::test]
async fn a_token_that_was_issued_a_moment_ago_is_not_refreshed_again() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    let (account, _) = one.token_manager.refresh_after_refusal(account.id, 1).await.unwrap();
    let error = one.token_manager.refresh_after_refusal(account.id, account.token_version).await.err().unwrap();
    assert!(matches!(error, TokenError::Transient(_)));
    assert_eq!(world.login.refreshes(), 1);
}

#[tokio::test]
async fn unused_logins_are_kept_alive() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    assert_eq!(one.token_manager.keep_alive().await.unwrap(), 0);
    world.advance(TimeDelta::days(175));
    assert_eq!(one.token_manager.keep_alive().await.unwrap(), 1);
    assert_eq!(one.access(&account).await, "access-2");
    assert_eq!(one.token_manager.keep_alive().await.unwrap(), 0, "its time is a new one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_a_refresh_leaves_nothing_behind() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    world.login.fault(Fault::Panic);
    // Nobody's refresh ends before both have asked for it.
    let all = world.login.gate.acquire_many(1000).await.unwrap();
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let token_manager = one.token_manager.clone();
            tokio::spawn(async move { token_manager.refresh(account.id, 1).await })
        })
        .collect();
    while world.login.refreshes() == 0 {
        tokio::task::yield_now().await;
    }
    drop(all);
    for ended in join_all(callers).await {
        let error = ended.unwrap().unwrap_err();
        assert!(matches!(&error, TokenError::Transient(failure) if failure.reason == Reason::Internal), "{error:?}");
    }
    assert!(
        one.store.account_login(account.id).await.unwrap().unwrap().refresh_started_at.is_some(),
        "an answer may be lost"
    );
    // A replica need not wait until the claim runs out, and neither does this process.
    let other = world.replica(crate::app::testing::CURRENT, &[]).await;
    assert_eq!(other.token_manager.refresh(account.id, 1).await.unwrap(), RefreshEnd::Refreshed);
    assert_eq!(one.token_manager.refresh(account.id, 2).await.unwrap(), RefreshEnd::Refreshed);
    assert_eq!(world.login.refreshes(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_life_of_absurd_length_does_not_panic() {
    let (_world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    let sql = "UPDATE aurareels_social_accounts SET token_lifetime_seconds = 9223372036854775807 WHERE id = 1";
    one.store.run(sql).await;
    // Like one of unknown length: refreshed from a day before its end, which this token of 24 hours has just passed.
    assert!(one.token_manager.needs_refresh(account.id, one.store.clock().now()).await.unwrap());
}

//! A post that waits for its account's owner goes on at once when he is back, also when a worker holds it at that moment.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Store,
    plans::{KEY, account, new_post, store},
    posts,
};
use crate::domain::{
    change::{Change, Release},
    failure::{Failure, FailureClass, Reason},
    ids::AccountId,
    post::{Post, Status, WaitReason},
    transition::Move,
};

const LEASE: Duration = Duration::from_secs(15);

struct Claimed {
    _dir: tempfile::TempDir,
    store: Store,
    post: Post,
    now: DateTime<Utc>,
}

/// A publishing post that a worker has just claimed.
async fn claimed() -> Claimed {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), KEY, &[]).await;
    let now = store.clock().now();
    let account = account(&store, now).await;
    store.insert_posts(vec![new_post(&account, Status::Publishing, "k", now)]).await.unwrap();
    let post = claim(&store, now).await;
    Claimed { _dir: dir, store, post, now }
}

async fn claim(store: &Store, now: DateTime<Utc>) -> Post {
    store.claim_due(now, TimeDelta::zero(), "worker", LEASE, 10).await.unwrap().remove(0)
}

async fn owner_returns(store: &Store, account: AccountId, now: DateTime<Utc>) {
    store.db.write(async move |tx| posts::wake_account(tx, account, now).await).await.unwrap();
}

fn lost() -> Failure {
    Failure::new(FailureClass::NeedsReconnect, Reason::AccountNeedsReconnect, "the login no longer works")
}

fn waits_for_owner(now: DateTime<Utc>) -> Change {
    let release = Release { at: Some(now + TimeDelta::hours(6)), waiting_for: Some(WaitReason::Reconnect) };
    Change { by: Some(Move::ReplyLost), error: Some(Some(lost())), release: Some(release), ..Change::default() }
}

#[tokio::test]
async fn a_wake_up_that_meets_a_claimed_post_is_not_lost() {
    let Claimed { store, post, now, .. } = &claimed().await;
    owner_returns(store, post.social_account_id, *now).await;
    let after = store.apply(post, waits_for_owner(*now), *now).await.unwrap();
    assert_eq!(after.next_step_at, Some(*now), "it is looked at again at once, not in six hours");
    assert_eq!((after.status, after.waiting_for), (Status::Confirming, None), "what was learned stays");
    // Also when the worker wrote something else between the wake-up and its release.
    let again = claim(store, *now).await;
    owner_returns(store, post.social_account_id, *now).await;
    let again = store.apply(&again, Change { poll_count: Some(1), ..Change::default() }, *now).await.unwrap();
    let after = store.apply(&again, Change { by: None, ..waits_for_owner(*now) }, *now).await.unwrap();
    assert_eq!(after.next_step_at, Some(*now));
}

#[tokio::test]
async fn a_post_whose_owner_has_just_returned_does_not_fail_for_want_of_him() {
    let Claimed { store, post, now, .. } = &claimed().await;
    owner_returns(store, post.social_account_id, *now).await;
    let fails = Change {
        by: Some(Move::Rejected),
        error: Some(Some(lost())),
        release: Some(Release { at: None, waiting_for: None }),
        ..Change::default()
    };
    let after = store.apply(post, fails, *now).await.unwrap();
    assert_eq!((after.status, after.next_step_at), (Status::Publishing, Some(*now)));
}

#[tokio::test]
async fn a_wake_up_counts_for_the_claim_that_it_met_and_no_longer() {
    let Claimed { store, post, now, .. } = &claimed().await;
    owner_returns(store, post.social_account_id, *now).await;
    store.apply(post, waits_for_owner(*now), *now).await.unwrap();
    let again = claim(store, *now).await;
    let after = store.apply(&again, Change { by: None, ..waits_for_owner(*now) }, *now).await.unwrap();
    assert_eq!(after.next_step_at, Some(*now + TimeDelta::hours(6)), "the login was looked at after the wake-up");
    assert_eq!(after.waiting_for, Some(WaitReason::Reconnect));
    owner_returns(store, post.social_account_id, *now).await;
    assert_eq!(
        store.post(post.id).await.unwrap().unwrap().next_step_at,
        Some(*now),
        "a post at rest is woken directly"
    );
}

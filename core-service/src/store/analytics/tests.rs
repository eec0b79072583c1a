use chrono::{DateTime, TimeDelta, Utc};

use super::{
    showing::Shown,
    syncing::{PutOff, Read},
};
use crate::{
    domain::{
        account::Account,
        analytics::{Numbers, PlatformNumbers, Reading},
        failure::{Failure, FailureClass, Reason},
        ids::{AccountId, PostId, UserId},
        platform::Platform,
        post::{Post, Status},
    },
    params,
    store::{
        Store,
        creating::Inserted,
        plans::{KEY, account, new_post, store},
        posts,
    },
};

const TIKTOK: Platform = Platform::Tiktok;

/// A post of the account that went live now, with an id of the platform.
async fn live(store: &Store, of: &Account, key: &str, now: DateTime<Utc>) -> Post {
    let made = store.insert_posts(vec![new_post(of, Status::Publishing, key, now)]).await.unwrap().remove(0);
    let Inserted::New(post) = made else { panic!("{made:?}") };
    publish(store, post.id, now).await
}

async fn publish(store: &Store, id: PostId, now: DateTime<Utc>) -> Post {
    store
        .db
        .write(async move |tx| {
            let before = posts::reread(tx, id).await?;
            let live = "UPDATE aurareels_social_posts SET status = 'published', published_at = ?, platform_post_id = 'p' WHERE id = ?";
            tx.execute(live, &params![now, id]).await?;
            posts::status_event(tx, &before, Status::Published, None, now).await?;
            posts::reread(tx, id).await
        })
        .await
        .unwrap()
}

async fn unpublish(store: &Store, id: PostId, now: DateTime<Utc>) {
    store
        .db
        .write(async move |tx| {
            let before = posts::reread(tx, id).await?;
            let open = "UPDATE aurareels_social_posts SET status = 'confirming', published_at = NULL WHERE id = ?";
            tx.execute(open, &params![id]).await?;
            posts::status_event(tx, &before, Status::Confirming, None, now).await
        })
        .await
        .unwrap();
}

fn reading(views: i64) -> Reading {
    let platform = PlatformNumbers::from([("view_count".to_owned(), views as f64)]);
    Reading { numbers: Numbers { views: Some(views), ..Numbers::default() }, platform }
}

fn told(views: i64, next: Option<DateTime<Utc>>) -> Read {
    Read::Numbers { reading: reading(views), next }
}

fn shown(since: DateTime<Utc>, until: DateTime<Utc>) -> Shown {
    Shown { user: UserId(1), account: None, platform: None, since, until }
}

#[tokio::test]
async fn a_post_is_read_from_when_it_goes_live_until_it_is_live_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let now = store.clock().now();
    let account = account(&store, now).await;
    let post = live(&store, &account, "one", now).await;
    assert_eq!(store.claim_syncs(TIKTOK, &[], 9, "w", now).await.unwrap(), None, "not at once");
    let due = store.next_sync_at(TIKTOK, &[]).await.unwrap().expect("a first reading");
    assert_eq!(store.next_sync_at(TIKTOK, &[account.id]).await.unwrap(), None, "past an account that has no room");
    let batch = store.claim_syncs(TIKTOK, &[], 9, "w", due).await.unwrap().expect("a batch");
    assert_eq!((batch.account, batch.posts.len()), (account.id, 1));
    assert_eq!(batch.posts[0].platform_post_id.as_deref(), Some("p"));
    assert_eq!(store.claim_syncs(TIKTOK, &[], 9, "x", due).await.unwrap(), None, "it is claimed");
    unpublish(&store, post.id, due).await;
    let late = (post.id, batch.posts[0].fence, told(5, None));
    store.settle_syncs(vec![late], due).await.unwrap();
    assert_eq!(store.post_numbers(post.id).await.unwrap().unwrap().last_synced_at, None, "the claim was taken away");
    assert_eq!(store.next_sync_at(TIKTOK, &[]).await.unwrap(), None);
    publish(&store, post.id, due).await;
    assert!(store.next_sync_at(TIKTOK, &[]).await.unwrap().is_some(), "live again");
}

#[tokio::test]
async fn what_a_dead_reader_left_behind_is_due_again_and_its_late_answer_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let now = store.clock().now();
    let account = account(&store, now).await;
    let post = live(&store, &account, "one", now).await;
    let due = now + TimeDelta::hours(1);
    let first = store.claim_syncs(TIKTOK, &[], 9, "w", due).await.unwrap().unwrap();
    let later = due + super::syncing::CLAIMED_FOR;
    let second = store.claim_syncs(TIKTOK, &[], 9, "x", later).await.unwrap().unwrap();
    assert!(second.posts[0].fence > first.posts[0].fence);
    store.settle_syncs(vec![(post.id, first.posts[0].fence, told(1, None))], later).await.unwrap();
    assert_eq!(store.post_numbers(post.id).await.unwrap().unwrap().last_synced_at, None);
    store.settle_syncs(vec![(post.id, second.posts[0].fence, told(2, None))], later).await.unwrap();
    let numbers = store.post_numbers(post.id).await.unwrap().unwrap();
    assert_eq!((numbers.numbers.views, numbers.next_sync_at), (Some(2), None));
}

#[tokio::test]
async fn history_has_a_point_for_each_change_and_gains_add_up_to_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let begun = store.clock().now();
    let account = account(&store, begun).await;
    let post = live(&store, &account, "one", begun).await;
    let mut now = begun;
    for views in [3, 3, 10, 9] {
        now += TimeDelta::hours(1);
        store.ask_for_sync(&post, now).await.unwrap();
        let batch = store.claim_syncs(TIKTOK, &[], 9, "w", now).await.unwrap().unwrap();
        let again = Some(now + TimeDelta::hours(9));
        store.settle_syncs(vec![(post.id, batch.posts[0].fence, told(views, again))], now).await.unwrap();
    }
    let views = |points: Vec<super::showing::Point>| -> Vec<i64> {
        points.iter().map(|point| point.numbers.views.unwrap()).collect()
    };
    assert_eq!(views(store.numbers_over_time(post.id).await.unwrap()), [3, 10, 9]);
    let all = store.gains(&shown(begun, now + TimeDelta::hours(1))).await.unwrap();
    assert_eq!(views(all), [3, 7, -1]);
    assert_eq!(views(store.gains(&shown(begun + TimeDelta::hours(2), now)).await.unwrap()), [7], "of the window alone");
    store.ask_for_sync(&post, now).await.unwrap();
    let next = store.next_sync_at(TIKTOK, &[]).await.unwrap();
    assert_eq!(next, Some(now + TimeDelta::hours(9)), "fresh numbers are not read again");
}

#[tokio::test]
async fn the_first_reading_of_an_old_post_is_no_gain_of_that_hour() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let begun = store.clock().now();
    let account = account(&store, begun).await;
    let post = live(&store, &account, "one", begun).await;
    let now = begun + TimeDelta::days(3);
    let batch = store.claim_syncs(TIKTOK, &[], 9, "w", now).await.unwrap().unwrap();
    store.settle_syncs(vec![(post.id, batch.posts[0].fence, told(500, None))], now).await.unwrap();
    let gains = store.gains(&shown(begun, now + TimeDelta::hours(1))).await.unwrap();
    assert_eq!(gains.len(), 1);
    assert_eq!(gains[0].numbers, Numbers::default());
}

#[tokio::test]
async fn what_has_to_wait_is_put_off_together_and_an_owner_who_comes_back_wakes_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let now = store.clock().now();
    let account = account(&store, now).await;
    for key in ["one", "two", "three"] {
        live(&store, &account, key, now).await;
    }
    let due = now + TimeDelta::hours(1);
    let batch = store.claim_syncs(TIKTOK, &[], 1, "w", due).await.unwrap().unwrap();
    let until = due + TimeDelta::hours(2);
    store.put_syncs_off(PutOff::Account(account.id), until, due).await.unwrap();
    let claimed_until = due + super::syncing::CLAIMED_FOR;
    assert_eq!(store.next_sync_at(TIKTOK, &[]).await.unwrap(), Some(claimed_until), "only a claim is nearer");
    let problem = Failure::new(FailureClass::NeedsReconnect, Reason::ScopeMissing, "m");
    let nothing = Read::Nothing { problem, not_shown_since: None, failures: 0, next: Some(until) };
    store.settle_syncs(vec![(batch.posts[0].post, batch.posts[0].fence, nothing)], due).await.unwrap();
    assert_eq!(store.next_sync_at(TIKTOK, &[]).await.unwrap(), Some(until));
    let id = account.id;
    store.db.write(async move |tx| posts::wake_account(tx, id, due).await).await.unwrap();
    let woken = store.claim_syncs(TIKTOK, &[], 9, "w", due).await.unwrap().unwrap();
    assert_eq!(woken.posts.len(), 1, "the one that waited for its owner");
}

/// Runs every statement, for [`crate::store::plans`].
pub(in crate::store) async fn run_everything(store: &Store, of: &Account, now: DateTime<Utc>) {
    let post = live(store, of, "numbers", now).await;
    let due = now + TimeDelta::hours(1);
    for full in [&[][..], &[AccountId(9), AccountId(8)]] {
        store.next_sync_at(TIKTOK, full).await.unwrap();
        store.claim_syncs(TIKTOK, full, 9, "w", due).await.unwrap();
    }
    store.put_syncs_off(PutOff::Account(of.id), due, due).await.unwrap();
    store.put_syncs_off(PutOff::Platform(TIKTOK), due, due).await.unwrap();
    let later = due + TimeDelta::hours(1);
    let batch = store.claim_syncs(TIKTOK, &[], 9, "w", later).await.unwrap().unwrap();
    let settled = batch.posts.iter().map(|due| (due.post, due.fence, told(1, Some(later)))).collect();
    store.settle_syncs(settled, later).await.unwrap();
    store.ask_for_sync(&post, later + TimeDelta::hours(1)).await.unwrap();
    store.post_numbers(post.id).await.unwrap();
    store.numbers_over_time(post.id).await.unwrap();
    store.numbers_of_all_over_time(&[post.id, PostId(99)]).await.unwrap();
    for (account, platform) in [(None, None), (Some(of.id), Some(TIKTOK)), (None, Some(TIKTOK))] {
        let shown = Shown { account, platform, ..shown(now, later) };
        store.list_numbers(&shown, None, 10).await.unwrap();
        store.list_numbers(&shown, Some((later, post.id)), 10).await.unwrap();
        store.gains(&shown).await.unwrap();
    }
    unpublish(store, post.id, later).await;
}

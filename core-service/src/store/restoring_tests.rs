//! A restored database: counters, marks, claims, and when each post is looked for.
use chrono::TimeDelta;

use super::*;
use crate::{
    domain::{
        ids::{PostId, UserId},
        post::Post,
    },
    store::plans::{KEY, account, new_post, store},
};

async fn lone_post(store: &Store, id: i64) -> Post {
    store.post_of_user(UserId(1), PostId(id)).await.unwrap().expect("a post")
}

#[tokio::test]
async fn a_restored_database_hands_out_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let now = store.clock().now();
    let account = account(&store, now).await;
    store.insert_posts(vec![new_post(&account, Status::Draft, "one", now)]).await.unwrap();
    let kept = store.newest_event().await.unwrap();
    let known = HandedOut { sequence: 5_000_000_000_000, post: 7 };
    let lineage = store.restored(now, known, now).await.unwrap();
    assert_eq!((lineage.number, lineage.kept_through), (2, kept));
    assert!(lineage.events_from.0 > known.sequence);
    let created = store.insert_posts(vec![new_post(&account, Status::Draft, "two", now)]).await.unwrap();
    let crate::store::creating::Inserted::New(post) = &created[0] else { panic!("not created") };
    assert_eq!(post.id.0, lineage.events_from.0);
    assert_eq!(store.newest_event().await.unwrap(), lineage.events_from, "tables without rows too");
    let again = store.restored(now, HandedOut::default(), now).await.unwrap();
    assert!(again.events_from > lineage.events_from && again.id != lineage.id);
    let (lineages, own) = store.begin_lineages(now).await.unwrap();
    assert_eq!(lineages.0.iter().map(|lineage| lineage.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(own.sequence, again.events_from.0 - 1);
}

#[tokio::test]
async fn every_post_that_may_be_out_is_marked_and_looked_for_in_turn() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let now = store.clock().now();
    let account = account(&store, now).await;
    let mut posts: Vec<_> = [Status::Draft, Status::Draft, Status::Publishing, Status::Scheduled, Status::Scheduled]
        .into_iter()
        .enumerate()
        .map(|(number, status)| new_post(&account, status, &number.to_string(), now))
        .collect();
    posts[0].post.next_step_at = None;
    posts[1].post.next_step_at = None;
    posts[4].post.scheduled_at = Some(now + TimeDelta::days(7));
    posts[4].post.next_step_at = Some(now + TimeDelta::days(7));
    store.insert_posts(posts).await.unwrap();
    store.cancel(UserId(1), PostId(4), now, None).await.unwrap();
    let claimed = store.claim_due(now, TimeDelta::zero(), "old", std::time::Duration::from_secs(60), 9).await.unwrap();
    assert_eq!(claimed.len(), 1, "the publishing one");
    let backup_at = now - TimeDelta::hours(1);
    store.restored(backup_at, HandedOut::default(), now).await.unwrap();
    for id in [1, 2, 3, 5] {
        let post = lone_post(&store, id).await;
        assert_eq!((post.look_since, post.waiting_for), (Some(backup_at), Some(WaitReason::RestoreCheck)), "post {id}");
    }
    let cancelled = lone_post(&store, 4).await;
    assert_eq!((cancelled.look_since, cancelled.next_step_at), (None, None));
    let times: Vec<_> = [3, 5, 1, 2].map(async |id| lone_post(&store, id).await.next_step_at.unwrap() - now).into();
    let mut at = Vec::new();
    for time in times {
        at.push(time.await);
    }
    let gap = LOOK_GAP;
    assert_eq!(at, [TimeDelta::zero(), TimeDelta::zero(), gap, gap * 2], "what is on its way, scheduled, then drafts");
    let fenced = store.apply(&claimed[0], crate::domain::change::Change::default(), now).await;
    assert!(matches!(fenced, Err(Error::Fenced(_))), "the old claim is void: {fenced:?}");
    let earlier = backup_at - TimeDelta::hours(1);
    store.restored(earlier, HandedOut::default(), now).await.unwrap();
    store.restored(now, HandedOut::default(), now).await.unwrap();
    assert_eq!(lone_post(&store, 1).await.look_since, Some(earlier), "the oldest backup counts until it was looked up");
}

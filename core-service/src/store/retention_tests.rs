//! What goes when it is old, what stays, and what a post that is gone still protects.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, Store, creating::Inserted, retention::Walked};
use crate::{
    domain::{
        account::Account,
        binding::BoundBy,
        change::{Change, LedgerWrite, LiveDetails, Release},
        event::EventKind,
        ids::{PostId, Sequence, UserId},
        ledger::{Entry, Evidence, Handle, StepClass, StepOutcome},
        post::{Post, Status},
        transition::Move,
    },
    params,
    store::plans::{KEY, account, new_post, store},
};

const YEAR: TimeDelta = TimeDelta::days(365);

/// A post that turned out to be live under this id.
async fn published(store: &Store, account: &Account, key: &str, by: BoundBy, now: DateTime<Utc>) -> Post {
    let mut new = new_post(account, Status::Publishing, key, now);
    (new.keys.refuse_duplicates_since, new.keys.valid_since) = (None, None);
    store.insert_posts(vec![new]).await.unwrap();
    let post = store.claim_due(now, TimeDelta::zero(), key, Duration::from_secs(15), 9).await.unwrap().remove(0);
    store.apply(&post, live(&post, key, by, now), now).await.unwrap()
}

fn live(post: &Post, id: &str, by: BoundBy, now: DateTime<Utc>) -> Change {
    let outcome = if by == BoundBy::Match { StepOutcome::Found } else { StepOutcome::Accepted };
    let entry = Entry {
        number: 1,
        attempt: 1,
        step: "instagram.media_publish".into(),
        class: StepClass::PointOfNoReturn,
        handle: Handle::default().with("media_id", id),
        sent_at: now,
        deadline_at: now,
        outcome: Some(outcome),
        answered_at: Some(now),
        evidence: Evidence::new(),
        fence: post.fence,
    };
    Change {
        ledger: LedgerWrite::Insert(entry),
        by: Some(Move::Confirmed),
        live: Some(LiveDetails {
            platform_post_id: Some(id.to_owned()),
            platform_post_url: Some(format!("https://p.example/{id}")),
            all_platform_post_ids: vec![id.to_owned()],
            bound_by: by,
        }),
        release: Some(Release { at: None, waiting_for: None }),
        ..Change::default()
    }
}

async fn is_there(store: &Store, post: PostId) -> bool {
    !store.posts_to_show(&[post]).await.unwrap().is_empty()
}

#[tokio::test]
async fn posts_at_rest_go_when_they_are_old_and_what_is_open_stays() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let then = store.clock().now() - YEAR;
    let account = account(&store, then).await;
    let old = published(&store, &account, "old", BoundBy::Answer, then).await;
    let mut others = Vec::new();
    for status in Status::ALL {
        let mut new = new_post(&account, Status::Draft, status.as_str(), then);
        new.keys.refuse_duplicates_since = None;
        let Inserted::New(post) = store.insert_posts(vec![new]).await.unwrap().remove(0) else { panic!() };
        others.push((post.id, status));
    }
    let all = others.clone();
    let set = "UPDATE aurareels_social_posts SET status = ?, published_at = ?, scheduled_at = ?, error = '{}', next_step_at = NULL, \
               status_since = ? WHERE id = ?";
    let statuses = store.db.write(async move |tx| {
        for (id, status) in &all {
            tx.execute(set, &params![status.as_str(), then, then, then, *id]).await?;
        }
        Ok(())
    });
    statuses.await.unwrap();
    let awake = "UPDATE aurareels_social_posts SET next_step_at = ? WHERE status = 'published' AND id <> ?";
    let kept = old.id;
    store.db.write(async move |tx| tx.execute(awake, &params![then + YEAR, kept]).await).await.unwrap();

    let now = then + YEAR;
    let young = store.remove_old_posts(PostId(0), then - TimeDelta::days(1), now).await.unwrap();
    assert_eq!(young, Walked { removed: 0, through: None });
    assert!(is_there(&store, old.id).await);
    let walked = store.remove_old_posts(PostId(0), now - TimeDelta::days(30), now).await.unwrap();
    assert_eq!(walked, Walked { removed: 3, through: None }, "published, failed, cancelled");
    assert!(!is_there(&store, old.id).await && store.ledger(old.id).await.unwrap().of_attempt(1).count() == 0);
    for (id, status) in others {
        let goes = matches!(status, Status::Failed | Status::Cancelled);
        assert_eq!(
            is_there(&store, id).await,
            !goes,
            "{status}: one that somebody works on stays, whatever its status"
        );
    }
    let events = store.events_after(UserId(1), Sequence(0), 100).await.unwrap();
    let deleted = events.iter().filter(|event| event.event.kind == EventKind::PostDeleted).count();
    assert_eq!(deleted, 3, "each of them is told");
}

#[tokio::test]
async fn what_a_removed_post_was_cannot_be_posted_or_bound_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let then = store.clock().now() - YEAR;
    let account = account(&store, then).await;
    let sure = published(&store, &account, "sure", BoundBy::Answer, then).await;
    published(&store, &account, "matched", BoundBy::Match, then).await;
    let now = then + YEAR;
    assert_eq!(store.remove_old_posts(PostId(0), now, now).await.unwrap().removed, 2);

    let mut again = new_post(&account, Status::Publishing, "sure", now);
    (again.keys.refuse_duplicates_since, again.keys.valid_since) = (None, None);
    let told = store.insert_posts(vec![again.clone()]).await.unwrap();
    assert_eq!(told, [Inserted::Removed(sure.id)], "a key that counts for as long as its post is there");
    again.keys.valid_since = Some(now);
    assert!(matches!(store.insert_posts(vec![again]).await.unwrap()[0], Inserted::New(_)), "one that had ended");

    let other = store.claim_due(now, TimeDelta::zero(), "w", Duration::from_secs(15), 9).await.unwrap().remove(0);
    let twice = store.apply(&other, live(&other, "sure", BoundBy::Answer, now), now).await.unwrap_err();
    assert!(matches!(twice, Error::BoundElsewhere { other, .. } if other == sure.id), "{twice:?}");
    let rivals = store.rivals(&other, then, now).await.unwrap();
    assert_eq!(rivals.bound.len(), 2, "a match is none of the removed ones: {rivals:?}");
    let void = store.apply(&other, live(&other, "matched", BoundBy::Match, now), now).await.unwrap_err();
    assert!(matches!(void, Error::BoundElsewhere { by: BoundBy::Match, .. }), "{void:?}");
    let taken = store.apply(&other, live(&other, "matched", BoundBy::Answer, now), now).await.unwrap();
    assert_eq!((taken.status, taken.platform_post_id.as_deref()), (Status::Published, Some("matched")));
}

#[tokio::test]
async fn steps_go_alone_where_nothing_may_be_found_out_by_them_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let then = store.clock().now() - YEAR;
    let account = account(&store, then).await;
    let sure = published(&store, &account, "sure", BoundBy::Answer, then).await;
    let matched = published(&store, &account, "matched", BoundBy::Match, then).await;
    let open = published(&store, &account, "open", BoundBy::Answer, then).await;
    let review = "UPDATE aurareels_social_posts SET status = 'needs_review' WHERE id = ?";
    let id = open.id;
    store.db.write(async move |tx| tx.execute(review, &params![id]).await).await.unwrap();
    let walked = store.remove_old_steps(PostId(0), then + YEAR).await.unwrap();
    assert_eq!(walked, Walked { removed: 1, through: None });
    let mut left = Vec::new();
    for post in [&sure, &matched, &open] {
        left.push(store.ledger(post.id).await.unwrap().of_attempt(1).count());
    }
    assert_eq!(left, [0, 1, 1], "those of a match and of what waits for a person stay");
    assert_eq!(store.remove_old_steps(PostId(0), then + YEAR).await.unwrap().removed, 0);
    assert!(is_there(&store, sure.id).await);
}

#[tokio::test]
async fn many_posts_go_in_small_batches() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let then = store.clock().now() - YEAR;
    let account = account(&store, then).await;
    let new = |number: i32| {
        let mut new = new_post(&account, Status::Draft, &format!("draft {number}"), then);
        new.keys.refuse_duplicates_since = None;
        new
    };
    store.insert_posts((0..250).map(new).collect()).await.unwrap();
    let cancel =
        "UPDATE aurareels_social_posts SET status = 'cancelled', next_step_at = NULL, status_since = ? WHERE id > 0";
    store.db.write(async move |tx| tx.execute(cancel, &params![then]).await).await.unwrap();
    let (mut after, mut batches) = (Some(PostId(0)), Vec::new());
    while let Some(id) = after {
        let walked = store.remove_old_posts(id, then + YEAR, then + YEAR).await.unwrap();
        batches.push(walked.removed);
        after = walked.through;
    }
    assert_eq!(batches, [100, 100, 50]);
}

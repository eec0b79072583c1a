use std::{collections::HashSet, time::Duration};

use super::*;
use crate::{
    domain::{
        ids::Fence,
        ledger::{Entry, Evidence, Handle, ResolvedWord, StepClass, StepOutcome},
        post::Status,
        transition::Move,
    },
    store::plans::{KEY, account, new_post, store},
};

const USER: UserId = UserId(1);
const LIMIT: u32 = 5;

fn entry(post: &Post, class: StepClass, now: DateTime<Utc>) -> Entry {
    Entry {
        number: 1,
        attempt: post.attempt,
        step: "tiktok.upload_last".into(),
        class,
        handle: Handle::default(),
        sent_at: now,
        deadline_at: now,
        outcome: None,
        answered_at: None,
        evidence: Evidence::new(),
        fence: post.fence,
    }
}

fn sends(post: &Post, now: DateTime<Utc>) -> Change {
    Change { ledger: LedgerWrite::Insert(entry(post, StepClass::PointOfNoReturn, now)), ..Change::default() }
}

fn settled(post: &Post, outcome: StepOutcome, now: DateTime<Utc>) -> Change {
    let mut entry = entry(post, StepClass::PointOfNoReturn, now);
    entry.outcome = Some(outcome);
    let release = Some(Release { at: Some(now + TimeDelta::hours(9)), waiting_for: Some(WaitReason::Retry) });
    Change { ledger: LedgerWrite::Update(entry), release, ..Change::default() }
}

struct Posts {
    _dir: tempfile::TempDir,
    store: Store,
    posts: Vec<Post>,
    now: DateTime<Utc>,
}

/// Claimed posts that are on their way, in the order of their times.
async fn on_their_way(count: usize) -> Posts {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), KEY, &[]).await;
    let now = store.clock().now();
    let account = account(&store, now).await;
    let new = |number: usize| {
        let at = now - TimeDelta::minutes(90) + TimeDelta::minutes(number as i64);
        let mut new = new_post(&account, Status::Publishing, &format!("k{number}"), at);
        new.keys.refuse_duplicates_since = None;
        new
    };
    store.insert_posts((0..count).map(new).collect()).await.unwrap();
    let posts = claim(&store, now).await;
    assert_eq!(posts.len(), count);
    Posts { _dir: dir, store, posts, now }
}

async fn claim(store: &Store, now: DateTime<Utc>) -> Vec<Post> {
    store.claim_due(now, TimeDelta::zero(), "worker", Duration::from_secs(15), 100).await.unwrap()
}

/// Each of the posts wants to go out at once; the ids of those that may.
async fn race(store: &Store, posts: &[Post], now: DateTime<Utc>) -> HashSet<PostId> {
    let tasks: Vec<_> = posts
        .iter()
        .cloned()
        .map(|post| {
            let store = store.clone();
            tokio::spawn(async move { store.apply_within_limit(&post, sends(&post, now), LIMIT, now).await.unwrap() })
        })
        .collect();
    let mut out = HashSet::new();
    for task in tasks {
        match task.await.unwrap() {
            Place::Taken(post) => assert!(out.insert(post.id)),
            Place::Waits(post) => {
                assert_eq!(post.waiting_for, Some(WaitReason::DailyLimit));
                assert!(post.next_step_at.is_some_and(|at| at > now && at <= now + DAY), "{:?}", post.next_step_at);
            }
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_posts_at_once_never_exceed_the_limit_and_the_rest_follow_in_order_as_room_comes() {
    let Posts { store, posts, now, .. } = &on_their_way(20).await;
    let mut out = race(store, posts, *now).await;
    assert_eq!(out.len(), LIMIT as usize);
    assert_eq!(
        store.daily_posts(USER, Platform::Tiktok, *now).await.unwrap(),
        20,
        "what is on its way counts for callers"
    );
    // A day later the next five, a day later the next: always those whose time came first.
    let mut at = *now;
    let mut waiting: Vec<PostId> = posts.iter().map(|post| post.id).filter(|id| !out.contains(id)).collect();
    waiting.sort_unstable();
    for round in waiting.chunks(LIMIT as usize) {
        at += DAY + TimeDelta::seconds(2);
        let due = claim(store, at).await;
        let due: Vec<Post> = due.into_iter().filter(|post| !out.contains(&post.id)).collect();
        let went = race(store, &due, at).await;
        assert_eq!(went, round.iter().copied().collect(), "in order");
        out.extend(went);
    }
    assert_eq!(out.len(), 20);
}

#[tokio::test]
async fn proof_of_absence_gives_a_place_back_and_wakes_the_next_in_line() {
    let Posts { store, posts, now, .. } = &on_their_way(7).await;
    let mut sent = Vec::new();
    for post in &posts[..5] {
        let Place::Taken(post) = store.apply_within_limit(post, sends(post, *now), LIMIT, *now).await.unwrap() else {
            panic!("there is room for five");
        };
        sent.push(post);
    }
    for post in posts[5..].iter().rev() {
        let waits = store.apply_within_limit(post, sends(post, *now), LIMIT, *now).await.unwrap();
        assert!(matches!(waits, Place::Waits(_)));
    }
    // An unknown outcome may be visible: it keeps its place.
    let unknown = settled(&sent[0], StepOutcome::Unknown, *now);
    store.apply(&sent[0], Change { by: Some(Move::ReplyLost), ..unknown }, *now).await.unwrap();
    assert!(claim(store, *now).await.is_empty());
    store.apply(&sent[1], settled(&sent[1], StepOutcome::NoEffect, *now), *now).await.unwrap();
    let woken = claim(store, *now).await;
    assert_eq!(woken.iter().map(|post| post.id).collect::<Vec<_>>(), [posts[5].id], "the first in line alone");
    let Place::Taken(_) = store.apply_within_limit(&woken[0], sends(&woken[0], *now), LIMIT, *now).await.unwrap()
    else {
        panic!("a place was given back");
    };
    // The one that gave it back has to queue.
    let later = claim(store, *now + TimeDelta::hours(10)).await;
    let back = later.iter().find(|post| post.id == sent[1].id).unwrap();
    let mut again = sends(back, *now);
    if let LedgerWrite::Insert(entry) = &mut again.ledger {
        entry.number = 2;
    }
    let waits = store.apply_within_limit(back, again, LIMIT, *now + TimeDelta::hours(10)).await.unwrap();
    assert!(matches!(waits, Place::Waits(_)));
}

#[tokio::test]
async fn a_newcomer_does_not_overtake_who_waits() {
    let Posts { store, posts, now, .. } = &on_their_way(7).await;
    for post in &posts[..6] {
        store.apply_within_limit(post, sends(post, *now), LIMIT, *now).await.unwrap();
    }
    let later = *now + DAY + TimeDelta::seconds(2);
    // Room for five: the one that waits is counted before the one that comes.
    let newcomer = store.apply_within_limit(&posts[6], sends(&posts[6], later), 1, later).await.unwrap();
    assert!(matches!(newcomer, Place::Waits(_)));
    let first = claim(store, later).await.into_iter().find(|post| post.id == posts[5].id).unwrap();
    let first = store.apply_within_limit(&first, sends(&first, later), 1, later).await.unwrap();
    assert!(matches!(first, Place::Taken(_)));
}

#[tokio::test]
async fn a_post_keeps_its_place_in_the_queue_while_it_is_prepared_again_and_holds_nobody_up_while_it_waits_for_else() {
    let Posts { store, posts, now, .. } = &on_their_way(3).await;
    let full = async |post: &Post, at: DateTime<Utc>| {
        matches!(store.apply_within_limit(post, sends(post, at), 1, at).await.unwrap(), Place::Waits(_))
    };
    assert!(!full(&posts[0], *now).await);
    assert!(full(&posts[1], *now).await && full(&posts[2], *now).await, "one a day");
    let later = *now + DAY + TimeDelta::seconds(2);
    let due = claim(store, later).await;
    let [first, second] = [1, 2].map(|n: usize| due.iter().find(|post| post.id == posts[n].id).unwrap());
    let waits = |waiting_for, at| Change { release: Some(Release { at: Some(at), waiting_for }), ..Change::default() };
    // Its container died meanwhile: it makes another one.
    let ready = later + TimeDelta::seconds(20);
    store.apply(first, waits(Some(WaitReason::Processing), ready), later).await.unwrap();
    assert!(full(second, later).await, "the one that is prepared again stands before it");
    // Now it has to wait for its owner.
    let first = claim(store, ready).await.into_iter().find(|post| post.id == first.id).unwrap();
    store.apply(&first, waits(Some(WaitReason::Reconnect), ready + DAY), ready).await.unwrap();
    let woken: Vec<_> = claim(store, ready).await.into_iter().filter(|post| post.id != posts[0].id).collect();
    assert_eq!(woken.iter().map(|post| post.id).collect::<Vec<_>>(), [second.id], "the next one is called");
    assert!(!full(&woken[0], ready).await);
}

#[tokio::test]
async fn the_next_in_the_queue_is_called_when_the_one_before_it_is_cancelled() {
    let Posts { store, posts, now, .. } = &on_their_way(3).await;
    for post in posts {
        store.apply_within_limit(post, sends(post, *now), 1, *now).await.unwrap();
    }
    assert!(claim(store, *now).await.is_empty());
    store.cancel(USER, posts[1].id, *now, None).await.unwrap();
    let woken = claim(store, *now).await;
    assert_eq!(woken.iter().map(|post| post.id).collect::<Vec<_>>(), [posts[2].id]);
    let waits = store.apply_within_limit(&woken[0], sends(&woken[0], *now), 1, *now).await.unwrap();
    let Place::Waits(waits) = waits else { panic!("one a day") };
    assert_eq!(waits.next_step_at, Some(*now + DAY), "the place for which the other one stood");
}

#[tokio::test]
async fn what_may_be_visible_counts_and_what_is_proven_absent_does_not() {
    let Posts { store, posts, now, .. } = &on_their_way(1).await;
    let Place::Taken(post) = store.apply_within_limit(&posts[0], sends(&posts[0], *now), LIMIT, *now).await.unwrap()
    else {
        panic!("there is room");
    };
    let count = || async { store.daily_posts(USER, Platform::Tiktok, *now).await.unwrap() };
    assert_eq!(count().await, 1, "under way");
    let post = store.apply(&post, Change { by: Some(Move::ReplyLost), ..Change::default() }, *now).await.unwrap();
    assert_eq!(count().await, 1, "confirming");
    let failure = Failure::new(FailureClass::Permanent, Reason::OutcomeUnknown, "nobody can tell");
    let review = Change { by: Some(Move::CannotTell), error: Some(Some(failure)), ..Change::default() };
    let review = Change { release: Some(Release { at: None, waiting_for: None }), ..review };
    store.apply(&post, review, *now).await.unwrap();
    assert_eq!(count().await, 1, "in review");
    let failure = Failure::new(FailureClass::Permanent, Reason::ResolvedNotPublished, "not there");
    let word = ResolvedWord {
        published: false,
        platform_post_id: None,
        platform_post_url: None,
        note: "looked".into(),
        failure: Some(failure),
    };
    store.resolve(USER, post.id, word, *now).await.unwrap();
    assert_eq!(count().await, 0, "a person said that it is not there");
    assert_eq!(post.fence, Fence(1));
}

#[test]
fn places_are_reckoned_in_the_order_of_the_line() {
    let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let taken: Vec<_> = [20, 10, 1].map(|hours| now - TimeDelta::hours(hours)).to_vec();
    let free = |ahead, limit| place_free_at(&taken, ahead, limit, now).map(|at| (at - now).num_hours());
    assert_eq!(free(0, 4), None);
    assert_eq!(free(1, 4), Some(4), "the one in front takes the place that is free");
    assert_eq!(free(0, 3), Some(4));
    assert_eq!(free(1, 3), Some(14));
    assert_eq!(free(9, 3), Some(23), "nobody knows further: it looks again then");
    assert_eq!(place_free_at(&[], 0, 1, now), None);
}

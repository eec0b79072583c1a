//! One post of a platform belongs to one post of ours, whoever's it is.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, Store, platform_posts::Rivals};
use crate::{
    domain::{
        account::Account,
        binding::BoundBy,
        change::{Change, LedgerWrite, LiveDetails, Release},
        ids::{AccountId, Fence, UserId},
        ledger::{Entry, Evidence, Handle, ResolvedWord, StepClass, StepOutcome},
        post::{Post, Status},
        transition::Move,
    },
    params,
    store::{
        plans::{KEY, account, new_post, store},
        posts::CasResult,
    },
};

/// The same platform account, held by another user.
async fn second_holder(store: &Store, now: DateTime<Utc>) -> Account {
    let insert = "INSERT INTO aurareels_social_accounts (wp_user_id, platform, account_id, account_name, login_flavour, \
                  created_at, updated_at) VALUES (2, 'tiktok', 'a', 'A', 'tiktok', ?, ?)";
    let made = store.db.write(async move |tx| {
        let id = tx.insert(insert, &params![now, now]).await?;
        crate::store::account_rows::reread(tx, AccountId(id)).await
    });
    made.await.unwrap()
}

async fn publishing(store: &Store, account: &Account, key: &str, caption: &str, now: DateTime<Utc>) -> Post {
    let mut new = new_post(account, Status::Publishing, key, now);
    new.post.content.full_caption = caption.to_owned();
    new.keys.refuse_duplicates_since = None;
    store.insert_posts(vec![new]).await.unwrap();
    let mut claimed = store.claim_due(now, TimeDelta::zero(), key, Duration::from_secs(15), 9).await.unwrap();
    claimed.remove(0)
}

fn sent(outcome: StepOutcome, told: Handle, fence: Fence, now: DateTime<Utc>) -> Entry {
    Entry {
        number: 1,
        attempt: 1,
        step: "instagram.media_publish".into(),
        class: StepClass::PointOfNoReturn,
        handle: told.with("container_id", "c"),
        sent_at: now,
        deadline_at: now,
        outcome: Some(outcome),
        answered_at: Some(now),
        evidence: Evidence::new(),
        fence,
    }
}

/// The change of a post that turned out to be live as `X`.
fn live(post: &Post, by: BoundBy, now: DateTime<Utc>) -> Change {
    let outcome = if by == BoundBy::Match { StepOutcome::Found } else { StepOutcome::Accepted };
    let told = Handle::default().with("media_id", "X");
    Change {
        ledger: LedgerWrite::Insert(sent(outcome, told, post.fence, now)),
        by: Some(Move::Confirmed),
        live: Some(LiveDetails {
            platform_post_id: Some("X".into()),
            platform_post_url: Some("https://i.example/x".into()),
            all_platform_post_ids: vec!["X".into()],
            bound_by: by,
        }),
        ..Change::default()
    }
}

#[tokio::test]
async fn a_direct_answer_takes_an_id_from_a_match_and_nothing_else_does() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let now = store.clock().now();
    let (mine, theirs) = (account(&store, now).await, second_holder(&store, now).await);
    let matched = publishing(&store, &mine, "one", "hi", now).await;
    let told = publishing(&store, &theirs, "two", "hi", now).await;
    let again = publishing(&store, &mine, "three", "hi", now).await;
    let published = store.apply(&matched, live(&matched, BoundBy::Match, now), now).await.unwrap();
    assert_eq!(published.platform_post_id.as_deref(), Some("X"));

    // A second match is void and writes nothing; a person's word is refused too.
    let void = store.apply(&again, live(&again, BoundBy::Match, now), now).await.unwrap_err();
    assert!(matches!(void, Error::BoundElsewhere { by: BoundBy::Match, other, .. } if other == matched.id), "{void:?}");
    assert_eq!(store.post(again.id).await.unwrap().unwrap().status, Status::Publishing);
    assert!(store.ledger(again.id).await.unwrap().entries().is_empty());

    // The platform's own answer for another user's post takes it.
    let kept = store.apply(&told, live(&told, BoundBy::Answer, now), now).await.unwrap();
    assert_eq!((kept.status, kept.platform_post_id.as_deref()), (Status::Published, Some("X")));
    let lost = store.post(matched.id).await.unwrap().unwrap();
    assert_eq!((lost.status, lost.platform_post_id, lost.published_at), (Status::Confirming, None, None));
    assert_eq!(lost.next_step_at, Some(now), "it is looked at again at once");
    let ledger = store.ledger(matched.id).await.unwrap();
    let open = ledger.unsettled(1).expect("the question is open again");
    assert_eq!((open.handle.text("media_id"), open.handle.text("container_id")), (None, Some("c")));
    let release = Change { release: Some(Release { at: None, waiting_for: None }), ..Change::default() };
    let fenced = store.apply(&published, release, now).await.unwrap_err();
    assert!(matches!(fenced, Error::Fenced(_)), "its worker goes on with nothing: {fenced:?}");

    // A second answer with the same id cannot be told; a person's word is no answer either.
    let twice = store.apply(&again, live(&again, BoundBy::Answer, now), now).await.unwrap_err();
    assert!(matches!(twice, Error::BoundElsewhere { by: BoundBy::Answer, .. }), "{twice:?}");
    let word = ResolvedWord {
        published: true,
        platform_post_id: Some("X".into()),
        platform_post_url: None,
        note: "looked".into(),
        failure: None,
    };
    let taken = store.resolve(UserId(1), matched.id, word.clone(), now).await.unwrap_err();
    assert!(matches!(taken, Error::BoundElsewhere { by: BoundBy::Person, user: UserId(2), .. }), "{taken:?}");
    // With its own id a person settles it while it is confirming.
    let word = ResolvedWord { platform_post_id: Some("Y".into()), ..word };
    let CasResult::Done(post) = store.resolve(UserId(1), matched.id, word, now).await.unwrap() else { panic!() };
    assert_eq!((post.status, post.platform_post_id.as_deref()), (Status::Published, Some("Y")));
}

#[tokio::test]
async fn a_match_that_is_void_is_forgotten_and_looked_for_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let now = store.clock().now();
    let mine = account(&store, now).await;
    let post = publishing(&store, &mine, "one", "hi", now).await;
    let found = sent(StepOutcome::Found, Handle::default().with("media_id", "X"), post.fence, now);
    let change = Change { ledger: LedgerWrite::Insert(found), by: Some(Move::ReplyLost), ..Change::default() };
    let post = store.apply(&post, change, now).await.unwrap();
    let post = store.drop_match(&post, &["X".into()], now).await.unwrap();
    assert_eq!(post.status, Status::Confirming);
    let ledger = store.ledger(post.id).await.unwrap();
    assert_eq!(ledger.unsettled(1).and_then(|open| open.handle.text("media_id")), None);
    assert!(ledger.unsettled(1).is_some_and(Entry::is_reopened), "only full proof settles it from now on");
    // Live by the platform's word, as which is not known: the wrong link is forgotten, and the word is asked for again.
    let again = Entry { outcome: Some(StepOutcome::Found), ..ledger.unsettled(1).unwrap().clone() };
    let link = Entry {
        number: 2,
        step: "instagram.permalink".into(),
        class: StepClass::Read,
        outcome: Some(StepOutcome::Accepted),
        handle: Handle::default().with("media_id", "X"),
        ..again.clone()
    };
    let live = Change { ledger: LedgerWrite::Update(again), by: Some(Move::Confirmed), ..Change::default() };
    let post = store.apply(&post, live, now).await.unwrap();
    let linked = Change { ledger: LedgerWrite::Insert(link), ..Change::default() };
    let post = store.apply(&post, linked, now).await.unwrap();
    let post = store.drop_match(&post, &["X".into()], now).await.unwrap();
    assert_eq!((post.status, post.published_at), (Status::Confirming, None));
    let outcomes: Vec<_> = store.ledger(post.id).await.unwrap().entries().iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Some(StepOutcome::Unknown), Some(StepOutcome::NoEffect)]);
    // A worker that lost its claim drops nothing.
    store.abandon(&[(post.id, post.fence)], now).await.unwrap();
    store.claim_due(now, TimeDelta::zero(), "other", Duration::from_secs(15), 9).await.unwrap();
    let fenced = store.drop_match(&post, &["X".into()], now).await.unwrap_err();
    assert!(matches!(fenced, Error::Fenced(_)), "{fenced:?}");
}

#[tokio::test]
async fn a_search_knows_what_is_bound_and_which_equal_captions_are_open() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path(), KEY, &[]).await;
    let now = store.clock().now();
    let (mine, theirs) = (account(&store, now).await, second_holder(&store, now).await);
    let ours = publishing(&store, &mine, "one", "hi @bob", now).await;
    assert_eq!(store.rivals(&ours, now, now).await.unwrap(), Rivals::default());
    let other = publishing(&store, &theirs, "two", "  hi bob\r\n", now).await;
    let rivals = store.rivals(&ours, now, now).await.unwrap();
    assert!(rivals.same_caption_in_flight, "the list would show both alike, whoever's they are");
    store.apply(&other, live(&other, BoundBy::Answer, now), now).await.unwrap();
    let rivals = store.rivals(&ours, now, now).await.unwrap();
    assert_eq!(rivals, Rivals { bound: vec!["X".into()], same_caption_in_flight: false });
    // Published, but nobody knows as which: any post of the list may be it.
    let nameless = publishing(&store, &theirs, "three", "hi bob", now).await;
    let change = Change { live: None, ..live(&nameless, BoundBy::Answer, now) };
    store.apply(&nameless, change, now).await.unwrap();
    assert!(store.rivals(&ours, now, now).await.unwrap().same_caption_in_flight);
}

//! Creating posts while other callers do the same: each gets its own answer.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    Error, Result, Store,
    creating::{Inserted, NewPost},
    db::{Kind, testing::Private},
    plans,
};
use crate::{
    clock::Clock,
    domain::{
        account::Account,
        event::EventKind,
        ids::{AccountId, Sequence, UserId},
        post::{Content, Post, Status},
        request_key::{Asked, RequestKeys},
    },
};

struct Stage {
    store: Store,
    account: Account,
    now: DateTime<Utc>,
    directory: tempfile::TempDir,
    /// The database, if it is one of a server.
    _server: Option<Private>,
}

/// A request that was begun.
type Call = JoinHandle<Result<Vec<Inserted>>>;

impl Stage {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = plans::store(directory.path(), plans::KEY, &[]).await;
        Self::of(store, directory, None).await
    }

    /// `None`: there is no such server.
    async fn on(kind: Kind) -> Option<Self> {
        let server = Private::make(kind, "wp_").await?;
        let store = plans::store_at(server.place.clone(), plans::KEY, &[]).await;
        Some(Self::of(store, tempfile::tempdir().unwrap(), Some(server)).await)
    }

    async fn of(store: Store, directory: tempfile::TempDir, server: Option<Private>) -> Self {
        let now = Clock::system().now();
        let account = plans::account(&store, now).await;
        Self { store, account, now, directory, _server: server }
    }

    fn post(&self, key: &str) -> NewPost {
        plans::new_post(&self.account, Status::Publishing, key, self.now)
    }

    /// Begins requests while the writer is kept at work, so that it finds all of them when it comes back.
    async fn at_once(&self, requests: Vec<Vec<NewPost>>) -> Vec<Call> {
        let (begun, begins) = oneshot::channel();
        let (ends, end) = oneshot::channel::<()>();
        let (begun, end) = (std::sync::Mutex::new(Some(begun)), tokio::sync::Mutex::new(Some(end)));
        let db = self.store.db.clone();
        let busy = tokio::spawn(async move {
            db.write(async move |_| {
                let told = begun.lock().unwrap().take();
                told.map(|told| told.send(()));
                if let Some(end) = end.lock().await.take() {
                    end.await.unwrap();
                }
                Ok(())
            })
            .await
        });
        begins.await.unwrap();
        let mut calls = Vec::new();
        for request in requests {
            let store = self.store.clone();
            calls.push(tokio::spawn(async move { store.insert_posts(request).await }));
            // Each one is with the store before the next.
            tokio::task::yield_now().await;
        }
        ends.send(()).unwrap();
        busy.await.unwrap().unwrap();
        calls
    }

    async fn created(&self) -> usize {
        let events = self.store.events_after(UserId(1), Sequence(0), 10_000).await.unwrap();
        let created: Vec<_> = events.iter().filter(|event| event.event.kind == EventKind::PostCreated).collect();
        let posts: BTreeSet<_> = created.iter().map(|event| event.event.post_id).collect();
        assert_eq!(posts.len(), created.len(), "one event a post");
        posts.len()
    }
}

fn new(inserted: &Inserted) -> &Post {
    match inserted {
        Inserted::New(post) => post,
        other => panic!("{other:?}"),
    }
}

/// The cases on every back end.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            use super::Stage;
            $(#[tokio::test] async fn $name() { super::$name(Stage::new().await).await; })*
        }
        cases!(on_postgres, Kind::Postgres, $($name),*);
        cases!(on_mysql, Kind::Mysql, $($name),*);
    };
    ($server:ident, $kind:expr, $($name:ident),*) => {
        mod $server {
            use super::{Kind, Stage};
            $(#[tokio::test]
            async fn $name() {
                if let Some(stage) = Stage::on($kind).await {
                    super::$name(stage).await;
                }
            })*
        }
    };
}

cases!(
    every_request_gets_its_own_posts,
    equal_requests_make_one_set_of_posts,
    the_same_content_under_other_keys_goes_in_once,
    a_request_that_is_refused_leaves_nothing_and_costs_no_other_one,
    a_caller_who_goes_away_takes_nobody_with_him,
    what_waits_together_is_committed_together,
);

async fn what_waits_together_is_committed_together(stage: Stage) {
    let before = stage.store.db.metrics().commit_seconds.get_sample_count();
    let requests = (0..150).map(|number| vec![stage.post(&format!("key-{number}"))]).collect();
    for call in stage.at_once(requests).await {
        new(&call.await.unwrap().unwrap()[0]);
    }
    let commits = stage.store.db.metrics().commit_seconds.get_sample_count() - before;
    // On SQLite the writer that was busy, and two of its largest batches; on a server the first request, and five times those
    // that waited meanwhile.
    assert!(commits <= 6, "{commits} commits");
    assert_eq!(stage.created().await, 150);
}

async fn every_request_gets_its_own_posts(stage: Stage) {
    let requests: Vec<Vec<NewPost>> = (0..150).map(|number| vec![stage.post(&format!("key-{number}"))]).collect();
    for (number, call) in stage.at_once(requests).await.into_iter().enumerate() {
        let inserted = call.await.unwrap().unwrap();
        let post = new(&inserted[0]);
        assert_eq!(post.request_key.as_deref(), Some(format!("key-{number}").as_str()));
        let stored = stage.store.post(post.id).await.unwrap().expect("stored");
        assert_eq!((stored.request_key, stored.revision), (post.request_key.clone(), post.revision));
    }
    assert_eq!(stage.created().await, 150);
}

async fn equal_requests_make_one_set_of_posts(stage: Stage) {
    let request = || vec![stage.post("one"), stage.post("two")];
    let mut ids = BTreeSet::new();
    let mut made = 0;
    for call in stage.at_once((0..20).map(|_| request()).collect()).await {
        for inserted in call.await.unwrap().unwrap() {
            match inserted {
                Inserted::New(post) => {
                    made += 1;
                    ids.insert(post.id);
                }
                Inserted::Existing(post) => drop(ids.insert(post.id)),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((made, ids.len(), stage.created().await), (2, 2, 2));
}

async fn the_same_content_under_other_keys_goes_in_once(stage: Stage) {
    let request = |number: u32| {
        let mut new = stage.post(&format!("key-{number}"));
        new.keys.posted = Some("content".into());
        new.keys.is_derived = false;
        new.post.request_key_derived = false;
        vec![new]
    };
    let mut answers = Vec::new();
    for call in stage.at_once((0..20).map(request).collect()).await {
        answers.extend(call.await.unwrap().unwrap());
    }
    let made = answers.iter().filter(|answer| matches!(answer, Inserted::New(_))).count();
    let refused = answers.iter().filter(|answer| matches!(answer, Inserted::Duplicate(_))).count();
    assert_eq!((made, refused, stage.created().await), (1, 19, 1));
}

async fn a_request_that_is_refused_leaves_nothing_and_costs_no_other_one(stage: Stage) {
    stage.store.insert_posts(vec![stage.post("taken")]).await.unwrap();
    let mut other_content = stage.post("taken");
    let content = Content { video_job_id: "taken".into(), location: Some("elsewhere".into()), ..Content::default() };
    other_content.keys.fingerprint =
        RequestKeys::of(&stage.account, &content, "", "", Asked::default(), None).fingerprint;
    let mut without_upload = stage.post("upload");
    without_upload.post.content.media_id = "m_gone".into();
    let mut nobody = stage.post("nobody");
    nobody.post.social_account_id = AccountId(4711);
    let calls = stage
        .at_once(vec![
            vec![stage.post("a")],
            vec![stage.post("b"), other_content],
            vec![stage.post("c"), without_upload],
            vec![stage.post("d"), nobody],
            vec![stage.post("e")],
        ])
        .await;
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    new(&answers[0].as_ref().unwrap()[0]);
    assert!(matches!(answers[1].as_deref().unwrap(), [Inserted::Reused(..)]), "{:?}", answers[1]);
    assert!(matches!(answers[2], Err(Error::NoMedia(_))), "{:?}", answers[2]);
    assert!(matches!(answers[3], Err(Error::Unavailable(_))), "{:?}", answers[3]);
    new(&answers[4].as_ref().unwrap()[0]);
    assert_eq!(stage.created().await, 3, "the one before, and two");
}

async fn a_caller_who_goes_away_takes_nobody_with_him(stage: Stage) {
    let calls = stage.at_once((0..5).map(|number| vec![stage.post(&format!("key-{number}"))]).collect()).await;
    let mut calls = calls.into_iter();
    calls.next().unwrap().abort();
    for call in calls {
        new(&call.await.unwrap().unwrap()[0]);
    }
    assert_eq!(stage.created().await, 5, "a request that arrived is carried out");
}

#[tokio::test]
async fn refused_requests_leave_the_others_in_one_commit() {
    let stage = Stage::new().await;
    let log = stage.directory.path().join("aurareels.db-wal");
    let size = || std::fs::metadata(&log).unwrap().len();
    // A commit appends every page that it changed, so many commits write the same pages many times.
    let written = async |batch: &str, refused: usize| {
        let before = size();
        let mut requests: Vec<Vec<NewPost>> =
            (0..60).map(|number| vec![stage.post(&format!("{batch}-{number}"))]).collect();
        for request in requests.iter_mut().rev().take(refused) {
            request[0].post.content.media_id = "m_gone".into();
        }
        let mut missing = 0;
        for call in stage.at_once(requests).await {
            missing += usize::from(matches!(call.await.unwrap(), Err(Error::NoMedia(_))));
        }
        assert_eq!(missing, refused);
        size() - before
    };
    let whole = written("whole", 0).await;
    let some_refused = written("some", 3).await;
    assert_eq!(stage.created().await, 117);
    assert!(some_refused < 2 * whole, "{some_refused} bytes with refused requests, {whole} without");
}

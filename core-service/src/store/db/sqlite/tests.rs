//! What every back end does, the writer under trouble, and the size of its log.

use std::sync::atomic::{AtomicU64, Ordering};

use std::time::Instant;

use futures_util::future::LocalBoxFuture;
use sqlx::Executor;
use tokio::sync::oneshot;

use super::*;
use crate::{
    params,
    store::{
        Store,
        db::{
            self,
            operations::{Operation, PATIENCE, Queued, Typed},
        },
    },
};

async fn open(directory: &std::path::Path) -> Db {
    let db = Db::open(&Store::default_url(directory)).await.unwrap();
    db.migrate().await.unwrap();
    db
}

async fn fresh() -> Option<(db::Db, tempfile::TempDir)> {
    let directory = tempfile::tempdir().unwrap();
    Some((db::Db::Sqlite(open(directory.path()).await), directory))
}

crate::store::db::suite::cases!(fresh);

async fn write(db: &Db, name: &str) -> Result<()> {
    let name = name.to_owned();
    db.write(async move |tx| {
        tx.execute("INSERT INTO aurareels_settings (name, value) VALUES (?, 'x')", &params![&name]).await.map(drop)
    })
    .await
}

async fn written(db: &Db) -> i64 {
    let mut reader = db.read().await.unwrap();
    let row = reader.fetch_optional("SELECT COUNT(*) AS count FROM aurareels_settings", &[]).await.unwrap().unwrap();
    row.int("count").unwrap()
}

async fn foreign(db: &Db) -> sqlx::SqliteConnection {
    db.options.clone().connect().await.unwrap()
}

/// Takes the writer down when it is answered.
struct Deadly;

impl Operation for Deadly {
    fn run<'a>(&'a mut self, _: &'a mut db::Tx) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn finish(self: Box<Self>, _: Result<()>) {
        panic!("a bug of the writer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_stops_begins_anew_and_tells_those_who_waited() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(directory.path()).await;
    for round in 0..3 {
        let queued = Queued { operation: Box::new(Deadly), until: Instant::now() + PATIENCE, is_alone: false };
        db.queues.others.send(queued).await.unwrap();
        // One in the same batch is told so; all later ones are carried out.
        match write(&db, &format!("in the same batch {round}")).await {
            Ok(()) | Err(Error::Sick(Ailment::Stopped)) => {}
            Err(other) => panic!("{other}"),
        }
        write(&db, &format!("after it {round}")).await.unwrap();
    }
    assert!(written(&db).await >= 3);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_too_long_behind_a_lock_is_answered_and_never_carried_out() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(directory.path()).await;
    let mut foreign = foreign(&db).await;
    foreign.execute("BEGIN IMMEDIATE").await.unwrap();
    let mut answers = Vec::new();
    for number in 0..3 * BATCH {
        let (reply, answer) = oneshot::channel();
        let operation = async move |tx: &mut db::Tx| {
            let name = format!("late {number}");
            tx.execute("INSERT INTO aurareels_settings (name, value) VALUES (?, 'x')", &params![&name]).await.map(drop)
        };
        db.queues
            .others
            .send(Queued { operation: Box::new(Typed::new(operation, reply)), until: Instant::now(), is_alone: false })
            .await
            .unwrap();
        answers.push(answer);
    }
    let patient = tokio::spawn({
        let db = db.clone();
        async move { write(&db, "patient").await }
    });
    for answer in answers {
        assert!(answer.await.unwrap().unwrap_err().is_locked());
    }
    foreign.execute("ROLLBACK").await.unwrap();
    patient.await.unwrap().unwrap();
    assert_eq!(written(&db).await, 1);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_small_under_readers_that_overlap_without_a_gap() {
    const ROUNDS: usize = 120;
    let directory = tempfile::tempdir().unwrap();
    let db = open(directory.path()).await;
    let (most, log) = (Arc::new(AtomicU64::new(0)), directory.path().join("aurareels.db-wal"));
    let (stop, stopping) = watch::channel(false);
    let mut readers = Vec::new();
    for _ in 0..3 {
        let (mut connection, stopping) = (foreign(&db).await, stopping.clone());
        readers.push(tokio::spawn(async move {
            while !*stopping.borrow() {
                connection.execute("BEGIN").await.unwrap();
                connection.execute("SELECT COUNT(*) FROM aurareels_settings").await.unwrap();
                tokio::time::sleep(Duration::from_millis(30)).await;
                connection.execute("COMMIT").await.unwrap();
            }
        }));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let value = "x".repeat(1024 * 1024);
    for round in 0..ROUNDS {
        let (name, value) = (format!("of round {}", round % 8), value.clone());
        db.write(async move |tx| {
            let sql = "INSERT INTO aurareels_settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            tx.execute(sql, &params![&name, &value]).await.map(drop)
        })
        .await
        .unwrap();
        most.fetch_max(std::fs::metadata(&log).unwrap().len(), Ordering::Relaxed);
    }
    stop.send_replace(true);
    for reader in readers {
        reader.await.unwrap();
    }
    let most = most.load(Ordering::Relaxed);
    assert!(most < log::LIMIT + 4 * 1024 * 1024, "the log grew to {most} bytes");
    db.close().await;
}

//! What every back end has to do, as cases. A back end runs them all by [`cases`], each on a fresh, migrated database that
//! its function `open` makes; what is returned beside it keeps it alive. `None`: there is no server to try it on.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Db, Tx, Value};
use crate::{
    params,
    store::{Error, Result},
};

/// Makes a test of each case.
macro_rules! cases {
    ($open:path) => {
        $crate::store::db::suite::cases! { $open =>
            an_inserted_row_has_the_id_that_was_answered,
            several_rows_have_the_ids_that_were_answered_in_their_order,
            rows_that_stay_as_they_are_count_as_matched,
            an_operation_that_fails_leaves_nothing_and_others_are_kept,
            no_change_is_lost_between_writers,
            what_was_not_found_is_not_there_until_the_commit,
            an_operation_is_carried_out_when_its_caller_goes_away,
            a_reader_sees_what_was_answered,
            values_come_back_as_they_were_bound,
            keys_compare_by_bytes,
            a_question_mark_in_quotes_is_no_value,
            events_become_visible_in_their_order,
            a_commit_tells_of_events_and_of_the_earliest_time,
            ids_go_on_from_where_they_are_told,
            migrating_again_and_from_two_sides_changes_nothing,
            what_was_answered_before_the_end_is_kept_and_nothing_comes_after_it,
        }
    };
    ($open:path => $($case:ident,)*) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            if let Some((db, _kept)) = $open().await {
                $crate::store::db::suite::$case(db).await;
            }
        }
    )* };
}
pub(super) use cases;

const SET: &str = "INSERT INTO aurareels_settings (name, value) VALUES (?, ?)";
const CHANGE: &str = "UPDATE aurareels_settings SET value = ? WHERE name = ?";
const GET: &str = "SELECT value FROM aurareels_settings WHERE name = ?";
const KEY: &str =
    "INSERT INTO aurareels_api_keys (name, key_hash, key_prefix, scopes, created_at) VALUES (?, ?, 'p', '[]', ?)";
const EVENT: &str = "INSERT INTO aurareels_events (wp_user_id, kind, created_at) VALUES (?, 'post_created', ?)";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap()
}

async fn set(db: &Db, name: &str, value: &str) -> Result<()> {
    let values = params![name, value];
    db.write(async move |tx| tx.execute(SET, &values).await.map(drop)).await
}

async fn get(db: &Db, name: &str) -> Option<String> {
    let row = db.read().await.unwrap().fetch_optional(GET, &params![name]).await.unwrap();
    row.map(|row| row.text("value").unwrap())
}

async fn name_of_key(db: &Db, id: i64) -> String {
    let sql = "SELECT name FROM aurareels_api_keys WHERE id = ?";
    db.read().await.unwrap().fetch_optional(sql, &params![id]).await.unwrap().unwrap().text("name").unwrap()
}

pub(super) async fn an_inserted_row_has_the_id_that_was_answered(db: Db) {
    let insert = async |name: &'static str| {
        db.write(async move |tx| tx.insert(KEY, &params![name, name, now()]).await).await.unwrap()
    };
    let (one, two) = (insert("one").await, insert("two").await);
    assert!(two > one);
    assert_eq!((name_of_key(&db, one).await, name_of_key(&db, two).await), ("one".to_owned(), "two".to_owned()));
}

pub(super) async fn several_rows_have_the_ids_that_were_answered_in_their_order(db: Db) {
    let sql = format!("{KEY}, (?, ?, 'p', '[]', ?), (?, ?, 'p', '[]', ?)");
    let values: Vec<Value> = ["a", "b", "c"].iter().flat_map(|name| params![*name, *name, now()]).collect();
    let ids = db.write(async move |tx| tx.insert_all(&sql, &values, 3).await).await.unwrap();
    assert!(ids.is_sorted() && ids.len() == 3, "{ids:?}");
    for (id, name) in ids.into_iter().zip(["a", "b", "c"]) {
        assert_eq!(name_of_key(&db, id).await, name);
    }
}

pub(super) async fn rows_that_stay_as_they_are_count_as_matched(db: Db) {
    set(&db, "same", "x").await.unwrap();
    let change = |name: &'static str| db.write(async move |tx| tx.execute(CHANGE, &params!["x", name]).await);
    assert_eq!((change("same").await.unwrap(), change("other").await.unwrap()), (1, 0));
}

pub(super) async fn an_operation_that_fails_leaves_nothing_and_others_are_kept(db: Db) {
    let fails = db.write::<(), _>(async |tx| {
        tx.execute(SET, &params!["half", "x"]).await?;
        Err(Error::Corrupt("the operation changed its mind".into()))
    });
    let twice = db.write(async |tx| {
        tx.execute(SET, &params!["twice", "x"]).await?;
        tx.execute(SET, &params!["twice", "y"]).await.map(drop)
    });
    let (fails, kept, twice) = tokio::join!(fails, set(&db, "whole", "x"), twice);
    assert!(matches!(fails, Err(Error::Corrupt(_))) && kept.is_ok() && twice.is_err());
    assert_eq!((get(&db, "half").await, get(&db, "twice").await), (None, None));
    assert_eq!(get(&db, "whole").await.as_deref(), Some("x"));
}

/// Adds one to a number, by reading it first.
async fn count_up(tx: &mut Tx) -> Result<()> {
    let row = tx.fetch_optional(GET, &params!["number"]).await?.ok_or(Error::Corrupt("it is gone".into()))?;
    let number: u32 = row.text("value")?.parse().map_err(|_| Error::Corrupt("no number".into()))?;
    tx.execute(CHANGE, &params![(number + 1).to_string(), "number"]).await.map(drop)
}

pub(super) async fn no_change_is_lost_between_writers(db: Db) {
    set(&db, "number", "0").await.unwrap();
    futures_util::future::join_all((0..40).map(|_| db.write(count_up))).await;
    assert_eq!(get(&db, "number").await.as_deref(), Some("40"));
}

pub(super) async fn what_was_not_found_is_not_there_until_the_commit(db: Db) {
    let claim = async |owner: String| {
        db.write(async move |tx| match tx.fetch_optional(GET, &params!["owner"]).await? {
            Some(_) => Ok(false),
            None => tx.execute(SET, &params!["owner", &owner]).await.map(|_| true),
        })
        .await
    };
    let claims = futures_util::future::join_all((0..20).map(|number| claim(format!("owner {number}")))).await;
    let owners = claims.into_iter().filter(|claim| *claim.as_ref().unwrap()).count();
    assert_eq!(owners, 1, "one found nothing, the others found it");
}

pub(super) async fn an_operation_is_carried_out_when_its_caller_goes_away(db: Db) {
    for round in 0..10 {
        let name = format!("left {round}");
        let mut write = Box::pin(set(&db, &name, "x"));
        // Given to the database, and not waited for.
        let _ = futures_util::poll!(&mut write);
        drop(write);
    }
    let mut left = 0;
    while left < 10 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        left = 0;
        for round in 0..10 {
            left += usize::from(get(&db, &format!("left {round}")).await.is_some());
        }
    }
}

pub(super) async fn a_reader_sees_what_was_answered(db: Db) {
    for round in 0..50 {
        let name = format!("round {round}");
        set(&db, &name, "x").await.unwrap();
        assert!(get(&db, &name).await.is_some(), "{name}");
    }
}

pub(super) async fn values_come_back_as_they_were_bound(db: Db) {
    const BACK: &str = "SELECT id, name, wp_user_id, revoked_at, created_at FROM aurareels_api_keys ORDER BY id";
    let text = "it's \"one\" \\ 🎬 ä\n\tend ";
    let sql = "INSERT INTO aurareels_api_keys (name, key_hash, key_prefix, scopes, wp_user_id, revoked_at, created_at) \
               VALUES (?, ?, 'p', '[]', ?, ?, ?), (?, ?, 'p', '[]', ?, ?, ?)";
    let (nobody, never) = (None::<i64>, None::<DateTime<Utc>>);
    let values: Vec<Value> =
        params![text, "1", i64::MAX, now(), now(), "", "2", nobody, never, now() + TimeDelta::microseconds(1)].into();
    let within = db.write(async move |tx| {
        tx.insert_all(sql, &values, 2).await?;
        tx.fetch_all(BACK, &[]).await
    });
    let within = within.await.unwrap();
    let outside = db.read().await.unwrap().fetch_all(BACK, &[]).await.unwrap();
    for rows in [within, outside] {
        assert_eq!(
            (rows[0].text("name").unwrap().as_str(), rows[0].opt_int("wp_user_id").unwrap()),
            (text, Some(i64::MAX))
        );
        assert_eq!(
            (rows[0].opt_time("revoked_at").unwrap(), rows[0].time("created_at").unwrap()),
            (Some(now()), now())
        );
        assert_eq!((rows[1].text("name").unwrap().as_str(), rows[1].opt_int("wp_user_id").unwrap()), ("", None));
        assert_eq!(rows[1].opt_time("revoked_at").unwrap(), None);
        assert_eq!(rows[1].time("created_at").unwrap() - now(), TimeDelta::microseconds(1));
        assert!(matches!(rows[1].int("wp_user_id"), Err(Error::Corrupt(_))), "NULL is no number");
        assert!(matches!(rows[1].int("name"), Err(Error::Corrupt(_))), "text is no number");
    }
}

pub(super) async fn keys_compare_by_bytes(db: Db) {
    let alike = ["dQw4w9WgXcQ", "dqw4W9wgXCq", "dQw4w9WgXcQ ", "🎬", "🎭", "a", "ä", "a\u{308}"];
    for name in alike {
        set(&db, name, name).await.unwrap_or_else(|error| panic!("{name:?} is a key of its own: {error}"));
    }
    for name in alike {
        assert_eq!(get(&db, name).await.as_deref(), Some(name));
    }
}

pub(super) async fn a_question_mark_in_quotes_is_no_value(db: Db) {
    let sql = "INSERT INTO aurareels_settings (name, value) VALUES ('really?', ?)";
    db.write(async move |tx| tx.execute(sql, &params!["it's? yes"]).await).await.unwrap();
    assert_eq!(get(&db, "really?").await.as_deref(), Some("it's? yes"));
}

pub(super) async fn events_become_visible_in_their_order(db: Db) {
    const WRITERS: i64 = 8;
    const EACH: usize = 25;
    const AFTER: &str = "SELECT sequence FROM aurareels_events WHERE sequence > ? ORDER BY sequence LIMIT 1000";
    let write = async |user: i64| {
        for _ in 0..EACH {
            db.write(async move |tx| tx.insert_events(EVENT, &params![user, now()], 1).await).await.unwrap();
        }
    };
    let read = async {
        let (mut position, mut seen) = (0, 0);
        while seen < usize::try_from(WRITERS).unwrap() * EACH {
            let rows = db.read().await.unwrap().fetch_all(AFTER, &params![position]).await.unwrap();
            seen += rows.len();
            position = rows.last().map_or(position, |row| row.int("sequence").unwrap());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let all = async { tokio::join!(futures_util::future::join_all((0..WRITERS).map(write)), read) };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("the reader has missed an event");
}

pub(super) async fn a_commit_tells_of_events_and_of_the_earliest_time(db: Db) {
    let mut events = db.events_committed();
    events.mark_unchanged();
    db.wakes().begin();
    set(&db, "no event", "x").await.unwrap();
    assert!(!events.has_changed().unwrap());
    db.write(async |tx| {
        tx.insert_events(EVENT, &params![1_i64, now()], 1).await?;
        tx.note_schedule(now());
        tx.note_schedule(now() - TimeDelta::seconds(1));
        Ok(())
    })
    .await
    .unwrap();
    events.changed().await.unwrap();
    db.wakes().before(now()).await;
    let later = tokio::time::timeout(Duration::from_millis(20), db.wakes().before(now() - TimeDelta::seconds(1))).await;
    assert!(later.is_err(), "it was told of a second later");
}

pub(super) async fn ids_go_on_from_where_they_are_told(db: Db) {
    let insert = async |name: &'static str| {
        db.write(async move |tx| tx.insert(KEY, &params![name, name, now()]).await).await.unwrap()
    };
    insert("before").await;
    let counters = db.write(async |tx| tx.counters().await).await.unwrap();
    let keys = counters.iter().find(|(table, _)| table == "aurareels_api_keys").unwrap();
    let posts = counters.iter().find(|(table, _)| table == "aurareels_social_posts").unwrap();
    assert_eq!((keys.1, posts.1), (1, 0), "also of a table that gave none");
    db.write(async |tx| tx.move_counters(5_000).await).await.unwrap();
    assert_eq!(insert("after").await, 5_000);
}

pub(super) async fn migrating_again_and_from_two_sides_changes_nothing(db: Db) {
    set(&db, "kept", "x").await.unwrap();
    let (one, two) = tokio::join!(db.migrate(), db.migrate());
    assert!(one.is_ok() && two.is_ok());
    assert!(get(&db, "kept").await.is_some());
}

pub(super) async fn what_was_answered_before_the_end_is_kept_and_nothing_comes_after_it(db: Db) {
    let writes = futures_util::future::join_all((0..20).map(|number| {
        let db = &db;
        async move { set(db, &format!("last {number}"), "x").await }
    }));
    let (answers, ()) = tokio::join!(writes, db.close());
    assert!(answers.iter().all(|answer| matches!(answer, Ok(()) | Err(Error::Closed | Error::Sick(_)))));
    assert!(matches!(set(&db, "after", "x").await, Err(Error::Closed)));
}

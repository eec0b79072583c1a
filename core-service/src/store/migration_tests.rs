//! A database of an older release, with rows in it, opened by this one.

use std::sync::Arc;

use chrono::DateTime;
use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};

use super::*;
use crate::{
    domain::{
        failure::Reason,
        ids::{AccountId, PostId, UserId},
        ledger::StepOutcome,
        post::{Content, Status},
        request_key::{Asked, Relation, RequestKeys},
    },
    params,
    secret::KeyRing,
};

/// The schema as the first release left it.
async fn first_release(url: &str) -> sqlx::SqliteConnection {
    let options: SqliteConnectOptions = url.parse().unwrap();
    let mut connection = options.create_if_missing(true).connect().await.unwrap();
    let mut migrator = sqlx_macros::migrate!("../migrations/sqlite");
    migrator.dangerous_set_table_name("aurareels_migrations");
    migrator.migrations = migrator.migrations.iter().take(1).cloned().collect::<Vec<_>>().into();
    migrator.run_direct(None, &mut connection, false).await.unwrap();
    connection
}

#[tokio::test]
async fn rows_of_the_first_release_survive_and_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let url = Store::default_url(directory.path());
    let mut connection = first_release(&url).await;
    // The key is one that an older core derived.
    let rows = "INSERT INTO aurareels_social_accounts (id, wp_user_id, platform, account_id, account_name, login_flavour, \
                created_at, updated_at) VALUES (1, 7, 'tiktok', 'a', 'A', 'tiktok', 1, 1); \
                INSERT INTO aurareels_social_posts (id, wp_user_id, social_account_id, platform, status, scheduled_at, \
                video_url, caption, late_policy_seconds, list_at, status_since, next_step_at, created_at, updated_at, \
                media_facts, request_key, request_key_derived, content_key) \
                VALUES (1, 7, 1, 'tiktok', 'scheduled', 5, 'https://a.example/v.mp4?token=A', 'old', 60, 5, 1, 5, 1, 1, \
                '{\"size_bytes\": 9}', 'derived:76cfa6b46e53d01197cf225d62d7559b', 1, \
                'derived:76cfa6b46e53d01197cf225d62d7559b');";
    connection.execute(rows).await.unwrap();
    connection.close().await.unwrap();

    let keys = Arc::new(KeyRing::from_settings("a key for tests, 0123456789abcdef", &[] as &[&str]).unwrap());
    let store = Store::open(&url, keys, Clock::system()).await.unwrap();
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    let now = store.clock().now();
    let old = store.post_of_user(UserId(7), PostId(1)).await.unwrap().expect("the old post");
    assert_eq!(
        (old.status, old.content.caption.as_str(), old.content.media_id.as_str()),
        (Status::Scheduled, "old", "")
    );
    assert_eq!(old.look_since, None, "nothing was restored");
    let claimed = store.claim_due(now, chrono::TimeDelta::zero(), "w", std::time::Duration::from_secs(9), 9).await;
    assert_eq!(claimed.unwrap().len(), 1, "it is worked on");
    let account = store.account(AccountId(1)).await.unwrap().expect("the old account");
    let link = |link: &str| Content { video_url: link.into(), ..Content::default() };
    for (url, size, expected) in [
        ("https://a.example/v.mp4?token=B", 9, Relation::Held),
        ("https://a.example/v.mp4?token=A", 8, Relation::OtherVideo),
        ("https://a.example/v.mp4?token=B", 8, Relation::Apart),
    ] {
        let asked = Asked { at: DateTime::from_timestamp_micros(5), wall: None };
        let keys = RequestKeys::of(&account, &link(url), "", "old", asked, None).with_file("file:x", size);
        let found = store.candidates(&[(account.id, &keys)]).await.unwrap().remove(0);
        assert_eq!(found.len(), 1, "the request of an older core is found");
        assert_eq!(found[0].relation(&keys), expected, "{url} {size}");
    }
    store.cancel(UserId(7), PostId(1), now, None).await.unwrap();
    assert_eq!(store.list_media(UserId(7), i64::MAX, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_core_goes_on_while_a_later_release_adds_columns_to_its_tables() {
    let directory = tempfile::tempdir().unwrap();
    let store = plans::store(directory.path(), plans::KEY, &[]).await;
    let now = store.clock().now();
    let account = plans::account(&store, now).await;
    let create = |key: &str| store.insert_posts(vec![plans::new_post(&account, Status::Publishing, key, now)]);
    let work = async || {
        let due =
            store.claim_due(now, chrono::TimeDelta::zero(), "w", std::time::Duration::from_secs(9), 9).await.unwrap();
        for post in &due {
            store.ledger(post.id).await.unwrap();
            store.post_of_user(post.wp_user_id, post.id).await.unwrap().unwrap();
        }
        store.postpone(&due, now, now).await.unwrap();
        (due.len(), store.events_after(account.wp_user_id, crate::domain::ids::Sequence(0), 9).await.unwrap().len())
    };
    create("one").await.unwrap();
    assert_eq!(work().await, (1, 1));
    let url = Store::default_url(directory.path());
    let mut later = url.parse::<SqliteConnectOptions>().unwrap().connect().await.unwrap();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'aurareels_%'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut later).await.unwrap();
    assert!(tables.len() > 10, "{tables:?}");
    for table in tables {
        let add = format!("ALTER TABLE {table} ADD COLUMN of_a_later_release TEXT");
        later.execute(sqlx::AssertSqlSafe(add)).await.unwrap();
    }
    create("two").await.unwrap();
    assert_eq!(work().await, (2, 2));
}

#[tokio::test]
async fn posts_that_an_older_release_has_sent_hold_their_places_in_the_daily_limit() {
    let directory = tempfile::tempdir().unwrap();
    let url = Store::default_url(directory.path());
    let mut connection = first_release(&url).await;
    let now = Clock::system().now();
    let rows = format!(
        "INSERT INTO aurareels_social_accounts (id, wp_user_id, platform, account_id, account_name, login_flavour, \
         created_at, updated_at) VALUES (1, 7, 'tiktok', 'a', 'A', 'tiktok', 1, 1); \
         INSERT INTO aurareels_social_posts (id, wp_user_id, social_account_id, platform, status, published_at, error, \
         late_policy_seconds, list_at, status_since, created_at, updated_at) VALUES \
         (1, 7, 1, 'tiktok', 'confirming', NULL, NULL, 60, 1, 1, 1, 1), (2, 7, 1, 'tiktok', 'confirming', NULL, NULL, 60, 1, 1, 1, 1), \
         (3, 7, 1, 'tiktok', 'published', {now}, NULL, 60, 1, 1, 1, 1), (4, 7, 1, 'tiktok', 'failed', NULL, '{{}}', 60, 1, 1, 1, 1), \
         (5, 7, 1, 'tiktok', 'needs_review', NULL, NULL, 60, 1, 1, 1, 1); \
         INSERT INTO aurareels_post_steps (post_id, number, attempt, step, class, handle, sent_at, deadline_at, outcome, fence) \
         VALUES (1, 1, 1, 's', 'point_of_no_return', '', {now}, 1, 'unknown', 1), (2, 1, 1, 's', 'point_of_no_return', '', {now}, 1, 'absent', 1), \
         (3, 1, 1, 's', 'point_of_no_return', '', {now}, 1, 'accepted', 1), (4, 1, 1, 's', 'point_of_no_return', '', {now}, 1, 'accepted', 1), \
         (5, 1, 1, 's', 'point_of_no_return', '', 5, 1, NULL, 1);",
        now = now.timestamp_micros()
    );
    connection.execute(sqlx::AssertSqlSafe(rows)).await.unwrap();
    connection.close().await.unwrap();
    let keys = Arc::new(KeyRing::from_settings("a key for tests, 0123456789abcdef", &[] as &[&str]).unwrap());
    let store = Store::open(&url, keys, Clock::system()).await.unwrap();
    store.migrate().await.unwrap();
    let count = store.daily_posts(UserId(7), crate::domain::platform::Platform::Tiktok, now).await.unwrap();
    assert_eq!(count, 2, "the one being found out and the published one; not the absent, the failed and the old one");
}

#[tokio::test]
async fn posts_that_the_first_release_had_begun_keep_their_times() {
    let directory = tempfile::tempdir().unwrap();
    let url = Store::default_url(directory.path());
    let mut connection = first_release(&url).await;
    connection
        .execute(
            "INSERT INTO aurareels_social_accounts (id, wp_user_id, platform, account_id, account_name, login_flavour, \
             created_at, updated_at) VALUES (1, 7, 'tiktok', 'a', 'A', 'tiktok', 1, 1)",
        )
        .await
        .unwrap();
    let second = 1_000_000_i64;
    let begun = 1_000 * second;
    // (status, scheduled_at, time of its visible request, scheduler, what is due)
    let at = |seconds: i64| Some(begun + seconds * second);
    let rows = [
        ("scheduled", at(900), None, "core", at(900)),
        ("publishing", None, None, "core", at(0)),
        ("publishing", at(-900), at(0), "core", at(0)),
        // Recorded 20 s before its time, and taken back by a stop.
        ("publishing", at(20), at(20), "core", at(20)),
        // Begun for its time, then waiting for a quota.
        ("publishing", at(20), None, "core", at(20)),
        // Recorded for its time by a core whose clock was moved.
        ("publishing", at(120), at(120), "core", at(120)),
        // Published by hand.
        ("publishing", at(900), at(1), "core", at(0)),
        ("scheduled", at(900), None, "n8n", at(900)),
    ];
    for (id, (status, scheduled_at, sent_at, scheduler, _)) in (1_i64..).zip(&rows) {
        sqlx::query(
            "INSERT INTO aurareels_social_posts (id, wp_user_id, social_account_id, platform, status, scheduled_at, \
             late_policy_seconds, list_at, status_since, created_at, updated_at, poll_count, scheduler) \
             VALUES (?, 7, 1, 'tiktok', ?, ?, 60, 1, ?, 1, 1, 4, ?)",
        )
        .bind(id)
        .bind(*status)
        .bind(*scheduled_at)
        .bind(begun)
        .bind(*scheduler)
        .execute(&mut connection)
        .await
        .unwrap();
        if let Some(sent_at) = sent_at {
            sqlx::query(
                "INSERT INTO aurareels_post_steps (post_id, number, attempt, step, class, handle, sent_at, deadline_at, \
                 outcome, fence) VALUES (?, 1, 1, 'tiktok.upload_last', 'point_of_no_return', '', ?, ?, 'no_effect', 1)",
            )
            .bind(id)
            .bind(*sent_at)
            .bind(*sent_at)
            .execute(&mut connection)
            .await
            .unwrap();
        }
    }
    connection.close().await.unwrap();

    let keys = Arc::new(KeyRing::from_settings("a key for tests, 0123456789abcdef", &[] as &[&str]).unwrap());
    let store = Store::open(&url, keys, Clock::system()).await.unwrap();
    store.migrate().await.unwrap();
    for (id, (status, .., scheduler, due)) in (1_i64..).zip(&rows) {
        let post = store.post_of_user(UserId(7), PostId(id)).await.unwrap().expect("the old post");
        assert_eq!(Some(post.due().timestamp_micros()), *due, "{id}");
        assert_eq!(post.due_at.is_some(), *status == "publishing", "{id}: an older core may still move its time");
        let counts = (post.handover_failures, post.poll_count, post.read_failures);
        assert_eq!(counts, if *scheduler == "n8n" { (4, 0, 0) } else { (0, 4, 0) }, "{id}");
    }
}

/// Opens a database of the first release by this one.
async fn updated(directory: &std::path::Path, rows: String) -> Store {
    let url = Store::default_url(directory);
    let mut connection = first_release(&url).await;
    connection.execute(sqlx::AssertSqlSafe(rows)).await.unwrap();
    connection.close().await.unwrap();
    let keys = Arc::new(KeyRing::from_settings("a key for tests, 0123456789abcdef", &[] as &[&str]).unwrap());
    let store = Store::open(&url, keys, Clock::system()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn holders(store: &Store) -> Vec<(String, i64, String)> {
    let sql = "SELECT platform_post_id, post_id, bound_by FROM aurareels_platform_posts ORDER BY platform_post_id";
    let rows = store.db.read().await.unwrap().fetch_all(sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| (row.text("platform_post_id").unwrap(), row.int("post_id").unwrap(), row.text("bound_by").unwrap()))
        .collect()
}

#[tokio::test]
async fn rows_that_one_platform_post_was_bound_to_twice_go_to_a_person() {
    let directory = tempfile::tempdir().unwrap();
    // Two users hold the account `a`; account `b` is another one. X: 1 by a match, 2 by the platform's answer. Y: 3 and 4
    // by matches. Z: 5 alone, among two ids. W: 6 on another account than 7. V: 8 by a person.
    let mut rows = "INSERT INTO aurareels_social_accounts (id, wp_user_id, platform, account_id, account_name, login_flavour, \
                    created_at, updated_at) VALUES (1, 7, 'instagram', 'a', 'A', 'facebook_login', 1, 1), \
                    (2, 8, 'instagram', 'a', 'A', 'facebook_login', 1, 1), (3, 7, 'instagram', 'b', 'B', 'facebook_login', 1, 1);"
        .to_owned();
    let posts = [
        (1, 7, 1, "X", r#"["X"]"#, "found", "{}"),
        (2, 8, 2, "X", r#"["X"]"#, "accepted", "{}"),
        (3, 7, 1, "Y", r#"["Y"]"#, "found", "{}"),
        (4, 8, 2, "Y", r#"["Y"]"#, "absent", "{}"),
        (5, 7, 1, "Z", r#"["Z","Z2"]"#, "accepted", "{}"),
        (6, 7, 1, "W", r#"["W"]"#, "found", "{}"),
        (7, 7, 3, "W", r#"["W"]"#, "found", "{}"),
        (8, 7, 1, "V", "[]", "found", r#"{"resolved_by_hand":"Ada"}"#),
    ];
    for (id, user, account, platform_post_id, all, outcome, evidence) in posts {
        rows.push_str(&format!(
            "INSERT INTO aurareels_social_posts (id, wp_user_id, social_account_id, platform, status, published_at, \
             platform_post_id, platform_post_url, all_platform_post_ids, late_policy_seconds, list_at, status_since, created_at, \
             updated_at) VALUES ({id}, {user}, {account}, 'instagram', 'published', 5, '{platform_post_id}', 'https://i.example', \
             '{all}', 60, 5, 1, 1, 1); \
             INSERT INTO aurareels_post_steps (post_id, number, attempt, step, class, handle, sent_at, deadline_at, outcome, \
             evidence, fence) VALUES \
             ({id}, 1, 1, 'instagram.snapshot', 'read', '', 1, 1, 'accepted', '{{}}', 1), \
             ({id}, 2, 1, 'instagram.media_publish', 'point_of_no_return', '', 1, 1, '{outcome}', '{evidence}', 1), \
             ({id}, 3, 1, 'instagram.permalink', 'read', '', 1, 1, 'accepted', '{{}}', 1);"
        ));
    }
    let store = updated(directory.path(), rows).await;
    let read = async |id: i64| store.post(PostId(id)).await.unwrap().unwrap();
    for id in [1, 3, 4] {
        let post = read(id).await;
        assert_eq!(
            (post.status, post.platform_post_id.as_deref(), post.published_at),
            (Status::NeedsReview, None, None)
        );
        assert!(post.platform_post_url.is_none() && post.all_platform_post_ids.is_empty(), "{id}");
        assert_eq!(post.error.unwrap().reason, Reason::OutcomeUnknown);
        let ledger = store.ledger(PostId(id)).await.unwrap();
        let outcomes: Vec<_> = ledger.entries().iter().map(|entry| entry.outcome).collect();
        use StepOutcome::{Accepted, NoEffect, Unknown};
        assert_eq!(outcomes, [Some(Accepted), Some(Unknown), Some(NoEffect)], "{id}: the match is open again");
    }
    for id in [2, 5, 6, 7, 8] {
        let post = read(id).await;
        assert_eq!(post.status, Status::Published, "{id}");
        assert!(post.platform_post_id.is_some(), "{id}");
    }
    let expected = [
        ("V", 8, "person"),
        ("W", 6, "match"),
        ("W", 7, "match"),
        ("X", 2, "answer"),
        ("Z", 5, "answer"),
        ("Z2", 5, "answer"),
    ];
    let expected: Vec<_> = expected.map(|(id, post, by)| (id.to_owned(), post, by.to_owned())).into();
    assert_eq!(holders(&store).await, expected);
    let sql = "SELECT post_id FROM aurareels_events WHERE kind = ? AND previous_status = 'published' AND status = 'needs_review' \
               ORDER BY sequence";
    let changed = crate::domain::event::EventKind::PostStatusChanged.as_str();
    let mut reader = store.db.read().await.unwrap();
    let events = reader.fetch_all(sql, &params![changed]).await.unwrap();
    let events: Vec<i64> = events.iter().map(|row| row.int("post_id").unwrap()).collect();
    assert_eq!(events, [1, 3, 4], "each change has its event");
    // They can be looked at again, and settled by a person.
    let now = store.clock().now();
    store.reconcile_again(UserId(7), PostId(1), now).await.unwrap();
    assert_eq!(read(1).await.status, Status::Confirming);
}

//! A database of an older release, with rows in it, opened by this one.

use std::sync::Arc;

use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};

use super::*;
use crate::{
    domain::{
        ids::{PostId, UserId},
        post::Status,
    },
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
    let rows = "INSERT INTO aurareels_social_accounts (id, wp_user_id, platform, account_id, account_name, login_flavour, \
                created_at, updated_at) VALUES (1, 7, 'tiktok', 'a', 'A', 'tiktok', 1, 1); \
                INSERT INTO aurareels_social_posts (id, wp_user_id, social_account_id, platform, status, scheduled_at, \
                video_url, caption, late_policy_seconds, list_at, status_since, next_step_at, created_at, updated_at) \
                VALUES (1, 7, 1, 'tiktok', 'scheduled', 5, 'https://a.example/v.mp4', 'old', 60, 5, 1, 5, 1, 1);";
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
    let claimed = store.claim_due(now, chrono::TimeDelta::zero(), "w", std::time::Duration::from_secs(9), 9).await;
    assert_eq!(claimed.unwrap().len(), 1, "it is worked on");
    store.cancel(UserId(7), PostId(1), now).await.unwrap();
    assert_eq!(store.list_media(UserId(7), i64::MAX, 10).await.unwrap(), []);
}

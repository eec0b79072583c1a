//! Looks into the core's database file, for checks that the API cannot answer. Nothing is written but damage that a
//! scenario is about.

use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::{
    ConnectOptions, Connection, Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

/// What wants attention, over all posts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pending {
    /// Rows that a worker holds.
    pub claimed: i64,
    /// When the next row wants attention.
    pub next_step_at: Option<DateTime<Utc>>,
}

/// Rows per table, to see that a refused request changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Accounts.
    pub accounts: i64,
    /// Posts.
    pub posts: i64,
    /// Ledger rows.
    pub steps: i64,
    /// Events.
    pub events: i64,
    /// The sum of all revisions: it rises with every change of a post.
    pub revisions: i64,
}

/// A read-only handle.
#[derive(Clone, Debug)]
pub struct Database(SqlitePool);

impl Database {
    /// Opens the file of a core that runs or ran.
    pub fn open(file: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        Self(SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options))
    }

    /// What wants attention.
    pub async fn pending(&self) -> Pending {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM aurareels_social_posts WHERE claim_token IS NOT NULL), \
                    (SELECT min(next_step_at) FROM aurareels_social_posts WHERE claim_token IS NULL)",
        )
        .fetch_one(&self.0)
        .await
        .expect("the database answers");
        let next: Option<i64> = row.get(1);
        Pending { claimed: row.get(0), next_step_at: next.and_then(DateTime::from_timestamp_micros) }
    }

    /// When the posts of an account for which nothing was done yet want attention, the earliest first.
    pub async fn wanted(&self, account: i64) -> Vec<DateTime<Utc>> {
        let sql = "SELECT next_step_at FROM aurareels_social_posts WHERE social_account_id = ? AND status = 'scheduled' \
                   AND claim_token IS NULL AND id NOT IN (SELECT post_id FROM aurareels_post_steps) ORDER BY next_step_at";
        let rows = sqlx::query(sql).bind(account).fetch_all(&self.0).await.expect("the database answers");
        rows.iter().filter_map(|row| DateTime::from_timestamp_micros(row.get(0))).collect()
    }

    /// Rows per table.
    pub async fn counts(&self) -> Counts {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM aurareels_social_accounts), (SELECT count(*) FROM aurareels_social_posts), \
                    (SELECT count(*) FROM aurareels_post_steps), (SELECT count(*) FROM aurareels_events), \
                    (SELECT coalesce(sum(revision), 0) FROM aurareels_social_posts)",
        )
        .fetch_one(&self.0)
        .await
        .expect("the database answers");
        Counts { accounts: row.get(0), posts: row.get(1), steps: row.get(2), events: row.get(3), revisions: row.get(4) }
    }

    /// The users that have rows.
    pub async fn users(&self) -> Vec<i64> {
        let rows = sqlx::query(
            "SELECT wp_user_id FROM aurareels_social_accounts UNION SELECT wp_user_id FROM aurareels_social_posts",
        )
        .fetch_all(&self.0)
        .await
        .expect("the database answers");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The newest event of a user; 0 when there is none.
    pub async fn newest_event(&self, user: i64) -> i64 {
        let row = sqlx::query("SELECT coalesce(max(sequence), 0) FROM aurareels_events WHERE wp_user_id = ?")
            .bind(user)
            .fetch_one(&self.0)
            .await
            .expect("the database answers");
        row.get(0)
    }

    /// The unguessable part of an upload's public address.
    pub async fn pull_token(&self, media_id: &str) -> String {
        let row = sqlx::query("SELECT pull_token FROM aurareels_media WHERE media_id = ?").bind(media_id);
        row.fetch_one(&self.0).await.expect("an upload").get(0)
    }

    /// How many handles of the ledger each encryption key has sealed.
    pub async fn handles_by_key(&self) -> Vec<(String, i64)> {
        let rows = sqlx::query(
            "SELECT substr(handle, 1, 20) AS key, count(*) FROM aurareels_post_steps WHERE handle > '' GROUP BY key",
        )
        .fetch_all(&self.0)
        .await
        .expect("the database answers");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Writes what no release of the core at hand writes, over the constraints.
    pub async fn damage(&self, sql: &'static str) {
        let options = (*self.0.connect_options()).clone().read_only(false);
        let mut connection = options.connect().await.expect("a connection");
        sqlx::query("PRAGMA ignore_check_constraints = ON").execute(&mut connection).await.expect("the pragma");
        let done = sqlx::query(sql).execute(&mut connection).await.expect("the statement");
        assert!(done.rows_affected() > 0, "nothing was damaged: {sql}");
        connection.close().await.expect("closed");
    }

    /// Lets the file go.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

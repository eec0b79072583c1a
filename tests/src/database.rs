//! Looks into the core's database, for checks that the API cannot answer. Nothing is written but damage that a scenario is
//! about.

use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, MySqlPool, PgPool, Row as _, SqlitePool, ValueRef,
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlRow},
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
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

/// A handle that reads.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file.
    Sqlite(SqlitePool),
    /// Of a server.
    Postgres(PgPool),
    /// Of a server, MariaDB too.
    Mysql(MySqlPool),
}

enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
    Mysql(MySqlRow),
}

impl Row {
    fn int(&self, column: usize) -> i64 {
        match self {
            Self::Sqlite(row) => row.get(column),
            Self::Postgres(row) => row.get(column),
            Self::Mysql(row) => row.get_unchecked(column),
        }
    }

    fn text(&self, column: usize) -> String {
        match self {
            Self::Sqlite(row) => row.get(column),
            Self::Postgres(row) => row.get(column),
            Self::Mysql(row) => row.get_unchecked(column),
        }
    }

    fn time(&self, column: usize) -> Option<DateTime<Utc>> {
        match self {
            Self::Sqlite(row) => row.get::<Option<i64>, _>(column).and_then(DateTime::from_timestamp_micros),
            Self::Postgres(row) => row.get(column),
            Self::Mysql(row) => row.get::<Option<chrono::NaiveDateTime>, _>(column).map(|at| at.and_utc()),
        }
    }
}

impl Database {
    /// Opens the file of a core that runs or ran.
    pub fn of_file(file: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        Self::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options))
    }

    /// Opens the database of a server's URL.
    pub fn of_url(url: &str) -> Self {
        match url.split(':').next() {
            Some("postgres") => {
                let options: PgConnectOptions = url.parse().expect("a URL");
                Self::Postgres(PgPoolOptions::new().max_connections(1).connect_lazy_with(options))
            }
            Some("mysql") => {
                let options: MySqlConnectOptions = url.parse().expect("a URL");
                Self::Mysql(MySqlPoolOptions::new().max_connections(1).connect_lazy_with(options))
            }
            _ => panic!("{url} is of no server"),
        }
    }

    async fn rows(&self, sql: &str, values: &[&str]) -> Vec<Row> {
        macro_rules! fetched {
            ($pool:expr, $kind:expr) => {{
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for value in values {
                    query = query.bind(*value);
                }
                query.fetch_all($pool).await.expect("the database answers").into_iter().map($kind).collect()
            }};
        }
        match self {
            Self::Sqlite(pool) => fetched!(pool, Row::Sqlite),
            Self::Postgres(pool) => fetched!(pool, Row::Postgres),
            Self::Mysql(pool) => fetched!(pool, Row::Mysql),
        }
    }

    async fn row(&self, sql: &str) -> Row {
        self.rows(sql, &[]).await.into_iter().next().expect("a row")
    }

    /// What wants attention.
    pub async fn pending(&self) -> Pending {
        let row = self.row(
            "SELECT (SELECT count(*) FROM aurareels_social_posts WHERE claim_token IS NOT NULL), \
                    (SELECT min(next_step_at) FROM aurareels_social_posts WHERE claim_token IS NULL)",
        );
        let row = row.await;
        Pending { claimed: row.int(0), next_step_at: row.time(1) }
    }

    /// Readings of numbers: those under way, and when the next one is due.
    pub async fn readings(&self) -> Pending {
        let row = self.row(
            "SELECT (SELECT count(*) FROM aurareels_social_analytics WHERE claim_token IS NOT NULL), \
                    (SELECT min(next_sync_at) FROM aurareels_social_analytics WHERE claim_token IS NULL)",
        );
        let row = row.await;
        Pending { claimed: row.int(0), next_step_at: row.time(1) }
    }

    /// When the posts of an account for which nothing was done yet want attention, the earliest first.
    pub async fn wanted(&self, account: i64) -> Vec<DateTime<Utc>> {
        let sql = format!(
            "SELECT next_step_at FROM aurareels_social_posts WHERE social_account_id = {account} AND status = 'scheduled' \
             AND claim_token IS NULL AND id NOT IN (SELECT post_id FROM aurareels_post_steps) ORDER BY next_step_at"
        );
        self.rows(&sql, &[]).await.iter().filter_map(|row| row.time(0)).collect()
    }

    /// The type of whole numbers: sums, and what is joined with 0, are DECIMAL on MySQL, sums NUMERIC on PostgreSQL.
    fn whole(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "INTEGER",
            Self::Postgres(_) => "BIGINT",
            Self::Mysql(_) => "SIGNED",
        }
    }

    /// Rows per table.
    pub async fn counts(&self) -> Counts {
        let whole = self.whole();
        let sql = format!(
            "SELECT (SELECT count(*) FROM aurareels_social_accounts), (SELECT count(*) FROM aurareels_social_posts), \
                    (SELECT count(*) FROM aurareels_post_steps), (SELECT count(*) FROM aurareels_events), \
                    (SELECT CAST(coalesce(sum(revision), 0) AS {whole}) FROM aurareels_social_posts)"
        );
        let row = self.row(&sql).await;
        Counts { accounts: row.int(0), posts: row.int(1), steps: row.int(2), events: row.int(3), revisions: row.int(4) }
    }

    /// The users that have rows.
    pub async fn users(&self) -> Vec<i64> {
        let sql =
            "SELECT wp_user_id FROM aurareels_social_accounts UNION SELECT wp_user_id FROM aurareels_social_posts";
        self.rows(sql, &[]).await.iter().map(|row| row.int(0)).collect()
    }

    /// The newest event of a user; 0 when there is none.
    pub async fn newest_event(&self, user: i64) -> i64 {
        let whole = self.whole();
        let sql = format!(
            "SELECT CAST(coalesce(max(sequence), 0) AS {whole}) FROM aurareels_events WHERE wp_user_id = {user}"
        );
        self.row(&sql).await.int(0)
    }

    /// The unguessable part of an upload's public address.
    pub async fn pull_token(&self, media_id: &str) -> String {
        let value = if matches!(self, Self::Postgres(_)) { "$1" } else { "?" };
        let sql = format!("SELECT pull_token FROM aurareels_media WHERE media_id = {value}");
        self.rows(&sql, &[media_id]).await.first().expect("an upload").text(0)
    }

    /// How many handles of the ledger each encryption key has sealed.
    pub async fn handles_by_key(&self) -> Vec<(String, i64)> {
        let sql = "SELECT substr(handle, 1, 20), count(*) FROM aurareels_post_steps WHERE handle > '' \
                   GROUP BY substr(handle, 1, 20)";
        self.rows(sql, &[]).await.iter().map(|row| (row.text(0), row.int(1))).collect()
    }

    /// The tables of a server; those of a file are none of ours.
    pub async fn tables(&self) -> Vec<String> {
        let sql = match self {
            Self::Sqlite(_) => return Vec::new(),
            Self::Postgres(_) => "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
            Self::Mysql(_) => "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
        };
        self.rows(sql, &[]).await.iter().map(|row| row.text(0)).collect()
    }

    /// Everything that stands in the tables of a server, by table; a file is read as a file.
    pub(crate) async fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let mut contents = Vec::new();
        for name in self.tables().await {
            let rows = self.rows(&format!("SELECT * FROM {name}"), &[]).await;
            let mut bytes = name.clone().into_bytes();
            for row in &rows {
                row.write_to(&mut bytes);
            }
            contents.push((name, bytes));
        }
        contents
    }

    /// An instant as a literal of this database.
    pub fn literal(&self, at: DateTime<Utc>) -> String {
        match self {
            Self::Sqlite(_) => at.timestamp_micros().to_string(),
            Self::Postgres(_) => format!("'{}'", at.format("%Y-%m-%d %H:%M:%S%.6f+00")),
            Self::Mysql(_) => format!("'{}'", at.format("%Y-%m-%d %H:%M:%S%.6f")),
        }
    }

    /// The sealed access token of the only account, and its format.
    pub async fn access_token(&self) -> (String, String) {
        let row = self.row("SELECT access_token, token_format FROM aurareels_social_accounts").await;
        (row.text(0), row.text(1))
    }

    /// Has a server take a status that a later release adds; a file takes it anyway.
    pub async fn take_status(&self, word: &str) {
        match self {
            Self::Sqlite(_) => {}
            Self::Postgres(pool) => {
                let sql = "ALTER TABLE aurareels_social_posts DROP CONSTRAINT aurareels_social_posts_status_check";
                sqlx::query(sql).execute(pool).await.expect("altered");
            }
            Self::Mysql(pool) => {
                let of = "SELECT column_type FROM information_schema.columns WHERE table_schema = DATABASE() \
                          AND table_name = 'aurareels_social_posts' AND column_name = 'status'";
                let known = self.row(of).await.text(0);
                let words = known.trim_end_matches(')');
                let sql = format!(
                    "ALTER TABLE aurareels_social_posts MODIFY status {words},'{word}') CHARACTER SET utf8mb4 \
                     COLLATE utf8mb4_nopad_bin NOT NULL"
                );
                sqlx::query(AssertSqlSafe(sql)).execute(pool).await.expect("altered");
            }
        }
    }

    /// Writes what the core does not write itself, over the constraints where they can be switched off.
    pub async fn damage(&self, sql: &str) {
        let text = || AssertSqlSafe(sql);
        let done = match self {
            Self::Sqlite(pool) => {
                let options = (*pool.connect_options()).clone().read_only(false);
                let mut connection = options.connect().await.expect("a connection");
                let unchecked = sqlx::query("PRAGMA ignore_check_constraints = ON").execute(&mut connection);
                unchecked.await.expect("the pragma");
                let done = sqlx::query(text()).execute(&mut connection).await.expect("the statement").rows_affected();
                connection.close().await.expect("closed");
                done
            }
            Self::Postgres(pool) => sqlx::query(text()).execute(pool).await.expect("the statement").rows_affected(),
            Self::Mysql(pool) => sqlx::query(text()).execute(pool).await.expect("the statement").rows_affected(),
        };
        assert!(done > 0, "nothing was damaged: {sql}");
    }

    /// Runs what another release does when it migrates a server's database.
    pub async fn migrate(&self, sql: &str) {
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(_) => panic!("a file has one core at a time"),
            Self::Postgres(pool) => {
                sqlx::raw_sql(sql).execute(pool).await.expect("the statement");
            }
            Self::Mysql(pool) => {
                sqlx::raw_sql(sql).execute(pool).await.expect("the statement");
            }
        }
    }

    /// Lets the database go.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
            Self::Mysql(pool) => pool.close().await,
        }
    }
}

impl Row {
    /// Appends every column as the server sent it.
    fn write_to(&self, bytes: &mut Vec<u8>) {
        let mut append = |value: Option<&[u8]>| {
            bytes.push(b'\n');
            bytes.extend_from_slice(value.unwrap_or_default());
        };
        match self {
            Self::Sqlite(_) => {}
            Self::Postgres(row) => {
                for column in 0..row.len() {
                    let value = row.try_get_raw(column).expect("a column");
                    append(if value.is_null() { None } else { value.as_bytes().ok() });
                }
            }
            Self::Mysql(row) => {
                for column in 0..row.len() {
                    let value = row.get_unchecked::<Option<Vec<u8>>, _>(column);
                    append(value.as_deref());
                }
            }
        }
    }
}

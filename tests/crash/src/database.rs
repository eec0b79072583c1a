//! Rows of a rig's database, whichever it is, read and damaged by the suite's own SQL: what SQLite, PostgreSQL and MySQL (or
//! MariaDB) share.
//!
//! A server that is being restarted is waited for.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, MySqlPool, PgPool, Row as _, SqlitePool, ValueRef,
    mysql::{MySqlPoolOptions, MySqlRow},
    postgres::{PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};

/// Longest wait for a server that is being restarted.
const AWAY: Duration = Duration::from_secs(60);

/// A pause between two attempts to reach it.
const AGAIN: Duration = Duration::from_millis(50);

/// A database that is looked into.
pub(crate) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    /// MariaDB, too.
    Mysql(MySqlPool),
}

/// A row of it.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
    Mysql(MySqlRow),
}

impl Row {
    /// A whole number.
    pub(crate) fn int(&self, column: &str) -> Result<i64> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => match row.try_get::<i64, _>(column) {
                Ok(long) => long,
                Err(_) => i64::from(row.try_get::<i32, _>(column)?),
            },
            Self::Mysql(row) => row.try_get_unchecked(column)?,
        })
    }

    pub(crate) fn opt_text(&self, column: &str) -> Result<Option<String>> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
            Self::Mysql(row) => row.try_get_unchecked(column)?,
        })
    }

    pub(crate) fn text(&self, column: &str) -> Result<String> {
        self.opt_text(column)?.with_context(|| format!("{column} is NULL"))
    }

    pub(crate) fn opt_time(&self, column: &str) -> Result<Option<DateTime<Utc>>> {
        Ok(match self {
            Self::Sqlite(row) => {
                let micros: Option<i64> = row.try_get(column)?;
                let at = |micros| DateTime::from_timestamp_micros(micros).context("a stored time is out of range");
                micros.map(at).transpose()?
            }
            Self::Postgres(row) => row.try_get(column)?,
            Self::Mysql(row) => row.try_get_unchecked::<Option<NaiveDateTime>, _>(column)?.map(|at| at.and_utc()),
        })
    }

    pub(crate) fn time(&self, column: &str) -> Result<DateTime<Utc>> {
        self.opt_time(column)?.with_context(|| format!("{column} is NULL"))
    }

    /// Appends every column as the server sent it.
    fn write_to(&self, bytes: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Sqlite(_) => {}
            Self::Postgres(row) => {
                for column in 0..row.len() {
                    let value = row.try_get_raw(column)?;
                    bytes.push(b'\n');
                    bytes.extend_from_slice(if value.is_null() { b"" } else { value.as_bytes().unwrap_or_default() });
                }
            }
            Self::Mysql(row) => {
                for column in 0..row.len() {
                    bytes.push(b'\n');
                    bytes.extend(row.try_get_unchecked::<Option<Vec<u8>>, _>(column)?.unwrap_or_default());
                }
            }
        }
        Ok(())
    }
}

impl Database {
    /// Opens the file of a core.
    pub(crate) async fn of_file(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let pool = SqlitePoolOptions::new().max_connections(2).test_before_acquire(false);
        Ok(Self::Sqlite(pool.connect_with(options).await?))
    }

    /// Opens the database of a server.
    pub(crate) fn of_url(url: &str) -> Result<Self> {
        Ok(if url.starts_with("postgres:") {
            let pool = PgPoolOptions::new().max_connections(2).test_before_acquire(false);
            Self::Postgres(pool.connect_lazy(url)?)
        } else {
            let pool = MySqlPoolOptions::new().max_connections(2).test_before_acquire(false);
            Self::Mysql(pool.connect_lazy(url)?)
        })
    }

    /// All rows of a statement.
    pub(crate) async fn rows(&self, sql: &str) -> Result<Vec<Row>> {
        let begun = Instant::now();
        loop {
            match self.fetch(sql).await {
                Err(error) if is_away(&error) && begun.elapsed() < AWAY => tokio::time::sleep(AGAIN).await,
                outcome => return outcome.with_context(|| sql.to_owned()),
            }
        }
    }

    async fn fetch(&self, sql: &str) -> sqlx::Result<Vec<Row>> {
        let query = AssertSqlSafe(sql);
        Ok(match self {
            Self::Sqlite(pool) => sqlx::query(query).fetch_all(pool).await?.into_iter().map(Row::Sqlite).collect(),
            Self::Postgres(pool) => sqlx::query(query).fetch_all(pool).await?.into_iter().map(Row::Postgres).collect(),
            Self::Mysql(pool) => sqlx::query(query).fetch_all(pool).await?.into_iter().map(Row::Mysql).collect(),
        })
    }

    /// The first row of a statement that has one.
    pub(crate) async fn row(&self, sql: &str) -> Result<Row> {
        self.rows(sql).await?.into_iter().next().with_context(|| format!("no row: {sql}"))
    }

    /// A count that is called `n`.
    pub(crate) async fn count(&self, sql: &str) -> Result<usize> {
        Ok(usize::try_from(self.row(sql).await?.int("n")?)?)
    }

    /// An instant in a statement.
    pub(crate) fn literal(&self, at: DateTime<Utc>) -> String {
        match self {
            Self::Sqlite(_) => at.timestamp_micros().to_string(),
            Self::Postgres(_) => format!("'{}'", at.format("%Y-%m-%d %H:%M:%S%.6f+00")),
            Self::Mysql(_) => format!("'{}'", at.format("%Y-%m-%d %H:%M:%S%.6f")),
        }
    }

    /// Changes rows behind the cores' back.
    pub(crate) async fn write(&self, sql: &'static str) -> Result<()> {
        let changed = match self {
            Self::Sqlite(pool) => {
                let mut connection = (*pool.connect_options()).clone().read_only(false).connect().await?;
                connection.execute("PRAGMA ignore_check_constraints = ON").await?;
                let changed = connection.execute(sql).await?.rows_affected();
                connection.close().await?;
                changed
            }
            Self::Postgres(pool) => pool.execute(sql).await?.rows_affected(),
            Self::Mysql(pool) => pool.execute(sql).await?.rows_affected(),
        };
        ensure!(changed > 0, "nothing was changed: {sql}");
        Ok(())
    }

    /// Has a server take words that a later release adds, as its migration would; a file takes any ([`Self::write`]).
    pub(crate) async fn take_any_word(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => {}
            Self::Postgres(pool) => {
                let checks = "ALTER TABLE aurareels_social_posts DROP CONSTRAINT aurareels_social_posts_status_check; \
                              ALTER TABLE aurareels_post_steps DROP CONSTRAINT aurareels_post_steps_outcome_check";
                sqlx::raw_sql(checks).execute(pool).await?;
            }
            Self::Mysql(pool) => {
                let columns = "ALTER TABLE aurareels_social_posts MODIFY status VARCHAR(16) CHARACTER SET utf8mb4 \
                               COLLATE utf8mb4_nopad_bin NOT NULL; \
                               ALTER TABLE aurareels_post_steps MODIFY outcome VARCHAR(16) CHARACTER SET utf8mb4 \
                               COLLATE utf8mb4_nopad_bin DEFAULT NULL";
                sqlx::raw_sql(columns).execute(pool).await?;
            }
        }
        Ok(())
    }

    /// Everything that stands in the tables of a server, by table; a file is read as a file.
    pub(crate) async fn contents(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let tables = match self {
            Self::Sqlite(_) => return Ok(Vec::new()),
            Self::Postgres(_) => "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema()",
            Self::Mysql(_) => {
                "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()"
            }
        };
        let mut contents = Vec::new();
        for table in self.rows(tables).await? {
            let name = table.text("name")?;
            let mut bytes = Vec::new();
            for row in self.rows(&format!("SELECT * FROM {name}")).await? {
                row.write_to(&mut bytes)?;
            }
            contents.push((name, bytes));
        }
        Ok(contents)
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
            Self::Mysql(pool) => pool.close().await,
        }
    }
}

/// Whether the server, not the statement, is at fault: it shuts down, starts up, or cannot be reached.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            ["57P", "08", "53", "70100"].iter().any(|of_server| code.starts_with(of_server))
        }
        _ => false,
    }
}

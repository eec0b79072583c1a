//! What MySQL (from 8.0) and MariaDB (from 10.6) do in their own way. Only what both understand is used.
//!
//! A transaction that writes is SERIALIZABLE: what it read, and the gaps where it found nothing, are locked until its end. Of
//! writers that wait for each other one is ended with an error, and its operation runs again.

mod errors;
pub(super) mod row;

use std::str::FromStr;

use sqlx::{
    ConnectOptions, Connection as _, Executor, MySqlConnection, MySqlPool, Row as _,
    mysql::{MySqlArguments, MySqlConnectOptions, MySqlPoolOptions},
};

use self::{errors::failure, row::Cells};
use super::{
    row::{Cells as AnyCells, Row},
    server::{
        failure::Outcome,
        limits::{CONNECTION, READERS},
        texts::Texts,
    },
    values::Value,
};
use crate::store::{Error, Result};

/// Of every session: UTC, and nothing is cut off or made up by the server.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,\
     NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', innodb_lock_wait_timeout = 8, group_concat_max_len = 1048576";

/// Of sessions that read.
const READS: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Of sessions that write.
const WRITES: &str = "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE";

/// What a core holds that was stopped in the middle is let go. MySQL has no such setting; there it is held until the
/// connection ends.
const LET_GO: &str = "SET SESSION idle_write_transaction_timeout = 20";

/// Longest wait for the lock of those who migrate.
const MIGRATING: i64 = 10;

/// Prepared statements that are kept per connection.
const STATEMENTS: usize = 512;

/// How to connect.
pub(super) fn options(url: &str) -> Result<MySqlConnectOptions> {
    let options = MySqlConnectOptions::from_str(url).map_err(|error| Error::Unavailable(error.into()))?;
    let options = options
        .charset("utf8mb4")
        .timezone(Some("+00:00".to_owned()))
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    Ok(options)
}

/// The connections that read.
pub(super) fn pool(options: &MySqlConnectOptions) -> MySqlPool {
    MySqlPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(CONNECTION)
        // Health tells of slow databases; a line per caller tells nothing more.
        .acquire_slow_threshold(CONNECTION)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(SESSION).await?;
                connection.execute(READS).await.map(drop)
            })
        })
        .connect_lazy_with(options.clone())
}

fn bind<'q>(sql: &'q str, params: &'q [Value]) -> sqlx::query::Query<'q, sqlx::MySql, MySqlArguments> {
    #[cfg(test)]
    crate::store::plans::servers::record(sql, params);
    // Statements are literals of the store, or literals joined by its own code; values are always bound.
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for value in params {
        query = match value {
            Value::Int(value) => query.bind(*value),
            Value::Real(value) => query.bind(*value),
            Value::Flag(value) => query.bind(value.map(i64::from)),
            Value::Time(value) => query.bind(value.map(|at| at.naive_utc())),
            Value::Text(value) | Value::Json(value) => query.bind(value.as_deref()),
        };
    }
    query
}

/// Reads all rows.
pub(super) async fn fetch(connection: &mut MySqlConnection, sql: &str, params: &[Value]) -> Outcome<Vec<Row>> {
    let rows = bind(sql, params).fetch_all(connection).await.map_err(failure)?;
    Ok(rows.into_iter().map(|row| Row(AnyCells::Mysql(Cells(row)))).collect())
}

/// A connection that writes.
pub(super) struct Connection {
    connection: MySqlConnection,
    /// Between the ids of two rows of one statement: more than 1 in clusters whose servers share the numbers.
    step: i64,
    /// The collation of this server that compares by bytes and counts trailing spaces.
    bytes: &'static str,
}

impl Connection {
    pub(super) async fn make(options: &MySqlConnectOptions) -> Outcome<Self> {
        let mut connection = options.connect().await.map_err(failure)?;
        connection.execute(SESSION).await.map_err(failure)?;
        connection.execute(WRITES).await.map_err(failure)?;
        let about = sqlx::query("SELECT CAST(@@auto_increment_increment AS SIGNED), VERSION()");
        let about = about.fetch_one(&mut connection).await.map_err(failure)?;
        let step = about.try_get_unchecked::<i64, _>(0).map_err(failure)?;
        let version = about.try_get_unchecked::<String, _>(1).map_err(failure)?;
        let is_mariadb = version.contains("MariaDB");
        if is_mariadb {
            connection.execute(LET_GO).await.map_err(failure)?;
        }
        let bytes = if is_mariadb { "utf8mb4_nopad_bin" } else { "utf8mb4_0900_bin" };
        Ok(Self { connection, step, bytes })
    }

    pub(super) async fn fetch(&mut self, sql: &str, params: &[Value]) -> Outcome<Vec<Row>> {
        fetch(&mut self.connection, sql, params).await
    }

    pub(super) async fn execute(&mut self, sql: &str, params: &[Value]) -> Outcome<u64> {
        bind(sql, params).execute(&mut self.connection).await.map(|done| done.rows_affected()).map_err(failure)
    }

    pub(super) async fn insert(&mut self, sql: &str, params: &[Value], rows: usize) -> Outcome<Vec<i64>> {
        let done = bind(sql, params).execute(&mut self.connection).await.map_err(failure)?;
        // The first row's id. The rows of one statement whose number is known get ids without a gap.
        let first = i64::try_from(done.last_insert_id()).unwrap_or(i64::MAX);
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        Ok((0..rows).map(|row| first + row * self.step).collect())
    }

    pub(super) async fn run(&mut self, sql: &str) -> Outcome<()> {
        // A migration says which columns compare by bytes; the collation for it has another name on each server.
        let sql = sql.replace("utf8mb4_bin", self.bytes);
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut self.connection).await.map(drop).map_err(failure)
    }

    /// For migrations, which may take long.
    pub(super) async fn be_patient(&mut self) -> Outcome<()> {
        self.run("SET SESSION innodb_lock_wait_timeout = 600, wait_timeout = 86400").await
    }

    pub(super) async fn begin(&mut self) -> Outcome<()> {
        self.run("START TRANSACTION").await
    }

    pub(super) async fn lock_events(&mut self, texts: &Texts) -> Outcome<()> {
        let sql = texts.of("SELECT name FROM aurareels_locks WHERE name = 'events' FOR UPDATE");
        bind(&sql, &[]).fetch_optional(&mut self.connection).await.map(drop).map_err(failure)
    }

    /// A session's lock: it is let go when the connection ends. Such locks belong to the whole server, so its name carries
    /// the database's.
    pub(super) async fn lock_migrations(&mut self, texts: &Texts) -> Outcome<bool> {
        let sql = "SELECT CAST(COALESCE(GET_LOCK(SHA1(CONCAT(DATABASE(), '.', ?)), ?), 0) AS SIGNED)";
        let name = texts.table("aurareels_migrations");
        let row = sqlx::query(sql).bind(name).bind(MIGRATING).fetch_one(&mut self.connection).await.map_err(failure)?;
        Ok(row.try_get_unchecked::<i64, _>(0).map_err(failure)? == 1)
    }

    pub(super) async fn counters(&mut self, texts: &Texts) -> Outcome<Vec<(String, i64)>> {
        // What SHOW CREATE TABLE knows: the figures of information_schema may be a day old.
        let sql = "SELECT table_name AS name FROM information_schema.columns WHERE table_schema = DATABASE() \
                   AND extra LIKE '%auto_increment%' AND table_name LIKE ?";
        let rows = sqlx::query(sql).bind(texts.all_tables()).fetch_all(&mut self.connection).await.map_err(failure)?;
        let mut counters = Vec::new();
        for row in rows {
            let name = row.try_get_unchecked::<String, _>(0).map_err(failure)?;
            let shown = sqlx::query(sqlx::AssertSqlSafe(format!("SHOW CREATE TABLE `{name}`")));
            let shown = shown.fetch_one(&mut self.connection).await.map_err(failure)?;
            let text = shown.try_get_unchecked::<String, _>(1).map_err(failure)?;
            counters.push((name, next_id(&text) - 1));
        }
        Ok(counters)
    }

    /// Ends the transaction: MySQL commits before it alters a table.
    pub(super) async fn move_counter(&mut self, _texts: &Texts, table: &str, first: i64) -> Outcome<()> {
        self.run(&format!("ALTER TABLE `{table}` AUTO_INCREMENT = {first}")).await
    }

    pub(super) async fn end(self) {
        let _ = self.connection.close().await;
    }
}

/// The next id of a table, by its CREATE TABLE; 1 is not told.
fn next_id(text: &str) -> i64 {
    let after = text.rsplit_once(" AUTO_INCREMENT=").map_or("", |(_, after)| after);
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(1)
}

//! What PostgreSQL does in its own way.
//!
//! A transaction that writes is SERIALIZABLE: what another one changed under it ends it with an error, and it runs again.
//! Tables are read by their indexes as far as they have one, also while they are small: what was read is locked by pages
//! then, not by the whole table, and fewer writers are in each other's way.

mod errors;
pub(super) mod row;

use std::str::FromStr;

use sqlx::{
    ConnectOptions, Connection as _, Executor, PgConnection, PgPool, Row as _,
    postgres::{PgArguments, PgConnectOptions, PgListener, PgPoolOptions},
};

use self::{errors::failure, row::Cells};
use super::{
    row::{Cells as AnyCells, Row},
    server::{
        failure::{Failure, Outcome},
        limits::{CONNECTION, READERS},
        texts::Texts,
    },
    values::Value,
};
use crate::store::{Error, Result};

/// Of every session: no lock is waited for without end, and what a core holds that was stopped in the middle (`SIGSTOP`,
/// a frozen machine) is let go.
const SESSION: &str = "SET statement_timeout = 12000; SET lock_timeout = 8000; \
     SET idle_in_transaction_session_timeout = 20000; SET TIME ZONE 'UTC'; SET client_min_messages = error";

/// Of sessions that write.
const WRITES: &str = "SET default_transaction_isolation = 'serializable'; SET enable_seqscan = off; \
     SET synchronous_commit = on";

/// Prepared statements that are kept per connection.
const STATEMENTS: usize = 512;

/// How to connect.
pub(super) fn options(url: &str) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url).map_err(|error| Error::Unavailable(error.into()))?;
    Ok(options.application_name("aurareels").statement_cache_capacity(STATEMENTS).disable_statement_logging())
}

/// The connections that read.
pub(super) fn pool(options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(CONNECTION)
        // Health tells of slow databases; a line per caller tells nothing more.
        .acquire_slow_threshold(CONNECTION)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(SESSION).await?;
                connection.execute("SET default_transaction_read_only = on").await.map(drop)
            })
        })
        .connect_lazy_with(options.clone())
}

fn bind<'q>(sql: &'q str, params: &'q [Value]) -> sqlx::query::Query<'q, sqlx::Postgres, PgArguments> {
    #[cfg(test)]
    crate::store::plans::servers::record(sql, params);
    // Statements are literals of the store, or literals joined by its own code; values are always bound.
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for value in params {
        query = match value {
            Value::Int(value) => query.bind(*value),
            Value::Real(value) => query.bind(*value),
            Value::Flag(value) => query.bind(value.map(i16::from)),
            Value::Time(value) => query.bind(*value),
            Value::Text(value) | Value::Json(value) => query.bind(value.as_deref()),
        };
    }
    query
}

/// Reads all rows.
pub(super) async fn fetch(connection: &mut PgConnection, sql: &str, params: &[Value]) -> Outcome<Vec<Row>> {
    let rows = bind(sql, params).fetch_all(connection).await.map_err(failure)?;
    Ok(rows.into_iter().map(|row| Row(AnyCells::Postgres(Cells(row)))).collect())
}

/// A connection that writes.
pub(super) struct Connection(PgConnection);

impl Connection {
    pub(super) async fn make(options: &PgConnectOptions) -> Outcome<Self> {
        let mut connection = options.connect().await.map_err(failure)?;
        connection.execute(SESSION).await.map_err(failure)?;
        connection.execute(WRITES).await.map_err(failure)?;
        Ok(Self(connection))
    }

    pub(super) async fn fetch(&mut self, sql: &str, params: &[Value]) -> Outcome<Vec<Row>> {
        fetch(&mut self.0, sql, params).await
    }

    pub(super) async fn execute(&mut self, sql: &str, params: &[Value]) -> Outcome<u64> {
        bind(sql, params).execute(&mut self.0).await.map(|done| done.rows_affected()).map_err(failure)
    }

    pub(super) async fn insert(&mut self, sql: &str, params: &[Value], _rows: usize) -> Outcome<Vec<i64>> {
        let sql = format!("{sql} RETURNING id");
        let rows = bind(&sql, params).fetch_all(&mut self.0).await.map_err(failure)?;
        let mut ids = rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<Vec<i64>>>().map_err(failure)?;
        ids.sort_unstable();
        Ok(ids)
    }

    pub(super) async fn run(&mut self, sql: &str) -> Outcome<()> {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut self.0).await.map(drop).map_err(failure)
    }

    /// For migrations, which may take long.
    pub(super) async fn be_patient(&mut self) -> Outcome<()> {
        self.run("SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0").await
    }

    pub(super) async fn begin(&mut self) -> Outcome<()> {
        self.run("BEGIN").await
    }

    pub(super) async fn lock_events(&mut self, texts: &Texts) -> Outcome<()> {
        self.lock("SELECT pg_advisory_xact_lock($1)", &texts.table("aurareels_events")).await
    }

    /// A session's lock: it is let go when the connection ends.
    pub(super) async fn lock_migrations(&mut self, texts: &Texts) -> Outcome<bool> {
        self.lock("SELECT pg_advisory_lock($1)", &texts.table("aurareels_migrations")).await?;
        Ok(true)
    }

    /// Advisory locks belong to a database, so a name is unique by its table.
    async fn lock(&mut self, sql: &'static str, name: &str) -> Outcome<()> {
        sqlx::query(sql).bind(lock_number(name)).execute(&mut self.0).await.map(drop).map_err(failure)
    }

    pub(super) async fn notify(&mut self, texts: &Texts, what: &str) -> Outcome<()> {
        let sql = "SELECT pg_notify($1, $2)";
        let told = sqlx::query(sql).bind(texts.table("aurareels")).bind(what).execute(&mut self.0);
        told.await.map(drop).map_err(failure)
    }

    pub(super) async fn counters(&mut self, texts: &Texts) -> Outcome<Vec<(String, i64)>> {
        // Its own name, and the sequence behind each identity column. A sequence that gave nothing yet has no last value.
        let sql = "SELECT c.relname AS name, COALESCE(q.last_value, 0) AS seq FROM pg_class c \
             JOIN pg_depend d ON d.refobjid = c.oid AND d.deptype = 'i' AND d.classid = 'pg_class'::regclass \
             JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' \
             JOIN pg_sequences q ON q.schemaname = s.relnamespace::regnamespace::text AND q.sequencename = s.relname \
             WHERE c.relnamespace = current_schema()::regnamespace AND c.relname LIKE $1";
        let rows = sqlx::query(sql).bind(texts.all_tables()).fetch_all(&mut self.0).await.map_err(failure)?;
        let read = |row: &sqlx::postgres::PgRow| Ok((row.try_get("name")?, row.try_get("seq")?));
        rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(failure)
    }

    pub(super) async fn move_counter(&mut self, _texts: &Texts, table: &str, first: i64) -> Outcome<()> {
        let column = if table.ends_with("_events") { "sequence" } else { "id" };
        // As if the one before had been given.
        let sql = "SELECT setval(pg_get_serial_sequence($1, $2), GREATEST($3 - 1, 1))";
        let moved = sqlx::query(sql).bind(table).bind(column).bind(first).execute(&mut self.0);
        moved.await.map(drop).map_err(failure)
    }

    pub(super) async fn end(self) {
        let _ = self.0.close().await;
    }
}

/// Hears what the cores on this database say, until the connection fails for good. `None`: something may have been missed.
pub(super) async fn listen(options: &PgConnectOptions, texts: &Texts, mut heard: impl FnMut(Option<&str>)) -> Failure {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(CONNECTION).connect_lazy_with(options.clone());
    let listening = async {
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(&texts.table("aurareels")).await?;
        heard(None);
        loop {
            let told = listener.try_recv().await?;
            heard(told.as_ref().map(|told| told.payload()));
        }
    };
    let ended: sqlx::Result<std::convert::Infallible> = listening.await;
    match ended {
        Ok(never) => match never {},
        Err(error) => failure(error),
    }
}

/// A number for a lock's name: FNV-1a, the same in every release.
fn lock_number(name: &str) -> i64 {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    i64::from_ne_bytes(hash.to_ne_bytes())
}

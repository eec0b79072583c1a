//! The connections that read.
//!
//! Guaranteed: a statement that reads is answered within [`CONNECTION`](super::limits::CONNECTION) and [`STATEMENT`]. When the server was restarted,
//! the connections of before are found out one by one, and the statement runs on a new one.

use std::{sync::Arc, time::Duration};

use sqlx::{MySqlPool, PgPool, pool::PoolConnection};
use tokio::time::timeout;

use super::{
    failure::{Failure, Outcome, Trouble},
    limits::READERS,
    options::Options,
    shared::Shared,
};
use crate::store::{
    Error, Result,
    ailment::Ailment,
    db::{mysql, postgres, row::Row, values::Value},
};

/// Longest time of a statement that reads.
const STATEMENT: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) enum Pool {
    Postgres(PgPool),
    Mysql(MySqlPool),
}

enum Pooled {
    Postgres(PoolConnection<sqlx::Postgres>),
    Mysql(PoolConnection<sqlx::MySql>),
}

impl Pool {
    pub(super) fn new(options: &Options) -> Self {
        match options {
            Options::Postgres(options) => Self::Postgres(postgres::pool(options)),
            Options::Mysql(options) => Self::Mysql(mysql::pool(options)),
        }
    }

    async fn acquire(&self) -> Outcome<Pooled> {
        let acquired = match self {
            Self::Postgres(pool) => pool.acquire().await.map(Pooled::Postgres),
            Self::Mysql(pool) => pool.acquire().await.map(Pooled::Mysql),
        };
        acquired.map_err(Failure::of_connection)
    }

    /// How many connections are open, and how many of them nobody uses.
    pub(super) fn size(&self) -> (usize, usize) {
        match self {
            Self::Postgres(pool) => (pool.size() as usize, pool.num_idle()),
            Self::Mysql(pool) => (pool.size() as usize, pool.num_idle()),
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Mysql(pool) => pool.close().await,
        }
    }
}

impl Pooled {
    async fn fetch(&mut self, sql: &str, params: &[Value]) -> Outcome<Vec<Row>> {
        let rows = async {
            match self {
                Self::Postgres(connection) => postgres::fetch(connection, sql, params).await,
                Self::Mysql(connection) => mysql::fetch(connection, sql, params).await,
            }
        };
        timeout(STATEMENT, rows).await.unwrap_or_else(|_| Err(Failure::slow(STATEMENT)))
    }

    fn close_on_drop(&mut self) {
        match self {
            Self::Postgres(connection) => connection.close_on_drop(),
            Self::Mysql(connection) => connection.close_on_drop(),
        }
    }
}

/// A connection that reads.
pub(in crate::store) struct Reader {
    shared: Arc<Shared>,
    pool: Pool,
    connection: Pooled,
}

impl Reader {
    pub(super) async fn take(shared: &Arc<Shared>, pool: &Pool) -> Result<Self> {
        match pool.acquire().await {
            Ok(connection) => Ok(Self { shared: shared.clone(), pool: pool.clone(), connection }),
            Err(failure) => Err(shared.met(failure)),
        }
    }

    /// Reads all rows.
    pub(in crate::store) async fn fetch_all(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let text = self.shared.texts.of(sql);
        // Each connection of the pool may be one of before.
        for _ in 0..READERS {
            match self.connection.fetch(&text, params).await {
                Err(failure) if failure.trouble == Trouble::Broken => {
                    self.connection.close_on_drop();
                    // One that was too slow would be so again.
                    if matches!(failure.error, Error::Sick(Ailment::Slow(_))) {
                        return Err(self.shared.met(failure));
                    }
                }
                outcome => return outcome.map_err(|failure| self.shared.met(failure)),
            }
            self.connection = self.pool.acquire().await.map_err(|failure| self.shared.met(failure))?;
        }
        self.connection.fetch(&text, params).await.map_err(|failure| self.shared.met(failure))
    }

    /// Reads the first row, if there is one.
    pub(in crate::store) async fn fetch_optional(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.fetch_all(sql, params).await?.into_iter().next())
    }
}

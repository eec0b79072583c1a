//! An open write transaction, on any database. What each function promises stands in [`super`].

use chrono::{DateTime, Utc};

use super::{row::Row, server::tx::Tx as ServerTx, sqlite::tx::Tx as SqliteTx, values::Value};
use crate::store::Result;

/// An open write transaction.
pub(in crate::store) enum Tx {
    Sqlite(SqliteTx),
    Server(ServerTx),
}

/// One call, by what the database is.
macro_rules! each {
    ($of:expr, $one:ident => $call:expr) => {
        match $of {
            Self::Sqlite($one) => $call,
            Self::Server($one) => $call,
        }
    };
}

impl Tx {
    /// For the writer of SQLite.
    pub(super) fn sqlite(&mut self) -> &mut SqliteTx {
        match self {
            Self::Sqlite(tx) => tx,
            Self::Server(_) => unreachable!("a writer only makes transactions of its own database"),
        }
    }

    /// For the writers of a server.
    pub(super) fn server(&mut self) -> &mut ServerTx {
        match self {
            Self::Server(tx) => tx,
            Self::Sqlite(_) => unreachable!("a writer only makes transactions of its own database"),
        }
    }

    pub(in crate::store) async fn fetch_all(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        each!(self, tx => tx.fetch_all(sql, params).await)
    }

    pub(in crate::store) async fn fetch_optional(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        each!(self, tx => tx.fetch_optional(sql, params).await)
    }

    pub(in crate::store) async fn fetch_free(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        each!(self, tx => tx.fetch_free(sql, params).await)
    }

    pub(in crate::store) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        each!(self, tx => tx.execute(sql, params).await)
    }

    pub(in crate::store) async fn insert(&mut self, sql: &str, params: &[Value]) -> Result<i64> {
        each!(self, tx => tx.insert(sql, params).await)
    }

    pub(in crate::store) async fn insert_all(&mut self, sql: &str, params: &[Value], rows: usize) -> Result<Vec<i64>> {
        each!(self, tx => tx.insert_all(sql, params, rows).await)
    }

    pub(in crate::store) async fn insert_events(&mut self, sql: &str, params: &[Value], rows: usize) -> Result<()> {
        each!(self, tx => tx.insert_events(sql, params, rows).await)
    }

    pub(in crate::store) fn note_post(&mut self, id: i64) {
        match self {
            Self::Sqlite(tx) => tx.note_post(id),
            // No mark is kept beside a server.
            Self::Server(_) => {}
        }
    }

    pub(in crate::store) fn note_schedule(&mut self, at: DateTime<Utc>) {
        each!(self, tx => tx.note_schedule(at));
    }

    pub(in crate::store) async fn counters(&mut self) -> Result<Vec<(String, i64)>> {
        each!(self, tx => tx.counters().await)
    }

    pub(in crate::store) async fn move_counters(&mut self, first: i64) -> Result<()> {
        each!(self, tx => tx.move_counters(first).await)
    }
}

//! A connection to a server, whichever it is. Each function has one arm per server and nothing else; texts are as
//! [`super::texts`] wrote them.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    failure::{Failure, Outcome, Trouble},
    options::Options,
    shared::Shared,
};
use crate::store::db::{mysql, postgres, row::Row, values::Value};

/// Longest time of a statement, the wait for locks in it included.
const STATEMENT: Duration = Duration::from_secs(12);

/// Longest time until a connection is made.
const CONNECT: Duration = Duration::from_secs(5);

/// A connection.
pub(in crate::store::db) enum Connection {
    Postgres(postgres::Connection),
    Mysql(mysql::Connection),
}

/// One call, by what the server is, with a limit of its time.
macro_rules! each {
    ($of:expr, $one:ident => $call:expr) => {
        match timeout(STATEMENT, async {
            match $of {
                Self::Postgres($one) => $call.await,
                Self::Mysql($one) => $call.await,
            }
        })
        .await
        {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::slow(STATEMENT)),
        }
    };
}

impl Connection {
    /// A connection for writing.
    pub(super) async fn make(shared: &Shared) -> Outcome<Self> {
        let made = async {
            Ok(match &shared.options {
                Options::Postgres(options) => Self::Postgres(postgres::Connection::make(options).await?),
                Options::Mysql(options) => Self::Mysql(mysql::Connection::make(options).await?),
            })
        };
        timeout(CONNECT, made).await.unwrap_or_else(|_| Err(Failure::slow(CONNECT)))
    }

    pub(super) async fn fetch(&mut self, sql: &str, params: &[Value]) -> Outcome<Vec<Row>> {
        each!(self, connection => connection.fetch(sql, params))
    }

    /// Reads the rows that no other transaction holds, and holds them.
    pub(super) async fn fetch_free(&mut self, sql: &str, params: &[Value]) -> Outcome<Vec<Row>> {
        self.fetch(&format!("{sql} FOR UPDATE SKIP LOCKED"), params).await
    }

    pub(super) async fn execute(&mut self, sql: &str, params: &[Value]) -> Outcome<u64> {
        each!(self, connection => connection.execute(sql, params))
    }

    /// Runs an INSERT into a table whose key is `id`.
    pub(super) async fn insert(&mut self, sql: &str, params: &[Value], rows: usize) -> Outcome<Vec<i64>> {
        each!(self, connection => connection.insert(sql, params, rows))
    }

    /// Runs statements without values.
    pub(super) async fn run(&mut self, sql: &str) -> Outcome<()> {
        each!(self, connection => connection.run(sql))
    }

    /// Runs a statement of a migration, however long it takes.
    pub(super) async fn run_to_its_end(&mut self, sql: &str) -> Outcome<()> {
        match self {
            Self::Postgres(connection) => connection.run(sql).await,
            Self::Mysql(connection) => connection.run(sql).await,
        }
    }

    /// From now on statements may take long.
    pub(super) async fn be_patient(&mut self) -> Outcome<()> {
        each!(self, connection => connection.be_patient())
    }

    pub(super) async fn begin(&mut self) -> Outcome<()> {
        each!(self, connection => connection.begin())
    }

    pub(super) async fn commit(&mut self) -> Outcome<()> {
        self.run("COMMIT").await
    }

    pub(super) async fn roll_back(&mut self) -> Outcome<()> {
        self.run("ROLLBACK").await
    }

    /// Has those who write events queue until the end of this transaction.
    pub(super) async fn lock_events(&mut self, shared: &Shared) -> Outcome<()> {
        each!(self, connection => connection.lock_events(&shared.texts))
    }

    /// Tells the other cores, when the transaction is committed.
    pub(super) async fn notify(&mut self, shared: &Shared, what: &str) -> Outcome<()> {
        match self {
            Self::Postgres(connection) => connection.notify(&shared.texts, what).await,
            // They poll.
            Self::Mysql(_) => Ok(()),
        }
    }

    pub(super) async fn counters(&mut self, shared: &Shared) -> Outcome<Vec<(String, i64)>> {
        each!(self, connection => connection.counters(&shared.texts))
    }

    pub(super) async fn move_counter(&mut self, shared: &Shared, table: &str, first: i64) -> Outcome<()> {
        each!(self, connection => connection.move_counter(&shared.texts, table, first))
    }

    /// Goes on after counters were moved: MySQL has committed by that.
    pub(super) async fn go_on(&mut self) -> Outcome<()> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Mysql(connection) => connection.begin().await,
        }
    }

    /// Takes the lock of those who migrate. It is held until the connection ends.
    pub(super) async fn lock_migrations(&mut self, shared: &Shared) -> Outcome<bool> {
        each!(self, connection => connection.lock_migrations(&shared.texts))
    }

    /// The names of all tables of the core.
    pub(super) async fn tables(&mut self, shared: &Shared) -> Outcome<Vec<String>> {
        let sql = match self {
            Self::Postgres(_) => {
                "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE $1"
            }
            Self::Mysql(_) => {
                "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE ?"
            }
        };
        let rows = self.fetch(sql, &crate::params![shared.texts.all_tables()]).await?;
        let names = rows.iter().map(|row| row.text("name")).collect::<crate::store::Result<_>>();
        names.map_err(|error| Failure::new(Trouble::Refused, error))
    }

    /// Removes tables, with what is in them.
    pub(super) async fn remove_tables(&mut self, names: &[String]) -> Outcome<()> {
        if names.is_empty() {
            return Ok(());
        }
        let names = names.join(", ");
        match self {
            Self::Postgres(connection) => connection.run(&format!("DROP TABLE {names} CASCADE")).await,
            Self::Mysql(connection) => {
                connection.run(&format!("SET SESSION foreign_key_checks = 0; DROP TABLE {names}")).await
            }
        }
    }

    pub(super) async fn end(self) {
        let ended = async {
            match self {
                Self::Postgres(connection) => connection.end().await,
                Self::Mysql(connection) => connection.end().await,
            }
        };
        let _ = timeout(CONNECT, ended).await;
    }
}

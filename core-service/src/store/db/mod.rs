//! The seam to the database: everything above it has one body per query, everything below knows which database it is.
//!
//! SQLite is in [`sqlite`]. Databases of a server share [`server`]; what PostgreSQL and MySQL (or MariaDB) each do in their
//! own way is in [`postgres`] and [`mysql`]. This is the whole list of what a back end provides.
//!
//! **Which one** follows from the URL's scheme: [`Db`], [`Reader`], [`Tx`] and `Cells` are an enum each.
//!
//! **The database**, [`Db`], one per process, cheap to clone:
//!
//! | function | what it promises |
//! |---|---|
//! | `open(url)` | creates what can be created; does not migrate. A server that cannot be reached is no error here, but of the first statement |
//! | `migrate()` | brings the schema up to this release: `migrations/<database>`, under a lock of its own, also from several processes at once, resumable after a kill. A new back end begins with one file that makes the schema of this release |
//! | `remove_tables()` | removes all tables of a server, with what is in them: the end of a demo |
//! | `read()` | a [`Reader`]: sees every commit that was answered; it is had, and each statement ends, within 15 s |
//! | `write(operation)` | runs the operation in a transaction and answers when it is durable, within 15 s ([`super::ailment::Ailment::Slow`] otherwise). All or nothing, and as if no other writer existed: what it read, and what it did not find, stays so until its commit (serializable, or locks of the same effect). **The operation may run again**, on a state without its own earlier effects: after a deadlock, a serialization failure, a unique key that another writer took meanwhile, a connection that broke, a COMMIT whose answer was lost. Before the last one runs again it has to be known whether that COMMIT counted: the transaction writes a token of its own, and the rerun inserts the same token, which waits for the first and fails if it counted. The operation is carried out to its end when its caller goes away. Its future need not be `Send`: run it on a thread of its own |
//! | `write_first(operation)` | the same, before what waits by `write()`, as far as the database has a queue |
//! | `write_alone(operation)` | the same, with no other write of this process beside it: for what touches so much that it would be in the way of each |
//! | `events_committed()` | changes with every commit of this process that wrote an event. Commits of others are found by polling (`grpc/watch.rs`), unless the database can tell |
//! | `wakes()` | told of the earliest `note_schedule` of each commit of this process ([`Wakes`]); those of others are found by polling |
//! | `look()`, `read_ends()`, `delay()` | what health asks: whether the database that was opened is still there, as far as it is known without a wait; one statement that touches pages, which also answers when the next post wants attention; why it is slow |
//! | `time()` | what the clock of the server says, by which cores correct theirs; `None` for a file of this machine |
//! | `lost()` | an `Arc<AtomicBool>` that is true while the database is not the one that was opened, or cannot be written any more |
//! | `metrics()`, `state()` | what it counts (commits and their time, writes, reads), and what waits at this moment |
//! | `refuse_writes(why)`, `refusal()` | from then on every write is [`super::Error::Behind`] |
//! | `file()`, `hold()`, `keep_mark()`, [`serving`], [`mark`] | of databases that are files: locks, copies, replacing, the mark beside the file by which an older copy is recognised. A server has no file: `file()` is `None`, `serving::file_of_url` too, and the rest is then not called. A restored server is told by `aurareels restored` |
//! | `close()` | ends after what is queued; nothing is under way any more |
//!
//! **A reader**, [`Reader`]: `fetch_all` and `fetch_optional` of a statement with its [`Value`]s; rows are [`Row`]s, which read
//! their columns from `Cells`: `int`, `text`, `flag`, `time` by name, each NULL or a value; a sum or a count is an `int`.
//!
//! **An open transaction**, [`Tx`]: the same two, and
//!
//! | function | what it promises |
//! |---|---|
//! | `fetch_free` | a SELECT whose rows are locked until the end, without those that another transaction holds: claims. PostgreSQL and MySQL: `FOR UPDATE SKIP LOCKED` |
//! | `execute` | runs a statement; how many rows it matched, also where their values stayed the same (MySQL: `CLIENT_FOUND_ROWS`) |
//! | `insert` | one row of a table whose key is `id`; its new id. SQLite: `last_insert_rowid`; MySQL: `LAST_INSERT_ID()`; PostgreSQL: `RETURNING id` |
//! | `insert_all` | several rows of a table whose key is `id`; their ids, rising in the order of the rows |
//! | `insert_events` | rows of events, at the latest when the operation ends; the commit tells others of them |
//! | `note_post`, `note_schedule` | after the rows were written: what the commit tells others of |
//! | `counters`, `move_counters` | the highest id that each table ever gave, by the table's name, and giving ids from another one on: restoring |
//!
//! **Statements** are written in what SQLite, PostgreSQL and MySQL share, with `?` for a value; a back end replaces `?` by
//! its own placeholders outside of quotes, and nothing else. So no `RETURNING`, no `ON CONFLICT`, no `a + (b IS NOT NULL)`
//! (write `CASE WHEN`), no UPDATE whose condition selects from its own table; and a column that a SET reads stands before the
//! one that changes it, because MySQL works from left to right.
//!
//! **Values** carry their type, NULL too ([`Value`]). A truth value is a small number, 0 or 1, on every database (PostgreSQL:
//! SMALLINT), and statements say so. An instant is of the database's own type, and is only compared with bound ones. JSON is
//! stored as text, letter by letter, and may be searched as text. Keys, hashes and ids compare by bytes (MySQL: a binary
//! collation without padding). U+0000 is in no text.
//!
//! **Events** have to become visible in the order of their sequence: a reader at position n never sees a lower one later.
//! SQLite has one writer, so an AUTOINCREMENT does. With several writers they are written last, behind a lock that is held
//! until the commit, so writers queue for their last statement alone ([`server`]).
//!
//! **Errors** become [`super::Error`]: the statement's fault (`Unavailable`), the row's (`Corrupt`), the database's (`Sick`,
//! with an [`super::ailment::Ailment`] that has a remedy; a back end adds its own).
//!
//! The cases in `suite.rs` say what all of this means; a back end runs them all.

mod foreign;
mod kind;
mod mysql;
mod operations;
mod place;
mod postgres;
mod row;
mod server;
mod sqlite;
#[cfg(test)]
mod suite;
mod tx;
mod values;
mod wakes;

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio::sync::watch;

#[cfg(test)]
pub(super) use self::kind::Kind;
#[cfg(test)]
pub(crate) use self::server::testing;
use self::sqlite::mark::Mark;
pub(super) use self::{
    foreign::Foreign,
    row::Row,
    sqlite::{mark, serving},
    tx::Tx,
    values::{PerLength, in_list},
};
pub use self::{place::Place, values::Value, wakes::Wakes};
use super::{Result, ailment::Ailment};
use crate::telemetry::metrics::{StoreMetrics, StoreState};

/// The database.
#[derive(Clone)]
pub(in crate::store) enum Db {
    Sqlite(sqlite::Db),
    Server(server::Db),
}

/// A connection that reads.
pub(in crate::store) enum Reader {
    Sqlite(sqlite::Reader),
    Server(server::Reader),
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

impl Db {
    pub(in crate::store) async fn open(place: &Place) -> Result<Self> {
        Ok(match kind::Kind::of_url(&place.url) {
            Some(kind) => Self::Server(server::Db::open(kind, place)?),
            None => Self::Sqlite(sqlite::Db::open(&place.url).await?),
        })
    }

    pub(in crate::store) async fn migrate(&self) -> Result<()> {
        each!(self, db => db.migrate().await)
    }

    /// The versions that this release's migrations have.
    pub(in crate::store) fn migrations(&self) -> Vec<i64> {
        match self {
            Self::Sqlite(_) => sqlite::migrations(),
            Self::Server(db) => db.migrations(),
        }
    }

    /// The versions that were migrated; `None` where no core has made a table.
    pub(in crate::store) async fn migrated(&self) -> Result<Option<Vec<i64>>> {
        const THERE: &str = "SELECT version FROM aurareels_migrations ORDER BY version";
        if !each!(self, db => db.has_tables().await)? {
            return Ok(None);
        }
        let rows = self.read().await?.fetch_all(THERE, &[]).await?;
        rows.iter().map(|row| row.int("version")).collect::<Result<Vec<_>>>().map(Some)
    }

    /// Removes every table of a server's database; one that is a file is removed by its owner.
    pub(in crate::store) async fn remove_tables(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Server(db) => db.remove_tables().await,
        }
    }

    pub(in crate::store) async fn read(&self) -> Result<Reader> {
        Ok(match self {
            Self::Sqlite(db) => Reader::Sqlite(db.read().await?),
            Self::Server(db) => Reader::Server(db.read().await?),
        })
    }

    pub(in crate::store) fn write<T, F>(&self, operation: F) -> BoxFuture<'static, Result<T>>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        each!(self, db => db.write(operation))
    }

    pub(in crate::store) fn write_first<T, F>(&self, operation: F) -> BoxFuture<'static, Result<T>>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        each!(self, db => db.write_first(operation))
    }

    /// On SQLite every write is alone.
    pub(in crate::store) fn write_alone<T, F>(&self, operation: F) -> BoxFuture<'static, Result<T>>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        match self {
            Self::Sqlite(db) => db.write_first(operation),
            Self::Server(db) => db.write_alone(operation),
        }
    }

    pub(in crate::store) fn events_committed(&self) -> watch::Receiver<u64> {
        each!(self, db => db.events_committed())
    }

    pub(in crate::store) fn wakes(&self) -> &Arc<Wakes> {
        each!(self, db => db.wakes())
    }

    pub(in crate::store) fn look(&self) -> Result<()> {
        each!(self, db => db.look())
    }

    pub(in crate::store) async fn read_ends(&self) -> Result<Option<DateTime<Utc>>> {
        each!(self, db => db.read_ends().await)
    }

    /// What the clock of the server says; `None` for a database that is a file of this machine.
    pub(in crate::store) async fn time(&self) -> Result<Option<DateTime<Utc>>> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Server(db) => db.time().await,
        }
    }

    pub(in crate::store) fn delay(&self, waited: Duration) -> Ailment {
        each!(self, db => db.delay(waited))
    }

    pub(in crate::store) fn lost(&self) -> Arc<AtomicBool> {
        each!(self, db => db.lost())
    }

    pub(in crate::store) fn metrics(&self) -> &StoreMetrics {
        each!(self, db => db.metrics())
    }

    pub(in crate::store) fn state(&self) -> StoreState {
        each!(self, db => db.state())
    }

    pub(in crate::store) fn refuse_writes(&self, why: String) {
        each!(self, db => db.refuse_writes(why));
    }

    pub(in crate::store) fn refusal(&self) -> Option<&str> {
        each!(self, db => db.refusal())
    }

    pub(in crate::store) fn is_on_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// `None` for a database of a server.
    pub(in crate::store) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Sqlite(db) => db.file(),
            Self::Server(_) => None,
        }
    }

    /// Of a database that is a file.
    pub(in crate::store) fn hold(&self, lock: std::fs::File) {
        if let Self::Sqlite(db) = self {
            db.hold(lock);
        }
    }

    /// Of a database that is a file.
    pub(in crate::store) fn keep_mark(&self, mark: Mark) {
        if let Self::Sqlite(db) = self {
            db.keep_mark(mark);
        }
    }

    pub(in crate::store) async fn close(&self) {
        each!(self, db => db.close().await);
    }
}

impl Reader {
    pub(in crate::store) async fn fetch_all(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        each!(self, reader => reader.fetch_all(sql, params).await)
    }

    pub(in crate::store) async fn fetch_optional(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        each!(self, reader => reader.fetch_optional(sql, params).await)
    }
}

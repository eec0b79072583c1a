//! The seam to the database: everything above it has one body per query, everything below knows which database it is.
//!
//! SQLite is in [`sqlite`]. Another back end is a folder beside it that provides the same items; this is the whole list.
//!
//! **The database**, [`Db`], one per process, cheap to clone:
//!
//! | function | what it promises |
//! |---|---|
//! | `open(url)` | connects; creates what can be created; does not migrate |
//! | `migrate()` | brings the schema up to this release: `migrations/<database>`, under a lock of its own, also from several processes at once, resumable after a kill |
//! | `read()` | a [`Reader`]: sees every commit that was answered; each statement ends within a known time |
//! | `write(operation)` | runs the operation in a transaction and answers when it is durable. It is all or nothing, and serializable against every other writer that touches the same rows. **The operation may run again**, on a state without its own earlier effects: after a deadlock, a serialization failure, a connection that broke, a COMMIT whose answer was lost. Where that COMMIT may have counted, the rerun has to conflict with it inside its own transaction. It is carried out to its end when its caller goes away. It need not be `Send`: run it on a thread of its own |
//! | `write_first(operation)` | the same, before what waits by `write()`, as far as the database has a queue |
//! | `events_committed()` | changes with every commit that wrote an event, of this process at once, of others within 250 ms |
//! | `wakes()` | told of the earliest `note_schedule` of each commit ([`Wakes`]), of this process and of others |
//! | `look()`, `read_ends()`, `delay()` | what health asks: whether the database is there, whether it can be read, why it is slow |
//! | `lost()` | turns true while the database is not the one that was opened |
//! | `reads()` | how often something was read, for metrics |
//! | `keep_mark()`, `refuse_writes()`, `refusal()` | the mark of what was handed out, by which a database that is older than it is recognised, and what follows from it |
//! | `hold()`, `file()`, [`serving`], [`mark`] | of databases that are files: locks, copies, replacing |
//! | `close()` | ends after what is queued; nothing is under way any more |
//!
//! **A reader**, [`Reader`]: `fetch_all` and `fetch_optional` of a statement with its [`Value`]s; rows are [`Row`]s.
//!
//! **An open transaction**, [`Tx`]: the same two, and
//!
//! | function | what it promises |
//! |---|---|
//! | `execute` | runs a statement; how many rows it changed |
//! | `insert` | one row; its new id. SQLite: `last_insert_rowid`; MySQL: `LAST_INSERT_ID()`; PostgreSQL: `RETURNING id` |
//! | `insert_all` | several rows; their ids, rising in the order of the rows |
//! | `fetch_all` of `UPDATE … RETURNING` | claims, renewals: the rows as they are after it. MySQL has no RETURNING: select and lock the rows first (`FOR UPDATE SKIP LOCKED`), then change and read them by their ids. PostgreSQL: the inner SELECT gets `FOR UPDATE SKIP LOCKED` |
//! | `note_event`, `note_post`, `note_schedule` | what the commit tells others of |
//! | `counters`, `move_counters` | the highest id that each table ever gave, and giving ids from another one on: restoring |
//!
//! **Statements** are written in what SQLite, PostgreSQL and MySQL share, with `?` for a value; a back end replaces `?` by
//! its own placeholders outside of quotes, and nothing else. Values carry their type, NULL too ([`Value`]). A back end binds
//! truth and instants in its own types, and gives them back by `Row`; on SQLite they are numbers. `a + (b IS NOT NULL)` is
//! not shared: write `CASE WHEN`.
//!
//! **Events** have to become visible in the order of their sequence: a reader at position n never sees a lower one later.
//! SQLite has one writer, so an AUTOINCREMENT does; a database with several writers numbers them at commit.
//!
//! **Errors** become [`super::Error`]: the statement's fault (`Unavailable`), the row's (`Corrupt`), the database's (`Sick`,
//! with an [`super::ailment::Ailment`] that has a remedy).
//!
//! The suite in `sqlite/tests.rs` and the store's own tests say what all of this means in cases.

mod row;
mod sqlite;
mod values;
mod wakes;

pub(super) use self::{
    row::Row,
    sqlite::{Reader, Tx, mark, serving},
    values::{PerLength, in_list},
};
pub use self::{sqlite::Db, values::Value, wakes::Wakes};

//! The seam to the database: everything above it has one body per query, everything below knows which database it is.
//!
//! SQLite is in [`sqlite`]. Another back end is a folder beside it that provides the same items; this is the whole list.
//!
//! **Which one** follows from the URL's scheme. There is one today; a second one makes [`Db`], [`Reader`], [`Tx`] and
//! `Cells` an enum each, with one arm per back end, and adds its scheme to `config/build.rs`.
//!
//! **The database**, [`Db`], one per process, cheap to clone:
//!
//! | function | what it promises |
//! |---|---|
//! | `open(url)` | creates what can be created; does not migrate. A server that cannot be reached is no error here, but of the first statement |
//! | `migrate()` | brings the schema up to this release: `migrations/<database>`, under a lock of its own, also from several processes at once, resumable after a kill. A new back end begins with one file that makes the schema of this release |
//! | `read()` | a [`Reader`]: sees every commit that was answered; it is had, and each statement ends, within 15 s |
//! | `write(operation)` | runs the operation in a transaction and answers when it is durable, within 15 s ([`super::ailment::Ailment::Slow`] otherwise). All or nothing, and as if no other writer existed: what it read, and what it did not find, stays so until its commit (serializable, or locks of the same effect). **The operation may run again**, on a state without its own earlier effects: after a deadlock, a serialization failure, a unique key that another writer took meanwhile, a connection that broke, a COMMIT whose answer was lost. Before the last one runs again it has to be known whether that COMMIT counted: the transaction writes a token of its own, and the rerun inserts the same token, which waits for the first and fails if it counted. The operation is carried out to its end when its caller goes away. Its future need not be `Send`: run it on a thread of its own |
//! | `write_first(operation)` | the same, before what waits by `write()`, as far as the database has a queue |
//! | `events_committed()` | changes with every commit of this process that wrote an event. Commits of others are found by polling (`grpc/watch.rs`), unless the database can tell |
//! | `wakes()` | told of the earliest `note_schedule` of each commit of this process ([`Wakes`]); those of others are found by polling |
//! | `look()`, `read_ends()`, `delay()` | what health asks: whether the database that was opened is still there, as far as it is known without a wait; one statement that touches pages; why it is slow |
//! | `lost()` | an `Arc<AtomicBool>` that is true while the database is not the one that was opened, or cannot be written any more |
//! | `reads()` | how often something was read, for metrics |
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
//! | `insert_all` | several rows of a table whose key is `id`, or `sequence` for events; their ids, rising in the order of the rows |
//! | `note_event`, `note_post`, `note_schedule` | after the rows were written: what the commit tells others of |
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
//! SQLite has one writer, so an AUTOINCREMENT does. A database with several writers has them queue from the first event of
//! a transaction to its end (a lock that is taken by `insert_all`), as long as nothing better is measured.
//!
//! **Errors** become [`super::Error`]: the statement's fault (`Unavailable`), the row's (`Corrupt`), the database's (`Sick`,
//! with an [`super::ailment::Ailment`] that has a remedy; a back end adds its own).
//!
//! The cases in `suite.rs` say what all of this means; a back end runs them all.

mod row;
mod sqlite;
#[cfg(test)]
mod suite;
mod values;
mod wakes;

pub(super) use self::{
    row::Row,
    sqlite::{Reader, Tx, mark, serving},
    values::{PerLength, in_list},
};
pub use self::{sqlite::Db, values::Value, wakes::Wakes};

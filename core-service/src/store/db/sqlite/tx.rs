//! The open write transaction.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
};

use chrono::{DateTime, Utc};
use rusqlite::{CachedStatement, Connection, params_from_iter};

use super::{
    mark::Mark,
    row::{Cells, WrittenRow},
};
use crate::store::{
    Result,
    db::{
        row::{Cells as AnyCells, Row},
        values::Value,
    },
    handed_out::HandedOut,
};

/// The open write transaction. Its statements run on the writer's own thread, to their end, without a wait; that they are
/// asynchronous is for databases that are reached over a network.
pub(in crate::store) struct Tx {
    pub(super) connection: Connection,
    names: Names,
    /// An event was written.
    pub(super) events: bool,
    /// The newest event and post of this transaction.
    pub(super) handed_out: HandedOut,
    /// Remembers them, once it is kept.
    pub(super) mark: Arc<OnceLock<Mutex<Mark>>>,
    /// The earliest time at which some post wants attention because of this transaction.
    pub(super) schedule: Option<DateTime<Utc>>,
}

impl Tx {
    pub(super) fn new(connection: Connection, mark: Arc<OnceLock<Mutex<Mark>>>) -> Self {
        let (names, events, handed_out, schedule) = (Names::default(), false, HandedOut::default(), None);
        Self { connection, names, events, handed_out, mark, schedule }
    }

    /// Reads all rows.
    pub(in crate::store) async fn fetch_all(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.fetch(sql, params, usize::MAX)
    }

    /// Reads the first row, if there is one.
    pub(in crate::store) async fn fetch_optional(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.fetch(sql, params, 1)?.pop())
    }

    /// Reads all rows that no other transaction holds, and holds them until this one ends. Here nobody else writes meanwhile.
    pub(in crate::store) async fn fetch_free(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.fetch_all(sql, params).await
    }

    fn fetch(&mut self, sql: &str, params: &[Value], most: usize) -> Result<Vec<Row>> {
        let mut statement = prepare(&self.connection, sql)?;
        let only_reads = statement.readonly();
        let mut rows = statement.query(params_from_iter(params))?;
        let mut fetched = Vec::new();
        let mut names = None;
        while let Some(row) = rows.next()? {
            if fetched.len() < most {
                let names = names.get_or_insert_with(|| self.names.of(sql, row.as_ref()));
                fetched.push(Row(AnyCells::Sqlite(Cells::Written(WrittenRow::new(names.clone(), row)?))));
            }
            // One that changes rows has to finish, however many of them are wanted.
            if only_reads && fetched.len() == most {
                break;
            }
        }
        Ok(fetched)
    }

    pub(super) fn committed(&self) -> Committed {
        Committed { events: self.events, schedule: self.schedule }
    }

    /// Runs a statement; answers how many rows it changed.
    pub(in crate::store) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let changed = prepare(&self.connection, sql)?.execute(params_from_iter(params))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// Runs an INSERT; answers the new row's id.
    pub(in crate::store) async fn insert(&mut self, sql: &str, params: &[Value]) -> Result<i64> {
        prepare(&self.connection, sql)?.execute(params_from_iter(params))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Runs an INSERT of so many rows; answers their ids, which rise in the order of the rows.
    pub(in crate::store) async fn insert_all(&mut self, sql: &str, params: &[Value], rows: usize) -> Result<Vec<i64>> {
        // An AUTOINCREMENT table gives the rows of one statement ids without a gap: nobody else writes meanwhile. RETURNING
        // would have SQLite journal the statement.
        let last = self.insert(sql, params).await?;
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        Ok((last - rows + 1..=last).collect())
    }

    /// Runs an INSERT of so many events.
    pub(in crate::store) async fn insert_events(&mut self, sql: &str, params: &[Value], rows: usize) -> Result<()> {
        let newest = self.insert_all(sql, params, rows).await?.last().copied().unwrap_or_default();
        self.events = true;
        self.handed_out.sequence = self.handed_out.sequence.max(newest);
        Ok(())
    }

    /// To be called by whoever makes a post.
    pub(in crate::store) fn note_post(&mut self, id: i64) {
        self.handed_out.post = self.handed_out.post.max(id);
    }

    /// To be called by whoever sets `next_step_at`.
    pub(in crate::store) fn note_schedule(&mut self, at: DateTime<Utc>) {
        self.schedule = Some(self.schedule.map_or(at, |earliest| earliest.min(at)));
    }
}

fn prepare<'c>(connection: &'c Connection, sql: &str) -> Result<CachedStatement<'c>> {
    #[cfg(test)]
    crate::store::plans::record(sql);
    Ok(connection.prepare_cached(sql)?)
}

/// The names of the columns of statements that brought rows.
#[derive(Default)]
struct Names(HashMap<String, Arc<[String]>>);

impl Names {
    fn of(&mut self, sql: &str, statement: &rusqlite::Statement<'_>) -> Arc<[String]> {
        if let Some(names) = self.0.get(sql) {
            return names.clone();
        }
        let names: Arc<[String]> = statement.column_names().into_iter().map(str::to_owned).collect();
        self.0.insert(sql.to_owned(), names.clone());
        names
    }
}

/// What a batch committed.
#[derive(Default)]
pub(super) struct Committed {
    pub(super) events: bool,
    pub(super) schedule: Option<DateTime<Utc>>,
}

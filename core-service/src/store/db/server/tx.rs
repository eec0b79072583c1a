//! An open write transaction on a server.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    connection::Connection,
    failure::{Outcome, Trouble},
    shared::{Committed, Shared},
};
use crate::store::{
    Result,
    db::{row::Row, values::Value},
};

/// Says that the writer of a slot has committed its transaction of that number.
const MARK: &str = "UPDATE aurareels_writers SET number = ?, seen_at = ? WHERE slot = ?";
const FIRST_MARK: &str = "INSERT INTO aurareels_writers (number, seen_at, slot) VALUES (?, ?, ?)";

/// An open write transaction.
pub(in crate::store) struct Tx {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Connection,
    /// Something was written.
    wrote: bool,
    /// What went wrong with a statement. The transaction cannot be committed then.
    pub(super) trouble: Option<Trouble>,
    /// Events that are written last.
    events: Vec<(String, Vec<Value>)>,
    /// The earliest time at which some post wants attention because of this transaction.
    schedule: Option<DateTime<Utc>>,
}

impl Tx {
    pub(super) fn new(shared: Arc<Shared>, connection: Connection) -> Self {
        Self { shared, connection, wrote: false, trouble: None, events: Vec::new(), schedule: None }
    }

    pub(super) async fn begin(&mut self) -> Outcome<()> {
        (self.wrote, self.trouble, self.schedule) = (false, None, None);
        self.events.clear();
        self.connection.begin().await
    }

    /// The last statements before the commit: the writer's mark, and the events, behind the lock that has them become
    /// visible in their order. Answers what the commit brings; `None`: nothing was written.
    pub(super) async fn finish(&mut self, slot: &str, number: i64) -> Outcome<Option<Committed>> {
        if !self.wrote && self.events.is_empty() {
            return Ok(None);
        }
        let committed = Committed { events: !self.events.is_empty(), schedule: self.schedule };
        let shared = self.shared.clone();
        let values = crate::params![number, shared.now(), slot];
        if self.connection.execute(&shared.texts.of(MARK), &values).await? == 0 {
            self.connection.execute(&shared.texts.of(FIRST_MARK), &values).await?;
        }
        if let Some(told) = shared.told(committed) {
            self.connection.notify(&shared, &told).await?;
        }
        if committed.events {
            self.connection.lock_events(&shared).await?;
            for (sql, values) in std::mem::take(&mut self.events) {
                self.connection.execute(&sql, &values).await?;
            }
        }
        Ok(Some(committed))
    }

    fn noted<T>(&mut self, outcome: Outcome<T>) -> Result<T> {
        outcome.map_err(|failure| {
            self.trouble.get_or_insert(failure.trouble);
            failure.error
        })
    }

    /// Reads all rows.
    pub(in crate::store) async fn fetch_all(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let sql = self.shared.texts.of(sql);
        let outcome = self.connection.fetch(&sql, params).await;
        self.noted(outcome)
    }

    /// Reads the first row, if there is one.
    pub(in crate::store) async fn fetch_optional(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.fetch_all(sql, params).await?.into_iter().next())
    }

    /// Reads all rows that no other transaction holds, and holds them until this one ends.
    pub(in crate::store) async fn fetch_free(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let sql = self.shared.texts.of(sql);
        let outcome = self.connection.fetch_free(&sql, params).await;
        self.noted(outcome)
    }

    /// Runs a statement; answers how many rows it matched.
    pub(in crate::store) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let sql = self.shared.texts.of(sql);
        let outcome = self.connection.execute(&sql, params).await;
        self.wrote |= !matches!(outcome, Ok(0));
        self.noted(outcome)
    }

    /// Runs an INSERT; answers the new row's id.
    pub(in crate::store) async fn insert(&mut self, sql: &str, params: &[Value]) -> Result<i64> {
        Ok(self.insert_all(sql, params, 1).await?.first().copied().unwrap_or_default())
    }

    /// Runs an INSERT of so many rows; answers their ids, which rise in the order of the rows.
    pub(in crate::store) async fn insert_all(&mut self, sql: &str, params: &[Value], rows: usize) -> Result<Vec<i64>> {
        let sql = self.shared.texts.of(sql);
        let outcome = self.connection.insert(&sql, params, rows).await;
        self.wrote = true;
        self.noted(outcome)
    }

    /// Takes events, to be written last.
    pub(in crate::store) async fn insert_events(&mut self, sql: &str, params: &[Value], _rows: usize) -> Result<()> {
        self.events.push((self.shared.texts.of(sql), params.to_vec()));
        Ok(())
    }

    /// To be called by whoever sets `next_step_at`.
    pub(in crate::store) fn note_schedule(&mut self, at: DateTime<Utc>) {
        self.schedule = Some(self.schedule.map_or(at, |earliest| earliest.min(at)));
    }

    /// The highest id that each table with a counter ever gave.
    pub(in crate::store) async fn counters(&mut self) -> Result<Vec<(String, i64)>> {
        let shared = self.shared.clone();
        let outcome = self.connection.counters(&shared).await;
        let prefix = shared.texts.prefix.as_str();
        let plain = |name: String| name.strip_prefix(prefix).map_or_else(|| name.clone(), str::to_owned);
        Ok(self.noted(outcome)?.into_iter().map(|(name, highest)| (plain(name), highest)).collect())
    }

    /// Has every table with a counter give ids from `first` on. MySQL commits what came before.
    pub(in crate::store) async fn move_counters(&mut self, first: i64) -> Result<()> {
        let shared = self.shared.clone();
        for (name, _) in self.counters().await? {
            let table = shared.texts.table(&name);
            let outcome = self.connection.move_counter(&shared, &table, first).await;
            self.noted(outcome)?;
        }
        let outcome = self.connection.go_on().await;
        self.noted(outcome)
    }
}

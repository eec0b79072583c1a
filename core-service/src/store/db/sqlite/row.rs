//! Rows and values of SQLite. It knows whole numbers, text and NULL: a truth value is 0 or 1, an instant is microseconds
//! since 1970, JSON is text.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::types::{ToSqlOutput, ValueRef};
use sqlx::{
    Row as _,
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::store::{Error, Result, db::values::Value};

/// The columns of a row.
pub(in crate::store::db) enum Cells {
    /// Of a connection that reads.
    Read(SqliteRow),
    /// Of the one that writes.
    Written(WrittenRow),
}

impl Cells {
    /// A whole number or NULL.
    pub(in crate::store::db) fn int(&self, column: &str) -> Result<Option<i64>> {
        match self {
            Self::Read(row) => Ok(row.try_get(column)?),
            Self::Written(row) => row.int(column),
        }
    }

    /// Text or NULL.
    pub(in crate::store::db) fn text(&self, column: &str) -> Result<Option<&str>> {
        match self {
            Self::Read(row) => Ok(row.try_get(column)?),
            Self::Written(row) => row.text(column),
        }
    }

    /// An instant or NULL.
    pub(in crate::store::db) fn time(&self, column: &str) -> Result<Option<DateTime<Utc>>> {
        let instant = |micros| {
            let at = DateTime::from_timestamp_micros(micros);
            at.ok_or_else(|| Error::Corrupt(format!("{column} is {micros}")))
        };
        self.int(column)?.map(instant).transpose()
    }
}

/// A row of the connection that writes.
pub(in crate::store::db) struct WrittenRow {
    names: Arc<[String]>,
    cells: Vec<Cell>,
}

/// A stored value. One that makes no sense is an error of whoever reads that column, not of the statement.
enum Cell {
    Null,
    Int(i64),
    Text(String),
    Other(&'static str),
}

impl Cell {
    fn read(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Int(value),
            ValueRef::Text(bytes) => match str::from_utf8(bytes) {
                Ok(text) => Self::Text(text.to_owned()),
                Err(_) => Self::Other("text that is no UTF-8"),
            },
            ValueRef::Real(_) => Self::Other("a fraction"),
            ValueRef::Blob(_) => Self::Other("bytes"),
        }
    }

    fn what(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Int(_) => "a whole number",
            Self::Text(_) => "text",
            Self::Other(what) => what,
        }
    }
}

impl WrittenRow {
    pub(super) fn new(names: Arc<[String]>, row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let cells =
            (0..names.len()).map(|number| row.get_ref(number).map(Cell::read)).collect::<rusqlite::Result<_>>()?;
        Ok(Self { names, cells })
    }

    fn cell(&self, column: &str) -> Result<&Cell> {
        let number = self.names.iter().position(|name| name == column);
        number.and_then(|number| self.cells.get(number)).ok_or_else(|| Error::Corrupt(format!("no column {column}")))
    }

    fn int(&self, column: &str) -> Result<Option<i64>> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(*value)),
            other => Err(Error::Corrupt(format!("{column} is {}, not a whole number", other.what()))),
        }
    }

    fn text(&self, column: &str) -> Result<Option<&str>> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(value) => Ok(Some(value)),
            other => Err(Error::Corrupt(format!("{column} is {}, not text", other.what()))),
        }
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Int(value) => value.to_sql(),
            Self::Real(value) => value.to_sql(),
            Self::Flag(value) => value.to_sql(),
            Self::Time(value) => {
                let micros = value.map_or(rusqlite::types::Value::Null, |at| at.timestamp_micros().into());
                Ok(ToSqlOutput::Owned(micros))
            }
            Self::Text(value) | Self::Json(value) => value.to_sql(),
        }
    }
}

pub(super) fn bind<'q>(sql: &'q str, params: &'q [Value]) -> sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments> {
    #[cfg(test)]
    crate::store::plans::record(sql);
    // Statements are literals of this module, or literals joined by its own code; values are always bound.
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for value in params {
        query = match value {
            Value::Int(value) => query.bind(*value),
            Value::Real(value) => query.bind(*value),
            Value::Flag(value) => query.bind(value.map(i64::from)),
            Value::Time(value) => query.bind(value.map(|at| at.timestamp_micros())),
            Value::Text(value) | Value::Json(value) => query.bind(value.as_deref()),
        };
    }
    query
}

//! Values that are bound to statements, and rows that are read, in forms that every database has.

use std::{
    str::FromStr,
    sync::{Arc, OnceLock},
};

use chrono::{DateTime, Datelike, Utc};
use rusqlite::types::{ToSqlOutput, ValueRef};
use sqlx::{
    Row as _,
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::{
    domain::ids::{AccountId, Fence, PostId, Revision, Sequence, UserId},
    store::{Error, Result},
};

/// A value bound to a statement, in a form that every database has. NULL has a type too: PostgreSQL wants to know it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(Option<i64>),
    /// A fraction.
    Real(Option<f64>),
    /// A truth value.
    Flag(Option<bool>),
    /// An instant, to the microsecond.
    Time(Option<DateTime<Utc>>),
    /// Text.
    Text(Option<String>),
    /// JSON, written out.
    Json(Option<String>),
}

/// What can be bound, with the NULL of its type.
pub trait Bindable: Into<Value> {
    /// NULL.
    const NULL: Value;
}

macro_rules! bindable {
    ($($type:ty, $variant:ident, $value:ident => $bound:expr;)*) => { $(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                Self::$variant(Some($bound))
            }
        }
        impl Bindable for $type {
            const NULL: Value = Value::$variant(None);
        }
    )* };
}

bindable! {
    i64, Int, value => value;
    i32, Int, value => value.into();
    f64, Real, value => value;
    bool, Flag, value => value;
    DateTime<Utc>, Time, value => value;
    &str, Text, value => value.to_owned();
    &String, Text, value => value.clone();
    String, Text, value => value;
    &serde_json::Value, Json, value => value.to_string();
    PostId, Int, value => value.0;
    AccountId, Int, value => value.0;
    UserId, Int, value => value.0;
    Sequence, Int, value => value.0;
    Fence, Int, value => value.0;
    Revision, Int, value => value.0;
}

impl<T: Bindable> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(T::NULL, Into::into)
    }
}

impl Value {
    /// JSON of a value.
    pub(in crate::store) fn json(value: &impl serde::Serialize) -> Result<Self> {
        Ok(Self::Json(Some(serde_json::to_string(value)?)))
    }
}

/// Values for a statement, in the order of its placeholders.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::store::db::Value::from($value)),*] };
}

/// The placeholders and values of `IN (...)`. The last value is repeated up to the next power of two, so that lists of
/// all lengths need a handful of prepared statements.
pub(in crate::store) fn in_list<T: Copy + Into<Value>>(values: &[T]) -> (String, Vec<Value>) {
    let mut bound: Vec<Value> = values.iter().map(|value| (*value).into()).collect();
    let last = bound.last().cloned().unwrap_or(Value::Int(None));
    bound.resize(bound.len().next_power_of_two(), last);
    (vec!["?"; bound.len()].join(", "), bound)
}

/// A statement whose text depends on how many rows it is about, a power of two: written once for each.
pub(in crate::store) struct PerLength([OnceLock<String>; 7]);

impl PerLength {
    /// None is written yet.
    pub(in crate::store) const fn new() -> Self {
        Self([const { OnceLock::new() }; 7])
    }

    /// The text for so many rows, at most 64.
    pub(in crate::store) fn of(&self, rows: usize, write: impl FnOnce() -> String) -> &str {
        self.0[rows.ilog2() as usize].get_or_init(write)
    }
}

/// JSON of a column.
fn json<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("{column}: {error}")))
}

/// An instant of a column. A year outside of these is damage, and sums with it could overflow.
fn instant(column: &str, micros: i64) -> Result<DateTime<Utc>> {
    let at = DateTime::from_timestamp_micros(micros).filter(|at| (1..=9999).contains(&at.year()));
    at.ok_or_else(|| Error::Corrupt(format!("{column} is {micros}")))
}

/// A row, read by column name.
pub(in crate::store) enum Row {
    /// Of a connection that reads.
    Read(SqliteRow),
    /// Of the one that writes.
    Written(WrittenRow),
}

impl Row {
    /// A whole number or NULL.
    pub(in crate::store) fn opt_int(&self, column: &str) -> Result<Option<i64>> {
        match self {
            Self::Read(row) => Ok(row.try_get(column)?),
            Self::Written(row) => row.opt_int(column),
        }
    }

    /// Text or NULL.
    fn opt_str(&self, column: &str) -> Result<Option<&str>> {
        match self {
            Self::Read(row) => Ok(row.try_get(column)?),
            Self::Written(row) => row.opt_str(column),
        }
    }

    /// A whole number.
    pub(in crate::store) fn int(&self, column: &str) -> Result<i64> {
        self.opt_int(column)?.ok_or_else(|| is_null(column))
    }

    /// A whole number that fits 32 bits.
    pub(in crate::store) fn small(&self, column: &str) -> Result<i32> {
        let value = self.int(column)?;
        i32::try_from(value).map_err(|_| Error::Corrupt(format!("{column} is {value}")))
    }

    /// A truth value.
    pub(in crate::store) fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// A truth value or NULL.
    pub(in crate::store) fn opt_flag(&self, column: &str) -> Result<Option<bool>> {
        Ok(self.opt_int(column)?.map(|value| value != 0))
    }

    fn str(&self, column: &str) -> Result<&str> {
        self.opt_str(column)?.ok_or_else(|| is_null(column))
    }

    /// Text.
    pub(in crate::store) fn text(&self, column: &str) -> Result<String> {
        self.str(column).map(str::to_owned)
    }

    /// Text or NULL.
    pub(in crate::store) fn opt_text(&self, column: &str) -> Result<Option<String>> {
        Ok(self.opt_str(column)?.map(str::to_owned))
    }

    /// An instant.
    pub(in crate::store) fn time(&self, column: &str) -> Result<DateTime<Utc>> {
        instant(column, self.int(column)?)
    }

    /// An instant or NULL.
    pub(in crate::store) fn opt_time(&self, column: &str) -> Result<Option<DateTime<Utc>>> {
        self.opt_int(column)?.map(|micros| instant(column, micros)).transpose()
    }

    /// One of a set of words.
    pub(in crate::store) fn word<T>(&self, column: &str) -> Result<T>
    where
        T: FromStr,
        Error: From<T::Err>,
    {
        self.str(column)?.parse().map_err(|error: T::Err| match Error::from(error) {
            Error::Corrupt(why) => Error::Corrupt(format!("{column}: {why}")),
            other => other,
        })
    }

    /// One of a set of words, or NULL.
    pub(in crate::store) fn opt_word<T>(&self, column: &str) -> Result<Option<T>>
    where
        T: FromStr,
        Error: From<T::Err>,
    {
        match self.opt_str(column)? {
            Some(_) => self.word(column).map(Some),
            None => Ok(None),
        }
    }

    /// JSON.
    pub(in crate::store) fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        json(column, self.str(column)?)
    }

    /// JSON or NULL.
    pub(in crate::store) fn opt_json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        self.opt_str(column)?.map(|text| json(column, text)).transpose()
    }
}

fn is_null(column: &str) -> Error {
    Error::Corrupt(format!("{column} is NULL"))
}

/// A row of the connection that writes.
pub(in crate::store) struct WrittenRow {
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

    fn opt_int(&self, column: &str) -> Result<Option<i64>> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(*value)),
            other => Err(Error::Corrupt(format!("{column} is {}, not a whole number", other.what()))),
        }
    }

    fn opt_str(&self, column: &str) -> Result<Option<&str>> {
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

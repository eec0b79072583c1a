//! Values that are bound to statements, and rows that are read, in forms that every database has.

use std::str::FromStr;

use chrono::{DateTime, Datelike, Utc};
use sqlx::{
    Row as _,
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::store::{Error, Result};

/// A value bound to a statement, in a form that every database has.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A whole number, a truth value as 0 or 1, an instant as microseconds.
    Int(i64),
    /// A fraction.
    Real(f64),
    /// Text or JSON.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<DateTime<Utc>> for Value {
    fn from(value: DateTime<Utc>) -> Self {
        Self::Int(value.timestamp_micros())
    }
}
impl From<&serde_json::Value> for Value {
    fn from(value: &serde_json::Value) -> Self {
        Self::Text(value.to_string())
    }
}
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
macro_rules! id_value {
    ($($name:ident),*) => { $(impl From<crate::domain::ids::$name> for Value {
        fn from(value: crate::domain::ids::$name) -> Self { Self::Int(value.0) }
    })* };
}
id_value!(PostId, AccountId, UserId, Sequence, Fence, Revision);

/// Values for a statement, in the order of its placeholders.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::store::db::Value::from($value)),*] };
}

/// The placeholders and values of `IN (...)`. The last value is repeated up to the next power of two, so that lists of
/// all lengths need a handful of prepared statements.
pub(in crate::store) fn in_list<T: Copy + Into<Value>>(values: &[T]) -> (String, Vec<Value>) {
    let mut bound: Vec<Value> = values.iter().map(|value| (*value).into()).collect();
    let last = bound.last().cloned().unwrap_or(Value::Null);
    bound.resize(bound.len().next_power_of_two(), last);
    (vec!["?"; bound.len()].join(", "), bound)
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
pub(in crate::store) struct Row(pub(super) SqliteRow);

impl Row {
    /// A whole number.
    pub(in crate::store) fn int(&self, column: &str) -> Result<i64> {
        Ok(self.0.try_get(column)?)
    }

    /// A whole number or NULL.
    pub(in crate::store) fn opt_int(&self, column: &str) -> Result<Option<i64>> {
        Ok(self.0.try_get(column)?)
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

    /// Text.
    pub(in crate::store) fn text(&self, column: &str) -> Result<String> {
        Ok(self.0.try_get(column)?)
    }

    /// Text or NULL.
    pub(in crate::store) fn opt_text(&self, column: &str) -> Result<Option<String>> {
        Ok(self.0.try_get(column)?)
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
        let text: &str = self.0.try_get(column)?;
        text.parse().map_err(|error: T::Err| match Error::from(error) {
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
        match self.0.try_get::<Option<&str>, _>(column)? {
            Some(_) => self.word(column).map(Some),
            None => Ok(None),
        }
    }

    /// JSON.
    pub(in crate::store) fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        json(column, self.0.try_get(column)?)
    }

    /// JSON or NULL.
    pub(in crate::store) fn opt_json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        match self.0.try_get::<Option<&str>, _>(column)? {
            Some(text) => json(column, text).map(Some),
            None => Ok(None),
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
            Value::Null => query.bind(None::<i64>),
            Value::Int(value) => query.bind(*value),
            Value::Real(value) => query.bind(*value),
            Value::Text(value) => query.bind(value.as_str()),
        };
    }
    query
}

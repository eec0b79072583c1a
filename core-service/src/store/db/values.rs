//! Values that are bound to statements, and rows that are read, in forms that every database has.

use std::str::FromStr;

use chrono::{DateTime, Datelike, Utc};
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
            Value::Int(value) => query.bind(*value),
            Value::Real(value) => query.bind(*value),
            Value::Flag(value) => query.bind(value.map(i64::from)),
            Value::Time(value) => query.bind(value.map(|at| at.timestamp_micros())),
            Value::Text(value) | Value::Json(value) => query.bind(value.as_deref()),
        };
    }
    query
}

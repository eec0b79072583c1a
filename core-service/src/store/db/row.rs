//! Rows that are read, by column name, the same on every database.
//!
//! Guaranteed: a value that makes no sense is an error that names its column ([`Error::Corrupt`]), so one row can be set
//! aside.

use std::str::FromStr;

use chrono::{DateTime, Datelike, Utc};

use super::{mysql::row as mysql, postgres::row as postgres, sqlite::row as sqlite};
use crate::store::{Error, Result};

/// The columns of a row: each NULL or a value.
pub(super) enum Cells {
    Sqlite(sqlite::Cells),
    Postgres(postgres::Cells),
    Mysql(mysql::Cells),
}

/// One call, by what the database is.
macro_rules! each {
    ($of:expr, $cells:ident => $call:expr) => {
        match $of {
            Cells::Sqlite($cells) => $call,
            Cells::Postgres($cells) => $call,
            Cells::Mysql($cells) => $call,
        }
    };
}

/// A row.
pub(in crate::store) struct Row(pub(super) Cells);

impl Row {
    /// A whole number or NULL.
    pub(in crate::store) fn opt_int(&self, column: &str) -> Result<Option<i64>> {
        each!(&self.0, cells => cells.int(column))
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

    /// A truth value or NULL.
    pub(in crate::store) fn opt_flag(&self, column: &str) -> Result<Option<bool>> {
        Ok(self.opt_int(column)?.map(|value| value != 0))
    }

    /// A truth value.
    pub(in crate::store) fn flag(&self, column: &str) -> Result<bool> {
        self.opt_flag(column)?.ok_or_else(|| is_null(column))
    }

    pub(in crate::store) fn opt_str(&self, column: &str) -> Result<Option<&str>> {
        each!(&self.0, cells => cells.text(column))
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

    /// An instant or NULL. A year outside of 1 to 9999 is damage, and sums with it could overflow.
    pub(in crate::store) fn opt_time(&self, column: &str) -> Result<Option<DateTime<Utc>>> {
        match each!(&self.0, cells => cells.time(column))? {
            Some(at) if !(1..=9999).contains(&at.year()) => Err(Error::Corrupt(format!("{column} is {at}"))),
            at => Ok(at),
        }
    }

    /// An instant.
    pub(in crate::store) fn time(&self, column: &str) -> Result<DateTime<Utc>> {
        self.opt_time(column)?.ok_or_else(|| is_null(column))
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

fn json<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("{column}: {error}")))
}

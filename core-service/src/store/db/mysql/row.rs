//! Rows of MySQL and MariaDB.

use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::{Row as _, TypeInfo, ValueRef, mysql::MySqlRow};

use crate::store::{Error, Result};

/// The columns of a row.
pub(in crate::store::db) struct Cells(pub(super) MySqlRow);

/// What kinds of values there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Signed,
    Unsigned,
    /// Sums.
    Decimal,
    Text,
    Time,
    Other,
}

impl Sort {
    fn of(name: &str) -> Self {
        match name {
            "DECIMAL" => Self::Decimal,
            "BOOLEAN" => Self::Signed,
            "DATETIME" | "TIMESTAMP" => Self::Time,
            name if name.ends_with("INT UNSIGNED") => Self::Unsigned,
            name if name.ends_with("INT") => Self::Signed,
            name if ["CHAR", "TEXT", "BLOB", "BINARY"].iter().any(|end| name.ends_with(end)) => Self::Text,
            "ENUM" => Self::Text,
            _ => Self::Other,
        }
    }
}

impl Cells {
    /// The sort of a value and its type's name; `None` for NULL.
    fn sort(&self, column: &str) -> Result<Option<(Sort, String)>> {
        let raw = self.0.try_get_raw(column).map_err(|error| Error::Corrupt(error.to_string()))?;
        let name = raw.type_info().name().to_owned();
        Ok((!raw.is_null()).then(|| (Sort::of(&name), name)))
    }

    pub(in crate::store::db) fn int(&self, column: &str) -> Result<Option<i64>> {
        let Some((sort, name)) = self.sort(column)? else { return Ok(None) };
        let wrong = |what: &str| Error::Corrupt(format!("{column} is {what}, not a whole number"));
        let value = match sort {
            Sort::Signed => self.0.try_get_unchecked::<i64, _>(column).ok(),
            Sort::Unsigned => {
                self.0.try_get_unchecked::<u64, _>(column).ok().and_then(|value| i64::try_from(value).ok())
            }
            Sort::Decimal => self.0.try_get_unchecked::<&str, _>(column).ok().and_then(|value| value.parse().ok()),
            Sort::Text | Sort::Time | Sort::Other => return Err(wrong(&name)),
        };
        value.map(Some).ok_or_else(|| wrong("out of range"))
    }

    pub(in crate::store::db) fn text(&self, column: &str) -> Result<Option<&str>> {
        let Some((sort, name)) = self.sort(column)? else { return Ok(None) };
        let wrong = |what: &str| Error::Corrupt(format!("{column} is {what}, not text"));
        match sort {
            Sort::Text => self.0.try_get_unchecked::<&str, _>(column).map(Some).map_err(|_| wrong("no UTF-8")),
            _ => Err(wrong(&name)),
        }
    }

    pub(in crate::store::db) fn time(&self, column: &str) -> Result<Option<DateTime<Utc>>> {
        let Some((sort, name)) = self.sort(column)? else { return Ok(None) };
        if sort != Sort::Time {
            return Err(Error::Corrupt(format!("{column} is {name}, not an instant")));
        }
        let at = self.0.try_get_unchecked::<NaiveDateTime, _>(column);
        at.map(|at| Some(at.and_utc())).map_err(|error| Error::Corrupt(format!("{column}: {error}")))
    }
}

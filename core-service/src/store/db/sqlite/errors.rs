//! What the errors of the libraries mean: the statement is at fault, a row, or the database as a whole.

use sqlx::error::DatabaseError;

use super::CONNECTION;
use crate::store::{Error, ailment::Ailment};

/// The ailment that a result code of SQLite tells of. `None` when the statement is at fault, not the database.
/// <https://www.sqlite.org/rescode.html>
fn ailment(code: i64, message: &str) -> Option<Ailment> {
    // The low byte of an extended code is the plain one.
    match code & 0xff {
        5 | 6 => Some(Ailment::Locked),
        8 => Some(Ailment::ReadOnly),
        10 | 14 => Some(Ailment::Disk(message.to_owned())),
        11 | 26 => Some(Ailment::Damaged),
        13 => Some(Ailment::Full),
        _ => None,
    }
}

fn of_database(error: &dyn DatabaseError) -> Option<Ailment> {
    ailment(error.code()?.parse().ok()?, error.message())
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnNotFound(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                Self::Corrupt(error.to_string())
            }
            sqlx::Error::WorkerCrashed => Self::Sick(Ailment::Stopped),
            sqlx::Error::PoolTimedOut => Self::Sick(Ailment::Slow(CONNECTION.as_secs())),
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::Database(ref database) => match of_database(database.as_ref()) {
                Some(ailment) => Self::Sick(ailment),
                None => Self::Unavailable(error.into()),
            },
            other => Self::Unavailable(other.into()),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let ailment = match &error {
            rusqlite::Error::SqliteFailure(code, message) => {
                let words = message.clone().unwrap_or_else(|| code.to_string());
                ailment(code.extended_code.into(), &words)
            }
            _ => None,
        };
        ailment.map_or_else(|| Self::Unavailable(error.into()), Self::Sick)
    }
}

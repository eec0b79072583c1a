//! What a failed statement means for its transaction.

use std::time::Duration;

use crate::store::{Error, ailment::Ailment};

/// What is to be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::db) enum Trouble {
    /// Another writer was in the way: the operation runs again.
    Conflict,
    /// A unique key is taken. If another writer took it meanwhile, the operation finds it when it runs again.
    Taken,
    /// The connection cannot be used any more: the operation runs again on a new one.
    Broken,
    /// The statement is at fault, or the database refuses it.
    Refused,
}

/// A failed statement.
#[derive(Debug)]
pub(in crate::store::db) struct Failure {
    pub(in crate::store::db) trouble: Trouble,
    pub(in crate::store::db) error: Error,
}

impl Failure {
    pub(in crate::store::db) fn new(trouble: Trouble, error: Error) -> Self {
        Self { trouble, error }
    }

    /// The database did not answer in time. Whatever is under way on the connection is given up with it.
    pub(in crate::store::db) fn slow(waited: Duration) -> Self {
        Self::new(Trouble::Broken, Error::Sick(Ailment::Slow(waited.as_secs())))
    }

    /// What the errors mean that do not come from the database itself.
    pub(in crate::store::db) fn of_connection(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut => {
                let away = Ailment::Away(error.to_string());
                Self::new(Trouble::Broken, Error::Sick(away))
            }
            sqlx::Error::WorkerCrashed => Self::new(Trouble::Broken, Error::Sick(Ailment::Stopped)),
            sqlx::Error::PoolClosed => Self::new(Trouble::Refused, Error::Closed),
            sqlx::Error::ColumnNotFound(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                Self::new(Trouble::Refused, Error::Corrupt(error.to_string()))
            }
            other => Self::new(Trouble::Refused, Error::Unavailable(other.into())),
        }
    }
}

/// The result of a statement.
pub(in crate::store::db) type Outcome<T> = Result<T, Failure>;

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

//! What PostgreSQL's error codes mean. <https://www.postgresql.org/docs/current/errcodes-appendix.html>

use sqlx::error::DatabaseError;

use crate::store::{
    Error,
    ailment::Ailment,
    db::server::failure::{Failure, Trouble},
};

pub(super) fn failure(error: sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(ref database) => of_database(database.as_ref())
            .unwrap_or_else(|trouble| Failure::new(trouble, Error::Unavailable(error.into()))),
        other => Failure::of_connection(other),
    }
}

/// The failure that a code tells of; otherwise what is to be done about it.
fn of_database(error: &dyn DatabaseError) -> Result<Failure, Trouble> {
    let sick = |trouble, ailment| Ok(Failure::new(trouble, Error::Sick(ailment)));
    let away = |trouble| sick(trouble, Ailment::Away(error.message().to_owned()));
    match error.code().as_deref().unwrap_or_default() {
        // Serialization failure, deadlock, a lock that was not to be had.
        "40001" | "40P01" | "55P03" => sick(Trouble::Conflict, Ailment::Contended),
        "23505" => Err(Trouble::Taken),
        "25006" => sick(Trouble::Refused, Ailment::Replica),
        "53100" => sick(Trouble::Refused, Ailment::Full),
        // Shutdown, crash, starting up, a session that was ended, too many connections.
        "57P01" | "57P02" | "57P03" | "25P03" | "57P05" | "53300" | "57014" => away(Trouble::Broken),
        // Connection exceptions; a login or a database that is not there.
        code if code.starts_with("08") || code.starts_with("28") || code == "3D000" => away(Trouble::Broken),
        "58030" => sick(Trouble::Refused, Ailment::Disk(error.message().to_owned())),
        _ => Err(Trouble::Refused),
    }
}

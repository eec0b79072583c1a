//! What the error numbers of MySQL and MariaDB mean. <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>

use sqlx::mysql::MySqlDatabaseError;

use crate::store::{
    Error,
    ailment::Ailment,
    db::server::failure::{Failure, Trouble},
};

pub(super) fn failure(error: sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(ref database) => match database.try_downcast_ref::<MySqlDatabaseError>() {
            Some(ours) => {
                of_database(ours).unwrap_or_else(|trouble| Failure::new(trouble, Error::Unavailable(error.into())))
            }
            None => Failure::new(Trouble::Refused, Error::Unavailable(error.into())),
        },
        other => Failure::of_connection(other),
    }
}

/// The failure that a number tells of; otherwise what is to be done about it.
fn of_database(error: &MySqlDatabaseError) -> Result<Failure, Trouble> {
    let sick = |trouble, ailment| Ok(Failure::new(trouble, Error::Sick(ailment)));
    let away = |trouble| sick(trouble, Ailment::Away(error.message().to_owned()));
    match error.number() {
        // A lock that was not to be had, deadlock, a row that was changed since (MariaDB 11), a snapshot's conflict.
        1205 | 1213 | 1020 | 3572 => sick(Trouble::Conflict, Ailment::Contended),
        1062 => Err(Trouble::Taken),
        // --read-only, a read-only transaction, read-only mode.
        1290 | 1792 | 1836 => sick(Trouble::Refused, Ailment::Replica),
        1021 | 1114 => sick(Trouble::Refused, Ailment::Full),
        // Too many connections, shutdown, a connection or query that was ended, a cluster's node that is not ready.
        1040 | 1203 | 1053 | 1077 | 1079 | 1927 | 1317 | 1969 | 3024 | 3169 | 4031 | 1047 => away(Trouble::Broken),
        // A login or a database that is not there.
        1044 | 1045 | 1049 | 1129 | 1130 => away(Trouble::Broken),
        1026 | 1030 => sick(Trouble::Refused, Ailment::Disk(error.message().to_owned())),
        _ => Err(Trouble::Refused),
    }
}

//! How to connect to a server.

use sqlx::{mysql::MySqlConnectOptions, postgres::PgConnectOptions};

use crate::store::{
    Result,
    db::{kind::Kind, mysql, postgres},
};

/// How to connect.
pub(in crate::store::db) enum Options {
    Postgres(PgConnectOptions),
    Mysql(MySqlConnectOptions),
}

impl Options {
    pub(in crate::store::db) fn of(kind: Kind, url: &str) -> Result<Self> {
        Ok(match kind {
            Kind::Postgres => Self::Postgres(postgres::options(url)?),
            Kind::Mysql => Self::Mysql(mysql::options(url)?),
        })
    }
}

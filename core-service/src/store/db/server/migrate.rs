//! Brings the schema on a server up to this release.
//!
//! Guaranteed: one process migrates at a time, under a lock of the server that goes with the connection. On PostgreSQL a
//! migration is one transaction. MySQL commits each statement by itself: how many are done is noted beside the
//! migration, so one that was killed goes on behind the last; the statement that may have been done when it was killed
//! is run again, and what says that it was done counts as done.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use tracing::{info, warn};

use super::{
    connection::Connection,
    failure::{Failure, Outcome},
    shared::Shared,
};
use crate::{
    params,
    store::{
        Error, Result,
        db::{kind::Kind, values::Value},
    },
};

const KNOWN: &str = "SELECT version, statements, success FROM aurareels_migrations ORDER BY version";
const BEGUN: &str = "INSERT INTO aurareels_migrations (version, description, checksum, installed_on, statements, success) \
     VALUES (?, ?, ?, ?, 0, 0)";
const DONE: &str = "UPDATE aurareels_migrations SET statements = ? WHERE version = ?";
const WHOLE: &str = "UPDATE aurareels_migrations SET success = 1 WHERE version = ?";

/// Wait between two tries to get the lock of those who migrate.
const GAP: Duration = Duration::from_millis(500);

fn migrations(kind: Kind) -> Migrator {
    match kind {
        Kind::Postgres => sqlx_macros::migrate!("../migrations/postgres"),
        Kind::Mysql => sqlx_macros::migrate!("../migrations/mysql"),
    }
}

/// The table that remembers what was migrated.
fn bookkeeping(kind: Kind) -> &'static str {
    match kind {
        Kind::Postgres => {
            "CREATE TABLE IF NOT EXISTS aurareels_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
             checksum TEXT NOT NULL, installed_on TIMESTAMPTZ NOT NULL, statements INTEGER NOT NULL, success SMALLINT NOT NULL)"
        }
        Kind::Mysql => {
            "CREATE TABLE IF NOT EXISTS aurareels_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
             checksum VARCHAR(96) NOT NULL, installed_on DATETIME(6) NOT NULL, statements INT NOT NULL, \
             success TINYINT NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
        }
    }
}

/// What was migrated of a version.
struct Known {
    version: i64,
    statements: usize,
    is_whole: bool,
}

pub(super) async fn run(shared: &Shared) -> Result<()> {
    let mut connection = locked(shared).await?;
    let outcome = migrate(shared, &mut connection).await;
    connection.end().await;
    outcome
}

/// The versions of this release's migrations.
pub(super) fn versions(kind: Kind) -> Vec<i64> {
    migrations(kind).iter().map(|migration| migration.version).collect()
}

/// Whether a core has begun to make tables.
pub(super) async fn has_tables(shared: &Shared) -> Result<bool> {
    let mut connection = Connection::make(shared).await.map_err(|failure| shared.met(failure))?;
    let tables = connection.tables(shared).await;
    connection.end().await;
    Ok(tables?.contains(&shared.texts.table("aurareels_migrations")))
}

/// Removes every table, with what is in it.
pub(super) async fn remove_tables(shared: &Shared) -> Result<()> {
    let mut connection = locked(shared).await?;
    let removed = async {
        connection.be_patient().await?;
        let tables = connection.tables(shared).await?;
        connection.remove_tables(&tables).await
    };
    let removed = removed.await;
    connection.end().await;
    Ok(removed?)
}

/// A connection that holds the lock of those who migrate.
async fn locked(shared: &Shared) -> Result<Connection> {
    let mut told = false;
    loop {
        let mut connection = Connection::make(shared).await.map_err(|failure| shared.met(failure))?;
        match connection.lock_migrations(shared).await {
            Ok(true) => return Ok(connection),
            Ok(false) => {}
            Err(failure) if matches!(failure.error, Error::Sick(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
        connection.end().await;
        if !told {
            info!("another process migrates the database; this one goes on when that is done");
            told = true;
        }
        tokio::time::sleep(GAP).await;
    }
}

async fn migrate(shared: &Shared, connection: &mut Connection) -> Result<()> {
    connection.be_patient().await?;
    connection.run(&shared.texts.of(bookkeeping(shared.kind))).await?;
    let rows = connection.fetch(&shared.texts.of(KNOWN), &[]).await?;
    let mut known = Vec::with_capacity(rows.len());
    for row in &rows {
        let statements = usize::try_from(row.int("statements")?).unwrap_or_default();
        known.push(Known { version: row.int("version")?, statements, is_whole: row.flag("success")? });
    }
    let ours = migrations(shared.kind);
    if let Some(newer) = known.iter().find(|known| ours.iter().all(|migration| migration.version != known.version)) {
        return Err(Error::Migrate(MigrateError::VersionMissing(newer.version)));
    }
    // Before its first statement a migration is noted, so these are somebody else's.
    if known.is_empty() && connection.tables(shared).await?.contains(&shared.texts.table("aurareels_social_posts")) {
        return Err(Error::OriginalTables);
    }
    for migration in ours.iter() {
        let before = known.iter().find(|known| known.version == migration.version);
        if before.is_some_and(|known| known.is_whole) {
            continue;
        }
        let statements = shared.texts.statements(migration.sql.as_str());
        let begun =
            params![migration.version, migration.description.as_ref(), hex::encode(&migration.checksum), shared.now()];
        let migrated = match shared.kind {
            Kind::Postgres => in_one(shared, connection, &statements, &begun, migration.version).await,
            Kind::Mysql => {
                let done = before.map(|known| known.statements);
                one_by_one(shared, connection, &statements, &begun, migration.version, done).await
            }
        };
        migrated.map_err(Error::from)?;
        info!(version = migration.version, "the database was migrated");
    }
    Ok(())
}

/// All statements of a migration in one transaction.
async fn in_one(
    shared: &Shared,
    connection: &mut Connection,
    statements: &[String],
    begun: &[Value],
    version: i64,
) -> Outcome<()> {
    connection.begin().await?;
    for statement in statements {
        connection.run_to_its_end(statement).await?;
    }
    connection.execute(&shared.texts.of(BEGUN), begun).await?;
    connection.execute(&shared.texts.of(WHOLE), &params![version]).await?;
    connection.commit().await
}

/// The statements of a migration one after the other, from the first that is not known to be done.
async fn one_by_one(
    shared: &Shared,
    connection: &mut Connection,
    statements: &[String],
    begun: &[Value],
    version: i64,
    done: Option<usize>,
) -> Outcome<()> {
    if done.is_none() {
        connection.execute(&shared.texts.of(BEGUN), begun).await?;
    }
    let first = done.unwrap_or_default();
    for (number, statement) in statements.iter().enumerate().skip(first) {
        match connection.run_to_its_end(statement).await {
            Ok(()) => {}
            Err(failure) if done.is_some() && number == first && is_done_already(&failure) => {
                warn!(version, statement = number, "a statement of a migration that was cut off was done already");
            }
            Err(failure) => return Err(failure),
        }
        let done = i64::try_from(number + 1).unwrap_or(i64::MAX);
        connection.execute(&shared.texts.of(DONE), &params![done, version]).await?;
    }
    connection.execute(&shared.texts.of(WHOLE), &params![version]).await.map(drop)
}

/// Whether the server says that a table, a column or an index is there (or gone) already, or a row.
fn is_done_already(failure: &Failure) -> bool {
    let Error::Unavailable(source) = &failure.error else { return false };
    let Some(sqlx::Error::Database(database)) = source.downcast_ref::<sqlx::Error>() else { return false };
    let number = database.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(|error| error.number());
    matches!(number, Some(1050 | 1060 | 1061 | 1062 | 1068 | 1091 | 1826))
}

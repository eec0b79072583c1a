//! Who may use a database file: any number of cores, or one command that replaces it or tells it that it was replaced.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, Row,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use super::{file_of, mark};
use crate::{
    private,
    store::{Error, Result, db::kind::Kind},
};

/// The file of a database's URL; `None` for one in memory, or of a server.
pub(in crate::store) fn file_of_url(url: &str) -> Result<Option<PathBuf>> {
    if Kind::of_url(url).is_some() {
        return Ok(None);
    }
    Ok(file_of(&SqliteConnectOptions::from_str(url)?))
}

/// Every file that belongs to a database: SQLite's, the mark, the locks, and databases that were put aside.
pub(in crate::store) fn files_of(database: &Path) -> Vec<PathBuf> {
    let mut files = vec![database.to_owned(), mark::path_of(database), database.with_extension("lock")];
    let directory = match database.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let name = database.file_name().unwrap_or_default().as_encoded_bytes();
    files.extend(private::files_in(directory).into_iter().filter(|file| {
        let rest = file.file_name().and_then(|file| file.as_encoded_bytes().strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with(b"-") || rest.starts_with(b"."))
    }));
    files
}

fn lock_file(database: &Path) -> io::Result<File> {
    private::open_file(&database.with_extension("lock"))
}

fn taken(outcome: std::result::Result<(), TryLockError>, otherwise: Error) -> Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(otherwise),
        // Without locks on this file system SQLite's own stand in the way.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(Error::io(error)),
    }
}

/// The lock of a core that serves; refused while the database is being replaced.
pub(in crate::store) fn serve(database: &Path) -> Result<File> {
    let file = lock_file(database).map_err(Error::io)?;
    taken(file.try_lock_shared(), Error::BeingReplaced)?;
    Ok(file)
}

/// The lock of the one who replaces; refused while a core serves.
pub(in crate::store) fn replace(database: &Path) -> Result<File> {
    let file = lock_file(database).map_err(Error::io)?;
    taken(file.try_lock(), Error::Served)?;
    Ok(file)
}

/// Brings everything that was committed into the one file, which works only while nobody else has the database open: also
/// a core of an older release, which holds no lock.
pub(in crate::store) async fn gather(database: &Path) -> Result<()> {
    if !database.exists() {
        return Ok(());
    }
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(false)
        .busy_timeout(Duration::from_secs(1))
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    let mode = sqlx::query("PRAGMA journal_mode = DELETE").fetch_one(&mut connection).await;
    let mode = mode.and_then(|row| row.try_get::<String, _>(0)).map_err(Error::from);
    connection.close().await?;
    match mode {
        Ok(mode) if mode == "delete" => Ok(()),
        Ok(_) => Err(Error::Served),
        Err(error) if error.is_locked() => Err(Error::Served),
        Err(error) => Err(error),
    }
}

/// Writes a consistent copy of a database, also while cores work on it. Reads only; memory is bounded.
pub(in crate::store) async fn copy(database: &Path, to: &Path) -> Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(false)
        .read_only(true)
        .busy_timeout(Duration::from_secs(10))
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    let copied = sqlx::query("VACUUM INTO ?").bind(to.to_string_lossy().into_owned()).execute(&mut connection).await;
    connection.close().await?;
    copied?;
    // One file, without a log beside it.
    let options = SqliteConnectOptions::new().filename(to).journal_mode(SqliteJournalMode::Delete);
    options.disable_statement_logging().connect().await?.close().await?;
    Ok(())
}

//! What shows that a core has been served from a place before: uploads, and marks. A new database beside them is more
//! likely a slip of the pen, or a database that was lost, than what somebody wants; and uploads that no post of the
//! database names would be removed.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    Error, Result, Store,
    db::{Place, serving},
};
use crate::private;

/// A mark in a data directory whose database is elsewhere.
const SERVED: &str = "served.mark";

/// A new database beside the traces of another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "AURAREELS_DATABASE_URL: {database} would be a new database, but a core has been served from here: {}. Correct \
     AURAREELS_DATABASE_URL or AURAREELS_DATA_DIR; or bring the database back: `aurareels restore <file>`; or, if a new \
     database is meant, say so once: `aurareels migrate --new-database` (uploads of the other one are removed then)",
    .traces.join(", ")
)]
pub struct Unexpected {
    /// The new database.
    pub database: String,
    /// What was found.
    pub traces: Vec<String>,
}

/// The traces around a database and a data directory, if the database holds nothing yet.
pub(crate) fn around(place: &Place, data_dir: &Path) -> Result<Option<Unexpected>> {
    let file = serving::file_of_url(&place.url)?;
    let mut traces = Vec::new();
    let media = data_dir.join("media");
    match private::files_in(&media).len() {
        0 => {}
        uploads => traces.push(format!("{} holds {uploads} uploads", media.display())),
    }
    let mut directories = vec![data_dir.to_owned()];
    directories.extend(file.as_deref().map(directory_of).filter(|directory| directory != data_dir));
    for mark in directories.iter().flat_map(|directory| private::files_in(directory)) {
        if mark.extension().is_some_and(|extension| extension == "mark") {
            traces.push(format!("{} is there", mark.display()));
        }
    }
    let database = file.map_or_else(|| place.shown(), |file| file.display().to_string());
    Ok((!traces.is_empty()).then_some(Unexpected { database, traces }))
}

/// Whether the database's file is yet to be made. A server's databases are made by its owner.
pub(crate) fn is_missing(place: &Place) -> Result<bool> {
    let Some(file) = serving::file_of_url(&place.url)? else { return Ok(false) };
    match std::fs::metadata(&file) {
        Ok(found) => Ok(found.len() == 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Error::io(error)),
    }
}

/// Where a data directory remembers that a database elsewhere belongs to it.
pub(crate) fn mark_of(data_dir: &Path) -> PathBuf {
    data_dir.join(SERVED)
}

/// Has a data directory remember that a database elsewhere belongs to it.
pub(crate) fn leave(place: &Place, data_dir: &Path) -> Result<()> {
    let database = match serving::file_of_url(&place.url)? {
        Some(file) if directory_of(&file) == data_dir => return Ok(()),
        Some(file) => file.display().to_string(),
        None => place.shown(),
    };
    let text = format!("the database of this data directory is {database}\n");
    let written = private::open_file(&mark_of(data_dir)).and_then(|mut mark| {
        mark.set_len(0)?;
        mark.write_all(text.as_bytes())
    });
    written.map_err(Error::io)
}

fn directory_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory.to_owned(),
        _ => PathBuf::from("."),
    }
}

impl Store {
    /// Whether no core has served the database and nothing was put into it.
    pub(crate) async fn is_blank(&self) -> Result<bool> {
        let mut reader = self.db.read().await?;
        let sql = "SELECT (SELECT MAX(number) FROM aurareels_lineages) AS lineage, \
                   (SELECT MAX(id) FROM aurareels_social_accounts) AS account, (SELECT MAX(id) FROM aurareels_api_keys) AS api_key";
        let Some(row) = reader.fetch_optional(sql, &[]).await? else { return Ok(true) };
        for column in ["lineage", "account", "api_key"] {
            if row.opt_int(column)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

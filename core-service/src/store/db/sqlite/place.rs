//! Whether the files that the connections have open are still the database: somebody may remove them, put others in their
//! place, or cut them off while the core runs. What is committed into such a file is lost with the process.
//!
//! Guaranteed on Unix: the writer looks before it begins and before it answers, so nothing that was answered went into a
//! removed file. Whoever puts the same files back finds the core going on; another file is never taken up. Elsewhere the
//! system refuses to remove a file that is open.
//!
//! The files are looked at by name, never opened: closing a file would drop this process's locks on it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tracing::{error, info};

use crate::store::ailment::Ailment;

/// What tells a file from every other one.
type Identity = (u64, u64);

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// All is as it was.
    Same {
        /// Bytes of the log.
        log: u64,
    },
    /// The database's file has become smaller, to so many bytes: by a VACUUM of another process, or cut off.
    Smaller(u64),
}

#[derive(Debug, Default)]
struct Known {
    /// Of the database, its log and its shared memory, once they are known.
    identities: [Option<Identity>; 3],
    size: u64,
    gone: Option<Ailment>,
}

/// The files of an open database.
#[derive(Debug)]
pub(super) struct Place {
    files: [PathBuf; 3],
    known: Mutex<Known>,
    lost: Arc<AtomicBool>,
}

impl Place {
    pub(super) fn new(database: &Path) -> Self {
        let beside = |suffix: &str| {
            let mut name = database.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let files = [database.to_owned(), beside("-wal"), beside("-shm")];
        Self { files, known: Mutex::default(), lost: Arc::default() }
    }

    /// Whether the files are those that are known.
    pub(super) fn look(&self) -> Result<Look, Ailment> {
        self.compared(false)
    }

    /// The same, by a connection that has all of them open: those that are not known yet are from now on.
    pub(super) fn learn(&self) -> Result<Look, Ailment> {
        self.compared(true)
    }

    fn compared(&self, learn: bool) -> Result<Look, Ailment> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let looked = self.compare(&mut known, learn);
        if !matches!(looked, Ok(Look::Smaller(_))) {
            self.remember(&mut known, looked.as_ref().err());
        }
        looked
    }

    /// What [`Look::Smaller`] turned out to be, by the bytes that the database counts.
    pub(super) fn settle(&self, size: u64, needed: u64) -> Result<(), Ailment> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if size >= needed && size > 0 {
            known.size = size;
            return Ok(());
        }
        let cut = Ailment::Gone { file: name(&self.files[0]), what: "cut off" };
        self.remember(&mut known, Some(&cut));
        Err(cut)
    }

    /// Whether the last look found the files gone.
    pub(super) fn lost(&self) -> Arc<AtomicBool> {
        self.lost.clone()
    }

    /// What the last look found wrong.
    pub(super) fn gone(&self) -> Option<Ailment> {
        if !self.lost.load(Ordering::Acquire) {
            return None;
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).gone.clone()
    }

    fn compare(&self, known: &mut Known, learn: bool) -> Result<Look, Ailment> {
        let mut sizes = [0; 3];
        for ((file, seen), size) in self.files.iter().zip(&mut known.identities).zip(&mut sizes) {
            if seen.is_none() && !learn {
                continue;
            }
            let gone = |what| Ailment::Gone { file: name(file), what };
            match (identity(file), &seen) {
                (Ok((now, found)), None) => {
                    *seen = Some(now);
                    *size = found;
                }
                (Ok((now, found)), Some(before)) if now == *before => *size = found,
                (Ok(_), Some(_)) => return Err(gone("replaced by another")),
                (Err(_), None) => {}
                (Err(error), Some(_)) if error.kind() == std::io::ErrorKind::NotFound => return Err(gone("removed")),
                (Err(_), Some(_)) => return Err(gone("made unreachable")),
            }
        }
        let [size, log, _] = sizes;
        if size < known.size {
            return Ok(Look::Smaller(size));
        }
        known.size = size;
        Ok(Look::Same { log })
    }

    fn remember(&self, known: &mut Known, gone: Option<&Ailment>) {
        if known.gone.as_ref() == gone {
            return;
        }
        match gone {
            Some(ailment) => error!(
                database = %self.files[0].display(),
                "{ailment}: nothing is published and nothing is taken until it is back. What was committed is still in \
                 this process; to go on with another file stop the core, restore a backup, and start it"
            ),
            None => info!(database = %self.files[0].display(), "the files of the database are back; the core goes on"),
        }
        known.gone = gone.cloned();
        self.lost.store(gone.is_some(), Ordering::Release);
    }
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The identity of a file and its size.
#[cfg(unix)]
fn identity(file: &Path) -> std::io::Result<(Identity, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(file)?;
    Ok(((found.dev(), found.ino()), found.len()))
}

#[cfg(not(unix))]
fn identity(file: &Path) -> std::io::Result<(Identity, u64)> {
    std::fs::metadata(file).map(|found| ((0, 0), found.len()))
}

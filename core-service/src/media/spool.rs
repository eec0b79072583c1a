//! Videos of hosts that send the whole file whatever part is asked for: fetched once into a file of the data directory,
//! of which every part is then read. Without, each part of an upload would fetch everything before it again.
//!
//! Guaranteed: a part is readable as soon as its bytes have come, so the first one is not later than without; a file is
//! one answer of the host, never a mixture of two; it is removed when nobody has read of it for [`IDLE`], and a core that
//! dies leaves a file that is swept like an unfinished upload. Where the disk has no room for it, nothing is spooled.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::{sync::watch, task::spawn_blocking};

use super::{
    MediaStream,
    files::{FileError, Files, Incoming},
};

/// How long a file is kept of which nobody reads.
pub const IDLE: Duration = Duration::from_secs(300);

/// Bytes read at once.
const PIECE: u64 = 256 * 1024;

/// The files. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Spool {
    files: Files,
    kept: Arc<Mutex<HashMap<String, Arc<Spooled>>>>,
}

/// One file, which may still be coming.
#[derive(Debug)]
struct Spooled {
    path: PathBuf,
    progress: watch::Receiver<Progress>,
    used: Mutex<Instant>,
}

#[derive(Clone, Debug, Default)]
struct Progress {
    written: u64,
    /// Nothing more comes.
    broken: Option<String>,
}

impl Spool {
    /// Files in this directory.
    pub fn new(files: Files) -> Self {
        Self { files, kept: Arc::default() }
    }

    /// The bytes from `first` to `last`, both included, of a file that is there or coming; `None` when there is none.
    pub fn read(&self, name: &str, first: u64, last: u64) -> Option<BoxStream<'static, io::Result<Bytes>>> {
        let mut kept = self.lock();
        let spooled = kept.get(name)?.clone();
        if spooled.progress.borrow().broken.is_some() {
            // The next reader fetches it anew.
            kept.remove(name);
            return None;
        }
        drop(kept);
        Some(parts(spooled, first, last))
    }

    /// Fetches a file. `whole` is all of it.
    pub async fn fetch(&self, name: &str, whole: MediaStream) -> Result<(), FileError> {
        let incoming = self.files.begin(Some(whole.length())).await?;
        let (told, progress) = watch::channel(Progress::default());
        let spooled = Arc::new(Spooled { path: incoming.path(), progress, used: Mutex::new(Instant::now()) });
        self.lock().insert(name.to_owned(), spooled.clone());
        let (spool, name) = (self.clone(), name.to_owned());
        tokio::spawn(async move {
            // Dropped, the file is gone; until then it is held, however long ago its last byte came.
            let _file = write(incoming, whole, &told).await;
            while spooled.is_used() {
                tokio::time::sleep(IDLE / 4).await;
            }
            let mut kept = spool.lock();
            if kept.get(&name).is_some_and(|found| Arc::ptr_eq(found, &spooled)) {
                kept.remove(&name);
            }
        });
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Spooled>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spooled {
    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_used(&self) -> bool {
        self.progress.borrow().broken.is_none()
            && self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < IDLE
    }
}

/// Writes what comes, and tells how far it is.
async fn write(mut file: Incoming, mut whole: MediaStream, told: &watch::Sender<Progress>) -> Incoming {
    while let Some(chunk) = whole.next().await {
        let written = match chunk {
            Ok(chunk) => file.write(chunk).await.map_err(|problem| problem.to_string()),
            Err(broken) => Err(broken.to_string()),
        };
        match written {
            Ok(()) => told.send_modify(|progress| progress.written = file.size()),
            Err(problem) => {
                told.send_modify(|progress| progress.broken = Some(problem));
                break;
            }
        }
    }
    file
}

/// The parts of a file as they come.
fn parts(spooled: Arc<Spooled>, first: u64, last: u64) -> BoxStream<'static, io::Result<Bytes>> {
    let begun = (spooled, None::<File>, first);
    let parts = stream::try_unfold(begun, move |(spooled, file, at)| async move {
        if at > last {
            return Ok(None);
        }
        spooled.touch();
        let mut progress = spooled.progress.clone();
        let come = progress.wait_for(|progress| progress.written > at || progress.broken.is_some()).await;
        let come = come.map_err(io::Error::other)?.clone();
        if let Some(broken) = come.broken {
            return Err(io::Error::other(broken));
        }
        let length = (come.written.min(last + 1) - at).min(PIECE);
        let path = spooled.path.clone();
        let read = spawn_blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => {
                    let mut file = File::open(path)?;
                    file.seek(SeekFrom::Start(at))?;
                    file
                }
            };
            let mut piece = BytesMut::zeroed(usize::try_from(length).unwrap_or(0));
            file.read_exact(&mut piece)?;
            io::Result::Ok((file, piece.freeze()))
        });
        let (file, piece) = read.await.map_err(io::Error::other)??;
        Ok(Some((piece, (spooled, Some(file), at + length))))
    });
    parts.boxed()
}

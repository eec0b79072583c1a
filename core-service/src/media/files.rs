//! Uploaded videos: as files of the data directory, or, once they are complete, in a [`super::bucket`] that several cores share.
//!
//! Guaranteed:
//! - A file gets its final name only when it is complete and flushed; until then it is `<random>.part`.
//! - Names are random and never used twice, so whoever finds a name free of a row cannot be about to remove somebody
//!   else's new file of that name.
//! - With a bucket, incomplete files are in the directory and complete ones in the bucket; one that was complete before there was a
//!   bucket is read from the directory as before. What no row names in the bucket is a leftover once it is older than an upload can
//!   take ([`Files::stray`]).
//! - Who writes a file holds a lock on it until its row is committed. What nobody holds and no row names is a leftover of
//!   a core that died, of this process or another one on the same directory ([`Files::abandoned`]).
//! - Memory is bounded by one chunk. Data is flushed to the disk as it comes, so a slow disk slows the sender.
//!
//! - A file that is to be continued ([`Incoming::keep`]) outlives its writer, with the bytes that were written, and is hashed as a
//!   whole at its end.
//!
//! Expected failures: [`FileError`]. A write that fails leaves nothing behind, or the bytes before it.

use std::{
    fs::{File, TryLockError},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream, stream::BoxStream};
use sha2::{Digest, Sha256};
use tokio::{sync::OwnedMutexGuard, task::spawn_blocking};

pub use super::file_error::FileError;
use super::{ProbeError, bucket::Bucket, inspect, samples, source};
use crate::{
    domain::media::{Container, MediaFacts, MediaId},
    private,
};

/// Bytes after which what was written goes to the disk, and the free space is looked at.
const FLUSH: u64 = 32 * 1024 * 1024;

/// Bytes read at once for an uploader.
const PIECE: usize = 256 * 1024;

/// How the name of an incomplete file ends.
const PART: &str = "part";

/// The directory of uploaded videos. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Files {
    directory: Arc<PathBuf>,
    reserve: u64,
    bucket: Option<Bucket>,
}

impl Files {
    /// Opens the directory, making it where it is missing. `reserve` bytes of its disk are never taken.
    pub fn open(directory: PathBuf, reserve: u64) -> io::Result<Self> {
        // What is in there is not public yet.
        private::create_directory(&directory)?;
        Ok(Self { directory: Arc::new(directory), reserve, bucket: None })
    }

    /// Keeps what is complete in a bucket; the directory holds what comes.
    pub fn in_bucket(self, bucket: Option<Bucket>) -> Self {
        Self { bucket, ..self }
    }

    /// Where a file is, if it is on this machine. Incomplete ones are nowhere else.
    pub async fn local_path(&self, name: &str) -> Option<PathBuf> {
        let path = self.path(name);
        let is_only_here = self.bucket.is_none() || name.ends_with(&format!(".{PART}"));
        (is_only_here || tokio::fs::try_exists(&path).await.unwrap_or(false)).then_some(path)
    }

    /// The bucket, for a file that is not on this machine.
    async fn bucket_of(&self, name: &str) -> Option<&Bucket> {
        let bucket = self.bucket.as_ref()?;
        self.local_path(name).await.is_none().then_some(bucket)
    }

    /// Where a file of this machine is.
    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Begins a file. `expected` bytes are looked for on the disk before the first one is taken.
    pub async fn begin(&self, expected: Option<u64>) -> Result<Incoming, FileError> {
        let files = self.clone();
        blocking(move || {
            files.room_for(expected.unwrap_or(0))?;
            let stem = random_stem()?;
            let path = files.path(&format!("{stem}.{PART}"));
            let file = private::create_file(&path)?;
            let part = Part { path: Some(path), is_kept: false };
            lock(&file)?;
            let writer = Writer { file, hash: Some(Sha256::new()), size: 0, unflushed: 0, place: None };
            Ok(Incoming { files, stem, part, size: 0, writer: Some(writer) })
        })
        .await
    }

    /// Continues an incomplete file behind its first `from` bytes; what lies behind them is cut off. `None` while somebody
    /// else writes it, and when it has fewer bytes.
    pub async fn resume(&self, name: &str, from: u64, expected: u64) -> Result<Option<Incoming>, FileError> {
        let (files, name) = (self.clone(), name.to_owned());
        blocking(move || {
            let path = files.path(&name);
            let mut file = File::options().read(true).write(true).open(&path)?;
            if !lock(&file)? || file.metadata()?.len() < from {
                return Ok(None);
            }
            files.room_for(expected.saturating_sub(from))?;
            file.set_len(from)?;
            file.seek(SeekFrom::Start(from))?;
            let stem = name.split('.').next().unwrap_or_default().to_owned();
            let part = Part { path: Some(path), is_kept: true };
            // What came before is read again when the file is complete.
            let hash = (from == 0).then(Sha256::new);
            let writer = Writer { file, hash, size: from, unflushed: 0, place: None };
            Ok(Some(Incoming { files, stem, part, size: from, writer: Some(writer) }))
        })
        .await
    }

    /// Whether somebody writes a file.
    pub async fn is_written(&self, name: &str) -> Result<bool, FileError> {
        let path = self.path(name);
        blocking(move || match File::open(path) {
            Ok(file) => Ok(!lock(&file)?),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// Size of a file whose bytes are safely on the disk.
    pub async fn flushed_size(&self, name: &str) -> Result<u64, FileError> {
        let path = self.path(name);
        blocking(move || {
            let file = File::options().write(true).open(path)?;
            let size = file.metadata()?.len();
            file.sync_data()?;
            Ok(size)
        })
        .await
    }

    fn room_for(&self, bytes: u64) -> Result<(), FileError> {
        let free = free_bytes(&self.directory)?;
        let fits = free.checked_sub(self.reserve).is_some_and(|usable| usable >= bytes);
        if fits { Ok(()) } else { Err(FileError::Full { free, reserve: self.reserve }) }
    }

    /// Size of a file.
    pub async fn size(&self, name: &str) -> Result<u64, FileError> {
        match self.bucket_of(name).await {
            Some(bucket) => bucket.size(name).await,
            None => Ok(tokio::fs::metadata(self.path(name)).await?.len()),
        }
    }

    /// The bytes of a file from `first` to `last`, both counted from 0 and included. Ends with an error, never early.
    pub async fn stream(
        &self,
        name: &str,
        first: u64,
        last: u64,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, FileError> {
        if let Some(bucket) = self.bucket_of(name).await {
            return bucket.stream(name, first, last).await;
        }
        let path = self.path(name);
        let file = blocking(move || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(first))?;
            Ok(file)
        })
        .await?;
        let left = (last + 1).saturating_sub(first);
        let pieces = stream::try_unfold((file, left), |(mut file, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let length = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let (file, piece) = spawn_blocking(move || {
                let mut piece = BytesMut::zeroed(length);
                file.read_exact(&mut piece)?;
                io::Result::Ok((file, piece.freeze()))
            })
            .await
            .map_err(io::Error::other)??;
            Ok(Some((piece, (file, left - length as u64))))
        });
        Ok(pieces.boxed())
    }

    /// Removes a file. One that is not there any more is as good as removed.
    pub async fn remove(&self, name: &str) -> Result<(), FileError> {
        if let Some(bucket) = self.bucket_of(name).await {
            return bucket.remove(name).await;
        }
        match tokio::fs::remove_file(self.path(name)).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Writes, reads and removes an object of the bucket, if there is one.
    pub async fn check_bucket(&self) -> Result<(), FileError> {
        match &self.bucket {
            Some(bucket) => bucket.check().await,
            None => Ok(()),
        }
    }

    /// Names in the bucket that are ours and older than a time: who stored them has committed their rows by then, or never will.
    pub async fn stray(&self, before: chrono::DateTime<chrono::Utc>) -> Result<Vec<String>, FileError> {
        let Some(bucket) = &self.bucket else { return Ok(Vec::new()) };
        let mut names = bucket.older_than(before).await?;
        names.retain(|name| is_ours(name));
        Ok(names)
    }

    /// Ends what was begun in the bucket before a time and never completed. Returns how many.
    pub async fn abort_unfinished(&self, before: chrono::DateTime<chrono::Utc>) -> Result<usize, FileError> {
        match &self.bucket {
            Some(bucket) => bucket.abort_unfinished(before, is_ours).await,
            None => Ok(0),
        }
    }

    /// Names of all files, complete and incomplete. Files of another kind are not ours to touch.
    pub async fn names(&self) -> Result<Vec<String>, FileError> {
        let mut names = Vec::new();
        let mut entries = tokio::fs::read_dir(&*self.directory).await?;
        while let Some(entry) = entries.next_entry().await? {
            names.extend(entry.file_name().to_str().filter(|name| is_ours(name)).map(str::to_owned));
        }
        Ok(names)
    }

    /// A file that nobody is writing any more: who wrote it has committed its row by now, or is dead and never will. So
    /// whoever holds it and finds no row of it may discard it. `None` while it is being written.
    pub async fn abandoned(&self, name: &str) -> Result<Option<Written>, FileError> {
        let (files, name) = (self.clone(), name.to_owned());
        blocking(move || {
            let Ok(file) = File::open(files.path(&name)) else { return Ok(None) };
            let is_free = file.try_lock().is_ok();
            Ok(is_free.then(|| Written { files, name, _lock: Some(file), _place: None }))
        })
        .await
    }
}

/// Removes an incomplete file when it is dropped, unless it is kept to be continued.
#[derive(Debug)]
struct Part {
    path: Option<PathBuf>,
    is_kept: bool,
}

impl Part {
    /// It has its final name: there is nothing to remove.
    fn renamed(mut self) {
        let _ = self.path.take();
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = self.path.take().filter(|_| !self.is_kept) {
            // What cannot be removed now is swept later.
            let _ = std::fs::remove_file(path);
        }
    }
}

#[derive(Debug)]
struct Writer {
    file: File,
    /// Of all bytes so far; `None` if some were written before the file was continued.
    hash: Option<Sha256>,
    size: u64,
    unflushed: u64,
    /// Freed after the file is closed, also by a write that its caller does not wait for any more.
    place: Option<OwnedMutexGuard<()>>,
}

/// A file that is being written. Dropped, it is gone, unless it is kept.
#[derive(Debug)]
pub struct Incoming {
    files: Files,
    stem: String,
    part: Part,
    size: u64,
    /// Away while a piece is written; lost with a caller that gave up meanwhile.
    writer: Option<Writer>,
}

impl Incoming {
    /// Bytes written.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where its bytes are, as far as they were written.
    pub fn path(&self) -> PathBuf {
        self.part.path.clone().unwrap_or_default()
    }

    /// Keeps the file when this is dropped, to be continued later; answers its name.
    pub fn keep(&mut self) -> String {
        self.part.is_kept = true;
        format!("{}.{PART}", self.stem)
    }

    /// Keeps a place until the file is closed by whoever writes it, inspects it or gives it its name.
    pub fn hold(&mut self, place: OwnedMutexGuard<()>) {
        if let Some(writer) = &mut self.writer {
            writer.place = Some(place);
        }
    }

    /// Removes the file after all.
    pub fn forget(mut self) {
        self.part.is_kept = false;
    }

    /// Appends bytes; they are hashed on the way.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), FileError> {
        let mut writer = self.writer.take().ok_or(FileError::Gone)?;
        let files = self.files.clone();
        let writer = blocking(move || {
            if let Some(hash) = &mut writer.hash {
                hash.update(&chunk);
            }
            writer.file.write_all(&chunk)?;
            writer.size += chunk.len() as u64;
            writer.unflushed += chunk.len() as u64;
            if writer.unflushed >= FLUSH {
                writer.file.sync_data()?;
                files.room_for(0)?;
                writer.unflushed = 0;
            }
            Ok(writer)
        })
        .await?;
        self.size = writer.size;
        self.writer = Some(writer);
        Ok(())
    }

    /// Flushes everything to the disk. The file is complete, but still without a final name.
    pub async fn complete(self) -> Result<Complete, FileError> {
        let writer = self.writer.ok_or(FileError::Gone)?;
        let (file, hash, place) = blocking(move || {
            let (mut file, place) = (writer.file, writer.place);
            file.sync_all()?;
            let hash = match writer.hash {
                Some(hash) => hash,
                None => hash_of(&mut file)?,
            };
            Ok((file, hash, place))
        })
        .await?;
        let media_id = MediaId::of_hash(hash.finalize().into());
        Ok(Complete {
            files: self.files,
            stem: self.stem,
            part: self.part,
            file: Some(file),
            size: self.size,
            media_id,
            place,
        })
    }
}

/// A file with all of its bytes. Dropped, it is gone.
#[derive(Debug)]
pub struct Complete {
    files: Files,
    stem: String,
    part: Part,
    file: Option<File>,
    size: u64,
    media_id: MediaId,
    place: Option<OwnedMutexGuard<()>>,
}

impl Complete {
    /// What names it.
    pub fn media_id(&self) -> &MediaId {
        &self.media_id
    }

    /// Finds out what it is. Refused with the rule it breaks when it is no video.
    pub async fn inspect(&mut self) -> Result<MediaFacts, ProbeError> {
        inspect::inspect(self).await
    }

    /// What it is by samples of its bytes, as a probe says it of a file behind a URL.
    pub async fn identity(&mut self) -> Result<Option<String>, FileError> {
        samples::identify(self).await.map_err(|_| FileError::Gone)
    }

    /// Gives it its final name.
    pub async fn keep(self, container: Container) -> Result<Written, FileError> {
        let name = format!("{}.{}", self.stem, container.as_str());
        if let Some(bucket) = &self.files.bucket {
            let mut part = self.part;
            bucket.put(&name, part.path.as_deref().ok_or(FileError::Gone)?).await?;
            part.is_kept = false;
            return Ok(Written { files: self.files, name, _lock: self.file, _place: self.place });
        }
        let (files, to) = (self.files.clone(), name.clone());
        blocking(move || {
            let Some(from) = self.part.path.as_deref() else { return Err(FileError::Gone) };
            std::fs::rename(from, files.path(&to))?;
            self.part.renamed();
            sync_directory(&files.directory)?;
            Ok(Written { files, name: to, _lock: self.file, _place: self.place })
        })
        .await
    }
}

impl source::Source for Complete {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read(&mut self, at: u64, length: usize) -> Result<Bytes, source::ReadError> {
        let broken =
            |error: io::Error| ProbeError::Unreachable { message: format!("the file cannot be read: {error}") };
        // No system seeks to where a damaged file says that it goes on.
        if at >= self.size {
            return Ok(Bytes::new());
        }
        let mut file = self.file.take().ok_or_else(|| broken(ErrorKind::NotFound.into()))?;
        let read = spawn_blocking(move || {
            let mut bytes = Vec::with_capacity(length);
            file.seek(SeekFrom::Start(at))?;
            (&mut file).take(length as u64).read_to_end(&mut bytes)?;
            io::Result::Ok((file, Bytes::from(bytes)))
        });
        let (file, bytes) = read.await.map_err(io::Error::other).and_then(|read| read).map_err(broken)?;
        self.file = Some(file);
        Ok(bytes)
    }
}

/// A file under its final name. While this is held, nobody sweeps it: hold it until its row is committed.
#[derive(Debug)]
pub struct Written {
    files: Files,
    name: String,
    _lock: Option<File>,
    _place: Option<OwnedMutexGuard<()>>,
}

impl Written {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Removes it: no row names it.
    pub async fn discard(self) -> Result<(), FileError> {
        self.files.remove(&self.name).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    spawn_blocking(work).await.map_err(|error| FileError::Io(io::Error::other(error)))?
}

/// Locks a file for its writer. False if somebody else has it.
fn lock(file: &File) -> Result<bool, FileError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        // Without locks on this file system nothing is swept either.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(true),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// SHA-256 of a file, read from its front.
fn hash_of(file: &mut File) -> io::Result<Sha256> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; PIECE];
    file.seek(SeekFrom::Start(0))?;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash),
            count => hash.update(&buffer[..count]),
        }
    }
}

/// 128 random bits as text.
fn random_stem() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(hex::encode(bytes))
}

fn is_ours(name: &str) -> bool {
    let Some((stem, extension)) = name.split_once('.') else { return false };
    let is_stem = stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    let containers = [Container::Mp4, Container::Mov, Container::Webm];
    is_stem && (extension == PART || containers.iter().any(|container| container.as_str() == extension))
}

/// Makes a new name survive a power cut.
fn sync_directory(directory: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened as a file, and renaming is durable by itself.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

#[cfg(unix)]
pub(crate) fn free_bytes(directory: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(directory)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Not known: the disk's own error says when it is full.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_: &Path) -> io::Result<u64> {
    Ok(u64::MAX)
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;

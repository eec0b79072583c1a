//! Making a backup.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::format::{ABOUT, About, BackupError, CHECKSUMS, DATABASE, FORMAT, MEDIA, Progress, Sum, Sums, named};
use crate::{clock::Clock, config::Store as StoreSettings, private, store::replacing};

/// Bytes that are moved at once.
const PIECE: usize = 256 * 1024;

/// A finished backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What it says of itself.
    pub about: About,
    /// Uploads that went away meanwhile.
    pub left_out: usize,
    /// Its size.
    pub bytes: u64,
}

/// Removes a file when it is dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may have been renamed, or never made.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes a backup into a new file.
pub async fn write(
    settings: &StoreSettings,
    to: &Path,
    clock: Clock,
    progress: Box<dyn Progress>,
) -> Result<Written, BackupError> {
    let copy = Temporary(to.with_added_extension("database.part"));
    let part = Temporary(to.with_added_extension("part"));
    for left in [&copy.0, &part.0] {
        match std::fs::remove_file(left) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(named(left)(error)),
            _ => {}
        }
    }
    // SQLite takes an empty file as it is, and so nobody else ever reads the copy.
    private::create_file(&copy.0).map_err(named(&copy.0))?;
    // Before the copy: what happens from now on is looked for on the platforms after a restore.
    let backup_at = clock.now();
    let contents = replacing::copy(settings.database_url.expose(), &copy.0, clock).await?;
    let about = About {
        format: FORMAT,
        release: env!("CARGO_PKG_VERSION").to_owned(),
        database: contents.lineages.database().unwrap_or_default().to_owned(),
        lineage: contents.lineages.current().map(|lineage| lineage.id.clone()).unwrap_or_default(),
        backup_at,
        encryption_keys: contents.encryption_keys,
        media: contents.media.len(),
    };
    let (media, to) = (settings.data_dir.join("media"), to.to_owned());
    spawn_blocking(move || {
        let mut archive = Archive::begin(&part.0, progress).map_err(named(&part.0))?;
        let left_out = archive.fill(&about, &copy.0, &media, &contents.media).map_err(named(&part.0))?;
        let bytes = archive.finish().map_err(named(&part.0))?;
        std::fs::rename(&part.0, &to).map_err(named(&to))?;
        sync_directory_of(&to).map_err(named(&to))?;
        Ok(Written { about, left_out, bytes })
    })
    .await
    .map_err(|error| BackupError::Internal(error.to_string()))?
}

struct Archive {
    tar: tar::Builder<io::BufWriter<File>>,
    sums: Sums,
    done: u64,
    total: u64,
    progress: Box<dyn Progress>,
}

impl Archive {
    fn begin(path: &Path, progress: Box<dyn Progress>) -> io::Result<Self> {
        let tar = tar::Builder::new(io::BufWriter::with_capacity(PIECE, private::create_file(path)?));
        Ok(Self { tar, sums: Sums::new(), done: 0, total: 0, progress })
    }

    /// Writes everything but the end. Answers how many uploads were not there any more.
    fn fill(&mut self, about: &About, database: &Path, media: &Path, names: &[String]) -> io::Result<usize> {
        self.text(ABOUT, &serde_json::to_vec_pretty(about)?)?;
        let sizes = names.iter().filter_map(|name| std::fs::metadata(media.join(name)).ok()).map(|found| found.len());
        self.total = std::fs::metadata(database)?.len() + sizes.sum::<u64>();
        self.file(DATABASE, &mut File::open(database)?)?;
        let mut left_out = 0;
        for name in names {
            match File::open(media.join(name)) {
                Ok(mut file) => self.file(&format!("{MEDIA}{name}"), &mut file)?,
                Err(error) if error.kind() == ErrorKind::NotFound => left_out += 1,
                Err(error) => return Err(error),
            }
        }
        let sums = serde_json::to_vec_pretty(&self.sums)?;
        self.text(CHECKSUMS, &sums)?;
        Ok(left_out)
    }

    fn text(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.entry(name, bytes.len() as u64, bytes, &mut 0)
    }

    fn file(&mut self, name: &str, file: &mut File) -> io::Result<()> {
        let size = file.metadata()?.len();
        let mut done = self.done;
        let outcome = self.entry(name, size, file, &mut done);
        self.done = done;
        outcome
    }

    fn entry(&mut self, name: &str, size: u64, from: impl Read, done: &mut u64) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o600);
        let total = self.total;
        let mut hashed =
            Hashed { from: from.take(size), hash: Sha256::new(), size: 0, progress: &mut self.progress, done, total };
        self.tar.append_data(&mut header, name, &mut hashed)?;
        let (read, sha256) = (hashed.size, hex::encode(hashed.hash.finalize()));
        if read != size {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, format!("{name} became shorter while it was read")));
        }
        self.sums.insert(name.to_owned(), Sum { size, sha256 });
        Ok(())
    }

    fn finish(self) -> io::Result<u64> {
        let mut buffer = self.tar.into_inner()?;
        buffer.flush()?;
        let file = buffer.get_ref();
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

/// Hashes what is read through it.
struct Hashed<'a, R> {
    from: io::Take<R>,
    hash: Sha256,
    size: u64,
    progress: &'a mut Box<dyn Progress>,
    done: &'a mut u64,
    total: u64,
}

impl<R: Read> Read for Hashed<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.hash.update(&into[..count]);
        self.size += count as u64;
        *self.done += count as u64;
        if self.total > 0 {
            self.progress.at(*self.done, self.total);
        }
        Ok(count)
    }
}

/// Makes a new name survive a power cut.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened as a file, and renaming is durable by itself.
    match path.parent().filter(|_| cfg!(unix)) {
        Some(directory) if directory.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

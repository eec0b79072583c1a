//! Restoring a backup.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::format::{ABOUT, About, BackupError, CHECKSUMS, DATABASE, FORMAT, MEDIA, Progress, Sum, Sums, named};
use crate::{
    clock::Clock, config::Store as StoreSettings, domain::lineage::Lineage, private, store::replacing::Replacement,
};

/// Bytes that are moved at once.
const PIECE: usize = 256 * 1024;

/// Most bytes of the two entries that are read into memory.
const MOST_TEXT: u64 = 64 * 1024 * 1024;

/// A restored backup.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// What the backup said of itself.
    pub about: About,
    /// The lineage that began.
    pub lineage: Lineage,
    /// Where the database is now that was there before.
    pub kept: Option<PathBuf>,
    /// Uploads that came back.
    pub media: usize,
}

/// A directory for what is unpacked; removed when it is dropped.
struct Unpacked(PathBuf);

impl Drop for Unpacked {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next restore.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Puts a backup in the place of the settings' database. Refused while a core has that open.
pub async fn restore(
    settings: &StoreSettings,
    from: &Path,
    replace: bool,
    clock: Clock,
    progress: Box<dyn Progress>,
) -> Result<Restored, BackupError> {
    private::create_directory(&settings.data_dir).map_err(named(&settings.data_dir))?;
    let replacement = Replacement::begin(settings.database_url.expose(), clock).await?;
    if !replace && replacement.holds_rows().await {
        return Err(BackupError::Occupied { path: replacement.file().display().to_string() });
    }
    // Beside the database, so that it can be renamed into place.
    let directory = replacement.file().with_extension("unpacked");
    let _ = std::fs::remove_dir_all(&directory);
    private::create_directory(&directory.join(MEDIA)).map_err(named(&directory))?;
    let unpacked = Unpacked(directory);
    let (to, path) = (unpacked.0.clone(), from.to_owned());
    let (about, media) = spawn_blocking(move || unpack(&path, &to, progress))
        .await
        .map_err(|error| BackupError::Internal(error.to_string()))??;
    // Uploads first: their names are random and never used twice, so none is in the way, and no post ever lacks its own.
    let place = settings.data_dir.join("media");
    private::create_directory(&place).map_err(named(&place))?;
    for name in &media {
        let (file, to) = (unpacked.0.join(MEDIA).join(name), place.join(name));
        if !to.exists() {
            put(&file, &to).map_err(named(&to))?;
        }
    }
    sync_directory(&place).map_err(named(&place))?;
    let (lineage, kept) = replacement.put(&unpacked.0.join(DATABASE), about.backup_at).await?;
    Ok(Restored { about, lineage, kept, media: media.len() })
}

/// Moves a file, also onto another disk.
fn put(file: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(file, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            let part = to.with_extension("part");
            std::fs::copy(file, &part)?;
            File::open(&part)?.sync_all()?;
            std::fs::rename(&part, to)
        }
        other => other,
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened as a file, and renaming is durable by itself.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Unpacks a backup and compares every entry with its check sum. Answers the names of its uploads.
fn unpack(from: &Path, to: &Path, mut progress: Box<dyn Progress>) -> Result<(About, Vec<String>), BackupError> {
    let broken = |problem: String| BackupError::Broken { path: from.display().to_string(), problem };
    let unreadable = |error: io::Error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::PermissionDenied => named(to)(error),
        _ => BackupError::Broken { path: from.display().to_string(), problem: error.to_string() },
    };
    let file = File::open(from).map_err(named(from))?;
    let total = file.metadata().map_err(named(from))?.len();
    let mut archive = tar::Archive::new(io::BufReader::with_capacity(PIECE, file));
    let (mut about, mut expected, mut sums) = (None, None, Sums::new());
    let (mut media, mut done) = (Vec::new(), 0);
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let name = String::from_utf8(entry.path_bytes().into_owned()).map_err(|error| broken(error.to_string()))?;
        if expected.is_some() || sums.contains_key(&name) {
            return Err(broken(format!("it goes on with {name} after its end")));
        }
        let mut told = |bytes: u64| {
            done += bytes;
            progress.at(done, total);
        };
        match name.as_str() {
            ABOUT | CHECKSUMS => {
                let text = in_memory(&mut entry).map_err(unreadable)?;
                let unlike = |error: serde_json::Error| broken(format!("{name}: {error}"));
                if name == CHECKSUMS {
                    expected = Some(serde_json::from_slice::<Sums>(&text).map_err(unlike)?);
                    continue;
                }
                let said: About = serde_json::from_slice(&text).map_err(unlike)?;
                if said.format != FORMAT {
                    let release = said.release;
                    return Err(broken(format!(
                        "release {release} made it in form {}, this one knows {FORMAT}",
                        said.format
                    )));
                }
                sums.insert(name, Sum { size: text.len() as u64, sha256: hex::encode(Sha256::digest(&text)) });
                about = Some(said);
            }
            DATABASE => {
                let sum = onto_disk(&mut entry, &to.join(DATABASE), &mut told).map_err(unreadable)?;
                sums.insert(name, sum);
            }
            _ => {
                let Some(file) = name.strip_prefix(MEDIA).filter(|file| is_plain(file)).map(str::to_owned) else {
                    return Err(broken(format!("it holds {name}, which is none of its parts")));
                };
                let sum = onto_disk(&mut entry, &to.join(MEDIA).join(&file), &mut told).map_err(unreadable)?;
                sums.insert(name, sum);
                media.push(file);
            }
        }
    }
    let (Some(about), Some(expected)) = (about, expected) else {
        return Err(broken("it was cut off".to_owned()));
    };
    if let Some((name, _)) = expected.iter().find(|(name, sum)| sums.get(*name) != Some(sum)) {
        return Err(broken(format!("{name} was changed or is missing")));
    }
    if let Some(name) = sums.keys().find(|name| !expected.contains_key(*name)) {
        return Err(broken(format!("{name} was added")));
    }
    if !sums.contains_key(DATABASE) {
        return Err(broken("it holds no database".to_owned()));
    }
    Ok((about, media))
}

/// A file's name that leads nowhere else.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

fn in_memory(entry: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    entry.take(MOST_TEXT).read_to_end(&mut text)?;
    Ok(text)
}

fn onto_disk(entry: &mut dyn Read, to: &Path, told: &mut dyn FnMut(u64)) -> io::Result<Sum> {
    let mut file = private::create_file(to)?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut piece = vec![0; PIECE];
    loop {
        let count = entry.read(&mut piece)?;
        if count == 0 {
            break;
        }
        hash.update(&piece[..count]);
        file.write_all(&piece[..count])?;
        size += count as u64;
        told(count as u64);
    }
    file.sync_all()?;
    Ok(Sum { size, sha256: hex::encode(hash.finalize()) })
}

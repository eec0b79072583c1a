//! Files and directories that only their owner can read: the database, uploads, backups.
//!
//! Guaranteed on Unix, whatever the umask: what is made here was never readable by anybody else, not even for a moment;
//! [`mend`] closes what is there already. SQLite gives the files beside a database the mode of the database.
//! Expected: a directory that belongs to somebody else (a mounted volume) cannot be closed; that is said, and no more.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use tracing::warn;

/// Makes a directory, and those above it that are missing.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    let is_new = !path.exists();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    if is_new { unix::set_mode(path, 0o700) } else { Ok(()) }
}

/// Makes a file that is not there yet, for reading and writing.
pub(crate) fn create_file(path: &Path) -> io::Result<File> {
    let file = options().create_new(true).open(path)?;
    unix::set_mode_of(&file)?;
    Ok(file)
}

/// Makes an empty file unless there is one, which is not opened: closing it would drop the locks of this process on it.
pub(crate) fn ensure_file(path: &Path) -> io::Result<()> {
    match create_file(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// Opens a file for writing, making it where it is missing. Its content is kept.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    match create_file(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => options().open(path),
        outcome => outcome,
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Closes directories and files to everybody but their owner. What is missing is left out.
pub(crate) fn mend(directories: &[&Path], files: &[PathBuf]) {
    let mut mended = Vec::new();
    for (path, open) in directories.iter().map(|path| (*path, 0o077)).chain(files.iter().map(|file| (&**file, 0o177))) {
        match unix::close_to_others(path, open) {
            Ok(true) => mended.push(path.display().to_string()),
            Ok(false) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                warn!(path = %path.display(), %error, "other users may be able to read this; have its owner take their rights away");
            }
        }
    }
    if let Some(first) = mended.first() {
        warn!(count = mended.len(), %first, "other users could read files of this core; now only their owner can");
    }
}

/// The regular files of a directory; none when it is missing. Links are left out: they lead to somebody else's files.
pub(crate) fn files_in(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let regular = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    regular.map(|entry| entry.path()).collect()
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::{File, Permissions},
        io,
        os::unix::fs::PermissionsExt,
        path::Path,
    };

    pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
        std::fs::set_permissions(path, Permissions::from_mode(mode))
    }

    /// A umask may have taken rights from the owner, too.
    pub(super) fn set_mode_of(file: &File) -> io::Result<()> {
        file.set_permissions(Permissions::from_mode(0o600))
    }

    /// Takes the rights in `open` away; answers whether there were any.
    pub(super) fn close_to_others(path: &Path, open: u32) -> io::Result<bool> {
        let mode = std::fs::metadata(path)?.permissions().mode() & 0o7777;
        if mode & open == 0 {
            return Ok(false);
        }
        set_mode(path, mode & !open)?;
        Ok(true)
    }
}

/// Elsewhere files have the rights of their directory, which the operator gives.
#[cfg(not(unix))]
mod unix {
    use std::{fs::File, io, path::Path};

    pub(super) fn set_mode(_: &Path, _: u32) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn set_mode_of(_: &File) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn close_to_others(_: &Path, _: u32) -> io::Result<bool> {
        Ok(false)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn opened(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_made_is_its_owners_alone() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("a/b");
        create_directory(&directory).unwrap();
        let [made, kept] = ["made", "kept"].map(|name| directory.join(name));
        create_file(&made).unwrap();
        std::fs::write(&kept, "content").unwrap();
        ensure_file(&kept).unwrap();
        open_file(&kept).unwrap();
        ensure_file(&directory.join("ensured")).unwrap();
        assert_eq!((mode(&directory), mode(&made), mode(&directory.join("ensured"))), (0o700, 0o600, 0o600));
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), "content");
        assert_eq!(create_file(&made).unwrap_err().kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn what_was_open_to_others_is_closed_and_nothing_else_is_touched() {
        let place = tempfile::tempdir().unwrap();
        let (directory, elsewhere) = (place.path().join("data"), place.path().join("elsewhere"));
        create_directory(&directory).unwrap();
        for file in [directory.join("open"), directory.join("read-only"), elsewhere.clone()] {
            std::fs::write(&file, "").unwrap();
            opened(&file, 0o644);
        }
        opened(&directory.join("read-only"), 0o444);
        opened(&directory, 0o2775);
        std::os::unix::fs::symlink(&elsewhere, directory.join("link")).unwrap();
        let missing = directory.join("missing");
        mend(&[&directory, &missing], &[files_in(&directory), vec![missing.clone()]].concat());
        let modes = ["open", "read-only"].map(|name| mode(&directory.join(name)));
        assert_eq!((mode(&directory), modes), (0o2700, [0o600, 0o400]));
        assert_eq!(mode(&elsewhere), 0o644);
    }
}

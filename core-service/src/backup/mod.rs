//! Backups: one file with a consistent copy of the database and the uploads that its posts need.
//!
//! A backup is a tar file: `backup.json` says what it is, then come `aurareels.db` and `media/…`, and `checksums.json`
//! last, so that a file which was cut off is found out. Encryption keys are not in it; `backup.json` names those that its
//! rows need.
//!
//! Guaranteed: cores may work on the database while it is made; its file has its name only once it is whole and flushed,
//! and nobody else can read it. Nothing in place is touched before a backup was read to its end and every check sum fits.
//! Memory is bounded by one buffer, whatever the sizes.
//!
//! An upload whose file went away while the backup was made is left out: its post is out by then.

mod format;
mod read;
mod write;

pub use format::{About, BackupError, Progress};
pub use read::{Restored, restore};
pub use write::{Written, write};

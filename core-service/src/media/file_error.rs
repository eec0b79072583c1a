//! Why an upload could not be kept or read.

use std::io::{self, ErrorKind};

/// Why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The disk is full, or writing would take the space that is kept free.
    #[error("the disk of the data directory is full: {free} bytes are free, {reserve} of them are kept free")]
    Full {
        /// Bytes that are free.
        free: u64,
        /// Bytes that are left to the database and everything else.
        reserve: u64,
    },
    /// There is no such file.
    #[error("the uploaded file is not there any more")]
    Gone,
    /// The bucket of uploads failed.
    #[error("the bucket of AURAREELS_MEDIA_STORE {what}")]
    Bucket {
        /// In words for the operator.
        what: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Anything else.
    #[error("the data directory cannot be used")]
    Io(#[source] io::Error),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Gone,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { free: 0, reserve: 0 },
            _ => Self::Io(error),
        }
    }
}

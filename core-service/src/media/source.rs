//! What the readers of file formats see of a file: its size and pieces of it.

use std::future::Future;

use bytes::Bytes;

use super::ProbeError;

/// The most bytes that a reader may ask for at once.
pub(super) const MAX_READ: usize = 16 * 1024;

/// A file that is read in small pieces, front to back where possible.
pub(super) trait Source: Send {
    /// Size of the whole file in bytes.
    fn size(&self) -> u64;

    /// The bytes from `at`: `length` of them (at most [`MAX_READ`]), or fewer at the end of the file.
    fn read(&mut self, at: u64, length: usize) -> impl Future<Output = Result<Bytes, ReadError>> + Send;
}

/// Why a piece could not be had.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It would cost more requests or bytes than a probe may spend. What was read so far counts.
    OutOfReach,
    /// The file could not be fetched.
    Failed(ProbeError),
}

impl From<ProbeError> for ReadError {
    fn from(error: ProbeError) -> Self {
        Self::Failed(error)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A file in memory that counts what is asked of it.
    pub(crate) struct Memory {
        pub(crate) bytes: Bytes,
        pub(crate) reads: usize,
        pub(crate) reach: usize,
    }

    impl Memory {
        pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
            Self { bytes: bytes.into(), reads: 0, reach: usize::MAX }
        }
    }

    impl Source for Memory {
        fn size(&self) -> u64 {
            self.bytes.len() as u64
        }

        async fn read(&mut self, at: u64, length: usize) -> Result<Bytes, ReadError> {
            assert!(length <= MAX_READ, "asked for {length} bytes");
            self.reads += 1;
            let start = usize::try_from(at).unwrap_or(usize::MAX).min(self.bytes.len());
            if start > self.reach {
                return Err(ReadError::OutOfReach);
            }
            Ok(self.bytes.slice(start..self.bytes.len().min(start + length)))
        }
    }
}

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

    /// Whether there is time for many more pieces. Details that take many are left out otherwise.
    fn may_go_on(&self) -> bool {
        true
    }

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

    /// A file in memory that notes what is asked of it.
    pub(crate) struct Memory {
        pub(crate) bytes: Bytes,
        /// Where each read began.
        pub(crate) asked: Vec<usize>,
        /// The last place at which a read may begin.
        pub(crate) reach: usize,
        /// Reads after which details are left out.
        pub(crate) patience: usize,
    }

    /// Polls a future that never waits.
    pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(future).poll(&mut context) {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => unreachable!("reading from memory never waits"),
        }
    }

    impl Memory {
        pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
            Self { bytes: bytes.into(), asked: vec![], reach: usize::MAX, patience: usize::MAX }
        }
    }

    impl Source for Memory {
        fn size(&self) -> u64 {
            self.bytes.len() as u64
        }

        fn may_go_on(&self) -> bool {
            self.asked.len() < self.patience
        }

        async fn read(&mut self, at: u64, length: usize) -> Result<Bytes, ReadError> {
            assert!(length <= MAX_READ, "asked for {length} bytes");
            let start = usize::try_from(at).unwrap_or(usize::MAX).min(self.bytes.len());
            self.asked.push(start);
            if start > self.reach {
                return Err(ReadError::OutOfReach);
            }
            Ok(self.bytes.slice(start..self.bytes.len().min(start + length)))
        }
    }
}

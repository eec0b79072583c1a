//! The bytes of one upload session, kept in whole blocks of 256 KiB.
//!
//! Guaranteed: the memory is one block however long the file is; a request that breaks off leaves the blocks that
//! arrived whole, as Google does; a request that was overtaken by a newer one changes nothing any more.

use bytes::{Buf, Bytes, BytesMut};

use crate::fetch::Received;

/// Chunks are multiples of this, and so is what is kept of a broken one.
pub(crate) const BLOCK: u64 = 262_144;

/// What has been received so far.
#[derive(Default)]
pub(crate) struct Stream {
    /// Number of the newest request that writes.
    epoch: u64,
    kept: Received,
    /// The beginning of the next block.
    tail: BytesMut,
}

impl Stream {
    /// Bytes that stay whatever happens.
    pub(crate) fn stored(&self) -> u64 {
        self.kept.byte_count
    }

    /// A new request writes; older ones are void from now on.
    pub(crate) fn take_over(&mut self) -> u64 {
        self.epoch += 1;
        self.tail.clear();
        self.epoch
    }

    /// Adds bytes of the request `epoch`; false if a newer one has taken over.
    pub(crate) fn push(&mut self, epoch: u64, mut piece: Bytes) -> bool {
        if epoch != self.epoch {
            return false;
        }
        while piece.has_remaining() {
            let room = BLOCK as usize - self.tail.len();
            let taken = piece.split_to(room.min(piece.len()));
            if taken.len() == BLOCK as usize {
                self.kept.push(&taken);
                continue;
            }
            self.tail.extend_from_slice(&taken);
            if self.tail.len() == BLOCK as usize {
                let block = self.tail.split().freeze();
                self.kept.push(&block);
            }
        }
        true
    }

    /// The request ended early: the block it was in is lost.
    pub(crate) fn break_off(&mut self, epoch: u64) {
        if epoch == self.epoch {
            self.tail.clear();
        }
    }

    /// The file is complete: the last block is kept too. Gives what was received.
    pub(crate) fn seal(&mut self) -> Received {
        let rest = self.tail.split().freeze();
        if !rest.is_empty() {
            self.kept.push(&rest);
        }
        self.kept.clone()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{BLOCK, Stream};

    #[test]
    fn only_whole_blocks_stay_of_a_broken_request() {
        let mut stream = Stream::default();
        let first = stream.take_over();
        assert!(stream.push(first, Bytes::from(vec![7; BLOCK as usize + 10])));
        assert!(stream.push(first, Bytes::from(vec![7; 20])));
        assert_eq!(stream.stored(), BLOCK);
        stream.break_off(first);
        let second = stream.take_over();
        assert!(!stream.push(first, Bytes::from_static(b"late")), "overtaken");
        assert!(stream.push(second, Bytes::from_static(b"end")));
        let (count, hash, _) = stream.seal().finish();
        let mut whole = vec![7; BLOCK as usize];
        whole.extend_from_slice(b"end");
        assert_eq!(count, whole.len() as u64);
        assert_eq!(hash, hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&whole)));
    }
}

//! How a video is cut for the upload. Pure.
//!
//! TikTok: `total_chunk_count` is the size divided by the chunk size, rounded down; the last chunk takes the rest; a
//! chunk has 5 to 64 MB, the last up to 128 MB; a file over 64 MB must come in several
//! (<https://developers.tiktok.com/docs/en/content-posting-api-media-transfer-guide>, read September 2026). "MB" has two
//! readings and the rules collide between 64 and 128 MB, so one plan is used that keeps all of them in both readings:
//! one chunk up to 64,000,000 bytes, chunks of 10,000,000 above.

use crate::domain::ledger::Handle;

/// The largest file that goes in one chunk, bytes.
const SINGLE: u64 = 64_000_000;
/// The chunk size of larger files, bytes.
const CHUNK: u64 = 10_000_000;

/// The cuts of one video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Size of the whole video, bytes.
    pub(super) size: u64,
    /// Size of every chunk but the last, bytes.
    pub(super) chunk: u64,
    /// How many chunks.
    pub(super) count: u64,
}

impl Plan {
    /// The plan for a video of this size; `None` for an empty one.
    pub(super) const fn new(size: u64) -> Option<Self> {
        match size {
            0 => None,
            1..=SINGLE => Some(Self { size, chunk: size, count: 1 }),
            _ => Some(Self { size, chunk: CHUNK, count: size / CHUNK }),
        }
    }

    /// The plan that an init was made with.
    pub(super) fn read(handle: &Handle) -> Option<Self> {
        let number = |name| handle.number(name).and_then(|value| u64::try_from(value).ok()).filter(|&value| value > 0);
        let plan = Self { size: number("video_size")?, chunk: number("chunk_size")?, count: number("chunk_count")? };
        (plan.chunk <= plan.size && plan.count == plan.size / plan.chunk).then_some(plan)
    }

    /// Keeps the plan in a handle.
    pub(super) fn write(self, handle: Handle) -> Handle {
        handle.with("video_size", self.size).with("chunk_size", self.chunk).with("chunk_count", self.count)
    }

    /// The first byte of the last chunk.
    pub(super) const fn last_start(self) -> u64 {
        self.chunk * (self.count - 1)
    }

    /// The last byte of the chunk that `at` lies in.
    pub(super) const fn end_of_chunk(self, at: u64) -> u64 {
        if at >= self.last_start() { self.size - 1 } else { (at / self.chunk + 1) * self.chunk - 1 }
    }

    /// The first byte of the chunk that `at` lies in.
    pub(super) const fn start_of_chunk(self, at: u64) -> u64 {
        if at >= self.last_start() { self.last_start() } else { at / self.chunk * self.chunk }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_keep_every_rule() {
        // (video_size, chunk_size, count, last chunk), from the sheet.
        let table = [
            (3_145_728, 3_145_728, 1, 3_145_728),
            (64_000_000, 64_000_000, 1, 64_000_000),
            (64_000_001, 10_000_000, 6, 14_000_001),
            (94_000_000, 10_000_000, 9, 14_000_000),
            (4_294_967_296, 10_000_000, 429, 14_967_296),
        ];
        for (size, chunk, count, last) in table {
            let plan = Plan::new(size).unwrap();
            assert_eq!((plan.chunk, plan.count, size - plan.last_start()), (chunk, count, last));
            assert_eq!(Plan::read(&plan.write(Handle::default())), Some(plan));
            let mut at = 0;
            let mut chunks = 0;
            while at < size {
                assert_eq!(plan.start_of_chunk(at), at);
                at = plan.end_of_chunk(at) + 1;
                chunks += 1;
            }
            assert_eq!((at, chunks), (size, count), "the chunks cover the video without gap");
        }
        assert_eq!(Plan::new(0), None);
    }

    #[test]
    fn a_plan_that_does_not_add_up_is_not_read() {
        let good = Plan::new(94_000_000).unwrap().write(Handle::default());
        assert!(Plan::read(&good.clone().with("chunk_count", 10)).is_none());
        assert!(Plan::read(&good.clone().with("chunk_size", 0)).is_none());
        assert!(Plan::read(&good.with("video_size", -1)).is_none());
    }
}

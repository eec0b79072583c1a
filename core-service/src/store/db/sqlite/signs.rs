//! What the statements of this core have met lately: so health knows of trouble that its own small probe does not touch.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::ailment::Ailment;

/// What was met.
#[derive(Debug, Default)]
pub(super) struct Signs {
    locked: AtomicBool,
    damaged: AtomicBool,
    checking: AtomicBool,
}

impl Signs {
    /// Whether the writer waits for another process.
    pub(super) fn locked(&self, is: bool) {
        self.locked.store(is, Ordering::Release);
    }

    pub(super) fn is_locked(&self) -> bool {
        self.locked.load(Ordering::Acquire)
    }

    /// A statement met this.
    pub(super) fn saw(&self, ailment: &Ailment) {
        if *ailment == Ailment::Damaged {
            self.damaged.store(true, Ordering::Release);
        }
    }

    /// Whether damage was met, and no check since has found the file whole.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Acquire)
    }

    /// The right to check the whole file; `None` while somebody has it.
    pub(super) fn begin_check(&self) -> bool {
        !self.checking.swap(true, Ordering::AcqRel)
    }

    /// What the check found.
    pub(super) fn end_check(&self, is_whole: bool) {
        if is_whole {
            self.damaged.store(false, Ordering::Release);
        }
        self.checking.store(false, Ordering::Release);
    }
}

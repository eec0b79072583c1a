//! Running uploads of this process: their number and bytes per user, so that a user who starts many at once cannot
//! exceed the quota.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::ids::UserId;

/// Most uploads of one user at the same time in this process.
pub(super) const MOST: usize = 8;

#[derive(Clone, Debug, Default)]
pub(super) struct UploadSlots(Arc<Mutex<HashMap<UserId, Taken>>>);

#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    uploads: usize,
    bytes: u64,
}

/// The place of one upload, given back when dropped.
#[derive(Debug)]
pub(super) struct UploadSlot {
    upload_slots: UploadSlots,
    user: UserId,
    bytes: u64,
}

impl UploadSlots {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more upload of a user; `None` when the user has the maximum.
    pub(super) fn enter(&self, user: UserId) -> Option<UploadSlot> {
        let mut all = self.lock();
        let taken = all.entry(user).or_default();
        if taken.uploads >= MOST {
            return None;
        }
        taken.uploads += 1;
        Some(UploadSlot { upload_slots: self.clone(), user, bytes: 0 })
    }
}

impl UploadSlot {
    /// Reserves bytes up to `total` for this upload, if all running uploads of the user then take at most `room`.
    pub(super) fn take(&mut self, total: u64, room: u64) -> bool {
        let mut all = self.upload_slots.lock();
        let taken = all.entry(self.user).or_default();
        let more = total.saturating_sub(self.bytes);
        if taken.bytes.saturating_add(more) > room {
            return false;
        }
        taken.bytes += more;
        self.bytes += more;
        true
    }
}

impl Drop for UploadSlot {
    fn drop(&mut self) {
        let mut all = self.upload_slots.lock();
        if let Some(taken) = all.get_mut(&self.user) {
            taken.uploads -= 1;
            taken.bytes -= self.bytes;
            if taken.uploads == 0 {
                all.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_that_run_share_a_users_room_and_nobody_elses() {
        let upload_slots = UploadSlots::default();
        let (mut one, mut two) = (upload_slots.enter(UserId(1)).unwrap(), upload_slots.enter(UserId(1)).unwrap());
        assert!(one.take(60, 100));
        assert!(one.take(60, 100), "already taken");
        assert!(!two.take(50, 100));
        assert!(upload_slots.enter(UserId(2)).unwrap().take(100, 100));
        drop(one);
        assert!(two.take(50, 100));
        drop(two);
        assert!(upload_slots.lock().is_empty());
    }

    #[test]
    fn a_user_has_so_many_uploads_at_once_and_no_more() {
        let upload_slots = UploadSlots::default();
        let all: Vec<_> = (0..MOST).map(|_| upload_slots.enter(UserId(1)).unwrap()).collect();
        assert!(upload_slots.enter(UserId(1)).is_none());
        drop(all);
        assert!(upload_slots.enter(UserId(1)).is_some());
    }
}

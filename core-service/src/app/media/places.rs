//! Uploads that run in this process: how many and how many bytes per user, so that a user who starts many at once can
//! take no more of the disk than his quota.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::ids::UserId;

/// Most uploads of one user at the same time in this process.
pub(super) const MOST: usize = 8;

#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<UserId, Taken>>>);

#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    uploads: usize,
    bytes: u64,
}

/// The place of one upload, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    user: UserId,
    bytes: u64,
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more upload of a user; `None` when he has as many as he may.
    pub(super) fn enter(&self, user: UserId) -> Option<Place> {
        let mut all = self.lock();
        let taken = all.entry(user).or_default();
        if taken.uploads >= MOST {
            return None;
        }
        taken.uploads += 1;
        Some(Place { places: self.clone(), user, bytes: 0 })
    }
}

impl Place {
    /// Takes bytes up to `total` for this upload, if all uploads of the user that run then take at most `room`.
    pub(super) fn take(&mut self, total: u64, room: u64) -> bool {
        let mut all = self.places.lock();
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

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.places.lock();
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
        let places = Places::default();
        let (mut one, mut two) = (places.enter(UserId(1)).unwrap(), places.enter(UserId(1)).unwrap());
        assert!(one.take(60, 100));
        assert!(one.take(60, 100), "already taken");
        assert!(!two.take(50, 100));
        assert!(places.enter(UserId(2)).unwrap().take(100, 100));
        drop(one);
        assert!(two.take(50, 100));
        drop(two);
        assert!(places.lock().is_empty());
    }

    #[test]
    fn a_user_has_so_many_uploads_at_once_and_no_more() {
        let places = Places::default();
        let all: Vec<_> = (0..MOST).map(|_| places.enter(UserId(1)).unwrap()).collect();
        assert!(places.enter(UserId(1)).is_none());
        drop(all);
        assert!(places.enter(UserId(1)).is_some());
    }
}

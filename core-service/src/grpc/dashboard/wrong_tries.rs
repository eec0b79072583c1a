//! Wrong links to log in with, counted over all callers, so that nobody can try them all.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Wrong links in a minute, over all browsers, after which further wrong ones are told to come later. No guess can hit, so
/// this only makes those quiet who try; a right link always works, or one browser could keep all others out.
const WRONG_TRIES: u32 = 30;

/// The time in which they are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Counts wrong links.
#[derive(Default)]
pub(super) struct WrongTries(Mutex<Option<(Instant, u32)>>);

impl WrongTries {
    /// Notes one; when to come back, if there were too many.
    pub(super) fn note(&self) -> Option<Duration> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, tries) = counted.filter(|(began, _)| began.elapsed() < WINDOW).unwrap_or((Instant::now(), 0));
        *counted = Some((began, tries.saturating_add(1)));
        (tries >= WRONG_TRIES).then(|| WINDOW.saturating_sub(began.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tries_are_counted_and_then_told_to_come_later() {
        let tries = WrongTries::default();
        for number in 0..WRONG_TRIES {
            assert_eq!(tries.note(), None, "try {number}");
        }
        assert!(tries.note().is_some_and(|left| left <= WINDOW));
    }
}

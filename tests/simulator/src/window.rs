//! Sliding windows of time in which something may happen so and so often.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

/// Times of what happened, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window(VecDeque<DateTime<Utc>>);

impl Window {
    /// How often it happened within `span` before `now`; forgets what is older.
    pub(crate) fn count(&mut self, now: DateTime<Utc>, span: TimeDelta) -> usize {
        while self.0.front().is_some_and(|time| *time <= now - span) {
            self.0.pop_front();
        }
        self.0.len()
    }

    pub(crate) fn push(&mut self, now: DateTime<Utc>) {
        self.0.push_back(now);
    }

    /// Takes the latest one back.
    pub(crate) fn pop(&mut self) {
        self.0.pop_back();
    }

    /// Counts this call unless the limit is reached. A limit of `u32::MAX` keeps no memory of calls.
    pub(crate) fn admit(&mut self, now: DateTime<Utc>, span: TimeDelta, limit: u32) -> bool {
        if limit == u32::MAX {
            return true;
        }
        if self.count(now, span) >= limit as usize {
            return false;
        }
        self.push(now);
        true
    }
}

//! The highest numbers that a database has handed out.

/// The highest numbers that are known to have been handed out, from somewhere else than the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandedOut {
    /// The newest event.
    pub sequence: i64,
    /// The newest post.
    pub post: i64,
}

impl HandedOut {
    /// The higher of each.
    pub fn max(self, other: Self) -> Self {
        Self { sequence: self.sequence.max(other.sequence), post: self.post.max(other.post) }
    }
}

//! Copies of videos into the core's own store, made while their posts wait.

use chrono::{DateTime, Utc};

use crate::domain::{
    failure::Failure,
    media::{MediaFacts, MediaId},
    post::Post,
};

/// How far the copy of a post's video is.
#[derive(Clone, Debug, PartialEq)]
pub enum Copying {
    /// Nobody has begun it.
    NotBegun,
    /// It is being made since then.
    Running(DateTime<Utc>),
    /// It has not begun, because as many others are being made as may be.
    Queued,
    /// It is in the store.
    Done(MediaId, MediaFacts),
    /// It could not be made: its source or the file is at fault.
    Failed(Failure),
    /// This core could not keep it now, which is not the post's fault.
    Postponed(Failure),
}

/// Makes copies, one of each video and user at a time, however many posts wait for it.
pub trait Copies: Send + Sync {
    /// How far the copy of a post's video is. Asking says that the post still wants it; a failure is told each post once.
    fn state(&self, post: &Post) -> Copying;

    /// Begins the copy of a post's video, unless it is being made.
    fn begin(&self, post: &Post);

    /// Forgets a copy that has ended, so that it is made anew.
    fn forget(&self, post: &Post);
}

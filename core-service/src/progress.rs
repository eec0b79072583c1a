//! How far uploads are. Only in memory and only while they run: it is for watching, nothing depends on it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::broadcast;

use crate::{
    domain::ids::{PostId, UserId},
    platform,
};

/// Watchers that fall further behind lose the oldest messages.
const BUFFER: usize = 256;

/// How far one upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadProgress {
    /// The post.
    pub post: PostId,
    /// Its owner.
    pub user: UserId,
    /// Bytes that are with the platform.
    pub sent: u64,
    /// Bytes of the video.
    pub total: u64,
}

/// The uploads of this process.
#[derive(Clone, Debug)]
pub struct Uploads {
    running: Arc<Mutex<HashMap<PostId, UploadProgress>>>,
    told: broadcast::Sender<UploadProgress>,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { running: Arc::default(), told: broadcast::Sender::new(BUFFER) }
    }
}

impl Uploads {
    /// Progress as it happens.
    pub fn subscribe(&self) -> broadcast::Receiver<UploadProgress> {
        self.told.subscribe()
    }

    /// How far a post's upload is, while this process runs it.
    pub fn of(&self, post: PostId) -> Option<UploadProgress> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&post).copied()
    }

    /// A place to tell progress of one post; forgets it when dropped.
    pub fn track(&self, post: PostId, user: UserId) -> Tracked {
        Tracked { uploads: self.clone(), post, user }
    }
}

/// See [`Uploads::track`].
#[derive(Debug)]
pub struct Tracked {
    uploads: Uploads,
    post: PostId,
    user: UserId,
}

impl platform::Progress for Tracked {
    fn uploaded(&self, sent: u64, total: u64) {
        let progress = UploadProgress { post: self.post, user: self.user, sent, total };
        self.uploads.running.lock().unwrap_or_else(PoisonError::into_inner).insert(self.post, progress);
        // Nobody may be watching.
        let _ = self.uploads.told.send(progress);
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.uploads.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.post);
    }
}

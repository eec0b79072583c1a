//! The list of posts that became visible, over all platforms. It is what "one request, one post" is measured by.
//!
//! Guaranteed: a post is in the list from the moment the platform would show it to anybody (its own account counts),
//! and stays there, marked as removed, when it is taken down.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::watch;

/// A post on a platform.
#[derive(Clone, Debug, Serialize)]
pub struct VisiblePost {
    /// Rising number over all platforms, from 1; set by the list.
    pub number: u64,
    /// `tiktok`, `instagram`, `facebook` or `youtube`.
    pub platform: &'static str,
    /// Platform account id.
    pub account_id: String,
    /// Name of the account, for people.
    pub account_name: String,
    /// The platform's id of the post.
    pub platform_post_id: String,
    /// Further public ids of the same post (TikTok has been seen to give several).
    pub further_ids: Vec<String>,
    /// Caption as received.
    pub caption: String,
    /// The platform's own word, for example `SELF_ONLY`; `PUBLIC` where the platform knows nothing else.
    pub privacy: String,
    /// Simulated time at which it became visible.
    pub made_at: DateTime<Utc>,
    /// Simulated time at which the platform had the request that made it visible; the same as `made_at` where the platform
    /// keeps a schedule of its own (YouTube, Pages).
    pub asked_at: DateTime<Utc>,
    /// What it was made from: publish id or container id.
    pub source_id: String,
    /// How the video came: `upload` or the URL it was fetched from.
    pub source: String,
    /// Size of the received video.
    pub byte_count: Option<u64>,
    /// Lower-case hex SHA-256 of the received video.
    pub sha256: Option<String>,
    /// Link for people.
    pub url: Option<String>,
    /// The comments of its own account, oldest first.
    pub comments: Vec<String>,
    /// When it was deleted, if it was.
    pub removed_at: Option<DateTime<Utc>>,
}

#[derive(Default)]
struct Inner {
    posts: Vec<VisiblePost>,
    by_id: HashMap<(&'static str, String), usize>,
}

/// The list.
pub(crate) struct Posts {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

impl Default for Posts {
    fn default() -> Self {
        Posts { inner: Mutex::default(), changed: watch::channel(0).0 }
    }
}

impl Posts {
    /// Adds a post and numbers it.
    pub(crate) fn add(&self, mut post: VisiblePost) -> u64 {
        let mut inner = self.inner.lock().expect("posts lock");
        let index = inner.posts.len();
        post.number = index as u64 + 1;
        let number = post.number;
        inner.by_id.insert((post.platform, post.platform_post_id.clone()), index);
        inner.posts.push(post);
        drop(inner);
        self.changed.send_modify(|version| *version += 1);
        number
    }

    /// Changes a post; false if there is none with this id.
    pub(crate) fn change(&self, platform: &'static str, id: &str, change: impl FnOnce(&mut VisiblePost)) -> bool {
        let mut inner = self.inner.lock().expect("posts lock");
        let Some(index) = inner.by_id.get(&(platform, id.to_owned())).copied() else { return false };
        change(&mut inner.posts[index]);
        drop(inner);
        self.changed.send_modify(|version| *version += 1);
        true
    }

    pub(crate) fn list(&self, platform: Option<&str>, account: Option<&str>) -> Vec<VisiblePost> {
        let inner = self.inner.lock().expect("posts lock");
        inner
            .posts
            .iter()
            .filter(|post| platform.is_none_or(|platform| post.platform == platform))
            .filter(|post| account.is_none_or(|account| post.account_id == account))
            .cloned()
            .collect()
    }

    pub(crate) fn count(&self, platform: Option<&str>, account: Option<&str>) -> usize {
        let inner = self.inner.lock().expect("posts lock");
        if platform.is_none() && account.is_none() {
            return inner.posts.len();
        }
        inner
            .posts
            .iter()
            .filter(|post| platform.is_none_or(|platform| post.platform == platform))
            .filter(|post| account.is_none_or(|account| post.account_id == account))
            .count()
    }

    /// Waits for the next change, at most this long.
    pub(crate) async fn changed(&self, limit: Duration) {
        let mut changes = self.changed.subscribe();
        let _ = tokio::time::timeout(limit, changes.changed()).await;
    }

    pub(crate) fn clear(&self) {
        let mut inner = self.inner.lock().expect("posts lock");
        inner.posts.clear();
        inner.by_id.clear();
    }
}

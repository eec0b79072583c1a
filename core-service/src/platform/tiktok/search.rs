//! Looking for a video that another core may have posted before a backup was restored: reading only.
//!
//! The publish ids of our own ledger come first: their status is TikTok's word. The other core may have made uploads that
//! the backup does not hold, so then the creator's list is read for the time since the backup, by the same conditions as
//! after a lost PULL_FROM_URL. It shows public videos only, once moderation is through with them: usually within a minute,
//! sometimes after hours (docs/windows.md). So it proves absence only of public videos, [`LISTED_AFTER`] the restore.

use std::time::Duration;

use chrono::TimeDelta;

use super::{
    Tiktok,
    api::Reply,
    course::{self, COMPLETE, INBOX, VIDEO_INIT, VIDEO_INIT_PULL},
    options,
    publish::{LIST_SCOPE, duration, is_as_long, is_match},
    replies::Video,
    upload::status_handle,
};
use crate::{
    domain::{
        caption::normalise,
        failure::{Failure, Reason},
        ledger::{Evidence, Handle},
    },
    platform::{Call, Lookup, Window},
};

/// How long after the restore the list is believed to show what was posted before.
pub(super) const LISTED_AFTER: Duration = Duration::from_secs(30 * 60);

/// Pages of 20 videos that are read at most.
const PAGES: usize = 50;

/// How long before the backup a video may have been taken that the backup does not know of: clocks differ.
const MARGIN: TimeDelta = TimeDelta::minutes(10);

/// Publish ids of the ledger that are read, the newest first.
const PUBLISH_IDS: usize = 5;

impl Tiktok {
    /// One reading.
    pub(super) async fn search_account(&self, call: &Call<'_>, window: &Window) -> Lookup {
        match self.own_publish_ids(call).await {
            Ok(Some(lookup)) => return lookup,
            Ok(None) => {}
            Err(failure) => return Lookup::Failed(failure),
        }
        let content = &call.view.post.content;
        let hopeless =
            |why: &str| Lookup::CannotTell { hopeless: true, evidence: Evidence::new().with("problem", why) };
        if options::level(&content.privacy_level) != Some(options::PUBLIC) {
            return hopeless("TikTok lists only public videos");
        }
        if !call.view.account.token_scope.iter().any(|scope| scope == LIST_SCOPE) {
            return hopeless("the account did not grant video.list");
        }
        let (videos, is_whole) = match self.pages_since(call, window.since - MARGIN, PAGES).await {
            Ok(videos) => videos,
            Err(failure) => return Lookup::Failed(failure),
        };
        let evidence = Evidence::new().with("listed_since", videos.len());
        let free: Vec<&Video> =
            videos.iter().filter(|video| video.id().is_none_or(|id| !call.bound_platform_ids.contains(&id))).collect();
        let unsure = |why: &str| Lookup::CannotTell { hopeless: true, evidence: evidence.clone().with("problem", why) };
        if free.is_empty() {
            return match is_whole {
                true => Lookup::Absent { handle_dead: false, evidence },
                false => unsure("the list of videos is too long to be read back to the backup"),
            };
        }
        let Some(length) = duration(call).await else { return unsure("the video's duration is unknown") };
        let is_empty = normalise(&content.full_caption).is_empty();
        let can_be_it = |video: &Video| match is_empty {
            // Nothing but its length is known of such a video.
            true => is_as_long(video, length),
            false => is_match(video, &content.full_caption, length),
        };
        let matching: Vec<String> = free.into_iter().filter(|video| can_be_it(video)).filter_map(Video::id).collect();
        match matching.as_slice() {
            [] if is_whole => Lookup::Absent { handle_dead: false, evidence },
            [] => unsure("the list of videos is too long to be read back to the backup"),
            _ if is_empty => unsure("without a caption a listed video cannot be told from others"),
            _ if call.same_caption_in_flight => {
                unsure("another post with this caption may be out too, and a listed video could be either")
            }
            [id] => {
                let handle = Handle::default().with("status", COMPLETE).with("post_ids", vec![id.clone()]);
                Lookup::Found { handle, evidence: evidence.with("post_ids", vec![id.clone()]) }
            }
            several => {
                let evidence = evidence.with("problem", "several listed videos match");
                Lookup::CannotTell { hopeless: true, evidence: evidence.with("post_ids", several.to_vec()) }
            }
        }
    }

    /// What TikTok says of the newest publish ids in the ledger; `None` when none of them tells that the post is out.
    async fn own_publish_ids(&self, call: &Call<'_>) -> Result<Option<Lookup>, Failure> {
        let mut read: Vec<&str> = Vec::new();
        let inits = |step: &str| step == VIDEO_INIT || step == VIDEO_INIT_PULL;
        for entry in call.view.ledger.entries().iter().rev().filter(|entry| inits(&entry.step)) {
            let Some(publish_id) = entry.handle.text("publish_id").filter(|id| !read.contains(id)) else { continue };
            if read.len() >= PUBLISH_IDS {
                break;
            }
            read.push(publish_id);
            let (data, evidence) = match self.fetch_status(call, publish_id).await {
                Reply::Accepted { data, evidence } => (data, evidence),
                // TikTok has forgotten it: the list speaks instead.
                Reply::Refused { failure, .. } if failure.reason == Reason::OutcomeUnknown => continue,
                Reply::Refused { failure, .. } | Reply::NotSent { failure, .. } | Reply::Unclear { failure, .. } => {
                    return Err(failure);
                }
            };
            let evidence = super::upload::status_evidence(evidence, &data);
            match data.status.as_str() {
                COMPLETE | INBOX => {
                    let handle = status_handle(&data).with("publish_id", publish_id);
                    return Ok(Some(Lookup::Found { handle, evidence }));
                }
                course::FAILED => {}
                // Without its last byte an upload becomes no post, and whoever could send it is gone.
                "PROCESSING_UPLOAD" if !is_complete(&entry.handle, data.uploaded_bytes()) => {}
                _ => return Ok(Some(Lookup::Pending { check_after: None, evidence })),
            }
        }
        Ok(None)
    }
}

/// Whether TikTok has the whole video.
fn is_complete(handle: &Handle, uploaded: Option<u64>) -> bool {
    let size = handle.number("video_size").and_then(|size| u64::try_from(size).ok());
    size.zip(uploaded).is_some_and(|(size, uploaded)| uploaded >= size)
}

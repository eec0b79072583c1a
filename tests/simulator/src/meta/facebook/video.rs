//! Videos of Pages, from the start of their upload to the post.
//!
//! Guaranteed: a finish that was accepted leads to one post, whoever hears the answer, unless a phase fails; nothing
//! is visible before. What a video is at a moment is a function of its times, so thousands of waiting ones cost
//! nothing.

use std::cmp::Reverse;
use std::sync::atomic::Ordering;

use chrono::DateTime;
use serde_json::{Map, Value};

use crate::fetch::Received;
use crate::media::scan::Probe;
use crate::meta::error::GraphError;
use crate::meta::facebook::behaviour::{Behaviour, Phase, error_of};
use crate::meta::world::{Id, Kind, World};
use crate::posts::VisiblePost;
use crate::sim::Sim;

/// `video_state` of a finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Published,
    Scheduled,
    Draft,
}

/// The received file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) byte_count: u64,
    pub(crate) sha256: String,
    pub(crate) probe: Option<Probe>,
}

/// An accepted finish.
#[derive(Clone, Debug)]
pub(crate) struct Finish {
    /// In ms.
    pub(crate) at: i64,
    pub(crate) state: State,
    /// In ms, with [`State::Scheduled`].
    pub(crate) publish_at: Option<i64>,
    pub(crate) title: Option<String>,
}

/// A phase that failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) phase: Phase,
    pub(crate) error: GraphError,
    /// From when on it shows, in ms.
    pub(crate) at: i64,
}

/// One video.
pub(crate) struct Video {
    pub(crate) page: Id,
    /// Whether it was begun on `video_reels`, and not on `videos`.
    pub(crate) reel: bool,
    pub(crate) created_at: i64,
    /// `None` while a request is writing to it, or when the bytes are complete or come by URL.
    pub(crate) upload: Option<Received>,
    /// Bytes that have arrived.
    pub(crate) received: u64,
    pub(crate) file_size: Option<u64>,
    /// `upload`, or the URL.
    pub(crate) source: String,
    pub(crate) file: Option<File>,
    /// When the file was complete, in ms.
    pub(crate) uploaded_at: Option<i64>,
    pub(crate) description: String,
    pub(crate) finish: Option<Finish>,
    /// Finishes that took effect.
    pub(crate) finishes: u32,
    pub(crate) failure: Option<Failure>,
    /// Reads of its status so far that told an error which was none.
    pub(crate) passing_errors: u32,
    /// When it became visible, in ms.
    pub(crate) live_at: Option<i64>,
    pub(crate) post: Option<Id>,
    /// Reads of `post_id` that will still find nothing.
    pub(crate) post_id_missing_reads: u32,
    pub(crate) removed: bool,
    pub(crate) insights: Map<String, Value>,
    pub(crate) comments: u64,
    pub(crate) reactions: u64,
    pub(crate) shares: u64,
}

impl Video {
    pub(crate) fn new(page: Id, reel: bool, now: i64) -> Self {
        Video {
            page,
            reel,
            created_at: now,
            upload: Some(Received::default()),
            received: 0,
            file_size: None,
            source: "upload".to_owned(),
            file: None,
            uploaded_at: None,
            description: String::new(),
            finish: None,
            finishes: 0,
            failure: None,
            passing_errors: 0,
            live_at: None,
            post: None,
            post_id_missing_reads: 0,
            removed: false,
            insights: Map::new(),
            comments: 0,
            reactions: 0,
            shares: 0,
        }
    }

    /// The file is there.
    pub(crate) fn complete(&mut self, file: File, now: i64) {
        self.received = file.byte_count;
        self.file = Some(file);
        self.uploaded_at = Some(now);
        self.upload = None;
    }

    /// When processing ends, once both the file and the finish are there.
    pub(crate) fn processed_at(&self, behaviour: &Behaviour) -> Option<i64> {
        let finish = self.finish.as_ref()?;
        Some(finish.at.max(self.uploaded_at?) + behaviour.processing_ms)
    }

    /// Whether the upload can still be finished.
    pub(crate) fn is_expired(&self, behaviour: &Behaviour, now: i64) -> bool {
        self.finish.is_none() && now >= self.created_at + behaviour.upload_life_s * 1000
    }

    /// An error that one read of the status tells and the next one does not.
    pub(crate) fn passing_error(&mut self, behaviour: &Behaviour, now: i64) -> Option<Failure> {
        let shows = self.finish.as_ref().is_some_and(|finish| now >= finish.at + behaviour.finish_lag_ms);
        if !shows || self.passing_errors >= behaviour.passing_errors {
            return None;
        }
        self.passing_errors += 1;
        Some(Failure { phase: Phase::Processing, error: error_of(&behaviour.failure), at: now })
    }

    /// The failure that shows by now.
    pub(crate) fn failed(&self, now: i64) -> Option<&Failure> {
        self.failure.as_ref().filter(|failure| failure.at <= now)
    }
}

/// The address that people open.
pub(crate) fn address(id: Id) -> String {
    format!("https://www.facebook.com/reel/{id}")
}

impl World {
    /// Notes an accepted finish and plans what follows from it.
    pub(crate) fn accept_finish(&mut self, sim: &Sim, id: Id, finish: Finish) {
        let Some(page) = self.facebook_pages.videos.get(&id).map(|video| video.page) else { return };
        let behaviour = self.facebook_pages.behaviour_of(page);
        let Some(video) = self.facebook_pages.videos.get_mut(&id) else { return };
        let scheduled = finish.publish_at;
        video.finish = Some(finish);
        video.finishes += 1;
        let at = video.processed_at(&behaviour).unwrap_or(i64::MAX);
        if video.failure.is_none() {
            video.failure = failure_of(video, &behaviour, at);
        }
        if video.failure.is_some() || at == i64::MAX {
            return;
        }
        let live = match video.finish.as_ref().map(|finish| finish.state) {
            Some(State::Published) => at + behaviour.publishing_ms,
            Some(State::Scheduled) => scheduled.unwrap_or(at).max(at),
            Some(State::Draft) | None => return,
        };
        self.facebook_pages.due.push(Reverse((live, id)));
        sim.meta.next_due.fetch_min(live, Ordering::SeqCst);
    }

    /// The post of a video becomes visible.
    pub(crate) fn show_video(&mut self, sim: &Sim, id: Id, at: i64) {
        let post = self.new_id(Kind::Media);
        let Some(page) = self.facebook_pages.videos.get(&id).map(|video| video.page) else { return };
        let behaviour = self.facebook_pages.behaviour_of(page);
        let account_name = self.pages.get(&page).map(|page| page.name.clone()).unwrap_or_default();
        let Some(video) = self.facebook_pages.videos.get_mut(&id).filter(|video| !video.removed) else { return };
        video.live_at.get_or_insert(at);
        video.post.get_or_insert(post);
        video.post_id_missing_reads = behaviour.post_id_missing_reads;
        let file = video.file.as_ref();
        let asked_at = video.finish.as_ref().map_or(at, |finish| finish.at);
        sim.posts.add(VisiblePost {
            number: 0,
            platform: "facebook",
            account_id: page.to_string(),
            account_name,
            platform_post_id: id.to_string(),
            further_ids: vec![format!("{page}_{post}")],
            caption: video.description.clone(),
            privacy: "PUBLIC".to_owned(),
            made_at: DateTime::from_timestamp_millis(at).unwrap_or_default(),
            asked_at: DateTime::from_timestamp_millis(asked_at).unwrap_or_default(),
            source_id: id.to_string(),
            source: video.source.clone(),
            byte_count: file.map(|file| file.byte_count),
            sha256: file.map(|file| file.sha256.clone()),
            url: Some(address(id)),
            comments: Vec::new(),
            removed_at: None,
        });
        self.facebook_pages.posts.insert(post, id);
        self.facebook_pages.page(page).videos.push((at, id));
    }

    /// Takes a video down, or stops one that is not out yet.
    pub(crate) fn remove_video(&mut self, sim: &Sim, id: Id, now: i64) {
        if let Some(video) = self.facebook_pages.videos.get_mut(&id) {
            video.removed = true;
        }
        sim.posts.change("facebook", &id.to_string(), |post| post.removed_at = DateTime::from_timestamp_millis(now));
    }
}

/// What will go wrong after the finish, if anything.
fn failure_of(video: &Video, behaviour: &Behaviour, at: i64) -> Option<Failure> {
    if let Some(phase) = behaviour.fails_in {
        let at = if phase == Phase::Publishing { at + behaviour.publishing_ms } else { at };
        return Some(Failure { phase, error: error_of(&behaviour.failure), at });
    }
    let error = video.file.as_ref().filter(|_| video.reel && behaviour.media_checks).and_then(media_error)?;
    Some(Failure { phase: Phase::Processing, error, at })
}

/// Why a file is no Reel (sheet §2.6).
pub(crate) fn media_error(file: &File) -> Option<GraphError> {
    let Some(probe) = &file.probe else { return Some(GraphError::known(6000, None)) };
    let aspect = f64::from(probe.width) / f64::from(probe.height.max(1));
    let code = if !(9.0 / 16.0 - 0.01..=16.0 / 9.0 + 0.01).contains(&aspect) {
        1_363_040
    } else if probe.width.min(probe.height) < 540 || probe.width.max(probe.height) < 960 {
        1_363_127
    } else if !(3_000..=90_999).contains(&probe.duration_ms) {
        1_363_128
    } else if !(23.9..=60.1).contains(&probe.fps) {
        1_363_129
    } else {
        return None;
    };
    Some(GraphError::known(code, None))
}

#[cfg(test)]
mod tests {
    use super::{File, media_error};
    use crate::media::scan::Probe;

    fn code(width: u16, height: u16, duration_ms: u64, fps: f64) -> Option<i64> {
        let probe = Probe { duration_ms, width, height, codec: "avc1".into(), fps, moov_first: true, audio: true };
        media_error(&File { byte_count: 1, sha256: String::new(), probe: Some(probe) }).map(|error| error.code)
    }

    #[test]
    fn a_reel_has_a_shape_a_size_a_length_and_a_frame_rate() {
        assert_eq!(code(1080, 1920, 90_000, 30.0), None);
        assert_eq!(code(540, 960, 3_000, 24.0), None);
        assert_eq!(code(500, 1920, 9_000, 30.0), Some(1_363_040));
        assert_eq!(code(480, 852, 9_000, 30.0), Some(1_363_127));
        assert_eq!(code(1080, 1920, 2_900, 30.0), Some(1_363_128));
        assert_eq!(code(1080, 1920, 95_000, 30.0), Some(1_363_128));
        assert_eq!(code(1080, 1920, 9_000, 23.0), Some(1_363_129));
        let none = media_error(&File { byte_count: 1, sha256: String::new(), probe: None });
        assert_eq!(none.map(|error| error.code), Some(6000));
    }
}

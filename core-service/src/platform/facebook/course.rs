//! What comes next for a Reel on a Page: a pure function of its ledger, and the words that stand in that ledger.
//!
//! Start → bytes, or a URL that Facebook fetches → status → finish (point of no return) → status → first comment → link.
//!
//! Guaranteed:
//! - The video's id is known before the finish. While a finish is unresolved only that video is read; no other is started.
//! - A finish is proposed only for a video whose state was read after the last finish of it, and that was made of the video
//!   that the post has now.
//! - That an accepted finish failed is believed after two readings, [`SECOND_LOOK`] apart.
//! - Every loop has an end: [`MAX_FAILED_VIDEOS`], [`MAX_LOST_STARTS`], [`MAX_UPLOADS`], [`MAX_IN_VAIN`].

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    errors,
    options::{FacebookOptions, FacebookTransfer},
};
use crate::{
    domain::{
        binding::BoundBy,
        ledger::{Entry, Handle, SEARCH, StepClass, StepOutcome},
        post::Content,
    },
    platform::{
        Live, Next, NotBefore, Step, View, description::Options, first_comment::FirstComment, put::unreadable_source,
    },
};

/// Makes the video, without its bytes.
pub(super) const START: &str = "facebook.start";
/// Uploads the bytes.
pub(super) const UPLOAD: &str = "facebook.upload";
/// Asks Facebook to fetch the video.
pub(super) const FETCH: &str = "facebook.fetch";
/// Reads the video.
pub(super) const STATUS: &str = "facebook.status";
/// Publishes: the point of no return.
pub(super) const FINISH: &str = "facebook.finish";
/// The comment under the live post.
pub(super) const COMMENT: FirstComment = FirstComment { find: FIND_COMMENT, write: WRITE_COMMENT };
pub(super) const FIND_COMMENT: &str = "facebook.find_comment";
pub(super) const WRITE_COMMENT: &str = "facebook.comment";
/// Reads the link of the live post.
pub(super) const PERMALINK: &str = "facebook.permalink";

/// Names in handles. They stay in ledgers for ever.
pub(super) mod name {
    pub(in super::super) const VIDEO_ID: &str = "video_id";
    pub(in super::super) const UPLOAD_URL: &str = "upload_url";
    pub(in super::super) const STARTED_AT: &str = "started_at";
    pub(in super::super) const MADE_OF: &str = "made_of";
    pub(in super::super) const TRANSFER: &str = "transfer";
    pub(in super::super) const VIDEO: &str = "video";
    pub(in super::super) const OFFSET: &str = "offset";
    pub(in super::super) const UPLOAD: &str = "upload";
    pub(in super::super) const STATUS: &str = "status";
    pub(in super::super) const CODE: &str = "code";
    pub(in super::super) const FINISHED_AT: &str = "finished_at";
    pub(in super::super) const CAPTION: &str = "caption";
    pub(in super::super) const TITLE: &str = "title";
    pub(in super::super) const PLACE: &str = "place";
    pub(in super::super) const POST_ID: &str = "post_id";
    pub(in super::super) const PERMALINK: &str = "permalink";
    pub(in super::super) const LINK: &str = "link";
}

/// What a status reading says, as it stands in the ledger.
pub(super) mod status {
    /// The bytes are there.
    pub(in super::super) const UPLOADED: &str = "UPLOADED";
    /// So many bytes are there.
    pub(in super::super) const UPLOADING: &str = "UPLOADING";
    pub(in super::super) const PUBLISHED: &str = "PUBLISHED";
    pub(in super::super) const FAILED: &str = "FAILED";
    pub(in super::super) const EXPIRED: &str = "EXPIRED";
}

/// The upload cannot be gone on with.
pub(super) const LOST: &str = "lost";
/// The link was given up.
pub(super) const LINK_GIVEN_UP: &str = "given up";

/// A video that was started longer ago is not begun with any more; how long one lives without a finish is not documented.
const USABLE: TimeDelta = TimeDelta::hours(20);
/// Between the two readings that say that an accepted finish failed.
const SECOND_LOOK: TimeDelta = TimeDelta::minutes(2);
/// An accepted finish of which the status shows nothing for so long is an open question again.
pub(super) const NOT_TAKEN_AFTER: TimeDelta = TimeDelta::minutes(15);
/// A fetch of which the status shows nothing for so long is given up.
pub(super) const NOT_FETCHED_AFTER: TimeDelta = TimeDelta::minutes(30);
/// How long the link of a live post is looked for.
pub(super) const LINK_FOR: TimeDelta = TimeDelta::hours(24);

/// Videos that may fail in one attempt.
const MAX_FAILED_VIDEOS: usize = 3;
/// Answers to a start that may be lost in a row: each may have left an orphan that nobody sees.
const MAX_LOST_STARTS: usize = 8;
/// Uploads that may be tried into one video.
const MAX_UPLOADS: usize = 24;
/// Uploads in a row that may bring it no further.
const MAX_IN_VAIN: usize = 6;

/// Longest exchange for a small call.
pub(super) const CALL: Duration = Duration::from_secs(60);
/// Longest upload: 2 GB at about a megabit per second. A stalled one ends much sooner.
pub(super) const UPLOAD_TIMEOUT: Duration = Duration::from_secs(5 * 3600);
/// Longest finish.
pub(super) const FINISH_TIMEOUT: Duration = Duration::from_secs(120);

/// Fingerprint of what a video is made of. Text and title go with the finish.
pub(super) fn made_of(content: &Content) -> String {
    let transfer = FacebookOptions::of(&content.options).transfer;
    let made_of = json!([transfer, content.video_url, content.media_id]);
    hex::encode(&Sha256::digest(made_of.to_string())[..16])
}

/// What comes next.
pub(super) fn next(view: &View<'_>) -> Next {
    let course = Course { view };
    if let Some(mut live) = course.live() {
        live.link = course.permalink(&live).map(Box::new);
        let text = FacebookOptions::of(&view.post.content.options).first_comment;
        let comment = COMMENT.next(view, text.as_deref(), live.platform_post_id.as_deref());
        let then = COMMENT.then(view, comment, course.permalink(&live));
        return Next::Live { live, then };
    }
    let newest = course.of_step(FINISH).rev().find(|entry| entry.may_be_visible());
    match newest {
        Some(finish) => course.after_finish(finish),
        None => course.toward_finish(),
    }
}

/// Whether the platform took it, or it was found there.
pub(super) fn is_accepted(entry: &Entry) -> bool {
    matches!(entry.outcome, Some(StepOutcome::Accepted | StepOutcome::Found))
}

fn known_at(entry: &Entry) -> DateTime<Utc> {
    entry.answered_at.unwrap_or(entry.sent_at)
}

struct Course<'a> {
    view: &'a View<'a>,
}

/// How a video ended, if it did.
enum Fate {
    /// It can be gone on with.
    Usable,
    /// It cannot, through nobody's fault: too old, or the post has another video now.
    Outdated,
    /// It failed.
    Failed {
        at: DateTime<Utc>,
        code: Option<i64>,
        /// It failed at Facebook, so the next one waits a while.
        wait: bool,
    },
}

impl<'a> Course<'a> {
    fn entries(&self) -> impl DoubleEndedIterator<Item = &'a Entry> + use<'a> {
        self.view.ledger.of_attempt(self.view.post.attempt)
    }

    fn of_step(&self, step: &'static str) -> impl DoubleEndedIterator<Item = &'a Entry> + use<'a> {
        self.entries().filter(move |entry| entry.step == step)
    }

    fn about(&self, step: &'static str, video_id: &'a str) -> impl DoubleEndedIterator<Item = &'a Entry> + use<'a> {
        self.of_step(step).filter(move |entry| entry.handle.text(name::VIDEO_ID) == Some(video_id))
    }

    fn read(&self, kind: &'static str, handle: Handle, not_before: NotBefore) -> Step {
        Step { kind, class: StepClass::Read, not_before, timeout: CALL, handle }
    }

    /// What is known of the live post; `None` while it is not known to be live.
    fn live(&self) -> Option<Live> {
        let says_so = |entry: &&Entry| {
            is_accepted(entry) && (entry.step == SEARCH || entry.handle.text(name::STATUS) == Some(status::PUBLISHED))
        };
        let entry = self.entries().find(says_so)?;
        let video_id = entry.handle.text(name::VIDEO_ID).map(str::to_owned);
        let mut live = Live { platform_post_id: video_id.clone(), ..Live::default() };
        live.all_platform_post_ids.extend(video_id);
        for entry in self.of_step(PERMALINK).filter(|entry| is_accepted(entry)) {
            let post_id = entry.handle.text(name::POST_ID).map(str::to_owned);
            live.all_platform_post_ids.extend(post_id);
            live.platform_post_url = entry.handle.text(name::PERMALINK).map(str::to_owned);
        }
        // A listed Reel that no video of ours stands for was found by its text.
        let is_own = self.of_step(START).any(|start| {
            start.handle.text(name::VIDEO_ID).is_some()
                && start.handle.text(name::VIDEO_ID) == live.platform_post_id.as_deref()
        });
        if !is_own {
            live.bound_by = BoundBy::Match;
        }
        Some(live)
    }

    fn permalink(&self, live: &Live) -> Option<Step> {
        let is_over = self.of_step(PERMALINK).any(is_accepted);
        let video_id = live.platform_post_id.as_deref()?;
        let handle = Handle::default().with(name::VIDEO_ID, video_id);
        (!is_over).then(|| self.read(PERMALINK, handle, NotBefore::Prepare))
    }

    /// A finish may have been taken.
    fn after_finish(&self, finish: &'a Entry) -> Next {
        let Some(video_id) = finish.handle.text(name::VIDEO_ID) else {
            return Next::Rejected(errors::internal("a finish does not name its video"));
        };
        let readings: Vec<&Entry> =
            self.about(STATUS, video_id).filter(|entry| is_accepted(entry) && entry.number > finish.number).collect();
        let ended = |entry: &&&Entry| matches!(entry.handle.text(name::STATUS), Some(status::FAILED | status::EXPIRED));
        let bad: Vec<&&Entry> = readings.iter().rev().take_while(|entry| ended(entry)).collect();
        let handle = Handle::default().with(name::VIDEO_ID, video_id).with_instant(name::FINISHED_AT, known_at(finish));
        match (bad.first(), bad.last()) {
            (Some(last), Some(first)) if known_at(last) - known_at(first) >= SECOND_LOOK => {
                Next::Rejected(errors::of_status(last.handle.number(name::CODE), self.view.now))
            }
            (Some(_), Some(first)) => {
                Next::Step(self.read(STATUS, handle, NotBefore::At(known_at(first) + SECOND_LOOK)))
            }
            _ => Next::Step(self.read(STATUS, handle, NotBefore::Prepare)),
        }
    }

    /// Nothing that could become visible was sent, or all of it is proven absent.
    fn toward_finish(&self) -> Next {
        let made_of = made_of(&self.view.post.content);
        let newest = self.of_step(START).next_back().filter(|entry| is_accepted(entry));
        let Some((start, video_id)) = newest.and_then(|entry| Some((entry, entry.handle.text(name::VIDEO_ID)?))) else {
            return self.start(made_of);
        };
        if !matches!(self.fate(start, video_id, &made_of), Fate::Usable) {
            // A video that a finish was sent for ends the attempt: new handles belong to a new one.
            if self.about(FINISH, video_id).any(|entry| entry.outcome != Some(StepOutcome::NoEffect)) {
                return Next::Rejected(errors::unavailable("the video ended without having been published"));
            }
            return self.start(made_of);
        }
        let last_finish = self.about(FINISH, video_id).next_back().map_or(0, |entry| entry.number);
        let reading = self.about(STATUS, video_id).rev().find(|entry| is_accepted(entry) && entry.number > last_finish);
        let is_uploaded = reading.is_some_and(|reading| reading.handle.text(name::STATUS) == Some(status::UPLOADED));
        if is_uploaded {
            return Next::Step(self.finish(video_id));
        }
        if last_finish > 0 {
            let handle = self.of_video(start, video_id);
            return Next::Step(self.read(STATUS, handle, NotBefore::Prepare));
        }
        Next::Step(match FacebookOptions::of(&self.view.post.content.options).transfer {
            FacebookTransfer::Upload => self.upload(start, video_id),
            FacebookTransfer::FileUrl => self.fetch(start, video_id),
        })
    }

    fn of_video(&self, start: &Entry, video_id: &str) -> Handle {
        let started_at = start.handle.instant(name::STARTED_AT).unwrap_or(start.sent_at);
        Handle::default().with(name::VIDEO_ID, video_id).with_instant(name::STARTED_AT, started_at)
    }

    fn finish(&self, video_id: &str) -> Step {
        let content = &self.view.post.content;
        let mut handle =
            Handle::default().with(name::VIDEO_ID, video_id).with(name::CAPTION, content.full_caption.as_str());
        if let Some(title) = FacebookOptions::of(&content.options).title {
            handle = handle.with(name::TITLE, title);
        }
        if let Some(place) = content.location.as_deref().filter(|place| !place.is_empty()) {
            handle = handle.with(name::PLACE, place);
        }
        Step {
            kind: FINISH,
            class: StepClass::PointOfNoReturn,
            not_before: NotBefore::Due,
            timeout: FINISH_TIMEOUT,
            handle,
        }
    }

    fn upload(&self, start: &'a Entry, video_id: &'a str) -> Step {
        let last = self.about(UPLOAD, video_id).next_back();
        // After an upload only the video itself can say how far it is.
        let offset = match last {
            Some(last) => {
                let reading =
                    self.about(STATUS, video_id).rev().find(|entry| is_accepted(entry) && entry.number > last.number);
                match reading {
                    Some(reading) => reading.handle.number(name::OFFSET).unwrap_or(0),
                    None => return self.read(STATUS, self.of_video(start, video_id), NotBefore::Prepare),
                }
            }
            None => 0,
        };
        let mut handle = self.of_video(start, video_id).with(name::OFFSET, offset);
        for kept in [name::UPLOAD_URL, name::VIDEO] {
            if let Some(value) = start.handle.0.get(kept) {
                handle = handle.with(kept, value.clone());
            }
        }
        Step {
            kind: UPLOAD,
            class: StepClass::Resumable,
            not_before: NotBefore::Prepare,
            timeout: UPLOAD_TIMEOUT,
            handle,
        }
    }

    fn fetch(&self, start: &'a Entry, video_id: &'a str) -> Step {
        let handle = self.of_video(start, video_id);
        let asked =
            self.about(FETCH, video_id).next_back().filter(|entry| entry.outcome != Some(StepOutcome::NoEffect));
        match asked {
            Some(_) => self.read(STATUS, handle, NotBefore::Prepare),
            None => Step {
                kind: FETCH,
                class: StepClass::Repeatable,
                not_before: NotBefore::Prepare,
                timeout: CALL,
                handle: match start.handle.text(name::UPLOAD_URL) {
                    Some(url) => handle.with(name::UPLOAD_URL, url),
                    None => handle,
                },
            },
        }
    }

    fn fate(&self, start: &'a Entry, video_id: &'a str, made_of: &str) -> Fate {
        if start.handle.text(name::MADE_OF) != Some(made_of) {
            return Fate::Outdated;
        }
        let started = start.handle.instant(name::STARTED_AT).unwrap_or(start.sent_at);
        if let Some(last) = self.about(STATUS, video_id).rev().find(|entry| is_accepted(entry)) {
            match last.handle.text(name::STATUS) {
                Some(status::EXPIRED) => return Fate::Outdated,
                Some(status::FAILED) => {
                    return Fate::Failed { at: known_at(last), code: last.handle.number(name::CODE), wait: true };
                }
                _ => {}
            }
        }
        let lost = |entry: &&Entry| is_accepted(entry) && entry.handle.text(name::UPLOAD) == Some(LOST);
        let uploads =
            self.about(UPLOAD, video_id).chain(self.about(FETCH, video_id)).chain(self.about(STATUS, video_id));
        if let Some(lost) = uploads.into_iter().find(lost) {
            return Fate::Failed { at: known_at(lost), code: None, wait: false };
        }
        let at = |entry: &Entry| entry.handle.number(name::OFFSET);
        if let Some(last) = self.about(UPLOAD, video_id).next_back().filter(|last| !is_accepted(last))
            && (self.about(UPLOAD, video_id).count() >= MAX_UPLOADS
                || self.about(UPLOAD, video_id).rev().take_while(|entry| at(entry) == at(last)).count() >= MAX_IN_VAIN)
        {
            return Fate::Failed { at: known_at(last), code: None, wait: true };
        }
        if self.view.now - started < USABLE { Fate::Usable } else { Fate::Outdated }
    }

    fn start(&self, made_of: String) -> Next {
        let failed: Vec<(DateTime<Utc>, Option<i64>, bool)> = self
            .of_step(START)
            .filter(|entry| is_accepted(entry))
            .filter_map(|entry| match self.fate(entry, entry.handle.text(name::VIDEO_ID)?, &made_of) {
                Fate::Failed { at, code, wait } => Some((at, code, wait)),
                Fate::Usable | Fate::Outdated => None,
            })
            .collect();
        if let Some((_, code, _)) = failed.last()
            && (failed.len() >= MAX_FAILED_VIDEOS || errors::is_about_the_video(*code))
        {
            let source = self.of_step(UPLOAD).next_back().filter(|_| code.is_none()).and_then(unreadable_source);
            return Next::Rejected(source.unwrap_or_else(|| errors::of_status(*code, self.view.now)));
        }
        let lost = self.of_step(START).rev().take_while(|entry| entry.outcome == Some(StepOutcome::Unknown)).count();
        if lost >= MAX_LOST_STARTS {
            return Next::Rejected(errors::unavailable("facebook does not answer when a video is started"));
        }
        let newest = self.of_step(START).next_back();
        let not_before = match (newest, failed.last()) {
            (Some(newest), _) if lost > 1 => NotBefore::At(known_at(newest) + pause(lost - 1)),
            (Some(newest), Some((at, _, true))) if is_accepted(newest) => NotBefore::At(*at + pause(failed.len())),
            _ => NotBefore::Prepare,
        };
        let transfer = match FacebookOptions::of(&self.view.post.content.options).transfer {
            FacebookTransfer::Upload => "upload",
            FacebookTransfer::FileUrl => "file_url",
        };
        Next::Step(Step {
            kind: START,
            class: StepClass::Repeatable,
            not_before,
            timeout: CALL,
            handle: Handle::default().with(name::MADE_OF, made_of).with(name::TRANSFER, transfer),
        })
    }
}

/// The pause before the next video: 30 s, 60 s, ... up to 8 minutes.
fn pause(times: usize) -> TimeDelta {
    TimeDelta::seconds(30 << times.saturating_sub(1).min(4))
}

//! What comes next for a video: a pure function of its ledger, and the words that stand in that ledger.
//!
//! Two steps (the default): session → bytes, as a private video → status → publish (point of no return, harmless to
//! repeat). One step: session → all bytes but the last chunk → the last chunk (point of no return).
//!
//! Guaranteed:
//! - While a point of no return is unresolved only reading is proposed.
//! - The publish carries every field of the video's status as it was read shortly before: an update replaces them all.
//! - A session is gone on with only while the post still is what the session was opened for.
//! - A session that was opened as public never gets its last byte but by the point of no return.
//! - "Kept private" is believed after two readings of the video, [`SECOND_LOOK`] apart.
//! - Where a session that may have its last byte is gone, the channel's uploads are looked through before another is opened.
//! - Every loop has an end: [`MAX_SESSIONS`], [`MAX_UPLOADS`], [`MAX_IN_VAIN`].

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    errors,
    options::{self, YoutubeOptions, YoutubePublish},
};
use crate::{
    domain::{
        binding::BoundBy,
        ledger::{Entry, Handle, Ledger, SEARCH, StepClass, StepOutcome},
        platform::Platform,
        post::Post,
        violation::Warning,
    },
    platform::{
        Live, Next, NotBefore, Step, View,
        description::Options,
        first_comment::{self, FirstComment},
        put::unreadable_source,
    },
};

/// Opens an upload session.
pub(super) const SESSION: &str = "youtube.session";
/// Sends bytes that nobody can see: all of a private video, or all but the last chunk.
pub(super) const UPLOAD: &str = "youtube.upload";
/// Asks the session how much of the video it has.
pub(super) const QUERY: &str = "youtube.query";
/// Looks for the video of a session that is gone.
pub(super) const FIND: &str = "youtube.find";
/// Reads the video.
pub(super) const STATUS: &str = "youtube.status";
/// Makes the private video visible: a point of no return.
pub(super) const PUBLISH: &str = "youtube.publish";
/// Sends the last chunk of a video that is visible with it: a point of no return.
pub(super) const UPLOAD_LAST: &str = "youtube.upload_last";

/// The comment under the live video.
pub(super) const COMMENT: FirstComment = FirstComment { find: FIND_COMMENT, write: WRITE_COMMENT };
pub(super) const FIND_COMMENT: &str = "youtube.find_comment";
pub(super) const WRITE_COMMENT: &str = "youtube.comment";

/// Sets the video's own picture. Of a Short that works once it is processed.
pub(super) const THUMBNAIL: &str = "youtube.thumbnail";

/// Names in handles. They stay in ledgers for ever.
pub(super) mod name {
    pub(in super::super) const URI: &str = "uri";
    pub(in super::super) const OPENED_AT: &str = "opened_at";
    pub(in super::super) const MADE_OF: &str = "made_of";
    pub(in super::super) const MARKER: &str = "marker";
    pub(in super::super) const VIDEO: &str = "video";
    pub(in super::super) const OFFSET: &str = "offset";
    pub(in super::super) const SESSION_STATE: &str = "session";
    pub(in super::super) const VIDEO_ID: &str = "video_id";
    pub(in super::super) const STATUS: &str = "status";
    pub(in super::super) const WHY: &str = "why";
    pub(in super::super) const FIELDS: &str = "fields";
    pub(in super::super) const PRIVACY: &str = "privacy";
    pub(in super::super) const PUBLISH: &str = "publish";
    pub(in super::super) const MATCH: &str = "match";
}

/// A session whose video is visible with its last byte.
pub(super) const ONE_STEP: &str = "one step";

/// What a reading of the video says.
pub(super) mod status {
    /// It is there, and not visible as requested.
    pub(in super::super) const UPLOADED: &str = "UPLOADED";
    /// It is as it was requested.
    pub(in super::super) const PUBLISHED: &str = "PUBLISHED";
    /// YouTube failed or rejected it.
    pub(in super::super) const FAILED: &str = "FAILED";
}

/// A video that was found by its text alone.
pub(super) const BY_TEXT: &str = "text";

/// The session is gone.
pub(super) const GONE: &str = "gone";
/// The video of a session that is gone was not found for [`FIND_FOR`].
pub(super) const NOT_FOUND: &str = "not found";

/// A session that is older is not gone on with; how long they live is not documented, other uploads of Google: a week.
const USABLE: TimeDelta = TimeDelta::days(4);
/// How long before its time a post's video is read for the publish.
const STATUS_LEAD: TimeDelta = TimeDelta::minutes(2);
/// How old that reading may be when the publish leaves.
const STATUS_FRESH: TimeDelta = TimeDelta::minutes(5);
/// How long the video of a session that is gone is looked for: lists lag.
pub(super) const FIND_FOR: TimeDelta = TimeDelta::minutes(15);

/// Sessions that one attempt may open: each costs one of the app's hundred a day.
const MAX_SESSIONS: usize = 5;
/// Uploads that may be tried into one session.
const MAX_UPLOADS: usize = 24;
/// Uploads in a row that may bring the session no further.
const MAX_IN_VAIN: usize = 6;

/// An accepted point of no return after which the video is not as requested is looked at again before it is called kept.
const SECOND_LOOK: TimeDelta = TimeDelta::minutes(2);

/// Longest exchange for a small call.
pub(super) const CALL: Duration = Duration::from_secs(60);
/// Longest upload.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(12 * 3600);
/// Longest exchange of the last chunk, which is small.
const LAST_TIMEOUT: Duration = Duration::from_secs(180);

/// Chunks of a one-step upload: all of one size but the last, a multiple of 256 KiB.
pub(super) const CHUNK: u64 = 32 * 262_144;

/// What a session is opened for.
pub(super) fn made_of(post: &Post) -> String {
    let content = &post.content;
    let made_of = json!([
        content.video_url,
        content.media_id,
        content.full_caption,
        content.privacy_level,
        first_comment::without_it(content.options.of(Platform::Youtube)),
    ]);
    hex::encode(&Sha256::digest(made_of.to_string())[..16])
}

/// The name of the file by which the owner, and nobody else, can tell our video: it holds what a restored backup still
/// knows of the post. A new attempt's name goes on from it.
pub(super) fn marker(post: &Post) -> String {
    format!("aura-{}-{}", post.id, post.created_at.timestamp_micros())
}

/// When the post of a [`marker`] was made; `None` for another name.
pub(super) fn marked_at(file_name: &str) -> Option<DateTime<Utc>> {
    let (_post, rest) = file_name.strip_prefix("aura-")?.split_once('-')?;
    let micros = rest.split_once('-').map_or(rest, |(micros, _attempt)| micros);
    DateTime::from_timestamp_micros(micros.parse().ok()?)
}

/// What comes next.
pub(super) fn next(view: &View<'_>) -> Next {
    let course = Course { view };
    if let Some(live) = course.live() {
        let text = YoutubeOptions::of(&view.post.content.options).first_comment;
        let comment = COMMENT.next(view, text.as_deref(), live.platform_post_id.as_deref());
        let thumbnail = course.thumbnail(live.platform_post_id.as_deref());
        let then = COMMENT.then(view, comment, thumbnail);
        return Next::Live { live, then };
    }
    if let Some(entry) = view.ledger.newest_sending(view.post.attempt).filter(|entry| is_accepted(entry)) {
        return course.after_sending(entry);
    }
    course.toward_publishing()
}

/// Whether the platform took it, or it was found there.
pub(super) fn is_accepted(entry: &Entry) -> bool {
    matches!(entry.outcome, Some(StepOutcome::Accepted | StepOutcome::Found))
}

/// Whether a session's video is visible with its last byte: it was opened so, whatever the post says now.
pub(super) fn is_one_step(session: &Handle) -> bool {
    session.text(name::PUBLISH) == Some(ONE_STEP)
}

/// What a post that never became visible leaves on the channel: its private videos, of every attempt and of every text that
/// it had. Where an upload's fate is not known, that it may have.
pub(super) fn remains(ledger: &Ledger) -> Option<Warning> {
    let mut videos = BTreeSet::new();
    let mut is_open = false;
    let sessions = ledger.entries().iter().filter(|entry| entry.step == SESSION && is_accepted(entry));
    for session in sessions {
        let Some(uri) = session.handle.text(name::URI) else { continue };
        let of_session = || ledger.entries().iter().filter(|entry| entry.handle.text(name::URI) == Some(uri));
        let video = of_session().filter(|entry| is_accepted(entry)).find_map(|entry| entry.handle.text(name::VIDEO_ID));
        match video {
            Some(video) => {
                videos.insert(video);
            }
            None => {
                let may_be_complete =
                    |entry: &Entry| entry.step == UPLOAD && entry.outcome != Some(StepOutcome::NoEffect);
                is_open |= !is_one_step(&session.handle) && of_session().any(may_be_complete);
            }
        }
    }
    let links: Vec<String> = videos.iter().map(|id| format!("https://studio.youtube.com/video/{id}/edit")).collect();
    let message = match (links.is_empty(), is_open) {
        (true, false) => return None,
        (true, true) => {
            "an upload that was under way may have left a private video on the channel: look in YouTube Studio"
                .to_owned()
        }
        (false, false) => {
            format!("a private video stays on the channel, where only its owner sees it: {}", links.join(", "))
        }
        (false, true) => format!(
            "a private video stays on the channel, where only its owner sees it: {}; another upload that was under way may have left one too",
            links.join(", ")
        ),
    };
    let (code, field) = ("PRIVATE_VIDEO_REMAINS".to_owned(), "platform_post_id".to_owned());
    Some(Warning { code, field, message })
}

fn known_at(entry: &Entry) -> DateTime<Utc> {
    entry.answered_at.unwrap_or(entry.sent_at)
}

struct Course<'a> {
    view: &'a View<'a>,
}

impl<'a> Course<'a> {
    fn entries(&self) -> impl DoubleEndedIterator<Item = &'a Entry> + use<'a> {
        self.view.ledger.of_attempt(self.view.post.attempt)
    }

    fn of_step(&self, step: &'static str) -> impl DoubleEndedIterator<Item = &'a Entry> + use<'a> {
        self.entries().filter(move |entry| entry.step == step)
    }

    fn about(&self, step: &'static str, uri: &'a str) -> impl DoubleEndedIterator<Item = &'a Entry> + use<'a> {
        self.of_step(step).filter(move |entry| entry.handle.text(name::URI) == Some(uri))
    }

    fn options(&self) -> YoutubeOptions {
        YoutubeOptions::of(&self.view.post.content.options)
    }

    fn requested(&self) -> &'static str {
        options::privacy(&self.view.post.content.privacy_level).unwrap_or(options::PUBLIC)
    }

    fn read(&self, kind: &'static str, handle: Handle, not_before: NotBefore) -> Step {
        Step { kind, class: StepClass::Read, not_before, timeout: CALL, handle }
    }

    fn live(&self) -> Option<Live> {
        let requested = self.requested();
        let says_so = |entry: &&Entry| {
            is_accepted(entry)
                && match entry.step.as_str() {
                    SEARCH => true,
                    PUBLISH | UPLOAD_LAST => entry.handle.text(name::PRIVACY) == Some(requested),
                    STATUS => entry.handle.text(name::STATUS) == Some(status::PUBLISHED),
                    _ => false,
                }
        };
        let entry = self.entries().find(says_so)?;
        let video_id = entry.handle.text(name::VIDEO_ID)?;
        Some(Live {
            platform_post_id: Some(video_id.to_owned()),
            platform_post_url: Some(format!("https://www.youtube.com/watch?v={video_id}")),
            all_platform_post_ids: vec![video_id.to_owned()],
            // The marker is ours alone: it tells as much as the answer. A text is not.
            bound_by: match entry.handle.text(name::MATCH) {
                Some(BY_TEXT) => BoundBy::Match,
                _ => BoundBy::Answer,
            },
            link: None,
        })
    }

    fn thumbnail(&self, video_id: Option<&str>) -> Option<Step> {
        let is_named = self.view.post.content.thumbnail_url.as_deref().is_some_and(|cover| !cover.is_empty());
        let is_set = self.of_step(THUMBNAIL).any(is_accepted);
        (is_named && !is_set).then_some(Step {
            kind: THUMBNAIL,
            class: StepClass::Repeatable,
            not_before: NotBefore::Prepare,
            timeout: CALL,
            handle: Handle::default().with(name::VIDEO_ID, video_id?),
        })
    }

    /// It took it, and its answer does not say that the video is to be seen as requested: only the video itself can tell.
    fn after_sending(&self, sending: &'a Entry) -> Next {
        let (Some(uri), Some(video_id)) = (sending.handle.text(name::URI), sending.handle.text(name::VIDEO_ID)) else {
            return Next::Rejected(errors::internal("a point of no return of youtube's does not name its video"));
        };
        let readings: Vec<&Entry> =
            self.about(STATUS, uri).filter(|entry| is_accepted(entry) && entry.number > sending.number).collect();
        let handle = self.of_session(sending, uri).with(name::VIDEO_ID, video_id);
        let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
            return Next::Step(self.read(STATUS, handle, NotBefore::Prepare));
        };
        if known_at(last) - known_at(first) < SECOND_LOOK {
            return Next::Step(self.read(STATUS, handle, NotBefore::At(known_at(first) + SECOND_LOOK)));
        }
        Next::Rejected(match last.handle.text(name::STATUS) {
            Some(status::FAILED) => errors::of_video(last.handle.text(name::WHY).unwrap_or_default()),
            _ => errors::kept_private(last.handle.0.compound(name::FIELDS).and_then(|f| f["privacyStatus"].as_str())),
        })
    }

    /// Nothing that could become visible was sent, or all of it is proven absent.
    fn toward_publishing(&self) -> Next {
        let made_of = made_of(self.view.post);
        let newest = self.of_step(SESSION).next_back().filter(|entry| is_accepted(entry));
        let Some((session, uri)) = newest.and_then(|entry| Some((entry, entry.handle.text(name::URI)?))) else {
            return self.open(made_of);
        };
        // What was uploaded for a post that was edited stays behind: it is private, or it lacks its last byte.
        if session.handle.text(name::MADE_OF) != Some(&made_of) {
            return self.open(made_of);
        }
        let told = |entry: &&Entry| is_accepted(entry) && entry.handle.text(name::VIDEO_ID).is_some();
        let of_session = self.entries().filter(move |entry| entry.handle.text(name::URI) == Some(uri));
        let video_id = of_session.rev().find(told).and_then(|entry| entry.handle.text(name::VIDEO_ID));
        if let Some(video_id) = video_id {
            return self.publish(session, uri, video_id);
        }
        let of_session =
            || self.entries().filter(move |entry| entry.handle.text(name::URI) == Some(uri) && is_accepted(entry));
        if let Some(gone) = of_session().find(|entry| entry.handle.text(name::SESSION_STATE) == Some(GONE)) {
            if self.about(UPLOAD_LAST, uri).any(|entry| entry.outcome != Some(StepOutcome::NoEffect)) {
                return Next::Rejected(errors::unavailable("the upload session ended before the video was complete"));
            }
            let is_given_up = of_session().any(|entry| entry.handle.text(name::SESSION_STATE) == Some(NOT_FOUND));
            if !self.may_be_complete(session, uri) || is_given_up {
                return self.open(made_of);
            }
            let handle = self.of_session(session, uri).with_instant(name::OPENED_AT, known_at(gone));
            return Next::Step(self.read(FIND, handle, NotBefore::Prepare));
        }
        let opened = session.handle.instant(name::OPENED_AT).unwrap_or(session.sent_at);
        let is_old = self.view.now - opened > USABLE;
        if is_old && !self.may_be_complete(session, uri) {
            return self.open(made_of);
        }
        self.upload(session, uri)
    }

    /// Whether the session may have the video's last byte: of a one-step upload only its last chunk can tell.
    fn may_be_complete(&self, session: &Entry, uri: &'a str) -> bool {
        !is_one_step(&session.handle)
            && self.about(UPLOAD, uri).any(|entry| entry.outcome != Some(StepOutcome::NoEffect))
    }

    fn of_session(&self, session: &Entry, uri: &str) -> Handle {
        let mut handle = Handle::default().with(name::URI, uri);
        for kept in [name::VIDEO, name::MARKER, name::OPENED_AT, name::PUBLISH] {
            if let Some(value) = session.handle.0.get(kept) {
                handle = handle.with(kept, value.clone());
            }
        }
        handle
    }

    fn upload(&self, session: &'a Entry, uri: &'a str) -> Next {
        let handle = self.of_session(session, uri);
        let last = self.about(UPLOAD, uri).chain(self.about(UPLOAD_LAST, uri)).max_by_key(|entry| entry.number);
        if let Some(last) = last.filter(|last| !is_accepted(last) && last.step == UPLOAD) {
            let at = |entry: &Entry| entry.handle.number(name::OFFSET);
            let in_vain = self.about(UPLOAD, uri).rev().take_while(|entry| at(entry) == at(last)).count();
            if in_vain >= MAX_IN_VAIN || self.about(UPLOAD, uri).count() >= MAX_UPLOADS {
                let broken = || errors::unavailable("the upload broke off each time");
                return Next::Rejected(unreadable_source(last).unwrap_or_else(broken));
            }
        }
        let offset = match last {
            Some(last) if is_accepted(last) && last.step == UPLOAD => last.handle.number(name::OFFSET),
            // Whatever became of it, only the session can tell how much of it is there.
            Some(last) => {
                let reading =
                    self.about(QUERY, uri).rev().find(|entry| is_accepted(entry) && entry.number > last.number);
                match reading {
                    Some(reading) => reading.handle.number(name::OFFSET),
                    None => return Next::Step(self.read(QUERY, handle, NotBefore::Prepare)),
                }
            }
            None => None,
        };
        let offset = offset.unwrap_or(0);
        let handle = handle.with(name::OFFSET, offset);
        let size = crate::domain::media::VideoVersion::from_value(session.handle.0.compound(name::VIDEO));
        let left = size.map(|version| version.size_bytes.saturating_sub(offset.unsigned_abs()));
        if is_one_step(&session.handle) && left.is_some_and(|left| left <= CHUNK) {
            return Next::Step(Step {
                kind: UPLOAD_LAST,
                class: StepClass::PointOfNoReturn,
                not_before: NotBefore::Due,
                timeout: LAST_TIMEOUT,
                handle,
            });
        }
        Next::Step(Step {
            kind: UPLOAD,
            class: StepClass::Resumable,
            not_before: NotBefore::Prepare,
            timeout: UPLOAD_TIMEOUT,
            handle,
        })
    }

    /// The private video is there.
    fn publish(&self, session: &'a Entry, uri: &'a str, video_id: &'a str) -> Next {
        let last_publish = self.of_step(PUBLISH).next_back().map_or(0, |entry| entry.number);
        let readings = || self.about(STATUS, uri).rev().filter(|entry| is_accepted(entry));
        if let Some(failed) = readings().next().filter(|entry| entry.handle.text(name::STATUS) == Some(status::FAILED))
        {
            return Next::Rejected(errors::of_video(failed.handle.text(name::WHY).unwrap_or_default()));
        }
        let is_fresh = |entry: &&Entry| entry.number > last_publish && self.view.now - known_at(entry) <= STATUS_FRESH;
        let handle = self.of_session(session, uri).with(name::VIDEO_ID, video_id);
        let Some(reading) = readings().find(is_fresh) else {
            let at = match self.requested() {
                // Nothing is to be made visible: it only counts at its time.
                options::PRIVATE => NotBefore::Due,
                _ => NotBefore::At(self.view.post.due() - STATUS_LEAD),
            };
            return Next::Step(self.read(STATUS, handle, at));
        };
        let handle = handle.with(name::PRIVACY, self.requested());
        Next::Step(Step {
            kind: PUBLISH,
            class: StepClass::PointOfNoReturn,
            not_before: NotBefore::Due,
            timeout: CALL,
            handle: match reading.handle.0.get(name::FIELDS) {
                Some(fields) => handle.with(name::FIELDS, fields.clone()),
                None => handle,
            },
        })
    }

    fn open(&self, made_of: String) -> Next {
        let opened = self.of_step(SESSION).filter(|entry| entry.outcome != Some(StepOutcome::NoEffect)).count();
        let of_this = self.of_step(SESSION).filter(|entry| entry.handle.text(name::MADE_OF) == Some(&made_of)).count();
        if of_this >= MAX_SESSIONS {
            return Next::Rejected(errors::unavailable("several upload sessions brought no video"));
        }
        let lost = self.of_step(SESSION).next_back().filter(|entry| entry.outcome == Some(StepOutcome::Unknown));
        let not_before = match lost {
            Some(lost) => NotBefore::At(known_at(lost) + TimeDelta::seconds(30)),
            None => NotBefore::Prepare,
        };
        let marker = format!("{}-{}-{}.mp4", marker(self.view.post), self.view.post.attempt, opened + 1);
        let handle = Handle::default().with(name::MADE_OF, made_of).with(name::MARKER, marker);
        Next::Step(Step {
            kind: SESSION,
            class: StepClass::Repeatable,
            not_before,
            timeout: CALL,
            handle: match self.options().publish {
                YoutubePublish::OneStep => handle.with(name::PUBLISH, ONE_STEP),
                YoutubePublish::TwoSteps => handle,
            },
        })
    }
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;

//! What comes next for a Reel: a pure function of its ledger, and the words that stand in that ledger.
//!
//! Guaranteed:
//! - While a publish is unresolved, only reading is proposed; never another publish, never another container.
//! - A publish is proposed only for a container whose state was read after the last publish of it, and with a list of
//!   the account's media that is newer than that and at most [`SNAPSHOT_FRESH`] old.
//! - A container once seen as published stays published, whatever later readings say
//!   (<https://github.com/getopenpost/openpost/releases/tag/v7.37.0>).
//! - A container that was made with another text, video or cover than the post now has, or by the account's other login,
//!   is never published.
//! - Every loop has an end: [`MAX_FAILED_CONTAINERS`], [`MAX_LOST_CONTAINERS`], [`MAX_COMMENT_TRIES`].

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    errors::{row_of, unavailable},
    options::{InstagramOptions, InstagramTransfer},
};
use crate::{
    domain::{
        account::Account,
        binding::BoundBy,
        failure::{Failure, FailureClass, Reason},
        ledger::{Entry, Handle, SEARCH, StepClass, StepOutcome},
        platform::{LoginFlavour, Platform},
        post::Content,
    },
    platform::{
        Live, Next, NotBefore, Step, View,
        description::Options,
        first_comment::{self, FirstComment},
    },
};

/// Creates the container.
pub(super) const CONTAINER: &str = "instagram.container";
/// Uploads the video into it.
pub(super) const UPLOAD: &str = "instagram.upload";
/// Reads how far an upload came whose answer was lost.
pub(super) const UPLOAD_OFFSET: &str = "instagram.upload_offset";
/// Reads the container.
pub(super) const STATUS: &str = "instagram.container_status";
/// Reads the account's newest media and its quota.
pub(super) const SNAPSHOT: &str = "instagram.snapshot";
/// Publishes: the point of no return.
pub(super) const PUBLISH: &str = "instagram.media_publish";
/// Reads the link of the live post.
pub(super) const PERMALINK: &str = "instagram.permalink";
/// The comment under the live post.
pub(super) const COMMENT: FirstComment = FirstComment { find: FIND_COMMENT, write: WRITE_COMMENT };
pub(super) const FIND_COMMENT: &str = "instagram.find_comment";
pub(super) const WRITE_COMMENT: &str = "instagram.comment";
/// Turns comments off on the live post.
pub(super) const COMMENTS_OFF: &str = "instagram.comments_off";

/// Names in handles. They stay in ledgers for ever.
pub(super) mod name {
    pub(in super::super) const CONTAINER_ID: &str = "container_id";
    pub(in super::super) const CREATED_AT: &str = "created_at";
    pub(in super::super) const URI: &str = "uri";
    pub(in super::super) const TRANSFER: &str = "transfer";
    pub(in super::super) const CONTENT: &str = "content";
    pub(in super::super) const LOGIN: &str = "login";
    pub(in super::super) const CAPTION: &str = "caption";
    pub(in super::super) const OFFSET: &str = "offset";
    pub(in super::super) const VIDEO: &str = "video";
    pub(in super::super) const UPLOAD_STATE: &str = "upload";
    pub(in super::super) const STATUS: &str = "status";
    pub(in super::super) const SUBCODE: &str = "subcode";
    pub(in super::super) const IDS: &str = "ids";
    pub(in super::super) const MEDIA_ID: &str = "media_id";
    pub(in super::super) const PERMALINK: &str = "permalink";
    pub(in super::super) const LINK: &str = "link";
}

/// What a status reading says, as it stands in the ledger.
pub(super) mod status {
    pub(in super::super) const FINISHED: &str = "FINISHED";
    pub(in super::super) const PUBLISHED: &str = "PUBLISHED";
    pub(in super::super) const ERROR: &str = "ERROR";
    pub(in super::super) const EXPIRED: &str = "EXPIRED";
    /// Instagram does not know the container any more (24/2207008).
    pub(in super::super) const GONE: &str = "GONE";
    /// Instagram refused to show it for [`super::UNREADABLE_AFTER`]; publishing it answers "not ready" if it is not.
    pub(in super::super) const UNREADABLE: &str = "UNREADABLE";
}

/// What a reading of the upload says: done, or nothing that helps.
pub(super) mod upload {
    pub(in super::super) const COMPLETE: &str = "complete";
    pub(in super::super) const LOST: &str = "lost";
}

/// In an upload's evidence: why the video could not be read.
pub(super) const SOURCE: &str = "source";

/// The permalink was given up.
pub(super) const LINK_GIVEN_UP: &str = "given up";

/// A container lives 24 h from its creation; one that is nearly so old is not begun with any more.
const USABLE: TimeDelta = TimeDelta::hours(23);
/// How old the list of media may be when a publish leaves. Longer than [`SNAPSHOT_LEAD`], so that it is still good then.
const SNAPSHOT_FRESH: TimeDelta = TimeDelta::minutes(5);
/// How long before its time a post takes its snapshot.
const SNAPSHOT_LEAD: TimeDelta = TimeDelta::minutes(2);
/// How long a container may refuse to be read (100/33) before publishing goes on without having read it. Publishing an
/// unfinished container is documented to be refused (9007/2207027), so this can delay but not double a post. Meta's
/// incident of May 2026: <https://github.com/gitroomhq/postiz-app/issues/1562>.
pub(super) const UNREADABLE_AFTER: TimeDelta = TimeDelta::minutes(10);
/// How long the link of a live post is looked for.
pub(super) const LINK_FOR: TimeDelta = TimeDelta::hours(24);

/// Containers that may fail in one attempt.
const MAX_FAILED_CONTAINERS: usize = 3;
/// Answers to creating a container that may be lost in a row: 400 containers a day are allowed, and each may be one.
const MAX_LOST_CONTAINERS: usize = 8;
/// Uploads that may be tried into one container.
const MAX_UPLOADS: usize = 5;
/// Times that turning comments off is tried.
const MAX_COMMENT_TRIES: usize = 3;

/// Longest exchange for a small call.
pub(super) const CALL: Duration = Duration::from_secs(60);
/// Longest upload: 300 MB at about a megabit per second. A stalled one ends much sooner.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(45 * 60);
/// Longest publish. Answers after more than two minutes were seen (<https://github.com/gitroomhq/postiz-app/pull/1681>).
pub(super) const PUBLISH_TIMEOUT: Duration = Duration::from_secs(150);

/// How the video travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    /// Instagram fetches it.
    VideoUrl,
    /// It is uploaded to `rupload.facebook.com`.
    Resumable,
}

impl Transfer {
    /// As it stands in the ledger.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::VideoUrl => "video_url",
            Self::Resumable => "resumable",
        }
    }
}

/// The options of a post, or the defaults.
pub(super) fn transfer_wish(content: &Content) -> InstagramTransfer {
    InstagramOptions::of(&content.options).transfer
}

/// How this post's video travels.
fn transfer(view: &View<'_>) -> Result<Transfer, Box<Failure>> {
    transfer_by(view.account.login_flavour, &view.post.content)
}

/// Whether Instagram fetches the video of such a post itself.
pub(super) fn fetches_video(account: &Account, content: &Content) -> bool {
    transfer_by(account.login_flavour, content) == Ok(Transfer::VideoUrl)
}

/// How a video travels by a login: Instagram Login has no upload host.
fn transfer_by(login: LoginFlavour, content: &Content) -> Result<Transfer, Box<Failure>> {
    match (transfer_wish(content), login) {
        (InstagramTransfer::VideoUrl, _) | (InstagramTransfer::Auto, LoginFlavour::InstagramLogin) => {
            Ok(Transfer::VideoUrl)
        }
        (InstagramTransfer::Auto | InstagramTransfer::Resumable, LoginFlavour::FacebookLogin) => {
            Ok(Transfer::Resumable)
        }
        (InstagramTransfer::Resumable, LoginFlavour::InstagramLogin) => Err(Box::new(
            Failure::new(
                FailureClass::InvalidRequest,
                Reason::Unsupported,
                "accounts connected by instagram login cannot take an uploaded video",
            )
            .with_remedy("leave the transfer to the core, or connect the account by Facebook Login"),
        )),
        (InstagramTransfer::Auto | InstagramTransfer::Resumable, _) => Err(Box::new(Failure::new(
            FailureClass::Permanent,
            Reason::Internal,
            "the account's login is not one of instagram",
        ))),
    }
}

/// Fingerprint of everything a container is made of.
pub(super) fn fingerprint(content: &Content, transfer: Transfer) -> String {
    let made_of = json!([
        transfer.as_str(),
        content.video_url,
        content.media_id,
        content.full_caption,
        content.thumbnail_url,
        content.location,
        first_comment::without_it(content.options.of(Platform::Instagram)),
    ]);
    hex::encode(&Sha256::digest(made_of.to_string())[..16])
}

/// What comes next.
pub(super) fn next(view: &View<'_>) -> Next {
    let course = Course { view };
    if let Some(mut live) = course.live() {
        live.link = course.permalink(&live).map(Box::new);
        let then = course.follow_up(&live);
        return Next::Live { live, then };
    }
    if let Some(entry) = view.ledger.unsettled(view.post.attempt) {
        return Next::Step(course.read(STATUS, entry.handle.clone(), NotBefore::Prepare));
    }
    course.toward_publishing()
}

/// The entries of a publish of the same container, oldest first: the given one and those before it.
pub(super) fn sendings<'a>(view: &View<'a>, container_id: &str) -> Vec<&'a Entry> {
    view.ledger
        .of_attempt(view.post.attempt)
        .filter(|entry| entry.step == PUBLISH && entry.handle.text(name::CONTAINER_ID) == Some(container_id))
        .filter(|entry| entry.outcome != Some(StepOutcome::NoEffect))
        .collect()
}

/// The ids that were in the account's list before a step was recorded.
pub(super) fn ids_before(view: &View<'_>, number: i32) -> Option<Vec<String>> {
    let snapshot = view
        .ledger
        .of_attempt(view.post.attempt)
        .rev()
        .find(|entry| entry.step == SNAPSHOT && entry.number < number && is_accepted(entry))?;
    let ids = snapshot.handle.0.compound(name::IDS)?.as_array()?;
    Some(ids.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn is_accepted(entry: &Entry) -> bool {
    matches!(entry.outcome, Some(StepOutcome::Accepted | StepOutcome::Found))
}

fn known_at(entry: &Entry) -> DateTime<Utc> {
    entry.answered_at.unwrap_or(entry.sent_at)
}

struct Course<'a> {
    view: &'a View<'a>,
}

/// How a container ended, if it did.
enum Fate {
    /// It can be gone on with.
    Usable,
    /// It cannot, through nobody's fault: expired while waiting, the post was edited, or the account was connected again by
    /// its other login.
    Outdated,
    /// It failed.
    Failed {
        /// When that was learned.
        at: DateTime<Utc>,
        /// Meta's subcode, if it told.
        subcode: Option<i64>,
        /// It failed at Instagram, so the next one waits a while; a lost upload begins anew at once.
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

    /// Accepted readings or writes of a step about one container, oldest first.
    fn about(&self, step: &'static str, container_id: &'a str) -> impl DoubleEndedIterator<Item = &'a Entry> + use<'a> {
        self.of_step(step).filter(move |entry| entry.handle.text(name::CONTAINER_ID) == Some(container_id))
    }

    fn read(&self, kind: &'static str, handle: Handle, not_before: NotBefore) -> Step {
        Step { kind, class: StepClass::Read, not_before, timeout: CALL, handle }
    }

    // --- live ---

    /// What is known of the live post; `None` while it is not known to be live.
    fn live(&self) -> Option<Live> {
        let is_live = self.entries().any(|entry| {
            is_accepted(entry)
                && (entry.step == PUBLISH
                    || entry.step == SEARCH
                    || (entry.step == STATUS && entry.handle.text(name::STATUS) == Some(status::PUBLISHED))
                    || (entry.step == SNAPSHOT && entry.handle.text(name::MEDIA_ID).is_some()))
        });
        if !is_live {
            return None;
        }
        let mut live = Live::default();
        for entry in self.entries().filter(|entry| is_accepted(entry)) {
            if let Some(id) = entry.handle.text(name::MEDIA_ID)
                && !live.all_platform_post_ids.iter().any(|known| known == id)
            {
                live.all_platform_post_ids.push(id.to_owned());
            }
            if live.platform_post_url.is_none() {
                live.platform_post_url = entry.handle.text(name::PERMALINK).map(str::to_owned);
            }
        }
        live.platform_post_id = live.all_platform_post_ids.first().cloned();
        // Our own publish names its media; whatever else names one found it in the account's list.
        let told = self
            .of_step(PUBLISH)
            .filter(|entry| entry.outcome == Some(StepOutcome::Accepted))
            .find_map(|entry| entry.handle.text(name::MEDIA_ID));
        match told {
            Some(id) => live.platform_post_id = Some(id.to_owned()),
            None if live.platform_post_id.is_some() => live.bound_by = BoundBy::Match,
            None => {}
        }
        Some(live)
    }

    /// Comments first: until they are off, people can write some; and the account's own is to be the first.
    fn follow_up(&self, live: &Live) -> Option<Step> {
        if let Some(media_id) = &live.platform_post_id
            && let Some(step) = self.comments_off(media_id)
        {
            return Some(step);
        }
        let text = InstagramOptions::of(&self.view.post.content.options).first_comment;
        let comment = COMMENT.next(self.view, text.as_deref(), live.platform_post_id.as_deref());
        COMMENT.then(self.view, comment, self.permalink(live))
    }

    fn permalink(&self, live: &Live) -> Option<Step> {
        let given_up =
            self.of_step(PERMALINK).any(|entry| is_accepted(entry) && entry.handle.text(name::LINK).is_some());
        if live.platform_post_url.is_some() || given_up {
            return None;
        }
        let handle = match &live.platform_post_id {
            Some(id) => Handle::default().with(name::MEDIA_ID, id.as_str()),
            None => Handle::default(),
        };
        Some(self.read(PERMALINK, handle, NotBefore::Prepare))
    }

    fn comments_off(&self, media_id: &str) -> Option<Step> {
        if self.view.post.content.allow_comments != Some(false) {
            return None;
        }
        let tries: Vec<_> = self.of_step(COMMENTS_OFF).collect();
        let is_given_up = self.view.ledger.is_given_up(self.view.post.attempt, COMMENTS_OFF);
        if is_given_up || tries.len() >= MAX_COMMENT_TRIES || tries.iter().any(|entry| is_accepted(entry)) {
            return None;
        }
        let not_before = match tries.last() {
            Some(last) => NotBefore::At(known_at(last) + TimeDelta::minutes(1)),
            None => NotBefore::Prepare,
        };
        Some(Step {
            kind: COMMENTS_OFF,
            class: StepClass::Repeatable,
            not_before,
            timeout: CALL,
            handle: Handle::default().with(name::MEDIA_ID, media_id),
        })
    }

    // --- on the way ---

    fn toward_publishing(&self) -> Next {
        let transfer = match transfer(self.view) {
            Ok(transfer) => transfer,
            Err(failure) => return Next::Rejected(*failure),
        };
        let fingerprint = fingerprint(&self.view.post.content, transfer);
        let newest = self.of_step(CONTAINER).next_back();
        let Some(entry) = newest.filter(|entry| is_accepted(entry)) else {
            return self.new_container(transfer, fingerprint);
        };
        let Some(container_id) = entry.handle.text(name::CONTAINER_ID) else {
            return self.new_container(transfer, fingerprint);
        };
        if !matches!(self.fate(entry, container_id, &fingerprint), Fate::Usable) {
            return self.after(container_id, transfer, fingerprint);
        }
        if transfer == Transfer::Resumable
            && let Some(step) = self.upload(entry, container_id)
        {
            return Next::Step(step);
        }
        let handle = Handle::default().with(name::CONTAINER_ID, container_id);
        let last_publish = self.of_step(PUBLISH).next_back().map_or(0, |entry| entry.number);
        let is_known = |entry: &&Entry| is_accepted(entry) && entry.number > last_publish;
        let Some(status) = self.about(STATUS, container_id).rev().find(is_known) else {
            let created = entry.handle.instant(name::CREATED_AT).unwrap_or(entry.sent_at);
            return Next::Step(self.read(STATUS, handle.with_instant(name::CREATED_AT, created), NotBefore::Prepare));
        };
        let snapshot = self.of_step(SNAPSHOT).rev().find(is_known);
        let is_fresh = |snapshot: &Entry| self.view.now - known_at(snapshot) <= SNAPSHOT_FRESH;
        if !snapshot.is_some_and(|snapshot| snapshot.number > status.number && is_fresh(snapshot)) {
            return Next::Step(self.read(SNAPSHOT, handle, self.snapshot_time()));
        }
        Next::Step(Step {
            kind: PUBLISH,
            class: StepClass::PointOfNoReturn,
            not_before: NotBefore::Due,
            timeout: PUBLISH_TIMEOUT,
            handle: match entry.handle.text(name::CAPTION) {
                Some(caption) => handle.with(name::CAPTION, caption),
                None => handle,
            },
        })
    }

    /// Shortly before the post's time; at once when that has come.
    fn snapshot_time(&self) -> NotBefore {
        NotBefore::At(self.view.post.due() - SNAPSHOT_LEAD)
    }

    /// The next step of an upload; `None` once the video is there.
    fn upload(&self, entry: &'a Entry, container_id: &'a str) -> Option<Step> {
        if self.upload_state(container_id) == Some(upload::COMPLETE) {
            return None;
        }
        let mut handle = Handle::default()
            .with(name::CONTAINER_ID, container_id)
            .with(name::URI, entry.handle.text(name::URI).unwrap_or_default());
        if let Some(version) = entry.handle.0.get(name::VIDEO) {
            handle = handle.with(name::VIDEO, version.clone());
        }
        let last = self.about(UPLOAD, container_id).next_back();
        // An upload whose answer is missing: only the container can say how far it came.
        let offset = match last {
            Some(last) if last.outcome != Some(StepOutcome::NoEffect) => {
                let reading = self
                    .about(UPLOAD_OFFSET, container_id)
                    .rev()
                    .find(|read| is_accepted(read) && read.number > last.number);
                match reading {
                    Some(reading) => reading.handle.number(name::OFFSET).unwrap_or(0),
                    None => return Some(self.read(UPLOAD_OFFSET, handle, NotBefore::Prepare)),
                }
            }
            Some(last) => last.handle.number(name::OFFSET).unwrap_or(0),
            None => 0,
        };
        Some(Step {
            kind: UPLOAD,
            class: StepClass::Resumable,
            not_before: NotBefore::Prepare,
            timeout: UPLOAD_TIMEOUT,
            handle: handle.with(name::OFFSET, offset),
        })
    }

    /// `complete` once the video is with Instagram, `lost` when it cannot be told how much of it is.
    fn upload_state(&self, container_id: &'a str) -> Option<&'a str> {
        let readings = self.about(UPLOAD, container_id).chain(self.about(UPLOAD_OFFSET, container_id));
        readings
            .filter(|entry| is_accepted(entry))
            .filter_map(|entry| entry.handle.text(name::UPLOAD_STATE))
            .next_back()
    }

    fn fate(&self, entry: &'a Entry, container_id: &'a str, fingerprint: &str) -> Fate {
        // What one login made the other one can neither read nor publish; rows of older releases do not say which it was.
        let login = self.view.account.login_flavour.as_str();
        let is_of_other_login = entry.handle.text(name::LOGIN).is_some_and(|made_by| made_by != login);
        if is_of_other_login || entry.handle.text(name::CONTENT) != Some(fingerprint) {
            return Fate::Outdated;
        }
        let readings = || self.about(STATUS, container_id).filter(|entry| is_accepted(entry));
        let was_ready = readings()
            .any(|entry| matches!(entry.handle.text(name::STATUS), Some(status::FINISHED | status::UNREADABLE)));
        if let Some(last) = readings().next_back() {
            match last.handle.text(name::STATUS) {
                Some(status::EXPIRED | status::GONE) if was_ready => return Fate::Outdated,
                Some(status::ERROR | status::EXPIRED | status::GONE) => {
                    let subcode = last.handle.number(name::SUBCODE);
                    return Fate::Failed { at: known_at(last), subcode, wait: true };
                }
                _ => {}
            }
        }
        if self.upload_state(container_id) == Some(upload::LOST) {
            let at = self.about(UPLOAD_OFFSET, container_id).next_back().map_or(entry.sent_at, known_at);
            return Fate::Failed { at, subcode: None, wait: false };
        }
        let last_upload = self.about(UPLOAD, container_id).next_back();
        if let Some(last) = last_upload
            && self.upload_state(container_id).is_none()
            && self.about(UPLOAD, container_id).count() >= MAX_UPLOADS
        {
            return Fate::Failed { at: known_at(last), subcode: None, wait: true };
        }
        let created = entry.handle.instant(name::CREATED_AT).unwrap_or(entry.sent_at);
        match self.view.now - created < USABLE {
            true => Fate::Usable,
            false if was_ready => Fate::Outdated,
            false => Fate::Failed { at: created + USABLE, subcode: None, wait: false },
        }
    }

    /// What follows a container that cannot be gone on with. One that a publish was sent for ends the attempt: its
    /// failure was proven, and new handles belong to a new attempt.
    fn after(&self, container_id: &str, transfer: Transfer, fingerprint: String) -> Next {
        if !sendings(self.view, container_id).is_empty() {
            return Next::Rejected(unavailable("the container ended without having been published".to_owned()));
        }
        self.new_container(transfer, fingerprint)
    }

    /// The newest upload broke off because the video could not be read to its end: then Instagram is not to blame.
    fn unreadable_source(&self) -> Option<Failure> {
        let why = self.of_step(UPLOAD).next_back()?.evidence.0.text(SOURCE)?;
        let message = format!("the video broke off each time while it was uploaded: {why}");
        let failure = Failure::new(FailureClass::Transient, Reason::MediaUnreachable, message);
        Some(failure.with_remedy("see that the video's link can be read to its end, then retry the post"))
    }

    fn new_container(&self, transfer: Transfer, fingerprint: String) -> Next {
        let failed: Vec<(DateTime<Utc>, Option<i64>, bool)> = self
            .of_step(CONTAINER)
            .filter(|entry| is_accepted(entry))
            .filter_map(|entry| match self.fate(entry, entry.handle.text(name::CONTAINER_ID)?, &fingerprint) {
                Fate::Failed { at, subcode, wait } => Some((at, subcode, wait)),
                Fate::Usable | Fate::Outdated => None,
            })
            .collect();
        if let Some((_, subcode, _)) = failed.last() {
            let row = subcode.and_then(row_of);
            if failed.len() >= MAX_FAILED_CONTAINERS || row.is_some_and(|row| !row.allows_new_container()) {
                return Next::Rejected(match row {
                    Some(row) => row.final_failure(self.view.now),
                    None => self.unreadable_source().unwrap_or_else(|| {
                        unavailable("instagram could not process the video".to_owned())
                            .with_rule(subcode.map(|code| code.to_string()).unwrap_or_default())
                    }),
                });
            }
        }
        let lost =
            self.of_step(CONTAINER).rev().take_while(|entry| entry.outcome == Some(StepOutcome::Unknown)).count();
        if lost >= MAX_LOST_CONTAINERS {
            return Next::Rejected(unavailable("instagram does not answer when a container is created".to_owned()));
        }
        let newest = self.of_step(CONTAINER).next_back();
        let not_before = match (newest, failed.last()) {
            // One lost answer is most likely our own end; more of them are Instagram's.
            (Some(newest), _) if lost > 1 => NotBefore::At(known_at(newest) + pause(lost - 1)),
            (Some(newest), Some((at, _, true))) if is_accepted(newest) => NotBefore::At(*at + pause(failed.len())),
            _ => NotBefore::Prepare,
        };
        Next::Step(Step {
            kind: CONTAINER,
            class: StepClass::Repeatable,
            not_before,
            timeout: CALL,
            handle: Handle::default()
                .with(name::TRANSFER, transfer.as_str())
                .with(name::CONTENT, fingerprint)
                .with(name::LOGIN, self.view.account.login_flavour.as_str())
                .with(name::CAPTION, self.view.post.content.full_caption.as_str()),
        })
    }
}

/// The pause before the next container: 30 s, 60 s, ... up to 8 minutes.
fn pause(times: usize) -> TimeDelta {
    TimeDelta::seconds(30 << times.saturating_sub(1).min(4))
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;

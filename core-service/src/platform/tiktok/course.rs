//! The course of a TikTok post: what comes next, from the ledger alone. Pure.
//!
//! FILE_UPLOAD: creator info → init → every chunk but the last → the last chunk (point of no return) → status → public
//! id. PULL_FROM_URL: creator info → init (point of no return) → status → public id.
//!
//! Guaranteed:
//! - After a point of no return that was sent without proof of absence, only reads are proposed.
//! - A prepared upload is given up only while its last byte never arrived: when its URL has died or will too soon, or
//!   when the post was edited since. If its last byte was ever tried, not before the old URL has surely died.
//! - A last byte that was refused or proven absent is sent again only after a look at what TikTok has.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{errors, options, plan::Plan};
use crate::{
    domain::{
        binding::BoundBy,
        ledger::{Entry, Handle, SEARCH, StepClass, StepOutcome},
    },
    platform::{Live, Next, NotBefore, Step, View},
};

pub(super) const CREATOR_INFO: &str = "tiktok.creator_info";
pub(super) const VIDEO_INIT: &str = "tiktok.video_init";
pub(super) const UPLOAD: &str = "tiktok.upload";
pub(super) const UPLOAD_LAST: &str = "tiktok.upload_last";
pub(super) const VIDEO_INIT_PULL: &str = "tiktok.video_init_pull";
pub(super) const FIND: &str = "tiktok.find";
pub(super) const STATUS: &str = "tiktok.status";
pub(super) const PUBLIC_ID: &str = "tiktok.public_id";

/// The status words that end the waiting.
pub(super) const COMPLETE: &str = "PUBLISH_COMPLETE";
pub(super) const FAILED: &str = "FAILED";
pub(super) const INBOX: &str = "SEND_TO_USER_INBOX";

/// The version of the video that an init was made for, in its handle.
pub(super) const VIDEO: &str = "video";

/// Evidence of an entry by which TikTok said that the upload URL is dead.
pub(super) const UPLOAD_DEAD: &str = "upload_dead";

/// How long an upload URL lives after its init. The upload must be finished by then.
pub(super) const UPLOAD_URL_LIFE: TimeDelta = TimeDelta::hours(1);
/// A URL with less left is not begun with.
const UPLOAD_MARGIN: TimeDelta = TimeDelta::minutes(5);
/// After this long past its end the URL is dead whatever the clocks say.
const UPLOAD_GRACE: TimeDelta = TimeDelta::minutes(5);
/// How long creator info is believed: privacy levels and caps change.
const CREATOR_INFO_LIFE: TimeDelta = TimeDelta::minutes(30);
/// How long the public id is looked for. Moderation takes minutes, sometimes hours.
pub(super) const PUBLIC_ID_SEARCH: TimeDelta = TimeDelta::days(1);

/// Longest API call.
pub(super) const API_TIMEOUT: Duration = Duration::from_secs(30);
/// Slowest line on which a last chunk is waited for, bytes per second; and the time that it gets on top.
const LAST_BYTES_PER_SECOND: u64 = 128 * 1024;
const LAST_TIMEOUT: Duration = Duration::from_secs(60);
/// Shortest time given to the other chunks.
const MIN_UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// What comes next for the post's current attempt.
pub(super) fn next(view: &View<'_>) -> Next {
    let entries: Vec<&Entry> = view.ledger.of_attempt(view.post.attempt).collect();
    match entries.iter().rposition(|entry| may_have_committed(entry)) {
        Some(at) => after(view, entries[at], &entries[at..]),
        None => before(view, &entries),
    }
}

/// The platform took it, or it was found there.
pub(super) fn is_taken(entry: &Entry) -> bool {
    matches!(entry.outcome, Some(StepOutcome::Accepted | StepOutcome::Found))
}

/// TikTok may have everything it needs to post, or said that it is through with it.
fn may_have_committed(entry: &Entry) -> bool {
    match entry.class {
        StepClass::Read if entry.step == SEARCH => is_taken(entry),
        StepClass::PointOfNoReturn => !matches!(entry.outcome, Some(StepOutcome::NoEffect | StepOutcome::Absent)),
        StepClass::Resumable => is_taken(entry) && entry.handle.text("status").is_some(),
        StepClass::Read | StepClass::Repeatable | StepClass::Addition => false,
    }
}

/// Bytes that TikTok has, as far as a handle tells.
pub(super) fn uploaded(handle: &Handle) -> u64 {
    handle.number("uploaded").and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default()
}

/// When the entry's outcome was known.
fn known_at(entry: &Entry) -> DateTime<Utc> {
    entry.answered_at.unwrap_or(entry.sent_at)
}

fn step(kind: &'static str, class: StepClass, not_before: NotBefore, timeout: Duration, handle: Handle) -> Step {
    Step { kind, class, not_before, timeout, handle }
}

fn read(kind: &'static str, not_before: NotBefore, handle: Handle) -> Next {
    Next::Step(step(kind, StepClass::Read, not_before, API_TIMEOUT, handle))
}

/// Nothing that could become visible was sent, or all of it is proven absent.
fn before(view: &View<'_>, entries: &[&Entry]) -> Next {
    let content = &view.post.content;
    let is_pull = options::is_pull(content);
    let mut not_before = NotBefore::Prepare;
    let mut start = 0;
    if !is_pull && let Some(at) = entries.iter().rposition(|entry| entry.step == VIDEO_INIT && is_taken(entry)) {
        let (init, later) = (entries[at], &entries[at + 1..]);
        match retired(view, init, later) {
            None => return Next::Step(send(view, init, later)),
            // A last byte that only one reading says is absent is proven before another init is made.
            Some(_) if view.ledger.provisionally_absent(view.post.attempt).is_some() => {
                return Next::Rejected(errors::url_died());
            }
            Some(when) => (not_before, start) = (when, at + 1),
        }
    }
    let fingerprint = options::fingerprint(content);
    let creator = entries[start..].iter().rev().find(|entry| {
        entry.step == CREATOR_INFO
            && is_taken(entry)
            && entry.handle.text("content") == Some(&fingerprint)
            && view.now - known_at(entry) < CREATOR_INFO_LIFE
    });
    match creator {
        None => read(CREATOR_INFO, not_before, Handle::default().with("content", fingerprint)),
        Some(creator) if is_pull => {
            let handle = creator.handle.clone();
            Next::Step(step(VIDEO_INIT_PULL, StepClass::PointOfNoReturn, NotBefore::Due, API_TIMEOUT, handle))
        }
        Some(creator) => {
            let handle = creator.handle.clone();
            Next::Step(step(VIDEO_INIT, StepClass::Repeatable, not_before, API_TIMEOUT, handle))
        }
    }
}

/// Whether an accepted init is of no more use, and if so, from when on another may be made.
fn retired(view: &View<'_>, init: &Entry, later: &[&Entry]) -> Option<NotBefore> {
    let dead = |entry: &&Entry| entry.evidence.0.get(UPLOAD_DEAD).and_then(|value| value.as_bool()).unwrap_or_default();
    let known = init.handle.text("publish_id").zip(init.handle.text("upload_url")).zip(Plan::read(&init.handle));
    let expires_at = init.handle.instant("upload_expires_at");
    let (Some(_), Some(expires_at)) = (known, expires_at) else { return Some(NotBefore::Prepare) };
    let edited = init.handle.text("content") != Some(&options::fingerprint(&view.post.content));
    let too_late = view.now + UPLOAD_MARGIN >= expires_at;
    // Proven absent is proven by the old handle's state; it must not be able to change any more.
    let tried = later.iter().any(|entry| entry.step == UPLOAD_LAST && entry.outcome == Some(StepOutcome::Absent));
    match (later.iter().any(dead) || edited || too_late, tried) {
        (false, _) => None,
        (true, false) => Some(NotBefore::Prepare),
        (true, true) => Some(NotBefore::At(expires_at + UPLOAD_GRACE)),
    }
}

/// Whether an upload URL can no longer act.
pub(super) fn is_surely_dead(handle: &Handle, now: DateTime<Utc>) -> bool {
    handle.instant("upload_expires_at").is_some_and(|expires_at| now >= expires_at + UPLOAD_GRACE)
}

/// Whether the rest of a video may still be sent to the URL of an entry: it was not refused as dead, and lives on for
/// longer than a retry waits.
pub(super) fn is_usable(entry: &Entry, now: DateTime<Utc>) -> bool {
    let dead = entry.evidence.0.get(UPLOAD_DEAD).and_then(|value| value.as_bool()).unwrap_or_default();
    let expires_at = entry.handle.instant("upload_expires_at");
    !dead && expires_at.is_some_and(|expires_at| now + UPLOAD_MARGIN * 2 < expires_at)
}

/// The next piece of a live upload.
fn send(view: &View<'_>, init: &Entry, later: &[&Entry]) -> Step {
    let last = later.iter().rev().find(|entry| entry.step == UPLOAD || entry.step == UPLOAD_LAST);
    let plan = Plan::read(&init.handle);
    let is_single = plan.is_some_and(|plan| plan.count == 1);
    let left = init.handle.instant("upload_expires_at").map(|end| end - view.now).and_then(|left| left.to_std().ok());
    let timeout = left.unwrap_or_default().max(MIN_UPLOAD_TIMEOUT);
    let upload = |resume: bool| {
        let handle = init.handle.clone().with("resume", resume);
        step(UPLOAD, StepClass::Resumable, NotBefore::Prepare, timeout, handle)
    };
    let upload_last = |uploaded: u64| {
        let handle = init.handle.clone().with("uploaded", uploaded);
        let rest = plan.map_or(0, |plan| plan.size.saturating_sub(uploaded));
        let timeout = LAST_TIMEOUT + Duration::from_secs(rest / LAST_BYTES_PER_SECOND);
        step(UPLOAD_LAST, StepClass::PointOfNoReturn, NotBefore::Due, timeout, handle)
    };
    match last {
        None if is_single => upload_last(0),
        None => upload(false),
        Some(entry) if entry.step == UPLOAD && is_taken(entry) => upload_last(uploaded(&entry.handle)),
        Some(_) => upload(true),
    }
}

/// TikTok may be posting it: from here on only reads.
fn after(view: &View<'_>, committed: &Entry, entries: &[&Entry]) -> Next {
    let mut handle = committed.handle.clone();
    handle.0.remove("upload_url");
    let Some(told) = entries.iter().rev().find(|entry| is_taken(entry) && entry.handle.text("status").is_some()) else {
        // Without a publish id only a reconciliation can tell more.
        let kind = if handle.text("publish_id").is_some() { STATUS } else { FIND };
        return read(kind, NotBefore::Prepare, handle);
    };
    match told.handle.text("status") {
        Some(FAILED) => Next::Rejected(errors::fail_reason(told.handle.text("fail_reason").unwrap_or_default())),
        Some(INBOX) => {
            let look = step(
                STATUS,
                StepClass::Read,
                NotBefore::At(known_at(told) + TimeDelta::minutes(1)),
                API_TIMEOUT,
                handle.with("status", INBOX),
            );
            Next::Delivered { then: Some(look) }
        }
        Some(COMPLETE) => {
            let ids = entries.iter().rev().map(|entry| post_ids(&entry.handle)).find(|ids| !ids.is_empty());
            let mut live = live(view, &handle, ids.unwrap_or_default());
            if handle.text("publish_id").is_none() {
                live.bound_by = BoundBy::Match;
            }
            let given_up = entries.iter().any(|entry| entry.step == PUBLIC_ID && is_taken(entry));
            let is_sought = live.platform_post_id.is_none()
                && !given_up
                && is_public(view, &handle)
                && handle.text("publish_id").is_some()
                && view.now < known_at(told) + PUBLIC_ID_SEARCH;
            let then = is_sought.then(|| {
                let from = NotBefore::At(known_at(told) + TimeDelta::seconds(30));
                let handle = handle.with_instant("complete_at", known_at(told));
                step(PUBLIC_ID, StepClass::Read, from, API_TIMEOUT, handle)
            });
            Next::Live { live, then }
        }
        Some(_) | None => read(STATUS, NotBefore::Prepare, handle),
    }
}

/// Only such posts ever get a public id.
fn is_public(view: &View<'_>, handle: &Handle) -> bool {
    handle.text("privacy_level").or_else(|| options::level(&view.post.content.privacy_level)) == Some(options::PUBLIC)
}

/// The ids that an entry learned.
pub(super) fn post_ids(handle: &Handle) -> Vec<String> {
    let list = handle.0.compound("post_ids").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn live(view: &View<'_>, handle: &Handle, ids: Vec<String>) -> Live {
    let first = ids.first().cloned();
    let username = handle.text("username").filter(|name| !name.is_empty());
    let username = username.or(view.account.account_username.as_deref());
    let url = first.as_deref().zip(username).and_then(|(id, username)| post_url(username, id));
    Live { platform_post_id: first, platform_post_url: url, all_platform_post_ids: ids, ..Live::default() }
}

/// The link to a public post; `None` rather than one that does not lead to it.
fn post_url(username: &str, id: &str) -> Option<String> {
    let username = username.trim_start_matches('@');
    let fits = !username.is_empty() && username.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
    fits.then(|| format!("https://www.tiktok.com/@{username}/video/{id}"))
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;

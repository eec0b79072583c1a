//! Looking for a Reel that another core may have published before a backup was restored: reading only.
//!
//! The containers of our own ledger come first: `PUBLISHED` is Meta's word. The other core may have made containers that
//! the backup does not hold, so then the account's list of media is read for the time between backup and restore, by the
//! same conditions as after a lost answer. A match counts only while no container of ours that could still have been
//! published says that it was not; an empty window proves absence only when the whole of it was read.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::{
    Instagram,
    course::{self, CONTAINER, STATUS, name, status},
    exchange::{Caller, media_handle, read_failure},
    matching::{AFTER, BEFORE},
    reading::{must_be_told, word},
    wire::{ContainerStatus, Media},
};
use crate::{
    domain::{
        caption,
        failure::Failure,
        ledger::{Entry, Evidence, Handle},
    },
    platform::{Call, Lookup, Window},
};

/// Pages of the list that are read at most: 1,000 posts within the window.
const PAGES: usize = 20;

/// Containers of the ledger that are read, the newest first.
const CONTAINERS: usize = 5;

/// How long a container can be published.
const CONTAINER_LIFE: TimeDelta = TimeDelta::hours(24);

/// How long before the backup a post may have been taken that the backup does not know of: clocks differ.
const MARGIN: TimeDelta = TimeDelta::minutes(10);

/// What the containers of the ledger say.
enum Own {
    /// One was published.
    Published(String),
    /// One that might have been published since the backup was not.
    Unpublished(ContainerStatus),
    /// Nothing that speaks for or against.
    Silent,
}

impl Instagram {
    /// One reading.
    pub(super) async fn search_account(&self, call: &Call<'_>, window: &Window) -> Lookup {
        let until = Instant::now() + course::CALL + course::CALL / 2;
        match self.search_within(call, window, until).await {
            Ok(lookup) => lookup,
            Err(failure) => Lookup::Failed(failure),
        }
    }

    async fn search_within(&self, call: &Call<'_>, window: &Window, until: Instant) -> Result<Lookup, Failure> {
        let caller = Caller::of(call);
        let mut evidence = Evidence::new();
        let own = match self.own_containers(call, window, until).await? {
            Ok(own) => own,
            Err(failure) => return Ok(Lookup::Failed(failure)),
        };
        if let Own::Unpublished(code) = &own {
            evidence = evidence.with("status_code", word(*code));
        }
        let (list, is_whole) = match self.pages_of_list(call, Some(window.since - MARGIN), PAGES, until).await? {
            Ok(list) => list,
            Err(reply) => match &own {
                Own::Published(container_id) => return Ok(published(container_id, None, evidence)),
                Own::Unpublished(_) | Own::Silent => return Ok(Lookup::Failed(read_failure(&caller, &reply))),
            },
        };
        let text = call.view.post.content.full_caption.as_str();
        let candidates: Vec<&Media> =
            list.iter().filter(|media| is_candidate(media, text, window, call.bound_platform_ids)).collect();
        let evidence = evidence.with("media_listed", list.len()).with("candidates", candidates.len());
        let is_empty = caption::normalise(text).is_empty();
        let sure = match candidates.as_slice() {
            [media] if !is_empty && !call.same_caption_in_flight && media.published_at().is_some() => Some(*media),
            _ => None,
        };
        let unsure = |why: &str| Lookup::CannotTell { hopeless: true, evidence: evidence.clone().with("problem", why) };
        Ok(match (&own, sure, candidates.len()) {
            (Own::Published(container_id), sure, _) => published(container_id, sure, evidence),
            (_, _, 0) if is_whole => Lookup::Absent { handle_dead: false, evidence },
            (_, _, 0) => unsure("the account's list is too long to be read back to the backup"),
            (Own::Unpublished(_), _, _) => {
                unsure("a listed reel has its caption, while its own container says that it was not published")
            }
            (Own::Silent, Some(media), _) => Lookup::Found { handle: media_handle(media), evidence },
            (Own::Silent, None, _) if call.same_caption_in_flight => {
                unsure("another post with this caption may be out too, and a listed reel could be either")
            }
            (Own::Silent, None, _) if is_empty => unsure("without a caption a listed reel cannot be told from others"),
            (Own::Silent, None, _) => unsure("several listed reels could be it"),
        })
    }

    /// Reads the newest containers that the ledger knows.
    async fn own_containers(
        &self,
        call: &Call<'_>,
        window: &Window,
        until: Instant,
    ) -> Result<Result<Own, Failure>, Failure> {
        let caller = Caller::of(call);
        let mut own = Own::Silent;
        let mut read: Vec<&str> = Vec::new();
        for entry in call.view.ledger.entries().iter().rev().filter(|entry| entry.step == CONTAINER) {
            let Some(container_id) = entry.handle.text(name::CONTAINER_ID).filter(|id| !read.contains(id)) else {
                continue;
            };
            if read.len() >= CONTAINERS {
                break;
            }
            if ended_before(call, container_id) {
                continue;
            }
            read.push(container_id);
            let created = entry.handle.instant(name::CREATED_AT).unwrap_or(entry.sent_at);
            match self.container(&caller, container_id, "id,status_code,status", until).await? {
                Ok(node) => match node.code() {
                    Some(ContainerStatus::Published) => return Ok(Ok(Own::Published(container_id.to_owned()))),
                    Some(code) if created + CONTAINER_LIFE > window.since && matches!(own, Own::Silent) => {
                        own = Own::Unpublished(code);
                    }
                    Some(_) | None => {}
                },
                Err(reply) => {
                    let failure = read_failure(&caller, &reply);
                    if must_be_told(&failure) && !is_over(created, call.view.now) {
                        return Ok(Err(failure));
                    }
                }
            }
        }
        Ok(Ok(own))
    }
}

/// Whether the ledger itself says that a container ended unpublished: whatever went out later went by another one.
fn ended_before(call: &Call<'_>, container_id: &str) -> bool {
    let about = |entry: &&Entry| entry.step == STATUS && entry.handle.text(name::CONTAINER_ID) == Some(container_id);
    call.view
        .ledger
        .entries()
        .iter()
        .filter(about)
        .any(|entry| matches!(entry.handle.text(name::STATUS), Some(status::ERROR | status::EXPIRED | status::GONE)))
}

/// A container that has ended is refused in many ways; the list speaks instead.
fn is_over(created: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    created + CONTAINER_LIFE < now
}

fn published(container_id: &str, media: Option<&Media>, evidence: Evidence) -> Lookup {
    let handle = media.map(media_handle).unwrap_or_default();
    let handle: Handle = handle.with(name::CONTAINER_ID, container_id).with(name::STATUS, status::PUBLISHED);
    Lookup::Found { handle, evidence: evidence.with("status_code", status::PUBLISHED) }
}

/// Whether a listed media can be the post: a Reel with its caption, from the window, that no other post has.
fn is_candidate(media: &Media, text: &str, window: &Window, bound: &[String]) -> bool {
    let in_window =
        media.published_at().is_none_or(|at| window.since - MARGIN <= at && at <= window.until + BEFORE + AFTER);
    let is_reel = media.media_type.as_deref().is_none_or(|kind| kind == "VIDEO")
        && media.media_product_type.as_deref().is_none_or(|kind| kind == "REELS");
    let seen = media.caption.as_deref().unwrap_or_default();
    in_window && is_reel && !bound.contains(&media.id) && caption::normalise(text) == caption::normalise(seen)
}

//! Finding out what became of a publish whose answer is unknown, and the link of a live post: reading only.
//!
//! The table of the sheet's §9 stands in [`conclude`]. A match in the account's list rests on a caption and a time: it
//! names the post of a container that says `PUBLISHED`, or stands in for one that cannot be read, and contradicts one that
//! says anything else. A status that says "not published" counts only with a list that was read and holds nothing that
//! might be ours.

use tokio::time::Instant;

use super::{
    Instagram,
    course::{self, LINK_FOR, LINK_GIVEN_UP, name, status},
    exchange::{Caller, media_handle, read_failure},
    matching::{BEFORE, Match, Wanted},
    wire::{ContainerStatus, Media, shaped},
};
use crate::{
    domain::{
        failure::{Failure, FailureClass},
        ledger::{Entry, Evidence, Handle},
    },
    platform::{Call, Lookup, Outcome, Step, meta::graph::GraphReply},
};

/// Pages of the list that are read: 250 posts within the window.
const PAGES: usize = 5;

/// The parts of [`Wanted`] that are read from the ledger.
pub(super) struct Search<'a> {
    caption: &'a str,
    before: Option<Vec<String>>,
    bound_platform_ids: &'a [String],
    same_caption_in_flight: bool,
    first: &'a Entry,
    last: &'a Entry,
}

impl Search<'_> {
    /// What is looked for.
    pub(super) fn as_wanted(&self) -> Wanted<'_> {
        Wanted {
            caption: self.caption,
            before: self.before.as_deref(),
            bound: self.bound_platform_ids,
            same_caption_in_flight: self.same_caption_in_flight,
            first_sent: self.first.sent_at,
            last_sent: self.last.sent_at,
        }
    }
}

/// What the list said, without its content.
#[derive(Clone, Debug, PartialEq)]
enum Listed {
    /// Ours.
    Ours(Handle),
    /// Nothing that might be ours.
    Nothing,
    /// So many might be ours.
    Perhaps(usize),
    /// It could not be read.
    Unread,
}

/// What the readings prove. `container` is `None` when it could not be read.
fn conclude(container: Option<ContainerStatus>, listed: Listed, evidence: Evidence) -> Lookup {
    use ContainerStatus as C;
    match (container, listed) {
        (Some(C::Published), Listed::Ours(handle)) => {
            Lookup::Found { handle: handle.with(name::STATUS, status::PUBLISHED), evidence }
        }
        (None, Listed::Ours(handle)) => Lookup::Found { handle, evidence },
        // Our container is not published by its own word: somebody else's equal reel, or a word that comes late.
        (Some(C::InProgress | C::Finished | C::Error | C::Expired), Listed::Ours(_)) => {
            Lookup::CannotTell { hopeless: false, evidence }
        }
        // Live by Meta's own word; which of the account's posts it is, is found later or never.
        (Some(C::Published), Listed::Nothing | Listed::Perhaps(_) | Listed::Unread) => {
            Lookup::Found { handle: Handle::default().with(name::STATUS, status::PUBLISHED), evidence }
        }
        (Some(C::InProgress), Listed::Nothing | Listed::Perhaps(_) | Listed::Unread) => {
            Lookup::Pending { check_after: None, evidence }
        }
        (Some(C::Finished), Listed::Nothing) => Lookup::Absent { handle_dead: false, evidence },
        (Some(C::Error | C::Expired), Listed::Nothing) => Lookup::Absent { handle_dead: true, evidence },
        (Some(C::Finished | C::Error | C::Expired), Listed::Perhaps(_) | Listed::Unread)
        | (None, Listed::Nothing | Listed::Perhaps(_) | Listed::Unread) => {
            Lookup::CannotTell { hopeless: false, evidence }
        }
    }
}

impl Instagram {
    /// What is looked for after the sendings of a container.
    pub(super) fn wanted<'a>(&self, call: &'a Call<'_>, first: &'a Entry, last: &'a Entry) -> Search<'a> {
        Search {
            caption: first.handle.text(name::CAPTION).unwrap_or(&call.view.post.content.full_caption),
            before: course::ids_before(&call.view, first.number),
            bound_platform_ids: call.bound_platform_ids,
            same_caption_in_flight: call.same_caption_in_flight,
            first,
            last,
        }
    }

    /// Reads what became of a publish.
    pub(super) async fn read_publish(&self, call: &Call<'_>, entry: &Entry) -> Lookup {
        let Some(container_id) = entry.handle.text(name::CONTAINER_ID).filter(|_| entry.step == course::PUBLISH) else {
            let evidence = Evidence::new().with("reading", "the entry names no container");
            return Lookup::CannotTell { hopeless: true, evidence };
        };
        let until = Instant::now() + course::CALL;
        match self.read_container_and_list(call, entry, container_id, until).await {
            Ok(lookup) => lookup,
            Err(failure) => Lookup::Failed(failure),
        }
    }

    async fn read_container_and_list(
        &self,
        call: &Call<'_>,
        entry: &Entry,
        container_id: &str,
        until: Instant,
    ) -> Result<Lookup, Failure> {
        let caller = Caller::of(call);
        let mut evidence = Evidence::new();
        let container = match self.container(&caller, container_id, "id,status_code,status", until).await? {
            Ok(node) => node.code(),
            Err(reply) => {
                let failure = read_failure(&caller, &reply);
                if must_be_told(&failure) {
                    return Ok(Lookup::Failed(failure));
                }
                evidence = reply.evidence();
                None
            }
        };
        evidence = evidence.with("status_code", container.map_or("unreadable", word));
        let sent = course::sendings(&call.view, container_id);
        let (first, last) = (sent.first().copied().unwrap_or(entry), sent.last().copied().unwrap_or(entry));
        let (listed, list_failure) = match self.list(call, Some(first.sent_at - BEFORE), PAGES, until).await? {
            Ok(list) => {
                evidence = evidence.with("media_listed", list.len());
                match self.wanted(call, first, last).as_wanted().find(&list) {
                    Match::One(media) => (Listed::Ours(media_handle(media)), None),
                    Match::None => (Listed::Nothing, None),
                    Match::Perhaps(several) => (Listed::Perhaps(several), None),
                }
            }
            Err(reply) => (Listed::Unread, Some(read_failure(&caller, &reply))),
        };
        evidence = match &listed {
            Listed::Ours(handle) => evidence.with("match", handle.text(name::MEDIA_ID).unwrap_or_default()),
            Listed::Nothing => evidence.with("match", "none"),
            Listed::Perhaps(several) => evidence.with("match", "unsure").with("candidates", *several),
            Listed::Unread => evidence.with("match", "list not read"),
        };
        match (container, list_failure) {
            // `PUBLISHED` stands without the list.
            (Some(ContainerStatus::Published | ContainerStatus::InProgress), _) | (_, None) => {
                Ok(conclude(container, listed, evidence))
            }
            (_, Some(failure)) => Ok(Lookup::Failed(failure)),
        }
    }

    /// The link: from the media's node, or where that cannot be read or the id is not known, from the list.
    pub(super) async fn read_permalink(
        &self,
        call: &Call<'_>,
        step: &Step,
        until: Instant,
    ) -> Result<Outcome, Failure> {
        let caller = Caller::of(call);
        let sent: Vec<_> =
            call.view.ledger.of_attempt(call.view.post.attempt).filter(|entry| entry.step == course::PUBLISH).collect();
        let mut evidence = Evidence::new();
        if let Some(media_id) = step.handle.text(name::MEDIA_ID) {
            let fields = vec![("fields", "id,permalink".to_owned())];
            let reply = self.get(&caller, media_id, fields, until).await?;
            if let GraphReply::Value(value) = &reply
                && let Some(media) = shaped::<Media>(value.clone()).filter(has_link)
            {
                return Ok(Outcome::Accepted { handle: media_handle(&media), evidence: reply.evidence() });
            }
            evidence = reply.evidence();
            let failure = read_failure(&caller, &reply);
            if must_be_told(&failure) {
                return Ok(Outcome::NoEffect { failure, evidence });
            }
        }
        let since = sent.first().map(|entry| entry.sent_at - BEFORE);
        let list = match self.list(call, since, PAGES, until).await? {
            Ok(list) => list,
            Err(reply) => {
                let failure = read_failure(&caller, &reply);
                if must_be_told(&failure) {
                    return Ok(Outcome::NoEffect { failure, evidence: reply.evidence() });
                }
                evidence = reply.evidence();
                Vec::new()
            }
        };
        let found = match (step.handle.text(name::MEDIA_ID), sent.first(), sent.last()) {
            (Some(id), _, _) => list.iter().find(|media| media.id == id).filter(|media| has_link(media)),
            (None, Some(first), Some(last)) => match self.wanted(call, first, last).as_wanted().find(&list) {
                Match::One(media) => Some(media),
                Match::None | Match::Perhaps(_) => None,
            },
            (None, _, _) => None,
        };
        if let Some(media) = found {
            return Ok(Outcome::Accepted {
                handle: media_handle(media),
                evidence: evidence.with("link", "from the list"),
            });
        }
        let since_when = sent.last().map(|entry| entry.sent_at);
        if since_when.is_none_or(|at| call.view.now - at > LINK_FOR) {
            let handle = Handle::default().with(name::LINK, LINK_GIVEN_UP);
            return Ok(Outcome::Accepted { handle, evidence: evidence.with("link", LINK_GIVEN_UP) });
        }
        Ok(Outcome::Pending { check_after: None, evidence: evidence.with("link", "not readable yet") })
    }
}

fn has_link(media: &Media) -> bool {
    media.permalink.as_deref().is_some_and(|link| !link.is_empty())
}

/// Failures that the engine has to act on; the others only mean that this reading told nothing.
pub(super) fn must_be_told(failure: &Failure) -> bool {
    match failure.class {
        FailureClass::RateLimited { .. }
        | FailureClass::Quota { .. }
        | FailureClass::AuthExpired
        | FailureClass::NeedsReconnect
        | FailureClass::Permanent => true,
        FailureClass::Transient | FailureClass::InvalidMedia | FailureClass::InvalidRequest => false,
    }
}

pub(super) const fn word(status: ContainerStatus) -> &'static str {
    match status {
        ContainerStatus::InProgress => "IN_PROGRESS",
        ContainerStatus::Finished => status::FINISHED,
        ContainerStatus::Published => status::PUBLISHED,
        ContainerStatus::Error => status::ERROR,
        ContainerStatus::Expired => status::EXPIRED,
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;

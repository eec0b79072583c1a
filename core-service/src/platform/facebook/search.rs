//! Looking for a Reel that another core may have published before a backup was restored: reading only.
//!
//! The videos of our own ledger come first: their status is Facebook's word. The other core may have started videos that the
//! backup does not hold, so then the Page's list of Reels is read. Meta's pages disagree on whether that list can be read:
//! where it cannot, nothing is concluded.
//! <https://developers.facebook.com/documentation/video-api/guides/reels-publishing>,
//! <https://developers.facebook.com/docs/graph-api/reference/page/video_reels/>, read 22 November 2026.

use serde_json::Value;
use tokio::time::Instant;

use super::{
    Facebook,
    course::{self, START, name, status},
    errors::failure_of,
    exchange::{MARGIN, listed_at},
    reading::Reading,
};
use crate::{
    domain::{
        caption,
        failure::{Failure, FailureClass},
        ledger::{Evidence, Handle},
    },
    platform::{
        Call, Lookup, Window,
        meta::{
            graph::GraphReply,
            wire::{Page, shaped},
        },
    },
};

/// Pages of the list that are read at most.
const PAGES: usize = 20;

/// Videos of the ledger that are read, the newest first.
const VIDEOS: usize = 5;

impl Facebook {
    /// One reading.
    pub(super) async fn search_page(&self, call: &Call<'_>, window: &Window) -> Lookup {
        let until = Instant::now() + course::CALL + course::CALL / 2;
        match self.search_within(call, window, until).await {
            Ok(lookup) => lookup,
            Err(failure) => Lookup::Failed(failure),
        }
    }

    async fn search_within(&self, call: &Call<'_>, window: &Window, until: Instant) -> Result<Lookup, Failure> {
        let own = call.view.ledger.entries().iter().rev().filter(|entry| entry.step == START);
        let own = own.filter_map(|entry| entry.handle.text(name::VIDEO_ID)).take(VIDEOS);
        let mut is_at_work = false;
        for video_id in own {
            match self.reading(call, video_id, until).await? {
                Ok(Reading::Published) => return Ok(found(video_id, Evidence::new().with("status", "published"))),
                Ok(Reading::AtWork { .. }) => is_at_work = true,
                Ok(_) => {}
                Err(reply) => {
                    let failure = failure_of(&reply, call.view.now);
                    if !matches!(failure.class, FailureClass::Transient | FailureClass::InvalidRequest) {
                        return Ok(Lookup::Failed(failure));
                    }
                }
            }
        }
        if is_at_work {
            return Ok(Lookup::Pending { check_after: None, evidence: Evidence::new().with("status", "at work") });
        }
        let (list, is_whole) = match self.list(call, window, until).await? {
            Ok(list) => list,
            Err(reply) => {
                let failure = failure_of(&reply, call.view.now);
                let is_refused =
                    matches!(&reply, GraphReply::Error(_)) && failure.class == FailureClass::InvalidRequest;
                return Ok(match is_refused {
                    true => unsure(reply.evidence(), "facebook does not let the page's reels be listed"),
                    false => Lookup::Failed(failure),
                });
            }
        };
        let text = caption::normalise(&call.view.post.content.full_caption);
        let candidates: Vec<&str> = list
            .iter()
            .filter(|reel| listed_at(reel).is_none_or(|at| window.since - MARGIN <= at))
            .filter(|reel| caption::normalise(reel["description"].as_str().unwrap_or_default()) == text)
            .filter_map(|reel| reel["id"].as_str())
            .filter(|id| !call.bound_platform_ids.iter().any(|bound| bound == id))
            .collect();
        let evidence = Evidence::new().with("reels_listed", list.len()).with("candidates", candidates.len());
        Ok(match candidates.as_slice() {
            [] if is_whole => Lookup::Absent { handle_dead: false, evidence },
            [] => unsure(evidence, "the page's list is too long to be read back to the backup"),
            _ if text.is_empty() => unsure(evidence, "without a text a listed reel cannot be told from others"),
            _ if call.same_caption_in_flight => unsure(evidence, "another post with this text may be out too"),
            [video_id] => found(video_id, evidence),
            _ => unsure(evidence, "several listed reels could be it"),
        })
    }

    /// The Page's Reels since the backup, and whether these are all.
    async fn list(
        &self,
        call: &Call<'_>,
        window: &Window,
        until: Instant,
    ) -> Result<Result<(Vec<Value>, bool), GraphReply>, Failure> {
        let path = format!("{}/video_reels", call.view.account.account_id);
        let (mut list, mut after) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut fields = vec![
                ("fields", "id,description,created_time,updated_time".to_owned()),
                ("since", (window.since - MARGIN).timestamp().to_string()),
                ("limit", "50".to_owned()),
            ];
            fields.extend(after.take().map(|after| ("after", after)));
            let page: Page<Value> = match self.meta.get(&call.tokens.access, &path, fields, until).await? {
                GraphReply::Value(value) => match shaped(value) {
                    Some(page) => page,
                    None => return Ok(Err(GraphReply::Unreadable(200))),
                },
                reply => return Ok(Err(reply)),
            };
            after = page.after().map(str::to_owned);
            list.extend(page.data);
            if after.is_none() {
                return Ok(Ok((list, true)));
            }
        }
        Ok(Ok((list, false)))
    }
}

fn found(video_id: &str, evidence: Evidence) -> Lookup {
    let handle = Handle::default().with(name::VIDEO_ID, video_id).with(name::STATUS, status::PUBLISHED);
    Lookup::Found { handle, evidence }
}

fn unsure(evidence: Evidence, why: &str) -> Lookup {
    Lookup::CannotTell { hopeless: true, evidence: evidence.with("problem", why) }
}

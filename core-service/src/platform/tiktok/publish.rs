//! The steps of the course that are API calls, and the readings that find out what became of a point of no return.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use url::Url;

use super::{
    Tiktok,
    api::{Reply, Request},
    course::{self, API_TIMEOUT, COMPLETE, INBOX, PUBLIC_ID_SEARCH, UPLOAD_URL_LIFE, VIDEO},
    errors, options,
    plan::Plan,
    replies::{CreatorInfo, InitData, StatusData, Video, VideoList},
    upload::{is_final, status_evidence, status_handle},
};
use crate::{
    domain::{
        caption::is_same_beginning,
        failure::{Failure, FailureClass, Reason},
        ledger::{Entry, Evidence, Handle, StepClass},
        media::{MediaFacts, StoredFacts, TIKTOK},
    },
    platform::{Call, Lookup, Outcome, Step, put::claim_lost},
    secret::Secret,
};

/// Characters of a caption that the list of videos gives back.
const LISTED_CAPTION: usize = 150;
/// Pages of 20 videos that a search reads at most.
const MAX_PAGES: usize = 5;
/// How long after a lost PULL_FROM_URL init its post may still turn up in the list: fetching, processing, moderation.
const PULL_SEARCH: TimeDelta = TimeDelta::minutes(10);
/// How long the count of a status may stay behind an upload that TikTok took.
const COUNT_FOLLOWS: TimeDelta = TimeDelta::minutes(2);
/// The word of an upload, and of its processing.
const PROCESSING_UPLOAD: &str = "PROCESSING_UPLOAD";
/// Scope without which the list cannot be read.
pub(super) const LIST_SCOPE: &str = "video.list";

impl Tiktok {
    /// Asks what the creator may do now, and holds the post against it.
    pub(super) async fn creator_info(&self, call: &Call<'_>, step: &Step) -> Outcome {
        let (info, evidence) = match self.fetch_creator_info(&call.tokens.access, Some(call.view.now)).await {
            Reply::Accepted { data, evidence } => (data, evidence),
            Reply::Refused { failure, evidence, .. }
            | Reply::NotSent { failure, evidence }
            | Reply::Unclear { failure, evidence } => return Outcome::NoEffect { failure, evidence },
        };
        let evidence = evidence.with("privacy_level_options", info.privacy_level_options.clone());
        let facts = match call.video.facts().await {
            Ok(facts) => facts,
            Err(failure) => return Outcome::NoEffect { failure, evidence },
        };
        let content = &call.view.post.content;
        let privacy = match options::resolve(content, &info).and_then(|level| fits(&info, &facts).map(|()| level)) {
            Ok(level) => level,
            Err(failure) => return Outcome::NoEffect { failure, evidence },
        };
        let handle = step
            .handle
            .clone()
            .with("privacy_level", privacy)
            .with("username", info.creator_username)
            .with("comment_disabled", info.comment_disabled)
            .with("duet_disabled", info.duet_disabled)
            .with("stitch_disabled", info.stitch_disabled);
        Outcome::Accepted { handle, evidence: evidence.with("privacy_level", privacy) }
    }

    /// Makes an upload. Harmless to repeat: without its last byte nothing is ever posted.
    pub(super) async fn video_init(&self, call: &Call<'_>, step: &Step) -> Outcome {
        let (facts, version) = match (call.video.facts().await, call.video.version().await) {
            (Ok(facts), Ok(version)) => (facts, version),
            (Err(failure), _) | (_, Err(failure)) => {
                return Outcome::NoEffect { failure, evidence: Evidence::new() };
            }
        };
        let (Some(plan), Some(post_info)) = (Plan::new(version.size_bytes), self.post_info(call, step)) else {
            return Outcome::NoEffect {
                failure: errors::internal("the init lacks a size or a privacy level"),
                evidence: Evidence::new(),
            };
        };
        let body = json!({
            "post_info": post_info,
            "source_info": {
                "source": "FILE_UPLOAD",
                "video_size": plan.size,
                "chunk_size": plan.chunk,
                "total_chunk_count": plan.count,
            },
        });
        let reply = self.init(call, step, body).await;
        let (data, evidence) = match reply {
            Reply::Accepted { data, evidence } => (data, evidence),
            other => return written(other),
        };
        let url =
            data.upload_url.filter(|url| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http")));
        let Some(url) = url.filter(|_| !data.publish_id.is_empty()) else {
            return Outcome::Unknown { evidence: evidence.with("problem", "the answer lacks the upload URL") };
        };
        let handle = Handle::default()
            .with("publish_id", data.publish_id)
            .with("upload_url", url)
            .with("content_type", facts.container.content_type())
            .with(VIDEO, version.to_value())
            // Counted from before the request left, so never later than TikTok's own end.
            .with_instant("upload_expires_at", call.view.now + UPLOAD_URL_LIFE);
        Outcome::Accepted { handle: plan.write(handle), evidence }
    }

    /// Has TikTok fetch the video: from here on it can become visible. The point of no return.
    pub(super) async fn video_init_pull(&self, call: &Call<'_>, step: &Step) -> Outcome {
        let video_url = match call.video.public_url().await {
            Ok(url) => url,
            Err(failure) => return Outcome::NoEffect { failure, evidence: Evidence::new() },
        };
        let Some(post_info) = self.post_info(call, step) else {
            return Outcome::NoEffect {
                failure: errors::internal("the init lacks a privacy level"),
                evidence: Evidence::new(),
            };
        };
        let source_info = json!({ "source": "PULL_FROM_URL", "video_url": video_url.as_str() });
        let body = json!({ "post_info": post_info, "source_info": source_info });
        if !call.lease.holds() {
            return Outcome::NoEffect { failure: claim_lost(), evidence: Evidence::new() };
        }
        match self.init(call, step, body).await {
            Reply::Accepted { data, evidence } if data.publish_id.is_empty() => {
                Outcome::Unknown { evidence: evidence.with("problem", "the answer lacks the publish id") }
            }
            Reply::Accepted { data, evidence } => {
                Outcome::Accepted { handle: Handle::default().with("publish_id", data.publish_id), evidence }
            }
            Reply::Refused { failure, evidence, .. } => Outcome::Refused { failure, evidence },
            other => written(other),
        }
    }

    /// Looks how far TikTok is with a publish id.
    pub(super) async fn status(&self, call: &Call<'_>, step: &Step) -> Outcome {
        let (data, evidence) = match self.status_of(call, &step.handle).await {
            Ok(found) => found,
            Err(outcome) => return outcome,
        };
        let is_known = step.handle.text("status") == Some(INBOX) && data.status == INBOX;
        if is_final(&data) && !is_known {
            return Outcome::Accepted { handle: status_handle(&data), evidence };
        }
        if is_incomplete(&data, &step.handle) && was_taken_long_ago(call) {
            return Outcome::Reopened { evidence };
        }
        Outcome::Pending { check_after: None, evidence }
    }

    /// Looks for the public id of a post that is live.
    pub(super) async fn public_id(&self, call: &Call<'_>, step: &Step) -> Outcome {
        let (data, evidence) = match self.status_of(call, &step.handle).await {
            Ok(found) => found,
            Err(Outcome::NoEffect { failure, evidence }) if failure.reason == Reason::OutcomeUnknown => {
                // TikTok forgot the publish id: the link stays unknown, the post stays live.
                return Outcome::Accepted { handle: Handle::default(), evidence };
            }
            Err(outcome) => return outcome,
        };
        let ids = data.post_ids();
        if !ids.is_empty() {
            return Outcome::Accepted { handle: Handle::default().with("post_ids", ids), evidence };
        }
        let waited = step.handle.instant("complete_at").map_or(PUBLIC_ID_SEARCH, |at| call.view.now - at);
        let minutes = match waited.num_minutes() {
            ..10 => 1,
            10..60 => 5,
            _ => 30,
        };
        Outcome::Pending { check_after: Some(std::time::Duration::from_secs(minutes * 60)), evidence }
    }

    /// What became of a last byte, by TikTok's status of its publish id.
    pub(super) async fn find_uploaded(&self, call: &Call<'_>, entry: &Entry) -> Lookup {
        let (Some(publish_id), Some(plan)) = (entry.handle.text("publish_id"), Plan::read(&entry.handle)) else {
            return Lookup::CannotTell {
                hopeless: true,
                evidence: Evidence::new().with("problem", "no publish id in the ledger"),
            };
        };
        let (data, evidence) = match self.fetch_status(call, publish_id).await {
            Reply::Accepted { data, evidence } => (data, evidence),
            Reply::Refused { failure, evidence, .. } if failure.reason == Reason::OutcomeUnknown => {
                return Lookup::CannotTell { hopeless: true, evidence };
            }
            Reply::Refused { failure, .. } | Reply::NotSent { failure, .. } | Reply::Unclear { failure, .. } => {
                return Lookup::Failed(failure);
            }
        };
        let evidence = status_evidence(evidence, &data);
        if is_final(&data) {
            return Lookup::Found { handle: status_handle(&data), evidence };
        }
        match data.uploaded_bytes() {
            Some(bytes) if bytes >= plan.size => {
                Lookup::Found { handle: Handle::default().with("uploaded", plan.size), evidence }
            }
            Some(_) if data.status == PROCESSING_UPLOAD => {
                let now = call.view.now;
                let (dead, usable) = (course::is_surely_dead(&entry.handle, now), course::is_usable(entry, now));
                match (dead, usable) {
                    (true, _) => Lookup::Absent { handle_dead: true, evidence },
                    (false, true) => Lookup::Absent { handle_dead: false, evidence },
                    // Nothing more can be sent there, and what was sent may still be taken up until the URL has died.
                    (false, false) => Lookup::Pending { check_after: None, evidence },
                }
            }
            Some(_) | None => Lookup::Pending { check_after: None, evidence },
        }
    }

    /// What became of a PULL_FROM_URL init whose answer was lost or refused it: a strict match in the creator's public
    /// videos. For a lost answer finding nothing proves nothing; for a refusal it does, where a list could show the video.
    pub(super) async fn find_pulled(&self, call: &Call<'_>, entry: &Entry) -> Lookup {
        let post = call.view.post;
        let refusal = entry.refusal();
        let duration = duration(call).await;
        let (caption, duration) = match is_listed(call, entry).and(duration.ok_or("the video's duration is unknown")) {
            Ok(duration) => (&post.content.full_caption, duration),
            // The one refusal that TikTok documents as "nothing was created".
            Err(why) if refusal.is_some_and(|failure| failure.reason == Reason::RateLimitExceeded) => {
                let evidence = Evidence::new().with("problem", why).with("documented", "nothing was created");
                return Lookup::Absent { handle_dead: true, evidence };
            }
            Err(why) => {
                return Lookup::CannotTell { hopeless: true, evidence: Evidence::new().with("problem", why) };
            }
        };
        let (videos, is_whole) = match self.pages_since(call, entry.sent_at, MAX_PAGES).await {
            Ok(listed) => listed,
            Err(failure) => return Lookup::Failed(failure),
        };
        let evidence = Evidence::new().with("listed_since", videos.len());
        if !is_whole {
            // What is on the pages behind, the oldest, might be ours.
            let evidence = evidence.with("problem", "the creator has posted more since then than is read");
            return Lookup::CannotTell { hopeless: true, evidence };
        }
        let matching: Vec<String> = videos
            .iter()
            .filter(|video| is_match(video, caption, duration))
            .filter_map(Video::id)
            .filter(|id| !call.bound_platform_ids.contains(id))
            .collect();
        let has_had_its_time = call.view.now >= entry.sent_at + PULL_SEARCH;
        match matching.as_slice() {
            [id] if !call.same_caption_in_flight => {
                let handle = Handle::default().with("status", COMPLETE).with("post_ids", vec![id.clone()]);
                Lookup::Found { handle, evidence: evidence.with("post_ids", vec![id.clone()]) }
            }
            [] if refusal.is_some() && has_had_its_time => Lookup::Absent { handle_dead: true, evidence },
            [] => {
                let evidence = evidence.with("problem", "no listed video matches");
                Lookup::CannotTell { hopeless: has_had_its_time && refusal.is_none(), evidence }
            }
            several => {
                // Whose it is shows when the other post of this caption has found its own.
                let problem = if call.same_caption_in_flight {
                    "another post of this caption is under way"
                } else {
                    "several videos match"
                };
                let evidence = evidence.with("problem", problem).with("post_ids", several.to_vec());
                Lookup::CannotTell { hopeless: !call.same_caption_in_flight, evidence }
            }
        }
    }

    /// The creator's public videos made since then, newest first, and whether these are all.
    pub(super) async fn pages_since(
        &self,
        call: &Call<'_>,
        since: DateTime<Utc>,
        pages: usize,
    ) -> Result<(Vec<Video>, bool), Failure> {
        let since = since.timestamp();
        let mut found = Vec::new();
        let mut cursor = None;
        for _ in 0..pages {
            let mut url = self.api_url("/v2/video/list/");
            url.query_pairs_mut().append_pair("fields", "id,create_time,title,video_description,duration");
            let mut body = json!({ "max_count": 20 });
            if let Some(cursor) = cursor {
                body["cursor"] = json!(cursor);
            }
            let request = self.request(url, &call.tokens.access, Some(body), Some(call.view.now));
            let page = match request.post::<VideoList>().await {
                Reply::Accepted { data, .. } => data,
                Reply::Refused { failure, .. } | Reply::NotSent { failure, .. } | Reply::Unclear { failure, .. } => {
                    return Err(failure);
                }
            };
            let is_last = !page.has_more || page.videos.iter().any(|video| video.create_time < since);
            found.extend(page.videos.into_iter().filter(|video| video.create_time >= since));
            if is_last {
                return Ok((found, true));
            }
            cursor = Some(page.cursor);
        }
        Ok((found, false))
    }

    /// `post_info` of an init, with the level that creator info allowed.
    fn post_info(&self, call: &Call<'_>, step: &Step) -> Option<serde_json::Value> {
        let privacy = step.handle.text("privacy_level")?;
        Some(options::post_info(&call.view.post.content, &step.handle, privacy))
    }

    async fn init(&self, call: &Call<'_>, step: &Step, body: serde_json::Value) -> Reply<InitData> {
        let url = self.api_url("/v2/post/publish/video/init/");
        let mut request = self.request(url, &call.tokens.access, Some(body), Some(call.view.now));
        request.timeout = step.timeout;
        if step.class == StepClass::PointOfNoReturn {
            request.at_its_time = Some((&self.connector, call.lease));
        }
        request.post().await
    }

    async fn status_of(&self, call: &Call<'_>, handle: &Handle) -> Result<(StatusData, Evidence), Outcome> {
        let Some(publish_id) = handle.text("publish_id") else {
            let failure = errors::internal("the ledger holds no publish id");
            return Err(Outcome::NoEffect { failure, evidence: Evidence::new() });
        };
        match self.fetch_status(call, publish_id).await {
            Reply::Accepted { data, evidence } => {
                let evidence = status_evidence(evidence, &data);
                Ok((data, evidence))
            }
            Reply::Refused { failure, evidence, .. }
            | Reply::NotSent { failure, evidence }
            | Reply::Unclear { failure, evidence } => Err(Outcome::NoEffect { failure, evidence }),
        }
    }

    pub(super) async fn fetch_status(&self, call: &Call<'_>, publish_id: &str) -> Reply<StatusData> {
        let url = self.api_url("/v2/post/publish/status/fetch/");
        let body = Some(json!({ "publish_id": publish_id }));
        self.request(url, &call.tokens.access, body, Some(call.view.now)).post().await
    }

    pub(super) async fn fetch_creator_info(&self, token: &Secret, now: Option<DateTime<Utc>>) -> Reply<CreatorInfo> {
        let url = self.api_url("/v2/post/publish/creator_info/query/");
        self.request(url, token, None, now).post().await
    }

    pub(super) fn request<'a>(
        &'a self,
        url: Url,
        token: &'a Secret,
        body: Option<serde_json::Value>,
        now: Option<DateTime<Utc>>,
    ) -> Request<'a> {
        Request { client: &self.api, url, token, body, timeout: API_TIMEOUT, now, at_its_time: None }
    }
}

/// Whether the list of videos would show this post, if it were there and could be told from others.
fn is_listed(call: &Call<'_>, entry: &Entry) -> Result<(), &'static str> {
    let content = &call.view.post.content;
    let privacy = entry.handle.text("privacy_level").or_else(|| options::level(&content.privacy_level));
    if privacy != Some(options::PUBLIC) {
        return Err("TikTok lists only public videos");
    }
    if !call.view.account.token_scope.iter().any(|scope| scope == LIST_SCOPE) {
        return Err("the account did not grant video.list");
    }
    if content.full_caption.trim().is_empty() {
        return Err("without a caption the video cannot be told from others");
    }
    Ok(())
}

/// TikTok waits for bytes of an upload that it had answered as complete.
fn is_incomplete(data: &StatusData, handle: &Handle) -> bool {
    let size = Plan::read(handle).map(|plan| plan.size);
    data.status == PROCESSING_UPLOAD && size.zip(data.uploaded_bytes()).is_some_and(|(size, bytes)| bytes < size)
}

/// The count of a status follows an upload; how fast, no page says.
fn was_taken_long_ago(call: &Call<'_>) -> bool {
    let sent = call.view.ledger.newest_sending(call.view.post.attempt);
    sent.is_some_and(|sent| call.view.now >= sent.answered_at.unwrap_or(sent.sent_at) + COUNT_FOLLOWS)
}

/// What a write that was not accepted means.
fn written<T>(reply: Reply<T>) -> Outcome {
    match reply {
        Reply::Refused { failure, evidence, .. } | Reply::NotSent { failure, evidence } => {
            Outcome::NoEffect { failure, evidence }
        }
        Reply::Accepted { evidence, .. } | Reply::Unclear { evidence, .. } => Outcome::Unknown { evidence },
    }
}

/// Whether the creator may post a video of this length now.
fn fits(info: &CreatorInfo, facts: &MediaFacts) -> Result<(), Failure> {
    let longest = TIKTOK.for_creator(info.max_video_post_duration_sec).max_duration_ms;
    match facts.duration_ms {
        Some(duration) if duration > longest => {
            let (duration, longest) = (duration as f64 / 1000.0, longest / 1000);
            let message = format!("the video has {duration} s, this creator may post at most {longest} s");
            Err(Failure::new(FailureClass::InvalidMedia, Reason::MediaRejected, message)
                .with_rule("VIDEO_TOO_LONG")
                .with_remedy("cut the video"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The video's length in milliseconds, from its check or its source.
pub(super) async fn duration(call: &Call<'_>) -> Option<i64> {
    let checked = call.view.post.media_facts.as_ref().and_then(StoredFacts::read);
    let known = match checked.and_then(|facts| facts.duration_ms) {
        Some(duration) => Some(duration),
        None => call.video.facts().await.ok()?.duration_ms,
    };
    known.and_then(|duration| i64::try_from(duration).ok())
}

pub(super) fn is_match(video: &Video, caption: &str, duration_ms: i64) -> bool {
    let seen = [&video.video_description, &video.title];
    is_as_long(video, duration_ms) && seen.into_iter().any(|seen| is_same_beginning(caption, seen, LISTED_CAPTION))
}

/// TikTok gives whole seconds, rounded one way or the other.
pub(super) fn is_as_long(video: &Video, duration_ms: i64) -> bool {
    (video.duration * 1000 - duration_ms).abs() <= 1000
}

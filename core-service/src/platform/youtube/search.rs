//! Looking for a video in the channel's uploads: by the name of its file, which holds our post and which only the owner can
//! read. It is told once YouTube has looked at the file; until then a video proves nothing. A post that was made after a
//! backup and asked for again after its restore has another name now: it is looked for by its text, among the videos of
//! posts that the backup does not know.
//!
//! The list of uploads is used, never the search: its index knows new videos late and deleted ones for long.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    Youtube,
    course::{self, BY_TEXT, marked_at, marker, name},
    errors::Reply,
    exchange::{found, handle_of, made_at},
    options,
};
use crate::{
    domain::{
        caption,
        ledger::Evidence,
        post::{Content, Post},
    },
    platform::{Call, Lookup, Window},
};

/// Pages of 50 that are read at most.
const PAGES: usize = 10;

/// How long before the backup a video may have been made that the backup does not know of: clocks differ.
const MARGIN: TimeDelta = TimeDelta::minutes(10);

/// The channel's newest uploads, as their owner sees them.
pub(super) struct Uploads {
    pub(super) videos: Vec<Value>,
    /// These are all since the asked instant.
    is_whole: bool,
}

/// What a video says, as far as YouTube leaves it as it was sent.
#[derive(PartialEq, Eq)]
struct TextOf {
    title: String,
    description: String,
}

impl TextOf {
    fn post(content: &Content) -> Self {
        let (title, description) = (options::title(content), &content.full_caption);
        Self { title: caption::normalise(&title), description: caption::normalise(description) }
    }

    fn video(video: &Value) -> Self {
        let text = |field: &str| caption::normalise(video["snippet"][field].as_str().unwrap_or_default());
        Self { title: text("title"), description: text("description") }
    }
}

/// Whether a file's name is that of a post that was made after the backup, so that the database does not know it, and this
/// post too was made since: its caller may have asked for it again. A post that the backup knows has its own name.
fn is_of_a_lost_post(name: &str, post: &Post, window: &Window) -> bool {
    let made = marked_at(name);
    made.is_some_and(|made| window.since <= made && made < post.created_at) && post.created_at >= window.since
}

impl Youtube {
    /// The channel's uploads, newest first: since an instant, or the newest fifty.
    pub(super) async fn uploaded(
        &self,
        call: &Call<'_>,
        since: Option<DateTime<Utc>>,
        until: Instant,
    ) -> Result<Uploads, Reply> {
        let metadata = &call.view.account.metadata;
        let playlist = metadata["uploads_playlist"].as_str().unwrap_or_default();
        let token = &call.tokens.access;
        let (mut videos, mut page) = (Vec::new(), String::new());
        for _ in 0..if since.is_some() { PAGES } else { 1 } {
            let mut query = vec![("part", "contentDetails"), ("playlistId", playlist), ("maxResults", "50")];
            if !page.is_empty() {
                query.push(("pageToken", page.as_str()));
            }
            let list = match self.get(token, "/youtube/v3/playlistItems", &query, until).await {
                Reply::Value(list, _) => list,
                reply => return Err(reply),
            };
            let items = list["items"].as_array().cloned().unwrap_or_default();
            let ids: Vec<&str> = items.iter().filter_map(|item| item["contentDetails"]["videoId"].as_str()).collect();
            if !ids.is_empty() {
                let query = [("part", "status,snippet,fileDetails,processingDetails"), ("id", &ids.join(","))];
                match self.get(token, "/youtube/v3/videos", &query, until).await {
                    Reply::Value(found, _) => videos.extend(found["items"].as_array().cloned().unwrap_or_default()),
                    reply => return Err(reply),
                }
            }
            page = list["nextPageToken"].as_str().unwrap_or_default().to_owned();
            let is_past = since.is_some_and(|since| videos.last().and_then(made_at).is_some_and(|at| at < since));
            if page.is_empty() || is_past {
                return Ok(Uploads { videos, is_whole: true });
            }
        }
        Ok(Uploads { videos, is_whole: false })
    }

    /// Looks for a post that another core may have sent before a backup was restored.
    pub(super) async fn search_channel(&self, call: &Call<'_>, window: &Window) -> Lookup {
        let until = Instant::now() + course::CALL + course::CALL / 2;
        let since = window.since - MARGIN;
        let list = match self.uploaded(call, Some(since), until).await {
            Ok(list) => list,
            Err(reply) => return Lookup::Failed(reply.failure(call.view.now)),
        };
        let ours = format!("{}-", marker(call.view.post));
        let file_name = |video: &Value| video["fileDetails"]["fileName"].as_str().map(str::to_owned);
        let own = list.videos.iter().find(|video| file_name(video).is_some_and(|name| name.starts_with(&ours)));
        let requested = options::privacy(&call.view.post.content.privacy_level).unwrap_or(options::PUBLIC);
        let evidence = Evidence::new().with("videos_listed", list.videos.len());
        if let Some(video) = own {
            return match video["status"]["privacyStatus"].as_str() == Some(requested) {
                true => found(video, evidence.with("match", "the file's name")),
                // A private first step of the other core's: nobody has seen it.
                false => Lookup::Absent { handle_dead: false, evidence: evidence.with("match", "still private") },
            };
        }
        let text = TextOf::post(&call.view.post.content);
        let lost = list.videos.iter().filter(|video| {
            let is_named = file_name(video).is_some_and(|name| is_of_a_lost_post(&name, call.view.post, window));
            let is_bound =
                video["id"].as_str().is_none_or(|id| call.bound_platform_ids.iter().any(|bound| bound == id));
            is_named
                && !is_bound
                && video["status"]["privacyStatus"].as_str() == Some(requested)
                && text == TextOf::video(video)
        });
        let unsure = |why: &str| Lookup::CannotTell { hopeless: true, evidence: evidence.clone().with("problem", why) };
        match lost.collect::<Vec<_>>().as_slice() {
            [] => {}
            [_, ..] if call.same_caption_in_flight => return unsure("another post with this text may be out too"),
            [video] => {
                let handle = handle_of(video).with(name::MATCH, BY_TEXT);
                let evidence = evidence.with("match", "the text of a post that the backup does not know");
                return Lookup::Found { handle, evidence };
            }
            _ => return unsure("several listed videos could be it"),
        }
        let nameless = list.videos.iter().filter(|video| {
            file_name(video).is_none() && made_at(video).is_none_or(|at| since <= at && at <= window.until + MARGIN)
        });
        match nameless.count() {
            0 if list.is_whole => Lookup::Absent { handle_dead: false, evidence },
            0 => Lookup::CannotTell { hopeless: true, evidence: evidence.with("problem", "the list is too long") },
            several => Lookup::CannotTell { hopeless: false, evidence: evidence.with("files_not_named", several) },
        }
    }
}

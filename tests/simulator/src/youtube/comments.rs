//! `commentThreads.insert` and `commentThreads.list`: comments under a video, by the caller's channel.

use serde_json::{Value, json};

use crate::reply;
use crate::youtube::api::{Api, ApiResult};
use crate::youtube::error::Refusal;
use crate::youtube::rules::Privacy;
use crate::youtube::video;

/// Names below Google's prefix that allow writing and reading comments.
pub(crate) const SCOPES: [&str; 2] = ["youtube.force-ssl", "youtubepartner"];

/// Longest comment, characters.
const LONGEST: usize = 10_000;

/// One comment.
#[derive(Clone, Debug)]
pub(crate) struct Comment {
    id: String,
    channel: String,
    text: String,
    at: chrono::DateTime<chrono::Utc>,
}

/// `POST /youtube/v3/commentThreads`.
pub(crate) fn insert(api: &mut Api<'_>) -> ApiResult {
    api.need("part")?;
    let body = api.body()?;
    let snippet = body.get("snippet").cloned().unwrap_or_default();
    let video_id = snippet["videoId"].as_str().filter(|id| !id.is_empty() && snippet["channelId"].is_string());
    let video_id = video_id.ok_or_else(|| Refusal::of("channelOrVideoIdMissing"))?.to_owned();
    let text = snippet["topLevelComment"]["snippet"]["textOriginal"].as_str().unwrap_or_default().to_owned();
    if text.trim().is_empty() {
        return Err(Refusal::of("commentTextRequired"));
    }
    if text.chars().count() > LONGEST {
        return Err(Refusal::of("commentTextTooLong"));
    }
    check(api, &video_id)?;
    let comment = Comment {
        id: format!("Ug{}", api.sim.random.token(20)),
        channel: api.access.channel.clone(),
        text: text.clone(),
        at: api.now,
    };
    let answer = thread(&video_id, &comment);
    api.state.comments.entry(video_id.clone()).or_default().push(comment);
    api.sim.posts.change("youtube", &video_id, |post| post.comments.push(text));
    Ok(reply::json(200, &answer))
}

/// `GET /youtube/v3/commentThreads`, newest first.
pub(crate) fn list(api: &mut Api<'_>) -> ApiResult {
    api.need("part")?;
    let video_id = api.need("videoId")?.to_owned();
    check(api, &video_id)?;
    let limit = match api.call.query.get("maxResults") {
        None => 20,
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|count| (1..=100).contains(count))
            .ok_or_else(|| Refusal::of("invalidValue").at("maxResults", "parameter"))?,
    };
    let from = match api.call.query.get("pageToken") {
        Some(token) => token.parse::<usize>().map_err(|_| Refusal::of("invalidPageToken"))?,
        None => 0,
    };
    let all = api.state.comments.get(&video_id).map(Vec::as_slice).unwrap_or_default();
    let items: Vec<Value> = all.iter().rev().skip(from).take(limit).map(|comment| thread(&video_id, comment)).collect();
    let mut answer = json!({
        "kind": "youtube#commentThreadListResponse",
        "etag": "comments",
        "pageInfo": { "totalResults": items.len(), "resultsPerPage": limit },
        "items": items,
    });
    if from + limit < all.len() {
        answer["nextPageToken"] = json!((from + limit).to_string());
    }
    Ok(reply::json(200, &answer))
}

/// Whether comments are taken and shown under the video.
fn check(api: &Api<'_>, video_id: &str) -> Result<(), Refusal> {
    let video = api.state.videos.get(video_id).filter(|video| video.deleted_at.is_none());
    let video = video.ok_or_else(|| Refusal::of("videoNotFound").at("videoId", "parameter"))?;
    let is_private = video.draft.status.privacy == Privacy::Private;
    if is_private && video.channel != api.access.channel {
        return Err(Refusal::of("forbidden"));
    }
    match is_private || video.draft.status.made_for_kids {
        true => Err(Refusal::of("commentsDisabled")),
        false => Ok(()),
    }
}

fn thread(video_id: &str, comment: &Comment) -> Value {
    json!({
        "kind": "youtube#commentThread",
        "etag": comment.id,
        "id": comment.id,
        "snippet": {
            "videoId": video_id,
            "topLevelComment": {
                "kind": "youtube#comment",
                "id": comment.id,
                "snippet": {
                    "textDisplay": comment.text,
                    "textOriginal": comment.text,
                    "authorChannelId": { "value": comment.channel },
                    "publishedAt": video::stamp(comment.at),
                },
            },
            "canReply": true,
            "totalReplyCount": 0,
            "isPublic": true,
        },
    })
}

//! `channels.list`, `playlistItems.list`, `search.list` and `videoCategories.list`.
//!
//! The uploads playlist shows a video after a lag, at once unless a rule says otherwise. The search index lags behind
//! much longer and still finds videos that were deleted: whoever looks for duplicates there is misled, as at YouTube.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::reply;
use crate::youtube::api::{Api, ApiResult};
use crate::youtube::channel::Channel;
use crate::youtube::error::Refusal;
use crate::youtube::resource::CATEGORIES;
use crate::youtube::rules::Privacy;
use crate::youtube::video::{self, UploadStatus, Video};

fn named_parts(api: &Api<'_>, known: &[&str]) -> Result<Vec<String>, Refusal> {
    let parts: Vec<String> = api.need("part")?.split(',').map(|part| part.trim().to_owned()).collect();
    match parts.iter().find(|part| !known.contains(&part.as_str())) {
        None => Ok(parts),
        Some(part) => Err(Refusal::of("unknownPart").say(format!("'{part}'")).at("part", "parameter")),
    }
}

/// `GET /youtube/v3/channels`.
pub(crate) fn channels(api: &mut Api<'_>) -> ApiResult {
    let parts = named_parts(api, &["id", "snippet", "contentDetails", "statistics", "status", "brandingSettings"])?;
    let query = &api.call.query;
    let asked: Vec<&Channel> = match (query.get("mine"), query.get("id")) {
        (Some("true"), _) => {
            let own = api.state.channels.get(&api.access.channel).filter(|channel| channel.profile.has_channel);
            if own.is_none() && api.state.rules.no_channel_is_401 {
                return Err(Refusal::of("youtubeSignupRequired"));
            }
            own.into_iter().collect()
        }
        (_, Some(ids)) => ids
            .split(',')
            .filter_map(|id| api.state.channels.get(id.trim()))
            .filter(|channel| channel.profile.has_channel)
            .collect(),
        (Some(_) | None, None) => {
            return Err(Refusal::of("missingRequiredParameter").say(
                "No filter selected. Expected one of: forHandle, forUsername, id, managedByMe, mine, mySubscribers",
            ));
        }
    };
    let items: Vec<Value> = asked.into_iter().map(|channel| channel_item(api, channel, &parts)).collect();
    let mut answer = json!({
        "kind": "youtube#channelListResponse",
        "etag": "channels",
        "pageInfo": { "totalResults": items.len(), "resultsPerPage": 5 },
    });
    // Without a channel the key itself is absent.
    if !items.is_empty() {
        answer["items"] = json!(items);
    }
    Ok(reply::json(200, &answer))
}

fn channel_item(api: &Api<'_>, channel: &Channel, parts: &[String]) -> Value {
    let profile = &channel.profile;
    let mut item = json!({ "kind": "youtube#channel", "etag": format!("channel-{}", profile.id), "id": profile.id });
    for part in parts {
        let value = match part.as_str() {
            "snippet" => json!({
                "title": profile.name,
                "description": "",
                "customUrl": format!("@{}", profile.username),
                "publishedAt": "2015-01-01T00:00:00Z",
                "thumbnails": {
                    "default": { "url": format!("https://yt3.ggpht.com/{}=s88", profile.username), "width": 88, "height": 88 },
                    "medium": { "url": format!("https://yt3.ggpht.com/{}=s240", profile.username), "width": 240, "height": 240 },
                    "high": { "url": format!("https://yt3.ggpht.com/{}=s800", profile.username), "width": 800, "height": 800 },
                },
                "localized": { "title": profile.name, "description": "" },
            }),
            "contentDetails" => {
                json!({ "relatedPlaylists": { "likes": "", "uploads": channel.uploads_playlist() } })
            }
            "statistics" => {
                let videos = channel.videos.iter().filter_map(|id| api.state.videos.get(id));
                let public: Vec<&Video> = videos.filter(|video| is_public(video)).collect();
                let views: u64 = public.iter().map(|video| video.counters(api.now).views).sum();
                json!({
                    "viewCount": views.to_string(),
                    "subscriberCount": "1200",
                    "hiddenSubscriberCount": false,
                    "videoCount": public.len().to_string(),
                })
            }
            "status" => json!({
                "privacyStatus": "public",
                "isLinked": true,
                "longUploadsStatus": if profile.phone_verified { "allowed" } else { "eligible" },
                "madeForKids": false,
            }),
            "brandingSettings" => json!({ "channel": { "title": profile.name } }),
            _ => continue,
        };
        item[part.as_str()] = value;
    }
    item
}

fn is_public(video: &Video) -> bool {
    video.draft.status.privacy == Privacy::Public && video.is_readable(false)
}

/// `GET /youtube/v3/playlistItems`.
pub(crate) fn playlist_items(api: &mut Api<'_>) -> ApiResult {
    let parts = named_parts(api, &["id", "snippet", "contentDetails", "status"])?;
    let playlist = api.need("playlistId")?.to_owned();
    let limit = api.max_results()?;
    let channel = api
        .state
        .channel_of_playlist(&playlist)
        .filter(|channel| channel.profile.has_channel)
        .ok_or_else(|| Refusal::of("playlistNotFound").at("playlistId", "parameter"))?;
    let own = channel.profile.id == api.access.channel;
    let lag = TimeDelta::seconds(api.state.rules.uploads_list_lag_seconds);
    let shown: Vec<&Video> = channel
        .videos
        .iter()
        .rev()
        .filter_map(|id| api.state.videos.get(id))
        .filter(|video| video.created_at + lag <= api.now)
        .filter(|video| if own { video.is_readable(true) } else { is_public(video) })
        .collect();
    let start = page_start(api, &shown)?;
    let page = shown.iter().skip(start).take(limit);
    let items: Vec<Value> = page
        .enumerate()
        .map(|(index, video)| playlist_item(video, channel, &playlist, start + index, &parts))
        .collect();
    let mut answer = json!({
        "kind": "youtube#playlistItemListResponse",
        "etag": "items",
        "items": items,
        "pageInfo": { "totalResults": shown.len(), "resultsPerPage": limit },
    });
    if let Some(next) = shown.get(start + limit).filter(|_| limit > 0) {
        answer["nextPageToken"] = json!(format!("EAAaB{}", next.id));
    }
    Ok(reply::json(200, &answer))
}

/// Page tokens name the video that the page begins with, so a new upload does not shift the pages.
fn page_start(api: &Api<'_>, shown: &[&Video]) -> Result<usize, Refusal> {
    let Some(token) = api.call.query.get("pageToken") else { return Ok(0) };
    let unknown = || Refusal::of("invalidPageToken").at("pageToken", "parameter");
    let id = token.strip_prefix("EAAaB").ok_or_else(unknown)?;
    shown.iter().position(|video| video.id == id).ok_or_else(unknown)
}

fn playlist_item(video: &Video, channel: &Channel, playlist: &str, position: usize, parts: &[String]) -> Value {
    let mut item = json!({
        "kind": "youtube#playlistItem",
        "etag": format!("item-{}", video.id),
        "id": format!("{playlist}.{}", video.id),
    });
    for part in parts {
        let value = match part.as_str() {
            "snippet" => json!({
                "publishedAt": video::stamp(video.created_at),
                "channelId": channel.profile.id,
                "channelTitle": channel.profile.name,
                "title": video.draft.snippet.title,
                "description": video.draft.snippet.description,
                "thumbnails": video::thumbnails(&video.id),
                "playlistId": playlist,
                "position": position,
                "resourceId": { "kind": "youtube#video", "videoId": video.id },
                "videoOwnerChannelId": channel.profile.id,
                "videoOwnerChannelTitle": channel.profile.name,
            }),
            "contentDetails" => {
                let mut details = json!({ "videoId": video.id });
                if let Some(at) = video.published_at {
                    details["videoPublishedAt"] = json!(video::stamp(at));
                }
                details
            }
            "status" => json!({ "privacyStatus": video.draft.status.privacy.word() }),
            _ => continue,
        };
        item[part.as_str()] = value;
    }
    item
}

/// `GET /youtube/v3/search`.
pub(crate) fn search(api: &mut Api<'_>) -> ApiResult {
    named_parts(api, &["id", "snippet"])?;
    let query = &api.call.query;
    let mine = query.get("forMine") == Some("true");
    if mine && query.get("type") != Some("video") {
        return Err(Refusal::of("invalidFilters").say("forMine needs type=video").at("type", "parameter"));
    }
    let limit = api.max_results()?;
    let words = query.get("q").unwrap_or("").to_lowercase();
    let of = if mine { Some(api.access.channel.as_str()) } else { query.get("channelId") };
    let lag = TimeDelta::seconds(api.state.rules.search_lag_seconds);
    let mut found: Vec<&Video> = api
        .state
        .videos
        .values()
        .filter(|video| of.is_none_or(|channel| video.channel == channel))
        .filter(|video| is_indexed(video, mine, lag, api.now))
        .filter(|video| {
            let snippet = &video.draft.snippet;
            format!("{} {}", snippet.title, snippet.description).to_lowercase().contains(&words)
        })
        .collect();
    found.sort_by(|one, other| other.created_at.cmp(&one.created_at).then_with(|| one.id.cmp(&other.id)));
    let items: Vec<Value> = found
        .iter()
        .take(limit)
        .filter_map(|video| {
            let channel = api.state.channels.get(&video.channel)?;
            Some(json!({
                "kind": "youtube#searchResult",
                "etag": format!("result-{}", video.id),
                "id": { "kind": "youtube#video", "videoId": video.id },
                "snippet": {
                    "publishedAt": video::stamp(video.published_at.unwrap_or(video.created_at)),
                    "channelId": video.channel,
                    "title": video.draft.snippet.title,
                    "description": video.draft.snippet.description,
                    "thumbnails": video::thumbnails(&video.id),
                    "channelTitle": channel.profile.name,
                    "liveBroadcastContent": "none",
                },
            }))
        })
        .collect();
    Ok(reply::json(
        200,
        &json!({
            "kind": "youtube#searchListResponse",
            "etag": "search",
            "items": items,
            "pageInfo": { "totalResults": found.len(), "resultsPerPage": limit },
        }),
    ))
}

/// Whether the index knows the video: it learns of new ones late, and of deletions too.
fn is_indexed(video: &Video, mine: bool, lag: TimeDelta, now: DateTime<Utc>) -> bool {
    let known = video.created_at + lag <= now;
    let ghost = video.deleted_at.is_some_and(|at| now < at + lag);
    let visible = match video.upload_status {
        UploadStatus::Deleted => ghost,
        _ => mine || is_public(video),
    };
    known && visible
}

/// `GET /youtube/v3/videoCategories`.
pub(crate) fn categories(api: &mut Api<'_>) -> ApiResult {
    named_parts(api, &["snippet"])?;
    let query = &api.call.query;
    let ids: Option<Vec<&str>> = query.get("id").map(|ids| ids.split(',').collect());
    if ids.is_none() && query.get("regionCode").is_none() {
        return Err(Refusal::of("missingRequiredParameter").say("No filter selected. Expected one of: id, regionCode"));
    }
    let items: Vec<Value> = CATEGORIES
        .iter()
        .filter(|(id, ..)| ids.as_ref().is_none_or(|ids| ids.contains(id)))
        .map(|(id, title, assignable)| {
            json!({
                "kind": "youtube#videoCategory",
                "etag": format!("category-{id}"),
                "id": id,
                "snippet": { "title": title, "assignable": assignable, "channelId": "UCBR8-60-B28hp2BmDPdntcQ" },
            })
        })
        .collect();
    Ok(reply::json(200, &json!({ "kind": "youtube#videoCategoryListResponse", "etag": "categories", "items": items })))
}

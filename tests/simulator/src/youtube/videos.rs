//! `videos.list`, `videos.update`, `videos.delete` and `videos.batchGetStats` (sheet §7).
//!
//! What does not exist, was deleted or is somebody else's private video is missing from a list, without an error. An
//! update replaces every field of the parts it names.

use serde_json::{Value, json};

use crate::reply;
use crate::youtube::api::{Api, ApiResult};
use crate::youtube::error::Refusal;
use crate::youtube::publish_at;
use crate::youtube::resource::{self, OWNER_PARTS};
use crate::youtube::rules::Privacy;
use crate::youtube::video::{self, UploadStatus, Video};

/// Parts that `videos.update` writes.
const UPDATABLE: [&str; 4] = ["snippet", "status", "recordingDetails", "localizations"];
/// Parts of `videos.batchGetStats`.
const STATS_PARTS: [&str; 4] = ["contentDetails", "id", "snippet", "statistics"];

/// `GET /youtube/v3/videos`.
pub(crate) fn list(api: &mut Api<'_>) -> ApiResult {
    let parts = resource::parts(api.call.query.get("part"))?;
    if api.call.query.get("id").is_none() {
        return Err(Refusal::of("missingRequiredParameter")
            .say("No filter selected. Expected one of: myRating, chart, id")
            .at("parameters.", "other"));
    }
    let ids = api.ids()?;
    let owner_only = parts.iter().any(|part| OWNER_PARTS.contains(&part.as_str()));
    let mut items = Vec::new();
    for id in &ids {
        let Some(video) = api.state.videos.get(id) else { continue };
        let own = video.channel == api.access.channel;
        if !video.is_readable(own) {
            continue;
        }
        if owner_only && !own {
            return Err(Refusal::of("forbidden").say(
                "The request cannot access user rating information, file details or processing information: only the \
                 owner of the video may.",
            ));
        }
        let Some(channel) = api.state.channels.get(&video.channel) else { continue };
        items.push(video.item(channel, &parts, api.now));
    }
    Ok(reply::json(200, &answer("youtube#videoListResponse", items)))
}

/// A list with its frame.
fn answer(kind: &str, items: Vec<Value>) -> Value {
    let count = items.len();
    json!({
        "kind": kind,
        "etag": format!("list-{count}"),
        "items": items,
        "pageInfo": { "totalResults": count, "resultsPerPage": count },
    })
}

/// The caller's own video, or the refusal that says which of the two is wrong.
fn own<'a>(api: &'a Api<'_>, id: &str) -> Result<&'a Video, Refusal> {
    let video = api.state.videos.get(id).filter(|video| video.upload_status != UploadStatus::Deleted);
    let video = video.ok_or_else(|| Refusal::of("videoNotFound").at("id", "parameter"))?;
    if video.channel == api.access.channel { Ok(video) } else { Err(Refusal::of("forbidden")) }
}

/// `PUT /youtube/v3/videos`.
pub(crate) fn update(api: &mut Api<'_>) -> ApiResult {
    let parts = resource::parts(api.call.query.get("part"))?;
    if let Some(part) = parts.iter().find(|part| !UPDATABLE.contains(&part.as_str()) && *part != "id") {
        return Err(Refusal::of("unknownPart").say(format!("'{part}' cannot be updated")).at("part", "parameter"));
    }
    let body = api.body()?;
    let id = match body.get("id") {
        Some(Value::String(id)) if !id.is_empty() => id.clone(),
        Some(_) | None => return Err(Refusal::missing("id").at("body.id", "other")),
    };
    let current = own(api, &id)?;
    let mut draft = current.draft.clone();
    if parts.iter().any(|part| part == "snippet") {
        let given = |name: &str| body.get("snippet").and_then(|snippet| snippet.get(name)).is_some();
        if !given("title") {
            return Err(Refusal::of("invalidTitle").at("body.snippet.title", "other"));
        }
        if !given("categoryId") {
            return Err(Refusal::of("invalidCategoryId").at("body.snippet.categoryId", "other"));
        }
    }
    let rules = api.state.rules.clone();
    draft.write(&body, &parts, &rules)?;
    if parts.iter().any(|part| part == "status") {
        publish_at::check(&draft.status, Some(current), &rules, api.now)?;
        let profile = api.state.channels.get(&api.access.channel).map(|channel| &channel.profile);
        if draft.status.privacy == Privacy::Public && profile.is_some_and(|profile| profile.may_not_publish) {
            return Err(Refusal::of("forbiddenPrivacySetting"));
        }
        if rules.force_private {
            draft.status.privacy = Privacy::Private;
        }
    }
    if let Some(video) = api.state.videos.get_mut(&id) {
        video.draft = draft;
    }
    if parts.iter().any(|part| part == "status") {
        video::plan_publishing(api.state, &id);
    }
    video::show(api.sim, api.state, &id, api.now);
    let (Some(video), Some(channel)) = (api.state.videos.get(&id), api.state.channels.get(&api.access.channel)) else {
        return Err(Refusal::of("videoNotFound"));
    };
    Ok(reply::json(200, &video.item(channel, &parts, api.now)))
}

/// `DELETE /youtube/v3/videos`.
pub(crate) fn delete(api: &mut Api<'_>) -> ApiResult {
    let id = api.need("id")?.to_owned();
    own(api, &id)?;
    if let Some(video) = api.state.videos.get_mut(&id) {
        video.upload_status = UploadStatus::Deleted;
        video.deleted_at = Some(api.now);
    }
    video::show(api.sim, api.state, &id, api.now);
    Ok(reply::empty(204))
}

/// `GET /youtube/v3/videos:batchGetStats`.
pub(crate) fn batch_get_stats(api: &mut Api<'_>) -> ApiResult {
    let parts = resource::parts(api.call.query.get("part"))?;
    if let Some(part) = parts.iter().find(|part| !STATS_PARTS.contains(&part.as_str())) {
        return Err(Refusal::of("unknownPart").say(format!("'{part}'")).at("part", "parameter"));
    }
    let ids = api.ids()?;
    let has = |part: &str| parts.iter().any(|asked| asked == part);
    let mut items = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let Some(video) = api.state.videos.get(id) else { continue };
        if !video.is_readable(video.channel == api.access.channel) || (api.state.rules.partial_stats && index % 2 == 1)
        {
            continue;
        }
        let mut item = json!({ "kind": "youtube#videoStats", "etag": format!("{id}-stats"), "id": id });
        if has("snippet") {
            let at = video.published_at.unwrap_or(video.created_at);
            item["snippet"] = json!({ "publishTime": video::stamp(at) });
        }
        if has("statistics") {
            let mut counters = video.statistics(api.now);
            if let Some(counters) = counters.as_object_mut() {
                counters.remove("favoriteCount");
            }
            item["statistics"] = counters;
        }
        if has("contentDetails") {
            let ms = video.file.probe.as_ref().map_or(0, |probe| probe.duration_ms);
            item["contentDetails"] = json!({ "duration": video::duration(ms), "durationMillis": ms.to_string() });
        }
        items.push(item);
    }
    Ok(reply::json(200, &json!({ "kind": "youtube#batchGetStatsResponse", "etag": "stats", "items": items })))
}

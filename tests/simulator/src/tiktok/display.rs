//! Profile and listing (sheet §3, §7).
//!
//! The list is what a client could use to find out about lost answers, so it is as blind as the real one: public
//! posts past moderation only, captions cut to 150 characters.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::growth::grown;
use crate::host::Host;
use crate::tiktok::Api;
use crate::tiktok::account::{Account, Video};
use crate::tiktok::envelope::{ApiResult, Refusal};

const VIDEO_FIELDS: [&str; 16] = [
    "id",
    "create_time",
    "cover_image_url",
    "share_url",
    "video_description",
    "title",
    "duration",
    "height",
    "width",
    "embed_html",
    "embed_link",
    "like_count",
    "comment_count",
    "share_count",
    "view_count",
    "is_aigc",
];

/// `GET /v2/user/info/`.
pub(crate) fn user_info(api: &mut Api<'_>) -> ApiResult {
    api.limit("user_info", api.state.rules.display_per_minute)?;
    let fields = fields(api)?;
    let Some(account) = api.state.accounts.get(&api.token.open_id) else { return Err(Refusal::token()) };
    let profile = &account.profile;
    let mut user = Map::new();
    for field in fields {
        let avatar = || json!(format!("{}/avatar/{}.svg", api.sim.url(Host::Media), profile.username));
        let link = || json!(format!("https://www.tiktok.com/@{}", profile.username));
        let (scope, value) = match field.as_str() {
            "open_id" => ("user.info.basic", json!(profile.id)),
            "union_id" => ("user.info.basic", json!(account.union_id)),
            "avatar_url" | "avatar_url_100" | "avatar_large_url" => ("user.info.basic", avatar()),
            "display_name" => ("user.info.basic", json!(profile.name)),
            "bio_description" => ("user.info.profile", json!("")),
            "profile_deep_link" | "profile_web_link" => ("user.info.profile", link()),
            "is_verified" => ("user.info.profile", json!(profile.is_verified)),
            "username" => ("user.info.profile", json!(profile.username)),
            "follower_count" => ("user.info.stats", json!(1000)),
            "following_count" => ("user.info.stats", json!(10)),
            "likes_count" => ("user.info.stats", json!(5000)),
            "video_count" => ("user.info.stats", json!(account.videos.len())),
            _ => return Err(api.invalid(&format!("Fields: {field} is invalid."))),
        };
        if !api.token.has(scope) {
            return Err(Refusal::scope());
        }
        user.insert(field, value);
    }
    Ok(Some(json!({ "user": user })))
}

fn fields(api: &Api<'_>) -> Result<Vec<String>, Refusal> {
    let fields = api.call.query.get("fields").unwrap_or("");
    if fields.is_empty() {
        return Err(api.invalid("Fields is required."));
    }
    Ok(fields.split(',').map(str::to_owned).collect())
}

fn video_fields(api: &Api<'_>) -> Result<Vec<String>, Refusal> {
    let fields = fields(api)?;
    match fields.iter().find(|field| !VIDEO_FIELDS.contains(&field.as_str())) {
        Some(unknown) => Err(api.invalid(&format!("Fields: {unknown} is invalid."))),
        None => Ok(fields),
    }
}

/// `POST /v2/video/list/`: newest first, `cursor` in milliseconds means "older than this".
pub(crate) fn video_list(api: &mut Api<'_>) -> ApiResult {
    api.need_scope(&["video.list"])?;
    api.limit("video_list", api.state.rules.display_per_minute)?;
    let fields = video_fields(api)?;
    let body = if api.call.body.is_empty() { json!({}) } else { api.body()? };
    let whole = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64() {
            Some(number) => Ok(Some(number)),
            None => Err(api.invalid(&format!("{name} must be an integer."))),
        },
    };
    let count = match whole("max_count")?.unwrap_or(10) {
        count @ 1..=20 => count as usize,
        _ => return Err(api.invalid("max_count must be between 1 and 20.")),
    };
    let cursor = whole("cursor")?;
    let now = api.sim.clock.now();
    let Some(account) = api.state.accounts.get(&api.token.open_id) else { return Err(Refusal::token()) };
    // Videos are kept in the order of their processing, which is the order of `created_at`.
    let mut older = account
        .videos
        .iter()
        .rev()
        .filter(|video| listed(video, now))
        .filter(|video| cursor.is_none_or(|cursor| video.created_at.timestamp_millis() < cursor));
    let page: Vec<&Video> = older.by_ref().take(count).collect();
    let has_more = older.next().is_some();
    let next = page.last().map_or(cursor.unwrap_or(0), |video| video.created_at.timestamp_millis());
    let videos: Vec<Value> = page.into_iter().map(|video| object(api, account, video, &fields, now)).collect();
    Ok(Some(json!({ "videos": videos, "cursor": next, "has_more": has_more })))
}

/// `POST /v2/video/query/`: ids that are unknown, foreign, private or gone are simply missing.
pub(crate) fn video_query(api: &mut Api<'_>) -> ApiResult {
    api.need_scope(&["video.list"])?;
    api.limit("video_query", api.state.rules.display_per_minute)?;
    let fields = video_fields(api)?;
    let body = api.body()?;
    let ids = body.get("filters").and_then(|filters| filters.get("video_ids")).and_then(Value::as_array);
    let Some(ids) = ids.filter(|ids| (1..=20).contains(&ids.len()) && ids.iter().all(Value::is_string)) else {
        return Err(api.invalid("filters.video_ids must hold 1 to 20 strings."));
    };
    let now = api.sim.clock.now();
    let Some(account) = api.state.accounts.get(&api.token.open_id) else { return Err(Refusal::token()) };
    let wanted: Vec<u64> = ids.iter().filter_map(|id| id.as_str()?.parse().ok()).collect();
    let videos: Vec<Value> = account
        .videos
        .iter()
        .filter(|video| listed(video, now) && video.ids.iter().any(|id| wanted.contains(id)))
        .map(|video| object(api, account, video, &fields, now))
        .collect();
    Ok(Some(json!({ "videos": videos })))
}

fn listed(video: &Video, now: DateTime<Utc>) -> bool {
    !video.removed && video.public_at.is_some_and(|public_at| public_at <= now)
}

fn object(api: &Api<'_>, account: &Account, video: &Video, fields: &[String], now: DateTime<Utc>) -> Value {
    let id = video.ids[0].to_string();
    let username = &account.profile.username;
    let short: String = video.caption.chars().take(150).collect();
    let grown = grown(&id, (now - video.created_at).num_seconds());
    let mut object = Map::new();
    for field in fields {
        let value = match field.as_str() {
            "id" => json!(id),
            "create_time" => json!(video.created_at.timestamp()),
            "cover_image_url" => json!(format!("{}/avatar/cover-{id}.svg", api.sim.url(Host::Media))),
            "share_url" => json!(format!("https://www.tiktok.com/@{username}/video/{id}?utm_campaign=tt4d_open_api")),
            "video_description" | "title" => json!(short),
            "duration" => json!(video.duration_ms / 1000),
            "height" => json!(video.height),
            "width" => json!(video.width),
            "embed_html" => json!(format!("<blockquote class=\"tiktok-embed\" data-video-id=\"{id}\"></blockquote>")),
            "embed_link" => json!(format!("https://www.tiktok.com/player/v1/{id}")),
            "like_count" => json!(grown.likes),
            "comment_count" => json!(grown.comments),
            "share_count" => json!(grown.shares),
            "view_count" => json!(grown.views),
            _ => json!(video.is_aigc),
        };
        object.insert(field.clone(), value);
    }
    Value::Object(object)
}

//! `GET /{video}/video_insights` and `GET /{page}_{post}/insights` (sheet §5).
//!
//! One name that does not exist, or that Meta has removed, makes the whole call fail, on every version. A video
//! grows by itself unless the control API gives it numbers; then a metric without any is missing.

use serde_json::{Map, Value, json};

use crate::growth::grown;
use crate::meta::error::GraphError;
use crate::meta::input::Input;
use crate::meta::token::Session;
use crate::meta::world::{Id, World};

const VIDEO: [&str; 10] = [
    "blue_reels_play_count",
    "fb_reels_total_plays",
    "fb_reels_replay_count",
    "post_impressions_unique",
    "post_video_avg_time_watched",
    "post_video_view_time",
    "post_video_followers",
    "post_video_likes_by_reaction_type",
    "post_video_social_actions",
    "post_video_retention_graph",
];
const POST: [&str; 5] = [
    "post_media_view",
    "post_total_media_view_unique",
    "post_reactions_by_type_total",
    "post_clicks_by_type",
    "post_activity_by_action_type",
];

/// Whose numbers.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    Video,
    Post,
}

/// Reads the metrics of a live video.
pub(crate) fn read(
    world: &World,
    session: &Session,
    id: Id,
    of: Of,
    input: &Input<'_>,
    now: i64,
) -> Result<Value, GraphError> {
    let hidden = || GraphError::unsupported("get", &id.to_string());
    let video = world.facebook_pages.videos.get(&id).filter(|video| !video.removed).ok_or_else(hidden)?;
    world.may_read_page(session, video.page, "get")?;
    if !session.scopes.has("read_insights") {
        return Err(GraphError::new(200, "(#200) Requires read_insights permission"));
    }
    if video.live_at.is_none_or(|at| at > now) {
        return Err(hidden());
    }
    let behaviour = world.facebook_pages.behaviour_of(video.page);
    let names = names(input)?;
    let known: &[&str] = match of {
        Of::Video => &VIDEO,
        Of::Post => &POST,
    };
    for name in &names {
        let removed = behaviour.reach_removed && name == "post_impressions_unique";
        if removed || !known.contains(&name.as_str()) {
            return Err(GraphError::param("The value must be a valid insights metric"));
        }
    }
    let shown = if names.is_empty() { known.iter().map(|name| (*name).to_owned()).collect() } else { names };
    let numbers = match video.insights.is_empty() {
        true => by_age(id, (now - video.live_at.unwrap_or(now)) / 1_000),
        false => video.insights.clone(),
    };
    let data: Vec<Value> = shown
        .iter()
        .filter(|_| !behaviour.few_likes)
        .filter_map(|name| {
            let value = numbers.get(name)?;
            Some(json!({
                "name": name,
                "period": "lifetime",
                "values": [{ "value": value }],
                "title": name.replace('_', " "),
                "description": "",
                "id": format!("{id}/video_insights/{name}/lifetime"),
            }))
        })
        .collect();
    Ok(json!({ "data": data, "paging": {} }))
}

/// `metric` as names separated by commas, or as a JSON list.
fn names(input: &Input<'_>) -> Result<Vec<String>, GraphError> {
    let Some(text) = input.get("metric") else { return Ok(Vec::new()) };
    if text.starts_with('[') {
        return serde_json::from_str(&text).map_err(|_| GraphError::param("Param metric must be a list of names"));
    }
    Ok(text.split(',').map(|name| name.trim().to_owned()).collect())
}

fn by_age(id: Id, seconds: i64) -> Map<String, Value> {
    let of = grown(&id.to_string(), seconds);
    let reactions = json!({ "REACTION_LIKE": of.likes - of.likes / 4, "REACTION_LOVE": of.likes / 4 });
    let told = [
        ("fb_reels_total_plays", json!(of.views)),
        ("blue_reels_play_count", json!(of.views - of.views / 10)),
        ("fb_reels_replay_count", json!(of.views / 10)),
        ("post_impressions_unique", json!(of.reach)),
        ("post_video_avg_time_watched", json!(4_000 + of.likes % 1_000)),
        ("post_video_view_time", json!(of.views * 4_000)),
        ("post_video_followers", json!(of.likes / 20)),
        ("post_video_likes_by_reaction_type", reactions.clone()),
        ("post_video_social_actions", json!({ "COMMENT": of.comments, "SHARE": of.shares })),
        ("post_media_view", json!(of.views)),
        ("post_total_media_view_unique", json!(of.reach)),
        ("post_reactions_by_type_total", reactions),
    ];
    told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

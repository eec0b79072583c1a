//! `GET /{media}/insights`: lifetime numbers of one media.
//!
//! One name that the host does not have makes the whole call fail. A metric without data is missing from `data`, not
//! 0. A media that came from a container grows by itself, unless the control API gives it numbers; others have those of the
//! control API, or an empty list.
//!
//! <https://developers.facebook.com/docs/instagram-platform/reference/instagram-media/insights>

use serde_json::{Map, Value, json};

use super::Flavour;
use super::access::Access;
use super::error::GraphError;
use super::input::Input;
use super::token::Session;
use super::world::{Id, World};
use crate::growth::grown;

/// Metrics of Reels on both hosts.
const BOTH: [&str; 10] = [
    "views",
    "reach",
    "likes",
    "comments",
    "shares",
    "saved",
    "total_interactions",
    "ig_reels_avg_watch_time",
    "ig_reels_video_view_total_time",
    "reels_skip_rate",
];

/// Metrics of Reels on graph.facebook.com alone.
const FACEBOOK: [&str; 7] =
    ["reposts", "crossposted_views", "facebook_views", "total_views", "total_likes", "total_comments", "link_clicks"];

/// Reads the metrics.
pub(crate) fn read(world: &World, session: &Session, id: Id, input: &Input<'_>, now: i64) -> Result<Value, GraphError> {
    let hidden = || GraphError::unsupported("get", &id.to_string());
    let media = world.media.get(&id).filter(|media| media.made_at <= now).ok_or_else(hidden)?;
    let own = world.may_read(session, media.account, Access { verb: "get" })?.is_none();
    session.need(if own { "instagram_business_manage_insights" } else { "instagram_manage_insights" })?;
    let asked = input.need("metric")?;
    let names: Vec<&str> = asked.split(',').map(str::trim).collect();
    let facebook = session.flavour() == Flavour::Facebook;
    for name in &names {
        let known = BOTH.contains(name) || facebook && FACEBOOK.contains(name);
        if !known {
            return Err(GraphError::param(format!(
                "metric[0] must be one of the following values: {}. The metric {name} is not supported for this media",
                BOTH.join(", ")
            )));
        }
    }
    let numbers = match media.container.is_some() && media.insights.is_empty() {
        true => by_age(id, (now - media.made_at) / 1_000),
        false => media.insights.clone(),
    };
    let data: Vec<Value> = names
        .iter()
        .filter_map(|name| {
            let value = numbers.get(*name)?;
            Some(json!({
                "name": name,
                "period": "lifetime",
                "values": [{ "value": value }],
                "title": name.replace('_', " "),
                "description": "",
                "id": format!("{id}/insights/{name}/lifetime"),
            }))
        })
        .collect();
    Ok(json!({ "data": data }))
}

fn by_age(id: Id, seconds: i64) -> Map<String, Value> {
    let of = grown(&id.to_string(), seconds);
    if of.views == 0 {
        return Map::new();
    }
    let told = [
        ("views", of.views),
        ("reach", of.reach),
        ("likes", of.likes),
        ("comments", of.comments),
        ("shares", of.shares),
        ("saved", of.saves),
        ("total_interactions", of.likes + of.comments + of.shares + of.saves),
        ("ig_reels_avg_watch_time", 4_000 + of.likes % 1_000),
        ("ig_reels_video_view_total_time", of.views * 4_000),
    ];
    told.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

//! `/_sim/meta/facebook/…`: switches of the simulated Pages.
//!
//! | path | method | what |
//! |---|---|---|
//! | `behaviour` | GET, POST | `{"page"?, "set": {…}}` changes fields of the common or one Page's behaviour; `{"page", "set": null}` drops the Page's own |
//! | `videos` | GET | every video that was ever started; `page=<id>` |
//! | `videos/<id>` | GET, POST | `{"insights"?, "comments"?, "reactions"?, "shares"?}` |
//! | `posts` | POST | `{"page", "message"?, "seconds_ago"?}`: a post in the feed that was not made through us |

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::control::{bad, parse};
use crate::meta::facebook::video::Video;
use crate::meta::world::{Id, Kind, World};
use crate::reply::{self, Reply};
use crate::sim::Sim;

/// Answers a control request; `None` means there is no such path.
pub(crate) fn act(sim: &Arc<Sim>, call: &Call, rest: &[&str]) -> Option<Reply> {
    let (get, post) = (call.method == Method::GET, call.method == Method::POST);
    let mut world = sim.meta.lock();
    Some(match rest {
        ["behaviour"] if get => reply::json(200, &json!(*world.facebook_pages.behaviour)),
        ["behaviour"] if post => or_refusal(parse(call).and_then(|body| set_behaviour(&mut world, &body))),
        ["videos"] if get => reply::json(200, &list(&world, call.query.get("page"))),
        ["videos", id] if get => {
            let id = Id::parse(id)?;
            reply::json(200, &describe(id, world.facebook_pages.videos.get(&id)?))
        }
        ["videos", id] if post => {
            let video = world.facebook_pages.videos.get_mut(&Id::parse(id)?)?;
            or_refusal(parse(call).map(|numbers| set_numbers(video, numbers)))
        }
        ["posts"] if post => {
            or_refusal(parse(call).and_then(|foreign| add_foreign(&mut world, foreign, crate::meta::now(sim))))
        }
        _ => return None,
    })
}

fn or_refusal(result: Result<Reply, Reply>) -> Reply {
    result.unwrap_or_else(|refusal| refusal)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetBehaviour {
    page: Option<String>,
    set: Value,
}

fn set_behaviour(world: &mut World, body: &SetBehaviour) -> Result<Reply, Reply> {
    let page = match &body.page {
        None => None,
        Some(id) => Some(known_page(world, id)?),
    };
    let pages = &mut world.facebook_pages;
    let current = page.map_or_else(|| pages.behaviour.clone(), |page| pages.behaviour_of(page));
    let next =
        if body.set.is_null() { None } else { Some(Arc::new(current.patched(&body.set).map_err(|what| bad(&what))?)) };
    match page {
        Some(page) => pages.page(page).behaviour = next,
        None => pages.behaviour = next.unwrap_or_default(),
    }
    Ok(reply::empty(204))
}

fn known_page(world: &World, id: &str) -> Result<Id, Reply> {
    Id::parse(id).filter(|id| world.pages.contains_key(id)).ok_or_else(|| bad("no such Page"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    insights: Option<Map<String, Value>>,
    comments: Option<u64>,
    reactions: Option<u64>,
    shares: Option<u64>,
}

fn set_numbers(video: &mut Video, numbers: Numbers) -> Reply {
    if let Some(insights) = numbers.insights {
        video.insights = insights;
    }
    video.comments = numbers.comments.unwrap_or(video.comments);
    video.reactions = numbers.reactions.unwrap_or(video.reactions);
    video.shares = numbers.shares.unwrap_or(video.shares);
    reply::empty(204)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Foreign {
    page: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    seconds_ago: i64,
}

fn add_foreign(world: &mut World, foreign: Foreign, now: i64) -> Result<Reply, Reply> {
    let page = known_page(world, &foreign.page)?;
    let post = world.new_id(Kind::Media);
    world.facebook_pages.page(page).foreign.push((now - foreign.seconds_ago * 1000, post, foreign.message));
    Ok(reply::json(201, &json!({ "id": format!("{page}_{post}") })))
}

fn list(world: &World, page: Option<&str>) -> Value {
    let videos = world.facebook_pages.videos.iter();
    let mut videos: Vec<_> =
        videos.filter(|(_, video)| page.is_none_or(|page| video.page.to_string() == page)).collect();
    videos.sort_by_key(|(id, _)| **id);
    json!({ "videos": videos.into_iter().map(|(id, video)| describe(*id, video)).collect::<Vec<_>>() })
}

fn describe(id: Id, video: &Video) -> Value {
    json!({
        "id": id.to_string(),
        "page": video.page.to_string(),
        "reel": video.reel,
        "description": video.description,
        "source": video.source,
        "received": video.received,
        "byte_count": video.file.as_ref().map(|file| file.byte_count),
        "sha256": video.file.as_ref().map(|file| &file.sha256),
        "finishes": video.finishes,
        "live_at": video.live_at,
        "removed": video.removed,
    })
}

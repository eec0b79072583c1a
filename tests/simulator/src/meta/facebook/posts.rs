//! Posts of a Page by their composite id `{page}_{post}`, and the Page's feed (sheet §2.5, §5).
//!
//! The feed mixes in posts that nobody made through us, and Reels are missing from it, as Meta's pages say.

use serde_json::{Map, Value, json};

use crate::meta::error::GraphError;
use crate::meta::facebook::video::address;
use crate::meta::input::{Field, Input};
use crate::meta::media::{page_limit, timestamp};
use crate::meta::token::Session;
use crate::meta::world::{Id, World};
use crate::sim::Sim;

/// The video behind a composite id.
fn video_of(world: &World, page: Id, post: Id, now: i64, verb: &str) -> Result<Id, GraphError> {
    let hidden = || GraphError::unsupported(verb, &format!("{page}_{post}"));
    let id = *world.facebook_pages.posts.get(&post).ok_or_else(hidden)?;
    let video = world.facebook_pages.videos.get(&id).ok_or_else(hidden)?;
    let there = video.page == page && !video.removed && video.live_at.is_some_and(|at| at <= now);
    if there { Ok(id) } else { Err(hidden()) }
}

/// `GET /{page}_{post}`.
pub(crate) fn read(
    world: &World,
    session: &Session,
    page: Id,
    post: Id,
    fields: &[Field],
    now: i64,
) -> Result<Value, GraphError> {
    world.may_read_page(session, page, "get")?;
    let id = video_of(world, page, post, now, "get")?;
    let video = world.facebook_pages.videos.get(&id).ok_or_else(|| GraphError::known(100, Some(33)))?;
    let count = |count: u64| json!({ "data": [], "summary": { "total_count": count } });
    let mut node = Map::new();
    for field in fields {
        let value = match field.name.as_str() {
            "id" => continue,
            "created_time" => json!(timestamp(video.live_at.unwrap_or(video.created_at))),
            "message" => json!(video.description),
            "permalink_url" => json!(address(id)),
            "comments" => count(video.comments),
            "reactions" | "likes" => count(video.reactions),
            // Nobody has shared it: the key is absent.
            "shares" if video.shares == 0 => continue,
            "shares" => json!({ "count": video.shares }),
            other => return Err(GraphError::field(other, "Post")),
        };
        node.insert(field.name.clone(), value);
    }
    node.insert("id".into(), json!(format!("{page}_{post}")));
    Ok(Value::Object(node))
}

/// `POST /{page}_{post}`: another text.
pub(crate) fn edit(
    sim: &Sim,
    session: &Session,
    page: Id,
    post: Id,
    input: &Input<'_>,
    now: i64,
) -> Result<Value, GraphError> {
    let mut world = sim.meta.lock();
    world.may_publish_on(session, page, "post")?;
    let id = video_of(&world, page, post, now, "post")?;
    let message = input.need("message")?;
    if let Some(video) = world.facebook_pages.videos.get_mut(&id) {
        video.description.clone_from(&message);
    }
    sim.posts.change("facebook", &id.to_string(), |post| post.caption = message);
    Ok(json!({ "success": true }))
}

/// `DELETE /{page}_{post}`.
pub(crate) fn delete(sim: &Sim, session: &Session, page: Id, post: Id, now: i64) -> Result<Value, GraphError> {
    let mut world = sim.meta.lock();
    world.may_publish_on(session, page, "delete")?;
    let id = video_of(&world, page, post, now, "delete")?;
    world.remove_video(sim, id, now);
    Ok(json!({ "success": true }))
}

/// `GET /{page}/feed`, newest first.
pub(crate) fn feed(
    world: &mut World,
    session: &Session,
    page: Id,
    input: &Input<'_>,
    now: i64,
) -> Result<Value, GraphError> {
    world.may_read_page(session, page, "get")?;
    let limit = page_limit(input)?;
    let behaviour = world.facebook_pages.behaviour_of(page);
    let state = world.facebook_pages.page(page);
    let mut all = state.foreign.clone();
    let live = state.videos.clone();
    for (at, id) in live {
        let Some(video) = world.facebook_pages.videos.get(&id).filter(|video| !video.removed) else { continue };
        if let Some(post) = video.post.filter(|_| !video.reel || behaviour.reels_in_feed) {
            all.push((at, post, video.description.clone()));
        }
    }
    all.retain(|(at, ..)| *at <= now);
    all.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    let data: Vec<Value> = all
        .into_iter()
        .take(limit)
        .map(|(at, post, message)| {
            json!({ "id": format!("{page}_{post}"), "created_time": timestamp(at), "message": message })
        })
        .collect();
    Ok(json!({ "data": data }))
}

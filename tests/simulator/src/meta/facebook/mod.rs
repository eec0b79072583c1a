//! Facebook Pages: Reels by start, upload and finish, ordinary videos, feed and insights. Written from `facebook.md`.
//!
//! Login, tokens and errors are Meta's, shared with Instagram. Guaranteed: the video's id exists from the start on; a
//! post becomes visible only through an accepted finish (or `POST /{page}/videos`), after its processing, and is then
//! in the list of visible posts.
//!
//! Who owns what: [`reels`] start and finish, [`upload`] the bytes, [`video`] what becomes of them, [`node`] the
//! status, [`pages`] rights and limits, [`videos`], [`posts`] and [`insights`] the other edges, [`behaviour`] and
//! [`control`] the switches for tests.

mod behaviour;
mod control;
mod insights;
mod node;
mod pages;
mod posts;
mod reels;
mod upload;
mod video;
mod videos;

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use crate::call::Call;
use crate::meta::error::GraphError;
use crate::meta::input::{Field, Input};
use crate::meta::token::Session;
use crate::meta::world::{Id, World};
use crate::sim::Sim;

pub(crate) use control::act as control;
pub(crate) use pages::Pages;
pub(crate) use upload::{target, upload};

/// Edges that belong to this module.
const EDGES: [&str; 5] = ["video_reels", "videos", "feed", "video_insights", "collaborators"];

/// The Page that a video belongs to.
pub(crate) fn page_of(world: &World, video: Id) -> Option<Id> {
    world.facebook_pages.videos.get(&video).map(|video| video.page)
}

/// Whether a video can be seen.
pub(crate) fn is_live(world: &World, video: Id) -> bool {
    world.facebook_pages.videos.get(&video).is_some_and(|video| video.live_at.is_some() && !video.removed)
}

/// Name of a node's operation.
pub(crate) fn node_operation(method: &Method) -> &'static str {
    match *method {
        Method::DELETE => "meta.video_delete",
        Method::GET => "meta.video_status",
        _ => "meta.unknown",
    }
}

/// Name of an edge's operation; `None` if the edge is none of ours.
pub(crate) fn edge_operation(call: &Call, edge: &str) -> Option<&'static str> {
    let post = call.method == Method::POST;
    let phase = || Input::of(call).ok().and_then(|input| reels::phase(&input));
    Some(match edge {
        "video_reels" if post => match phase().as_deref() {
            Some("finish") => "meta.reel_finish",
            _ => "meta.reel_start",
        },
        "video_reels" => "meta.reel_list",
        "videos" if post => "meta.video_post",
        "feed" => "meta.feed",
        "video_insights" => "meta.video_insights",
        "collaborators" if post => "meta.collaborator",
        _ => return None,
    })
}

/// The description of the post that a call to an edge is about.
pub(crate) fn subject(world: &World, call: &Call, edge: Option<&str>, id: Id) -> Option<String> {
    let known = |id: Id| {
        let description = &world.facebook_pages.videos.get(&id)?.description;
        (!description.is_empty()).then(|| description.clone())
    };
    match edge {
        None | Some("video_insights") => known(id),
        Some("video_reels" | "videos") if call.method == Method::POST => {
            let input = Input::of(call).ok()?;
            input.get("description").or_else(|| known(Id::parse(&input.get("video_id")?)?))
        }
        Some(_) => None,
    }
}

/// Whether a call to this edge of this node is for us.
pub(crate) fn owns_edge(edge: &str) -> bool {
    EDGES.contains(&edge)
}

/// A call to an edge of a Page or of a video.
#[expect(clippy::too_many_arguments, reason = "what a Graph call consists of")]
pub(crate) async fn edge(
    sim: &Arc<Sim>,
    session: &Session,
    method: &Method,
    id: Id,
    name: &str,
    input: &Input<'_>,
    fields: Option<&[Field]>,
    version: &str,
) -> Result<Value, GraphError> {
    let now = crate::meta::now(sim);
    match (name, method) {
        ("video_reels", &Method::POST) => reels::post(sim, session, id, input, version),
        ("video_reels", &Method::GET) => reels::list(&mut sim.meta.lock(), session, id, input, fields, now),
        ("videos", &Method::POST) => videos::post(sim, session, id, input).await,
        ("videos", &Method::GET) => Err(GraphError::param("Reading this edge is not supported")),
        ("feed", &Method::GET) => posts::feed(&mut sim.meta.lock(), session, id, input, now),
        ("video_insights", &Method::GET) => {
            insights::read(&sim.meta.lock(), session, id, insights::Of::Video, input, now)
        }
        ("collaborators", &Method::POST) => collaborator(sim, session, id, input),
        _ => Err(GraphError::unsupported(&method.as_str().to_lowercase(), &id.to_string())),
    }
}

/// `POST /{video}/collaborators`: an invitation.
fn collaborator(sim: &Sim, session: &Session, id: Id, input: &Input<'_>) -> Result<Value, GraphError> {
    let world = sim.meta.lock();
    let page = page_of(&world, id).ok_or_else(|| GraphError::unsupported("post", &id.to_string()))?;
    world.may_publish_on(session, page, "post")?;
    let target = input.need("target_id")?;
    if Id::parse(&target).is_none_or(|target| !world.pages.contains_key(&target)) {
        return Err(GraphError::param("Param target_id must be a Page"));
    }
    Ok(json!({
        "success": true,
        "collaborator_id": target,
        "invitation_link": format!("https://www.facebook.com/reel/{id}/collaborators/{target}"),
    }))
}

/// A call to a video by its id.
pub(crate) fn node(
    sim: &Sim,
    session: &Session,
    method: &Method,
    id: Id,
    fields: Option<&[Field]>,
) -> Result<Value, GraphError> {
    let now = crate::meta::now(sim);
    let mut world = sim.meta.lock();
    let verb = method.as_str().to_lowercase();
    let page = page_of(&world, id).ok_or_else(|| GraphError::unsupported(&verb, &id.to_string()))?;
    match *method {
        Method::GET => {
            world.may_read_page(session, page, "get")?;
            node::read(&mut world, id, fields.unwrap_or_default(), now)
        }
        Method::DELETE => {
            world.may_publish_on(session, page, "delete")?;
            world.remove_video(sim, id, now);
            Ok(json!({ "success": true }))
        }
        _ => Err(GraphError::unsupported(&verb, &id.to_string())),
    }
}

/// A call to a post by its composite id, or to its `insights`.
#[expect(clippy::too_many_arguments, reason = "what a Graph call consists of")]
pub(crate) fn post(
    sim: &Sim,
    session: &Session,
    method: &Method,
    page: Id,
    post: Id,
    edge: Option<&str>,
    input: &Input<'_>,
    fields: Option<&[Field]>,
) -> Result<Value, GraphError> {
    let now = crate::meta::now(sim);
    let composite = format!("{page}_{post}");
    match (edge, method) {
        (None, &Method::GET) => posts::read(&sim.meta.lock(), session, page, post, fields.unwrap_or_default(), now),
        (None, &Method::POST) => posts::edit(sim, session, page, post, input, now),
        (None, &Method::DELETE) => posts::delete(sim, session, page, post, now),
        (Some("insights"), &Method::GET) => {
            let world = sim.meta.lock();
            let video = world.facebook_pages.posts.get(&post).copied();
            let video = video.filter(|video| page_of(&world, *video) == Some(page));
            let video = video.ok_or_else(|| GraphError::unsupported("get", &composite))?;
            insights::read(&world, session, video, insights::Of::Post, input, now)
        }
        _ => Err(GraphError::unsupported(&method.as_str().to_lowercase(), &composite)),
    }
}

/// Shows what is due; says when the next is.
pub(crate) fn settle(sim: &Sim, world: &mut World, now: i64) -> i64 {
    while let Some((at, id)) = world.facebook_pages.due.peek().map(|due| due.0).filter(|(at, _)| *at <= now) {
        world.facebook_pages.due.pop();
        world.show_video(sim, id, at);
    }
    world.facebook_pages.due.peek().map_or(i64::MAX, |due| due.0.0)
}

//! `POST /{page}/videos`: ordinary video posts, by `file_url` in one call or in the chunked form (sheet §3).
//!
//! In one call nothing is known before the post: that is the platform's weakness, and it is simulated. A short upright
//! video that is sent here becomes a draft and never goes live, unless the behaviour says otherwise.
//!
//! <https://developers.facebook.com/docs/graph-api/reference/page/videos/>

use std::sync::Arc;

use serde_json::{Value, json};

use crate::meta::error::GraphError;
use crate::meta::facebook::behaviour::error_of;
use crate::meta::facebook::upload;
use crate::meta::facebook::video::{File, Finish, State, Video};
use crate::meta::input::Input;
use crate::meta::token::Session;
use crate::meta::world::{Id, Kind};
use crate::sim::Sim;

/// From ten minutes to six months ahead.
const SCHEDULE_S: std::ops::RangeInclusive<i64> = 601..=15_552_000;
/// Longest video that counts as short.
const SHORT_MS: u64 = 90_000;

/// Takes the whole video by its URL.
pub(crate) async fn post(sim: &Arc<Sim>, session: &Session, page: Id, input: &Input<'_>) -> Result<Value, GraphError> {
    let now = crate::meta::now(sim);
    let behaviour = {
        let world = sim.meta.lock();
        world.may_publish_on(session, page, "post")?;
        world.facebook_pages.behaviour_of(page)
    };
    if input.get("upload_phase").is_some() {
        return Err(GraphError::param("The chunked form of this edge is not simulated: use video_reels"));
    }
    let url = input.get("file_url").ok_or_else(|| GraphError::param("The parameter file_url is required"))?;
    let (state, publish_at) = requested(input, now)?;
    if let Some(name) = &behaviour.video_post_error {
        return Err(error_of(name));
    }
    let file = upload::fetch(sim, &url, &behaviour).await?;
    if file.byte_count < 1_024 {
        return Err(GraphError::known(382, None));
    }
    if file.probe.is_none() && behaviour.media_checks {
        return Err(GraphError::known(6000, None));
    }
    let state = if behaviour.upright_becomes_draft && is_short_and_upright(&file) { State::Draft } else { state };
    let now = crate::meta::now(sim);
    let mut world = sim.meta.lock();
    let id = world.new_id(Kind::Video);
    let mut video = Video::new(page, false, now);
    video.source = url;
    video.description = input.get("description").unwrap_or_default();
    video.complete(file, now);
    world.facebook_pages.videos.insert(id, video);
    world.accept_finish(sim, id, Finish { at: now, state, publish_at, title: input.get("title") });
    Ok(json!({ "id": id.to_string() }))
}

/// What `published` and its companions ask for.
fn requested(input: &Input<'_>, now: i64) -> Result<(State, Option<i64>), GraphError> {
    let published = input.boolean("published")?.unwrap_or(true);
    let time = input.integer("scheduled_publish_time")?;
    match (published, input.get("unpublished_content_type").as_deref(), time) {
        (true, None, None) => Ok((State::Published, None)),
        (false, None | Some("DRAFT"), None) => Ok((State::Draft, None)),
        (false, Some("SCHEDULED") | None, Some(time)) if SCHEDULE_S.contains(&(time - now / 1000)) => {
            Ok((State::Scheduled, Some(time * 1000)))
        }
        (_, _, Some(_)) => Err(GraphError::param("The specified scheduled publish time is invalid")),
        (_, Some(_), None) => Err(GraphError::param("Param unpublished_content_type does not fit published")),
    }
}

fn is_short_and_upright(file: &File) -> bool {
    file.probe.as_ref().is_some_and(|probe| probe.height > probe.width && probe.duration_ms <= SHORT_MS)
}

//! `POST /{page}/video_reels`: start and finish, and the list of the Page's Reels (sheet §2.1, §2.4, §2.5).
//!
//! The finish is the commit point: once it was accepted, Facebook publishes by itself, whatever becomes of the answer.
//!
//! <https://developers.facebook.com/docs/graph-api/reference/page/video_reels/>

use serde_json::{Value, json};

use crate::host::Host;
use crate::meta::error::GraphError;
use crate::meta::facebook::behaviour::{MediaErrors, SecondFinish, error_of};
use crate::meta::facebook::node;
use crate::meta::facebook::video::{Finish, State, Video, media_error};
use crate::meta::input::{Field, Input};
use crate::meta::media::page_limit;
use crate::meta::token::Session;
use crate::meta::world::{Id, Kind, World};
use crate::sim::Sim;

/// From ten minutes to 29 days ahead.
const SCHEDULE_S: std::ops::RangeInclusive<i64> = 601..=2_505_600;

/// `upload_phase` of a call; client libraries write it in capitals too.
pub(crate) fn phase(input: &Input<'_>) -> Option<String> {
    input.get("upload_phase").map(|phase| phase.to_ascii_lowercase())
}

/// Start or finish.
pub(crate) fn post(
    sim: &Sim,
    session: &Session,
    page: Id,
    input: &Input<'_>,
    version: &str,
) -> Result<Value, GraphError> {
    let now = crate::meta::now(sim);
    let mut world = sim.meta.lock();
    world.may_publish_on(session, page, "post")?;
    match phase(input).as_deref() {
        Some("start") => {
            let id = world.new_id(Kind::Video);
            world.facebook_pages.videos.insert(id, Video::new(page, true, now));
            Ok(json!({
                "video_id": id.to_string(),
                "upload_url": format!("{}/video-upload/{version}/{id}", sim.url(Host::MetaRupload)),
            }))
        }
        Some("finish") => finish(sim, &mut world, page, input, now),
        Some(_) => Err(GraphError::param("Param upload_phase must be one of {START, FINISH}")),
        None => Err(GraphError::param("The parameter upload_phase is required")),
    }
}

fn finish(sim: &Sim, world: &mut World, page: Id, input: &Input<'_>, now: i64) -> Result<Value, GraphError> {
    let missing: Vec<&str> = ["video_id", "video_state"].into_iter().filter(|name| input.get(name).is_none()).collect();
    if !missing.is_empty() {
        return Err(GraphError::param(format!("The following parameters are required: {}", missing.join(", "))));
    }
    let unknown = || GraphError::param("Param video_id must be the id of a video that this Page has started");
    let id = Id::parse(&input.need("video_id")?).ok_or_else(unknown)?;
    let behaviour = world.facebook_pages.behaviour_of(page);
    let video = world.facebook_pages.videos.get(&id);
    let video = video.filter(|video| video.page == page && video.reel && !video.removed).ok_or_else(unknown)?;
    let (state, publish_at) = requested(input, now)?;
    input.object("feed_targeting")?;
    input.object("targeting")?;
    if let Some(place) = input.get("place")
        && Id::parse(&place).is_none_or(|id| !world.locations.contains(&id))
    {
        return Err(GraphError::param("Param place must be a Page with a location"));
    }
    if video.finish.is_some() {
        match behaviour.second_finish {
            SecondFinish::Success => return Ok(json!({ "success": true })),
            SecondFinish::Error => return Err(error_of(&behaviour.second_finish_error)),
            SecondFinish::Duplicate => {}
        }
    }
    if video.is_expired(&behaviour, now) {
        return Err(GraphError::known(6001, None));
    }
    let Some(file) = &video.file else { return Err(GraphError::known(6000, None)) };
    if let Some(error) = media_error(file).filter(|_| behaviour.media_checks) {
        match behaviour.media_errors {
            MediaErrors::Status => {}
            MediaErrors::Code => return Err(error),
            MediaErrors::Subcode => return Err(GraphError::known(100, Some(error.code))),
        }
    }
    if !world.facebook_pages.page(page).may_finish(now, behaviour.reels_per_day) {
        let mut error = error_of(&behaviour.reel_limit_error);
        error.message = format!(
            "(#{}) You have reached the limit of {} Reels that can be published by API within 24 hours on this Page",
            error.code, behaviour.reels_per_day
        );
        return Err(error);
    }
    world.facebook_pages.page(page).count_finish(now);
    let title = input.get("title");
    if let Some(video) = world.facebook_pages.videos.get_mut(&id) {
        video.description = input.get("description").unwrap_or_default();
    }
    world.accept_finish(sim, id, Finish { at: now, state, publish_at, title });
    Ok(json!({ "success": true }))
}

/// `video_state` and the time that belongs to it, in ms.
fn requested(input: &Input<'_>, now: i64) -> Result<(State, Option<i64>), GraphError> {
    let state = match input.need("video_state")?.as_str() {
        "PUBLISHED" => State::Published,
        "SCHEDULED" => State::Scheduled,
        "DRAFT" => State::Draft,
        _ => return Err(GraphError::param("Param video_state must be one of {DRAFT, PUBLISHED, SCHEDULED}")),
    };
    let time = input.integer("scheduled_publish_time")?;
    match (state, time) {
        (State::Scheduled, None) => Err(GraphError::param("The parameter scheduled_publish_time is required")),
        (State::Scheduled, Some(time)) => {
            if SCHEDULE_S.contains(&(time - now / 1000)) {
                Ok((state, Some(time * 1000)))
            } else {
                Err(GraphError::param(
                    "The specified scheduled publish time is invalid: it must be between 10 minutes and 29 days from now",
                ))
            }
        }
        (State::Published | State::Draft, None) => Ok((state, None)),
        (State::Published | State::Draft, Some(_)) => {
            Err(GraphError::param("scheduled_publish_time can only be used with video_state SCHEDULED"))
        }
    }
}

/// `GET /{page}/video_reels`, newest first.
pub(crate) fn list(
    world: &mut World,
    session: &Session,
    page: Id,
    input: &Input<'_>,
    fields: Option<&[Field]>,
    now: i64,
) -> Result<Value, GraphError> {
    world.may_read_page(session, page, "get")?;
    if !world.facebook_pages.behaviour_of(page).reel_list {
        return Err(GraphError::param("Reading this edge is not supported"));
    }
    let limit = page_limit(input)?;
    let (since, until) = (input.integer("since")?, input.integer("until")?);
    let all = world.facebook_pages.page(page).videos.clone();
    let shown: Vec<Id> = all
        .into_iter()
        .rev()
        .filter(|(at, _)| since.is_none_or(|since| at / 1000 >= since) && until.is_none_or(|until| at / 1000 <= until))
        .map(|(_, id)| id)
        .filter(|id| world.facebook_pages.videos.get(id).is_some_and(|video| !video.removed))
        .take(limit)
        .collect();
    let default: Vec<Field> = ["description", "updated_time"]
        .iter()
        .map(|name| Field { name: (*name).to_owned(), fields: Vec::new() })
        .collect();
    let fields = fields.unwrap_or(&default);
    let data =
        shown.into_iter().map(|id| node::read(world, id, fields, now)).collect::<Result<Vec<Value>, GraphError>>()?;
    Ok(json!({ "data": data }))
}

//! `GET /{video}`: the status in its phases and the other fields (sheet §2.3, §2.5).
//!
//! Meta's page disagrees with itself and with real answers, so each spelling is a switch. An error can show on a phase
//! that has not begun: only the error itself counts.

use serde_json::{Map, Value, json};

use crate::meta::error::GraphError;
use crate::meta::facebook::behaviour::{Behaviour, Phase};
use crate::meta::facebook::video::{Failure, State, Video, address};
use crate::meta::input::Field;
use crate::meta::media::timestamp;
use crate::meta::world::{Id, World};

/// The node with the fields asked for; a read may use up a missing `post_id`.
pub(crate) fn read(world: &mut World, id: Id, fields: &[Field], now: i64) -> Result<Value, GraphError> {
    let hidden = || GraphError::unsupported("get", &id.to_string());
    let page = world.facebook_pages.videos.get(&id).filter(|video| !video.removed).ok_or_else(hidden)?.page;
    let page_name = world.pages.get(&page).map(|page| page.name.clone()).unwrap_or_default();
    let behaviour = world.facebook_pages.behaviour_of(page);
    if behaviour.videos_unreadable {
        return Err(GraphError::known(100, Some(33)));
    }
    let video = world.facebook_pages.videos.get_mut(&id).ok_or_else(hidden)?;
    let live = video.live_at.filter(|at| *at <= now);
    let mut node = Map::new();
    for field in fields {
        let value = match field.name.as_str() {
            "id" => None,
            "status" => {
                let passing = video.passing_error(&behaviour, now);
                Some(status(video, &behaviour, passing.as_ref(), now))
            }
            "published" => Some(json!(live.is_some())),
            "permalink_url" => live
                .map(|_| if behaviour.relative_permalink { json!(format!("/reel/{id}/")) } else { json!(address(id)) }),
            "post_id" => match (live, video.post, video.post_id_missing_reads) {
                (Some(_), Some(post), 0) => Some(json!(format!("{page}_{post}"))),
                (Some(_), Some(_), _) => {
                    video.post_id_missing_reads -= 1;
                    None
                }
                _ => None,
            },
            "description" => (!video.description.is_empty()).then(|| json!(video.description)),
            "title" => video.finish.as_ref().and_then(|finish| finish.title.as_ref()).map(|title| json!(title)),
            "created_time" => Some(json!(timestamp(video.created_at))),
            "updated_time" => Some(json!(timestamp(video.live_at.unwrap_or(video.created_at)))),
            "scheduled_publish_time" => {
                video.finish.as_ref().and_then(|finish| finish.publish_at).map(|at| json!(timestamp(at)))
            }
            "length" => {
                let probe = video.file.as_ref().and_then(|file| file.probe.as_ref());
                probe.map(|probe| json!(probe.duration_ms as f64 / 1000.0))
            }
            "from" => Some(json!({ "id": page.to_string(), "name": page_name })),
            "copyright_check_information" => {
                let word = if video.failed(now).is_some() || live.is_some() { "complete" } else { "in_progress" };
                Some(json!({ "status": { "status": word, "matches_found": false } }))
            }
            other => return Err(GraphError::field(other, "Video")),
        };
        if let Some(value) = value {
            node.insert(field.name.clone(), value);
        }
    }
    node.insert("id".into(), json!(id.to_string()));
    Ok(Value::Object(node))
}

/// How far a phase is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    NotStarted,
    UnderWay,
    Complete,
}

fn status(video: &Video, behaviour: &Behaviour, passing: Option<&Failure>, now: i64) -> Value {
    let finish = video.finish.as_ref().filter(|finish| now >= finish.at + behaviour.finish_lag_ms);
    let processed = finish.and(video.processed_at(behaviour)).is_some_and(|at| at <= now);
    let failed = passing.or(video.failed(now));
    let live = video.live_at.is_some_and(|at| at <= now) && finish.is_some() && passing.is_none();
    let begun = video.received > 0 || video.source != "upload";
    let uploading = if video.file.is_some() {
        Progress::Complete
    } else if begun {
        Progress::UnderWay
    } else {
        Progress::NotStarted
    };
    let processing = match (finish, processed) {
        (Some(_), true) => Progress::Complete,
        (Some(_), false) => Progress::UnderWay,
        (None, _) => Progress::NotStarted,
    };
    let state = finish.map(|finish| finish.state);
    let publishing = match (state, processed, live) {
        (Some(State::Published), true, false) => Progress::UnderWay,
        (Some(State::Published), _, true) | (Some(State::Scheduled | State::Draft), true, _) => Progress::Complete,
        _ => Progress::NotStarted,
    };
    let video_status = match (failed, video.is_expired(behaviour, now)) {
        (Some(_), _) if behaviour.error_while_not_started => "processing",
        (Some(failure), _) if failure.phase == Phase::Uploading => "upload_failed",
        (Some(_), _) => "error",
        (None, true) => "expired",
        (None, false) if processed => "ready",
        (None, false) if finish.is_some() => "processing",
        (None, false) if video.file.is_some() => "upload_complete",
        (None, false) => "uploading",
    };
    let mut shown = json!({ "video_status": video_status });
    let mut upload_phase = phase(Phase::Uploading, uploading, failed, behaviour);
    let transferred = if behaviour.transferred { "bytes_transferred" } else { "bytes_transfered" };
    upload_phase[transferred] = json!(video.received);
    if let Some(size) = video.file_size {
        upload_phase["source_file_size"] = json!(size);
    }
    shown["uploading_phase"] = upload_phase;
    let publish_status = match (state, live) {
        (_, true) => Some("published"),
        (Some(State::Scheduled), false) if processed => Some("scheduled"),
        (Some(State::Draft), _) if processed => Some("draft"),
        _ => None,
    };
    let mut publish_phase = phase(Phase::Publishing, publishing, failed, behaviour);
    if failed.is_some_and(|failure| failure.phase == Phase::Publishing) {
        publish_phase["publish_status"] = json!("error");
    } else if let Some(word) = publish_status {
        publish_phase["publish_status"] = json!(word);
    }
    if let Some(at) = video.live_at.or(finish.and_then(|finish| finish.publish_at)).filter(|_| publish_status.is_some())
    {
        publish_phase["publish_time"] = json!(at / 1000);
    }
    let hidden = |progress: Progress, of: Phase| {
        behaviour.omit_phases && progress == Progress::NotStarted && failed.is_none_or(|failure| failure.phase != of)
    };
    if !hidden(processing, Phase::Processing) {
        shown["processing_phase"] = phase(Phase::Processing, processing, failed, behaviour);
    }
    if !hidden(publishing, Phase::Publishing) {
        shown["publishing_phase"] = publish_phase;
    }
    if behaviour.extra_fields {
        shown["copyright_check_status"] = json!({ "status": "in_progress" });
        shown["processing_progress"] = json!(if processed { 100 } else { 0 });
        shown["audio_classification"] = json!({ "status": "not_started", "labels": [] });
    }
    shown
}

fn phase(which: Phase, progress: Progress, failed: Option<&Failure>, behaviour: &Behaviour) -> Value {
    let failure = failed.filter(|failure| failure.phase == which);
    let word = match (failure, progress) {
        (Some(_), _) if behaviour.error_while_not_started => "not_started",
        (Some(_), _) => "error",
        (None, Progress::NotStarted) => "not_started",
        (None, Progress::UnderWay) => "in_progress",
        (None, Progress::Complete) if behaviour.completed => "completed",
        (None, Progress::Complete) => "complete",
    };
    let mut shown = json!({ "status": word });
    if let Some(failure) = failure {
        let entry = json!({ "code": failure.error.code, "message": failure.error.message });
        if behaviour.errors_list {
            shown["errors"] = json!([entry]);
        } else {
            shown["error"] = entry;
        }
    }
    shown
}

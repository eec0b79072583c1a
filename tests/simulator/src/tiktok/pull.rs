//! PULL_FROM_URL (sheet §4.6): TikTok downloads as soon as the init was accepted, whoever heard the answer.
//!
//! Redirects are not followed; any failure of the download ends the task with `video_pull_failed`.

use std::sync::Arc;
use std::time::Duration;

use crate::fetch::{FetchError, Fetched, Limits};
use crate::sim::Sim;
use crate::tiktok::process;
use crate::tiktok::state::{File, Source, Stage, State};

/// Starts the download in the background.
pub(crate) fn start(sim: &Arc<Sim>, state: &State, publish_id: &str) {
    let Some(task) = state.tasks.get(publish_id).filter(|task| task.stage == Stage::Receiving) else { return };
    let Source::Pull(pull) = &task.source else { return };
    let limits = Limits {
        max_bytes: state.rules.max_video_bytes,
        timeout: Duration::from_secs(state.rules.pull_timeout_seconds),
        redirects: 0,
        local_http: state.rules.local_pull,
    };
    let (sim, url, publish_id) = (sim.clone(), pull.url.clone(), publish_id.to_owned());
    let at_work = sim.fetcher.begin();
    sim.runtime.clone().spawn(async move {
        let result = sim.fetcher.fetch(&url, limits).await;
        let mut state = sim.tiktok.lock();
        finish(&sim, &mut state, &publish_id, result);
        sim.tiktok.note_due(&state);
        drop(at_work);
    });
}

fn finish(sim: &Arc<Sim>, state: &mut State, publish_id: &str, result: Result<Fetched, FetchError>) {
    // Cancelled or reset meanwhile: the bytes are of no use to anybody.
    let Some(task) = state.tasks.get_mut(publish_id).filter(|task| task.stage == Stage::Receiving) else { return };
    match result {
        Ok(fetched) => {
            if let Source::Pull(pull) = &mut task.source {
                pull.downloaded = fetched.byte_count;
            }
            let file = File {
                byte_count: fetched.byte_count,
                sha256: fetched.sha256,
                probe: fetched.probe,
                webm: fetched.webm,
            };
            process::start(sim, state, publish_id, file);
        }
        Err(error) => {
            tracing::debug!(publish_id, %error, "pull failed");
            task.stage = Stage::Failed("video_pull_failed".into());
        }
    }
}

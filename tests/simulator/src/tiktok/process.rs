//! What becomes of a received file: checks, processing time, outcome, public ids (sheet §4.7, §5).
//!
//! Guaranteed: a task makes at most one visible post, at the end of its processing, and only if its file passed.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::posts::VisiblePost;
use crate::sim::Sim;
use crate::tiktok::account::{Fate, Video};
use crate::tiktok::pull;
use crate::tiktok::state::{Due, File, PostInfo, Source, Stage, State, Task};

/// The hard maximum for videos that come through the API, in milliseconds.
const LONGEST_MS: u64 = 600_000;

/// All bytes are there: posting starts.
pub(crate) fn start(sim: &Arc<Sim>, state: &mut State, publish_id: &str, file: File) {
    let now = sim.clock.now();
    let Some(task) = state.tasks.get_mut(publish_id) else { return };
    task.stage = Stage::Processing;
    task.complete_at = Some(now);
    task.file = Some(file);
    let wait = seconds(task.behaviour.processing_seconds);
    let (open_id, direct) = (task.open_id.clone(), task.post.is_some());
    if direct {
        // The creator's cap is shared with tasks that were started since this one's init.
        if !state.creator_cap_left(&open_id, now) {
            if let Some(task) = state.tasks.get_mut(publish_id) {
                task.stage = Stage::Failed("spam_risk_too_many_posts".into());
            }
            return;
        }
        if let Some(account) = state.accounts.get_mut(&open_id) {
            account.posted.push(now);
        }
        state.posting_users.insert(open_id, now);
    }
    state.schedule(now + wait, Due::Processed(publish_id.to_owned()));
}

/// Does what was due at `at`.
pub(crate) fn carry_out(sim: &Arc<Sim>, state: &mut State, at: DateTime<Utc>, due: Due) {
    match due {
        Due::StartPull(id) => pull::start(sim, state, &id),
        Due::Processed(id) => processed(sim, state, &id, at),
        Due::PublicIds(id) => public(state, &id),
        Due::CreatorPosts(id) => {
            let post = PostInfo { title: String::new(), privacy_level: "PUBLIC_TO_EVERYONE".into(), is_aigc: false };
            creator_posts(sim, state, &id, post, at);
        }
    }
}

fn processed(sim: &Arc<Sim>, state: &mut State, id: &str, at: DateTime<Utc>) {
    let check = state.rules.check_media;
    let Some(task) = state.tasks.get_mut(id).filter(|task| task.stage == Stage::Processing) else { return };
    let Some(account) = state.accounts.get_mut(&task.open_id) else { return };
    let fault = task.file.as_ref().filter(|_| check);
    let fault = fault.and_then(|file| media_fault(file, account.profile.max_video_post_duration_sec));
    let failed = match task.behaviour.outcome {
        Fate::Fail => Some(task.behaviour.fail_reason.clone()),
        Fate::Stuck => return,
        Fate::Publish | Fate::PublishSilently | Fate::PublishAndForget if account.profile.banned => {
            Some("spam_risk_user_banned_from_posting".to_owned())
        }
        Fate::Publish | Fate::PublishSilently | Fate::PublishAndForget => fault.map(str::to_owned),
    };
    if let Some(reason) = failed {
        task.stage = Stage::Failed(reason);
        // Nothing was posted, so it does not count; a refused draft is not pending either.
        if task.post.is_some() {
            account.posted.pop();
        }
        account.pending.retain(|(pending, _)| pending != id);
        return;
    }
    match task.post.clone() {
        Some(post) => publish(sim, state, id, post, at),
        None => {
            task.stage = Stage::InInbox;
            if let Some(wait) = task.behaviour.creator_posts_draft_seconds {
                state.schedule(at + seconds(wait), Due::CreatorPosts(id.to_owned()));
            }
        }
    }
}

/// The creator finishes a draft in the app. False if there is no such draft.
pub(crate) fn creator_posts(sim: &Arc<Sim>, state: &mut State, id: &str, post: PostInfo, at: DateTime<Utc>) -> bool {
    let Some(task) = state.tasks.get_mut(id).filter(|task| task.stage == Stage::InInbox) else { return false };
    if let Some(account) = state.accounts.get_mut(&task.open_id) {
        account.pending.retain(|(pending, _)| pending != id);
    }
    publish(sim, state, id, post, at);
    true
}

/// From here on the post is visible.
fn publish(sim: &Arc<Sim>, state: &mut State, id: &str, post: PostInfo, at: DateTime<Utc>) {
    let Some(task) = state.tasks.get_mut(id) else { return };
    let Some(account) = state.accounts.get_mut(&task.open_id) else { return };
    match task.behaviour.outcome {
        Fate::PublishSilently => {}
        Fate::PublishAndForget => {
            task.stage = Stage::Published;
            task.forgotten = true;
        }
        Fate::Publish | Fate::Fail | Fate::Stuck => task.stage = Stage::Published,
    }
    let ids: Vec<u64> = (0..task.behaviour.public_ids.max(1)).map(|_| sim.random.digits(19)).collect();
    let is_public = post.privacy_level == "PUBLIC_TO_EVERYONE";
    let public_at = is_public.then(|| at + seconds(task.behaviour.public_id_seconds));
    sim.posts.add(visible(task, account, &post, &ids, at));
    let probe = task.file.as_ref().and_then(|file| file.probe.as_ref());
    account.videos.push(Video {
        ids,
        publish_id: id.to_owned(),
        created_at: at,
        caption: post.title,
        duration_ms: probe.map_or(0, |probe| probe.duration_ms),
        width: probe.map_or(0, |probe| probe.width),
        height: probe.map_or(0, |probe| probe.height),
        is_aigc: post.is_aigc,
        public_at,
        removed: false,
    });
    if let Some(public_at) = public_at {
        state.schedule(public_at, Due::PublicIds(id.to_owned()));
    }
}

fn visible(
    task: &Task,
    account: &crate::tiktok::account::Account,
    post: &PostInfo,
    ids: &[u64],
    at: DateTime<Utc>,
) -> VisiblePost {
    let id = ids[0].to_string();
    VisiblePost {
        number: 0,
        platform: "tiktok",
        account_id: task.open_id.clone(),
        account_name: account.profile.name.clone(),
        further_ids: ids[1..].iter().map(u64::to_string).collect(),
        caption: post.title.clone(),
        privacy: post.privacy_level.clone(),
        made_at: at,
        asked_at: match (&task.post, &task.source) {
            // The creator posts a draft.
            (None, _) => at,
            (Some(_), Source::Upload(_)) => task.complete_at.unwrap_or(at),
            (Some(_), Source::Pull(_)) => task.made_at,
        },
        source_id: task.publish_id.clone(),
        source: match &task.source {
            Source::Upload(_) => "upload".to_owned(),
            Source::Pull(pull) => pull.url.clone(),
        },
        byte_count: task.file.as_ref().map(|file| file.byte_count),
        sha256: task.file.as_ref().map(|file| file.sha256.clone()),
        url: Some(format!("https://www.tiktok.com/@{}/video/{id}", account.profile.username)),
        platform_post_id: id,
        comments: Vec::new(),
        removed_at: None,
    }
}

/// Moderation is over.
fn public(state: &mut State, id: &str) {
    let Some(task) = state.tasks.get_mut(id) else { return };
    let Some(account) = state.accounts.get(&task.open_id) else { return };
    if let Some(video) = account.videos.iter().rev().find(|video| video.publish_id == id) {
        task.public_ids.clone_from(&video.ids);
    }
}

/// The `fail_reason` of a file that TikTok does not take (sheet §5).
fn media_fault(file: &File, max_seconds: i32) -> Option<&'static str> {
    let Some(probe) = &file.probe else {
        // WebM is taken as it is: its header is not read here.
        return (!file.webm).then_some("file_format_check_failed");
    };
    let codec_is_fine = matches!(probe.codec.as_str(), "avc1" | "avc3" | "hvc1" | "hev1" | "vp08" | "vp09");
    let longest = LONGEST_MS.min(u64::try_from(max_seconds).unwrap_or(0) * 1000);
    let sides = 360..=4096;
    if !codec_is_fine {
        Some("file_format_check_failed")
    } else if probe.duration_ms > longest {
        Some("duration_check_failed")
    } else if !(22.9..=60.1).contains(&probe.fps) {
        Some("frame_rate_check_failed")
    } else if !sides.contains(&probe.width) || !sides.contains(&probe.height) {
        Some("picture_size_check_failed")
    } else {
        None
    }
}

fn seconds(span: f64) -> TimeDelta {
    TimeDelta::microseconds((span * 1e6) as i64)
}

//! What stands on YouTube's channels and cannot be seen there: private uploads that nobody needs, and what a video
//! declares about itself.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use aurareels_core::domain::{
    platform::Platform,
    post::{Post, Status},
};
use serde_json::Value;

use crate::{
    oracles::{self, Told},
    rig::Rig,
};

/// Every video that was ever made.
async fn videos(rig: &Rig) -> Result<Vec<Value>> {
    let answer = rig.look("youtube/videos").await?;
    Ok(answer["videos"].as_array().context("no list of videos")?.clone())
}

/// An attempt uploads its video once, except where the scenario says otherwise: looking for an upload whose answer was
/// lost comes before uploading it again.
pub(crate) async fn hold_no_more_than_they_need(rig: &Rig) -> Result<()> {
    let videos = videos(rig).await?;
    let spare = spare(&oracles::rows(rig).await?, &videos);
    let most = rig.ceilings.spare_videos;
    ensure!(spare <= most, "{spare} private uploads that nobody needs, at most {most} may be left: {videos:?}");
    Ok(())
}

/// Videos beyond one for each attempt of the posts that they are of.
fn spare(rows: &[Told], videos: &[Value]) -> usize {
    let mut needed: HashMap<&str, usize> = HashMap::new();
    for row in rows.iter().filter(|row| row.platform == "youtube") {
        for file in &row.videos {
            *needed.entry(file).or_default() += row.attempts;
        }
    }
    let mut found: HashMap<&str, usize> = HashMap::new();
    for video in videos {
        *found.entry(video["sha256"].as_str().unwrap_or_default()).or_default() += 1;
    }
    found.into_iter().map(|(file, count)| count.saturating_sub(needed.get(file).copied().unwrap_or_default())).sum()
}

/// A published video declares what its post declares: making it visible resets what the request leaves out.
pub(crate) async fn declare_what_was_asked(rig: &Rig, post: &Post) -> Result<()> {
    let options = post.content.options.of(Platform::Youtube);
    let (Status::Published, Platform::Youtube, Some(options)) = (post.status, post.platform, options) else {
        return Ok(());
    };
    let videos = videos(rig).await?;
    let video = videos.iter().find(|video| video["id"].as_str() == post.platform_post_id.as_deref());
    let status = &video.context("the published video is not on the channel")?["status"];
    for (option, field) in [("contains_synthetic_media", "containsSyntheticMedia"), ("embeddable", "embeddable")] {
        let is_as_requested = options[option].is_null() || options[option] == status[field];
        ensure!(is_as_requested, "the video's {field} is {}, requested was {}", status[field], options[option]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_upload_that_no_attempt_needs_is_found() {
        let row = |id: i64, attempts: usize| Told {
            id,
            status: Status::Published,
            platform: "youtube".to_owned(),
            account: "UC".to_owned(),
            scheduled_at: None,
            platform_post_id: None,
            text: String::new(),
            videos: vec![format!("file {id}")],
            last_event: None,
            attempts,
        };
        let video = |file: &str| json!({"id": "v", "sha256": file});
        let rows = [row(1, 1), row(2, 2)];
        assert_eq!(spare(&rows, &[video("file 1"), video("file 2"), video("file 2")]), 0);
        assert_eq!(spare(&rows, &[video("file 1"), video("file 1")]), 1);
        assert_eq!(spare(&rows, &[video("another")]), 1);
    }
}

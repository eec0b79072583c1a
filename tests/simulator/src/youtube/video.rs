//! Videos: their life from the last byte on, who sees them, and how they are read.
//!
//! Guaranteed: one finished session makes one video. It is in the list of visible posts while anybody but its owner
//! can watch it: public or unlisted, not failed, rejected or deleted. A video that goes private is marked as removed
//! there and comes back under the same number.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::growth::grown;
use crate::media::scan::Probe;
use crate::posts::VisiblePost;
use crate::sim::Sim;
use crate::youtube::channel::{Behaviour, Channel, Fate};
use crate::youtube::resource::Draft;
use crate::youtube::rules::Privacy;
use crate::youtube::state::{Due, State, seconds};

/// Longest video of a channel without a verified phone number, in milliseconds.
const UNVERIFIED_MS: u64 = 900_000;
/// Longest Short, in milliseconds.
const SHORT_MS: u64 = 180_000;

/// `status.uploadStatus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UploadStatus {
    Uploaded,
    Processed,
    Failed(String),
    Rejected(String),
    Deleted,
}

impl UploadStatus {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            UploadStatus::Uploaded => "uploaded",
            UploadStatus::Processed => "processed",
            UploadStatus::Failed(_) => "failed",
            UploadStatus::Rejected(_) => "rejected",
            UploadStatus::Deleted => "deleted",
        }
    }
}

/// The received file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) byte_count: u64,
    pub(crate) sha256: String,
    pub(crate) probe: Option<Probe>,
    pub(crate) webm: bool,
}

/// `statistics` that the control API gave; absent counters are hidden.
#[derive(Clone, Debug)]
pub(crate) struct Statistics {
    pub(crate) views: u64,
    pub(crate) likes: Option<u64>,
    pub(crate) comments: Option<u64>,
}

/// One video.
#[derive(Clone, Debug)]
pub(crate) struct Video {
    pub(crate) id: String,
    pub(crate) channel: String,
    /// `session-<n>`.
    pub(crate) source: String,
    pub(crate) draft: Draft,
    pub(crate) file: File,
    pub(crate) upload_status: UploadStatus,
    pub(crate) behaviour: Behaviour,
    pub(crate) created_at: DateTime<Utc>,
    /// When it first became public.
    pub(crate) published_at: Option<DateTime<Utc>>,
    pub(crate) processed_at: Option<DateTime<Utc>>,
    pub(crate) deleted_at: Option<DateTime<Utc>>,
    /// None: they grow by themselves.
    pub(crate) statistics: Option<Statistics>,
    /// SHA-256 of the custom thumbnail.
    pub(crate) thumbnail: Option<String>,
    /// Has been in the list of visible posts.
    listed: bool,
}

impl Video {
    /// Nobody ever sees it: the file is unusable, or a test says so.
    fn is_doomed(&self, check_media: bool) -> bool {
        self.behaviour.outcome == Fate::Fail || self.file_fault(check_media).is_some()
    }

    fn file_fault(&self, check_media: bool) -> Option<&'static str> {
        if !check_media || self.file.webm {
            return None;
        }
        match &self.file.probe {
            None if self.file.byte_count == 0 => Some("emptyFile"),
            None => Some("invalidFile"),
            Some(_) => None,
        }
    }

    /// Square or upright, and at most three minutes long.
    pub(crate) fn is_short(&self) -> bool {
        self.file.probe.as_ref().is_some_and(|probe| probe.width <= probe.height && probe.duration_ms <= SHORT_MS)
    }

    pub(crate) fn url(&self) -> String {
        if self.is_short() {
            format!("https://www.youtube.com/shorts/{}", self.id)
        } else {
            format!("https://www.youtube.com/watch?v={}", self.id)
        }
    }

    /// Whether it can be asked for by id; `own` is the owner's view.
    pub(crate) fn is_readable(&self, own: bool) -> bool {
        let there = self.upload_status != UploadStatus::Deleted;
        there && (own || (self.draft.status.privacy != Privacy::Private && !self.is_off()))
    }

    fn is_off(&self) -> bool {
        matches!(self.upload_status, UploadStatus::Failed(_) | UploadStatus::Rejected(_) | UploadStatus::Deleted)
    }

    fn caption(&self) -> String {
        let Draft { snippet, .. } = &self.draft;
        if snippet.description.is_empty() {
            snippet.title.clone()
        } else {
            format!("{}\n\n{}", snippet.title, snippet.description)
        }
    }

    /// The item with these parts; `own` is the owner's view.
    pub(crate) fn item(&self, channel: &Channel, parts: &[String], now: DateTime<Utc>) -> Value {
        let mut item = Map::new();
        item.insert("kind".into(), json!("youtube#video"));
        item.insert("etag".into(), json!(format!("{}-{}", self.id, self.upload_status.word())));
        item.insert("id".into(), json!(self.id));
        for part in parts {
            let value = match part.as_str() {
                "snippet" => self.snippet(channel),
                "status" => self.status(),
                "contentDetails" => self.content_details(),
                "statistics" => self.statistics(now),
                "processingDetails" => self.processing_details(now),
                "fileDetails" if self.file_details_available(now) => self.file_details(),
                "suggestions" if matches!(self.upload_status, UploadStatus::Failed(_)) => {
                    json!({ "processingErrors": ["notAVideoFile"] })
                }
                "suggestions" | "topicDetails" => json!({}),
                "player" => {
                    json!({ "embedHtml": format!("<iframe src=\"//www.youtube.com/embed/{}\"></iframe>", self.id) })
                }
                "recordingDetails" => match &self.draft.recording_date {
                    Some(date) => json!({ "recordingDate": date }),
                    None => json!({}),
                },
                "localizations" => match &self.draft.localizations {
                    Some(localizations) => json!(localizations),
                    None => continue,
                },
                _ => continue,
            };
            item.insert(part.clone(), value);
        }
        Value::Object(item)
    }

    /// `snippet`, as every list shows it.
    pub(crate) fn snippet(&self, channel: &Channel) -> Value {
        let mut snippet = self.draft.snippet.shown();
        snippet.insert("publishedAt".into(), json!(stamp(self.published_at.unwrap_or(self.created_at))));
        snippet.insert("channelId".into(), json!(self.channel));
        snippet.insert("channelTitle".into(), json!(channel.profile.name));
        snippet.insert("thumbnails".into(), thumbnails(&self.id));
        Value::Object(snippet)
    }

    pub(crate) fn status(&self) -> Value {
        let status = &self.draft.status;
        let mut shown = json!({
            "uploadStatus": self.upload_status.word(),
            "privacyStatus": status.privacy.word(),
            "license": status.license,
            "embeddable": status.embeddable,
            "publicStatsViewable": status.public_stats_viewable,
            "madeForKids": status.made_for_kids,
            "selfDeclaredMadeForKids": status.made_for_kids,
            "containsSyntheticMedia": status.synthetic_media,
        });
        if let Some(at) = status.publish_at {
            shown["publishAt"] = json!(stamp(at));
        }
        match &self.upload_status {
            UploadStatus::Failed(reason) => shown["failureReason"] = json!(reason),
            UploadStatus::Rejected(reason) => shown["rejectionReason"] = json!(reason),
            UploadStatus::Uploaded | UploadStatus::Processed | UploadStatus::Deleted => {}
        }
        shown
    }

    fn content_details(&self) -> Value {
        let ms = self.file.probe.as_ref().map_or(0, |probe| probe.duration_ms);
        json!({
            "duration": duration(ms),
            "dimension": "2d",
            "definition": if self.file.probe.as_ref().is_some_and(|probe| probe.width.min(probe.height) >= 720) { "hd" } else { "sd" },
            "caption": "false",
            "licensedContent": false,
            "projection": "rectangular",
        })
    }

    /// The counters now.
    pub(crate) fn counters(&self, now: DateTime<Utc>) -> Statistics {
        self.statistics.clone().unwrap_or_else(|| {
            let of = grown(&self.id, self.published_at.map_or(0, |at| (now - at).num_seconds()));
            Statistics { views: of.views, likes: Some(of.likes), comments: Some(of.comments) }
        })
    }

    /// `statistics` as strings; a hidden counter is absent.
    pub(crate) fn statistics(&self, now: DateTime<Utc>) -> Value {
        let Statistics { views, likes, comments } = self.counters(now);
        let mut shown = json!({ "viewCount": views.to_string(), "favoriteCount": "0" });
        if let Some(likes) = likes {
            shown["likeCount"] = json!(likes.to_string());
        }
        if let Some(comments) = comments {
            shown["commentCount"] = json!(comments.to_string());
        }
        shown
    }

    fn processing_details(&self, now: DateTime<Utc>) -> Value {
        let file_details = if self.file_details_available(now) { "available" } else { "inProgress" };
        let (status, thumbnails) = match (&self.upload_status, self.behaviour.outcome) {
            (UploadStatus::Uploaded, _) => ("processing", "inProgress"),
            (UploadStatus::Processed, Fate::Terminated) => ("terminated", "available"),
            (UploadStatus::Failed(_), _) => ("failed", "failed"),
            (UploadStatus::Processed | UploadStatus::Rejected(_) | UploadStatus::Deleted, _) => {
                ("succeeded", "available")
            }
        };
        let mut shown = json!({
            "processingStatus": status,
            "fileDetailsAvailability": file_details,
            "processingIssuesAvailability": "available",
            "tagSuggestionsAvailability": "inProgress",
            "editorSuggestionsAvailability": "inProgress",
            "thumbnailsAvailability": thumbnails,
        });
        if status == "failed" {
            shown["processingFailureReason"] = json!("transcodeFailed");
        }
        if status == "processing" {
            let passed = (now - self.created_at).num_milliseconds().max(0);
            let all = (self.behaviour.processing_seconds * 1000.0) as i64;
            shown["processingProgress"] = json!({
                "partsTotal": "100",
                "partsProcessed": (passed * 100 / all.max(1)).clamp(0, 99).to_string(),
                "timeLeftMs": (all - passed).max(0).to_string(),
            });
        }
        shown
    }

    fn file_details_available(&self, now: DateTime<Utc>) -> bool {
        now >= self.created_at + seconds(self.behaviour.file_details_seconds)
    }

    fn file_details(&self) -> Value {
        let mut shown = json!({
            "fileSize": self.file.byte_count.to_string(),
            "fileType": if self.file.probe.is_some() || self.file.webm { "video" } else { "other" },
        });
        if let Some(name) = &self.draft.file_name {
            shown["fileName"] = json!(name);
        }
        if let Some(probe) = &self.file.probe {
            shown["container"] = json!("mov,mp4,m4a,3gp,3g2,mj2");
            shown["durationMs"] = json!(probe.duration_ms.to_string());
            shown["videoStreams"] = json!([{
                "widthPixels": probe.width,
                "heightPixels": probe.height,
                "frameRateFps": probe.fps,
                "aspectRatio": f64::from(probe.width) / f64::from(probe.height.max(1)),
                "codec": probe.codec,
            }]);
        }
        shown
    }
}

/// A completed upload becomes a video.
pub(crate) fn make(
    sim: &Arc<Sim>,
    state: &mut State,
    channel: &str,
    source: String,
    draft: Draft,
    file: File,
) -> String {
    let now = sim.clock.now();
    let id = sim.random.token(11);
    let mut behaviour = Behaviour::default();
    if let Some(channel) = state.channels.get_mut(channel) {
        behaviour = channel.next_behaviour();
        channel.videos.push(id.clone());
    }
    let mut draft = draft;
    let forced = state.channels.get(channel).and_then(|channel| channel.profile.forced_privacy);
    if state.rules.force_private {
        draft.status.privacy = Privacy::Private;
        draft.status.publish_at = None;
    } else if let Some(privacy) = forced {
        draft.status.privacy = privacy;
    }
    let processed_at = now + seconds(behaviour.processing_seconds);
    let video = Video {
        id: id.clone(),
        channel: channel.to_owned(),
        source,
        draft,
        file,
        upload_status: UploadStatus::Uploaded,
        behaviour,
        created_at: now,
        published_at: None,
        processed_at: None,
        deleted_at: None,
        statistics: None,
        thumbnail: None,
        listed: false,
    };
    state.videos.insert(id.clone(), video);
    if state.videos[&id].behaviour.outcome != Fate::Stuck {
        state.schedule(processed_at, Due::Processed(id.clone()));
    }
    plan_publishing(state, &id);
    show(sim, state, &id, now);
    id
}

/// Puts the video's `publishAt` on the list of what is due.
pub(crate) fn plan_publishing(state: &mut State, id: &str) {
    let at = state.videos.get(id).and_then(|video| video.draft.status.publish_at);
    if let Some(at) = at {
        state.schedule(at, Due::PublishAt(id.to_owned()));
    }
}

/// Does what was due at `at`.
pub(crate) fn carry_out(sim: &Arc<Sim>, state: &mut State, at: DateTime<Utc>, due: Due) {
    match due {
        Due::Processed(id) => processed(sim, state, &id, at),
        Due::PublishAt(id) => {
            let Some(video) = state.videos.get_mut(&id) else { return };
            let status = &mut video.draft.status;
            // An update may have moved or dropped the time since.
            if status.publish_at != Some(at) || status.privacy != Privacy::Private {
                return;
            }
            status.publish_at = None;
            status.privacy = Privacy::Public;
            show(sim, state, &id, at);
        }
    }
}

/// Processing ends.
pub(crate) fn processed(sim: &Arc<Sim>, state: &mut State, id: &str, at: DateTime<Utc>) {
    let check_media = state.rules.check_media;
    let Some(video) = state.videos.get_mut(id).filter(|video| video.upload_status == UploadStatus::Uploaded) else {
        return;
    };
    let verified = state.channels.get(&video.channel).is_some_and(|channel| channel.profile.phone_verified);
    let long = video.file.probe.as_ref().is_some_and(|probe| probe.duration_ms > UNVERIFIED_MS);
    let fault = video.file_fault(check_media);
    video.upload_status = match (video.behaviour.outcome, fault) {
        (Fate::Fail, _) => UploadStatus::Failed(video.behaviour.reason.clone()),
        (_, Some(fault)) => UploadStatus::Failed(fault.to_owned()),
        (Fate::Reject, None) => UploadStatus::Rejected(video.behaviour.reason.clone()),
        (Fate::Process | Fate::Terminated | Fate::Stuck, None) if check_media && long && !verified => {
            UploadStatus::Rejected("length".to_owned())
        }
        (Fate::Process | Fate::Terminated | Fate::Stuck, None) => UploadStatus::Processed,
    };
    video.processed_at = Some(at);
    if let Some(privacy) = video.behaviour.privacy_becomes {
        video.draft.status.privacy = privacy;
    }
    show(sim, state, id, at);
}

/// Brings the list of visible posts up to date with the video.
pub(crate) fn show(sim: &Sim, state: &mut State, id: &str, at: DateTime<Utc>) {
    let check_media = state.rules.check_media;
    let Some(video) = state.videos.get_mut(id) else { return };
    let privacy = video.draft.status.privacy;
    if privacy == Privacy::Public && !video.is_off() && !video.is_doomed(check_media) {
        video.published_at.get_or_insert(at);
    }
    let visible = privacy != Privacy::Private && !video.is_off() && !video.is_doomed(check_media);
    if !video.listed {
        if visible {
            video.listed = true;
            let channel = state.channels.get(&video.channel).map(|channel| channel.profile.name.clone());
            sim.posts.add(visible_post(video, channel.unwrap_or_default(), at));
        }
        return;
    }
    let caption = video.caption();
    sim.posts.change("youtube", id, |post| {
        post.removed_at = if visible { None } else { post.removed_at.or(Some(at)) };
        post.privacy = privacy.word().to_owned();
        post.caption = caption;
    });
}

fn visible_post(video: &Video, account_name: String, at: DateTime<Utc>) -> VisiblePost {
    VisiblePost {
        number: 0,
        platform: "youtube",
        account_id: video.channel.clone(),
        account_name,
        platform_post_id: video.id.clone(),
        further_ids: Vec::new(),
        caption: video.caption(),
        privacy: video.draft.status.privacy.word().to_owned(),
        made_at: at,
        asked_at: at,
        source_id: video.source.clone(),
        source: "upload".to_owned(),
        byte_count: Some(video.file.byte_count),
        sha256: Some(video.file.sha256.clone()),
        url: Some(video.url()),
        comments: Vec::new(),
        removed_at: None,
    }
}

/// RFC 3339 in UTC, as Google writes times.
pub(crate) fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The pictures that every video has.
pub(crate) fn thumbnails(id: &str) -> Value {
    let picture = |name: &str, width: u32, height: u32| json!({ "url": format!("https://i.ytimg.com/vi/{id}/{name}.jpg"), "width": width, "height": height });
    json!({
        "default": picture("default", 120, 90),
        "medium": picture("mqdefault", 320, 180),
        "high": picture("hqdefault", 480, 360),
    })
}

/// ISO 8601, for example `PT1M5S`.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms.div_ceil(1000);
    let (hours, minutes, rest) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
    let mut text = "PT".to_owned();
    for (count, letter) in [(hours, 'H'), (minutes, 'M'), (rest, 'S')] {
        if count > 0 {
            text.push_str(&format!("{count}{letter}"));
        }
    }
    if text == "PT" { "P0D".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_iso_8601() {
        assert_eq!(duration(15_000), "PT15S");
        assert_eq!(duration(65_200), "PT1M6S");
        assert_eq!(duration(3_600_000), "PT1H");
        assert_eq!(duration(0), "P0D");
    }
}

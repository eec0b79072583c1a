//! A video job: a video that a workflow made or received, and what a language model wrote about it. Pure.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ids::UserId, post::Content, shown_url::shown_url};

/// What a language model says of a video.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AiMetadata {
    /// Titles to choose from.
    pub titles: Vec<String>,
    /// A description.
    pub description: String,
    /// Hashtags as given.
    pub hashtags: Vec<String>,
    /// What is said in the video. Stored apart, and empty in lists.
    #[serde(skip)]
    pub transcription: String,
}

/// A video job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoJob {
    /// Its name, unique per user.
    pub video_job_id: String,
    /// Whose it is.
    pub wp_user_id: UserId,
    /// Where the video is; empty when it was uploaded, or is being made.
    pub video_url: String,
    /// The uploaded video; empty when it is elsewhere, or is being made.
    pub media_id: String,
    /// Cover image.
    pub thumbnail_url: Option<String>,
    /// What a language model says of it.
    pub ai: AiMetadata,
    /// When it was first saved.
    pub created_at: DateTime<Utc>,
    /// When it was last saved.
    pub updated_at: DateTime<Utc>,
}

impl VideoJob {
    /// An empty job.
    pub fn blank(video_job_id: String, user: UserId, now: DateTime<Utc>) -> Self {
        Self {
            video_job_id,
            wp_user_id: user,
            video_url: String::new(),
            media_id: String::new(),
            thumbnail_url: None,
            ai: AiMetadata::default(),
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether a post can be made from it alone.
    pub fn has_video(&self) -> bool {
        !self.video_url.is_empty() || !self.media_id.is_empty()
    }

    /// Applies a change. A URL that comes back as it was shown, with hidden values, leaves the stored one unchanged.
    pub fn apply(&mut self, change: VideoJobChange, now: DateTime<Utc>) {
        let VideoJobChange { video, thumbnail_url, titles, description, hashtags, transcription } = change;
        if let Some(video) = video {
            (self.video_url, self.media_id) = match video {
                JobVideo::Url(url) if url == shown_url(&self.video_url) => {
                    (std::mem::take(&mut self.video_url), String::new())
                }
                JobVideo::Url(url) => (url, String::new()),
                JobVideo::Media(media_id) => (String::new(), media_id),
                JobVideo::None => (String::new(), String::new()),
            };
        }
        let set = |to: &mut String, from: Option<String>| from.into_iter().for_each(|from| *to = from);
        set(&mut self.ai.description, description);
        set(&mut self.ai.transcription, transcription);
        let cover = thumbnail_url.filter(|given| *given != self.thumbnail_url.as_deref().map(shown_url));
        self.thumbnail_url = cover.unwrap_or_else(|| self.thumbnail_url.take());
        self.ai.titles = titles.unwrap_or_else(|| std::mem::take(&mut self.ai.titles));
        self.ai.hashtags = hashtags.unwrap_or_else(|| std::mem::take(&mut self.ai.hashtags));
        self.updated_at = now;
    }
}

/// The video of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobVideo {
    /// Behind a URL.
    Url(String),
    /// Uploaded.
    Media(String),
    /// Not there yet.
    None,
}

/// A change of a job; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VideoJobChange {
    /// The video.
    pub video: Option<JobVideo>,
    /// Cover image.
    pub thumbnail_url: Option<Option<String>>,
    /// Titles.
    pub titles: Option<Vec<String>>,
    /// The description.
    pub description: Option<String>,
    /// Hashtags.
    pub hashtags: Option<Vec<String>>,
    /// What is said in the video.
    pub transcription: Option<String>,
}

impl Content {
    /// Whether it names a video job and no video of its own.
    pub fn names_job_alone(&self) -> bool {
        !self.video_job_id.is_empty() && self.video_url.is_empty() && self.media_id.is_empty()
    }
}

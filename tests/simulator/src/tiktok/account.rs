//! TikTok creators, and how their posts are processed.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::window::Window;

/// A creator as the control API describes it; every field may be changed later with `/_sim/tiktok/accounts/<id>`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Profile {
    /// `open_id`; made up when empty.
    pub(crate) id: String,
    /// Display name (nickname).
    pub(crate) name: String,
    pub(crate) username: String,
    pub(crate) private: bool,
    pub(crate) max_video_post_duration_sec: i32,
    pub(crate) comment_disabled: bool,
    pub(crate) duet_disabled: bool,
    pub(crate) stitch_disabled: bool,
    pub(crate) is_verified: bool,
    /// TikTok has banned the creator from posting.
    pub(crate) banned: bool,
    /// Makes `creator_info` answer HTTP 200 with this code.
    pub(crate) creator_info_code: Option<String>,
    /// Instead of the rules' `posts_per_day`.
    pub(crate) posts_per_day: Option<u32>,
}

impl Default for Profile {
    fn default() -> Self {
        Profile {
            id: String::new(),
            name: "Creator".into(),
            username: String::new(),
            private: false,
            max_video_post_duration_sec: 600,
            comment_disabled: false,
            duet_disabled: false,
            stitch_disabled: false,
            is_verified: false,
            banned: false,
            creator_info_code: None,
            posts_per_day: None,
        }
    }
}

/// How a creator's next tasks are processed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Behaviour {
    /// Simulated seconds between the last byte and the outcome.
    pub(crate) processing_seconds: f64,
    pub(crate) outcome: Fate,
    /// With [`Fate::Fail`]: the `fail_reason`.
    pub(crate) fail_reason: String,
    /// Simulated seconds between PUBLISH_COMPLETE and the public ids (moderation).
    pub(crate) public_id_seconds: f64,
    /// How many public ids one publish id gets.
    pub(crate) public_ids: u32,
    pub(crate) id_form: IdForm,
    /// Shown instead of PROCESSING_* while processing.
    pub(crate) processing_status: Option<String>,
    /// Simulated seconds before a pull starts to download.
    pub(crate) pull_seconds: f64,
    /// Inbox drafts: the creator posts them after so many simulated seconds.
    pub(crate) creator_posts_draft_seconds: Option<f64>,
    /// How many tasks this holds for; then the default comes back. Absent = for good.
    pub(crate) tasks: Option<u32>,
}

/// What becomes of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    /// It is posted.
    Publish,
    /// FAILED with `fail_reason`; nothing is posted.
    Fail,
    /// PROCESSING_* for ever; nothing is posted.
    Stuck,
    /// It is posted, but the status stays PROCESSING_* for ever.
    PublishSilently,
    /// It is posted, but `status/fetch` does not know the id any more.
    PublishAndForget,
}

/// How `publicaly_available_post_id` looks; all have been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdForm {
    /// `[7512345678901234567]`.
    List,
    /// `["7512345678901234567"]`.
    Quoted,
    /// `7512345678901234567`.
    Scalar,
    /// No such key.
    Absent,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            processing_seconds: 2.0,
            outcome: Fate::Publish,
            fail_reason: "internal".into(),
            public_id_seconds: 0.0,
            public_ids: 1,
            id_form: IdForm::List,
            processing_status: None,
            pull_seconds: 0.0,
            creator_posts_draft_seconds: None,
            tasks: None,
        }
    }
}

/// A creator.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) profile: Profile,
    pub(crate) union_id: String,
    pub(crate) behaviour: Behaviour,
    /// Direct posts of the last 24 hours, whichever app made them.
    pub(crate) posted: Window,
    /// Inbox shares of the last 24 hours that the creator has not posted: publish id and time.
    pub(crate) pending: Vec<(String, DateTime<Utc>)>,
    /// Everything posted, oldest first.
    pub(crate) videos: Vec<Video>,
}

/// A posted video.
#[derive(Clone, Debug)]
pub(crate) struct Video {
    /// All ids, the first is canonical.
    pub(crate) ids: Vec<u64>,
    pub(crate) publish_id: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) caption: String,
    pub(crate) duration_ms: u64,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) is_aigc: bool,
    /// When everybody can see it; `None` for posts that are not public.
    pub(crate) public_at: Option<DateTime<Utc>>,
    pub(crate) removed: bool,
}

impl Account {
    pub(crate) fn new(profile: Profile, union_id: String) -> Self {
        Account {
            profile,
            union_id,
            behaviour: Behaviour::default(),
            posted: Window::default(),
            pending: Vec::new(),
            videos: Vec::new(),
        }
    }

    /// What `creator_info` offers right now.
    pub(crate) fn privacy_options(&self) -> [&'static str; 3] {
        let widest = if self.profile.private { "FOLLOWER_OF_CREATOR" } else { "PUBLIC_TO_EVERYONE" };
        [widest, "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
    }

    /// The behaviour of the next task; counts it.
    pub(crate) fn next_behaviour(&mut self) -> Behaviour {
        let behaviour = self.behaviour.clone();
        if let Some(left) = self.behaviour.tasks.as_mut() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.behaviour = Behaviour::default();
            }
        }
        behaviour
    }

    /// Pending inbox shares of the last 24 hours.
    pub(crate) fn pending_count(&mut self, now: DateTime<Utc>) -> usize {
        self.pending.retain(|(_, time)| *time > now - TimeDelta::hours(24));
        self.pending.len()
    }

    pub(crate) fn describe(&self) -> Value {
        let mut account = json!({ "platform": "tiktok" });
        let profile = serde_json::to_value(&self.profile).unwrap_or(Value::Null);
        if let (Some(account), Value::Object(profile)) = (account.as_object_mut(), profile) {
            account.extend(profile);
            account.insert("behaviour".into(), json!(self.behaviour));
            account.insert("videos".into(), json!(self.videos.len()));
        }
        account
    }
}

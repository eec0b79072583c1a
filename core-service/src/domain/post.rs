//! A post: one video on one account, with everything the engine needs to move it.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    account::Account,
    failure::Failure,
    fields::Fields,
    ids::{AccountId, Fence, PostId, Revision, UserId},
    media::StoredFacts,
    platform::{Platform, UnknownValue},
    violation::{MEDIA_ID_FIELD, VIDEO_URL_FIELD, Warning},
};

/// The status of a post: the original's six words, and three for outcomes that those cannot express.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not to be published yet.
    Draft,
    /// Waits for its time.
    Scheduled,
    /// Being published.
    Publishing,
    /// The platform may have it; being checked.
    Confirming,
    /// The platform says that it is live.
    Published,
    /// Proven not to be on the platform.
    Failed,
    /// Cancelled before anything was visible.
    Cancelled,
    /// The outcome cannot be determined: a person decides.
    NeedsReview,
    /// In the creator's inbox (TikTok drafts).
    Delivered,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Draft,
        Self::Scheduled,
        Self::Publishing,
        Self::Confirming,
        Self::Published,
        Self::Failed,
        Self::Cancelled,
        Self::NeedsReview,
        Self::Delivered,
    ];

    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Publishing => "publishing",
            Self::Confirming => "confirming",
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::NeedsReview => "needs_review",
            Self::Delivered => "delivered",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownValue { kind: "status", value: text.to_owned() })
    }
}

/// Who starts a scheduled post at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SchedulerKind {
    /// The core itself.
    Core,
    /// An n8n workflow; the core publishes if the workflow does not call back.
    N8n,
}

impl SchedulerKind {
    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::N8n => "n8n",
        }
    }
}

impl FromStr for SchedulerKind {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "core" => Ok(Self::Core),
            "n8n" => Ok(Self::N8n),
            _ => Err(UnknownValue { kind: "scheduler", value: text.to_owned() }),
        }
    }
}

/// Platform-specific options, by the platform's word. Only the platform's own module reads them
/// (`platform::description::Options`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlatformOptions(Fields);

impl PlatformOptions {
    /// The options of a platform as they are stored; null for what are none.
    pub fn of(&self, platform: Platform) -> Option<&Value> {
        const UNREADABLE: &Value = &Value::Null;
        let name = platform.as_str();
        self.0.compound(name).or_else(|| self.0.contains_key(name).then_some(UNREADABLE))
    }

    /// Sets the options of a platform.
    pub fn set(&mut self, platform: Platform, options: Value) {
        self.0.insert(platform.as_str(), options);
    }
}

/// What the caller wants posted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// The job that made the video; may be empty.
    pub video_job_id: String,
    /// The video's URL; empty when it was uploaded.
    pub video_url: String,
    /// The uploaded video, or the copy made of `video_url`: takes precedence if set.
    pub media_id: String,
    /// Cover image.
    pub thumbnail_url: Option<String>,
    /// Caption as given.
    pub caption: String,
    /// Hashtags as given.
    pub hashtags: Vec<String>,
    /// Mentions as given.
    pub mentions: Vec<String>,
    /// The text that is sent: the three above, joined once by `domain::caption`.
    pub full_caption: String,
    /// Place.
    pub location: Option<String>,
    /// Privacy as requested; empty when none was given.
    pub privacy_level: String,
    /// Comments; the platform's default when absent.
    pub allow_comments: Option<bool>,
    /// TikTok duets.
    pub allow_duet: Option<bool>,
    /// TikTok stitches.
    pub allow_stitch: Option<bool>,
    /// The caller's own data.
    pub metadata: Value,
    /// Options of the account's platform.
    pub options: PlatformOptions,
}

impl Content {
    /// The field of a request that names the video.
    pub fn video_field(&self) -> &'static str {
        if self.media_id.is_empty() { VIDEO_URL_FIELD } else { MEDIA_ID_FIELD }
    }
}

/// What a post waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// Its time.
    Schedule,
    /// The platform processes the video.
    Processing,
    /// The platform's quota.
    Quota,
    /// The core's own daily limit.
    DailyLimit,
    /// The platform asked to slow down.
    RateLimit,
    /// The next automatic retry.
    Retry,
    /// The account's owner.
    Reconnect,
    /// The next look at the platform.
    Confirming,
    /// The n8n workflow that was handed the post.
    Workflow,
    /// A look-up on the platform: a backup was restored, and the post may already be published.
    RestoreCheck,
    /// The copy of its video into the core's own store.
    Copy,
}

impl WaitReason {
    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Processing => "processing",
            Self::Quota => "quota",
            Self::DailyLimit => "daily_limit",
            Self::RateLimit => "rate_limit",
            Self::Retry => "retry",
            Self::Reconnect => "reconnect",
            Self::Confirming => "confirming",
            Self::Workflow => "workflow",
            Self::RestoreCheck => "restore_check",
            Self::Copy => "copy",
        }
    }
}

impl FromStr for WaitReason {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        [
            Self::Schedule,
            Self::Processing,
            Self::Quota,
            Self::DailyLimit,
            Self::RateLimit,
            Self::Retry,
            Self::Reconnect,
            Self::Confirming,
            Self::Workflow,
            Self::RestoreCheck,
            Self::Copy,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == text)
        .ok_or_else(|| UnknownValue { kind: "wait reason", value: text.to_owned() })
    }
}

/// One video on one account, as the row holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// Our id.
    pub id: PostId,
    /// The owner.
    pub wp_user_id: UserId,
    /// Where it goes.
    pub social_account_id: AccountId,
    /// The account's platform.
    pub platform: Platform,
    /// Its status.
    pub status: Status,
    /// When it should be published; `None` for posts to be published immediately.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// The earliest instant of its visible request, once it has begun. `None` before that, and if an older core began
    /// it: use [`Self::due`].
    pub due_at: Option<DateTime<Utc>>,
    /// When the platform accepted it.
    pub published_at: Option<DateTime<Utc>>,
    /// The platform's id of the public post.
    pub platform_post_id: Option<String>,
    /// Link to the public post.
    pub platform_post_url: Option<String>,
    /// Every id the platform gave; more than one is rare.
    pub all_platform_post_ids: Vec<String>,
    /// What is posted.
    pub content: Content,
    /// Why it failed or waits.
    pub error: Option<Failure>,
    /// Retries so far, automatic and by hand.
    pub retry_count: i32,
    /// Automatic retries used since the last manual retry, or since a step last succeeded for the first time.
    pub automatic_retries: i32,
    /// When the last retry began.
    pub last_retry_at: Option<DateTime<Utc>>,
    /// The key of the request that made it.
    pub request_key: Option<String>,
    /// Whether the core derived `request_key`.
    pub request_key_derived: bool,
    /// Who starts it at its time.
    pub scheduler: SchedulerKind,
    /// Seconds by which it may be overdue and still be published.
    pub late_policy_seconds: i64,
    /// What was changed or ignored.
    pub warnings: Vec<Warning>,
    /// The current attempt, 1 for the first. Increases only with proof that the previous one cannot act any more.
    pub attempt: i32,
    /// When the n8n workflow took it, for its current time.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// What it waits for.
    pub waiting_for: Option<WaitReason>,
    /// When the row is due next: its time, a poll, a retry, the end of a claim. `None` at rest.
    pub next_step_at: Option<DateTime<Utc>>,
    /// Looks in a row that found nothing new.
    pub poll_count: i32,
    /// Reads in a row that failed.
    pub read_failures: i32,
    /// Failed calls of the n8n webhook in a row, for its current time.
    pub handover_failures: i32,
    /// Claims in a row that expired instead of being released: a post that crashes its workers is quarantined.
    pub abandoned_claims: i32,
    /// When the current status began.
    pub status_since: DateTime<Utc>,
    /// What the media check found.
    pub media_facts: Option<StoredFacts>,
    /// A backup was restored, and the post may have been published since this time: it is looked up before anything is
    /// sent.
    pub look_since: Option<DateTime<Utc>>,
    /// A copy of its video is to be made before anything else is done with it.
    pub wants_copy: bool,
    /// Fencing number of the latest claim.
    pub fence: Fence,
    /// Rises with every change.
    pub revision: Revision,
    /// Created.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
    /// Set if this release cannot read the row: the other fields then hold what could be read, for display only. The
    /// engine and the moves never get such a post.
    pub unread: Option<Unread>,
}

/// Which parts of a row could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Why, for people.
    pub why: String,
    /// The status is a word that this release does not know.
    pub status: bool,
    /// The platform is a word that this release does not know.
    pub platform: bool,
}

/// How long before its time a core that did not yet store `due_at` may have begun a post: its longest head start in a
/// burst, plus a second.
const OLD_HEAD_START: TimeDelta = TimeDelta::seconds(21);

impl Post {
    /// The earliest instant at which it may become visible: no visible request is sent before.
    pub fn due(&self) -> DateTime<Utc> {
        match (self.status, self.due_at, self.scheduled_at) {
            (Status::Draft | Status::Scheduled, _, Some(time)) => time,
            (_, Some(due), _) => due,
            // An older core began it: shortly before its time for its time, else by hand. Migration 0003 knows more.
            (_, None, Some(time)) if time > self.status_since && time - self.status_since <= OLD_HEAD_START => time,
            (_, None, _) => self.status_since,
        }
    }

    /// Since when it may have been published, if it must be looked up before anything else. Posts that are live or in
    /// the creator's inbox need no look-up.
    pub fn to_be_looked_up(&self) -> Option<DateTime<Utc>> {
        self.look_since.filter(|_| !matches!(self.status, Status::Published | Status::Delivered | Status::Cancelled))
    }

    /// A post without content on an account, created now. The store assigns its id.
    pub fn blank(account: &Account, status: Status, now: DateTime<Utc>) -> Self {
        Self {
            id: PostId(0),
            wp_user_id: account.wp_user_id,
            social_account_id: account.id,
            platform: account.platform,
            status,
            scheduled_at: None,
            due_at: None,
            published_at: None,
            platform_post_id: None,
            platform_post_url: None,
            all_platform_post_ids: Vec::new(),
            content: Content::default(),
            error: None,
            retry_count: 0,
            automatic_retries: 0,
            last_retry_at: None,
            request_key: None,
            request_key_derived: false,
            scheduler: SchedulerKind::Core,
            late_policy_seconds: 0,
            warnings: Vec::new(),
            attempt: 1,
            handed_over_at: None,
            waiting_for: None,
            next_step_at: None,
            poll_count: 0,
            read_failures: 0,
            handover_failures: 0,
            abandoned_claims: 0,
            status_since: now,
            media_facts: None,
            look_since: None,
            wants_copy: false,
            fence: Fence(0),
            revision: Revision(1),
            created_at: now,
            updated_at: now,
            unread: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::platform::{LoginFlavour, Platform},
        platform::stand_in,
    };

    #[test]
    fn a_post_is_due_at_its_time_until_it_is_published_by_hand() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let account = stand_in::account(Platform::Instagram, LoginFlavour::FacebookLogin, now);
        let (soon, later) = (now + TimeDelta::seconds(20), now + TimeDelta::hours(1));
        let due =
            |status, scheduled_at, due_at| Post { scheduled_at, due_at, ..Post::blank(&account, status, now) }.due();
        let begun = [Status::Publishing, Status::Confirming, Status::Published, Status::Failed];
        assert_eq!(due(Status::Scheduled, Some(later), None), later);
        for status in begun {
            assert_eq!(due(status, Some(later), Some(later)), later, "begun for its time");
            assert_eq!(due(status, Some(later), Some(now)), now, "published by hand");
            assert_eq!(due(status, None, None), now, "created to be published at once");
            assert_eq!(due(status, Some(soon), None), soon, "begun for its time by an older core");
            assert_eq!(due(status, Some(later), None), now, "published by hand through an older core");
        }
        // A time that an older core moved after a newer one had stored something.
        assert_eq!(due(Status::Scheduled, Some(later), Some(now)), later);
    }
}

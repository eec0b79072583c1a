//! What the original WordPress plugin's rows say, and what follows from it. Pure.
//!
//! Its times are UTC without saying so. It had one word for "published" and no ledger, so a row that it left in `publishing`
//! says nothing of what became of the post.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::platform::Platform;

/// The original's cron publishes what is due within this, by a list that it made before.
pub const CRON_LOOKS_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Longest time for which a run of the original's cron may work off its list.
pub const CRON_RUNS: TimeDelta = TimeDelta::hours(1);

/// How much before its time a post has to be taken over: the list of a cron that begins now must not hold it any more.
const AHEAD: TimeDelta = TimeDelta::minutes(10);

/// An account of the original's. Tokens are encrypted as it did.
#[derive(Clone, Debug, PartialEq)]
pub struct OriginalAccount {
    /// Its id there.
    pub id: i64,
    /// The owner.
    pub wp_user_id: i64,
    /// The platform.
    pub platform: Platform,
    /// The platform's id of it.
    pub account_id: String,
    /// Display name.
    pub account_name: String,
    /// Handle.
    pub account_username: Option<String>,
    /// E-mail.
    pub account_email: Option<String>,
    /// Picture.
    pub profile_picture_url: Option<String>,
    /// Access token, encrypted.
    pub access_token: String,
    /// Refresh token, encrypted.
    pub refresh_token: Option<String>,
    /// When the access token ends.
    pub token_expires_at: Option<DateTime<Utc>>,
    /// Scopes, as the platform told them.
    pub token_scope: String,
    /// Not disconnected.
    pub is_active: bool,
    /// When the token was refreshed.
    pub last_token_refresh: Option<DateTime<Utc>>,
    /// What the platform told.
    pub metadata: Json,
    /// Made.
    pub created_at: Option<DateTime<Utc>>,
    /// Changed.
    pub updated_at: Option<DateTime<Utc>>,
}

/// Where the original says that a post is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OriginalStatus {
    /// Not to be published yet.
    Draft,
    /// To be published by its cron or workflow.
    Scheduled,
    /// It had it under way.
    Publishing,
    /// It got an id from the platform.
    Published,
    /// It got an error.
    Failed,
    /// Not to be published.
    Cancelled,
}

impl OriginalStatus {
    /// All of them, in the original's order.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Scheduled, Self::Publishing, Self::Published, Self::Failed, Self::Cancelled];

    /// The original's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Publishing => "publishing",
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of the original's word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// A post of the original's.
#[derive(Clone, Debug, PartialEq)]
pub struct OriginalPost {
    /// Its id there.
    pub id: i64,
    /// The owner.
    pub wp_user_id: i64,
    /// The job that made the video.
    pub video_job_id: String,
    /// The account's id there.
    pub social_account_id: i64,
    /// The platform.
    pub platform: Platform,
    /// Where it is.
    pub status: OriginalStatus,
    /// When it is to go out.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// When it went out.
    pub published_at: Option<DateTime<Utc>>,
    /// What the platform called it, or, from TikTok, the upload.
    pub platform_post_id: Option<String>,
    /// Link, made by the original.
    pub platform_post_url: Option<String>,
    /// The video.
    pub video_url: String,
    /// Cover.
    pub thumbnail_url: Option<String>,
    /// Caption.
    pub caption: String,
    /// Hashtags.
    pub hashtags: Vec<String>,
    /// Mentions.
    pub mentions: Vec<String>,
    /// Place.
    pub location: Option<String>,
    /// Privacy.
    pub privacy_level: String,
    /// Comments.
    pub allow_comments: Option<bool>,
    /// TikTok duets.
    pub allow_duet: Option<bool>,
    /// TikTok stitches.
    pub allow_stitch: Option<bool>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// Retries.
    pub retry_count: i32,
    /// The last of them.
    pub last_retry_at: Option<DateTime<Utc>>,
    /// The caller's own data.
    pub metadata: Json,
    /// Made, letter by letter: a part of what the row is known by.
    pub created_text: String,
    /// Made.
    pub created_at: Option<DateTime<Utc>>,
    /// Changed.
    pub updated_at: Option<DateTime<Utc>>,
}

/// Whether a scheduled post can be taken from the original now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeable {
    /// No run of its cron can have it in its list.
    Now,
    /// The same, but it was due long ago, and nobody knows why it was not published.
    Late,
    /// A run of its cron may be about to publish it; from then on it cannot any more.
    NotBefore(DateTime<Utc>),
}

impl OriginalPost {
    /// What the row is known by, wherever it is read. `account` is the platform's id of its account.
    pub fn key(&self, account: &str) -> String {
        let mut hash = Sha256::new();
        let parts = [
            self.id.to_string(),
            self.wp_user_id.to_string(),
            self.platform.as_str().to_owned(),
            account.to_owned(),
            self.video_job_id.clone(),
            self.created_text.clone(),
        ];
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hex::encode(hash.finalize())
    }

    /// The platform's id of the live post. What TikTok answers an upload with (`v_pub_file~…`) names the upload alone; no
    /// platform's id of a post has a tilde.
    pub fn live_id(&self) -> Option<&str> {
        let id = self.platform_post_id.as_deref().map(str::trim).filter(|id| !id.is_empty())?;
        (!id.contains('~')).then_some(id)
    }

    /// TikTok's name of the upload, which the original kept in the place of the post's.
    pub fn upload_id(&self) -> Option<&str> {
        let id = self.platform_post_id.as_deref().map(str::trim).filter(|id| !id.is_empty())?;
        self.live_id().is_none().then_some(id)
    }

    /// Whether the original's cron can still have it, when it is to go out at `at`.
    pub fn takeable(at: DateTime<Utc>, now: DateTime<Utc>) -> Takeable {
        if at > now + AHEAD {
            Takeable::Now
        } else if at < now - CRON_RUNS {
            Takeable::Late
        } else {
            Takeable::NotBefore(at + CRON_RUNS)
        }
    }
}

/// A list as the original stores it: a JSON array of text, or, by older front ends, words between commas or spaces.
pub fn list(text: &str) -> Vec<String> {
    let words = match serde_json::from_str::<Json>(text) {
        Ok(Json::Array(entries)) => entries.iter().filter_map(|entry| entry.as_str().map(str::to_owned)).collect(),
        Ok(Json::Null) => Vec::new(),
        Ok(Json::String(one)) => vec![one],
        _ => text.split([',', ' ', '\n', '\t']).map(str::to_owned).collect(),
    };
    words.into_iter().map(|word: String| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_json_or_as_words() {
        assert_eq!(list(r##"["#ai", "dev", ""]"##), ["#ai", "dev"]);
        assert_eq!(list("#ai, #dev"), ["#ai", "#dev"]);
        assert_eq!(list("null"), [] as [&str; 0]);
        assert_eq!(list(""), [] as [&str; 0]);
    }

    #[test]
    fn a_post_that_the_originals_cron_may_have_in_its_list_is_left() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let at = |minutes| now + TimeDelta::minutes(minutes);
        assert_eq!(OriginalPost::takeable(at(11), now), Takeable::Now);
        assert_eq!(OriginalPost::takeable(at(4), now), Takeable::NotBefore(at(64)));
        assert_eq!(OriginalPost::takeable(at(-30), now), Takeable::NotBefore(at(30)));
        assert_eq!(OriginalPost::takeable(at(-61), now), Takeable::Late);
    }
}

//! Everything TikTok remembers: creators, tokens, tasks, and what is due when.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use crate::fetch::Received;
use crate::media::scan::Probe;
use crate::random::Random;
use crate::tiktok::account::{Account, Behaviour, Profile};
use crate::tiktok::rules::Rules;
use crate::window::Window;

/// A token, access or refresh.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) number: u64,
    pub(crate) open_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: DateTime<Utc>,
    /// Rotated away, revoked, or killed by a test.
    pub(crate) dead: bool,
}

impl Token {
    pub(crate) fn alive(&self, now: DateTime<Utc>) -> bool {
        !self.dead && now < self.expires_at
    }

    pub(crate) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }
}

/// An authorization code.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) open_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) used: bool,
}

/// What the post will be like.
#[derive(Clone, Debug)]
pub(crate) struct PostInfo {
    pub(crate) title: String,
    pub(crate) privacy_level: String,
    pub(crate) is_aigc: bool,
}

/// Chunk plan and progress of a FILE_UPLOAD task.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) token: String,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) video_size: u64,
    pub(crate) chunk_size: u64,
    pub(crate) chunks: u64,
    /// Complete chunks received.
    pub(crate) done: u64,
    /// The bytes of the complete chunks; `None` once all arrived.
    pub(crate) received: Option<Received>,
    /// Number of the newest PUT; an older one that is still running is void.
    pub(crate) epoch: u64,
}

impl Upload {
    /// Bytes in complete chunks.
    pub(crate) fn uploaded(&self) -> u64 {
        if self.done == self.chunks { self.video_size } else { self.done * self.chunk_size }
    }

    /// First and last byte of a chunk; the last chunk takes the remainder.
    pub(crate) fn range(&self, chunk: u64) -> (u64, u64) {
        let last = if chunk + 1 == self.chunks { self.video_size } else { (chunk + 1) * self.chunk_size };
        (chunk * self.chunk_size, last - 1)
    }
}

/// A PULL_FROM_URL task.
#[derive(Clone, Debug)]
pub(crate) struct Pull {
    pub(crate) url: String,
    pub(crate) downloaded: u64,
}

#[derive(Clone)]
pub(crate) enum Source {
    Upload(Box<Upload>),
    Pull(Pull),
}

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Waiting for bytes (upload) or downloading (pull).
    Receiving,
    Processing,
    /// Draft delivered.
    InInbox,
    Published,
    Failed(String),
}

/// The received file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) byte_count: u64,
    pub(crate) sha256: String,
    pub(crate) probe: Option<Probe>,
    pub(crate) webm: bool,
}

/// One `publish_id`.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) publish_id: String,
    pub(crate) open_id: String,
    /// `None` for inbox drafts.
    pub(crate) post: Option<PostInfo>,
    pub(crate) source: Source,
    pub(crate) made_at: DateTime<Utc>,
    /// When all bytes of its upload were there.
    pub(crate) complete_at: Option<DateTime<Utc>>,
    pub(crate) stage: Stage,
    pub(crate) behaviour: Behaviour,
    pub(crate) file: Option<File>,
    /// Ids that `status/fetch` shows; filled when the post is public.
    pub(crate) public_ids: Vec<u64>,
    /// `status/fetch` answers `invalid_publish_id`.
    pub(crate) forgotten: bool,
}

/// What happens at a later time.
#[derive(Clone, Debug)]
pub(crate) enum Due {
    StartPull(String),
    Processed(String),
    PublicIds(String),
    CreatorPosts(String),
}

/// The state behind TikTok's lock.
pub(crate) struct State {
    pub(crate) rules: Rules,
    pub(crate) accounts: HashMap<String, Account>,
    /// Ids of `accounts` in the order of their making.
    pub(crate) order: Vec<String>,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) access: HashMap<String, Token>,
    pub(crate) refresh: HashMap<String, Token>,
    pub(crate) tasks: HashMap<String, Task>,
    /// Upload id to publish id.
    pub(crate) uploads: HashMap<String, String>,
    pub(crate) windows: HashMap<(u64, &'static str), Window>,
    /// Creators that posted, with the time of their latest post.
    pub(crate) posting_users: HashMap<String, DateTime<Utc>>,
    pub(crate) due: BTreeMap<(DateTime<Utc>, u64), Due>,
    next_number: u64,
}

impl State {
    pub(crate) fn new(rules: Rules, default_accounts: bool, random: &Random) -> Self {
        let mut state = State {
            rules,
            accounts: HashMap::new(),
            order: Vec::new(),
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            tasks: HashMap::new(),
            uploads: HashMap::new(),
            windows: HashMap::new(),
            posting_users: HashMap::new(),
            due: BTreeMap::new(),
            next_number: 0,
        };
        if default_accounts {
            for (id, name, username, private) in [
                ("-000tiktok-creator-one", "Ada Makes Things", "ada.makes", false),
                ("-000tiktok-creator-two", "Bo Behind Doors", "bo.private", true),
            ] {
                let profile = Profile {
                    id: id.into(),
                    name: name.into(),
                    username: username.into(),
                    private,
                    ..Profile::default()
                };
                // Neither id is taken in an empty state.
                let _ = state.add_account(profile, random);
            }
        }
        state
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    pub(crate) fn schedule(&mut self, at: DateTime<Utc>, due: Due) {
        let number = self.number();
        self.due.insert((at, number), due);
    }

    /// Adds a creator and gives its id. Fails if the id is taken.
    pub(crate) fn add_account(&mut self, mut profile: Profile, random: &Random) -> Result<String, String> {
        if profile.id.is_empty() {
            profile.id = format!("-000{}", random.token(32));
        }
        if self.accounts.contains_key(&profile.id) {
            return Err(format!("there is a TikTok account {} already", profile.id));
        }
        if profile.username.is_empty() {
            profile.username = format!("user{}", random.digits(10));
        }
        let id = profile.id.clone();
        self.order.push(id.clone());
        self.accounts.insert(id.clone(), Account::new(profile, random.token(36)));
        Ok(id)
    }

    /// Whether one more direct post fits under the creator's cap.
    pub(crate) fn creator_cap_left(&mut self, open_id: &str, now: DateTime<Utc>) -> bool {
        let general = self.rules.posts_per_day;
        let Some(account) = self.accounts.get_mut(open_id) else { return false };
        let cap = account.profile.posts_per_day.unwrap_or(general);
        cap == u32::MAX || account.posted.count(now, TimeDelta::hours(24)) < cap as usize
    }

    /// Whether the app may serve this creator today.
    pub(crate) fn user_cap_left(&mut self, open_id: &str, now: DateTime<Utc>) -> bool {
        let cap = match (self.rules.posting_users_per_day, self.rules.unaudited) {
            (Some(cap), _) => cap,
            (None, true) => 5,
            (None, false) => return true,
        };
        let edge = now - TimeDelta::hours(24);
        self.posting_users.retain(|_, time| *time > edge);
        self.posting_users.contains_key(open_id) || self.posting_users.len() < cap as usize
    }
}

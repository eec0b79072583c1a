//! Everything YouTube remembers: channels, grants and tokens, upload sessions, videos, and what is due when.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::random::Random;
use crate::youtube::channel::{Channel, Profile};
use crate::youtube::comments::Comment;
use crate::youtube::error::Refusal;
use crate::youtube::quota::Quota;
use crate::youtube::resource::Draft;
use crate::youtube::rules::Rules;
use crate::youtube::stream::Stream;
use crate::youtube::video::Video;

/// An access token.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) channel: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: DateTime<Utc>,
    /// Revoked, or killed by a test.
    pub(crate) dead: bool,
}

impl Access {
    pub(crate) fn alive(&self, now: DateTime<Utc>) -> bool {
        !self.dead && now < self.expires_at
    }
}

/// A refresh token. It never rotates.
#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) channel: String,
    pub(crate) scopes: Vec<String>,
    /// Rising number, by which the oldest is found.
    pub(crate) number: u64,
    pub(crate) used_at: DateTime<Utc>,
    /// Only for time-limited grants.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// Revoked, evicted, or killed by a test.
    pub(crate) dead: bool,
}

/// An authorization code.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) channel: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) redirect_uri: String,
    /// PKCE: method and challenge.
    pub(crate) challenge: Option<(String, String)>,
    /// Whether the exchange gives a refresh token.
    pub(crate) refresh: bool,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) used: bool,
}

/// A resumable upload.
pub(crate) struct Session {
    /// For people and for `source_id`: the id itself is a secret.
    pub(crate) number: u64,
    pub(crate) channel: String,
    pub(crate) draft: Draft,
    /// Parts of the answer, as asked for at the initiation.
    pub(crate) parts: Vec<String>,
    /// `X-Upload-Content-Length`, or what the first range said.
    pub(crate) total: Option<u64>,
    /// Size of the first chunk that was not the last.
    pub(crate) chunk: Option<u64>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) cancelled: bool,
    /// Why the last byte will be refused, when validation is late.
    pub(crate) late: Option<Refusal>,
    /// What the last byte was answered with, and what every query since is answered with.
    pub(crate) done: Option<Done>,
    pub(crate) stream: Arc<Mutex<Stream>>,
}

/// The end of a session.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) at: DateTime<Utc>,
    pub(crate) answer: Result<Value, Refusal>,
    /// The video that was made.
    pub(crate) video: Option<String>,
}

/// What happens at a later time.
#[derive(Clone, Debug)]
pub(crate) enum Due {
    /// Processing of a video ends.
    Processed(String),
    /// A `publishAt` comes, if it still holds.
    PublishAt(String),
}

/// The state behind YouTube's lock.
pub(crate) struct State {
    pub(crate) rules: Rules,
    pub(crate) channels: HashMap<String, Channel>,
    /// Ids of `channels` in the order of their making.
    pub(crate) order: Vec<String>,
    /// Scopes that a channel has granted to the app; absent = no grant.
    pub(crate) grants: HashMap<String, Vec<String>>,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) access: HashMap<String, Access>,
    pub(crate) refresh: HashMap<String, Refresh>,
    pub(crate) sessions: HashMap<String, Session>,
    pub(crate) videos: HashMap<String, Video>,
    /// Comments by video, oldest first.
    pub(crate) comments: HashMap<String, Vec<Comment>>,
    pub(crate) quota: Quota,
    pub(crate) due: BTreeMap<(DateTime<Utc>, u64), Due>,
    next_number: u64,
}

impl State {
    pub(crate) fn new(rules: Rules, default_accounts: bool, random: &Random) -> Self {
        let mut state = State {
            rules,
            channels: HashMap::new(),
            order: Vec::new(),
            grants: HashMap::new(),
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            sessions: HashMap::new(),
            videos: HashMap::new(),
            comments: HashMap::new(),
            quota: Quota::default(),
            due: BTreeMap::new(),
            next_number: 0,
        };
        if default_accounts {
            for (id, name, username) in [
                ("UCsimulatorAdaOnTube0001", "Ada on Tube", "ada.tube"),
                ("UCsimulatorBoInShorts002", "Bo in Shorts", "bo.shorts"),
            ] {
                let profile =
                    Profile { id: id.into(), name: name.into(), username: username.into(), ..Profile::default() };
                // Two different ids cannot clash.
                let _ = state.add_channel(profile, random);
            }
        }
        state
    }

    /// A number that nothing else has.
    pub(crate) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Adds a channel; `Err` if the id is taken.
    pub(crate) fn add_channel(&mut self, mut profile: Profile, random: &Random) -> Result<String, String> {
        if profile.id.is_empty() {
            profile.id = format!("UC{}", random.token(22));
        }
        if profile.username.is_empty() {
            profile.username = format!("channel{}", self.order.len() + 1);
        }
        let id = profile.id.clone();
        if self.channels.contains_key(&id) {
            return Err(format!("there is a channel {id} already"));
        }
        self.channels.insert(id.clone(), Channel::new(profile));
        self.order.push(id.clone());
        Ok(id)
    }

    pub(crate) fn schedule(&mut self, at: DateTime<Utc>, due: Due) {
        let number = self.number();
        self.due.insert((at, number), due);
    }

    /// The channel of an access token that is alive.
    pub(crate) fn caller(&self, token: &str, now: DateTime<Utc>) -> Option<&Access> {
        self.access.get(token).filter(|access| access.alive(now))
    }

    /// Whose videos a playlist holds.
    pub(crate) fn channel_of_playlist(&self, playlist: &str) -> Option<&Channel> {
        let rest = playlist.strip_prefix("UU")?;
        self.channels.get(&format!("UC{rest}"))
    }
}

/// Simulated seconds as a span.
pub(crate) fn seconds(span: f64) -> TimeDelta {
    TimeDelta::microseconds((span * 1e6) as i64)
}

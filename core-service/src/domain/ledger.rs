//! The ledger: what was sent to a platform for a post, and the known outcome. A row is committed before its request is
//! sent and completed once; nothing is ever removed. A worker that takes over a post relies only on the ledger.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{failure::Failure, fields::Fields, ids::Fence, platform::UnknownValue};

/// The step that looks up a post that may have been published before a backup was restored. Every platform has it.
pub const SEARCH: &str = "restore.search";

/// What the original WordPress plugin may have sent for a post that was imported from it. None of our steps.
pub const IMPORTED: &str = "import.original";

/// The effect of repeating a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepClass {
    /// Only reads. May run any number of times; recorded only if it returned something new.
    Read,
    /// An invisible change; harmless to send again.
    Repeatable,
    /// Continues with a stored id or offset; harmless to continue.
    Resumable,
    /// Can make the post visible. Sent once; an unknown outcome is reconciled, never repeated blindly.
    PointOfNoReturn,
    /// Adds something visible to a live post, such as a comment. Also sent only once, but the post's status does not
    /// depend on it.
    Addition,
}

impl StepClass {
    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Repeatable => "repeatable",
            Self::Resumable => "resumable",
            Self::PointOfNoReturn => "point_of_no_return",
            Self::Addition => "addition",
        }
    }
}

impl FromStr for StepClass {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        [Self::Read, Self::Repeatable, Self::Resumable, Self::PointOfNoReturn, Self::Addition]
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| UnknownValue { kind: "step class", value: text.to_owned() })
    }
}

/// The known outcome of a recorded step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// The platform's response accepts it.
    Accepted,
    /// Provably without effect.
    NoEffect,
    /// May or may not have had an effect. For a point of no return: to be reconciled.
    Unknown,
    /// Found on the platform by reading.
    Found,
    /// Proven absent by reading.
    Absent,
}

impl StepOutcome {
    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NoEffect => "no_effect",
            Self::Unknown => "unknown",
            Self::Found => "found",
            Self::Absent => "absent",
        }
    }
}

impl FromStr for StepOutcome {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        [Self::Accepted, Self::NoEffect, Self::Unknown, Self::Found, Self::Absent]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| UnknownValue { kind: "step outcome", value: text.to_owned() })
    }
}

/// What a step needs or returned: ids, upload URLs, offsets. Encrypted in the store; never shown. Each platform client
/// has its own small set of names in it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(pub Fields);

impl Handle {
    /// A text value by name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.text(name)
    }

    /// A whole number by name.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// An instant by name, stored as RFC 3339.
    pub fn instant(&self, name: &str) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(self.text(name)?).ok().map(|at| at.with_timezone(&Utc))
    }

    /// Sets a value.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name, value.into());
        self
    }

    /// Sets an instant.
    pub fn with_instant(self, name: &str, at: DateTime<Utc>) -> Self {
        self.with(name, at.to_rfc3339())
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Evidence of a point of no return: the failure in the platform's response.
const REFUSAL: &str = "refusal";
/// Evidence of a refused point of no return: the version of the tokens it was sent with.
const TOKEN_VERSION: &str = "token_version";
/// Evidence of an absence seen by one reading only: enough to send the same handle again, and for nothing else.
const PROVISIONAL: &str = "provisional";
/// Evidence: what was read, and when.
const READINGS: &str = "readings";
/// Evidence that a step was given up.
const GIVEN_UP: &str = "given_up";
/// Names of the handle values that come from a match in an account's list.
const MATCHED: [&str; 4] = ["media_id", "permalink", "post_ids", "status"];
/// Marks a reading that reopened a settled outcome.
const REOPENED: &str = "reopened";

/// Evidence for people: status codes, platform codes, readings. Shown in `attempts`; contains no secret and no URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Evidence(pub Fields);

impl Evidence {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fact.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name, value.into());
        self
    }

    /// Adds one reading to the list of readings, keeping the first and the newest twenty.
    pub fn push_reading(&mut self, at: DateTime<Utc>, what: &str, detail: Self) {
        let mut reading = Map::new();
        reading.insert("at".into(), at.to_rfc3339().into());
        reading.insert("what".into(), what.into());
        reading.extend(detail.0.to_map());
        let mut readings = match self.0.remove(READINGS) {
            Some(Value::Array(readings)) => readings,
            _ => Vec::new(),
        };
        if readings.len() > 20 {
            readings.remove(1);
        }
        readings.push(Value::Object(reading));
        self.0.insert(READINGS, readings.into());
    }

    /// The readings so far, oldest first, as (instant, what).
    pub fn readings(&self) -> impl Iterator<Item = (DateTime<Utc>, &str)> {
        self.0.compound(READINGS).and_then(Value::as_array).into_iter().flatten().filter_map(|reading| {
            let at = DateTime::parse_from_rfc3339(reading.get("at")?.as_str()?).ok()?.with_timezone(&Utc);
            Some((at, reading.get("what")?.as_str()?))
        })
    }
}

/// One recorded step.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Increasing number within the post.
    pub number: i32,
    /// The attempt it belongs to.
    pub attempt: i32,
    /// What it was: `tiktok.video_init`.
    pub step: String,
    /// What repeating it can do.
    pub class: StepClass,
    /// What it was sent with and, once accepted, what it returned.
    pub handle: Handle,
    /// When it was recorded as sent. The request is sent after this instant, or never.
    pub sent_at: DateTime<Utc>,
    /// Until when its request may still be in flight: `sent_at` + the call's timeout.
    pub deadline_at: DateTime<Utc>,
    /// The outcome; `None` while the request may be in flight or if its sender died.
    pub outcome: Option<StepOutcome>,
    /// When the outcome was recorded.
    pub answered_at: Option<DateTime<Utc>>,
    /// What was seen.
    pub evidence: Evidence,
    /// Fencing number of the claim that wrote it.
    pub fence: Fence,
}

impl Entry {
    /// Whether it is a point of no return that may have been passed: accepted, found, unknown or in flight.
    pub fn may_be_visible(&self) -> bool {
        self.class == StepClass::PointOfNoReturn
            && !matches!(self.outcome, Some(StepOutcome::NoEffect | StepOutcome::Absent))
    }

    /// Marks the step as given up; other follow-ups of the post continue.
    pub fn given_up(mut self) -> Self {
        self.evidence = self.evidence.with(GIVEN_UP, true);
        self
    }

    /// Records the platform's refusal, which is not proof: the outcome stays open until absence is proven.
    pub fn refused(mut self, failure: &Failure, token_version: i64) -> Self {
        let claim = serde_json::to_value(failure).unwrap_or_default();
        self.evidence = self.evidence.with(REFUSAL, claim).with(TOKEN_VERSION, token_version);
        self
    }

    /// The platform's refusal.
    pub fn refusal(&self) -> Option<Failure> {
        serde_json::from_value(self.evidence.0.get(REFUSAL)?).ok()
    }

    /// Whether the account has other tokens than those the platform refused.
    pub fn has_other_tokens(&self, token_version: i64) -> bool {
        self.evidence
            .0
            .get(TOKEN_VERSION)
            .and_then(|version| version.as_i64())
            .is_some_and(|sent_with| sent_with != token_version)
    }

    /// Absent by one reading: the same handle may be sent again, but nothing else may be concluded.
    pub fn absent_provisionally(mut self) -> Self {
        self.evidence = self.evidence.with(PROVISIONAL, true);
        self
    }

    /// Absent by full proof.
    pub fn absent_for_sure(mut self) -> Self {
        self.evidence.0.remove(PROVISIONAL);
        self
    }

    /// Reopens the outcome: a reading contradicts it, or more than one reading is needed.
    pub fn reopened(mut self, now: DateTime<Utc>, evidence: Evidence) -> Self {
        self.evidence.0.remove(PROVISIONAL);
        self.evidence.push_reading(now, REOPENED, evidence);
        self.outcome = Some(StepOutcome::Unknown);
        self
    }

    /// Whether the outcome was reopened: from then on only full proof settles it.
    pub fn is_reopened(&self) -> bool {
        self.evidence.readings().any(|(_, what)| what == REOPENED)
    }

    /// Removes what a match with this platform post contributed, if the entry is based on it. True when it was.
    pub fn forget_match(&mut self, platform_post_id: &str, now: DateTime<Utc>) -> bool {
        let tells = |value: Value| match value {
            Value::String(id) => id == platform_post_id,
            Value::Array(ids) => ids.iter().any(|id| id == platform_post_id),
            _ => false,
        };
        let rests_on_it = MATCHED.iter().filter_map(|name| self.handle.0.get(name)).any(tells);
        match (self.class, self.outcome) {
            (StepClass::Read, Some(StepOutcome::Accepted | StepOutcome::Found)) if rests_on_it => {
                self.outcome = Some(StepOutcome::NoEffect);
                self.evidence.0.insert("match", "another post's".into());
                true
            }
            (StepClass::PointOfNoReturn, Some(StepOutcome::Found)) if rests_on_it => {
                for name in MATCHED {
                    self.handle.0.remove(name);
                }
                *self = self.clone().reopened(now, Evidence::new().with("match", "another post's"));
                true
            }
            _ => false,
        }
    }

    fn is_provisionally_absent(&self) -> bool {
        self.outcome == Some(StepOutcome::Absent) && self.evidence.0.contains_key(PROVISIONAL)
    }
}

/// The entries of one post, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// A ledger from its rows, in the order of their number.
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| entry.number);
        Self { entries }
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries of one attempt, oldest first.
    pub fn of_attempt(&self, attempt: i32) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.attempt == attempt)
    }

    /// The newest accepted (or found) entry of a step in an attempt.
    pub fn accepted(&self, attempt: i32, step: &str) -> Option<&Entry> {
        self.of_attempt(attempt).rev().find(|entry| {
            entry.step == step && matches!(entry.outcome, Some(StepOutcome::Accepted | StepOutcome::Found))
        })
    }

    /// Whether a step has ever succeeded, in whatever attempt.
    pub fn has_succeeded(&self, step: &str) -> bool {
        self.entries.iter().any(|entry| {
            entry.step == step && matches!(entry.outcome, Some(StepOutcome::Accepted | StepOutcome::Found))
        })
    }

    /// Whether a step was given up in an attempt.
    pub fn is_given_up(&self, attempt: i32, step: &str) -> bool {
        self.of_attempt(attempt).any(|entry| entry.step == step && entry.evidence.0.contains_key(GIVEN_UP))
    }

    /// The newest entry of an attempt.
    pub fn last(&self, attempt: i32) -> Option<&Entry> {
        self.of_attempt(attempt).next_back()
    }

    /// The point of no return of an attempt whose outcome is open: sent without a recorded response, or unknown.
    pub fn unsettled(&self, attempt: i32) -> Option<&Entry> {
        self.of_attempt(attempt).rev().find(|entry| {
            entry.class == StepClass::PointOfNoReturn && matches!(entry.outcome, None | Some(StepOutcome::Unknown))
        })
    }

    /// Whether the point of no return of an attempt may have been passed: accepted, found, unknown or in flight.
    pub fn may_be_visible(&self, attempt: i32) -> bool {
        self.of_attempt(attempt).any(Entry::may_be_visible)
    }

    /// The newest point of no return of an attempt that may have been sent.
    pub fn newest_sending(&self, attempt: i32) -> Option<&Entry> {
        self.of_attempt(attempt)
            .rev()
            .find(|entry| entry.class == StepClass::PointOfNoReturn && entry.outcome != Some(StepOutcome::NoEffect))
    }

    /// The point of no return of an attempt that only one reading says is absent.
    pub fn provisionally_absent(&self, attempt: i32) -> Option<&Entry> {
        self.newest_sending(attempt).filter(|entry| entry.is_provisionally_absent())
    }

    /// When the post was imported from the original plugin, which may have sent it before.
    pub fn imported_at(&self) -> Option<DateTime<Utc>> {
        self.entries.iter().find(|entry| entry.step == IMPORTED).map(|entry| entry.sent_at)
    }

    /// Whether the original plugin had it under way when it was imported, as far as an attempt is concerned.
    pub fn was_under_way_elsewhere(&self, attempt: i32) -> bool {
        let under_way = |entry: &Entry| entry.step == IMPORTED && entry.outcome == Some(StepOutcome::Unknown);
        self.of_attempt(attempt).any(under_way)
    }

    /// The number the next entry gets.
    pub fn next_number(&self) -> i32 {
        self.entries.last().map_or(1, |entry| entry.number + 1)
    }

    /// Adds a freshly recorded entry.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Gives an entry to be changed in place, after the store has changed it.
    pub fn entry_mut(&mut self, number: i32) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.number == number)
    }
}
/// A person's finding about a post whose outcome is open.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedWord {
    /// Live.
    pub published: bool,
    /// The platform's id, where known.
    pub platform_post_id: Option<String>,
    /// The link, where known.
    pub platform_post_url: Option<String>,
    /// Who looked and what they saw.
    pub note: String,
    /// The failure to write when it is not live.
    pub failure: Option<Failure>,
}

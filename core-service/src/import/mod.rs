//! Taking over from the original WordPress plugin: its accounts, its posts, its schedule.
//!
//! Guaranteed, wherever a run is cut off, and however often it is repeated:
//! - A scheduled post is published by one of the two. Here it begins held, which nobody can publish; then the original's row
//!   is cancelled, in a transaction that keeps the original from changing it; then it is let go. The original's row says by
//!   whom it was cancelled, so the next run tells its own cancelling from a person's.
//! - What a run of the original's cron may have in its list is left to it until it cannot any more ([`OriginalPost::takeable`]).
//! - What the original had under way goes to a person, and what it calls failed, or should have published long ago, is looked for
//!   on the platform before it is sent again.
//! - Nothing but the status of those scheduled posts, and its reason, is written to the original's tables.
//!
//! Expected failures: a row that cannot be taken over is told with its id, a reason and a remedy, and stays where it is.

mod accounts;
mod adopt;
mod posts;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

pub use self::adopt::adopt;
use crate::{
    clock::Clock,
    domain::{
        account::Account,
        original::{OriginalPost, OriginalStatus},
        post::SchedulerKind,
    },
    platform::Registry,
    store::{
        self, Store,
        original::{BadRow, Original},
    },
};

/// How the core would treat a new post.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// Who wakes it.
    pub scheduler: SchedulerKind,
    /// Publish when found late by less than this, seconds.
    pub late_policy_seconds: i64,
    /// How long before its time it is prepared.
    pub prepare_lead: TimeDelta,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It is new here.
    Imported,
    /// It is scheduled here now, and cancelled there.
    TakenOver,
    /// It is here, for a person to look at.
    NeedsReview,
    /// It was under way, and the original says now that it is live.
    Settled,
    /// It was here.
    There,
    /// It stays with the original for now.
    Left,
    /// It cannot be taken over.
    Bad,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Imported, Self::TakenOver, Self::NeedsReview, Self::Settled, Self::There, Self::Left, Self::Bad];

    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::TakenOver => "taken over",
            Self::NeedsReview => "needs review",
            Self::Settled => "published since",
            Self::There => "here already",
            Self::Left => "left for now",
            Self::Bad => "set aside",
        }
    }
}

/// Something to be told of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which: "account 3", "post 17".
    pub row: String,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

/// What a run did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many accounts became what.
    pub accounts: BTreeMap<Outcome, usize>,
    /// How many posts of which status became what.
    pub posts: BTreeMap<(OriginalStatus, Outcome), usize>,
    /// Posts whose status cannot be read.
    pub unreadable: usize,
    /// Rows of which there is something to tell.
    pub notes: Vec<Note>,
}

impl Report {
    /// How many rows were set aside.
    pub fn bad(&self) -> usize {
        self.notes.iter().filter(|note| note.outcome == Outcome::Bad).count()
    }
}

/// Where a run is: after each of these it can be cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// An account was kept.
    AccountKept,
    /// A post was kept that the original cannot publish.
    PostKept,
    /// The original's row is locked.
    Locked,
    /// The post is here, held.
    Held,
    /// The original's row is cancelled.
    Cancelled,
    /// The post is let go.
    Released,
    /// A post that was under way is settled.
    Settled,
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A database failed. What was done is whole: run it again.
    #[error("the import was cut off; what was done is kept, and the next run goes on from there")]
    Store(#[from] store::Error),
    /// It was asked to stop.
    #[error("the import was stopped; what was done is kept, and the next run goes on from there")]
    Stopped,
    /// There are no tables of the original.
    #[error("there is no table {0}; give the site's table prefix with --prefix, and the site's database with --from")]
    NotThere(String),
    /// The tables are a core's.
    #[error(
        "{0} is a table of a core, not of the original plugin; if it was adopted, there is nothing left to import, else give \
         the original's database and prefix with --from and --prefix"
    )]
    OfCore(String),
    /// The original still runs.
    #[error(
        "the original plugin still publishes: its hook `{hook}` is in the site's cron option; deactivate the original plugin \
         (or activate AuraReels', which unschedules it), then run this again",
        hook = store::original::CRON_HOOK
    )]
    StillRuns,
    /// Whether the original still runs cannot be seen.
    #[error(
        "whether the original plugin still publishes cannot be seen: the table {0}options cannot be read; grant the user \
         SELECT on it"
    )]
    OptionsUnreadable(String, #[source] store::Error),
}

/// One run.
pub struct Import<'a> {
    /// Where rows go.
    pub store: &'a Store,
    /// Whose rules they are held to.
    pub registry: &'a Registry,
    /// Time.
    pub clock: &'a Clock,
    /// How new posts are treated.
    pub defaults: Defaults,
    /// Nothing is written.
    pub dry_run: bool,
    /// The tables here are empty so far; what is in them is not asked for.
    pub is_new: bool,
    /// Told of each stage; `false` ends the run there.
    pub go_on: &'a (dyn Fn(Stage) -> bool + Sync),
    /// Ids stay as they are, and nobody else works on the original's tables.
    pub adopts: bool,
}

impl Import<'_> {
    /// Takes over what there is to take over.
    pub async fn run(&self, original: &mut Original) -> Result<Report, Error> {
        let mut report = Report::default();
        let accounts = self.accounts(original, &mut report).await?;
        let mut after = 0;
        loop {
            let page = original.posts(after).await?;
            let Some(last) = page.last() else { break };
            after = match last {
                Ok(post) => post.id,
                Err(bad) => bad.id,
            };
            self.page(original, &accounts, page, &mut report).await?;
        }
        Ok(report)
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn reached(&self, stage: Stage) -> Result<(), Error> {
        if (self.go_on)(stage) { Ok(()) } else { Err(Error::Stopped) }
    }
}

/// The accounts of a run by their ids in the original: as they are here, and the platform's ids of those that were set aside.
#[derive(Default)]
struct Accounts(HashMap<i64, Option<Account>>);

impl Report {
    fn count(&mut self, post: &OriginalPost, outcome: Outcome) {
        *self.posts.entry((post.status, outcome)).or_default() += 1;
    }

    fn tell(&mut self, row: String, outcome: Outcome, reason: impl Into<String>, remedy: impl Into<String>) {
        self.notes.push(Note { row, outcome, reason: reason.into(), remedy: remedy.into() });
    }

    fn unreadable(&mut self, kind: &str, bad: &BadRow) {
        let remedy = "correct the row in the original's table, and run this again; the others are not concerned";
        self.tell(format!("{kind} {}", bad.id), Outcome::Bad, &*bad.reason, remedy);
    }
}

/// Connects to the original's tables.
pub async fn connect(place: &store::db::Place) -> Result<Original, Error> {
    let mut original = Original::open(place).await?;
    let table = original.table();
    match original.look().await? {
        store::original::Found::Original => Ok(original),
        store::original::Found::Core => Err(Error::OfCore(table)),
        store::original::Found::Nothing => Err(Error::NotThere(table)),
    }
}

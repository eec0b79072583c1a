//! Readings on their way: those of one account that are due are claimed together, and each is settled under its claim.
//!
//! Guaranteed: a claim is given to one reader at a time, with a higher fence than the one before; while it lasts,
//! `next_sync_at` is its end, so what a dead reader left behind is due again by itself. Nothing waits in memory, and what
//! has to wait for a budget is put off in one statement, however many they are.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::{
    Result, Store,
    db::{Row, Tx, Value, in_list},
};
use crate::{
    domain::{
        analytics::{FRESH, Numbers, Reading},
        failure::Failure,
        ids::{AccountId, Fence, PostId},
        platform::Platform,
        post::{Post, Status},
    },
    params,
};

/// How long a claim lasts. Longer than reading takes, with two ways to the database and a refresh of the tokens.
pub const CLAIMED_FOR: TimeDelta = TimeDelta::seconds(120);

/// The gains of a post's first reading are told where it was live no longer than this: else they belong to days before.
const WHOLE_LIFE: TimeDelta = TimeDelta::days(1);

const NEXT: &str =
    "SELECT next_sync_at FROM aurareels_social_analytics WHERE platform = ? AND next_sync_at IS NOT NULL";
const FIRST_DUE: &str = "SELECT social_account_id FROM aurareels_social_analytics WHERE platform = ? \
     AND next_sync_at IS NOT NULL AND next_sync_at <= ?";
const DUE: &str = "SELECT social_post_id, social_account_id, published_at, fence, failures, not_shown_since \
     FROM aurareels_social_analytics WHERE social_account_id = ? AND next_sync_at IS NOT NULL AND next_sync_at <= ? \
     ORDER BY next_sync_at, social_post_id LIMIT ?";
const HELD: &str = "SELECT numbers, last_synced_at, published_at, social_account_id FROM aurareels_social_analytics \
     WHERE social_post_id = ? AND fence = ? AND claim_token IS NOT NULL";
const NUMBERS: &str = "UPDATE aurareels_social_analytics SET views = ?, likes = ?, comments = ?, shares = ?, \
     engagement_rate = ?, numbers = ?, platform_numbers = ?, last_synced_at = ?, attempted_at = ?, problem = NULL, \
     not_shown_since = NULL, failures = 0, next_sync_at = ?, claim_token = NULL, updated_at = ? WHERE social_post_id = ?";
const NOTHING: &str = "UPDATE aurareels_social_analytics SET attempted_at = ?, problem = ?, not_shown_since = ?, failures = ?, \
     next_sync_at = ?, claim_token = NULL, updated_at = ? WHERE social_post_id = ?";
const HISTORY: &str = "INSERT INTO aurareels_analytics_history (social_post_id, at, social_account_id, views, likes, comments, \
     shares, saves, reach, views_gained, likes_gained, comments_gained, shares_gained, saves_gained, reach_gained) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const PUT_OFF_ACCOUNT: &str = "UPDATE aurareels_social_analytics SET next_sync_at = ? WHERE social_account_id = ? \
     AND next_sync_at IS NOT NULL AND next_sync_at <= ? AND claim_token IS NULL";
const PUT_OFF_PLATFORM: &str = "UPDATE aurareels_social_analytics SET next_sync_at = ? WHERE platform = ? \
     AND next_sync_at IS NOT NULL AND next_sync_at <= ? AND claim_token IS NULL";
const ASK: &str = "UPDATE aurareels_social_analytics SET next_sync_at = ? WHERE social_post_id = ? AND claim_token IS NULL \
     AND (last_synced_at IS NULL OR last_synced_at <= ?)";

/// A post whose numbers are to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// The post.
    pub post: PostId,
    /// The claim.
    pub fence: Fence,
    /// When it went live.
    pub published_at: DateTime<Utc>,
    /// The platform's id of it, once known.
    pub platform_post_id: Option<String>,
    /// Readings in a row that failed.
    pub failures: i32,
    /// Since when the platform does not show it.
    pub not_shown_since: Option<DateTime<Utc>>,
}

/// Posts of one account whose numbers are to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The account.
    pub account: AccountId,
    /// The posts, those that wait longest first.
    pub posts: Vec<Due>,
}

/// What became of a reading.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// The numbers, and when they are read next.
    Numbers {
        /// The numbers.
        reading: Reading,
        /// `None`: that is over.
        next: Option<DateTime<Utc>>,
    },
    /// None, and why.
    Nothing {
        /// Why.
        problem: Failure,
        /// Since when the platform does not show the post.
        not_shown_since: Option<DateTime<Utc>>,
        /// Readings in a row that failed.
        failures: i32,
        /// `None`: that is over.
        next: Option<DateTime<Utc>>,
    },
}

/// What has to wait for room in a budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PutOff {
    /// Everything of an account.
    Account(AccountId),
    /// Everything of a platform.
    Platform(Platform),
}

/// The condition that leaves out accounts.
fn past(full: &[AccountId]) -> (String, Vec<Value>) {
    if full.is_empty() {
        return Default::default();
    }
    let (marks, values) = in_list(full);
    (format!(" AND social_account_id NOT IN ({marks})"), values)
}

impl Store {
    /// When the next reading of a platform is due, past these accounts.
    pub async fn next_sync_at(&self, platform: Platform, full: &[AccountId]) -> Result<Option<DateTime<Utc>>> {
        let (past, accounts) = past(full);
        let mut values: Vec<Value> = params![platform.as_str()].into();
        values.extend(accounts);
        let sql = format!("{NEXT}{past} ORDER BY next_sync_at LIMIT 1");
        let row = self.db.read().await?.fetch_optional(&sql, &values).await?;
        row.map_or(Ok(None), |row| row.opt_time("next_sync_at"))
    }

    /// Claims readings of the account that waits longest, past these accounts.
    pub async fn claim_syncs(
        &self,
        platform: Platform,
        full: &[AccountId],
        most: usize,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Batch>> {
        let (full, token) = (full.to_vec(), token.to_owned());
        self.db
            .write(async move |tx| {
                let (past, accounts) = past(&full);
                let mut values: Vec<Value> = params![platform.as_str(), now].into();
                values.extend(accounts);
                let sql = format!("{FIRST_DUE}{past} ORDER BY next_sync_at LIMIT 1");
                let Some(first) = tx.fetch_optional(&sql, &values).await? else { return Ok(None) };
                let account = AccountId(first.int("social_account_id")?);
                let rows = tx.fetch_free(DUE, &params![account, now, most as i64]).await?;
                let posts = take(tx, &rows, &token, now).await?;
                Ok(Some(Batch { account, posts }))
            })
            .await
    }

    /// Writes what became of the readings of a batch. Those whose claim is gone stay as they are.
    pub async fn settle_syncs(&self, of: Vec<(PostId, Fence, Read)>, now: DateTime<Utc>) -> Result<()> {
        self.db
            .write(async move |tx| {
                for (post, fence, read) in &of {
                    let Some(held) = tx.fetch_optional(HELD, &params![*post, *fence]).await? else { continue };
                    match read {
                        Read::Numbers { reading, next } => keep(tx, *post, &held, reading, *next, now).await?,
                        Read::Nothing { problem, not_shown_since, failures, next } => {
                            let problem = Value::json(problem)?;
                            let values = params![now, problem, *not_shown_since, *failures, *next, now, *post];
                            tx.execute(NOTHING, &values).await?;
                        }
                    }
                }
                Ok(())
            })
            .await
    }

    /// Puts off what is due and not claimed.
    pub async fn put_syncs_off(&self, what: PutOff, until: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
        self.db
            .write(async move |tx| {
                match what {
                    PutOff::Account(account) => tx.execute(PUT_OFF_ACCOUNT, &params![until, account, now]).await?,
                    PutOff::Platform(platform) => {
                        tx.execute(PUT_OFF_PLATFORM, &params![until, platform.as_str(), now]).await?
                    }
                };
                Ok(())
            })
            .await
    }

    /// Makes the reading of a live post due now, unless its numbers are fresh. Makes its row where an older core published it.
    pub async fn ask_for_sync(&self, post: &Post, now: DateTime<Utc>) -> Result<()> {
        let post = post.clone();
        self.db
            .write(async move |tx| {
                if !super::has_row(tx, post.id).await? {
                    return super::begin(tx, &post, post.published_at.unwrap_or(now), now).await;
                }
                tx.execute(ASK, &params![now, post.id, now - FRESH]).await?;
                Ok(())
            })
            .await
    }
}

/// Claims due rows. Those of posts that are live no more come to rest.
async fn take(tx: &mut Tx, rows: &[Row], token: &str, now: DateTime<Utc>) -> Result<Vec<Due>> {
    let ids = rows.iter().map(|row| row.int("social_post_id")).collect::<Result<Vec<_>>>()?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (marks, values) = in_list(&ids);
    let claim = format!(
        "UPDATE aurareels_social_analytics SET claim_token = ?, next_sync_at = ?, fence = fence + 1 WHERE social_post_id IN ({marks})"
    );
    let mut bound: Vec<Value> = params![token, now + CLAIMED_FOR].into();
    bound.extend(values.iter().cloned());
    tx.execute(&claim, &bound).await?;
    let posts = format!("SELECT id, status, platform_post_id FROM aurareels_social_posts WHERE id IN ({marks})");
    let mut live = std::collections::HashMap::new();
    for post in &tx.fetch_all(&posts, &values).await? {
        // A status that cannot be read is none that is known to be live.
        if post.word::<Status>("status").is_ok_and(|status| status == Status::Published) {
            live.insert(post.int("id")?, post.opt_text("platform_post_id")?);
        }
    }
    let mut due = Vec::with_capacity(rows.len());
    for (row, id) in rows.iter().zip(ids) {
        let Some(platform_post_id) = live.remove(&id) else {
            tx.execute(super::REST, &params![now, id]).await?;
            continue;
        };
        due.push(Due {
            post: PostId(id),
            fence: Fence(row.int("fence")? + 1),
            published_at: row.opt_time("published_at")?.unwrap_or(now),
            platform_post_id: platform_post_id.filter(|id| !id.is_empty()),
            failures: row.small("failures")?,
            not_shown_since: row.opt_time("not_shown_since")?,
        });
    }
    Ok(due)
}

/// Keeps numbers, and a point of history where they are others than before.
async fn keep(
    tx: &mut Tx,
    post: PostId,
    held: &Row,
    reading: &Reading,
    next: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    let numbers = &reading.numbers;
    let before: Numbers = held.json("numbers").unwrap_or_default();
    let is_first = held.opt_time("last_synced_at")?.is_none();
    if is_first || before != *numbers {
        let lived = now - held.opt_time("published_at")?.unwrap_or(now);
        let gained = match is_first && lived > WHOLE_LIFE {
            true => Numbers::default(),
            false => numbers.gained_since(&before),
        };
        let mut values: Vec<Value> = params![post, now, held.int("social_account_id")?].into();
        for of in [numbers, &gained] {
            values.extend(params![of.views, of.likes, of.comments, of.shares, of.saves, of.reach]);
        }
        tx.execute(HISTORY, &values).await?;
    }
    let or_nothing = |number: Option<i64>| number.unwrap_or(0);
    let values = params![
        or_nothing(numbers.views),
        or_nothing(numbers.likes),
        or_nothing(numbers.comments),
        or_nothing(numbers.shares),
        numbers.engagement_rate(),
        Value::json(numbers)?,
        Value::json(&reading.platform)?,
        now,
        now,
        next,
        now,
        post
    ];
    tx.execute(NUMBERS, &values).await?;
    Ok(())
}

//! What is due, and who is claimed of it.
//!
//! Guaranteed: nothing is claimed that has no room or no turn (`domain/turns.rs`). What has no room is neither written nor
//! read: while somebody is without, what is due is looked for by platform, without the full ones, and past the accounts
//! that have no room, of which only the index is read. A post of a backlog is written once, when it gets its turn. The
//! turns stand in the rows of posts and accounts, so they hold for every core on the database and through restarts.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Result, Store,
    db::{Reader, Row, Tx, Value, in_list},
    posts::{self, post_columns},
    quarantine,
};
use crate::{
    domain::{
        ids::{AccountId, PostId},
        platform::Platform,
        post::{Post, Status, WaitReason},
        turns::{Allotted, BACKLOG_GAP, Candidate, Turns, is_late},
    },
    fault::{self, FaultPoint},
    params,
    telemetry::metrics::QueueState,
};

/// Posts looked at in one statement.
const BATCH: usize = 256;

macro_rules! due {
    ($of:literal) => {
        concat!(
            "SELECT id, platform, social_account_id, next_step_at, status, waiting_for, scheduled_at, due_at, \
             late_policy_seconds, look_since FROM aurareels_social_posts WHERE ",
            $of,
            "next_step_at IS NOT NULL AND next_step_at <= ? \
             AND (next_step_at <= ? OR (waiting_for = 'schedule' AND claim_token IS NULL))"
        )
    };
}

const DUE: &str = due!("");
const DUE_OF_PLATFORM: &str = due!("platform = ? AND ");

const NEXT: &str =
    "SELECT next_step_at FROM aurareels_social_posts WHERE next_step_at IS NOT NULL ORDER BY next_step_at LIMIT 1";
const NEXT_OF_PLATFORM: &str =
    "SELECT next_step_at FROM aurareels_social_posts WHERE platform = ? AND next_step_at IS NOT NULL";

/// What a scheduler wants.
#[derive(Clone, Debug)]
pub struct Claiming {
    /// The time.
    pub now: DateTime<Utc>,
    /// Posts that wait for a time which is that near, too.
    pub ahead: TimeDelta,
    /// Whose claims they are.
    pub token: String,
    /// How long they last.
    pub lease: Duration,
    /// What is under way.
    pub turns: Turns,
}

/// What a claim brought.
#[derive(Default)]
pub struct Claimed {
    /// To be worked on.
    pub posts: Vec<Post>,
    /// Posts of a backlog were given later turns.
    pub put_off: bool,
    /// There may be more to claim.
    pub more: bool,
    /// Some may wait for room.
    pub waits_for_room: bool,
    /// Those that cannot be read, with the reason.
    quarantined: Vec<(PostId, String)>,
}

impl Store {
    /// The posts that wait or are worked on, for people.
    pub async fn queue_state(&self, now: DateTime<Utc>) -> Result<QueueState> {
        const WAITING: &str = "SELECT COUNT(*) AS posts FROM aurareels_social_posts WHERE next_step_at > ?";
        const DUE: &str =
            "SELECT COUNT(*) AS posts FROM aurareels_social_posts WHERE next_step_at <= ? AND claim_token IS NULL";
        const CLAIMED: &str = "SELECT COUNT(*) AS posts FROM aurareels_social_posts WHERE claim_token > ''";
        let mut reader = self.db.read().await?;
        let mut count = async |sql: &str, values: &[Value]| {
            let row = reader.fetch_optional(sql, values).await?;
            row.map_or(Ok(0), |row| row.int("posts"))
        };
        let (later, due) = (count(WAITING, &params![now]).await?, count(DUE, &params![now]).await?);
        let claimed = count(CLAIMED, &[]).await?;
        Ok(QueueState { waiting: later + due, due, claimed })
    }

    /// Claims posts whose time has come and for which there is room, those that wait longest first. One that cannot be
    /// read is quarantined, and holds nobody up.
    pub async fn claim(&self, asked: Claiming) -> Result<Claimed> {
        let claimed = self.db.write(async move |tx| claim(tx, &asked).await).await?;
        for (id, why) in &claimed.quarantined {
            quarantine::tell(*id, why);
        }
        Ok(claimed)
    }

    /// When the next post wants attention for which there is room; `None` when none waits.
    pub async fn next_step_at(&self, turns: &Turns) -> Result<Option<DateTime<Utc>>> {
        let mut reader = self.db.read().await?;
        if turns.is_open() {
            let row = reader.fetch_optional(NEXT, &[]).await?;
            return row.map_or(Ok(None), |row| row.opt_time("next_step_at"));
        }
        let mut next = None;
        for platform in Platform::ALL {
            if room(turns, platform) > 0 {
                next = next.into_iter().chain(next_of_platform(&mut reader, turns, platform).await?).min();
            }
        }
        Ok(next)
    }
}

async fn next_of_platform(reader: &mut Reader, turns: &Turns, platform: Platform) -> Result<Option<DateTime<Utc>>> {
    let (past, accounts) = past_accounts(turns, platform);
    let mut values: Vec<Value> = params![platform.as_str()].into();
    values.extend(accounts);
    let sql = format!("{NEXT_OF_PLATFORM}{past} ORDER BY next_step_at LIMIT 1");
    let row = reader.fetch_optional(&sql, &values).await?;
    row.map_or(Ok(None), |row| row.opt_time("next_step_at"))
}

/// How much room there is for a platform.
fn room(turns: &Turns, platform: Platform) -> usize {
    turns.room(Some(platform)).min(BATCH)
}

/// The condition that leaves out the accounts of a platform which have no room.
fn past_accounts(turns: &Turns, platform: Platform) -> (String, Vec<Value>) {
    let accounts = turns.without_room(platform);
    if accounts.is_empty() {
        return Default::default();
    }
    let (marks, values) = in_list(&accounts);
    (format!(" AND social_account_id NOT IN ({marks})"), values)
}

async fn claim(tx: &mut Tx, asked: &Claiming) -> Result<Claimed> {
    const ORDER: &str = " ORDER BY next_step_at, id LIMIT ?";
    let Claiming { now, ahead, .. } = *asked;
    let mut turns = asked.turns.clone();
    let mut claimed = Claimed::default();
    if turns.is_open() {
        let limit =
            Platform::ALL.iter().map(|platform| turns.room(Some(*platform))).max().unwrap_or_default().min(BATCH);
        let rows = tx.fetch_free(&format!("{DUE}{ORDER}"), &params![now + ahead, now, limit as i64]).await?;
        take(tx, asked, &mut turns, &rows, limit, &mut claimed).await?;
        return Ok(claimed);
    }
    claimed.waits_for_room = true;
    // Those whose platform this release does not know are quarantined when there is room for everybody.
    for platform in Platform::ALL {
        let limit = room(&turns, platform);
        if limit == 0 {
            continue;
        }
        let (past, accounts) = past_accounts(&turns, platform);
        let mut values: Vec<Value> = params![platform.as_str(), now + ahead, now].into();
        values.extend(accounts);
        values.extend(params![limit as i64]);
        let rows = tx.fetch_free(&format!("{DUE_OF_PLATFORM}{past}{ORDER}"), &values).await?;
        take(tx, asked, &mut turns, &rows, limit, &mut claimed).await?;
    }
    Ok(claimed)
}

/// Claims what has its turn among due posts, and puts off what has a later one.
async fn take(
    tx: &mut Tx,
    asked: &Claiming,
    turns: &mut Turns,
    rows: &[Row],
    limit: usize,
    claimed: &mut Claimed,
) -> Result<()> {
    let candidates = rows.iter().map(|row| candidate(row, asked.now)).collect::<Result<Vec<_>>>()?;
    let mut backlogs = backlogs(tx, &candidates, asked.now).await?;
    let before = backlogs.clone();
    let Allotted { now, later, left } = turns.allot(&candidates, &mut backlogs, asked.now);
    claimed.more |= rows.len() == limit;
    claimed.waits_for_room |= left;
    for (account, turn) in backlogs.iter().filter(|(account, turn)| before.get(account) != Some(turn)) {
        let sql = "UPDATE aurareels_social_accounts SET backlog_turn_at = ? WHERE id = ?";
        tx.execute(sql, &params![*turn, *account]).await?;
    }
    put_off(tx, &later).await?;
    claimed.put_off |= !later.is_empty();
    if now.is_empty() {
        return Ok(());
    }
    let until = asked.now + TimeDelta::from_std(asked.lease).unwrap_or(TimeDelta::MAX);
    let (marks, ids) = in_list(&now);
    // A claim that was left behind counts as a crash of its worker; one that ends in order clears the count.
    let claim = format!(
        "UPDATE aurareels_social_posts SET crash_count = crash_count + CASE WHEN claim_token IS NULL THEN 0 ELSE 1 END, \
         claim_token = ?, claim_expires_at = ?, next_step_at = ?, fence = fence + 1, woken_at = NULL WHERE id IN ({marks})"
    );
    let mut values: Vec<Value> = params![&asked.token, until, until].into();
    values.extend(ids.iter().cloned());
    tx.execute(&claim, &values).await?;
    let of_now = format!(
        concat!("SELECT ", post_columns!(), " FROM aurareels_social_posts WHERE id IN ({}) ORDER BY id"),
        marks
    );
    for row in &tx.fetch_all(&of_now, &ids).await? {
        match posts::post(row) {
            Ok(post) => claimed.posts.push(post),
            Err(error) if error.is_about_data() => {
                let (id, why) = (PostId(row.int("id")?), quarantine::why(&error));
                quarantine::write(tx, id, &why).await?;
                claimed.quarantined.push((id, why));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives posts the times of their turns.
async fn put_off(tx: &mut Tx, later: &[(DateTime<Utc>, PostId)]) -> Result<()> {
    if !later.is_empty() {
        fault::point(FaultPoint::PostponeBegins, "backlog");
    }
    for (turn, post) in later {
        tx.execute("UPDATE aurareels_social_posts SET next_step_at = ? WHERE id = ?", &params![*turn, *post]).await?;
    }
    Ok(())
}

/// When the backlogs of the late posts' accounts have their next turns, where that is not now.
async fn backlogs(
    tx: &mut Tx,
    candidates: &[Candidate],
    now: DateTime<Utc>,
) -> Result<HashMap<AccountId, DateTime<Utc>>> {
    let mut accounts: Vec<AccountId> =
        candidates.iter().filter(|candidate| candidate.is_late).map(|candidate| candidate.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut turns = HashMap::new();
    if accounts.is_empty() {
        return Ok(turns);
    }
    let (marks, values) = in_list(&accounts);
    let sql = format!("SELECT id, backlog_turn_at FROM aurareels_social_accounts WHERE id IN ({marks})");
    for row in &tx.fetch_all(&sql, &values).await? {
        // A time that cannot be read is as good as none.
        let (Ok(account), Ok(Some(turn))) = (row.int("id"), row.opt_time("backlog_turn_at")) else { continue };
        let account = AccountId(account);
        if turn > now && stands(tx, account, turn - BACKLOG_GAP, now).await? {
            turns.insert(account, turn);
        }
    }
    Ok(turns)
}

/// Whether the last turn that was given still holds: its post may have been cancelled, with those before it.
async fn stands(tx: &mut Tx, account: AccountId, turn: DateTime<Utc>, now: DateTime<Utc>) -> Result<bool> {
    let sql = "SELECT id FROM aurareels_social_posts WHERE next_step_at = ? AND social_account_id = ? LIMIT 1";
    Ok(turn <= now || tx.fetch_optional(sql, &params![turn, account]).await?.is_some())
}

/// What cannot be read of it is found out when it is claimed.
fn candidate(row: &Row, now: DateTime<Utc>) -> Result<Candidate> {
    let time = |column| row.opt_time(column).unwrap_or_default();
    // Also what a stop took back while it waited for its time.
    let due = match row.word::<Status>("status").ok() {
        Some(Status::Scheduled) => time("scheduled_at"),
        Some(Status::Publishing) if row.opt_word("waiting_for").ok().flatten() == Some(WaitReason::Schedule) => {
            time("due_at").or_else(|| time("scheduled_at"))
        }
        _ => None,
    };
    // Too late to be published: it takes no turn from those behind it.
    let policy = TimeDelta::try_seconds(row.int("late_policy_seconds").unwrap_or_default()).unwrap_or(TimeDelta::MAX);
    let is_missed = due.is_some_and(|due| now - due > policy) && time("look_since").is_none();
    Ok(Candidate {
        post: PostId(row.int("id")?),
        account: AccountId(row.int("social_account_id").unwrap_or_default()),
        platform: row.word::<Platform>("platform").ok(),
        is_late: !is_missed && is_late(due, time("next_step_at").unwrap_or(now), now),
    })
}

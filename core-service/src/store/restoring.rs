//! Lineages as rows, and what a restored backup has to be told before a core may publish from it.
//!
//! Guaranteed, in one transaction ([`Store::restored`]): ids and positions go on past everything that may have been handed
//! out since the backup; every post that may have gone out meanwhile is marked to be looked up on the platform first;
//! what the old core had claimed is let go; nobody is logged in to the dashboard any more.
//!
//! Looks are spread per account, the most urgent first: platforms limit reads as they limit posts.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Error, Result, Store, dashboard,
    db::{
        Reader, Row, Tx,
        mark::{self, Mark, Owner},
        serving,
    },
    handed_out::HandedOut,
    random_id::random_id,
};
use crate::{
    domain::{
        ids::Sequence,
        lineage::{Lineage, Lineages, first_number},
        post::{Status, WaitReason},
    },
    params,
};

const ALL: &str = "SELECT number, lineage, begun_at, backup_at, kept_through, events_from FROM aurareels_lineages \
     WHERE number > 0 ORDER BY number";
const INSERT: &str = "INSERT INTO aurareels_lineages (number, lineage, begun_at, backup_at, kept_through, events_from) \
     VALUES (?, ?, ?, ?, ?, ?)";
// Once per restore, over every post.
const MARK: &str = "UPDATE aurareels_social_posts SET look_since = CASE WHEN look_since IS NULL OR look_since > ? THEN ? \
     ELSE look_since END WHERE status NOT IN ('published', 'cancelled')";
const LET_GO: &str = "UPDATE aurareels_social_posts SET claim_token = NULL, claim_expires_at = NULL, fence = fence + 1, \
     next_step_at = ? WHERE claim_token IS NOT NULL";
const LET_REFRESHES_GO: &str =
    "UPDATE aurareels_social_accounts SET refresh_claim_token = NULL, refresh_claim_expires_at = NULL WHERE id > 0";
const MARKED: &str = "SELECT id, social_account_id, status, scheduled_at, next_step_at FROM aurareels_social_posts \
     WHERE look_since IS NOT NULL AND status IN \
     ('publishing', 'confirming', 'scheduled', 'needs_review', 'failed', 'draft')";
const LOOK_AT: &str = "UPDATE aurareels_social_posts SET next_step_at = ?, waiting_for = ? WHERE id = ?";

/// Time between the looks for two posts of one account that nobody waits for.
const LOOK_GAP: TimeDelta = TimeDelta::minutes(2);

/// How long before its time a scheduled post is looked for at the latest: looking, then preparing.
const LOOK_LEAD: TimeDelta = TimeDelta::minutes(45);

fn lineage(row: &Row) -> Result<Lineage> {
    Ok(Lineage {
        number: row.int("number")?,
        id: row.text("lineage")?,
        begun_at: row.time("begun_at")?,
        backup_at: row.opt_time("backup_at")?,
        kept_through: Sequence(row.int("kept_through")?),
        events_from: Sequence(row.int("events_from")?),
    })
}

async fn all(tx: &mut Tx) -> Result<Lineages> {
    let rows = tx.fetch_all(ALL, &[]).await?;
    rows.iter().map(lineage).collect::<Result<_>>().map(Lineages)
}

/// Every lineage of a database.
pub(super) async fn read_all(reader: &mut Reader) -> Result<Lineages> {
    let rows = reader.fetch_all(ALL, &[]).await?;
    rows.iter().map(lineage).collect::<Result<_>>().map(Lineages)
}

async fn insert(tx: &mut Tx, new: &Lineage) -> Result<()> {
    let values = params![new.number, &new.id, new.begun_at, new.backup_at, new.kept_through, new.events_from];
    tx.execute(INSERT, &values).await?;
    Ok(())
}

/// The first lineage of a database that has none yet.
async fn ensure(tx: &mut Tx, id: &str, now: DateTime<Utc>) -> Result<Lineages> {
    let known = all(tx).await?;
    if !known.0.is_empty() {
        return Ok(known);
    }
    let (begun_at, id) = (now, id.to_owned());
    let first =
        Lineage { number: 1, id, begun_at, backup_at: None, kept_through: Sequence(0), events_from: Sequence(1) };
    insert(tx, &first).await?;
    Ok(Lineages(vec![first]))
}

pub(super) fn owner_of(lineages: &Lineages) -> Option<Owner> {
    let lineage = lineages.current()?.id.clone();
    Some(Owner { database: lineages.database()?.to_owned(), lineage })
}

/// Why a database must not be gone on with beside this mark.
fn behind(owner: &Owner, own: HandedOut, of: &Owner, highest: HandedOut) -> Option<String> {
    let what = if of.database != owner.database {
        "is another one than was served here before, or was lost and begun anew".to_owned()
    } else if of.lineage != owner.lineage {
        format!("is of lineage {}, while lineage {} was served here before", owner.lineage, of.lineage)
    } else if own.sequence < highest.sequence || own.post < highest.post {
        format!(
            "is older than what was served here before: its events end at {}, its posts at {}, but {} and {} were handed out",
            own.sequence, own.post, highest.sequence, highest.post
        )
    } else {
        return None;
    };
    Some(format!(
        "the database {what}. Posts may be out that it does not know of, so nothing is published and nothing is taken. If \
         it is a copy that was put back, stop the core and say when the copy was made: `aurareels restored --backup-time \
         <time>`; or restore a backup: `aurareels restore <file>`. If a new database is meant, remove aurareels.mark \
         beside it"
    ))
}

/// What the database itself handed out.
async fn handed_out(tx: &mut Tx) -> Result<(HandedOut, i64)> {
    let counters = tx.counters().await?;
    let of = |name: &str| counters.iter().find(|(table, _)| table == name).map_or(0, |(_, highest)| *highest);
    let own = HandedOut { sequence: of("aurareels_events"), post: of("aurareels_social_posts") };
    Ok((own, counters.iter().map(|(_, highest)| *highest).max().unwrap_or(0)))
}

impl Store {
    /// The lineages of the database, with its first one if it has none yet; what is handed out so far.
    pub async fn begin_lineages(&self, now: DateTime<Utc>) -> Result<(Lineages, HandedOut)> {
        let id = random_id()?;
        let (lineages, own) = self
            .db
            .write(async move |tx| {
                let lineages = ensure(tx, &id, now).await?;
                Ok((lineages, handed_out(tx).await?.0))
            })
            .await?;
        // A second start of the parts on one store finds the same.
        let _ = self.lineages.set(lineages.clone());
        Ok((lineages, own))
    }

    /// Serves the database: keeps others from replacing it, and from now on a mark of everything that is handed out. When
    /// the database turns out to be older than its mark, or another one, all writes are refused from here on, and
    /// [`Self::behind`] says why.
    pub async fn serve(&self, now: DateTime<Utc>) -> Result<()> {
        let Some(file) = self.db.file() else {
            self.begin_lineages(now).await?;
            return Ok(());
        };
        self.db.hold(serving::serve(&file)?);
        let path = mark::path_of(&file);
        // Read before the database is: whatever it says was committed by then.
        let known = mark::read(&path).map_err(Error::io)?;
        let (lineages, own) = self.begin_lineages(now).await?;
        let Some(owner) = owner_of(&lineages) else { return Ok(()) };
        if let Some(why) = known.as_ref().and_then(|(of, highest)| behind(&owner, own, of, *highest)) {
            self.db.refuse_writes(why);
            return Ok(());
        }
        let highest = known.map_or(own, |(_, highest)| own.max(highest));
        self.db.keep_mark(Mark::begin(&path, owner, highest).map_err(Error::io)?);
        Ok(())
    }

    /// Why the database must not be gone on with beside its mark. Changes nothing.
    pub async fn is_behind_its_mark(&self) -> Result<Option<String>> {
        let Some(file) = self.db.file() else { return Ok(None) };
        // Read before the database is: whatever it says was committed by then.
        let Some((of, highest)) = mark::read(&mark::path_of(&file)).map_err(Error::io)? else { return Ok(None) };
        let Some(owner) = owner_of(&read_all(&mut self.db.read().await?).await?) else { return Ok(None) };
        Ok(behind(&owner, self.handed_out().await?, &of, highest))
    }

    /// What the database handed out so far.
    pub(super) async fn handed_out(&self) -> Result<HandedOut> {
        self.db.write(async move |tx| Ok(handed_out(tx).await?.0)).await
    }

    /// Why the database is not the newest one of this place; nothing is written then.
    pub fn behind(&self) -> Option<&str> {
        self.db.refusal()
    }

    /// The lineages as they were when the core started; none before [`Self::begin_lineages`].
    pub fn lineages(&self) -> &Lineages {
        static NONE: Lineages = Lineages(Vec::new());
        self.lineages.get().unwrap_or(&NONE)
    }

    /// Begins a new lineage: the database is a backup that was made at `backup_at`, and `known` was handed out since. No
    /// core may serve it meanwhile.
    pub async fn restored(&self, backup_at: DateTime<Utc>, known: HandedOut, now: DateTime<Utc>) -> Result<Lineage> {
        let ids = (random_id()?, random_id()?);
        self.db
            .write(async move |tx| {
                let lineages = ensure(tx, &ids.0, backup_at).await?;
                let (own, highest) = handed_out(tx).await?;
                let first = first_number(highest.max(known.sequence).max(known.post), now);
                let new = Lineage {
                    number: lineages.current().map_or(1, |lineage| lineage.number + 1),
                    id: ids.1.clone(),
                    begun_at: now,
                    backup_at: Some(backup_at),
                    kept_through: Sequence(own.sequence),
                    events_from: Sequence(first),
                };
                // First: on MySQL it commits what came before.
                tx.move_counters(first).await?;
                insert(tx, &new).await?;
                tx.execute(LET_GO, &params![now]).await?;
                tx.execute(LET_REFRESHES_GO, &[]).await?;
                dashboard::forget_all(tx).await?;
                tx.execute(MARK, &params![backup_at, backup_at]).await?;
                spread_looks(tx, now).await?;
                Ok(new)
            })
            .await
    }
}

/// Says when each marked post is looked for: at once what was on its way, the others one after the other, and what is
/// scheduled in time before it is due.
async fn spread_looks(tx: &mut Tx, now: DateTime<Utc>) -> Result<()> {
    let mut marked = Vec::new();
    for row in tx.fetch_all(MARKED, &[]).await? {
        let status: Status = row.word("status")?;
        let due = row.opt_time("scheduled_at")?.filter(|_| status == Status::Scheduled);
        let urgency = match status {
            Status::Publishing | Status::Confirming => 0,
            Status::Scheduled => 1,
            _ => 2,
        };
        marked.push((row.int("social_account_id")?, urgency, due, row.int("id")?, row.opt_time("next_step_at")?));
    }
    marked.sort_unstable();
    let mut places: HashMap<i64, i32> = HashMap::new();
    for (account, urgency, due, id, next_step_at) in marked {
        let at = if urgency == 0 {
            now
        } else {
            let place = places.entry(account).and_modify(|place| *place += 1).or_insert(0);
            let in_turn = now + LOOK_GAP * *place;
            let in_time = due.map_or(in_turn, |due| in_turn.min(due - LOOK_LEAD));
            in_time.min(next_step_at.unwrap_or(in_time)).max(now)
        };
        tx.execute(LOOK_AT, &params![at, WaitReason::RestoreCheck.as_str(), id]).await?;
    }
    tx.note_schedule(now);
    Ok(())
}

#[cfg(test)]
#[path = "restoring_tests.rs"]
mod tests;

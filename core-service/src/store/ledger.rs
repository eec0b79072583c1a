//! The ledger's rows. A step is recorded before its request leaves and completed once its outcome is known; both writes
//! carry the fence of the claim and are refused when it is gone.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{
    Result, Store,
    db::{Row, Tx, Value, in_list},
};
use crate::{
    domain::{
        ids::{Fence, PostId},
        ledger::{Entry, Evidence, Handle, Ledger, ResolvedWord, SEARCH, StepOutcome},
        post::Post,
    },
    params,
    secret::{Binding, KeyRing},
};

fn binding(post: PostId) -> Binding {
    Binding::ledger_handle(post.0, "handle")
}

pub(super) fn seal_handle(keys: &KeyRing, post: PostId, handle: &Handle) -> Result<String> {
    // Most steps have nothing to keep; an empty text says so without a cipher.
    if handle.is_empty() {
        return Ok(String::new());
    }
    Ok(keys.seal(&binding(post), &serde_json::to_string(handle)?))
}

/// The columns of an [`Entry`], and whose it is.
const COLUMNS: &str =
    "post_id, number, attempt, step, class, handle, sent_at, deadline_at, outcome, answered_at, evidence, fence";

fn entry(keys: &KeyRing, post: PostId, row: &Row) -> Result<Entry> {
    let sealed = row.text("handle")?;
    let handle = if sealed.is_empty() {
        Handle::default()
    } else {
        serde_json::from_str(keys.open(&binding(post), &sealed)?.expose())?
    };
    Ok(Entry {
        number: row.small("number")?,
        attempt: row.small("attempt")?,
        step: row.text("step")?,
        class: row.word("class")?,
        handle,
        sent_at: row.time("sent_at")?,
        deadline_at: row.time("deadline_at")?,
        outcome: row.opt_text("outcome")?.map(|text| text.parse()).transpose()?,
        answered_at: row.opt_time("answered_at")?,
        evidence: row.json("evidence")?,
        fence: Fence(row.int("fence")?),
    })
}

pub(super) async fn insert_entry(tx: &mut Tx, keys: &KeyRing, post: PostId, entry: &Entry) -> Result<()> {
    tx.execute(
        "INSERT INTO aurareels_post_steps (post_id, number, attempt, step, class, handle, sent_at, deadline_at, outcome, \
         answered_at, evidence, fence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &params![
            post,
            entry.number,
            entry.attempt,
            &entry.step,
            entry.class.as_str(),
            seal_handle(keys, post, &entry.handle)?,
            entry.sent_at,
            entry.deadline_at,
            entry.outcome.map(|outcome| outcome.as_str()),
            entry.answered_at,
            Value::json(&entry.evidence)?,
            entry.fence,
        ],
    )
    .await?;
    Ok(())
}

/// Writes what is known of an entry: outcome, handle, evidence.
pub(super) async fn update_entry(tx: &mut Tx, keys: &KeyRing, post: PostId, entry: &Entry) -> Result<()> {
    tx.execute(
        "UPDATE aurareels_post_steps SET outcome = ?, answered_at = ?, handle = ?, evidence = ? WHERE post_id = ? AND number = ?",
        &params![
            entry.outcome.map(|outcome| outcome.as_str()),
            entry.answered_at,
            seal_handle(keys, post, &entry.handle)?,
            Value::json(&entry.evidence)?,
            post,
            entry.number,
        ],
    )
    .await?;
    Ok(())
}

/// Keeps a person's word as the outcome of the steps that nobody could settle.
pub(super) async fn settle_by_hand(tx: &mut Tx, post: &Post, word: &ResolvedWord, now: DateTime<Utc>) -> Result<()> {
    let outcome = if word.published { StepOutcome::Found } else { StepOutcome::Absent };
    let rows = tx
        .fetch_all(
            "SELECT number, evidence FROM aurareels_post_steps WHERE post_id = ? \
             AND ((class = 'point_of_no_return' AND (outcome IS NULL OR outcome NOT IN ('no_effect', 'absent'))) \
                  OR (step = ? AND outcome = 'unknown'))",
            &params![post.id, SEARCH],
        )
        .await?;
    for row in &rows {
        let evidence: Evidence = row.json("evidence")?;
        let evidence = evidence.with("resolved_by_hand", word.note.as_str()).with("resolved_at", now.to_rfc3339());
        tx.execute(
            "UPDATE aurareels_post_steps SET outcome = ?, answered_at = ?, evidence = ? WHERE post_id = ? AND number = ?",
            &params![outcome.as_str(), now, Value::json(&evidence)?, post.id, row.int("number")?],
        )
        .await?;
    }
    Ok(())
}

/// Everything that was done for a post, as the transaction sees it.
pub(super) async fn of_post(tx: &mut Tx, keys: &KeyRing, post: PostId) -> Result<Ledger> {
    let sql = format!("SELECT {COLUMNS} FROM aurareels_post_steps WHERE post_id = ? ORDER BY number");
    let rows = tx.fetch_all(&sql, &params![post]).await?;
    let entries: Result<Vec<Entry>> = rows.iter().map(|row| entry(keys, post, row)).collect();
    Ok(Ledger::new(entries?))
}

impl Store {
    /// Everything that was done for a post.
    pub async fn ledger(&self, post: PostId) -> Result<Ledger> {
        Ok(self.ledgers(&[post]).await?.remove(&post).unwrap_or_default())
    }

    /// Everything that was done for some posts; those without any step are missing.
    pub async fn ledgers(&self, posts: &[PostId]) -> Result<HashMap<PostId, Ledger>> {
        let mut entries: HashMap<PostId, Vec<Entry>> = HashMap::new();
        if !posts.is_empty() {
            let (marks, values) = in_list(posts);
            let sql = format!(
                "SELECT {COLUMNS} FROM aurareels_post_steps WHERE post_id IN ({marks}) ORDER BY post_id, number"
            );
            let keys = self.keys();
            for row in &self.db.read().await?.fetch_all(&sql, &values).await? {
                let post = PostId(row.int("post_id")?);
                entries.entry(post).or_default().push(entry(&keys, post, row)?);
            }
        }
        Ok(entries.into_iter().map(|(post, entries)| (post, Ledger::new(entries))).collect())
    }
}

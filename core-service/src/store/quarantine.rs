//! Posts that this release cannot read: a word of a later release, or damage.
//!
//! Guaranteed: such a post is quarantined alone, with the reason, and the others go on. Nobody claims it, its owner is told
//! by what GetPost and ListPosts show, the operator by one line of the log and a number on the metrics page. Nothing of
//! the row is overwritten. A core that can read it, of another release or after the row was mended, takes it up again when it
//! starts or tidies up.

use chrono::{DateTime, Utc};
use tracing::error;

use super::{
    Error, Result, Store,
    db::Tx,
    posts::{self, post_columns},
};
use crate::{
    domain::ids::{Fence, PostId},
    params,
};

/// Most posts that are tried again at once.
const MOST: i64 = 1_000;

const SET_ASIDE: &str =
    concat!("SELECT ", post_columns!(), " FROM aurareels_social_posts WHERE set_aside > '' LIMIT ?");

/// Why a row cannot be read, without the row's name.
pub(super) fn why(error: &Error) -> String {
    match error {
        Error::Unreadable { why, .. } | Error::Corrupt(why) => why.clone(),
        other => crate::domain::failure::describe(other),
    }
}

/// To be called once the writing of it is durable.
pub(super) fn tell(post: PostId, why: &str) {
    error!(post.id = %post, why, "the post cannot be read by this release and is quarantined; the others go on");
}

/// Takes a post out of the schedule.
pub(super) async fn write(tx: &mut Tx, post: PostId, why: &str) -> Result<()> {
    tx.execute(
        "UPDATE aurareels_social_posts SET set_aside = ?, next_step_at = NULL, claim_token = NULL, claim_expires_at = NULL \
         WHERE id = ?",
        &params![why, post],
    )
    .await?;
    Ok(())
}

impl Store {
    /// Sets a claimed post aside whose ledger cannot be read: without it nobody knows what was sent.
    pub async fn quarantine(&self, post: PostId, fence: Fence, error: &Error) -> Result<()> {
        let why = format!("its ledger: {}", why(error));
        let reason = why.clone();
        let ours = self
            .db
            .write(async move |tx| {
                let held = tx
                    .fetch_optional(
                        "SELECT id FROM aurareels_social_posts WHERE id = ? AND fence = ? AND claim_token IS NOT NULL",
                        &params![post, fence],
                    )
                    .await?;
                if held.is_some() {
                    write(tx, post, &why).await?;
                }
                Ok(held.is_some())
            })
            .await?;
        if ours {
            tell(post, &reason);
        }
        Ok(())
    }

    /// Puts back into the schedule what was quarantined and can be read now: by a core of another release, or because it was
    /// mended. Answers how many.
    pub async fn release_quarantined(&self, now: DateTime<Utc>) -> Result<usize> {
        let rows = self.db.read().await?.fetch_all(SET_ASIDE, &params![MOST]).await?;
        let mut readable = Vec::new();
        for post in rows.iter().filter_map(|row| posts::post(row).ok()) {
            match self.ledger(post.id).await {
                Ok(_) => readable.push(post.id),
                Err(error) if error.is_about_data() => {}
                Err(error) => return Err(error),
            }
        }
        let found = readable.len();
        if found == 0 {
            return Ok(0);
        }
        self.db
            .write(async move |tx| {
                for id in &readable {
                    tx.execute(
                        "UPDATE aurareels_social_posts SET set_aside = NULL, next_step_at = ? \
                         WHERE id = ? AND set_aside IS NOT NULL",
                        &params![now, *id],
                    )
                    .await?;
                }
                tx.note_schedule(now);
                Ok(())
            })
            .await?;
        Ok(found)
    }

    /// How many posts are quarantined.
    pub async fn count_quarantined(&self) -> Result<i64> {
        let sql = "SELECT COUNT(*) AS posts FROM aurareels_social_posts WHERE set_aside > ''";
        let row = self.db.read().await?.fetch_optional(sql, &[]).await?;
        row.map_or(Ok(0), |row| row.int("posts"))
    }
}

#[cfg(test)]
#[path = "quarantine_tests.rs"]
mod tests;

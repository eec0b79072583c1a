//! The queue of those who wait for a place of the day: the first of them is woken when it moves.

use chrono::{DateTime, Utc};

use super::{Result, db::Tx};
use crate::{
    domain::{ids::UserId, platform::Platform},
    params,
};

/// The first of those who wait for nothing but a place looks at once.
pub(super) async fn wake_next(tx: &mut Tx, user: UserId, platform: Platform, now: DateTime<Utc>) -> Result<()> {
    let first = "SELECT id FROM aurareels_social_posts WHERE wp_user_id = ? AND platform = ? AND waiting_for = 'daily_limit' \
                 AND claim_token IS NULL ORDER BY list_at, id LIMIT 1";
    let Some(row) = tx.fetch_optional(first, &params![user, platform.as_str()]).await? else { return Ok(()) };
    let sql = "UPDATE aurareels_social_posts SET next_step_at = ? WHERE id = ?";
    tx.execute(sql, &params![now, row.int("id")?]).await?;
    tx.note_schedule(now);
    Ok(())
}

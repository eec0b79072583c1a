//! How posts do, as rows: made when a post goes live, resting when it is live no more. Readings are claimed and settled in
//! `syncing`; what is shown is read in `showing`.
//!
//! Guaranteed: a row changes in the transaction of its post's status; whatever becomes of it, no post is touched.

pub mod showing;
pub mod syncing;
#[cfg(test)]
pub(super) mod tests;

use chrono::{DateTime, Utc};

use super::{Result, db::Tx};
use crate::{
    domain::{
        analytics::first_sync,
        ids::{AccountId, PostId},
        post::{Post, Status},
    },
    params,
};

const EXISTS: &str = "SELECT id FROM aurareels_social_analytics WHERE social_post_id = ?";
const INSERT: &str = "INSERT INTO aurareels_social_analytics (social_post_id, wp_user_id, social_account_id, platform, \
     published_at, next_sync_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
// Live again: another post of the platform may be meant now.
const AGAIN: &str = "UPDATE aurareels_social_analytics SET published_at = ?, next_sync_at = ?, problem = NULL, \
     not_shown_since = NULL, failures = 0, claim_token = NULL, fence = fence + 1, updated_at = ? WHERE social_post_id = ?";
const REST: &str = "UPDATE aurareels_social_analytics SET next_sync_at = NULL, claim_token = NULL, fence = fence + 1, \
     updated_at = ? WHERE social_post_id = ?";
const WAKE: &str = "UPDATE aurareels_social_analytics SET next_sync_at = ? WHERE social_account_id = ? \
     AND next_sync_at IS NOT NULL AND next_sync_at > ? AND problem IS NOT NULL AND claim_token IS NULL";

/// Follows a change of a post's status.
pub(super) async fn follow(tx: &mut Tx, post: &Post, to: Status, now: DateTime<Utc>) -> Result<()> {
    match (post.status, to) {
        (Status::Published, Status::Published) => Ok(()),
        (_, Status::Published) => begin(tx, post, now, first_sync(now)).await,
        (Status::Published, _) => {
            tx.execute(REST, &params![now, post.id]).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Begins to read the numbers of a post that is live since `published_at`.
async fn begin(tx: &mut Tx, post: &Post, published_at: DateTime<Utc>, first: DateTime<Utc>) -> Result<()> {
    if has_row(tx, post.id).await? {
        tx.execute(AGAIN, &params![published_at, first, published_at, post.id]).await?;
        return Ok(());
    }
    let values = params![
        post.id,
        post.wp_user_id,
        post.social_account_id,
        post.platform.as_str(),
        published_at,
        first,
        published_at,
        published_at
    ];
    tx.insert(INSERT, &values).await?;
    Ok(())
}

async fn has_row(tx: &mut Tx, post: PostId) -> Result<bool> {
    Ok(tx.fetch_optional(EXISTS, &params![post]).await?.is_some())
}

/// The owner of an account came back: what could not be read is read.
pub(super) async fn wake_account(tx: &mut Tx, account: AccountId, now: DateTime<Utc>) -> Result<()> {
    tx.execute(WAKE, &params![now, account, now]).await?;
    Ok(())
}

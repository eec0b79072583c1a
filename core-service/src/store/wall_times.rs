//! The wall times of scheduled posts, beside their rows.
//!
//! Guaranteed: a wall time is written in the transaction that schedules its post. Rules only become newer: a core with
//! older ones leaves alone what one with newer ones has read.

use super::{
    Result, Store,
    db::{Row, Tx},
};
use crate::{
    domain::{
        ids::{PostId, UserId},
        schedule::WallTime,
    },
    params,
};

const OLDER: &str = "SELECT w.post_id AS post_id, w.local_time AS local_time, w.time_zone AS time_zone, \
     w.scheduled_at AS scheduled_at, w.rules AS rules, p.wp_user_id AS wp_user_id, p.status AS status, \
     p.scheduled_at AS post_at FROM aurareels_wall_times w JOIN aurareels_social_posts p ON p.id = w.post_id \
     WHERE w.rules < ? ORDER BY w.rules, w.post_id LIMIT ?";
const FORGET: &str = "DELETE FROM aurareels_wall_times WHERE post_id = ?";
const KEEP: &str = "INSERT INTO aurareels_wall_times (post_id, local_time, time_zone, scheduled_at, rules) \
     VALUES (?, ?, ?, ?, ?)";
const READ: &str = "UPDATE aurareels_wall_times SET rules = ? WHERE post_id = ? AND rules < ?";

/// A wall time that was read by older rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OlderWallTime {
    /// Its post.
    pub post: PostId,
    /// The post's owner.
    pub user: UserId,
    /// What was asked for.
    pub wall: WallTime,
    /// The post still waits for the instant that this was.
    pub counts: bool,
}

fn older(row: &Row) -> Result<OlderWallTime> {
    let wall = WallTime {
        local: row.text("local_time")?,
        zone: row.text("time_zone")?,
        at: row.time("scheduled_at")?,
        rules: row.text("rules")?,
    };
    let waits = row.text("status")? == "scheduled" && row.opt_time("post_at")? == Some(wall.at);
    Ok(OlderWallTime { post: PostId(row.int("post_id")?), user: UserId(row.int("wp_user_id")?), wall, counts: waits })
}

/// Keeps the wall time of a post, in place of an earlier one.
pub(super) async fn keep(tx: &mut Tx, post: PostId, wall: &WallTime) -> Result<()> {
    tx.execute(FORGET, &params![post]).await?;
    tx.execute(KEEP, &params![post, &wall.local, &wall.zone, wall.at, &wall.rules]).await?;
    Ok(())
}

/// Forgets the wall time of a post that has another time now.
pub(super) async fn forget(tx: &mut Tx, post: PostId) -> Result<()> {
    tx.execute(FORGET, &params![post]).await.map(drop)
}

impl Store {
    /// Wall times that were read by older rules than these.
    pub async fn wall_times_before(&self, rules: &str, limit: i64) -> Result<Vec<OlderWallTime>> {
        let rows = self.db.read().await?.fetch_all(OLDER, &params![rules, limit]).await?;
        rows.iter().map(older).collect()
    }

    /// Notes that a wall time is the same instant by these rules too.
    pub async fn wall_time_read(&self, post: PostId, rules: &str) -> Result<()> {
        let rules = rules.to_owned();
        self.db.write(async move |tx| tx.execute(READ, &params![&rules, post, &rules]).await.map(drop)).await
    }

    /// Forgets a wall time that says nothing any more.
    pub async fn forget_wall_time(&self, post: PostId) -> Result<()> {
        self.db.write(async move |tx| forget(tx, post).await).await
    }
}

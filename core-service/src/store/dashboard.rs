//! The dashboard's links and sessions, found by hashes of their secrets, which are not stored.
//!
//! Guaranteed: a link logs in once (it is removed by the write that makes the session), also when two browsers use it at the
//! same time; a user has at most [`MOST_LINKS`] links and [`MOST_SESSIONS`] sessions, and the oldest make room; a session ends
//! [`IDLE`] after its last use, [`LIFE`] after its login, and when it is ended, whichever comes first.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Result, Store,
    db::{Row, Tx},
};
use crate::{domain::ids::UserId, params};

/// How long a session lives without being used.
pub const IDLE: TimeDelta = TimeDelta::hours(12);

/// How long a session lives at most.
pub const LIFE: TimeDelta = TimeDelta::days(30);

/// The use of a session is written down when the one before is this old.
pub const USE_WRITTEN: TimeDelta = TimeDelta::minutes(1);

/// Most sessions of a user.
pub const MOST_SESSIONS: i64 = 20;

/// Most links of a user that wait to be used.
pub const MOST_LINKS: i64 = 20;

/// How long the row of a session stays that is over: cores learn from it which one was ended.
const KEPT: TimeDelta = TimeDelta::days(1);

const COLUMNS: &str = "id, wp_user_id, user_agent, created_at, last_used_at, idle_at";

const INSERT_LINK: &str =
    "INSERT INTO aurareels_dashboard_links (secret_hash, wp_user_id, created_at, expires_at) VALUES (?, ?, ?, ?)";
const LINK: &str = "SELECT wp_user_id FROM aurareels_dashboard_links WHERE secret_hash = ? AND expires_at > ?";
const OLD_LINKS: &str = "SELECT secret_hash FROM aurareels_dashboard_links WHERE wp_user_id = ? \
     ORDER BY created_at DESC LIMIT 100 OFFSET ?";
const USE_LINK: &str = "DELETE FROM aurareels_dashboard_links WHERE secret_hash = ?";
const PURGE_LINKS: &str = "DELETE FROM aurareels_dashboard_links WHERE expires_at <= ?";
const INSERT: &str = "INSERT INTO aurareels_dashboard_sessions (secret_hash, wp_user_id, user_agent, created_at, \
     last_used_at, idle_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
const OLD_SESSIONS: &str = "SELECT id FROM aurareels_dashboard_sessions WHERE wp_user_id = ? AND ended_at IS NULL \
     ORDER BY last_used_at DESC LIMIT 100 OFFSET ?";
const USED: &str = "UPDATE aurareels_dashboard_sessions SET last_used_at = ?, \
     idle_at = CASE WHEN expires_at < ? THEN expires_at ELSE ? END WHERE id = ? AND ended_at IS NULL AND last_used_at <= ?";
const END: &str =
    "UPDATE aurareels_dashboard_sessions SET ended_at = ? WHERE id = ? AND ended_at IS NULL AND idle_at > ?";
const END_OF_USER: &str = "UPDATE aurareels_dashboard_sessions SET ended_at = ? \
     WHERE id = ? AND wp_user_id = ? AND ended_at IS NULL AND idle_at > ?";
const END_BY_SECRET: &str =
    "UPDATE aurareels_dashboard_sessions SET ended_at = ? WHERE secret_hash = ? AND ended_at IS NULL";
const NEWEST_END: &str = "SELECT ended_at FROM aurareels_dashboard_sessions WHERE ended_at IS NOT NULL \
     ORDER BY ended_at DESC LIMIT 1";
const PURGE_ENDED: &str = "DELETE FROM aurareels_dashboard_sessions WHERE ended_at <= ?";
const PURGE_IDLE: &str = "DELETE FROM aurareels_dashboard_sessions WHERE idle_at <= ?";
const FORGET_LINKS: &str = "DELETE FROM aurareels_dashboard_links WHERE secret_hash > ''";
const FORGET_SESSIONS: &str = "DELETE FROM aurareels_dashboard_sessions WHERE id > 0";

/// A session that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// By which people name it.
    pub id: i64,
    /// Whose it is.
    pub user: UserId,
    /// As its browser named itself.
    pub user_agent: String,
    /// When it was logged in.
    pub created_at: DateTime<Utc>,
    /// When it was used last, to the minute.
    pub last_used_at: DateTime<Utc>,
    /// When it ends if it is not used before.
    pub expires_at: DateTime<Utc>,
}

/// A session to be begun.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// SHA-256 of its secret, hex.
    pub hash: String,
    /// As its browser names itself.
    pub user_agent: String,
    /// SHA-256 of the secret that this browser has so far: its session ends.
    pub instead_of: Option<String>,
}

fn session(row: &Row) -> Result<Session> {
    Ok(Session {
        id: row.int("id")?,
        user: UserId(row.int("wp_user_id")?),
        user_agent: row.text("user_agent")?,
        created_at: row.time("created_at")?,
        last_used_at: row.time("last_used_at")?,
        expires_at: row.time("idle_at")?,
    })
}

/// Forgets all links and sessions: a restored backup must not bring back one that was ended since.
pub(super) async fn forget_all(tx: &mut Tx) -> Result<()> {
    tx.execute(FORGET_LINKS, &[]).await?;
    tx.execute(FORGET_SESSIONS, &[]).await?;
    Ok(())
}

impl Store {
    /// Stores a link of a user. His oldest ones make room.
    pub async fn insert_dashboard_link(&self, hash: &str, user: UserId, life: TimeDelta) -> Result<()> {
        let (hash, now) = (hash.to_owned(), self.clock().now());
        self.db
            .write_first(async move |tx| {
                tx.execute(PURGE_LINKS, &params![now]).await?;
                for row in tx.fetch_all(OLD_LINKS, &params![user, MOST_LINKS - 1]).await? {
                    tx.execute(USE_LINK, &params![row.text("secret_hash")?]).await?;
                }
                tx.execute(INSERT_LINK, &params![&hash, user, now, now + life]).await?;
                Ok(())
            })
            .await
    }

    /// Uses a link up and begins a session of its user. `None`, and nothing is changed, when there is no such link any more.
    pub async fn log_in(&self, link: &str, new: NewSession) -> Result<Option<Session>> {
        let (link, now) = (link.to_owned(), self.clock().now());
        // Guesses cost a read, not a write.
        if self.db.read().await?.fetch_optional(LINK, &params![&link, now]).await?.is_none() {
            return Ok(None);
        }
        let (idle_at, expires_at) = (now + IDLE, now + LIFE);
        self.db
            .write_first(async move |tx| {
                let Some(row) = tx.fetch_optional(LINK, &params![&link, now]).await? else { return Ok(None) };
                let user = UserId(row.int("wp_user_id")?);
                // Who deletes it has it: with several writers the second one finds nothing to delete.
                if tx.execute(USE_LINK, &params![&link]).await? == 0 {
                    return Ok(None);
                }
                if let Some(before) = &new.instead_of {
                    tx.execute(END_BY_SECRET, &params![now, before]).await?;
                }
                for row in tx.fetch_all(OLD_SESSIONS, &params![user, MOST_SESSIONS - 1]).await? {
                    tx.execute(END, &params![now, row.int("id")?, now]).await?;
                }
                let user_agent = new.user_agent.clone();
                let values = params![&new.hash, user, &user_agent, now, now, idle_at, expires_at];
                let id = tx.insert(INSERT, &values).await?;
                Ok(Some(Session { id, user, user_agent, created_at: now, last_used_at: now, expires_at: idle_at }))
            })
            .await
    }

    /// The session with this hash, unless it has ended.
    pub async fn dashboard_session(&self, hash: &str) -> Result<Option<Session>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM aurareels_dashboard_sessions WHERE secret_hash = ? AND ended_at IS NULL AND idle_at > ?"
        );
        let row = self.db.read().await?.fetch_optional(&sql, &params![hash, self.clock().now()]).await?;
        row.as_ref().map(session).transpose()
    }

    /// Writes down that a session is used now.
    pub async fn dashboard_session_used(&self, id: i64) -> Result<()> {
        let now = self.clock().now();
        let (idle_at, before) = (now + IDLE, now - USE_WRITTEN);
        self.db
            .write_first(async move |tx| tx.execute(USED, &params![now, idle_at, idle_at, id, before]).await)
            .await?;
        Ok(())
    }

    /// The sessions of a user, or all, that have not ended; those used last come first.
    pub async fn dashboard_sessions(&self, user: Option<UserId>) -> Result<Vec<Session>> {
        let now = self.clock().now();
        let (condition, values) = match user {
            Some(user) => (
                "wp_user_id = ? AND ended_at IS NULL AND idle_at > ? ORDER BY last_used_at DESC",
                params![user, now].to_vec(),
            ),
            None => ("ended_at IS NULL AND idle_at > ? ORDER BY idle_at DESC", params![now].to_vec()),
        };
        let sql = format!("SELECT {COLUMNS} FROM aurareels_dashboard_sessions WHERE {condition} LIMIT 1000");
        self.db.read().await?.fetch_all(&sql, &values).await?.iter().map(session).collect()
    }

    /// Ends a session, of this user if one is named. False when there is none that has not ended.
    pub async fn end_dashboard_session(&self, user: Option<UserId>, id: i64) -> Result<bool> {
        let now = self.clock().now();
        let ended = self
            .db
            .write_first(async move |tx| match user {
                Some(user) => tx.execute(END_OF_USER, &params![now, id, user, now]).await,
                None => tx.execute(END, &params![now, id, now]).await,
            })
            .await?;
        Ok(ended > 0)
    }

    /// When a session was ended last.
    pub async fn newest_end_of_session(&self) -> Result<Option<DateTime<Utc>>> {
        let row = self.db.read().await?.fetch_optional(NEWEST_END, &[]).await?;
        row.map_or(Ok(None), |row| row.opt_time("ended_at"))
    }

    /// Removes links and sessions that are over. Answers how many.
    pub async fn purge_dashboard(&self) -> Result<u64> {
        let now = self.clock().now();
        self.db
            .write(async move |tx| {
                let links = tx.execute(PURGE_LINKS, &params![now]).await?;
                let ended = tx.execute(PURGE_ENDED, &params![now - KEPT]).await?;
                Ok(links + ended + tx.execute(PURGE_IDLE, &params![now - KEPT]).await?)
            })
            .await
    }
}

#[cfg(test)]
#[path = "dashboard_tests.rs"]
mod tests;

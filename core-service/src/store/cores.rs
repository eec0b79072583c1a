//! The cores that serve this database: each says every few seconds that it lives, and with which key it seals.
//!
//! Guaranteed: a core has its row before it checks its keys, and a rotation looks for such rows in every transaction that
//! seals something anew ([`refuse_other_keys`]). So either the rotation sees the core, or the core sees what was sealed.
//! A core that was killed counts as alive for [`ALIVE`].

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Error, Result, Store,
    db::{Row, Tx},
};
use crate::params;

/// A core that was seen within this time may be alive.
const ALIVE: TimeDelta = TimeDelta::seconds(15);

/// What is left of a core that was killed is removed after this time.
const KEPT: TimeDelta = TimeDelta::hours(1);

/// Of a core that is not asked to read its keys: most of the time nothing else has to be asked.
const SEEN_UNASKED: &str = "UPDATE aurareels_cores SET seen_at = ? \
     WHERE token = ? AND (asked_at IS NULL OR answered_at >= asked_at)";
const SEEN: &str = "UPDATE aurareels_cores SET seen_at = ? WHERE token = ?";
const ASKED: &str = "SELECT asked_at, answered_at FROM aurareels_cores WHERE token = ?";
const SIGN_ON: &str = "INSERT INTO aurareels_cores (token, name, key_id, seen_at, answered_at) VALUES (?, ?, ?, ?, ?)";
const SIGN_OFF: &str = "DELETE FROM aurareels_cores WHERE token = ?";
const TIDY: &str = "DELETE FROM aurareels_cores WHERE token > '' AND seen_at < ?";
const ASK: &str = "UPDATE aurareels_cores SET asked_at = ? WHERE token > ''";
const OTHERS: &str = "SELECT token, name, key_id, seen_at, asked_at, answered_at FROM aurareels_cores \
     WHERE token > '' AND seen_at > ? AND key_id <> ?";
const ALL: &str = "SELECT token, name FROM aurareels_cores WHERE token > '' AND seen_at > ?";

/// A core as others know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreSeen {
    /// Host and process.
    pub name: String,
    /// The key that it seals with.
    pub key_id: String,
    /// It has read its keys since it was last asked to.
    pub has_answered: bool,
}

/// This process as a core, once it signed on.
#[derive(Clone, Debug, Default)]
pub(super) struct Presence(Arc<OnceLock<Present>>);

#[derive(Debug)]
struct Present {
    token: String,
    name: String,
}

fn core_seen(row: &Row) -> Result<CoreSeen> {
    let (asked, answered) = (row.opt_time("asked_at")?, row.opt_time("answered_at")?);
    let has_answered = asked.is_none_or(|asked| answered.is_some_and(|answered| answered >= asked));
    Ok(CoreSeen { name: row.text("name")?, key_id: row.text("key_id")?, has_answered })
}

/// Fails when a living core seals with another key than this one.
pub(super) async fn refuse_other_keys(tx: &mut Tx, key_id: &str, now: DateTime<Utc>) -> Result<()> {
    match tx.fetch_optional(OTHERS, &params![now - ALIVE, key_id]).await? {
        Some(row) => Err(Error::OtherKey(core_seen(&row)?.name)),
        None => Ok(()),
    }
}

async fn sign_on(tx: &mut Tx, token: &str, name: &str, key_id: &str, now: DateTime<Utc>) -> Result<()> {
    tx.execute(TIDY, &params![now - KEPT]).await?;
    tx.execute(SIGN_OFF, &params![token]).await?;
    tx.execute(SIGN_ON, &params![token, name, key_id, now, now]).await?;
    Ok(())
}

impl Store {
    /// Makes this process known as a core, or its keys of now.
    pub async fn sign_on(&self, now: DateTime<Utc>) -> Result<()> {
        let token = super::random_id::random_id()?;
        let name = format!("process {} on {}", std::process::id(), host());
        let present = self.presence.0.get_or_init(|| Present { token, name });
        let (token, name, keys) = (present.token.clone(), present.name.clone(), self.keys());
        self.db.write(async move |tx| sign_on(tx, &token, &name, keys.current_key_id(), now).await).await
    }

    /// Says that this core lives; true when it is asked to read its keys anew.
    pub(super) async fn seen(&self, now: DateTime<Utc>) -> Result<bool> {
        let Some(present) = self.presence.0.get() else { return Ok(false) };
        let (token, name, keys) = (present.token.clone(), present.name.clone(), self.keys());
        self.db
            .write(async move |tx| {
                if tx.execute(SEEN_UNASKED, &params![now, &token]).await? > 0 {
                    return Ok(false);
                }
                tx.execute(SEEN, &params![now, &token]).await?;
                let Some(row) = tx.fetch_optional(ASKED, &params![&token]).await? else {
                    sign_on(tx, &token, &name, keys.current_key_id(), now).await?;
                    return Ok(false);
                };
                let (asked, answered) = (row.opt_time("asked_at")?, row.opt_time("answered_at")?);
                Ok(asked.is_some_and(|asked| answered.is_none_or(|answered| answered < asked)))
            })
            .await
    }

    /// Says that this core ends.
    pub async fn sign_off(&self) -> Result<()> {
        let Some(token) = self.presence.0.get().map(|present| present.token.clone()) else { return Ok(()) };
        self.db.write(async move |tx| tx.execute(SIGN_OFF, &params![&token]).await.map(drop)).await
    }

    /// Asks every core to read its keys anew.
    pub async fn ask_for_keys(&self, now: DateTime<Utc>) -> Result<()> {
        self.db.write(async move |tx| tx.execute(ASK, &params![now]).await.map(drop)).await
    }

    /// The living cores that seal with another key than this store.
    pub async fn cores_with_other_keys(&self, now: DateTime<Utc>) -> Result<Vec<CoreSeen>> {
        let keys = self.keys();
        let rows = self.db.read().await?.fetch_all(OTHERS, &params![now - ALIVE, keys.current_key_id()]).await?;
        rows.iter().map(core_seen).collect()
    }

    /// The names of the other cores that say that they serve the database.
    pub async fn other_cores(&self, now: DateTime<Utc>) -> Result<Vec<String>> {
        let own = self.presence.0.get().map(|present| present.token.as_str());
        let mut others = Vec::new();
        for row in self.db.read().await?.fetch_all(ALL, &params![now - ALIVE]).await? {
            if Some(row.text("token")?.as_str()) != own {
                others.push(row.text("name")?);
            }
        }
        Ok(others)
    }

    /// Whether a core says that it serves the database.
    pub(super) async fn has_core(&self, now: DateTime<Utc>) -> Result<bool> {
        Ok(self.db.read().await?.fetch_optional(ALL, &params![now - ALIVE]).await?.is_some())
    }

    /// Whether some core serves the database that does not say so: one of an older release, or one that is stopped.
    pub async fn has_silent_core(&self, now: DateTime<Utc>) -> Result<bool> {
        let known = self.has_core(now).await?;
        let Some(file) = self.db.file().filter(|_| !known) else { return Ok(false) };
        match super::db::serving::replace(&file) {
            Ok(_) => Ok(false),
            Err(Error::Served) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

//! Which encryption keys the sealed values of this database need, and giving them a new key.
//!
//! Guaranteed:
//! - [`Store::check_keys`] refuses a start without a key that some stored value needs, and names it; a lost key can
//!   never look like a host of expired logins. Usually it reads one small table; only when a recorded key is not at hand
//!   are the sealed values themselves read, to see whether one still needs it.
//! - [`Store::rotate_keys`] may run beside a working core and may be stopped at any time: every value is replaced only if
//!   it is still the one that was read, in small writes, and a key is forgotten only after a whole pass found no value
//!   that needs it. It replaces nothing while a living core seals with another key, which could not read it.
//!
//! Expected failures: [`KeyError`]; values that cannot be opened, which a rotation reports and leaves as they are.
//!
//! A core takes up other keys while it runs ([`Store::take_up_keys`]), and notices within seconds when a key is recorded
//! that it does not have ([`super::Probed`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
};

use chrono::{DateTime, Utc};

use super::{
    Result, Store,
    account_rows::{account, account_columns},
    cores,
    db::{Row, Tx, Value},
    logins::{self, Column},
};
use crate::{
    domain::ids::{PostId, UserId},
    params,
    secret::{self, Binding, KeyRing},
};

/// Values read and rewritten at once: bounds memory and how long the writer is held.
const BATCH: i64 = 200;

/// Whole passes of a rotation. A pass that finds nothing ends it; more are needed only while others write old values.
const PASSES: u32 = 4;

// All of them: a handful, read along their key.
const KNOWN: &str = "SELECT key_id, check_value FROM aurareels_encryption_keys WHERE key_id > '' ORDER BY key_id";
const ONE: &str = "SELECT key_id FROM aurareels_encryption_keys WHERE key_id = ?";
const NOTE: &str = "INSERT INTO aurareels_encryption_keys (key_id, check_value, created_at) VALUES (?, ?, ?)";
const FORGET: &str = "DELETE FROM aurareels_encryption_keys WHERE key_id = ?";
const TOKENS: &str = concat!(
    "SELECT ",
    account_columns!(),
    ", access_token, refresh_token, grant_token, token_format FROM aurareels_social_accounts WHERE id > ? ORDER BY id LIMIT ?"
);
// The first condition alone is what an index serves; the row-value form is not optimised everywhere.
const HANDLES: &str = "SELECT post_id, number, handle FROM aurareels_post_steps \
     WHERE post_id >= ? AND (post_id > ? OR number > ?) ORDER BY post_id, number LIMIT ?";
const SET_HANDLE: &str = "UPDATE aurareels_post_steps SET handle = ? WHERE post_id = ? AND number = ? AND handle = ?";
const WEBHOOKS: &str =
    "SELECT id, wp_user_id, secret, old_secret FROM aurareels_webhook_endpoints WHERE id > ? ORDER BY id LIMIT ?";
const SET_WEBHOOK: &str = "UPDATE aurareels_webhook_endpoints SET secret = ? WHERE id = ? AND secret = ?";
const SET_OLD_WEBHOOK: &str = "UPDATE aurareels_webhook_endpoints SET old_secret = ? WHERE id = ? AND old_secret = ?";

/// Why the keys of the settings do not do for this database.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Stored values need keys that are neither the current nor an old key.
    #[error(
        "stored secrets need encryption keys that this core does not have: {}; put them among AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    Missing(Vec<MissingKey>),
    /// A key has a known id, but another check value: it is not the key it seems to be.
    #[error("the encryption key {0} does not fit its check value in the database")]
    Wrong(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] super::Error),
}

/// A key that stored values need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingKey {
    /// Its fingerprint.
    pub key_id: String,
    /// How many stored values need it.
    pub values: u64,
}

impl std::fmt::Display for MissingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} values)", self.key_id, self.values)
    }
}

/// What a rotation did in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedTable {
    /// Its name.
    pub table: &'static str,
    /// Rows whose values were sealed anew.
    pub rewritten: u64,
    /// Values that could not be opened, by their place ("refresh_token of account 7"). They were left as they are.
    pub unreadable: Vec<String>,
}

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Every table that holds sealed values.
    pub tables: [RotatedTable; 3],
    /// Keys that nothing needs any more: they can be taken out of the settings.
    pub forgotten: Vec<String>,
    /// Other keys that stored values still need.
    pub still_needed: Vec<String>,
}

impl Default for Rotation {
    fn default() -> Self {
        let tables = TABLES.map(|table| RotatedTable { table, rewritten: 0, unreadable: Vec::new() });
        Self { tables, forgotten: Vec::new(), still_needed: Vec::new() }
    }
}

impl Rotation {
    /// Rows of all tables whose values were sealed anew.
    pub fn rewritten(&self) -> u64 {
        self.tables.iter().map(|table| table.rewritten).sum()
    }

    /// Values of all tables that could not be opened.
    pub fn unreadable(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().flat_map(|table| &table.unreadable).map(String::as_str)
    }
}

/// The place of a webhook endpoint's signing secrets. Known before the row exists.
pub(super) fn webhook_secret(user: UserId) -> Binding {
    Binding::of("webhook-secret", &[&user.to_string()])
}

/// Records the key that seals, in the transaction of a value that it sealed.
pub(super) async fn note_key(tx: &mut Tx, keys: &KeyRing, now: DateTime<Utc>) -> Result<()> {
    let key_id = keys.current_key_id();
    if tx.fetch_optional(ONE, &params![key_id]).await?.is_none() {
        tx.execute(NOTE, &params![key_id, keys.check_value(), now]).await?;
    }
    Ok(())
}

/// A sealed value where it stands.
enum Place {
    /// All tokens of an account: they are rewritten together.
    Account(Box<crate::domain::account::Account>),
    Handle(PostId, i64),
    Webhook(i64, UserId),
}

/// Where a pass over all sealed values is.
#[derive(Clone, Copy)]
enum Cursor {
    Accounts(i64),
    Handles(i64, i64),
    Webhooks(i64),
}

/// The tables in the order of a pass.
const TABLES: [&str; 3] = ["aurareels_social_accounts", "aurareels_post_steps", "aurareels_webhook_endpoints"];

impl Cursor {
    /// Which of [`TABLES`] it is in.
    const fn table(self) -> usize {
        match self {
            Self::Accounts(_) => 0,
            Self::Handles(..) => 1,
            Self::Webhooks(_) => 2,
        }
    }
}

struct Batch {
    rows: Vec<(Place, Row)>,
    next: Option<Cursor>,
}

impl Store {
    /// Sees to it at start that every stored secret can be opened, and records the current key.
    pub async fn check_keys(&self, now: DateTime<Utc>) -> std::result::Result<(), KeyError> {
        self.check(self.keys(), now).await
    }

    /// Goes on with other keys, if they open everything that is stored. Otherwise those of now stay.
    pub async fn take_up_keys(&self, keys: KeyRing, now: DateTime<Utc>) -> std::result::Result<(), KeyError> {
        let keys = Arc::new(keys);
        let checked = self.check(keys.clone(), now).await;
        if checked.is_ok() {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
        // Also says that this core has done what it was asked to.
        self.sign_on(now).await?;
        checked
    }

    /// The keys of stored values that this core does not have. Reads one small table.
    pub(crate) async fn missing_keys(&self) -> Result<Vec<String>> {
        let keys = self.keys();
        let mut missing = Vec::new();
        for row in self.db.read().await?.fetch_all(KNOWN, &[]).await? {
            let key_id = row.text("key_id")?;
            if !keys.key_ids().contains(&key_id.as_str()) {
                missing.push(key_id);
            }
        }
        Ok(missing)
    }

    async fn check(&self, keys: Arc<KeyRing>, now: DateTime<Utc>) -> std::result::Result<(), KeyError> {
        let mut absent = Vec::new();
        for row in self.db.read().await?.fetch_all(KNOWN, &[]).await? {
            let (key_id, check_value) = (row.text("key_id")?, row.text("check_value")?);
            match keys.verify_check_value(&key_id, &check_value) {
                Ok(()) => {}
                Err(secret::Error::UnknownKey { .. }) => absent.push(key_id),
                Err(_) => return Err(KeyError::Wrong(key_id)),
            }
        }
        if !absent.is_empty() {
            let in_use = self.keys_in_use().await?;
            let at_hand: BTreeSet<&str> = keys.key_ids().into_iter().collect();
            let missing: Vec<MissingKey> = in_use
                .into_iter()
                .filter(|(key_id, _)| !at_hand.contains(key_id.as_str()))
                .map(|(key_id, values)| MissingKey { key_id, values })
                .collect();
            if !missing.is_empty() {
                return Err(KeyError::Missing(missing));
            }
            self.forget_keys(absent).await?;
        }
        self.db.write(async move |tx| note_key(tx, &keys, now).await).await?;
        Ok(())
    }

    /// Seals every stored secret with the current key that another one sealed, also those in the original's format, and
    /// forgets the keys that nothing needs any more.
    pub async fn rotate_keys(&self) -> Result<Rotation> {
        let keys = self.keys();
        // Also when there is nothing to rewrite.
        self.run_all(Vec::new()).await?;
        let mut rotation = Rotation::default();
        for _ in 0..PASSES {
            for table in &mut rotation.tables {
                table.unreadable.clear();
            }
            let mut found = 0;
            let mut cursor = Some(Cursor::Accounts(0));
            while let Some(from) = cursor {
                let batch = self.sealed_batch(from).await?;
                cursor = batch.next;
                let table = &mut rotation.tables[from.table()];
                let changes = reseal(&keys, &batch.rows, &mut table.unreadable)?;
                found += changes.len();
                if !changes.is_empty() {
                    table.rewritten += self.run_all(changes).await?;
                }
            }
            if found == 0 {
                break;
            }
        }
        let in_use = self.keys_in_use().await?;
        let current = keys.current_key_id();
        let mut known = Vec::new();
        for row in self.db.read().await?.fetch_all(KNOWN, &[]).await? {
            known.push(row.text("key_id")?);
        }
        rotation.forgotten = known.into_iter().filter(|id| id != current && !in_use.contains_key(id)).collect();
        rotation.still_needed = in_use.into_keys().filter(|id| id != current).collect();
        self.forget_keys(rotation.forgotten.clone()).await?;
        Ok(rotation)
    }

    /// The keys of all sealed values, each with how many values it sealed. Reads every sealed value in batches.
    async fn keys_in_use(&self) -> Result<BTreeMap<String, u64>> {
        let mut in_use = BTreeMap::new();
        let mut cursor = Some(Cursor::Accounts(0));
        while let Some(from) = cursor {
            let batch = self.sealed_batch(from).await?;
            cursor = batch.next;
            for (place, row) in &batch.rows {
                for column in place.columns() {
                    let sealed = row.opt_text(column)?.unwrap_or_default();
                    if let Some(key_id) = secret::key_id_of(&sealed) {
                        *in_use.entry(key_id.to_owned()).or_insert(0) += 1;
                    }
                }
            }
        }
        Ok(in_use)
    }

    async fn sealed_batch(&self, from: Cursor) -> Result<Batch> {
        let mut reader = self.db.read().await?;
        let mut rows = Vec::new();
        let (found, more, after) = match from {
            Cursor::Accounts(after) => {
                let mut last = after;
                let found = reader.fetch_all(TOKENS, &params![after, BATCH]).await?;
                let count = found.len();
                for row in found {
                    last = row.int("id")?;
                    rows.push((Place::Account(Box::new(account(&row)?)), row));
                }
                (count, Cursor::Accounts(last), Some(Cursor::Handles(0, 0)))
            }
            Cursor::Handles(post, number) => {
                let mut last = (post, number);
                let found = reader.fetch_all(HANDLES, &params![post, post, number, BATCH]).await?;
                let count = found.len();
                for row in found {
                    last = (row.int("post_id")?, row.int("number")?);
                    rows.push((Place::Handle(PostId(last.0), last.1), row));
                }
                (count, Cursor::Handles(last.0, last.1), Some(Cursor::Webhooks(0)))
            }
            Cursor::Webhooks(after) => {
                let mut last = after;
                let found = reader.fetch_all(WEBHOOKS, &params![after, BATCH]).await?;
                let count = found.len();
                for row in found {
                    last = row.int("id")?;
                    rows.push((Place::Webhook(last, UserId(row.int("wp_user_id")?)), row));
                }
                (count, Cursor::Webhooks(last), None)
            }
        };
        let full = i64::try_from(found).is_ok_and(|found| found == BATCH);
        Ok(Batch { rows, next: if full { Some(more) } else { after } })
    }

    /// Runs the statements of a batch in one write; answers how many values were still those that were read. Refused while
    /// a living core could not read the new ones; the key is recorded with them, also if a core has forgotten it meanwhile.
    async fn run_all(&self, changes: Vec<(&'static str, Vec<Value>)>) -> Result<u64> {
        let (keys, now) = (self.keys(), self.clock.now());
        self.db
            .write(async move |tx| {
                cores::refuse_other_keys(tx, keys.current_key_id(), now).await?;
                note_key(tx, &keys, now).await?;
                let mut changed = 0;
                for (sql, values) in &changes {
                    changed += tx.execute(sql, values).await?;
                }
                Ok(changed)
            })
            .await
    }

    async fn forget_keys(&self, key_ids: Vec<String>) -> Result<()> {
        if key_ids.is_empty() {
            return Ok(());
        }
        self.db
            .write(async move |tx| {
                for key_id in &key_ids {
                    tx.execute(FORGET, &params![key_id]).await?;
                }
                Ok(())
            })
            .await
    }
}

impl Place {
    const fn columns(&self) -> &'static [&'static str] {
        match self {
            Self::Account(_) => &["access_token", "refresh_token", "grant_token"],
            Self::Handle(..) => &["handle"],
            Self::Webhook(..) => &["secret", "old_secret"],
        }
    }
}

/// The statements that seal the stale values of a batch anew.
fn reseal(
    keys: &KeyRing,
    rows: &[(Place, Row)],
    unreadable: &mut Vec<String>,
) -> Result<Vec<(&'static str, Vec<Value>)>> {
    let mut changes = Vec::new();
    for (place, row) in rows {
        let stale = |column: &str| -> Result<Option<String>> {
            let sealed = row.opt_text(column)?.filter(|text| !text.is_empty());
            Ok(sealed.filter(|sealed| keys.is_stale(sealed)))
        };
        match place {
            Place::Account(of) => {
                let mut values = Vec::with_capacity(6);
                let mut any = false;
                for column in Column::ALL {
                    let kept = row.opt_text(column.name())?;
                    values.push(match stale(column.name())? {
                        None => kept.into(),
                        Some(_) => {
                            any = true;
                            match column.open(keys, row, of) {
                                Ok(Some(secret)) => column.reseal(keys, &secret, of).into(),
                                Ok(None) => kept.into(),
                                Err(super::Error::Secret(_)) => {
                                    unreadable.push(format!("{} of account {}", column.name(), of.id));
                                    values.clear();
                                    break;
                                }
                                Err(other) => return Err(other),
                            }
                        }
                    });
                }
                // A row is rewritten whole or not at all: its format is one for all three.
                if any && values.len() == Column::ALL.len() {
                    values.extend(params![of.id, of.token_version, row.text("access_token")?]);
                    changes.push((logins::REWRITE, values));
                }
            }
            Place::Handle(post, number) => {
                if let Some(sealed) = stale("handle")? {
                    match keys.open(&Binding::ledger_handle(post.0, "handle"), &sealed) {
                        Ok(handle) => {
                            let new = keys.seal(&Binding::ledger_handle(post.0, "handle"), handle.expose());
                            changes.push((SET_HANDLE, params![new, *post, *number, sealed].to_vec()));
                        }
                        Err(_) => unreadable.push(format!("handle of step {number} of post {post}")),
                    }
                }
            }
            Place::Webhook(id, user) => {
                for (column, set) in [("secret", SET_WEBHOOK), ("old_secret", SET_OLD_WEBHOOK)] {
                    let Some(sealed) = stale(column)? else { continue };
                    match keys.open(&webhook_secret(*user), &sealed) {
                        Ok(secret) => {
                            let new = keys.seal(&webhook_secret(*user), secret.expose());
                            changes.push((set, params![new, *id, sealed].to_vec()));
                        }
                        Err(_) => unreadable.push(format!("{column} of webhook endpoint {id}")),
                    }
                }
            }
        }
    }
    Ok(changes)
}

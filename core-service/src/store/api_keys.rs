//! API keys: found by the hash of the key, never by the key itself, which is not stored.

use chrono::{DateTime, Utc};

use super::{Error, Result, Store, db::Row};
use crate::{
    domain::{ids::UserId, platform::UnknownValue},
    params,
};

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read accounts, posts and events.
    Read,
    /// Create and move posts, connect and disconnect accounts.
    Publish,
    /// Administer the core.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Read, Self::Publish, Self::Admin];

    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Publish => "publish",
            Self::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Scope {
    type Err = UnknownValue;

    fn from_str(text: &str) -> std::result::Result<Self, UnknownValue> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| UnknownValue { kind: "scope", value: text.to_owned() })
    }
}

/// A key as the store knows it: everything but the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Row id.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// Its first characters, to tell keys apart.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Whose rows it may see; `None`: any user's, named with each call.
    pub user: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A key to be stored.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// What people call it.
    pub name: String,
    /// SHA-256 of the key, hex.
    pub hash: String,
    /// Its first characters.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Whose rows it may see.
    pub user: Option<UserId>,
}

const COLUMNS: &str = "id, name, key_prefix, scopes, wp_user_id, created_at, revoked_at";

fn api_key(row: &Row) -> Result<ApiKey> {
    let scopes = row.text("scopes")?;
    Ok(ApiKey {
        id: row.int("id")?,
        name: row.text("name")?,
        prefix: row.text("key_prefix")?,
        scopes: scopes
            .split(',')
            .filter(|scope| !scope.is_empty())
            .map(|scope| scope.parse().map_err(Error::from))
            .collect::<Result<_>>()?,
        user: row.opt_int("wp_user_id")?.map(UserId),
        created_at: row.time("created_at")?,
        revoked_at: row.opt_time("revoked_at")?,
    })
}

impl Store {
    /// Stores a key.
    pub async fn insert_api_key(&self, key: NewApiKey) -> Result<ApiKey> {
        let now = self.clock().now();
        let stored = key.clone();
        let scopes = key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(",");
        let id = self
            .db
            .write(async move |tx| {
                tx.insert(
                    "INSERT INTO aurareels_api_keys (name, key_hash, key_prefix, scopes, wp_user_id, created_at) \
                     VALUES (?, ?, ?, ?, ?, ?)",
                    &params![&key.name, &key.hash, &key.prefix, &scopes, key.user, now],
                )
                .await
            })
            .await?;
        let NewApiKey { name, prefix, scopes, user, .. } = stored;
        Ok(ApiKey { id, name, prefix, scopes, user, created_at: now, revoked_at: None })
    }

    /// The key with this hash, if there is one that was not revoked.
    pub async fn active_api_key(&self, hash: &str) -> Result<Option<ApiKey>> {
        let sql = format!("SELECT {COLUMNS} FROM aurareels_api_keys WHERE key_hash = ? AND revoked_at IS NULL");
        let row = self.db.read().await?.fetch_optional(&sql, &params![hash]).await?;
        row.as_ref().map(api_key).transpose()
    }

    /// When a key was revoked last.
    pub async fn newest_revocation(&self) -> Result<Option<DateTime<Utc>>> {
        let sql =
            "SELECT revoked_at FROM aurareels_api_keys WHERE revoked_at IS NOT NULL ORDER BY revoked_at DESC LIMIT 1";
        let row = self.db.read().await?.fetch_optional(sql, &[]).await?;
        row.map_or(Ok(None), |row| row.opt_time("revoked_at"))
    }

    /// Every key, oldest first, the revoked ones too.
    pub async fn list_api_keys(&self) -> Result<Vec<ApiKey>> {
        let sql = format!("SELECT {COLUMNS} FROM aurareels_api_keys ORDER BY id");
        self.db.read().await?.fetch_all(&sql, &[]).await?.iter().map(api_key).collect()
    }

    /// Revokes a key. False when there is none with this id, or it is revoked already.
    pub async fn revoke_api_key(&self, id: i64) -> Result<bool> {
        let now = self.clock().now();
        let changed = self
            .db
            .write(async move |tx| {
                tx.execute(
                    "UPDATE aurareels_api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
                    &params![now, id],
                )
                .await
            })
            .await?;
        Ok(changed > 0)
    }
}

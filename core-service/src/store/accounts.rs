//! Connected accounts: reading them, connecting, health, disconnecting, what was published on them. The tokens of an
//! account and who may refresh them are in `account_tokens`.
//!
//! Guaranteed:
//! - A row is never deleted. The same identity of the same user has one row for ever; connecting it again revives it.
//! - All accounts of a grant are connected in one transaction, with their events.
//! - `account.needs_reconnect` is told once per loss of the login, and never about a token that was replaced meanwhile.
//! - Disconnecting has two writes: the first takes the account out of use (its scheduled posts fail, its event is
//!   written) and says who else needs the grant; the second wipes the tokens, once the grant is revoked or will not be.
//!   A core that dies in between leaves an inactive row with tokens, which [`Store::half_disconnected`] finds.
//! - Several users may hold the same platform account: quota blocks and counts are per platform account, not per row.

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::{
    Result, Store,
    account_rows::{BY_ID, account, account_columns, account_event, by_id, readable, reread},
    db::{Row, Tx, Value, in_list},
    encryption_keys,
    logins::{Login, SealedLogin},
    posts,
};
use crate::{
    domain::{
        account::{Account, Health},
        event::EventKind,
        failure::{Failure, FailureClass, Reason},
        ids::{AccountId, UserId},
        platform::{LoginFlavour, Platform},
    },
    params,
};

/// Most ids in one statement.
const IDS: usize = 100;

const OF_USER: &str =
    concat!("SELECT ", account_columns!(), " FROM aurareels_social_accounts WHERE wp_user_id = ? AND id = ?");
const PAGE: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM aurareels_social_accounts WHERE wp_user_id = ? AND is_active BETWEEN ? AND ? AND id < ? ORDER BY id DESC LIMIT ?"
);
const PAGE_OF_PLATFORM: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM aurareels_social_accounts WHERE wp_user_id = ? AND platform = ? AND is_active BETWEEN ? AND ? AND id < ? \
     ORDER BY id DESC LIMIT ?"
);
const IDENTITY: &str =
    "SELECT id, is_active FROM aurareels_social_accounts WHERE platform = ? AND account_id = ? AND wp_user_id = ?";
const INSERT: &str = "INSERT INTO aurareels_social_accounts (account_name, account_username, account_email, \
     profile_picture_url, access_token, refresh_token, grant_token, token_expires_at, refresh_token_expires_at, \
     token_lifetime_seconds, refresh_due_at, token_scope, metadata, login_flavour, grant_id, health_reason, updated_at, \
     platform, account_id, wp_user_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const REVIVE: &str = "UPDATE aurareels_social_accounts SET account_name = ?, account_username = ?, account_email = ?, \
     profile_picture_url = ?, access_token = ?, refresh_token = ?, grant_token = ?, token_expires_at = ?, \
     refresh_token_expires_at = ?, token_lifetime_seconds = ?, refresh_due_at = ?, token_scope = ?, metadata = ?, \
     login_flavour = ?, grant_id = ?, health_reason = ?, updated_at = ?, health = 'ok', is_active = 1, \
     token_format = 'v1', token_version = token_version + 1, refresh_claim_token = NULL, \
     refresh_claim_expires_at = NULL, refresh_started_at = NULL WHERE id = ?";
const SET_HEALTH: &str = "UPDATE aurareels_social_accounts SET health = ?, health_reason = ?, updated_at = ? WHERE id = ? AND token_version = ?";
const DEACTIVATE: &str = "UPDATE aurareels_social_accounts SET is_active = 0, refresh_due_at = NULL, updated_at = ? \
     WHERE id = ? AND is_active = 1";
const WIPE: &str = "UPDATE aurareels_social_accounts SET access_token = '', refresh_token = NULL, grant_token = NULL, \
     token_expires_at = NULL, refresh_token_expires_at = NULL, token_lifetime_seconds = NULL, token_format = 'v1', \
     token_version = token_version + 1, refresh_claim_token = NULL, refresh_claim_expires_at = NULL, \
     refresh_started_at = NULL, refresh_due_at = NULL, updated_at = ? WHERE id = ? AND is_active = 0 AND token_version = ?";
const OTHERS_OF_IDENTITY: &str = "SELECT grant_id FROM aurareels_social_accounts WHERE platform = ? AND account_id = ? \
     AND is_active = 1 AND id <> ?";
const OTHERS_OF_GRANT: &str =
    "SELECT id FROM aurareels_social_accounts WHERE grant_id = ? AND is_active = 1 AND id <> ? LIMIT 1";
const ACTIVE_OF_GRANT: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM aurareels_social_accounts WHERE grant_id = ? AND is_active = 1 ORDER BY id"
);
const HALF_DISCONNECTED: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM aurareels_social_accounts WHERE is_active = 0 AND platform = ? AND access_token <> ''"
);
const BLOCK_QUOTA: &str =
    "UPDATE aurareels_social_accounts SET quota_blocked_until = ? WHERE platform = ? AND account_id = ?";
const PUBLISHED_ON_ACCOUNT: &str = "SELECT COUNT(*) AS posts FROM aurareels_social_posts WHERE social_account_id IN \
     (SELECT id FROM aurareels_social_accounts WHERE platform = ? AND account_id = ?) AND published_at > ?";

/// An identity that a login brought, to be kept.
pub struct NewIdentity {
    /// Whose account it is.
    pub platform: Platform,
    /// The platform's id of the account.
    pub account_id: String,
    /// Display name.
    pub account_name: String,
    /// Handle without "@".
    pub account_username: Option<String>,
    /// E-mail.
    pub account_email: Option<String>,
    /// Picture.
    pub profile_picture_url: Option<String>,
    /// What the client needs later and what the platform told. No secrets.
    pub metadata: Json,
    /// Identity of the grant.
    pub grant_id: Option<String>,
    /// What the owner should know although the login works: a scope that was not granted.
    pub health_reason: Option<String>,
    /// Its tokens.
    pub login: Login,
}

/// The conditions of a list of accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountQuery {
    /// Only this platform.
    pub platform: Option<Platform>,
    /// Only active ones, or only disconnected ones.
    pub active: Option<bool>,
}

/// An account that was just taken out of use; its tokens are still there.
#[derive(Debug)]
pub struct Deactivated {
    /// The account, inactive.
    pub account: Account,
    /// Another active account needs the same grant: it is not to be revoked.
    pub grant_in_use: bool,
    /// Scheduled posts that failed with `ACCOUNT_DISCONNECTED`.
    pub failed_posts: i32,
}

/// The values that INSERT and REVIVE share, in their order.
fn values(identity: &NewIdentity, sealed: &SealedLogin, flavour: LoginFlavour, now: DateTime<Utc>) -> Vec<Value> {
    let login = &identity.login;
    params![
        &identity.account_name,
        identity.account_username.as_deref(),
        identity.account_email.as_deref(),
        identity.profile_picture_url.as_deref(),
        &sealed.access,
        sealed.refresh.as_deref(),
        sealed.grant.as_deref(),
        login.expires_at,
        login.refresh_expires_at,
        login.lifetime_seconds,
        login.refresh_due_at,
        login.scope.join(","),
        &identity.metadata,
        flavour.as_str(),
        identity.grant_id.as_deref(),
        identity.health_reason.as_deref(),
        now,
    ]
    .to_vec()
}

impl Store {
    /// An account of a user.
    pub async fn account_of_user(&self, user: UserId, id: AccountId) -> Result<Option<Account>> {
        self.db.read().await?.fetch_optional(OF_USER, &params![user, id]).await?.as_ref().map(account).transpose()
    }

    /// An account, whoever owns it: for the engine.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>> {
        self.db.read().await?.fetch_optional(BY_ID, &params![id]).await?.as_ref().map(account).transpose()
    }

    /// Those of the ids that are the user's accounts, in the order of the ids; what is not found is left out.
    pub async fn accounts_of_user(&self, user: UserId, ids: &[AccountId]) -> Result<Vec<Account>> {
        let mut found = Vec::with_capacity(ids.len());
        let mut reader = self.db.read().await?;
        for some in ids.chunks(IDS) {
            let mut values = vec![Value::from(user)];
            values.extend(some.iter().copied().map(Value::from));
            found.extend(readable(&reader.fetch_all(&some_of_user(some.len()), &values).await?)?);
        }
        Ok(ids.iter().filter_map(|id| found.iter().find(|account| account.id == *id).cloned()).collect())
    }

    /// Several accounts, whoever's they are, to be shown to their owners, in no order; what is not found is left out.
    pub async fn accounts_to_show(&self, ids: &[AccountId]) -> Result<Vec<Account>> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS) {
            let (marks, values) = in_list(some);
            let sql = format!(
                concat!("SELECT ", account_columns!(), " FROM aurareels_social_accounts WHERE id IN ({})"),
                marks
            );
            found.extend(readable(&self.db.read().await?.fetch_all(&sql, &values).await?)?);
        }
        Ok(found)
    }

    /// A user's accounts, newest first, those before `before`.
    pub async fn list_accounts(
        &self,
        user: UserId,
        query: AccountQuery,
        before: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Account>> {
        let (least, most) = query.active.map_or((false, true), |active| (active, active));
        let mut before = before.unwrap_or(AccountId(i64::MAX));
        let mut reader = self.db.read().await?;
        let mut found = Vec::new();
        loop {
            let wanted = i64::from(limit) - found.len() as i64;
            let rows = match query.platform {
                Some(platform) => {
                    let values = params![user, platform.as_str(), least, most, before, wanted];
                    reader.fetch_all(PAGE_OF_PLATFORM, &values).await?
                }
                None => reader.fetch_all(PAGE, &params![user, least, most, before, wanted]).await?,
            };
            found.extend(readable(&rows)?);
            // What was left out makes room for what comes after.
            match rows.last() {
                Some(last) if rows.len() as i64 == wanted && (found.len() as i64) < i64::from(limit) => {
                    before = AccountId(last.int("id")?);
                }
                _ => return Ok(found),
            }
        }
    }

    /// Whether a user has this identity connected.
    pub async fn has_active_identity(&self, user: UserId, platform: Platform, account_id: &str) -> Result<bool> {
        let values = params![platform.as_str(), account_id, user];
        let row = self.db.read().await?.fetch_optional(IDENTITY, &values).await?;
        row.map_or(Ok(false), |row| row.flag("is_active"))
    }

    /// Keeps what a login brought: every identity of the grant, new or known, in one transaction. Posts that waited for
    /// the owner go on.
    pub async fn connect_accounts(
        &self,
        user: UserId,
        flavour: LoginFlavour,
        identities: Vec<NewIdentity>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Account>> {
        let keys = self.keys();
        let rows: Vec<(Platform, String, Vec<Value>)> = identities
            .iter()
            .map(|identity| {
                let sealed = identity.login.seal(&keys, user, identity.platform, &identity.account_id);
                (identity.platform, identity.account_id.clone(), values(identity, &sealed, flavour, now))
            })
            .collect();
        self.db
            .write(async move |tx| {
                encryption_keys::note_key(tx, &keys, now).await?;
                let mut connected = Vec::with_capacity(rows.len());
                for (platform, account_id, values) in &rows {
                    let known = tx.fetch_optional(IDENTITY, &params![platform.as_str(), account_id, user]).await?;
                    let mut values = values.clone();
                    let id = match known {
                        Some(row) => {
                            let id = AccountId(row.int("id")?);
                            values.push(id.into());
                            tx.execute(REVIVE, &values).await?;
                            id
                        }
                        None => {
                            values.extend(params![platform.as_str(), account_id, user, now]);
                            AccountId(tx.insert(INSERT, &values).await?)
                        }
                    };
                    let account = reread(tx, id).await?;
                    account_event(tx, EventKind::AccountConnected, &account, None, now).await?;
                    posts::wake_account(tx, id, now).await?;
                    connected.push(account);
                }
                Ok(connected)
            })
            .await
    }

    /// Keeps how well the login works, if the token is still the one that was looked at. Tells the owner once when the
    /// login is lost, and lets waiting posts go on when it is back. `None` when the token was replaced meanwhile.
    pub async fn set_account_health(
        &self,
        seen: &Account,
        health: Health,
        reason: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Option<Account>> {
        let (id, version) = (seen.id, seen.token_version);
        self.db
            .write(async move |tx| {
                let Some(before) = by_id(tx, id).await? else { return Ok(None) };
                if before.token_version != version {
                    return Ok(None);
                }
                if before.health == health && before.health_reason == reason {
                    return Ok(Some(before));
                }
                tx.execute(SET_HEALTH, &params![health.as_str(), reason.as_deref(), now, id, version]).await?;
                match (before.health, health) {
                    (Health::Ok | Health::Expiring, Health::NeedsReconnect) if before.is_active => {
                        let reason = Some(Reason::AccountNeedsReconnect);
                        account_event(tx, EventKind::AccountNeedsReconnect, &before, reason, now).await?;
                    }
                    (Health::NeedsReconnect, Health::Ok | Health::Expiring) => posts::wake_account(tx, id, now).await?,
                    _ => {}
                }
                Ok(Some(reread(tx, id).await?))
            })
            .await
    }

    /// Takes an account out of use: its scheduled posts fail, its event is written, its tokens stay for the revocation.
    /// `None` when it is not active.
    pub async fn deactivate_account(&self, seen: &Account, now: DateTime<Utc>) -> Result<Option<Deactivated>> {
        let id = seen.id;
        self.db
            .write(async move |tx| {
                if tx.execute(DEACTIVATE, &params![now, id]).await? == 0 {
                    return Ok(None);
                }
                let account = reread(tx, id).await?;
                let gone = Failure::new(
                    FailureClass::Permanent,
                    Reason::AccountDisconnected,
                    format!("account {id} ({}) was disconnected", account.account_name),
                )
                .with_remedy("connect the account again, then retry the post");
                let failed_posts = posts::fail_waiting_of_account(tx, id, &gone, now).await?;
                account_event(tx, EventKind::AccountDisconnected, &account, None, now).await?;
                let grant_in_use = grant_in_use(tx, &account).await?;
                Ok(Some(Deactivated { account, grant_in_use, failed_posts }))
            })
            .await
    }

    /// Whether another active account, of whatever user, stands under the same grant or is the same platform account.
    pub async fn grant_in_use(&self, account: &Account) -> Result<bool> {
        let account = account.clone();
        self.db.write(async move |tx| grant_in_use(tx, &account).await).await
    }

    /// Wipes the tokens of an account that is out of use. `None` when it was connected again meanwhile.
    pub async fn wipe_tokens(&self, seen: &Account, now: DateTime<Utc>) -> Result<Option<Account>> {
        let (id, version) = (seen.id, seen.token_version);
        self.db
            .write(async move |tx| match tx.execute(WIPE, &params![now, id, version]).await? {
                0 => Ok(None),
                _ => reread(tx, id).await.map(Some),
            })
            .await
    }

    /// Accounts whose disconnecting was cut short: inactive, with tokens.
    pub async fn half_disconnected(&self, platform: Platform) -> Result<Vec<Account>> {
        readable(&self.db.read().await?.fetch_all(HALF_DISCONNECTED, &params![platform.as_str()]).await?)
    }

    /// The active accounts of a grant, of whatever user.
    pub async fn accounts_of_grant(&self, grant_id: &str) -> Result<Vec<Account>> {
        readable(&self.db.read().await?.fetch_all(ACTIVE_OF_GRANT, &params![grant_id]).await?)
    }

    /// Keeps until when the platform takes no posts on this platform account (`None`: it does again), for every user
    /// who holds it.
    pub async fn set_quota_blocked(&self, account: &Account, until: Option<DateTime<Utc>>) -> Result<()> {
        let (platform, account_id) = (account.platform, account.account_id.clone());
        self.db
            .write(async move |tx| {
                tx.execute(BLOCK_QUOTA, &params![until, platform.as_str(), &account_id]).await?;
                Ok(())
            })
            .await
    }

    /// How many posts went live on this platform account after `since`, of whatever user.
    pub async fn published_on_account(&self, account: &Account, since: DateTime<Utc>) -> Result<i32> {
        let values = params![account.platform.as_str(), &account.account_id, since];
        count(self.db.read().await?.fetch_optional(PUBLISHED_ON_ACCOUNT, &values).await?)
    }
}

fn count(row: Option<Row>) -> Result<i32> {
    row.map_or(Ok(0), |row| row.small("posts"))
}

/// The statement for this many ids of one user.
fn some_of_user(ids: usize) -> String {
    let places = vec!["?"; ids].join(", ");
    format!(
        concat!("SELECT ", account_columns!(), " FROM aurareels_social_accounts WHERE wp_user_id = ? AND id IN ({})"),
        places
    )
}

async fn grant_in_use(tx: &mut Tx, account: &Account) -> Result<bool> {
    let values = params![account.platform.as_str(), &account.account_id, account.id];
    for other in tx.fetch_all(OTHERS_OF_IDENTITY, &values).await? {
        // Two persons may reach one Instagram account by logins of their own: then these are two grants.
        match (other.opt_text("grant_id")?, &account.grant_id) {
            (Some(theirs), Some(ours)) if theirs != *ours => {}
            _ => return Ok(true),
        }
    }
    match &account.grant_id {
        Some(grant_id) => Ok(tx.fetch_optional(OTHERS_OF_GRANT, &params![grant_id, account.id]).await?.is_some()),
        None => Ok(false),
    }
}

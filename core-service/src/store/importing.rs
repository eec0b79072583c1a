//! Rows that come from the original WordPress plugin (`aurareels import wordpress`).
//!
//! Guaranteed:
//! - A row of the original has one post here, however often it is imported: it is entered by its key in the transaction that
//!   makes the post.
//! - A scheduled one begins held: cancelled, so that nobody can publish it, until the original cannot any more and
//!   [`Store::release_imported`] lets it go. A held one that is found again is replaced by what the original says now.
//! - What is over is entered without events: nobody is told of posts of last year.
//! - An account that is here already stays as it is: its tokens are newer.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Error, Result, Store,
    account_rows::{account, account_columns, reread as reread_account},
    analytics,
    db::{Tx, Value, in_list},
    encryption_keys, ledger,
    logins::Login,
    platform_posts,
    posts::{self, CONTENT, content_values, event_of, reread, status_event},
};
use crate::{
    domain::{
        account::Account,
        binding::BoundBy,
        event::EventKind,
        ids::{PostId, UserId},
        ledger::Entry,
        platform::{LoginFlavour, Platform},
        post::{Post, Status},
    },
    params,
};

/// Numbers of posts that are older are not read any more.
const COUNTED: TimeDelta = TimeDelta::days(30);

/// Keys in one statement.
const KEYS: usize = 256;

const IDENTITY: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM aurareels_social_accounts WHERE platform = ? AND account_id = ? AND wp_user_id = ?"
);
const KNOWN: &str = "SELECT post_id, is_held FROM aurareels_imported_posts WHERE row_key = ?";
const ENTER: &str =
    "INSERT INTO aurareels_imported_posts (row_key, original_id, post_id, is_held, imported_at) VALUES (?, ?, ?, ?, ?)";
const RELEASE: &str = "UPDATE aurareels_social_posts SET status = ?, status_since = ?, waiting_for = ?, next_step_at = ?, \
     updated_at = ?, revision = revision + 1 WHERE id = ? AND status = 'cancelled'";
const LET_GO: &str = "UPDATE aurareels_imported_posts SET is_held = 0 WHERE row_key = ?";
const SETTLE: &str = "UPDATE aurareels_social_posts SET status = 'published', status_since = ?, published_at = ?, \
     platform_post_id = ?, platform_post_url = ?, all_platform_post_ids = ?, error = NULL, error_message = NULL, \
     waiting_for = NULL, next_step_at = NULL, look_since = NULL, claim_token = NULL, claim_expires_at = NULL, \
     fence = fence + 1, revision = revision + 1, updated_at = ? WHERE id = ? AND status = 'needs_review'";

/// An account of the original's, to be kept.
pub struct ImportedAccount {
    /// The id it has to get; `None`: any.
    pub id: Option<i64>,
    /// Whose it is.
    pub user: UserId,
    /// The platform.
    pub platform: Platform,
    /// The login that the original used.
    pub flavour: LoginFlavour,
    /// The platform's id of it.
    pub account_id: String,
    /// Display name.
    pub account_name: String,
    /// Handle.
    pub account_username: Option<String>,
    /// E-mail.
    pub account_email: Option<String>,
    /// Picture.
    pub profile_picture_url: Option<String>,
    /// What the platform told.
    pub metadata: serde_json::Value,
    /// Its tokens; `None`: it is disconnected.
    pub login: Option<Login>,
    /// When they were refreshed.
    pub last_token_refresh: Option<DateTime<Utc>>,
    /// Made.
    pub created_at: DateTime<Utc>,
}

/// A post of the original's, to be kept.
#[derive(Clone)]
pub struct ImportedPost {
    /// What the row is known by.
    pub key: String,
    /// Its id in the original.
    pub original_id: i64,
    /// It gets the original's id here too.
    pub keeps_id: bool,
    /// The post as it will be once it is not held any more.
    pub post: Post,
    /// What is known of what the original sent.
    pub entry: Option<Entry>,
    /// The original can still publish it.
    pub is_held: bool,
}

/// A post that was imported before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The post here.
    pub post: PostId,
    /// It is held.
    pub is_held: bool,
}

impl Store {
    /// Which of these rows are here.
    pub async fn imported(&self, keys: &[String]) -> Result<HashMap<String, Known>> {
        let mut known = HashMap::new();
        let mut reader = self.db.read().await?;
        for some in keys.chunks(KEYS) {
            let texts: Vec<&str> = some.iter().map(String::as_str).collect();
            let (marks, values) = in_list(&texts);
            let sql =
                format!("SELECT row_key, post_id, is_held FROM aurareels_imported_posts WHERE row_key IN ({marks})");
            for row in reader.fetch_all(&sql, &values).await? {
                known.insert(
                    row.text("row_key")?,
                    Known { post: PostId(row.int("post_id")?), is_held: row.flag("is_held")? },
                );
            }
        }
        Ok(known)
    }

    /// The account of an identity.
    pub async fn account_of_identity(
        &self,
        user: UserId,
        platform: Platform,
        account_id: &str,
    ) -> Result<Option<Account>> {
        let values = params![platform.as_str(), account_id, user];
        self.db.read().await?.fetch_optional(IDENTITY, &values).await?.as_ref().map(account).transpose()
    }

    /// Keeps an account, or finds the one of the same identity. True when it is new.
    pub async fn import_account(&self, new: ImportedAccount, now: DateTime<Utc>) -> Result<(Account, bool)> {
        let keys = self.keys();
        let sealed = new.login.as_ref().map(|login| login.seal(&keys, new.user, new.platform, &new.account_id));
        self.db
            .write(async move |tx| {
                let identity = params![new.platform.as_str(), &new.account_id, new.user];
                if let Some(row) = tx.fetch_optional(IDENTITY, &identity).await? {
                    return Ok((account(&row)?, false));
                }
                encryption_keys::note_key(tx, &keys, now).await?;
                let login = new.login.as_ref();
                let mut row: Vec<(&str, Value)> = vec![
                    ("wp_user_id", new.user.into()),
                    ("platform", new.platform.as_str().into()),
                    ("login_flavour", new.flavour.as_str().into()),
                    ("account_id", (&new.account_id).into()),
                    ("account_name", (&new.account_name).into()),
                    ("account_username", new.account_username.as_deref().into()),
                    ("account_email", new.account_email.as_deref().into()),
                    ("profile_picture_url", new.profile_picture_url.as_deref().into()),
                    ("access_token", sealed.as_ref().map_or("", |sealed| sealed.access.as_str()).into()),
                    ("refresh_token", sealed.as_ref().and_then(|sealed| sealed.refresh.as_deref()).into()),
                    ("token_expires_at", login.and_then(|login| login.expires_at).into()),
                    ("refresh_due_at", login.and_then(|login| login.refresh_due_at).into()),
                    ("token_scope", login.map(|login| login.scope.join(",")).into()),
                    ("is_active", login.is_some().into()),
                    ("last_token_refresh", new.last_token_refresh.into()),
                    ("metadata", (&new.metadata).into()),
                    ("created_at", new.created_at.into()),
                    ("updated_at", now.into()),
                ];
                row.extend(new.id.map(|id| ("id", id.into())));
                let id = insert(tx, "aurareels_social_accounts", row, new.id).await?;
                Ok((reread_account(tx, crate::domain::ids::AccountId(id)).await?, true))
            })
            .await
    }

    /// Keeps a post of the original's. One that is here stays, unless it is held: then it is replaced.
    pub async fn import_post(&self, new: ImportedPost, now: DateTime<Utc>) -> Result<PostId> {
        let keys = self.keys();
        self.db
            .write(async move |tx| {
                if let Some(row) = tx.fetch_optional(KNOWN, &params![&new.key]).await? {
                    let known = PostId(row.int("post_id")?);
                    if !row.flag("is_held")? {
                        return Ok(known);
                    }
                    // Its entry goes with it.
                    tx.execute("DELETE FROM aurareels_social_posts WHERE id = ?", &params![known]).await?;
                }
                let id = insert_post(tx, &new).await?;
                let post = Post { id, ..new.post.clone() };
                tx.execute(ENTER, &params![&new.key, new.original_id, id, new.is_held, now]).await?;
                if let Some(entry) = &new.entry {
                    ledger::insert_entry(tx, &keys, id, entry).await?;
                }
                if let Some(live) = &post.platform_post_id {
                    platform_posts::bind(tx, &keys, &post, live, BoundBy::Answer, now).await?;
                }
                if let Some(at) = post.published_at.filter(|at| *at > now - COUNTED) {
                    let before = Post { status: Status::Publishing, ..post.clone() };
                    analytics::follow(tx, &before, Status::Published, at).await?;
                }
                if !new.is_held && post.status == Status::Scheduled {
                    told(tx, &post).await?;
                }
                Ok(id)
            })
            .await
    }

    /// Lets a held post go, which the original cannot publish any more: as it is to be.
    pub async fn release_imported(&self, held: ImportedPost, now: DateTime<Utc>) -> Result<PostId> {
        self.db
            .write(async move |tx| {
                let Some(row) = tx.fetch_optional(KNOWN, &params![&held.key]).await? else {
                    return Err(Error::Corrupt(format!("the original's post {} is not held here", held.original_id)));
                };
                let id = PostId(row.int("post_id")?);
                if !row.flag("is_held")? {
                    return Ok(id);
                }
                let post = &held.post;
                let waiting = post.waiting_for.map(|reason| reason.as_str());
                let values = params![post.status.as_str(), now, waiting, post.next_step_at, now, id];
                tx.execute(RELEASE, &values).await?;
                tx.execute(LET_GO, &params![&held.key]).await?;
                let released = reread(tx, id).await?;
                told(tx, &released).await?;
                Ok(id)
            })
            .await
    }

    /// Settles a post that the original had under way, and of which it says now that it is live. False when somebody has
    /// settled it before.
    pub async fn settle_imported(&self, id: PostId, live: Post, now: DateTime<Utc>) -> Result<bool> {
        let keys = self.keys();
        self.db
            .write(async move |tx| {
                let Some(before) = posts::by_id(tx, id).await? else { return Ok(false) };
                let values = params![
                    now,
                    live.published_at,
                    live.platform_post_id.as_deref(),
                    live.platform_post_url.as_deref(),
                    Value::json(&live.all_platform_post_ids)?,
                    now,
                    id
                ];
                if tx.execute(SETTLE, &values).await? == 0 {
                    return Ok(false);
                }
                if let Some(bound) = &live.platform_post_id {
                    platform_posts::bind(tx, &keys, &before, bound, BoundBy::Answer, now).await?;
                }
                status_event(tx, &before, Status::Published, None, now).await?;
                Ok(true)
            })
            .await
    }
}

/// Its owner and the scheduler learn of it.
async fn told(tx: &mut Tx, post: &Post) -> Result<()> {
    if let Some(at) = post.next_step_at {
        tx.note_schedule(at);
    }
    super::events::append(tx, &event_of(EventKind::PostCreated, post), post.updated_at).await
}

/// Writes a row; answers its id.
async fn insert(tx: &mut Tx, table: &str, row: Vec<(&str, Value)>, id: Option<i64>) -> Result<i64> {
    let (columns, values): (Vec<&str>, Vec<Value>) = row.into_iter().unzip();
    let marks = vec!["?"; columns.len()].join(", ");
    let sql = format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", "));
    match id {
        Some(id) => tx.execute(&sql, &values).await.map(|_| id),
        None => tx.insert(&sql, &values).await,
    }
}

async fn insert_post(tx: &mut Tx, new: &ImportedPost) -> Result<PostId> {
    let post = &new.post;
    let (status, next_step_at, waiting_for) = match new.is_held {
        true => (Status::Cancelled, None, None),
        false => (post.status, post.next_step_at, post.waiting_for),
    };
    let mut row: Vec<(&str, Value)> = CONTENT.into_iter().zip(content_values(post)?).collect();
    row.extend([
        ("wp_user_id", post.wp_user_id.into()),
        ("social_account_id", post.social_account_id.into()),
        ("platform", post.platform.as_str().into()),
        ("status", status.as_str().into()),
        ("scheduled_at", post.scheduled_at.into()),
        ("list_at", post.scheduled_at.unwrap_or(post.created_at).into()),
        ("published_at", post.published_at.into()),
        ("platform_post_id", post.platform_post_id.as_deref().into()),
        ("platform_post_url", post.platform_post_url.as_deref().into()),
        ("all_platform_post_ids", Value::json(&post.all_platform_post_ids)?),
        ("error", post.error.as_ref().map_or(Ok(Value::Json(None)), Value::json)?),
        ("error_message", post.error.as_ref().map(|error| error.message.as_str()).into()),
        ("retry_count", post.retry_count.into()),
        ("last_retry_at", post.last_retry_at.into()),
        ("scheduler", post.scheduler.as_str().into()),
        ("late_policy_seconds", post.late_policy_seconds.into()),
        ("waiting_for", waiting_for.map(|reason| reason.as_str()).into()),
        ("next_step_at", next_step_at.into()),
        ("look_since", post.look_since.into()),
        ("status_since", post.status_since.into()),
        ("created_at", post.created_at.into()),
        ("updated_at", post.updated_at.into()),
    ]);
    let id = new.keeps_id.then_some(new.original_id);
    row.extend(id.map(|id| ("id", id.into())));
    let id = insert(tx, "aurareels_social_posts", row, id).await?;
    tx.note_post(id);
    Ok(PostId(id))
}

//! The original WordPress plugin's tables, where its site has them: reading them, and taking a scheduled post from its cron.
//!
//! Expected failures: a row that cannot be read is a [`BadRow`] and holds up none of the others.

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::{
    Error, Result,
    db::{Foreign, Place, Row},
};
use crate::{
    domain::{
        failure::describe,
        original::{OriginalAccount, OriginalPost, OriginalStatus, list},
        platform::Platform,
    },
    params,
};

/// The hook under which the original's cron publishes.
pub const CRON_HOOK: &str = "aurareels_process_scheduled_posts";

/// Rows of one page.
const PAGE: i64 = 500;

/// What stands between the site's prefix and the rest of a table's name while the original's tables are converted in place.
const SET_ASIDE: &str = "original_";

/// The original's tables, without the site's prefix.
const TABLES: [&str; 3] = ["aurareels_social_analytics", "aurareels_social_posts", "aurareels_social_accounts"];

const ACCOUNT: &str = "SELECT id, wp_user_id, platform, account_id, account_name, account_username, account_email, \
     profile_picture_url, access_token, refresh_token, token_expires_at, token_scope, is_active, last_token_refresh, \
     metadata, created_at, updated_at FROM aurareels_social_accounts";
const POST: &str = "SELECT id, wp_user_id, video_job_id, social_account_id, platform, status, scheduled_at, published_at, \
     platform_post_id, platform_post_url, video_url, thumbnail_url, caption, hashtags, mentions, location, privacy_level, \
     allow_comments, allow_duet, allow_stitch, error_message, retry_count, last_retry_at, metadata, created_at, updated_at, \
     COALESCE(CAST(created_at AS CHAR), '') AS created_text FROM aurareels_social_posts";

/// A row of the original's that cannot be taken over as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its id there.
    pub id: i64,
    /// Why.
    pub reason: String,
}

/// A row of the original's.
pub type Read<T> = std::result::Result<T, BadRow>;

/// What stands under the original's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// The original's tables.
    Original,
    /// The tables of a core.
    Core,
}

/// The original's database.
pub struct Original {
    db: Foreign,
    prefix: String,
    /// Before the names of its tables.
    of_tables: String,
}

impl Original {
    /// Connects. The place's prefix is the site's.
    pub async fn open(place: &Place) -> Result<Self> {
        let prefix = place.table_prefix.clone();
        Ok(Self { db: Foreign::open(place).await?, of_tables: prefix.clone(), prefix })
    }

    fn text(&self, sql: &str) -> String {
        sql.replace("aurareels_social", &format!("{}aurareels_social", self.of_tables))
    }

    /// What the name of a table stands for.
    async fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let sql = "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?";
        self.db.fetch(sql, &params![table]).await?.iter().map(|row| row.text("name")).collect()
    }

    /// What stands under the original's names.
    pub async fn look(&mut self) -> Result<Found> {
        let columns = self.columns(&self.text("aurareels_social_posts")).await?;
        Ok(match columns.iter().any(|name| name == "next_step_at") {
            true => Found::Core,
            false if columns.is_empty() => Found::Nothing,
            false => Found::Original,
        })
    }

    /// Whether the original's cron still publishes. An error where the site's options cannot be read.
    pub async fn has_cron_hook(&mut self) -> Result<bool> {
        let sql = format!("SELECT option_value AS value FROM {}options WHERE option_name = 'cron'", self.prefix);
        let rows = self.db.fetch(&sql, &[]).await?;
        let values: Result<Vec<String>> = rows.iter().map(|row| row.text("value")).collect();
        Ok(values?.iter().any(|value| value.contains(CRON_HOOK)))
    }

    /// A page of accounts, after an id.
    pub async fn accounts(&mut self, after: i64) -> Result<Vec<Read<OriginalAccount>>> {
        let sql = self.text(&format!("{ACCOUNT} WHERE id > ? ORDER BY id LIMIT {PAGE}"));
        self.db.fetch(&sql, &params![after]).await?.iter().map(|row| read(row, account)).collect()
    }

    /// A page of posts, after an id.
    pub async fn posts(&mut self, after: i64) -> Result<Vec<Read<OriginalPost>>> {
        let sql = self.text(&format!("{POST} WHERE id > ? ORDER BY id LIMIT {PAGE}"));
        self.db.fetch(&sql, &params![after]).await?.iter().map(|row| read(row, post)).collect()
    }

    /// Reads a post and keeps the original from changing it until [`Self::give_back`] or [`Self::cancel`].
    pub async fn hold_post(&mut self, id: i64) -> Result<Option<Read<OriginalPost>>> {
        self.db.run("START TRANSACTION").await?;
        let sql = self.text(&format!("{POST} WHERE id = ? FOR UPDATE"));
        self.db.fetch(&sql, &params![id]).await?.first().map(|row| read(row, post)).transpose()
    }

    /// Lets a post go as it was.
    pub async fn give_back(&mut self) -> Result<()> {
        self.db.run("ROLLBACK").await
    }

    /// Takes a held post from the original: cancelled, with the reason for people, by which the next run knows it.
    pub async fn cancel(&mut self, id: i64, reason: &str) -> Result<()> {
        let sql = self.text(
            "UPDATE aurareels_social_posts SET status = 'cancelled', error_message = ? WHERE id = ? AND status = 'scheduled'",
        );
        if self.db.execute(&sql, &params![reason, id]).await? != 1 {
            self.give_back().await?;
            return Err(Error::Corrupt(format!("the original's post {id} changed although it was locked")));
        }
        self.db.run("COMMIT").await
    }

    /// Moves the original's tables out of the way, all at once, or finds them moved by an earlier run; then they are read
    /// under their new names. A trial only looks. False when there are none.
    pub async fn set_aside(&mut self, is_trial: bool) -> Result<bool> {
        let aside = format!("{}{SET_ASIDE}", self.prefix);
        if !self.columns(&format!("{aside}aurareels_social_posts")).await?.is_empty() {
            self.of_tables = aside;
            return Ok(true);
        }
        if self.look().await? != Found::Original {
            return Ok(false);
        }
        if is_trial {
            return Ok(true);
        }
        let mut moves = Vec::new();
        for table in TABLES {
            let (from, to) = (format!("{}{table}", self.prefix), format!("{aside}{table}"));
            if !self.columns(&from).await?.is_empty() {
                moves.push(format!("`{from}` TO `{to}`"));
            }
        }
        self.db.run(&format!("RENAME TABLE {}", moves.join(", "))).await?;
        self.of_tables = aside;
        Ok(true)
    }

    /// Where the tables are now, for people.
    pub fn table(&self) -> String {
        self.text("aurareels_social_posts")
    }

    /// Ends the connection.
    pub async fn close(self) {
        self.db.close().await;
    }
}

fn read<T>(row: &Row, read: impl FnOnce(&Row) -> Result<T>) -> Result<Read<T>> {
    let id = row.int("id")?;
    match read(row) {
        Ok(row) => Ok(Ok(row)),
        Err(error) if error.is_about_data() => Ok(Err(BadRow { id, reason: describe(&error) })),
        Err(error) => Err(error),
    }
}

fn opt(row: &Row, column: &str) -> Result<Option<String>> {
    Ok(row.opt_text(column)?.filter(|text| !text.trim().is_empty()))
}

/// JSON, where it is some: a plugin of the site may have kept something else there.
fn json(row: &Row, column: &str) -> Result<Json> {
    Ok(row.opt_text(column)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

fn platform(row: &Row) -> Result<Platform> {
    row.word("platform")
}

fn account(row: &Row) -> Result<OriginalAccount> {
    let account_id = row.text("account_id")?.trim().to_owned();
    if account_id.is_empty() {
        return Err(Error::Corrupt("account_id is empty".to_owned()));
    }
    Ok(OriginalAccount {
        id: row.int("id")?,
        wp_user_id: user(row)?,
        platform: platform(row)?,
        account_id,
        account_name: row.text("account_name")?,
        account_username: opt(row, "account_username")?.map(|name| name.trim_start_matches('@').to_owned()),
        account_email: opt(row, "account_email")?,
        profile_picture_url: opt(row, "profile_picture_url")?,
        access_token: row.text("access_token")?,
        refresh_token: opt(row, "refresh_token")?,
        token_expires_at: row.opt_time("token_expires_at")?,
        token_scope: opt(row, "token_scope")?.unwrap_or_default(),
        is_active: row.opt_int("is_active")?.unwrap_or(1) != 0,
        last_token_refresh: row.opt_time("last_token_refresh")?,
        metadata: json(row, "metadata")?,
        created_at: row.opt_time("created_at")?,
        updated_at: row.opt_time("updated_at")?,
    })
}

fn user(row: &Row) -> Result<i64> {
    match row.int("wp_user_id")? {
        0 => Err(Error::Corrupt("wp_user_id is 0, no user of the site".to_owned())),
        user => Ok(user),
    }
}

fn post(row: &Row) -> Result<OriginalPost> {
    let word = row.opt_text("status")?.unwrap_or_default();
    let status = OriginalStatus::of(&word).ok_or_else(|| Error::Corrupt(format!("status is `{word}`")))?;
    let flag = |column: &str| -> Result<Option<bool>> { Ok(row.opt_int(column)?.map(|value| value != 0)) };
    let created_at: Option<DateTime<Utc>> = row.opt_time("created_at")?;
    Ok(OriginalPost {
        id: row.int("id")?,
        wp_user_id: user(row)?,
        video_job_id: row.text("video_job_id")?,
        social_account_id: row.int("social_account_id")?,
        platform: platform(row)?,
        status,
        scheduled_at: row.opt_time("scheduled_at")?,
        published_at: row.opt_time("published_at")?,
        platform_post_id: opt(row, "platform_post_id")?,
        platform_post_url: opt(row, "platform_post_url")?,
        video_url: row.text("video_url")?.trim().to_owned(),
        thumbnail_url: opt(row, "thumbnail_url")?,
        caption: row.opt_text("caption")?.unwrap_or_default(),
        hashtags: list(&row.opt_text("hashtags")?.unwrap_or_default()),
        mentions: list(&row.opt_text("mentions")?.unwrap_or_default()),
        location: opt(row, "location")?,
        privacy_level: row.opt_text("privacy_level")?.unwrap_or_default(),
        allow_comments: flag("allow_comments")?,
        allow_duet: flag("allow_duet")?,
        allow_stitch: flag("allow_stitch")?,
        error_message: opt(row, "error_message")?,
        retry_count: i32::try_from(row.opt_int("retry_count")?.unwrap_or_default()).unwrap_or_default(),
        last_retry_at: row.opt_time("last_retry_at")?,
        metadata: json(row, "metadata")?,
        created_text: row.text("created_text")?,
        created_at,
        updated_at: row.opt_time("updated_at")?,
    })
}

//! How posts do, read for people: one post, pages of posts, and what accounts gained.

use chrono::{DateTime, Utc};

use super::super::{
    Result, Store,
    db::{Reader, Row, Value, in_list},
};
use crate::{
    domain::{
        analytics::{Numbers, PlatformNumbers},
        failure::Failure,
        ids::{AccountId, PostId, UserId},
        platform::Platform,
    },
    params,
};

macro_rules! columns {
    () => {
        "SELECT social_post_id, social_account_id, platform, published_at, numbers, platform_numbers, last_synced_at, \
         attempted_at, next_sync_at, problem FROM aurareels_social_analytics"
    };
}

const OF_POST: &str = concat!(columns!(), " WHERE social_post_id = ?");
const HISTORY: &str = "SELECT social_post_id, at, views, likes, comments, shares, saves, reach \
     FROM aurareels_analytics_history WHERE social_post_id = ? ORDER BY at";
const GAINS: &str = "SELECT at, views_gained AS views, likes_gained AS likes, comments_gained AS comments, \
     shares_gained AS shares, saves_gained AS saves, reach_gained AS reach FROM aurareels_analytics_history \
     WHERE social_account_id = ? AND at >= ? AND at < ? ORDER BY at";
const ACCOUNTS: &str = "SELECT id FROM aurareels_social_accounts WHERE wp_user_id = ?";

/// What is known of how a post does.
#[derive(Clone, Debug, PartialEq)]
pub struct PostNumbers {
    /// The post.
    pub post: PostId,
    /// Its account.
    pub account: AccountId,
    /// The account's platform.
    pub platform: Platform,
    /// When it went live.
    pub published_at: DateTime<Utc>,
    /// Its newest numbers.
    pub numbers: Numbers,
    /// The same by the platform's own names.
    pub platform_numbers: PlatformNumbers,
    /// When they were read.
    pub last_synced_at: Option<DateTime<Utc>>,
    /// When reading was last tried.
    pub attempted_at: Option<DateTime<Utc>>,
    /// When they are read next.
    pub next_sync_at: Option<DateTime<Utc>>,
    /// Why the last reading brought none.
    pub problem: Option<Failure>,
}

/// Numbers at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub at: DateTime<Utc>,
    /// The numbers.
    pub numbers: Numbers,
}

/// Which posts are listed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// Whose.
    pub user: UserId,
    /// Of this account alone.
    pub account: Option<AccountId>,
    /// Of this platform alone.
    pub platform: Option<Platform>,
    /// Live since then.
    pub since: DateTime<Utc>,
    /// Live before then.
    pub until: DateTime<Utc>,
}

fn read(row: &Row) -> Result<PostNumbers> {
    Ok(PostNumbers {
        post: PostId(row.int("social_post_id")?),
        account: AccountId(row.int("social_account_id")?),
        platform: row.word("platform")?,
        published_at: row.opt_time("published_at")?.unwrap_or(DateTime::UNIX_EPOCH),
        numbers: row.json("numbers")?,
        platform_numbers: row.json("platform_numbers")?,
        last_synced_at: row.opt_time("last_synced_at")?,
        attempted_at: row.opt_time("attempted_at")?,
        next_sync_at: row.opt_time("next_sync_at")?,
        problem: row.opt_json("problem")?,
    })
}

fn numbers(row: &Row) -> Result<Point> {
    Ok(Point {
        at: row.time("at")?,
        numbers: Numbers {
            views: row.opt_int("views")?,
            likes: row.opt_int("likes")?,
            comments: row.opt_int("comments")?,
            shares: row.opt_int("shares")?,
            saves: row.opt_int("saves")?,
            reach: row.opt_int("reach")?,
        },
    })
}

impl Store {
    /// What is known of how a post does.
    pub async fn post_numbers(&self, post: PostId) -> Result<Option<PostNumbers>> {
        let row = self.db.read().await?.fetch_optional(OF_POST, &params![post]).await?;
        row.as_ref().map(read).transpose()
    }

    /// A post's numbers over time, oldest first.
    pub async fn numbers_over_time(&self, post: PostId) -> Result<Vec<Point>> {
        self.db.read().await?.fetch_all(HISTORY, &params![post]).await?.iter().map(numbers).collect()
    }

    /// Posts that went live in a window, the newest first, after this one.
    pub async fn list_numbers(
        &self,
        of: &Shown,
        after: Option<(DateTime<Utc>, PostId)>,
        limit: u32,
    ) -> Result<Vec<PostNumbers>> {
        let mut sql = columns!().to_owned();
        let mut values: Vec<Value> = match of.account {
            Some(account) => {
                sql.push_str(" WHERE social_account_id = ? AND wp_user_id = ?");
                params![account, of.user].into()
            }
            None => {
                sql.push_str(" WHERE wp_user_id = ?");
                params![of.user].into()
            }
        };
        if let Some(platform) = of.platform {
            sql.push_str(" AND platform = ?");
            values.extend(params![platform.as_str()]);
        }
        sql.push_str(" AND published_at >= ?");
        values.extend(params![of.since]);
        match after {
            None => {
                sql.push_str(" AND published_at < ?");
                values.extend(params![of.until]);
            }
            Some((at, post)) => {
                sql.push_str(" AND published_at <= ? AND (published_at < ? OR social_post_id < ?)");
                values.extend(params![at, at, post]);
            }
        }
        sql.push_str(" ORDER BY published_at DESC, social_post_id DESC LIMIT ?");
        values.extend(params![i64::from(limit)]);
        self.db.read().await?.fetch_all(&sql, &values).await?.iter().map(read).collect()
    }

    /// What each reading of a window had gained since the one before, of these accounts.
    pub async fn gains(&self, of: &Shown) -> Result<Vec<Point>> {
        let mut reader = self.db.read().await?;
        let accounts = match of.account {
            Some(account) => vec![account],
            None => accounts(&mut reader, of).await?,
        };
        let mut gains = Vec::new();
        for account in accounts {
            let rows = reader.fetch_all(GAINS, &params![account, of.since, of.until]).await?;
            gains.extend(rows.iter().map(numbers).collect::<Result<Vec<_>>>()?);
        }
        Ok(gains)
    }

    /// Numbers over time of several posts, each oldest first.
    pub async fn numbers_of_all_over_time(&self, posts: &[PostId]) -> Result<Vec<(PostId, Point)>> {
        if posts.is_empty() {
            return Ok(Vec::new());
        }
        let (marks, values) = in_list(posts);
        let sql = format!(
            "SELECT social_post_id, at, views, likes, comments, shares, saves, reach FROM aurareels_analytics_history \
             WHERE social_post_id IN ({marks}) ORDER BY social_post_id, at"
        );
        let rows = self.db.read().await?.fetch_all(&sql, &values).await?;
        rows.iter().map(|row| Ok((PostId(row.int("social_post_id")?), numbers(row)?))).collect()
    }
}

async fn accounts(reader: &mut Reader, of: &Shown) -> Result<Vec<AccountId>> {
    let mut values: Vec<Value> = params![of.user].into();
    let mut sql = ACCOUNTS.to_owned();
    if let Some(platform) = of.platform {
        sql.push_str(" AND platform = ?");
        values.extend(params![platform.as_str()]);
    }
    reader.fetch_all(&sql, &values).await?.iter().map(|row| row.int("id").map(AccountId)).collect()
}

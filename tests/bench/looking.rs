//! What "one request, one post" asks of a database for each post, one post at a time: its account is read, posts that are
//! the same by one of four keys are looked for, and the values of the row are bound, as they come from a request.

use std::collections::HashMap;

use anyhow::{Context, Result};
use sqlx::{
    Column, Row, SqliteConnection, TypeInfo, Value, ValueRef,
    sqlite::{SqliteArguments, SqliteRow},
};

/// The keys of a post: of its request, of what is posted, of its link, and of older releases.
const KEYS: [&str; 4] = ["request_key", "posted_key", "url_key", "content_key"];

/// The statements of such a service, and the values of its requests.
pub(crate) struct Looking {
    same: String,
    insert: String,
    posts: HashMap<i64, Post>,
}

struct Post {
    account: i64,
    keys: [Option<String>; 4],
    values: Vec<Bound>,
}

enum Bound {
    Null,
    Number(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Looking {
    /// Reads the values of all posts of the database `full`. Columns that are empty in each post are not written.
    pub(crate) async fn over(connection: &mut SqliteConnection, columns: &[String]) -> Result<Self> {
        let rows = sqlx::query("SELECT * FROM full.aurareels_social_posts").fetch_all(&mut *connection).await?;
        let read: Vec<(SqliteRow, Vec<Bound>)> = rows
            .into_iter()
            .map(|row| {
                let values = (0..row.len()).map(|index| bound(&row, index)).collect::<Result<_>>()?;
                Ok((row, values))
            })
            .collect::<Result<_>>()?;
        let is_used = |index: &usize| read.iter().any(|(_, values)| !matches!(values[*index], Bound::Null));
        let used: Vec<usize> = (0..columns.len()).filter(is_used).collect();
        let names: Vec<&str> = used.iter().map(|index| columns[*index].as_str()).collect();
        let insert = format!(
            "INSERT INTO aurareels_social_posts ({}) VALUES ({})",
            names.join(", "),
            vec!["?"; names.len()].join(", ")
        );
        let same = KEYS.map(|key| {
            format!("SELECT id FROM aurareels_social_posts WHERE social_account_id = ? AND {key} = ? AND status <> 'cancelled'")
        });
        let mut posts = HashMap::new();
        for (row, mut values) in read {
            let kept = |index: &usize| std::mem::replace(&mut values[*index], Bound::Null);
            let keys = KEYS.map(|key| row.try_get(key));
            let [Ok(request), Ok(posted), Ok(link), Ok(content)] = keys else { anyhow::bail!("a key is no text") };
            let post = Post {
                account: row.try_get("social_account_id")?,
                keys: [request, posted, link, content],
                values: used.iter().map(kept).collect(),
            };
            posts.insert(row.try_get("id")?, post);
        }
        Ok(Self { same: same.join(" UNION ALL "), insert, posts })
    }

    /// Writes one post, unless there is the same.
    pub(crate) async fn insert(&self, connection: &mut SqliteConnection, id: i64) -> Result<()> {
        let post = self.posts.get(&id).context("no such post")?;
        let account = "SELECT * FROM aurareels_social_accounts WHERE id = ?";
        sqlx::query(account).bind(post.account).fetch_one(&mut *connection).await?;
        let mut same = sqlx::query(sqlx::AssertSqlSafe(self.same.as_str()));
        for key in &post.keys {
            same = same.bind(post.account).bind(key);
        }
        anyhow::ensure!(same.fetch_all(&mut *connection).await?.is_empty(), "post {id} is there already");
        let mut insert = sqlx::query(sqlx::AssertSqlSafe(self.insert.as_str()));
        for value in &post.values {
            insert = bind(insert, value);
        }
        insert.execute(connection).await?;
        Ok(())
    }
}

type Query<'a> = sqlx::query::Query<'a, sqlx::Sqlite, SqliteArguments>;

fn bind<'a>(query: Query<'a>, value: &'a Bound) -> Query<'a> {
    match value {
        Bound::Null => query.bind(None::<i64>),
        Bound::Number(number) => query.bind(*number),
        Bound::Real(number) => query.bind(*number),
        Bound::Text(text) => query.bind(text.as_str()),
        Bound::Bytes(bytes) => query.bind(bytes.as_slice()),
    }
}

fn bound(row: &SqliteRow, index: usize) -> Result<Bound> {
    let value = row.try_get_raw(index)?.to_owned();
    if value.is_null() {
        return Ok(Bound::Null);
    }
    let kind = value.type_info();
    Ok(match kind.name() {
        "INTEGER" | "BOOLEAN" => Bound::Number(value.try_decode_unchecked()?),
        "REAL" => Bound::Real(value.try_decode_unchecked()?),
        "TEXT" | "DATETIME" | "DATE" | "TIME" => Bound::Text(value.try_decode_unchecked()?),
        "BLOB" => Bound::Bytes(value.try_decode_unchecked()?),
        other => anyhow::bail!("column {} has the type {other}", row.column(index).name()),
    })
}

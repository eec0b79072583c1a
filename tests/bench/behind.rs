//! Scheduled posts that stand behind a burst, far in the future: one is made by the API, and the database copies it. A
//! million of them take a minute, where the API would take ten.

use anyhow::{Context, Result};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteSynchronous},
};

use crate::core::Core;

/// Rows of one transaction: the core's own writes wait for each.
const BATCH: usize = 20_000;

/// What differs from copy to copy; a second lies between two due times. `n.i` counts from 1.
const DIFFERENT: [(&str, &str); 8] = [
    ("social_account_id", "json_extract(?1, '$[' || (n.i % json_array_length(?1)) || ']')"),
    ("caption", "'behind ' || n.i"),
    ("full_caption", "'behind ' || n.i"),
    ("request_key", "'behind ' || n.i"),
    ("content_key", "'behind ' || n.i"),
    ("scheduled_at", "post.scheduled_at + n.i * 1000000"),
    ("list_at", "post.list_at + n.i * 1000000"),
    ("next_step_at", "post.next_step_at + n.i * 1000000"),
];

/// Copies the post `behind-0` so often, over these accounts.
pub(crate) async fn copy(core: &Core, accounts: &[i64], copies: usize) -> Result<()> {
    let file = SqliteConnectOptions::new()
        .filename(core.data_dir.join("aurareels.db"))
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(std::time::Duration::from_secs(60));
    let mut database = file.connect().await?;
    let statement = statement(&mut database).await?;
    let accounts = serde_json::to_string(accounts)?;
    for from in (1..=copies).step_by(BATCH) {
        let until = copies.min(from + BATCH - 1);
        sqlx::query(AssertSqlSafe(statement.as_str()))
            .bind(&accounts)
            .bind(i64::try_from(from)?)
            .bind(i64::try_from(until)?)
            .execute(&mut database)
            .await
            .context("copying a post")?;
    }
    database.close().await?;
    Ok(())
}

/// An INSERT of copies of that post, every column of the table but its id.
async fn statement(database: &mut SqliteConnection) -> Result<String> {
    let rows = sqlx::query("SELECT name FROM pragma_table_info('aurareels_social_posts') WHERE name <> 'id'")
        .fetch_all(&mut *database)
        .await?;
    let columns: Vec<String> = rows.iter().map(|row| row.get("name")).collect();
    let values = columns.iter().map(|column| {
        let different = DIFFERENT.iter().find(|(name, _)| name == column);
        different.map_or_else(|| format!("post.{column}"), |(_, value)| (*value).to_owned())
    });
    Ok(format!(
        "WITH RECURSIVE n(i) AS (SELECT ?2 UNION ALL SELECT i + 1 FROM n WHERE i < ?3) \
         INSERT INTO aurareels_social_posts ({}) SELECT {} FROM n JOIN aurareels_social_posts post \
         ON post.id = (SELECT MIN(id) FROM aurareels_social_posts WHERE caption = 'behind-0')",
        columns.join(", "),
        values.collect::<Vec<_>>().join(", ")
    ))
}

//! The bar for PublishPosts: a bare loop that writes the same rows, grouped in commits that are as durable, with nothing
//! in front of it and nothing checked.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result};
use sqlx::{
    ConnectOptions, Connection, Executor,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::{mpsc, oneshot};

/// Copies the post and event rows that a run of PublishPosts left in `database` into an empty database of the same
/// schema, from `tasks` tasks that each wait for their row to be durable. Answers rows (posts) per second.
pub(crate) async fn run(database: &Path, tasks: usize, rows: usize) -> Result<f64> {
    let directory = tempfile::tempdir()?;
    let empty = directory.path().join("bare.db");
    let mut connection = SqliteConnectOptions::new()
        .filename(&empty)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .disable_statement_logging()
        .connect()
        .await?;
    sqlx::query("ATTACH DATABASE ? AS full").bind(database.display().to_string()).execute(&mut connection).await?;
    let schema: Vec<(String,)> = sqlx::query_as(
        "SELECT sql FROM full.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type = 'index', rootpage",
    )
    .fetch_all(&mut connection)
    .await?;
    for (sql,) in schema {
        connection.execute(sqlx::AssertSqlSafe(sql)).await?;
    }
    connection.execute("INSERT INTO aurareels_social_accounts SELECT * FROM full.aurareels_social_accounts").await?;
    let columns: Vec<(String,)> = sqlx::query_as("SELECT name FROM pragma_table_info('aurareels_social_posts')")
        .fetch_all(&mut connection)
        .await?;
    let names: Vec<String> = columns.into_iter().map(|(name,)| name).collect();
    let (first,): (i64,) =
        sqlx::query_as("SELECT MIN(id) FROM full.aurareels_social_posts").fetch_one(&mut connection).await?;

    let (queue, mut waiting) = mpsc::channel::<(i64, oneshot::Sender<()>)>(1024);
    let insert_post = format!(
        "INSERT INTO aurareels_social_posts ({0}) SELECT {0} FROM full.aurareels_social_posts WHERE id = ?",
        names.join(", ")
    );
    let writer = tokio::spawn(async move {
        let mut batch = Vec::new();
        while waiting.recv_many(&mut batch, 512).await > 0 {
            connection.execute("BEGIN IMMEDIATE").await?;
            for (id, _) in &batch {
                sqlx::query(sqlx::AssertSqlSafe(insert_post.as_str())).bind(*id).execute(&mut connection).await?;
                sqlx::query(
                    "INSERT INTO aurareels_events (wp_user_id, kind, post_id, account_id, status, created_at) \
                     SELECT wp_user_id, 'post.created', id, social_account_id, 'publishing', created_at \
                     FROM full.aurareels_social_posts WHERE id = ?",
                )
                .bind(*id)
                .execute(&mut connection)
                .await?;
            }
            connection.execute("COMMIT").await?;
            batch.drain(..).for_each(|(_, done)| {
                // The task waits for it; nothing is lost when it does not.
                let _ = done.send(());
            });
        }
        connection.close().await?;
        Ok::<_, anyhow::Error>(())
    });
    let begun = Instant::now();
    let workers: Vec<_> = (0..tasks)
        .map(|task| {
            let queue = queue.clone();
            tokio::spawn(async move {
                for row in (task..rows).step_by(tasks) {
                    let (done, durable) = oneshot::channel();
                    queue.send((first + row as i64, done)).await.ok().context("the writer is gone")?;
                    durable.await.context("the writer is gone")?;
                }
                Ok::<_, anyhow::Error>(())
            })
        })
        .collect();
    drop(queue);
    for worker in workers {
        worker.await??;
    }
    let per_second = rows as f64 / begun.elapsed().as_secs_f64();
    writer.await??;
    Ok(per_second)
}

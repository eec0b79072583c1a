//! Scheduled posts that stand behind a burst, far in the future: one is made by the API, and the database copies it. A
//! million of them take a minute or two, where the API would take ten.

use anyhow::{Context, Result};
use aurareels_tests::server::Server;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection as _, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteSynchronous},
};

use crate::{core::Core, servers::connection::Connection};

/// Rows of one transaction: the core's own writes wait for each.
const BATCH: usize = 20_000;

/// The post that is copied.
const FIRST: &str = "post.id = (SELECT MIN(id) FROM aurareels_social_posts WHERE video_job_id = 'behind-0')";

/// What a column is in the copy `n.i`, which counts from 1.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copied {
    /// As it is.
    Same,
    /// An account, each in its turn.
    Account,
    /// A text of its own.
    Text,
    /// A second after the copy before.
    Time,
}

impl Copied {
    fn of(column: &str) -> Self {
        match column {
            "social_account_id" => Self::Account,
            "caption" | "full_caption" | "request_key" | "content_key" => Self::Text,
            "scheduled_at" | "list_at" | "next_step_at" => Self::Time,
            _ => Self::Same,
        }
    }
}

/// Copies the post `behind-0` of the core's SQLite so often, over these accounts.
pub(crate) async fn copy_in_file(core: &Core, accounts: &[i64], copies: usize) -> Result<()> {
    let file = SqliteConnectOptions::new()
        .filename(core.data_dir.join("aurareels.db"))
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(std::time::Duration::from_secs(60));
    let mut database = file.connect().await?;
    let statement = statement_of_sqlite(&mut database).await?;
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
async fn statement_of_sqlite(database: &mut SqliteConnection) -> Result<String> {
    let rows = sqlx::query("SELECT name FROM pragma_table_info('aurareels_social_posts') WHERE name <> 'id'")
        .fetch_all(&mut *database)
        .await?;
    let columns: Vec<String> = rows.iter().map(|row| row.get("name")).collect();
    let values = columns.iter().map(|column| match Copied::of(column) {
        Copied::Same => format!("post.{column}"),
        Copied::Account => "json_extract(?1, '$[' || (n.i % json_array_length(?1)) || ']')".to_owned(),
        Copied::Text => "'behind ' || n.i".to_owned(),
        Copied::Time => format!("post.{column} + n.i * 1000000"),
    });
    Ok(format!(
        "WITH RECURSIVE n(i) AS (SELECT ?2 UNION ALL SELECT i + 1 FROM n WHERE i < ?3) \
         INSERT INTO aurareels_social_posts ({}) SELECT {} FROM n JOIN aurareels_social_posts post ON {FIRST}",
        columns.join(", "),
        values.collect::<Vec<_>>().join(", ")
    ))
}

/// Copies the post `behind-0` on a server so often, over these accounts, and has the server count its rows anew.
pub(crate) async fn copy_on_server(database: &mut Connection, accounts: &[i64], copies: usize) -> Result<()> {
    let columns = database.columns("aurareels_social_posts").await?;
    let columns: Vec<&str> = columns.iter().map(String::as_str).filter(|column| *column != "id").collect();
    let list = accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (server, count) = (database.server(), accounts.len());
    let values = columns.iter().map(|column| match (Copied::of(column), server) {
        (Copied::Same, _) => format!("post.{column}"),
        (Copied::Account, Server::Postgres) => format!("(ARRAY[{list}])[1 + n.i % {count}]"),
        (Copied::Account, Server::Mysql) => format!("CAST(ELT(1 + n.i % {count}, {list}) AS SIGNED)"),
        (Copied::Text, _) => "CONCAT('behind ', n.i)".to_owned(),
        (Copied::Time, Server::Postgres) => format!("post.{column} + n.i * INTERVAL '1 second'"),
        (Copied::Time, Server::Mysql) => format!("post.{column} + INTERVAL n.i SECOND"),
    });
    let values = values.collect::<Vec<_>>().join(", ");
    for from in (1..=copies).step_by(BATCH) {
        let until = copies.min(from + BATCH - 1);
        let numbers = match server {
            Server::Postgres => format!("generate_series({from}, {until}) AS n(i)"),
            Server::Mysql => format!("(SELECT seq AS i FROM seq_{from}_to_{until}) AS n"),
        };
        let insert = format!(
            "INSERT INTO aurareels_social_posts ({}) SELECT {values} FROM {numbers} JOIN aurareels_social_posts post ON {FIRST}",
            columns.join(", ")
        );
        database.run(&insert).await.context("copying a post")?;
    }
    database
        .run(match server {
            Server::Postgres => "VACUUM ANALYZE aurareels_social_posts",
            Server::Mysql => "ANALYZE TABLE aurareels_social_posts",
        })
        .await
}

//! A connection to a server, whichever it is.

use anyhow::{Context, Result};
use aurareels_tests::server::Server;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Executor, MySqlConnection, PgConnection, Row, mysql::MySqlConnectOptions,
    postgres::PgConnectOptions, raw_sql,
};

pub(crate) enum Connection {
    Postgres(PgConnection),
    Mysql(MySqlConnection),
}

impl Connection {
    pub(crate) async fn to(server: Server, url: &str) -> Result<Self> {
        Ok(match server {
            Server::Postgres => {
                let options: PgConnectOptions = url.parse()?;
                Self::Postgres(options.disable_statement_logging().connect().await?)
            }
            Server::Mysql => {
                let options: MySqlConnectOptions = url.parse()?;
                // As a core's sessions: a statement means the same to both.
                let mut connection = options.pipes_as_concat(false).disable_statement_logging().connect().await?;
                connection.execute("SET SESSION time_zone = '+00:00'").await?;
                Self::Mysql(connection)
            }
        })
    }

    pub(crate) fn server(&self) -> Server {
        match self {
            Self::Postgres(_) => Server::Postgres,
            Self::Mysql(_) => Server::Mysql,
        }
    }

    /// Runs statements without values.
    pub(crate) async fn run(&mut self, sql: &str) -> Result<()> {
        let sql = raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Postgres(connection) => connection.execute(sql).await.map(drop)?,
            Self::Mysql(connection) => connection.execute(sql).await.map(drop)?,
        }
        Ok(())
    }

    /// Runs a prepared statement about one row; `{}` stands for its id.
    pub(crate) async fn run_for(&mut self, sql: &str, id: i64) -> Result<()> {
        match self {
            Self::Postgres(connection) => {
                sqlx::query(AssertSqlSafe(sql.replace("{}", "$1"))).bind(id).execute(connection).await.map(drop)?;
            }
            Self::Mysql(connection) => {
                sqlx::query(AssertSqlSafe(sql.replace("{}", "?"))).bind(id).execute(connection).await.map(drop)?;
            }
        }
        Ok(())
    }

    /// The rows of a statement without values, as the server writes them; NULL is empty.
    pub(crate) async fn rows(&mut self, sql: &str) -> Result<Vec<Vec<String>>> {
        macro_rules! texts {
            ($connection:expr) => {{
                let rows = $connection.fetch_all(raw_sql(AssertSqlSafe(sql.to_owned()))).await?;
                let text = |row: &_, column| Row::try_get_unchecked::<Option<String>, _>(row, column);
                let texts = rows
                    .iter()
                    .map(|row| (0..row.len()).map(|column| Ok(text(row, column)?.unwrap_or_default())).collect());
                texts.collect()
            }};
        }
        match self {
            Self::Postgres(connection) => texts!(connection),
            Self::Mysql(connection) => texts!(connection),
        }
    }

    /// The one value of a statement.
    pub(crate) async fn value(&mut self, sql: &str) -> Result<String> {
        let row = self.rows(sql).await?.into_iter().next().context("no row")?;
        row.into_iter().last().context("no column")
    }

    /// The columns of a table.
    pub(crate) async fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let schema = match self {
            Self::Postgres(_) => "current_schema()",
            Self::Mysql(_) => "DATABASE()",
        };
        let sql = format!(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = {schema} AND table_name = '{table}' \
             ORDER BY ordinal_position"
        );
        Ok(self.rows(&sql).await?.concat())
    }

    /// The server, and how durable its commits are.
    pub(crate) async fn version(&mut self) -> Result<String> {
        Ok(match self {
            Self::Postgres(_) => {
                let version = self.value("SHOW server_version").await?;
                let (fsync, memory) = (self.value("SHOW fsync").await?, self.value("SHOW shared_buffers").await?);
                format!("server: PostgreSQL {version}, fsync {fsync}, shared_buffers {memory}")
            }
            Self::Mysql(_) => {
                let version = self.value("SELECT VERSION()").await?;
                let flush = self.value("SELECT @@innodb_flush_log_at_trx_commit").await?;
                let memory = self.value("SELECT @@innodb_buffer_pool_size DIV 1048576").await?;
                format!(
                    "server: {version}, innodb_flush_log_at_trx_commit {flush}, innodb_buffer_pool_size {memory} MiB"
                )
            }
        })
    }
}

//! The database that scenarios run on: a SQLite file, or, by `AURAREELS_TEST_DATABASE`, a database of its own on one of the
//! servers that the test command has started (`cargo xtask with-databases -- <command>`).

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::StreamExt;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, MySqlConnection, PgConnection, Row,
    mysql::MySqlConnectOptions, postgres::PgConnectOptions,
};

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
}

impl Server {
    /// The one that the environment chooses; `None` is SQLite.
    pub fn chosen() -> Option<Self> {
        match std::env::var("AURAREELS_TEST_DATABASE").as_deref() {
            Err(_) | Ok("sqlite") => None,
            Ok("postgres") => Some(Self::Postgres),
            Ok("mysql") => Some(Self::Mysql),
            Ok(other) => panic!("AURAREELS_TEST_DATABASE is {other}, but must be sqlite, postgres or mysql"),
        }
    }

    /// A database of it that exists always, if it was started.
    fn url(self) -> Option<String> {
        std::env::var(match self {
            Self::Postgres => "AURAREELS_TEST_POSTGRES",
            Self::Mysql => "AURAREELS_TEST_MYSQL",
        })
        .ok()
    }
}

/// True, with a line that says so, when a scenario is about databases that are files and another one was chosen.
pub fn is_about_files(why: &str) -> bool {
    let Some(server) = Server::chosen() else { return false };
    println!("not tried on {server:?}: {why}");
    true
}

/// A database of its own on a server, removed at the end.
#[derive(Debug)]
pub struct Private {
    server: Server,
    base: String,
    name: String,
}

impl Private {
    /// Makes one on the chosen server.
    pub async fn chosen() -> Option<Self> {
        let server = Server::chosen()?;
        let made = Self::on(server).await;
        assert!(made.is_some(), "no server was started: cargo xtask with-databases -- <command>");
        made
    }

    /// Makes one; `None`, with a line that says so, when that server was not started.
    pub async fn on(server: Server) -> Option<Self> {
        let Some(base) = server.url() else {
            println!("not tried: no {server:?} was started; cargo xtask with-databases -- <command>");
            return None;
        };
        Some(Self::made(server, base).await)
    }

    /// Makes another one on the same server.
    pub async fn another(&self) -> Self {
        Self::made(self.server, self.base.clone()).await
    }

    /// Makes another one on the same server with the same tables as far as it can copy them: on PostgreSQL, while nobody is
    /// connected to this one.
    pub async fn like(&self) -> Self {
        let made = Self::named(self.server, self.base.clone());
        match self.server {
            Server::Postgres => made.run(&format!("CREATE DATABASE {{}} TEMPLATE {}", self.name)).await,
            Server::Mysql => made.create().await,
        }
        made
    }

    async fn made(server: Server, base: String) -> Self {
        let made = Self::named(server, base);
        made.create().await;
        made
    }

    fn named(server: Server, base: String) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("w{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Self { server, base, name }
    }

    /// Makes it anew, empty.
    pub async fn create(&self) {
        self.run(match self.server {
            Server::Postgres => "CREATE DATABASE {}",
            Server::Mysql => "CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        })
        .await;
    }

    /// Removes it, whoever is connected.
    pub async fn remove(&self) {
        self.run(match self.server {
            Server::Postgres => "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            Server::Mysql => "DROP DATABASE IF EXISTS {}",
        })
        .await;
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let (base, _) = self.base.rsplit_once('/').expect("the address names a database");
        format!("{base}/{}", self.name)
    }

    /// Fills another one, which has the same tables, with what stands in this one at one moment, as the server's own tools
    /// for backups do.
    pub async fn copy_to(&self, other: &Self) {
        match self.server {
            Server::Postgres => {
                let mut from = self.postgres().await;
                let mut to = other.postgres().await;
                copy_postgres(&mut from, &mut to).await;
            }
            Server::Mysql => {
                let options: MySqlConnectOptions = other.url().parse().expect("a URL");
                let mut connection = options.connect().await.expect("the server answers");
                copy_mysql(&mut connection, &self.name).await;
                connection.close().await.expect("closed");
            }
        }
    }

    async fn postgres(&self) -> PgConnection {
        let options: PgConnectOptions = self.url().parse().expect("a URL");
        options.connect().await.expect("the server answers")
    }

    /// Runs a statement outside of it; `{}` stands for its name.
    async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.replace("{}", &self.name));
        match self.server {
            Server::Postgres => {
                let options: PgConnectOptions = self.base.parse().expect("a URL");
                let mut connection = options.connect().await.expect("the server answers");
                connection.execute(sqlx::raw_sql(sql)).await.expect("the statement");
                connection.close().await.expect("closed");
            }
            Server::Mysql => {
                let options: MySqlConnectOptions = self.base.parse().expect("a URL");
                let mut connection = options.connect().await.expect("the server answers");
                connection.execute(sqlx::raw_sql(sql)).await.expect("the statement");
                connection.close().await.expect("closed");
            }
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                if let Ok(runtime) = runtime {
                    runtime.block_on(self.remove());
                }
            });
        });
    }
}

async fn copy_postgres(from: &mut PgConnection, to: &mut PgConnection) {
    from.execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.expect("begun");
    to.execute("SET session_replication_role = replica").await.expect("no constraints");
    let tables = sqlx::query("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()");
    for table in tables.fetch_all(&mut *from).await.expect("tables") {
        let name: String = table.get(0);
        to.execute(sqlx::raw_sql(AssertSqlSafe(format!("DELETE FROM {name}")))).await.expect("empty");
        let mut out = from.copy_out_raw(&format!("COPY {name} TO STDOUT")).await.expect("copied");
        let mut all = Vec::new();
        while let Some(bytes) = out.next().await {
            all.extend_from_slice(&bytes.expect("bytes"));
        }
        drop(out);
        let mut into = to.copy_in_raw(&format!("COPY {name} FROM STDIN")).await.expect("copied");
        into.send(all).await.expect("sent");
        into.finish().await.expect("finished");
    }
    let sequences = sqlx::query("SELECT sequencename::text, last_value FROM pg_sequences WHERE last_value IS NOT NULL");
    for sequence in sequences.fetch_all(&mut *from).await.expect("sequences") {
        let (name, last): (String, i64) = (sequence.get(0), sequence.get(1));
        sqlx::query("SELECT setval($1::regclass, $2)").bind(name).bind(last).execute(&mut *to).await.expect("set");
    }
}

/// A counter goes on behind the highest id that is there.
async fn copy_mysql(to: &mut MySqlConnection, from: &str) {
    to.execute("SET SESSION foreign_key_checks = 0").await.expect("no constraints");
    to.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT").await.expect("begun");
    let tables = sqlx::query("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()");
    for table in tables.fetch_all(&mut *to).await.expect("tables") {
        let name: String = table.get_unchecked(0);
        for sql in [format!("DELETE FROM {name}"), format!("INSERT INTO {name} SELECT * FROM {from}.{name}")] {
            to.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.expect("copied");
        }
    }
    to.execute("COMMIT").await.expect("committed");
}

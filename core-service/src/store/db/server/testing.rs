//! Private databases for tests, on the servers that the test command has started: `cargo xtask test` does so by itself,
//! `cargo xtask with-databases -- <command>` for any other.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use sha2::{Digest, Sha256};
use sqlx::{ConnectOptions, Connection, Executor};

use crate::store::{
    Store,
    db::{kind::Kind, place::Place},
};

/// A database of its own on a server, removed at the end.
pub(in crate::store) struct Private {
    kind: Kind,
    server: String,
    name: String,
    pub(in crate::store) place: Place,
}

impl Private {
    /// Makes one on the server whose address stands in the environment; `None` when none does.
    pub(in crate::store) async fn make(kind: Kind, table_prefix: &str) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let made = Self::named(kind, name, table_prefix)?;
        made.create().await;
        Some(made)
    }

    fn named(kind: Kind, name: String, table_prefix: &str) -> Option<Self> {
        let variable = match kind {
            Kind::Postgres => "AURAREELS_TEST_POSTGRES",
            Kind::Mysql => "AURAREELS_TEST_MYSQL",
        };
        let Ok(server) = std::env::var(variable) else {
            println!(
                "not tried: {variable} is not set; run it by `cargo xtask with-databases -- cargo nextest run ...`"
            );
            return None;
        };
        let (base, _) = server.rsplit_once('/').expect("the address names a database");
        let place = Place { url: format!("{base}/{name}"), table_prefix: table_prefix.to_owned() };
        Some(Self { kind, server: server.clone(), name, place })
    }

    async fn create(&self) {
        self.run(match self.kind {
            Kind::Postgres => "CREATE DATABASE {}",
            Kind::Mysql => "CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        })
        .await;
    }

    async fn run(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.replace("{}", &self.name));
        match self.kind {
            Kind::Postgres => {
                let options: sqlx::postgres::PgConnectOptions = self.server.parse().unwrap();
                let mut connection = options.connect().await.unwrap();
                connection.execute(sqlx::raw_sql(sql)).await.unwrap();
                connection.close().await.unwrap();
            }
            Kind::Mysql => {
                let options: sqlx::mysql::MySqlConnectOptions = self.server.parse().unwrap();
                let mut connection = options.connect().await.unwrap();
                connection.execute(sqlx::raw_sql(sql)).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

/// Where a test keeps its database that belongs to a directory: a file in it, or a database of that server which
/// `AURAREELS_TEST_DATABASE` names. It is left behind with the server, which lives as long as the test command.
pub(crate) async fn place(directory: &Path) -> Place {
    let kind = match std::env::var("AURAREELS_TEST_DATABASE").as_deref() {
        Err(_) | Ok("sqlite") => return Place::from(Store::default_url(directory).as_str()),
        Ok("postgres") => Kind::Postgres,
        Ok("mysql") => Kind::Mysql,
        Ok(other) => panic!("AURAREELS_TEST_DATABASE is {other}, but must be sqlite, postgres or mysql"),
    };
    let name = format!("d{}", &hex::encode(Sha256::digest(directory.as_os_str().as_encoded_bytes()))[..16]);
    static MADE: tokio::sync::Mutex<BTreeSet<String>> = tokio::sync::Mutex::const_new(BTreeSet::new());
    let mut made = MADE.lock().await;
    let private = Private::named(kind, name, "").expect("a server for the tests");
    if made.insert(private.name.clone()) {
        private.create().await;
    }
    let place = private.place.clone();
    std::mem::forget(private);
    place
}

impl Drop for Private {
    fn drop(&mut self) {
        let sql = match self.kind {
            Kind::Postgres => "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            Kind::Mysql => "DROP DATABASE IF EXISTS {}",
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                if let Ok(runtime) = runtime {
                    runtime.block_on(self.run(sql));
                }
            });
        });
    }
}

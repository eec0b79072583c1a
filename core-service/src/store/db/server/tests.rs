//! What every back end does, on PostgreSQL and on MySQL or MariaDB; and what only happens with a server.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use sqlx::{ConnectOptions, Connection, Executor};

use super::{
    proxy::{Mode, Proxy},
    testing::Private,
};
use crate::{
    params,
    store::{
        Error, Store,
        ailment::Ailment,
        db::{Db, kind::Kind, place::Place},
    },
};

macro_rules! server {
    ($name:ident, $kind:expr) => {
        mod $name {
            use super::super::testing::Private;
            use crate::store::db::{Db, kind::Kind};

            async fn fresh() -> Option<(Db, Private)> {
                let private = Private::make($kind, "wp_").await?;
                let db = Db::open(&private.place).await.unwrap();
                db.migrate().await.unwrap();
                Some((db, private))
            }

            crate::store::db::suite::cases!(fresh);

            #[tokio::test(flavor = "multi_thread")]
            async fn commits_that_are_cut_off_count_once_and_are_answered() {
                super::commits_that_are_cut_off_count_once_and_are_answered($kind).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn reading_and_writing_go_on_when_the_server_is_back() {
                super::reading_and_writing_go_on_when_the_server_is_back($kind).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn every_column_of_sqlite_is_there_and_no_other() {
                super::every_column_of_sqlite_is_there_and_no_other($kind).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn six_that_start_at_once_all_come_up() {
                super::six_that_start_at_once_all_come_up($kind).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_commit_of_another_core_is_heard() {
                super::a_commit_of_another_core_is_heard($kind).await;
            }
        }
    };
}

server!(on_postgres, Kind::Postgres);
server!(on_mysql, Kind::Mysql);

const SET: &str = "INSERT INTO aurareels_settings (name, value) VALUES (?, ?)";
const GET: &str = "SELECT value FROM aurareels_settings WHERE name = ?";
const CHANGE: &str = "UPDATE aurareels_settings SET value = ? WHERE name = ?";
const EVENT: &str = "INSERT INTO aurareels_events (wp_user_id, kind, created_at) VALUES (?, 'post_created', ?)";

/// A migrated database behind a proxy.
async fn behind_a_proxy(kind: Kind) -> Option<(Db, Proxy, Private)> {
    let private = Private::make(kind, "").await?;
    let mut url = url::Url::parse(&private.place.url).unwrap();
    let server = format!("127.0.0.1:{}", url.port().expect("a port"));
    let proxy = Proxy::start(server, Mode::Through).await;
    url.set_port(Some(proxy.address.port())).unwrap();
    let db = Db::open(&Place::from(url.as_str())).await.unwrap();
    db.migrate().await.unwrap();
    Some((db, proxy, private))
}

async fn number(db: &Db) -> i64 {
    let row = db.read().await.unwrap().fetch_optional(GET, &params!["number"]).await.unwrap().unwrap();
    row.text("value").unwrap().parse().unwrap()
}

async fn commits_that_are_cut_off_count_once_and_are_answered(kind: Kind) {
    const WRITES: i64 = 45;
    let Some((db, proxy, _private)) = behind_a_proxy(kind).await else { return };
    db.write(async |tx| tx.execute(SET, &params!["number", "0"]).await).await.unwrap();
    proxy.set(Mode::CutsCommits);
    let writes = (0..WRITES).map(|write| {
        db.write(async move |tx| {
            let row = tx.fetch_optional(GET, &params!["number"]).await?.ok_or(Error::Corrupt("it is gone".into()))?;
            let number: i64 = row.text("value")?.parse().map_err(|_| Error::Corrupt("no number".into()))?;
            tx.execute(CHANGE, &params![(number + 1).to_string(), "number"]).await?;
            tx.execute(SET, &params![format!("write {write}"), "x"]).await?;
            tx.insert_events(EVENT, &params![write, chrono::DateTime::UNIX_EPOCH], 1).await
        })
    });
    for answer in join_all(writes).await {
        answer.expect("a write is answered as what it is");
    }
    proxy.set(Mode::Through);
    assert!(proxy.cut() > 20, "{} were cut", proxy.cut());
    assert_eq!(number(&db).await, WRITES);
    let sql = "SELECT COUNT(*) AS events FROM aurareels_events";
    let events = db.read().await.unwrap().fetch_optional(sql, &[]).await.unwrap().unwrap();
    assert_eq!(events.int("events").unwrap(), WRITES);
    db.close().await;
}

async fn reading_and_writing_go_on_when_the_server_is_back(kind: Kind) {
    let Some((db, proxy, _private)) = behind_a_proxy(kind).await else { return };
    db.write(async |tx| tx.execute(SET, &params!["number", "7"]).await).await.unwrap();
    // Several connections of each sort.
    join_all((0..6).map(|_| number(&db))).await;
    proxy.set(Mode::Away);
    let waits = db.write(async |tx| tx.execute(CHANGE, &params!["8", "number"]).await);
    let back = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert!(matches!(db.delay(Duration::from_secs(1)), Ailment::Away(_)), "health says so");
        proxy.set(Mode::Through);
    };
    let (written, ()) = tokio::join!(waits, back);
    assert_eq!(written.expect("it waited for the server"), 1);
    assert_eq!(number(&db).await, 8);
    assert!(matches!(db.delay(Duration::from_secs(1)), Ailment::Slow(_)), "health says that it is back");
    db.close().await;
}

/// The columns of the core's tables, without those tables that only some databases have.
async fn columns(db: &Db, sql: &str) -> BTreeSet<String> {
    let rows = db.read().await.unwrap().fetch_all(sql, &[]).await.unwrap();
    let columns = rows.iter().map(|row| (row.text("name").unwrap(), row.text("col").unwrap()));
    let own = ["aurareels_migrations", "aurareels_writers", "aurareels_locks"];
    columns
        .filter(|(table, _)| !own.contains(&table.as_str()))
        .map(|(table, column)| format!("{table}.{column}"))
        .collect()
}

async fn every_column_of_sqlite_is_there_and_no_other(kind: Kind) {
    let Some(private) = Private::make(kind, "").await else { return };
    let directory = tempfile::tempdir().unwrap();
    let sqlite = Db::open(&Place::from(Store::default_url(directory.path()).as_str())).await.unwrap();
    let server = Db::open(&private.place).await.unwrap();
    for db in [&sqlite, &server] {
        db.migrate().await.unwrap();
    }
    let of_sqlite = "SELECT m.name AS name, p.name AS col FROM sqlite_master m JOIN pragma_table_info(m.name) p \
                     WHERE m.type = 'table' AND m.name LIKE 'aurareels%'";
    let schema = if kind == Kind::Postgres { "current_schema()" } else { "DATABASE()" };
    let of_server = format!(
        "SELECT table_name AS name, column_name AS col FROM information_schema.columns WHERE table_schema = {schema}"
    );
    assert_eq!(columns(&server, &of_server).await, columns(&sqlite, of_sqlite).await);
    sqlite.close().await;
    server.close().await;
}

async fn six_that_start_at_once_all_come_up(kind: Kind) {
    let Some(private) = Private::make(kind, "several_").await else { return };
    let start = async || {
        let db = Db::open(&private.place).await?;
        let migrated = db.migrate().await;
        db.close().await;
        migrated
    };
    for outcome in join_all((0..6).map(|_| start())).await {
        outcome.expect("each of them comes up");
    }
}

async fn a_commit_of_another_core_is_heard(kind: Kind) {
    let Some(private) = Private::make(kind, "").await else { return };
    let (one, other) = (Db::open(&private.place).await.unwrap(), Db::open(&private.place).await.unwrap());
    one.migrate().await.unwrap();
    for (db, name) in [(&one, "one"), (&other, "other")] {
        let core = "INSERT INTO aurareels_cores (token, name, key_id, seen_at) VALUES (?, ?, 'k', ?)";
        let values = params![name, name, chrono::DateTime::from_timestamp_micros(4_000_000_000_000_000).unwrap()];
        db.write(async move |tx| tx.execute(core, &values).await).await.unwrap();
    }
    let mut events = other.events_committed();
    let heard = async {
        // What is missed while it begins to listen is made good for by the first look.
        loop {
            events.mark_unchanged();
            one.write(async |tx| {
                tx.insert_events(EVENT, &params![1_i64, chrono::DateTime::UNIX_EPOCH], 1).await?;
                tx.note_schedule(chrono::DateTime::UNIX_EPOCH);
                Ok(())
            })
            .await
            .unwrap();
            if tokio::time::timeout(Duration::from_secs(1), events.changed()).await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), heard).await.expect("the other core's event was not heard of");
    one.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_named_as_such_and_taken_up_when_it_is_promoted() {
    let Some(private) = Private::make(Kind::Postgres, "").await else { return };
    let db = Db::open(&private.place).await.unwrap();
    db.migrate().await.unwrap();
    let options: sqlx::postgres::PgConnectOptions = private.place.url.parse().unwrap();
    let mut operator = options.connect().await.unwrap();
    let name = private.place.url.rsplit_once('/').unwrap().1.to_owned();
    let set = |on: &str| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("ALTER DATABASE {name} SET default_transaction_read_only = {on}")))
    };
    operator.execute(set("on")).await.unwrap();
    let write = |name: &'static str| db.write(async move |tx| tx.execute(SET, &params![name, "x"]).await);
    assert!(matches!(write("refused").await, Err(Error::Sick(Ailment::Replica))));
    assert!(db.lost().load(std::sync::atomic::Ordering::Acquire), "nothing is sent meanwhile");
    operator.execute("SET default_transaction_read_only = off").await.unwrap();
    operator.execute(set("off")).await.unwrap();
    operator.close().await.unwrap();
    write("taken").await.expect("the server takes writes again");
    assert!(!db.lost().load(std::sync::atomic::Ordering::Acquire));
    db.close().await;
}

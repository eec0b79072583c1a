//! The original's tables beside ours on MariaDB: docs/original-tables.md lists each difference with its reason, and no other.

use std::collections::BTreeMap;

use aurareels_tests::{
    server::{Private, Server},
    world::{ENCRYPTION_KEY, testdata},
};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, Row as _};

use crate::process::run;

/// How MariaDB writes that a text compares by bytes.
const BY_BYTES: &str = " CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";

/// A table's columns, keys and constraints in their order, each with its definition.
type Parts = Vec<(String, String)>;

async fn connect(private: &Private) -> MySqlConnection {
    MySqlConnection::connect(&private.url()).await.expect("a connection")
}

/// A definition without the comment at its end.
fn without_comment(line: &str) -> &str {
    line.find(" COMMENT '").map_or(line, |at| &line[..at])
}

/// What the server says of a table.
async fn parts(connection: &mut MySqlConnection, table: &str) -> Parts {
    let sql = format!("SHOW CREATE TABLE wp_aurareels_social_{table}");
    let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(connection).await.expect("a table");
    let text: String = row.get_unchecked(1);
    let lines = text.lines().skip(1).map(str::trim).filter(|line| !line.starts_with(')'));
    lines
        .map(|line| {
            let line = without_comment(line.trim_end_matches(',')).replace(BY_BYTES, " (bytes)");
            let mut words = line.split('`');
            let (kind, name) = (words.next().expect("a word").trim(), words.next().expect("a name"));
            let (kind, name) = match kind {
                "" => ("column", name),
                "PRIMARY KEY (" => ("PRIMARY KEY", ""),
                kind => (kind, name),
            };
            let what = format!("{kind} {name}").trim_end().to_owned();
            let length = if kind == "PRIMARY KEY" {
                kind.len()
            } else {
                line.find(&format!("`{name}`")).expect("it") + name.len() + 2
            };
            (what, line[length..].trim().replace('`', ""))
        })
        .collect()
}

/// The rows of a table's section: what, the original's definition (empty for an addition), ours, why.
fn listed(text: &str, table: &str) -> Vec<[String; 4]> {
    let heading = format!("## aurareels_social_{table}\n");
    let section = text.split_once(&heading).expect("a section").1.split("\n## ").next().expect("its text");
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what |"));
    rows.map(|row| {
        let cells: Vec<_> =
            row.trim_matches('|').split(" |").map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
        cells.try_into().unwrap_or_else(|cells| panic!("four cells: {cells:?}"))
    })
    .collect()
}

/// Whether a definition of ours holds whatever the original's does: for an index, its columns first.
fn holds(what: &str, was: &str, is: &str) -> bool {
    !what.contains("KEY") || is.starts_with(was.trim_end_matches(')'))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_originals_tables_differ_from_ours_by_what_is_listed() {
    let Some(theirs) = Private::on(Server::Mysql).await else { return };
    let ours = theirs.another().await;
    let mut original = connect(&theirs).await;
    let sql = std::fs::read_to_string(testdata("original_tables.sql")).expect("SQL");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut original).await.expect("the original's tables");
    let directory = tempfile::tempdir().expect("a directory");
    let settings = [
        ("AURAREELS_DATABASE_URL", ours.url()),
        ("AURAREELS_TABLE_PREFIX", "wp_".to_owned()),
        ("AURAREELS_DATA_DIR", directory.path().display().to_string()),
        ("AURAREELS_SOCIAL_ENCRYPTION_KEY", ENCRYPTION_KEY.to_owned()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    let migrated = run(&BTreeMap::from(settings), &["migrate"]).await;
    assert!(migrated.status.success(), "{migrated:?}");
    let mut own = connect(&ours).await;
    let list = std::fs::read_to_string(testdata("../../docs/original-tables.md")).expect("the list");
    for table in ["accounts", "posts", "analytics"] {
        let (was, is) = (parts(&mut original, table).await, parts(&mut own, table).await);
        assert!(was.len() > 10 && is.len() >= was.len(), "{was:#?} {is:#?}");
        let columns = |parts: &Parts| -> Vec<String> {
            parts.iter().filter(|(what, _)| what.starts_with("column")).map(|(what, _)| what.clone()).collect()
        };
        let first = columns(&was);
        assert_eq!(columns(&is)[..first.len()], first, "the original's columns come first, in its order");
        let mut differences = Vec::new();
        let before: BTreeMap<_, _> = was.iter().cloned().collect();
        for (what, definition) in &is {
            match before.get(what) {
                Some(same) if same == definition => {}
                other => differences.push([what.clone(), other.cloned().unwrap_or_default(), definition.clone()]),
            }
        }
        let now: BTreeMap<_, _> = is.into_iter().collect();
        for (what, definition) in &was {
            let here = now.get(what).unwrap_or_else(|| panic!("{table}: {what} of the original's is missing"));
            assert!(holds(what, definition, here), "{table}: {what} was {definition}, is {here}");
        }
        let listed = listed(&list, table);
        assert!(listed.iter().all(|[_, _, _, why]| !why.is_empty()), "each difference has its reason: {listed:#?}");
        let listed: Vec<_> = listed.into_iter().map(|[what, was, is, _]| [what, was, is]).collect();
        assert_eq!(listed, differences, "docs/original-tables.md does not say of {table} what the server says");
    }
    own.close().await.expect("closed");
    original.close().await.expect("closed");
}

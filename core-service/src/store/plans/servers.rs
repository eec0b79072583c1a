//! The same on PostgreSQL and MariaDB: every table is filled, then the server says how it would run each statement that was
//! recorded, with the values that it ran with. A statement that reads a table or an index from end to end is found.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{LazyLock, Mutex, PoisonError},
};

use sqlx::{AssertSqlSafe, Connection, Row as _};

use super::{READS_FROM_THE_START, run_all};
use crate::store::db::{Kind, Row, Value, testing::Private};

/// Before the names of the tables that statements are recorded of. Other tests of this process have others.
const PREFIX: &str = "plans_";

/// Users and accounts among whom the copies of the rows are spread.
const USERS: i64 = 1000;

/// Between the numbers of one copy and the next.
const STEP: i64 = 1000;

/// Tables that stay as small as they are in use.
const SMALL: &[&str] =
    &["migrations", "lineages", "writers", "cores", "settings", "encryption_keys", "app_budgets", "locks"];

/// Numbers that name a row of another table.
const NAMES_A_ROW: &[&str] = &[
    "id",
    "post_id",
    "social_post_id",
    "endpoint_id",
    "message_id",
    "webhook_id",
    "delivery_id",
    "sequence",
    "event_sequence",
];

/// Numbers of users and accounts.
const NAMES_AN_OWNER: &[&str] = &["wp_user_id", "social_account_id", "account_id", "reconnect_account_id"];

/// Words of a fixed list.
const WORDS: &[&str] = &["platform", "step", "budget", "day", "kind"];

/// Indexes of few rows: of what is claimed or marked.
const FEW: &[&str] = &["aurareels_claims", "aurareels_looked_up", "aurareels_open_posts", "aurareels_not_searchable"];

static SEEN: LazyLock<Mutex<BTreeMap<String, Vec<Value>>>> = LazyLock::new(Mutex::default);

/// Called for every statement of a test build.
pub(in crate::store) fn record(sql: &str, values: &[Value]) {
    let is_read_or_change = ["SELECT", "UPDATE", "DELETE"].iter().any(|word| sql.starts_with(word));
    if is_read_or_change && sql.contains(PREFIX) {
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).entry(sql.to_owned()).or_insert_with(|| values.to_vec());
    }
}

/// A connection past the store.
enum Direct {
    Postgres(sqlx::PgConnection),
    Mysql(sqlx::MySqlConnection),
}

/// A column, as the server describes it.
struct Column {
    name: String,
    kind: String,
    length: Option<i64>,
}

impl Direct {
    async fn to(private: &Private, kind: Kind) -> Self {
        match kind {
            Kind::Postgres => Self::Postgres(sqlx::PgConnection::connect(&private.place.url).await.unwrap()),
            Kind::Mysql => Self::Mysql(sqlx::MySqlConnection::connect(&private.place.url).await.unwrap()),
        }
    }

    async fn run(&mut self, sql: &str) {
        let raw = sqlx::raw_sql(AssertSqlSafe(sql));
        let outcome = match self {
            Self::Postgres(connection) => raw.execute(connection).await.map(drop),
            Self::Mysql(connection) => raw.execute(connection).await.map(drop),
        };
        outcome.unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// Rows of texts.
    async fn texts(&mut self, sql: &str, columns: usize) -> Vec<Vec<String>> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql));
        macro_rules! texts {
            ($connection:expr) => {
                query
                    .fetch_all($connection)
                    .await
                    .unwrap()
                    .iter()
                    .map(|row| {
                        (0..columns).map(|at| row.try_get_unchecked::<String, _>(at).unwrap_or_default()).collect()
                    })
                    .collect()
            };
        }
        match self {
            Self::Postgres(connection) => texts!(connection),
            Self::Mysql(connection) => texts!(connection),
        }
    }

    async fn columns(&mut self) -> BTreeMap<String, Vec<Column>> {
        let (schema, text) = match self {
            Self::Postgres(_) => ("current_schema()", "TEXT"),
            Self::Mysql(_) => ("DATABASE()", "CHAR"),
        };
        let sql = format!(
            "SELECT CAST(table_name AS {text}), CAST(column_name AS {text}), CAST(data_type AS {text}), \
             COALESCE(CAST(character_maximum_length AS {text}), '') FROM information_schema.columns \
             WHERE table_schema = {schema} ORDER BY table_name, ordinal_position"
        );
        let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
        for row in self.texts(&sql, 4).await {
            let [table, name, kind, length] = row.try_into().unwrap();
            tables.entry(table).or_default().push(Column { name, kind, length: length.parse().ok() });
        }
        tables
    }

    /// The columns of unique indexes, with their tables.
    async fn unique(&mut self) -> BTreeSet<(String, String)> {
        let sql = match self {
            Self::Postgres(_) => {
                "SELECT c.relname::TEXT, a.attname::TEXT FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) WHERE i.indisunique"
            }
            Self::Mysql(_) => {
                "SELECT table_name, column_name FROM information_schema.statistics WHERE non_unique = 0 AND table_schema = DATABASE()"
            }
        };
        self.texts(sql, 2).await.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
    }

    /// What a column is in the copy `n` of a row.
    fn copied(&self, table: &str, column: &Column, is_unique: bool) -> String {
        let Column { name, kind, length } = column;
        let is_postgres = matches!(self, Self::Postgres(_));
        let is_number = kind.contains("int");
        let is_text = kind.contains("char") || kind.contains("text");
        let is_account = table.ends_with("social_accounts") && name == "id";
        if is_number && NAMES_AN_OWNER.contains(&name.as_str()) && !is_account {
            return format!("s.{name} + (n % {USERS}) * {STEP}");
        }
        if is_number && (is_unique || NAMES_A_ROW.contains(&name.as_str())) {
            return format!("s.{name} + n * {STEP}");
        }
        if name == "is_active" {
            return "CASE WHEN n % 50 = 0 THEN 0 ELSE 1 END".to_owned();
        }
        if kind.contains("time") {
            let by = if is_postgres { "n * INTERVAL '1 minute'" } else { "INTERVAL n MINUTE" };
            return format!("s.{name} + {by}");
        }
        let names_one = ["_id", "_key", "_hash", "token"].iter().any(|end| name.ends_with(end));
        if is_text && (is_unique || names_one) && !WORDS.contains(&name.as_str()) {
            let length = length.unwrap_or(255).min(255);
            return if is_postgres {
                format!("LEFT(n || '-' || s.{name}, {length})")
            } else {
                format!("LEFT(CONCAT(n, '-', s.{name}), {length})")
            };
        }
        format!("s.{name}")
    }

    /// A row for a table that has none.
    async fn add_one(&mut self, table: &str, columns: &[Column]) {
        let value = |column: &Column| match (column.name.as_str(), column.kind.as_str()) {
            (_, kind) if kind.contains("time") => "CURRENT_TIMESTAMP",
            (_, kind) if !kind.contains("char") && !kind.contains("text") && kind != "enum" => "1",
            ("platform", _) => "'tiktok'",
            ("class", _) => "'read'",
            ("outcome", _) => "'accepted'",
            ("bound_by", _) => "'answer'",
            ("status", _) => "'pending'",
            _ => "'x'",
        };
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let values: Vec<&str> = columns.iter().map(value).collect();
        let own_id = if matches!(self, Self::Postgres(_)) { " OVERRIDING SYSTEM VALUE" } else { "" };
        self.run(&format!("INSERT INTO {table} ({}){own_id} VALUES ({})", names.join(", "), values.join(", "))).await;
    }

    /// Copies the rows of each table until there are so many.
    async fn fill(&mut self, posts: i64, others: i64) {
        let is_postgres = matches!(self, Self::Postgres(_));
        // Parents may come after their children.
        self.run(if is_postgres { "SET session_replication_role = replica" } else { "SET foreign_key_checks = 0" })
            .await;
        let unique = self.unique().await;
        for (table, columns) in self.columns().await {
            if SMALL.iter().any(|small| table.ends_with(&format!("aurareels_{small}"))) {
                continue;
            }
            let count = self.texts(&format!("SELECT CAST(COUNT(*) AS CHAR(20)) FROM {table}"), 1).await;
            let mut there: i64 = count[0][0].trim().parse().unwrap();
            let wanted = match table.trim_start_matches(PREFIX) {
                "aurareels_social_posts" => posts,
                "aurareels_social_accounts" => USERS,
                _ => others,
            };
            if there == 0 {
                self.add_one(&table, &columns).await;
                there = 1;
            }
            let copies = wanted / there;
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let values = columns
                .iter()
                .map(|column| self.copied(&table, column, unique.contains(&(table.clone(), column.name.clone()))));
            let values: Vec<String> = values.collect();
            let (into, numbers) = if is_postgres {
                (" OVERRIDING SYSTEM VALUE", format!("generate_series(1, {copies}) AS g(n)"))
            } else {
                ("", format!("(SELECT seq AS n FROM seq_1_to_{copies}) AS g"))
            };
            let sql = format!(
                "INSERT INTO {table} ({}){into} SELECT {} FROM {table} s CROSS JOIN {numbers}",
                names.join(", "),
                values.join(", ")
            );
            self.run(&sql).await;
            self.run(&if is_postgres { format!("ANALYZE {table}") } else { format!("ANALYZE TABLE {table}") }).await;
        }
    }

    /// Tables of which the server should read a part.
    async fn large(&mut self, least: i64) -> BTreeSet<String> {
        let mut large = BTreeSet::new();
        for table in self.columns().await.into_keys() {
            let count = self.texts(&format!("SELECT CAST(COUNT(*) AS CHAR(20)) FROM {table}"), 1).await;
            if count[0][0].trim().parse::<i64>().unwrap() >= least {
                large.insert(table);
            }
        }
        large
    }
}

/// A statement as it stands in the source.
fn plain(sql: &str) -> String {
    let mut text = String::new();
    let mut parts = sql.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        text.push('?');
        text.push_str(part.trim_start_matches(|letter: char| letter.is_ascii_digit()));
    }
    text.replace(PREFIX, "")
}

/// What a plan of PostgreSQL reads of a large table from end to end.
fn whole_reads_of_postgres(rows: &[Row], large: &BTreeSet<String>, stops: bool) -> Vec<String> {
    let plan: Vec<String> = rows.iter().map(|row| row.text("QUERY PLAN").unwrap()).collect();
    let is_node = |line: &String| line.contains("(cost=");
    let is_whole = |(at, node): &(usize, &String)| {
        let mut about = plan[at + 1..].iter().take_while(|line| !is_node(line));
        let reads_index = node.contains("Index Scan using") || node.contains("Index Only Scan using");
        let is_few = FEW.iter().any(|index| node.contains(&format!(" using {PREFIX}{index} ")));
        let is_whole_index = reads_index && !about.any(|line| line.trim_start().starts_with("Index Cond:"));
        node.contains("Seq Scan on") || is_whole_index && !is_few && !stops
    };
    let is_large = |node: &str| large.iter().any(|table| node.contains(&format!(" on {table} ")));
    let nodes = plan.iter().enumerate().filter(|(_, line)| is_node(line));
    let found = nodes.filter(is_whole).filter(|(_, node)| is_large(node));
    found.map(|(_, node)| format!("{node}\n  of {}\n", plan.join("\n     "))).collect()
}

/// What a plan of MariaDB reads from end to end.
fn whole_reads_of_mysql(rows: &[Row], stops: bool) -> Vec<String> {
    let reads = rows.iter().filter_map(|row| {
        let text = |name| row.opt_text(name).unwrap().unwrap_or_default();
        let (way, table, key) = (text("type"), text("table"), text("key"));
        // Results of subqueries, and what is small.
        let is_few = table.starts_with('<') || SMALL.iter().any(|small| table == format!("{PREFIX}aurareels_{small}"));
        let is_whole = way == "ALL" || way == "index" && !stops;
        (is_whole && !is_few).then(|| format!("{way} {table} {key} {}", text("Extra")))
    });
    reads.collect()
}

async fn every_statement_uses_an_index(kind: Kind, posts: i64, others: i64) {
    let Some(private) = Private::make(kind, PREFIX).await else { return };
    let store = run_all(&private.place).await;
    let statements = SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(statements.len() > 90, "only {} statements were seen", statements.len());
    let mut direct = Direct::to(&private, kind).await;
    direct.fill(posts, others).await;
    let large = direct.large(others / 2).await;
    let is_large = |name: &str| large.iter().any(|table| table == name);
    assert!(is_large("plans_aurareels_social_posts") && large.len() > 20, "{large:?}");
    let mut reader = store.db.read().await.unwrap();
    if kind == Kind::Postgres {
        // Where there is an index that serves, it is taken.
        reader.fetch_all("SET enable_seqscan = off", &[]).await.unwrap();
    }
    let mut reads_of = async |sql: &str, values: &[Value]| {
        // An index may be read in its order until the limit is reached.
        let stops = ["LIMIT ", "MIN(", "MAX("].iter().any(|word| sql.contains(word));
        let rows = reader.fetch_all(&format!("EXPLAIN {sql}"), values).await;
        let rows = rows.unwrap_or_else(|error| panic!("{error:?}: {sql}"));
        match kind {
            Kind::Postgres => whole_reads_of_postgres(&rows, &large, stops),
            Kind::Mysql => whole_reads_of_mysql(&rows, stops),
        }
    };
    let without_index = format!("SELECT id FROM {PREFIX}aurareels_social_posts WHERE full_caption = 'x'");
    assert_eq!(reads_of(&without_index, &[]).await.len(), 1, "what has no index is found");
    let mut found = BTreeSet::new();
    for (sql, values) in &statements {
        let text = plain(sql);
        if !READS_FROM_THE_START.iter().any(|known| text.starts_with(known)) {
            found.extend(reads_of(sql, values).await.into_iter().map(|read| format!("{read}: {text}")));
        }
    }
    let found: Vec<String> = found.into_iter().collect();
    assert!(found.is_empty(), "{} statements read whole tables:\n{}", found.len(), found.join("\n"));
    drop(reader);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_uses_an_index_on_postgres() {
    every_statement_uses_an_index(Kind::Postgres, 20_000, 2_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_uses_an_index_on_mysql() {
    every_statement_uses_an_index(Kind::Mysql, 20_000, 2_000).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: fills the tables of a server with a million rows"]
async fn every_statement_uses_an_index_among_a_million_posts_on_postgres() {
    every_statement_uses_an_index(Kind::Postgres, 1_000_000, 100_000).await;
}

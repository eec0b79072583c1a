//! The statements of a core as its server logs them: what it was sent, and what each took there.
//!
//! The server has to be one that only measures: logging is switched on for all of it. PostgreSQL needs its logging collector,
//! MariaDB logs sessions that begin later, so a core is started after [`Log::begin`].

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use aurareels_tests::server::{Private, Server};

use super::connection::Connection;

/// A statement.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    pub(super) session: String,
    /// MariaDB: with its values.
    pub(super) text: String,
    /// PostgreSQL: its values, as literals.
    pub(super) values: Vec<String>,
    pub(super) took_ms: f64,
}

impl Logged {
    /// The statement with its values in it.
    pub(super) fn filled(&self) -> String {
        let numbered = self.values.iter().enumerate().rev();
        numbered.fold(self.text.clone(), |text, (index, value)| text.replace(&format!("${}", index + 1), value))
    }
}

/// The log of one database, read by a connection of its own to another one, of which nothing is counted.
pub(super) struct Log {
    connection: Connection,
    database: String,
    /// How far it was read: bytes, or rows.
    read: usize,
    _beside: Private,
}

impl Log {
    pub(super) async fn begin(server: Server, database: &str) -> Result<Self> {
        let beside = Private::on(server).await.context("no server was started")?;
        let mut connection = Connection::to(server, &beside.url()).await?;
        match server {
            Server::Postgres => {
                let collects = connection.value("SHOW logging_collector").await?;
                ensure!(collects == "on", "logging_collector is {collects}: what is sent cannot be read");
                connection.run("ALTER SYSTEM SET log_min_duration_statement = 0").await?;
                connection.run("ALTER SYSTEM SET log_line_prefix = '%p %d '").await?;
                // One file, however long it becomes.
                connection.run("ALTER SYSTEM SET log_rotation_size = 0").await?;
                connection.run("ALTER SYSTEM SET log_rotation_age = 0").await?;
                connection.run("SELECT pg_reload_conf()").await?;
            }
            Server::Mysql => {
                let on = "SET GLOBAL log_output = 'TABLE', GLOBAL long_query_time = 0, GLOBAL slow_query_log = 1";
                connection.run(on).await?;
            }
        }
        let database = database.rsplit('/').next().unwrap_or_default().to_owned();
        let mut log = Self { connection, database, read: 0, _beside: beside };
        log.taken().await?;
        Ok(log)
    }

    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// What was logged since the last time, by one statement.
    pub(super) async fn taken(&mut self) -> Result<Vec<Logged>> {
        match self.connection.server() {
            Server::Postgres => {
                let sql = format!("SELECT pg_read_file(pg_current_logfile(), {}, 1000000000)", self.read);
                let text = self.connection.value(&sql).await?;
                // Up to the last whole line.
                let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
                self.read += whole.len();
                Ok(of_lines(whole, &self.database))
            }
            Server::Mysql => {
                let sql = format!(
                    "SELECT thread_id, sql_text, TIME_TO_SEC(query_time) FROM mysql.slow_log WHERE db = '{}' LIMIT {}, 1000000000",
                    self.database, self.read
                );
                let rows = self.connection.rows(&sql).await?;
                self.read += rows.len();
                rows.into_iter()
                    .map(|row| {
                        let [session, text, seconds] = <[String; 3]>::try_from(row).ok().context("three columns")?;
                        Ok(Logged { session, text, values: Vec::new(), took_ms: seconds.parse::<f64>()? * 1000.0 })
                    })
                    .collect()
            }
        }
    }

    /// Switches it off.
    pub(super) async fn end(mut self) -> Result<()> {
        match self.connection.server() {
            Server::Postgres => {
                self.connection.run("ALTER SYSTEM RESET log_min_duration_statement").await?;
                self.connection.run("SELECT pg_reload_conf()").await
            }
            Server::Mysql => self.connection.run("SET GLOBAL slow_query_log = 0; TRUNCATE TABLE mysql.slow_log").await,
        }
    }
}

/// The statements of a database in lines of PostgreSQL's log, with what parsing and binding them took.
fn of_lines(lines: &str, database: &str) -> Vec<Logged> {
    let mut statements: Vec<Logged> = Vec::new();
    let mut before: HashMap<&str, f64> = HashMap::new();
    for line in lines.lines() {
        let mut words = line.splitn(3, ' ');
        let (Some(session), Some(of), Some(rest)) = (words.next(), words.next(), words.next()) else { continue };
        if of != database {
            continue;
        }
        if let Some(values) =
            rest.strip_prefix("DETAIL:  parameters: ").or_else(|| rest.strip_prefix("DETAIL:  Parameters: "))
        {
            let last = statements.iter_mut().rev().find(|statement| statement.session == session);
            // Those of the next one are told when they are bound, and again when it has run.
            if let Some(statement) = last.filter(|statement| statement.values.is_empty()) {
                statement.values = values_of(values);
            }
            continue;
        }
        let Some((took, what)) = rest.strip_prefix("LOG:  duration: ").and_then(|rest| rest.split_once(" ms  ")) else {
            continue;
        };
        let took_ms: f64 = took.parse().unwrap_or_default();
        let Some((kind, text)) = what.split_once(": ") else { continue };
        if kind.starts_with("parse") || kind.starts_with("bind") {
            *before.entry(session).or_default() += took_ms;
            continue;
        }
        let took_ms = took_ms + before.remove(session).unwrap_or_default();
        statements.push(Logged { session: session.to_owned(), text: text.to_owned(), values: Vec::new(), took_ms });
    }
    statements
}

/// `$1 = 'a', $2 = NULL`: quotes within are doubled.
fn values_of(text: &str) -> Vec<String> {
    let (mut values, mut value, mut quoted) = (Vec::new(), String::new(), false);
    for character in text.chars() {
        quoted ^= character == '\'';
        if character == ',' && !quoted {
            values.push(std::mem::take(&mut value));
        } else {
            value.push(character);
        }
    }
    values.push(value);
    values.iter().filter_map(|value| value.split_once(" = ")).map(|(_, value)| value.to_owned()).collect()
}

//! What an idle core asks of its server: by the server's own counters, and which statements they are, by its log.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context, Result};
use aurareels_simulator::{Options, Simulator};
use aurareels_tests::server::{Private, Server};
use tokio::time::{Instant, sleep};

use super::log::Log;
use crate::core::Core;

/// After its start, a core is no longer busy with it.
const SETTLE: Duration = Duration::from_secs(15);

/// How long the server counts.
const COUNTED: Duration = Duration::from_secs(60);

/// Letters of a statement that are shown.
const SHOWN: usize = 100;

pub(super) async fn run(binary: &Path, server: Server) -> Result<()> {
    let database = Private::on(server).await.context("no server was started")?;
    let simulator = Simulator::start(Options::default()).await?;
    let url = database.url();
    let mut log = Log::begin(server, &url).await?;
    let core = Core::start(binary, &simulator, &[("AURAREELS_DATABASE_URL", &url)]).await?;
    sleep(SETTLE).await;
    let before = count(&mut log, &url).await?;
    log.taken().await?;
    let begun = Instant::now();
    sleep(COUNTED).await;
    let statements = log.taken().await?;
    let counted = count(&mut log, &url).await? - before;
    // MariaDB counts of all databases: the log's two readings, and the second question for the count.
    let counted = if server == Server::Mysql { counted - 3 } else { counted };
    let seconds = begun.elapsed().as_secs_f64();
    let what = match server {
        Server::Postgres => "transactions (pg_stat_database)",
        Server::Mysql => "statements (Questions)",
    };
    println!("\n## An idle core, {server:?}\n");
    println!("| over {seconds:.0} s | in all | per second |\n|---|---|---|");
    println!("| {what} | {counted} | {:.2} |", counted as f64 / seconds);
    println!("| statements (log) | {} | {:.2} |", statements.len(), statements.len() as f64 / seconds);
    let mut by_text: BTreeMap<String, usize> = BTreeMap::new();
    for statement in &statements {
        *by_text.entry(without_values(&statement.text).chars().take(SHOWN).collect()).or_default() += 1;
    }
    let mut by_text: Vec<_> = by_text.into_iter().collect();
    by_text.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    println!("\n| times | statement |\n|---|---|");
    for (text, count) in by_text {
        println!("| {count} | `{}` |", text.replace('|', "\\|"));
    }
    drop(core);
    log.end().await?;
    simulator.shutdown().await;
    Ok(())
}

/// A statement with `?` for each number, and with nothing in its quotes.
fn without_values(text: &str) -> String {
    let (mut plain, mut is_quoted) = (String::new(), false);
    for character in text.chars() {
        is_quoted ^= character == '\'';
        match character {
            '\'' => plain.push(character),
            _ if is_quoted => {}
            _ if !character.is_ascii_digit() => plain.push(character),
            _ if !plain.ends_with('?') => plain.push('?'),
            _ => {}
        }
    }
    plain
}

/// What the server has counted: of this database, or of itself.
async fn count(log: &mut Log, url: &str) -> Result<i64> {
    let name = url.rsplit('/').next().unwrap_or_default();
    let connection = log.connection();
    let sql = match connection.server() {
        // Counted when they are over, and told within a second.
        Server::Postgres => {
            format!("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{name}'")
        }
        Server::Mysql => "SHOW GLOBAL STATUS LIKE 'Questions'".to_owned(),
    };
    Ok(connection.value(&sql).await?.parse::<i64>()?)
}

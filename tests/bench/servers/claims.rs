//! A claim of 20 posts that are due, among a million that wait: what it takes on the server, as its log tells, and the plan of the
//! statement that finds them.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};
use aurareels_proto::v1::PublishPostsRequest;
use aurareels_tests::server::Server;
use tokio::time::sleep;

use super::{
    log::{Log, Logged},
    million::Million,
};
use crate::{
    client,
    stats::{ms, percentile},
};

/// Posts of a claim.
const DUE: usize = 20;

/// Times that so many become due.
const ROUNDS: usize = 20;

/// Between two of them: together less than until the first of them is looked at again.
const APART: Duration = Duration::from_secs(2);

pub(super) async fn run(binary: &Path, server: Server, posts: usize) -> Result<()> {
    let mut million = Million::make(binary, server, posts).await?;
    million.core.kill()?;
    let mut log = Log::begin(server, &million.url).await?;
    million.core.start_again().await?;
    let mut client = client::posts(&million.core).await?;
    for round in 0..ROUNDS {
        let request = PublishPostsRequest {
            accounts: million.accounts[..DUE].to_vec(),
            content: Some(client::content(&million.video, format!("due-{round}"))),
            ..PublishPostsRequest::default()
        };
        client.publish_posts(request).await?;
        sleep(APART).await;
    }
    let logged = log.taken().await?;
    million.core.kill()?;
    log.end().await?;
    let claims: Vec<Claim> = transactions(logged).into_iter().filter_map(Claim::of).collect();
    println!("\n## A claim of {DUE} posts among {posts}, {server:?}\n");
    println!("| what | times | p50 | longest |\n|---|---|---|---|");
    let row = |what: &str, took: fn(&Claim) -> f64| {
        let mut times: Vec<Duration> =
            claims.iter().map(|claim| Duration::from_secs_f64(took(claim) / 1000.0)).collect();
        let [p50, longest] = [0.5, 1.0].map(|part| ms(percentile(&mut times, part)));
        println!("| {what} | {} | {p50} | {longest} |", claims.len());
    };
    row("finding and locking them", |claim| claim.find.took_ms);
    row("claiming them", |claim| claim.update_ms);
    row("the whole transaction, its commit included", |claim| claim.all_ms);
    let claim = claims.last().context("no claim was of that many")?;
    // That many are due once more.
    let connection = &mut million.connection;
    let first: i64 = connection.value("SELECT MIN(id) FROM aurareels_social_posts").await?.parse()?;
    let (from, until) = (first + 1, first + i64::try_from(DUE)?);
    let due = "UPDATE aurareels_social_posts SET next_step_at = '2026-01-01 00:00:00' WHERE id BETWEEN";
    connection.run(&format!("{due} {from} AND {until}")).await?;
    let (begin, explain) = match server {
        // As the core's sessions that write.
        Server::Postgres => {
            ("BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL enable_seqscan = off", "EXPLAIN (ANALYZE, BUFFERS)")
        }
        Server::Mysql => ("START TRANSACTION", "ANALYZE"),
    };
    connection.run(begin).await?;
    println!("\n`{}`\n\n```", claim.find.text);
    for line in connection.rows(&format!("{explain} {}", claim.find.filled())).await? {
        println!("{}", line.join(" | "));
    }
    println!("```");
    connection.run("ROLLBACK").await?;
    million.simulator.shutdown().await;
    Ok(())
}

/// A transaction that claimed [`DUE`] posts.
struct Claim {
    find: Logged,
    update_ms: f64,
    all_ms: f64,
}

impl Claim {
    fn of(transaction: Vec<Logged>) -> Option<Self> {
        let update = transaction.iter().find(|statement| statement.text.contains("SET crash_count = crash_count +"))?;
        let filled = update.filled();
        let (_, ids) = filled.rsplit_once(" IN (")?;
        let ids: BTreeSet<&str> = ids.trim_end_matches(')').split(", ").collect();
        if ids.len() != DUE {
            return None;
        }
        let find = transaction.iter().find(|statement| statement.text.ends_with("SKIP LOCKED"))?;
        let all_ms = transaction.iter().map(|statement| statement.took_ms).sum();
        Some(Self { find: find.clone(), update_ms: update.took_ms, all_ms })
    }
}

/// The transactions that were committed.
fn transactions(logged: Vec<Logged>) -> Vec<Vec<Logged>> {
    let mut open: HashMap<String, Vec<Logged>> = HashMap::new();
    let mut committed = Vec::new();
    for statement in logged {
        let of = open.entry(statement.session.clone()).or_default();
        if ["BEGIN", "START TRANSACTION"].contains(&statement.text.as_str()) {
            of.clear();
        }
        let is_commit = statement.text == "COMMIT";
        of.push(statement);
        if is_commit {
            committed.push(std::mem::take(of));
        }
    }
    committed
}

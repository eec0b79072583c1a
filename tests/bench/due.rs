//! Many posts due in the same second: when the request that makes each of them visible reaches the platform, against the
//! time it was due.

use std::{collections::HashMap, path::Path, time::Duration};

use anyhow::{Context, Result};
use aurareels_proto::v1::{PostStatus, SchedulePostsRequest, ScheduleTime, schedule_time::Form};
use aurareels_simulator::{Filter, Host, Options, Simulator};
use aurareels_tests::server::{Private, Server};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    behind,
    client::{self, Login, connect},
    core::Core,
    servers::connection::Connection,
    stats::{ms, percentile},
};

/// Posts per account: what Instagram's quota leaves room for.
const PER_ACCOUNT: usize = 5;

/// How long before the due time the posts are made: preparing them has to be over by then.
const LEAD: TimeDelta = TimeDelta::minutes(4);

/// How long after the due time nothing is looked at.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// On SQLite, or on a database of its own on a server, which more than one core may share.
pub(crate) async fn run(
    binary: &Path,
    posts: usize,
    behind: usize,
    server: Option<Server>,
    cores: usize,
) -> Result<()> {
    let simulator = Simulator::start(Options { journal_capacity: 40 * posts, ..Options::default() }).await?;
    let database = match server {
        Some(server) => Some(Private::on(server).await.context("no server was started")?),
        None => None,
    };
    let url = database.as_ref().map(Private::url);
    let mut settings = vec![("AURAREELS_CONCURRENCY", "20000"), ("AURAREELS_POLL_FIRST_SECONDS", "5")];
    settings.extend(url.as_ref().map(|url| ("AURAREELS_DATABASE_URL", url.as_str())));
    let core = Core::start(binary, &simulator, &settings).await?;
    let accounts = connect(&core, &simulator, Login::Instagram, posts.div_ceil(PER_ACCOUNT)).await?;
    let video = format!("{}/v/bench.mp4?size=20000&duration=5", simulator.url(Host::Media));
    let mut client = client::posts(&core).await?;
    if behind > 0 {
        schedule(&client, &accounts, &video, "behind", 1, now() + TimeDelta::days(300)).await?;
        match (server, &url) {
            (Some(server), Some(url)) => {
                behind::copy_on_server(&mut Connection::to(server, url).await?, &accounts, behind - 1).await?;
            }
            _ => behind::copy_in_file(&core, &accounts, behind - 1).await?,
        }
    }
    let mut all = vec![core];
    while all.len() < cores {
        all.push(all[0].another().await?);
    }
    let begun = now();
    let due = at_full_second(begun + LEAD.max(TimeDelta::milliseconds(i64::try_from(posts)? * 8) + LEAD));
    schedule(&client, &accounts, &video, "due", posts, due).await?;
    let on = server.map_or_else(|| "SQLite".to_owned(), |server| format!("{server:?}"));
    println!("\n## {posts} posts due in the same second, {behind} scheduled behind them, {cores} cores on {on}\n");
    println!("made in {:.1} s; due {:.0} s later", (now() - begun).as_seconds_f64(), (due - now()).as_seconds_f64());
    let filter = Filter { operation: Some("meta.media_publish".to_owned()), ..Filter::default() };
    // Looking for them takes time from those who send and receive them: not while they are under way.
    tokio::time::sleep((due - now()).to_std().unwrap_or_default() + UNDER_WAY).await;
    let seen = simulator.wait_for_requests(&filter, posts as u64, Duration::from_secs(120)).await;
    let entries = simulator.requests(&filter);
    let mut late: Vec<Duration> = Vec::new();
    let mut early = 0_usize;
    let mut per_second: HashMap<i64, usize> = HashMap::new();
    for entry in &entries {
        match (entry.time - due).to_std() {
            Ok(after) => {
                *per_second.entry(i64::try_from(after.as_secs())?).or_default() += 1;
                late.push(after);
            }
            Err(_) => early += 1,
        }
    }
    let mut open = client::count(&mut client, &[PostStatus::Publishing, PostStatus::Confirming]).await?;
    for _ in 0..600 {
        if open == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        open = client::count(&mut client, &[PostStatus::Publishing, PostStatus::Confirming]).await?;
    }
    let published = client::count(&mut client, &[PostStatus::Published]).await?;
    println!("| figure | value |\n|---|---|");
    println!("| publishing requests received | {seen} |");
    println!("| before the due time | {early} |");
    println!("| due to received, p50 | {} |", ms(percentile(&mut late, 0.5)));
    println!("| due to received, p99 | {} |", ms(percentile(&mut late, 0.99)));
    println!("| due to received, longest | {} |", ms(percentile(&mut late, 1.0)));
    let left = left_within(&all).await?;
    println!("| left the cores within 0.25 s, 0.5 s, 1 s, 2 s of the due time (its `/metrics`) | {left} |");
    println!("| published | {published} |");
    println!("| visible at the platform | {} |", simulator.posts().len());
    let memory = all.iter().map(|core| Ok(format!("{:.1} MiB", core.memory_mib("VmHWM")?)));
    println!("| peak memory of each core | {} |", memory.collect::<Result<Vec<_>>>()?.join(", "));
    let cpu = all.iter().map(|core| Ok(format!("{:.1} s", core.cpu()?.as_secs_f64())));
    println!("| CPU of each core, with preparing | {} |", cpu.collect::<Result<Vec<_>>>()?.join(", "));
    drop(all);
    simulator.shutdown().await;
    Ok(())
}

/// How many visible requests were so late when they left, as the cores count them.
async fn left_within(cores: &[Core]) -> Result<String> {
    let http = client::http_client()?;
    let mut pages = String::new();
    for core in cores {
        let page = http.get(format!("{}/metrics", core.address)).send().await?.error_for_status()?;
        pages.push_str(&page.text().await?);
    }
    let of = |bound: &str| {
        let of_bound = format!("le=\"{bound}\"");
        let buckets = pages.lines().filter(|line| line.starts_with("aurareels_publish_late_seconds_bucket{"));
        let counts = buckets
            .filter(|line| line.contains(&of_bound))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        counts.sum::<u64>().to_string()
    };
    Ok(["0.25", "0.5", "1", "2"].map(of).join(", "))
}

pub(crate) async fn schedule(
    client: &client::Posts,
    accounts: &[i64],
    video: &str,
    name: &str,
    posts: usize,
    at: DateTime<Utc>,
) -> Result<()> {
    let timestamp = prost_types::Timestamp { seconds: at.timestamp(), nanos: 0 };
    let requests = (0..posts).map(|number| SchedulePostsRequest {
        accounts: vec![accounts[number % accounts.len()]],
        content: Some(client::content(video, format!("{name}-{number}"))),
        scheduled_at: Some(ScheduleTime { form: Some(Form::At(timestamp)) }),
        ..SchedulePostsRequest::default()
    });
    stream::iter(requests)
        .map(|request| {
            let mut client = client.clone();
            async move { client.schedule_posts(request).await }
        })
        .buffer_unordered(64)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    Ok(())
}

fn at_full_second(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at)
}

#[expect(clippy::disallowed_methods, reason = "the benchmark measures real time")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

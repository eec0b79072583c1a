//! Many callers that each wait for a post of their own, as workflows do, while posts change: what watching costs the core.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use aurareels_proto::v1::{
    ReschedulePostRequest, SchedulePostsRequest, ScheduleTime, WatchPostsRequest, schedule_time::Form,
};
use aurareels_simulator::{Host, Options, Simulator};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use crate::{
    client::{self, Login, connect},
    core::Core,
};

/// Posts that are watched, and changed in turn.
const POSTS: usize = 1_000;

/// Streams on one connection.
const PER_CONNECTION: usize = 100;

/// Time between two commits.
const BETWEEN: Duration = Duration::from_millis(10);

/// Commits that are measured.
const COMMITS: usize = 1_500;

/// How long watchers get for what is on its way.
const SETTLE: Duration = Duration::from_secs(3);

pub(crate) async fn run(binary: &Path) -> Result<()> {
    println!("\n## Watchers, each of one post, at 100 commits a second\n");
    println!(
        "| watchers | commits in | events received | reads of the database per commit | CPU of the core per commit |"
    );
    println!("|---|---|---|---|---|");
    for watchers in [0, 1, POSTS] {
        let simulator = Simulator::start(Options::default()).await?;
        let core = Core::start(binary, &simulator, &[]).await?;
        let account = connect(&core, &simulator, Login::Instagram, 1).await?[0];
        let video = format!("{}/v/bench.mp4?size=200000&duration=5", simulator.url(Host::Media));
        let posts = client::posts(&core).await?;
        let ids: Vec<i64> = stream::iter(0..POSTS)
            .map(|number| schedule(posts.clone(), account, &video, number))
            .buffered(32)
            .try_collect()
            .await?;
        let received = Arc::new(AtomicU64::new(0));
        let mut watching = JoinSet::new();
        for some in ids[..watchers].chunks(PER_CONNECTION) {
            let posts = client::posts(&core).await?;
            for id in some {
                let request = WatchPostsRequest { post_ids: vec![*id], ..WatchPostsRequest::default() };
                let mut events = posts.clone().watch_posts(request).await?.into_inner();
                events.message().await?.context("no first heartbeat")?;
                let received = received.clone();
                watching.spawn(async move {
                    while let Ok(Some(message)) = events.message().await {
                        received.fetch_add(u64::from(message.event.is_some()), Ordering::Relaxed);
                    }
                });
            }
        }
        sleep(SETTLE).await;
        let (reads, cpu, begun) = (reads(&core).await?, core.cpu()?, Instant::now());
        commit(&posts, &ids).await?;
        let took = begun.elapsed();
        sleep(SETTLE).await;
        let (reads, cpu) = (self::reads(&core).await? - reads, core.cpu()? - cpu);
        println!(
            "| {watchers} | {COMMITS} in {:.1} s | {} | {:.2} | {:.0} us |",
            took.as_secs_f64(),
            received.load(Ordering::Relaxed),
            reads as f64 / COMMITS as f64,
            cpu.as_secs_f64() * 1e6 / COMMITS as f64,
        );
        watching.shutdown().await;
        simulator.shutdown().await;
    }
    Ok(())
}

async fn schedule(mut posts: client::Posts, account: i64, video: &str, number: usize) -> Result<i64> {
    let request = SchedulePostsRequest {
        accounts: vec![account],
        content: Some(client::content(video, format!("watched-{number}"))),
        scheduled_at: Some(at(now() + TimeDelta::days(2))),
        ..SchedulePostsRequest::default()
    };
    let made = posts.schedule_posts(request).await?.into_inner();
    made.posts.first().map(|post| post.id).context("no post was made")
}

/// Moves one post after the other to another time, each in its turn, whether the one before is done or not.
async fn commit(posts: &client::Posts, ids: &[i64]) -> Result<()> {
    let mut turns = interval(BETWEEN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut under_way = JoinSet::new();
    for number in 0..COMMITS {
        turns.tick().await;
        let (mut posts, id) = (posts.clone(), ids[number % ids.len()]);
        let minutes = i64::try_from(number)?;
        under_way.spawn(async move {
            let scheduled_at = Some(at(now() + TimeDelta::days(3) + TimeDelta::minutes(minutes)));
            posts.reschedule_post(ReschedulePostRequest { id, scheduled_at, ..Default::default() }).await
        });
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    Ok(())
}

/// The core's own count.
async fn reads(core: &Core) -> Result<u64> {
    let page = client::http_client()?.get(format!("{}/metrics", core.address)).send().await?.text().await?;
    let count = page.lines().find_map(|line| line.strip_prefix("aurareels_store_reads_total "));
    Ok(count.context("the core does not count its reads")?.parse()?)
}

fn at(time: DateTime<Utc>) -> ScheduleTime {
    ScheduleTime { form: Some(Form::At(prost_types::Timestamp { seconds: time.timestamp(), nanos: 0 })) }
}

#[expect(clippy::disallowed_methods, reason = "the benchmark measures real time")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

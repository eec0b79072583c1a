//! Posts of a healthy platform beside another one whose uploads hang: how late the request that makes each of them visible
//! reaches the platform.

use std::{path::Path, time::Duration};

use anyhow::Result;
use aurareels_proto::v1::{PublishPostsRequest, SchedulePostsRequest, ScheduleTime, schedule_time::Form};
use aurareels_simulator::{Filter, Hold, Host, Matcher, Options, Rule, Simulator, TikTokRules};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    client::{self, connect_instagram, connect_tiktok},
    core::Core,
    stats::{ms, percentile},
};

/// Posts whose uploads hang: more than are worked on at once.
const HANGING: usize = 1_500;

/// Posts of the healthy platform, a second apart, each of an account of its own.
const HEALTHY: usize = 60;

/// From making them to the first one's time.
const LEAD: TimeDelta = TimeDelta::seconds(40);

/// How long after the last one's time they are waited for.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) async fn run(binary: &Path) -> Result<()> {
    println!("\n## {HEALTHY} posts, one a second, beside {HANGING} of another platform whose uploads hang\n");
    println!("| beside | received | p50 | p99 | longest |\n|---|---|---|---|---|");
    for hanging in [0, HANGING] {
        let options = Options { tiktok: TikTokRules::without_limits(), ..Options::default() };
        let simulator = Simulator::start(options).await?;
        let core = Core::start(binary, &simulator, &[("AURAREELS_POLL_FIRST_SECONDS", "2")]).await?;
        let accounts = connect_instagram(&core, &simulator, HEALTHY).await?;
        let tiktok = connect_tiktok(&core).await?;
        let uploads = Matcher { operation: Some("tiktok.upload*".to_owned()), ..Matcher::default() };
        simulator.add_fault(Rule { times: 0, ..Rule::hold_once(uploads, Hold::Before) });
        let posts = client::posts(&core).await?;
        let video = format!("{}/v/bench.mp4?size=20000&duration=5", simulator.url(Host::Media));
        stream::iter(0..hanging)
            .map(|number| {
                let content = Some(client::content(&video, format!("hangs-{number}")));
                let request = PublishPostsRequest { accounts: vec![tiktok], content, ..Default::default() };
                let mut posts = posts.clone();
                async move { posts.publish_posts(request).await.map(drop) }
            })
            .buffer_unordered(32)
            .try_collect::<()>()
            .await?;
        let first = now() + LEAD;
        let due = |number: usize| first + TimeDelta::seconds(i64::try_from(number).unwrap_or_default());
        stream::iter(0..HEALTHY)
            .map(|number| {
                let at = prost_types::Timestamp { seconds: due(number).timestamp(), nanos: 0 };
                let request = SchedulePostsRequest {
                    accounts: vec![accounts[number]],
                    content: Some(client::content(&video, format!("healthy-{number}"))),
                    scheduled_at: Some(ScheduleTime { form: Some(Form::At(at)) }),
                    ..SchedulePostsRequest::default()
                };
                let mut posts = posts.clone();
                async move { posts.schedule_posts(request).await.map(drop) }
            })
            .buffer_unordered(8)
            .try_collect::<()>()
            .await?;
        tokio::time::sleep((due(HEALTHY) - now()).to_std().unwrap_or_default()).await;
        let filter = Filter { operation: Some("meta.media_publish".to_owned()), ..Filter::default() };
        let received = simulator.wait_for_requests(&filter, HEALTHY as u64, PATIENCE).await;
        // In the order of their times, as they are a second apart.
        let mut arrived: Vec<DateTime<Utc>> = simulator.requests(&filter).iter().map(|entry| entry.time).collect();
        arrived.sort_unstable();
        let late = arrived.iter().enumerate().map(|(number, at)| {
            let due = DateTime::from_timestamp(due(number).timestamp(), 0).unwrap_or_default();
            (*at - due).to_std().unwrap_or_default()
        });
        let mut late: Vec<Duration> = late.collect();
        let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|part| ms(percentile(&mut late, part)));
        println!("| {hanging} | {received} of {HEALTHY} | {p50} | {p99} | {longest} |");
        simulator.shutdown().await;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the benchmark measures real time")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

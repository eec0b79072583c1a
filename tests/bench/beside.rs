//! Posts of three platforms beside a fourth that answers nothing any more: how late the request that makes each of them
//! visible reaches its platform, and the same when all four answer.

use std::{path::Path, time::Duration};

use anyhow::Result;
use aurareels_proto::v1::{PublishPostsRequest, SchedulePostsRequest, ScheduleTime, schedule_time::Form};
use aurareels_simulator::{Filter, Hold, Host, Matcher, Options, Rule, TikTokRules, YouTubeRules};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    client::{self, Login, connect},
    core::Core,
    platforms::Platforms,
    stats::{ms, percentile},
};

/// Posts of the platform that hangs: more than are worked on at once, on all of its accounts.
const HANGING: usize = 1_500;

/// Posts of each other platform, each of an account of its own.
const EACH: usize = 20;

/// Between two due times; the platforms take turns.
const APART: TimeDelta = TimeDelta::seconds(1);

/// From making them to the first one's time.
const LEAD: TimeDelta = TimeDelta::seconds(40);

/// How long after the last one's time they are waited for.
const PATIENCE: Duration = Duration::from_secs(180);

/// A platform, by its login.
struct Of {
    login: Login,
    name: &'static str,
    /// The host on which its posts are made.
    host: Host,
    /// The request that makes a post visible.
    visible: &'static str,
}

const ALL: [Of; 4] = [
    Of { login: Login::Tiktok, name: "TikTok", host: Host::TikTokApi, visible: "tiktok.upload_last_chunk" },
    Of { login: Login::Instagram, name: "Instagram", host: Host::InstagramGraph, visible: "meta.media_publish" },
    Of { login: Login::Page, name: "Facebook", host: Host::MetaGraph, visible: "meta.reel_finish" },
    Of { login: Login::Youtube, name: "YouTube", host: Host::YouTubeApi, visible: "youtube.videos_update" },
];

pub(crate) async fn run(binary: &Path) -> Result<()> {
    println!("\n## {EACH} posts each of the platforms that answer, beside {HANGING} of one that does not\n");
    println!("Received in time to be counted; p50; longest.\n");
    println!("| hangs | {} |\n|---|---|---|---|---|", ALL.map(|of| of.name).join(" | "));
    for hanging in [None, Some(0), Some(1), Some(2), Some(3)] {
        let cells = beside(binary, hanging).await?;
        println!("| {} | {} |", hanging.map_or("none", |hanging| ALL[hanging].name), cells.join(" | "));
    }
    Ok(())
}

/// What is told of each platform while one of them hangs.
async fn beside(binary: &Path, hanging: Option<usize>) -> Result<Vec<String>> {
    let options = Options {
        tiktok: TikTokRules::without_limits(),
        youtube: YouTubeRules::without_limits(),
        ..Options::default()
    };
    let simulator = Platforms::start(options).await?;
    let settings = [
        ("AURAREELS_POLL_FIRST_SECONDS", "2"),
        ("YOUTUBE_UPLOADS_PER_DAY", "1000000"),
        ("YOUTUBE_UNITS_PER_DAY", "1000000000"),
    ];
    let core = Core::start(binary, &simulator, &settings).await?;
    let mut accounts = Vec::new();
    for of in &ALL {
        accounts.push(connect(&core, &simulator, of.login, EACH).await?);
    }
    let posts = client::posts(&core).await?;
    let video = format!("{}/v/bench.mp4?size=20000&duration=5", simulator.url(Host::Media));
    if let Some(hanging) = hanging {
        let matcher = Matcher { host: Some(ALL[hanging].host), ..Matcher::default() };
        let rule = simulator.add_fault(Rule { times: 0, ..Rule::hold_once(matcher, Hold::Before) });
        stream::iter(0..HANGING)
            .map(|number| {
                let content = Some(client::content(&video, format!("hangs-{number}")));
                let accounts = vec![accounts[hanging][number % EACH]];
                let request = PublishPostsRequest { accounts, content, ..Default::default() };
                let mut posts = posts.clone();
                async move { posts.publish_posts(request).await.map(drop) }
            })
            .buffer_unordered(32)
            .try_collect::<()>()
            .await?;
        anyhow::ensure!(simulator.fault_fired(rule).is_some_and(|fired| fired > 0), "nothing hangs");
    }
    let first = now() + LEAD;
    let due = |index: usize| first + APART * i32::try_from(index).unwrap_or_default();
    let healthy = (0..EACH * ALL.len()).filter(|index| Some(index % ALL.len()) != hanging);
    stream::iter(healthy)
        .map(|index| {
            let at = prost_types::Timestamp { seconds: due(index).timestamp(), nanos: 0 };
            let request = SchedulePostsRequest {
                accounts: vec![accounts[index % ALL.len()][index / ALL.len()]],
                content: Some(client::content(&video, format!("healthy-{index}"))),
                scheduled_at: Some(ScheduleTime { form: Some(Form::At(at)) }),
                ..SchedulePostsRequest::default()
            };
            let mut posts = posts.clone();
            async move { posts.schedule_posts(request).await.map(drop) }
        })
        .buffer_unordered(8)
        .try_collect::<()>()
        .await?;
    tokio::time::sleep((due(EACH * ALL.len()) - now()).to_std().unwrap_or_default()).await;
    let mut cells = Vec::new();
    for (number, of) in ALL.iter().enumerate() {
        if Some(number) == hanging {
            cells.push("hangs".to_owned());
            continue;
        }
        let filter = Filter { operation: Some(of.visible.to_owned()), ..Filter::default() };
        let received = simulator.wait_for_requests(&filter, EACH as u64, PATIENCE).await;
        // In the order of their times, as they are seconds apart.
        let mut arrived: Vec<DateTime<Utc>> = simulator.requests(&filter).iter().map(|entry| entry.time).collect();
        arrived.sort_unstable();
        let late = arrived.iter().enumerate().map(|(turn, at)| {
            let due = DateTime::from_timestamp(due(turn * ALL.len() + number).timestamp(), 0).unwrap_or_default();
            (*at - due).to_std().unwrap_or_default()
        });
        let mut late: Vec<Duration> = late.collect();
        let [p50, longest] = [0.5, 1.0].map(|part| ms(percentile(&mut late, part)));
        cells.push(format!("{received} of {EACH}; {p50}; {longest}"));
    }
    simulator.shutdown().await;
    Ok(cells)
}

#[expect(clippy::disallowed_methods, reason = "the benchmark measures real time")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

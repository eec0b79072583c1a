//! `analytics show|sync|list`: how posts do, through a running core.

use aurareels_proto::v1;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;

use super::{
    client::{Client, Server},
    output::Output,
    show,
};
use crate::{clock::Clock, domain::platform::Platform};

/// Posts of a table.
const PAGE: i32 = 100;

#[derive(Subcommand)]
pub(super) enum Action {
    /// Show the numbers of a post and how they grew.
    Show {
        /// The post's number.
        id: i64,
    },
    /// Have the numbers of a post read now, and show them.
    Sync {
        /// The post's number.
        id: i64,
    },
    /// List the posts of the last days with their numbers, and what all posts gained in that time.
    List {
        /// Only this account.
        #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
        account: i64,
        /// Only this platform.
        #[arg(long)]
        platform: Option<Platform>,
        /// How many days back.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=400))]
        days: i64,
    },
}

pub(super) async fn run(server: Server, action: Action) -> anyhow::Result<()> {
    let out = server.output();
    let client = server.client().await?;
    act(&client, out, action).await.map_err(show::readable)
}

async fn act(client: &Client, out: Output, action: Action) -> anyhow::Result<()> {
    let mut analytics = client.analytics();
    match action {
        Action::Show { id } => {
            let found = analytics.get_post_analytics(v1::GetPostAnalyticsRequest { post_id: id }).await?.into_inner();
            out.message(&found, detail)
        }
        Action::Sync { id } => {
            let found = analytics.sync_post_analytics(v1::SyncPostAnalyticsRequest { post_id: id }).await?.into_inner();
            out.message(&found, detail)
        }
        Action::List { account, platform, days } => {
            let until = Clock::system().now();
            let mut request = v1::ListAnalyticsRequest {
                social_account_id: account,
                platform: platform.map_or(0, Platform::number),
                since: Some(timestamp(until - TimeDelta::days(days))),
                until: Some(timestamp(until)),
                page_size: PAGE,
                ..Default::default()
            };
            loop {
                let page = analytics.list_analytics(request.clone()).await?.into_inner();
                out.message(&page, listed)?;
                if page.next_page_token.is_empty() {
                    return Ok(());
                }
                request.page_token = page.next_page_token;
            }
        }
    }
}

fn timestamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.timestamp(), nanos: 0 }
}

/// A number, or nothing where the platform does not tell.
fn number(number: Option<i64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.2} %"))
}

fn cells(of: &v1::AnalyticsNumbers) -> [String; 7] {
    let v1::AnalyticsNumbers { views, likes, comments, shares, saves, reach, engagement_rate } = *of;
    let [views, likes, comments] = [views, likes, comments].map(number);
    let [shares, saves, reach] = [shares, saves, reach].map(number);
    [views, likes, comments, shares, saves, reach, rate(engagement_rate)]
}

fn row(first: String, of: Option<&v1::AnalyticsNumbers>) -> Vec<String> {
    let cells = of.map(cells).unwrap_or_default();
    std::iter::once(first).chain(cells).collect()
}

fn numbers_table(first: &str) -> comfy_table::Table {
    show::table([first, "views", "likes", "comments", "shares", "saves", "reach", "engagement"])
}

fn detail(of: &v1::PostAnalytics) -> String {
    let at = |time| show::time(time).map(show::minute);
    let mut lines = vec![format!(
        "post {} on {}, live since {}",
        of.post_id,
        show::platform(of.platform()),
        at(of.published_at).unwrap_or_default()
    )];
    let mut table = numbers_table("at");
    for point in &of.history {
        table.add_row(row(at(point.at).unwrap_or_default(), point.numbers.as_ref()));
    }
    match at(of.last_synced_at) {
        Some(read) => lines.push(format!("{table}\nread at {read}")),
        None => lines.push("its numbers were not read yet".to_owned()),
    }
    for one in &of.platform_numbers {
        lines.push(format!("  {}: {}", one.name, one.value));
    }
    match at(of.next_sync_at) {
        Some(next) => lines.push(format!("read next at {next}")),
        None => lines.push("not read any more by itself; `aurareels analytics sync` does".to_owned()),
    }
    if let Some(problem) = &of.problem {
        lines.push(format!("{}: {}; {}", problem.code, problem.message, problem.remediation));
    }
    lines.join("\n")
}

fn listed(page: &v1::ListAnalyticsResponse) -> String {
    let mut table = numbers_table("post");
    for of in &page.posts {
        let name = format!("{} {}", of.post_id, show::platform(of.platform()));
        table.add_row(row(name, of.numbers.as_ref()));
    }
    let Some(gains) = &page.gains else { return table.to_string() };
    let mut days = numbers_table("gained from");
    for step in &gains.steps {
        let at = show::time(step.at).map(show::minute).unwrap_or_default();
        days.add_row(row(at, step.numbers.as_ref()));
    }
    days.add_row(row("in all".to_owned(), gains.total.as_ref()));
    format!("{table}\n{days}")
}

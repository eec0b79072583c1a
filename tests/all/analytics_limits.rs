//! The numbers of many posts, read for a month, against the smallest limits that the platforms document. The simulator
//! counts.
//!
//! `AURAREELS_TEST_NUMBERS_POSTS=10000` runs it with as many posts, and measures what waiting costs (docs/measurements.md).

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use aurareels_proto::v1::ListAnalyticsRequest;
use aurareels_simulator::{Entry, Filter};
use aurareels_tests::{Login, User, World, is_about_files, posting::content};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use serde_json::json;

/// Posts in the default run.
const FEW: usize = 160;

/// Accounts of each login; the first has half of its posts.
const ACCOUNTS: usize = 4;

const LOGINS: [Login; 4] = [Login::Tiktok, Login::Instagram, Login::Page, Login::Youtube];

/// What a platform lets an app read.
struct Limit {
    operation: &'static str,
    span: TimeDelta,
    calls: usize,
    /// Each account is counted for itself.
    per_account: bool,
}

/// Meta's are those of an account that one person has seen: 4,800 calls in a day.
const LIMITS: [Limit; 4] = [
    Limit { operation: "tiktok.video_query", span: TimeDelta::minutes(1), calls: 600, per_account: false },
    Limit { operation: "meta.insights", span: TimeDelta::hours(1), calls: 200, per_account: true },
    Limit { operation: "meta.video_insights", span: TimeDelta::hours(1), calls: 200, per_account: true },
    Limit { operation: "youtube.videos_list", span: TimeDelta::days(1), calls: 10_000, per_account: false },
];

/// The calls of one operation, as the simulator noted them.
#[derive(Default)]
struct Calls {
    all: usize,
    refused: usize,
    /// The most within one span.
    busiest: usize,
    recent: BTreeMap<String, VecDeque<DateTime<Utc>>>,
}

impl Calls {
    fn count(&mut self, entry: &Entry, limit: &Limit) {
        let of = if limit.per_account { entry.account.clone().expect("an account") } else { String::new() };
        let recent = self.recent.entry(of).or_default();
        recent.push_back(entry.time);
        while recent.front().is_some_and(|first| *first <= entry.time - limit.span) {
            recent.pop_front();
        }
        self.all += 1;
        self.refused += usize::from(entry.sent_status.is_some_and(|status| !(200..300).contains(&status)));
        self.busiest = self.busiest.max(recent.len());
    }
}

/// Reads the simulator's journal from where it was read before.
#[derive(Default)]
struct Watch {
    after: u64,
    calls: [Calls; 4],
}

impl Watch {
    fn look(&mut self, world: &World) {
        for entry in world.sim.requests(&Filter { after: Some(self.after), ..Filter::default() }) {
            self.after = entry.number;
            let operation = LIMITS.iter().position(|limit| limit.operation == entry.operation);
            if let Some(index) = operation {
                self.calls[index].count(&entry, &LIMITS[index]);
            }
        }
    }
}

/// Publishes on a login's accounts, and answers when everything is live.
async fn publish(me: &User<'_>, login: Login, count: usize) {
    let mut accounts = Vec::new();
    for number in 0..ACCOUNTS {
        accounts.push(me.another(login, number).await);
    }
    let accounts = &accounts;
    stream::iter(0..count)
        .for_each_concurrent(32, async |number| {
            let account = if number % 2 == 0 { accounts[0] } else { accounts[number / 2 % ACCOUNTS] };
            me.publish(&[account], content(me.world, &format!("{login:?} {number}"))).await;
        })
        .await;
    loop {
        let pending = me.world.db.pending().await;
        if pending.claimed == 0 && pending.next_step_at.is_none() {
            return;
        }
        me.world.hurry(pending).await;
    }
}

/// User and system time of this process: core, simulator and test.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    // USER_HZ is 100 on every Linux that Rust runs on.
    Duration::from_millis(ticks * 10)
}

/// Prints what waiting costs while nothing is due.
async fn measure_waiting() {
    let (before, span) = (cpu(), Duration::from_secs(60));
    tokio::time::sleep(span).await;
    let share = (cpu() - before).as_secs_f64() / span.as_secs_f64() * 100.0;
    println!("waiting takes {share:.2} % of a core, with the simulator");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_readings_stays_inside_of_every_platforms_limits() {
    if is_about_files("it is about the platforms, and long") {
        return;
    }
    let asked = std::env::var("AURAREELS_TEST_NUMBERS_POSTS").ok().map(|count| count.parse().expect("a number"));
    let (posts, mut is_to_be_measured) = (asked.unwrap_or(FEW), asked.is_some());
    let plenty = "1000000";
    let mut world = World::with(&[("YOUTUBE_UPLOADS_PER_DAY", plenty), ("YOUTUBE_UNITS_PER_DAY", plenty)]).await;
    // Everything is published at once, which no platform allows; readings meet the limits.
    world.control("youtube/rules", json!({ "units_per_day": u32::MAX, "uploads_per_day": u32::MAX })).await;
    world.meta("behaviour", json!({ "set": { "container_limit": 100_000, "quota_total": 100_000 } })).await;
    world.meta("facebook/behaviour", json!({ "set": { "reels_per_day": 100_000, "processing_ms": 100 } })).await;
    let begun = Instant::now();
    for login in LOGINS {
        publish(&world.me(), login, posts / LOGINS.len()).await;
    }
    println!("{posts} posts are live after {:.0} s", begun.elapsed().as_secs_f64());
    world.stop_core().await;
    world.control("youtube/rules", json!({ "units_per_day": 10_000, "uploads_per_day": 100 })).await;
    world.meta("behaviour", json!({ "set": { "account_call_limit": 200 } })).await;
    world.meta("facebook/behaviour", json!({ "set": { "call_limit": 200 } })).await;
    world.unset("YOUTUBE_UPLOADS_PER_DAY");
    world.unset("YOUTUBE_UNITS_PER_DAY");
    world.set("AURAREELS_ANALYTICS", "on");
    let mut watch = Watch::default();
    watch.look(&world);
    watch.calls = Default::default();
    world.start_core().await;
    let (begun, from) = (Instant::now(), world.now());
    while let Some(next) = world.read_what_is_due().await {
        watch.look(&world);
        if is_to_be_measured && next - world.now() > TimeDelta::minutes(3) {
            is_to_be_measured = false;
            measure_waiting().await;
        }
        // Young posts are due at many times, and many posts use up an hour's budget.
        let together = match (world.now() - from < TimeDelta::days(2), asked) {
            (true, _) => 15,
            (false, Some(_)) => 60,
            (false, None) => 180,
        };
        world.advance_to(next.max(world.now() + TimeDelta::minutes(together)));
    }
    watch.look(&world);
    println!("{} simulated days took {:.0} s", (world.now() - from).num_days(), begun.elapsed().as_secs_f64());
    for (limit, calls) in LIMITS.iter().zip(&watch.calls) {
        let Limit { operation, span, calls: most, .. } = limit;
        let minutes = span.num_minutes();
        println!("{operation}: {} calls, {} of {most} in the busiest {minutes} minutes", calls.all, calls.busiest);
        assert!(calls.all > 0, "{operation} is counted");
        assert_eq!(calls.refused, 0, "{operation}: refused");
        assert!(calls.busiest <= *most, "{operation}: {} of {most} in {minutes} minutes", calls.busiest);
    }
    let mut request = ListAnalyticsRequest { page_size: 500, with_history: true, ..Default::default() };
    request.since = Some(aurareels_tests::posting::timestamp(from - TimeDelta::days(10)));
    let (mut all, mut readings) = (0, 0);
    loop {
        let page = world.me().analytics().list_analytics(request.clone()).await.expect("a list").into_inner();
        for post in &page.posts {
            all += 1;
            readings += post.history.len();
            assert!(post.problem.is_none() && post.next_sync_at.is_none(), "{post:#?}");
            assert!(post.history.len() >= 25, "each is read about daily: {post:#?}");
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(all, posts);
    println!("{readings} readings brought something new");
    assert_eq!(world.sim.posts().len(), posts, "readings make nothing visible");
    // A month's tokens are too many to be looked for everywhere, as other scenarios do at their end.
    world.stop_core().await;
}

//! A thousand endpoints that answer at once, beside one that hangs: from an event to its arrival at each of them.

use std::{path::Path, time::Duration};

use anyhow::{Result, ensure};
use aurareels_simulator::{Options, Simulator};
use futures_util::future::try_join_all;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{
    User,
    receiver::{Kind, Receiver},
};
use crate::{
    core::Core,
    stats::{ms, percentile},
};

const USERS: usize = 20;

/// Endpoints of each user: the most that one may have.
const ENDPOINTS: usize = 50;

/// Each goes to all endpoints of its user.
const EVENTS: usize = 200;

/// Between two events.
const APART: Duration = Duration::from_millis(200);

pub(crate) async fn run(binary: &Path) -> Result<()> {
    let good = USERS * ENDPOINTS;
    println!("\n## {good} webhook endpoints beside one that hangs; {EVENTS} events, each to {ENDPOINTS} of them\n");
    println!("| hanging | delivered | p50 | p99 | longest | requests that hang |\n|---|---|---|---|---|---|");
    for hanging in [0, 1, 0, 1] {
        measure(binary, hanging).await?;
    }
    Ok(())
}

async fn measure(binary: &Path, hanging: usize) -> Result<()> {
    let simulator = Simulator::start(Options::default()).await?;
    let core = Core::start(binary, &simulator, &[]).await?;
    let (good, hangs) = (Receiver::start(Kind::Good).await?, Receiver::start(Kind::HangsAlways).await?);
    let users = try_join_all((1..=USERS + 1).map(|number| User::new(&core, &simulator, number))).await?;
    for (number, user) in users[..USERS].iter().enumerate() {
        for endpoint in 0..ENDPOINTS {
            user.endpoint(&core, good.url(number * ENDPOINTS + endpoint), &["post.created"]).await?;
        }
    }
    for _ in 0..hanging {
        users[USERS].endpoint(&core, hangs.url(0), &["post.created"]).await?;
    }
    let mut ticks = interval(APART);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0..EVENTS {
        ticks.tick().await;
        let user = &users[number % USERS];
        user.posts.clone().create_draft(user.draft(format!("event{number}"))).await?;
        // Whoever hangs has something to do all the time, as in the run without it.
        let other = &users[USERS];
        other.posts.clone().create_draft(other.draft(format!("other{number}"))).await?;
    }
    let begun = Instant::now();
    while good.taken().len() < EVENTS * ENDPOINTS {
        ensure!(begun.elapsed() < Duration::from_secs(300), "only {} were delivered", good.taken().len());
        sleep(Duration::from_millis(100)).await;
    }
    let mut delays: Vec<Duration> = good.taken().iter().map(|taken| taken.delay).collect();
    let (p50, p99) = (percentile(&mut delays, 0.5), percentile(&mut delays, 0.99));
    let longest = percentile(&mut delays, 1.0);
    let (count, waiting) = (delays.len(), hangs.requests());
    println!("| {hanging} | {count} | {} | {} | {} | {waiting} |", ms(p50), ms(p99), ms(longest));
    simulator.shutdown().await;
    Ok(())
}

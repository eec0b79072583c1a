//! Two measurements that belong to the promise: no claim is given twice, and posts whose core was killed are taken up
//! again within the lease.

use std::{
    collections::{HashMap, HashSet},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use aurareels_core::{bootstrap, clock::Clock, config::Settings, domain::turns::Turns, store::due::Claiming};
use aurareels_simulator::{Hold, Matcher, Rule};
use chrono::TimeDelta;

use crate::{
    core::Orders,
    mode::{Mode, Upload},
    rig::{Rig, breath},
};

const AT_ONCE: Mode = Mode { upload: Upload::TiktokSingle, scheduled: false };

/// What `claims` is asked for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Claims {
    /// Claims of all processes together.
    #[arg(long, default_value_t = 100_000)]
    claims: usize,
    /// How many processes claim.
    #[arg(long, default_value_t = 2)]
    cores: usize,
    /// Posts that they claim again and again.
    #[arg(long, default_value_t = 500)]
    posts: usize,
}

impl Claims {
    /// As many as the suite wants of so many processes.
    pub(crate) fn of(cores: usize) -> Self {
        Self { claims: 100_000, cores, posts: 500 }
    }
}

/// What `claimer` is told by `claims`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Claimer {
    #[arg(long)]
    claims: usize,
    #[arg(long)]
    out: PathBuf,
}

/// What `recovery` is asked for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Recovery {
    /// Posts in flight.
    #[arg(long, default_value_t = 1_000)]
    posts: usize,
    /// Seconds of the lease.
    #[arg(long, default_value_t = 15)]
    lease: u32,
}

impl Default for Recovery {
    fn default() -> Self {
        Self { posts: 1_000, lease: 15 }
    }
}

async fn posts(rig: &mut Rig, count: usize) -> Result<()> {
    let account = rig.account(AT_ONCE).await?;
    for number in 0..count {
        rig.create(AT_ONCE, account, &format!("m{number}")).await?;
    }
    Ok(())
}

/// Some processes claim the same posts until they have had so many; true when no two held a post at the same time.
pub(crate) async fn claims(options: &Claims) -> Result<bool> {
    let mut rig = Rig::new(&[]).await?;
    posts(&mut rig, options.posts).await?;
    let begun = Instant::now();
    let mut claimers = Vec::new();
    for number in 0..options.cores {
        let out = rig.log().with_file_name(format!("claims-{number}"));
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("claimer")
            .arg("--claims")
            .arg(options.claims.div_ceil(options.cores).to_string())
            .arg("--out")
            .arg(&out);
        let settings = rig.settings.iter().filter(|(name, _)| name != "AURAREELS_FAULT_CLOCK");
        command.env_clear().envs(settings.map(|(name, value)| (name, value))).stdin(Stdio::null());
        claimers.push((command.spawn().context("cannot start a claimer")?, out));
    }
    let mut held: HashMap<i64, Vec<(i64, u128, u128)>> = HashMap::new();
    let mut total = 0;
    for (mut child, out) in claimers {
        let status = tokio::task::spawn_blocking(move || child.wait()).await??;
        ensure!(status.success(), "a claimer ended with {status}");
        total += read_claims(&out, &mut held)?;
    }
    let (mut doubled, mut overlapping) = (0, 0);
    for claims in held.values_mut() {
        claims.sort_unstable_by_key(|(fence, ..)| *fence);
        let fences: HashSet<i64> = claims.iter().map(|(fence, ..)| *fence).collect();
        doubled += claims.len() - fences.len();
        overlapping += claims.windows(2).filter(|pair| pair[1].1 < pair[0].2).count();
    }
    println!(
        "{total} claims of {} processes on {} posts in {:.0} s: {doubled} given twice, {overlapping} held at the same time",
        options.cores,
        options.posts,
        begun.elapsed().as_secs_f64()
    );
    rig.close().await;
    Ok(doubled == 0 && overlapping == 0)
}

fn read_claims(path: &Path, held: &mut HashMap<i64, Vec<(i64, u128, u128)>>) -> Result<usize> {
    let text = std::fs::read_to_string(path).context("no list of claims")?;
    for line in text.lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().context("a short line");
        let (post, fence) = (word()?.parse()?, word()?.parse()?);
        held.entry(post).or_default().push((fence, word()?.parse()?, word()?.parse()?));
    }
    Ok(text.lines().count())
}

/// One of the processes: claims and lets go, and writes down from when to when it held what.
pub(crate) async fn claimer(options: &Claimer) -> Result<bool> {
    let clock = Clock::system();
    let store = bootstrap::open_store(&Settings::from_pairs(std::env::vars())?, clock.clone()).await?;
    let mut out = std::io::BufWriter::new(std::fs::File::create(&options.out)?);
    let token = format!("{}-measure", std::process::id());
    let mut had = 0;
    while had < options.claims {
        let now = clock.now();
        let (ahead, token, lease, turns) = (TimeDelta::zero(), token.clone(), Duration::from_secs(600), Turns::of(64));
        let claimed = store.claim(Claiming { now, ahead, token, lease, turns }).await?.posts;
        let since = monotonic();
        for post in &claimed {
            let until = monotonic();
            store.postpone(std::slice::from_ref(post), clock.now(), clock.now()).await?;
            writeln!(out, "{} {} {since} {until}", post.id.0, post.fence.0)?;
        }
        had += claimed.len();
    }
    out.flush()?;
    store.close().await;
    Ok(true)
}

/// Nanoseconds of the clock that all processes of the machine share.
fn monotonic() -> u128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u128::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u128::try_from(now.tv_nsec).unwrap_or(0)
}

/// Kills a core with so many posts in flight and measures until another has claimed all of them, in real time.
pub(crate) async fn recovery(options: &Recovery) -> Result<bool> {
    // One account may have an eighth of the free room under way (`domain/turns.rs`).
    let (lease, room) = (options.lease.to_string(), (options.posts * 10).to_string());
    let settings = [("AURAREELS_LEASE_SECONDS", lease.as_str()), ("AURAREELS_CONCURRENCY", room.as_str())];
    let mut rig = Rig::new(&settings).await?;
    posts(&mut rig, options.posts).await?;
    // Every post hangs in its first request.
    let matcher = Matcher { vendor: Some("tiktok".to_owned()), ..Matcher::default() };
    let rule = rig.sim.add_fault(Rule { times: 0, ..Rule::hold_once(matcher, Hold::Before) });
    let mut first = rig.core(&Orders::default())?;
    let count = async |rig: &Rig, pid: u32| -> Result<usize> {
        let held = format!("SELECT COUNT(*) AS n FROM aurareels_social_posts WHERE claim_token LIKE '{pid}-%'");
        rig.database.count(&held).await
    };
    let begun = Instant::now();
    while count(&rig, first.pid()).await? < options.posts {
        ensure!(begun.elapsed() < Duration::from_secs(60), "the posts were not claimed within a minute");
        breath().await;
    }
    let mut second = rig.core(&Orders::default())?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    first.kill()?;
    let killed = Instant::now();
    while count(&rig, second.pid()).await? < options.posts {
        ensure!(killed.elapsed() < Duration::from_secs(120), "not claimed again within two minutes");
        breath().await;
    }
    let took = killed.elapsed();
    println!(
        "{} posts in flight, lease {} s: all claimed again {:.2} s after kill -9",
        options.posts,
        options.lease,
        took.as_secs_f64()
    );
    second.kill()?;
    rig.sim.remove_fault(rule);
    rig.close().await;
    Ok(took <= Duration::from_secs(u64::from(options.lease) + 1))
}

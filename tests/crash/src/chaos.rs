//! A seeded random mixture over many posts: two cores on one database that are killed, stopped and started again, a
//! platform that loses, delays and garbles answers, and callers who cancel, reschedule, publish now and ask again.
//!
//! The seed fixes the plan: posts, times, edits, deaths, and the dice of the platform's faults. Which request meets which
//! throw depends on the order in which two processes work, so a run is repeatable in kind, not to the letter.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use aurareels_core::{
    app::posts::requests::{CreatePosts, GivenTime, When, Wish},
    domain::{
        ids::{AccountId, PostId},
        platform::{LoginFlavour, Platform},
        post::{Content, Status},
    },
};
use aurareels_simulator::{Chances, Host};
use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use rustix::process::Signal;
use serde_json::json;
use sqlx::Row;

use crate::{
    checks,
    core::{Core, Orders},
    mode::Upload,
    rig::{CALLER, Rig, breath},
};

/// What a run is asked for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Posts.
    #[arg(long, default_value_t = 1_000)]
    posts: usize,
    /// Seed of the plan.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The clock moves in steps of this much, so that many posts want attention at once.
const QUANTUM: TimeDelta = TimeDelta::seconds(20);

/// Due times lie within so much.
const SPREAD: i64 = 12 * 3600;

/// Real seconds of a lease; a stopped core sleeps longer.
const LEASE: u64 = 10;

/// Creators at TikTok.
const CREATORS: usize = 12;

/// One request of a caller.
struct Intent {
    id: PostId,
    caption: String,
    cancelled: bool,
}

/// One core that lives, dies and comes back.
struct Slot {
    core: Core,
    /// When it was stopped by its own SIGSTOP.
    stopped: Option<Instant>,
}

/// Points worth dying at: around everything that the platform or the database could see.
const PLACES: [&str; 14] = [
    "claimed",
    "step_recorded",
    "exchange_begins",
    "request_leaves",
    "last_byte_left",
    "answer_arrived",
    "exchange_ends",
    "outcome_committed",
    "event_written",
    "moved",
    "let_go",
    "reconcile_begins",
    "reconcile_ends",
    "refresh_started",
];

fn next_life(dice: &mut StdRng) -> Orders {
    let place = PLACES[dice.random_range(0..PLACES.len())];
    let act = if dice.random_bool(0.15) { "stop" } else { "kill" };
    let nth = dice.random_range(1..60);
    Orders { fault: Some(format!("{place}#{nth}={act}")), ..Orders::default() }
}

/// Runs it; true when nothing was doubled, lost or told wrongly.
pub(crate) async fn run(options: &Options) -> Result<bool> {
    let begun = Instant::now();
    let mut dice = StdRng::seed_from_u64(options.seed);
    let lease = LEASE.to_string();
    let settings = [("AURAREELS_LEASE_SECONDS", lease.as_str()), ("AURAREELS_LOG", "warn")];
    let mut rig = Rig::new(&settings).await?;
    let accounts = connect(&mut rig).await?;
    let mut intents = create(&rig, &accounts, options.posts, &mut dice).await?;
    println!("{} posts asked for, {:.0} s", intents.len(), begun.elapsed().as_secs_f64());
    rig.sim.set_random_faults(Some(Chances {
        seed: Some(dice.next_u64()),
        cut_before: 0.006,
        cut_after: 0.006,
        error_before: 0.006,
        error_after: 0.006,
        too_many: 0.004,
        html_after: 0.003,
        truncated: 0.003,
        ..Chances::default()
    }))?;
    let mut slots = Vec::new();
    for _ in 0..2 {
        slots.push(Slot { core: rig.core(&next_life(&mut dice))?, stopped: None });
    }
    let (mut deaths, mut pauses, mut reconnected, mut edits, mut repeats) = (0, 0, 0, 0, 0);
    let mut told = Instant::now();
    let mut stirred = Instant::now();
    loop {
        for slot in &mut slots {
            match (slot.core.ended()?, slot.stopped) {
                (Some(_), _) => {
                    deaths += 1;
                    *slot = Slot { core: rig.core(&next_life(&mut dice))?, stopped: None };
                }
                (None, None) if slot.core.is_stopped() => {
                    pauses += 1;
                    slot.stopped = Some(Instant::now());
                }
                (None, Some(since)) if since.elapsed() > Duration::from_secs(LEASE + 1) => {
                    slot.core.signal(Signal::CONT)?;
                    slot.stopped = None;
                }
                _ => {}
            }
        }
        let alive: Vec<u32> = slots.iter().filter(|slot| slot.stopped.is_none()).map(|slot| slot.core.pid()).collect();
        let Some(next) = next_want(&rig).await? else { break };
        let now = rig.sim.clock().now();
        if next.at > now && !next.claimed_by.iter().any(|process| alive.contains(process)) {
            let waiting = slots.iter().any(|slot| slot.stopped.is_some()) && next.first_is_claimed;
            if !waiting {
                rig.advance_to(next.at + QUANTUM);
                if dice.random_bool(0.3) {
                    let (changed, repeated) = stir(&rig, &mut intents, &mut dice).await?;
                    edits += changed;
                    repeats += repeated;
                }
            }
            stirred = Instant::now();
        } else if stirred.elapsed() > Duration::from_secs(1) {
            // A worker that waits for its time, or for a dead holder of a refresh.
            rig.advance(TimeDelta::seconds(5));
            stirred = Instant::now();
        }
        reconnected += reconnect(&mut rig).await?;
        if told.elapsed() > Duration::from_secs(20) {
            told = Instant::now();
            println!("{:.0} s: {}", begun.elapsed().as_secs_f64(), progress(&rig).await?);
        }
        breath().await;
    }
    for slot in &mut slots {
        slot.core.kill()?;
    }
    println!(
        "{deaths} deaths, {pauses} pauses past the lease, {edits} edits, {repeats} repeated requests, {reconnected} logins renewed by their owners"
    );
    let good = verdict(&rig, &intents).await?;
    checks::database(&mut rig).await?;
    println!("{:.0} s", begun.elapsed().as_secs_f64());
    rig.close().await;
    Ok(good)
}

async fn connect(rig: &mut Rig) -> Result<Vec<(AccountId, Platform)>> {
    let mut accounts = Vec::new();
    for number in 0..CREATORS {
        let id = format!("-000chaos-creator-{number:03}");
        rig.control(
            "accounts",
            json!({"platform": "tiktok", "id": id, "name": "Chaos", "username": format!("chaos{number}")}),
        )
        .await?;
        accounts.push((rig.connect(Platform::Tiktok, None, Some(&id)).await?, Platform::Tiktok));
    }
    let generous = json!({"second_publish": "duplicate", "quota_total": 1_000_000, "container_limit": 1_000_000});
    rig.control("meta/behaviour", json!({ "set": generous })).await?;
    for flavour in [LoginFlavour::FacebookLogin, LoginFlavour::InstagramLogin] {
        accounts.push((rig.connect(Platform::Instagram, Some(flavour), None).await?, Platform::Instagram));
    }
    let flavours = sqlx::query("SELECT id, platform FROM aurareels_social_accounts").fetch_all(&rig.database).await?;
    for row in &flavours {
        let id = AccountId(row.get("id"));
        if row.get::<String, _>("platform") == "instagram" && !accounts.iter().any(|(known, _)| *known == id) {
            accounts.push((id, Platform::Instagram));
        }
    }
    Ok(accounts)
}

async fn create(rig: &Rig, accounts: &[(AccountId, Platform)], posts: usize, dice: &mut StdRng) -> Result<Vec<Intent>> {
    let video = format!("{}/v/chaos.mp4?size=60000&duration=5", rig.sim.url(Host::Media));
    let mut intents = Vec::new();
    for number in 0..posts {
        let (account, platform) = accounts[dice.random_range(0..accounts.len())];
        let upload = match (platform, dice.random_range(0..10)) {
            (Platform::Tiktok, 0) => Upload::TiktokPull,
            (Platform::Tiktok, _) => Upload::TiktokSingle,
            (_, 0..5) => Upload::FacebookUrl,
            _ => Upload::InstagramUrl,
        };
        let caption = format!("c{number}");
        let content = Content {
            video_url: video.clone(),
            caption: caption.clone(),
            privacy_level: "PUBLIC".to_owned(),
            options: upload.options(),
            ..Content::default()
        };
        let when = if dice.random_bool(0.2) {
            When::Now
        } else {
            at(rig.sim.clock().now() + TimeDelta::seconds(dice.random_range(60..SPREAD)))
        };
        let id = ask(rig, account, content, when, &caption).await?;
        intents.push(Intent { id, caption, cancelled: false });
    }
    Ok(intents)
}

fn at(time: DateTime<Utc>) -> When {
    When::At { time: GivenTime::At(time), scheduler: None, late_policy_seconds: None }
}

async fn ask(rig: &Rig, account: AccountId, content: Content, when: When, key: &str) -> Result<PostId> {
    let wish = Wish { content, ..Wish::default() };
    let request =
        CreatePosts { accounts: vec![account], wish, when, request_key: Some(key.to_owned()), allow_duplicate: false };
    let made = rig.parts.posts.create(CALLER, request).await.context("creating a post")?;
    Ok(made.first().context("no post was created")?.post.id)
}

/// A caller does something to a random post. Whatever the core answers is right; what counts is the end.
async fn stir(rig: &Rig, intents: &mut [Intent], dice: &mut StdRng) -> Result<(usize, usize)> {
    let index = dice.random_range(0..intents.len());
    let intent = &mut intents[index];
    let posts = &rig.parts.posts;
    match dice.random_range(0..10) {
        0 => {
            intent.cancelled |= posts.cancel(CALLER, intent.id).await.is_ok();
            Ok((1, 0))
        }
        1..4 => {
            let later = rig.sim.clock().now() + TimeDelta::seconds(dice.random_range(1..7_200));
            let _ = posts.reschedule(CALLER, intent.id, GivenTime::At(later), None).await;
            Ok((1, 0))
        }
        4..6 => {
            let _ = posts.publish_now(CALLER, intent.id, None).await;
            Ok((1, 0))
        }
        _ => {
            // The very same request again: an n8n workflow that was retried.
            let post = posts.get(CALLER, intent.id).await?.post;
            let content = Content { full_caption: String::new(), ..post.content };
            let when = post.scheduled_at.map_or(When::Now, at);
            if let Ok(id) = ask(rig, post.social_account_id, content, when, &intent.caption).await {
                anyhow::ensure!(id == intent.id || intent.cancelled, "a repeated request made a second post");
            }
            Ok((0, 1))
        }
    }
}

struct Want {
    at: DateTime<Utc>,
    first_is_claimed: bool,
    claimed_by: Vec<u32>,
}

async fn next_want(rig: &Rig) -> Result<Option<Want>> {
    let rows = sqlx::query("SELECT DISTINCT claim_token FROM aurareels_social_posts WHERE claim_token IS NOT NULL")
        .fetch_all(&rig.database)
        .await?;
    let claimed_by = rows
        .iter()
        .filter_map(|row| row.get::<String, _>("claim_token").split_once('-').and_then(|(pid, _)| pid.parse().ok()))
        .collect();
    let wanting = rig.wanting().await?;
    Ok(wanting.first().map(|first| Want {
        at: first.next_step_at,
        first_is_claimed: first.claimed_by.is_some(),
        claimed_by,
    }))
}

/// The owners of accounts that need them log in again.
async fn reconnect(rig: &mut Rig) -> Result<usize> {
    let rows = sqlx::query(
        "SELECT platform, account_id, login_flavour FROM aurareels_social_accounts WHERE health = 'needs_reconnect'",
    )
    .fetch_all(&rig.database)
    .await?;
    let mut renewed = 0;
    for row in &rows {
        let (platform, person): (String, String) = (row.get("platform"), row.get("account_id"));
        let done = if platform == "tiktok" {
            rig.connect(Platform::Tiktok, None, Some(&person)).await
        } else {
            let flavour: Option<LoginFlavour> = row.get::<String, _>("login_flavour").parse().ok();
            rig.connect(Platform::Instagram, flavour, None).await
        };
        // The login itself meets faults; the owner tries again.
        renewed += usize::from(done.is_ok());
    }
    Ok(renewed)
}

async fn progress(rig: &Rig) -> Result<String> {
    let rows = sqlx::query("SELECT status, COUNT(*) AS n FROM aurareels_social_posts GROUP BY status")
        .fetch_all(&rig.database)
        .await?;
    let counts: Vec<String> =
        rows.iter().map(|row| format!("{} {}", row.get::<i64, _>("n"), row.get::<String, _>("status"))).collect();
    Ok(counts.join(", "))
}

async fn verdict(rig: &Rig, intents: &[Intent]) -> Result<bool> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for post in rig.sim.posts() {
        *seen.entry(post.caption.split_whitespace().next().unwrap_or_default().to_owned()).or_default() += 1;
    }
    let (mut doubled, mut lost, mut falsely_failed, mut falsely_published, mut falsely_cancelled) = (0, 0, 0, 0, 0);
    let (mut published, mut review, mut failed, mut cancelled) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for intent in intents {
        let post = rig.parts.posts.get(CALLER, intent.id).await?.post;
        let visible = seen.get(&intent.caption).copied().unwrap_or_default();
        doubled += usize::from(visible > 1);
        match post.status {
            Status::Published => {
                published += 1;
                falsely_published += usize::from(visible == 0);
            }
            Status::Failed => {
                failed += 1;
                falsely_failed += usize::from(visible > 0);
            }
            Status::Cancelled => {
                cancelled += 1;
                falsely_cancelled += usize::from(visible > 0);
            }
            Status::NeedsReview => review += 1,
            _ => lost += 1,
        }
        if matches!(post.status, Status::Failed | Status::NeedsReview) {
            let reason = post.error.as_ref().map_or("none", |error| error.reason.as_str());
            *reasons.entry(format!("{} {} {reason}", post.platform, post.status)).or_default() += 1;
        }
    }
    let visible: usize = seen.values().sum();
    println!("asked for {}, visible {visible}", intents.len());
    println!("published {published}, failed with proof {failed}, cancelled {cancelled}, in review {review}");
    println!(
        "doubled {doubled}, lost {lost}, falsely failed {falsely_failed}, falsely published {falsely_published}, \
         cancelled but visible {falsely_cancelled}"
    );
    println!("share that needed a person: {:.2} %", 100.0 * review as f64 / intents.len().max(1) as f64);
    for (reason, count) in reasons {
        println!("    {count} {reason}");
    }
    Ok(doubled + lost + falsely_failed + falsely_published + falsely_cancelled == 0)
}

//! A seeded random mixture over many posts: cores on one database that are killed, stopped and started again, a platform
//! that loses, delays and garbles answers, callers who ask twice, edit, cancel, reschedule and publish now while the post
//! goes out, and, where the database is a server's, one that is restarted and loses COMMITs ([`server`]).
//!
//! The same seed gives the same plan ([`plan`]) and the same faults: the platform's throw depends on the seed, the
//! operation, the post and how often that was asked; the throw for a core's death on the seed, the post, its claim and the
//! point (`core-service/src/fault.rs`). What still depends on timing: which posts share a claim when a core dies and are
//! claimed anew (their next claims throw anew), how often a post is polled, and whether an edit comes just before or just
//! after the moment that makes it too late.

mod accounts;
mod callers;
mod plan;
mod server;
mod verdict;

use std::{
    collections::HashMap,
    os::unix::process::ExitStatusExt,
    time::{Duration, Instant},
};

use anyhow::Result;
use aurareels_simulator::{Chances, Host};
use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rustix::process::Signal;
use tokio::task::JoinHandle;

use self::{
    accounts::{connect, reconnect},
    callers::{Asked, Callers, Kept, Tally},
    plan::{Action, Deed, Order, RESTORES},
    server::Upsets,
    verdict::Verdict,
};
use crate::{
    backups::Backup,
    checks,
    core::{Core, Orders},
    drive::Dead,
    oracles,
    rig::{Ceilings, Rig, breath},
    webhook::Webhook,
};

/// What a run is asked for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Posts.
    #[arg(long, default_value_t = 1_000)]
    posts: usize,
    /// Seed of the plan and of the faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Cores on one database.
    #[arg(long, default_value_t = 2)]
    cores: usize,
}

/// The clock moves in steps of this much, so that many posts want attention at once.
const QUANTUM: TimeDelta = TimeDelta::seconds(30);

/// Real seconds of a lease; a stopped core sleeps longer.
const LEASE: u64 = 3;

/// Chances in millionths that a core is killed, is stopped, or has a worker panic, per point that it passes.
const FATES: (u32, u32, u32) = (350, 12, 100);

/// The chance that a core is stopped, where the others have a database that goes on without it.
const STOPS_ON_SERVERS: u32 = 150;

/// A run of so many posts in which no core dies, or none stops in order, has shown nothing. They die about three times in a
/// hundred posts.
const POSTS_PER_DEATH: usize = 200;

/// Real time without any change after which the clock is nudged: a worker waits for a time that no row shows.
const STILL: Duration = Duration::from_millis(400);

/// Real time after which a look is worth whether a recorded request waits for its time.
const ARMED: Duration = Duration::from_millis(30);

/// Real time that a core has for ending in order.
const TIME_TO_END: Duration = Duration::from_secs(15);

/// How far. Not so far that a living core's claims run out between two renewals.
const NUDGE: TimeDelta = TimeDelta::milliseconds(400);

/// Real time without an end of the work at hand after which the run is given up; long, for a machine that is busy otherwise.
const STUCK: Duration = Duration::from_secs(900);

/// One core that lives, dies and comes back.
struct Slot {
    core: Core,
    /// When it was stopped by its own SIGSTOP.
    stopped: Option<Instant>,
    /// It was asked to end.
    ending: bool,
}

/// The cores of a run.
struct Cores {
    slots: Vec<Slot>,
    wanted: usize,
    seed: u64,
    lives: usize,
    dead: Dead,
    deaths: usize,
    pauses: usize,
    stops: usize,
    /// They ended by themselves: the server was away when they started.
    in_vain: usize,
}

impl Cores {
    fn start(rig: &mut Rig, wanted: usize, seed: u64) -> Result<Self> {
        let (slots, dead) = (Vec::new(), Dead::default());
        let (lives, deaths, pauses, stops, in_vain) = (0, 0, 0, 0, 0);
        let mut cores = Self { slots, wanted, seed, lives, dead, deaths, pauses, stops, in_vain };
        cores.fill(rig)?;
        Ok(cores)
    }

    fn next_life(&mut self, rig: &mut Rig) -> Result<Slot> {
        self.lives += 1;
        let (kill, mut stop, panic) = FATES;
        if !rig.is_file() {
            stop = STOPS_ON_SERVERS;
        }
        let dice = format!("{}:{}:{kill}:{stop}:{panic}", self.seed, self.lives);
        let settings = vec![("AURAREELS_FAULT_DICE".to_owned(), dice)];
        Ok(Slot { core: rig.untraced_core(&Orders { settings, ..Orders::default() })?, stopped: None, ending: false })
    }

    /// Ends all of them: in order, or by force who sleeps or takes too long.
    async fn end(&mut self, rig: &Rig) -> Result<()> {
        for index in 0..self.slots.len() {
            self.ask_to_end(index)?;
        }
        for mut slot in self.slots.drain(..) {
            let begun = Instant::now();
            while slot.core.ended()?.is_none() && slot.ending && begun.elapsed() < TIME_TO_END {
                breath().await;
            }
            match slot.core.ended()? {
                Some(status) if status.success() => self.stops += 1,
                _ => self.deaths += 1,
            }
            slot.core.kill()?;
            self.dead.buried(rig, &slot.core).await?;
        }
        Ok(())
    }

    /// Starts as many as there are to be.
    fn fill(&mut self, rig: &mut Rig) -> Result<()> {
        while self.slots.len() < self.wanted {
            let slot = self.next_life(rig)?;
            self.slots.push(slot);
        }
        Ok(())
    }

    /// Buries who died, wakes who has slept past its lease.
    async fn look(&mut self, rig: &mut Rig) -> Result<()> {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            match (slot.core.ended()?, slot.stopped) {
                (Some(status), _) => {
                    // Whoever is asked to end may still be killed on the way.
                    match status.signal() {
                        Some(_) => self.deaths += 1,
                        None if slot.ending && status.success() => self.stops += 1,
                        None => self.in_vain += 1,
                    }
                    self.dead.buried(rig, &slot.core).await?;
                    self.slots[index] = self.next_life(rig)?;
                }
                (None, None) if slot.core.is_stopped() => {
                    self.pauses += 1;
                    slot.stopped = Some(Instant::now());
                }
                (None, Some(since)) if since.elapsed() > Duration::from_secs(LEASE + 1) => {
                    slot.core.signal(Signal::CONT)?;
                    slot.stopped = None;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Asks one to end; nothing if it is stopped or ending.
    fn ask_to_end(&mut self, index: usize) -> Result<()> {
        let slot = &mut self.slots[index];
        if slot.stopped.is_none() && !slot.ending && !slot.core.is_stopped() && slot.core.ended()?.is_none() {
            slot.core.signal(Signal::TERM)?;
            slot.ending = true;
        }
        Ok(())
    }

    fn awake(&self) -> Vec<u32> {
        self.slots.iter().filter(|slot| slot.stopped.is_none()).map(|slot| slot.core.pid()).collect()
    }
}

/// Runs it; true when nothing was doubled, lost or told wrongly.
pub(crate) async fn run(options: &Options) -> Result<bool> {
    let begun = Instant::now();
    let mut dice = StdRng::seed_from_u64(options.seed);
    let lease = LEASE.to_string();
    let webhook = Webhook::open().await?;
    webhook.answer();
    let settings = [
        ("AURAREELS_LEASE_SECONDS", lease.as_str()),
        ("AURAREELS_LOG", "error"),
        ("N8N_SCHEDULER_WEBHOOK", webhook.address.as_str()),
        ("N8N_API_KEY", "canary-n8n-key"),
    ];
    let mut rig = Rig::behind_a_proxy(&settings).await?;
    let mut upsets = Upsets::new();
    let peace = upsets.peace(&rig).await?;
    let accounts = connect(&mut rig, options.posts).await?;
    let choice = accounts.numbers();
    let (intents, actions) = plan::make(options.posts, &choice, &mut dice);
    let orders = plan::orders(options.cores, &mut dice);
    let all: Vec<Asked> = intents
        .into_iter()
        .map(|intent| {
            let account = accounts.of(intent.upload, intent.account);
            Asked::new(intent, account)
        })
        .collect();
    rig.sim.set_random_faults(Some(Chances {
        seed: Some(dice.next_u64()),
        by_request: true,
        cut_before: 0.006,
        cut_after: 0.006,
        error_before: 0.006,
        error_after: 0.006,
        too_many: 0.004,
        html_after: 0.003,
        truncated: 0.003,
        refused_before: 0.004,
        refused_after: 0.004,
        ..Chances::default()
    }))?;
    let cores = Cores::start(&mut rig, options.cores, options.seed)?;
    drop(peace);
    let mut run = Run::start(rig, upsets, cores, actions, orders, all);
    run.go_on().await?;
    let Run { mut rig, mut upsets, cores, all, tally, reconnected, steps, restored, asked_again, .. } = run;
    let _peace = upsets.peace(&rig).await?;
    println!(
        "{:.0} s, {steps} steps of the clock: {} deaths, {} stops in order, {} pauses past the lease, {restored} restored backups, {asked_again} posts asked for again, {reconnected} logins renewed by their owners",
        begun.elapsed().as_secs_f64(),
        cores.deaths,
        cores.stops,
        cores.pauses,
    );
    if let Some(proxy) = &rig.proxy {
        println!(
            "{} cores; the database's server was restarted {} times, {} COMMITs were cut off; {} starts in vain",
            options.cores,
            server::restarts(),
            proxy.cut(),
            cores.in_vain
        );
    }
    let small = options.posts < POSTS_PER_DEATH;
    let again = restored == RESTORES.len() && asked_again > 0;
    let struck = cores.deaths >= options.posts / POSTS_PER_DEATH && (small || (cores.stops > 0 && again));
    if !struck {
        println!("FOUND too few deaths, stops or restored backups: this run has shown nothing");
    }
    let deeds: Vec<String> = tally.0.iter().map(|(what, (tried, done))| format!("{what} {done} of {tried}")).collect();
    println!("callers: {}", deeds.join(", "));
    drop(cores);
    let good = Verdict::of(&rig, &all).await?.tell();
    // The verdict has compared the times, and counted.
    rig.moved_by_hand = true;
    rig.ceilings = Ceilings { reviews: usize::MAX, failures: usize::MAX, spare_videos: usize::MAX };
    checks::database(&mut rig).await?;
    println!("{:.0} s", begun.elapsed().as_secs_f64());
    rig.close().await;
    Ok(good && struck)
}

/// A batch of callers' actions under way.
type Batch = JoinHandle<Result<(Vec<(usize, Asked)>, Tally)>>;

struct Run {
    rig: Rig,
    upsets: Upsets,
    cores: Cores,
    callers: Callers,
    /// In the order of their times; the first `done` have begun.
    actions: Vec<Action>,
    done: usize,
    /// What is done to the cores, the last first.
    orders: Vec<(i64, Order)>,
    backup: Option<Backup>,
    restored: usize,
    /// Posts that a restored backup did not know.
    asked_again: usize,
    batch: Option<Batch>,
    all: Vec<Asked>,
    tally: Tally,
    reconnected: usize,
    steps: usize,
}

impl Run {
    fn start(
        rig: Rig,
        upsets: Upsets,
        cores: Cores,
        actions: Vec<Action>,
        mut orders: Vec<(i64, Order)>,
        all: Vec<Asked>,
    ) -> Self {
        orders.reverse();
        let callers = Callers {
            posts: rig.parts.posts.clone(),
            clock: rig.parts.clock.clone(),
            start: rig.sim.clock().now(),
            videos: format!("{}/v", rig.sim.url(Host::Media)),
        };
        let tally = Tally::default();
        let (done, reconnected, steps, restored, asked_again) = (0, 0, 0, 0, 0);
        let (backup, batch) = (None, None);
        Self {
            rig,
            upsets,
            cores,
            callers,
            actions,
            done,
            orders,
            backup,
            restored,
            asked_again,
            batch,
            all,
            tally,
            reconnected,
            steps,
        }
    }

    async fn go_on(&mut self) -> Result<()> {
        let begun = Instant::now();
        let (mut told, mut looked) = (Instant::now(), Instant::now());
        let (mut moved, mut stepped) = (Instant::now(), Instant::now());
        loop {
            self.upsets.look(&self.rig);
            self.cores.look(&mut self.rig).await?;
            self.end_batch().await?;
            match self.next(moved.elapsed() > ARMED).await? {
                Next::Rest => break,
                Next::At(at) => {
                    self.rig.advance_to(at + QUANTUM).await?;
                    self.steps += 1;
                    self.begin_batch();
                    self.carry_out().await?;
                    (moved, stepped) = (Instant::now(), Instant::now());
                }
                Next::Armed(at) => {
                    self.rig.advance_to(at).await?;
                    moved = Instant::now();
                }
                Next::AtWork if moved.elapsed() > STILL => {
                    match self.cores.dead.refresh_ends(&self.rig).await? {
                        Some(until) => self.rig.advance_to(until).await?,
                        None => self.rig.advance(NUDGE)?,
                    }
                    moved = Instant::now();
                }
                Next::AtWork => {}
            }
            anyhow::ensure!(stepped.elapsed() < STUCK, "no end of the work at hand: {:?}", self.rig.wanting().await?);
            if looked.elapsed() > Duration::from_millis(500) {
                looked = Instant::now();
                self.reconnected += reconnect(&mut self.rig).await?;
            }
            if told.elapsed() > Duration::from_secs(20) {
                told = Instant::now();
                let progress = progress(&self.rig).await?;
                let cores = &self.cores;
                println!(
                    "{:.0} s: {} deaths, {} pauses; {progress}",
                    begun.elapsed().as_secs_f64(),
                    cores.deaths,
                    cores.pauses
                );
            }
            breath().await;
        }
        Ok(())
    }

    /// What the clock should do; `still`: nobody has moved it for a while.
    async fn next(&self, still: bool) -> Result<Next> {
        let seen = self.rig.glance().await?;
        let at_work = self.cores.awake().iter().any(|pid| seen.holders.contains(pid));
        if self.batch.is_some() || at_work {
            let armed = if still { self.rig.armed_until().await? } else { None };
            return Ok(armed.map_or(Next::AtWork, Next::Armed));
        }
        // A stopped core holds nothing up: it sleeps longer than its lease in real time, so that its claims are void for
        // itself when it wakes, however soon the clock gave them to the other one.
        let now = self.rig.sim.clock().now();
        let action = self.actions.get(self.done).map(|action| self.callers.start + TimeDelta::seconds(action.at));
        Ok(match seen.first.into_iter().chain(action).min() {
            None => Next::Rest,
            Some(at) if seen.first == Some(at) && at <= now => Next::AtWork,
            Some(at) => Next::At(at),
        })
    }

    /// Lets the callers begin with everything whose time has come.
    fn begin_batch(&mut self) {
        let now = (self.rig.sim.clock().now() - self.callers.start).num_seconds();
        let begun = self.done;
        self.done += self.actions[begun..].partition_point(|action| action.at <= now);
        if self.done == begun {
            return;
        }
        let due = self.actions[begun..self.done].to_vec();
        let mut concerned: Vec<usize> = due.iter().map(|action| action.intent).collect();
        concerned.sort_unstable();
        concerned.dedup();
        let concerned = concerned.into_iter().map(|index| (index, self.all[index].clone())).collect();
        self.batch = Some(tokio::spawn(self.callers.clone().act(due, concerned)));
    }

    /// Does to the cores what is due.
    async fn carry_out(&mut self) -> Result<()> {
        let now = (self.rig.sim.clock().now() - self.callers.start).num_seconds();
        while let Some((_, order)) = self.orders.pop_if(|(at, _)| *at <= now) {
            match order {
                Order::Stop(index) => self.cores.ask_to_end(index)?,
                Order::BackUp(means) => {
                    let _peace = self.upsets.peace(&self.rig).await?;
                    self.backup = Some(self.rig.back_up(means).await?);
                }
                Order::PutBack => self.put_back().await?,
            }
        }
        Ok(())
    }

    /// The callers' calls end, then all cores; the backup is put back, and cores are started on it. Callers whose post it
    /// does not know ask again.
    async fn put_back(&mut self) -> Result<()> {
        let Some(backup) = self.backup.take() else { return Ok(()) };
        let _peace = self.upsets.peace(&self.rig).await?;
        while self.batch.is_some() {
            self.cores.look(&mut self.rig).await?;
            self.end_batch().await?;
            breath().await;
        }
        self.cores.end(&self.rig).await?;
        self.rig.leave().await?;
        self.callers.posts = self.rig.parts.posts.clone();
        self.rig.put_back(backup).await?;
        self.callers.posts = self.rig.parts.posts.clone();
        self.restored += 1;
        let now = self.rig.sim.clock().now();
        let mut kept = HashMap::new();
        for row in oracles::rows(&self.rig).await? {
            kept.insert(row.id, Kept { status: row.status, scheduled_at: row.scheduled_at });
        }
        let at = (now - self.callers.start).num_seconds();
        let mut again = Vec::new();
        for (intent, asked) in self.all.iter_mut().enumerate() {
            let Some(id) = asked.id else { continue };
            asked.restored(kept.get(&id.0).copied(), self.callers.start, now);
            if asked.id.is_none() {
                again.push(Action { at, intent, deed: Deed::Ask(1) });
            }
        }
        self.asked_again += again.len();
        self.actions.splice(self.done..self.done, again);
        self.cores.fill(&mut self.rig)
    }

    async fn end_batch(&mut self) -> Result<()> {
        if let Some(batch) = self.batch.take_if(|batch| batch.is_finished()) {
            let (changed, tally) = batch.await??;
            self.tally.add(&tally);
            for (index, asked) in changed {
                self.all[index] = asked;
            }
        }
        Ok(())
    }
}

enum Next {
    /// Nobody wants anything any more.
    Rest,
    /// Somebody is at work.
    AtWork,
    /// A recorded request waits for this time.
    Armed(DateTime<Utc>),
    /// Nobody is at work; somebody wants something then.
    At(DateTime<Utc>),
}

async fn progress(rig: &Rig) -> Result<String> {
    let counts = "SELECT status, COUNT(*) AS n FROM aurareels_social_posts GROUP BY status";
    let rows = rig.database.rows(counts).await?;
    let counts = rows.iter().map(|row| Ok(format!("{} {}", row.int("n")?, row.text("status")?)));
    Ok(counts.collect::<Result<Vec<_>>>()?.join(", "))
}

//! What is due, who works on it, and how it ends: one loop that sleeps until the next post wants attention, a heartbeat
//! that keeps this process's claims, and a clean shutdown.
//!
//! Guaranteed: no work per waiting post; only what has room and its turn is claimed (`domain/turns.rs`), so a platform or
//! an account that takes long delays no other; a post whose worker failed or panicked is let go and found again; after a
//! kill the posts are found when their claims run out. Expected: the database is away for a while; then nothing is
//! claimed, running claims run out, and it goes on when the database is back.

mod suspects;

use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use tokio::{sync::watch, task::JoinSet};
use tracing::{error, info, warn};

use self::suspects::{Suspects, UnderWay};
use crate::{
    domain::{
        failure::describe,
        ids::{AccountId, Fence, PostId},
        post::Post,
        turns::Turns,
    },
    fault::{self, FaultPoint},
    publisher::{
        Engine, Prefetched,
        lease::{Claim, Leases},
    },
    repeated::Repeated,
    store::{self, due::Claiming},
};

/// The loop looks at the database at least this often: for posts that another process made, and for bursts ahead.
const SWEEP: Duration = Duration::from_secs(4);

/// How far the loop looks ahead for bursts.
const HORIZON: TimeDelta = TimeDelta::seconds(30);

/// The longest time by which a burst is claimed early.
const MAX_AHEAD: TimeDelta = TimeDelta::seconds(20);

/// Posts due together that need no head start.
const SMALL_BURST: u32 = 100;

/// Posts per second that can be made ready on a small machine: the size of a burst, divided by this, is its head start.
const READY_PER_SECOND: u32 = 500;

/// Looks at platforms that come due within this time are claimed together: thousands of waiting posts then cost a few
/// writes a second. What is due at once, or for its time, does not wait for it.
const GATHER: TimeDelta = TimeDelta::milliseconds(100);

/// Least time between two looks while somebody waits for room: what is written for those leads to looks as well.
const BESIDE_FULL: Duration = Duration::from_millis(20);

/// How long running exchanges get at shutdown.
const DRAIN: Duration = Duration::from_secs(7);

/// Pause after an error of the database.
const PAUSE: Duration = Duration::from_secs(1);

/// The scheduler of one process.
pub struct Scheduler {
    engine: Arc<Engine>,
    leases: Arc<Leases>,
    /// Unique per process: all its claims carry it.
    token: String,
    /// What is under way.
    turns: Arc<Mutex<Turns>>,
    freed: watch::Sender<()>,
    /// Claims that somebody works on, or will in a moment.
    at_work: Arc<Mutex<HashSet<(PostId, Fence)>>>,
    /// Claims that nobody works on: their worker ended without letting them go, or nobody was told of them.
    orphans: Arc<Mutex<HashMap<PostId, Fence>>>,
    suspects: Suspects,
}

/// A claimed post with what a worker needs to begin.
struct Claimed {
    post: Box<Post>,
    prefetched: Prefetched,
    claim: Claim,
    suspect: Option<UnderWay>,
}

/// What a look at the schedule found, besides what is worked on now.
#[derive(Default)]
struct Found {
    /// There may be more to claim.
    more: bool,
    /// Some may wait for room.
    waits_for_room: bool,
}

impl Scheduler {
    /// A scheduler over an engine; `token` must be unique among all processes on the database.
    pub fn new(engine: Engine, token: String, lease: Duration) -> Self {
        Self {
            leases: Arc::new(Leases::new(lease, engine.store.lost())),
            turns: Arc::new(Mutex::new(Turns::of(engine.settings.max_in_flight).within(engine.settings.max_of_all))),
            engine: Arc::new(engine),
            token,
            freed: watch::Sender::new(()),
            at_work: Arc::default(),
            orphans: Arc::default(),
            suspects: Suspects::default(),
        }
    }

    /// Runs until `engine.stopping` turns true, then drains: no new claims, running exchanges get a few seconds, what is
    /// left is let go for the next process.
    pub async fn run(self) {
        let mut workers = JoinSet::new();
        let mut stopping = self.engine.stopping.clone();
        let beat = Heartbeat {
            engine: self.engine.clone(),
            leases: self.leases.clone(),
            token: self.token.clone(),
            at_work: self.at_work.clone(),
            orphans: self.orphans.clone(),
        };
        let heartbeat = tokio::spawn(beat.run());
        let wakes = self.engine.store.wakes().clone();
        let mut freed = self.freed.subscribe();
        let mut trouble = Repeated::default();
        // The last look found nothing before the sweep, and nobody has told of anything since.
        let mut is_sweep = false;
        while !*stopping.borrow() {
            wakes.begin();
            freed.mark_unchanged();
            is_sweep = is_sweep && self.nothing_is_near().await;
            let claimed = if is_sweep { Ok(Found::default()) } else { self.claim(&mut workers).await };
            let (wake, waits_for_room) = match claimed {
                Ok(found) => {
                    trouble.over();
                    if found.more {
                        continue;
                    }
                    let sweep = self.next_sweep();
                    let wake = if is_sweep { sweep } else { self.next_wake(sweep).await };
                    is_sweep = wake == sweep && !found.waits_for_room;
                    (wake, found.waits_for_room)
                }
                Err(problem) => {
                    let problem = describe(&problem);
                    if trouble.is_news(&problem) {
                        warn!(error = %problem, "cannot claim posts");
                    }
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let earlier = async {
                wakes.before(wake).await;
                if waits_for_room {
                    tokio::time::sleep(BESIDE_FULL).await;
                }
            };
            tokio::select! {
                () = self.engine.clock.sleep_until(wake) => {}
                () = tokio::time::sleep(SWEEP) => {}
                () = earlier => is_sweep = false,
                _ = freed.changed(), if waits_for_room => {}
                _ = stopping.wait_for(|stopping| *stopping) => {}
            }
            while workers.try_join_next().is_some() {}
        }
        let drained = tokio::time::timeout(DRAIN, async { while workers.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            info!(left = workers.len(), "some exchanges did not end in time; their posts are found again");
            workers.shutdown().await;
        }
        heartbeat.abort();
        let _ = heartbeat.await;
        fault::point(FaultPoint::ShutdownReleaseBegins, "shutdown");
        if let Err(problem) = self.engine.store.release_claims(&self.token, self.engine.clock.now()).await {
            warn!(error = %describe(&problem), "cannot let claims go; they run out by themselves");
        }
        fault::point(FaultPoint::ShutdownReleased, "shutdown");
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_sweep(&self) -> DateTime<Utc> {
        self.engine.clock.now() + TimeDelta::from_std(SWEEP).unwrap_or(TimeDelta::zero())
    }

    /// Whether no post for which there is room wants attention before a burst of it would be prepared. One small read, so that
    /// a core with nothing to do asks little of its database.
    async fn nothing_is_near(&self) -> bool {
        let near = self.engine.clock.now() + HORIZON;
        let turns = self.turns().clone();
        let next = self.engine.store.next_step_at(&turns).await;
        next.is_ok_and(|next| next.is_none_or(|at| at > near))
    }

    /// When the next post wants attention for which there is room; `sweep` if that is later.
    async fn next_wake(&self, sweep: DateTime<Utc>) -> DateTime<Utc> {
        let now = self.engine.clock.now();
        let turns = self.turns().clone();
        match self.engine.store.next_step_at(&turns).await {
            Ok(Some(at)) => at.max(now + GATHER).min(sweep),
            Ok(None) => sweep,
            Err(_) => self.engine.clock.now() + TimeDelta::from_std(PAUSE).unwrap_or(TimeDelta::zero()),
        }
    }

    /// Claims what is due and starts a worker for each.
    async fn claim(&self, workers: &mut JoinSet<()>) -> store::Result<Found> {
        let asked = self.leases.mark();
        let now = self.engine.clock.now();
        let ahead = self.head_start(now).await?;
        fault::point(FaultPoint::ClaimBegins, "");
        let (token, lease, turns) = (self.token.clone(), self.leases.length(), self.turns().clone());
        let claimed = self.engine.store.claim(Claiming { now, ahead, token, lease, turns }).await?;
        if claimed.put_off {
            fault::point(FaultPoint::Postponed, "backlog");
        }
        let found = Found { more: claimed.more, waits_for_room: claimed.waits_for_room };
        let posts = claimed.posts;
        if let Some(post) = posts.first() {
            fault::point(FaultPoint::Claimed, post.status.as_str());
        }
        let (posts, put_off) = self.suspects.part(posts, self.engine.settings.max_crashes);
        let claims = posts.iter().map(|(post, _)| (post.id, post.fence));
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner).extend(claims);
        self.put_off(&put_off, now).await;
        let ids: Vec<PostId> = posts.iter().map(|(post, _)| post.id).collect();
        // One that cannot be read must not hold up the others: then each worker reads its own.
        let mut ledgers = self.engine.store.ledgers(&ids).await.ok();
        let mut accounts: Vec<AccountId> = posts.iter().map(|(post, _)| post.social_account_id).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let logins = self.engine.token_manager.logins(&accounts, now).await;
        for (post, suspect) in posts {
            let claim = self.leases.claimed((post.id, post.fence), asked, ahead);
            let ledger = ledgers.as_mut().map(|ledgers| ledgers.remove(&post.id).unwrap_or_default());
            let login = logins.get(&post.social_account_id).cloned();
            let post = Box::new(post);
            self.start(workers, Claimed { post, prefetched: Prefetched { ledger, login }, claim, suspect });
        }
        Ok(found)
    }

    /// Lets suspects go for a moment, before the others are begun: what may end this process then does not count against
    /// them.
    async fn put_off(&self, suspects: &[Post], now: DateTime<Utc>) {
        if suspects.is_empty() {
            return;
        }
        fault::point(FaultPoint::PostponeBegins, "suspects");
        if let Err(problem) = self.engine.store.postpone(suspects, now + suspects::PAUSE, now).await {
            warn!(error = %describe(&problem), "cannot put posts off; they are found again when their claims run out");
        }
        fault::point(FaultPoint::Postponed, "suspects");
    }

    /// How early posts are claimed: in a burst, so that each is recorded and ready when its time comes.
    async fn head_start(&self, now: DateTime<Utc>) -> store::Result<TimeDelta> {
        let most = u32::try_from(self.engine.settings.max_in_flight).unwrap_or(u32::MAX);
        let soon = self.engine.store.due_soon(now, now + HORIZON, most).await?;
        if soon <= SMALL_BURST {
            return Ok(TimeDelta::zero());
        }
        Ok(TimeDelta::milliseconds(i64::from(soon) * 1_000 / i64::from(READY_PER_SECOND)).min(MAX_AHEAD))
    }

    fn start(&self, workers: &mut JoinSet<()>, claimed: Claimed) {
        let Claimed { post, prefetched, claim, suspect } = claimed;
        let engine = self.engine.clone();
        let (orphans, at_work) = (self.orphans.clone(), self.at_work.clone());
        let turns = self.turns.clone();
        let freed = self.freed.clone();
        let (platform, account) = (post.platform, post.social_account_id);
        self.turns().begin(platform, account);
        workers.spawn(async move {
            let (id, fence) = (post.id, post.fence);
            let work = AssertUnwindSafe(engine.work(post, prefetched, claim));
            // Not in a task of its own: whoever ends this task ends the work with it.
            let ended = match work.catch_unwind().await {
                Ok(Ok(())) => true,
                Ok(Err(problem)) => {
                    warn!(post.id = %id, error = %describe(&problem), "a worker could not go on; the post is found again");
                    false
                }
                Err(_) => {
                    error!(post.id = %id, "a worker panicked; the post is found again");
                    false
                }
            };
            drop(suspect);
            if !ended {
                orphans.lock().unwrap_or_else(PoisonError::into_inner).insert(id, fence);
            }
            at_work.lock().unwrap_or_else(PoisonError::into_inner).remove(&(id, fence));
            turns.lock().unwrap_or_else(PoisonError::into_inner).end(platform, account);
            freed.send_replace(());
        });
    }
}

/// Keeps the claims of this process alive, and lets those go that nobody works on.
struct Heartbeat {
    engine: Arc<Engine>,
    leases: Arc<Leases>,
    token: String,
    at_work: Arc<Mutex<HashSet<(PostId, Fence)>>>,
    orphans: Arc<Mutex<HashMap<PostId, Fence>>>,
}

impl Heartbeat {
    async fn run(self) {
        let mut trouble = Repeated::default();
        let mut unknown = HashSet::new();
        loop {
            tokio::time::sleep(self.engine.settings.renew_every).await;
            self.abandon_orphans().await;
            // A claim of which nobody here knows runs out by itself, and is found as one of a worker that ended. To ask a file
            // costs nothing.
            let is_idle = self.at_work.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
            if is_idle && self.engine.store.is_on_server() {
                unknown.clear();
                continue;
            }
            let asked = self.leases.mark();
            fault::point(FaultPoint::RenewBegins, "heartbeat");
            let renewed =
                self.engine.store.renew_claims(&self.token, self.engine.clock.now(), self.leases.length()).await;
            match renewed {
                Ok(held) => {
                    fault::point(FaultPoint::Renewed, "heartbeat");
                    self.leases.renewed(asked, &held);
                    trouble.over();
                    unknown = self.adopt(held, &unknown);
                }
                Err(problem) => {
                    let problem = describe(&problem);
                    if trouble.is_news(&problem) {
                        warn!(error = %problem, "cannot renew claims; nothing is sent once they have run out");
                    }
                }
            }
        }
    }

    async fn abandon_orphans(&self) {
        let gone: Vec<(PostId, Fence)> = self.orphans().iter().map(|(post, fence)| (*post, *fence)).collect();
        if gone.is_empty() {
            return;
        }
        fault::point(FaultPoint::AbandonBegins, "heartbeat");
        match self.engine.store.abandon(&gone, self.engine.clock.now() + TimeDelta::seconds(5)).await {
            Ok(()) => {
                fault::point(FaultPoint::Abandoned, "heartbeat");
                self.orphans().retain(|post, fence| !gone.contains(&(*post, *fence)));
            }
            Err(problem) => warn!(error = %describe(&problem), "cannot let abandoned posts go yet"),
        }
    }

    /// Makes orphans of claims that the store holds for this process and nobody here knows of, at two beats in a row: the
    /// answer that told of them was lost. Renewed as they are, they would keep their posts for ever. Answers those that are
    /// unknown now.
    fn adopt(&self, held: Vec<(PostId, Fence)>, before: &HashSet<(PostId, Fence)>) -> HashSet<(PostId, Fence)> {
        let unknown: HashSet<_> = {
            let at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
            held.into_iter().filter(|claim| !at_work.contains(claim)).collect()
        };
        self.orphans().extend(unknown.intersection(before).copied());
        unknown
    }

    fn orphans(&self) -> MutexGuard<'_, HashMap<PostId, Fence>> {
        self.orphans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

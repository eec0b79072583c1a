//! Reads how posts do: one loop for each platform, which sleeps until something is due and lets a few accounts be read
//! beside each other.
//!
//! Guaranteed: nothing is remembered but in the database, where waiting is a time on a row; a core that dies loses a claim of
//! two minutes and nothing else. Every call is counted against the budgets of its app and its account before it is made,
//! and what there is no room for waits. Whatever becomes of a reading, no post and no login is touched, but that an expired
//! token is refreshed. Expected: platforms that are away, slow or limit us, logins that are lost, scopes that were not granted,
//! posts that were removed.

mod judge;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use futures_util::future::join_all;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tracing::{info, warn};

use self::judge::{NoRoom, account_failed, no_room, not_known, seen};
use crate::{
    app::analytics::Asks,
    clock::Clock,
    domain::{
        analytics::Price,
        budget::Charge,
        failure::{Failure, FailureClass, Reason, describe},
        ids::{AccountId, Fence, PostId},
        platform::Platform,
    },
    platform::{
        Registry,
        numbers::{NumbersClient, Seen, TIMEOUT},
    },
    repeated::Repeated,
    store::{
        self, Store,
        analytics::syncing::{Batch, CLAIMED_FOR, Due, PutOff, Read},
    },
    tokens::TokenManager,
};

/// Accounts of one platform that are read at the same time.
const AT_ONCE: usize = 4;

/// Time between looks for what another core has written. What it publishes is not due before some minutes.
const LOOK: TimeDelta = TimeDelta::seconds(30);

/// The same, by no clock that can be set.
const LONGEST: Duration = Duration::from_secs(30);

/// Pause after an error of the database.
const PAUSE: TimeDelta = TimeDelta::seconds(1);

/// Pause when something is due and another core has it.
const NOTHING: TimeDelta = TimeDelta::milliseconds(500);

/// How long readings under way get when the core stops. Their claims run out by themselves.
const DRAIN: Duration = Duration::from_secs(5);

/// What is told between those who ask for a reading and those who read.
#[derive(Clone, Debug)]
pub struct Signals {
    /// Told when a reading is due that was not before: one per platform.
    asked: Arc<HashMap<Platform, Notify>>,
    /// Changes when a reading was settled.
    settled: watch::Sender<u64>,
}

impl Default for Signals {
    fn default() -> Self {
        let asked = Platform::ALL.into_iter().map(|platform| (platform, Notify::new())).collect();
        Self { asked: Arc::new(asked), settled: watch::Sender::new(0) }
    }
}

/// What reading needs.
#[derive(Clone)]
pub struct Syncing {
    /// Rows.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Platforms.
    pub registry: Registry,
    /// Tokens.
    pub token_manager: TokenManager,
    /// Between those who ask and this.
    pub signals: Signals,
    /// Unique per process.
    pub token: String,
    /// Turns true when the core stops.
    pub stopping: watch::Receiver<bool>,
}

/// What there is to do next.
enum Look {
    /// Something was begun.
    Begun,
    /// Nothing, until then.
    Wait(DateTime<Utc>),
}

/// The accounts that are being read, shared with their tasks.
#[derive(Clone, Default)]
struct UnderWay {
    accounts: Arc<Mutex<Vec<AccountId>>>,
    freed: Arc<Notify>,
}

impl UnderWay {
    fn accounts(&self) -> MutexGuard<'_, Vec<AccountId>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends an account's turn, also when its reading panics.
struct Turn(AccountId, UnderWay);

impl Drop for Turn {
    fn drop(&mut self) {
        self.1.accounts().retain(|account| *account != self.0);
        self.1.freed.notify_one();
    }
}

impl Syncing {
    /// Runs until the core stops.
    pub async fn run(self) {
        let platforms: Vec<_> =
            self.registry.platforms().map(|(platform, service)| (platform, service.numbers.clone())).collect();
        join_all(platforms.into_iter().map(|(platform, numbers)| self.follow(platform, numbers))).await;
    }

    async fn follow(&self, platform: Platform, numbers: Arc<dyn NumbersClient>) {
        let under_way = UnderWay::default();
        let mut readings = JoinSet::new();
        let mut trouble = Repeated::default();
        let mut stopping = self.stopping.clone();
        while !*stopping.borrow() {
            while readings.try_join_next().is_some() {}
            let until = match self.look(platform, &numbers, &under_way, &mut readings).await {
                Ok(Look::Begun) => {
                    trouble.over();
                    continue;
                }
                Ok(Look::Wait(until)) => {
                    trouble.over();
                    until
                }
                Err(problem) => {
                    let problem = describe(&problem);
                    if trouble.is_news(&problem) {
                        warn!(%platform, error = %problem, "cannot look for numbers to be read");
                    }
                    self.clock.now() + PAUSE
                }
            };
            let asked = async {
                match self.signals.asked.get(&platform) {
                    Some(asked) => asked.notified().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.clock.sleep_until(until) => {}
                // Also when the clock was set back meanwhile.
                () = sleep(LONGEST) => {}
                () = asked => {}
                () = under_way.freed.notified() => {}
                _ = stopping.wait_for(|stopping| *stopping) => {}
            }
        }
        if timeout(DRAIN, async { while readings.join_next().await.is_some() {} }).await.is_err() {
            info!(%platform, left = readings.len(), "some readings of numbers did not end in time; they are made again");
            readings.shutdown().await;
        }
    }

    /// Begins what is due.
    async fn look(
        &self,
        platform: Platform,
        numbers: &Arc<dyn NumbersClient>,
        under_way: &UnderWay,
        readings: &mut JoinSet<()>,
    ) -> store::Result<Look> {
        let full = under_way.accounts().clone();
        let now = self.clock.now();
        if full.len() >= AT_ONCE {
            return Ok(Look::Wait(now + LOOK));
        }
        match self.store.next_sync_at(platform, &full).await? {
            None => return Ok(Look::Wait(now + LOOK)),
            Some(at) if at > now => return Ok(Look::Wait(at.min(now + LOOK))),
            Some(_) => {}
        }
        let claimed_at = Instant::now();
        let Some(batch) = self.store.claim_syncs(platform, &full, numbers.batch(), &self.token, now).await? else {
            return Ok(Look::Wait(now + NOTHING));
        };
        if batch.posts.is_empty() {
            return Ok(Look::Wait(now + NOTHING));
        }
        under_way.accounts().push(batch.account);
        let turn = Turn(batch.account, under_way.clone());
        let (of, numbers) = (self.clone(), Arc::clone(numbers));
        readings.spawn(async move {
            of.read(platform, &*numbers, batch, claimed_at).await;
            drop(turn);
        });
        Ok(Look::Begun)
    }

    /// Reads a batch and writes what became of it.
    async fn read(&self, platform: Platform, numbers: &dyn NumbersClient, batch: Batch, claimed_at: Instant) {
        let account = batch.account;
        let done = match self.reading(platform, numbers, &batch, claimed_at).await {
            Ok(done) => done,
            Err(problem) => {
                warn!(account.id = %account, error = %describe(&problem), "cannot read numbers; it is tried again");
                return;
            }
        };
        match self.store.settle_syncs(done, self.clock.now()).await {
            Ok(()) => self.signals.settled.send_modify(|settled| *settled = settled.wrapping_add(1)),
            Err(problem) => {
                warn!(account.id = %account, error = %describe(&problem), "cannot keep numbers; they are read again");
            }
        }
    }

    async fn reading(
        &self,
        platform: Platform,
        numbers: &dyn NumbersClient,
        batch: &Batch,
        claimed_at: Instant,
    ) -> store::Result<Vec<(PostId, Fence, Read)>> {
        let now = self.clock.now();
        let (known, unknown): (Vec<&Due>, Vec<&Due>) =
            batch.posts.iter().partition(|due| due.platform_post_id.is_some());
        let remedy = numbers.when_id_is_unknown();
        let unread = |due: &&Due| (due.post, due.fence, not_known(due, platform, remedy, batch.account, now));
        let mut done: Vec<_> = unknown.iter().map(unread).collect();
        if known.is_empty() {
            return Ok(done);
        }
        let ids: Vec<String> = known.iter().filter_map(|due| due.platform_post_id.clone()).collect();
        let read = self.ask(platform, numbers, batch.account, &ids, claimed_at).await?;
        let now = self.clock.now();
        for (index, due) in known.iter().enumerate() {
            let became = match &read {
                Ok(told) => match told.get(index) {
                    Some(told) => seen(due, told, platform, batch.account, now),
                    None => continue,
                },
                Err(Unread::Failed(failure)) => account_failed(due, failure, batch.account, now),
                Err(Unread::NoRoom(no)) => no_room(due, no),
            };
            done.push((due.post, due.fence, became));
        }
        Ok(done)
    }

    /// Asks the platform, within its budgets and with tokens that work.
    async fn ask(
        &self,
        platform: Platform,
        numbers: &dyn NumbersClient,
        account: AccountId,
        ids: &[String],
        claimed_at: Instant,
    ) -> store::Result<Result<Vec<Seen>, Unread>> {
        let (mut of, mut tokens) = match self.token_manager.fresh_tokens_for(account, self.clock.now()).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(Unread::Failed(error.failure()))),
        };
        if let Some(lacking) = numbers.lacks(&of) {
            return Ok(Err(Unread::Failed(lacking)));
        }
        for is_second in [false, true] {
            // A slow database, or a process that was stopped and woken: somebody else may have them by now.
            let left = CLAIMED_FOR.to_std().unwrap_or_default().saturating_sub(claimed_at.elapsed());
            if left < TIMEOUT {
                let failure = Failure::new(
                    FailureClass::Transient,
                    Reason::StoreUnavailable,
                    "the core was too slow to read the numbers",
                );
                return Ok(Err(Unread::Failed(failure)));
            }
            let now = self.clock.now();
            let Price { of_app, of_account } = numbers.price(&of, now);
            if let Some(mut refused) = self.charge(platform, of_account.as_ref()).await? {
                // Who is put off earlier in an hour comes first in the next one, so nobody is passed over again and again.
                refused.until += TimeDelta::seconds(i64::from(now.minute()));
                self.store.put_syncs_off(PutOff::Account(account), refused.until, now).await?;
                return Ok(Err(Unread::NoRoom(NoRoom::of_account(platform, &refused))));
            }
            if let Some(refused) = self.charge(platform, of_app.as_ref()).await? {
                self.store.put_syncs_off(PutOff::Platform(platform), refused.until, now).await?;
                return Ok(Err(Unread::NoRoom(NoRoom::of_app(platform, &refused))));
            }
            let failure = match numbers.read(&of, &tokens, ids, now).await {
                Ok(told) => return Ok(Ok(told)),
                Err(failure) => failure,
            };
            match failure.class {
                FailureClass::AuthExpired if !is_second => {
                    match self.token_manager.refresh_after_refusal(account, of.token_version).await {
                        Ok(newer) => (of, tokens) = newer,
                        Err(error) => return Ok(Err(Unread::Failed(error.failure()))),
                    }
                }
                FailureClass::RateLimited { until } | FailureClass::Quota { until } => {
                    if let Some(charge) = of_app.filter(|_| matches!(failure.class, FailureClass::Quota { .. })) {
                        self.store.used_up(platform, &[charge]).await?;
                    }
                    let no = NoRoom::by_platform(until, failure, now);
                    self.store.put_syncs_off(PutOff::Account(account), no.until, now).await?;
                    return Ok(Err(Unread::NoRoom(no)));
                }
                _ => return Ok(Err(Unread::Failed(failure))),
            }
        }
        unreachable!("the second round always answers")
    }

    async fn charge(&self, platform: Platform, charge: Option<&Charge>) -> store::Result<Option<Charge>> {
        match charge {
            Some(charge) => self.store.charge(platform, std::slice::from_ref(charge)).await,
            None => Ok(None),
        }
    }
}

/// Why a batch was not read.
enum Unread {
    /// It failed.
    Failed(Failure),
    /// It has to wait.
    NoRoom(NoRoom),
}

impl Asks for Signals {
    fn ask(&self, platform: Platform) {
        if let Some(asked) = self.asked.get(&platform) {
            asked.notify_one();
        }
    }

    fn settled(&self) -> watch::Receiver<u64> {
        self.settled.subscribe()
    }
}

//! One claimed post and the loop that moves it: settle what a dead worker left, ask the client what is next, record,
//! send, record, decide.
//!
//! Thousands of workers mostly wait for a platform or for the post's time. Their other futures are boxed (`Box::pin`),
//! so that a waiting worker is small.

mod copy;
mod live;
mod look_up;
mod steps;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use tokio::sync::SemaphorePermit;
use tracing::{debug, info, warn};

use super::{
    decide::{Decision, DecisionContext},
    engine::Engine,
    handover,
    lease::{Claim, Permit},
    points,
    restored::was_found,
    video::PostVideo,
};
use crate::{
    domain::{
        change::{Change, LedgerWrite, Release},
        failure::{Failure, FailureClass, Reason},
        ledger::{Entry, Evidence, Ledger, StepClass, StepOutcome},
        post::{Post, SchedulerKind, Status, WaitReason},
        transition::Move,
    },
    fault::{self, FaultPoint},
    platform::{Asked, Call, Lookup, Next, Service, View},
    store::{Error, Result, platform_posts::Rivals},
    telemetry::metrics::Counted,
    tokens::{OpenLogin, TokenError},
};

/// Evidence of a request that was recorded early and taken back before its time.
const NOT_SENT: &str = "not_sent";

/// Exchanges of one claim after which the post is released and claimed again: a client that goes in circles cannot hold
/// a worker for ever.
const MAX_STEPS: usize = 2_000;

/// A workflow is not called any more when less than this is left: the core publishes the post itself.
const LAST_HAND_OVER: TimeDelta = TimeDelta::seconds(10);

pub(super) struct Worker<'a> {
    engine: &'a Engine,
    claim: Claim,
    /// Tokens were refreshed under this claim because the platform refused them; once is enough.
    refreshed: bool,
    /// Its turn to store what it was told of a live post.
    place: Option<SemaphorePermit<'a>>,
}

/// A claimed post with its ledger and state.
struct Work {
    post: Post,
    ledger: Ledger,
    login: Arc<OpenLogin>,
    service: Service,
}

/// Keeps the ledger in memory the same as the stored one.
fn wrote(ledger: &mut Ledger, written: LedgerWrite) {
    match written {
        LedgerWrite::Nothing => {}
        LedgerWrite::Insert(entry) => ledger.push(entry),
        LedgerWrite::Update(entry) => {
            if let Some(stored) = ledger.entry_mut(entry.number) {
                *stored = entry;
            }
        }
    }
}

/// Whether the worker continues.
enum Flow {
    Continue,
    Done,
}

impl<'a> Worker<'a> {
    pub(super) fn new(engine: &'a Engine, claim: Claim) -> Self {
        Self { engine, claim, refreshed: false, place: None }
    }

    // No `async fn`: thousands wait here, and it would keep room for the worker twice.
    pub(super) fn run(
        mut self,
        post: Box<Post>,
        ledger: Ledger,
        login: Option<Arc<OpenLogin>>,
    ) -> impl Future<Output = Result<()>> + Send + use<'a> {
        let id = post.id;
        async move {
            match self.drive(post, ledger, login).await {
                // It was cancelled or taken over: that state stands, ours is void.
                Err(Error::Fenced(_)) => {
                    debug!(post.id = %id, "claim is gone");
                    Ok(())
                }
                other => other,
            }
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.engine.clock.now()
    }

    fn apply<'b>(&'b self, post: &'b mut Post, change: Change) -> BoxFuture<'b, Result<Flow>> {
        Box::pin(self.write(post, change))
    }

    // No `async fn`: thousands wait here, and it would keep room for a second change.
    fn write<'b>(
        &'b self,
        post: &'b mut Post,
        change: Change,
    ) -> impl Future<Output = Result<Flow>> + Send + use<'a, 'b> {
        let released = change.release.is_some();
        let before = post.status;
        let ([begins, committed], what) = points::of(&change, before);
        let (counted, metrics) = (Counted::of(before, &change), &self.engine.metrics);
        let change = Box::new(change);
        async move {
            // It is never closed.
            let _place = self.engine.writing.acquire().await;
            fault::point(begins, &what);
            *post = self.engine.store.apply(post, *change, self.now()).await?;
            metrics.wrote(counted, post);
            fault::point(committed, &what);
            if post.status != before {
                info!(post.id = %post.id, from = %before, to = %post.status, reason = post.error.as_ref().map(|error| error.reason.as_str()), "post moved");
            }
            Ok(if released { Flow::Done } else { Flow::Continue })
        }
    }

    /// Writes a change, also to the ledger in memory.
    fn commit<'b>(&'b self, work: &'b mut Work, mut change: Change) -> BoxFuture<'b, Result<Flow>> {
        let Work { post, ledger, service, .. } = work;
        if matches!(change.by, Some(Move::Rejected | Move::Missed)) && change.warning.is_none() {
            change.warning = service.client.remains(ledger);
        }
        let written =
            [change.ledger.clone(), change.reopened.clone().map_or(LedgerWrite::Nothing, LedgerWrite::Update)];
        let write = self.write(post, change);
        Box::pin(async move {
            let flow = write.await?;
            written.into_iter().for_each(|written| wrote(ledger, written));
            Ok(flow)
        })
    }

    fn release(at: Option<DateTime<Utc>>, waiting_for: Option<WaitReason>) -> Change {
        Change { release: Some(Release { at, waiting_for }), ..Change::default() }
    }

    async fn drive(&mut self, mut post: Box<Post>, ledger: Ledger, login: Option<Arc<OpenLogin>>) -> Result<()> {
        if post.abandoned_claims > self.engine.settings.max_crashes {
            return Box::pin(self.quarantine(post, &ledger)).await;
        }
        // A post that may already be published is neither missed nor handed over.
        if post.to_be_looked_up().is_none()
            && let Flow::Done = Box::pin(self.before_any_step(&mut post, &ledger)).await?
        {
            return Ok(());
        }
        let Some(mut work) = Box::pin(self.gather(post, ledger, login)).await? else { return Ok(()) };
        for _ in 0..MAX_STEPS {
            if *self.engine.stopping.borrow() {
                let at = self.now();
                self.commit(&mut work, Self::release(Some(at), None)).await?;
                return Ok(());
            }
            if let Flow::Done = self.advance(&mut work).await? {
                return Ok(());
            }
        }
        warn!(post.id = %work.post.id, "{MAX_STEPS} steps under one claim; letting the post go");
        let at = self.now() + TimeDelta::minutes(1);
        self.commit(&mut work, Self::release(Some(at), None)).await?;
        Ok(())
    }

    /// What happens before anything is asked of the account or the platform.
    async fn before_any_step(&self, post: &mut Post, ledger: &Ledger) -> Result<Flow> {
        match self.before_its_time(post, ledger).await? {
            Flow::Continue => self.copy_first(post, ledger).await,
            Flow::Done => Ok(Flow::Done),
        }
    }

    /// What happens to a scheduled post before any step: hand-over to a workflow, missed times.
    async fn before_its_time(&self, post: &mut Post, ledger: &Ledger) -> Result<Flow> {
        let by = match post.status {
            Status::Scheduled => Move::Missed,
            Status::Publishing if was_disarmed(post, ledger) => Move::Rejected,
            _ => return Ok(Flow::Continue),
        };
        let now = self.now();
        let due = post.due();
        let late = now - due;
        if late > TimeDelta::try_seconds(post.late_policy_seconds).unwrap_or(TimeDelta::MAX) {
            let failure = Failure::new(
                FailureClass::Transient,
                Reason::Missed,
                format!("found {} s after its time", late.num_seconds()),
            )
            .with_remedy("publish it now with RetryPost, or allow more in late_policy_seconds");
            let change = Change { by: Some(by), error: Some(Some(failure)), ..Self::release(None, None) };
            return self.apply(post, change).await;
        }
        // A workflow gets a post that is complete.
        if post.status == Status::Scheduled && post.scheduler == SchedulerKind::N8n && !post.wants_copy {
            return self.hand_over(post, due, now).await;
        }
        Ok(Flow::Continue)
    }

    async fn hand_over(&self, post: &mut Post, due: DateTime<Utc>, now: DateTime<Utc>) -> Result<Flow> {
        let grace = due + self.engine.settings.workflow_grace;
        if post.handed_over_at.is_some() {
            // No call within the grace time: the core publishes.
            return if now < grace {
                self.apply(post, Self::release(Some(grace), Some(WaitReason::Workflow))).await
            } else {
                Ok(Flow::Continue)
            };
        }
        // Handing over takes seconds when the webhook is away: not right before the post's time.
        if now >= due - LAST_HAND_OVER {
            return Ok(Flow::Continue);
        }
        let handed = match &self.engine.handover {
            Some(handover) => handover.call(post).await,
            None => Err("no workflow webhook is set (N8N_SCHEDULER_WEBHOOK)".to_owned()),
        };
        match handed {
            Ok(()) => {
                let change = Change {
                    handed_over_at: Some(now),
                    handover_failures: Some(0),
                    ..Self::release(Some(grace), Some(WaitReason::Workflow))
                };
                self.apply(post, change).await
            }
            Err(error) => {
                warn!(post.id = %post.id, error, "hand-over failed; the core publishes on time");
                let prepare_at = due - self.engine.settings.prepare_lead;
                if now >= prepare_at {
                    // On time needs preparing, as for a post of the core's own.
                    return Ok(Flow::Continue);
                }
                let again = (now + handover::gap(post.handover_failures)).min(prepare_at);
                let change = Change {
                    handover_failures: Some(post.handover_failures.saturating_add(1)),
                    warning: Some(handover::not_taken(&error)),
                    ..Self::release(Some(again), Some(WaitReason::Schedule))
                };
                self.apply(post, change).await
            }
        }
    }

    /// A post that repeatedly crashed its worker: nothing is sent for it any more.
    async fn quarantine(&self, mut post: Box<Post>, ledger: &Ledger) -> Result<()> {
        let failure = Failure::new(
            FailureClass::Permanent,
            Reason::Quarantined,
            "the post stopped its worker several times and was quarantined",
        )
        .with_remedy("tell the operator; RetryPost tries again");
        let change = Change { error: Some(Some(failure)), ..Self::release(None, None) };
        let may_be_out = post.to_be_looked_up().is_some();
        let by = match post.status {
            Status::Published | Status::Delivered | Status::Draft | Status::Failed | Status::NeedsReview => None,
            Status::Scheduled if may_be_out => {
                for by in [Move::Begin, Move::ReplyLost] {
                    self.apply(&mut post, Change { by: Some(by), ..Change::default() }).await?;
                }
                Some(Move::CannotTell)
            }
            Status::Scheduled => Some(Move::Missed),
            _ if !may_be_out && !is_open(&post, ledger) => Some(Move::Rejected),
            Status::Publishing => {
                self.apply(&mut post, Change { by: Some(Move::ReplyLost), ..Change::default() }).await?;
                Some(Move::CannotTell)
            }
            _ => Some(Move::CannotTell),
        };
        self.apply(&mut post, Change { by, ..change }).await?;
        Ok(())
    }

    /// Gets the account and its tokens, or takes them from `login` if just read. `None`: the post was released.
    async fn gather(
        &self,
        mut post: Box<Post>,
        ledger: Ledger,
        login: Option<Arc<OpenLogin>>,
    ) -> Result<Option<Box<Work>>> {
        let live = matches!(post.status, Status::Published | Status::Delivered);
        let Some(service) = self.engine.registry.get(post.platform).cloned() else {
            let failure = Failure::new(
                FailureClass::Permanent,
                Reason::Unsupported,
                format!("this core cannot publish to {}", post.platform.display_name()),
            );
            self.give_up(&mut post, &ledger, live, failure).await?;
            return Ok(None);
        };
        if let Some(login) = login {
            return Ok(Some(Box::new(Work { post: *post, ledger, login, service })));
        }
        let error = match self.engine.token_manager.fresh_tokens_for(post.social_account_id, self.now()).await {
            Ok((account, tokens)) => {
                let login = Arc::new(OpenLogin { account, tokens });
                return Ok(Some(Box::new(Work { post: *post, ledger, login, service })));
            }
            Err(error) => error,
        };
        if is_passing(&error) {
            let change = self.wait_for_tokens(error.failure());
            self.apply(&mut post, change).await?;
        } else {
            self.give_up(&mut post, &ledger, live, error.failure()).await?;
        }
        Ok(None)
    }

    /// No tokens now, but the login is not at fault: the post waits as long as needed, and it costs no retry.
    fn wait_for_tokens(&self, failure: Failure) -> Change {
        let at = self.now() + TimeDelta::minutes(1);
        Change { error: Some(Some(failure)), ..Self::release(Some(at), Some(WaitReason::Retry)) }
    }

    /// No request can be made for the post. It fails if it cannot be visible; otherwise it waits for the account's
    /// owner.
    async fn give_up(&self, post: &mut Post, ledger: &Ledger, live: bool, failure: Failure) -> Result<()> {
        if post.to_be_looked_up().is_some() {
            return self.look_up_later(post, failure).await;
        }
        let change = if live {
            Self::release(None, None)
        } else if is_open(post, ledger) {
            let by = (post.status == Status::Publishing).then_some(Move::ReplyLost);
            let now = self.now();
            let why = Evidence::new().with("reason", failure.reason.as_str());
            let reopened = ledger.provisionally_absent(post.attempt).map(|sent| sent.clone().reopened(now, why));
            let waits = Self::release(Some(now + TimeDelta::hours(6)), Some(WaitReason::Reconnect));
            Change { by, reopened, error: Some(Some(failure)), ..waits }
        } else {
            let by = if post.status == Status::Scheduled { Move::Missed } else { Move::Rejected };
            Change { by: Some(by), error: Some(Some(failure)), ..Self::release(None, None) }
        };
        self.apply(post, change).await?;
        Ok(())
    }

    async fn advance(&mut self, work: &mut Work) -> Result<Flow> {
        if let Some(left) = left_behind(work) {
            return Box::pin(self.settle_left_behind(work, left)).await;
        }
        if let Some(entry) = work.ledger.unsettled(work.post.attempt).cloned() {
            return Box::pin(self.reconcile(work, entry)).await;
        }
        if let Some(since) = work.post.to_be_looked_up().filter(|_| !was_found(&work.post, &work.ledger)) {
            return Box::pin(self.look_up(work, since)).await;
        }
        let now = self.now();
        let view = View { post: &work.post, account: &work.login.account, ledger: &work.ledger, now };
        let step = match work.service.client.next(&view) {
            Next::Step(step) => step,
            Next::Live { live, then } => {
                return Box::pin(self.live(work, Move::Confirmed, Some(live), then)).await;
            }
            Next::Delivered { then } => return Box::pin(self.live(work, Move::Delivered, None, then)).await,
            Next::Rejected(failure) => {
                let decision =
                    self.decision_context(work, now, |decision_context| decision_context.after_rejection(failure));
                return self.follow(work, decision, None).await;
            }
        };
        self.step(work, step).await
    }

    fn decision_context<T>(&self, work: &Work, now: DateTime<Utc>, judge: impl FnOnce(&DecisionContext<'_>) -> T) -> T {
        judge(&DecisionContext {
            post: &work.post,
            ledger: &work.ledger,
            now,
            chance: (self.engine.chance)(),
            policy: &self.engine.settings.policy,
            token_version: work.login.account.token_version,
        })
    }

    /// A step whose worker died: for a point of no return its outcome is unknown, for everything else it is harmless.
    async fn settle_left_behind(&self, work: &mut Work, mut entry: Entry) -> Result<Flow> {
        entry.outcome = Some(StepOutcome::Unknown);
        entry.answered_at = Some(self.now());
        entry.evidence = entry.evidence.with("worker", "died before the outcome was recorded");
        let lost = entry.class == StepClass::PointOfNoReturn && work.post.status == Status::Publishing;
        let change =
            Change { by: lost.then_some(Move::ReplyLost), ledger: LedgerWrite::Update(entry), ..Change::default() };
        self.commit(work, change).await
    }

    async fn reconcile(&mut self, work: &mut Work, entry: Entry) -> Result<Flow> {
        if work.post.status == Status::Publishing {
            self.commit(work, Change { by: Some(Move::ReplyLost), ..Change::default() }).await?;
        }
        let price = work.service.client.price(Asked::Reading, self.now());
        self.engine.store.charge(work.post.platform, &price).await?;
        let lookup = {
            let rivals = self.rivals(work).await?;
            let video = self.engine.videos.of(&work.post);
            let progress = self.engine.uploads.track(work.post.id, work.post.wp_user_id);
            let permit = self.permit(self.now());
            let call = self.call(work, &permit, &video, &progress, &rivals);
            let limit = Duration::from_secs(120);
            fault::point(FaultPoint::ReconcileBegins, &entry.step);
            match tokio::time::timeout(limit, work.service.client.reconcile(&call, &entry)).await {
                Ok(lookup) => lookup,
                Err(_) => {
                    Lookup::CannotTell { hopeless: false, evidence: Evidence::new().with("reading", "took too long") }
                }
            }
        };
        fault::point(FaultPoint::ReconcileEnds, &entry.step);
        let now = self.now();
        let (settle, confirmations) = (work.service.client.settle(), work.service.client.confirmations());
        let decision = self.decision_context(work, now, |decision_context| {
            decision_context.after_lookup(entry, lookup, settle, confirmations)
        });
        self.follow(work, decision, None).await
    }

    fn call<'c>(
        &'c self,
        work: &'c Work,
        permit: &'c Permit<'_>,
        video: &'c PostVideo<'c>,
        progress: &'c crate::progress::Tracked,
        rivals: &'c Rivals,
    ) -> Call<'c> {
        Call {
            view: View { post: &work.post, account: &work.login.account, ledger: &work.ledger, now: self.now() },
            tokens: &work.login.tokens,
            video,
            lease: permit,
            progress,
            bound_platform_ids: &rivals.bound,
            same_caption_in_flight: rivals.same_caption_in_flight,
        }
    }

    /// Other posts that a search in the account's list must not confuse with this one.
    async fn rivals(&self, work: &Work) -> Result<Rivals> {
        let now = self.now();
        let sent = work.ledger.entries().iter().find(|entry| entry.class == StepClass::PointOfNoReturn);
        let since = sent.map_or(now, |sent| sent.sent_at) - TimeDelta::days(1);
        self.engine.store.rivals(&work.post, since, now).await
    }

    /// Writes what was decided; `place` is the post's turn to write, if it took one.
    fn follow<'b>(
        &'b mut self,
        work: &'b mut Work,
        decision: Decision,
        place: Option<SemaphorePermit<'a>>,
    ) -> BoxFuture<'b, Result<Flow>> {
        Box::pin(async move {
            match decision {
                Decision::Continue(change) => self.commit(work, change).await,
                Decision::Release(change) => {
                    let change = match wants_its_owner(&change) {
                        Some(failure) => self.ask_the_owner(work, &failure, change).await,
                        None => change,
                    };
                    self.commit(work, change).await
                }
                Decision::Refresh(change, failure) => {
                    self.commit(work, change).await?;
                    drop(place);
                    Box::pin(self.refresh(work, failure)).await
                }
            }
        })
    }

    /// Only the account's owner can help: the account is marked as needing to be connected again. If other tokens were
    /// stored meanwhile, a post that would wait for the owner tries those.
    async fn ask_the_owner(&self, work: &Work, failure: &Failure, change: Change) -> Change {
        match self.engine.token_manager.lost(&work.login.account, &failure.message).await {
            Ok(None) => match change.release {
                Some(Release { waiting_for: Some(WaitReason::Reconnect), .. }) => {
                    let at = self.now() + TimeDelta::minutes(1);
                    Change { release: Self::release(Some(at), Some(WaitReason::Retry)).release, ..change }
                }
                _ => change,
            },
            Ok(Some(_)) => change,
            // What becomes of the post is written all the same; the next one that is refused asks.
            Err(error) => {
                warn!(account.id = %work.login.account.id, %error, "cannot keep that an account needs its owner");
                change
            }
        }
    }

    /// The platform refused the token: get a new one and continue with the same step. When that does not help, the
    /// owner has to.
    async fn refresh(&mut self, work: &mut Work, failure: Failure) -> Result<Flow> {
        let seen = work.login.account.token_version;
        let renewed = if self.refreshed {
            match self.engine.token_manager.lost(&work.login.account, &failure.message).await {
                Ok(Some(error)) | Err(error) => Err(error),
                // Newer tokens were stored meanwhile.
                Ok(None) => self.engine.token_manager.tokens_for(work.login.account.id).await,
            }
        } else {
            self.refreshed = true;
            self.engine.token_manager.refresh_after_refusal(work.login.account.id, seen).await
        };
        match renewed {
            Ok((account, tokens)) => {
                work.login = Arc::new(OpenLogin { account, tokens });
                Ok(Flow::Continue)
            }
            Err(error) => {
                let failure = error.failure();
                let now = self.now();
                if work.post.to_be_looked_up().is_some() {
                    self.look_up_later(&mut work.post, failure).await?;
                    return Ok(Flow::Done);
                }
                if matches!(work.post.status, Status::Published | Status::Delivered) {
                    let decision = self.decision_context(work, now, |decision_context| {
                        decision_context.after_follow_up(false, None, &failure.message)
                    });
                    return self.release_follow_up(work, decision).await;
                }
                if is_passing(&error) {
                    return self.commit(work, self.wait_for_tokens(failure)).await;
                }
                let decision = self.decision_context(work, now, |decision_context| {
                    decision_context.after_failure(Change::default(), failure)
                });
                match decision {
                    Decision::Continue(change) | Decision::Release(change) | Decision::Refresh(change, _) => {
                        let flow = self.commit(work, change).await?;
                        if let Flow::Continue = flow {
                            let at = self.now() + TimeDelta::minutes(1);
                            return self.commit(work, Self::release(Some(at), Some(WaitReason::Retry))).await;
                        }
                        Ok(flow)
                    }
                }
            }
        }
    }
}

/// Whether tokens are missing because of the core's keys, its settings or the network, not the login: the post
/// continues when that is fixed.
fn is_passing(error: &TokenError) -> bool {
    match error {
        TokenError::Unreadable(..) | TokenError::Transient(_) | TokenError::Refused(_) | TokenError::Store(_) => true,
        TokenError::NeedsReconnect(_) | TokenError::Disconnected(_) | TokenError::NotFound(_) => false,
    }
}

/// The failure of a post that is released because only its account's owner can help. A refusal of a point of no return
/// counts only after its readings.
fn wants_its_owner(change: &Change) -> Option<Failure> {
    let claimed = match &change.ledger {
        LedgerWrite::Update(entry) if change.by == Some(Move::CannotTell) => entry.refusal(),
        LedgerWrite::Nothing | LedgerWrite::Insert(_) | LedgerWrite::Update(_) => None,
    };
    let told = change.error.clone().flatten();
    told.into_iter().chain(claimed).find(|failure| failure.class == FailureClass::NeedsReconnect)
}

/// Whether a post that has begun waits for its time again: its request was recorded early and taken back by a stop.
fn was_disarmed(post: &Post, ledger: &Ledger) -> bool {
    let newest = ledger.of_attempt(post.attempt).rev().find(|entry| entry.class != StepClass::Read);
    let is_waiting = matches!(post.waiting_for, None | Some(WaitReason::Schedule));
    is_waiting
        && newest.is_some_and(|entry| {
            entry.outcome == Some(StepOutcome::NoEffect)
                && entry.sent_at == post.due()
                && entry.evidence.0.contains_key(NOT_SENT)
        })
}

/// Whether the post may be visible through its current attempt, as far as is proven.
fn is_open(post: &Post, ledger: &Ledger) -> bool {
    ledger.may_be_visible(post.attempt) || ledger.provisionally_absent(post.attempt).is_some()
}

/// A step that was recorded as sent by a dead worker: the holder of the claim is a post's only worker.
fn left_behind(work: &Work) -> Option<Entry> {
    work.ledger.entries().iter().find(|entry| entry.outcome.is_none() && entry.fence != work.post.fence).cloned()
}

//! One claimed post and the loop that moves it: settle what a dead worker left, ask the client what is next, record,
//! send, record, decide.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{debug, info, warn};

use super::{
    Engine,
    checks::Verdict,
    decide::{Decision, Situation},
    handover,
    lease::{Claim, Permit},
    points,
    video::PostVideo,
};
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        ledger::{Entry, Evidence, Ledger, StepClass, StepOutcome},
        post::{Post, SchedulerKind, Status, WaitReason},
        transition::Move,
    },
    fault::{self, FaultPoint},
    platform::{Call, Live, Lookup, Next, NotBefore, Outcome, Service, Step, Tokens, View},
    store::{
        Error, Result,
        claims::{Change, LedgerWrite, LiveDetails, Release},
    },
    tokens::TokenError,
};

/// Exchanges of one claim after which the post is let go and claimed anew: a client that goes in circles cannot hold a
/// worker for ever.
const MAX_STEPS: usize = 2_000;

/// A workflow is not called any more when less than this is left: the core has the post by then.
const LAST_HAND_OVER: TimeDelta = TimeDelta::seconds(10);

/// Time on top of a step's own timeout after which the engine gives its exchange up.
const SLACK: Duration = Duration::from_secs(5);

pub(super) struct Worker<'a> {
    engine: &'a Engine,
    claim: Claim,
    /// Tokens were refreshed under this claim because the platform refused them; once is enough.
    refreshed: bool,
}

/// A claimed post with what is known of it.
struct Work {
    post: Post,
    account: Account,
    ledger: Ledger,
    tokens: Tokens,
    service: Service,
}

/// Whether the worker goes on.
enum Flow {
    GoOn,
    Done,
}

impl<'a> Worker<'a> {
    pub(super) fn new(engine: &'a Engine, claim: Claim) -> Self {
        Self { engine, claim, refreshed: false }
    }

    pub(super) async fn run(mut self, post: Post, ledger: Ledger) -> Result<()> {
        let id = post.id;
        match self.drive(post, ledger).await {
            // Somebody cancelled it or took it over: their state stands, ours is void.
            Err(Error::Fenced(_)) => {
                debug!(post.id = %id, "claim is gone");
                Ok(())
            }
            other => other,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.engine.clock.now()
    }

    async fn apply(&self, post: &mut Post, change: Change) -> Result<Flow> {
        let released = change.release.is_some();
        let before = post.status;
        let ([begins, committed], what) = points::of(&change, before);
        fault::point(begins, &what);
        *post = self.engine.store.apply(post, change, self.now()).await?;
        fault::point(committed, &what);
        if post.status != before {
            info!(post.id = %post.id, from = %before, to = %post.status, reason = post.error.as_ref().map(|error| error.reason.as_str()), "post moved");
        }
        Ok(if released { Flow::Done } else { Flow::GoOn })
    }

    /// Writes a change and keeps the ledger in memory the same as the stored one.
    async fn commit(&self, work: &mut Work, change: Change) -> Result<Flow> {
        let written = change.ledger.clone();
        let flow = self.apply(&mut work.post, change).await?;
        match written {
            LedgerWrite::Nothing => {}
            LedgerWrite::Insert(entry) => work.ledger.push(entry),
            LedgerWrite::Update(entry) => {
                if let Some(stored) = work.ledger.entry_mut(entry.number) {
                    *stored = entry;
                }
            }
        }
        Ok(flow)
    }

    fn release(at: Option<DateTime<Utc>>, waiting_for: Option<WaitReason>) -> Change {
        Change { release: Some(Release { at, waiting_for }), ..Change::default() }
    }

    async fn drive(&mut self, mut post: Post, ledger: Ledger) -> Result<()> {
        if post.crash_count > self.engine.settings.max_crashes {
            return self.set_aside(post, &ledger).await;
        }
        if let Flow::Done = self.before_its_time(&mut post).await? {
            return Ok(());
        }
        let Some(mut work) = self.gather(post, ledger).await? else { return Ok(()) };
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

    /// What happens to a scheduled post before any step: hand-over to a workflow, missed times.
    async fn before_its_time(&self, post: &mut Post) -> Result<Flow> {
        let (Status::Scheduled, Some(due)) = (post.status, post.scheduled_at) else { return Ok(Flow::GoOn) };
        let now = self.now();
        let late = now - due;
        if late > TimeDelta::seconds(post.late_policy_seconds) {
            let failure = Failure::new(
                FailureClass::Transient,
                Reason::Missed,
                format!("found {} s after its time", late.num_seconds()),
            )
            .with_remedy("publish it now with RetryPost, or allow more in late_policy_seconds");
            let change = Change { by: Some(Move::Missed), error: Some(Some(failure)), ..Self::release(None, None) };
            return self.apply(post, change).await;
        }
        if post.scheduler == SchedulerKind::N8n {
            return self.hand_over(post, due, now).await;
        }
        Ok(Flow::GoOn)
    }

    async fn hand_over(&self, post: &mut Post, due: DateTime<Utc>, now: DateTime<Utc>) -> Result<Flow> {
        let grace = due + self.engine.settings.workflow_grace;
        if post.handed_over_at.is_some() {
            // Nothing came by the grace time: the core publishes.
            return if now < grace {
                self.apply(post, Self::release(Some(grace), Some(WaitReason::Workflow))).await
            } else {
                Ok(Flow::GoOn)
            };
        }
        // Handing over takes seconds when the webhook is away: not right before the post's time.
        if now >= due - LAST_HAND_OVER {
            return Ok(Flow::GoOn);
        }
        let handed = match &self.engine.handover {
            Some(handover) => handover.call(post).await,
            None => Err("no workflow webhook is set (N8N_SCHEDULER_WEBHOOK)".to_owned()),
        };
        match handed {
            Ok(()) => {
                let change = Change {
                    handed_over_at: Some(now),
                    poll_count: Some(0),
                    ..Self::release(Some(grace), Some(WaitReason::Workflow))
                };
                self.apply(post, change).await
            }
            Err(error) => {
                warn!(post.id = %post.id, error, "hand-over failed; the core publishes on time");
                let prepare_at = due - self.engine.settings.prepare_lead;
                if now >= prepare_at {
                    // On time needs preparing, as for a post of the core's own.
                    return Ok(Flow::GoOn);
                }
                let again = (now + handover::gap(post.poll_count)).min(prepare_at);
                let change = Change {
                    poll_count: Some(post.poll_count.saturating_add(1)),
                    warning: Some(handover::not_taken(&error)),
                    ..Self::release(Some(again), Some(WaitReason::Schedule))
                };
                self.apply(post, change).await
            }
        }
    }

    /// A post that stopped its worker again and again: nothing is sent for it any more.
    async fn set_aside(&self, mut post: Post, ledger: &Ledger) -> Result<()> {
        let failure = Failure::new(
            FailureClass::Permanent,
            Reason::Quarantined,
            "the post stopped its worker several times and was set aside",
        )
        .with_remedy("tell the operator; RetryPost tries again");
        let change = Change { error: Some(Some(failure)), ..Self::release(None, None) };
        let by = match post.status {
            Status::Published | Status::Delivered => None,
            Status::Scheduled => Some(Move::Missed),
            _ if !ledger.may_be_visible(post.attempt) => Some(Move::Rejected),
            Status::Publishing => {
                self.apply(&mut post, Change { by: Some(Move::ReplyLost), ..Change::default() }).await?;
                Some(Move::CannotTell)
            }
            _ => Some(Move::CannotTell),
        };
        self.apply(&mut post, Change { by, ..change }).await?;
        Ok(())
    }

    /// Reads the account and its tokens. `None`: the post was let go.
    async fn gather(&self, mut post: Post, ledger: Ledger) -> Result<Option<Work>> {
        let visible = ledger.may_be_visible(post.attempt);
        let live = matches!(post.status, Status::Published | Status::Delivered);
        let Some(service) = self.engine.registry.get(post.platform).cloned() else {
            let failure = Failure::new(
                FailureClass::Permanent,
                Reason::Unsupported,
                format!("this core cannot publish to {}", post.platform.display_name()),
            );
            self.give_up(&mut post, visible, live, failure).await?;
            return Ok(None);
        };
        let error = match self.engine.keeper.fresh_tokens_for(post.social_account_id, self.now()).await {
            Ok((account, tokens)) => return Ok(Some(Work { post, account, ledger, tokens, service })),
            Err(error) => error,
        };
        match error {
            // The core's keys, its settings or the network are at fault, not the login: it goes on when they are right.
            TokenError::Unreadable(..) | TokenError::Transient(_) | TokenError::Refused(_) | TokenError::Store(_) => {
                let failure = error.failure();
                let at = self.now() + TimeDelta::minutes(1);
                let change = Change { error: Some(Some(failure)), ..Self::release(Some(at), Some(WaitReason::Retry)) };
                self.apply(&mut post, change).await?;
                Ok(None)
            }
            TokenError::NeedsReconnect(_) | TokenError::Disconnected(_) | TokenError::NotFound(_) => {
                self.give_up(&mut post, visible, live, error.failure()).await?;
                Ok(None)
            }
        }
    }

    /// No request can be made for the post. What cannot be visible fails; what may be waits for the account's owner.
    async fn give_up(&self, post: &mut Post, visible: bool, live: bool, failure: Failure) -> Result<()> {
        let change = if live {
            Self::release(None, None)
        } else if visible {
            let by = (post.status == Status::Publishing).then_some(Move::ReplyLost);
            let at = self.now() + TimeDelta::hours(6);
            Change { by, error: Some(Some(failure)), ..Self::release(Some(at), Some(WaitReason::Reconnect)) }
        } else {
            let by = if post.status == Status::Scheduled { Move::Missed } else { Move::Rejected };
            Change { by: Some(by), error: Some(Some(failure)), ..Self::release(None, None) }
        };
        self.apply(post, change).await?;
        Ok(())
    }

    async fn advance(&mut self, work: &mut Work) -> Result<Flow> {
        if let Some(left) = left_behind(work) {
            return self.settle_left_behind(work, left).await;
        }
        if let Some(entry) = work.ledger.unsettled(work.post.attempt).cloned() {
            return self.reconcile(work, entry).await;
        }
        let now = self.now();
        let next =
            work.service.client.next(&View { post: &work.post, account: &work.account, ledger: &work.ledger, now });
        match next {
            Next::Step(step) => self.step(work, step).await,
            Next::Live { live, then } => self.live(work, Move::Confirmed, Some(live), then).await,
            Next::Delivered { then } => self.live(work, Move::Delivered, None, then).await,
            Next::Rejected(failure) => {
                let decision = self.situation(work, now, |situation| situation.after_rejection(failure));
                self.follow(work, decision).await
            }
        }
    }

    fn situation<T>(&self, work: &Work, now: DateTime<Utc>, judge: impl FnOnce(&Situation<'_>) -> T) -> T {
        judge(&Situation {
            post: &work.post,
            ledger: &work.ledger,
            now,
            chance: (self.engine.chance)(),
            policy: &self.engine.settings.policy,
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
        let lookup = {
            let (siblings, twins) = self.engine.store.siblings(&work.post).await?;
            let video = self.engine.videos.of(&work.post);
            let progress = self.engine.uploads.track(work.post.id, work.post.wp_user_id);
            let permit = self.permit(self.now());
            let call = self.call(work, &permit, &video, &progress, &siblings, twins);
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
        let decision =
            self.situation(work, now, |situation| situation.after_lookup(entry, lookup, settle, confirmations));
        self.follow(work, decision).await
    }

    fn call<'c>(
        &'c self,
        work: &'c Work,
        permit: &'c Permit<'_>,
        video: &'c PostVideo,
        progress: &'c crate::progress::Tracked,
        siblings: &'c [String],
        twins: bool,
    ) -> Call<'c> {
        Call {
            view: View { post: &work.post, account: &work.account, ledger: &work.ledger, now: self.now() },
            tokens: &work.tokens,
            video,
            lease: permit,
            progress,
            siblings,
            twins,
        }
    }

    async fn follow(&mut self, work: &mut Work, decision: Decision) -> Result<Flow> {
        match decision {
            Decision::GoOn(change) | Decision::LetGo(change) => self.commit(work, change).await,
            Decision::Refresh(change, failure) => {
                self.commit(work, change).await?;
                self.refresh(work, failure).await
            }
        }
    }

    /// The platform refused the token: get a new one and go on with the same step. When that does not help, the owner
    /// has to.
    async fn refresh(&mut self, work: &mut Work, failure: Failure) -> Result<Flow> {
        let seen = work.account.token_version;
        let renewed = if self.refreshed {
            match self.engine.keeper.lost(&work.account, &failure.message).await {
                Ok(Some(error)) | Err(error) => Err(error),
                // Somebody else stored newer tokens meanwhile.
                Ok(None) => self.engine.keeper.tokens_for(work.account.id).await,
            }
        } else {
            self.refreshed = true;
            self.engine.keeper.refresh_after_refusal(work.account.id, seen).await
        };
        match renewed {
            Ok((account, tokens)) => {
                work.account = account;
                work.tokens = tokens;
                Ok(Flow::GoOn)
            }
            Err(error) => {
                let failure = error.failure();
                let now = self.now();
                if matches!(work.post.status, Status::Published | Status::Delivered) {
                    let decision =
                        self.situation(work, now, |situation| situation.after_follow_up(false, None, &failure.message));
                    return self.follow_up_let_go(work, decision).await;
                }
                let decision =
                    self.situation(work, now, |situation| situation.after_failure(Change::default(), failure));
                match decision {
                    Decision::GoOn(change) | Decision::LetGo(change) | Decision::Refresh(change, _) => {
                        let flow = self.commit(work, change).await?;
                        if let Flow::GoOn = flow {
                            let at = self.now() + TimeDelta::minutes(1);
                            return self.commit(work, Self::release(Some(at), Some(WaitReason::Retry))).await;
                        }
                        Ok(flow)
                    }
                }
            }
        }
    }

    /// When a step may leave.
    fn not_before(&self, post: &Post, step: &Step, now: DateTime<Utc>) -> DateTime<Utc> {
        // A post that was begun (published now, retried, or due before) waits for nothing but the platform.
        let due = match (post.status, post.scheduled_at) {
            (Status::Scheduled, Some(at)) => at,
            _ => now,
        };
        match step.not_before {
            NotBefore::Prepare => due - self.engine.settings.prepare_lead,
            NotBefore::Due => due,
            NotBefore::At(at) => at,
        }
    }

    async fn step(&mut self, work: &mut Work, step: Step) -> Result<Flow> {
        let now = self.now();
        let not_before = self.not_before(&work.post, &step, now);
        let armed = step.class == StepClass::PointOfNoReturn;
        let lead = if armed { self.engine.settings.arm_lead } else { TimeDelta::zero() };
        if now < not_before - lead - self.claim.ahead() {
            let change = Self::release(Some(not_before - lead), Some(WaitReason::Schedule));
            return self.commit(work, change).await;
        }
        match self.engine.check_before(&work.post, &work.account, &work.ledger, &step, now).await? {
            Verdict::Go(change) => {
                if change != Change::default() {
                    self.commit(work, change).await?;
                }
            }
            Verdict::Wait(at, reason, failure) => {
                let begun = begins(work, &step);
                let change = Change { by: begun, error: Some(Some(failure)), ..Self::release(Some(at), Some(reason)) };
                return self.commit(work, change).await;
            }
            Verdict::Fail(failure) => {
                let decision =
                    self.situation(work, now, |situation| situation.after_failure(Change::default(), failure));
                return self.follow(work, decision).await;
            }
        }
        let is_scheduled = work.post.status == Status::Scheduled;
        let sent_at = now.max(not_before);
        let mut entry = Entry {
            number: work.ledger.next_number(),
            attempt: work.post.attempt,
            step: step.kind.to_owned(),
            class: step.class,
            handle: step.handle.clone(),
            sent_at,
            deadline_at: sent_at + TimeDelta::from_std(step.timeout + SLACK).unwrap_or(TimeDelta::zero()),
            outcome: None,
            answered_at: None,
            evidence: Evidence::new(),
            fence: work.post.fence,
        };
        if step.class != StepClass::Read {
            let change =
                Change { by: begins(work, &step), ledger: LedgerWrite::Insert(entry.clone()), ..Change::default() };
            self.commit(work, change).await?;
        }
        let permit =
            Permit { punctuality: is_scheduled.then_some(&self.engine.punctuality), ..self.permit(not_before) };
        let outcome = if armed && self.claim.ahead() > TimeDelta::zero() {
            self.exchange_in_burst(work, &step, &permit).await
        } else {
            self.exchange(work, &step, &permit).await
        };
        if permit.was_stopped.load(Ordering::SeqCst) && matches!(outcome, Outcome::NoEffect { .. }) {
            return self.disarm(work, entry).await;
        }
        if step.class == StepClass::Read {
            // A read is recorded when it has learned something, with the time at which it did.
            entry.number = work.ledger.next_number();
        }
        let now = self.now();
        if let Outcome::NoEffect {
            failure: Failure { class: FailureClass::Quota { until: Some(until) }, .. }, ..
        } = &outcome
        {
            // The account's other posts wait too, instead of asking one after the other.
            fault::point(FaultPoint::QuotaNoteBegins, step.kind);
            self.engine.store.set_quota_blocked(&work.account, Some(*until)).await?;
            fault::point(FaultPoint::QuotaNoted, step.kind);
        }
        let decision = self.situation(work, now, |situation| situation.after_outcome(entry, outcome));
        self.follow(work, decision).await
    }

    /// The right to send a request from `not_before` on.
    fn permit(&self, not_before: DateTime<Utc>) -> Permit<'_> {
        let Engine { clock, stopping, .. } = self.engine;
        let (stopping, was_stopped) = (stopping.clone(), AtomicBool::new(false));
        Permit { claim: &self.claim, clock, not_before, punctuality: None, stopping, was_stopped }
    }

    /// Takes a recorded request back that has provably not left, and lets the post go to the next process.
    async fn disarm(&self, work: &mut Work, mut entry: Entry) -> Result<Flow> {
        entry.outcome = Some(StepOutcome::NoEffect);
        entry.answered_at = Some(self.now());
        entry.evidence = entry.evidence.with("not_sent", "the core was asked to stop before the time came");
        let at = self.now();
        self.commit(work, Change { ledger: LedgerWrite::Update(entry), ..Self::release(Some(at), None) }).await
    }

    /// A request among many that are due in the same moment: writing what it brought waits for the others to be sent.
    async fn exchange_in_burst(&self, work: &Work, step: &Step, permit: &Permit<'_>) -> Outcome {
        let unsent = self.engine.bursts.enter();
        let outcome = self.exchange(work, step, permit).await;
        drop(unsent);
        self.engine.bursts.sent().await;
        outcome
    }

    async fn exchange(&self, work: &Work, step: &Step, permit: &Permit<'_>) -> Outcome {
        let video = self.engine.videos.of(&work.post);
        let progress = self.engine.uploads.track(work.post.id, work.post.wp_user_id);
        // Only what reads the account's list needs these.
        let call = self.call(work, permit, &video, &progress, &[], false);
        let early = (permit.not_before - call.view.now).to_std().unwrap_or_default();
        let exchange = work.service.client.run(&call, step);
        fault::point(FaultPoint::ExchangeBegins, step.kind);
        let outcome = match tokio::time::timeout(fault::patience(early + step.timeout + SLACK), exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Unknown { evidence: Evidence::new().with("answer", "none within the step's time") },
        };
        fault::point(FaultPoint::ExchangeEnds, step.kind);
        outcome
    }

    /// A live or delivered post: say so first, then what is left to learn or set.
    async fn live(&mut self, work: &mut Work, by: Move, live: Option<Live>, then: Option<Step>) -> Result<Flow> {
        let target = if by == Move::Confirmed { Status::Published } else { Status::Delivered };
        let details = live.map(|live| LiveDetails {
            platform_post_id: live.platform_post_id,
            platform_post_url: live.platform_post_url,
            all_platform_post_ids: live.all_platform_post_ids,
        });
        let news = details.as_ref().is_some_and(|details| {
            (details.platform_post_id.is_some() && details.platform_post_id != work.post.platform_post_id)
                || (details.platform_post_url.is_some() && details.platform_post_url != work.post.platform_post_url)
        });
        if work.post.status != target || news {
            let by = (work.post.status != target).then_some(by);
            let change = Change { by, live: details, error: Some(None), poll_count: Some(0), ..Change::default() };
            self.commit(work, change).await?;
        }
        let Some(step) = then else { return self.commit(work, Self::release(None, None)).await };
        self.follow_up(work, step).await
    }

    async fn follow_up(&mut self, work: &mut Work, step: Step) -> Result<Flow> {
        let now = self.now();
        if let NotBefore::At(at) = step.not_before
            && now < at
        {
            return self.commit(work, Self::release(Some(at), None)).await;
        }
        let mut entry = Entry {
            number: work.ledger.next_number(),
            attempt: work.post.attempt,
            step: step.kind.to_owned(),
            class: step.class,
            handle: step.handle.clone(),
            sent_at: now,
            deadline_at: now + TimeDelta::from_std(step.timeout + SLACK).unwrap_or(TimeDelta::zero()),
            outcome: None,
            answered_at: None,
            evidence: Evidence::new(),
            fence: work.post.fence,
        };
        let recorded = step.class != StepClass::Read;
        if recorded {
            self.commit(work, Change { ledger: LedgerWrite::Insert(entry.clone()), ..Change::default() }).await?;
        }
        let outcome = self.exchange(work, &step, &self.permit(now)).await;
        let now = self.now();
        entry.answered_at = Some(now);
        let (outcome, decision) = match outcome {
            Outcome::Accepted { handle, evidence } => {
                entry.handle.0.extend(handle.0);
                entry.evidence = evidence;
                entry.outcome = Some(StepOutcome::Accepted);
                let ledger = if recorded { LedgerWrite::Update(entry) } else { LedgerWrite::Insert(entry) };
                return self.commit(work, Change { ledger, ..Change::default() }).await;
            }
            Outcome::NoEffect { failure, .. } if failure.class == FailureClass::AuthExpired && !self.refreshed => {
                if recorded {
                    entry.outcome = Some(StepOutcome::NoEffect);
                    self.commit(work, Change { ledger: LedgerWrite::Update(entry), ..Change::default() }).await?;
                }
                return self.refresh(work, failure).await;
            }
            Outcome::Pending { check_after, .. } => {
                (StepOutcome::Unknown, self.situation(work, now, |s| s.after_follow_up(false, check_after, step.kind)))
            }
            Outcome::Unknown { .. } => {
                (StepOutcome::Unknown, self.situation(work, now, |s| s.after_follow_up(false, None, step.kind)))
            }
            Outcome::NoEffect { failure, .. } => {
                let hopeless = !failure.class.is_retryable();
                (
                    StepOutcome::NoEffect,
                    self.situation(work, now, |s| s.after_follow_up(hopeless, None, &failure.message)),
                )
            }
        };
        if recorded {
            entry.outcome = Some(outcome);
            self.commit(work, Change { ledger: LedgerWrite::Update(entry), ..Change::default() }).await?;
        }
        self.follow_up_let_go(work, decision).await
    }

    async fn follow_up_let_go(&self, work: &mut Work, decision: Decision) -> Result<Flow> {
        match decision {
            Decision::GoOn(change) | Decision::LetGo(change) | Decision::Refresh(change, _) => {
                self.commit(work, change).await
            }
        }
    }
}

/// A step that was recorded as sent by a worker that is gone: whoever claims a post is its only worker.
fn left_behind(work: &Work) -> Option<Entry> {
    work.ledger.entries().iter().find(|entry| entry.outcome.is_none() && entry.fence != work.post.fence).cloned()
}

/// The move that a step makes for a post that is still scheduled: what only prepares leaves it scheduled.
fn begins(work: &Work, step: &Step) -> Option<Move> {
    (work.post.status == Status::Scheduled && step.not_before != NotBefore::Prepare && step.class != StepClass::Read)
        .then_some(Move::Begin)
}

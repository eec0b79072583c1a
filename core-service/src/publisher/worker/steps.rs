//! One step of a claimed post: when it may be sent, what is checked and recorded before, the exchange under a permit,
//! and what its outcome leads to.
//!
//! Guaranteed: a step that is more than a read is recorded before its exchange begins, and its outcome right after.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::SemaphorePermit;
use tracing::{Instrument, info};

use super::{Flow, NOT_SENT, Work, Worker, wrote};
use crate::{
    domain::{
        change::{Change, LedgerWrite},
        failure::FailureClass,
        ledger::{Entry, Evidence, StepClass, StepOutcome},
        post::{Post, Status, WaitReason},
        retry::asked_until,
        transition::Move,
    },
    fault::{self, FaultPoint},
    platform::{Asked, NotBefore, Outcome, Step},
    publisher::{checks::Verdict, engine::Engine, lease::Permit, points},
    store::{Result, daily_slots::Place, platform_posts::Rivals},
    telemetry::{metrics::Counted, spans},
};

/// Time beyond a step's own timeout after which the engine gives up its exchange.
const SLACK: Duration = Duration::from_secs(5);

impl<'a> Worker<'a> {
    /// When a step may be sent. Nothing visible is sent before the post's time, whatever its status and its client say.
    fn not_before(&self, post: &Post, step: &Step) -> DateTime<Utc> {
        let due = post.due();
        match (step.not_before, step.class) {
            (NotBefore::At(at), StepClass::PointOfNoReturn) => at.max(due),
            (NotBefore::At(at), StepClass::Read | StepClass::Repeatable | StepClass::Resumable) => at,
            (NotBefore::At(at), StepClass::Addition) => at.max(due),
            (NotBefore::Due, _) | (NotBefore::Prepare, StepClass::PointOfNoReturn | StepClass::Addition) => due,
            (NotBefore::Prepare, StepClass::Read | StepClass::Repeatable | StepClass::Resumable) => {
                due - self.engine.settings.prepare_lead
            }
        }
    }

    pub(super) async fn step(&mut self, work: &mut Work, step: Step) -> Result<Flow> {
        let now = self.now();
        let not_before = self.not_before(&work.post, &step);
        let armed = step.class == StepClass::PointOfNoReturn;
        if let Some(flow) = Box::pin(self.held_back(work, &step, now)).await? {
            return Ok(flow);
        }
        let is_timed = work.post.status == Status::Scheduled || now < not_before;
        let mut entry = begun(work, &step, now.max(not_before));
        if step.class != StepClass::Read && matches!(Box::pin(self.record(work, &step, &entry)).await?, Flow::Done) {
            return Ok(Flow::Done);
        }
        // A person published it meanwhile: it waits no longer.
        let not_before = self.not_before(&work.post, &step);
        let late = is_timed.then(|| self.engine.metrics.late(work.post.platform));
        let permit = Permit { late, ..self.permit(not_before) };
        let (outcome, place) = if armed && self.claim.ahead() > TimeDelta::zero() {
            self.exchange_in_burst(work, &step, &permit).await?
        } else {
            (self.exchange(work, &step, &permit).await?, None)
        };
        if permit.was_stopped.load(Ordering::SeqCst) && matches!(outcome, Outcome::NoEffect { .. }) {
            return Box::pin(self.disarm(work, entry, not_before)).await;
        }
        if step.class == StepClass::Read {
            // A read is recorded when it returned something new, with the time of the response.
            entry.number = work.ledger.next_number();
        }
        let now = self.now();
        Box::pin(self.note_quota(work, &step, &outcome, now)).await?;
        let decision =
            self.decision_context(work, now, |decision_context| decision_context.after_outcome(entry, outcome));
        self.follow(work, decision, place).await
    }

    /// Why a step does not leave now: it is not its time, or the checks before it say no. `None`: it may leave.
    async fn held_back(&mut self, work: &mut Work, step: &Step, now: DateTime<Utc>) -> Result<Option<Flow>> {
        let not_before = self.not_before(&work.post, step);
        let is_armed = step.class == StepClass::PointOfNoReturn;
        let lead = if is_armed { self.engine.settings.arm_lead } else { TimeDelta::zero() };
        if now < not_before - lead - self.claim.ahead() {
            let change = Self::release(Some(not_before - lead), Some(WaitReason::Schedule));
            return self.commit(work, change).await.map(Some);
        }
        let mut verdict = self.engine.check_before(&work.post, &work.login.account, &work.ledger, step, now).await?;
        if matches!(verdict, Verdict::Go(_))
            && let Some(waits) = self.engine.charge(&work.post, &*work.service.client, step, now).await?
        {
            verdict = waits;
        }
        match verdict {
            Verdict::Go(change) => {
                if change != Change::default() {
                    self.commit(work, change).await?;
                }
                Ok(None)
            }
            Verdict::Wait(at, reason, failure) => {
                let begun = begins(work, step);
                let change = Change { by: begun, error: Some(Some(failure)), ..Self::release(Some(at), Some(reason)) };
                self.commit(work, change).await.map(Some)
            }
            Verdict::Fail(failure) => {
                let decision = self.decision_context(work, now, |decision_context| {
                    decision_context.after_failure(Change::default(), failure)
                });
                self.follow(work, decision, None).await.map(Some)
            }
        }
    }

    /// After a quota error the account's other posts, or the app's, wait too, instead of each of them asking.
    async fn note_quota(&self, work: &Work, step: &Step, outcome: &Outcome, now: DateTime<Utc>) -> Result<()> {
        if let Outcome::NoEffect { failure, .. } | Outcome::Refused { failure, .. } = outcome
            && let FailureClass::Quota { until: Some(until) } = &failure.class
        {
            fault::point(FaultPoint::QuotaNoteBegins, step.kind);
            let until = asked_until(Some(*until), now, TimeDelta::zero());
            if work.service.client.is_used_up(failure) {
                let charges = work.service.client.price(Asked::Step(step.kind), now);
                self.engine.store.used_up(work.post.platform, &charges).await?;
            } else {
                self.engine.store.set_quota_blocked(&work.login.account, Some(until)).await?;
            }
            fault::point(FaultPoint::QuotaNoted, step.kind);
        }
        Ok(())
    }

    /// Records a step that is about to be sent. A point of no return also takes its place in the daily limit, if one is
    /// set; without a place the post is released.
    async fn record(&self, work: &mut Work, step: &Step, entry: &Entry) -> Result<Flow> {
        let change = Change { by: begins(work, step), ledger: LedgerWrite::Insert(entry.clone()), ..Change::default() };
        let is_armed = step.class == StepClass::PointOfNoReturn;
        let Some(limit) = self.engine.settings.daily_posts_per_user.filter(|_| is_armed) else {
            return self.commit(work, change).await;
        };
        let (begun, written) = (work.post.status, change.ledger.clone());
        let ([begins, committed], what) = points::of(&change, begun);
        let counted = Counted::of(begun, &change);
        fault::point(begins, &what);
        let place = Box::pin(self.engine.store.apply_within_limit(&work.post, change, limit, self.now())).await?;
        fault::point(committed, &what);
        match place {
            Place::Taken(post) => {
                self.engine.metrics.wrote(counted, &post);
                work.post = post;
                wrote(&mut work.ledger, written);
                Ok(Flow::Continue)
            }
            Place::Waits(post) => {
                self.engine.metrics.wrote(Counted::daily_limit(begun), &post);
                info!(post.id = %post.id, until = ?post.next_step_at, "the daily limit is reached; the post waits");
                Ok(Flow::Done)
            }
        }
    }

    /// The right to send a request from `not_before` on.
    pub(super) fn permit(&self, not_before: DateTime<Utc>) -> Permit<'_> {
        let Engine { clock, stopping, .. } = self.engine;
        let (stopping, was_stopped) = (stopping.clone(), AtomicBool::new(false));
        Permit { claim: &self.claim, clock, not_before, late: None, stopping, was_stopped }
    }

    /// Takes back a recorded request that was provably not sent, and releases the post. The next process finds it at
    /// its time: a post that has begun is not yet due.
    async fn disarm(&self, work: &mut Work, mut entry: Entry, not_before: DateTime<Utc>) -> Result<Flow> {
        entry.outcome = Some(StepOutcome::NoEffect);
        entry.answered_at = Some(self.now());
        entry.evidence = entry.evidence.with(NOT_SENT, "the core was asked to stop before the time came");
        let at = self.now().max(not_before - self.engine.settings.arm_lead);
        let change = Self::release(Some(at), Some(WaitReason::Schedule));
        self.commit(work, Change { ledger: LedgerWrite::Update(entry), ..change }).await
    }

    /// A request of a burst: writing its result waits until the others are sent, and for its turn.
    async fn exchange_in_burst(
        &self,
        work: &Work,
        step: &Step,
        permit: &Permit<'_>,
    ) -> Result<(Outcome, Option<SemaphorePermit<'a>>)> {
        let burst = self.engine.bursts.of(work.post.platform);
        let unsent = burst.enter();
        let outcome = self.exchange(work, step, permit).await?;
        drop(unsent);
        burst.sent().await;
        Ok((outcome, burst.place_to_finish().await))
    }

    pub(super) async fn exchange(&self, work: &Work, step: &Step, permit: &Permit<'_>) -> Result<Outcome> {
        let rivals = match work.service.client.searches_list(step) {
            true => Box::pin(self.rivals(work)).await?,
            false => Rivals::default(),
        };
        let video = self.engine.videos.of(&work.post);
        let progress = self.engine.uploads.track(work.post.id, work.post.wp_user_id);
        let call = self.call(work, permit, &video, &progress, &rivals);
        let early = (permit.not_before - call.view.now).to_std().unwrap_or_default();
        let exchange = work.service.client.run(&call, step);
        fault::point(FaultPoint::ExchangeBegins, step.kind);
        let span = spans::step(&work.post, step.kind);
        let limit = fault::patience(early + step.timeout + SLACK);
        let outcome = match tokio::time::timeout(limit, exchange.instrument(span.clone())).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Unknown { evidence: Evidence::new().with("answer", "none within the step's time") },
        };
        let (word, is_failure) = word(&outcome);
        spans::ended(&span, word, is_failure);
        fault::point(FaultPoint::ExchangeEnds, step.kind);
        Ok(outcome)
    }
}

/// An outcome in one word, and whether it is a failure.
const fn word(outcome: &Outcome) -> (&'static str, bool) {
    match outcome {
        Outcome::Accepted { .. } => ("accepted", false),
        Outcome::Pending { .. } => ("pending", false),
        Outcome::NoEffect { .. } => ("no_effect", true),
        Outcome::Refused { .. } => ("refused", true),
        Outcome::Unknown { .. } => ("unknown", true),
        Outcome::Reopened { .. } => ("reopened", false),
    }
}

/// The ledger's entry of a step that is about to be sent.
pub(super) fn begun(work: &Work, step: &Step, sent_at: DateTime<Utc>) -> Entry {
    Entry {
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
    }
}

/// The move that a step makes for a post that is still scheduled: what only prepares leaves it scheduled.
fn begins(work: &Work, step: &Step) -> Option<Move> {
    (work.post.status == Status::Scheduled && step.not_before != NotBefore::Prepare && step.class != StepClass::Read)
        .then_some(Move::Begin)
}

//! Work for a live post: its id, its status and its link are stored, and what it still lacks is learned or set.
//!
//! Guaranteed: the id is stored before any other request; the status waits [`LINK_PATIENCE`] at most for the link, and
//! only in the worker that received the id, so that a worker that takes over publishes the status immediately;
//! follow-ups of a live post never put its status at risk. In a burst the posts take turns: one whose patience is over
//! when its turn comes does not read the link.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tracing::info;

use super::{Flow, Work, Worker, steps::begun};
use crate::{
    domain::{
        binding::BoundBy,
        change::{Change, LedgerWrite, LiveDetails},
        failure::{Failure, FailureClass, Reason},
        ledger::{StepClass, StepOutcome},
        post::{Post, Status},
        transition::Move,
    },
    fault,
    platform::{Live, NotBefore, Outcome, Step},
    publisher::{checks::Verdict, decide::Decision},
    store::{Error, Result},
};

/// How long the status of a live post waits for its link.
const LINK_PATIENCE: Duration = Duration::from_secs(2);

/// Between two readings of a link that is not readable yet.
const LINK_GAP: Duration = Duration::from_millis(400);

impl Worker<'_> {
    /// A live or delivered post: what is new of it is stored, in its turn, and then the follow-ups run.
    pub(super) async fn live(
        &mut self,
        work: &mut Work,
        by: Move,
        live: Option<Live>,
        then: Option<Step>,
    ) -> Result<Flow> {
        let burst = self.engine.bursts.of(work.post.platform);
        if work.post.status != target(by) || live.as_ref().is_some_and(|live| is_news(&work.post, live)) {
            let patience = Instant::now() + fault::patience(LINK_PATIENCE);
            if self.place.is_none() {
                self.place = burst.place_to_finish().await;
            }
            return Box::pin(self.store_live(work, by, live, patience)).await;
        }
        self.place = None;
        match then.filter(|step| !work.ledger.is_given_up(work.post.attempt, step.kind)) {
            Some(step) => {
                let _place = burst.place_to_read().await;
                Box::pin(self.follow_up(work, step)).await
            }
            None => self.commit(work, Self::release(None, None)).await,
        }
    }

    /// The id is stored immediately, the status together with the link if the platform has it before `patience` is over.
    async fn store_live(&mut self, work: &mut Work, by: Move, live: Option<Live>, patience: Instant) -> Result<Flow> {
        let link = live.as_ref().and_then(|live| live.link.clone());
        let details = live.map(|live| LiveDetails {
            platform_post_id: live.platform_post_id,
            platform_post_url: live.platform_post_url,
            all_platform_post_ids: live.all_platform_post_ids,
            bound_by: live.bound_by,
        });
        if let (Some(details), Some(step)) = (&details, &link)
            && step.class == StepClass::Read
            && work.post.status != target(by)
            && is_new(&work.post, details)
        {
            let keeps = Change { live: Some(details.clone()), error: Some(None), ..Change::default() };
            match self.commit(work, keeps).await {
                // An id that belongs to another post is handled below.
                Err(Error::BoundElsewhere { .. }) => {}
                kept => {
                    kept?;
                    if self.learn_link(work, step, patience).await? {
                        return Ok(Flow::Continue);
                    }
                }
            }
        }
        let by = (work.post.status != target(by)).then_some(by);
        let change = Change { by, live: details.clone(), error: Some(None), poll_count: Some(0), ..Change::default() };
        let written = self.commit(work, change).await;
        self.place = None;
        match (written, details) {
            (Err(Error::BoundElsewhere { by: BoundBy::Match, .. }), Some(details)) => {
                self.drop_match(work, &details).await
            }
            (Err(Error::BoundElsewhere { .. }), _) => self.told_twice(work).await,
            (written, _) => written,
        }
    }

    /// Reads the link before the status is stored. False when `patience` is over before there is one: it comes later.
    async fn learn_link(&mut self, work: &mut Work, step: &Step, patience: Instant) -> Result<bool> {
        while Instant::now() < patience {
            let now = self.now();
            if self.engine.charge(&work.post, &*work.service.client, step, now).await?.is_some() {
                return Ok(false);
            }
            let mut entry = begun(work, step, now);
            let permit = self.permit(now);
            let Ok(outcome) = timeout_at(patience, self.exchange(work, step, &permit)).await else { return Ok(false) };
            match outcome? {
                Outcome::Accepted { handle, evidence } => {
                    entry.handle.0.extend(handle.0);
                    (entry.outcome, entry.answered_at) = (Some(StepOutcome::Accepted), Some(self.now()));
                    entry.evidence = evidence;
                    self.commit(work, Change { ledger: LedgerWrite::Insert(entry), ..Change::default() }).await?;
                    return Ok(true);
                }
                Outcome::Pending { .. } => sleep(LINK_GAP).await,
                Outcome::Unknown { .. }
                | Outcome::Reopened { .. }
                | Outcome::NoEffect { .. }
                | Outcome::Refused { .. } => return Ok(false),
            }
        }
        Ok(false)
    }

    /// The matched platform post belongs to another post: the search is repeated with the ids bound now.
    async fn drop_match(&self, work: &mut Work, details: &LiveDetails) -> Result<Flow> {
        let ids = &details.all_platform_post_ids;
        info!(post.id = %work.post.id, "a match turned out to be another post's");
        work.post = self.engine.store.drop_match(&work.post, ids, self.now()).await?;
        work.ledger = self.engine.store.ledger(work.post.id).await?;
        Ok(Flow::Continue)
    }

    /// The platform gave this post an id that it had given another one before: a person must check.
    async fn told_twice(&self, work: &mut Work) -> Result<Flow> {
        let doubted = match work.post.status {
            Status::Publishing => Some(Move::ReplyLost),
            Status::Published => Some(Move::Unbound),
            _ => None,
        };
        if let Some(by) = doubted {
            self.commit(work, Change { by: Some(by), ..Change::default() }).await?;
        }
        let failure = Failure::new(
            FailureClass::Permanent,
            Reason::OutcomeUnknown,
            "the platform names a post of its own for this one that it had named for another post before",
        )
        .with_remedy("look at the account, then say by ResolvePost whether the post is there");
        let by = (work.post.status == Status::Confirming).then_some(Move::CannotTell);
        self.commit(work, Change { by, error: Some(Some(failure)), ..Self::release(None, None) }).await
    }

    async fn follow_up(&mut self, work: &mut Work, step: Step) -> Result<Flow> {
        let now = self.now();
        if let NotBefore::At(at) = step.not_before
            && now < at
        {
            return self.commit(work, Self::release(Some(at), None)).await;
        }
        if let Some(Verdict::Wait(at, ..)) = self.engine.charge(&work.post, &*work.service.client, &step, now).await? {
            return self.commit(work, Self::release(Some(at), None)).await;
        }
        let mut entry = begun(work, &step, now);
        let recorded = step.class != StepClass::Read;
        if recorded {
            self.commit(work, Change { ledger: LedgerWrite::Insert(entry.clone()), ..Change::default() }).await?;
        }
        let outcome = self.exchange(work, &step, &self.permit(now)).await?;
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
            Outcome::NoEffect { failure, .. } | Outcome::Refused { failure, .. }
                if failure.class == FailureClass::AuthExpired && !self.refreshed =>
            {
                if recorded {
                    entry.outcome = Some(StepOutcome::NoEffect);
                    self.commit(work, Change { ledger: LedgerWrite::Update(entry), ..Change::default() }).await?;
                }
                return Box::pin(self.refresh(work, failure)).await;
            }
            Outcome::Pending { check_after, .. } => (
                StepOutcome::Unknown,
                self.decision_context(work, now, |s| s.after_follow_up(false, check_after, step.kind)),
            ),
            Outcome::Unknown { .. } | Outcome::Reopened { .. } => {
                (StepOutcome::Unknown, self.decision_context(work, now, |s| s.after_follow_up(false, None, step.kind)))
            }
            Outcome::NoEffect { failure, .. } | Outcome::Refused { failure, .. } => {
                let hopeless = !failure.class.is_retryable();
                if failure.class == FailureClass::NeedsReconnect {
                    self.ask_the_owner(work, &failure, Change::default()).await;
                }
                (
                    StepOutcome::NoEffect,
                    self.decision_context(work, now, |s| s.after_follow_up(hopeless, None, &failure.message)),
                )
            }
        };
        entry.outcome = Some(outcome);
        if let Decision::Continue(change) = decision {
            entry.number = if recorded { entry.number } else { work.ledger.next_number() };
            let entry = entry.given_up();
            let ledger = if recorded { LedgerWrite::Update(entry) } else { LedgerWrite::Insert(entry) };
            return self.commit(work, Change { ledger, ..change }).await;
        }
        if recorded {
            self.commit(work, Change { ledger: LedgerWrite::Update(entry), ..Change::default() }).await?;
        }
        self.release_follow_up(work, decision).await
    }

    pub(super) async fn release_follow_up(&self, work: &mut Work, decision: Decision) -> Result<Flow> {
        let (Decision::Continue(change) | Decision::Release(change) | Decision::Refresh(change, _)) = decision;
        let release = change.release.or(Self::release(None, None).release);
        self.commit(work, Change { release, ..change }).await
    }
}

/// The status of a post that is told to be live, or delivered.
const fn target(by: Move) -> Status {
    if matches!(by, Move::Confirmed) { Status::Published } else { Status::Delivered }
}

/// Whether an id or a link is told that the post does not have.
fn is_news(post: &Post, live: &Live) -> bool {
    (live.platform_post_id.is_some() && live.platform_post_id != post.platform_post_id)
        || (live.platform_post_url.is_some() && live.platform_post_url != post.platform_post_url)
}

/// Whether this worker received the post's id. If the id was already stored, the post was taken over from a worker that
/// may have waited for the link.
fn is_new(post: &Post, live: &LiveDetails) -> bool {
    post.platform_post_id.is_none() && live.platform_post_id.is_some()
}

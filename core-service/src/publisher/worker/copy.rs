//! A post whose video is copied before anything is sent (`keep_copy`).
//!
//! Guaranteed: nothing is asked of the platform or its account before the copy is there. Waiting for a copy costs no retry;
//! neither does a source that is away long before the post's time, nor a core that cannot keep the copy now.

use chrono::TimeDelta;
use tracing::warn;

use super::{Flow, Worker, is_open};
use crate::{
    domain::{
        change::Change,
        failure::{Failure, FailureClass},
        ledger::Ledger,
        media::StoredFacts,
        post::{Post, SchedulerKind, Status, WaitReason},
    },
    media::copying::Copying,
    publisher::{
        checks::Verdict,
        decide::{Decision, DecisionContext},
    },
    store::{Error, Result},
};

/// Shortest and longest time between two looks at a copy that is being made; in between a quarter of the time that it took
/// so far.
const FIRST_LOOK: TimeDelta = TimeDelta::seconds(2);
const LONGEST_GAP: TimeDelta = TimeDelta::seconds(15);

/// When a core that could not keep a copy is asked again.
const POSTPONED: TimeDelta = TimeDelta::minutes(1);

impl Worker<'_> {
    /// Has the video copied. `Continue`: no copy is wanted, or it is there.
    pub(super) async fn copy_first(&self, post: &mut Post, ledger: &Ledger) -> Result<Flow> {
        let is_waiting = matches!(post.status, Status::Scheduled | Status::Publishing);
        if !post.wants_copy || !is_waiting || is_open(post, ledger) {
            return Ok(Flow::Continue);
        }
        let now = self.now();
        let copying = match self.engine.copies.state(post) {
            Copying::NotBegun => match self.engine.check_video(post).await? {
                Verdict::Go(_) => {
                    self.engine.copies.begin(post);
                    self.engine.metrics.copy("begun");
                    Copying::Running(now)
                }
                Verdict::Wait(at, reason, failure) => {
                    let change = Change { error: Some(Some(failure)), ..Self::release(Some(at), Some(reason)) };
                    return self.apply(post, change).await;
                }
                Verdict::Fail(failure) => Copying::Failed(failure),
            },
            copying => copying,
        };
        match copying {
            Copying::Running(since) => {
                let gap = ((now - since) / 4).clamp(FIRST_LOOK, LONGEST_GAP);
                self.apply(post, Self::release(Some(now + gap), Some(WaitReason::Copy))).await
            }
            Copying::Queued | Copying::NotBegun => {
                self.apply(post, Self::release(Some(now + LONGEST_GAP), Some(WaitReason::Copy))).await
            }
            Copying::Postponed(failure) => {
                self.engine.metrics.copy("postponed");
                let change = Self::release(Some(now + POSTPONED), Some(WaitReason::Copy));
                self.apply(post, Change { error: Some(Some(failure)), ..change }).await
            }
            Copying::Failed(failure) => self.not_copied(post, ledger, failure).await,
            Copying::Done(media_id, facts) => {
                if let Some(failure) = self.engine.judge(post, &facts) {
                    return self.not_copied(post, ledger, failure).await;
                }
                let media_facts = Some(StoredFacts::of(&facts)?);
                let copied = Change {
                    copied: Some(Box::new(media_id)),
                    media_facts,
                    error: Some(None),
                    new_ground: true,
                    ..Change::default()
                };
                self.copied(post, copied).await
            }
        }
    }

    /// Writes that the copy is there. A scheduled post then waits for its time, or is handed to its workflow.
    async fn copied(&self, post: &mut Post, copied: Change) -> Result<Flow> {
        let now = self.now();
        let change = match (post.status, post.scheduler) {
            (Status::Scheduled, SchedulerKind::Core) => {
                let at = (post.due() - self.engine.settings.prepare_lead).max(now);
                Change { release: Self::release(Some(at), Some(WaitReason::Schedule)).release, ..copied }
            }
            (Status::Scheduled, SchedulerKind::N8n) => {
                Change { release: Self::release(Some(now), Some(WaitReason::Schedule)).release, ..copied }
            }
            _ => copied,
        };
        match self.apply(post, change).await {
            // Its owner deleted it in between.
            Err(Error::NoMedia(media_id)) => {
                warn!(post.id = %post.id, media_id, "the copy of a video is gone again; it is made anew");
                self.engine.copies.forget(post);
                self.apply(post, Self::release(Some(now + FIRST_LOOK), Some(WaitReason::Copy))).await
            }
            written => {
                self.engine.metrics.copy("done");
                written
            }
        }
    }

    /// A copy that could not be made. Long before the post's time its source is asked again as often as needed.
    async fn not_copied(&self, post: &mut Post, ledger: &Ledger, failure: Failure) -> Result<Flow> {
        self.engine.metrics.copy("failed");
        let now = self.now();
        let policy = &self.engine.settings.policy;
        let prepares_at = post.due() - self.engine.settings.prepare_lead;
        if failure.class == FailureClass::Transient && post.status == Status::Scheduled && now < prepares_at {
            let delay = TimeDelta::from_std(policy.retry.delay).unwrap_or(POSTPONED);
            let change = Self::release(Some((now + delay).min(prepares_at)), Some(WaitReason::Copy));
            return self.apply(post, Change { error: Some(Some(failure)), ..change }).await;
        }
        // Its tokens play no part in it.
        let context = DecisionContext { post, ledger, now, chance: (self.engine.chance)(), policy, token_version: 0 };
        let (Decision::Continue(change) | Decision::Release(change) | Decision::Refresh(change, _)) =
            context.after_failure(Change::default(), failure);
        self.apply(post, change).await
    }
}

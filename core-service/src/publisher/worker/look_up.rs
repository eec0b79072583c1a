//! Looking up a post that may already be published, because a backup was restored or the original plugin may have sent it,
//! before anything is sent for it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Flow, Work, Worker};
use crate::{
    domain::{
        change::Change,
        failure::Failure,
        ledger::Evidence,
        post::{Post, Status, WaitReason},
    },
    fault::{self, FaultPoint},
    platform::{Lookup, Window},
    publisher::restored::{Proof, Verdict, search_of},
    store::Result,
};

/// Longest look.
const LONGEST: Duration = Duration::from_secs(120);

/// How long a post waits for its account's owner before it is checked anyway.
const RECONNECT_PAUSE: TimeDelta = TimeDelta::hours(6);

impl Worker<'_> {
    /// One look-up. The post continues only after it is known to be absent.
    pub(super) async fn look_up(&mut self, work: &mut Work, since: DateTime<Utc>) -> Result<Flow> {
        let begun = [self.engine.store.lineages().restored_at(), work.ledger.imported_at()];
        let restored_at = begun.into_iter().flatten().max().unwrap_or(work.post.created_at);
        let window = Window { since, until: restored_at };
        let (entry, recorded) = search_of(&work.post, &work.ledger, self.now());
        let lookup = {
            // What was bound a day before the backup cannot be listed as newer than it.
            let rivals = self.engine.store.rivals(&work.post, since - TimeDelta::days(1), self.now()).await?;
            let video = self.engine.videos.of(&work.post);
            let progress = self.engine.uploads.track(work.post.id, work.post.wp_user_id);
            let permit = self.permit(self.now());
            let call = self.call(work, &permit, &video, &progress, &rivals);
            fault::point(FaultPoint::ReconcileBegins, &entry.step);
            match tokio::time::timeout(LONGEST, work.service.client.search(&call, &window)).await {
                Ok(lookup) => lookup,
                Err(_) => {
                    Lookup::CannotTell { hopeless: false, evidence: Evidence::new().with("reading", "took too long") }
                }
            }
        };
        fault::point(FaultPoint::ReconcileEnds, &entry.step);
        let client = &work.service.client;
        let proof = Proof { restored_at, settle: client.search_settle(), confirmations: client.confirmations() };
        let now = self.now();
        match self.decision_context(work, now, |decision_context| {
            decision_context.after_search(entry, recorded, lookup, proof)
        }) {
            Verdict::Follow(decision) => self.follow(work, decision, None).await,
            Verdict::Review(moves, change) => {
                let Some((last, before)) = moves.split_last() else { return self.commit(work, change).await };
                for by in before {
                    self.commit(work, Change { by: Some(*by), ..Change::default() }).await?;
                }
                self.commit(work, Change { by: Some(*last), ..change }).await
            }
        }
    }

    /// No request can be made for a post that must be looked up: it stays as it is until one can.
    pub(super) async fn look_up_later(&self, post: &mut Post, failure: Failure) -> Result<()> {
        let at = self.now() + RECONNECT_PAUSE;
        let keeps_its_error = matches!(post.status, Status::Failed | Status::NeedsReview);
        let error = (!keeps_its_error).then_some(Some(failure));
        let change = Change { error, ..Self::release(Some(at), Some(WaitReason::Reconnect)) };
        self.apply(post, change).await?;
        Ok(())
    }
}

//! The publishing engine: moves one claimed post, one step at a time.
//!
//! Guaranteed, even if a process dies in between:
//! - a step's ledger row is committed before its request is sent, and its outcome before anything else is done;
//! - a point of no return whose outcome is unknown is reconciled by reading, never repeated blindly;
//! - a new attempt begins only with proof that the previous one cannot act any more;
//! - waiting is a time on the row, not a sleeping task.
//!
//! Expected failures end as a time on the row (retry, quota, processing), as `failed` with proof of absence, or as
//! `needs_review` with the evidence at hand.

pub mod burst;
mod checks;
pub mod decide;
mod engine;
pub mod handover;
pub mod lease;
mod points;
mod proof;
mod restored;
pub mod video;
mod worker;

use std::sync::Arc;

use chrono::TimeDelta;

pub use self::engine::{Engine, EngineSettings, WRITING};
use self::lease::Claim;
use crate::{
    domain::{ledger::Ledger, post::Post},
    fault,
    tokens::OpenLogin,
};

/// Retry interval of a post whose ledger needs an encryption key that this core does not have.
const KEY_GAP: TimeDelta = TimeDelta::seconds(10);

/// What was read for a claimed post, together with that of others claimed with it. What is missing is read by its worker.
pub struct Prefetched {
    /// Its ledger, read after the claim: from then on only the claim's holder writes to it.
    pub ledger: Option<Ledger>,
    /// The login of its account, if it can be used as it is.
    pub login: Option<Arc<OpenLogin>>,
}

impl Engine {
    /// Moves a claimed post until it waits, rests, or its claim is gone. An error leaves the claim as it is.
    pub async fn work(&self, post: Box<Post>, prefetched: Prefetched, claim: Claim) -> crate::store::Result<()> {
        let Prefetched { ledger, login } = prefetched;
        let ledger = match ledger {
            Some(ledger) => ledger,
            None => match Box::pin(self.store.ledger(post.id)).await {
                Ok(ledger) => ledger,
                // An operator can fix that; the post must not count as one that crashes its workers.
                Err(error) if error.is_missing_key() => {
                    let now = self.clock.now();
                    return Box::pin(self.store.postpone(&[*post], now + KEY_GAP, now)).await;
                }
                Err(error) if error.is_about_data() => return self.store.quarantine(post.id, post.fence, &error).await,
                Err(error) => return Err(error),
            },
        };
        let (caption, fence) = (fault::context(|| post.content.caption.clone()), post.fence.0);
        fault::of_post(&caption, fence, worker::Worker::new(self, claim).run(post, ledger, login)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten thousand posts that are due in one second are ten thousand of these.
    #[test]
    fn a_worker_that_waits_takes_little_memory() {
        fn size_of_future<'a, F>(_: impl Fn(&'a Engine, Box<Post>, Prefetched, Claim) -> F) -> usize {
            size_of::<F>()
        }
        let size = size_of_future(Engine::work);
        assert!(size < 3 * 1024, "{size} bytes");
    }
}

//! TikTok, behind three hosts.
//!
//! The functions here are what [`crate::dispatch`] and [`crate::control`] call; state lives in [`TikTok`], behind its
//! own lock, and is reached as `sim.tiktok`.

pub(crate) mod rules;

use std::sync::Arc;

use serde_json::Value;

use crate::call::{Call, Identity};
use crate::options::Options;
use crate::random::Random;
use crate::reply::{self, Reply};
use crate::sim::Sim;

/// Everything TikTok remembers.
pub(crate) struct TikTok {}

impl TikTok {
    pub(crate) fn new(_options: &Options, _random: &Random) -> Self {
        TikTok {}
    }
}

/// Whether the body of this request is read piece by piece (`call.upload`) instead of as a whole (`call.body`).
pub(crate) fn streams_body(_call: &Call) -> bool {
    false
}

/// What the request is and for which account; must not change anything.
pub(crate) fn identify(_sim: &Sim, _call: &Call) -> Identity {
    Identity::of("tiktok.unknown")
}

/// Carries the request out.
pub(crate) async fn act(_sim: &Arc<Sim>, _call: &mut Call) -> Reply {
    reply::text(404, "no such path")
}

/// Lets everything happen that is due at `sim.clock.now()`; called around every request, so it must be cheap when
/// nothing is due.
pub(crate) fn settle(_sim: &Arc<Sim>) {}

/// Back to the state of the start.
pub(crate) fn reset(_sim: &Sim) {}

/// Makes an account from the body of `POST /_sim/accounts` with `"platform": "instagram"` or `"facebook"`.
pub(crate) fn create_account(_sim: &Sim, _spec: &Value) -> Result<Value, String> {
    Err("no such platform".to_owned())
}

/// All accounts, each an object with `platform`, `id` and `name` at least.
pub(crate) fn accounts(_sim: &Sim) -> Vec<Value> {
    Vec::new()
}

/// Requests to `/_sim/tiktok/…`; `rest` is the path after `tiktok`. `None` means there is no such path.
pub(crate) fn control(_sim: &Arc<Sim>, _call: &Call, _rest: &[&str]) -> Option<Reply> {
    None
}

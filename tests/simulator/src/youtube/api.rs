//! What every API call goes through: token, account, scope, quota, in this order.
//!
//! Every call that a token opens costs at least one unit, also when it is refused afterwards.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::call::Call;
use crate::reply::Reply;
use crate::sim::Sim;
use crate::youtube::error::Refusal;
use crate::youtube::oauth;
use crate::youtube::quota::Cost;
use crate::youtube::state::{Access, State};

/// What an API handler works with.
pub(crate) struct Api<'a> {
    pub(crate) sim: &'a Arc<Sim>,
    pub(crate) call: &'a Call,
    pub(crate) state: &'a mut State,
    pub(crate) now: DateTime<Utc>,
    pub(crate) access: Access,
}

/// An answer, or why there is none.
pub(crate) type ApiResult = Result<Reply, Refusal>;

/// Names below Google's prefix that allow reading.
pub(crate) const READ: [&str; 4] = ["youtube", "youtube.readonly", "youtube.force-ssl", "youtubepartner"];
/// Names that allow uploading a video or a thumbnail.
pub(crate) const UPLOAD: [&str; 4] = ["youtube.upload", "youtube", "youtube.force-ssl", "youtubepartner"];
/// Names that allow changing and deleting.
pub(crate) const WRITE: [&str; 3] = ["youtube", "youtube.force-ssl", "youtubepartner"];

/// Opens a call and hands it to `handler`.
pub(crate) fn run(
    sim: &Arc<Sim>,
    call: &Call,
    scopes: &[&str],
    cost: Cost,
    handler: impl FnOnce(&mut Api<'_>) -> ApiResult,
) -> Reply {
    let mut state = sim.youtube.lock();
    let result = open(sim, call, &mut state, scopes, cost).and_then(|mut api| handler(&mut api));
    sim.youtube.note_due(&state);
    result.unwrap_or_else(|refusal| refusal.reply(&state.rules))
}

fn open<'a>(
    sim: &'a Arc<Sim>,
    call: &'a Call,
    state: &'a mut State,
    scopes: &[&str],
    cost: Cost,
) -> Result<Api<'a>, Refusal> {
    let now = sim.clock.now();
    let access = authorized(call, state, now)?;
    let charged = state.quota.charge(&state.rules, cost, now);
    if !oauth::holds(&access.scopes, scopes) {
        return Err(Refusal::of("insufficientPermissions"));
    }
    if !charged {
        return Err(Refusal::of("quotaExceeded"));
    }
    if let Some(channel) = state.channels.get(&access.channel)
        && let Some(reason) = &channel.profile.refused_with
    {
        return Err(Refusal::of(reason));
    }
    Ok(Api { sim, call, state, now, access })
}

/// The caller's token.
pub(crate) fn authorized(call: &Call, state: &State, now: DateTime<Utc>) -> Result<Access, Refusal> {
    let token = call.bearer().ok_or_else(|| Refusal::of("required"))?;
    state.caller(token, now).cloned().ok_or_else(|| Refusal::of("authError"))
}

impl Api<'_> {
    /// The JSON object of the body.
    pub(crate) fn body(&self) -> Result<Map<String, Value>, Refusal> {
        if !self.call.content_type_is("application/json") {
            return Err(Refusal::of("badRequest").say("The body must be application/json."));
        }
        match self.call.json() {
            Some(Value::Object(body)) => Ok(body),
            Some(_) | None => Err(Refusal::of("badRequest").say("Invalid JSON payload received.")),
        }
    }

    /// A query parameter that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.call.query.get(name).filter(|value| !value.is_empty()).ok_or_else(|| Refusal::missing(name))
    }

    /// `maxResults`, 0 to 50, 5 unless given.
    pub(crate) fn max_results(&self) -> Result<usize, Refusal> {
        match self.call.query.get("maxResults") {
            None => Ok(5),
            Some(text) => text.parse().ok().filter(|count| *count <= 50).ok_or_else(|| {
                Refusal::of("invalidValue")
                    .say(format!("Invalid value '{text}'. Values must be within the range: [0, 50]"))
                    .at("maxResults", "parameter")
            }),
        }
    }

    /// The ids of `id`, at most 50.
    pub(crate) fn ids(&self) -> Result<Vec<String>, Refusal> {
        let ids: Vec<String> = self.need("id")?.split(',').map(|id| id.trim().to_owned()).collect();
        if ids.len() > 50 {
            return Err(Refusal::of("invalidFilters").say("At most 50 ids may be given.").at("id", "parameter"));
        }
        Ok(ids)
    }
}

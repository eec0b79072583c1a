//! TikTok, behind three hosts: consent page, API, chunk uploads. Written from the sheet `tiktok.md`.
//!
//! Guaranteed: what the sheet says is refused is refused with its code and status; a post becomes visible exactly when
//! a task that received its last byte (or its download) ends its processing. Nothing runs in the background but
//! downloads: what happens later is a due time, carried out by [`settle`].
//!
//! Who owns what: [`oauth`] tokens, [`publish`] inits and status, [`upload`] chunk PUTs, [`pull`] downloads,
//! [`process`] what becomes of a received file, [`display`] profile and listing, [`control`] the switches for tests.

mod account;
mod control;
mod display;
mod envelope;
mod oauth;
mod process;
mod publish;
mod pull;
pub(crate) mod rules;
mod state;
mod upload;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::TimeDelta;
use http::Method;
use serde_json::Value;

use crate::call::{Call, Identity};
use crate::host::Host;
use crate::options::Options;
use crate::random::Random;
use crate::reply::{self, Reply};
use crate::sim::Sim;
use crate::tiktok::envelope::{ApiResult, Refusal};
use crate::tiktok::state::{State, Token};

/// Everything TikTok remembers, behind one lock.
pub(crate) struct TikTok {
    state: Mutex<State>,
    /// Microseconds of the earliest due time, so that settling costs no lock when nothing is due.
    next_due: AtomicI64,
}

impl TikTok {
    pub(crate) fn new(options: &Options, random: &Random) -> Self {
        let state = State::new(options.tiktok.clone(), options.default_accounts, random);
        TikTok { state: Mutex::new(state), next_due: AtomicI64::new(i64::MAX) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("tiktok lock")
    }

    /// To be called after changes to `due`, while the lock is held.
    fn note_due(&self, state: &State) {
        let next = state.due.keys().next().map_or(i64::MAX, |(time, _)| time.timestamp_micros());
        self.next_due.store(next, Ordering::SeqCst);
    }
}

/// Chunk uploads are read piece by piece.
pub(crate) fn streams_body(call: &Call) -> bool {
    call.host == Host::TikTokUpload
}

/// What the request is and for which creator.
pub(crate) fn identify(sim: &Sim, call: &Call) -> Identity {
    let state = sim.tiktok.lock();
    if call.host == Host::TikTokUpload {
        let account = call.query.get("upload_id").and_then(|id| state.uploads.get(id));
        let account = account.and_then(|id| state.tasks.get(id)).map(|task| task.open_id.clone());
        let last = upload::content_range(call).is_some_and(|range| range.last + 1 == range.total);
        return Identity::with_account(if last { "tiktok.upload_last_chunk" } else { "tiktok.upload_chunk" }, account);
    }
    let operation = operation(call);
    let account = match operation {
        "tiktok.refresh" => {
            call.form().get("refresh_token").and_then(|token| state.refresh.get(token)).map(|t| t.open_id.clone())
        }
        "tiktok.exchange" => {
            call.form().get("code").and_then(|code| state.codes.get(code)).map(|code| code.open_id.clone())
        }
        "tiktok.revoke" => {
            call.form().get("token").and_then(|token| state.access.get(token)).map(|token| token.open_id.clone())
        }
        _ => call.bearer().and_then(|token| state.access.get(token)).map(|token| token.open_id.clone()),
    };
    Identity::with_account(operation, account)
}

/// The title of the post that the request is about.
pub(crate) fn subject(sim: &Sim, call: &Call) -> Option<String> {
    let state = sim.tiktok.lock();
    let title = |publish_id: &str| state.tasks.get(publish_id)?.post.as_ref().map(|post| post.title.clone());
    if call.host == Host::TikTokUpload {
        return title(state.uploads.get(call.query.get("upload_id")?)?);
    }
    match operation(call) {
        "tiktok.video_init" => Some(call.json()?.get("post_info")?.get("title")?.as_str()?.to_owned()),
        "tiktok.status" | "tiktok.cancel" => title(call.json()?.get("publish_id")?.as_str()?),
        _ => None,
    }
}

fn operation(call: &Call) -> &'static str {
    match (call.host, call.method.as_str(), call.path.as_str()) {
        (Host::TikTokAuth, "GET", oauth::AUTHORIZE) => "tiktok.authorize",
        (Host::TikTokAuth, "POST", oauth::AUTHORIZE) => "tiktok.consent",
        (Host::TikTokApi, "POST", "/v2/oauth/token/") => match call.form().get("grant_type") {
            Some("refresh_token") => "tiktok.refresh",
            Some(_) | None => "tiktok.exchange",
        },
        (Host::TikTokApi, "POST", "/v2/oauth/revoke/") => "tiktok.revoke",
        (Host::TikTokApi, "GET", "/v2/user/info/") => "tiktok.user_info",
        (Host::TikTokApi, "POST", "/v2/post/publish/creator_info/query/") => "tiktok.creator_info",
        (Host::TikTokApi, "POST", "/v2/post/publish/video/init/") => "tiktok.video_init",
        (Host::TikTokApi, "POST", "/v2/post/publish/inbox/video/init/") => "tiktok.inbox_init",
        (Host::TikTokApi, "POST", "/v2/post/publish/status/fetch/") => "tiktok.status",
        (Host::TikTokApi, "POST", "/v2/post/publish/cancel/") => "tiktok.cancel",
        (Host::TikTokApi, "POST", "/v2/video/list/") => "tiktok.video_list",
        (Host::TikTokApi, "POST", "/v2/video/query/") => "tiktok.video_query",
        _ => "tiktok.unknown",
    }
}

/// Carries the request out.
pub(crate) async fn act(sim: &Arc<Sim>, call: &mut Call) -> Reply {
    if call.host == Host::TikTokUpload {
        return upload::put(sim, call).await;
    }
    let call = &*call;
    match operation(call) {
        "tiktok.authorize" => oauth::page(sim, call),
        "tiktok.consent" => oauth::consent(sim, call),
        "tiktok.exchange" | "tiktok.refresh" => oauth::token(sim, call),
        "tiktok.revoke" => oauth::revoke(sim, call),
        "tiktok.user_info" => api(sim, call, display::user_info),
        "tiktok.creator_info" => api(sim, call, publish::creator_info),
        "tiktok.video_init" => api(sim, call, publish::video_init),
        "tiktok.inbox_init" => api(sim, call, publish::inbox_init),
        "tiktok.status" => api(sim, call, publish::status),
        "tiktok.cancel" => api(sim, call, publish::cancel),
        "tiktok.video_list" => api(sim, call, display::video_list),
        "tiktok.video_query" => api(sim, call, display::video_query),
        // Paths without their final slash end here too.
        _ => reply::text(404, "Unsupported path(Janus)"),
    }
}

/// What an API handler works with.
struct Api<'a> {
    sim: &'a Arc<Sim>,
    call: &'a Call,
    state: &'a mut State,
    token: Token,
}

impl Api<'_> {
    /// One of these scopes must be held.
    fn need_scope(&self, any_of: &[&str]) -> Result<(), Refusal> {
        if any_of.iter().any(|scope| self.token.has(scope)) { Ok(()) } else { Err(Refusal::scope()) }
    }

    /// Sliding one-minute window per token.
    fn limit(&mut self, endpoint: &'static str, per_minute: u32) -> Result<(), Refusal> {
        if per_minute == u32::MAX {
            return Ok(());
        }
        let window = self.state.windows.entry((self.token.number, endpoint)).or_default();
        if window.admit(self.sim.clock.now(), TimeDelta::minutes(1), per_minute) {
            Ok(())
        } else {
            Err(Refusal::rate())
        }
    }

    fn invalid(&self, message: &str) -> Refusal {
        Refusal::invalid(&self.state.rules, message)
    }

    /// The JSON object of the body.
    fn body(&self) -> Result<Value, Refusal> {
        if !self.call.content_type_is("application/json") {
            return Err(self.invalid("Only application/json is supported as the Content-Type."));
        }
        self.call.json().filter(Value::is_object).ok_or_else(|| self.invalid("The request body is not valid JSON."))
    }
}

fn api(sim: &Arc<Sim>, call: &Call, handler: fn(&mut Api<'_>) -> ApiResult) -> Reply {
    let mut state = sim.tiktok.lock();
    let now = sim.clock.now();
    let token = call.bearer().and_then(|token| state.access.get(token)).filter(|token| token.alive(now)).cloned();
    let result = match token {
        Some(token) => handler(&mut Api { sim, call, state: &mut state, token }),
        None => Err(Refusal::token()),
    };
    sim.tiktok.note_due(&state);
    let rules = state.rules.clone();
    drop(state);
    envelope::api(sim, &rules, result)
}

/// Carries out what is due by now.
pub(crate) fn settle(sim: &Arc<Sim>) {
    let now = sim.clock.now();
    if sim.tiktok.next_due.load(Ordering::SeqCst) > now.timestamp_micros() {
        return;
    }
    let mut state = sim.tiktok.lock();
    while let Some(entry) = state.due.first_entry().filter(|entry| entry.key().0 <= now) {
        let ((at, _), due) = entry.remove_entry();
        process::carry_out(sim, &mut state, at, due);
    }
    sim.tiktok.note_due(&state);
}

/// Back to the state of the start; changed rules are forgotten too.
pub(crate) fn reset(sim: &Sim) {
    let mut state = sim.tiktok.lock();
    *state = State::new(sim.options.tiktok.clone(), sim.options.default_accounts, &sim.random);
    sim.tiktok.note_due(&state);
}

/// Makes a creator from the body of `POST /_sim/accounts`.
pub(crate) fn create_account(sim: &Sim, spec: &Value) -> Result<Value, String> {
    control::create_account(sim, spec)
}

/// All creators.
pub(crate) fn accounts(sim: &Sim) -> Vec<Value> {
    let state = sim.tiktok.lock();
    state.order.iter().filter_map(|id| state.accounts.get(id)).map(account::Account::describe).collect()
}

/// Requests to `/_sim/tiktok/…`.
pub(crate) fn control(sim: &Arc<Sim>, call: &Call, rest: &[&str]) -> Option<Reply> {
    control::act(sim, call, rest)
}

/// Whether the method is GET; a helper for the control module's table.
fn is_get(call: &Call) -> bool {
    call.method == Method::GET
}

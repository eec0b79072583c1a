//! Meta: Instagram with Facebook Login and with Instagram Login, and Facebook Pages, behind six hosts.
//!
//! What is guaranteed: what Meta would refuse is refused with Meta's body; an Instagram post becomes visible by
//! `media_publish` alone, a Page's by what [`facebook`] describes, and it is then in the list of visible posts, whatever happens to the answer; everything that the sheet calls
//! unconfirmed is a switch in [`behaviour`]. Written from the platform sheet and Meta's pages.
//!
//! Expected failures: clients that use the wrong host, the wrong token or a container too early; they get the answer
//! of the platform. Faults below HTTP (cuts, delays, broken bodies) belong to [`crate::fault`]; [`control`] offers
//! Meta's own error bodies for them.
//!
//! The functions here are what [`crate::dispatch`] and [`crate::control`] call; state lives in [`Meta`], behind its
//! own lock, and is reached as `sim.meta`. No lock is held across an await.

mod access;
mod accounts;
mod behaviour;
mod comments;
mod container;
mod control;
mod create;
mod error;
mod facebook;
mod graph;
mod input;
mod insights;
mod login;
mod media;
mod people;
mod publish;
mod route;
mod rules;
mod scope;
#[cfg(test)]
mod tests;
mod throttle;
mod token;
mod upload;
mod world;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::call::{Call, Identity};
use crate::clock::Clock;
use crate::host::Host;
use crate::options::{Credentials, Options};
use crate::random::Random;
use crate::reply::{self, Reply};
use crate::sim::Sim;
pub(crate) use error::refusals;
use world::World;

/// Which login a host, an app or a token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Instagram API with Facebook Login.
    Facebook,
    /// Instagram API with Instagram Login.
    Instagram,
}

/// Everything Meta remembers.
pub(crate) struct Meta {
    world: Mutex<World>,
    /// Time (ms) of the next post that becomes visible by itself.
    next_due: AtomicI64,
    credentials: Credentials,
    default_accounts: bool,
}

impl Meta {
    pub(crate) fn new(options: &Options, _random: &Random, _clock: &Clock) -> Self {
        let meta = Meta {
            world: Mutex::new(World::new(&options.credentials)),
            next_due: AtomicI64::new(i64::MAX),
            credentials: options.credentials.clone(),
            default_accounts: options.default_accounts,
        };
        if meta.default_accounts {
            meta.lock().add_defaults();
        }
        meta
    }

    /// The state. A handler that panicked leaves it usable: each change is complete before the next begins.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Simulated time in ms.
fn now(sim: &Sim) -> i64 {
    sim.clock.now().timestamp_millis()
}

/// Whether the body of this request is read piece by piece (`call.upload`) instead of as a whole (`call.body`).
pub(crate) fn streams_body(call: &Call) -> bool {
    call.host == Host::MetaRupload
}

/// What the request is and for which account; must not change anything.
pub(crate) fn identify(sim: &Sim, call: &Call) -> Identity {
    let world = sim.meta.lock();
    match call.host {
        Host::MetaDialog | Host::InstagramAuth => Identity::of("meta.dialog"),
        Host::InstagramApi => Identity::of("meta.token"),
        Host::MetaRupload if call.path.starts_with("/video-upload/") => {
            let page = facebook::target(&world, &call.segments()).map(|(_, page)| page.to_string());
            Identity::with_account("meta.reel_upload", page)
        }
        Host::MetaRupload => {
            let account = upload::target(&world, &call.segments()).map(|(_, account)| account.to_string());
            Identity::with_account("meta.upload", account)
        }
        Host::MetaGraph => graph::identify(&world, call, Flavour::Facebook),
        Host::InstagramGraph => graph::identify(&world, call, Flavour::Instagram),
        Host::Control
        | Host::Media
        | Host::TikTokAuth
        | Host::TikTokApi
        | Host::TikTokUpload
        | Host::GoogleAuth
        | Host::GoogleToken
        | Host::YouTubeApi
        | Host::CloudflareApi
        | Host::CloudflareStream => Identity::of("meta.unknown"),
    }
}

/// The caption of the post that the request is about.
pub(crate) fn subject(sim: &Sim, call: &Call) -> Option<String> {
    let world = sim.meta.lock();
    match call.host {
        Host::MetaRupload if call.path.starts_with("/video-upload/") => {
            let (video, _) = facebook::target(&world, &call.segments())?;
            facebook::subject(&world, call, None, video)
        }
        Host::MetaRupload => {
            let (container, _) = upload::target(&world, &call.segments())?;
            Some(world.containers.get(&container)?.draft.caption.clone())
        }
        Host::MetaGraph => graph::subject(&world, call, Flavour::Facebook),
        Host::InstagramGraph => graph::subject(&world, call, Flavour::Instagram),
        _ => None,
    }
}

/// Carries the request out.
pub(crate) async fn act(sim: &Arc<Sim>, call: &mut Call) -> Reply {
    let segments = call.segments();
    match (call.host, segments.as_slice()) {
        (Host::MetaDialog, [version, "dialog", "oauth"]) if route::is_version(version) => {
            login::dialog(sim, call, Flavour::Facebook)
        }
        (Host::InstagramAuth, ["oauth", "authorize"]) => login::dialog(sim, call, Flavour::Instagram),
        (Host::InstagramApi, ["oauth", "access_token"]) => login::instagram_token(sim, call),
        (Host::MetaRupload, ["ig-api-upload", version, _]) if route::is_version(version) => {
            upload::upload(sim, call).await
        }
        (Host::MetaRupload, ["video-upload", version, _]) if route::is_version(version) => {
            facebook::upload(sim, call).await
        }
        (Host::MetaGraph, _) => graph::act(sim, call, Flavour::Facebook).await,
        (Host::InstagramGraph, _) => graph::act(sim, call, Flavour::Instagram).await,
        _ => reply::html(404, "<!DOCTYPE html><html><body>Page not found</body></html>"),
    }
}

/// Lets everything happen that is due at `sim.clock.now()`; called around every request, so it must be cheap when
/// nothing is due.
pub(crate) fn settle(sim: &Arc<Sim>) {
    let next = sim.meta.next_due.load(Ordering::SeqCst);
    if next == i64::MAX || next > now(sim) {
        return;
    }
    let now = now(sim);
    let mut world = sim.meta.lock();
    while let Some(due) = world.due.peek().map(|due| due.0).filter(|due| due.at <= now) {
        world.due.pop();
        publish::show(sim, &world, due.media);
    }
    let next = world.due.peek().map_or(i64::MAX, |due| due.0.at).min(facebook::settle(sim, &mut world, now));
    sim.meta.next_due.store(next, Ordering::SeqCst);
}

/// Back to the state of the start.
pub(crate) fn reset(sim: &Sim) {
    let mut world = sim.meta.lock();
    *world = World::new(&sim.meta.credentials);
    if sim.meta.default_accounts {
        world.add_defaults();
    }
    sim.meta.next_due.store(i64::MAX, Ordering::SeqCst);
}

/// Makes an account from the body of `POST /_sim/accounts` with `"platform": "instagram"` or `"facebook"`; the fields
/// are those of [`accounts::AccountSpec`].
pub(crate) fn create_account(sim: &Sim, spec: &Value) -> Result<Value, String> {
    accounts::create_account(sim, spec)
}

/// All accounts, each an object with `platform`, `id` and `name` at least.
pub(crate) fn accounts(sim: &Sim) -> Vec<Value> {
    accounts::list(sim)
}

/// Requests to `/_sim/meta/…`; `rest` is the path after `meta`. `None` means there is no such path.
pub(crate) fn control(sim: &Arc<Sim>, call: &Call, rest: &[&str]) -> Option<Reply> {
    control::act(sim, call, rest)
}

//! The platform simulator: a stateful, strict stand-in for the vendors' HTTP APIs.
//!
//! What is guaranteed: each vendor host has a port of its own; what the platform would refuse is refused, with the
//! body the platform sends; every post that became visible is in one list ([`Simulator::posts`], `GET /_sim/posts`).
//! Everything is written from the platform sheets, never from the client's code. All state is in memory and ends
//! with the process.
//!
//! Failures are expected everywhere: the fault layer (`fault`) can answer, delay, hold or cut any request before or
//! after it acted, and a request that was fully received acts even when its client has gone away, as a real vendor
//! would.
//!
//! How the parts fit: `server` accepts connections and hands each request to `dispatch`, which buffers the body
//! (uploads are streamed), asks the vendor module what the request is (`identify`), consults the fault rules, lets the
//! vendor `act`, and writes the journal. A vendor is a module with the functions `streams_body`, `identify`, `act`,
//! `settle`, `reset`, `create_account`, `accounts` and `control`, and a field in `sim::Sim`. Vendors keep their own
//! state behind their own mutex, report posts to `posts::Posts`, take the time from `clock::Clock` and never sleep:
//! what happens later is a due time, carried out by `settle`. The control API is described in `control`.

#![expect(clippy::result_large_err, reason = "an `Err` here is often the answer itself, built once per request")]

mod call;
mod clock;
mod cloudflare;
mod consent;
mod control;
mod dispatch;
mod fault;
mod fetch;
mod growth;
mod host;
mod journal;
mod media;
mod meta;
mod options;
mod posts;
mod random;
mod refusal;
mod reply;
mod server;
mod sim;
mod simulator;
mod tiktok;
mod window;
mod youtube;

pub use clock::Clock;
pub use fault::{Action, Chances, Hold, Matcher, Rule, RuleId, When};
pub use host::Host;
pub use journal::{Entry, Filter};
pub use media::mp4::{Codec, Mp4Spec};
pub use media::serve::sha256_of;
pub use options::{Credentials, Options};
pub use posts::VisiblePost;
pub use refusal::{Refusal, incomplete, refusals};
pub use simulator::Simulator;
pub use tiktok::rules::Rules as TikTokRules;
pub use youtube::rules::Rules as YouTubeRules;

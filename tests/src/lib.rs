//! The harness of the scenario tests: a simulator and a core on free ports and a fresh database ([`server`]), a clock that
//! both follow, and checks that hold after every scenario.
//!
//! Guaranteed: scenarios speak the public API alone; nothing waits for a span of real time, only for states, while the
//! shared clock is moved to whatever is due next ([`World::hurry`]); [`World::finish`] ends every scenario with the
//! checks of [`checks`]. What goes wrong panics with what was seen, because this is test code.

#![allow(
    clippy::missing_panics_doc,
    reason = "every function of a test harness panics when it does not find what it expects"
)]

pub mod browser;
pub mod bucket;
pub mod checks;
pub mod connect;
pub mod cores;
pub mod cutting;
pub mod dashboard;
pub mod database;
pub mod fault;
pub mod log;
pub mod posting;
// That of the store's own tests.
#[path = "../../core-service/src/store/db/server/proxy.rs"]
mod proxy;
pub mod receiver;
pub mod refusal;
pub mod restoring;
pub mod server;
pub mod source;
pub mod uploading;
pub mod webhook;
pub mod world;

pub use browser::Browser;
pub use connect::Login;
pub use dashboard::Visitor;
pub use posting::{User, content, video};
pub use refusal::Refusal;
pub use server::is_about_files;
pub use world::World;

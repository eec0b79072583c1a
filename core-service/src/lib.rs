//! The AuraReels core: owns accounts, tokens, posts, the schedule and the platform clients.
//!
//! Dependencies point to `domain`. `docs/architecture.md` tells which module owns what.

pub mod app;
pub mod clock;
pub mod domain;
pub mod http;
pub mod media;
pub mod platform;
pub mod secret;
pub mod store;

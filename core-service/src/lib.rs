//! The AuraReels core: owns accounts, tokens, posts, the schedule and the platform clients.
//!
//! Dependencies point to `domain`. `docs/architecture.md` tells which module owns what.

pub mod analytics;
pub mod app;
mod audit;
pub mod backup;
pub mod bootstrap;
pub mod cli;
pub mod clock;
pub mod config;
pub mod descriptors;
pub mod domain;
pub mod fault;
pub mod grpc;
pub mod http;
pub mod import;
#[cfg(test)]
mod layering;
pub mod media;
pub mod platform;
mod private;
pub mod progress;
pub mod publisher;
mod repeated;
pub mod scheduler;
pub mod secret;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod tokens;
pub mod webhooks;
pub mod zones;

//! The port: gRPC, gRPC-web, calls in JSON, health, reflection, metrics and a few pages, all on one address.
//!
//! Handlers are thin: shape of the request ([`convert`]), one call of `app`, answer; errors through [`status`]. Callers
//! are established before any handler runs ([`auth`]). Nothing here has rules of its own, and no `tonic` type leaves
//! this module, except that `main`'s command-line client speaks gRPC itself.

mod accept;
mod accounts;
mod analytics;
mod audited;
mod auth;
mod calls;
mod codes;
mod connect;
mod connection;
mod convert;
mod cookies;
mod dashboard;
mod describe;
mod drain_body;
mod entry;
mod field_mask;
mod health;
mod html;
mod mcp;
mod media;
mod metrics;
mod oauth_pages;
mod pages;
mod patience;
mod platforms;
mod post_api;
mod posts;
mod read_json;
mod serve;
mod status;
#[cfg(test)]
mod tests;
mod tls;
mod watch;
mod webhooks;

pub(crate) use connect::to_json;
pub use describe::Described;
pub use health::OldestOverdue;
pub(crate) use mcp::Server as McpServer;
pub(crate) use pages::PAGE_POLICY;
pub use serve::{Api, Serving, bind, serve};
pub(crate) use tls::{acceptor as tls_acceptor, certificate_life};

//! The native addon of `n8n-nodes-aurareels`: what n8n's process needs of the AuraReels core, and nothing else.
//!
//! It converts and calls; every rule lives in the core. Three things cross the boundary: a **call** (request in, answer
//! or failure out), a **watch** (events, handed over one by one, reconnecting by itself) and an **upload** (chunks in,
//! each awaited, so that memory stays constant). Messages travel as JSON in the form that [`boundary`] describes.
//!
//! Guaranteed: nothing here blocks Node's event loop, all work runs on the addon's own threads; no panic reaches
//! n8n's process ([`guard`]); whatever the core or the network does arrives as a value ([`failure`]), never as a crash.

mod boundary;
mod call;
mod codec;
mod descriptors;
mod ending;
mod endpoint;
mod exports;
mod failure;
mod guard;
mod outgoing;
mod runtime;
#[cfg(test)]
mod types;
mod upload;
mod watch;

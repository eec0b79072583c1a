//! Sends events to webhook endpoints: what happened becomes deliveries ([`events`]), deliveries become requests
//! ([`sender`]).
//!
//! Guaranteed: nothing here is remembered but in the database; a core that dies loses a claim of twenty seconds and nothing
//! else. Every event is sent at least once to each endpoint that wants it, with a `webhook-id` that never changes, and the
//! events of one post in their order. Whatever becomes of it, no post is touched. Expected: endpoints that fail, hang,
//! answer late or are gone; they use up their own room and no other's.

mod context;
mod events;
mod exchange;
mod sender;
mod sign;

pub use context::Webhooks;

impl Webhooks {
    /// Runs until the core stops. Requests under way then get a few seconds.
    pub async fn run(self) {
        tokio::join!(events::run(&self), sender::run(&self));
    }
}

//! Handing a scheduled post to an n8n workflow (the original's recommended way): its webhook is called, the workflow
//! waits and calls PublishPostNow. Both it and the core may fire; the claim makes one post of it.
//!
//! Guaranteed: the workflow's response never counts as a publication. It is given the post's exact time, to the last
//! digit, so that it can send it back as `expected_scheduled_at`. Expected: the webhook is unavailable or refuses; then
//! it is called again with growing gaps, and in the end the core publishes on time.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use url::Url;

use crate::{
    domain::{post::Post, violation::Warning},
    secret::Secret,
};

/// Longest wait for the webhook.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The gap to the next call after this many failures: a minute at first, finally half an hour, so that posts that wait
/// for weeks cost next to nothing while the webhook is unavailable.
pub(super) fn gap(failed: i32) -> TimeDelta {
    TimeDelta::minutes((1 << failed.clamp(0, 5)).min(30))
}

/// The post's warning while its workflow could not be called.
pub(super) fn not_taken(error: &str) -> Warning {
    Warning {
        code: "WORKFLOW_NOT_TOLD".into(),
        field: "scheduler".into(),
        message: format!("the n8n workflow did not take the post ({error}); the core publishes it on time by itself"),
    }
}

/// The workflow's webhook.
#[derive(Clone)]
pub struct Handover {
    webhook: Url,
    key: Option<std::sync::Arc<Secret>>,
    http: reqwest::Client,
}

impl Handover {
    /// A webhook (`N8N_SCHEDULER_WEBHOOK`) and the key it expects in `X-API-Key` (`N8N_API_KEY`).
    pub fn new(webhook: Url, key: Option<Secret>, http: reqwest::Client) -> Self {
        Self { webhook, key: key.map(std::sync::Arc::new), http }
    }

    /// Hands a post over. The error is for the log and contains no URL.
    pub async fn call(&self, post: &Post) -> Result<(), String> {
        let body = json!({
            "post_id": post.id.0,
            "scheduled_at": post.scheduled_at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
            "user_id": post.wp_user_id.0,
        });
        let mut request = self.http.post(self.webhook.clone()).timeout(TIMEOUT).json(&body);
        if let Some(key) = &self.key {
            request = request.header("X-API-Key", key.expose());
        }
        let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("the webhook answered {}", answer.status())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_that_is_away_is_called_ever_more_rarely() {
        let minutes = [0, 1, 2, 3, 4, 5, 1_000_000].map(|failed| gap(failed).num_minutes());
        assert_eq!(minutes, [1, 2, 4, 8, 16, 30, 30]);
    }
}

//! Handing a scheduled post to an n8n workflow (the original's recommended way): its webhook is called, the workflow
//! waits and calls PublishPostNow. Both it and the core may fire; the claim makes one post of it.
//!
//! Guaranteed: the workflow's answer is never taken for a publication. Expected: the webhook is away; then the core
//! publishes on time.

use std::time::Duration;

use serde_json::json;
use url::Url;

use crate::{domain::post::Post, secret::Secret};

/// Longest wait for the webhook.
const TIMEOUT: Duration = Duration::from_secs(5);

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

    /// Hands a post over. The error is for the log and holds no URL.
    pub async fn call(&self, post: &Post) -> Result<(), String> {
        let body = json!({
            "post_id": post.id.0,
            "scheduled_at": post.scheduled_at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)),
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

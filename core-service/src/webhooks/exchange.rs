//! One request to an endpoint.
//!
//! Guaranteed: it ends within [`TIMEOUT`]; redirects are not followed; at most [`READ`] of an answer are read, and [`SHOWN`]
//! of them kept. The status alone decides: what becomes of the body after it does not matter.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, timeout_at};

use super::sign::signature;
use crate::{
    domain::{
        retry,
        webhook::{Try, TryOutcome},
    },
    media::outgoing,
    store::webhooks::sending::Job,
};

/// The longest that a request may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes of an answer that are read.
const READ: usize = 16 * 1024;

/// Characters of an answer that are kept.
const SHOWN: usize = 1_000;

/// Makes a try. `number` is 0: the store counts.
pub(super) async fn post(
    client: &reqwest::Client,
    allow_private: bool,
    job: &Job,
    now: DateTime<Utc>,
) -> (Try, TryOutcome) {
    let begun = Instant::now();
    let answered = exchange(client, allow_private, job, now, begun + TIMEOUT).await;
    let duration_ms = i32::try_from(begun.elapsed().as_millis()).unwrap_or(i32::MAX);
    let tried = |status_code, answer: String, error: String| Try {
        number: 0,
        sent_at: now,
        duration_ms,
        status_code,
        answer,
        error,
    };
    match answered {
        Err(error) => (tried(None, String::new(), error), TryOutcome::Failed { retry_after: None }),
        Ok(Answer { status, retry_after, body }) => {
            let (outcome, error) = match status {
                200..=299 => (TryOutcome::Accepted, String::new()),
                410 => (TryOutcome::Gone, "the endpoint says that it is gone for good".to_owned()),
                300..=399 => (
                    TryOutcome::Failed { retry_after },
                    "redirects are not followed; give the address that they lead to".to_owned(),
                ),
                _ => (TryOutcome::Failed { retry_after }, format!("the endpoint answered {status}")),
            };
            (tried(Some(status.into()), body, error), outcome)
        }
    }
}

struct Answer {
    status: u16,
    retry_after: Option<TimeDelta>,
    body: String,
}

async fn exchange(
    client: &reqwest::Client,
    allow_private: bool,
    job: &Job,
    now: DateTime<Utc>,
    until: Instant,
) -> Result<Answer, String> {
    let secrets = job.secrets.as_ref().map_err(|_| "this core has no key for the endpoint's secret".to_owned())?;
    let url: url::Url = job.url.parse().map_err(|_| "the address is none".to_owned())?;
    // Also where the setting was changed after the endpoint was created.
    if let Some(why) = outgoing::refusal(&url, allow_private) {
        return Err(format!("the address {why}"));
    }
    let (id, timestamp) = (&job.delivery.webhook_id, now.timestamp());
    let signed = signature(secrets, id, timestamp, &job.body).ok_or("the endpoint's secret is none")?;
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signed)
        .body(job.body.clone());
    let Ok(answered) = timeout_at(until, request.send()).await else {
        return Err(format!("no answer within {} seconds", TIMEOUT.as_secs()));
    };
    let mut response = answered.map_err(why)?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|value| retry::retry_after(value, now));
    let mut body = Vec::new();
    while body.len() < READ {
        match timeout_at(until, response.chunk()).await {
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk[..chunk.len().min(READ - body.len())]),
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        }
    }
    Ok(Answer { status, retry_after, body: shown(&body) })
}

/// Why there was no answer, without the URL: it may hold a secret.
fn why(error: reqwest::Error) -> String {
    if outgoing::is_refused(&error) {
        return "the address does not lead to a public host".to_owned();
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let what = if error.is_connect() { "the endpoint cannot be reached" } else { "the connection broke" };
    format!("{what}: {cause}")
}

/// The beginning of an answer as text that every database keeps.
fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.chars().filter(|one| !one.is_control() || matches!(one, '\n' | '\t')).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_short_and_without_what_is_no_text() {
        assert_eq!(shown(b"a\0b\x1b[1m\nc\xff"), "ab[1m\nc\u{fffd}");
        assert_eq!(shown(&[b'x'; 5_000]).len(), SHOWN);
    }
}

//! TikTok's API calls: one request, one answer, told apart into accepted, refused, never sent and unclear. What an
//! unclear answer means is the caller's matter: a read failed, a write may have had its effect.
//!
//! Success is `error.code == "ok"`; the HTTP status decides only that nothing is concluded from a 5xx.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::{errors, replies::Envelope};
use crate::{
    domain::{failure::Failure, ledger::Evidence},
    http::connection::Connector,
    platform::{
        Lease, waits,
        wire::{Exchange, exchange, exchange_at_its_time},
    },
    secret::Secret,
};

/// What an API call brought.
#[derive(Debug)]
pub(super) enum Reply<T> {
    /// TikTok took it.
    Accepted { data: T, evidence: Evidence },
    /// A documented refusal: nothing was created.
    Refused { code: String, failure: Failure, evidence: Evidence },
    /// Nothing left this machine.
    NotSent { failure: Failure, evidence: Evidence },
    /// No answer, or one that proves nothing. `failure` is what it means for a read.
    Unclear { failure: Failure, evidence: Evidence },
}

/// One request to the API.
pub(super) struct Request<'a> {
    /// The client that sends it.
    pub(super) client: &'a Client,
    /// The endpoint.
    pub(super) url: Url,
    /// The account's token.
    pub(super) token: &'a Secret,
    /// Its JSON; `None` for an empty body.
    pub(super) body: Option<Value>,
    /// Longest wait for the whole answer.
    pub(super) timeout: Duration,
    /// The time now, for waits; without it they name no time.
    pub(super) now: Option<DateTime<Utc>>,
    /// For a point of no return: the lines it leaves on, and the right to send it.
    pub(super) at_its_time: Option<(&'a Connector, &'a dyn Lease)>,
}

impl Request<'_> {
    /// Sends it as POST.
    pub(super) async fn post<T: DeserializeOwned>(self) -> Reply<T> {
        let body = self.body.map(|body| body.to_string()).unwrap_or_default();
        let request = self
            .client
            .post(self.url)
            .bearer_auth(self.token.expose())
            .header(CONTENT_TYPE, "application/json; charset=UTF-8")
            .body(body);
        let exchange = match self.at_its_time {
            Some((connector, lease)) => exchange_at_its_time(connector, request, self.timeout, lease).await,
            None => exchange(request, self.timeout).await,
        };
        read(exchange, self.now)
    }

    /// Sends it as GET.
    pub(super) async fn get<T: DeserializeOwned>(self) -> Reply<T> {
        let request = self.client.get(self.url).bearer_auth(self.token.expose());
        read(exchange(request, self.timeout).await, self.now)
    }
}

/// Tells the answers apart.
fn read<T: DeserializeOwned>(exchange: Exchange, now: Option<DateTime<Utc>>) -> Reply<T> {
    let answer = match exchange {
        Exchange::Answered(answer) => answer,
        Exchange::NotSent(why) => return Reply::NotSent { failure: unreachable(&why), evidence: problem(&why) },
        Exchange::NoAnswer(why) => return Reply::Unclear { failure: unreachable(&why), evidence: problem(&why) },
    };
    let evidence = Evidence::new().with("http_status", answer.status.as_u16());
    let Some(envelope) = answer.json::<Envelope>() else {
        let failure = errors::away(format!("TikTok answered HTTP {} without its own JSON", answer.status.as_u16()));
        return Reply::Unclear { failure, evidence: evidence.with("problem", "the answer is not TikTok's JSON") };
    };
    let code = envelope.error.code.clone();
    let mut evidence = evidence.with("platform_code", errors::shown(&code));
    if let Some(log_id) = envelope.error.log_id() {
        evidence = evidence.with("log_id", errors::shown(log_id));
    }
    if code == "ok" && answer.status.is_success() {
        return match serde_json::from_value(envelope.data) {
            Ok(data) => Reply::Accepted { data, evidence },
            Err(_) => {
                let failure = errors::away("TikTok's answer lacks what it should hold");
                Reply::Unclear { failure, evidence: evidence.with("problem", "the answer lacks fields") }
            }
        };
    }
    // TikTok does not document `Retry-After`; proxies send it.
    let asked = now.and_then(|now| waits::retry_after(&answer.headers, now));
    let refusal = errors::refusal(&code, envelope.error.message.as_deref(), now, asked);
    match refusal.filter(|_| !answer.status.is_server_error()) {
        Some(failure) => Reply::Refused { code, failure, evidence },
        None => {
            let status = answer.status.as_u16();
            let failure = errors::away(format!("TikTok answered HTTP {status} with `{}`", errors::shown(&code)));
            Reply::Unclear { failure: failure.with_rule(errors::shown(&code)), evidence }
        }
    }
}

/// The way to TikTok is broken.
pub(super) fn unreachable(why: &str) -> Failure {
    errors::away(format!("TikTok could not be reached: {why}"))
}

/// Evidence of an exchange without answer.
pub(super) fn problem(why: &str) -> Evidence {
    Evidence::new().with("problem", errors::shown(why))
}

#[cfg(test)]
mod tests {
    use reqwest::{StatusCode, header::HeaderMap};

    use super::*;
    use crate::{
        domain::failure::FailureClass,
        platform::{
            tiktok::replies::{CreatorInfo, InitData},
            wire::Answer,
        },
    };

    fn answered<T: DeserializeOwned>(status: u16, body: &str) -> Reply<T> {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() };
        read(Exchange::Answered(answer), None)
    }

    const INIT: &str = r#"{"data":{"publish_id":"v_pub_file~v2-1.1","upload_url":"https://u/x"},
        "error":{"code":"ok","message":"","log_id":"20261122"}}"#;

    #[test]
    fn success_is_the_code_and_not_the_status() {
        assert!(
            matches!(answered::<InitData>(200, INIT), Reply::Accepted { data, .. } if data.publish_id == "v_pub_file~v2-1.1")
        );
        let refused = r#"{"data":{},"error":{"code":"spam_risk_too_many_posts","message":"m","log_id":"L"}}"#;
        let Reply::Refused { failure, evidence, .. } = answered::<CreatorInfo>(200, refused) else {
            panic!("HTTP 200 with a failing code is a refusal");
        };
        assert_eq!(failure.class, FailureClass::Quota { until: None });
        assert_eq!(evidence.0.at("log_id"), "L");
        assert_eq!(evidence.0.at("http_status"), 200);
    }

    #[test]
    fn what_is_not_listed_proves_nothing() {
        for (status, body) in [
            (200, "<html>sign in to the network</html>"),
            (200, "{}"),
            (200, r#"{"data":{},"error":{"code":"ok"}}"#),
            (403, "<html>blocked</html>"),
            (429, "slow down"),
            (400, r#"{"error":{"code":"something_new"}}"#),
            (500, r#"{"error":{"code":"internal_error"}}"#),
            (502, r#"{"error":{"code":"rate_limit_exceeded"}}"#),
            (500, INIT),
        ] {
            assert!(matches!(answered::<InitData>(status, body), Reply::Unclear { .. }), "{status} {body}");
        }
    }

    #[test]
    fn a_wait_that_a_proxy_asks_for_is_kept_and_bounded() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let until = |retry_after: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", retry_after.parse().unwrap());
            let body = br#"{"error":{"code":"rate_limit_exceeded","message":"m","log_id":"L"}}"#.to_vec();
            let answer = Answer { status: StatusCode::TOO_MANY_REQUESTS, headers, body };
            match read::<InitData>(Exchange::Answered(answer), Some(now)) {
                Reply::Refused { failure: Failure { class: FailureClass::RateLimited { until }, .. }, .. } => {
                    until.unwrap() - now
                }
                _ => panic!("429 with TikTok's own code is a refusal"),
            }
        };
        assert_eq!(until("90").num_seconds(), 90);
        assert_eq!(until("5").num_seconds(), 60, "TikTok counts by the minute");
        assert_eq!(until("soon").num_seconds(), 60);
        assert_eq!(
            until(&(now + waits::LONGEST_WAIT / 4).format("%a, %d %b %Y %H:%M:%S GMT").to_string()).num_hours(),
            6
        );
        assert_eq!(until("18446744073709551615"), waits::LONGEST_WAIT);
        assert_eq!(until("Fri, 31 Dec 9999 23:59:59 GMT"), waits::LONGEST_WAIT);
    }

    #[test]
    fn documented_refusals_are_refusals() {
        for (status, code) in [
            (400, "invalid_params"),
            (401, "access_token_invalid"),
            (403, "url_ownership_unverified"),
            (429, "rate_limit_exceeded"),
        ] {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"m","log_id":"L"}}}}"#);
            assert!(matches!(answered::<InitData>(status, &body), Reply::Refused { .. }), "{code}");
        }
    }
}

//! TikTok's two envelopes: `{data, error}` of the API and the flat one of OAuth (sheet §1).
//!
//! Success of the API is `error.code == "ok"`, not the HTTP status; `data` is left out on errors.

use serde_json::{Map, Value, json};

use crate::reply::{self, Reply};
use crate::sim::Sim;
use crate::tiktok::rules::Rules;

/// An API call that was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: &str) -> Self {
        Refusal { status, code: code.to_owned(), message: message.to_owned() }
    }

    /// A bad field; the pages and the live service spell the code differently.
    pub(crate) fn invalid(rules: &Rules, message: &str) -> Self {
        Refusal::new(400, &rules.invalid_param_code, message)
    }

    pub(crate) fn token() -> Self {
        Refusal::new(401, "access_token_invalid", "The access token is invalid or not found in the request.")
    }

    pub(crate) fn scope() -> Self {
        Refusal::new(
            401,
            "scope_not_authorized",
            "The user did not authorize the scope required for completing this request.",
        )
    }

    pub(crate) fn rate() -> Self {
        Refusal::new(429, "rate_limit_exceeded", "The API rate limit was exceeded. Please try again later.")
    }
}

/// What an API call gives: `Some` data, or an envelope with `error` only.
pub(crate) type ApiResult = Result<Option<Value>, Refusal>;

/// Envelope A.
pub(crate) fn api(sim: &Sim, rules: &Rules, result: ApiResult) -> Reply {
    let mut error = Map::new();
    let mut envelope = Map::new();
    let status = match result {
        Ok(data) => {
            if let Some(data) = data {
                envelope.insert("data".into(), data);
            }
            error.insert("code".into(), json!("ok"));
            error.insert("message".into(), json!(""));
            200
        }
        Err(refusal) => {
            error.insert("code".into(), json!(refusal.code));
            error.insert("message".into(), json!(refusal.message));
            refusal.status
        }
    };
    error.insert(rules.log_id_field.clone(), json!(log_id(sim)));
    envelope.insert("error".into(), Value::Object(error));
    reply::json(status, &Value::Object(envelope))
}

/// An OAuth call that was refused.
#[derive(Clone, Debug)]
pub(crate) struct OAuthRefusal {
    pub(crate) error: &'static str,
    pub(crate) description: &'static str,
}

/// Envelope B.
pub(crate) fn oauth(sim: &Sim, rules: &Rules, result: Result<Value, OAuthRefusal>) -> Reply {
    let reply = match result {
        Ok(body) => reply::json(200, &body),
        Err(refusal) => {
            let status = match refusal.error {
                _ if rules.oauth_errors_as_200 => 200,
                "invalid_client" => 401,
                _ => 400,
            };
            let body = json!({
                "error": refusal.error,
                "error_description": refusal.description,
                "log_id": log_id(sim),
            });
            reply::json(status, &body)
        }
    };
    reply::header(reply, "cache-control", "no-store")
}

fn log_id(sim: &Sim) -> String {
    format!("{}{}", sim.clock.now().format("%Y%m%d%H%M%S"), sim.random.token(20).to_uppercase())
}

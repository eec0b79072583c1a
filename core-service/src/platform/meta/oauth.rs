//! Token endpoints: they take app ids and secrets instead of a login, and a code only once.

use chrono::{DateTime, Utc};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{
    CALL, failure_of,
    graph::{General, GraphError, GraphReply},
    unavailable, unexpected,
    wire::{LoginError, TokenAnswer, shaped},
};
use crate::{
    domain::failure::{Failure, FailureClass, Reason},
    platform::{
        AccountError, waits,
        wire::{self, Answer, Exchange},
    },
    secret::Secret,
};

/// A token with its end, where the platform told.
pub(crate) struct LongLived {
    pub(crate) token: Secret,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// What a lost answer means for a token request.
#[derive(Clone, Copy)]
pub(crate) enum IfLost {
    /// The request may have used something up: the code, or the old token.
    Unknown(&'static str),
    /// Asking again is harmless.
    AskAgain,
}

/// A code was refused: it is used, expired, or made for another redirect or app. Whatever it is, the way on is the same.
pub(crate) fn code_refused(rule: String) -> Failure {
    Failure::new(FailureClass::InvalidRequest, Reason::PlatformRefused, "meta refuses the code of this login")
        .with_rule(rule)
        .with_remedy("start the login again; if it happens again, compare the redirect address with the app's settings")
}

/// The app itself was refused.
fn app_refused(rule: String, settings: &str) -> Failure {
    Failure::new(FailureClass::Permanent, Reason::PlatformRefused, "meta refuses this core's app id or secret")
        .with_rule(rule)
        .with_remedy(format!("compare {settings} with the app's settings at Meta"))
}

/// Sends a request to a token endpoint and reads its JSON.
pub(crate) async fn ask(request: RequestBuilder, if_lost: IfLost) -> Result<Result<Value, Refusal>, AccountError> {
    let answer = match wire::exchange(request, CALL).await {
        Exchange::Answered(answer) => answer,
        Exchange::NotSent(_) => {
            return Err(unavailable("meta could not be reached").into());
        }
        Exchange::NoAnswer(why) => return Err(lost(if_lost, &why)),
    };
    if let Some(LoginError { error_type, code, error_message }) = answer.json() {
        let about_app = error_message.contains("platform app") || error_message.contains("client secret");
        return Ok(Err(Refusal::Login { error_type, code, about_app }));
    }
    let Answer { status, .. } = answer;
    match GraphReply::read(Exchange::Answered(answer)) {
        GraphReply::Value(value) => Ok(Ok(value)),
        GraphReply::Error(error) => Ok(Err(Refusal::Graph(error))),
        GraphReply::Unreadable(_) | GraphReply::NotSent(_) | GraphReply::NoAnswer(_) => {
            Err(lost(if_lost, &format!("an unreadable answer (HTTP {})", status.as_u16())))
        }
    }
}

fn lost(if_lost: IfLost, why: &str) -> AccountError {
    match if_lost {
        IfLost::Unknown(what) => AccountError::Unknown(format!("{what}: {why}")),
        IfLost::AskAgain => unavailable("meta did not answer").into(),
    }
}

/// A token endpoint said no, in one of its two shapes.
pub(crate) enum Refusal {
    /// The Graph envelope.
    Graph(Box<GraphError>),
    /// `api.instagram.com`.
    Login { error_type: String, code: Option<i64>, about_app: bool },
}

impl Refusal {
    /// As the answer to a code: start again, unless Meta is only busy or this core is set up wrongly.
    pub(crate) fn of_code(&self, now: DateTime<Utc>) -> Failure {
        match self {
            Self::Graph(error) if error.about_app => app_refused(
                error.rule(),
                "INSTAGRAM_APP_ID and INSTAGRAM_APP_SECRET, or FACEBOOK_APP_ID and FACEBOOK_APP_SECRET,",
            ),
            Self::Graph(error) => match error.general() {
                General::Throttled | General::AppSecretProof | General::NoCapability => self.of_token(now),
                _ => code_refused(error.rule()),
            },
            Self::Login { error_type, code, about_app } => {
                let rule = code.map_or_else(|| error_type.clone(), |code| format!("{error_type} {code}"));
                match about_app {
                    true => app_refused(rule, "INSTAGRAM_LOGIN_APP_ID and INSTAGRAM_LOGIN_APP_SECRET"),
                    false => code_refused(rule),
                }
            }
        }
    }

    /// As the answer about a token.
    pub(crate) fn of_token(&self, now: DateTime<Utc>) -> Failure {
        match self {
            Self::Graph(error) => failure_of(&GraphReply::Error(error.clone()), Some(now)),
            Self::Login { error_type, .. } => {
                Failure::new(FailureClass::NeedsReconnect, Reason::TokenInvalid, "instagram refuses the token")
                    .with_rule(error_type.clone())
                    .with_remedy("connect the account again")
            }
        }
    }
}

/// Reads `access_token` and `expires_in`.
pub(crate) fn long_lived(value: Value, now: DateTime<Utc>) -> Result<LongLived, AccountError> {
    let answer: TokenAnswer = shaped(value).ok_or_else(unexpected)?;
    let expires_at = waits::life(answer.expires_in).map(|life| now + life);
    Ok(LongLived { token: answer.access_token.into(), expires_at })
}

/// A `GET` with everything in the query, as Meta's token endpoints take it.
pub(crate) fn get(client: &reqwest::Client, base: &url::Url, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
    let mut url = base.clone();
    url.set_path(path);
    client.request(Method::GET, url).query(fields)
}

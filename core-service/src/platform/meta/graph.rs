//! Meta's Graph API: the envelope in which every product of it answers, and the error codes that mean the same
//! everywhere. Shared by Instagram and Facebook; product codes stand with the product.
//!
//! Guaranteed: an answer is judged by `code` and `error_subcode`, never by the HTTP status alone. Meta's own `message`
//! never leaves this file: some of them repeat the access token. What is shown is our sentence for the code, or
//! `error_user_msg`, which Meta writes for people.
//!
//! Codes: <https://developers.facebook.com/docs/graph-api/guides/error-handling>, read 22 November 2026.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        ledger::Evidence,
    },
    platform::{waits, wire::Exchange},
    secret::Secret,
};

/// Longest sentence of Meta's that is shown, characters.
const MAX_USER_MESSAGE: usize = 300;

/// What a Graph call brought.
#[derive(Debug)]
pub(crate) enum GraphReply {
    /// A success status and a JSON body without an error.
    Value(Value),
    /// The error envelope.
    Error(Box<GraphError>),
    /// A complete answer that is neither: a proxy's page, a cut body. Holds the HTTP status.
    Unreadable(u16),
    /// Provably not sent.
    NotSent(String),
    /// Something may have left, and no complete answer came.
    NoAnswer(String),
}

impl GraphReply {
    /// Reads the answer of an exchange.
    pub(crate) fn read(exchange: Exchange) -> Self {
        let answer = match exchange {
            Exchange::Answered(answer) => answer,
            Exchange::NotSent(why) => return Self::NotSent(why),
            Exchange::NoAnswer(why) => return Self::NoAnswer(why),
        };
        let status = answer.status.as_u16();
        let Some(body) = answer.json::<Value>() else { return Self::Unreadable(status) };
        match GraphError::parse(status, &body, &answer.headers) {
            Some(error) => Self::Error(Box::new(error)),
            None if answer.status.is_success() => Self::Value(body),
            None => Self::Unreadable(status),
        }
    }

    /// For people: status and codes, never the body.
    pub(crate) fn evidence(&self) -> Evidence {
        match self {
            Self::Value(_) => Evidence::new().with("answer", "ok"),
            Self::Error(error) => error.evidence(),
            Self::Unreadable(status) => Evidence::new().with("answer", "unreadable").with("status", *status),
            Self::NotSent(why) => Evidence::new().with("answer", "not sent").with("network", why.as_str()),
            Self::NoAnswer(why) => Evidence::new().with("answer", "none").with("network", why.as_str()),
        }
    }
}

/// The error envelope, without Meta's message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GraphError {
    /// HTTP status.
    pub(crate) status: u16,
    /// Meta's code. Can be negative.
    pub(crate) code: i64,
    /// Meta's finer code.
    pub(crate) subcode: Option<i64>,
    /// `OAuthException`, `GraphMethodException`, `IGApiException`, ...
    pub(crate) kind: String,
    /// What Meta writes for people.
    pub(crate) user_message: Option<String>,
    /// Meta's id of the request, for its support.
    pub(crate) trace: Option<String>,
    /// It complains about `appsecret_proof`: our configuration. There is no code for it, so the message is searched.
    pub(crate) about_proof: bool,
    /// The app's id or secret is wrong: our configuration.
    pub(crate) about_app: bool,
    /// The message names the location rule, which has no number of its own.
    pub(crate) about_location: bool,
    /// The message names a Page's limit of Reels in a day, whose number is not documented.
    pub(crate) about_daily_limit: bool,
    /// How long the throttle lasts, by `X-Business-Use-Case-Usage`.
    pub(crate) regain_after: Option<TimeDelta>,
}

#[derive(Deserialize)]
struct Envelope {
    error: Body,
}

#[derive(Deserialize)]
struct Body {
    code: Option<i64>,
    error_subcode: Option<i64>,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
    error_user_msg: Option<String>,
    fbtrace_id: Option<String>,
}

impl GraphError {
    fn parse(status: u16, body: &Value, headers: &HeaderMap) -> Option<Self> {
        let Envelope { error } = Envelope::deserialize(body).ok()?;
        Some(Self {
            status,
            code: error.code?,
            subcode: error.error_subcode,
            kind: error.kind,
            about_proof: error.message.contains("appsecret_proof"),
            about_app: error.code == Some(101) || error.message.contains("client secret"),
            about_location: error.message.contains("INVALID_LOCATION_ID"),
            about_daily_limit: error.message.contains("24 hours") && error.message.contains("Reels"),
            user_message: error
                .error_user_msg
                .filter(|text| !text.trim().is_empty())
                .map(|text| text.chars().take(MAX_USER_MESSAGE).collect()),
            trace: error.fbtrace_id,
            regain_after: regain_after(headers),
        })
    }

    /// "9004/2207052", or the code alone.
    pub(crate) fn rule(&self) -> String {
        match self.subcode {
            Some(subcode) => format!("{}/{subcode}", self.code),
            None => self.code.to_string(),
        }
    }

    /// Status, codes and trace.
    pub(crate) fn evidence(&self) -> Evidence {
        let mut evidence = Evidence::new().with("status", self.status).with("code", self.code);
        if let Some(subcode) = self.subcode {
            evidence = evidence.with("subcode", subcode);
        }
        if !self.kind.is_empty() {
            evidence = evidence.with("type", self.kind.as_str());
        }
        if let Some(trace) = &self.trace {
            evidence = evidence.with("fbtrace_id", trace.as_str());
        }
        evidence
    }

    /// What the general table says about it.
    pub(crate) fn general(&self) -> General {
        match (self.code, self.subcode) {
            (100, _) if self.about_proof => General::AppSecretProof,
            (1 | 2, _) => General::Down,
            (3, _) => General::NoCapability,
            (4 | 17 | 32 | 341 | 613 | 80001 | 80002, _) => General::Throttled,
            (10 | 200..=299, _) => General::PermissionMissing,
            (100, Some(33)) => General::ObjectMissing,
            (100, None) => General::BadParameter,
            (102, _) => General::Token(TokenFault::Invalid),
            (190, subcode) => General::Token(TokenFault::of(subcode)),
            (368, _) => General::Blocked,
            (506, _) => General::Duplicate,
            _ => General::Unlisted,
        }
    }

    /// The failure that the general table makes of it; `None` for a code that it does not list.
    ///
    /// `token_fits_host` is false when a token of one login was sent to the other's host: then "cannot parse access
    /// token" says nothing about the login. Without `now` no time to wait for is named.
    pub(crate) fn failure(&self, token_fits_host: bool, now: Option<DateTime<Utc>>) -> Option<Failure> {
        let in_a_while = |wait: TimeDelta| now.map(|now| now + wait);
        let (class, reason, message, remedy) = match self.general() {
            General::AppSecretProof => (
                FailureClass::Permanent,
                Reason::PlatformRefused,
                "meta refuses the app secret proof of this core",
                "compare INSTAGRAM_APP_SECRET or FACEBOOK_APP_SECRET with the app's settings at Meta; the account need not be connected again",
            ),
            General::Down => (
                FailureClass::Transient,
                Reason::PlatformUnavailable,
                "meta answered with an error of its own",
                "nothing to do, it is tried again",
            ),
            General::NoCapability => (
                FailureClass::Permanent,
                Reason::PlatformRefused,
                "the app may not make this call",
                "give the app the capability, or Advanced Access, in Meta's app dashboard",
            ),
            General::Throttled => (
                FailureClass::RateLimited { until: self.regain_after.and_then(in_a_while) },
                Reason::RateLimitExceeded,
                "meta limits the rate of calls",
                "nothing to do, it goes on by itself",
            ),
            General::PermissionMissing => (
                FailureClass::NeedsReconnect,
                Reason::ScopeMissing,
                "a permission is missing or was withdrawn",
                "connect the account again and allow everything that is asked for",
            ),
            General::ObjectMissing => (
                FailureClass::Transient,
                Reason::PlatformUnavailable,
                "meta does not show the object at the moment",
                "nothing to do, it is read again",
            ),
            General::BadParameter => (
                FailureClass::InvalidRequest,
                Reason::PlatformRefused,
                "meta refuses a parameter of the request",
                "check the post's options",
            ),
            General::Token(_) if !token_fits_host => (
                FailureClass::Permanent,
                Reason::PlatformRefused,
                "the token belongs to the other login of this platform and was sent to the wrong host",
                "check META_GRAPH_BASE_URL and INSTAGRAM_GRAPH_BASE_URL; the account need not be connected again",
            ),
            General::Token(fault) => fault.failure(),
            General::Blocked => (
                FailureClass::RateLimited { until: in_a_while(self.regain_after.unwrap_or(BLOCKED_PAUSE)) },
                Reason::AccountRestricted,
                "meta blocks the account for a while for a policy reason",
                "look at the account's status in the app; it is tried again later",
            ),
            General::Duplicate => (
                FailureClass::InvalidRequest,
                Reason::DuplicatePost,
                "meta has this post already",
                "look at the account; change the caption to post again on purpose",
            ),
            General::Unlisted => return None,
        };
        Some(self.dress(Failure::new(class, reason, message).with_remedy(remedy)))
    }

    /// The failure with this error's codes, and with Meta's words for people where there are any.
    pub(crate) fn dress(&self, mut failure: Failure) -> Failure {
        if let Some(text) = &self.user_message {
            failure.message = format!("{}: {text}", failure.message);
        }
        failure.with_rule(self.rule())
    }
}

/// How long a policy block is left alone when Meta names no time.
const BLOCKED_PAUSE: TimeDelta = TimeDelta::hours(1);

/// What a general code means (§7.2 of the sheet).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum General {
    /// 1, 2: Meta's own trouble.
    Down,
    /// 3: the app may not do it.
    NoCapability,
    /// 4, 17, 32, 341, 613, 80001, 80002.
    Throttled,
    /// 10, 200 to 299.
    PermissionMissing,
    /// 100 without a subcode.
    BadParameter,
    /// 100 about `appsecret_proof`: configuration.
    AppSecretProof,
    /// 100/33: missing, not visible, or not supported. Proves nothing about an object of our own.
    ObjectMissing,
    /// 102, 190.
    Token(TokenFault),
    /// 368.
    Blocked,
    /// 506.
    Duplicate,
    /// Not in the table.
    Unlisted,
}

/// What is wrong with a token (§7.3 of the sheet).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// No subcode, or one that is not listed.
    Invalid,
    /// 458.
    AppRemoved,
    /// 459.
    Checkpointed,
    /// 460.
    PasswordChanged,
    /// 463.
    Expired,
    /// 464.
    Unconfirmed,
    /// 467.
    LoggedOut,
    /// 492.
    RoleLost,
}

impl TokenFault {
    fn of(subcode: Option<i64>) -> Self {
        match subcode {
            Some(458) => Self::AppRemoved,
            Some(459) => Self::Checkpointed,
            Some(460) => Self::PasswordChanged,
            Some(463) => Self::Expired,
            Some(464) => Self::Unconfirmed,
            Some(467) => Self::LoggedOut,
            Some(492) => Self::RoleLost,
            Some(_) | None => Self::Invalid,
        }
    }

    /// Whether getting new tokens could help: another replica may have refreshed meanwhile, and a Page token can be
    /// derived anew from the user token. A refresh that is refused says then that it cannot.
    fn failure(self) -> (FailureClass, Reason, &'static str, &'static str) {
        const CONNECT: &str = "connect the account again";
        const CLEAR: &str = "log in at facebook.com and follow what it asks; the account need not be connected again";
        match self {
            Self::Invalid => (FailureClass::AuthExpired, Reason::TokenInvalid, "meta refuses the token", CONNECT),
            Self::Expired => (FailureClass::AuthExpired, Reason::TokenInvalid, "the token has expired", CONNECT),
            Self::LoggedOut => {
                (FailureClass::AuthExpired, Reason::TokenInvalid, "the session behind the token has ended", CONNECT)
            }
            Self::AppRemoved => (
                FailureClass::NeedsReconnect,
                Reason::AccountNeedsReconnect,
                "the app was removed from the account",
                CONNECT,
            ),
            Self::PasswordChanged => (
                FailureClass::NeedsReconnect,
                Reason::AccountNeedsReconnect,
                "the password was changed, which ended the login",
                CONNECT,
            ),
            Self::RoleLost => (
                FailureClass::NeedsReconnect,
                Reason::AccountNeedsReconnect,
                "the person who connected the account has no role on the page any more",
                "let someone with a role on the page connect the account",
            ),
            Self::Checkpointed => {
                (FailureClass::Permanent, Reason::AccountRestricted, "meta asks the owner to confirm the login", CLEAR)
            }
            Self::Unconfirmed => {
                (FailureClass::Permanent, Reason::AccountRestricted, "the owner's account is not confirmed", CLEAR)
            }
        }
    }
}

/// The longest `estimated_time_to_regain_access` of `X-Business-Use-Case-Usage`, given in minutes.
fn regain_after(headers: &HeaderMap) -> Option<TimeDelta> {
    let usage: Value = serde_json::from_slice(headers.get("x-business-use-case-usage")?.as_bytes()).ok()?;
    let minutes = usage
        .as_object()?
        .values()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|usage| usage.get("estimated_time_to_regain_access")?.as_f64())
        .fold(0.0, f64::max);
    waits::wait(minutes * 60.0)
}

/// `appsecret_proof`: lower-case hex of HMAC-SHA256 over the token, keyed with the app secret.
/// <https://developers.facebook.com/docs/graph-api/guides/secure-requests>
pub(crate) fn appsecret_proof(app_secret: &Secret, token: &Secret) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(app_secret.expose().as_bytes()).expect("hmac takes keys of any length");
    mac.update(token.expose().as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Whether a value is Graph's way of saying yes.
pub(crate) fn is_success(value: &Value) -> bool {
    value == &Value::Bool(true) || value["success"] == true
}

/// A time as Graph writes it: `2026-09-28T17:05:11+0000`, without the colon that RFC 3339 demands. A year that no post
/// was made in is no time: nothing that is reckoned with it may overflow.
pub(crate) fn graph_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()
        .map(|at| at.with_timezone(&Utc))
        .filter(|at| (1970..=9999).contains(&at.year()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::wire::Answer;
    use serde_json::json;

    fn error(code: i64, subcode: Option<i64>) -> GraphError {
        let body = json!({"error": {"message": "m", "type": "OAuthException", "code": code, "error_subcode": subcode}});
        GraphError::parse(400, &body, &HeaderMap::new()).unwrap()
    }

    /// The whole of §7.2 and §7.3, written out.
    #[test]
    fn every_general_code_is_classed_as_the_sheet_says() {
        use General as G;
        use TokenFault as T;
        let table = [
            (1, None, G::Down),
            (2, None, G::Down),
            (3, None, G::NoCapability),
            (4, None, G::Throttled),
            (17, None, G::Throttled),
            (32, None, G::Throttled),
            (341, None, G::Throttled),
            (613, None, G::Throttled),
            (80001, None, G::Throttled),
            (80002, None, G::Throttled),
            (10, None, G::PermissionMissing),
            (200, None, G::PermissionMissing),
            (250, None, G::PermissionMissing),
            (299, None, G::PermissionMissing),
            (300, None, G::Unlisted),
            (100, None, G::BadParameter),
            (100, Some(33), G::ObjectMissing),
            (100, Some(7), G::Unlisted),
            (102, None, G::Token(T::Invalid)),
            (190, None, G::Token(T::Invalid)),
            (190, Some(458), G::Token(T::AppRemoved)),
            (190, Some(459), G::Token(T::Checkpointed)),
            (190, Some(460), G::Token(T::PasswordChanged)),
            (190, Some(463), G::Token(T::Expired)),
            (190, Some(464), G::Token(T::Unconfirmed)),
            (190, Some(467), G::Token(T::LoggedOut)),
            (190, Some(492), G::Token(T::RoleLost)),
            (190, Some(999), G::Token(T::Invalid)),
            (368, None, G::Blocked),
            (506, None, G::Duplicate),
            (-3, None, G::Unlisted),
            (4711, None, G::Unlisted),
        ];
        for (code, subcode, expected) in table {
            assert_eq!(error(code, subcode).general(), expected, "{code}/{subcode:?}");
        }
    }

    #[test]
    fn only_some_token_faults_ask_for_a_new_connection() {
        let class = |subcode, fits| error(190, subcode).failure(fits, Some(DateTime::UNIX_EPOCH)).unwrap().class;
        for subcode in [None, Some(463), Some(467)] {
            assert_eq!(class(subcode, true), FailureClass::AuthExpired);
        }
        for subcode in [458, 460, 492] {
            assert_eq!(class(Some(subcode), true), FailureClass::NeedsReconnect);
        }
        for subcode in [459, 464] {
            assert_eq!(class(Some(subcode), true), FailureClass::Permanent);
        }
        assert_eq!(class(None, false), FailureClass::Permanent, "wrong host is not a dead login");
    }

    #[test]
    fn a_wrong_proof_is_our_configuration() {
        for message in [
            "Invalid appsecret_proof provided in the API argument",
            "API calls from the server require an appsecret_proof argument",
        ] {
            let body = json!({"error": {"message": message, "type": "GraphMethodException", "code": 100}});
            let error = GraphError::parse(400, &body, &HeaderMap::new()).unwrap();
            assert_eq!(error.failure(true, Some(DateTime::UNIX_EPOCH)).unwrap().class, FailureClass::Permanent);
        }
    }

    #[test]
    fn metas_message_is_never_shown() {
        let body = json!({"error": {"message": "Malformed access token EAAGsecret", "type": "OAuthException",
            "code": 190, "fbtrace_id": "Atrace", "error_user_msg": "Please log in."}});
        let error = GraphError::parse(400, &body, &HeaderMap::new()).unwrap();
        let shown = format!("{:?} {:?}", error.evidence(), error.failure(true, Some(DateTime::UNIX_EPOCH)));
        assert!(!shown.contains("EAAGsecret"), "{shown}");
        assert!(shown.contains("Atrace") && shown.contains("Please log in."), "{shown}");
    }

    #[test]
    fn the_time_to_regain_access_is_in_minutes() {
        let mut headers = HeaderMap::new();
        let usage = r#"{"1789":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":17},
            {"type":"pages","call_count":3,"estimated_time_to_regain_access":0}]}"#;
        headers.insert("x-business-use-case-usage", usage.replace('\n', "").parse().unwrap());
        let body = json!({"error": {"code": 80002, "type": "OAuthException", "message": ""}});
        let error = GraphError::parse(400, &body, &headers).unwrap();
        let until = DateTime::UNIX_EPOCH + TimeDelta::minutes(17);
        let failure = error.failure(true, Some(DateTime::UNIX_EPOCH)).unwrap();
        assert_eq!(failure.class, FailureClass::RateLimited { until: Some(until) });
    }

    #[test]
    fn an_absurd_time_to_regain_access_is_bounded() {
        let until = |minutes: &str| {
            let mut headers = HeaderMap::new();
            let usage = format!(r#"{{"1789":[{{"estimated_time_to_regain_access":{minutes}}}]}}"#);
            headers.insert("x-business-use-case-usage", usage.parse().unwrap());
            let body = json!({"error": {"code": 4, "type": "OAuthException", "message": ""}});
            let error = GraphError::parse(400, &body, &headers).unwrap();
            error.failure(true, Some(DateTime::UNIX_EPOCH)).unwrap().class
        };
        let limited = |wait: TimeDelta| FailureClass::RateLimited { until: Some(DateTime::UNIX_EPOCH + wait) };
        for huge in ["9223372036854775807", "18446744073709551615", "1e300", "20000"] {
            assert_eq!(until(huge), limited(waits::LONGEST_WAIT), "{huge}");
        }
        assert_eq!(until("1.5"), limited(TimeDelta::seconds(90)));
        for nothing in ["-9223372036854775808", "0", "null", "\"soon\""] {
            assert_eq!(until(nothing), FailureClass::RateLimited { until: None }, "{nothing}");
        }
    }

    #[test]
    fn answers_are_told_apart() {
        let reply = |status: u16, body: &str| {
            GraphReply::read(Exchange::Answered(Answer {
                status: status.try_into().unwrap(),
                headers: HeaderMap::new(),
                body: body.as_bytes().to_vec(),
            }))
        };
        assert!(matches!(reply(200, r#"{"id":"1"}"#), GraphReply::Value(_)));
        assert!(matches!(reply(200, "true"), GraphReply::Value(Value::Bool(true))));
        assert!(matches!(reply(200, r#"{"id":"#), GraphReply::Unreadable(200)));
        assert!(matches!(reply(502, "<html>"), GraphReply::Unreadable(502)));
        assert!(matches!(reply(500, "{}"), GraphReply::Unreadable(500)));
        assert!(matches!(reply(200, r#"{"error":{"code":-1,"error_subcode":2207001}}"#), GraphReply::Error(_)));
        assert!(matches!(reply(200, r#"{"error":"odd"}"#), GraphReply::Value(_)));
    }

    #[test]
    fn times_have_no_colon_in_their_offset() {
        let at = graph_time("2026-09-28T17:05:11+0000").unwrap();
        assert_eq!(at.to_rfc3339(), "2026-09-28T17:05:11+00:00");
        assert_eq!(graph_time("2026-09-28T19:05:11+0200"), Some(at));
        assert_eq!(graph_time("2026-09-28T17:05:11+00:00"), Some(at));
        assert_eq!(graph_time("yesterday"), None);
        assert_eq!(graph_time("+262142-12-31T23:59:59+0000"), None, "sums with it would overflow");
    }

    /// Vector: `printf %s token | openssl dgst -sha256 -hmac secret`.
    #[test]
    fn the_proof_is_the_hmac_of_the_token() {
        assert_eq!(
            appsecret_proof(&Secret::new("secret"), &Secret::new("token")),
            "e941110e3d2bfe82621f0e3e1434730d7305d106c5f68c87165d0b27a4611a4a"
        );
    }
}

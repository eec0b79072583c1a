//! JWTs of other systems: HS256 as the common WordPress plugin signs them, Ed25519 as AuraReels' own plugin does.
//!
//! Guaranteed: the algorithm is the key's own, whatever the token says (`none` has no key); `exp` and `iss` are always
//! demanded, `nbf` is kept, with 30 seconds for clocks that differ; an Ed25519 token must name the audience
//! [`AUDIENCE`], and may narrow itself by `scope`. The time is the core's clock. Source of the token's shape:
//! <https://wordpress.org/plugins/jwt-authentication-for-wp-rest-api/>.

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use serde_json::Value;

use super::{Denied, user_number};
use crate::{config, domain::ids::UserId};

/// The audience that Ed25519 tokens must name.
pub(crate) const AUDIENCE: &str = "aurareels-core";

/// From here on numbers have no place in 64 bits: 2^63.
const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;

/// Times beyond this, the end of the year 9999, are slips such as milliseconds or nanoseconds in place of seconds.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// How far clocks may differ, in seconds.
const LEEWAY: i64 = 30;

/// For whom a token speaks, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// A user, who may read and publish.
    User(UserId),
    /// A user, who may only read.
    Reader(UserId),
    /// The site that issues the tokens, for its internal routes: see [`super::scopes::INTERNAL`].
    Site,
}

/// Checks tokens. Without keys it refuses all.
pub(crate) struct Jwt {
    hs256: Option<DecodingKey>,
    ed25519: Vec<DecodingKey>,
    issuer: Option<String>,
}

impl Jwt {
    /// A checker for the keys of the settings. Fails when the public key is none.
    pub(crate) fn new(settings: &config::Auth) -> Result<Self, jsonwebtoken::errors::Error> {
        Ok(Self {
            hs256: settings.jwt_secret.as_ref().map(|secret| DecodingKey::from_secret(secret.expose().as_bytes())),
            ed25519: settings
                .jwt_public_keys
                .iter()
                .map(|pem| DecodingKey::from_ed_pem(pem.as_bytes()))
                .collect::<Result<_, _>>()?,
            issuer: settings.jwt_issuer.clone(),
        })
    }

    /// For whom a valid token speaks.
    pub(crate) fn speaker(&self, token: &str, now: DateTime<Utc>) -> Result<Speaker, Denied> {
        let (claims, algorithm) = self.verified(token)?;
        self.check_issuer(&claims)?;
        check_times(&claims, now.timestamp())?;
        // Only our own plugin's tokens have a scope; others may use the name for something else.
        let scope = claims.get("scope").filter(|scope| algorithm == Algorithm::EdDSA && !scope.is_null());
        let reads_only = match scope.map(|scope| scope.as_str().unwrap_or_default()) {
            None | Some("publish") => false,
            Some("read") => true,
            Some("internal") => return Ok(Speaker::Site),
            Some(_) => {
                return Err(refused("the token's `scope` is unknown to this core", "use read, publish or internal"));
            }
        };
        let id = claims.pointer("/data/user/id");
        if let Some(Value::Number(number)) = id
            && number.as_f64().is_some_and(|number| number >= TOO_LARGE)
        {
            return Err(refused(
                "data.user.id of the token is larger than any user's number",
                "issue tokens with the user's number there",
            ));
        }
        let user = match id {
            Some(Value::String(text)) => user_number(text),
            Some(Value::Number(number)) => number.as_i64().filter(|id| *id > 0).map(UserId),
            _ => None,
        };
        let user = user.ok_or_else(|| {
            refused("the token names no user in data.user.id", "issue tokens with the user's number there")
        })?;
        Ok(if reads_only { Speaker::Reader(user) } else { Speaker::User(user) })
    }

    /// The claims and the algorithm of a token whose signature, algorithm and audience are right.
    fn verified(&self, token: &str) -> Result<(Value, Algorithm), Denied> {
        const KEY: &str = "send an API key (`ar_...`) or a JWT; `aurareels api-key create` makes a key";
        let header =
            decode_header(token).map_err(|_| refused("the credential is neither an API key nor a JWT", KEY))?;
        let (keys, setting) = match header.alg {
            Algorithm::HS256 => (self.hs256.as_slice(), "AURAREELS_JWT_SECRET"),
            Algorithm::EdDSA => (self.ed25519.as_slice(), "AURAREELS_JWT_PUBLIC_KEY"),
            other => {
                let message = format!("tokens signed with {other:?} are not taken");
                return Err(refused(message, "sign with HS256 or EdDSA"));
            }
        };
        let Some((last, others)) = keys.split_last() else {
            let message = format!("this core takes no {:?} tokens: {setting} is not set", header.alg);
            return Err(refused(message, "use an API key, or set that key at the core"));
        };
        let mut validation = Validation::new(header.alg);
        // Times and issuer are checked against the core's own clock and with messages of our own.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        match header.alg {
            Algorithm::EdDSA => {
                validation.set_audience(&[AUDIENCE]);
                validation.required_spec_claims.insert("aud".to_owned());
            }
            // The WordPress plugin's tokens have no audience.
            _ => validation.validate_aud = false,
        }
        // When no key fits, the last one's refusal is answered.
        let by_another = others.iter().find_map(|key| match decode::<Value>(token, key, &validation) {
            Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => None,
            decided => Some(decided),
        });
        let data =
            by_another.unwrap_or_else(|| decode::<Value>(token, last, &validation)).map_err(|error| {
                match error.kind() {
                    ErrorKind::InvalidAudience | ErrorKind::MissingRequiredClaim(_) => {
                        refused("the token is not meant for this core", "issue it with the audience aurareels-core")
                    }
                    ErrorKind::InvalidSignature => {
                        refused("the token's signature is wrong", "sign it with the key that the core was given")
                    }
                    ErrorKind::Json(problem) => refused(
                        format!("the token's claims cannot be read: {problem}"),
                        "issue tokens with claims in JSON",
                    ),
                    _ => refused("the token is malformed", KEY),
                }
            })?;
        Ok((data.claims, header.alg))
    }

    fn check_issuer(&self, claims: &Value) -> Result<(), Denied> {
        let issuer = claims.get("iss").and_then(Value::as_str);
        if issuer.is_some() && issuer == self.issuer.as_deref() {
            return Ok(());
        }
        let message = match issuer {
            Some(_) => "the token's issuer is not the one this core takes tokens from",
            None => "the token names no issuer (`iss`)",
        };
        Err(refused(message, "`iss` must equal AURAREELS_JWT_ISSUER to the letter, a slash at the end included"))
    }
}

fn check_times(claims: &Value, now: i64) -> Result<(), Denied> {
    match time(claims, "exp")? {
        None => return Err(refused("the token has no end (`exp`)", "issue tokens that expire")),
        Some(exp) if exp.saturating_add(LEEWAY) <= now => {
            return Err(refused(
                format!("the token expired {} s ago", now.saturating_sub(exp)),
                "log in again, or get a fresh token",
            ));
        }
        Some(_) => {}
    }
    match (claims.get("nbf"), time(claims, "nbf")?) {
        (None, _) => Ok(()),
        (Some(_), Some(nbf)) if nbf.saturating_sub(LEEWAY) <= now => Ok(()),
        (Some(_), _) => Err(refused("the token is not valid yet (`nbf`)", "check the clocks of issuer and core")),
    }
}

/// A time of the token, in seconds since 1970.
fn time(claims: &Value, name: &str) -> Result<Option<i64>, Denied> {
    match claims.get(name).and_then(Value::as_f64) {
        Some(seconds) if !(0.0..=LAST_SECOND).contains(&seconds) => Err(refused(
            format!("`{name}` of the token is {seconds:e}, which is no time in seconds since 1970"),
            "issue tokens with seconds, not milliseconds",
        )),
        seconds => Ok(seconds.map(|seconds| seconds as i64)),
    }
}

fn refused(message: impl Into<String>, remedy: &'static str) -> Denied {
    Denied::unauthenticated(message, remedy)
}

//! Tokens, the grants behind them, and how both end.
//!
//! A grant is what one person (Facebook Login) or one account (Instagram Login) gave the app. All tokens derive from
//! it: a user token, the Page tokens made from that, an Instagram token. Each carries the grant's generation, so
//! ending a grant ends all of them at once, without touching them, and a new login does not revive the old ones.
//!
//! <https://developers.facebook.com/documentation/facebook-login/guides/access-tokens>

use std::collections::HashSet;

use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::Flavour;
use super::error::{GraphError, METHOD};
use super::scope::Scopes;
use super::world::{Id, World};
use crate::random::Random;

/// Who granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// A Facebook user, to the Facebook app.
    Person(Id),
    /// An Instagram account, to the Instagram Login app.
    Account(Id),
}

/// What was granted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grant {
    /// Rises whenever the tokens of before are to stay dead.
    pub(crate) generation: u32,
    /// Granted permissions; empty when the app was removed.
    pub(crate) granted: Scopes,
    /// Permissions that were asked for and unticked.
    pub(crate) declined: Scopes,
    /// Pages left ticked in the dialog; `None` = all.
    pub(crate) pages: Option<HashSet<Id>>,
    /// Subcode that tokens of earlier generations answer.
    pub(crate) ended_with: i64,
    /// Subcode of a block that the person can lift at facebook.com (459, 464): the tokens live on.
    pub(crate) blocked: Option<i64>,
    /// Whether there is an app authorisation at all.
    pub(crate) active: bool,
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A Facebook user.
    User,
    /// A Page, as this person.
    Page(Id),
    /// An Instagram account by Instagram Login.
    Instagram,
}

/// One token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) subject: Subject,
    pub(crate) generation: u32,
    pub(crate) issued_at: i64,
    /// In ms; `None` never expires.
    pub(crate) expires_at: Option<i64>,
    pub(crate) long_lived: bool,
    /// This token alone is dead, with this subcode.
    pub(crate) dead: Option<i64>,
}

/// One authorization code.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) flavour: Flavour,
    pub(crate) subject: Subject,
    pub(crate) generation: u32,
    pub(crate) redirect_uri: String,
    pub(crate) expires_at: i64,
    pub(crate) used: bool,
}

/// A checked token.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) token: String,
    pub(crate) kind: TokenKind,
    pub(crate) subject: Subject,
    pub(crate) scopes: Scopes,
}

impl Session {
    /// Refuses when the permission is missing.
    pub(crate) fn need(&self, scope: &str) -> Result<(), GraphError> {
        if self.scopes.has(scope) { Ok(()) } else { Err(GraphError::permission(scope)) }
    }

    /// Facebook or Instagram Login.
    pub(crate) fn flavour(&self) -> Flavour {
        match self.subject {
            Subject::Person(_) => Flavour::Facebook,
            Subject::Account(_) => Flavour::Instagram,
        }
    }
}

impl World {
    /// Makes a token of the subject's current grant.
    pub(crate) fn mint(
        &mut self,
        random: &Random,
        kind: TokenKind,
        subject: Subject,
        now: i64,
        life_s: Option<i64>,
        long: bool,
    ) -> String {
        let prefix = if kind == TokenKind::Instagram { "IGAA" } else { "EAA" };
        let text = format!("{prefix}{}", random.token(96));
        let generation = self.grants.get(&subject).map_or(0, |grant| grant.generation);
        let expires_at = life_s.map(|seconds| now + seconds * 1000);
        self.tokens.insert(
            text.clone(),
            Token { kind, subject, generation, issued_at: now, expires_at, long_lived: long, dead: None },
        );
        text
    }

    /// The Page token of a user token: one per Page, person, app and lifetime; without expiry from a long-lived one.
    pub(crate) fn page_token(&mut self, random: &Random, user: &Token, person: Id, page: Id, now: i64) -> String {
        let expires_at = if user.long_lived { None } else { user.expires_at };
        let key = (person, page, user.generation, expires_at);
        if let Some(text) = self.page_tokens.get(&key) {
            return text.clone();
        }
        let text = self.mint(random, TokenKind::Page(page), Subject::Person(person), now, None, user.long_lived);
        if let Some(token) = self.tokens.get_mut(&text) {
            token.expires_at = expires_at;
        }
        self.page_tokens.insert(key, text.clone());
        text
    }

    /// Notes a consent. Earlier permissions stay granted; a block is lifted by logging in.
    pub(crate) fn consent(&mut self, subject: Subject, granted: Scopes, declined: Scopes, pages: Option<HashSet<Id>>) {
        let grant = self.grants.entry(subject).or_default();
        grant.active = true;
        grant.blocked = None;
        grant.granted = grant.granted | granted;
        if matches!(subject, Subject::Person(_)) {
            grant.granted = grant.granted | Scopes::PUBLIC_PROFILE;
        }
        grant.declined = (grant.declined | declined).without(grant.granted);
        grant.pages = pages;
    }

    /// Ends all tokens of the subject, also the Page tokens. The permissions go only when the app itself was removed.
    pub(crate) fn end_sessions(&mut self, subject: Subject, subcode: i64) {
        let Some(grant) = self.grants.get_mut(&subject) else { return };
        if matches!(subcode, 459 | 464) {
            grant.blocked = Some(subcode);
            return;
        }
        grant.generation += 1;
        grant.ended_with = subcode;
        if subcode == 458 {
            grant.active = false;
            grant.granted = Scopes::default();
            grant.declined = Scopes::default();
            grant.pages = None;
        }
    }

    /// Why a token does not work, or nothing.
    pub(crate) fn token_error(&self, token: &Token, now: i64) -> Option<GraphError> {
        if let Some(subcode) = token.dead {
            return Some(GraphError::known(190, Some(subcode)));
        }
        let grant = self.grants.get(&token.subject);
        let current = grant.is_some_and(|grant| grant.active && grant.generation == token.generation);
        if !current {
            let subcode = grant.map_or(458, |grant| grant.ended_with);
            return Some(GraphError::known(190, Some(if subcode == 0 { 458 } else { subcode })));
        }
        if let Some(subcode) = grant.and_then(|grant| grant.blocked) {
            return Some(GraphError::known(190, Some(subcode)));
        }
        if let Some(expires_at) = token.expires_at.filter(|expires_at| *expires_at <= now) {
            let mut error = GraphError::known(190, Some(463));
            error.message = format!(
                "Error validating access token: Session has expired on {}. The current time is {}.",
                spoken(expires_at),
                spoken(now)
            );
            return Some(error);
        }
        if let (TokenKind::Page(page), Subject::Person(person)) = (token.kind, token.subject)
            && self.roles.get(&(person, page)).is_none_or(|role| role.lost)
        {
            return Some(GraphError::known(190, Some(492)));
        }
        None
    }

    /// Checks a token that came to a Graph host of this flavour.
    pub(crate) fn check(&self, flavour: Flavour, text: &str, now: i64) -> Result<Session, GraphError> {
        let token = self.tokens.get(text).ok_or_else(GraphError::cannot_parse_token)?;
        let of = match token.subject {
            Subject::Person(_) => Flavour::Facebook,
            Subject::Account(_) => Flavour::Instagram,
        };
        if of != flavour {
            return Err(GraphError::cannot_parse_token());
        }
        if let Some(error) = self.token_error(token, now) {
            return Err(error);
        }
        let scopes = self.grants.get(&token.subject).map(|grant| grant.granted).unwrap_or_default();
        Ok(Session { token: text.to_owned(), kind: token.kind, subject: token.subject, scopes })
    }

    /// `appsecret_proof`: lower-case hex of HMAC-SHA256 over the token, or over `token|time` with `appsecret_time`.
    ///
    /// <https://developers.facebook.com/docs/graph-api/guides/secure-requests>
    pub(crate) fn check_proof(
        &self,
        flavour: Flavour,
        token: &str,
        proof: Option<&str>,
        time: Option<&str>,
        now: i64,
    ) -> Result<(), GraphError> {
        let app = self.app(flavour);
        let Some(proof) = proof else {
            return if app.require_proof {
                Err(GraphError::new(100, "API calls from the server require an appsecret_proof argument").kind(METHOD))
            } else {
                Ok(())
            };
        };
        let message = match time {
            None => token.to_owned(),
            Some(time) => format!("{token}|{time}"),
        };
        let fresh = time.is_none_or(|time| time.parse::<i64>().is_ok_and(|time| (now / 1000 - time).abs() <= 300));
        let right = hmac_hex(&app.secret, &message);
        if fresh && bool::from(right.as_bytes().ct_eq(proof.as_bytes())) {
            Ok(())
        } else {
            Err(GraphError::new(100, "Invalid appsecret_proof provided in the API argument").kind(METHOD))
        }
    }
}

/// Lower-case hex of HMAC-SHA256.
pub(crate) fn hmac_hex(key: &str, message: &str) -> String {
    match Hmac::<Sha256>::new_from_slice(key.as_bytes()) {
        Ok(mut mac) => {
            mac.update(message.as_bytes());
            hex::encode(mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    }
}

fn spoken(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map_or_else(String::new, |time| time.format("%A, %d-%b-%y %H:%M:%S UTC").to_string())
}

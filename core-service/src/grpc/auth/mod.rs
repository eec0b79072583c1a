//! Who calls, and whether they may: established for every RPC of `aurareels.v1` before its handler runs.
//!
//! Guaranteed: an RPC that is not in [`scopes::RPCS`] is never reached; a handler finds the [`Caller`] in the request's
//! extensions or was not called. `authorization: Bearer` carries an API key (`ar_...`) or a JWT. A JWT may read and
//! publish for its own user, never administer; a JWT of the site itself reaches [`scopes::INTERNAL`] alone, for any user.
//! Without that header a session of the dashboard may say who calls ([`session`]): it reads and publishes for its own user,
//! like a JWT.
//! Health and reflection need no key: they tell nothing about users.
//!
//! Expected failures: [`Denied`], as statuses that say what to do.

pub(crate) mod jwt;
pub(crate) mod layer;
pub(super) mod limits;
pub(crate) mod scopes;
pub(crate) mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::HeaderMap;

use self::{
    jwt::{Jwt, Speaker},
    scopes::Rpc,
    session::Cookies,
};
use crate::{
    app::{
        self, Caller,
        api_keys::{ApiKeys, Scope},
        dashboard::Dashboard,
    },
    clock::Clock,
    domain::ids::UserId,
};

/// The header in which a key for any user names the user.
pub(crate) const USER_HEADER: &str = "x-aurareels-user-id";

/// Longest `authorization` value that is looked at.
const MAX_CREDENTIAL: usize = 8 * 1024;

/// Why a call is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Denied {
    /// No credential, or none that works.
    #[error("{message}")]
    Unauthenticated {
        /// What is wrong with it.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The credential works, but not for this.
    #[error("{message}")]
    Forbidden {
        /// Why not.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A header is missing or malformed.
    #[error("{message}")]
    Header {
        /// What is wrong with it.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The store could not be asked.
    #[error(transparent)]
    App(#[from] app::Error),
}

impl Denied {
    fn unauthenticated(message: impl Into<String>, remedy: &'static str) -> Self {
        Self::Unauthenticated { message: message.into(), remedy }
    }
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A user.
    User(Caller),
    /// The WordPress site itself, for whichever user owns what it names.
    Site,
}

/// What a call was made with: limits and the audit log go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Principal {
    /// An API key, by its number.
    ApiKey(i64),
    /// Tokens of a user.
    Token(UserId),
    /// Tokens of the WordPress site itself.
    Site,
    /// A session of the dashboard, by its number.
    Session(i64),
}

/// Who calls, with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Who.
    pub(crate) who: Who,
    /// With what.
    pub(crate) principal: Principal,
}

impl Identity {
    fn user(user: UserId, principal: Principal) -> Self {
        Self { who: Who::User(Caller { user }), principal }
    }
}

/// Checks credentials.
#[derive(Clone)]
pub(crate) struct Authenticator {
    keys: Arc<ApiKeys>,
    dashboard: Arc<Dashboard>,
    cookies: Cookies,
    jwt: Arc<Jwt>,
    clock: Clock,
}

/// Why it is asked who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A call begins: a session counts as used by it.
    Begins,
    /// A stream goes on: a page that is left open keeps no session alive.
    GoesOn,
}

impl Authenticator {
    pub(crate) fn new(keys: Arc<ApiKeys>, dashboard: Arc<Dashboard>, cookies: Cookies, jwt: Jwt, clock: Clock) -> Self {
        Self { keys, dashboard, cookies, jwt: Arc::new(jwt), clock }
    }

    /// Who makes a request to this RPC.
    pub(crate) async fn caller(&self, headers: &HeaderMap, rpc: &Rpc, asked: Asked) -> Result<Identity, Denied> {
        if let Some(secret) = self.cookies.credential(headers)? {
            return self.of_session(secret, named_user(headers)?, rpc.scope, asked).await;
        }
        let credential = bearer(headers)?;
        let named = named_user(headers)?;
        if credential.starts_with(app::api_keys::PREFIX) {
            return self.of_key(credential, named, rpc.scope).await;
        }
        self.of_token(credential, named, rpc)
    }

    /// Whether a caller is the operator: by an API key for any user that may administer.
    pub(crate) async fn is_operator(&self, headers: &HeaderMap) -> Result<bool, Denied> {
        // A browser's session has none.
        let Some(credential) = bearer(headers).ok().filter(|text| text.starts_with(app::api_keys::PREFIX)) else {
            return Ok(false);
        };
        let key = self.keys.find(credential).await?;
        Ok(key.is_some_and(|key| key.user.is_none() && key.scopes.contains(&Scope::Admin)))
    }

    async fn of_key(&self, text: &str, named: Option<UserId>, scope: Scope) -> Result<Identity, Denied> {
        let Some(key) = self.keys.find(text).await? else {
            let remedy = "check the key for typing errors; `aurareels api-key list` shows the active ones, `aurareels api-key create` makes one";
            return Err(Denied::unauthenticated("the API key is unknown or was revoked", remedy));
        };
        if !key.scopes.contains(&scope) {
            return Err(Denied::Forbidden {
                message: format!("the API key `{}` lacks the scope `{scope}`", key.name),
                remedy: "use a key with that scope; `aurareels api-key create --scopes read,publish` makes one",
            });
        }
        let identity = |user| Ok(Identity::user(user, Principal::ApiKey(key.id)));
        match (key.user, named) {
            (Some(own), None) => identity(own),
            (Some(own), Some(named)) if own == named => identity(own),
            (Some(_), Some(named)) => Err(other_user("this API key", named)),
            (None, Some(named)) => identity(named),
            (None, None) => Err(Denied::Header {
                message: format!(
                    "this API key serves any user, so each call must name one in the header {USER_HEADER}"
                ),
                remedy: "send the header with the user's number, or use a key that is bound to a user",
            }),
        }
    }

    async fn of_session(
        &self,
        secret: &str,
        named: Option<UserId>,
        scope: Scope,
        asked: Asked,
    ) -> Result<Identity, Denied> {
        let found = match asked {
            Asked::Begins => self.dashboard.used(secret).await?,
            Asked::GoesOn => self.dashboard.find(secret).await?,
        };
        let Some(session) = found else {
            let remedy = "log in again with a new link; `aurareels dashboard-link --user N` makes one";
            return Err(Denied::unauthenticated("this session of the dashboard has ended", remedy));
        };
        if scope == Scope::Admin {
            return Err(Denied::Forbidden {
                message: "a session of the dashboard may read and publish, but not administer".to_owned(),
                remedy: "use an API key with the scope `admin`",
            });
        }
        match named {
            Some(named) if named != session.user => Err(other_user("this session of the dashboard", named)),
            _ => Ok(Identity::user(session.user, Principal::Session(session.id))),
        }
    }

    fn of_token(&self, token: &str, named: Option<UserId>, rpc: &Rpc) -> Result<Identity, Denied> {
        let forbidden = |message: &str, remedy| Err(Denied::Forbidden { message: message.to_owned(), remedy });
        let user = match (self.jwt.speaker(token, self.clock.now())?, rpc.scope) {
            (Speaker::Site, _) if !rpc.is_internal() => {
                let remedy = "sign a token for the user who asks";
                return forbidden("a token of the scope `internal` is not good for this RPC", remedy);
            }
            (Speaker::Site, _) => {
                let who = named.map_or(Who::Site, |user| Who::User(Caller { user }));
                return Ok(Identity { who, principal: Principal::Site });
            }
            (_, Scope::Admin) => {
                let remedy = "use an API key with the scope `admin`";
                return forbidden("a JWT may read and publish, but not administer", remedy);
            }
            (Speaker::Reader(_), Scope::Publish) => {
                return forbidden("this token may only read", "sign one of the scope `publish`");
            }
            (Speaker::User(user), Scope::Read | Scope::Publish) | (Speaker::Reader(user), Scope::Read) => user,
        };
        match named {
            Some(named) if named != user => Err(other_user("this token", named)),
            _ => Ok(Identity::user(user, Principal::Token(user))),
        }
    }
}

fn other_user(credential: &str, named: UserId) -> Denied {
    Denied::Forbidden {
        message: format!("{credential} does not act for user {named}"),
        remedy: "leave out the header x-aurareels-user-id, or use a key for any user",
    }
}

/// The credential of the one `authorization` header.
fn bearer(headers: &HeaderMap) -> Result<&str, Denied> {
    const REMEDY: &str =
        "send the header `authorization: Bearer <API key or JWT>`; `aurareels api-key create` makes a key";
    let mut values = headers.get_all(http::header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Denied::unauthenticated("no credential was sent", REMEDY));
    };
    if values.next().is_some() {
        return Err(Denied::unauthenticated("more than one authorization header was sent", REMEDY));
    }
    let text = value.to_str().ok().filter(|text| text.len() <= MAX_CREDENTIAL);
    let scheme_and_rest = text.and_then(|text| text.trim().split_once(' '));
    match scheme_and_rest {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") && !rest.trim().is_empty() => Ok(rest.trim()),
        _ => Err(Denied::unauthenticated("the authorization header is not `Bearer` with a key or token", REMEDY)),
    }
}

/// The user that the header names.
fn named_user(headers: &HeaderMap) -> Result<Option<UserId>, Denied> {
    let mut values = headers.get_all(USER_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let number = value.to_str().ok().and_then(user_number);
    match (number, values.next()) {
        (Some(user), None) => Ok(Some(user)),
        _ => Err(Denied::Header {
            message: format!("the header {USER_HEADER} must be one whole number above 0"),
            remedy: "send the number of the user, such as 1",
        }),
    }
}

/// A user's number as text: digits only, above 0.
fn user_number(text: &str) -> Option<UserId> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number: &i64| digits && *number > 0).map(UserId)
}

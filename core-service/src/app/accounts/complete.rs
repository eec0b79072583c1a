//! Connecting, second half: handling the platform's redirect.
//!
//! The order matters: the state is used up first, if it matches, so a replayed redirect does nothing; then the code is
//! exchanged; then everything that could refuse the login (identity, scopes) is checked; then it is stored as a whole.

use serde_json::{Value, json};
use tracing::info;

use super::{
    super::{Caller, Error, Result},
    Accounts, Connected,
    connect::{MAX_PARAMETER, browser_of, readable, state_mismatch},
    invalid, not_found, platform_error,
};
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        ids::UserId,
        platform::Platform,
    },
    platform::{AccountError, Identity, Round, Service, description::Login},
    secret::Secret,
    store::{
        accounts::NewIdentity,
        oauth_states::{Begun, Browser, Ender, OauthState},
    },
    tokens,
};

/// Who ends a login.
pub enum EndedBy {
    /// A client on behalf of a user, with the secret of the browser that began the login.
    Client {
        /// The user.
        caller: Caller,
        /// The secret, if there was one.
        browser_secret: Option<Secret>,
    },
    /// A browser at the core's callback page, by the secret of its cookie.
    Browser(Secret),
}

/// The scopes of `asked` that were not granted. A platform that does not report scopes counts as having granted all.
fn missing(asked: &[&str], granted: &[String]) -> Vec<String> {
    if granted.is_empty() {
        return Vec::new();
    }
    asked.iter().filter(|scope| !granted.iter().any(|have| have == *scope)).map(|scope| (*scope).to_owned()).collect()
}

/// The scope that the owner must grant, if publishing cannot work without it.
fn lacks_publishing(login: &Login, missing: &[String]) -> Option<&'static str> {
    let is_missing = |scope: &str| missing.iter().any(|missing| missing == scope);
    login.needed.iter().find_map(|group| {
        let wanted = group.iter().copied().filter(|scope| login.scopes.contains(scope));
        let mut wanted = wanted.peekable();
        let first = *wanted.peek()?;
        wanted.all(is_missing).then_some(first)
    })
}

impl Accounts {
    /// Finishes connecting with the redirect's parameters.
    pub async fn complete(&self, by: EndedBy, platform: Platform, code: &str, state: &str) -> Result<Connected> {
        if code.is_empty() || code.len() > MAX_PARAMETER {
            return Err(invalid(
                "code",
                "the redirect carries no authorization code".to_owned(),
                "start connecting again",
            ));
        }
        let begun = self.consume(by, platform, state).await?;
        // The code works once: from here on a caller who goes away must not stop it.
        let (accounts, code) = (self.clone(), code.to_owned());
        let task = self.tasks.spawn(async move { accounts.exchange(begun, &code).await });
        task.await.map_err(|error| Error::Internal(error.to_string()))?
    }

    /// The owner declined, or the platform refused: uses up the state. Returns the message to show.
    pub async fn deny(
        &self,
        by: EndedBy,
        platform: Platform,
        state: &str,
        error: &str,
        description: Option<&str>,
    ) -> Result<Failure> {
        self.consume(by, platform, state).await?;
        info!(%platform, error, "a login was refused");
        let name = platform.display_name();
        let told = description.filter(|text| !text.is_empty()).unwrap_or(error);
        Ok(match error {
            "access_denied" => Failure::new(
                FailureClass::NeedsReconnect,
                Reason::ConsentDenied,
                format!("the login at {name} was not allowed: {told}"),
            )
            .with_rule(error)
            .with_remedy("start connecting again and allow access"),
            _ => Failure::new(
                FailureClass::Permanent,
                Reason::PlatformRefused,
                format!("{name} refused the login: {told}"),
            )
            .with_rule(error)
            .with_remedy("start connecting again; if it stays so, check the app's settings at the platform"),
        })
    }

    async fn consume(&self, by: EndedBy, platform: Platform, state: &str) -> Result<Begun> {
        let ender = match by {
            EndedBy::Client { caller, browser_secret } => {
                Ender::Client(caller.user, browser_secret.as_ref().map(browser_of).transpose()?)
            }
            EndedBy::Browser(secret) => Ender::Page(Browser::with(secret.expose())),
        };
        let begun = self.store.consume_oauth_state(readable(state)?, platform, ender, self.clock.now()).await?;
        begun.ok_or_else(state_mismatch)
    }

    async fn exchange(&self, begun: Begun, code: &str) -> Result<Connected> {
        let Begun { state_row, verifier } = begun;
        let OauthState { wp_user_id, platform, login_flavour: flavour, redirect_uri, reconnect, .. } = &state_row;
        let Service { description, login, .. } = self.service(*platform)?;
        let described =
            description.login(*flavour).ok_or_else(|| Error::Internal(format!("{platform} has no login {flavour}")))?;
        let now = self.clock.now();
        let round = Round { redirect_uri: redirect_uri.clone(), verifier };
        let identities = login.exchange(*flavour, code, &round, now).await.map_err(|error| match error {
            // Nobody is connected yet, so there is nothing to reconnect.
            AccountError::Failed(failure)
                if matches!(failure.class, FailureClass::AuthExpired | FailureClass::NeedsReconnect) =>
            {
                Error::Platform(failure)
            }
            other => platform_error("login".to_owned(), *platform, other),
        })?;
        let identities: Vec<Identity> =
            identities.into_iter().filter(|identity| !identity.grant.tokens.access.is_empty()).collect();
        if !identities.iter().any(|identity| identity.platform == *platform) {
            return Err(Error::Precondition {
                reason: Reason::NoPublishableAccount,
                subject: "login".to_owned(),
                message: format!("this {} login has no account that can publish", platform.display_name()),
                remedy: described.when_nobody.to_owned(),
            });
        }
        let wanted = match *reconnect {
            None => None,
            Some(id) => Some(self.store.account_of_user(*wp_user_id, id).await?.ok_or_else(|| not_found(id))?),
        };
        let identities = self.wanted(*wp_user_id, *platform, wanted.as_ref(), identities).await?;
        let asked = described.scopes;
        let mut missing_scope = Vec::new();
        for identity in identities.iter().filter(|identity| identity.platform == *platform) {
            for scope in missing(asked, &identity.grant.scope) {
                if !missing_scope.contains(&scope) {
                    missing_scope.push(scope);
                }
            }
        }
        if let Some(scope) = lacks_publishing(described, &missing_scope) {
            return Err(Error::Precondition {
                reason: Reason::ScopeMissing,
                subject: "login".to_owned(),
                message: format!("publishing needs the permission `{scope}`, which was not granted"),
                remedy: format!("connect again and leave `{scope}` ticked on the page of {}", platform.display_name()),
            });
        }
        let mut kept_ones = Vec::with_capacity(identities.len());
        for identity in identities {
            let of_other = self.service(identity.platform)?.description.login(*flavour);
            kept_ones.push(kept(identity, of_other.map_or(asked, |login| login.scopes), now));
        }
        let accounts = self.store.connect_accounts(*wp_user_id, *flavour, kept_ones, now).await?;
        info!(%platform, user = %wp_user_id, accounts = accounts.len(), "connected");
        Ok(Connected { accounts, missing_scope })
    }

    /// The accounts of a login that are kept: those of the requested platform, and those of the grant's other platforms
    /// that are already connected, whose tokens it renews. For a login that reconnects one account: that account and
    /// those already connected; refused when it is not among them.
    async fn wanted(
        &self,
        user: UserId,
        platform: Platform,
        wanted: Option<&Account>,
        identities: Vec<Identity>,
    ) -> Result<Vec<Identity>> {
        let is_it = |wanted: &Account, identity: &Identity| {
            identity.platform == wanted.platform && identity.account_id == wanted.account_id
        };
        if let Some(wanted) = wanted.filter(|wanted| !identities.iter().any(|identity| is_it(wanted, identity))) {
            let of_platform = identities.iter().filter(|identity| identity.platform == wanted.platform);
            let got: Vec<&str> = of_platform.map(|identity| identity.account_name.as_str()).collect();
            return Err(Error::Precondition {
                reason: Reason::IdentityMismatch,
                subject: format!("account {}", wanted.id),
                message: format!(
                    "the login is that of `{}`, not of `{}`; nothing was changed",
                    got.join("`, `"),
                    wanted.account_name
                ),
                remedy: format!(
                    "log in at {} as `{}` and try again",
                    wanted.platform.display_name(),
                    wanted.account_name
                ),
            });
        }
        let mut kept = Vec::new();
        for identity in identities {
            let is_asked_for = match wanted {
                Some(wanted) => is_it(wanted, &identity),
                None => identity.platform == platform,
            };
            if is_asked_for || self.store.has_active_identity(user, identity.platform, &identity.account_id).await? {
                kept.push(identity);
            }
        }
        Ok(kept)
    }
}

/// An identity as stored, with missing scopes in its metadata and health.
fn kept(identity: Identity, asked: &[&str], now: chrono::DateTime<chrono::Utc>) -> NewIdentity {
    let missing = missing(asked, &identity.grant.scope);
    let mut metadata = identity.metadata;
    if !metadata.is_object() {
        metadata = json!({});
    }
    if let Value::Object(fields) = &mut metadata
        && !missing.is_empty()
    {
        fields.insert("missing_scope".to_owned(), json!(missing));
    }
    let health_reason = (!missing.is_empty()).then(|| {
        format!(
            "not granted: {}; what they are for does not work until the account is connected again",
            missing.join(", ")
        )
    });
    NewIdentity {
        platform: identity.platform,
        account_id: identity.account_id,
        account_name: identity.account_name,
        account_username: identity.account_username,
        account_email: identity.account_email,
        profile_picture_url: identity.profile_picture_url,
        metadata,
        grant_id: identity.grant_id,
        health_reason,
        login: tokens::login(identity.grant, now),
    }
}

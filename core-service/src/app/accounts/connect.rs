//! Connecting: the link to the platform's consent page, and what its redirect brings back.
//!
//! The order matters: the state is used up first, so a redirect that is replayed does nothing; then the code is
//! exchanged; then everything that could refuse the login (identity, scopes) is looked at; then it is kept, whole.

use serde_json::{Value, json};
use tracing::info;

use super::{
    super::{Caller, Error, Result},
    Accounts, Connect, ConnectLink, Connected, invalid, platform_error,
};
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        ids::UserId,
        platform::{LoginFlavour, Platform},
    },
    platform::{AccountError, Identity},
    store::{accounts::NewIdentity, oauth_states::OauthState},
    tokens,
};

/// Longest state and code that are looked at, bytes.
const MAX_PARAMETER: usize = 4096;

/// What publishing needs of a login: of each group, one scope. Without one of the groups the login is of no use.
/// TikTok: `video.publish` posts, `video.upload` puts into the creator's inbox
/// (<https://developers.tiktok.com/doc/tiktok-api-scopes>). Instagram:
/// <https://developers.facebook.com/docs/instagram-platform/content-publishing>.
const fn publishing_scopes(flavour: LoginFlavour) -> &'static [&'static [&'static str]] {
    match flavour {
        LoginFlavour::Tiktok => &[&["video.publish", "video.upload"]],
        LoginFlavour::FacebookLogin => &[&["instagram_basic"], &["instagram_content_publish"]],
        LoginFlavour::InstagramLogin => &[&["instagram_business_basic"], &["instagram_business_content_publish"]],
    }
}

/// The scopes of `asked` that were not granted. A platform that does not tell has granted all of them.
fn missing(asked: &[&str], granted: &[String]) -> Vec<String> {
    if granted.is_empty() {
        return Vec::new();
    }
    asked.iter().filter(|scope| !granted.iter().any(|have| have == *scope)).map(|scope| (*scope).to_owned()).collect()
}

/// The scope to be ticked when publishing cannot work with what was granted.
fn lacks_publishing(flavour: LoginFlavour, missing: &[String], asked: &[&str]) -> Option<&'static str> {
    let is_missing = |scope: &str| missing.iter().any(|missing| missing == scope);
    publishing_scopes(flavour).iter().find_map(|group| {
        let wanted = group.iter().copied().filter(|scope| asked.contains(scope));
        let mut wanted = wanted.peekable();
        let first = *wanted.peek()?;
        wanted.all(is_missing).then_some(first)
    })
}

fn state_mismatch() -> Error {
    Error::Precondition {
        reason: Reason::OauthStateMismatch,
        subject: "state".to_owned(),
        message: "this login was not begun here, was used already, or took more than ten minutes".to_owned(),
        remedy: "start connecting again".to_owned(),
    }
}

impl Accounts {
    /// Begins connecting: answers the consent page and the state in it.
    pub async fn connect(&self, caller: Caller, wish: Connect) -> Result<ConnectLink> {
        let login = &self.service(wish.platform)?.login;
        let again = match wish.reconnect {
            Some(id) => Some(self.get(caller, id).await?),
            None => None,
        };
        if let Some(account) = again.as_ref().filter(|account| account.platform != wish.platform) {
            let message = format!("account {} is an account of {}", account.id, account.platform.display_name());
            return Err(invalid("account_id", message, "name the account's own platform"));
        }
        let flavours = login.flavours();
        let usual = again.as_ref().map(|account| account.login_flavour).filter(|flavour| flavours.contains(flavour));
        let flavour = wish.flavour.or(usual).or_else(|| flavours.first().copied());
        let Some(flavour) = flavour.filter(|flavour| flavours.contains(flavour)) else {
            let missing = login.missing_settings().join(", ");
            return Err(Error::Precondition {
                reason: Reason::PlatformNotConfigured,
                subject: wish.platform.to_string(),
                message: match wish.flavour {
                    Some(flavour) => format!("the login {flavour} is not configured in this core"),
                    None => format!("{} is not configured in this core", wish.platform.display_name()),
                },
                remedy: if missing.is_empty() { "use another login".to_owned() } else { format!("set {missing}") },
            });
        };
        let redirect_uri = self.redirect_uri(wish.platform, wish.redirect_uri)?;
        let begun = OauthState {
            wp_user_id: caller.user,
            platform: wish.platform,
            login_flavour: flavour,
            redirect_uri: redirect_uri.clone(),
            reconnect: wish.reconnect,
        };
        let (state, expires_at) = self.store.create_oauth_state(begun, self.clock.now()).await?;
        let auth_url = login.auth_url(flavour, &redirect_uri, state.expose());
        Ok(ConnectLink { auth_url, state: state.expose().to_owned(), expires_at })
    }

    /// The callback page of this core for a platform.
    fn own_callback(&self, platform: Platform) -> Option<String> {
        let base = self.settings.public_url.as_ref()?;
        Some(format!("{}/oauth/callback/{platform}", base.as_str().trim_end_matches('/')))
    }

    /// Only addresses that the settings name: a redirect elsewhere would hand the code to a stranger. Compared letter
    /// by letter, as the platforms do.
    fn redirect_uri(&self, platform: Platform, wanted: Option<String>) -> Result<String> {
        let own = self.own_callback(platform);
        match (wanted.filter(|uri| !uri.is_empty()), own) {
            (Some(wanted), own) if own.as_ref() == Some(&wanted) || self.settings.redirect_uris.contains(&wanted) => {
                Ok(wanted)
            }
            (Some(_), _) => Err(invalid(
                "redirect_uri",
                "the redirect address is not on this core's list".to_owned(),
                "add it to the allowed redirect addresses, or leave it out to use the core's own callback page",
            )),
            (None, Some(own)) => Ok(own),
            (None, None) => Err(invalid(
                "redirect_uri",
                "this core has no public address, so it has no callback page of its own".to_owned(),
                "set AURAREELS_PUBLIC_URL, or name an allowed redirect address",
            )),
        }
    }

    /// Ends connecting with what the redirect brought. `caller` is `None` on the core's own callback page: there the
    /// state says who it is.
    pub async fn complete(
        &self,
        caller: Option<Caller>,
        platform: Platform,
        code: &str,
        state: &str,
    ) -> Result<Connected> {
        let begun = self.consume(caller, platform, state).await?;
        if code.is_empty() || code.len() > MAX_PARAMETER {
            return Err(invalid(
                "code",
                "the redirect carries no authorization code".to_owned(),
                "start connecting again",
            ));
        }
        // The code works once: from here on a caller who goes away must not stop it.
        let (accounts, code) = (self.clone(), code.to_owned());
        let task = self.tasks.spawn(async move { accounts.exchange(&begun, &code).await });
        task.await.map_err(|error| Error::Internal(error.to_string()))?
    }

    /// The person refused, or the platform did: uses the state up. Answers what to tell them.
    pub async fn deny(
        &self,
        platform: Platform,
        state: &str,
        error: &str,
        description: Option<&str>,
    ) -> Result<Failure> {
        self.consume(None, platform, state).await?;
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

    async fn consume(&self, caller: Option<Caller>, platform: Platform, state: &str) -> Result<OauthState> {
        if state.is_empty() || state.len() > MAX_PARAMETER {
            return Err(state_mismatch());
        }
        let user = caller.map(|caller| caller.user);
        let begun = self.store.consume_oauth_state(state, platform, user, self.clock.now()).await?;
        begun.ok_or_else(state_mismatch)
    }

    async fn exchange(&self, begun: &OauthState, code: &str) -> Result<Connected> {
        let OauthState { wp_user_id, platform, login_flavour: flavour, redirect_uri, .. } = begun;
        let login = &self.service(*platform)?.login;
        let now = self.clock.now();
        let identities = login.exchange(*flavour, code, redirect_uri, now).await.map_err(|error| match error {
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
        if identities.is_empty() {
            return Err(Error::Precondition {
                reason: Reason::NoPublishableAccount,
                subject: "login".to_owned(),
                message: format!("this {} login has no account that can publish", platform.display_name()),
                remedy: match flavour {
                    LoginFlavour::FacebookLogin => {
                        "link a professional Instagram account to a Facebook Page that you manage, and choose both when asked"
                    }
                    LoginFlavour::InstagramLogin => "switch the Instagram account to a professional one",
                    LoginFlavour::Tiktok => "log in with an account that may post",
                }
                .to_owned(),
            });
        }
        let identities = match begun.reconnect {
            None => identities,
            Some(id) => {
                let account = self.store.account_of_user(*wp_user_id, id).await?.ok_or_else(|| super::not_found(id))?;
                self.of_reconnect(*wp_user_id, &account, identities).await?
            }
        };
        let asked = login.scopes(*flavour);
        let mut missing_scope = Vec::new();
        for identity in &identities {
            for scope in missing(asked, &identity.grant.scope) {
                if !missing_scope.contains(&scope) {
                    missing_scope.push(scope);
                }
            }
        }
        if let Some(scope) = lacks_publishing(*flavour, &missing_scope, asked) {
            return Err(Error::Precondition {
                reason: Reason::ScopeMissing,
                subject: "login".to_owned(),
                message: format!("publishing needs the permission `{scope}`, which was not granted"),
                remedy: format!("connect again and leave `{scope}` ticked on the page of {}", platform.display_name()),
            });
        }
        let kept = identities.into_iter().map(|identity| kept(identity, asked, now)).collect();
        let accounts = self.store.connect_accounts(*wp_user_id, *flavour, kept, now).await?;
        info!(%platform, user = %wp_user_id, accounts = accounts.len(), "connected");
        Ok(Connected { accounts, missing_scope })
    }

    /// Of a login that was to bring one account back: that account and those of its grant which are connected already.
    /// Refused when it is not among them.
    async fn of_reconnect(&self, user: UserId, wanted: &Account, identities: Vec<Identity>) -> Result<Vec<Identity>> {
        if !identities.iter().any(|identity| identity.account_id == wanted.account_id) {
            let got: Vec<&str> = identities.iter().map(|identity| identity.account_name.as_str()).collect();
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
            if identity.account_id == wanted.account_id
                || self.store.has_active_identity(user, wanted.platform, &identity.account_id).await?
            {
                kept.push(identity);
            }
        }
        Ok(kept)
    }
}

/// An identity as the store keeps it, with what was not granted told in its metadata and its health.
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

//! Connecting, up to the platform: the link, the core's page that the link leads to, and the platform's consent page.
//!
//! The owner who consents at the platform gives access to the user who asked, so the owner is shown who that is, and
//! only the browser that continued from there can finish the login. The browser gets the core's page, unless the client
//! shows such a page itself: then the client passes a secret of that browser, here and again when it finishes the
//! login.

use url::Url;

use super::{
    super::{Caller, Error, Result},
    Accounts, Connect, ConnectLink, Shown, invalid, not_found,
};
use crate::{
    domain::{failure::Reason, platform::Platform},
    platform::Round,
    secret::Secret,
    store::oauth_states::{Begun, Browser, Created, MOST_OPEN, OauthState},
};

/// Longest state, code and browser secret that are accepted, bytes.
pub(super) const MAX_PARAMETER: usize = 4096;

/// Shortest browser secret, bytes: it must not be guessable within ten minutes.
const MIN_BROWSER_SECRET: usize = 16;

pub(super) fn state_mismatch() -> Error {
    Error::Precondition {
        reason: Reason::OauthStateMismatch,
        subject: "state".to_owned(),
        message: "this login was not begun here in this browser, was used already, or took more than ten minutes"
            .to_owned(),
        remedy: "start connecting again, in the browser in which it is to end".to_owned(),
    }
}

fn too_many(until: chrono::DateTime<chrono::Utc>) -> Error {
    Error::Exhausted {
        reason: Reason::TooManyOpenLogins,
        subject: "logins that are begun and not ended".to_owned(),
        message: format!("{MOST_OPEN} logins of this user are begun and not ended, and that is the most"),
        retry_at: Some(until),
    }
}

/// A client's browser secret, checked.
pub(super) fn browser_of(secret: &Secret) -> Result<Browser> {
    if (MIN_BROWSER_SECRET..=MAX_PARAMETER).contains(&secret.expose().len()) {
        return Ok(Browser::with(secret.expose()));
    }
    Err(invalid(
        "browser_secret",
        format!("the secret of the browser has to have {MIN_BROWSER_SECRET} to {MAX_PARAMETER} bytes"),
        "make a random one for each browser, and keep it in that browser's session",
    ))
}

/// A state, checked for length before it is looked up.
pub(super) fn readable(state: &str) -> Result<&str> {
    if state.is_empty() || state.len() > MAX_PARAMETER { Err(state_mismatch()) } else { Ok(state) }
}

impl Accounts {
    /// Begins connecting: returns the URL to open in the owner's browser, and the state in it.
    pub async fn connect(&self, caller: Caller, request: Connect) -> Result<ConnectLink> {
        let login = &self.service(request.platform)?.login;
        let again = match request.reconnect {
            Some(id) => Some(self.get(caller, id).await?),
            None => None,
        };
        if let Some(account) = again.as_ref().filter(|account| account.platform != request.platform) {
            let message = format!("account {} is an account of {}", account.id, account.platform.display_name());
            return Err(invalid("account_id", message, "name the account's own platform"));
        }
        let flavours = login.flavours();
        let usual = again.as_ref().map(|account| account.login_flavour).filter(|flavour| flavours.contains(flavour));
        let flavour = request.flavour.or(usual).or_else(|| flavours.first().copied());
        let Some(flavour) = flavour.filter(|flavour| flavours.contains(flavour)) else {
            let missing = login.missing_settings().join(", ");
            return Err(Error::Precondition {
                reason: Reason::PlatformNotConfigured,
                subject: request.platform.to_string(),
                message: match request.flavour {
                    Some(flavour) => format!("the login {flavour} is not configured in this core"),
                    None => format!("{} is not configured in this core", request.platform.display_name()),
                },
                remedy: if missing.is_empty() { "use another login".to_owned() } else { format!("set {missing}") },
            });
        };
        let redirect_uri = self.redirect_uri(request.platform, request.redirect_uri)?;
        if request.ends_at_core && request.browser_secret.is_some() {
            return Err(invalid(
                "ends_at_core",
                "a login that is bound by browser_secret ends by CompleteConnect".to_owned(),
                "leave out one of the two",
            ));
        }
        let browser = request.browser_secret.as_ref().map(browser_of).transpose()?;
        let page = match &browser {
            Some(_) => None,
            None => Some(self.connect_page(request.platform)?),
        };
        let begun = OauthState {
            wp_user_id: caller.user,
            platform: request.platform,
            login_flavour: flavour,
            reconnect: request.reconnect,
            at_page: page.is_some()
                && (request.ends_at_core || self.own_callback(request.platform).as_ref() == Some(&redirect_uri)),
            redirect_uri: redirect_uri.clone(),
            browser,
        };
        let created = self.store.create_oauth_state(begun, self.clock.now()).await?;
        let (state, verifier, expires_at) = match created {
            Created::Begun { state, verifier, expires_at } => (state, verifier, expires_at),
            Created::TooMany { until } => return Err(too_many(until)),
        };
        let auth_url = match page {
            Some(mut page) => {
                page.query_pairs_mut().append_pair("state", state.expose());
                page
            }
            None => login.auth_url(flavour, &Round { redirect_uri, verifier: Some(verifier) }, state.expose()),
        };
        Ok(ConnectLink { auth_url, state: state.expose().to_owned(), expires_at })
    }

    /// What the core's page shows before the owner continues. Changes nothing.
    pub async fn shown(&self, platform: Platform, state: &str, browser_secret: Option<&str>) -> Result<Shown> {
        let state = readable(state)?;
        let begun =
            self.store.shown_oauth_state(state, platform, self.clock.now()).await?.ok_or_else(state_mismatch)?;
        if begun.browser.is_some() && begun.browser != browser_secret.map(Browser::with) {
            return Err(state_mismatch());
        }
        let reconnect = match begun.reconnect {
            Some(id) => {
                let account = self.store.account_of_user(begun.wp_user_id, id).await?;
                Some(account.ok_or_else(|| not_found(id))?.account_name)
            }
            None => None,
        };
        Ok(Shown { user: begun.wp_user_id, reconnect })
    }

    /// The owner continues from the core's page: from now on the login is bound to this browser. Returns the platform's
    /// consent page.
    pub async fn go_on(&self, platform: Platform, state: &str, browser_secret: &str) -> Result<Url> {
        let (state, browser) = (readable(state)?, Browser::with(browser_secret));
        let begun = self.store.confirm_oauth_state(state, platform, browser, self.clock.now()).await?;
        let Begun { state_row, verifier } = begun.ok_or_else(state_mismatch)?;
        let round = Round { redirect_uri: state_row.redirect_uri, verifier };
        Ok(self.service(platform)?.login.auth_url(state_row.login_flavour, &round, state))
    }

    /// The owner declines at the core's page. Returns where the browser is redirected, as from the platform's consent
    /// page.
    pub async fn decline(&self, platform: Platform, state: &str, browser_secret: &str) -> Result<Url> {
        let (state, browser) = (readable(state)?, Browser::with(browser_secret));
        let begun = self.store.confirm_oauth_state(state, platform, browser, self.clock.now()).await?;
        let OauthState { redirect_uri, at_page, .. } = begun.ok_or_else(state_mismatch)?.state_row;
        if !at_page {
            self.store.remove_oauth_state(state).await?;
        }
        let mut back = Url::parse(&redirect_uri).map_err(|error| Error::Internal(error.to_string()))?;
        back.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_description", "the owner refused")
            .append_pair("state", state);
        Ok(back)
    }

    /// Whether browsers reach this core by TLS.
    pub fn is_public_by_tls(&self) -> bool {
        self.settings.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// The core's page for a platform.
    fn connect_page(&self, platform: Platform) -> Result<Url> {
        let base = self.settings.public_url.as_ref().map(|base| base.as_str().trim_end_matches('/'));
        let page = base.and_then(|base| Url::parse(&format!("{base}/oauth/connect/{platform}")).ok());
        page.ok_or_else(|| {
            invalid(
                "browser_secret",
                "this core has no public address, so it has no page that tells the owner to whom he gives access"
                    .to_owned(),
                "set AURAREELS_PUBLIC_URL, or show such a page yourself and give a secret of its browser",
            )
        })
    }

    /// The callback page of this core for a platform.
    fn own_callback(&self, platform: Platform) -> Option<String> {
        let base = self.settings.public_url.as_ref()?;
        Some(format!("{}/oauth/callback/{platform}", base.as_str().trim_end_matches('/')))
    }

    /// Only URLs from the settings: a redirect elsewhere would give the code to a stranger. Compared exactly, as the
    /// platforms do.
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
}

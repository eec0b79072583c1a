//! OAuth states: the secret that ties a platform's redirect to the user who asked for it, and to the browser that began.
//!
//! Guaranteed: a state works once (it is removed by the write that reads it), for ten minutes, for its platform, and for
//! whoever it is bound to ([`Ender`]); whoever it does not fit leaves it as it was. A user has at most
//! [`MOST_OPEN`] of them. Only hashes of states and of browsers' secrets are stored, so a copy of the database opens no
//! login; nor does it tell a PKCE verifier, which takes the state too.
//!
//! Expected failure: `None` for a state that is unknown, used, expired, another platform's, another user's or another
//! browser's; it does not tell which: all of them mean "start again".

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    Result, Store,
    db::{Row, Tx},
};
use crate::{
    domain::{
        ids::{AccountId, UserId},
        platform::{LoginFlavour, Platform},
    },
    params,
    secret::Secret,
};

/// How long a state works.
pub const OAUTH_STATE_LIFE: TimeDelta = TimeDelta::minutes(10);

/// Most logins of a user that are begun and not ended.
pub const MOST_OPEN: i64 = 100;

const INSERT: &str = "INSERT INTO aurareels_oauth_states (state_hash, wp_user_id, platform, login_flavour, redirect_uri, \
                      reconnect_account_id, created_at, expires_at, at_page, browser_hash, verifier_salt) \
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const OPEN: &str =
    "SELECT COUNT(*) AS open, MIN(expires_at) AS first_end FROM aurareels_oauth_states WHERE wp_user_id = ?";
const SELECT: &str = "SELECT state_hash, wp_user_id, platform, login_flavour, redirect_uri, reconnect_account_id, \
                      expires_at, at_page, browser_hash, verifier_salt FROM aurareels_oauth_states WHERE state_hash = ?";
const BIND: &str =
    "UPDATE aurareels_oauth_states SET browser_hash = ? WHERE state_hash = ? AND at_page = 1 AND browser_hash IS NULL";
const DELETE: &str = "DELETE FROM aurareels_oauth_states WHERE state_hash = ?";
const PURGE: &str = "DELETE FROM aurareels_oauth_states WHERE expires_at <= ?";

/// A browser, by the SHA-256 of a secret that it alone has.
#[derive(Clone, Debug)]
pub struct Browser(String);

impl Browser {
    /// The browser that has this secret.
    pub fn with(secret: &str) -> Self {
        Self(hash(secret))
    }
}

impl PartialEq for Browser {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Browser {}

/// What a login was begun with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthState {
    /// Who asked.
    pub wp_user_id: UserId,
    /// For which platform.
    pub platform: Platform,
    /// By which login.
    pub login_flavour: LoginFlavour,
    /// Where the platform sends the browser back to; the exchange must repeat it.
    pub redirect_uri: String,
    /// The account that is to be connected again.
    pub reconnect: Option<AccountId>,
    /// It begins at the core's page and ends at the core's callback page, both in one browser. Otherwise its client ends it.
    pub at_page: bool,
    /// The browser that it is bound to. A login at the core's page is bound when the page is confirmed.
    pub browser: Option<Browser>,
}

impl OauthState {
    /// True for a login that the core's own page has to show before it goes on to the platform.
    fn is_shown(&self) -> bool {
        self.at_page || self.browser.is_none()
    }
}

/// A login that was begun, with the secrets that were made for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// What it was begun with.
    pub state_row: OauthState,
    /// What proves at the platform that who exchanges the code is who asked for it (PKCE, RFC 7636); `None` for one that
    /// an older release has begun.
    pub verifier: Option<Secret>,
}

/// What became of a request to begin.
#[derive(Debug)]
pub enum Created {
    /// It is begun.
    Begun {
        /// The secret in its links.
        state: Secret,
        /// See [`Begun::verifier`].
        verifier: Secret,
        /// When it ends.
        expires_at: DateTime<Utc>,
    },
    /// The user has as many as he may; the first of them ends then.
    TooMany {
        /// When there is room again.
        until: DateTime<Utc>,
    },
}

/// Who ends a login.
#[derive(Clone, Debug)]
pub enum Ender {
    /// A client on behalf of a user, with the secret of his browser where it has one.
    Client(UserId, Option<Browser>),
    /// A browser at the core's callback page.
    Page(Browser),
}

impl Ender {
    fn fits(&self, begun: &OauthState) -> bool {
        match self {
            Self::Client(user, browser) => !begun.at_page && *user == begun.wp_user_id && *browser == begun.browser,
            Self::Page(browser) => begun.at_page && begun.browser.as_ref() == Some(browser),
        }
    }
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// 43 unreserved characters, as PKCE wants them.
fn verifier(state: &str, salt: &str) -> Secret {
    let mut digest = Sha256::new();
    digest.update(hash(salt));
    digest.update(state);
    Secret::from(URL_SAFE_NO_PAD.encode(digest.finalize()))
}

/// The state of a row, unless it is another platform's or has ended.
fn read(row: &Row, state: &str, platform: Platform, now: DateTime<Utc>) -> Result<Option<Begun>> {
    let same = bool::from(row.text("state_hash")?.as_bytes().ct_eq(hash(state).as_bytes()));
    let state_row = OauthState {
        wp_user_id: UserId(row.int("wp_user_id")?),
        platform: row.word("platform")?,
        login_flavour: row.word("login_flavour")?,
        redirect_uri: row.text("redirect_uri")?,
        reconnect: row.opt_int("reconnect_account_id")?.map(AccountId),
        at_page: row.opt_flag("at_page")?.unwrap_or_default(),
        browser: row.opt_text("browser_hash")?.map(Browser),
    };
    let verifier = row.opt_text("verifier_salt")?.map(|salt| verifier(state, &salt));
    let fits = same && state_row.platform == platform && row.time("expires_at")? > now;
    Ok(fits.then_some(Begun { state_row, verifier }))
}

async fn find(tx: &mut Tx, state: &str, platform: Platform, now: DateTime<Utc>) -> Result<Option<Begun>> {
    match tx.fetch_optional(SELECT, &params![hash(state)]).await? {
        Some(row) => read(&row, state, platform, now),
        None => Ok(None),
    }
}

impl Store {
    /// Keeps a new state, unless its user has too many. Removes states that have ended.
    pub async fn create_oauth_state(&self, state_row: OauthState, now: DateTime<Utc>) -> Result<Created> {
        let (state, salt) = (Secret::random(), Secret::random().expose().to_owned());
        let verifier = verifier(state.expose(), &salt);
        let state_hash = hash(state.expose());
        let expires_at = now + OAUTH_STATE_LIFE;
        let full = self
            .db
            .write(async move |tx| {
                tx.execute(PURGE, &params![now]).await?;
                let open = tx.fetch_optional(OPEN, &params![state_row.wp_user_id]).await?;
                if let Some(open) = open.filter(|row| row.int("open").is_ok_and(|open| open >= MOST_OPEN)) {
                    return open.opt_time("first_end");
                }
                tx.execute(
                    INSERT,
                    &params![
                        &state_hash,
                        state_row.wp_user_id,
                        state_row.platform.as_str(),
                        state_row.login_flavour.as_str(),
                        &state_row.redirect_uri,
                        state_row.reconnect,
                        now,
                        expires_at,
                        state_row.at_page,
                        state_row.browser.as_ref().map(|browser| &browser.0),
                        &salt,
                    ],
                )
                .await?;
                Ok(None)
            })
            .await?;
        Ok(match full {
            Some(until) => Created::TooMany { until },
            None => Created::Begun { state, verifier, expires_at },
        })
    }

    /// What a state that waits for its owner at the core's page was begun with. Changes nothing.
    pub async fn shown_oauth_state(
        &self,
        state: &str,
        platform: Platform,
        now: DateTime<Utc>,
    ) -> Result<Option<OauthState>> {
        let row = self.db.read().await?.fetch_optional(SELECT, &params![hash(state)]).await?;
        let begun = row.map(|row| read(&row, state, platform, now)).transpose()?.flatten();
        Ok(begun.map(|begun| begun.state_row).filter(OauthState::is_shown))
    }

    /// The owner went on from the core's page: a login that ends at the core's callback page is bound to his browser.
    /// `None` also when it is bound to another browser already.
    pub async fn confirm_oauth_state(
        &self,
        state: &str,
        platform: Platform,
        browser: Browser,
        now: DateTime<Utc>,
    ) -> Result<Option<Begun>> {
        let state = Secret::new(state);
        self.db
            .write(async move |tx| {
                let state = state.expose();
                let Some(mut begun) = find(tx, state, platform, now).await? else { return Ok(None) };
                if begun.state_row.at_page && begun.state_row.browser.is_none() {
                    // With several writers, the second one finds nothing to bind.
                    if tx.execute(BIND, &params![&browser.0, hash(state)]).await? == 0 {
                        return Ok(None);
                    }
                    begun.state_row.browser = Some(browser.clone());
                }
                let goes_on = begun.state_row.browser.is_none() || Ender::Page(browser.clone()).fits(&begun.state_row);
                Ok(goes_on.then_some(begun))
            })
            .await
    }

    /// The owner does not want a login that its client would have ended: removes it.
    pub async fn remove_oauth_state(&self, state: &str) -> Result<()> {
        let state_hash = hash(state);
        self.db.write(async move |tx| tx.execute(DELETE, &params![&state_hash]).await.map(|_| ())).await
    }

    /// Uses a state up and answers what it was made for; `None`, and nothing is changed, when it does not fit.
    pub async fn consume_oauth_state(
        &self,
        state: &str,
        platform: Platform,
        ender: Ender,
        now: DateTime<Utc>,
    ) -> Result<Option<Begun>> {
        let state = Secret::new(state);
        self.db
            .write(async move |tx| {
                let state = state.expose();
                let begun = find(tx, state, platform, now).await?.filter(|begun| ender.fits(&begun.state_row));
                let Some(begun) = begun else { return Ok(None) };
                // Who deletes it has it: with several writers the second one finds nothing to delete.
                Ok((tx.execute(DELETE, &params![hash(state)]).await? == 1).then_some(begun))
            })
            .await
    }

    /// Removes states that have ended. Answers how many.
    pub async fn purge_oauth_states(&self, now: DateTime<Utc>) -> Result<u64> {
        self.db.write(async move |tx| tx.execute(PURGE, &params![now]).await).await
    }
}

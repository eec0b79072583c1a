//! OAuth states: the secret that ties a platform's redirect to the user who asked for it.
//!
//! Guaranteed: a state works once (it is removed by the write that reads it), for ten minutes, for its platform and for
//! its user where the caller is known. Only its SHA-256 is stored, so a copy of the database opens no login.
//!
//! Expected failure: [`Store::consume_oauth_state`] answers `None` for a state that is unknown, used, expired, another
//! platform's or another user's, and does not tell which: all of them mean "start again".

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Result, Store};
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

const INSERT: &str = "INSERT INTO aurareels_oauth_states (state_hash, wp_user_id, platform, login_flavour, redirect_uri, \
                      reconnect_account_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
const SELECT: &str = "SELECT state_hash, wp_user_id, platform, login_flavour, redirect_uri, reconnect_account_id, \
                      expires_at FROM aurareels_oauth_states WHERE state_hash = ?";
const DELETE: &str = "DELETE FROM aurareels_oauth_states WHERE state_hash = ?";
const PURGE: &str = "DELETE FROM aurareels_oauth_states WHERE expires_at <= ?";

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
}

fn hash(state: &str) -> String {
    hex::encode(Sha256::digest(state.as_bytes()))
}

impl Store {
    /// Keeps a new state and answers it with its end: 32 random bytes as base64url. Removes states that have ended.
    ///
    /// # Panics
    /// If the operating system gives no random numbers: there is no safe way on.
    pub async fn create_oauth_state(&self, begun: OauthState, now: DateTime<Utc>) -> Result<(Secret, DateTime<Utc>)> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
        let state = Secret::from(URL_SAFE_NO_PAD.encode(bytes));
        let state_hash = hash(state.expose());
        let expires_at = now + OAUTH_STATE_LIFE;
        self.db
            .write(async move |tx| {
                tx.execute(PURGE, &params![now]).await?;
                tx.execute(
                    INSERT,
                    &params![
                        &state_hash,
                        begun.wp_user_id,
                        begun.platform.as_str(),
                        begun.login_flavour.as_str(),
                        &begun.redirect_uri,
                        begun.reconnect,
                        now,
                        expires_at,
                    ],
                )
                .await?;
                Ok(())
            })
            .await?;
        Ok((state, expires_at))
    }

    /// Uses a state up and answers what it was made for; `None` when it does not hold for this platform and user now.
    /// `user` is `None` for the core's own callback page, where the state itself says who it is.
    pub async fn consume_oauth_state(
        &self,
        state: &str,
        platform: Platform,
        user: Option<UserId>,
        now: DateTime<Utc>,
    ) -> Result<Option<OauthState>> {
        let state_hash = hash(state);
        self.db
            .write(async move |tx| {
                let Some(row) = tx.fetch_optional(SELECT, &params![&state_hash]).await? else { return Ok(None) };
                // Used up also when it turns out not to fit: a state that was shown to the wrong party is spoilt. Who
                // deletes it has it: with several writers the second one finds nothing to delete.
                if tx.execute(DELETE, &params![&state_hash]).await? == 0 {
                    return Ok(None);
                }
                let begun = OauthState {
                    wp_user_id: UserId(row.int("wp_user_id")?),
                    platform: row.word("platform")?,
                    login_flavour: row.word("login_flavour")?,
                    redirect_uri: row.text("redirect_uri")?,
                    reconnect: row.opt_int("reconnect_account_id")?.map(AccountId),
                };
                let same = bool::from(row.text("state_hash")?.as_bytes().ct_eq(state_hash.as_bytes()));
                let fits = same
                    && begun.platform == platform
                    && user.is_none_or(|user| user == begun.wp_user_id)
                    && row.time("expires_at")? > now;
                Ok(fits.then_some(begun))
            })
            .await
    }

    /// Removes states that have ended. Answers how many.
    pub async fn purge_oauth_states(&self, now: DateTime<Utc>) -> Result<u64> {
        self.db.write(async move |tx| tx.execute(PURGE, &params![now]).await).await
    }
}

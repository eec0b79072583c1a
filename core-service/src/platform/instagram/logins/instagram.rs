//! Instagram Login: no Page, one account per grant, a token that lives 60 days and is prolonged while it lives.
//!
//! <https://developers.facebook.com/documentation/instagram-platform/instagram-api-with-instagram-login/business-login>,
//! read 22 November 2026.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{INSTAGRAM_NEEDED, PROFILE_FIELDS};
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        platform::{LoginFlavour, Platform},
    },
    platform::{
        AccountError, Grant, Identity, Refreshed, Tokens,
        instagram::{
            Instagram,
            exchange::Caller,
            wire::{Profile, ShortToken, shaped, unwrapped},
        },
        meta::{
            login::check_scopes,
            oauth::{self, IfLost, LongLived, long_lived},
            unexpected,
        },
        settings::App,
    },
    secret::Secret,
};

/// The documented life of a long-lived token, for an answer that does not tell.
const LIFE: TimeDelta = TimeDelta::days(60);

/// A token cannot be prolonged when it is younger.
const YOUNGEST: TimeDelta = TimeDelta::hours(24);

impl Instagram {
    pub(super) async fn exchange_instagram(
        &self,
        app: &App,
        code: &str,
        redirect_uri: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Identity>, AccountError> {
        let mut url = self.settings.ig_api_base.clone();
        url.set_path("/oauth/access_token");
        let request = self.meta.client.post(url).form(&[
            ("client_id", app.id.as_str()),
            ("client_secret", app.secret.expose()),
            ("grant_type", "authorization_code"),
            ("redirect_uri", redirect_uri),
            ("code", code),
        ]);
        let lost = IfLost::Unknown("the code may be used up; start the login again");
        let value = oauth::ask(request, lost).await?.map_err(|refusal| refusal.of_code(now))?;
        let short: ShortToken = shaped(unwrapped(value)).ok_or_else(unexpected)?;
        // Where the answer does not tell, the calls that need a scope will.
        let granted = short.permissions();
        if let Some(granted) = &granted {
            check_scopes(INSTAGRAM_NEEDED, granted)?;
        }
        let short_token = Secret::from(short.access_token);
        let fields = [
            ("grant_type", "ig_exchange_token"),
            ("client_secret", app.secret.expose()),
            ("access_token", short_token.expose()),
        ];
        let request = oauth::get(&self.meta.client, &self.settings.ig_graph_base, "/access_token", &fields);
        let value = oauth::ask(request, IfLost::AskAgain).await?.map_err(|refusal| refusal.of_token(now))?;
        let LongLived { token, expires_at } = long_lived(value, now)?;

        let caller = Caller { flavour: LoginFlavour::InstagramLogin, token: &token, now: Some(now) };
        let fields = vec![("fields", PROFILE_FIELDS.to_owned())];
        let profile: Profile = shaped(unwrapped(self.ask(&caller, "me", fields).await?)).ok_or_else(unexpected)?;
        let Some(account_id) = profile.user_id else {
            return Err(Failure::new(
                FailureClass::InvalidRequest,
                Reason::NoPublishableAccount,
                "this login has no professional instagram account",
            )
            .with_remedy("switch the account to Business or Creator in the Instagram app, then connect again")
            .into());
        };
        Ok(vec![Identity {
            platform: Platform::Instagram,
            account_name: profile.name.or_else(|| profile.username.clone()).unwrap_or_else(|| account_id.clone()),
            account_username: profile.username,
            account_email: None,
            profile_picture_url: profile.profile_picture_url,
            metadata: json!({"app_scoped_id": profile.id, "account_type": profile.account_type}),
            grant_id: Some(account_id.clone()),
            account_id,
            grant: Grant {
                tokens: Tokens { access: token, refresh: None, grant: None },
                expires_at: Some(expires_at.unwrap_or(now + LIFE)),
                refresh_expires_at: None,
                scope: granted.unwrap_or_default(),
            },
        }])
    }

    /// Prolongs the token. What becomes of the old one is not documented, so a lost answer is unknown.
    pub(super) async fn refresh_instagram(
        &self,
        account: &Account,
        tokens: &Tokens,
        now: DateTime<Utc>,
    ) -> Result<Refreshed, AccountError> {
        let issued = issued_at(account);
        if now - issued < YOUNGEST {
            return Ok(Refreshed::NotRefreshable(format!(
                "instagram prolongs a token only when it is a day old; this one can be from {}",
                (issued + YOUNGEST).to_rfc3339()
            )));
        }
        let fields = [("grant_type", "ig_refresh_token"), ("access_token", tokens.access.expose())];
        let request = oauth::get(&self.meta.client, &self.settings.ig_graph_base, "/refresh_access_token", &fields);
        let lost = IfLost::Unknown("the token may have been replaced");
        let value = oauth::ask(request, lost).await?.map_err(|refusal| {
            let mut failure = refusal.of_token(now);
            // An expired or refused token cannot be prolonged any more.
            if failure.class == FailureClass::AuthExpired {
                failure.class = FailureClass::NeedsReconnect;
            }
            failure
        })?;
        // From here the old token may be gone: an answer without the new one is a lost answer.
        let LongLived { token, expires_at } = long_lived(value, now).map_err(|_| {
            AccountError::Unknown("the token may have been replaced: no token in the answer".to_owned())
        })?;
        Ok(Refreshed::New(Grant {
            tokens: Tokens { access: token, refresh: None, grant: None },
            expires_at: Some(expires_at.unwrap_or(now + LIFE)),
            refresh_expires_at: None,
            scope: account.token_scope.clone(),
        }))
    }
}

/// When the token was issued: its end minus its life, or the last refresh, whichever is later. Reconnecting an account
/// keeps its row, so `created_at` counts only where nothing else is known.
fn issued_at(account: &Account) -> DateTime<Utc> {
    let by_end = account.token_expires_at.map(|end| end - LIFE);
    by_end.into_iter().chain(account.last_token_refresh).max().unwrap_or(account.created_at)
}

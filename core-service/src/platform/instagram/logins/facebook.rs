//! Facebook Login: a person's token, the Pages under it, and the Instagram account of each Page.
//!
//! Guaranteed: Page tokens are derived from the *long-lived* user token, so they have no end; every page of every list
//! is followed; each Instagram account comes once.
//!
//! <https://developers.facebook.com/documentation/facebook-login/guides/access-tokens/get-long-lived>, read
//! 22 November 2026. There is no silent refresh of a user token; exchanging one that still lives gives a token as good.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    CALL, check_scopes,
    oauth::{self, IfLost, LongLived, Refusal, long_lived},
    unexpected,
};
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        platform::LoginFlavour,
    },
    platform::{
        AccountError, Grant, Identity, Refreshed, Tokens,
        graph::{General, Said, TokenFault},
        instagram::{
            Instagram, MetaApp,
            exchange::{Caller, read_failure},
            reading::is_success,
            wire::{FacebookPage, Named, Page, Permission, shaped},
        },
        wire,
    },
    secret::Secret,
};

/// What is asked of every Page, its token included, in one call.
const PAGE_FIELDS: &str = "id,name,access_token,tasks,instagram_business_account{id,username,name,profile_picture_url}";

/// Lists are followed this far: 5,000 Pages.
const MAX_LIST_PAGES: usize = 50;

/// Portfolios that are looked through.
const MAX_PORTFOLIOS: usize = 25;

impl Instagram {
    pub(super) async fn exchange_facebook(
        &self,
        app: &MetaApp,
        code: &str,
        redirect_uri: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Identity>, AccountError> {
        let path = format!("/{}/oauth/access_token", self.settings.version);
        let fields = [
            ("client_id", app.id.as_str()),
            ("redirect_uri", redirect_uri),
            ("client_secret", app.secret.expose()),
            ("code", code),
        ];
        let request = oauth::get(&self.pooled, &self.settings.graph_base, &path, &fields);
        let lost = IfLost::Unknown("the code may be used up; start the login again");
        let value = oauth::ask(request, lost).await?.map_err(|refusal| refusal.of_code(now))?;
        let short = long_lived(value, now)?;
        let user = self.lengthen(app, &short.token, now).await?.map_err(|refusal| refusal.of_code(now))?;

        let caller = Caller { flavour: LoginFlavour::FacebookLogin, token: &user.token, now: Some(now) };
        let permissions: Vec<Permission> = self.whole_list(&caller, "me/permissions", "permission,status").await?;
        let granted: Vec<String> = permissions
            .into_iter()
            .filter(|permission| permission.status == "granted")
            .map(|permission| permission.permission)
            .collect();
        check_scopes(LoginFlavour::FacebookLogin, &granted)?;
        let person: Named =
            shaped(self.ask(&caller, "me", vec![("fields", "id".to_owned())]).await?).ok_or_else(unexpected)?;
        let pages = self.pages(&caller, granted.iter().any(|scope| scope == "business_management")).await?;
        identities(pages, &user, &person.id, &granted)
    }

    /// Every Page of the person. Pages of a business portfolio are missing from the plain list at times, so with the
    /// scope for it the portfolios are looked through as well (<https://github.com/getopenpost/openpost/issues/216>).
    async fn pages(&self, caller: &Caller<'_>, has_portfolios: bool) -> Result<Vec<FacebookPage>, AccountError> {
        let mut pages: Vec<FacebookPage> = self.whole_list(caller, "me/accounts", PAGE_FIELDS).await?;
        if has_portfolios {
            // A portfolio that cannot be read does not spoil what the plain list gave.
            let portfolios: Vec<Named> = self.whole_list(caller, "me/businesses", "id").await.unwrap_or_default();
            for portfolio in portfolios.iter().take(MAX_PORTFOLIOS) {
                for edge in ["owned_pages", "client_pages"] {
                    let path = format!("{}/{edge}", portfolio.id);
                    pages.extend(self.whole_list(caller, &path, PAGE_FIELDS).await.unwrap_or_default());
                }
            }
        }
        Ok(pages)
    }

    /// A list, all its pages.
    async fn whole_list<T: DeserializeOwned>(
        &self,
        caller: &Caller<'_>,
        path: &str,
        fields: &str,
    ) -> Result<Vec<T>, AccountError> {
        let (mut list, mut after) = (Vec::new(), None);
        for _ in 0..MAX_LIST_PAGES {
            let mut query = vec![("fields", fields.to_owned()), ("limit", "100".to_owned())];
            if let Some(after) = after.take() {
                query.push(("after", after));
            }
            let page: Page<T> = shaped(self.ask(caller, path, query).await?).ok_or_else(unexpected)?;
            after = page.after().map(str::to_owned);
            list.extend(page.data);
            if after.is_none() {
                break;
            }
        }
        Ok(list)
    }

    /// A long-lived user token for any user token that still lives.
    async fn lengthen(
        &self,
        app: &MetaApp,
        token: &Secret,
        now: DateTime<Utc>,
    ) -> Result<Result<LongLived, Refusal>, AccountError> {
        let path = format!("/{}/oauth/access_token", self.settings.version);
        let fields = [
            ("grant_type", "fb_exchange_token"),
            ("client_id", app.id.as_str()),
            ("client_secret", app.secret.expose()),
            ("fb_exchange_token", token.expose()),
        ];
        let request = oauth::get(&self.pooled, &self.settings.graph_base, &path, &fields);
        // The token that is given in keeps working, so asking again is harmless.
        match oauth::ask(request, IfLost::AskAgain).await? {
            Ok(value) => Ok(Ok(long_lived(value, now)?)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// A new user token for the one that lives, and from it a new Page token.
    pub(super) async fn refresh_facebook(
        &self,
        account: &Account,
        tokens: &Tokens,
        now: DateTime<Utc>,
    ) -> Result<Refreshed, AccountError> {
        let app = self.app(LoginFlavour::FacebookLogin)?;
        let (Some(grant), Some(page_id)) = (&tokens.grant, account.metadata["page_id"].as_str()) else {
            return Ok(Refreshed::NotRefreshable(
                "the person's facebook token is not stored; the page token works until facebook ends it, then connect the account again".to_owned(),
            ));
        };
        let user = match self.lengthen(app, grant, now).await? {
            Ok(user) => user,
            Err(Refusal::Graph(error)) if error.general() == General::Token(TokenFault::Expired) => {
                return Ok(Refreshed::NotRefreshable(
                    "the person's facebook token has ended and facebook prolongs only tokens that live; the page token may work on, otherwise connect the account again".to_owned(),
                ));
            }
            Err(refusal) => return Err(dead_for_good(refusal.of_token(now)).into()),
        };
        let caller = Caller { flavour: LoginFlavour::FacebookLogin, token: &user.token, now: Some(now) };
        let value = self.ask(&caller, page_id, vec![("fields", PAGE_FIELDS.to_owned())]).await;
        let page: FacebookPage = match value {
            Ok(value) => shaped(value).ok_or_else(unexpected)?,
            Err(AccountError::Failed(failure)) => return Err(dead_for_good(failure).into()),
            Err(unknown) => return Err(unknown),
        };
        let linked = page.instagram_business_account.as_ref().and_then(|profile| profile.id.as_deref());
        if linked.is_some_and(|id| id != account.account_id) {
            return Err(reconnect("the page is linked to another instagram account now").into());
        }
        let Some(access) = page.access_token.filter(|token| !token.is_empty()) else {
            return Err(reconnect("facebook gives no token for the page any more").into());
        };
        Ok(Refreshed::New(Grant {
            tokens: Tokens { access: access.into(), refresh: None, grant: Some(user.token) },
            // Derived from a long-lived token: it ends by an event, not by time.
            expires_at: None,
            refresh_expires_at: None,
            scope: account.token_scope.clone(),
        }))
    }

    /// Takes the app's permissions back, for every account of the person.
    pub(super) async fn revoke_facebook(&self, account: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        let Some(grant) = &tokens.grant else {
            return Err(Failure::new(
                FailureClass::Permanent,
                Reason::Unsupported,
                "only the person's facebook token can revoke the login, and it is not stored",
            )
            .with_remedy("remove the app at facebook.com: Settings, Business integrations")
            .into());
        };
        let caller = Caller { flavour: account.login_flavour, token: grant, now: None };
        let request = self.request(&self.pooled, &caller, Method::DELETE, "me/permissions", Vec::new())?;
        let said = Said::read(wire::exchange(request, CALL).await);
        match &said {
            Said::Value(value) if is_success(value) => Ok(()),
            // Removed before, by the person.
            Said::Error(error) if error.general() == General::Token(TokenFault::AppRemoved) => Ok(()),
            Said::Error(_) | Said::NotSent(_) => Err(read_failure(&caller, &said).into()),
            Said::Value(_) | Said::Unreadable(_) | Said::NoAnswer(_) => {
                Err(AccountError::Unknown("facebook did not confirm that the login was revoked".to_owned()))
            }
        }
    }
}

/// A refused user token cannot be refreshed into another one.
fn dead_for_good(mut failure: Failure) -> Failure {
    if failure.class == FailureClass::AuthExpired {
        failure.class = FailureClass::NeedsReconnect;
    }
    failure
}

fn reconnect(why: &str) -> Failure {
    Failure::new(FailureClass::NeedsReconnect, Reason::AccountNeedsReconnect, why)
        .with_remedy("connect the account again")
}

/// The Instagram accounts of the Pages on which the person may create content.
fn identities(
    pages: Vec<FacebookPage>,
    user: &LongLived,
    person: &str,
    granted: &[String],
) -> Result<Vec<Identity>, AccountError> {
    let (mut identities, mut seen) = (Vec::new(), HashSet::new());
    let (mut linked, mut may_not_publish) = (0, 0);
    for page in pages {
        let Some(profile) = page.instagram_business_account else { continue };
        let Some(account_id) = profile.id else { continue };
        linked += 1;
        // A page of which the tasks are not told is believed: the publish itself knows.
        let may_publish = page
            .tasks
            .is_none_or(|tasks| tasks.iter().any(|task| matches!(task.as_str(), "CREATE_CONTENT" | "MANAGE")));
        let Some(token) = page.access_token.filter(|token| may_publish && !token.is_empty()) else {
            may_not_publish += 1;
            continue;
        };
        if !seen.insert(account_id.clone()) {
            continue;
        }
        identities.push(Identity {
            account_name: profile.name.or_else(|| profile.username.clone()).unwrap_or_else(|| account_id.clone()),
            account_username: profile.username,
            account_email: None,
            profile_picture_url: profile.profile_picture_url,
            metadata: json!({
                "page_id": page.id,
                "page_name": page.name,
                "user_token_expires_at": user.expires_at.map(|at| at.to_rfc3339()),
            }),
            grant_id: Some(person.to_owned()),
            account_id,
            grant: Grant {
                tokens: Tokens { access: token.into(), refresh: None, grant: Some(user.token.clone()) },
                expires_at: None,
                refresh_expires_at: None,
                scope: granted.to_vec(),
            },
        });
    }
    if !identities.is_empty() {
        return Ok(identities);
    }
    let (message, remedy) = match linked > 0 && may_not_publish > 0 {
        true => (
            "on none of the pages with an instagram account may this person create content",
            "ask for the task Content (or full control) on the page, then connect again",
        ),
        false => (
            "this login has no page with a linked professional instagram account",
            "link the Instagram account to a Facebook Page and choose both in the dialog; or use Instagram Login, which needs no Page",
        ),
    };
    Err(Failure::new(FailureClass::InvalidRequest, Reason::NoPublishableAccount, message).with_remedy(remedy).into())
}

#[cfg(test)]
#[path = "../logins_tests.rs"]
mod tests;

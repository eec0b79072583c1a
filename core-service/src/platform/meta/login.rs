//! Facebook Login: a person's token, what was allowed, and the Pages under it, each with its Instagram account.
//!
//! Guaranteed: Page tokens are derived from the *long-lived* user token, so they have no end; every page of every list
//! is followed. Which Pages an app sees is the person's choice in the dialog.
//!
//! <https://developers.facebook.com/documentation/facebook-login/guides/access-tokens/get-long-lived>, read
//! 22 November 2026. There is no silent refresh of a user token; exchanging one that still lives gives a token as good.

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::{
    CALL, Fields, Meta, failure_of,
    graph::{General, GraphReply, TokenFault, is_success},
    not_configured,
    oauth::{self, IfLost, LongLived, Refusal, long_lived},
    unexpected,
    wire::{FacebookPage, Named, Page, Permission, shaped},
};
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
    },
    platform::{AccountError, Grant, Tokens, settings::App, wire},
    secret::Secret,
};

/// What is asked of every Page, its token included, in one call.
pub(crate) const PAGE_FIELDS: &str =
    "id,name,access_token,tasks,instagram_business_account{id,username,name,profile_picture_url}";

/// Lists are followed this far: 5,000 Pages.
const MAX_LIST_PAGES: usize = 50;

/// Portfolios that are looked through.
const MAX_PORTFOLIOS: usize = 25;

/// What a person allowed.
pub(crate) struct PersonGrant {
    /// The person's long-lived token.
    pub(crate) user: LongLived,
    /// Who it is.
    pub(crate) person: String,
    /// What was granted, now or before.
    pub(crate) granted: Vec<String>,
    /// The Pages that the app sees.
    pub(crate) pages: Vec<FacebookPage>,
}

impl PersonGrant {
    /// The tokens of a Page, and what goes with them.
    pub(crate) fn page_grant(&self, page_token: &str) -> Grant {
        Grant {
            tokens: Tokens { access: page_token.into(), refresh: None, grant: Some(self.user.token.clone()) },
            // Derived from a long-lived token: it ends by an event, not by time.
            expires_at: None,
            refresh_expires_at: None,
            scope: self.granted.clone(),
        }
    }

    /// What an account keeps of its Page.
    pub(crate) fn page_metadata(&self, page: &FacebookPage) -> Value {
        json!({
            "page_id": page.id,
            "page_name": page.name,
            "user_token_expires_at": self.user.expires_at.map(|at| at.to_rfc3339()),
        })
    }
}

impl FacebookPage {
    /// Its token, where the person may create content on it. A page of which the tasks are not told is believed: the
    /// publish itself knows.
    pub(crate) fn publishing_token(&self) -> Option<&str> {
        let may_publish = self
            .tasks
            .as_ref()
            .is_none_or(|tasks| tasks.iter().any(|task| matches!(task.as_str(), "CREATE_CONTENT" | "MANAGE")));
        self.access_token.as_deref().filter(|token| may_publish && !token.is_empty())
    }
}

/// People can untick scopes in the dialog.
pub(crate) fn check_scopes(needed: &[&str], granted: &[String]) -> Result<(), Failure> {
    let is_missing = |scope: &&&str| !granted.iter().any(|have| have == **scope);
    let missing: Vec<_> = needed.iter().filter(is_missing).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        FailureClass::NeedsReconnect,
        Reason::ScopeMissing,
        format!("these permissions were not granted: {}", missing.join(", ")),
    )
    .with_rule(missing.join(","))
    .with_remedy("connect again and leave every permission ticked"))
}

/// The code without what Meta appends to the redirect: `#_` at Instagram, `#_=_` at Facebook.
pub(crate) fn clean_code(code: &str) -> &str {
    code.split('#').next().unwrap_or_default().trim()
}

impl Meta {
    fn app(&self) -> Result<&App, Failure> {
        self.settings.app.as_ref().ok_or_else(not_configured)
    }

    /// The login dialog.
    pub(crate) fn dialog(&self, scopes: &[&str], redirect_uri: &str, state: &str) -> Url {
        let mut url = self.settings.dialog_base.clone();
        url.set_path(&format!("/{}/dialog/oauth", self.settings.version));
        let client_id = self.settings.app.as_ref().map(|app| app.id.as_str()).unwrap_or_default();
        url.query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", &scopes.join(","))
            .append_pair("state", state)
            // Asks again for what was declined before; without it the dialog leaves those out.
            .append_pair("auth_type", "rerequest");
        url
    }

    /// What a code brings. Without the needed scopes it is of no use.
    pub(crate) async fn exchange_code(
        &self,
        code: &str,
        redirect_uri: &str,
        needed: &[&str],
        now: DateTime<Utc>,
    ) -> Result<PersonGrant, AccountError> {
        let app = self.app()?;
        let path = format!("/{}/oauth/access_token", self.settings.version);
        let fields = [
            ("client_id", app.id.as_str()),
            ("redirect_uri", redirect_uri),
            ("client_secret", app.secret.expose()),
            ("code", clean_code(code)),
        ];
        let request = oauth::get(&self.client, &self.settings.graph_base, &path, &fields);
        let lost = IfLost::Unknown("the code may be used up; start the login again");
        let value = oauth::ask(request, lost).await?.map_err(|refusal| refusal.of_code(now))?;
        let short = long_lived(value, now)?;
        let user = self.lengthen(&short.token, now).await?.map_err(|refusal| refusal.of_code(now))?;

        let permissions: Vec<Permission> =
            self.whole_list(&user.token, "me/permissions", "permission,status", now).await?;
        let granted: Vec<String> = permissions
            .into_iter()
            .filter(|permission| permission.status == "granted")
            .map(|permission| permission.permission)
            .collect();
        check_scopes(needed, &granted)?;
        let person = self.ask(&user.token, "me", vec![("fields", "id".to_owned())], now).await?;
        let person: Named = shaped(person).ok_or_else(unexpected)?;
        let has_portfolios = granted.iter().any(|scope| scope == "business_management");
        let pages = self.pages(&user.token, has_portfolios, now).await?;
        Ok(PersonGrant { user, person: person.id, granted, pages })
    }

    /// One account call that only reads.
    pub(crate) async fn ask(
        &self,
        token: &Secret,
        path: &str,
        fields: Fields<'_>,
        now: DateTime<Utc>,
    ) -> Result<Value, AccountError> {
        match self.get(token, path, fields, Instant::now() + CALL).await? {
            GraphReply::Value(value) => Ok(value),
            reply => Err(failure_of(&reply, Some(now)).into()),
        }
    }

    /// Every Page of the person. Pages of a business portfolio are missing from the plain list at times, so with the
    /// scope for it the portfolios are looked through as well (<https://github.com/getopenpost/openpost/issues/216>).
    async fn pages(
        &self,
        token: &Secret,
        has_portfolios: bool,
        now: DateTime<Utc>,
    ) -> Result<Vec<FacebookPage>, AccountError> {
        let mut pages: Vec<FacebookPage> = self.whole_list(token, "me/accounts", PAGE_FIELDS, now).await?;
        if has_portfolios {
            // A portfolio that cannot be read does not spoil what the plain list gave.
            let portfolios: Vec<Named> = self.whole_list(token, "me/businesses", "id", now).await.unwrap_or_default();
            for portfolio in portfolios.iter().take(MAX_PORTFOLIOS) {
                for edge in ["owned_pages", "client_pages"] {
                    let path = format!("{}/{edge}", portfolio.id);
                    pages.extend(self.whole_list(token, &path, PAGE_FIELDS, now).await.unwrap_or_default());
                }
            }
        }
        Ok(pages)
    }

    /// A list, all its pages.
    async fn whole_list<T: DeserializeOwned>(
        &self,
        token: &Secret,
        path: &str,
        fields: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<T>, AccountError> {
        let (mut list, mut after) = (Vec::new(), None);
        for _ in 0..MAX_LIST_PAGES {
            let mut query = vec![("fields", fields.to_owned()), ("limit", "100".to_owned())];
            if let Some(after) = after.take() {
                query.push(("after", after));
            }
            let page: Page<T> = shaped(self.ask(token, path, query, now).await?).ok_or_else(unexpected)?;
            after = page.after().map(str::to_owned);
            list.extend(page.data);
            if after.is_none() {
                break;
            }
        }
        Ok(list)
    }

    /// A long-lived user token for any user token that still lives.
    async fn lengthen(&self, token: &Secret, now: DateTime<Utc>) -> Result<Result<LongLived, Refusal>, AccountError> {
        let app = self.app()?;
        let path = format!("/{}/oauth/access_token", self.settings.version);
        let fields = [
            ("grant_type", "fb_exchange_token"),
            ("client_id", app.id.as_str()),
            ("client_secret", app.secret.expose()),
            ("fb_exchange_token", token.expose()),
        ];
        let request = oauth::get(&self.client, &self.settings.graph_base, &path, &fields);
        // The token that is given in keeps working, so asking again is harmless.
        match oauth::ask(request, IfLost::AskAgain).await? {
            Ok(value) => Ok(Ok(long_lived(value, now)?)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// A new user token for the one that lives, and from it the Page as the app sees it now. A sentence, where there is
    /// no way to one.
    pub(crate) async fn renewed_page(
        &self,
        account: &Account,
        tokens: &Tokens,
        now: DateTime<Utc>,
    ) -> Result<Result<(FacebookPage, Grant), String>, AccountError> {
        let (Some(grant), Some(page_id)) = (&tokens.grant, account.metadata["page_id"].as_str()) else {
            return Ok(Err("the person's facebook token is not stored; the page token works until facebook ends it, then connect the account again".to_owned()));
        };
        let user = match self.lengthen(grant, now).await? {
            Ok(user) => user,
            Err(Refusal::Graph(error)) if error.general() == General::Token(TokenFault::Expired) => {
                return Ok(Err("the person's facebook token has ended and facebook prolongs only tokens that live; the page token may work on, otherwise connect the account again".to_owned()));
            }
            Err(refusal) => return Err(dead_for_good(refusal.of_token(now)).into()),
        };
        let value = self.ask(&user.token, page_id, vec![("fields", PAGE_FIELDS.to_owned())], now).await;
        let page: FacebookPage = match value {
            Ok(value) => shaped(value).ok_or_else(unexpected)?,
            Err(AccountError::Failed(failure)) => return Err(dead_for_good(failure).into()),
            Err(unknown) => return Err(unknown),
        };
        let Some(access) = page.access_token.clone().filter(|token| !token.is_empty()) else {
            return Err(reconnect("facebook gives no token for the page any more").into());
        };
        let grant = Grant {
            tokens: Tokens { access: access.into(), refresh: None, grant: Some(user.token) },
            expires_at: None,
            refresh_expires_at: None,
            scope: account.token_scope.clone(),
        };
        Ok(Ok((page, grant)))
    }

    /// Takes the app's permissions back, for every account of the person.
    pub(crate) async fn revoke(&self, tokens: &Tokens) -> Result<(), AccountError> {
        let Some(grant) = &tokens.grant else {
            return Err(Failure::new(
                FailureClass::Permanent,
                Reason::Unsupported,
                "only the person's facebook token can revoke the login, and it is not stored",
            )
            .with_remedy("remove the app at facebook.com: Settings, Business integrations")
            .into());
        };
        let request = self.request(grant, Method::DELETE, "me/permissions", Vec::new())?;
        let reply = GraphReply::read(wire::exchange(request, CALL).await);
        match &reply {
            GraphReply::Value(value) if is_success(value) => Ok(()),
            // Removed before, by the person.
            GraphReply::Error(error) if error.general() == General::Token(TokenFault::AppRemoved) => Ok(()),
            GraphReply::Error(_) | GraphReply::NotSent(_) => Err(failure_of(&reply, None).into()),
            GraphReply::Value(_) | GraphReply::Unreadable(_) | GraphReply::NoAnswer(_) => {
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

/// The login has to be made anew.
pub(crate) fn reconnect(why: &str) -> Failure {
    Failure::new(FailureClass::NeedsReconnect, Reason::AccountNeedsReconnect, why)
        .with_remedy("connect the account again")
}

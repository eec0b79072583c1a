//! Facebook Login as Instagram uses it: the Instagram account of each Page of the person, once.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::FACEBOOK_NEEDED;
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        platform::Platform,
    },
    platform::{
        AccountError, Identity, Refreshed, Tokens,
        instagram::Instagram,
        meta::login::{PersonGrant, reconnect},
    },
};

impl Instagram {
    pub(super) async fn exchange_facebook(
        &self,
        code: &str,
        redirect_uri: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Identity>, AccountError> {
        let grant = self.meta.exchange_code(code, redirect_uri, FACEBOOK_NEEDED, now).await?;
        Ok(identities(&grant)?)
    }

    /// A new user token for the one that lives, and from it a new Page token.
    pub(super) async fn refresh_facebook(
        &self,
        account: &Account,
        tokens: &Tokens,
        now: DateTime<Utc>,
    ) -> Result<Refreshed, AccountError> {
        let (page, grant) = match self.meta.renewed_page(account, tokens, now).await? {
            Ok(renewed) => renewed,
            Err(why) => return Ok(Refreshed::NotRefreshable(why)),
        };
        let linked = page.instagram_business_account.as_ref().and_then(|profile| profile.id.as_deref());
        if linked.is_some_and(|id| id != account.account_id) {
            return Err(reconnect("the page is linked to another instagram account now").into());
        }
        Ok(Refreshed::New(grant))
    }
}

/// The Instagram accounts of the Pages on which the person may create content.
pub(in crate::platform::instagram) fn identities(grant: &PersonGrant) -> Result<Vec<Identity>, Failure> {
    let (mut identities, mut seen) = (Vec::new(), HashSet::new());
    let (mut linked, mut may_not_publish) = (0, 0);
    for page in &grant.pages {
        let Some(profile) = &page.instagram_business_account else { continue };
        let Some(account_id) = profile.id.clone() else { continue };
        linked += 1;
        let Some(token) = page.publishing_token() else {
            may_not_publish += 1;
            continue;
        };
        if !seen.insert(account_id.clone()) {
            continue;
        }
        let name = profile.name.clone().or_else(|| profile.username.clone());
        identities.push(Identity {
            platform: Platform::Instagram,
            account_name: name.unwrap_or_else(|| account_id.clone()),
            account_username: profile.username.clone(),
            account_email: None,
            profile_picture_url: profile.profile_picture_url.clone(),
            metadata: grant.page_metadata(page),
            grant_id: Some(grant.person.clone()),
            account_id,
            grant: grant.page_grant(token),
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
    Err(Failure::new(FailureClass::InvalidRequest, Reason::NoPublishableAccount, message).with_remedy(remedy))
}

#[cfg(test)]
#[path = "../logins_tests.rs"]
mod tests;

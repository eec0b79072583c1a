//! Who may do what to which Instagram account.
//!
//! What a token cannot see looks the same as what does not exist: 100 / 33.

use super::error::GraphError;
use super::token::{Session, Subject, TokenKind};
use super::world::{Id, Role, World};

/// How a refusal is worded: "Unsupported get request", "… post …", "… delete …".
#[derive(Clone, Copy)]
pub(crate) struct Access {
    pub(crate) verb: &'static str,
}

impl World {
    /// The person's role through which a Facebook token reaches an account; `Ok(None)` for the account's own token.
    pub(crate) fn reach(&self, session: &Session, account: Id, access: Access) -> Result<Option<&Role>, GraphError> {
        let hidden = || GraphError::unsupported(access.verb, &account.to_string());
        let state = self.accounts.get(&account).ok_or_else(hidden)?;
        match (session.subject, session.kind) {
            (Subject::Account(own), _) => {
                if own == account {
                    Ok(None)
                } else {
                    Err(hidden())
                }
            }
            (Subject::Person(person), kind) => {
                let page = state.page.ok_or_else(hidden)?;
                if let TokenKind::Page(own) = kind
                    && own != page
                {
                    return Err(hidden());
                }
                let ticked = self
                    .grants
                    .get(&session.subject)
                    .is_some_and(|grant| grant.pages.as_ref().is_none_or(|pages| pages.contains(&page)));
                let role = self.roles.get(&(person, page)).filter(|role| !role.lost && ticked).ok_or_else(hidden)?;
                Ok(Some(role))
            }
        }
    }

    /// Reading: the basic permission.
    pub(crate) fn may_read(&self, session: &Session, account: Id, access: Access) -> Result<Option<&Role>, GraphError> {
        let role = self.reach(session, account, access)?;
        session.need(match session.subject {
            Subject::Person(_) => "instagram_basic",
            Subject::Account(_) => "instagram_business_basic",
        })?;
        Ok(role)
    }

    /// Publishing: permissions, tasks, and a Page and account in good standing.
    pub(crate) fn may_publish(&self, session: &Session, account: Id, access: Access) -> Result<(), GraphError> {
        let role = self.may_read(session, account, access)?;
        match role {
            None => session.need("instagram_business_content_publish")?,
            Some(role) => {
                session.need("instagram_content_publish")?;
                session.need("pages_read_engagement")?;
                if role.via_business && !session.scopes.has("ads_management") && !session.scopes.has("ads_read") {
                    return Err(GraphError::permission("ads_management"));
                }
                if !role.may_publish() {
                    return Err(GraphError::new(
                        200,
                        "(#200) The user does not have sufficient administrative permission for this action on the Page",
                    ));
                }
            }
        }
        let Some(state) = self.accounts.get(&account) else { return Ok(()) };
        let page = state.page.and_then(|page| self.pages.get(&page));
        if role.is_some() && page.is_some_and(|page| page.needs_authorization) {
            return Err(GraphError::new(
                10,
                "(#10) The Page must complete Page Publishing Authorization before it can publish",
            ));
        }
        if state.restricted {
            return Err(GraphError::known(25, Some(2207050)));
        }
        Ok(())
    }
}

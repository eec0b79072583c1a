//! The original's accounts: their tokens are opened with its key and sealed anew, bound to their place.

use chrono::TimeDelta;

use super::{Accounts, Error, Import, Outcome, Report, Stage};
use crate::{
    domain::{
        account::Account,
        failure::describe,
        ids::{AccountId, UserId},
        original::OriginalAccount,
    },
    secret::Secret,
    store::{importing::ImportedAccount, logins::Login, original::Original},
};

/// When tokens of which nobody knows their life are refreshed although nobody uses them.
const REFRESHED_AFTER: TimeDelta = TimeDelta::days(1);

impl Import<'_> {
    /// Keeps every account; answers them by their ids in the original.
    pub(super) async fn accounts(&self, original: &mut Original, report: &mut Report) -> Result<Accounts, Error> {
        let (mut accounts, mut after) = (Accounts::default(), 0);
        loop {
            let page = original.accounts(after).await?;
            let Some(last) = page.last() else { return Ok(accounts) };
            after = match last {
                Ok(account) => account.id,
                Err(bad) => bad.id,
            };
            for row in page {
                let account = match row {
                    Ok(account) => account,
                    Err(bad) => {
                        *report.accounts.entry(Outcome::Bad).or_default() += 1;
                        report.unreadable("account", &bad);
                        accounts.0.insert(bad.id, None);
                        continue;
                    }
                };
                let (id, name) = (account.id, format!("account {} ({})", account.id, account.account_name));
                let (outcome, kept) = match self.account(account).await? {
                    Ok((account, true)) => (Outcome::Imported, Some(account)),
                    Ok((account, false)) => (Outcome::There, Some(account)),
                    Err(reason) => {
                        let remedy = "give the key that the original encrypted with as AURAREELS_SOCIAL_ENCRYPTION_KEY, or \
                                      among AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS, and run this again; or connect the account \
                                      anew, and run this again for its posts";
                        report.tell(name, Outcome::Bad, reason, remedy);
                        (Outcome::Bad, None)
                    }
                };
                *report.accounts.entry(outcome).or_default() += 1;
                accounts.0.insert(id, kept);
            }
        }
    }

    /// Keeps an account, or finds it. True when it is new; text when its tokens cannot be read.
    async fn account(&self, account: OriginalAccount) -> Result<Result<(Account, bool), String>, Error> {
        let user = UserId(account.wp_user_id);
        if !self.is_new
            && let Some(there) = self.store.account_of_identity(user, account.platform, &account.account_id).await?
        {
            return Ok(Ok((there, false)));
        }
        // The original knew one login per platform: the first of each description.
        let logins = self.registry.get(account.platform).map_or(&[][..], |service| service.description.logins);
        let Some(flavour) = logins.first().map(|login| login.flavour) else {
            return Ok(Err(format!("this core cannot publish to {}", account.platform.display_name())));
        };
        let login = match account.is_active.then(|| self.login(&account)).transpose() {
            Ok(login) => login,
            Err(problem) => return Ok(Err(problem)),
        };
        let now = self.now();
        let new = ImportedAccount {
            id: self.adopts.then_some(account.id),
            user,
            platform: account.platform,
            flavour,
            account_id: account.account_id,
            account_name: account.account_name,
            account_username: account.account_username,
            account_email: account.account_email,
            profile_picture_url: account.profile_picture_url,
            metadata: if account.metadata.is_object() { account.metadata } else { serde_json::json!({}) },
            login,
            last_token_refresh: account.last_token_refresh,
            created_at: account.created_at.or(account.updated_at).unwrap_or(now),
        };
        if self.dry_run {
            return Ok(Ok((planned(account.id, &new), true)));
        }
        let kept = self.store.import_account(new, now).await?;
        self.reached(Stage::AccountKept)?;
        Ok(Ok(kept))
    }

    fn login(&self, account: &OriginalAccount) -> Result<Login, String> {
        let keys = self.store.keys();
        let open = |column: &str, value: &str| -> Result<Secret, String> {
            keys.open_legacy(value).map_err(|problem| format!("{column}: {}", describe(&problem)))
        };
        if account.access_token.is_empty() {
            return Err("access_token is empty".to_owned());
        }
        let scope = account.token_scope.split([',', ' ']).filter(|scope| !scope.is_empty());
        Ok(Login {
            access: open("access_token", &account.access_token)?,
            refresh: account.refresh_token.as_deref().map(|token| open("refresh_token", token)).transpose()?,
            grant: None,
            expires_at: account.token_expires_at,
            refresh_expires_at: None,
            lifetime_seconds: None,
            refresh_due_at: Some(self.now() + REFRESHED_AFTER),
            scope: scope.map(str::to_owned).collect(),
        })
    }
}

/// An account as it would be.
fn planned(id: i64, new: &ImportedAccount) -> Account {
    Account {
        id: AccountId(id),
        wp_user_id: new.user,
        platform: new.platform,
        login_flavour: new.flavour,
        account_id: new.account_id.clone(),
        account_name: new.account_name.clone(),
        account_username: new.account_username.clone(),
        account_email: new.account_email.clone(),
        profile_picture_url: new.profile_picture_url.clone(),
        token_expires_at: None,
        refresh_token_expires_at: None,
        token_scope: Vec::new(),
        is_active: new.login.is_some(),
        last_token_refresh: new.last_token_refresh,
        token_version: 1,
        health: crate::domain::account::Health::Ok,
        health_reason: None,
        grant_id: None,
        metadata: new.metadata.clone(),
        quota_blocked_until: None,
        created_at: new.created_at,
        updated_at: new.created_at,
    }
}

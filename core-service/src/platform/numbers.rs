//! How posts do, as a platform tells it: reading alone, for several posts of one account at once where the platform can.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Tokens;
use crate::domain::{
    account::Account,
    analytics::{Numbers, PlatformNumbers, Price, Reading},
    budget::Charge,
    failure::{Failure, FailureClass, Reason},
};

/// The longest that reading takes.
pub const TIMEOUT: Duration = Duration::from_secs(25);

/// What a platform tells of one post.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Its numbers.
    Numbers(Reading),
    /// It does not show the post: it was removed, or is private.
    NotShown,
}

/// The numbers of one platform.
#[async_trait]
pub trait NumbersClient: Send + Sync {
    /// Posts that one call reads at most. Pure.
    fn batch(&self) -> usize;

    /// Why an account's numbers cannot be read with what its owner granted. Pure.
    fn lacks(&self, account: &Account) -> Option<Failure>;

    /// What is to be done about a post whose id the platform has not told. Pure.
    fn when_id_is_unknown(&self) -> &'static str {
        "nothing to do, the id is looked for"
    }

    /// What one call takes of the budgets for analytics. They leave room for publishing. Pure.
    fn price(&self, account: &Account, now: DateTime<Utc>) -> Price;

    /// Reads the numbers of these posts, at most [`Self::batch`], in their order. One bounded exchange, or two where the first
    /// asked for more than the platform tells.
    async fn read(
        &self,
        account: &Account,
        tokens: &Tokens,
        post_ids: &[String],
        now: DateTime<Utc>,
    ) -> Result<Vec<Seen>, Failure>;
}

/// Readings by the platform's id in the order that was asked for; what is missing is not shown.
pub(crate) fn in_order(post_ids: &[String], shown: &HashMap<String, Reading>) -> Vec<Seen> {
    post_ids.iter().map(|id| shown.get(id).cloned().map_or(Seen::NotShown, Seen::Numbers)).collect()
}

/// The failure of a scope that was not granted; `None` when one of them was.
pub(crate) fn lacking(account: &Account, any_of: &[&str]) -> Option<Failure> {
    if account.token_scope.iter().any(|scope| any_of.contains(&scope.as_str())) {
        return None;
    }
    let (platform, scope) = (account.platform.display_name(), any_of.first().copied().unwrap_or_default());
    let message = format!(
        "the owner of `{}` did not grant {scope}, without which {platform} tells no numbers",
        account.account_name
    );
    let remedy = "connect the account again and allow everything that is asked for; an app that has not been approved for it at \
                  the platform cannot ask for it";
    Some(Failure::new(FailureClass::NeedsReconnect, Reason::ScopeMissing, message).with_rule(scope).with_remedy(remedy))
}

/// The budget of a span of time, with what one call takes of it.
fn budget(name: String, limit: u32, span: TimeDelta, now: DateTime<Utc>) -> Charge {
    let begun = now.duration_trunc(span).unwrap_or(now);
    Charge {
        budget: name.into(),
        units: 1,
        leaves: 0,
        limit,
        day: begun.format("%Y-%m-%dT%H:%M").to_string(),
        until: begun + span,
        may_wait: true,
    }
}

/// What all users of the app may read in a minute.
pub(crate) fn of_app(limit: u32, now: DateTime<Utc>) -> Charge {
    budget("numbers".to_owned(), limit, TimeDelta::minutes(1), now)
}

/// What is read of one platform account in an hour, whoever of our users connected it.
pub(crate) fn of_account(account: &Account, limit: u32, now: DateTime<Utc>) -> Charge {
    let digest = hex::encode(&Sha256::digest(account.account_id.as_bytes())[..8]);
    budget(format!("numbers {digest}"), limit, TimeDelta::hours(1), now)
}

/// A number that is told as one or as text.
pub(crate) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|number| number.is_finite())
}

/// What of a platform's numbers the common words mean, by the first name that it tells.
pub(crate) struct Words<'a> {
    pub(crate) views: &'a [&'a str],
    pub(crate) likes: &'a [&'a str],
    pub(crate) comments: &'a [&'a str],
    pub(crate) shares: &'a [&'a str],
    pub(crate) saves: &'a [&'a str],
    pub(crate) reach: &'a [&'a str],
}

impl Words<'_> {
    /// The reading of these numbers.
    pub(crate) fn reading(&self, platform: PlatformNumbers) -> Reading {
        let of = |names: &[&str]| names.iter().find_map(|name| platform.get(*name)).map(|number| number.round() as i64);
        let numbers = Numbers {
            views: of(self.views),
            likes: of(self.likes),
            comments: of(self.comments),
            shares: of(self.shares),
            saves: of(self.saves),
            reach: of(self.reach),
        };
        Reading { numbers, platform }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::platform::{LoginFlavour, Platform},
        platform::stand_in,
    };

    #[test]
    fn budgets_begin_anew_with_each_span_and_hold_for_the_platform_account() {
        let now = DateTime::from_timestamp(1_795_000_030, 0).unwrap();
        let one = stand_in::account(Platform::Instagram, LoginFlavour::FacebookLogin, now);
        let other = Account { id: crate::domain::ids::AccountId(99), ..one.clone() };
        assert_eq!(of_account(&one, 60, now), of_account(&other, 60, now));
        let elsewhere = Account { account_id: "another".to_owned(), ..one.clone() };
        assert_ne!(of_account(&one, 60, now).budget, of_account(&elsewhere, 60, now).budget);
        let charge = of_app(300, now);
        assert!(charge.until > now && charge.until - now <= TimeDelta::minutes(1));
        assert_ne!(charge.day, of_app(300, charge.until).day);
        // What the tables hold.
        assert!(charge.day.len() <= 16 && of_account(&one, 60, now).budget.len() <= 32);
    }
}

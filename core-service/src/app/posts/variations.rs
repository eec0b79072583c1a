//! Variations: content of single accounts that replaces the request's, such as a caption and options of their own. One
//! request posts one video, in one transaction, under one request key.

use std::borrow::Cow;

use super::{
    fields::{self, OF_THE_VIDEO},
    requests::PostInput,
    shape,
};
use crate::{
    app::{Broken, broken},
    domain::{ids::AccountId, post::Content},
};

/// The name of the policy for long captions, which is a field of the API's content.
const ON_LONG_CAPTION: &str = "on_long_caption";

impl PostInput {
    /// What is requested for one account.
    pub(super) fn of(&self, account: AccountId) -> Cow<'_, Self> {
        let Some(variation) = self.variations.get(&account) else { return Cow::Borrowed(self) };
        let mut input = self.clone();
        for field in &variation.fields {
            match field.strip_prefix("content.").unwrap_or(field) {
                ON_LONG_CAPTION => input.on_long_caption = variation.on_long_caption,
                field => {
                    fields::take(&mut input.content, &variation.content, field);
                }
            }
        }
        Cow::Owned(input)
    }
}

/// The shape of a request's variations.
pub(super) fn check(input: &PostInput, accounts: &[AccountId]) -> Vec<Broken> {
    let of_all = shape::check_shape(&input.content);
    let mut all = Vec::new();
    for (account, variation) in &input.variations {
        let mut add = |measured: String, limit: &str, remedy: &str| {
            let one = broken("variations", "FIELD_MALFORMED", measured, limit, remedy);
            all.push(Broken { account: Some(*account), ..one });
        };
        if !accounts.contains(account) {
            add(
                format!("for account {account}"),
                "a variation is of one of the request's accounts",
                "name the account in accounts too, or leave the variation out",
            );
        }
        for field in &variation.fields {
            let name = field.strip_prefix("content.").unwrap_or(field);
            let is_known = name == ON_LONG_CAPTION || fields::take(&mut Content::default(), &variation.content, name);
            if OF_THE_VIDEO.contains(&name) {
                add(
                    format!("`{field}`"),
                    "a request posts one video to all of its accounts",
                    "name other fields, or make a request of its own for another video",
                );
            } else if !is_known {
                add(format!("`{field}`"), "it names fields of content", "name fields such as `caption`");
            }
        }
        let of_this = shape::check_shape(&input.of(*account).content).into_iter();
        let is_new = |one: &Broken| !of_all.iter().any(|other| other.violation == one.violation);
        all.extend(of_this.filter(is_new).map(|one| Broken { account: Some(*account), ..one }));
    }
    all
}

//! What the handlers of posts and the watchers share: the use cases, and posts as they are answered.

use std::collections::HashMap;

use aurareels_proto::v1;

use super::{
    calls::{Calls, Stopping},
    convert::post,
};
use crate::{
    app::{Caller, Result, accounts::Accounts, posts::Posts},
    clock::Clock,
    domain::{account::Account, ids::AccountId, post::Post},
};

/// What handlers of posts and watchers share.
#[derive(Clone)]
pub(super) struct PostApi {
    pub(super) posts: Posts,
    pub(super) accounts: Accounts,
    pub(super) clock: Clock,
    pub(super) stopping: Stopping,
    /// Owns the watchers.
    pub(super) calls: Calls,
}

impl PostApi {
    /// Posts for the wire, in the same order.
    pub(super) async fn shown(&self, caller: Caller, posts: Vec<Post>) -> Result<Vec<v1::Post>> {
        let accounts = self.accounts_of(caller, &posts).await?;
        let shown = posts.into_iter().map(|one| {
            let account = accounts.get(&one.social_account_id);
            self.with_progress(one, account)
        });
        Ok(shown.collect())
    }

    pub(super) fn with_progress(&self, post: Post, of: Option<&Account>) -> v1::Post {
        let progress = self.posts.progress_of(post.id);
        post::post(post, of, progress)
    }

    pub(super) async fn accounts_of(&self, caller: Caller, posts: &[Post]) -> Result<HashMap<AccountId, Account>> {
        let mut ids: Vec<AccountId> = posts.iter().map(|post| post.social_account_id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let accounts = self.accounts.by_ids(caller, &ids).await?;
        Ok(accounts.into_iter().map(|account| (account.id, account)).collect())
    }
}

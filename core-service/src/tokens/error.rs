//! Why there are no usable tokens, and what a post keeps of it.

use std::sync::Arc;

use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        ids::AccountId,
    },
    secret, store,
};

/// Why there are no usable tokens.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// No such account.
    #[error("account {0} was not found")]
    NotFound(AccountId),
    /// The account was disconnected.
    #[error("account {0} was disconnected")]
    Disconnected(AccountId),
    /// Only the account's owner can help.
    #[error("{}", .0.message)]
    NeedsReconnect(Failure),
    /// Not now; the stored token is kept.
    #[error("{}", .0.message)]
    Transient(Failure),
    /// The platform refused for a reason that is not the login: our configuration, a restriction.
    #[error("{}", .0.message)]
    Refused(Failure),
    /// The stored token cannot be opened with the keys of this core.
    #[error("the stored token of account {0} cannot be read: {1}")]
    Unreadable(AccountId, secret::Error),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(Arc<store::Error>),
}

impl TokenError {
    pub(super) fn store(id: AccountId, error: store::Error) -> Self {
        match error {
            store::Error::Secret(error) => Self::Unreadable(id, error),
            other => Self::Store(Arc::new(other)),
        }
    }

    /// As a post keeps it.
    pub fn failure(&self) -> Failure {
        match self {
            Self::NeedsReconnect(failure) | Self::Transient(failure) | Self::Refused(failure) => failure.clone(),
            Self::NotFound(_) => Failure::new(FailureClass::Permanent, Reason::AccountNotFound, self.to_string()),
            Self::Disconnected(_) => {
                Failure::new(FailureClass::Permanent, Reason::AccountDisconnected, self.to_string())
                    .with_remedy("connect the account again, then retry the post")
            }
            Self::Unreadable(..) => Failure::new(FailureClass::Transient, Reason::TokenUnreadable, self.to_string())
                .with_remedy(
                    "give the core the key that sealed it, in AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS, or connect the account again",
                ),
            Self::Store(error) => match &**error {
                store::Error::Unreadable { .. } => {
                    Failure::new(FailureClass::Transient, Reason::RowUnreadable, error.to_string())
                        .with_remedy("start a core of the release that wrote the account, or have the operator mend the row")
                }
                _ => Failure::new(FailureClass::Transient, Reason::StoreUnavailable, "the store is not available"),
            },
        }
    }
}

/// What helps when a login is lost.
pub(super) const RECONNECT: &str = "connect the account again; its waiting posts then go on by themselves";

/// A failure that only the owner can mend.
pub(super) fn needs_reconnect(account: &Account, why: &str) -> Failure {
    let Account { account_name, platform, .. } = account;
    Failure::new(
        FailureClass::NeedsReconnect,
        Reason::AccountNeedsReconnect,
        format!("the {} login of `{account_name}` no longer works: {why}", platform.display_name()),
    )
    .with_remedy(RECONNECT)
}

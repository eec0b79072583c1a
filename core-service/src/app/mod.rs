//! Use cases: what a caller can request, with every rule that applies. The gRPC layer, the OAuth page and the scheduler
//! call these; none of them has rules of its own.
//!
//! Guaranteed: a refused request changes nothing; one user never sees or touches another's rows, and "not found" and
//! "not yours" are the same error.

pub mod accounts;
pub mod analytics;
pub mod api_keys;
pub mod dashboard;
pub mod media;
pub mod platforms;
pub mod posts;
mod remembered;
mod row_token;
#[cfg(test)]
pub(crate) mod testing;
pub mod video_jobs;
pub mod webhooks;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::{
    failure::{Failure, Reason},
    ids::{Sequence, UserId},
    violation::Violation,
};

/// The authenticated caller; established by the gRPC layer before any use case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user whose rows the call may see.
    pub user: UserId,
}

/// A broken rule, and the account it applies to if not to all.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// The account; `None` when the rule applies to the whole request.
    pub account: Option<crate::domain::ids::AccountId>,
    /// The rule.
    pub violation: Violation,
}

/// A broken rule about a field.
fn broken(field: &'static str, rule: &'static str, measured: impl Into<String>, limit: &str, remedy: &str) -> Broken {
    let (measured, limit, remedy) = (measured.into(), limit.to_owned(), remedy.to_owned());
    let message = format!("{field}: {limit}, but it is {measured}; {remedy}");
    Broken { account: None, violation: Violation { field, rule, measured, limit, remedy, message } }
}

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks rules; all of them at once.
    #[error("{}", describe(.reason, .broken))]
    Invalid {
        /// The reason that names the kind of refusal: `RULE_VIOLATION`, `INVALID_FIELD`, `REQUEST_KEY_REUSED`, ...
        reason: Reason,
        /// What is broken.
        broken: Vec<Broken>,
    },
    /// No such row of this caller.
    #[error("{kind} {id} was not found")]
    NotFound {
        /// `POST_NOT_FOUND`, `ACCOUNT_NOT_FOUND`, `MEDIA_NOT_FOUND`, ...
        reason: Reason,
        /// "post", "account", "media", ...
        kind: &'static str,
        /// As given.
        id: String,
    },
    /// The state forbids it.
    #[error("{message}")]
    Precondition {
        /// Stable reason.
        reason: Reason,
        /// "post 125", "account 7".
        subject: String,
        /// A sentence for people.
        message: String,
        /// What to do.
        remedy: String,
    },
    /// A concurrent change won; read again and repeat.
    #[error("{message}")]
    Conflict {
        /// A sentence for people.
        message: String,
    },
    /// A limit is used up.
    #[error("{message}")]
    Exhausted {
        /// Stable reason.
        reason: Reason,
        /// What the limit counts.
        subject: String,
        /// A sentence for people.
        message: String,
        /// When it works again.
        retry_at: Option<DateTime<Utc>>,
    },
    /// Something is temporarily unavailable.
    #[error("{message}")]
    Unavailable {
        /// Stable reason.
        reason: Reason,
        /// A sentence for people.
        message: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// The event position is older than the stored events.
    #[error("events before {oldest} are no longer kept; resume from there and read the posts anew")]
    PositionTooOld {
        /// The oldest position that can be resumed from.
        oldest: Sequence,
    },
    /// The event position refers to events that were lost when a backup was restored.
    #[error(
        "the database was restored from a backup, and the events up to this position are lost; resume from {kept_through} \
         and read the posts anew"
    )]
    PositionOfLostEvents {
        /// The newest position in the backup: all later events come after it.
        kept_through: Sequence,
    },
    /// The platform said no.
    #[error("{}", .0.message)]
    Platform(Failure),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// Our bug.
    #[error("internal: {0}")]
    Internal(String),
}

fn describe(reason: &Reason, broken: &[Broken]) -> String {
    match broken {
        [] => reason.as_str().to_owned(),
        [one] => one.violation.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.violation.message, rest.len()),
    }
}

/// The result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

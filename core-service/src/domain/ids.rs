//! Ids as types, so that two kinds cannot be swapped. Ours are 64-bit row ids; platform ids are always text.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

row_id! {
    /// Row of `aurareels_social_posts`.
    PostId
}
row_id! {
    /// Row of `aurareels_social_accounts`.
    AccountId
}
row_id! {
    /// The owning user, `wp_user_id` of the original tables. One core serves one numbering of users.
    UserId
}
row_id! {
    /// Position in the outbox of events. Rises in commit order.
    Sequence
}
row_id! {
    /// Fencing number of a claim: rises with every claim of a post, and every ledger write carries it.
    Fence
}
row_id! {
    /// Increases with every change of a post; callers pass it to change the post only if it is still as they saw it.
    Revision
}
row_id! {
    /// Row of `aurareels_webhook_endpoints`.
    EndpointId
}
row_id! {
    /// Row of `aurareels_webhook_deliveries`.
    DeliveryId
}

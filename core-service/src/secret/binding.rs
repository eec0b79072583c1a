//! Where a sealed value belongs.
//!
//! The binding goes into the MAC and not into the sealed text. Its encoding is unambiguous: a kind, then every part
//! with its length, so that no two places share an encoding.

/// The place of a sealed value. Opening with any other place than the one it was sealed for fails.
#[derive(Clone, PartialEq, Eq)]
pub struct Binding(Vec<u8>);

impl Binding {
    /// A token of a connected account: owning user, platform, the platform's account id, column.
    ///
    /// All four are known before the row exists, and they are the row's unique key, so a token cannot be moved to
    /// another account.
    pub fn account_token(wp_user_id: i64, platform: &str, account_id: &str, column: &str) -> Self {
        Self::of("account-token", &[&wp_user_id.to_string(), platform, account_id, column])
    }

    /// A handle in the ledger of a post (upload URL, session URL): the post's id and what the handle is for.
    pub fn ledger_handle(post_id: i64, purpose: &str) -> Self {
        Self::of("ledger-handle", &[&post_id.to_string(), purpose])
    }

    /// Any other place, for example `Binding::of("webhook-endpoint", &["17", "signing_secret"])`.
    pub fn of(kind: &str, parts: &[&str]) -> Self {
        let mut bytes = Vec::new();
        for part in std::iter::once(&kind).chain(parts) {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

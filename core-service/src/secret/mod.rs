//! The vault for everything that must not be read by others: platform tokens, upload and session URLs.
//!
//! Guaranteed:
//! - A sealed value is AES-256-CBC then HMAC-SHA256 over everything (encrypt-then-MAC), with keys derived by HKDF;
//!   nothing is decrypted before the MAC has been checked in constant time.
//! - A sealed value is bound to its place ([`Binding`]): copied to another row, account, user or column it does not
//!   open. The place is known before the row has an id.
//! - A sealed value names the key that sealed it by a fingerprint ([`KeyRing::key_ids`]); old keys still open, only the
//!   current one seals, [`KeyRing::is_stale`] tells what should be written anew.
//! - [`Secret`] shows its content only through [`Secret::expose`] and wipes it when dropped.
//!
//! Expected failures ([`Error`]): the key of a value is not among the settings (its id is named), a value was changed
//! or moved, a value is not one of ours. None of them says anything about the login at the platform: an unreadable
//! token is never an expired token.
//!
//! The original's format (`base64(iv || ciphertext)`, no MAC, no binding) is read by [`KeyRing::open_legacy`] alone,
//! for rows that an import marked as legacy.

mod binding;
mod envelope;
mod key_ring;
mod legacy;
#[cfg(test)]
mod tests;

pub use binding::Binding;
pub use key_ring::{KeyRing, MIN_KEY_CHARACTERS, generate_key};

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// The id of the key that sealed a value; `None` when it is not one of ours (the original's format, for example).
/// Nothing of the value is checked.
pub fn key_id_of(sealed: &str) -> Option<&str> {
    envelope::Envelope::parse(sealed).ok().map(|envelope| envelope.key_id)
}

/// Text that must not be shown: a token, a key, a URL that grants access.
///
/// Without `Display`; its `Debug` says only that there is something. Compared in constant time, wiped on drop.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over; the given string is not copied.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// 256 random bits as 43 characters of base64url.
    ///
    /// # Panics
    /// If the operating system gives no random numbers: there is no safe way on.
    pub fn random() -> Self {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
        let secret = Self(URL_SAFE_NO_PAD.encode(bytes));
        bytes.zeroize();
        secret
    }

    /// The text itself, for the one place that sends or seals it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True if there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Why a key was not accepted or a value not opened. Never carries a key, a plaintext or a ciphertext.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The key of the settings is not fit for use.
    #[error("the encryption key {reason}; `aurareels keys generate` makes a good one")]
    WeakKey {
        /// What is wrong with it, to be read after "the encryption key".
        reason: String,
    },
    /// One of the old keys is empty.
    #[error("one of the old encryption keys is empty")]
    EmptyOldKey,
    /// A value was sealed by a key that is not among the current and old keys.
    #[error(
        "no encryption key with id {key_id}: put the key that was used before among AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS"
    )]
    UnknownKey {
        /// The fingerprint of the missing key, as in [`KeyRing::key_ids`].
        key_id: String,
    },
    /// The key has the id, but not the check value that the database holds for it.
    #[error("the encryption key {key_id} does not fit its check value in the database")]
    WrongKey {
        /// The fingerprint of the key.
        key_id: String,
    },
    /// The value was changed, or it was sealed for another place.
    #[error("a sealed value was changed or belongs to another place")]
    Tampered,
    /// The value does not have the form of a sealed value.
    #[error("a sealed value is malformed: {reason}")]
    Malformed {
        /// Which part of it.
        reason: &'static str,
    },
    /// A value in the original's format opens with none of the keys. It has no MAC, so a wrong key and a damaged
    /// value look the same.
    #[error("a legacy value opens with none of the encryption keys")]
    LegacyUnreadable,
}

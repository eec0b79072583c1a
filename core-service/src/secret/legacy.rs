//! The original WordPress plugin's format: `base64(iv16 || ciphertext)`, AES-256-CBC under `sha256(passphrase)`.
//!
//! It has neither MAC nor key id. A wrong key passes the padding check about once in 256 times, so the text must also
//! look like a token: UTF-8 without control characters. Read only; what was read is to be sealed anew.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::envelope::decrypt;
use super::{Error, Secret};

/// PHP's `base64_decode` is content without padding; so is this.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn open<'a>(value: &str, passphrases: impl Iterator<Item = &'a str>) -> Result<Secret, Error> {
    let compact: String = value.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    let bytes =
        LENIENT_BASE64.decode(compact).map_err(|_| Error::Malformed { reason: "legacy value is not base64" })?;
    if bytes.len() < 32 || bytes.len() % 16 != 0 {
        return Err(Error::Malformed { reason: "legacy value has an impossible length" });
    }
    let (iv, ciphertext) = bytes.split_at(16);
    for passphrase in passphrases {
        let key: Zeroizing<[u8; 32]> = Zeroizing::new(Sha256::digest(passphrase.as_bytes()).into());
        let Some(plaintext) = decrypt(&key, iv, ciphertext) else { continue };
        match String::from_utf8(plaintext) {
            Ok(text) if !text.chars().any(char::is_control) => return Ok(Secret::from(text)),
            Ok(mut text) => text.zeroize(),
            Err(error) => error.into_bytes().zeroize(),
        }
    }
    Err(Error::LegacyUnreadable)
}

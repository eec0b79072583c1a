//! The form of a sealed value: `v1:<key id>:<base64url(iv16 || ciphertext || tag32)>`.
//!
//! The tag covers version, key id, binding, initialisation vector and ciphertext. Version and key id stand in the
//! clear so that a reader knows which key is missing.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Binding, Error, Secret};

const VERSION: &str = "v1";
const IV_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// The two keys that seal and open, both derived from one setting.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct SealingKeys {
    pub(super) encryption: [u8; 32],
    pub(super) mac: [u8; 32],
}

/// A sealed value taken apart, nothing of it checked yet.
pub(super) struct Envelope<'a> {
    pub(super) key_id: &'a str,
    payload: &'a str,
}

impl<'a> Envelope<'a> {
    pub(super) fn parse(sealed: &'a str) -> Result<Self, Error> {
        let mut parts = sealed.splitn(3, ':');
        if parts.next() != Some(VERSION) {
            return Err(Error::Malformed { reason: "unknown version" });
        }
        let key_id = parts.next().filter(|id| is_key_id(id)).ok_or(Error::Malformed { reason: "no key id" })?;
        let payload = parts.next().ok_or(Error::Malformed { reason: "no content" })?;
        Ok(Self { key_id, payload })
    }

    pub(super) fn open(&self, keys: &SealingKeys, binding: &Binding) -> Result<Secret, Error> {
        let bytes = URL_SAFE_NO_PAD
            .decode(self.payload)
            .map_err(|_| Error::Malformed { reason: "content is not base64url" })?;
        if bytes.len() < IV_BYTES + 16 + TAG_BYTES {
            return Err(Error::Malformed { reason: "content is too short" });
        }
        let (body, tag) = bytes.split_at(bytes.len() - TAG_BYTES);
        let (iv, ciphertext) = body.split_at(IV_BYTES);
        mac(keys, self.key_id, binding, iv, ciphertext).verify_slice(tag).map_err(|_| Error::Tampered)?;
        // From here on the bytes are ours: what fails now was sealed that way.
        let plaintext = decrypt(&keys.encryption, iv, ciphertext).ok_or(Error::Tampered)?;
        String::from_utf8(plaintext).map(Secret::from).map_err(|error| {
            error.into_bytes().zeroize();
            Error::Malformed { reason: "content is not text" }
        })
    }
}

/// Seals `text` with the given initialisation vector, which must be random and never used twice.
pub(super) fn seal(keys: &SealingKeys, key_id: &str, binding: &Binding, iv: [u8; IV_BYTES], text: &str) -> String {
    let ciphertext = cbc::Encryptor::<aes::Aes256>::new(&keys.encryption.into(), &iv.into())
        .encrypt_padded_vec::<Pkcs7>(text.as_bytes());
    let tag = mac(keys, key_id, binding, &iv, &ciphertext).finalize().into_bytes();
    let payload = URL_SAFE_NO_PAD.encode([&iv[..], &ciphertext, &tag].concat());
    format!("{VERSION}:{key_id}:{payload}")
}

/// AES-256-CBC with PKCS#7 padding; `None` if length or padding are wrong.
pub(super) fn decrypt(key: &[u8; 32], iv: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    let iv: [u8; IV_BYTES] = iv.try_into().ok()?;
    let key = Zeroizing::new(*key);
    let decryptor = cbc::Decryptor::<aes::Aes256>::new(&(*key).into(), &iv.into());
    decryptor.decrypt_padded_vec::<Pkcs7>(ciphertext).ok()
}

/// True for 16 lower-case hex digits, the form of every key id.
pub(super) fn is_key_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn mac(keys: &SealingKeys, key_id: &str, binding: &Binding, iv: &[u8], ciphertext: &[u8]) -> Hmac<Sha256> {
    let place = binding.as_bytes();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&keys.mac).expect("HMAC takes keys of any length");
    for part in [VERSION.as_bytes(), b"\0", key_id.as_bytes(), b"\0", &(place.len() as u64).to_be_bytes(), place] {
        mac.update(part);
    }
    mac.update(iv); // always 16 bytes, so what follows is unambiguous
    mac.update(ciphertext);
    mac
}

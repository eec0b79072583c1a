//! The keys of the settings: one seals, all open.
//!
//! A key's id is the first eight bytes of an HKDF output in hex. It tells keys apart and does not lead back to a good
//! key; a guessable passphrase could be guessed from it (as from any ciphertext), which is why the current key has a
//! minimum strength. Old keys have none: they only open what is there already.

use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::envelope::{self, Envelope, SealingKeys};
use super::{Binding, Error, Secret, legacy};

/// The least length of the current key, in characters.
pub const MIN_KEY_CHARACTERS: usize = 32;

/// The least number of different characters in the current key.
const MIN_DIFFERENT_CHARACTERS: usize = 10;

/// The value that the original's documentation shows; a deployment that kept it has no secret at all.
const PLACEHOLDER: &str = "YOUR-RANDOM-64-CHAR-STRING-HERE";

/// One setting with everything derived from it.
struct Key {
    id: String,
    check_value: String,
    sealing: SealingKeys,
    passphrase: Passphrase,
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct Passphrase(String);

impl Key {
    fn derive(setting: &str) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, setting.as_bytes());
        let mut key = Self {
            id: String::new(),
            check_value: String::new(),
            sealing: SealingKeys { encryption: [0; 32], mac: [0; 32] },
            passphrase: Passphrase(setting.to_owned()),
        };
        let expand = |info: &str, output: &mut [u8]| {
            hkdf.expand(info.as_bytes(), output).expect("HKDF-SHA256 gives up to 8160 bytes");
        };
        expand("aurareels/v1/encryption", &mut key.sealing.encryption);
        expand("aurareels/v1/mac", &mut key.sealing.mac);
        let (mut id, mut check_value) = ([0; 8], [0; 32]);
        expand("aurareels/v1/key-id", &mut id);
        expand("aurareels/v1/check-value", &mut check_value);
        key.id = hex::encode(id);
        key.check_value = hex::encode(check_value);
        key
    }
}

/// The current key and the old ones. Cheap to share behind an `Arc`, not cloneable.
pub struct KeyRing {
    /// The first is the current key.
    keys: Vec<Key>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KeyRing").field("key_ids", &self.key_ids()).finish()
    }
}

impl KeyRing {
    /// Derives all keys from the settings `AURAREELS_SOCIAL_ENCRYPTION_KEY` and `.._OLD_KEYS`.
    ///
    /// Space around a key is dropped (a key read from a file ends with a newline). The current key must be at least
    /// [`MIN_KEY_CHARACTERS`] long and not be a repetition of a few characters.
    pub fn from_settings<S: AsRef<str>>(current: &str, old: &[S]) -> Result<Self, Error> {
        let current = current.trim();
        check_strength(current)?;
        let mut keys = vec![Key::derive(current)];
        for setting in old {
            let setting = setting.as_ref().trim();
            if setting.is_empty() {
                return Err(Error::EmptyOldKey);
            }
            let key = Key::derive(setting);
            if keys.iter().all(|known| known.id != key.id) {
                keys.push(key);
            }
        }
        Ok(Self { keys })
    }

    /// Seals `text` with the current key for the place `binding`.
    ///
    /// # Panics
    /// If the operating system gives no random numbers: there is no safe way on.
    pub fn seal(&self, binding: &Binding, text: &str) -> String {
        let mut iv = [0; 16];
        getrandom::fill(&mut iv).expect("the operating system gives random numbers");
        let key = self.current();
        envelope::seal(&key.sealing, &key.id, binding, iv, text)
    }

    /// Opens what was sealed for exactly this place, by the current or an old key.
    pub fn open(&self, binding: &Binding, sealed: &str) -> Result<Secret, Error> {
        let envelope = Envelope::parse(sealed)?;
        envelope.open(&self.key(envelope.key_id)?.sealing, binding)
    }

    /// True if the value should be written anew: sealed by an old or unknown key, or in the legacy format.
    pub fn is_stale(&self, sealed: &str) -> bool {
        Envelope::parse(sealed).map_or(true, |envelope| envelope.key_id != self.current_key_id())
    }

    /// Opens a value in the original's format with the current key or an old one as passphrase.
    ///
    /// Only for rows that an import marked as legacy: the format can be forged by anyone who can write the row.
    pub fn open_legacy(&self, value: &str) -> Result<Secret, Error> {
        legacy::open(value, self.keys.iter().map(|key| key.passphrase.0.as_str()))
    }

    /// The id of the key that seals.
    pub fn current_key_id(&self) -> &str {
        &self.current().id
    }

    /// The ids of all keys, the current one first: 16 hex digits each.
    pub fn key_ids(&self) -> Vec<&str> {
        self.keys.iter().map(|key| key.id.as_str()).collect()
    }

    /// The check value of the current key, to be kept beside its id in the database. Not a secret.
    pub fn check_value(&self) -> &str {
        &self.current().check_value
    }

    /// Whether the key with this id is here and fits the check value that the database holds.
    pub fn verify_check_value(&self, key_id: &str, check_value: &str) -> Result<(), Error> {
        let fits = self.key(key_id)?.check_value.as_bytes().ct_eq(check_value.as_bytes());
        if fits.into() { Ok(()) } else { Err(Error::WrongKey { key_id: key_id.to_owned() }) }
    }

    fn current(&self) -> &Key {
        &self.keys[0]
    }

    fn key(&self, key_id: &str) -> Result<&Key, Error> {
        let found = self.keys.iter().find(|key| key.id == key_id);
        found.ok_or_else(|| Error::UnknownKey { key_id: key_id.to_owned() })
    }
}

/// A new key for the settings: 48 random bytes as 64 characters of base64url.
///
/// # Panics
/// If the operating system gives no random numbers.
pub fn generate_key() -> Secret {
    use base64::Engine;
    let mut bytes = [0; 48];
    getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
    let key = Secret::from(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes));
    bytes.zeroize();
    key
}

fn check_strength(setting: &str) -> Result<(), Error> {
    let weak = |reason: String| Err(Error::WeakKey { reason });
    let length = setting.chars().count();
    if length == 0 {
        return weak("is not set".to_owned());
    }
    if setting == PLACEHOLDER {
        return weak("is the placeholder from the documentation".to_owned());
    }
    if length < MIN_KEY_CHARACTERS {
        return weak(format!("has {length} characters, {MIN_KEY_CHARACTERS} are the least"));
    }
    let mut different: Vec<char> = setting.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < MIN_DIFFERENT_CHARACTERS {
        return weak(format!(
            "has only {} different characters, {MIN_DIFFERENT_CHARACTERS} are the least",
            different.len()
        ));
    }
    Ok(())
}

//! The public keys of JWTs: `AURAREELS_JWT_PUBLIC_KEY`.
//!
//! A key is given in PEM, as the bare base64 between a PEM's lines, or as the name of a file in PEM. Several stand one after
//! the other, or separated by commas: an issuer that changes its key has both taken for a while.

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::DecodingKey;

use super::source::Reader;

const NAME: &str = "AURAREELS_JWT_PUBLIC_KEY";

/// What an Ed25519 public key begins with in DER (RFC 8410); its 32 bytes follow.
const DER_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The keys, each in PEM.
pub(super) fn read(reader: &mut Reader) -> Vec<String> {
    let given = reader.list(NAME).join("\n").replace("\\n", "\n");
    let mut keys = Vec::new();
    for part in parts(&given) {
        let found = if part.starts_with("-----BEGIN") {
            vec![part.clone()]
        } else if is_bare_key(&part) {
            vec![format!("-----BEGIN PUBLIC KEY-----\n{part}\n-----END PUBLIC KEY-----\n")]
        } else {
            match std::fs::read_to_string(&part) {
                Ok(text) => parts(&text).into_iter().filter(|part| part.starts_with("-----BEGIN")).collect(),
                Err(error) => {
                    let message = format!(
                        "has `{}`, which is neither a PEM text, nor its base64, nor a readable file ({error}); give one of these",
                        part.chars().take(80).collect::<String>()
                    );
                    reader.wrong(NAME, message);
                    continue;
                }
            }
        };
        if found.is_empty() {
            reader.wrong(NAME, format!("names {part}, which holds no key in PEM; `openssl pkey -pubout` writes one"));
        }
        for pem in found {
            match DecodingKey::from_ed_pem(pem.as_bytes()) {
                Ok(_) => keys.push(pem),
                Err(error) => {
                    let message =
                        format!("is no Ed25519 public key in PEM ({error}); `openssl pkey -pubout` writes one");
                    reader.wrong(NAME, message);
                }
            }
        }
    }
    keys
}

/// The PEM blocks of a text, and every other line that is not empty.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut within = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match parts.last_mut().filter(|_| within) {
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
            None if line.starts_with("-----BEGIN") => parts.push(format!("{line}\n")),
            None => parts.push(line.to_owned()),
        }
        within = (within || line.starts_with("-----BEGIN")) && !line.starts_with("-----END");
    }
    parts
}

fn is_bare_key(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|der| der.len() == DER_HEAD.len() + 32 && der.starts_with(&DER_HEAD))
}

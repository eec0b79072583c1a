//! Vectors of other implementations, and everything an attacker with write access to the database could try.

use super::*;

const KEY: &str = "correct horse battery staple, sixty-four characters are advised!";
const OTHER: &str = "another key that is long enough to be accepted 0123456789";

fn ring() -> KeyRing {
    KeyRing::from_settings::<&str>(KEY, &[]).unwrap()
}

fn place() -> Binding {
    Binding::account_token(7, "tiktok", "open-id-1", "access_token")
}

#[test]
fn opens_what_it_sealed_at_every_length() {
    let ring = ring();
    for length in 0..=1000 {
        let text: String = ('a'..='z').cycle().take(length).collect();
        let sealed = ring.seal(&place(), &text);
        assert_eq!(ring.open(&place(), &sealed).unwrap().expose(), text, "length {length}");
    }
    let text = "tökén ☃ \u{1F3AC}";
    assert_eq!(ring.open(&place(), &ring.seal(&place(), text)).unwrap().expose(), text);
}

#[test]
fn the_same_text_never_looks_the_same() {
    assert_ne!(ring().seal(&place(), "token"), ring().seal(&place(), "token"));
}

#[test]
fn the_envelope_keeps_its_form() {
    // Computed from the documented construction by an independent program, so that a refactoring cannot quietly make
    // stored tokens unreadable.
    let sealed = include_str!("vector_v1.txt").trim();
    assert_eq!(ring().open(&place(), sealed).unwrap().expose(), "act.example12345!6789.va");
}

#[test]
fn one_flipped_bit_anywhere_is_noticed() {
    let ring = ring();
    let sealed = ring.seal(&place(), "act.example12345!6789.va");
    for position in 0..sealed.len() {
        for bit in 0..7 {
            let mut bytes = sealed.clone().into_bytes();
            bytes[position] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(ring.open(&place(), &changed).is_err(), "byte {position}, bit {bit}");
        }
    }
}

#[test]
fn one_flipped_bit_in_the_content_is_tampering() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let ring = ring();
    let sealed = ring.seal(&place(), "act.example12345!6789.va");
    let (head, payload) = sealed.rsplit_once(':').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(payload).unwrap();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        let changed = format!("{head}:{}", URL_SAFE_NO_PAD.encode(changed));
        assert_eq!(ring.open(&place(), &changed), Err(Error::Tampered), "byte {position}");
    }
}

#[test]
fn a_value_moved_to_another_place_does_not_open() {
    let ring = ring();
    let sealed = ring.seal(&place(), "token");
    for elsewhere in [
        Binding::account_token(8, "tiktok", "open-id-1", "access_token"),
        Binding::account_token(7, "instagram", "open-id-1", "access_token"),
        Binding::account_token(7, "tiktok", "open-id-2", "access_token"),
        Binding::account_token(7, "tiktok", "open-id-1", "refresh_token"),
        Binding::account_token(7, "tiktokopen", "-id-1", "access_token"),
        Binding::ledger_handle(7, "tiktok"),
        Binding::of("account-token", &["7", "tiktok", "open-id-1access_token"]),
    ] {
        assert_eq!(ring.open(&elsewhere, &sealed), Err(Error::Tampered));
    }
}

#[test]
fn an_old_key_opens_and_is_stale_and_a_missing_one_is_named() {
    let before = ring();
    let sealed = before.seal(&place(), "token");
    let after = KeyRing::from_settings(OTHER, &[KEY]).unwrap();
    assert_eq!(after.open(&place(), &sealed).unwrap().expose(), "token");
    assert!(after.is_stale(&sealed));
    assert!(!after.is_stale(&after.seal(&place(), "token")));
    assert_eq!(after.key_ids(), [after.current_key_id(), before.current_key_id()]);

    let without = KeyRing::from_settings::<&str>(OTHER, &[]).unwrap();
    let error = without.open(&place(), &sealed).unwrap_err();
    assert_eq!(error, Error::UnknownKey { key_id: before.current_key_id().to_owned() });
    assert!(error.to_string().contains(before.current_key_id()));
}

#[test]
fn a_key_id_of_another_key_does_not_help() {
    let ring = KeyRing::from_settings(OTHER, &[KEY]).unwrap();
    let sealed = super::tests::ring().seal(&place(), "token");
    let renamed = sealed.replace(super::tests::ring().current_key_id(), ring.current_key_id());
    assert_eq!(ring.open(&place(), &renamed), Err(Error::Tampered));
}

#[test]
fn check_values_tell_the_right_key() {
    let (right, wrong) = (ring(), KeyRing::from_settings::<&str>(OTHER, &[]).unwrap());
    let (id, value) = (right.current_key_id(), right.check_value());
    assert_eq!(right.verify_check_value(id, value), Ok(()));
    assert_eq!(wrong.verify_check_value(id, value), Err(Error::UnknownKey { key_id: id.to_owned() }));
    let other_value = wrong.check_value();
    assert_eq!(right.verify_check_value(id, other_value), Err(Error::WrongKey { key_id: id.to_owned() }));
}

#[test]
fn what_is_not_ours_is_malformed() {
    let id = ring().current_key_id().to_owned();
    for text in ["", "token", "v2:0000000000000000:AAAA", "v1:", "v1:XYZ:AAAA", &format!("v1:{id}")] {
        assert!(matches!(ring().open(&place(), text), Err(Error::Malformed { .. })), "{text}");
    }
    for payload in ["", "AAAA", "****", &"A".repeat(84)] {
        assert!(matches!(ring().open(&place(), &format!("v1:{id}:{payload}")), Err(Error::Malformed { .. })));
    }
    assert!(ring().is_stale("AAECAwQFBgcICQoLDA0OD98Uu7sVCgtaxXxJS3TkfIB29LUUNqqVshKJ3LrTnLgX"));
}

#[test]
fn opens_what_the_openssl_program_encrypted() {
    // printf %s "$TEXT" | openssl enc -aes-256-cbc -K "$(printf %s "$KEY" | sha256sum | cut -c1-64)" -iv $IV
    let value = "AAECAwQFBgcICQoLDA0OD98Uu7sVCgtaxXxJS3TkfIB29LUUNqqVshKJ3LrTnLgX";
    assert_eq!(ring().open_legacy(value).unwrap().expose(), "EAAGm0PX4ZCpsBAO-example-token");
}

#[test]
fn opens_what_php_encrypted() {
    // PHP 8.2, the original's encrypt() with the passphrase, the text and a fixed iv.
    for (passphrase, text, value) in [
        (KEY, "act.example12345!6789.va", "8ODQwLCgkIBwYFBAMCAQANzQnA8rlg77vljmWDclYsFkFD9UmyvnP67o7AOv+sQn"),
        ("Schlüssel mit Umlauten – und Gedankenstrich 0123", "tökén ☃", "8ODQwLCgkIBwYFBAMCAQAP2JqtviMQL6XqA1h+8Qhn4="),
        ("short", "", "8ODQwLCgkIBwYFBAMCAQAPP7gOTRibNspg5mjh/l5Ck="),
        ("short", "aaaaaaaaaaaaaaaa", "8ODQwLCgkIBwYFBAMCAQADPATe+UqEcy9UaVuOmt+ZZcdDzL9R+m6pAEvV2UzhHB"),
    ] {
        let ring = KeyRing::from_settings(OTHER, &[passphrase]).unwrap();
        assert_eq!(ring.open_legacy(value).unwrap().expose(), text);
    }
}

#[test]
fn a_legacy_value_without_its_key_is_not_readable() {
    let value = "AAECAwQFBgcICQoLDA0OD98Uu7sVCgtaxXxJS3TkfIB29LUUNqqVshKJ3LrTnLgX";
    let mut old: Vec<String> = (0..2000).map(|number| format!("wrong passphrase {number}")).collect();
    let ring = KeyRing::from_settings(OTHER, &old).unwrap();
    assert_eq!(ring.open_legacy(value), Err(Error::LegacyUnreadable), "padding alone must not convince");
    old.push(KEY.to_owned());
    let ring = KeyRing::from_settings(OTHER, &old).unwrap();
    assert_eq!(ring.open_legacy(value).unwrap().expose(), "EAAGm0PX4ZCpsBAO-example-token");
    for malformed in ["", "AAAA", "not base64 at all!", "AAECAwQFBgcICQoLDA0OD98Uu7sVCgtaxXxJS3TkfIB2"] {
        assert!(matches!(ring.open_legacy(malformed), Err(Error::Malformed { .. })), "{malformed}");
    }
}

#[test]
fn weak_keys_are_refused_with_a_reason() {
    for (key, part) in [
        ("", "not set"),
        ("   \n", "not set"),
        ("short", "has 5 characters, 32"),
        ("abababababababababababababababababababab", "only 2 different"),
        ("YOUR-RANDOM-64-CHAR-STRING-HERE", "placeholder"),
    ] {
        let error = KeyRing::from_settings::<&str>(key, &[]).unwrap_err();
        assert!(error.to_string().contains(part), "{key}: {error}");
        assert!(error.to_string().contains("keys generate"));
    }
    assert_eq!(KeyRing::from_settings(KEY, &[" "]).unwrap_err(), Error::EmptyOldKey);
}

#[test]
fn generated_keys_are_accepted_and_differ() {
    let (one, two) = (generate_key(), generate_key());
    assert_ne!(one, two);
    assert_eq!(one.expose().len(), 64);
    KeyRing::from_settings::<&str>(one.expose(), &[]).unwrap();
}

#[test]
fn space_around_a_key_does_not_make_another_key() {
    let padded = KeyRing::from_settings::<&str>(&format!(" {KEY}\n"), &[]).unwrap();
    assert_eq!(padded.current_key_id(), ring().current_key_id());
}

#[test]
fn debug_output_shows_nothing() {
    assert_eq!(format!("{:?}", Secret::from("canary")), "Secret(..)");
    let shown = format!("{:?}", ring());
    assert!(!shown.contains("horse") && shown.contains(ring().current_key_id()), "{shown}");
}

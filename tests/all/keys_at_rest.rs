//! The keys that seal tokens: changed, rotated, and the original's format.

use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use aurareels_proto::v1::{AccountHealth, CheckAccountRequest};
use aurareels_tests::{Login, World, world::ENCRYPTION_KEY};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use serde_json::json;
use sha2::{Digest, Sha256};

const OTHER_KEY: &str = "another-key-0123456789abcdefghijklmnopqrstuvwxyz-of-the-tests";

#[tokio::test(flavor = "multi_thread")]
async fn another_key_refuses_to_start_and_the_right_one_goes_on() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    world.set("AURAREELS_SOCIAL_ENCRYPTION_KEY", OTHER_KEY);
    world.stop_core().await;
    let error = world.try_start().await.expect_err("a refusal");
    let text = format!("{error:#}");
    assert!(text.contains("AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS"), "{text}");
    assert!(!text.contains(OTHER_KEY) && !text.contains(ENCRYPTION_KEY), "{text}");
    // With the old one beside it, all goes on; and with the right one alone, too.
    world.set("AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS", ENCRYPTION_KEY);
    world.start_core().await;
    let first = world.me().publish_one(account, "With both keys").await;
    world.me().published(first).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_wrong_key() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    let due = world.now() + TimeDelta::hours(1);
    let id = world.me().schedule_one(account, "Patient", due).await;
    world.stop_core().await;
    world.set("AURAREELS_SOCIAL_ENCRYPTION_KEY", OTHER_KEY);
    world.advance_to(due);
    world.try_start().await.expect_err("a refusal");
    world.set("AURAREELS_SOCIAL_ENCRYPTION_KEY", ENCRYPTION_KEY);
    world.start_core().await;
    world.me().published(id).await;
    assert_eq!(world.me().get_account(account).await.health(), AccountHealth::Ok);
    world.finish(1).await;
}

/// `base64(iv16 || ciphertext)` under `sha256(key)`, as the original wrote it.
fn legacy(plain: &str) -> String {
    let iv = [7_u8; 16];
    let key = Sha256::digest(ENCRYPTION_KEY.as_bytes());
    let cipher = cbc::Encryptor::<aes::Aes256>::new(&key, &iv.into());
    let sealed = cipher.encrypt_padded_vec::<Pkcs7>(plain.as_bytes());
    STANDARD.encode([iv.as_slice(), &sealed].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_the_original_are_read_once_and_written_anew() {
    let mut world = World::start().await;
    let spec = json!({ "platform": "instagram", "username": "imported", "page": false, "tokens": true });
    let made = world.control("accounts", spec).await;
    let token = made["tokens"]["instagram"].as_str().expect("a token").to_owned();
    world.keep_secret(&token);
    world.stop_core().await;
    let sealed = legacy(&token);
    let (now, later) = (world.now(), world.now() + TimeDelta::days(30));
    let (now, later) = (world.db.literal(now), world.db.literal(later));
    let id = made["id"].as_str().unwrap();
    world
        .db
        .damage(&format!(
            "INSERT INTO aurareels_social_accounts (wp_user_id, platform, account_id, account_name, access_token, \
             login_flavour, token_format, token_expires_at, created_at, updated_at) VALUES (1, 'instagram', '{id}', \
             'Imported', '{sealed}', 'instagram_login', 'legacy', {later}, {now}, {now})"
        ))
        .await;
    world.start_core().await;
    let me = world.me();
    let account = me.list_accounts().await[0].id;
    let checked = me.accounts().check_account(CheckAccountRequest { id: account }).await.unwrap().into_inner();
    assert_eq!(checked.health(), AccountHealth::Ok, "{checked:#?}");
    let row = world.db.access_token().await;
    assert_eq!(row.1, "v1");
    assert_ne!(row.0, sealed);
    let id = me.publish_one(account, "Imported").await;
    me.published(id).await;
    world.finish(1).await;
}

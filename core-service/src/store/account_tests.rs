//! Tests of the tables around accounts: keys, legacy rows, disconnecting.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    Error, Store,
    accounts::NewIdentity,
    encryption_keys,
    encryption_keys::{KeyError, MissingKey},
    logins::Login,
};
use crate::{
    clock::Clock,
    domain::{
        account::{Account, Health},
        event::EventKind,
        ids::{AccountId, PostId, Sequence, UserId},
        ledger::{Entry, Evidence, Handle, StepClass},
        platform::{LoginFlavour, Platform},
    },
    params,
    secret::{self, KeyRing, Secret},
};

const FIRST: &str = "test-key-0123456789-abcdefghijklmnopqrstuv";
const SECOND: &str = "another-key-9876543210-zyxwvutsrqponmlkjih";
const USER: UserId = UserId(1);

async fn open(dir: &tempfile::TempDir, key: &str, old: &[&str]) -> Store {
    let keys = Arc::new(KeyRing::from_settings(key, old).unwrap());
    let store = Store::open(crate::store::db::testing::place(dir.path()).await, keys, Clock::system()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn identity(id: &str) -> NewIdentity {
    NewIdentity {
        platform: Platform::Tiktok,
        account_id: id.to_owned(),
        account_name: format!("name of {id}"),
        account_username: None,
        account_email: None,
        profile_picture_url: None,
        metadata: json!({}),
        grant_id: None,
        health_reason: None,
        login: Login {
            access: Secret::new(format!("access of {id}")),
            refresh: Some(Secret::new(format!("refresh of {id}"))),
            grant: None,
            expires_at: Some(now() + TimeDelta::days(1)),
            refresh_expires_at: None,
            lifetime_seconds: Some(86_400),
            refresh_due_at: None,
            scope: vec!["video.publish".to_owned()],
        },
    }
}

async fn connect(store: &Store, id: &str) -> Account {
    store.connect_accounts(USER, LoginFlavour::Tiktok, vec![identity(id)], now()).await.unwrap().remove(0)
}

async fn access(store: &Store, id: AccountId) -> String {
    store.account_login(id).await.unwrap().unwrap().login.unwrap().access.expose().to_owned()
}

async fn run(store: &Store, sql: &'static str, values: Vec<super::db::Value>) {
    store.db.write(async move |tx| tx.execute(sql, &values).await).await.unwrap();
}

async fn column(store: &Store, sql: &str) -> String {
    store.db.read().await.unwrap().fetch_optional(sql, &[]).await.unwrap().unwrap().text("value").unwrap()
}

/// A post in the least words; `published_at` for live ones.
async fn post(store: &Store, account: &Account, status: &'static str, published_at: Option<DateTime<Utc>>) -> PostId {
    let (user, account) = (account.wp_user_id, account.id);
    let id = store
        .db
        .write(async move |tx| {
            tx.insert(
                "INSERT INTO aurareels_social_posts (wp_user_id, social_account_id, platform, status, scheduled_at, \
                 published_at, created_at, updated_at, list_at, late_policy_seconds, status_since, metadata) \
                 VALUES (?, ?, 'tiktok', ?, ?, ?, ?, ?, ?, 86400, ?, '{}')",
                &params![user, account, status, now(), published_at, now(), now(), now(), now()],
            )
            .await
        })
        .await
        .unwrap();
    PostId(id)
}

/// A ledger row with a handle, as a publishing course leaves it.
async fn step(store: &Store, post: PostId, number: i32, handle: Handle) {
    let keys = store.keys();
    let entry = Entry {
        number,
        attempt: 1,
        step: "tiktok.video_init".to_owned(),
        class: StepClass::Repeatable,
        handle,
        sent_at: now(),
        deadline_at: now(),
        outcome: None,
        answered_at: None,
        evidence: Evidence::new(),
        fence: crate::domain::ids::Fence(1),
    };
    store.db.write(async move |tx| super::ledger::insert_entry(tx, &keys, post, &entry).await).await.unwrap();
}

#[tokio::test]
async fn a_legacy_row_is_read_and_rewritten_once() {
    let dir = tempfile::tempdir().unwrap();
    // The original's key as the only one; what PHP encrypted under it (see `secret::tests`).
    let store = open(&dir, FIRST, &["short"]).await;
    let account = connect(&store, "one").await;
    run(
        &store,
        "UPDATE aurareels_social_accounts SET access_token = ?, refresh_token = ?, token_format = 'legacy', \
         token_lifetime_seconds = NULL WHERE id = ?",
        params![
            "8ODQwLCgkIBwYFBAMCAQADPATe+UqEcy9UaVuOmt+ZZcdDzL9R+m6pAEvV2UzhHB",
            "8ODQwLCgkIBwYFBAMCAQADPATe+UqEcy9UaVuOmt+ZZcdDzL9R+m6pAEvV2UzhHB",
            account.id
        ]
        .to_vec(),
    )
    .await;
    assert_eq!(access(&store, account.id).await, "aaaaaaaaaaaaaaaa");
    let stored = column(&store, "SELECT access_token AS value FROM aurareels_social_accounts WHERE id = 1").await;
    assert_eq!(secret::key_id_of(&stored), Some(store.keys().current_key_id()));
    assert_eq!(column(&store, "SELECT token_format AS value FROM aurareels_social_accounts WHERE id = 1").await, "v1");
    let login = store.account_login(account.id).await.unwrap().unwrap();
    assert_eq!(login.login.unwrap().refresh.unwrap().expose(), "aaaaaaaaaaaaaaaa");
    assert_eq!(login.account.token_version, account.token_version, "the token is the same");
    assert_eq!(
        column(&store, "SELECT access_token AS value FROM aurareels_social_accounts WHERE id = 1").await,
        stored
    );
}

#[tokio::test]
async fn the_legacy_format_is_refused_in_rows_that_are_not_marked() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, FIRST, &["short"]).await;
    let account = connect(&store, "one").await;
    let forged = "8ODQwLCgkIBwYFBAMCAQADPATe+UqEcy9UaVuOmt+ZZcdDzL9R+m6pAEvV2UzhHB";
    run(&store, "UPDATE aurareels_social_accounts SET access_token = ? WHERE id = 1", params![forged].to_vec()).await;
    assert!(matches!(store.account_login(account.id).await, Err(Error::Secret(secret::Error::Malformed { .. }))));
}

#[tokio::test]
async fn a_token_copied_to_another_account_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, FIRST, &[]).await;
    let (one, two) = (connect(&store, "one").await, connect(&store, "two").await);
    run(
        &store,
        "UPDATE aurareels_social_accounts SET access_token = (SELECT access_token FROM aurareels_social_accounts \
         WHERE id = ?) WHERE id = ?",
        params![one.id, two.id].to_vec(),
    )
    .await;
    assert!(matches!(store.account_login(two.id).await, Err(Error::Secret(secret::Error::Tampered))));
    assert_eq!(access(&store, one.id).await, "access of one");
}

#[tokio::test]
async fn a_start_without_a_needed_key_is_refused_and_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(&dir, FIRST, &[]).await;
    first.check_keys(now()).await.unwrap();
    // Nothing was sealed yet: another key is as good.
    let second = open(&dir, SECOND, &[]).await;
    second.check_keys(now()).await.unwrap();
    assert_eq!(
        column(&second, "SELECT COUNT(*) || '' AS value FROM aurareels_encryption_keys WHERE key_id > ''").await,
        "1"
    );
    let account = connect(&first, "one").await;
    let key_id = first.keys().current_key_id().to_owned();
    match second.check_keys(now()).await.unwrap_err() {
        KeyError::Missing(missing) => assert_eq!(missing, [MissingKey { key_id: key_id.clone(), values: 2 }]),
        other => panic!("{other}"),
    }
    assert!(second.check_keys(now()).await.unwrap_err().to_string().contains(&key_id));
    assert_eq!(first.account(account.id).await.unwrap().unwrap().health, Health::Ok);
    open(&dir, SECOND, &[FIRST]).await.check_keys(now()).await.unwrap();
}

#[tokio::test]
async fn a_key_that_only_looks_like_the_right_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, FIRST, &[]).await;
    store.check_keys(now()).await.unwrap();
    run(&store, "UPDATE aurareels_encryption_keys SET check_value = ? WHERE key_id > ''", params!["00"].to_vec()).await;
    let error = store.check_keys(now()).await.unwrap_err();
    assert!(matches!(&error, KeyError::Wrong(id) if id == store.keys().current_key_id()), "{error}");
}

#[tokio::test]
async fn rotation_rewrites_everything_and_forgets_the_old_key() {
    let dir = tempfile::tempdir().unwrap();
    let old = open(&dir, FIRST, &[]).await;
    old.check_keys(now()).await.unwrap();
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(connect(&old, &format!("a{number}")).await);
    }
    let live = post(&old, &ids[0], "published", Some(now())).await;
    // More than one batch of the ledger.
    for number in 1..=450 {
        let handle = Handle::default().with("upload_url", format!("https://upload.example/{number}"));
        step(&old, live, number, handle).await;
    }
    step(&old, live, 451, Handle::default()).await;
    let secret = old.keys().seal(&encryption_keys::webhook_secret(USER), "whsec");
    run(
        &old,
        "INSERT INTO aurareels_webhook_endpoints (wp_user_id, url, secret, created_at, updated_at) VALUES (1, 'x', ?, 0, 0)",
        params![secret].to_vec(),
    )
    .await;

    let both = open(&dir, SECOND, &[FIRST]).await;
    let rotation = both.rotate_keys().await.unwrap();
    assert_eq!(rotation.rewritten(), 3 + 450 + 1);
    assert_eq!(rotation.forgotten, [old.keys().current_key_id()]);
    assert!(rotation.unreadable().next().is_none() && rotation.still_needed.is_empty(), "{rotation:?}");

    let new = open(&dir, SECOND, &[]).await;
    new.check_keys(now()).await.unwrap();
    assert_eq!(access(&new, ids[2].id).await, "access of a2");
    let ledger = new.ledger(live).await.unwrap();
    assert_eq!(ledger.entries()[449].handle.text("upload_url"), Some("https://upload.example/450"));
    let secret = column(&new, "SELECT secret AS value FROM aurareels_webhook_endpoints WHERE id = 1").await;
    assert_eq!(new.keys().open(&encryption_keys::webhook_secret(USER), &secret).unwrap().expose(), "whsec");
    assert_eq!(both.rotate_keys().await.unwrap().rewritten(), 0, "again changes nothing");
    assert!(matches!(old.account_login(ids[0].id).await, Err(Error::Secret(secret::Error::UnknownKey { .. }))));
}

#[tokio::test]
async fn rotation_keeps_a_key_that_an_unreadable_value_needs() {
    let dir = tempfile::tempdir().unwrap();
    let old = open(&dir, FIRST, &[]).await;
    old.check_keys(now()).await.unwrap();
    let (one, two) = (connect(&old, "one").await, connect(&old, "two").await);
    run(
        &old,
        "UPDATE aurareels_social_accounts SET refresh_token = access_token WHERE id = ?",
        params![two.id].to_vec(),
    )
    .await;
    let both = open(&dir, SECOND, &[FIRST]).await;
    let rotation = both.rotate_keys().await.unwrap();
    assert_eq!(rotation.unreadable().collect::<Vec<_>>(), [format!("refresh_token of account {}", two.id)]);
    assert_eq!(rotation.still_needed, [old.keys().current_key_id()]);
    assert!(rotation.forgotten.is_empty());
    let new = open(&dir, SECOND, &[]).await;
    assert_eq!(access(&new, one.id).await, "access of one");
    assert!(matches!(new.check_keys(now()).await, Err(KeyError::Missing(_))));
}

#[tokio::test]
async fn rotation_takes_legacy_rows_along() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, FIRST, &["short"]).await;
    let account = connect(&store, "one").await;
    run(
        &store,
        "UPDATE aurareels_social_accounts SET access_token = ?, refresh_token = NULL, token_format = 'legacy' WHERE id = 1",
        params!["8ODQwLCgkIBwYFBAMCAQADPATe+UqEcy9UaVuOmt+ZZcdDzL9R+m6pAEvV2UzhHB"].to_vec(),
    )
    .await;
    assert_eq!(store.rotate_keys().await.unwrap().rewritten(), 1);
    assert_eq!(access(&open(&dir, FIRST, &[]).await, account.id).await, "aaaaaaaaaaaaaaaa");
}

#[tokio::test]
async fn disconnecting_fails_scheduled_posts_and_leaves_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, FIRST, &[]).await;
    let account = connect(&store, "one").await;
    let scheduled = post(&store, &account, "scheduled", None).await;
    let confirming = post(&store, &account, "confirming", None).await;
    let other = connect(&store, "two").await;
    let others = post(&store, &other, "scheduled", None).await;
    let done = store.deactivate_account(&account, now()).await.unwrap().unwrap();
    assert_eq!((done.failed_posts, done.account.is_active, done.grant_in_use), (1, false, false));
    let status = async |id: PostId| store.post(id).await.unwrap().unwrap().status.as_str();
    assert_eq!(status(scheduled).await, "failed");
    assert_eq!(status(confirming).await, "confirming");
    assert_eq!(status(others).await, "scheduled");
    assert!(store.deactivate_account(&account, now()).await.unwrap().is_none());
    let wiped = store.wipe_tokens(&done.account, now()).await.unwrap().unwrap();
    assert_eq!(wiped.token_version, account.token_version + 1);
    assert_eq!(column(&store, "SELECT access_token AS value FROM aurareels_social_accounts WHERE id = 1").await, "");
    assert!(store.account_login(account.id).await.unwrap().unwrap().login.is_none());
    let kinds: Vec<EventKind> =
        store.events_after(USER, Sequence(0), 100).await.unwrap().into_iter().map(|event| event.event.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == EventKind::AccountDisconnected).count(), 1);
    // A refresh that was under way finds nothing to write over.
    let late = identity("one").login;
    assert!(store.store_refreshed(&account, &late, now()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_refresh_keeps_what_it_did_not_bring_and_wins_only_over_its_own_version() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, FIRST, &[]).await;
    let account = connect(&store, "one").await;
    store.set_account_health(&account, Health::NeedsReconnect, Some("gone".to_owned()), now()).await.unwrap().unwrap();
    let new = Login { access: Secret::new("new"), refresh: None, scope: Vec::new(), ..identity("one").login };
    let after = store.store_refreshed(&account, &new, now()).await.unwrap().unwrap();
    assert_eq!((after.health, after.health_reason.as_deref(), after.token_version), (Health::Ok, None, 2));
    assert_eq!(after.token_scope, ["video.publish"]);
    let login = store.account_login(account.id).await.unwrap().unwrap().login.unwrap();
    assert_eq!((login.access.expose(), login.refresh.unwrap().expose()), ("new", "refresh of one"));
    assert!(store.store_refreshed(&account, &new, now()).await.unwrap().is_none(), "the version is another");
    let stale = store.set_account_health(&account, Health::NeedsReconnect, None, now()).await.unwrap();
    assert!(stale.is_none(), "a verdict about a replaced token does not count");
}

#[tokio::test]
async fn quotas_count_per_platform_account_and_per_user() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, FIRST, &[]).await;
    let mine = connect(&store, "shared").await;
    let also_mine = connect(&store, "other").await;
    let identities = vec![identity("shared")];
    let theirs = store.connect_accounts(UserId(2), LoginFlavour::Tiktok, identities, now()).await.unwrap().remove(0);
    let hour = TimeDelta::hours(1);
    for (account, at) in
        [(&mine, now() - hour), (&theirs, now() - hour), (&also_mine, now() - hour * 2), (&mine, now() - hour * 30)]
    {
        post(&store, account, "published", Some(at)).await;
    }
    post(&store, &mine, "scheduled", None).await;
    let day = now() - hour * 24;
    assert_eq!(store.published_on_account(&mine, day).await.unwrap(), 2);
    assert_eq!(store.published_on_account(&also_mine, day).await.unwrap(), 1);
    assert_eq!(store.daily_posts(USER, mine.platform, now()).await.unwrap(), 2);
    assert_eq!(store.daily_posts(UserId(2), mine.platform, now()).await.unwrap(), 1);
}

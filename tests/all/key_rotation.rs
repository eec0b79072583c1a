//! Encryption keys that change while a core runs.

use std::{collections::BTreeMap, process::Output};

use aurareels_proto::v1::PostStatus;
use aurareels_tests::{Login, World, world::ENCRYPTION_KEY};

use crate::process::{Served, begin, run};

const KEY: &str = "AURAREELS_SOCIAL_ENCRYPTION_KEY";
const OLD_KEYS: &str = "AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS";
const SECOND: &str = "the-second-key-0123456789abcdefghijklmnopqrstuvwxyz-of-the-tests";

/// A world with an account, whose core is a process of its own with its keys in a file.
async fn outside() -> (World, BTreeMap<String, String>, i64) {
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    world.set("AURAREELS_LEASE_SECONDS", "3");
    world.stop_core().await;
    world.keep_secret(SECOND);
    let mut settings = world.settings().clone();
    settings.remove(KEY);
    settings.insert("AURAREELS_CONFIG".to_owned(), world.backup_file("aurareels.toml").display().to_string());
    (world, settings, account)
}

fn write_keys(world: &World, current: &str, old: &[&str]) {
    let text = format!("[keys]\nsocial_encryption_key = {current:?}\nsocial_encryption_old_keys = {old:?}\n");
    std::fs::write(world.backup_file("aurareels.toml"), text).expect("settings");
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn publishes(world: &World, account: i64, caption: &str) {
    let id = world.me().publish_one(account, caption).await;
    world.me().until_unhurried(id, "published", |post| post.status() == PostStatus::Published).await;
}

async fn is_well(world: &World, served: &Served) {
    let page = format!("{}/healthz", served.url);
    world
        .wait_for("health", async || {
            world.http.get(&page).send().await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_has_a_running_core_take_up_the_new_key_of_its_file_and_publishing_goes_on() {
    let (mut world, settings, account) = outside().await;
    write_keys(&world, ENCRYPTION_KEY, &[]);
    let served = Served::start(&settings, &world.http).await;
    world.speak_to(&served.url);
    for number in 0..3 {
        publishes(&world, account, &format!("Before {number}")).await;
    }
    write_keys(&world, SECOND, &[ENCRYPTION_KEY]);
    let rotated = run(&settings, &["keys", "rotate"]).await;
    let said = text(&rotated);
    assert!(rotated.status.success(), "{said}\n{}", served.log());
    for table in ["aurareels_social_accounts", "aurareels_post_steps", "aurareels_webhook_endpoints"] {
        assert_eq!(said.matches(table).count(), 1, "{said}");
    }
    assert!(said.lines().count() <= 4, "a line for each table: {said}");
    assert!(said.contains("is needed no more"), "{said}");
    publishes(&world, account, "After").await;
    is_well(&world, &served).await;
    // The old one is taken out of the file, and the core told so by a signal.
    write_keys(&world, SECOND, &[]);
    served.hang_up().await;
    world
        .wait_for("the word of the log", async || {
            (served.log().matches("the encryption keys of the settings are in use").count() == 2).then_some(())
        })
        .await;
    publishes(&world, account, "With the second key alone").await;
    // A file that lacks a key which stored values need changes nothing.
    write_keys(&world, ENCRYPTION_KEY, &[]);
    served.hang_up().await;
    world
        .wait_for("a refusal", async || served.log().contains("the encryption keys stay as they are").then_some(()))
        .await;
    publishes(&world, account, "Still with the second key").await;
    is_well(&world, &served).await;
    served.terminate().await;
    world.set(KEY, SECOND);
    world.start_core().await;
    world.finish(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_refused_while_a_core_lives_that_could_not_read_what_it_writes() {
    let (mut world, mut settings, account) = outside().await;
    settings.remove("AURAREELS_CONFIG");
    settings.insert(KEY.to_owned(), ENCRYPTION_KEY.to_owned());
    let served = Served::start(&settings, &world.http).await;
    world.speak_to(&served.url);
    let mut changed = settings.clone();
    changed.insert(KEY.to_owned(), SECOND.to_owned());
    changed.insert(OLD_KEYS.to_owned(), ENCRYPTION_KEY.to_owned());
    let refused = run(&changed, &["keys", "rotate"]).await;
    let said = text(&refused);
    assert!(!refused.status.success(), "{said}");
    for word in [&format!("process {}", served.pid()), KEY, OLD_KEYS, "restart", "nothing was changed"] {
        assert!(said.contains(word), "`{word}` is missing: {said}");
    }
    publishes(&world, account, "As before").await;
    is_well(&world, &served).await;
    served.terminate().await;
    // With the core gone, or started with both keys, it goes through.
    let served = Served::start(&changed, &world.http).await;
    world.speak_to(&served.url);
    let rotated = run(&changed, &["keys", "rotate"]).await;
    assert!(rotated.status.success(), "{}", text(&rotated));
    publishes(&world, account, "With both keys").await;
    served.terminate().await;
    world.set(KEY, SECOND);
    world.start_core().await;
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_at_once_of_a_key_that_the_core_does_not_have() {
    let (mut world, settings, account) = outside().await;
    write_keys(&world, ENCRYPTION_KEY, &[]);
    let served = Served::start(&settings, &world.http).await;
    world.speak_to(&served.url);
    // As a rotation of an older release begins, which asks nobody.
    let now = world.db.literal(world.now());
    world
        .db
        .damage(&format!(
            "INSERT INTO aurareels_encryption_keys (key_id, check_value, created_at) VALUES ('00000000deadbeef', 'x', {now})"
        ))
        .await;
    let page = format!("{}/healthz", served.url);
    world
        .wait_for("bad health", async || {
            let answer = world.http.get(&page).send().await.ok()?;
            let status = answer.status().as_u16();
            let text = answer.text().await.ok()?;
            (status == 503 && text.contains("00000000deadbeef") && text.contains(OLD_KEYS)).then_some(())
        })
        .await;
    world.db.damage("DELETE FROM aurareels_encryption_keys WHERE key_id = '00000000deadbeef'").await;
    world
        .wait_for("health", async || {
            world.http.get(&page).send().await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
    publishes(&world, account, "All keys at hand").await;
    served.terminate().await;
    world.start_core().await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_killed_goes_on_when_it_is_run_again() {
    let (mut world, mut settings, account) = outside().await;
    settings.remove("AURAREELS_CONFIG");
    settings.insert(KEY.to_owned(), ENCRYPTION_KEY.to_owned());
    let served = Served::start(&settings, &world.http).await;
    world.speak_to(&served.url);
    publishes(&world, account, "With many steps").await;
    served.terminate().await;
    // Enough to be killed in the middle of it.
    let digits = (0..8).map(|digit| format!("SELECT {digit} AS n")).collect::<Vec<_>>().join(" UNION ");
    let numbers = ["a", "b", "c", "d", "e"].map(|name| format!(" CROSS JOIN ({digits}) {name}")).concat();
    world
        .db
        .damage(&format!(
            "INSERT INTO aurareels_post_steps (post_id, number, attempt, step, class, handle, sent_at, deadline_at, outcome, \
             answered_at, evidence, fence) SELECT s.post_id, 1000 + a.n + 8 * b.n + 64 * c.n + 512 * d.n + 4096 * e.n, \
             s.attempt, s.step, s.class, s.handle, s.sent_at, s.deadline_at, s.outcome, s.answered_at, s.evidence, s.fence \
             FROM (SELECT * FROM aurareels_post_steps WHERE handle > '' AND outcome = 'accepted' ORDER BY number LIMIT 1) s \
             {numbers}"
        ))
        .await;
    settings.insert(KEY.to_owned(), SECOND.to_owned());
    settings.insert(OLD_KEYS.to_owned(), ENCRYPTION_KEY.to_owned());
    let db = world.db.clone();
    let sealed = async || db.handles_by_key().await;
    assert_eq!(sealed().await.len(), 1);
    let mut rotation = begin(&settings, &["keys", "rotate"]);
    world.wait_for("a beginning", async || (sealed().await.len() == 2).then_some(())).await;
    rotation.kill().await.expect("killed");
    let left = sealed().await;
    assert_eq!(left.len(), 2, "killed in the middle: {left:?}");
    // A core with both keys runs on what is left.
    let served = Served::start(&settings, &world.http).await;
    world.speak_to(&served.url);
    publishes(&world, account, "In between").await;
    let rotated = run(&settings, &["keys", "rotate"]).await;
    assert!(rotated.status.success(), "{}", text(&rotated));
    assert_eq!(sealed().await.len(), 1);
    served.terminate().await;
    world.db.damage("DELETE FROM aurareels_post_steps WHERE number >= 1000").await;
    world.set(KEY, SECOND);
    world.start_core().await;
    publishes(&world, account, "With the second key alone").await;
    world.finish(3).await;
}

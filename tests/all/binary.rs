//! The real binary: killed, stopped, refused, and going on.

use std::{collections::BTreeMap, time::Duration};

use aurareels_proto::v1::PostStatus;
use aurareels_simulator::{Hold, Rule};
use aurareels_tests::{Login, World, database::Database, fault::on, server::Private};

use crate::process::{Served, run};

/// Settings of a world whose core runs as a process of its own.
async fn outside(world: &mut World) -> BTreeMap<String, String> {
    world.set("AURAREELS_LEASE_SECONDS", "3");
    world.stop_core().await;
    world.settings().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_request_it_still_makes_one_post_each() {
    let mut world = World::start().await;
    let tiktok = world.me().account(Login::Tiktok).await;
    let instagram = world.me().account(Login::Facebook).await;
    let settings = outside(&mut world).await;
    let mut ids = Vec::new();
    for (account, operation, hold) in [
        (tiktok, "tiktok.creator_info", Hold::Before),
        (tiktok, "tiktok.video_init", Hold::After),
        (tiktok, "tiktok.upload_last_chunk", Hold::After),
        (tiktok, "tiktok.upload_last_chunk", Hold::Before),
        (tiktok, "tiktok.status", Hold::Before),
        (instagram, "meta.container_create", Hold::After),
        (instagram, "meta.upload", Hold::After),
        (instagram, "meta.container_status", Hold::Before),
        (instagram, "meta.media_publish", Hold::After),
        (instagram, "meta.media_publish", Hold::Before),
    ] {
        let served = Served::start(&settings, &world.http).await;
        world.speak_to(&served.url);
        let rule = world.hold(operation, hold);
        let id = world.me().publish_one(account, &format!("{operation} {hold:?}")).await;
        world.wait_for(operation, async || world.sim.fault_fired(rule).filter(|times| *times > 0)).await;
        served.kill().await;
        world.sim.remove_fault(rule);
        ids.push(id);
    }
    // Another core takes over, and time passes.
    world.start_core().await;
    for id in &ids {
        world.me().published(*id).await;
    }
    world.finish(ids.len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_it_ends_in_time_and_the_post_goes_on() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let settings = outside(&mut world).await;
    let served = Served::start(&settings, &world.http).await;
    world.speak_to(&served.url);
    let rule = world.hold("meta.media_publish", Hold::Before);
    let id = world.me().publish_one(account, "Stopped").await;
    world.wait_for("a publish", async || world.sim.fault_fired(rule).filter(|times| *times > 0)).await;
    let (status, took) = served.terminate().await;
    assert!(status.success(), "{status:?}");
    assert!(took <= Duration::from_secs(10), "{took:?}");
    world.sim.remove_fault(rule);
    world.start_core().await;
    world.me().published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_setting_it_refuses_to_start_and_says_what_to_do() {
    let mut world = World::start().await;
    world.me().account(Login::Tiktok).await;
    let settings = outside(&mut world).await;
    let refused = async |change: &[(&str, &str)], words: &[&str]| {
        let mut settings = settings.clone();
        for (name, value) in change {
            settings.insert((*name).to_owned(), (*value).to_owned());
        }
        settings.retain(|_, value| !value.is_empty());
        let output = run(&settings, &["serve"]).await;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success(), "{text}");
        for word in words {
            assert!(text.contains(word), "`{word}` is missing: {text}");
        }
    };
    let key = "AURAREELS_SOCIAL_ENCRYPTION_KEY";
    refused(&[(key, "")], &[key, "aurareels keys generate"]).await;
    refused(&[(key, "short")], &[key]).await;
    refused(&[("AURAREELS_NO_SUCH_THING", "1")], &["AURAREELS_NO_SUCH_THING"]).await;
    refused(&[("AURAREELS_LISTEN", "nowhere")], &["AURAREELS_LISTEN"]).await;
    refused(&[("AURAREELS_TLS_CERT", "/nowhere.pem")], &["AURAREELS_TLS"]).await;
    refused(
        &[(key, "quite-another-key-0123456789abcdefghijklmnopqrstuvwxyz")],
        &["AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS"],
    )
    .await;
    // The key's maker makes keys that work.
    let made = run(&BTreeMap::new(), &["keys", "generate"]).await;
    let made = String::from_utf8(made.stdout).expect("text");
    let made = made.split_whitespace().last().expect("a key");
    let mut fresh = settings.clone();
    fresh.insert(key.to_owned(), made.to_owned());
    fresh.insert("AURAREELS_DATA_DIR".to_owned(), world.data_dir().join("fresh").display().to_string());
    if fresh.contains_key("AURAREELS_DATABASE_URL") {
        // A database that holds others' tables.
        fresh.insert("AURAREELS_TABLE_PREFIX".to_owned(), "fresh_".to_owned());
    }
    let served = Served::start(&fresh, &world.http).await;
    let output = run(&fresh, &["api-key", "create", "--user", "5"]).await;
    let api_key = String::from_utf8(output.stdout).expect("text").trim().to_owned();
    assert!(api_key.starts_with("ar_"), "{api_key}");
    world.speak_to(&served.url);
    let posts = world.posts_as(&api_key, None).list_posts(aurareels_proto::v1::ListPostsRequest::default()).await;
    assert!(posts.expect("the key works").into_inner().posts.is_empty());
    served.terminate().await;
    world.start_core().await;
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_cores_on_one_database_make_one_post() {
    let mut world = World::with(&[("AURAREELS_CONCURRENCY", "1")]).await;
    let account = world.me().account(Login::Facebook).await;
    let other = Served::start(world.settings(), &world.http).await;
    // Each core works on one post at a time: two requests under way are one of each core.
    let both = world.sim.add_fault(Rule { times: 2, ..Rule::hold_once(on("meta.container_create"), Hold::Before) });
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push(world.me().publish_one(account, &format!("Shared {number}")).await);
    }
    world.wait_for("a request of each core", async || (world.sim.fault_fired(both) == Some(2)).then_some(())).await;
    world.sim.release_fault(both);
    for id in &ids {
        // No clock is moved: the other process has its own.
        let post = world.me().until_unhurried(*id, "published", |post| post.status() == PostStatus::Published).await;
        assert_eq!(post.attempts.len(), 1);
    }
    other.terminate().await;
    world.restart().await;
    for id in &ids {
        world.me().published(*id).await;
    }
    world.finish(ids.len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_with_one_visible_post_for_each_of_its_posts_on_every_platform() {
    let server = Private::chosen().await.map(|private| (private.url(), private));
    let mut arguments = vec!["demo", "--exit", "--ahead", "5", "--listen", "127.0.0.1:0"];
    if let Some((url, _)) = &server {
        arguments.extend(["--database-url", url]);
    }
    let ended = run(&BTreeMap::new(), &arguments).await;
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{told}");
    for platform in ["tiktok", "instagram", "facebook", "youtube"] {
        let rows = told.lines().filter(|line| line.trim_start().starts_with(platform)).count();
        assert_eq!(rows, 2, "{platform}: {told}");
    }
    if let Some((url, _)) = &server {
        let left = Database::of_url(url).tables().await;
        assert_eq!(left, [""; 0], "the demo's tables are removed");
    }
}

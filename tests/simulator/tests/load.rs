//! Ten thousand tasks over two thousand accounts. Slow in a debug build, so it runs on request:
//! `cargo test --release -p aurareels-simulator --test load -- --ignored --nocapture`.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aurareels_simulator::{Mp4Spec, Options, TikTokRules};
use serde_json::json;
use support::*;

const ACCOUNTS: usize = 2_000;
const POSTS_EACH: usize = 5;
const CLIENTS: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a load test"]
async fn ten_thousand_tasks_make_ten_thousand_posts() {
    let mut world = World::with(Options { tiktok: TikTokRules::without_limits(), ..Options::default() }).await;
    world.http = pooled_http();
    let world = Arc::new(world);
    let video = Mp4Spec { size: 20_000, ..Mp4Spec::default() }.to_bytes().unwrap();
    let started = std::time::Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (world, video, next) = (world.clone(), video.clone(), next.clone());
        clients.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < ACCOUNTS {
                let account = world.sim.create_account(&json!({ "platform": "tiktok" })).unwrap();
                let login = world.login(account["id"].as_str().unwrap()).await;
                for _ in 0..POSTS_EACH {
                    let (status, body) = world.init(&login, "SELF_ONLY", &video).await;
                    assert_eq!(status, 200, "{body}");
                    let url = body["data"]["upload_url"].as_str().unwrap();
                    assert_eq!(world.put(url, 0, video.len(), video.clone()).await.unwrap().status(), 201);
                    ids.push((login.clone(), body["data"]["publish_id"].as_str().unwrap().to_owned()));
                }
            }
            ids
        }));
    }
    let mut ids = Vec::new();
    for client in clients {
        ids.extend(client.await.unwrap());
    }
    eprintln!("{} tasks created and uploaded in {:?}", ids.len(), started.elapsed());
    world.advance(60).await;
    let started = std::time::Instant::now();
    let total = ids.len();
    let ids = Arc::new(ids);
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (world, ids, next) = (world.clone(), ids.clone(), next.clone());
        clients.push(tokio::spawn(async move {
            while let Some((login, id)) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (_, body) = world.status(login, id).await;
                assert_eq!(body["data"]["status"], "PUBLISH_COMPLETE");
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    eprintln!("{total} polls in {:?}", started.elapsed());
    assert_eq!(world.sim.posts().len(), ACCOUNTS * POSTS_EACH);
}

//! Uploads of 4 GiB to YouTube and to a Page, with the memory that they take. They take minutes in a debug build, so
//! they run on request: `cargo test --release -p aurareels-simulator --test large -- --ignored --nocapture --test-threads 1`.

mod support;

use aurareels_simulator::{Host, Options};
use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::World;

const SIZE: u64 = 4 << 30;
const PIECE: usize = 1 << 20;
/// Both ends of the connection are in this process: sockets and pieces under way, and no part of a file.
const MOST: u64 = 64 << 20;

/// A body that is never in memory as a whole.
fn zeros(size: u64) -> reqwest::Body {
    let piece = Bytes::from(vec![0; PIECE]);
    let pieces = (0..size / PIECE as u64).map(move |_| Ok::<_, std::io::Error>(piece.clone()));
    reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))
}

fn hash_of_zeros(size: u64) -> String {
    let piece = vec![0; PIECE];
    let mut hash = Sha256::new();
    for _ in 0..size / PIECE as u64 {
        hash.update(&piece);
    }
    hex::encode(hash.finalize())
}

/// A line of `/proc/self/status` in bytes.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let value = status.lines().find_map(|text| text.strip_prefix(line)).unwrap();
    value.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

/// How far the peak rises above what the process has now.
async fn rise(upload: impl Future<Output = ()>) -> u64 {
    // Begins a new peak.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS:");
    upload.await;
    memory("VmHWM:").saturating_sub(before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn four_gibibytes_to_youtube_take_no_memory() {
    let world = World::with(Options { default_accounts: false, ..Options::default() }).await;
    let made = world.set("accounts", json!({ "platform": "youtube", "tokens": true })).await;
    let access = text(&made["tokens"], "access");
    let url = format!("{}/upload/youtube/v3/videos?uploadType=resumable&part=snippet", world.sim.url(Host::YouTubeApi));
    let request = world.http.request(Method::POST, url).bearer_auth(&access);
    let request = request.header("x-upload-content-length", SIZE.to_string());
    let answer = request.json(&json!({ "snippet": { "title": "Large" } })).send().await.unwrap();
    let uri = answer.headers()["location"].to_str().unwrap().to_owned();
    let risen = rise(async {
        let request = world.http.put(&uri).header("content-length", SIZE.to_string()).body(zeros(SIZE));
        assert_eq!(request.send().await.unwrap().status(), 201);
    })
    .await;
    let videos = world.get("youtube/videos").await;
    assert_eq!(videos["videos"][0]["sha256"], hash_of_zeros(SIZE));
    eprintln!("YouTube: {} MiB at most", risen >> 20);
    assert!(risen < MOST, "{risen} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn four_gibibytes_to_a_page_take_no_memory() {
    let world = World::with(Options { default_accounts: false, ..Options::default() }).await;
    let made = world.set("accounts", json!({ "platform": "facebook", "tokens": true })).await;
    let (page, token) = (text(&made, "id"), text(&made["tokens"], "page"));
    let url = format!("{}/v26.0/{page}/video_reels", world.sim.url(Host::MetaGraph));
    let request = world.http.post(url).bearer_auth(&token).form(&[("upload_phase", "start")]);
    let begun: Value = request.send().await.unwrap().json().await.unwrap();
    let risen = rise(async {
        let request = world.http.post(text(&begun, "upload_url")).header("authorization", format!("OAuth {token}"));
        let request = request.header("offset", "0").header("file_size", SIZE.to_string());
        assert_eq!(request.body(zeros(SIZE)).send().await.unwrap().status(), 200);
    })
    .await;
    let video = world.get(&format!("meta/facebook/videos/{}", text(&begun, "video_id"))).await;
    assert_eq!(video["sha256"], hash_of_zeros(SIZE));
    eprintln!("Facebook: {} MiB at most", risen >> 20);
    assert!(risen < MOST, "{risen} bytes");
}

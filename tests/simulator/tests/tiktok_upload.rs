//! TikTok's chunk PUTs as the sheet §4.5 has them, with faults.

mod support;

use aurareels_simulator::{Action, Filter, Matcher, Mp4Spec, Options, Rule, TikTokRules, When, refusals};
use bytes::Bytes;
use serde_json::{Value, json};
use support::*;

const CHUNK: usize = 6_000_000;

struct Upload {
    world: World,
    login: Login,
    url: String,
    id: String,
    video: Bytes,
}

impl Upload {
    /// Two chunks: 6,000,000 bytes and the rest of 13,000,000.
    async fn start(tiktok: TikTokRules) -> Upload {
        let world = World::with(Options { tiktok, ..Options::default() }).await;
        let login = world.login(PUBLIC_CREATOR).await;
        let video = Mp4Spec { size: 13_000_000, ..Mp4Spec::default() }.to_bytes().unwrap();
        let source = json!({
            "source": "FILE_UPLOAD", "video_size": video.len(), "chunk_size": CHUNK, "total_chunk_count": 2
        });
        let (status, body) = world.post(&login.access, INIT, direct("SELF_ONLY", "", source)).await;
        assert_eq!(status, 200, "{body}");
        let text = |name: &str| body["data"][name].as_str().unwrap().to_owned();
        assert!(text("upload_url").len() <= 256);
        Upload { login, url: text("upload_url"), id: text("publish_id"), video, world }
    }

    async fn put(&self, first: usize, last: usize) -> reqwest::Result<(u16, Option<String>)> {
        let answer = self.world.put(&self.url, first, self.video.len(), self.video.slice(first..last)).await?;
        let range = answer.headers().get("content-range").map(|value| value.to_str().unwrap().to_owned());
        Ok((answer.status().as_u16(), range))
    }

    async fn uploaded(&self) -> Value {
        self.world.status(&self.login, &self.id).await.1["data"]["uploaded_bytes"].clone()
    }
}

fn last_chunk() -> Matcher {
    Matcher { operation: Some("tiktok.upload_last_chunk".into()), ..Matcher::default() }
}

#[tokio::test]
async fn chunks_go_in_order_and_the_last_takes_the_rest() {
    let upload = Upload::start(TikTokRules::default()).await;
    assert_eq!(upload.put(CHUNK, 13_000_000).await.unwrap(), (416, None), "out of order");
    assert_eq!(upload.put(0, CHUNK - 1).await.unwrap(), (416, None), "not the planned range");
    let first = Some("bytes 0-5999999/13000000".to_owned());
    assert_eq!(upload.put(0, CHUNK).await.unwrap(), (206, first.clone()));
    assert_eq!(upload.uploaded().await, 6_000_000);
    assert_eq!(upload.put(0, CHUNK).await.unwrap(), (416, first.clone()), "already there");
    assert_eq!(upload.put(CHUNK, 12_000_000).await.unwrap(), (416, first), "the remainder belongs to the last chunk");
    let all = Some("bytes 0-12999999/13000000".to_owned());
    assert_eq!(upload.put(CHUNK, 13_000_000).await.unwrap(), (201, all.clone()));
    assert_eq!(upload.put(CHUNK, 13_000_000).await.unwrap(), (416, all), "posting has begun");
    upload.world.advance(5).await;
    assert_eq!(upload.world.sim.posts().len(), 1);
    let one = Filter { operation: Some("tiktok.upload_last_chunk".into()), succeeded: Some(true), ..Filter::default() };
    assert_eq!(upload.world.sim.requests(&one).len(), 1);
}

#[tokio::test]
async fn resent_chunks_may_be_answered_as_before() {
    let upload = Upload::start(TikTokRules { resent_range_is_416: false, ..TikTokRules::default() }).await;
    upload.put(0, CHUNK).await.unwrap();
    assert_eq!(upload.put(0, CHUNK).await.unwrap().0, 206);
    upload.put(CHUNK, 13_000_000).await.unwrap();
    assert_eq!(upload.put(CHUNK, 13_000_000).await.unwrap().0, 201);
    upload.world.advance(5).await;
    assert_eq!(upload.world.sim.posts().len(), 1, "a repeat does not post again");
}

#[tokio::test]
async fn url_is_the_credential_and_dies_after_an_hour() {
    let upload = Upload::start(TikTokRules::default()).await;
    let kill = json!({ "account": PUBLIC_CREATOR });
    upload.world.set("tiktok/tokens/kill", kill).await;
    assert_eq!(upload.put(0, CHUNK).await.unwrap().0, 206, "it outlives the access token");
    upload.world.advance(3_601).await;
    assert_eq!(upload.put(CHUNK, 13_000_000).await.unwrap().0, 403);
    let foreign = upload.url.replace("upload_token=", "upload_token=x");
    let answer = upload.world.put(&foreign, 0, 13_000_000, upload.video.slice(..CHUNK)).await.unwrap();
    assert_eq!(answer.status(), 404);
    upload.world.advance(86_400).await;
    assert!(upload.world.sim.posts().is_empty());
}

#[tokio::test]
async fn malformed_heads_are_400() {
    let upload = Upload::start(TikTokRules::default()).await;
    let put = |range: &'static str, kind: &'static str| {
        let request = upload.world.http.put(&upload.url).header("content-type", kind).body(upload.video.slice(..CHUNK));
        let request = if range.is_empty() { request } else { request.header("content-range", range) };
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(put("", "video/mp4").await, 400);
    assert_eq!(put("bytes 0-5999999", "video/mp4").await, 400);
    assert_eq!(put("bytes 0-5999998/13000000", "video/mp4").await, 400, "Content-Length does not fit");
    assert_eq!(put("bytes 0-5999999/13000001", "video/mp4").await, 400);
    assert_eq!(put("bytes 0-5999999/13000000", "application/octet-stream").await, 400);
    assert_eq!(put("bytes 0-5999999/13000000", "video/mp4").await, 206);
}

#[tokio::test]
async fn chunk_that_breaks_off_does_not_count() {
    let upload = Upload::start(TikTokRules::default()).await;
    let matcher = Matcher { operation: Some("tiktok.upload_chunk".into()), ..Matcher::default() };
    let cut = Action::Cut { when: When::Body, after_bytes: 1_000_000 };
    upload.world.sim.add_fault(Rule::once(matcher, cut));
    assert!(upload.put(0, CHUNK).await.is_err());
    assert_eq!(upload.uploaded().await, 0);
    assert_eq!(upload.put(0, CHUNK).await.unwrap().0, 206);
    assert_eq!(upload.put(CHUNK, 13_000_000).await.unwrap().0, 201);
    upload.world.advance(5).await;
    use sha2::Digest;
    let expected = hex::encode(sha2::Sha256::digest(&upload.video));
    assert_eq!(upload.world.sim.posts()[0].sha256.as_deref(), Some(expected.as_str()));
}

#[tokio::test]
async fn last_byte_posts_although_the_answer_was_lost() {
    let upload = Upload::start(TikTokRules::default()).await;
    upload.put(0, CHUNK).await.unwrap();
    upload.world.sim.add_fault(Rule::once(last_chunk(), Action::Cut { when: When::After, after_bytes: 0 }));
    assert!(upload.put(CHUNK, 13_000_000).await.is_err());
    upload.world.advance(5).await;
    assert_eq!(upload.world.sim.posts().len(), 1);
    let (_, body) = upload.world.status(&upload.login, &upload.id).await;
    assert_eq!(body["data"]["status"], "PUBLISH_COMPLETE");
}

#[tokio::test]
async fn each_refusal_of_the_last_byte_is_given_with_and_without_having_acted() {
    for act in [true, false] {
        for refusal in refusals("tiktok.upload_last_chunk") {
            let upload = Upload::start(TikTokRules::default()).await;
            upload.put(0, CHUNK).await.unwrap();
            upload.world.sim.add_fault(Rule::once(last_chunk(), refusal.answer(act)));
            let came = upload.world.sim.clock().now();
            let (status, _) = upload.put(CHUNK, 13_000_000).await.unwrap();
            let went = upload.world.sim.clock().now();
            assert_eq!(status, refusal.status);
            upload.world.advance(5).await;
            let posts = upload.world.sim.posts();
            assert_eq!(posts.len(), usize::from(act), "{}", refusal.name);
            for post in posts {
                assert!(came <= post.asked_at && post.asked_at <= went && post.asked_at < post.made_at);
            }
        }
    }
}

#[tokio::test]
async fn refused_last_byte_posts_nothing_until_it_is_sent_again() {
    let upload = Upload::start(TikTokRules::default()).await;
    upload.put(0, CHUNK).await.unwrap();
    let answer = Action::Answer { status: 502, headers: Default::default(), body: None, act: false };
    upload.world.sim.add_fault(Rule::once(last_chunk(), answer));
    assert_eq!(upload.put(CHUNK, 13_000_000).await.unwrap().0, 502);
    upload.world.advance(60).await;
    assert!(upload.world.sim.posts().is_empty());
    assert_eq!(upload.uploaded().await, 6_000_000);
    assert_eq!(upload.put(CHUNK, 13_000_000).await.unwrap().0, 201);
    upload.world.advance(5).await;
    assert_eq!(upload.world.sim.posts().len(), 1);
}

#[tokio::test]
async fn swapped_bytes_change_the_hash() {
    let one = Mp4Spec { size: 1_000_000, ..Mp4Spec::default() }.to_bytes().unwrap();
    let mut two = one.to_vec();
    let (left, right) = two.split_at_mut(500_000);
    left[100_000..165_536].swap_with_slice(&mut right[..65_536]);
    assert_ne!(one, two);
}

#[tokio::test]
async fn newest_put_of_a_chunk_counts() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let upload = Upload::start(TikTokRules::default()).await;
    let url = url::Url::parse(&upload.url).unwrap();
    let address = (url.host_str().unwrap().to_owned(), url.port().unwrap());
    let mut old = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PUT {}?{} HTTP/1.1\r\nhost: x\r\ncontent-type: video/mp4\r\ncontent-length: {CHUNK}\r\n\
         content-range: bytes 0-5999999/13000000\r\nconnection: close\r\n\r\n",
        url.path(),
        url.query().unwrap()
    );
    old.write_all(head.as_bytes()).await.unwrap();
    old.write_all(&upload.video[..1000]).await.unwrap();
    let begun = Filter { operation: Some("tiktok.upload_chunk".into()), ..Filter::default() };
    upload.world.sim.wait_for_requests(&begun, 1, std::time::Duration::from_secs(10)).await;
    assert_eq!(upload.put(0, CHUNK).await.unwrap().0, 206, "a dead connection does not block its chunk");
    old.write_all(&upload.video[1000..CHUNK]).await.unwrap();
    let mut answer = String::new();
    old.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 416"), "{answer}");
    assert_eq!(upload.uploaded().await, 6_000_000);
}

#[tokio::test]
async fn abandoned_upload_stays_or_fails_as_configured() {
    let upload = Upload::start(TikTokRules { access_token_seconds: 86_400, ..TikTokRules::default() }).await;
    upload.put(0, CHUNK).await.unwrap();
    upload.world.advance(4_000).await;
    let (_, body) = upload.world.status(&upload.login, &upload.id).await;
    assert_eq!(body["data"]["status"], "PROCESSING_UPLOAD");
    upload.world.set("tiktok/rules", json!({ "abandoned_upload_reason": "internal" })).await;
    let (_, body) = upload.world.status(&upload.login, &upload.id).await;
    assert_eq!((&body["data"]["status"], &body["data"]["fail_reason"]), (&json!("FAILED"), &json!("internal")));
}

#[tokio::test]
async fn untruthful_status_still_makes_one_visible_post() {
    for (outcome, expected) in [("publish_silently", (200, "ok")), ("publish_and_forget", (400, "invalid_publish_id"))]
    {
        let upload = Upload::start(TikTokRules::default()).await;
        // The behaviour is taken at init, so this task still has the default; the next one is the untruthful one.
        upload.world.set("tiktok/behaviour", json!({ "account": PUBLIC_CREATOR, "outcome": outcome })).await;
        let id = upload.world.publish(&upload.login, "SELF_ONLY").await;
        upload.world.advance(60).await;
        let (status, body) = upload.world.status(&upload.login, &id).await;
        assert_eq!((status, code(&body)), expected);
        if status == 200 {
            assert_eq!(body["data"]["status"], "PROCESSING_UPLOAD");
        }
        assert_eq!(upload.world.sim.posts().len(), 1);
    }
}

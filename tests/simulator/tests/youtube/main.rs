//! YouTube as the sheet has it, spoken to over HTTP by a plain client that sends what the sheet says and nothing more.

#[path = "../support/mod.rs"]
mod support;

mod lists;
mod login;
mod quota;
mod sessions;
mod videos;

use std::ops::Range;

use aurareels_simulator::{Action, Host, Matcher, Mp4Spec, Options, Rule, VisiblePost, When, YouTubeRules};
use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::World;

const BLOCK: usize = 262_144;

/// A simulator with one channel whose tokens are known.
struct Tube {
    world: World,
    channel: String,
    access: String,
    refresh: String,
}

/// An open session and the video that goes there.
struct Session {
    uri: String,
    video: Bytes,
}

impl Tube {
    async fn start() -> Tube {
        Tube::with(YouTubeRules::default()).await
    }

    async fn with(youtube: YouTubeRules) -> Tube {
        let world = World::with(Options { youtube, default_accounts: false, ..Options::default() }).await;
        let (channel, access, refresh) = make_channel(&world, json!({})).await;
        Tube { world, channel, access, refresh }
    }

    /// A call to the API with the channel's token.
    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.call_as(&self.access, method, path)
    }

    fn call_as(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.world.http.request(method, format!("{}{path}", self.world.sim.url(Host::YouTubeApi))).bearer_auth(token)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.call(Method::GET, path)).await
    }

    /// The initiation of an upload of `size` bytes.
    fn initiate(&self, resource: &Value, size: usize) -> RequestBuilder {
        self.call(Method::POST, "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status")
            .header("x-upload-content-type", "video/mp4")
            .header("x-upload-content-length", size.to_string())
            .json(resource)
    }

    async fn session_of(&self, resource: &Value, video: Bytes) -> Session {
        let answer = self.initiate(resource, video.len()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        Session { uri: answer.headers()["location"].to_str().unwrap().to_owned(), video }
    }

    async fn session(&self, privacy: &str) -> Session {
        self.session_of(&resource("A title", privacy), reel()).await
    }

    /// Sends a part of the video.
    async fn put(&self, session: &Session, range: Range<usize>) -> reqwest::Result<Response> {
        let total = session.video.len();
        let span = format!("bytes {}-{}/{total}", range.start, range.end - 1);
        let body = session.video.slice(range);
        let request = self.world.http.put(&session.uri).bearer_auth(&self.access).header("content-type", "video/mp4");
        request.header("content-range", span).body(body).send().await
    }

    async fn query(&self, session: &Session) -> Response {
        let span = format!("bytes */{}", session.video.len());
        let request = self.world.http.put(&session.uri).bearer_auth(&self.access);
        request.header("content-length", "0").header("content-range", span).send().await.unwrap()
    }

    /// Uploads a whole video in one request; gives its id.
    async fn upload(&self, resource: &Value) -> String {
        let session = self.session_of(resource, reel()).await;
        let answer = self.put(&session, 0..session.video.len()).await.unwrap();
        assert_eq!(answer.status(), 201);
        text(&answer.json::<Value>().await.unwrap(), "id")
    }

    async fn video(&self, id: &str, parts: &str) -> Value {
        let (status, body) = self.get(&format!("/youtube/v3/videos?part={parts}&id={id}")).await;
        assert_eq!(status, 200, "{body}");
        body["items"].get(0).cloned().unwrap_or(Value::Null)
    }

    async fn rules(&self, rules: Value) {
        self.world.set("youtube/rules", rules).await;
    }

    fn fault(&self, operation: &str, action: Action) {
        let matcher = Matcher { operation: Some(operation.to_owned()), ..Matcher::default() };
        self.world.sim.add_fault(Rule::once(matcher, action));
    }

    fn visible(&self) -> Vec<VisiblePost> {
        self.world.sim.posts().into_iter().filter(|post| post.removed_at.is_none()).collect()
    }
}

/// A channel that has granted everything: its id, access and refresh token.
async fn make_channel(world: &World, fields: Value) -> (String, String, String) {
    let mut spec = json!({ "platform": "youtube", "tokens": true });
    spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let made = world.set("accounts", spec).await;
    (text(&made, "id"), text(&made["tokens"], "access"), text(&made["tokens"], "refresh"))
}

fn resource(title: &str, privacy: &str) -> Value {
    json!({
        "snippet": { "title": title, "description": "A description #shorts", "categoryId": "22" },
        "status": { "privacyStatus": privacy, "selfDeclaredMadeForKids": false },
    })
}

/// Four blocks and a rest.
fn reel() -> Bytes {
    Mp4Spec { size: 4 * BLOCK as u64 + 100_000, ..Mp4Spec::default() }.to_bytes().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

/// Status and `errors[0].reason`.
fn refusal((status, body): &(u16, Value)) -> (u16, &str) {
    let error = &body["error"];
    assert_eq!(error["code"], *status, "{body}");
    (*status, error["errors"][0]["reason"].as_str().unwrap_or_else(|| panic!("no reason in {body}")))
}

fn range_of(answer: &Response) -> Option<&str> {
    answer.headers().get("range").map(|value| value.to_str().unwrap())
}

fn cut(when: When) -> Action {
    Action::Cut { when, after_bytes: 0 }
}

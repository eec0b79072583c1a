//! Meta from the outside: a started simulator, spoken to over HTTP as the platform would be.

mod facebook;
mod limits;
mod login;
mod media;
mod publishing;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{Host, Options, Simulator};

/// A long video that Instagram takes.
const VIDEO: &str = "/v/reel.mp4?size=200000&duration=10&width=1080&height=1920&fps=30&codec=avc1";
const SCOPES: &str = "instagram_basic,instagram_content_publish,pages_read_engagement,pages_show_list";
const REDIRECT: &str = "http://127.0.0.1:9/oauth/callback/instagram";

/// A simulator with one account of each login.
struct Bed {
    sim: Simulator,
    http: Client,
    /// Instagram account id.
    ig: String,
    person: String,
    page_id: String,
    user: String,
    page: String,
    instagram: String,
}

/// A status and the JSON with it.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
    headers: http::HeaderMap,
}

impl Answer {
    /// `(code, error_subcode)`.
    fn error(&self) -> (i64, Option<i64>) {
        let error = &self.body["error"];
        (error["code"].as_i64().unwrap_or_else(|| panic!("no error in {self:?}")), error["error_subcode"].as_i64())
    }

    fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned()
    }
}

impl Bed {
    async fn start() -> Bed {
        let sim = Simulator::start(Options { default_accounts: false, ..Options::default() }).await.unwrap();
        let made = sim
            .create_account(&json!({ "platform": "instagram", "username": "ada", "name": "Ada", "tokens": true }))
            .unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let bed = Bed {
            sim,
            http: client(),
            ig: text(&made["id"]),
            person: text(&made["person_id"]),
            page_id: text(&made["page_id"]),
            user: text(&made["tokens"]["facebook_user"]),
            page: text(&made["tokens"]["page"]),
            instagram: text(&made["tokens"]["instagram"]),
        };
        bed.behave(json!({ "processing_ms": 0 })).await;
        bed
    }

    fn request(&self, method: Method, host: Host, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.sim.url(host)))
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        send(self.request(Method::GET, Host::MetaGraph, path).bearer_auth(token)).await
    }

    async fn post(&self, path: &str, token: &str, form: &[(&str, &str)]) -> Answer {
        send(self.request(Method::POST, Host::MetaGraph, path).bearer_auth(token).form(form)).await
    }

    async fn control(&self, path: &str, body: Value) -> Answer {
        let answer = send(self.request(Method::POST, Host::Control, &format!("/_sim/meta/{path}")).json(&body)).await;
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer
    }

    async fn behave(&self, set: Value) {
        self.control("behaviour", json!({ "set": set })).await;
    }

    fn advance(&self, seconds: i64) {
        self.sim.clock().advance(TimeDelta::seconds(seconds));
    }

    fn video(&self) -> String {
        format!("{}{VIDEO}", self.sim.url(Host::Media))
    }

    /// `POST /{ig}/media` with these fields.
    async fn create(&self, form: &[(&str, &str)]) -> Answer {
        self.post(&format!("/v25.0/{}/media", self.ig), &self.page, form).await
    }

    /// A Reel by URL; waits until it is downloaded.
    async fn container(&self, caption: &str) -> String {
        let video = self.video();
        let answer = self.create(&[("media_type", "REELS"), ("video_url", &video), ("caption", caption)]).await;
        let id = answer.text("id");
        self.settled(&id).await;
        id
    }

    /// Waits until the download of a container is over.
    async fn settled(&self, id: &str) -> String {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let answer = send(self.request(Method::GET, Host::Control, &format!("/_sim/meta/containers/{id}"))).await;
            if answer.body["byte_count"].is_u64() || answer.body["status_code"] != "IN_PROGRESS" {
                return answer.text("status_code");
            }
            assert!(tokio::time::Instant::now() < deadline, "{answer:?}");
            tokio::task::yield_now().await;
        }
    }

    async fn status(&self, id: &str) -> Answer {
        self.get(&format!("/v25.0/{id}?fields=id,status_code,status"), &self.page).await
    }

    async fn publish(&self, id: &str) -> Answer {
        self.post(&format!("/v25.0/{}/media_publish", self.ig), &self.page, &[("creation_id", id)]).await
    }

    fn visible(&self) -> usize {
        self.sim.posts().iter().filter(|post| post.removed_at.is_none()).count()
    }
}

async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

fn client() -> Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

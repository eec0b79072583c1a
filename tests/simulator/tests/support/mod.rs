//! A plain client of the simulator for its own tests: it sends what the platform sheet says and nothing more.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use aurareels_simulator::{Host, Mp4Spec, Options, Simulator};
use bytes::Bytes;
use reqwest::{Method, Response};
use serde_json::{Value, json};

pub(crate) const REDIRECT: &str = "http://127.0.0.1:50051/oauth/callback/tiktok";
pub(crate) const ALL_SCOPES: &str =
    "user.info.basic,user.info.profile,user.info.stats,video.list,video.publish,video.upload";
pub(crate) const PUBLIC_CREATOR: &str = "-000tiktok-creator-one";
pub(crate) const PRIVATE_CREATOR: &str = "-000tiktok-creator-two";

/// HTTP client without redirects, retries or connection pool.
pub(crate) fn http() -> reqwest::Client {
    builder().pool_max_idle_per_host(0).build().unwrap()
}

/// The same, but it keeps connections.
pub(crate) fn pooled_http() -> reqwest::Client {
    builder().build().unwrap()
}

fn builder() -> reqwest::ClientBuilder {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
}

/// A simulator and a client.
pub(crate) struct World {
    pub(crate) sim: Simulator,
    pub(crate) http: reqwest::Client,
}

/// A connected creator.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) body: Value,
}

impl World {
    pub(crate) async fn start() -> World {
        World::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> World {
        World { sim: Simulator::start(options).await.unwrap(), http: http() }
    }

    pub(crate) fn control(&self, path: &str) -> String {
        format!("{}/_sim/{path}", self.sim.url(Host::Control))
    }

    pub(crate) async fn set(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(self.control(path)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap_or(Value::Null)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.http.get(self.control(path)).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn advance(&self, seconds: i64) {
        self.set("clock", json!({ "advance_seconds": seconds })).await;
    }

    pub(crate) fn authorize_url(&self, scopes: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_key", "sim-tiktok-key")
            .append_pair("scope", scopes)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", REDIRECT)
            .append_pair("state", "st&te=1")
            .finish();
        format!("{}/v2/auth/authorize/?{query}", self.sim.url(Host::TikTokAuth))
    }

    /// Consents and gives the query of the callback.
    pub(crate) async fn consent(&self, scopes: &str, form: &[(&str, &str)]) -> Vec<(String, String)> {
        let answer = self.http.post(self.authorize_url(scopes)).form(form).send().await.unwrap();
        assert_eq!(answer.status(), 302);
        let location = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        assert!(location.as_str().starts_with(REDIRECT));
        location.query_pairs().into_owned().collect()
    }

    pub(crate) async fn token_call(&self, form: &[(&str, &str)]) -> Response {
        let mut all = vec![("client_key", "sim-tiktok-key"), ("client_secret", "sim-tiktok-secret")];
        all.extend_from_slice(form);
        self.http.post(format!("{}/v2/oauth/token/", self.sim.url(Host::TikTokApi))).form(&all).send().await.unwrap()
    }

    pub(crate) async fn code(&self, account: &str, scopes: &str) -> String {
        let back = self.consent(scopes, &[("account", account), ("decision", "allow")]).await;
        pair(&back, "code").to_owned()
    }

    pub(crate) async fn exchange(&self, code: &str) -> Response {
        self.token_call(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)]).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Response {
        self.token_call(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub(crate) async fn login(&self, account: &str) -> Login {
        self.login_with(account, ALL_SCOPES).await
    }

    pub(crate) async fn login_with(&self, account: &str, scopes: &str) -> Login {
        let code = self.code(account, scopes).await;
        login_of(self.exchange(&code).await).await
    }

    /// An API call; gives status and body.
    pub(crate) async fn api(&self, method: Method, token: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self.api_raw(method, token, path, body).await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    pub(crate) async fn api_raw(
        &self,
        method: Method,
        token: &str,
        path: &str,
        body: Value,
    ) -> reqwest::Result<Response> {
        let get = method == Method::GET;
        let request = self.http.request(method, format!("{}{path}", self.sim.url(Host::TikTokApi))).bearer_auth(token);
        if get { request.send().await } else { request.json(&body).send().await }
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> (u16, Value) {
        self.api(Method::POST, token, path, body).await
    }

    pub(crate) async fn init(&self, login: &Login, privacy: &str, video: &Bytes) -> (u16, Value) {
        let size = video.len();
        self.post(
            &login.access,
            INIT,
            direct(
                privacy,
                "A caption",
                json!({
                    "source": "FILE_UPLOAD", "video_size": size, "chunk_size": size, "total_chunk_count": 1
                }),
            ),
        )
        .await
    }

    pub(crate) async fn put(&self, url: &str, first: usize, total: usize, piece: Bytes) -> reqwest::Result<Response> {
        let last = first + piece.len() - 1;
        self.http
            .put(url)
            .header("content-type", "video/mp4")
            .header("content-range", format!("bytes {first}-{last}/{total}"))
            .body(piece)
            .send()
            .await
    }

    pub(crate) async fn status(&self, login: &Login, publish_id: &str) -> (u16, Value) {
        self.post(&login.access, "/v2/post/publish/status/fetch/", json!({ "publish_id": publish_id })).await
    }

    /// Init and upload in one chunk; gives the publish id.
    pub(crate) async fn publish(&self, login: &Login, privacy: &str) -> String {
        let video = small_video();
        let (status, body) = self.init(login, privacy, &video).await;
        assert_eq!(status, 200, "{body}");
        let url = body["data"]["upload_url"].as_str().unwrap();
        let answer = self.put(url, 0, video.len(), video.clone()).await.unwrap();
        assert_eq!(answer.status(), 201);
        body["data"]["publish_id"].as_str().unwrap().to_owned()
    }
}

pub(crate) const INIT: &str = "/v2/post/publish/video/init/";

pub(crate) fn direct(privacy: &str, title: &str, source: Value) -> Value {
    json!({
        "post_info": {
            "privacy_level": privacy, "title": title,
            "brand_content_toggle": false, "brand_organic_toggle": false
        },
        "source_info": source,
    })
}

pub(crate) async fn login_of(answer: Response) -> Login {
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    Login {
        access: body["access_token"].as_str().unwrap().to_owned(),
        refresh: body["refresh_token"].as_str().unwrap().to_owned(),
        body,
    }
}

pub(crate) fn pair<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    &pairs.iter().find(|(key, _)| key == name).unwrap_or_else(|| panic!("no {name} in {pairs:?}")).1
}

pub(crate) fn small_video() -> Bytes {
    Mp4Spec { size: 200_000, ..Mp4Spec::default() }.to_bytes().unwrap()
}

pub(crate) fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap()
}

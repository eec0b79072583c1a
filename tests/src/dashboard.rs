//! A browser that is logged in to the dashboard, as far as the core sees one: a cookie, and the origin of its page.

use std::time::Duration;

use aurareels_core::{app::dashboard::Dashboard, domain::ids::UserId};
use aurareels_proto::v1::post_service_client::PostServiceClient;
use chrono::TimeDelta;
use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};
use tonic::{
    Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use crate::World;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: header::HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Demands a refusal with this status and reason, with a message and a remedy for people.
    #[track_caller]
    pub fn is_refused(&self, status: u16, reason: &str) {
        let body = self.json();
        assert_eq!((self.status, body["reason"].as_str()), (status, Some(reason)), "{body}");
        for part in ["message", "remedy"] {
            assert!(body[part].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        }
        assert_eq!(self.header("set-cookie"), "", "{body}");
    }
}

/// What a browser adds to calls.
#[derive(Clone, Debug)]
pub struct Browsing {
    cookie: String,
    origin: Option<String>,
}

impl Interceptor for Browsing {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("cookie", self.cookie.parse().expect("a header value"));
        if let Some(origin) = &self.origin {
            request.metadata_mut().insert("origin", origin.parse().expect("a header value"));
        }
        Ok(request)
    }
}

/// A browser.
#[derive(Clone)]
pub struct Visitor<'a> {
    world: &'a World,
    /// What it sends as `Origin`; nothing when it is `None`.
    pub origin: Option<String>,
    /// What it sends as `Cookie`; nothing when it is empty.
    pub cookie: String,
}

impl<'a> Visitor<'a> {
    /// One that has opened the core's page and is not logged in.
    pub fn new(world: &'a World) -> Self {
        Self { world, origin: Some(world.url()), cookie: String::new() }
    }

    /// One that is logged in as a user.
    pub async fn of(world: &'a World, user: i64) -> Self {
        let mut visitor = Self::new(world);
        let answer = visitor.log_in(&world.login_link(user, TimeDelta::minutes(10)).await).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        visitor
    }

    /// The same browser on a page of another origin.
    pub fn from_origin(&self, origin: Option<&str>) -> Self {
        Self { origin: origin.map(str::to_owned), ..self.clone() }
    }

    /// Sends a request.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        with: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let mut request = self.world.http.request(method, format!("{}{path}", self.world.address()));
        if let Some(origin) = &self.origin {
            request = request.header(header::ORIGIN, origin);
        }
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, &self.cookie);
        }
        let answer = with(request).timeout(Duration::from_secs(30)).send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, body: answer.bytes().await.expect("a body").to_vec() }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, |request| request).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, |request| request).await
    }

    /// Uses a link, and keeps the cookie that it brings.
    pub async fn log_in(&mut self, secret: &str) -> Answer {
        let answer = self.try_link(secret).await;
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            self.world.keep_secret(cookie.split_once('=').expect("a cookie").1);
            self.cookie = cookie.to_owned();
        }
        answer
    }

    /// Uses a link.
    pub async fn try_link(&self, secret: &str) -> Answer {
        let body = json!({ "secret": secret });
        self.send(Method::POST, "/dashboard/session", |request| request.json(&body)).await
    }

    /// Makes a call of the API in JSON; refused ones too.
    pub async fn call(&self, rpc: &str, body: &Value) -> Answer {
        self.send(Method::POST, &format!("/aurareels.v1.{rpc}"), |request| request.json(body)).await
    }

    /// The post service by gRPC, as this browser.
    pub fn posts(&self) -> PostServiceClient<InterceptedService<Channel, Browsing>> {
        let browsing = Browsing { cookie: self.cookie.clone(), origin: self.origin.clone() };
        PostServiceClient::with_interceptor(self.world.channel(), browsing)
    }

    /// The number of its session.
    pub async fn session(&self) -> i64 {
        let answer = self.get("/dashboard/session").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["session"].as_str().and_then(|id| id.parse().ok()).expect("a number")
    }
}

impl World {
    /// A link's secret, as the command beside the core makes it.
    pub async fn login_link(&self, user: i64, life: TimeDelta) -> String {
        let secret = self.logins().create_link(UserId(user), life).await.expect("a link");
        self.keep_secret(secret.expose());
        secret.expose().to_owned()
    }

    /// The logins, as a command beside the core reads and changes them.
    pub fn logins(&self) -> Dashboard {
        Dashboard::new(self.store(), self.clock())
    }
}

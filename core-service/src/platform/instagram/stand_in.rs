//! What tests of this platform share, besides `platform::stand_in`: its post and account, a ledger written by hand, and
//! a server that gives scripted answers and keeps what it was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{body::to_bytes, extract::Request, response::IntoResponse};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use url::Url;

use super::{
    Instagram, InstagramSettings,
    course::{self, Transfer, name},
};
use crate::{
    domain::{
        account::Account,
        ids::Fence,
        ledger::{Entry, Evidence, Handle, Ledger, StepClass, StepOutcome},
        platform::{LoginFlavour, Platform},
        post::{Content, Post},
    },
    http::{HttpSettings, tls_config},
    platform::{
        Next, Step, Tokens,
        meta::MetaSettings,
        settings::App,
        stand_in::{self, Film, Stage},
    },
    secret::Secret,
};

pub(super) const IG_ID: &str = "17841400000000001";
pub(super) const CONTAINER_ID: &str = "17990000000000001";
pub(super) const PAGE_TOKEN: &str = "EAAGpagetoken";
pub(super) const CAPTION: &str = "a walk with @bob #dogs";

pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(seconds)
}

pub(super) fn post() -> Post {
    let content = Content {
        video_url: "https://cdn.example/v.mp4".into(),
        caption: CAPTION.into(),
        full_caption: CAPTION.into(),
        ..Content::default()
    };
    stand_in::post(&account(LoginFlavour::InstagramLogin), content, at(0))
}

pub(super) fn account(flavour: LoginFlavour) -> Account {
    Account {
        account_id: IG_ID.into(),
        account_username: Some("walks".into()),
        token_scope: vec!["instagram_basic".into()],
        grant_id: Some("10150000000000001".into()),
        metadata: json!({"page_id": "1050000000000001"}),
        ..stand_in::account(Platform::Instagram, flavour, at(-90_000))
    }
}

pub(super) fn tokens(flavour: LoginFlavour) -> Tokens {
    match flavour {
        LoginFlavour::InstagramLogin => Tokens { access: Secret::new("IGAAtoken"), refresh: None, grant: None },
        _ => Tokens { access: Secret::new(PAGE_TOKEN), refresh: None, grant: Some(Secret::new("EAAGusertoken")) },
    }
}

/// A ledger written by hand.
#[derive(Clone, Default)]
pub(super) struct Book(Vec<Entry>);

impl Book {
    pub(super) fn ledger(&self) -> Ledger {
        Ledger::new(self.0.clone())
    }

    /// Adds an entry, a minute after the one before.
    pub(super) fn add(mut self, step: &str, outcome: Option<StepOutcome>, handle: Handle) -> Self {
        let number = i32::try_from(self.0.len()).unwrap() + 1;
        let class = match step {
            course::PUBLISH => StepClass::PointOfNoReturn,
            course::UPLOAD => StepClass::Resumable,
            course::CONTAINER | course::COMMENTS_OFF => StepClass::Repeatable,
            _ => StepClass::Read,
        };
        let sent_at = at(i64::from(number) * 60);
        self.0.push(Entry {
            number,
            attempt: 1,
            step: step.into(),
            class,
            handle,
            sent_at,
            deadline_at: sent_at + TimeDelta::seconds(150),
            outcome,
            answered_at: outcome.map(|_| sent_at + TimeDelta::seconds(1)),
            evidence: Evidence::new(),
            fence: Fence(1),
        });
        self
    }

    /// The newest step is not tried any more.
    pub(super) fn given_up(mut self) -> Self {
        let newest = self.0.pop().map(Entry::given_up);
        self.0.extend(newest);
        self
    }

    pub(super) fn ok(self, step: &str, handle: Handle) -> Self {
        self.add(step, Some(StepOutcome::Accepted), handle)
    }

    pub(super) fn container(self, id: &str, content: &Content, transfer: Transfer) -> Self {
        let number = i64::try_from(self.0.len()).unwrap() + 1;
        let handle = Handle::default()
            .with(name::CONTAINER_ID, id)
            .with(name::TRANSFER, transfer.as_str())
            .with(name::CONTENT, course::fingerprint(content, transfer))
            .with(name::CAPTION, content.full_caption.as_str())
            .with(name::URI, "https://rupload.example/ig-api-upload/v25.0/1")
            .with(name::VIDEO, Film::version_of(5000).to_value())
            .with_instant(name::CREATED_AT, at(number * 60));
        self.ok(course::CONTAINER, handle)
    }

    pub(super) fn status(self, id: &str, status: &str) -> Self {
        self.ok(course::STATUS, of_container(id).with(name::STATUS, status))
    }

    pub(super) fn failed(self, id: &str, subcode: i64) -> Self {
        let handle = of_container(id).with(name::STATUS, course::status::ERROR).with(name::SUBCODE, subcode);
        self.ok(course::STATUS, handle)
    }

    pub(super) fn snapshot(self, id: &str) -> Self {
        self.ok(course::SNAPSHOT, of_container(id).with(name::IDS, json!(["1", "2"])))
    }

    pub(super) fn publish(self, id: &str, outcome: Option<StepOutcome>) -> Self {
        self.add(course::PUBLISH, outcome, of_container(id).with(name::CAPTION, CAPTION))
    }

    /// Container, status and snapshot: ready to publish by URL.
    pub(super) fn ready(content: &Content) -> Self {
        Self::default()
            .container(CONTAINER_ID, content, Transfer::VideoUrl)
            .status(CONTAINER_ID, course::status::FINISHED)
            .snapshot(CONTAINER_ID)
    }

    pub(super) fn last(&self) -> &Entry {
        self.0.last().unwrap()
    }

    /// Just after the newest entry.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.0.last().map_or(at(0), |entry| entry.sent_at + TimeDelta::seconds(2))
    }
}

pub(super) fn of_container(id: &str) -> Handle {
    Handle::default().with(name::CONTAINER_ID, id)
}

/// A request as the server got it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) line: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: axum::http::HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    /// The fields of the form, or of the query.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&self.body).into_owned().collect();
        let find =
            |fields: &[(String, String)]| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        find(&form).or_else(|| find(&self.query))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// A scripted answer: status and body.
pub(super) type Answers = Vec<(u16, Value)>;

/// Gives its answers in order, then 599.
pub(super) struct Server {
    pub(super) url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(super) async fn start(answers: Answers) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, script) = (asked.clone(), Arc::new(Mutex::new(VecDeque::from(answers))));
        let app = axum::Router::new().fallback(move |request: Request| {
            let (log, script) = (log.clone(), script.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 1 << 24).await.unwrap_or_default();
                let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
                log.lock().unwrap().push(Asked {
                    line: format!("{} {}", parts.method, parts.uri.path()),
                    query: query.into_owned().collect(),
                    headers: parts.headers,
                    body,
                });
                let (status, body) = script.lock().unwrap().pop_front().unwrap_or((599, Value::Null));
                (axum::http::StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, asked }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    /// A client all of whose hosts are this server.
    pub(super) fn client(&self) -> Instagram {
        let app = |id: &str| Some(App { id: id.into(), secret: Secret::new("app-secret") });
        let settings = InstagramSettings {
            meta: MetaSettings {
                app: app("100"),
                dialog_base: self.url.clone(),
                graph_base: self.url.clone(),
                rupload_base: self.url.clone(),
                ..MetaSettings::default()
            },
            instagram_login_app: app("200"),
            ig_auth_base: self.url.clone(),
            ig_api_base: self.url.clone(),
            ig_graph_base: self.url.clone(),
        };
        Instagram::new(settings, tls_config(&HttpSettings::default()).unwrap()).unwrap()
    }
}

/// A stage with this ledger, just after its newest entry.
pub(super) fn stage(flavour: LoginFlavour, book: &Book) -> Stage {
    let film = Film::new(5000, 1000, "https://cdn.example/v.mp4?sig=1");
    Stage { ledger: book.ledger(), now: book.now(), ..Stage::new(post(), account(flavour), tokens(flavour), film) }
}

impl Stage {
    /// The step that the course proposes now.
    pub(super) fn step(&self) -> Step {
        match course::next(&self.view()) {
            Next::Step(step) => step,
            Next::Live { then: Some(step), .. } => step,
            other => panic!("no step: {other:?}"),
        }
    }
}

/// An error as Graph sends it.
pub(super) fn graph_error(code: i64, subcode: Option<i64>) -> (u16, Value) {
    (
        400,
        json!({"error": {"message": "secret EAAGpagetoken inside", "type": "OAuthException", "code": code,
        "error_subcode": subcode, "fbtrace_id": "Axyz"}}),
    )
}

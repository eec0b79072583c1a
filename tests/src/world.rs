//! One scenario's world: simulator, core, database, clock.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aurareels_core::{
    app::api_keys::{ApiKeys, Scope},
    clock::Clock,
    config::Settings,
    domain::ids::UserId,
    server::Core,
    store::Store,
};
use aurareels_proto::v1::{
    account_service_client::AccountServiceClient, analytics_service_client::AnalyticsServiceClient,
    platform_service_client::PlatformServiceClient, post_service_client::PostServiceClient,
    webhook_service_client::WebhookServiceClient,
};
use aurareels_simulator::{Host, Options, Simulator, TikTokRules};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tonic::{
    Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

use crate::{
    database::{Database, Pending},
    log,
    posting::User,
    proxy::Proxy,
    server::Private,
};

/// The longest that a state is waited for. Long, because two slow cores may run twenty scenarios at once; a scenario
/// that works never comes near.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Secret of the JWTs that worlds take.
pub const JWT_SECRET: &str = "a secret of the tests that is longer than thirty-two bytes";

/// Issuer of the JWTs that worlds take.
pub const JWT_ISSUER: &str = "https://wordpress.example";

/// The encryption key of worlds.
pub const ENCRYPTION_KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyz-0123-of-the-tests";

/// Simulators must not issue equal credentials: the log is one for all.
static SEED: AtomicU64 = AtomicU64::new(1_000);

/// Puts the credential into calls.
#[derive(Clone, Debug)]
pub struct Credential {
    /// API key or JWT.
    pub bearer: String,
    /// `x-aurareels-user-id`.
    pub user: Option<i64>,
}

impl Interceptor for Credential {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let bearer = format!("Bearer {}", self.bearer).parse().expect("a header value");
        request.metadata_mut().insert("authorization", bearer);
        if let Some(user) = self.user {
            request.metadata_mut().insert("x-aurareels-user-id", user.into());
        }
        Ok(request)
    }
}

/// A channel that carries a credential.
pub type Line = InterceptedService<Channel, Credential>;

/// A simulator and a core, with everything a scenario needs.
pub struct World {
    /// The platforms.
    pub sim: Simulator,
    /// The core's rows.
    pub db: Database,
    /// An HTTP client that follows no redirects.
    pub http: reqwest::Client,
    /// A key for any user, all scopes.
    pub key: String,
    core: Option<Core>,
    clock: Clock,
    settings: BTreeMap<String, String>,
    channel: Channel,
    log_from: usize,
    /// Secrets that scenarios made, besides those of the simulator.
    secrets: Arc<std::sync::Mutex<Vec<String>>>,
    dir: tempfile::TempDir,
    /// Its database, where that is one of a server.
    pub(crate) private: Option<Private>,
    /// A backup of it, and when that was made.
    pub(crate) copy: std::sync::Mutex<Option<(Private, DateTime<Utc>)>>,
    /// Between the core and its server.
    pub(crate) proxy: Option<Proxy>,
}

impl World {
    /// A world with the settings of the tests.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A world with further settings of the core.
    pub async fn with(extra: &[(&str, &str)]) -> Self {
        let world = Self::prepare(Private::chosen().await, extra).await;
        world.running().await
    }

    /// Everything but the core, which [`World::running`] starts. Without a database of a server it is a file.
    pub(crate) async fn prepare(private: Option<Private>, extra: &[(&str, &str)]) -> Self {
        let log_from = log::keep();
        let options = Options {
            seed: SEED.fetch_add(1, Ordering::Relaxed),
            // Many posts in a moment; single limits are switched on where a scenario is about them.
            tiktok: TikTokRules::without_limits(),
            ..Options::default()
        };
        let sim = Simulator::start(options).await.expect("the simulator starts");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut settings: BTreeMap<String, String> = sim.environment().into_iter().collect();
        let data_dir = dir.path().join("data");
        for (name, value) in [
            ("AURAREELS_LISTEN", "127.0.0.1:0"),
            ("AURAREELS_DATA_DIR", data_dir.to_str().expect("UTF-8")),
            ("AURAREELS_SOCIAL_ENCRYPTION_KEY", ENCRYPTION_KEY),
            ("AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS", "true"),
            ("AURAREELS_JWT_SECRET", JWT_SECRET),
            ("AURAREELS_JWT_ISSUER", JWT_ISSUER),
            // Scenarios move the clock by hours and count requests; those of numbers switch it on.
            ("AURAREELS_ANALYTICS", "off"),
        ] {
            settings.insert(name.to_owned(), value.to_owned());
        }
        if let Some(private) = &private {
            settings.insert("AURAREELS_DATABASE_URL".to_owned(), private.url());
        }
        for (name, value) in extra {
            settings.insert((*name).to_owned(), (*value).to_owned());
        }
        let db = match &private {
            Some(private) => Database::of_url(&private.url()),
            None => Database::of_file(&data_dir.join("aurareels.db")),
        };
        Self {
            sim,
            db,
            http: http_client(),
            key: String::new(),
            core: None,
            clock: Clock::system(),
            settings,
            channel: Endpoint::from_static("http://127.0.0.1:1").connect_lazy(),
            log_from,
            secrets: Arc::default(),
            dir,
            private,
            copy: std::sync::Mutex::default(),
            proxy: None,
        }
    }

    pub(crate) async fn running(mut self) -> Self {
        self.start_core().await;
        self.key = self.api_key(&[Scope::Read, Scope::Publish, Scope::Admin], None).await;
        self.tiktok("behaviour", json!({ "processing_seconds": 0.1 })).await;
        self.meta("behaviour", json!({ "set": { "processing_ms": 100 } })).await;
        self
    }

    /// Starts the core on the world's database.
    pub async fn start_core(&mut self) {
        self.try_start().await.expect("the core starts");
    }

    /// Starts the core, which may refuse.
    pub async fn try_start(&mut self) -> anyhow::Result<()> {
        let settings = Settings::from_pairs(self.settings.clone())?;
        let core = Core::start(settings, self.clock.clone()).await?;
        self.core = Some(core);
        self.speak_to(&self.address());
        Ok(())
    }

    /// Sends all further calls to this address; over TLS the tests' own authority is trusted.
    pub fn speak_to(&mut self, url: &str) {
        let mut endpoint = Endpoint::from_shared(url.to_owned()).expect("an address");
        if url.starts_with("https") {
            let authority = Certificate::from_pem(std::fs::read(testdata("ca.pem")).expect("the authority"));
            endpoint = endpoint.tls_config(ClientTlsConfig::new().ca_certificate(authority)).expect("TLS");
        }
        self.channel = endpoint.connect_lazy();
    }

    /// Stops the core as SIGTERM does.
    pub async fn stop_core(&mut self) {
        if let Some(core) = self.core.take() {
            core.shutdown().await;
        }
    }

    /// Takes the core out of the world. The future stops it as SIGTERM does, while the world goes on.
    pub fn stopping_core(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let core = self.core.take().expect("a running core");
        core.shutdown()
    }

    /// Whether any core of this world has logged a text.
    pub fn logged(&self, text: &str) -> bool {
        log::holds(self.log_from, text)
    }

    /// Stops the core and starts another on the same database.
    pub async fn restart(&mut self) {
        self.stop_core().await;
        self.start_core().await;
    }

    /// Takes a setting away for the next start.
    pub fn unset(&mut self, name: &str) {
        self.settings.remove(name);
    }

    /// The clock of the core.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Changes a setting for the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
    }

    /// The core's settings.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// Where the core serves.
    pub fn url(&self) -> String {
        self.core.as_ref().expect("a running core").public_url().to_string().trim_end_matches('/').to_owned()
    }

    /// Where the core listens: not its public address, where that is a setting.
    pub fn address(&self) -> String {
        let scheme = if self.settings.contains_key("AURAREELS_TLS_CERT") { "https" } else { "http" };
        format!("{scheme}://{}", self.core.as_ref().expect("a running core").address())
    }

    /// The core's store, for what commands beside the core do.
    pub(crate) fn store(&self) -> Store {
        self.core.as_ref().expect("a running core").parts.store.clone()
    }

    /// The core's data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A channel without a credential.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Makes an API key.
    pub async fn api_key(&self, scopes: &[Scope], user: Option<i64>) -> String {
        let (key, _) =
            ApiKeys::new(self.store()).create("tests", scopes.to_vec(), user.map(UserId)).await.expect("a key");
        self.keep_secret(key.expose());
        key.expose().to_owned()
    }

    /// Revokes an API key, as a command beside the core does.
    pub async fn revoke(&self, key: &str) {
        let keys = ApiKeys::new(self.store());
        let id = keys.find(key).await.expect("an answer").expect("an active key").id;
        assert!(keys.revoke(id).await.expect("an answer"));
    }

    /// Remembers a secret that must not be found anywhere.
    pub fn keep_secret(&self, secret: &str) {
        self.secrets.lock().expect("no panic inside").push(secret.to_owned());
    }

    /// Everything that must not be found in files, logs, events and answers.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut all = self.secrets.lock().expect("no panic inside").clone();
        all.extend(self.sim.issued_credentials());
        for name in ["TIKTOK_CLIENT_SECRET", "INSTAGRAM_APP_SECRET", "INSTAGRAM_LOGIN_APP_SECRET"] {
            all.extend(self.settings.get(name).cloned());
        }
        all.extend([JWT_SECRET.to_owned(), ENCRYPTION_KEY.to_owned()]);
        all
    }

    pub(crate) fn log_from(&self) -> usize {
        self.log_from
    }

    /// User 1.
    pub fn me(&self) -> User<'_> {
        self.user(1)
    }

    /// A user, by the key for any user.
    pub fn user(&self, id: i64) -> User<'_> {
        User { world: self, id }
    }

    /// A line with another credential.
    pub fn line(&self, bearer: &str, user: Option<i64>) -> Line {
        InterceptedService::new(self.channel(), Credential { bearer: bearer.to_owned(), user })
    }

    /// Posts, with another credential.
    pub fn posts_as(&self, bearer: &str, user: Option<i64>) -> PostServiceClient<Line> {
        PostServiceClient::new(self.line(bearer, user))
    }

    /// Accounts, with another credential.
    pub fn accounts_as(&self, bearer: &str, user: Option<i64>) -> AccountServiceClient<Line> {
        AccountServiceClient::new(self.line(bearer, user))
    }

    /// Webhooks, with another credential.
    pub fn webhooks_as(&self, bearer: &str, user: Option<i64>) -> WebhookServiceClient<Line> {
        WebhookServiceClient::new(self.line(bearer, user))
    }

    /// Numbers, with another credential.
    pub fn analytics_as(&self, bearer: &str, user: Option<i64>) -> AnalyticsServiceClient<Line> {
        AnalyticsServiceClient::new(self.line(bearer, user))
    }

    /// Platforms, as user 1.
    pub fn platforms(&self) -> PlatformServiceClient<Line> {
        PlatformServiceClient::new(self.line(&self.key, Some(1)))
    }

    /// The time of core and simulator.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves both clocks.
    pub fn advance(&self, by: TimeDelta) {
        self.sim.clock().advance(by);
        self.clock.set_offset(self.clock.offset() + by);
    }

    /// Moves both clocks to a time, if it lies ahead.
    pub fn advance_to(&self, at: DateTime<Utc>) {
        let by = at - self.now();
        if by > TimeDelta::zero() {
            self.advance(by);
        }
    }

    /// One turn of waiting: when nobody worked at the last look, moves the clocks to whatever wants attention next; else
    /// lets others run.
    pub async fn hurry(&self, pending: Pending) {
        match pending.next_step_at {
            Some(at) if pending.claimed == 0 && at > self.now() + TimeDelta::milliseconds(100) => {
                self.advance_to(at + TimeDelta::milliseconds(1));
            }
            _ => self.breathe().await,
        }
    }

    /// Lets others run, between two looks at a state.
    pub async fn breathe(&self) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    /// Waits for a state of anything, without moving the clocks.
    pub async fn wait_for<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let limit = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(Instant::now() < limit, "never came: {what}");
            self.breathe().await;
        }
    }

    /// Waits until no worker holds a post.
    pub async fn idle(&self) {
        self.wait_for("an idle core", async || {
            let pending = self.db.pending().await;
            let due = pending.next_step_at.is_some_and(|at| at <= self.now());
            (pending.claimed == 0 && !due).then_some(())
        })
        .await;
    }

    /// Waits until all numbers that are due were read; answers when the next reading is due.
    pub async fn read_what_is_due(&self) -> Option<DateTime<Utc>> {
        loop {
            let readings = self.db.readings().await;
            let is_due = readings.next_step_at.is_some_and(|at| at <= self.now());
            if readings.claimed == 0 && !is_due {
                return readings.next_step_at;
            }
            self.breathe().await;
        }
    }

    /// POST to a switch of the simulated TikTok.
    pub async fn tiktok(&self, path: &str, body: Value) -> Value {
        self.control(&format!("tiktok/{path}"), body).await
    }

    /// POST to a switch of the simulated Meta.
    pub async fn meta(&self, path: &str, body: Value) -> Value {
        self.control(&format!("meta/{path}"), body).await
    }

    /// POST to the simulator's control API.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/_sim/{path}", self.sim.url(Host::Control));
        let answer = self.http.post(&url).json(&body).send().await.expect("the simulator answers");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{path} {body}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Takes the world apart: core, then database. What is left is the simulator and the files.
    pub(crate) async fn end(&mut self) {
        self.stop_core().await;
        self.db.close().await;
    }
}

/// A file of the tests.
pub fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// A client that follows no redirects.
pub fn http_client() -> reqwest::Client {
    let tls = aurareels_core::http::tls_config(&Default::default()).expect("TLS");
    aurareels_core::http::client_builder(&tls).build().expect("an HTTP client")
}

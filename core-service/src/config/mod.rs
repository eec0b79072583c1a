//! Settings: one struct per concern, read once at start.
//!
//! Guaranteed: `aurareels.toml` gives the values, the environment overrides them, [`catalog::all`] names every
//! setting there is; an unknown name is refused in the file, and in the environment when it begins with `AURAREELS_`.
//! Everything that is wrong is reported at once ([`Invalid`]), each with the setting, the rule and the remedy. An empty
//! value of the environment counts as not given. Secrets are [`Secret`]s: they have no readable `Debug`.

mod build;
pub mod catalog;
mod public_keys;
mod source;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use crate::{
    domain::{post::SchedulerKind, retry::RetryPolicy},
    http::HttpSettings,
    media::StreamSettings,
    platform::settings::Configured,
    secret::Secret,
    store::db::Place,
    telemetry::log::LogFormat,
};

/// Every setting of the core.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The port and what is served there.
    pub server: Server,
    /// The database.
    pub store: Store,
    /// The keys that seal tokens.
    pub keys: Keys,
    /// Who may call.
    pub auth: Auth,
    /// Where logins may lead back to.
    pub oauth: Oauth,
    /// Who wakes posts, and what happens to late ones.
    pub scheduler: Scheduler,
    /// How posts are moved.
    pub publishing: Publishing,
    /// What is written of what people and keys did.
    pub audit: Audit,
    /// How long what is over is kept.
    pub retention: Retention,
    /// The numbers of published posts are read.
    pub analytics: bool,
    /// The platforms' apps and addresses.
    pub platforms: Platforms,
    /// Where videos may come from, and how long uploads are kept.
    pub media: Media,
    /// Where `cloudflare-stream:` leads; nowhere when absent.
    pub cloudflare: Option<StreamSettings>,
    /// Outgoing HTTP.
    pub http: HttpSettings,
}

/// The port and what is served there.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where gRPC, gRPC-web and the pages are served. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How browsers and platforms reach this core; the bound address when absent. Without a slash at the end.
    pub public_url: Option<Url>,
    /// Web origins that may call by gRPC-web.
    pub cors_origins: CorsOrigins,
    /// Agents are served at `/mcp`.
    pub mcp: bool,
    /// Further host names by which agents call.
    pub mcp_hosts: Vec<String>,
    /// Certificate and key; plain text when absent.
    pub tls: Option<Tls>,
    /// The longest that an HTTP/1.1 connection stays open between two requests.
    pub idle_connection: Duration,
    /// How much one caller may ask for.
    pub limits: Limits,
    /// Filter of the log, in the words of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// Form of the log.
    pub log_format: LogFormat,
}

/// How much one API key, token or session may ask for. `None`: as much as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests a second.
    pub requests_per_second: Option<NonZeroU32>,
    /// Uploads under way.
    pub uploads: Option<NonZeroU32>,
}

/// Web origins that may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Any: calls are authorised by keys, never by cookies.
    Any,
    /// These; none when empty.
    List(Vec<String>),
}

/// Files of the server's certificate.
#[derive(Clone, Debug)]
pub struct Tls {
    /// PEM chain, the server's own certificate first.
    pub cert: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    /// Where files of the core live.
    pub data_dir: PathBuf,
    /// The database's URL. May hold a password.
    pub database_url: Secret,
    /// Stands before the name of every table of a database on a server.
    pub table_prefix: String,
}

impl Store {
    /// Where the database is.
    pub fn place(&self) -> Place {
        Place { url: self.database_url.expose().to_owned(), table_prefix: self.table_prefix.clone() }
    }
}

/// The keys that seal tokens.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// The key that seals; `serve` refuses to start without it.
    pub current: Option<Secret>,
    /// Keys that still open.
    pub old: Vec<Secret>,
}

/// Who may call.
#[derive(Clone, Debug, Default)]
pub struct Auth {
    /// HS256 secret of JWTs.
    pub jwt_secret: Option<Secret>,
    /// Ed25519 public keys of JWTs, each in PEM. Several while the signer changes its key.
    pub jwt_public_keys: Vec<String>,
    /// The only issuer whose JWTs are taken. Required with either of the above.
    pub jwt_issuer: Option<String>,
}

/// Where logins may lead back to.
#[derive(Clone, Debug, Default)]
pub struct Oauth {
    /// Where the callback page sends the browser; a small page of the core when absent.
    pub frontend_url: Option<Url>,
    /// Addresses that ConnectAccount takes as `redirect_uri`, compared as they stand here.
    pub redirect_uris: Vec<String>,
}

/// What is written of what people and keys did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    /// It is written.
    pub is_on: bool,
    /// Files older than so many days are removed; never when absent.
    pub keep_days: Option<NonZeroU32>,
}

/// How long what is over is kept. `None`: for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events.
    pub events: Duration,
    /// Posts that are published, failed or cancelled.
    pub posts: Option<Duration>,
    /// The steps of posts that are published or cancelled.
    pub steps: Option<Duration>,
}

/// Who wakes posts, and what happens to late ones.
#[derive(Clone, Debug)]
pub struct Scheduler {
    /// The default for posts that name none.
    pub default: SchedulerKind,
    /// The n8n workflow to call.
    pub n8n: Option<N8n>,
    /// How long after its due time a post waits for the workflow that took it.
    pub n8n_grace: Duration,
    /// A post found late by less than this is still published.
    pub late_policy: Duration,
}

/// The n8n workflow that schedules posts.
#[derive(Clone, Debug)]
pub struct N8n {
    /// Its webhook.
    pub webhook: Url,
    /// Sent as `X-API-Key`.
    pub api_key: Option<Secret>,
}

/// How posts are moved.
#[derive(Clone, Debug)]
pub struct Publishing {
    /// How long a claim on a post lasts without renewal.
    pub lease: Duration,
    /// Automatic retries.
    pub retry: RetryPolicy,
    /// Posts per user, platform and rolling day; off when absent.
    pub daily_posts_per_user: Option<i32>,
    /// How long before its time a post may be uploaded.
    pub prepare_lead: Duration,
    /// The first gap between two looks at a platform that is at work.
    pub poll_first: Duration,
    /// How long a post may stay unknown before a person is asked.
    pub review_after: Duration,
    /// Posts that are worked on at the same time.
    pub concurrency: usize,
}

/// What each platform of this release read.
#[derive(Clone, Debug)]
pub struct Platforms(pub Vec<Arc<dyn Configured>>);

/// Where videos may come from, and how long uploads are kept.
#[derive(Clone, Debug)]
pub struct Media {
    /// Loopback and private addresses are allowed. Link-local and metadata addresses never are.
    pub allow_private_hosts: bool,
    /// Bytes that all uploads of one user may have together.
    pub quota_bytes: u64,
    /// Bytes of the data directory's disk that uploads leave free.
    pub min_free_bytes: u64,
    /// How long an upload is kept that no post has used.
    pub unused: Duration,
    /// How long after the last post that used it, when that went well or was cancelled.
    pub done: Duration,
    /// How long after the last post that used it failed.
    pub failed: Duration,
    /// How long an upload may bring nothing before it is given up.
    pub idle: Duration,
    /// Where complete uploads are; `None`: in the data directory.
    pub bucket: Option<Bucket>,
}

/// A bucket of S3 or of a server that speaks it.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Before the name of every object.
    pub prefix: String,
    /// Another server than Amazon's.
    pub endpoint: Option<Url>,
    /// The region.
    pub region: Option<String>,
    /// Key and secret.
    pub credentials: Option<(String, Secret)>,
    /// The token of a session.
    pub session_token: Option<Secret>,
}

/// One thing that is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, with where it was read: "AURAREELS_LISTEN", "aurareels.toml: server.listen".
    pub setting: String,
    /// What is wrong and what to do. Never shows a secret's value.
    pub message: String,
}

/// The settings cannot be used; all reasons at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.0))]
pub struct Invalid(pub Vec<Problem>);

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|p| format!("  {}: {}", p.setting, p.message)).collect();
    format!("the settings cannot be used:\n{}", lines.join("\n"))
}

impl Settings {
    /// Reads a file and the environment. `file` is the path given by `--config`; when absent, `aurareels.toml` of the
    /// working directory is read if it is there.
    pub fn load(file: Option<PathBuf>, environment: impl Iterator<Item = (String, String)>) -> Result<Self, Invalid> {
        let (path, text) = match source::read_file(file)? {
            Some((path, text)) => (path, text),
            None => (PathBuf::from(source::DEFAULT_FILE), String::new()),
        };
        Self::from_text(&path.display().to_string(), &text, environment)
    }

    /// Settings from the text of a file and an environment.
    pub fn from_text(
        file: &str,
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Invalid> {
        let environment: BTreeMap<String, String> = environment.collect();
        let mut reader = source::Reader::new(file, text, &environment);
        let settings = build::settings(&mut reader);
        reader.finish(settings)
    }

    /// Settings from names and values alone, as tests and the demo use them.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Invalid> {
        Self::from_text("(none)", "", pairs.into_iter().map(|(name, value)| (name.into(), value.into())))
    }
}

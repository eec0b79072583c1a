//! Turns read values into [`Settings`], with every rule that a single setting or a pair of them must keep.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use url::Url;

use super::{
    Audit, Auth, Bucket, CorsOrigins, Keys, Limits, Media, N8n, Oauth, Platforms, Publishing, Retention, Scheduler,
    Server, Settings, Store, Tls, public_keys, source::Reader,
};
use crate::{
    domain::{media::stream_uid, post::SchedulerKind, retry::RetryPolicy},
    http::HttpSettings,
    media::{Access, StreamSettings},
    platform,
    secret::Secret,
    telemetry::log::{self, LogFormat},
};

/// Longest span that a setting may name: ten years.
const LONG: f64 = 315_360_000.0;

/// A gibibyte.
const GIB: u64 = 1 << 30;

/// The most bytes that a setting may name: what a signed column holds.
const MANY_BYTES: u64 = i64::MAX.unsigned_abs();

/// Shortest HS256 secret: the strength of the hash, RFC 7518 §3.2.
const MIN_JWT_SECRET: usize = 32;

/// Every setting; `None` when a required one is missing (the reader knows why).
pub(super) fn settings(reader: &mut Reader) -> Option<Settings> {
    Some(Settings {
        server: server(reader),
        store: store(reader),
        keys: Keys {
            current: reader.secret("AURAREELS_SOCIAL_ENCRYPTION_KEY"),
            old: reader.list("AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS").into_iter().map(Secret::from).collect(),
        },
        auth: auth(reader),
        oauth: oauth(reader),
        scheduler: scheduler(reader),
        publishing: publishing(reader),
        analytics: on_or_off(reader, "AURAREELS_ANALYTICS"),
        audit: Audit {
            is_on: on_or_off(reader, "AURAREELS_AUDIT"),
            keep_days: NonZeroU32::new(reader.number("AURAREELS_AUDIT_KEEP_DAYS", 0, 36_500, 0)),
        },
        retention: retention(reader),
        platforms: platforms(reader),
        media: media(reader),
        cloudflare: cloudflare(reader),
        http: HttpSettings { extra_ca: reader.text("AURAREELS_EXTRA_CA_FILE").map(PathBuf::from) },
    })
}

fn server(reader: &mut Reader) -> Server {
    let listen = reader
        .parsed("AURAREELS_LISTEN", "an IP address with a port, such as 127.0.0.1:50051 or [::]:50051")
        .unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50051));
    let public_url = reader.url("AURAREELS_PUBLIC_URL").filter(|url| {
        let fits = url.query().is_none() && url.fragment().is_none();
        if !fits {
            reader.wrong("AURAREELS_PUBLIC_URL", "must have no query and no fragment: paths are added to it");
        }
        fits
    });
    let (cert, key) = (reader.text("AURAREELS_TLS_CERT"), reader.text("AURAREELS_TLS_KEY"));
    let tls = match (cert, key) {
        (Some(cert), Some(key)) => Some(Tls { cert: cert.into(), key: key.into() }),
        (None, None) => None,
        (Some(_), None) => {
            reader.wrong("AURAREELS_TLS_CERT", "needs AURAREELS_TLS_KEY too");
            None
        }
        (None, Some(_)) => {
            reader.wrong("AURAREELS_TLS_KEY", "needs AURAREELS_TLS_CERT too");
            None
        }
    };
    let log = reader.text("AURAREELS_LOG").unwrap_or_else(|| "info".to_owned());
    if !log::is_filter(&log) {
        reader.wrong(
            "AURAREELS_LOG",
            format!("is `{log}`, but must be a filter such as info or aurareels_core=debug,info"),
        );
    }
    let log_format = match reader.text("AURAREELS_LOG_FORMAT").as_deref() {
        None | Some("text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        Some(other) => {
            reader.wrong("AURAREELS_LOG_FORMAT", format!("is `{other}`, but must be text or json"));
            LogFormat::Text
        }
    };
    let idle_connection = reader.seconds("AURAREELS_IDLE_CONNECTION_SECONDS", 1.0, 3_600.0, 75.0);
    let (cors_origins, limits) = (cors_origins(reader), limits(reader));
    let (mcp, mcp_hosts) = (on_or_off(reader, "AURAREELS_MCP"), mcp_hosts(reader));
    Server { listen, public_url, cors_origins, mcp, mcp_hosts, tls, idle_connection, limits, log, log_format }
}

fn limits(reader: &mut Reader) -> Limits {
    Limits {
        requests_per_second: NonZeroU32::new(reader.number("AURAREELS_KEY_REQUESTS_PER_SECOND", 0, 1_000_000, 0)),
        uploads: NonZeroU32::new(reader.number("AURAREELS_KEY_UPLOADS", 0, 100_000, 64)),
    }
}

fn mcp_hosts(reader: &mut Reader) -> Vec<String> {
    let hosts = reader.list("AURAREELS_MCP_HOSTS");
    for host in &hosts {
        if url::Url::parse(&format!("http://{host}/")).ok().is_none_or(|url| url.path() != "/" || !url.has_host()) {
            let message = format!("has `{host}`, but must list host names such as core or core.example.org:50051");
            reader.wrong("AURAREELS_MCP_HOSTS", message);
        }
    }
    hosts
}

fn cors_origins(reader: &mut Reader) -> CorsOrigins {
    let origins = reader.list("AURAREELS_CORS_ORIGINS");
    if origins.iter().any(|origin| origin == "*") {
        return CorsOrigins::Any;
    }
    for origin in &origins {
        let parsed = url::Url::parse(origin).ok().filter(url::Url::has_host);
        if parsed.is_none_or(|url| url.origin().ascii_serialization() != *origin) {
            let message =
                format!("has `{origin}`, but must list origins such as https://example.org, without a path, or *");
            reader.wrong("AURAREELS_CORS_ORIGINS", message);
        }
    }
    CorsOrigins::List(origins)
}

fn store(reader: &mut Reader) -> Store {
    let data_dir = reader.text("AURAREELS_DATA_DIR").map_or_else(|| PathBuf::from("data"), PathBuf::from);
    let database_url = reader
        .secret("AURAREELS_DATABASE_URL")
        .unwrap_or_else(|| Secret::from(crate::store::Store::default_url(&data_dir)));
    let table_prefix = reader.text("AURAREELS_TABLE_PREFIX").unwrap_or_default();
    let store = Store { data_dir, database_url, table_prefix };
    let place = store.place();
    if let Some(problem) = place.url_problem() {
        reader.wrong("AURAREELS_DATABASE_URL", problem);
    }
    if let Some(problem) = place.prefix_problem() {
        reader.wrong("AURAREELS_TABLE_PREFIX", problem);
    }
    store
}

fn auth(reader: &mut Reader) -> Auth {
    let jwt_secret = reader.secret("AURAREELS_JWT_SECRET");
    if jwt_secret.as_ref().is_some_and(|secret| secret.expose().len() < MIN_JWT_SECRET) {
        let message =
            format!("is shorter than {MIN_JWT_SECRET} bytes and could be guessed; give a longer one at both ends");
        reader.wrong("AURAREELS_JWT_SECRET", message);
    }
    let jwt_public_keys = public_keys::read(reader);
    let jwt_issuer = reader.text("AURAREELS_JWT_ISSUER");
    if jwt_issuer.is_none() && (jwt_secret.is_some() || !jwt_public_keys.is_empty()) {
        let message = "is not set: tokens are taken from one issuer only; give the `iss` of your tokens (WordPress: the site's address)";
        reader.wrong("AURAREELS_JWT_ISSUER", message);
    }
    Auth { jwt_secret, jwt_public_keys, jwt_issuer }
}

fn oauth(reader: &mut Reader) -> Oauth {
    let redirect_uris = reader.list("AURAREELS_REDIRECT_URIS");
    for uri in &redirect_uris {
        let parsed = url::Url::parse(uri).ok().filter(|url| url.has_host() && url.fragment().is_none());
        if parsed.is_none() {
            let message = format!("has `{uri}`, but must list whole addresses without a fragment");
            reader.wrong("AURAREELS_REDIRECT_URIS", message);
        }
    }
    Oauth { frontend_url: reader.url("AURAREELS_FRONTEND_URL"), redirect_uris }
}

fn scheduler(reader: &mut Reader) -> Scheduler {
    let default = match reader.text("AURAREELS_SCHEDULER").as_deref() {
        None | Some("core") => SchedulerKind::Core,
        Some("n8n") => SchedulerKind::N8n,
        Some(other) => {
            reader.wrong("AURAREELS_SCHEDULER", format!("is `{other}`, but must be core or n8n"));
            SchedulerKind::Core
        }
    };
    let webhook = reader.url("N8N_SCHEDULER_WEBHOOK");
    let api_key = reader.secret("N8N_API_KEY");
    if webhook.is_none() && default == SchedulerKind::N8n {
        reader.wrong("AURAREELS_SCHEDULER", "is n8n, which needs N8N_SCHEDULER_WEBHOOK; give it, or choose core");
    }
    Scheduler {
        default,
        n8n: webhook.map(|webhook| N8n { webhook, api_key }),
        n8n_grace: reader.seconds("AURAREELS_N8N_GRACE_SECONDS", 0.0, 86_400.0, 120.0),
        late_policy: reader.seconds("AURAREELS_LATE_POLICY_SECONDS", 0.0, LONG, 86_400.0),
    }
}

fn publishing(reader: &mut Reader) -> Publishing {
    let daily = reader.number("AURAREELS_DAILY_POSTS_PER_USER", 0, 100_000, 0);
    Publishing {
        lease: reader.seconds("AURAREELS_LEASE_SECONDS", 3.0, 600.0, 15.0),
        retry: RetryPolicy {
            max_attempts: reader.number("AURAREELS_MAX_RETRY_ATTEMPTS", 0, 100, 3),
            delay: reader.seconds("AURAREELS_RETRY_DELAY_SECONDS", 0.0, 604_800.0, 300.0),
        },
        daily_posts_per_user: (daily > 0).then_some(daily),
        prepare_lead: reader.seconds("AURAREELS_PREPARE_LEAD_SECONDS", 0.0, 86_400.0, 900.0),
        poll_first: reader.seconds("AURAREELS_POLL_FIRST_SECONDS", 0.02, 600.0, 10.0).max(Duration::from_millis(20)),
        review_after: reader.seconds("AURAREELS_REVIEW_AFTER_SECONDS", 60.0, 604_800.0, 86_400.0),
        concurrency: reader.number("AURAREELS_CONCURRENCY", 1, 20_000, 1_024),
    }
}

/// Fewest days for which posts and their steps are kept: request keys, searches after a restore and people look back so far.
const LEAST_DAYS: u32 = 7;

fn retention(reader: &mut Reader) -> Retention {
    let days = |days: u32| Duration::from_secs(86_400 * u64::from(days));
    let mut kept = |name: &'static str| {
        let number = reader.number(name, 0, 36_500, 0);
        if (1..LEAST_DAYS).contains(&number) {
            reader.wrong(name, format!("is {number}, but must be 0 (for ever) or at least {LEAST_DAYS} days"));
        }
        (number > 0).then(|| days(number))
    };
    let (posts, steps) = (kept("AURAREELS_KEEP_POSTS_DAYS"), kept("AURAREELS_KEEP_STEPS_DAYS"));
    Retention { events: days(reader.number("AURAREELS_KEEP_EVENTS_DAYS", 1, 36_500, 30)), posts, steps }
}

/// Something that is on unless it is switched off.
fn on_or_off(reader: &mut Reader, name: &'static str) -> bool {
    match reader.text(name).as_deref() {
        None | Some("on") => true,
        Some("off") => false,
        Some(other) => {
            reader.wrong(name, format!("is `{other}`, but must be on or off"));
            true
        }
    }
}

fn media(reader: &mut Reader) -> Media {
    Media {
        allow_private_hosts: reader.flag("AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS"),
        quota_bytes: reader.number("AURAREELS_MEDIA_QUOTA_BYTES", 0, MANY_BYTES, 20 * GIB),
        min_free_bytes: reader.number("AURAREELS_MEDIA_MIN_FREE_BYTES", 0, MANY_BYTES, GIB),
        unused: reader.seconds("AURAREELS_MEDIA_UNUSED_SECONDS", 0.0, LONG, 86_400.0),
        done: reader.seconds("AURAREELS_MEDIA_DONE_SECONDS", 0.0, LONG, 3_600.0),
        failed: reader.seconds("AURAREELS_MEDIA_FAILED_SECONDS", 0.0, LONG, 604_800.0),
        idle: reader.seconds("AURAREELS_MEDIA_IDLE_SECONDS", 1.0, 3_600.0, 120.0),
        bucket: bucket(reader),
    }
}

fn cloudflare(reader: &mut Reader) -> Option<StreamSettings> {
    let (account_id, token) = (reader.text("CLOUDFLARE_ACCOUNT_ID"), reader.secret("CLOUDFLARE_API_TOKEN"));
    let base = reader.base_url("CLOUDFLARE_API_BASE_URL", "api.cloudflare.com");
    let access = match reader.text("CLOUDFLARE_STREAM_ACCESS").as_deref() {
        None | Some("as_is") => Access::AsIs,
        Some("public") => Access::Public,
        Some("signed") => Access::Signed,
        Some("copy") => Access::Copy,
        Some(other) => {
            let message = format!("is `{other}`, but must be as_is, public, signed or copy");
            reader.wrong("CLOUDFLARE_STREAM_ACCESS", message);
            Access::AsIs
        }
    };
    match (account_id, token) {
        (Some(account_id), Some(token)) if stream_uid(&format!("cloudflare-stream:{account_id}")).is_some() => {
            Some(StreamSettings { account_id, token, base, access })
        }
        (Some(_), Some(_)) => {
            reader.wrong("CLOUDFLARE_ACCOUNT_ID", "must be the account's id: up to 32 letters and digits");
            None
        }
        (None, None) => None,
        (Some(_), None) => {
            reader.wrong("CLOUDFLARE_ACCOUNT_ID", "needs CLOUDFLARE_API_TOKEN too");
            None
        }
        (None, Some(_)) => {
            reader.wrong("CLOUDFLARE_API_TOKEN", "needs CLOUDFLARE_ACCOUNT_ID too");
            None
        }
    }
}

/// Where complete uploads are.
fn bucket(reader: &mut Reader) -> Option<Bucket> {
    let place = reader.text("AURAREELS_MEDIA_STORE");
    let endpoint = reader.url("AWS_ENDPOINT_URL");
    let region = reader.text("AWS_REGION");
    let (key, secret) = (reader.text("AWS_ACCESS_KEY_ID"), reader.secret("AWS_SECRET_ACCESS_KEY"));
    let session_token = reader.secret("AWS_SESSION_TOKEN");
    // Without a bucket the others are meant for other programs.
    let place = place?;
    let is_plain =
        |url: &Url| url.scheme() == "s3" && url.query().is_none() && url.username().is_empty() && url.port().is_none();
    let url = Url::parse(&place).ok().filter(is_plain);
    let Some((name, prefix)) = url.as_ref().and_then(|url| Some((url.host_str()?, url.path().trim_matches('/'))))
    else {
        reader.wrong(
            "AURAREELS_MEDIA_STORE",
            "must be s3://bucket or s3://bucket/prefix, or empty for files of the data directory",
        );
        return None;
    };
    if key.is_some() != secret.is_some() {
        reader.wrong("AWS_SECRET_ACCESS_KEY", "and AWS_ACCESS_KEY_ID belong together; set both, or neither");
    }
    Some(Bucket {
        name: name.to_owned(),
        prefix: prefix.to_owned(),
        endpoint,
        region,
        credentials: key.zip(secret),
        session_token,
    })
}

/// What each platform reads.
fn platforms(reader: &mut Reader) -> Platforms {
    Platforms(platform::ALL.iter().map(|description| (description.read)(reader)).collect())
}

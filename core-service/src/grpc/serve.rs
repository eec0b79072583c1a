//! Puts everything on one port and serves it until told to stop.
//!
//! Guaranteed: requests, headers, streams and waiting are bounded ([`MESSAGE`], [`HEADERS`], [`STREAMS`], `patience`,
//! `connection`), and so are connections (`accept`); a client's `grpc-timeout` is kept; a panic in a handler costs that call alone. Stopping takes at most [`DRAIN`] and
//! [`LAST_WORDS`]: new connections are refused, watchers end with UNAVAILABLE, running calls finish, what is left is
//! answered with UNAVAILABLE. After it no call is under way that could ask the store for something.
//!
//! The merged axum router is served by tonic's `Server` and not by `axum::serve`: only the former keeps `grpc-timeout`,
//! knows the peer's address and has HTTP/2 limits.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use aurareels_proto::v1::{
    account_service_server::AccountServiceServer, analytics_service_server::AnalyticsServiceServer,
    media_service_server::MediaServiceServer, platform_service_server::PlatformServiceServer,
    post_service_server::PostServiceServer, webhook_service_server::WebhookServiceServer,
};
use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use http::{HeaderName, HeaderValue, Method, header};
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
    time::timeout,
};
use tonic::{codec::CompressionEncoding, service::Routes, transport::Server};
use tonic_web::GrpcWebLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::{error, warn};

use super::{
    accept,
    accounts::AccountApi,
    analytics::AnalyticsApi,
    audited::{self, Audit},
    auth::{Authenticator, USER_HEADER, jwt::Jwt, limits::Limits, session::Cookies},
    calls::{self, Calls},
    connect::{self, Dictionary},
    connection::Times,
    convert::media::MAX_CHUNK,
    dashboard,
    drain_body::drain_body,
    entry::{self, Entry},
    health::{OldestOverdue, Teller, Watched},
    mcp,
    media::{self, MediaApi},
    metrics::MetricsPage,
    oauth_pages::OauthPages,
    pages::{self, Pages},
    patience,
    platforms::PlatformApi,
    post_api::PostApi,
    tls,
    webhooks::WebhookApi,
};
use crate::{
    app::{
        accounts::Accounts, analytics::Analytics, api_keys::ApiKeys, dashboard::Dashboard, media::MediaStore,
        platforms::Platforms, posts::Posts, video_jobs::VideoJobs, webhooks::WebhookEndpoints,
    },
    audit::AuditLog,
    clock::Clock,
    config::{self, CorsOrigins},
    store::Store,
    telemetry::metrics::Metrics,
};

/// Largest request message. The largest legal one holds 64 KiB of metadata and a caption.
const MESSAGE: usize = 1024 * 1024;

/// Most bytes of headers. A JWT of the largest accepted size fits.
const HEADERS: u32 = 32 * 1024;

/// Most calls at the same time on one connection.
const STREAMS: u32 = 256;

/// Time between pings of a silent connection, and how long an answer may take.
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));

/// Longest time from the word to stop until the calls that still run are cut.
const DRAIN: Duration = Duration::from_secs(7);

/// Longest time for telling clients that their calls were cut.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What is served.
pub struct Api {
    /// Use cases of posts.
    pub posts: Posts,
    /// Use cases of accounts.
    pub accounts: Accounts,
    /// The platforms.
    pub platforms: Platforms,
    /// Uploads.
    pub media_store: MediaStore,
    /// Webhook endpoints.
    pub webhooks: WebhookEndpoints,
    /// How posts do.
    pub analytics: Analytics,
    /// API keys.
    pub api_keys: ApiKeys,
    /// Keys of JWTs.
    pub auth: config::Auth,
    /// For health and metrics.
    pub store: Store,
    /// What is counted.
    pub metrics: Metrics,
    /// The time.
    pub clock: Clock,
    /// Told when a rotation wants this core to read its keys anew.
    pub asked_for_keys: Arc<Notify>,
    /// For the health of the schedule.
    pub oldest_overdue: OldestOverdue,
    /// What people and keys did.
    pub(crate) audit: AuditLog,
    /// Where the callback page leads.
    pub frontend: Option<url::Url>,
    /// Where browsers reach the core.
    pub public_url: url::Url,
}

/// A port that is being served.
pub struct Serving {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    calls: Calls,
    server: JoinHandle<()>,
    health: JoinHandle<()>,
}

impl Serving {
    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses new connections, ends watchers, waits for running calls, and cuts what takes too long.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if timeout(DRAIN, &mut self.server).await.is_err() {
            warn!(left = self.calls.running(), "calls were still running and are cut");
            self.calls.cut();
            if timeout(LAST_WORDS, &mut self.server).await.is_err() {
                // Connections that do not end; nothing runs on them.
                self.server.abort();
            }
        }
        if timeout(LAST_WORDS, self.calls.ended()).await.is_err() {
            warn!(left = self.calls.running(), "calls did not end");
        }
        // It ended with the word to stop, unless its last look takes long.
        self.health.abort();
        let _ = self.health.await;
    }
}

/// Takes the port.
pub async fn bind(settings: &config::Server) -> anyhow::Result<TcpListener> {
    let address = settings.listen;
    TcpListener::bind(address).await.with_context(|| {
        format!("AURAREELS_LISTEN: cannot listen on {address}; is another program (or another core) using that port?")
    })
}

/// Serves on a port.
pub async fn serve(listener: TcpListener, settings: &config::Server, api: Api) -> anyhow::Result<Serving> {
    let address = listener.local_addr()?;
    let acceptor = settings.tls.as_ref().map(tls::acceptor).transpose()?;
    let (stop, stopping) = watch::channel(false);
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let watched = Watched {
        store: api.store.clone(),
        clock: api.clock.clone(),
        overdue: api.oldest_overdue.clone(),
        asked_for_keys: api.asked_for_keys,
    };
    let (teller, trouble) = Teller::begin(reporter, watched).await;
    let health = tokio::spawn(teller.follow(stopping.clone()));
    let jwt = Jwt::new(&api.auth).context("AURAREELS_JWT_PUBLIC_KEY is no Ed25519 public key")?;
    let keys = Arc::new(api.api_keys);
    let logins = Arc::new(Dashboard::new(api.store.clone(), api.clock.clone()));
    let cookies = Cookies::of(&api.public_url);
    let authenticator = Authenticator::new(keys.clone(), logins.clone(), cookies, jwt, api.clock.clone());
    let dashboard = dashboard::router(logins.clone(), &api.public_url);
    let metrics =
        MetricsPage::new(api.metrics.clone(), api.store.clone(), api.clock.clone(), api.oldest_overdue.clone());
    let calls = Calls::new();
    let limits = Limits::new(settings.limits);
    let audit = Audit::new(api.audit);
    let entry = Entry {
        calls: calls.clone(),
        authenticator: authenticator.clone(),
        limits,
        audit: audit.clone(),
        metrics: api.metrics,
    };
    let entry = Arc::new(entry);
    let (handing_out, mut until) = (api.posts.hand_out_events(), stopping.clone());
    calls.spawn(async move {
        tokio::select! {
            () = handing_out => {}
            _ = until.wait_for(|stopping| *stopping) => {}
        }
    });
    let mut until = stopping.clone();
    calls.spawn(async move {
        tokio::select! {
            () = keys.follow_revocations() => {}
            () = logins.follow_revocations() => {}
            _ = until.wait_for(|stopping| *stopping) => {}
        }
    });
    let platforms = PlatformApi { platforms: api.platforms, posts: api.posts.clone(), clock: api.clock.clone() };
    let posts = PostApi {
        posts: api.posts,
        accounts: api.accounts.clone(),
        clock: api.clock.clone(),
        stopping: stopping.clone(),
        calls: calls.clone(),
    };
    let accounts = AccountApi { accounts: api.accounts.clone(), clock: api.clock.clone() };
    let webhooks = WebhookApi { webhooks: api.webhooks, clock: api.clock.clone() };
    let analytics = AnalyticsApi { analytics: api.analytics, clock: api.clock.clone() };
    let fetching = media::fetching(api.media_store.clone());
    // A chunk of the largest size, with what is around it.
    let video_jobs = VideoJobs::new(api.store, api.clock.clone());
    let media = MediaApi { media_store: api.media_store, video_jobs, clock: api.clock.clone() };
    let media = MediaServiceServer::new(media).max_decoding_message_size(MAX_CHUNK + 64 * 1024);
    macro_rules! limited {
        ($server:ident, $api:expr) => {
            $server::new($api)
                .max_decoding_message_size(MESSAGE)
                .accept_compressed(CompressionEncoding::Gzip)
                .send_compressed(CompressionEncoding::Gzip)
        };
    }
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(aurareels_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // What the details of errors are made of, so that clients by reflection can show them.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let grpc = Routes::default()
        .add_service(limited!(PostServiceServer, posts))
        .add_service(limited!(AccountServiceServer, accounts))
        .add_service(limited!(PlatformServiceServer, platforms))
        .add_service(limited!(WebhookServiceServer, webhooks))
        .add_service(limited!(AnalyticsServiceServer, analytics))
        .add_service(media)
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .into_axum_router()
        .reset_fallback()
        .layer(middleware::from_fn_with_state(entry, entry::pass));
    let agents = match settings.mcp {
        true => mcp::http::router(grpc.clone(), authenticator, api.clock, settings, &api.public_url),
        false => Router::new(),
    };
    let grpc = grpc
        .layer(GrpcWebLayer::new())
        .layer(middleware::from_fn_with_state(Arc::new(Dictionary::new()?), connect::pass))
        .layer(cors(&settings.cors_origins)?)
        .layer(middleware::from_fn(at_the_edge));
    let oauth = OauthPages { accounts: api.accounts, frontend: api.frontend };
    let pages = pages::router(Pages { metrics, trouble }, oauth).merge(fetching).merge(dashboard).merge(agents);
    let pages = pages.layer(middleware::from_fn_with_state(audit, audited::page));
    let pages = pages.layer(middleware::from_fn_with_state(calls.clone(), calls::counted));
    let app = pages.layer(middleware::from_fn(patience::bounded)).merge(grpc).fallback(pages::unknown);
    let mut stop_signal = stopping;
    let serving = Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(STREAMS)
        .http2_max_header_list_size(HEADERS)
        .http2_keepalive_interval(Some(PING.0))
        .http2_keepalive_timeout(Some(PING.1))
        .add_routes(Routes::from(app))
        .serve_with_incoming_shutdown(
            accept::incoming(listener, acceptor, Times::with_idle(settings.idle_connection)),
            async move {
                // An error means that the sender is gone, which stops as well.
                let _ = stop_signal.wait_for(|stopping| *stopping).await;
            },
        );
    let server = tokio::spawn(async move {
        if let Err(error) = serving.await {
            error!(error = &error as &dyn std::error::Error, "the server ended");
        }
    });
    Ok(Serving { address, stop, calls, server, health })
}

/// Browsers of the listed origins may call. Keys travel in a header, so no credentials mode is needed, and none is ever
/// allowed: sessions of the dashboard are for its own origin alone.
fn cors(origins: &CorsOrigins) -> anyhow::Result<CorsLayer> {
    const EXPOSED: [&str; 5] =
        ["grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-encoding", "retry-after"];
    let origin = match origins {
        CorsOrigins::Any => AllowOrigin::any(),
        CorsOrigins::List(origins) => {
            let values = origins.iter().map(|origin| HeaderValue::from_str(origin)).collect::<Result<Vec<_>, _>>();
            AllowOrigin::list(values.context("AURAREELS_CORS_ORIGINS holds an origin that is no header value")?)
        }
    };
    Ok(CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("x-grpc-web"),
            HeaderName::from_static("x-user-agent"),
            HeaderName::from_static("grpc-timeout"),
            HeaderName::from_static("connect-protocol-version"),
            HeaderName::from_static("connect-timeout-ms"),
            HeaderName::from_static(USER_HEADER),
        ])
        .expose_headers(EXPOSED.map(HeaderName::from_static))
        .max_age(Duration::from_secs(3600)))
}

/// Middleware around everything else. An origin that may not call is not told what others may do either.
async fn at_the_edge(request: Request, next: Next) -> Response {
    let (request, under_way) = patience::bound(request);
    let mut response = drain_body(request, next).await;
    let headers = response.headers_mut();
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        for name in [
            header::ACCESS_CONTROL_ALLOW_METHODS,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            header::ACCESS_CONTROL_MAX_AGE,
        ] {
            headers.remove(name);
        }
    }
    patience::kept(response, under_way)
}

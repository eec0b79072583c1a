//! `/mcp`: agents over HTTP, by the protocol's streamable transport
//! (<https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http>).
//!
//! Guaranteed: no session and no state, so any core behind a load balancer answers any request; a caller is known before
//! anything is read (`authorization: Bearer` with an API key or JWT; a browser's cookie does not count); a page of another
//! origin, and a name that does not belong to this core (DNS rebinding), are refused with 403.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use http::{HeaderValue, Method};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use url::Url;

use super::Server;
use crate::{
    clock::Clock,
    config,
    grpc::{
        auth::{Asked, Authenticator, Denied, layer, scopes},
        connect, status,
    },
};

/// Largest request, as for calls in JSON.
const BODY: usize = 4 * 1024 * 1024;

/// What every caller may do who may do anything: being refused it for want of a scope is no refusal here.
const ANY: &str = "/aurareels.v1.AccountService/ListAccounts";

/// The route. `rpcs` are the core's own gRPC routes, with everything that calls pass there.
pub(in crate::grpc) fn router(
    rpcs: Router,
    authenticator: Authenticator,
    clock: Clock,
    settings: &config::Server,
    public_url: &Url,
) -> Router {
    let origins: Vec<String> = origins(settings, public_url);
    let transport = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(BODY)
        .with_allowed_hosts(hosts(settings, public_url))
        .with_allowed_origins(origins.clone())
        .enforce_origin_validation();
    let server = Server::new(rpcs);
    let service =
        StreamableHttpService::new(move || Ok(server.clone()), Arc::new(NeverSessionManager::default()), transport);
    let listed = origins.iter().filter_map(|origin| HeaderValue::from_str(&shortest(origin)).ok());
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(listed))
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::mirror_request());
    let gate = Arc::new(Gate { authenticator, clock });
    Router::new().route_service("/mcp", service).layer(middleware::from_fn_with_state(gate, known)).layer(cors)
}

/// Names by which this core is called.
fn hosts(settings: &config::Server, public_url: &Url) -> Vec<String> {
    let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    hosts.extend(public_url.host_str().map(str::to_owned));
    let own = settings.listen.ip();
    hosts.extend((!own.is_unspecified()).then(|| own.to_string()));
    hosts.extend(settings.mcp_hosts.iter().cloned());
    hosts
}

/// Web origins whose pages may call, each with its port: the core's own and those of `AURAREELS_CORS_ORIGINS`. "Any" of
/// that setting does not count: the protocol demands that origins be checked.
fn origins(settings: &config::Server, public_url: &Url) -> Vec<String> {
    let listed = match &settings.cors_origins {
        config::CorsOrigins::Any => Vec::new(),
        config::CorsOrigins::List(origins) => origins.iter().filter_map(|origin| Url::parse(origin).ok()).collect(),
    };
    let with_port =
        |url: &Url| Some(format!("{}://{}:{}", url.scheme(), url.host_str()?, url.port_or_known_default()?));
    listed.iter().chain([public_url]).filter_map(with_port).collect()
}

/// An origin as browsers write it: without the port where it is the scheme's own.
fn shortest(origin: &str) -> String {
    Url::parse(origin).map_or_else(|_| origin.to_owned(), |url| url.origin().ascii_serialization())
}

struct Gate {
    authenticator: Authenticator,
    clock: Clock,
}

/// Refuses callers that nobody knows. What the others may do is asked for every call.
async fn known(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let credentials = layer::bearer_credentials(request.headers());
    let refusal = match scopes::find(ANY) {
        Some(rpc) => gate.authenticator.caller(&credentials, &rpc, Asked::Begins).await.err(),
        None => None,
    };
    match refusal {
        None | Some(Denied::Forbidden { .. }) => {
            // Whatever else says who calls is not handed on.
            request.headers_mut().remove(http::header::COOKIE);
            next.run(request).await
        }
        Some(denied) => connect::plainly_failed(&status::denied(denied, gate.clock.now())),
    }
}

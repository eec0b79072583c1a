//! Traces and log lines to an OpenTelemetry collector, by OTLP over HTTP (`http/protobuf`).
//!
//! Off unless the standard environment names a collector: `OTEL_EXPORTER_OTLP_ENDPOINT`, or the same with `TRACES` or `LOGS` in it.
//! Headers, timeouts, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_TRACES_SAMPLER` count as the standard says:
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.
//!
//! Guaranteed: spans and lines are handed over in memory and sent by threads of their own; what cannot be sent is dropped
//! there, and holds up nothing; the log says so, now and then.

use std::{
    env, fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{LogExporter, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::{Resource, logs::SdkLoggerProvider, trace::SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::warn;
use tracing_subscriber::{Layer, registry::LookupSpan};

use crate::{
    domain::failure::describe,
    http::{self, HttpSettings},
};

/// The name under which collectors know a core that was given none.
const SERVICE: &str = "aurareels";

/// How often a collector that takes nothing is told of.
const TELL: Duration = Duration::from_secs(600);

/// Longest wait for what is not sent yet when a core ends.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// What the environment asks for cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum NotOtlp {
    /// Another protocol.
    #[error(
        "{name} is `{value}`, but this core speaks http/protobuf; point it at the collector's port for that (usually 4318)"
    )]
    Protocol {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// The address or a header is none.
    #[error("the OTEL_EXPORTER_OTLP settings cannot be used")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// TLS cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Http(#[from] http::Error),
}

/// What sends, until the core ends.
#[derive(Debug)]
pub struct Exporters {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
}

fn given(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Whether a signal is asked for.
fn wanted(endpoint: &str, exporter: &str) -> bool {
    let is_named = given("OTEL_EXPORTER_OTLP_ENDPOINT").or_else(|| given(endpoint)).is_some();
    is_named && given(exporter).is_none_or(|exporter| exporter == "otlp")
}

/// The exporters that the environment asks for; `None` where it names no collector.
pub(super) fn of_environment(http: &HttpSettings) -> Result<Option<Exporters>, NotOtlp> {
    let is_disabled = given("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let traces = wanted("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER");
    let logs = wanted("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_LOGS_EXPORTER");
    if is_disabled || !(traces || logs) {
        return Ok(None);
    }
    for name in
        ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"]
    {
        if let Some(value) = given(name).filter(|value| value != "http/protobuf") {
            return Err(NotOtlp::Protocol { name, value });
        }
    }
    let client = Client {
        http: http::client_builder(&http::tls_config(http)?).build().map_err(http::Error::Client)?,
        runtime: Handle::current(),
        told: Arc::default(),
    };
    let mut resource = Resource::builder();
    if given("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name(SERVICE);
    }
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = resource.with_attribute(version).build();
    let mut tracing = SdkTracerProvider::builder().with_resource(resource.clone());
    if traces {
        tracing =
            tracing.with_batch_exporter(SpanExporter::builder().with_http().with_http_client(client.clone()).build()?);
    }
    let mut logging = SdkLoggerProvider::builder().with_resource(resource);
    if logs {
        logging = logging.with_batch_exporter(LogExporter::builder().with_http().with_http_client(client).build()?);
    }
    let exporters = Exporters { traces: tracing.build(), logs: logging.build() };
    global::set_tracer_provider(exporters.traces.clone());
    Ok(Some(exporters))
}

impl Exporters {
    pub(super) fn span_layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer().with_location(false).with_threads(false).with_tracer(self.traces.tracer(SERVICE))
    }

    pub(super) fn log_layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        OpenTelemetryTracingBridge::new(&self.logs)
    }

    /// Sends what is not sent yet, for a moment, and ends.
    pub async fn end(self) {
        let ended = tokio::task::spawn_blocking(move || {
            // What cannot be sent now never will be; there is nobody left to tell.
            let _ = (self.traces.shutdown_with_timeout(LAST_WORDS), self.logs.shutdown_with_timeout(LAST_WORDS));
        });
        let _ = ended.await;
    }
}

/// The core's own HTTP client, for the exporters' threads, which have no runtime.
#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
    /// When it was last told that the collector takes nothing.
    told: Arc<Mutex<Option<Instant>>>,
}

impl Client {
    fn tell(&self, problem: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TELL) {
            *told = Some(Instant::now());
            warn!(problem, "the OpenTelemetry collector does not take what this core reports; it is dropped");
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let exchange = self.runtime.spawn(async move {
            let (parts, body) = request.into_parts();
            let request = http.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
            let answer = request.timeout(Duration::from_secs(10)).send().await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut response = Response::new(answer.bytes().await?);
            (*response.status_mut(), *response.headers_mut()) = (status, headers);
            Ok::<_, reqwest::Error>(response)
        });
        let answer = exchange.await?.inspect_err(|error| self.tell(&describe(error)))?;
        if !answer.status().is_success() {
            self.tell(&format!("it answers {}", answer.status()));
        }
        Ok(answer)
    }
}

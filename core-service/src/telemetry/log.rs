//! The log: lines on standard error, for people or as JSON; and to a collector, where the environment names one.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{EnvFilter, Layer, Registry, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use super::{
    otlp::{self, Exporters, NotOtlp},
    spans::SPANS,
};
use crate::http::HttpSettings;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Whether a text is a filter.
pub fn is_filter(text: &str) -> bool {
    EnvFilter::try_new(text).is_ok() && names_levels(text)
}

/// Whether each part of a filter says which level it means. The library takes a word that is no level, such as a mistyped
/// `inof`, for the name of a module, and then nothing else is logged.
fn names_levels(filter: &str) -> bool {
    // The library takes nothing at all for a level, too.
    let is_level = |word: &str| !word.trim().is_empty() && word.trim().parse::<LevelFilter>().is_ok();
    filter.split(',').all(|part| match part.rsplit_once('=') {
        Some((_, level)) => is_level(level),
        None => is_level(part),
    })
}

fn filter(text: &str) -> EnvFilter {
    let filter = EnvFilter::try_new(text).unwrap_or_else(|_| EnvFilter::new("info"));
    // Spans are for collectors: lines do not carry them.
    match format!("{SPANS}=off").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    }
}

type Lines = Box<dyn Layer<Registry> + Send + Sync>;

fn lines(text: &str, format: LogFormat) -> Lines {
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => lines.with_filter(filter(text)).boxed(),
        LogFormat::Json => lines.json().with_filter(filter(text)).boxed(),
    }
}

/// Starts the log. Does nothing when one was started before, as in tests.
pub fn start(text: &str, format: LogFormat) {
    let _ = tracing_subscriber::registry().with(lines(text, format)).try_init();
}

/// Starts the log of a core. Where the environment names a collector, it gets the same lines, and spans.
pub fn start_with_collector(text: &str, format: LogFormat, http: &HttpSettings) -> Result<Option<Exporters>, NotOtlp> {
    let Some(exporters) = otlp::of_environment(http)? else {
        start(text, format);
        return Ok(None);
    };
    // What the exporter itself does must not become something to export.
    let own = Targets::new().with_default(LevelFilter::TRACE).with_targets(
        ["hyper", "hyper_util", "h2", "reqwest", "rustls", "opentelemetry", "opentelemetry_sdk", "opentelemetry_otlp"]
            .map(|target| (target, LevelFilter::OFF)),
    );
    let logs = exporters.log_layer().with_filter(filter(text)).with_filter(own);
    let spans = exporters.span_layer().with_filter(Targets::new().with_target(SPANS, LevelFilter::TRACE));
    let _ = tracing_subscriber::registry().with(lines(text, format)).with(logs).with(spans).try_init();
    Ok(Some(exporters))
}

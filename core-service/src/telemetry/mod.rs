//! What a core tells about itself, apart from answers: log lines, metrics, and traces.
//!
//! Guaranteed: nothing depends on it. A metric is a number in memory; spans are not even made unless somebody collects them
//! ([`otlp`]); a core that cannot tell goes on.

pub mod log;
pub mod metrics;
mod otlp;
pub mod spans;

pub use self::otlp::{Exporters, NotOtlp};

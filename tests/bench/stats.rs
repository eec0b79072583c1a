//! Percentiles of measured times.

use std::time::Duration;

/// The value below which this share of the values lies; the values are sorted here.
pub(crate) fn percentile(values: &mut [Duration], share: f64) -> Duration {
    values.sort_unstable();
    let last = values.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    values.get(at).copied().unwrap_or_default()
}

/// Milliseconds with two decimals.
pub(crate) fn ms(value: Duration) -> String {
    format!("{:.2} ms", value.as_secs_f64() * 1000.0)
}

//! Times that a platform names, made safe: how long it asks to wait, how long its tokens live. Outside numbers may be
//! negative, fractions, text, absurd or absent; none of them may panic, hold a post for weeks, or cost the answer in
//! which they stand (a rotated token must not be lost because its life is written as `7200.0`).
//!
//! Guaranteed: a wait is above zero and at most [`LONGEST_WAIT`], a life above zero and at most [`LONGEST_LIFE`].

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::domain::retry;
pub(crate) use crate::domain::retry::{LONGEST_WAIT, span};

/// Longest life of a token that is believed: the platforms name a year at most. A longer one is cut to this, so that a
/// wrong number only makes the core refresh earlier.
pub(crate) const LONGEST_LIFE: TimeDelta = TimeDelta::days(366);

/// Seconds as a platform writes them: a number, a fraction, or either as text. Everything else is as good as absent.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Ok(match Option::<Value>::deserialize(from)? {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    })
}

/// How long to wait, by seconds that a platform names.
pub(crate) fn wait(seconds: f64) -> Option<TimeDelta> {
    span(seconds, LONGEST_WAIT)
}

/// How long a token lives, by seconds that a platform names.
pub(crate) fn life(seconds: Option<f64>) -> Option<TimeDelta> {
    span(seconds?, LONGEST_LIFE)
}

/// The `Retry-After` of an answer.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<TimeDelta> {
    retry::retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What a platform, a proxy or a fault may write where seconds belong.
    const ODD: &[f64] = &[
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        -0.0,
        0.0,
        -1.0,
        0.4,
        1.0,
        59.9,
        86_400.0,
        86_401.0,
        9.2e18,
        -9.2e18,
        1e300,
    ];

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).unwrap()
    }

    fn header(text: &str) -> Option<TimeDelta> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers, now())
    }

    #[derive(Deserialize)]
    struct Answer {
        #[serde(default, deserialize_with = "seconds")]
        expires_in: Option<f64>,
    }

    #[test]
    fn whatever_number_comes_a_wait_is_positive_and_bounded_or_absent() {
        // Beside the odd ones, numbers from all over the range of bit patterns.
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        let anywhere = std::iter::repeat_with(|| {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            f64::from_bits(bits)
        });
        for seconds in ODD.iter().copied().chain(anywhere.take(100_000)) {
            let (wait, life) = (wait(seconds), life(Some(seconds)));
            assert_eq!(wait.is_some(), seconds > 0.0, "{seconds}");
            assert_eq!(life.is_some(), seconds > 0.0, "{seconds}");
            assert!(wait.is_none_or(|wait| wait > TimeDelta::zero() && wait <= LONGEST_WAIT), "{seconds}");
            assert!(life.is_none_or(|life| life > TimeDelta::zero() && life <= LONGEST_LIFE), "{seconds}");
            // The sum is what a post or a token is given.
            let _ = now() + wait.unwrap_or_default() + life.unwrap_or_default();
        }
        assert_eq!(wait(90.0), Some(TimeDelta::seconds(90)));
        assert_eq!(life(None), None);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        assert_eq!(header("120"), Some(TimeDelta::seconds(120)));
        let date = |after: TimeDelta| (now() + after).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        assert_eq!(header(&date(TimeDelta::seconds(300))), Some(TimeDelta::seconds(300)));
        assert_eq!(header(&date(-TimeDelta::seconds(300))), None, "a date that has passed asks for nothing");
        assert_eq!(header(&date(TimeDelta::days(400))), Some(LONGEST_WAIT));
        assert_eq!(header("Fri, 31 Dec 9999 23:59:59 GMT"), Some(LONGEST_WAIT));
        for huge in ["18446744073709551615", "99999999999999999999999", "1e400", "inf"] {
            assert_eq!(header(huge), Some(LONGEST_WAIT), "{huge}");
        }
        for nothing in
            ["", "-5", "0", "NaN", "soon", "Fri, 31 Feb 2027 23:59:59 GMT", "Fri, 31 Dec 999999 23:59:59 GMT"]
        {
            assert_eq!(header(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_life_that_is_written_oddly_does_not_cost_the_answer() {
        let read = |value: Value| serde_json::from_value::<Answer>(json!({ "expires_in": value })).unwrap().expires_in;
        assert_eq!(read(json!(7200)), Some(7200.0));
        assert_eq!(read(json!(7200.5)), Some(7200.5));
        assert_eq!(read(json!("7200")), Some(7200.0));
        for absent in [json!(null), json!("soon"), json!([7200]), json!({}), json!(true)] {
            assert_eq!(read(absent.clone()), None, "{absent}");
        }
        assert_eq!(life(read(json!(u64::MAX))), Some(LONGEST_LIFE));
        assert_eq!(life(read(json!(i64::MIN))), None);
        assert_eq!(serde_json::from_str::<Answer>("{}").unwrap().expires_in, None);
    }
}

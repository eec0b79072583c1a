//! When to retry or poll again. Pure: randomness is passed in as a number between 0 and 1.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// The longest wait that a platform may ask for. A longer one is cut to this: asking once a day costs nothing, and a
/// wrong number cannot hold a post for weeks.
pub const LONGEST_WAIT: TimeDelta = TimeDelta::days(1);

/// Until when a post waits for a platform that named a time: not in the past, never longer than [`LONGEST_WAIT`], and
/// `pause` from now where no usable time was named.
pub fn asked_until(until: Option<DateTime<Utc>>, now: DateTime<Utc>, pause: TimeDelta) -> DateTime<Utc> {
    match until {
        Some(until) if until > now => now + (until - now).min(LONGEST_WAIT),
        _ => now + pause,
    }
}

/// A positive span of at most `most`, from seconds given by an external party; `None` if they are not a valid span.
pub fn span(seconds: f64, most: TimeDelta) -> Option<TimeDelta> {
    if seconds.is_nan() || seconds <= 0.0 {
        return None;
    }
    // Not below the shortest span that is one; the comparison keeps infinity and everything too large out.
    let micros = (seconds * 1e6).clamp(1.0, most.num_microseconds().unwrap_or(i64::MAX) as f64);
    Some(TimeDelta::microseconds(micros as i64))
}

/// The text of a `Retry-After`, as seconds or as a date (<https://www.rfc-editor.org/rfc/rfc9110#name-retry-after>), cut to
/// [`LONGEST_WAIT`]. A date in the past asks for nothing.
pub fn retry_after(text: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(seconds) => span(seconds, LONGEST_WAIT),
        // The grammar of an HTTP date is that of RFC 2822 with `GMT` as zone.
        Err(_) => {
            let at = DateTime::parse_from_rfc2822(text).ok()?;
            let left = at.signed_duration_since(now);
            (left > TimeDelta::zero()).then(|| left.min(LONGEST_WAIT))
        }
    }
}

/// Automatic retries of a failed step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many (`AURAREELS_MAX_RETRY_ATTEMPTS`; the original's 3).
    pub max_attempts: i32,
    /// How far apart (`AURAREELS_RETRY_DELAY_SECONDS`; the original's 300).
    pub delay: Duration,
}

impl RetryPolicy {
    /// When the next automatic retry is due, `None` when none is left. The delay is spread by up to a tenth either way,
    /// so that posts which failed together do not come back together.
    pub fn next(&self, used: i32, now: DateTime<Utc>, chance: f64) -> Option<DateTime<Utc>> {
        (used < self.max_attempts).then(|| now + spread(self.delay, chance))
    }
}

/// A delay, spread by up to a tenth either way.
fn spread(delay: Duration, chance: f64) -> TimeDelta {
    let factor = 0.9 + 0.2 * chance.clamp(0.0, 1.0);
    TimeDelta::microseconds((delay.as_micros() as f64 * factor) as i64)
}

/// The gap to the next poll of a platform that is still processing: 10 s at first, growing to a minute, after ten
/// minutes to minutes, so that ten thousand slow posts cost next to nothing.
pub fn poll_gap(first: Duration, waited: TimeDelta, chance: f64) -> TimeDelta {
    let waited = waited.num_seconds().max(0);
    let base = match waited {
        0..60 => first,
        60..600 => Duration::from_secs(waited.clamp(10, 60) as u64).max(first),
        600..1_800 => Duration::from_secs(300),
        1_800..7_200 => Duration::from_secs(480),
        _ => Duration::from_secs(600),
    };
    // Scaled with `first`, so that a test's short first gap shortens the later ones too.
    let scale = first.as_secs_f64() / 10.0;
    let gap = if base == first { base } else { base.mul_f64(scale.min(1.0)) };
    spread(gap.max(Duration::from_millis(20)), chance)
}

/// Polls that are a minute or more apart are aligned to this grid, so that thousands of waiting posts share their
/// claims, their reads and their commits.
const GRID: TimeDelta = TimeDelta::seconds(5);

/// When to poll next a platform that has been processing since `since`.
pub fn next_poll(first: Duration, now: DateTime<Utc>, since: DateTime<Utc>, chance: f64) -> DateTime<Utc> {
    let gap = poll_gap(first, now - since, chance);
    let at = now + gap;
    if gap < TimeDelta::seconds(60) {
        return at;
    }
    at.duration_trunc(GRID).map_or(at, |mark| if mark < at { mark + GRID } else { mark })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_spread_and_ends() {
        let policy = RetryPolicy { max_attempts: 3, delay: Duration::from_secs(300) };
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(policy.next(0, now, 0.5), Some(now + TimeDelta::seconds(300)));
        assert_eq!(policy.next(2, now, 0.0), Some(now + TimeDelta::seconds(270)));
        assert_eq!(policy.next(2, now, 1.0), Some(now + TimeDelta::seconds(330)));
        assert_eq!(policy.next(3, now, 0.5), None);
    }

    #[test]
    fn a_named_time_is_kept_unless_it_is_past_or_absurd() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let until = |until| asked_until(until, now, TimeDelta::seconds(90)) - now;
        assert_eq!(until(None), TimeDelta::seconds(90));
        assert_eq!(until(Some(now)), TimeDelta::seconds(90));
        assert_eq!(until(Some(DateTime::<Utc>::MIN_UTC)), TimeDelta::seconds(90));
        assert_eq!(until(Some(now + TimeDelta::seconds(7))), TimeDelta::seconds(7));
        assert_eq!(until(Some(DateTime::<Utc>::MAX_UTC)), LONGEST_WAIT);
    }

    #[test]
    fn polls_start_at_ten_seconds_and_grow_to_minutes() {
        let gap = |seconds| poll_gap(Duration::from_secs(10), TimeDelta::seconds(seconds), 0.5).num_seconds();
        assert_eq!(gap(0), 10);
        assert_eq!(gap(59), 10);
        assert_eq!(gap(120), 60);
        assert_eq!(gap(900), 300);
        assert_eq!(gap(3_600), 480);
        assert_eq!(gap(86_400), 600);
    }

    #[test]
    fn looks_that_are_minutes_apart_come_together_and_never_early() {
        let first = Duration::from_secs(10);
        let since = DateTime::UNIX_EPOCH;
        let mut marks = std::collections::BTreeSet::new();
        for number in 0..1_000 {
            let now = since + TimeDelta::milliseconds(900_000 + number);
            let at = next_poll(first, now, since, 0.5);
            let gap = at - now;
            assert!(gap >= TimeDelta::seconds(300) && gap < TimeDelta::seconds(305), "{gap}");
            marks.insert(at);
        }
        assert!(marks.len() <= 2, "{marks:?}");
        assert_eq!(next_poll(first, since, since, 0.5), since + TimeDelta::seconds(10), "first looks are not rounded");
    }
}

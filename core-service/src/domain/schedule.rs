//! Reading the times that people and programs give (design §3): RFC 3339 with offset, a time without zone as UTC as the
//! original has it, or a wall time with an IANA zone. Pure; the clock's time comes in.

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// How far in the past a time may lie and still mean "now".
pub const GRACE: TimeDelta = TimeDelta::seconds(60);

/// How far ahead a time may lie: further is nearly always a slip of the pen.
pub const HORIZON: TimeDelta = TimeDelta::days(5 * 366);

/// Why a time is not taken. The texts name the rule and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not a time.
    #[error("`{0}` is no time; give RFC 3339 such as 2026-12-25T18:00:00+01:00, or 2026-12-25 18:00:00 for UTC")]
    Malformed(String),
    /// Not a zone.
    #[error("`{0}` is no IANA time zone; give one such as Europe/Berlin")]
    UnknownZone(String),
    /// A DST change leaves this wall time out.
    #[error("{local} does not exist in {zone}: clocks jump over it; give a time before or after the change")]
    InGap {
        /// The wall time.
        local: NaiveDateTime,
        /// The zone.
        zone: Tz,
    },
    /// Too far back.
    #[error("{at} lies {seconds} s in the past, at most {grace} s are taken as now; give a later time, or publish now", grace = GRACE.num_seconds())]
    InPast {
        /// The instant.
        at: DateTime<Utc>,
        /// How far back.
        seconds: i64,
    },
    /// Too far ahead.
    #[error("{at} lies more than five years ahead; check the year")]
    TooFar {
        /// The instant.
        at: DateTime<Utc>,
    },
}

/// An instant, with a note when the given time was not the only reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instant {
    /// The instant.
    pub at: DateTime<Utc>,
    /// Set when a wall time happens twice and the earlier one was taken.
    pub warning: Option<String>,
}

/// Reads a text: RFC 3339 with offset, or without zone as UTC, with `T` or a space, seconds optional.
pub fn parse_text(text: &str) -> Result<DateTime<Utc>, TimeError> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.with_timezone(&Utc));
    }
    parse_local(text).map(|local| local.and_utc())
}

/// Reads a time without zone.
fn parse_local(text: &str) -> Result<NaiveDateTime, TimeError> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .ok_or_else(|| TimeError::Malformed(text.to_owned()))
}

/// Reads what a clock on the wall shows in a zone.
pub fn parse_wall(local: &str, zone: &str) -> Result<Instant, TimeError> {
    let zone: Tz = zone.trim().parse().map_err(|_| TimeError::UnknownZone(zone.to_owned()))?;
    let local = parse_local(local.trim())?;
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Ok(Instant { at: at.with_timezone(&Utc), warning: None }),
        LocalResult::Ambiguous(earlier, _) => Ok(Instant {
            at: earlier.with_timezone(&Utc),
            warning: Some(format!(
                "{local} happens twice in {zone}; the earlier one, {}, was taken",
                earlier.to_rfc3339()
            )),
        }),
        LocalResult::None => Err(TimeError::InGap { local, zone }),
    }
}

/// A wall time and its zone in one spelling; `None` for what is none.
pub fn wall_text(local: &str, zone: &str) -> Option<String> {
    let zone: Tz = zone.trim().parse().ok()?;
    Some(format!("{}@{zone}", parse_local(local.trim()).ok()?.format("%Y-%m-%dT%H:%M:%S%.f")))
}

/// Applies the rule for past times: up to [`GRACE`] back means now. Cuts to microseconds, as rows hold them.
pub fn place(at: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, TimeError> {
    let at = at.trunc_subsecs(6);
    if at < now - GRACE {
        return Err(TimeError::InPast { at, seconds: (now - at).num_seconds() });
    }
    if at > now + HORIZON {
        return Err(TimeError::TooFar { at });
    }
    Ok(at.max(now))
}

/// The first instant that a stored or given timestamp may name; protects conversions from overflow.
pub fn in_range(at: DateTime<Utc>) -> bool {
    NaiveDate::from_ymd_opt(1970, 1, 1).is_some_and(|first| at.date_naive() >= first)
        && NaiveDate::from_ymd_opt(9999, 1, 1).is_some_and(|last| at.date_naive() < last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    #[test]
    fn texts_with_and_without_zone() {
        let expected = utc("2026-12-25T18:00:00Z");
        for text in ["2026-12-25T18:00:00Z", "2026-12-25T19:00:00+01:00", "2026-12-25 18:00:00", "2026-12-25T18:00"] {
            assert_eq!(parse_text(text), Ok(expected), "{text}");
        }
        for text in ["", "tomorrow", "2026-13-01 00:00", "1795000000"] {
            assert!(matches!(parse_text(text), Err(TimeError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn wall_times_at_the_changes_of_the_clock() {
        let plain = parse_wall("2026-07-01 12:00", "Europe/Berlin").unwrap();
        assert_eq!((plain.at, plain.warning), (utc("2026-07-01T10:00:00Z"), None));
        assert!(matches!(parse_wall("2026-03-29 02:30", "Europe/Berlin"), Err(TimeError::InGap { .. })));
        let twice = parse_wall("2026-10-25 02:30", "Europe/Berlin").unwrap();
        assert_eq!(twice.at, utc("2026-10-25T00:30:00Z"));
        assert!(twice.warning.is_some());
        assert!(matches!(parse_wall("2026-07-01 12:00", "Mars/Olympus"), Err(TimeError::UnknownZone(_))));
    }

    #[test]
    fn a_wall_time_has_one_spelling() {
        let expected = Some("2026-12-25T18:00:00@America/Vancouver".to_owned());
        for local in ["2026-12-25 18:00", "2026-12-25T18:00:00", " 2026-12-25T18:00:00.000 "] {
            assert_eq!(wall_text(local, " America/Vancouver"), expected, "{local}");
        }
        assert_eq!((wall_text("soon", "UTC"), wall_text("2026-12-25 18:00", "Mars/Olympus")), (None, None));
    }

    #[test]
    fn the_past_is_now_for_a_minute() {
        let now = utc("2026-11-22T12:00:00Z");
        assert_eq!(place(utc("2026-11-22T11:59:00Z"), now), Ok(now));
        assert!(matches!(place(utc("2026-11-22T11:58:59Z"), now), Err(TimeError::InPast { seconds: 61, .. })));
        assert_eq!(place(utc("2026-11-22T12:00:01Z"), now), Ok(utc("2026-11-22T12:00:01Z")));
        assert!(matches!(place(utc("2036-11-22T12:00:01Z"), now), Err(TimeError::TooFar { .. })));
    }
}

//! Reading the times that people and programs give (design §3): RFC 3339 with offset, a time without zone as UTC as the
//! original has it, or a wall time with an IANA zone. Pure; the clock's time comes in.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SubsecRound, TimeDelta, Timelike, Utc};
use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::{AmbiguousOffset, TimeZone},
};

/// How far in the past a time may be and still mean "now".
pub const GRACE: TimeDelta = TimeDelta::seconds(60);

/// How far ahead a time may be: further is nearly always a typo.
pub const HORIZON: TimeDelta = TimeDelta::days(5 * 366);

/// Why a time is refused. The texts name the rule and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not a time.
    #[error(
        "`{0}` is no time; give one with its offset such as 2026-12-25T18:00+01:00, or 2026-12-25 18:00 for UTC, or a \
         wall_time with its zone"
    )]
    Malformed(String),
    /// Not a zone.
    #[error("`{0}` is no IANA time zone; give one such as Europe/Berlin")]
    UnknownZone(String),
    /// A DST change skips this wall time.
    #[error("{local} does not exist in {zone}: clocks jump over it; give a time before or after the change")]
    InGap {
        /// The wall time.
        local: NaiveDateTime,
        /// The zone.
        zone: String,
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
    /// Set when a wall time occurs twice and the earlier one was used.
    pub warning: Option<String>,
}

/// A post's wall time, and its instant by the zone rules that were current when it was computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WallTime {
    /// `2026-12-25T18:00:00`.
    pub local: String,
    /// `America/Vancouver`.
    pub zone: String,
    /// The instant.
    pub at: DateTime<Utc>,
    /// The version of the rules: `2026f`.
    pub rules: String,
}

/// Reads a text: date and time with an offset, or without one as UTC. `T` or a space between them, seconds optional.
pub fn parse_text(text: &str) -> Result<DateTime<Utc>, TimeError> {
    let text = text.trim();
    parse_local(text).map(|local| local.and_utc()).or_else(|malformed| with_offset(text).ok_or(malformed))
}

/// The largest offset that a clock has: ISO 8601's own limit in most implementations, hours.
const MOST_HOURS_FROM_UTC: u32 = 18;

/// Reads a time with an offset, which may stand apart: `2026-12-25 18:00 +01:00`.
fn with_offset(text: &str) -> Option<DateTime<Utc>> {
    // A zone in brackets may contradict the offset.
    if !text.contains(':') || text.contains('[') {
        return None;
    }
    let (time, offset) = text.split_at(text.rfind(['+', '-', 'Z', 'z'])?);
    let hours = offset.get(1..3).and_then(|hours| hours.parse::<u32>().ok()).unwrap_or(0);
    // No place is that far from UTC, and a sixtieth second would become the one before.
    if hours > MOST_HOURS_FROM_UTC || time.contains(":60") {
        return None;
    }
    let instant: Timestamp = format!("{}{offset}", time.trim_end()).parse().ok()?;
    as_chrono(instant)
}

fn as_chrono(instant: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(instant.as_microsecond())
}

/// Reads a time without zone.
fn parse_local(text: &str) -> Result<NaiveDateTime, TimeError> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .filter(|local| local.nanosecond() < 1_000_000_000)
        .ok_or_else(|| TimeError::Malformed(text.to_owned()))
}

/// Reads a wall time in a zone.
pub fn parse_wall(local: &str, zone: &TimeZone) -> Result<Instant, TimeError> {
    let malformed = || TimeError::Malformed(local.trim().to_owned());
    let local = parse_local(local.trim())?;
    let civil = as_civil(local).ok_or_else(malformed)?;
    let read = zone.to_ambiguous_timestamp(civil);
    let name = zone.iana_name().unwrap_or("the zone");
    let warning = match read.offset() {
        AmbiguousOffset::Unambiguous { .. } => None,
        AmbiguousOffset::Gap { .. } => return Err(TimeError::InGap { local, zone: name.to_owned() }),
        AmbiguousOffset::Fold { before, .. } => {
            Some(format!("{local} happens twice in {name}; the earlier one, {local}{before}, was taken"))
        }
    };
    let at = read.earlier().ok().and_then(as_chrono).ok_or_else(malformed)?;
    Ok(Instant { at, warning })
}

fn as_civil(local: NaiveDateTime) -> Option<jiff::civil::DateTime> {
    let (year, month, day) = (local.year().try_into().ok()?, local.month() as i8, local.day() as i8);
    let (hour, minute, second) = (local.hour() as i8, local.minute() as i8, local.second() as i8);
    let time = Time::new(hour, minute, second, local.nanosecond().min(999_999_999) as i32).ok()?;
    Some(Date::new(year, month, day).ok()?.to_datetime(time))
}

/// A wall time and its zone in normalised form; `None` if it is not one.
pub fn wall_text(local: &str, zone: &TimeZone) -> Option<String> {
    Some(format!("{}@{}", parse_local(local.trim()).ok()?.format("%Y-%m-%dT%H:%M:%S%.f"), zone.iana_name()?))
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
    use proptest::prelude::*;

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn zone(name: &str) -> TimeZone {
        jiff::tz::TimeZoneDatabase::bundled().get(name).unwrap()
    }

    #[test]
    fn texts_with_and_without_zone() {
        let expected = utc("2026-12-25T18:00:00Z");
        for text in [
            "2026-12-25T18:00:00Z",
            "2026-12-25T19:00:00+01:00",
            "2026-12-25 18:00:00",
            "2026-12-25T18:00",
            "2026-12-25T19:00+01:00",
            "2026-12-25 19:00+01:00",
            "2026-12-25 19:00 +01:00",
            "2026-12-25T19:00:00 +0100",
            "2026-12-25T10:00-08",
            "2026-12-25T18:00Z",
            "2026-12-25 18:00z",
            " 2026-12-25T18:00:00.000000Z ",
            "2026-12-25T18:00:00+00:00",
            "2026-12-25T23:30+05:30",
        ] {
            assert_eq!(parse_text(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "tomorrow",
            "2026-13-01 00:00",
            "1795000000",
            "2026-12-25",
            "2026-12-25T18:00+99:00",
            "2026-12-25T18:00:00+25:00",
            "2026-12-25T18:00:00 -19:00",
            "2026-12-25T18:00:60Z",
            "2026-12-25 18:00:60",
            "2026-12-25T18:00:60+01:00",
            "2026-12-25T18:00+",
            "2026-12-25+01:00",
            "18:00+01:00",
            "2026-12-25T18:00+01:00[America/New_York]",
            "2026-12-25T18:00+01:00 later",
        ] {
            assert!(matches!(parse_text(text), Err(TimeError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn wall_times_at_the_changes_of_the_clock() {
        let berlin = &zone("Europe/Berlin");
        let plain = parse_wall("2026-07-01 12:00", berlin).unwrap();
        assert_eq!((plain.at, plain.warning), (utc("2026-07-01T10:00:00Z"), None));
        assert!(matches!(parse_wall("2026-03-29 02:30", berlin), Err(TimeError::InGap { .. })));
        let twice = parse_wall("2026-10-25 02:30", berlin).unwrap();
        assert_eq!(twice.at, utc("2026-10-25T00:30:00Z"));
        assert!(twice.warning.unwrap().contains("+02"));
        for local in ["", "2026-07-01", "2026-07-01 12:00+05:00", "2026-07-01T12:00Z"] {
            assert!(matches!(parse_wall(local, berlin), Err(TimeError::Malformed(_))), "{local}");
        }
    }

    #[test]
    fn zones_that_changed_this_year_have_their_new_rules() {
        let vancouver = &zone("America/Vancouver");
        let at = |local| parse_wall(local, vancouver).map(|instant| (instant.at, instant.warning));
        assert_eq!(at("2026-12-25 18:00"), Ok((utc("2026-12-26T01:00:00Z"), None)), "UTC-7 all year since November");
        assert_eq!(at("2027-03-14 02:30"), Ok((utc("2027-03-14T09:30:00Z"), None)), "no gap any more");
        assert_eq!(at("2026-11-01 01:30"), Ok((utc("2026-11-01T08:30:00Z"), None)), "nothing happens twice");
        assert_eq!(at("2027-07-01 12:00"), Ok((utc("2027-07-01T19:00:00Z"), None)));
    }

    #[test]
    fn a_wall_time_has_one_spelling() {
        let expected = Some("2026-12-25T18:00:00@America/Vancouver".to_owned());
        for local in ["2026-12-25 18:00", "2026-12-25T18:00:00", " 2026-12-25T18:00:00.000 "] {
            assert_eq!(wall_text(local, &zone("America/Vancouver")), expected, "{local}");
        }
        assert_eq!(wall_text("soon", &zone("UTC")), None);
    }

    #[test]
    fn the_past_is_now_for_a_minute() {
        let now = utc("2026-11-22T12:00:00Z");
        assert_eq!(place(utc("2026-11-22T11:59:00Z"), now), Ok(now));
        assert!(matches!(place(utc("2026-11-22T11:58:59Z"), now), Err(TimeError::InPast { seconds: 61, .. })));
        assert_eq!(place(utc("2026-11-22T12:00:01Z"), now), Ok(utc("2026-11-22T12:00:01Z")));
        assert!(matches!(place(utc("2036-11-22T12:00:01Z"), now), Err(TimeError::TooFar { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn texts_of_any_kind_are_read_or_refused(
            text in prop_oneof![
                any::<String>(),
                "[0-9]{1,6}-[0-9]{1,2}-[0-9]{1,2}[T ]?[0-9:.,]{0,12} ?[-+Zz]?[0-9:]{0,6}",
            ],
            name in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Vancouver", "Pacific/Apia", "Africa/Monrovia"]),
        ) {
            if let Ok(at) = parse_text(&text) {
                prop_assert_eq!(parse_text(&at.to_rfc3339()), Ok(at));
            }
            let _ = parse_wall(&text, &zone(name));
            let _ = wall_text(&text, &zone(name));
        }

        #[test]
        fn an_offset_is_taken_off(minutes in 0i64..40_000_000, offset in -1080i64..1081, separator in "[T ]", space in " ?") {
            let utc = DateTime::from_timestamp(minutes * 60, 0).unwrap();
            let local = (utc + TimeDelta::minutes(offset)).format(&format!("%Y-%m-%d{separator}%H:%M")).to_string();
            let sign = if offset < 0 { '-' } else { '+' };
            let text = format!("{local}{space}{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60);
            prop_assert_eq!(parse_text(&text), Ok(utc), "{}", text);
        }
    }
}

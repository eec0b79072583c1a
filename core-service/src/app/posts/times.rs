//! Times as callers give them: read as instants, kept as wall times if given as such, checked against now.

use chrono::{DateTime, SubsecRound, Utc};

use super::{
    super::{Broken, Error, Result},
    requests::GivenTime,
    shape::invalid,
};
use crate::{
    domain::{
        failure::Reason,
        request_key::Asked,
        schedule::{self, WallTime},
        violation::{Violation, Warning},
    },
    zones,
};

/// A given time as an instant, with a warning where it was not the only reading. The instant is as asked for: not yet
/// moved to now.
pub(super) fn read_time(given: &GivenTime, zones: &zones::Rules) -> Result<(DateTime<Utc>, Option<Warning>)> {
    let read = match given {
        GivenTime::At(at) if schedule::in_range(*at) => Ok((*at, None)),
        GivenTime::At(at) => Err(schedule::TimeError::Malformed(at.to_string())),
        GivenTime::Text(text) => schedule::parse_text(text).map(|at| (at, None)),
        GivenTime::Wall { local, zone } => zones
            .zone(zone)
            .ok_or_else(|| schedule::TimeError::UnknownZone(zone.clone()))
            .and_then(|zone| schedule::parse_wall(local, &zone))
            .map(|instant| (instant.at, instant.warning)),
    };
    let (at, warning) = read.map_err(time_error)?;
    let warning =
        warning.map(|message| Warning { code: "TIME_AMBIGUOUS".into(), field: "scheduled_at".into(), message });
    Ok((at, warning))
}

/// A given time as used in keys: the instant, and the wall time with its zone if given.
pub(super) fn as_asked(given: &GivenTime, at: DateTime<Utc>, zones: &zones::Rules) -> Asked {
    let wall = match given {
        GivenTime::Wall { local, zone } => zones.zone(zone).and_then(|zone| schedule::wall_text(local, &zone)),
        GivenTime::At(_) | GivenTime::Text(_) => None,
    };
    Asked { at: Some(at), wall }
}

/// The wall time that a post is scheduled at, if given as such. None if the time was moved to now.
pub(super) fn wall_time(given: &GivenTime, at: Option<DateTime<Utc>>, zones: &zones::Rules) -> Option<WallTime> {
    let GivenTime::Wall { local, zone } = given else { return None };
    let zone = zones.zone(zone)?;
    let at = at.filter(|at| schedule::parse_wall(local, &zone).is_ok_and(|read| read.at.trunc_subsecs(6) == *at))?;
    let (local, zone) =
        schedule::wall_text(local, &zone)?.split_once('@').map(|(l, z)| (l.to_owned(), z.to_owned()))?;
    Some(WallTime { local, zone, at, rules: zones.version().to_owned() })
}

/// Applies the rule for past times.
pub(super) fn place_time(at: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    schedule::place(at, now).map_err(time_error)
}

fn time_error(error: schedule::TimeError) -> Error {
    let (reason, rule) = match &error {
        schedule::TimeError::InPast { .. } => (Reason::TimeInPast, "TIME_IN_PAST"),
        schedule::TimeError::TooFar { .. } => (Reason::InvalidField, "TIME_TOO_FAR"),
        schedule::TimeError::InGap { .. } => (Reason::InvalidField, "TIME_IN_DST_GAP"),
        schedule::TimeError::UnknownZone(_) => (Reason::InvalidField, "TIME_ZONE_UNKNOWN"),
        schedule::TimeError::Malformed(_) => (Reason::InvalidField, "TIME_MALFORMED"),
    };
    let message = error.to_string();
    let violation = Violation {
        field: "scheduled_at",
        rule,
        measured: String::new(),
        limit: String::new(),
        remedy: String::new(),
        message,
    };
    invalid(reason, Broken { account: None, violation })
}

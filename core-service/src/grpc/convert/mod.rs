//! Between the words of the wire and the words of `domain` and `app`; one file per proto file.
//!
//! From the wire only the shape is checked: required fields, known enum values, times that exist. [`Shape`] collects
//! everything that is wrong, so a caller sees it at once. Rules stand in `app` and `domain`.

pub(super) mod account;
pub(super) mod analytics;
pub(super) mod event;
pub(super) mod media;
pub(super) mod platform;
pub(super) mod post;
pub(super) mod requests;
#[cfg(test)]
mod tests;
pub(super) mod video_job;
pub(super) mod webhook;

use chrono::{DateTime, Utc};
use prost_types::{Struct, Timestamp, value::Kind};
use serde_json::{Map, Number, Value};

use crate::{
    app::{Broken, Error, Result},
    domain::{failure::Reason, fields::Fields, schedule, violation::Violation},
};

/// Collects what is malformed in a request.
#[derive(Default)]
pub(super) struct Shape {
    broken: Vec<Broken>,
}

impl Shape {
    /// Notes a malformed field.
    pub(super) fn wrong(&mut self, field: &'static str, measured: impl Into<String>, limit: &str, remedy: &str) {
        let measured = measured.into();
        let message = if measured.is_empty() {
            format!("{field} is missing")
        } else {
            format!("{field} is {measured}, but must be {limit}")
        };
        let (limit, remedy) = (limit.to_owned(), remedy.to_owned());
        let violation = Violation { field, rule: "INVALID_FIELD", measured, limit, remedy, message };
        self.broken.push(Broken { account: None, violation });
    }

    /// An id, which is required.
    pub(super) fn id(&mut self, field: &'static str, id: i64) -> i64 {
        match id {
            1.. => {}
            0 => self.wrong(field, "", "a number above 0", "give the id that AuraReels answered"),
            _ => self.wrong(field, id.to_string(), "a number above 0", "give the id that AuraReels answered"),
        }
        id
    }

    /// A required text.
    pub(super) fn text(&mut self, field: &'static str, text: String) -> String {
        if text.trim().is_empty() {
            self.wrong(field, "", "a text", "give it");
        }
        text
    }

    /// A value of a wire enum; `None` for UNSPECIFIED, and for unknown numbers, which are noted.
    pub(super) fn value<T: TryFrom<i32> + PartialEq + Default>(
        &mut self,
        field: &'static str,
        number: i32,
    ) -> Option<T> {
        match T::try_from(number) {
            Ok(value) if value == T::default() => None,
            Ok(value) => Some(value),
            Err(_) => {
                self.unknown(field, number);
                None
            }
        }
    }

    /// Notes a value of a wire enum that this release does not know.
    pub(super) fn unknown(&mut self, field: &'static str, number: i32) {
        self.wrong(field, number.to_string(), "a value of its enum", "use a value that this release knows");
    }

    /// A page size: the default for 0.
    pub(super) fn page_size(&mut self, size: i32, default: u32) -> u32 {
        match size {
            0 => default,
            1..=500 => size.unsigned_abs(),
            _ => {
                self.wrong("page_size", size.to_string(), "1 to 500, or 0 for the default", "ask for smaller pages");
                default
            }
        }
    }

    /// An instant, where one is given.
    pub(super) fn time(&mut self, field: &'static str, time: Option<Timestamp>) -> Option<DateTime<Utc>> {
        let time = time?;
        let nanos = u32::try_from(time.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
        let at =
            nanos.and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos)).filter(|at| schedule::in_range(*at));
        if at.is_none() {
            let measured = format!("{} s and {} ns since 1970", time.seconds, time.nanos);
            self.wrong(field, measured, "a time from 1970 to 9999", "check the unit: seconds and nanoseconds");
        }
        at
    }

    /// The value, if nothing was malformed.
    pub(super) fn finish<T>(self, value: T) -> Result<T> {
        if self.broken.is_empty() {
            return Ok(value);
        }
        Err(Error::Invalid { reason: Reason::InvalidField, broken: self.broken })
    }
}

/// An instant for the wire.
pub(super) fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: at.timestamp(), nanos: at.timestamp_subsec_nanos().min(999_999_999).cast_signed() }
}

/// JSON from the wire. Numbers without fraction become whole numbers, as callers wrote them.
pub(super) fn json(given: Option<Struct>) -> Value {
    given.map_or(Value::Null, object)
}

fn object(given: Struct) -> Value {
    Value::Object(given.fields.into_iter().map(|(name, value)| (name, json_value(value))).collect::<Map<_, _>>())
}

fn json_value(given: prost_types::Value) -> Value {
    match given.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => flag.into(),
        Some(Kind::NumberValue(number)) => {
            whole(number).map_or_else(|| Number::from_f64(number).map_or(Value::Null, Value::Number), Value::from)
        }
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::StructValue(fields)) => object(fields),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(json_value).collect(),
    }
}

/// The whole number that this is, within the range where a double is exact.
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

/// JSON for the wire; `None` unless it is an object with something in it.
pub(super) fn structure(value: &Value) -> Option<Struct> {
    match value {
        Value::Object(fields) if !fields.is_empty() => Some(wire_object(fields)),
        _ => None,
    }
}

/// Named values for the wire.
pub(super) fn wire_fields(fields: &Fields) -> Struct {
    Struct { fields: fields.iter().map(|(name, value)| (name.to_owned(), wire_value(&value))).collect() }
}

/// The fields of an object for the wire.
pub(super) fn wire_object(fields: &Map<String, Value>) -> Struct {
    Struct { fields: fields.iter().map(|(name, value)| (name.clone(), wire_value(value))).collect() }
}

fn wire_value(value: &Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(list) => Kind::ListValue(prost_types::ListValue { values: list.iter().map(wire_value).collect() }),
        Value::Object(fields) => Kind::StructValue(wire_object(fields)),
    };
    prost_types::Value { kind: Some(kind) }
}

/// A text for the wire, where absent and empty are the same.
pub(super) fn or_empty(text: Option<String>) -> String {
    text.unwrap_or_default()
}

/// A text from the wire, where empty means not given.
pub(super) fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

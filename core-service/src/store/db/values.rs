//! Values that are bound to statements, in forms that every database has, and texts of statements.

use std::sync::OnceLock;

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        ids::{AccountId, Fence, PostId, Revision, Sequence, UserId},
        media::StoredFacts,
    },
    store::Result,
};

/// A value bound to a statement, in a form that every database has. NULL has a type too: PostgreSQL wants to know it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(Option<i64>),
    /// A fraction.
    Real(Option<f64>),
    /// A truth value.
    Flag(Option<bool>),
    /// An instant, to the microsecond.
    Time(Option<DateTime<Utc>>),
    /// Text.
    Text(Option<String>),
    /// JSON, written out.
    Json(Option<String>),
}

/// What can be bound, with the NULL of its type.
pub trait Bindable: Into<Value> {
    /// NULL.
    const NULL: Value;
}

macro_rules! bindable {
    ($($type:ty, $variant:ident, $value:ident => $bound:expr;)*) => { $(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                Self::$variant(Some($bound))
            }
        }
        impl Bindable for $type {
            const NULL: Value = Value::$variant(None);
        }
    )* };
}

bindable! {
    i64, Int, value => value;
    i32, Int, value => value.into();
    f64, Real, value => value;
    bool, Flag, value => value;
    DateTime<Utc>, Time, value => value;
    &str, Text, value => value.to_owned();
    &String, Text, value => value.clone();
    String, Text, value => value;
    &serde_json::Value, Json, value => value.to_string();
    &StoredFacts, Json, value => value.as_json().to_owned();
    PostId, Int, value => value.0;
    AccountId, Int, value => value.0;
    UserId, Int, value => value.0;
    Sequence, Int, value => value.0;
    Fence, Int, value => value.0;
    Revision, Int, value => value.0;
}

impl<T: Bindable> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(T::NULL, Into::into)
    }
}

impl Value {
    /// JSON of a value.
    pub(in crate::store) fn json(value: &impl serde::Serialize) -> Result<Self> {
        Ok(Self::Json(Some(serde_json::to_string(value)?)))
    }
}

/// Values for a statement, in the order of its placeholders.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::store::db::Value::from($value)),*] };
}

/// The placeholders and values of `IN (...)`. The last value is repeated up to the next power of two, so that lists of
/// all lengths need a handful of prepared statements.
pub(in crate::store) fn in_list<T: Copy + Into<Value>>(values: &[T]) -> (String, Vec<Value>) {
    let mut bound: Vec<Value> = values.iter().map(|value| (*value).into()).collect();
    let last = bound.last().cloned().unwrap_or(Value::Int(None));
    bound.resize(bound.len().next_power_of_two(), last);
    (vec!["?"; bound.len()].join(", "), bound)
}

/// A statement whose text depends on how many rows it is about, a power of two: written once for each.
pub(in crate::store) struct PerLength([OnceLock<String>; 7]);

impl PerLength {
    /// None is written yet.
    pub(in crate::store) const fn new() -> Self {
        Self([const { OnceLock::new() }; 7])
    }

    /// The text for so many rows, at most 64.
    pub(in crate::store) fn of(&self, rows: usize, write: impl FnOnce() -> String) -> &str {
        self.0[rows.ilog2() as usize].get_or_init(write)
    }
}

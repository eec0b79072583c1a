//! Budgets of calls that a platform gives an app a day, for all of its users together.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

/// What one call takes of a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The budget's name.
    pub budget: Cow<'static, str>,
    /// What it takes; 0 where only `leaves` matters.
    pub units: u32,
    /// What must be left afterwards, so that what has begun can be ended.
    pub leaves: u32,
    /// What there is a day.
    pub limit: u32,
    /// The day, by the platform's calendar.
    pub day: String,
    /// When the next one begins.
    pub until: DateTime<Utc>,
    /// Without room the call waits for the next day. Otherwise it is made all the same, and counted.
    pub may_wait: bool,
}

//! Daily call budgets of an app at a platform, shared by all its users.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

/// What one call costs of a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The budget's name.
    pub budget: Cow<'static, str>,
    /// Its cost; 0 if only `leaves` matters.
    pub units: u32,
    /// What must be left afterwards, so that work in progress can be finished.
    pub leaves: u32,
    /// What there is a day.
    pub limit: u32,
    /// The day, by the platform's calendar.
    pub day: String,
    /// When the next one begins.
    pub until: DateTime<Utc>,
    /// If the budget is used up, the call waits for the next day. Otherwise it is made anyway, and counted.
    pub may_wait: bool,
}

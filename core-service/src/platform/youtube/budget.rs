//! What calls cost of the app's quota at Google, which all of its users share and which begins anew at midnight in
//! California.
//!
//! Not documented: which request of a resumable upload is charged. The opening of a session is taken for it, and the chunks
//! and questions that follow for free. Every call to the API costs at least one unit, refused ones too.
//! <https://developers.google.com/youtube/v3/determine_quota_cost>, read 22 November 2026.

use chrono::{DateTime, Utc};
use chrono_tz::America::Los_Angeles;

use super::{
    YoutubeSettings,
    course::{FIND, FIND_COMMENT, PUBLISH, SESSION, STATUS, THUMBNAIL, WRITE_COMMENT},
    errors::next_pacific_midnight,
};
use crate::{domain::budget::Charge, platform::Asked};

/// Google's reasons for "the app has nothing left today".
pub(super) const IS_USED_UP: [&str; 2] = ["quotaExceeded", "dailyLimitExceeded"];

/// The bucket of `videos.insert`.
const UPLOADS: &str = "uploads";
/// The bucket of everything else.
const UNITS: &str = "units";

/// `videos.update`, `thumbnails.set`.
const UPDATE: u32 = 50;
/// `commentThreads.insert`.
const INSERT_COMMENT: u32 = 50;
/// What ends an upload that has begun: some readings, and the second step.
const TO_END: u32 = UPDATE + 5;

/// What Google gives an app that never asked for more.
pub(super) const UPLOADS_A_DAY: u32 = 100;
pub(super) const UNITS_A_DAY: u32 = 10_000;

/// Both budgets of the day.
pub(super) fn all(settings: &YoutubeSettings, now: DateTime<Utc>) -> Vec<Charge> {
    let units = Charge {
        budget: UNITS.into(),
        units: 0,
        leaves: 0,
        limit: settings.units_per_day,
        day: now.with_timezone(&Los_Angeles).date_naive().to_string(),
        until: next_pacific_midnight(now),
        may_wait: false,
    };
    vec![Charge { budget: UPLOADS.into(), limit: settings.uploads_per_day, ..units.clone() }, units]
}

/// What a call costs.
pub(super) fn price(settings: &YoutubeSettings, asked: Asked<'_>, now: DateTime<Utc>) -> Vec<Charge> {
    let mut budgets = all(settings, now).into_iter();
    let (Some(uploads), Some(general)) = (budgets.next(), budgets.next()) else { return Vec::new() };
    let units = |units: u32| Charge { units, ..general.clone() };
    let uploads = Charge { units: 1, may_wait: true, ..uploads };
    match asked {
        Asked::Step(SESSION) => vec![uploads, Charge { leaves: TO_END, may_wait: true, ..units(0) }],
        Asked::Step(PUBLISH) => vec![Charge { may_wait: true, ..units(UPDATE) }],
        Asked::Step(FIND) => vec![units(2)],
        Asked::Step(THUMBNAIL) => vec![Charge { may_wait: true, ..units(UPDATE) }],
        Asked::Step(WRITE_COMMENT) => vec![Charge { may_wait: true, ..units(INSERT_COMMENT) }],
        Asked::Step(STATUS | FIND_COMMENT) | Asked::Reading => vec![units(1)],
        Asked::Step(_) => Vec::new(),
    }
}

/// What a reading of numbers costs. It leaves half of the day's units to publishing.
pub(super) fn of_numbers(settings: &YoutubeSettings, now: DateTime<Utc>) -> Charge {
    let units = all(settings, now).swap_remove(1);
    Charge { units: 1, leaves: settings.units_per_day / 2, may_wait: true, ..units }
}

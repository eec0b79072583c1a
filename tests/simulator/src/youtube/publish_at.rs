//! `status.publishAt`: when YouTube itself makes a private video public (sheet §6).

use chrono::{DateTime, Utc};

use crate::youtube::error::Refusal;
use crate::youtube::resource::Status;
use crate::youtube::rules::{Privacy, Rules};
use crate::youtube::video::Video;

/// Refuses a time that cannot be: only a private video that never was public has one, and it lies ahead.
pub(crate) fn check(status: &Status, video: Option<&Video>, rules: &Rules, now: DateTime<Utc>) -> Result<(), Refusal> {
    let Some(at) = status.publish_at else { return Ok(()) };
    let refused = || Err(Refusal::of("invalidPublishAt").at("body.status.publishAt", "other"));
    if status.privacy != Privacy::Private || video.is_some_and(|video| video.published_at.is_some()) {
        return refused();
    }
    if at <= now && !rules.past_publish_at_publishes {
        return refused();
    }
    Ok(())
}

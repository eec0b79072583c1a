//! The time of the database: cores that share one go by it, so that what is due is due for all of them at once.
//!
//! Guaranteed: the clock of this core is off the server's by no more than half of the time that asking takes, or [`GRAIN`].
//! A server that does not answer changes nothing. A database that is a file has the time of its machine.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{info, warn};

use super::{Result, Store};

/// How often the server is asked at once; the quickest answer says most.
const READINGS: usize = 3;

/// An answer that took longer says nothing.
const LONGEST: TimeDelta = TimeDelta::seconds(2);

/// What is nearer than this counts as equal.
const GRAIN: TimeDelta = TimeDelta::milliseconds(25);

/// A machine whose clock is off by more is told of.
const WRONG: TimeDelta = TimeDelta::seconds(2);

/// How often the clock is compared with the server's.
pub const EVERY: Duration = Duration::from_secs(60);

/// What the server's clock said, and between which two readings of the machine's.
#[derive(Clone, Copy, Debug)]
struct Reading {
    asked: DateTime<Utc>,
    told: DateTime<Utc>,
    answered: DateTime<Utc>,
}

impl Reading {
    fn took(&self) -> TimeDelta {
        self.answered - self.asked
    }

    /// How far the machine is behind the server. The answer was made at any moment between the two.
    fn difference(&self) -> TimeDelta {
        self.told - (self.asked + self.took() / 2)
    }

    /// What a correction becomes: the one before, if this reading does not say that it is wrong.
    fn corrected(&self, before: TimeDelta) -> TimeDelta {
        let difference = self.difference();
        let doubt = (self.took() / 2).max(GRAIN);
        if (difference - before).abs() <= doubt { before } else { difference }
    }
}

impl Store {
    /// Corrects the clock of this core by the time of its database.
    pub async fn correct_clock(&self) -> Result<()> {
        let mut quickest: Option<Reading> = None;
        for _ in 0..READINGS {
            let asked = self.clock.machine();
            let Some(told) = self.db.time().await? else { return Ok(()) };
            let reading = Reading { asked, told, answered: self.clock.machine() };
            if quickest.is_none_or(|quickest| reading.took() < quickest.took()) {
                quickest = Some(reading);
            }
        }
        // Less than nothing: the machine's clock was set back meanwhile.
        let sound = |reading: &Reading| (TimeDelta::zero()..LONGEST).contains(&reading.took());
        let Some(reading) = quickest.filter(sound) else { return Ok(()) };
        let before = self.clock.correction();
        let after = reading.corrected(before);
        if after == before {
            return Ok(());
        }
        self.clock.correct(after);
        let milliseconds = after.num_milliseconds();
        if after.abs() > WRONG && (after - before).abs() > WRONG {
            warn!(
                milliseconds,
                "the clock of this machine is behind the database's by that (ahead, if negative); the core goes by the \
                 database's, and this machine needs NTP"
            );
        } else {
            info!(milliseconds, "the clock is corrected by the database's");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(asked: i64, told: i64, answered: i64) -> Reading {
        let at = |ms| DateTime::from_timestamp_millis(1_795_000_000_000 + ms).unwrap();
        Reading { asked: at(asked), told: at(told), answered: at(answered) }
    }

    #[test]
    fn a_correction_is_changed_only_by_what_contradicts_it() {
        let ms = TimeDelta::milliseconds;
        assert_eq!(reading(0, 5_050, 100).corrected(ms(0)), ms(5_000));
        assert_eq!(reading(0, 5_090, 100).corrected(ms(5_000)), ms(5_000), "within what asking took");
        assert_eq!(reading(0, 5_160, 100).corrected(ms(5_000)), ms(5_110));
        assert_eq!(reading(0, 5_021, 2).corrected(ms(5_000)), ms(5_000), "nearer than counts");
        assert_eq!(reading(0, -599_999, 2).corrected(ms(5_000)), ms(-600_000));
    }
}

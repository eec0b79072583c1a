//! A time on the command line.

use aurareels_proto::v1::{self, schedule_time::Form};
use clap::Args;

/// A time.
#[derive(Args)]
pub(in crate::cli) struct At {
    /// When: 2026-12-25T18:00:00+01:00, or without offset in UTC, or with --zone on the clock there.
    #[arg(long, value_name = "TIME")]
    at: String,
    /// IANA time zone of --at, such as Europe/Berlin.
    #[arg(long)]
    zone: Option<String>,
}

impl At {
    pub(super) fn time(self) -> v1::ScheduleTime {
        let form = match self.zone {
            Some(time_zone) => Form::WallTime(v1::WallTime { local: self.at, time_zone }),
            None => Form::Text(self.at),
        };
        v1::ScheduleTime { form: Some(form) }
    }
}

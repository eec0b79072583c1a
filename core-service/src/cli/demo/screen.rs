//! Shows the posts while they move: bars on a terminal, a line per change elsewhere.

use std::{collections::BTreeMap, io::IsTerminal, time::Duration};

use aurareels_proto::v1;
use chrono::{DateTime, Local, Utc};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::show;

/// Least difference between two lines on an upload, in percent.
const STEP: i64 = 25;

struct Shown {
    label: String,
    status: v1::PostStatus,
    /// Percent of the upload that a line told of.
    told: i64,
    scheduled_at: Option<DateTime<Utc>>,
    bar: Option<ProgressBar>,
}

/// The posts on the screen.
pub(super) struct Screen {
    bars: Option<MultiProgress>,
    posts: BTreeMap<i64, Shown>,
}

impl Screen {
    pub(super) fn new() -> Self {
        let bars = std::io::stdout().is_terminal().then(MultiProgress::new);
        Self { bars, posts: BTreeMap::new() }
    }

    /// Adds a post.
    pub(super) fn add(&mut self, post: &v1::Post) {
        let label = format!("post {}  {:<24}", post.id, show::account(post));
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new(100));
            let style = ProgressStyle::with_template("  {spinner} {prefix} {bar:24} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(label.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let scheduled_at = show::time(post.scheduled_at);
        let shown = Shown { label, status: v1::PostStatus::Unspecified, told: 0, scheduled_at, bar };
        self.posts.insert(post.id, shown);
        self.update(post, show::time(post.created_at));
    }

    /// Shows what an event tells.
    pub(super) fn event(&mut self, event: &v1::Event) {
        if let Some(post) = &event.post {
            self.update(post, show::time(event.created_at));
        }
    }

    fn update(&mut self, post: &v1::Post, at: Option<DateTime<Utc>>) {
        let Some(shown) = self.posts.get_mut(&post.id) else { return };
        let at = at.unwrap_or_default().with_timezone(&Local).format("%H:%M:%S%.3f");
        let percent = match (post.uploaded_bytes, post.video_size_bytes) {
            (Some(sent), Some(total)) if total > 0 => Some((sent * 100 / total).clamp(0, 100)),
            _ => None,
        };
        let status = post.status();
        let moved = status != shown.status;
        shown.status = status;
        if let Some(bar) = &shown.bar {
            if let Some(percent) = percent {
                bar.set_position(percent.unsigned_abs());
            }
            bar.set_message(message(post, shown.scheduled_at));
            if status == v1::PostStatus::Published {
                bar.set_position(100);
                bar.finish();
            }
            return;
        }
        let label = &shown.label;
        if moved {
            println!("  {at}  {label}  {}", message(post, shown.scheduled_at));
        } else if !super::super::post::at_rest(status)
            && let (Some(percent), (Some(sent), Some(total))) = (percent, (post.uploaded_bytes, post.video_size_bytes))
            && percent / STEP > shown.told / STEP
        {
            shown.told = percent;
            println!("  {at}  {label}  uploaded {percent:>3} %  ({sent} of {total} bytes)");
        }
    }

    /// Whether every post is at rest.
    pub(super) fn all_at_rest(&self) -> bool {
        self.posts.values().all(|shown| super::super::post::at_rest(shown.status))
    }

    /// Ends the bars, so that what follows stands below them.
    pub(super) fn end(&mut self) {
        for bar in self.posts.values().filter_map(|shown| shown.bar.as_ref()) {
            bar.abandon();
        }
    }
}

fn message(post: &v1::Post, scheduled_at: Option<DateTime<Utc>>) -> String {
    let note = show::note(post);
    match (post.status(), scheduled_at) {
        (v1::PostStatus::Scheduled, Some(at)) => {
            format!("scheduled for {}", at.with_timezone(&Local).format("%H:%M:%S"))
        }
        (status, _) if note.is_empty() => show::status(status),
        (status, _) => format!("{}  {note}", show::status(status)),
    }
}

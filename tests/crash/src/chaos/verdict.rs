//! How a chaos run ended: each post's last word beside what can be seen on the platform.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use aurareels_core::domain::post::Status;
use sqlx::Row;

use super::callers::Asked;
use crate::rig::Rig;

/// Counts of what must not be, and of what may.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    doubled: usize,
    lost: usize,
    falsely_failed: usize,
    falsely_published: usize,
    falsely_cancelled: usize,
    wrong_text: usize,
    published: usize,
    failed: usize,
    cancelled: usize,
    review: usize,
    review_visible: usize,
    visible: usize,
    reasons: BTreeMap<String, usize>,
    findings: Vec<String>,
}

impl Verdict {
    /// Looks at every post.
    pub(super) async fn of(rig: &Rig, all: &[Asked]) -> Result<Self> {
        let mut seen: HashMap<String, Vec<String>> = HashMap::new();
        for post in rig.sim.posts() {
            let name = post.caption.split_whitespace().next().unwrap_or_default().to_owned();
            seen.entry(name).or_default().push(post.caption);
        }
        let rows = sqlx::query(
            "SELECT id, platform, status, full_caption, options, json_extract(error, '$.reason') AS reason \
             FROM aurareels_social_posts",
        )
        .fetch_all(&rig.database)
        .await?;
        let rows: HashMap<i64, _> = rows.into_iter().map(|row| (row.get::<i64, _>("id"), row)).collect();
        let mut verdict = Self { visible: seen.values().map(Vec::len).sum(), ..Self::default() };
        for asked in all {
            let id = asked.id.context("a post was never asked for")?.0;
            let row = rows.get(&id).with_context(|| format!("post {id} is gone"))?;
            let status: Status = row.get::<String, _>("status").parse()?;
            let texts = seen.get(&asked.intent.name).map(Vec::as_slice).unwrap_or_default();
            verdict.note(asked, id, status, row.get("full_caption"), texts);
            if matches!(status, Status::Failed | Status::NeedsReview) {
                let reason: Option<String> = row.get("reason");
                let visible = if texts.is_empty() { "not visible" } else { "visible" };
                let reason = reason.as_deref().unwrap_or("none");
                let line = format!("{} {status} {reason}, {visible}", asked.intent.upload.name());
                *verdict.reasons.entry(line).or_default() += 1;
            }
        }
        Ok(verdict)
    }

    fn note(&mut self, asked: &Asked, id: i64, status: Status, stored: &str, texts: &[String]) {
        let visible = texts.len();
        let mut find = |count: &mut usize, what: &str| {
            *count += 1;
            self.findings.push(format!("post {id} ({}) {what}: {status}, {visible} visible", asked.intent.name));
        };
        if visible > 1 {
            find(&mut self.doubled, "doubled");
        }
        if texts.iter().any(|text| text != stored) {
            find(&mut self.wrong_text, "shows another text than is stored");
        }
        match status {
            Status::Published if visible == 0 => find(&mut self.falsely_published, "falsely published"),
            Status::Failed if visible > 0 => find(&mut self.falsely_failed, "falsely failed"),
            Status::Cancelled if visible > 0 => find(&mut self.falsely_cancelled, "cancelled but visible"),
            Status::Published | Status::Failed | Status::Cancelled | Status::NeedsReview => {}
            _ => find(&mut self.lost, "lost"),
        }
        if asked.cancelled && status != Status::Cancelled {
            find(&mut self.falsely_cancelled, "cancelled by its caller and went on");
        }
        self.published += usize::from(status == Status::Published);
        self.failed += usize::from(status == Status::Failed);
        self.cancelled += usize::from(status == Status::Cancelled);
        self.review += usize::from(status == Status::NeedsReview);
        self.review_visible += usize::from(status == Status::NeedsReview && visible > 0);
    }

    /// Prints it; true when nothing is wrong.
    pub(super) fn tell(&self, asked: usize) -> bool {
        println!("asked for {asked}, visible {}", self.visible);
        println!(
            "published {}, failed with proof {}, cancelled {}, in review {}",
            self.published, self.failed, self.cancelled, self.review
        );
        println!(
            "doubled {}, lost {}, falsely failed {}, falsely published {}, cancelled but visible {}, wrong text {}",
            self.doubled,
            self.lost,
            self.falsely_failed,
            self.falsely_published,
            self.falsely_cancelled,
            self.wrong_text
        );
        let share = 100.0 * self.review as f64 / asked.max(1) as f64;
        println!("share that needed a person: {share:.2} % ({} of {} are visible)", self.review_visible, self.review);
        for (reason, count) in &self.reasons {
            println!("    {count} {reason}");
        }
        for finding in &self.findings {
            println!("FOUND {finding}");
        }
        self.findings.is_empty()
    }
}

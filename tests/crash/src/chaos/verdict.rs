//! How a chaos run ended: each post's last word beside what can be seen on the platform.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use aurareels_core::domain::{ids::PostId, ledger::Entry, post::Status};
use serde_json::Value;

use super::callers::Asked;
use crate::{
    mode::Upload,
    oracles::{self, Finding, Kind},
    rig::Rig,
};

/// Of the posts by TikTok's PULL_FROM_URL, at most one in so many may need a person: its answer is lost to 4 % of the faults and
/// to each death in between (docs/windows.md).
const PULLS_PER_REVIEW: usize = 6;

/// Of all others, at most one in so many: posts that met more than ten deaths in a row.
const OTHERS_PER_REVIEW: usize = 500;

/// At most one post in so many fails: refusals that were true, videos that cannot be read, logins that were lost.
const POSTS_PER_FAILURE: usize = 15;

/// Counts of what must not be, and of what may.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// What must not be.
    findings: Vec<Finding>,
    /// What else is wrong.
    lost: Vec<String>,
    visible: usize,
    /// Visible ones with a first comment.
    commented: usize,
    asked: usize,
    pulls: usize,
    published: usize,
    failed: usize,
    cancelled: usize,
    /// Pulls, others.
    reviews: (usize, usize),
    reasons: BTreeMap<String, usize>,
    /// What is known of others than pulls that need a person, and what was done for posts that must not be as they are.
    open: Vec<String>,
}

impl Verdict {
    /// Looks at every post.
    pub(super) async fn of(rig: &Rig, all: &[Asked]) -> Result<Self> {
        let by_id: HashMap<i64, &Asked> = all.iter().filter_map(|asked| Some((asked.id?.0, asked))).collect();
        let told = oracles::rows(rig).await?;
        let visible = rig.sim.posts();
        let findings = oracles::judge(&told, &visible, |row, came| by_id.get(&row.id)?.earliest(came));
        let mut reasons = HashMap::new();
        for row in rig.database.rows("SELECT id, error FROM aurareels_social_posts WHERE error IS NOT NULL").await? {
            let error: Value = serde_json::from_str(&row.text("error")?)?;
            reasons.insert(row.int("id")?, error["reason"].as_str().unwrap_or("none").to_owned());
        }
        let statuses: HashMap<i64, Status> = told.iter().map(|row| (row.id, row.status)).collect();
        let commented = visible.iter().filter(|post| !post.comments.is_empty()).count();
        let mut verdict = Self { findings, visible: visible.len(), commented, asked: all.len(), ..Self::default() };
        for row in told.iter().filter(|row| !by_id.contains_key(&row.id)) {
            verdict.lost.push(format!("post {} is nobody's: {:?}, {}", row.id, row.text, row.status));
        }
        for asked in all {
            let id = asked.id.context("a post was never asked for")?.0;
            let Some(status) = statuses.get(&id).copied() else {
                verdict.lost.push(format!("post {id} ({}) is gone", asked.intent.name));
                continue;
            };
            verdict.count(asked, id, status, reasons.get(&id).map_or("none", String::as_str));
            let named = format!("post {id} ");
            if verdict.findings.iter().any(|finding| finding.what.starts_with(&named)) {
                let ledger = rig.parts.store.ledger(PostId(id)).await?;
                verdict.open.push(format!("{named}({}) went by {}:", asked.intent.name, asked.intent.upload.name()));
                let step = |entry: &Entry| {
                    let Entry { attempt, number, step, outcome, sent_at, answered_at, evidence, .. } = entry;
                    format!("    {attempt}.{number} {step} {outcome:?} {sent_at} {answered_at:?} {evidence:?}")
                };
                verdict.open.extend(ledger.entries().iter().map(step));
            }
            if status == Status::NeedsReview && asked.intent.upload != Upload::TiktokPull {
                let ledger = rig.parts.store.ledger(PostId(id)).await?;
                let last = ledger.entries().last().map(|entry| format!("{} {:?}", entry.step, entry.evidence));
                verdict.open.push(format!("post {id} ({}): {}", asked.intent.name, last.unwrap_or_default()));
            }
        }
        Ok(verdict)
    }

    fn count(&mut self, asked: &Asked, id: i64, status: Status, reason: &str) {
        let is_pull = asked.intent.upload == Upload::TiktokPull;
        self.pulls += usize::from(is_pull);
        match status {
            Status::Published => self.published += 1,
            Status::Failed => self.failed += 1,
            Status::Cancelled => self.cancelled += 1,
            Status::NeedsReview if is_pull => self.reviews.0 += 1,
            Status::NeedsReview => self.reviews.1 += 1,
            _ => self.lost.push(format!("post {id} ({}) is no rest: {status}", asked.intent.name)),
        }
        if asked.cancelled && status != Status::Cancelled {
            self.lost
                .push(format!("post {id} ({}) was cancelled by its caller and went on: {status}", asked.intent.name));
        }
        if matches!(status, Status::Failed | Status::NeedsReview) {
            *self.reasons.entry(format!("{} {status} {reason}", asked.intent.upload.name())).or_default() += 1;
        }
    }

    /// What is more than it may be.
    fn too_much(&self) -> Vec<String> {
        let others = self.asked - self.pulls;
        let limits = [
            ("pulls in review", self.reviews.0, self.pulls / PULLS_PER_REVIEW),
            ("others in review", self.reviews.1, others / OTHERS_PER_REVIEW),
            ("failed", self.failed, self.asked / POSTS_PER_FAILURE),
        ];
        // A handful says nothing in a short run.
        let over = limits.into_iter().filter(|(_, count, limit)| *count > limit + 3);
        over.map(|(what, count, limit)| format!("{count} {what}, at most {limit} are expected")).collect()
    }

    /// Prints it; true when nothing is wrong.
    pub(super) fn tell(&self) -> bool {
        println!("asked for {}, visible {}, with a first comment {}", self.asked, self.visible, self.commented);
        let (pulls, others) = self.reviews;
        println!(
            "published {}, failed with proof {}, cancelled {}, in review {}",
            self.published,
            self.failed,
            self.cancelled,
            pulls + others
        );
        let of = |kind: Kind| self.findings.iter().filter(|finding| finding.kind == kind).count();
        let counts: Vec<String> = Kind::ALL.map(|kind| format!("{} {}", kind.name(), of(kind))).to_vec();
        println!("lost {}, {}", self.lost.len(), counts.join(", "));
        let share = 100.0 * (pulls + others) as f64 / self.asked.max(1) as f64;
        println!("share that needed a person: {share:.2} % ({pulls} of {} pulls, {others} others)", self.pulls);
        for (reason, count) in &self.reasons {
            println!("    {count} {reason}");
        }
        for open in &self.open {
            println!("    {open}");
        }
        let found = self.findings.iter().map(|finding| format!("{}: {}", finding.kind.name(), finding.what));
        let all: Vec<String> = found.chain(self.lost.iter().cloned()).chain(self.too_much()).collect();
        for finding in &all {
            println!("FOUND {finding}");
        }
        all.is_empty()
    }
}

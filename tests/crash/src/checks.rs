//! What must hold after every scenario, whatever happened in it.

use std::{collections::HashSet, fs::File, io::Write, path::Path};

use aho_corasick::AhoCorasick;
use anyhow::{Context, Result, bail, ensure};
use aurareels_core::domain::{
    ids::PostId,
    ledger::{Entry, StepOutcome},
    post::{Post, Status},
};
use aurareels_simulator::VisiblePost;

use crate::{
    channels, oracles,
    rig::{CALLER, Rig},
};

/// How a post ended.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) post: Post,
    /// Posts on the platform with its caption.
    pub(crate) visible: usize,
}

/// Where a post with this caption can be seen.
pub(crate) fn visible(rig: &Rig, caption: &str) -> usize {
    rig.sim.posts().iter().filter(|post| post.caption.split_whitespace().next() == Some(caption)).count()
}

/// Checks the invariants of one post at rest.
pub(crate) async fn ending(rig: &Rig, id: PostId, caption: &str) -> Result<Ending> {
    let detail = rig.parts.posts.get(CALLER, id).await.context("reading the post")?;
    let post = detail.post;
    let visible = visible(rig, caption);
    ensure!(visible <= 1, "{visible} posts are visible for one request");
    match post.status {
        Status::Published => {
            ensure!(visible == 1, "it is called published and nobody can see it");
            let said = detail.steps.iter().any(|step| step.attempt == post.attempt && says_live(step));
            ensure!(said, "it is called published without the platform's word");
        }
        Status::Failed => ensure!(visible == 0, "it is called failed and is visible"),
        Status::NeedsReview => {
            let open = detail.steps.iter().rev().find(|step| step.outcome == Some(StepOutcome::Unknown));
            let open = open.context("it needs a person, and no step is unknown")?;
            ensure!(open.evidence.readings().next().is_some(), "it needs a person, and holds no evidence");
        }
        other => bail!("it rests as {other}"),
    }
    comments(rig, &post, caption)?;
    channels::declare_what_was_asked(rig, &post).await?;
    ensure!(detail.steps.iter().all(|step| step.outcome.is_some()), "a step has no outcome");
    ensure!(post.retry_count >= post.automatic_retries, "{} retries counted by hand", post.retry_count);
    ensure!(post.automatic_retries <= 3, "{} retries in a row", post.automatic_retries);
    // A step that succeeded for the first time lets the count in a row begin anew.
    ensure!(post.retry_count <= 2 * 3, "{} retries", post.retry_count);
    Ok(Ending { post, visible })
}

/// A first comment is there once; or it is missing, and the post says so.
fn comments(rig: &Rig, post: &Post, caption: &str) -> Result<()> {
    let of_post = |seen: &VisiblePost| seen.caption.split_whitespace().next() == Some(caption);
    let written: usize = rig.sim.posts().iter().filter(|seen| of_post(seen)).map(|seen| seen.comments.len()).sum();
    ensure!(written <= 1, "{written} first comments for one request");
    let options = post.content.options.of(post.platform);
    let is_wished = options.is_some_and(|options| options["first_comment"].is_string());
    let is_told = post.warnings.iter().any(|warning| warning.code == "FOLLOW_UP_FAILED");
    let is_missing = post.status == Status::Published && is_wished && written == 0;
    ensure!(!is_missing || is_told, "the first comment is missing, and nothing says so");
    Ok(())
}

/// Whether an entry holds the platform's word that the post is live: Instagram's answer to the publish, YouTube's that the
/// video is public, a status that says so, or a match in the account's list. Taking a container, a chunk or a snapshot is no such word.
fn says_live(entry: &Entry) -> bool {
    let taken = matches!(entry.outcome, Some(StepOutcome::Accepted | StepOutcome::Found));
    let status = entry.handle.text("status");
    let listed = matches!(entry.step.as_str(), "instagram.snapshot" | "restore.search")
        && (entry.handle.text("media_id").is_some() || entry.handle.text("video_id").is_some());
    taken
        && (entry.step == "instagram.media_publish"
            || (matches!(entry.step.as_str(), "youtube.publish" | "youtube.upload_last")
                && entry.handle.text("privacy") == Some("public"))
            || matches!(status, Some("PUBLISHED" | "PUBLISH_COMPLETE"))
            || listed)
}

/// Checks what must be true of the whole database: nothing is left over, every move has its event, rows and platforms say
/// the same, no secret shows.
pub(crate) async fn database(rig: &mut Rig) -> Result<()> {
    let left = "SELECT COUNT(*) AS n FROM aurareels_social_posts \
                WHERE claim_token IS NOT NULL OR claim_expires_at IS NOT NULL OR next_step_at IS NOT NULL";
    ensure!(rig.database.count(left).await? == 0, "a claim or a due row is left over");
    ceilings(rig).await?;
    events(rig).await?;
    oracles::hold(rig).await?;
    channels::hold_no_more_than_they_need(rig).await?;
    secrets(rig).await
}

/// No more posts need a person, and no more failed, than the scenario may end with.
async fn ceilings(rig: &Rig) -> Result<()> {
    let reviews = "SELECT COUNT(*) AS n FROM aurareels_social_posts WHERE status = 'needs_review'";
    let failures = "SELECT COUNT(*) AS n FROM aurareels_social_posts WHERE status = 'failed'";
    let (reviews, failures) = (rig.database.count(reviews).await?, rig.database.count(failures).await?);
    let most = rig.ceilings;
    ensure!(reviews <= most.reviews, "{reviews} posts need a person, at most {} may", most.reviews);
    ensure!(failures <= most.failures, "{failures} posts failed, at most {} may", most.failures);
    Ok(())
}

/// Each post's events form one chain from its creation to its present status.
async fn events(rig: &Rig) -> Result<()> {
    let chains = "SELECT e.post_id, e.previous_status, e.status, e.kind, p.status AS current FROM aurareels_events e \
                  JOIN aurareels_social_posts p ON p.id = e.post_id ORDER BY e.post_id, e.sequence";
    let rows = rig.database.rows(chains).await?;
    let mut at: Option<(i64, String, String)> = None;
    for row in &rows {
        let (post, now) = (row.int("post_id")?, row.text("current")?);
        let (before, after) = (row.opt_text("previous_status")?, row.opt_text("status")?);
        let Some(after) = after else { continue };
        match &at {
            Some((of, status, _)) if *of == post => {
                // Events about details carry the status they were written in.
                let says_nothing_new = before.is_none() && after == *status;
                let follows = before.as_deref() == Some(status.as_str()) && after != *status;
                let kind = row.text("kind")?;
                ensure!(
                    says_nothing_new || follows,
                    "post {post}: event {kind} says {before:?} -> {after} after {status}"
                );
            }
            Some((of, status, now)) => ensure!(status == now, "post {of} is {now}, its last event says {status}"),
            None => {}
        }
        at = Some((post, after, now));
    }
    let (of, status, now) = at.context("no events at all")?;
    ensure!(status == now, "post {of} is {now}, its last event says {status}");
    Ok(())
}

/// No token, key, client secret or upload address stands in the database or a log. The search finds what it is to find:
/// a word planted in the log, and a link that stands in the database.
pub(crate) async fn secrets(rig: &mut Rig) -> Result<()> {
    for row in rig.database.rows("SELECT id FROM aurareels_social_accounts").await? {
        // An account that needs its owner has no usable tokens; its earlier ones are known.
        let _ = rig.note_tokens(aurareels_core::domain::ids::AccountId(row.int("id")?)).await;
    }
    // Every code, token and upload address that a platform ever issued, and what was noted besides.
    rig.canaries.extend(rig.sim.issued_credentials());
    rig.canaries.sort_unstable();
    rig.canaries.dedup();
    let canaries: Vec<&str> = rig.canaries.iter().map(String::as_str).filter(|canary| canary.len() > 8).collect();
    let planted = format!("planted-canary-{}", rig.canaries.len());
    plant(&rig.log(), &planted)?;
    let link = "SELECT video_url FROM aurareels_social_posts ORDER BY id LIMIT 1";
    let link = rig.database.row(link).await?.text("video_url")?;
    let wanted: Vec<&str> = canaries.iter().copied().chain([planted.as_str(), link.as_str()]).collect();
    let search = AhoCorasick::new(&wanted).context("the canaries cannot be looked for")?;
    let mut seen = HashSet::new();
    let mut searched = rig.database.contents().await?;
    for file in rig.database_files().into_iter().chain([rig.log()]) {
        // The database's log goes with its last connection.
        searched.extend(std::fs::read(&file).map(|bytes| (file.display().to_string(), bytes)));
    }
    for (name, bytes) in searched {
        for found in search.find_iter(&bytes) {
            let word = wanted[found.pattern().as_usize()];
            ensure!(word == planted || word == link, "{name} holds the secret {word}");
            seen.insert(word);
        }
    }
    ensure!(seen.len() == 2, "the search for secrets does not find what was planted: it found {seen:?}");
    Ok(())
}

/// Writes a word into a log.
fn plant(log: &Path, word: &str) -> Result<()> {
    let mut log = File::options().append(true).create(true).open(log).context("the log cannot be written")?;
    writeln!(log, "{word}").context("the log cannot be written")
}

#[cfg(test)]
mod tests {
    use aurareels_core::domain::{
        ids::Fence,
        ledger::{Evidence, Handle, StepClass},
    };
    use chrono::DateTime;

    use super::*;

    fn entry(step: &str, outcome: StepOutcome, status: &str) -> Entry {
        Entry {
            number: 1,
            attempt: 1,
            step: step.to_owned(),
            class: StepClass::Read,
            handle: Handle::default().with("status", status),
            sent_at: DateTime::UNIX_EPOCH,
            deadline_at: DateTime::UNIX_EPOCH,
            outcome: Some(outcome),
            answered_at: None,
            evidence: Evidence::new(),
            fence: Fence(1),
        }
    }

    #[test]
    fn only_what_says_that_the_post_is_live_is_the_platforms_word() {
        use StepOutcome::{Absent, Accepted, Found, Unknown};
        for (step, outcome, status, is_word) in [
            ("instagram.media_publish", Accepted, "", true),
            ("instagram.media_publish", Found, "", true),
            ("instagram.media_publish", Unknown, "", false),
            ("instagram.media_publish", Absent, "", false),
            ("instagram.container_status", Accepted, "PUBLISHED", true),
            ("instagram.container_status", Accepted, "FINISHED", false),
            ("instagram.container", Accepted, "", false),
            ("instagram.snapshot", Accepted, "", false),
            ("tiktok.status", Accepted, "PUBLISH_COMPLETE", true),
            ("tiktok.status", Accepted, "PROCESSING_UPLOAD", false),
            ("facebook.finish", Accepted, "", false),
            ("facebook.finish", Found, "PUBLISHED", true),
            ("youtube.publish", Accepted, "", false),
            ("youtube.upload", Accepted, "", false),
            ("tiktok.upload_last", Accepted, "", false),
            ("tiktok.upload_last", Found, "", false),
            ("tiktok.upload_last", Found, "PUBLISH_COMPLETE", true),
        ] {
            assert_eq!(says_live(&entry(step, outcome, status)), is_word, "{step} {outcome:?} {status}");
        }
        for (privacy, is_word) in [("public", true), ("private", false)] {
            let mut publish = entry("youtube.publish", Accepted, "");
            publish.handle = publish.handle.with("privacy", privacy);
            assert_eq!(says_live(&publish), is_word, "{privacy}");
        }
        let mut listed = entry("instagram.snapshot", Accepted, "");
        listed.handle = listed.handle.with("media_id", "17900000000000001");
        assert!(says_live(&listed), "the snapshot before a second publish found the first");
    }
}

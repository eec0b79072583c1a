//! post.proto: a post as callers see it.

use aurareels_proto::v1;

use super::{account, or_empty, structure, timestamp, wire_fields};
use crate::{
    app::posts::requests::{PostDetail, Validated},
    domain::{
        account::Account,
        failure::Failure,
        ids::AccountId,
        ledger::{Entry, StepClass, StepOutcome},
        media::StoredFacts,
        post::{PlatformOptions, Post, SchedulerKind, Status, WaitReason},
        shown_url::shown_url,
        violation::{Violation, Warning},
    },
    platform::ALL,
};

/// Where a post stands.
pub(crate) fn status(status: Status) -> v1::PostStatus {
    match status {
        Status::Draft => v1::PostStatus::Draft,
        Status::Scheduled => v1::PostStatus::Scheduled,
        Status::Publishing => v1::PostStatus::Publishing,
        Status::Confirming => v1::PostStatus::Confirming,
        Status::Published => v1::PostStatus::Published,
        Status::Failed => v1::PostStatus::Failed,
        Status::Cancelled => v1::PostStatus::Cancelled,
        Status::NeedsReview => v1::PostStatus::NeedsReview,
        Status::Delivered => v1::PostStatus::Delivered,
    }
}

/// Who wakes a post.
pub(crate) fn scheduler(kind: SchedulerKind) -> v1::Scheduler {
    match kind {
        SchedulerKind::Core => v1::Scheduler::Core,
        SchedulerKind::N8n => v1::Scheduler::N8n,
    }
}

/// The word, or unspecified where the stored one is unknown to this release; `error` then says which it is.
fn unless<T: Default>(unknown: bool, word: T) -> T {
    if unknown { T::default() } else { word }
}

/// A post, without attempts. `progress` is what this core has uploaded so far, of how much.
pub(crate) fn post(post: Post, of: Option<&Account>, progress: Option<(u64, u64)>) -> v1::Post {
    let content = post.content;
    let error = post.error.as_ref().map(failure);
    let unread = post.unread.as_ref();
    let size = video_size(post.media_facts.as_ref(), progress);
    v1::Post {
        id: post.id.0,
        wp_user_id: post.wp_user_id.0,
        video_job_id: content.video_job_id,
        social_account_id: post.social_account_id.0,
        platform: unless(unread.is_some_and(|unread| unread.platform), post.platform.number()),
        status: unless(unread.is_some_and(|unread| unread.status), status(post.status)).into(),
        scheduled_at: post.scheduled_at.map(timestamp),
        published_at: post.published_at.map(timestamp),
        platform_post_id: or_empty(post.platform_post_id),
        platform_post_url: or_empty(post.platform_post_url),
        video_url: shown_url(&content.video_url),
        thumbnail_url: content.thumbnail_url.as_deref().map(shown_url).unwrap_or_default(),
        caption: content.caption,
        hashtags: content.hashtags,
        mentions: content.mentions,
        location: or_empty(content.location),
        privacy_level: content.privacy_level,
        allow_comments: content.allow_comments,
        allow_duet: content.allow_duet,
        allow_stitch: content.allow_stitch,
        error_message: error.as_ref().map(|error| error.message.clone()).unwrap_or_default(),
        retry_count: post.retry_count,
        last_retry_at: post.last_retry_at.map(timestamp),
        metadata: structure(&content.metadata),
        created_at: Some(timestamp(post.created_at)),
        updated_at: Some(timestamp(post.updated_at)),
        account: of.map(account::summary),
        error,
        revision: post.revision.0,
        request_key: or_empty(post.request_key),
        request_key_derived: post.request_key_derived,
        scheduler: scheduler(post.scheduler).into(),
        platform_options: options(&content.options),
        warnings: post.warnings.into_iter().map(warning).collect(),
        waiting_until: match post.waiting_for {
            None => None,
            // The row's next step may be the unseen preparation before the post's time.
            Some(WaitReason::Schedule) => post.scheduled_at.map(timestamp),
            Some(_) => post.next_step_at.map(timestamp),
        },
        waiting_for: post.waiting_for.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
        retry_available: post.status == Status::Failed && unread.is_none(),
        full_caption: content.full_caption,
        uploaded_bytes: progress.map(|(sent, _)| bytes(sent)),
        video_size_bytes: size.map(bytes),
        all_platform_post_ids: post.all_platform_post_ids,
        attempts: Vec::new(),
        media_id: content.media_id,
        late_policy_seconds: post.late_policy_seconds,
    }
}

/// A post with its attempts.
pub(crate) fn detail(detail: PostDetail, of: Option<&Account>, progress: Option<(u64, u64)>) -> v1::Post {
    v1::Post { attempts: attempts(&detail.steps), ..post(detail.post, of, progress) }
}

fn attempts(steps: &[Entry]) -> Vec<v1::Attempt> {
    let mut attempts: Vec<v1::Attempt> = Vec::new();
    for entry in steps {
        match attempts.last_mut() {
            Some(last) if last.number == entry.attempt => last.steps.push(step(entry)),
            _ => attempts.push(v1::Attempt { number: entry.attempt, steps: vec![step(entry)] }),
        }
    }
    attempts
}

fn step(entry: &Entry) -> v1::AttemptStep {
    let outcome = match entry.outcome {
        None => v1::StepOutcome::Sending,
        Some(StepOutcome::Accepted) => v1::StepOutcome::Accepted,
        Some(StepOutcome::NoEffect) => v1::StepOutcome::NoEffect,
        Some(StepOutcome::Unknown) => v1::StepOutcome::Unknown,
        Some(StepOutcome::Found) => v1::StepOutcome::Found,
        Some(StepOutcome::Absent) => v1::StepOutcome::Absent,
    };
    v1::AttemptStep {
        number: entry.number,
        step: entry.step.clone(),
        point_of_no_return: entry.class == StepClass::PointOfNoReturn,
        outcome: outcome.into(),
        sent_at: Some(timestamp(entry.sent_at)),
        answered_at: entry.answered_at.map(timestamp),
        evidence: Some(wire_fields(&entry.evidence.0)),
    }
}

/// Why something did not work.
pub(crate) fn failure(failure: &Failure) -> v1::PostError {
    v1::PostError {
        code: failure.reason.as_str().to_owned(),
        rule: failure.rule.clone(),
        message: failure.message.clone(),
        remediation: failure.remediation.clone(),
        retryable: failure.class.is_retryable(),
    }
}

/// Something that was changed or ignored.
pub(crate) fn warning(warning: Warning) -> v1::Warning {
    v1::Warning { code: warning.code, field: warning.field, message: warning.message }
}

fn options(options: &PlatformOptions) -> Option<v1::PlatformOptions> {
    let mut shown = v1::PlatformOptions::default();
    for description in ALL {
        description.options.put(options, &mut shown);
    }
    (shown != v1::PlatformOptions::default()).then_some(shown)
}

/// The size of the video, as far as it is known: from the check before publishing, or from the upload.
fn video_size(facts: Option<&StoredFacts>, progress: Option<(u64, u64)>) -> Option<u64> {
    let measured = facts.and_then(StoredFacts::read).map(|facts| facts.size_bytes);
    measured.or(progress.map(|(_, total)| total))
}

fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A broken rule, of one account or of all.
pub(crate) fn violation(account: Option<AccountId>, broken: Violation) -> v1::Violation {
    v1::Violation {
        account_id: account.map_or(0, |id| id.0),
        field: broken.field.to_owned(),
        rule: broken.rule.to_owned(),
        measured: broken.measured,
        limit: broken.limit,
        remedy: broken.remedy,
        message: broken.message,
    }
}

/// What ValidatePosts found.
pub(crate) fn validated(validated: Validated) -> v1::ValidatePostsResponse {
    let post = |(account, full_caption, warnings): (AccountId, String, Vec<Warning>)| v1::ValidatedPost {
        account_id: account.0,
        full_caption,
        warnings: warnings.into_iter().map(warning).collect(),
    };
    v1::ValidatePostsResponse {
        valid: validated.broken.is_empty(),
        violations: validated.broken.into_iter().map(|broken| violation(broken.account, broken.violation)).collect(),
        posts: validated.posts.into_iter().map(post).collect(),
    }
}

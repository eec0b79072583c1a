//! Checks right before a post's first step and again before its point of no return: the account, the platform's quota,
//! the video. The platform would refuse the same, but later and less clearly.

use chrono::{DateTime, TimeDelta, Utc};

use super::engine::Engine;
use crate::{
    domain::{
        account::Account,
        change::Change,
        failure::{Failure, FailureClass, Reason},
        ledger::{Ledger, StepClass},
        media::{self, MediaFacts, StoredFacts},
        post::{Post, WaitReason},
        retry::asked_until,
        violation::VIDEO_URL_FIELD,
    },
    platform::{Asked, PlatformClient, Step, Video as _},
    store::Result,
};

/// Time between two looks at a video that is being made.
const PREPARING: TimeDelta = TimeDelta::seconds(10);

/// What the checks say.
#[expect(clippy::large_enum_variant, reason = "one at a time, consumed at once")]
pub(super) enum Verdict {
    /// Continue; write this change first, if there is one.
    Go(Change),
    /// Wait until then; costs no retry.
    Wait(DateTime<Utc>, WaitReason, Failure),
    /// Refused, or not reachable now: handled like a refused step.
    Fail(Failure),
}

impl Engine {
    /// Checks before a step. Reads and continued uploads need none.
    pub(super) async fn check_before(
        &self,
        post: &Post,
        account: &Account,
        ledger: &Ledger,
        step: &Step,
        now: DateTime<Utc>,
    ) -> Result<Verdict> {
        let first = !ledger.of_attempt(post.attempt).any(|entry| entry.class != StepClass::Read);
        let last = step.class == StepClass::PointOfNoReturn;
        // A video that Cloudflare is still making is waited for before anything is asked: the first read may need its facts.
        let may_be_made = post.content.media_id.is_empty() && media::stream_uid(&post.content.video_url).is_some();
        let needs_none = step.class == StepClass::Read && !(first && may_be_made);
        if needs_none || !(first || last) {
            return Ok(Verdict::Go(Change::default()));
        }
        if last && let Some(id) = &post.platform_post_id {
            return Ok(Verdict::Fail(
                Failure::new(
                    FailureClass::Permanent,
                    Reason::DuplicatePost,
                    format!("the post is already on the platform as {id}"),
                )
                .with_remedy("nothing is to be done"),
            ));
        }
        if let Some(until) = account.quota_blocked_until.filter(|until| *until > now) {
            let until = asked_until(Some(until), now, TimeDelta::zero());
            let failure = Failure::new(
                FailureClass::Quota { until: Some(until) },
                Reason::QuotaExceeded,
                "the platform's publishing quota of the account is used up",
            )
            .with_remedy("nothing to do: it is published when there is room");
            return Ok(Verdict::Wait(until, WaitReason::Quota, failure));
        }
        if !first {
            return Ok(Verdict::Go(Change::default()));
        }
        self.check_video(post).await
    }

    /// Counts a step in the budgets that all users of the app share. If one is used up, it waits for the platform's
    /// next day.
    pub(super) async fn charge(
        &self,
        post: &Post,
        client: &dyn PlatformClient,
        step: &Step,
        now: DateTime<Utc>,
    ) -> Result<Option<Verdict>> {
        let charges = client.price(Asked::Step(step.kind), now);
        let Some(lacking) = self.store.charge(post.platform, &charges).await? else { return Ok(None) };
        let until = asked_until(Some(lacking.until), now, TimeDelta::zero());
        let failure = Failure::new(
            FailureClass::Quota { until: Some(until) },
            Reason::QuotaExceeded,
            format!(
                "the app's daily budget of {} {} at {} is used up; all accounts of this core share it",
                lacking.limit,
                lacking.budget,
                post.platform.display_name()
            ),
        )
        .with_remedy("nothing to do: it goes on when the platform's next day begins");
        Ok(Some(Verdict::Wait(until, WaitReason::Quota, failure)))
    }

    /// Checks the video again: signed URLs expire, files are replaced.
    pub(super) async fn check_video(&self, post: &Post) -> Result<Verdict> {
        let Some(service) = self.registry.get(post.platform) else { return Ok(Verdict::Go(Change::default())) };
        // Another release may have written options that this one cannot read: they must not be ignored.
        if let Some(broken) = service.description.options.check(&post.content.options) {
            let failure = Failure::new(FailureClass::InvalidRequest, Reason::InvalidField, broken.message);
            return Ok(Verdict::Fail(failure.with_rule(broken.rule).with_remedy(broken.remedy)));
        }
        let facts = match self.videos.of(post).facts().await {
            Ok(facts) => facts,
            Err(failure) if failure.rule == media::VIDEO_PREPARING => return Ok(self.wait_for_video(post, failure)),
            Err(failure) => return Ok(Verdict::Fail(passing(post, failure))),
        };
        if let Some(failure) = self.judge(post, &facts) {
            return Ok(Verdict::Fail(failure));
        }
        let facts = StoredFacts::of(&facts)?;
        if post.media_facts.as_ref() == Some(&facts) {
            return Ok(Verdict::Go(Change::default()));
        }
        Ok(Verdict::Go(Change { media_facts: Some(facts), ..Change::default() }))
    }

    /// The rules of the post's platform that a file breaks, as one failure.
    pub(super) fn judge(&self, post: &Post, facts: &MediaFacts) -> Option<Failure> {
        let rules = self.registry.get(post.platform)?.description.rules;
        let checked = media::check(VIDEO_URL_FIELD, facts, rules);
        let broken = checked.violations.first()?;
        let all: Vec<&str> = checked.violations.iter().map(|violation| violation.message.as_str()).collect();
        let reason = match broken.rule {
            "VIDEO_TOO_LARGE" => Reason::VideoTooLarge,
            "VIDEO_FORMAT_INVALID" | "VIDEO_CODEC_INVALID" => Reason::VideoFormatInvalid,
            _ => Reason::MediaRejected,
        };
        let failure = Failure::new(FailureClass::InvalidMedia, reason, all.join("; "));
        Some(failure.with_rule(broken.rule).with_remedy(broken.remedy.clone()))
    }

    /// The video is still being made. It costs no retry; a post whose time is so long over that it would be missed does not
    /// wait for ever.
    fn wait_for_video(&self, post: &Post, failure: Failure) -> Verdict {
        let now = self.clock.now();
        let longest = TimeDelta::try_seconds(post.late_policy_seconds).unwrap_or(TimeDelta::MAX);
        if now - post.due() <= longest {
            return Verdict::Wait(now + PREPARING, WaitReason::Processing, failure);
        }
        let remedy = "look at the video in Cloudflare's dashboard, then RetryPost";
        let failure = Failure { class: FailureClass::InvalidMedia, reason: Reason::VideoNotPublic, ..failure };
        Verdict::Fail(failure.with_rule(media::VIDEO_NOT_PUBLIC).with_remedy(remedy))
    }
}

/// If a file was a valid video when the post was created and is not one now, the host is more likely serving an error
/// page than another file: it is read again before the post fails.
fn passing(post: &Post, failure: Failure) -> Failure {
    let not_a_video = matches!(
        failure.rule.as_str(),
        "VIDEO_FORMAT_INVALID" | "VIDEO_NOT_READABLE" | "VIDEO_TRUNCATED" | "VIDEO_EMPTY"
    );
    if post.media_facts.is_none() || !not_a_video {
        return failure;
    }
    Failure { class: FailureClass::Transient, reason: Reason::MediaUnreachable, ..failure }
}

//! The original's posts, each by its status.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::{Accounts, Error, Import, Outcome, Report, Stage};
use crate::{
    domain::{
        account::Account,
        caption::{self, OnLongCaption},
        failure::{Failure, FailureClass, Reason},
        ids::Fence,
        ledger::{Entry, Evidence, Handle, IMPORTED, StepClass, StepOutcome},
        original::{OriginalPost, OriginalStatus, Takeable},
        post::{Content, Post, SchedulerKind, Status, WaitReason},
    },
    store::{
        self,
        importing::{ImportedPost, Known},
        original::{Original, Read},
    },
};

/// Longest text of the columns of ids and words.
const MAX_TEXT: usize = 255;

/// How long before the original's own times something of it may have gone out.
const BEFORE: TimeDelta = TimeDelta::hours(1);

/// How the reason begins that is written into a row which was taken over.
const TAKEN: &str = "taken over by the AuraReels core";

/// Why a row stays where it is, and what to do.
struct Set(Outcome, String, String);

impl Set {
    fn bad(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self(Outcome::Bad, reason.into(), remedy.into())
    }
}

/// What a row says that it was cancelled by.
fn taken_by(key: &str) -> String {
    format!("{TAKEN} (import {})", &key[..16])
}

impl Import<'_> {
    /// Takes a page of posts over.
    pub(super) async fn page(
        &self,
        original: &mut Original,
        accounts: &Accounts,
        page: Vec<Read<OriginalPost>>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let mut posts = Vec::with_capacity(page.len());
        for row in page {
            match row {
                Ok(post) => posts.push(post),
                Err(bad) => {
                    report.unreadable += 1;
                    report.unreadable("post", &bad);
                }
            }
        }
        let of = |post: &OriginalPost| accounts.0.get(&post.social_account_id).cloned().flatten();
        let keys: Vec<String> =
            posts.iter().filter_map(|post| of(post).map(|account| post.key(&account.account_id))).collect();
        let known = match self.is_new {
            true => HashMap::new(),
            false => self.store.imported(&keys).await?,
        };
        for post in posts {
            let row = format!("post {}", post.id);
            let outcome = match of(&post) {
                None => Err(match accounts.0.contains_key(&post.social_account_id) {
                    true => Set::bad(
                        format!("its account {} was set aside", post.social_account_id),
                        "see what is told of that account, and run this again",
                    ),
                    false => Set::bad(
                        format!("there is no account {}", post.social_account_id),
                        "the original's table lost it; connect the account and make the post anew",
                    ),
                }),
                Some(account) if account.platform != post.platform || account.wp_user_id.0 != post.wp_user_id => {
                    Err(Set::bad(
                        format!("its account {} is another user's, or of another platform", post.social_account_id),
                        "correct wp_user_id, platform or social_account_id of the row, and run this again",
                    ))
                }
                Some(account) => {
                    let known = known.get(&post.key(&account.account_id)).copied();
                    self.post(original, &account, &post, known).await?
                }
            };
            match outcome {
                Ok(outcome) => {
                    if outcome == Outcome::NeedsReview {
                        let remedy = "look at the account, then say by ResolvePost whether the post is there";
                        report.tell(row, outcome, "the original had it under way", remedy);
                    }
                    report.count(&post, outcome);
                }
                Err(Set(outcome, reason, remedy)) => {
                    report.tell(row, outcome, reason, remedy);
                    report.count(&post, outcome);
                }
            }
        }
        Ok(())
    }

    async fn post(
        &self,
        original: &mut Original,
        account: &Account,
        post: &OriginalPost,
        known: Option<Known>,
    ) -> Result<Result<Outcome, Set>, Error> {
        match (known, post.status) {
            (Some(known), OriginalStatus::Published) if !known.is_held => self.settle(account, post, known).await,
            (Some(known), _) if !known.is_held => Ok(Ok(Outcome::There)),
            (None, OriginalStatus::Cancelled)
                if post.error_message.as_deref().is_some_and(|message| message.starts_with(TAKEN)) =>
            {
                let remedy =
                    "if that core is gone, set its status to 'scheduled' in the original's table, and run this again";
                Ok(Err(Set::bad("a core took it over whose database is another one than this", remedy)))
            }
            // In place nobody else works on the tables.
            (_, OriginalStatus::Scheduled) if self.adopts => self.keep(account, post, false).await,
            (Some(_), _) | (None, OriginalStatus::Scheduled) => self.take_over(original, account, post).await,
            (None, _) => self.keep(account, post, false).await,
        }
    }

    /// A post that is here, of which the original says that it is live: news, if it was under way when it was imported.
    async fn settle(
        &self,
        account: &Account,
        post: &OriginalPost,
        known: Known,
    ) -> Result<Result<Outcome, Set>, Error> {
        let here = self.store.post(known.post).await?;
        if here.is_none_or(|here| here.status != Status::NeedsReview) {
            return Ok(Ok(Outcome::There));
        }
        let live = match self.as_post(account, post) {
            Ok(live) => live,
            Err(set) => return Ok(Err(set)),
        };
        if self.dry_run {
            return Ok(Ok(Outcome::Settled));
        }
        let settled = match self.store.settle_imported(known.post, live, self.now()).await {
            Ok(settled) => settled,
            Err(store::Error::BoundElsewhere { other, .. }) => return Ok(Err(bound_elsewhere(post, other.0))),
            Err(problem) => return Err(problem.into()),
        };
        self.reached(Stage::Settled)?;
        Ok(Ok(if settled { Outcome::Settled } else { Outcome::There }))
    }

    /// A scheduled post, or one that a run before this one left held: it is decided under a lock on the original's row.
    async fn take_over(
        &self,
        original: &mut Original,
        account: &Account,
        seen: &OriginalPost,
    ) -> Result<Result<Outcome, Set>, Error> {
        if self.dry_run {
            return Ok(self.takeable(account, seen).map(|_| Outcome::TakenOver));
        }
        let held = match original.hold_post(seen.id).await? {
            Some(Ok(post)) => post,
            Some(Err(bad)) => {
                original.give_back().await?;
                return Ok(Err(Set::bad(bad.reason, "correct the row, and run this again")));
            }
            None => {
                original.give_back().await?;
                return Ok(Err(Set::bad("it was deleted meanwhile", "nothing is to be done")));
            }
        };
        self.reached(Stage::Locked)?;
        let key = held.key(&account.account_id);
        let mark = taken_by(&key);
        let is_ours = held.status == OriginalStatus::Cancelled && held.error_message.as_deref() == Some(mark.as_str());
        if held.status != OriginalStatus::Scheduled && !is_ours {
            // The original, or a person, was quicker.
            original.give_back().await?;
            return self.keep(account, &held, false).await;
        }
        let post = OriginalPost { status: OriginalStatus::Scheduled, error_message: None, ..held };
        if is_ours {
            original.give_back().await?;
        } else {
            if let Err(set) = self.takeable(account, &post) {
                original.give_back().await?;
                return Ok(Err(set));
            }
            if let Err(set) = self.keep(account, &post, true).await? {
                original.give_back().await?;
                return Ok(Err(set));
            }
            self.reached(Stage::Held)?;
            original.cancel(post.id, &mark).await?;
            self.reached(Stage::Cancelled)?;
        }
        match self.imported(account, &post, false) {
            Ok(imported) => {
                self.store.release_imported(imported, self.now()).await?;
            }
            Err(set) => return Ok(Err(set)),
        }
        self.reached(Stage::Released)?;
        Ok(Ok(Outcome::TakenOver))
    }

    /// Whether a scheduled post can be taken over now.
    fn takeable(&self, account: &Account, post: &OriginalPost) -> Result<(), Set> {
        self.imported(account, post, true)?;
        let Some(at) = post.scheduled_at else { return Ok(()) };
        match OriginalPost::takeable(at, self.now()) {
            Takeable::Now | Takeable::Late => Ok(()),
            Takeable::NotBefore(then) => Err(Set(
                Outcome::Left,
                "it is due so soon that the original's cron may publish it".to_owned(),
                format!("run this again after {} UTC", then.format("%Y-%m-%d %H:%M")),
            )),
        }
    }

    /// Keeps a post.
    async fn keep(&self, account: &Account, post: &OriginalPost, held: bool) -> Result<Result<Outcome, Set>, Error> {
        let imported = match self.imported(account, post, held) {
            Ok(imported) => imported,
            Err(set) => return Ok(Err(set)),
        };
        let outcome = match imported.post.status {
            Status::NeedsReview => Outcome::NeedsReview,
            Status::Scheduled => Outcome::TakenOver,
            _ => Outcome::Imported,
        };
        if self.dry_run {
            return Ok(Ok(outcome));
        }
        match self.store.import_post(imported, self.now()).await {
            Ok(_) => {}
            Err(store::Error::BoundElsewhere { other, .. }) => return Ok(Err(bound_elsewhere(post, other.0))),
            Err(problem) => return Err(problem.into()),
        }
        if !held {
            self.reached(Stage::PostKept)?;
        }
        Ok(Ok(outcome))
    }

    fn imported(&self, account: &Account, post: &OriginalPost, is_held: bool) -> Result<ImportedPost, Set> {
        let as_post = self.as_post(account, post)?;
        Ok(ImportedPost {
            key: post.key(&account.account_id),
            original_id: post.id,
            keeps_id: self.adopts,
            entry: as_post.look_since.map(|_| self.entry(post)),
            post: as_post,
            is_held,
        })
    }

    /// What is known of what the original sent.
    fn entry(&self, post: &OriginalPost) -> Entry {
        let now = self.now();
        let mut evidence = Evidence::new()
            .with("original_post_id", post.id)
            .with("original_status", post.status.as_str())
            .with("why", "the original plugin kept no record of what it sent");
        if let Some(upload) = post.upload_id() {
            evidence = evidence.with("publish_id", upload);
        }
        if let Some(message) = &post.error_message {
            evidence = evidence.with("original_error", message.chars().take(500).collect::<String>());
        }
        Entry {
            number: 1,
            attempt: 1,
            step: IMPORTED.to_owned(),
            class: StepClass::Read,
            handle: Handle::default(),
            sent_at: now,
            deadline_at: now,
            outcome: Some(match post.status {
                OriginalStatus::Publishing => StepOutcome::Unknown,
                _ => StepOutcome::NoEffect,
            }),
            answered_at: Some(now),
            evidence,
            fence: Fence(0),
        }
    }

    /// The post as it will be here.
    fn as_post(&self, account: &Account, post: &OriginalPost) -> Result<Post, Set> {
        let now = self.now();
        let will_be_sent = matches!(post.status, OriginalStatus::Scheduled | OriginalStatus::Draft);
        let content = self.content(post, post.status == OriginalStatus::Scheduled)?;
        let changed = post.updated_at.or(post.created_at).unwrap_or(now).min(now);
        let created_at = post.created_at.unwrap_or(changed).min(now);
        let live = post.live_id().map(str::to_owned);
        let mut made = Post {
            scheduled_at: post.scheduled_at,
            content,
            retry_count: post.retry_count.max(0),
            last_retry_at: post.last_retry_at,
            late_policy_seconds: self.defaults.late_policy_seconds,
            scheduler: if will_be_sent { self.defaults.scheduler } else { SchedulerKind::Core },
            status_since: changed,
            updated_at: changed,
            ..Post::blank(account, Status::Draft, created_at)
        };
        // It may have gone out at any time since it was made.
        let looked_for = || Some(created_at - BEFORE);
        match post.status {
            OriginalStatus::Draft => {}
            OriginalStatus::Cancelled => made.status = Status::Cancelled,
            OriginalStatus::Scheduled => {
                made.status = Status::Scheduled;
                let at = post.scheduled_at.ok_or_else(|| {
                    Set::bad(
                        "it is scheduled without a time (scheduled_at is NULL)",
                        "give it one, or make it a draft, and run this again",
                    )
                })?;
                made.status_since = now;
                made.updated_at = now;
                let unsure = self.adopts && OriginalPost::takeable(at, now) != Takeable::Now;
                if unsure || OriginalPost::takeable(at, now) == Takeable::Late {
                    made.look_since = looked_for();
                }
                (made.next_step_at, made.waiting_for) = self.waits(at, made.look_since.is_some(), now);
            }
            OriginalStatus::Published => {
                made.status = Status::Published;
                made.published_at = Some(post.published_at.unwrap_or(changed));
                made.all_platform_post_ids = live.iter().cloned().collect();
                // The original made links of what TikTok calls the upload.
                made.platform_post_url = match post.upload_id() {
                    Some(_) => None,
                    None => post.platform_post_url.clone(),
                };
                made.platform_post_id = live;
            }
            OriginalStatus::Publishing => {
                made.status = Status::NeedsReview;
                made.look_since = looked_for();
                made.error = Some(
                    Failure::new(
                        FailureClass::Permanent,
                        Reason::OutcomeUnknown,
                        "the original plugin had the post under way when it was imported, and nobody knows what became of it",
                    )
                    .with_remedy(
                        "look at the account (ReconcilePost looks for it there), then say by ResolvePost whether the post is \
                         there; RetryPost works after that",
                    ),
                );
            }
            OriginalStatus::Failed => {
                made.status = Status::Failed;
                made.look_since = looked_for();
                let message = post.error_message.as_deref().unwrap_or("the original plugin did not say why");
                made.error = Some(
                    Failure::new(FailureClass::Transient, Reason::PlatformRefused, message)
                        .with_rule("ORIGINAL")
                        .with_remedy(
                            "RetryPost looks whether it is on the platform all the same, and publishes it if it is not",
                        ),
                );
            }
        }
        Ok(made)
    }

    /// When a scheduled post wants attention first.
    fn waits(
        &self,
        at: DateTime<Utc>,
        looked_up: bool,
        now: DateTime<Utc>,
    ) -> (Option<DateTime<Utc>>, Option<WaitReason>) {
        match self.defaults.scheduler {
            _ if looked_up => (Some(now), Some(WaitReason::RestoreCheck)),
            SchedulerKind::N8n => (Some(now), Some(WaitReason::Schedule)),
            SchedulerKind::Core => (Some((at - self.defaults.prepare_lead).max(now)), Some(WaitReason::Schedule)),
        }
    }

    /// What is posted. What will be sent has to fit the platform.
    fn content(&self, post: &OriginalPost, strictly: bool) -> Result<Content, Set> {
        for (column, text) in [
            ("video_job_id", post.video_job_id.as_str()),
            ("platform_post_id", post.platform_post_id.as_deref().unwrap_or_default()),
            ("location", post.location.as_deref().unwrap_or_default()),
        ] {
            if text.chars().count() > MAX_TEXT {
                return Err(Set::bad(format!("{column} is longer than {MAX_TEXT} characters"), "shorten it"));
            }
        }
        let mut content = Content {
            video_job_id: post.video_job_id.clone(),
            video_url: post.video_url.clone(),
            thumbnail_url: post.thumbnail_url.clone(),
            caption: post.caption.clone(),
            hashtags: post.hashtags.clone(),
            mentions: post.mentions.clone(),
            location: post.location.clone(),
            privacy_level: post.privacy_level.clone(),
            allow_comments: post.allow_comments,
            allow_duet: post.allow_duet,
            allow_stitch: post.allow_stitch,
            metadata: post.metadata.clone(),
            ..Content::default()
        };
        let Some(service) = self.registry.get(post.platform) else {
            return Err(Set::bad(
                format!("this core does not know {}", post.platform.display_name()),
                "use a release that does",
            ));
        };
        let composed = caption::compose(
            &content.caption,
            &content.hashtags,
            &content.mentions,
            &service.description.rules.caption,
            OnLongCaption::Refuse,
        );
        content.full_caption = composed.text;
        if strictly {
            let is_link = Url::parse(&content.video_url)
                .is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "cloudflare-stream"));
            if !is_link {
                return Err(Set::bad(
                    format!("video_url is `{}`", content.video_url.chars().take(80).collect::<String>()),
                    "give it the video's http or https address, and run this again",
                ));
            }
            let broken = composed.violations.into_iter().chain(service.check_options(&content)).next();
            if let Some(broken) = broken {
                return Err(Set::bad(broken.message, format!("{}, and run this again", broken.remedy)));
            }
        }
        if content.metadata.as_object().is_none_or(serde_json::Map::is_empty) {
            content.metadata = serde_json::Value::Null;
        }
        Ok(content)
    }
}

fn bound_elsewhere(post: &OriginalPost, other: i64) -> Set {
    Set::bad(
        format!("its platform_post_id {} belongs to post {other} here", post.live_id().unwrap_or_default()),
        "two rows cannot be the same post of the platform; look which of the two it is, and clear platform_post_id of the \
         other row",
    )
}

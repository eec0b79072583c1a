//! PublishPosts, SchedulePosts, CreateDraft: from a request to rows, once.
//!
//! A request key is looked up before anything else costs time: a caller who repeats a request gets his posts back even
//! when the video cannot be reached any more. The insert looks again inside its transaction, so that two equal requests
//! that run side by side make one set of posts.

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::{
    Caller, Error, Posts, Result,
    key::{self, Fingerprint},
    requests::{CreateDraft, CreatePosts, Created, When, Wish, of_account},
    rules::{self, Prepared},
};
use crate::{
    app::Broken,
    domain::{
        account::Account,
        failure::Reason,
        media::{self, MEDIA_ID_FIELD, MediaFacts, MediaId, VideoVersion, Violation, Warning},
        post::{Post, SchedulerKind, Status, WaitReason},
    },
    store::creating::{Inserted, NewPost},
};

/// How long the derived key of a post that was published at once comes back to it.
const DERIVED_KEY_LIFE: TimeDelta = TimeDelta::hours(24);

/// How late a post may still go out, at most: a year.
const MAX_LATE_SECONDS: i64 = 366 * 86_400;

/// When the posts of a request go out, read.
struct Times {
    /// As asked for; part of keys.
    asked: Option<DateTime<Utc>>,
    /// As it will be.
    placed: Option<DateTime<Utc>>,
    warning: Option<Warning>,
    scheduler: SchedulerKind,
    late_policy_seconds: i64,
}

/// One account's part of a request.
struct Part {
    account: Account,
    prepared: Prepared,
    key: String,
    derived: bool,
    content_key: String,
    fingerprint: Fingerprint,
}

impl Posts {
    /// Creates one post per account, or finds those that an equal request made.
    pub async fn create(&self, caller: Caller, request: CreatePosts) -> Result<Vec<Created>> {
        let now = self.clock.now();
        let mut shape = rules::check_accounts(&request.accounts);
        shape.extend(rules::check_key(request.request_key.as_deref(), request.allow_duplicate));
        shape.extend(rules::check_shape(&request.wish.content));
        if !shape.is_empty() {
            return Err(rules::refuse(shape));
        }
        let accounts = self.accounts(caller, &request.accounts).await?;
        let (asked, read_warning) = match &request.when {
            When::Now => (None, None),
            When::At { time, .. } => {
                let (at, warning) = rules::read_time(time)?;
                (Some(at), warning)
            }
        };
        let parts = self.parts(&request, accounts, asked)?;
        let known = self.known(&parts, asked, now).await?;
        if let Some(found) = all_known(&parts, &known) {
            return Ok(found);
        }
        let times = self.times(&request.when, asked, read_warning, now)?;
        let posts = self.new_posts(caller, &request, parts, &known, &times, now).await?;
        let (posts, of): (Vec<NewPost>, Vec<(Account, Fingerprint)>) = posts.into_iter().unzip();
        let inserted = self.store.insert_posts(posts).await?;
        inserted
            .into_iter()
            .zip(of)
            .map(|(inserted, (account, fingerprint))| match inserted {
                Inserted::New(post) => Ok(Created { post, account, existed: false }),
                Inserted::Existing { post, fingerprint: stored } => {
                    let post = same_content(&fingerprint, &stored, post)?;
                    Ok(Created { post, account, existed: true })
                }
                Inserted::Duplicate(post) => Err(duplicate(&post)),
            })
            .collect()
    }

    fn parts(&self, request: &CreatePosts, accounts: Vec<Account>, asked: Option<DateTime<Utc>>) -> Result<Vec<Part>> {
        accounts
            .into_iter()
            .map(|account| {
                let prepared = rules::prepare(self.service(&account)?, &request.wish);
                let text = &prepared.content.full_caption;
                let content_key = key::derive(&account, &prepared.content, text, asked);
                let fingerprint = Fingerprint::of(account.platform, &prepared.content, text, asked);
                let derived = request.request_key.is_none();
                let key = request.request_key.clone().unwrap_or_else(|| content_key.clone());
                Ok(Part { account, prepared, key, derived, content_key, fingerprint })
            })
            .collect()
    }

    /// The posts that hold the request's keys already, per part.
    async fn known(
        &self,
        parts: &[Part],
        asked: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Option<Created>>> {
        let keys: Vec<_> = parts.iter().map(|part| (part.account.id, part.key.clone())).collect();
        let found = self.store.posts_by_keys(&keys).await?;
        parts
            .iter()
            .map(|part| {
                let held = found.iter().find(|(post, _)| post.social_account_id == part.account.id);
                let Some((post, stored)) = held else { return Ok(None) };
                if valid_since(part, asked, now).is_some_and(|since| post.created_at < since) {
                    return Ok(None);
                }
                let post = same_content(&part.fingerprint, stored, post.clone())?;
                Ok(Some(Created { post, account: part.account.clone(), existed: true }))
            })
            .collect()
    }

    fn times(
        &self,
        when: &When,
        asked: Option<DateTime<Utc>>,
        warning: Option<Warning>,
        now: DateTime<Utc>,
    ) -> Result<Times> {
        let default = self.settings.late_policy_seconds;
        let (scheduler, late) = match when {
            When::Now => (SchedulerKind::Core, default),
            When::At { scheduler, late_policy_seconds, .. } => {
                (scheduler.unwrap_or(self.settings.scheduler), late_policy_seconds.unwrap_or(default))
            }
        };
        if !(0..=MAX_LATE_SECONDS).contains(&late) {
            let one = rules::broken(
                "late_policy_seconds",
                "FIELD_MALFORMED",
                format!("{late} s"),
                "0 to 31622400 seconds are taken",
                "give a number of seconds in that range",
            );
            return Err(rules::invalid(Reason::InvalidField, one));
        }
        if scheduler == SchedulerKind::N8n && !self.settings.has_workflow {
            let one = rules::broken(
                "scheduler",
                "WORKFLOW_NOT_CONFIGURED",
                "SCHEDULER_N8N",
                "this core knows no workflow to hand posts to",
                "let the operator set N8N_SCHEDULER_WEBHOOK, or have the core schedule (SCHEDULER_CORE)",
            );
            return Err(rules::invalid(Reason::InvalidField, one));
        }
        let placed = asked.map(|at| rules::place_time(at, now)).transpose()?;
        Ok(Times { asked, placed, warning, scheduler, late_policy_seconds: late })
    }

    /// Checks every part that is not known yet, and makes its row. Parts that are known get a row too, which the insert
    /// recognises by its key: the answer keeps the request's order.
    async fn new_posts(
        &self,
        caller: Caller,
        request: &CreatePosts,
        parts: Vec<Part>,
        known: &[Option<Created>],
        times: &Times,
        now: DateTime<Utc>,
    ) -> Result<Vec<(NewPost, (Account, Fingerprint))>> {
        let mut all: Vec<Broken> = Vec::new();
        let facts = match self.look_at_video(caller, &request.wish.content).await? {
            Ok(facts) => Some(facts),
            Err(violation) => {
                all.push(Broken { account: None, violation });
                None
            }
        };
        let mut posts = Vec::with_capacity(parts.len());
        for (part, known) in parts.into_iter().zip(known) {
            let service = self.service(&part.account)?;
            let mut violations: Vec<Violation> = part.prepared.violations.clone();
            let mut warnings = part.prepared.warnings.clone();
            warnings.extend(times.warning.clone());
            if known.is_none() {
                warnings.extend(rules::usable(&part.account, times.placed.is_none())?);
                violations.extend(self.fetchable(&part.account, &request.wish)?);
                if let Some(facts) = &facts {
                    let checked = media::check(request.wish.content.video_field(), facts, service.client.rules());
                    violations.extend(checked.violations);
                    warnings.extend(checked.warnings);
                }
                all.extend(of_account(part.account.id, violations));
            }
            let facts = facts.as_ref().and_then(|facts| serde_json::to_value(facts).ok());
            posts.push(self.new_post(part, times, warnings, facts, request.allow_duplicate, now));
        }
        if !all.is_empty() {
            return Err(rules::refuse(all));
        }
        // Last, because it costs most: nothing stands in the way of the posts any more.
        if let Some((media_id, facts)) = self.copy_of(caller, &request.wish, None).await? {
            let facts = serde_json::to_value(facts).ok();
            for (new, _) in &mut posts {
                new.post.content.media_id = media_id.to_string();
                new.post.media_facts.clone_from(&facts);
            }
        }
        Ok(posts)
    }

    /// The copy of a wish's video, where one is to be kept.
    pub(super) async fn copy_of(
        &self,
        caller: Caller,
        wish: &Wish,
        version: Option<&VideoVersion>,
    ) -> Result<Option<(MediaId, MediaFacts)>> {
        match Url::parse(&wish.content.video_url) {
            Ok(url) if wish.keep_copy => Ok(Some(self.library.keep_copy(caller, &url, version).await?)),
            _ => Ok(None),
        }
    }

    fn new_post(
        &self,
        part: Part,
        times: &Times,
        warnings: Vec<Warning>,
        facts: Option<serde_json::Value>,
        allow_duplicate: bool,
        now: DateTime<Utc>,
    ) -> (NewPost, (Account, Fingerprint)) {
        let (status, next_step_at, waiting_for) = match times.placed {
            None => (Status::Publishing, now, None),
            // The workflow is told at once.
            Some(_) if times.scheduler == SchedulerKind::N8n => (Status::Scheduled, now, Some(WaitReason::Schedule)),
            Some(at) => (Status::Scheduled, (at - self.settings.prepare_lead).max(now), Some(WaitReason::Schedule)),
        };
        let key_valid_since = valid_since(&part, times.asked, now);
        let post = Post {
            request_key: Some(part.key),
            request_key_derived: part.derived,
            scheduled_at: times.placed,
            scheduler: times.scheduler,
            late_policy_seconds: times.late_policy_seconds,
            warnings,
            media_facts: facts,
            next_step_at: Some(next_step_at),
            waiting_for,
            content: part.prepared.content,
            ..Post::blank(&part.account, status, now)
        };
        let new = NewPost {
            post,
            fingerprint: part.fingerprint.to_json(),
            key_valid_since,
            content_key: Some(part.content_key),
            refuse_duplicates_since: (!allow_duplicate).then(|| now - DERIVED_KEY_LIFE),
        };
        (new, (part.account, part.fingerprint))
    }

    /// Keeps a draft. Rules that it breaks come back as warnings: it is checked when it is scheduled or published.
    pub async fn create_draft(&self, caller: Caller, request: CreateDraft) -> Result<Post> {
        let now = self.clock.now();
        let shape = rules::check_key(request.request_key.as_deref(), false);
        if !shape.is_empty() {
            return Err(rules::refuse(shape));
        }
        let account = self.accounts(caller, &[request.account]).await?.remove(0);
        let service = self.service(&account)?;
        let prepared = rules::prepare(service, &request.wish);
        let (scheduled_at, time_warning) = match &request.time {
            Some(time) => {
                let (at, warning) = rules::read_time(time)?;
                (Some(at), warning)
            }
            None => (None, None),
        };
        let mut warnings = prepared.warnings.clone();
        warnings.extend(time_warning);
        let shape = rules::check_shape(&prepared.content);
        let refused = |one: &&Broken| one.violation.limit.contains("at most") || one.violation.field == MEDIA_ID_FIELD;
        if let Some(one) = shape.iter().find(refused) {
            return Err(rules::refuse(vec![one.clone()]));
        }
        if !prepared.content.media_id.is_empty() {
            self.library.facts(caller.user, &prepared.content.media_id).await?;
        }
        let broken = shape.into_iter().map(|one| one.violation).chain(prepared.violations.clone());
        warnings.extend(broken.map(|violation| Warning {
            code: violation.rule.into(),
            field: violation.field.into(),
            message: violation.message,
        }));
        let fingerprint =
            Fingerprint::of(account.platform, &prepared.content, &prepared.content.full_caption, scheduled_at);
        let mut content = prepared.content;
        if let Some((media_id, _)) = self.copy_of(caller, &request.wish, None).await? {
            content.media_id = media_id.to_string();
        }
        let post = Post {
            request_key: request.request_key,
            scheduled_at,
            scheduler: self.settings.scheduler,
            late_policy_seconds: self.settings.late_policy_seconds,
            warnings,
            content,
            ..Post::blank(&account, Status::Draft, now)
        };
        let new = NewPost {
            post,
            fingerprint: fingerprint.to_json(),
            key_valid_since: None,
            content_key: None,
            refuse_duplicates_since: None,
        };
        match self.store.insert_posts(vec![new]).await?.into_iter().next() {
            Some(Inserted::New(post)) => Ok(post),
            Some(Inserted::Existing { post, fingerprint: stored }) => same_content(&fingerprint, &stored, post),
            Some(Inserted::Duplicate(post)) => Err(duplicate(&post)),
            None => Err(Error::Internal("the store inserted nothing".into())),
        }
    }
}

/// Since when a derived key counts: those of posts that go out at once match for a day, all others as long as they are.
fn valid_since(part: &Part, asked: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (part.derived && asked.is_none()).then(|| now - DERIVED_KEY_LIFE)
}

fn all_known(parts: &[Part], known: &[Option<Created>]) -> Option<Vec<Created>> {
    let found: Vec<Created> = known.iter().flatten().cloned().collect();
    (found.len() == parts.len()).then_some(found)
}

/// The post of an equal request, or the name of what differs.
fn same_content(wanted: &Fingerprint, stored: &str, post: Post) -> Result<Post> {
    let differences = wanted.differences(stored);
    let Some(field) = differences.first() else { return Ok(post) };
    let message = format!(
        "the request key was used for post {} with other content; {} differs",
        post.id,
        if differences.len() == 1 { field.clone() } else { differences.join(", ") }
    );
    let violation = Violation {
        field: "request_key",
        rule: "REQUEST_KEY_REUSED",
        measured: differences.join(", "),
        limit: "one key, one content".into(),
        remedy: "repeat the request as it was, or give another request_key with allow_duplicate".into(),
        message,
    };
    Err(rules::invalid(Reason::RequestKeyReused, Broken { account: Some(post.social_account_id), violation }))
}

/// The same content is on its way or live under another key.
fn duplicate(post: &Post) -> Error {
    Error::Precondition {
        reason: Reason::DuplicatePost,
        subject: format!("post {}", post.id),
        message: format!("the same content is already {} as post {}", post.status, post.id),
        remedy: "read that post; to post it again on purpose set allow_duplicate with a request_key of its own".into(),
    }
}

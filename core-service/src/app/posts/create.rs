//! PublishPosts, SchedulePosts: from a request to rows, once.
//!
//! The keys of a request include its video's identity, so a video behind a link is read first. If that fails, a
//! repeated request still returns its posts, by the literal link.
//!
//! The insert decides, inside its transaction, whether the posts of a request exist already, so that two equal requests
//! that run side by side create one set of posts. Existing posts are looked up earlier in one case only: when a check
//! refuses the request, which the original request had passed.

use std::{borrow::Cow, pin::pin, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::{
    Caller, Error, Posts, Result,
    requests::{CreatePosts, Created, PostInput, When, of_account},
    rules::{self, Prepared},
    shape, times, variations,
};
use crate::{
    app::Broken,
    app::broken,
    domain::{
        account::Account,
        failure::Reason,
        ids::PostId,
        media::{MediaFacts, MediaId, StoredFacts},
        post::{Post, SchedulerKind, Status, WaitReason},
        request_key::{Asked, Fingerprint, Relation, RequestKeys},
        schedule::WallTime,
        violation::{VIDEO_URL_FIELD, Violation, Warning},
    },
    media::Probe,
    store::{
        creating::{Inserted, NewPost},
        request_keys::Candidate,
    },
};

/// How long the derived key of an immediate post is valid after the post came to rest.
const DERIVED_KEY_LIFE: TimeDelta = TimeDelta::hours(24);

/// How long a repeated request waits for its video to be read.
const PATIENCE_WITH_REPEATED: Duration = Duration::from_secs(8);

/// Longest late policy: a year.
const MAX_LATE_SECONDS: i64 = 366 * 86_400;

/// The parsed time of a request.
struct Times {
    /// As it will be.
    placed: Option<DateTime<Utc>>,
    warning: Option<Warning>,
    wall: Option<WallTime>,
    scheduler: SchedulerKind,
    late_policy_seconds: i64,
}

/// One account's part of a request.
struct Part {
    account: Account,
    prepared: Prepared,
    keys: RequestKeys,
}

/// A request that is being checked.
struct Asking<'a> {
    caller: Caller,
    request: &'a CreatePosts,
    /// The time that it asks for.
    asked_at: Option<DateTime<Utc>>,
    read_warning: Option<Warning>,
    /// The file behind its link, if it was read.
    looked: Option<&'a Looked>,
    now: DateTime<Utc>,
}

/// A request that passed all checks.
struct Checked {
    times: Times,
    facts: Option<StoredFacts>,
    /// Per part.
    warnings: Vec<Vec<Warning>>,
}

/// The file behind the link of a request, or the rule that it breaks.
type Looked = std::result::Result<Probe, Violation>;

impl Posts {
    /// Creates one post per account, or returns those of an equal earlier request.
    pub async fn create(&self, caller: Caller, mut request: CreatePosts) -> Result<Vec<Created>> {
        self.save_job(caller, request.video_job.take()).await?;
        let now = self.clock.now();
        let given = request.input.clone();
        let no_video = self.take_job(caller, &mut request.input).await.err();
        let mut shape = shape::check_accounts(&request.accounts);
        shape.extend(shape::check_key(request.request_key.as_deref(), request.allow_duplicate));
        shape.extend(shape::check_shape(&request.input.content));
        shape.extend(variations::check(&request.input, &request.accounts));
        if no_video.is_some() {
            shape.retain(|one| one.violation.field != VIDEO_URL_FIELD);
        }
        if !shape.is_empty() {
            return Err(shape::refuse(shape));
        }
        let accounts = self.accounts(caller, &request.accounts).await?;
        let zones = self.settings.zones.rules();
        let (asked, read_warning) = match &request.when {
            When::Now => (Asked::default(), None),
            When::At { time, .. } => {
                let (at, warning) = times::read_time(time, &zones)?;
                (times::as_asked(time, at, &zones), warning)
            }
        };
        let mut parts = self.parts(&request, &given, accounts, &asked, now)?;
        if let Some(refusal) = no_video {
            return self.repeated(&parts).await?.ok_or(refusal);
        }
        let looked = match self.look_at_link(&mut parts, &request.input).await? {
            Look::Repeated(found) => return Ok(found),
            Look::At(looked) => Some(looked),
            Look::NotNeeded => None,
        };
        let asking =
            Asking { caller, request: &request, asked_at: asked.at, read_warning, looked: looked.as_ref(), now };
        let nothing_known: Vec<_> = parts.iter().map(|_| None).collect();
        let checked = match self.checked(&asking, &parts, &nothing_known).await {
            Ok(checked) => checked,
            Err(refusal) => {
                let known = self.known(&parts, self.candidates(&parts).await?)?;
                if let Some(found) = all_known(&parts, &known) {
                    return Ok(found);
                }
                if known.iter().all(Option::is_none) {
                    return Err(refusal);
                }
                self.checked(&asking, &parts, &known).await?
            }
        };
        let wants_copy = self.is_copied(&request.input) && Url::parse(&request.input.content.video_url).is_ok();
        let posts = self.new_posts(parts, checked, wants_copy, now);
        let (posts, accounts): (Vec<NewPost>, Vec<Account>) = posts.into_iter().unzip();
        let inserted = self.store.insert_posts(posts).await?;
        inserted.into_iter().zip(accounts).map(|(inserted, account)| created(inserted, account)).collect()
    }

    /// The parts of a request. The keys are made from the request as given, so that a repeated request with a video job
    /// finds its posts even if the job has changed.
    fn parts(
        &self,
        request: &CreatePosts,
        given: &PostInput,
        accounts: Vec<Account>,
        asked: &Asked,
        now: DateTime<Utc>,
    ) -> Result<Vec<Part>> {
        accounts
            .into_iter()
            .map(|account| {
                let service = self.service(&account)?;
                let prepared = rules::prepare(service, &request.input.of(account.id));
                let options = service.description.options.text(&prepared.content.options);
                let text = &prepared.content.full_caption;
                let caller_key = request.request_key.clone();
                let given = &given.of(account.id).content;
                let mut keys = RequestKeys::of(&account, given, &options, text, asked.clone(), caller_key);
                // Those of posts that go out at once end; all others count as long as the posts are there.
                keys.valid_since = (keys.is_derived && asked.at.is_none()).then(|| now - DERIVED_KEY_LIFE);
                keys.refuse_duplicates_since = (!request.allow_duplicate).then(|| now - DERIVED_KEY_LIFE);
                Ok(Part { account, prepared, keys })
            })
            .collect()
    }

    /// Reads the file behind the link if the keys need its identity. If it cannot be read the request is refused, or
    /// breaks a rule, unless all of the request's posts exist.
    async fn look_at_link(&self, parts: &mut [Part], input: &PostInput) -> Result<Look> {
        let Some(url) =
            Url::parse(&input.content.video_url).ok().filter(|_| parts.iter().any(|part| !part.keys.knows_video()))
        else {
            return Ok(Look::NotNeeded);
        };
        let mut probing = pin!(self.prober.probe_current(&url));
        let probed = match tokio::time::timeout(PATIENCE_WITH_REPEATED, &mut probing).await {
            Ok(probed) => probed,
            Err(_) => match self.repeated(parts).await? {
                Some(found) => return Ok(Look::Repeated(found)),
                None => probing.await,
            },
        };
        match probed {
            Ok(probe) => {
                let identity = probe.version.identity.clone().unwrap_or_else(|| format!("link:{url}"));
                for part in parts {
                    part.keys = part.keys.clone().with_file(&identity, probe.facts.size_bytes);
                }
                Ok(Look::At(Ok(probe)))
            }
            Err(error) => match self.repeated(parts).await? {
                Some(found) => Ok(Look::Repeated(found)),
                None => Ok(Look::At(rules::seen(Err(error))?)),
            },
        }
    }

    /// The posts of a request whose video cannot be read, if all of them exist: by its literal link.
    async fn repeated(&self, parts: &[Part]) -> Result<Option<Vec<Created>>> {
        let candidates = self.candidates(parts).await?;
        let is_held = |(part, of): (&Part, &Vec<Candidate>)| {
            of.iter().any(|candidate| candidate.relation(&part.keys) == Relation::Held)
        };
        match parts.iter().zip(&candidates).all(is_held) {
            true => Ok(all_known(parts, &self.known(parts, candidates)?)),
            false => Ok(None),
        }
    }

    async fn candidates(&self, parts: &[Part]) -> Result<Vec<Vec<Candidate>>> {
        let requests: Vec<_> = parts.iter().map(|part| (part.account.id, &part.keys)).collect();
        Ok(self.store.candidates(&requests).await?)
    }

    /// The existing posts of this request, per part.
    fn known(&self, parts: &[Part], candidates: Vec<Vec<Candidate>>) -> Result<Vec<Option<Created>>> {
        parts
            .iter()
            .zip(candidates)
            .map(|(part, candidates)| {
                let find = |wanted| candidates.iter().find(|one| one.relation(&part.keys) == wanted);
                let Some(held) = find(Relation::Held) else {
                    return find(Relation::OtherVideo).map_or(Ok(None), |other| Err(other_video(&other.post)));
                };
                let differences = part.keys.fingerprint.differences(&held.fingerprint);
                if !part.keys.knows_video() && Fingerprint::is_only_video(&differences) {
                    return Ok(None);
                }
                let inserted = match differences.is_empty() {
                    true => Inserted::Existing(held.post.clone()),
                    false => Inserted::Reused(held.post.clone(), differences),
                };
                created(inserted, part.account.clone()).map(Some)
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
            let one = broken(
                "late_policy_seconds",
                "FIELD_MALFORMED",
                format!("{late} s"),
                "0 to 31622400 seconds are taken",
                "give a number of seconds in that range",
            );
            return Err(shape::invalid(Reason::InvalidField, one));
        }
        if scheduler == SchedulerKind::N8n && !self.settings.has_workflow {
            let one = broken(
                "scheduler",
                "WORKFLOW_NOT_CONFIGURED",
                "SCHEDULER_N8N",
                "this core knows no workflow to hand posts to",
                "let the operator set N8N_SCHEDULER_WEBHOOK, or have the core schedule (SCHEDULER_CORE)",
            );
            return Err(shape::invalid(Reason::InvalidField, one));
        }
        let placed = asked.map(|at| times::place_time(at, now)).transpose()?;
        let wall = match when {
            When::Now => None,
            When::At { time, .. } => times::wall_time(time, placed, &self.settings.zones.rules()),
        };
        Ok(Times { placed, warning, wall, scheduler, late_policy_seconds: late })
    }

    /// Checks the request, and every part of it that does not exist yet.
    async fn checked(&self, asking: &Asking<'_>, parts: &[Part], known: &[Option<Created>]) -> Result<Checked> {
        let Asking { request, looked, .. } = asking;
        let times = self.times(&request.when, asking.asked_at, asking.read_warning.clone(), asking.now)?;
        let mut all: Vec<Broken> = Vec::new();
        let seen = match looked {
            Some(Ok(probe)) => Ok(Some(Cow::Borrowed(&probe.facts))),
            Some(Err(violation)) => Err(violation.clone()),
            None => {
                let facts = self.look_at_video(asking.caller, &request.input.content).await?;
                facts.map(|facts| facts.map(Cow::Owned))
            }
        };
        let facts = match seen {
            Ok(facts) => facts,
            Err(violation) => {
                all.push(Broken { account: None, violation });
                None
            }
        };
        let services = parts.iter().map(|part| self.service(&part.account)).collect::<Result<Vec<_>>>()?;
        let cover = self.look_at_cover(&request.input.content, services).await?;
        let mut warnings_of = Vec::with_capacity(parts.len());
        for (part, known) in parts.iter().zip(known) {
            let service = self.service(&part.account)?;
            let mut violations: Vec<Violation> = part.prepared.violations.clone();
            let mut warnings = part.prepared.warnings.clone();
            warnings.extend(times.warning.clone());
            if known.is_none() {
                warnings.extend(rules::usable(&part.account, times.placed.is_none())?);
                violations.extend(self.fetchable(&part.account, &request.input.of(part.account.id))?);
                if let Some(facts) = &facts {
                    let checked = rules::judge(service, &part.prepared.content, facts, cover.as_ref());
                    violations.extend(checked.violations);
                    warnings.extend(checked.warnings);
                }
                all.extend(of_account(part.account.id, violations));
            }
            warnings_of.push(warnings);
        }
        if !all.is_empty() {
            return Err(shape::refuse(all));
        }
        let facts = facts.and_then(|facts| StoredFacts::of(&facts).ok());
        Ok(Checked { times, facts, warnings: warnings_of })
    }

    /// The rows of a request that passed all checks, existing ones included: the insert recognises them by their keys,
    /// and the response keeps the request's order.
    fn new_posts(
        &self,
        parts: Vec<Part>,
        checked: Checked,
        wants_copy: bool,
        now: DateTime<Utc>,
    ) -> Vec<(NewPost, Account)> {
        let rows = parts.into_iter().zip(checked.warnings).map(|(part, warnings)| {
            let (new, account) = self.new_post(part, &checked.times, warnings, checked.facts.clone(), now);
            (if wants_copy { copied_first(new, now) } else { new }, account)
        });
        rows.collect()
    }

    /// The copy of the video of a draft or an edit, if one is to be kept.
    pub(super) async fn copy_of(&self, caller: Caller, input: &PostInput) -> Result<Option<(MediaId, MediaFacts)>> {
        match Url::parse(&input.content.video_url) {
            Ok(url) if self.is_copied(input) => Ok(Some(self.media_store.keep_copy(caller, &url).await?)),
            _ => Ok(None),
        }
    }

    fn new_post(
        &self,
        part: Part,
        times: &Times,
        warnings: Vec<Warning>,
        facts: Option<StoredFacts>,
        now: DateTime<Utc>,
    ) -> (NewPost, Account) {
        let (status, next_step_at, waiting_for) = match times.placed {
            None => (Status::Publishing, now, None),
            // The workflow is called immediately.
            Some(_) if times.scheduler == SchedulerKind::N8n => (Status::Scheduled, now, Some(WaitReason::Schedule)),
            Some(at) => (Status::Scheduled, (at - self.settings.prepare_lead).max(now), Some(WaitReason::Schedule)),
        };
        let look_since = self.store.lineages().look_since(part.account.created_at, now);
        let (next_step_at, waiting_for) = match look_since {
            Some(_) => (now, Some(WaitReason::RestoreCheck)),
            None => (next_step_at, waiting_for),
        };
        let post = Post {
            request_key: part.keys.key.clone(),
            request_key_derived: part.keys.is_derived,
            scheduled_at: times.placed,
            scheduler: times.scheduler,
            late_policy_seconds: times.late_policy_seconds,
            warnings,
            media_facts: facts,
            next_step_at: Some(next_step_at),
            waiting_for,
            look_since,
            content: part.prepared.content,
            ..Post::blank(&part.account, status, now)
        };
        (NewPost { post, keys: part.keys, wall: times.wall.clone() }, part.account)
    }
}

/// The result of reading the link of a request.
#[expect(clippy::large_enum_variant, reason = "one at a time, consumed at once")]
enum Look {
    /// Not needed: the video is named by its job or its upload.
    NotNeeded,
    /// The file behind it.
    At(Looked),
    /// It cannot be reached, and the posts of the request exist.
    Repeated(Vec<Created>),
}

/// The same post, whose video is copied before anything else.
fn copied_first(new: NewPost, now: DateTime<Utc>) -> NewPost {
    let waiting_for = match new.post.look_since {
        Some(_) => new.post.waiting_for,
        None => Some(WaitReason::Copy),
    };
    NewPost { post: Post { wants_copy: true, next_step_at: Some(now), waiting_for, ..new.post }, ..new }
}

fn all_known(parts: &[Part], known: &[Option<Created>]) -> Option<Vec<Created>> {
    let found: Vec<Created> = known.iter().flatten().cloned().collect();
    (found.len() == parts.len()).then_some(found)
}

/// The response for the result of an insert.
pub(super) fn created(inserted: Inserted, account: Account) -> Result<Created> {
    match inserted {
        Inserted::New(post) => Ok(Created { post, account, existed: false }),
        Inserted::Existing(post) => Ok(Created { post, account, existed: true }),
        Inserted::Reused(post, differences) => Err(reused(&post, &differences)),
        Inserted::OtherVideo(post) => Err(other_video(&post)),
        Inserted::Duplicate(post) => Err(duplicate(&post)),
        Inserted::Removed(id) => Err(removed(id)),
    }
}

/// The key was reused with other content.
fn reused(post: &Post, differences: &[String]) -> Error {
    let differences = differences.join(", ");
    let message = format!("the request key was used for post {} with other content; {differences} differs", post.id);
    let violation = Violation {
        field: "request_key",
        rule: "REQUEST_KEY_REUSED",
        measured: differences,
        limit: "one key, one content".into(),
        remedy: "repeat the request as it was, or give another request_key with allow_duplicate".into(),
        message,
    };
    shape::invalid(Reason::RequestKeyReused, Broken { account: Some(post.social_account_id), violation })
}

/// Link and text are those of an existing post, but the file is another one.
fn other_video(post: &Post) -> Error {
    Error::Precondition {
        reason: Reason::VideoChanged,
        subject: format!("post {}", post.id),
        message: format!(
            "same link, other video: post {} ({}) was made with this link and these words, and another file stands behind \
             the link now; to post that one too, give a request_key of its own with allow_duplicate",
            post.id, post.status
        ),
        remedy:
            "read that post; to post the new file too, give a request_key of its own with allow_duplicate, or give the \
                 file a link of its own"
                .into(),
    }
}

/// The post of this request key was deleted by retention.
fn removed(id: PostId) -> Error {
    Error::Precondition {
        reason: Reason::PostRemoved,
        subject: format!("post {id}"),
        message: format!(
            "this request made post {id}, which was deleted since because of its age; nothing is posted again"
        ),
        remedy: "to post it again on purpose give another request_key".into(),
    }
}

/// The same content is being published or live under another key.
fn duplicate(post: &Post) -> Error {
    Error::Precondition {
        reason: Reason::DuplicatePost,
        subject: format!("post {}", post.id),
        message: format!("the same content is already {} as post {}", post.status, post.id),
        remedy: "read that post; to post it again on purpose set allow_duplicate with a request_key of its own".into(),
    }
}

//! The callers of a chaos run: they do what the plan says, many of them at the same time, by the use cases behind the API.
//! Whatever the core answers to an edit is right; what counts is how the post ends.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use aurareels_core::{
    app::{
        Error,
        posts::{
            Posts,
            requests::{CreatePosts, GivenTime, PostInput, PublishNow, UpdatePost, When},
        },
    },
    clock::Clock,
    domain::{
        failure::Reason,
        ids::{AccountId, PostId},
        post::{Content, SchedulerKind, Status},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, future, stream};

use super::plan::{Action, Deed, Intent};
use crate::rig::CALLER;

/// Callers at the same time.
const TOGETHER: usize = 32;

/// How often a caller asks again whose request was refused: the video's host has trouble, or the account waits for its owner.
const PATIENCE: usize = 300;

/// Real time between two of these.
const PAUSE: Duration = Duration::from_millis(50);

/// What callers need to know.
#[derive(Clone)]
pub(super) struct Callers {
    pub(super) posts: Posts,
    pub(super) clock: Clock,
    /// The start of the run.
    pub(super) start: DateTime<Utc>,
    /// The address of the videos, without the name.
    pub(super) videos: String,
}

/// A post as its caller knows it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) intent: Intent,
    pub(super) account: AccountId,
    pub(super) id: Option<PostId>,
    pub(super) edits: usize,
    pub(super) cancelled: bool,
    /// From when on it might go out, as its caller knows.
    pub(super) permits: Vec<Permit>,
}

/// A time that a caller gave a post.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permit {
    /// When the call began.
    since: DateTime<Utc>,
    /// When the call that took its place had ended.
    until: Option<DateTime<Utc>>,
    /// The time.
    from: DateTime<Utc>,
}

/// How far the callers' clock may be behind the platform's while both are moved.
const SKEW: TimeDelta = TimeDelta::seconds(1);

/// A post as a backup holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) status: Status,
    pub(super) scheduled_at: Option<DateTime<Utc>>,
}

/// A time that is less than this ahead is not asked for again: at once is.
const AHEAD: TimeDelta = TimeDelta::minutes(10);

impl Asked {
    pub(super) fn new(intent: Intent, account: AccountId) -> Self {
        Self { intent, account, id: None, edits: 0, cancelled: false, permits: Vec::new() }
    }

    /// From when on a request for it might be with the platform that came there at this time.
    pub(super) fn earliest(&self, came: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let holds = |permit: &&Permit| permit.since <= came && permit.until.is_none_or(|until| came <= until + SKEW);
        self.permits.iter().filter(holds).map(|permit| permit.from).min()
    }

    /// A backup was put back, which holds the post as this, or not at all: then it has to be asked for again.
    pub(super) fn restored(&mut self, kept: Option<Kept>, start: DateTime<Utc>, now: DateTime<Utc>) {
        for permit in self.permits.iter_mut().filter(|permit| permit.until.is_none()) {
            permit.until = Some(now);
        }
        match kept {
            Some(kept) => {
                // What was asked for since is forgotten, what was asked for before holds again.
                self.cancelled &= kept.status == Status::Cancelled;
                let from = kept.scheduled_at.filter(|_| kept.status == Status::Scheduled);
                self.permits.push(Permit { since: now, until: None, from: from.unwrap_or(now) });
            }
            None => {
                (self.id, self.edits, self.cancelled) = (None, 0, false);
                let is_ahead = |due: &i64| start + TimeDelta::seconds(*due) > now + AHEAD;
                self.intent.due = self.intent.due.filter(is_ahead);
            }
        }
    }

    /// A call that began at `since` and has just ended gave it this time.
    fn permit(&mut self, since: DateTime<Utc>, now: DateTime<Utc>, from: DateTime<Utc>) {
        for permit in self.permits.iter_mut().filter(|permit| permit.until.is_none()) {
            permit.until = Some(now);
        }
        self.perhaps(since, from);
    }

    /// The call may have done so: its database was away, and nobody knows.
    fn perhaps(&mut self, since: DateTime<Utc>, from: DateTime<Utc>) {
        self.permits.push(Permit { since, until: None, from });
    }
}

/// Whether a call may have done what it was asked to all the same.
fn is_unsure<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Store(_)))
}

/// How often what was done, and how often the core did it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(pub(super) BTreeMap<&'static str, (usize, usize)>);

impl Tally {
    fn note(&mut self, what: &'static str, done: bool) {
        let (tried, worked) = self.0.entry(what).or_default();
        *tried += 1;
        *worked += usize::from(done);
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (what, (tried, worked)) in &other.0 {
            let sum = self.0.entry(what).or_default();
            sum.0 += tried;
            sum.1 += worked;
        }
    }
}

impl Callers {
    /// Does these actions: those of one post in their order, those of different posts at the same time.
    pub(super) async fn act(
        self,
        actions: Vec<Action>,
        all: Vec<(usize, Asked)>,
    ) -> Result<(Vec<(usize, Asked)>, Tally)> {
        let mut of: BTreeMap<usize, Vec<Deed>> = BTreeMap::new();
        for action in actions {
            of.entry(action.intent).or_default().push(action.deed);
        }
        let done: Vec<(usize, Asked, Tally)> = stream::iter(all)
            .map(|(index, mut asked)| {
                let deeds = of.get(&index).cloned().unwrap_or_default();
                let callers = &self;
                async move {
                    let mut tally = Tally::default();
                    for deed in deeds {
                        callers.do_one(&mut asked, deed, &mut tally).await?;
                    }
                    anyhow::Ok((index, asked, tally))
                }
            })
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await?;
        let mut sum = Tally::default();
        done.iter().for_each(|(.., tally)| sum.add(tally));
        Ok((done.into_iter().map(|(index, asked, _)| (index, asked)).collect(), sum))
    }

    async fn do_one(&self, asked: &mut Asked, deed: Deed, tally: &mut Tally) -> Result<()> {
        let posts = &self.posts;
        let id = asked.id;
        let id = || id.context("nobody has asked for this post");
        let begun = self.clock.now();
        match deed {
            Deed::Ask(copies) => {
                let again = asked.id.is_some();
                if !again {
                    let due = asked.intent.due.map(|due| self.start + TimeDelta::seconds(due));
                    asked.permit(begun, begun, due.unwrap_or(begun));
                }
                let answers = future::join_all((0..copies).map(|_| self.ask(asked))).await;
                for answer in answers {
                    let made = answer?;
                    ensure!(asked.id.is_none_or(|id| id == made), "a repeated request made a second post");
                    asked.id = Some(made);
                }
                tally.note(if again { "asked again" } else { "asked for" }, true);
                if copies > 1 {
                    tally.note("asked twice at once", true);
                }
            }
            Deed::Edit => {
                let caption = format!("{} edit {}", asked.intent.text, asked.edits + 1);
                let input = PostInput { content: Content { caption, ..Content::default() }, ..PostInput::default() };
                let change = UpdatePost { id: id()?, input, fields: vec!["caption".to_owned()], revision: None };
                let done = posts.update(CALLER, change).await.is_ok();
                asked.edits += usize::from(done);
                tally.note("edit", done);
            }
            Deed::Cancel => {
                let done = posts.cancel(CALLER, id()?).await.is_ok();
                asked.cancelled |= done;
                tally.note("cancel", done);
            }
            Deed::Reschedule(seconds) => {
                let later = begun + TimeDelta::seconds(seconds);
                let answer = posts.reschedule(CALLER, id()?, GivenTime::At(later), None).await;
                if answer.is_ok() {
                    asked.permit(begun, self.clock.now(), later);
                } else if is_unsure(&answer) {
                    asked.perhaps(begun, later);
                }
                tally.note("reschedule", answer.is_ok());
            }
            Deed::PublishNow(copies) => {
                let id = id()?;
                let calls = future::join_all((0..copies).map(|_| posts.publish_now(CALLER, id, None))).await;
                if calls.iter().any(|call| !matches!(call, Err(_) | Ok((PublishNow::Superseded, _)))) {
                    asked.permit(begun, self.clock.now(), begun);
                } else if calls.iter().any(is_unsure) {
                    asked.perhaps(begun, begun);
                }
                calls.into_iter().for_each(|call| tally.note("publish now", call.is_ok()));
            }
            Deed::Retry => {
                if self.status(id()?).await? == Status::Failed {
                    let answer = posts.retry(CALLER, id()?).await;
                    if answer.is_ok() {
                        asked.permit(begun, self.clock.now(), begun);
                    } else if is_unsure(&answer) {
                        asked.perhaps(begun, begun);
                    }
                    tally.note("retry", answer.is_ok());
                }
            }
            Deed::LookAgain => {
                if matches!(self.status(id()?).await?, Status::Confirming | Status::NeedsReview) {
                    tally.note("look again", posts.reconcile(CALLER, id()?).await.is_ok());
                }
            }
        }
        Ok(())
    }

    /// Asks until the database can be read.
    async fn status(&self, id: PostId) -> Result<Status> {
        for _ in 0..PATIENCE {
            match self.posts.get(CALLER, id).await {
                Err(Error::Store(_)) => tokio::time::sleep(PAUSE).await,
                detail => return Ok(detail?.post.status),
            }
        }
        bail!("post {id} cannot be read")
    }

    /// The request of an intent, word for word the same each time, until it is taken.
    async fn ask(&self, asked: &Asked) -> Result<PostId> {
        let intent = &asked.intent;
        let other = intent.name.trim_start_matches('c');
        let replaced = if intent.replaced { format!("&swap={other}&swap_after=30000") } else { String::new() };
        let scheduler = intent.n8n.then_some(SchedulerKind::N8n);
        let content = Content {
            video_url: format!("{}/{}.mp4?size=20000&duration=5{}", self.videos, intent.name, replaced),
            caption: intent.text.clone(),
            privacy_level: "PUBLIC".to_owned(),
            options: intent.upload.options(),
            ..Content::default()
        };
        let when = match intent.due {
            None => When::Now,
            Some(due) => {
                let time = GivenTime::At(self.start + TimeDelta::seconds(due));
                When::At { time, scheduler, late_policy_seconds: None }
            }
        };
        let request = CreatePosts {
            accounts: vec![asked.account],
            input: PostInput { content, ..PostInput::default() },
            when,
            request_key: Some(intent.name.clone()),
            allow_duplicate: false,
            video_job: None,
        };
        let mut last = None;
        for _ in 0..PATIENCE {
            match self.posts.create(CALLER, request.clone()).await {
                Ok(made) => return Ok(made.first().context("no post was created")?.post.id),
                // Behind the link is another file by now: the core says so, and the post that there is stays.
                Err(Error::Invalid { reason: Reason::RequestKeyReused, .. })
                    if intent.replaced && asked.id.is_some() =>
                {
                    return asked.id.context("no post was created");
                }
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
        let Some(error) = last else { bail!("nothing was asked") };
        Err(error).with_context(|| format!("asking for {}", intent.name))
    }
}

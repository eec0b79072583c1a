//! What callers do with existing posts: edit, reschedule, cancel, retry, publish now, reconcile, resolve.
//!
//! Guaranteed: a refused move names the post's status and a remedy; repeating a successful move is harmless.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    Caller, Error, Posts, Result, fields, not_found,
    requests::{GivenTime, PostInput, PublishNow, Resolve, UpdatePost},
    rules, shape, times,
};
use crate::{
    app::broken,
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        ids::{PostId, Revision},
        ledger::ResolvedWord,
        media::MediaId,
        post::{Content, Post, SchedulerKind, Status, Unread, WaitReason},
        schedule::WallTime,
        transition::Move,
        violation::{MEDIA_ID_FIELD, Violation, Warning},
    },
    store::{self, moves::Remains, posts::CasResult},
};

/// Longest note of a person, bytes.
const MAX_NOTE: usize = 2_000;

/// A post that cannot be read must not be changed.
fn unreadable(id: PostId, unread: &Unread) -> Error {
    Error::Precondition {
        reason: Reason::RowUnreadable,
        subject: format!("post {id}"),
        message: unread.why.clone(),
        remedy: "use a core of the release that wrote it, or have the operator mend the row".to_owned(),
    }
}

impl Posts {
    async fn account_of(&self, caller: Caller, post: &Post) -> Result<Account> {
        Ok(self.accounts(caller, &[post.social_account_id]).await?.remove(0))
    }

    async fn read(&self, caller: Caller, id: PostId) -> Result<Post> {
        let post = self.store.post_of_user(caller.user, id).await?.ok_or_else(|| not_found(id))?;
        match &post.unread {
            None => Ok(post),
            Some(unread) => Err(unreadable(id, unread)),
        }
    }

    /// Changes a draft or scheduled post: the named fields of its content.
    pub async fn update(&self, caller: Caller, mut request: UpdatePost) -> Result<Post> {
        let post = self.read(caller, request.id).await?;
        check_revision(&post, request.revision)?;
        if !matches!(post.status, Status::Draft | Status::Scheduled) {
            return Err(forbidden(&post, "edited", "only drafts and scheduled posts can be"));
        }
        if request.fields.is_empty() {
            let one = broken(
                "update_mask",
                "FIELD_MALFORMED",
                "empty",
                "it must name the fields to change",
                "name them, such as `caption`",
            );
            return Err(shape::invalid(Reason::InvalidField, one));
        }
        self.take_job_of_edit(caller, &mut request).await?;
        let mut content = post.content.clone();
        if let Some(unknown) =
            request.fields.iter().find(|field| !fields::take(&mut content, &request.input.content, field))
        {
            let one = broken(
                "update_mask",
                "FIELD_MALFORMED",
                format!("`{}`", unknown.strip_prefix("content.").unwrap_or(unknown)),
                "it names fields of content",
                "name fields such as `caption`; the time is moved by ReschedulePost",
            );
            return Err(shape::invalid(Reason::InvalidField, one));
        }
        take_video(&mut content, &request);
        if content.video_url != post.content.video_url || content.media_id != post.content.media_id {
            self.check_new_video(caller, &mut content, &request).await?;
        }
        let account = self.account_of(caller, &post).await?;
        // A copy of another video than the one that it has now is not wanted any more.
        let wants_copy = post.wants_copy && content.video_url == post.content.video_url && content.media_id.is_empty();
        let mut changed = Post { content, wants_copy, ..post };
        if changed.status == Status::Draft {
            let prepared = rules::prepare(
                self.service(&account)?,
                &PostInput { content: changed.content.clone(), ..request.input },
            );
            let broken =
                shape::check_shape(&prepared.content).into_iter().map(|one| one.violation).chain(prepared.violations);
            changed.warnings = prepared.warnings;
            changed.warnings.extend(broken.map(as_warning));
            changed.content = prepared.content;
        } else {
            let (content, warnings, facts) = self.check_one(caller, &account, &changed.content).await?;
            changed.content = content;
            changed.warnings = warnings;
            changed.media_facts = facts;
            // What was prepared for the old content (a container, an upload) is abandoned: it is invisible, and it is
            // never published.
            changed.attempt += i32::from(!self.store.ledger(changed.id).await?.entries().is_empty());
        }
        self.write_waiting(changed, None).await
    }

    /// Checks the video of an edited post, and keeps a copy if requested.
    async fn check_new_video(&self, caller: Caller, content: &mut Content, request: &UpdatePost) -> Result<()> {
        let wrong = shape::check_shape(content).into_iter().filter(|one| one.violation.field == MEDIA_ID_FIELD);
        let wrong: Vec<_> = wrong.collect();
        if !wrong.is_empty() {
            return Err(shape::refuse(wrong));
        }
        if !content.media_id.is_empty() {
            self.media_store.facts(caller.user, &content.media_id).await?;
        }
        let input = PostInput { content: content.clone(), ..request.input.clone() };
        if let Some((media_id, _)) = self.copy_of(caller, &input).await? {
            content.media_id = media_id.to_string();
        }
        Ok(())
    }

    async fn write_waiting(&self, changed: Post, wall: Option<WallTime>) -> Result<Post> {
        let id = changed.id;
        let revision = changed.revision;
        match self.store.update_waiting(changed, wall, self.clock.now()).await? {
            CasResult::Done(post) => Ok(post),
            CasResult::Gone => Err(not_found(id)),
            CasResult::Refused(post) if post.revision == revision && post.to_be_looked_up().is_some() => {
                Err(looked_up(&post, "changed"))
            }
            CasResult::Refused(post) if matches!(post.status, Status::Draft | Status::Scheduled) => {
                Err(Error::Conflict {
                    message: if post.revision == revision {
                        format!("post {id} is being prepared right now; try again in a moment")
                    } else {
                        format!("post {id} was changed by someone else; read it again and repeat")
                    },
                })
            }
            CasResult::Refused(post) => Err(too_late(&post, "changed")),
        }
    }

    /// Moves a draft or scheduled post to another time.
    pub async fn reschedule(
        &self,
        caller: Caller,
        id: PostId,
        time: GivenTime,
        revision: Option<Revision>,
    ) -> Result<Post> {
        let now = self.clock.now();
        let post = self.read(caller, id).await?;
        check_revision(&post, revision)?;
        if !matches!(post.status, Status::Draft | Status::Scheduled) {
            return Err(too_late(&post, "rescheduled"));
        }
        let zones = self.settings.zones.rules();
        let (asked, warning) = times::read_time(&time, &zones)?;
        let at = times::place_time(asked, now)?;
        let wall = times::wall_time(&time, Some(at), &zones);
        let account = self.account_of(caller, &post).await?;
        rules::usable(&account, false)?;
        let mut changed = post;
        if changed.status == Status::Draft {
            let (content, warnings, facts) = self.check_one(caller, &account, &changed.content).await?;
            (changed.content, changed.warnings, changed.media_facts) = (content, warnings, facts);
        }
        changed.warnings.retain(|warning| warning.code != "TIME_AMBIGUOUS");
        changed.warnings.extend(warning);
        self.move_to(&mut changed, at, now);
        self.write_waiting(changed, wall).await
    }

    /// Makes a post wait for this time.
    pub(super) fn move_to(&self, post: &mut Post, at: DateTime<Utc>, now: DateTime<Utc>) {
        post.status = Status::Scheduled;
        post.scheduled_at = Some(at);
        // The workflow gets the new time too.
        post.handed_over_at = None;
        post.handover_failures = 0;
        post.waiting_for = Some(WaitReason::Schedule);
        post.next_step_at = Some(match post.scheduler {
            SchedulerKind::N8n => now,
            SchedulerKind::Core => (at - self.settings.prepare_lead).max(now),
        });
    }

    /// Cancels a post that cannot be visible yet.
    pub async fn cancel(&self, caller: Caller, id: PostId) -> Result<Post> {
        let registry = self.registry.clone();
        let remains: Remains = Arc::new(move |post, ledger| registry.get(post.platform)?.client.remains(ledger));
        match self.store.cancel(caller.user, id, self.clock.now(), Some(remains)).await? {
            CasResult::Done(post) => Ok(post),
            CasResult::Gone => Err(not_found(id)),
            CasResult::Refused(post) if post.status == Status::Cancelled => Ok(post),
            CasResult::Refused(post) if post.to_be_looked_up().is_some() => Err(looked_up(&post, "cancelled")),
            CasResult::Refused(post) => Err(too_late(&post, "cancelled")),
        }
    }

    /// Deletes a draft.
    pub async fn delete_draft(&self, caller: Caller, id: PostId) -> Result<()> {
        match self.store.delete_draft(caller.user, id, self.clock.now()).await? {
            CasResult::Done(()) => Ok(()),
            CasResult::Gone => Err(not_found(id)),
            CasResult::Refused(post) if post.to_be_looked_up().is_some() => Err(looked_up(&post, "deleted")),
            CasResult::Refused(post) => Err(forbidden(&post, "deleted", "only drafts can be; cancel it instead")),
        }
    }

    /// Retries a failed post.
    pub async fn retry(&self, caller: Caller, id: PostId) -> Result<Post> {
        let post = self.read(caller, id).await?;
        if post.status == Status::Failed {
            rules::usable(&self.account_of(caller, &post).await?, true)?;
            self.has_its_video(&post).await?;
        }
        match self.store.begin_now(caller.user, id, Move::Retry, None, self.clock.now()).await? {
            CasResult::Done(post) => Ok(post),
            CasResult::Gone => Err(not_found(id)),
            CasResult::Refused(post) => Err(forbidden(&post, "retried", "only failed posts can be")),
        }
    }

    /// Refuses to retry a post whose upload was removed since it failed.
    async fn has_its_video(&self, post: &Post) -> Result<()> {
        let Ok(media_id) = post.content.media_id.parse::<MediaId>() else { return Ok(()) };
        if self.store.media(post.wp_user_id, &media_id).await?.is_some() {
            return Ok(());
        }
        Err(Error::Precondition {
            reason: Reason::MediaNotFound,
            subject: format!("post {}", post.id),
            message: format!("the video of post {} was removed some time after the post had failed", post.id),
            remedy: "upload the same file again, then RetryPost".into(),
        })
    }

    /// Publishes a draft or scheduled post now. A post that is already being published or live is a success, and so is
    /// a call that a change has superseded: a late workflow does no harm.
    pub async fn publish_now(
        &self,
        caller: Caller,
        id: PostId,
        expected: Option<DateTime<Utc>>,
    ) -> Result<(PublishNow, Post)> {
        let post = self.read(caller, id).await?;
        if post.status == Status::Draft {
            let account = self.account_of(caller, &post).await?;
            rules::usable(&account, true)?;
            self.check_one(caller, &account, &post.content).await?;
        }
        match self.store.begin_now(caller.user, id, Move::Begin, expected, self.clock.now()).await? {
            CasResult::Done(post) => Ok((PublishNow::Started, post)),
            CasResult::Gone => Err(not_found(id)),
            CasResult::Refused(post) => {
                let result = match post.status {
                    Status::Publishing
                    | Status::Confirming
                    | Status::Published
                    | Status::NeedsReview
                    | Status::Delivered => PublishNow::AlreadyUnderWay,
                    Status::Draft | Status::Scheduled | Status::Failed | Status::Cancelled => PublishNow::Superseded,
                };
                Ok((result, post))
            }
        }
    }

    /// Checks the platform again.
    pub async fn reconcile(&self, caller: Caller, id: PostId) -> Result<Post> {
        match self.store.reconcile_again(caller.user, id, self.clock.now()).await? {
            CasResult::Done(post) => Ok(post),
            CasResult::Gone => Err(not_found(id)),
            CasResult::Refused(post) => {
                Err(forbidden(&post, "reconciled", "only posts that are confirming or need review can be"))
            }
        }
    }

    /// Resolves a post that is confirming or in review with a person's finding.
    pub async fn resolve(&self, caller: Caller, word: Resolve) -> Result<Post> {
        if word.note.len() > MAX_NOTE {
            let one = broken(
                "note",
                "FIELD_MALFORMED",
                format!("{} bytes", word.note.len()),
                "at most 2000 bytes are taken",
                "shorten it",
            );
            return Err(shape::invalid(Reason::InvalidField, one));
        }
        let failure = (!word.published).then(|| {
            Failure::new(
                FailureClass::Transient,
                Reason::ResolvedNotPublished,
                "a person looked and found that the post is not on the platform",
            )
            .with_remedy("publish it with RetryPost")
        });
        let resolved = ResolvedWord {
            published: word.published,
            platform_post_id: word.platform_post_id.filter(|_| word.published),
            platform_post_url: word.platform_post_url.filter(|_| word.published),
            note: word.note,
            failure,
        };
        match self.store.resolve(caller.user, word.id, resolved, self.clock.now()).await {
            Ok(CasResult::Done(post)) => Ok(post),
            Ok(CasResult::Gone) => Err(not_found(word.id)),
            Ok(CasResult::Refused(post)) => {
                Err(forbidden(&post, "resolved", "only posts that are confirming or need review can be"))
            }
            Err(store::Error::BoundElsewhere { other, user, .. }) => {
                Err(taken(word.id, (user == caller.user).then_some(other)))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn check_revision(post: &Post, revision: Option<Revision>) -> Result<()> {
    match revision {
        Some(revision) if revision != post.revision => Err(Error::Conflict {
            message: format!(
                "post {} is at revision {}, not {revision}; read it again and repeat",
                post.id, post.revision
            ),
        }),
        _ => Ok(()),
    }
}

/// The platform post that a person named belongs to another post.
fn taken(id: PostId, other: Option<PostId>) -> Error {
    let holder = other.map_or_else(|| "another post of this core".to_owned(), |other| format!("post {other}"));
    Error::Precondition {
        reason: Reason::DuplicatePost,
        subject: format!("post {id}"),
        message: format!("platform_post_id already belongs to {holder}: one post of a platform is one post here"),
        remedy: "give the id of the post that this one made, or none where it is not known".into(),
    }
}

fn forbidden(post: &Post, done: &str, rule: &str) -> Error {
    Error::Precondition {
        reason: Reason::StatusForbids,
        subject: format!("post {}", post.id),
        message: format!("post {} is {} and cannot be {done}: {rule}", post.id, post.status),
        remedy: "read the post and choose a move that its status allows".into(),
    }
}

/// A backup was restored, and the post may already be published: until that is known, it must not be removed.
fn looked_up(post: &Post, done: &str) -> Error {
    Error::Precondition {
        reason: Reason::RestoreCheck,
        subject: format!("post {}", post.id),
        message: format!(
            "a backup was restored, and post {} may be on the platform already: it cannot be {done} until that is found out",
            post.id
        ),
        remedy: "it is being looked for now, and nothing is sent meanwhile; repeat this in some minutes".into(),
    }
}

fn too_late(post: &Post, done: &str) -> Error {
    match post.status {
        Status::Publishing | Status::Confirming | Status::Published | Status::Delivered | Status::NeedsReview => {
            Error::Precondition {
                reason: Reason::TooLate,
                subject: format!("post {}", post.id),
                message: format!("post {} is {}: it is too late for it to be {done}", post.id, post.status),
                remedy: "delete it on the platform if it must not stay".into(),
            }
        }
        Status::Draft | Status::Scheduled | Status::Failed | Status::Cancelled => {
            forbidden(post, done, "its status does not allow it")
        }
    }
}

fn as_warning(violation: Violation) -> Warning {
    Warning { code: violation.rule.into(), field: violation.field.into(), message: violation.message }
}

/// Applies the named fields that give the video: setting one of them clears the other.
fn take_video(to: &mut Content, request: &UpdatePost) {
    let from = &request.input.content;
    let names = |name: &str| fields::names(&request.fields, name);
    match (names("video_url"), names("media_id")) {
        (false, false) if names("keep_copy") && !to.video_url.is_empty() => to.media_id.clear(),
        (false, false) => {}
        (true, false) => (to.video_url, to.media_id) = (from.video_url.clone(), String::new()),
        (false, true) => (to.video_url, to.media_id) = (String::new(), from.media_id.clone()),
        (true, true) => (to.video_url, to.media_id) = (from.video_url.clone(), from.media_id.clone()),
    }
}

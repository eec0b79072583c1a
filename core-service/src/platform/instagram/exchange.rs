//! The exchanges of a publishing course: one bounded request or two, and what their answers mean.
//!
//! Guaranteed: the publish is sent only if the claim holds at that instant.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{FutureExt, future::ready};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::time::Instant;
use url::Url;

use super::{
    Instagram,
    course::{self, name, status},
    errors::{Judge, unavailable},
    matching::Match,
    options::InstagramOptions,
    wire::{ContainerNode, ContainerStatus, Created, Media, Page, PublishingLimit, shaped, unwrapped},
};
use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        ledger::{Evidence, Handle},
        platform::LoginFlavour,
    },
    fault::{self, FaultPoint},
    platform::{
        Call, Outcome, Step,
        description::Options,
        first_comment,
        meta::{
            Fields,
            comments::{self, Author},
            graph::{General, GraphReply, is_success},
            left,
        },
        wire,
    },
    secret::Secret,
};

/// Who calls: the login decides host, token and proof.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) flavour: LoginFlavour,
    pub(super) token: &'a Secret,
    /// The clock's time; `None` for calls that do not wait.
    pub(super) now: Option<DateTime<Utc>>,
}

impl<'a> Caller<'a> {
    pub(super) fn of(call: &'a Call<'_>) -> Self {
        Self { flavour: call.view.account.login_flavour, token: &call.tokens.access, now: Some(call.view.now) }
    }

    /// How errors are judged for it. Facebook's tokens begin with `EAA`, those of Instagram Login with `IG`.
    pub(super) fn judge(&self) -> Judge {
        let wrong = match self.flavour {
            LoginFlavour::InstagramLogin => "EAA",
            _ => "IG",
        };
        Judge { now: self.now, token_fits_host: !self.token.expose().starts_with(wrong) }
    }
}

/// A failed call as the outcome of a read: nothing was changed.
fn failed(failure: Failure, evidence: Evidence) -> Outcome {
    Outcome::NoEffect { failure, evidence }
}

impl Instagram {
    /// A request to the Graph host of a login, with its token, and its proof where it has one. `GET` and `DELETE` carry
    /// fields in the query, `POST` in a form.
    pub(super) fn request(
        &self,
        caller: &Caller<'_>,
        method: Method,
        path: &str,
        fields: Fields<'_>,
    ) -> Result<RequestBuilder, Failure> {
        if caller.flavour != LoginFlavour::InstagramLogin {
            return self.meta.request(caller.token, method, path, fields);
        }
        let mut url = self.settings.ig_graph_base.clone();
        url.set_path(&format!("/{}/{path}", self.meta.settings.version));
        let request = self.meta.client.request(method.clone(), url).bearer_auth(caller.token.expose());
        Ok(match method {
            Method::POST => request.form(&fields),
            _ => request.query(&fields),
        })
    }

    /// One read from the Graph host.
    pub(super) async fn get(
        &self,
        caller: &Caller<'_>,
        path: &str,
        fields: Fields<'_>,
        until: Instant,
    ) -> Result<GraphReply, Failure> {
        let request = self.request(caller, Method::GET, path, fields)?;
        Ok(GraphReply::read(wire::exchange(request, left(until)).await))
    }

    /// Runs a step of the course.
    pub(super) async fn run_step(&self, call: &Call<'_>, step: &Step) -> Outcome {
        let until = Instant::now() + step.timeout;
        // Boxed: of those that wait for their time each takes what its own step needs, not what the largest one does.
        let taken = match step.kind {
            course::CONTAINER => self.create_container(call, step, until).boxed(),
            course::UPLOAD => self.upload(call, step, until).boxed(),
            course::UPLOAD_OFFSET => self.read_offset(call, step, until).boxed(),
            course::STATUS => self.read_status(call, step, until).boxed(),
            course::SNAPSHOT => self.take_snapshot(call, step, until).boxed(),
            course::PUBLISH => self.publish(call, step).boxed(),
            course::PERMALINK => self.read_permalink(call, step, until).boxed(),
            course::COMMENTS_OFF => self.turn_comments_off(call, step, until).boxed(),
            course::FIND_COMMENT => self.find_comment(call, step, until).boxed(),
            course::WRITE_COMMENT => self.write_comment(call, step).boxed(),
            unknown => ready(Err(Failure::new(
                FailureClass::Permanent,
                Reason::Internal,
                format!("instagram has no step `{unknown}`"),
            )))
            .boxed(),
        };
        taken.await.unwrap_or_else(|failure| failed(failure, Evidence::new()))
    }

    async fn create_container(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let caller = Caller::of(call);
        let is_upload = step.handle.text(name::TRANSFER) == Some(course::Transfer::Resumable.as_str());
        let version = if is_upload { Some(call.video.version().await?) } else { None };
        let fields = self.container_fields(call, step).await?;
        let path = format!("{}/media", call.view.account.account_id);
        let request = self.request(&caller, Method::POST, &path, fields)?;
        if !call.lease.holds() {
            return Err(claim_lost());
        }
        fault::point(FaultPoint::LeaseChecked, "");
        let reply = GraphReply::read(wire::exchange(request, left(until)).await);
        if let Some(outcome) = caller.judge().on_create(&reply) {
            return Ok(outcome);
        }
        let evidence = reply.evidence();
        let GraphReply::Value(value) = reply else { return Ok(Outcome::Unknown { evidence }) };
        let Some(created) = shaped::<Created>(value) else {
            return Ok(Outcome::Unknown { evidence: Evidence::new().with("answer", "no container id") });
        };
        let mut handle = Handle::default()
            .with(name::CONTAINER_ID, created.id.as_str())
            .with_instant(name::CREATED_AT, call.view.now);
        if let Some(version) = version {
            let uri = created.uri.unwrap_or_else(|| {
                let mut uri = self.meta.settings.rupload_base.clone();
                uri.set_path(&format!("/ig-api-upload/{}/{}", self.meta.settings.version, created.id));
                uri.into()
            });
            handle = handle.with(name::URI, uri).with(name::VIDEO, version.to_value());
        }
        Ok(Outcome::Accepted { handle, evidence: evidence.with("container_id", created.id) })
    }

    /// The container's fields, by §4.1 of the sheet.
    async fn container_fields(&self, call: &Call<'_>, step: &Step) -> Result<Fields<'static>, Failure> {
        let content = &call.view.post.content;
        let options = InstagramOptions::of(&content.options);
        // Always sent: what Meta assumes without it is not documented.
        let share = options.share_to_feed.unwrap_or(true);
        let mut fields: Fields<'static> = vec![("media_type", "REELS".into()), ("share_to_feed", share.to_string())];
        match step.handle.text(name::TRANSFER) == Some(course::Transfer::Resumable.as_str()) {
            true => fields.push(("upload_type", "resumable".into())),
            false => fields.push(("video_url", call.video.public_url().await?.into())),
        }
        if !content.full_caption.is_empty() {
            fields.push(("caption", content.full_caption.clone()));
        }
        if let Some(cover) = content.thumbnail_url.as_ref().filter(|url| !url.is_empty()) {
            // Percent-encoded, as the video's.
            fields.push(("cover_url", Url::parse(cover).map_or_else(|_| cover.clone(), String::from)));
        }
        if let Some(offset) = options.thumb_offset_ms {
            fields.push(("thumb_offset", offset.to_string()));
        }
        if let Some(location) = content.location.as_ref().filter(|place| !place.is_empty()) {
            fields.push(("location_id", location.clone()));
        }
        if !options.collaborators.is_empty() {
            let names: Vec<_> = options.collaborators.iter().map(|name| name.trim_start_matches('@')).collect();
            fields.push(("collaborators", json!(names).to_string()));
        }
        if let Some(audio) = options.audio_name {
            fields.push(("audio_name", audio));
        }
        if options.is_ai_generated {
            fields.push(("is_ai_generated", "true".into()));
        }
        Ok(fields)
    }

    /// The container's node, or what kept it from being read.
    pub(super) async fn container(
        &self,
        caller: &Caller<'_>,
        container_id: &str,
        fields: &str,
        until: Instant,
    ) -> Result<Result<ContainerNode, GraphReply>, Failure> {
        match self.get(caller, container_id, vec![("fields", fields.to_owned())], until).await? {
            GraphReply::Value(value) => Ok(shaped(value).ok_or(GraphReply::Unreadable(200))),
            reply => Ok(Err(reply)),
        }
    }

    async fn read_status(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let caller = Caller::of(call);
        let container_id = step.handle.text(name::CONTAINER_ID).ok_or_else(no_container)?;
        let age = step.handle.instant(name::CREATED_AT).map_or(TimeDelta::MAX, |created| call.view.now - created);
        let node = match self.container(&caller, container_id, "id,status_code,status", until).await? {
            Ok(node) => node,
            Err(reply) => return Ok(unread_container(&caller, &reply, age)),
        };
        let known = |word: &str| {
            let mut handle = Handle::default().with(name::STATUS, word);
            let mut evidence = Evidence::new().with("status_code", word);
            if let Some(subcode) = node.subcode() {
                handle = handle.with(name::SUBCODE, subcode);
                evidence = evidence.with("subcode", subcode);
            }
            Outcome::Accepted { handle, evidence }
        };
        Ok(match node.code() {
            Some(ContainerStatus::Finished) => known(status::FINISHED),
            Some(ContainerStatus::Published) => known(status::PUBLISHED),
            Some(ContainerStatus::Error) => known(status::ERROR),
            Some(ContainerStatus::Expired) => known(status::EXPIRED),
            Some(ContainerStatus::InProgress) => {
                Outcome::Pending { check_after: None, evidence: Evidence::new().with("status_code", "IN_PROGRESS") }
            }
            None => unread_container(&caller, &GraphReply::Unreadable(200), age),
        })
    }

    /// The newest media, so that a match after a lost answer can tell new from old; and the quota. Where an earlier
    /// sending of this container was taken for absent, anything that might be its post opens the question again.
    async fn take_snapshot(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let caller = Caller::of(call);
        let list = match self.list(call, None, 1, until).await? {
            Ok(list) => list,
            Err(reply) => return Ok(failed(read_failure(&caller, &reply), reply.evidence())),
        };
        let container_id = step.handle.text(name::CONTAINER_ID).ok_or_else(no_container)?;
        let mut evidence = Evidence::new().with("media_listed", list.len());
        let sent = course::sendings(&call.view, container_id);
        if let (Some(first), Some(last)) = (sent.first(), sent.last()) {
            match self.wanted(call, first, last).as_wanted().find(&list) {
                Match::None => {}
                Match::One(media) => {
                    return Ok(Outcome::Reopened { evidence: evidence.with("match", media.id.as_str()) });
                }
                Match::Perhaps(several) => {
                    return Ok(Outcome::Reopened { evidence: evidence.with("candidates", several) });
                }
            }
        }
        let ids: Vec<&str> = list.iter().map(|media| media.id.as_str()).collect();
        let mut handle = Handle::default().with(name::IDS, json!(ids));
        if let Some(newest) = list.iter().filter_map(Media::published_at).max() {
            handle = handle.with_instant("newest_at", newest);
        }
        // A quota that cannot be read holds nothing up: the publish itself says when it is used up.
        if let Ok(limit) = self.publishing_limit(&caller, &call.view.account.account_id, until).await? {
            let (used, total) = (limit.quota_usage, limit.config.as_ref().and_then(|config| config.quota_total));
            if let Some(used) = used {
                handle = handle.with("quota_usage", used);
                evidence = evidence.with("quota_usage", used);
            }
            if let Some(total) = total {
                handle = handle.with("quota_total", total);
                evidence = evidence.with("quota_total", total);
            }
            if let (Some(used), Some(total)) = (used, total)
                && used >= total
            {
                let until = room_at(&list, used, total, limit.window(), call.view.now);
                return Ok(failed(quota_used(used, total, until), evidence));
            }
        }
        Ok(Outcome::Accepted { handle, evidence })
    }

    /// The account's media, newest first: up to `pages` pages, since an instant.
    pub(super) async fn list(
        &self,
        call: &Call<'_>,
        since: Option<DateTime<Utc>>,
        pages: usize,
        until: Instant,
    ) -> Result<Result<Vec<Media>, GraphReply>, Failure> {
        Ok(self.pages_of_list(call, since, pages, until).await?.map(|(list, _)| list))
    }

    /// The same, and whether these are all since then.
    pub(super) async fn pages_of_list(
        &self,
        call: &Call<'_>,
        since: Option<DateTime<Utc>>,
        pages: usize,
        until: Instant,
    ) -> Result<Result<(Vec<Media>, bool), GraphReply>, Failure> {
        let caller = Caller::of(call);
        let path = format!("{}/media", call.view.account.account_id);
        let (mut list, mut after) = (Vec::new(), None);
        for _ in 0..pages {
            let mut fields: Fields<'_> = vec![("fields", Media::FIELDS.into()), ("limit", "50".into())];
            if let Some(since) = since {
                fields.push(("since", since.timestamp().to_string()));
            }
            if let Some(after) = after.take() {
                fields.push(("after", after));
            }
            let page: Page<Media> = match self.get(&caller, &path, fields, until).await? {
                GraphReply::Value(value) => match shaped(value) {
                    Some(page) => page,
                    None => return Ok(Err(GraphReply::Unreadable(200))),
                },
                reply => return Ok(Err(reply)),
            };
            after = page.after().map(str::to_owned);
            list.extend(page.data);
            if after.is_none() {
                return Ok(Ok((list, true)));
            }
        }
        Ok(Ok((list, false)))
    }

    /// The platform's count of publishing.
    pub(super) async fn publishing_limit(
        &self,
        caller: &Caller<'_>,
        account_id: &str,
        until: Instant,
    ) -> Result<Result<PublishingLimit, GraphReply>, Failure> {
        let path = format!("{account_id}/content_publishing_limit");
        // The default field is `quota_usage` alone.
        let fields = vec![("fields", "quota_usage,config".to_owned())];
        match self.get(caller, &path, fields, until).await? {
            GraphReply::Value(value) => Ok(shaped(unwrapped(value)).ok_or(GraphReply::Unreadable(200))),
            reply => Ok(Err(reply)),
        }
    }

    /// The point of no return.
    async fn publish(&self, call: &Call<'_>, step: &Step) -> Result<Outcome, Failure> {
        let caller = Caller::of(call);
        let container_id = step.handle.text(name::CONTAINER_ID).ok_or_else(no_container)?;
        // The entry of this very sending may stand in the ledger already.
        let resend = course::sendings(&call.view, container_id).iter().any(|entry| entry.outcome.is_some());
        let path = format!("{}/media_publish", call.view.account.account_id);
        let fields = vec![("creation_id", container_id.to_owned())];
        let request = self.request(&caller, Method::POST, &path, fields)?;
        if !call.lease.holds() {
            return Err(claim_lost());
        }
        let reply =
            GraphReply::read(wire::exchange_at_its_time(&self.connector, request, step.timeout, call.lease).await);
        if let GraphReply::Value(value) = &reply
            && let Some(Created { id, .. }) = shaped(value.clone())
        {
            let evidence = reply.evidence().with("media_id", id.as_str());
            return Ok(Outcome::Accepted { handle: Handle::default().with(name::MEDIA_ID, id), evidence });
        }
        Ok(caller.judge().on_publish(&reply, resend))
    }

    async fn find_comment(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let (account, caller, path) = (&call.view.account, Caller::of(call), comments::path(step));
        let scoped = account.metadata["app_scoped_id"].as_str();
        let ids = std::iter::once(account.account_id.as_str()).chain(scoped).collect();
        let author = Author { ids, username: account.account_username.as_deref() };
        let get = |query| async { self.get(&caller, &path, query, until).await }.boxed();
        comments::find(step, &author, "id,text,username,from", get, |reply| read_failure(&caller, reply)).await
    }

    async fn write_comment(&self, call: &Call<'_>, step: &Step) -> Result<Outcome, Failure> {
        let caller = Caller::of(call);
        let text = step.handle.text(first_comment::name::TEXT).unwrap_or_default();
        let fields = vec![("message", text.to_owned())];
        let request = self.request(&caller, Method::POST, &comments::path(step), fields)?;
        let reply =
            GraphReply::read(wire::exchange_at_its_time(&self.connector, request, step.timeout, call.lease).await);
        Ok(comments::written(&reply, |reply| read_failure(&caller, reply)))
    }

    async fn turn_comments_off(&self, call: &Call<'_>, step: &Step, until: Instant) -> Result<Outcome, Failure> {
        let caller = Caller::of(call);
        let media_id = step.handle.text(name::MEDIA_ID).ok_or_else(no_media)?;
        let fields = vec![("comment_enabled", "false".to_owned())];
        let request = self.request(&caller, Method::POST, media_id, fields)?;
        let reply = GraphReply::read(wire::exchange(request, left(until)).await);
        let evidence = reply.evidence();
        Ok(match &reply {
            GraphReply::Value(value) if is_success(value) => {
                Outcome::Accepted { handle: Handle::default(), evidence: evidence.with("comments", "off") }
            }
            GraphReply::Value(_) | GraphReply::Unreadable(_) | GraphReply::NoAnswer(_) => Outcome::Unknown { evidence },
            GraphReply::Error(_) | GraphReply::NotSent(_) => failed(read_failure(&caller, &reply), evidence),
        })
    }
}

/// The failure of an answer that is not the value that was asked for.
pub(super) fn read_failure(caller: &Caller<'_>, reply: &GraphReply) -> Failure {
    caller
        .judge()
        .failure_of(reply)
        .unwrap_or_else(|| unavailable("instagram answered something unexpected".to_owned()))
}

/// What a container means that cannot be read. A fresh one may lag behind; one that stays unreadable is not waited for.
fn unread_container(caller: &Caller<'_>, reply: &GraphReply, age: TimeDelta) -> Outcome {
    let evidence = reply.evidence();
    let known = |word: &str, evidence: Evidence| Outcome::Accepted {
        handle: Handle::default().with(name::STATUS, word),
        evidence: evidence.with("status_code", word),
    };
    let GraphReply::Error(error) = reply else {
        return failed(read_failure(caller, reply), evidence);
    };
    let is_missing = matches!((error.code, error.subcode), (24, Some(2_207_006 | 2_207_008)));
    match error.general() {
        _ if is_missing && age > TimeDelta::minutes(2) => known(status::GONE, evidence),
        _ if is_missing => Outcome::Pending { check_after: None, evidence },
        General::ObjectMissing if age > course::UNREADABLE_AFTER => known(status::UNREADABLE, evidence),
        General::ObjectMissing => Outcome::Pending { check_after: None, evidence },
        _ => failed(read_failure(caller, reply), evidence),
    }
}

/// When the quota has room again: when enough of the listed posts have left its rolling window. `None` when the list
/// does not hold them.
fn room_at(list: &[Media], used: i64, total: i64, window: TimeDelta, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut times: Vec<_> = list.iter().filter_map(Media::published_at).filter(|at| *at + window > now).collect();
    times.sort_unstable();
    let must_leave = usize::try_from(used.checked_sub(total)?).ok()?;
    // With fewer listed than counted, others (stories) are in the window too, and nobody knows when they leave.
    let complete = usize::try_from(used).is_ok_and(|used| times.len() >= used);
    times.get(must_leave).filter(|_| complete).map(|at| *at + window)
}

/// The quota of a day is used up.
pub(super) fn quota_used(used: i64, total: i64, until: Option<DateTime<Utc>>) -> Failure {
    Failure::new(
        FailureClass::Quota { until },
        Reason::QuotaExceeded,
        format!("{used} of {total} posts that instagram allows in 24 hours are used"),
    )
    .with_remedy("nothing to do, it is published once there is room")
}

/// What a media tells about itself.
pub(super) fn media_handle(media: &Media) -> Handle {
    let handle = Handle::default().with(name::MEDIA_ID, media.id.as_str());
    match media.permalink.as_deref().filter(|link| !link.is_empty()) {
        Some(link) => handle.with(name::PERMALINK, link),
        None => handle,
    }
}

fn claim_lost() -> Failure {
    unavailable("the claim on the post ran out before the request was sent".to_owned())
}

pub(super) fn no_container() -> Failure {
    Failure::new(FailureClass::Permanent, Reason::Internal, "a step about a container does not name it")
}

fn no_media() -> Failure {
    Failure::new(FailureClass::Permanent, Reason::Internal, "a step about a media does not name it")
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;

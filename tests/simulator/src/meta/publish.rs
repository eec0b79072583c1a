//! `POST /{ig-user}/media_publish` and the quota: the commit point of Instagram.
//!
//! Once this acted, the post is on the profile, whatever becomes of the answer. The order of the refusals: token and
//! permission, then the container, then the quota; a refusal never makes a post.
//!
//! <https://developers.facebook.com/documentation/instagram-platform/instagram-graph-api/reference/ig-user/media_publish>

use std::cmp::Reverse;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::access::Access;
use super::behaviour::{Behaviour, SecondPublish};
use super::container::{LIFE_MS, Status};
use super::error::GraphError;
use super::input::{Field, Input};
use super::media::{Media, shortcode};
use super::rules::MediaType;
use super::token::Session;
use super::world::{Due, Id, Kind, World};
use crate::sim::Sim;

/// Publishes a container.
pub(crate) fn publish(sim: &Sim, session: &Session, account: Id, input: &Input<'_>) -> Result<Value, GraphError> {
    let now = super::now(sim);
    let mut world = sim.meta.lock();
    world.may_publish(session, account, Access { verb: "post" })?;
    let behaviour = world.behaviour_of(account);
    let creation_id = input.need("creation_id")?;
    let unknown = || GraphError::known(24, Some(2207008));
    let id = Id::parse(&creation_id).ok_or_else(unknown)?;
    let container = world.containers.get(&id).filter(|container| container.account == account).ok_or_else(unknown)?;
    if container.flavour != session.flavour() {
        return Err(GraphError::known(24, Some(2207006)));
    }
    let first = container.published.first().copied();
    match (first, behaviour.second_publish) {
        (Some(media), SecondPublish::SameId) => return Ok(json!({ "id": media.to_string() })),
        (Some(_), SecondPublish::Error) => {
            return Err(GraphError::parse(&behaviour.second_publish_error).unwrap_or_else(unknown));
        }
        (Some(_), SecondPublish::Duplicate) => {}
        (None, _) => match container.status(now, &behaviour) {
            Status::Finished | Status::Published => {}
            Status::InProgress | Status::Error => return Err(GraphError::known(9007, Some(2207027))),
            Status::Expired => return Err(unknown()),
        },
    }
    if container.draft.media_type == MediaType::Video {
        return Err(GraphError::known(100, Some(2207089)));
    }
    if world.used_quota(account, now - LIFE_MS, now) >= behaviour.quota_total {
        return Err(GraphError::known(9, Some(2207042)));
    }
    let media = make(&mut world, id, account, &behaviour, now)?;
    if behaviour.publish_takes_ms > 0 {
        world.due.push(Reverse(Due { at: now + behaviour.publish_takes_ms, media }));
        sim.meta.next_due.fetch_min(now + behaviour.publish_takes_ms, Ordering::SeqCst);
    } else {
        show(sim, &world, media);
    }
    Ok(json!({ "id": media.to_string() }))
}

/// Makes the media; it is visible from `visible_at` on.
fn make(world: &mut World, id: Id, account: Id, behaviour: &Behaviour, now: i64) -> Result<Id, GraphError> {
    let media_id = world.new_id(Kind::Media);
    let visible_at = now + behaviour.publish_takes_ms;
    let World { containers, accounts, media, .. } = world;
    let (Some(container), Some(state)) = (containers.get_mut(&id), accounts.get_mut(&account)) else {
        return Err(GraphError::known(24, Some(2207008)));
    };
    container.published.push(media_id);
    if container.published.len() == 1 {
        container.visible_at = visible_at;
        container.scripted_reads = behaviour.reads_after_publish.iter().copied().collect();
    }
    let (media_type, product) = match container.draft.media_type {
        MediaType::Reels | MediaType::Video => ("VIDEO", "REELS"),
        MediaType::Stories => ("VIDEO", "STORY"),
        MediaType::Carousel => ("CAROUSEL_ALBUM", "FEED"),
    };
    media.insert(
        media_id,
        Media {
            account,
            container: Some(id),
            caption: container.draft.caption.clone(),
            asked_at: now,
            made_at: visible_at,
            listed_from: visible_at + behaviour.list_lag_ms,
            media_type,
            product,
            shortcode: shortcode(media_id),
            share_to_feed: container.draft.share_to_feed,
            comments_enabled: true,
            deletable: true,
            insights: serde_json::Map::new(),
        },
    );
    state.add_media(visible_at, media_id);
    state.published.push_back(now);
    Ok(media_id)
}

/// Puts a media of ours into the list of visible posts.
pub(crate) fn show(sim: &Sim, world: &World, id: Id) {
    if let Some(post) = world.visible_post(id) {
        sim.posts.add(post);
    }
}

impl World {
    /// Posts that count against the quota.
    fn used_quota(&mut self, account: Id, since: i64, now: i64) -> usize {
        let Some(state) = self.accounts.get_mut(&account) else { return 0 };
        while state.published.front().is_some_and(|at| *at <= now - LIFE_MS) {
            state.published.pop_front();
        }
        state.published.len() - state.published.partition_point(|at| *at <= since)
    }

    /// `GET /{ig-user}/content_publishing_limit`; the default field is only `quota_usage`.
    pub(crate) fn quota(
        &mut self,
        session: &Session,
        account: Id,
        input: &Input<'_>,
        fields: Option<&[Field]>,
        now: i64,
    ) -> Result<Value, GraphError> {
        let own = self.may_read(session, account, Access { verb: "get" })?.is_none();
        session.need(if own { "instagram_business_content_publish" } else { "instagram_content_publish" })?;
        let since = match input.integer("since")? {
            None => now - LIFE_MS,
            Some(since) if since * 1000 >= now - LIFE_MS - 1000 && since * 1000 <= now => since * 1000,
            Some(_) => return Err(GraphError::param("Param since must be within the last 24 hours")),
        };
        let total = self.behaviour_of(account).quota_total;
        let usage = self.used_quota(account, since, now);
        let mut entry = serde_json::Map::new();
        match fields {
            None => {
                entry.insert("quota_usage".into(), json!(usage));
            }
            Some(fields) => {
                for field in fields {
                    let value = match field.name.as_str() {
                        "quota_usage" => json!(usage),
                        "config" => json!({ "quota_total": total, "quota_duration": 86_400 }),
                        other => return Err(GraphError::field(other, "IGContentPublishingLimit")),
                    };
                    entry.insert(field.name.clone(), value);
                }
            }
        }
        Ok(json!({ "data": [entry] }))
    }
}

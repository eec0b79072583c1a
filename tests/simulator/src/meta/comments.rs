//! Comments under Instagram media and Page videos: `/{id}/comments`.
//!
//! A comment is in the author's own name: the Instagram account or the Page behind the token. Lists are oldest first.

use serde_json::{Value, json};

use super::access::Access;
use super::error::GraphError;
use super::facebook;
use super::input::{Field, Input};
use super::media::{next_url, page_limit, timestamp};
use super::token::{Session, Subject};
use super::world::{Id, Kind, World};
use crate::sim::Sim;

/// Longest comment on Instagram, characters.
const INSTAGRAM_LONGEST: usize = 2_200;
/// Longest comment on Facebook, characters.
const FACEBOOK_LONGEST: usize = 8_000;

/// One comment.
#[derive(Clone, Debug)]
pub(crate) struct Comment {
    id: Id,
    /// The Instagram account or the Page.
    author: Id,
    text: String,
    /// In ms.
    made_at: i64,
}

/// What is commented on.
enum Target {
    Media { account: Id },
    Video { page: Id },
}

fn target(world: &World, id: Id, verb: &str, now: i64) -> Result<Target, GraphError> {
    if let Some(page) = facebook::page_of(world, id) {
        let is_live = facebook::is_live(world, id);
        return if is_live { Ok(Target::Video { page }) } else { Err(GraphError::unsupported(verb, &id.to_string())) };
    }
    let media = world.media.get(&id).filter(|media| media.made_at <= now);
    media
        .map(|media| Target::Media { account: media.account })
        .ok_or_else(|| GraphError::unsupported(verb, &id.to_string()))
}

fn need_on_instagram(session: &Session) -> Result<(), GraphError> {
    session.need(match session.subject {
        Subject::Person(_) => "instagram_manage_comments",
        Subject::Account(_) => "instagram_business_manage_comments",
    })
}

/// `POST /{id}/comments`.
pub(crate) fn create(sim: &Sim, session: &Session, id: Id, input: &Input<'_>) -> Result<Value, GraphError> {
    let now = super::now(sim);
    let mut world = sim.meta.lock();
    let text = input.need("message")?;
    let (author, platform, longest) = match target(&world, id, "post", now)? {
        Target::Media { account } => {
            world.may_read(session, account, Access { verb: "post" })?;
            need_on_instagram(session)?;
            if !world.media.get(&id).is_some_and(|media| media.comments_enabled) {
                return Err(GraphError::param("Comments are turned off for this media"));
            }
            (account, "instagram", INSTAGRAM_LONGEST)
        }
        Target::Video { page } => {
            world.may_read_page(session, page, "post")?;
            if !session.scopes.has("pages_manage_engagement") {
                return Err(GraphError::new(
                    200,
                    "(#200) Requires pages_manage_engagement permission to manage the object",
                ));
            }
            (page, "facebook", FACEBOOK_LONGEST)
        }
    };
    if text.trim().is_empty() || text.chars().count() > longest {
        return Err(GraphError::param(format!("Param message must be a string of 1 to {longest} characters")));
    }
    let comment = world.new_id(Kind::Media);
    world.comments.entry(id).or_default().push(Comment { id: comment, author, text: text.clone(), made_at: now });
    sim.posts.change(platform, &id.to_string(), |post| post.comments.push(text));
    Ok(json!({ "id": shown(platform, id, comment) }))
}

fn shown(platform: &str, target: Id, comment: Id) -> String {
    if platform == "facebook" { format!("{target}_{comment}") } else { comment.to_string() }
}

/// `GET /{id}/comments`.
pub(crate) fn list(
    sim: &Sim,
    session: &Session,
    id: Id,
    input: &Input<'_>,
    fields: &[Field],
    base: &str,
) -> Result<Value, GraphError> {
    let now = super::now(sim);
    let world = sim.meta.lock();
    let platform = match target(&world, id, "get", now)? {
        Target::Media { account } => {
            world.may_read(session, account, Access { verb: "get" })?;
            need_on_instagram(session)?;
            "instagram"
        }
        Target::Video { page } => {
            world.may_read_page(session, page, "get")?;
            "facebook"
        }
    };
    let limit = page_limit(input)?;
    let from = match input.get("after") {
        Some(after) => after.parse::<usize>().map_err(|_| GraphError::param("Invalid cursors values"))?,
        None => 0,
    };
    let all = world.comments.get(&id).map(Vec::as_slice).unwrap_or_default();
    let page: Vec<&Comment> = all.iter().skip(from).take(limit).collect();
    let data: Vec<Value> = page.iter().map(|comment| node(&world, platform, id, comment, fields)).collect();
    let mut answer = json!({ "data": data });
    if !page.is_empty() {
        let after = (from + page.len()).to_string();
        answer["paging"] = json!({ "cursors": { "before": from.to_string(), "after": after } });
        if from + page.len() < all.len() {
            answer["paging"]["next"] = json!(next_url(base, &session.token, input, limit, &after));
        }
    }
    Ok(answer)
}

fn node(world: &World, platform: &str, target: Id, comment: &Comment, fields: &[Field]) -> Value {
    let account = world.accounts.get(&comment.author);
    let name = account.map(|account| account.username.clone());
    let mut node = json!({ "id": shown(platform, target, comment.id) });
    for field in fields {
        let value = match field.name.as_str() {
            "text" if platform == "instagram" => json!(comment.text),
            "username" if platform == "instagram" => json!(name),
            "message" if platform == "facebook" => json!(comment.text),
            "timestamp" if platform == "instagram" => json!(timestamp(comment.made_at)),
            "created_time" if platform == "facebook" => json!(timestamp(comment.made_at)),
            "from" => json!({ "id": comment.author.to_string() }),
            _ => continue,
        };
        node[field.name.as_str()] = value;
    }
    node
}

//! Published media: the node, the list, comments on and off, deletion.
//!
//! Timestamps carry `+0000` without a colon. The list is newest first, holds the 10 000 latest and no stories; it can
//! hold posts that nobody made through us.
//!
//! <https://developers.facebook.com/documentation/instagram-platform/reference/instagram-media>

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::Flavour;
use super::access::Access;
use super::error::GraphError;
use super::input::{Field, Input};
use super::token::{Session, Subject, TokenKind};
use super::world::{Account, Id, World};
use crate::posts::VisiblePost;
use crate::sim::Sim;

/// How far back the list goes.
const LIST_DEPTH: usize = 10_000;

/// One published media.
#[derive(Debug, Clone)]
pub(crate) struct Media {
    pub(crate) account: Id,
    /// What it was made from; `None` for foreign posts.
    pub(crate) container: Option<Id>,
    pub(crate) caption: String,
    /// When its publish came, in ms.
    pub(crate) asked_at: i64,
    /// In ms.
    pub(crate) made_at: i64,
    /// From when on the list shows it, in ms.
    pub(crate) listed_from: i64,
    pub(crate) media_type: &'static str,
    pub(crate) product: &'static str,
    pub(crate) shortcode: String,
    pub(crate) share_to_feed: Option<bool>,
    pub(crate) comments_enabled: bool,
    /// False for kinds that cannot be deleted by API (ads): -1 / 2207073.
    pub(crate) deletable: bool,
    /// Numbers of `/insights`; what is not here has no data.
    pub(crate) insights: Map<String, Value>,
}

impl Media {
    /// The link.
    pub(crate) fn permalink(&self) -> String {
        let kind = if self.product == "REELS" { "reel" } else { "p" };
        format!("https://www.instagram.com/{kind}/{}/", self.shortcode)
    }
}

/// The short name of a media in links.
pub(crate) fn shortcode(id: Id) -> String {
    format!("C{}", URL_SAFE_NO_PAD.encode(id.0.to_be_bytes()))
}

/// A time as Graph writes it.
pub(crate) fn timestamp(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map_or_else(String::new, |time| time.format("%Y-%m-%dT%H:%M:%S+0000").to_string())
}

impl Account {
    /// Files a media under its time.
    pub(crate) fn add_media(&mut self, made_at: i64, id: Id) {
        let at = self.media.partition_point(|entry| *entry <= (made_at, id));
        self.media.insert(at, (made_at, id));
    }
}

/// What of a media a caller sees.
struct View {
    flavour: Flavour,
    without_at: bool,
    product_type: bool,
}

impl World {
    /// One visible post for the list of all platforms; `None` for foreign posts.
    pub(crate) fn visible_post(&self, id: Id) -> Option<VisiblePost> {
        let media = self.media.get(&id)?;
        let container_id = media.container?;
        let container = self.containers.get(&container_id)?;
        Some(VisiblePost {
            number: 0,
            platform: "instagram",
            account_id: media.account.to_string(),
            account_name: self.accounts.get(&media.account).map(|account| account.username.clone()).unwrap_or_default(),
            platform_post_id: id.to_string(),
            further_ids: Vec::new(),
            caption: media.caption.clone(),
            privacy: "PUBLIC".to_owned(),
            made_at: DateTime::from_timestamp_millis(media.made_at).unwrap_or_default(),
            asked_at: DateTime::from_timestamp_millis(media.asked_at).unwrap_or_default(),
            source_id: container_id.to_string(),
            source: container.source.clone(),
            byte_count: container.byte_count,
            sha256: container.sha256.clone(),
            url: Some(media.permalink()),
            comments: Vec::new(),
            removed_at: None,
        })
    }

    /// `GET /{media}`.
    pub(crate) fn media_read(
        &mut self,
        session: &Session,
        id: Id,
        fields: &[Field],
        now: i64,
    ) -> Result<Value, GraphError> {
        let hidden = || GraphError::unsupported("get", &id.to_string());
        let media = self.media.get(&id).filter(|media| media.made_at <= now).ok_or_else(hidden)?;
        let account = media.account;
        self.may_read(session, account, Access { verb: "get" })
            .map_err(|error| if error.code == 100 { hidden() } else { error })?;
        let behaviour = self.behaviour_of(account);
        if behaviour.media_unreadable {
            return Err(GraphError::known(100, Some(33)));
        }
        if fields.iter().any(|field| field.name == "permalink")
            && let Some(state) = self.accounts.get_mut(&account)
            && state.permalink_failures > 0
        {
            state.permalink_failures -= 1;
            return Err(GraphError::parse(&behaviour.permalink_error).unwrap_or_else(hidden));
        }
        let view = self.view(session, account);
        self.media_node(id, fields, &view)
    }

    fn view(&self, session: &Session, account: Id) -> View {
        let behaviour = self.behaviour_of(account);
        let admin = match self.reach(session, account, Access { verb: "get" }) {
            Ok(None) => true,
            Ok(Some(role)) => role.tasks.iter().any(|task| task == "MANAGE"),
            Err(_) => false,
        };
        let flavour = session.flavour();
        View {
            flavour,
            without_at: behaviour.captions_without_at.unwrap_or(!admin),
            product_type: flavour == Flavour::Facebook || behaviour.instagram_product_type,
        }
    }

    fn media_node(&self, id: Id, fields: &[Field], view: &View) -> Result<Value, GraphError> {
        let media = self.media.get(&id).ok_or_else(|| GraphError::unsupported("get", &id.to_string()))?;
        let mut node = Map::new();
        for field in fields {
            let value = match field.name.as_str() {
                "id" => Some(json!(id.to_string())),
                "permalink" => Some(json!(media.permalink())),
                "shortcode" => Some(json!(media.shortcode)),
                "timestamp" => Some(json!(timestamp(media.made_at))),
                "caption" if media.caption.is_empty() => None,
                "caption" if view.without_at => Some(json!(media.caption.replace('@', ""))),
                "caption" => Some(json!(media.caption)),
                "media_type" => Some(json!(media.media_type)),
                "media_product_type" => view.product_type.then(|| json!(media.product)),
                "username" => self.accounts.get(&media.account).map(|account| json!(account.username)),
                "owner" => Some(json!({ "id": media.account.to_string() })),
                "thumbnail_url" => Some(json!(format!("https://scontent.cdninstagram.com/v/{id}_n.jpg"))),
                "media_url" => Some(json!(format!("https://scontent.cdninstagram.com/o1/{id}.mp4"))),
                "is_shared_to_feed" => media.share_to_feed.map(|shared| json!(shared)),
                "is_comment_enabled" => Some(json!(media.comments_enabled)),
                "like_count" | "comments_count" => Some(json!(0)),
                "saved_count"
                | "shares_count"
                | "reposts_count"
                | "total_views_count"
                | "total_likes_count"
                | "total_comments_count"
                    if view.flavour == Flavour::Facebook =>
                {
                    Some(json!(0))
                }
                other => return Err(GraphError::field(other, "IGMedia")),
            };
            if let Some(value) = value {
                node.insert(field.name.clone(), value);
            }
        }
        node.insert("id".into(), json!(id.to_string()));
        Ok(Value::Object(node))
    }

    /// `GET /{ig-user}/media`. The answer's `next` is a whole URL at `base`.
    pub(crate) fn media_list(
        &self,
        session: &Session,
        account: Id,
        input: &Input<'_>,
        fields: &[Field],
        now: i64,
        base: &str,
    ) -> Result<Value, GraphError> {
        self.may_read(session, account, Access { verb: "get" })?;
        let limit = page_limit(input)?;
        let state = self.accounts.get(&account).ok_or_else(|| GraphError::unsupported("get", &account.to_string()))?;
        let all = &state.media;
        let mut low = all.len().saturating_sub(LIST_DEPTH);
        let mut high = all.partition_point(|entry| entry.0 <= now);
        if let Some(since) = input.integer("since")? {
            low = low.max(all.partition_point(|entry| entry.0 / 1000 < since));
        }
        if let Some(until) = input.integer("until")? {
            high = high.min(all.partition_point(|entry| entry.0 / 1000 <= until));
        }
        let shown = |entry: &(i64, Id)| {
            self.media.get(&entry.1).is_some_and(|media| media.product != "STORY" && media.listed_from <= now)
        };
        let before = input.get("before").map(|cursor| read_cursor(&cursor)).transpose()?;
        if let Some(entry) = input.get("after").map(|cursor| read_cursor(&cursor)).transpose()? {
            high = high.min(all.partition_point(|other| *other < entry));
        }
        if let Some(entry) = before {
            low = low.max(all.partition_point(|other| *other <= entry));
        }
        let range = all.get(low..high.max(low)).unwrap_or_default();
        let mut page: Vec<(i64, Id)> = if before.is_some() {
            let mut nearest: Vec<_> = range.iter().filter(|entry| shown(entry)).take(limit + 1).copied().collect();
            nearest.reverse();
            nearest
        } else {
            range.iter().rev().filter(|entry| shown(entry)).take(limit + 1).copied().collect()
        };
        let more = page.len() > limit;
        if more && before.is_some() {
            page.remove(0);
        }
        page.truncate(limit);
        let view = self.view(session, account);
        let data = page.iter().map(|entry| self.media_node(entry.1, fields, &view)).collect::<Result<Vec<_>, _>>()?;
        let mut answer = json!({ "data": data });
        if let (Some(first), Some(last)) = (page.first(), page.last()) {
            let mut paging = json!({ "cursors": { "before": cursor(*first), "after": cursor(*last) } });
            if more || before.is_some() {
                paging["next"] = json!(next_url(base, &session.token, input, limit, &cursor(*last)));
            }
            answer["paging"] = paging;
        }
        Ok(answer)
    }

    /// `POST /{media}`: comments on or off, the only edit there is.
    pub(crate) fn media_update(
        &mut self,
        session: &Session,
        id: Id,
        input: &Input<'_>,
        now: i64,
    ) -> Result<Value, GraphError> {
        let hidden = || GraphError::unsupported("post", &id.to_string());
        let account =
            self.media.get(&id).filter(|media| media.made_at <= now).map(|media| media.account).ok_or_else(hidden)?;
        let own = self.may_read(session, account, Access { verb: "post" })?.is_none();
        session.need(if own { "instagram_business_manage_comments" } else { "instagram_manage_comments" })?;
        let enabled = input
            .boolean("comment_enabled")?
            .ok_or_else(|| GraphError::param("The parameter comment_enabled is required"))?;
        self.media.get_mut(&id).ok_or_else(hidden)?.comments_enabled = enabled;
        Ok(json!({ "success": true }))
    }
}

/// `DELETE /{media}`: only at graph.facebook.com and only with the User token.
pub(crate) fn delete(sim: &Sim, session: &Session, id: Id) -> Result<Value, GraphError> {
    let now = super::now(sim);
    let mut world = sim.meta.lock();
    let hidden = || GraphError::unsupported("delete", &id.to_string());
    if matches!(session.subject, Subject::Account(_)) {
        return Err(hidden());
    }
    let media = world.media.get(&id).filter(|media| media.made_at <= now).ok_or_else(hidden)?;
    let (account, made_at, deletable) = (media.account, media.made_at, media.deletable);
    world.may_read(session, account, Access { verb: "delete" })?;
    if session.kind != TokenKind::User {
        return Err(GraphError::new(10, "(#10) This action requires a Facebook User access token"));
    }
    session.need("instagram_manage_contents")?;
    if !deletable {
        return Err(GraphError::known(-1, Some(2207073)));
    }
    world.media.remove(&id);
    if let Some(state) = world.accounts.get_mut(&account)
        && let Ok(at) = state.media.binary_search(&(made_at, id))
    {
        state.media.remove(at);
    }
    sim.posts.change("instagram", &id.to_string(), |post| post.removed_at = DateTime::from_timestamp_millis(now));
    Ok(json!({ "success": true, "deleted_id": id.to_string() }))
}

/// `limit`, 25 unless asked for, at most 100.
pub(crate) fn page_limit(input: &Input<'_>) -> Result<usize, GraphError> {
    match input.integer("limit")? {
        None => Ok(25),
        Some(limit @ 1..=100) => Ok(limit as usize),
        Some(_) => Err(GraphError::param("Param limit must be a number between 1 and 100")),
    }
}

fn cursor(entry: (i64, Id)) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}.{}", entry.0, entry.1))
}

fn read_cursor(text: &str) -> Result<(i64, Id), GraphError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let parsed = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| {
        let (at, id) = text.split_once('.')?;
        Some((at.parse().ok()?, Id::parse(id)?))
    });
    parsed.ok_or_else(|| GraphError::param("Invalid cursors values"))
}

/// The address of the following page, with the token in it, as Graph hands it out.
pub(crate) fn next_url(base: &str, token: &str, input: &Input<'_>, limit: usize, after: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("access_token", token);
    for name in ["fields", "since", "until", "appsecret_proof", "appsecret_time"] {
        if let Some(value) = input.get(name) {
            query.append_pair(name, &value);
        }
    }
    query.append_pair("limit", &limit.to_string());
    query.append_pair("after", after);
    format!("{base}?{}", query.finish())
}

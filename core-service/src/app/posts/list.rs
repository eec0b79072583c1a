//! Reading posts: one with its attempts, several by id, pages that stay stable while posts are added.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Caller, Posts, Result, not_found,
    requests::{ListPosts, PostDetail, PostFilter, PostPage},
    shape,
};
use crate::{
    app::broken,
    domain::{
        failure::Reason,
        ids::PostId,
        search::{self, Word},
    },
    store::{
        posts::{Order, Position, PostQuery},
        search::Sought,
    },
};

/// Most posts of a page.
const MAX_PAGE: u32 = 500;

/// Maximum number of posts to skip: beyond that, page by token.
const MAX_SKIP: u32 = 10_000;

/// Where a page ended. Bound to its filter and order: a token of one list cannot be used in another.
#[derive(Serialize, Deserialize)]
struct PageToken {
    at: i64,
    id: i64,
    filter: String,
}

impl Posts {
    /// One post with its ledger.
    pub async fn get(&self, caller: Caller, id: PostId) -> Result<PostDetail> {
        let post = self.store.post_of_user(caller.user, id).await?.ok_or_else(|| not_found(id))?;
        let steps = match self.store.ledger(id).await {
            Ok(ledger) => ledger.entries().to_vec(),
            // The post says so itself, once it was quarantined for it.
            Err(error) if error.is_about_data() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(PostDetail { post, steps })
    }

    /// A page of the caller's posts.
    pub async fn list(&self, caller: Caller, request: ListPosts) -> Result<PostPage> {
        if request.page_size == 0 || request.page_size > MAX_PAGE {
            let one = broken(
                "page_size",
                "FIELD_MALFORMED",
                request.page_size.to_string(),
                "1 to 500 posts a page",
                "ask for fewer, and page",
            );
            return Err(shape::invalid(Reason::InvalidField, one));
        }
        if request.skip > MAX_SKIP {
            let one = broken(
                "skip",
                "FIELD_MALFORMED",
                request.skip.to_string(),
                "at most 10000 posts are left out",
                "page by next_page_token",
            );
            return Err(shape::invalid(Reason::InvalidField, one));
        }
        let words = words(&request.filter.search)?;
        let fingerprint = fingerprint(caller, &request.filter, request.order);
        let after = request.page_token.as_deref().map(|token| read_token(token, &fingerprint)).transpose()?;
        let search = self.store.sought(caller.user, words).await?;
        let query = query(request.filter, search);
        let limit = request.page_size + 1;
        let mut found = self.store.list_posts(caller.user, &query, request.order, after, request.skip, limit).await?;
        let more = found.len() > request.page_size as usize;
        found.truncate(request.page_size as usize);
        let next_page_token = found.last().filter(|_| more).map(|(at, _)| write_token(*at, fingerprint));
        let total = if request.include_total { Some(self.store.count_posts(caller.user, &query).await?) } else { None };
        Ok(PostPage { posts: found.into_iter().map(|(_, post)| post).collect(), next_page_token, total })
    }
}

/// The words of a search, unless it is too long.
fn words(search: &str) -> Result<Vec<Word>> {
    let refused = |measured: String, limit: String, remedy| {
        let one = broken("search", "FIELD_MALFORMED", measured, &limit, remedy);
        Err(shape::invalid(Reason::InvalidField, one))
    };
    let characters = search.chars().count();
    if characters > search::MAX_CHARACTERS {
        let limit = format!("at most {} characters", search::MAX_CHARACTERS);
        return refused(format!("{characters} characters"), limit, "look for fewer or shorter words");
    }
    let words = search::words(search);
    if words.len() > search::MAX_WORDS {
        let limit = format!("at most {} words", search::MAX_WORDS);
        return refused(format!("{} words", words.len()), limit, "look for fewer words");
    }
    Ok(words)
}

fn query(filter: PostFilter, search: Vec<Sought>) -> PostQuery {
    PostQuery {
        statuses: filter.statuses,
        platform: filter.platform,
        account: filter.account,
        from: filter.from,
        until: filter.until,
        video_job_id: filter.video_job_id,
        search,
    }
}

/// What a token is good for.
fn fingerprint(caller: Caller, filter: &PostFilter, order: Order) -> String {
    let mut text = serde_json::to_string(&(caller.user, filter)).unwrap_or_default();
    if order == Order::OldestFirst {
        text.push_str(" oldest first");
    }
    hex::encode(&Sha256::digest(text.as_bytes())[..6])
}

fn write_token(at: Position, filter: String) -> String {
    let token = PageToken { at: at.list_at.timestamp_micros(), id: at.id.0, filter };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
}

fn read_token(text: &str, filter: &str) -> Result<Position> {
    let token: Option<PageToken> =
        URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match token {
        Some(PageToken { at, id, filter: of }) if of == filter => {
            let list_at = DateTime::from_timestamp_micros(at).unwrap_or_default();
            Ok(Position { list_at, id: PostId(id) })
        }
        Some(_) => {
            let one = broken(
                "page_token",
                "FIELD_MALFORMED",
                "of another list",
                "a token belongs to the filter of its list",
                "repeat the filter, or begin without a token",
            );
            Err(shape::invalid(Reason::InvalidField, one))
        }
        None => {
            let one = broken(
                "page_token",
                "FIELD_MALFORMED",
                "not one of ours",
                "it must be a next_page_token",
                "begin without a token",
            );
            Err(shape::invalid(Reason::InvalidField, one))
        }
    }
}

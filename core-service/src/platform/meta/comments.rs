//! Comments under Instagram media and Facebook videos: one edge, `/{id}/comments`, whose fields differ.
//!
//! The author is named by `from.id`, on Instagram by `username` too.
//! <https://developers.facebook.com/documentation/instagram-platform/instagram-graph-api/reference/ig-media/comments>,
//! <https://developers.facebook.com/docs/graph-api/reference/object/comments/>, read 30 November 2026.
//!
//! Expected failures: a missing permission, comments that are off, a list that is too long to be read.

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Fields,
    graph::{General, GraphReply},
    wire::{Page, id_text, shaped},
};
use crate::{
    domain::failure::Failure,
    platform::{
        Outcome, Step,
        first_comment::{self, Listed, name},
    },
};

/// Pages of the list that are read at most.
const PAGES: usize = 10;

/// Who comments.
pub(crate) struct Author<'a> {
    /// Ids of the account.
    pub(crate) ids: Vec<&'a str>,
    /// Its name, where comments tell one.
    pub(crate) username: Option<&'a str>,
}

#[derive(Deserialize)]
struct Comment {
    #[serde(deserialize_with = "id_text")]
    id: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    username: String,
    from: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(deserialize_with = "id_text")]
    id: String,
}

impl Author<'_> {
    fn listed(&self, comment: Comment) -> Listed {
        let by_name = !comment.username.is_empty() && Some(comment.username.as_str()) == self.username;
        let by_id = comment.from.is_some_and(|author| self.ids.contains(&author.id.as_str()));
        let text = if comment.text.is_empty() { comment.message } else { comment.text };
        Listed { id: comment.id, text, is_own: by_name || by_id }
    }
}

/// The path of the comments that a step is about.
pub(crate) fn path(step: &Step) -> String {
    format!("{}/comments", step.handle.text(name::TARGET).unwrap_or_default())
}

/// Reads the comments. `get` asks for a page of them; `failure` says what another answer means.
pub(crate) async fn find<'a>(
    step: &Step,
    author: &Author<'_>,
    fields: &'static str,
    get: impl Fn(Fields<'static>) -> BoxFuture<'a, Result<GraphReply, Failure>>,
    failure: impl Fn(&GraphReply) -> Failure,
) -> Result<Outcome, Failure> {
    let (mut listed, mut after) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let mut query = vec![("fields", fields.to_owned()), ("limit", "50".to_owned())];
        query.extend(after.take().map(|after| ("after", after)));
        let page: Option<Page<Comment>> = match get(query).await? {
            GraphReply::Value(value) => shaped(value),
            reply => {
                let failure = first_comment::failure(failure(&reply));
                return Ok(Outcome::NoEffect { failure, evidence: reply.evidence() });
            }
        };
        let Some(page) = page else {
            let reply = GraphReply::Unreadable(200);
            return Ok(Outcome::NoEffect { failure: failure(&reply), evidence: reply.evidence() });
        };
        after = page.after().map(str::to_owned);
        listed.extend(page.data.into_iter().map(|comment| author.listed(comment)));
        if after.is_none() {
            return Ok(first_comment::judge(step, &listed, true));
        }
    }
    Ok(first_comment::judge(step, &listed, false))
}

/// What the answer to a comment means; `failure` where it is a refusal.
pub(crate) fn written(reply: &GraphReply, failure: impl FnOnce(&GraphReply) -> Failure) -> Outcome {
    let evidence = reply.evidence();
    match reply {
        GraphReply::Value(value) => match value.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()) {
            Some(id) => first_comment::written(id, evidence),
            None => Outcome::Unknown { evidence },
        },
        GraphReply::Error(error) if error.status >= 500 || error.general() == General::Down => {
            Outcome::Unknown { evidence }
        }
        GraphReply::Error(_) | GraphReply::NotSent(_) => {
            Outcome::NoEffect { failure: first_comment::failure(failure(reply)), evidence }
        }
        GraphReply::Unreadable(_) | GraphReply::NoAnswer(_) => Outcome::Unknown { evidence },
    }
}

//! The channel's own comment under its live video: reading the comments, writing one.
//!
//! `commentThreads.list` for 1 unit, `commentThreads.insert` for 50, with the scope `youtube.force-ssl`.
//! <https://developers.google.com/youtube/v3/docs/commentThreads>, read 30 November 2026.
//!
//! Expected failures: comments that are off, a missing scope, a list that is too long to be read.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Youtube, errors::Reply};
use crate::{
    domain::failure::{Failure, FailureClass, Reason},
    platform::{
        Call, Outcome, Step,
        first_comment::{self, Listed, name},
        wire,
    },
};

const PATH: &str = "/youtube/v3/commentThreads";

/// Pages of the list that are read at most.
const PAGES: usize = 5;

impl Youtube {
    pub(super) async fn find_comment(&self, call: &Call<'_>, step: &Step, until: Instant) -> Outcome {
        let video_id = step.handle.text(name::TARGET).unwrap_or_default();
        let (mut listed, mut after) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut query =
                vec![("part", "snippet"), ("videoId", video_id), ("maxResults", "100"), ("textFormat", "plainText")];
            let page = after.take();
            query.extend(page.as_deref().map(|page| ("pageToken", page)));
            match self.get(&call.tokens.access, PATH, &query, until).await {
                Reply::Value(value, _) => {
                    after = value["nextPageToken"].as_str().map(str::to_owned);
                    let threads = value["items"].as_array().into_iter().flatten();
                    listed.extend(threads.map(|thread| read(thread, &call.view.account.account_id)));
                }
                reply => return Outcome::NoEffect { failure: failure(&reply, call), evidence: reply.evidence() },
            }
            if after.is_none() {
                return first_comment::judge(step, &listed, true);
            }
        }
        first_comment::judge(step, &listed, false)
    }

    pub(super) async fn write_comment(&self, call: &Call<'_>, step: &Step) -> Outcome {
        let (video_id, text) = (step.handle.text(name::TARGET), step.handle.text(name::TEXT));
        let thread = json!({"snippet": {
            "channelId": call.view.account.account_id,
            "videoId": video_id,
            "topLevelComment": {"snippet": {"textOriginal": text}},
        }});
        let request = self.api(&call.tokens.access, Method::POST, PATH).query(&[("part", "snippet")]).json(&thread);
        let reply = Reply::read(wire::exchange_at_its_time(&self.connector, request, step.timeout, call.lease).await);
        let evidence = reply.evidence();
        match &reply {
            Reply::Value(thread, _) => match thread["id"].as_str().filter(|id| !id.is_empty()) {
                Some(id) => first_comment::written(id, evidence),
                None => Outcome::Unknown { evidence },
            },
            Reply::Refused { status: 500.., .. } | Reply::NoAnswer(_) => Outcome::Unknown { evidence },
            // Its page calls it a passing error, and does not say what became of the comment.
            Reply::Refused { reason, .. } if reason == "processingFailure" => Outcome::Unknown { evidence },
            Reply::Refused { .. } | Reply::NotSent(_) => Outcome::NoEffect { failure: failure(&reply, call), evidence },
        }
    }
}

fn read(thread: &Value, channel: &str) -> Listed {
    let comment = &thread["snippet"]["topLevelComment"]["snippet"];
    let text = comment["textOriginal"].as_str().or_else(|| comment["textDisplay"].as_str());
    Listed {
        id: thread["id"].as_str().unwrap_or_default().to_owned(),
        text: text.unwrap_or_default().to_owned(),
        is_own: comment["authorChannelId"]["value"].as_str() == Some(channel),
    }
}

fn failure(reply: &Reply, call: &Call<'_>) -> Failure {
    let failure = first_comment::failure(reply.failure(call.view.now));
    match reply {
        Reply::Refused { reason, .. } if reason == "commentsDisabled" => {
            Failure::new(FailureClass::Permanent, Reason::PlatformRefused, "comments are off under the video")
                .with_rule(reason.as_str())
                .with_remedy("turn comments on in YouTube Studio")
        }
        _ => failure,
    }
}

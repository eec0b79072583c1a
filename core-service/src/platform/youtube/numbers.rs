//! How videos do: `videos.list` with their statistics, fifty videos for one unit.
//!
//! A video that was deleted is missing from the answer. Counters that are hidden are absent, and shares are never told.
//! <https://developers.google.com/youtube/v3/docs/videos/list>, read 30 November 2026. The units are those that publishing
//! needs as well, and all users of the app share them: readings leave half of them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::Instant;

use super::{Youtube, budget, errors::Reply};
use crate::{
    domain::{
        account::Account,
        analytics::{PlatformNumbers, Price},
        failure::Failure,
    },
    platform::{
        Tokens,
        numbers::{NumbersClient, Seen, TIMEOUT, Words, in_order, lacking, number},
    },
};

const BATCH: usize = 50;

/// Any of these shows the account's own videos, private ones too.
const SCOPES: &[&str] = &[
    "https://www.googleapis.com/auth/youtube.readonly",
    "https://www.googleapis.com/auth/youtube",
    "https://www.googleapis.com/auth/youtube.force-ssl",
];

const COUNTERS: [&str; 4] = ["viewCount", "likeCount", "commentCount", "dislikeCount"];

const WORDS: Words<'_> = Words {
    views: &["viewCount"],
    likes: &["likeCount"],
    comments: &["commentCount"],
    shares: &[],
    saves: &[],
    reach: &[],
};

fn numbers(video: &Value) -> PlatformNumbers {
    let told = |name: &&str| Some(((*name).to_owned(), number(&video["statistics"][*name])?));
    COUNTERS.iter().filter_map(told).collect()
}

#[async_trait]
impl NumbersClient for Youtube {
    fn batch(&self) -> usize {
        BATCH
    }

    fn lacks(&self, account: &Account) -> Option<Failure> {
        lacking(account, SCOPES)
    }

    fn price(&self, _: &Account, now: DateTime<Utc>) -> Price {
        Price { of_app: Some(budget::of_numbers(&self.settings, now)), of_account: None }
    }

    async fn read(
        &self,
        _: &Account,
        tokens: &Tokens,
        post_ids: &[String],
        now: DateTime<Utc>,
    ) -> Result<Vec<Seen>, Failure> {
        let ids = post_ids.join(",");
        let query = [("part", "id,statistics"), ("id", &ids), ("maxResults", "50")];
        let until = Instant::now() + TIMEOUT;
        let list = match self.get(&tokens.access, "/youtube/v3/videos", &query, until).await {
            Reply::Value(list, _) if list["items"].is_array() => list,
            reply => return Err(reply.failure(now)),
        };
        let videos = list["items"].as_array().into_iter().flatten();
        let read = |video: &Value| Some((video["id"].as_str()?.to_owned(), WORDS.reading(numbers(video))));
        Ok(in_order(post_ids, &videos.filter_map(read).collect()))
    }
}

//! How videos do: `video/query`, twenty videos in a call, with the scope `video.list`.
//!
//! It tells of public videos alone: one that is private or gone is missing from the answer.
//! <https://developers.tiktok.com/doc/tiktok-api-v2-video-query>, read 30 November 2026. 600 calls in a minute for the app;
//! half of them are for this.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Tiktok,
    api::Reply,
    logins,
    publish::LIST_SCOPE,
    replies::{Video, VideoList},
};
use crate::{
    domain::{
        account::Account,
        analytics::{PlatformNumbers, Price},
        failure::Failure,
    },
    platform::{
        Tokens,
        numbers::{NumbersClient, Seen, TIMEOUT, Words, in_order, lacking, of_app},
    },
};

const BATCH: usize = 20;

const CALLS_A_MINUTE: u32 = 300;

const WORDS: Words<'_> = Words {
    views: &["view_count"],
    likes: &["like_count"],
    comments: &["comment_count"],
    shares: &["share_count"],
    saves: &[],
    reach: &[],
};

fn numbers(video: &Video) -> PlatformNumbers {
    let told = [
        ("view_count", video.view_count),
        ("like_count", video.like_count),
        ("comment_count", video.comment_count),
        ("share_count", video.share_count),
    ];
    told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value? as f64))).collect()
}

#[async_trait]
impl NumbersClient for Tiktok {
    fn batch(&self) -> usize {
        BATCH
    }

    fn lacks(&self, account: &Account) -> Option<Failure> {
        lacking(account, &[LIST_SCOPE])
    }

    fn when_id_is_unknown(&self) -> &'static str {
        "nothing to do for public videos, whose id comes within a day; TikTok tells no numbers of others"
    }

    fn price(&self, _: &Account, now: DateTime<Utc>) -> Price {
        Price { of_app: Some(of_app(CALLS_A_MINUTE, now)), of_account: None }
    }

    async fn read(
        &self,
        _: &Account,
        tokens: &Tokens,
        post_ids: &[String],
        now: DateTime<Utc>,
    ) -> Result<Vec<Seen>, Failure> {
        if self.settings.is_none() {
            return Err(logins::not_configured());
        }
        let mut url = self.api_url("/v2/video/query/");
        url.query_pairs_mut().append_pair("fields", "id,view_count,like_count,comment_count,share_count");
        let body = json!({ "filters": { "video_ids": post_ids } });
        let mut request = self.request(url, &tokens.access, Some(body), Some(now));
        request.timeout = TIMEOUT;
        let videos = match request.post::<VideoList>().await {
            Reply::Accepted { data, .. } => data.videos,
            Reply::Refused { failure, .. } | Reply::NotSent { failure, .. } | Reply::Unclear { failure, .. } => {
                return Err(failure);
            }
        };
        let read = |video: &Video| Some((video.id()?, WORDS.reading(numbers(video))));
        Ok(in_order(post_ids, &videos.iter().filter_map(read).collect()))
    }
}

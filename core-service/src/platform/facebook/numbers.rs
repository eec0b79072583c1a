//! How Reels of a Page do: `/{video}/video_insights`, one Reel in a call, with the scope `read_insights`.
//!
//! One name that Meta has removed fails the whole call, so what was refused once is not asked for again by this process.
//! Likes, comments and shares come by kind, and are added up. Pages with few followers get an empty list.
//! <https://developers.facebook.com/docs/graph-api/reference/video/video_insights>, read 22 November 2026. A quiet Page may
//! make few calls; sixty in an hour leave room for publishing.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::Instant;

use super::{Facebook, errors::failure_of};
use crate::{
    domain::{
        account::Account,
        analytics::{PlatformNumbers, Price},
        failure::Failure,
    },
    platform::{
        Tokens,
        meta::insights::{Insights, told},
        numbers::{NumbersClient, Seen, TIMEOUT, Words, lacking, number, of_account},
    },
};

const CALLS_AN_HOUR: u32 = 60;

const METRICS: &str = "blue_reels_play_count,fb_reels_total_plays,fb_reels_replay_count,post_video_avg_time_watched,\
                       post_video_view_time,post_video_followers,post_video_likes_by_reaction_type,post_video_social_actions";

/// Ends for some versions.
const REACH: &str = "post_impressions_unique";

const WORDS: Words<'_> = Words {
    views: &["fb_reels_total_plays", "blue_reels_play_count"],
    likes: &["post_video_likes_by_reaction_type"],
    comments: &["post_video_social_actions.COMMENT"],
    shares: &["post_video_social_actions.SHARE"],
    saves: &[],
    reach: &[REACH],
};

/// Plain numbers by their names; those by kind as `name.KIND`, and their sum by the name.
fn numbers(value: &Value) -> Option<PlatformNumbers> {
    let mut numbers = PlatformNumbers::new();
    for (name, value) in told(value)? {
        let Some(kinds) = value.as_object() else {
            numbers.extend(number(value).map(|number| (name, number)));
            continue;
        };
        let mut sum = 0.0;
        for (kind, value) in kinds {
            let Some(number) = number(value) else { continue };
            sum += number;
            numbers.insert(format!("{name}.{}", kind.to_uppercase()), number);
        }
        numbers.insert(name, sum);
    }
    Some(numbers)
}

#[async_trait]
impl NumbersClient for Facebook {
    fn batch(&self) -> usize {
        1
    }

    fn lacks(&self, account: &Account) -> Option<Failure> {
        lacking(account, &["read_insights"])
    }

    fn price(&self, account: &Account, now: DateTime<Utc>) -> Price {
        Price { of_app: None, of_account: Some(of_account(account, CALLS_AN_HOUR, now)) }
    }

    async fn read(
        &self,
        _: &Account,
        tokens: &Tokens,
        post_ids: &[String],
        now: DateTime<Utc>,
    ) -> Result<Vec<Seen>, Failure> {
        let until = Instant::now() + TIMEOUT;
        let mut seen = Vec::with_capacity(post_ids.len());
        let all = format!("{METRICS},{REACH}");
        let only_fewer = &self.without_reach;
        let insights = Insights { all: &all, fewer: METRICS, only_fewer, words: &WORDS, numbers };
        for id in post_ids {
            let path = format!("{id}/video_insights");
            let get = |fields| self.meta.get(&tokens.access, &path, fields, until);
            seen.push(insights.read(get, |reply| failure_of(reply, now)).await?);
        }
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_by_kind_are_added_up() {
        let told = |name: &str, value: Value| json!({"name": name, "period": "lifetime", "values": [{"value": value}]});
        let answer = json!({"data": [
            told("blue_reels_play_count", json!(90)),
            told("fb_reels_total_plays", json!(100)),
            told("post_video_likes_by_reaction_type", json!({"REACTION_LIKE": 7, "REACTION_LOVE": 2})),
            told("post_video_social_actions", json!({"comment": 3, "SHARE": 4})),
        ], "paging": {}});
        let reading = WORDS.reading(numbers(&answer).unwrap());
        let numbers = reading.numbers;
        assert_eq!(
            (numbers.views, numbers.likes, numbers.comments, numbers.shares),
            (Some(100), Some(9), Some(3), Some(4))
        );
        assert_eq!((numbers.saves, numbers.reach), (None, None), "what is not told is no 0");
        assert_eq!(WORDS.reading(super::numbers(&json!({"data": []})).unwrap()).numbers, Default::default());
        assert_eq!(super::numbers(&json!({"error": 1})), None);
    }
}

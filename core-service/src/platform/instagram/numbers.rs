//! How Reels do: `/{media}/insights`, one Reel in a call.
//!
//! One name that Meta does not know there fails the whole call, so what was refused once is not asked for again by this
//! process. A number without data is missing, and is no 0; numbers may lag by two days.
//! <https://developers.facebook.com/docs/instagram-platform/reference/instagram-media/insights>, read 22 November 2026.
//! What an account may read depends on how often it is seen; sixty calls in an hour leave room for publishing.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    Instagram,
    exchange::{Caller, read_failure},
};
use crate::{
    domain::{
        account::Account,
        analytics::{PlatformNumbers, Price},
        failure::Failure,
        platform::LoginFlavour,
    },
    platform::{
        Tokens,
        meta::insights::{Insights, told},
        numbers::{NumbersClient, Seen, TIMEOUT, Words, lacking, of_account},
    },
};

const CALLS_AN_HOUR: u32 = 60;

/// What both logins tell of Reels.
const METRICS: &str = "views,reach,likes,comments,shares,saved,total_interactions,ig_reels_avg_watch_time,\
                       ig_reels_video_view_total_time,reels_skip_rate";

/// What every media has.
const FEW_METRICS: &str = "views,reach,likes,comments,shares,saved";

const WORDS: Words<'_> = Words {
    views: &["views"],
    likes: &["likes"],
    comments: &["comments"],
    shares: &["shares"],
    saves: &["saved"],
    reach: &["reach"],
};

fn scope(flavour: LoginFlavour) -> &'static str {
    if flavour == LoginFlavour::InstagramLogin {
        "instagram_business_manage_insights"
    } else {
        "instagram_manage_insights"
    }
}

fn numbers(value: &Value) -> Option<PlatformNumbers> {
    Some(
        told(value)?
            .into_iter()
            .filter_map(|(name, value)| Some((name, crate::platform::numbers::number(value)?)))
            .collect(),
    )
}

#[async_trait]
impl NumbersClient for Instagram {
    fn batch(&self) -> usize {
        1
    }

    fn lacks(&self, account: &Account) -> Option<Failure> {
        lacking(account, &[scope(account.login_flavour)])
    }

    fn price(&self, account: &Account, now: DateTime<Utc>) -> Price {
        Price { of_app: None, of_account: Some(of_account(account, CALLS_AN_HOUR, now)) }
    }

    async fn read(
        &self,
        account: &Account,
        tokens: &Tokens,
        post_ids: &[String],
        now: DateTime<Utc>,
    ) -> Result<Vec<Seen>, Failure> {
        let caller = Caller { flavour: account.login_flavour, token: &tokens.access, now: Some(now) };
        let until = Instant::now() + TIMEOUT;
        let mut seen = Vec::with_capacity(post_ids.len());
        let only_fewer = &self.few_metrics;
        let insights = Insights { all: METRICS, fewer: FEW_METRICS, only_fewer, words: &WORDS, numbers };
        for id in post_ids {
            let path = format!("{id}/insights");
            let get = |fields| self.get(&caller, &path, fields, until);
            seen.push(insights.read(get, |reply| read_failure(&caller, reply)).await?);
        }
        Ok(seen)
    }
}

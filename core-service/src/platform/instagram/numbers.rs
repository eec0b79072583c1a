//! How Reels do: `/{media}/insights`, one Reel in a call.
//!
//! One name that Meta does not know there fails the whole call, so what was refused once is not asked for again by this
//! process. A number without data is missing, and is no 0; numbers may lag by two days.
//! <https://developers.facebook.com/docs/instagram-platform/reference/instagram-media/insights>, read 22 November 2026.
//! What an account may read depends on how often it is seen; sixty calls in an hour leave room for publishing.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    Instagram,
    errors::unavailable,
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
        meta::graph::{General, GraphReply, insights},
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
    let told = insights(value)?;
    Some(told.into_iter().filter_map(|(name, value)| Some((name, crate::platform::numbers::number(value)?))).collect())
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
        for id in post_ids {
            seen.push(self.insights_of(&caller, id, until).await?);
        }
        Ok(seen)
    }
}

impl Instagram {
    async fn insights_of(&self, caller: &Caller<'_>, media_id: &str, until: Instant) -> Result<Seen, Failure> {
        let path = format!("{media_id}/insights");
        let asked_for_few = self.few_metrics.load(Ordering::Relaxed);
        let metrics = if asked_for_few { FEW_METRICS } else { METRICS };
        let mut reply = self.get(caller, &path, vec![("metric", metrics.to_owned())], until).await?;
        if let GraphReply::Error(error) = &reply
            && error.general() == General::BadParameter
            && !asked_for_few
        {
            self.few_metrics.store(true, Ordering::Relaxed);
            reply = self.get(caller, &path, vec![("metric", FEW_METRICS.to_owned())], until).await?;
        }
        match &reply {
            GraphReply::Value(value) => {
                let told =
                    numbers(value).ok_or_else(|| unavailable("instagram's answer holds no numbers".to_owned()))?;
                Ok(Seen::Numbers(WORDS.reading(told)))
            }
            GraphReply::Error(error) if error.general() == General::ObjectMissing => Ok(Seen::NotShown),
            _ => Err(read_failure(caller, &reply)),
        }
    }
}

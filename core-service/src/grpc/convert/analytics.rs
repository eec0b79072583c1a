//! analytics.proto and analytics_service.proto.

use std::time::Duration;

use aurareels_proto::v1;
use chrono::TimeDelta;

use super::{Shape, given, or_empty, platform::optional_platform, post::failure, timestamp};
use crate::{
    app::{
        Result,
        analytics::{Gains, ListAnalytics, Page, PostDetail},
    },
    domain::{
        analytics::Numbers,
        ids::{AccountId, PostId},
    },
    store::analytics::showing::Point,
};

/// Posts a page when nothing else is asked for.
const PAGE: u32 = 50;

fn numbers(numbers: &Numbers) -> v1::AnalyticsNumbers {
    v1::AnalyticsNumbers {
        views: numbers.views,
        likes: numbers.likes,
        comments: numbers.comments,
        shares: numbers.shares,
        saves: numbers.saves,
        reach: numbers.reach,
        engagement_rate: numbers.engagement_rate(),
    }
}

fn point(point: Point) -> v1::AnalyticsPoint {
    v1::AnalyticsPoint { at: Some(timestamp(point.at)), numbers: Some(numbers(&point.numbers)) }
}

/// What is known of how a post does.
pub(crate) fn detail(detail: PostDetail) -> v1::PostAnalytics {
    let PostDetail { numbers: of, history } = detail;
    let platform_numbers = of.platform_numbers.into_iter();
    v1::PostAnalytics {
        post_id: of.post.0,
        social_account_id: of.account.0,
        platform: of.platform.number(),
        published_at: Some(timestamp(of.published_at)),
        numbers: of.last_synced_at.map(|_| numbers(&of.numbers)),
        platform_numbers: platform_numbers.map(|(name, value)| v1::PlatformNumber { name, value }).collect(),
        last_synced_at: of.last_synced_at.map(timestamp),
        next_sync_at: of.next_sync_at.map(timestamp),
        problem: of.problem.as_ref().map(failure),
        history: history.into_iter().map(point).collect(),
    }
}

fn gains(gains: Gains) -> v1::AnalyticsGains {
    v1::AnalyticsGains {
        total: Some(numbers(&gains.total)),
        steps: gains.steps.into_iter().map(point).collect(),
        step: Some(prost_types::Duration { seconds: gains.step.num_seconds(), nanos: 0 }),
    }
}

/// A page of posts.
pub(crate) fn page(page: Page) -> v1::ListAnalyticsResponse {
    v1::ListAnalyticsResponse {
        posts: page.posts.into_iter().map(detail).collect(),
        next_page_token: or_empty(page.next_page_token),
        gains: page.gains.map(gains),
    }
}

/// A post's id.
pub(crate) fn post_id(id: i64) -> Result<PostId> {
    let mut shape = Shape::default();
    let id = PostId(shape.id("post_id", id));
    shape.finish(id)
}

/// ListAnalytics.
pub(crate) fn list(request: v1::ListAnalyticsRequest) -> Result<ListAnalytics> {
    let mut shape = Shape::default();
    let account = match request.social_account_id {
        0 => None,
        id => Some(AccountId(shape.id("social_account_id", id))),
    };
    let step = request.step.and_then(|step| {
        let step = Duration::try_from(step).ok().and_then(|step| TimeDelta::from_std(step).ok());
        if step.is_none() {
            shape.wrong("step", "negative", "a span of an hour or more", "leave it out for a day");
        }
        step
    });
    let list = ListAnalytics {
        account,
        platform: optional_platform(&mut shape, request.platform),
        since: shape.time("since", request.since),
        until: shape.time("until", request.until),
        step,
        page_size: shape.page_size(request.page_size, PAGE),
        page_token: given(request.page_token),
        with_history: request.with_history,
    };
    shape.finish(list)
}

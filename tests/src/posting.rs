//! Calls of one user, and waiting for what becomes of posts.

use std::time::Instant;

use aurareels_proto::v1::{
    Account, GetAccountRequest, GetPostRequest, ListAccountsRequest, Post, PostContent, PostStatus,
    PublishPostsRequest, SchedulePostsRequest, ScheduleTime, WatchPostsRequest,
    account_service_client::AccountServiceClient, analytics_service_client::AnalyticsServiceClient,
    post_service_client::PostServiceClient, schedule_time::Form, webhook_service_client::WebhookServiceClient,
};
use aurareels_simulator::Host;
use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use tonic::Status;

use crate::world::{Line, PATIENCE, World};

/// One user of the core.
#[derive(Clone, Copy)]
pub struct User<'a> {
    /// Where they are.
    pub world: &'a World,
    /// Their number.
    pub id: i64,
}

/// A small video on the simulator's media host: half a megabyte, five seconds.
pub fn video(world: &World, name: &str) -> String {
    format!("{}/v/{name}.mp4?size=500000&duration=5", world.sim.url(Host::Media))
}

/// A post's content: a small public video and this caption.
pub fn content(world: &World, caption: &str) -> PostContent {
    PostContent {
        video_url: video(world, "reel"),
        caption: caption.to_owned(),
        privacy_level: "PUBLIC".to_owned(),
        ..PostContent::default()
    }
}

/// A time on the wire.
pub fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: at.timestamp(), nanos: at.timestamp_subsec_nanos().try_into().expect("below a billion") }
}

/// A time from the wire.
pub fn time(at: &Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(at.seconds, at.nanos.try_into().expect("a fraction")).expect("a time")
}

/// An instant as a schedule time.
pub fn at(instant: DateTime<Utc>) -> ScheduleTime {
    ScheduleTime { form: Some(Form::At(timestamp(instant))) }
}

/// A PublishPosts request.
pub fn publish(accounts: &[i64], content: PostContent) -> PublishPostsRequest {
    PublishPostsRequest { accounts: accounts.to_vec(), content: Some(content), ..PublishPostsRequest::default() }
}

/// A SchedulePosts request.
pub fn schedule(accounts: &[i64], content: PostContent, when: ScheduleTime) -> SchedulePostsRequest {
    SchedulePostsRequest {
        accounts: accounts.to_vec(),
        content: Some(content),
        scheduled_at: Some(when),
        ..SchedulePostsRequest::default()
    }
}

/// Whether nothing more will happen by itself.
pub fn at_rest(post: &Post) -> bool {
    matches!(
        post.status(),
        PostStatus::Published | PostStatus::Failed | PostStatus::Cancelled | PostStatus::NeedsReview
    )
}

/// Names of the steps of a post's ledger, oldest first.
pub fn steps(post: &Post) -> Vec<&str> {
    post.attempts.iter().flat_map(|attempt| attempt.steps.iter().map(|step| step.step.as_str())).collect()
}

impl<'a> User<'a> {
    /// The post service, as this user.
    pub fn posts(&self) -> PostServiceClient<Line> {
        self.world.posts_as(&self.world.key, Some(self.id))
    }

    /// The account service, as this user.
    pub fn accounts(&self) -> AccountServiceClient<Line> {
        self.world.accounts_as(&self.world.key, Some(self.id))
    }

    /// The webhook service, as this user.
    pub fn webhooks(&self) -> WebhookServiceClient<Line> {
        self.world.webhooks_as(&self.world.key, Some(self.id))
    }

    /// The analytics service, as this user.
    pub fn analytics(&self) -> AnalyticsServiceClient<Line> {
        self.world.analytics_as(&self.world.key, Some(self.id))
    }

    /// Publishes on accounts, one new post each.
    pub async fn publish(&self, accounts: &[i64], content: PostContent) -> Vec<i64> {
        let answer = self.posts().publish_posts(publish(accounts, content)).await.expect("accepted").into_inner();
        assert_eq!(answer.existed, vec![false; accounts.len()]);
        let of_accounts: Vec<i64> = answer.posts.iter().map(|post| post.account.as_ref().expect("one").id).collect();
        assert_eq!(of_accounts, accounts, "one post per account, in the request's order");
        answer.posts.iter().map(|post| post.id).collect()
    }

    /// Publishes on one account.
    pub async fn publish_one(&self, account: i64, caption: &str) -> i64 {
        self.publish(&[account], content(self.world, caption)).await[0]
    }

    /// Schedules on one account.
    pub async fn schedule_one(&self, account: i64, caption: &str, instant: DateTime<Utc>) -> i64 {
        let request = schedule(&[account], content(self.world, caption), at(instant));
        self.posts().schedule_posts(request).await.expect("accepted").into_inner().posts[0].id
    }

    /// A post with its attempts.
    pub async fn get(&self, id: i64) -> Post {
        self.posts().get_post(GetPostRequest { id }).await.expect("a post").into_inner()
    }

    /// An account.
    pub async fn get_account(&self, id: i64) -> Account {
        self.accounts().get_account(GetAccountRequest { id }).await.expect("an account").into_inner()
    }

    /// All accounts.
    pub async fn list_accounts(&self) -> Vec<Account> {
        self.accounts().list_accounts(ListAccountsRequest::default()).await.expect("accounts").into_inner().accounts
    }

    /// Waits for a state of a post while the clocks move to whatever is due next.
    pub async fn until(&self, id: i64, what: &str, test: impl Fn(&Post) -> bool) -> Post {
        let limit = Instant::now() + PATIENCE;
        loop {
            // Looked at before the post is: a state that is only there until the clock moves must be seen.
            let pending = self.world.db.pending().await;
            let post = self.get(id).await;
            if test(&post) {
                return post;
            }
            assert!(Instant::now() < limit, "post {id} was never {what}: {post:#?}");
            self.world.hurry(pending).await;
        }
    }

    /// Waits for a state of a post, at the speed of real time.
    pub async fn until_unhurried(&self, id: i64, what: &str, test: impl Fn(&Post) -> bool) -> Post {
        let limit = Instant::now() + PATIENCE;
        loop {
            let post = self.get(id).await;
            if test(&post) {
                return post;
            }
            assert!(Instant::now() < limit, "post {id} was never {what}: {post:#?}");
            self.world.breathe().await;
        }
    }

    /// Waits until a post rests, and demands this status.
    pub async fn ends(&self, id: i64, status: PostStatus) -> Post {
        let post = self.until(id, "at rest", at_rest).await;
        assert_eq!(post.status(), status, "post {id}: {post:#?}");
        post
    }

    /// Waits until a post is published and its link is known.
    pub async fn published(&self, id: i64) -> Post {
        self.ends(id, PostStatus::Published).await;
        self.until(id, "linked", |post| !post.platform_post_url.is_empty()).await
    }

    /// Waits until a post failed for this reason.
    pub async fn failed(&self, id: i64, code: &str) -> Post {
        let post = self.ends(id, PostStatus::Failed).await;
        let error = post.error.as_ref().expect("a reason");
        assert_eq!(error.code, code, "{post:#?}");
        assert!(!error.message.is_empty() && post.error_message == error.message, "{error:?}");
        post
    }

    /// Everything that happened so far, as WatchPosts tells it from the beginning.
    pub async fn events(&self) -> Vec<aurareels_proto::v1::Event> {
        let newest = self.world.db.newest_event(self.id).await;
        let request = WatchPostsRequest { after_sequence: Some(0), ..WatchPostsRequest::default() };
        let mut stream = self.posts().watch_posts(request).await.expect("a stream").into_inner();
        let mut events: Vec<aurareels_proto::v1::Event> = Vec::new();
        while events.last().map_or(0, |event| event.sequence) < newest {
            let message = tokio::time::timeout(PATIENCE, stream.message()).await;
            let message = message.unwrap_or_else(|_| panic!("event {newest} never came: {events:#?}"));
            events.extend(message.expect("no error").expect("the stream goes on").event);
        }
        events
    }

    /// An error, with its details.
    pub async fn refused<T: std::fmt::Debug>(&self, call: impl Future<Output = Result<T, Status>>) -> crate::Refusal {
        crate::Refusal::from(call.await.expect_err("a refusal"))
    }
}

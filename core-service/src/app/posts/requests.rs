//! The inputs of the post use cases: plain values in terms of `domain`, free of wire types.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};

pub use crate::store::posts::Order;
use crate::{
    app::video_jobs::PutVideoJob,
    domain::{
        account::Account,
        caption::OnLongCaption,
        event::{Event, EventKind},
        ids::{AccountId, PostId, Revision, Sequence, UserId},
        ledger::Entry,
        platform::Platform,
        post::{Content, Post, SchedulerKind, Status},
        violation::{Violation, Warning},
    },
    progress::UploadProgress,
};

/// The content of a request, for every account. `content.full_caption` is left empty: it is joined per account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PostInput {
    /// The content as given.
    pub content: Content,
    /// What to do with a caption that is too long.
    pub on_long_caption: OnLongCaption,
    /// Keep a copy of the video behind `content.video_url`.
    pub keep_copy: bool,
    /// Variations of single accounts.
    pub variations: Variations,
}

/// Content of one account's post that replaces the request's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variation {
    /// The values.
    pub content: Content,
    /// What to do with a caption that is too long.
    pub on_long_caption: OnLongCaption,
    /// Names of the fields to take, as in the proto.
    pub fields: Vec<String>,
}

/// The variations of a request, by account.
pub type Variations = BTreeMap<AccountId, Variation>;

/// A time as given, before it is read.
#[derive(Clone, Debug, PartialEq)]
pub enum GivenTime {
    /// An instant.
    At(DateTime<Utc>),
    /// A text, RFC 3339 or without zone.
    Text(String),
    /// A wall clock time in a zone.
    Wall {
        /// What the clock shows.
        local: String,
        /// The zone.
        zone: String,
    },
}

/// When the posts of a request are to be published.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// At once.
    Now,
    /// At a time.
    At {
        /// The time.
        time: GivenTime,
        /// Who starts them at their time; the core's default when `None`.
        scheduler: Option<SchedulerKind>,
        /// How late they may still be published; the core's default when `None`.
        late_policy_seconds: Option<i64>,
    },
}

/// PublishPosts and SchedulePosts.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatePosts {
    /// The accounts, in order.
    pub accounts: Vec<AccountId>,
    /// What is posted.
    pub input: PostInput,
    /// When.
    pub when: When,
    /// The caller's key; derived when `None`.
    pub request_key: Option<String>,
    /// Post the same content again on purpose.
    pub allow_duplicate: bool,
    /// The job of the input, to be saved first.
    pub video_job: Option<PutVideoJob>,
}

/// CreateDraft.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateDraft {
    /// The account.
    pub account: AccountId,
    /// What is posted.
    pub input: PostInput,
    /// The time it should get, where one is known.
    pub time: Option<GivenTime>,
    /// The caller's key.
    pub request_key: Option<String>,
}

/// A created post.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The post.
    pub post: Post,
    /// Its account.
    pub account: Account,
    /// True when it existed before the call.
    pub existed: bool,
}

/// UpdatePost.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdatePost {
    /// The post.
    pub id: PostId,
    /// The new values.
    pub input: PostInput,
    /// Names of the fields of `content` to take, as in the proto.
    pub fields: Vec<String>,
    /// The revision the caller saw.
    pub revision: Option<Revision>,
}

/// ValidatePosts.
#[derive(Clone, Debug, PartialEq)]
pub struct Validated {
    /// Broken rules.
    pub broken: Vec<super::super::Broken>,
    /// Per account that could be checked: the text that would be sent and what would be changed.
    pub posts: Vec<(AccountId, String, Vec<Warning>)>,
}

/// A filter of ListPosts.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct PostFilter {
    /// Only these; all when empty.
    pub statuses: Vec<Status>,
    /// Only this one.
    pub platform: Option<Platform>,
    /// Only this one.
    pub account: Option<AccountId>,
    /// From this time on.
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
    /// Only this job.
    pub video_job_id: Option<String>,
    /// Only posts that contain these words. Omitted when empty, so that page tokens of older releases stay valid.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub search: String,
}

/// ListPosts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListPosts {
    /// The filter.
    pub filter: PostFilter,
    /// The order.
    pub order: Order,
    /// 1 to 500.
    pub page_size: u32,
    /// Where the previous page ended.
    pub page_token: Option<String>,
    /// Skip this many at the front.
    pub skip: u32,
    /// Count all matches.
    pub include_total: bool,
}

/// A page of posts.
#[derive(Clone, Debug, PartialEq)]
pub struct PostPage {
    /// The posts.
    pub posts: Vec<Post>,
    /// Where the next page starts.
    pub next_page_token: Option<String>,
    /// How many match the filter, if requested.
    pub total: Option<i64>,
}

/// A post with its ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct PostDetail {
    /// The post.
    pub post: Post,
    /// Its ledger, oldest first. Handles are for the engine: the API shows evidence only.
    pub steps: Vec<Entry>,
}

/// What PublishPostNow did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishNow {
    /// This call started publishing.
    Started,
    /// It was already being published or live.
    AlreadyUnderWay,
    /// It has another time, was cancelled or has failed meanwhile; nothing was done.
    Superseded,
}

/// A person's word.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolve {
    /// The post.
    pub id: PostId,
    /// Live or not.
    pub published: bool,
    /// The platform's id, where known.
    pub platform_post_id: Option<String>,
    /// The link, where known.
    pub platform_post_url: Option<String>,
    /// Who looked and what they saw.
    pub note: String,
}

/// A filter of WatchPosts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchFilter {
    /// Only these posts; all of the user when empty.
    pub posts: Vec<PostId>,
    /// Only these kinds; all when empty.
    pub kinds: Vec<EventKind>,
}

impl WatchFilter {
    /// Whether this event was asked for.
    pub fn fits(&self, event: &Event) -> bool {
        let kind = self.kinds.is_empty() || self.kinds.contains(&event.event.kind);
        kind && event.event.post_id.map_or(self.posts.is_empty(), |post| self.fits_post(post))
    }

    /// Whether what happens to this post was asked for.
    pub fn fits_post(&self, post: PostId) -> bool {
        self.posts.is_empty() || self.posts.contains(&post)
    }
}

/// Events of one user.
#[derive(Clone, Debug, PartialEq)]
pub struct EventBatch {
    /// Complete after this position ...
    pub after: Sequence,
    /// ... up to this one, even if no event of the batch matched a filter.
    pub through: Sequence,
    /// In order.
    pub events: Vec<Event>,
    /// What they are about.
    pub subjects: Subjects,
}

/// Posts and accounts as they are now; deleted ones are missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subjects {
    /// Posts.
    pub posts: HashMap<PostId, Arc<Post>>,
    /// Their accounts, and accounts of events without a post.
    pub accounts: HashMap<AccountId, Arc<Account>>,
}

impl Subjects {
    /// Those of one user.
    pub(super) fn of_user(&self, user: UserId) -> Self {
        let posts = self.posts.iter().filter(|(_, post)| post.wp_user_id == user);
        let accounts = self.accounts.iter().filter(|(_, account)| account.wp_user_id == user);
        Self {
            posts: posts.map(|(id, post)| (*id, post.clone())).collect(),
            accounts: accounts.map(|(id, account)| (*id, account.clone())).collect(),
        }
    }
}

/// Progress of one user's uploads.
#[derive(Clone, Debug, PartialEq)]
pub struct UploadNews {
    /// The newest step of each.
    pub steps: Vec<UploadProgress>,
    /// Their posts.
    pub subjects: Subjects,
}

/// Violations of one account, as a broken rule each.
pub fn of_account(account: AccountId, violations: Vec<Violation>) -> impl Iterator<Item = super::super::Broken> {
    violations.into_iter().map(move |violation| super::super::Broken { account: Some(account), violation })
}

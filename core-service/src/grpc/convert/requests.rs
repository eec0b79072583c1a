//! Requests of post_service.proto and account_service.proto: shape only.

use aurareels_proto::v1;

use super::{Shape, event, given, json, platform, video_job};
use crate::{
    app::{
        Result,
        accounts::{AccountFilter, Connect},
        posts::requests::{
            CreateDraft, CreatePosts, GivenTime, ListPosts, Order, PostFilter, PostInput, Resolve, UpdatePost,
            WatchFilter, When,
        },
        posts::requests::{Variation, Variations},
    },
    domain::{
        caption::OnLongCaption,
        ids::{AccountId, PostId, Revision, Sequence},
        platform::Platform,
        post::{Content, PlatformOptions, SchedulerKind, Status},
    },
    platform::ALL,
    secret::Secret,
};

/// Most accounts of one request.
const MAX_ACCOUNTS: usize = 100;

/// Longest request key in bytes.
const MAX_REQUEST_KEY: usize = 128;

/// Most posts that one watcher may name.
const MAX_WATCHED: usize = 100;

/// Accounts a page when nothing else is asked for.
const ACCOUNTS_PAGE: u32 = 100;

/// Posts a page when nothing else is asked for.
const POSTS_PAGE: u32 = 20;

/// Most posts that a list may leave out at its front.
const MAX_SKIP: i32 = 10_000;

/// An id alone.
pub(crate) fn post_id(id: i64) -> Result<PostId> {
    let mut shape = Shape::default();
    let id = PostId(shape.id("id", id));
    shape.finish(id)
}

/// An id alone.
pub(crate) fn account_id(id: i64) -> Result<AccountId> {
    let mut shape = Shape::default();
    let id = AccountId(shape.id("id", id));
    shape.finish(id)
}

/// A page of accounts: filter, size, token.
pub(crate) fn list_accounts(request: v1::ListAccountsRequest) -> Result<(AccountFilter, u32, Option<String>)> {
    let mut shape = Shape::default();
    let filter =
        AccountFilter { platform: platform::optional_platform(&mut shape, request.platform), active: request.active };
    let size = shape.page_size(request.page_size, ACCOUNTS_PAGE);
    shape.finish((filter, size, given(request.page_token)))
}

/// ConnectAccount.
pub(crate) fn connect(request: v1::ConnectAccountRequest) -> Result<Connect> {
    let mut shape = Shape::default();
    let connect = Connect {
        platform: platform::required_platform(&mut shape, request.platform),
        flavour: platform::optional_flavour(&mut shape, request.login_flavour),
        redirect_uri: given(request.redirect_uri),
        reconnect: request.account_id.map(|id| AccountId(shape.id("account_id", id))),
        browser_secret: given(request.browser_secret).map(Secret::new),
        ends_at_core: request.ends_at_core,
    };
    shape.finish(connect)
}

/// What CompleteConnect ends a login with.
pub(crate) struct Complete {
    pub(crate) platform: Platform,
    pub(crate) code: String,
    pub(crate) state: String,
    pub(crate) browser_secret: Option<Secret>,
}

/// CompleteConnect.
pub(crate) fn complete(request: v1::CompleteConnectRequest) -> Result<Complete> {
    let mut shape = Shape::default();
    let complete = Complete {
        platform: platform::required_platform(&mut shape, request.platform),
        code: shape.text("code", request.code),
        state: shape.text("state", request.state),
        browser_secret: given(request.browser_secret).map(Secret::new),
    };
    shape.finish(complete)
}

/// A platform alone.
pub(crate) fn requirements_of(request: v1::GetVideoRequirementsRequest) -> Result<Platform> {
    let mut shape = Shape::default();
    let platform = platform::required_platform(&mut shape, request.platform);
    shape.finish(platform)
}

/// PublishPosts.
pub(crate) fn publish(request: v1::PublishPostsRequest) -> Result<CreatePosts> {
    let mut shape = Shape::default();
    let video_job = video_job::of_posts(&mut shape, request.video_job, request.content.as_ref());
    let create = CreatePosts {
        accounts: accounts(&mut shape, request.accounts),
        input: PostInput {
            variations: variations(&mut shape, request.variations),
            ..input(&mut shape, request.content)
        },
        when: When::Now,
        request_key: request_key(&mut shape, request.request_key),
        allow_duplicate: request.allow_duplicate,
        video_job,
    };
    shape.finish(create)
}

/// SchedulePosts.
pub(crate) fn schedule(request: v1::SchedulePostsRequest) -> Result<CreatePosts> {
    let mut shape = Shape::default();
    let video_job = video_job::of_posts(&mut shape, request.video_job, request.content.as_ref());
    let create = CreatePosts {
        accounts: accounts(&mut shape, request.accounts),
        input: PostInput {
            variations: variations(&mut shape, request.variations),
            ..input(&mut shape, request.content)
        },
        when: When::At {
            time: required_time(&mut shape, request.scheduled_at),
            scheduler: scheduler(&mut shape, request.scheduler),
            late_policy_seconds: late_policy(&mut shape, request.late_policy_seconds),
        },
        request_key: request_key(&mut shape, request.request_key),
        allow_duplicate: request.allow_duplicate,
        video_job,
    };
    shape.finish(create)
}

/// CreateDraft.
pub(crate) fn draft(request: v1::CreateDraftRequest) -> Result<CreateDraft> {
    let mut shape = Shape::default();
    let draft = CreateDraft {
        account: AccountId(shape.id("account_id", request.account_id)),
        input: input(&mut shape, request.content),
        time: schedule_time(&mut shape, request.scheduled_at),
        request_key: request_key(&mut shape, request.request_key),
    };
    shape.finish(draft)
}

/// UpdatePost.
pub(crate) fn update(request: v1::UpdatePostRequest) -> Result<UpdatePost> {
    let mut shape = Shape::default();
    let fields = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
    if fields.is_empty() {
        shape.wrong("update_mask", "", "names of fields of content", "name the fields to change, such as caption");
    }
    let update = UpdatePost {
        id: PostId(shape.id("id", request.id)),
        input: input(&mut shape, request.content),
        fields: fields.into_iter().map(|path| path.strip_prefix("content.").unwrap_or(&path).to_owned()).collect(),
        revision: request.revision.map(Revision),
    };
    shape.finish(update)
}

/// ValidatePosts: accounts, content, time.
pub(crate) fn validate(request: v1::ValidatePostsRequest) -> Result<(Vec<AccountId>, PostInput, Option<GivenTime>)> {
    let mut shape = Shape::default();
    let accounts = accounts(&mut shape, request.accounts);
    let variations = variations(&mut shape, request.variations);
    let input = PostInput { variations, ..input(&mut shape, request.content) };
    let time = schedule_time(&mut shape, request.scheduled_at);
    shape.finish((accounts, input, time))
}

/// ListPosts.
pub(crate) fn list(request: v1::ListPostsRequest) -> Result<ListPosts> {
    let mut shape = Shape::default();
    let statuses = request.statuses.into_iter().filter_map(|number| status(&mut shape, number)).collect();
    if !(0..=MAX_SKIP).contains(&request.skip) {
        shape.wrong("skip", request.skip.to_string(), "0 to 10000", "go on with page_token instead");
    }
    if request.account_id < 0 {
        shape.id("account_id", request.account_id);
    }
    let order = match shape.value("order", request.order) {
        Some(v1::PostOrder::OldestFirst) => Order::OldestFirst,
        Some(v1::PostOrder::Unspecified | v1::PostOrder::NewestFirst) | None => Order::NewestFirst,
    };
    let list = ListPosts {
        filter: PostFilter {
            statuses,
            platform: platform::optional_platform(&mut shape, request.platform),
            account: (request.account_id != 0).then_some(AccountId(request.account_id)),
            from: shape.time("from", request.from),
            until: shape.time("until", request.until),
            video_job_id: given(request.video_job_id),
            search: request.search.trim().to_owned(),
        },
        order,
        page_size: shape.page_size(request.page_size, POSTS_PAGE),
        page_token: given(request.page_token),
        skip: request.skip.max(0).unsigned_abs(),
        include_total: request.include_total,
    };
    shape.finish(list)
}

/// ReschedulePost: post, time, revision.
pub(crate) fn reschedule(request: v1::ReschedulePostRequest) -> Result<(PostId, GivenTime, Option<Revision>)> {
    let mut shape = Shape::default();
    let id = PostId(shape.id("id", request.id));
    let time = required_time(&mut shape, request.scheduled_at);
    shape.finish((id, time, request.revision.map(Revision)))
}

/// PublishPostNow: post and the time the caller knows.
pub(crate) fn publish_now(
    request: v1::PublishPostNowRequest,
) -> Result<(PostId, Option<chrono::DateTime<chrono::Utc>>)> {
    let mut shape = Shape::default();
    let id = PostId(shape.id("id", request.id));
    let expected = shape.time("expected_scheduled_at", request.expected_scheduled_at);
    shape.finish((id, expected))
}

/// ResolvePost.
pub(crate) fn resolve(request: v1::ResolvePostRequest) -> Result<Resolve> {
    let mut shape = Shape::default();
    let published = match shape.value("resolution", request.resolution) {
        Some(v1::Resolution::Published) => true,
        Some(v1::Resolution::NotPublished) => false,
        Some(v1::Resolution::Unspecified) | None => {
            if request.resolution == 0 {
                shape.wrong("resolution", "", "published or not published", "look at the platform, then say which");
            }
            false
        }
    };
    let resolve = Resolve {
        id: PostId(shape.id("id", request.id)),
        published,
        platform_post_id: given(request.platform_post_id),
        platform_post_url: given(request.platform_post_url),
        note: request.note,
    };
    shape.finish(resolve)
}

/// Events a page when nothing else is asked for.
const EVENTS_PAGE: u32 = 100;

/// ListEvents: from where, how many.
pub(crate) fn list_events(request: v1::ListEventsRequest) -> Result<(Option<Sequence>, u32)> {
    let mut shape = Shape::default();
    let after = after_sequence(&mut shape, request.after_sequence);
    let size = shape.page_size(request.page_size, EVENTS_PAGE);
    shape.finish((after, size))
}

fn after_sequence(shape: &mut Shape, after: Option<i64>) -> Option<Sequence> {
    if let Some(wrong) = after.filter(|after| *after < 0) {
        shape.wrong("after_sequence", wrong.to_string(), "0 or above", "send the position of the last message");
    }
    after.map(Sequence)
}

/// What a watcher asked for.
pub(crate) struct Watch {
    /// Where to begin; from now on when `None`.
    pub(crate) after: Option<Sequence>,
    /// Which events.
    pub(crate) filter: WatchFilter,
    /// Upload progress too.
    pub(crate) progress: bool,
}

/// WatchPosts.
pub(crate) fn watch(request: v1::WatchPostsRequest) -> Result<Watch> {
    let mut shape = Shape::default();
    let after = after_sequence(&mut shape, request.after_sequence);
    if request.post_ids.len() > MAX_WATCHED {
        shape.wrong("post_ids", request.post_ids.len().to_string(), "at most 100 ids", "name fewer, or none for all");
    }
    let posts = request.post_ids.iter().map(|id| PostId(shape.id("post_ids", *id))).collect();
    let mut kinds = Vec::new();
    for number in request.types {
        let Some(wire) = shape.value::<v1::EventType>("types", number) else { continue };
        match event::stored_kind(wire) {
            Some(kind) => kinds.push(kind),
            None => {
                shape.wrong("types", wire.as_str_name(), "types that are stored", "set include_progress for progress")
            }
        }
    }
    let filter = WatchFilter { posts, kinds };
    shape.finish(Watch { after, filter, progress: request.include_progress })
}

fn accounts(shape: &mut Shape, ids: Vec<i64>) -> Vec<AccountId> {
    match ids.len() {
        0 => shape.wrong("accounts", "", "1 to 100 ids", "give the ids that ListAccounts answers"),
        1..=MAX_ACCOUNTS => {}
        count => shape.wrong("accounts", format!("{count} ids"), "1 to 100 ids", "split the request"),
    }
    let mut seen = std::collections::HashSet::new();
    for id in &ids {
        shape.id("accounts", *id);
        if !seen.insert(*id) {
            shape.wrong("accounts", format!("{id} twice"), "each account once", "name it once");
        }
    }
    ids.into_iter().map(AccountId).collect()
}

fn request_key(shape: &mut Shape, key: String) -> Option<String> {
    if key.len() > MAX_REQUEST_KEY {
        shape.wrong("request_key", format!("{} bytes", key.len()), "at most 128 bytes", "send a hash of it");
    }
    given(key)
}

fn late_policy(shape: &mut Shape, seconds: Option<i64>) -> Option<i64> {
    if let Some(seconds) = seconds.filter(|seconds| *seconds < 0) {
        shape.wrong("late_policy_seconds", seconds.to_string(), "0 or above", "leave it out for the default");
    }
    seconds
}

fn status(shape: &mut Shape, number: i32) -> Option<Status> {
    let wire = shape.value::<v1::PostStatus>("statuses", number)?;
    Status::ALL.into_iter().find(|status| super::post::status(*status) == wire)
}

fn scheduler(shape: &mut Shape, number: i32) -> Option<SchedulerKind> {
    match shape.value::<v1::Scheduler>("scheduler", number)? {
        v1::Scheduler::Unspecified => None,
        v1::Scheduler::Core => Some(SchedulerKind::Core),
        v1::Scheduler::N8n => Some(SchedulerKind::N8n),
    }
}

fn required_time(shape: &mut Shape, time: Option<v1::ScheduleTime>) -> GivenTime {
    let missing = time.as_ref().is_none_or(|time| time.form.is_none());
    if missing {
        shape.wrong("scheduled_at", "", "a time", "give an instant, a text or a wall time with its zone");
    }
    schedule_time(shape, time).unwrap_or_else(|| GivenTime::Text(String::new()))
}

fn schedule_time(shape: &mut Shape, time: Option<v1::ScheduleTime>) -> Option<GivenTime> {
    use v1::schedule_time::Form;
    match time?.form? {
        Form::At(at) => shape.time("scheduled_at", Some(at)).map(GivenTime::At),
        Form::Text(text) => Some(GivenTime::Text(text)),
        Form::WallTime(v1::WallTime { local, time_zone }) => Some(GivenTime::Wall { local, zone: time_zone }),
    }
}

fn input(shape: &mut Shape, content: Option<v1::PostContent>) -> PostInput {
    let Some(content) = content else {
        shape.wrong("content", "", "what is to be posted", "give a video_url or a media_id, and a caption");
        return PostInput::default();
    };
    let on_long_caption = match shape.value("content.on_long_caption", content.on_long_caption) {
        None | Some(v1::OnLongCaption::Unspecified | v1::OnLongCaption::Refuse) => OnLongCaption::Refuse,
        Some(v1::OnLongCaption::Cut) => OnLongCaption::Cut,
    };
    let keep_copy = content.keep_copy;
    let content = Content {
        video_job_id: content.video_job_id,
        video_url: content.video_url,
        media_id: content.media_id,
        thumbnail_url: given(content.thumbnail_url),
        caption: content.caption,
        hashtags: content.hashtags,
        mentions: content.mentions,
        full_caption: String::new(),
        location: given(content.location),
        privacy_level: content.privacy_level,
        allow_comments: content.allow_comments,
        allow_duet: content.allow_duet,
        allow_stitch: content.allow_stitch,
        metadata: json(content.metadata),
        options: options(shape, content.platform_options),
    };
    PostInput { content, on_long_caption, keep_copy, variations: Variations::default() }
}

fn variations(shape: &mut Shape, given: Vec<v1::Variation>) -> Variations {
    let mut variations = Variations::default();
    for variation in given {
        let account = AccountId(shape.id("variations", variation.account_id));
        let content = variation.content.unwrap_or_default();
        let fields = match variation.fields {
            Some(mask) if !mask.paths.is_empty() => mask.paths,
            _ => fields_given(&content),
        };
        if fields.is_empty() {
            shape.wrong(
                "variations",
                "",
                "what the account says instead",
                "give a caption, or leave the variation out",
            );
        }
        let PostInput { content, on_long_caption, .. } = input(shape, Some(content));
        if variations.insert(account, Variation { content, on_long_caption, fields }).is_some() {
            shape.wrong("variations", format!("{account} twice"), "each account once", "name it once");
        }
    }
    variations
}

/// The fields of a content that are not empty.
fn fields_given(content: &v1::PostContent) -> Vec<String> {
    let is_given = [
        ("video_job_id", !content.video_job_id.is_empty()),
        ("video_url", !content.video_url.is_empty()),
        ("media_id", !content.media_id.is_empty()),
        ("keep_copy", content.keep_copy),
        ("thumbnail_url", !content.thumbnail_url.is_empty()),
        ("caption", !content.caption.is_empty()),
        ("hashtags", !content.hashtags.is_empty()),
        ("mentions", !content.mentions.is_empty()),
        ("location", !content.location.is_empty()),
        ("privacy_level", !content.privacy_level.is_empty()),
        ("allow_comments", content.allow_comments.is_some()),
        ("allow_duet", content.allow_duet.is_some()),
        ("allow_stitch", content.allow_stitch.is_some()),
        ("metadata", content.metadata.is_some()),
        ("platform_options", content.platform_options.is_some()),
        ("on_long_caption", content.on_long_caption != 0),
    ];
    is_given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name.to_owned()).collect()
}

fn options(shape: &mut Shape, options: Option<v1::PlatformOptions>) -> PlatformOptions {
    let (mut given, mut taken) = (options.unwrap_or_default(), PlatformOptions::default());
    let mut unknown = |field, number| shape.unknown(field, number);
    for description in ALL {
        description.options.take(&mut given, &mut taken, &mut unknown);
    }
    taken
}

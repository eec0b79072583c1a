//! Content Posting: creator info, inits, status, cancel (sheet §4).
//!
//! Two identical inits make two tasks, as at the platform: there is no idempotency key.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use crate::fetch::{self, Received};
use crate::host::Host;
use crate::tiktok::Api;
use crate::tiktok::account::IdForm;
use crate::tiktok::envelope::{ApiResult, Refusal};
use crate::tiktok::state::{Due, PostInfo, Pull, Source, Stage, Task, Upload};

/// Caption limit in UTF-16 code units.
const TITLE_LIMIT: usize = 2200;
/// Chunk limits that lie inside both readings of "MB".
const CHUNK_MIN: u64 = 5 << 20;
const CHUNK_MAX: u64 = 64_000_000;

const TOO_MANY_POSTS: (&str, &str) =
    ("spam_risk_too_many_posts", "The daily post cap from the API is reached for the current user.");
const BANNED: (&str, &str) = ("spam_risk_user_banned_from_posting", "The user is banned from making new posts.");
const USER_CAP: (&str, &str) =
    ("reached_active_user_cap", "The daily quota for active publishing users from your client is reached.");

/// `creator_info/query`: what this creator may do right now.
pub(crate) fn creator_info(api: &mut Api<'_>) -> ApiResult {
    api.need_scope(&["video.publish"])?;
    api.limit("creator_info", api.state.rules.creator_info_per_minute)?;
    let now = api.sim.clock.now();
    let open_id = api.token.open_id.clone();
    let cap_left = api.state.creator_cap_left(&open_id, now);
    let user_left = api.state.user_cap_left(&open_id, now);
    let Some(account) = api.state.accounts.get(&open_id) else { return Err(Refusal::token()) };
    let profile = &account.profile;
    // HTTP 200 with a failing code is deliberate: the vendor documents it so.
    let refuse = |(code, message): (&str, &str)| Err(Refusal::new(200, code, message));
    if let Some(code) = &profile.creator_info_code {
        return refuse((code, "The creator cannot post at the moment."));
    }
    if profile.banned {
        return refuse(BANNED);
    }
    if !cap_left {
        return refuse(TOO_MANY_POSTS);
    }
    if !user_left {
        return refuse(USER_CAP);
    }
    Ok(Some(json!({
        "creator_avatar_url": format!("{}/avatar/{}.svg", api.sim.url(Host::Media), profile.username),
        "creator_username": profile.username,
        "creator_nickname": profile.name,
        "privacy_level_options": account.privacy_options(),
        "comment_disabled": profile.comment_disabled,
        "duet_disabled": profile.duet_disabled || profile.private,
        "stitch_disabled": profile.stitch_disabled || profile.private,
        "max_video_post_duration_sec": profile.max_video_post_duration_sec,
    })))
}

/// `video/init`: Direct Post.
pub(crate) fn video_init(api: &mut Api<'_>) -> ApiResult {
    api.need_scope(&["video.publish"])?;
    api.limit("video_init", api.state.rules.init_per_minute)?;
    let body = api.body()?;
    let post = post_info(api, body.get("post_info"))?;
    let source = source_info(api, body.get("source_info"))?;
    may_post(api, &post)?;
    owns_url(api, &source)?;
    Ok(Some(start_task(api, Some(post), source)))
}

/// `inbox/video/init`: a draft for the creator's inbox.
pub(crate) fn inbox_init(api: &mut Api<'_>) -> ApiResult {
    api.need_scope(&["video.upload"])?;
    api.limit("inbox_init", api.state.rules.init_per_minute)?;
    let body = api.body()?;
    let source = source_info(api, body.get("source_info"))?;
    let cap = api.state.rules.pending_shares_per_day;
    let now = api.sim.clock.now();
    let Some(account) = api.state.accounts.get_mut(&api.token.open_id) else { return Err(Refusal::token()) };
    if account.profile.banned {
        return Err(Refusal::new(403, BANNED.0, BANNED.1));
    }
    if account.pending_count(now) >= cap as usize {
        let message = "There may be at most 5 pending shares within any 24-hour period.";
        return Err(Refusal::new(403, "spam_risk_too_many_pending_share", message));
    }
    owns_url(api, &source)?;
    Ok(Some(start_task(api, None, source)))
}

fn post_info(api: &Api<'_>, given: Option<&Value>) -> Result<PostInfo, Refusal> {
    let Some(info) = given.and_then(Value::as_object) else {
        return Err(api.invalid("post_info is missing or not an object."));
    };
    let title = match info.get("title") {
        None | Some(Value::Null) => "",
        Some(Value::String(title)) => title,
        Some(_) => return Err(api.invalid("post_info.title must be a string.")),
    };
    if title.encode_utf16().count() > TITLE_LIMIT {
        return Err(api.invalid("post_info.title is longer than 2200 UTF-16 code units."));
    }
    let flag = |name: &str| match info.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(api.invalid(&format!("post_info.{name} must be a boolean."))),
    };
    for name in ["disable_duet", "disable_stitch", "disable_comment", "brand_organic_toggle"] {
        flag(name)?;
    }
    let is_aigc = flag("is_aigc")?;
    let branded = flag("brand_content_toggle")?;
    let mismatch = || {
        let message = "The privacy level is not one of the options returned by the creator_info API.";
        Refusal::new(403, "privacy_level_option_mismatch", message)
    };
    let privacy_level = match info.get("privacy_level") {
        Some(Value::String(level)) => level.clone(),
        None | Some(Value::Null) => return Err(mismatch()),
        Some(_) => return Err(api.invalid("post_info.privacy_level must be a string.")),
    };
    let account = api.state.accounts.get(&api.token.open_id).ok_or_else(Refusal::token)?;
    if !account.privacy_options().contains(&privacy_level.as_str()) {
        return Err(mismatch());
    }
    if branded && privacy_level == "SELF_ONLY" && api.state.rules.refuse_private_branded_content {
        return Err(api.invalid("Branded content cannot be private."));
    }
    Ok(PostInfo { title: title.to_owned(), privacy_level, is_aigc })
}

/// A checked `source_info`.
enum Plan {
    Upload { video_size: u64, chunk_size: u64, chunks: u64 },
    Pull { url: url::Url, text: String },
}

fn source_info(api: &Api<'_>, given: Option<&Value>) -> Result<Plan, Refusal> {
    let Some(info) = given.and_then(Value::as_object) else {
        return Err(api.invalid("source_info is missing or not an object."));
    };
    match info.get("source").and_then(Value::as_str) {
        Some("FILE_UPLOAD") => chunk_plan(api, info),
        Some("PULL_FROM_URL") => {
            let Some(text) = info.get("video_url").and_then(Value::as_str) else {
                return Err(api.invalid("source_info.video_url is missing."));
            };
            let url = url::Url::parse(text).map_err(|_| api.invalid("source_info.video_url is not a URL."))?;
            let local = api.state.rules.local_pull && fetch::is_local(&url);
            if url.scheme() != "https" && !(local && url.scheme() == "http") {
                return Err(api.invalid("source_info.video_url must be an https URL."));
            }
            Ok(Plan::Pull { url, text: text.to_owned() })
        }
        Some(_) | None => Err(api.invalid("source_info.source must be FILE_UPLOAD or PULL_FROM_URL.")),
    }
}

fn chunk_plan(api: &Api<'_>, info: &Map<String, Value>) -> Result<Plan, Refusal> {
    let number = |name: &str| {
        let value = info.get(name).and_then(Value::as_u64).filter(|value| *value > 0);
        value.ok_or_else(|| api.invalid(&format!("source_info.{name} must be a positive integer.")))
    };
    let (video_size, chunk_size, chunks) = (number("video_size")?, number("chunk_size")?, number("total_chunk_count")?);
    let rules = &api.state.rules;
    if video_size > rules.max_video_bytes {
        return Err(api.invalid("The video size is invalid"));
    }
    let whole = chunk_size == video_size;
    let size_is_fine = chunk_size <= CHUNK_MAX && (chunk_size >= CHUNK_MIN || whole);
    let lumped = chunks == 1 && video_size > CHUNK_MAX && rules.strict_single_chunk;
    if !size_is_fine || lumped {
        return Err(api.invalid("The chunk size is invalid"));
    }
    if chunks > 1000 || chunks != video_size / chunk_size {
        return Err(api.invalid("The total chunk count is invalid"));
    }
    Ok(Plan::Upload { video_size, chunk_size, chunks })
}

fn may_post(api: &mut Api<'_>, post: &PostInfo) -> Result<(), Refusal> {
    let now = api.sim.clock.now();
    let open_id = api.token.open_id.clone();
    let refuse = |(code, message): (&str, &str)| Err(Refusal::new(403, code, message));
    let Some(account) = api.state.accounts.get(&open_id) else { return Err(Refusal::token()) };
    if account.profile.banned {
        return refuse(BANNED);
    }
    if api.state.rules.unaudited && !(account.profile.private && post.privacy_level == "SELF_ONLY") {
        return refuse((
            "unaudited_client_can_only_post_to_private_accounts",
            "Unaudited clients can only post to a private account with SELF_ONLY.",
        ));
    }
    if !api.state.creator_cap_left(&open_id, now) {
        return refuse(TOO_MANY_POSTS);
    }
    if !api.state.user_cap_left(&open_id, now) {
        return refuse(USER_CAP);
    }
    Ok(())
}

/// The domain or the URL prefix must be verified for the app; prefixes match literally, domains cover sub-domains.
fn owns_url(api: &Api<'_>, plan: &Plan) -> Result<(), Refusal> {
    let Plan::Pull { url, text } = plan else { return Ok(()) };
    let rules = &api.state.rules;
    let host = url.host_str().unwrap_or("");
    let verified = rules.verified_prefixes.iter().any(|known| {
        if known.starts_with("https://") {
            text.starts_with(known)
        } else {
            host == known || host.strip_suffix(known.as_str()).is_some_and(|rest| rest.ends_with('.'))
        }
    });
    if verified || (rules.local_pull && fetch::is_local(url)) {
        return Ok(());
    }
    let message = "To use PULL_FROM_URL, the domain or URL prefix must be verified by the developer.";
    Err(Refusal::new(403, "url_ownership_unverified", message))
}

fn start_task(api: &mut Api<'_>, post: Option<PostInfo>, plan: Plan) -> Value {
    let sim = api.sim;
    let now = sim.clock.now();
    let open_id = api.token.open_id.clone();
    let number = sim.random.digits(19);
    let kind = match (&post, &plan) {
        (Some(_), Plan::Upload { .. }) => "v_pub_file~v2-1",
        (Some(_), Plan::Pull { .. }) => "v_pub_url~v2",
        (None, Plan::Upload { .. }) => "v_inbox_file~v2",
        (None, Plan::Pull { .. }) => "v_inbox_url~v2",
    };
    let publish_id = format!("{kind}.{number}");
    let mut data = json!({ "publish_id": publish_id });
    let mut behaviour = Default::default();
    if let Some(account) = api.state.accounts.get_mut(&open_id) {
        behaviour = account.next_behaviour();
        if post.is_none() {
            account.pending.push((publish_id.clone(), now));
        }
    }
    let source = match plan {
        Plan::Upload { video_size, chunk_size, chunks } => {
            let (upload_id, token) = (sim.random.digits(19).to_string(), sim.random.token(43));
            let url = format!("{}/video/?upload_id={upload_id}&upload_token={token}", sim.url(Host::TikTokUpload));
            data["upload_url"] = json!(url);
            api.state.uploads.insert(upload_id, publish_id.clone());
            Source::Upload(Box::new(Upload {
                token,
                expires_at: now + TimeDelta::seconds(api.state.rules.upload_url_seconds),
                video_size,
                chunk_size,
                chunks,
                done: 0,
                received: Some(Received::default()),
                epoch: 0,
            }))
        }
        Plan::Pull { text, .. } => {
            let wait = TimeDelta::milliseconds((behaviour.pull_seconds * 1000.0) as i64);
            api.state.schedule(now + wait, Due::StartPull(publish_id.clone()));
            Source::Pull(Pull { url: text, downloaded: 0 })
        }
    };
    api.state.tasks.insert(
        publish_id.clone(),
        Task {
            publish_id,
            open_id,
            post,
            source,
            made_at: now,
            complete_at: None,
            stage: Stage::Receiving,
            behaviour,
            file: None,
            public_ids: Vec::new(),
            forgotten: false,
        },
    );
    data
}

/// The caller's own task by `publish_id`.
fn own_task<'a>(api: &'a mut Api<'_>) -> Result<&'a mut Task, Refusal> {
    let body = api.body()?;
    let Some(id) = body.get("publish_id").and_then(Value::as_str) else {
        return Err(api.invalid("publish_id is missing."));
    };
    let oldest = api.sim.clock.now() - TimeDelta::seconds(api.state.rules.publish_id_seconds);
    let unknown = || Refusal::new(400, "invalid_publish_id", "The publish_id does not exist.");
    let task =
        api.state.tasks.get_mut(id).filter(|task| !task.forgotten && task.made_at > oldest).ok_or_else(unknown)?;
    if task.open_id != api.token.open_id {
        let message = "The access token is not authorized for the publish_id.";
        return Err(Refusal::new(400, "token_not_authorized_for_specified_publish_id", message));
    }
    Ok(task)
}

/// `status/fetch`.
pub(crate) fn status(api: &mut Api<'_>) -> ApiResult {
    api.need_scope(&["video.publish", "video.upload"])?;
    api.limit("status", api.state.rules.status_per_minute)?;
    let now = api.sim.clock.now();
    let abandoned = api.state.rules.abandoned_upload_reason.clone();
    let task = own_task(api)?;
    let mut data = Map::new();
    let processing = match &task.source {
        Source::Upload(_) => "PROCESSING_UPLOAD",
        Source::Pull(_) => "PROCESSING_DOWNLOAD",
    };
    let mut reason = None;
    let status = match &task.stage {
        Stage::Receiving => match (&task.source, abandoned) {
            (Source::Upload(upload), Some(why)) if now >= upload.expires_at => {
                reason = Some(why);
                "FAILED"
            }
            (Source::Upload(_) | Source::Pull(_), _) => processing,
        },
        Stage::Processing => task.behaviour.processing_status.as_deref().unwrap_or(processing),
        Stage::InInbox => "SEND_TO_USER_INBOX",
        Stage::Published => "PUBLISH_COMPLETE",
        Stage::Failed(why) => {
            reason = Some(why.clone());
            "FAILED"
        }
    };
    data.insert("status".into(), json!(status));
    if let Some(reason) = reason {
        data.insert("fail_reason".into(), json!(reason));
    }
    if task.stage == Stage::Published
        && let Some(ids) = shown_ids(&task.public_ids, task.behaviour.id_form)
    {
        // The vendor's own spelling.
        data.insert("publicaly_available_post_id".into(), ids);
    }
    match &task.source {
        Source::Upload(upload) => data.insert("uploaded_bytes".into(), json!(upload.uploaded())),
        Source::Pull(pull) => data.insert("downloaded_bytes".into(), json!(pull.downloaded)),
    };
    Ok(Some(Value::Object(data)))
}

fn shown_ids(ids: &[u64], form: IdForm) -> Option<Value> {
    match form {
        IdForm::List => Some(json!(ids)),
        IdForm::Quoted => Some(json!(ids.iter().map(u64::to_string).collect::<Vec<_>>())),
        IdForm::Scalar => ids.first().map(|id| json!(id)),
        IdForm::Absent => None,
    }
}

/// `cancel`: pulls only, and only while they download.
pub(crate) fn cancel(api: &mut Api<'_>) -> ApiResult {
    api.need_scope(&["video.publish", "video.upload"])?;
    let task = own_task(api)?;
    if task.stage != Stage::Receiving || !matches!(task.source, Source::Pull(_)) {
        let message = "The post can no longer be cancelled.";
        return Err(Refusal::new(400, "publish_not_cancellable", message));
    }
    task.stage = Stage::Failed("publish_cancelled".into());
    Ok(None)
}

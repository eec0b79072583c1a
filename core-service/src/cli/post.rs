//! `post publish|schedule|list|show|watch`: a client of the public API.

use std::path::PathBuf;

use anyhow::Context;
use aurareels_proto::v1::{self, schedule_time::Form};
use clap::{Args, Subcommand};
use tonic::Status;

use super::{
    client::{Client, Server},
    show,
    upload::upload,
};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Publish a video now.
    Publish {
        #[command(flatten)]
        content: Content,
        /// Stay and show what happens until every post is at rest.
        #[arg(long)]
        wait: bool,
    },
    /// Schedule a video.
    Schedule {
        #[command(flatten)]
        content: Content,
        /// When: 2026-12-25T18:00:00+01:00, or without offset in UTC, or with --zone on the clock there.
        #[arg(long, value_name = "TIME")]
        at: String,
        /// IANA time zone of --at, such as Europe/Berlin.
        #[arg(long)]
        zone: Option<String>,
    },
    /// List posts, newest first.
    List {
        /// Only these: draft, scheduled, publishing, confirming, published, failed, cancelled, needs-review, delivered.
        #[arg(long, value_delimiter = ',')]
        status: Vec<String>,
        /// Only this account.
        #[arg(long, value_name = "ID")]
        account: Option<i64>,
        /// How many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=500))]
        limit: i32,
    },
    /// Show a post with everything that was sent for it.
    Show {
        /// Its id.
        id: i64,
    },
    /// Show what happens, as it happens.
    Watch {
        /// Only these posts.
        ids: Vec<i64>,
        /// Begin after this position; 0 for everything that is kept.
        #[arg(long, value_name = "POSITION")]
        after: Option<i64>,
    },
}

/// What is to be posted.
#[derive(Args)]
pub(super) struct Content {
    /// Account ids; several, or separated by commas.
    #[arg(long = "account", required = true, value_delimiter = ',', value_name = "ID")]
    accounts: Vec<i64>,
    /// Address of the video.
    #[arg(long, value_name = "URL", required_unless_present = "file", conflicts_with = "file")]
    video: Option<String>,
    /// A video file of this machine: it is uploaded to the core first.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Have the core keep a copy of --video, for an address that ends or changes before the post's time.
    #[arg(long, requires = "video")]
    keep_copy: bool,
    /// The caption.
    #[arg(long, default_value = "")]
    caption: String,
    /// Hashtags, with or without #.
    #[arg(long = "hashtag", value_delimiter = ',')]
    hashtags: Vec<String>,
    /// Mentions, with or without @.
    #[arg(long = "mention", value_delimiter = ',')]
    mentions: Vec<String>,
    /// PUBLIC, FRIENDS, PRIVATE, or the platform's own word. TikTok needs one.
    #[arg(long, default_value = "")]
    privacy: String,
    /// Another caption for one account: 3="Only here". Several times.
    #[arg(long = "caption-for", value_name = "ID=CAPTION", value_parser = caption_for)]
    captions: Vec<(i64, String)>,
    /// A comment of the account's own under the live post (Instagram, Facebook, YouTube).
    #[arg(long, default_value = "", value_name = "TEXT")]
    first_comment: String,
    /// The title (Facebook, YouTube).
    #[arg(long, default_value = "")]
    title: String,
    /// Address of a cover image (Instagram, YouTube).
    #[arg(long, default_value = "", value_name = "URL")]
    thumbnail: String,
    /// The job that made the video.
    #[arg(long, default_value = "")]
    job: String,
    /// Your key for this request; the core derives one otherwise.
    #[arg(long, default_value = "")]
    request_key: String,
    /// Post the same again on purpose; needs --request-key.
    #[arg(long)]
    allow_duplicate: bool,
}

impl Content {
    /// What is to be posted; a file is uploaded first.
    async fn content(&self, client: &Client) -> anyhow::Result<v1::PostContent> {
        let media_id = match &self.file {
            Some(path) => upload(client, path).await?.media_id,
            None => String::new(),
        };
        Ok(v1::PostContent {
            video_job_id: self.job.clone(),
            video_url: self.video.clone().unwrap_or_default(),
            media_id,
            keep_copy: self.keep_copy,
            thumbnail_url: self.thumbnail.clone(),
            caption: self.caption.clone(),
            hashtags: self.hashtags.clone(),
            mentions: self.mentions.clone(),
            privacy_level: self.privacy.clone(),
            platform_options: self.options(),
            ..v1::PostContent::default()
        })
    }

    /// The options, for each platform that has them; none when none is given.
    fn options(&self) -> Option<v1::PlatformOptions> {
        let (first_comment, title) = (self.first_comment.clone(), self.title.clone());
        if first_comment.is_empty() && title.is_empty() {
            return None;
        }
        Some(v1::PlatformOptions {
            instagram: Some(v1::InstagramOptions { first_comment: first_comment.clone(), ..Default::default() }),
            facebook: Some(v1::FacebookOptions {
                first_comment: first_comment.clone(),
                title: title.clone(),
                ..Default::default()
            }),
            youtube: Some(v1::YouTubeOptions { first_comment, title, ..Default::default() }),
            tiktok: None,
        })
    }

    /// The captions of single accounts.
    fn variations(&self) -> Vec<v1::Variation> {
        let variation = |(account_id, caption): &(i64, String)| v1::Variation {
            account_id: *account_id,
            content: Some(v1::PostContent { caption: caption.clone(), ..v1::PostContent::default() }),
            fields: Some(prost_types::FieldMask { paths: vec!["caption".to_owned()] }),
        };
        self.captions.iter().map(variation).collect()
    }
}

fn caption_for(text: &str) -> Result<(i64, String), String> {
    let (account, caption) = text.split_once('=').ok_or("must look like 3=\"Another caption\"")?;
    let account = account.trim().parse().map_err(|_| format!("`{account}` is no account id"))?;
    Ok((account, caption.to_owned()))
}

pub(super) async fn run(server: Server, action: Action) -> anyhow::Result<()> {
    let client = server.client().await?;
    act(&client, action).await.map_err(show::readable)
}

async fn act(client: &Client, action: Action) -> anyhow::Result<()> {
    let mut posts = client.posts();
    match action {
        Action::Publish { content, wait } => {
            // Where to begin watching is asked before anything can happen.
            let position = if wait { Some(position(client).await?) } else { None };
            let request = v1::PublishPostsRequest {
                accounts: content.accounts.clone(),
                content: Some(content.content(client).await?),
                variations: content.variations(),
                request_key: content.request_key,
                allow_duplicate: content.allow_duplicate,
            };
            let answer = posts.publish_posts(request).await?.into_inner();
            list(&answer.posts, &answer.existed);
            if let Some(position) = position {
                follow(client, answer.posts, position).await?;
            }
        }
        Action::Schedule { content, at, zone } => {
            let form = match zone {
                Some(time_zone) => Form::WallTime(v1::WallTime { local: at, time_zone }),
                None => Form::Text(at),
            };
            let request = v1::SchedulePostsRequest {
                accounts: content.accounts.clone(),
                content: Some(content.content(client).await?),
                scheduled_at: Some(v1::ScheduleTime { form: Some(form) }),
                variations: content.variations(),
                request_key: content.request_key,
                allow_duplicate: content.allow_duplicate,
                ..v1::SchedulePostsRequest::default()
            };
            let answer = posts.schedule_posts(request).await?.into_inner();
            list(&answer.posts, &answer.existed);
        }
        Action::List { status, account, limit } => {
            let statuses = status.iter().map(|word| parse_status(word)).collect::<anyhow::Result<_>>()?;
            let account_id = account.unwrap_or_default();
            let request =
                v1::ListPostsRequest { statuses, account_id, page_size: limit, ..v1::ListPostsRequest::default() };
            list(&posts.list_posts(request).await?.into_inner().posts, &[]);
        }
        Action::Show { id } => detail(&posts.get_post(v1::GetPostRequest { id }).await?.into_inner()),
        Action::Watch { ids, after } => {
            let request =
                v1::WatchPostsRequest { after_sequence: after, post_ids: ids, include_progress: true, types: vec![] };
            let mut events = posts.watch_posts(request).await?.into_inner();
            while let Some(message) = events.message().await? {
                if let Some(event) = message.event {
                    println!("{}", line(&event));
                }
            }
        }
    }
    Ok(())
}

fn parse_status(word: &str) -> anyhow::Result<i32> {
    let name = format!("POST_STATUS_{}", word.trim().to_ascii_uppercase().replace('-', "_"));
    let status = v1::PostStatus::from_str_name(&name).filter(|status| *status != v1::PostStatus::Unspecified);
    Ok(status.with_context(|| format!("`{word}` is no status"))?.into())
}

/// The newest position: the first heartbeat tells it.
async fn position(client: &Client) -> Result<i64, Status> {
    let mut stream = client.posts().watch_posts(v1::WatchPostsRequest::default()).await?.into_inner();
    Ok(stream.message().await?.map_or(0, |message| message.position))
}

/// Shows what happens until every post is at rest.
async fn follow(client: &Client, posts: Vec<v1::Post>, position: i64) -> Result<(), Status> {
    let mut open: Vec<i64> = posts.iter().filter(|post| !at_rest(post.status())).map(|post| post.id).collect();
    let request = v1::WatchPostsRequest {
        after_sequence: Some(position),
        post_ids: open.clone(),
        include_progress: true,
        types: vec![],
    };
    if open.is_empty() {
        return Ok(());
    }
    let mut events = client.posts().watch_posts(request).await?.into_inner();
    while let Some(message) = events.message().await? {
        let Some(event) = message.event else { continue };
        println!("{}", line(&event));
        if event.r#type() != v1::EventType::PostProgress && at_rest(event.status()) {
            open.retain(|id| *id != event.post_id);
        }
        if open.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Whether nothing more happens to it by itself soon.
pub(super) fn at_rest(status: v1::PostStatus) -> bool {
    match status {
        v1::PostStatus::Published
        | v1::PostStatus::Failed
        | v1::PostStatus::Cancelled
        | v1::PostStatus::NeedsReview
        | v1::PostStatus::Delivered
        | v1::PostStatus::Draft => true,
        v1::PostStatus::Unspecified
        | v1::PostStatus::Scheduled
        | v1::PostStatus::Publishing
        | v1::PostStatus::Confirming => false,
    }
}

fn list(posts: &[v1::Post], existed: &[bool]) {
    let mut table = show::table(["id", "account", "status", "time", "note"]);
    for (index, post) in posts.iter().enumerate() {
        let existed = existed.get(index).copied().unwrap_or(false);
        let note = if existed { format!("existed before; {}", show::note(post)) } else { show::note(post) };
        let at = show::time(post.published_at).or(show::time(post.scheduled_at)).or(show::time(post.created_at));
        table.add_row([
            post.id.to_string(),
            show::account(post),
            show::status(post.status()),
            at.map(show::second).unwrap_or_default(),
            note,
        ]);
    }
    println!("{table}");
}

fn detail(post: &v1::Post) {
    let rows = [
        ("post", format!("{} (revision {})", post.id, post.revision)),
        ("account", show::account(post)),
        ("status", show::status(post.status())),
        ("scheduled", show::time(post.scheduled_at).map(show::second).unwrap_or_default()),
        ("published", show::time(post.published_at).map(show::second).unwrap_or_default()),
        ("link", post.platform_post_url.clone()),
        ("video", post.video_url.clone()),
        ("upload", post.media_id.clone()),
        ("text", post.full_caption.clone()),
        ("note", show::note(post)),
        ("to do", post.error.as_ref().map(|error| error.remediation.clone()).unwrap_or_default()),
        ("retries", post.retry_count.to_string()),
        ("request key", post.request_key.clone()),
    ];
    for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        println!("{name:>12}  {value}");
    }
    for warning in &post.warnings {
        println!("{:>12}  {}: {}", "warning", warning.code, warning.message);
    }
    let mut table = show::table(["attempt", "step", "sent", "outcome", ""]);
    for attempt in &post.attempts {
        for step in &attempt.steps {
            let outcome = step.outcome().as_str_name().trim_start_matches("STEP_OUTCOME_").to_ascii_lowercase();
            table.add_row([
                attempt.number.to_string(),
                step.step.clone(),
                show::time(step.sent_at).map(show::second).unwrap_or_default(),
                outcome.replace('_', " "),
                if step.point_of_no_return { "point of no return".to_owned() } else { String::new() },
            ]);
        }
    }
    if !post.attempts.is_empty() {
        println!("{table}");
    }
}

/// An event in one line.
fn line(event: &v1::Event) -> String {
    let at = show::time(event.created_at).map(show::second).unwrap_or_default();
    let post = event.post.as_ref();
    let whose = post.map_or_else(
        || {
            event
                .account
                .as_ref()
                .map_or_else(String::new, |one| format!("{} {}", show::platform(one.platform()), one.account_name))
        },
        show::account,
    );
    let what = match event.r#type() {
        v1::EventType::PostProgress => {
            let of = post.and_then(|post| Some((post.uploaded_bytes?, post.video_size_bytes?)));
            of.map_or_else(String::new, |(sent, total)| format!("uploaded {sent} of {total} bytes"))
        }
        v1::EventType::PostStatusChanged => {
            format!("{} -> {}", show::status(event.previous_status()), show::status(event.status()))
        }
        other => other.as_str_name().trim_start_matches("EVENT_TYPE_").to_ascii_lowercase().replace('_', " "),
    };
    let subject =
        if event.post_id != 0 { format!("post {}", event.post_id) } else { format!("account {}", event.account_id) };
    let reason = if event.reason.is_empty() { String::new() } else { format!("  ({})", event.reason) };
    format!("{at}  {:>6}  {subject}  {whose}  {what}{reason}", event.sequence)
}

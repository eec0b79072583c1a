//! What is to be posted, as arguments.

use std::path::PathBuf;

use aurareels_proto::v1;
use clap::Args;

use crate::cli::{client::Client, upload::upload};

/// What is to be posted.
#[derive(Args)]
pub(in crate::cli) struct Content {
    /// Account ids; several, or separated by commas.
    #[arg(long = "account", required = true, value_delimiter = ',', value_name = "ID")]
    pub(super) accounts: Vec<i64>,
    #[command(flatten)]
    video: Video,
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
    /// Your key for this request; the core derives one otherwise.
    #[arg(long, default_value = "")]
    pub(super) request_key: String,
    /// Post the same again on purpose; needs --request-key.
    #[arg(long)]
    pub(super) allow_duplicate: bool,
}

/// Where the video comes from.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(in crate::cli) struct Video {
    /// Address of the video.
    #[arg(long, value_name = "URL")]
    video: Option<String>,
    /// A video file of this machine: it is uploaded to the core first.
    #[arg(long, value_name = "PATH", conflicts_with = "video")]
    file: Option<PathBuf>,
    /// The job that made the video. Alone: a job that was saved with `video-job save`, whose video is posted.
    #[arg(long, value_name = "ID")]
    job: Option<String>,
}

impl Content {
    /// What is to be posted; a file is uploaded first.
    pub(super) async fn content(&self, client: &Client) -> anyhow::Result<v1::PostContent> {
        let media_id = match &self.video.file {
            Some(path) => upload(client, path).await?.media_id,
            None => String::new(),
        };
        Ok(v1::PostContent {
            video_job_id: self.video.job.clone().unwrap_or_default(),
            video_url: self.video.video.clone().unwrap_or_default(),
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
    pub(super) fn variations(&self) -> Vec<v1::Variation> {
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

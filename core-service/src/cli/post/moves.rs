//! What is done with a post that is there.

use aurareels_proto::v1;
use clap::{Args, Subcommand};

use super::{look, time::At};
use crate::cli::{client::Client, output::Output};

#[derive(Subcommand)]
pub(in crate::cli) enum Move {
    /// Cancel a post that is not visible yet.
    Cancel {
        /// Its id.
        id: i64,
    },
    /// Move a draft or scheduled post to another time.
    Reschedule {
        /// Its id.
        id: i64,
        #[command(flatten)]
        at: At,
    },
    /// Go on with a failed post.
    Retry {
        /// Its id.
        id: i64,
    },
    /// Publish a draft or scheduled post now.
    PublishNow {
        /// Its id.
        id: i64,
    },
    /// Look again at the platform for a post that is confirming or needs review.
    Reconcile {
        /// Its id.
        id: i64,
    },
    /// Say whether a post that needs review is on the platform.
    Resolve {
        /// Its id.
        id: i64,
        #[command(flatten)]
        word: Word,
        /// The platform's id of it.
        #[arg(long, default_value = "", value_name = "ID", requires = "published")]
        platform_post_id: String,
        /// Its link.
        #[arg(long, default_value = "", value_name = "URL", requires = "published")]
        url: String,
        /// Who looked, and what was seen.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Change a draft or scheduled post; what is not named stays.
    Update {
        /// Its id.
        id: i64,
        #[command(flatten)]
        change: Change,
        /// Only when the post still has this revision.
        #[arg(long)]
        revision: Option<i64>,
    },
}

/// A person's word on a post.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct Word {
    /// It is there.
    #[arg(long)]
    published: bool,
    /// It is not: it becomes failed, and `retry` goes on with it.
    #[arg(long)]
    not_published: bool,
}

/// Another content.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(in crate::cli) struct Change {
    /// Another caption.
    #[arg(long)]
    caption: Option<String>,
    /// Other hashtags; "" for none.
    #[arg(long = "hashtag", value_delimiter = ',')]
    hashtags: Option<Vec<String>>,
    /// Other mentions; "" for none.
    #[arg(long = "mention", value_delimiter = ',')]
    mentions: Option<Vec<String>>,
    /// Another privacy.
    #[arg(long)]
    privacy: Option<String>,
    /// Address of another video.
    #[arg(long, value_name = "URL")]
    video: Option<String>,
    /// Address of another cover image.
    #[arg(long, value_name = "URL")]
    thumbnail: Option<String>,
}

impl Change {
    /// The new values, and which they are.
    fn content(self) -> (v1::PostContent, prost_types::FieldMask) {
        let given = [
            ("caption", self.caption.is_some()),
            ("hashtags", self.hashtags.is_some()),
            ("mentions", self.mentions.is_some()),
            ("privacy_level", self.privacy.is_some()),
            ("video_url", self.video.is_some()),
            ("thumbnail_url", self.thumbnail.is_some()),
        ];
        let words = |words: Option<Vec<String>>| -> Vec<String> {
            words.unwrap_or_default().into_iter().filter(|word| !word.is_empty()).collect()
        };
        let content = v1::PostContent {
            caption: self.caption.unwrap_or_default(),
            hashtags: words(self.hashtags),
            mentions: words(self.mentions),
            privacy_level: self.privacy.unwrap_or_default(),
            video_url: self.video.unwrap_or_default(),
            thumbnail_url: self.thumbnail.unwrap_or_default(),
            ..v1::PostContent::default()
        };
        let paths = given.into_iter().filter(|(_, is_given)| *is_given).map(|(path, _)| path.to_owned()).collect();
        (content, prost_types::FieldMask { paths })
    }
}

pub(super) async fn act(client: &Client, out: Output, wanted: Move) -> anyhow::Result<()> {
    let mut posts = client.posts();
    let post = match wanted {
        Move::Cancel { id } => posts.cancel_post(v1::CancelPostRequest { id }).await?,
        Move::Reschedule { id, at } => {
            let scheduled_at = Some(at.time());
            posts.reschedule_post(v1::ReschedulePostRequest { id, scheduled_at, revision: None }).await?
        }
        Move::Retry { id } => posts.retry_post(v1::RetryPostRequest { id }).await?,
        Move::PublishNow { id } => {
            let request = v1::PublishPostNowRequest { id, expected_scheduled_at: None };
            let answer = posts.publish_post_now(request).await?.into_inner();
            return out
                .message(&answer, |answer| format!("{}\n{}", look::list(answer.post.as_slice(), &[]), answer.message));
        }
        Move::Reconcile { id } => posts.reconcile_post(v1::ReconcilePostRequest { id }).await?,
        Move::Resolve { id, word, platform_post_id, url, note } => {
            let resolution = if word.published { v1::Resolution::Published } else { v1::Resolution::NotPublished };
            let request = v1::ResolvePostRequest {
                id,
                resolution: resolution.into(),
                platform_post_id,
                platform_post_url: url,
                note,
            };
            posts.resolve_post(request).await?
        }
        Move::Update { id, change, revision } => {
            let (content, fields) = change.content();
            let request = v1::UpdatePostRequest { id, content: Some(content), update_mask: Some(fields), revision };
            posts.update_post(request).await?
        }
    };
    out.message(&post.into_inner(), |post| look::list(std::slice::from_ref(post), &[]))
}

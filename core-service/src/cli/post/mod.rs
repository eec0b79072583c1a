//! `post …`: a client of the public API.

mod content;
mod follow;
mod look;
mod moves;
mod time;

use aurareels_proto::v1;
use clap::{
    Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};

pub(super) use self::follow::{at_rest, position};
use self::{content::Content, follow::follow, time::At};
use super::{
    client::{Client, Server},
    output::Output,
    show,
};

/// The statuses, as they are written here.
const STATUSES: [&str; 9] =
    ["draft", "scheduled", "publishing", "confirming", "published", "delivered", "failed", "needs-review", "cancelled"];

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
        #[command(flatten)]
        at: At,
    },
    /// Check a request without creating anything: every broken rule at once.
    Validate {
        #[command(flatten)]
        content: Content,
    },
    /// List posts, newest first.
    List {
        /// Only these.
        #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(STATUSES).map(|word| status(&word)))]
        status: Vec<i32>,
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
    #[command(flatten)]
    Move(moves::Move),
}

pub(super) async fn run(server: Server, action: Action) -> anyhow::Result<()> {
    let out = server.output();
    let client = server.client().await?;
    act(&client, out, action).await.map_err(show::readable)
}

async fn act(client: &Client, out: Output, action: Action) -> anyhow::Result<()> {
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
                video_job: None,
            };
            let answer = posts.publish_posts(request).await?.into_inner();
            out.message(&answer, |answer| look::list(&answer.posts, &answer.existed))?;
            if let Some(position) = position {
                follow(client, out, &answer.posts, position).await?;
            }
        }
        Action::Schedule { content, at } => {
            let request = v1::SchedulePostsRequest {
                accounts: content.accounts.clone(),
                content: Some(content.content(client).await?),
                scheduled_at: Some(at.time()),
                variations: content.variations(),
                request_key: content.request_key,
                allow_duplicate: content.allow_duplicate,
                ..v1::SchedulePostsRequest::default()
            };
            let answer = posts.schedule_posts(request).await?.into_inner();
            out.message(&answer, |answer| look::list(&answer.posts, &answer.existed))?;
        }
        Action::Validate { content } => {
            let request = v1::ValidatePostsRequest {
                accounts: content.accounts.clone(),
                content: Some(content.content(client).await?),
                scheduled_at: None,
                variations: content.variations(),
            };
            let answer = posts.validate_posts(request).await?.into_inner();
            out.message(&answer, look::verdict)?;
            anyhow::ensure!(answer.valid, "the request breaks {} rules", answer.violations.len());
        }
        Action::List { status, account, limit } => {
            let account_id = account.unwrap_or_default();
            let request = v1::ListPostsRequest { statuses: status, account_id, page_size: limit, ..Default::default() };
            let answer = posts.list_posts(request).await?.into_inner();
            out.message(&answer, |answer| look::list(&answer.posts, &[]))?;
        }
        Action::Show { id } => {
            out.message(&posts.get_post(v1::GetPostRequest { id }).await?.into_inner(), look::detail)?;
        }
        Action::Watch { ids, after } => {
            let request =
                v1::WatchPostsRequest { after_sequence: after, post_ids: ids, include_progress: true, types: vec![] };
            let mut events = posts.watch_posts(request).await?.into_inner();
            while let Some(message) = events.message().await? {
                if let Some(event) = message.event {
                    out.message(&event, follow::line)?;
                }
            }
        }
        Action::Move(wanted) => moves::act(client, out, wanted).await?,
    }
    Ok(())
}

/// The number of a status.
fn status(word: &str) -> i32 {
    let name = format!("POST_STATUS_{}", word.to_ascii_uppercase().replace('-', "_"));
    v1::PostStatus::from_str_name(&name).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_word() {
        let mut numbers: Vec<i32> = STATUSES.iter().map(|word| status(word)).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=9).collect::<Vec<_>>());
        assert!(v1::PostStatus::try_from(10).is_err(), "a status that the command line does not know");
    }
}

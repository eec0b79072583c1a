//! What happens to posts, as it happens.

use aurareels_proto::v1;
use tonic::Status;

use crate::cli::{client::Client, output::Output, show};

/// The newest position: the first heartbeat tells it.
pub(in crate::cli) async fn position(client: &Client) -> Result<i64, Status> {
    let mut stream = client.posts().watch_posts(v1::WatchPostsRequest::default()).await?.into_inner();
    Ok(stream.message().await?.map_or(0, |message| message.position))
}

/// Shows what happens until every post is at rest.
pub(super) async fn follow(client: &Client, out: Output, posts: &[v1::Post], position: i64) -> anyhow::Result<()> {
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
        out.message(&event, line)?;
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
pub(in crate::cli) fn at_rest(status: v1::PostStatus) -> bool {
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

/// An event in one line.
pub(super) fn line(event: &v1::Event) -> String {
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
    let link = match (event.status(), post) {
        (v1::PostStatus::Published, Some(post)) if !post.platform_post_url.is_empty() => {
            format!("  {}", post.platform_post_url)
        }
        _ => String::new(),
    };
    format!("{at}  {:>6}  {subject}  {whose}  {what}{reason}{link}", event.sequence)
}
